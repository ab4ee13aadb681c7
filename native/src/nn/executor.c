/* executor.c - runs a network's operations piece by piece, each piece as tiles that threads take in turn.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

#include <inttypes.h>
#include <string.h>

typedef struct run {
    const pea_network *network;
    pea__plan *plan;
    const float *input;          /* where they are the caller's */
    const pea_array *outputs;
    const pea_row_io *io;        /* or else where rows come from and go to */
    pea_context *context;
    float *arena, *scratch;      /* scratch: plan->scratch_floats and a cache line for each worker */
    bool has_weights[PEA__MAX_OPS]; /* those of this run are made */
    pea__windows *windows;
} run;

/* ---- one piece of one operation ---- */

typedef struct task {
    const pea__kernels_table *kernels;
    pea_precision precision;
    pea__conv conv; /* one of the two, by the kind of operation */
    void (*convolve)(const pea__conv *conv, pea__tile tile, float *scratch);
    bool direct_bf16;
    pea__resize resize;
    int64_t y0, y1;
    int64_t tile_z, tile_y, tile_x, n_tiles_y, n_tiles_x; /* resizing, copies: tile_y rows a task */
    float *scratch, *made; /* made: weights of this run */
    int64_t scratch_pitch;
} task;

static void conv_tile(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    const int64_t x = index % t->n_tiles_x * t->tile_x;
    const int64_t y = t->y0 + index / t->n_tiles_x % t->n_tiles_y * t->tile_y;
    const int64_t z = index / t->n_tiles_x / t->n_tiles_y * t->tile_z;
    const pea__tile tile = {z, pea__min_i64(z + t->tile_z, t->conv.nz), y, pea__min_i64(y + t->tile_y, t->y1),
                            x, pea__min_i64(x + t->tile_x, t->conv.nx)};
    t->convolve(&t->conv, tile, t->scratch + worker * t->scratch_pitch);
}

enum { INPUTS_AT_ONCE = 16 }; /* whose weights one task transforms */

static void transform_weights(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    const int64_t end = pea__min_i64((index + 1) * INPUTS_AT_ONCE, t->conv.shape.kz * t->conv.shape.in_channels);
    (void)worker;
    for (int64_t at = index * INPUTS_AT_ONCE; at < end; at++)
        t->kernels->winograd_weights_f32(&t->conv.shape, t->conv.weights, at, t->made);
}

static void round_weights(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    (void)worker;
    pea__conv_bf16_pack(&t->conv.shape, t->conv.weights, t->kernels->lanes, index, (pea__bf16 *)(void *)t->made);
}

static void upsample_rows(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    const int64_t first = t->y0 + index * t->tile_y;
    (void)worker;
    for (int64_t row = first; row < pea__min_i64(first + t->tile_y, t->y1); row++)
        (t->precision == PEA_BF16 ? t->kernels->upsample_bf16 : t->kernels->upsample_f32)(&t->resize, row);
}

static void pool_rows(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    const int64_t first = t->y0 + index * t->tile_y;
    (void)worker;
    for (int64_t row = first; row < pea__min_i64(first + t->tile_y, t->y1); row++)
        (t->precision == PEA_BF16 ? t->kernels->pool_bf16 : t->kernels->pool_f32)(&t->resize, row);
}

static void copy_rows(void *argument, int64_t index, int worker)
{
    const task *t = argument;
    const pea__resize *r = &t->resize;
    const int64_t size = t->precision == PEA_BF16 ? sizeof(pea__bf16) : sizeof(float);
    const int64_t first = t->y0 + index * t->tile_y;
    (void)worker;
    for (int64_t row = first; row < pea__min_i64(first + t->tile_y, t->y1); row++) {
        const char *in = (const char *)r->in + pea__voxel_place(row, 0, r->nx, r->in_rows) * r->in_pitch * size;
        char *out = (char *)r->out + pea__voxel_place(row, 0, r->nx, r->out_rows) * r->out_pitch * size;
        for (int64_t x = 0; x < r->nx; x++, in += r->in_pitch * size, out += r->out_pitch * size)
            memcpy(out, in, (size_t)(r->channels * size));
    }
}

/* Where a value is in memory: its first channel, the distance between voxels, and its rows (NULL: all are there). */
typedef struct location {
    float *at; /* or of bf16 */
    int64_t pitch;
    const pea__rows *rows;
    bool is_float;
} location;

static location locate(const run *r, int value)
{
    const pea_network *n = r->network;
    const pea__value *v = &n->values[value];
    const pea__buffer *b = &n->buffers[v->buffer];
    location l = {.pitch = b->channels, .is_float = pea__buffer_is_float(n, r->plan, v->buffer)};
    if (!pea__buffer_is_outside(n, r->plan, v->buffer)) {
        l.at = r->arena + r->plan->place[v->buffer];
        l.rows = r->plan->pool[v->buffer] ? &r->windows->rows[v->buffer] : NULL;
    } else if (v->buffer == 1) {
        l.at = (float *)(uintptr_t)r->input; /* only ever read: no operation makes value 1 */
    } else {
        l.at = r->outputs[b->head].data;
    }
    l.at = l.is_float ? l.at + v->first : (float *)(void *)((pea__bf16 *)(void *)l.at + v->first);
    return l;
}

