/* test_forward.c - a run of a network: the same bytes however it is run, within its memory, stopped when asked.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nets.h"
#include "kernel_sets.h"

#include "pea/cpu.h"

static net_case open_small_2d(void)
{
    return net_open(net_2d(net_small_2d, 3, 8, NET_DEEP), pea__kernels(), (pea_dims){1, 48, 80, 3});
}

static net_case open_small_3d(void)
{
    return net_open(net_3d(net_small_3d, 1, 6, true), pea__kernels(), (pea_dims){3, 32, 48, 1});
}

static pea_context *context_of(int n_threads, uint64_t limit, pea_progress_fn *progress, void *user)
{
    pea_context *context = NULL;
    pea_error err = {0};
    pea_context_options o = pea_context_options_default();
    o.n_threads = n_threads;
    o.memory_limit_bytes = limit;
    o.progress = progress;
    o.progress_user = user;
    assert_ok(pea_context_new(&o, &context, &err));
    return context;
}

/* Copies of all outputs, one after another. */
static float *copy_outputs(const net_case *n, size_t *n_bytes)
{
    size_t total = 0;
    for (size_t i = 0; i < pea_network_get_info(n->network).n_heads; i++)
        total += net_floats(n->outputs[i].dims) * sizeof(float);
    char *copy = malloc(total), *to = copy;
    for (size_t i = 0; i < pea_network_get_info(n->network).n_heads; i++) {
        const size_t bytes = net_floats(n->outputs[i].dims) * sizeof(float);
        memcpy(to, n->outputs[i].data, bytes);
        to += bytes;
        memset(n->outputs[i].data, 0xee, bytes);
    }
    *n_bytes = total;
    return (float *)(void *)copy;
}

static void threads_change_no_byte(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        net_case n = axes == 2 ? open_small_2d() : open_small_3d();
        float *alone = NULL;
        size_t n_bytes = 0;
        for (int threads = 1; threads <= 7; threads += threads == 1 ? 1 : 5) {
            pea_error err = {0};
            pea_context *context = context_of(threads, 0, NULL, NULL);
            assert_ok(pea_network_forward(n.network, context, PEA_FP32, &n.in, n.outputs, &err));
            float *got = copy_outputs(&n, &n_bytes);
            if (alone)
                assert_memory_equal(alone, got, n_bytes);
            else
                alone = got;
            if (alone != got)
                free(got);
            pea_context_free(context);
        }
        free(alone);
        net_close(&n);
    }
}

static void heads_that_nobody_wants_change_no_byte_of_the_others(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        net_case n = axes == 2 ? open_small_2d() : open_small_3d();
        const size_t n_heads = pea_network_get_info(n.network).n_heads;
        pea_error err = {0};
        size_t n_bytes;
        assert_ok(pea_network_forward(n.network, NULL, PEA_FP32, &n.in, n.outputs, &err));
        const char *all = (char *)copy_outputs(&n, &n_bytes), *at = all;
        for (size_t i = 0; i < n_heads; i++) {
            pea_array one[PEA__MAX_HEADS] = {{0}};
            const size_t bytes = net_floats(n.outputs[i].dims) * sizeof(float);
            one[i] = n.outputs[i];
            assert_ok(pea_network_forward(n.network, NULL, PEA_FP32, &n.in, one, &err));
            assert_memory_equal(one[i].data, at, bytes);
            at += bytes;
        }
        free((void *)(uintptr_t)all);
        net_close(&n);
    }
}

static void coarse_heads_alone_cost_less_memory(void **state)
{
    net_case n = open_small_2d();
    pea_error err = {0};
    uint64_t all = 0, coarsest = 0, none = 0;
    unsigned char wanted[PEA__MAX_HEADS] = {0};
    (void)state;
    assert_ok(pea_network_forecast(n.network, n.in.dims, PEA_FP32, NULL, 1, &all, &err));
    assert_ok(pea_network_forecast(n.network, n.in.dims, PEA_FP32, wanted, 1, &none, &err));
    wanted[pea_network_find_head(n.network, "emb_level4")] = 1;
    assert_ok(pea_network_forecast(n.network, n.in.dims, PEA_FP32, wanted, 1, &coarsest, &err));
    assert_true(none < coarsest && coarsest < all);
    net_close(&n);
}

