/* mutex_watershed.c - clusters that repulsive edges keep apart: Kruskal's algorithm with constraints, spared most of
 * its work.
 *
 * The plain algorithm takes the edges by falling weight, on equal weight the larger flat index k * n_voxels + p first:
 *
 *     edge      same cluster already, or a constraint between the two: nothing
 *               repulsive: the two clusters get a constraint
 *               attractive: they become one, which inherits the constraints of both
 *
 * Here most merges are made before, without sorting, where it is certain that the plain algorithm makes them; only
 * what is left goes through it. The partition is the same, bit for bit:
 *
 *     repulsion (edges.c)     what each voxel must know of its repulsive edges
 *     contract  (contract.c)  certain merges in boxes of the volume, on many threads
 *     collect   (collect.c)   the graph of the clusters that are left
 *     shrink    (shrink.c)    certain merges in that graph, in rounds
 *     grow      (grow.c)      the plain algorithm on the rest
 *
 * Why it is exact. Let G be any graph of clusters with a total order of its edges, and run the plain algorithm on it.
 *
 *   1. The earliest edge of all at C is attractive, to D. Until that edge no edge touches C: it is alone and has no
 *      constraint, so the two merge. With C and D one from the start, every edge before it finds the same clusters
 *      and constraints, as none of them touches C; and so does every edge after it.
 *   2. An edge between C and D is the earliest attractive one at both. Until then neither has merged, so a constraint
 *      between them can only come from an earlier repulsive edge that joins these two. If there is one, the
 *      attractive edge does nothing, ever: the two have a constraint, or are one. If there is none, they merge; as
 *      one from the start they collect the union of their constraints, and no other cluster notices.
 *   3. Of the edges between C and D only the earliest matters: after it the two are one, or have a constraint. Edges
 *      inside a cluster do nothing.
 *   4. Merges that are certain in one graph can be made all at once: when one of them, f, is made, another, e between
 *      C and D, stays certain. If e is the earliest edge of all at C and f touches C too, f is later than e. So f is
 *      certain because it is the earliest of all at its other end, whose edges are then all later than e. If e is
 *      certain by 2 and f touches C or D, the same is true. Otherwise f does not touch what makes e certain.
 *
 * That a merge is found late, by shrink instead of contract or by grow instead of both, is never wrong: a tile may take
 * a tie with something outside for a loss, and tables may forget edges that they could have combined.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/union_find.h"

#include <inttypes.h>

/* Shares of the progress bar, as measured on a volume of 13 million voxels. */
#define REPELLED 0.02
#define CONTRACTED 0.5
#define COLLECTED 0.65
#define SHRUNK 0.83
#define GROWN 0.97

pea_mutex_options pea_mutex_options_default(void)
{
    return (pea_mutex_options){.struct_size = sizeof(pea_mutex_options), .stride = {1, 1, 1}};
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
        status = pea__mask_check(mask, labels, err);
    if (status != PEA_OK)
        return status;
    if (affinity->dims.c != (int64_t)offsets->n)
        return pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                         offsets->n, affinity->dims.c);
    if (labels->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "labels must have 1 channel, have %" PRId64, labels->dims.c);
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
    graph->most_clusters = INT32_MAX; /* as the union-find counts */
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

/* ---- from clusters to labels ---- */

/* `number` leads from a cluster of the tiles to one of the rest, whose root the forest knows: from now on to that
 * root. */
static pea_status find_roots(uint32_t *number, uint32_t n, int32_t *parent, pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    for (uint32_t c = 0; c < n && status == PEA_OK; c++) {
        number[c] = pea__find(parent, number[c]);
        if (c % PEA__VOXELS_AT_ONCE == 0)
            status = pea__progress(context, GROWN, err);
    }
    return status;
}

/* Roots become 1,2,3... in the order of their first voxels. `label_of`, zeroed, keeps them. */
static pea_status write_labels(const pea__graph *graph, const uint32_t *number, uint32_t *label_of, uint32_t *labels,
                               pea_context *context, uint32_t *n_labels, pea_error *err)
{
    pea_status status = PEA_OK;
    uint32_t n = 0;
    for (int64_t p = 0; p < graph->n_voxels && status == PEA_OK; p++) {
        const uint32_t cluster = labels[p];
        if (p % PEA__VOXELS_AT_ONCE == 0)
            status = pea__progress(context, GROWN + (1.0 - GROWN) * (double)p / (double)graph->n_voxels, err);
        if (cluster == PEA__NO_CLUSTER) {
            labels[p] = 0;
            continue;
        }
        uint32_t *label = label_of + number[cluster];
        if (*label == 0)
            *label = ++n;
        labels[p] = *label;
    }
    *n_labels = n;
    return status;
}

