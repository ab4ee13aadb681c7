/* test_bf16.c - whole networks in bf16: near their results in 32 bits, the same bytes however the work is cut, in half the
 * memory.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nets.h"
#include "threads.h"

enum { N_NETS = 4 };

/* Narrow networks double and halve by operations of their own, wide ones within convolutions. */
static net_case open_net(int which, const pea__kernels_table *kernels)
{
    static const int64_t wide_2d[5] = {8, 16, 17, 20, 33}, wide_3d[5] = {16, 17, 19, 33, 20};
    switch (which) {
    case 0: return net_open(net_2d(net_small_2d, 3, 5, NET_DEEP), kernels, (pea_dims){1, 64, 48, 3});
    case 1: return net_open(net_2d(wide_2d, 3, 5, NET_AFFINITY_AND_MASK), kernels, (pea_dims){1, 80, 96, 3});
    case 2: return net_open(net_3d(net_small_3d, 1, 6, true), kernels, (pea_dims){3, 32, 48, 1});
    default: return net_open(net_3d(wide_3d, 1, 6, true), kernels, (pea_dims){4, 32, 48, 1});
    }
}

static size_t n_floats(const net_case *n, size_t head)
{
    return net_floats(n->outputs[head].dims);
}

static size_t n_heads(const net_case *n)
{
    return pea_network_get_info(n->network).n_heads;
}

static void copy_outputs(const net_case *n, float *to[PEA__MAX_HEADS])
{
    for (size_t h = 0; h < n_heads(n); h++) {
        to[h] = malloc(n_floats(n, h) * sizeof(float));
        memcpy(to[h], n->outputs[h].data, n_floats(n, h) * sizeof(float));
    }
}

static void free_outputs(const net_case *n, float *of[PEA__MAX_HEADS])
{
    for (size_t h = 0; h < n_heads(n); h++)
        free(of[h]);
}

static void expect_outputs(const net_case *n, float *const want[PEA__MAX_HEADS])
{
    for (size_t h = 0; h < n_heads(n); h++)
        assert_memory_equal(n->outputs[h].data, want[h], n_floats(n, h) * sizeof(float));
}

static void forward(const net_case *n, pea_context *context, pea_precision precision)
{
    pea_error err;
    assert_ok(pea_network_forward(n->network, context, precision, &n->in, n->outputs, &err));
}

/* A rounding to 8 bits is wrong by up to 1 in 512. Twenty of them one behind the other, whose errors are as often above as
 * below: 1 in 50 of a head's root mean square, and 1 in 5 anywhere. */
static void results_are_near_those_of_32_bits(void **state)
{
    (void)state;
    for (size_t set = 0; pea__kernels_available(set); set++)
        for (int which = 0; which < N_NETS; which++) {
            net_case n = open_net(which, pea__kernels_available(set));
            float *exact[PEA__MAX_HEADS];
            forward(&n, NULL, PEA_FP32);
            copy_outputs(&n, exact);
            forward(&n, NULL, PEA_BF16);
            for (size_t h = 0; h < n_heads(&n); h++) {
                const float *got = n.outputs[h].data;
                double squares = 0, errors = 0, worst = 0;
                for (size_t i = 0; i < n_floats(&n, h); i++) {
                    const double error = (double)got[i] - (double)exact[h][i];
                    squares += (double)exact[h][i] * (double)exact[h][i];
                    errors += error * error;
                    worst = fmax(worst, fabs(error));
                }
                const double size = sqrt(squares / (double)n_floats(&n, h)), rms = sqrt(errors / (double)n_floats(&n, h));
                if (!(rms <= size / 50 && worst <= size / 5 && rms > 0))
                    fail_msg("%s, net %d, head %zu: error %g, largest %g of %g", pea__kernels_available(set)->name, which, h,
                             rms, worst, size);
            }
            free_outputs(&n, exact);
            net_close(&n);
        }
}

