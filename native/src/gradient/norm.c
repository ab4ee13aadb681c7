/* norm.c - batch normalisation with the batch's own statistics, forward and backward; gradients of biases. Voxels go
 * in blocks: a block's sums are short, and sums of blocks are joined in double precision in their order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "gradient/gradient.h"

#include <inttypes.h>
#include <math.h>

enum { BLOCK_FLOATS = 1 << 15, LEAST_VOXELS = 16, MOST_VOXELS = 1024 }; /* of a block: it is read twice */

typedef struct job {
    const pea__kernels_table *kernels;
    int64_t channels, n_voxels, block; /* voxels of a block */
    const pea__norm_layer *norms;
    int n_norms;
    pea__activation activation;
    pea__slice in, out, gradient, to;
    float *sums; /* [block][1 + n_norms][channels]; of statistics mean and squares */
    pea__norm norm;
    pea__norm_gradient_step step[2];
} job;

int64_t pea__batch_voxels(pea__batch b)
{
    int64_t planes, rows, voxels, bytes;
    if (b.n < 1 || b.z < 1 || b.y < 1 || b.x < 1 || !pea__mul_i64(b.n, b.z, &planes) ||
        !pea__mul_i64(planes, b.y, &rows) || !pea__mul_i64(rows, b.x, &voxels) ||
        !pea__mul_i64(voxels, 4 * sizeof(float), &bytes))
        return 0;
    return voxels;
}

static int64_t block_voxels(int64_t channels)
{
    return pea__max_i64(LEAST_VOXELS, pea__min_i64(MOST_VOXELS, BLOCK_FLOATS / channels));
}

static job make_job(const pea__run *run, pea__batch batch, int64_t channels)
{
    return (job){.kernels = run->kernels, .channels = channels, .n_voxels = pea__batch_voxels(batch),
                 .block = block_voxels(channels), .sums = run->work};
}

static int64_t n_blocks(const job *j)
{
    return pea__ceil_div(j->n_voxels, j->block);
}

static int64_t voxels_of(const job *j, int64_t index)
{
    return pea__min_i64(j->block, j->n_voxels - index * j->block);
}

enum { MOST_SUMS = 3, MOST_NUMBERS = 8 }; /* floats of a block and a channel; of a channel, beside them */

int64_t pea__norm_work(pea__batch batch, int64_t channels)
{
    const int64_t n = pea__ceil_div(pea__batch_voxels(batch), block_voxels(channels));
    int64_t floats;
    return pea__mul_i64(n * MOST_SUMS + MOST_NUMBERS, channels, &floats) ? floats : -1;
}

int64_t pea__bias_gradient_work(pea__batch batch, int64_t channels)
{
    return pea__norm_work(batch, channels);
}

/* Numbers of channels lie behind the sums of blocks. */
static float *numbers(const job *j, int which)
{
    return j->sums + (n_blocks(j) * MOST_SUMS + which) * j->channels;
}

/* Sum over blocks of number `which` of each. */
static double total(const job *j, int n_sums, int which, int64_t c)
{
    double sum = 0.0;
    for (int64_t b = 0; b < n_blocks(j); b++)
        sum += (double)j->sums[(b * n_sums + which) * j->channels + c];
    return sum;
}

/* ---- statistics ---- */

static void sum_moments(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    float *mean = j->sums + index * 2 * j->channels;
    (void)worker;
    j->kernels->moments_f32(j->in.data + index * j->block * j->in.pitch, j->in.pitch, j->channels, voxels_of(j, index),
                            mean, mean + j->channels);
}

/* Squares around the mean of all are those around the means of blocks, and those of the means. */
static void join_moments(const job *j, int64_t c, float *mean, float *variance)
{
    const double n = (double)j->n_voxels;
    double sum = 0.0, squares = 0.0;
    for (int64_t b = 0; b < n_blocks(j); b++)
        sum += (double)voxels_of(j, b) * (double)j->sums[b * 2 * j->channels + c];
    for (int64_t b = 0; b < n_blocks(j); b++) {
        const double away = (double)j->sums[b * 2 * j->channels + c] - sum / n;
        squares += (double)j->sums[(b * 2 + 1) * j->channels + c] + (double)voxels_of(j, b) * away * away;
    }
    *mean = (float)(sum / n);
    *variance = (float)fmax(0.0, squares / n); /* of equal numbers a rounding might be left, of either sign */
}

