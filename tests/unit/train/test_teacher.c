/* test_teacher.c - what a teacher keeps, foretells, leaves alone and survives; slopes of its losses by differences.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <unistd.h>

#include "teaching.h"
#include "threads.h"

#define PLANE PEA_TESTDATA "/train/plane-three-steps/model_before.ckpt"
#define STACK PEA_TESTDATA "/golden/superhuman3d-small/model.ckpt"
#define STACK_OF_AFFINITIES PEA_TESTDATA "/golden/superhuman3d-affinity-small/model.ckpt"

/* ---- a network with something to learn ---- */

typedef struct lesson {
    pea_weights *weights;
    pea__batch batch;
    pea__curriculum curriculum;
    int64_t channels; /* of the input */
    float *view, *second;
    uint32_t *labels;
    pea__view flips[2];
} lesson;

static float *numbers(uint32_t t, int64_t n)
{
    float *made = malloc((size_t)n * sizeof *made);
    for (int64_t k = 0; k < n; k++)
        made[k] = (float)test_u(t, (uint32_t)k);
    return made;
}

/* Labels are boxes with background between them. */
static lesson lesson_new(const char *path, pea__batch batch)
{
    static const int shifts[5] = {1, 3, 5, 9, 11};
    pea_error err;
    lesson l = {.weights = import(path), .batch = batch, .channels = strcmp(path, PLANE) == 0 ? 3 : 1};
    const int64_t n = pea__batch_voxels(batch);
    if (l.channels == 3)
        assert_ok(pea__curriculum_plane(shifts, 5, 4, 1.0, &l.curriculum, &err));
    else
        l.curriculum = pea__curriculum_volume();
    l.view = numbers(500, n * l.channels);
    l.second = numbers(501, n * l.channels);
    l.labels = malloc((size_t)n * sizeof *l.labels);
    for (int64_t p = 0; p < n; p++) {
        const int64_t x = p % batch.x, y = p / batch.x % batch.y;
        l.labels[p] = x % 7 == 0 || y % 6 == 0 ? 0 : (uint32_t)(1 + x / 7 + 10 * (y / 6));
    }
    l.flips[0] = (pea__view){.reverse_x = true};
    l.flips[1] = (pea__view){.exchange = true};
    return l;
}

static lesson plane_lesson(void)
{
    return lesson_new(PLANE, (pea__batch){2, 1, 32, 32});
}

static lesson stack_lesson(void)
{
    return lesson_new(STACK, (pea__batch){1, 5, 32, 32});
}

static void lesson_free(lesson *l)
{
    pea_weights_free(l->weights);
    free(l->view);
    free(l->second);
    free(l->labels);
}

static pea__sample sample_of(const lesson *l)
{
    return (pea__sample){l->view, l->second, l->flips, l->labels};
}

static pea__teacher *new_teacher(const lesson *l, pea_context *context)
{
    pea_error err;
    pea__teacher *teacher = NULL;
    assert_ok(pea__teacher_new(l->weights, l->batch, &l->curriculum, pea__kernels(), context, &teacher, &err));
    return teacher;
}

static pea__losses learn(pea__teacher *teacher, const lesson *l, int n_steps)
{
    pea__losses losses = {.total = 0.0};
    const pea__sample sample = sample_of(l);
    for (int i = 0; i < n_steps; i++) {
        pea_error err;
        assert_ok(pea__teacher_gradients(teacher, &sample, &losses, &err));
        assert_ok(pea__teacher_update(teacher, 1e-3, &err));
    }
    return losses;
}

/* ---- what is kept ---- */

static void assert_same_weights(const pea_weights *a, const pea_weights *b)
{
    assert_int_equal(pea_weights_count(a), pea_weights_count(b));
    for (size_t i = 0; i < pea_weights_count(a); i++) {
        const pea_tensor one = pea_weights_tensor(a, i);
        pea_tensor two;
        size_t n_bytes = pea_dtype_size_bytes(one.dtype);
        assert_true(pea_weights_find(b, one.name, &two) && two.dtype == one.dtype);
        for (int axis = 0; axis < one.n_axes; axis++)
            n_bytes *= (size_t)one.shape[axis];
        if (memcmp(one.data, two.data, n_bytes) != 0)
            fail_msg("%s differs", one.name);
    }
}

