/* test_names.c - every score has a name, a place and words.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/metric.h"
#include "test.h"

static size_t find(const char *key)
{
    size_t i = 0;
    while (i < pea_score_count() && strcmp(pea_score_get_item(i).key, key) != 0)
        i++;
    assert_true(i < pea_score_count());
    return i;
}

static void every_score_is_listed_once(void **state)
{
    (void)state;
    assert_int_equal(pea_score_count(), sizeof(pea_scores) / sizeof(double) - PEA_N_AP_THRESHOLDS); /* no padding */
    for (size_t i = 0; i < pea_score_count(); i++) {
        assert_true(pea_score_get_item(i).words[0]);
        assert_int_equal(find(pea_score_get_item(i).key), i);
    }
}

static void the_name_leads_to_the_value(void **state)
{
    const pea_scores scores = {.n_gt = 3, .n_pred = 5, .dic_signed = -2, .aji = 0.25, .arand_recall = 0.75, .pq = 0.5};
    (void)state;
    assert_true(pea_score_value(&scores, find("n_gt")) == 3 && pea_score_get_item(find("n_gt")).is_count);
    assert_true(pea_score_value(&scores, find("n_pred")) == 5);
    assert_true(pea_score_value(&scores, find("dic_signed")) == -2);
    assert_true(pea_score_value(&scores, find("aji")) == 0.25 && !pea_score_get_item(find("aji")).is_count);
    assert_true(pea_score_value(&scores, find("pq")) == 0.5);
    assert_true(pea_score_value(&scores, find("arand_recall")) == 0.75);
}

static void beyond_the_last_there_is_nothing(void **state)
{
    const pea_scores scores = {0};
    (void)state;
    assert_null(pea_score_get_item(pea_score_count()).key);
    assert_true(pea_score_value(&scores, SIZE_MAX) == 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_score_is_listed_once),
    cmocka_unit_test(the_name_leads_to_the_value),
    cmocka_unit_test(beyond_the_last_there_is_nothing),
};

PEA_TEST_MAIN(tests)
