/* chain.h - the two networks in training, operation after operation: for tests and benchmarks of native/src/gradient.
 *
 * A description appends operations on values; chain_forward() runs them, chain_backward() runs them in opposite order from
 * the gradients of heads to those of parameters. All parameters lie in one array in the order of the description (of a
 * convolution weights, then bias; of a norm gains, then biases), their gradients in another.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_CHAIN_H
#define PEA_TEST_CHAIN_H

#include <stdlib.h>
#include <string.h>

#include "gradient/gradient.h"

enum { CHAIN_OPS = 128, CHAIN_VALUES = 160, CHAIN_HEADS = 8, CHAIN_BLOCKS = 64 };

typedef enum chain_kind { CHAIN_CONV, CHAIN_NORM, CHAIN_POOL, CHAIN_UPSAMPLE } chain_kind;

typedef struct chain_op {
    chain_kind kind;
    int in, in_2, add, out; /* in_2: what a norm adds, normalised too; add: what is added as it is */
    pea__conv_shape shape;
    bool has_bias;
    pea__activation activation;
    int64_t parameters[2], moments[2]; /* where they begin: of a norm those of both inputs */
} chain_op;

/* A slice of the channels of a buffer. */
typedef struct chain_value {
    int buffer;
    int64_t first, channels;
    bool has_gradient;
    int pending; /* the value whose gradient is a part of this one's, not yet added; 0: none */
} chain_value;

typedef struct chain_buffer {
    pea__batch batch;
    int64_t channels;
    float *data, *gradient;
} chain_buffer;

/* Memory that gradients lend and give back. */
typedef struct chain_block {
    float *data;
    int64_t floats;
    bool taken;
} chain_block;

typedef struct chain {
    pea__run run;
    chain_op ops[CHAIN_OPS];
    chain_value values[CHAIN_VALUES];
    chain_buffer buffers[CHAIN_VALUES];
    int n_ops, n_values, n_buffers, n_heads, heads[CHAIN_HEADS]; /* values and buffers count from 1; value 1 is the input */
    int64_t n_parameters, n_moments;
    float *parameters, *gradients, *moments; /* moments: mean, variance */
    chain_block blocks[CHAIN_BLOCKS];
} chain;

/* ---- describing ---- */

static inline int chain_value_new(chain *c, pea__batch batch, int64_t channels)
{
    c->buffers[++c->n_buffers] = (chain_buffer){.batch = batch, .channels = channels};
    c->values[++c->n_values] = (chain_value){.buffer = c->n_buffers, .channels = channels};
    return c->n_values;
}

static inline pea__batch chain_batch(const chain *c, int value)
{
    return c->buffers[c->values[value].buffer].batch;
}

static inline pea__batch chain_scaled(pea__batch b, int times, int over)
{
    return (pea__batch){b.n, b.z, b.y * times / over, b.x * times / over};
}

static inline int chain_append(chain *c, chain_op op, pea__batch batch, int64_t channels)
{
    op.out = chain_value_new(c, batch, channels);
    c->ops[c->n_ops++] = op;
    return op.out;
}

static inline int chain_conv(chain *c, int in, int64_t channels, int kz, int k, bool has_bias, bool doubled, int add,
                             pea__activation activation)
{
    const chain_op op = {.kind = CHAIN_CONV, .in = in, .add = add, .has_bias = has_bias, .activation = activation,
                         .shape = {.in_channels = c->values[in].channels, .out_channels = channels, .kz = kz, .ky = k,
                                   .kx = k, .doubled = doubled},
                         .parameters = {c->n_parameters}};
    c->n_parameters += channels * (c->values[in].channels * kz * k * k + (has_bias ? 1 : 0));
    return chain_append(c, op, chain_scaled(chain_batch(c, in), doubled ? 2 : 1, 1), channels);
}

/* Gains and biases, and statistics, of `channels`; both begin where this says. */
static inline void chain_norm_numbers(chain *c, int64_t channels, int64_t *parameters, int64_t *moments)
{
    *parameters = c->n_parameters;
    *moments = c->n_moments;
    c->n_parameters += 2 * channels;
    c->n_moments += 2 * channels;
}

