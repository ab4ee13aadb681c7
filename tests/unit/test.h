/* test.h - what every unit test program includes: cmocka, and a main that runs one named case or all.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_H
#define PEA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

/* PEA_TEST_MAIN(tests): `program` runs all, `program name` one. */
#define PEA_TEST_MAIN(tests)                                                                                          \
    int main(int argc, char **argv)                                                                                   \
    {                                                                                                                 \
        if (argc > 1)                                                                                                 \
            cmocka_set_test_filter(argv[1]);                                                                          \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                             \
    }

/* A call must succeed; its message is shown where it does not. Wants a local `pea_error err`. */
#define assert_ok(call)                                                                                               \
    do {                                                                                                              \
        err = (pea_error){0};                                                                                         \
        if ((call) != PEA_OK)                                                                                         \
            fail_msg("%s: %s", #call, err.message);                                                                   \
    } while (0)

/* A call must fail with this status and this part in its message. */
#define assert_fails(call, expected_status, part)                                                                     \
    do {                                                                                                              \
        err = (pea_error){0};                                                                                         \
        const pea_status got_ = (call);                                                                               \
        if (got_ != (expected_status) || !strstr(err.message, (part)))                                                \
            fail_msg("%s gave %s \"%s\", expected %s with \"%s\"", #call, pea_status_name(got_), err.message,         \
                     pea_status_name(expected_status), (part));                                                       \
    } while (0)

/* The n-th allocation of `attempt` fails, once and then for ever, for n = 1, 2 ... until it succeeds. The attempt frees
 * what it gets; a failure must say that there was no memory, and nothing may stay allocated. More than `most` rounds are
 * a loop without end. Returns the rounds. */
typedef pea_status test_attempt(void *argument, pea_error *err);

static inline size_t test_each_allocation_failing(test_attempt *attempt, void *argument, size_t most)
{
    const size_t live = pea__alloc_live();
    size_t n_rounds = 0;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        pea_status status = PEA_E_NOMEM;
        for (size_t n = 1; status != PEA_OK; n++, n_rounds++) {
            pea_error err = {0};
            pea__alloc_fail_at(n, for_ever);
            status = attempt(argument, &err);
            pea__alloc_fail_at(0, false);
            if (status != PEA_OK && (status != PEA_E_NOMEM || err.status != status || !strstr(err.message, "memory")))
                fail_msg("allocation %zu: %s \"%s\"", n, pea_status_name(status), err.message);
            assert_int_equal(pea__alloc_live(), live);
            assert_true(n < most);
        }
    }
    return n_rounds;
}

/* All of a file and a NUL behind it; free(). */
static inline char *test_read_file(const char *path, size_t *n_bytes)
{
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail_msg("%s cannot be opened", path);
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    *n_bytes = (size_t)ftell(stream);
    rewind(stream);
    char *content = calloc(*n_bytes + 1, 1);
    assert_non_null(content);
    assert_int_equal(fread(content, 1, *n_bytes, stream), *n_bytes);
    fclose(stream);
    return content;
}

/* u(t,k): the deterministic numbers in [0,1) that reference values were made from (64-bit safe, modulo 2^32). */
static inline double test_u(uint32_t t, uint32_t k)
{
    uint32_t x = 1000003u * (t + 1u) + k;
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return (double)x / 4294967296.0;
}

/* A small generator for random tests: print the seed, so that a failure can be repeated. */
static inline uint32_t test_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* How much a test does, as the environment wishes. */
static inline uint64_t test_number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Sanitizers keep freed memory and pad blocks: what a process occupies says nothing there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_MEMORY_IS_MEASURABLE false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_MEMORY_IS_MEASURABLE false
#endif
#endif
#ifndef TEST_MEMORY_IS_MEASURABLE
#define TEST_MEMORY_IS_MEASURABLE true
#endif

#endif