static pea__epilogue make_epilogue(const run *r, const pea__op *op)
{
    pea__epilogue e = {.activation = op->activation, .n_activated = op->n_activated,
                       .residual_scale = op->residual_scale};
    if (op->residual) {
        const location at = locate(r, op->residual);
        e.residual = at.at;
        e.residual_pitch = at.pitch;
        e.residual_rows = at.rows;
    }
    return e;
}

static void prepare_conv(const run *r, const pea__op *op, pea_dims d, task *t)
{
    const location in = locate(r, op->in), out = locate(r, op->out);
    t->conv = (pea__conv){.shape = op->shape, .nz = d.z, .ny = d.y, .nx = d.x, .weights = op->weights, .bias = op->bias,
                          .in = in.at, .in_pitch = in.pitch, .in_rows = in.rows, .out = out.at, .out_pitch = out.pitch,
                          .out_rows = out.rows, .in_is_float = in.is_float, .out_is_float = out.is_float,
                          .epilogue = make_epilogue(r, op)};
    t->direct_bf16 = pea__is_direct_bf16(r->network, r->plan, op);
    if (op->shape.winograd && !t->direct_bf16)
        t->convolve = t->precision == PEA_BF16 ? t->kernels->winograd_bf16 : t->kernels->winograd_f32;
    else
        t->convolve = t->direct_bf16 ? t->kernels->conv_bf16 : t->kernels->conv_f32;
    t->n_tiles_y = pea__ceil_div(t->y1 - t->y0, t->tile_y);
    t->n_tiles_x = pea__ceil_div(d.x, t->tile_x);
}

/* Planes lie one behind the other: all of their rows are made at once, or there is one plane. */
static void prepare_resize(const run *r, const pea__op *op, pea_dims d, task *t)
{
    const location in = locate(r, op->in), out = locate(r, op->out);
    t->resize = (pea__resize){.nz = d.z, .ny = d.y, .nx = d.x, .channels = r->network->values[op->in].channels,
                              .in = in.at, .in_pitch = in.pitch, .in_rows = in.rows, .out = out.at,
                              .out_pitch = out.pitch, .out_rows = out.rows, .epilogue = make_epilogue(r, op)};
    t->y1 *= d.z;
}

/* They stay until the operation has made its last row. */
static pea_status make_weights(run *r, int i, double done, task *t, pea_error *err)
{
    t->made = r->arena + r->plan->weights_place[i];
    if (!r->has_weights[i]) {
        const bool round = t->direct_bf16;
        const int64_t n = round ? pea__ceil_div(t->conv.shape.out_channels, PEA__BF16_PANEL)
                                : pea__ceil_div(t->conv.shape.kz * t->conv.shape.in_channels, INPUTS_AT_ONCE);
        pea__task_fn *const make = round ? round_weights : transform_weights;
        const pea_status status = pea__parallel_flushed(r->context, n, done, done, make, t, err);
        if (status != PEA_OK)
            return status;
        r->has_weights[i] = true;
    }
    t->conv.weights = t->made;
    return PEA_OK;
}

static pea_status run_piece(run *r, const pea__step *step, double from, double to, pea_error *err)
{
    const int i = step->job;
    const pea__plan *plan = r->plan;
    const pea__op *op = &r->network->ops[i];
    const pea_dims d = pea__op_space(r->network, plan, op);
    task t = {.kernels = r->network->kernels, .precision = plan->precision, .y0 = step->y0, .y1 = step->y1,
              .tile_z = plan->tile_z[i], .tile_y = plan->tile_y[i], .tile_x = plan->tile_x[i], .scratch = r->scratch,
              .scratch_pitch = pea__ceil_div(plan->scratch_floats, 16) * 16};
    if (op->kind == PEA__CONV) {
        prepare_conv(r, op, d, &t);
        const bool makes_weights = pea__run_weights(r->network, plan, op) > 0;
        const pea_status status = makes_weights ? make_weights(r, i, from, &t, err) : PEA_OK;
        if (status != PEA_OK)
            return status;
        return pea__parallel_flushed(r->context, pea__ceil_div(d.z, t.tile_z) * t.n_tiles_y * t.n_tiles_x, from, to,
                                     conv_tile, &t, err);
    }
    prepare_resize(r, op, d, &t);
    pea__task_fn *const make = op->kind == PEA__POOL ? pool_rows : op->kind == PEA__COPY ? copy_rows : upsample_rows;
    return pea__parallel_flushed(r->context, pea__ceil_div(t.y1 - t.y0, t.tile_y), from, to, make, &t, err);
}

/* ---- rows that come and go ---- */

/* The end of those rows from y0 on, and before y1, that lie one behind the other. */
static int64_t end_of_part(const location *at, int64_t y0, int64_t y1)
{
    int64_t y = y0 + 1;
    while (y < y1 && pea__voxel_place(y, 0, 1, at->rows) == pea__voxel_place(y0, 0, 1, at->rows) + y - y0)
        y++;
    return y;
}

