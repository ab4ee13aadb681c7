/* plan.c - one run before it happens: which operations are needed, how they are cut into tasks, where every buffer lies.
 *
 * A buffer lives from the first operation that writes into it to the last that reads it. Buffers whose lives do not meet
 * may share memory. So may a buffer and one that is added to it voxel by voxel and not needed after: the sum takes the
 * addend's place.
 *
 *      arena  | x3 ------------ |     | up4 --------- |
 *      offset | hidden | | short |  | w3 --- |          | u4 ------ |
 *             +----------------------------------------------------> operations
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

#include <inttypes.h>
#include <string.h>

enum {
    SCRATCH_FLOATS = 384 * 1024 / 4, /* a tile's input: with one panel of weights it fits in 1 MiB of second-level cache */
    TASK_PRODUCTS = 32 << 20,        /* multiply-adds of one task: 0.5 ms with AVX-512, 10 ms in plain C */
    TASK_FLOATS = 1 << 16,           /* elements that a task of little arithmetic writes */
    MIN_TASKS = 16,                  /* of an operation: enough for threads to share evenly */
    GROUP_SIDE = 6,                  /* tiles of Winograd along y and x: 36 fill the registers of every set evenly, read each
                                        weight often enough, and leave room in 1 to 2 MiB of cache */
    LEAST_PLANES = 4, MOST_PLANES = 32, /* of a task with several: its rim is transformed again */
    ALIGN_FLOATS = 16                /* a cache line */
};

/* ---- extents ---- */

pea_dims pea__buffer_dims(const pea_network *network, const pea__plan *plan, int buffer)
{
    const pea__buffer *b = &network->buffers[buffer];
    const pea_dims in = plan->input;
    return (pea_dims){in.z, in.y / b->shrink, in.x / b->shrink, b->channels};
}

static bool is_pointwise(const pea__op *op)
{
    return op->kind == PEA__CONV && op->shape.kz == 1 && op->shape.ky == 1 && op->shape.kx == 1;
}

pea_dims pea__op_space(const pea_network *network, const pea__plan *plan, const pea__op *op)
{
    pea_dims d = pea__buffer_dims(network, plan, network->values[op->in].buffer);
    if (op->kind == PEA__CONV && op->shape.doubled)
        d = (pea_dims){d.z, 2 * d.y, 2 * d.x, d.c};
    if (is_pointwise(op)) /* no voxel meets another: the whole image may be one row */
        d = (pea_dims){1, 1, d.z * d.y * d.x, d.c};
    return d;
}

static pea_status check_input(const pea_network *network, pea_dims d, pea_error *err)
{
    const pea_network_info *info = &network->info;
    if (d.z < 1 || d.y < 1 || d.x < 1 || d.c < 1)
        return pea__fail(err, PEA_E_SHAPE, "the network's input is empty");
    if (d.c != info->in_channels)
        return pea__fail(err, PEA_E_SHAPE, "the network takes %" PRId64 " channels, the input has %" PRId64,
                         info->in_channels, d.c);
    if (info->n_axes == 2 && d.z != 1)
        return pea__fail(err, PEA_E_SHAPE, "the network is 2-D, the input has %" PRId64 " planes: run it on each",
                         d.z);
    if (d.y % info->grid != 0 || d.x % info->grid != 0)
        return pea__fail(err, PEA_E_SHAPE,
                         "the network takes multiples of %d in y and x, the input is %" PRId64 " x %" PRId64
                         ": pad it",
                         info->grid, d.y, d.x);
    return PEA_OK;
}

static pea_status check_buffers(const pea_network *network, const pea__plan *plan, pea_error *err)
{
    for (int i = 1; i <= network->n_buffers; i++)
        if (network->buffers[i].channels > 0 &&
            !pea__dims_count(pea__buffer_dims(network, plan, i), 4 * sizeof(float), NULL, NULL))
            return pea__fail(err, PEA_E_LIMIT,
                             "an input of %" PRId64 " x %" PRId64 " x %" PRId64
                             " (z,y,x) exceeds the address space: use tiles",
                             plan->input.z, plan->input.y, plan->input.x);
    return PEA_OK;
}

/* ---- which operations, in which tasks ---- */

