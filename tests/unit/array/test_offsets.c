/* test_offsets.c - the steps of a graph: made from shifts, parsed from JSON, and checked.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "array/array.h"

static bool same_step(pea_offset o, int z, int y, int x)
{
    return o.z == z && o.y == y && o.x == x;
}

/* ---- from shifts ---- */

static void four_neighbours_are_up_and_left_for_each_shift(void **state)
{
    static const int shifts[] = {1, 5};
    pea_error err;
    pea_offsets o;
    (void)state;
    assert_ok(pea_offsets_from_shifts(shifts, 2, 4, &o, &err));
    assert_int_equal(o.n_axes, 2);
    assert_int_equal(o.n, 4);
    assert_true(same_step(o.step[0], 0, -1, 0) && same_step(o.step[1], 0, 0, -1));
    assert_true(same_step(o.step[2], 0, -5, 0) && same_step(o.step[3], 0, 0, -5));
}

static void eight_neighbours_add_the_upper_diagonals(void **state)
{
    static const int shifts[] = {3};
    pea_error err;
    pea_offsets o;
    (void)state;
    assert_ok(pea_offsets_from_shifts(shifts, 1, 8, &o, &err));
    assert_int_equal(o.n, 4);
    assert_true(same_step(o.step[2], 0, -3, -3) && same_step(o.step[3], 0, -3, 3));
}

static void shifts_out_of_range_are_refused(void **state)
{
    static const int zero[] = {1, 0}, large[] = {32768}, many[65] = {1};
    pea_error err;
    pea_offsets o;
    (void)state;
    assert_fails(pea_offsets_from_shifts(zero, 2, 4, &o, &err), PEA_E_ARG, "shift 0");
    assert_fails(pea_offsets_from_shifts(large, 1, 4, &o, &err), PEA_E_ARG, "shift 32768");
    assert_fails(pea_offsets_from_shifts(zero, 1, 6, &o, &err), PEA_E_ARG, "neighbours must be 4 or 8, not 6");
    assert_fails(pea_offsets_from_shifts(zero, 0, 4, &o, &err), PEA_E_ARG, "at least one shift");
    assert_fails(pea_offsets_from_shifts(many, 65, 4, &o, &err), PEA_E_LIMIT, "65 shifts");
    assert_fails(pea_offsets_from_shifts(many, 33, 8, &o, &err), PEA_E_LIMIT, "33 shifts");
}

static void volume_default_is_that_of_the_networks(void **state)
{
    pea_error err;
    (void)state;
    const pea_offsets o = pea_offsets_3d_default();
    assert_int_equal(o.n_axes, 3);
    assert_int_equal(o.n, 12);
    static const int z[] = {1, 2, 3, 4}, yx[] = {1, 3, 9, 27};
    for (int i = 0; i < 4; i++) {
        assert_true(same_step(o.step[3 * i], -z[i], 0, 0));
        assert_true(same_step(o.step[3 * i + 1], 0, -yx[i], 0));
        assert_true(same_step(o.step[3 * i + 2], 0, 0, -yx[i]));
    }
    assert_ok(pea__offsets_check(&o, &err));
}

/* ---- checks ---- */

static void offsets_that_are_no_graph_are_refused(void **state)
{
    pea_error err;
    pea_offsets o = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    (void)state;
    assert_ok(pea__offsets_check(&o, &err));
    assert_fails(pea__offsets_check(NULL, &err), PEA_E_ARG, "missing");
    o.step[1] = (pea_offset){0, 0, 0};
    assert_fails(pea__offsets_check(&o, &err), PEA_E_ARG, "offset 1 is (0,0,0)");
    o.step[1] = (pea_offset){1, 0, 0};
    assert_fails(pea__offsets_check(&o, &err), PEA_E_ARG, "no step in 2-D");
    o.n = 1;
    assert_fails(pea__offsets_check(&o, &err), PEA_E_ARG, "1 offsets given");
    o.n = PEA_MAX_OFFSETS + 1;
    assert_fails(pea__offsets_check(&o, &err), PEA_E_ARG, "129 offsets given");
    o.n_axes = 4;
    assert_fails(pea__offsets_check(&o, &err), PEA_E_ARG, "2 or 3 axes, have 4");
}

/* ---- JSON ---- */

static pea_status parse(const char *text, pea_offsets *o, pea_error *err)
{
    char *exact = malloc(strlen(text) + 1); /* without a NUL: the length counts */
    assert_non_null(exact);
    memcpy(exact, text, strlen(text));
    const pea_status status = pea_offsets_parse(exact, strlen(text), o, err);
    free(exact);
    return status;
}

