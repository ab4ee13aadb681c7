/* test_from_embedding.c - affinities of embeddings: check values, golden cases, borders, strides, odd numbers, threads.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "read_npy.h"
#include "kernel_sets.h"

#include <math.h>

#include "affinity/affinity.h"
#include "kernel/kernel.h"
#include "pea/affinity.h"

static pea_error err;

static pea_status run(const float *embedding, pea_dims d, const pea_offsets *offsets, pea_affinity_options options,
                      pea_context *context, float *affinity)
{
    const pea_array e = {(void *)embedding, PEA_FLOAT32, d};
    const pea_array a = {affinity, PEA_FLOAT32, {d.z, d.y, d.x, (int64_t)offsets->n}};
    return pea_affinity_from_embedding(&e, offsets, &options, context, &a, &err);
}

static pea_affinity_options options_of(pea_border border, int relu)
{
    pea_affinity_options options = pea_affinity_options_default();
    options.border = border;
    options.relu = relu;
    return options;
}

/* The formula in doubles, voxel by voxel; border rule NONE or WRAP, no ReLU. */
static double textbook(const float *embedding, pea_dims d, pea_offset o, bool wraps, int64_t p)
{
    int64_t z = p / (d.y * d.x) + o.z, y = p / d.x % d.y + o.y, x = p % d.x + o.x;
    double dot = 0, pp = 0, qq = 0;
    if (wraps) {
        z = (z % d.z + d.z) % d.z;
        y = (y % d.y + d.y) % d.y;
        x = (x % d.x + d.x) % d.x;
    }
    if (z < 0 || z >= d.z || y < 0 || y >= d.y || x < 0 || x >= d.x)
        return 0.0;
    for (int64_t c = 0; c < d.c; c++) {
        const double a = embedding[p * d.c + c], b = embedding[((z * d.y + y) * d.x + x) * d.c + c];
        dot += a * b;
        pp += a * a;
        qq += b * b;
    }
    return dot / (fmax(sqrt(pp), 1e-12) * fmax(sqrt(qq), 1e-12));
}

/* n images of 4 channels filled channel by channel from u(t), the one numbered `image` as voxels of 4 numbers. */
static void check_embedding(uint32_t t, int image, int n_voxels, float *embedding)
{
    for (int c = 0; c < 4; c++)
        for (int p = 0; p < n_voxels; p++)
            embedding[p * 4 + c] = (float)(2.0 * test_u(t, (uint32_t)((image * 4 + c) * n_voxels + p)) - 1.0);
}

static void check_values_2d(void **state)
{
    (void)state;
    enum { Y = 12, X = 16 };
    float embedding[Y * X * 4], affinity[Y * X * 4];
    const int shifts[] = {1, 3};
    pea_offsets offsets;
    assert_ok(pea_offsets_from_shifts(shifts, 2, 4, &offsets, &err));
    check_embedding(10, 0, Y * X, embedding);
    assert_ok(run(embedding, (pea_dims){1, Y, X, 4}, &offsets, options_of(PEA_BORDER_WRAP, 0), NULL, affinity));
    assert_float_equal(affinity[0], -0.087253039, 1e-6);
    assert_float_equal(affinity[4], 0.511840092, 1e-6);
    assert_float_equal(affinity[8], 0.105326136, 1e-6);
    assert_float_equal(affinity[(5 * X + 5) * 4 + 1], 0.965327240, 1e-6);
    check_embedding(10, 1, Y * X, embedding);
    assert_ok(run(embedding, (pea_dims){1, Y, X, 4}, &offsets, options_of(PEA_BORDER_WRAP, 0), NULL, affinity));
    assert_float_equal(affinity[11 * X * 4 + 3], 0.457682290, 1e-6);
}