pea_status pea__norm_statistics(const pea__run *run, pea__batch batch, int64_t channels, const pea__norm_layer *norm,
                                pea_error *err)
{
    job j = make_job(run, batch, channels);
    if (j.n_voxels < 2)
        return pea__fail(err, PEA_E_SHAPE,
                         "a batch norm in training must see at least 2 voxels in a channel, the batch has %" PRId64
                         ": use larger images or more of them", j.n_voxels);
    j.in = norm->in;
    const pea_status status = pea__run_tasks(run, n_blocks(&j), run->from, run->to, sum_moments, &j, err);
    for (int64_t c = 0; status == PEA_OK && c < channels; c++)
        join_moments(&j, c, &norm->mean[c], &norm->variance[c]);
    return status;
}

void pea__norm_update_running(const pea__norm_layer *norm, pea__batch batch, int64_t channels, double momentum,
                              float *running_mean, float *running_variance)
{
    const double n = (double)pea__batch_voxels(batch);
    for (int64_t c = 0; c < channels; c++) {
        const double mean = (double)norm->mean[c], variance = (double)norm->variance[c] * n / (n - 1.0);
        running_mean[c] = (float)((1.0 - momentum) * (double)running_mean[c] + momentum * mean);
        running_variance[c] = (float)((1.0 - momentum) * (double)running_variance[c] + momentum * variance);
    }
}

static double deviation(const pea__norm_layer *norm, int64_t c)
{
    return sqrt((double)norm->variance[c] + PEA__NORM_EPSILON);
}

/* ---- forward ---- */

static void norm_block(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    (void)worker;
    j->kernels->norm_f32(&j->norm, index * j->block, voxels_of(j, index));
}

pea_status pea__norm_forward(const pea__run *run, pea__batch batch, int64_t channels, const pea__norm_layer *norms,
                             int n_norms, pea__activation activation, pea__slice out, pea_error *err)
{
    job j = make_job(run, batch, channels);
    float *shift = numbers(&j, 0);
    j.norm = (pea__norm){.channels = channels, .shift = shift, .activation = activation, .out = out.data,
                         .out_pitch = out.pitch};
    for (int k = 0; k < n_norms; k++) {
        float *scale = numbers(&j, 1 + k);
        for (int64_t c = 0; c < channels; c++) {
            shift[c] = (k ? shift[c] : 0.0f) + norms[k].bias[c];
            scale[c] = (float)((double)norms[k].gain[c] / deviation(&norms[k], c));
        }
        j.norm.branch[k] = (pea__norm_branch){norms[k].in.data, norms[k].in.pitch, norms[k].mean, scale};
    }
    return pea__run_tasks(run, n_blocks(&j), run->from, run->to, norm_block, &j, err);
}

/* ---- backward ---- */

/* The gradient before the activation, and what must be summed of it, while it is near. */
static void sum_gradients(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    const int64_t first = index * j->block, n = voxels_of(j, index);
    float *g = j->gradient.data + first * j->gradient.pitch;
    float *sums = j->sums + index * (1 + j->n_norms) * j->channels;
    (void)worker;
    if (j->activation != PEA__LINEAR)
        j->kernels->slope_f32(j->activation, j->out.data + first * j->out.pitch, j->out.pitch, g, j->gradient.pitch,
                              j->channels, n, g, j->gradient.pitch);
    for (int k = 0; k < j->n_norms; k++) {
        const pea__slice in = j->norms[k].in;
        j->kernels->norm_sums_f32(g, j->gradient.pitch, in.data + first * in.pitch, in.pitch, j->norms[k].mean,
                                  j->channels, n, sums, sums + (1 + k) * j->channels);
    }
}

