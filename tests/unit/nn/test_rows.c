/* test_rows.c - a plane that comes and goes row by row: the same bytes as in one piece, in memory that its height does not
 * change.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nets.h"
#include "kernel_sets.h"
#include "threads.h"

/* Gives the rows of a plane and compares what comes with its whole outputs. */
typedef struct strip {
    net_case net;
    const unsigned char *wanted;
    int64_t next_in, next_out[PEA__MAX_HEADS];
    int n_calls, fail_at; /* the callback that fails; 0: none */
} strip;

static pea_status refuse(strip *s, pea_error *err)
{
    return ++s->n_calls == s->fail_at ? pea__fail(err, PEA_E_IO, "callback %d fails", s->n_calls) : PEA_OK;
}

static pea_status read_rows(void *user, int64_t y0, int64_t y1, float *rows, pea_error *err)
{
    strip *s = user;
    const int64_t row = s->net.in.dims.x * s->net.in.dims.c;
    assert_int_equal(y0, s->next_in);
    assert_true(y0 < y1 && y1 <= s->net.in.dims.y);
    memcpy(rows, s->net.input + y0 * row, (size_t)((y1 - y0) * row) * sizeof *rows);
    s->next_in = y1;
    return refuse(s, err);
}

static pea_status write_rows(void *user, size_t head, int64_t y0, int64_t y1, const float *rows, pea_error *err)
{
    strip *s = user;
    const pea_array *whole = &s->net.outputs[head];
    const int64_t row = whole->dims.x * whole->dims.c;
    assert_true(!s->wanted || s->wanted[head]);
    assert_int_equal(y0, s->next_out[head]);
    assert_true(y0 < y1 && y1 <= whole->dims.y);
    assert_memory_equal(rows, (const float *)whole->data + y0 * row, (size_t)((y1 - y0) * row) * sizeof *rows);
    s->next_out[head] = y1;
    return refuse(s, err);
}

static pea_status run_rows(strip *s, pea_context *context, pea_error *err)
{
    const pea_row_io io = {read_rows, write_rows, s};
    s->next_in = s->n_calls = 0;
    memset(s->next_out, 0, sizeof s->next_out);
    return pea_network_forward_rows(s->net.network, context, PEA_FP32, s->net.in.dims, s->wanted, &io, err);
}

static void check_all_came(const strip *s)
{
    for (size_t i = 0; i < pea_network_get_info(s->net.network).n_heads; i++)
        assert_int_equal(s->next_out[i], !s->wanted || s->wanted[i] ? s->net.outputs[i].dims.y : 0);
}

static const net_form forms[] = {NET_DEEP, NET_SINGLE, NET_AFFINITY, NET_AFFINITY_AND_MASK};

/* Small networks have direct convolutions only, those of wide filters Winograd's as well. */
static strip open_strip(const int64_t filters[5], net_form form, const pea__kernels_table *kernels, int64_t y, int64_t x)
{
    strip s = {.net = net_open(net_2d(filters, 3, 5, form), kernels, (pea_dims){1, y, x, 3})};
    pea_error err = {0};
    s.net.network->piece_voxels = INT64_MAX / 2; /* all rows of an operation at once */
    assert_ok(pea_network_forward(s.net.network, NULL, PEA_FP32, &s.net.in, s.net.outputs, &err));
    s.net.network->piece_voxels = 1; /* and now four */
    return s;
}

static const int64_t mixed_filters[5] = {8, 16, 17, 20, 33};

static void rows_are_those_of_the_whole_plane(void **state)
{
    uint64_t seed = 20261122;
    (void)state;
    for (size_t set = 0; test_set(set, conv_f32); set++)
        for (int round = 0; round < 6; round++) {
            const bool slow = !test_set(set + 1, conv_f32); /* plain C */
            const int64_t y = 16 * (1 + test_random(&seed) % (slow ? 12 : 30)), x = 16 * (1 + test_random(&seed) % 5);
            strip s = open_strip(round % 2 ? net_small_2d : mixed_filters, forms[test_random(&seed) % 4],
                                 test_set(set, conv_f32), y, x);
            for (int threads = 1; threads <= 4; threads += 3) {
                pea_error err = {0};
                pea_context *context = test_context(threads, 0);
                s.net.network->piece_voxels = 1 << test_random(&seed) % 12;
                assert_ok(run_rows(&s, context, &err));
                check_all_came(&s);
                pea_context_free(context);
            }
            net_close(&s.net);
        }
}

