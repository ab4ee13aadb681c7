/* test_normalise.c - what intensities of each type become, and which are refused.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"
#include "test.h"

#include <math.h>

/* One row of the image's type through a rule; the range is that of the image. */
static void through(pea_normalise rule, pea_array image, int64_t channels, float *out)
{
    pea_error err;
    pea__range range;
    assert_ok(pea__image_ranges(&image, NULL, &range, &err));
    const pea__source source = {image, rule, range, true, image.dtype};
    const pea_array box = {out, PEA_FLOAT32, {1, image.dims.y, image.dims.x, channels}};
    assert_ok(pea__normalised_box(&source, 0, 0, 0, NULL, &box, &err));
}

static void minmax_reaches_from_zero_to_one(void **state)
{
    uint16_t v[4] = {1000, 1100, 1250, 3000};
    float out[4];
    (void)state;
    through(PEA_NORMALISE_MINMAX, (pea_array){v, PEA_UINT16, {1, 1, 4, 1}}, 1, out);
    assert_true(out[0] == 0.0f && out[1] == 100.0f / 2000.0f && out[2] == 250.0f / 2000.0f && out[3] == 1.0f);
}

static void minmax_of_negative_and_huge_values_is_finite(void **state)
{
    double v[3] = {-3e38, 0.0, 3e38};
    float out[3];
    (void)state;
    through(PEA_NORMALISE_MINMAX, (pea_array){v, PEA_FLOAT64, {1, 1, 3, 1}}, 1, out);
    assert_true(out[0] == 0.0f && out[1] == 0.5f && out[2] == 1.0f);
}

static void minmax_of_a_constant_image_is_zero(void **state)
{
    int16_t v[3] = {-7, -7, -7};
    float out[3] = {9, 9, 9};
    (void)state;
    through(PEA_NORMALISE_MINMAX, (pea_array){v, PEA_INT16, {1, 1, 3, 1}}, 1, out);
    assert_true(out[0] == 0.0f && out[1] == 0.0f && out[2] == 0.0f);
}

static void unit_divides_by_the_white_of_the_type(void **state)
{
    uint8_t a[2] = {51, 255};
    uint16_t b[2] = {13107, 65535};
    float c[2] = {0.2f, 1.0f}, out[2];
    int8_t d[2] = {-51, 102};
    uint32_t e[2] = {13107, 65535};
    (void)state;
    through(PEA_NORMALISE_UNIT, (pea_array){a, PEA_UINT8, {1, 1, 2, 1}}, 1, out);
    assert_true(out[0] == 51.0f / 255.0f && out[1] == 1.0f);
    through(PEA_NORMALISE_UNIT, (pea_array){b, PEA_UINT16, {1, 1, 2, 1}}, 1, out);
    assert_true(out[0] == 13107.0f / 65535.0f && out[1] == 1.0f);
    through(PEA_NORMALISE_UNIT, (pea_array){c, PEA_FLOAT32, {1, 1, 2, 1}}, 1, out);
    assert_true(out[0] == 0.2f && out[1] == 1.0f);
    through(PEA_NORMALISE_UNIT, (pea_array){d, PEA_INT8, {1, 1, 2, 1}}, 1, out);
    assert_true(out[0] == -51.0f / 255.0f && out[1] == 102.0f / 255.0f);
    through(PEA_NORMALISE_UNIT, (pea_array){e, PEA_UINT32, {1, 1, 2, 1}}, 1, out);
    assert_true(out[0] == 13107.0f / 65535.0f && out[1] == 1.0f);
}

static void imagenet_treats_each_colour_by_itself(void **state)
{
    uint8_t v[3] = {10, 128, 255};
    const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    float out[3];
    (void)state;
    through(PEA_NORMALISE_IMAGENET, (pea_array){v, PEA_UINT8, {1, 1, 1, 3}}, 3, out);
    for (int c = 0; c < 3; c++)
        assert_true(out[c] == ((float)v[c] / 255.0f - mean[c]) / deviation[c]);
}

static void one_channel_is_repeated(void **state)
{
    uint8_t v[2] = {0, 255};
    float out[6];
    (void)state;
    through(PEA_NORMALISE_UNIT, (pea_array){v, PEA_UINT8, {1, 1, 2, 1}}, 3, out);
    for (int i = 0; i < 6; i++)
        assert_true(out[i] == (i < 3 ? 0.0f : 1.0f));
}

/* Floats that were bytes before they were resized. */
static void white_of_a_resized_image_is_that_of_its_old_type(void **state)
{
    pea_error err;
    float v[3] = {0.0f, 127.5f, 255.0f}, out[3];
    pea__source source = {{v, PEA_FLOAT32, {1, 1, 3, 1}}, PEA_NORMALISE_UNIT, {0, 255}, true, PEA_UINT8};
    const pea_array box = {out, PEA_FLOAT32, {1, 1, 3, 1}};
    (void)state;
    assert_ok(pea__normalised_box(&source, 0, 0, 0, NULL, &box, &err));
    assert_true(out[0] == 0.0f && out[1] == 0.5f && out[2] == 1.0f);
}

