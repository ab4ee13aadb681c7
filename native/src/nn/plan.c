/* plan.c - one run before it happens: which operations are needed, in how many pieces, how those are cut into tasks.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

#include <inttypes.h>
#include <string.h>

enum {
    TASK_FLOATS = 1 << 16,           /* elements that a task of resizing writes */
    LINE_FLOATS = 16,                /* a cache line */
    TALL_ROWS = 8 * PEA__PERIOD_ROWS /* many times as many as the last operation is behind the first */
};

/* ---- extents ---- */

pea_dims pea__buffer_dims(const pea_network *network, const pea__plan *plan, int buffer)
{
    const pea__buffer *b = &network->buffers[buffer];
    const pea_dims in = plan->input;
    return (pea_dims){in.z, in.y / b->shrink, in.x / b->shrink, b->channels};
}

pea_dims pea__op_space(const pea_network *network, const pea__plan *plan, const pea__op *op)
{
    const pea_dims d = pea__buffer_dims(network, plan, network->values[op->in].buffer);
    if (op->kind == PEA__CONV && op->shape.doubled)
        return (pea_dims){d.z, 2 * d.y, 2 * d.x, d.c};
    return d;
}

bool pea__buffer_is_outside(const pea_network *network, const pea__plan *plan, int buffer)
{
    const int head = network->buffers[buffer].head;
    return !plan->by_rows && (buffer == 1 || (head >= 0 && plan->wanted[head]));
}

bool pea__buffer_is_float(const pea_network *network, const pea__plan *plan, int buffer)
{
    const int head = network->buffers[buffer].head;
    return plan->precision == PEA_FP32 || buffer == 1 || (head >= 0 && plan->wanted[head]);
}

bool pea__is_direct_bf16(const pea_network *network, const pea__plan *plan, const pea__op *op)
{
    return plan->precision == PEA_BF16 && op->kind == PEA__CONV &&
           (!op->shape.winograd || network->kernels->direct_bf16);
}

