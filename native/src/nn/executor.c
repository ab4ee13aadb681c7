/* executor.c - runs a network's operations one after another, each as tiles that threads take in turn.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

#include <inttypes.h>

typedef struct run {
    const pea_network *network;
    pea__plan *plan;
    const float *input;
    const pea_array *outputs;
    float *arena, *scratch; /* scratch: plan->scratch_floats and a cache line for each worker */
} run;

/* ---- one operation ---- */

typedef struct task {
    const pea__kernels_table *kernels;
    pea__conv conv; /* one of the two, by the kind of operation */
    pea__resize resize;
    int64_t tile_z, tile_y, tile_x, n_tiles_y, n_tiles_x; /* resizing: tile_y rows of n_rows a task */
    int64_t n_rows;
    float *scratch, *products; /* products: weights of Winograd's */
    int64_t scratch_pitch;
} task;

static void conv_tile(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    const int64_t x = index % t->n_tiles_x * t->tile_x, y = index / t->n_tiles_x % t->n_tiles_y * t->tile_y;
    const int64_t z = index / t->n_tiles_x / t->n_tiles_y * t->tile_z;
    const pea__tile tile = {z, pea__min_i64(z + t->tile_z, t->conv.nz), y, pea__min_i64(y + t->tile_y, t->conv.ny),
                            x, pea__min_i64(x + t->tile_x, t->conv.nx)};
    float *scratch = t->scratch + worker * t->scratch_pitch;
    if (t->conv.shape.winograd)
        t->kernels->winograd_f32(&t->conv, tile, scratch);
    else
        t->kernels->conv_f32(&t->conv, tile, scratch);
}

enum { INPUTS_AT_ONCE = 16 }; /* whose weights one task transforms */

static void transform_weights(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    const int64_t end = pea__min_i64((index + 1) * INPUTS_AT_ONCE, t->conv.shape.kz * t->conv.shape.in_channels);
    (void)worker;
    for (int64_t at = index * INPUTS_AT_ONCE; at < end; at++)
        t->kernels->winograd_weights_f32(&t->conv.shape, t->conv.weights, at, t->products);
}

static void upsample_rows(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    (void)worker;
    for (int64_t row = index * t->tile_y; row < pea__min_i64((index + 1) * t->tile_y, t->n_rows); row++)
        t->kernels->upsample_f32(&t->resize, row);
}

static void pool_rows(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    (void)worker;
    for (int64_t row = index * t->tile_y; row < pea__min_i64((index + 1) * t->tile_y, t->n_rows); row++)
        t->kernels->pool_f32(&t->resize, row);
}

/* First channel of a value in its buffer, and the distance between voxels. */
static float *locate(const run *r, int value, int64_t *pitch)
{
    const pea_network *n = r->network;
    const pea__value *v = &n->values[value];
    const pea__buffer *b = &n->buffers[v->buffer];
    *pitch = b->channels;
    if (v->buffer == 1)
        return (float *)(uintptr_t)r->input; /* only ever read: no operation has value 1 as its output */
    float *base = r->plan->place[v->buffer] < 0 ? r->outputs[b->head].data : r->arena + r->plan->place[v->buffer];
    return base + v->first;
}

static pea__epilogue make_epilogue(const run *r, const pea__op *op)
{
    pea__epilogue e = {.activation = op->activation, .n_activated = op->n_activated,
                       .residual_scale = op->residual_scale};
    if (op->residual)
        e.residual = locate(r, op->residual, &e.residual_pitch);
    return e;
}

static void prepare_conv(const run *r, const pea__op *op, pea_dims d, task *t)
{
    pea__conv *c = &t->conv;
    *c = (pea__conv){.shape = op->shape, .nz = d.z, .ny = d.y, .nx = d.x, .weights = op->weights, .bias = op->bias,
                     .epilogue = make_epilogue(r, op)};
    c->in = locate(r, op->in, &c->in_pitch);
    c->out = locate(r, op->out, &c->out_pitch);
    t->n_tiles_y = pea__ceil_div(d.y, t->tile_y);
    t->n_tiles_x = pea__ceil_div(d.x, t->tile_x);
}