static void nothing_wanted_is_nothing_done(void **state)
{
    net_case n = open_small_3d();
    const pea_array nothing[PEA__MAX_HEADS] = {{0}};
    pea_error err = {0};
    (void)state;
    assert_ok(pea_network_forward(n.network, NULL, PEA_FP32, &n.in, nothing, &err));
    net_close(&n);
}

/* What is in memory during a run: which row of which buffer lies at each place of a pool, and when, in steps, each buffer
 * is used first and last. */
typedef struct memory {
    pea__windows windows;
    int64_t first[PEA__MAX_VALUES], last[PEA__MAX_VALUES];
    struct {
        int buffer;
        int64_t row;
    } *held[PEA__MAX_VALUES];
} memory;

static void empty_memory(const pea_network *w, const pea__plan *plan, memory *m)
{
    pea_error err = {0};
    assert_ok(pea__windows_new(w, plan, &m->windows, &err));
    for (int b = 1; b <= w->n_buffers; b++) {
        m->first[b] = m->last[b] = -1;
        m->held[b] = calloc((size_t)plan->pool_rows[b] + 1, sizeof *m->held[b]);
    }
}

static void free_memory(const pea_network *w, memory *m)
{
    for (int b = 1; b <= w->n_buffers; b++)
        free(m->held[b]);
    pea__windows_free(&m->windows);
}

static void touch(memory *m, int buffer, int64_t step)
{
    m->first[buffer] = m->first[buffer] < 0 ? step : m->first[buffer];
    m->last[buffer] = step;
}

/* Rows that are read must have been made, and must still be there. */
static void read_window(const pea_network *w, const pea__plan *plan, memory *m, int value, pea__row_span rows,
                        int64_t step)
{
    const int buffer = w->values[value].buffer, pool = plan->pool[buffer];
    touch(m, buffer, step);
    for (int64_t y = rows.first; y < rows.end && buffer > 1; y++)
        assert_true(y < m->windows.end[buffer]);
    for (int64_t y = rows.first; y < rows.end && pool; y++) {
        const int64_t place = pea__voxel_place(y, 0, 1, &m->windows.rows[buffer]);
        assert_true(place >= 0 && place < plan->pool_rows[pool]);
        assert_true(m->held[pool][place].buffer == buffer && m->held[pool][place].row == y);
    }
}

static void take_step(const pea_network *w, const pea__plan *plan, memory *m, const pea__step *s, int64_t step)
{
    const bool reading = s->job == PEA__READING;
    const pea__op *op = &w->ops[reading ? 0 : s->job];
    const int out = reading ? 1 : w->values[op->out].buffer, pool = plan->pool[out];
    assert_true(s->y0 < s->y1 && s->y1 <= plan->rows[s->job]);
    if (!reading) {
        read_window(w, plan, m, op->in, pea__input_span(w, plan, s->job, s->y0, s->y1), step);
        if (op->residual)
            read_window(w, plan, m, op->residual, (pea__row_span){s->y0, s->y1}, step);
    }
    touch(m, out, step);
    for (int64_t y = reading ? s->y0 : pea__output_rows(op, s->y0);
         y < (reading ? s->y1 : pea__output_rows(op, s->y1)) && pool; y++) {
        const int64_t place = pea__voxel_place(y, 0, 1, &m->windows.rows[out]);
        assert_true(place >= 0 && place < plan->pool_rows[pool]);
        m->held[pool][place].buffer = out;
        m->held[pool][place].row = y;
    }
}

