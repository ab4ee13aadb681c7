/* test_training_kernels.c - batch normalisation, slopes, and doubling and halving backwards, of every kernel set against
 * textbook versions in double precision, at odd shapes, in slices, behind guard pages.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "guarded.h"
#include "kernel_sets.h"

#include <math.h>

#include "kernel/kernel.h"

/* Some voxels of some channels, as slices of wider arrays. */
typedef struct voxels {
    int64_t n, channels, pitch;
    bool at_end;
    test_guarded a, b, mean, scale, scale_2, shift; /* the last four: numbers of channels */
    test_guarded to;
} voxels;

static voxels make_voxels(int i, int64_t channels, uint64_t *seed)
{
    voxels v = {.n = 1 + test_random(seed) % 40, .channels = channels, .at_end = i % 2};
    v.pitch = channels + (i % 3 ? test_random(seed) % 9 : 0);
    v.a = test_random_slice(v.n, v.pitch, channels, v.at_end, seed);
    v.b = test_random_slice(v.n, v.pitch, channels, v.at_end, seed);
    v.to = test_random_slice(v.n, v.pitch, channels, v.at_end, seed);
    v.mean = test_random_slice(1, channels, channels, v.at_end, seed);
    v.scale = test_random_slice(1, channels, channels, v.at_end, seed);
    v.scale_2 = test_random_slice(1, channels, channels, v.at_end, seed);
    v.shift = test_random_slice(1, channels, channels, v.at_end, seed);
    return v;
}

static void free_voxels(voxels *v)
{
    test_unguard(v->a);
    test_unguard(v->b);
    test_unguard(v->to);
    test_unguard(v->mean);
    test_unguard(v->scale);
    test_unguard(v->scale_2);
    test_unguard(v->shift);
}

static double at(test_guarded g, int64_t i)
{
    return (double)g.data[i];
}

static double activated(pea__activation activation, double v)
{
    switch (activation) {
    case PEA__LINEAR: return v;
    case PEA__RELU: return v > 0 ? v : 0;
    case PEA__ELU: return v > 0 ? v : expm1(v);
    case PEA__SIGMOID: return 1 / (1 + exp(-v));
    }
    return v;
}

static void check_gaps(const voxels *v, const float *before)
{
    for (int64_t p = 0; p + 1 < v->n; p++)
        assert_memory_equal(v->to.data + p * v->pitch + v->channels, before + p * v->pitch + v->channels,
                            (size_t)(v->pitch - v->channels) * sizeof(float));
}

static void moments_are_means_and_squares_around_them(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 1; i <= 70; i++) {
        voxels v = make_voxels(i, i, &seed);
        for (int64_t k = 0; k < test_slice_floats(v.n, v.pitch, v.channels); k++)
            v.a.data[k] += 1000.0f; /* a large mean must not spoil the squares */
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            test_set(set, norm_f32)->moments_f32(v.a.data, v.pitch, v.channels, v.n, v.mean.data, v.scale.data);
            for (int64_t c = 0; c < v.channels; c++) {
                double mean = 0, squares = 0;
                for (int64_t p = 0; p < v.n; p++)
                    mean += at(v.a, p * v.pitch + c) / (double)v.n;
                for (int64_t p = 0; p < v.n; p++)
                    squares += pow(at(v.a, p * v.pitch + c) - mean, 2);
                assert_true(fabs(at(v.mean, c) - mean) < 7e-5); /* half of what a float of 1000 can tell, and a little */
                assert_true(fabs(at(v.scale, c) - squares) < 1e-5 + 1e-5 * squares);
            }
        }
        free_voxels(&v);
    }
}

