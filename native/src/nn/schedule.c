/* schedule.c - the order in which rows are made: as late as possible, so that few of them have to wait in memory.
 *
 * A head asks for its next rows. What makes their input is asked for the rows that are lacking, and so on up to the
 * first operation that has all it needs: that one goes next. A head that reads what others need anyway takes its rows
 * as soon as they are there.
 *
 *     input      ==============================   made, and what is still needed of it: =
 *     x1           ------------------------====
 *     ...
 *     u4             ------==
 *     embedding        ----                       rows -->
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

enum { STEP_ROWS = 4 }; /* the least piece of what has no tiles, and a multiple of the rows of most tiles */

/* ---- what a row needs ---- */

/* Rows of an image of n that are under rows of its double. */
static pea__row_span halve(pea__row_span rows, int64_t n)
{
    return (pea__row_span){pea__upsample_position(rows.first, n, 2 * n).low,
                       pea__upsample_position(rows.end - 1, n, 2 * n).high + 1};
}

pea__row_span pea__input_span(const pea_network *network, const pea__plan *plan, int i, int64_t y0, int64_t y1)
{
    const pea__op *op = &network->ops[i];
    const int64_t rim = op->kind == PEA__CONV ? op->shape.ky / 2 : 0;
    const pea__row_span rows = {pea__max_i64(0, y0 - rim), pea__min_i64(plan->rows[i], y1 + rim)};
    if (op->kind == PEA__POOL)
        return (pea__row_span){2 * y0, 2 * y1};
    if (op->kind == PEA__UPSAMPLE || (op->kind == PEA__CONV && op->shape.doubled))
        return halve(rows, plan->rows[i] / 2);
    return rows;
}

int64_t pea__output_rows(const pea__op *op, int64_t made)
{
    return op->kind == PEA__CONV && op->shape.halved ? made / 2 : made;
}

/* ---- pieces ---- */

static bool is_winograd(const pea__op *op)
{
    return op->kind == PEA__CONV && op->shape.winograd;
}

/* A multiple of the rows of all tiles: 4, or 12 where some have 6. */
static int64_t common_rows(const pea_network *network)
{
    for (int i = 0; i < network->n_ops; i++)
        if (is_winograd(&network->ops[i]) && STEP_ROWS % pea__winograd_step(&network->ops[i].shape) != 0)
            return 3 * STEP_ROWS;
    return STEP_ROWS;
}

/* In wide images the rows of a tile of Winograd, or STEP_ROWS: no more than needed. In others common_rows() times a
 * power of two: where pieces begin, tiles do, and pieces of all operations meet again soon. Or all rows. */
static int64_t piece_rows(const pea_network *network, const pea__plan *plan, int64_t step, int64_t rows, int64_t nx)
{
    const int64_t shrink = pea__max_i64(1, plan->input.y / rows);
    int64_t piece = step * nx < network->piece_voxels ? common_rows(network) : step;
    if (plan->input.z > 1)
        return rows;
    while (piece * nx < network->piece_voxels && PEA__PERIOD_ROWS % (2 * piece * shrink) == 0)
        piece *= 2;
    return pea__min_i64(piece, rows);
}

/* By how many rows pieces of operation i end above multiples of their size, when those of its input end `above` such
 * multiples: then it can make a piece as soon as its input has made one. A doubled image of 2n rows has 2n - 1 that lie
 * between or on the n. */
static int64_t stagger(const pea__op *op, int64_t above)
{
    switch (op->kind) {
    case PEA__POOL: return (above + 1) / 2;
    case PEA__UPSAMPLE: return 2 * above + 1;
    case PEA__COPY: return above;
    case PEA__CONV: break;
    }
    above = (op->shape.doubled ? 2 * above + 1 : above) + op->shape.ky / 2;
    const int64_t step = is_winograd(op) ? pea__winograd_step(&op->shape) : 1;
    return (above + step - 1) / step * step;
}

