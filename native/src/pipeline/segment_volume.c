/* segment_volume.c - a volume through a 3-D network: tile by tile to blended affinities, then one clustering.
 *
 * Tiles run one after another, each on all threads: their weighted sum then always adds up in the same order.
 *
 *     z  | finished planes: to the clusterer |<- to these planes tiles still add ->|  not begun
 *                                            first
 *
 * Where nobody wants to keep the affinities, only the planes in the middle are in memory: after each layer of tiles
 * those before the next layer are divided by their weights, clustered and forgotten, or kept for what comes after. Of
 * repulsive affinities only those are made, blended and kept whose edges the strides keep, and none for clusterers that
 * take none. Every voxel gets the same numbers in the same order as in the whole, and the clusterer does not mind how a
 * volume is cut.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "pipeline/pipeline.h"

#include <string.h>

typedef struct work {
    const pea__part *part;
    const pea__job *job;
    pea__tiles tiles;
    pea_dims tile;       /* c is the network's input channels */
    pea_array input;     /* one tile, used again for each */
    pea_array affinity;  /* one tile; no data where the network itself predicts affinities */
    pea_array sampled;   /* of the same tile, at most so many; the blend keeps them apart likewise */
    float *weights;
    pea__blend blend, embedding; /* of affinities; of embeddings, if they are kept */
    pea_mutex_slabs *slabs;      /* NULL: the blend is clustered later */
    int64_t n_clustered;         /* planes */
} work;

static pea_status plan(const pea__job *job, work *w, pea_error *err)
{
    const pea_status status = pea__tiles_plan(&job->options, job->grid, job->info.grid, &w->tiles, err);
    w->job = job;
    w->tile = (pea_dims){w->tiles.z.size, w->tiles.y.size, w->tiles.x.size, job->info.in_channels};
    memcpy(w->blend.stride, job->options.stride, sizeof w->blend.stride);
    return status;
}

/* Channels that are blended at every voxel, and at those alone that strides keep. */
static int64_t n_everywhere(const pea__job *job)
{
    return job->keeps_all ? (int64_t)job->options.offsets.n : job->options.offsets.n_axes;
}

static int64_t n_sampled(const pea__job *job)
{
    const bool wanted = !job->keeps_all && job->options.clusterer == PEA_CLUSTER_MUTEX;
    return wanted ? (int64_t)job->options.offsets.n - job->options.offsets.n_axes : 0;
}

/* Room for the voxels of so many planes, rows and columns that strides keep, wherever they lie. */
static pea_dims sampled_of(const pea__job *job, pea_dims d)
{
    const int *s = job->options.stride;
    return (pea_dims){pea__ceil_div(d.z, s[0]), pea__ceil_div(d.y, s[1]), pea__ceil_div(d.x, s[2]), n_sampled(job)};
}

/* The planes that the blend has room for: what a layer of tiles adds to, or all; c is 1. */
static pea_dims blended(const work *w)
{
    pea_dims d = w->job->grid;
    d.z = w->job->streams ? pea__min_i64(d.z, w->tiles.z.size) : d.z;
    return d;
}

static pea_status make_room(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    const int64_t k = n_everywhere(job);
    const pea_dims d = blended(w), t = w->tile, affinities = {t.z, t.y, t.x, k};
    pea_array weights = {0}, norm = {0}, second = {0};
    pea_status status = pea__array_new(PEA_FLOAT32, t, &w->input, err);
    if (status == PEA_OK && job->heads.affinity < 0)
        status = pea__array_new(PEA_FLOAT32, affinities, &w->affinity, err);
    if (status == PEA_OK && job->heads.affinity < 0 && n_sampled(job) > 0)
        status = pea__array_new(PEA_FLOAT32, sampled_of(job, t), &w->sampled, err);
    if (status == PEA_OK && n_sampled(job) > 0)
        status = pea__array_new(PEA_FLOAT32, sampled_of(job, d), &w->blend.sampled, err);
    if (status == PEA_OK)
        status = pea__array_new(PEA_FLOAT32, (pea_dims){t.z, t.y, t.x, 1}, &weights, err);
    if (status == PEA_OK)
        status = pea__array_new(PEA_FLOAT32, d, &norm, err);
    if (status == PEA_OK && !w->blend.sum.data)
        status = pea__array_new(PEA_FLOAT32, (pea_dims){d.z, d.y, d.x, k}, &w->blend.sum, err);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__array_new(PEA_FLOAT32, d, &second, err);
    w->weights = weights.data;
    w->blend.norm = norm.data;
    w->embedding.norm = second.data;
    return status;
}

