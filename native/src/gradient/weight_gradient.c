/* weight_gradient.c - the gradient of a convolution's weights: blocks of channels times parts of the image, each summed
 * by one task, parts then added up in their order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "gradient/gradient.h"

#include <string.h>

enum {
    ALIGN_FLOATS = 16,
    SUMS_FLOATS = 1 << 18,   /* of a block: 1 MiB, half of the second-level cache where that is large */
    MIN_TASKS = 16,          /* blocks times parts: enough for threads to share evenly */
    PARTS_FLOATS = 16 << 20, /* of all parts together, where there is more than one */
    UNIT = 16                /* channels: a whole number of vectors of every set */
};

typedef struct job {
    const pea__kernels_table *kernels;
    pea__conv_gradient whole; /* of the first image, all channels */
    pea__tile first;          /* tile */
    int64_t n_images, n_tiles_z, n_tiles_y, n_tiles_x, n_tiles;
    int64_t in_step, gradient_step; /* from image to image */
    int64_t block_in, block_out, n_in, n_out, n_parts;
    int64_t block_floats, scratch_floats; /* of a block's packed weights; of a worker: its sums, then the kernel's */
    int64_t sums_floats;
    float *weights, *parts, *scratch; /* parts: [part][block] */
} job;

static int64_t aligned(int64_t floats)
{
    return pea__ceil_div(floats, ALIGN_FLOATS) * ALIGN_FLOATS;
}

/* ---- how it is cut ---- */

static int64_t half(int64_t channels)
{
    return pea__ceil_div(pea__ceil_div(channels, 2), UNIT) * UNIT;
}

/* Blocks whose sums fit in the cache. Each block transforms its tiles again, so they should be large, and about as wide
 * as they are high. */
static void choose_blocks(const pea__conv_shape *s, job *j)
{
    j->block_in = s->in_channels;
    j->block_out = s->out_channels;
    for (;;) {
        pea__conv_shape block = *s;
        block.in_channels = j->block_in;
        block.out_channels = j->block_out;
        if (pea__conv_gradient_sums(&block, 1) <= SUMS_FLOATS || (j->block_in <= UNIT && j->block_out <= UNIT))
            break;
        if (j->block_in > j->block_out)
            j->block_in = half(j->block_in);
        else
            j->block_out = half(j->block_out);
    }
    j->n_in = pea__ceil_div(s->in_channels, j->block_in);
    j->n_out = pea__ceil_div(s->out_channels, j->block_out);
}

static pea__conv_shape block_shape(const job *j, int64_t in, int64_t out)
{
    pea__conv_shape s = j->whole.conv.shape;
    s.in_channels = pea__min_i64(j->block_in, s.in_channels - in * j->block_in);
    s.out_channels = pea__min_i64(j->block_out, s.out_channels - out * j->block_out);
    return s;
}

static void cut_into_tiles(const pea__layer *layer, job *j)
{
    pea__conv *c = &j->whole.conv;
    j->n_images = pea__conv_space(&c->shape, layer->batch, c);
    j->first = pea__conv_gradient_first_tile(&c->shape, c->nz, c->ny, c->nx);
    j->n_tiles_z = pea__ceil_div(c->nz, j->first.z1);
    j->n_tiles_y = pea__ceil_div(c->ny, j->first.y1);
    j->n_tiles_x = pea__ceil_div(c->nx, j->first.x1);
    j->n_tiles = j->n_images * j->n_tiles_z * j->n_tiles_y * j->n_tiles_x;
}

/* Floats of work; -1 where they are too many. */
static int64_t prepare(const pea__layer *layer, const pea__kernels_table *kernels, int n_workers, job *j)
{
    int64_t n_blocks, of_parts, of_scratch, total, bytes;
    *j = (job){.kernels = kernels, .whole.conv.shape = layer->shape};
    pea__conv_shape *s = &j->whole.conv.shape;
    s->winograd = pea__conv_by_winograd(s);
    if (pea__conv_gradient_sums(s, UNIT) < 0)
        return -1;
    cut_into_tiles(layer, j);
    choose_blocks(s, j);
    const pea__conv_shape block = block_shape(j, 0, 0);
    j->block_floats = aligned(pea__conv_packed(&block, kernels->lanes));
    j->sums_floats = aligned(pea__conv_gradient_sums(&block, kernels->lanes));
    const int64_t of_kernel =
        pea__conv_gradient_scratch(&block, j->first.z1, j->first.y1, j->first.x1, kernels->lanes);
    j->scratch_floats = j->sums_floats + aligned(of_kernel);
    n_blocks = j->n_in * j->n_out;
    const int64_t room = pea__max_i64(1, PARTS_FLOATS / (n_blocks * j->block_floats));
    j->n_parts = pea__min_i64(pea__min_i64(j->n_tiles, room), pea__ceil_div(MIN_TASKS, n_blocks));
    if (!pea__mul_i64(n_blocks * j->n_parts, j->block_floats, &of_parts) ||
        !pea__mul_i64(j->scratch_floats, n_workers, &of_scratch) || !pea__add_i64(of_parts, of_scratch, &total) ||
        !pea__mul_i64(total, 2 * sizeof(float), &bytes))
        return -1;
    return total;
}

