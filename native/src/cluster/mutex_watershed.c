/* mutex_watershed.c - clusters that repulsive edges keep apart: Kruskal's algorithm with constraints, spared most of
 * its work, and made to work on a part of the volume at a time.
 *
 * The plain algorithm takes the edges by falling weight, on equal weight the larger flat index k * n_voxels + p first:
 *
 *     edge      same cluster already, or a constraint between the two: nothing
 *               repulsive: the two clusters get a constraint
 *               attractive: they become one, which inherits the constraints of both
 *
 * Here most merges are made before, without sorting, where it is certain that the plain algorithm makes them; only
 * what is left goes through it. The volume is taken slab by slab (mutex_slabs.c), and of those that are done nothing is
 * kept but the clusters that may still change. The partition is the same, bit for bit. For each slab:
 *
 *     repulsion (edges.c)     what each voxel must know of its repulsive edges
 *     contract  (contract.c)  certain merges in boxes of the slab, on many threads
 *     collect   (collect.c)   the graph of the clusters that are left, here and of slabs before
 *     shrink    (shrink.c)    certain merges in that graph, in rounds, on many threads
 *     grow      (grow.c)      the plain algorithm on the rest, as far as it is certain
 *
 * Why it is exact. Let G be any graph of clusters with a total order of its edges.
 *
 *   1. Clusters that the plain algorithm will have joined in the end may be one from the start. Run it on G, and on H,
 *      which is G with such clusters joined. At any time the clusters of H are those of G, joined further by what was
 *      joined from the start, and the constraints are the same but for that. For the next edge, between clusters that
 *      are not yet one in G: if it repels, they never will be one in G, so they are not one in H, and both runs make
 *      the constraint. If it attracts across a constraint, they never will be one either, and nothing is done in H as in
 *      G. If it attracts and joins them, all that H holds in these two clusters is one in the end; no constraint can be
 *      between them in H, as it would be one of G too.
 *   2. What has no effect may be left out: edges inside a cluster; of the edges between two clusters all but the
 *      earliest, after which the two are one or have a constraint; an attractive edge that does nothing; and a
 *      cluster that has no attractive edge left, with all its edges.
 *
 * So it does not matter when merges are made, and together with which others, if only each of them is certain. To know
 * that from a part of the graph, walk its edges in order. Other edges, the unknown ones, lead from there to clusters
 * that are not there, and may come at any time; what is known is which clusters they touch. A cluster is open if it is
 * not there or an unknown attractive edge touches it, and else sure.
 *
 *   3. edge   same cluster already, or a constraint between the two: nothing
 *             repulsive: the two clusters get a constraint
 *             attractive, both sure: they become one
 *             attractive, one sure: they become one, which is open, if no unknown repulsive edge touches the sure one
 *                 and it has no constraint with an open cluster
 *             attractive otherwise: it is left for later, and both clusters are open from now on
 *
 *      At any time a sure cluster is one of the plain algorithm, and between sure clusters there are the same
 *      constraints: what would touch it otherwise would have made it open. An open cluster lies in one of the plain
 *      algorithm; if it has a constraint, the two clusters of the plain algorithm have one too or, where both are open,
 *      may be the same. So what is done here is certain: nothing, as between two clusters with a constraint, or that
 *      may be the same, an attractive edge does nothing; a merge of two sure ones; and that of a sure one with an open
 *      one, as the cluster in which the open one lies is made of open and of unknown ones, of which the sure one has no
 *      constraint with any.
 *
 * Rounds need no walk to find some of these merges, by two rules:
 *
 *   4. The earliest edge of all at C is attractive, to D. Until then C is alone, sure, and without a constraint.
 *   5. An edge between C and D is the earliest attractive one at both, none of which is open. Until then both are alone
 *      and sure. If an earlier repulsive edge joins these two, the edge does nothing, else they merge.
 *
 * Of an edge that leaves its lane a thread knows the key alone, and takes the worst for granted (lanes.c): that it repels,
 * by rule 4, that it attracts, by rule 5, and that it wins each tie. What other threads merge meanwhile changes where the
 * edge leads, not its key.
 *
 * That a merge is found late, by shrink instead of contract or by grow instead of both, is never wrong: a tile may take
 * a tie with something outside for a loss, and tables may forget edges that they could have combined. A cluster of
 * which edges are said to be unknown that are not there only waits longer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>

pea_mutex_options pea_mutex_options_default(void)
{
    return (pea_mutex_options){.struct_size = sizeof(pea_mutex_options), .stride = {1, 1, 1}, .cut = 0.5};
}

static pea_status check_arguments(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                                  const pea_array *labels, pea_error *err)
{
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = pea__affinity_check(affinity, err);
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

/* Slab by slab, so that the graph of clusters never is that of the whole. */
static pea_status add_all(pea_mutex_slabs *slabs, const pea_array *affinity, const pea_array *mask, pea_error *err)
{
    const pea_dims d = affinity->dims;
    const int64_t n_planes = d.z > 1 ? d.z : d.y, plane = d.z * d.y * d.x / n_planes, depth = pea__mutex_slab_planes(d);
    pea_status status = PEA_OK;
    for (int64_t begin = 0; begin < n_planes && status == PEA_OK; begin += depth) {
        const size_t first = (size_t)(begin * plane * d.c) * pea_dtype_size_bytes(affinity->dtype);
        const char *a = (const char *)affinity->data + first;
        const uint8_t *m = mask ? (const uint8_t *)mask->data + begin * plane : NULL;
        status = pea__mutex_slabs_add(slabs, (pea__slab_affinity){a, NULL, affinity->dtype}, m,
                                      pea__min_i64(depth, n_planes - begin), err);
    }
    return status;
}

pea_status pea_mutex_watershed(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                               const pea_mutex_options *options, pea_context *context, const pea_array *labels,
                               uint32_t *n_labels, pea_error *err)
{
    pea_mutex_slabs *slabs = NULL;
    pea_status status = check_arguments(affinity, offsets, mask, labels, err);
    if (status == PEA_OK)
        status = pea_mutex_slabs_new(affinity->dims, offsets, options, context, labels, &slabs, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "cluster");
    status = add_all(slabs, affinity, mask, err);
    if (status == PEA_OK)
        status = pea__mutex_slabs_finish(slabs, n_labels, err);
    pea__stage(context, NULL);
    pea_mutex_slabs_free(slabs);
    return status;
}