/* Affinities of a tile are those of the tile alone, its border rule included: the blend averages that away, nearly. */
static pea_status compare(work *w, const pea_array *embedding, const int64_t start[3], pea_error *err)
{
    const pea__job *job = w->job;
    const pea__embedding_box box = pea__tile_inside(w->tile, start, w->part->dims);
    pea_affinity_options options = pea_affinity_options_default();
    pea_offsets offsets = job->options.offsets;
    options.border = job->options.border;
    offsets.n = (size_t)(n_everywhere(job) + n_sampled(job));
    if (w->sampled.data)
        memcpy(options.stride, job->options.stride, sizeof options.stride);
    return pea__affinity_box(embedding, &offsets, &options, &box, job->context, w->affinity.data, w->sampled.data, err);
}

static pea_status one_tile(work *w, const int64_t start[3], pea_error *err)
{
    const pea__job *job = w->job;
    const pea__source source = {w->part->image, job->options.normalise, w->part->range, true, job->image.dtype};
    pea__outputs outputs = {0};
    pea__stage(job->context, "network");
    pea_status status = pea__normalised_box(&source, start[0], start[1], start[2], job->context, &w->input, err);
    if (status == PEA_OK)
        status = pea__forward(job->network, &job->heads, &w->input, job->context, &outputs, err);
    pea__stage(job->context, "affinity");
    if (status == PEA_OK && !outputs.affinity.data)
        status = compare(w, &outputs.embedding, start, err);
    const pea__tile_values said = {outputs.affinity.data ? outputs.affinity : w->affinity, w->sampled.data};
    if (status == PEA_OK)
        status = pea__blend_add(&w->blend, &said, w->weights, start, job->context, err);
    const pea__tile_values embedding = {outputs.embedding, NULL};
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__embedding_normalise(&outputs.embedding, job->context, 1.0, 1.0, outputs.embedding.data, err);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__blend_add(&w->embedding, &embedding, w->weights, start, job->context, err);
    pea__outputs_free(&outputs);
    return status;
}

/* The first n of all planes go, as many empty ones come. */
static pea_status roll(float *planes, int64_t plane, int64_t n, int64_t all, pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int64_t z = 0; z < all && status == PEA_OK; z++) {
        if (z + n < all)
            memcpy(planes + z * plane, planes + (z + n) * plane, (size_t)plane * sizeof *planes);
        else
            memset(planes + z * plane, 0, (size_t)plane * sizeof *planes);
        status = pea__progress(context, 1.0, err);
    }
    return status;
}

/* Plane `z` and those after it. */
static pea__blend planes_from(const pea__blend *blend, int64_t z)
{
    pea__blend some = *blend;
    const pea_dims d = blend->sum.dims, sampled = blend->sampled.dims;
    const int64_t n = (z - blend->first) * d.y * d.x, kept = pea__kept(blend->first, z, blend->stride[0]);
    some.first = z;
    some.sum.data = (float *)blend->sum.data + n * d.c;
    some.norm = blend->norm + n;
    if (sampled.c > 0)
        some.sampled.data = (float *)blend->sampled.data + kept * sampled.y * sampled.x * sampled.c;
    return some;
}

static pea_status forget(work *w, int64_t end, pea_error *err)
{
    pea__blend *b = &w->blend;
    pea_context *context = w->job->context;
    const pea_dims room = blended(w), sampled = b->sampled.dims;
    const int64_t n = end - b->first, plane = room.y * room.x;
    pea_status status = roll(b->sum.data, plane * b->sum.dims.c, n, room.z, context, err);
    if (status == PEA_OK)
        status = roll(b->norm, plane, n, room.z, context, err);
    if (status == PEA_OK && sampled.c > 0)
        status = roll(b->sampled.data, sampled.y * sampled.x * sampled.c, pea__kept(b->first, end, b->stride[0]),
                      sampled.z, context, err);
    b->first = end;
    b->sum.dims.z = pea__min_i64(room.z, w->part->dims.z - end);
    return status;
}

