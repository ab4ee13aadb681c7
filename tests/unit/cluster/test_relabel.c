/* test_relabel.c - numbering in raster order, objects and specks below a size.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "cluster/cluster.h"

static pea_error err;

static void labels_become_numbers_in_raster_order(void **state)
{
    (void)state;
    uint32_t labels[] = {0, 70, 70, 4294967295u, 0, 3, 70, 1, 3, 3, 0, 2}, n;
    const uint32_t expected[] = {0, 1, 1, 2, 0, 3, 1, 4, 3, 3, 0, 5};
    const pea_array a = {labels, PEA_UINT32, {2, 2, 3, 1}};
    assert_ok(pea_relabel(&a, NULL, &n, &err));
    assert_int_equal(n, 5);
    assert_memory_equal(labels, expected, sizeof expected);
    assert_ok(pea_relabel(&a, NULL, NULL, &err)); /* again: nothing changes */
    assert_memory_equal(labels, expected, sizeof expected);
}

static void an_image_without_objects_stays_so(void **state)
{
    (void)state;
    uint32_t labels[6] = {0}, n = 9;
    const pea_array a = {labels, PEA_UINT32, {1, 2, 3, 1}};
    assert_ok(pea_relabel(&a, NULL, &n, &err));
    assert_int_equal(n, 0);
    assert_ok(pea_remove_small(&a, 100, NULL, &err));
}

static void many_labels_are_numbered(void **state)
{
    (void)state;
    enum { N = 300000 };
    uint32_t *labels = malloc(N * sizeof *labels), n;
    const pea_array a = {labels, PEA_UINT32, {1, 1, N, 1}};
    for (uint32_t p = 0; p < N; p++)
        labels[p] = (p / 2 + 1) * 2654435761u;
    assert_ok(pea_relabel(&a, NULL, &n, &err));
    assert_int_equal(n, N / 2);
    for (uint32_t p = 0; p < N; p++)
        assert_int_equal(labels[p], p / 2 + 1);
    free(labels);
}

static void small_objects_go_wherever_they_are(void **state)
{
    (void)state;
    uint32_t labels[] = {9, 9, 0, 5, 5, 5, 0, 7, 9, 7, 8, 5};
    const uint32_t below_2[] = {9, 9, 0, 5, 5, 5, 0, 7, 9, 7, 0, 5};
    const uint32_t below_4[] = {0, 0, 0, 5, 5, 5, 0, 0, 0, 0, 0, 5};
    const pea_array a = {labels, PEA_UINT32, {1, 3, 4, 1}};
    assert_ok(pea_remove_small(&a, 0, NULL, &err));
    assert_ok(pea_remove_small(&a, 1, NULL, &err));
    assert_int_equal(labels[10], 8);
    assert_ok(pea_remove_small(&a, 2, NULL, &err));
    assert_memory_equal(labels, below_2, sizeof labels);
    assert_ok(pea_remove_small(&a, 4, NULL, &err));
    assert_memory_equal(labels, below_4, sizeof labels);
    assert_fails(pea_remove_small(&a, -1, NULL, &err), PEA_E_ARG, "at least 0");
}

static void specks_are_cleared_corners_count_as_joined(void **state)
{
    (void)state;
    uint8_t mask[] = {1, 0, 0, 0, 200, /**/ 0, 1, 0, 0, 0, /**/ 0, 0, 1, 0, 200, /**/ 1, 0, 0, 0, 200};
    const uint8_t expected[] = {1, 0, 0, 0, 0, /**/ 0, 1, 0, 0, 0, /**/ 0, 0, 1, 0, 0, /**/ 0, 0, 0, 0, 0};
    const pea_array a = {mask, PEA_UINT8, {1, 4, 5, 1}};
    assert_ok(pea_mask_remove_small(&a, 3, NULL, &err));
    assert_memory_equal(mask, expected, sizeof expected);
}

static void planes_of_a_mask_do_not_touch(void **state)
{
    (void)state;
    uint8_t mask[] = {1, 1, 0, 0, /**/ 1, 0, 0, 0}, expected[] = {1, 1, 0, 0, /**/ 0, 0, 0, 0};
    const pea_array a = {mask, PEA_UINT8, {2, 2, 2, 1}};
    assert_ok(pea_mask_remove_small(&a, 2, NULL, &err));
    assert_memory_equal(mask, expected, sizeof expected);
}