static void check_values_3d(void **state)
{
    (void)state;
    enum { Z = 6, Y = 30, X = 32, N = Z * Y * X };
    static float embedding[N * 4], affinity[N * 12];
    const pea_offsets offsets = pea_offsets_3d_default();
    check_embedding(20, 0, N, embedding);
    assert_ok(run(embedding, (pea_dims){Z, Y, X, 4}, &offsets, options_of(PEA_BORDER_NONE, 0), NULL, affinity));
    assert_float_equal(affinity[((2 * Y + 5) * X + 7) * 12 + 3], -0.059620873, 1e-6);
    assert_float_equal(affinity[((3 * Y + 4) * X + 28) * 12 + 11], -0.280061069, 1e-6);
}

static void golden(const char *embedding_name, const char *affinity_name, const pea_offsets *offsets,
                   pea_affinity_options options)
{
    char path[512];
    snprintf(path, sizeof path, "%s/affinity/%s.npy", PEA_TESTDATA, embedding_name);
    test_npy e = test_read_npy(path, sizeof(float));
    snprintf(path, sizeof path, "%s/affinity/%s.npy", PEA_TESTDATA, affinity_name);
    test_npy a = test_read_npy(path, sizeof(float));
    /* a plane's file is (c,y,x): its channels are where a volume has z */
    const bool flat = offsets->n_axes == 2;
    const pea_dims d = {flat ? 1 : e.shape[1], e.shape[2], e.shape[3], flat ? e.shape[1] : e.shape[0]};
    const int64_t n = d.z * d.y * d.x;
    float *embedding = test_channels_last(e.data, d.c, n);
    float *expected = test_channels_last(a.data, (int64_t)offsets->n, n);
    float *affinity = malloc((size_t)a.n * sizeof *affinity);
    assert_int_equal(a.n, n * (int64_t)offsets->n);
    assert_ok(run(embedding, d, offsets, options, NULL, affinity));
    for (int64_t i = 0; i < a.n; i++)
        assert_float_equal(affinity[i], expected[i], 1e-6);
    free(affinity);
    free(expected);
    free(embedding);
    free(a.data);
    free(e.data);
}

static void golden_plane_wraps(void **state)
{
    (void)state;
    const int shifts[] = {1, 3, 5, 9, 27};
    pea_offsets offsets;
    assert_ok(pea_offsets_from_shifts(shifts, 5, 4, &offsets, &err));
    golden("plane_embedding", "plane_affinity", &offsets, options_of(PEA_BORDER_WRAP, 1));
}

static void golden_volume_before_and_after_the_copy(void **state)
{
    (void)state;
    const pea_offsets offsets = pea_offsets_3d_default();
    golden("volume_embedding", "volume_affinity_raw", &offsets, options_of(PEA_BORDER_NONE, 0));
    golden("volume_embedding", "volume_affinity", &offsets, options_of(PEA_BORDER_COPY, 1));
}

/* ---- random shapes ---- */

static int between(uint64_t *random, int low, int high)
{
    return low + (int)(test_random(random) % (uint32_t)(high - low + 1));
}

typedef struct random_case {
    pea_dims d;
    pea_offsets offsets;
    pea_affinity_options options;
    float *embedding, *affinity;
} random_case;

static random_case make_case(uint64_t seed)
{
    uint64_t random = seed;
    random_case c = {.d = {between(&random, 1, 3), between(&random, 1, 9), between(&random, 1, 20), between(&random, 1, 37)}};
    c.options = options_of(between(&random, 0, 1) ? PEA_BORDER_WRAP : PEA_BORDER_NONE, 0);
    c.offsets.n_axes = between(&random, 2, 3);
    c.offsets.n = (size_t)between(&random, c.offsets.n_axes, 9);
    for (size_t k = 0; k < c.offsets.n;) {
        const pea_offset o = {c.offsets.n_axes == 3 ? between(&random, -4, 4) : 0, between(&random, -12, 12),
                              between(&random, -25, 25)};
        if (o.z != 0 || o.y != 0 || o.x != 0)
            c.offsets.step[k++] = o;
    }
    for (int axis = 0; axis < 3; axis++)
        c.options.stride[axis] = between(&random, 1, 3);
    const size_t n = (size_t)(c.d.z * c.d.y * c.d.x);
    c.embedding = malloc(n * (size_t)c.d.c * sizeof(float));
    c.affinity = malloc(n * c.offsets.n * sizeof(float));
    for (size_t i = 0; i < n * (size_t)c.d.c; i++)
        c.embedding[i] = (float)test_random(&random) / 1073741824.0f - 1.0f;
    return c;
}

