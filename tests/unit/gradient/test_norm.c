/* test_norm.c - batch normalisation in training: statistics and forward against the textbook in double precision,
 * gradients against differences of it; doubling and halving over batches; bytes for any number of threads.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "layers.h"
#include "kernel_sets.h"

static const pea__slice NONE = {NULL, 0};

/* One or two norms whose sum is activated, and a loss: the dot product of the output with `weight`. */
typedef struct problem {
    pea__batch batch;
    int64_t channels;
    int n_norms;
    pea__activation activation;
    test_image in[2], to[2], out, gradient, weight;
    float *gain[2], *bias[2], *mean[2], *variance[2], *gain_to[2], *bias_to[2];
    pea__norm_layer norms[2];
    pea__norm_to ends[2];
} problem;

static problem make_problem(pea__batch batch, int64_t channels, int n_norms, pea__activation activation, uint64_t *seed)
{
    problem p = {.batch = batch, .channels = channels, .n_norms = n_norms, .activation = activation};
    p.out = test_make_image(batch, channels, seed);
    p.gradient = test_make_image(batch, channels, seed);
    p.weight = test_make_image(batch, channels, seed);
    for (int k = 0; k < n_norms; k++) {
        p.in[k] = test_make_image(batch, channels, seed);
        p.to[k] = test_make_image(batch, channels, seed);
        p.gain[k] = test_floats(channels, seed);
        p.bias[k] = test_floats(channels, seed);
        p.mean[k] = test_floats(channels, seed);
        p.variance[k] = test_floats(channels, seed);
        p.gain_to[k] = test_floats(channels, seed);
        p.bias_to[k] = test_floats(channels, seed);
        for (int64_t v = 0; v < pea__batch_voxels(batch); v++) /* a mean that is not 0 */
            for (int64_t c = 0; c < channels; c++)
                p.in[k].slice.data[v * p.in[k].slice.pitch + c] += (float)c / 3.0f;
        p.norms[k] = (pea__norm_layer){p.in[k].slice, p.gain[k], p.bias[k], p.mean[k], p.variance[k]};
        p.ends[k] = (pea__norm_to){p.to[k].slice, p.gain_to[k], p.bias_to[k]};
    }
    return p;
}

static void free_problem(problem *p)
{
    test_free_image(&p->out);
    test_free_image(&p->gradient);
    test_free_image(&p->weight);
    for (int k = 0; k < p->n_norms; k++) {
        test_free_image(&p->in[k]);
        test_free_image(&p->to[k]);
        float *const floats[6] = {p->gain[k], p->bias[k], p->mean[k], p->variance[k], p->gain_to[k], p->bias_to[k]};
        for (int i = 0; i < 6; i++)
            free(floats[i]);
    }
}

/* ---- the textbook, one channel ---- */

static double activated(pea__activation activation, double v)
{
    switch (activation) {
    case PEA__LINEAR: return v;
    case PEA__RELU: return v > 0 ? v : 0;
    case PEA__ELU: return v > 0 ? v : expm1(v);
    case PEA__SIGMOID: return 1 / (1 + exp(-v));
    }
    return v;
}

/* What is moved by how much before the channel is normalised: voxel `voxel` of norm `norm`, or its gain or bias. */
typedef struct nudge {
    int norm;
    int64_t voxel; /* -1: the gain; -2: the bias; -3: nothing */
    double by;
} nudge;

static double input(const problem *p, int k, int64_t v, int64_t c, nudge n)
{
    return test_image_at(&p->in[k], v, c) + (n.norm == k && n.voxel == v ? n.by : 0);
}

static void textbook_statistics(const problem *p, int k, int64_t c, nudge n, double *mean, double *variance)
{
    const int64_t n_voxels = pea__batch_voxels(p->batch);
    *mean = *variance = 0;
    for (int64_t v = 0; v < n_voxels; v++)
        *mean += input(p, k, v, c, n) / (double)n_voxels;
    for (int64_t v = 0; v < n_voxels; v++)
        *variance += pow(input(p, k, v, c, n) - *mean, 2) / (double)n_voxels;
}