/* Whether one buffer is written voxel by voxel where the other, which is added to it, is read for the last time. */
static bool takes_place(const pea_network *w, const pea__plan *plan, const memory *m, int a, int b)
{
    for (int i = 0; i < w->n_ops; i++) {
        const int residual = w->values[w->ops[i].residual].buffer, out = w->values[w->ops[i].out].buffer;
        if (w->ops[i].residual && ((residual == a && out == b) || (residual == b && out == a)))
            return plan->live[i] && m->last[residual] == m->first[out] && plan->place[a] == plan->place[b] &&
                   w->buffers[a].channels == w->buffers[b].channels && w->values[w->ops[i].in].buffer != residual;
    }
    return false;
}

static int64_t end_of(const pea_network *w, const pea__plan *plan, int buffer)
{
    const pea_dims d = pea__buffer_dims(w, plan, buffer);
    const int pool = plan->pool[buffer];
    return plan->place[buffer] + d.z * (pool ? plan->pool_rows[pool] : d.y) * d.x * d.c;
}

/* A run, without a number being computed: what a step reads was made and is still there; buffers that live at the same
 * time never share a float, unless they share a pool; all rows of every operation are made. */
static void check_plan(const net_case *n, const unsigned char *wanted, bool by_rows)
{
    static pea__plan plan;
    static memory m;
    pea_error err = {0};
    const pea_network *w = n->network;
    pea__step step;
    assert_ok(pea__plan_make(w, n->in.dims, PEA_FP32, wanted, by_rows, &plan, &err));
    empty_memory(w, &plan, &m);
    pea__front front = pea__schedule_begin(&plan);
    for (int64_t time = 0; pea__schedule_next(w, &plan, &front, &step); time++) {
        assert_int_equal(step.y0, front.made[step.job]);
        pea__windows_make(w, &plan, &step, &m.windows);
        take_step(w, &plan, &m, &step, time);
        front.made[step.job] = step.y1;
        pea__windows_drop(w, &plan, &front, &step, &m.windows);
    }
    for (int i = 0; i < w->n_ops; i++)
        assert_int_equal(front.made[i], plan.live[i] ? plan.rows[i] : 0);
    for (int b = 1; b <= w->n_buffers; b++)
        assert_int_equal(m.windows.n_spare[b], plan.pool[b] == b ? plan.pool_rows[b] : 0);
    for (int a = 1; a <= w->n_buffers; a++)
        for (int b = 1; b < a; b++) {
            if (plan.place[a] < 0 || plan.place[b] < 0 || m.first[a] > m.last[b] || m.first[b] > m.last[a] ||
                (plan.pool[a] && plan.pool[a] == plan.pool[b]) || takes_place(w, &plan, &m, a, b))
                continue;
            assert_true(end_of(w, &plan, a) <= plan.place[b] || end_of(w, &plan, b) <= plan.place[a]);
            assert_true(end_of(w, &plan, a) <= plan.arena_floats && end_of(w, &plan, b) <= plan.arena_floats);
        }
    free_memory(w, &m);
}

static void buffers_that_live_together_lie_apart(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        net_case n = axes == 2 ? open_small_2d() : open_small_3d();
        const size_t n_heads = pea_network_get_info(n.network).n_heads;
        for (unsigned mask = 0; mask < 1u << n_heads; mask++) {
            unsigned char wanted[PEA__MAX_HEADS];
            for (size_t i = 0; i < n_heads; i++)
                wanted[i] = mask >> i & 1;
            for (int by_rows = 0; by_rows < (axes == 2 ? 2 : 1); by_rows++)
                for (n.network->piece_voxels = 1; n.network->piece_voxels < 1 << 20; n.network->piece_voxels *= 64)
                    check_plan(&n, wanted, by_rows);
        }
        net_close(&n);
    }
}

