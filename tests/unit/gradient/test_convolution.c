/* test_convolution.c - convolutions in training: forward against the textbook, gradients by the identities that define
 * them, for every kernel set, over batches, in slices, for any number of threads.
 *
 * A convolution is linear in its input and in its weights, so with L = <g, conv(x; w)> the gradients are right exactly
 * where <g, conv(d; w)> = <d, input gradient> and <g, conv(x; v)> = <v, weight gradient> for every d and v: the forward
 * operation is the oracle, and no step size blurs the comparison.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "layers.h"
#include "kernel_sets.h"

static const pea__slice NONE = {NULL, 0};

typedef struct problem {
    pea__layer layer;
    test_image in, out, add, to; /* add: of the output's shape; to: of the input's */
    float *weights, *bias;
    int64_t n_weights;
} problem;

static pea__batch input_batch(const pea__layer *layer)
{
    pea__batch b = layer->batch;
    b.y /= layer->shape.doubled ? 2 : 1;
    b.x /= layer->shape.doubled ? 2 : 1;
    return b;
}

static problem make_problem(pea__layer layer, uint64_t *seed)
{
    const pea__conv_shape *s = &layer.shape;
    problem p = {.layer = layer, .n_weights = s->in_channels * s->out_channels * s->kz * s->ky * s->kx};
    p.in = test_make_image(input_batch(&layer), s->in_channels, seed);
    p.to = test_make_image(input_batch(&layer), s->in_channels, seed);
    p.out = test_make_image(layer.batch, s->out_channels, seed);
    p.add = test_make_image(layer.batch, s->out_channels, seed);
    p.weights = test_floats(p.n_weights, seed);
    p.bias = test_floats(s->out_channels, seed);
    return p;
}

static void free_problem(problem *p)
{
    test_free_image(&p->in);
    test_free_image(&p->to);
    test_free_image(&p->out);
    test_free_image(&p->add);
    free(p->weights);
    free(p->bias);
}

static pea__layer random_layer(int i, uint64_t *seed)
{
    static const int kernels[5][3] = {{1, 3, 3}, {3, 3, 3}, {1, 1, 1}, {1, 5, 5}, {1, 3, 3}};
    const int *k = kernels[i % 5];
    pea__layer layer = {.shape = {.in_channels = 1 + test_random(seed) % (i % 2 ? 20 : 70),
                                  .out_channels = 1 + test_random(seed) % (i % 2 ? 70 : 20), .kz = k[0], .ky = k[1],
                                  .kx = k[2], .doubled = i % 5 == 4},
                        .batch = {1 + test_random(seed) % 3, 1 + test_random(seed) % (k[0] > 1 ? 4 : 2),
                                  1 + test_random(seed) % 9, 1 + test_random(seed) % 20}};
    layer.batch.y *= layer.shape.doubled ? 2 : 1;
    layer.batch.x *= layer.shape.doubled ? 2 : 1;
    return layer;
}

/* ---- the operations, each with room of just the size it asks for ---- */

static void forward(const pea__kernels_table *k, pea_context *context, const pea__layer *layer, const float *weights,
                    const float *bias, const test_image *in, pea__slice add, pea__activation activation, const test_image *out)
{
    pea_error err;
    test_run r = test_make_run(k, context, pea__conv_forward_work(layer, k, pea__workers(context)));
    assert_ok(pea__conv_forward(&r.run, layer, weights, bias, in->slice, add, activation, out->slice, &err));
    test_free_run(&r);
}

static void input_gradient(const pea__kernels_table *k, pea_context *context, const problem *p, const test_image *gradient,
                           pea__slice add, const test_image *to)
{
    pea_error err;
    test_run r = test_make_run(k, context, pea__conv_input_gradient_work(&p->layer, k, pea__workers(context)));
    assert_ok(pea__conv_input_gradient(&r.run, &p->layer, p->weights, gradient->slice, add, to->slice, &err));
    test_free_run(&r);
}

static void weight_gradient(const pea__kernels_table *k, pea_context *context, const problem *p, const test_image *gradient,
                            float *to)
{
    pea_error err;
    test_run r = test_make_run(k, context, pea__conv_weight_gradient_work(&p->layer, k, pea__workers(context)));
    assert_ok(pea__conv_weight_gradient(&r.run, &p->layer, p->in.slice, gradient->slice, to, &err));
    test_free_run(&r);
}

static void check(double got, double want, double size, const problem *p, const char *what, const char *set)
{
    const pea__conv_shape *s = &p->layer.shape;
    const pea__batch b = p->layer.batch;
    if (!(fabs(got - want) <= 3e-6 * size))
        fail_msg("%s, %s: %d x %dx%dx%d %d->%d kernel %dx%dx%d%s: %g, expected %g", what, set, (int)b.n, (int)b.z, (int)b.y,
                 (int)b.x, (int)s->in_channels, (int)s->out_channels, s->kz, s->ky, s->kx, s->doubled ? " doubled" : "", got,
                 want);
}

