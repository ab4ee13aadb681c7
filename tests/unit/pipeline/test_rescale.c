/* test_rescale.c - another pixel size: intensities against a plain twin, the whole way against the same steps by hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/cluster.h"
#include "pipeline/pipeline.h"
#include "pipeline/toy_model.h"
#include "threads.h"

/* ---- intensities ---- */

/* Share of old voxel j in new voxel i, when n become m, as the comment of rescale.c says it. */
static double share(int64_t i, int64_t j, int64_t n, int64_t m)
{
    const double ratio = (double)n / (double)m, centre = ((double)i + 0.5) * ratio - 0.5;
    if (m <= n)
        return fmax(0.0, fmin((double)(i + 1) * ratio, (double)(j + 1)) - fmax((double)i * ratio, (double)j)) / ratio;
    if (j == 0 && centre <= 0.0)
        return 1.0;
    if (j == n - 1 && centre >= (double)(n - 1))
        return 1.0;
    return centre < 0.0 || centre > (double)(n - 1) ? 0.0 : fmax(0.0, 1.0 - fabs(centre - (double)j));
}

static double twin(const pea_array *from, int64_t z, int64_t y, int64_t x, int64_t c, pea_dims to)
{
    const pea_dims d = from->dims;
    double sum = 0.0;
    for (int64_t j = 0; j < d.y; j++)
        for (int64_t k = 0; k < d.x; k++) {
            const double w = share(y, j, d.y, to.y) * share(x, k, d.x, to.x);
            if (w != 0.0)
                sum += w * pea__array_value(from, ((z * d.y + j) * d.x + k) * d.c + c);
        }
    return sum;
}

static pea_volume random_volume(pea_dtype dtype, pea_dims d, uint64_t seed)
{
    pea_error err;
    pea_volume v;
    assert_ok(pea_volume_alloc(dtype, d, &v, &err));
    for (int64_t i = 0; i < d.z * d.y * d.x * d.c; i++) {
        const uint32_t bits = test_random(&seed);
        if (dtype == PEA_UINT8)
            ((uint8_t *)v.array.data)[i] = (uint8_t)bits;
        else if (dtype == PEA_INT16)
            ((int16_t *)v.array.data)[i] = (int16_t)(bits % 65536 - 32768);
        else
            ((float *)v.array.data)[i] = (float)bits * 1e-9f;
    }
    return v;
}

static void resized_planes_are_those_of_a_plain_twin(void **state)
{
    const int64_t from[][2] = {{7, 11}, {12, 8}, {1, 9}, {9, 1}, {1, 1}, {13, 13}},
                  to[][2] = {{7, 11}, {3, 5}, {14, 22}, {19, 4}, {1, 1}, {13, 40}, {200, 1}};
    const pea_dtype dtypes[] = {PEA_UINT8, PEA_INT16, PEA_FLOAT32};
    (void)state;
    for (size_t f = 0; f < 6; f++)
        for (size_t t = 0; t < 7; t++) {
            pea_error err;
            const pea_dims old = {2, from[f][0], from[f][1], 1 + (int64_t)t % 3};
            pea_volume image = random_volume(dtypes[t % 3], old, f + t), one, three;
            pea_context *context = test_context(3, 0);
            const pea_dims d = {2, to[t][0], to[t][1], image.array.dims.c};
            assert_ok(pea_volume_alloc(PEA_FLOAT32, d, &one, &err));
            assert_ok(pea_volume_alloc(PEA_FLOAT32, d, &three, &err));
            assert_ok(pea__resize_linear(&image.array, NULL, &one.array, &err));
            assert_ok(pea__resize_linear(&image.array, context, &three.array, &err));
            const int64_t n = d.z * d.y * d.x * d.c;
            assert_memory_equal(one.array.data, three.array.data, (size_t)n * sizeof(float));
            for (int64_t i = 0; i < n; i++) {
                const int64_t p = i / d.c;
                const double expected = twin(&image.array, p / d.x / d.y, p / d.x % d.y, p % d.x, i % d.c, d),
                             found = (double)((float *)one.array.data)[i];
                if (fabs(found - expected) > 1e-6 * (1.0 + fabs(expected)))
                    fail_msg("%dx%d to %dx%d, item %d: %g, not %g", (int)from[f][0], (int)from[f][1], (int)to[t][0],
                             (int)to[t][1], (int)i, found, expected);
            }
            pea_context_free(context);
            pea_volume_free(&image);
            pea_volume_free(&one);
            pea_volume_free(&three);
        }
}

