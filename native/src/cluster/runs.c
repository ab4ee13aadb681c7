/* runs.c - finds runs of equal labels and joins those that touch: most voxels are looked at twice, one after another,
 * and only runs, some twenty times fewer, are jumped about.
 *
 *     row y - 1   |  0  |   7   |  0  |        runs cover their rows, so that two rows are compared as two sorted lists
 *     row y       | 0 |   7  |   7' ...        are merged: what ends first makes way for its successor
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/runs.h"
#include "cluster/cluster.h"

#include <inttypes.h>

/* ---- finding them ---- */

static int64_t rows_at_once(const pea__runs *runs)
{
    return pea__max_i64(1, PEA__VOXELS_AT_ONCE / runs->dims.x);
}

/* first[row + 1] becomes the number of runs of a row. */
static void count_rows(void *argument, int64_t index, int worker)
{
    const pea__runs *runs = argument;
    const int64_t each = rows_at_once(runs), end = pea__min_i64(runs->n_rows, (index + 1) * each), n_x = runs->dims.x;
    (void)worker;
    for (int64_t row = index * each; row < end; row++) {
        const uint32_t *labels = runs->labels + row * n_x;
        uint32_t n = 1;
        for (int64_t x = 1; x < n_x; x++)
            n += labels[x] != labels[x - 1];
        runs->first[row + 1] = n;
    }
}

static void find_rows(void *argument, int64_t index, int worker)
{
    const pea__runs *runs = argument;
    const int64_t each = rows_at_once(runs), end = pea__min_i64(runs->n_rows, (index + 1) * each), n_x = runs->dims.x;
    (void)worker;
    for (int64_t row = index * each; row < end; row++) {
        const uint32_t *labels = runs->labels + row * n_x;
        uint32_t i = runs->first[row];
        runs->begin[i] = 0;
        for (int64_t x = 1; x < n_x; x++)
            if (labels[x] != labels[x - 1])
                runs->begin[++i] = (uint32_t)x;
        for (i = runs->first[row]; i < runs->first[row + 1]; i++)
            runs->part[i] = i; /* each its own set */
    }
}

static pea_status make_room(pea__runs *runs, pea_error *err)
{
    uint64_t n = 0;
    for (int64_t row = 0; row < runs->n_rows; row++) {
        const uint32_t of_row = runs->first[row + 1];
        n += of_row;
        if (n >= PEA__NO_PART)
            return pea__fail(err, PEA_E_LIMIT, "the labels change more than 2^32 - 2 times along their rows: work on a "
                                               "smaller part");
        runs->first[row + 1] = (uint32_t)n;
    }
    const uint64_t bytes = n * 2 * sizeof(uint32_t) + ((uint64_t)runs->n_rows + 1) * sizeof(uint32_t),
                   limit = pea__memory_limit(runs->context);
    if (limit != 0 && bytes > limit)
        return pea__fail(err, PEA_E_LIMIT, "cleaning up needs %" PRIu64 " bytes but the limit is %" PRIu64
                                           ": raise it or work on a smaller part", bytes, limit);
    runs->n = (uint32_t)n;
    runs->begin = pea__alloc_unset((size_t)n, sizeof *runs->begin, err);
    runs->part = runs->begin ? pea__alloc_unset((size_t)n, sizeof *runs->part, err) : NULL;
    return runs->part ? PEA_OK : PEA_E_NOMEM;
}

pea_status pea__runs_find(const pea_array *labels, pea_context *context, double to, pea__runs *runs, pea_error *err)
{
    const pea_dims d = labels->dims;
    *runs = (pea__runs){.labels = labels->data, .context = context, .dims = d, .n_rows = d.z * d.y};
    if (d.x > UINT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "rows of %" PRId64 " voxels are longer than 2^32 - 1", d.x);
    runs->first = pea__alloc((size_t)runs->n_rows + 1, sizeof *runs->first, err);
    if (!runs->first)
        return PEA_E_NOMEM;
    const int64_t n_tasks = pea__ceil_div(runs->n_rows, rows_at_once(runs));
    pea_status status = pea__parallel(context, n_tasks, 0.0, to / 2, count_rows, runs, err);
    if (status == PEA_OK)
        status = make_room(runs, err);
    if (status == PEA_OK)
        status = pea__parallel(context, n_tasks, to / 2, to, find_rows, runs, err);
    return status;
}

void pea__runs_free(pea__runs *runs)
{
    pea__free_unset(runs->part);
    pea__free_unset(runs->begin);
    pea__free(runs->first);
    *runs = (pea__runs){0};
}

/* ---- which touch ---- */

typedef struct walk {
    const pea__runs *runs;
    pea__touch_fn *touch;
    void *argument;
} walk;

static void tell(const walk *w, int64_t row, uint32_t run, int64_t other_row, uint32_t other)
{
    w->touch(w->argument, run, pea__run_label(w->runs, row, run), other, pea__run_label(w->runs, other_row, other));
}

/* Two neighbouring rows. `corners`: voxels one step aside touch, too. */
static void walk_rows(const walk *w, int64_t row, int64_t other_row, bool corners)
{
    const pea__runs *runs = w->runs;
    const uint32_t i_end = runs->first[row + 1], j_end = runs->first[other_row + 1];
    uint32_t i = runs->first[row], j = runs->first[other_row];
    while (i < i_end && j < j_end) {
        const uint32_t i_stops = pea__run_end(runs, row, i), j_stops = pea__run_end(runs, other_row, j);
        tell(w, row, i, other_row, j);
        if (corners && i_stops == j_stops && i + 1 < i_end) { /* two borders above each other: both diagonals */
            tell(w, row, i, other_row, j + 1);
            tell(w, row, i + 1, other_row, j);
        }
        i += i_stops <= j_stops;
        j += j_stops <= i_stops;
    }
}

