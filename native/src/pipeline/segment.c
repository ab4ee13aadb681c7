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
    if (part->job->streams)
        return is_volume ? pea__volume_stream(part, err) : pea__plane_stream(part, err);
    if (is_volume && !affinity.data) {
        const pea_dims d = part->dims;
        status = pea__array_new(PEA_FLOAT32, (pea_dims){d.z, d.y, d.x, (int64_t)part->job->options.offsets.n}, &own,
                                err);
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
    if (job->options.absorb_size > 1)
        return "absorb, which goes by affinities";
    return job->info.n_axes == 3 ? pea__volume_why_whole(job) : pea__plane_why_whole(job);
}

static uint64_t most(const pea__job *job, pea__needs needs)
{
    return pea__with_overhead(job, needs.network > needs.cluster ? needs.network : needs.cluster);
}

pea_status pea_segment_forecast(const pea_model *model, pea_dims image, const pea_segment_options *options,
                                int n_threads, uint64_t *bytes, pea_error *err)
{
    pea__job job = {.dims = image};
    pea__needs needs;
    job.mask.data = &job; /* the greater need: with a mask */
    *bytes = 0;
    pea_status status = pea__job_prepare(&job, model, options, NULL, err);
    for (int way = 0; way < 2 && status == PEA_OK; way++) { /* of small images a stream may need a little more */
        job.streams = way == 1;
        if (job.streams && why_whole(&job, NULL))
            break;
        status = pea__job_needs(&job, n_threads, &needs, err);
        if (status == PEA_OK && most(&job, needs) > *bytes)
            *bytes = most(&job, needs);
    }
    return status;
}

/* With details. */
static pea_status all_bytes(const pea__job *job, const pea_segment_details *details, int n_threads, uint64_t *bytes,
                            pea_error *err)
{
    pea__needs needs;
    const pea_status status = pea__job_needs(job, n_threads, &needs, err);
    if (status == PEA_OK)
        *bytes = pea__bytes_add(most(job, needs), pea__details_forecast(job, details));
    return status;
}

pea_status pea_segment_expect(const pea_model *model, pea_dims image, const pea_segment_options *options,
                              const pea_segment_details *details, int n_threads, pea_expectation *expected,
                              pea_error *err)
{
    pea__job job = {.dims = image};
    *expected = (pea_expectation){0};
    job.mask.data = &job; /* the greater need: with a mask */
    pea_status status = pea__job_prepare(&job, model, options, details, err);
    if (status != PEA_OK)
        return status;
    expected->why_whole = why_whole(&job, details);
    expected->streams = job.streams = !expected->why_whole;
    status = all_bytes(&job, details, n_threads, &expected->bytes, err);
    if (status == PEA_OK)
        expected->network_voxels = pea__network_voxels(&job);
    return status;
}

static pea_status check_budget(const pea__job *job, const pea_segment_details *details, pea_error *err)
{
    uint64_t bytes;
    const pea_status status = all_bytes(job, details, pea_context_threads(job->context), &bytes, err);
    return status == PEA_OK ? pea__check_budget(job, bytes, err) : status;
}

pea_status pea_segment(const pea_model *model, pea_context *context, const pea_array *image, const pea_array *mask,
                       const pea_segment_options *options, const pea_array *labels, uint32_t *n_labels,
                       pea_segment_details *details, pea_error *err)
{
    pea__job job = {.context = context};
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
    job.streams = status == PEA_OK && !why_whole(&job, details);
    if (status == PEA_OK)
        status = check_budget(&job, details, err);
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