static pea_weights *state_of(const pea__teacher *teacher)
{
    pea_error err;
    pea_weights *state = NULL;
    assert_ok(pea__teacher_state(teacher, &state, &err));
    return state;
}

/* As a file would bring it. */
static pea_weights *through_a_file(const pea_weights *state)
{
    char path[] = "/tmp/pea-state-XXXXXX";
    pea_error err;
    pea_weights *back = NULL;
    close(mkstemp(path));
    assert_ok(pea_weights_write(path, state, NULL, &err));
    assert_ok(pea_weights_read(path, &back, &err));
    remove(path);
    return back;
}

static void check_restored(lesson *l)
{
    pea_error err;
    l->curriculum.average = 0.9;
    pea__teacher *steady = new_teacher(l, NULL), *later = new_teacher(l, NULL);
    learn(steady, l, 2);
    pea_weights *state = state_of(steady), *stored = through_a_file(state);
    learn(later, l, 1); /* what it knew is forgotten */
    assert_ok(pea__teacher_restore(later, stored, &err));
    assert_int_equal(pea__teacher_steps(later), 2);
    learn(steady, l, 2);
    learn(later, l, 2);
    pea_weights *one = state_of(steady), *two = state_of(later);
    assert_same_weights(one, two);
    pea_weights_free(state);
    pea_weights_free(stored);
    pea_weights_free(one);
    pea_weights_free(two);
    pea__teacher_free(steady);
    pea__teacher_free(later);
}

static void restored_teachers_go_on_with_the_same_bytes(void **state)
{
    lesson plane = plane_lesson(), stack = stack_lesson();
    (void)state;
    check_restored(&plane);
    plane.curriculum.optimiser.method = PEA__SGD;
    check_restored(&plane);
    check_restored(&stack);
    lesson_free(&plane);
    lesson_free(&stack);
}

/* And change nothing. */
static void states_of_others_are_refused(void **state)
{
    pea_error err;
    lesson plane = plane_lesson(), stack = stack_lesson();
    pea__teacher *adam = new_teacher(&plane, NULL), *volumes = new_teacher(&stack, NULL);
    (void)state;
    plane.curriculum.optimiser.method = PEA__SGD;
    pea__teacher *sgd = new_teacher(&plane, NULL);
    learn(sgd, &plane, 1);
    learn(adam, &plane, 1);
    pea_weights *before = state_of(adam), *of_sgd = state_of(sgd), *of_volumes = state_of(volumes);
    assert_fails(pea__teacher_restore(adam, of_sgd, &err), PEA_E_FORMAT, "lacks second/");
    assert_fails(pea__teacher_restore(adam, of_volumes, &err), PEA_E_FORMAT, "lacks inconv");
    assert_fails(pea__teacher_restore(adam, plane.weights, &err), PEA_E_FORMAT, "how many steps");
    pea_weights *after = state_of(adam);
    assert_same_weights(before, after);
    pea_weights *const weights[4] = {before, after, of_sgd, of_volumes};
    for (int i = 0; i < 4; i++)
        pea_weights_free(weights[i]);
    pea__teacher_free(adam);
    pea__teacher_free(sgd);
    pea__teacher_free(volumes);
    lesson_free(&plane);
    lesson_free(&stack);
}

