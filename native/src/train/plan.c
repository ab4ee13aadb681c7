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
 * A norm's way back is in its place, and what is added voxel by voxel has the gradient of the sum: such gradients are
 * one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <inttypes.h>

enum { ALIGN_FLOATS = 16, MOST_BUFFERS = 3 * PEA__MAX_VALUES }; /* a cache line */

typedef struct life {
    int first, last; /* times; first -1: none */
    int64_t floats;
    int64_t *place;
} life;

typedef struct planning {
    pea__trainee *t;
    bool has_gradient[MOST_BUFFERS]; /* of values, so far on the way back */
    int same[MOST_BUFFERS];          /* of buffers: whose gradient theirs is; mostly their own */
    life data[MOST_BUFFERS], again[MOST_BUFFERS], gradient[MOST_BUFFERS];
    life sorted[3 * MOST_BUFFERS];
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

/* What `value` gets is what `from` has, in the same place. */
static void share_gradient(planning *p, int value, int from)
{
    p->same[p->t->values[value].buffer] = p->same[p->t->values[from].buffer];
    made(p, value);
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
    if (lesson->passes_on && lesson->kind == PEA__LESSON_NORM) {
        if (is_whole(t, lesson->in) && is_whole(t, lesson->out))
            share_gradient(p, lesson->in, lesson->out);
        if (lesson->in_2)
            made(p, lesson->in_2);
    }
    if (lesson->passes_on)
        made(p, lesson->in);
    if (lesson->goes_back && lesson->add && learns_before(t, i, lesson->add)) {
        good = !has_some(p, lesson->add) && is_whole(t, lesson->add) && is_whole(t, lesson->out);
        share_gradient(p, lesson->add, lesson->out);
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

static void lengthen(life *of, int time)
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
    const int values[4] = {lesson->out, lesson->passes_on ? lesson->in : 0, lesson->in_2, lesson->add};
    for (int k = 0; k < 4; k++)
        if (values[k])
            lengthen(&p->gradient[p->same[buffer_of(p, values[k])]], time);
}

static void find_lives(planning *p, const bool *taught)
{
    pea__trainee *t = p->t;
    for (int b = 0; b < MOST_BUFFERS; b++) {
        p->data[b] = p->again[b] = p->gradient[b] = (life){.first = -1};
        t->buffers[b].remake = t->buffers[b].remade_for = -1;
    }
    for (int b = 1; b <= t->n_buffers; b++)
        t->buffers[b].remake = only_norm(t, b);
    live_forward(p);
    for (size_t h = 0; h < t->n_heads; h++)
        if (taught[h])
            lengthen(&p->gradient[p->same[buffer_of(p, t->head_values[h])]], t->n_lessons);
    for (int i = t->n_lessons - 1; i >= 0; i--)
        live_backward(p, i);
}

/* ---- places ---- */

/* Puts one more among n lives in the order of their size, the largest first. Returns n + 1, -1 for too many floats. */
static int insert(planning *p, int n, life one, int buffer, int64_t *place)
{
    const pea__trainee *t = p->t;
    int at = n;
    *place = -1;
    if (one.first < 0 || n < 0)
        return n;
    const int shrink = t->buffers[buffer].shrink;
    const pea__batch b = {t->batch.n, t->batch.z, t->batch.y / shrink, t->batch.x / shrink};
    int64_t bytes;
    if (!pea__mul_i64(pea__batch_voxels(b), t->buffers[buffer].channels, &one.floats) ||
        !pea__mul_i64(one.floats, 2 * sizeof(float), &bytes))
        return -1;
    one.floats = pea__ceil_div(one.floats, ALIGN_FLOATS) * ALIGN_FLOATS;
    one.place = place;
    for (; at > 0 && p->sorted[at - 1].floats < one.floats; at--)
        p->sorted[at] = p->sorted[at - 1];
    p->sorted[at] = one;
    return n + 1;
}

/* The lowest place where life n meets none of the n lives placed before it. */
static int64_t lowest_place(const life *sorted, int n)
{
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const int64_t begin = *sorted[i].place, end = begin + sorted[i].floats;
            const bool meet = sorted[i].first <= sorted[n].last && sorted[n].first <= sorted[i].last;
            if (meet && at < end && begin < at + sorted[n].floats) {
                at = end;
                moved = true;
            }
        }
    }
    return at;
}

