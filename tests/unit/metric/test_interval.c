/* test_interval.c - how sure a mean is: against cases that can be counted, and the normal distribution's.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>

#include "pea/metric.h"
#include "test.h"

static void check(const double *values, size_t n, double low, double high, double tolerance)
{
    pea_error err;
    double found[2] = {NAN, NAN}, again[2] = {NAN, NAN};
    assert_ok(pea_mean_interval(values, n, &found[0], &found[1], &err));
    assert_ok(pea_mean_interval(values, n, &again[0], &again[1], &err));
    assert_memory_equal(found, again, sizeof found);
    if (!(fabs(found[0] - low) <= tolerance && fabs(found[1] - high) <= tolerance))
        fail_msg("[%g, %g], expected [%g, %g]", found[0], found[1], low, high);
}

static void of_few_values_it_can_be_counted(void **state)
{
    static const double alike[] = {0.3, 0.3, 0.3, 0.3}, coin[] = {0.0, 1.0}, rare[] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.0};
    (void)state;
    check(alike, 1, 0.3, 0.3, 0.0);
    check(alike, 4, 0.3, 0.3, 1e-15);
    check(coin, 2, 0.0, 1.0, 0.0); /* each with a quarter */
    check(rare, 7, 0.0, 18.0 / 7.0, 1e-12); /* binomial: 4 of 7 in 0.7 of 100, 3 in 5.4 */
}

static void of_many_values_it_is_the_normal_distributions(void **state)
{
    enum { MANY = 20000 };
    double *values = malloc(MANY * sizeof *values);
    (void)state;
    assert_non_null(values);
    for (int n = 200; n <= MANY; n *= 100) {
        double sum = 0.0, squares = 0.0;
        for (int i = 0; i < n; i++) {
            values[i] = test_u(7, (uint32_t)i);
            sum += values[i];
            squares += values[i] * values[i];
        }
        const double mean = sum / n, error = sqrt((squares / n - mean * mean) / n);
        check(values, (size_t)n, mean - 1.96 * error, mean + 1.96 * error, 0.2 * error);
    }
    free(values);
}

static void nothing_has_no_mean(void **state)
{
    pea_error err;
    double low, high;
    (void)state;
    assert_fails(pea_mean_interval(&(double){1.0}, 0, &low, &high, &err), PEA_E_ARG, "at least 1");
    assert_fails(pea_mean_interval(NULL, 1, &low, &high, &err), PEA_E_ARG, "needs");
}

static pea_status once(void *argument, pea_error *err)
{
    static const double values[] = {1.0, 2.0};
    double low, high;
    (void)argument;
    return pea_mean_interval(values, 2, &low, &high, err);
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    test_each_allocation_failing(once, NULL, 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(of_few_values_it_can_be_counted),
    cmocka_unit_test(of_many_values_it_is_the_normal_distributions),
    cmocka_unit_test(nothing_has_no_mean),
    cmocka_unit_test(want_of_memory_is_told),
};

PEA_TEST_MAIN(tests)
