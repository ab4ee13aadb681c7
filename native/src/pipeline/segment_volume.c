/* segment_volume.c - a volume through a 3-D network: tile by tile to blended affinities, then one clustering.
 *
 * Tiles run one after another, each on all threads: their weighted sum then always adds up in the same order.
 *
 *     z  | finished planes: to the clusterer |<- to these planes tiles still add ->|  not begun
 *                                            first
 *
 * Where nobody wants to keep the affinities, only the planes in the middle are in memory: after each layer of tiles
 * those before the next layer are divided by their weights, clustered and forgotten. Every voxel gets the same numbers
 * in the same order as in the whole, and the clusterer does not mind how a volume is cut.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"
#include "pipeline/pipeline.h"

#include <string.h>

typedef struct work {
    const pea__part *part;
    const pea__job *job;
    pea__tiles tiles;
    pea_dims tile;       /* c is the network's input channels */
    pea_array input;     /* one tile, used again for each */
    pea_array affinity;  /* one tile; no data where the network itself predicts affinities */
    float *weights;
    pea__blend blend, embedding; /* of affinities; of embeddings, if they are kept */
    int64_t first;               /* plane that the blend begins with */
    pea_mutex_slabs *slabs;      /* NULL: the blend is that of the whole volume, and stays */
} work;

static pea_status plan(const pea__job *job, work *w, pea_error *err)
{
    const pea_status status = pea__tiles_plan(&job->options, job->grid, job->info.grid, &w->tiles, err);
    w->job = job;
    w->tile = (pea_dims){w->tiles.z.size, w->tiles.y.size, w->tiles.x.size, job->info.in_channels};
    return status;
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
    const int64_t k = (int64_t)job->options.offsets.n;
    const pea_dims d = blended(w), t = w->tile, affinities = {t.z, t.y, t.x, k};
    pea_array weights = {0}, norm = {0}, second = {0};
    pea_status status = pea__array_new(PEA_FLOAT32, t, &w->input, err);
    if (status == PEA_OK && job->heads.affinity < 0)
        status = pea__array_new(PEA_FLOAT32, affinities, &w->affinity, err);
    if (status == PEA_OK)
        status = pea__array_new(PEA_FLOAT32, (pea_dims){t.z, t.y, t.x, 1}, &weights, err);
    if (status == PEA_OK)
        status = pea__array_new(PEA_FLOAT32, d, &norm, err);
    if (status == PEA_OK && job->streams)
        status = pea__array_new(PEA_FLOAT32, (pea_dims){d.z, d.y, d.x, k}, &w->blend.sum, err);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__array_new(PEA_FLOAT32, d, &second, err);
    w->weights = weights.data;
    w->blend.norm = norm.data;
    w->embedding.norm = second.data;
    return status;
}

