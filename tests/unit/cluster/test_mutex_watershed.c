/* test_mutex_watershed.c - the partition: check values, golden cases, and thousands of small graphs beside the
 * textbook.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "example.h"
#include "plain.h"
#include "random_case.h"
#include "read_npy.h"
#include "textbook.h"

#include <math.h>

#include "cluster/cluster.h"
#include "threads.h"

static pea_error err;

/* Labels of a graph held in plain arrays. */
static pea_status run_as(const void *affinity, pea_dtype dtype, pea_dims d, const pea_offsets *offsets,
                         const uint8_t *mask, const int stride[3], double cut, pea_context *context, uint32_t *labels,
                         uint32_t *n_labels)
{
    const pea_array a = {(void *)affinity, dtype, {d.z, d.y, d.x, (int64_t)offsets->n}};
    const pea_array m = {(void *)mask, PEA_UINT8, {d.z, d.y, d.x, 1}}, l = {labels, PEA_UINT32, {d.z, d.y, d.x, 1}};
    pea_mutex_options options = pea_mutex_options_default();
    memcpy(options.stride, stride, sizeof options.stride);
    options.cut = cut;
    return pea_mutex_watershed(&a, offsets, mask ? &m : NULL, &options, context, &l, n_labels, &err);
}

static pea_status run(const float *affinity, pea_dims d, const pea_offsets *offsets, const uint8_t *mask,
                      const int stride[3], pea_context *context, uint32_t *labels, uint32_t *n_labels)
{
    return run_as(affinity, PEA_FLOAT32, d, offsets, mask, stride, 0.5, context, labels, n_labels);
}

static const pea_dims example_dims = {1, EXAMPLE_Y, EXAMPLE_X, 1};

static int64_t count_edges(const float *affinity, const pea_offsets *offsets, const uint8_t *mask, int stride_y,
                           int stride_x)
{
    static textbook_edge edges[EXAMPLE_N * 8];
    return (int64_t)textbook_edges(affinity, example_dims, offsets, mask, (int[]){1, stride_y, stride_x}, 0.5, edges);
}

static void assert_row(const uint32_t *labels, int y, const uint32_t expected[EXAMPLE_X])
{
    for (int x = 0; x < EXAMPLE_X; x++)
        assert_int_equal(labels[y * EXAMPLE_X + x], expected[x]);
}

static void check_value_a(void **state)
{
    (void)state;
    float affinity[EXAMPLE_N * 4];
    uint32_t labels[EXAMPLE_N], n;
    const pea_offsets offsets = example_offsets(4);
    example_affinity(&offsets, affinity);
    assert_int_equal(count_edges(affinity, &offsets, NULL, 1, 1), 656);
    assert_ok(run(affinity, example_dims, &offsets, NULL, (int[]){1, 1, 1}, NULL, labels, &n));
    assert_int_equal(n, 19);
    assert_row(labels, 0, (uint32_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3});
    assert_row(labels, 1, (uint32_t[]){4, 5, 5, 5, 5, 6, 1, 7, 7, 2, 2, 8, 8, 3, 3, 3});
    assert_row(labels, 2, (uint32_t[]){4, 5, 5, 5, 5, 6, 1, 7, 7, 7, 7, 8, 8, 3, 3, 3});
    assert_row(labels, 11, (uint32_t[]){19, 19, 19, 19, 16, 16, 16, 16, 16, 16, 16, 18, 18, 18, 18, 18});
}

static void check_value_b(void **state)
{
    (void)state;
    float affinity[EXAMPLE_N * 4];
    uint32_t truth[EXAMPLE_N], labels[EXAMPLE_N], n;
    uint8_t mask[EXAMPLE_N];
    const pea_offsets offsets = example_offsets(4);
    example_affinity(&offsets, affinity);
    example_labels(truth);
    for (int p = 0; p < EXAMPLE_N; p++)
        mask[p] = truth[p] > 0;
    assert_int_equal(count_edges(affinity, &offsets, mask, 2, 2), 214);
    assert_ok(run(affinity, example_dims, &offsets, mask, (int[]){1, 2, 2}, NULL, labels, &n));
    assert_int_equal(n, 4);
    assert_row(labels, 1, (uint32_t[]){0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0});
    assert_row(labels, 3, (uint32_t[]){0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0, 0, 0});
    assert_row(labels, 5, (uint32_t[]){0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0, 0, 0});
    assert_memory_equal(labels + 6 * EXAMPLE_X, truth + 6 * EXAMPLE_X, 5 * EXAMPLE_X * sizeof *truth);
}

