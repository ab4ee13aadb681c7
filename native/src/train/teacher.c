/* teacher.c - what is taught and with what memory; all that must be kept for a later day.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/teacher.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- curricula ---- */

pea_status pea__curriculum_plane(const int *shifts, size_t n_shifts, int neighbours, double foreground,
                                 pea__curriculum *curriculum, pea_error *err)
{
    *curriculum = (pea__curriculum){.n_axes = 2, .self = {1.0, 1.0, 1.0, 1.0, 1.0}, .cross = 1.0,
                                    .foreground = foreground, .optimiser = pea__optimiser_default(), .momentum = 0.1};
    if (n_shifts < PEA__LEVELS)
        return pea__fail(err, PEA_E_ARG, "there must be at least %d shifts, are %zu", (int)PEA__LEVELS, n_shifts);
    pea_status status = PEA_OK;
    for (size_t level = 0; level < PEA__LEVELS && status == PEA_OK; level++)
        status = pea_offsets_from_shifts(shifts, level == 0 ? n_shifts : PEA__LEVELS - level, neighbours,
                                         &curriculum->offsets[level], err);
    return status;
}

pea__curriculum pea__curriculum_volume(void)
{
    pea__curriculum made = {.n_axes = 3, .self = {1.0, 1.0, 1.0, 1.0, 1.0}, .cross = 1.0,
                            .optimiser = pea__optimiser_default(), .momentum = 0.001};
    for (int level = 0; level < PEA__LEVELS; level++) {
        made.offsets[level] = pea_offsets_3d_default();
        if (level > 0)
            made.offsets[level].n = 3;
    }
    return made;
}

/* ---- which outputs ---- */

static pea_status find_head(const pea__teacher *t, const char *beginning, int level, double factor, int *head,
                            pea_error *err)
{
    *head = factor > 0.0 ? pea__trainee_head_at(t->trainee, beginning, 1 << level) : -1;
    if (factor > 0.0 && *head < 0)
        return pea__fail(err, PEA_E_FORMAT, "the network has no output %s at 1/%d of the resolution, which a loss asks "
                         "for: switch the loss off", beginning, 1 << level);
    return PEA_OK;
}

/* Each offset must have a channel. */
static pea_status check_affinity(const pea__teacher *t, pea_error *err)
{
    const int64_t n = (int64_t)t->curriculum.offsets[0].n;
    if (t->affinity_head < 0 || pea__teacher_channels(t, t->affinity_head) == n)
        return PEA_OK;
    return pea__fail(err, PEA_E_FORMAT, "the output affinity has %" PRId64 " channels, there are %" PRId64 " offsets",
                     pea__teacher_channels(t, t->affinity_head), n);
}

static pea_status find_heads(pea__teacher *t, pea_error *err)
{
    const pea__curriculum *c = &t->curriculum;
    pea_status status = find_head(t, "foreground", 0, c->foreground, &t->foreground_head, err);
    if (status == PEA_OK)
        status = find_head(t, "affinity", 0, c->affinity, &t->affinity_head, err);
    if (status == PEA_OK)
        status = check_affinity(t, err);
    for (int level = 0; level < PEA__LEVELS && status == PEA_OK; level++)
        status = find_head(t, "emb", level, c->self[level] + (level == 0 ? c->cross + c->distance : 0.0),
                           &t->heads[level], err);
    return status;
}

static pea_status plan(pea__teacher *t, int64_t loss_floats, pea_error *err)
{
    const pea__curriculum *c = &t->curriculum;
    const int others[2] = {t->foreground_head, t->affinity_head};
    bool taught[PEA__MAX_HEADS] = {false}, some = false;
    for (int i = 0; i < PEA__LEVELS + 2; i++) {
        const int head = i < PEA__LEVELS ? t->heads[i] : others[i - PEA__LEVELS];
        if (head >= 0)
            some = taught[head] = true;
    }
    if (!some)
        return pea__fail(err, PEA_E_ARG, "no loss is switched on: there is nothing to learn");
    return pea__trainee_plan(t->trainee, taught, c->freeze_encoder, loss_floats, err);
}

/* ---- memory ---- */

