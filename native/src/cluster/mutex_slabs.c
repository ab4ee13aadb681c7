/* mutex_slabs.c - the mutex watershed of a volume that comes in slabs. So far slabs are kept until all are there.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>
#include <string.h>

struct pea_mutex_slabs {
    pea_offsets offsets;
    pea_mutex_options options;
    pea_context *context;
    pea_array affinity, mask, labels; /* of the whole; data of the first two is owned */
    int axis;                         /* along which slabs follow one another: 0 is z, 1 is y */
    int64_t n_planes, n_there;        /* along it */
};

static int64_t extent(pea_dims d, int axis)
{
    return axis == 0 ? d.z : d.y;
}

pea_status pea_mutex_slabs_new(pea_dims dims, const pea_offsets *offsets, const pea_mutex_options *options,
                               pea_context *context, const pea_array *labels, pea_mutex_slabs **slabs, pea_error *err)
{
    pea_mutex_options chosen = pea_mutex_options_default();
    *slabs = NULL;
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = pea__options_take(&chosen, sizeof chosen, options, "mutex watershed", err);
    if (status == PEA_OK)
        status = pea__labels_check(labels, err);
    if (status != PEA_OK)
        return status;
    if (labels->dims.z != dims.z || labels->dims.y != dims.y || labels->dims.x != dims.x)
        return pea__fail(err, PEA_E_SHAPE, "labels must be %" PRId64 " x %" PRId64 " x %" PRId64 " (z,y,x)", dims.z,
                         dims.y, dims.x);
    const size_t n = (size_t)(dims.z * dims.y * dims.x);
    pea_mutex_slabs *s = pea__alloc(1, sizeof *s, err);
    if (!s)
        return PEA_E_NOMEM;
    *s = (pea_mutex_slabs){.offsets = *offsets, .options = chosen, .context = context, .labels = *labels};
    s->axis = dims.z > 1 ? 0 : 1;
    s->n_planes = extent(dims, s->axis);
    s->affinity = (pea_array){NULL, PEA_FLOAT32, {dims.z, dims.y, dims.x, (int64_t)offsets->n}};
    s->affinity.data = pea__alloc_unset(n, offsets->n * sizeof(float), err);
    if (!s->affinity.data) {
        pea_mutex_slabs_free(s);
        return PEA_E_NOMEM;
    }
    *slabs = s;
    return PEA_OK;
}

static pea_status check_slab(const pea_mutex_slabs *s, const pea_array *affinity, const pea_array *mask,
                             pea_error *err)
{
    pea_status status = pea__array_check(affinity, "affinity", PEA_FLOAT32, err);
    if (status == PEA_OK && mask)
        status = pea__mask_check(mask, affinity, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = affinity->dims, whole = s->affinity.dims;
    if (d.c != whole.c)
        return pea__fail(err, PEA_E_SHAPE, "affinity must have %" PRId64 " channels, one for each offset, has %" PRId64,
                         whole.c, d.c);
    if (d.x != whole.x || (s->axis == 0 ? d.y != whole.y : d.z != 1))
        return pea__fail(err, PEA_E_SHAPE, "a slab must be as wide as the whole in all but its first axis");
    if (extent(d, s->axis) > s->n_planes - s->n_there)
        return pea__fail(err, PEA_E_SHAPE, "%" PRId64 " planes were added where %" PRId64 " are left",
                         extent(d, s->axis), s->n_planes - s->n_there);
    if (s->n_there > 0 && (mask != NULL) != (s->mask.data != NULL))
        return pea__fail(err, PEA_E_ARG, "a mask must come with every slab or with none");
    return PEA_OK;
}

pea_status pea_mutex_slabs_add(pea_mutex_slabs *slabs, const pea_array *affinity, const pea_array *mask,
                               pea_error *err)
{
    pea_mutex_slabs *s = slabs;
    const pea_status status = check_slab(s, affinity, mask, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = affinity->dims, whole = s->affinity.dims;
    const int64_t plane = whole.z * whole.y * whole.x / s->n_planes, n = d.z * d.y * d.x;
    if (mask && !s->mask.data) {
        s->mask = (pea_array){NULL, PEA_UINT8, {whole.z, whole.y, whole.x, 1}};
        s->mask.data = pea__alloc_unset((size_t)(s->n_planes * plane), 1, err);
        if (!s->mask.data)
            return PEA_E_NOMEM;
    }
    memcpy((float *)s->affinity.data + s->n_there * plane * whole.c, affinity->data,
           (size_t)(n * whole.c) * sizeof(float));
    if (mask)
        memcpy((uint8_t *)s->mask.data + s->n_there * plane, mask->data, (size_t)n);
    s->n_there += extent(d, s->axis);
    return PEA_OK;
}

pea_status pea_mutex_slabs_finish(pea_mutex_slabs *slabs, uint32_t *n_labels, pea_error *err)
{
    pea_mutex_slabs *s = slabs;
    if (s->n_there != s->n_planes)
        return pea__fail(err, PEA_E_ARG, "%" PRId64 " of %" PRId64 " planes were added: add all of them first",
                         s->n_there, s->n_planes);
    return pea_mutex_watershed(&s->affinity, &s->offsets, s->mask.data ? &s->mask : NULL, &s->options, s->context,
                               &s->labels, n_labels, err);
}

void pea_mutex_slabs_free(pea_mutex_slabs *slabs)
{
    if (!slabs)
        return;
    pea__free_unset(slabs->affinity.data);
    pea__free_unset(slabs->mask.data);
    pea__free(slabs);
}
