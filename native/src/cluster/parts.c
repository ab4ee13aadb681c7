/* parts.c - connected parts of objects, and holes in them: questions to the runs of a label image.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/runs.h"

/* Shares of the progress bar. */
#define FOUND 0.3
#define CONNECTED 0.6
#define WRITTEN_FROM 0.8

static pea_status check(const pea_array *labels, pea_connectivity connectivity, pea_error *err)
{
    const pea_status status = pea__labels_check(labels, err);
    if (status == PEA_OK && (unsigned)connectivity > PEA_CONNECT_CORNERS)
        return pea__fail(err, PEA_E_ARG, "connectivity has no choice number %d", (int)connectivity);
    return status;
}

/* One answer for each part, zeroed, and owned. */
static pea_status connect(const pea_array *labels, pea__runs_kind kind, pea_connectivity connectivity,
                          pea_context *context, pea__runs *runs, uint32_t **fresh, pea_error *err)
{
    pea_status status = pea__runs_find(labels, context, FOUND, runs, err);
    if (status == PEA_OK)
        status = pea__runs_connect(runs, kind, connectivity, FOUND, CONNECTED, err);
    if (status != PEA_OK)
        return status;
    *fresh = pea__alloc(runs->n_parts, sizeof **fresh, err);
    return *fresh ? PEA_OK : PEA_E_NOMEM;
}

/* ---- every part on its own ---- */

pea_status pea_split_parts(const pea_array *labels, pea_connectivity connectivity, pea_context *context,
                           uint32_t *n_labels, pea_error *err)
{
    pea__runs runs = {0};
    uint32_t *fresh = NULL;
    pea_status status = check(labels, connectivity, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "clean up");
    status = connect(labels, PEA__RUNS_OF_LABELS, connectivity, context, &runs, &fresh, err);
    for (uint32_t i = 0; i < runs.n_parts && status == PEA_OK; i++)
        fresh[i] = i + 1;
    if (status == PEA_OK)
        status = pea__runs_write(&runs, fresh, CONNECTED, 1.0, err);
    if (status == PEA_OK && n_labels)
        *n_labels = runs.n_parts;
    pea__stage(context, NULL);
    pea__free(fresh);
    pea__runs_free(&runs);
    return status;
}

/* ---- the largest part of each object ---- */

typedef struct ranking {
    const pea__runs *runs;
    pea__label_map map;
    int64_t *size;    /* [part] */
    uint32_t *object; /* [part]: number of the map */
    uint32_t *best;   /* [object]: part */
} ranking;

static pea_status measure_parts(ranking *r, pea_error *err)
{
    const pea__runs *runs = r->runs;
    pea_status status = PEA_OK;
    for (int64_t row = 0; row < runs->n_rows && status == PEA_OK; row++) {
        for (uint32_t i = runs->first[row]; i < runs->first[row + 1] && status == PEA_OK; i++) {
            const uint32_t part = runs->part[i];
            if (part == PEA__NO_PART)
                continue;
            if (r->size[part] == 0) /* its first run */
                status = pea__label_map_number(&r->map, pea__run_label(runs, row, i), r->object + part, err);
            r->size[part] += pea__run_end(runs, row, i) - runs->begin[i];
        }
        if (status == PEA_OK && row % 64 == 0)
            status = pea__progress(runs->context,
                                   CONNECTED + (WRITTEN_FROM - CONNECTED) * (double)row / (double)runs->n_rows, err);
    }
    return status;
}

/* fresh: the label of each part, 0 where another is larger. */
static pea_status choose_parts(ranking *r, uint32_t *fresh, pea_error *err)
{
    r->best = pea__alloc(r->map.n, sizeof *r->best, err);
    if (!r->best)
        return PEA_E_NOMEM;
    for (uint32_t i = r->runs->n_parts; i > 0; i--) { /* backwards: the first of equal ones comes last */
        uint32_t *best = r->best + r->object[i - 1];
        if (*best == 0 || r->size[i - 1] >= r->size[*best - 1])
            *best = i;
    }
    for (uint32_t object = 0; object < r->map.n; object++)
        fresh[r->best[object] - 1] = r->map.labels[object];
    return PEA_OK;
}

