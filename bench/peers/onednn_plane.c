/* onednn_plane.c - the 2-D network as somebody would chain it by hand from oneDNN's primitives, a peer of ours:
 *     bench_onednn_plane [threads [repeats [fastest|direct [SIDE]]]]
 * Everything that oneDNN offers for it is used: blocked layouts from end to end, weights reordered beforehand, bias, ReLU
 * and the residual sum fused into the convolutions, batch normalisation folded (random weights need no folding), a block's
 * first convolution and its projection as one where that is faster, Winograd's algorithm where it is offered, and for each
 * layer what a trial on this machine finds fastest. oneDNN has no interpolation with aligned corners, so a loop does it,
 * which writes to where the next convolution reads: concatenations cost nothing. All heads are computed.
 * `direct` leaves Winograd's algorithm out; SIDE is 544 unless told. Prints a line of JSON; "sum" is over the outputs, the
 * same for both forms but for rounding. Written for the oneDNN 2.6 of Debian 12: later versions offer no Winograd on x86.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdint.h>

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include "../bench.h"

enum { DIM = 16, MOST_STEPS = 128, TRIALS = 3 };

/* Channels in blocks of the vector's length: (c / block, y, x, block). One image, so a range of whole blocks of channels is
 * a tensor of its own. */
typedef struct tensor {
    int channels, side;
    float *data;
} tensor;

/* A primitive with its arguments, or an upsampling. */
typedef struct step {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[5];
    int n_args;
    tensor from, to; /* of the upsampling */
} step;

/* What becomes of a convolution's sums. */
typedef enum ending { PLAIN, RELU, RELU_OF_FIRST_HALF, ADD_AND_RELU } ending;

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static int block;
static dnnl_format_tag_t blocked;
static bool winograd_allowed;
static step steps[MOST_STEPS];
static int n_steps, n_winograd, n_joined;
static unsigned seed = 5;

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "bench_onednn_plane: %s: status %d\n", what, (int)status);
    exit(1);
}

static float *floats(size_t n)
{
    void *made = NULL;
    if (posix_memalign(&made, 64, n * sizeof(float)) != 0)
        exit(1);
    memset(made, 0, n * sizeof(float));
    return made;
}

static float *random_floats(size_t n, float low, float high)
{
    float *made = floats(n);
    for (size_t i = 0; i < n; i++)
        made[i] = low + (high - low) * bench_random(&seed);
    return made;
}

static size_t area(tensor t)
{
    return (size_t)t.side * (size_t)t.side;
}

static tensor tensor_new(int channels, int side)
{
    const int padded = (channels + block - 1) / block * block;
    return (tensor){channels, side, floats((size_t)padded * (size_t)side * (size_t)side)};
}

/* Channels [first, first + n). */
static tensor channels_of(tensor t, int first, int n)
{
    return (tensor){n, t.side, t.data + (size_t)first * area(t)};
}

static dnnl_memory_desc_t describe(tensor t, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t made;
    const dnnl_dims_t dims = {1, t.channels, t.side, t.side};
    check(dnnl_memory_desc_init_by_tag(&made, 4, dims, dnnl_f32, tag), "layout of an image");
    return made;
}

/* The image with its three colours comes plane by plane, everything else in blocks. */
static dnnl_memory_desc_t describe_image(tensor t)
{
    return describe(t, t.channels == 3 ? dnnl_nchw : blocked);
}

static dnnl_memory_t memory(const dnnl_memory_desc_t *desc, void *data)
{
    dnnl_memory_t made;
    check(dnnl_memory_create(&made, desc, engine, data), "memory");
    return made;
}

static void run(const step *s);

/* ---- convolutions ---- */

