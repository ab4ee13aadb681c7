/* mean_shift.c - seeds climb to where most embeddings are; each voxel goes to the nearest summit that is left.
 *
 * One seed after another; the threads share the points of each step. Points are summed in pieces whose sums are added
 * in order, so that the threads do not show in the result.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/mean_shift.h"
#include "array/array.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 13 };

#define SEEDED 0.1 /* shares of the progress bar */
#define CLIMBED 0.95

typedef struct centre {
    int64_t n_points;
    const double *at; /* c numbers */
    int64_t c;
} centre;

typedef struct shift {
    const float *points; /* [point][c] */
    uint32_t *voxel;     /* [point] */
    int64_t n, c, n_pieces;
    double bandwidth;
    int max_steps;
    double *seeds; /* [seed][c]; later the centres */
    int64_t n_seeds;
    double *sums;    /* [piece][c] */
    int64_t *counts; /* [piece] */
    const double *here;
    centre *centres;
    int64_t n_centres;
    uint32_t *labels;
} shift;

pea_mean_shift_options pea_mean_shift_options_default(void)
{
    return (pea_mean_shift_options){.struct_size = sizeof(pea_mean_shift_options), .bandwidth = 1.5, .max_steps = 300};
}

static double squared(const double *a, const float *b, int64_t c)
{
    double sum = 0.0;
    for (int64_t i = 0; i < c; i++)
        sum += (a[i] - (double)b[i]) * (a[i] - (double)b[i]);
    return sum;
}

/* ---- seeds ---- */

static bool same_cell(const shift *work, const double *cell, const float *point)
{
    for (int64_t i = 0; i < work->c; i++)
        if (cell[i] != rint((double)point[i] / work->bandwidth) * work->bandwidth)
            return false;
    return true;
}