static void the_same_size_changes_nothing_and_constants_stay_exact(void **state)
{
    static const float numbers[] = {0.1f, -3e38f, 65535.0f, 1e-30f, 16777215.0f};
    pea_error err;
    pea_volume image = random_volume(PEA_FLOAT32, (pea_dims){2, 9, 14, 2}, 1), same;
    static float constant[17 * 23], resized[60 * 60];
    (void)state;
    assert_ok(pea_volume_alloc(PEA_FLOAT32, image.array.dims, &same, &err));
    assert_ok(pea__resize_linear(&image.array, NULL, &same.array, &err));
    assert_memory_equal(image.array.data, same.array.data, 2 * 9 * 14 * 2 * sizeof(float));
    pea_volume_free(&image);
    pea_volume_free(&same);
    for (int i = 0; i < 5; i++)
        for (int64_t side = 1; side < 60; side++) {
            const pea_array from = {constant, PEA_FLOAT32, {1, 17, 23, 1}},
                            to = {resized, PEA_FLOAT32, {1, side, 60 - side, 1}};
            for (int p = 0; p < 17 * 23; p++)
                constant[p] = numbers[i];
            assert_ok(pea__resize_linear(&from, NULL, &to, &err));
            for (int64_t p = 0; p < side * (60 - side); p++)
                assert_true(resized[p] == numbers[i]);
        }
}

/* What shrinks keeps its mean, as every old voxel counts once. */
static void shrinking_keeps_the_mean(void **state)
{
    pea_error err;
    (void)state;
    for (int64_t side = 1; side <= 31; side += 5) {
        pea_volume image = random_volume(PEA_UINT8, (pea_dims){1, 31, 37, 1}, 7), small;
        double before = 0.0, after = 0.0;
        assert_ok(pea_volume_alloc(PEA_FLOAT32, (pea_dims){1, side, side + 2, 1}, &small, &err));
        assert_ok(pea__resize_linear(&image.array, NULL, &small.array, &err));
        for (int p = 0; p < 31 * 37; p++)
            before += ((uint8_t *)image.array.data)[p] / (31.0 * 37.0);
        for (int64_t p = 0; p < side * (side + 2); p++)
            after += (double)((float *)small.array.data)[p] / (double)(side * (side + 2));
        assert_true(fabs(before - after) < 1e-4);
        pea_volume_free(&image);
        pea_volume_free(&small);
    }
}

/* The centre of a voxel decides; written with numbers of another kind than the code's. */
static void nearest_voxel_is_the_one_that_holds_the_centre(void **state)
{
    (void)state;
    for (int64_t n = 1; n < 40; n++)
        for (int64_t m = 1; m < 40; m++)
            for (int64_t i = 0; i < m; i++) {
                const int64_t found = pea__nearest(i, m, n);
                assert_true(found >= 0 && found < n);
                assert_true(2 * m * found <= (2 * i + 1) * n && (2 * i + 1) * n < 2 * m * (found + 1));
                assert_true(n != m || found == i);
            }
    assert_true(pea__nearest((INT64_C(1) << 30) - 1, INT64_C(1) << 30, INT64_C(1) << 30) == (INT64_C(1) << 30) - 1);
}

static void grids_have_at_least_one_voxel_and_an_end(void **state)
{
    pea_error err;
    pea_dims g;
    (void)state;
    assert_ok(pea__grid_plan((pea_dims){3, 100, 1, 2}, 0.05, &g, &err));
    assert_true(g.z == 3 && g.y == 5 && g.x == 1 && g.c == 1);
    assert_ok(pea__grid_plan((pea_dims){1, 7, 10, 1}, 0.25, &g, &err));
    assert_true(g.y == 2 && g.x == 3); /* 1.75 and 2.5 */
    const pea_dims endless = {1, 7, INT64_C(1) << 40, 1};
    assert_ok(pea__grid_plan(endless, 1.0, &g, &err)); /* whoever works on it will judge */
    assert_fails(pea__grid_plan(endless, 0.5, &g, &err), PEA_E_LIMIT, "has a side beyond");
    assert_fails(pea__grid_plan((pea_dims){1, INT64_C(1) << 29, 1, 1}, 20.0, &g, &err), PEA_E_LIMIT, "scale 20");
}

/* ---- the whole way ---- */

