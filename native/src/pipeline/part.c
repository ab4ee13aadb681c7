/* part.c - one call in parts: each plane of a stack, or a volume as a whole; what is checked before and numbered after.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <string.h>

pea_status pea__array_new(pea_dtype dtype, pea_dims dims, pea_array *array, pea_error *err)
{
    int64_t n;
    *array = (pea_array){NULL, dtype, dims};
    if (!pea__dims_count(dims, pea_dtype_size_bytes(dtype), NULL, &n))
        return pea__fail(err, PEA_E_LIMIT, "an intermediate result would exceed the address space");
    array->data = pea__alloc((size_t)n, pea_dtype_size_bytes(dtype), err);
    return array->data ? PEA_OK : PEA_E_NOMEM;
}

pea_status pea__job_take(pea__job *job, const char *what, const pea_array *mask, const pea_array *labels,
                         pea_error *err)
{
    const pea_array space = {.dims = job->dims};
    pea_status status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__same_space(&space, what, labels, "labels", err);
    if (status == PEA_OK && labels->dims.c != 1)
        status = pea__fail(err, PEA_E_SHAPE, "labels must have 1 channel, have %" PRId64, labels->dims.c);
    if (status == PEA_OK)
        job->labels = *labels;
    if (!mask || status != PEA_OK)
        return status;
    status = pea__array_check(mask, "the mask", PEA_UINT8, err);
    if (status == PEA_OK)
        status = pea__same_space(&space, what, mask, "the mask", err);
    if (status == PEA_OK && mask->dims.c != 1)
        status = pea__fail(err, PEA_E_SHAPE, "the mask must have 1 channel, has %" PRId64, mask->dims.c);
    if (status == PEA_OK)
        job->mask = *mask;
    return status;
}

static pea_status check_channels(int64_t found, int64_t wanted, pea_error *err)
{
    if (found == wanted || found == 1)
        return PEA_OK;
    if (wanted == 1)
        return pea__fail(err, PEA_E_SHAPE,
                         "the image has %" PRId64 " channels but the model takes 1: choose one (channel)", found);
    return pea__fail(err, PEA_E_SHAPE,
                     "the image has %" PRId64 " channels but the model takes %" PRId64
                     " or a single one: choose one (channel)", found, wanted);
}

/* The caller's settings go over the model's: a caller built against an older library knows fewer of them. */
pea_status pea__job_prepare(pea__job *job, const pea_model *model, const pea_segment_options *options,
                            const pea_segment_details *details, pea_error *err)
{
    const pea_dims d = job->dims;
    if (!model)
        return pea__fail(err, PEA_E_ARG, "a model is missing");
    job->network = pea_model_network(model);
    job->info = pea_network_get_info(job->network);
    job->options = pea_model_options(model);
    pea_status status = pea__options_take(&job->options, sizeof job->options, options, "segment", err);
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
        status = pea__grid_plan(d, job->options.scale, &job->grid, err);
    if (status == PEA_OK)
        status = pea__heads_choose(job->network, &job->options, &job->heads, err);
    if (status == PEA_OK && details && details->want_embedding && job->heads.embedding < 0)
        status = pea__fail(err, PEA_E_ARG, "the network predicts affinities itself and has no embeddings to give");
    return status;
}

pea_status pea__job_keep(pea__job *job, pea_segment_details *details, pea_error *err)
{
    pea_dims d = job->grid;
    pea_status status = PEA_OK;
    if (details && details->want_affinity) {
        details->offsets = job->options.offsets;
        d.c = (int64_t)details->offsets.n;
        status = pea_volume_alloc(PEA_FLOAT32, d, &details->affinity, err);
        job->affinity = details->affinity.array;
    }
    if (status == PEA_OK && details && details->want_embedding) {
        d.c = job->heads.embedding_channels;
        status = pea_volume_alloc(PEA_FLOAT32, d, &details->embedding, err);
        job->embedding = details->embedding.array;
    }
    return status;
}

pea_status pea__job_scan(pea__job *job, pea_error *err)
{
    job->ranges = pea__alloc((size_t)job->dims.z, sizeof *job->ranges, err);
    if (!job->ranges)
        return PEA_E_NOMEM;
    pea__stage(job->context, "network");
    return pea__image_ranges(&job->image, job->context, job->ranges, err);
}

int64_t pea__parts_count(const pea__job *job)
{
    return job->info.n_axes == 3 ? 1 : job->dims.z;
}

/* A part of an array, or nothing of nothing. */
static pea_array planes_of(const pea_array *all, int64_t first, int64_t n)
{
    pea_array some = *all;
    const pea_dims d = all->dims;
    if (!all->data)
        return some;
    some.dims.z = n;
    some.data = (char *)all->data + (size_t)(first * d.y * d.x * d.c) * pea_dtype_size_bytes(all->dtype);
    return some;
}