static void free_case(random_case *c)
{
    free(c->embedding);
    free(c->affinity);
}

static void random_shapes_equal_the_formula(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        random_case c = make_case(seed);
        assert_ok(run(c.embedding, c.d, &c.offsets, c.options, NULL, c.affinity));
        for (int64_t p = 0; p < c.d.z * c.d.y * c.d.x; p++)
            for (int64_t k = 0; k < (int64_t)c.offsets.n; k++) {
                const bool computed = k < c.offsets.n_axes || (p / (c.d.y * c.d.x) % c.options.stride[0] == 0 &&
                                                               p / c.d.x % c.d.y % c.options.stride[1] == 0 &&
                                                               p % c.d.x % c.options.stride[2] == 0);
                const double expected = computed ? textbook(c.embedding, c.d, c.offsets.step[k],
                                                            c.options.border == PEA_BORDER_WRAP, p)
                                                 : 0.0;
                const float got = c.affinity[p * (int64_t)c.offsets.n + k];
                if (fabs(got - expected) > 1e-6)
                    fail_msg("seed %d voxel %d offset %d: %g, expected %g", (int)seed, (int)p, (int)k, got, expected);
            }
        free_case(&c);
    }
}

/* A part of a larger volume, by every border rule: bit by bit what the whole has there, and nothing else is written. */
static void boxes_have_the_numbers_of_the_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        random_case c = make_case(seed);
        uint64_t random = seed;
        const int64_t extents[3] = {c.d.z, c.d.y, c.d.x}, n_axes = c.offsets.n_axes, n = (int64_t)c.offsets.n;
        const int64_t n_voxels = c.d.z * c.d.y * c.d.x;
        float *attractive = malloc((size_t)(n_voxels * n_axes) * sizeof(float));
        float *sampled = malloc((size_t)(n_voxels * n + 1) * sizeof(float)), *next = sampled;
        pea__embedding_box box;
        const int stride[3] = {c.options.stride[0], c.options.stride[1], c.options.stride[2]};
        c.options.border = (pea_border)between(&random, 0, 2);
        for (int axis = 0; axis < 3; axis++) {
            c.options.stride[axis] = 1;
            box.begin[axis] = between(&random, 0, (int)extents[axis] - 1);
            box.end[axis] = between(&random, (int)box.begin[axis], (int)extents[axis]);
            box.at[axis] = between(&random, 0, 7);
        }
        assert_ok(run(c.embedding, c.d, &c.offsets, c.options, NULL, c.affinity));
        memcpy(c.options.stride, stride, sizeof stride);
        const pea_array embedding = {c.embedding, PEA_FLOAT32, c.d};
        memset(attractive, 0x5a, (size_t)(n_voxels * n_axes) * sizeof(float));
        memset(sampled, 0x5a, (size_t)(n_voxels * n + 1) * sizeof(float));
        assert_ok(pea__affinity_box(&embedding, &c.offsets, &c.options, &box, NULL, attractive, sampled, &err));
        for (int64_t p = 0; p < n_voxels; p++) {
            const int64_t at[3] = {p / c.d.x / c.d.y, p / c.d.x % c.d.y, p % c.d.x};
            bool inside = true, kept = true;
            for (int axis = 0; axis < 3; axis++) {
                inside &= at[axis] >= box.begin[axis] && at[axis] < box.end[axis];
                kept &= (at[axis] - box.begin[axis] + box.at[axis]) % stride[axis] == 0;
            }
            if (inside)
                assert_memory_equal(attractive + p * n_axes, c.affinity + p * n, (size_t)n_axes * sizeof(float));
            else
                assert_true(((const uint32_t *)(void *)attractive)[p * n_axes] == 0x5a5a5a5au);
            if (inside && kept && n > n_axes)
                assert_memory_equal(next, c.affinity + p * n + n_axes, (size_t)(n - n_axes) * sizeof(float));
            next += inside && kept ? n - n_axes : 0;
        }
        assert_true(*(const uint32_t *)(void *)next == 0x5a5a5a5au);
        free(attractive);
        free(sampled);
        free_case(&c);
    }
}

