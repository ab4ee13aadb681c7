/* test_fragments.c - distances, Gaussians, maxima, floods and whole fragments beside textbook twins.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"
#include "listener.h"
#include "pea/fragments.h"
#include "threads.h"

#include <math.h>

enum { MOST = 40 * 40 };

static pea_error err;

/* ---- the parts ---- */

static void distances_equal_a_search_of_the_plane(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        uint64_t random = seed;
        const bool wide = seed % 2; /* so that rows are done in parts, and some are far from everything */
        pea__plane plane = {.n_y = 1 + (int32_t)(test_random(&random) % (wide ? 7 : 40)),
                            .n_x = 1 + (int32_t)(test_random(&random) % (wide ? 220 : 40))};
        const uint32_t one_in = 1 + test_random(&random) % 300;
        uint8_t outside[MOST];
        int32_t squared[MOST], scratch[3 * 220];
        const int32_t n = plane.n_y * plane.n_x;
        for (int32_t p = 0; p < n; p++)
            outside[p] = test_random(&random) % one_in == 0;
        pea__plane_distance(&plane, outside, squared, scratch);
        for (int32_t p = 0; p < n; p++) {
            int32_t nearest = INT32_MAX;
            for (int32_t q = 0; q < n; q++) {
                const int32_t dy = p / plane.n_x - q / plane.n_x, dx = p % plane.n_x - q % plane.n_x;
                if (outside[q] && dy * dy + dx * dx < nearest)
                    nearest = dy * dy + dx * dx;
            }
            assert_int_equal(squared[p], nearest);
        }
    }
}

/* -1 is 1, -2 is 2; one step at a time. */
static int32_t fold(int32_t at, int32_t n)
{
    while (n > 1 && (at < 0 || at >= n))
        at = at < 0 ? -at : 2 * (n - 1) - at;
    return n == 1 ? 0 : at;
}

static void smoothing_equals_a_weighted_mean(void **state)
{
    (void)state;
    const double sigmas[] = {2.0, 0.7, 5.0, 0.0};
    for (int i = 0; i < 40; i++) {
        uint64_t random = (uint64_t)i;
        const double sigma = sigmas[i % 4];
        const int radius = sigma == 2.0 ? 6 : (int)(3.0 * sigma + 0.5);
        pea__plane plane = {.n_y = 1 + (int32_t)(test_random(&random) % 20),
                            .n_x = 1 + (int32_t)(test_random(&random) % 20)};
        const pea__gaussian gaussian = pea__gaussian_of(sigma);
        float values[MOST], before[MOST];
        double scratch[MOST], row[100];
        for (int32_t p = 0; p < plane.n_y * plane.n_x; p++)
            values[p] = before[p] = (float)test_random(&random) / 2147483648.0f;
        pea__plane_smooth(&plane, &gaussian, values, scratch, row);
        for (int32_t p = 0; p < plane.n_y * plane.n_x; p++) {
            double sum = 0.0, weights = 0.0;
            for (int dy = -radius; dy <= radius; dy++)
                for (int dx = -radius; dx <= radius; dx++) {
                    const double w = sigma > 0.0 ? exp(-(dy * dy + dx * dx) / (2.0 * sigma * sigma)) : 1.0;
                    sum += w * (double)before[fold(p / plane.n_x + dy, plane.n_y) * plane.n_x +
                                              fold(p % plane.n_x + dx, plane.n_x)];
                    weights += w;
                }
            assert_true(fabs((double)values[p] - sum / weights) < 3e-7);
        }
    }
}

static bool near_enough(pea__neighbours which, int32_t dy, int32_t dx)
{
    dy = dy < 0 ? -dy : dy;
    dx = dx < 0 ? -dx : dx;
    return which == PEA__FOUR ? dy + dx == 1 : which == PEA__EIGHT ? dy <= 1 && dx <= 1 : dy <= 2 && dx <= 2;
}

