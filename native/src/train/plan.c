/* plan.c - what the passes of a network in training will do: who has a gradient, and where everything lies meanwhile.
 *
 * With n lessons, lesson i is at time i on the way forward and at time 2 n - i on the way back; losses are at time n.
 * What nobody needs on the way back gives its place away at once. The output of a norm is soon made again, so it does
 * so too, and has a second place later:
 *
 *     sums of a convolution   |------------------------------------------------|
 *     their norm                |--- read by the next ---|      |--- again ---|
 *     gradient                                                     |----------|
 *                             forward                   losses             backward
 *
 * What a norm normalised is nobody else's: its gradient takes its place. What is added voxel by voxel has the gradient
 * of the sum, and in the same place.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <inttypes.h>

enum { MOST_BUFFERS = 3 * PEA__MAX_VALUES };

typedef struct planning {
    pea__trainee *t;
    bool has_gradient[MOST_BUFFERS]; /* of values, so far on the way back */
    int same[MOST_BUFFERS];          /* of buffers: whose gradient theirs is; mostly their own */
    bool in_place[MOST_BUFFERS];     /* of buffers: the gradient takes the place of what it is the gradient of */
    pea__life data[MOST_BUFFERS], again[MOST_BUFFERS], gradient[MOST_BUFFERS], work[PEA__TRAINEE_TIMES];
    pea__life sorted[3 * MOST_BUFFERS + PEA__TRAINEE_TIMES];
} planning;

/* ---- who has a gradient ---- */

static bool is_within(const pea__learnt_value *v, const pea__learnt_value *of)
{
    return v->buffer == of->buffer && v->first >= of->first && v->first + v->channels <= of->first + of->channels;
}

/* The gradient of a value is there now, and so is that of those whose channels it has. */
static void made(planning *p, int value)
{
    for (int v = 1; v <= p->t->n_values; v++)
        if (is_within(&p->t->values[v], &p->t->values[value]))
            p->has_gradient[v] = true;
}

/* Whether any channel of a value has a gradient: of a pair of convolutions each half is made by another norm. */
static bool has_some(const planning *p, int value)
{
    bool some = false;
    for (int v = 1; v <= p->t->n_values; v++)
        some = some || (p->has_gradient[v] && is_within(&p->t->values[v], &p->t->values[value]));
    return some;
}

static bool is_head(const pea__trainee *t, int value)
{
    bool found = false;
    for (size_t h = 0; h < t->n_heads; h++)
        found = found || t->head_values[h] == value;
    return found;
}

/* Whether something before lesson i that is not frozen makes channels of this value. */
static bool learns_before(const pea__trainee *t, int i, int value)
{
    bool found = false;
    for (int k = 0; k < i; k++)
        found = found || (!t->lessons[k].frozen &&
                          t->values[t->lessons[k].out].buffer == t->values[value].buffer);
    return found;
}

static bool is_whole(const pea__trainee *t, int value)
{
    return t->values[value].channels == t->buffers[t->values[value].buffer].channels;
}

/* The way back of lesson i. False where a network adds what has another gradient already: none does. */
static bool go_back(planning *p, int i)
{
    pea__trainee *t = p->t;
    pea__lesson *lesson = &t->lessons[i];
    bool good = true;
    lesson->goes_back = !lesson->frozen && has_some(p, lesson->out);
    lesson->passes_on = lesson->goes_back && learns_before(t, i, lesson->in);
    lesson->adds = lesson->passes_on && p->has_gradient[lesson->in];
    if (lesson->passes_on)
        made(p, lesson->in);
    if (lesson->kind == PEA__LESSON_NORM)
        p->in_place[t->values[lesson->in].buffer] = true;
    if (lesson->passes_on && lesson->in_2) {
        made(p, lesson->in_2);
        p->in_place[t->values[lesson->in_2].buffer] = true;
    }
    if (lesson->goes_back && lesson->add && learns_before(t, i, lesson->add)) {
        good = !has_some(p, lesson->add) && is_whole(t, lesson->add) && is_whole(t, lesson->out);
        p->same[t->values[lesson->add].buffer] = p->same[t->values[lesson->out].buffer];
        made(p, lesson->add);
    }
    return good;
}

static pea_status find_gradients(planning *p, const bool *taught, bool freeze_encoder, pea_error *err)
{
    pea__trainee *t = p->t;
    bool good = true;
    for (int b = 1; b <= t->n_buffers; b++)
        p->same[b] = b;
    for (int i = 0; i < t->n_lessons; i++)
        t->lessons[i].frozen = freeze_encoder && i < t->n_encoding && !is_head(t, t->lessons[i].out);
    for (size_t h = 0; h < t->n_heads; h++)
        if (taught[h])
            made(p, t->head_values[h]);
    for (int i = t->n_lessons - 1; i >= 0; i--)
        good = go_back(p, i) && good;
    return good ? PEA_OK : pea__fail(err, PEA_E_ARG, "a network that adds what others read cannot be trained");
}

