/* test_mutex_slabs.c - a volume that comes in slabs is clustered as if it had come whole, however it is cut.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "plain.h"
#include "random_case.h"
#include "textbook.h"

#include <math.h>
#include <sys/mman.h>

#include "threads.h"

static pea_error err;

static pea_mutex_options options_of(const random_case *c)
{
    pea_mutex_options options = pea_mutex_options_default();
    memcpy(options.stride, c->stride, sizeof options.stride);
    options.cut = c->cut;
    return options;
}

static int64_t planes_of(pea_dims d)
{
    return d.z > 1 ? d.z : d.y;
}

/* Planes begin..end-1 with the repulsive affinities of those voxels alone that store edges. */
static pea_status add_sampled(pea_mutex_slabs *slabs, const random_case *c, int64_t begin, int64_t end)
{
    const size_t item = pea_dtype_size_bytes(c->dtype), n_k = c->offsets.n, n_axes = (size_t)c->offsets.n_axes;
    const int64_t plane = c->d.z * c->d.y * c->d.x / planes_of(c->d);
    const size_t n = (size_t)((end - begin) * plane);
    const char *given = c->given ? (const char *)c->given : (const char *)c->affinity;
    char *attractive = malloc(n * n_axes * item), *all = malloc(n * n_k * item);
    size_t n_sampled = 0;
    for (int64_t p = begin * plane; p < end * plane; p++) {
        const int64_t z = p / c->d.x / c->d.y, y = p / c->d.x % c->d.y, x = p % c->d.x;
        const char *from = given + (size_t)p * n_k * item;
        memcpy(attractive + (size_t)(p - begin * plane) * n_axes * item, from, n_axes * item);
        if (z % c->stride[0] == 0 && y % c->stride[1] == 0 && x % c->stride[2] == 0)
            memcpy(all + n_sampled++ * (n_k - n_axes) * item, from + n_axes * item, (n_k - n_axes) * item);
    }
    const size_t n_bytes = n_sampled * (n_k - n_axes) * item;
    char *sampled = memcpy(malloc(n_bytes + 1), all, n_bytes); /* of their own, so that reading beyond is noticed */
    const pea_status status = pea__mutex_slabs_add(slabs, (pea__slab_affinity){attractive, sampled, c->dtype},
                                                   c->mask ? c->mask + begin * plane : NULL, end - begin, &err);
    free(sampled);
    free(all);
    free(attractive);
    return status;
}

/* Planes begin..end-1, as they would come. */
static pea_status add(pea_mutex_slabs *slabs, const random_case *c, int64_t begin, int64_t end)
{
    const int64_t n_k = (int64_t)c->offsets.n, plane = c->d.z * c->d.y * c->d.x / planes_of(c->d);
    pea_dims d = c->d;
    *(d.z > 1 ? &d.z : &d.y) = end - begin;
    const size_t item = pea_dtype_size_bytes(c->dtype), n = (size_t)((end - begin) * plane);
    const size_t n_bytes = n * c->offsets.n * item;
    const char *given = c->given ? (const char *)c->given : (const char *)c->affinity;
    char *values = malloc(n_bytes); /* of their own, so that reading beyond the slab is noticed */
    uint8_t *inside = c->mask ? malloc(n) : NULL;
    memcpy(values, given + (size_t)(begin * plane * n_k) * item, n_bytes);
    if (inside)
        memcpy(inside, c->mask + begin * plane, n);
    const pea_array affinity = {values, c->dtype, {d.z, d.y, d.x, n_k}}, mask = {inside, PEA_UINT8, d};
    const pea_status status = pea_mutex_slabs_add(slabs, &affinity, inside ? &mask : NULL, &err);
    free(values);
    free(inside);
    return status;
}

