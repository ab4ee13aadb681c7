/* test_preset.c - the published settings, number by number.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/segment.h"
#include "same_options.h"
#include "test.h"

static pea_segment_options preset(const char *name)
{
    pea_error err;
    pea_segment_options o;
    assert_ok(pea_preset(name, &o, &err));
    assert_int_equal(o.struct_size, sizeof o);
    return o;
}

static void check_shifts(const pea_segment_options *o, int last)
{
    const int shifts[5] = {1, 3, 5, 9, last};
    assert_int_equal(o->offsets.n_axes, 2);
    assert_int_equal(o->offsets.n, 10);
    for (int i = 0; i < 5; i++) {
        const pea_offset up = o->offsets.step[2 * i], left = o->offsets.step[2 * i + 1];
        assert_true(up.z == 0 && up.y == -shifts[i] && up.x == 0);
        assert_true(left.z == 0 && left.y == 0 && left.x == -shifts[i]);
    }
}

static void check_merge(const pea_segment_options *o, const int (*passes)[2], size_t n)
{
    assert_int_equal(o->n_merge, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(o->merge[i].max_size, passes[i][0]);
        assert_int_equal(o->merge[i].window, passes[i][1]);
    }
}

static void cvppp_is_as_published(void **state)
{
    const pea_segment_options o = preset("cvppp");
    (void)state;
    assert_int_equal(o.normalise, PEA_NORMALISE_IMAGENET);
    assert_int_equal(o.padding, PEA_PAD_REFLECT_SQUARE);
    assert_int_equal(o.clusterer, PEA_CLUSTER_MUTEX);
    assert_int_equal(o.cluster_padded, 1);
    assert_int_equal(o.foreground, PEA_FOREGROUND_GIVEN);
    assert_true(o.stride[0] == 1 && o.stride[1] == 5 && o.stride[2] == 5);
    assert_int_equal(o.min_size, 0);
    check_shifts(&o, 27);
    check_merge(&o, (const int[][2]){{5, 5}, {20, 11}, {50, 11}, {300, 21}}, 4);
}

static void bbbc039_is_as_published(void **state)
{
    const pea_segment_options o = preset("bbbc039");
    (void)state;
    assert_int_equal(o.normalise, PEA_NORMALISE_MINMAX);
    assert_int_equal(o.padding, PEA_PAD_ZERO_SQUARE);
    assert_int_equal(o.clusterer, PEA_CLUSTER_MUTEX);
    assert_int_equal(o.cluster_padded, 0);
    assert_int_equal(o.foreground, PEA_FOREGROUND_PREDICTED);
    assert_true(o.foreground_threshold == 0.5);
    assert_int_equal(o.min_foreground_size, 25);
    assert_true(o.stride[0] == 1 && o.stride[1] == 10 && o.stride[2] == 10);
    check_shifts(&o, 11);
    check_merge(&o, (const int[][2]){{5, 5}, {25, 11}, {50, 11}, {100, 21}}, 4);
}

static void ac3ac4_is_as_published(void **state)
{
    const pea_segment_options o = preset("ac3ac4");
    const int64_t tile[3] = {18, 160, 160}, step[3] = {10, 80, 80}, margin[3] = {4, 48, 48};
    (void)state;
    assert_int_equal(o.normalise, PEA_NORMALISE_UNIT);
    assert_int_equal(o.foreground, PEA_FOREGROUND_NONE);
    assert_int_equal(o.border, PEA_BORDER_COPY);
    assert_int_equal(o.clusterer, PEA_CLUSTER_MULTICUT);
    assert_int_equal(o.offsets.n_axes, 3);
    assert_int_equal(o.offsets.n, 12);
    assert_true(o.stride[0] == 1 && o.stride[1] == 10 && o.stride[2] == 10);
    assert_int_equal(o.n_merge, 0);
    assert_memory_equal(o.tile, tile, sizeof tile);
    assert_memory_equal(o.tile_step, step, sizeof step);
    assert_memory_equal(o.tile_margin, margin, sizeof margin);
}

static void nuclei_is_what_the_bundled_model_is_used_with(void **state)
{
    const pea_segment_options o = preset("nuclei");
    pea_error err;
    pea_model *model = NULL;
    (void)state;
    assert_ok(pea_model_open(PEA_TESTDATA "/../models/nuclei.safetensors", &model, &err));
    const pea_segment_options bundled = pea_model_options(model);
    expect_same(&bundled, &o);
    pea_model_free(model);
    assert_int_equal(o.normalise, PEA_NORMALISE_MINMAX);
    assert_int_equal(o.padding, PEA_PAD_REFLECT_END);
    assert_int_equal(o.clusterer, PEA_CLUSTER_MUTEX);
    assert_int_equal(o.cluster_padded, 0);
    assert_int_equal(o.foreground, PEA_FOREGROUND_PREDICTED);
    assert_true(o.foreground_threshold == 0.85);
    assert_int_equal(o.absorb_size, 50);
    assert_int_equal(o.min_foreground_size, 25);
    assert_int_equal(o.min_size, 25);
    assert_int_equal(o.n_merge, 0);
    assert_true(o.stride[1] == 5 && o.stride[2] == 5);
    check_shifts(&o, 11);
}

static void unknown_preset_names_the_known_ones(void **state)
{
    pea_error err;
    pea_segment_options o;
    (void)state;
    assert_fails(pea_preset("leaves", &o, &err), PEA_E_ARG, "'leaves': choose cvppp, bbbc039, ac3ac4 or nuclei");
    assert_fails(pea_preset(NULL, &o, &err), PEA_E_ARG, "needs a name");
}

static void names_and_choices_belong_together(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        pea_normalise normalise;
        pea_padding padding;
        pea_foreground foreground;
        pea_border border;
        assert_true(pea_normalise_parse(pea_normalise_name((pea_normalise)i), &normalise) && (int)normalise == i);
        assert_true(pea_padding_parse(pea_padding_name((pea_padding)i), &padding) && (int)padding == i);
        assert_true(pea_foreground_parse(pea_foreground_name((pea_foreground)i), &foreground) && (int)foreground == i);
        assert_true(pea_border_parse(pea_border_name((pea_border)i), &border) && (int)border == i);
    }
    for (int i = 0; i < 4; i++) {
        pea_clusterer clusterer;
        assert_true(pea_clusterer_parse(pea_clusterer_name((pea_clusterer)i), &clusterer) && (int)clusterer == i);
    }
    assert_string_equal(pea_clusterer_name((pea_clusterer)4), "unknown");
    assert_string_equal(pea_padding_name(PEA_PAD_REFLECT_SQUARE), "reflect-square");
    assert_string_equal(pea_border_name((pea_border)7), "unknown");
}

static void unknown_names_are_no_choice(void **state)
{
    pea_normalise normalise;
    pea_padding padding;
    pea_foreground foreground;
    pea_border border;
    (void)state;
    assert_false(pea_normalise_parse("Unit", &normalise));
    assert_false(pea_padding_parse("", &padding));
    assert_false(pea_foreground_parse("predicte", &foreground));
    assert_false(pea_border_parse(NULL, &border));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cvppp_is_as_published),
    cmocka_unit_test(bbbc039_is_as_published),
    cmocka_unit_test(ac3ac4_is_as_published),
    cmocka_unit_test(nuclei_is_what_the_bundled_model_is_used_with),
    cmocka_unit_test(unknown_preset_names_the_known_ones),
    cmocka_unit_test(names_and_choices_belong_together),
    cmocka_unit_test(unknown_names_are_no_choice),
};

PEA_TEST_MAIN(tests)