static void norms_of_one_and_of_two_images_are_activated(void **state)
{
    uint64_t seed = 4;
    (void)state;
    for (int i = 1; i <= 72; i++) {
        voxels v = make_voxels(i, 1 + i % 70, &seed);
        const pea__activation activation = (pea__activation)(i % 4);
        const bool two = i % 5 < 2;
        const pea__norm norm = {.channels = v.channels, .activation = activation, .shift = v.shift.data, .out = v.to.data,
                                .out_pitch = v.pitch,
                                .branch = {{v.a.data, v.pitch, v.mean.data, v.scale.data},
                                           {two ? v.b.data : NULL, v.pitch, v.mean.data, v.scale_2.data}}};
        const size_t bytes = (size_t)test_slice_floats(v.n, v.pitch, v.channels) * sizeof(float);
        float *before = malloc(bytes);
        memcpy(before, v.to.data, bytes);
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            test_set(set, norm_f32)->norm_f32(&norm, 0, v.n / 2);
            test_set(set, norm_f32)->norm_f32(&norm, v.n / 2, v.n - v.n / 2);
            for (int64_t p = 0; p < v.n; p++)
                for (int64_t c = 0; c < v.channels; c++) {
                    double want = at(v.shift, c) + at(v.scale, c) * (at(v.a, p * v.pitch + c) - at(v.mean, c));
                    want += two ? at(v.scale_2, c) * (at(v.b, p * v.pitch + c) - at(v.mean, c)) : 0;
                    assert_true(fabs(at(v.to, p * v.pitch + c) - activated(activation, want)) < 2e-6);
                }
            check_gaps(&v, before);
        }
        free(before);
        free_voxels(&v);
    }
}

static void sums_of_gradients_are_right(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int i = 1; i <= 70; i++) {
        voxels v = make_voxels(i, i, &seed);
        for (size_t set = 0; test_set(set, norm_f32); set++)
            for (int alone = 0; alone < 2; alone++) {
                v.scale_2.data[0] = 77.0f;
                test_set(set, norm_f32)->norm_sums_f32(v.a.data, v.pitch, alone ? NULL : v.b.data, v.pitch,
                                                           alone ? NULL : v.mean.data, v.channels, v.n, v.scale.data,
                                                           alone ? NULL : v.scale_2.data);
                for (int64_t c = 0; c < v.channels; c++) {
                    double sum = 0, product = 0;
                    for (int64_t p = 0; p < v.n; p++) {
                        sum += at(v.a, p * v.pitch + c);
                        product += at(v.a, p * v.pitch + c) * (at(v.b, p * v.pitch + c) - at(v.mean, c));
                    }
                    assert_true(fabs(at(v.scale, c) - sum) < 1e-5);
                    assert_true(alone || fabs(at(v.scale_2, c) - product) < 2e-5);
                }
                assert_true(!alone || v.scale_2.data[0] == 77.0f);
            }
        free_voxels(&v);
    }
}

static void norm_gradients_are_linear_in_gradient_and_image(void **state)
{
    uint64_t seed = 6;
    (void)state;
    for (int i = 1; i <= 70; i++) {
        voxels v = make_voxels(i, i, &seed);
        const pea__norm_gradient_step step = {.channels = v.channels, .in = v.b.data, .in_pitch = v.pitch,
                                              .gradient = i % 2 ? v.a.data : v.to.data, .gradient_pitch = v.pitch,
                                              .mean = v.mean.data, .scale = v.scale.data, .level = v.shift.data,
                                              .slope = v.scale_2.data, .to = v.to.data, .to_pitch = v.pitch};
        const size_t bytes = (size_t)test_slice_floats(v.n, v.pitch, v.channels) * sizeof(float);
        float *before = malloc(bytes);
        memcpy(before, v.to.data, bytes);
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            memcpy(v.to.data, before, bytes);
            test_set(set, norm_f32)->norm_gradient_f32(&step, 0, v.n);
            for (int64_t p = 0; p < v.n; p++)
                for (int64_t c = 0; c < v.channels; c++) {
                    const int64_t k = p * v.pitch + c;
                    const double g = i % 2 ? at(v.a, k) : (double)before[k];
                    const double want = at(v.scale, c) * (g - at(v.shift, c)) + at(v.scale_2, c) * (at(v.b, k) - at(v.mean, c));
                    assert_true(fabs(at(v.to, k) - want) < 2e-6);
                }
            check_gaps(&v, before);
        }
        free(before);
        free_voxels(&v);
    }
}

