/* test_initial.c - new networks: the names and shapes of published ones, and numbers of the right spread.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "pea/network.h"
#include "train/run.h"

static const pea__blueprint plane = {2, 3, {16, 32, 64, 128, 256}, 16, true};
static const pea__blueprint volume = {3, 1, {28, 36, 48, 64, 80}, 16, true};

static pea_weights *make(const pea__blueprint *plan, uint64_t seed)
{
    pea_error err;
    pea_weights *weights = NULL;
    assert_ok(pea__initial_weights(plan, seed, &weights, &err));
    return weights;
}

static pea_network_info info_of(const pea_weights *weights)
{
    pea_error err;
    pea_network *network = NULL;
    assert_ok(pea_network_create(weights, &network, &err));
    const pea_network_info info = pea_network_get_info(network);
    pea_network_free(network);
    return info;
}

static void new_networks_are_those_of_the_paper(void **state)
{
    (void)state;
    pea_weights *w = make(&plane, 1);
    pea_network_info info = info_of(w);
    assert_int_equal(pea_weights_count(w), 208);
    assert_int_equal(info.n_parameters, 4715938);
    assert_int_equal(info.n_heads, 6);
    pea_weights_free(w);
    w = make(&volume, 1);
    info = info_of(w);
    assert_int_equal(pea_weights_count(w), 204);
    assert_int_equal(info.n_parameters, 1481748);
    assert_int_equal(info.n_heads, 5);
    pea_weights_free(w);
}

static void without_coarse_heads_they_are_the_single_ones(void **state)
{
    pea__blueprint single = plane;
    (void)state;
    single.coarse_heads = false;
    pea_weights *w = make(&single, 1);
    assert_int_equal(info_of(w).n_parameters, 4704610);
    pea_weights_free(w);
    single = volume;
    single.coarse_heads = false;
    w = make(&single, 1);
    assert_int_equal(info_of(w).n_parameters, 1478036);
    pea_weights_free(w);
}

/* Names and order are those of a published checkpoint, in which widths are small. */
static void tensors_are_in_the_order_of_a_published_checkpoint(void **state)
{
    static const char *const paths[2] = {PEA_TESTDATA "/golden/resunet2d-small-legacy/model.ckpt",
                                         PEA_TESTDATA "/golden/superhuman3d-small/model.ckpt"};
    pea_error err;
    char notes[256];
    (void)state;
    for (int k = 0; k < 2; k++) {
        pea_weights *published = NULL;
        assert_ok(pea_weights_import(paths[k], &published, notes, &err));
        const pea_network_info info = info_of(published);
        pea__blueprint plan = {.n_axes = info.n_axes,
                               .in_channels = info.in_channels,
                               .embedding_dim = info.embedding_dim,
                               .coarse_heads = true};
        memcpy(plan.filters, info.filters, sizeof plan.filters);
        pea_weights *made = make(&plan, 7);
        assert_int_equal(pea_weights_count(made), pea_weights_count(published));
        for (size_t i = 0; i < pea_weights_count(made); i++) {
            const pea_tensor a = pea_weights_tensor(made, i), b = pea_weights_tensor(published, i);
            assert_string_equal(a.name, b.name);
            assert_int_equal(a.dtype, b.dtype);
            assert_int_equal(a.n_axes, b.n_axes);
            assert_memory_equal(a.shape, b.shape, (size_t)a.n_axes * sizeof *a.shape);
        }
        pea_weights_free(made);
        pea_weights_free(published);
    }
}

typedef struct spread {
    double mean, deviation, largest;
} spread;

static spread spread_of(const pea_weights *weights, const char *name)
{
    pea_tensor t;
    double sum = 0, squares = 0, largest = 0;
    int64_t n = 1;
    assert_true(pea_weights_find(weights, name, &t));
    for (int i = 0; i < t.n_axes; i++)
        n *= t.shape[i];
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)((const float *)t.data)[i];
        sum += v;
        squares += v * v;
        largest = fmax(largest, fabs(v));
    }
    return (spread){sum / (double)n, sqrt(squares / (double)n), largest};
}

