/* test_samples.c - every sample of testdata/checkpoints gives what is written down for it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

static pea_weights *imported(const char *name)
{
    pea_error err;
    pea_weights *weights = NULL;
    char path[512], notes[256];
    snprintf(path, sizeof path, "%s/checkpoints/%s", PEA_TESTDATA, name);
    assert_ok(pea_weights_import(path, &weights, notes, &err));
    if (strcmp(name, "zip-crc-all-zero.ckpt") != 0)
        assert_string_equal(notes, "");
    return weights;
}

static void assert_state(const char *name)
{
    static const float bias[] = {0.5f, -0.5f}, zero[2];
    static const int64_t seven = 7;
    float weight[18];
    for (int i = 0; i < 18; i++)
        weight[i] = (float)i;
    pea_weights *w = imported(name);
    assert_int_equal(pea_weights_count(w), 4);
    assert_tensor(w, 0, "conv.weight", PEA_FLOAT32, weight, 4, 2, 1, 3, 3);
    assert_tensor(w, 1, "conv.bias", PEA_FLOAT32, bias, 1, 2);
    assert_tensor(w, 2, "bn.running_mean", PEA_FLOAT32, zero, 1, 2);
    assert_tensor(w, 3, "bn.num_batches_tracked", PEA_INT64, &seven, 0);
    assert_null(pea_weights_metadata(w));
    pea_weights_free(w);
}

static void zip_and_legacy_hold_the_same_state(void **state)
{
    (void)state;
    assert_state("zip-state.ckpt");
    assert_state("legacy-state.ckpt");
}

static void deflated_entries_are_unpacked(void **state)
{
    (void)state;
    assert_state("zip-deflated-entries.ckpt");
}

static void missing_checksums_are_noted(void **state)
{
    pea_error err;
    pea_weights *w;
    char notes[256];
    (void)state;
    assert_state("zip-crc-all-zero.ckpt");
    assert_ok(pea_weights_import(PEA_TESTDATA "/checkpoints/zip-crc-all-zero.ckpt", &w, notes, &err));
    assert_non_null(strstr(notes, "no checksums"));
    pea_weights_free(w);
}

static void state_dict_with_attributes_loads(void **state)
{
    static const char *const names[] = {"zip-module-statedict.pt", "legacy-module-statedict.pt",
                                        "zip-with-optimizer.pt"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        pea_weights *w = imported(names[i]);
        pea_tensor t;
        assert_int_equal(pea_weights_count(w), 7);
        assert_true(pea_weights_find(w, "0.weight", &t));
        assert_int_equal(t.n_axes, 4);
        assert_true(pea_weights_find(w, "1.num_batches_tracked", &t));
        assert_int_equal(t.dtype, PEA_INT64);
        assert_false(pea_weights_find(w, "_metadata", NULL));
        pea_weights_free(w);
    }
}

/* base = 0..23 as (4,6) */
static void assert_mixed(const char *name)
{
    float base[24], transposed[24], channels_last[120] = {0};
    int64_t whole[24], above_3[24];
    static const float slice[] = {8, 9, 10, 14, 15, 16}, scalar = 3.25f;
    for (int i = 0; i < 24; i++) {
        base[i] = (float)i;
        transposed[i % 6 * 4 + i / 6] = (float)i;
        whole[i] = i;
        above_3[i] = i > 3;
    }
    pea_weights *w = imported(name);
    assert_int_equal(pea_weights_count(w), 11);
    assert_tensor(w, 0, "t", PEA_FLOAT32, transposed, 2, 6, 4);
    assert_tensor(w, 1, "slice", PEA_FLOAT32, slice, 2, 2, 3);
    assert_tensor(w, 2, "half", PEA_FLOAT32, base, 2, 4, 6);
    assert_tensor(w, 3, "bf16", PEA_FLOAT32, base, 2, 4, 6);
    assert_tensor(w, 4, "long", PEA_INT64, whole, 2, 4, 6);
    assert_tensor(w, 5, "u8", PEA_INT64, whole, 2, 4, 6);
    assert_tensor(w, 6, "bool", PEA_INT64, above_3, 2, 4, 6);
    assert_tensor(w, 7, "param", PEA_FLOAT32, base, 2, 4, 6);
    assert_tensor(w, 8, "scalar", PEA_FLOAT32, &scalar, 0);
    assert_tensor(w, 9, "empty", PEA_FLOAT32, NULL, 2, 0, 3);
    assert_tensor(w, 10, "cl", PEA_FLOAT32, channels_last, 4, 2, 3, 4, 5);
    pea_weights_free(w);
}

