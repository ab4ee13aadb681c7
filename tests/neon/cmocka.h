/* cmocka.h - as much of cmocka as the kernel tests use, for a processor for which there is no library: run_kernel_tests
 * finds this file before the real one. The first failure ends the program.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_CMOCKA_H
#define PEA_TEST_CMOCKA_H

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
};

#define cmocka_unit_test(f) {#f, f}
#define cmocka_set_test_filter(name) ((void)(name))
#define print_message(...) printf(__VA_ARGS__)
#define fail_msg(...) (printf(__VA_ARGS__), printf("  (%s:%d)\n", __FILE__, __LINE__), exit(1))
#define require_(that, text) ((that) ? (void)0 : (void)fail_msg("%s", text))
#define assert_true(c) require_((c), #c)
#define assert_false(c) require_(!(c), "not: " #c)
#define assert_non_null(p) require_((p) != NULL, #p)
#define assert_null(p) require_((p) == NULL, "not: " #p)
#define assert_int_equal(a, b) require_((long long)(a) == (long long)(b), #a " == " #b)
#define assert_int_not_equal(a, b) require_((long long)(a) != (long long)(b), #a " != " #b)
#define assert_string_equal(a, b) require_(strcmp(a, b) == 0, #a " == " #b)
#define assert_memory_equal(a, b, n) require_(memcmp(a, b, n) == 0, #a " == " #b)
#define assert_float_equal(a, b, e) require_(((a) < (b) ? (b) - (a) : (a) - (b)) <= (e), #a " == " #b)
#define skip() return

#define cmocka_run_group_tests(tests, setup, teardown) run_tests_(tests, sizeof(tests) / sizeof(tests)[0])

static inline int run_tests_(const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *state = NULL;
        printf("%s\n", tests[i].name);
        fflush(stdout);
        tests[i].test(&state);
    }
    return 0;
}

#endif
