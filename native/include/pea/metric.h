/* metric.h - how good a segmentation is, by the measures the field reports.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_METRIC_H
#define PEA_METRIC_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PEA_N_AP_THRESHOLDS 10 /* IoU 0.50, 0.55 ... 0.95 */

/* Every score of one pair of label images. "pred" is the prediction, "gt" the truth, 0 is background. */
typedef struct pea_scores {
    int64_t n_gt, n_pred;                       /* instances present */
    double best_dice_pred_to_gt, best_dice_gt_to_pred;
    double sbd, sbd_max;                        /* smaller and larger of the two: challenge definition; the paper's old one */
    int64_t dic_signed, dic_abs;                /* predicted minus true count, from the largest ids */
    double aji, aji_standard;                   /* reference variant with its quirks; on compacted labels as published */
    double dice;                                /* foreground */
    double f1, sq, pq;                          /* detection quality, segmentation quality, panoptic quality */
    double voi_split, voi_merge, voi;           /* bits; voxels with truth 0 left out */
    double voi_split_all, voi_merge_all;        /* bits; every voxel counts */
    double arand, arand_precision, arand_recall;
    double ap[PEA_N_AP_THRESHOLDS], ap_mean;    /* TP/(TP+FP+FN) at each IoU, and their mean */
} pea_scores;

/**
 * Score a prediction against the truth by one pass that counts overlaps.
 * @param truth, prediction  borrowed  uint32 (z,y,x,1), equal dims
 * Cost: one pass and memory for each pair of labels that meet; not a scan for each label.
 */
pea_status pea_score(const pea_array *truth, const pea_array *prediction, pea_context *context, pea_scores *scores,
                     pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