/* What a sum of so many products of numbers up to 1 may be, about. */
static double size_of(const problem *p)
{
    const pea__conv_shape *s = &p->layer.shape;
    return sqrt((double)(pea__batch_voxels(p->layer.batch) * p->n_weights)) + sqrt((double)(s->in_channels * s->kz * s->ky * s->kx));
}

/* ---- the cases ---- */

static double textbook(const problem *p, int64_t voxel, int64_t o)
{
    const pea__conv_shape *s = &p->layer.shape;
    const pea__batch b = p->layer.batch;
    const int64_t image = voxel / (b.z * b.y * b.x), z = voxel / (b.y * b.x) % b.z, y = voxel / b.x % b.y, x = voxel % b.x;
    double sum = (double)p->bias[o] + test_image_at(&p->add, voxel, o);
    for (int64_t i = 0; i < s->in_channels; i++)
        for (int tap = 0; tap < s->kz * s->ky * s->kx; tap++) {
            const int64_t iz = z + tap / (s->ky * s->kx) - s->kz / 2, iy = y + tap / s->kx % s->ky - s->ky / 2;
            const int64_t ix = x + tap % s->kx - s->kx / 2;
            if (iz >= 0 && iz < b.z && iy >= 0 && iy < b.y && ix >= 0 && ix < b.x)
                sum += test_image_at(&p->in, ((image * b.z + iz) * b.y + iy) * b.x + ix, i) *
                       (double)p->weights[(o * s->in_channels + i) * s->kz * s->ky * s->kx + tap];
        }
    return sum > 0 ? sum : expm1(sum);
}

static void forward_is_the_textbook_s_over_each_image_of_a_batch(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < 24; i++) {
        pea__layer layer = random_layer(i, &seed);
        layer.shape.doubled = false;
        problem p = make_problem(layer, &seed);
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            forward(test_set(set, conv_gradient_f32), NULL, &layer, p.weights, p.bias, &p.in, p.add.slice, PEA__ELU,
                    &p.out);
            for (int64_t v = 0; v < pea__batch_voxels(layer.batch); v++)
                for (int64_t o = 0; o < layer.shape.out_channels; o++)
                    check(test_image_at(&p.out, v, o), textbook(&p, v, o), 8 + size_of(&p) / sqrt((double)layer.shape.out_channels), &p,
                          "forward", test_set(set, conv_gradient_f32)->name);
        }
        free_problem(&p);
    }
}

static void input_gradients_are_the_transpose_of_forward(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (int i = 0; i < 50; i++) {
        problem p = make_problem(random_layer(i, &seed), &seed);
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            const pea__kernels_table *k = test_set(set, conv_gradient_f32);
            input_gradient(k, NULL, &p, &p.add, NONE, &p.to);
            const double there = test_dot(&p.in, &p.to);
            forward(k, NULL, &p.layer, p.weights, NULL, &p.in, NONE, PEA__LINEAR, &p.out);
            check(there, test_dot(&p.add, &p.out), size_of(&p), &p, "input gradient", k->name);
        }
        free_problem(&p);
    }
}

static void input_gradients_add_up(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 20; i++) {
        problem p = make_problem(random_layer(i, &seed), &seed);
        test_image before = test_make_image(p.to.batch, p.to.channels, &seed);
        const size_t bytes = test_image_bytes(&p.to);
        float *kept = malloc(bytes);
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            const pea__kernels_table *k = test_set(set, conv_gradient_f32);
            input_gradient(k, NULL, &p, &p.out, NONE, &p.to);
            memcpy(kept, p.to.slice.data, bytes);
            input_gradient(k, NULL, &p, &p.out, before.slice, &p.to);
            for (int64_t v = 0; v < pea__batch_voxels(p.to.batch); v++)
                for (int64_t c = 0; c < p.to.channels; c++)
                    check(test_image_at(&p.to, v, c), (double)kept[v * p.to.slice.pitch + c] + test_image_at(&before, v, c),
                          1.0, &p, "sum", k->name);
            memcpy(p.to.slice.data, kept, bytes);
            input_gradient(k, NULL, &p, &p.out, p.to.slice, &p.to);
            for (int64_t v = 0; v < pea__batch_voxels(p.to.batch); v++)
                for (int64_t c = 0; c < p.to.channels; c++)
                    check(test_image_at(&p.to, v, c), 2.0 * (double)kept[v * p.to.slice.pitch + c], 1.0, &p, "sum in place",
                          k->name);
        }
        free(kept);
        test_free_image(&before);
        free_problem(&p);
    }
}