static void threads_and_pieces_change_no_byte(void **state)
{
    (void)state;
    for (size_t set = 0; pea__kernels_available(set); set++)
        for (int which = 0; which < N_NETS; which++) {
            net_case n = open_net(which, pea__kernels_available(set));
            float *whole[PEA__MAX_HEADS];
            n.network->piece_voxels = INT64_MAX / 2;
            forward(&n, NULL, PEA_BF16);
            copy_outputs(&n, whole);
            for (int threads = 1; threads <= 7; threads += 3) {
                pea_context *context = test_context(threads, 0);
                n.network->piece_voxels = 1 << threads;
                forward(&n, context, PEA_BF16);
                expect_outputs(&n, whole);
                pea_context_free(context);
            }
            free_outputs(&n, whole);
            net_close(&n);
        }
}

/* The same network, and the same buffers' places: nothing of a run stays. */
static void precision_is_a_matter_of_a_run(void **state)
{
    (void)state;
    for (int which = 0; which < N_NETS; which++) {
        net_case n = open_net(which, pea__kernels());
        float *exact[PEA__MAX_HEADS], *rounded[PEA__MAX_HEADS];
        forward(&n, NULL, PEA_FP32);
        copy_outputs(&n, exact);
        forward(&n, NULL, PEA_BF16);
        copy_outputs(&n, rounded);
        forward(&n, NULL, PEA_FP32);
        expect_outputs(&n, exact);
        forward(&n, NULL, PEA_BF16);
        expect_outputs(&n, rounded);
        free_outputs(&n, exact);
        free_outputs(&n, rounded);
        net_close(&n);
    }
}

/* Whichever are wanted: a head is of floats, the same buffer unwanted is not there at all. */
static void heads_alone_are_the_same(void **state)
{
    (void)state;
    for (int which = 0; which < N_NETS; which++) {
        net_case n = open_net(which, pea__kernels());
        float *all[PEA__MAX_HEADS];
        pea_error err;
        forward(&n, NULL, PEA_BF16);
        copy_outputs(&n, all);
        for (size_t h = 0; h < n_heads(&n); h++) {
            pea_array one[PEA__MAX_HEADS] = {{0}};
            one[h] = n.outputs[h];
            memset(one[h].data, 0, n_floats(&n, h) * sizeof(float));
            assert_ok(pea_network_forward(n.network, NULL, PEA_BF16, &n.in, one, &err));
            assert_memory_equal(one[h].data, all[h], n_floats(&n, h) * sizeof(float));
        }
        free_outputs(&n, all);
        net_close(&n);
    }
}

/* ---- rows ---- */

typedef struct strip {
    net_case net;
    float *const *whole;
} strip;

static pea_status read_rows(void *user, int64_t y0, int64_t y1, float *rows, pea_error *err)
{
    const strip *s = user;
    const int64_t row = s->net.in.dims.x * s->net.in.dims.c;
    (void)err;
    memcpy(rows, s->net.input + y0 * row, (size_t)((y1 - y0) * row) * sizeof *rows);
    return PEA_OK;
}

static pea_status write_rows(void *user, size_t head, int64_t y0, int64_t y1, const float *rows, pea_error *err)
{
    const strip *s = user;
    const int64_t row = s->net.outputs[head].dims.x * s->net.outputs[head].dims.c;
    (void)err;
    assert_memory_equal(rows, s->whole[head] + y0 * row, (size_t)((y1 - y0) * row) * sizeof *rows);
    return PEA_OK;
}

static void rows_are_those_of_the_whole_plane(void **state)
{
    (void)state;
    for (size_t set = 0; pea__kernels_available(set); set++)
        for (int which = 0; which < 2; which++) {
            strip s = {.net = open_net(which, pea__kernels_available(set))};
            const pea_row_io io = {read_rows, write_rows, &s};
            float *whole[PEA__MAX_HEADS];
            pea_error err;
            forward(&s.net, NULL, PEA_BF16);
            copy_outputs(&s.net, whole);
            s.whole = whole;
            for (s.net.network->piece_voxels = 1; s.net.network->piece_voxels < 4000; s.net.network->piece_voxels *= 8)
                assert_ok(pea_network_forward_rows(s.net.network, NULL, PEA_BF16, s.net.in.dims, NULL, &io, &err));
            free_outputs(&s.net, whole);
            net_close(&s.net);
        }
}

/* ---- memory ---- */