static void check_value_c(void **state)
{
    (void)state;
    float affinity[EXAMPLE_N * 8];
    uint32_t truth[EXAMPLE_N], expected[EXAMPLE_N], labels[EXAMPLE_N], n;
    uint8_t mask[EXAMPLE_N];
    const pea_offsets offsets = example_offsets(8);
    example_affinity(&offsets, affinity);
    example_labels(truth);
    example_map_c(expected);
    for (int p = 0; p < EXAMPLE_N; p++)
        mask[p] = truth[p] > 0;
    assert_int_equal(count_edges(affinity, &offsets, mask, 2, 3), 259);
    assert_ok(run(affinity, example_dims, &offsets, mask, (int[]){1, 2, 3}, NULL, labels, &n));
    assert_int_equal(n, 9);
    assert_memory_equal(labels, expected, sizeof expected);
}

/* ---- golden cases ---- */

static void golden(const char *name, const pea_offsets *offsets, bool masked, const int stride[3], uint32_t n_segments)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/cluster/%s_affinity.npy", PEA_TESTDATA, name);
    test_npy file = test_read_npy(path, sizeof(float)), mask = {0};
    snprintf(path, sizeof path, "%s/cluster/%s_labels.npy", PEA_TESTDATA, name);
    test_npy expected = test_read_npy(path, sizeof(uint32_t));
    if (masked) {
        snprintf(path, sizeof path, "%s/cluster/%s_mask.npy", PEA_TESTDATA, name);
        mask = test_read_npy(path, 1);
    }
    const pea_dims d = {expected.shape[1], expected.shape[2], expected.shape[3], 1};
    float *affinity = test_channels_last(file.data, (int64_t)offsets->n, expected.n);
    uint32_t *labels = malloc((size_t)expected.n * sizeof *labels), n;
    assert_int_equal(file.n, expected.n * (int64_t)offsets->n);
    assert_ok(run(affinity, d, offsets, mask.data, stride, NULL, labels, &n));
    assert_int_equal(n, n_segments);
    assert_memory_equal(labels, expected.data, (size_t)expected.n * sizeof *labels);
    free(labels);
    free(affinity);
    free(mask.data);
    free(expected.data);
    free(file.data);
}

static void plane(const char *name, const int *shifts, size_t n, int neighbours, bool masked, int sy, int sx,
                  uint32_t n_segments)
{
    pea_offsets offsets;
    assert_ok(pea_offsets_from_shifts(shifts, n, neighbours, &offsets, &err));
    golden(name, &offsets, masked, (int[]){1, sy, sx}, n_segments);
}

static void golden_plane_plain(void **state)
{
    (void)state;
    plane("plane_plain", (int[]){1, 3, 5, 9, 27}, 5, 4, false, 1, 1, 18);
}

static void golden_plane_masked_and_strided(void **state)
{
    (void)state;
    plane("plane_masked_strided", (int[]){1, 3, 5, 9, 27}, 5, 4, true, 5, 5, 22);
}

static void golden_plane_eight_neighbours(void **state)
{
    (void)state;
    plane("plane_eight_neighbours", (int[]){1, 3, 5, 9}, 4, 8, true, 2, 3, 9);
}

static void golden_equal_affinities_are_stable(void **state)
{
    (void)state;
    plane("plane_many_ties", (int[]){1, 3, 9}, 3, 4, true, 2, 2, 29);
    plane("plane_two_levels", (int[]){1, 5}, 2, 4, false, 1, 1, 182);
}

static void golden_volumes(void **state)
{
    (void)state;
    const pea_offsets offsets = pea_offsets_3d_default();
    golden("volume", &offsets, false, (int[]){1, 10, 10}, 8);
    golden("volume_masked_ties", &offsets, true, (int[]){1, 4, 4}, 7);
}

