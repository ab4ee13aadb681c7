/* tile.c - a volume in overlapping tiles, and their blending with Gaussian weights.
 *
 *          margin |<------ volume ------>| margin         the margin is mirrored
 *          [---- tile 0 ----]
 *                 [---- tile 1 ----]                      start = index * step,
 *                        [---- tile 2 ----]               the last one moved back so that it ends at the end
 *
 * Only what falls into the volume is ever stored: the margins are context.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>

/* A small volume gets one tile that is just large enough for the network; the mirror then goes on behind the margin.
 * The published grid takes 25 slices in two tiles with a step of 15, and no other depth between its multiples of 10. */
static pea__tile_axis plan_axis(int64_t n, int64_t size, int64_t step, int64_t margin, int64_t grid)
{
    pea__tile_axis a = {.size = size, .step = step, .margin = margin, .n = 1, .padded = n + 2 * margin};
    if (a.padded <= size) {
        a.padded = pea__ceil_div(a.padded, grid) * grid;
        a.size = a.padded;
        return a;
    }
    if (grid == 1 && n == 25 && size == 18 && step == 10 && margin == 4)
        a.step = 15;
    a.n = 1 + pea__ceil_div(a.padded - size, a.step);
    return a;
}

pea_status pea__tiles_plan(const pea_segment_options *options, pea_dims volume, int grid, pea__tiles *tiles,
                           pea_error *err)
{
    static const char axis_names[] = "zyx";
    const int64_t extent[3] = {volume.z, volume.y, volume.x}, multiple[3] = {1, grid, grid};
    pea__tile_axis axes[3];
    for (int i = 0; i < 3; i++) {
        const int64_t size = options->tile[i], step = options->tile_step[i], margin = options->tile_margin[i];
        if (extent[i] < 1 || extent[i] > INT64_C(1) << 31)
            return pea__fail(err, PEA_E_LIMIT, "a volume's %c extent of %" PRId64 " is not between 1 and 2^31",
                             axis_names[i], extent[i]);
        if (size < multiple[i] || size > 65536 || size % multiple[i] != 0)
            return pea__fail(err, PEA_E_ARG,
                             "a tile's %c extent must be a multiple of %" PRId64 " up to 65536, not %" PRId64,
                             axis_names[i], multiple[i], size);
        if (step < 1 || step > size)
            return pea__fail(err, PEA_E_ARG, "the %c step of tiles of %" PRId64 " must be 1 to that, not %" PRId64,
                             axis_names[i], size, step);
        if (margin < 0 || margin > size)
            return pea__fail(err, PEA_E_ARG, "the %c margin of tiles of %" PRId64 " must be 0 to that, not %" PRId64,
                             axis_names[i], size, margin);
        axes[i] = plan_axis(extent[i], size, step, margin, multiple[i]);
    }
    *tiles = (pea__tiles){axes[0], axes[1], axes[2]};
    return PEA_OK;
}

int64_t pea__tile_start(pea__tile_axis axis, int64_t index)
{
    return pea__min_i64(index * axis.step, axis.padded - axis.size) - axis.margin;
}

/* -1 at the first voxel, 1 at the last; a single one is the middle. */
static double position(int64_t i, int64_t n)
{
    return n == 1 ? 0.0 : -1.0 + 2.0 * (double)i / (double)(n - 1);
}

void pea__tile_weights(int64_t z, int64_t y, int64_t x, float *weights)
{
    const double two_sigma_squared = 2.0 * 0.2 * 0.2;
    for (int64_t i = 0; i < z; i++)
        for (int64_t j = 0; j < y; j++)
            for (int64_t k = 0; k < x; k++) {
                const double u = position(i, z), v = position(j, y), w = position(k, x);
                *weights++ = (float)(1e-6 + exp(-(u * u + v * v + w * w) / two_sigma_squared));
            }
}

pea__embedding_box pea__tile_inside(pea_dims tile, const int64_t start[3], pea_dims volume)
{
    const int64_t size[3] = {tile.z, tile.y, tile.x}, extent[3] = {volume.z, volume.y, volume.x};
    pea__embedding_box box;
    bool is_empty = false;
    for (int axis = 0; axis < 3; axis++) {
        box.begin[axis] = pea__max_i64(0, -start[axis]);
        box.end[axis] = pea__min_i64(size[axis], extent[axis] - start[axis]);
        box.at[axis] = box.begin[axis] + start[axis];
        is_empty |= box.end[axis] <= box.begin[axis];
    }
    if (is_empty)
        box.end[0] = box.begin[0];
    return box;
}

