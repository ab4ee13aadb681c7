/* torch_tensor.c - which shapes of nodes mean tensors, which of them are wanted, and their elements made contiguous.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

typedef enum meaning {
    UNKNOWN = 0,
    TENSOR,    /* (storage, offset, size, stride, ...) */
    PARAMETER, /* (tensor, ...) */
    STORAGE,
    HARMLESS
} meaning;

typedef struct known_name {
    const char *module, *name;
    meaning meaning;
    pea__element element; /* of a storage */
} known_name;

static const known_name known_names[] = {
    {"torch._utils", "_rebuild_tensor_v2", TENSOR, 0},
    {"torch._utils", "_rebuild_tensor", TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", PARAMETER, 0},
    {"torch._utils", "_rebuild_parameter_with_state", PARAMETER, 0},
    {"torch.nn.parameter", "Parameter", PARAMETER, 0},
    {"torch", "FloatStorage", STORAGE, PEA__F32},
    {"torch", "DoubleStorage", STORAGE, PEA__F64},
    {"torch", "HalfStorage", STORAGE, PEA__F16},
    {"torch", "BFloat16Storage", STORAGE, PEA__BF16},
    {"torch", "LongStorage", STORAGE, PEA__I64},
    {"torch", "IntStorage", STORAGE, PEA__I32},
    {"torch", "ShortStorage", STORAGE, PEA__I16},
    {"torch", "CharStorage", STORAGE, PEA__I8},
    {"torch", "ByteStorage", STORAGE, PEA__U8},
    {"torch", "BoolStorage", STORAGE, PEA__BOOL},
    {"torch", "UntypedStorage", STORAGE, PEA__RAW},
    {"torch.storage", "UntypedStorage", STORAGE, PEA__RAW},
    {"collections", "OrderedDict", HARMLESS, 0},
    {"torch", "Size", HARMLESS, 0},
    {"torch", "device", HARMLESS, 0},
    {"torch", "float32", HARMLESS, 0},
    {"torch", "float64", HARMLESS, 0},
    {"torch", "float16", HARMLESS, 0},
    {"torch", "bfloat16", HARMLESS, 0},
    {"torch", "uint8", HARMLESS, 0},
    {"torch", "int8", HARMLESS, 0},
    {"torch", "int16", HARMLESS, 0},
    {"torch", "int32", HARMLESS, 0},
    {"torch", "int64", HARMLESS, 0},
    {"torch", "bool", HARMLESS, 0},
    {"torch", "complex64", HARMLESS, 0},
    {"torch", "complex128", HARMLESS, 0},
    {"_codecs", "encode", HARMLESS, 0},
    {"numpy", "dtype", HARMLESS, 0},
    {"numpy", "ndarray", HARMLESS, 0},
    {"numpy.core.multiarray", "scalar", HARMLESS, 0},
    {"numpy._core.multiarray", "scalar", HARMLESS, 0},
    {"numpy.core.multiarray", "_reconstruct", HARMLESS, 0},
    {"numpy._core.multiarray", "_reconstruct", HARMLESS, 0},
};

/* NULL: an unknown name, or no name at all. The storages of torch.cuda are those of torch. */
static const known_name *find_name(const pea__node *node)
{
    for (size_t i = 0; i < sizeof known_names / sizeof *known_names; i++) {
        const known_name *known = &known_names[i];
        if (pea__node_is_global(node, known->module, known->name) ||
            (known->meaning == STORAGE && pea__node_is_global(node, "torch.cuda", known->name)))
            return known;
    }
    return NULL;
}

static meaning meaning_of_call(const pea__node *node)
{
    const known_name *known = node->kind == PEA__CALL ? find_name(node->items[0]) : NULL;
    return known ? known->meaning : UNKNOWN;
}

static pea_status refuse_name(const pea__node *global, pea_error *err)
{
    char module[64], name[64];
    return pea__fail(err, PEA_E_FORMAT,
                     "the checkpoint contains an object of the kind %s %s, which is not read: save only the state_dict",
                     pea__printable(global->items[0]->text, global->items[0]->n, module),
                     pea__printable(global->items[1]->text, global->items[1]->n, name));
}

/* ---- storages ---- */

int pea__key_compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    const int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int compare_storages(const void *a, const void *b)
{
    const pea__storage *p = a, *q = b;
    return pea__key_compare(p->key, p->key_bytes, q->key, q->key_bytes);
}

/* ('storage', type, key, location, numel), in legacy files with one item more. */
static pea_status read_reference(const pea__node *reference, pea__storage *storage, pea_error *err)
{
    const pea__node *id = reference->items[0];
    int64_t n_bytes;
    char shown[64];
    if (id->kind == PEA__TUPLE && id->n > 0 && pea__node_is_text(id->items[0], "module"))
        return pea__fail(err, PEA_E_FORMAT, "the file is a whole pickled module: save its state_dict instead");
    if (id->kind != PEA__TUPLE || (id->n != 5 && id->n != 6) || !pea__node_is_text(id->items[0], "storage") ||
        id->items[1]->kind != PEA__GLOBAL || id->items[2]->kind != PEA__TEXT || id->items[4]->kind != PEA__INTEGER)
        return pea__fail(err, PEA_E_FORMAT, "a reference to a storage does not have the form of PyTorch's");
    const known_name *known = find_name(id->items[1]);
    if (!known || known->meaning != STORAGE)
        return refuse_name(id->items[1], err);
    const pea__node *key = id->items[2];
    *storage = (pea__storage){.key = key->text, .key_bytes = key->n, .type = known->element,
                              .n_elements = id->items[4]->integer};
    if (storage->key_bytes == 0 ||
        !pea__mul_i64(storage->n_elements, (int64_t)pea__element_bytes(storage->type), &n_bytes))
        return pea__fail(err, PEA_E_FORMAT, "storage %s claims %" PRId64 " elements",
                         pea__printable(key->text, key->n, shown), storage->n_elements);
    return PEA_OK;
}

pea_status pea__storages_collect(const pea__pickle *pickle, pea__storages *storages, pea_error *err)
{
    char shown[64];
    *storages = (pea__storages){0};
    pea__storage *all = pea__arena_get(pickle->arena, pickle->n_references, sizeof *all, err);
    if (!all)
        return err->status;
    size_t n = 0;
    for (const pea__node *node = pickle->references; node; node = node->next, n++) {
        const pea_status status = read_reference(node, &all[n], err);
        if (status != PEA_OK)
            return status;
    }
    qsort(all, n, sizeof *all, compare_storages);
    for (size_t i = 0; i < n; i++) {
        const pea__storage *last = storages->n ? &all[storages->n - 1] : NULL;
        if (!last || compare_storages(last, &all[i]) != 0)
            all[storages->n++] = all[i];
        else if (last->type != all[i].type || last->n_elements != all[i].n_elements)
            return pea__fail(err, PEA_E_FORMAT, "storage %s is used with different types or sizes",
                             pea__printable(last->key, last->key_bytes, shown));
    }
    storages->items = all;
    return PEA_OK;
}

/* ---- tensors ---- */

/* A tensor as the pickle describes it: a view of a storage. */
typedef struct view {
    struct view *next; /* of the same storage */
    const pea__storage *storage;
    int64_t first; /* element of the storage */
    int n_axes;
    int64_t shape[PEA_MAX_TENSOR_AXES], stride[PEA_MAX_TENSOR_AXES];
    int64_t n_elements;
    const char *name;
    void *to; /* float32 or int64, contiguous */
} view;

static bool integers_of(const pea__node *node, int64_t *values, int *n)
{
    if (node->kind == PEA__CALL && pea__node_is_global(node->items[0], "torch", "Size") && !node->changed &&
        node->items[1]->n == 1)
        node = node->items[1]->items[0];
    if (node->kind != PEA__TUPLE || node->n > PEA_MAX_TENSOR_AXES)
        return false;
    for (uint32_t i = 0; i < node->n; i++) {
        if (node->items[i]->kind != PEA__INTEGER || node->items[i]->integer < 0)
            return false;
        values[i] = node->items[i]->integer;
    }
    *n = (int)node->n;
    return true;
}

/* The largest element a view reaches must lie in [0, limit). An empty one reaches none, wherever it begins. */
static bool view_fits(const view *v, int64_t limit)
{
    int64_t last = v->first, reach;
    for (int axis = 0; axis < v->n_axes; axis++)
        if (v->shape[axis] > 0 &&
            (!pea__mul_i64(v->shape[axis] - 1, v->stride[axis], &reach) || !pea__add_i64(last, reach, &last)))
            return false;
    return v->n_elements == 0 || last < limit;
}

/* Old legacy files: (view_key, offset, numel) says that the reference means a slice of its storage. */
static pea_status apply_slice(const pea__node *slice, const pea__storage *storage, int64_t *first, int64_t *limit,
                              pea_error *err)
{
    int64_t end;
    *first = 0;
    *limit = storage->n_elements;
    if (slice->kind == PEA__NONE)
        return PEA_OK;
    if (slice->kind != PEA__TUPLE || slice->n != 3 || slice->items[1]->kind != PEA__INTEGER ||
        slice->items[2]->kind != PEA__INTEGER ||
        !pea__add_i64(slice->items[1]->integer, slice->items[2]->integer, &end) || end > storage->n_elements)
        return pea__fail(err, PEA_E_FORMAT, "a view of a storage does not lie inside the storage");
    *first = slice->items[1]->integer;
    *limit = end;
    return PEA_OK;
}

static pea_status count_view(view *v, pea_error *err)
{
    char shown[64];
    if (pea__shape_count(v->shape, v->n_axes, &v->n_elements) && v->n_elements <= INT64_C(1) << 31)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT, "tensor %s has more than 2^31 elements",
                     pea__printable(v->name, strlen(v->name), shown));
}

