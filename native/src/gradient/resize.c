/* resize.c - doubling and halving in y and x, forward and backward: rows of the kernels shared out among threads.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "gradient/gradient.h"

enum { TASK_FLOATS = 1 << 16 }; /* elements of a task */

typedef void forward_fn(const pea__resize *resize, int64_t row);
typedef void backward_fn(const pea__resize_gradient *resize, int64_t row);

typedef struct job {
    pea__resize resize; /* one of the two */
    forward_fn *forward;
    pea__resize_gradient back;
    backward_fn *backward;
    int64_t n_rows, rows_at_once;
} job;

static void run_rows(void *argument, int64_t index, int worker)
{
    const job *j = argument;
    (void)worker;
    for (int64_t row = index * j->rows_at_once; row < pea__min_i64((index + 1) * j->rows_at_once, j->n_rows); row++)
        if (j->forward)
            j->forward(&j->resize, row);
        else
            j->backward(&j->back, row);
}

/* row_floats: of a row of the larger image. */
static pea_status run_job(const pea__run *run, job *j, int64_t n_rows, int64_t row_floats, pea_error *err)
{
    j->n_rows = n_rows;
    j->rows_at_once = pea__max_i64(1, TASK_FLOATS / row_floats);
    return pea__run_tasks(run, pea__ceil_div(n_rows, j->rows_at_once), run->from, run->to, run_rows, j, err);
}

static pea__resize forward_of(pea__batch b, int64_t channels, pea__slice in, pea__slice out)
{
    return (pea__resize){.nz = b.n * b.z, .ny = b.y, .nx = b.x, .channels = channels, .in = in.data,
                         .in_pitch = in.pitch, .out = out.data, .out_pitch = out.pitch};
}

pea_status pea__pool_forward(const pea__run *run, pea__batch batch, int64_t channels, pea__slice in, pea__slice out,
                             pea_error *err)
{
    job j = {.resize = forward_of(batch, channels, in, out), .forward = run->kernels->pool_f32};
    return run_job(run, &j, batch.n * batch.z * (batch.y / 2), batch.x * channels, err);
}

int64_t pea__upsample_forward_work(const pea__kernels_table *kernels, int64_t channels)
{
    return pea__conv_padded(channels, kernels->lanes);
}

pea_status pea__upsample_forward(const pea__run *run, pea__batch batch, int64_t channels, pea__slice in, pea__slice add,
                                 pea__slice out, pea_error *err)
{
    job j = {.resize = forward_of(batch, channels, in, out), .forward = run->kernels->upsample_f32};
    if (add.data) {
        for (int64_t c = 0; c < pea__conv_padded(channels, run->kernels->lanes); c++)
            run->work[c] = 1.0f;
        j.resize.epilogue =
            (pea__epilogue){.residual = add.data, .residual_pitch = add.pitch, .residual_scale = run->work};
    }
    return run_job(run, &j, batch.n * batch.z * 2 * batch.y, 2 * batch.x * channels, err);
}

static pea__resize_gradient backward_of(pea__batch b, int64_t channels, pea__slice gradient, pea__slice add,
                                        pea__slice to)
{
    return (pea__resize_gradient){.nz = b.n * b.z, .ny = b.y, .nx = b.x, .channels = channels,
                                  .gradient = gradient.data, .gradient_pitch = gradient.pitch,
                                  .add = add.data, .add_pitch = add.pitch, .to = to.data, .to_pitch = to.pitch};
}

pea_status pea__pool_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__slice in,
                              pea__slice gradient, pea__slice add, pea__slice to, pea_error *err)
{
    job j = {.back = backward_of(batch, channels, gradient, add, to), .backward = run->kernels->pool_gradient_f32};
    j.back.in = in.data;
    j.back.in_pitch = in.pitch;
    return run_job(run, &j, batch.n * batch.z * (batch.y / 2), batch.x * channels, err);
}

pea_status pea__upsample_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__slice gradient,
                                  pea__slice add, pea__slice to, pea_error *err)
{
    job j = {.back = backward_of(batch, channels, gradient, add, to), .backward = run->kernels->upsample_gradient_f32};
    return run_job(run, &j, batch.n * batch.z * batch.y, 2 * batch.x * channels, err);
}