/* Numbers spread until nothing changes: the smallest pixel of each connected set of equal values. */
static void plain_sets(const pea__plane *plane, const float *values, pea__neighbours which, int32_t *set)
{
    const int32_t n = plane->n_y * plane->n_x;
    bool changed = true;
    for (int32_t p = 0; p < n; p++)
        set[p] = p;
    while (changed) {
        changed = false;
        for (int32_t p = 0; p < n; p++)
            for (int32_t q = 0; q < n; q++)
                if (values[p] == values[q] && set[q] < set[p] &&
                    near_enough(which, p / plane->n_x - q / plane->n_x, p % plane->n_x - q % plane->n_x)) {
                    set[p] = set[q];
                    changed = true;
                }
    }
}

static void maxima_are_sets_that_nothing_higher_touches(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        uint64_t random = seed;
        const pea__neighbours which = (pea__neighbours)(seed % 3);
        pea__plane plane = {.n_y = 1 + (int32_t)(test_random(&random) % 14),
                            .n_x = 1 + (int32_t)(test_random(&random) % 14)};
        const int32_t n = plane.n_y * plane.n_x;
        const uint32_t n_levels = 1 + test_random(&random) % 6;
        float values[MOST];
        uint8_t maximal[MOST], beaten[MOST] = {0};
        int32_t set[MOST], stack[MOST];
        uint32_t labels[MOST], n_labels = 0, expected[MOST] = {0};
        for (int32_t p = 0; p < n; p++)
            values[p] = (float)(test_random(&random) % n_levels);
        plain_sets(&plane, values, which, set);
        for (int32_t p = 0; p < n; p++)
            for (int32_t q = 0; q < n; q++)
                if (values[q] > values[p] &&
                    near_enough(which, p / plane.n_x - q / plane.n_x, p % plane.n_x - q % plane.n_x))
                    beaten[set[p]] = 1;
        pea__plane_maxima(&plane, values, which, maximal, stack);
        for (int32_t p = 0; p < n; p++) {
            assert_int_equal(maximal[p], !beaten[set[p]]);
            values[p] = maximal[p];
        }
        plain_sets(&plane, values, which, set);
        for (int32_t p = 0; p < n; p++)
            expected[p] = !maximal[p] ? 0 : set[p] == p ? ++n_labels : expected[set[p]];
        assert_int_equal(pea__plane_components(&plane, maximal, which, labels, stack), n_labels);
        assert_memory_equal(labels, expected, (size_t)n * sizeof *labels);
    }
}

/* The rule word by word: a list of waiting pixels, searched for the lowest and of equal ones the oldest. */
static void plain_flood(int32_t n_y, int32_t n_x, const float *height, uint32_t *labels)
{
    int32_t waiting[MOST], n = 0;
    for (int32_t p = 0; p < n_y * n_x; p++)
        if (labels[p])
            waiting[n++] = p;
    while (n > 0) {
        int32_t best = 0;
        for (int32_t i = 1; i < n; i++)
            best = height[waiting[i]] < height[waiting[best]] ? i : best;
        const int32_t p = waiting[best], x = p % n_x;
        memmove(waiting + best, waiting + best + 1, (size_t)(n - best - 1) * sizeof *waiting);
        n--;
        const int32_t around[] = {p - n_x, x > 0 ? p - 1 : -1, x < n_x - 1 ? p + 1 : -1, p + n_x};
        for (int i = 0; i < 4; i++)
            if (around[i] >= 0 && around[i] < n_y * n_x && !labels[around[i]]) {
                labels[around[i]] = labels[p];
                waiting[n++] = around[i];
            }
    }
}