static inline int chain_norm(chain *c, int in, int in_2, pea__activation activation)
{
    chain_op op = {.kind = CHAIN_NORM, .in = in, .in_2 = in_2, .activation = activation};
    for (int k = 0; k < (in_2 ? 2 : 1); k++)
        chain_norm_numbers(c, c->values[in].channels, &op.parameters[k], &op.moments[k]);
    return chain_append(c, op, chain_batch(c, in), c->values[in].channels);
}

static inline int chain_pool(chain *c, int in)
{
    return chain_append(c, (chain_op){.kind = CHAIN_POOL, .in = in}, chain_scaled(chain_batch(c, in), 1, 2),
                        c->values[in].channels);
}

static inline int chain_upsample(chain *c, int in, int add)
{
    return chain_append(c, (chain_op){.kind = CHAIN_UPSAMPLE, .in = in, .add = add}, chain_scaled(chain_batch(c, in), 2, 1),
                        c->values[in].channels);
}

/* Some channels of a value. */
static inline int chain_part(chain *c, int of, int64_t first, int64_t channels)
{
    const chain_value *v = &c->values[of];
    c->values[++c->n_values] = (chain_value){.buffer = v->buffer, .first = v->first + first, .channels = channels};
    return c->n_values;
}

static inline int chain_concat(chain *c, int a, int b)
{
    chain_value *one = &c->values[a], *two = &c->values[b];
    const int joined = chain_value_new(c, chain_batch(c, a), one->channels + two->channels);
    const int buffer = c->values[joined].buffer;
    c->buffers[one->buffer].channels = c->buffers[two->buffer].channels = 0;
    *one = (chain_value){.buffer = buffer, .channels = one->channels};
    *two = (chain_value){.buffer = buffer, .first = one->channels, .channels = two->channels};
    return joined;
}

static inline void chain_head(chain *c, int value)
{
    c->heads[c->n_heads++] = value;
}

/* ---- the two networks ---- */

typedef enum chain_resizing { CHAIN_AS_IT_IS, CHAIN_DOUBLED, CHAIN_HALVED } chain_resizing;

/* Both convolutions of x are one; so would be their norms, but that each is activated otherwise. */
static inline int chain_block_2d(chain *c, int x, int64_t channels, chain_resizing how)
{
    const int both = chain_conv(c, x, 2 * channels, 1, 3, true, how == CHAIN_DOUBLED, 0, PEA__LINEAR);
    const int hidden = chain_norm(c, chain_part(c, both, 0, channels), 0, PEA__RELU);
    const int sum = chain_conv(c, hidden, channels, 1, 3, true, false, 0, PEA__LINEAR);
    const int out = chain_norm(c, sum, chain_part(c, both, channels, channels), PEA__RELU);
    return how == CHAIN_HALVED ? chain_pool(c, out) : out;
}

static inline int chain_pointwise(chain *c, int x, int64_t channels)
{
    return chain_conv(c, x, channels, 1, 1, true, false, 0, PEA__LINEAR);
}

static inline void chain_plane(chain *c, pea__batch batch, const int64_t f[5], int64_t dim)
{
    const int x1 = chain_block_2d(c, chain_value_new(c, batch, 3), f[0], CHAIN_AS_IT_IS);
    const int x2 = chain_block_2d(c, x1, f[1], CHAIN_HALVED), x3 = chain_block_2d(c, x2, f[2], CHAIN_HALVED);
    const int x4 = chain_block_2d(c, x3, f[3], CHAIN_HALVED), x5 = chain_block_2d(c, x4, f[4], CHAIN_HALVED);
    chain_head(c, chain_pointwise(c, x5, dim));
    const int u1 = chain_block_2d(c, x5, f[4], CHAIN_DOUBLED);
    chain_head(c, chain_pointwise(c, u1, dim));
    const int u2 = chain_block_2d(c, chain_concat(c, u1, x4), f[3], CHAIN_DOUBLED);
    chain_head(c, chain_pointwise(c, u2, dim));
    const int u3 = chain_block_2d(c, chain_concat(c, u2, x3), f[2], CHAIN_DOUBLED);
    chain_head(c, chain_pointwise(c, u3, dim));
    const int u4 = chain_block_2d(c, chain_concat(c, u3, x2), f[1], CHAIN_DOUBLED);
    chain_head(c, chain_pointwise(c, u4, dim));
    chain_head(c, chain_pointwise(c, chain_norm(c, chain_pointwise(c, u4, f[1]), 0, PEA__RELU), 2));
}

