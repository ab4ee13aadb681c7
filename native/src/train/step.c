/* step.c - one step of training: what two views of a batch say about a network, and what it learns of that.
 *
 * The second view goes first: only its embedding and its statistics are kept, and what the first view leaves is there
 * for the way back.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/teacher.h"

#include <math.h>
#include <string.h>

/* Shares of a step's time, for progress. */
static const double second_done = 0.25, first_done = 0.5, losses_done = 0.55;

static void set_share(pea__teacher *t, double from, double to)
{
    t->trainee->run.from = from;
    t->trainee->run.to = to;
}

/* Leaves its embedding, and statistics for a later update. */
static pea_status see_second_view(pea__teacher *t, const pea__sample *sample, pea_error *err)
{
    pea__trainee *net = t->trainee;
    const int head = t->heads[0];
    set_share(t, 0.0, second_done);
    const pea_status status = pea__trainee_forward(net, sample->second_view, err);
    if (status != PEA_OK)
        return status;
    memcpy(t->second_moments, net->moments, (size_t)net->n_moments * sizeof *net->moments);
    set_share(t, second_done, second_done);
    return pea__view_undo(&net->run, net->batch, pea__teacher_channels(t, head), sample->flips,
                          pea__trainee_head(net, head), t->second, err);
}

static pea_status both_views(pea__teacher *t, const pea__sample *sample, pea_error *err)
{
    const bool has_second = sample->second_view && t->second;
    const pea_status status = has_second ? see_second_view(t, sample, err) : PEA_OK;
    set_share(t, has_second ? second_done : 0.0, first_done);
    return status == PEA_OK ? pea__trainee_forward(t->trainee, sample->view, err) : status;
}

/* ---- losses ---- */

/* Adds the loss with its factor to the total, and without it to *loss. */
static pea_status affinity_term(pea__teacher *t, const pea__truth_edges *edges, int head, const float *partner,
                                double factor, double *loss, pea__losses *losses, pea_error *err)
{
    double weighted = 0.0;
    if (factor == 0.0)
        return PEA_OK;
    const pea__affinity_loss_of of = {pea__trainee_head(t->trainee, head), partner, pea__teacher_channels(t, head),
                                      factor};
    const pea__run run = pea__trainee_loss_run(t->trainee);
    const pea_status status = pea__affinity_loss(&run, edges, &of, pea__trainee_head_gradient(t->trainee, head),
                                                 &weighted, err);
    *loss += weighted / factor;
    losses->total += weighted;
    return status;
}

static void clear_gradient(pea__teacher *t, int head, int level)
{
    const int64_t floats = pea__batch_voxels(pea__teacher_batch(t, level)) * pea__teacher_channels(t, head);
    memset(pea__trainee_head_gradient(t->trainee, head), 0, (size_t)floats * sizeof(float));
}

static pea_status teach_level(pea__teacher *t, const pea__sample *sample, int level, pea__losses *losses,
                              pea_error *err)
{
    const int head = t->heads[level];
    const pea__truth_edges edges = pea__teacher_edges(t, level);
    if (head < 0)
        return PEA_OK;
    clear_gradient(t, head, level);
    pea__labels_shrink(t->trainee->batch, sample->labels, (int64_t)1 << level, t->coarse);
    pea_status status = pea__balance_edges(&t->trainee->run, &edges, t->balance, err);
    if (status == PEA_OK)
        status = affinity_term(t, &edges, head, NULL, t->curriculum.self[level], &losses->self[level], losses, err);
    if (status == PEA_OK && level == 0 && sample->second_view)
        status = affinity_term(t, &edges, head, t->second, t->curriculum.cross, &losses->cross, losses, err);
    return status;
}

static pea_status teach_foreground(pea__teacher *t, const pea__sample *sample, pea__losses *losses, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    const int head = t->foreground_head;
    double weighted = 0.0;
    if (head < 0)
        return PEA_OK;
    clear_gradient(t, head, 0);
    const pea__run run = pea__trainee_loss_run(net);
    const pea_status status = pea__foreground_loss(&run, net->batch, sample->labels, pea__trainee_head(net, head),
                                                   t->curriculum.foreground, pea__trainee_head_gradient(net, head),
                                                   &weighted, err);
    losses->foreground = weighted / t->curriculum.foreground;
    losses->total += weighted;
    return status;
}

/* After teach_level(), which has cleared the gradient. */
static pea_status teach_distance(pea__teacher *t, const pea__sample *sample, pea__losses *losses, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    const pea__curriculum *c = &t->curriculum;
    const int head = t->heads[0];
    double weighted = 0.0;
    if (c->distance == 0.0)
        return PEA_OK;
    const pea__run run = pea__trainee_loss_run(net);
    const pea_status status = pea__distance_loss(&run, net->batch, sample->labels, pea__trainee_head(net, head),
                                                 pea__teacher_channels(t, head), c->background_is_instance, c->distance,
                                                 pea__trainee_head_gradient(net, head), &weighted, err);
    losses->distance = weighted / c->distance;
    losses->total += weighted;
    return status;
}