static void floods_equal_a_searched_list(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t random = seed;
        const int32_t n_y = 1 + (int32_t)(test_random(&random) % 30), n_x = 1 + (int32_t)(test_random(&random) % 30);
        const uint32_t n_levels = 1 + test_random(&random) % (seed % 2 ? 5 : 5000), seeds = test_random(&random) % 20;
        float height[2 * MOST];
        uint32_t labels[2 * MOST] = {0}, expected[2 * MOST] = {0};
        const int32_t n = n_y * n_x;
        for (int32_t p = 0; p < 2 * n; p++)
            height[p] = (float)(test_random(&random) % n_levels) - 3.0f;
        for (uint32_t i = 0; i < seeds; i++) {
            const uint32_t p = test_random(&random) % (uint32_t)(2 * n);
            labels[p] = expected[p] = i + 1;
        }
        assert_ok(pea_watershed(&(pea_array){height, PEA_FLOAT32, {2, n_y, n_x, 1}}, NULL,
                                &(pea_array){labels, PEA_UINT32, {2, n_y, n_x, 1}}, &err));
        plain_flood(n_y, n_x, height, expected);
        plain_flood(n_y, n_x, height + n, expected + n);
        assert_memory_equal(labels, expected, (size_t)(2 * n) * sizeof *labels);
    }
}

static void a_long_landscape_is_flooded_in_order(void **state)
{
    (void)state;
    enum { N = 32767 }; /* needs three levels of bits */
    float *height = malloc(N * sizeof *height);
    uint32_t *labels = calloc(N, sizeof *labels);
    assert_true(height && labels);
    for (int32_t p = 0; p < N; p++)
        height[p] = (float)(p < 20000 ? p : N - p); /* a ridge at 20000 */
    labels[0] = 1;
    labels[N - 1] = 2;
    assert_ok(pea_watershed(&(pea_array){height, PEA_FLOAT32, {1, 1, N, 1}}, NULL,
                            &(pea_array){labels, PEA_UINT32, {1, 1, N, 1}}, &err));
    for (int32_t p = 0; p < N; p++)
        assert_int_equal(labels[p], p < 19999 ? 1 : p == 19999 ? labels[19999] : 2);
    free(labels);
    free(height);
}

/* ---- whole fragments ---- */

typedef struct scene {
    pea_dims dims;
    pea_offsets offsets;
    float *affinity;
    uint32_t *labels;
} scene;

/* Cells with walls of low affinity, noise of `n_levels` steps. */
static scene make_scene(uint64_t seed, int64_t z, int64_t y, int64_t x, uint32_t n_levels)
{
    scene s = {.dims = {z, y, x, 3}, .offsets = pea_offsets_3d_default()};
    s.offsets.n = 3;
    s.affinity = malloc((size_t)(z * y * x) * 3 * sizeof *s.affinity);
    s.labels = malloc((size_t)(z * y * x) * sizeof *s.labels);
    assert_true(s.affinity && s.labels);
    const int64_t pitch = 9 + (int64_t)(seed % 9);
    for (int64_t i = 0; i < z * y * x * 3; i++) {
        const int64_t p = i / 3, row = p / x % y, column = p % x + (row / pitch) * 4;
        const bool wall = row % pitch == 0 || column % pitch == 0;
        const double noise = (double)(test_random(&seed) % n_levels) / n_levels;
        s.affinity[i] = (float)(wall ? 0.5 * noise : 0.55 + 0.45 * noise);
    }
    return s;
}

static void free_scene(scene *s)
{
    free(s->affinity);
    free(s->labels);
}

static uint32_t cut(const scene *s, pea_fragment_rule rule, const uint8_t *mask, pea_context *context)
{
    pea_fragments_options options = pea_fragments_options_default();
    const pea_array affinity = {s->affinity, PEA_FLOAT32, s->dims};
    const pea_dims plain = {s->dims.z, s->dims.y, s->dims.x, 1};
    const pea_array labels = {s->labels, PEA_UINT32, plain}, m = {(void *)(uintptr_t)mask, PEA_UINT8, plain};
    uint32_t n = 0;
    options.rule = rule;
    assert_ok(pea_fragments(&affinity, &s->offsets, mask ? &m : NULL, &options, context, &labels, &n, &err));
    return n;
}

