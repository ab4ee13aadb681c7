/* test_random.c - random numbers: published values of the generator, and sequences that keep out of each other's way.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "train/data.h"

/* Known answers that come with the authors' own implementation: counter, key, result. */
static void numbers_are_those_of_philox(void **state)
{
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    (void)state;
    for (int i = 0; i < 3; i++) {
        pea__random r = {.key = {known[i][4], known[i][5]}};
        memcpy(r.counter, known[i], sizeof r.counter);
        for (int k = 0; k < 4; k++)
            assert_int_equal(pea__random_bits(&r), known[i][6 + k]);
    }
}

static void every_argument_gives_another_sequence(void **state)
{
    const uint64_t large = UINT64_C(1) << 33;
    pea__random r[] = {
        pea__random_of(1, 2, 3, PEA__DRAW_FLIP),         pea__random_of(1 + large, 2, 3, PEA__DRAW_FLIP),
        pea__random_of(2, 2, 3, PEA__DRAW_FLIP),         pea__random_of(1, 3, 3, PEA__DRAW_FLIP),
        pea__random_of(1, 2 + large, 3, PEA__DRAW_FLIP), pea__random_of(1, 2, 4, PEA__DRAW_FLIP),
        pea__random_of(1, 2, 3, PEA__DRAW_GREY),
    };
    enum { N = sizeof r / sizeof *r };
    uint32_t bits[N];
    (void)state;
    for (int i = 0; i < N; i++)
        bits[i] = pea__random_bits(&r[i]);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < i; k++)
            assert_int_not_equal(bits[i], bits[k]);
    pea__random again = pea__random_of(1, 2, 3, PEA__DRAW_FLIP);
    assert_int_equal(pea__random_bits(&again), bits[0]);
}

/* Of 12 000 numbers each of 12 that have the same chance comes up 1000 times, within 5 standard deviations. */
static void integers_and_units_are_even(void **state)
{
    pea__random r = pea__random_of(7, 0, 0, PEA__DRAW_IMAGE);
    int count[12] = {0}, n_happened = 0;
    double sum = 0.0, squares = 0.0, low = 1.0, high = 0.0;
    (void)state;
    for (int i = 0; i < 12000; i++) {
        const int64_t k = pea__random_integer(&r, -4, 7);
        assert_in_range(k + 4, 0, 11);
        count[k + 4]++;
        const double u = pea__random_unit(&r);
        sum += u;
        squares += u * u;
        low = u < low ? u : low;
        high = u > high ? u : high;
        n_happened += pea__random_happens(&r, 0.25);
    }
    for (int k = 0; k < 12; k++)
        assert_in_range(count[k], 1000 - 5 * 31, 1000 + 5 * 31);
    assert_true(low >= 0.0 && low < 0.001 && high > 0.999 && high < 1.0);
    assert_true(sum / 12000 > 0.487 && sum / 12000 < 0.513);
    assert_true(squares / 12000 > 0.32 && squares / 12000 < 0.347);
    assert_in_range(n_happened, 3000 - 5 * 48, 3000 + 5 * 48);
    assert_int_equal(pea__random_integer(&r, 5, 4), 5);
    assert_false(pea__random_happens(&r, 0.0));
    assert_true(pea__random_happens(&r, 1.0));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_are_those_of_philox),
    cmocka_unit_test(every_argument_gives_another_sequence),
    cmocka_unit_test(integers_and_units_are_even),
};

PEA_TEST_MAIN(tests)
