/* segment.c - from an image to instance labels: what is checked, promised and numbered; planes and volumes have files
 * of their own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <string.h>

/* As the mutex watershed works: two lists of its edges to sort them, or one with the constraints between clusters (two
 * members for each repulsive edge, in sets that are half empty and grow by copying). */
uint64_t pea__cluster_forecast(const pea_segment_options *options, pea_dims grid)
{
    const uint64_t n = pea__bytes_mul(pea__bytes_mul((uint64_t)grid.z, (uint64_t)grid.y), (uint64_t)grid.x),
                   n_axes = (uint64_t)options->offsets.n_axes, edge_bytes = 8, constraint_bytes = 32;
    uint64_t sampled = 1;
    const int64_t extents[3] = {grid.z, grid.y, grid.x};
    for (int i = 0; i < 3; i++)
        sampled = pea__bytes_mul(sampled, (uint64_t)pea__ceil_div(extents[i], options->stride[i]));
    const uint64_t repulsive = pea__bytes_mul(sampled, options->offsets.n - n_axes),
                   edges = pea__bytes_add(pea__bytes_mul(n, n_axes), repulsive);
    const uint64_t sorting = pea__bytes_mul(edges, 2 * edge_bytes);
    uint64_t growing = pea__bytes_add(pea__bytes_mul(edges, edge_bytes), pea__bytes_mul(n, sizeof(uint32_t)));
    growing = pea__bytes_add(growing, pea__bytes_mul(repulsive, constraint_bytes));
    return pea__bytes_add(sorting > growing ? sorting : growing, n / 8 + 65536);
}

pea_status pea__cluster(const pea__job *job, const pea_array *affinity, const pea_array *mask,
                        const pea_array *labels, pea_error *err)
{
    const pea_segment_options *o = &job->options;
    pea_mutex_options mutex = pea_mutex_options_default();
    memcpy(mutex.stride, o->stride, sizeof mutex.stride);
    pea_status status = pea_mutex_watershed(affinity, &o->offsets, mask, &mutex, job->context, labels, NULL, err);
    if (status != PEA_OK)
        return status;
    pea__window window = pea__progress_part(job->context, PEA__MASK_CLEANED, PEA__MERGED);
    if (o->n_merge > 0)
        status = pea_merge_small(labels, o->merge, o->n_merge, job->context, err);
    pea__progress_rejoin(job->context, window);
    window = pea__progress_part(job->context, PEA__MERGED, PEA__REMOVED);
    if (status == PEA_OK && o->min_size > 1)
        status = pea_remove_small(labels, o->min_size, job->context, err);
    pea__progress_rejoin(job->context, window);
    return status;
}

pea_status pea__renumber(const pea__job *job, const pea_array *labels, uint32_t *n, pea_error *err)
{
    const pea__window window = pea__progress_part(job->context, PEA__REMOVED, 1.0);
    const pea_status status = pea_relabel(labels, job->context, n, err);
    pea__progress_rejoin(job->context, window);
    return status;
}

/* The caller's settings over the model's: a caller built against an older library knows fewer of them. */
static pea_status choose_options(const pea_model *model, const pea_segment_options *given, pea_segment_options *options,
                                 pea_error *err)
{
    *options = pea_model_options(model);
    return pea__options_take(options, sizeof *options, given, "segment", err);
}

static pea_status check_channels(int64_t found, int64_t wanted, pea_error *err)
{
    if (found == wanted || found == 1)
        return PEA_OK;
    if (wanted == 1)
        return pea__fail(err, PEA_E_SHAPE,
                         "the image has %" PRId64 " channels but the model takes 1: choose one with --channel", found);
    return pea__fail(err, PEA_E_SHAPE,
                     "the image has %" PRId64 " channels but the model takes %" PRId64
                     " or a single one: choose one with --channel", found, wanted);
}