/* Flood from one pixel; the stack holds every pixel at most once. */
static int64_t flood(const uint8_t *mask, int64_t n_y, int64_t n_x, int64_t from, uint8_t *member)
{
    int64_t stack[900], n = 0, size = 0;
    memset(member, 0, (size_t)(n_y * n_x));
    stack[n++] = from;
    member[from] = 1;
    while (n > 0) {
        const int64_t p = stack[--n];
        size++;
        for (int64_t y = p / n_x - 1; y <= p / n_x + 1; y++)
            for (int64_t x = p % n_x - 1; x <= p % n_x + 1; x++)
                if (y >= 0 && y < n_y && x >= 0 && x < n_x && mask[y * n_x + x] && !member[y * n_x + x]) {
                    member[y * n_x + x] = 1;
                    stack[n++] = y * n_x + x;
                }
    }
    return size;
}

static void random_masks_equal_a_flood_fill(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t random = seed;
        const int64_t n_y = 1 + test_random(&random) % 30, n_x = 1 + test_random(&random) % 30;
        const uint32_t share = test_random(&random) % 11;
        const int64_t min_size = test_random(&random) % 30;
        uint8_t mask[900], before[900], member[900];
        for (int64_t p = 0; p < n_y * n_x; p++)
            mask[p] = before[p] = test_random(&random) % 10 < share;
        const pea_array a = {mask, PEA_UINT8, {1, n_y, n_x, 1}};
        assert_ok(pea_mask_remove_small(&a, min_size, NULL, &err));
        for (int64_t p = 0; p < n_y * n_x; p++)
            assert_int_equal(mask[p], before[p] && flood(before, n_y, n_x, p, member) >= min_size);
    }
}

static void wrong_arrays_are_refused(void **state)
{
    (void)state;
    uint32_t labels[2] = {0};
    const pea_array wide = {labels, PEA_UINT32, {1, 1, 1, 2}}, bytes = {labels, PEA_UINT8, {1, 1, 1, 2}};
    const pea_array narrow = {labels, PEA_UINT8, {1, 1, 2, 1}};
    assert_fails(pea_relabel(&wide, NULL, NULL, &err), PEA_E_SHAPE, "1 channel");
    assert_fails(pea_relabel(&narrow, NULL, NULL, &err), PEA_E_DTYPE, "uint32");
    assert_fails(pea_remove_small(NULL, 3, NULL, &err), PEA_E_ARG, "missing");
    assert_fails(pea_mask_remove_small(&wide, 3, NULL, &err), PEA_E_DTYPE, "uint8");
    assert_fails(pea_mask_remove_small(&bytes, 3, NULL, &err), PEA_E_SHAPE, "1 channel");
    assert_fails(pea_mask_remove_small(&narrow, -3, NULL, &err), PEA_E_ARG, "at least 0");
}

enum { MANY = 1000 };

static pea_status clean_all(void *mask, pea_error *error)
{
    uint32_t labels[MANY];
    const pea_array a = {labels, PEA_UINT32, {1, 1, MANY, 1}}, m = {mask, PEA_UINT8, {1, 1, MANY, 1}};
    for (uint32_t p = 0; p < MANY; p++)
        labels[p] = p * 77;
    pea_status status = pea_relabel(&a, NULL, NULL, error);
    if (status == PEA_OK)
        status = pea_remove_small(&a, 2, NULL, error);
    return status == PEA_OK ? pea_mask_remove_small(&m, 2, NULL, error) : status;
}

static void failing_memory_while_tidying_leaks_nothing(void **state)
{
    (void)state;
    uint8_t mask[MANY] = {0};
    test_each_allocation_failing(clean_all, mask, 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(labels_become_numbers_in_raster_order),
    cmocka_unit_test(an_image_without_objects_stays_so),
    cmocka_unit_test(many_labels_are_numbered),
    cmocka_unit_test(small_objects_go_wherever_they_are),
    cmocka_unit_test(specks_are_cleared_corners_count_as_joined),
    cmocka_unit_test(planes_of_a_mask_do_not_touch),
    cmocka_unit_test(random_masks_equal_a_flood_fill),
    cmocka_unit_test(wrong_arrays_are_refused),
    cmocka_unit_test(failing_memory_while_tidying_leaks_nothing),
};

PEA_TEST_MAIN(tests)