static void heads_can_be_left_out(void **state)
{
    strip s = open_strip(net_small_2d, NET_DEEP, pea__kernels(), 96, 32);
    const size_t n_heads = pea_network_get_info(s.net.network).n_heads;
    (void)state;
    for (unsigned mask = 0; mask < 1u << n_heads; mask++) {
        unsigned char wanted[PEA__MAX_HEADS];
        pea_error err = {0};
        for (size_t i = 0; i < n_heads; i++)
            wanted[i] = mask >> i & 1;
        s.wanted = wanted;
        assert_ok(run_rows(&s, NULL, &err));
        check_all_came(&s);
    }
    net_close(&s.net);
}

/* Also where input and heads are arrays. */
static void pieces_change_no_byte(void **state)
{
    strip s = open_strip(mixed_filters, NET_DEEP, pea__kernels(), 208, 48);
    const size_t n_heads = pea_network_get_info(s.net.network).n_heads;
    pea_array outputs[PEA__MAX_HEADS];
    (void)state;
    for (s.net.network->piece_voxels = 1; s.net.network->piece_voxels < 1 << 15; s.net.network->piece_voxels *= 3) {
        pea_error err = {0};
        for (size_t i = 0; i < n_heads; i++) {
            outputs[i] = s.net.outputs[i];
            outputs[i].data = calloc(net_floats(outputs[i].dims), sizeof(float));
        }
        assert_ok(pea_network_forward(s.net.network, NULL, PEA_FP32, &s.net.in, outputs, &err));
        for (size_t i = 0; i < n_heads; i++) {
            assert_memory_equal(outputs[i].data, s.net.outputs[i].data, net_floats(outputs[i].dims) * sizeof(float));
            free(outputs[i].data);
        }
    }
    net_close(&s.net);
}

/* Once the image is taller than the rows that are on their way: some 300 of them where pieces are as small as they can be. */
static void memory_does_not_grow_with_height(void **state)
{
    strip s = open_strip(net_full_2d, NET_DEEP, pea__kernels(), 16, 16);
    static const int64_t heights[6] = {512, 2048, 4096, 8192, 20000, (int64_t)1 << 30};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int64_t width = i ? 16 : 2048;
        uint64_t first = 0, bytes = 0;
        pea_error err = {0};
        for (int k = 2 * i; k < 6; k++) {
            s.net.network->piece_voxels = i ? 64 * width : 1;
            assert_ok(pea_network_forecast_rows(s.net.network, (pea_dims){1, heights[k], width, 3}, PEA_FP32, NULL, 2, &bytes, &err));
            first = first ? first : bytes;
            assert_int_equal(bytes, first);
        }
    }
    net_close(&s.net);
}

static void memory_limit_is_the_forecast_to_the_byte(void **state)
{
    strip s = open_strip(net_small_2d, NET_DEEP, pea__kernels(), 320, 32);
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        pea_error err = {0};
        uint64_t bytes = 0;
        char needed[32];
        assert_ok(pea_network_forecast_rows(s.net.network, s.net.in.dims, PEA_FP32, NULL, threads, &bytes, &err));
        snprintf(needed, sizeof needed, "%llu bytes", (unsigned long long)bytes);
        pea_context *enough = test_context(threads, bytes), *scarce = test_context(threads, bytes - 1);
        assert_ok(run_rows(&s, enough, &err));
        assert_fails(run_rows(&s, scarce, &err), PEA_E_LIMIT, needed);
        pea_context_free(enough);
        pea_context_free(scarce);
    }
    net_close(&s.net);
}

/* ---- failures ---- */