/* (storage, offset, size, stride, ...) as the arguments of a call. */
static pea_status read_view(const pea__node *call, const pea__storages *storages, view *v, pea_error *err)
{
    char shown[64];
    const pea__node *arguments = call->items[1];
    const char *name = pea__printable(v->name, strlen(v->name), shown);
    int n_strides = 0;
    if (call->changed)
        return pea__fail(err, PEA_E_FORMAT, "tensor %s is changed after it was made, which is not read", name);
    if (arguments->n < 4 || arguments->items[0]->kind != PEA__PERSISTENT || arguments->items[1]->kind != PEA__INTEGER ||
        arguments->items[1]->integer < 0 || !integers_of(arguments->items[2], v->shape, &v->n_axes) ||
        !integers_of(arguments->items[3], v->stride, &n_strides) || n_strides != v->n_axes)
        return pea__fail(err, PEA_E_FORMAT,
                         "tensor %s is not described by a storage, an offset, and a size and a stride of at most %d "
                         "numbers, none negative",
                         name, PEA_MAX_TENSOR_AXES);
    pea__storage wanted = {0};
    pea_status status = read_reference(arguments->items[0], &wanted, err);
    if (status == PEA_OK)
        status = count_view(v, err);
    if (status != PEA_OK)
        return status;
    if (wanted.type == PEA__RAW)
        return pea__fail(err, PEA_E_FORMAT, "tensor %s is stored without an element type, which is not read", name);
    v->storage = bsearch(&wanted, storages->items, storages->n, sizeof wanted, compare_storages);

    int64_t base = 0, limit = v->storage->n_elements;
    const pea__node *id = arguments->items[0]->items[0];
    if (id->n == 6)
        status = apply_slice(id->items[5], v->storage, &base, &limit, err);
    if (status != PEA_OK)
        return status;
    if (!pea__add_i64(base, arguments->items[1]->integer, &v->first) || !view_fits(v, limit))
        return pea__fail(err, PEA_E_FORMAT, "tensor %s reaches beyond the %" PRId64 " elements of its storage", name,
                         v->storage->n_elements);
    return PEA_OK;
}