static void mark_live(const pea_network *network, pea__plan *plan)
{
    bool needed[PEA__MAX_VALUES] = {false};
    for (int i = network->n_ops - 1; i >= 0; i--) {
        const pea__op *op = &network->ops[i];
        const int head = network->buffers[network->values[op->out].buffer].head;
        plan->live[i] = needed[op->out] || (head >= 0 && plan->wanted[head]);
        if (!plan->live[i])
            continue;
        needed[op->in] = true;
        needed[op->residual] = true; /* 0 is nobody */
        for (int v = 2; v <= network->n_values; v++) /* who needs a concatenation needs its parts */
            if (network->values[v].buffer == network->values[op->in].buffer)
                needed[v] = true;
    }
}

/* A 1x1x1 convolution: one long row. */
static int64_t tile_row(pea_dims d, double products)
{
    const double most = TASK_PRODUCTS / products < TASK_FLOATS / (double)d.c ? TASK_PRODUCTS / products
                                                                              : TASK_FLOATS / (double)d.c;
    return pea__min_i64(d.x, pea__max_i64(64, (int64_t)most));
}

/* Whether a task of a direct convolution stays within scratch and products. */
static bool fits(const pea__conv_shape *shape, double products, int64_t tile_y, int64_t tile_x, int lanes)
{
    return pea__conv_scratch(shape, tile_y, tile_x, lanes) <= SCRATCH_FLOATS &&
           products * (double)tile_y * (double)tile_x <= TASK_PRODUCTS;
}

static void tile_direct(const pea__conv_shape *shape, pea_dims d, double products, int lanes, int64_t *tile_y,
                        int64_t *tile_x)
{
    *tile_y = 1;
    *tile_x = d.x;
    while (*tile_x > 24 && !fits(shape, products, 4, *tile_x, lanes))
        *tile_x = (*tile_x + 1) / 2;
    const int64_t others = d.z * pea__ceil_div(d.x, *tile_x);
    const int64_t most = pea__ceil_div(d.y * others, pea__max_i64(MIN_TASKS, others));
    while (*tile_y < most && fits(shape, products, *tile_y + 1, *tile_x, lanes))
        ++*tile_y;
}

/* Extents in groups of at most `most`, nearly equal. */
static int64_t even_share(int64_t n, int64_t most)
{
    return pea__ceil_div(n, pea__ceil_div(n, most));
}

/* Square groups: they share most of their borders, and a doubled input is made for the borders too. Planes stay together
 * where the kernel has several, since each is transformed once; but not so that threads find nothing to do. */
static void tile_winograd(const pea__conv_shape *shape, pea_dims d, int64_t *tile_z, int64_t *tile_y, int64_t *tile_x)
{
    const int64_t step = pea__winograd_step(shape), n_y = pea__ceil_div(d.y, step), n_x = pea__ceil_div(d.x, step);
    *tile_y = even_share(n_y, GROUP_SIDE) * step;
    *tile_x = even_share(n_x, GROUP_SIDE) * step;
    const int64_t n_groups = pea__ceil_div(d.y, *tile_y) * pea__ceil_div(d.x, *tile_x);
    *tile_z = shape->kz == 1 ? 1 : pea__min_i64(MOST_PLANES, pea__max_i64(LEAST_PLANES, d.z * n_groups / MIN_TASKS));
}

static void plan_conv(const pea_network *network, pea__plan *plan, int i)
{
    const pea__op *op = &network->ops[i];
    const pea_dims d = pea__op_space(network, plan, op);
    const int lanes = network->kernels->lanes;
    const double products = (double)(op->shape.kz * op->shape.ky * op->shape.kx) * (double)op->shape.in_channels *
                            (double)op->shape.out_channels;
    plan->cost[i] = (double)d.z * (double)d.y * (double)d.x * products;
    plan->tile_z[i] = plan->tile_y[i] = 1;
    if (is_pointwise(op))
        plan->tile_x[i] = tile_row(d, products);
    else if (op->shape.winograd)
        tile_winograd(&op->shape, d, &plan->tile_z[i], &plan->tile_y[i], &plan->tile_x[i]);
    else
        tile_direct(&op->shape, d, products, lanes, &plan->tile_y[i], &plan->tile_x[i]);
    plan->scratch_floats = pea__max_i64(plan->scratch_floats, pea__conv_scratch(&op->shape, plan->tile_y[i],
                                                                                plan->tile_x[i], lanes));
}

