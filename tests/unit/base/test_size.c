/* test_size.c - sizes are multiplied and added without ever wrapping.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

static void products_that_fit_are_exact(void **state)
{
    (void)state;
    int64_t product = -1;
    assert_true(pea__mul_i64(3037000499, 3037000499, &product));
    assert_true(product == 9223372030926249001);
    assert_true(pea__mul_i64(0, INT64_MAX, &product) && product == 0);
    assert_true(pea__mul_i64(INT64_MAX, 0, &product) && product == 0);
    assert_true(pea__mul_i64(INT64_MAX, 1, &product) && product == INT64_MAX);
}

static void products_that_do_not_fit_leave_the_result_alone(void **state)
{
    (void)state;
    int64_t product = 7;
    assert_false(pea__mul_i64(3037000500, 3037000500, &product));
    assert_false(pea__mul_i64(INT64_MAX, 2, &product));
    assert_false(pea__mul_i64(-1, 2, &product));
    assert_false(pea__mul_i64(2, INT64_MIN, &product));
    assert_int_equal(product, 7);
}

static void sums_that_do_not_fit_leave_the_result_alone(void **state)
{
    (void)state;
    int64_t sum = 7;
    assert_false(pea__add_i64(INT64_MAX, 1, &sum));
    assert_false(pea__add_i64(-1, 1, &sum));
    assert_int_equal(sum, 7);
    assert_true(pea__add_i64(INT64_MAX - 1, 1, &sum) && sum == INT64_MAX);
}

static void division_rounds_up(void **state)
{
    (void)state;
    assert_int_equal(pea__ceil_div(0, 16), 0);
    assert_int_equal(pea__ceil_div(16, 16), 1);
    assert_int_equal(pea__ceil_div(17, 16), 2);
    assert_true(pea__ceil_div(INT64_MAX, 2) == INT64_MAX / 2 + 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(products_that_fit_are_exact),
    cmocka_unit_test(products_that_do_not_fit_leave_the_result_alone),
    cmocka_unit_test(sums_that_do_not_fit_leave_the_result_alone),
    cmocka_unit_test(division_rounds_up),
};

PEA_TEST_MAIN(tests)