/* By differences of the activation itself, away from the kink of ReLU. */
static void slopes_are_those_of_the_activations(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int i = 1; i <= 72; i++) {
        voxels v = make_voxels(i, 1 + i % 70, &seed);
        const pea__activation activation = (pea__activation)(i % 4);
        const int64_t n = test_slice_floats(v.n, v.pitch, v.channels);
        double *slope = malloc((size_t)n * sizeof *slope);
        for (int64_t k = 0; k < n; k++) {
            const double x = 4 * at(v.b, k);
            slope[k] = (activated(activation, x + 1e-6) - activated(activation, x - 1e-6)) / 2e-6;
            v.b.data[k] = (float)activated(activation, x);
            if (activation == PEA__RELU && fabs(x) < 1e-5)
                slope[k] = x > 0;
        }
        for (size_t set = 0; test_set(set, norm_f32); set++)
            for (int in_place = 0; in_place < 2; in_place++) {
                float *to = v.to.data;
                if (in_place)
                    memcpy(to, v.a.data, (size_t)n * sizeof *to);
                test_set(set, norm_f32)->slope_f32(activation, v.b.data, v.pitch, in_place ? to : v.a.data, v.pitch,
                                                       v.channels, v.n, to, v.pitch);
                for (int64_t p = 0; p < v.n; p++)
                    for (int64_t c = 0; c < v.channels; c++) {
                        const int64_t k = p * v.pitch + c;
                        assert_true(fabs((double)to[k] - at(v.a, k) * slope[k]) < 1e-6);
                    }
            }
        free(slope);
        free_voxels(&v);
    }
}

/* ---- doubling and halving ---- */

typedef struct resized {
    pea__resize_gradient r;
    test_guarded in, gradient, add, to;
} resized;

static resized make_resized(int i, bool halving, uint64_t *seed)
{
    const int even = halving ? 2 : 1;
    pea__resize_gradient r = {.nz = 1 + i % 3, .ny = even * (1 + test_random(seed) % 6), .nx = even * (1 + test_random(seed) % 6),
                              .channels = 1 + test_random(seed) % 40};
    const int64_t n = r.nz * r.ny * r.nx, n_other = halving ? n / 4 : n * 4;
    r.in_pitch = r.channels + test_random(seed) % 4;
    r.gradient_pitch = r.channels + test_random(seed) % 4;
    r.to_pitch = r.add_pitch = r.channels + test_random(seed) % 4;
    resized made = {.in = test_random_slice(n, r.in_pitch, r.channels, i % 2, seed),
                    .gradient = test_random_slice(n_other, r.gradient_pitch, r.channels, i % 2, seed),
                    .add = test_random_slice(n, r.add_pitch, r.channels, i % 2, seed),
                    .to = test_random_slice(n, r.to_pitch, r.channels, i % 2, seed)};
    r.in = made.in.data;
    r.gradient = made.gradient.data;
    r.to = made.to.data;
    r.add = i % 3 == 0 ? NULL : i % 3 == 1 ? made.add.data : made.to.data; /* in place: prepare fills it */
    made.r = r;
    return made;
}

/* What is added, in double; before each run what lies in place is put back. */
static void prepare(const resized *m, const float *kept)
{
    const int64_t n = m->r.nz * m->r.ny * m->r.nx;
    memcpy(m->to.data, kept, (size_t)test_slice_floats(n, m->r.to_pitch, m->r.channels) * sizeof *kept);
}

static float *keep(const resized *m)
{
    const size_t bytes = (size_t)test_slice_floats(m->r.nz * m->r.ny * m->r.nx, m->r.to_pitch, m->r.channels) * sizeof(float);
    float *kept = malloc(bytes);
    memcpy(kept, m->to.data, bytes);
    return kept;
}

static double added(const resized *m, const float *kept, int64_t k)
{
    return !m->r.add ? 0 : m->r.add == m->r.to ? (double)kept[k] : at(m->add, k);
}

static void free_resized(resized *m)
{
    test_unguard(m->in);
    test_unguard(m->gradient);
    test_unguard(m->add);
    test_unguard(m->to);
}

/* How much of number `small` of n the corner-aligned doubling has in number `large`. */
static double tent(int64_t small, int64_t large, int64_t n)
{
    return fmax(0, 1 - fabs((double)(large * (n - 1)) / (double)(2 * n - 1) - (double)small));
}

