/* test_embedding_rgb.c - embeddings as colours: against a plain principal component analysis, and at its limits.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include <math.h>

#include "array/array.h"
#include "pea/segment.h"

/* ---- the textbook ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Components one by one, by power iteration with the ones before taken out; percentiles by sorting. */
static void expect(const float *e, int n, int c, double *colours)
{
    double *unit = calloc((size_t)(n * c), sizeof *unit), *mean = calloc((size_t)c, sizeof *mean),
           *s = calloc((size_t)(c * c), sizeof *s), *v = calloc((size_t)c, sizeof *v),
           *w = calloc((size_t)c, sizeof *w), *p = calloc((size_t)n, sizeof *p),
           *sorted = calloc((size_t)n, sizeof *sorted);
    for (int i = 0; i < n; i++) {
        double square = 0.0;
        for (int j = 0; j < c; j++)
            square += (double)e[i * c + j] * (double)e[i * c + j];
        for (int j = 0; j < c; j++) {
            unit[i * c + j] = (double)e[i * c + j] / fmax(sqrt(square), 1e-12);
            mean[j] += unit[i * c + j] / n;
        }
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < c; j++)
            for (int k = 0; k < c; k++)
                s[j * c + k] += (unit[i * c + j] - mean[j]) * (unit[i * c + k] - mean[k]) / n;
    for (int component = 0; component < 3; component++) {
        double value = 0.0;
        for (int j = 0; j < c; j++)
            v[j] = 1.0 + 0.1 * j;
        for (int iteration = 0; iteration < 2000; iteration++) {
            double length = 0.0;
            for (int j = 0; j < c; j++) {
                w[j] = 0.0;
                for (int k = 0; k < c; k++)
                    w[j] += s[j * c + k] * v[k];
                length += w[j] * w[j];
            }
            value = sqrt(length);
            for (int j = 0; j < c && value > 0.0; j++)
                v[j] = w[j] / value;
        }
        int largest = 0;
        for (int j = 0; j < c; j++) {
            largest = fabs(v[j]) > fabs(v[largest]) ? j : largest;
            for (int k = 0; k < c; k++)
                s[j * c + k] -= value * v[j] * v[k];
        }
        for (int i = 0; i < n; i++) {
            p[i] = 0.0;
            for (int j = 0; j < c; j++)
                p[i] += (unit[i * c + j] - mean[j]) * v[j] * (v[largest] < 0.0 ? -1.0 : 1.0);
            sorted[i] = p[i];
        }
        qsort(sorted, (size_t)n, sizeof *sorted, ascending);
        const double low = sorted[n / 100], high = sorted[n - 1 - n / 100];
        for (int i = 0; i < n; i++)
            colours[3 * i + component] = fmin(fmax((p[i] - low) / (high - low) * 256.0, 0.0), 255.0);
    }
    free(unit);
    free(mean);
    free(s);
    free(v);
    free(w);
    free(p);
    free(sorted);
}

/* Numbers that vary differently in each channel, along axes that are none of the channels. */
static float *cloud(int n, int c)
{
    float *e = malloc((size_t)(n * c) * sizeof *e);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < c; j++) {
            double sum = 0.4;
            for (int k = 0; k < 4 && k < c; k++)
                sum += (test_u((uint32_t)k, (uint32_t)i) - 0.5) / (1 + 2 * k) *
                       (test_u(100, (uint32_t)(k * 64 + j)) - 0.4);
            e[i * c + j] = (float)(sum * (1.0 + test_u(200, (uint32_t)i))); /* lengths do not count */
        }
    return e;
}

static void colours_are_principal_components(void **state)
{
    const int channels[] = {4, 16, 40};
    enum { Y = 60, X = 70, N = Y * X };
    static uint8_t picture[3 * N];
    static double expected[3 * N];
    (void)state;
    for (int i = 0; i < 3; i++) {
        pea_error err;
        const int c = channels[i];
        float *e = cloud(N, c);
        const pea_array embedding = {e, PEA_FLOAT32, {1, Y, X, c}}, out = {picture, PEA_UINT8, {1, Y, X, 3}};
        assert_ok(pea_embedding_rgb(&embedding, NULL, &out, &err));
        expect(e, N, c, expected);
        for (int p = 0; p < 3 * N; p++)
            if (fabs((double)picture[p] - expected[p]) > 2.5)
                fail_msg("%d channels, voxel %d, colour %d: %d, not %g", c, p / 3, p % 3, picture[p], expected[p]);
        free(e);
    }
}

