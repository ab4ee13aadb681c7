/* segment_plane.c - one plane: pad, network, foreground, affinity, clustering, and back to the image's grid.
 *
 *     image y,x --pad--> frame --network--> embedding on the frame --crop--> embedding y,x --> affinity --> labels
 *                                                   `-- cluster_padded: the crop comes last instead
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <string.h>

/* What is held between steps; each is freed as soon as the next step no longer needs it. */
typedef struct work {
    const pea__job *job;
    int64_t z;
    pea__frame frame; /* what the network sees */
    pea_dims grid;    /* what is clustered: the frame or the image's plane; c is 1 */
    pea__outputs outputs;
    pea_array mask, affinity, labels;
    void *own_affinity, *own_labels; /* NULL where the result goes straight to its place */
} work;

/* Plane z of a volume with one item per voxel and channel. */
static pea_array plane_of(const pea_array *volume, int64_t z)
{
    pea_array plane = *volume;
    const pea_dims d = volume->dims;
    plane.dims.z = 1;
    plane.data = (char *)volume->data + (size_t)(z * d.y * d.x * d.c) * pea_dtype_size_bytes(volume->dtype);
    return plane;
}

static pea_status allocate(pea_array *array, pea_dtype dtype, pea_dims dims, pea_error *err)
{
    int64_t n;
    *array = (pea_array){NULL, dtype, dims};
    if (!pea__dims_count(dims, pea_dtype_size_bytes(dtype), NULL, &n))
        return pea__fail(err, PEA_E_LIMIT, "an intermediate result would exceed the address space");
    array->data = pea__alloc((size_t)n, pea_dtype_size_bytes(dtype), err);
    return array->data ? PEA_OK : PEA_E_NOMEM;
}

static pea_status run_network(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    const pea__source source = {job->image, job->options.normalise, job->ranges[w->z],
                                job->options.padding != PEA_PAD_ZERO_SQUARE};
    const pea_dims dims = {1, w->frame.y, w->frame.x, job->info.in_channels};
    pea_array input;
    pea__stage(job->context, "network");
    pea_status status = allocate(&input, PEA_FLOAT32, dims, err);
    if (status == PEA_OK)
        status = pea__normalised_box(&source, w->z, -w->frame.top, -w->frame.left, job->context, &input, err);
    if (status == PEA_OK)
        status = pea__forward(job->network, &job->heads, &input, job->context, &w->outputs, err);
    pea__free(input.data);
    return status;
}

/* From the frame to the image's plane, unless it is not there. */
static void crop(const work *w, pea_array *array)
{
    if (!array->data)
        return;
    const pea_dims d = w->job->image.dims;
    pea__crop_in_place(array->data, (size_t)array->dims.c * pea_dtype_size_bytes(array->dtype), w->frame, d.y, d.x);
    array->dims.y = d.y;
    array->dims.x = d.x;
}

/* Where instances may be, on the image's plane: what the network predicts, what the caller allows, or both. */
static pea_status image_mask(work *w, pea_array *mask, pea_error *err)
{
    const pea__job *job = w->job;
    const int64_t n = job->image.dims.y * job->image.dims.x;
    pea_status status = allocate(mask, PEA_UINT8, (pea_dims){1, job->image.dims.y, job->image.dims.x, 1}, err);
    if (status != PEA_OK)
        return status;
    uint8_t *m = mask->data;
    if (w->outputs.foreground.data) {
        crop(w, &w->outputs.foreground);
        status = pea__foreground_from_logits(&w->outputs.foreground, job->options.foreground_threshold,
                                             job->options.min_foreground_size, job->context, mask, err);
    } else {
        memset(m, 1, (size_t)n);
    }
    if (status == PEA_OK && job->mask.data) {
        const uint8_t *allowed = plane_of(&job->mask, w->z).data;
        for (int64_t p = 0; p < n; p++)
            m[p] = m[p] && allowed[p];
    }
    return status;
}

/* The padding is never foreground. */
static pea_status grid_mask(work *w, pea_error *err)
{
    const pea_dims d = w->job->image.dims;
    const bool padded = w->job->options.cluster_padded;
    pea_array small;
    if (!w->job->mask.data && !w->outputs.foreground.data && !padded)
        return PEA_OK; /* everywhere: the clusterer takes that as no mask */
    pea_status status = image_mask(w, &small, err);
    if (!padded || status != PEA_OK) {
        w->mask = small;
        return status;
    }
    status = allocate(&w->mask, PEA_UINT8, w->grid, err);
    for (int64_t y = 0; y < d.y && status == PEA_OK; y++)
        memcpy((char *)w->mask.data + (y + w->frame.top) * w->frame.x + w->frame.left,
               (const char *)small.data + y * d.x, (size_t)d.x);
    pea__free(small.data);
    return status;
}

