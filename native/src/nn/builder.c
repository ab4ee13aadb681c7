/* builder.c - from tensors under names to operations: checks every tensor, folds batch norms into convolutions (in
 * double precision) and packs the result for the kernels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- tensors ---- */

enum { NAME_BYTES = 96 };

bool pea__build_has(const pea__builder *b, const char *tensor)
{
    return pea_weights_find(b->weights, tensor, NULL);
}

int64_t pea__build_extent(pea__builder *b, const char *tensor, int axis)
{
    pea_tensor found;
    if (b->status != PEA_OK)
        return 0;
    if (!pea_weights_find(b->weights, tensor, &found)) {
        b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s is missing", tensor);
        return 0;
    }
    bool good = axis < found.n_axes;
    for (int i = 0; i < found.n_axes; i++) /* an extent beside a 0 costs a file nothing and would cost us memory */
        good = good && found.shape[i] > 0;
    if (!good)
        b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s has %d axes and is empty or too flat", tensor,
                              found.n_axes);
    return good ? found.shape[axis] : 0;
}

static const char *show_shape(int n_axes, const int64_t *shape, char text[128])
{
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < n_axes && at < 100; i++)
        at += (size_t)snprintf(text + at, 128 - at, i ? ",%" PRId64 : "%" PRId64, shape[i]);
    return text;
}

static bool same_shape(pea_tensor tensor, int n_axes, const int64_t *shape)
{
    return tensor.n_axes == n_axes && memcmp(tensor.shape, shape, (size_t)n_axes * sizeof *shape) == 0;
}

/* The elements of a float tensor that must be there in this shape; NULL after an error. */
static const float *take(pea__builder *b, const char *block, const char *part, const char *field, int n_axes,
                         const int64_t *shape, bool is_parameter)
{
    char name[NAME_BYTES], has[128], wants[128];
    size_t index;
    if (b->status != PEA_OK)
        return NULL;
    snprintf(name, sizeof name, "%s.%s.%s", block, part, field);
    if (!pea__weights_index(b->weights, name, &index)) {
        b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s is missing", name);
        return NULL;
    }
    const pea_tensor tensor = pea_weights_tensor(b->weights, index);
    int64_t n = 0, which;
    if (tensor.dtype != PEA_FLOAT32)
        b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s must be float32, is %s", name,
                              pea_dtype_name(tensor.dtype));
    else if (!same_shape(tensor, n_axes, shape) || !pea__shape_count(shape, n_axes, &n))
        b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s has shape [%s], must have [%s]", name,
                              show_shape(tensor.n_axes, tensor.shape, has), show_shape(n_axes, shape, wants));
    else if (!pea__all_finite(tensor.data, n, &which))
        b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s holds a number that is not finite", name);
    if (b->status != PEA_OK)
        return NULL;
    if (is_parameter && !b->used[index])
        b->network->info.n_parameters += n;
    b->used[index] = 1;
    return tensor.data;
}

/* ---- batch norm ---- */

/* y = scale[c] * x + shift[c]; without a norm 1 and 0. */
static void fold_norm(pea__builder *b, const char *block, const char *norm, int64_t channels, double *scale,
                      double *shift)
{
    for (int64_t c = 0; c < channels; c++) {
        scale[c] = 1.0;
        shift[c] = 0.0;
    }
    if (!norm)
        return;
    const float *gain = take(b, block, norm, "weight", 1, &channels, true);
    const float *bias = take(b, block, norm, "bias", 1, &channels, true);
    const float *mean = take(b, block, norm, "running_mean", 1, &channels, false);
    const float *variance = take(b, block, norm, "running_var", 1, &channels, false);
    for (int64_t c = 0; b->status == PEA_OK && c < channels; c++) {
        if (variance[c] < 0.0f) {
            b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s.%s.running_var holds a negative variance", block,
                                  norm);
            return;
        }
        scale[c] = (double)gain[c] / sqrt((double)variance[c] + 1e-5);
        shift[c] = (double)bias[c] - (double)mean[c] * scale[c];
    }
}

/* ---- values and operations ---- */

int64_t pea__build_channels(const pea__builder *b, int value)
{
    return b->network->values[value].channels;
}

static int new_buffer(pea__builder *b, int64_t channels, int shrink)
{
    pea_network *n = b->network;
    n->buffers[++n->n_buffers] = (pea__buffer){.channels = channels, .shrink = shrink, .head = -1};
    return n->n_buffers;
}

static int new_value(pea__builder *b, int buffer)
{
    pea_network *n = b->network;
    n->values[++n->n_values] = (pea__value){.buffer = buffer, .channels = n->buffers[buffer].channels};
    return n->n_values;
}

/* Room for one more operation, its resizing, their values and buffers, and a concatenation; a description that is too
 * long is found by the first test that runs it. */
static bool ready(pea__builder *b)
{
    const pea_network *n = b->network;
    if (b->status == PEA_OK && (n->n_ops + 2 >= PEA__MAX_OPS || n->n_values + 4 >= PEA__MAX_VALUES))
        b->status = pea__fail(b->err, PEA_E_LIMIT, "a network of more than %d operations", PEA__MAX_OPS);
    return b->status == PEA_OK;
}

