/* settle.c - what a model normalises by, measured over images as they are.
 *
 * Running statistics are those of what was trained on: greys changed, places cut out, now as one view and now as the
 * other. The images that a model is for are nothing of that, and a norm that takes the one for the other shifts all that
 * follows: greys that were changed have two to three times the variance. So the finished weights see parts of images as
 * they are. Each batch is normalised by itself, as in training; the statistics are those of all batches together.
 * Source: Wu and Johnson, 2021, "Rethinking Batch in BatchNorm", section 3.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/teacher.h"

/* Joins batch i = 0, 1 ... to those before it. statistics: laid out as moments; those of what is frozen stay. */
static void join(const pea__trainee *net, int64_t i, double *statistics)
{
    const double share = 1.0 / (double)(i + 1);
    for (int l = 0; l < net->n_lessons; l++) {
        const pea__lesson *lesson = &net->lessons[l];
        const int64_t channels = net->values[lesson->in].channels;
        if (lesson->kind != PEA__LESSON_NORM || lesson->frozen)
            continue;
        for (int k = 0; k < (lesson->in_2 ? 2 : 1); k++)
            for (int64_t c = lesson->moments[k]; c < lesson->moments[k] + channels; c++) {
                double *mean = statistics + c, *variance = mean + channels;
                const double away = (double)net->moments[c] - *mean;
                *mean += share * away;
                *variance += share * ((double)net->moments[c + channels] - *variance + (1.0 - share) * away * away);
            }
    }
}

static pea_status see_all(pea__teacher *t, const pea__plain_views *views, double *statistics, pea_error *err)
{
    pea_status status = PEA_OK;
    t->trainee->run.from = t->trainee->run.to; /* no progress of its own */
    for (int64_t i = 0; i < views->n_batches && status == PEA_OK; i++) {
        const float *view = NULL;
        status = views->next(views->user, i, &view, err);
        if (status == PEA_OK)
            status = pea__trainee_forward(t->trainee, view, err);
        if (status == PEA_OK)
            join(t->trainee, i, statistics);
    }
    return status;
}

pea_status pea__teacher_settled_weights(pea__teacher *t, bool averaged, const pea__plain_views *views,
                                        const pea_weights *like, pea_weights **weights, pea_error *err)
{
    pea__trainee *net = t->trainee;
    float *const own = net->parameters, *const parameters = averaged ? t->average : own;
    const int64_t n = net->n_moments;
    *weights = NULL;
    if (!parameters)
        return pea__fail(err, PEA_E_ARG, "there are no averaged weights: the curriculum asks for none");
    const float *running = averaged ? t->average + net->n_parameters : net->running;
    double *measured = pea__alloc((size_t)n, sizeof *measured, err);
    float *statistics = measured ? pea__alloc((size_t)n, sizeof *statistics, err) : NULL;
    pea_status status = statistics ? PEA_OK : PEA_E_NOMEM;
    for (int64_t i = 0; i < n && status == PEA_OK; i++)
        measured[i] = (double)running[i];
    net->parameters = parameters;
    if (status == PEA_OK)
        status = see_all(t, views, measured, err);
    net->parameters = own;
    for (int64_t i = 0; i < n && status == PEA_OK; i++)
        statistics[i] = (float)measured[i];
    if (status == PEA_OK)
        status = pea__trainee_weights(net, parameters, statistics, like, weights, err);
    pea__free(measured);
    pea__free(statistics);
    return status;
}
