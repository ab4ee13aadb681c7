/* lanes.c - a graph of clusters cut into parts that threads take: clusters of consecutive numbers, and the edges among
 * them. Edges lie in the order of tiles, as clusters do, so that a share of them is nearly a lane as it is. What leaves
 * a lane, or lies in the wrong one, stays behind the edges of its share and takes no part; of it each cluster knows the
 * earliest.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <string.h>

enum {
    NEAR = 64,        /* of so many edges the shortest mostly lies inside a tile; else lanes are less even */
    PIECE = 1 << 17   /* edges or clusters between two questions whether to stop */
};

/* ---- lanes side by side ---- */

typedef struct piece {
    const int64_t *n; /* by lane */
    int64_t from;
    pea__lane_fn *fn;
    void *argument;
} piece;

static void take_piece(void *argument, int64_t lane, int worker)
{
    const piece *p = argument;
    (void)worker;
    if (p->from < p->n[lane])
        p->fn(p->argument, (int)lane, p->from, pea__min_i64(p->from + PIECE, p->n[lane]));
}

pea_status pea__lanes_run(int n_lanes, const int64_t *n, pea__lane_fn *fn, void *argument, pea_context *context,
                          double done, pea_error *err)
{
    piece p = {n, 0, fn, argument};
    int64_t most = 0;
    pea_status status = PEA_OK;
    for (int i = 0; i < n_lanes; i++)
        most = pea__max_i64(most, n[i]);
    for (; p.from < most && status == PEA_OK; p.from += PIECE)
        status = pea__parallel(context, n_lanes, done, done, take_piece, &p, err);
    return status;
}

/* ---- cut ---- */

static pea__edges share(const pea__edges *edges, int64_t from, int64_t to)
{
    return (pea__edges){edges->ends + from, edges->key + from, edges->id ? edges->id + from : NULL, to - from, 0};
}

/* The cluster at about the edge i. */
static uint32_t cluster_at(const pea__edges *edges, int64_t i)
{
    uint32_t nearest = UINT32_MAX, cluster = 0;
    for (const int64_t end = pea__min_i64(i + NEAR, edges->n); i < end; i++) {
        const uint32_t a = (uint32_t)(edges->ends[i] >> 32), b = (uint32_t)edges->ends[i];
        cluster = b - a < nearest ? b : cluster;
        nearest = b - a < nearest ? b - a : nearest;
    }
    return cluster;
}

