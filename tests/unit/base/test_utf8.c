/* test_utf8.c - what is UTF-8.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

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

static void a_character_is_as_long_as_its_first_byte_says(void **state)
{
    (void)state;
    assert_int_equal(pea__utf8_character("ab", 2), 1);
    assert_int_equal(pea__utf8_character("\xc2\xb5m", 3), 2);
    assert_int_equal(pea__utf8_character("\xe0\xa0\x80\xff", 4), 3);
    assert_int_equal(pea__utf8_character("\xf0\x90\x80\x80", 4), 4);
    assert_int_equal(pea__utf8_character("\xf0\x90\x80\x80", 3), 0);
    assert_int_equal(pea__utf8_character("", 0), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(well_formed_texts_are_utf8),
    cmocka_unit_test(malformed_texts_are_not),
    cmocka_unit_test(a_character_is_as_long_as_its_first_byte_says),
};

PEA_TEST_MAIN(tests)
