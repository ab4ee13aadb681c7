/* test_point_tree.c - beside a search of all points.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/point_tree.h"

#include <math.h>

#include "test.h"
#include "threads.h"

enum { MOST = 70000, MOST_C = 5, N_PLACES = 12 };

static pea_error err;

typedef struct cloud {
    int64_t n, c;
    float *values;
    uint32_t *order;
    double places[N_PLACES][MOST_C];
} cloud;

/* Values of few levels, so that distances meet the radius and sides are cut through equal values; some points are left
 * out. */
static cloud make_cloud(uint64_t seed, int64_t n, int64_t c)
{
    cloud made = {.c = c, .values = malloc((size_t)(n * c) * sizeof(float)), .order = malloc((size_t)n * 4)};
    const uint32_t levels = seed % 3 ? 40 : 100000;
    for (int64_t i = 0; i < n * c; i++)
        made.values[i] = (float)(test_random(&seed) % levels) * (20.0f / (float)levels);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || test_random(&seed) % 8)
            made.order[made.n++] = (uint32_t)i;
    for (int i = 0; i < N_PLACES * MOST_C; i++)
        made.places[i / MOST_C][i % MOST_C] = 0.5 * (double)(test_random(&seed) % 44) - 1.0;
    return made;
}

static double squared(const cloud *cl, uint32_t point, const double *place)
{
    double sum = 0.0;
    for (int64_t k = 0; k < cl->c; k++)
        sum += pow((double)cl->values[point * cl->c + k] - place[k], 2);
    return sum;
}

static void assert_within(const cloud *cl, const pea__point_tree *tree, const double *place, double radius_squared)
{
    double sum[MOST_C] = {0}, expected[MOST_C] = {0};
    int64_t n = 0;
    for (int64_t i = 0; i < cl->n; i++)
        if (squared(cl, cl->order[i], place) <= radius_squared) {
            n++;
            for (int64_t k = 0; k < cl->c; k++)
                expected[k] += (double)cl->values[cl->order[i] * cl->c + k];
        }
    assert_int_equal(pea__point_tree_within(tree, place, radius_squared, sum), n);
    for (int64_t k = 0; k < cl->c; k++)
        assert_true(fabs(sum[k] - expected[k]) <= 1e-9 * (1.0 + expected[k]));
}

/* The nearest of the first n places, of equals the first. */
static void assert_nearest(const cloud *cl, const pea__point_tree *tree, int64_t n_places)
{
    const double *places[N_PLACES];
    uint32_t candidates[N_PLACES], nearest[PEA__LEAF_POINTS];
    int64_t begin, n_seen = 0;
    for (int64_t i = 0; i < n_places; i++)
        places[i] = cl->places[i];
    for (int64_t leaf = 0; leaf < pea__point_tree_leaves(tree); leaf++) {
        const int64_t n = pea__point_tree_nearest(tree, leaf, places, n_places, candidates, &begin, nearest);
        assert_int_equal(begin, n_seen);
        for (int64_t i = 0; i < n; i++) {
            uint32_t best = 0;
            for (uint32_t k = 1; k < n_places; k++)
                if (squared(cl, cl->order[begin + i], places[k]) < squared(cl, cl->order[begin + i], places[best]))
                    best = k;
            assert_int_equal(nearest[i], best);
        }
        n_seen += n;
    }
    assert_int_equal(n_seen, cl->n);
}

static void what_is_near_is_found(void **state)
{
    static const int64_t sizes[] = {1, 2, 31, 37, 300, 5000, MOST};
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        pea__point_tree tree;
        cloud cl = make_cloud(seed + 7, sizes[seed % 7], 1 + (int64_t)(seed % MOST_C));
        pea_context *context = test_context(1 + (int)(seed % 3), 0);
        assert_ok(pea__point_tree_new(cl.values, cl.order, cl.n, cl.c, context, 0.0, 1.0, &tree, &err));
        for (int i = 0; i < N_PLACES; i++)
            assert_within(&cl, &tree, cl.places[i], (double)(i * i * i) / 8.0);
        assert_nearest(&cl, &tree, 1 + (int64_t)(seed % N_PLACES));
        pea__point_tree_free(&tree);
        pea_context_free(context);
        free(cl.values);
        free(cl.order);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_near_is_found),
};

PEA_TEST_MAIN(tests)
