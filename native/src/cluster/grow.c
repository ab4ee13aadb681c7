/* grow.c - the mutex watershed edge after edge, the earliest first, on the graph of clusters that is left.
 *
 *     edge      same cluster already, or a constraint between the two: nothing
 *               repulsive: the two clusters get a constraint
 *               attractive: they become one, which inherits the constraints of both
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/union_find.h"

enum { BATCH = 64 }; /* edges fetched ahead, so that memory answers before they are needed */

/* Two sorted lists, walked from their ends. */
typedef struct walk {
    const uint64_t *attractive, *repulsive; /* their ends */
    pea__pair *attractive_order, *repulsive_order;
    int64_t n_attractive, n_repulsive; /* still to come */
    int32_t *parent;
    pea__constraints *constraints;
} walk;

/* The cluster with more constraints keeps its name, as every constraint of the other one has to be told. */
static pea_status join(walk *w, uint32_t a, uint32_t b, pea_error *err)
{
    const uint32_t n_a = pea__constraints_count(w->constraints, a), n_b = pea__constraints_count(w->constraints, b);
    const bool b_stays = n_b > n_a || (n_b == n_a && w->parent[b] < w->parent[a]);
    const uint32_t root = b_stays ? b : a, other = b_stays ? a : b;
    pea__unite(w->parent, root, other);
    return pea__constraints_inherit(w->constraints, root, other, err);
}

static pea_status take_edge(walk *w, uint32_t a, uint32_t b, bool attractive, pea_error *err)
{
    a = pea__find(w->parent, a);
    b = pea__find(w->parent, b);
    if (a == b || pea__constraints_has(w->constraints, a, b))
        return PEA_OK;
    return attractive ? join(w, a, b, err) : pea__constraints_add(w->constraints, a, b, err);
}

/* The next edge of both lists; on equal keys the repulsive one, whose flat index is larger. */
static const uint64_t *next_edge(walk *w, bool *attractive)
{
    *attractive = w->n_repulsive == 0 || (w->n_attractive > 0 && w->attractive_order[w->n_attractive - 1].key >
                                                                     w->repulsive_order[w->n_repulsive - 1].key);
    if (*attractive)
        return w->attractive + w->attractive_order[--w->n_attractive].value;
    return w->repulsive + w->repulsive_order[--w->n_repulsive].value;
}

static pea_status take_batch(walk *w, int n, pea_error *err)
{
    const uint64_t *ends[BATCH];
    uint32_t a[BATCH], b[BATCH];
    bool attractive[BATCH];
    for (int i = 0; i < n; i++) {
        ends[i] = next_edge(w, attractive + i);
        PEA__PREFETCH(ends[i]);
    }
    for (int i = 0; i < n; i++) {
        PEA__PREFETCH(w->parent + (*ends[i] >> 32));
        PEA__PREFETCH(w->parent + (uint32_t)*ends[i]);
    }
    for (int i = 0; i < n; i++) { /* these searches do not wait for one another; joins only lengthen them a little */
        a[i] = pea__find(w->parent, (uint32_t)(*ends[i] >> 32));
        b[i] = pea__find(w->parent, (uint32_t)*ends[i]);
        if (a[i] != b[i]) {
            pea__constraints_prefetch(w->constraints, a[i]);
            pea__constraints_prefetch(w->constraints, b[i]);
        }
    }
    for (int i = 0; i < n; i++) {
        const pea_status status = take_edge(w, a[i], b[i], attractive[i], err);
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
    walk w = {attractive->ends, repulsive->ends, NULL, NULL, attractive->n, repulsive->n, parent, NULL};
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