/* More rows than are normalised at once, with partners before and behind. */
static void rows_of_tall_images_find_their_partners(void **state)
{
    static const pea_dims shapes[3] = {{1, 333, 3, 16}, {4, 150, 2, 5}, {300, 1, 2, 3}};
    static const pea_offsets offsets = {.n_axes = 3, .n = 7, .step = {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {1, -27, 1},
                                                                    {0, 40, -1}, {-2, 9, 0}, {0, -400, 0}}};
    uint64_t random = 4;
    (void)state;
    for (int i = 0; i < 3; i++) {
        const pea_dims d = shapes[i];
        const int64_t plane = d.y * d.x, n = d.z * plane, k = (int64_t)offsets.n;
        float *embedding = malloc((size_t)(n * d.c) * sizeof(float)), *none = malloc((size_t)(n * k) * sizeof(float));
        float *copy = malloc((size_t)(n * k) * sizeof(float));
        for (int64_t j = 0; j < n * d.c; j++)
            embedding[j] = (float)between(&random, -9, 9);
        assert_ok(run(embedding, d, &offsets, options_of(PEA_BORDER_NONE, 0), NULL, none));
        assert_ok(run(embedding, d, &offsets, options_of(PEA_BORDER_COPY, 0), NULL, copy));
        for (int64_t p = 0; p < n; p++)
            for (int64_t o = 0; o < k; o++) {
                const bool first = o == 0 ? d.z > 1 && p < plane : o == 1 ? d.y > 1 && p % plane < d.x
                                                                          : o == 2 && p % d.x == 0;
                const int64_t from = first ? p + (o == 0 ? plane : o == 1 ? d.x : 1) : p;
                assert_float_equal(none[p * k + o], textbook(embedding, d, offsets.step[o], false, p), 1e-6);
                assert_true(copy[p * k + o] == none[from * k + o]);
            }
        free(embedding);
        free(none);
        free(copy);
    }
}

static void first_plane_repeats_the_second(void **state)
{
    (void)state;
    enum { Z = 3, Y = 4, X = 5, N = Z * Y * X };
    float embedding[N * 3], none[N * 4], copy[N * 4];
    const pea_offsets offsets = {.n_axes = 3, .n = 4, .step = {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {0, 0, -1}}};
    uint64_t random = 3;
    for (int i = 0; i < N * 3; i++)
        embedding[i] = (float)between(&random, -9, 9);
    assert_ok(run(embedding, (pea_dims){Z, Y, X, 3}, &offsets, options_of(PEA_BORDER_NONE, 0), NULL, none));
    assert_ok(run(embedding, (pea_dims){Z, Y, X, 3}, &offsets, options_of(PEA_BORDER_COPY, 0), NULL, copy));
    for (int p = 0; p < N; p++) {
        const int z = p / (Y * X), y = p / X % Y, x = p % X;
        assert_true(copy[p * 4 + 0] == none[(z == 0 ? p + Y * X : p) * 4 + 0]);
        assert_true(copy[p * 4 + 1] == none[(y == 0 ? p + X : p) * 4 + 1]);
        assert_true(copy[p * 4 + 2] == none[(x == 0 ? p + 1 : p) * 4 + 2]);
        assert_true(copy[p * 4 + 3] == none[p * 4 + 3]); /* only the first three */
        assert_true(x != 0 || none[p * 4 + 2] == 0.0f);
    }
}

