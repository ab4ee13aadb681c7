/* test_overlay.c - what a viewer must be able to see in an overlay.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "pea/measure.h"

enum { Y = 6, X = 8, N = Y * X };

/* Two instances that touch along x = 3|4, in a frame of background. */
static void two_touching(uint32_t labels[N], uint32_t left, uint32_t right)
{
    for (int i = 0; i < N; i++) {
        const int y = i / X, x = i % X;
        labels[i] = y == 0 || y == Y - 1 || x == 0 || x == X - 1 ? 0 : (x <= 3 ? left : right);
    }
}

static void draw(const void *image, pea_dtype dtype, int64_t channels, uint32_t *labels, uint8_t *picture)
{
    const pea_array im = {(void *)image, dtype, {1, Y, X, channels}}, l = {labels, PEA_UINT32, {1, Y, X, 1}};
    const pea_array out = {picture, PEA_UINT8, {1, Y, X, 3}};
    pea_error err;
    assert_ok(pea_overlay(&im, &l, NULL, &out, &err));
    pea_drawing *drawing;
    uint8_t row[3 * X];
    assert_ok(pea_drawing_new(&im, &l, NULL, &drawing, &err)); /* the same row by row */
    for (int y = Y; y-- > 0;) {
        pea_drawing_row(drawing, y, row);
        assert_memory_equal(row, picture + 3 * X * y, sizeof row);
    }
    pea_drawing_free(drawing);
}

static const uint8_t *pixel(const uint8_t *picture, int y, int x)
{
    return picture + 3 * (y * X + x);
}

static int contrast(const uint8_t *p, const uint8_t *q)
{
    return abs(p[0] - q[0]) + abs(p[1] - q[1]) + abs(p[2] - q[2]);
}

static void background_shows_the_stretched_image(void **state)
{
    (void)state;
    uint32_t labels[N] = {0};
    uint16_t image[N];
    uint8_t picture[3 * N];
    for (int i = 0; i < N; i++)
        image[i] = (uint16_t)(1000 + 10 * i);
    draw(image, PEA_UINT16, 1, labels, picture);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(picture[3 * i + c], (int)(255.0 * i / (N - 1) + 0.5));
}

static void colour_images_keep_their_hue(void **state)
{
    (void)state;
    uint32_t labels[N] = {0};
    uint8_t image[3 * N] = {0}, picture[3 * N];
    image[0] = 100; /* red 100 is the largest value of all channels, green 50 half of it */
    image[1] = 50;
    draw(image, PEA_UINT8, 3, labels, picture);
    assert_true(picture[0] == 255 && picture[1] == 128 && picture[2] == 0);
}

static void constant_and_broken_images_are_drawn_black(void **state)
{
    (void)state;
    uint32_t labels[N] = {0};
    float image[N];
    uint8_t picture[3 * N];
    for (int i = 0; i < N; i++)
        image[i] = 5.0f;
    draw(image, PEA_FLOAT32, 1, labels, picture);
    assert_int_equal(picture[0], 0);
    for (int i = 0; i < N; i++)
        image[i] = NAN;
    draw(image, PEA_FLOAT32, 1, labels, picture);
    assert_int_equal(picture[0], 0);
    image[0] = -INFINITY;
    image[1] = INFINITY;
    image[2] = -3e38f; /* a range that no float holds */
    image[3] = 3e38f;
    draw(image, PEA_FLOAT32, 1, labels, picture);
    assert_true(picture[0] == 0 && picture[3] == 255 && picture[6] == 0 && picture[9] == 255 && picture[12] == 0);
    double wide[N] = {-1.7e308, 1.7e308}; /* 0 lies in the middle, and the width overflows double */
    draw(wide, PEA_FLOAT64, 1, labels, picture);
    assert_true(picture[0] == 0 && picture[3] == 255 && abs(picture[6] - 128) <= 1);
}

