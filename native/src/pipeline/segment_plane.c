/* segment_plane.c - one plane: pad, network, foreground, affinity, clustering, and back to the image's grid.
 *
 *     image y,x --pad--> frame --network--> embedding on the frame --crop--> embedding y,x --> affinity --> labels
 *                                                   `-- cluster_padded: the crop comes last instead
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"
#include "pipeline/pipeline.h"

#include <string.h>

/* What is held between steps; each is freed as soon as the next step no longer needs it. */
typedef struct work {
    const pea__part *part;
    const pea__job *job;
    pea__frame frame; /* what the network sees */
    pea_dims grid;    /* what is clustered: the frame or the image's plane; c is 1 */
    pea__outputs *said;
    pea_array mask, affinity, labels;
    void *own_affinity, *own_labels; /* NULL where the result goes straight to its place */
} work;

static pea_status plan(const pea__job *job, work *w, pea_error *err)
{
    const int64_t y = job->grid.y, x = job->grid.x;
    const pea_status status = pea__frame_plan(job->options.padding, y, x, job->info.grid, &w->frame, err);
    w->job = job;
    w->grid = job->options.cluster_padded ? (pea_dims){1, w->frame.y, w->frame.x, 1} : (pea_dims){1, y, x, 1};
    return status;
}

pea_status pea__plane_run(const pea__part *part, pea__outputs *said, pea_error *err)
{
    const pea__job *job = part->job;
    const pea__source source = {part->image, job->options.normalise, part->range,
                                job->options.padding != PEA_PAD_ZERO_SQUARE, job->image.dtype};
    work w;
    pea_array input = {0};
    *said = (pea__outputs){0};
    pea__stage(job->context, "network");
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = pea__array_new(PEA_FLOAT32, (pea_dims){1, w.frame.y, w.frame.x, job->info.in_channels}, &input, err);
    if (status == PEA_OK)
        status = pea__normalised_box(&source, 0, -w.frame.top, -w.frame.left, job->context, &input, err);
    if (status == PEA_OK)
        status = pea__forward(job->network, &job->heads, &input, job->context, said, err);
    pea__free(input.data);
    return status;
}

/* From the frame to the image's plane, unless it is not there. */
static void crop(const work *w, pea_array *array)
{
    if (!array->data)
        return;
    const pea_dims d = w->part->dims;
    pea__crop_in_place(array->data, (size_t)array->dims.c * pea_dtype_size_bytes(array->dtype), w->frame, d.y, d.x);
    array->dims.y = d.y;
    array->dims.x = d.x;
}

/* The image's part of an array goes to where the caller keeps it. */
typedef struct keeping {
    const pea_array *from, *to;
    int64_t top, left;
} keeping;

static void keep_row(void *argument, int64_t row, int worker)
{
    const keeping *k = argument;
    const int64_t c = k->to->dims.c, n = k->to->dims.x * c;
    (void)worker;
    memcpy((float *)k->to->data + row * n,
           (const float *)k->from->data + ((row + k->top) * k->from->dims.x + k->left) * c, (size_t)n * sizeof(float));
}

static pea_status keep(const work *w, const pea_array *from, bool on_frame, const pea_array *to, double done,
                       pea_error *err)
{
    keeping k = {from, to, on_frame ? w->frame.top : 0, on_frame ? w->frame.left : 0};
    return pea__parallel(w->job->context, to->dims.y, done, done, keep_row, &k, err);
}

/* Where instances may be, on the image's plane: what the network predicts, what the caller allows, or both. */
static pea_status image_mask(work *w, pea_array *mask, pea_error *err)
{
    const pea__job *job = w->job;
    const int64_t n = w->part->dims.y * w->part->dims.x;
    pea_status status = pea__array_new(PEA_UINT8, w->part->dims, mask, err);
    if (status != PEA_OK)
        return status;
    uint8_t *m = mask->data;
    if (w->said->foreground.data) {
        crop(w, &w->said->foreground);
        status = pea__foreground_from_logits(&w->said->foreground, job->options.foreground_threshold,
                                             job->options.min_foreground_size, job->context, mask, err);
    } else {
        memset(m, 1, (size_t)n);
    }
    if (status == PEA_OK && w->part->mask.data) {
        const uint8_t *allowed = w->part->mask.data;
        for (int64_t p = 0; p < n; p++)
            m[p] = m[p] && allowed[p];
    }
    return status;
}

/* The padding is never foreground. */
static pea_status grid_mask(work *w, pea_error *err)
{
    const pea_dims d = w->part->dims;
    const bool padded = w->job->options.cluster_padded;
    pea_array small;
    if (!w->part->mask.data && !w->said->foreground.data && !padded)
        return PEA_OK; /* everywhere: the clusterer takes that as no mask */
    pea_status status = image_mask(w, &small, err);
    if (!padded || status != PEA_OK) {
        w->mask = small;
        return status;
    }
    status = pea__array_new(PEA_UINT8, w->grid, &w->mask, err);
    for (int64_t y = 0; y < d.y && status == PEA_OK; y++)
        memcpy((char *)w->mask.data + (y + w->frame.top) * w->frame.x + w->frame.left,
               (const char *)small.data + y * d.x, (size_t)d.x);
    pea__free(small.data);
    return status;
}