/* ---- random graphs ---- */

static void check_case(uint64_t seed)
{
    uint32_t labels[RANDOM_CASE_VOXELS], expected[RANDOM_CASE_VOXELS], n;
    uint64_t random = seed;
    random_case c = make_case(&random);
    textbook_mutex_watershed(c.affinity, c.d, &c.offsets, c.mask, c.stride, c.cut, expected);
    assert_ok(run_as(c.given ? c.given : c.affinity, c.dtype, c.d, &c.offsets, c.mask, c.stride, c.cut, NULL, labels,
                     &n));
    if (memcmp(labels, expected, (size_t)(c.d.z * c.d.y * c.d.x) * sizeof *labels) != 0)
        fail_msg("seed %llu gives another partition than the textbook", (unsigned long long)seed);
    free_case(&c);
}

/* PEA_CASES asks for more of them, PEA_SEED for others. */
static void random_graphs_equal_the_textbook(void **state)
{
    (void)state;
    const uint64_t n = test_number_from("PEA_CASES", 2000), first = test_number_from("PEA_SEED", 1);
    if (n > 2000)
        print_message("%llu graphs from seed %llu\n", (unsigned long long)n, (unsigned long long)first);
    for (uint64_t i = 0; i < n; i++)
        check_case(first + i);
}

/* Large enough for many tiles and for hash tables: a checkerboard of cells, noise, and ties where there are few
 * levels. */
static float *large_affinity(pea_dims d, const pea_offsets *offsets, uint32_t n_levels)
{
    const int64_t n = d.z * d.y * d.x;
    float *affinity = malloc((size_t)n * offsets->n * sizeof *affinity);
    uint64_t random = 77;
    for (int64_t p = 0; p < n; p++)
        for (size_t k = 0; k < offsets->n; k++) {
            const int64_t y = p / d.x % d.y, x = p % d.x;
            const bool same = y / 23 == (y + offsets->step[k].y) / 23 && x / 31 == (x + offsets->step[k].x) / 31;
            const float u = (float)(test_random(&random) % n_levels) / (float)n_levels;
            affinity[p * (int64_t)offsets->n + (int64_t)k] = same ? 0.4f + 0.6f * u : u > 0.6f ? u : 0.0f;
        }
    return affinity;
}

/* Any number of threads gives the bytes of the plain algorithm. */
static void check_large(pea_dims d, uint32_t n_levels, bool masked)
{
    random_case c = {.d = d, .offsets = pea_offsets_3d_default(), .stride = {1, 3, 3}, .cut = 0.5};
    const size_t n = (size_t)(d.z * d.y * d.x);
    uint32_t *expected = malloc(n * sizeof *expected), *labels = malloc(n * sizeof *labels);
    c.affinity = large_affinity(d, &c.offsets, n_levels);
    c.mask = masked ? malloc(n) : NULL;
    for (size_t p = 0; p < n && masked; p++)
        c.mask[p] = (p / 40 % 7 != 0) & (p % 11 != 0);
    const pea__graph graph = graph_of(&c);
    plain_mutex_watershed(&graph, expected);
    for (int n_threads = 1; n_threads <= 7; n_threads += 3) {
        pea_context *context = test_context(n_threads, 0);
        assert_ok(run(c.affinity, d, &c.offsets, c.mask, c.stride, context, labels, NULL));
        assert_memory_equal(labels, expected, n * sizeof *labels);
        pea_context_free(context);
    }
    free(expected);
    free(labels);
    free_case(&c);
}

/* PEA_VOXELS asks for larger ones. */
static void volumes_equal_the_plain_algorithm(void **state)
{
    (void)state;
    const int64_t n = (int64_t)test_number_from("PEA_VOXELS", 100000);
    int64_t side = 1;
    while (side * side * 20 < n)
        side++;
    check_large((pea_dims){20, side, side, 1}, 64, false);
    check_large((pea_dims){20, side, side, 1}, 1 << 24, true);
    check_large((pea_dims){20, side, side, 1}, 1 << 24, false);
    check_large((pea_dims){1, 3 * side, 6 * side, 1}, 3, false);
}

