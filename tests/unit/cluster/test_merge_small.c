/* test_merge_small.c - merging of small objects: check values, golden cases, the textbook, and the quirks by name.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "example.h"
#include "read_npy.h"
#include "textbook.h"

static pea_error err;

static const pea_merge_pass leaf[] = {{5, 5}, {20, 11}, {50, 11}, {300, 21}};
static const pea_merge_pass nuclei[] = {{5, 5}, {25, 11}, {50, 11}, {100, 21}};

static void merge(uint32_t *labels, int64_t n_y, int64_t n_x, const pea_merge_pass *passes, size_t n_passes)
{
    const pea_array a = {labels, PEA_UINT32, {1, n_y, n_x, 1}};
    assert_ok(pea_merge_small(&a, passes, n_passes, NULL, &err));
}

/* Map C with some labels replaced: pairs old, new. */
static void assert_map_c_with(const uint32_t *labels, const uint32_t *pairs, size_t n_pairs)
{
    uint32_t expected[EXAMPLE_N];
    example_map_c(expected);
    for (int p = 0; p < EXAMPLE_N; p++)
        for (size_t i = 0; i < n_pairs; i++)
            if (expected[p] == pairs[2 * i]) {
                expected[p] = pairs[2 * i + 1];
                break;
            }
    assert_memory_equal(labels, expected, sizeof expected);
}

static void check_values_of_map_c(void **state)
{
    (void)state;
    uint32_t labels[EXAMPLE_N];
    example_map_c(labels);
    merge(labels, EXAMPLE_Y, EXAMPLE_X, (pea_merge_pass[]){{5, 5}}, 1);
    assert_map_c_with(labels, (uint32_t[]){8, 5, 9, 7}, 2); /* 2 stays: its window begins above the image */
    example_map_c(labels);
    merge(labels, EXAMPLE_Y, EXAMPLE_X, (pea_merge_pass[]){{20, 11}}, 1);
    assert_map_c_with(labels, (uint32_t[]){6, 1, 7, 4, 9, 1}, 3); /* 8 stays: its window begins left of the image */
    example_map_c(labels);
    merge(labels, EXAMPLE_Y, EXAMPLE_X, leaf, 4);
    assert_map_c_with(labels, (uint32_t[]){2, 1, 4, 1, 6, 1, 7, 1, 9, 1, 8, 5}, 6);
}

enum { LARGE_Y = 48, LARGE_X = 64, LARGE_N = LARGE_Y * LARGE_X, LARGE_LABELS = 25 };

static void set_block(uint32_t *labels, int y0, int y1, int x0, int x1, uint32_t label)
{
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            labels[y * LARGE_X + x] = label;
}

static void enlarged_map(uint32_t *labels)
{
    uint32_t c[EXAMPLE_N];
    example_map_c(c);
    for (int y = 0; y < LARGE_Y; y++)
        for (int x = 0; x < LARGE_X; x++)
            labels[y * LARGE_X + x] = c[y / 4 * EXAMPLE_X + x / 4];
    set_block(labels, 20, 22, 20, 22, 20);
    set_block(labels, 0, 2, 3, 5, 21);
    set_block(labels, 30, 31, 40, 41, 22);
    set_block(labels, 9, 10, 25, 28, 23);
    set_block(labels, 10, 11, 24, 26, 24);
}

static void assert_sizes(const uint32_t *labels, const uint32_t expected[LARGE_LABELS])
{
    uint32_t sizes[LARGE_LABELS] = {0};
    for (int p = 0; p < LARGE_N; p++)
        sizes[labels[p]]++;
    assert_memory_equal(sizes, expected, sizeof sizes);
}

static void check_values_of_the_enlarged_map(void **state)
{
    (void)state;
    static const uint32_t after[5][LARGE_LABELS] = {
        {1403, 460, 27, 160, 304, 288, 256, 128, 16, 16, [20] = 4, 4, 1, 3, 2},
        {1403, 462, 30, 160, 304, 288, 257, 128, 16, 16, [20] = 4, 4},
        {1403, 466, 30, 160, 304, 304, 257, 144, [21] = 4},
        {1403, 496, 0, 160, 304, 304, 257, 144, [21] = 4},
        {1403, 496, 0, 160, 304, 304, 257, 144, [21] = 4}};
    uint32_t labels[LARGE_N];
    enlarged_map(labels);
    assert_sizes(labels, after[0]);
    for (int i = 0; i < 4; i++) {
        merge(labels, LARGE_Y, LARGE_X, leaf + i, 1);
        assert_sizes(labels, after[i + 1]);
    }
    enlarged_map(labels);
    merge(labels, LARGE_Y, LARGE_X, nuclei, 4);
    assert_sizes(labels, after[4]);
}

static void golden(const char *name, const char *preset, const pea_merge_pass *passes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/cluster/%s_input.npy", PEA_TESTDATA, name);
    test_npy input = test_read_npy(path, sizeof(uint32_t));
    snprintf(path, sizeof path, "%s/cluster/%s_%s_merged.npy", PEA_TESTDATA, name, preset);
    test_npy expected = test_read_npy(path, sizeof(uint32_t));
    assert_memory_not_equal(input.data, expected.data, (size_t)input.n * sizeof(uint32_t));
    merge(input.data, input.shape[2], input.shape[3], passes, 4);
    assert_memory_equal(input.data, expected.data, (size_t)input.n * sizeof(uint32_t));
    free(input.data);
    free(expected.data);
}