static inline int chain_block_3d(chain *c, int x, int64_t channels)
{
    const int r = chain_norm(c, chain_conv(c, x, channels, 1, 3, false, false, 0, PEA__LINEAR), 0, PEA__ELU);
    const int hidden = chain_norm(c, chain_conv(c, r, channels, 3, 3, false, false, 0, PEA__LINEAR), 0, PEA__ELU);
    return chain_norm(c, chain_conv(c, hidden, channels, 3, 3, false, false, r, PEA__LINEAR), 0, PEA__ELU);
}

/* The 1x1x1 convolution goes before the doubling: the sum of its weights is 1, and so the bias is the same. */
static inline int chain_merge(chain *c, int x, int skip)
{
    const int narrow = chain_pointwise(c, x, c->values[skip].channels);
    return chain_norm(c, chain_upsample(c, narrow, skip), 0, PEA__ELU);
}

static inline void chain_stack(chain *c, pea__batch batch, const int64_t f[5], int64_t dim)
{
    const int embedded = chain_conv(c, chain_value_new(c, batch, 1), f[0], 1, 5, true, false, 0, PEA__ELU);
    int skip[4], x = embedded;
    for (int k = 0; k < 4; k++) {
        skip[k] = chain_block_3d(c, x, f[k]);
        x = chain_pool(c, skip[k]);
    }
    x = chain_block_3d(c, x, f[4]);
    for (int k = 3; k >= 0; k--) {
        chain_head(c, chain_pointwise(c, x, dim));
        x = chain_block_3d(c, chain_merge(c, x, skip[k]), f[k]);
    }
    chain_head(c, chain_pointwise(c, chain_conv(c, x, f[0], 1, 5, true, false, 0, PEA__ELU), dim));
}

/* ---- memory ---- */

static inline int64_t chain_floats(const chain *c, int buffer)
{
    return pea__batch_voxels(c->buffers[buffer].batch) * c->buffers[buffer].channels;
}

static inline int64_t chain_work(const chain *c)
{
    const int n = pea__workers(c->run.context);
    const pea__kernels_table *k = c->run.kernels;
    int64_t most = 0;
    for (int i = 0; i < c->n_ops; i++) {
        const chain_op *op = &c->ops[i];
        const pea__batch b = chain_batch(c, op->out);
        const int64_t channels = c->values[op->out].channels;
        const pea__layer layer = {op->shape, b};
        most = pea__max_i64(most, pea__norm_work(b, channels));
        if (op->kind == CHAIN_UPSAMPLE)
            most = pea__max_i64(most, pea__upsample_forward_work(k, channels));
        if (op->kind != CHAIN_CONV)
            continue;
        most = pea__max_i64(most, pea__conv_forward_work(&layer, k, n));
        most = pea__max_i64(most, pea__conv_input_gradient_work(&layer, k, n));
        most = pea__max_i64(most, pea__conv_weight_gradient_work(&layer, k, n));
    }
    return most;
}

/* False where there is no memory. Gradients are made as they are needed. */
static inline bool chain_ready(chain *c)
{
    bool good = true;
    for (int i = 1; i <= c->n_buffers; i++)
        if (c->buffers[i].channels > 0)
            good = (c->buffers[i].data = pea__alloc_unset((size_t)chain_floats(c, i), sizeof(float), NULL)) && good;
    good = (c->parameters = pea__alloc((size_t)c->n_parameters, sizeof(float), NULL)) && good;
    good = (c->gradients = pea__alloc((size_t)c->n_parameters, sizeof(float), NULL)) && good;
    good = (c->moments = pea__alloc((size_t)c->n_moments, sizeof(float), NULL)) && good;
    good = (c->run.work = pea__alloc_unset((size_t)chain_work(c), sizeof(float), NULL)) && good;
    return good;
}

static inline void chain_free(chain *c)
{
    for (int i = 1; i <= c->n_buffers; i++)
        pea__free_unset(c->buffers[i].data);
    for (int i = 0; i < CHAIN_BLOCKS; i++)
        pea__free_unset(c->blocks[i].data);
    pea__free(c->parameters);
    pea__free(c->gradients);
    pea__free(c->moments);
    pea__free_unset(c->run.work);
}