/* Before the activation; fills one number for each voxel. */
static void textbook_sums(const problem *p, int64_t c, nudge n, double *sums)
{
    const int64_t n_voxels = pea__batch_voxels(p->batch);
    for (int64_t v = 0; v < n_voxels; v++)
        sums[v] = 0;
    for (int k = 0; k < p->n_norms; k++) {
        double mean, variance;
        textbook_statistics(p, k, c, n, &mean, &variance);
        const double gain = (double)p->gain[k][c] + (n.norm == k && n.voxel == -1 ? n.by : 0);
        const double bias = (double)p->bias[k][c] + (n.norm == k && n.voxel == -2 ? n.by : 0);
        for (int64_t v = 0; v < n_voxels; v++)
            sums[v] += gain * (input(p, k, v, c, n) - mean) / sqrt(variance + 1e-5) + bias;
    }
}

static double textbook_loss(const problem *p, int64_t c, nudge n, double *sums)
{
    double loss = 0;
    textbook_sums(p, c, n, sums);
    for (int64_t v = 0; v < pea__batch_voxels(p->batch); v++)
        loss += test_image_at(&p->weight, v, c) * activated(p->activation, sums[v]);
    return loss;
}

static double textbook_slope(const problem *p, int64_t c, int norm, int64_t voxel, double *sums)
{
    const double h = 1e-5;
    return (textbook_loss(p, c, (nudge){norm, voxel, h}, sums) - textbook_loss(p, c, (nudge){norm, voxel, -h}, sums)) / (2 * h);
}

/* ReLU has no slope at 0: where a sum comes near, its voxel is kept out of the loss. */
static void avoid_kinks(problem *p, double *sums)
{
    for (int64_t c = 0; c < p->channels && p->activation == PEA__RELU; c++) {
        textbook_sums(p, c, (nudge){0, -3, 0}, sums);
        for (int64_t v = 0; v < pea__batch_voxels(p->batch); v++)
            if (fabs(sums[v]) < 1e-3)
                p->weight.slice.data[v * p->weight.slice.pitch + c] = 0.0f;
    }
}

/* ---- ours ---- */

static void run_forward(const problem *p, const pea__run *run)
{
    pea_error err;
    for (int k = 0; k < p->n_norms; k++)
        assert_ok(pea__norm_statistics(run, p->batch, p->channels, &p->norms[k], &err));
    assert_ok(pea__norm_forward(run, p->batch, p->channels, p->norms, p->n_norms, p->activation, p->out.slice, &err));
}

/* The loss's gradient is `weight`; the first norm's gradient may be made in its place. */
static void run_backward(problem *p, const pea__run *run, bool in_place)
{
    pea_error err;
    for (int64_t v = 0; v < pea__batch_voxels(p->batch); v++)
        for (int64_t c = 0; c < p->channels; c++)
            p->gradient.slice.data[v * p->gradient.slice.pitch + c] = p->weight.slice.data[v * p->weight.slice.pitch + c];
    p->ends[0].in = in_place ? p->gradient.slice : p->to[0].slice;
    assert_ok(pea__norm_gradient(run, p->batch, p->channels, p->norms, p->n_norms, p->activation, p->out.slice,
                                 p->gradient.slice, p->ends, &err));
}

static void check_forward(const problem *p, double *sums)
{
    for (int64_t c = 0; c < p->channels; c++) {
        textbook_sums(p, c, (nudge){0, -3, 0}, sums);
        for (int64_t v = 0; v < pea__batch_voxels(p->batch); v++)
            assert_true(fabs(test_image_at(&p->out, v, c) - activated(p->activation, sums[v])) < 1e-5);
        for (int k = 0; k < p->n_norms; k++) {
            double mean, variance;
            textbook_statistics(p, k, c, (nudge){0, -3, 0}, &mean, &variance);
            assert_true(fabs((double)p->mean[k][c] - mean) < 2e-6);
            assert_true(fabs((double)p->variance[k][c] - variance) < 1e-6);
        }
    }
}