/* Affinities of a tile are those of the tile alone, its border rule included: the blend averages that away, nearly. */
static pea_status one_tile(work *w, int64_t z, int64_t y, int64_t x, pea_error *err)
{
    const pea__job *job = w->job;
    const pea__source source = {w->part->image, job->options.normalise, w->part->range, true, job->image.dtype};
    pea__outputs outputs = {0};
    pea_affinity_options options = pea_affinity_options_default();
    options.border = job->options.border;
    pea__stage(job->context, "network");
    pea_status status = pea__normalised_box(&source, z, y, x, job->context, &w->input, err);
    if (status == PEA_OK)
        status = pea__forward(job->network, &job->heads, &w->input, job->context, &outputs, err);
    if (status == PEA_OK && !outputs.affinity.data)
        status = pea_affinity_from_embedding(&outputs.embedding, &job->options.offsets, &options, job->context,
                                             &w->affinity, err);
    pea__stage(job->context, "affinity"); /* the call has ended its own */
    if (status == PEA_OK)
        status = pea__blend_add(&w->blend, outputs.affinity.data ? &outputs.affinity : &w->affinity, w->weights,
                                z - w->first, y, x, job->context, err);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__embedding_normalise(&outputs.embedding, job->context, 1.0, 1.0, outputs.embedding.data, err);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__blend_add(&w->embedding, &outputs.embedding, w->weights, z - w->first, y, x, job->context, err);
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

/* Planes before `end` of the volume get nothing more: cluster them, and make room for as many others. */
static pea_status pass_on(work *w, int64_t end, pea_error *err)
{
    const pea__job *job = w->job;
    const pea_dims room = blended(w);
    const int64_t n = end - w->first, plane = room.y * room.x;
    const pea_array whole_mask = w->part->mask;
    pea__blend ready = w->blend;
    ready.sum.dims.z = n;
    if (n == 0)
        return PEA_OK;
    pea_array mask = {NULL, PEA_UINT8, {n, room.y, room.x, 1}};
    if (whole_mask.data)
        mask.data = (uint8_t *)whole_mask.data + w->first * plane;
    pea_status status = pea__blend_finish(&ready, job->context, err);
    const pea__window layer = pea__progress_part(job->context, 0.0, 1.0);
    pea__progress_rejoin(job->context, (pea__window){0.0, 1.0}); /* slabs know how far they are */
    if (status == PEA_OK)
        status = pea_mutex_slabs_add(w->slabs, &ready.sum, mask.data ? &mask : NULL, err);
    pea__progress_rejoin(job->context, layer);
    pea__stage(job->context, "affinity");
    if (status == PEA_OK)
        status = roll(w->blend.sum.data, plane * ready.sum.dims.c, n, room.z, job->context, err);
    if (status == PEA_OK)
        status = roll(w->blend.norm, plane, n, room.z, job->context, err);
    w->first = end;
    w->blend.sum.dims.z = pea__min_i64(room.z, w->part->dims.z - end);
    return status;
}

static pea_status one_layer(work *w, int64_t z, pea_error *err)
{
    const pea__tiles t = w->tiles;
    pea_context *context = w->job->context;
    const double n = (double)(t.z.n * t.y.n * t.x.n);
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < t.y.n * t.x.n && status == PEA_OK; i++) {
        const double done = (double)(z * t.y.n * t.x.n + i);
        pea__progress_window(context, done / n, (done + 1.0) / n);
        status = one_tile(w, pea__tile_start(t.z, z), pea__tile_start(t.y, i / t.x.n), pea__tile_start(t.x, i % t.x.n),
                          err);
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
    pea__free(w->weights);
    pea__free(w->blend.norm);
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
    return job->options.clusterer == PEA_CLUSTER_MUTEX ? NULL : "another clusterer than mutex";
}

pea_status pea__volume_stream(const pea__part *part, pea_error *err)
{
    const pea__job *job = part->job;
    work w = {.part = part};
    pea_mutex_options mutex = pea_mutex_options_default();
    memcpy(mutex.stride, job->options.stride, sizeof mutex.stride);
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = make_room(&w, err);
    if (status == PEA_OK)
        status = pea_mutex_slabs_new(part->dims, &job->options.offsets, &mutex, job->context, &part->labels, &w.slabs,
                                     err);
    if (status == PEA_OK)
        status = all_tiles(&w, err);
    free_room(&w);
    pea__free(w.blend.sum.data);
    if (status == PEA_OK)
        status = pea_mutex_slabs_finish(w.slabs, NULL, err);
    pea_mutex_slabs_free(w.slabs);
    return status == PEA_OK ? pea__merge(job, &part->labels, err) : status;
}

/* Bytes of one tile on its way, besides what the network wants. */
static uint64_t tile_bytes(const work *w, int n_threads, uint64_t network)
{
    const uint64_t n = (uint64_t)(w->tile.z * w->tile.y * w->tile.x), /* at most 2^48: the plan looked */
                   k = w->job->options.offsets.n * sizeof(float),
                   e = (uint64_t)w->job->heads.embedding_channels * sizeof(float);
    pea_affinity_options options = pea_affinity_options_default();
    pea_dims embedding = w->tile;
    embedding.c = w->job->heads.embedding_channels;
    options.border = w->job->options.border;
    /* input, embedding and what the affinity of a tile needs */
    uint64_t affinity = n * ((uint64_t)w->tile.c * sizeof(float) + e);
    if (w->job->heads.affinity < 0)
        affinity += pea__affinity_scratch(embedding, &w->job->options.offsets, &options, n_threads);
    return pea__bytes_add(network > affinity ? network : affinity, n * (k + sizeof(float))); /* affinities, weights */
}

static uint64_t count(pea_dims d)
{
    return pea__bytes_mul(pea__bytes_mul((uint64_t)d.z, (uint64_t)d.y), (uint64_t)d.x);
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
    needs->said = pea__bytes_mul(n, job->options.offsets.n * sizeof(float));
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
    const uint64_t slab = pea__bytes_mul(count(blended(&w)), (job->options.offsets.n + 1) * sizeof(float));
    uint64_t bytes = pea__bytes_add(tile_bytes(&w, n_threads, network), slab);
    const int64_t planes = job->grid.z > 1 ? blended(&w).z : job->grid.y;
    bytes = pea__bytes_add(bytes, pea__slabs_forecast(&job->options, job->grid, planes, n_threads));
    *needs = (pea__needs){.network = bytes, .cluster = bytes};
    return PEA_OK;
}