/* The edge at about a cluster. */
static int64_t edge_at(const pea__edges *edges, uint32_t cluster)
{
    int64_t low = 0, high = edges->n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if ((uint32_t)edges->ends[middle] < cluster)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void choose_shares(const pea__cluster_graph *whole, int n, pea__lane *lanes)
{
    const pea__edges *attractive = &whole->attractive, *repulsive = &whole->repulsive;
    int64_t from[2] = {0, 0};
    uint32_t first = 0;
    for (int i = 0; i < n; i++) {
        int64_t to[2] = {attractive->n, repulsive->n};
        uint32_t end = whole->n_clusters;
        if (i + 1 < n) {
            to[0] = attractive->n * (i + 1) / n;
            end = cluster_at(attractive, to[0]);
            end = end > first ? end : first;
            to[1] = pea__max_i64(from[1], edge_at(repulsive, end));
        }
        lanes[i] = (pea__lane){.first = first, .n_before = end - first};
        lanes[i].n_edges[0] = lanes[i].n_own[0] = to[0] - from[0];
        lanes[i].n_edges[1] = lanes[i].n_own[1] = to[1] - from[1];
        lanes[i].graph = (pea__cluster_graph){end - first, whole->unknown + first, share(attractive, from[0], to[0]),
                                              share(repulsive, from[1], to[1])};
        first = end;
        from[0] = to[0];
        from[1] = to[1];
    }
}

static void swap_edges(pea__edges *edges, int64_t i, int64_t j)
{
    const uint64_t ends = edges->ends[i];
    const uint32_t key = edges->key[i];
    edges->ends[i] = edges->ends[j];
    edges->ends[j] = ends;
    edges->key[i] = edges->key[j];
    edges->key[j] = key;
    if (edges->id) {
        const uint64_t id = edges->id[i];
        edges->id[i] = edges->id[j];
        edges->id[j] = id;
    }
}

/* Those of edges from..to-1 that are the lane's own go to the front, behind the n that are there. */
static int64_t part_edges(const pea__lane *lane, pea__edges *edges, int64_t n, int64_t from, int64_t to)
{
    const uint64_t first = (uint64_t)lane->first << 32 | lane->first;
    for (int64_t i = from; i < to; i++) {
        const uint64_t ends = edges->ends[i];
        if (ends >> 32 < lane->first || (uint32_t)ends - lane->first >= lane->graph.n_clusters)
            continue;
        if (i != n)
            swap_edges(edges, i, n);
        edges->ends[n++] = ends - first;
    }
    return n;
}

static pea__edges *edges_of(pea__cluster_graph *graph, int kind)
{
    return kind == 0 ? &graph->attractive : &graph->repulsive;
}

typedef struct cutting {
    pea__lane *lanes;
    int kind; /* 0: attractive edges, 1: repulsive ones */
} cutting;

static void part_lane(void *argument, int index, int64_t from, int64_t to)
{
    const cutting *c = argument;
    pea__lane *lane = c->lanes + index;
    pea__edges *edges = edges_of(&lane->graph, c->kind);
    lane->n_own[c->kind] = edges->n = part_edges(lane, edges, from == 0 ? 0 : edges->n, from, to);
}

static pea_status part_all(pea__lane *lanes, int n, int kind, pea_context *context, double done, pea_error *err)
{
    cutting c = {lanes, kind};
    int64_t n_edges[PEA_MAX_THREADS];
    for (int i = 0; i < n; i++)
        n_edges[i] = lanes[i].n_edges[kind];
    return pea__lanes_run(n, n_edges, part_lane, &c, context, done, err);
}

/* What leaves a lane, seen from both its ends. */
static pea_status raise_bars(pea__lane *lane, int kind, uint32_t *bar, pea_context *context, double done,
                             pea_error *err)
{
    const pea__edges *edges = edges_of(&lane->graph, kind);
    pea_status status = PEA_OK;
    for (int64_t i = edges->n; i < lane->n_edges[kind] && status == PEA_OK; i++) {
        uint32_t *a = bar + (edges->ends[i] >> 32), *b = bar + (uint32_t)edges->ends[i];
        *a = edges->key[i] > *a ? edges->key[i] : *a;
        *b = edges->key[i] > *b ? edges->key[i] : *b;
        if (i % PIECE == 0)
            status = pea__progress(context, done, err);
    }
    return status;
}

pea_status pea__lanes_cut(pea__cluster_graph *whole, int n, pea__lane *lanes, uint32_t *bar, pea_context *context,
                          double done, pea_error *err)
{
    pea_status status = PEA_OK;
    choose_shares(whole, n, lanes);
    memset(bar, 0, whole->n_clusters * sizeof *bar);
    if (n == 1)
        return PEA_OK;
    for (int kind = 0; kind < 2 && status == PEA_OK; kind++)
        status = part_all(lanes, n, kind, context, done, err);
    for (int i = 0; i < 2 * n && status == PEA_OK; i++)
        status = raise_bars(lanes + i / 2, i % 2, bar, context, done, err);
    return status;
}

/* ---- join ---- */

typedef struct joining {
    pea__cluster_graph *whole;
    const uint32_t *number; /* by cluster of before */
    void *seen;
    pea_context *context;
    double done;
} joining;

/* A lane's own edges, `from` on, get the place `at`, and ends that count from `first`. Returns the next place. */
static int64_t move_edges(pea__edges *edges, int64_t at, int64_t from, int64_t n, uint32_t first)
{
    if (at == from && first == 0)
        return at + n;
    for (int64_t i = from; i < from + n; i++)
        edges->ends[i] += (uint64_t)first << 32 | first;
    memmove(edges->ends + at, edges->ends + from, (size_t)n * sizeof *edges->ends);
    memmove(edges->key + at, edges->key + from, (size_t)n * sizeof *edges->key);
    if (edges->id)
        memmove(edges->id + at, edges->id + from, (size_t)n * sizeof *edges->id);
    return at + n;
}

static pea_status join_edges(const joining *j, pea__lane *lane, int kind, uint32_t first, int64_t *at, pea_error *err)
{
    pea__edges *whole = edges_of(j->whole, kind);
    const pea__edges *own = edges_of(&lane->graph, kind);
    const int64_t begin = own->ends - whole->ends, end = begin + lane->n_edges[kind];
    pea_status status = PEA_OK;
    for (int64_t i = 0, n; i < own->n && status == PEA_OK; i += n) {
        n = pea__min_i64(PIECE, own->n - i);
        *at = move_edges(whole, *at, begin + i, n, first);
        status = pea__progress(j->context, j->done, err);
    }
    for (int64_t i = begin + lane->n_own[kind]; i < end && status == PEA_OK; i += PIECE) {
        *at = pea__sift_some(whole, j->number, j->seen, *at, i, pea__min_i64(i + PIECE, end));
        status = pea__progress(j->context, j->done, err);
    }
    return status;
}

static pea_status join_all_edges(const joining *j, pea__lane *lanes, int n, int kind, pea_error *err)
{
    pea_status status = PEA_OK;
    uint32_t first = 0;
    int64_t at = 0;
    pea__sift_begin(j->seen);
    for (int i = 0; i < n && status == PEA_OK; i++) {
        status = join_edges(j, lanes + i, kind, first, &at, err);
        first += lanes[i].graph.n_clusters;
    }
    edges_of(j->whole, kind)->n = at;
    return status;
}

pea_status pea__lanes_join(pea__cluster_graph *whole, pea__lane *lanes, int n, uint32_t *number, void *seen,
                           pea_context *context, double done, pea_error *err)
{
    const joining j = {whole, number, seen, context, done};
    uint32_t first = 0;
    for (int i = 0; i < n; i++) {
        for (uint32_t c = 0; c < lanes[i].n_before; c++)
            number[lanes[i].first + c] += first;
        memmove(whole->unknown + first, lanes[i].graph.unknown, lanes[i].graph.n_clusters);
        first += lanes[i].graph.n_clusters;
    }
    whole->n_clusters = first;
    const pea_status status = join_all_edges(&j, lanes, n, 0, err);
    return status == PEA_OK ? join_all_edges(&j, lanes, n, 1, err) : status;
}