/* What it points to is owned by the network from now on. Returns the value it makes. */
static int append(pea__builder *b, pea__op op, int64_t channels, int shrink)
{
    op.out = new_value(b, new_buffer(b, channels, shrink));
    b->network->ops[b->network->n_ops++] = op;
    return op.out;
}

static int shrink_of(const pea__builder *b, int value)
{
    return b->network->buffers[b->network->values[value].buffer].shrink;
}

/* Channel numbers for the epilogue, with room to read full vectors; NULL after an error. */
static float *channel_floats(pea__builder *b, int64_t channels)
{
    const int64_t n = pea__conv_padded(channels, b->network->kernels->lanes);
    float *made = pea__alloc_unset((size_t)n, sizeof *made, b->err);
    if (made)
        memset(made, 0, (size_t)n * sizeof *made);
    else
        b->status = PEA_E_NOMEM;
    return made;
}

static const float *take_weights(pea__builder *b, const pea__conv_spec *spec)
{
    const int64_t in = pea__build_channels(b, spec->in);
    const int64_t shape_2d[4] = {spec->channels, in, spec->ky, spec->kx};
    const int64_t shape_3d[5] = {spec->channels, in, spec->kz, spec->ky, spec->kx};
    return b->network->info.n_axes == 2 ? take(b, spec->block, spec->conv, "weight", 4, shape_2d, true)
                                        : take(b, spec->block, spec->conv, "weight", 5, shape_3d, true);
}

/* A convolution, or two side by side, on the way from tensors to an operation. */
typedef struct folding {
    float *weights;        /* [out][in][kz][ky][kx] */
    double *scale, *shift; /* of each output channel */
} folding;

/* Fills the output channels from `first` on. */
static void fold_conv(pea__builder *b, const pea__conv_spec *spec, int64_t first, const pea__op *op, folding *f)
{
    const int64_t n_taps = op->shape.in_channels * spec->kz * spec->ky * spec->kx;
    const float *weights = take_weights(b, spec);
    const float *bias =
        spec->has_bias ? take(b, spec->block, spec->conv, "bias", 1, &spec->channels, true) : NULL;
    double *scale = f->scale + first, *shift = f->shift + first;
    fold_norm(b, spec->norm_block ? spec->norm_block : spec->block, spec->norm, spec->channels, scale, shift);
    if (b->status != PEA_OK)
        return;
    memcpy(f->weights + first * n_taps, weights, (size_t)(spec->channels * n_taps) * sizeof *weights);
    for (int64_t c = 0; c < spec->channels; c++)
        op->bias[first + c] = (float)(shift[c] + (bias ? (double)bias[c] * scale[c] : 0.0));
    for (int64_t c = 0; spec->add && c < spec->channels; c++)
        op->residual_scale[first + c] = spec->norm_covers_add ? (float)scale[c] : 1.0f;
}

/* Everything that depends on tensors; `second` NULL: there is one convolution. */
static void fold(pea__builder *b, const pea__conv_spec *spec, const pea__conv_spec *second, pea__op *op, folding *f)
{
    const int64_t n = op->shape.out_channels, n_packed = pea__conv_packed(&op->shape, b->network->kernels->lanes);
    int64_t n_weights = 0;
    if (n_packed < 0 || pea__winograd_weights(&op->shape, b->network->kernels->lanes) < 0 ||
        !pea__mul_i64(n * op->shape.in_channels, spec->kz * spec->ky * spec->kx, &n_weights)) {
        b->status = pea__fail(b->err, PEA_E_LIMIT, "tensor %s.%s.weight is too large", spec->block, spec->conv);
        return;
    }
    if (!(f->weights = pea__alloc_unset((size_t)n_weights, sizeof(float), b->err)) ||
        !(f->scale = pea__alloc((size_t)n, sizeof(double), b->err)) ||
        !(f->shift = pea__alloc((size_t)n, sizeof(double), b->err)) || !(op->bias = channel_floats(b, n)) ||
        (spec->add && !(op->residual_scale = channel_floats(b, n))) ||
        !(op->weights = pea__alloc_unset((size_t)n_packed, sizeof(float), b->err))) {
        b->status = PEA_E_NOMEM;
        return;
    }
    fold_conv(b, spec, 0, op, f);
    if (second)
        fold_conv(b, second, spec->channels, op, f);
    if (b->status == PEA_OK)
        pea__conv_pack(&op->shape, f->weights, f->scale, b->network->kernels->lanes, op->weights);
}

