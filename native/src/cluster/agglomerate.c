/* agglomerate.c - merging regions by score, from a queue of 256 bins.
 *
 * The front of the lowest bin: too costly - the end; gone - dropped; out of date - scored anew and queued again; else
 * its regions become one. Where both had an edge to a third, the cheaper one lives on, keeps its place in the queue, and
 * is out of date. Of equal ones that of the larger number lives on.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/agglomerate.h"
#include "cluster/cluster.h"
#include "cluster/contraction.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { N_BINS = 256, OWN_EDGE_BYTES = 24 + 4 + 16 };

/* Shares of the progress bar. */
#define LINKED 0.2
#define SCORED 0.4

/* Affinities of one bin, for the quantile: a list for each edge, in which a bin may occur more than once until the edge
 * is scored. The first entries are those of the edges themselves. */
typedef struct entry {
    int64_t count;
    int32_t next;
    uint8_t bin;
} entry;

/* What is known of an edge; together, as its memory is waited for. */
typedef struct worth {
    union {
        struct {
            double sum; /* mean: of affinities */
            int64_t n_faces;
        };
        struct {
            int32_t first, last; /* quantile: its list */
        };
    };
    float cost; /* as of its last scoring */
    bool stale;
} worth;

typedef struct agglomeration {
    pea_agglomerate_options options;
    pea__contraction graph;
    worth *edges;       /* [edge] */
    entry *entries;     /* [edge] quantile: its first entry, or one of another edge's */
    int32_t *following; /* [edge] in its queue */
    int32_t front[N_BINS], back[N_BINS];
} agglomeration;

pea_agglomerate_options pea_agglomerate_options_default(void)
{
    return (pea_agglomerate_options){
        .struct_size = sizeof(pea_agglomerate_options), .score = PEA_SCORE_MEAN, .percent = 50, .threshold = 0.5};
}

/* ---- scores ---- */

/* The list is rewritten with each bin once, so that it is never walked in vain again. */
static double quantile_of(agglomeration *work, uint32_t edge)
{
    int64_t counts[N_BINS] = {0}, total = 0, seen = 0;
    int32_t at = work->edges[edge].first, last = at;
    for (int32_t i = at; i >= 0; i = work->entries[i].next) {
        counts[work->entries[i].bin] += work->entries[i].count;
        total += work->entries[i].count;
    }
    int answer = N_BINS - 1;
    const int64_t wanted = work->options.percent * total / 100 + 1;
    for (int bin = 0; bin < N_BINS; bin++) {
        if (counts[bin] == 0)
            continue;
        if (seen < wanted && seen + counts[bin] >= wanted)
            answer = bin;
        seen += counts[bin];
        work->entries[at].bin = (uint8_t)bin;
        work->entries[at].count = counts[bin];
        last = at;
        at = work->entries[at].next;
    }
    work->entries[last].next = -1;
    work->edges[edge].last = last;
    return (answer + 0.5) / N_BINS;
}

static void score(agglomeration *work, uint32_t edge)
{
    worth *w = work->edges + edge;
    const double value =
        work->options.score == PEA_SCORE_MEAN ? w->sum / (double)w->n_faces : quantile_of(work, edge);
    w->cost = 1.0f - (float)value;
    w->stale = false;
}

static uint32_t combine(void *argument, uint32_t low, uint32_t high)
{
    agglomeration *work = argument;
    const bool high_lives = work->edges[high].cost <= work->edges[low].cost;
    const uint32_t alive = high_lives ? high : low;
    worth *w = work->edges + alive, *other = work->edges + (high_lives ? low : high);
    if (work->options.score == PEA_SCORE_MEAN) {
        w->sum += other->sum;
        w->n_faces += other->n_faces;
    } else {
        work->entries[w->last].next = other->first;
        w->last = other->last;
    }
    w->stale = true;
    return alive;
}

/* ---- the queue ---- */

static int bin_of(float cost)
{
    return pea__region_bin(cost, N_BINS);
}

static void push(agglomeration *work, uint32_t edge)
{
    const int bin = bin_of(work->edges[edge].cost);
    work->following[edge] = -1;
    if (work->front[bin] < 0)
        work->front[bin] = (int32_t)edge;
    else
        work->following[work->back[bin]] = (int32_t)edge;
    work->back[bin] = (int32_t)edge;
}

