/* shrink.c - merges that are certain, seen from the graph of all clusters: in a round every cluster looks at its edges.
 *
 *     a cluster's earliest edge is attractive: it merges, as in contract.c
 *     an attractive edge is the earliest of its kind at both its ends: they merge, unless an earlier repulsive edge
 *         joins the same two; then the attractive edge can go
 *
 * These are rules 4 and 5 of mutex_watershed.c, which say what holds of clusters that have unknown edges. Afterwards
 * inner edges are dropped, and of those between the same two clusters mostly all but the earliest. When rounds spare
 * little, going through the sorted rest (grow.c) is quicker.
 *
 * Clusters that are near have near numbers, and edges come by tiles: so memory is read almost in order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

enum {
    ENOUGH_SHARE = 8, /* another round only if this one spared one edge in so many */
    CHUNK = 1 << 14   /* edges or clusters between two questions whether to stop; a cache holds them */
};

#define NONE UINT32_MAX

typedef struct shrinking {
    pea__cluster_graph *graph;
    uint32_t *level;    /* by cluster: key of its earliest repulsive edge, 0: none */
    uint64_t *proposal; /* key << 32 | index of its earliest attractive edge, 0: none */
    uint32_t *mate;     /* with whom it shares that edge */
    uint32_t *parent;   /* a forest; at the end of a round, the new numbers */
    uint32_t *number;
    uint32_t n_before; /* clusters before the first round */
    pea_context *context;
    double fraction;
} shrinking;

static uint32_t find(uint32_t *parent, uint32_t node)
{
    while (parent[node] != node) {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    return node;
}

/* The smaller number stays the root. */
static void unite(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = find(parent, a);
    b = find(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* ---- one step after another, each over a range of edges or clusters ---- */

static void begin(shrinking *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++) {
        s->level[c] = s->graph->unknown[c] ? PEA__UNKNOWN : 0;
        s->proposal[c] = 0;
        s->parent[c] = (uint32_t)c;
        s->mate[c] = NONE;
    }
}

static void repel(shrinking *s, int64_t from, int64_t to)
{
    const pea__edges *edges = &s->graph->repulsive;
    for (int64_t i = from; i < to; i++) {
        uint32_t *a = s->level + (edges->ends[i] >> 32), *b = s->level + (uint32_t)edges->ends[i];
        *a = edges->key[i] > *a ? edges->key[i] : *a;
        *b = edges->key[i] > *b ? edges->key[i] : *b;
    }
}

static uint64_t earlier(const pea__edges *edges, uint64_t held, uint64_t offered)
{
    if (held >> 32 == offered >> 32)
        return edges->id[(uint32_t)offered] > edges->id[(uint32_t)held] ? offered : held;
    return offered > held ? offered : held;
}

static void propose(shrinking *s, int64_t from, int64_t to)
{
    const pea__edges *edges = &s->graph->attractive;
    for (int64_t i = from; i < to; i++) {
        const uint64_t offered = (uint64_t)edges->key[i] << 32 | (uint64_t)i;
        uint64_t *a = s->proposal + (edges->ends[i] >> 32), *b = s->proposal + (uint32_t)edges->ends[i];
        *a = earlier(edges, *a, offered);
        *b = earlier(edges, *b, offered);
    }
}

static void choose(shrinking *s, int64_t from, int64_t to)
{
    const uint8_t *unknown = s->graph->unknown;
    for (int64_t i = from; i < to; i++) {
        const uint32_t c = (uint32_t)i;
        const uint64_t proposal = s->proposal[c];
        if (proposal == 0)
            continue;
        const uint64_t ends = s->graph->attractive.ends[(uint32_t)proposal];
        const uint32_t other = (uint32_t)(ends >> 32) ^ (uint32_t)ends ^ c;
        if (proposal >> 32 > s->level[c])
            unite(s->parent, c, other);
        else if (s->proposal[other] == proposal && !((unknown[c] | unknown[other]) & PEA__OPEN))
            s->mate[c] = other;
    }
}

/* Mates between whom there is an earlier repulsive edge; of equal keys the repulsive one is earlier. */
static void forbid(shrinking *s, int64_t from, int64_t to)
{
    const pea__edges *edges = &s->graph->repulsive;
    for (int64_t i = from; i < to; i++) {
        const uint32_t a = (uint32_t)(edges->ends[i] >> 32), b = (uint32_t)edges->ends[i];
        if (s->mate[a] != b || edges->key[i] < s->proposal[a] >> 32)
            continue;
        s->graph->attractive.key[(uint32_t)s->proposal[a]] = 0; /* it can go */
        s->mate[a] = s->mate[b] = NONE;
    }
}

static void marry(shrinking *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++)
        if (s->mate[c] != NONE)
            unite(s->parent, (uint32_t)c, s->mate[c]);
}

/* A root comes before its members, and is numbered before them. */
static void renumber(shrinking *s, int64_t from, int64_t to)
{
    uint8_t *unknown = s->graph->unknown;
    for (int64_t c = from; c < to; c++) {
        const uint32_t up = s->parent[c];
        const bool is_root = up == (uint32_t)c;
        const uint32_t number = is_root ? s->graph->n_clusters++ : s->mate[find(s->parent, up)];
        unknown[number] = unknown[c] | (is_root ? 0 : unknown[number]);
        s->mate[c] = number;
    }
}

static void pass_on(shrinking *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++)
        s->number[c] = s->mate[s->number[c]];
}