/* ---- what lives when ---- */

static void lengthen(pea__life *of, int time)
{
    of->first = of->first < 0 ? time : of->first;
    of->last = time;
}

static int buffer_of(const planning *p, int value)
{
    return p->t->values[value].buffer;
}

/* The only lesson that makes a buffer, if it is a norm that goes back, and so has its input at hand; else -1. */
static int only_norm(const pea__trainee *t, int buffer)
{
    int made_by = -1, n = 0;
    for (int i = 0; i < t->n_lessons; i++)
        if (t->values[t->lessons[i].out].buffer == buffer) {
            made_by = i;
            n++;
        }
    return n == 1 && t->lessons[made_by].kind == PEA__LESSON_NORM && t->lessons[made_by].goes_back &&
                   is_whole(t, t->lessons[made_by].out)
               ? made_by
               : -1;
}

static void live_forward(planning *p)
{
    const pea__trainee *t = p->t;
    for (int i = 0; i < t->n_lessons; i++) {
        const pea__lesson *lesson = &t->lessons[i];
        const int values[4] = {lesson->in, lesson->in_2, lesson->add, lesson->out};
        for (int k = 0; k < 4; k++)
            if (values[k])
                lengthen(&p->data[buffer_of(p, values[k])], i);
    }
    for (size_t h = 0; h < t->n_heads; h++)
        lengthen(&p->data[buffer_of(p, t->head_values[h])], t->n_lessons);
}

/* The gradient of a value is there or being made. */
static void has_gradient_at(planning *p, int value, int time)
{
    const int b = p->same[buffer_of(p, value)];
    lengthen(p->in_place[b] ? &p->data[b] : &p->gradient[b], time);
}

/* On the way back lesson i reads a value. */
static void read_again(planning *p, int value, int i)
{
    pea__learnt_buffer *buffer = &p->t->buffers[buffer_of(p, value)];
    const int time = 2 * p->t->n_lessons - i;
    if (buffer->remake < 0) {
        lengthen(&p->data[buffer_of(p, value)], time);
        return;
    }
    if (buffer->remade_for < i)
        buffer->remade_for = i;
    lengthen(&p->again[buffer_of(p, value)], time);
}

static void live_backward(planning *p, int i)
{
    const pea__lesson *lesson = &p->t->lessons[i];
    const int time = 2 * p->t->n_lessons - i;
    if (!lesson->goes_back)
        return;
    if (lesson->kind != PEA__LESSON_UPSAMPLE)
        read_again(p, lesson->in, i);
    if (lesson->in_2)
        read_again(p, lesson->in_2, i);
    if (lesson->activation != PEA__LINEAR)
        read_again(p, lesson->out, i);
    const int added = p->has_gradient[lesson->add] ? lesson->add : 0; /* what is frozen has none */
    const int values[4] = {lesson->out, lesson->passes_on ? lesson->in : 0, lesson->in_2, added};
    for (int k = 0; k < 4; k++)
        if (values[k])
            has_gradient_at(p, values[k], time);
}

static void find_lives(planning *p, const bool *taught)
{
    pea__trainee *t = p->t;
    for (int b = 0; b < MOST_BUFFERS; b++) {
        p->data[b] = p->again[b] = p->gradient[b] = (pea__life){.first = -1};
        t->buffers[b].remake = t->buffers[b].remade_for = -1;
    }
    for (int b = 1; b <= t->n_buffers; b++)
        t->buffers[b].remake = only_norm(t, b);
    live_forward(p);
    for (size_t h = 0; h < t->n_heads; h++)
        if (taught[h])
            has_gradient_at(p, t->head_values[h], t->n_lessons);
    for (int i = t->n_lessons - 1; i >= 0; i--)
        live_backward(p, i);
}

/* ---- room for the operations ---- */

/* -1 sticks. */
static int64_t larger(int64_t a, int64_t b)
{
    return a < 0 || b < 0 ? -1 : pea__max_i64(a, b);
}

static int64_t forward_work(const pea__trainee *t, const pea__lesson *lesson)
{
    const pea__batch b = pea__trainee_batch(t, lesson->out);
    const int64_t channels = t->values[lesson->out].channels;
    switch (lesson->kind) {
    case PEA__LESSON_CONV:
        return pea__conv_forward_work(&(pea__layer){lesson->shape, b}, t->run.kernels, pea__workers(t->run.context));
    case PEA__LESSON_NORM: return pea__norm_work(b, channels);
    case PEA__LESSON_UPSAMPLE: return pea__upsample_forward_work(t->run.kernels, channels);
    case PEA__LESSON_POOL: break;
    }
    return 0;
}

