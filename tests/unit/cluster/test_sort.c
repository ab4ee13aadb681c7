/* test_sort.c - pairs come out by ascending key, equal keys as they went in.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "cluster/cluster.h"

static pea_error err;

static void sort_and_check(int64_t n, uint32_t key_mask, pea_context *context)
{
    pea__pair *pairs = malloc((size_t)(n + 1) * sizeof *pairs), *scratch = malloc((size_t)(n + 1) * sizeof *scratch);
    pea__pair *sorted;
    uint64_t random = 5, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        pairs[i] = (pea__pair){(test_random(&random) << 1 | (test_random(&random) & 1)) & key_mask, (uint32_t)i};
        sum += pairs[i].key;
    }
    assert_ok(pea__sort_pairs(context, pairs, scratch, n, 0.0, 1.0, &sorted, &err));
    assert_true(sorted == pairs || sorted == scratch);
    for (int64_t i = 0; i < n; i++) {
        sum -= sorted[i].key;
        if (i > 0)
            assert_true(sorted[i - 1].key < sorted[i].key ||
                        (sorted[i - 1].key == sorted[i].key && sorted[i - 1].value < sorted[i].value));
    }
    assert_true(sum == 0);
    free(pairs);
    free(scratch);
}

static void keys_ascend_and_equal_ones_keep_their_order(void **state)
{
    (void)state;
    const int64_t lengths[] = {0, 1, 2, 3, 1000, (1 << 19) - 1, 1 << 19, (1 << 20) + 12345};
    const uint32_t masks[] = {0xFFFFFFFFu, 0x7u, 0x0u, 0xFFC00000u, 0x003FF800u};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 5; j++)
            sort_and_check(lengths[i], masks[j], NULL);
}

static void threads_sort_alike(void **state)
{
    (void)state;
    pea_context_options options = pea_context_options_default();
    pea_context *context;
    options.n_threads = 7;
    assert_ok(pea_context_new(&options, &context, &err));
    sort_and_check(3000000, 0xFFFFFFFFu, context);
    sort_and_check(3000000, 0xFFFu, context);
    pea_context_free(context);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keys_ascend_and_equal_ones_keep_their_order),
    cmocka_unit_test(threads_sort_alike),
};

PEA_TEST_MAIN(tests)
