/* mean_shift.c - seeds climb to where most embeddings are; each voxel goes to the nearest summit that is left.
 *
 * All seeds take a step in turn, shared by the threads. A step asks a tree of the points (point_tree.c), which adds up
 * whole boxes within the bandwidth and leaves out those beyond it. It counts exactly the points that a search of all
 * would; only the order of the sum differs.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/mean_shift.h"
#include "cluster/cluster.h"
#include "cluster/point_tree.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { AT_ONCE = 4096, LEAVES_AT_ONCE = 64 };

/* Shares of the progress bar. */
#define GATHERED 0.05
#define SEEDED 0.1
#define PLANTED 0.2
#define CLIMBED 0.9
#define CHOSEN 0.95

typedef struct seed {
    double *at;       /* c numbers */
    int64_t n_points; /* that its last step saw */
    bool climbs;
} seed;

typedef struct shift {
    const float *values; /* [voxel][c] */
    uint32_t *voxels;    /* those in the foreground, leaf after leaf of the tree once that is there */
    int64_t n, c;
    double bandwidth;
    int max_steps;
    pea__point_tree tree;
    double *places; /* [seed][c] */
    seed *seeds;
    int64_t n_seeds;
    uint32_t *climbing;     /* seeds that are not there yet */
    double *sums;           /* [worker][c] */
    const double **summits; /* places of the seeds that stay */
    uint32_t *candidates;   /* [worker][summit] */
    int64_t n_summits;
    uint32_t *labels;
} shift;

pea_mean_shift_options pea_mean_shift_options_default(void)
{
    return (pea_mean_shift_options){.struct_size = sizeof(pea_mean_shift_options), .bandwidth = 1.5, .max_steps = 300};
}

static const float *value_of(const shift *work, int64_t i)
{
    return work->values + (int64_t)work->voxels[i] * work->c;
}

/* ---- seeds ---- */

/* The middle of the cell that a point is in. */
static void cell_of(const shift *work, const float *point, double *cell)
{
    for (int64_t k = 0; k < work->c; k++) /* -0 and 0 are one cell */
        cell[k] = rint((double)point[k] / work->bandwidth) * work->bandwidth + 0.0;
}