static void check_backward(const problem *p, double *sums, uint64_t *seed)
{
    const int64_t n_voxels = pea__batch_voxels(p->batch);
    for (int k = 0; k < p->n_norms; k++)
        for (int64_t c = 0; c < p->channels; c++) {
            const pea__slice to = p->ends[k].in;
            double mean, variance;
            textbook_statistics(p, k, c, (nudge){0, -3, 0}, &mean, &variance);
            const double size = 1 + 1 / sqrt(variance + 1e-5), gain = textbook_slope(p, c, k, -1, sums);
            assert_true(fabs((double)p->gain_to[k][c] - gain) < 1e-4 * (1 + fabs(gain)));
            assert_true(fabs((double)p->bias_to[k][c] - textbook_slope(p, c, k, -2, sums)) < 1e-4);
            for (int64_t v = test_random(seed) % 3; v < n_voxels; v += 1 + n_voxels / 20)
                assert_true(fabs((double)to.data[v * to.pitch + c] - textbook_slope(p, c, k, v, sums)) < 1e-4 * size);
        }
}

/* ---- the cases ---- */

static void norms_and_their_gradients_are_the_textbook_s(void **state)
{
    uint64_t seed = 1;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 32; i++) {
        const pea__batch batch = {1 + i % 3, 1 + i / 3 % 2, 1 + test_random(&seed) % 7, 2 + test_random(&seed) % 12};
        problem p = make_problem(batch, 1 + test_random(&seed) % 40, 1 + i % 2, (pea__activation)(i / 2 % 4), &seed);
        double *sums = malloc((size_t)pea__batch_voxels(batch) * sizeof *sums);
        avoid_kinks(&p, sums);
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            test_run r = test_make_run(test_set(set, norm_f32), NULL, pea__norm_work(batch, p.channels));
            run_forward(&p, &r.run);
            check_forward(&p, sums);
            run_backward(&p, &r.run, i % 4 < 2);
            check_backward(&p, sums, &seed);
            test_free_run(&r);
        }
        free(sums);
        free_problem(&p);
    }
}

/* More voxels than a block has, and numbers far from 0: sums of squares without their mean would leave nothing. */
static void a_large_mean_leaves_the_variance_exact(void **state)
{
    const pea__batch batch = {2, 1, 60, 70};
    uint64_t seed = 2;
    (void)state;
    problem p = make_problem(batch, 5, 1, PEA__LINEAR, &seed);
    for (int64_t v = 0; v < pea__batch_voxels(batch); v++)
        for (int64_t c = 0; c < p.channels; c++)
            p.in[0].slice.data[v * p.in[0].slice.pitch + c] += 4096.0f;
    for (size_t set = 0; test_set(set, norm_f32); set++) {
        test_run r = test_make_run(test_set(set, norm_f32), NULL, pea__norm_work(batch, p.channels));
        run_forward(&p, &r.run);
        for (int64_t c = 0; c < p.channels; c++) {
            double mean, variance;
            textbook_statistics(&p, 0, c, (nudge){0, -3, 0}, &mean, &variance);
            assert_true(fabs((double)p.mean[0][c] - mean) <= 4.9e-4); /* what a float of 4096 can tell */
            assert_true(fabs((double)p.variance[0][c] / variance - 1) < 1e-5);
        }
        test_free_run(&r);
    }
    free_problem(&p);
}

static void equal_numbers_have_no_variance(void **state)
{
    const pea__batch batch = {1, 1, 3, 5};
    uint64_t seed = 3;
    (void)state;
    problem p = make_problem(batch, 20, 1, PEA__RELU, &seed);
    for (int64_t v = 0; v < pea__batch_voxels(batch); v++)
        for (int64_t c = 0; c < p.channels; c++)
            p.in[0].slice.data[v * p.in[0].slice.pitch + c] = 0.1f * (float)c;
    for (size_t set = 0; test_set(set, norm_f32); set++) {
        test_run r = test_make_run(test_set(set, norm_f32), NULL, pea__norm_work(batch, p.channels));
        run_forward(&p, &r.run);
        run_backward(&p, &r.run, false);
        for (int64_t c = 0; c < p.channels; c++) {
            assert_true(p.variance[0][c] >= 0.0f && p.variance[0][c] < 1e-12f);
            for (int64_t v = 0; v < pea__batch_voxels(batch); v++)
                assert_true(isfinite(test_image_at(&p.to[0], v, c)));
        }
        test_free_run(&r);
    }
    free_problem(&p);
}

