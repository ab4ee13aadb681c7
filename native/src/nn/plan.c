/* plan.c - one run before it happens: which operations are needed, how they are cut into tasks, where every buffer lies.
 *
 * A buffer lives from the first operation that writes into it to the last that reads it. Buffers whose lives do not meet
 * may share memory:
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
    return op->kind == PEA__CONV && op->kz == 1 && op->ky == 1 && op->kx == 1;
}

pea_dims pea__op_space(const pea_network *network, const pea__plan *plan, const pea__op *op)
{
    pea_dims d = pea__buffer_dims(network, plan, network->values[op->in].buffer);
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

/* The largest tile_y <= most (at least 1) whose task stays within scratch and products. */
static int64_t fit_tile_y(const pea__op *op, pea_dims in, double products, int64_t tile_x, int64_t most)
{
    int64_t tile_y = 1;
    while (tile_y < most &&
           pea__conv_scratch(in.c, op->kz, op->ky, op->kx, tile_y + 1, tile_x) <= SCRATCH_FLOATS &&
           products * (double)((tile_y + 1) * tile_x) <= TASK_PRODUCTS)
        tile_y++;
    return tile_y;
}

static void tile_conv(const pea__op *op, pea_dims in, double products, int64_t *tile_y, int64_t *tile_x)
{
    *tile_y = 1;
    if (is_pointwise(op)) {
        const double most = TASK_PRODUCTS / products < TASK_FLOATS / (double)in.c ? TASK_PRODUCTS / products
                                                                                   : TASK_FLOATS / (double)in.c;
        *tile_x = pea__min_i64(in.x, pea__max_i64(64, (int64_t)most));
        return;
    }
    *tile_x = in.x;
    while (*tile_x > 24 && (pea__conv_scratch(in.c, op->kz, op->ky, op->kx, 4, *tile_x) > SCRATCH_FLOATS ||
                            products * 4.0 * (double)*tile_x > TASK_PRODUCTS))
        *tile_x = (*tile_x + 1) / 2;
    const int64_t others = in.z * pea__ceil_div(in.x, *tile_x);
    *tile_y = fit_tile_y(op, in, products, *tile_x, pea__ceil_div(in.y * others, pea__max_i64(MIN_TASKS, others)));
}

static void plan_op(const pea_network *network, pea__plan *plan, int i)
{
    const pea__op *op = &network->ops[i];
    pea_dims in = pea__op_space(network, plan, op);
    const pea_dims out = pea__buffer_dims(network, plan, network->values[op->out].buffer);
    const double n_out = (double)out.z * (double)out.y * (double)out.x;
    const double channels = (double)network->values[op->out].channels;
    in.c = network->values[op->in].channels;
    if (op->kind == PEA__CONV) {
        const double products = (double)(op->kz * op->ky * op->kx) * (double)in.c * channels;
        plan->cost[i] = n_out * products;
        tile_conv(op, in, products, &plan->tile_y[i], &plan->tile_x[i]);
        plan->scratch_floats = pea__max_i64(
            plan->scratch_floats,
            pea__conv_scratch(in.c, op->kz, op->ky, op->kx, plan->tile_y[i], plan->tile_x[i]));
    } else {
        plan->cost[i] = n_out * channels * 32; /* as long as so many products, about: it waits for memory */
        plan->tile_y[i] = pea__max_i64(1, (int64_t)(TASK_FLOATS / ((double)out.x * channels)));
    }
    plan->total_cost += plan->cost[i];
}

/* ---- where buffers lie ---- */

typedef struct life {
    int buffer, first, last; /* operations */
    int64_t floats;
} life;

static bool is_outside(const pea_network *network, const pea__plan *plan, int buffer)
{
    const int head = network->buffers[buffer].head;
    return buffer == 1 || (head >= 0 && plan->wanted[head]); /* the caller's input and outputs */
}

static void lengthen(life *lives, int buffer, int op)
{
    life *l = &lives[buffer];
    if (l->first < 0)
        l->first = op;
    l->last = op;
}

/* Returns how many buffers need a place; they come to the front of `lives` (room for all), largest first. */
static int find_lives(const pea_network *network, const pea__plan *plan, life *lives)
{
    int n = 0;
    for (int i = 0; i <= network->n_buffers; i++)
        lives[i] = (life){.buffer = i, .first = -1, .last = -1};
    for (int i = 0; i < network->n_ops; i++) {
        const pea__op *op = &network->ops[i];
        if (!plan->live[i])
            continue;
        lengthen(lives, network->values[op->in].buffer, i);
        lengthen(lives, network->values[op->out].buffer, i);
        if (op->residual)
            lengthen(lives, network->values[op->residual].buffer, i);
    }
    for (int i = 1; i <= network->n_buffers; i++) {
        life l = lives[i];
        if (l.first < 0 || is_outside(network, plan, i))
            continue;
        const pea_dims d = pea__buffer_dims(network, plan, i);
        l.floats = pea__ceil_div(d.z * d.y * d.x * d.c, ALIGN_FLOATS) * ALIGN_FLOATS;
        int at = n++; /* insertion: index i is read before it can be overwritten, as n <= i */
        for (; at > 0 && lives[at - 1].floats < l.floats; at--)
            lives[at] = lives[at - 1];
        lives[at] = l;
    }
    return n;
}

/* The lowest place where life n meets none of the n lives placed before it. */
static int64_t lowest_place(const life *lives, int n, const int64_t *place)
{
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const int64_t begin = place[lives[i].buffer], end = begin + lives[i].floats;
            const bool meet = lives[i].first <= lives[n].last && lives[n].first <= lives[i].last;
            if (meet && at < end && begin < at + lives[n].floats) {
                at = end;
                moved = true;
            }
        }
    }
    return at;
}

static pea_status place_buffers(const pea_network *network, pea__plan *plan, pea_error *err)
{
    life lives[PEA__MAX_VALUES];
    const int n = find_lives(network, plan, lives);
    for (int i = 0; i <= network->n_buffers; i++)
        plan->place[i] = -1;
    for (int i = 0; i < n; i++) {
        const int64_t place = lowest_place(lives, i, plan->place);
        int64_t end = 0, bytes = 0;
        if (!pea__add_i64(place, lives[i].floats, &end) || !pea__mul_i64(end, 4 * sizeof(float), &bytes))
            return pea__fail(err, PEA_E_LIMIT, "the network's buffers exceed the address space: use tiles");
        plan->place[lives[i].buffer] = place;
        plan->arena_floats = pea__max_i64(plan->arena_floats, end);
    }
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
        if (plan->live[i])
            plan_op(network, plan, i);
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