/* ---- rounds ---- */

typedef void step_fn(shrinking *s, int64_t from, int64_t to);

static pea_status run(shrinking *s, step_fn *step, int64_t n, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < n && status == PEA_OK; i += CHUNK) {
        step(s, i, pea__min_i64(n, i + CHUNK));
        status = pea__progress(s->context, s->fraction, err);
    }
    return status;
}

static pea_status one_round(shrinking *s, pea_error *err)
{
    pea__cluster_graph *g = s->graph;
    const int64_t n = g->n_clusters, n_attractive = g->attractive.n, n_repulsive = g->repulsive.n;
    const struct { step_fn *step; int64_t n; } steps[] = {
        {begin, n}, {repel, n_repulsive}, {propose, n_attractive}, {choose, n}, {forbid, n_repulsive}, {marry, n},
    };
    pea_status status = PEA_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == PEA_OK; i++)
        status = run(s, steps[i].step, steps[i].n, err);
    g->n_clusters = 0;
    if (status == PEA_OK)
        status = run(s, renumber, n, err);
    if (status == PEA_OK)
        status = run(s, pass_on, s->n_before, err);
    if (status == PEA_OK)
        status = pea__edges_sift(&g->attractive, s->mate, s->context, s->fraction, err);
    if (status == PEA_OK)
        status = pea__edges_sift(&g->repulsive, s->mate, s->context, s->fraction, err);
    return status;
}

pea_status pea__shrink(pea__cluster_graph *clusters, pea_context *context, double from, double to, uint32_t *number,
                       pea_error *err)
{
    shrinking s = {.graph = clusters, .number = number, .n_before = clusters->n_clusters, .context = context,
                   .fraction = from};
    const size_t n = clusters->n_clusters;
    int64_t n_edges;
    pea_status status = PEA_E_NOMEM;
    s.level = pea__alloc_unset(n, sizeof *s.level, err);
    s.proposal = s.level ? pea__alloc_unset(n, sizeof *s.proposal, err) : NULL;
    s.mate = s.proposal ? pea__alloc_unset(n, sizeof *s.mate, err) : NULL;
    s.parent = s.mate ? pea__alloc_unset(n, sizeof *s.parent, err) : NULL;
    if (s.parent)
        do {
            n_edges = clusters->attractive.n + clusters->repulsive.n;
            status = one_round(&s, err);
            s.fraction += 0.3 * (to - s.fraction);
        } while (status == PEA_OK && n_edges - clusters->attractive.n - clusters->repulsive.n > n_edges / ENOUGH_SHARE);
    pea__free_unset(s.parent);
    pea__free_unset(s.mate);
    pea__free_unset(s.proposal);
    pea__free_unset(s.level);
    return status;
}
