/* score.c - one table of overlaps, then every family of scores from it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

#include <inttypes.h>

static pea__metric_fn *const metrics[] = {
#define PEA__METRIC(name) pea__score_##name,
#include "metric/metrics.def"
#undef PEA__METRIC
};

static pea_status check(const pea_array *truth, const pea_array *prediction, pea_error *err)
{
    pea_status status = pea__array_check(truth, "truth", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__array_check(prediction, "prediction", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__same_space(truth, "truth", prediction, "prediction", err);
    if (status == PEA_OK && (truth->dims.c != 1 || prediction->dims.c != 1))
        status = pea__fail(err, PEA_E_SHAPE,
                           "label images must have 1 channel, truth has %" PRId64 " and prediction %" PRId64,
                           truth->dims.c, prediction->dims.c);
    return status;
}

static int64_t count_objects(const pea__segment *segments, size_t n)
{
    return (int64_t)n - (segments[0].id == 0); /* background can only come first */
}

pea_status pea_score(const pea_array *truth, const pea_array *prediction, pea_context *context, pea_scores *scores,
                     pea_error *err)
{
    pea_status status = check(truth, prediction, err);
    if (status != PEA_OK)
        return status;
    if (!scores)
        return pea__fail(err, PEA_E_ARG, "there must be a place for the scores");
    pea__contingency table;
    pea_scores result = {0};
    pea__stage(context, "score");
    status = pea__contingency_count(truth, prediction, context, &table, err);
    if (status == PEA_OK) {
        result.n_gt = count_objects(table.truth, table.n_truth);
        result.n_pred = count_objects(table.pred, table.n_pred);
    }
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0] && status == PEA_OK; i++) {
        status = pea__progress(context, 0.95, err);
        if (status == PEA_OK)
            status = metrics[i](&table, &result, err);
    }
    pea__contingency_free(&table);
    pea__stage(context, NULL);
    if (status == PEA_OK)
        *scores = result;
    return status;
}