static pea__slab_tuning random_tuning(uint64_t *random)
{
    pea__slab_tuning t = {.most_clusters = INT32_MAX, .patience = between(random, 0, 1) ? 0 : between(random, 1, 200)};
    t.walkable = between(random, 0, 1) ? 0 : INT32_MAX;
    for (int axis = 0; axis < 3; axis++)
        t.tile[axis] = between(random, 0, 2) ? between(random, 1, 5) : 20;
    return t;
}

/* Slabs of at most `most` planes. */
static void cluster(const random_case *c, uint64_t *random, int most, pea_context *context, pea__slab_tuning tuning,
                    uint32_t *labels)
{
    const int64_t n_planes = planes_of(c->d);
    const pea_array whole = {labels, PEA_UINT32, c->d};
    const pea_mutex_options options = options_of(c);
    pea_mutex_slabs *slabs;
    const bool sampled = between(random, 0, 1);
    uint32_t n, largest = 0;
    assert_ok(pea_mutex_slabs_new(c->d, &c->offsets, &options, context, &whole, &slabs, &err));
    pea__mutex_slabs_tune(slabs, tuning);
    for (int64_t begin = 0, end; begin < n_planes; begin = end) {
        end = begin + between(random, 1, (int)pea__min_i64(most, n_planes - begin));
        assert_ok((sampled ? add_sampled : add)(slabs, c, begin, end));
    }
    assert_ok(pea_mutex_slabs_finish(slabs, &n, &err));
    pea_mutex_slabs_free(slabs);
    for (int64_t p = 0; p < c->d.z * c->d.y * c->d.x; p++)
        largest = labels[p] > largest ? labels[p] : largest;
    assert_int_equal(n, largest);
}

static void check_case(uint64_t seed, pea_context **contexts)
{
    uint32_t labels[RANDOM_CASE_VOXELS], expected[RANDOM_CASE_VOXELS];
    uint64_t random = seed;
    random_case c = make_case(&random);
    const pea__slab_tuning tuning = random_tuning(&random);
    const int most = between(&random, 1, 8);
    textbook_mutex_watershed(c.affinity, c.d, &c.offsets, c.mask, c.stride, c.cut, expected);
    cluster(&c, &random, most, contexts[seed % 16 == 0 ? 1 + seed / 16 % 3 : 0], tuning, labels);
    if (memcmp(labels, expected, (size_t)(c.d.z * c.d.y * c.d.x) * sizeof *labels) != 0)
        fail_msg("seed %llu gives another partition than the textbook", (unsigned long long)seed);
    free_case(&c);
}

/* PEA_CASES asks for more of them, PEA_SEED for others. */
static void random_slabs_equal_the_textbook(void **state)
{
    (void)state;
    const uint64_t n = test_number_from("PEA_CASES", 6000), first = test_number_from("PEA_SEED", 1);
    pea_context *contexts[4] = {NULL, test_context(2, 0), test_context(3, 0), test_context(4, 0)};
    if (n > 6000)
        print_message("%llu volumes from seed %llu\n", (unsigned long long)n, (unsigned long long)first);
    for (uint64_t i = 0; i < n; i++)
        check_case(first + i, contexts);
    for (int i = 1; i < 4; i++)
        pea_context_free(contexts[i]);
}

static void too_many_clusters_are_refused(void **state)
{
    (void)state;
    uint64_t random = 1;
    uint32_t labels[RANDOM_CASE_VOXELS];
    random_case c = make_case(&random);
    const int64_t n_planes = planes_of(c.d), n_voxels = c.d.z * c.d.y * c.d.x;
    const pea_array whole = {labels, PEA_UINT32, c.d};
    free(c.mask);
    c.mask = NULL;
    for (int more = 0; more < 2; more++) {
        pea_mutex_slabs *slabs;
        assert_ok(pea_mutex_slabs_new(c.d, &c.offsets, NULL, NULL, &whole, &slabs, &err));
        pea__mutex_slabs_tune(slabs, (pea__slab_tuning){.tile = {1, 1, 1}, .most_clusters = (uint32_t)(n_voxels - 1 + more)});
        if (n_planes > 1)
            assert_ok(add(slabs, &c, 0, n_planes - 1));
        if (more)
            assert_ok(add(slabs, &c, n_planes - 1, n_planes));
        else
            assert_fails(add(slabs, &c, n_planes - 1, n_planes), PEA_E_LIMIT, "smaller blocks");
        pea_mutex_slabs_free(slabs);
    }
    free_case(&c);
}