static void plan_resize(const pea_network *network, pea__plan *plan, int i)
{
    const pea_dims out = pea__buffer_dims(network, plan, network->values[network->ops[i].out].buffer);
    const double channels = (double)network->values[network->ops[i].out].channels;
    /* as long as so many products, about: it waits for memory */
    plan->cost[i] = (double)out.z * (double)out.y * (double)out.x * channels * 32;
    plan->tile_y[i] = pea__max_i64(1, (int64_t)(TASK_FLOATS / ((double)out.x * channels)));
}

/* ---- where buffers lie ---- */

typedef struct life {
    int first, last; /* operations */
    int64_t floats;
    int64_t *place; /* in the plan */
} life;

/* Lives of all buffers, and whose place each of them takes: mostly its own. */
typedef struct lives {
    life of[PEA__MAX_VALUES];
    int owner[PEA__MAX_VALUES];
} lives;

static bool is_outside(const pea_network *network, const pea__plan *plan, int buffer)
{
    const int head = network->buffers[buffer].head;
    return buffer == 1 || (head >= 0 && plan->wanted[head]); /* the caller's input and outputs */
}

static void lengthen(lives *l, int buffer, int op)
{
    life *of = &l->of[buffer];
    if (of->first < 0)
        of->first = op;
    of->last = op;
}

static bool fills_buffer(const pea_network *network, int value)
{
    const pea__value *v = &network->values[value];
    return v->channels == network->buffers[v->buffer].channels;
}

/* Whether the output of operation i may lie where its residual is: kernels read a residual just before they write. */
static bool may_replace(const pea_network *network, const pea__plan *plan, const lives *l, int i)
{
    const pea__op *op = &network->ops[i];
    const int in = network->values[op->in].buffer, out = network->values[op->out].buffer;
    const int residual = network->values[op->residual].buffer;
    return op->residual && residual != in && residual != out && !op->shape.halved &&
           fills_buffer(network, op->residual) && fills_buffer(network, op->out) &&
           network->buffers[residual].channels == network->buffers[out].channels &&
           !is_outside(network, plan, residual) && !is_outside(network, plan, out) &&
           l->of[l->owner[residual]].last == i && l->of[out].first == i;
}

static void find_lives(const pea_network *network, const pea__plan *plan, lives *l)
{
    for (int i = 0; i <= network->n_buffers; i++) {
        l->of[i] = (life){.first = -1, .last = -1};
        l->owner[i] = i;
    }
    for (int i = 0; i < network->n_ops; i++) {
        const pea__op *op = &network->ops[i];
        if (!plan->live[i])
            continue;
        lengthen(l, network->values[op->in].buffer, i);
        lengthen(l, network->values[op->out].buffer, i);
        if (op->residual)
            lengthen(l, network->values[op->residual].buffer, i);
    }
    for (int i = 0; i < network->n_ops; i++)
        if (plan->live[i] && may_replace(network, plan, l, i)) {
            const int out = network->values[network->ops[i].out].buffer;
            const int owner = l->owner[network->values[network->ops[i].residual].buffer];
            l->owner[out] = owner;
            l->of[owner].last = l->of[out].last;
        }
}

/* Puts one more among n lives in the order of their size, the largest first. Returns n + 1. */
static int insert(life *sorted, int n, life one, int64_t floats, int64_t *place)
{
    int at = n;
    one.floats = pea__ceil_div(floats, ALIGN_FLOATS) * ALIGN_FLOATS;
    one.place = place;
    for (; at > 0 && sorted[at - 1].floats < one.floats; at--)
        sorted[at] = sorted[at - 1];
    sorted[at] = one;
    return n + 1;
}

