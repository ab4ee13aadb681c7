/* segment_volume.c - a volume through a 3-D network: tile by tile to blended affinities, then one clustering.
 *
 * Tiles run one after another, each on all threads: their weighted sum then always adds up in the same order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <string.h>

typedef struct work {
    const pea__job *job;
    pea__tiles tiles;
    pea_dims tile;       /* c is the network's input channels */
    pea_array input;     /* one tile, used again for each */
    pea_array affinity;  /* one tile; no data where the network itself predicts affinities */
    pea__range range;
    float *weights;
    pea__blend blend;
    void *own_sum; /* NULL where the caller keeps it */
} work;

static pea_status make_room(work *w, pea_error *err)
{
    const pea__job *job = w->job;
    const pea_dims d = job->image.dims, t = w->tile;
    const int64_t k = (int64_t)job->options.offsets.n;
    int64_t n_volume, n_sum, n_tile, n_input, n_affinity;
    if (!pea__dims_count((pea_dims){d.z, d.y, d.x, k}, sizeof(float), &n_volume, &n_sum) ||
        !pea__dims_count(t, sizeof(float), &n_tile, &n_input) ||
        !pea__dims_count((pea_dims){t.z, t.y, t.x, k}, sizeof(float), NULL, &n_affinity))
        return pea__fail(err, PEA_E_LIMIT, "the affinities of this volume would exceed the address space");
    w->input = (pea_array){pea__alloc((size_t)n_input, sizeof(float), err), PEA_FLOAT32, t};
    w->affinity = (pea_array){NULL, PEA_FLOAT32, {t.z, t.y, t.x, k}};
    if (w->input.data && job->heads.affinity < 0)
        w->affinity.data = pea__alloc((size_t)n_affinity, sizeof(float), err);
    if (!w->input.data || (job->heads.affinity < 0 && !w->affinity.data) ||
        !(w->weights = pea__alloc((size_t)n_tile, sizeof *w->weights, err)) ||
        !(w->blend.norm = pea__alloc((size_t)n_volume, sizeof *w->blend.norm, err)))
        return PEA_E_NOMEM;
    w->blend.sum = job->kept_affinity;
    if (!w->blend.sum.data) {
        w->own_sum = pea__alloc((size_t)n_sum, sizeof(float), err);
        w->blend.sum = (pea_array){w->own_sum, PEA_FLOAT32, {d.z, d.y, d.x, k}};
    }
    return w->blend.sum.data ? PEA_OK : PEA_E_NOMEM;
}

/* Everything that only tiles need. */
static void free_tiles(work *w)
{
    pea__free(w->input.data);
    pea__free(w->affinity.data);
    pea__free(w->weights);
    pea__free(w->blend.norm);
    w->input.data = w->affinity.data = NULL;
    w->weights = w->blend.norm = NULL;
}

/* Affinities of a tile are those of the tile alone, its border rule included: the blend averages that away, nearly. */
static pea_status one_tile(work *w, int64_t z, int64_t y, int64_t x, pea_error *err)
{
    const pea__job *job = w->job;
    const pea__source source = {job->image, job->options.normalise, w->range, true};
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
    return status == PEA_OK ? pea__blend_finish(&w->blend, w->job->context, err) : status;
}

static pea_status plan(const pea__job *job, work *w, pea_error *err)
{
    const pea_status status = pea__tiles_plan(&job->options, job->image.dims, job->info.grid, &w->tiles, err);
    w->job = job;
    w->tile = (pea_dims){w->tiles.z.size, w->tiles.y.size, w->tiles.x.size, job->info.in_channels};
    return status;
}

pea_status pea__segment_volume(const pea__job *job, uint32_t *n, pea_error *err)
{
    work w = {.range = job->ranges[0]};
    for (int64_t z = 1; z < job->image.dims.z; z++) {
        w.range.min = job->ranges[z].min < w.range.min ? job->ranges[z].min : w.range.min;
        w.range.max = job->ranges[z].max > w.range.max ? job->ranges[z].max : w.range.max;
    }
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = make_room(&w, err);
    if (status == PEA_OK)
        status = all_tiles(&w, err);
    free_tiles(&w);
    if (status == PEA_OK)
        status = pea__cluster(job, &w.blend.sum, job->mask.data ? &job->mask : NULL, &job->labels, err);
    if (status == PEA_OK)
        status = pea__renumber(job, &job->labels, n, err);
    pea__free(w.own_sum);
    return status;
}

pea_status pea__volume_forecast(const pea__job *job, int n_threads, uint64_t *bytes, pea_error *err)
{
    work w = {0};
    pea_status status = plan(job, &w, err);
    if (status == PEA_OK)
        status = pea__forward_forecast(job->network, &job->heads, w.tile, n_threads, bytes, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = job->image.dims;
    const uint64_t n = pea__bytes_mul(pea__bytes_mul((uint64_t)d.z, (uint64_t)d.y), (uint64_t)d.x),
                   n_tile = (uint64_t)(w.tile.z * w.tile.y * w.tile.x), /* at most 2^48: the plan looked */
                   k = job->options.offsets.n * sizeof(float),
                   e = (uint64_t)job->heads.embedding_channels * sizeof(float);
    const uint64_t sum = pea__bytes_mul(n, k);
    /* input, embedding and its normalised copy: what the affinity of a tile needs at most */
    const uint64_t affinity = n_tile * ((uint64_t)w.tile.c * sizeof(float) + 2 * e);
    uint64_t tiles = *bytes > affinity ? *bytes : affinity;
    tiles = pea__bytes_add(tiles, n_tile * (k + sizeof(float)));               /* affinities and weights of a tile */
    tiles = pea__bytes_add(tiles, pea__bytes_mul(n, sizeof(float)));           /* norm */
    const uint64_t cluster = pea__cluster_forecast(&job->options, d);
    *bytes = pea__bytes_add(job->kept_affinity.data ? 0 : sum, tiles > cluster ? tiles : cluster);
    return PEA_OK;
}
