/* test_text.c - what may be the name of a tensor.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

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
    cmocka_unit_test(names_have_a_length_and_no_control_characters),
};

PEA_TEST_MAIN(tests)
