/* foreground_dice.c - Dice of what is not background, instances apart: 2TP / (2TP + FP + FN), counted in voxels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

static int64_t foreground_size(const pea__segment *segments, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += segments[i].id != 0 ? segments[i].n_voxels : 0;
    return sum;
}

pea_status pea__score_foreground_dice(const pea__contingency *table, pea_scores *scores, pea_error *err)
{
    (void)err;
    const int64_t sum = foreground_size(table->truth, table->n_truth) + foreground_size(table->pred, table->n_pred);
    int64_t both = 0;
    for (size_t i = 0; i < table->n_cells; i++)
        both += pea__cell_is_object(table, &table->cells[i]) ? table->cells[i].n_voxels : 0;
    scores->dice = sum > 0 ? 2.0 * (double)both / (double)sum : 0.0;
    return PEA_OK;
}