static void tensors_are_taken_from_among_other_values(void **state)
{
    (void)state;
    assert_mixed("zip-mixed-types.pt");
    assert_mixed("legacy-mixed-types.pt");
}

static void views_of_one_storage_are_cut_out(void **state)
{
    static const float v[] = {10, 11};
    float w_values[995];
    (void)state;
    for (int i = 0; i < 995; i++)
        w_values[i] = (float)(i + 5);
    for (int legacy = 0; legacy < 2; legacy++) {
        pea_weights *w = imported(legacy ? "legacy-shared-views.pt" : "zip-shared-views.pt");
        assert_tensor(w, 0, "v", PEA_FLOAT32, v, 1, 2);
        assert_tensor(w, 1, "w", PEA_FLOAT32, w_values, 1, 995);
        pea_weights_free(w);
    }
}

static void protocols_1_to_5_are_read(void **state)
{
    static const float ones[] = {1, 1, 1};
    (void)state;
    for (int protocol = 1; protocol <= 5; protocol++)
        for (int legacy = 0; legacy < 2 && protocol != 2; legacy++) {
            char name[64];
            snprintf(name, sizeof name, "%s-protocol%d.pt", legacy ? "legacy" : "zip", protocol);
            pea_weights *w = imported(name);
            assert_int_equal(pea_weights_count(w), 2);
            assert_tensor(w, 0, "a", PEA_FLOAT32, ones, 1, 2);
            assert_tensor(w, 1, "b", PEA_FLOAT32, ones, 1, 3); /* float64 in the file */
            pea_weights_free(w);
        }
}

static void crafted_files_are_refused_each_for_its_reason(void **state)
{
    static const struct {
        const char *name;
        pea_status status;
        const char *part;
    } cases[] = {{"crafted-bitflip-in-weight.ckpt", PEA_E_FORMAT, "data/0\" does not match its checksum"},
                 {"crafted-numel_more_than_record.pt", PEA_E_FORMAT, "4000 bytes but its record has 16"},
                 {"crafted-oob_stride.pt", PEA_E_FORMAT, "reaches beyond the 4 elements"},
                 {"crafted-neg_offset.pt", PEA_E_FORMAT, "none negative"},
                 {"crafted-neg_size.pt", PEA_E_FORMAT, "none negative"},
                 {"crafted-neg_stride.pt", PEA_E_FORMAT, "none negative"},
                 {"crafted-huge.pt", PEA_E_LIMIT, "2^31 elements"},
                 {"crafted-wrap.pt", PEA_E_LIMIT, "2^31 elements"},
                 {"zip-protocol0.pt", PEA_E_FORMAT, "protocol 0"},
                 {"legacy-protocol0.pt", PEA_E_FORMAT, "protocol 0"}};
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pea_weights *w = NULL;
        bytes b = sample(cases[i].name);
        assert_fails(import_bytes(&b, &w, NULL, &err), cases[i].status, cases[i].part);
        assert_null(w);
        drop(&b);
    }
}

static void crafted_file_that_is_right_loads(void **state)
{
    static const float zeros[4];
    (void)state;
    pea_weights *w = imported("crafted-ok.pt");
    assert_int_equal(pea_weights_count(w), 1);
    assert_tensor(w, 0, "tensor", PEA_FLOAT32, zeros, 2, 2, 2);
    pea_weights_free(w);
}

/* ---- damage ---- */

/* The bytes as they are give these weights or an error, and nothing leaks. Returns whether they loaded. */
static bool loads_or_fails(const bytes *b, const pea_weights *truth)
{
    pea_error err = {0};
    pea_weights *w = NULL;
    const size_t live = pea__alloc_live();
    const pea_status status = import_bytes(b, &w, NULL, &err);
    if (status == PEA_OK && !same_weights(w, truth))
        fail_msg("other weights were read without an error");
    if (status != PEA_OK && (err.message[0] == '\0' || err.status != status))
        fail_msg("an error without a message");
    pea_weights_free(w);
    assert_int_equal(pea__alloc_live(), live);
    return status == PEA_OK;
}

static void every_prefix_is_an_error(void **state)
{
    static const char *const names[] = {"zip-state.ckpt", "legacy-state.ckpt", "zip-deflated-entries.ckpt"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        pea_weights *truth = imported(names[i]);
        bytes whole = sample(names[i]);
        for (size_t n = 0; n < whole.n; n++)
            if (loads_or_fails(&(bytes){whole.at, n, n}, truth))
                fail_msg("%s cut off after %zu of %zu bytes was read", names[i], n, whole.n);
        drop(&whole);
        pea_weights_free(truth);
    }
}