static uint64_t hash_of(const shift *work, const float *point)
{
    uint64_t hash = 0;
    for (int64_t i = 0; i < work->c; i++) {
        const double rounded = rint((double)point[i] / work->bandwidth) + 0.0; /* -0 and 0 are one cell */
        uint64_t bits;
        memcpy(&bits, &rounded, sizeof bits);
        hash = (hash ^ bits) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* The cells that hold a point, in the order of their first; at most every second slot is taken. */
static pea_status find_cells(shift *work, uint32_t *slots, int64_t n_slots, pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int64_t p = 0; p < work->n && status == PEA_OK; p++) {
        const float *point = work->points + p * work->c;
        int64_t slot = (int64_t)(hash_of(work, point) & (uint64_t)(n_slots - 1));
        while (slots[slot] && !same_cell(work, work->seeds + (int64_t)(slots[slot] - 1) * work->c, point))
            slot = (slot + 1) & (n_slots - 1);
        if (!slots[slot]) {
            double *seed = work->seeds + work->n_seeds * work->c;
            for (int64_t i = 0; i < work->c; i++)
                seed[i] = rint((double)point[i] / work->bandwidth) * work->bandwidth;
            slots[slot] = (uint32_t)++work->n_seeds;
        }
        if (p % 4096 == 0)
            status = pea__progress(context, SEEDED * (double)p / (double)work->n, err);
    }
    return status;
}

static void seed_points(shift *work)
{
    work->n_seeds = work->n;
    for (int64_t i = 0; i < work->n * work->c; i++)
        work->seeds[i] = (double)work->points[i];
}

static pea_status make_seeds(shift *work, pea_context *context, pea_error *err)
{
    int64_t n_slots = 2;
    while (n_slots < 2 * work->n)
        n_slots *= 2;
    work->seeds = pea__alloc((size_t)work->n, (size_t)work->c * sizeof *work->seeds, err);
    uint32_t *slots = work->seeds ? pea__alloc((size_t)n_slots, sizeof *slots, err) : NULL;
    const pea_status status = slots ? find_cells(work, slots, n_slots, context, err) : PEA_E_NOMEM;
    pea__free(slots);
    if (status == PEA_OK && work->n_seeds == work->n) /* no cell has two: the points themselves tell more */
        seed_points(work);
    return status;
}

/* ---- climbing ---- */

static void sum_piece(void *argument, int64_t piece, int worker)
{
    shift *work = argument;
    const int64_t c = work->c, end = pea__min_i64(work->n, (piece + 1) * PIECE);
    double *sum = work->sums + piece * c;
    int64_t n = 0;
    (void)worker;
    memset(sum, 0, (size_t)c * sizeof *sum);
    for (int64_t p = piece * PIECE; p < end; p++) {
        const float *point = work->points + p * c;
        if (squared(work->here, point, c) > work->bandwidth * work->bandwidth)
            continue;
        n++;
        for (int64_t i = 0; i < c; i++)
            sum[i] += (double)point[i];
    }
    work->counts[piece] = n;
}

/* One step of a seed; *n: how many points it saw. Returns how far it went. */
static double step(shift *work, double *seed, int64_t *n)
{
    double way = 0.0;
    *n = 0;
    for (int64_t piece = 0; piece < work->n_pieces; piece++)
        *n += work->counts[piece];
    for (int64_t i = 0; i < work->c && *n > 0; i++) {
        double sum = 0.0;
        for (int64_t piece = 0; piece < work->n_pieces; piece++)
            sum += work->sums[piece * work->c + i];
        const double mean = sum / (double)*n;
        way += (mean - seed[i]) * (mean - seed[i]);
        seed[i] = mean;
    }
    return sqrt(way);
}

static pea_status climb(shift *work, pea_context *context, pea_error *err)
{
    for (int64_t s = 0; s < work->n_seeds; s++) {
        const double from = SEEDED + (CLIMBED - SEEDED) * (double)s / (double)work->n_seeds;
        double *seed = work->seeds + s * work->c;
        int64_t n = 0;
        for (int i = 0; i < work->max_steps; i++) {
            work->here = seed;
            const pea_status status = pea__parallel(context, work->n_pieces, from, from, sum_piece, work, err);
            if (status != PEA_OK)
                return status;
            if (step(work, seed, &n) <= 1e-3 * work->bandwidth)
                break;
        }
        if (n > 0)
            work->centres[work->n_centres++] = (centre){n, seed, work->c};
    }
    return PEA_OK;
}

/* ---- summits ---- */

static int compare(const void *a, const void *b)
{
    const centre *p = a, *q = b;
    if (p->n_points != q->n_points)
        return p->n_points > q->n_points ? -1 : 1;
    for (int64_t i = 0; i < p->c; i++)
        if (p->at[i] != q->at[i])
            return p->at[i] > q->at[i] ? -1 : 1;
    return 0;
}

/* Of centres within one bandwidth the first stays. */
static pea_status thin_out(shift *work, pea_context *context, pea_error *err)
{
    int64_t n_kept = 0;
    qsort(work->centres, (size_t)work->n_centres, sizeof *work->centres, compare);
    for (int64_t s = 0; s < work->n_centres; s++) {
        bool alone = true;
        for (int64_t k = 0; k < n_kept && alone; k++) {
            double sum = 0.0;
            for (int64_t i = 0; i < work->c; i++) {
                const double d = work->centres[s].at[i] - work->centres[k].at[i];
                sum += d * d;
            }
            alone = sum > work->bandwidth * work->bandwidth;
        }
        if (alone)
            work->centres[n_kept++] = work->centres[s];
        const pea_status status = s % 64 == 0 ? pea__progress(context, CLIMBED, err) : PEA_OK;
        if (status != PEA_OK)
            return status;
    }
    work->n_centres = n_kept;
    return PEA_OK;
}

static void label_piece(void *argument, int64_t piece, int worker)
{
    shift *work = argument;
    const int64_t end = pea__min_i64(work->n, (piece + 1) * PIECE);
    (void)worker;
    for (int64_t p = piece * PIECE; p < end; p++) {
        double best = INFINITY;
        for (int64_t k = 0; k < work->n_centres; k++) {
            const double distance = squared(work->centres[k].at, work->points + p * work->c, work->c);
            if (distance < best) {
                best = distance;
                work->labels[work->voxel[p]] = (uint32_t)k + 1;
            }
        }
    }
}

/* ---- all of it ---- */

static pea_status run(shift *work, pea_context *context, pea_error *err)
{
    const size_t c = (size_t)work->c;
    work->n_pieces = pea__ceil_div(work->n, PIECE);
    pea_status status = make_seeds(work, context, err);
    if (status != PEA_OK)
        return status;
    work->sums = pea__alloc((size_t)work->n_pieces, c * sizeof *work->sums, err);
    work->counts = work->sums ? pea__alloc((size_t)work->n_pieces, sizeof *work->counts, err) : NULL;
    work->centres = work->counts ? pea__alloc((size_t)work->n, sizeof *work->centres, err) : NULL;
    status = work->centres ? climb(work, context, err) : PEA_E_NOMEM;
    if (status == PEA_OK && work->n_centres == 0) { /* with many components the middle of a cell can be far from all */
        seed_points(work);
        status = climb(work, context, err);
    }
    if (status == PEA_OK)
        status = thin_out(work, context, err);
    return status == PEA_OK ? pea__parallel(context, work->n_pieces, CLIMBED, 1.0, label_piece, work, err) : status;
}

/* Foreground points, one after another. */
static pea_status gather(const pea_array *embedding, const uint8_t *mask, float *points, shift *work,
                         pea_context *context, pea_error *err)
{
    const pea_dims d = embedding->dims;
    const float *from = embedding->data;
    pea_status status = PEA_OK;
    for (int64_t p = 0; p < d.z * d.y * d.x && status == PEA_OK; p++) {
        int64_t which;
        work->labels[p] = 0;
        if (p % 4096 == 0)
            status = pea__progress(context, 0.0, err);
        if (mask && !mask[p])
            continue;
        if (!pea__all_finite(from + p * d.c, d.c, &which))
            return pea__fail(err, PEA_E_FORMAT,
                             "embedding is not finite at z %" PRId64 ", y %" PRId64 ", x %" PRId64
                             ", component %" PRId64, p / (d.x * d.y), p / d.x % d.y, p % d.x, which);
        memcpy(points + work->n * d.c, from + p * d.c, (size_t)d.c * sizeof *points);
        work->voxel[work->n++] = (uint32_t)p;
    }
    return status;
}

static pea_status check_arguments(const pea_array *embedding, const pea_array *mask, const pea_array *labels,
                                  const pea_mean_shift_options *o, pea_context *context, pea_error *err)
{
    pea_status status = pea__array_check(embedding, "embedding", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__same_space(embedding, "embedding", labels, "labels", err);
    if (status == PEA_OK && mask)
        status = pea__array_check(mask, "mask", PEA_UINT8, err);
    if (status == PEA_OK && mask)
        status = pea__same_space(mask, "mask", labels, "labels", err);
    if (status != PEA_OK)
        return status;
    if (labels->dims.c != 1 || (mask && mask->dims.c != 1))
        return pea__fail(err, PEA_E_SHAPE, "labels and mask must have 1 channel");
    if (!(o->bandwidth > 0.0 && isfinite(o->bandwidth)) || o->max_steps < 1)
        return pea__fail(err, PEA_E_ARG, "bandwidth %g must be above 0 and steps %d at least 1", o->bandwidth,
                         o->max_steps);
    const pea_dims d = embedding->dims;
    const int64_t n = d.z * d.y * d.x;
    if (n > INT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "%" PRId64 " voxels: at most 2^31 - 1 can be clustered at once", n);
    const uint64_t limit = pea__memory_limit(context), needed = (uint64_t)n * (20 + 12 * (uint64_t)d.c);
    if (limit != 0 && needed > limit)
        return pea__fail(err, PEA_E_LIMIT, "mean shift of %" PRId64 " voxels needs up to %" PRIu64
                         " bytes but the limit is %" PRIu64 ": raise it, or use a smaller part", n, needed, limit);
    return PEA_OK;
}

pea_status pea_mean_shift(const pea_array *embedding, const pea_array *mask, const pea_mean_shift_options *options,
                          pea_context *context, const pea_array *labels, uint32_t *n_labels, pea_error *err)
{
    pea_mean_shift_options chosen = pea_mean_shift_options_default();
    pea_status status = pea__options_take(&chosen, sizeof chosen, options, "mean shift", err);
    if (status == PEA_OK)
        status = check_arguments(embedding, mask, labels, &chosen, context, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = embedding->dims;
    const size_t n = (size_t)(d.z * d.y * d.x);
    shift work = {.c = d.c, .bandwidth = chosen.bandwidth, .max_steps = chosen.max_steps, .labels = labels->data};
    pea__stage(context, "mean shift");
    float *points = pea__alloc_unset(n, (size_t)d.c * sizeof *points, err);
    work.voxel = points ? pea__alloc_unset(n, sizeof *work.voxel, err) : NULL;
    work.points = points;
    status = work.voxel ? gather(embedding, mask ? mask->data : NULL, points, &work, context, err) : PEA_E_NOMEM;
    if (status == PEA_OK && work.n > 0)
        status = run(&work, context, err);
    if (status == PEA_OK && n_labels)
        *n_labels = (uint32_t)work.n_centres;
    pea__stage(context, NULL);
    pea__free(work.centres);
    pea__free(work.counts);
    pea__free(work.sums);
    pea__free(work.seeds);
    pea__free_unset(work.voxel);
    pea__free_unset(points);
    return status;
}
