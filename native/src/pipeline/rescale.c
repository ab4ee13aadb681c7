/* rescale.c - another pixel size within planes: to the grid that the network sees, and labels back from it.
 *
 *     n voxels become m:   voxel i of m covers [i n/m, (i + 1) n/m) of the old axis, its centre is (i + 1/2) n/m
 *
 *     m < n   the mean of what it covers, each old voxel counted by its share
 *     m > n   between the two old voxels whose centres are nearest, linearly; beyond the last centre the last one
 *     labels, masks   the old voxel that the centre lies in; on the line between two, the later one
 *
 * Weights are whole numbers over a common divisor, so that equal values stay what they are to the bit.
 * Source: Wolberg, Digital Image Warping, 1990 (box filter, linear interpolation).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

pea_status pea__grid_plan(pea_dims image, double scale, pea_dims *grid, pea_error *err)
{
    *grid = (pea_dims){image.z, image.y, image.x, 1};
    if (scale == 1.0)
        return PEA_OK;
    const double y = floor((double)image.y * scale + 0.5), x = floor((double)image.x * scale + 0.5);
    if (image.y > PEA__MAX_SIDE || image.x > PEA__MAX_SIDE || y > (double)PEA__MAX_SIDE || x > (double)PEA__MAX_SIDE)
        return pea__fail(err, PEA_E_LIMIT,
                         "a plane of %" PRId64 " x %" PRId64 " (y,x) at scale %g has a side beyond %" PRId64, image.y,
                         image.x, scale, PEA__MAX_SIDE);
    grid->y = y < 1.0 ? 1 : (int64_t)y;
    grid->x = x < 1.0 ? 1 : (int64_t)x;
    return PEA_OK;
}

/* The old voxels that make up a new one; weights over `total`. */
typedef struct taps {
    int64_t first, n, head, inner, tail, total;
} taps;

static taps taps_of(int64_t i, int64_t n, int64_t m)
{
    if (m <= n) { /* in units of 1/m of an old voxel */
        const int64_t low = i * n, high = low + n, first = low / m, last = (high - 1) / m;
        return (taps){first, last - first + 1, pea__min_i64(high, (first + 1) * m) - low, m, high - last * m, n};
    }
    const int64_t unit = 2 * m, place = (2 * i + 1) * n - m; /* of its centre, in units of 1/2m from the first centre */
    if (place <= 0 || place / unit >= n - 1)
        return (taps){place <= 0 ? 0 : n - 1, 1, unit, 0, 0, unit};
    return (taps){place / unit, 2, unit - place % unit, 0, place % unit, unit};
}

static double weight(taps t, int64_t k)
{
    return (double)(k == 0 ? t.head : k == t.n - 1 ? t.tail : t.inner);
}

typedef struct resizing {
    const pea_array *from, *to;
    double *scratch; /* an old row for each worker */
} resizing;

static void resize_row(void *argument, int64_t row, int worker)
{
    const resizing *r = argument;
    const pea_dims in = r->from->dims, out = r->to->dims;
    const int64_t n = in.x * in.c;
    const taps y = taps_of(row % out.y, in.y, out.y);
    double *line = r->scratch + worker * n;
    float *to = (float *)r->to->data + row * out.x * out.c;
    memset(line, 0, (size_t)n * sizeof *line);
    for (int64_t k = 0; k < y.n; k++) {
        const int64_t start = (row / out.y * in.y + y.first + k) * n;
        const double w = weight(y, k);
        for (int64_t i = 0; i < n; i++)
            line[i] += w * pea__array_value(r->from, start + i);
    }
    for (int64_t i = 0; i < out.x; i++) {
        const taps x = taps_of(i, in.x, out.x);
        for (int64_t c = 0; c < out.c; c++) {
            double sum = 0.0;
            for (int64_t k = 0; k < x.n; k++)
                sum += weight(x, k) * (line[(x.first + k) * in.c + c] / (double)y.total);
            *to++ = (float)(sum / (double)x.total);
        }
    }
}

pea_status pea__resize_linear(const pea_array *from, pea_context *context, const pea_array *to, pea_error *err)
{
    resizing r = {from, to, NULL};
    const size_t row_bytes = (size_t)(from->dims.x * from->dims.c) * sizeof *r.scratch;
    r.scratch = pea__alloc((size_t)pea__workers(context), row_bytes, err);
    if (!r.scratch)
        return PEA_E_NOMEM;
    const pea_status status = pea__parallel(context, to->dims.z * to->dims.y, 0.0, 0.0, resize_row, &r, err);
    pea__free(r.scratch);
    return status;
}

int64_t pea__nearest(int64_t i, int64_t m, int64_t n)
{
    return (2 * i + 1) * n / (2 * m);
}

static void look_up_row(void *argument, int64_t row, int worker)
{
    const resizing *r = argument;
    const pea_dims in = r->from->dims, out = r->to->dims;
    const size_t size = pea_dtype_size_bytes(r->to->dtype);
    const int64_t line = row / out.y * in.y + pea__nearest(row % out.y, out.y, in.y);
    const char *from = (const char *)r->from->data + (size_t)(line * in.x) * size;
    char *to = (char *)r->to->data + (size_t)(row * out.x) * size;
    (void)worker;
    for (int64_t i = 0; i < out.x; i++, to += size)
        memcpy(to, from + (size_t)pea__nearest(i, out.x, in.x) * size, size);
}

pea_status pea__resize_nearest(const pea_array *from, pea_context *context, double done, const pea_array *to,
                               pea_error *err)
{
    resizing r = {from, to, NULL};
    return pea__parallel(context, to->dims.z * to->dims.y, done, done, look_up_row, &r, err);
}
