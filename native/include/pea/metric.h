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
    double sbd, sbd_max;                        /* smaller: the challenge's definition; larger: the paper's old one */
    int64_t dic_signed, dic_abs;                /* predicted minus true count, from the largest ids */
    double aji, aji_standard;                   /* the paper's code, with its quirks; after Kumar et al. 2017 */
    double dice;                                /* foreground */
    double f1, sq, pq;                          /* detection, segmentation and panoptic quality at IoU > 0.5 */
    double voi_split, voi_merge, voi;           /* bits; voxels with truth 0 left out */
    double voi_split_all, voi_merge_all;        /* bits; every voxel counts */
    double arand, arand_precision, arand_recall;
    double ap[PEA_N_AP_THRESHOLDS], ap_mean;    /* TP/(TP+FP+FN) at IoU >= 0.50 ..., and their mean */
} pea_scores;

/**
 * Score a prediction against the truth by one pass that counts overlaps. Definitions, and what each score is where its
 * formula is 0/0, are in docs/which-scores-are-computed.md; no score is ever NaN.
 * @param truth, prediction  borrowed  uint32 (z,y,x,1), equal dims
 * @param context            borrowed  NULL: one thread; the number of threads changes no bit of the result
 * @param scores             filled    untouched after a failure
 * @return PEA_OK; PEA_E_ARG; PEA_E_DTYPE; PEA_E_SHAPE; PEA_E_LIMIT for the context's memory limit; PEA_E_NOMEM;
 *         PEA_E_CANCELLED
 * Cost: one pass and memory for each pair of labels that meet; not a scan for each label.
 */
pea_status pea_score(const pea_array *truth, const pea_array *prediction, pea_context *context, pea_scores *scores,
                     pea_error *err);

/* Every score by name, in the order of reports; ap is left out, being a list. */
typedef struct pea_score_item {
    const char *key;   /* "aji": as in JSON; lent for ever */
    const char *words; /* "aggregated Jaccard index, ..." */
    int is_count;
} pea_score_item;

size_t pea_score_count(void);
pea_score_item pea_score_get_item(size_t index);
double pea_score_value(const pea_scores *scores, size_t index);

/**
 * The interval that holds 95 of 100 means of values that are drawn anew from these, with replacement (percentile
 * bootstrap): how far the mean of so many images is a matter of chance. Values that depend on each other, as the frames of
 * a film, give one that is too narrow. The same values in the same order give the same interval.
 * @param values     borrowed  n of them, n >= 1
 * @param low, high  filled
 * @return PEA_OK; PEA_E_ARG; PEA_E_NOMEM
 * Cost: 10 000 draws of n values, of more than 1000 values fewer.
 */
pea_status pea_mean_interval(const double *values, size_t n, double *low, double *high, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