/* One plane, made of the parts that are tested above. Returns the number of fragments. */
static uint32_t plain_fragments(const scene *s, int64_t z, pea_fragment_rule rule, uint32_t *labels)
{
    pea__plane plane = {.n_y = (int32_t)s->dims.y, .n_x = (int32_t)s->dims.x};
    const int32_t n = plane.n_y * plane.n_x;
    static float b[MOST], d[MOST], h[MOST];
    static double scratch[MOST];
    double row[200];
    uint8_t flags[MOST];
    int32_t squared[MOST], stack[MOST], parabolas[120];
    for (int32_t p = 0; p < n; p++) {
        const float *a = s->affinity + (z * n + p) * 3;
        b[p] = rule == PEA_FRAGMENTS_INTERIOR ? 1.0f - 0.5f * (a[1] + a[2]) : 1.0f - fminf(a[1], a[2]);
        h[p] = b[p];
        flags[p] = rule == PEA_FRAGMENTS_SMOOTH ? b[p] > 0.25f : b[p] >= 0.5f;
    }
    pea__plane_distance(&plane, flags, squared, parabolas);
    for (int32_t p = 0; p < n; p++)
        d[p] = rule != PEA_FRAGMENTS_SMOOTH ? (float)squared[p]
               : squared[p] == INT32_MAX    ? (float)hypot(plane.n_y, plane.n_x)
                                            : (float)sqrt(squared[p]);
    if (rule == PEA_FRAGMENTS_SMOOTH) {
        const pea__gaussian two = pea__gaussian_of(2.0);
        float low = INFINITY, high = -INFINITY;
        pea__plane_smooth(&plane, &two, d, scratch, row);
        pea__plane_smooth(&plane, &two, h, scratch, row);
        for (int32_t p = 0; p < n; p++) {
            low = fminf(low, d[p]);
            high = fmaxf(high, d[p]);
        }
        for (int32_t p = 0; p < n; p++)
            h[p] = 0.9f * h[p] + (float)(1.0 - 0.9) * (1.0f - (d[p] - low) / high);
    }
    const pea__neighbours around = rule == PEA_FRAGMENTS_INTERIOR ? PEA__FOUR
                                   : rule == PEA_FRAGMENTS_PLANE  ? PEA__FIVE_BY_FIVE
                                                                  : PEA__EIGHT;
    pea__plane_maxima(&plane, d, around, flags, stack);
    uint32_t n_labels = pea__plane_components(&plane, flags, rule == PEA_FRAGMENTS_SMOOTH ? PEA__FOUR : around, labels,
                                              stack);
    plain_flood(plane.n_y, plane.n_x, h, labels);
    if (rule != PEA_FRAGMENTS_SMOOTH)
        return n_labels;
    uint32_t sizes[MOST + 1] = {0}, number[MOST + 1] = {0}, n_left = 0;
    for (int32_t p = 0; p < n; p++)
        sizes[labels[p]]++;
    for (uint32_t label = 1; label <= n_labels; label++)
        number[label] = sizes[label] >= 100 ? ++n_left : 0;
    assert_true(n_left > 0);
    for (int32_t p = 0; p < n; p++)
        labels[p] = number[labels[p]];
    plain_flood(plane.n_y, plane.n_x, h, labels);
    return n_left;
}

static void fragments_equal_their_parts_one_after_another(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        const pea_fragment_rule rule = (pea_fragment_rule)(1 + seed % 3);
        scene s = make_scene(seed, 3, 30 + (int64_t)(seed % 11), 40 - (int64_t)(seed % 7), seed % 2 ? 4 : 1000);
        const int64_t n = s.dims.y * s.dims.x;
        uint32_t expected[MOST], before = 0;
        const uint32_t n_fragments = cut(&s, rule, NULL, NULL);
        for (int64_t z = 0; z < 3; z++) {
            const uint32_t here = plain_fragments(&s, z, rule, expected);
            for (int64_t p = 0; p < n; p++)
                assert_int_equal(s.labels[z * n + p], before + expected[p]);
            before += here;
        }
        assert_int_equal(n_fragments, before);
        free_scene(&s);
    }
}

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    for (int rule = PEA_FRAGMENTS_INTERIOR; rule <= (int)PEA_FRAGMENTS_SMOOTH; rule++) {
        scene s = make_scene(3, 7, 120, 130, 8);
        const size_t n_bytes = (size_t)(7 * 120 * 130) * sizeof *s.labels;
        const uint32_t n = cut(&s, (pea_fragment_rule)rule, NULL, NULL);
        uint32_t *alone = malloc(n_bytes);
        assert_non_null(alone);
        memcpy(alone, s.labels, n_bytes);
        for (int n_threads = 2; n_threads <= 4; n_threads++) {
            pea_context *context = test_context(n_threads, 0);
            assert_int_equal(cut(&s, (pea_fragment_rule)rule, NULL, context), n);
            assert_memory_equal(s.labels, alone, n_bytes);
            pea_context_free(context);
        }
        free(alone);
        free_scene(&s);
    }
}

