/* pass.c - a network in training forward and backward, lesson after lesson, as plan.c planned it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <string.h>

/* ---- where things lie ---- */

static const pea__learnt_buffer *buffer_of(const pea__trainee *t, int value)
{
    return &t->buffers[t->values[value].buffer];
}

static pea__slice slice_at(const pea__trainee *t, int value, int64_t place)
{
    return (pea__slice){t->arena + place + t->values[value].first, buffer_of(t, value)->channels};
}

static pea__slice data_of(const pea__trainee *t, int value)
{
    return value ? slice_at(t, value, buffer_of(t, value)->place) : (pea__slice){NULL, 0};
}

/* On the way back. */
static pea__slice data_again(const pea__trainee *t, int value)
{
    const pea__learnt_buffer *b = buffer_of(t, value);
    return slice_at(t, value, b->remake < 0 ? b->place : b->second_place);
}

static pea__slice gradient_of(const pea__trainee *t, int value)
{
    return slice_at(t, value, buffer_of(t, value)->gradient_place);
}

static int norms_of(const pea__trainee *t, const pea__lesson *lesson, pea__norm_layer norms[2])
{
    const int64_t channels = t->values[lesson->in].channels;
    const int n_norms = lesson->in_2 ? 2 : 1;
    float *moments = lesson->frozen ? t->running : t->moments;
    for (int k = 0; k < n_norms; k++)
        norms[k] = (pea__norm_layer){data_of(t, k ? lesson->in_2 : lesson->in), t->parameters + lesson->parameters[k],
                                     t->parameters + lesson->parameters[k] + channels, moments + lesson->moments[k],
                                     moments + lesson->moments[k] + channels};
    return n_norms;
}

static int64_t n_weights(const pea__conv_shape *s)
{
    return s->out_channels * s->in_channels * s->kz * s->ky * s->kx;
}

/* ---- forward ---- */

static pea_status forward_norm(const pea__trainee *t, const pea__run *run, const pea__lesson *lesson, pea_error *err)
{
    const pea__batch from = pea__trainee_batch(t, lesson->in);
    const int64_t channels = t->values[lesson->in].channels;
    pea__norm_layer norms[2];
    const int n_norms = norms_of(t, lesson, norms);
    pea_status status = PEA_OK;
    for (int k = 0; k < n_norms && status == PEA_OK && !lesson->frozen; k++)
        status = pea__norm_statistics(run, from, channels, &norms[k], err);
    return status != PEA_OK ? status
                            : pea__norm_forward(run, from, channels, norms, n_norms, lesson->activation,
                                                data_of(t, lesson->out), err);
}

static pea_status forward(const pea__trainee *t, const pea__run *run, const pea__lesson *lesson, pea_error *err)
{
    const pea__slice in = data_of(t, lesson->in), add = data_of(t, lesson->add), out = data_of(t, lesson->out);
    const pea__batch from = pea__trainee_batch(t, lesson->in);
    const int64_t channels = t->values[lesson->in].channels;
    const float *parameters = t->parameters + lesson->parameters[0];
    const pea__layer layer = {lesson->shape, pea__trainee_batch(t, lesson->out)};
    switch (lesson->kind) {
    case PEA__LESSON_CONV:
        return pea__conv_forward(run, &layer, parameters,
                                 lesson->has_bias ? parameters + n_weights(&lesson->shape) : NULL, in, add,
                                 lesson->activation, out, err);
    case PEA__LESSON_NORM: return forward_norm(t, run, lesson, err);
    case PEA__LESSON_POOL: return pea__pool_forward(run, from, channels, in, out, err);
    case PEA__LESSON_UPSAMPLE: return pea__upsample_forward(run, from, channels, in, add, out, err);
    }
    return PEA_OK;
}

/* What is done at a time (plan.c) has its share of the pass, forward or back, and its own place for work. */
static pea__run run_at(const pea__trainee *t, int time)
{
    const int n = t->n_lessons, i = time < n ? time : time - n - 1;
    pea__run part = t->run;
    part.work = t->arena + t->work_place[time];
    part.from = t->run.from + (t->run.to - t->run.from) * (double)i / (double)n;
    part.to = t->run.from + (t->run.to - t->run.from) * (double)(i + 1) / (double)n;
    return part;
}

pea__run pea__trainee_loss_run(const pea__trainee *t)
{
    pea__run run = t->run;
    run.work = t->arena + t->work_place[t->n_lessons];
    return run;
}

pea_status pea__trainee_forward(pea__trainee *t, const float *input, pea_error *err)
{
    const int64_t floats = pea__batch_voxels(t->batch) * t->buffers[1].channels;
    pea_status status = PEA_OK;
    memcpy(data_of(t, 1).data, input, (size_t)floats * sizeof *input);
    for (int i = 0; i < t->n_lessons && status == PEA_OK; i++) {
        const pea__run run = run_at(t, i);
        status = forward(t, &run, &t->lessons[i], err);
    }
    return status;
}

const float *pea__trainee_head(const pea__trainee *t, int head)
{
    return data_of(t, t->head_values[head]).data;
}

float *pea__trainee_head_gradient(const pea__trainee *t, int head)
{
    return gradient_of(t, t->head_values[head]).data;
}

