/* test_small_kernels.c - dot products, doubling, halving and activations of every kernel set; which set is chosen.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel_sets.h"
#include "test.h"

#include <math.h>

#include "kernel/kernel.h"
#include "pea/cpu.h"

static float random_float(uint64_t *state)
{
    return (float)test_random(state) / 1073741824.0f - 1.0f;
}

/* An exact copy on the heap, so that AddressSanitizer sees reads beyond its end. */
static float *random_floats(int64_t n, uint64_t *state)
{
    float *made = malloc((size_t)n * sizeof *made);
    for (int64_t i = 0; i < n; i++)
        made[i] = random_float(state);
    return made;
}

static void dots_are_the_dots_of_each_voxel(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (size_t set = 0; test_set(set, dots_f32); set++)
        for (int64_t channels = 1; channels <= 67; channels++) {
            const pea__kernels_table *k = test_set(set, dots_f32);
            const int64_t n = 1 + test_random(&seed) % 40, pitch = channels + test_random(&seed) % 5, stride = 3;
            float *a = random_floats((n - 1) * pitch + channels, &seed);
            float *b = random_floats((n - 1) * pitch + channels, &seed);
            float *out = random_floats((n - 1) * stride + 1, &seed);
            k->dots_f32(a, b, pitch, channels, n, out, stride);
            for (int64_t i = 0; i < n; i++) {
                double want = 0;
                for (int64_t c = 0; c < channels; c++)
                    want += (double)a[i * pitch + c] * (double)b[i * pitch + c];
                assert_true(fabs((double)out[i * stride] - want) <= 2e-7 * (double)channels);
            }
            free(a);
            free(b);
            free(out);
        }
}

/* ---- doubling and halving ---- */

static double corner_aligned(const pea__resize *r, int64_t z, int64_t y, int64_t x, int64_t c)
{
    const int64_t out_ny = 2 * r->ny, out_nx = 2 * r->nx;
    const double at_y = (double)y * (double)(r->ny - 1) / (double)(out_ny - 1);
    const double at_x = (double)x * (double)(r->nx - 1) / (double)(out_nx - 1);
    double sum = 0;
    for (int64_t iy = 0; iy < r->ny; iy++)
        for (int64_t ix = 0; ix < r->nx; ix++) /* tents of width 1 around each input */
            sum += fmax(0, 1 - fabs(at_y - (double)iy)) * fmax(0, 1 - fabs(at_x - (double)ix)) *
                   (double)r->in[((z * r->ny + iy) * r->nx + ix) * r->in_pitch + c];
    return sum;
}

static void doubling_aligns_corners(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 60; i++) {
        pea__resize r = {.nz = 1 + i % 2, .ny = 1 + test_random(&seed) % 5, .nx = 1 + test_random(&seed) % 5,
                         .channels = 1 + test_random(&seed) % 40};
        r.in_pitch = r.channels + test_random(&seed) % 4;
        r.out_pitch = r.channels + test_random(&seed) % 4;
        const int64_t n_out = r.nz * r.ny * r.nx * 4;
        float *in = random_floats((r.nz * r.ny * r.nx - 1) * r.in_pitch + r.channels, &seed);
        float *out = random_floats((n_out - 1) * r.out_pitch + r.channels, &seed);
        r.in = in;
        r.out = out;
        for (size_t set = 0; test_set(set, upsample_f32); set++) {
            for (int64_t row = 0; row < r.nz * 2 * r.ny; row++)
                test_set(set, upsample_f32)->upsample_f32(&r, row);
            for (int64_t v = 0; v < n_out; v++)
                for (int64_t c = 0; c < r.channels; c++) {
                    const int64_t x = v % (2 * r.nx), y = v / (2 * r.nx) % (2 * r.ny), z = v / (4 * r.nx * r.ny);
                    assert_true(fabs((double)out[v * r.out_pitch + c] - corner_aligned(&r, z, y, x, c)) < 4e-7);
                }
        }
        free(in);
        free(out);
    }
}

static void doubling_adds_and_activates(void **state)
{
    uint64_t seed = 4;
    const int64_t channels = 21;
    float *in = random_floats(4 * channels, &seed), *out = random_floats(16 * channels, &seed);
    float *skip = random_floats(16 * channels, &seed), *scale = random_floats(32, &seed);
    (void)state;
    const pea__resize r = {.nz = 1, .ny = 2, .nx = 2, .channels = channels, .in = in, .in_pitch = channels, .out = out,
                           .out_pitch = channels, .epilogue = {.activation = PEA__ELU, .n_activated = channels, .residual = skip,
                                                            .residual_pitch = channels, .residual_scale = scale}};
    for (size_t set = 0; test_set(set, upsample_f32); set++) {
        for (int64_t row = 0; row < 4; row++)
            test_set(set, upsample_f32)->upsample_f32(&r, row);
        for (int64_t i = 0; i < 16 * channels; i++) {
            const double v = corner_aligned(&r, 0, i / channels / 4, i / channels % 4, i % channels) +
                             (double)scale[i % channels] * (double)skip[i];
            assert_true(fabs((double)out[i] - (v > 0 ? v : expm1(v))) < 1e-6);
        }
    }
    free(in);
    free(out);
    free(skip);
    free(scale);
}