static void a_single_plane_has_no_second_to_copy(void **state)
{
    (void)state;
    const float embedding[2] = {1, 2};
    float affinity[3] = {9, 9, 9};
    const pea_offsets offsets = {.n_axes = 3, .n = 3, .step = {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}}};
    assert_ok(run(embedding, (pea_dims){1, 1, 1, 2}, &offsets, options_of(PEA_BORDER_COPY, 1), NULL, affinity));
    assert_true(affinity[0] == 0.0f && affinity[1] == 0.0f && affinity[2] == 0.0f);
}

/* ---- odd numbers ---- */

static void zero_embeddings_are_like_nothing(void **state)
{
    (void)state;
    const float embedding[8] = {0, 0, 3, 4, -0.0f, 0, -3, -4};
    float affinity[8];
    const pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    assert_ok(run(embedding, (pea_dims){1, 1, 4, 2}, &offsets, options_of(PEA_BORDER_WRAP, 1), NULL, affinity));
    for (int i = 0; i < 8; i++)
        assert_false(signbit(affinity[i]) || isnan(affinity[i]));
    assert_true(affinity[1] == 0.0f && affinity[3] == 0.0f && affinity[5] == 0.0f && affinity[7] == 0.0f);
    assert_float_equal(affinity[2], 1.0, 1e-6); /* one row: above is the voxel itself */
}

static void huge_and_tiny_embeddings_have_a_direction(void **state)
{
    (void)state;
    const float embedding[8] = {3e30f, 0, 3.3e38f, 3.3e38f, 3e-8f, 0, 3e-20f, 0};
    float affinity[8];
    const pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    assert_ok(run(embedding, (pea_dims){1, 1, 4, 2}, &offsets, options_of(PEA_BORDER_NONE, 1), NULL, affinity));
    assert_float_equal(affinity[3], sqrt(0.5), 1e-6); /* its length does not fit in float */
    assert_float_equal(affinity[5], sqrt(0.5), 1e-6);
    assert_float_equal(affinity[7], 3e-8, 1e-9); /* shorter than 1e-12: divided by that */
}

static void nan_is_not_hidden_by_relu(void **state)
{
    (void)state;
    const float embedding[2] = {1, NAN};
    float affinity[4];
    const pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    assert_ok(run(embedding, (pea_dims){1, 1, 2, 1}, &offsets, options_of(PEA_BORDER_NONE, 1), NULL, affinity));
    assert_true(isnan(affinity[3]));
}

static void relu_clears_negative_affinities_only(void **state)
{
    (void)state;
    random_case c = make_case(12);
    const size_t n = (size_t)(c.d.z * c.d.y * c.d.x) * c.offsets.n;
    float *signed_affinity = malloc(n * sizeof(float));
    size_t n_negative = 0;
    assert_ok(run(c.embedding, c.d, &c.offsets, c.options, NULL, signed_affinity));
    c.options.relu = 1;
    assert_ok(run(c.embedding, c.d, &c.offsets, c.options, NULL, c.affinity));
    for (size_t i = 0; i < n; i++) {
        n_negative += signed_affinity[i] < 0.0f;
        assert_true(c.affinity[i] == fmaxf(signed_affinity[i], 0.0f) && !signbit(c.affinity[i]));
    }
    assert_true(n_negative > 0);
    free(signed_affinity);
    free_case(&c);
}

/* ---- kernels, threads, failures ---- */

static void every_kernel_set_gives_the_dots_of_the_portable_one(void **state)
{
    (void)state;
    const pea__kernels_table *set;
    float a[40 * 40], b[40 * 40], expected[40 * 3], got[40 * 3];
    uint64_t random = 8;
    for (int i = 0; i < 40 * 40; i++) {
        a[i] = (float)test_random(&random) / 1073741824.0f - 1.0f;
        b[i] = (float)test_random(&random) / 1073741824.0f - 1.0f;
    }
    for (size_t i = 0; (set = test_set(i, dots_f32)); i++)
        for (int n = 0; n <= 20; n++)
            for (int c = 1; c <= 40; c++)
                for (int step = 1; step <= 3; step++) {
                    memset(got, 0, sizeof got);
                    memset(expected, 0, sizeof expected);
                    if (n * step * c > 1600)
                        continue;
                    pea__kernels_scalar.dots_f32(a, b, step * c, c, n, expected, step);
                    set->dots_f32(a, b, step * c, c, n, got, step);
                    for (int j = 0; j < 120; j++)
                        if (fabsf(got[j] - expected[j]) > 1e-5f)
                            fail_msg("%s: %d voxels of %d channels, step %d", set->name, n, c, step);
                }
}

