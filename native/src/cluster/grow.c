/* grow.c - the mutex watershed edge after edge, the earliest first, on the graph of clusters that is left. Where edges
 * are unknown only as far as it is certain: rule 3 of mutex_watershed.c.
 *
 *     edge      same cluster already, or a constraint between the two: nothing
 *               repulsive: the two clusters get a constraint
 *               attractive: they become one, which inherits the constraints of both; or both are open from now on
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/union_find.h"

enum { BATCH = 64 }; /* edges fetched ahead, so that memory answers before they are needed */

/* Two sorted lists, walked from their ends. */
typedef struct walk {
    const pea__cluster_graph *graph;
    uint8_t *unknown; /* by cluster */
    pea__pair *attractive_order, *repulsive_order;
    int64_t n_attractive, n_repulsive; /* still to come */
    int32_t *parent;
    pea__constraints *constraints;
} walk;

typedef struct edge {
    const uint64_t *ends;
    uint32_t index, a, b;
    bool attractive;
} edge;

/* The cluster with more constraints keeps its name, as every constraint of the other one has to be told. */
static pea_status join(walk *w, uint32_t a, uint32_t b, pea_error *err)
{
    const uint32_t n_a = pea__constraints_count(w->constraints, a), n_b = pea__constraints_count(w->constraints, b);
    const bool b_stays = n_b > n_a || (n_b == n_a && w->parent[b] < w->parent[a]);
    const uint32_t root = b_stays ? b : a, other = b_stays ? a : b;
    pea__unite(w->parent, root, other);
    w->unknown[root] |= w->unknown[other];
    return pea__constraints_inherit(w->constraints, root, other, err);
}

/* Whether an attractive edge between two clusters that have no constraint surely joins them. If not, both are open from
 * now on. */
static bool surely_joins(walk *w, uint32_t a, uint32_t b)
{
    uint8_t *u = w->unknown;
    if (!((u[a] | u[b]) & PEA__OPEN))
        return true;
    const uint32_t sure = u[a] & PEA__OPEN ? b : a;
    if (!u[sure] && !pea__constraints_meet(w->constraints, sure, u, PEA__OPEN))
        return true;
    u[a] |= PEA__OPEN;
    u[b] |= PEA__OPEN;
    return false;
}

static pea_status take_edge(walk *w, edge e, pea_error *err)
{
    uint32_t *key = w->graph->attractive.key;
    const uint32_t a = pea__find(w->parent, e.a), b = pea__find(w->parent, e.b);
    if (a == b)
        return PEA_OK;
    const bool apart = pea__constraints_has(w->constraints, a, b);
    if (!e.attractive)
        return apart ? PEA_OK : pea__constraints_add(w->constraints, a, b, err);
    if (apart)
        key[e.index] = 0;
    return apart || !surely_joins(w, a, b) ? PEA_OK : join(w, a, b, err);
}

/* The next edge of both lists; on equal keys the repulsive one, whose flat index is larger. */
static edge next_edge(walk *w)
{
    const int64_t n_a = w->n_attractive, n_r = w->n_repulsive;
    const bool attractive =
        n_r == 0 || (n_a > 0 && w->attractive_order[n_a - 1].key > w->repulsive_order[n_r - 1].key);
    edge e = {.attractive = attractive};
    e.index = attractive ? w->attractive_order[--w->n_attractive].value : w->repulsive_order[--w->n_repulsive].value;
    e.ends = (attractive ? w->graph->attractive.ends : w->graph->repulsive.ends) + e.index;
    return e;
}

static pea_status take_batch(walk *w, int n, pea_error *err)
{
    edge edges[BATCH];
    for (int i = 0; i < n; i++) {
        edges[i] = next_edge(w);
        PEA__PREFETCH(edges[i].ends);
    }
    for (int i = 0; i < n; i++) {
        PEA__PREFETCH(w->parent + (*edges[i].ends >> 32));
        PEA__PREFETCH(w->parent + (uint32_t)*edges[i].ends);
    }
    for (int i = 0; i < n; i++) { /* these searches do not wait for one another; joins only lengthen them a little */
        const uint32_t a = edges[i].a = pea__find(w->parent, (uint32_t)(*edges[i].ends >> 32));
        const uint32_t b = edges[i].b = pea__find(w->parent, (uint32_t)*edges[i].ends);
        if (a != b) {
            pea__constraints_prefetch(w->constraints, a);
            pea__constraints_prefetch(w->constraints, b);
        }
    }
    for (int i = 0; i < n; i++) {
        const pea_status status = take_edge(w, edges[i], err);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

static pea_status take_all(walk *w, pea_context *context, double from, double to, pea_error *err)
{
    const int64_t n_edges = w->n_attractive + w->n_repulsive;
    pea_status status = PEA_OK;
    for (int64_t left = n_edges; left > 0 && status == PEA_OK; left -= BATCH) {
        status = take_batch(w, (int)pea__min_i64(left, BATCH), err);
        if (status == PEA_OK && left % (64 * BATCH) < BATCH)
            status = pea__progress(context, to - (to - from) * (double)left / (double)n_edges, err);
    }
    return status;
}

pea_status pea__grow(const pea__cluster_graph *clusters, pea_context *context, double from, double to, int32_t *parent,
                     pea_error *err)
{
    const pea__edges *attractive = &clusters->attractive, *repulsive = &clusters->repulsive;
    walk w = {clusters, clusters->unknown, NULL, NULL, attractive->n, repulsive->n, parent, NULL};
    const double sorted = from + 0.3 * (to - from);
    pea_status status = pea__edges_order(attractive, context, from, sorted, &w.attractive_order, err);
    if (status == PEA_OK)
        status = pea__edges_order(repulsive, context, sorted, sorted, &w.repulsive_order, err);
    if (status == PEA_OK)
        status = pea__constraints_new(clusters->n_clusters, &w.constraints, err);
    for (uint32_t c = 0; c < clusters->n_clusters; c++)
        parent[c] = -1;
    if (status == PEA_OK)
        status = take_all(&w, context, sorted, to, err);
    pea__constraints_free(w.constraints);
    pea__free_unset(w.attractive_order);
    pea__free_unset(w.repulsive_order);
    return status;
}
