/* metric.h - internal: the one table of overlaps that every score is computed from.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_METRIC_INTERNAL_H
#define PEA_METRIC_INTERNAL_H

#include "array/array.h"
#include "pea/metric.h"

/* One id of a label image, background included. */
typedef struct pea__segment {
    uint32_t id;
    int64_t n_voxels;
} pea__segment;

/* A truth and a prediction that share voxels; both are indices into the lists of segments. */
typedef struct pea__cell {
    uint32_t truth, pred;
    int64_t n_voxels;
} pea__cell;

/* Segments ascend by id: index 0 is the smallest id present, the last one the largest. Cells ascend by truth, then by
 * pred, so that the cells of one truth lie together and sums have one order whatever the number of threads was. */
typedef struct pea__contingency {
    pea__segment *truth, *pred; /* owned */
    pea__cell *cells;           /* owned */
    size_t n_truth, n_pred, n_cells;
} pea__contingency;

/* Both arrays uint32, checked, of equal dims. Free with pea__contingency_free(), which is safe on an all-zero table. */
pea_status pea__contingency_count(const pea_array *truth, const pea_array *pred, pea_context *context,
                                  pea__contingency *table, pea_error *err);
void pea__contingency_free(pea__contingency *table);

/* Both sides are instances, neither is background. */
static inline bool pea__cell_is_object(const pea__contingency *table, const pea__cell *cell)
{
    return table->truth[cell->truth].id != 0 && table->pred[cell->pred].id != 0;
}

/* Voxels of the truth or of the prediction. */
static inline int64_t pea__cell_union(const pea__contingency *table, const pea__cell *cell)
{
    return table->truth[cell->truth].n_voxels + table->pred[cell->pred].n_voxels - cell->n_voxels;
}

/* One family of scores: fills its own fields of `scores`, where n_gt and n_pred are set already. Leaves no NaN. */
typedef pea_status pea__metric_fn(const pea__contingency *table, pea_scores *scores, pea_error *err);

#define PEA__METRIC(name) pea__metric_fn pea__score_##name;
#include "metric/metrics.def"
#undef PEA__METRIC

#endif
