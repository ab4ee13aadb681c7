/* segment.c - from an image to instance labels in one call; planes and volumes have files of their own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

/* A stack keeps nothing of a plane but its labels; a volume's affinities go where they are kept, or into room of their
 * own. */
static pea_status segment_part(const pea__part *part, int64_t index, void *argument, pea_error *err)
{
    const bool is_volume = part->job->info.n_axes == 3;
    pea_array affinity = part->affinity, own = {0};
    pea__outputs said = {0};
    pea_status status = PEA_OK;
    (void)index;
    (void)argument;
    if (pea__by_layers(part->job))
        return pea__volume_stream(part, err);
    if (part->job->streams)
        return pea__plane_stream(part, err);
    if (is_volume && !affinity.data) {
        const pea_offsets *o = &part->job->options.offsets;
        pea_dims d = part->dims;
        d.c = part->job->keeps_all ? (int64_t)o->n : o->n_axes;
        status = pea__array_new(PEA_FLOAT32, d, &own, err);
        affinity = own;
    }
    if (status == PEA_OK)
        status = is_volume ? pea__volume_run(part, &affinity, err) : pea__plane_run(part, &said, err);
    if (status == PEA_OK)
        status = is_volume ? pea__cluster(part, &affinity, part->mask.data ? &part->mask : NULL, &part->labels, err)
                           : pea__plane_cluster(part, &said, err);
    pea__outputs_free(&said);
    pea__free(own.data);
    return status;
}

/* NULL: streams serve. */
static const char *why_whole(const pea__job *job, const pea_segment_details *details)
{
    if (details && details->want_affinity)
        return "affinities, which are to be kept";
    if (details && details->want_embedding)
        return "embeddings, which are to be kept";
    return job->info.n_axes == 3 ? pea__volume_why_whole(job) : pea__plane_why_whole(job);
}

static uint64_t most(const pea__job *job, pea__needs needs)
{
    return pea__with_overhead(job, needs.network > needs.cluster ? needs.network : needs.cluster);
}

/* One way, with details. */
static pea_status bytes_of(pea__job *job, bool streams, const pea_segment_details *details, int n_threads,
                           uint64_t *bytes, pea_error *err)
{
    pea__needs needs;
    job->streams = streams;
    job->keeps_all = details && details->want_affinity;
    const pea_status status = pea__job_needs(job, n_threads, &needs, err);
    if (status == PEA_OK)
        *bytes = pea__bytes_add(most(job, needs), pea__details_forecast(job, details));
    return status;
}

/* Sets job->streams: of the ways that serve, the one that needs less. Small images are less than the rows, or the layers,
 * in which they would come. */
static pea_status choose_way(pea__job *job, const pea_segment_details *details, int n_threads,
                             pea_expectation *expected, pea_error *err)
{
    uint64_t streamed = 0;
    expected->why_whole = why_whole(job, details);
    pea_status status = bytes_of(job, false, details, n_threads, &expected->bytes, err);
    if (status == PEA_OK && !expected->why_whole)
        status = bytes_of(job, true, details, n_threads, &streamed, err);
    if (status != PEA_OK || expected->why_whole)
        return status;
    job->streams = streamed <= expected->bytes;
    if (job->streams)
        expected->bytes = streamed;
    else
        expected->why_whole = "its size: piece by piece it would need more memory";
    expected->streams = job->streams;
    return PEA_OK;
}

pea_status pea_segment_forecast(const pea_model *model, pea_dims image, const pea_segment_options *options,
                                int n_threads, uint64_t *bytes, pea_error *err)
{
    pea__job job = {.dims = image};
    *bytes = 0;
    job.mask.data = &job; /* the greater need: with a mask */
    const pea_status status = pea__job_prepare(&job, model, options, NULL, err);
    return status == PEA_OK ? bytes_of(&job, false, NULL, n_threads, bytes, err) : status;
}

pea_status pea_segment_expect(const pea_model *model, pea_dims image, const pea_segment_options *options,
                              const pea_segment_details *details, int n_threads, pea_expectation *expected,
                              pea_error *err)
{
    pea__job job = {.dims = image};
    *expected = (pea_expectation){0};
    job.mask.data = &job; /* the greater need: with a mask */
    pea_status status = pea__job_prepare(&job, model, options, details, err);
    if (status == PEA_OK)
        status = choose_way(&job, details, n_threads, expected, err);
    if (status == PEA_OK)
        expected->network_voxels = pea__network_voxels(&job);
    return status;
}

pea_status pea_segment(const pea_model *model, pea_context *context, const pea_array *image, const pea_array *mask,
                       const pea_segment_options *options, const pea_array *labels, uint32_t *n_labels,
                       pea_segment_details *details, pea_error *err)
{
    pea__job job = {.context = context};
    pea_expectation expected = {0};
    if (n_labels)
        *n_labels = 0;
    if (details)
        *details = (pea_segment_details){.want_affinity = details->want_affinity,
                                         .want_embedding = details->want_embedding};
    pea_status status = pea__array_check(image, "the image", 0, err);
    if (status != PEA_OK)
        return status;
    job.image = *image;
    job.dims = image->dims;
    status = pea__job_take(&job, "the image", mask, labels, err);
    if (status == PEA_OK)
        status = pea__job_prepare(&job, model, options, details, err);
    if (status == PEA_OK)
        status = choose_way(&job, details, pea_context_threads(context), &expected, err);
    if (status == PEA_OK)
        status = pea__check_budget(&job, expected.bytes, err);
    if (status == PEA_OK)
        status = pea__job_scan(&job, err);
    if (status == PEA_OK)
        status = pea__job_keep(&job, details, err);
    if (status == PEA_OK)
        status = pea__parts_run(&job, segment_part, NULL, n_labels, err);
    pea__stage(context, NULL);
    pea__free(job.ranges);
    if (status != PEA_OK)
        pea_segment_details_free(details);
    return status;
}

void pea_segment_details_free(pea_segment_details *details)
{
    if (!details)
        return;
    pea_volume_free(&details->affinity);
    pea_volume_free(&details->embedding);
    details->offsets = (pea_offsets){0};
}