/* Star: one attractive chain whose members each repel far voxels, so that constraint sets become large tables. */
static void large_constraint_sets_equal_the_textbook(void **state)
{
    (void)state;
    const pea_dims d = {1, 2, 300, 1};
    pea_offsets offsets = {.n_axes = 2, .n = 128, .step = {{0, -1, 0}, {0, 0, -1}}};
    for (int k = 2; k < 128; k++)
        offsets.step[k] = (pea_offset){0, k % 2, -2 * k + 1};
    float *affinity = malloc(600 * 128 * sizeof *affinity);
    uint32_t labels[600], expected[600];
    for (uint64_t seed = 1; seed <= 4; seed++) {
        uint64_t random = seed;
        for (int i = 0; i < 600 * 128; i++)
            affinity[i] = random_weight(&random, 0);
        for (int p = 0; p < 600; p++)
            for (int k = 2; k < 128; k++)
                affinity[p * 128 + k] = 0.4f + 0.6f * affinity[p * 128 + k];
        textbook_mutex_watershed(affinity, d, &offsets, NULL, (int[]){1, 1, 1}, 0.5, expected);
        assert_ok(run(affinity, d, &offsets, NULL, (int[]){1, 1, 1}, NULL, labels, NULL));
        assert_memory_equal(labels, expected, sizeof labels);
    }
    free(affinity);
}

/* ---- extremes ---- */

static void one_voxel_is_one_object(void **state)
{
    (void)state;
    const pea_offsets offsets = pea_offsets_3d_default();
    float affinity[12] = {0};
    uint32_t label = 99, n = 99;
    assert_ok(run(affinity, (pea_dims){1, 1, 1, 1}, &offsets, NULL, (int[]){1, 1, 1}, NULL, &label, &n));
    assert_int_equal(label, 1);
    assert_int_equal(n, 1);
}

static void empty_mask_gives_no_object(void **state)
{
    (void)state;
    const pea_offsets offsets = example_offsets(4);
    float affinity[EXAMPLE_N * 4] = {0};
    uint8_t mask[EXAMPLE_N] = {0};
    uint32_t labels[EXAMPLE_N], zero[EXAMPLE_N] = {0}, n = 99;
    memset(labels, 255, sizeof labels);
    assert_ok(run(affinity, example_dims, &offsets, mask, (int[]){1, 1, 1}, NULL, labels, &n));
    assert_int_equal(n, 0);
    assert_memory_equal(labels, zero, sizeof zero);
}

static void isolated_voxels_keep_a_label(void **state)
{
    (void)state;
    const pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    const float affinity[18] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const uint8_t mask[9] = {1, 0, 1, 0, 1, 0, 1, 0, 1};
    const uint32_t expected[9] = {1, 0, 2, 0, 3, 0, 4, 0, 5};
    uint32_t labels[9];
    assert_ok(run(affinity, (pea_dims){1, 3, 3, 1}, &offsets, mask, (int[]){1, 1, 1}, NULL, labels, NULL));
    assert_memory_equal(labels, expected, sizeof expected);
}

static void zero_affinity_still_merges(void **state)
{
    (void)state;
    const pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    const float affinity[18] = {0};
    uint32_t labels[9], n;
    assert_ok(run(affinity, (pea_dims){1, 3, 3, 1}, &offsets, NULL, (int[]){1, 1, 1}, NULL, labels, &n));
    assert_int_equal(n, 1);
}

static void repulsive_wins_a_tie(void **state)
{
    (void)state;
    const pea_offsets offsets = {.n_axes = 2, .n = 3, .step = {{0, -1, 0}, {0, 0, -1}, {0, 0, -1}}};
    float affinity[6] = {0, 0, 0, 0, 0.5f, 0.5f}; /* voxel 1: attractive 0.5, repulsive 1 - 0.5 */
    uint32_t labels[2], n;
    assert_ok(run(affinity, (pea_dims){1, 1, 2, 1}, &offsets, NULL, (int[]){1, 1, 1}, NULL, labels, &n));
    assert_int_equal(n, 2);
    affinity[4] = 0.50001f;
    assert_ok(run(affinity, (pea_dims){1, 1, 2, 1}, &offsets, NULL, (int[]){1, 1, 1}, NULL, labels, &n));
    assert_int_equal(n, 1);
}

