/* test_tile.c - the published grid of tiles, their weights, and what blending does.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"
#include "test.h"

#include <math.h>

static pea__tiles plan(int64_t z, int64_t y, int64_t x)
{
    pea_error err;
    pea_segment_options o;
    pea__tiles tiles;
    assert_ok(pea_preset("ac3ac4", &o, &err));
    assert_ok(pea__tiles_plan(&o, (pea_dims){z, y, x, 1}, 16, &tiles, &err));
    return tiles;
}

static void grids_are_those_of_the_published_volumes(void **state)
{
    const int64_t depths[5][2] = {{200, 20}, {100, 10}, {50, 5}, {20, 2}, {25, 2}};
    (void)state;
    for (int i = 0; i < 5; i++) {
        const pea__tiles t = plan(depths[i][0], 1024, 1024);
        assert_int_equal(t.z.n, depths[i][1]);
        assert_int_equal(t.y.n, 13);
        assert_int_equal(t.x.n, 13);
    }
}

static void tiles_start_where_published(void **state)
{
    const pea__tiles t = plan(100, 1024, 1024), odd = plan(25, 1024, 1024);
    (void)state;
    for (int64_t i = 0; i < 10; i++)
        assert_int_equal(pea__tile_start(t.z, i), 10 * i - 4);
    for (int64_t i = 0; i < 13; i++)
        assert_int_equal(pea__tile_start(t.y, i), 80 * i - 48);
    assert_int_equal(pea__tile_start(odd.z, 0), -4);
    assert_int_equal(pea__tile_start(odd.z, 1), 11);
}

/* Every extent: all voxels covered, the last tile ends at the end, the network can take the tile. */
static void tiles_cover_volumes_of_any_extent(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 400; n++) {
        const pea__tiles t = plan(n, n, n);
        const pea__tile_axis axes[2] = {t.z, t.y};
        for (int i = 0; i < 2; i++) {
            const pea__tile_axis a = axes[i];
            int64_t end = -a.margin;
            for (int64_t k = 0; k < a.n; k++) {
                assert_true(pea__tile_start(a, k) <= end);
                assert_true(pea__tile_start(a, k) + a.size > end);
                end = pea__tile_start(a, k) + a.size;
            }
            assert_int_equal(end, a.padded - a.margin);
            assert_true(end >= n + a.margin);
        }
        assert_true(t.y.size % 16 == 0 && t.y.size <= 160 && t.z.size <= 18);
    }
}

static void impossible_tiles_are_refused_by_name(void **state)
{
    pea_error err;
    pea_segment_options o;
    pea__tiles t;
    const pea_dims d = {10, 100, 100, 1};
    (void)state;
    assert_ok(pea_preset("ac3ac4", &o, &err));
    o.tile[1] = 150;
    assert_fails(pea__tiles_plan(&o, d, 16, &t, &err), PEA_E_ARG, "a tile's y extent must be a multiple of 16");
    o.tile[1] = 160;
    o.tile_step[2] = 161;
    assert_fails(pea__tiles_plan(&o, d, 16, &t, &err), PEA_E_ARG, "the x step");
    o.tile_step[2] = 80;
    o.tile_margin[0] = -1;
    assert_fails(pea__tiles_plan(&o, d, 16, &t, &err), PEA_E_ARG, "the z margin");
    o.tile_margin[0] = 4;
    assert_fails(pea__tiles_plan(&o, (pea_dims){1, 1, INT64_MAX, 1}, 16, &t, &err), PEA_E_LIMIT, "x extent");
}

static void weights_are_the_published_ones(void **state)
{
    static float w[18 * 160 * 160];
    double sum = 0;
    float largest = 0;
    (void)state;
    pea__tile_weights(18, 160, 160, w);
    for (int i = 0; i < 18 * 160 * 160; i++) {
        sum += w[i];
        largest = w[i] > largest ? w[i] : largest;
    }
    assert_true(w[0] == 1e-6f);
    assert_true(fabs(w[(8 * 160 + 79) * 160 + 79] - 0.956724) < 5e-7);
    assert_true(w[(8 * 160 + 79) * 160 + 79] == largest);
    assert_true(fabs(w[(4 * 160 + 30) * 160 + 100] / 1.04013765e-4 - 1.0) < 1e-6);
    assert_true(fabs(sum - 6769.27) < 0.01);
}

