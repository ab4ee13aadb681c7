/* naive.h - every score as its definition reads: loops over all labels and all voxels, for images of a few voxels.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_NAIVE_H
#define PEA_TEST_NAIVE_H

#include <math.h>
#include <stdbool.h>

#include "pea/metric.h"

enum { NAIVE_IDS = 32 }; /* ids below this */

/* Make ids consecutive from 0 or, where no voxel is 0, from 1. */
static void naive_compact(uint32_t *labels, int n)
{
    uint32_t next = 1;
    for (uint32_t id = 1; id < NAIVE_IDS; id++) {
        bool there = false;
        for (int i = 0; i < n; i++)
            if (labels[i] == id) {
                labels[i] = next;
                there = true;
            }
        next += there;
    }
}

static int naive_area(const uint32_t *a, int n, uint32_t id)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] == id;
    return sum;
}

static int naive_overlap(const uint32_t *a, const uint32_t *b, int n, uint32_t id_a, uint32_t id_b)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] == id_a && b[i] == id_b;
    return sum;
}

static uint32_t naive_extreme(const uint32_t *a, int n, bool largest)
{
    uint32_t id = a[0];
    for (int i = 1; i < n; i++)
        if (largest ? a[i] > id : a[i] < id)
            id = a[i];
    return id;
}

static double naive_best_dice(const uint32_t *a, const uint32_t *b, int n)
{
    const uint32_t min_a = naive_extreme(a, n, false), max_a = naive_extreme(a, n, true);
    const uint32_t min_b = naive_extreme(b, n, false), max_b = naive_extreme(b, n, true);
    double sum = 0.0;
    for (uint32_t i = min_a + 1; i <= max_a; i++) {
        double best = 0.0;
        for (uint32_t j = min_b + 1; j <= max_b; j++) {
            const int both = naive_area(a, n, i) + naive_area(b, n, j);
            if (both > 0)
                best = fmax(best, 2.0 * naive_overlap(a, b, n, i, j) / both);
        }
        sum += best;
    }
    return max_a == min_a ? 0.0 : sum / (max_a - min_a);
}

/* The reference variant, its NaN included: a NaN counts as the maximum. Predictions are 1..n_pred. */
static double naive_reference_aji(const uint32_t *g, const uint32_t *p, int n)
{
    const uint32_t n_pred = naive_extreme(p, n, true), max_g = naive_extreme(g, n, true);
    bool used[NAIVE_IDS] = {false};
    double c = 0.0, u = 0.0;
    if (n_pred == 0)
        return 0.0;
    for (uint32_t id = 1; id <= max_g; id++) {
        double best = 0.0, best_i = 0.0, best_v = 0.0;
        uint32_t chosen = 0;
        for (uint32_t j = 1; j <= n_pred; j++) {
            const double i = used[j] ? 0.0 : naive_overlap(g, p, n, id, j);
            const double v = naive_area(g, n, id) + (used[j] ? 0.0 : naive_area(p, n, j) - i);
            const double ratio = i / v;
            if (chosen == 0 || (!isnan(best) && (isnan(ratio) || ratio > best))) {
                best = ratio;
                best_i = i;
                best_v = v;
                chosen = j;
            }
        }
        c += best_i;
        u += best_v;
        used[chosen] = true;
    }
    for (uint32_t j = 1; j <= n_pred; j++)
        u += used[j] ? 0.0 : naive_area(p, n, j);
    return c / u;
}