static uint64_t hash_of(const double *cell, int64_t c)
{
    uint64_t hash = 0;
    for (int64_t k = 0; k < c; k++) {
        uint64_t bits;
        memcpy(&bits, cell + k, sizeof bits);
        hash = (hash ^ bits) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* The cells that hold a point, in the order of their first; at most every second slot is taken. */
static pea_status find_cells(shift *work, uint32_t *slots, int64_t n_slots, pea_context *context, pea_error *err)
{
    const size_t n_bytes = (size_t)work->c * sizeof *work->places;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < work->n && status == PEA_OK; i++) {
        double *cell = work->places + work->n_seeds * work->c; /* where it stays if it is new */
        cell_of(work, value_of(work, i), cell);
        int64_t slot = (int64_t)(hash_of(cell, work->c) & (uint64_t)(n_slots - 1));
        while (slots[slot] && memcmp(work->places + (int64_t)(slots[slot] - 1) * work->c, cell, n_bytes) != 0)
            slot = (slot + 1) & (n_slots - 1);
        if (!slots[slot])
            slots[slot] = (uint32_t)++work->n_seeds;
        if (i % AT_ONCE == 0)
            status = pea__progress(context, GATHERED + (SEEDED - GATHERED) * (double)i / (double)work->n, err);
    }
    return status;
}

static pea_status seed_points(shift *work, pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    work->n_seeds = work->n;
    for (int64_t i = 0; i < work->n && status == PEA_OK; i++) {
        for (int64_t k = 0; k < work->c; k++)
            work->places[i * work->c + k] = (double)value_of(work, i)[k];
        if (i % AT_ONCE == 0)
            status = pea__progress(context, SEEDED, err);
    }
    return status;
}

static pea_status make_seeds(shift *work, pea_context *context, pea_error *err)
{
    int64_t n_slots = 2;
    while (n_slots < 2 * work->n)
        n_slots *= 2;
    work->places = pea__alloc((size_t)work->n, (size_t)work->c * sizeof *work->places, err);
    uint32_t *slots = work->places ? pea__alloc((size_t)n_slots, sizeof *slots, err) : NULL;
    const pea_status status = slots ? find_cells(work, slots, n_slots, context, err) : PEA_E_NOMEM;
    pea__free(slots);
    if (status == PEA_OK && work->n_seeds == work->n) /* no cell has two: the points themselves tell more */
        return seed_points(work, context, err);
    return status;
}

/* ---- climbing ---- */

/* To the mean of the points around. */
static void step(void *argument, int64_t index, int worker)
{
    const shift *work = argument;
    seed *s = work->seeds + work->climbing[index];
    double way = 0.0, *sum = work->sums + worker * work->c;
    memset(sum, 0, (size_t)work->c * sizeof *sum);
    s->n_points = pea__point_tree_within(&work->tree, s->at, work->bandwidth * work->bandwidth, sum);
    for (int64_t k = 0; k < work->c && s->n_points > 0; k++) {
        const double mean = sum[k] / (double)s->n_points;
        way += (mean - s->at[k]) * (mean - s->at[k]);
        s->at[k] = mean;
    }
    s->climbs = sqrt(way) > 1e-3 * work->bandwidth;
}

/* All that have not arrived take a step, until all have. */
static pea_status climb_in_turn(shift *work, pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    int64_t n = work->n_seeds;
    for (int64_t i = 0; i < n; i++) {
        work->climbing[i] = (uint32_t)i;
        work->seeds[i] = (seed){.at = work->places + i * work->c};
    }
    for (int round = 0; round < work->max_steps && n > 0 && status == PEA_OK; round++) {
        const double done = 1.0 - (double)n / (double)work->n_seeds, from = PLANTED + (CLIMBED - PLANTED) * done;
        int64_t n_left = 0;
        status = pea__parallel(context, n, from, from, step, work, err);
        for (int64_t i = 0; i < n; i++) {
            work->climbing[n_left] = work->climbing[i];
            n_left += work->seeds[work->climbing[i]].climbs;
        }
        n = n_left;
    }
    return status;
}

static pea_status climb(shift *work, pea_context *context, pea_error *err)
{
    pea__free(work->climbing);
    pea__free(work->seeds);
    work->climbing = NULL;
    work->seeds = pea__alloc((size_t)work->n_seeds, sizeof *work->seeds, err);
    work->climbing = work->seeds ? pea__alloc((size_t)work->n_seeds, sizeof *work->climbing, err) : NULL;
    return work->climbing ? climb_in_turn(work, context, err) : PEA_E_NOMEM;
}

/* ---- summits ---- */

static bool before(const seed *a, const seed *b, int64_t c)
{
    if (a->n_points != b->n_points)
        return a->n_points > b->n_points;
    for (int64_t k = 0; k < c; k++)
        if (a->at[k] != b->at[k])
            return a->at[k] > b->at[k];
    return false;
}

static bool are_near(const double *a, const double *b, int64_t c, double squared)
{
    double sum = 0.0;
    for (int64_t k = 0; k < c && sum <= squared; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum <= squared;
}

/* Those within a bandwidth of the last summit go, and those that saw nobody. Returns the first in rank of the others,
 * or -1. */
static int64_t leave_out(shift *work, int64_t *n_left)
{
    const double *last = work->n_summits ? work->summits[work->n_summits - 1] : NULL;
    int64_t best = -1, n = 0;
    for (int64_t i = 0; i < *n_left; i++) {
        const seed s = work->seeds[i];
        if (s.n_points == 0 || (last && are_near(last, s.at, work->c, work->bandwidth * work->bandwidth)))
            continue;
        work->seeds[n] = s;
        best = best < 0 || before(&s, work->seeds + best, work->c) ? n : best;
        n++;
    }
    *n_left = n;
    return best;
}

static pea_status choose_summits(shift *work, pea_context *context, pea_error *err)
{
    int64_t n_left = work->n_seeds;
    pea_status status = PEA_OK;
    work->summits = pea__alloc((size_t)work->n_seeds, sizeof *work->summits, err);
    if (!work->summits)
        return PEA_E_NOMEM;
    for (int64_t best; status == PEA_OK && (best = leave_out(work, &n_left)) >= 0;) {
        work->summits[work->n_summits++] = work->seeds[best].at;
        status = pea__progress(context, CLIMBED, err);
    }
    return status;
}

/* ---- all of it ---- */

static void label_leaves(void *argument, int64_t index, int worker)
{
    const shift *work = argument;
    const int64_t end = pea__min_i64(pea__point_tree_leaves(&work->tree), (index + 1) * LEAVES_AT_ONCE);
    for (int64_t leaf = index * LEAVES_AT_ONCE; leaf < end; leaf++) {
        uint32_t nearest[PEA__LEAF_POINTS];
        int64_t begin;
        const int64_t n = pea__point_tree_nearest(&work->tree, leaf, work->summits, work->n_summits,
                                                  work->candidates + worker * work->n_summits, &begin, nearest);
        for (int64_t i = 0; i < n; i++)
            work->labels[work->voxels[begin + i]] = nearest[i] + 1;
    }
}

static pea_status label_all(shift *work, pea_context *context, pea_error *err)
{
    const size_t n_workers = (size_t)pea__workers(context);
    work->candidates = pea__alloc((size_t)work->n_summits, n_workers * sizeof *work->candidates, err);
    if (!work->candidates)
        return PEA_E_NOMEM;
    return pea__parallel(context, pea__ceil_div(pea__point_tree_leaves(&work->tree), LEAVES_AT_ONCE), CHOSEN, 1.0,
                         label_leaves, work, err);
}

static pea_status run(shift *work, pea_context *context, pea_error *err)
{
    pea_status status = make_seeds(work, context, err);
    if (status == PEA_OK)
        status = pea__point_tree_new(work->values, work->voxels, work->n, work->c, context, SEEDED, PLANTED,
                                     &work->tree, err);
    if (status != PEA_OK)
        return status;
    work->sums = pea__alloc((size_t)pea__workers(context), (size_t)work->c * sizeof *work->sums, err);
    status = work->sums ? climb(work, context, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = choose_summits(work, context, err);
    if (status == PEA_OK && work->n_summits == 0) { /* with many components the middle of a cell can be far from all */
        pea__free(work->summits);
        work->summits = NULL;
        status = seed_points(work, context, err);
        if (status == PEA_OK)
            status = climb(work, context, err);
        if (status == PEA_OK)
            status = choose_summits(work, context, err);
    }
    return status == PEA_OK ? label_all(work, context, err) : status;
}

/* Which voxels are foreground, all of them labelled 0 for now. */
static pea_status gather(const pea_array *embedding, const uint8_t *mask, shift *work, pea_context *context,
                         pea_error *err)
{
    const pea_dims d = embedding->dims;
    const int64_t n = d.z * d.y * d.x;
    pea_status status = PEA_OK;
    for (int64_t p = 0; p < n && status == PEA_OK; p++) {
        int64_t which;
        work->labels[p] = 0;
        if (p % AT_ONCE == 0)
            status = pea__progress(context, GATHERED * (double)p / (double)n, err);
        if (mask && !mask[p])
            continue;
        if (!pea__all_finite(work->values + p * d.c, d.c, &which))
            return pea__fail(err, PEA_E_FORMAT,
                             "embedding is not finite at z %" PRId64 ", y %" PRId64 ", x %" PRId64
                             ", component %" PRId64, p / (d.x * d.y), p / d.x % d.y, p % d.x, which);
        work->voxels[work->n++] = (uint32_t)p;
    }
    return status;
}

/* The points of the tree and its boxes, of which there are two for 17 points and more, each of two corners and a sum;
 * seeds and summits, at most one for each point. Before that cells take no more. */
uint64_t pea__mean_shift_bytes(uint64_t n_points, uint64_t c, int n_threads)
{
    const uint64_t tree = 4 * c + 2 * 16 * c / 16 + sizeof(uint32_t),
                   seeds = 8 * c + sizeof(seed) + sizeof(uint32_t) + sizeof(double *),
                   each = tree + seeds + (uint64_t)n_threads * sizeof(uint32_t);
    return n_points > UINT64_MAX / each ? UINT64_MAX : n_points * each;
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
    const uint64_t limit = pea__memory_limit(context),
                   needed = pea__mean_shift_bytes((uint64_t)n, (uint64_t)d.c, pea__workers(context));
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
    shift work = {.values = embedding->data, .c = d.c, .labels = labels->data};
    work.bandwidth = chosen.bandwidth;
    work.max_steps = chosen.max_steps;
    pea__stage(context, "mean shift");
    work.voxels = pea__alloc_unset((size_t)(d.z * d.y * d.x), sizeof *work.voxels, err);
    status = work.voxels ? gather(embedding, mask ? mask->data : NULL, &work, context, err) : PEA_E_NOMEM;
    if (status == PEA_OK && work.n > 0)
        status = run(&work, context, err);
    if (status == PEA_OK && n_labels)
        *n_labels = (uint32_t)work.n_summits;
    pea__stage(context, NULL);
    pea__free(work.candidates);
    pea__free(work.summits);
    pea__free(work.climbing);
    pea__free(work.seeds);
    pea__free(work.sums);
    pea__point_tree_free(&work.tree);
    pea__free(work.places);
    pea__free_unset(work.voxels);
    return status;
}