static void a_dot_does_not_depend_on_its_place_in_the_row(void **state)
{
    (void)state;
    const pea__kernels_table *set;
    float a[20 * 19], b[20 * 19], row[20], one;
    uint64_t random = 8;
    for (int i = 0; i < 20 * 19; i++) {
        a[i] = (float)test_random(&random) / 1073741824.0f - 1.0f;
        b[i] = (float)test_random(&random) / 1073741824.0f - 1.0f;
    }
    for (size_t i = 0; (set = test_set(i, dots_f32)); i++) {
        set->dots_f32(a, b, 19, 19, 20, row, 1);
        for (int j = 0; j < 20; j++) {
            set->dots_f32(a + j * 19, b + j * 19, 19, 19, 1, &one, 1);
            assert_memory_equal(&one, row + j, sizeof one);
        }
    }
}

/* They would take a hundred times as long. */
static void denormals_count_as_zero(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    enum { N = 3 * 9 * 40 };
    static float embedding[N * 16], affinity[N * 12];
    const pea_offsets offsets = pea_offsets_3d_default();
    volatile float tiny = 1e-39f;
    for (int i = 0; i < N * 16; i++)
        embedding[i] = i % 16 == 3 ? 1.0f : i % 2 ? tiny : -tiny; /* lengths would be of other numbers */
    for (int border = PEA_BORDER_NONE; border <= PEA_BORDER_COPY; border++) {
        assert_ok(run(embedding, (pea_dims){3, 9, 40, 16}, &offsets, options_of((pea_border)border, 0), NULL, affinity));
        for (int i = 0; i < N * 12; i++)
            assert_true(affinity[i] == 0.0f || affinity[i] == 1.0f);
    }
    assert_true(tiny * 0.5f > 0.0f); /* the thread's flags are as before */
#else
    skip();
#endif
}

static void threads_give_the_same_bytes(void **state)
{
    (void)state;
    const pea_dims d = {5, 60, 70, 16};
    const pea_offsets offsets = pea_offsets_3d_default();
    const size_t n = 5 * 60 * 70;
    float *embedding = malloc(n * 16 * sizeof(float)), *one = malloc(n * 12 * sizeof(float));
    float *many = malloc(n * 12 * sizeof(float));
    uint64_t random = 5;
    for (size_t i = 0; i < n * 16; i++)
        embedding[i] = (float)between(&random, -100, 100);
    assert_ok(run(embedding, d, &offsets, options_of(PEA_BORDER_COPY, 1), NULL, one));
    const int threads[] = {1, 2, 7};
    for (int i = 0; i < 3; i++) {
        pea_context_options context_options = pea_context_options_default();
        pea_context *context;
        context_options.n_threads = threads[i];
        assert_ok(pea_context_new(&context_options, &context, &err));
        assert_ok(run(embedding, d, &offsets, options_of(PEA_BORDER_COPY, 1), context, many));
        assert_memory_equal(one, many, n * 12 * sizeof(float));
        pea_context_free(context);
    }
    free(embedding);
    free(one);
    free(many);
}

static int stop(void *user, const char *stage, double fraction)
{
    (void)user;
    (void)fraction;
    assert_string_equal(stage, "affinity");
    return 1;
}

static void cancelling_ends_the_call(void **state)
{
    (void)state;
    random_case c = make_case(1);
    const size_t live = pea__alloc_live();
    pea_context_options options = pea_context_options_default();
    pea_context *context;
    options.n_threads = 1;
    options.progress = stop;
    assert_ok(pea_context_new(&options, &context, &err));
    assert_fails(run(c.embedding, c.d, &c.offsets, c.options, context, c.affinity), PEA_E_CANCELLED, "cancelled");
    pea_context_free(context);
    assert_int_equal(pea__alloc_live(), live);
    free_case(&c);
}