/* ---- tasks ---- */

static pea__tile tile_at(const job *j, int64_t index, int64_t *image)
{
    const pea__conv *c = &j->whole.conv;
    const int64_t x = index % j->n_tiles_x * j->first.x1, y = index / j->n_tiles_x % j->n_tiles_y * j->first.y1;
    const int64_t plane = index / j->n_tiles_x / j->n_tiles_y, z = plane % j->n_tiles_z * j->first.z1;
    *image = plane / j->n_tiles_z;
    return (pea__tile){z, pea__min_i64(z + j->first.z1, c->nz), y, pea__min_i64(y + j->first.y1, c->ny),
                       x, pea__min_i64(x + j->first.x1, c->nx)};
}

/* One part of one block. */
static void sum_block(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    const int64_t part = index / (j->n_in * j->n_out), in = index % j->n_in, out = index / j->n_in % j->n_out;
    float *made = j->parts + index * j->block_floats;
    float *sums = j->scratch + worker * j->scratch_floats, *scratch = sums + j->sums_floats;
    pea__conv_gradient block = j->whole;
    block.conv.shape = block_shape(j, in, out);
    const pea__conv_shape *s = &block.conv.shape;
    if (!s->winograd)
        sums = made;
    memset(sums, 0, (size_t)pea__conv_gradient_sums(s, j->kernels->lanes) * sizeof *sums);
    for (int64_t i = part * j->n_tiles / j->n_parts; i < (part + 1) * j->n_tiles / j->n_parts; i++) {
        int64_t image;
        const pea__tile tile = tile_at(j, i, &image);
        block.conv.in = j->whole.conv.in + image * j->in_step + in * j->block_in;
        block.gradient = j->whole.gradient + image * j->gradient_step + out * j->block_out;
        (s->winograd ? j->kernels->winograd_gradient_f32 : j->kernels->conv_gradient_f32)(&block, tile, sums, scratch);
    }
    for (int64_t at = 0; s->winograd && at < s->kz * s->in_channels; at++)
        j->kernels->winograd_taps_f32(s, sums, at, made);
}

/* All parts of one block, into the weights. */
static void join_parts(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    const int64_t in = index % j->n_in, out = index / j->n_in, n_blocks = j->n_in * j->n_out;
    const pea__conv_shape *s = &j->whole.conv.shape, block = block_shape(j, in, out);
    const int64_t n_taps = s->kz * s->ky * s->kx, pitch = s->in_channels * n_taps;
    const int64_t n = pea__conv_packed(&block, j->kernels->lanes);
    float *sum = j->parts + index * j->block_floats;
    (void)worker;
    for (int64_t part = 1; part < j->n_parts; part++) {
        const float *next = j->parts + (part * n_blocks + index) * j->block_floats;
        for (int64_t i = 0; i < n; i++)
            sum[i] += next[i];
    }
    pea__conv_unpack(&block, sum, j->kernels->lanes,
                     j->weights + out * j->block_out * pitch + in * j->block_in * n_taps, pitch);
}

/* ---- calls ---- */

int64_t pea__conv_weight_gradient_work(const pea__layer *layer, const pea__kernels_table *kernels, int n_workers)
{
    job j;
    return prepare(layer, kernels, n_workers, &j);
}

pea_status pea__conv_weight_gradient(const pea__run *run, const pea__layer *layer, pea__slice in, pea__slice gradient,
                                     float *weights, pea_error *err)
{
    job j;
    prepare(layer, run->kernels, pea__workers(run->context), &j);
    const int64_t voxels = j.whole.conv.nz * j.whole.conv.ny * j.whole.conv.nx, n_blocks = j.n_in * j.n_out;
    j.whole.conv.in = in.data;
    j.whole.conv.in_pitch = in.pitch;
    j.whole.gradient = gradient.data;
    j.whole.gradient_pitch = gradient.pitch;
    j.in_step = voxels / (layer->shape.doubled ? 4 : 1) * in.pitch;
    j.gradient_step = voxels * gradient.pitch;
    j.weights = weights;
    j.parts = run->work;
    j.scratch = run->work + n_blocks * j.n_parts * j.block_floats;
    pea_status status = pea__run_tasks(run, n_blocks * j.n_parts, run->from, run->to, sum_block, &j, err);
    if (status == PEA_OK)
        status = pea__run_tasks(run, n_blocks, run->to, run->to, join_parts, &j, err);
    return status;
}