/* Appends one convolution, or a pair. Returns a value of all its channels. */
static int build_convs(pea__builder *b, const pea__conv_spec *spec, const pea__conv_spec *second)
{
    pea__op op = {.kind = PEA__CONV, .in = spec->in, .residual = spec->add, .activation = spec->activation,
                  .n_activated = spec->channels,
                  .shape = {.in_channels = pea__build_channels(b, spec->in),
                            .out_channels = spec->channels + (second ? second->channels : 0), .kz = spec->kz,
                            .ky = spec->ky, .kx = spec->kx, .doubled = spec->doubled, .halved = spec->halved}};
    const int shrink = shrink_of(b, spec->in);
    folding f = {0};
    op.made_of[op.n_made_of++] = *spec;
    if (second)
        op.made_of[op.n_made_of++] = *second;
    op.shape.winograd = pea__conv_by_winograd(&op.shape);
    fold(b, spec, second, &op, &f);
    pea__free_unset(f.weights);
    pea__free(f.scale);
    pea__free(f.shift);
    const int out = append(b, op, op.shape.out_channels, /* after an error too: the network owns what was made */
                           spec->doubled ? shrink / 2 : spec->halved ? shrink * 2 : shrink);
    return b->status == PEA_OK ? out : 0;
}

/* Whether a convolution doubles or halves by itself; else an operation before or after it does. */
static bool resizes_itself(const pea__builder *b, const pea__conv_spec *spec)
{
    const pea__conv_shape shape = {.in_channels = pea__build_channels(b, spec->in), .kz = spec->kz, .ky = spec->ky,
                                   .kx = spec->kx};
    return pea__conv_by_winograd(&shape);
}

int pea__build_conv(pea__builder *b, pea__conv_spec spec)
{
    if (!ready(b))
        return 0;
    const bool pool = spec.halved && !resizes_itself(b, &spec);
    if (spec.doubled && !resizes_itself(b, &spec)) {
        spec.in = pea__build_upsample(b, spec.in);
        spec.doubled = false;
    }
    spec.halved = spec.halved && !pool;
    const int out = build_convs(b, &spec, NULL);
    return pool && out ? pea__build_pool(b, out) : out;
}

int pea__build_conv_pair(pea__builder *b, pea__conv_spec spec, pea__conv_spec second, int *second_out)
{
    *second_out = 0;
    if (!ready(b))
        return 0;
    if (spec.doubled && !resizes_itself(b, &spec)) {
        spec.in = pea__build_upsample(b, spec.in);
        spec.doubled = false;
    }
    second.in = spec.in;
    second.channels = spec.channels;
    const int both = build_convs(b, &spec, &second);
    if (!both)
        return 0;
    const int buffer = b->network->values[both].buffer;
    const int first_out = new_value(b, buffer);
    *second_out = new_value(b, buffer);
    b->network->values[first_out].channels = b->network->values[*second_out].channels = spec.channels;
    b->network->values[*second_out].first = spec.channels;
    return first_out;
}

int pea__build_pool(pea__builder *b, int in)
{
    if (!ready(b))
        return 0;
    return append(b, (pea__op){.kind = PEA__POOL, .in = in}, pea__build_channels(b, in), 2 * shrink_of(b, in));
}

int pea__build_upsample(pea__builder *b, int in)
{
    if (!ready(b))
        return 0;
    return append(b, (pea__op){.kind = PEA__UPSAMPLE, .in = in}, pea__build_channels(b, in), shrink_of(b, in) / 2);
}

int pea__build_upsample_add(pea__builder *b, int in, int add, const char *norm_block, const char *norm,
                            pea__activation activation)
{
    if (!ready(b))
        return 0;
    const int64_t channels = pea__build_channels(b, in);
    pea__op op = {.kind = PEA__UPSAMPLE, .in = in, .residual = add, .activation = activation, .n_activated = channels};
    double *scale = pea__alloc((size_t)channels, sizeof *scale, b->err);
    double *shift = pea__alloc((size_t)channels, sizeof *shift, b->err);
    if (scale && shift && (op.residual_scale = channel_floats(b, channels))) {
        fold_norm(b, norm_block, norm, channels, scale, shift);
        for (int64_t c = 0; c < channels; c++)
            op.residual_scale[c] = (float)scale[c];
    } else {
        b->status = PEA_E_NOMEM;
    }
    pea__free(scale);
    pea__free(shift);
    const int out = append(b, op, channels, shrink_of(b, in) / 2);
    return b->status == PEA_OK ? out : 0;
}

int pea__build_concat(pea__builder *b, int first, int second)
{
    if (!ready(b))
        return 0;
    pea_network *n = b->network;
    pea__value *one = &n->values[first];
    const int64_t n_first = one->channels, n_second = n->values[second].channels;
    const int joined = new_buffer(b, n_first + n_second, shrink_of(b, first));
    n->buffers[one->buffer].channels = 0;
    *one = (pea__value){.buffer = joined, .first = 0, .channels = n_first};
    const int beside = new_value(b, joined);
    n->values[beside].first = n_first;
    n->values[beside].channels = n_second;
    n->ops[n->n_ops++] = (pea__op){.kind = PEA__COPY, .in = second, .out = beside};
    return new_value(b, joined);
}

void pea__build_head(pea__builder *b, const char *name, int value)
{
    pea_network *n = b->network;
    if (b->status != PEA_OK)
        return;
    const pea__value *v = &n->values[value];
    n->buffers[v->buffer].head = (int)n->info.n_heads;
    n->heads[n->info.n_heads++] = (pea_head){name, v->channels, n->buffers[v->buffer].shrink};
}