/* ---- volumes ---- */

/* Cells of 23 x 31, noise, and a hole in the mask. */
static random_case make_large(pea_dims d, bool forth)
{
    random_case c = {.d = d, .offsets = pea_offsets_3d_default(), .stride = {1, 3, 3}, .cut = 0.5, .dtype = PEA_FLOAT32};
    uint64_t random = 5;
    if (d.z == 1)
        assert_ok(pea_offsets_from_shifts((const int[]){1, 3, 5, 9, 27}, 5, 4, &c.offsets, &err));
    const size_t n = (size_t)(d.z * d.y * d.x);
    for (size_t k = 0; forth && k < c.offsets.n; k += 2)
        c.offsets.step[k] = (pea_offset){-c.offsets.step[k].z, -c.offsets.step[k].y, -c.offsets.step[k].x};
    c.affinity = malloc(n * c.offsets.n * sizeof *c.affinity);
    c.mask = malloc(n);
    for (size_t p = 0; p < n; p++) {
        const int64_t y = (int64_t)p / d.x % d.y, x = (int64_t)p % d.x;
        c.mask[p] = y / 40 != 1 || x / 40 != 1;
        for (size_t k = 0; k < c.offsets.n; k++) {
            const pea_offset o = c.offsets.step[k];
            const bool same = y / 23 == (y + o.y) / 23 && x / 31 == (x + o.x) / 31;
            const float u = (float)(test_random(&random) % 4096) / 4096.0f;
            c.affinity[p * c.offsets.n + k] = same ? 0.4f + 0.6f * u : u > 0.6f ? u : 0.0f;
        }
    }
    return c;
}

/* With the offsets of the published code, and with some that lead forth. */
static void volumes_in_slabs_equal_the_plain_algorithm(void **state)
{
    (void)state;
    const pea__slab_tuning tuning = {.most_clusters = INT32_MAX, .patience = 1000};
    const pea_dims dims[2] = {{20, 60, 70, 1}, {1, 240, 350, 1}};
    for (int i = 0; i < 4; i++) {
        const pea_dims d = dims[i / 2];
        const size_t n = (size_t)(d.z * d.y * d.x);
        uint32_t *expected = malloc(n * sizeof *expected), *labels = malloc(n * sizeof *labels);
        random_case c = make_large(d, i % 2);
        const pea__graph graph = graph_of(&c);
        plain_mutex_watershed(&graph, expected);
        for (int n_threads = 1; n_threads <= 4; n_threads += 3) {
            uint64_t random = (uint64_t)n_threads;
            pea_context *context = test_context(n_threads, 0);
            cluster(&c, &random, d.z > 1 ? 4 : 30, context, tuning, labels);
            assert_memory_equal(labels, expected, n * sizeof *labels);
            pea_context_free(context);
        }
        free_case(&c);
        free(expected);
        free(labels);
    }
}

/* ---- more voxels than 32 bits count ---- */

/* The last planes of a volume of 10 billion voxels, of which the system lends no more memory than is written to. Few
 * levels, so that flat indices decide; and their low 32 bits alone would decide otherwise. */
