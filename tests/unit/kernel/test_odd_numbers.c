/* test_odd_numbers.c - kernels that are no convolutions, of every set against plain C, with numbers that are none,
 * infinite, or too small to be normal, behind guard pages: what is no number or infinite spoils what sees it and nothing
 * else, and small numbers keep their digits. Convolutions have tests of their own.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "guarded.h"
#include "kernel_sets.h"

#include <math.h>

#include "kernel/bf16.h"
#include "kernel/kernel.h"

/* What kernels are given: an image, its double and its half, numbers of channels. */
typedef struct given {
    int64_t nz, ny, nx, channels, pitch;
    int turn; /* changes activations and whether there is a residual */
    test_guarded image, other, large, small, of_channel[4];
    test_guarded to, to_channel[2];
} given;

static int64_t n_voxels(const given *g)
{
    return g->nz * g->ny * g->nx;
}

/* ---- one run of each kernel ---- */

static void run_dots(const pea__kernels_table *k, given *g)
{
    k->dots_f32(g->image.data, g->other.data, g->pitch, g->channels, n_voxels(g), g->to.data, 3);
}

/* The same numbers as channels, one behind another. */
static void run_plane_dots(const pea__kernels_table *k, given *g)
{
    const int64_t n = (n_voxels(g) - 1) * g->pitch / g->channels;
    k->plane_dots_f32(g->image.data, g->other.data, n, g->channels, n, g->turn % 2, g->to.data);
}

static void run_to_unit(const pea__kernels_table *k, given *g)
{
    const int64_t n = (n_voxels(g) - 1) * g->pitch / g->channels;
    memcpy(g->to.data, g->image.data, (size_t)(n * g->channels) * sizeof(float));
    k->to_unit_f32(g->to.data, n, g->channels, n, g->other.data);
}

static void run_transpose(const pea__kernels_table *k, given *g)
{
    k->transpose_f32(g->image.data, g->pitch, n_voxels(g), g->channels, g->to.data, n_voxels(g) + g->turn % 3);
}

static void run_stream(const pea__kernels_table *k, given *g)
{
    const int64_t first = g->turn % 5 % n_voxels(g), n = test_slice_floats(n_voxels(g), g->pitch, g->channels);
    k->stream_f32(g->image.data + first, n - first, g->to.data + 1);
}

static pea__resize resize_of(const given *g, const float *residual)
{
    pea__resize r = {.nz = g->nz, .ny = g->ny, .nx = g->nx, .channels = g->channels, .in = g->image.data,
                     .in_pitch = g->pitch, .out = g->to.data, .out_pitch = g->pitch,
                     .epilogue = {.activation = PEA__LINEAR, .n_activated = g->channels}};
    if (residual && g->turn % 2) {
        r.epilogue.activation = (pea__activation)(g->turn / 2 % 4);
        r.epilogue.residual = residual;
        r.epilogue.residual_pitch = g->pitch;
        r.epilogue.residual_scale = g->of_channel[0].data;
    }
    return r;
}

static void run_upsample(const pea__kernels_table *k, given *g)
{
    const pea__resize r = resize_of(g, g->large.data);
    for (int64_t row = 0; row < 2 * g->nz * g->ny; row++)
        k->upsample_f32(&r, row);
}

static void run_pool(const pea__kernels_table *k, given *g)
{
    const pea__resize r = resize_of(g, NULL);
    for (int64_t row = 0; row < g->nz * g->ny / 2; row++)
        k->pool_f32(&r, row);
}