static void weight_gradients_are_the_transpose_of_forward(void **state)
{
    uint64_t seed = 4;
    (void)state;
    for (int i = 0; i < 50; i++) {
        problem p = make_problem(random_layer(i, &seed), &seed);
        float *gradient = malloc((size_t)p.n_weights * sizeof *gradient);
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            const pea__kernels_table *k = test_set(set, conv_gradient_f32);
            weight_gradient(k, NULL, &p, &p.add, gradient);
            double there = 0;
            for (int64_t w = 0; w < p.n_weights; w++)
                there += (double)gradient[w] * (double)p.weights[w];
            forward(k, NULL, &p.layer, p.weights, NULL, &p.in, NONE, PEA__LINEAR, &p.out);
            check(there, test_dot(&p.add, &p.out), size_of(&p), &p, "weight gradient", k->name);
        }
        free(gradient);
        free_problem(&p);
    }
}

/* Blocks of channels, parts of the image: the layers above are too small to be cut. */
static void large_layers_are_cut_and_joined(void **state)
{
    static const pea__layer layers[4] = {
        {{.in_channels = 150, .out_channels = 210, .kz = 1, .ky = 3, .kx = 3}, {2, 1, 20, 44}},
        {{.in_channels = 45, .out_channels = 83, .kz = 3, .ky = 3, .kx = 3}, {2, 11, 9, 14}},
        {{.in_channels = 3, .out_channels = 40, .kz = 1, .ky = 3, .kx = 3}, {2, 1, 50, 300}},
        {{.in_channels = 60, .out_channels = 20, .kz = 1, .ky = 1, .kx = 1}, {2, 1, 50, 60}}};
    uint64_t seed = 5;
    (void)state;
    for (int i = 0; i < 4; i++) {
        problem p = make_problem(layers[i], &seed);
        float *gradient = malloc((size_t)p.n_weights * sizeof *gradient);
        const pea__kernels_table *k = pea__kernels_available(0);
        weight_gradient(k, NULL, &p, &p.add, gradient);
        const pea__conv_shape *s = &p.layer.shape;
        const pea__batch b = p.layer.batch;
        const int n_taps = s->kz * s->ky * s->kx;
        for (int64_t w = 0; w < p.n_weights; w += 1 + test_random(&seed) % (2 * p.n_weights / 300)) {
            const int64_t o = w / n_taps / s->in_channels, c = w / n_taps % s->in_channels;
            const int64_t dz = w % n_taps / (s->ky * s->kx) - s->kz / 2, dy = w % n_taps / s->kx % s->ky - s->ky / 2;
            const int64_t dx = w % s->kx - s->kx / 2;
            double sum = 0;
            for (int64_t v = 0; v < pea__batch_voxels(b); v++) {
                const int64_t z = v / (b.y * b.x) % b.z + dz, y = v / b.x % b.y + dy, x = v % b.x + dx;
                if (z >= 0 && z < b.z && y >= 0 && y < b.y && x >= 0 && x < b.x)
                    sum += test_image_at(&p.in, v + (dz * b.y + dy) * b.x + dx, c) * test_image_at(&p.add, v, o);
            }
            check((double)gradient[w], sum, sqrt((double)pea__batch_voxels(b)), &p, "weight gradient", k->name);
        }
        free(gradient);
        free_problem(&p);
    }
}