static void prepare_resize(const run *r, const pea__op *op, pea_dims d, task *t)
{
    pea__resize *s = &t->resize;
    *s = (pea__resize){.nz = d.z, .ny = d.y, .nx = d.x, .channels = r->network->values[op->in].channels,
                       .epilogue = make_epilogue(r, op)};
    s->in = locate(r, op->in, &s->in_pitch);
    s->out = locate(r, op->out, &s->out_pitch);
    t->n_rows = d.z * (op->kind == PEA__POOL ? d.y / 2 : 2 * d.y);
}

static pea_status run_op(const run *r, int i, pea_context *context, double from, double to, pea_error *err)
{
    const pea__op *op = &r->network->ops[i];
    const pea_dims d = pea__op_space(r->network, r->plan, op);
    task t = {.kernels = r->network->kernels, .tile_z = r->plan->tile_z[i], .tile_y = r->plan->tile_y[i],
              .tile_x = r->plan->tile_x[i],
              .scratch = r->scratch, .scratch_pitch = pea__ceil_div(r->plan->scratch_floats, 16) * 16};
    if (op->kind == PEA__CONV) {
        prepare_conv(r, op, d, &t);
        if (op->shape.winograd) {
            t.products = r->arena + r->plan->weights_place[i];
            const pea_status status =
                pea__parallel(context, pea__ceil_div(op->shape.kz * op->shape.in_channels, INPUTS_AT_ONCE), from, from,
                              transform_weights, &t, err);
            if (status != PEA_OK)
                return status;
            t.conv.weights = t.products;
        }
        return pea__parallel(context, pea__ceil_div(d.z, t.tile_z) * t.n_tiles_y * t.n_tiles_x, from, to, conv_tile, &t, err);
    }
    prepare_resize(r, op, d, &t);
    return pea__parallel(context, pea__ceil_div(t.n_rows, t.tile_y), from, to,
                         op->kind == PEA__POOL ? pool_rows : upsample_rows, &t, err);
}

/* ---- all of them ---- */

static pea_status check_outputs(const pea_network *network, pea_dims in, const pea_array *outputs, pea_error *err)
{
    for (size_t i = 0; i < network->info.n_heads; i++) {
        const pea_head *head = &network->heads[i];
        const pea_dims d = outputs[i].dims;
        if (!outputs[i].data)
            continue;
        if (outputs[i].dtype != PEA_FLOAT32)
            return pea__fail(err, PEA_E_DTYPE, "output %s must be float32, is %s", head->name,
                             pea_dtype_name(outputs[i].dtype));
        if (d.z != in.z || d.y != in.y / head->shrink || d.x != in.x / head->shrink || d.c != head->channels)
            return pea__fail(err, PEA_E_SHAPE,
                             "output %s must be %" PRId64 " x %" PRId64 " x %" PRId64 " x %" PRId64
                             " (z,y,x,c), is %" PRId64 " x %" PRId64 " x %" PRId64 " x %" PRId64,
                             head->name, in.z, in.y / head->shrink, in.x / head->shrink, head->channels, d.z, d.y,
                             d.x, d.c);
    }
    return PEA_OK;
}

static pea_status check_limit(const pea__plan *plan, const pea_context *context, pea_error *err)
{
    uint64_t bytes = 0;
    const uint64_t limit = pea__memory_limit(context);
    const pea_status status = pea__plan_bytes(plan, pea__workers(context), &bytes, err);
    if (status == PEA_OK && limit != 0 && bytes > limit)
        return pea__fail(err, PEA_E_LIMIT,
                         "the network needs %" PRIu64 " bytes for an input of %" PRId64 " x %" PRId64 " x %" PRId64
                         " (z,y,x), the limit is %" PRIu64 ": use smaller tiles or raise the limit",
                         bytes, plan->input.z, plan->input.y, plan->input.x, limit);
    return status;
}

static pea_status run_all(run *r, pea_context *context, pea_error *err)
{
    const pea__plan *plan = r->plan;
    pea_status status = PEA_OK;
    double done = 0.0;
    pea__stage(context, "network");
    for (int i = 0; i < r->network->n_ops && status == PEA_OK; i++) {
        if (!plan->live[i])
            continue;
        status = run_op(r, i, context, done / plan->total_cost, (done + plan->cost[i]) / plan->total_cost, err);
        done += plan->cost[i];
    }
    pea__stage(context, NULL);
    return status;
}