/* The same with images of bf16; results become floats again, so that all can be compared alike. */
static void run_bf16(const pea__kernels_table *k, given *g, bool pool)
{
    const int64_t n = test_slice_floats(n_voxels(g), g->pitch, g->channels), voxels = n_voxels(g);
    const int64_t n_out = test_slice_floats(pool ? voxels / 4 : 4 * voxels, g->pitch, g->channels);
    test_guarded in = test_guard((n + 1) / 2, true), out = test_guard((n_out + 1) / 2, true);
    pea__bf16 *from = (pea__bf16 *)(void *)in.data, *to = (pea__bf16 *)(void *)out.data;
    pea__resize r = resize_of(g, NULL);
    for (int64_t i = 0; i < n; i++)
        from[i] = pea__bf16_of_float(g->image.data[i]);
    r.in_bf16 = from;
    r.out_bf16 = to;
    for (int64_t row = 0; row < (pool ? g->nz * g->ny / 2 : 2 * g->nz * g->ny); row++)
        (pool ? k->pool_bf16 : k->upsample_bf16)(&r, row);
    for (int64_t i = 0; i < n_out; i++)
        g->to.data[i] = pea__float_of_bf16(to[i]);
    test_unguard(in);
    test_unguard(out);
}

static void run_upsample_bf16(const pea__kernels_table *k, given *g)
{
    run_bf16(k, g, false);
}

static void run_pool_bf16(const pea__kernels_table *k, given *g)
{
    run_bf16(k, g, true);
}

static void run_moments(const pea__kernels_table *k, given *g)
{
    k->moments_f32(g->image.data, g->pitch, g->channels, n_voxels(g), g->to_channel[0].data, g->to_channel[1].data);
}

static void run_norm(const pea__kernels_table *k, given *g)
{
    const pea__norm norm = {.channels = g->channels, .activation = (pea__activation)(g->turn % 4),
                            .shift = g->of_channel[0].data, .out = g->to.data, .out_pitch = g->pitch,
                            .branch = {{g->image.data, g->pitch, g->of_channel[1].data, g->of_channel[2].data},
                                       {g->turn % 3 ? g->other.data : NULL, g->pitch, g->of_channel[1].data,
                                        g->of_channel[3].data}}};
    k->norm_f32(&norm, 0, n_voxels(g));
}

static void run_norm_sums(const pea__kernels_table *k, given *g)
{
    k->norm_sums_f32(g->image.data, g->pitch, g->other.data, g->pitch, g->of_channel[0].data, g->channels, n_voxels(g),
                     g->to_channel[0].data, g->to_channel[1].data);
}

static void run_norm_gradient(const pea__kernels_table *k, given *g)
{
    const pea__norm_gradient_step step = {.channels = g->channels, .in = g->image.data, .in_pitch = g->pitch,
                                          .gradient = g->other.data, .gradient_pitch = g->pitch,
                                          .mean = g->of_channel[0].data, .scale = g->of_channel[1].data,
                                          .level = g->of_channel[2].data, .slope = g->of_channel[3].data,
                                          .to = g->to.data, .to_pitch = g->pitch};
    k->norm_gradient_f32(&step, 0, n_voxels(g));
}

static void run_slope(const pea__kernels_table *k, given *g)
{
    k->slope_f32((pea__activation)(g->turn % 4), g->image.data, g->pitch, g->other.data, g->pitch, g->channels,
                 n_voxels(g), g->to.data, g->pitch);
}

static pea__resize_gradient gradient_of(const given *g, const float *gradient)
{
    return (pea__resize_gradient){.nz = g->nz, .ny = g->ny, .nx = g->nx, .channels = g->channels, .in = g->image.data,
                                  .in_pitch = g->pitch, .gradient = gradient, .gradient_pitch = g->pitch,
                                  .add = g->turn % 2 ? g->other.data : NULL, .add_pitch = g->pitch, .to = g->to.data,
                                  .to_pitch = g->pitch};
}

static void run_upsample_gradient(const pea__kernels_table *k, given *g)
{
    const pea__resize_gradient r = gradient_of(g, g->large.data);
    for (int64_t row = 0; row < g->nz * g->ny; row++)
        k->upsample_gradient_f32(&r, row);
}

