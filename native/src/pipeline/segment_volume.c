/* segment_volume.c - a volume through a 3-D network: tile by tile to blended affinities, then one clustering.
 *
 * Tiles run one after another, each on all threads: their weighted sum then always adds up in the same order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"
#include "pipeline/pipeline.h"


typedef struct work {
    const pea__part *part;
    const pea__job *job;
    pea__tiles tiles;
    pea_dims tile;       /* c is the network's input channels */
    pea_array input;     /* one tile, used again for each */
    pea_array affinity;  /* one tile; no data where the network itself predicts affinities */
    float *weights;
    pea__blend blend, embedding; /* of affinities; of embeddings, if they are kept */
} work;

static pea_status plan(const pea__job *job, work *w, pea_error *err)
{
    const pea_status status = pea__tiles_plan(&job->options, job->grid, job->info.grid, &w->tiles, err);
    w->job = job;
    w->tile = (pea_dims){w->tiles.z.size, w->tiles.y.size, w->tiles.x.size, job->info.in_channels};
    return status;
}

static pea_status make_room(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    const pea_dims d = w->part->dims, t = w->tile, affinities = {t.z, t.y, t.x, (int64_t)job->options.offsets.n};
    pea_array weights = {0}, norm = {0}, second = {0};
    pea_status status = pea__array_new(PEA_FLOAT32, t, &w->input, err);
    if (status == PEA_OK && job->heads.affinity < 0)
        status = pea__array_new(PEA_FLOAT32, affinities, &w->affinity, err);
    if (status == PEA_OK)
        status = pea__array_new(PEA_FLOAT32, (pea_dims){t.z, t.y, t.x, 1}, &weights, err);
    if (status == PEA_OK)
        status = pea__array_new(PEA_FLOAT32, d, &norm, err);
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
        status = pea__blend_add(&w->blend, outputs.affinity.data ? &outputs.affinity : &w->affinity, w->weights, z, y,
                                x, job->context, err);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__embedding_normalise(&outputs.embedding, job->context, 1.0, 1.0, outputs.embedding.data, err);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__blend_add(&w->embedding, &outputs.embedding, w->weights, z, y, x, job->context, err);
    pea__outputs_free(&outputs);
    return status;
}

static pea_status all_tiles(work *w, pea_error *err)
{
    const pea__tiles t = w->tiles;
    const int64_t n = t.z.n * t.y.n * t.x.n;
    pea_status status = PEA_OK;
    pea__tile_weights(w->tile.z, w->tile.y, w->tile.x, w->weights);
    for (int64_t i = 0; i < n && status == PEA_OK; i++) {
        pea__progress_window(w->job->context, (double)i / (double)n, (double)(i + 1) / (double)n);
        status = one_tile(w, pea__tile_start(t.z, i / t.x.n / t.y.n), pea__tile_start(t.y, i / t.x.n % t.y.n),
                          pea__tile_start(t.x, i % t.x.n), err);
    }
    pea__progress_window(w->job->context, 0.0, 1.0);
    if (status == PEA_OK && w->embedding.sum.data)
        status = pea__blend_finish(&w->embedding, w->job->context, err);
    return status == PEA_OK ? pea__blend_finish(&w->blend, w->job->context, err) : status;
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
    pea__free(w.input.data);
    pea__free(w.affinity.data);
    pea__free(w.weights);
    pea__free(w.blend.norm);
    pea__free(w.embedding.norm);
    return status;
}

pea_status pea__volume_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err)
{
    work w = {0};
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK && job->network)
        status = pea__forward_forecast(job->network, &job->heads, w.tile, n_threads, &needs->network, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = job->grid;
    const uint64_t n = pea__bytes_mul(pea__bytes_mul((uint64_t)d.z, (uint64_t)d.y), (uint64_t)d.x),
                   n_tile = (uint64_t)(w.tile.z * w.tile.y * w.tile.x), /* at most 2^48: the plan looked */
                   k = job->options.offsets.n * sizeof(float),
                   e = (uint64_t)job->heads.embedding_channels * sizeof(float);
    /* input, embedding and its normalised copy: what the affinity of a tile needs at most */
    const uint64_t affinity = n_tile * ((uint64_t)w.tile.c * sizeof(float) + 2 * e);
    uint64_t tiles = needs->network > affinity ? needs->network : affinity;
    tiles = pea__bytes_add(tiles, n_tile * (k + sizeof(float)));     /* affinities and weights of a tile */
    tiles = pea__bytes_add(tiles, pea__bytes_mul(n, sizeof(float))); /* norm */
    needs->said = pea__bytes_mul(n, k);
    needs->network = job->network ? pea__bytes_add(needs->said, tiles) : 0;
    needs->cluster = pea__bytes_add(needs->said, pea__cluster_forecast(&job->options, d, n_threads));
    return PEA_OK;
}
