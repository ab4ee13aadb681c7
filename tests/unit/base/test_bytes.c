/* test_bytes.c - numbers are taken from the bytes of a file and put there, in both byte orders.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

static const unsigned char counting[] = {0x81, 2, 3, 4, 5, 6, 7, 0x88};

static void numbers_are_read_in_both_byte_orders(void **state)
{
    (void)state;
    assert_true(pea__load(counting, 8, true) == 0x8102030405060788u);
    assert_true(pea__load(counting, 8, false) == 0x8807060504030281u);
    assert_true(pea__load(counting, 3, true) == 0x810203 && pea__load(counting, 0, true) == 0);
    assert_int_equal(pea__load_u16(counting), 0x0281);
    assert_int_equal(pea__load_u32(counting + 4), 0x88070605);
    assert_true(pea__load_u64(counting) == 0x8807060504030281u);
}

static void what_is_stored_is_loaded_again(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 8; n++)
        for (int big = 0; big < 2; big++) {
            unsigned char bytes[9] = {0};
            const uint64_t value = pea__load(counting, n, big);
            assert_ptr_equal(pea__store(bytes, value, n, big), bytes + n);
            assert_memory_equal(bytes, counting, n);
            assert_int_equal(bytes[n], 0);
        }
}

static void swapped_items_are_of_the_other_byte_order(void **state)
{
    unsigned char bytes[8];
    uint32_t host;
    (void)state;
    memcpy(bytes, counting, 8);
    memcpy(&host, bytes, 4);
    assert_true(host == pea__load(bytes, 4, pea__host_is_big_endian()));
    pea__swap_bytes(bytes, 2, 4);
    assert_memory_equal(bytes, ((unsigned char[]){4, 3, 2, 0x81, 0x88, 7, 6, 5}), 8);
    pea__swap_bytes(bytes, 8, 1);
    assert_memory_equal(bytes, ((unsigned char[]){4, 3, 2, 0x81, 0x88, 7, 6, 5}), 8);
}

/* The definition of the format, in double precision. */
static void every_half_is_exact(void **state)
{
    (void)state;
    for (uint32_t half = 0; half <= UINT16_MAX; half++) {
        const int exponent = half >> 10 & 31, fraction = half & 1023;
        const float found = pea__float_of_half((uint16_t)half);
        const double size = exponent == 31 ? INFINITY
                          : ldexp(exponent ? 1024 + fraction : fraction, exponent ? exponent - 25 : -24);
        assert_int_equal(signbit(found) != 0, half >> 15);
        assert_true(exponent == 31 && fraction ? isnan(found) : fabs((double)found) == size);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_are_read_in_both_byte_orders),
    cmocka_unit_test(what_is_stored_is_loaded_again),
    cmocka_unit_test(swapped_items_are_of_the_other_byte_order),
    cmocka_unit_test(every_half_is_exact),
};

PEA_TEST_MAIN(tests)