static void fill_blocks(pea_array *image)
{
    const pea_dims d = image->dims;
    for (int64_t i = 0; i < d.z * d.y * d.x * d.c; i++) {
        const int64_t p = i / d.c, block = p / d.x / d.y * 10000 + p / d.x % d.y / 9 * 100 + p % d.x / 7;
        ((uint8_t *)image->data)[i] = (uint8_t)(255.0 * test_u(8, (uint32_t)block));
    }
}

/* An image of doubled pixels at scale 1/2 is the small image: the same numbers reach the network. */
static void doubled_pixels_at_half_scale_give_doubled_labels(void **state)
{
    enum { Z = 2, Y = 40, X = 54 };
    (void)state;
    for (int is_volume = 0; is_volume < 2; is_volume++) {
        pea_error err;
        pea_model *model = is_volume ? toy_volume_model() : toy_plane_model();
        pea_segment_options o = pea_model_options(model);
        pea_volume small, large, small_labels, large_labels;
        uint32_t n_small, n_large;
        assert_ok(pea_volume_alloc(PEA_UINT8, (pea_dims){Z, Y, X, 1}, &small, &err));
        assert_ok(pea_volume_alloc(PEA_UINT8, (pea_dims){Z, 2 * Y, 2 * X, 1}, &large, &err));
        assert_ok(pea_volume_alloc(PEA_UINT32, (pea_dims){Z, Y, X, 1}, &small_labels, &err));
        assert_ok(pea_volume_alloc(PEA_UINT32, (pea_dims){Z, 2 * Y, 2 * X, 1}, &large_labels, &err));
        fill_blocks(&small.array);
        for (int i = 0; i < Z * 4 * Y * X; i++)
            ((uint8_t *)large.array.data)[i] =
                ((uint8_t *)small.array.data)[(i / (4 * X * Y) * Y + i / (2 * X) % (2 * Y) / 2) * X + i % (2 * X) / 2];
        o.min_size = 7;
        assert_ok(pea_segment(model, NULL, &small.array, NULL, &o, &small_labels.array, &n_small, NULL, &err));
        o.scale = 0.5;
        o.min_size = 28; /* counts on the image's grid */
        assert_ok(pea_segment(model, NULL, &large.array, NULL, &o, &large_labels.array, &n_large, NULL, &err));
        assert_int_equal(n_small, n_large);
        assert_true(n_small > 1);
        for (int i = 0; i < Z * 4 * Y * X; i++) {
            const int half = (i / (4 * X * Y) * Y + i / (2 * X) % (2 * Y) / 2) * X + i % (2 * X) / 2;
            assert_int_equal(((uint32_t *)large_labels.array.data)[i], ((uint32_t *)small_labels.array.data)[half]);
        }
        pea_volume_free(&small);
        pea_volume_free(&large);
        pea_volume_free(&small_labels);
        pea_volume_free(&large_labels);
        pea_model_free(model);
    }
}

/* Resize, segment at scale 1, look labels up, drop the small, number: each by itself. In a stack each plane so. */
static void expect_by_hand(const pea_model *model, const pea_array *image, const pea_array *mask,
                           const pea_segment_options *options, const pea_array *labels, pea_volume *affinity)
{
    pea_error err;
    pea_segment_options o = *options;
    pea_segment_details details = {.want_affinity = 1};
    pea_dims d, g;
    pea_volume resized, resized_mask, resized_labels;
    assert_ok(pea__grid_plan(image->dims, o.scale, &g, &err));
    d = g;
    d.c = image->dims.c;
    assert_ok(pea_volume_alloc(PEA_FLOAT32, d, &resized, &err));
    assert_ok(pea_volume_alloc(PEA_UINT8, g, &resized_mask, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, g, &resized_labels, &err));
    assert_ok(pea__resize_linear(image, NULL, &resized.array, &err));
    const pea_dims l = labels->dims;
    for (int64_t z = 0; z < g.z && mask; z++)
        for (int64_t y = 0; y < g.y; y++)
            for (int64_t x = 0; x < g.x; x++) {
                const int64_t old = (z * l.y + pea__nearest(y, g.y, l.y)) * l.x + pea__nearest(x, g.x, l.x);
                ((uint8_t *)resized_mask.array.data)[(z * g.y + y) * g.x + x] = ((const uint8_t *)mask->data)[old];
            }
    o.scale = 1.0;
    o.min_size = 0;
    assert_ok(pea_segment(model, NULL, &resized.array, mask ? &resized_mask.array : NULL, &o, &resized_labels.array,
                          NULL, &details, &err));
    for (int64_t z = 0; z < l.z; z++)
        for (int64_t y = 0; y < l.y; y++)
            for (int64_t x = 0; x < l.x; x++)
                ((uint32_t *)labels->data)[(z * l.y + y) * l.x + x] =
                    ((uint32_t *)resized_labels.array.data)[(z * g.y + pea__nearest(y, l.y, g.y)) * g.x +
                                                            pea__nearest(x, l.x, g.x)];
    assert_ok(pea_remove_small(labels, options->min_size, NULL, &err));
    assert_ok(pea_relabel(labels, NULL, NULL, &err));
    *affinity = details.affinity;
    pea_volume_free(&resized);
    pea_volume_free(&resized_mask);
    pea_volume_free(&resized_labels);
}

