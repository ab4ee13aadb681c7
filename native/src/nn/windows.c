/* windows.c - which rows of each buffer are in memory, and in which place: those that were made and will be read again.
 *
 * Buffers whose rows are of one size share a pool of places. While one makes a new piece, others hold no more than the
 * few rows that their next piece begins with.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

static int buffer_of(const pea_network *network, int value)
{
    return network->values[value].buffer;
}

/* The first row of a buffer that is still to be read; `end` where none is. */
static int64_t oldest_row(const pea_network *network, const pea__plan *plan, const pea__front *front, int buffer,
                          int64_t end)
{
    int64_t oldest = end;
    for (int i = 0; i < network->n_ops; i++) {
        const pea__op *op = &network->ops[i];
        const int64_t made = front->made[i];
        if (!plan->live[i] || made == plan->rows[i])
            continue;
        if (buffer_of(network, op->in) == buffer)
            oldest = pea__min_i64(oldest, pea__input_span(network, plan, i, made, made + 1).first);
        if (op->residual && buffer_of(network, op->residual) == buffer)
            oldest = pea__min_i64(oldest, made);
    }
    return oldest;
}

/* ---- places ---- */

static int64_t table_size(int64_t window)
{
    int64_t size = 1;
    while (size < window)
        size *= 2;
    return size;
}

int64_t pea__windows_bytes(const pea_network *network, const pea__plan *plan)
{
    int64_t n = 0;
    for (int b = 1; b <= network->n_buffers; b++)
        if (plan->pool[b])
            n += table_size(plan->window[b]) + plan->pool_rows[b];
    return n * (int64_t)sizeof(int64_t);
}

pea_status pea__windows_new(const pea_network *network, const pea__plan *plan, pea__windows *windows, pea_error *err)
{
    *windows = (pea__windows){.tables = pea__alloc((size_t)pea__windows_bytes(network, plan), 1, err)};
    if (!windows->tables)
        return PEA_E_NOMEM;
    int64_t *next = windows->tables;
    for (int b = 1; b <= network->n_buffers; b++) {
        if (!plan->pool[b])
            continue;
        const int64_t size = table_size(plan->window[b]);
        windows->rows[b] = (pea__rows){next, size - 1};
        windows->spare[b] = next + size;
        next += size + plan->pool_rows[b];
        for (int64_t place = plan->pool_rows[b] - 1; place >= 0; place--) /* of its own pool; 0 of another's */
            windows->spare[b][windows->n_spare[b]++] = place;
    }
    return PEA_OK;
}

void pea__windows_free(pea__windows *windows)
{
    pea__free(windows->tables);
}

/* The table behind windows->rows, to be written. */
static int64_t *place_of(const pea__windows *windows, int buffer, int64_t row)
{
    return (int64_t *)(uintptr_t)windows->rows[buffer].at + (row & windows->rows[buffer].mask);
}

/* ---- steps ---- */

void pea__windows_make(const pea_network *network, const pea__plan *plan, const pea__step *step, pea__windows *windows)
{
    const bool reading = step->job == PEA__READING;
    const int buffer = reading ? 1 : buffer_of(network, network->ops[step->job].out), pool = plan->pool[buffer];
    const int64_t end = reading ? step->y1 : pea__output_rows(&network->ops[step->job], step->y1);
    for (; windows->end[buffer] < end; windows->end[buffer]++)
        if (windows->tables && pool)
            *place_of(windows, buffer, windows->end[buffer]) = windows->spare[pool][--windows->n_spare[pool]];
}

/* Rows go back in such an order that the next ones come out in theirs. */
static void drop_rows(const pea__plan *plan, int buffer, int64_t first, pea__windows *windows)
{
    const int pool = plan->pool[buffer];
    for (int64_t y = first - 1; windows->tables && pool && y >= windows->first[buffer]; y--)
        windows->spare[pool][windows->n_spare[pool]++] = *place_of(windows, buffer, y);
    windows->first[buffer] = first;
}

void pea__windows_drop(const pea_network *network, const pea__plan *plan, const pea__front *front,
                       const pea__step *step, pea__windows *windows)
{
    if (step->job == PEA__READING)
        return;
    const pea__op *op = &network->ops[step->job];
    const int buffers[3] = {buffer_of(network, op->in), buffer_of(network, op->out), buffer_of(network, op->residual)};
    for (int k = 0; k < (op->residual ? 3 : 2); k++)
        drop_rows(plan, buffers[k], oldest_row(network, plan, front, buffers[k], windows->end[buffers[k]]), windows);
}