static pea_status read_rows(const run *r, int64_t y0, int64_t y1, pea_error *err)
{
    const location at = locate(r, 1);
    const int64_t nx = r->plan->input.x;
    pea_status status = PEA_OK;
    for (int64_t y = y0, end; y < y1 && status == PEA_OK; y = end) {
        end = end_of_part(&at, y, y1);
        status = r->io->read(r->io->user, y, end, at.at + pea__voxel_place(y, 0, nx, at.rows) * at.pitch, err);
    }
    return status;
}

/* What a step has made of a head goes to the caller. */
static pea_status write_rows(const run *r, const pea__step *step, pea_error *err)
{
    const pea__op *op = &r->network->ops[step->job];
    const int buffer = r->network->values[op->out].buffer, head = r->network->buffers[buffer].head;
    if (!r->io || head < 0 || !r->plan->wanted[head])
        return PEA_OK;
    const location at = locate(r, op->out);
    const int64_t nx = pea__buffer_dims(r->network, r->plan, buffer).x, y1 = pea__output_rows(op, step->y1);
    pea_status status = PEA_OK;
    for (int64_t y = pea__output_rows(op, step->y0), end; y < y1 && status == PEA_OK; y = end) {
        end = end_of_part(&at, y, y1);
        status = r->io->write(r->io->user, (size_t)head, y, end, at.at + pea__voxel_place(y, 0, nx, at.rows) * at.pitch,
                              err);
    }
    return status;
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

static pea_status run_all(run *r, pea_error *err)
{
    const pea__plan *plan = r->plan;
    pea__front front = pea__schedule_begin(plan);
    pea__step step;
    pea_status status = PEA_OK;
    double done = 0.0; /* of the stage */
    pea__stage(r->context, "network");
    while (status == PEA_OK && pea__schedule_next(r->network, plan, &front, &step)) {
        pea__windows_make(r->network, plan, &step, r->windows);
        if (step.job == PEA__READING) {
            status = read_rows(r, step.y0, step.y1, err);
        } else {
            const double rows = (double)(step.y1 - step.y0) / (double)plan->rows[step.job];
            const double to = done + plan->cost[step.job] * rows / plan->total_cost;
            status = run_piece(r, &step, done, to, err);
            if (status == PEA_OK)
                status = write_rows(r, &step, err);
            done = to;
        }
        front.made[step.job] = step.y1;
        pea__windows_drop(r->network, plan, &front, &step, r->windows);
    }
    pea__stage(r->context, NULL);
    return status;
}

static pea_status allocate_and_run(run *r, pea_error *err)
{
    const size_t scratch = ((size_t)r->plan->scratch_floats + 16) * (size_t)pea__workers(r->context);
    pea_status status = check_limit(r->plan, r->context, err);
    if (status != PEA_OK)
        return status;
    pea__windows windows;
    status = pea__windows_new(r->network, r->plan, &windows, err);
    if (status != PEA_OK)
        return status;
    r->windows = &windows;
    r->arena = pea__alloc_unset((size_t)r->plan->arena_floats, sizeof *r->arena, err);
    r->scratch = r->arena ? pea__alloc_unset(scratch, sizeof *r->scratch, err) : NULL;
    status = r->scratch ? run_all(r, err) : PEA_E_NOMEM;
    pea__free_unset(r->scratch);
    pea__free_unset(r->arena);
    pea__windows_free(&windows);
    return status;
}

static pea_status plan_and_run(run *r, pea_dims input, pea_precision precision, const unsigned char *wanted,
                               pea_error *err)
{
    r->plan = pea__alloc(1, sizeof *r->plan, err);
    if (!r->plan)
        return PEA_E_NOMEM;
    pea_status status = pea__plan_make(r->network, input, precision, wanted, r->io != NULL, r->plan, err);
    if (status == PEA_OK && r->outputs)
        status = check_outputs(r->network, input, r->outputs, err);
    if (status == PEA_OK)
        status = allocate_and_run(r, err);
    pea__free(r->plan);
    return status;
}

pea_status pea_network_forward(const pea_network *network, pea_context *context, pea_precision precision,
                               const pea_array *input, const pea_array *outputs, pea_error *err)
{
    unsigned char wanted[PEA__MAX_HEADS];
    const pea_status status = pea__array_check(input, "the network's input", PEA_FLOAT32, err);
    if (status != PEA_OK)
        return status;
    for (size_t i = 0; i < network->info.n_heads; i++)
        wanted[i] = outputs[i].data != NULL;
    run r = {.network = network, .context = context, .input = input->data, .outputs = outputs};
    return plan_and_run(&r, input->dims, precision, wanted, err);
}

pea_status pea_network_forward_rows(const pea_network *network, pea_context *context, pea_precision precision,
                                    pea_dims input, const unsigned char *wanted, const pea_row_io *io, pea_error *err)
{
    if (!io || !io->read || !io->write)
        return pea__fail(err, PEA_E_ARG, "rows must be read and written: a callback is missing");
    run r = {.network = network, .context = context, .io = io};
    return plan_and_run(&r, input, precision, wanted, err);
}
