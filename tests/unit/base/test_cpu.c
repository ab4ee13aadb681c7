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

static char folder[64];

static void put(const char *name, const char *content)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(content, stream);
    fclose(stream);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/pea-test-cpu-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"cpu.max", "memory.max", "memory.current", "memory.stat"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static void a_container_lends_whole_processors(void **state)
{
    (void)state;
    assert_int_equal(pea__container_threads(folder), 0); /* no such file */
    put("cpu.max", "max 100000\n");
    assert_int_equal(pea__container_threads(folder), 0);
    put("cpu.max", "150000 100000\n");
    assert_int_equal(pea__container_threads(folder), 2);
    put("cpu.max", "400000 100000\n");
    assert_int_equal(pea__container_threads(folder), 4);
    put("cpu.max", "1 0\n");
    assert_int_equal(pea__container_threads(folder), 0);
}

static void a_container_lends_what_is_left_below_its_limit(void **state)
{
    (void)state;
    assert_true(pea__container_memory(folder) == UINT64_MAX);
    put("memory.max", "max\n");
    assert_true(pea__container_memory(folder) == UINT64_MAX);
    put("memory.max", "1000000\n");
    put("memory.current", "700000\n");
    assert_true(pea__container_memory(folder) == 300000);
    put("memory.stat", "anon 5\nfile 400000\ninactive_file 300000\n");
    assert_true(pea__container_memory(folder) == 600000); /* cache can be given up */
    put("memory.current", "2000000\n");
    assert_true(pea__container_memory(folder) == 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_is_at_least_one_thread_and_not_more_than_processors),
    cmocka_unit_test(memory_figures_are_plausible),
    cmocka_unit_test(the_peak_rises_with_use),
    cmocka_unit_test_setup_teardown(a_container_lends_whole_processors, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_container_lends_what_is_left_below_its_limit, make_folder, remove_folder),
};

PEA_TEST_MAIN(tests)
