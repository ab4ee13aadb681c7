/* from_embedding.c - decides which voxels are compared; the arithmetic is in kernel/dots_f32_*.
 *
 * Work is cut into rows: at each offset a row of voxels meets a row of partners, and both lie in memory as they are
 * read. All offsets of a row are done before the next row, while the affinities of the row are in the cache. Normalised
 * rows are kept as long as a later one may meet them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"
#include "kernel/kernel.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct comparison {
    pea_dims dims; /* of the embedding */
    const float *unit; /* the embedding normalised: once for each voxel and not once for each edge */
    int64_t n_units;               /* rows of it that there are: row r is at r % n_units; 0: all from first_unit on */
    int64_t first_unit, first_row; /* rows that `unit` and `affinity` begin with */
    const pea_offsets *offsets;
    pea_affinity_options options;
    float *affinity;
} comparison;

pea_affinity_options pea_affinity_options_default(void)
{
    return (pea_affinity_options){
        .struct_size = sizeof(pea_affinity_options), .border = PEA_BORDER_NONE, .relu = 1, .stride = {1, 1, 1}};
}

static pea_status check_options(const pea_affinity_options *options, pea_error *err)
{
    if (options->border != PEA_BORDER_NONE && options->border != PEA_BORDER_WRAP && options->border != PEA_BORDER_COPY)
        return pea__fail(err, PEA_E_ARG, "%d is no border rule", (int)options->border);
    for (int axis = 0; axis < 3; axis++)
        if (options->stride[axis] < 1)
            return pea__fail(err, PEA_E_ARG, "stride %d of axis %c must be at least 1", options->stride[axis],
                             "zyx"[axis]);
    return PEA_OK;
}

static pea_status check_arguments(const pea_array *embedding, const pea_offsets *offsets,
                                  const pea_affinity_options *options, const pea_array *affinity, pea_error *err)
{
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = check_options(options, err);
    if (status == PEA_OK)
        status = pea__array_check(embedding, "embedding", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__array_check(affinity, "affinity", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__same_space(embedding, "embedding", affinity, "affinity", err);
    if (status == PEA_OK && affinity->dims.c != (int64_t)offsets->n)
        status = pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                           offsets->n, affinity->dims.c);
    return status;
}

/* The length of one vector. Squares of floats fit in double, which is only asked where they do not fit in float. */
static double norm_of(const float *v, int64_t n, float sum_of_squares)
{
    double sum = sum_of_squares;
    if (!(sum_of_squares <= 1e30f)) {
        sum = 0.0;
        for (int64_t i = 0; i < n; i++)
            sum += (double)v[i] * (double)v[i];
    }
    const double norm = sqrt(sum);
    return norm < 1e-12 ? 1e-12 : norm; /* a zero vector stays zero instead of NaN */
}

static void divide(const float *from, int64_t n, double norm, float *to)
{
    if (norm <= FLT_MAX) {
        const float divisor = (float)norm;
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i] / divisor;
    } else { /* numbers that fit in float may have a length that does not */
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)((double)from[i] / norm);
    }
}

void pea__vectors_normalise(const float *from, int64_t n_channels, int64_t n, float *to)
{
    float squares[64];
    for (int64_t first = 0; first < n; first += 64) {
        const int64_t some = pea__min_i64(64, n - first);
        pea__kernels()->dots_f32(from, from, n_channels, n_channels, some, squares, 1);
        for (int64_t i = 0; i < some; i++, from += n_channels, to += n_channels)
            divide(from, n_channels, norm_of(from, n_channels, squares[i]), to);
    }
}

static int64_t wrapped(int64_t i, int64_t n)
{
    const int64_t rest = i % n;
    return rest < 0 ? rest + n : rest;
}

/* Affinities of the voxels a <= x < b, every step-th one from the first multiple of step on, with partners at x + shift
 * of another row. */
static void compare(const comparison *work, const float *row, const float *partners, int64_t a, int64_t b,
                    int64_t shift, int64_t step, float *out)
{
    const int64_t c = work->dims.c, n_offsets = (int64_t)work->offsets->n;
    const int64_t first = pea__ceil_div(a, step) * step;
    if (first < b)
        pea__kernels()->dots_f32(row + first * c, partners + (first + shift) * c, step * c, c,
                                 pea__ceil_div(b - first, step), out + first * n_offsets, step * n_offsets);
}