/* After the first step, whose decay is 2 / 11. */
static void averages_follow_slowly(void **state)
{
    pea_error err;
    pea_weights *now = NULL, *averaged = NULL;
    lesson l = plane_lesson();
    (void)state;
    l.curriculum.average = 0.5;
    pea__teacher *teacher = new_teacher(&l, NULL);
    learn(teacher, &l, 1);
    assert_ok(pea__teacher_weights(teacher, false, l.weights, &now, &err));
    assert_ok(pea__teacher_weights(teacher, true, l.weights, &averaged, &err));
    for (size_t i = 0; i < pea_weights_count(now); i++) {
        const pea_tensor was = pea_weights_tensor(l.weights, i), is = pea_weights_tensor(now, i);
        const pea_tensor average = pea_weights_tensor(averaged, i);
        if (was.dtype != PEA_FLOAT32)
            continue;
        const double a = (double)*(const float *)was.data, b = (double)*(const float *)is.data;
        const double expected = a * 2.0 / 11.0 + b * 9.0 / 11.0;
        assert_true(fabs((double)*(const float *)average.data - expected) <= 2e-7 * (1.0 + fabs(a)));
    }
    pea__teacher_free(teacher);
    l.curriculum.average = 0.0;
    teacher = new_teacher(&l, NULL);
    pea_weights_free(averaged);
    assert_fails(pea__teacher_weights(teacher, true, l.weights, &averaged, &err), PEA_E_ARG, "no averaged weights");
    assert_null(averaged);
    pea__teacher_free(teacher);
    pea_weights_free(now);
    lesson_free(&l);
}

/* ---- statistics of images as they are ---- */

typedef struct two_views {
    const float *view[2];
} two_views;

static pea_status next_of_two(void *user, int64_t i, const float **view, pea_error *err)
{
    (void)err;
    *view = ((const two_views *)user)->view[i];
    return PEA_OK;
}

static const float *tensor_of(const pea_weights *weights, const char *name)
{
    pea_tensor tensor;
    assert_true(pea_weights_find(weights, name, &tensor));
    return tensor.data;
}

/* The first norm normalises what one convolution says, whatever else is in a batch: its statistics over two batches are
 * those over all their voxels. Parameters, averaged ones too, and the teacher stay as they are. */
static void models_may_be_given_the_statistics_of_plain_images(void **state)
{
    pea_error err;
    lesson l = lesson_new(PLANE, (pea__batch){1, 1, 32, 32}), both = plane_lesson();
    const int64_t n = 32 * 32 * 3;
    two_views views = {{both.view, both.view + n}};
    const pea__plain_views plain = {2, next_of_two, &views};
    pea_weights *settled = NULL, *usual = NULL;
    (void)state;
    for (int64_t i = 0; i < n; i++)
        both.view[i] *= 3.0f; /* batches of different spread */
    l.curriculum.average = both.curriculum.average = 0.5;
    pea__teacher *teacher = new_teacher(&l, NULL), *of_both = new_teacher(&both, NULL);
    learn(teacher, &l, 2);
    pea_weights *before = state_of(teacher);
    for (int averaged = 0; averaged < 2; averaged++) {
        assert_ok(pea__teacher_weights(teacher, averaged, l.weights, &usual, &err));
        assert_ok(pea__teacher_settled_weights(teacher, averaged, &plain, l.weights, &settled, &err));
        pea__trainee *net = pea__teacher_trainee(of_both);
        for (int i = 0; i < net->n_tensors; i++) {
            const pea__learnt_tensor *t = &net->tensors[i];
            if (t->is_parameter) {
                memcpy(net->parameters + t->first, tensor_of(usual, t->name), (size_t)t->n * sizeof(float));
                assert_memory_equal(tensor_of(settled, t->name), tensor_of(usual, t->name),
                                    (size_t)t->n * sizeof(float));
            }
        }
        assert_ok(pea__trainee_forward(net, both.view, &err));
        int first = 0;
        while (net->tensors[first].is_parameter)
            first++;
        for (int k = first; k < first + 2; k++) {
            const pea__learnt_tensor *t = &net->tensors[k];
            const float *measured = tensor_of(settled, t->name), *running = tensor_of(usual, t->name);
            for (int64_t c = 0; c < t->n; c++) {
                const double expected = (double)net->moments[t->first + c];
                assert_true(fabs((double)measured[c] - expected) <= 1e-5 * (1.0 + fabs(expected)));
            }
            assert_memory_not_equal(measured, running, (size_t)t->n * sizeof(float));
        }
        pea_weights_free(usual);
        pea_weights_free(settled);
    }
    pea_weights *after = state_of(teacher);
    assert_same_weights(before, after);
    pea_weights_free(before);
    pea_weights_free(after);
    pea__teacher_free(teacher);
    pea__teacher_free(of_both);
    lesson_free(&l);
    lesson_free(&both);
}