/* ---- all of it ---- */

/* What the graph of clusters asks for from here on, as far as it can be known. */
static pea_status check_memory(const pea__cluster_graph *clusters, pea_context *context, pea_error *err)
{
    const uint64_t limit = pea__memory_limit(context);
    const uint64_t n_edges = (uint64_t)(clusters->attractive.n + clusters->repulsive.n);
    const uint64_t needed = n_edges * PEA__EDGE_BYTES + (uint64_t)clusters->n_clusters * PEA__SHRINK_BYTES;
    if (limit == 0 || needed <= limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT,
                     "clustering %" PRIu64 " edges needs %" PRIu64 " bytes but the limit is %" PRIu64
                     ": raise it, or use larger strides or a mask",
                     n_edges, needed, limit);
}

/* Voxels to clusters: the labels hold their numbers. */
static pea_status contract(const pea__graph *graph, const pea__tiling *tiling, pea_context *context, uint32_t *labels,
                           pea__cluster_graph *clusters, pea_error *err)
{
    pea__tile *tiles = pea__alloc((size_t)tiling->n, sizeof *tiles, err);
    if (!tiles)
        return PEA_E_NOMEM;
    pea_status status = pea__repulsion(graph, context, 0.0, REPELLED, labels, err);
    if (status == PEA_OK)
        status = pea__contract_tiles(graph, tiling, context, REPELLED, CONTRACTED, labels, tiles,
                                     &clusters->n_clusters, err);
    if (status == PEA_OK)
        status = pea__collect(graph, tiling, context, CONTRACTED, COLLECTED, labels, tiles, clusters, err);
    for (int64_t i = 0; i < tiling->n; i++)
        pea__free(tiles[i].edges);
    pea__free(tiles);
    return status;
}

/* Clusters to segments: `number`, one for each cluster, will hold the root of each. */
static pea_status merge(pea__cluster_graph *clusters, pea_context *context, uint32_t *number, pea_error *err)
{
    const uint32_t n = clusters->n_clusters;
    pea_status status = pea__shrink(clusters, context, COLLECTED, SHRUNK, number, err);
    if (status != PEA_OK)
        return status;
    int32_t *parent = pea__alloc_unset(clusters->n_clusters, sizeof *parent, err);
    status = parent ? pea__grow(clusters, context, SHRUNK, GROWN, parent, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = find_roots(number, n, parent, context, err);
    pea__free_unset(parent);
    return status;
}

pea_status pea__mutex_watershed(const pea__graph *graph, const pea__tiling *tiling, pea_context *context,
                                uint32_t *labels, uint32_t *n_labels, pea_error *err)
{
    pea__cluster_graph clusters = {0};
    uint32_t *number = NULL, *label_of = NULL;
    pea_status status = contract(graph, tiling, context, labels, &clusters, err);
    if (status == PEA_OK)
        status = check_memory(&clusters, context, err);
    if (status == PEA_OK) {
        number = pea__alloc_unset(clusters.n_clusters, sizeof *number, err);
        status = number ? merge(&clusters, context, number, err) : PEA_E_NOMEM;
    }
    pea__edges_free(&clusters.attractive);
    pea__edges_free(&clusters.repulsive);
    if (status == PEA_OK) {
        label_of = pea__alloc(clusters.n_clusters, sizeof *label_of, err);
        status = label_of ? write_labels(graph, number, label_of, labels, context, n_labels, err) : PEA_E_NOMEM;
    }
    pea__free_unset(number);
    pea__free(label_of);
    return status;
}

pea_status pea_mutex_watershed(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                               const pea_mutex_options *options, pea_context *context, const pea_array *labels,
                               uint32_t *n_labels, pea_error *err)
{
    pea__graph graph;
    uint32_t n = 0;
    pea_status status = check_arguments(affinity, offsets, mask, labels, err);
    if (status == PEA_OK)
        status = make_graph(affinity, offsets, mask, options, &graph, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "cluster");
    const pea__tiling tiling = pea__tiling_of(graph.dims, PEA__TILE_DEPTH, PEA__TILE_VOXELS);
    status = pea__mutex_watershed(&graph, &tiling, context, labels->data, &n, err);
    pea__stage(context, NULL);
    if (n_labels && status == PEA_OK)
        *n_labels = n;
    return status;
}