static void gradient_block(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    (void)worker;
    for (int k = j->n_norms - 1; k >= 0; k--) /* the first last: it may lie where the gradient is */
        j->kernels->norm_gradient_f32(&j->step[k], index * j->block, voxels_of(j, index));
}

/* With N voxels, d their deviation and x' = (x - mean) / d: dx = gain / d * (g - sum g / N - x' * sum (g x') / N). */
static void prepare_step(job *j, int k, const pea__norm_to *to)
{
    const pea__norm_layer *norm = &j->norms[k];
    float *scale = numbers(j, 3 * k), *level = numbers(j, 3 * k + 1), *slope = numbers(j, 3 * k + 2);
    for (int64_t c = 0; c < j->channels; c++) {
        const double n = (double)j->n_voxels, d = deviation(norm, c), gain = (double)norm->gain[c];
        const double sum = total(j, 1 + j->n_norms, 0, c), product = total(j, 1 + j->n_norms, 1 + k, c);
        to->gain[c] = (float)(product / d);
        to->bias[c] = (float)sum;
        scale[c] = (float)(gain / d);
        level[c] = (float)(sum / n);
        slope[c] = (float)(-gain / (d * d * d) * product / n);
    }
    j->step[k] = (pea__norm_gradient_step){
        .channels = j->channels, .in = norm->in.data, .in_pitch = norm->in.pitch, .gradient = j->gradient.data,
        .gradient_pitch = j->gradient.pitch, .mean = norm->mean, .scale = scale, .level = level, .slope = slope,
        .to = to->in.data, .to_pitch = to->in.pitch};
}

pea_status pea__norm_gradient(const pea__run *run, pea__batch batch, int64_t channels, const pea__norm_layer *norms,
                              int n_norms, pea__activation activation, pea__slice out, pea__slice gradient,
                              const pea__norm_to *to, pea_error *err)
{
    job j = make_job(run, batch, channels);
    const double middle = run->from + 0.5 * (run->to - run->from);
    j.norms = norms;
    j.n_norms = n_norms;
    j.activation = activation;
    j.out = out;
    j.gradient = gradient;
    const pea_status status = pea__run_tasks(run, n_blocks(&j), run->from, middle, sum_gradients, &j, err);
    if (status != PEA_OK)
        return status;
    for (int k = 0; k < n_norms; k++)
        prepare_step(&j, k, &to[k]);
    return pea__run_tasks(run, n_blocks(&j), middle, run->to, gradient_block, &j, err);
}

/* ---- activations and biases alone ---- */

static void slope_block(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    const int64_t first = index * j->block;
    (void)worker;
    j->kernels->slope_f32(j->activation, j->out.data + first * j->out.pitch, j->out.pitch,
                          j->gradient.data + first * j->gradient.pitch, j->gradient.pitch, j->channels,
                          voxels_of(j, index), j->to.data + first * j->to.pitch, j->to.pitch);
}

pea_status pea__activation_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__activation activation,
                                    pea__slice out, pea__slice gradient, pea__slice to, pea_error *err)
{
    job j = make_job(run, batch, channels);
    j.activation = activation;
    j.out = out;
    j.gradient = gradient;
    j.to = to;
    return pea__run_tasks(run, n_blocks(&j), run->from, run->to, slope_block, &j, err);
}

static void sum_bias(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    (void)worker;
    j->kernels->norm_sums_f32(j->gradient.data + index * j->block * j->gradient.pitch, j->gradient.pitch, NULL, 0, NULL,
                              j->channels, voxels_of(j, index), j->sums + index * j->channels, NULL);
}

pea_status pea__bias_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__slice gradient, float *bias,
                              pea_error *err)
{
    job j = make_job(run, batch, channels);
    j.gradient = gradient;
    const pea_status status = pea__run_tasks(run, n_blocks(&j), run->from, run->to, sum_bias, &j, err);
    for (int64_t c = 0; status == PEA_OK && c < channels; c++)
        bias[c] = (float)total(&j, 1, 0, c);
    return status;
}