/* Each row by itself, the inputs that it needs and no others in memory, and the output in the only row there is. */
static void rows_alone_give_the_bytes_of_the_whole(void **state)
{
    uint64_t seed = 6;
    const int64_t ny = 10, nx = 6, channels = 19, row = nx * channels, places[2] = {1, 0};
    const pea__rows one_row = {places + 1, 0}, two_rows = {places, 1};
    float *in = random_floats(ny * row, &seed), *out = random_floats(4 * ny * row, &seed);
    float *few = random_floats(2 * row, &seed), *one = random_floats(2 * row, &seed), *skip = random_floats(4 * ny * row, &seed);
    float *scale = random_floats(32, &seed);
    (void)state;
    pea__resize whole = {.nz = 1, .ny = ny, .nx = nx, .channels = channels, .in = in, .in_pitch = channels, .out = out,
                         .out_pitch = channels, .epilogue = {.n_activated = channels, .residual = skip,
                                                             .residual_pitch = channels, .residual_scale = scale}};
    for (size_t set = 0; test_set(set, pool_f32); set++)
        for (int halve = 0; halve < 2; halve++)
            for (int64_t y = 0; y < (halve ? ny / 2 : 2 * ny); y++) {
                const pea__kernels_table *k = test_set(set, pool_f32);
                const int64_t first = halve ? 2 * y : pea__upsample_position(y, ny, 2 * ny).low;
                const int64_t out_row = halve ? row / 2 : 2 * row;
                pea__resize alone = whole;
                alone.in = few;
                alone.out = one;
                alone.in_rows = &two_rows;
                alone.out_rows = &one_row;
                alone.epilogue.residual = skip + y * out_row;
                alone.epilogue.residual_rows = &one_row;
                for (int64_t i = first; i < first + 2; i++)
                    memcpy(few + places[i % 2] * row, in + i % ny * row, (size_t)row * sizeof *in);
                (halve ? k->pool_f32 : k->upsample_f32)(&whole, y);
                (halve ? k->pool_f32 : k->upsample_f32)(&alone, y);
                assert_memory_equal(one, out + y * out_row, (size_t)out_row * sizeof *out);
            }
    free(in);
    free(out);
    free(few);
    free(one);
    free(skip);
    free(scale);
}

static void halving_takes_the_largest_of_four(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int i = 0; i < 40; i++) {
        pea__resize r = {.nz = 1 + i % 3, .ny = 2 * (1 + test_random(&seed) % 4), .nx = 2 * (1 + test_random(&seed) % 4),
                         .channels = 1 + test_random(&seed) % 40};
        r.in_pitch = r.channels + test_random(&seed) % 4;
        r.out_pitch = r.channels + test_random(&seed) % 4;
        const int64_t n_out = r.nz * r.ny / 2 * (r.nx / 2);
        float *in = random_floats((r.nz * r.ny * r.nx - 1) * r.in_pitch + r.channels, &seed);
        float *out = random_floats((n_out - 1) * r.out_pitch + r.channels, &seed);
        r.in = in;
        r.out = out;
        for (size_t set = 0; test_set(set, pool_f32); set++) {
            for (int64_t row = 0; row < r.nz * r.ny / 2; row++)
                test_set(set, pool_f32)->pool_f32(&r, row);
            for (int64_t v = 0; v < n_out; v++)
                for (int64_t c = 0; c < r.channels; c++) {
                    const int64_t x = v % (r.nx / 2), row = v / (r.nx / 2);
                    const float *a = in + (2 * row * r.nx + 2 * x) * r.in_pitch + c, *b = a + r.nx * r.in_pitch;
                    const float want = fmaxf(fmaxf(a[0], a[r.in_pitch]), fmaxf(b[0], b[r.in_pitch]));
                    assert_true(out[v * r.out_pitch + c] == want);
                }
        }
        free(in);
        free(out);
    }
}

/* ---- activations: through a 1x1x1 convolution with weight 1 ---- */

static void activate_all(const pea__kernels_table *kernels, pea__activation activation, const float *in, float *out,
                         int64_t n)
{
    float weights[64] = {0}, bias[64] = {0};
    const float one = 1.0f;
    const double scale = 1.0;
    const pea__conv_shape shape = {.in_channels = 1, .out_channels = 1, .kz = 1, .ky = 1, .kx = 1};
    pea__conv_pack(&shape, &one, &scale, kernels->lanes, weights);
    const pea__conv conv = {.shape = shape, .nz = 1, .ny = 1, .nx = n, .weights = weights, .bias = bias, .in = in,
                            .in_pitch = 1, .out = out, .out_pitch = 1,
                            .epilogue = {.activation = activation, .n_activated = 1}};
    kernels->conv_f32(&conv, (pea__tile){0, 1, 0, 1, 0, n}, NULL);
}