static dnnl_primitive_attr_t attributes(ending end, dnnl_memory_desc_t *floor_desc)
{
    dnnl_primitive_attr_t attr;
    dnnl_post_ops_t ops;
    check(dnnl_primitive_attr_create(&attr), "attributes");
    check(dnnl_post_ops_create(&ops), "post-ops");
    if (end == ADD_AND_RELU)
        check(dnnl_post_ops_append_sum(ops, 1.0f), "sum");
    if (end == RELU || end == ADD_AND_RELU)
        check(dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f), "relu");
    if (end == RELU_OF_FIRST_HALF)
        check(dnnl_post_ops_append_binary(ops, dnnl_binary_max, floor_desc), "maximum");
    check(dnnl_primitive_attr_set_post_ops(attr, ops), "post-ops");
    dnnl_post_ops_destroy(ops);
    return attr;
}

/* Weights in the order that the primitive wants. */
static dnnl_memory_t reorder_weights(const dnnl_memory_desc_t *plain, float *weights, const dnnl_memory_desc_t *wanted)
{
    dnnl_memory_t from = memory(plain, weights), to = memory(wanted, DNNL_MEMORY_ALLOCATE);
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t reorder;
    check(dnnl_reorder_primitive_desc_create(&desc, plain, engine, wanted, engine, NULL), "order of weights");
    check(dnnl_primitive_create(&reorder, desc), "order of weights");
    const dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    check(dnnl_primitive_execute(reorder, stream, 2, args), "ordering weights");
    check(dnnl_stream_wait(stream), "ordering weights");
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(desc);
    dnnl_memory_destroy(from);
    return to;
}

/* A convolution by one algorithm; false where oneDNN does not offer it. */
static bool offer(tensor in, tensor out, int taps, ending end, dnnl_alg_kind_t algorithm, float *weights, float *bias,
                  step *made)
{
    const dnnl_dims_t kernel = {out.channels, in.channels, taps, taps}, outputs = {out.channels},
                      strides = {1, 1}, pad = {taps / 2, taps / 2}, per_channel = {1, out.channels, 1, 1};
    dnnl_memory_desc_t plain, any, bias_desc, floor_desc, in_desc = describe_image(in), out_desc = describe_image(out);
    check(dnnl_memory_desc_init_by_tag(&plain, 4, kernel, dnnl_f32, dnnl_oihw), "weights");
    check(dnnl_memory_desc_init_by_tag(&any, 4, kernel, dnnl_f32, dnnl_format_tag_any), "weights");
    check(dnnl_memory_desc_init_by_tag(&bias_desc, 1, outputs, dnnl_f32, dnnl_a), "bias");
    check(dnnl_memory_desc_init_by_tag(&floor_desc, 4, per_channel, dnnl_f32, dnnl_nchw), "least values");
    dnnl_convolution_desc_t desc;
    check(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, algorithm, &in_desc, &any, &bias_desc,
                                             &out_desc, strides, pad, pad),
          "convolution");
    dnnl_primitive_attr_t attr = attributes(end, &floor_desc);
    dnnl_primitive_desc_t primitive_desc;
    const bool offered = dnnl_primitive_desc_create(&primitive_desc, &desc, attr, engine, NULL) == dnnl_success;
    dnnl_primitive_attr_destroy(attr);
    if (!offered)
        return false;
    *made = (step){.n_args = 4};
    check(dnnl_primitive_create(&made->primitive, primitive_desc), "convolution");
    const dnnl_memory_desc_t *wanted = dnnl_primitive_desc_query_md(primitive_desc, dnnl_query_weights_md, 0);
    made->args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, memory(&in_desc, in.data)};
    made->args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, reorder_weights(&plain, weights, wanted)};
    made->args[2] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, memory(&bias_desc, bias)};
    made->args[3] = (dnnl_exec_arg_t){DNNL_ARG_DST, memory(&out_desc, out.data)};
    if (end == RELU_OF_FIRST_HALF) {
        float *least = floats((size_t)out.channels);
        for (int i = out.channels / 2; i < out.channels; i++)
            least[i] = -INFINITY;
        made->args[4] = (dnnl_exec_arg_t){DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, memory(&floor_desc, least)};
        made->n_args = 5;
    }
    dnnl_primitive_desc_destroy(primitive_desc);
    return true;
}