/* Floats that the losses and clipping need. */
static pea_status count_work(const pea__teacher *t, int64_t *loss_floats, pea_error *err)
{
    const int n_workers = pea__workers(t->trainee->run.context);
    static const float some = 0.0f; /* stands for a partner, where there will be one */
    int64_t floats = pea__clip_work(t->trainee->n_parameters);
    floats = pea__max_i64(floats, pea__foreground_loss_work(t->trainee->batch));
    floats = pea__max_i64(floats, pea__prediction_loss_work(t->trainee->batch, n_workers));
    for (int level = 0; level < PEA__LEVELS; level++) {
        const pea__truth_edges edges = pea__teacher_edges(t, level);
        const int head = t->heads[level];
        const pea__affinity_loss_of of = {.partner = level == 0 && t->curriculum.cross > 0.0 ? &some : NULL,
                                          .channels = head < 0 ? 1 : pea__teacher_channels(t, head)};
        const int64_t more = pea__affinity_loss_work(&edges, &of, n_workers);
        if (more < 0)
            return pea__fail(err, PEA_E_LIMIT, "the batch is too large for its losses: take fewer or smaller images");
        floats = pea__max_i64(floats, more);
    }
    if (t->curriculum.distance > 0.0)
        floats = pea__max_i64(floats, pea__distance_loss_work(t->trainee->batch, pea__teacher_channels(t, t->heads[0]),
                                                              n_workers));
    *loss_floats = floats;
    return PEA_OK;
}

/* Which arrays of so many parameters an optimiser keeps. */
static int n_moments(const pea__curriculum *c)
{
    return c->optimiser.method != PEA__ADAM ? 1 : c->optimiser.amsgrad ? 3 : 2;
}

static int64_t second_floats(const pea__teacher *t)
{
    return t->curriculum.cross > 0.0 ? pea__batch_voxels(t->trainee->batch) * pea__teacher_channels(t, t->heads[0]) : 0;
}

/* No sum overflows: the plan knows that the arena, which is larger, can be counted. */
static uint64_t bytes_of(const pea__teacher *t)
{
    const pea__trainee *net = t->trainee;
    const bool averages = t->curriculum.average > 0.0;
    const int64_t of_parameters = net->n_parameters * (2 + n_moments(&t->curriculum) + averages);
    const int64_t of_moments = net->n_moments * (3 + averages + 3); /* the last: of settle.c */
    const int64_t floats = net->arena_floats + of_parameters + of_moments + second_floats(t) +
                           pea__batch_voxels(net->batch);
    return (uint64_t)floats * sizeof(float) + sizeof *t + sizeof *net +
           (uint64_t)net->batch.n * PEA_MAX_OFFSETS * sizeof *t->balance;
}

static float *floats_of(int64_t n, pea_error *err)
{
    return pea__alloc_unset((size_t)n, sizeof(float), err);
}

static pea_status allocate_moments(pea__teacher *t, pea_error *err)
{
    float **const moments[3] = {&t->moments.first, &t->moments.second, &t->moments.largest};
    for (int k = 0; k < n_moments(&t->curriculum); k++)
        if (!(*moments[k] = pea__alloc((size_t)t->trainee->n_parameters, sizeof(float), err)))
            return PEA_E_NOMEM;
    return PEA_OK;
}

static pea_status allocate(pea__teacher *t, const pea_weights *weights, pea_error *err)
{
    pea__trainee *net = t->trainee;
    const pea_status status = pea__trainee_ready(net, weights, err);
    if (status != PEA_OK)
        return status;
    if (allocate_moments(t, err) != PEA_OK ||
        !(t->balance = pea__alloc((size_t)net->batch.n * PEA_MAX_OFFSETS, sizeof *t->balance, err)) ||
        !(t->coarse = pea__alloc_unset((size_t)pea__batch_voxels(net->batch), sizeof *t->coarse, err)) ||
        !(t->second_moments = floats_of(net->n_moments, err)))
        return PEA_E_NOMEM;
    if (second_floats(t) > 0 && !(t->second = floats_of(second_floats(t), err)))
        return PEA_E_NOMEM;
    if (t->curriculum.average == 0.0)
        return PEA_OK;
    if (!(t->average = floats_of(net->n_parameters + net->n_moments, err)))
        return PEA_E_NOMEM;
    memcpy(t->average, net->parameters, (size_t)net->n_parameters * sizeof(float));
    memcpy(t->average + net->n_parameters, net->running, (size_t)net->n_moments * sizeof(float));
    return PEA_OK;
}