/* ---- what is left alone ---- */

static bool begins_with_one_of(const char *name, const char *const *beginnings)
{
    bool found = false;
    for (int i = 0; beginnings[i]; i++)
        found = found || strncmp(name, beginnings[i], strlen(beginnings[i])) == 0;
    return found;
}

static void check_frozen(lesson *l, const char *const *encoder)
{
    pea_error err;
    uint64_t all = 0, fewer = 0;
    assert_ok(pea__teacher_bytes(l->weights, l->batch, &l->curriculum, pea__kernels(), NULL, &all, &err));
    l->curriculum.freeze_encoder = true;
    assert_ok(pea__teacher_bytes(l->weights, l->batch, &l->curriculum, pea__kernels(), NULL, &fewer, &err));
    assert_true(fewer < all);
    pea__teacher *teacher = new_teacher(l, NULL);
    const pea__trainee *t = pea__teacher_trainee(teacher);
    const double first = learn(teacher, l, 1).total, last = learn(teacher, l, 8).total;
    assert_true(last < first);
    for (int i = 0; i < t->n_tensors; i++) {
        const pea__learnt_tensor *tensor = &t->tensors[i];
        pea_tensor old;
        assert_true(pea_weights_find(l->weights, tensor->name, &old));
        const bool stayed = memcmp(numbers_of(t, tensor), old.data, (size_t)tensor->n * sizeof(float)) == 0;
        const bool is_frozen = begins_with_one_of(tensor->name, encoder);
        const bool has_slope = !tensor->is_parameter || strstr(tensor->name, ".weight"); /* biases before norms have not */
        if (is_frozen ? !stayed : stayed && has_slope)
            fail_msg("%s %s", tensor->name, stayed ? "stayed" : "moved");
    }
    pea__teacher_free(teacher);
}

static void frozen_encoders_stay(void **state)
{
    static const char *const of_planes[] = {"inconv", "down", NULL};
    static const char *const of_volumes[] = {"embed_in", "conv0", "conv1", "conv2", "conv3", "center", NULL};
    lesson plane = plane_lesson(), stack = stack_lesson();
    (void)state;
    check_frozen(&plane, of_planes);
    check_frozen(&stack, of_volumes);
    lesson_free(&plane);
    lesson_free(&stack);
}

/* ---- what is foretold and refused ---- */

static void too_much_memory_is_refused_with_its_number(void **state)
{
    pea_error err;
    uint64_t bytes = 0;
    char number[32];
    lesson l = stack_lesson();
    pea_context *context = test_context(2, 0);
    pea__teacher *teacher = NULL;
    (void)state;
    assert_ok(pea__teacher_bytes(l.weights, l.batch, &l.curriculum, pea__kernels(), context, &bytes, &err));
    snprintf(number, sizeof number, "%" PRIu64, bytes);
    pea_context_limit_memory(context, bytes - 1);
    assert_fails(pea__teacher_new(l.weights, l.batch, &l.curriculum, pea__kernels(), context, &teacher, &err),
                 PEA_E_LIMIT, number);
    assert_null(teacher);
    pea_context_limit_memory(context, bytes);
    assert_ok(pea__teacher_new(l.weights, l.batch, &l.curriculum, pea__kernels(), context, &teacher, &err));
    pea__teacher_free(teacher);
    l.batch.x = l.batch.y = INT64_C(1) << 40;
    assert_fails(pea__teacher_bytes(l.weights, l.batch, &l.curriculum, pea__kernels(), context, &bytes, &err),
                 PEA_E_SHAPE, "multiples");
    pea_context_free(context);
    lesson_free(&l);
}