static void forget(step *s)
{
    for (int i = 0; i < s->n_args; i++)
        dnnl_memory_destroy(s->args[i].memory);
    if (s->n_args)
        dnnl_primitive_destroy(s->primitive);
    s->n_args = 0;
}

/* Least seconds of some runs, the first of which does not count. */
static double trial(const step *s, int n)
{
    double least = INFINITY;
    for (int i = 0; i <= TRIALS; i++) {
        const double begin = bench_cpu_s();
        for (int k = 0; k < n; k++)
            run(&s[k]);
        const double seconds = bench_cpu_s() - begin;
        least = i > 0 && seconds < least ? seconds : least;
    }
    return least;
}

/* The faster algorithm; infinity where there is none. */
static double convolution(tensor in, tensor out, int taps, ending end, float *weights, float *bias, step *best)
{
    static const dnnl_alg_kind_t algorithms[] = {dnnl_convolution_direct, dnnl_convolution_winograd};
    double least = INFINITY;
    *best = (step){0};
    for (int i = 0; i < 1 + (winograd_allowed && taps == 3); i++) {
        step candidate;
        if (!offer(in, out, taps, end, algorithms[i], weights, bias, &candidate))
            continue;
        const double seconds = trial(&candidate, 1);
        if (seconds < least) {
            forget(best);
            *best = candidate;
            least = seconds;
        } else {
            forget(&candidate);
        }
    }
    return least;
}

static bool is_winograd(const step *s)
{
    const_dnnl_primitive_desc_t desc;
    const dnnl_convolution_desc_t *convolution_desc = NULL;
    check(dnnl_primitive_get_primitive_desc(s->primitive, &desc), "description");
    return dnnl_primitive_desc_query(desc, dnnl_query_convolution_d, 0, (void *)&convolution_desc) == dnnl_success &&
           convolution_desc->alg_kind == dnnl_convolution_winograd;
}

static void add(const step *s)
{
    if (n_steps == MOST_STEPS)
        exit(1);
    n_winograd += s->n_args >= 4 && is_winograd(s);
    steps[n_steps++] = *s;
}

static void relu_in_place(tensor t, step *made)
{
    const dnnl_memory_desc_t desc = describe_image(t);
    dnnl_eltwise_desc_t eltwise;
    dnnl_primitive_desc_t primitive_desc;
    check(dnnl_eltwise_forward_desc_init(&eltwise, dnnl_forward_inference, dnnl_eltwise_relu, &desc, 0, 0), "relu");
    check(dnnl_primitive_desc_create(&primitive_desc, &eltwise, NULL, engine, NULL), "relu");
    *made = (step){.n_args = 2};
    check(dnnl_primitive_create(&made->primitive, primitive_desc), "relu");
    made->args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, memory(&desc, t.data)};
    made->args[1] = (dnnl_exec_arg_t){DNNL_ARG_DST, memory(&desc, t.data)};
    dnnl_primitive_desc_destroy(primitive_desc);
}

/* ---- the network ---- */

/* The first convolution with ReLU, and the projection, both of the same input, into the halves of `both`: as one with the
 * ReLU fused, as one with the ReLU after it, or as two. */
