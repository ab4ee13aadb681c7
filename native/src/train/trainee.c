/* trainee.c - from a network's operations to what training does, with its parameters.
 *
 * A convolution with a batch norm becomes a convolution, a norm, and a halving where it has one. Of a pair of
 * convolutions the second is normalised where it is added:
 *
 *     conv pair ──▶ [first | second]      first ──▶ norm ──▶ next convolution ──▶ norm of both ──▶
 *                               └────────────────────────────────────────────────▲
 *
 * A doubling that adds is followed by the norm that the convolution before it was described with. What a concatenation
 * copies is made in its place instead.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <inttypes.h>
#include <string.h>

/* On the way from operations to lessons. */
typedef struct lowering {
    const pea_network *network;
    pea__trainee *t;
    int buffers[PEA__MAX_VALUES]; /* of the network's buffers ours; 0: not yet there */
    int values[PEA__MAX_VALUES];  /* of its values ours */
    const pea__conv_spec *waiting[PEA__MAX_VALUES]; /* of its values: the convolution whose norm is not yet done */
} lowering;

/* ---- values ---- */

static int new_buffer(pea__trainee *t, int64_t channels, int shrink)
{
    t->buffers[++t->n_buffers] = (pea__learnt_buffer){.channels = channels, .shrink = shrink};
    return t->n_buffers;
}

static int new_value(pea__trainee *t, int buffer, int64_t first, int64_t channels)
{
    t->values[++t->n_values] = (pea__learnt_value){.buffer = buffer, .first = first, .channels = channels};
    return t->n_values;
}

static int own_value(pea__trainee *t, int64_t channels, int shrink)
{
    return new_value(t, new_buffer(t, channels, shrink), 0, channels);
}

/* What the network calls `value`, in a buffer that is as wide as the network's. */
static int value_of(lowering *l, int value)
{
    const pea__value *v = &l->network->values[value];
    const pea__buffer *b = &l->network->buffers[v->buffer];
    if (!l->values[value]) {
        if (!l->buffers[v->buffer])
            l->buffers[v->buffer] = new_buffer(l->t, b->channels, b->shrink);
        l->values[value] = new_value(l->t, l->buffers[v->buffer], v->first, v->channels);
    }
    return l->values[value];
}

/* ---- parameters ---- */

static void name_tensor(pea__trainee *t, const char *block, const char *part, const char *field, bool is_parameter,
                        int64_t first, int64_t n)
{
    pea__learnt_tensor *tensor = &t->tensors[t->n_tensors++];
    snprintf(tensor->name, sizeof tensor->name, "%s.%s.%s", block, part, field);
    tensor->is_parameter = is_parameter;
    tensor->first = first;
    tensor->n = n;
}

/* Gains, then biases; means, then variances. */
static void add_norm_numbers(pea__trainee *t, pea__lesson *lesson, int which, const pea__conv_spec *spec,
                             int64_t channels)
{
    const char *block = spec->norm_block ? spec->norm_block : spec->block;
    lesson->parameters[which] = t->n_parameters;
    lesson->moments[which] = t->n_moments;
    name_tensor(t, block, spec->norm, "weight", true, t->n_parameters, channels);
    name_tensor(t, block, spec->norm, "bias", true, t->n_parameters + channels, channels);
    name_tensor(t, block, spec->norm, "running_mean", false, t->n_moments, channels);
    name_tensor(t, block, spec->norm, "running_var", false, t->n_moments + channels, channels);
    lesson->n_parameters += 2 * channels;
    t->n_parameters += 2 * channels;
    t->n_moments += 2 * channels;
}

/* Weights of one or two convolutions, then their biases. */
static void add_conv_numbers(pea__trainee *t, pea__lesson *lesson, const pea__op *op)
{
    const int64_t n_taps = op->shape.in_channels * op->shape.kz * op->shape.ky * op->shape.kx;
    const int64_t channels = op->shape.out_channels / op->n_made_of;
    lesson->parameters[0] = t->n_parameters;
    lesson->has_bias = op->made_of[0].has_bias;
    for (int i = 0; i < op->n_made_of; i++) {
        const pea__conv_spec *spec = &op->made_of[i];
        name_tensor(t, spec->block, spec->conv, "weight", true, t->n_parameters + i * channels * n_taps,
                    channels * n_taps);
        if (lesson->has_bias)
            name_tensor(t, spec->block, spec->conv, "bias", true,
                        t->n_parameters + op->shape.out_channels * n_taps + i * channels, channels);
    }
    lesson->n_parameters = op->shape.out_channels * (n_taps + (lesson->has_bias ? 1 : 0));
    t->n_parameters += lesson->n_parameters;
}