static void walk_row(const walk *w, int64_t row)
{
    for (uint32_t i = w->runs->first[row] + 1; i < w->runs->first[row + 1]; i++)
        tell(w, row, i, row, i - 1);
}

/* A row and all that the raster has passed before it. Of two rows that share an edge only, voxels straight across share
 * it; those one step aside share a corner. */
static void walk_back(const walk *w, int64_t row, pea_connectivity connectivity)
{
    const pea_dims d = w->runs->dims;
    const int64_t z = row / d.y, y = row % d.y;
    const bool edges = connectivity != PEA_CONNECT_FACES, corners = connectivity == PEA_CONNECT_CORNERS;
    walk_row(w, row);
    if (y > 0)
        walk_rows(w, row, row - 1, edges);
    if (z > 0)
        walk_rows(w, row, row - d.y, edges);
    if (z > 0 && y > 0 && edges)
        walk_rows(w, row, row - d.y - 1, corners);
    if (z > 0 && y + 1 < d.y && edges)
        walk_rows(w, row, row - d.y + 1, corners);
}

pea_status pea__runs_touching(const pea__runs *runs, pea_connectivity connectivity, double from, double to,
                              pea__touch_fn *touch, void *argument, pea_error *err)
{
    const walk w = {runs, touch, argument};
    const int64_t at_once = rows_at_once(runs);
    pea_status status = PEA_OK;
    for (int64_t row = 0; row < runs->n_rows && status == PEA_OK; row++) {
        walk_back(&w, row, connectivity);
        if (row % at_once == 0)
            status = pea__progress(runs->context, from + (to - from) * (double)row / (double)runs->n_rows, err);
    }
    return status;
}

/* ---- connected parts ---- */

/* Path halving; the root of a set is its first run. */
static uint32_t root_of(uint32_t *parent, uint32_t run)
{
    while (parent[run] != run)
        run = parent[run] = parent[parent[run]];
    return run;
}

static void unite(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    parent[a > b ? a : b] = a > b ? b : a;
}

static void join_labels(void *argument, uint32_t run, uint32_t label, uint32_t other, uint32_t other_label)
{
    if (label == other_label && label != 0)
        unite(argument, run, other);
}

static void join_background(void *argument, uint32_t run, uint32_t label, uint32_t other, uint32_t other_label)
{
    if (label == 0 && other_label == 0)
        unite(argument, run, other);
}

/* The first run of a set comes before all others of it: what a run points to has its number already. */
static pea_status number_parts(pea__runs *runs, pea__runs_kind kind, double done, pea_error *err)
{
    const int64_t at_once = rows_at_once(runs);
    pea_status status = PEA_OK;
    uint32_t n = 0;
    for (int64_t row = 0; row < runs->n_rows && status == PEA_OK; row++) {
        for (uint32_t i = runs->first[row]; i < runs->first[row + 1]; i++) {
            const bool wanted = (pea__run_label(runs, row, i) == 0) == (kind == PEA__RUNS_OF_BACKGROUND);
            const uint32_t up = runs->part[i];
            runs->part[i] = !wanted ? PEA__NO_PART : up == i ? n++ : runs->part[up];
        }
        if (row % at_once == 0)
            status = pea__progress(runs->context, done, err);
    }
    runs->n_parts = n;
    return status;
}

pea_status pea__runs_connect(pea__runs *runs, pea__runs_kind kind, pea_connectivity connectivity, double from,
                             double to, pea_error *err)
{
    const pea_status status =
        pea__runs_touching(runs, connectivity, from, to, kind == PEA__RUNS_OF_LABELS ? join_labels : join_background,
                           runs->part, err);
    return status == PEA_OK ? number_parts(runs, kind, to, err) : status;
}

/* ---- writing ---- */

typedef struct writing {
    const pea__runs *runs;
    const uint32_t *fresh;
} writing;

static void write_rows(void *argument, int64_t index, int worker)
{
    const writing *work = argument;
    const pea__runs *runs = work->runs;
    const int64_t each = rows_at_once(runs), end = pea__min_i64(runs->n_rows, (index + 1) * each);
    (void)worker;
    for (int64_t row = index * each; row < end; row++) {
        uint32_t *labels = runs->labels + row * runs->dims.x;
        for (uint32_t i = runs->first[row]; i < runs->first[row + 1]; i++) {
            const uint32_t part = runs->part[i], stop = pea__run_end(runs, row, i);
            if (part == PEA__NO_PART || work->fresh[part] == labels[runs->begin[i]])
                continue;
            for (uint32_t x = runs->begin[i]; x < stop; x++)
                labels[x] = work->fresh[part];
        }
    }
}

pea_status pea__runs_write(const pea__runs *runs, const uint32_t *fresh, double from, double to, pea_error *err)
{
    writing work = {runs, fresh};
    return pea__parallel(runs->context, pea__ceil_div(runs->n_rows, rows_at_once(runs)), from, to, write_rows, &work,
                         err);
}