static void first_and_projection(tensor in, tensor both)
{
    const int n = both.channels / 2;
    const size_t n_weights = (size_t)n * (size_t)in.channels * 9;
    const float bound = sqrtf(6.0f / (float)(9 * in.channels));
    float *weights = random_floats(2 * n_weights, -bound, bound), *bias = random_floats((size_t)both.channels, 0, 0.1f);
    step ways[3][2];
    const int n_ways[3] = {1, 2, 2};
    double seconds[3] = {convolution(in, both, 3, RELU_OF_FIRST_HALF, weights, bias, &ways[0][0])};
    convolution(in, both, 3, PLAIN, weights, bias, &ways[1][0]);
    relu_in_place(channels_of(both, 0, n), &ways[1][1]);
    convolution(in, channels_of(both, 0, n), 3, RELU, weights, bias, &ways[2][0]);
    convolution(in, channels_of(both, n, n), 3, PLAIN, weights + n_weights, bias + n, &ways[2][1]);
    int best = 0;
    for (int way = 1; way < 3; way++) {
        seconds[way] = trial(ways[way], n_ways[way]);
        best = seconds[way] < seconds[best] ? way : best;
    }
    n_joined += best < 2;
    for (int way = 0; way < 3; way++)
        for (int k = 0; k < n_ways[way]; k++)
            if (way == best)
                add(&ways[way][k]);
            else
                forget(&ways[way][k]);
    free(weights);
}

/* relu(conv(relu(conv(x))) + project(x)): the second convolution adds to the projection where that lies. */
static tensor residual_block(tensor in, int channels)
{
    const tensor both = tensor_new(2 * channels, in.side), out = channels_of(both, channels, channels);
    const size_t n_weights = (size_t)channels * (size_t)channels * 9;
    const float bound = sqrtf(6.0f / (float)(9 * channels));
    first_and_projection(in, both);
    float *weights = random_floats(n_weights, -bound, bound), *bias = random_floats((size_t)channels, 0, 0.1f);
    step second;
    convolution(channels_of(both, 0, channels), out, 3, ADD_AND_RELU, weights, bias, &second);
    add(&second);
    free(weights);
    return out;
}

static tensor pointwise(tensor in, int channels, ending end)
{
    const float bound = sqrtf(6.0f / (float)in.channels);
    const tensor out = tensor_new(channels, in.side);
    float *weights = random_floats((size_t)channels * (size_t)in.channels, -bound, bound);
    step made;
    convolution(in, out, 1, end, weights, random_floats((size_t)channels, 0, 0.1f), &made);
    add(&made);
    free(weights);
    return out;
}

static void pool(tensor in, tensor out)
{
    const dnnl_memory_desc_t in_desc = describe_image(in), out_desc = describe_image(out);
    const dnnl_dims_t two = {2, 2}, none = {0, 0};
    dnnl_pooling_desc_t desc;
    dnnl_primitive_desc_t primitive_desc;
    step made = {.n_args = 2};
    check(dnnl_pooling_forward_desc_init(&desc, dnnl_forward_inference, dnnl_pooling_max, &in_desc, &out_desc, two, two,
                                         none, none),
          "pooling");
    check(dnnl_primitive_desc_create(&primitive_desc, &desc, NULL, engine, NULL), "pooling");
    check(dnnl_primitive_create(&made.primitive, primitive_desc), "pooling");
    made.args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, memory(&in_desc, in.data)};
    made.args[1] = (dnnl_exec_arg_t){DNNL_ARG_DST, memory(&out_desc, out.data)};
    dnnl_primitive_desc_destroy(primitive_desc);
    add(&made);
}

/* Doubles rows and columns, linear, corners aligned; in.channels of out. */
static void upsample(tensor in, tensor out)
{
    const float scale = (float)(in.side - 1) / (float)(out.side - 1);
    const int n_blocks = in.channels / block, last = in.side - 1;
#pragma omp parallel for collapse(2) schedule(static)
    for (int b = 0; b < n_blocks; b++)
        for (int y = 0; y < out.side; y++) {
            const float at_y = scale * (float)y;
            const int low_y = (int)at_y, high_y = low_y < last ? low_y + 1 : last;
            const float part_y = at_y - (float)low_y;
            const float *plane = in.data + (size_t)b * (size_t)block * area(in);
            const float *low = plane + (size_t)low_y * (size_t)(in.side * block);
            const float *high = plane + (size_t)high_y * (size_t)(in.side * block);
            float *row = out.data + (size_t)block * ((size_t)b * area(out) + (size_t)y * (size_t)out.side);
            for (int x = 0; x < out.side; x++) {
                const float at_x = scale * (float)x;
                const int low_x = (int)at_x, high_x = low_x < last ? low_x + 1 : last;
                const float part_x = at_x - (float)low_x;
                const float w00 = (1 - part_y) * (1 - part_x), w01 = (1 - part_y) * part_x, w10 = part_y * (1 - part_x),
                            w11 = part_y * part_x;
                const float *a = low + low_x * block, *c = low + high_x * block;
                const float *d = high + low_x * block, *e = high + high_x * block;
#pragma omp simd
                for (int i = 0; i < block; i++)
                    row[x * block + i] = w00 * a[i] + w01 * c[i] + w10 * d[i] + w11 * e[i];
            }
        }
}