static void doubling_backwards_is_its_transpose(void **state)
{
    uint64_t seed = 8;
    (void)state;
    for (int i = 0; i < 60; i++) {
        resized m = make_resized(i, false, &seed);
        const pea__resize_gradient *r = &m.r;
        float *kept = keep(&m);
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            prepare(&m, kept);
            for (int64_t row = 0; row < r->nz * r->ny; row++)
                test_set(set, norm_f32)->upsample_gradient_f32(r, row);
            for (int64_t v = 0; v < r->nz * r->ny * r->nx; v++)
                for (int64_t c = 0; c < r->channels; c++) {
                    const int64_t z = v / (r->ny * r->nx), y = v / r->nx % r->ny, x = v % r->nx;
                    double sum = added(&m, kept, v * r->to_pitch + c);
                    for (int64_t oy = 0; oy < 2 * r->ny; oy++)
                        for (int64_t ox = 0; ox < 2 * r->nx; ox++)
                            sum += tent(y, oy, r->ny) * tent(x, ox, r->nx) *
                                   at(m.gradient, ((z * 2 * r->ny + oy) * 2 * r->nx + ox) * r->gradient_pitch + c);
                    assert_true(fabs((double)r->to[v * r->to_pitch + c] - sum) < 3e-6);
                }
        }
        free(kept);
        free_resized(&m);
    }
}

static void spans_of_doubling_hold_all_that_share(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 300; n++)
        for (int64_t small = 0; small < n; small++) {
            const pea__span span = pea__upsample_span(small, n);
            assert_true(span.begin >= 0 && span.end <= 2 * n && span.end - span.begin <= PEA__UPSAMPLE_SPAN);
            for (int64_t large = 0; large < 2 * n; large++)
                assert_true(n == 1 || (large >= span.begin && large < span.end) == (tent(small, large, n) > 1e-12));
        }
}

static void the_first_of_equal_maxima_takes_the_gradient(void **state)
{
    uint64_t seed = 9;
    (void)state;
    for (int i = 0; i < 60; i++) {
        resized m = make_resized(i, true, &seed);
        const pea__resize_gradient *r = &m.r;
        const int64_t n = r->nz * r->ny * r->nx;
        float *kept = keep(&m);
        for (int64_t k = 0; k < test_slice_floats(n, r->in_pitch, r->channels); k++)
            m.in.data[k] = (float)(test_random(&seed) % 3); /* many ties */
        for (size_t set = 0; test_set(set, norm_f32); set++) {
            prepare(&m, kept);
            for (int64_t row = 0; row < r->nz * r->ny / 2; row++)
                test_set(set, norm_f32)->pool_gradient_f32(r, row);
            for (int64_t v = 0; v < n; v++)
                for (int64_t c = 0; c < r->channels; c++) {
                    const int64_t row = v / r->nx, x = v % r->nx, corner = row / 2 * 2 * r->nx + x / 2 * 2;
                    int64_t most = corner;
                    for (int k = 1; k < 4; k++) {
                        const int64_t other = corner + k / 2 * r->nx + k % 2;
                        if (r->in[other * r->in_pitch + c] > r->in[most * r->in_pitch + c])
                            most = other;
                    }
                    const double g = at(m.gradient, (row / 2 * (r->nx / 2) + x / 2) * r->gradient_pitch + c);
                    const double want = (most == v ? g : 0) + added(&m, kept, v * r->to_pitch + c);
                    assert_true(fabs((double)r->to[v * r->to_pitch + c] - want) < 1e-6);
                }
        }
        free(kept);
        free_resized(&m);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(moments_are_means_and_squares_around_them),
    cmocka_unit_test(norms_of_one_and_of_two_images_are_activated),
    cmocka_unit_test(sums_of_gradients_are_right),
    cmocka_unit_test(norm_gradients_are_linear_in_gradient_and_image),
    cmocka_unit_test(slopes_are_those_of_the_activations),
    cmocka_unit_test(doubling_backwards_is_its_transpose),
    cmocka_unit_test(spans_of_doubling_hold_all_that_share),
    cmocka_unit_test(the_first_of_equal_maxima_takes_the_gradient),
};

PEA_TEST_MAIN(tests)