static void running_statistics_take_the_unbiased_variance(void **state)
{
    float mean = 3.0f, variance = 8.0f, running_mean = 1.0f, running_variance = 2.0f;
    const pea__norm_layer norm = {.mean = &mean, .variance = &variance};
    (void)state;
    pea__norm_update_running(&norm, (pea__batch){1, 1, 1, 5}, 1, 0.1, &running_mean, &running_variance);
    assert_true(fabs((double)running_mean - 1.2) < 1e-6);
    assert_true(fabs((double)running_variance - (0.9 * 2 + 0.1 * 8 * 5 / 4)) < 1e-6);
}

static void a_batch_of_one_voxel_is_refused(void **state)
{
    const pea__batch batch = {1, 1, 1, 1};
    uint64_t seed = 4;
    pea_error err;
    (void)state;
    problem p = make_problem(batch, 2, 1, PEA__LINEAR, &seed);
    test_run r = test_make_run(pea__kernels_available(0), NULL, pea__norm_work(batch, 2));
    assert_fails(pea__norm_statistics(&r.run, batch, 2, &p.norms[0], &err), PEA_E_SHAPE, "at least 2 voxels in a channel");
    test_free_run(&r);
    free_problem(&p);
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    const pea__batch batch = {2, 3, 40, 50};
    uint64_t seed = 5;
    (void)state;
    problem p = make_problem(batch, 33, 2, PEA__ELU, &seed);
    const size_t bytes = test_image_bytes(&p.out), to_bytes = test_image_bytes(&p.to[1]);
    char *out = malloc(bytes), *to = malloc(to_bytes), gain[33 * sizeof(float)];
    for (int threads = 1; threads <= 4; threads++) {
        pea_context *context = test_context(threads, 0);
        test_run r = test_make_run(pea__kernels_available(0), context, pea__norm_work(batch, p.channels));
        run_forward(&p, &r.run);
        run_backward(&p, &r.run, true);
        if (threads == 1) {
            memcpy(out, p.out.slice.data, bytes);
            memcpy(to, p.to[1].slice.data, to_bytes);
            memcpy(gain, p.gain_to[0], sizeof gain);
        } else {
            assert_memory_equal(out, p.out.slice.data, bytes);
            assert_memory_equal(to, p.to[1].slice.data, to_bytes);
            assert_memory_equal(gain, p.gain_to[0], sizeof gain);
        }
        test_free_run(&r);
        pea_context_free(context);
    }
    free(out);
    free(to);
    free_problem(&p);
}

/* ---- activations alone, doubling and halving ---- */

static void activations_alone_go_backwards(void **state)
{
    const pea__batch batch = {2, 1, 30, 41};
    uint64_t seed = 6;
    pea_error err;
    (void)state;
    test_image out = test_make_image(batch, 19, &seed), g = test_make_image(batch, 19, &seed);
    test_image to = test_make_image(batch, 19, &seed);
    const pea__run run = {.kernels = pea__kernels_available(0), .to = 1.0};
    assert_ok(pea__activation_gradient(&run, batch, 19, PEA__ELU, out.slice, g.slice, to.slice, &err));
    for (int64_t v = 0; v < pea__batch_voxels(batch); v++)
        for (int64_t c = 0; c < 19; c++) {
            const double y = test_image_at(&out, v, c);
            assert_true(fabs(test_image_at(&to, v, c) - test_image_at(&g, v, c) * (y < 0 ? y + 1 : 1)) < 1e-6);
        }
    test_free_image(&out);
    test_free_image(&g);
    test_free_image(&to);
}