static void full_plane_network_needs_less_than_90_mb(void **state)
{
    net_case n = net_open(net_2d(net_full_2d, 3, 16, NET_DEEP), pea__kernels(), (pea_dims){1, 16, 16, 3});
    pea_error err = {0};
    uint64_t bytes = 0;
    (void)state;
    assert_ok(pea_network_forecast(n.network, (pea_dims){1, 544, 544, 3}, PEA_FP32, NULL, 1, &bytes, &err));
    assert_true(bytes < 90u * 1000 * 1000);
    net_close(&n);
}

static void memory_limit_is_the_forecast_to_the_byte(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        net_case n = open_small_2d();
        pea_error err = {0};
        uint64_t bytes = 0;
        char needed[32];
        assert_ok(pea_network_forecast(n.network, n.in.dims, PEA_FP32, NULL, threads, &bytes, &err));
        snprintf(needed, sizeof needed, "%llu bytes", (unsigned long long)bytes);
        pea_context *enough = context_of(threads, bytes, NULL, NULL);
        pea_context *scarce = context_of(threads, bytes - 1, NULL, NULL);
        assert_ok(pea_network_forward(n.network, enough, PEA_FP32, &n.in, n.outputs, &err));
        assert_fails(pea_network_forward(n.network, scarce, PEA_FP32, &n.in, n.outputs, &err), PEA_E_LIMIT, needed);
        pea_context_free(enough);
        pea_context_free(scarce);
        net_close(&n);
    }
}

/* ---- progress and cancelling ---- */

typedef struct listener {
    int n_calls, cancel_at;
    double last;
    bool fell, foreign_stage;
} listener;

static int listen(void *user, const char *stage, double fraction)
{
    listener *l = user;
    l->fell |= fraction < l->last;
    l->foreign_stage |= strcmp(stage, "network") != 0;
    l->last = fraction;
    return ++l->n_calls == l->cancel_at;
}

static void progress_rises_to_its_end(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        net_case n = net_open(net_2d(net_full_2d, 3, 16, NET_DEEP), pea__kernels(), (pea_dims){1, 400, 400, 3});
        listener l = {0};
        pea_error err = {0};
        size_t n_stages = 0;
        pea_context *context = context_of(threads, 0, listen, &l);
        assert_ok(pea_network_forward(n.network, context, PEA_FP32, &n.in, n.outputs, &err));
        assert_true(l.n_calls > 1 && l.last > 0.5 && l.last <= 1.0 && !l.fell && !l.foreign_stage);
        const pea_stage_time *times = pea_context_times(context, &n_stages);
        assert_int_equal(n_stages, 1);
        assert_string_equal(times[0].stage, "network");
        pea_context_free(context);
        net_close(&n);
    }
}

static void cancelling_ends_the_run(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++)
        for (int at = 1; at <= 3; at += 2) {
            net_case n = net_open(net_2d(net_full_2d, 3, 16, NET_DEEP), pea__kernels(), (pea_dims){1, 480, 480, 3});
            listener l = {.cancel_at = at};
            pea_error err = {0};
            const size_t live = pea__alloc_live();
            pea_context *context = context_of(threads, 0, listen, &l);
            assert_fails(pea_network_forward(n.network, context, PEA_FP32, &n.in, n.outputs, &err), PEA_E_CANCELLED, "cancelled");
            assert_int_equal(l.n_calls, at);
            pea_context_free(context);
            assert_int_equal(pea__alloc_live(), live);
            net_close(&n);
        }
}

/* ---- what is refused ---- */

static void wrong_inputs_are_refused(void **state)
{
    net_case n = open_small_2d();
    pea_error err = {0};
    pea_array in = n.in;
    (void)state;
    in.dims.c = 1;
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &in, n.outputs, &err), PEA_E_SHAPE, "takes 3 channels, the input has 1");
    in.dims = (pea_dims){2, 48, 32, 3};
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &in, n.outputs, &err), PEA_E_SHAPE, "2-D");
    in.dims = (pea_dims){1, 48, 72, 3};
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &in, n.outputs, &err), PEA_E_SHAPE, "multiples of 16");
    in.dims = (pea_dims){1, 0, 16, 3};
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &in, n.outputs, &err), PEA_E_SHAPE, "at least 1");
    in = n.in;
    in.dtype = PEA_FLOAT64;
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &in, n.outputs, &err), PEA_E_DTYPE, "must be float32, is float64");
    in = n.in;
    in.data = NULL;
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &in, n.outputs, &err), PEA_E_ARG, "missing");
    net_close(&n);
}