static void a_scaled_run_is_the_same_steps_by_hand(void **state)
{
    const double scales[] = {0.5, 0.77, 1.003, 1.3, 2.0, 0.05, 20.0};
    const pea_dims shapes[2][2] = {{{2, 45, 61, 3}, {1, 1, 30, 1}}, {{3, 33, 40, 1}, {2, 25, 1, 1}}};
    (void)state;
    for (int run = 0; run < 7 * 4; run++) {
        const int which = run % 2, shape = run / 2 % 2;
        const double scale = scales[run / 4];
        if (shape == 0 && scale == 20.0)
            continue; /* much work for the same question */
        pea_error err;
        pea_model *model = which ? toy_volume_model() : toy_plane_model();
        pea_segment_options o = pea_model_options(model);
        pea_segment_details details = {.want_affinity = 1};
        pea_volume image, mask, labels, expected, affinity;
        pea_prediction *prediction;
        const pea_dims d = shapes[which][shape], flat = {d.z, d.y, d.x, 1};
        const size_t n_bytes = (size_t)(d.z * d.y * d.x) * sizeof(uint32_t);
        assert_ok(pea_volume_alloc(PEA_UINT8, d, &image, &err));
        assert_ok(pea_volume_alloc(PEA_UINT8, flat, &mask, &err));
        assert_ok(pea_volume_alloc(PEA_UINT32, flat, &labels, &err));
        assert_ok(pea_volume_alloc(PEA_UINT32, flat, &expected, &err));
        fill_blocks(&image.array);
        for (int64_t p = 0; p < d.z * d.y * d.x; p++)
            ((uint8_t *)mask.array.data)[p] = test_u(9, (uint32_t)p) < 0.95;
        o.normalise = PEA_NORMALISE_MINMAX; /* it does not matter then that the twin gives floats */
        o.scale = scale;
        o.min_size = 5;
        o.cluster_padded = run / 4 % 2;
        o.padding = PEA_PAD_ZERO_SQUARE;
        memcpy(o.tile, (const int64_t[]){3, 32, 32}, sizeof o.tile);
        memcpy(o.tile_step, (const int64_t[]){2, 24, 24}, sizeof o.tile_step);
        memcpy(o.tile_margin, (const int64_t[]){1, 4, 4}, sizeof o.tile_margin);
        const pea_array *given = run % 3 ? &mask.array : NULL;
        expect_by_hand(model, &image.array, given, &o, &expected.array, &affinity);
        for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
            uint32_t n;
            pea_context *context = test_context(n_threads, 0);
            assert_ok(pea_segment(model, context, &image.array, given, &o, &labels.array, &n, &details, &err));
            assert_memory_equal(labels.array.data, expected.array.data, n_bytes);
            const pea_dims a = details.affinity.array.dims;
            assert_memory_equal(&a, &affinity.array.dims, sizeof a);
            assert_memory_equal(details.affinity.array.data, affinity.array.data,
                                (size_t)(a.z * a.y * a.x * a.c) * sizeof(float));
            pea_segment_details_free(&details);
            assert_ok(pea_predict(model, context, &image.array, &o, &prediction, &err));
            memset(labels.array.data, 0, n_bytes);
            assert_ok(pea_prediction_segment(prediction, context, given, &o, &labels.array, &n, NULL, &err));
            assert_memory_equal(labels.array.data, expected.array.data, n_bytes);
            pea_prediction_free(prediction);
            pea_context_free(context);
        }
        pea_volume_free(&affinity);
        pea_volume_free(&image);
        pea_volume_free(&mask);
        pea_volume_free(&labels);
        pea_volume_free(&expected);
        pea_model_free(model);
    }
}

