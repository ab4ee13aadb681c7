/* settle.c - what a model normalises by, measured over images as they are.
 *
 * Running statistics are those of what was trained on: greys changed, places cut out, now as one view and now as the other.
 * The images that a model is for are nothing of that, and a norm that takes the one for the other shifts all that follows:
 * greys that were changed have two to three times the variance. So the finished weights see parts of images as they are. Each
 * batch is normalised by itself, as in training; means and squares of all batches together make the statistics.
 * Source: Wu and Johnson, 2021, "Rethinking Batch in BatchNorm", section 3.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/teacher.h"

#include <math.h>
#include <string.h>

/* Adds what one batch says: sums[] is laid out as moments are, with squares in place of variances. */
static void add_batch(const pea__trainee *net, double *sums)
{
    for (int i = 0; i < net->n_lessons; i++) {
        const pea__lesson *lesson = &net->lessons[i];
        const int64_t channels = net->values[lesson->in].channels;
        for (int k = 0; lesson->kind == PEA__LESSON_NORM && !lesson->frozen && k < (lesson->in_2 ? 2 : 1); k++)
            for (int64_t c = lesson->moments[k]; c < lesson->moments[k] + channels; c++) {
                const double mean = (double)net->moments[c];
                sums[c] += mean;
                sums[c + channels] += (double)net->moments[c + channels] + mean * mean;
            }
    }
}

/* Statistics of what is frozen stay. */
static void finish(const pea__trainee *net, const double *sums, double n_batches, float *statistics)
{
    for (int i = 0; i < net->n_lessons; i++) {
        const pea__lesson *lesson = &net->lessons[i];
        const int64_t channels = net->values[lesson->in].channels;
        for (int k = 0; lesson->kind == PEA__LESSON_NORM && !lesson->frozen && k < (lesson->in_2 ? 2 : 1); k++)
            for (int64_t c = lesson->moments[k]; c < lesson->moments[k] + channels; c++) {
                const double mean = sums[c] / n_batches;
                statistics[c] = (float)mean;
                statistics[c + channels] = (float)fmax(0.0, sums[c + channels] / n_batches - mean * mean);
            }
    }
}

static pea_status see_all(pea__teacher *t, const pea__plain_views *views, double *sums, pea_error *err)
{
    pea_status status = PEA_OK;
    t->trainee->run.from = t->trainee->run.to; /* no progress of its own */
    for (int64_t i = 0; i < views->n_batches && status == PEA_OK; i++) {
        const float *view = NULL;
        status = views->next(views->user, i, &view, err);
        if (status == PEA_OK)
            status = pea__trainee_forward(t->trainee, view, err);
        if (status == PEA_OK)
            add_batch(t->trainee, sums);
    }
    return status;
}

/* statistics: where they go. */
static pea_status measure(pea__teacher *t, const pea__plain_views *views, double *sums, float *statistics,
                          pea_error *err)
{
    const pea_status status = see_all(t, views, sums, err);
    if (status == PEA_OK)
        finish(t->trainee, sums, (double)views->n_batches, statistics);
    return status;
}

pea_status pea__teacher_settled_weights(pea__teacher *t, bool averaged, const pea__plain_views *views,
                                        const pea_weights *like, pea_weights **weights, pea_error *err)
{
    pea__trainee *net = t->trainee;
    float *const own = net->parameters, *const parameters = averaged ? t->average : own;
    const size_t n = (size_t)net->n_moments;
    *weights = NULL;
    if (!parameters)
        return pea__fail(err, PEA_E_ARG, "there are no averaged weights: the curriculum asks for none");
    double *sums = pea__alloc(n, sizeof *sums, err);
    float *statistics = sums ? pea__alloc(n, sizeof *statistics, err) : NULL;
    pea_status status = statistics ? PEA_OK : PEA_E_NOMEM;
    if (status == PEA_OK) {
        memcpy(statistics, averaged ? t->average + net->n_parameters : net->running, n * sizeof *statistics);
        net->parameters = parameters;
        status = measure(t, views, sums, statistics, err);
        net->parameters = own;
    }
    if (status == PEA_OK)
        status = pea__trainee_weights(net, parameters, statistics, like, weights, err);
    pea__free(sums);
    pea__free(statistics);
    return status;
}
