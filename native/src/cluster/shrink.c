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
 * Threads take lanes of the graph (lanes.c), one step after another. An edge that leaves a lane is known by its key alone,
 * and merges nothing: of what it touches, only what comes before it is certain.
 *
 * Clusters that are near have near numbers, and edges come by tiles: so memory is read almost in order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

enum { ENOUGH_SHARE = 8 }; /* another round only if this one spared one edge in so many */

#define NONE UINT32_MAX

/* What a step goes over. */
typedef enum range { CLUSTERS, ATTRACTIVE, REPULSIVE, BEFORE, N_RANGES } range;

/* A lane in a round. */
typedef struct lane_round {
    pea__cluster_graph *graph;
    uint32_t *bar;      /* by cluster: key of the earliest edge that leaves the lane, 0: none */
    uint32_t *level;    /* by cluster: key of its earliest edge that repels, or leaves the lane, 0: none */
    uint64_t *proposal; /* key << 32 | index of its earliest attractive edge, 0: none */
    uint32_t *mate;     /* with whom it shares that edge; at the end of a round, the new numbers */
    uint32_t *parent;   /* a forest */
    uint32_t *number;
    void *seen;         /* by pea__sift_some() */
    int64_t n[N_RANGES], n_sifted;
} lane_round;

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

/* What a cluster has become so far: itself. */
static void begin_numbers(lane_round *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++)
        s->number[c] = (uint32_t)c;
}

static void begin(lane_round *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++) {
        s->level[c] = s->graph->unknown[c] ? PEA__UNKNOWN : s->bar[c];
        s->proposal[c] = 0;
        s->parent[c] = (uint32_t)c;
        s->mate[c] = NONE;
    }
}

static void repel(lane_round *s, int64_t from, int64_t to)
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

static void propose(lane_round *s, int64_t from, int64_t to)
{
    const pea__edges *edges = &s->graph->attractive;
    for (int64_t i = from; i < to; i++) {
        const uint64_t offered = (uint64_t)edges->key[i] << 32 | (uint64_t)i;
        uint64_t *a = s->proposal + (edges->ends[i] >> 32), *b = s->proposal + (uint32_t)edges->ends[i];
        *a = earlier(edges, *a, offered);
        *b = earlier(edges, *b, offered);
    }
}

/* Whether an attractive edge may come that is earlier than this one. */
static bool may_be_late(const lane_round *s, uint32_t c, uint64_t proposal)
{
    return s->graph->unknown[c] & PEA__OPEN || s->bar[c] >= proposal >> 32;
}

static void choose(lane_round *s, int64_t from, int64_t to)
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
        else if (s->proposal[other] == proposal && !may_be_late(s, c, proposal) && !may_be_late(s, other, proposal))
            s->mate[c] = other;
    }
}

/* Mates between whom there is an earlier repulsive edge; of equal keys the repulsive one is earlier. */
static void forbid(lane_round *s, int64_t from, int64_t to)
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

static void marry(lane_round *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++)
        if (s->mate[c] != NONE)
            unite(s->parent, (uint32_t)c, s->mate[c]);
}

/* A root comes before its members, and is numbered before them. */
static void renumber(lane_round *s, int64_t from, int64_t to)
{
    uint8_t *unknown = s->graph->unknown;
    s->graph->n_clusters = from == 0 ? 0 : s->graph->n_clusters;
    for (int64_t c = from; c < to; c++) {
        const uint32_t up = s->parent[c];
        const bool is_root = up == (uint32_t)c;
        const uint32_t number = is_root ? s->graph->n_clusters++ : s->mate[find(s->parent, up)];
        unknown[number] = unknown[c] | (is_root ? 0 : unknown[number]);
        s->bar[number] = is_root || s->bar[c] > s->bar[number] ? s->bar[c] : s->bar[number];
        s->mate[c] = number;
    }
}

static void pass_on(lane_round *s, int64_t from, int64_t to)
{
    for (int64_t c = from; c < to; c++)
        s->number[c] = s->mate[s->number[c]];
}

static int64_t sift(lane_round *s, pea__edges *edges, int64_t from, int64_t to)
{
    if (from == 0) {
        pea__sift_begin(s->seen);
        s->n_sifted = 0;
    }
    s->n_sifted = pea__sift_some(edges, s->mate, s->seen, s->n_sifted, from, to);
    return to == edges->n ? s->n_sifted : edges->n;
}

static void sift_attractive(lane_round *s, int64_t from, int64_t to)
{
    s->graph->attractive.n = sift(s, &s->graph->attractive, from, to);
}

static void sift_repulsive(lane_round *s, int64_t from, int64_t to)
{
    s->graph->repulsive.n = sift(s, &s->graph->repulsive, from, to);
}

/* ---- rounds ---- */

typedef void step_fn(lane_round *s, int64_t from, int64_t to);

typedef struct shrinking {
    lane_round *rounds; /* by lane */
    int n_lanes;
    pea_context *context;
    double fraction;
} shrinking;

typedef struct turn {
    lane_round *rounds;
    step_fn *step;
} turn;

static void take_step(void *argument, int lane, int64_t from, int64_t to)
{
    const turn *t = argument;
    t->step(t->rounds + lane, from, to);
}