static void lessons_that_make_no_sense_are_refused(void **state)
{
    pea_error err;
    pea__teacher *teacher = NULL;
    lesson l = plane_lesson();
    const pea__curriculum good = l.curriculum;
    (void)state;
    l.curriculum = pea__curriculum_volume();
    assert_fails(pea__teacher_new(l.weights, l.batch, &l.curriculum, pea__kernels(), NULL, &teacher, &err), PEA_E_ARG,
                 "2-D network cannot be taught as a 3-D one");
    l.curriculum = good;
    l.curriculum.affinity = 1.0;
    assert_fails(pea__teacher_new(l.weights, l.batch, &l.curriculum, pea__kernels(), NULL, &teacher, &err),
                 PEA_E_FORMAT, "no output affinity");
    l.curriculum = (pea__curriculum){.n_axes = 2, .offsets[0] = good.offsets[0]};
    assert_fails(pea__teacher_new(l.weights, l.batch, &l.curriculum, pea__kernels(), NULL, &teacher, &err), PEA_E_ARG,
                 "nothing to learn");
    assert_null(teacher);
    lesson_free(&l);
}

/* ---- threads, cancelling, small numbers ---- */

static void volumes_give_the_same_bytes_with_threads(void **state)
{
    lesson l = stack_lesson();
    pea_weights *learnt[2];
    (void)state;
    for (int run = 0; run < 2; run++) {
        pea_context *context = test_context(run ? 3 : 1, 0);
        pea__teacher *teacher = new_teacher(&l, context);
        learn(teacher, &l, 2);
        learnt[run] = state_of(teacher);
        pea__teacher_free(teacher);
        pea_context_free(context);
    }
    assert_same_weights(learnt[0], learnt[1]);
    pea_weights_free(learnt[0]);
    pea_weights_free(learnt[1]);
    lesson_free(&l);
}

typedef struct patience {
    int left;
    double last;
    bool fell;
} patience;

static int lose_patience(void *user, const char *stage, double fraction)
{
    patience *p = user;
    (void)stage;
    p->fell = p->fell || fraction < p->last;
    p->last = fraction;
    return p->left-- <= 0;
}

/* Wherever it happens. A step that is cancelled might not have been begun. */
static void cancelled_steps_teach_nothing(void **state)
{
    pea_error err;
    patience p = {.left = 1 << 30};
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    lesson l = plane_lesson();
    pea__losses losses;
    const pea__sample sample = sample_of(&l);
    (void)state;
    options.n_threads = 2;
    options.progress = lose_patience;
    options.progress_user = &p;
    assert_ok(pea_context_new(&options, &context, &err));
    pea__teacher *teacher = new_teacher(&l, context);
    pea_weights *before = state_of(teacher);
    int n_cancelled = 0;
    for (int left = 0; left < 40; left += 3) {
        p = (patience){.left = left};
        pea__stage(context, "train");
        pea__progress_window(context, 0.0, 1.0);
        if (pea__teacher_gradients(teacher, &sample, &losses, &err) == PEA_E_CANCELLED) {
            pea_weights *after = state_of(teacher);
            assert_same_weights(before, after);
            pea_weights_free(after);
            n_cancelled++;
        }
        assert_false(p.fell);
    }
    assert_true(n_cancelled > 0);
    pea_weights_free(before);
    pea__teacher_free(teacher);
    pea_context_free(context);
    lesson_free(&l);
}

/* Images of numbers below 2^-126 teach what black ones teach. */
static void numbers_too_small_count_as_0(void **state)
{
    lesson l = plane_lesson();
    const int64_t n = pea__batch_voxels(l.batch) * l.channels;
    pea_weights *learnt[2];
    (void)state;
    for (int run = 0; run < 2; run++) {
        for (int64_t k = 0; k < n; k++)
            l.view[k] = l.second[k] = run ? 1e-40f * (float)test_u(502, (uint32_t)k) : 0.0f;
        pea__teacher *teacher = new_teacher(&l, NULL);
        learn(teacher, &l, 1);
        learnt[run] = state_of(teacher);
        pea__teacher_free(teacher);
    }
    assert_same_weights(learnt[0], learnt[1]);
    pea_weights_free(learnt[0]);
    pea_weights_free(learnt[1]);
    lesson_free(&l);
}