/* The inputs of an upsampled block lie one after the other by channels: (coarse, skip) doubled. */
static tensor upsample_joined(tensor coarse, tensor skip)
{
    const tensor out = tensor_new(coarse.channels + skip.channels, 2 * coarse.side);
    add(&(step){.from = coarse, .to = channels_of(out, 0, coarse.channels)});
    if (skip.channels)
        add(&(step){.from = skip, .to = channels_of(out, coarse.channels, skip.channels)});
    return out;
}

static void run(const step *s)
{
    if (s->n_args == 0) {
        upsample(s->from, s->to);
        return;
    }
    check(dnnl_primitive_execute(s->primitive, stream, s->n_args, s->args), "running");
    check(dnnl_stream_wait(stream), "running");
}

static int build(tensor image, tensor heads[6])
{
    static const int filters[] = {16, 32, 64, 128, 256};
    tensor x = residual_block(image, filters[0]), pooled[4];
    for (int i = 0; i < 4; i++) {
        x = residual_block(x, filters[i + 1]);
        pooled[i] = tensor_new(x.channels, x.side / 2);
        pool(x, pooled[i]);
        x = pooled[i];
    }
    heads[0] = pointwise(x, DIM, PLAIN);
    for (int k = 0; k < 4; k++) {
        x = upsample_joined(x, k > 0 ? pooled[3 - k] : (tensor){0});
        x = residual_block(x, filters[k > 0 ? 4 - k : 4]);
        heads[k + 1] = pointwise(x, DIM, PLAIN);
    }
    heads[5] = pointwise(pointwise(x, filters[1], RELU), 2, PLAIN);
    return 6;
}

static double sum_of(const tensor *heads, int n)
{
    double sum = 0;
    for (int h = 0; h < n; h++)
        for (size_t i = 0; i < area(heads[h]) * (size_t)(heads[h].channels < block ? block : heads[h].channels); i++)
            sum += fabs((double)heads[h].data[i]);
    return sum;
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 1, repeats = argc > 2 ? atoi(argv[2]) : 3;
    const int side = argc > 4 ? atoi(argv[4]) : 544;
    winograd_allowed = argc <= 3 || strcmp(argv[3], "direct") != 0;
    block = dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_mic ? 16 : 8;
    blocked = block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
    omp_set_num_threads(threads);
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    tensor heads[6];
    const int n_heads = build((tensor){3, side, random_floats((size_t)3 * (size_t)side * (size_t)side, 0, 1)}, heads);
    bench_times times = {.n = 0};
    for (int i = 0; i <= repeats; i++) { /* the first one warms up */
        bench_begin(&times);
        for (int k = 0; k < n_steps; k++)
            run(&steps[k]);
        if (i > 0)
            bench_end(&times);
    }
    const dnnl_version_t *version = dnnl_version();
    printf("{\"onednn\": \"%d.%d.%d\", \"threads\": %d, \"winograd_layers\": %d, \"joined_blocks\": %d, \"sum\": %.6g, ",
           version->major, version->minor, version->patch, threads, n_winograd, n_joined, sum_of(heads, n_heads));
    bench_print_times(&times);
    for (int k = 0; k < n_steps; k++)
        forget(&steps[k]);
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    return 0;
}
