/* tiling.c - how a slab is cut into boxes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

enum { T = PEA__TILE_VOXELS };

/* What one axis does not need the others get; and all tiles along an axis are as large as one another. */
static void choose_size(const int64_t *extents, int64_t *size)
{
    int64_t side = 1;
    size[0] = pea__min_i64(extents[0], PEA__TILE_DEPTH);
    while ((side + 1) * (side + 1) * size[0] <= T)
        side++;
    size[2] = pea__min_i64(extents[2], side);
    size[1] = pea__min_i64(extents[1], T / (size[0] * size[2]));
    size[2] = pea__min_i64(extents[2], T / (size[0] * size[1]));
    size[0] = pea__min_i64(extents[0], T / (size[1] * size[2]));
    for (int axis = 0; axis < 3; axis++)
        size[axis] = pea__ceil_div(extents[axis], pea__ceil_div(extents[axis], size[axis]));
}

pea__tiling pea__tiling_of(const pea__graph *graph, const int64_t *size)
{
    pea__tiling t = {.end = {graph->dims.z, graph->dims.y, graph->dims.x}, .n = 1};
    int64_t extents[3];
    t.begin[graph->along] = graph->begin;
    t.end[graph->along] = graph->end;
    for (int axis = 0; axis < 3; axis++)
        extents[axis] = t.end[axis] - t.begin[axis];
    choose_size(extents, t.size);
    for (int axis = 0; axis < 3; axis++) {
        t.size[axis] = size ? pea__min_i64(size[axis], extents[axis]) : t.size[axis];
        t.count[axis] = pea__ceil_div(extents[axis], t.size[axis]);
        t.n *= t.count[axis];
    }
    return t;
}

pea__box pea__tile_box(const pea__tiling *tiling, int64_t tile)
{
    const int64_t at[3] = {tile / tiling->count[2] / tiling->count[1], tile / tiling->count[2] % tiling->count[1],
                           tile % tiling->count[2]};
    pea__box box;
    for (int axis = 0; axis < 3; axis++) {
        box.begin[axis] = tiling->begin[axis] + at[axis] * tiling->size[axis];
        box.end[axis] = pea__min_i64(box.begin[axis] + tiling->size[axis], tiling->end[axis]);
    }
    return box;
}