/* ---- operations ---- */

static void append(pea__trainee *t, pea__lesson lesson)
{
    t->lessons[t->n_lessons++] = lesson;
}

/* Of `in`, as `spec` says; and of a second value, as the convolution that made it says. */
static void append_norm(lowering *l, const pea__conv_spec *spec, pea__activation activation, int in, int second,
                        int out)
{
    pea__lesson norm = {.kind = PEA__LESSON_NORM, .in = in, .out = out, .activation = activation};
    add_norm_numbers(l->t, &norm, 0, spec, spec->channels);
    if (second) {
        norm.in_2 = l->values[second];
        add_norm_numbers(l->t, &norm, 1, l->waiting[second], spec->channels);
    }
    append(l->t, norm);
}

/* Both values of a pair of convolutions, which share its buffer: the first normalised, the second as it is. */
static void split_pair(lowering *l, const pea__op *op, int both, int first)
{
    const pea_network *n = l->network;
    const int64_t channels = op->shape.out_channels / 2;
    for (int v = 1; v <= n->n_values; v++) {
        if (n->values[v].buffer != n->values[op->out].buffer || v == op->out)
            continue;
        if (n->values[v].first == 0) {
            l->values[v] = first;
        } else {
            l->values[v] = new_value(l->t, l->t->values[both].buffer, channels, channels);
            l->waiting[v] = &op->made_of[1];
        }
    }
}

/* Whether the norm that a convolution is described with comes after the sum of a doubling. */
static bool is_doubled_and_added(const lowering *l, const pea__op *op)
{
    bool found = false;
    for (int i = 0; i < l->network->n_ops; i++) {
        const pea__op *other = &l->network->ops[i];
        found = found || (other->kind == PEA__UPSAMPLE && other->residual && other->in == op->out);
    }
    return found;
}

/* A convolution whose sums are the output, or whose norm comes later. */
static void lower_bare_conv(lowering *l, const pea__op *op, pea__lesson conv)
{
    conv.out = value_of(l, op->out);
    conv.activation = op->activation;
    append(l->t, conv);
    if (op->made_of[0].norm)
        l->waiting[op->out] = &op->made_of[0];
}

static void lower_normalised_conv(lowering *l, const pea__op *op, pea__lesson conv)
{
    pea__trainee *t = l->t;
    const pea__conv_spec *spec = &op->made_of[0];
    const int shrink = l->network->buffers[l->network->values[op->out].buffer].shrink;
    const int of_sums = op->shape.halved ? shrink / 2 : shrink;
    const int64_t channels = op->shape.out_channels / op->n_made_of;
    const bool is_pair = op->n_made_of == 2, add_first = spec->norm_covers_add;
    conv.out = own_value(t, op->shape.out_channels, of_sums);
    conv.add = spec->add && add_first ? l->values[spec->add] : 0;
    append(t, conv);
    const int sums = is_pair ? new_value(t, t->values[conv.out].buffer, 0, channels) : conv.out;
    const int normalised = is_pair || op->shape.halved ? own_value(t, channels, of_sums) : value_of(l, op->out);
    append_norm(l, spec, op->activation, sums, add_first ? 0 : spec->add, normalised);
    if (is_pair)
        split_pair(l, op, conv.out, normalised);
    else if (op->shape.halved)
        append(t, (pea__lesson){.kind = PEA__LESSON_POOL, .in = normalised, .out = value_of(l, op->out)});
}

static void lower_conv(lowering *l, const pea__op *op)
{
    pea__lesson conv = {.kind = PEA__LESSON_CONV, .in = l->values[op->in], .shape = op->shape};
    conv.shape.halved = false;
    add_conv_numbers(l->t, &conv, op);
    if (!op->made_of[0].norm || is_doubled_and_added(l, op))
        lower_bare_conv(l, op, conv);
    else
        lower_normalised_conv(l, op, conv);
}

