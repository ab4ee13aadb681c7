/* best_dice.c - symmetric best Dice and difference in count, as the leaf segmentation challenge (CVPPP) defines them.
 *
 *     BD(X,Y) = sum over labels i of X of max over labels j of Y of 2|X_i & Y_j| / (|X_i| + |Y_j|), over n_X
 *
 * Labels are all integers from smallest + 1 to largest: the smallest one is background whatever its value, an absent
 * one counts as a zero, and n_X = largest - smallest.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

static int64_t id_range(const pea__segment *segments, size_t n)
{
    return (int64_t)segments[n - 1].id - (int64_t)segments[0].id;
}

/* Absent labels add nothing to the sum, so nobody needs to visit them. */
static double mean_best(const double *best, const pea__segment *segments, size_t n)
{
    double sum = 0.0;
    for (size_t i = 1; i < n; i++)
        sum += best[i];
    return n > 1 ? sum / (double)id_range(segments, n) : 0.0;
}

static void find_best(const pea__contingency *table, double *best_of_truth, double *best_of_pred)
{
    for (size_t i = 0; i < table->n_cells; i++) {
        const pea__cell cell = table->cells[i];
        if (cell.truth == 0 || cell.pred == 0) /* indices, not ids: the smallest label present */
            continue;
        const int64_t sum = table->truth[cell.truth].n_voxels + table->pred[cell.pred].n_voxels;
        const double dice = 2.0 * (double)cell.n_voxels / (double)sum;
        if (dice > best_of_truth[cell.truth])
            best_of_truth[cell.truth] = dice;
        if (dice > best_of_pred[cell.pred])
            best_of_pred[cell.pred] = dice;
    }
}

pea_status pea__score_best_dice(const pea__contingency *table, pea_scores *scores, pea_error *err)
{
    double *best_of_truth = pea__alloc(table->n_truth, sizeof *best_of_truth, err);
    double *best_of_pred = pea__alloc(table->n_pred, sizeof *best_of_pred, err);
    const bool good = best_of_truth && best_of_pred;
    if (good) {
        find_best(table, best_of_truth, best_of_pred);
        const double forth = mean_best(best_of_pred, table->pred, table->n_pred);
        const double back = mean_best(best_of_truth, table->truth, table->n_truth);
        scores->best_dice_pred_to_gt = forth;
        scores->best_dice_gt_to_pred = back;
        scores->sbd = forth < back ? forth : back;
        scores->sbd_max = forth < back ? back : forth;
        scores->dic_signed = id_range(table->pred, table->n_pred) - id_range(table->truth, table->n_truth);
        scores->dic_abs = scores->dic_signed < 0 ? -scores->dic_signed : scores->dic_signed;
    }
    pea__free(best_of_truth);
    pea__free(best_of_pred);
    return good ? PEA_OK : PEA_E_NOMEM;
}
