/* test_score.c - every score against published values, against plain double loops, and at the edges.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "metric/metric.h"
#include "naive.h"

#define NEAR(a, b, tolerance)                                                                                         \
    do {                                                                                                              \
        if (!(fabs((a) - (b)) <= (tolerance)))                                                                        \
            fail_msg("%s is %.12g, expected %.12g", #a, (double)(a), (double)(b));                                    \
    } while (0)

static pea_array labels_of(uint32_t *data, int64_t z, int64_t y, int64_t x)
{
    return (pea_array){data, PEA_UINT32, {z, y, x, 1}};
}

static pea_scores score_plane(uint32_t *truth, uint32_t *pred, int64_t y, int64_t x)
{
    pea_error err;
    pea_scores scores;
    const pea_array g = labels_of(truth, 1, y, x), p = labels_of(pred, 1, y, x);
    assert_ok(pea_score(&g, &p, NULL, &scores, &err));
    return scores;
}

/* ---- published values ---- */

/* An uint8 .npy file as written by NumPy: magic, header length, header with "(z, y, x)", data. */
static uint32_t *load(const char *name, const char *role, pea_dims *dims)
{
    char path[512], header[256] = {0};
    snprintf(path, sizeof path, "%s/metrics/%s_%s.npy", PEA_TESTDATA, name, role);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    unsigned char start[10];
    assert_int_equal(fread(start, 1, 10, file), 10);
    const size_t length = start[8] + 256u * start[9];
    assert_true(length < sizeof header);
    assert_int_equal(fread(header, 1, length, file), length);
    long long extent[3];
    const char *shape = strchr(header, '(');
    assert_non_null(shape);
    assert_non_null(strstr(header, "|u1"));
    const int n = sscanf(shape, "(%lld, %lld, %lld)", &extent[0], &extent[1], &extent[2]);
    *dims = n == 3 ? (pea_dims){extent[0], extent[1], extent[2], 1} : (pea_dims){1, extent[0], extent[1], 1};
    const int64_t n_voxels = dims->z * dims->y * dims->x;
    uint32_t *labels = calloc((size_t)n_voxels, sizeof *labels);
    for (int64_t i = 0; i < n_voxels; i++)
        labels[i] = (uint32_t)fgetc(file);
    assert_false(ferror(file) || feof(file));
    fclose(file);
    return labels;
}

/* The number of `key` in the object `name`; NaN where it has none. Enough JSON for a file of ours. */
static double expected(const char *json, const char *name, const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\": {", name);
    const char *object = strstr(json, quoted);
    assert_non_null(object);
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *value = strstr(object, quoted);
    return value && value < strchr(object, '}') ? strtod(value + strlen(quoted), NULL) : NAN;
}

static int check_published(const char *json, const char *name, const pea_scores *s)
{
    const struct {
        const char *key;
        double got;
    } rows[] = {
        {"arand", s->arand}, {"arand_precision", s->arand_precision}, {"arand_recall", s->arand_recall},
        {"voi_split", s->voi_split}, {"voi_merge", s->voi_merge}, {"voi", s->voi},
        {"voi_split_all", s->voi_split_all}, {"voi_merge_all", s->voi_merge_all},
        {"best_dice_pred_to_gt", s->best_dice_pred_to_gt}, {"best_dice_gt_to_pred", s->best_dice_gt_to_pred},
        {"sbd", s->sbd}, {"dic_signed", (double)s->dic_signed}, {"dic_abs", (double)s->dic_abs}, {"aji", s->aji},
        {"dice", s->dice}, {"f1", s->f1}, {"sq", s->sq}, {"pq", s->pq},
    };
    int n_checked = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double wanted = expected(json, name, rows[i].key);
        if (isnan(wanted))
            continue;
        if (!(fabs(rows[i].got - wanted) <= 1e-9))
            fail_msg("%s of %s is %.12g, expected %.12g", rows[i].key, name, rows[i].got, wanted);
        n_checked++;
    }
    return n_checked;
}