static void check_beyond_32_bits(pea_dims whole, int64_t n_planes, random_case *c)
{
    enum { REACH = 32 }; /* planes before that edges lead to */
    const int64_t all = planes_of(whole), plane = whole.z * whole.y * whole.x / all, n = n_planes * plane;
    const int64_t first = all - n_planes;
    const size_t n_bytes = (size_t)(all * plane) * sizeof(uint32_t);
    uint32_t *expected = malloc((size_t)n * sizeof *expected);
    uint32_t *labels = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const pea_array array = {labels, PEA_UINT32, whole};
    const pea_mutex_options options = options_of(c);
    pea_mutex_slabs *slabs;
    if (labels == MAP_FAILED)
        skip();
    assert_true(all * plane > UINT32_MAX);
    memset(labels + (first - REACH) * plane, 255, (size_t)(REACH * plane) * sizeof *labels);
    const pea__graph graph = graph_of(c);
    plain_mutex_watershed(&graph, expected);
    assert_ok(pea_mutex_slabs_new(whole, &c->offsets, &options, NULL, &array, &slabs, &err));
    pea__mutex_slabs_tune(slabs, (pea__slab_tuning){.most_clusters = INT32_MAX, .first_plane = first});
    for (int64_t begin = 0, end; begin < n_planes; begin = end) {
        end = pea__min_i64(begin + n_planes / 3, n_planes);
        assert_ok(add(slabs, c, begin, end));
    }
    assert_ok(pea_mutex_slabs_finish(slabs, NULL, &err));
    assert_memory_equal(labels + first * plane, expected, (size_t)n * sizeof *labels);
    pea_mutex_slabs_free(slabs);
    munmap(labels, n_bytes);
    free(expected);
    free_case(c);
}

static void more_voxels_than_32_bits_count(void **state)
{
    (void)state;
    const pea_dims dims[2] = {{INT64_C(1) << 26, 12, 13, 1}, {1, INT64_C(1) << 28, 43, 1}};
    const int64_t n_planes[2] = {40, 96}; /* strides divide what is before */
    for (int i = 0; i < 4; i++) {
        pea_dims d = dims[i / 2];
        *(d.z > 1 ? &d.z : &d.y) = n_planes[i / 2];
        random_case c = make_large(d, i % 2);
        for (int64_t v = 0; v < d.z * d.y * d.x * (int64_t)c.offsets.n; v++)
            c.affinity[v] = (float)(int)(4.0f * c.affinity[v]) / 4.0f;
        for (int axis = 0; axis < 3; axis++)
            c.stride[axis] = axis == 0 ? 1 : 2;
        check_beyond_32_bits(dims[i / 2], n_planes[i / 2], &c);
    }
}

/* ---- what is kept ---- */

/* Of a plane of twice the height not twice as much, and less than was forecast. */
static void little_is_kept_between_slabs(void **state)
{
    (void)state;
    enum { HALF = 512, SLAB = 32 };
    random_case c = make_large((pea_dims){1, 2 * HALF, 256, 1}, false);
    const pea_array whole = {malloc(2 * HALF * 256 * sizeof(uint32_t)), PEA_UINT32, c.d};
    const pea_mutex_options options = options_of(&c);
    pea_mutex_slabs *slabs;
    uint64_t most[2] = {0};
    assert_ok(pea_mutex_slabs_new(c.d, &c.offsets, &options, NULL, &whole, &slabs, &err));
    pea__mutex_slabs_tune(slabs, (pea__slab_tuning){.most_clusters = INT32_MAX});
    for (int64_t y = 0; y < 2 * HALF; y += SLAB) {
        assert_ok(add(slabs, &c, y, y + SLAB));
        const uint64_t bytes = pea__mutex_slabs_bytes(slabs);
        most[y / HALF] = bytes > most[y / HALF] ? bytes : most[y / HALF];
    }
    assert_true(most[1] < most[0] + most[0] / 2);
    assert_true(most[1] < pea__mutex_slabs_forecast(c.d, &c.offsets, c.stride, SLAB, 1));
    pea_mutex_slabs_free(slabs);
    free(whole.data);
    free_case(&c);
}

