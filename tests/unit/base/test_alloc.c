/* test_alloc.c - memory is zeroed, counted, refused in words, and fails when a test says so.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

static void memory_is_zeroed(void **state)
{
    (void)state;
    unsigned char *block = pea__alloc(1000, 7, NULL);
    for (size_t i = 0; i < 7000; i++)
        assert_int_equal(block[i], 0);
    pea__free(block);
}

static void nothing_asked_is_still_a_pointer(void **state)
{
    (void)state;
    void *none = pea__alloc(0, 8, NULL), *empty = pea__alloc_unset(0, 0, NULL);
    assert_non_null(none);
    assert_non_null(empty);
    pea__free(none);
    pea__free_unset(empty);
}

static void unset_memory_is_aligned_for_every_kernel(void **state)
{
    (void)state;
    for (size_t n = 1; n < 300; n += 37) {
        char *block = pea__alloc_unset(n, 1, NULL);
        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 1, n);
        pea__free_unset(block);
    }
}

static void growing_keeps_what_was_there(void **state)
{
    (void)state;
    const size_t before = pea__alloc_live();
    int *numbers = pea__realloc(NULL, 4, sizeof *numbers, NULL);
    for (int i = 0; i < 4; i++)
        numbers[i] = i;
    numbers = pea__realloc(numbers, 4000, sizeof *numbers, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(numbers[i], i);
    assert_int_equal(pea__alloc_live(), before + 1);
    pea__free(numbers);
    assert_int_equal(pea__alloc_live(), before);
}

static void a_product_beyond_the_address_space_is_a_limit(void **state)
{
    (void)state;
    pea_error err = {0};
    assert_null(pea__alloc(SIZE_MAX / 2, 4, &err));
    assert_int_equal(err.status, PEA_E_LIMIT);
    assert_null(pea__alloc_unset(SIZE_MAX, 1, &err));
    assert_int_equal(err.status, PEA_E_LIMIT);
    int *block = pea__alloc(1, sizeof *block, NULL);
    assert_null(pea__realloc(block, SIZE_MAX / 2, sizeof *block, &err));
    assert_int_equal(*block, 0); /* the old one stays */
    pea__free(block);
}

static void text_is_copied_with_an_end(void **state)
{
    (void)state;
    char *copy = pea__copy_text("abcdef", 3, NULL);
    assert_string_equal(copy, "abc");
    pea__free(copy);
}

static void lists_double_when_they_are_full(void **state)
{
    (void)state;
    pea_error err = {0};
    size_t capacity = 0;
    int *list = NULL;
    for (int i = 0; i < 100; i++) {
        int *grown = pea__room_for_one(list, (size_t)i, &capacity, sizeof *list, &err);
        assert_non_null(grown);
        assert_true(capacity > (size_t)i && (i == 0 || capacity <= 16 || capacity <= 2 * (size_t)i));
        list = grown;
        list[i] = i;
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(list[i], i);
    capacity = 100;
    pea__alloc_fail_at(1, false);
    assert_null(pea__room_for_one(list, 100, &capacity, sizeof *list, &err));
    pea__alloc_fail_at(0, false);
    assert_int_equal(capacity, 100);
    assert_int_equal(err.status, PEA_E_NOMEM);
    pea__free(list);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    const size_t before = pea__alloc_live();
    pea__free(NULL);
    pea__free_unset(NULL);
    assert_int_equal(pea__alloc_live(), before);
}

static void the_nth_allocation_fails_once(void **state)
{
    (void)state;
    pea_error err = {0};
    pea__alloc_fail_at(2, false);
    void *first = pea__alloc(1, 1, NULL), *second = pea__alloc(1, 1, &err), *third = pea__alloc_unset(1, 1, NULL);
    assert_int_equal(pea__alloc_fail_at(0, false), 3);
    assert_non_null(first);
    assert_null(second);
    assert_int_equal(err.status, PEA_E_NOMEM);
    assert_non_null(third);
    pea__free(first);
    pea__free_unset(third);
}

static void from_the_nth_allocation_on_all_fail(void **state)
{
    (void)state;
    pea__alloc_fail_at(2, true);
    void *first = pea__alloc(1, 1, NULL), *second = pea__alloc(1, 1, NULL), *third = pea__realloc(NULL, 1, 1, NULL);
    pea__alloc_fail_at(0, false);
    void *fourth = pea__alloc(1, 1, NULL);
    assert_non_null(first);
    assert_null(second);
    assert_null(third);
    assert_non_null(fourth);
    pea__free(first);
    pea__free(fourth);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(memory_is_zeroed),
    cmocka_unit_test(nothing_asked_is_still_a_pointer),
    cmocka_unit_test(unset_memory_is_aligned_for_every_kernel),
    cmocka_unit_test(growing_keeps_what_was_there),
    cmocka_unit_test(a_product_beyond_the_address_space_is_a_limit),
    cmocka_unit_test(text_is_copied_with_an_end),
    cmocka_unit_test(lists_double_when_they_are_full),
    cmocka_unit_test(freeing_nothing_is_fine),
    cmocka_unit_test(the_nth_allocation_fails_once),
    cmocka_unit_test(from_the_nth_allocation_on_all_fail),
};

PEA_TEST_MAIN(tests)
