/* test_text.c - numbers without locale, units, UTF-8, remarks.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"
#include "test.h"

#include <math.h>

static void numbers_read_like_strtod(void **state)
{
    static const char *const texts[] = {"0", "1", "-2.5", "+.5", "3.", "0.1", "1e3", "1E-3", "123456.789", "0.000001", "1.7976931348623157e308",
                                        "2.2250738585072014e-308", "  7", "1e", "1e+", "1.2.3", "9007199254740993", "0.30000000000000004"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = 0;
        assert_true(pea__parse_number(texts[i], texts[i] + strlen(texts[i]), &value));
        const double expected = strtod(texts[i], NULL);
        if (fabs(value - expected) > 4e-16 * fabs(expected))
            fail_msg("%s: %.17g, expected %.17g", texts[i], value, expected);
    }
}

static void what_is_no_finite_number_is_none(void **state)
{
    static const char *const texts[] = {"", "-", ".", "nan", "inf", "x", "e5", "1e999", "1e99999999999999999999", "-e"};
    double value = 7;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(pea__parse_number(texts[i], texts[i] + strlen(texts[i]), &value));
    assert_true(value == 7);
    char many[5000];
    memset(many, '9', sizeof many);
    assert_false(pea__parse_number(many, many + sizeof many, &value));
}

static void counts_are_digits_only(void **state)
{
    int64_t n = 0;
    const char *most = "9223372036854775807", *more = "9223372036854775808", *negative = "-1";
    (void)state;
    assert_true(pea__parse_count(most, most + 19, &n) && n == INT64_MAX);
    assert_false(pea__parse_count(more, more + 19, &n));
    assert_false(pea__parse_count(most, most, &n));
    assert_false(pea__parse_count(negative, negative + 2, &n));
}

static void formatted_numbers_read_back_the_same(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[40];
        double again;
        const double value = i < 8 ? (double[]){0, 1, 0.1, 0.03, 1e-7, 12345678, 0.004, 2.5}[i]
                                   : ldexp((double)test_random(&seed), (int)(test_random(&seed) % 40) - 40);
        pea__format_number(value, text);
        assert_true(pea__parse_number(text, text + strlen(text), &again));
        if (fabs(again - value) > 4e-16 * fabs(value))
            fail_msg("%.17g became %s", value, text);
    }
    char text[40];
    assert_string_equal(pea__format_number(0.1, text), "0.1");
    assert_string_equal(pea__format_number(70000, text), "70000");
}

static void code_points_become_utf8(void **state)
{
    static const struct {
        uint32_t code;
        const char *bytes;
    } cases[] = {{0x41, "A"}, {0xb5, "\xc2\xb5"}, {0x212b, "\xe2\x84\xab"}, {0x1f600, "\xf0\x9f\x98\x80"}};
    char out[5];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        out[pea__utf8(cases[i].code, out)] = '\0';
        assert_string_equal(out, cases[i].bytes);
    }
    assert_int_equal(pea__utf8(0, out) + pea__utf8(0xd800, out) + pea__utf8(0x110000, out), 0);
}

static void spellings_of_micrometre_are_one(void **state)
{
    static const char *const texts[] = {"um", "\xc2\xb5m", "\xce\xbcm", "micron", " microns ", "micrometre", "\xb5m"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        pea_calibration c = pea_calibration_default();
        pea__set_unit(&c, texts[i], strlen(texts[i]));
        assert_string_equal(c.unit, "um");
    }
}

static void units_are_cut_at_whole_characters_and_cleaned(void **state)
{
    pea_calibration c = pea_calibration_default();
    const char *long_unit = "thirty bytes of ASCII, then a \xe2\x84\xab";
    (void)state;
    pea__set_unit(&c, long_unit, strlen(long_unit));
    assert_string_equal(c.unit, "thirty bytes of ASCII, then a ");
    pea__set_unit(&c, "a\nb\xff\xc3", 5);
    assert_string_equal(c.unit, "a?b??");
    pea__set_unit(&c, "  ", 2);
    assert_string_equal(c.unit, "pixel");
}

static void remarks_are_joined_once_and_cut(void **state)
{
    pea__notes notes = {""};
    (void)state;
    pea__note(&notes, "one %d", 1);
    pea__note(&notes, "two");
    pea__note(&notes, "one %d", 1);
    assert_string_equal(notes.text, "one 1; two");
    for (int i = 0; i < 100; i++)
        pea__note(&notes, "remark number %d of very many", i);
    assert_true(strlen(notes.text) < sizeof notes.text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_read_like_strtod),
    cmocka_unit_test(what_is_no_finite_number_is_none),
    cmocka_unit_test(counts_are_digits_only),
    cmocka_unit_test(formatted_numbers_read_back_the_same),
    cmocka_unit_test(code_points_become_utf8),
    cmocka_unit_test(spellings_of_micrometre_are_one),
    cmocka_unit_test(units_are_cut_at_whole_characters_and_cleaned),
    cmocka_unit_test(remarks_are_joined_once_and_cut),
};

PEA_TEST_MAIN(tests)