static pea_status find_places(planning *p, pea_error *err)
{
    pea__trainee *t = p->t;
    int n = 0;
    for (int b = 1; b <= t->n_buffers; b++) {
        pea__learnt_buffer *buffer = &t->buffers[b];
        n = insert(p, n, p->data[b], b, &buffer->place);
        n = insert(p, n, p->again[b], b, &buffer->second_place);
        n = insert(p, n, p->gradient[b], b, &buffer->gradient_place);
    }
    t->arena_floats = 0;
    for (int i = 0; i < n; i++) {
        const int64_t place = lowest_place(p->sorted, i);
        int64_t end = 0, bytes = 0;
        if (!pea__add_i64(place, p->sorted[i].floats, &end) || !pea__mul_i64(end, 2 * sizeof(float), &bytes))
            n = -1;
        *p->sorted[i].place = place;
        t->arena_floats = pea__max_i64(t->arena_floats, end);
    }
    for (int b = 1; b <= t->n_buffers; b++)
        t->buffers[b].gradient_place = t->buffers[p->same[b]].gradient_place;
    return n >= 0 ? PEA_OK : pea__fail(err, PEA_E_LIMIT, "a batch of %" PRId64 " images of %" PRId64 " x %" PRId64
                                       " is too large to train on", t->batch.n, t->batch.y, t->batch.x);
}

/* ---- room for the operations ---- */

static bool most(int64_t *most_yet, int64_t floats)
{
    *most_yet = pea__max_i64(*most_yet, floats);
    return floats >= 0;
}

static bool count_work(const pea__trainee *t, const pea__lesson *lesson, int64_t *floats)
{
    const pea__kernels_table *kernels = t->run.kernels;
    const int n_workers = pea__workers(t->run.context);
    const pea__batch b = pea__trainee_batch(t, lesson->out);
    const int64_t channels = t->values[lesson->out].channels;
    const pea__layer layer = {lesson->shape, b};
    switch (lesson->kind) {
    case PEA__LESSON_NORM: return most(floats, pea__norm_work(b, channels));
    case PEA__LESSON_UPSAMPLE: return most(floats, pea__upsample_forward_work(kernels, channels));
    case PEA__LESSON_POOL: return true;
    case PEA__LESSON_CONV: break;
    }
    return most(floats, pea__conv_forward_work(&layer, kernels, n_workers)) &&
           (!lesson->passes_on || most(floats, pea__conv_input_gradient_work(&layer, kernels, n_workers))) &&
           (!lesson->goes_back || most(floats, pea__conv_weight_gradient_work(&layer, kernels, n_workers))) &&
           most(floats, pea__bias_gradient_work(b, channels));
}

pea_status pea__trainee_plan(pea__trainee *t, const bool taught[PEA__MAX_HEADS], bool freeze_encoder, pea_error *err)
{
    planning *p = pea__alloc(1, sizeof *p, err);
    if (!p)
        return PEA_E_NOMEM;
    p->t = t;
    pea_status status = find_gradients(p, taught, freeze_encoder, err);
    if (status == PEA_OK) {
        find_lives(p, taught);
        status = find_places(p, err);
    }
    pea__free(p);
    t->work_floats = 0;
    for (int i = 0; i < t->n_lessons && status == PEA_OK; i++)
        if (!count_work(t, &t->lessons[i], &t->work_floats))
            status = pea__fail(err, PEA_E_LIMIT, "a batch of %" PRId64 " images of %" PRId64 " x %" PRId64
                               " is too large to train on", t->batch.n, t->batch.y, t->batch.x);
    return status;
}
