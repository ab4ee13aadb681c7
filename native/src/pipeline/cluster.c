/* cluster.c - what the network said becomes instances, in the way that the settings choose.
 *
 *     affinity --mutex watershed---------------------------------------------> labels
 *     affinity --fragments--> region graph --agglomerate or multicut--project-> labels
 *     embedding --mean shift--------------------------------------------------> labels
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/agglomerate.h"
#include "pea/fragments.h"
#include "pea/mean_shift.h"
#include "pea/multicut.h"
#include "pipeline/pipeline.h"

#include <string.h>

pea_mutex_options pea__mutex_options(const pea_segment_options *options)
{
    pea_mutex_options mutex = pea_mutex_options_default();
    memcpy(mutex.stride, options->stride, sizeof mutex.stride);
    mutex.cut = options->cut;
    return mutex;
}

static pea_status agglomerate(const pea_segment_options *o, const pea_region_graph *graph, pea_context *context,
                              uint32_t *numbers, pea_error *err)
{
    pea_agglomerate_options options = pea_agglomerate_options_default();
    options.threshold = 1.0 - o->cut;
    if (o->score_percent != PEA_SCORE_PERCENT_MEAN) {
        options.score = PEA_SCORE_QUANTILE;
        options.percent = o->score_percent;
    }
    return pea_agglomerate(graph, &options, context, numbers, NULL, err);
}

/* With beta = cut an edge of that mean affinity costs nothing. */
static pea_status multicut(const pea_segment_options *o, const pea_region_graph *graph, pea_context *context,
                           uint32_t *numbers, pea_error *err)
{
    size_t n_edges;
    (void)pea_region_graph_edges(graph, &n_edges);
    double *costs = pea__alloc(n_edges, sizeof *costs, err);
    if (!costs)
        return PEA_E_NOMEM;
    pea_status status = pea_multicut_costs(graph, o->cut, context, costs, err);
    if (status == PEA_OK)
        status = pea_multicut(graph, costs, NULL, context, numbers, NULL, NULL, err);
    pea__free(costs);
    return status;
}

/* The rules are what the published code cuts planes and volumes by. */
static pea_fragments_options fragments_of(const pea_segment_options *o)
{
    pea_fragments_options options = pea_fragments_options_default();
    options.rule = o->clusterer == PEA_CLUSTER_MULTICUT ? PEA_FRAGMENTS_SMOOTH
                   : o->offsets.n_axes == 2             ? PEA_FRAGMENTS_PLANE
                                                        : PEA_FRAGMENTS_INTERIOR;
    options.threshold = o->fragment_boundary;
    options.seed_sigma = options.weight_sigma = o->fragment_sigma;
    options.min_size = o->fragment_size;
    return options;
}

static pea_status put_together(const pea_segment_options *o, const pea_region_graph *graph, pea_context *context,
                               const pea_array *labels, pea_error *err)
{
    size_t n_nodes;
    (void)pea_region_graph_nodes(graph, &n_nodes);
    uint32_t *numbers = pea__alloc(n_nodes, sizeof *numbers, err);
    if (!numbers)
        return PEA_E_NOMEM;
    pea_status status = o->clusterer == PEA_CLUSTER_MULTICUT ? multicut(o, graph, context, numbers, err)
                                                             : agglomerate(o, graph, context, numbers, err);
    if (status == PEA_OK)
        status = pea_region_graph_project(graph, numbers, context, labels, err);
    pea__free(numbers);
    return status;
}

static pea_status from_fragments(const pea_segment_options *o, const pea_array *affinity, const pea_array *mask,
                                 pea_context *context, const pea_array *labels, pea_error *err)
{
    const pea_fragments_options options = fragments_of(o);
    pea_region_graph *graph = NULL;
    const pea_dims d = affinity->dims;
    const uint64_t held = pea__memory_hold( /* beside what fragments and their graph will take */
        context, pea__bytes_mul((uint64_t)(d.z * d.y * d.x), (uint64_t)d.c * sizeof(float)));
    pea_status status = pea_fragments(affinity, &o->offsets, mask, &options, context, labels, NULL, err);
    if (status == PEA_OK)
        status = pea_region_graph_build(labels, affinity, &o->offsets, NULL, context, &graph, err);
    if (status == PEA_OK)
        status = put_together(o, graph, context, labels, err);
    pea_region_graph_free(graph);
    (void)pea__memory_hold(context, held);
    return status;
}

