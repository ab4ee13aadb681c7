/* test_options.c - options of callers that were built with other versions of the headers.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

typedef struct wishes {
    size_t struct_size;
    int first, second;
} wishes;

static wishes defaults(void)
{
    return (wishes){sizeof(wishes), 1, 2};
}

static void no_options_are_the_defaults(void **state)
{
    wishes chosen = defaults();
    pea_error err;
    (void)state;
    assert_ok(pea__options_take(&chosen, sizeof chosen, NULL, "some", &err));
    assert_true(chosen.first == 1 && chosen.second == 2);
}

static void what_an_older_caller_does_not_know_keeps_its_default(void **state)
{
    const wishes older = {offsetof(wishes, second), 10, 20};
    wishes chosen = defaults();
    pea_error err;
    (void)state;
    assert_ok(pea__options_take(&chosen, sizeof chosen, &older, "some", &err));
    assert_true(chosen.first == 10 && chosen.second == 2);
    assert_int_equal(chosen.struct_size, sizeof chosen);
}

static void what_a_newer_caller_knows_beyond_us_is_left_out(void **state)
{
    const struct {
        wishes known;
        int unknown;
    } newer = {{sizeof newer, 10, 20}, 30};
    struct {
        wishes chosen;
        int guard;
    } ours = {defaults(), 7};
    pea_error err;
    (void)state;
    assert_ok(pea__options_take(&ours.chosen, sizeof ours.chosen, &newer, "some", &err));
    assert_true(ours.chosen.first == 10 && ours.chosen.second == 20 && ours.guard == 7);
    assert_int_equal(ours.chosen.struct_size, sizeof ours.chosen);
}

static void options_without_a_size_are_refused(void **state)
{
    const wishes forgotten = {0, 10, 20};
    wishes chosen = defaults();
    pea_error err;
    (void)state;
    assert_fails(pea__options_take(&chosen, sizeof chosen, &forgotten, "some", &err), PEA_E_ARG,
                 "some options were not initialised (struct_size is 0)");
    assert_int_equal(chosen.first, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_options_are_the_defaults),
    cmocka_unit_test(what_an_older_caller_does_not_know_keeps_its_default),
    cmocka_unit_test(what_a_newer_caller_knows_beyond_us_is_left_out),
    cmocka_unit_test(options_without_a_size_are_refused),
};

PEA_TEST_MAIN(tests)