/* Planes before `end` of the volume get nothing more: cluster them, and make room for as many others. */
static pea_status pass_on(work *w, int64_t end, pea_error *err)
{
    const pea__job *job = w->job;
    const pea_dims d = w->part->dims;
    const int64_t first = w->n_clustered, n = end - first;
    const uint8_t *mask = w->part->mask.data ? (const uint8_t *)w->part->mask.data + first * d.y * d.x : NULL;
    pea__blend ready = planes_from(&w->blend, first);
    const pea__slab_affinity slab = {ready.sum.data, ready.sampled.data, PEA_FLOAT32};
    ready.sum.dims.z = n;
    if (n == 0)
        return PEA_OK;
    pea_status status = pea__blend_finish(&ready, job->context, err);
    const pea__window layer = pea__progress_part(job->context, 0.0, 1.0);
    pea__progress_rejoin(job->context, (pea__window){0.0, 1.0}); /* slabs know how far they are */
    pea__stage(job->context, "cluster");
    if (status == PEA_OK)
        status = pea__mutex_slabs_add(w->slabs, slab, mask, d.z > 1 ? n : d.y, err);
    pea__progress_rejoin(job->context, layer);
    pea__stage(job->context, "affinity");
    w->n_clustered = end;
    return status == PEA_OK && job->streams ? forget(w, end, err) : status;
}

static pea_status one_layer(work *w, int64_t z, pea_error *err)
{
    const pea__tiles t = w->tiles;
    pea_context *context = w->job->context;
    const double n = (double)(t.z.n * t.y.n * t.x.n);
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < t.y.n * t.x.n && status == PEA_OK; i++) {
        const double done = (double)(z * t.y.n * t.x.n + i);
        const int64_t start[3] = {pea__tile_start(t.z, z), pea__tile_start(t.y, i / t.x.n),
                                  pea__tile_start(t.x, i % t.x.n)};
        pea__progress_window(context, done / n, (done + 1.0) / n);
        status = one_tile(w, start, err);
    }
    if (status == PEA_OK && w->slabs) {
        const int64_t end = z + 1 < t.z.n ? pea__max_i64(0, pea__tile_start(t.z, z + 1)) : w->part->dims.z;
        status = pass_on(w, end, err);
    }
    return status;
}

static pea_status all_tiles(work *w, pea_error *err)
{
    pea_status status = PEA_OK;
    pea__tile_weights(w->tile.z, w->tile.y, w->tile.x, w->weights);
    for (int64_t z = 0; z < w->tiles.z.n && status == PEA_OK; z++)
        status = one_layer(w, z, err);
    pea__progress_window(w->job->context, 0.0, 1.0);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__blend_finish(&w->embedding, w->job->context, err);
    return status == PEA_OK && !w->slabs ? pea__blend_finish(&w->blend, w->job->context, err) : status;
}

static void free_room(work *w)
{
    pea__free(w->input.data);
    pea__free(w->affinity.data);
    pea__free(w->sampled.data);
    pea__free(w->weights);
    pea__free(w->blend.norm);
    pea__free(w->blend.sampled.data);
    pea__free(w->embedding.norm);
}

pea_status pea__volume_run(const pea__part *part, const pea_array *affinity, pea_error *err)
{
    work w = {.part = part};
    pea_status status = plan(part->job, &w, err);
    w.blend.sum = *affinity;
    w.embedding.sum = part->embedding;
    if (status == PEA_OK)
        status = make_room(&w, err);
    if (status == PEA_OK)
        status = all_tiles(&w, err);
    free_room(&w);
    return status;
}

const char *pea__volume_why_whole(const pea__job *job)
{
    if (job->options.absorb_size > 1)
        return "absorb, which goes by affinities";
    return job->options.clusterer == PEA_CLUSTER_MUTEX ? NULL : "another clusterer than mutex";
}