/* The smallest free block that is large enough, or a new one. */
static inline float *chain_lend(chain *c, int64_t floats)
{
    chain_block *best = NULL, *empty = NULL;
    for (int i = 0; i < CHAIN_BLOCKS; i++) {
        chain_block *b = &c->blocks[i];
        if (b->data && !b->taken && b->floats >= floats && (!best || b->floats < best->floats))
            best = b;
        if (!b->data && !empty)
            empty = b;
    }
    if (!best) {
        best = empty;
        best->data = pea__alloc_unset((size_t)floats, sizeof(float), NULL);
        best->floats = floats;
    }
    best->taken = true;
    return best->data;
}

static inline void chain_give_back(chain *c, float *data)
{
    for (int i = 0; i < CHAIN_BLOCKS; i++)
        if (c->blocks[i].data == data)
            c->blocks[i].taken = false;
}

/* ---- running ---- */

static inline pea__slice chain_data(const chain *c, int value)
{
    const chain_value *v = &c->values[value];
    const chain_buffer *b = &c->buffers[v->buffer];
    return value ? (pea__slice){b->data + v->first, b->channels} : (pea__slice){NULL, 0};
}

static inline pea__slice chain_gradient(chain *c, int value)
{
    const chain_value *v = &c->values[value];
    chain_buffer *b = &c->buffers[v->buffer];
    if (!b->gradient)
        b->gradient = chain_lend(c, chain_floats(c, v->buffer));
    return (pea__slice){b->gradient + v->first, b->channels};
}

static inline int chain_norms(const chain *c, const chain_op *op, pea__norm_layer norms[2])
{
    const int64_t channels = c->values[op->in].channels;
    for (int k = 0; k < (op->in_2 ? 2 : 1); k++)
        norms[k] = (pea__norm_layer){chain_data(c, k ? op->in_2 : op->in), c->parameters + op->parameters[k],
                                     c->parameters + op->parameters[k] + channels, c->moments + op->moments[k],
                                     c->moments + op->moments[k] + channels};
    return op->in_2 ? 2 : 1;
}

static inline pea_status chain_forward_op(const chain *c, const chain_op *op, pea_error *err)
{
    const pea__slice in = chain_data(c, op->in), out = chain_data(c, op->out), add = chain_data(c, op->add);
    const pea__batch from = chain_batch(c, op->in), to = chain_batch(c, op->out);
    const int64_t channels = c->values[op->in].channels;
    pea__norm_layer norms[2];
    switch (op->kind) {
    case CHAIN_CONV: {
        const pea__layer layer = {op->shape, to};
        const float *weights = c->parameters + op->parameters[0];
        const int64_t n = channels * op->shape.out_channels * op->shape.kz * op->shape.ky * op->shape.kx;
        return pea__conv_forward(&c->run, &layer, weights, op->has_bias ? weights + n : NULL, in, add, op->activation, out, err);
    }
    case CHAIN_NORM: {
        const int n_norms = chain_norms(c, op, norms);
        pea_status status = PEA_OK;
        for (int k = 0; k < n_norms && status == PEA_OK; k++)
            status = pea__norm_statistics(&c->run, from, channels, &norms[k], err);
        if (status != PEA_OK)
            return status;
        return pea__norm_forward(&c->run, from, channels, norms, n_norms, op->activation, out, err);
    }
    case CHAIN_POOL: return pea__pool_forward(&c->run, from, channels, in, out, err);
    case CHAIN_UPSAMPLE: return pea__upsample_forward(&c->run, from, channels, in, add, out, err);
    }
    return PEA_OK;
}

static inline pea_status chain_forward(const chain *c, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int i = 0; i < c->n_ops && status == PEA_OK; i++)
        status = chain_forward_op(c, &c->ops[i], err);
    return status;
}

/* What is to be added to a gradient of `value` that is being made. */
static inline pea__slice chain_addend(chain *c, int value)
{
    const chain_value *v = &c->values[value];
    return v->pending ? chain_gradient(c, v->pending) : v->has_gradient ? chain_gradient(c, value) : (pea__slice){NULL, 0};
}

/* The gradient of a value is there now, and so is that of those whose channels it has. */
static inline void chain_made(chain *c, int value)
{
    const chain_value *v = &c->values[value];
    for (int i = 1; i <= c->n_values; i++)
        if (c->values[i].buffer == v->buffer && c->values[i].first >= v->first &&
            c->values[i].first + c->values[i].channels <= v->first + v->channels)
            c->values[i].has_gradient = true;
    c->values[value].pending = 0;
}