static void lower_upsample(lowering *l, const pea__op *op)
{
    pea__trainee *t = l->t;
    pea__lesson lesson = {.kind = PEA__LESSON_UPSAMPLE, .in = l->values[op->in]};
    if (op->residual) {
        const pea__conv_spec *spec = l->waiting[op->in];
        const int shrink = l->network->buffers[l->network->values[op->out].buffer].shrink;
        lesson.add = l->values[op->residual];
        lesson.out = own_value(t, spec->channels, shrink);
        append(t, lesson);
        append_norm(l, spec, op->activation, lesson.out, 0, value_of(l, op->out));
    } else {
        lesson.out = value_of(l, op->out);
        append(t, lesson);
    }
}

/* All values of the copied one's buffer move to the concatenation. */
static void lower_copy(lowering *l, const pea__op *op)
{
    pea__trainee *t = l->t;
    const pea__learnt_value from = t->values[l->values[op->in]], to = t->values[value_of(l, op->out)];
    for (int v = 1; v <= t->n_values; v++)
        if (t->values[v].buffer == from.buffer) {
            t->values[v].buffer = to.buffer;
            t->values[v].first += to.first - from.first;
        }
    t->buffers[from.buffer].channels = 0;
}

/* A value of the whole concatenation is nobody's output: it is made when it is read. */
static void lower(lowering *l, const pea__op *op)
{
    pea__trainee *t = l->t;
    const bool doubles = op->kind == PEA__UPSAMPLE ||
                         (op->kind == PEA__CONV && (op->shape.doubled || is_doubled_and_added(l, op)));
    if (doubles && t->n_encoding == 0)
        t->n_encoding = t->n_lessons;
    value_of(l, op->in);
    switch (op->kind) {
    case PEA__CONV: lower_conv(l, op); break;
    case PEA__UPSAMPLE: lower_upsample(l, op); break;
    case PEA__COPY: lower_copy(l, op); break;
    case PEA__POOL:
        append(t, (pea__lesson){.kind = PEA__LESSON_POOL, .in = l->values[op->in], .out = value_of(l, op->out)});
        break;
    }
}

static void lower_all(const pea_network *network, pea__trainee *t)
{
    lowering l = {.network = network, .t = t};
    for (int i = 0; i < network->n_ops; i++)
        lower(&l, &network->ops[i]);
    t->n_axes = network->info.n_axes;
    t->n_heads = network->info.n_heads;
    memcpy(t->heads, network->heads, sizeof t->heads);
    for (int v = 1; v <= network->n_values; v++) {
        const int head = network->buffers[network->values[v].buffer].head;
        if (head >= 0)
            t->head_values[head] = l.values[v];
    }
}

/* ---- making one ---- */

pea__batch pea__trainee_batch(const pea__trainee *t, int value)
{
    const int shrink = t->buffers[t->values[value].buffer].shrink;
    return (pea__batch){t->batch.n, t->batch.z, t->batch.y / shrink, t->batch.x / shrink};
}

int pea__trainee_head_at(const pea__trainee *t, const char *beginning, int shrink)
{
    for (size_t i = 0; i < t->n_heads; i++)
        if (t->heads[i].shrink == shrink && strncmp(t->heads[i].name, beginning, strlen(beginning)) == 0)
            return (int)i;
    return -1;
}

static pea_status check_batch(const pea_network *network, pea__batch b, pea_error *err)
{
    const int64_t grid = network->info.grid;
    if (pea__batch_voxels(b) == 0 || b.y % grid != 0 || b.x % grid != 0)
        return pea__fail(err, PEA_E_SHAPE, "a batch of %" PRId64 " images of %" PRId64 " x %" PRId64 " x %" PRId64
                         ": sides y and x must be multiples of %" PRId64, b.n, b.z, b.y, b.x, grid);
    if (network->info.n_axes == 2 && b.z != 1)
        return pea__fail(err, PEA_E_SHAPE, "a 2-D network learns of planes, the batch has %" PRId64 " in an image",
                         b.z);
    return PEA_OK;
}