/* The tensor call behind a value, through any number of parameters around it; NULL: no tensor. */
static const pea__node *tensor_call(const pea__node *node)
{
    for (int depth = 0; depth < 4; depth++) {
        const meaning what = meaning_of_call(node);
        if (what == TENSOR)
            return node;
        if (what != PARAMETER || node->items[1]->n == 0)
            return NULL;
        node = node->items[1]->items[0];
    }
    return NULL;
}

/* ---- elements ---- */

static void copy_view(const view *v, const unsigned char *bytes, bool big_endian)
{
    const pea__element type = v->storage->type;
    const int64_t size = (int64_t)pea__element_bytes(type);
    char *to = v->to;
    if (v->n_axes == 0) {
        pea__elements_convert(type, big_endian, bytes + v->first * size, 1, 1, to);
        return;
    }
    if (v->n_elements == 0)
        return;
    const int inner = v->n_axes - 1;
    const int64_t row = v->shape[inner], row_bytes = row * (int64_t)pea_dtype_size_bytes(pea__element_dtype(type));
    int64_t at[PEA_MAX_TENSOR_AXES] = {0}, from = v->first;
    for (int64_t done = 0; done < v->n_elements; done += row, to += row_bytes) {
        pea__elements_convert(type, big_endian, bytes + from * size, v->stride[inner], row, to);
        for (int axis = inner - 1; axis >= 0; axis--) { /* the next row: an odometer over the outer axes */
            from += v->stride[axis];
            if (++at[axis] < v->shape[axis])
                break;
            from -= v->stride[axis] * v->shape[axis];
            at[axis] = 0;
        }
    }
}