/* A box larger than the image on all sides, against indices written down. */
static void box_beyond_the_image_is_mirrored_or_zero(void **state)
{
    pea_error err;
    uint8_t v[2 * 3] = {0, 51, 102, 153, 204, 255};
    const int rows[4] = {1, 0, 1, 0}, columns[7] = {2, 1, 0, 1, 2, 1, 0};
    float out[28];
    pea__source source = {{v, PEA_UINT8, {1, 2, 3, 1}}, PEA_NORMALISE_UNIT, {0, 255}, true, 0};
    const pea_array box = {out, PEA_FLOAT32, {1, 4, 7, 1}};
    (void)state;
    assert_ok(pea__normalised_box(&source, 0, -1, -2, NULL, &box, &err));
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 7; x++)
            assert_true(out[y * 7 + x] == (float)v[rows[y] * 3 + columns[x]] / 255.0f);
    source.mirror = false;
    assert_ok(pea__normalised_box(&source, 0, -1, -2, NULL, &box, &err));
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 7; x++) {
            const bool in = y >= 1 && y < 3 && x >= 2 && x < 5;
            assert_true(out[y * 7 + x] == (in ? (float)v[(y - 1) * 3 + x - 2] / 255.0f : 0.0f));
        }
}

static void ranges_are_those_of_each_plane(void **state)
{
    pea_error err;
    int32_t v[2 * 2 * 2] = {5, -1, 3, 2, 100, 90, 80, 70};
    pea__range ranges[2];
    const pea_array image = {v, PEA_INT32, {2, 2, 2, 1}};
    (void)state;
    assert_ok(pea__image_ranges(&image, NULL, ranges, &err));
    assert_true(ranges[0].min == -1 && ranges[0].max == 5 && ranges[1].min == 70 && ranges[1].max == 100);
}

static void what_is_not_finite_is_refused_with_its_place(void **state)
{
    pea_error err;
    float v[2 * 3 * 4 * 2] = {0};
    double w[1] = {1e300};
    pea__range ranges[2];
    pea_context *context;
    const pea_array image = {v, PEA_FLOAT32, {2, 3, 4, 2}}, wide = {w, PEA_FLOAT64, {1, 1, 1, 1}};
    (void)state;
    v[((1 * 3 + 2) * 4 + 3) * 2 + 1] = NAN;
    v[((1 * 3 + 1) * 4 + 2) * 2] = -INFINITY;
    assert_fails(pea__image_ranges(&image, NULL, ranges, &err), PEA_E_FORMAT, "-inf at z 1, y 1, x 2, channel 0");
    v[((1 * 3 + 1) * 4 + 2) * 2] = 0;
    pea_context_options options = pea_context_options_default();
    options.n_threads = 4;
    assert_ok(pea_context_new(&options, &context, &err));
    assert_fails(pea__image_ranges(&image, context, ranges, &err), PEA_E_FORMAT, "nan at z 1, y 2, x 3, channel 1");
    pea_context_free(context);
    assert_fails(pea__image_ranges(&wide, NULL, ranges, &err), PEA_E_FORMAT, "beyond 32-bit float");
}

static void logits_become_foreground_above_the_threshold(void **state)
{
    pea_error err;
    const float at_08 = (float)log(0.8 / 0.2);
    float logits[5 * 2] = {0, 0, 0, 0.01f, 0.01f, 0, 0, at_08 + 1e-5f, 1, 1 + at_08 - 1e-5f};
    uint8_t mask[5], argmax[5] = {0, 1, 0, 1, 1}, strict[5] = {0, 0, 0, 1, 0};
    const pea_array l = {logits, PEA_FLOAT32, {1, 1, 5, 2}}, m = {mask, PEA_UINT8, {1, 1, 5, 1}};
    (void)state;
    assert_ok(pea__foreground_from_logits(&l, 0.5, 0, NULL, &m, &err));
    assert_memory_equal(mask, argmax, 5);
    assert_ok(pea__foreground_from_logits(&l, 0.8, 0, NULL, &m, &err));
    assert_memory_equal(mask, strict, 5);
    assert_ok(pea__foreground_from_logits(&l, 0.5, 2, NULL, &m, &err));
    assert_true(mask[1] == 0 && mask[3] == 1 && mask[4] == 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(minmax_reaches_from_zero_to_one),
    cmocka_unit_test(minmax_of_negative_and_huge_values_is_finite),
    cmocka_unit_test(minmax_of_a_constant_image_is_zero),
    cmocka_unit_test(unit_divides_by_the_white_of_the_type),
    cmocka_unit_test(imagenet_treats_each_colour_by_itself),
    cmocka_unit_test(one_channel_is_repeated),
    cmocka_unit_test(white_of_a_resized_image_is_that_of_its_old_type),
    cmocka_unit_test(box_beyond_the_image_is_mirrored_or_zero),
    cmocka_unit_test(ranges_are_those_of_each_plane),
    cmocka_unit_test(what_is_not_finite_is_refused_with_its_place),
    cmocka_unit_test(logits_become_foreground_above_the_threshold),
};

PEA_TEST_MAIN(tests)