static void a_single_plane_of_tiles_has_weights(void **state)
{
    float w[2 * 3];
    (void)state;
    pea__tile_weights(1, 2, 3, w);
    assert_true(w[1] > w[0] && w[1] == w[4]);
}

/* Tiles of constant value, in every position of a small volume. */
static void blending_a_constant_gives_the_constant(void **state)
{
    enum { Z = 5, Y = 37, X = 21, K = 2, T = 16 };
    static float sum[Z * Y * X * K], norm[Z * Y * X], tile[3 * T * T * K], w[3 * T * T];
    pea_error err;
    pea_segment_options o;
    pea__tiles t;
    const pea__blend blend = {{sum, PEA_FLOAT32, {Z, Y, X, K}}, norm};
    const pea_array array = {tile, PEA_FLOAT32, {3, T, T, K}};
    (void)state;
    assert_ok(pea_preset("ac3ac4", &o, &err));
    memcpy(o.tile, (const int64_t[]){3, T, T}, sizeof o.tile);
    memcpy(o.tile_step, (const int64_t[]){2, 7, 7}, sizeof o.tile_step);
    memcpy(o.tile_margin, (const int64_t[]){1, 5, 5}, sizeof o.tile_margin);
    assert_ok(pea__tiles_plan(&o, (pea_dims){Z, Y, X, 1}, 16, &t, &err));
    pea__tile_weights(3, T, T, w);
    for (int i = 0; i < 3 * T * T; i++) {
        tile[2 * i] = 0.375f;
        tile[2 * i + 1] = -2.0f;
    }
    for (int64_t i = 0; i < t.z.n * t.y.n * t.x.n; i++)
        assert_ok(pea__blend_add(&blend, &array, w, pea__tile_start(t.z, i / t.x.n / t.y.n),
                                 pea__tile_start(t.y, i / t.x.n % t.y.n), pea__tile_start(t.x, i % t.x.n), NULL, &err));
    assert_ok(pea__blend_finish(&blend, NULL, &err));
    for (int i = 0; i < Z * Y * X; i++) {
        assert_true(fabsf(sum[2 * i] - 0.375f) < 1e-6f);
        assert_true(fabsf(sum[2 * i + 1] + 2.0f) < 1e-5f);
    }
}

/* Two overlapping tiles: the mean at a voxel is the weighted one. */
static void overlapping_tiles_are_weighed(void **state)
{
    float sum[3] = {0}, norm[3] = {0}, a[2] = {1, 2}, b[2] = {10, 20}, w[2] = {0.25f, 0.75f};
    pea_error err;
    const pea__blend blend = {{sum, PEA_FLOAT32, {1, 1, 3, 1}}, norm};
    (void)state;
    assert_ok(pea__blend_add(&blend, &(pea_array){a, PEA_FLOAT32, {1, 1, 2, 1}}, w, 0, 0, 0, NULL, &err));
    assert_ok(pea__blend_add(&blend, &(pea_array){b, PEA_FLOAT32, {1, 1, 2, 1}}, w, 0, 0, 1, NULL, &err));
    assert_ok(pea__blend_finish(&blend, NULL, &err));
    assert_true(sum[0] == 1.0f && sum[2] == 20.0f);
    assert_true(sum[1] == (0.75f * 2.0f + 0.25f * 10.0f) / 1.0f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(grids_are_those_of_the_published_volumes),
    cmocka_unit_test(tiles_start_where_published),
    cmocka_unit_test(tiles_cover_volumes_of_any_extent),
    cmocka_unit_test(impossible_tiles_are_refused_by_name),
    cmocka_unit_test(weights_are_the_published_ones),
    cmocka_unit_test(a_single_plane_of_tiles_has_weights),
    cmocka_unit_test(blending_a_constant_gives_the_constant),
    cmocka_unit_test(overlapping_tiles_are_weighed),
};

PEA_TEST_MAIN(tests)