/* Where the sampled values of row (z,y) of the volume begin; -1: it has none. */
static int64_t sampled_row(const pea__blend *blend, int64_t z, int64_t y)
{
    const int *s = blend->stride;
    const pea_dims d = blend->sampled.dims;
    if (!blend->sampled.data || z % s[0] != 0 || y % s[1] != 0)
        return -1;
    return (pea__kept(blend->first, z, s[0]) * d.y + y / s[1]) * d.x * d.c;
}

typedef struct add {
    const pea__blend *blend;
    const pea__tile_values *tile;
    const float *weights;
    int64_t start[3];
    pea__embedding_box box;
} add;

/* Row (z,y) of the volume, whose first voxel in the box is voxel `from` of the tile. */
static void add_sampled(const add *a, int64_t z, int64_t y, int64_t from)
{
    const pea__blend *blend = a->blend;
    const pea__embedding_box *box = &a->box;
    const int *s = blend->stride;
    const int64_t n = blend->sampled.dims.c, begin = box->at[2], end = begin + box->end[2] - box->begin[2];
    const int64_t to = sampled_row(blend, z, y);
    if (to < 0)
        return;
    const int64_t first = pea__ceil_div(begin, s[2]);
    const int64_t n_y = pea__kept(box->at[1], box->at[1] + box->end[1] - box->begin[1], s[1]);
    const int64_t row = pea__kept(box->at[0], z, s[0]) * n_y + pea__kept(box->at[1], y, s[1]);
    const float *values = a->tile->sampled ? a->tile->sampled + row * pea__kept(begin, end, s[2]) * n : NULL;
    float *sum = (float *)blend->sampled.data + to + first * n;
    for (int64_t x = first * s[2]; x < end; x += s[2]) {
        const int64_t at = from + x - begin;
        const float w = a->weights[at];
        if (!a->tile->sampled)
            values = (const float *)a->tile->all.data + at * a->tile->all.dims.c + blend->sum.dims.c;
        for (int64_t c = 0; c < n; c++)
            *sum++ += w * *values++;
    }
}

/* Rows are disjoint: who adds which one changes no sum. */
static void add_row(void *argument, int64_t row, int worker)
{
    const add *a = argument;
    const pea__embedding_box *box = &a->box;
    const pea_dims t = a->tile->all.dims, v = a->blend->sum.dims;
    const int64_t n_y = box->end[1] - box->begin[1], n_x = box->end[2] - box->begin[2];
    const int64_t tz = box->begin[0] + row / n_y, ty = box->begin[1] + row % n_y;
    const int64_t z = a->start[0] + tz, y = a->start[1] + ty;
    const int64_t from = (tz * t.y + ty) * t.x + box->begin[2];
    const int64_t to = ((z - a->blend->first) * v.y + y) * v.x + box->at[2];
    const float *values = (const float *)a->tile->all.data + from * t.c;
    float *sum = (float *)a->blend->sum.data + to * v.c;
    (void)worker;
    for (int64_t i = 0; i < n_x; i++, values += t.c) {
        const float w = a->weights[from + i];
        a->blend->norm[to + i] += w;
        for (int64_t c = 0; c < v.c; c++)
            *sum++ += w * values[c];
    }
    add_sampled(a, z, y, from);
}

pea_status pea__blend_add(const pea__blend *blend, const pea__tile_values *tile, const float *weights,
                          const int64_t start[3], pea_context *context, pea_error *err)
{
    pea_dims volume = blend->sum.dims;
    volume.z += blend->first;
    add a = {blend, tile, weights, {start[0], start[1], start[2]}, pea__tile_inside(tile->all.dims, start, volume)};
    const int64_t n_z = a.box.end[0] - a.box.begin[0], n_y = a.box.end[1] - a.box.begin[1];
    return pea__parallel(context, n_z > 0 ? n_z * n_y : 0, 1.0, 1.0, add_row, &a, err);
}

static void divide_row(void *argument, int64_t row, int worker)
{
    const pea__blend *blend = argument;
    const pea_dims d = blend->sum.dims;
    const float *norm = blend->norm + row * d.x; /* at least 1e-6: every voxel lies in a tile */
    float *sum = (float *)blend->sum.data + row * d.x * d.c;
    (void)worker;
    for (int64_t i = 0; i < d.x; i++)
        for (int64_t c = 0; c < d.c; c++)
            *sum++ /= norm[i];
    const int64_t at = sampled_row(blend, blend->first + row / d.y, row % d.y);
    if (at < 0)
        return;
    sum = (float *)blend->sampled.data + at;
    for (int64_t i = 0; i < d.x; i += blend->stride[2])
        for (int64_t c = 0; c < blend->sampled.dims.c; c++)
            *sum++ /= norm[i];
}

pea_status pea__blend_finish(const pea__blend *blend, pea_context *context, pea_error *err)
{
    pea__blend copy = *blend;
    return pea__parallel(context, blend->sum.dims.z * blend->sum.dims.y, 1.0, 1.0, divide_row, &copy, err);
}