static pea_status teach_affinity(pea__teacher *t, const pea__sample *sample, pea__losses *losses, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    const int head = t->affinity_head;
    pea__truth_edges edges = pea__teacher_edges(t, 0);
    double weighted = 0.0;
    if (head < 0)
        return PEA_OK;
    edges.labels = sample->labels;
    const pea__run run = pea__trainee_loss_run(net);
    pea_status status = pea__balance_edges(&run, &edges, t->balance, err);
    if (status == PEA_OK)
        status = pea__prediction_loss(&run, &edges, pea__trainee_head(net, head), t->curriculum.affinity,
                                      pea__trainee_head_gradient(net, head), &weighted, err);
    losses->affinity = weighted / t->curriculum.affinity;
    losses->total += weighted;
    return status;
}

static pea_status teach(pea__teacher *t, const pea__sample *sample, pea__losses *losses, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int level = 0; level < PEA__LEVELS && status == PEA_OK; level++) {
        const double each = (losses_done - first_done) / PEA__LEVELS;
        set_share(t, first_done + level * each, first_done + (level + 1) * each);
        status = teach_level(t, sample, level, losses, err);
    }
    set_share(t, losses_done, losses_done);
    if (status == PEA_OK)
        status = teach_foreground(t, sample, losses, err);
    if (status == PEA_OK)
        status = teach_affinity(t, sample, losses, err);
    if (status == PEA_OK)
        status = teach_distance(t, sample, losses, err);
    return status;
}

pea_status pea__teacher_gradients(pea__teacher *t, const pea__sample *sample, pea__losses *losses, pea_error *err)
{
    pea__trainee *net = t->trainee;
    *losses = (pea__losses){.total = 0.0};
    pea_status status = both_views(t, sample, err);
    if (status == PEA_OK)
        status = teach(t, sample, losses, err);
    set_share(t, losses_done, 1.0);
    if (status == PEA_OK)
        status = pea__trainee_backward(net, err);
    if (status != PEA_OK)
        return status;
    pea__trainee_update_running(net, net->moments, t->curriculum.momentum);
    if (sample->second_view && t->second)
        pea__trainee_update_running(net, t->second_moments, t->curriculum.momentum);
    return PEA_OK;
}

/* ---- the update ---- */

/* Parameters of lessons one behind the other that went back. */
static pea_status update_range(pea__teacher *t, const pea__run *run, int64_t first, int64_t end, double rate,
                               double factor, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    const pea__moments m = t->moments;
    const pea__moments part = {m.first + first, m.second ? m.second + first : NULL,
                               m.largest ? m.largest + first : NULL};
    return pea__optimiser_step(run, &t->curriculum.optimiser, t->n_steps, rate, factor, end - first,
                               net->gradients + first, &part, net->parameters + first, err);
}

static pea_status update_parameters(pea__teacher *t, const pea__run *run, double rate, double factor, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    pea_status status = PEA_OK;
    for (int i = 0; i < net->n_lessons && status == PEA_OK;) {
        const pea__lesson *lesson = &net->lessons[i++];
        if (!lesson->goes_back || lesson->n_parameters == 0)
            continue;
        int64_t end = lesson->parameters[0] + lesson->n_parameters;
        for (; i < net->n_lessons && (net->lessons[i].goes_back || net->lessons[i].n_parameters == 0); i++)
            end += net->lessons[i].n_parameters;
        status = update_range(t, run, lesson->parameters[0], end, rate, factor, err);
    }
    return status;
}

static pea_status update_average(pea__teacher *t, const pea__run *run, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    const double decay = fmin(t->curriculum.average, (1.0 + (double)t->n_steps) / (10.0 + (double)t->n_steps));
    pea_status status = PEA_OK;
    if (t->average)
        status = pea__average_step(run, decay, net->n_parameters, net->parameters, t->average, err);
    if (t->average && status == PEA_OK)
        status = pea__average_step(run, decay, net->n_moments, net->running, t->average + net->n_parameters, err);
    return status;
}

pea_status pea__teacher_update(pea__teacher *t, double rate, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    const double longest = t->curriculum.longest_gradient;
    double factor = 1.0;
    set_share(t, 1.0, 1.0);
    pea__run run = pea__trainee_loss_run(net);
    pea_status status = PEA_OK;
    if (longest > 0.0)
        status = pea__clip_factor(&run, net->n_parameters, net->gradients, longest, &factor, err);
    if (status != PEA_OK)
        return status;
    t->n_steps++;
    run.context = NULL; /* what is begun is done */
    status = update_parameters(t, &run, rate, factor, err);
    return status == PEA_OK ? update_average(t, &run, err) : status;
}