static void wrong_outputs_are_refused(void **state)
{
    net_case n = open_small_3d();
    pea_error err = {0};
    const int level1 = pea_network_find_head(n.network, "emb_level1");
    (void)state;
    n.outputs[level1].dims.y++;
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &n.in, n.outputs, &err), PEA_E_SHAPE, "emb_level1 must be 3 x 2 x 3 x 6");
    n.outputs[level1].dims.y--;
    n.outputs[level1].dtype = PEA_UINT8;
    assert_fails(pea_network_forward(n.network, NULL, PEA_FP32, &n.in, n.outputs, &err), PEA_E_DTYPE, "emb_level1 must be float32");
    net_close(&n);
}

static void impossible_sizes_are_refused(void **state)
{
    net_case n = open_small_3d();
    pea_error err = {0};
    uint64_t bytes;
    const int64_t huge = (int64_t)1 << 40;
    (void)state;
    assert_fails(pea_network_forecast(n.network, (pea_dims){huge, huge, huge, 1}, PEA_FP32, NULL, 1, &bytes, &err), PEA_E_LIMIT, "address space");
    assert_fails(pea_network_forecast(n.network, (pea_dims){1, huge, (int64_t)1 << 20, 1}, PEA_FP32, NULL, 1, &bytes, &err), PEA_E_LIMIT, "address space");
    assert_fails(pea_network_forecast(n.network, (pea_dims){1, 16, 16, 1}, PEA_FP32, NULL, 0, &bytes, &err), PEA_E_ARG, "at least 1 thread");
    net_close(&n);
}

static pea_status forward(void *net, pea_error *err)
{
    const net_case *n = net;
    return pea_network_forward(n->network, NULL, PEA_FP32, &n->in, n->outputs, err);
}

static void every_failing_allocation_is_survived(void **state)
{
    net_case n = open_small_2d();
    (void)state;
    test_each_allocation_failing(forward, &n, 100);
    net_close(&n);
}

/* ---- across kernel sets and sizes ---- */

static void kernel_sets_agree_to_rounding(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++)
        for (size_t set = 0; test_set(set + 1, conv_f32); set++) {
            pea_error err = {0};
            const pea_dims dims = axes == 2 ? (pea_dims){1, 16, 64, 3} : (pea_dims){1, 32, 16, 1};
            net_case a = net_open(axes == 2 ? net_2d(net_small_2d, 3, 8, NET_AFFINITY_AND_MASK)
                                            : net_3d(net_small_3d, 1, 12, false),
                                  test_set(set, conv_f32), dims);
            net_case b = net_open(axes == 2 ? net_2d(net_small_2d, 3, 8, NET_AFFINITY_AND_MASK)
                                            : net_3d(net_small_3d, 1, 12, false),
                                  &pea__kernels_scalar, dims);
            assert_ok(pea_network_forward(a.network, NULL, PEA_FP32, &a.in, a.outputs, &err));
            assert_ok(pea_network_forward(b.network, NULL, PEA_FP32, &b.in, b.outputs, &err));
            for (size_t h = 0; h < pea_network_get_info(a.network).n_heads; h++)
                for (size_t i = 0; i < net_floats(a.outputs[h].dims); i++) {
                    const double x = ((float *)a.outputs[h].data)[i], y = ((float *)b.outputs[h].data)[i];
                    assert_true(fabs(x - y) < 1e-5);
                    if (strcmp(pea_network_head(a.network, h).name, "affinity") == 0)
                        assert_true(x >= 0.0 && x <= 1.0);
                }
            net_close(&a);
            net_close(&b);
        }
}

