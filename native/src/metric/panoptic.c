/* panoptic.c - how many instances were found, and how well: F1 (detection quality), SQ and PQ at IoU > 0.5.
 *
 *     F1 = TP / (TP + FP/2 + FN/2)     SQ = sum of IoU of the TP pairs / (TP + 1e-6)     PQ = F1 * SQ
 *
 * More than half is unique: no instance can share more than half of a union with two others.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

pea_status pea__score_panoptic(const pea__contingency *table, pea_scores *scores, pea_error *err)
{
    (void)err;
    int64_t n_matches = 0;
    double sum_iou = 0.0;
    for (size_t i = 0; i < table->n_cells; i++) {
        const pea__cell *cell = &table->cells[i];
        const int64_t both = cell->n_voxels, either = pea__cell_union(table, cell);
        if (!pea__cell_is_object(table, cell) || 2 * both <= either)
            continue;
        n_matches++;
        sum_iou += (double)both / (double)either;
    }
    const int64_t n_objects = scores->n_gt + scores->n_pred;
    scores->f1 = n_objects > 0 ? 2.0 * (double)n_matches / (double)n_objects : 0.0;
    scores->sq = sum_iou / ((double)n_matches + 1e-6);
    scores->pq = scores->f1 * scores->sq;
    return PEA_OK;
}
