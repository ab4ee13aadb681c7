/* variation_of_information.c - the bits needed to tell one segmentation from the other.
 *
 *     split = H(P|G) = sum n_ij/N log2(n_i/n_ij)     merge = H(G|P) = sum n_ij/N log2(n_j/n_ij)
 *
 * n_ij voxels have truth i and prediction j, n_i and n_j are the marginals. Written so that no term is negative.
 * Once with the voxels whose truth is not 0, once with all; predicted 0 is an ordinary segment in both.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

#include <math.h>

/* pred_sizes: zeroed, one for each prediction. */
static void conditional_entropies(const pea__contingency *table, bool all, int64_t *pred_sizes, double *split,
                                  double *merge)
{
    int64_t n_voxels = 0;
    for (size_t i = 0; i < table->n_cells; i++) {
        const pea__cell cell = table->cells[i];
        if (!all && table->truth[cell.truth].id == 0)
            continue;
        pred_sizes[cell.pred] += cell.n_voxels;
        n_voxels += cell.n_voxels;
    }
    double split_sum = 0.0, merge_sum = 0.0;
    for (size_t i = 0; i < table->n_cells; i++) {
        const pea__cell cell = table->cells[i];
        if (!all && table->truth[cell.truth].id == 0)
            continue;
        const double n = (double)cell.n_voxels;
        split_sum += n * log2((double)table->truth[cell.truth].n_voxels / n);
        merge_sum += n * log2((double)pred_sizes[cell.pred] / n);
    }
    *split = n_voxels > 0 ? split_sum / (double)n_voxels : 0.0;
    *merge = n_voxels > 0 ? merge_sum / (double)n_voxels : 0.0;
}

pea_status pea__score_variation_of_information(const pea__contingency *table, pea_scores *scores, pea_error *err)
{
    int64_t *pred_sizes = pea__alloc(2 * table->n_pred, sizeof *pred_sizes, err);
    if (!pred_sizes)
        return PEA_E_NOMEM;
    conditional_entropies(table, false, pred_sizes, &scores->voi_split, &scores->voi_merge);
    conditional_entropies(table, true, pred_sizes + table->n_pred, &scores->voi_split_all, &scores->voi_merge_all);
    scores->voi = scores->voi_split + scores->voi_merge;
    pea__free(pred_sizes);
    return PEA_OK;
}