static pea_status rank(ranking *r, uint32_t *fresh, pea_error *err)
{
    const uint32_t n = r->runs->n_parts;
    r->map.context = r->runs->context;
    r->size = pea__alloc(n, sizeof *r->size, err);
    r->object = r->size ? pea__alloc(n, sizeof *r->object, err) : NULL;
    pea_status status = r->object ? measure_parts(r, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = choose_parts(r, fresh, err);
    pea__free(r->best);
    pea__free(r->object);
    pea__free(r->size);
    pea__label_map_free(&r->map);
    return status;
}

pea_status pea_keep_largest_parts(const pea_array *labels, pea_connectivity connectivity, pea_context *context,
                                  pea_error *err)
{
    pea__runs runs = {0};
    uint32_t *fresh = NULL;
    ranking r = {.runs = &runs};
    pea_status status = check(labels, connectivity, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "clean up");
    status = connect(labels, PEA__RUNS_OF_LABELS, connectivity, context, &runs, &fresh, err);
    if (status == PEA_OK)
        status = rank(&r, fresh, err);
    if (status == PEA_OK)
        status = pea__runs_write(&runs, fresh, WRITTEN_FROM, 1.0, err);
    pea__stage(context, NULL);
    pea__free(fresh);
    pea__runs_free(&runs);
    return status;
}

/* ---- holes ---- */

typedef struct siege {
    const pea__runs *runs;
    uint32_t *around; /* [part of the background]: the label that it touches, 0 for none */
    uint8_t *open;    /* [the same]: it touches a second one, or the border */
} siege;

static void note(siege *s, uint32_t part, uint32_t label)
{
    if (s->around[part] != 0 && s->around[part] != label)
        s->open[part] = 1;
    s->around[part] = label;
}

static void look(void *argument, uint32_t run, uint32_t label, uint32_t other, uint32_t other_label)
{
    siege *s = argument;
    if (label == 0 && other_label != 0)
        note(s, s->runs->part[run], other_label);
    else if (label != 0 && other_label == 0)
        note(s, s->runs->part[other], label);
}

/* An axis of length 1 has no border: a plane is no volume without an inside. */
static bool is_end(int64_t at, int64_t length)
{
    return length > 1 && (at == 0 || at == length - 1);
}

static void open_borders(siege *s)
{
    const pea__runs *runs = s->runs;
    const pea_dims d = runs->dims;
    for (int64_t row = 0; row < runs->n_rows; row++) {
        const uint32_t begin = runs->first[row], end = runs->first[row + 1];
        const bool all = is_end(row / d.y, d.z) || is_end(row % d.y, d.y);
        for (uint32_t i = begin; i < end; i = all || i + 1 == end ? i + 1 : end - 1) /* or the first and the last */
            if (runs->part[i] != PEA__NO_PART && (all || d.x > 1))
                s->open[runs->part[i]] = 1;
    }
}

static pea_status find_holes(siege *s, pea_connectivity connectivity, pea_error *err)
{
    const uint32_t n = s->runs->n_parts;
    s->open = pea__alloc(n, 1, err);
    if (!s->open)
        return PEA_E_NOMEM;
    const pea_status status =
        pea__runs_touching(s->runs, connectivity, CONNECTED, WRITTEN_FROM, look, s, err);
    if (status == PEA_OK)
        open_borders(s);
    for (uint32_t i = 0; i < n && status == PEA_OK; i++)
        s->around[i] = s->open[i] ? 0 : s->around[i];
    pea__free(s->open);
    return status;
}

pea_status pea_fill_holes(const pea_array *labels, pea_connectivity connectivity, pea_context *context,
                          pea_error *err)
{
    pea__runs runs = {0};
    siege s = {.runs = &runs};
    pea_status status = check(labels, connectivity, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "clean up");
    status = connect(labels, PEA__RUNS_OF_BACKGROUND, connectivity, context, &runs, &s.around, err);
    if (status == PEA_OK)
        status = find_holes(&s, connectivity, err);
    if (status == PEA_OK)
        status = pea__runs_write(&runs, s.around, WRITTEN_FROM, 1.0, err);
    pea__stage(context, NULL);
    pea__free(s.around);
    pea__runs_free(&runs);
    return status;
}