static inline pea_status chain_backward_conv(chain *c, const chain_op *op, pea_error *err)
{
    const pea__layer layer = {op->shape, chain_batch(c, op->out)};
    const pea__slice g = chain_gradient(c, op->out);
    const pea__conv_shape *s = &op->shape;
    float *to = c->gradients + op->parameters[0];
    pea_status status = PEA_OK;
    if (op->activation != PEA__LINEAR)
        status = pea__activation_gradient(&c->run, layer.batch, s->out_channels, op->activation, chain_data(c, op->out), g, g, err);
    if (status == PEA_OK)
        status = pea__conv_weight_gradient(&c->run, &layer, chain_data(c, op->in), g, to, err);
    if (status == PEA_OK && op->has_bias)
        status = pea__bias_gradient(&c->run, layer.batch, s->out_channels, g,
                                    to + s->in_channels * s->out_channels * s->kz * s->ky * s->kx, err);
    if (status == PEA_OK && op->in != 1) {
        status = pea__conv_input_gradient(&c->run, &layer, c->parameters + op->parameters[0], g, chain_addend(c, op->in),
                                          chain_gradient(c, op->in), err);
        chain_made(c, op->in);
    }
    if (op->add)
        c->values[op->add].pending = op->out;
    return status;
}

static inline pea_status chain_backward_norm(chain *c, const chain_op *op, pea_error *err)
{
    const int64_t channels = c->values[op->in].channels;
    pea__norm_layer norms[2];
    pea__norm_to to[2];
    const int n_norms = chain_norms(c, op, norms);
    for (int k = 0; k < n_norms; k++) {
        const int in = k ? op->in_2 : op->in;
        to[k] = (pea__norm_to){chain_gradient(c, in), c->gradients + op->parameters[k],
                               c->gradients + op->parameters[k] + channels};
        chain_made(c, in);
    }
    return pea__norm_gradient(&c->run, chain_batch(c, op->in), channels, norms, n_norms, op->activation,
                              chain_data(c, op->out), chain_gradient(c, op->out), to, err);
}

static inline pea_status chain_backward_resize(chain *c, const chain_op *op, pea_error *err)
{
    const pea__slice g = chain_gradient(c, op->out), add = chain_addend(c, op->in), to = chain_gradient(c, op->in);
    const pea__batch b = chain_batch(c, op->in);
    const int64_t channels = c->values[op->in].channels;
    chain_made(c, op->in);
    if (op->add)
        c->values[op->add].pending = op->out;
    return op->kind == CHAIN_POOL
               ? pea__pool_gradient(&c->run, b, channels, chain_data(c, op->in), g, add, to, err)
               : pea__upsample_gradient(&c->run, b, channels, g, add, to, err);
}

/* Gives back the gradients that nothing waits for once operation i is done: each is needed until its value was made. */
static inline void chain_forget(chain *c, int i)
{
    for (int b = 1; b <= c->n_buffers; b++) {
        bool needed = !c->buffers[b].gradient;
        for (int k = 0; k < i; k++)
            needed = needed || c->values[c->ops[k].out].buffer == b;
        for (int v = 1; v <= c->n_values; v++)
            needed = needed || (c->values[v].pending && c->values[c->values[v].pending].buffer == b);
        if (needed)
            continue;
        chain_give_back(c, c->buffers[b].gradient);
        c->buffers[b].gradient = NULL;
    }
}

/* head_gradients: one behind the other, each densely packed. */
static inline pea_status chain_backward(chain *c, const float *head_gradients, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int v = 1; v <= c->n_values; v++) {
        c->values[v].has_gradient = false;
        c->values[v].pending = 0;
    }
    for (int k = 0; k < c->n_heads; k++) {
        const int64_t floats = chain_floats(c, c->values[c->heads[k]].buffer);
        memcpy(chain_gradient(c, c->heads[k]).data, head_gradients, (size_t)floats * sizeof(float));
        chain_made(c, c->heads[k]);
        head_gradients += floats;
    }
    for (int i = c->n_ops - 1; i >= 0 && status == PEA_OK; i--) {
        const chain_op *op = &c->ops[i];
        status = op->kind == CHAIN_CONV   ? chain_backward_conv(c, op, err)
                 : op->kind == CHAIN_NORM ? chain_backward_norm(c, op, err)
                                          : chain_backward_resize(c, op, err);
        chain_forget(c, i);
    }
    return status;
}

#endif
