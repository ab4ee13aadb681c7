/* mask_remove_small.c - clears specks of a mask: connected components, corners included, below a size.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/union_find.h"

#include <inttypes.h>

static void join(int32_t *parent, int64_t p, int64_t q)
{
    const uint32_t a = pea__find(parent, (uint32_t)p), b = pea__find(parent, (uint32_t)q);
    if (a != b)
        pea__unite(parent, parent[a] <= parent[b] ? a : b, parent[a] <= parent[b] ? b : a);
}

/* Join every pixel with those of its 8 neighbours that the raster has passed already. */
static void connect_row(const uint8_t *mask, int64_t y, int64_t n_x, int32_t *parent)
{
    for (int64_t x = 0; x < n_x; x++) {
        const int64_t p = y * n_x + x;
        parent[p] = -1;
        if (!mask[p])
            continue;
        if (x > 0 && mask[p - 1])
            join(parent, p, p - 1);
        if (y == 0)
            continue;
        for (int64_t q = p - n_x - (x > 0); q <= p - n_x + (x + 1 < n_x); q++)
            if (mask[q])
                join(parent, p, q);
    }
}

/* Clear the pixels of small components; sizes are those of the links, which stay. */
static void clear_row(uint8_t *mask, int64_t y, int64_t n_x, int32_t *parent, int64_t min_size)
{
    for (int64_t p = y * n_x; p < (y + 1) * n_x; p++)
        if (mask[p] && -(int64_t)parent[pea__find(parent, (uint32_t)p)] < min_size)
            mask[p] = 0;
}

static pea_status clean_planes(uint8_t *mask, pea_dims d, int64_t min_size, int32_t *parent, pea_context *context,
                               pea_error *err)
{
    const double n_rows = 2.0 * (double)d.z * (double)d.y;
    pea_status status = PEA_OK;
    for (int64_t z = 0; z < d.z; z++, mask += d.y * d.x)
        for (int64_t y = 0; y < 2 * d.y && status == PEA_OK; y++) { /* every row to connect, then every row to clear */
            status = pea__progress(context, (double)(2 * z * d.y + y) / n_rows, err);
            if (status == PEA_OK && y < d.y)
                connect_row(mask, y, d.x, parent);
            else if (status == PEA_OK)
                clear_row(mask, y - d.y, d.x, parent, min_size);
        }
    return status;
}

pea_status pea_mask_remove_small(const pea_array *mask, int64_t min_size, pea_context *context, pea_error *err)
{
    pea_status status = pea__array_check(mask, "mask", PEA_UINT8, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = mask->dims;
    const int64_t n = d.y * d.x;
    if (d.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "mask must have 1 channel, has %" PRId64, d.c);
    if (min_size < 0)
        return pea__fail(err, PEA_E_ARG, "smallest size %" PRId64 " must be at least 0", min_size);
    if (n > INT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "a plane of the mask has %" PRId64 " pixels, more than 2^31 - 1", n);
    int32_t *parent = pea__alloc_unset((size_t)n, sizeof *parent, err);
    if (!parent)
        return PEA_E_NOMEM;
    pea__stage(context, "clean up");
    status = clean_planes(mask->data, d, min_size, parent, context, err);
    pea__stage(context, NULL);
    pea__free_unset(parent);
    return status;
}