static void scores_equal_those_of_scikit_image_and_the_papers_code(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "vol", "identical"};
    pea_error err;
    size_t n_bytes;
    int n_checked = 0;
    char *json = test_read_file(PEA_TESTDATA "/golden/metrics/expected.json", &n_bytes);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        pea_dims dims, same;
        uint32_t *truth = load(names[i], "gt", &dims), *pred = load(names[i], "pred", &same);
        const pea_array g = {truth, PEA_UINT32, dims}, p = {pred, PEA_UINT32, same};
        pea_scores scores;
        assert_ok(pea_score(&g, &p, NULL, &scores, &err));
        n_checked += check_published(json, names[i], &scores);
        free(truth);
        free(pred);
    }
    assert_int_equal(n_checked, 4 * 18 + 8);
    free(json);
}

enum { ROWS = 12, COLUMNS = 16, SMALL = ROWS * COLUMNS };

/* Four rectangles, three of them touching: the label map of the method's reference values. */
static void four_leaves(uint32_t truth[SMALL])
{
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLUMNS; x++) {
            uint32_t *v = &truth[y * COLUMNS + x];
            *v = 0;
            if (y >= 1 && y <= 5)
                *v = x >= 1 && x <= 6 ? 1 : (x >= 7 && x <= 12 ? 2 : 0);
            else if (y >= 6 && y <= 10)
                *v = x >= 3 && x <= 9 ? 3 : (y >= 8 && x >= 12 && x <= 14 ? 4 : 0);
        }
}

/* What a mutex watershed made of them: nine segments. */
static void nine_segments(uint32_t pred[SMALL])
{
    static const char *const rows[ROWS] = {
        "0000000000000000", "0111112334444000", "0111112334444000", "0111111334444000",
        "0111111334444000", "0111111133444000", "0005566666000000", "0005556666000000",
        "0005556666007770", "0005555666007770", "0008555555009770", "0000000000000000",
    };
    for (int i = 0; i < SMALL; i++)
        pred[i] = (uint32_t)(rows[i / COLUMNS][i % COLUMNS] - '0');
}

/* 7 removed, 4 merged into 3, a false object added, ids made consecutive. */
static void eight_segments(uint32_t pred[SMALL])
{
    static const uint32_t to[] = {0, 1, 2, 3, 3, 4, 5, 0, 6, 7};
    nine_segments(pred);
    for (int i = 0; i < SMALL; i++)
        pred[i] = to[pred[i]];
    for (int x = 0; x < 5; x++)
        pred[x] = 8;
    for (int y = 6; y < 9; y++)
        pred[y * COLUMNS] = pred[y * COLUMNS + 1] = 8;
}

static void check_leaves(const pea_scores *s, const double row[11])
{
    const double got[11] = {s->best_dice_pred_to_gt, s->best_dice_gt_to_pred, (double)s->dic_abs, s->aji, s->dice,
                            s->f1, s->sq, s->pq, s->arand, s->voi_split, s->voi_merge};
    for (int i = 0; i < 11; i++)
        NEAR(got[i], row[i], 1e-8);
}

static void leaves_and_their_segments_have_the_reference_scores(void **state)
{
    (void)state;
    uint32_t truth[SMALL], pred[SMALL];
    four_leaves(truth);
    nine_segments(pred);
    pea_scores s = score_plane(truth, pred, ROWS, COLUMNS);
    check_leaves(&s, (double[]){0.53923234, 0.83627113, 5, 0.54074074, 1, 0.61538462, 0.73493325, 0.45226662,
                                0.26103093, 0.85454976, 0.06034145});
    eight_segments(pred);
    s = score_plane(truth, pred, ROWS, COLUMNS);
    check_leaves(&s, (double[]){0.45243190, 0.70286217, 4, 0.56296296, 0.90995261, 0.5, 0.79472580, 0.39736290,
                                0.16940727, 0.59540029, 0.06034145});
    assert_int_equal(s.n_gt, 4);
    assert_int_equal(s.n_pred, 8);
    assert_int_equal(s.dic_signed, 4);
}

