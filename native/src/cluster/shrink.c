/* shrink.c - merges that are certain, seen from the graph of all clusters: in a round every cluster looks at its edges.
 *
 *     1. a cluster's earliest edge is attractive: it merges, as in contract.c
 *     2. an attractive edge is the earliest of its kind at both its ends: they merge, unless an earlier repulsive edge
 *        joins the same two; then the attractive edge can go
 *
 * mutex_watershed.c says why. Afterwards inner edges are dropped, and of those between the same two clusters mostly
 * all but the earliest. The earliest attractive edge of all always falls under 2, so every round gets on; when rounds
 * spare little, going through the sorted rest (grow.c) is quicker.
 *
 * Clusters that are near have near numbers, and edges come by tiles: so memory is read almost in order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <string.h>

enum {
    SEEN_BITS = 13,
    ENOUGH_SHARE = 8, /* another round only if this one spared one edge in so many */
    CHUNK = 1 << 14   /* edges or clusters between two questions whether to stop; a cache holds them */
};

#define NONE UINT32_MAX

/* Where an edge between two clusters was put last. */
typedef struct sighting {
    uint64_t ends;
    int64_t at;
} sighting;

typedef struct shrinking {
    pea__cluster_graph *graph;
    uint32_t *level;    /* by cluster: key of its earliest repulsive edge, 0: none */
    uint64_t *proposal; /* key << 32 | index of its earliest attractive edge, 0: none */
    uint32_t *mate;     /* with whom it shares that edge */
    uint32_t *parent;   /* a forest; at the end of a round, the new numbers */
    sighting *seen;     /* by hash of the ends; forgets */
    uint32_t *number;
    uint32_t n_before; /* clusters before the first round */
    int64_t n_kept;
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
        s->level[c] = 0;
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
    for (int64_t i = from; i < to; i++) {
        const uint32_t c = (uint32_t)i;
        const uint64_t proposal = s->proposal[c];
        if (proposal == 0)
            continue;
        const uint64_t ends = s->graph->attractive.ends[(uint32_t)proposal];
        const uint32_t other = (uint32_t)(ends >> 32) ^ (uint32_t)ends ^ c;
        if (proposal >> 32 > s->level[c])
            unite(s->parent, c, other);
        else if (s->proposal[other] == proposal)
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
    for (int64_t c = from; c < to; c++) {
        const uint32_t up = s->parent[c];
        s->mate[c] = up == (uint32_t)c ? s->graph->n_clusters++ : s->mate[find(s->parent, up)];
    }
}

static void pass_on(shrinking *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++)
        s->number[c] = s->mate[s->number[c]];
}

/* Attractive edges get the new numbers of their ends. Inner ones go, and those that are done with; of those between
 * the same two clusters mostly the earliest alone stays. All this is as likely as not, so that it is done without
 * branches: what is not wanted is written behind the end, and the next edge over it. */
static void sift_attractive(shrinking *s, int64_t from, int64_t to)
{
    pea__edges *edges = &s->graph->attractive;
    int64_t n = from, end;
    for (int64_t i = from; i < to; i++) {
        const uint32_t a = s->mate[edges->ends[i] >> 32], b = s->mate[(uint32_t)edges->ends[i]];
        edges->ends[n] = pea__ends(a, b);
        edges->key[n] = edges->key[i];
        edges->id[n] = edges->id[i];
        n += (a != b) & (edges->key[i] != 0);
    }
    end = n;
    n = s->n_kept;
    for (int64_t i = from; i < end; i++) {
        const uint64_t ends = edges->ends[i], id = edges->id[i];
        const uint32_t key = edges->key[i];
        sighting *slot = s->seen + (ends * 0x9E3779B97F4A7C15u >> (64 - SEEN_BITS));
        const bool same = slot->ends == ends; /* of this round: the table was cleared */
        const int64_t at = n ^ ((n ^ slot->at) & -(int64_t)same);
        const uint32_t held = edges->key[at];
        const bool better = (key > held) | ((key == held) & (id > edges->id[at]));
        const uint64_t mine = -(uint64_t)(!same | better); /* all bits or none */
        edges->ends[at] = ends;
        edges->key[at] = held ^ ((held ^ key) & (uint32_t)mine);
        edges->id[at] = edges->id[at] ^ ((edges->id[at] ^ id) & mine);
        *slot = (sighting){ends, at};
        n += !same;
    }
    s->n_kept = n;
}

/* Repulsive edges are longer: few of them share both clusters. */
static void sift_repulsive(shrinking *s, int64_t from, int64_t to)
{
    pea__edges *edges = &s->graph->repulsive;
    int64_t n = s->n_kept;
    for (int64_t i = from; i < to; i++) {
        const uint32_t a = s->mate[edges->ends[i] >> 32], b = s->mate[(uint32_t)edges->ends[i]];
        edges->ends[n] = pea__ends(a, b);
        edges->key[n] = edges->key[i];
        n += a != b;
    }
    s->n_kept = n;
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
    s->n_kept = 0;
    memset(s->seen, 255, sizeof *s->seen << SEEN_BITS);
    if (status == PEA_OK)
        status = run(s, sift_attractive, n_attractive, err);
    g->attractive.n = s->n_kept;
    s->n_kept = 0;
    if (status == PEA_OK)
        status = run(s, sift_repulsive, n_repulsive, err);
    g->repulsive.n = s->n_kept;
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
    s.seen = s.parent ? pea__alloc_unset((size_t)1 << SEEN_BITS, sizeof *s.seen, err) : NULL;
    for (size_t c = 0; c < n; c++)
        number[c] = (uint32_t)c;
    if (s.seen)
        do {
            n_edges = clusters->attractive.n + clusters->repulsive.n;
            status = one_round(&s, err);
            s.fraction += 0.3 * (to - s.fraction);
        } while (status == PEA_OK && n_edges - clusters->attractive.n - clusters->repulsive.n > n_edges / ENOUGH_SHARE);
    pea__free_unset(s.seen);
    pea__free_unset(s.parent);
    pea__free_unset(s.mate);
    pea__free_unset(s.proposal);
    pea__free_unset(s.level);
    return status;
}