/* Intensities and mask as the network's grid has them, and room for labels there. */
static pea_status change_grid(pea__part *part, int64_t index, pea_error *err)
{
    const pea__job *job = part->job;
    const pea_array image = part->image, mask = part->mask;
    pea_dims d = part->dims;
    pea_status status = PEA_OK;
    pea__stage(job->context, image.data ? "network" : "affinity");
    if (image.data) {
        d.c = image.dims.c;
        status = pea__array_new(PEA_FLOAT32, d, &part->image, err);
        part->own_image = part->image.data;
        if (status == PEA_OK)
            status = pea__resize_linear(&image, job->context, &part->image, err);
        if (status == PEA_OK) /* what the network sees counts */
            status = pea__image_ranges(&part->image, job->context, job->ranges + index, err);
    }
    if (status == PEA_OK && mask.data) {
        status = pea__array_new(PEA_UINT8, part->dims, &part->mask, err);
        part->own_mask = part->mask.data;
        if (status == PEA_OK)
            status = pea__resize_nearest(&mask, job->context, 0.0, &part->mask, err);
    }
    if (status == PEA_OK && part->labels.data) {
        status = pea__array_new(PEA_UINT32, part->dims, &part->labels, err);
        part->own_labels = part->labels.data;
    }
    return status;
}

static pea_status open_part(const pea__job *job, int64_t index, pea__part *part, pea_error *err)
{
    const int64_t n = job->info.n_axes == 3 ? job->dims.z : 1;
    pea_status status = PEA_OK;
    *part = (pea__part){.job = job, .dims = {n, job->grid.y, job->grid.x, 1}};
    part->image = planes_of(&job->image, index, n);
    part->mask = planes_of(&job->mask, index, n);
    part->labels = planes_of(&job->labels, index, n);
    part->affinity = planes_of(&job->affinity, index, n);
    part->embedding = planes_of(&job->embedding, index, n);
    if (job->grid.y != job->dims.y || job->grid.x != job->dims.x)
        status = change_grid(part, index, err);
    if (status == PEA_OK && job->ranges)
        part->range = job->ranges[index];
    for (int64_t z = index + 1; status == PEA_OK && job->ranges && z < index + n; z++) {
        part->range.min = job->ranges[z].min < part->range.min ? job->ranges[z].min : part->range.min;
        part->range.max = job->ranges[z].max > part->range.max ? job->ranges[z].max : part->range.max;
    }
    return status;
}

static void close_part(pea__part *part)
{
    pea__free(part->own_image);
    pea__free(part->own_mask);
    pea__free(part->own_labels);
}

/* What is left is numbered on from the parts before. */
static pea_status tidy(const pea__job *job, const pea_array *labels, uint32_t *total, pea_error *err)
{
    const pea_dims d = labels->dims;
    uint32_t n, *voxels = labels->data;
    pea_status status = pea__tidy(&job->options, job->context, labels, &n, err);
    if (status != PEA_OK)
        return status;
    if (n > UINT32_MAX - *total)
        return pea__fail(err, PEA_E_LIMIT, "more than %" PRIu32 " instances", UINT32_MAX);
    pea__stage(job->context, "clean up");
    for (int64_t p = 0; p < d.z * d.y * d.x && *total > 0 && status == PEA_OK; p++) {
        voxels[p] += voxels[p] ? *total : 0;
        status = p % d.x == 0 ? pea__progress(job->context, 1.0, err) : PEA_OK;
    }
    *total += n;
    return status;
}

/* To the image's grid, where sizes and numbers count. */
static pea_status finish_part(const pea__part *part, int64_t index, uint32_t *total, pea_error *err)
{
    const pea__job *job = part->job;
    const pea_array labels = planes_of(&job->labels, index, part->dims.z);
    pea_status status = PEA_OK;
    if (!labels.data)
        return PEA_OK;
    if (part->own_labels) {
        pea__stage(job->context, "clean up");
        status = pea__resize_nearest(&part->labels, job->context, PEA__ABSORBED, &labels, err);
    }
    return status == PEA_OK ? tidy(job, &labels, total, err) : status;
}

pea_status pea__parts_run(const pea__job *job, pea__part_work *work, void *argument, uint32_t *n_labels,
                          pea_error *err)
{
    const int64_t n_parts = pea__parts_count(job);
    pea_status status = PEA_OK;
    uint32_t total = 0;
    for (int64_t i = 0; i < n_parts && status == PEA_OK; i++) {
        pea__part part;
        pea__progress_window(job->context, (double)i / (double)n_parts, (double)(i + 1) / (double)n_parts);
        status = open_part(job, i, &part, err);
        if (status == PEA_OK)
            status = work(&part, i, argument, err);
        if (status == PEA_OK)
            status = finish_part(&part, i, &total, err);
        close_part(&part);
    }
    pea__stage(job->context, NULL);
    pea__progress_window(job->context, 0.0, 1.0);
    if (n_labels)
        *n_labels = status == PEA_OK ? total : 0;
    return status;
}