void pea__trainee_update_running(pea__trainee *t, float *moments, double momentum)
{
    for (int i = 0; i < t->n_lessons; i++) {
        const pea__lesson *lesson = &t->lessons[i];
        const int64_t channels = t->values[lesson->in].channels;
        if (lesson->kind != PEA__LESSON_NORM || lesson->frozen)
            continue;
        for (int k = 0; k < (lesson->in_2 ? 2 : 1); k++) {
            const int64_t at = lesson->moments[k];
            const pea__norm_layer norm = {.mean = moments + at, .variance = moments + at + channels};
            pea__norm_update_running(&norm, pea__trainee_batch(t, lesson->in), channels, momentum, t->running + at,
                                     t->running + at + channels);
        }
    }
}

/* ---- backward ---- */

/* What the gradient of a lesson's input is added to. */
static pea__slice begun(const pea__trainee *t, const pea__lesson *lesson)
{
    return lesson->adds ? gradient_of(t, lesson->in) : (pea__slice){NULL, 0};
}

static pea_status backward_conv(const pea__trainee *t, const pea__run *run, const pea__lesson *lesson, pea_error *err)
{
    const pea__conv_shape *s = &lesson->shape;
    const pea__layer layer = {*s, pea__trainee_batch(t, lesson->out)};
    const pea__slice g = gradient_of(t, lesson->out);
    float *to = t->gradients + lesson->parameters[0];
    pea_status status = PEA_OK;
    if (lesson->activation != PEA__LINEAR)
        status = pea__activation_gradient(run, layer.batch, s->out_channels, lesson->activation,
                                          data_again(t, lesson->out), g, g, err);
    if (status == PEA_OK)
        status = pea__conv_weight_gradient(run, &layer, data_again(t, lesson->in), g, to, err);
    if (status == PEA_OK && lesson->has_bias)
        status = pea__bias_gradient(run, layer.batch, s->out_channels, g, to + n_weights(s), err);
    if (status != PEA_OK || !lesson->passes_on)
        return status;
    return pea__conv_input_gradient(run, &layer, t->parameters + lesson->parameters[0], g, begun(t, lesson),
                                    gradient_of(t, lesson->in), err);
}

/* What a norm reads nobody else does: its gradient is written, not added. */
static pea_status backward_norm(const pea__trainee *t, const pea__run *run, const pea__lesson *lesson, pea_error *err)
{
    const int64_t channels = t->values[lesson->in].channels;
    pea__norm_layer norms[2];
    pea__norm_to to[2];
    const int n_norms = norms_of(t, lesson, norms);
    for (int k = 0; k < n_norms; k++) {
        float *gradients = t->gradients + lesson->parameters[k];
        to[k] = (pea__norm_to){gradient_of(t, k ? lesson->in_2 : lesson->in), gradients, gradients + channels};
    }
    return pea__norm_gradient(run, pea__trainee_batch(t, lesson->in), channels, norms, n_norms, lesson->activation,
                              data_again(t, lesson->out), gradient_of(t, lesson->out), to, err);
}

static pea_status backward(const pea__trainee *t, const pea__run *run, const pea__lesson *lesson, pea_error *err)
{
    const pea__batch b = pea__trainee_batch(t, lesson->in);
    const int64_t channels = t->values[lesson->in].channels;
    switch (lesson->kind) {
    case PEA__LESSON_CONV: return backward_conv(t, run, lesson, err);
    case PEA__LESSON_NORM: return backward_norm(t, run, lesson, err);
    case PEA__LESSON_POOL:
        return lesson->passes_on ? pea__pool_gradient(run, b, channels, data_again(t, lesson->in),
                                                      gradient_of(t, lesson->out), begun(t, lesson),
                                                      gradient_of(t, lesson->in), err)
                                 : PEA_OK;
    case PEA__LESSON_UPSAMPLE:
        return lesson->passes_on ? pea__upsample_gradient(run, b, channels, gradient_of(t, lesson->out),
                                                          begun(t, lesson), gradient_of(t, lesson->in), err)
                                 : PEA_OK;
    }
    return PEA_OK;
}

/* Outputs of norms that are read from here on. Their statistics are still there. */
static pea_status remake(const pea__trainee *t, const pea__run *run, int i, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int b = 1; b <= t->n_buffers && status == PEA_OK; b++) {
        if (t->buffers[b].remake < 0 || t->buffers[b].remade_for != i)
            continue;
        const pea__lesson *lesson = &t->lessons[t->buffers[b].remake];
        pea__norm_layer norms[2];
        const int n_norms = norms_of(t, lesson, norms);
        status = pea__norm_forward(run, pea__trainee_batch(t, lesson->in), t->values[lesson->in].channels, norms,
                                   n_norms, lesson->activation, data_again(t, lesson->out), err);
    }
    return status;
}

pea_status pea__trainee_backward(pea__trainee *t, pea_error *err)
{
    pea_status status = PEA_OK;
    memset(t->gradients, 0, (size_t)t->n_parameters * sizeof *t->gradients);
    for (int i = t->n_lessons - 1; i >= 0 && status == PEA_OK; i--) {
        const pea__run run = run_at(t, 2 * t->n_lessons - i);
        status = remake(t, &run, i, err);
        if (status == PEA_OK && t->lessons[i].goes_back)
            status = backward(t, &run, &t->lessons[i], err);
    }
    return status;
}