/* Of the voxels a <= x < b. */
static void set_zero(const comparison *work, int64_t a, int64_t b, float *out)
{
    const int64_t n_offsets = (int64_t)work->offsets->n;
    for (int64_t x = a; x < b; x++)
        out[x * n_offsets] = 0.0f;
}

/* Partners beyond the left or right end are at the other end: the row falls into at most two pieces. */
static void compare_wrapped(const comparison *work, const float *row, const float *partners, pea_offset o, int64_t step,
                            float *out)
{
    const int64_t n = work->dims.x, shift = wrapped(o.x, n);
    compare(work, row, partners, 0, n - shift, shift, step, out);
    compare(work, row, partners, n - shift, n, shift - n, step, out);
}

static const float *unit_row(const comparison *work, int64_t z, int64_t y)
{
    const int64_t row = z * work->dims.y + y, at = work->n_units ? row % work->n_units : row - work->first_unit;
    return work->unit + at * work->dims.x * work->dims.c;
}

/* One offset of one row. With `copies` the first plane of a unit step repeats the second: the row is then computed at
 * the second plane's place, which gives the very same numbers as copying them later. */
static void compare_row(const comparison *work, int64_t z, int64_t y, size_t k, bool copies, float *out)
{
    const pea_dims d = work->dims;
    const pea_offset o = work->offsets->step[k];
    const int64_t step = k < (size_t)work->offsets->n_axes ? 1 : work->options.stride[2];
    const bool wraps = work->options.border == PEA_BORDER_WRAP;
    if (copies && z == 0 && d.z > 1 && pea__is_unit_back(o, 0))
        z = 1;
    if (copies && y == 0 && d.y > 1 && pea__is_unit_back(o, 1))
        y = 1;
    const int64_t z2 = wraps ? wrapped(z + o.z, d.z) : z + o.z, y2 = wraps ? wrapped(y + o.y, d.y) : y + o.y;
    const float *row = unit_row(work, z, y);
    int64_t a = 0, b = wraps ? d.x : 0; /* voxels that have partners */
    if (z2 >= 0 && z2 < d.z && y2 >= 0 && y2 < d.y && !wraps)
        pea__inside_range(d.x, o.x, &a, &b);
    set_zero(work, 0, step > 1 ? d.x : a, out);
    set_zero(work, step > 1 ? d.x : b, d.x, out);
    if (a == b)
        return;
    const float *partners = unit_row(work, z2, y2);
    if (wraps) {
        compare_wrapped(work, row, partners, o, step, out);
        return;
    }
    compare(work, row, partners, a, b, o.x, step, out);
    if (copies && d.x > 1 && pea__is_unit_back(o, 2))
        out[0] = out[work->offsets->n];
}

static void compare_all(void *argument, int64_t index, int worker)
{
    const comparison *work = argument;
    const int64_t row = work->first_row + index, z = row / work->dims.y, y = row % work->dims.y;
    const size_t n_offsets = work->offsets->n, n_attractive = (size_t)work->offsets->n_axes;
    const bool sampled = z % work->options.stride[0] == 0 && y % work->options.stride[1] == 0;
    float *out = work->affinity + index * work->dims.x * (int64_t)n_offsets;
    (void)worker;
    for (size_t k = 0; k < n_offsets; k++) {
        if (k < n_attractive || sampled)
            compare_row(work, z, y, k, k < n_attractive && work->options.border == PEA_BORDER_COPY, out + k);
        else
            set_zero(work, 0, work->dims.x, out + k);
    }
    if (work->options.relu)
        for (int64_t i = 0; i < work->dims.x * (int64_t)n_offsets; i++)
            out[i] = out[i] <= 0.0f ? 0.0f : out[i]; /* -0 becomes 0; NaN stays, to be seen */
}

/* ---- bands of rows ---- */

/* Rows that are compared before more are normalised. Only those within reach of the offsets are kept: a copy of the whole
 * embedding would take longer to get from the system than to fill. */
enum { BAND_ROWS = 64 };

typedef struct reach {
    int64_t back, ahead; /* the farthest rows that a row is compared with, counted through all planes */
} reach;