static void run_pool_gradient(const pea__kernels_table *k, given *g)
{
    const pea__resize_gradient r = gradient_of(g, g->small.data);
    for (int64_t row = 0; row < g->nz * g->ny / 2; row++)
        k->pool_gradient_f32(&r, row);
}

static const struct {
    const char *name;
    void (*run)(const pea__kernels_table *k, given *g);
    double tolerance; /* of numbers around 1, a sum of 70 at most */
    enum { NONE, IMAGE, ALL } small; /* images that may be small: what it does with them is linear */
} KERNELS[] = {
    {"dots_f32", run_dots, 2e-5, IMAGE},
    {"plane_dots_f32", run_plane_dots, 2e-5, IMAGE},
    {"transpose_f32", run_transpose, 0, ALL},
    {"stream_f32", run_stream, 0, ALL},
    {"to_unit_f32", run_to_unit, 1e-3, NONE},
    {"upsample_f32", run_upsample, 1e-5, ALL},
    {"pool_f32", run_pool, 0, ALL},
    {"upsample_bf16", run_upsample_bf16, 2e-2, NONE},
    {"pool_bf16", run_pool_bf16, 0, ALL},
    {"moments_f32", run_moments, 1e-4, NONE},
    {"norm_f32", run_norm, 1e-5, NONE},
    {"norm_sums_f32", run_norm_sums, 1e-4, NONE},
    {"norm_gradient_f32", run_norm_gradient, 1e-5, NONE},
    {"slope_f32", run_slope, 1e-5, ALL},
    {"upsample_gradient_f32", run_upsample_gradient, 1e-5, ALL},
    {"pool_gradient_f32", run_pool_gradient, 0, ALL},
};

enum { N_KERNELS = sizeof KERNELS / sizeof KERNELS[0], N_SHAPES = 70 };

/* ---- numbers ---- */

static given make_given(int i, uint64_t *seed)
{
    given g = {.nz = 1 + i % 2, .ny = 2 * (1 + test_random(seed) % 2), .nx = 2 * (1 + test_random(seed) % 3),
               .channels = 1 + i % 70, .turn = i};
    const bool at_end = i % 3 > 0;
    g.pitch = g.channels + (i % 4 ? test_random(seed) % 5 : 0);
    const int64_t n = n_voxels(&g);
    g.image = test_random_slice(n, g.pitch, g.channels, at_end, seed);
    g.other = test_random_slice(n, g.pitch, g.channels, at_end, seed);
    g.large = test_random_slice(4 * n, g.pitch, g.channels, at_end, seed);
    g.small = test_random_slice(n / 4, g.pitch, g.channels, at_end, seed);
    g.to = test_random_slice(4 * n, g.pitch > 3 ? g.pitch : 3, g.channels, at_end, seed);
    for (int k = 0; k < 4; k++) /* a residual's scale is read in full vectors */
        g.of_channel[k] = test_random_slice(1, 128, k == 0 ? 128 : g.channels, at_end, seed);
    for (int k = 0; k < 2; k++)
        g.to_channel[k] = test_random_slice(1, g.channels, g.channels, at_end, seed);
    return g;
}

static void free_given(given *g)
{
    test_unguard(g->image);
    test_unguard(g->other);
    test_unguard(g->large);
    test_unguard(g->small);
    test_unguard(g->to);
    for (int k = 0; k < 4; k++)
        test_unguard(g->of_channel[k]);
    for (int k = 0; k < 2; k++)
        test_unguard(g->to_channel[k]);
}

static int64_t n_floats(test_guarded g)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const char *end = g.pages + g.size_bytes - page;
    return (end - (char *)(void *)g.data) / (int64_t)sizeof(float);
}

static void sprinkle(test_guarded g, int64_t n, uint64_t *seed)
{
    static const float odd[6] = {NAN, INFINITY, -INFINITY, 1e-40f, -1e-40f, -0.0f};
    for (int64_t i = 0; i < n; i++)
        if (test_random(seed) % 60 == 0)
            g.data[i] = odd[test_random(seed) % 6];
}