static void golden_both_schedules(void **state)
{
    (void)state;
    golden("a", "leaf", leaf);
    golden("a", "nuclei", nuclei);
    golden("b", "leaf", leaf);
    golden("b", "nuclei", nuclei);
}

static void random_planes_equal_the_textbook(void **state)
{
    (void)state;
    uint32_t labels[40 * 40], expected[40 * 40];
    for (uint64_t seed = 1; seed <= 500; seed++) {
        uint64_t random = seed;
        const int64_t n_y = 1 + test_random(&random) % 40, n_x = 1 + test_random(&random) % 40;
        const uint32_t cell = 1 + test_random(&random) % 6, kinds = 2 + test_random(&random) % 60;
        pea_merge_pass passes[3];
        for (int64_t p = 0; p < n_y * n_x; p++) {
            const bool repeats = p % n_x % cell != 0 || (p / n_x % cell != 0 && test_random(&random) % 8);
            labels[p] = repeats && p >= n_x ? labels[p - (p / n_x % cell != 0 ? n_x : 1)]
                                            : test_random(&random) % kinds * (test_random(&random) % 3 != 0);
            expected[p] = labels[p];
        }
        for (int i = 0; i < 3; i++) {
            passes[i] = (pea_merge_pass){(int32_t)(test_random(&random) % 100), 1 + (int32_t)(test_random(&random) % 50)};
            textbook_merge_pass(expected, n_y, n_x, passes[i]);
        }
        merge(labels, n_y, n_x, passes, 3);
        if (memcmp(labels, expected, (size_t)(n_y * n_x) * sizeof *labels) != 0)
            fail_msg("seed %d gives other labels than the textbook", (int)seed);
    }
}

static void large_label_values_merge_like_small_ones(void **state)
{
    (void)state;
    uint32_t small[LARGE_N], large[LARGE_N];
    enlarged_map(small);
    for (int p = 0; p < LARGE_N; p++)
        large[p] = small[p] ? small[p] + 4294967000u : 0;
    merge(small, LARGE_Y, LARGE_X, leaf, 4);
    merge(large, LARGE_Y, LARGE_X, leaf, 4);
    for (int p = 0; p < LARGE_N; p++)
        assert_int_equal(large[p], small[p] ? small[p] + 4294967000u : 0);
}

static void each_plane_is_merged_on_its_own(void **state)
{
    (void)state;
    uint32_t stack[2 * LARGE_N], alone[LARGE_N];
    enlarged_map(alone);
    enlarged_map(stack);
    enlarged_map(stack + LARGE_N);
    const pea_array a = {stack, PEA_UINT32, {2, LARGE_Y, LARGE_X, 1}};
    merge(alone, LARGE_Y, LARGE_X, leaf, 4);
    assert_ok(pea_merge_small(&a, leaf, 4, NULL, &err));
    assert_memory_equal(stack, alone, sizeof alone);
    assert_memory_equal(stack + LARGE_N, alone, sizeof alone);
}

static void passes_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    uint32_t label = 1;
    const pea_array a = {&label, PEA_UINT32, {1, 1, 1, 1}}, wide = {&label, PEA_UINT32, {1, 1, 1, 2}};
    assert_fails(pea_merge_small(&a, (pea_merge_pass[]){{5, 0}}, 1, NULL, &err), PEA_E_ARG, "window 0");
    assert_fails(pea_merge_small(&a, (pea_merge_pass[]){{-1, 5}}, 1, NULL, &err), PEA_E_ARG, "size -1");
    assert_fails(pea_merge_small(&a, NULL, 1, NULL, &err), PEA_E_ARG, "missing");
    assert_fails(pea_merge_small(&wide, leaf, 4, NULL, &err), PEA_E_SHAPE, "1 channel");
    assert_fails(pea_merge_small(NULL, leaf, 4, NULL, &err), PEA_E_ARG, "missing");
    assert_ok(pea_merge_small(&a, NULL, 0, NULL, &err));
    assert_int_equal(label, 1);
}

static pea_status merge_enlarged(void *unused, pea_error *error)
{
    uint32_t labels[LARGE_N];
    const pea_array a = {labels, PEA_UINT32, {1, LARGE_Y, LARGE_X, 1}};
    (void)unused;
    enlarged_map(labels);
    return pea_merge_small(&a, leaf, 4, NULL, error);
}

static void failing_memory_while_merging_leaks_nothing(void **state)
{
    (void)state;
    test_each_allocation_failing(merge_enlarged, NULL, 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(check_values_of_map_c),
    cmocka_unit_test(check_values_of_the_enlarged_map),
    cmocka_unit_test(golden_both_schedules),
    cmocka_unit_test(random_planes_equal_the_textbook),
    cmocka_unit_test(large_label_values_merge_like_small_ones),
    cmocka_unit_test(each_plane_is_merged_on_its_own),
    cmocka_unit_test(passes_that_make_no_sense_are_refused),
    cmocka_unit_test(failing_memory_while_merging_leaks_nothing),
};

PEA_TEST_MAIN(tests)