static reach find_reach(const comparison *work, int64_t n_rows)
{
    const pea_dims d = work->dims;
    reach far = {0, 0};
    if (work->options.border == PEA_BORDER_WRAP)
        return (reach){n_rows, n_rows};
    for (size_t k = 0; k < work->offsets->n; k++) {
        const pea_offset o = work->offsets->step[k];
        if (o.z <= -d.z || o.z >= d.z || o.y <= -d.y || o.y >= d.y) /* nobody has such a partner */
            continue;
        far.back = pea__max_i64(far.back, -(o.z * d.y + o.y));
        far.ahead = pea__max_i64(far.ahead, o.z * d.y + o.y);
    }
    if (work->options.border == PEA_BORDER_COPY) /* a first plane takes the place of the second */
        far.ahead += (d.z > 1 ? d.y : 0) + 1;
    return (reach){pea__min_i64(far.back, n_rows), pea__min_i64(far.ahead, n_rows)};
}

typedef struct normalising {
    const float *embedding;
    float *unit;
    int64_t first, n_units, row_floats, n_channels, n_voxels; /* the first row; voxels of a row */
} normalising;

static void normalise_row(void *argument, int64_t index, int worker)
{
    const normalising *work = argument;
    const int64_t row = work->first + index;
    (void)worker;
    pea__vectors_normalise(work->embedding + row * work->row_floats, work->n_channels, work->n_voxels,
                           work->unit + row % work->n_units * work->row_floats);
}

static pea_status compare_bands(comparison *work, const pea_array *embedding, float *unit, int64_t ahead,
                                pea_context *context, pea_error *err)
{
    const pea_dims d = work->dims;
    const int64_t n_rows = d.z * d.y, n_offsets = (int64_t)work->offsets->n;
    const int64_t band = work->n_units == n_rows ? n_rows : BAND_ROWS;
    normalising made = {embedding->data, unit, 0, work->n_units, d.x * d.c, d.c, d.x};
    float *affinity = work->affinity;
    pea_status status = PEA_OK;
    for (int64_t row = 0; row < n_rows && status == PEA_OK; row += band) {
        const int64_t end = pea__min_i64(n_rows, row + band), wanted = pea__min_i64(n_rows, end + ahead);
        const double from = (double)row / (double)n_rows, to = (double)end / (double)n_rows;
        const double middle = from + 0.2 * (to - from);
        status = pea__parallel(context, wanted - made.first, from, middle, normalise_row, &made, err);
        made.first = wanted;
        work->first_row = row;
        work->affinity = affinity + row * d.x * n_offsets;
        if (status == PEA_OK)
            status = pea__parallel(context, end - row, middle, to, compare_all, work, err);
    }
    return status;
}

pea_status pea__embedding_normalise(const pea_array *embedding, pea_context *context, double from, double to,
                                    float *unit, pea_error *err)
{
    const pea_dims d = embedding->dims;
    normalising work = {embedding->data, unit, 0, d.z * d.y, d.x * d.c, d.c, d.x};
    return pea__parallel(context, d.z * d.y, from, to, normalise_row, &work, err);
}

pea_status pea_affinity_from_embedding(const pea_array *embedding, const pea_offsets *offsets,
                                       const pea_affinity_options *options, pea_context *context,
                                       const pea_array *affinity, pea_error *err)
{
    pea_affinity_options chosen = pea_affinity_options_default();
    pea_status status = pea__options_take(&chosen, sizeof chosen, options, "affinity", err);
    if (status == PEA_OK)
        status = check_arguments(embedding, offsets, &chosen, affinity, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = embedding->dims;
    const int64_t n_rows = d.z * d.y;
    comparison work = {.dims = d, .offsets = offsets, .options = chosen};
    work.affinity = affinity->data;
    const reach far = find_reach(&work, n_rows);
    work.n_units = pea__min_i64(n_rows, far.back + far.ahead + BAND_ROWS);
    float *unit = pea__alloc_unset((size_t)(work.n_units * d.x * d.c), sizeof *unit, err);
    if (!unit)
        return PEA_E_NOMEM;
    work.unit = unit;
    pea__stage(context, "affinity");
    status = compare_bands(&work, embedding, unit, far.ahead, context, err);
    pea__stage(context, NULL);
    pea__free_unset(unit);
    return status;
}

pea_status pea__affinity_rows(const pea__unit_rows *rows, const pea_offsets *offsets, const int stride[3], int64_t y0,
                              int64_t y1, pea_context *context, float *affinity, pea_error *err)
{
    comparison work = {.dims = rows->plane, .unit = rows->data, .first_unit = rows->first, .first_row = y0,
                       .offsets = offsets, .options = pea_affinity_options_default(), .affinity = affinity};
    memcpy(work.options.stride, stride, sizeof work.options.stride);
    return pea__parallel(context, y1 - y0, 0.0, 1.0, compare_all, &work, err);
}
