/* test_mean_shift.c - beside the rule written down without pieces or tables.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"
#include "pea/mean_shift.h"
#include "threads.h"

#include <math.h>

enum { MOST = 300, C = 3 };

static pea_error err;

/* Blobs around a few centres. */
static void make_points(uint64_t seed, int n, float *points)
{
    const int n_blobs = 1 + (int)(seed % 5);
    for (int i = 0; i < n * C; i++)
        points[i] = (float)((i / C % n_blobs * 7 + i % C * 3) % 11) * 0.9f +
                    (float)(test_random(&seed) % 1000) / 1000.0f * (0.5f + (float)(seed % 3));
}

static double distance(const double *a, const double *b)
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

/* Returns the number of labels. */
static uint32_t plain(const float *points, int n, double bandwidth, uint32_t *labels)
{
    static double at[MOST][C], seed[MOST][C];
    int64_t count[MOST];
    int n_seeds = 0, n_kept = 0;
    for (int i = 0; i < n; i++) {
        double cell[C];
        int known = 0;
        for (int k = 0; k < C; k++) {
            at[i][k] = (double)points[i * C + k];
            cell[k] = nearbyint(at[i][k] / bandwidth) * bandwidth;
        }
        while (known < n_seeds && distance(seed[known], cell) > 0.0)
            known++;
        if (known == n_seeds)
            memcpy(seed[n_seeds++], cell, sizeof cell);
    }
    if (n_seeds == n)
        memcpy(seed, at, sizeof at);
    for (int s = 0; s < n_seeds; s++) {
        double way = INFINITY;
        count[s] = 1;
        for (int i = 0; i < 300 && way > 1e-3 * bandwidth && count[s] > 0; i++) {
            double mean[C] = {0};
            count[s] = 0;
            for (int p = 0; p < n; p++) {
                const bool inside = distance(seed[s], at[p]) <= bandwidth;
                count[s] += inside;
                for (int k = 0; k < C; k++)
                    mean[k] += inside ? at[p][k] : 0.0;
            }
            for (int k = 0; k < C && count[s]; k++)
                mean[k] /= (double)count[s];
            if (count[s]) {
                way = distance(mean, seed[s]);
                memcpy(seed[s], mean, sizeof mean);
            }
        }
    }
    for (;;) { /* the largest that is left stays and removes those near it */
        int best = -1;
        for (int s = n_kept; s < n_seeds; s++) {
            int order = best < 0 ? 1 : (count[s] > count[best]) - (count[s] < count[best]);
            for (int k = 0; k < C && order == 0; k++)
                order = (seed[s][k] > seed[best][k]) - (seed[s][k] < seed[best][k]);
            best = count[s] > 0 && order > 0 ? s : best;
        }
        if (best < 0)
            break;
        double chosen[C];
        memcpy(chosen, seed[best], sizeof chosen);
        memcpy(seed[best], seed[n_kept], sizeof chosen);
        count[best] = count[n_kept];
        memcpy(seed[n_kept], chosen, sizeof chosen);
        n_kept++;
        for (int s = n_kept; s < n_seeds; s++)
            count[s] = distance(seed[s], chosen) <= bandwidth ? 0 : count[s];
    }
    for (int p = 0; p < n; p++) {
        labels[p] = 1;
        for (int k = 1; k < n_kept; k++)
            if (distance(seed[k], at[p]) < distance(seed[labels[p] - 1], at[p]))
                labels[p] = (uint32_t)k + 1;
    }
    return (uint32_t)n_kept;
}

static void clusters_equal_the_plain_rule(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        const int n = 1 + (int)(seed * 37 % MOST);
        const double bandwidth = seed % 4 ? 1.5 : 0.05 * (double)(seed % 9 + 1);
        float points[MOST * C];
        uint32_t labels[MOST], expected[MOST], n_labels;
        pea_mean_shift_options options = pea_mean_shift_options_default();
        make_points(seed, n, points);
        options.bandwidth = bandwidth;
        assert_ok(pea_mean_shift(&(pea_array){points, PEA_FLOAT32, {1, 1, n, C}}, NULL, &options, NULL,
                                 &(pea_array){labels, PEA_UINT32, {1, 1, n, 1}}, &n_labels, &err));
        assert_int_equal(n_labels, plain(points, n, bandwidth, expected));
        assert_memory_equal(labels, expected, (size_t)n * sizeof *labels);
    }
}