static void weights_are_ordered_like_their_keys(void **state)
{
    (void)state;
    const float rising[] = {-INFINITY, -3.0f, -1.0f, -1e-40f, 0.0f, 1e-40f, 1e-3f, 1.0f, 1.0000001f, 3.0f, INFINITY};
    for (int i = 1; i < 11; i++)
        assert_true(pea__weight_key(rising[i - 1]) < pea__weight_key(rising[i]));
    assert_int_equal(pea__weight_key(-0.0f), pea__weight_key(0.0f));
}

static void nan_is_refused_with_its_place(void **state)
{
    (void)state;
    const pea_offsets offsets = pea_offsets_3d_default();
    float affinity[2 * 3 * 4 * 12] = {0};
    uint32_t labels[24];
    affinity[((1 * 3 + 2) * 4 + 3) * 12 + 7] = NAN; /* a place where no edge is: refused all the same */
    affinity[((1 * 3 + 2) * 4 + 3) * 12 + 8] = NAN;
    assert_fails(run(affinity, (pea_dims){2, 3, 4, 1}, &offsets, NULL, (int[]){5, 5, 5}, NULL, labels, NULL),
                 PEA_E_FORMAT, "z 1, y 2, x 3, offset 7");
    uint16_t halves[2 * 3 * 4 * 12] = {0x7c00, 0xfc00, 0}; /* infinite ones are numbers */
    halves[((1 * 3 + 2) * 4 + 2) * 12 + 11] = 0xfc01;
    assert_fails(run_as(halves, PEA_FLOAT16, (pea_dims){2, 3, 4, 1}, &offsets, NULL, (int[]){5, 5, 5}, 0.5, NULL,
                        labels, NULL), PEA_E_FORMAT, "z 1, y 2, x 2, offset 11");
}

static void arguments_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const pea_offsets offsets = example_offsets(4);
    float affinity[EXAMPLE_N * 4] = {0};
    uint32_t labels[EXAMPLE_N];
    uint8_t mask[EXAMPLE_N] = {0};
    const pea_dims d = {1, EXAMPLE_Y, EXAMPLE_X, 1}, d4 = {1, EXAMPLE_Y, EXAMPLE_X, 4};
    const pea_array a = {affinity, PEA_FLOAT32, d4}, l = {labels, PEA_UINT32, d}, m = {mask, PEA_UINT8, d};
    pea_array bad;
    assert_fails(pea_mutex_watershed(&a, NULL, NULL, NULL, NULL, &l, NULL, &err), PEA_E_ARG, "offsets");
    assert_fails(pea_mutex_watershed(NULL, &offsets, NULL, NULL, NULL, &l, NULL, &err), PEA_E_ARG, "affinity");
    bad = (pea_array){affinity, PEA_UINT16, d4};
    assert_fails(pea_mutex_watershed(&bad, &offsets, NULL, NULL, NULL, &l, NULL, &err), PEA_E_DTYPE,
                 "float32, float16 or uint8, is uint16");
    bad = (pea_array){affinity, PEA_FLOAT32, {1, EXAMPLE_Y, EXAMPLE_X, 3}};
    assert_fails(pea_mutex_watershed(&bad, &offsets, NULL, NULL, NULL, &l, NULL, &err), PEA_E_SHAPE, "4 channels");
    bad = (pea_array){labels, PEA_UINT32, {1, EXAMPLE_Y, EXAMPLE_X - 1, 1}};
    assert_fails(pea_mutex_watershed(&a, &offsets, NULL, NULL, NULL, &bad, NULL, &err), PEA_E_SHAPE, "labels");
    bad = (pea_array){labels, PEA_UINT32, {1, EXAMPLE_Y, EXAMPLE_X, 2}};
    assert_fails(pea_mutex_watershed(&a, &offsets, NULL, NULL, NULL, &bad, NULL, &err), PEA_E_SHAPE, "1 channel");
    bad = (pea_array){labels, PEA_FLOAT32, d};
    assert_fails(pea_mutex_watershed(&a, &offsets, NULL, NULL, NULL, &bad, NULL, &err), PEA_E_DTYPE, "uint32");
    bad = (pea_array){mask, PEA_UINT8, {1, EXAMPLE_Y, EXAMPLE_X, 2}};
    assert_fails(pea_mutex_watershed(&a, &offsets, &bad, NULL, NULL, &l, NULL, &err), PEA_E_SHAPE, "mask");
    pea_mutex_options options = pea_mutex_options_default();
    options.stride[1] = 0;
    assert_fails(pea_mutex_watershed(&a, &offsets, &m, &options, NULL, &l, NULL, &err), PEA_E_ARG, "axis y");
    options.stride[1] = 1;
    for (int i = 0; i < 3; i++) {
        options.cut = (double[]){0.0, 1.0, NAN}[i];
        assert_fails(pea_mutex_watershed(&a, &offsets, &m, &options, NULL, &l, NULL, &err), PEA_E_ARG,
                     "cut must be from 0.001 to 0.999");
    }
    options.struct_size = offsetof(pea_mutex_options, stride); /* of an older caller, who knew of no strides */
    assert_ok(pea_mutex_watershed(&a, &offsets, &m, &options, NULL, &l, NULL, &err));
    options.struct_size = 0;
    assert_fails(pea_mutex_watershed(&a, &offsets, &m, &options, NULL, &l, NULL, &err), PEA_E_ARG, "not initialised");
}