static pea_status affinities(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    pea__stage(job->context, "affinity");
    pea_status status = pea__progress(job->context, 0.0, err);
    if (status == PEA_OK)
        status = grid_mask(w, err);
    if (status != PEA_OK)
        return status;
    if (!job->options.cluster_padded) {
        crop(w, &w->outputs.embedding);
        crop(w, &w->outputs.affinity);
    }
    if (w->outputs.affinity.data) {
        w->affinity = w->outputs.affinity;
        return PEA_OK;
    }
    if (job->kept_affinity.data && !job->options.cluster_padded) {
        w->affinity = plane_of(&job->kept_affinity, w->z);
    } else {
        const pea_dims dims = {1, w->grid.y, w->grid.x, (int64_t)job->options.offsets.n};
        status = allocate(&w->affinity, PEA_FLOAT32, dims, err);
        w->own_affinity = w->affinity.data;
    }
    pea_affinity_options options = pea_affinity_options_default();
    options.border = job->options.border;
    memcpy(options.stride, job->options.stride, sizeof options.stride);
    if (status == PEA_OK)
        status = pea_affinity_from_embedding(&w->outputs.embedding, &job->options.offsets, &options, job->context,
                                             &w->affinity, err);
    pea__outputs_free(&w->outputs);
    return status;
}

/* What was made on a grid of its own goes to the caller's arrays. */
static void keep(work *w)
{
    const pea__job *job = w->job;
    const size_t n = (size_t)(job->image.dims.y * job->image.dims.x);
    if (w->own_labels) {
        crop(w, &w->labels);
        memcpy(plane_of(&job->labels, w->z).data, w->labels.data, n * sizeof(uint32_t));
    }
    if (job->kept_affinity.data && (w->own_affinity || w->outputs.affinity.data)) {
        if (job->options.cluster_padded)
            crop(w, &w->affinity);
        memcpy(plane_of(&job->kept_affinity, w->z).data, w->affinity.data,
               n * (size_t)w->affinity.dims.c * sizeof(float));
    }
}

static pea_status cluster(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    pea_status status = PEA_OK;
    if (job->options.cluster_padded) {
        status = allocate(&w->labels, PEA_UINT32, w->grid, err);
        w->own_labels = w->labels.data;
    } else {
        w->labels = plane_of(&job->labels, w->z);
    }
    if (status == PEA_OK)
        status = pea__cluster(job, &w->affinity, w->mask.data ? &w->mask : NULL, &w->labels, err);
    if (status == PEA_OK)
        keep(w);
    return status;
}

static pea_status plan(const pea__job *job, work *w, pea_error *err)
{
    const pea_dims d = job->image.dims;
    const pea_status status = pea__frame_plan(job->options.padding, d.y, d.x, job->info.grid, &w->frame, err);
    w->job = job;
    w->grid = job->options.cluster_padded ? (pea_dims){1, w->frame.y, w->frame.x, 1} : (pea_dims){1, d.y, d.x, 1};
    return status;
}

pea_status pea__segment_plane(const pea__job *job, int64_t z, uint32_t *n, pea_error *err)
{
    work w = {.z = z};
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = run_network(&w, err);
    if (status == PEA_OK)
        status = affinities(&w, err);
    if (status == PEA_OK)
        status = cluster(&w, err);
    if (status == PEA_OK) {
        const pea_array labels = plane_of(&job->labels, z);
        status = pea__renumber(job, &labels, n, err);
    }
    pea__outputs_free(&w.outputs);
    pea__free(w.mask.data);
    pea__free(w.own_affinity);
    pea__free(w.own_labels);
    return status;
}

pea_status pea__plane_forecast(const pea__job *job, int n_threads, uint64_t *bytes, pea_error *err)
{
    work w = {0};
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = pea__forward_forecast(job->network, &job->heads,
                                       (pea_dims){1, w.frame.y, w.frame.x, job->info.in_channels}, n_threads, bytes,
                                       err);
    if (status != PEA_OK)
        return status;
    const uint64_t frame = pea__bytes_mul((uint64_t)w.frame.y, (uint64_t)w.frame.x),
                   grid = pea__bytes_mul((uint64_t)w.grid.y, (uint64_t)w.grid.x),
                   e = (uint64_t)job->heads.embedding_channels * sizeof(float),
                   k = job->options.offsets.n * sizeof(float);
    const bool predicted = job->heads.foreground >= 0, masked = predicted || job->mask.data;
    /* embedding, logits, mask with the search for its components; then affinities and the normalised embedding */
    uint64_t affinity = pea__bytes_mul(frame, e + (predicted ? 2 * sizeof(float) : 0));
    affinity = pea__bytes_add(affinity, pea__bytes_mul(grid, k + e + (predicted ? 8 : 0) + 2));
    /* affinities, mask, labels before the crop */
    uint64_t cluster = pea__bytes_mul(grid, k + (masked || job->options.cluster_padded ? 1 : 0));
    if (job->options.cluster_padded)
        cluster = pea__bytes_add(cluster, pea__bytes_mul(grid, sizeof(uint32_t)));
    cluster = pea__bytes_add(cluster, pea__cluster_forecast(&job->options, w.grid));
    *bytes = *bytes > affinity ? *bytes : affinity;
    *bytes = *bytes > cluster ? *bytes : cluster;
    return PEA_OK;
}
