/* memory.c - where everything lies during a run. Going through its steps tells how many rows of each buffer are in
 * memory at once, and when a buffer is first written and last read.
 *
 * Buffers whose lives do not meet may share memory. So may a buffer and one that is added to it voxel by voxel and not
 * needed after: the sum takes the addend's place. Buffers of which only some rows are there share pools (windows.c).
 *
 *      arena  | x3 ------------ |     | up4 --------- |
 *      offset | hidden | | short |  | w3 --- |          | u4 ------ |
 *             +----------------------------------------------------> steps
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

/* ---- lives ---- */

/* Lives, in steps, of all buffers and of the weights that a run makes, and whose place each buffer takes: mostly its own. */
typedef struct lives {
    pea__life of[PEA__MAX_VALUES], weights[PEA__MAX_OPS];
    int owner[PEA__MAX_VALUES];
} lives;

static void lengthen(pea__life *of, int64_t step)
{
    if (of->first < 0)
        of->first = step;
    of->last = step;
}

static int buffer_of(const pea_network *network, int value)
{
    return network->values[value].buffer;
}

static void note_step(const pea_network *network, const pea__plan *plan, const pea__step *step, int64_t time, lives *l)
{
    if (step->job == PEA__READING) {
        lengthen(&l->of[1], time);
        return;
    }
    const pea__op *op = &network->ops[step->job];
    lengthen(&l->of[buffer_of(network, op->in)], time);
    lengthen(&l->of[buffer_of(network, op->out)], time);
    if (op->residual)
        lengthen(&l->of[buffer_of(network, op->residual)], time);
    if (pea__run_weights(network, plan, op) > 0)
        lengthen(&l->weights[step->job], time);
}

/* Goes through all steps. `counter` says for each buffer where its rows are counted; `most` is filled with the largest
 * count of rows in memory. */
static void go_through(const pea_network *network, const pea__plan *plan, const int *counter, int64_t *most, lives *l)
{
    pea__front front = pea__schedule_begin(plan);
    pea__windows windows = {.tables = NULL};
    pea__step step;
    for (int64_t time = 0; pea__schedule_next(network, plan, &front, &step); time++) {
        const int out = counter[step.job == PEA__READING ? 1 : buffer_of(network, network->ops[step.job].out)];
        int64_t n = 0;
        pea__windows_make(network, plan, &step, &windows);
        for (int b = 1; b <= network->n_buffers; b++)
            n += counter[b] == out ? windows.end[b] - windows.first[b] : 0;
        most[out] = pea__max_i64(most[out], n);
        note_step(network, plan, &step, time, l);
        front.made[step.job] = step.y1;
        pea__windows_drop(network, plan, &front, &step, &windows);
    }
}

/* ---- who shares ---- */

/* Buffers of which only some rows are in memory; those that are read or written by callbacks, who want many rows at
 * once, are left to themselves. */
static void find_pools(const pea_network *network, pea__plan *plan, const lives *l)
{
    for (int b = 1; b <= network->n_buffers; b++) {
        const pea_dims d = pea__buffer_dims(network, plan, b);
        if (l->of[b].first < 0 || plan->window[b] >= d.y || pea__buffer_is_outside(network, plan, b))
            continue;
        plan->pool[b] = b;
        for (int other = b - 1; other > 1 && network->buffers[b].head < 0; other--) {
            const pea_dims o = pea__buffer_dims(network, plan, other);
            if (plan->pool[other] == other && network->buffers[other].head < 0 && o.x * o.c == d.x * d.c &&
                pea__buffer_is_float(network, plan, other) == pea__buffer_is_float(network, plan, b))
                plan->pool[b] = other;
        }
    }
}

static bool fills_buffer(const pea_network *network, int value)
{
    const pea__value *v = &network->values[value];
    return v->channels == network->buffers[v->buffer].channels;
}

/* Whether the output of operation i may lie where its residual is: kernels read a residual just before they write. That
 * both meet in one step means that there is only one. */