int64_t pea__run_weights(const pea_network *network, const pea__plan *plan, const pea__op *op)
{
    if (op->kind != PEA__CONV)
        return 0;
    if (pea__is_direct_bf16(network, plan, op)) {
        const int64_t n = pea__conv_bf16_packed(&op->shape);
        return n < 0 ? -1 : n / 2 + n % 2;
    }
    return op->shape.winograd ? pea__winograd_weights(&op->shape, network->kernels->lanes) : 0;
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

static bool share_channels(const pea_network *network, int value, int other)
{
    const pea__value *a = &network->values[value], *b = &network->values[other];
    return a->buffer == b->buffer && a->first < b->first + b->channels && b->first < a->first + a->channels;
}

static void mark_live(const pea_network *network, pea__plan *plan)
{
    bool needed[PEA__MAX_VALUES] = {false};
    for (int i = network->n_ops - 1; i >= 0; i--) {
        const pea__op *op = &network->ops[i];
        const int head = network->buffers[network->values[op->out].buffer].head;
        plan->live[i] = needed[op->out] || (head >= 0 && plan->wanted[head]);
        plan->asks[i] = plan->live[i] && !needed[op->out];
        if (!plan->live[i])
            continue;
        for (int v = 1; v <= network->n_values; v++) /* parts of a concatenation, the whole of a pair */
            if (share_channels(network, v, op->in) || (op->residual && share_channels(network, v, op->residual)))
                needed[v] = true;
    }
}

static void find_makers(const pea_network *network, pea__plan *plan)
{
    for (int v = 0; v <= network->n_values; v++) {
        int n = 0;
        plan->makers[v][0] = plan->makers[v][1] = -1;
        if (v == 1)
            plan->makers[v][n++] = PEA__READING;
        for (int i = 0; i < network->n_ops && n < 2; i++)
            if (plan->live[i] && v > 1 && share_channels(network, v, network->ops[i].out))
                plan->makers[v][n++] = i;
    }
}

static void count_rows(const pea_network *network, pea__plan *plan)
{
    plan->rows[PEA__READING] = plan->input.y;
    for (int i = 0; i < network->n_ops; i++) {
        const pea__op *op = &network->ops[i];
        const int64_t y = pea__op_space(network, plan, op).y;
        plan->rows[i] = op->kind == PEA__UPSAMPLE ? 2 * y : op->kind == PEA__POOL ? y / 2 : y;
    }
}

static void plan_conv(const pea_network *network, pea__plan *plan, int i)
{
    const pea__op *op = &network->ops[i];
    const pea_dims d = pea__op_space(network, plan, op), piece = {d.z, plan->piece[i], d.x, d.c};
    const int lanes = network->kernels->lanes;
    const double products = (double)(op->shape.kz * op->shape.ky * op->shape.kx) * (double)op->shape.in_channels *
                            (double)op->shape.out_channels;
    plan->cost[i] = (double)d.z * (double)d.y * (double)d.x * products;
    const bool halves = pea__is_direct_bf16(network, plan, op);
    const pea__tile first = halves ? pea__conv_bf16_first_tile(&op->shape, piece.z, piece.y, piece.x)
                                   : pea__conv_first_tile(&op->shape, piece.z, piece.y, piece.x, lanes);
    plan->tile_z[i] = first.z1;
    plan->tile_y[i] = first.y1;
    plan->tile_x[i] = first.x1;
    plan->scratch_floats =
        pea__max_i64(plan->scratch_floats, halves ? pea__conv_bf16_scratch(&op->shape, first.y1, first.x1)
                                                  : pea__conv_scratch(&op->shape, first.y1, first.x1, lanes));
}

static void plan_resize(const pea_network *network, pea__plan *plan, int i)
{
    const pea_dims out = pea__buffer_dims(network, plan, network->values[network->ops[i].out].buffer);
    const double channels = (double)network->values[network->ops[i].out].channels;
    /* as long as so many products, about: it waits for memory */
    plan->cost[i] = (double)out.z * (double)out.y * (double)out.x * channels * 32;
    plan->tile_y[i] = pea__max_i64(1, (int64_t)(TASK_FLOATS / ((double)out.x * channels)));
}

/* A run comes back to where it was, every so many rows lower down: pieces of all operations divide them. What is found
 * out by going through it holds for taller images of the same end. */
static int64_t shortened(pea_dims input)
{
    return input.z == 1 && input.y > TALL_ROWS ? TALL_ROWS + input.y % PEA__PERIOD_ROWS : input.y;
}

pea_status pea__plan_make(const pea_network *network, pea_dims input, pea_precision precision,
                          const unsigned char *wanted, bool by_rows, pea__plan *plan, pea_error *err)
{
    *plan = (pea__plan){.input = input, .precision = precision, .by_rows = by_rows};
    for (size_t i = 0; i < network->info.n_heads; i++)
        plan->wanted[i] = !wanted || wanted[i];
    if ((unsigned)precision > PEA_BF16)
        return pea__fail(err, PEA_E_ARG, "precision has no choice number %d", (int)precision);
    if (by_rows && network->info.n_axes != 2)
        return pea__fail(err, PEA_E_ARG, "rows are for 2-D networks, this one is 3-D: use tiles");
    pea_status status = check_input(network, input, err);
    if (status == PEA_OK)
        status = check_buffers(network, plan, err);
    if (status != PEA_OK)
        return status;
    mark_live(network, plan);
    find_makers(network, plan);
    plan->input.y = shortened(input);
    count_rows(network, plan);
    pea__schedule_pieces(network, plan);
    status = pea__memory_plan(network, plan, err);
    plan->input.y = input.y;
    count_rows(network, plan);
    for (int i = 0; i < network->n_ops; i++)
        if (plan->live[i]) {
            (network->ops[i].kind == PEA__CONV ? plan_conv : plan_resize)(network, plan, i);
            plan->total_cost += plan->cost[i];
        }
    return status;
}

pea_status pea__plan_bytes(const pea__plan *plan, int n_workers, uint64_t *bytes, pea_error *err)
{
    int64_t scratch = 0, floats = 0, total = 0;
    if (!pea__mul_i64(plan->scratch_floats + LINE_FLOATS, n_workers, &scratch) ||
        !pea__add_i64(scratch, plan->arena_floats, &floats) || !pea__mul_i64(floats, sizeof(float), &total))
        return pea__fail(err, PEA_E_LIMIT, "the network's buffers exceed the address space: use tiles");
    *bytes = (uint64_t)total + sizeof *plan + (uint64_t)plan->table_bytes;
    return PEA_OK;
}

static pea_status forecast(const pea_network *network, pea_dims input, pea_precision precision,
                           const unsigned char *wanted, bool by_rows, int n_threads, uint64_t *bytes, pea_error *err)
{
    if (n_threads < 1)
        return pea__fail(err, PEA_E_ARG, "a forecast needs at least 1 thread, not %d", n_threads);
    pea__plan *plan = pea__alloc(1, sizeof *plan, err);
    if (!plan)
        return PEA_E_NOMEM;
    pea_status status = pea__plan_make(network, input, precision, wanted, by_rows, plan, err);
    if (status == PEA_OK)
        status = pea__plan_bytes(plan, n_threads, bytes, err);
    pea__free(plan);
    return status;
}

pea_status pea_network_forecast(const pea_network *network, pea_dims input, pea_precision precision,
                                const unsigned char *wanted, int n_threads, uint64_t *bytes, pea_error *err)
{
    return forecast(network, input, precision, wanted, false, n_threads, bytes, err);
}

pea_status pea_network_forecast_rows(const pea_network *network, pea_dims input, pea_precision precision,
                                     const unsigned char *wanted, int n_threads, uint64_t *bytes, pea_error *err)
{
    return forecast(network, input, precision, wanted, true, n_threads, bytes, err);
}
