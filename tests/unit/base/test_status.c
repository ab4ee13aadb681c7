/* test_status.c - messages are one line, whole and safe to show.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "pea/pea.h"

static void every_status_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(pea_status_name(PEA_OK), "PEA_OK");
    assert_string_equal(pea_status_name(PEA_E_ARG), "PEA_E_ARG");
    assert_string_equal(pea_status_name(PEA_E_SHAPE), "PEA_E_SHAPE");
    assert_string_equal(pea_status_name(PEA_E_DTYPE), "PEA_E_DTYPE");
    assert_string_equal(pea_status_name(PEA_E_NOMEM), "PEA_E_NOMEM");
    assert_string_equal(pea_status_name(PEA_E_IO), "PEA_E_IO");
    assert_string_equal(pea_status_name(PEA_E_FORMAT), "PEA_E_FORMAT");
    assert_string_equal(pea_status_name(PEA_E_LIMIT), "PEA_E_LIMIT");
    assert_string_equal(pea_status_name(PEA_E_CANCELLED), "PEA_E_CANCELLED");
    assert_string_equal(pea_status_name((pea_status)99), "unknown status");
}

static void failing_returns_the_status_and_fills_the_error(void **state)
{
    (void)state;
    pea_error err = {0};
    assert_int_equal(pea__fail(&err, PEA_E_SHAPE, "affinity must have %d offsets, has %d", 12, 3), PEA_E_SHAPE);
    assert_int_equal(err.status, PEA_E_SHAPE);
    assert_string_equal(err.message, "affinity must have 12 offsets, has 3");
}

static void failing_without_an_error_struct_is_fine(void **state)
{
    (void)state;
    assert_int_equal(pea__fail(NULL, PEA_E_IO, "nobody reads this"), PEA_E_IO);
}

static void a_message_stays_one_line_whatever_a_path_holds(void **state)
{
    (void)state;
    pea_error err = {0};
    pea__fail(&err, PEA_E_IO, "cannot open %s", "two\nlines\tand\x1b[31m red\x7f");
    assert_string_equal(err.message, "cannot open two?lines?and?[31m red?");
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[600];
    for (size_t shift = 0; shift < 3; shift++) { /* so that each of the three bytes meets the end */
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4); /* the euro sign */
        pea_error err = {0};
        pea__fail(&err, PEA_E_IO, "%s", text);
        const size_t length = strlen(err.message);
        assert_in_range(length, sizeof err.message - 7, sizeof err.message - 1);
        assert_int_equal((length - shift) % 3, 0);
    }
}

static void printable_text_is_short_and_plain(void **state)
{
    (void)state;
    char buffer[64];
    assert_string_equal(pea__printable("a\0b\xff", 4, buffer), "a?b?");
    assert_string_equal(pea__printable("", 0, buffer), "");
    char longer[100];
    memset(longer, 'n', sizeof longer);
    assert_int_equal(strlen(pea__printable(longer, sizeof longer, buffer)), 60);
}

static void the_version_is_that_of_the_headers(void **state)
{
    (void)state;
    assert_string_equal(pea_version(), PEA_VERSION);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_status_has_its_name),
    cmocka_unit_test(failing_returns_the_status_and_fills_the_error),
    cmocka_unit_test(failing_without_an_error_struct_is_fine),
    cmocka_unit_test(a_message_stays_one_line_whatever_a_path_holds),
    cmocka_unit_test(a_long_message_is_cut_between_characters),
    cmocka_unit_test(printable_text_is_short_and_plain),
    cmocka_unit_test(the_version_is_that_of_the_headers),
};

PEA_TEST_MAIN(tests)
