/* test_progress.c - tidying a large plane is heard of, and can be stopped.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "cluster/cluster.h"

enum { SIDE = 6000 };

/* Squares of 6 x 6 pixels; every seventh is background. */
static uint32_t label_at(int64_t y, int64_t x)
{
    const uint32_t n = (uint32_t)(y / 6 * (SIDE / 6) + x / 6);
    return n % 7 ? n * 3 : 0;
}

static int make_plane(void **state)
{
    uint32_t *labels = malloc((size_t)SIDE * SIDE * sizeof *labels);
    for (int64_t p = 0; labels && p < (int64_t)SIDE * SIDE; p++)
        labels[p] = label_at(p / SIDE, p % SIDE);
    *state = labels;
    return labels ? 0 : -1;
}

static int free_plane(void **state)
{
    free(*state);
    return 0;
}

static pea_status merge(void *labels, pea_context *context, pea_error *err)
{
    return pea_merge_small(&(pea_array){labels, PEA_UINT32, {1, SIDE / 3, SIDE, 1}},
                           (pea_merge_pass[]){{20, 21}, {80, 41}}, 2, context, err);
}

static pea_status remove_small(void *labels, pea_context *context, pea_error *err)
{
    return pea_remove_small(&(pea_array){labels, PEA_UINT32, {4, SIDE / 4, SIDE, 1}}, 20, context, err);
}

static pea_status relabel(void *labels, pea_context *context, pea_error *err)
{
    return pea_relabel(&(pea_array){labels, PEA_UINT32, {1, SIDE, SIDE, 1}}, context, NULL, err);
}

static pea_status clean_mask(void *labels, pea_context *context, pea_error *err)
{
    return pea_mask_remove_small(&(pea_array){labels, PEA_UINT8, {2, SIDE, SIDE, 1}}, 2, context, err);
}

static void merging_a_large_plane_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", merge, *state);
}

static void removing_from_a_large_stack_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", remove_small, *state);
}

static void numbering_a_large_plane_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", relabel, *state);
}

static void cleaning_a_large_mask_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", clean_mask, *state);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(merging_a_large_plane_can_be_stopped, make_plane, free_plane),
    cmocka_unit_test_setup_teardown(removing_from_a_large_stack_can_be_stopped, make_plane, free_plane),
    cmocka_unit_test_setup_teardown(numbering_a_large_plane_can_be_stopped, make_plane, free_plane),
    cmocka_unit_test_setup_teardown(cleaning_a_large_mask_can_be_stopped, make_plane, free_plane),
};

PEA_TEST_MAIN(tests)