/* Were the last plane not held back, every voxel of it would be a cluster, as its edges to the next one are not there. */
static void the_last_plane_waits_for_the_next(void **state)
{
    (void)state;
    enum { PLANE = 128 * 128, SLAB = 8 };
    random_case c = make_large((pea_dims){2 * SLAB, 128, 128, 1}, false);
    for (size_t i = 0; i < 2 * SLAB * PLANE * c.offsets.n; i++)
        c.affinity[i] = i % c.offsets.n < 3 ? 0.9f + c.affinity[i] / 16.0f : 1.0f; /* nothing repels */
    uint32_t *numbers = calloc(2 * SLAB * PLANE, sizeof *numbers), n_clusters = 0; /* until labels are finished */
    const pea_array whole = {numbers, PEA_UINT32, c.d};
    const pea_mutex_options options = options_of(&c);
    pea_mutex_slabs *slabs;
    assert_ok(pea_mutex_slabs_new(c.d, &c.offsets, &options, NULL, &whole, &slabs, &err));
    assert_ok(add(slabs, &c, 0, SLAB));
    for (size_t p = 0; p < SLAB * PLANE; p++)
        if (numbers[p] != PEA__NO_CLUSTER && numbers[p] >= n_clusters)
            n_clusters = numbers[p] + 1;
    assert_in_range(n_clusters, 1, PLANE + PLANE / 4);
    pea_mutex_slabs_free(slabs);
    free(numbers);
    free_case(&c);
}

/* ---- failures ---- */

static void slabs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    float affinity[2 * 3 * 4 * 12] = {0};
    uint32_t labels[5 * 3 * 4];
    uint8_t inside[24] = {0};
    const pea_offsets offsets = pea_offsets_3d_default();
    const pea_array whole = {labels, PEA_UINT32, {5, 3, 4, 1}}, mask = {inside, PEA_UINT8, {2, 3, 4, 1}};
    const pea_array slab = {affinity, PEA_FLOAT32, {2, 3, 4, 12}}, wide = {affinity, PEA_FLOAT32, {2, 4, 3, 12}},
                    few = {affinity, PEA_FLOAT32, {2, 3, 4, 11}}, last = {affinity, PEA_FLOAT32, {1, 3, 4, 12}};
    pea_mutex_slabs *slabs;
    assert_fails(pea_mutex_slabs_new((pea_dims){5, 3, 5, 1}, &offsets, NULL, NULL, &whole, &slabs, &err), PEA_E_SHAPE,
                 "5 x 3 x 5");
    assert_null(slabs);
    assert_fails(pea_mutex_slabs_new(whole.dims, NULL, NULL, NULL, &whole, &slabs, &err), PEA_E_ARG, "offsets");
    pea_mutex_options options = pea_mutex_options_default();
    options.stride[2] = 0;
    assert_fails(pea_mutex_slabs_new(whole.dims, &offsets, &options, NULL, &whole, &slabs, &err), PEA_E_ARG, "axis x");
    assert_ok(pea_mutex_slabs_new(whole.dims, &offsets, NULL, NULL, &whole, &slabs, &err));
    assert_fails(pea_mutex_slabs_add(slabs, &wide, NULL, &err), PEA_E_SHAPE, "no part");
    assert_fails(pea_mutex_slabs_add(slabs, &few, NULL, &err), PEA_E_SHAPE, "12 channels");
    assert_ok(pea_mutex_slabs_add(slabs, &slab, NULL, &err));
    assert_fails(pea_mutex_slabs_add(slabs, &slab, &mask, &err), PEA_E_ARG, "every slab");
    assert_fails(pea_mutex_slabs_finish(slabs, NULL, &err), PEA_E_ARG, "2 of 5");
    assert_ok(pea_mutex_slabs_add(slabs, &slab, NULL, &err));
    assert_fails(pea_mutex_slabs_add(slabs, &slab, NULL, &err), PEA_E_SHAPE, "1 are left");
    assert_ok(pea_mutex_slabs_add(slabs, &last, NULL, &err));
    assert_ok(pea_mutex_slabs_finish(slabs, NULL, &err));
    assert_fails(pea_mutex_slabs_finish(slabs, NULL, &err), PEA_E_ARG, "new ones");
    pea_mutex_slabs_free(slabs);
    pea_mutex_slabs_free(NULL);
}

