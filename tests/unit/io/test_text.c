/* test_text.c - what is UTF-8, and what may be the name of a tensor.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

static bool is_utf8(const char *text)
{
    return pea__is_utf8(text, strlen(text));
}

/* First and last character of each length, beside the gap of the surrogates too. */
static void well_formed_texts_are_utf8(void **state)
{
    (void)state;
    assert_true(is_utf8(""));
    assert_true(is_utf8("a\x7f"));
    assert_true(is_utf8("\xc2\x80" "\xdf\xbf"));
    assert_true(is_utf8("\xe0\xa0\x80" "\xed\x9f\xbf" "\xee\x80\x80" "\xef\xbf\xbf"));
    assert_true(is_utf8("\xf0\x90\x80\x80" "\xf4\x8f\xbf\xbf"));
    assert_true(pea__is_utf8("\0", 1));
}

static void malformed_texts_are_not(void **state)
{
    static const char *const wrong[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xfe", "\xff", "\xf5\x80\x80\x80", /* bytes that begin nothing */
        "\xc2", "\xe1\x80", "\xf1\x80\x80",                                       /* cut off */
        "\xc2\x41", "\xe1\x80\x41", "\xf1\x80\x80\xc0", "\xe1\x80\x7f",            /* a continuation that is none */
        "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",                                       /* longer than needed */
        "\xed\xa0\x80", "\xed\xbf\xbf",                                           /* surrogates */
        "\xf4\x90\x80\x80"};                                                     /* beyond U+10FFFF */
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (is_utf8(wrong[i]))
            fail_msg("case %zu was taken for UTF-8", i);
}

static void names_have_a_length_and_no_control_characters(void **state)
{
    char longest[PEA__MAX_TENSOR_NAME + 1];
    pea_error err;
    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_ok(pea__name_check(longest, PEA__MAX_TENSOR_NAME, &err));
    assert_ok(pea__name_check("h\xc3\xa9 [0]", 7, &err));
    assert_fails(pea__name_check(longest, PEA__MAX_TENSOR_NAME + 1, &err), PEA_E_FORMAT, "513 bytes");
    assert_fails(pea__name_check("", 0, &err), PEA_E_FORMAT, "0 bytes");
    assert_fails(pea__name_check("a\0b", 3, &err), PEA_E_FORMAT, "control character");
    assert_fails(pea__name_check("a\x7f", 2, &err), PEA_E_FORMAT, "control character");
    assert_fails(pea__name_check("\xc3", 1, &err), PEA_E_FORMAT, "UTF-8");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(well_formed_texts_are_utf8),
    cmocka_unit_test(malformed_texts_are_not),
    cmocka_unit_test(names_have_a_length_and_no_control_characters),
};

PEA_TEST_MAIN(tests)
