/* aji.c - aggregated Jaccard index: overlaps of paired objects, summed, over their unions, summed.
 *
 *     each truth G in ascending order takes a prediction P:  C += |G & P|,  U += |G or P|
 *     then each prediction that nobody took:                 U += |P|             AJI = C / U
 *
 * A truth takes the prediction of largest IoU that nobody took before. The two scores differ where there is none.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

typedef struct aggregate {
    const pea__contingency *table;
    bool *used; /* for each prediction */
    int64_t overlap, total;
} aggregate;

static void take(aggregate *a, size_t pred, int64_t overlap, int64_t total)
{
    a->used[pred] = true;
    a->overlap += overlap;
    a->total += total;
}

/* Of the cells of one truth the one of largest IoU, the first of equals, whose prediction is an instance and free. */
static const pea__cell *best_free(const aggregate *a, const pea__cell *from, const pea__cell *to)
{
    const pea__cell *best = NULL;
    double best_iou = 0.0;
    for (const pea__cell *cell = from; cell < to; cell++) {
        if (a->table->pred[cell->pred].id == 0 || a->used[cell->pred])
            continue;
        const double iou = (double)cell->n_voxels / (double)pea__cell_union(a->table, cell);
        if (iou > best_iou) {
            best = cell;
            best_iou = iou;
        }
    }
    return best;
}

/* Standard (after Kumar et al. 2017): a truth left alone adds its own size. Reference (the paper's code): it takes the
 * very first prediction, which then can be nobody else's. */
static void take_alone(aggregate *a, uint32_t truth, bool reference)
{
    const size_t first = a->table->pred[0].id == 0;
    const int64_t size = a->table->truth[truth].n_voxels;
    if (!reference)
        a->total += size;
    else
        take(a, first, 0, a->used[first] ? size : size + a->table->pred[first].n_voxels);
}

/* The reference also visits absent ids, which matters only for id 1: with nothing taken yet it takes the first
 * prediction; later 0/0 makes an absent id choose a prediction that is taken already, and nothing changes. */
static void take_for_absent_first(aggregate *a)
{
    const pea__contingency *t = a->table;
    const size_t first_truth = t->truth[0].id == 0, first = t->pred[0].id == 0;
    if (first_truth < t->n_truth && t->truth[first_truth].id != 1)
        take(a, first, 0, t->pred[first].n_voxels);
}

static double aggregated_jaccard(const pea__contingency *table, bool *used, bool reference)
{
    aggregate a = {.table = table, .used = used};
    const pea__cell *const end = table->cells + table->n_cells;
    for (size_t j = 0; j < table->n_pred; j++)
        used[j] = false;
    if (reference)
        take_for_absent_first(&a);
    for (const pea__cell *row = table->cells, *next = row; row < end; row = next) {
        while (next < end && next->truth == row->truth)
            next++;
        if (table->truth[row->truth].id == 0)
            continue;
        const pea__cell *best = best_free(&a, row, next);
        if (best)
            take(&a, best->pred, best->n_voxels, pea__cell_union(table, best));
        else
            take_alone(&a, row->truth, reference);
    }
    for (size_t j = 0; j < table->n_pred; j++)
        if (!used[j] && table->pred[j].id != 0)
            a.total += table->pred[j].n_voxels;
    return (double)a.overlap / (double)a.total; /* total > 0: there is a prediction */
}

pea_status pea__score_aji(const pea__contingency *table, pea_scores *scores, pea_error *err)
{
    if (scores->n_pred == 0)
        return PEA_OK; /* both stay 0 */
    bool *used = pea__alloc(table->n_pred, sizeof *used, err);
    if (!used)
        return PEA_E_NOMEM;
    scores->aji = aggregated_jaccard(table, used, true);
    scores->aji_standard = aggregated_jaccard(table, used, false);
    pea__free(used);
    return PEA_OK;
}