static double naive_standard_aji(const uint32_t *g, const uint32_t *p, int n)
{
    bool used[NAIVE_IDS] = {false};
    double c = 0.0, u = 0.0;
    if (naive_extreme(p, n, true) == 0)
        return 0.0;
    for (uint32_t id = 1; id < NAIVE_IDS; id++) {
        double best = 0.0;
        uint32_t chosen = 0;
        const int area = naive_area(g, n, id);
        for (uint32_t j = 1; j < NAIVE_IDS && area > 0; j++) {
            const double i = naive_overlap(g, p, n, id, j), iou = i / (area + naive_area(p, n, j) - i);
            if (!used[j] && iou > best) {
                best = iou;
                chosen = j;
            }
        }
        const double i = chosen ? naive_overlap(g, p, n, id, chosen) : 0.0;
        c += i;
        u += area + (chosen ? naive_area(p, n, chosen) - i : 0.0);
        if (chosen)
            used[chosen] = true;
    }
    for (uint32_t j = 1; j < NAIVE_IDS; j++)
        u += used[j] ? 0.0 : naive_area(p, n, j);
    return c / u;
}

/* Largest one-to-one matching by augmenting paths. */
static bool naive_augment(bool fits[NAIVE_IDS][NAIVE_IDS], uint32_t g, bool *seen, uint32_t *partner)
{
    for (uint32_t j = 1; j < NAIVE_IDS; j++) {
        if (!fits[g][j] || seen[j])
            continue;
        seen[j] = true;
        if (partner[j] == 0 || naive_augment(fits, partner[j], seen, partner)) {
            partner[j] = g;
            return true;
        }
    }
    return false;
}

static int naive_matches(const uint32_t *g, const uint32_t *p, int n, double threshold, bool strict, double *sum_iou)
{
    bool fits[NAIVE_IDS][NAIVE_IDS] = {{false}};
    uint32_t partner[NAIVE_IDS] = {0};
    int n_matches = 0;
    *sum_iou = 0.0;
    for (uint32_t i = 1; i < NAIVE_IDS; i++)
        for (uint32_t j = 1; j < NAIVE_IDS; j++) {
            const double both = naive_overlap(g, p, n, i, j);
            const double iou = both > 0 ? both / (naive_area(g, n, i) + naive_area(p, n, j) - both) : 0.0;
            fits[i][j] = strict ? iou > threshold : iou >= threshold - 1e-12;
            *sum_iou += fits[i][j] ? iou : 0.0;
        }
    for (uint32_t i = 1; i < NAIVE_IDS; i++) {
        bool seen[NAIVE_IDS] = {false};
        n_matches += naive_augment(fits, i, seen, partner);
    }
    return n_matches;
}

static void naive_panoptic(const uint32_t *g, const uint32_t *p, int n, pea_scores *s)
{
    double sum_iou, unused;
    const int tp = naive_matches(g, p, n, 0.5, true, &sum_iou);
    const double fp = (double)s->n_pred - tp, fn = (double)s->n_gt - tp;
    s->f1 = tp + fp + fn > 0 ? tp / (tp + fp / 2 + fn / 2) : 0.0;
    s->sq = sum_iou / (tp + 1e-6);
    s->pq = s->f1 * s->sq;
    for (int k = 0; k < PEA_N_AP_THRESHOLDS; k++) {
        const int m = naive_matches(g, p, n, 0.5 + 0.05 * k, false, &unused);
        const double any = (double)(s->n_gt + s->n_pred) - m;
        s->ap[k] = any > 0 ? m / any : 0.0;
        s->ap_mean += s->ap[k] / PEA_N_AP_THRESHOLDS;
    }
}

/* Counts pairs of voxels one by one. */
static void naive_rand(const uint32_t *g, const uint32_t *p, int n, pea_scores *s)
{
    double both = 0.0, a = 0.0, b = 0.0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (i == j || g[i] == 0 || g[j] == 0)
                continue;
            a += g[i] == g[j];
            b += p[i] == p[j];
            both += g[i] == g[j] && p[i] == p[j];
        }
    s->arand = a + b > 0 ? 1.0 - 2.0 * both / (a + b) : 0.0;
    s->arand_precision = a > 0 ? both / a : a + b == 0;
    s->arand_recall = b > 0 ? both / b : a + b == 0;
}