static void fragments_end_at_the_mask(void **state)
{
    (void)state;
    scene s = make_scene(5, 2, 40, 40, 100);
    uint8_t mask[2 * MOST], seen[2 * MOST] = {0};
    for (int p = 0; p < 2 * MOST; p++)
        mask[p] = p / 40 % 40 > 13 && p % 40 < 31;
    const uint32_t n = cut(&s, PEA_FRAGMENTS_PLANE, mask, NULL);
    for (int p = 0; p < 2 * MOST; p++) {
        assert_int_equal(s.labels[p] != 0, mask[p]);
        assert_true(s.labels[p] <= n);
        seen[s.labels[p]] = 1;
    }
    for (uint32_t i = 1; i <= n; i++)
        assert_true(seen[i]);
    free_scene(&s);
}

/* Nothing can be told apart, or nothing is large enough: still every pixel has a fragment. */
static void plain_planes_have_fragments_too(void **state)
{
    (void)state;
    const float values[] = {0.0f, 0.5f, 0.9f, 1.0f};
    for (int rule = PEA_FRAGMENTS_INTERIOR; rule <= (int)PEA_FRAGMENTS_SMOOTH; rule++)
        for (int i = 0; i < 4; i++)
            for (int64_t side = 1; side <= 21; side += 10) {
                scene s = make_scene(1, 2, side, side, 2);
                for (int64_t p = 0; p < 2 * side * side * 3; p++)
                    s.affinity[p] = values[i];
                assert_int_equal(cut(&s, (pea_fragment_rule)rule, NULL, NULL), 2); /* one for each plane */
                for (int64_t p = 0; p < 2 * side * side; p++)
                    assert_int_equal(s.labels[p], 1 + p / (side * side));
                free_scene(&s);
            }
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    scene s = make_scene(5, 2, 4, 5, 100);
    pea_fragments_options options = pea_fragments_options_default();
    pea_array affinity = {s.affinity, PEA_FLOAT32, s.dims}, labels = {s.labels, PEA_UINT32, {2, 4, 5, 1}};
    options.alpha = 1.5;
    assert_fails(pea_fragments(&affinity, &s.offsets, NULL, &options, NULL, &labels, NULL, &err), PEA_E_ARG, "alpha");
    options = pea_fragments_options_default();
    options.seed_sigma = NAN;
    assert_fails(pea_fragments(&affinity, &s.offsets, NULL, &options, NULL, &labels, NULL, &err), PEA_E_ARG, "sigma");
    options = pea_fragments_options_default();
    options.rule = (pea_fragment_rule)9;
    assert_fails(pea_fragments(&affinity, &s.offsets, NULL, &options, NULL, &labels, NULL, &err), PEA_E_ARG, "rule 9");
    s.offsets.step[2].x = -2;
    assert_fails(pea_fragments(&affinity, &s.offsets, NULL, NULL, NULL, &labels, NULL, &err), PEA_E_ARG, "(0,0,-2)");
    s.offsets.step[2].x = 1;
    s.affinity[3 * 29 + 1] = NAN;
    assert_fails(pea_fragments(&affinity, &s.offsets, NULL, NULL, NULL, &labels, NULL, &err), PEA_E_FORMAT,
                 "z 1, y 1, x 4, channel 1");
    pea_context *context = test_context(1, 500);
    assert_fails(pea_fragments(&affinity, &s.offsets, NULL, NULL, context, &labels, NULL, &err), PEA_E_LIMIT,
                 "limit is 500");
    pea_context_free(context);
    labels.dims.x = 4;
    assert_fails(pea_fragments(&affinity, &s.offsets, NULL, NULL, NULL, &labels, NULL, &err), PEA_E_SHAPE, "");
    labels.dims = (pea_dims){2, 4, 5, 1};
    affinity.dims = labels.dims;
    s.affinity[7] = NAN;
    assert_fails(pea_watershed(&affinity, NULL, &labels, &err), PEA_E_FORMAT, "height at z 0, y 1, x 2");
    const pea_array wide = {s.affinity, PEA_FLOAT32, {1, 1, 32768, 1}}, wide_labels = {s.labels, PEA_UINT32, wide.dims};
    assert_fails(pea_watershed(&wide, NULL, &wide_labels, &err), PEA_E_LIMIT, "32767");
    free_scene(&s);
}