/* Settings, extents and the heads to run; everything that needs no voxel. */
static pea_status prepare(const pea_model *model, const pea_segment_options *options, pea__job *job, pea_error *err)
{
    const pea_dims d = job->image.dims;
    if (!model)
        return pea__fail(err, PEA_E_ARG, "a model is missing");
    job->network = pea_model_network(model);
    job->info = pea_network_get_info(job->network);
    pea_status status = choose_options(model, options, &job->options, err);
    if (status == PEA_OK)
        status = pea__options_check(&job->options, job->info, err);
    if (status == PEA_OK && !pea__dims_count(d, 1, NULL, NULL)) {
        const bool empty = d.z < 1 || d.y < 1 || d.x < 1 || d.c < 1;
        status = pea__fail(err, empty ? PEA_E_SHAPE : PEA_E_LIMIT,
                           "the image has extents z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", c %" PRId64 ": %s", d.z,
                           d.y, d.x, d.c, empty ? "each must be at least 1" : "no address space holds that");
    }
    if (status == PEA_OK)
        status = check_channels(d.c, job->info.in_channels, err);
    if (status == PEA_OK)
        status = pea__heads_choose(job->network, &job->options, &job->heads, err);
    return status;
}

/* What the allocator and the stacks of threads add. */
enum { OVERHEAD_BYTES = 1 << 20, OVERHEAD_SHARE = 64 };

static pea_status forecast(const pea__job *job, int n_threads, uint64_t *bytes, pea_error *err)
{
    *bytes = 0;
    const pea_status status = job->info.n_axes == 3 ? pea__volume_forecast(job, n_threads, bytes, err)
                                                    : pea__plane_forecast(job, n_threads, bytes, err);
    *bytes = pea__bytes_add(*bytes, (uint64_t)job->image.dims.z * sizeof(pea__range));
    *bytes = pea__bytes_add(*bytes, *bytes / OVERHEAD_SHARE + OVERHEAD_BYTES);
    return status;
}

pea_status pea_segment_forecast(const pea_model *model, pea_dims image, const pea_segment_options *options,
                                int n_threads, uint64_t *bytes, pea_error *err)
{
    pea__job job = {.image = {NULL, PEA_UINT8, image}};
    job.mask.data = &job; /* the greater need: with a mask */
    *bytes = 0;
    const pea_status status = prepare(model, options, &job, err);
    return status == PEA_OK ? forecast(&job, n_threads, bytes, err) : status;
}

static const char *readable(uint64_t bytes, char text[32])
{
    if (bytes == UINT64_MAX)
        snprintf(text, 32, "more than 16 EiB");
    else if (bytes >= UINT64_C(10) << 30)
        snprintf(text, 32, "%.0f GiB", (double)bytes / (1 << 30));
    else if (bytes >= UINT64_C(10) << 20)
        snprintf(text, 32, "%.0f MiB", (double)bytes / (1 << 20));
    else
        snprintf(text, 32, "%.0f KiB", (double)bytes / (1 << 10));
    return text;
}

static pea_status check_budget(const pea__job *job, bool keeps_affinity, pea_error *err)
{
    const uint64_t limit = pea__memory_limit(job->context);
    const pea_dims d = job->image.dims;
    char needed_text[32], limit_text[32];
    uint64_t needed, kept = 0;
    const pea_status status = forecast(job, pea_context_threads(job->context), &needed, err);
    if (status != PEA_OK)
        return status;
    if (keeps_affinity)
        kept = pea__bytes_mul((uint64_t)(d.z * d.y * d.x), job->options.offsets.n * sizeof(float));
    if (job->info.n_axes != 3)
        needed = pea__bytes_add(needed, kept);
    if (limit == 0 || needed <= limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT,
                     "segmenting %" PRId64 " x %" PRId64 " x %" PRId64 " (z,y,x) needs %s (%" PRIu64
                     " bytes) of memory but %s (%" PRIu64 " bytes) are allowed: raise the limit or take a smaller part",
                     d.z, d.y, d.x, readable(needed, needed_text), needed, readable(limit, limit_text), limit);
}