static void failing_memory_while_comparing_is_an_error(void **state)
{
    (void)state;
    random_case c = make_case(1);
    const size_t live = pea__alloc_live();
    pea__alloc_fail_at(1, true);
    err = (pea_error){0};
    assert_int_equal(run(c.embedding, c.d, &c.offsets, c.options, NULL, c.affinity), PEA_E_NOMEM);
    pea__alloc_fail_at(0, false);
    assert_int_equal(pea__alloc_live(), live);
    free_case(&c);
}

static void arguments_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    float numbers[16] = {0};
    const pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    const pea_array e = {numbers, PEA_FLOAT32, {1, 2, 2, 3}}, a = {numbers, PEA_FLOAT32, {1, 2, 2, 2}};
    const pea_array small = {numbers, PEA_FLOAT32, {1, 2, 1, 2}}, wide = {numbers, PEA_FLOAT32, {1, 2, 2, 3}};
    const pea_array whole = {numbers, PEA_INT32, {1, 2, 2, 3}};
    pea_affinity_options options = pea_affinity_options_default();
    assert_fails(pea_affinity_from_embedding(&e, NULL, NULL, NULL, &a, &err), PEA_E_ARG, "offsets");
    assert_fails(pea_affinity_from_embedding(NULL, &offsets, NULL, NULL, &a, &err), PEA_E_ARG, "embedding");
    assert_fails(pea_affinity_from_embedding(&whole, &offsets, NULL, NULL, &a, &err), PEA_E_DTYPE, "float32");
    assert_fails(pea_affinity_from_embedding(&e, &offsets, NULL, NULL, &small, &err), PEA_E_SHAPE, "affinity");
    assert_fails(pea_affinity_from_embedding(&e, &offsets, NULL, NULL, &wide, &err), PEA_E_SHAPE, "2 channels");
    options.stride[2] = 0;
    assert_fails(pea_affinity_from_embedding(&e, &offsets, &options, NULL, &a, &err), PEA_E_ARG, "axis x");
    options = pea_affinity_options_default();
    options.border = (pea_border)7;
    assert_fails(pea_affinity_from_embedding(&e, &offsets, &options, NULL, &a, &err), PEA_E_ARG, "border");
    options = (pea_affinity_options){.stride = {1, 1, 1}};
    assert_fails(pea_affinity_from_embedding(&e, &offsets, &options, NULL, &a, &err), PEA_E_ARG, "not initialised");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(check_values_2d),
    cmocka_unit_test(check_values_3d),
    cmocka_unit_test(golden_plane_wraps),
    cmocka_unit_test(golden_volume_before_and_after_the_copy),
    cmocka_unit_test(random_shapes_equal_the_formula),
    cmocka_unit_test(boxes_have_the_numbers_of_the_whole),
    cmocka_unit_test(rows_of_tall_images_find_their_partners),
    cmocka_unit_test(first_plane_repeats_the_second),
    cmocka_unit_test(a_single_plane_has_no_second_to_copy),
    cmocka_unit_test(zero_embeddings_are_like_nothing),
    cmocka_unit_test(huge_and_tiny_embeddings_have_a_direction),
    cmocka_unit_test(nan_is_not_hidden_by_relu),
    cmocka_unit_test(relu_clears_negative_affinities_only),
    cmocka_unit_test(every_kernel_set_gives_the_dots_of_the_portable_one),
    cmocka_unit_test(a_dot_does_not_depend_on_its_place_in_the_row),
    cmocka_unit_test(denormals_count_as_zero),
    cmocka_unit_test(threads_give_the_same_bytes),
    cmocka_unit_test(cancelling_ends_the_call),
    cmocka_unit_test(failing_memory_while_comparing_is_an_error),
    cmocka_unit_test(arguments_that_do_not_fit_are_refused),
};

PEA_TEST_MAIN(tests)
