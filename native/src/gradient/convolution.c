/* convolution.c - convolutions whose weights change: forward, and from the gradient of the output to that of the input,
 * which is a convolution with mirrored taps. Weights are packed each time.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "gradient/gradient.h"

#include <string.h>

enum { ALIGN_FLOATS = 16, INPUTS_AT_ONCE = 16 }; /* a cache line; inputs whose weights one task transforms */

typedef struct job {
    const pea__kernels_table *kernels;
    pea__conv conv; /* of the first image */
    pea__tile first;
    int64_t n_images, n_tiles_z, n_tiles_y, n_tiles_x;
    int64_t in_step, out_step, add_step; /* from image to image */
    const float *weights;                /* in PyTorch's order */
    bool mirrored;
    float *packed, *products, *bias, *ones, *scratch;
    int64_t scratch_floats;
} job;

/* ---- room ---- */

/* Takes `floats` more, rounded up to a cache line; -1 once they are too many. */
static int64_t take(int64_t *total, int64_t floats)
{
    const int64_t at = *total;
    int64_t sum, bytes;
    if (at < 0 || floats < 0 || !pea__add_i64(at, floats + ALIGN_FLOATS - 1, &sum) ||
        !pea__mul_i64(sum, 2 * sizeof(float), &bytes))
        return *total = -1;
    *total = sum / ALIGN_FLOATS * ALIGN_FLOATS;
    return at;
}

int64_t pea__conv_space(const pea__conv_shape *shape, pea__batch batch, pea__conv *conv)
{
    const bool flat = shape->kz == 1;
    conv->nz = flat ? batch.n * batch.z : batch.z;
    conv->ny = batch.y;
    conv->nx = batch.x;
    if (flat && shape->ky == 1 && shape->kx == 1) {
        conv->nx *= conv->nz * conv->ny;
        conv->nz = conv->ny = 1;
    }
    return flat ? 1 : batch.n;
}

/* Everything but the images; returns floats of work, with `work` NULL the only thing of interest. */
static int64_t prepare(const pea__conv_shape *shape, pea__batch batch, const pea__kernels_table *kernels, int n_workers,
                       float *work, job *j)
{
    pea__conv_shape s = *shape;
    int64_t total = 0;
    s.winograd = pea__conv_by_winograd(&s);
    *j = (job){.kernels = kernels, .conv.shape = s};
    j->n_images = pea__conv_space(&s, batch, &j->conv);
    j->first = pea__conv_first_tile(&s, j->conv.nz, j->conv.ny, j->conv.nx, kernels->lanes);
    j->n_tiles_z = pea__ceil_div(j->conv.nz, j->first.z1);
    j->n_tiles_y = pea__ceil_div(j->conv.ny, j->first.y1);
    j->n_tiles_x = pea__ceil_div(j->conv.nx, j->first.x1);
    j->scratch_floats =
        pea__ceil_div(pea__conv_scratch(&s, j->first.y1, j->first.x1, kernels->lanes), ALIGN_FLOATS) * ALIGN_FLOATS;
    const int64_t padded = pea__conv_padded(s.out_channels, kernels->lanes);
    const int64_t packed = take(&total, pea__conv_packed(&s, kernels->lanes));
    const int64_t products = take(&total, s.winograd ? pea__winograd_weights(&s, kernels->lanes) : 0);
    const int64_t bias = take(&total, padded), ones = take(&total, padded);
    const int64_t scratch = take(&total, j->scratch_floats * n_workers);
    if (work && total >= 0) {
        j->packed = work + packed;
        j->products = work + products;
        j->bias = work + bias;
        j->ones = work + ones;
        j->scratch = work + scratch;
    }
    return total;
}

/* ---- tasks ---- */

static void pack(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    const pea__conv_shape *s = &j->conv.shape;
    pea__panel panel = pea__conv_panel(0, s->out_channels, j->kernels->lanes);
    (void)worker;
    for (int64_t i = 0; i < index; i++)
        panel = pea__conv_panel(panel.first + panel.width, s->out_channels, j->kernels->lanes);
    pea__conv_pack_panel(s, j->weights, j->mirrored, panel, j->packed);
}