static bool may_replace(const pea_network *network, const pea__plan *plan, const lives *l, int i)
{
    const pea__op *op = &network->ops[i];
    const int in = buffer_of(network, op->in), out = buffer_of(network, op->out);
    const int residual = buffer_of(network, op->residual);
    return op->residual && residual != in && residual != out && !op->shape.halved &&
           fills_buffer(network, op->residual) && fills_buffer(network, op->out) &&
           network->buffers[residual].channels == network->buffers[out].channels &&
           !pea__buffer_is_outside(network, plan, residual) && !pea__buffer_is_outside(network, plan, out) &&
           pea__buffer_is_float(network, plan, residual) == pea__buffer_is_float(network, plan, out) &&
           l->of[l->owner[residual]].last == l->of[out].first;
}

static void share_pools(const pea_network *network, const pea__plan *plan, lives *l)
{
    for (int b = 1; b <= network->n_buffers; b++) {
        pea__life *pool = &l->of[plan->pool[b]];
        if (!plan->pool[b])
            continue;
        l->owner[b] = plan->pool[b];
        pool->first = pea__min_i64(pool->first, l->of[b].first);
        pool->last = pea__max_i64(pool->last, l->of[b].last);
    }
}

static void find_lives(const pea_network *network, pea__plan *plan, lives *l)
{
    for (int b = 0; b <= network->n_buffers; b++) {
        l->of[b] = (pea__life){.first = -1, .last = -1};
        l->owner[b] = b;
    }
    for (int i = 0; i < network->n_ops; i++)
        l->weights[i] = (pea__life){.first = -1, .last = -1};
    go_through(network, plan, l->owner, plan->window, l);
    find_pools(network, plan, l);
    go_through(network, plan, plan->pool, plan->pool_rows, l);
    for (int i = 0; i < network->n_ops; i++)
        if (plan->live[i] && may_replace(network, plan, l, i)) {
            const int out = buffer_of(network, network->ops[i].out);
            const int owner = l->owner[buffer_of(network, network->ops[i].residual)];
            l->owner[out] = owner;
            l->of[owner].last = l->of[out].last;
        }
    share_pools(network, plan, l);
}

/* ---- places ---- */

/* Lists all lives that need a place. Returns how many. */
static int sort_lives(const pea_network *network, pea__plan *plan, const lives *l, pea__life *sorted)
{
    int n = 0;
    for (int i = 1; i <= network->n_buffers; i++)
        if (l->of[i].first >= 0 && l->owner[i] == i && !pea__buffer_is_outside(network, plan, i)) {
            const pea_dims d = pea__buffer_dims(network, plan, i);
            const int64_t elements = d.z * (plan->pool[i] ? plan->pool_rows[i] : d.y) * d.x * d.c;
            const bool is_float = pea__buffer_is_float(network, plan, i);
            n = pea__lives_insert(sorted, n, l->of[i], is_float ? elements : pea__ceil_div(elements, 2), &plan->place[i]);
        }
    for (int i = 0; i < network->n_ops; i++)
        if (l->weights[i].first >= 0)
            n = pea__lives_insert(sorted, n, l->weights[i], pea__run_weights(network, plan, &network->ops[i]),
                       &plan->weights_place[i]);
    return n;
}

pea_status pea__memory_plan(const pea_network *network, pea__plan *plan, pea_error *err)
{
    lives l;
    pea__life sorted[PEA__MAX_VALUES + PEA__MAX_OPS];
    find_lives(network, plan, &l);
    const int n = sort_lives(network, plan, &l, sorted);
    for (int i = 0; i <= network->n_buffers; i++)
        plan->place[i] = -1;
    plan->arena_floats = pea__lives_place(sorted, n);
    if (plan->arena_floats < 0)
        return pea__fail(err, PEA_E_LIMIT, "the network's buffers exceed the address space: use tiles");
    for (int i = 1; i <= network->n_buffers; i++)
        plan->place[i] = plan->place[l.owner[i]];
    plan->table_bytes = pea__windows_bytes(network, plan);
    return PEA_OK;
}

