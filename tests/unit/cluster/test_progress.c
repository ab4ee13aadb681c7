/* test_progress.c - clustering a volume and tidying a large plane are heard of, and can be stopped.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "cluster/cluster.h"

enum { SIDE = 6000 };

/* Squares of 6 x 6 pixels; every seventh is background. */
static uint32_t label_at(int64_t y, int64_t x)
{
    const uint32_t n = (uint32_t)(y / 6 * (SIDE / 6) + x / 6);
    return n % 7 ? n * 3 : 0;
}

static int make_plane(void **state)
{
    uint32_t *labels = malloc((size_t)SIDE * SIDE * sizeof *labels);
    for (int64_t p = 0; labels && p < (int64_t)SIDE * SIDE; p++)
        labels[p] = label_at(p / SIDE, p % SIDE);
    *state = labels;
    return labels ? 0 : -1;
}

static int free_plane(void **state)
{
    free(*state);
    return 0;
}

static pea_status merge(void *labels, pea_context *context, pea_error *err)
{
    return pea_merge_small(&(pea_array){labels, PEA_UINT32, {1, SIDE / 3, SIDE, 1}},
                           (pea_merge_pass[]){{20, 21}, {80, 41}}, 2, context, err);
}

static pea_status remove_small(void *labels, pea_context *context, pea_error *err)
{
    return pea_remove_small(&(pea_array){labels, PEA_UINT32, {4, SIDE / 4, SIDE, 1}}, 20, context, err);
}

static pea_status relabel(void *labels, pea_context *context, pea_error *err)
{
    return pea_relabel(&(pea_array){labels, PEA_UINT32, {1, SIDE, SIDE, 1}}, context, NULL, err);
}

static pea_status clean_mask(void *labels, pea_context *context, pea_error *err)
{
    return pea_mask_remove_small(&(pea_array){labels, PEA_UINT8, {2, SIDE, SIDE, 1}}, 2, context, err);
}

static void merging_a_large_plane_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", merge, *state);
}

static void removing_from_a_large_stack_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", remove_small, *state);
}

static void numbering_a_large_plane_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", relabel, *state);
}

static void cleaning_a_large_mask_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("clean up", clean_mask, *state);
}

/* Noise, so that nothing is easy, with or without many ties. */
typedef struct noise {
    pea_array affinity, labels;
    pea_offsets offsets;
} noise;

static noise make_noise(uint32_t n_levels)
{
    const pea_dims d = {20, 256, 256, 12};
    const int64_t n = d.z * d.y * d.x;
    float *affinity = malloc((size_t)(n * d.c) * sizeof *affinity);
    uint64_t random = 5;
    for (int64_t i = 0; i < n * d.c; i++)
        affinity[i] = (float)(test_random(&random) % n_levels) / (float)n_levels;
    uint32_t *labels = malloc((size_t)n * sizeof *labels);
    return (noise){{affinity, PEA_FLOAT32, d}, {labels, PEA_UINT32, {d.z, d.y, d.x, 1}}, pea_offsets_3d_default()};
}

static pea_status cluster(void *argument, pea_context *context, pea_error *err)
{
    const noise *n = argument;
    pea_mutex_options options = pea_mutex_options_default();
    options.stride[1] = options.stride[2] = 4;
    return pea_mutex_watershed(&n->affinity, &n->offsets, NULL, &options, context, &n->labels, NULL, err);
}

/* The same in slabs of 6 planes. */
static pea_status cluster_in_slabs(void *argument, pea_context *context, pea_error *err)
{
    enum { PLANES = 6 };
    const noise *n = argument;
    const pea_dims d = n->affinity.dims;
    pea_mutex_options options = pea_mutex_options_default();
    pea_mutex_slabs *slabs;
    options.stride[1] = options.stride[2] = 4;
    pea_status status = pea_mutex_slabs_new(d, &n->offsets, &options, context, &n->labels, &slabs, err);
    for (int64_t z = 0; z < d.z && status == PEA_OK; z += PLANES) {
        float *first = (float *)n->affinity.data + z * d.y * d.x * d.c;
        const pea_dims part = {z + PLANES < d.z ? PLANES : d.z - z, d.y, d.x, d.c};
        status = pea_mutex_slabs_add(slabs, &(pea_array){first, PEA_FLOAT32, part}, NULL, err);
    }
    if (status == PEA_OK)
        status = pea_mutex_slabs_finish(slabs, NULL, err);
    pea_mutex_slabs_free(slabs);
    return status;
}

static void free_noise(noise *n)
{
    free(n->affinity.data);
    free(n->labels.data);
}

static void clustering_a_volume_can_be_stopped(void **state)
{
    (void)state;
    for (uint32_t n_levels = 2; n_levels <= 1u << 20; n_levels <<= 9) {
        noise n = make_noise(n_levels);
        assert_can_be_heard_and_stopped("cluster", cluster, &n);
        assert_can_be_heard_and_stopped("cluster", cluster_in_slabs, &n);
        free_noise(&n);
    }
}

/* Wherever it is stopped nothing stays behind. */
static void assert_can_be_stopped_anywhere(long_call *call, noise *n)
{
    const size_t live = pea__alloc_live();
    pea_status status = PEA_E_CANCELLED;
    for (int stop_at = 1; status == PEA_E_CANCELLED; stop_at += 1 + stop_at / 3) {
        listener l = {.stop_at = stop_at};
        pea_error err;
        status = listen_to(&l, call, n, &err);
        assert_int_equal(pea__alloc_live(), live);
        assert_true(status == PEA_OK || l.n_calls == stop_at); /* it went no further */
    }
    assert_int_equal(status, PEA_OK);
}

static void clustering_can_be_stopped_at_any_time(void **state)
{
    (void)state;
    noise n = make_noise(1 << 20);
    assert_can_be_stopped_anywhere(cluster, &n);
    assert_can_be_stopped_anywhere(cluster_in_slabs, &n);
    free_noise(&n);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(clustering_a_volume_can_be_stopped),
    cmocka_unit_test(clustering_can_be_stopped_at_any_time),
    cmocka_unit_test_setup_teardown(merging_a_large_plane_can_be_stopped, make_plane, free_plane),
    cmocka_unit_test_setup_teardown(removing_from_a_large_stack_can_be_stopped, make_plane, free_plane),
    cmocka_unit_test_setup_teardown(numbering_a_large_plane_can_be_stopped, make_plane, free_plane),
    cmocka_unit_test_setup_teardown(cleaning_a_large_mask_can_be_stopped, make_plane, free_plane),
};

PEA_TEST_MAIN(tests)