static pea_status allocate_and_run(run *r, pea_context *context, pea_error *err)
{
    const size_t scratch = ((size_t)r->plan->scratch_floats + 16) * (size_t)pea__workers(context);
    pea_status status = check_limit(r->plan, context, err);
    if (status != PEA_OK)
        return status;
    r->arena = pea__alloc_unset((size_t)r->plan->arena_floats, sizeof *r->arena, err);
    r->scratch = r->arena ? pea__alloc_unset(scratch, sizeof *r->scratch, err) : NULL;
    status = r->scratch ? run_all(r, context, err) : PEA_E_NOMEM;
    pea__free_unset(r->scratch);
    pea__free_unset(r->arena);
    return status;
}

pea_status pea_network_forward(const pea_network *network, pea_context *context, const pea_array *input,
                               const pea_array *outputs, pea_error *err)
{
    unsigned char wanted[PEA__MAX_HEADS];
    pea_status status = pea__array_check(input, "the network's input", PEA_FLOAT32, err);
    if (status != PEA_OK)
        return status;
    for (size_t i = 0; i < network->info.n_heads; i++)
        wanted[i] = outputs[i].data != NULL;
    run r = {.network = network, .input = input->data, .outputs = outputs};
    r.plan = pea__alloc(1, sizeof *r.plan, err);
    if (!r.plan)
        return PEA_E_NOMEM;
    status = pea__plan_make(network, input->dims, wanted, r.plan, err);
    if (status == PEA_OK)
        status = check_outputs(network, input->dims, outputs, err);
    if (status == PEA_OK)
        status = allocate_and_run(&r, context, err);
    pea__free(r.plan);
    return status;
}

/* ---- rows ---- */

/* For now the whole plane is in memory; what callers see is already so. */
static pea_status run_whole(const pea_network *network, pea_context *context, const pea_array *input,
                            const pea_array *outputs, const pea_row_io *io, pea_error *err)
{
    pea_status status = io->read(io->user, 0, input->dims.y, input->data, err);
    if (status == PEA_OK)
        status = pea_network_forward(network, context, input, outputs, err);
    for (size_t i = 0; status == PEA_OK && i < network->info.n_heads; i++)
        if (outputs[i].data)
            status = io->write(io->user, i, 0, outputs[i].dims.y, outputs[i].data, err);
    return status;
}

static size_t count(pea_dims d)
{
    return (size_t)(d.z * d.y * d.x * d.c);
}

pea_status pea_network_forecast_rows(const pea_network *network, pea_dims input, const unsigned char *wanted,
                                     int n_threads, uint64_t *bytes, pea_error *err)
{
    if (network->info.n_axes != 2)
        return pea__fail(err, PEA_E_ARG, "rows are for 2-D networks, this one is 3-D: use tiles");
    const pea_status status = pea_network_forecast(network, input, wanted, n_threads, bytes, err);
    if (status != PEA_OK)
        return status;
    *bytes += count(input) * sizeof(float);
    for (size_t i = 0; i < network->info.n_heads; i++) {
        const int64_t shrink = network->heads[i].shrink;
        if (!wanted || wanted[i])
            *bytes += count((pea_dims){1, input.y / shrink, input.x / shrink, network->heads[i].channels}) * sizeof(float);
    }
    return PEA_OK;
}

pea_status pea_network_forward_rows(const pea_network *network, pea_context *context, pea_dims input,
                                    const unsigned char *wanted, const pea_row_io *io, pea_error *err)
{
    pea_array in = {NULL, PEA_FLOAT32, input}, outputs[PEA__MAX_HEADS] = {{0}};
    uint64_t bytes;
    pea_status status = pea_network_forecast_rows(network, input, wanted, pea__workers(context), &bytes, err);
    if (status != PEA_OK)
        return status;
    if (!(in.data = pea__alloc_unset(count(input), sizeof(float), err)))
        status = PEA_E_NOMEM;
    for (size_t i = 0; i < network->info.n_heads; i++) {
        const int64_t shrink = network->heads[i].shrink;
        outputs[i] = (pea_array){NULL, PEA_FLOAT32, {1, input.y / shrink, input.x / shrink, network->heads[i].channels}};
        if (status == PEA_OK && (!wanted || wanted[i]) &&
            !(outputs[i].data = pea__alloc_unset(count(outputs[i].dims), sizeof(float), err)))
            status = PEA_E_NOMEM;
    }
    if (status == PEA_OK)
        status = run_whole(network, context, &in, outputs, io, err);
    for (size_t i = 0; i < network->info.n_heads; i++)
        pea__free_unset(outputs[i].data);
    pea__free_unset(in.data);
    return status;
}