static void planes_and_volumes_are_parsed(void **state)
{
    pea_error err;
    pea_offsets o;
    (void)state;
    assert_ok(parse("[[-1,0],[0,-1],[32767,-32767]]", &o, &err));
    assert_int_equal(o.n_axes, 2);
    assert_int_equal(o.n, 3);
    assert_true(same_step(o.step[0], 0, -1, 0) && same_step(o.step[2], 0, 32767, -32767));
    assert_ok(parse(" [ [-1,0,0] , [0,-1,0],\n[0,0,-1], [0,9,1e1] ] \n", &o, &err));
    assert_int_equal(o.n_axes, 3);
    assert_true(same_step(o.step[0], -1, 0, 0) && same_step(o.step[3], 0, 9, 10));
}

static void wrong_items_are_told_by_number(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {{"[[-1,0],[0,0]]", "offset 1 is a zero step"},
                 {"[[0,0,0],[0,0,1],[0,1,0]]", "offset 0 is a zero step"},
                 {"[[-1,0],[0,-1],[0,0,-1]]", "offset 2 has 3 numbers, those before it 2"},
                 {"[[-1,0],[0,-1.5]]", "offset 1: number 1"},
                 {"[[-1,0],[0,32768]]", "offset 1: number 1"},
                 {"[[-32768,0],[0,1]]", "offset 0: number 0"},
                 {"[[1e300,0],[0,1]]", "offset 0: number 0"},
                 {"[[\"1\",0],[0,1]]", "offset 0: number 0"},
                 {"[[null,0],[0,1]]", "offset 0: number 0"},
                 {"[[-1,0],[1]]", "offset 1 is not a list of 2 or 3 numbers"},
                 {"[[-1,0],[1,2,3,4]]", "offset 1 is not a list of 2 or 3 numbers"},
                 {"[[-1,0],5]", "offset 1 is not a list"},
                 {"[[-1,0],{\"y\":1,\"x\":2}]", "offset 1 is not a list"},
                 {"[[-1,0]]", "1 offset is listed, expected at least one for each of the 2 axes"},
                 {"[[-1,0,0],[0,-1,0]]", "2 offsets are listed, expected at least one for each of the 3 axes"},
                 {"[]", "0 offsets are listed, expected at least one"},
                 {"{\"offsets\":[]}", "must be a list"},
                 {"5", "must be a list"},
                 {"", "not JSON"},
                 {"[[-1,0],[0,-1]", "not JSON"},
                 {"[[-1,0],[0,-1]]x", "not JSON"},
                 {"[[[1]]]", "nested 3 deep"},
                 {"[[-1,0],[0,-1],\"\xff\"]", "UTF-8"}};
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pea_offsets o = {.n = 99};
        assert_fails(parse(cases[i].text, &o, &err), PEA_E_FORMAT, cases[i].part);
        assert_int_equal(o.n, 0);
    }
}

static void too_many_offsets_are_a_limit(void **state)
{
    char text[16 * (PEA_MAX_OFFSETS + 2)] = "[[-1,0]";
    pea_error err;
    pea_offsets o;
    (void)state;
    for (int i = 1; i < PEA_MAX_OFFSETS; i++)
        strcat(text, ",[0,-1]");
    strcat(text, "]");
    assert_ok(parse(text, &o, &err));
    assert_int_equal(o.n, PEA_MAX_OFFSETS);
    text[strlen(text) - 1] = '\0';
    strcat(text, ",[0,-1]]");
    assert_fails(parse(text, &o, &err), PEA_E_LIMIT, "more than 128");
    char *long_text = calloc((1 << 20) + 2, 1);
    assert_non_null(long_text);
    memset(long_text, ' ', (1 << 20) + 1);
    assert_fails(parse(long_text, &o, &err), PEA_E_LIMIT, "1048577 bytes");
    memset(long_text, '[', 1 << 20);
    long_text[1 << 20] = '\0';
    assert_fails(parse(long_text, &o, &err), PEA_E_FORMAT, "deep");
    memset(long_text, ',', 1 << 20);
    assert_fails(parse(long_text, &o, &err), PEA_E_LIMIT, "memory");
    free(long_text);
}

static void an_error_need_not_be_asked_for(void **state)
{
    pea_offsets o;
    (void)state;
    assert_int_equal(parse("[[0]]", &o, NULL), PEA_E_FORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(four_neighbours_are_up_and_left_for_each_shift),
    cmocka_unit_test(eight_neighbours_add_the_upper_diagonals),
    cmocka_unit_test(shifts_out_of_range_are_refused),
    cmocka_unit_test(volume_default_is_that_of_the_networks),
    cmocka_unit_test(offsets_that_are_no_graph_are_refused),
    cmocka_unit_test(planes_and_volumes_are_parsed),
    cmocka_unit_test(wrong_items_are_told_by_number),
    cmocka_unit_test(too_many_offsets_are_a_limit),
    cmocka_unit_test(an_error_need_not_be_asked_for),
};

PEA_TEST_MAIN(tests)