/* A cross: three pairs of ends, far, nearer and nearest to the middle, along three directions. */
static void known_directions_become_red_green_and_blue(void **state)
{
    enum { N = 600, C = 5 };
    static float e[N * C];
    static uint8_t picture[3 * N];
    pea_error err;
    (void)state;
    for (int i = 0; i < N; i++) {
        const double reach[3] = {0.2, 0.1, 0.05}, side = i % 2 ? 1.0 : -1.0;
        const int direction = i / 2 % 3;
        e[i * C] = 1.0f;
        e[i * C + 4 - direction] = (float)(side * reach[direction]); /* channel 4, 3, 2 */
    }
    const pea_array embedding = {e, PEA_FLOAT32, {2, 30, 10, C}}, out = {picture, PEA_UINT8, {2, 30, 10, 3}};
    assert_ok(pea_embedding_rgb(&embedding, NULL, &out, &err));
    for (int i = 0; i < N; i++) {
        const int direction = i / 2 % 3;
        for (int k = 0; k < 3; k++)
            if (k == direction)
                assert_true(i % 2 ? picture[3 * i + k] >= 250 : picture[3 * i + k] <= 5);
            else
                assert_in_range(picture[3 * i + k], 110, 145);
    }
}

static void same_picture_for_any_number_of_threads(void **state)
{
    enum { Z = 3, Y = 150, X = 201, C = 16, N = Z * Y * X };
    static uint8_t first[3 * N], again[3 * N];
    float *e = cloud(N, C);
    const pea_array embedding = {e, PEA_FLOAT32, {Z, Y, X, C}};
    pea_error err;
    (void)state;
    assert_ok(pea_embedding_rgb(&embedding, NULL, &(pea_array){first, PEA_UINT8, {Z, Y, X, 3}}, &err));
    for (int n_threads = 2; n_threads < 8; n_threads += 2) {
        pea_context *context;
        pea_context_options options = pea_context_options_default();
        options.n_threads = n_threads;
        assert_ok(pea_context_new(&options, &context, &err));
        assert_ok(pea_embedding_rgb(&embedding, context, &(pea_array){again, PEA_UINT8, {Z, Y, X, 3}}, &err));
        assert_memory_equal(first, again, sizeof first);
        pea_context_free(context);
    }
    free(e);
}

static void what_does_not_vary_is_black(void **state)
{
    enum { N = 5000 };
    static float e[N * 3];
    static uint8_t picture[3 * N];
    pea_error err;
    (void)state;
    for (int c = 1; c <= 3; c++)
        for (int kind = 0; kind < 3; kind++) { /* constant but for the length; zero; numbers that are none */
            for (int i = 0; i < N * c; i++)
                e[i] = kind == 0 ? 0.3f * (float)(i % c + 1) * (float)(1 + i / c % 5) : kind == 1 ? 0.0f : NAN;
            memset(picture, 1, sizeof picture);
            assert_ok(pea_embedding_rgb(&(pea_array){e, PEA_FLOAT32, {1, 50, 100, c}}, NULL,
                                        &(pea_array){picture, PEA_UINT8, {1, 50, 100, 3}}, &err));
            for (int i = 0; i < 3 * N; i++)
                assert_int_equal(picture[i], 0);
        }
}

/* One channel has two directions only, up and down; infinite vectors stay black and change nothing else. */
static void few_channels_and_strange_numbers_are_fine(void **state)
{
    float e[8] = {1, -2, 3, -4, INFINITY, 3e38f, NAN, -1e-30f};
    uint8_t picture[24];
    pea_error err;
    (void)state;
    assert_ok(pea_embedding_rgb(&(pea_array){e, PEA_FLOAT32, {1, 2, 4, 1}}, NULL,
                                &(pea_array){picture, PEA_UINT8, {1, 2, 4, 3}}, &err));
    const uint8_t red[8] = {255, 0, 255, 0, 0, 255, 0, picture[21]};
    for (int i = 0; i < 8; i++)
        assert_true(picture[3 * i] == red[i] && picture[3 * i + 1] == 0 && picture[3 * i + 2] == 0);
    assert_ok(pea_embedding_rgb(&(pea_array){e, PEA_FLOAT32, {1, 1, 1, 8}}, NULL,
                                &(pea_array){picture, PEA_UINT8, {1, 1, 1, 3}}, &err)); /* a single voxel */
}