/* Lists all lives that need a place. Returns how many. */
static int sort_lives(const pea_network *network, pea__plan *plan, const lives *l, life *sorted)
{
    int n = 0;
    for (int i = 1; i <= network->n_buffers; i++)
        if (l->of[i].first >= 0 && l->owner[i] == i && !is_outside(network, plan, i)) {
            const pea_dims d = pea__buffer_dims(network, plan, i);
            n = insert(sorted, n, l->of[i], d.z * d.y * d.x * d.c, &plan->place[i]);
        }
    for (int i = 0; i < network->n_ops; i++)
        if (plan->live[i] && network->ops[i].kind == PEA__CONV && network->ops[i].shape.winograd)
            n = insert(sorted, n, (life){.first = i, .last = i},
                       pea__winograd_weights(&network->ops[i].shape, network->kernels->lanes), &plan->weights_place[i]);
    return n;
}

/* The lowest place where life n meets none of the n lives placed before it. */
static int64_t lowest_place(const life *sorted, int n)
{
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const int64_t begin = *sorted[i].place, end = begin + sorted[i].floats;
            const bool meet = sorted[i].first <= sorted[n].last && sorted[n].first <= sorted[i].last;
            if (meet && at < end && begin < at + sorted[n].floats) {
                at = end;
                moved = true;
            }
        }
    }
    return at;
}

static pea_status place_buffers(const pea_network *network, pea__plan *plan, pea_error *err)
{
    lives l;
    life sorted[PEA__MAX_VALUES + PEA__MAX_OPS];
    find_lives(network, plan, &l);
    const int n = sort_lives(network, plan, &l, sorted);
    for (int i = 0; i <= network->n_buffers; i++)
        plan->place[i] = -1;
    for (int i = 0; i < n; i++) {
        const int64_t place = lowest_place(sorted, i);
        int64_t end = 0, bytes = 0;
        if (!pea__add_i64(place, sorted[i].floats, &end) || !pea__mul_i64(end, 4 * sizeof(float), &bytes))
            return pea__fail(err, PEA_E_LIMIT, "the network's buffers exceed the address space: use tiles");
        *sorted[i].place = place;
        plan->arena_floats = pea__max_i64(plan->arena_floats, end);
    }
    for (int i = 1; i <= network->n_buffers; i++)
        plan->place[i] = plan->place[l.owner[i]];
    return PEA_OK;
}

pea_status pea__plan_make(const pea_network *network, pea_dims input, const unsigned char *wanted, pea__plan *plan,
                          pea_error *err)
{
    *plan = (pea__plan){.input = input};
    for (size_t i = 0; i < network->info.n_heads; i++)
        plan->wanted[i] = !wanted || wanted[i];
    pea_status status = check_input(network, input, err);
    if (status == PEA_OK)
        status = check_buffers(network, plan, err);
    if (status != PEA_OK)
        return status;
    mark_live(network, plan);
    for (int i = 0; i < network->n_ops; i++)
        if (plan->live[i]) {
            (network->ops[i].kind == PEA__CONV ? plan_conv : plan_resize)(network, plan, i);
            plan->total_cost += plan->cost[i];
        }
    return place_buffers(network, plan, err);
}

pea_status pea__plan_bytes(const pea__plan *plan, int n_workers, uint64_t *bytes, pea_error *err)
{
    int64_t scratch = 0, floats = 0, total = 0;
    if (!pea__mul_i64(plan->scratch_floats + ALIGN_FLOATS, n_workers, &scratch) ||
        !pea__add_i64(scratch, plan->arena_floats, &floats) || !pea__mul_i64(floats, sizeof(float), &total))
        return pea__fail(err, PEA_E_LIMIT, "the network's buffers exceed the address space: use tiles");
    *bytes = (uint64_t)total + sizeof *plan;
    return PEA_OK;
}

pea_status pea_network_forecast(const pea_network *network, pea_dims input, const unsigned char *wanted,
                                int n_threads, uint64_t *bytes, pea_error *err)
{
    if (n_threads < 1)
        return pea__fail(err, PEA_E_ARG, "a forecast needs at least 1 thread, not %d", n_threads);
    pea__plan *plan = pea__alloc(1, sizeof *plan, err);
    if (!plan)
        return PEA_E_NOMEM;
    pea_status status = pea__plan_make(network, input, wanted, plan, err);
    if (status == PEA_OK)
        status = pea__plan_bytes(plan, n_threads, bytes, err);
    pea__free(plan);
    return status;
}