static void transform_weights(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    const pea__conv_shape *s = &j->conv.shape;
    const int64_t end = pea__min_i64((index + 1) * INPUTS_AT_ONCE, s->kz * s->in_channels);
    (void)worker;
    for (int64_t at = index * INPUTS_AT_ONCE; at < end; at++)
        j->kernels->winograd_weights_f32(s, j->packed, at, j->products);
}

static void run_tile(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    const int64_t x = index % j->n_tiles_x * j->first.x1, y = index / j->n_tiles_x % j->n_tiles_y * j->first.y1;
    const int64_t plane = index / j->n_tiles_x / j->n_tiles_y, z = plane % j->n_tiles_z * j->first.z1;
    const int64_t image = plane / j->n_tiles_z;
    pea__conv conv = j->conv;
    conv.in += image * j->in_step;
    conv.out += image * j->out_step;
    if (conv.epilogue.residual)
        conv.epilogue.residual += image * j->add_step;
    const pea__tile tile = {z, pea__min_i64(z + j->first.z1, conv.nz), y, pea__min_i64(y + j->first.y1, conv.ny),
                            x, pea__min_i64(x + j->first.x1, conv.nx)};
    (conv.shape.winograd ? j->kernels->winograd_f32 : j->kernels->conv_f32)(&conv, tile,
                                                                             j->scratch + worker * j->scratch_floats);
}

static int64_t count_panels(const pea__conv_shape *s, int lanes)
{
    int64_t n = 0;
    pea__panel panel;
    for (int64_t first = 0; first < s->out_channels; first += panel.width, n++)
        panel = pea__conv_panel(first, s->out_channels, lanes);
    return n;
}

static pea_status run_job(const pea__run *run, job *j, pea_error *err)
{
    const pea__conv_shape *s = &j->conv.shape;
    const int64_t n_panels = count_panels(s, run->kernels->lanes);
    pea_status status = pea__run_tasks(run, n_panels, run->from, run->from, pack, j, err);
    j->conv.weights = j->packed;
    if (status == PEA_OK && s->winograd) {
        const int64_t n_inputs = pea__ceil_div(s->kz * s->in_channels, INPUTS_AT_ONCE);
        status = pea__run_tasks(run, n_inputs, run->from, run->from, transform_weights, j, err);
        j->conv.weights = j->products;
    }
    if (status != PEA_OK)
        return status;
    return pea__run_tasks(run, j->n_images * j->n_tiles_z * j->n_tiles_y * j->n_tiles_x, run->from, run->to,
                         run_tile, j, err);
}

/* in, out and add of the images, and the numbers of each channel. */
static void set_images(job *j, const float *bias, pea__slice in, pea__slice add, pea__slice out)
{
    const pea__conv_shape *s = &j->conv.shape;
    const int64_t padded = pea__conv_padded(s->out_channels, j->kernels->lanes);
    const int64_t voxels = j->conv.nz * j->conv.ny * j->conv.nx;
    for (int64_t c = 0; c < padded; c++) {
        j->bias[c] = bias && c < s->out_channels ? bias[c] : 0.0f;
        j->ones[c] = 1.0f;
    }
    j->conv.bias = j->bias;
    j->conv.in = in.data;
    j->conv.in_pitch = in.pitch;
    j->conv.out = out.data;
    j->conv.out_pitch = out.pitch;
    j->conv.epilogue = (pea__epilogue){.residual = add.data, .residual_pitch = add.pitch, .residual_scale = j->ones};
    j->in_step = voxels / (s->doubled ? 4 : 1) * in.pitch;
    j->out_step = voxels * out.pitch;
    j->add_step = voxels * add.pitch;
}

/* ---- forward ---- */