static void activations_are_exact_to_a_few_last_digits(void **state)
{
    enum { N = 200000 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    (void)state;
    for (int i = 0; i < N; i++) /* both signs, 1e-12 .. 80 */
        x[i] = (float)((i % 2 ? -1 : 1) * pow(10, -12 + 13.9 * i / N));
    for (size_t set = 0; test_set(set, conv_f32); set++) {
        activate_all(test_set(set, conv_f32), PEA__ELU, x, y, N);
        for (int i = 0; i < N; i++) {
            const double want = x[i] > 0 ? (double)x[i] : expm1((double)x[i]);
            assert_true(fabs((double)y[i] - want) <= 2.4e-7 * fabs(want));
        }
        activate_all(test_set(set, conv_f32), PEA__SIGMOID, x, y, N);
        for (int i = 0; i < N; i++) {
            const double want = 1 / (1 + exp(-(double)x[i]));
            assert_true(fabs((double)y[i] - want) <= 4e-7 * want);
        }
    }
    free(x);
    free(y);
}

static void activations_of_extremes_are_sane(void **state)
{
    const float x[8] = {INFINITY, -INFINITY, 3e38f, -3e38f, 0.0f, -0.0f, 1e-40f, -1e-40f};
    static const float relu[8] = {INFINITY, 0, 3e38f, 0, 0, 0, 1e-40f, 0};
    static const float elu[8] = {INFINITY, -1, 3e38f, -1, 0, 0, 1e-40f, -1e-40f};
    static const float sigmoid[8] = {1, 0, 1, 0, 0.5f, 0.5f, 0.5f, 0.5f};
    float y[8];
    (void)state;
    for (size_t set = 0; test_set(set, conv_f32); set++) {
        const pea__kernels_table *k = test_set(set, conv_f32);
        activate_all(k, PEA__RELU, x, y, 8);
        for (int i = 0; i < 8; i++)
            assert_true(y[i] == relu[i]);
        activate_all(k, PEA__ELU, x, y, 8);
        for (int i = 0; i < 8; i++)
            assert_true(y[i] == elu[i] || fabsf(y[i] - elu[i]) < 1e-38f);
        activate_all(k, PEA__SIGMOID, x, y, 8);
        for (int i = 0; i < 8; i++)
            assert_true(fabsf(y[i] - sigmoid[i]) < 1e-37f);
    }
}

static void what_is_no_number_stays_none(void **state)
{
    const float x[3] = {NAN, 1.0f, NAN};
    float y[3];
    (void)state;
    for (size_t set = 0; test_set(set, conv_f32); set++)
        for (int activation = PEA__LINEAR; activation <= PEA__SIGMOID; activation++) {
            activate_all(test_set(set, conv_f32), (pea__activation)activation, x, y, 3);
            assert_true(isnan(y[0]) && !isnan(y[1]) && isnan(y[2]));
        }
}

/* ---- the choice ---- */

static void the_set_in_use_is_the_best_or_the_one_wished_for(void **state)
{
    const char *wish = getenv("PEA_CPU"), *expected = pea__kernels_available(0)->name;
    size_t n = 0;
    (void)state;
    for (; pea__kernels_available(n); n++)
        if (wish && strcmp(pea__kernels_available(n)->name, wish) == 0)
            expected = wish;
    assert_string_equal(pea_cpu_kernels(), expected);
    assert_string_equal(pea__kernels()->name, expected);
    assert_string_equal(pea__kernels_available(n - 1)->name, "scalar");
    assert_null(pea__kernels_available(1000));
    assert_non_null(pea_cpu_features());
    print_message("sets: ");
    for (size_t i = 0; i < n; i++)
        print_message("%s ", pea__kernels_available(i)->name);
    print_message("(features: %s)\n", pea_cpu_features());
}

static void no_set_lacks_a_kernel(void **state)
{
    (void)state;
    for (size_t set = 0; pea__kernels_available(set); set++) {
        const pea__kernels_table *k = pea__kernels_available(set);
        assert_true(k->lanes >= 1);
#define PEA__KERNEL(type, kernel, parameters) assert_true(k->kernel != NULL);
#include "kernel/kernels.def"
#undef PEA__KERNEL
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(dots_are_the_dots_of_each_voxel),
    cmocka_unit_test(doubling_aligns_corners),
    cmocka_unit_test(doubling_adds_and_activates),
    cmocka_unit_test(rows_alone_give_the_bytes_of_the_whole),
    cmocka_unit_test(halving_takes_the_largest_of_four),
    cmocka_unit_test(activations_are_exact_to_a_few_last_digits),
    cmocka_unit_test(activations_of_extremes_are_sane),
    cmocka_unit_test(what_is_no_number_stays_none),
    cmocka_unit_test(the_set_in_use_is_the_best_or_the_one_wished_for),
    cmocka_unit_test(no_set_lacks_a_kernel),
};

PEA_TEST_MAIN(tests)