/* Integers are divided by their own full scale, though the network's grid has floats. */
static void white_stays_white_on_another_grid(void **state)
{
    pea_error err;
    uint32_t n;
    static uint8_t white[30 * 30];
    static uint32_t l[30 * 30];
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    pea_segment_details details = {.want_embedding = 1};
    const pea_array image = {white, PEA_UINT8, {1, 30, 30, 1}}, labels = {l, PEA_UINT32, {1, 30, 30, 1}};
    (void)state;
    memset(white, 255, sizeof white);
    o.scale = 0.5;
    assert_ok(pea_segment(model, NULL, &image, NULL, &o, &labels, &n, &details, &err));
    assert_int_equal(n, 1);
    assert_true(details.embedding.array.dims.y == 15 && details.embedding.array.dims.c == 2);
    const double value = (double)((float *)details.embedding.array.data)[7 * 15 * 2 + 7 * 2];
    o.scale = 1.0;
    pea_segment_details_free(&details);
    assert_ok(pea_segment(model, NULL, &image, NULL, &o, &labels, &n, &details, &err));
    assert_true(fabs(value - (double)((float *)details.embedding.array.data)[7 * 30 * 2 + 7 * 2]) < 1e-6);
    pea_segment_details_free(&details);
    pea_model_free(model);
}

static void values_that_are_no_numbers_are_refused_by_their_own_place(void **state)
{
    static float v[30 * 30];
    static uint32_t l[30 * 30];
    pea_error err;
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    const pea_array image = {v, PEA_FLOAT32, {1, 30, 30, 1}}, labels = {l, PEA_UINT32, {1, 30, 30, 1}};
    (void)state;
    v[29 * 30 + 28] = NAN;
    o.scale = 0.3;
    assert_fails(pea_segment(model, NULL, &image, NULL, &o, &labels, NULL, NULL, &err), PEA_E_FORMAT,
                 "nan at z 0, y 29, x 28");
    o.scale = PEA_SCALE_AUTO;
    assert_fails(pea_segment(model, NULL, &image, NULL, &o, &labels, NULL, NULL, &err), PEA_E_ARG, "pea_model_scale()");
    pea_model_free(model);
}

static void forecasts_grow_with_the_grid(void **state)
{
    (void)state;
    for (int is_volume = 0; is_volume < 2; is_volume++) {
        pea_error err;
        uint64_t whole, half, twice;
        pea_model *model = is_volume ? toy_volume_model() : toy_plane_model();
        pea_segment_options o = pea_model_options(model);
        const pea_dims d = {4, 1000, 1200, 1}, small = {4, 500, 600, 1};
        assert_ok(pea_segment_forecast(model, d, &o, 1, &whole, &err));
        o.scale = 2.0;
        assert_ok(pea_segment_forecast(model, d, &o, 1, &twice, &err));
        o.scale = 0.5;
        assert_ok(pea_segment_forecast(model, d, &o, 1, &half, &err));
        assert_true(twice > 2 * whole && half < whole / 2);
        o.scale = 1.0;
        assert_ok(pea_segment_forecast(model, small, &o, 1, &whole, &err));
        const uint64_t n = (is_volume ? 4 : 1) * UINT64_C(500) * 600;
        assert_true(half >= whole + n * (4 + 4 + 1)); /* intensities, labels, mask */
        o.scale = 20.0;
        assert_fails(pea_segment_forecast(model, (pea_dims){1, 4, INT64_C(1) << 28, 1}, &o, 1, &half, &err),
                     PEA_E_LIMIT, "has a side beyond");
        pea_model_free(model);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(resized_planes_are_those_of_a_plain_twin),
    cmocka_unit_test(the_same_size_changes_nothing_and_constants_stay_exact),
    cmocka_unit_test(shrinking_keeps_the_mean),
    cmocka_unit_test(nearest_voxel_is_the_one_that_holds_the_centre),
    cmocka_unit_test(grids_have_at_least_one_voxel_and_an_end),
    cmocka_unit_test(doubled_pixels_at_half_scale_give_doubled_labels),
    cmocka_unit_test(a_scaled_run_is_the_same_steps_by_hand),
    cmocka_unit_test(white_stays_white_on_another_grid),
    cmocka_unit_test(values_that_are_no_numbers_are_refused_by_their_own_place),
    cmocka_unit_test(forecasts_grow_with_the_grid),
};

PEA_TEST_MAIN(tests)
