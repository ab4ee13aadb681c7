/* test_number.c - numbers in text, the same in every locale.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <locale.h>
#include <math.h>

#include "test.h"

static void only_finite_decimal_numbers_are_parsed(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0}, {"0.8", 0.8}, {".5", 0.5}, {"-2.", -2}, {"+3", 3}, {"1e-3", 1e-3}, {"1E2", 100}};
    static const char *const bad[] = {"",    " 1",  "1 ",   "0,8",  "nan", "inf", "0x10",
                                      "1e3x", "1e",  "--1", "1.2.3", ".",   "e5",  "1e999"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value = NAN;
        assert_true(pea__real_parse(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 7;
        if (pea__real_parse(bad[i], &value))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_true(value == 7);
    }
}

static void a_number_of_many_digits_is_refused_and_not_cut(void **state)
{
    char text[200];
    double value;
    (void)state;
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(pea__real_parse(text, &value));
}

static void the_shortest_text_is_read_back_exactly(void **state)
{
    char text[PEA__REAL_BYTES];
    uint64_t seed = 4;
    (void)state;
    pea__real_print_exactly(0.8, text);
    assert_string_equal(text, "0.8");
    pea__real_print_exactly(1.0 / 3.0, text);
    assert_string_equal(text, "0.3333333333333333");
    for (int i = 0; i < 20000; i++) {
        const double value = ldexp((double)test_random(&seed) + (double)test_random(&seed) / 4294967296.0,
                                   (int)(test_random(&seed) % 200) - 100);
        double again = NAN;
        pea__real_print_exactly(value, text);
        assert_true(pea__real_parse(text, &again));
        assert_true(again == value);
    }
}

static void the_locale_does_not_matter(void **state)
{
    static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8", "de_DE"};
    char text[PEA__REAL_BYTES];
    const char *found = NULL;
    double value = 0;
    (void)state;
    for (size_t i = 0; i < sizeof with_comma / sizeof *with_comma && !found; i++)
        found = setlocale(LC_NUMERIC, with_comma[i]);
    if (!found)
        skip(); /* no such locale on this machine */
    const bool parsed = pea__real_parse("0.8", &value), comma = pea__real_parse("0,8", &value);
    pea__real_print(0.5, 9, text);
    setlocale(LC_NUMERIC, "C");
    assert_true(parsed && value == 0.8);
    assert_false(comma);
    assert_string_equal(text, "0.5");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_finite_decimal_numbers_are_parsed),
    cmocka_unit_test(a_number_of_many_digits_is_refused_and_not_cut),
    cmocka_unit_test(the_shortest_text_is_read_back_exactly),
    cmocka_unit_test(the_locale_does_not_matter),
};

PEA_TEST_MAIN(tests)