static void doubling_a_batch_is_linear_and_goes_back_by_its_transpose(void **state)
{
    uint64_t seed = 7;
    pea_error err;
    (void)state;
    for (int i = 0; i < 20; i++) {
        const pea__batch small = {1 + i % 3, 1 + i % 2, 1 + test_random(&seed) % 9, 1 + test_random(&seed) % 9};
        const pea__batch large = {small.n, small.z, 2 * small.y, 2 * small.x};
        const int64_t channels = 1 + test_random(&seed) % 40;
        test_image x = test_make_image(small, channels, &seed), to = test_make_image(small, channels, &seed);
        test_image y = test_make_image(large, channels, &seed), g = test_make_image(large, channels, &seed);
        test_image skip = test_make_image(large, channels, &seed);
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            const pea__kernels_table *k = test_set(set, norm_f32);
            test_run r = test_make_run(k, NULL, pea__upsample_forward_work(k, channels));
            assert_ok(pea__upsample_forward(&r.run, small, channels, x.slice, skip.slice, y.slice, &err));
            const double there = test_dot(&g, &y) - test_dot(&g, &skip);
            assert_ok(pea__upsample_gradient(&r.run, small, channels, g.slice, x.slice, to.slice, &err));
            assert_true(fabs(there - test_dot(&x, &to) + test_dot(&x, &x)) < 1e-4);
            test_free_run(&r);
        }
        test_image *const all[5] = {&x, &to, &y, &g, &skip};
        for (int k = 0; k < 5; k++)
            test_free_image(all[k]);
    }
}

/* The gradient of <g, pool(x)> is what it goes up by. */
static void halving_a_batch_goes_back_to_the_maxima(void **state)
{
    uint64_t seed = 8;
    pea_error err;
    (void)state;
    for (int i = 0; i < 12; i++) {
        const pea__batch large = {1 + i % 3, 1 + i % 2, 2 + 2 * (test_random(&seed) % 4), 2 + 2 * (test_random(&seed) % 4)};
        const pea__batch small = {large.n, large.z, large.y / 2, large.x / 2};
        const int64_t channels = 1 + test_random(&seed) % 40;
        test_image x = test_make_image(large, channels, &seed), to = test_make_image(large, channels, &seed);
        test_image y = test_make_image(small, channels, &seed), g = test_make_image(small, channels, &seed);
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            const pea__run run = {.kernels = test_set(set, norm_f32), .to = 1.0};
            assert_ok(pea__pool_forward(&run, large, channels, x.slice, y.slice, &err));
            assert_ok(pea__pool_gradient(&run, large, channels, x.slice, g.slice, NONE, to.slice, &err));
            assert_true(fabs(test_dot(&x, &to) - test_dot(&g, &y)) < 1e-4); /* each maximum is an input times 1 */
            for (int64_t v = 0; v < pea__batch_voxels(large); v++)
                for (int64_t c = 0; c < channels; c++)
                    assert_true(test_image_at(&to, v, c) == 0 || test_image_at(&x, v, c) ==
                                test_image_at(&y, v / large.x / 2 * small.x + v % large.x / 2, c));
        }
        test_image *const all[4] = {&x, &to, &y, &g};
        for (int k = 0; k < 4; k++)
            test_free_image(all[k]);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(norms_and_their_gradients_are_the_textbook_s),
    cmocka_unit_test(a_large_mean_leaves_the_variance_exact),
    cmocka_unit_test(equal_numbers_have_no_variance),
    cmocka_unit_test(running_statistics_take_the_unbiased_variance),
    cmocka_unit_test(a_batch_of_one_voxel_is_refused),
    cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
    cmocka_unit_test(activations_alone_go_backwards),
    cmocka_unit_test(doubling_a_batch_is_linear_and_goes_back_by_its_transpose),
    cmocka_unit_test(halving_a_batch_goes_back_to_the_maxima),
};

PEA_TEST_MAIN(tests)