static pea_status check_finite(const view *v, pea_error *err)
{
    char shown[64];
    int64_t which;
    if (pea__element_dtype(v->storage->type) != PEA_FLOAT32 || pea__all_finite(v->to, v->n_elements, &which))
        return PEA_OK;
    return pea__fail(err, PEA_E_FORMAT,
                     "tensor %s contains NaN, infinity or a number beyond float32 (element %" PRId64
                     "): such a network cannot work",
                     pea__printable(v->name, strlen(v->name), shown), which);
}

/* A storage is read once, whole, for all of its views. */
static pea_status load_views(const pea__storage *storage, const view *views, const pea__container *container,
                             pea__budget *budget, pea_error *err)
{
    const int64_t n_bytes = storage->n_elements * (int64_t)pea__element_bytes(storage->type);
    pea_status status = pea__budget_take(budget, n_bytes, err);
    if (status != PEA_OK)
        return status;
    unsigned char *bytes = pea__alloc_unset((size_t)n_bytes, 1, err);
    status = bytes ? container->load(container->self, storage, bytes, err) : PEA_E_NOMEM;
    for (const view *v = views; v && status == PEA_OK; v = v->next) {
        copy_view(v, bytes, container->big_endian);
        status = check_finite(v, err);
    }
    pea__free_unset(bytes);
    pea__budget_return(budget, n_bytes);
    return status;
}

/* ---- the wanted dict ---- */

/* What an import works with. */
typedef struct search {
    pea__arena *arena;
    const pea__storages *storages;
    pea__budget *budget;
    pea_weights *weights;
    view **views; /* of each storage */
    pea_error *err;
} search;

static pea_status add_tensor(search *s, const char *name, size_t name_bytes, const pea__node *call)
{
    pea_status status = pea__name_check(name, name_bytes, s->err);
    if (status != PEA_OK)
        return status;
    view *v = pea__arena_get(s->arena, 1, sizeof *v, s->err);
    char *copy = v ? pea__arena_get(s->arena, name_bytes + 1, 1, s->err) : NULL;
    if (!copy)
        return s->err->status;
    memcpy(copy, name, name_bytes);
    v->name = copy;
    status = read_view(call, s->storages, v, s->err);
    if (status != PEA_OK)
        return status;
    if (pea_weights_count(s->weights) >= PEA__MAX_TENSORS)
        return pea__fail(s->err, PEA_E_LIMIT, "the checkpoint has more than %d tensors", (int)PEA__MAX_TENSORS);
    const pea_dtype dtype = pea__element_dtype(v->storage->type);
    status = pea__budget_take(s->budget, v->n_elements * (int64_t)pea_dtype_size_bytes(dtype), s->err);
    if (status == PEA_OK)
        status = pea__weights_add(s->weights, v->name, dtype, v->n_axes, v->shape, NULL, &v->to, s->err);
    if (status != PEA_OK)
        return status;
    view **list = &s->views[v->storage - s->storages->items];
    v->next = *list;
    *list = v;
    return PEA_OK;
}

/* The value of a key in a dict, or NULL. Of equal keys the first; check_keys() refuses those. */
static pea__node *value_of(const pea__node *dict, const char *key)
{
    pea__items items = pea__items_of(dict);
    for (const pea__node *found; (found = pea__items_next(&items));) {
        pea__node *value = pea__items_next(&items);
        if (pea__node_is_text(found, key))
            return value;
    }
    return NULL;
}

static int compare_texts(const void *a, const void *b)
{
    const pea__node *p = *(pea__node *const *)a, *q = *(pea__node *const *)b;
    return pea__key_compare(p->text, p->n, q->text, q->n);
}

/* Each key of a dict that we look into is a text and occurs once. */
static pea_status check_keys(search *s, const pea__node *dict)
{
    char shown[64];
    size_t n = 0;
    pea__items items = pea__items_of(dict);
    for (const pea__node *key; (key = pea__items_next(&items)); n++) {
        (void)pea__items_next(&items);
        if (key->kind != PEA__TEXT)
            return pea__fail(s->err, PEA_E_FORMAT, "a key of the state dict is not a text");
    }
    const pea__node **keys = pea__arena_get(s->arena, n, sizeof *keys, s->err);
    if (!keys)
        return s->err->status;
    n = 0;
    items = pea__items_of(dict);
    for (const pea__node *key; (key = pea__items_next(&items)); keys[n++] = key)
        (void)pea__items_next(&items);
    qsort(keys, n, sizeof *keys, compare_texts);
    for (size_t i = 1; i < n; i++)
        if (compare_texts(&keys[i - 1], &keys[i]) == 0)
            return pea__fail(s->err, PEA_E_FORMAT, "the key %s occurs twice",
                             pea__printable(keys[i]->text, keys[i]->n, shown));
    return PEA_OK;
}