static pea_status check_arrays(const pea_array *image, const pea_array *mask, const pea_array *labels, pea_error *err)
{
    pea_status status = pea__array_check(image, "the image", 0, err);
    if (status == PEA_OK)
        status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__same_space(image, "the image", labels, "labels", err);
    if (status == PEA_OK && labels->dims.c != 1)
        status = pea__fail(err, PEA_E_SHAPE, "labels must have 1 channel, have %" PRId64, labels->dims.c);
    if (!mask || status != PEA_OK)
        return status;
    status = pea__array_check(mask, "the mask", PEA_UINT8, err);
    if (status == PEA_OK)
        status = pea__same_space(image, "the image", mask, "the mask", err);
    if (status == PEA_OK && mask->dims.c != 1)
        status = pea__fail(err, PEA_E_SHAPE, "the mask must have 1 channel, has %" PRId64, mask->dims.c);
    return status;
}

/* Plane after plane, each numbered on from the one before. */
static pea_status segment_planes(const pea__job *job, uint32_t *n_labels, pea_error *err)
{
    const pea_dims d = job->labels.dims;
    uint32_t total = 0;
    for (int64_t z = 0; z < d.z; z++) {
        uint32_t n = 0;
        pea__progress_window(job->context, (double)z / (double)d.z, (double)(z + 1) / (double)d.z);
        pea_status status = pea__segment_plane(job, z, &n, err);
        if (status != PEA_OK)
            return status;
        if (n > UINT32_MAX - total)
            return pea__fail(err, PEA_E_LIMIT, "more than %" PRIu32 " instances", UINT32_MAX);
        uint32_t *labels = (uint32_t *)job->labels.data + z * d.y * d.x;
        pea__stage(job->context, "clean up");
        for (int64_t p = 0; p < d.y * d.x && total > 0 && status == PEA_OK; p++) {
            labels[p] += labels[p] ? total : 0;
            status = p % d.x == 0 ? pea__progress(job->context, 1.0, err) : PEA_OK;
        }
        if (status != PEA_OK)
            return status;
        total += n;
    }
    *n_labels = total;
    return PEA_OK;
}

/* All that happens to voxels. */
static pea_status run(pea__job *job, pea_segment_details *details, uint32_t *n_labels, pea_error *err)
{
    const pea_dims d = job->image.dims;
    pea_status status = PEA_OK;
    job->ranges = pea__alloc((size_t)d.z, sizeof *job->ranges, err);
    if (!job->ranges)
        return PEA_E_NOMEM;
    pea__stage(job->context, "network");
    status = pea__image_ranges(&job->image, job->context, job->ranges, err);
    if (status == PEA_OK && details) {
        details->offsets = job->options.offsets;
        status = pea_volume_alloc(PEA_FLOAT32, (pea_dims){d.z, d.y, d.x, (int64_t)job->options.offsets.n},
                                  &details->affinity, err);
        job->kept_affinity = details->affinity.array;
    }
    if (status == PEA_OK)
        status = job->info.n_axes == 3 ? pea__segment_volume(job, n_labels, err) : segment_planes(job, n_labels, err);
    pea__free(job->ranges);
    return status;
}

pea_status pea_segment(const pea_model *model, pea_context *context, const pea_array *image, const pea_array *mask,
                       const pea_segment_options *options, const pea_array *labels, uint32_t *n_labels,
                       pea_segment_details *details, pea_error *err)
{
    uint32_t n = 0;
    if (n_labels)
        *n_labels = 0;
    if (details)
        *details = (pea_segment_details){0};
    pea_status status = check_arrays(image, mask, labels, err);
    if (status != PEA_OK)
        return status;
    pea__job job = {.context = context, .image = *image, .labels = *labels};
    if (mask)
        job.mask = *mask;
    status = prepare(model, options, &job, err);
    if (status == PEA_OK)
        status = check_budget(&job, details != NULL, err);
    if (status == PEA_OK)
        status = run(&job, details, &n, err);
    pea__stage(context, NULL);
    pea__progress_window(context, 0.0, 1.0);
    if (status == PEA_OK && n_labels)
        *n_labels = n;
    if (status != PEA_OK && details) {
        pea_volume_free(&details->affinity);
        details->offsets = (pea_offsets){0};
    }
    return status;
}