/* ---- making one ---- */

/* All but its arrays. */
static pea_status describe(const pea_weights *weights, pea__batch batch, const pea__curriculum *curriculum,
                           const pea__kernels_table *kernels, pea_context *context, pea__teacher **teacher,
                           pea_error *err)
{
    int64_t loss_floats = 0;
    pea__teacher *t = *teacher = pea__alloc(1, sizeof *t, err);
    if (!t)
        return PEA_E_NOMEM;
    t->curriculum = *curriculum;
    pea_status status = pea__trainee_new(weights, batch, kernels, context, &t->trainee, err);
    if (status == PEA_OK && t->trainee->n_axes != curriculum->n_axes)
        status = pea__fail(err, PEA_E_ARG, "a %d-D network cannot be taught as a %d-D one", t->trainee->n_axes,
                           curriculum->n_axes);
    if (status == PEA_OK)
        status = find_heads(t, err);
    if (status == PEA_OK)
        status = count_work(t, &loss_floats, err);
    if (status == PEA_OK)
        status = plan(t, loss_floats, err);
    return status;
}

pea_status pea__teacher_bytes(const pea_weights *weights, pea__batch batch, const pea__curriculum *curriculum,
                              const pea__kernels_table *kernels, pea_context *context, uint64_t *bytes, pea_error *err)
{
    pea__teacher *t = NULL;
    const pea_status status = describe(weights, batch, curriculum, kernels, context, &t, err);
    *bytes = status == PEA_OK ? bytes_of(t) : 0;
    pea__teacher_free(t);
    return status;
}

static pea_status check_memory(const pea__teacher *t, pea_error *err)
{
    const pea__batch b = t->trainee->batch;
    const uint64_t limit = pea__memory_limit(t->trainee->run.context), bytes = bytes_of(t);
    if (limit == 0 || bytes <= limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT, "training on %" PRId64 " images of %" PRId64 " x %" PRId64 " x %" PRId64
                     " needs %" PRIu64 " bytes of memory, the limit is %" PRIu64
                     ": take fewer or smaller images at once", b.n, b.z, b.y, b.x, bytes, limit);
}

pea_status pea__teacher_new(const pea_weights *weights, pea__batch batch, const pea__curriculum *curriculum,
                            const pea__kernels_table *kernels, pea_context *context, pea__teacher **teacher,
                            pea_error *err)
{
    pea_status status = describe(weights, batch, curriculum, kernels, context, teacher, err);
    if (status == PEA_OK)
        status = check_memory(*teacher, err);
    if (status == PEA_OK)
        status = allocate(*teacher, weights, err);
    if (status != PEA_OK) {
        pea__teacher_free(*teacher);
        *teacher = NULL;
    }
    return status;
}

void pea__teacher_free(pea__teacher *t)
{
    if (!t)
        return;
    pea__trainee_free(t->trainee);
    pea__free(t->moments.first);
    pea__free(t->moments.second);
    pea__free(t->moments.largest);
    pea__free_unset(t->average);
    pea__free(t->balance);
    pea__free_unset(t->coarse);
    pea__free_unset(t->second);
    pea__free_unset(t->second_moments);
    pea__free(t);
}

int64_t pea__teacher_steps(const pea__teacher *t)
{
    return t->n_steps;
}

pea__trainee *pea__teacher_trainee(pea__teacher *t)
{
    return t->trainee;
}

/* ---- what was learnt ---- */

pea_status pea__teacher_weights(const pea__teacher *t, bool averaged, const pea_weights *like, pea_weights **weights,
                                pea_error *err)
{
    const pea__trainee *net = t->trainee;
    *weights = NULL;
    if (averaged && !t->average)
        return pea__fail(err, PEA_E_ARG, "there are no averaged weights: the curriculum asks for none");
    const float *parameters = averaged ? t->average : net->parameters;
    const float *running = averaged ? t->average + net->n_parameters : net->running;
    return pea__trainee_weights(net, parameters, running, like, weights, err);
}

/* ---- for a later day ---- */

enum { N_KINDS = 5 };
static const char *const kinds[N_KINDS] = {"", "first/", "second/", "largest/", "average/"};