static pea_status run(const shrinking *s, step_fn *step, range over, pea_error *err)
{
    turn t = {s->rounds, step};
    int64_t n[PEA_MAX_THREADS];
    for (int i = 0; i < s->n_lanes; i++)
        n[i] = s->rounds[i].n[over];
    return pea__lanes_run(s->n_lanes, n, take_step, &t, s->context, s->fraction, err);
}

static int64_t begin_round(shrinking *s)
{
    int64_t n_edges = 0;
    for (int i = 0; i < s->n_lanes; i++) {
        pea__cluster_graph *g = s->rounds[i].graph;
        s->rounds[i].n[CLUSTERS] = g->n_clusters;
        n_edges += s->rounds[i].n[ATTRACTIVE] = g->attractive.n;
        n_edges += s->rounds[i].n[REPULSIVE] = g->repulsive.n;
    }
    return n_edges;
}

static pea_status one_round(shrinking *s, pea_error *err)
{
    static const struct { step_fn *step; range over; } steps[] = {
        {begin, CLUSTERS}, {repel, REPULSIVE}, {propose, ATTRACTIVE}, {choose, CLUSTERS}, {forbid, REPULSIVE},
        {marry, CLUSTERS}, {renumber, CLUSTERS}, {pass_on, BEFORE}, {sift_attractive, ATTRACTIVE},
        {sift_repulsive, REPULSIVE},
    };
    pea_status status = PEA_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == PEA_OK; i++)
        status = run(s, steps[i].step, steps[i].over, err);
    return status;
}

static pea_status all_rounds(shrinking *s, double to, pea_error *err)
{
    int64_t n_edges, n_left = begin_round(s);
    pea_status status = run(s, begin_numbers, BEFORE, err);
    do {
        n_edges = n_left;
        if (status == PEA_OK)
            status = one_round(s, err);
        n_left = begin_round(s);
        s->fraction += 0.3 * (to - s->fraction);
    } while (status == PEA_OK && n_edges - n_left > n_edges / ENOUGH_SHARE);
    return status;
}

/* ---- lanes ---- */

/* What all lanes share, one behind the other. */
typedef struct rooms {
    uint32_t *bar, *level, *mate, *parent;
    uint64_t *proposal;
    char *seen;
    pea__lane *lanes;
    lane_round *rounds;
} rooms;

static bool get_rooms(rooms *r, size_t n_clusters, size_t n_lanes, pea_error *err)
{
    return (r->bar = pea__alloc_unset(n_clusters, sizeof *r->bar, err)) &&
           (r->level = pea__alloc_unset(n_clusters, sizeof *r->level, err)) &&
           (r->mate = pea__alloc_unset(n_clusters, sizeof *r->mate, err)) &&
           (r->parent = pea__alloc_unset(n_clusters, sizeof *r->parent, err)) &&
           (r->proposal = pea__alloc_unset(n_clusters, sizeof *r->proposal, err)) &&
           (r->seen = pea__alloc_unset(n_lanes, PEA__SIFT_BYTES, err)) &&
           (r->lanes = pea__alloc(n_lanes, sizeof *r->lanes, err)) &&
           (r->rounds = pea__alloc(n_lanes, sizeof *r->rounds, err));
}

static void free_rooms(rooms *r)
{
    pea__free(r->rounds);
    pea__free(r->lanes);
    pea__free_unset(r->seen);
    pea__free_unset(r->proposal);
    pea__free_unset(r->parent);
    pea__free_unset(r->mate);
    pea__free_unset(r->level);
    pea__free_unset(r->bar);
}

static void share_rooms(const rooms *r, int n_lanes, uint32_t *number)
{
    for (int i = 0; i < n_lanes; i++) {
        pea__lane *lane = r->lanes + i;
        const uint32_t c = lane->first;
        r->rounds[i] = (lane_round){.graph = &lane->graph, .bar = r->bar + c, .level = r->level + c,
                                    .proposal = r->proposal + c, .mate = r->mate + c, .parent = r->parent + c,
                                    .number = number + c, .seen = r->seen + (size_t)i * PEA__SIFT_BYTES,
                                    .n[BEFORE] = lane->n_before};
    }
}

pea_status pea__shrink(pea__cluster_graph *clusters, pea_context *context, double from, double to, uint32_t alone,
                       uint32_t *number, pea_error *err)
{
    const uint32_t n = clusters->n_clusters;
    const int n_lanes = (int)pea__max_i64(1, pea__min_i64(pea__workers(context), n / (alone ? alone : 1)));
    rooms r = {0};
    pea_status status = PEA_E_NOMEM;
    if (get_rooms(&r, n, (size_t)n_lanes, err))
        status = pea__lanes_cut(clusters, n_lanes, r.lanes, r.bar, context, from, err);
    if (status == PEA_OK) {
        share_rooms(&r, n_lanes, number);
        status = all_rounds(&(shrinking){r.rounds, n_lanes, context, from}, to, err);
    }
    if (status == PEA_OK)
        status = pea__lanes_join(clusters, r.lanes, n_lanes, number, r.seen, context, to, err);
    free_rooms(&r);
    return status;
}
