/* mutex_watershed.c - clusters that repulsive edges keep apart: Kruskal's algorithm with constraints.
 *
 * How ties are broken: on equal weight the edge with the larger flat index k * n_voxels + p comes first. The edges are
 * collected by ascending index, sorted by ascending weight without disturbing that, and walked from the end.
 *
 *     edge      same cluster already, or a constraint between the two: nothing
 *               repulsive: the two clusters get a constraint
 *               attractive: they become one, which inherits the constraints of both
 *
 * The label image serves as the union-find while the clusters grow.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/union_find.h"

#include <inttypes.h>

enum { BATCH = 64 }; /* edges decoded ahead, so that memory answers before they are needed */

/* Shares of the progress bar, as measured on a volume of 13 million voxels. */
#define COLLECTED 0.1
#define SORTED 0.2
#define GROWN 0.97

pea_mutex_options pea_mutex_options_default(void)
{
    return (pea_mutex_options){.struct_size = sizeof(pea_mutex_options), .stride = {1, 1, 1}};
}

static pea_status check_mask(const pea_array *mask, const pea_array *labels, pea_error *err)
{
    pea_status status = pea__array_check(mask, "mask", PEA_UINT8, err);
    if (status == PEA_OK)
        status = pea__same_space(mask, "mask", labels, "labels", err);
    if (status == PEA_OK && mask->dims.c != 1)
        status = pea__fail(err, PEA_E_SHAPE, "mask must have 1 channel, has %" PRId64, mask->dims.c);
    return status;
}

static pea_status check_arguments(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                                  const pea_array *labels, pea_error *err)
{
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = pea__array_check(affinity, "affinity", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__same_space(affinity, "affinity", labels, "labels", err);
    if (status == PEA_OK && mask)
        status = check_mask(mask, labels, err);
    if (status != PEA_OK)
        return status;
    if (affinity->dims.c != (int64_t)offsets->n)
        return pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                         offsets->n, affinity->dims.c);
    if (labels->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "labels must have 1 channel, have %" PRId64, labels->dims.c);
    const pea_dims d = affinity->dims;
    if (d.z * d.y * d.x > UINT32_MAX / d.c)
        return pea__fail(err, PEA_E_LIMIT,
                         "%" PRId64 " voxels with %" PRId64 " offsets make more than 2^32 - 1 edges: cluster in smaller "
                         "blocks, or with fewer offsets",
                         d.z * d.y * d.x, d.c);
    return PEA_OK;
}