static void every_flipped_bit_of_a_zip_is_an_error_or_does_not_matter(void **state)
{
    static const char *const names[] = {"zip-state.ckpt", "zip-deflated-entries.ckpt"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        pea_weights *truth = imported(names[i]);
        bytes b = sample(names[i]);
        size_t n_loaded = 0;
        for (size_t bit = 0; bit < 8 * b.n; bit++) {
            b.at[bit / 8] ^= (unsigned char)(1u << bit % 8);
            n_loaded += loads_or_fails(&b, truth);
            b.at[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_true(n_loaded > 0 && n_loaded < 8 * b.n); /* padding and dates do not matter; the rest does */
        drop(&b);
        pea_weights_free(truth);
    }
}

/* A legacy file has no checksum: other weights cannot be noticed, but nothing worse may happen. */
static void every_flipped_bit_of_a_legacy_file_is_survived(void **state)
{
    pea_error err;
    (void)state;
    bytes b = sample("legacy-state.ckpt");
    const size_t live = pea__alloc_live();
    for (size_t bit = 0; bit < 8 * b.n; bit++) {
        pea_weights *w = NULL;
        b.at[bit / 8] ^= (unsigned char)(1u << bit % 8);
        err = (pea_error){0};
        const pea_status status = import_bytes(&b, &w, NULL, &err);
        assert_true((status == PEA_OK) == (w != NULL) && (status == PEA_OK || err.message[0] != '\0'));
        pea_weights_free(w);
        b.at[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_int_equal(pea__alloc_live(), live);
    drop(&b);
}

static pea_status import_and_free(void *sample_bytes, pea_error *err)
{
    pea_weights *w = NULL;
    const pea_status status = import_bytes(sample_bytes, &w, NULL, err);
    pea_weights_free(w);
    return status;
}

static void every_failing_allocation_ends_in_an_error(void **state)
{
    static const char *const names[] = {"zip-mixed-types.pt", "legacy-mixed-types.pt", "zip-deflated-entries.ckpt"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        bytes b = sample(names[i]);
        test_each_allocation_failing(import_and_free, &b, 10000);
        drop(&b);
    }
}

/* ---- the trained networks used elsewhere, where they are ---- */

static void golden_checkpoints_load(void **state)
{
    static const char *const cases[] = {"resunet2d-small-legacy", "resunet2d-small-zip-module-prefix", "resunet2d-full",
                                        "superhuman3d-small", "superhuman3d-full", "superhuman3d-affinity-small"};
    const char *folder = getenv("PEA_GOLDEN_DIR");
    size_t n_found = 0;
    (void)state;
    for (size_t i = 0; folder && i < sizeof cases / sizeof *cases; i++) {
        char path[1024];
        pea_error err;
        pea_weights *w = NULL;
        snprintf(path, sizeof path, "%s/%s/model.ckpt", folder, cases[i]);
        FILE *there = fopen(path, "rb");
        if (!there)
            continue;
        fclose(there);
        n_found++;
        assert_ok(pea_weights_import(path, &w, NULL, &err));
        assert_true(pea_weights_count(w) > 50);
        for (size_t t = 0; t < pea_weights_count(w); t++)
            assert_int_not_equal(strncmp(pea_weights_tensor(w, t).name, "module.", 7), 0);
        pea_weights_free(w);
    }
    if (n_found == 0)
        skip();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(zip_and_legacy_hold_the_same_state),
    cmocka_unit_test(deflated_entries_are_unpacked),
    cmocka_unit_test(missing_checksums_are_noted),
    cmocka_unit_test(state_dict_with_attributes_loads),
    cmocka_unit_test(tensors_are_taken_from_among_other_values),
    cmocka_unit_test(views_of_one_storage_are_cut_out),
    cmocka_unit_test(protocols_1_to_5_are_read),
    cmocka_unit_test(crafted_files_are_refused_each_for_its_reason),
    cmocka_unit_test(crafted_file_that_is_right_loads),
    cmocka_unit_test(every_prefix_is_an_error),
    cmocka_unit_test(every_flipped_bit_of_a_zip_is_an_error_or_does_not_matter),
    cmocka_unit_test(every_flipped_bit_of_a_legacy_file_is_survived),
    cmocka_unit_test(every_failing_allocation_ends_in_an_error),
    cmocka_unit_test(golden_checkpoints_load),
};

PEA_TEST_MAIN(tests)