static void bias_gradients_are_sums(void **state)
{
    uint64_t seed = 6;
    (void)state;
    for (int64_t channels = 1; channels <= 70; channels += 3) {
        pea_error err;
        const pea__batch batch = {2, 1, 1 + test_random(&seed) % 90, 1 + test_random(&seed) % 90};
        test_image g = test_make_image(batch, channels, &seed);
        float bias[70];
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            test_run r = test_make_run(test_set(set, conv_gradient_f32), NULL,
                                       pea__bias_gradient_work(batch, channels));
            assert_ok(pea__bias_gradient(&r.run, batch, channels, g.slice, bias, &err));
            for (int64_t c = 0; c < channels; c++) {
                double sum = 0;
                for (int64_t v = 0; v < pea__batch_voxels(batch); v++)
                    sum += test_image_at(&g, v, c);
                assert_true(fabs((double)bias[c] - sum) < 1e-5 + 3e-8 * (double)pea__batch_voxels(batch));
            }
            test_free_run(&r);
        }
        test_free_image(&g);
    }
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    static const pea__layer layers[4] = {
        {{.in_channels = 40, .out_channels = 70, .kz = 1, .ky = 3, .kx = 3, .doubled = true}, {2, 1, 36, 44}},
        {{.in_channels = 28, .out_channels = 28, .kz = 3, .ky = 3, .kx = 3}, {2, 7, 19, 14}},
        {{.in_channels = 3, .out_channels = 32, .kz = 1, .ky = 3, .kx = 3}, {2, 1, 64, 48}},
        {{.in_channels = 60, .out_channels = 20, .kz = 1, .ky = 1, .kx = 1}, {2, 1, 50, 60}}};
    uint64_t seed = 7;
    (void)state;
    for (int i = 0; i < 4; i++) {
        problem p = make_problem(layers[i], &seed);
        const pea__kernels_table *k = pea__kernels_available(0);
        float *weights[2], *to[2], *out[2];
        for (int n = 0; n < 2; n++) {
            weights[n] = malloc((size_t)p.n_weights * sizeof(float));
            to[n] = malloc(test_image_bytes(&p.to));
            out[n] = malloc(test_image_bytes(&p.out));
        }
        for (int threads = 1; threads <= 4; threads++) {
            pea_context *context = test_context(threads, 0);
            const int which = threads > 1;
            weight_gradient(k, context, &p, &p.add, weights[which]);
            input_gradient(k, context, &p, &p.add, NONE, &p.to);
            memcpy(to[which], p.to.slice.data, test_image_bytes(&p.to));
            forward(k, context, &p.layer, p.weights, p.bias, &p.in, NONE, PEA__RELU, &p.out);
            memcpy(out[which], p.out.slice.data, test_image_bytes(&p.out));
            if (which) {
                assert_memory_equal(weights[0], weights[1], (size_t)p.n_weights * sizeof(float));
                assert_memory_equal(to[0], to[1], test_image_bytes(&p.to));
                assert_memory_equal(out[0], out[1], test_image_bytes(&p.out));
            }
            pea_context_free(context);
        }
        for (int n = 0; n < 2; n++) {
            free(weights[n]);
            free(to[n]);
            free(out[n]);
        }
        free_problem(&p);
    }
}

static int stop_at_once(void *user, const char *stage, double fraction)
{
    (void)user;
    (void)stage;
    (void)fraction;
    return 1;
}

/* It is asked at its first report, and not again soon: each call has a context of its own. */
static pea_context *stopping_context(void)
{
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    options.n_threads = 1;
    options.progress = stop_at_once;
    assert_int_equal(pea_context_new(&options, &context, NULL), PEA_OK);
    return context;
}

static void cancelling_ends_every_call(void **state)
{
    const pea__layer layer = {{.in_channels = 20, .out_channels = 24, .kz = 1, .ky = 3, .kx = 3}, {2, 1, 80, 80}};
    const pea__kernels_table *k = pea__kernels_available(0);
    uint64_t seed = 8;
    (void)state;
    problem p = make_problem(layer, &seed);
    const int64_t work[3] = {pea__conv_forward_work(&layer, k, 1), pea__conv_input_gradient_work(&layer, k, 1),
                             pea__conv_weight_gradient_work(&layer, k, 1)};
    for (int call = 0; call < 3; call++) {
        pea_context *context = stopping_context();
        test_run r = test_make_run(k, context, work[call]);
        pea_error err = {0};
        const pea_status status =
            call == 0   ? pea__conv_forward(&r.run, &layer, p.weights, NULL, p.in.slice, NONE, PEA__LINEAR, p.out.slice, &err)
            : call == 1 ? pea__conv_input_gradient(&r.run, &layer, p.weights, p.out.slice, NONE, p.to.slice, &err)
                        : pea__conv_weight_gradient(&r.run, &layer, p.in.slice, p.out.slice, p.weights, &err);
        assert_int_equal(status, PEA_E_CANCELLED);
        test_free_run(&r);
        pea_context_free(context);
    }
    free_problem(&p);
}

static void layers_beyond_the_address_space_have_no_work(void **state)
{
    const pea__kernels_table *k = pea__kernels_available(0);
    const pea__layer wide = {{.in_channels = INT64_C(1) << 40, .out_channels = INT64_C(1) << 40, .kz = 1, .ky = 3, .kx = 3},
                             {1, 1, 8, 8}};
    (void)state;
    assert_int_equal(pea__conv_forward_work(&wide, k, 1), -1);
    assert_int_equal(pea__conv_input_gradient_work(&wide, k, 1), -1);
    assert_int_equal(pea__conv_weight_gradient_work(&wide, k, 1), -1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(forward_is_the_textbook_s_over_each_image_of_a_batch),
    cmocka_unit_test(input_gradients_are_the_transpose_of_forward),
    cmocka_unit_test(input_gradients_add_up),
    cmocka_unit_test(weight_gradients_are_the_transpose_of_forward),
    cmocka_unit_test(large_layers_are_cut_and_joined),
    cmocka_unit_test(bias_gradients_are_sums),
    cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
    cmocka_unit_test(cancelling_ends_every_call),
    cmocka_unit_test(layers_beyond_the_address_space_have_no_work),
};

PEA_TEST_MAIN(tests)