static void weights_spread_by_what_comes_in(void **state)
{
    (void)state;
    pea_weights *w = make(&plane, 3);
    const double range = 1 / sqrt(384 * 9.0);
    spread s = spread_of(w, "up2_emb.block.conv.0.weight"); /* 442 368 numbers */
    assert_true(fabs(s.mean) < range * 0.005);
    assert_true(fabs(s.deviation - range / sqrt(3)) < range * 0.005);
    assert_true(s.largest <= range && s.largest > range * 0.999);
    assert_true(spread_of(w, "up2_emb.block.conv.0.bias").largest <= range);
    assert_true(spread_of(w, "up2_emb.block.conv.0.bias").largest > range * 0.8);
    assert_true(spread_of(w, "up2_emb.block.conv.1.weight").deviation == 1.0);
    pea_weights_free(w);
    w = make(&volume, 3);
    s = spread_of(w, "center.block2.0.weight"); /* 172 800 numbers */
    const double deviation = sqrt(2 / (80 * 27.0));
    assert_true(fabs(s.mean) < deviation * 0.01);
    assert_true(fabs(s.deviation - deviation) < deviation * 0.01);
    assert_true(s.largest > 3.5 * deviation && s.largest < 6 * deviation);
    assert_true(spread_of(w, "embed_in.0.bias").largest == 0.0);
    pea_weights_free(w);
}

static bool same(const pea_weights *a, const pea_weights *b, const char *name)
{
    pea_tensor p, q;
    assert_true(pea_weights_find(a, name, &p) && pea_weights_find(b, name, &q));
    return !memcmp(p.data, q.data, 256 * sizeof(float));
}

static void seeds_tell_networks_apart(void **state)
{
    (void)state;
    pea_weights *a = make(&plane, 5), *b = make(&plane, 5), *c = make(&plane, 6);
    assert_true(same(a, b, "down4.block.conv.0.weight"));
    assert_false(same(a, c, "down4.block.conv.0.weight"));
    pea_tensor p, q;
    assert_true(pea_weights_find(a, "up1_emb.block.conv.0.weight", &p) &&
                pea_weights_find(a, "up1_emb.block.conv.3.weight", &q));
    assert_true(memcmp(p.data, q.data, 256 * sizeof(float)) != 0); /* equal shapes, unequal numbers */
    pea_weights_free(a);
    pea_weights_free(b);
    pea_weights_free(c);
}

static pea_status attempt(void *argument, pea_error *err)
{
    static const pea__blueprint tiny = {2, 1, {1, 1, 1, 1, 1}, 1, true};
    pea_weights *weights;
    (void)argument;
    const pea_status status = pea__initial_weights(&tiny, 1, &weights, err);
    pea_weights_free(weights);
    return status;
}

static void a_new_network_survives_want_of_memory(void **state)
{
    (void)state;
    test_each_allocation_failing(attempt, NULL, 10000);
}

static void impossible_networks_are_refused(void **state)
{
    pea_error err;
    pea_weights *weights;
    pea__blueprint wrong = plane;
    (void)state;
    wrong.filters[2] = 0;
    assert_fails(pea__initial_weights(&wrong, 1, &weights, &err), PEA_E_ARG, "five widths");
    wrong = plane;
    wrong.n_axes = 4;
    assert_fails(pea__initial_weights(&wrong, 1, &weights, &err), PEA_E_ARG, "2 or 3 axes");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(new_networks_are_those_of_the_paper),
    cmocka_unit_test(without_coarse_heads_they_are_the_single_ones),
    cmocka_unit_test(tensors_are_in_the_order_of_a_published_checkpoint),
    cmocka_unit_test(weights_spread_by_what_comes_in),
    cmocka_unit_test(seeds_tell_networks_apart),
    cmocka_unit_test(a_new_network_survives_want_of_memory),
    cmocka_unit_test(impossible_networks_are_refused),
};

PEA_TEST_MAIN(tests)