static void memory_is_forecast_kept_and_less(void **state)
{
    net_case plane = net_open(net_2d(net_full_2d, 3, 16, NET_DEEP), pea__kernels(), (pea_dims){1, 64, 64, 3});
    net_case stack = net_open(net_3d(net_full_3d, 1, 16, true), pea__kernels(), (pea_dims){2, 32, 32, 1});
    const int64_t side = pea__kernels()->direct_bf16 ? 544 : 20000; /* large beside the weights of Winograd, of floats */
    uint64_t floats, halves;
    pea_error err;
    (void)state;
    assert_ok(pea_network_forecast(plane.network, (pea_dims){1, side, side, 3}, PEA_FP32, NULL, 1, &floats, &err));
    assert_ok(pea_network_forecast(plane.network, (pea_dims){1, side, side, 3}, PEA_BF16, NULL, 1, &halves, &err));
    if (!(halves * 10 < floats * 6))
        fail_msg("a plane takes %llu bytes in bf16, %llu in fp32", (unsigned long long)halves, (unsigned long long)floats);
    assert_ok(pea_network_forecast(stack.network, (pea_dims){18, 160, 160, 1}, PEA_FP32, NULL, 1, &floats, &err));
    assert_ok(pea_network_forecast(stack.network, (pea_dims){18, 160, 160, 1}, PEA_BF16, NULL, 1, &halves, &err));
    assert_true(halves * 10 < floats * 6);
    assert_ok(pea_network_forecast(stack.network, stack.in.dims, PEA_BF16, NULL, 1, &halves, &err));
    pea_context *enough = test_context(1, halves), *scarce = test_context(1, halves - 1);
    assert_ok(pea_network_forward(stack.network, enough, PEA_BF16, &stack.in, stack.outputs, &err));
    assert_fails(pea_network_forward(stack.network, scarce, PEA_BF16, &stack.in, stack.outputs, &err), PEA_E_LIMIT, "needs");
    pea_context_free(enough);
    pea_context_free(scarce);
    net_close(&plane);
    net_close(&stack);
}

static pea_status attempt(void *argument, pea_error *err)
{
    const net_case *n = argument;
    return pea_network_forward(n->network, NULL, PEA_BF16, &n->in, n->outputs, err);
}

static void every_allocation_may_fail(void **state)
{
    net_case n = open_net(0, pea__kernels());
    (void)state;
    test_each_allocation_failing(attempt, &n, 50);
    net_close(&n);
}

static void precisions_have_names(void **state)
{
    pea_precision p = PEA_FP32;
    (void)state;
    assert_string_equal(pea_precision_name(PEA_FP32), "fp32");
    assert_string_equal(pea_precision_name(PEA_BF16), "bf16");
    assert_null(pea_precision_name((pea_precision)2));
    assert_true(pea_precision_parse("bf16", &p) && p == PEA_BF16);
    assert_false(pea_precision_parse("fp16", &p) || pea_precision_parse(NULL, &p));
    assert_int_equal(p, PEA_BF16);
}

static void an_unknown_precision_is_refused(void **state)
{
    net_case n = open_net(0, pea__kernels());
    uint64_t bytes;
    pea_error err;
    (void)state;
    assert_fails(pea_network_forward(n.network, NULL, (pea_precision)7, &n.in, n.outputs, &err), PEA_E_ARG, "precision");
    assert_fails(pea_network_forecast(n.network, n.in.dims, (pea_precision)7, NULL, 1, &bytes, &err), PEA_E_ARG, "precision");
    net_close(&n);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(results_are_near_those_of_32_bits),
    cmocka_unit_test(threads_and_pieces_change_no_byte),
    cmocka_unit_test(precision_is_a_matter_of_a_run),
    cmocka_unit_test(heads_alone_are_the_same),
    cmocka_unit_test(rows_are_those_of_the_whole_plane),
    cmocka_unit_test(memory_is_forecast_kept_and_less),
    cmocka_unit_test(every_allocation_may_fail),
    cmocka_unit_test(precisions_have_names),
    cmocka_unit_test(an_unknown_precision_is_refused),
};

PEA_TEST_MAIN(tests)
