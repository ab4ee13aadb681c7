/* names.c - what each score is called in JSON, how people call it, and where it is.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

typedef struct named_score {
    pea_score_item item;
    size_t position; /* in pea_scores: int64_t for counts, otherwise double */
} named_score;

static const named_score table[] = {
#define COUNT(name, words) {{#name, words, 1}, offsetof(pea_scores, name)}
#define VALUE(name, words) {{#name, words, 0}, offsetof(pea_scores, name)}
    COUNT(n_gt, "instances in the truth"),
    COUNT(n_pred, "instances predicted"),
    COUNT(dic_signed, "difference in count"),
    COUNT(dic_abs, "absolute difference in count, |DiC|"),
    VALUE(sbd, "symmetric best Dice, SBD"),
    VALUE(sbd_max, "the larger best Dice"),
    VALUE(best_dice_pred_to_gt, "best Dice, prediction to truth"),
    VALUE(best_dice_gt_to_pred, "best Dice, truth to prediction"),
    VALUE(dice, "Dice of the foreground"),
    VALUE(aji, "aggregated Jaccard index, as the paper's code"),
    VALUE(aji_standard, "aggregated Jaccard index, AJI"),
    VALUE(f1, "detection quality, F1 at IoU 0.5"),
    VALUE(sq, "segmentation quality, SQ"),
    VALUE(pq, "panoptic quality, PQ"),
    VALUE(ap_mean, "average precision, mean of IoU 0.5 to 0.95"),
    VALUE(voi_split, "variation of information, split (bits)"),
    VALUE(voi_merge, "variation of information, merge (bits)"),
    VALUE(voi, "variation of information (bits)"),
    VALUE(voi_split_all, "the same, split, background counted"),
    VALUE(voi_merge_all, "the same, merge, background counted"),
    VALUE(arand, "adapted Rand error"),
    VALUE(arand_precision, "adapted Rand precision"),
    VALUE(arand_recall, "adapted Rand recall"),
#undef COUNT
#undef VALUE
};

enum { N_SCORES = sizeof table / sizeof *table };

size_t pea_score_count(void)
{
    return N_SCORES;
}

pea_score_item pea_score_get_item(size_t index)
{
    return index < N_SCORES ? table[index].item : (pea_score_item){0};
}

double pea_score_value(const pea_scores *scores, size_t index)
{
    if (!scores || index >= N_SCORES)
        return 0.0;
    const char *at = (const char *)scores + table[index].position;
    return table[index].item.is_count ? (double)*(const int64_t *)(const void *)at : *(const double *)(const void *)at;
}