static void scale(test_guarded g, int64_t n, float by)
{
    for (int64_t i = 0; i < n; i++)
        g.data[i] *= by;
}

typedef struct results {
    float *to;
    int64_t n;
} results;

/* All that a kernel may have written, and what it must leave alone. */
static results run(int kernel, const pea__kernels_table *set, given *g)
{
    const test_guarded parts[3] = {g->to, g->to_channel[0], g->to_channel[1]};
    const int64_t n[3] = {n_floats(g->to), n_floats(g->to_channel[0]), n_floats(g->to_channel[1])};
    results r = {malloc((size_t)(n[0] + n[1] + n[2]) * sizeof(float)), n[0] + n[1] + n[2]};
    for (int i = 0; i < 3; i++)
        for (int64_t k = 0; k < n[i]; k++)
            parts[i].data[k] = 7.0f;
    KERNELS[kernel].run(set, g);
    for (int i = 0, at = 0; i < 3; at += (int)n[i++])
        memcpy(r.to + at, parts[i].data, (size_t)n[i] * sizeof(float));
    return r;
}

static void compare(int kernel, given *g, double tolerance)
{
    const results want = run(kernel, &pea__kernels_scalar, g);
    for (size_t set = 0; test_set(set, norm_f32); set++) {
        const results got = run(kernel, test_set(set, norm_f32), g);
        for (int64_t i = 0; i < want.n; i++) {
            const double a = (double)got.to[i], b = (double)want.to[i];
            if (isfinite(a) != isfinite(b) || (isfinite(a) && fabs(a - b) > tolerance * fmax(1.0, fabs(b))))
                fail_msg("%s of %s, %d channels: number %d is %g, not %g", KERNELS[kernel].name,
                         test_set(set, norm_f32)->name, (int)g->channels, (int)i, a, b);
        }
        free(got.to);
    }
    free(want.to);
}

/* ---- tests ---- */

static void odd_numbers_spoil_what_sees_them_alone(void **state)
{
    uint64_t seed = 21;
    (void)state;
    for (int i = 0; i < N_SHAPES; i++)
        for (int kernel = 0; kernel < N_KERNELS; kernel++) {
            given g = make_given(i, &seed);
            const int64_t n = n_voxels(&g);
            sprinkle(g.image, test_slice_floats(n, g.pitch, g.channels), &seed);
            sprinkle(g.other, test_slice_floats(n, g.pitch, g.channels), &seed);
            sprinkle(g.large, test_slice_floats(4 * n, g.pitch, g.channels), &seed);
            sprinkle(g.small, test_slice_floats(n / 4, g.pitch, g.channels), &seed);
            compare(kernel, &g, KERNELS[kernel].tolerance);
            free_given(&g);
        }
}

static void small_numbers_keep_their_digits(void **state)
{
    uint64_t seed = 22;
    (void)state;
    for (int i = 0; i < N_SHAPES; i++)
        for (int kernel = 0; kernel < N_KERNELS; kernel++) {
            given g = make_given(i, &seed);
            const int64_t n = n_voxels(&g), n_each[4] = {n, n, 4 * n, n / 4};
            const test_guarded images[4] = {g.image, g.other, g.large, g.small};
            const int n_small = KERNELS[kernel].small == ALL ? 4 : KERNELS[kernel].small == IMAGE ? 1 : 0;
            g.turn = 2 * i; /* activations far from 1, nothing is added */
            for (int k = 0; k < n_small; k++)
                scale(images[k], test_slice_floats(n_each[k], g.pitch, g.channels), 1e-39f);
            if (n_small > 0)
                compare(kernel, &g, 1e-43);
            free_given(&g);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(odd_numbers_spoil_what_sees_them_alone),
    cmocka_unit_test(small_numbers_keep_their_digits),
};

PEA_TEST_MAIN(tests)