static void absent_ids_change_best_dice_and_reference_aji_only(void **state)
{
    (void)state;
    uint32_t truth[SMALL], pred[SMALL];
    four_leaves(truth);
    eight_segments(pred);
    const pea_scores before = score_plane(truth, pred, ROWS, COLUMNS);
    for (int i = 0; i < SMALL; i++)
        truth[i] = truth[i] == 1 ? 6 : truth[i];
    const pea_scores s = score_plane(truth, pred, ROWS, COLUMNS);
    check_leaves(&s, (double[]){0.45243190, 0.46857478, 2, 0.31055901, 0.90995261, 0.5, 0.79472580, 0.39736290,
                                0.16940727, 0.59540029, 0.06034145});
    NEAR(s.aji_standard, before.aji_standard, 1e-12);
}

/* ---- random images against plain loops ---- */

static void small_random_images_score_as_plain_loops_do(void **state)
{
    (void)state;
    enum { Y = 5, X = 6, N = Y * X };
    uint64_t seed = 20220117;
    for (int turn = 0; turn < 3000; turn++) {
        uint32_t truth[N], pred[N];
        const uint32_t n_truth = 1 + test_random(&seed) % 6, n_pred = 1 + test_random(&seed) % 6;
        const uint32_t step = 1 + test_random(&seed) % 3, base = test_random(&seed) % 2;
        for (int i = 0; i < N; i++) { /* runs, so that large overlaps occur; some ids absent, some maps without 0 */
            const bool go_on = i > 0 && test_random(&seed) % 4 != 0;
            truth[i] = go_on ? truth[i - 1] : base + step * (test_random(&seed) % n_truth);
            pred[i] = go_on && test_random(&seed) % 8 != 0 ? pred[i - 1] : test_random(&seed) % n_pred;
        }
        naive_compact(pred, N); /* the reference AJI wants consecutive predictions */
        const pea_scores got = score_plane(truth, pred, Y, X);
        const pea_scores wanted = naive_score(truth, pred, N);
        const char *differs = naive_difference(&got, &wanted, 1e-12);
        if (differs)
            fail_msg("%s differs from the plain loop in turn %d", differs, turn);
    }
}

/* ---- properties ---- */

static void assert_same_scores(const pea_scores *a, const pea_scores *b)
{
    const char *differs = naive_difference(a, b, 1e-13);
    if (differs)
        fail_msg("%s differs", differs);
}

static void renaming_labels_keeps_the_standard_scores(void **state)
{
    (void)state;
    uint32_t truth[SMALL], pred[SMALL];
    four_leaves(truth);
    eight_segments(pred);
    const pea_scores before = score_plane(truth, pred, ROWS, COLUMNS);
    for (int i = 0; i < SMALL; i++) {
        truth[i] = truth[i] == 0 ? 0 : UINT32_MAX - 7 * truth[i];
        pred[i] = pred[i] == 0 ? 0 : UINT32_MAX - pred[i] * pred[i];
    }
    pea_scores after = score_plane(truth, pred, ROWS, COLUMNS);
    assert_true(after.dic_abs > 0 && after.sbd < 1e-6); /* these two read ids as counts */
    after.best_dice_pred_to_gt = before.best_dice_pred_to_gt;
    after.best_dice_gt_to_pred = before.best_dice_gt_to_pred;
    after.sbd = before.sbd;
    after.sbd_max = before.sbd_max;
    after.dic_signed = before.dic_signed;
    after.dic_abs = before.dic_abs;
    after.aji = before.aji;
    assert_same_scores(&after, &before);
}

static void exchanging_roles_exchanges_directed_scores(void **state)
{
    (void)state;
    uint32_t truth[SMALL], pred[SMALL];
    four_leaves(truth);
    nine_segments(pred); /* the same foreground, so that leaving truth 0 out leaves out the same voxels */
    const pea_scores a = score_plane(truth, pred, ROWS, COLUMNS), b = score_plane(pred, truth, ROWS, COLUMNS);
    NEAR(a.best_dice_pred_to_gt, b.best_dice_gt_to_pred, 0.0);
    NEAR(a.best_dice_gt_to_pred, b.best_dice_pred_to_gt, 0.0);
    NEAR(a.arand_precision, b.arand_recall, 0.0);
    NEAR(a.arand_recall, b.arand_precision, 0.0);
    NEAR(a.arand, b.arand, 0.0);
    NEAR(a.voi_split, b.voi_merge, 1e-14);
    NEAR(a.voi_split_all, b.voi_merge_all, 1e-14);
    NEAR(a.pq, b.pq, 1e-14);
    NEAR(a.ap_mean, b.ap_mean, 1e-14);
    NEAR(a.dice, b.dice, 0.0);
    assert_int_equal(a.dic_signed, -b.dic_signed);
}