/* Of edges that the strides leave out nothing is computed, unless somebody wants to see them. */
static pea_status compare(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    const bool in_place = w->part->affinity.data && !job->options.cluster_padded;
    pea_affinity_options options = pea_affinity_options_default();
    pea_status status = PEA_OK;
    options.border = job->options.border;
    if (!w->part->affinity.data)
        memcpy(options.stride, job->options.stride, sizeof options.stride);
    w->affinity = w->part->affinity;
    if (!in_place) {
        const pea_dims dims = {1, w->grid.y, w->grid.x, (int64_t)job->options.offsets.n};
        status = pea__array_new(PEA_FLOAT32, dims, &w->affinity, err);
        w->own_affinity = w->affinity.data;
    }
    if (status == PEA_OK)
        status = pea_affinity_from_embedding(&w->said->embedding, &job->options.offsets, &options, job->context,
                                             &w->affinity, err);
    return status;
}

static pea_status affinities(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    const bool padded = job->options.cluster_padded;
    pea__stage(job->context, "affinity");
    pea_status status = pea__progress(job->context, 0.0, err);
    if (status == PEA_OK && w->part->embedding.data)
        status = keep(w, &w->said->embedding, true, &w->part->embedding, 0.0, err);
    if (status == PEA_OK)
        status = grid_mask(w, err);
    if (status != PEA_OK)
        return status;
    if (!padded) {
        crop(w, &w->said->embedding);
        crop(w, &w->said->affinity);
    }
    const bool by_embedding = job->options.clusterer == PEA_CLUSTER_MEANSHIFT;
    if (w->said->affinity.data) {
        w->affinity = w->said->affinity;
    } else if (!by_embedding || w->part->affinity.data) {
        status = compare(w, err);
        if (!by_embedding)
            pea__outputs_free(w->said);
    }
    pea__stage(job->context, "affinity"); /* the call has ended its own */
    if (status == PEA_OK && w->part->affinity.data && w->part->affinity.data != w->affinity.data)
        status = keep(w, &w->affinity, padded, &w->part->affinity, 1.0, err);
    if (by_embedding) { /* nobody needs them any more */
        pea__free(w->own_affinity);
        w->own_affinity = NULL;
    }
    return status;
}

static pea_status cluster(work *w, pea_error *err)
{
    pea_status status = PEA_OK;
    w->labels = w->part->labels;
    if (w->job->options.cluster_padded) {
        status = pea__array_new(PEA_UINT32, w->grid, &w->labels, err);
        w->own_labels = w->labels.data;
    }
    if (status == PEA_OK)
        status = pea__cluster(w->part, w->said->embedding.data ? &w->said->embedding : &w->affinity,
                              w->mask.data ? &w->mask : NULL, &w->labels, err);
    if (status == PEA_OK && w->own_labels) {
        crop(w, &w->labels);
        memcpy(w->part->labels.data, w->labels.data, (size_t)(w->part->dims.y * w->part->dims.x) * sizeof(uint32_t));
    }
    return status;
}

pea_status pea__plane_cluster(const pea__part *part, pea__outputs *said, pea_error *err)
{
    work w = {.part = part, .said = said};
    pea_status status = plan(part->job, &w, err);
    if (status == PEA_OK)
        status = affinities(&w, err);
    if (status == PEA_OK)
        status = cluster(&w, err);
    pea__free(w.mask.data);
    pea__free(w.own_affinity);
    pea__free(w.own_labels);
    return status;
}

pea_status pea__plane_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err)
{
    work w = {0};
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK && job->network)
        status = pea__forward_forecast(job->network, &job->heads,
                                       (pea_dims){1, w.frame.y, w.frame.x, job->info.in_channels}, n_threads,
                                       &needs->network, err);
    if (status != PEA_OK)
        return status;
    const bool predicted = job->heads.foreground >= 0, masked = predicted || job->mask.data,
               given = job->heads.affinity >= 0;
    const uint64_t frame = pea__bytes_mul((uint64_t)w.frame.y, (uint64_t)w.frame.x),
                   grid = pea__bytes_mul((uint64_t)w.grid.y, (uint64_t)w.grid.x),
                   e = (uint64_t)job->heads.embedding_channels * sizeof(float),
                   k = job->options.offsets.n * sizeof(float), mask = predicted ? 10 : 2; /* as its parts are sought */
    needs->said = pea__bytes_mul(frame, e + (given ? k : 0) + (predicted ? 2 * sizeof(float) : 0));
    const bool by_embedding = job->options.clusterer == PEA_CLUSTER_MEANSHIFT;
    const pea_dims values = {1, w.grid.y, w.grid.x, job->heads.embedding_channels};
    pea_affinity_options border = pea_affinity_options_default();
    border.border = job->options.border;
    /* besides: the mask; affinities and some rows of the normalised embedding */
    uint64_t affinity = pea__bytes_add(needs->said, pea__bytes_mul(grid, (given ? 0 : k) + mask));
    if (!given)
        affinity = pea__bytes_add(affinity, pea__affinity_scratch(values, &job->options.offsets, &border, n_threads));
    /* affinities, mask, labels before the crop; of mean shift the embedding in place of affinities */
    uint64_t cluster = pea__bytes_add(pea__bytes_mul(given || by_embedding ? frame : grid, by_embedding ? e : k),
                                      pea__bytes_mul(grid, masked || job->options.cluster_padded ? 1 : 0));
    if (job->options.cluster_padded)
        cluster = pea__bytes_add(cluster, pea__bytes_mul(grid, sizeof(uint32_t)));
    cluster = pea__bytes_add(cluster, pea__cluster_forecast(&job->options, values, n_threads));
    needs->cluster = affinity > cluster ? affinity : cluster;
    return PEA_OK;
}
