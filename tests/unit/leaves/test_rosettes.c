/* test_rosettes.c - the scenes that the model of leaves is trained on: the same for ever, and with labels
 * that hold.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "rosettes.h"

enum { WIDTH = 150, HEIGHT = 130, N = WIDTH * HEIGHT };

typedef struct drawn {
    uint8_t picture[3 * N];
    uint32_t labels[N];
} drawn;

static drawn scene, twin;

static void draw(uint64_t seed, int64_t number, drawn *d)
{
    pea_error err = {0};
    assert_int_equal(rosette_draw(seed, number, WIDTH, HEIGHT, d->picture, d->labels, &err), PEA_OK);
}

/* FNV-1a of values, which have the same bytes nowhere but in their numbers. */
static uint32_t sum_of_picture(const drawn *d)
{
    uint32_t sum = 2166136261u;
    for (int i = 0; i < 3 * N; i++)
        sum = (sum ^ d->picture[i]) * 16777619u;
    return sum;
}

static uint32_t sum_of_labels(const drawn *d)
{
    uint32_t sum = 2166136261u;
    for (int i = 0; i < N; i++)
        sum = (sum ^ d->labels[i]) * 16777619u;
    return sum;
}

/* A change of these numbers is a change of what the bundled model was trained on: draw nothing otherwise, or
 * train it anew. They must be the same with every compiler, C library and instruction set. */
static void a_scene_is_the_same_everywhere(void **state)
{
    (void)state;
    draw(1, 7, &scene);
    assert_int_equal(sum_of_labels(&scene), 0x94f30307u);
    assert_int_equal(sum_of_picture(&scene), 0x268309deu);
}

static void a_scene_does_not_depend_on_others(void **state)
{
    (void)state;
    draw(3, 4, &scene);
    draw(3, 5, &twin);
    assert_memory_not_equal(scene.labels, twin.labels, sizeof scene.labels);
    draw(4, 4, &twin);
    assert_memory_not_equal(scene.picture, twin.picture, sizeof scene.picture);
    draw(3, 4, &twin);
    assert_memory_equal(&scene, &twin, sizeof scene);
}

static void labels_are_numbered_and_none_is_a_crumb(void **state)
{
    (void)state;
    for (int64_t number = 1; number <= 6; number++) {
        int n_pixels[MAX_LEAVES + 1] = {0}, n = 0;
        draw(11, number, &scene);
        for (int p = 0; p < N; p++) {
            assert_true(scene.labels[p] <= MAX_LEAVES);
            n_pixels[scene.labels[p]]++;
        }
        while (n < MAX_LEAVES && n_pixels[n + 1])
            assert_true(n_pixels[++n] >= 28); /* what a person would still outline */
        for (int label = n + 1; label <= MAX_LEAVES; label++)
            assert_int_equal(n_pixels[label], 0);
        assert_true(n >= 2 && n_pixels[0] > N / 10);
    }
}

/* Of the pixels of all leaves together more are green than of the ground, moss or not. */
static void leaves_are_greener_than_what_lies_below(void **state)
{
    double green[2] = {0.0, 0.0}, n[2] = {0.0, 0.0};
    (void)state;
    for (int64_t number = 1; number <= 6; number++) {
        draw(11, number, &scene);
        for (int p = 0; p < N; p++) {
            const uint8_t *rgb = scene.picture + 3 * p;
            green[scene.labels[p] > 0] += 2.0 * rgb[1] - rgb[0] - rgb[2];
            n[scene.labels[p] > 0] += 1.0;
        }
    }
    assert_true(green[1] / n[1] > green[0] / n[0] + 40.0);
}

/* A pixel's label is a leaf that covers it; where leaves meet, the upper one. One leaf over another, both
 * flat. */
static void the_upper_leaf_has_the_pixel(void **state)
{
    enum { SIDE = 60, PLACES = SIDE * SUPER * SIDE * SUPER };
    static float z[PLACES], u[PLACES], v[PLACES];
    static uint16_t leaf[PLACES];
    static uint32_t labels[SIDE * SIDE];
    rosette_canvas canvas = {.w = SIDE * SUPER, .h = SIDE * SUPER, .z = z, .u = u, .v = v, .leaf = leaf};
    rosette_leaf across = {.x = 10,
                           .y = 60,
                           .z = 30,
                           .length = 100,
                           .stalk_share = 0.2,
                           .half_width = 20,
                           .stalk_half_width = 4,
                           .rise = 0.5,
                           .fall = 0.5,
                           .n_teeth = 1,
                           .noise = 7};
    rosette_leaf down = across;
    pea_error err;
    (void)state;
    memset(leaf, 0, sizeof leaf);
    memset(z, 0, sizeof z);
    down.x = 70;
    down.y = 10;
    down.z = 50;
    down.azimuth = 1.57079632679;
    rosette_leaf_draw(&down, 1, &canvas); /* the upper one first: order must not count */
    rosette_leaf_draw(&across, 2, &canvas);
    assert_int_equal(rosette_labels(&canvas, labels, &err), PEA_OK);
    assert_int_equal(labels[30 * SIDE + 35], labels[20 * SIDE + 35]); /* where both are */
    assert_int_not_equal(labels[30 * SIDE + 35], labels[30 * SIDE + 48]);
    assert_int_equal(labels[30 * SIDE + 15],
                     labels[30 * SIDE + 48]); /* two parts of one leaf keep one name */
    assert_int_equal(labels[5 * SIDE + 5], 0);
}

static void functions_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (int i = -2000; i <= 2000; i++) {
        const double x = i / 100.0;
        assert_true(fabs(rosette_sin(x) - sin(x)) < 1e-7 && fabs(rosette_cos(x) - cos(x)) < 1e-7);
        assert_true(fabs(rosette_exp(x) - exp(x)) <= 1e-13 * exp(x));
        assert_true(i <= 0 || fabs(rosette_pow(x, 0.7) - pow(x, 0.7)) <= 1e-13 * pow(x, 0.7));
    }
    assert_true(rosette_pow(0.0, 0.5) == 0.0 && rosette_pow(-1.0, 0.5) == 0.0);
}

static pea_status draw_small(void *argument, pea_error *err)
{
    (void)argument;
    return rosette_draw(1, 1, 24, 24, scene.picture, scene.labels, err);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    assert_true(test_each_allocation_failing(draw_small, NULL, 30) >= 6);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_scene_is_the_same_everywhere),
    cmocka_unit_test(a_scene_does_not_depend_on_others),
    cmocka_unit_test(labels_are_numbered_and_none_is_a_crumb),
    cmocka_unit_test(leaves_are_greener_than_what_lies_below),
    cmocka_unit_test(the_upper_leaf_has_the_pixel),
    cmocka_unit_test(functions_are_those_of_the_c_library),
    cmocka_unit_test(every_failed_allocation_is_told),
};

PEA_TEST_MAIN(tests)