static void memory_budget_is_kept(void **state)
{
    (void)state;
    const pea_offsets offsets = example_offsets(4);
    float affinity[EXAMPLE_N * 4] = {0};
    uint32_t labels[EXAMPLE_N];
    pea_context_options options = pea_context_options_default();
    pea_context *context;
    options.memory_limit_bytes = 5000;
    assert_ok(pea_context_new(&options, &context, &err));
    assert_fails(run(affinity, example_dims, &offsets, NULL, (int[]){1, 1, 1}, context, labels, NULL), PEA_E_LIMIT,
                 "5000");
    pea_context_free(context);
}

static pea_status cluster_large(void *affinity, pea_error *error)
{
    const pea_offsets offsets = example_offsets(8);
    uint32_t labels[2400];
    err = (pea_error){0};
    const pea_status status = run(affinity, (pea_dims){1, 40, 60, 1}, &offsets, NULL, (int[]){1, 1, 1}, NULL, labels, NULL);
    *error = err;
    return status;
}

static void failing_memory_while_clustering_leaks_nothing(void **state)
{
    (void)state;
    const pea_offsets offsets = example_offsets(8);
    float *affinity = large_affinity((pea_dims){1, 40, 60, 1}, &offsets, 64);
    for (int i = 0; i < 2400 * 8; i++)
        affinity[i] *= 0.5f; /* so many constraints that their memory has to grow */
    test_each_allocation_failing(cluster_large, affinity, 100);
    free(affinity);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(check_value_a),
    cmocka_unit_test(check_value_b),
    cmocka_unit_test(check_value_c),
    cmocka_unit_test(golden_plane_plain),
    cmocka_unit_test(golden_plane_masked_and_strided),
    cmocka_unit_test(golden_plane_eight_neighbours),
    cmocka_unit_test(golden_equal_affinities_are_stable),
    cmocka_unit_test(golden_volumes),
    cmocka_unit_test(random_graphs_equal_the_textbook),
    cmocka_unit_test(volumes_equal_the_plain_algorithm),
    cmocka_unit_test(large_constraint_sets_equal_the_textbook),
    cmocka_unit_test(one_voxel_is_one_object),
    cmocka_unit_test(empty_mask_gives_no_object),
    cmocka_unit_test(isolated_voxels_keep_a_label),
    cmocka_unit_test(zero_affinity_still_merges),
    cmocka_unit_test(repulsive_wins_a_tie),
    cmocka_unit_test(weights_are_ordered_like_their_keys),
    cmocka_unit_test(nan_is_refused_with_its_place),
    cmocka_unit_test(arguments_that_do_not_fit_are_refused),
    cmocka_unit_test(memory_budget_is_kept),
    cmocka_unit_test(failing_memory_while_clustering_leaks_nothing),
};

PEA_TEST_MAIN(tests)
