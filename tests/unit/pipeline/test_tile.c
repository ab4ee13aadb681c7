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
    const pea__blend blend = {.sum = {sum, PEA_FLOAT32, {Z, Y, X, K}}, .norm = norm};
    const pea__tile_values values = {.all = {tile, PEA_FLOAT32, {3, T, T, K}}};
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
    for (int64_t i = 0; i < t.z.n * t.y.n * t.x.n; i++) {
        const int64_t start[3] = {pea__tile_start(t.z, i / t.x.n / t.y.n), pea__tile_start(t.y, i / t.x.n % t.y.n),
                                  pea__tile_start(t.x, i % t.x.n)};
        assert_ok(pea__blend_add(&blend, &values, w, start, NULL, &err));
    }
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
    const pea__blend blend = {.sum = {sum, PEA_FLOAT32, {1, 1, 3, 1}}, .norm = norm};
    const pea__tile_values first = {.all = {a, PEA_FLOAT32, {1, 1, 2, 1}}};
    const pea__tile_values second = {.all = {b, PEA_FLOAT32, {1, 1, 2, 1}}};
    (void)state;
    assert_ok(pea__blend_add(&blend, &first, w, (const int64_t[]){0, 0, 0}, NULL, &err));
    assert_ok(pea__blend_add(&blend, &second, w, (const int64_t[]){0, 0, 1}, NULL, &err));
    assert_ok(pea__blend_finish(&blend, NULL, &err));
    assert_true(sum[0] == 1.0f && sum[2] == 20.0f);
    assert_true(sum[1] == (0.75f * 2.0f + 0.25f * 10.0f) / 1.0f);
}

/* Values apart or behind the others, sampled from coordinate 0 of the volume on: the bytes that a blend of all has
 * there, also in a window of planes that begins anywhere. */
static void sampled_values_are_blended_like_all(void **state)
{
    enum { Z = 7, Y = 25, X = 19, K = 3, S = 2, T = 16, D = 4 };
    static float sum[Z * Y * X * (K + S)], norm[Z * Y * X], dense[Z * Y * X * K], norm_2[Z * Y * X];
    static float sampled[Z * Y * X * S], tile[D * T * T * (K + S)], some[D * T * T * K], apart[D * T * T * S];
    static float w[D * T * T];
    uint64_t seed = 9;
    pea_error err;
    (void)state;
    pea__tile_weights(D, T, T, w);
    for (int run = 0; run < 60; run++) {
        const int stride[3] = {1 + run % 3, 1 + (int)(test_random(&seed) % 5), 1 + (int)(test_random(&seed) % 5)};
        const int64_t first = run % 4, n_z = Z - first;
        const pea_dims kept = {pea__kept(first, Z, stride[0]), pea__ceil_div(Y, stride[1]),
                               pea__ceil_div(X, stride[2]), S};
        memset(sum, 0, sizeof sum);
        memset(norm, 0, sizeof norm);
        memset(dense, 0, sizeof dense);
        memset(norm_2, 0, sizeof norm_2);
        memset(sampled, 0, sizeof sampled);
        pea__blend all = {.sum = {sum, PEA_FLOAT32, {n_z, Y, X, K + S}}, .norm = norm, .first = first};
        pea__blend two = {.sum = {dense, PEA_FLOAT32, {n_z, Y, X, K}}, .norm = norm_2, .first = first,
                          .sampled = {sampled, PEA_FLOAT32, kept}};
        memcpy(two.stride, stride, sizeof stride);
        for (int i = 0; i < 12; i++) {
            const int64_t start[3] = {first == 0 ? (int64_t)(test_random(&seed) % 12) - 6 : first + i % 3,
                                      (int64_t)(test_random(&seed) % 50) - 20, (int64_t)(test_random(&seed) % 50) - 20};
            const pea__embedding_box box = pea__tile_inside((pea_dims){D, T, T, 1}, start, (pea_dims){Z, Y, X, 1});
            float *next = apart;
            for (int64_t v = 0; v < D * T * T; v++) {
                const int64_t at[3] = {v / T / T, v / T % T, v % T};
                bool take = true;
                for (int c = 0; c < K + S; c++)
                    tile[v * (K + S) + c] = (float)test_u(run, test_random(&seed));
                memcpy(some + v * K, tile + v * (K + S), K * sizeof(float));
                for (int axis = 0; axis < 3; axis++)
                    take &= at[axis] >= box.begin[axis] && at[axis] < box.end[axis] &&
                            (at[axis] + start[axis]) % stride[axis] == 0;
                if (take)
                    memcpy(next, tile + v * (K + S) + K, S * sizeof(float));
                next += take ? S : 0;
            }
            const pea__tile_values behind = {.all = {tile, PEA_FLOAT32, {D, T, T, K + S}}};
            const pea__tile_values beside = {{some, PEA_FLOAT32, {D, T, T, K}}, apart};
            assert_ok(pea__blend_add(&all, &behind, w, start, NULL, &err));
            assert_ok(pea__blend_add(&two, i % 2 ? &behind : &beside, w, start, NULL, &err));
        }
        for (int64_t p = 0; p < n_z * Y * X; p++)
            norm[p] = norm_2[p] += 0.5f; /* not all voxels lie in a tile here */
        assert_ok(pea__blend_finish(&all, NULL, &err));
        assert_ok(pea__blend_finish(&two, NULL, &err));
        const float *next = sampled;
        for (int64_t p = 0; p < n_z * Y * X; p++) {
            const int64_t z = first + p / X / Y, y = p / X % Y, x = p % X;
            assert_memory_equal(dense + p * K, sum + p * (K + S), K * sizeof(float));
            if (z % stride[0] || y % stride[1] || x % stride[2])
                continue;
            assert_memory_equal(next, sum + p * (K + S) + K, S * sizeof(float));
            next += S;
        }
        assert_true(next == sampled + kept.z * kept.y * kept.x * S);
    }
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
    cmocka_unit_test(sampled_values_are_blended_like_all),
};

PEA_TEST_MAIN(tests)
