/* from_embedding.c - decides which voxels are compared; the arithmetic is in kernel/plane_dots_f32_*.
 *
 * Work is cut into rows. Of a row that is normalised the channels lie one behind another, so that voxels are lanes of
 * vectors: at each offset some voxels of a row meet as many partners of another, or of the same. Their affinities at all
 * offsets are made, then transposed to where they belong. Normalised rows are kept as long as a later one may meet them;
 * the fewer they are, the nearer is the cache that they stay in.
 *
 *     embedding x,c --normalise, transpose--> c,x --dot products--> k,x --transpose--> affinity x,k
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"
#include "kernel/kernel.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Rows are numbered as they are taken: plane by plane, or all planes of one y before the next. */
typedef struct order {
    int64_t z, y; /* by so much the number grows with them; one of the two is 1 */
} order;

typedef struct comparison {
    pea_dims dims; /* of the embedding */
    order order;
    const float *unit;  /* the embedding normalised: once for each voxel and not once for each edge */
    int64_t pitch;      /* from channel to channel */
    int64_t n_units;    /* rows of it that there are: row r is at r % n_units; 0: all from first_unit on */
    int64_t first_unit; /* row that `unit` begins with */
    int64_t first_row;  /* that is compared */
    pea__embedding_box box; /* where affinities are wanted */
    int64_t affinity_y; /* of a plane: row that `affinity` begins with */
    float *sums;        /* of each worker, k,x: of a piece of a row */
    const pea_offsets *offsets;
    pea_affinity_options options;
    float *affinity;
    float *sampled; /* the repulsive ones of sampled voxels alone; NULL: all are in `affinity` */
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

/* An odd number of cache lines: channels a multiple of 4096 bytes apart would drive each other out of the cache. */
int64_t pea__unit_pitch(int64_t n)
{
    return (pea__ceil_div(n, 16) | 1) * 16;
}

/* A voxel whose length squared does not fit in float, or is no number. */
static void normalise_one(const float *from, int64_t n_channels, float *to, int64_t pitch)
{
    double sum = 0.0;
    for (int64_t c = 0; c < n_channels; c++)
        sum += (double)from[c] * (double)from[c];
    const double norm = sqrt(sum);
    for (int64_t c = 0; c < n_channels; c++)
        to[c * pitch] = (float)((double)from[c] / norm);
}

void pea__unit_row(const float *from, int64_t n_channels, int64_t n, float *to)
{
    enum { AT_ONCE = 64 }; /* so that they are read, transposed, measured and divided in the first-level cache */
    const pea__kernels_table *kernels = pea__kernels();
    const int64_t pitch = pea__unit_pitch(n);
    float squares[AT_ONCE];
    for (int64_t x = 0; x < n; x += AT_ONCE) {
        const int64_t some = pea__min_i64(AT_ONCE, n - x);
        kernels->transpose_f32(from + x * n_channels, n_channels, some, n_channels, to + x, pitch);
        kernels->plane_dots_f32(to + x, to + x, pitch, n_channels, some, false, squares);
        kernels->to_unit_f32(to + x, pitch, n_channels, some, squares);
        for (int64_t i = 0; i < some; i++)
            if (!(squares[i] <= 1e30f))
                normalise_one(from + (x + i) * n_channels, n_channels, to + x + i, pitch);
    }
}

static int64_t wrapped(int64_t i, int64_t n)
{
    const int64_t rest = i % n;
    return rest < 0 ? rest + n : rest;
}

static order by_planes(pea_dims d)
{
    return (order){d.y, 1};
}

static void find_row(const comparison *work, int64_t row, int64_t *z, int64_t *y)
{
    const bool planes = work->order.y == 1;
    *z = planes ? row / work->order.z : row % work->order.y;
    *y = planes ? row % work->order.z : row / work->order.y;
}

static const float *unit_row(const comparison *work, int64_t z, int64_t y)
{
    const int64_t row = z * work->order.z + y * work->order.y;
    const int64_t at = work->n_units ? row % work->n_units : row - work->first_unit;
    return work->unit + at * work->dims.c * work->pitch;
}

/* ---- pieces of rows ---- */

/* Voxels of a piece, of which the affinities at all offsets are in the first-level cache, and the distance between
 * offsets there. */
enum { PIECE = 128, SUMS_PITCH = PIECE + 16 };

/* The voxels x0 <= x < x1 of a row, and where their sums go. */
typedef struct piece {
    int64_t z, y, x0, x1;
    float *sums;
} piece;

/* Affinities of the voxels a <= x < b that are in the piece, with partners at x + shift of another row. */
static void compare(const comparison *work, piece p, const float *row, const float *partners, int64_t a, int64_t b,
                    int64_t shift)
{
    a = pea__max_i64(a, p.x0);
    b = pea__min_i64(b, p.x1);
    if (a < b)
        pea__kernels()->plane_dots_f32(row + a, partners + a + shift, work->pitch, work->dims.c, b - a,
                                       work->options.relu, p.sums + a - p.x0);
}

/* One offset. With `copies` the first plane of a unit step repeats the second: what is there is computed at the second
 * plane's place, which gives the very same numbers as copying them later. */
static void compare_piece(const comparison *work, piece p, pea_offset o, bool copies)
{
    const pea_dims d = work->dims;
    const bool wraps = work->options.border == PEA_BORDER_WRAP;
    if (copies && p.z == 0 && d.z > 1 && pea__is_unit_back(o, 0))
        p.z = 1;
    if (copies && p.y == 0 && d.y > 1 && pea__is_unit_back(o, 1))
        p.y = 1;
    const int64_t z2 = wraps ? wrapped(p.z + o.z, d.z) : p.z + o.z, y2 = wraps ? wrapped(p.y + o.y, d.y) : p.y + o.y;
    const float *row = unit_row(work, p.z, p.y);
    if (wraps) { /* partners beyond one end are at the other: the row falls into at most two */
        const int64_t shift = wrapped(o.x, d.x);
        compare(work, p, row, unit_row(work, z2, y2), 0, d.x - shift, shift);
        compare(work, p, row, unit_row(work, z2, y2), d.x - shift, d.x, shift - d.x);
        return;
    }
    int64_t a = 0, b = 0; /* voxels that have partners */
    if (z2 >= 0 && z2 < d.z && y2 >= 0 && y2 < d.y)
        pea__inside_range(d.x, o.x, &a, &b);
    if (a > p.x0 || b < p.x1)
        memset(p.sums, 0, (size_t)(p.x1 - p.x0) * sizeof *p.sums);
    if (a < b)
        compare(work, p, row, unit_row(work, z2, y2), a, b, o.x);
    if (copies && p.x0 == 0 && d.x > 1 && pea__is_unit_back(o, 2))
        p.sums[0] = p.sums[1];
}

/* All voxels of the piece but every step-th of the row. */
static void clear_between(piece p, int64_t step)
{
    for (int64_t x = p.x0; x < p.x1; x++)
        if (x % step != 0)
            p.sums[x - p.x0] = 0.0f;
}

/* Of an axis, voxel i of the box's: as strides count it, whether they keep it, and how many kept ones of the box are
 * before it. */
static int64_t counted(const comparison *work, int axis, int64_t i)
{
    return i - work->box.begin[axis] + work->box.at[axis];
}

static bool is_kept(const comparison *work, int axis, int64_t i)
{
    return counted(work, axis, i) % work->options.stride[axis] == 0;
}

static int64_t n_kept_before(const comparison *work, int axis, int64_t i)
{
    return pea__kept(work->box.at[axis], counted(work, axis, i), work->options.stride[axis]);
}

/* Repulsive affinities of the piece's sampled voxels. */
static void store_sampled(const comparison *work, piece p, const float *sums)
{
    const int64_t n_attractive = work->offsets->n_axes, n = (int64_t)work->offsets->n - n_attractive;
    const int64_t n_y = n_kept_before(work, 1, work->box.end[1]), n_x = n_kept_before(work, 2, work->box.end[2]);
    const int64_t row = n_kept_before(work, 0, p.z) * n_y + n_kept_before(work, 1, p.y);
    float *out = work->sampled + (row * n_x + n_kept_before(work, 2, p.x0)) * n;
    int64_t x = p.x0;
    while (x < p.x1 && !is_kept(work, 2, x))
        x++;
    for (; x < p.x1; x += work->options.stride[2])
        for (int64_t k = 0; k < n; k++)
            *out++ = sums[(n_attractive + k) * SUMS_PITCH + x - p.x0];
}

/* Of edges that strides leave out those in the rows that they keep are computed: it takes less than to pick the others. */
static void compare_row(void *argument, int64_t index, int worker)
{
    const comparison *work = argument;
    const pea_affinity_options *options = &work->options;
    const pea__embedding_box *box = &work->box;
    const int64_t n_offsets = (int64_t)work->offsets->n, n_attractive = work->offsets->n_axes;
    float *sums = work->sums + worker * n_offsets * (SUMS_PITCH + PIECE), *made = sums + n_offsets * SUMS_PITCH;
    piece p;
    find_row(work, work->first_row + index, &p.z, &p.y);
    if (p.z < box->begin[0] || p.z >= box->end[0] || p.y < box->begin[1] || p.y >= box->end[1])
        return;
    const bool sampled = is_kept(work, 0, p.z) && is_kept(work, 1, p.y);
    const int64_t n_channels = work->sampled ? n_attractive : n_offsets;
    const int64_t n_compared = work->sampled && !sampled ? n_attractive : n_offsets;
    float *out = work->affinity + (p.z * work->dims.y + p.y - work->affinity_y) * work->dims.x * n_channels;
    for (p.x0 = box->begin[2]; p.x0 < box->end[2]; p.x0 = p.x1) {
        p.x1 = pea__min_i64(box->end[2], p.x0 + PIECE);
        for (int64_t k = 0; k < n_compared; k++) {
            p.sums = sums + k * SUMS_PITCH;
            if (k < n_attractive || sampled)
                compare_piece(work, p, work->offsets->step[k],
                              k < n_attractive && options->border == PEA_BORDER_COPY);
            else
                memset(p.sums, 0, (size_t)(p.x1 - p.x0) * sizeof *p.sums);
            if (k >= n_attractive && sampled && options->stride[2] > 1 && !work->sampled)
                clear_between(p, options->stride[2]);
        }
        pea__kernels()->transpose_f32(sums, SUMS_PITCH, n_channels, p.x1 - p.x0, made, n_channels);
        pea__kernels()->stream_f32(made, (p.x1 - p.x0) * n_channels, out + p.x0 * n_channels);
        if (work->sampled && sampled)
            store_sampled(work, p, sums);
    }
}

/* ---- bands of rows ---- */

/* Rows that are normalised, then compared: few enough to stay in the second-level cache meanwhile, enough for many
 * threads. */
enum { BAND_BYTES = 1 << 19, LEAST_ROWS = 16, MOST_ROWS = 64 };

typedef struct reach {
    int64_t back, ahead; /* the farthest rows that a row is compared with, as they are numbered */
} reach;

static reach find_reach(const comparison *work)
{
    const pea_dims d = work->dims;
    const int64_t n_rows = d.z * d.y;
    reach far = {0, 0};
    if (work->options.border == PEA_BORDER_WRAP)
        return (reach){n_rows, n_rows};
    for (size_t k = 0; k < work->offsets->n; k++) {
        const pea_offset o = work->offsets->step[k];
        if (o.z <= -d.z || o.z >= d.z || o.y <= -d.y || o.y >= d.y) /* nobody has such a partner */
            continue;
        const int64_t step = o.z * work->order.z + o.y * work->order.y;
        far.back = pea__max_i64(far.back, -step);
        far.ahead = pea__max_i64(far.ahead, step);
    }
    if (work->options.border == PEA_BORDER_COPY) /* a first plane takes the place of the second */
        far.ahead += (d.z > 1 ? work->order.z : 0) + (d.y > 1 ? work->order.y : 0);
    return (reach){pea__min_i64(far.back, n_rows), pea__min_i64(far.ahead, n_rows)};
}

/* How an embedding is gone through: what must be kept is what offsets reach, and one band. */
typedef struct walk {
    reach far;
    int64_t band, n_units; /* rows */
} walk;

static walk plan_order(comparison *work, order chosen)
{
    const pea_dims d = work->dims;
    const int64_t row_bytes = work->pitch * d.c * (int64_t)sizeof(float), n_rows = d.z * d.y;
    walk w;
    work->order = chosen;
    w.far = find_reach(work);
    w.band = pea__max_i64(LEAST_ROWS, pea__min_i64(MOST_ROWS, BAND_BYTES / row_bytes));
    w.n_units = pea__min_i64(n_rows, w.far.back + w.far.ahead + w.band);
    return w;
}

/* In the order that keeps fewer rows. */
static walk plan_walk(comparison *work)
{
    const pea_dims d = work->dims;
    const walk by_y = plan_order(work, (order){1, d.z}), by_z = plan_order(work, by_planes(d));
    if (by_z.n_units <= by_y.n_units)
        return by_z;
    work->order = (order){1, d.z};
    return by_y;
}

typedef struct normalising {
    const comparison *of;
    const float *embedding;
    float *unit;
    int64_t first; /* row */
} normalising;

static void normalise_row(void *argument, int64_t index, int worker)
{
    const normalising *work = argument;
    const pea_dims d = work->of->dims;
    const int64_t row = work->first + index;
    int64_t z, y;
    (void)worker;
    find_row(work->of, row, &z, &y);
    pea__unit_row(work->embedding + (z * d.y + y) * d.x * d.c, d.c, d.x,
                  work->unit + row % work->of->n_units * d.c * work->of->pitch);
}

static pea_status compare_bands(comparison *work, const pea_array *embedding, float *unit, walk plan,
                                pea_context *context, pea_error *err)
{
    const int64_t n_rows = work->dims.z * work->dims.y;
    normalising made = {work, embedding->data, unit, 0};
    pea_status status = PEA_OK;
    for (int64_t row = 0; row < n_rows && status == PEA_OK; row += plan.band) {
        const int64_t end = pea__min_i64(n_rows, row + plan.band), wanted = pea__min_i64(n_rows, end + plan.far.ahead);
        const double from = (double)row / (double)n_rows, to = (double)end / (double)n_rows;
        const double middle = from + 0.2 * (to - from);
        status = pea__parallel_flushed(context, wanted - made.first, from, middle, normalise_row, &made, err);
        made.first = wanted;
        work->first_row = row;
        if (status == PEA_OK)
            status = pea__parallel_flushed(context, end - row, middle, to, compare_row, work, err);
    }
    return status;
}

typedef struct embedding_rows {
    pea_dims dims;
    const float *from;
    float *to;
} embedding_rows;

static void normalise_embedding_row(void *argument, int64_t row, int worker)
{
    const embedding_rows *e = argument;
    const int64_t at = row * e->dims.x * e->dims.c;
    (void)worker;
    pea__vectors_normalise(e->from + at, e->dims.c, e->dims.x, e->to + at);
}

pea_status pea__embedding_normalise(const pea_array *embedding, pea_context *context, double from, double to,
                                    float *unit, pea_error *err)
{
    embedding_rows all = {embedding->dims, embedding->data, unit};
    return pea__parallel_flushed(context, all.dims.z * all.dims.y, from, to, normalise_embedding_row, &all, err);
}

/* ---- calls ---- */

static size_t sums_floats(const pea_offsets *offsets, int n_workers)
{
    return (size_t)n_workers * offsets->n * (SUMS_PITCH + PIECE);
}

uint64_t pea__affinity_rows_scratch(const pea_offsets *offsets, int n_workers)
{
    return sums_floats(offsets, n_workers) * sizeof(float);
}

uint64_t pea__affinity_scratch(pea_dims d, const pea_offsets *offsets, const pea_affinity_options *options,
                               int n_workers)
{
    comparison work = {.dims = d, .offsets = offsets, .options = *options, .pitch = pea__unit_pitch(d.x)};
    return (uint64_t)plan_walk(&work).n_units * (uint64_t)(d.c * work.pitch) * sizeof(float) +
           pea__affinity_rows_scratch(offsets, n_workers);
}

pea_status pea__affinity_box(const pea_array *embedding, const pea_offsets *offsets,
                             const pea_affinity_options *options, const pea__embedding_box *box, pea_context *context,
                             float *affinity, float *sampled, pea_error *err)
{
    const pea_dims d = embedding->dims;
    comparison work = {.dims = d, .offsets = offsets, .options = *options, .affinity = affinity, .sampled = sampled,
                       .box = *box, .pitch = pea__unit_pitch(d.x)};
    const walk plan = plan_walk(&work);
    pea_status status = PEA_E_NOMEM;
    work.n_units = plan.n_units;
    float *unit = pea__alloc_unset((size_t)(work.n_units * d.c * work.pitch), sizeof *unit, err);
    work.unit = unit;
    work.sums = unit ? pea__alloc_unset(sums_floats(offsets, pea__workers(context)), sizeof *work.sums, err) : NULL;
    if (work.sums)
        status = compare_bands(&work, embedding, unit, plan, context, err);
    pea__free_unset(work.sums);
    pea__free_unset(unit);
    return status;
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
    const pea__embedding_box all = {{0}, {d.z, d.y, d.x}, {0}};
    pea__stage(context, "affinity");
    status = pea__affinity_box(embedding, offsets, &chosen, &all, context, affinity->data, NULL, err);
    pea__stage(context, NULL);
    return status;
}

pea_status pea__affinity_rows(const pea__unit_rows *rows, const pea_offsets *offsets, const int stride[3], int64_t y0,
                              int64_t y1, pea_context *context, float *attractive, float *repulsive, pea_error *err)
{
    comparison work = {.dims = rows->plane, .order = by_planes(rows->plane), .unit = rows->data,
                       .pitch = pea__unit_pitch(rows->plane.x), .first_unit = rows->first, .first_row = y0,
                       .box = {{0, y0, 0}, {1, y1, rows->plane.x}, {0, y0, 0}}, .affinity_y = y0,
                       .offsets = offsets, .options = pea_affinity_options_default(), .affinity = attractive,
                       .sampled = repulsive};
    memcpy(work.options.stride, stride, sizeof work.options.stride);
    work.sums = pea__alloc_unset(sums_floats(offsets, pea__workers(context)), sizeof *work.sums, err);
    if (!work.sums)
        return PEA_E_NOMEM;
    const pea_status status = pea__parallel_flushed(context, y1 - y0, 0.0, 1.0, compare_row, &work, err);
    pea__free_unset(work.sums);
    return status;
}
