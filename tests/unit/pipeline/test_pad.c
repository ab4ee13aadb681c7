/* test_pad.c - frames of the published data sets, and mirrors.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"
#include "test.h"

static void check(pea_padding padding, int64_t y, int64_t x, pea__frame expected)
{
    pea_error err;
    pea__frame frame;
    assert_ok(pea__frame_plan(padding, y, x, 16, &frame, &err));
    if (frame.y != expected.y || frame.x != expected.x || frame.top != expected.top || frame.left != expected.left)
        fail_msg("%d x %d gave %d x %d from %d,%d", (int)y, (int)x, (int)frame.y, (int)frame.x, (int)frame.top,
                 (int)frame.left);
}

static void squares_are_those_of_the_published_data_sets(void **state)
{
    (void)state;
    check(PEA_PAD_REFLECT_SQUARE, 530, 500, (pea__frame){544, 544, 7, 22});
    check(PEA_PAD_REFLECT_SQUARE, 565, 530, (pea__frame){576, 576, 5, 23});
    check(PEA_PAD_REFLECT_SQUARE, 441, 441, (pea__frame){448, 448, 3, 3});
    check(PEA_PAD_ZERO_SQUARE, 520, 696, (pea__frame){704, 704, 92, 4});
}

static void end_padding_keeps_the_origin(void **state)
{
    (void)state;
    check(PEA_PAD_REFLECT_END, 520, 696, (pea__frame){528, 704, 0, 0});
    check(PEA_PAD_REFLECT_END, 16, 17, (pea__frame){16, 32, 0, 0});
    check(PEA_PAD_REFLECT_END, 1, 1, (pea__frame){16, 16, 0, 0});
}

static void a_plane_that_fits_is_not_padded(void **state)
{
    (void)state;
    check(PEA_PAD_REFLECT_SQUARE, 64, 64, (pea__frame){64, 64, 0, 0});
    check(PEA_PAD_REFLECT_END, 64, 32, (pea__frame){64, 32, 0, 0});
}

static void impossible_extents_are_refused(void **state)
{
    pea_error err;
    pea__frame frame;
    (void)state;
    assert_fails(pea__frame_plan(PEA_PAD_REFLECT_END, 0, 5, 16, &frame, &err), PEA_E_LIMIT, "0 x 5");
    assert_fails(pea__frame_plan(PEA_PAD_REFLECT_END, 5, INT64_MAX, 16, &frame, &err), PEA_E_LIMIT, "not between");
}

/* Walk as a ball between two walls. */
static int64_t walked(int64_t steps, int64_t n)
{
    int64_t at = 0, direction = 1;
    while (steps-- > 0 && n > 1) {
        if (at + direction < 0 || at + direction >= n)
            direction = -direction;
        at += direction;
    }
    return at;
}

static void mirror_goes_to_and_fro_without_repeating_the_ends(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 6; n++)
        for (int64_t i = 0; i < 40; i++) {
            assert_int_equal(pea__mirror(i, n), walked(i, n));
            assert_int_equal(pea__mirror(-i, n), walked(i, n));
        }
    assert_int_equal(pea__mirror(-1, 5), 1);
    assert_int_equal(pea__mirror(5, 5), 3);
}

static void crop_cuts_the_image_out_of_its_frame(void **state)
{
    const pea__frame frame = {5, 7, 1, 2};
    int32_t plane[35 * 2];
    (void)state;
    for (int i = 0; i < 70; i++)
        plane[i] = i;
    pea__crop_in_place(plane, 2 * sizeof *plane, frame, 3, 4);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 4; x++) {
            assert_int_equal(plane[(y * 4 + x) * 2], ((y + 1) * 7 + x + 2) * 2);
            assert_int_equal(plane[(y * 4 + x) * 2 + 1], ((y + 1) * 7 + x + 2) * 2 + 1);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(squares_are_those_of_the_published_data_sets),
    cmocka_unit_test(end_padding_keeps_the_origin),
    cmocka_unit_test(a_plane_that_fits_is_not_padded),
    cmocka_unit_test(impossible_extents_are_refused),
    cmocka_unit_test(mirror_goes_to_and_fro_without_repeating_the_ends),
    cmocka_unit_test(crop_cuts_the_image_out_of_its_frame),
};

PEA_TEST_MAIN(tests)