static void naive_voi(const uint32_t *g, const uint32_t *p, int n, bool all, double *split, double *merge)
{
    double total = 0.0;
    *split = *merge = 0.0;
    for (int i = 0; i < n; i++)
        total += all || g[i] != 0;
    for (int i = 0; i < n; i++) { /* one term for each voxel: 1/N log2(marginal / joint) */
        double same_g = 0.0, same_p = 0.0, same = 0.0;
        if (!all && g[i] == 0)
            continue;
        for (int j = 0; j < n; j++) {
            if (!all && g[j] == 0)
                continue;
            same_g += g[j] == g[i];
            same_p += p[j] == p[i];
            same += g[j] == g[i] && p[j] == p[i];
        }
        *split += log2(same_g / same) / total;
        *merge += log2(same_p / same) / total;
    }
}

static pea_scores naive_score(const uint32_t *g, const uint32_t *p, int n)
{
    pea_scores s = {0};
    int both = 0, sum = 0;
    for (uint32_t id = 1; id < NAIVE_IDS; id++) {
        s.n_gt += naive_area(g, n, id) > 0;
        s.n_pred += naive_area(p, n, id) > 0;
    }
    for (int i = 0; i < n; i++) {
        both += g[i] != 0 && p[i] != 0;
        sum += (g[i] != 0) + (p[i] != 0);
    }
    s.dice = sum > 0 ? 2.0 * both / sum : 0.0;
    s.best_dice_pred_to_gt = naive_best_dice(p, g, n);
    s.best_dice_gt_to_pred = naive_best_dice(g, p, n);
    s.sbd = fmin(s.best_dice_pred_to_gt, s.best_dice_gt_to_pred);
    s.sbd_max = fmax(s.best_dice_pred_to_gt, s.best_dice_gt_to_pred);
    s.dic_signed = (int64_t)naive_extreme(p, n, true) - naive_extreme(p, n, false) -
                   ((int64_t)naive_extreme(g, n, true) - naive_extreme(g, n, false));
    s.dic_abs = s.dic_signed < 0 ? -s.dic_signed : s.dic_signed;
    s.aji = naive_reference_aji(g, p, n);
    s.aji_standard = naive_standard_aji(g, p, n);
    naive_panoptic(g, p, n, &s);
    naive_rand(g, p, n, &s);
    naive_voi(g, p, n, false, &s.voi_split, &s.voi_merge);
    naive_voi(g, p, n, true, &s.voi_split_all, &s.voi_merge_all);
    s.voi = s.voi_split + s.voi_merge;
    return s;
}

/* Name of the first score, counts of objects aside, that differs by more than the tolerance; NULL: none. */
static const char *naive_difference(const pea_scores *a, const pea_scores *b, double tolerance)
{
#define NAIVE_FIELD(field)                                                                                            \
    if (!(fabs((double)a->field - (double)b->field) <= tolerance))                                                    \
        return #field;
    NAIVE_FIELD(n_gt)
    NAIVE_FIELD(n_pred)
    NAIVE_FIELD(best_dice_pred_to_gt)
    NAIVE_FIELD(best_dice_gt_to_pred)
    NAIVE_FIELD(sbd)
    NAIVE_FIELD(sbd_max)
    NAIVE_FIELD(dic_signed)
    NAIVE_FIELD(dic_abs)
    NAIVE_FIELD(aji)
    NAIVE_FIELD(aji_standard)
    NAIVE_FIELD(dice)
    NAIVE_FIELD(f1)
    NAIVE_FIELD(sq)
    NAIVE_FIELD(pq)
    NAIVE_FIELD(voi_split)
    NAIVE_FIELD(voi_merge)
    NAIVE_FIELD(voi)
    NAIVE_FIELD(voi_split_all)
    NAIVE_FIELD(voi_merge_all)
    NAIVE_FIELD(arand)
    NAIVE_FIELD(arand_precision)
    NAIVE_FIELD(arand_recall)
    NAIVE_FIELD(ap_mean)
    for (int k = 0; k < PEA_N_AP_THRESHOLDS; k++)
        NAIVE_FIELD(ap[k])
#undef NAIVE_FIELD
    return NULL;
}

#endif