/* Also what norms need whose output is made again at this time. */
static int64_t backward_work(const pea__trainee *t, int i)
{
    const pea__lesson *lesson = &t->lessons[i];
    const pea__layer layer = {lesson->shape, pea__trainee_batch(t, lesson->out)};
    const int n_workers = pea__workers(t->run.context);
    int64_t floats = 0;
    for (int b = 1; b <= t->n_buffers; b++)
        if (t->buffers[b].remake >= 0 && t->buffers[b].remade_for == i)
            floats = larger(floats, forward_work(t, &t->lessons[t->buffers[b].remake]));
    if (!lesson->goes_back || lesson->kind != PEA__LESSON_CONV)
        return larger(floats, lesson->kind == PEA__LESSON_NORM ? forward_work(t, lesson) : 0);
    floats = larger(floats, pea__conv_weight_gradient_work(&layer, t->run.kernels, n_workers));
    floats = larger(floats, pea__bias_gradient_work(layer.batch, lesson->shape.out_channels));
    if (lesson->passes_on)
        floats = larger(floats, pea__conv_input_gradient_work(&layer, t->run.kernels, n_workers));
    return floats;
}

static void find_work(planning *p, int64_t loss_floats)
{
    const pea__trainee *t = p->t;
    const int n = t->n_lessons;
    for (int i = 0; i < n; i++) {
        p->work[i] = (pea__life){i, i, forward_work(t, &t->lessons[i]), NULL};
        p->work[2 * n - i] = (pea__life){2 * n - i, 2 * n - i, backward_work(t, i), NULL};
    }
    p->work[n] = (pea__life){n, n, loss_floats, NULL};
}

/* ---- places ---- */

/* Floats of a buffer, -1 for too many. */
static int64_t buffer_floats(const pea__trainee *t, const pea__learnt_buffer *buffer)
{
    const int shrink = buffer->shrink;
    const pea__batch b = {t->batch.n, t->batch.z, t->batch.y / shrink, t->batch.x / shrink};
    int64_t floats;
    return pea__mul_i64(pea__batch_voxels(b), buffer->channels, &floats) ? floats : -1;
}

/* One life more where there is one. Returns their number, -1 for too many floats. */
static int insert(planning *p, int n, pea__life one, int64_t floats, int64_t *place)
{
    int64_t bytes;
    *place = -1;
    if (one.first < 0 || n < 0)
        return n;
    if (floats < 0 || !pea__mul_i64(floats, 2 * sizeof(float), &bytes))
        return -1;
    return pea__lives_insert(p->sorted, n, one, floats, place);
}

static pea_status find_places(planning *p, pea_error *err)
{
    pea__trainee *t = p->t;
    int n = 0;
    for (int b = 1; b <= t->n_buffers; b++) {
        pea__learnt_buffer *buffer = &t->buffers[b];
        const int64_t floats = buffer_floats(t, buffer);
        n = insert(p, n, p->data[b], floats, &buffer->place);
        n = insert(p, n, p->again[b], floats, &buffer->second_place);
        n = insert(p, n, p->gradient[b], floats, &buffer->gradient_place);
    }
    for (int time = 0; time <= 2 * t->n_lessons; time++)
        n = insert(p, n, p->work[time], p->work[time].floats, &t->work_place[time]);
    t->arena_floats = n < 0 ? -1 : pea__lives_place(p->sorted, n);
    if (t->arena_floats < 0)
        return pea__fail(err, PEA_E_LIMIT, "a batch of %" PRId64 " images of %" PRId64 " x %" PRId64
                         " is too large to train on", t->batch.n, t->batch.y, t->batch.x);
    for (int b = 1; b <= t->n_buffers; b++) {
        const int whose = p->same[b];
        t->buffers[b].gradient_place = p->in_place[whose] ? t->buffers[whose].place : t->buffers[whose].gradient_place;
    }
    return PEA_OK;
}

pea_status pea__trainee_plan(pea__trainee *t, const bool taught[PEA__MAX_HEADS], bool freeze_encoder,
                             int64_t loss_floats, pea_error *err)
{
    planning *p = pea__alloc(1, sizeof *p, err);
    if (!p)
        return PEA_E_NOMEM;
    p->t = t;
    pea_status status = find_gradients(p, taught, freeze_encoder, err);
    if (status == PEA_OK) {
        find_lives(p, taught);
        find_work(p, loss_floats);
        status = find_places(p, err);
    }
    pea__free(p);
    return status;
}