static pea_status merge_all(agglomeration *work, pea_context *context, pea_error *err)
{
    const float threshold = (float)work->options.threshold;
    pea_status status = PEA_OK;
    int64_t n_taken = 0;
    for (int bin = 0; bin < N_BINS && status == PEA_OK;) {
        const int32_t edge = work->front[bin];
        if (edge < 0) {
            bin++;
            continue;
        }
        if (work->edges[edge].cost >= threshold)
            break;
        const int32_t next = work->front[bin] = work->following[edge];
        if (next >= 0) {
            PEA__PREFETCH(work->edges + next);
            PEA__PREFETCH(work->following + next);
            PEA__PREFETCH(work->graph.gone + next);
        }
        if (work->graph.gone[edge]) {
            ;
        } else if (work->edges[edge].stale) {
            score(work, (uint32_t)edge);
            push(work, (uint32_t)edge);
            const int now = bin_of(work->edges[edge].cost);
            bin = now < bin ? now : bin;
        } else {
            pea__contract(&work->graph, (uint32_t)edge, combine, work);
        }
        if (++n_taken % PEA__EDGES_AT_ONCE == 0)
            status = pea__progress(context, SCORED + (1.0 - SCORED) * bin / (N_BINS * work->options.threshold), err);
    }
    return status;
}

/* ---- all of it ---- */

static void free_all(agglomeration *work)
{
    pea__free(work->following);
    pea__free(work->entries);
    pea__free(work->edges);
    pea__contraction_free(&work->graph);
}

static pea_status new_all(const pea_region_graph *graph, pea_context *context, agglomeration *work, pea_error *err)
{
    const size_t m = (size_t)graph->n_edges;
    pea_status status = pea__region_graph_check_memory(graph, PEA__CONTRACTION_NODE_BYTES,
                                                       PEA__CONTRACTION_EDGE_BYTES + OWN_EDGE_BYTES, "agglomeration",
                                                       context, err);
    if (status == PEA_OK)
        status = pea__contraction_new(graph, context, LINKED, &work->graph, err);
    if (status != PEA_OK)
        return status;
    work->edges = pea__alloc(m, sizeof *work->edges, err);
    work->following = work->edges ? pea__alloc(m, sizeof *work->following, err) : NULL;
    if (work->following && work->options.score == PEA_SCORE_QUANTILE)
        work->entries = pea__alloc(m, sizeof *work->entries, err);
    return work->following && (work->entries || work->options.score == PEA_SCORE_MEAN) ? PEA_OK : PEA_E_NOMEM;
}

static pea_status fill(const pea_region_graph *graph, pea_context *context, agglomeration *work, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int bin = 0; bin < N_BINS; bin++)
        work->front[bin] = -1;
    for (uint32_t e = 0; e < graph->n_edges && status == PEA_OK; e++) {
        const pea_region_edge *edge = graph->edges + e;
        if (work->options.score == PEA_SCORE_MEAN) {
            work->edges[e].sum = edge->mean * (double)edge->n_faces;
            work->edges[e].n_faces = edge->n_faces;
        } else {
            work->entries[e] = (entry){1, -1, (uint8_t)pea__region_bin(edge->max, N_BINS)};
            work->edges[e].first = work->edges[e].last = (int32_t)e;
        }
        score(work, e);
        push(work, e);
        if (e % PEA__EDGES_AT_ONCE == 0)
            status = pea__progress(context, LINKED + (SCORED - LINKED) * e / (double)graph->n_edges, err);
    }
    return status;
}

static pea_status check_options(const pea_agglomerate_options *o, pea_error *err)
{
    if (o->score != PEA_SCORE_MEAN && o->score != PEA_SCORE_QUANTILE)
        return pea__fail(err, PEA_E_ARG, "there is no score %d", (int)o->score);
    if (o->percent < 0 || o->percent > 99)
        return pea__fail(err, PEA_E_ARG, "a quantile must be at 0 to 99 percent, not %d", o->percent);
    if (!(o->threshold > 0.0 && o->threshold <= 1.0))
        return pea__fail(err, PEA_E_ARG, "threshold %g must be above 0 and at most 1", o->threshold);
    return PEA_OK;
}

pea_status pea_agglomerate(const pea_region_graph *graph, const pea_agglomerate_options *options,
                           pea_context *context, uint32_t *numbers, uint32_t *n_regions, pea_error *err)
{
    agglomeration work = {.options = pea_agglomerate_options_default()};
    pea_status status = pea__options_take(&work.options, sizeof work.options, options, "agglomerate", err);
    if (status == PEA_OK)
        status = check_options(&work.options, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "agglomerate");
    status = new_all(graph, context, &work, err);
    if (status == PEA_OK)
        status = fill(graph, context, &work, err);
    if (status == PEA_OK)
        status = merge_all(&work, context, err);
    if (status == PEA_OK)
        status = pea__progress(context, 1.0, err);
    if (status == PEA_OK) {
        const uint32_t n = pea__contraction_numbers(&work.graph, numbers);
        if (n_regions)
            *n_regions = n;
    }
    pea__stage(context, NULL);
    free_all(&work);
    return status;
}
