/* test_cpu.c - what the machine lends: numbers that can be true.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "pea/cpu.h"

#include <unistd.h>

static void there_is_at_least_one_thread_and_not_more_than_processors(void **state)
{
    (void)state;
    assert_in_range(pea_cpu_threads(), 1, sysconf(_SC_NPROCESSORS_CONF));
}

static void memory_figures_are_plausible(void **state)
{
    (void)state;
    const uint64_t available = pea_cpu_memory_available();
    assert_true(available == 0 || available > 1 << 20);
    assert_true(pea_cpu_memory_peak() > 1 << 19);
}

static void the_peak_rises_with_use(void **state)
{
    (void)state;
    const size_t n = (size_t)64 << 20;
    const uint64_t before = pea_cpu_memory_peak();
    volatile char *block = pea__alloc_unset(n, 1, NULL);
    assert_non_null(block);
    for (size_t i = 0; i < n; i += 4096)
        block[i] = 1;
    assert_true(pea_cpu_memory_peak() >= before + n / 2);
    pea__free_unset((void *)block);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_is_at_least_one_thread_and_not_more_than_processors),
    cmocka_unit_test(memory_figures_are_plausible),
    cmocka_unit_test(the_peak_rises_with_use),
};

PEA_TEST_MAIN(tests)