void pea__schedule_pieces(const pea_network *network, pea__plan *plan)
{
    int64_t above[PEA__MAX_JOBS] = {0}; /* of an operation's output */
    plan->piece[PEA__READING] = plan->first_piece[PEA__READING] =
        piece_rows(network, plan, STEP_ROWS, plan->rows[PEA__READING], plan->input.x);
    for (int i = 0; i < network->n_ops; i++) {
        if (!plan->live[i])
            continue;
        const pea__op *op = &network->ops[i];
        int64_t own = 0;
        for (int k = 0; k < 2; k++)
            if (plan->makers[op->in][k] >= 0)
                own = pea__max_i64(own, above[plan->makers[op->in][k]]);
        own = stagger(op, own);
        above[i] = op->kind == PEA__COPY ? 0 : pea__output_rows(op, own); /* a copy waits for nobody */
        const int64_t step = is_winograd(op) ? pea__winograd_step(&op->shape) : STEP_ROWS;
        plan->piece[i] = piece_rows(network, plan, step, plan->rows[i], pea__op_space(network, plan, op).x);
        plan->first_piece[i] = plan->piece[i] - (plan->piece[i] < plan->rows[i] ? own % plan->piece[i] : 0);
    }
}

/* ---- the next step ---- */

/* The rows that operation i makes next; a copy makes those that are wanted, as somebody waits for them. */
static pea__step next_piece(const pea_network *network, const pea__plan *plan, const pea__front *front, int job,
                            int64_t wanted)
{
    const int64_t made = front->made[job];
    int64_t end = made < plan->first_piece[job] ? plan->first_piece[job] : made + plan->piece[job];
    if (job != PEA__READING && network->ops[job].kind == PEA__COPY)
        end = pea__max_i64(wanted, made + 1);
    return (pea__step){job, made, pea__min_i64(end, plan->rows[job])};
}

/* An operation that has made fewer than n rows of a value; -1: there are n. */
static int who_lacks(const pea_network *network, const pea__plan *plan, const pea__front *front, int value, int64_t n)
{
    for (int k = 0; k < 2; k++) {
        const int maker = plan->makers[value][k];
        if (maker < 0)
            continue;
        const int64_t made = front->made[maker];
        if ((maker == PEA__READING ? made : pea__output_rows(&network->ops[maker], made)) < n)
            return maker;
    }
    return -1;
}

/* What must be made before this step, and how many rows of it; -1: nothing. */
static int who_is_missing(const pea_network *network, const pea__plan *plan, const pea__front *front,
                          const pea__step *step, int64_t *wanted)
{
    if (step->job == PEA__READING)
        return -1;
    const pea__op *op = &network->ops[step->job];
    *wanted = pea__input_span(network, plan, step->job, step->y0, step->y1).end;
    const int maker = who_lacks(network, plan, front, op->in, *wanted);
    if (maker >= 0 || !op->residual)
        return maker;
    *wanted = step->y1;
    return who_lacks(network, plan, front, op->residual, *wanted);
}

pea__front pea__schedule_begin(const pea__plan *plan)
{
    pea__front front = {{0}};
    if (!plan->by_rows)
        front.made[PEA__READING] = plan->rows[PEA__READING];
    return front;
}

bool pea__schedule_next(const pea_network *network, const pea__plan *plan, const pea__front *front, pea__step *step)
{
    int64_t wanted = 0;
    int last = -1;
    for (int i = 0; i < network->n_ops; i++) {
        if (!plan->asks[i] || front->made[i] == plan->rows[i])
            continue;
        *step = next_piece(network, plan, front, i, plan->rows[i]);
        if (who_is_missing(network, plan, front, step, &wanted) < 0)
            return true;
        last = i;
    }
    if (last < 0)
        return false;
    for (int job = last; job >= 0; job = who_is_missing(network, plan, front, step, &wanted))
        *step = next_piece(network, plan, front, job, wanted);
    return true;
}