static pea_status make_graph(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                             const pea_mutex_options *options, pea__graph *graph, pea_error *err)
{
    pea_mutex_options chosen = pea_mutex_options_default();
    const pea_status status = pea__options_take(&chosen, sizeof chosen, options, "mutex watershed", err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = affinity->dims;
    *graph = (pea__graph){.dims = d, .n_voxels = d.z * d.y * d.x, .offsets = offsets, .affinity = affinity->data};
    graph->mask = mask ? mask->data : NULL;
    for (int axis = 0; axis < 3; axis++) {
        if (chosen.stride[axis] < 1)
            return pea__fail(err, PEA_E_ARG, "stride %d of axis %c must be at least 1", chosen.stride[axis],
                             "zyx"[axis]);
        graph->stride[axis] = chosen.stride[axis];
    }
    for (size_t k = 0; k < offsets->n; k++) {
        const pea_offset o = offsets->step[k];
        graph->flat_step[k] = (o.z * d.y + o.y) * d.x + o.x;
    }
    return PEA_OK;
}

/* Sort the edges in place or into a second list, and keep the one that holds the result. */
static pea_status sort_edges(pea__edges *edges, pea_context *context, pea_error *err)
{
    pea__pair *sorted, *scratch = pea__alloc_unset((size_t)edges->n, sizeof *scratch, err);
    if (!scratch)
        return PEA_E_NOMEM;
    const pea_status status =
        pea__sort_pairs(context, edges->pairs, scratch, edges->n, COLLECTED, SORTED, &sorted, err);
    pea__free_unset(sorted == scratch ? edges->pairs : scratch);
    edges->pairs = sorted;
    return status;
}

/* The cluster with more constraints keeps its name, as every constraint of the other one has to be told. */
static pea_status join(int32_t *parent, pea__constraints *constraints, uint32_t a, uint32_t b, pea_error *err)
{
    const uint32_t n_a = pea__constraints_count(constraints, a), n_b = pea__constraints_count(constraints, b);
    const bool b_stays = n_b > n_a || (n_b == n_a && parent[b] < parent[a]);
    const uint32_t root = b_stays ? b : a, other = b_stays ? a : b;
    pea__unite(parent, root, other);
    return pea__constraints_inherit(constraints, root, other, err);
}

static pea_status take_edge(int32_t *parent, pea__constraints *constraints, uint32_t p, uint32_t q, bool attractive,
                            pea_error *err)
{
    const uint32_t a = pea__find(parent, p), b = pea__find(parent, q);
    if (a == b || pea__constraints_has(constraints, a, b))
        return PEA_OK;
    return attractive ? join(parent, constraints, a, b, err) : pea__constraints_add(constraints, a, b, err);
}

/* The next edges of the list, strongest first. */
static pea_status take_batch(const pea__graph *graph, const pea__pair *last, int n, int32_t *parent,
                             pea__constraints *constraints, pea_error *err)
{
    uint32_t p[BATCH], q[BATCH];
    bool attractive[BATCH];
    for (int i = 0; i < n; i++) {
        const uint32_t n_voxels = (uint32_t)graph->n_voxels, edge = last[-i].value, k = edge / n_voxels;
        p[i] = edge - k * n_voxels;
        q[i] = (uint32_t)(p[i] + graph->flat_step[k]);
        attractive[i] = k < (uint32_t)graph->offsets->n_axes;
        PEA__PREFETCH(parent + p[i]);
        PEA__PREFETCH(parent + q[i]);
    }
    for (int i = 0; i < n; i++) { /* these searches do not wait for one another; joins only lengthen them a little */
        p[i] = pea__find(parent, p[i]);
        q[i] = pea__find(parent, q[i]);
        if (p[i] != q[i]) {
            pea__constraints_prefetch(constraints, p[i]);
            pea__constraints_prefetch(constraints, q[i]);
        }
    }
    for (int i = 0; i < n; i++) {
        const pea_status status = take_edge(parent, constraints, p[i], q[i], attractive[i], err);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

static pea_status grow_clusters(const pea__graph *graph, const pea__edges *edges, int32_t *parent,
                                pea_context *context, pea_error *err)
{
    pea__constraints *constraints;
    pea_status status = pea__constraints_new(graph->n_voxels, &constraints, err);
    for (int64_t left = edges->n; left > 0 && status == PEA_OK; left -= BATCH) {
        const int n = (int)pea__min_i64(left, BATCH);
        status = take_batch(graph, edges->pairs + left - 1, n, parent, constraints, err);
        if (status == PEA_OK && left % (64 * BATCH) < BATCH) {
            const double share = 1.0 - (double)left / (double)edges->n;
            status = pea__progress(context, SORTED + share * (GROWN - SORTED), err);
        }
    }
    pea__constraints_free(constraints);
    return status;
}

/* Sets become numbers in raster order. First every voxel is linked to its root itself: then numbers may overwrite links. */
static pea_status number_clusters(const pea__graph *graph, int32_t *parent, uint32_t *labels, pea_context *context,
                                  uint32_t *n_labels, pea_error *err)
{
    uint32_t *number = pea__alloc((size_t)graph->n_voxels, sizeof *number, err);
    pea_status status = number ? PEA_OK : PEA_E_NOMEM;
    uint32_t n = 0;
    for (int64_t p = 0; p < graph->n_voxels && status == PEA_OK; p++) {
        const uint32_t root = pea__find(parent, (uint32_t)p);
        if (root != (uint32_t)p)
            parent[p] = (int32_t)root;
        if (p % 65536 == 0)
            status = pea__progress(context, GROWN, err);
    }
    for (int64_t p = 0; p < graph->n_voxels && status == PEA_OK; p++) {
        const uint32_t root = parent[p] < 0 ? (uint32_t)p : (uint32_t)parent[p];
        const bool background = graph->mask && !graph->mask[p];
        if (!background && number[root] == 0)
            number[root] = ++n;
        labels[p] = background ? 0 : number[root];
        if (p % 65536 == 0)
            status = pea__progress(context, 0.5 * (GROWN + 1.0), err);
    }
    pea__free(number);
    if (n_labels)
        *n_labels = n;
    return status;
}

static pea_status cluster(const pea__graph *graph, pea_context *context, uint32_t *labels, uint32_t *n_labels,
                          pea_error *err)
{
    int32_t *parent = (int32_t *)labels; /* the signed type of the same element: C lets both look at it */
    pea__edges edges;
    pea_status status = pea__edges_collect(graph, context, 0.0, COLLECTED, &edges, err);
    if (status == PEA_OK)
        status = sort_edges(&edges, context, err);
    if (status == PEA_OK) {
        for (int64_t p = 0; p < graph->n_voxels; p++)
            parent[p] = -1;
        status = grow_clusters(graph, &edges, parent, context, err);
    }
    pea__free_unset(edges.pairs);
    return status == PEA_OK ? number_clusters(graph, parent, labels, context, n_labels, err) : status;
}

pea_status pea_mutex_watershed(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                               const pea_mutex_options *options, pea_context *context, const pea_array *labels,
                               uint32_t *n_labels, pea_error *err)
{
    pea__graph graph;
    pea_status status = check_arguments(affinity, offsets, mask, labels, err);
    if (status == PEA_OK)
        status = make_graph(affinity, offsets, mask, options, &graph, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "cluster");
    status = cluster(&graph, context, labels->data, n_labels, err);
    pea__stage(context, NULL);
    return status;
}