/* ---- slopes ---- */

static double total_of(pea__teacher *teacher, const lesson *l)
{
    pea_error err;
    pea__losses losses;
    const pea__sample sample = sample_of(l);
    assert_ok(pea__teacher_gradients(teacher, &sample, &losses, &err));
    return losses.total;
}

/* Along its gradient a loss must rise by the gradient's length; the second view, through which no gradient goes, is left
 * out. Steps are small, numbers single: two or three digits are all there are. */
static void check_slope(lesson *l, double tolerance)
{
    l->curriculum.cross = 0.0;
    pea__teacher *teacher = new_teacher(l, NULL);
    pea__trainee *t = pea__teacher_trainee(teacher);
    const size_t n_bytes = (size_t)t->n_parameters * sizeof(float);
    float *at = malloc(n_bytes), *slope = malloc(n_bytes);
    double total[2];
    total_of(teacher, l);
    memcpy(at, t->parameters, n_bytes);
    memcpy(slope, t->gradients, n_bytes);
    const double length = length_of(slope, t->n_parameters), step = 5e-4;
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < t->n_parameters; i++)
            t->parameters[i] = at[i] + (float)((side ? step : -step) * (double)slope[i] / length);
        total[side] = total_of(teacher, l);
    }
    const double found = (total[1] - total[0]) / (2.0 * step);
    if (!(fabs(found / length - 1.0) < tolerance))
        fail_msg("slope %g by differences, %g by the gradient", found, length);
    free(at);
    free(slope);
    pea__teacher_free(teacher);
}

static void gradients_are_slopes(void **state)
{
    lesson plane = plane_lesson(), stack = stack_lesson();
    lesson affinities = lesson_new(STACK_OF_AFFINITIES, (pea__batch){1, 5, 32, 32});
    (void)state;
    check_slope(&plane, 0.02);
    check_slope(&stack, 0.02);
    memset(affinities.curriculum.self, 0, sizeof affinities.curriculum.self);
    affinities.curriculum.affinity = 1.0;
    check_slope(&affinities, 0.02);
    memset(plane.curriculum.self, 0, sizeof plane.curriculum.self);
    plane.curriculum.foreground = 0.0;
    plane.curriculum.distance = 1.0;
    check_slope(&plane, 0.02);
    assert_int_equal(affinities.curriculum.offsets[0].n, 12);
    lesson_free(&plane);
    lesson_free(&stack);
    lesson_free(&affinities);
}

/* A network that gives affinities itself. */
static void affinities_are_learnt(void **state)
{
    lesson l = lesson_new(STACK_OF_AFFINITIES, (pea__batch){1, 5, 32, 32});
    (void)state;
    memset(l.curriculum.self, 0, sizeof l.curriculum.self);
    l.curriculum.cross = 0.0;
    l.curriculum.affinity = 1.0;
    pea__teacher *teacher = new_teacher(&l, NULL);
    const double first = learn(teacher, &l, 1).total, last = learn(teacher, &l, 10).affinity;
    assert_true(last < 0.95 * first);
    pea__teacher_free(teacher);
    lesson_free(&l);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(restored_teachers_go_on_with_the_same_bytes),
    cmocka_unit_test(states_of_others_are_refused),
    cmocka_unit_test(averages_follow_slowly),
    cmocka_unit_test(models_may_be_given_the_statistics_of_plain_images),
    cmocka_unit_test(frozen_encoders_stay),
    cmocka_unit_test(too_much_memory_is_refused_with_its_number),
    cmocka_unit_test(lessons_that_make_no_sense_are_refused),
    cmocka_unit_test(volumes_give_the_same_bytes_with_threads),
    cmocka_unit_test(cancelled_steps_teach_nothing),
    cmocka_unit_test(numbers_too_small_count_as_0),
    cmocka_unit_test(gradients_are_slopes),
    cmocka_unit_test(affinities_are_learnt),
};

PEA_TEST_MAIN(tests)