static void equal_images_are_perfect(void **state)
{
    (void)state;
    uint32_t truth[SMALL];
    nine_segments(truth);
    const pea_scores s = score_plane(truth, truth, ROWS, COLUMNS);
    NEAR(s.sbd, 1.0, 0.0);
    NEAR(s.sbd_max, 1.0, 0.0);
    NEAR(s.aji, 1.0, 0.0);
    NEAR(s.aji_standard, 1.0, 0.0);
    NEAR(s.dice, 1.0, 0.0);
    NEAR(s.f1, 1.0, 0.0);
    NEAR(s.sq, 9.0 / (9.0 + 1e-6), 1e-15);
    NEAR(s.arand, 0.0, 0.0);
    NEAR(s.arand_precision, 1.0, 0.0);
    NEAR(s.voi, 0.0, 0.0);
    NEAR(s.voi_split_all + s.voi_merge_all, 0.0, 0.0);
    for (int k = 0; k < PEA_N_AP_THRESHOLDS; k++)
        NEAR(s.ap[k], 1.0, 0.0);
    NEAR(s.ap_mean, 1.0, 1e-15);
}

/* ---- edges of the definitions ---- */

static void all_background_scores_zero_and_no_error(void **state)
{
    (void)state;
    uint32_t truth[6] = {0}, pred[6] = {0};
    const pea_scores s = score_plane(truth, pred, 2, 3), zero = {.arand_precision = 1.0, .arand_recall = 1.0};
    assert_same_scores(&s, &zero); /* adapted Rand: nothing was to be told apart, and nothing was */
}

static void missing_all_or_inventing_all_scores_zero(void **state)
{
    (void)state;
    uint32_t nothing[4] = {0}, objects[4] = {0, 1, 1, 2};
    const pea_scores missed = score_plane(objects, nothing, 2, 2), invented = score_plane(nothing, objects, 2, 2);
    assert_true(missed.n_gt == 2 && missed.n_pred == 0 && invented.n_gt == 0 && invented.n_pred == 2);
    const pea_scores *both[] = {&missed, &invented};
    for (int i = 0; i < 2; i++) {
        NEAR(both[i]->sbd_max, 0.0, 0.0);
        NEAR(both[i]->aji, 0.0, 0.0);
        NEAR(both[i]->aji_standard, 0.0, 0.0);
        NEAR(both[i]->dice, 0.0, 0.0);
        NEAR(both[i]->f1 + both[i]->sq + both[i]->pq + both[i]->ap_mean, 0.0, 0.0);
    }
    assert_int_equal(missed.dic_signed, -2);
    NEAR(missed.voi_merge, log2(3.0) - 2.0 / 3.0, 1e-15); /* {2,1} of 3 voxels in one segment */
    NEAR(missed.arand, 1.0 - 2.0 * 2 / (2 + 6), 1e-15);
    NEAR(invented.voi, 0.0, 0.0);
}

static void single_voxels_have_scores(void **state)
{
    (void)state;
    uint32_t one[1] = {1}, background[1] = {0}, last[1] = {UINT32_MAX};
    pea_scores s = score_plane(one, last, 1, 1);
    assert_true(s.n_gt == 1 && s.n_pred == 1);
    NEAR(s.aji, 1.0, 0.0);
    NEAR(s.ap_mean, 1.0, 1e-15);
    NEAR(s.sbd, 0.0, 0.0); /* the smallest label counts as background, and there is no other */
    NEAR(s.arand, 0.0, 0.0);
    s = score_plane(background, one, 1, 1);
    NEAR(s.aji + s.pq + s.voi, 0.0, 0.0);
}