/* Where the numbers of this kind are that belong to a tensor; NULL: there are none. */
static float *numbers_of(const pea__teacher *t, int kind, const pea__learnt_tensor *tensor)
{
    const pea__trainee *net = t->trainee;
    float *const moments[3] = {t->moments.first, t->moments.second, t->moments.largest};
    float *begin = NULL;
    if (kind == 0)
        begin = tensor->is_parameter ? net->parameters : net->running;
    else if (kind < N_KINDS - 1)
        begin = tensor->is_parameter ? moments[kind - 1] : NULL;
    else if (t->average)
        begin = tensor->is_parameter ? t->average : t->average + net->n_parameters;
    return begin ? begin + tensor->first : NULL;
}

typedef pea_status each_fn(void *user, const char *name, float *numbers, int64_t n, pea_error *err);

/* All arrays of a teacher under their names, until one fails. */
static pea_status for_each(const pea__teacher *t, each_fn *fn, void *user, pea_error *err)
{
    const pea__trainee *net = t->trainee;
    pea_status status = PEA_OK;
    for (int i = 0; i < N_KINDS * net->n_tensors && status == PEA_OK; i++) {
        const pea__learnt_tensor *tensor = &net->tensors[i % net->n_tensors];
        float *numbers = numbers_of(t, i / net->n_tensors, tensor);
        char name[sizeof tensor->name + 16];
        snprintf(name, sizeof name, "%s%s", kinds[i / net->n_tensors], tensor->name);
        if (numbers)
            status = fn(user, name, numbers, tensor->n, err);
    }
    return status;
}

static pea_status store(void *user, const char *name, float *numbers, int64_t n, pea_error *err)
{
    void *stored = NULL;
    const pea_status status = pea__weights_add(user, name, PEA_FLOAT32, 1, &n, NULL, &stored, err);
    if (status == PEA_OK)
        memcpy(stored, numbers, (size_t)n * sizeof *numbers);
    return status;
}

pea_status pea__teacher_state(const pea__teacher *t, pea_weights **state, pea_error *err)
{
    const int64_t one = 1;
    void *steps = NULL;
    pea_status status = pea__weights_new(state, err);
    if (status == PEA_OK)
        status = pea__weights_add(*state, "steps", PEA_INT64, 1, &one, NULL, &steps, err);
    if (status == PEA_OK) {
        memcpy(steps, &t->n_steps, sizeof t->n_steps);
        status = for_each(t, store, *state, err);
    }
    if (status != PEA_OK) {
        pea_weights_free(*state);
        *state = NULL;
    }
    return status;
}

static pea_status check(void *user, const char *name, float *numbers, int64_t n, pea_error *err)
{
    pea_tensor found;
    (void)numbers;
    if (!pea_weights_find(user, name, &found))
        return pea__fail(err, PEA_E_FORMAT, "the state of training lacks %s: it is of another network or other options",
                         name);
    if (found.dtype != PEA_FLOAT32 || found.n_axes != 1 || found.shape[0] != n)
        return pea__fail(err, PEA_E_FORMAT, "in the state of training %s must be %" PRId64 " floats", name, n);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(((const float *)found.data)[i]))
            return pea__fail(err, PEA_E_FORMAT, "in the state of training %s has what is no finite number", name);
    return PEA_OK;
}

static pea_status copy(void *user, const char *name, float *numbers, int64_t n, pea_error *err)
{
    pea_tensor found;
    (void)err;
    if (pea_weights_find(user, name, &found)) /* it was there a moment ago */
        memcpy(numbers, found.data, (size_t)n * sizeof *numbers);
    return PEA_OK;
}

pea_status pea__teacher_restore(pea__teacher *t, const pea_weights *state, pea_error *err)
{
    pea_tensor steps;
    int64_t n_steps = -1;
    if (pea_weights_find(state, "steps", &steps) && steps.dtype == PEA_INT64 && steps.n_axes == 1 &&
        steps.shape[0] == 1)
        memcpy(&n_steps, steps.data, sizeof n_steps);
    if (n_steps < 0)
        return pea__fail(err, PEA_E_FORMAT, "the state of training does not say how many steps were done");
    pea_status status = for_each(t, check, (void *)(uintptr_t)state, err);
    if (status == PEA_OK)
        status = for_each(t, copy, (void *)(uintptr_t)state, err);
    if (status == PEA_OK)
        t->n_steps = n_steps;
    return status;
}