static void failing_callback_ends_the_pass(void **state)
{
    strip s = open_strip(net_small_2d, NET_DEEP, pea__kernels(), 64, 32);
    const size_t live = pea__alloc_live();
    pea_error err = {0};
    (void)state;
    assert_ok(run_rows(&s, NULL, &err));
    const int n_calls = s.n_calls;
    for (s.fail_at = 1; s.fail_at <= n_calls; s.fail_at++) {
        assert_fails(run_rows(&s, NULL, &err), PEA_E_IO, "fails");
        assert_int_equal(s.n_calls, s.fail_at);
        assert_int_equal(pea__alloc_live(), live);
    }
    net_close(&s.net);
}

static int stop_at_once(void *user, const char *stage, double fraction)
{
    int *n_calls = user;
    assert_string_equal(stage, "network");
    assert_true(fraction >= 0.0 && fraction <= 1.0);
    return ++*n_calls == 2;
}

static void cancelling_ends_the_pass(void **state)
{
    strip s = open_strip(net_full_2d, NET_SINGLE, pea__kernels(), 320, 64);
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        int n_calls = 0;
        pea_error err = {0};
        const size_t live = pea__alloc_live();
        pea_context *context = NULL;
        pea_context_options o = pea_context_options_default();
        o.n_threads = threads;
        o.progress = stop_at_once;
        o.progress_user = &n_calls;
        assert_ok(pea_context_new(&o, &context, &err));
        assert_fails(run_rows(&s, context, &err), PEA_E_CANCELLED, "cancelled");
        assert_int_equal(n_calls, 2);
        pea_context_free(context);
        assert_int_equal(pea__alloc_live(), live);
    }
    net_close(&s.net);
}

static void what_has_no_rows_is_refused(void **state)
{
    strip s = open_strip(net_small_2d, NET_SINGLE, pea__kernels(), 16, 16);
    net_case stack = net_open(net_3d(net_small_3d, 1, 6, false), pea__kernels(), (pea_dims){1, 16, 16, 1});
    pea_row_io io = {read_rows, write_rows, &s};
    pea_error err = {0};
    uint64_t bytes;
    (void)state;
    assert_fails(pea_network_forward_rows(stack.network, NULL, PEA_FP32, stack.in.dims, NULL, &io, &err), PEA_E_ARG, "3-D");
    assert_fails(pea_network_forecast_rows(stack.network, stack.in.dims, PEA_FP32, NULL, 1, &bytes, &err), PEA_E_ARG, "3-D");
    assert_fails(pea_network_forward_rows(s.net.network, NULL, PEA_FP32, (pea_dims){1, 24, 16, 3}, NULL, &io, &err), PEA_E_SHAPE,
                 "multiples of 16");
    assert_fails(pea_network_forward_rows(s.net.network, NULL, PEA_FP32, s.net.in.dims, NULL, NULL, &err), PEA_E_ARG, "callback");
    io.write = NULL;
    assert_fails(pea_network_forward_rows(s.net.network, NULL, PEA_FP32, s.net.in.dims, NULL, &io, &err), PEA_E_ARG, "callback");
    net_close(&stack);
    net_close(&s.net);
}

static pea_status attempt_rows(void *user, pea_error *err)
{
    return run_rows(user, NULL, err);
}

static void every_failing_allocation_is_survived(void **state)
{
    strip s = open_strip(net_small_2d, NET_DEEP, pea__kernels(), 64, 32);
    (void)state;
    test_each_allocation_failing(attempt_rows, &s, 100);
    net_close(&s.net);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_are_those_of_the_whole_plane),
    cmocka_unit_test(heads_can_be_left_out),
    cmocka_unit_test(pieces_change_no_byte),
    cmocka_unit_test(memory_does_not_grow_with_height),
    cmocka_unit_test(memory_limit_is_the_forecast_to_the_byte),
    cmocka_unit_test(cancelling_ends_the_pass),
    cmocka_unit_test(what_has_no_rows_is_refused),
    cmocka_unit_test(failing_callback_ends_the_pass),
    cmocka_unit_test(every_failing_allocation_is_survived),
};

PEA_TEST_MAIN(tests)