static void map_without_background_loses_its_smallest_label_in_best_dice(void **state)
{
    (void)state;
    uint32_t truth[6] = {3, 3, 4, 4, 5, 5};
    const pea_scores s = score_plane(truth, truth, 2, 3);
    NEAR(s.sbd, 1.0, 0.0);
    assert_int_equal(s.dic_abs, 0);
    assert_int_equal(s.n_gt, 3);
    uint32_t with_zero[6] = {0, 0, 1, 1, 2, 2};
    const pea_scores t = score_plane(truth, with_zero, 2, 3);
    NEAR(t.sbd, 1.0, 0.0); /* 4 and 5 are the truth's only objects */
    NEAR(t.dice, 2.0 * 4 / (6 + 4), 1e-15);
}

static void splitting_every_pair_of_voxels_is_adapted_rand_error_one(void **state)
{
    (void)state;
    uint32_t together[4] = {1, 1, 1, 1}, apart[4] = {1, 2, 3, 4};
    const pea_scores s = score_plane(together, apart, 2, 2), r = score_plane(apart, together, 2, 2);
    NEAR(s.arand, 1.0, 0.0);
    NEAR(r.arand, 1.0, 0.0);
    NEAR(s.arand_precision + s.arand_recall + r.arand_precision + r.arand_recall, 0.0, 0.0);
    NEAR(s.voi_split, 2.0, 0.0);
    NEAR(s.voi_merge, 0.0, 0.0);
}

static void exact_halves_match_once_at_half_and_never_in_panoptic_quality(void **state)
{
    (void)state;
    uint32_t whole[4] = {1, 1, 1, 1}, halves[4] = {1, 1, 2, 2};
    const pea_scores s = score_plane(whole, halves, 1, 4), r = score_plane(halves, whole, 1, 4);
    NEAR(s.ap[0], 1.0 / 2.0, 0.0); /* TP 1, FP 1, FN 0 */
    NEAR(r.ap[0], 1.0 / 2.0, 0.0);
    NEAR(s.ap[1], 0.0, 0.0);
    NEAR(s.f1 + r.f1, 0.0, 0.0); /* strictly more than half is wanted */
}

static void average_precision_counts_thresholds_that_are_met_exactly(void **state)
{
    (void)state;
    uint32_t truth[20], pred[20];
    for (int i = 0; i < 20; i++) {
        truth[i] = 1;
        pred[i] = i < 15; /* IoU 15/20: 0.75 exactly */
    }
    const pea_scores s = score_plane(truth, pred, 4, 5);
    for (int k = 0; k < PEA_N_AP_THRESHOLDS; k++)
        NEAR(s.ap[k], k <= 5 ? 1.0 : 0.0, 0.0);
    NEAR(s.ap_mean, 0.6, 1e-15);
}

static void standard_aji_uses_a_prediction_once(void **state)
{
    (void)state;
    uint32_t truth[6] = {1, 1, 1, 1, 2, 2}, pred[6] = {1, 1, 1, 1, 1, 1}; /* two truths merged */
    const pea_scores s = score_plane(truth, pred, 1, 6);
    NEAR(s.aji_standard, 4.0 / (6 + 2), 0.0); /* the second truth adds its own two voxels */
    NEAR(s.aji, 4.0 / (6 + 2), 0.0);
    uint32_t far_truth[6] = {1, 1, 0, 0, 2, 2}, far_pred[6] = {0, 0, 1, 1, 2, 2};
    const pea_scores f = score_plane(far_truth, far_pred, 1, 6);
    NEAR(f.aji_standard, 2.0 / (2 + 2 + 2), 0.0);
    NEAR(f.aji, 2.0 / (4 + 2), 0.0); /* the first truth took prediction 1, which would have been counted anyway */
}

static void largest_ids_far_apart_are_exact(void **state)
{
    (void)state;
    uint32_t truth[8] = {0, UINT32_MAX, UINT32_MAX, UINT32_MAX - 1, 0, 1, 1, UINT32_MAX};
    uint32_t pred[8] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 0, 1, 1, 0};
    const pea_scores s = score_plane(truth, pred, 2, 4);
    assert_int_equal(s.n_gt, 3);
    assert_int_equal(s.n_pred, 2);
    assert_int_equal(s.dic_signed, 0);
    NEAR(s.best_dice_gt_to_pred, (2.0 * 2 / 6 + 1.0) / (double)UINT32_MAX, 1e-24);
    NEAR(s.aji_standard, (2.0 + 2.0) / (2 + 4 + 1), 1e-15);
}

