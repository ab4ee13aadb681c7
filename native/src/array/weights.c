/* weights.c - a list of named tensors: filled by a reader, then only read.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "array/array.h"

#include <string.h>

typedef struct entry {
    char *name;
    size_t name_bytes;
    pea_tensor tensor; /* its data are owned; name and data are set on the way out */
    void *data;
} entry;

struct pea_weights {
    entry *entries;
    size_t n, capacity;
    char *metadata;
};

pea_status pea__weights_new(pea_weights **weights, pea_error *err)
{
    *weights = pea__alloc(1, sizeof **weights, err);
    return *weights ? PEA_OK : PEA_E_NOMEM;
}

void pea_weights_free(pea_weights *weights)
{
    if (!weights)
        return;
    for (size_t i = 0; i < weights->n; i++) {
        pea__free(weights->entries[i].name);
        pea__free(weights->entries[i].data);
    }
    pea__free(weights->entries);
    pea__free(weights->metadata);
    pea__free(weights);
}

static pea_status make_room(pea_weights *weights, pea_error *err)
{
    entry *grown = pea__room_for_one(weights->entries, weights->n, &weights->capacity, sizeof *grown, err);
    if (!grown)
        return PEA_E_NOMEM;
    weights->entries = grown;
    return PEA_OK;
}

/* Elements of a shape whose bytes can be addressed. */
static pea_status count_elements(const char *name, pea_dtype dtype, int n_axes, const int64_t *shape, int64_t *n,
                                 pea_error *err)
{
    char shown[64];
    int64_t n_bytes;
    const int64_t item_bytes = (int64_t)pea_dtype_size_bytes(dtype);
    const bool good = pea__shape_count(shape, n_axes, n) && pea__mul_i64(*n, item_bytes, &n_bytes);
    return good ? PEA_OK
                : pea__fail(err, PEA_E_LIMIT, "tensor %s has an impossible shape",
                            pea__printable(name, strlen(name), shown));
}

pea_status pea__weights_add(pea_weights *weights, const char *name, pea_dtype dtype, int n_axes,
                            const int64_t *shape, void *data, void **stored, pea_error *err)
{
    char shown[64];
    int64_t n_elements = 0;
    char *copy = NULL;
    pea_status status = PEA_OK;
    if (n_axes < 0 || n_axes > PEA_MAX_TENSOR_AXES)
        status = pea__fail(err, PEA_E_LIMIT, "tensor %s has %d axes, more than %d",
                           pea__printable(name, strlen(name), shown), n_axes, PEA_MAX_TENSOR_AXES);
    else if (pea_weights_find(weights, name, NULL))
        status = pea__fail(err, PEA_E_FORMAT, "tensor %s occurs twice", pea__printable(name, strlen(name), shown));
    else
        status = count_elements(name, dtype, n_axes, shape, &n_elements, err);
    if (status == PEA_OK)
        status = make_room(weights, err);
    if (status == PEA_OK && !(copy = pea__copy_text(name, strlen(name), err)))
        status = PEA_E_NOMEM;
    if (status == PEA_OK && !data && !(data = pea__alloc((size_t)n_elements, pea_dtype_size_bytes(dtype), err)))
        status = PEA_E_NOMEM;
    if (status != PEA_OK) {
        pea__free(copy);
        pea__free(data);
        return status;
    }
    entry *e = &weights->entries[weights->n++];
    *e = (entry){.name = copy, .name_bytes = strlen(copy), .tensor = {.dtype = dtype, .n_axes = n_axes}, .data = data};
    for (int axis = 0; axis < n_axes; axis++)
        e->tensor.shape[axis] = shape[axis];
    if (stored)
        *stored = data;
    return PEA_OK;
}

pea_status pea__weights_set_metadata(pea_weights *weights, const char *json, size_t length_bytes, pea_error *err)
{
    char *copy = pea__copy_text(json, length_bytes, err);
    if (!copy)
        return PEA_E_NOMEM;
    pea__free(weights->metadata);
    weights->metadata = copy;
    return PEA_OK;
}

void pea__weights_strip_prefix(pea_weights *weights, const char *prefix)
{
    const size_t n = strlen(prefix);
    for (size_t i = 0; i < weights->n; i++) {
        entry *e = &weights->entries[i];
        if (strncmp(e->name, prefix, n) != 0)
            continue;
        e->name_bytes -= n;
        memmove(e->name, e->name + n, e->name_bytes + 1);
    }
}

size_t pea_weights_count(const pea_weights *weights)
{
    return weights->n;
}

pea_tensor pea_weights_tensor(const pea_weights *weights, size_t index)
{
    const entry *e = &weights->entries[index];
    pea_tensor tensor = e->tensor;
    tensor.name = e->name;
    tensor.data = e->data;
    return tensor;
}

/* A plain search: networks have some two hundred tensors. Readers of hostile files bound the count. */
bool pea__weights_index(const pea_weights *weights, const char *name, size_t *index)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < weights->n; i++)
        if (weights->entries[i].name_bytes == n && memcmp(weights->entries[i].name, name, n) == 0) {
            *index = i;
            return true;
        }
    return false;
}

int pea_weights_find(const pea_weights *weights, const char *name, pea_tensor *tensor)
{
    size_t index;
    if (!pea__weights_index(weights, name, &index))
        return 0;
    if (tensor)
        *tensor = pea_weights_tensor(weights, index);
    return 1;
}

const char *pea_weights_metadata(const pea_weights *weights)
{
    return weights->metadata;
}