pea_status pea__volume_stream(const pea__part *part, pea_error *err)
{
    const pea__job *job = part->job;
    work w = {.part = part, .embedding = {.sum = part->embedding}};
    pea_segment_options options = job->options;
    const pea_mutex_options mutex = pea__mutex_options(&job->options);
    options.offsets.n = (size_t)n_everywhere(job);
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = make_room(&w, err);
    if (status == PEA_OK)
        status = pea_mutex_slabs_new(part->dims, &job->options.offsets, &mutex, job->context, &part->labels, &w.slabs,
                                     err);
    if (status == PEA_OK)
        status = all_tiles(&w, err);
    free_room(&w);
    if (status == PEA_OK)
        status = pea_mutex_slabs_finish(w.slabs, NULL, err);
    pea_mutex_slabs_free(w.slabs);
    if (status == PEA_OK)
        status = pea__merge(job, &part->labels, err);
    if (status == PEA_OK) /* the whole blend is there, if small instances are to go by it */
        status = pea__absorb(&options, &w.blend.sum, job->context, &part->labels, err);
    pea__free(w.blend.sum.data);
    return status;
}

static uint64_t count(pea_dims d)
{
    return pea__bytes_mul(pea__bytes_mul((uint64_t)d.z, (uint64_t)d.y), (uint64_t)d.x);
}

static uint64_t sampled_bytes(const pea__job *job, pea_dims d)
{
    const pea_dims sampled = sampled_of(job, d);
    return pea__bytes_mul(count(sampled), (uint64_t)sampled.c * sizeof(float));
}

/* Bytes of one tile on its way, besides what the network wants. */
static uint64_t tile_bytes(const work *w, int n_threads, uint64_t network)
{
    const uint64_t n = count(w->tile), /* at most 2^48: the plan looked */
                   k = (uint64_t)n_everywhere(w->job) * sizeof(float),
                   e = (uint64_t)w->job->heads.embedding_channels * sizeof(float);
    pea_affinity_options options = pea_affinity_options_default();
    pea_dims embedding = w->tile;
    embedding.c = w->job->heads.embedding_channels;
    options.border = w->job->options.border;
    /* input, embedding and what the affinity of a tile needs */
    uint64_t affinity = n * ((uint64_t)w->tile.c * sizeof(float) + e);
    if (w->job->heads.affinity < 0)
        affinity += pea__affinity_scratch(embedding, &w->job->options.offsets, &options, n_threads);
    const uint64_t kept = n * (k + sizeof(float)) + sampled_bytes(w->job, w->tile); /* affinities, weights */
    return pea__bytes_add(network > affinity ? network : affinity, kept);
}

pea_status pea__volume_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err)
{
    work w = {0};
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK && job->network)
        status = pea__forward_forecast(job->network, &job->heads, w.tile, n_threads, &needs->network, err);
    if (status != PEA_OK)
        return status;
    const uint64_t n = count(job->grid), norm = pea__bytes_mul(n, sizeof(float)),
                   tiles = pea__bytes_add(tile_bytes(&w, n_threads, needs->network), norm);
    needs->said = pea__bytes_mul(n, (uint64_t)n_everywhere(job) * sizeof(float));
    needs->network = job->network ? pea__bytes_add(needs->said, tiles) : 0;
    needs->cluster = pea__bytes_add(needs->said, pea__cluster_forecast(&job->options, job->grid, n_threads));
    return PEA_OK;
}

pea_status pea__volume_stream_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err)
{
    work w = {0};
    uint64_t network = 0;
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = pea__forward_forecast(job->network, &job->heads, w.tile, n_threads, &network, err);
    if (status != PEA_OK)
        return status;
    const uint64_t slab = pea__bytes_add(
        pea__bytes_mul(count(blended(&w)), (uint64_t)(n_everywhere(job) + 1) * sizeof(float)),
        sampled_bytes(job, blended(&w)));
    uint64_t bytes = pea__bytes_add(tile_bytes(&w, n_threads, network), slab);
    const int64_t planes = job->grid.z > 1 ? blended(&w).z : job->grid.y;
    bytes = pea__bytes_add(bytes, pea__slabs_forecast(&job->options, job->grid, planes, n_threads));
    *needs = (pea__needs){.network = bytes, .cluster = bytes};
    return PEA_OK;
}