/* Instances by any numbers; those of the mutex watershed are in raster order already. */
static pea_status find(const pea_segment_options *o, const pea_array *values, const pea_array *mask,
                       pea_context *context, const pea_array *labels, uint32_t *n_labels, pea_error *err)
{
    const pea_mutex_options mutex = pea__mutex_options(o);
    pea_mean_shift_options shift = pea_mean_shift_options_default();
    shift.bandwidth = o->bandwidth;
    if (o->clusterer == PEA_CLUSTER_MUTEX)
        return pea_mutex_watershed(values, &o->offsets, mask, &mutex, context, labels, n_labels, err);
    return o->clusterer == PEA_CLUSTER_MEANSHIFT
               ? pea_mean_shift(values, mask, &shift, context, labels, n_labels, err)
               : from_fragments(o, values, mask, context, labels, err);
}

pea_status pea_cluster(const pea_segment_options *options, const pea_array *affinity, const pea_array *mask,
                       pea_context *context, const pea_array *labels, uint32_t *n_labels, pea_error *err)
{
    pea_segment_options o = pea__common_options();
    if (n_labels)
        *n_labels = 0;
    if (!options)
        return pea__fail(err, PEA_E_ARG, "clustering needs options");
    pea_status status = pea__options_take(&o, sizeof o, options, "cluster", err);
    if (status == PEA_OK && (unsigned)o.clusterer > PEA_CLUSTER_MULTICUT)
        return pea__fail(err, PEA_E_ARG, "affinities are clustered by mutex, agglomerate or multicut, not by %s",
                         pea_clusterer_name(o.clusterer));
    if (status == PEA_OK)
        status = pea__offsets_check(&o.offsets, err);
    if (status == PEA_OK)
        status = pea__tuning_check(&o, err);
    if (status == PEA_OK)
        status = find(&o, affinity, mask, context, labels, n_labels, err);
    return status == PEA_OK && o.clusterer != PEA_CLUSTER_MUTEX ? pea_relabel(labels, context, n_labels, err) : status;
}

pea_status pea__merge(const pea__job *job, const pea_array *labels, pea_error *err)
{
    const pea_segment_options *o = &job->options;
    pea_status status = PEA_OK;
    pea__window window = pea__progress_part(job->context, PEA__MASK_CLEANED, PEA__NUMBERED);
    if (o->n_merge > 0 && o->clusterer != PEA_CLUSTER_MUTEX) /* merging goes by the order of numbers */
        status = pea_relabel(labels, job->context, NULL, err);
    pea__progress_rejoin(job->context, window);
    window = pea__progress_part(job->context, PEA__NUMBERED, PEA__MERGED);
    if (status == PEA_OK && o->n_merge > 0)
        status = pea_merge_small(labels, o->merge, o->n_merge, job->context, err);
    pea__progress_rejoin(job->context, window);
    return status;
}

pea_status pea__cluster(const pea__part *part, const pea_array *values, const pea_array *mask,
                        const pea_array *labels, pea_error *err)
{
    pea_segment_options o = part->job->options;
    pea_context *context = part->job->context;
    if (part->job->info.n_axes == 3 && !part->job->keeps_all) /* fragments and their graph take no others */
        o.offsets.n = (size_t)o.offsets.n_axes;
    pea_status status = find(&o, values, mask, context, labels, NULL, err);
    if (status == PEA_OK)
        status = pea__merge(part->job, labels, err);
    return status == PEA_OK ? pea__absorb(&o, values, context, labels, err) : status;
}
