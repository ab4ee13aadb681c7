/* test_contingency.c - the table of overlaps: exact, sorted, the same for any number of threads, within its memory.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "metric/metric.h"

static pea_array labels_of(uint32_t *data, int64_t y, int64_t x)
{
    return (pea_array){data, PEA_UINT32, {1, y, x, 1}};
}

static pea_context *context_with(int n_threads, uint64_t memory_limit_bytes, pea_progress_fn *progress)
{
    pea_error err;
    pea_context *context;
    pea_context_options options = pea_context_options_default();
    options.n_threads = n_threads;
    options.memory_limit_bytes = memory_limit_bytes;
    options.progress = progress;
    assert_ok(pea_context_new(&options, &context, &err));
    return context;
}

static void cells_ascend_and_hold_every_pair_once(void **state)
{
    (void)state;
    uint32_t truth[8] = {9, 0, 9, UINT32_MAX, 0, 9, 9, UINT32_MAX}, pred[8] = {5, 0, 1u << 31, 0, 7, 5, 5, 0};
    const pea_array g = labels_of(truth, 2, 4), p = labels_of(pred, 2, 4);
    pea__contingency table;
    pea_error err;
    assert_ok(pea__contingency_count(&g, &p, NULL, &table, &err));
    const pea__segment truths[] = {{0, 2}, {9, 4}, {UINT32_MAX, 2}};
    const pea__segment preds[] = {{0, 3}, {5, 3}, {7, 1}, {1u << 31, 1}};
    const pea__cell cells[] = {{0, 0, 1}, {0, 2, 1}, {1, 1, 3}, {1, 3, 1}, {2, 0, 2}};
    assert_int_equal(table.n_truth, 3);
    assert_int_equal(table.n_pred, 4);
    assert_int_equal(table.n_cells, 5);
    for (size_t i = 0; i < 3; i++)
        assert_true(table.truth[i].id == truths[i].id && table.truth[i].n_voxels == truths[i].n_voxels);
    for (size_t i = 0; i < 4; i++)
        assert_true(table.pred[i].id == preds[i].id && table.pred[i].n_voxels == preds[i].n_voxels);
    assert_memory_equal(table.cells, cells, sizeof cells);
    pea__contingency_free(&table);
    pea__contingency_free(&table); /* twice is fine */
}

enum { Y = 1500, X = 2100 }; /* four chunks */

/* Squares of 10 and of 9 pixels, so that each meets several. Sparse ids. */
static void make_squares(uint32_t *truth, uint32_t *pred)
{
    for (int64_t y = 0; y < Y; y++)
        for (int64_t x = 0; x < X; x++) {
            const uint32_t t = (uint32_t)(y / 10 * 300 + x / 10), p = (uint32_t)(y / 9 * 300 + x / 9);
            truth[y * X + x] = t % 5 == 0 ? 0 : t * 40503u;
            pred[y * X + x] = p % 7 == 0 ? 0 : UINT32_MAX - p * 3u;
        }
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    uint32_t *truth = malloc(Y * X * sizeof *truth), *pred = malloc(Y * X * sizeof *pred);
    make_squares(truth, pred);
    const pea_array g = labels_of(truth, Y, X), p = labels_of(pred, Y, X);
    pea_error err;
    pea_scores alone, together;
    assert_ok(pea_score(&g, &p, NULL, &alone, &err));
    assert_true(alone.n_gt > 20000 && alone.voi > 0.1);
    static const int n_threads[] = {1, 2, 7};
    for (size_t i = 0; i < 3; i++) {
        pea_context *context = context_with(n_threads[i], 0, NULL);
        memset(&together, 0x55, sizeof together);
        assert_ok(pea_score(&g, &p, context, &together, &err));
        assert_memory_equal(&alone, &together, sizeof alone);
        pea_context_free(context);
    }
    free(truth);
    free(pred);
}

static int stop_at_once(void *user, const char *stage, double fraction)
{
    (void)user;
    (void)fraction;
    assert_string_equal(stage, "score");
    return 1;
}

static void limit_cancelling_and_failing_workers_end_in_words(void **state)
{
    (void)state;
    uint32_t *truth = malloc(Y * X * sizeof *truth), *pred = malloc(Y * X * sizeof *pred);
    make_squares(truth, pred);
    const pea_array g = labels_of(truth, Y, X), p = labels_of(pred, Y, X);
    pea_error err;
    pea_scores scores;
    const size_t live = pea__alloc_live(); /* compared without a context: its threads free what started them */
    pea_context *context = context_with(2, 1 << 20, NULL);
    assert_fails(pea_score(&g, &p, context, &scores, &err), PEA_E_LIMIT, "raise the memory limit");
    pea_context_free(context);
    assert_int_equal(pea__alloc_live(), live);

    context = context_with(2, 0, stop_at_once);
    assert_fails(pea_score(&g, &p, context, &scores, &err), PEA_E_CANCELLED, "cancelled");
    pea_context_free(context);
    assert_int_equal(pea__alloc_live(), live);

    pea_status status = PEA_E_NOMEM;
    for (size_t n = 1; status != PEA_OK; n++) { /* tables grow inside workers: their failures must come out */
        err = (pea_error){0};
        context = context_with(2, 0, NULL);
        pea__alloc_fail_at(n, n % 2);
        status = pea_score(&g, &p, context, &scores, &err);
        pea__alloc_fail_at(0, false);
        pea_context_free(context);
        assert_int_equal(pea__alloc_live(), live);
        assert_true(status == PEA_OK || (status == PEA_E_NOMEM && err.message[0] != '\0'));
        assert_true(n < 100);
    }
    free(truth);
    free(pred);
}

static void a_pair_for_every_voxel_is_counted(void **state)
{
    (void)state;
    enum { N = 70000 };
    uint32_t *truth = malloc(N * sizeof *truth), *pred = malloc(N * sizeof *pred);
    for (uint32_t i = 0; i < N; i++) {
        truth[i] = i;
        pred[i] = i * 2654435761u; /* odd factor: all different */
    }
    const pea_array g = labels_of(truth, 7, N / 7), p = labels_of(pred, 7, N / 7);
    pea__contingency table;
    pea_error err;
    assert_ok(pea__contingency_count(&g, &p, NULL, &table, &err));
    assert_int_equal(table.n_truth, N);
    assert_int_equal(table.n_pred, N);
    assert_int_equal(table.n_cells, N);
    for (size_t i = 0; i < N; i++) {
        const pea__cell cell = table.cells[i];
        assert_true(cell.n_voxels == 1 && table.truth[cell.truth].id == i);
        assert_true(table.pred[cell.pred].id == (uint32_t)i * 2654435761u);
    }
    pea__contingency_free(&table);
    free(truth);
    free(pred);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cells_ascend_and_hold_every_pair_once),
    cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
    cmocka_unit_test(limit_cancelling_and_failing_workers_end_in_words),
    cmocka_unit_test(a_pair_for_every_voxel_is_counted),
};

PEA_TEST_MAIN(tests)