/* Everything below a wanted dict must be of kinds we know: an unknown object there might be a tensor of another form.
 * Nodes make a graph, with cycles: each is queued once. (The queue takes over the chain of references, which nobody
 * needs any more.) */
static pea_status check_names_below(pea__node *root, pea_error *err)
{
    pea__node *queue = root;
    root->seen = 1;
    root->next = NULL;
    while (queue) {
        const pea__node *node = queue;
        queue = node->next;
        if (node->kind == PEA__GLOBAL && !find_name(node))
            return refuse_name(node, err);
        if (node->kind == PEA__GLOBAL)
            continue;
        pea__items items = pea__items_of(node);
        for (pea__node *child; (child = pea__items_next(&items));)
            if (!child->seen && child->kind >= PEA__TUPLE) {
                child->seen = 1;
                child->next = queue;
                queue = child;
            }
    }
    return PEA_OK;
}

/* The state dict: below one of the usual keys, or (left as it is) the top itself. */
static pea_status find_state_dict(search *s, pea__node *root, pea__node **dict)
{
    static const char *const usual[] = {"model_weights", "state_dict", "model"};
    const pea_status status = check_keys(s, root);
    for (size_t i = 0; i < sizeof usual / sizeof *usual && status == PEA_OK; i++) {
        pea__node *value = value_of(root, usual[i]);
        if (value && value->kind == PEA__DICT) {
            *dict = value;
            return value == root ? PEA_OK : check_keys(s, value);
        }
    }
    return status;
}

static pea_status add_all(search *s, pea__node *root)
{
    pea__node *dict = root;
    const pea__node *call = tensor_call(root);
    if (call) /* torch.save(tensor) */
        return add_tensor(s, "tensor", strlen("tensor"), call);
    if (root->kind == PEA__CALL && meaning_of_call(root) == UNKNOWN)
        return refuse_name(root->items[0], s->err);
    if (root->kind != PEA__DICT)
        return pea__fail(s->err, PEA_E_FORMAT, "the checkpoint holds no dict of tensors");
    pea_status status = find_state_dict(s, root, &dict);
    if (status == PEA_OK)
        status = check_names_below(dict, s->err);
    pea__items items = pea__items_of(dict);
    for (const pea__node *key; status == PEA_OK && (key = pea__items_next(&items));) {
        call = tensor_call(pea__items_next(&items));
        if (call)
            status = add_tensor(s, key->text, key->n, call);
    }
    if (status == PEA_OK && pea_weights_count(s->weights) == 0)
        return pea__fail(s->err, PEA_E_FORMAT, "the checkpoint has no tensor at its top or under \"model_weights\", "
                         "\"state_dict\" or \"model\"");
    return status;
}

/* Names saved from a network that was wrapped for several devices. */
static void strip_module(pea_weights *weights)
{
    static const char prefix[] = "module.";
    const size_t n = pea_weights_count(weights);
    for (size_t i = 0; i < n; i++) {
        const char *name = pea_weights_tensor(weights, i).name;
        if (strncmp(name, prefix, strlen(prefix)) != 0 || name[strlen(prefix)] == '\0')
            return;
    }
    pea__weights_strip_prefix(weights, prefix);
}

pea_status pea__tensors_import(pea__node *root, const pea__storages *storages, const pea__container *container,
                               pea__budget *budget, pea_weights *weights, pea_error *err)
{
    pea__arena arena = {.budget = budget};
    search s = {.arena = &arena, .storages = storages, .budget = budget, .weights = weights, .err = err};
    s.views = pea__arena_get(&arena, storages->n, sizeof *s.views, err);
    pea_status status = s.views ? add_all(&s, root) : err->status;
    for (size_t i = 0; i < storages->n && status == PEA_OK; i++)
        if (s.views[i])
            status = load_views(&storages->items[i], s.views[i], container, budget, err);
    if (status == PEA_OK)
        strip_module(weights);
    pea__arena_free(&arena);
    return status;
}
