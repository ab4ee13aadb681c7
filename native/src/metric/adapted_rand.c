/* adapted_rand.c - how often two voxels that belong together are together, over voxels whose truth is not 0.
 *
 *     S, A, B: ordered pairs of distinct voxels that are together in both, in the truth, in the prediction
 *     precision = S/A     recall = S/B     error = 1 - 2S/(A + B)
 *
 * Which ratio is called precision follows scikit-image 0.19. Predicted 0 is an ordinary segment.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

/* In double: exact below 2^53, that is up to 95 million voxels in one segment, and nothing overflows beyond. */
static double pairs(int64_t n)
{
    return (double)n * ((double)n - 1.0);
}

/* 0/0 is 1 where nothing could be told apart on either side, else 0: the limits of the error. */
static double ratio(double s, double of, bool nothing)
{
    return of > 0.0 ? s / of : (nothing ? 1.0 : 0.0);
}

pea_status pea__score_adapted_rand(const pea__contingency *table, pea_scores *scores, pea_error *err)
{
    int64_t *pred_sizes = pea__alloc(table->n_pred, sizeof *pred_sizes, err);
    if (!pred_sizes)
        return PEA_E_NOMEM;
    double s = 0.0, a = 0.0, b = 0.0;
    for (size_t i = 0; i < table->n_cells; i++) {
        const pea__cell cell = table->cells[i];
        if (table->truth[cell.truth].id == 0)
            continue;
        s += pairs(cell.n_voxels);
        pred_sizes[cell.pred] += cell.n_voxels;
    }
    for (size_t i = 0; i < table->n_truth; i++)
        a += table->truth[i].id != 0 ? pairs(table->truth[i].n_voxels) : 0.0;
    for (size_t j = 0; j < table->n_pred; j++)
        b += pred_sizes[j] > 0 ? pairs(pred_sizes[j]) : 0.0;
    pea__free(pred_sizes);
    const bool nothing = a + b == 0.0;
    scores->arand = nothing ? 0.0 : 1.0 - 2.0 * s / (a + b);
    scores->arand_precision = ratio(s, a, nothing);
    scores->arand_recall = ratio(s, b, nothing);
    return PEA_OK;
}