/* The planes are counted from the first of the whole. NaN is heard of at once, in a plane that is held back as in one that
 * is clustered. */
static void nan_in_a_later_slab_is_refused_with_its_place(void **state)
{
    (void)state;
    const char *places[4] = {"z 2, y 2, x 3, offset 7", "z 3, y 2, x 3, offset 7", "z 4, y 2, x 3, offset 7",
                             "z 5, y 2, x 3, offset 7"};
    for (int z = 2; z < 6; z++) {
        float affinity[2 * 3 * 4 * 12] = {0};
        uint32_t labels[6 * 3 * 4];
        const pea_offsets offsets = pea_offsets_3d_default();
        const pea_array whole = {labels, PEA_UINT32, {6, 3, 4, 1}}, slab = {affinity, PEA_FLOAT32, {2, 3, 4, 12}};
        pea_mutex_slabs *slabs;
        assert_ok(pea_mutex_slabs_new(whole.dims, &offsets, NULL, NULL, &whole, &slabs, &err));
        for (int before = 0; before < z / 2; before++)
            assert_ok(pea_mutex_slabs_add(slabs, &slab, NULL, &err));
        affinity[((z % 2 * 3 + 2) * 4 + 3) * 12 + 7] = NAN;
        assert_fails(pea_mutex_slabs_add(slabs, &slab, NULL, &err), PEA_E_FORMAT, places[z - 2]);
        assert_fails(pea_mutex_slabs_add(slabs, &slab, NULL, &err), PEA_E_ARG, "new ones");
        assert_fails(pea_mutex_slabs_finish(slabs, NULL, &err), PEA_E_ARG, "new ones");
        pea_mutex_slabs_free(slabs);
    }
}

/* Some offsets lead forth, so that edges have to wait. */
static pea_status cluster_in_slabs(void *argument, pea_error *error)
{
    const random_case *c = argument;
    uint32_t *labels = malloc((size_t)(c->d.z * c->d.y * c->d.x) * sizeof *labels);
    const pea_array whole = {labels, PEA_UINT32, c->d};
    pea_mutex_slabs *slabs;
    pea_status status = pea_mutex_slabs_new(c->d, &c->offsets, NULL, NULL, &whole, &slabs, error);
    if (status == PEA_OK)
        pea__mutex_slabs_tune(slabs, (pea__slab_tuning){.most_clusters = INT32_MAX});
    for (int64_t z = 0; z < c->d.z && status == PEA_OK; z++) {
        status = add(slabs, c, z, z + 1);
        *error = err;
    }
    if (status == PEA_OK)
        status = pea_mutex_slabs_finish(slabs, NULL, error);
    pea_mutex_slabs_free(slabs);
    free(labels);
    return status;
}

static void failing_memory_between_slabs_leaks_nothing(void **state)
{
    (void)state;
    random_case c = make_large((pea_dims){4, 12, 13, 1}, true);
    assert_true(test_each_allocation_failing(cluster_in_slabs, &c, 400) > 100);
    free_case(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_slabs_equal_the_textbook),
    cmocka_unit_test(volumes_in_slabs_equal_the_plain_algorithm),
    cmocka_unit_test(more_voxels_than_32_bits_count),
    cmocka_unit_test(little_is_kept_between_slabs),
    cmocka_unit_test(the_last_plane_waits_for_the_next),
    cmocka_unit_test(slabs_that_do_not_fit_are_refused),
    cmocka_unit_test(nan_in_a_later_slab_is_refused_with_its_place),
    cmocka_unit_test(too_many_clusters_are_refused),
    cmocka_unit_test(failing_memory_between_slabs_leaks_nothing),
};

PEA_TEST_MAIN(tests)