static void inputs_that_do_not_fit_are_refused(void **state)
{
    float e[8] = {0};
    uint8_t p[24];
    pea_error err;
    const pea_array embedding = {e, PEA_FLOAT32, {1, 2, 2, 2}};
    (void)state;
    assert_fails(pea_embedding_rgb(&embedding, NULL, &(pea_array){p, PEA_UINT8, {1, 2, 2, 1}}, &err), PEA_E_SHAPE,
                 "3 channels");
    assert_fails(pea_embedding_rgb(&embedding, NULL, &(pea_array){p, PEA_UINT8, {1, 2, 1, 3}}, &err), PEA_E_SHAPE,
                 "picture is 1 x 2 x 1");
    assert_fails(pea_embedding_rgb(&embedding, NULL, &embedding, &err), PEA_E_DTYPE, "picture must be uint8");
    assert_fails(pea_embedding_rgb(&(pea_array){p, PEA_UINT8, {1, 2, 2, 3}}, NULL, &embedding, &err), PEA_E_DTYPE,
                 "embedding must be float32");
    assert_fails(pea_embedding_rgb(&(pea_array){e, PEA_FLOAT32, {1, 1, 1, 513}}, NULL,
                                   &(pea_array){p, PEA_UINT8, {1, 1, 1, 3}}, &err), PEA_E_SHAPE, "up to 512 numbers");
}

static pea_status show(void *argument, pea_context *context, pea_error *err)
{
    const pea_array *both = argument;
    return pea_embedding_rgb(&both[0], context, &both[1], err);
}

static pea_status show_alone(void *argument, pea_error *err)
{
    return show(argument, NULL, err);
}

static void every_refused_allocation_leaves_nothing_behind(void **state)
{
    static float e[64] = {1, 2, 3};
    static uint8_t p[48];
    pea_array both[2] = {{e, PEA_FLOAT32, {1, 4, 4, 4}}, {p, PEA_UINT8, {1, 4, 4, 3}}};
    (void)state;
    assert_true(test_each_allocation_failing(show_alone, both, 20) > 6);
}

static void showing_can_be_heard_and_stopped(void **state)
{
    enum { SIDE = 900, C = 16 };
    float *e = cloud(SIDE * SIDE, C);
    uint8_t *p = malloc(3 * SIDE * SIDE);
    pea_array both[2] = {{e, PEA_FLOAT32, {1, SIDE, SIDE, C}}, {p, PEA_UINT8, {1, SIDE, SIDE, 3}}};
    (void)state;
    assert_can_be_heard_and_stopped("draw", show, both);
    free(e);
    free(p);
}

static void many_channels_can_be_stopped_too(void **state)
{
    enum { SIDE = 30, C = 200 };
    float *e = cloud(SIDE * SIDE, C);
    static uint8_t p[3 * SIDE * SIDE];
    pea_array both[2] = {{e, PEA_FLOAT32, {1, SIDE, SIDE, C}}, {p, PEA_UINT8, {1, SIDE, SIDE, 3}}};
    (void)state;
    for (int i = 0; i < SIDE * SIDE * C; i++)
        e[i] = (float)test_u(3, (uint32_t)i) - 0.5f;
    assert_can_be_heard_and_stopped("draw", show, both);
    free(e);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(colours_are_principal_components),
    cmocka_unit_test(known_directions_become_red_green_and_blue),
    cmocka_unit_test(same_picture_for_any_number_of_threads),
    cmocka_unit_test(what_does_not_vary_is_black),
    cmocka_unit_test(few_channels_and_strange_numbers_are_fine),
    cmocka_unit_test(inputs_that_do_not_fit_are_refused),
    cmocka_unit_test(every_refused_allocation_leaves_nothing_behind),
    cmocka_unit_test(showing_can_be_heard_and_stopped),
    cmocka_unit_test(many_channels_can_be_stopped_too),
};

PEA_TEST_MAIN(tests)
