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
static void connect(const uint8_t *mask, int64_t n_y, int64_t n_x, int32_t *parent)
{
    for (int64_t y = 0; y < n_y; y++)
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

pea_status pea_mask_remove_small(const pea_array *mask, int64_t min_size, pea_error *err)
{
    const pea_status status = pea__array_check(mask, "mask", PEA_UINT8, err);
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
    for (int64_t z = 0; z < d.z; z++) {
        uint8_t *plane = (uint8_t *)mask->data + z * n;
        connect(plane, d.y, d.x, parent);
        for (int64_t p = 0; p < n; p++)
            if (plane[p] && -(int64_t)parent[pea__find(parent, (uint32_t)p)] < min_size)
                plane[p] = 0; /* sizes are those of the links, which stay */
    }
    pea__free_unset(parent);
    return PEA_OK;
}
