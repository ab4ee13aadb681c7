/* test_constraints.c - sets of forbidden partners beside a plain matrix, while clusters join at random.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "cluster/cluster.h"

enum { N = 400 };

static pea_error err;
static bool forbidden[N][N];
static uint32_t root_of[N];

static void assert_same(const pea__constraints *c)
{
    for (uint32_t a = 0; a < N; a++) {
        uint32_t count = 0;
        if (root_of[a] != a)
            continue;
        for (uint32_t b = 0; b < N; b++) {
            if (root_of[b] != b || a == b)
                continue;
            count += forbidden[a][b];
            assert_int_equal(pea__constraints_has(c, a, b), forbidden[a][b]);
        }
        assert_int_equal(pea__constraints_count(c, a), count);
    }
}

static void join(pea__constraints *c, uint32_t a, uint32_t b)
{
    assert_ok(pea__constraints_inherit(c, a, b, &err));
    root_of[b] = a;
    for (uint32_t i = 0; i < N; i++) {
        forbidden[a][i] |= forbidden[b][i];
        forbidden[i][a] |= forbidden[i][b];
        forbidden[b][i] = forbidden[i][b] = false;
    }
}

/* Few joins make large sets, many keep them small. */
static void random_story(uint64_t seed, uint32_t joins_in_100)
{
    pea__constraints *c;
    uint64_t random = seed;
    memset(forbidden, 0, sizeof forbidden);
    for (uint32_t i = 0; i < N; i++)
        root_of[i] = i;
    assert_ok(pea__constraints_new(N, &c, &err));
    for (int i = 0; i < 30000; i++) {
        const uint32_t a = test_random(&random) % N, b = test_random(&random) % N;
        if (root_of[a] != a || root_of[b] != b || a == b || forbidden[a][b])
            continue;
        if (test_random(&random) % 100 < joins_in_100) {
            join(c, a, b);
        } else {
            assert_ok(pea__constraints_add(c, a, b, &err));
            forbidden[a][b] = forbidden[b][a] = true;
        }
        if (i % 3000 == 0)
            assert_same(c);
    }
    assert_same(c);
    pea__constraints_free(c);
}

static void sets_equal_a_matrix_of_constraints(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        random_story(seed, 0);
        random_story(seed, 1);
        random_story(seed, 20);
    }
}

/* One cluster that all others are told about, as a large background is. */
static void a_crowd_of_constraints_is_still_fast(void **state)
{
    (void)state;
    enum { CROWD = 200000 };
    pea__constraints *c;
    assert_ok(pea__constraints_new(2 * CROWD + 2, &c, &err));
    for (uint32_t i = 2; i < CROWD; i++) {
        assert_ok(pea__constraints_add(c, 0, i, &err));
        assert_ok(pea__constraints_add(c, 1, CROWD + i, &err));
    }
    assert_ok(pea__constraints_inherit(c, 0, 1, &err));
    assert_int_equal(pea__constraints_count(c, 0), 2 * (CROWD - 2));
    for (uint32_t i = 2; i < CROWD; i++) {
        assert_true(pea__constraints_has(c, 0, i) && pea__constraints_has(c, CROWD + i, 0));
        assert_false(pea__constraints_has(c, i, CROWD + i));
    }
    pea__constraints_free(c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sets_equal_a_matrix_of_constraints),
    cmocka_unit_test(a_crowd_of_constraints_is_still_fast),
};

PEA_TEST_MAIN(tests)
