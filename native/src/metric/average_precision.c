/* average_precision.c - TP / (TP + FP + FN) at IoU 0.50, 0.55 ... 0.95, as the 2018 Data Science Bowl ranked nuclei.
 *
 * A pair matches where IoU >= threshold, compared in integers: 20 * overlap >= step * union, step = 10..19. Matches are
 * one to one. That needs care only at exactly 0.5, where an instance can have two partners: then these are its two
 * halves, which overlap nothing else, so taking the first of them always gives the largest number of matches.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

enum { STEPS = 20, FIRST_STEP = 10 };

pea_status pea__score_average_precision(const pea__contingency *table, pea_scores *scores, pea_error *err)
{
    bool *matched = pea__alloc(table->n_pred, sizeof *matched, err); /* predictions that have a match */
    if (!matched)
        return PEA_E_NOMEM;
    int64_t n_matches[PEA_N_AP_THRESHOLDS] = {0};
    uint32_t last_truth = UINT32_MAX; /* of the last match: cells of one truth lie together */
    for (size_t i = 0; i < table->n_cells; i++) {
        const pea__cell *cell = &table->cells[i];
        const int64_t either = pea__cell_union(table, cell);
        if (!pea__cell_is_object(table, cell) || 2 * cell->n_voxels < either || matched[cell->pred] ||
            last_truth == cell->truth)
            continue;
        matched[cell->pred] = true;
        last_truth = cell->truth;
        for (int k = 0; k < PEA_N_AP_THRESHOLDS; k++)
            n_matches[k] += STEPS * cell->n_voxels >= (FIRST_STEP + k) * either;
    }
    pea__free(matched);
    for (int k = 0; k < PEA_N_AP_THRESHOLDS; k++) {
        const int64_t n_any = scores->n_gt + scores->n_pred - n_matches[k];
        scores->ap[k] = n_any > 0 ? (double)n_matches[k] / (double)n_any : 0.0;
        scores->ap_mean += scores->ap[k] / PEA_N_AP_THRESHOLDS;
    }
    return PEA_OK;
}