pea_status pea__trainee_new(const pea_weights *weights, pea__batch batch, const pea__kernels_table *kernels,
                            pea_context *context, pea__trainee **trainee, pea_error *err)
{
    pea_network *network = NULL;
    *trainee = NULL;
    pea_status status = pea__network_create_for(weights, kernels, &network, err);
    if (status != PEA_OK)
        return status;
    status = check_batch(network, batch, err);
    pea__trainee *t = status == PEA_OK ? pea__alloc(1, sizeof *t, err) : NULL;
    if (t) {
        t->run = (pea__run){.kernels = kernels, .context = context, .to = 1.0};
        t->batch = batch;
        t->n_values = t->n_buffers = 0;
        lower_all(network, t);
        *trainee = t;
    }
    pea_network_free(network);
    return status != PEA_OK || t ? status : PEA_E_NOMEM;
}

/* The network was made of the same weights: every tensor is there, in this size. */
static void load(pea__trainee *t, const pea_weights *weights)
{
    for (int i = 0; i < t->n_tensors; i++) {
        const pea__learnt_tensor *to = &t->tensors[i];
        pea_tensor from;
        if (pea_weights_find(weights, to->name, &from))
            memcpy((to->is_parameter ? t->parameters : t->running) + to->first, from.data,
                   (size_t)to->n * sizeof(float));
    }
}

/* n floats, not set. */
static float *floats_of(int64_t n, pea_error *err)
{
    return pea__alloc_unset((size_t)n, sizeof(float), err);
}

enum { TOUCHED_FLOATS = 1 << 20 };

static void touch_part(void *argument, int64_t index, int worker)
{
    const pea__trainee *t = argument;
    const int64_t first = index * TOUCHED_FLOATS, n = pea__min_i64(TOUCHED_FLOATS, t->arena_floats - first);
    (void)worker;
    memset(t->arena + first, 0, (size_t)n * sizeof *t->arena);
}

/* The system hands memory out where it is first touched. Here that happens in small parts: later a single task might meet
 * much of it, and could not be cancelled meanwhile. */
static pea_status touch(pea__trainee *t, pea_error *err)
{
    return pea__run_tasks(&t->run, pea__ceil_div(t->arena_floats, TOUCHED_FLOATS), 0.0, 0.0, touch_part, t, err);
}

pea_status pea__trainee_ready(pea__trainee *t, const pea_weights *weights, pea_error *err)
{
    if (!(t->parameters = floats_of(t->n_parameters, err)) || !(t->gradients = floats_of(t->n_parameters, err)) ||
        !(t->moments = floats_of(t->n_moments, err)) || !(t->running = floats_of(t->n_moments, err)) ||
        !(t->arena = floats_of(t->arena_floats, err)))
        return PEA_E_NOMEM;
    load(t, weights);
    return touch(t, err);
}

void pea__trainee_free(pea__trainee *t)
{
    if (!t)
        return;
    pea__free_unset(t->arena);
    pea__free_unset(t->parameters);
    pea__free_unset(t->gradients);
    pea__free_unset(t->moments);
    pea__free_unset(t->running);
    pea__free(t);
}

/* ---- and back to tensors ---- */

static const pea__learnt_tensor *find_tensor(const pea__trainee *t, const char *name)
{
    for (int i = 0; i < t->n_tensors; i++)
        if (strcmp(t->tensors[i].name, name) == 0)
            return &t->tensors[i];
    return NULL;
}

/* What replaces a tensor's elements; what is not learnt stays. */
static const void *learnt(const pea__trainee *t, const float *parameters, const float *running, pea_tensor old)
{
    const pea__learnt_tensor *tensor = find_tensor(t, old.name);
    return !tensor ? old.data : (tensor->is_parameter ? parameters : running) + tensor->first;
}

pea_status pea__trainee_weights(const pea__trainee *t, const float *parameters, const float *running,
                                const pea_weights *like, pea_weights **weights, pea_error *err)
{
    pea_status status = pea__weights_new(weights, err);
    for (size_t i = 0; status == PEA_OK && i < pea_weights_count(like); i++) {
        const pea_tensor old = pea_weights_tensor(like, i);
        void *stored = NULL;
        int64_t n = 0;
        status = pea__weights_add(*weights, old.name, old.dtype, old.n_axes, old.shape, NULL, &stored, err);
        if (status == PEA_OK && pea__shape_count(old.shape, old.n_axes, &n) && n > 0)
            memcpy(stored, learnt(t, parameters, running, old), (size_t)n * pea_dtype_size_bytes(old.dtype));
    }
    if (status != PEA_OK) {
        pea_weights_free(*weights);
        *weights = NULL;
    }
    return status;
}