static void instances_are_tinted_and_outlined(void **state)
{
    (void)state;
    uint32_t labels[N];
    uint8_t image[N], picture[3 * N];
    two_touching(labels, 1, 1);
    memset(image, 0, sizeof image);
    image[0] = 255;
    draw(image, PEA_UINT8, 1, labels, picture);
    const uint8_t *outside = pixel(picture, 5, 0), *outline = pixel(picture, 1, 2), *inside = pixel(picture, 2, 3);
    assert_true(contrast(outside, inside) > 60);
    assert_true(contrast(outline, inside) > 60);
    assert_int_equal(contrast(pixel(picture, 4, 6), outline), 0);
    assert_int_equal(contrast(pixel(picture, 3, 5), inside), 0);
}

static void touching_instances_are_apart_even_in_one_colour(void **state)
{
    (void)state;
    uint32_t labels[N];
    uint8_t image[N], picture[3 * N];
    memset(image, 200, sizeof image);
    image[0] = 0;
    for (uint32_t right = 2; right < 400; right++) {
        two_touching(labels, 1, right);
        draw(image, PEA_UINT8, 1, labels, picture);
        assert_true(contrast(pixel(picture, 2, 3), pixel(picture, 2, 2)) > 60);
        assert_true(contrast(pixel(picture, 2, 4), pixel(picture, 2, 5)) > 60);
    }
}

static void the_first_colours_are_well_apart(void **state)
{
    (void)state;
    enum { N_SEEN = 32 };
    uint8_t image[N] = {0}, picture[3 * N], seen[N_SEEN][3];
    uint32_t labels[N];
    for (uint32_t id = 1; id <= N_SEEN; id++) {
        two_touching(labels, id, id);
        draw(image, PEA_UINT8, 1, labels, picture);
        memcpy(seen[id - 1], pixel(picture, 1, 1), 3);
        for (uint32_t i = 0; i + 1 < id; i++)
            assert_true(contrast(seen[i], seen[id - 1]) >= 70);
    }
}

static void largest_ids_are_drawn(void **state)
{
    (void)state;
    uint8_t image[N] = {0}, picture[3 * N];
    uint32_t labels[N];
    two_touching(labels, UINT32_MAX, UINT32_MAX - 1);
    draw(image, PEA_UINT8, 1, labels, picture);
    assert_true(contrast(pixel(picture, 1, 1), pixel(picture, 1, 6)) >= 70);
}

static void arrays_that_do_not_fit_are_refused_in_words(void **state)
{
    (void)state;
    uint32_t labels[N] = {0};
    uint8_t image[3 * N] = {0}, picture[3 * N];
    pea_array im = {image, PEA_UINT8, {1, Y, X, 1}}, l = {labels, PEA_UINT32, {1, Y, X, 1}};
    pea_array out = {picture, PEA_UINT8, {1, Y, X, 3}};
    pea_error err;
    im.dims.c = 2;
    assert_fails(pea_overlay(&im, &l, NULL, &out, &err), PEA_E_SHAPE, "1 or 3 image channels");
    im.dims = (pea_dims){1, X, Y, 1};
    assert_fails(pea_overlay(&im, &l, NULL, &out, &err), PEA_E_SHAPE, "image is 1 x 8 x 6");
    im.dims = l.dims = out.dims = (pea_dims){2, Y / 2, X, 1};
    out.dims.c = 3;
    assert_fails(pea_overlay(&im, &l, NULL, &out, &err), PEA_E_SHAPE, "one plane, not 2");
    out.dtype = PEA_UINT16;
    assert_fails(pea_overlay(&im, &l, NULL, &out, &err), PEA_E_DTYPE, "picture must be uint8");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(background_shows_the_stretched_image),
    cmocka_unit_test(colour_images_keep_their_hue),
    cmocka_unit_test(constant_and_broken_images_are_drawn_black),
    cmocka_unit_test(instances_are_tinted_and_outlined),
    cmocka_unit_test(touching_instances_are_apart_even_in_one_colour),
    cmocka_unit_test(the_first_colours_are_well_apart),
    cmocka_unit_test(largest_ids_are_drawn),
    cmocka_unit_test(arrays_that_do_not_fit_are_refused_in_words),
};

PEA_TEST_MAIN(tests)