/* What a voxel sees is bounded: far from the border of a larger image the same input gives the same bytes. */
static void deep_stack_gives_the_same_planes_far_from_its_ends(void **state)
{
    const int64_t plane = 16 * 16, reach = 20; /* nine blocks, two 3x3x3 convolutions each: 18 planes */
    pea_error err = {0};
    (void)state;
    net_case deep = net_open(net_3d(net_small_3d, 1, 6, false), pea__kernels(), (pea_dims){2 * reach + 2, 16, 16, 1});
    net_case part = net_open(net_3d(net_small_3d, 1, 6, false), pea__kernels(), (pea_dims){2 * reach + 1, 16, 16, 1});
    memcpy(part.input, deep.input, (size_t)((2 * reach + 1) * plane) * sizeof(float));
    assert_ok(pea_network_forward(deep.network, NULL, PEA_FP32, &deep.in, deep.outputs, &err));
    assert_ok(pea_network_forward(part.network, NULL, PEA_FP32, &part.in, part.outputs, &err));
    assert_memory_equal(deep.outputs[0].data, part.outputs[0].data, (size_t)(reach * plane * 6) * sizeof(float));
    net_close(&deep);
    net_close(&part);
}

/* They would slow a pass down a hundredfold. Kernels alone keep them (tests/unit/kernel/test_conv.c). */
static void denormals_count_as_zero(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    for (int is_volume = 0; is_volume < 2; is_volume++) {
        net_case n = is_volume ? open_small_3d() : open_small_2d();
        volatile float tiny = 1e-39f;
        float *in = (float *)(uintptr_t)n.in.data;
        size_t bytes;
        pea_error err = {0};
        for (int i = 0; i < n.network->n_ops; i++) /* beside biases such numbers would be nothing anyway */
            if (n.network->ops[i].bias)
                memset(n.network->ops[i].bias, 0, (size_t)n.network->ops[i].shape.out_channels * sizeof(float));
        memset(in, 0, net_floats(n.in.dims) * sizeof *in);
        assert_ok(pea_network_forward(n.network, NULL, PEA_FP32, &n.in, n.outputs, &err));
        float *black = copy_outputs(&n, &bytes);
        for (size_t i = 0; i < net_floats(n.in.dims); i++)
            in[i] = i % 2 ? tiny : -tiny;
        assert_ok(pea_network_forward(n.network, NULL, PEA_FP32, &n.in, n.outputs, &err));
        float *got = copy_outputs(&n, &bytes);
        assert_memory_equal(black, got, bytes);
        assert_true(tiny * 0.5f > 0.0f); /* the thread's flags are as before */
        free(black);
        free(got);
        net_close(&n);
    }
#else
    skip();
#endif
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(threads_change_no_byte),
    cmocka_unit_test(denormals_count_as_zero),
    cmocka_unit_test(heads_that_nobody_wants_change_no_byte_of_the_others),
    cmocka_unit_test(coarse_heads_alone_cost_less_memory),
    cmocka_unit_test(nothing_wanted_is_nothing_done),
    cmocka_unit_test(buffers_that_live_together_lie_apart),
    cmocka_unit_test(full_plane_network_needs_less_than_90_mb),
    cmocka_unit_test(memory_limit_is_the_forecast_to_the_byte),
    cmocka_unit_test(progress_rises_to_its_end),
    cmocka_unit_test(cancelling_ends_the_run),
    cmocka_unit_test(wrong_inputs_are_refused),
    cmocka_unit_test(wrong_outputs_are_refused),
    cmocka_unit_test(impossible_sizes_are_refused),
    cmocka_unit_test(every_failing_allocation_is_survived),
    cmocka_unit_test(kernel_sets_agree_to_rounding),
    cmocka_unit_test(deep_stack_gives_the_same_planes_far_from_its_ends),
};

PEA_TEST_MAIN(tests)