static pea_status cut_smooth(void *argument, pea_context *context, pea_error *error)
{
    const scene *s = argument;
    pea_fragments_options options = pea_fragments_options_default();
    const pea_array affinity = {s->affinity, PEA_FLOAT32, s->dims};
    const pea_array labels = {s->labels, PEA_UINT32, {s->dims.z, s->dims.y, s->dims.x, 1}};
    options.rule = PEA_FRAGMENTS_SMOOTH;
    return pea_fragments(&affinity, &s->offsets, NULL, &options, context, &labels, NULL, error);
}

static pea_status try_once(void *argument, pea_error *error)
{
    return cut_smooth(argument, NULL, error);
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    scene s = make_scene(6, 2, 30, 30, 100);
    assert_true(test_each_allocation_failing(try_once, &s, 60) > 20);
    free_scene(&s);
}

static void a_large_plane_can_be_stopped(void **state)
{
    (void)state;
    scene s = make_scene(6, 1, 1500, 1600, 1000);
    assert_can_be_heard_and_stopped("fragments", cut_smooth, &s);
    free_scene(&s);
}

/* Asks to stop at the n-th question, and from then on. */
typedef struct stopper {
    int n_calls, stop_at;
} stopper;

static int stop(void *user, const char *stage, double fraction)
{
    stopper *st = user;
    (void)stage;
    (void)fraction;
    return ++st->n_calls >= st->stop_at;
}

/* By the caller's thread, in the middle of its plane or between two; the planes of others end then, too. */
static void many_threads_can_be_stopped(void **state)
{
    (void)state;
    scene s = make_scene(6, 6, 700, 900, 1000);
    for (int stop_at = 1; stop_at <= 4; stop_at++) {
        stopper st = {.stop_at = stop_at};
        pea_context_options options = pea_context_options_default();
        pea_context *context;
        const size_t live = pea__alloc_live();
        options.n_threads = 3;
        options.progress = stop;
        options.progress_user = &st;
        assert_ok(pea_context_new(&options, &context, &err));
        assert_int_equal(cut_smooth(&s, context, &err), PEA_E_CANCELLED);
        assert_string_equal(err.message, "cancelled");
        pea_context_free(context);
        assert_int_equal(pea__alloc_live(), live);
    }
    free_scene(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(distances_equal_a_search_of_the_plane),
    cmocka_unit_test(smoothing_equals_a_weighted_mean),
    cmocka_unit_test(maxima_are_sets_that_nothing_higher_touches),
    cmocka_unit_test(floods_equal_a_searched_list),
    cmocka_unit_test(a_long_landscape_is_flooded_in_order),
    cmocka_unit_test(fragments_equal_their_parts_one_after_another),
    cmocka_unit_test(the_number_of_threads_changes_nothing),
    cmocka_unit_test(fragments_end_at_the_mask),
    cmocka_unit_test(plain_planes_have_fragments_too),
    cmocka_unit_test(wrong_arguments_are_refused),
    cmocka_unit_test(failing_memory_leaks_nothing),
    cmocka_unit_test(a_large_plane_can_be_stopped),
    cmocka_unit_test(many_threads_can_be_stopped),
};

PEA_TEST_MAIN(tests)