static void background_is_left_out(void **state)
{
    (void)state;
    float points[4 * C] = {0, 0, 0, NAN, 0, 0, 9, 9, 9, 0, 0, 0.1f};
    uint8_t mask[] = {1, 0, 1, 255}, nothing[4] = {0};
    uint32_t labels[4], n;
    const pea_array e = {points, PEA_FLOAT32, {1, 2, 2, C}}, l = {labels, PEA_UINT32, {1, 2, 2, 1}};
    assert_ok(pea_mean_shift(&e, &(pea_array){mask, PEA_UINT8, {1, 2, 2, 1}}, NULL, NULL, &l, &n, &err));
    assert_true(n == 2 && labels[0] == 1 && labels[1] == 0 && labels[2] == 2 && labels[3] == 1);
    assert_ok(pea_mean_shift(&e, &(pea_array){nothing, PEA_UINT8, {1, 2, 2, 1}}, NULL, NULL, &l, &n, &err));
    assert_true(n == 0 && labels[0] == 0);
    assert_fails(pea_mean_shift(&e, NULL, NULL, NULL, &l, &n, &err), PEA_E_FORMAT, "y 0, x 1, component 0");
    pea_mean_shift_options options = pea_mean_shift_options_default();
    options.bandwidth = 0.0;
    assert_fails(pea_mean_shift(&e, NULL, &options, NULL, &l, &n, &err), PEA_E_ARG, "bandwidth");
    pea_context *context = test_context(1, 10);
    assert_fails(pea_mean_shift(&e, NULL, NULL, context, &l, &n, &err), PEA_E_LIMIT, "limit is 10");
    pea_context_free(context);
}

/* In the corner of a cell of six components: farther from its middle than the bandwidth. */
static void points_far_from_the_middle_of_their_cell_are_labelled(void **state)
{
    (void)state;
    float points[2 * 6];
    uint32_t labels[2] = {9, 9}, n = 9;
    for (int i = 0; i < 12; i++)
        points[i] = 0.7f;
    assert_ok(pea_mean_shift(&(pea_array){points, PEA_FLOAT32, {1, 1, 2, 6}}, NULL, NULL, NULL,
                             &(pea_array){labels, PEA_UINT32, {1, 1, 2, 1}}, &n, &err));
    assert_true(n == 1 && labels[0] == 1 && labels[1] == 1);
}

enum { LARGE = 90000 };

static pea_status run_large(void *argument, pea_context *context, pea_error *error)
{
    uint32_t *labels = malloc(LARGE * sizeof *labels);
    const pea_status status = pea_mean_shift(&(pea_array){argument, PEA_FLOAT32, {1, 1, LARGE, C}}, NULL, NULL, context,
                                             &(pea_array){labels, PEA_UINT32, {1, 1, LARGE, 1}}, NULL, error);
    free(labels);
    return status;
}

static void many_points_can_be_stopped(void **state)
{
    (void)state;
    float *points = malloc(LARGE * C * sizeof *points);
    make_points(4, LARGE, points);
    assert_can_be_heard_and_stopped("mean shift", run_large, points);
    free(points);
}

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    float *points = malloc(LARGE * C * sizeof *points);
    uint32_t *labels = malloc(4 * LARGE * sizeof *labels);
    make_points(3, LARGE, points);
    for (int i = 0; i < 4; i++) {
        pea_context *context = test_context(i + 1, 0);
        assert_ok(pea_mean_shift(&(pea_array){points, PEA_FLOAT32, {1, 1, LARGE, C}}, NULL, NULL, context,
                                 &(pea_array){labels + i * LARGE, PEA_UINT32, {1, 1, LARGE, 1}}, NULL, &err));
        assert_memory_equal(labels, labels + i * LARGE, LARGE * sizeof *labels);
        pea_context_free(context);
    }
    free(labels);
    free(points);
}

static pea_status run_small(void *argument, pea_error *error)
{
    uint32_t labels[MOST];
    return pea_mean_shift(&(pea_array){argument, PEA_FLOAT32, {1, 1, MOST, C}}, NULL, NULL, NULL,
                          &(pea_array){labels, PEA_UINT32, {1, 1, MOST, 1}}, NULL, error);
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    float points[MOST * C];
    make_points(3, MOST, points);
    assert_true(test_each_allocation_failing(run_small, points, 30) >= 12);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(clusters_equal_the_plain_rule),
    cmocka_unit_test(background_is_left_out),
    cmocka_unit_test(points_far_from_the_middle_of_their_cell_are_labelled),
    cmocka_unit_test(many_points_can_be_stopped),
    cmocka_unit_test(the_number_of_threads_changes_nothing),
    cmocka_unit_test(failing_memory_leaks_nothing),
};

PEA_TEST_MAIN(tests)