static void volumes_are_scored_as_one_image(void **state)
{
    (void)state;
    uint32_t truth[SMALL], pred[SMALL];
    pea_error err;
    four_leaves(truth);
    eight_segments(pred);
    const pea_scores plane = score_plane(truth, pred, ROWS, COLUMNS);
    const pea_array g = labels_of(truth, 4, 3, COLUMNS), p = labels_of(pred, 4, 3, COLUMNS);
    pea_scores volume;
    assert_ok(pea_score(&g, &p, NULL, &volume, &err));
    assert_memory_equal(&plane, &volume, sizeof plane);
}

/* ---- what cannot be scored, and what fails ---- */

static void images_that_do_not_fit_are_refused_in_words(void **state)
{
    (void)state;
    uint32_t data[8] = {0};
    pea_error err;
    pea_scores scores;
    pea_array g = labels_of(data, 1, 2, 4), p = labels_of(data, 1, 4, 2);
    assert_fails(pea_score(&g, &p, NULL, &scores, &err), PEA_E_SHAPE, "truth is 1 x 2 x 4");
    p = g;
    p.dtype = PEA_FLOAT32;
    assert_fails(pea_score(&g, &p, NULL, &scores, &err), PEA_E_DTYPE, "prediction must be uint32");
    p = (pea_array){data, PEA_UINT32, {1, 1, 4, 2}};
    assert_fails(pea_score(&p, &p, NULL, &scores, &err), PEA_E_SHAPE, "1 channel");
    p = (pea_array){data, PEA_UINT32, {1, 0, 4, 1}};
    assert_fails(pea_score(&p, &p, NULL, &scores, &err), PEA_E_SHAPE, "at least 1");
    assert_fails(pea_score(&g, NULL, NULL, &scores, &err), PEA_E_ARG, "prediction is missing");
    assert_fails(pea_score(&g, &g, NULL, NULL, &err), PEA_E_ARG, "scores");
    assert_int_equal(pea_score(&g, &p, NULL, &scores, NULL), PEA_E_SHAPE);
}

static pea_status score(void *arrays, pea_error *err)
{
    const pea_array *a = arrays;
    pea_scores scores;
    return pea_score(&a[0], &a[1], NULL, &scores, err);
}

static void every_refused_allocation_is_an_error_without_a_leak(void **state)
{
    (void)state;
    uint32_t truth[SMALL], pred[SMALL];
    four_leaves(truth);
    eight_segments(pred);
    pea_array arrays[] = {labels_of(truth, 1, ROWS, COLUMNS), labels_of(pred, 1, ROWS, COLUMNS)};
    assert_true(test_each_allocation_failing(score, arrays, 100) > 16);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(scores_equal_those_of_scikit_image_and_the_papers_code),
    cmocka_unit_test(leaves_and_their_segments_have_the_reference_scores),
    cmocka_unit_test(absent_ids_change_best_dice_and_reference_aji_only),
    cmocka_unit_test(small_random_images_score_as_plain_loops_do),
    cmocka_unit_test(renaming_labels_keeps_the_standard_scores),
    cmocka_unit_test(exchanging_roles_exchanges_directed_scores),
    cmocka_unit_test(equal_images_are_perfect),
    cmocka_unit_test(all_background_scores_zero_and_no_error),
    cmocka_unit_test(missing_all_or_inventing_all_scores_zero),
    cmocka_unit_test(single_voxels_have_scores),
    cmocka_unit_test(map_without_background_loses_its_smallest_label_in_best_dice),
    cmocka_unit_test(splitting_every_pair_of_voxels_is_adapted_rand_error_one),
    cmocka_unit_test(exact_halves_match_once_at_half_and_never_in_panoptic_quality),
    cmocka_unit_test(average_precision_counts_thresholds_that_are_met_exactly),
    cmocka_unit_test(standard_aji_uses_a_prediction_once),
    cmocka_unit_test(largest_ids_far_apart_are_exact),
    cmocka_unit_test(volumes_are_scored_as_one_image),
    cmocka_unit_test(images_that_do_not_fit_are_refused_in_words),
    cmocka_unit_test(every_refused_allocation_is_an_error_without_a_leak),
};

PEA_TEST_MAIN(tests)