int64_t pea__conv_forward_work(const pea__layer *layer, const pea__kernels_table *kernels, int n_workers)
{
    job j;
    return prepare(&layer->shape, layer->batch, kernels, n_workers, NULL, &j);
}

pea_status pea__conv_forward(const pea__run *run, const pea__layer *layer, const float *weights, const float *bias,
                             pea__slice in, pea__slice add, pea__activation activation, pea__slice out, pea_error *err)
{
    job j;
    prepare(&layer->shape, layer->batch, run->kernels, pea__workers(run->context), run->work, &j);
    set_images(&j, bias, in, add, out);
    j.weights = weights;
    j.conv.epilogue.activation = activation;
    j.conv.epilogue.n_activated = layer->shape.out_channels;
    return run_job(run, &j, err);
}

/* ---- the gradient of the input ---- */

/* The convolution of the output's gradient that gives the input's, before that is halved again. */
static pea__conv_shape mirrored(const pea__conv_shape *s)
{
    return (pea__conv_shape){.in_channels = s->out_channels, .out_channels = s->in_channels, .kz = s->kz, .ky = s->ky,
                             .kx = s->kx};
}

/* Of a doubled input one image (all planes of it) at a time has its gradient made, before it is taken back to half. */
static pea__batch at_once(const pea__layer *layer)
{
    pea__batch b = layer->batch;
    if (layer->shape.doubled)
        b.n = 1;
    return b;
}

static int64_t large_floats(const pea__layer *layer)
{
    const pea__batch b = layer->batch;
    return layer->shape.doubled ? b.z * b.y * b.x * layer->shape.in_channels : 0;
}

int64_t pea__conv_input_gradient_work(const pea__layer *layer, const pea__kernels_table *kernels, int n_workers)
{
    const pea__conv_shape s = mirrored(&layer->shape);
    int64_t total = large_floats(layer);
    job j;
    const int64_t of_convolution = prepare(&s, at_once(layer), kernels, n_workers, NULL, &j);
    take(&total, of_convolution);
    return total;
}

static pea_status doubled_input_gradient(const pea__run *run, const pea__layer *layer, job *j, pea__slice gradient,
                                         pea__slice add, pea__slice to, pea_error *err)
{
    const pea__batch b = layer->batch, small = {1, b.z, b.y / 2, b.x / 2};
    const int64_t channels = layer->shape.in_channels, voxels = b.z * b.y * b.x;
    const pea__slice large = {run->work, channels};
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < b.n && status == PEA_OK; i++) {
        const pea__slice from = {gradient.data + i * voxels * gradient.pitch, gradient.pitch};
        const pea__slice addend = {add.data ? add.data + i * (voxels / 4) * add.pitch : NULL, add.pitch};
        const pea__slice dest = {to.data + i * (voxels / 4) * to.pitch, to.pitch};
        pea__run part = *run;
        part.from = run->from + (run->to - run->from) * (double)i / (double)b.n;
        part.to = run->from + (run->to - run->from) * (double)(i + 1) / (double)b.n;
        set_images(j, NULL, from, (pea__slice){NULL, 0}, large);
        status = run_job(&part, j, err);
        if (status == PEA_OK)
            status = pea__upsample_gradient(&part, small, channels, large, addend, dest, err);
    }
    return status;
}

pea_status pea__conv_input_gradient(const pea__run *run, const pea__layer *layer, const float *weights,
                                    pea__slice gradient, pea__slice add, pea__slice to, pea_error *err)
{
    const pea__conv_shape s = mirrored(&layer->shape);
    int64_t used = large_floats(layer);
    job j;
    take(&used, 0);
    prepare(&s, at_once(layer), run->kernels, pea__workers(run->context), run->work + used, &j);
    j.weights = weights;
    j.mirrored = true;
    if (layer->shape.doubled)
        return doubled_input_gradient(run, layer, &j, gradient, add, to, err);
    set_images(&j, NULL, gradient, add, to);
    return run_job(run, &j, err);
}
