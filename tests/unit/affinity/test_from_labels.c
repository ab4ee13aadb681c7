/* test_from_labels.c - ground truth: the counts of the method's check values, and the three border rules by hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "pea/affinity.h"

static pea_error err;

static pea_status run(const uint32_t *labels, pea_dims d, const pea_offsets *offsets, pea_truth_rule rule,
                      float *affinity, uint8_t *valid)
{
    const pea_dims k = {d.z, d.y, d.x, (int64_t)offsets->n};
    const pea_array l = {(void *)labels, PEA_UINT32, d}, a = {affinity, PEA_FLOAT32, k}, v = {valid, PEA_UINT8, k};
    return pea_affinity_from_labels(&l, offsets, rule, NULL, &a, &v, &err);
}

static void set_box(uint32_t *labels, pea_dims d, int z0, int z1, int y0, int y1, int x0, int x1, uint32_t label)
{
    for (int z = z0; z < z1; z++)
        for (int y = y0; y < y1; y++)
            for (int x = x0; x < x1; x++)
                labels[(z * d.y + y) * d.x + x] = label;
}

static void counts_of_the_check_values_2d(void **state)
{
    (void)state;
    const pea_dims d = {1, 12, 16, 1};
    const int shifts[] = {1, 3}, ones[] = {155, 161, 126, 118}, inside[] = {176, 180, 144, 156};
    uint32_t labels[192] = {0};
    float affinity[192 * 4];
    uint8_t valid[192 * 4];
    pea_offsets offsets;
    assert_ok(pea_offsets_from_shifts(shifts, 2, 4, &offsets, &err));
    set_box(labels, d, 0, 1, 1, 6, 1, 7, 1);
    set_box(labels, d, 0, 1, 1, 6, 7, 13, 2);
    set_box(labels, d, 0, 1, 6, 11, 3, 10, 3);
    set_box(labels, d, 0, 1, 8, 11, 12, 15, 4);
    assert_ok(run(labels, d, &offsets, PEA_TRUTH_2D, affinity, valid));
    for (int k = 0; k < 4; k++) {
        int n_ones = 0, n_valid = 0;
        for (int p = 0; p < 192; p++) {
            n_ones += affinity[p * 4 + k] == 1.0f;
            n_valid += valid[p * 4 + k];
            assert_true(affinity[p * 4 + k] == 0.0f || affinity[p * 4 + k] == 1.0f);
        }
        assert_int_equal(n_ones, ones[k]);
        assert_int_equal(n_valid, inside[k]);
    }
}

static void counts_of_the_check_values_3d(void **state)
{
    (void)state;
    enum { N = 6 * 30 * 32 };
    const pea_dims d = {6, 30, 32, 1};
    const int ones[] = {3155, 3622, 3636, 2420, 3086, 3128, 1685, 1478, 1604, 950, 0, 0};
    static uint32_t labels[N];
    static float affinity[N * 12];
    const pea_offsets offsets = pea_offsets_3d_default();
    set_box(labels, d, 0, 6, 2, 15, 1, 20, 1);
    set_box(labels, d, 0, 6, 16, 28, 1, 20, 2);
    set_box(labels, d, 1, 5, 2, 28, 21, 31, 3);
    assert_ok(run(labels, d, &offsets, PEA_TRUTH_3D, affinity, NULL));
    for (int k = 0; k < 12; k++) {
        int n_ones = 0;
        for (int p = 0; p < N; p++)
            n_ones += affinity[p * 12 + k] == 1.0f;
        assert_int_equal(n_ones, ones[k]);
    }
}

/* A row 5 5 0 0 7, compared with the left neighbour. */
static void rules_differ_at_background_and_border(void **state)
{
    (void)state;
    const uint32_t labels[5] = {5, 5, 0, 0, 7};
    const pea_offsets offsets = {.n_axes = 3, .n = 4, .step = {{0, 0, -1}, {0, 0, 1}, {0, 0, -9}, {0, 0, -1}}};
    const float plane[20] = {1, 1, 1, 1, /**/ 1, 0, 1, 1, /**/ 0, 1, 1, 0, /**/ 1, 0, 1, 1, /**/ 0, 1, 1, 0};
    const float volume[20] = {0, 1, 0, 0, /**/ 1, 0, 0, 1, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 0};
    const float replicate[20] = {1, 1, 1, 0, /**/ 1, 0, 1, 1, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 0, /**/ 0, 1, 1, 0};
    const uint8_t inside[20] = {0, 1, 0, 0, /**/ 1, 1, 0, 1, /**/ 1, 1, 0, 1, /**/ 1, 1, 0, 1, /**/ 1, 0, 0, 1};
    float affinity[20];
    uint8_t valid[20];
    assert_ok(run(labels, (pea_dims){1, 1, 5, 1}, &offsets, PEA_TRUTH_2D, affinity, valid));
    assert_memory_equal(affinity, plane, sizeof plane);
    assert_memory_equal(valid, inside, sizeof inside);
    assert_ok(run(labels, (pea_dims){1, 1, 5, 1}, &offsets, PEA_TRUTH_3D, affinity, valid));
    assert_memory_equal(affinity, volume, sizeof volume);
    assert_memory_equal(valid, inside, sizeof inside);
    assert_ok(run(labels, (pea_dims){1, 1, 5, 1}, &offsets, PEA_TRUTH_3D_REPLICATE, affinity, NULL));
    assert_memory_equal(affinity, replicate, sizeof replicate);
}

static void label_arrays_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    uint32_t labels[4] = {0};
    float affinity[12];
    uint8_t valid[12];
    const pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    const pea_array l = {labels, PEA_UINT32, {1, 2, 2, 1}}, a = {affinity, PEA_FLOAT32, {1, 2, 2, 2}};
    const pea_array wide = {affinity, PEA_FLOAT32, {1, 2, 2, 3}}, two = {labels, PEA_UINT32, {1, 2, 2, 2}};
    const pea_array v3 = {valid, PEA_UINT8, {1, 2, 2, 3}}, vf = {affinity, PEA_FLOAT32, {1, 2, 2, 2}};
    assert_fails(pea_affinity_from_labels(&l, NULL, PEA_TRUTH_2D, NULL, &a, NULL, &err), PEA_E_ARG, "offsets");
    assert_fails(pea_affinity_from_labels(&l, &offsets, (pea_truth_rule)9, NULL, &a, NULL, &err), PEA_E_ARG, "rule");
    assert_fails(pea_affinity_from_labels(&l, &offsets, PEA_TRUTH_2D, NULL, &wide, NULL, &err), PEA_E_SHAPE, "2 channels");
    assert_fails(pea_affinity_from_labels(&two, &offsets, PEA_TRUTH_2D, NULL, &a, NULL, &err), PEA_E_SHAPE, "1 channel");
    assert_fails(pea_affinity_from_labels(&l, &offsets, PEA_TRUTH_2D, NULL, &a, &v3, &err), PEA_E_SHAPE, "valid");
    assert_fails(pea_affinity_from_labels(&l, &offsets, PEA_TRUTH_2D, NULL, &a, &vf, &err), PEA_E_DTYPE, "valid");
    assert_ok(pea_affinity_from_labels(&l, &offsets, PEA_TRUTH_2D, NULL, &a, NULL, &err));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(counts_of_the_check_values_2d),
    cmocka_unit_test(counts_of_the_check_values_3d),
    cmocka_unit_test(rules_differ_at_background_and_border),
    cmocka_unit_test(label_arrays_that_do_not_fit_are_refused),
};

PEA_TEST_MAIN(tests)
