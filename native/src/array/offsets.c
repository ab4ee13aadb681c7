/* offsets.c - the steps between compared voxels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "array/array.h"

pea_status pea_offsets_from_shifts(const int *shifts, size_t n_shifts, int neighbours, pea_offsets *offsets,
                                   pea_error *err)
{
    *offsets = (pea_offsets){.n_axes = 2};
    if (neighbours != 4 && neighbours != 8)
        return pea__fail(err, PEA_E_ARG, "neighbours must be 4 or 8, not %d", neighbours);
    if (n_shifts == 0)
        return pea__fail(err, PEA_E_ARG, "at least one shift is needed");
    const size_t per_shift = (size_t)neighbours / 2;
    if (n_shifts > PEA_MAX_OFFSETS / per_shift)
        return pea__fail(err, PEA_E_LIMIT, "%zu shifts make more than %d offsets", n_shifts, PEA_MAX_OFFSETS);
    for (size_t i = 0; i < n_shifts; i++) {
        const int s = shifts[i];
        if (s < 1 || s > INT16_MAX)
            return pea__fail(err, PEA_E_ARG, "shift %d is not between 1 and 32767", s);
        pea_offset *to = offsets->step + offsets->n;
        to[0] = (pea_offset){0, -s, 0};
        to[1] = (pea_offset){0, 0, -s};
        if (neighbours == 8) {
            to[2] = (pea_offset){0, -s, -s};
            to[3] = (pea_offset){0, -s, s};
        }
        offsets->n += per_shift;
    }
    return PEA_OK;
}

pea_offsets pea_offsets_3d_default(void)
{
    return (pea_offsets){.n_axes = 3,
                         .n = 12,
                         .step = {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {-2, 0, 0}, {0, -3, 0}, {0, 0, -3},
                                  {-3, 0, 0}, {0, -9, 0}, {0, 0, -9}, {-4, 0, 0}, {0, -27, 0}, {0, 0, -27}}};
}

pea_status pea__offsets_check(const pea_offsets *offsets, pea_error *err)
{
    if (!offsets)
        return pea__fail(err, PEA_E_ARG, "offsets are missing");
    if (offsets->n_axes != 2 && offsets->n_axes != 3)
        return pea__fail(err, PEA_E_ARG, "offsets must have 2 or 3 axes, have %d", offsets->n_axes);
    if (offsets->n > PEA_MAX_OFFSETS || offsets->n < (size_t)offsets->n_axes)
        return pea__fail(err, PEA_E_ARG, "%zu offsets given; %d to %d can be used", offsets->n, offsets->n_axes,
                         PEA_MAX_OFFSETS);
    for (size_t i = 0; i < offsets->n; i++) {
        const pea_offset o = offsets->step[i];
        if ((o.z == 0 && o.y == 0 && o.x == 0) || (offsets->n_axes == 2 && o.z != 0))
            return pea__fail(err, PEA_E_ARG, "offset %zu is (%d,%d,%d), which is no step in %d-D", i, (int)o.z,
                             (int)o.y, (int)o.x, offsets->n_axes);
    }
    return PEA_OK;
}

bool pea__offsets_same(const pea_offsets *a, const pea_offsets *b)
{
    bool same = a->n == b->n && a->n_axes == b->n_axes;
    for (size_t i = 0; i < a->n && same; i++)
        same = a->step[i].z == b->step[i].z && a->step[i].y == b->step[i].y && a->step[i].x == b->step[i].x;
    return same;
}
