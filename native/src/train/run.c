/* run.c - a run of training: step after step, validations, what is written when, and how it ends.
 *
 * What is learnt depends on options, images and the number of the step alone. Files are written beside the work: a disk
 * that is full is told, and tried again, and stops nothing before the end.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Steps after which it is known how long one takes: within the warm-up, where the rate does not ask how many come. As the
 * machine may get other work, the plan is looked at again when an eighth of the steps that are left then, or of the time,
 * is over. */
enum { STEPS_TO_MEASURE = 10, SHARE_TO_REVIEW = 8 };

typedef struct run {
    pea__course course;
    const pea_train_options *o; /* the course's */
    pea_context *context;
    const char *path;
    pea__data *data;
    pea__sampler *sampler;
    pea__teacher *teacher;
    pea__journal journal;
    pea__batch_of_samples batch; /* owned arrays */
    bool is_stopped;             /* who is told wants no more */
    bool model_is_due;           /* the best is not in its file yet */
    pea_error trouble;           /* of the last attempt to write; message "" where it was none */
    uint64_t held_bytes;         /* by the caller */
    double began_s, saved_s;
    double step_s, validation_s; /* that one takes */
    int64_t review_at;           /* step after which time decides anew how many there are; 0: never */
    double review_after_s;       /* and the time; 0: that does not count yet */
    int64_t reviewed_at;         /* step, and time, of the last review; time moves on by what validations take */
    double reviewed_s, spent_s;  /* spent_s: by earlier parts of the run */
} run;

static int64_t steps_done(const run *r)
{
    return pea__teacher_steps(r->teacher);
}

static int64_t steps_in_all(const run *r)
{
    return r->course.schedule.n_steps;
}

/* ---- files ---- */

static pea_status write_model(run *r, const pea_weights *weights, const float *scores, pea_error *err)
{
    char *json = NULL;
    const int64_t step = scores ? (int64_t)scores[0] : steps_done(r);
    pea_status status = pea__record_of_run(&r->course, r->data, step, scores, &json, err);
    if (status == PEA_OK)
        status = pea_weights_write(r->path, weights, json, err);
    pea__free(json);
    return status;
}

/* What failed for want of disk or rights is told and tried again; nothing else is. */
static pea_status bear(run *r, pea_status status, const pea_error *err)
{
    if (status == PEA_E_IO)
        r->trouble = *err;
    return status == PEA_E_IO ? PEA_OK : status;
}

static pea_status write_best(run *r, pea_error *err)
{
    if (!r->model_is_due || !r->journal.best)
        return PEA_OK;
    const pea_status status =
        write_model(r, r->journal.best, pea__history_scores(&r->journal.history, r->journal.history.best), err);
    r->model_is_due = status != PEA_OK;
    return status;
}

/* Where there will be another attempt. */
static pea_status bear_writing_best(run *r, pea_error *err)
{
    pea_error failed = {.status = PEA_OK};
    const pea_status status = bear(r, write_best(r, &failed), &failed);
    if (status != PEA_OK && err)
        *err = failed;
    return status;
}

static pea_status write_state(run *r, pea_error *err)
{
    r->saved_s = pea__seconds();
    r->journal.spent_s = r->spent_s + r->saved_s - r->began_s;
    return r->o->folder ? pea__state_write(&r->course, r->data, r->teacher, &r->journal, r->o->folder, err) : PEA_OK;
}

/* What people look at. */
static pea_status write_curves(run *r, pea_error *err)
{
    if (!r->o->folder)
        return PEA_OK;
    const pea_status status = pea__history_write(&r->journal.history, r->o->folder, err);
    return status == PEA_OK ? pea__curves_write(&r->journal.history, &r->course, r->o->folder, NULL, err) : status;
}

static pea_status write_all(run *r, pea_error *err)
{
    pea_error failed = {.status = PEA_OK};
    r->trouble.message[0] = '\0';
    pea_status status = bear(r, write_best(r, &failed), &failed);
    if (status == PEA_OK)
        status = bear(r, write_state(r, &failed), &failed);
    if (status == PEA_OK)
        status = bear(r, write_curves(r, &failed), &failed);
    if (status != PEA_OK && err)
        *err = failed;
    return status;
}

/* At the end there is no next time. */
static pea_status write_last(run *r, pea_error *err)
{
    const pea_status status = write_all(r, err);
    if (status != PEA_OK || !r->trouble.message[0])
        return status;
    if (err)
        *err = r->trouble;
    return PEA_E_IO;
}

/* ---- telling ---- */

static double seconds_left(const run *r)
{
    const int64_t left = steps_in_all(r) - steps_done(r), validations = left / r->o->validate_every + 1;
    const double work = (double)left * r->step_s + (double)validations * r->validation_s;
    const double budget = r->o->seconds > 0.0 ? r->began_s + r->o->seconds - pea__seconds() : work;
    return fmax(0.0, fmin(work, budget));
}

static void tell(run *r, const pea__verdict *verdict, const double *means)
{
    const pea__history *h = &r->journal.history;
    const float *last = h->n_steps ? h->losses + (h->n_steps - 1) * PEA__LOSS_COLUMNS : NULL;
    const float *best = h->n_validations && h->best >= 0 ? pea__history_scores(h, h->best) : NULL;
    pea_train_report report = {.step = steps_done(r), .n_steps = steps_in_all(r), .seconds_step = r->step_s,
                               .seconds_left = seconds_left(r), .scores = means,
                               .notes = pea__data_notes(r->data)};
    if (!r->o->report)
        return;
    report.loss = last ? (double)last[0] : NAN;
    report.rate = last ? (double)last[1] : NAN;
    report.best_score = best ? (double)best[PEA__FIRST_SCORE + r->course.score] : NAN;
    report.best_step = best ? (int64_t)best[0] : 0;
    report.foreground_threshold = r->course.segment.foreground_threshold;
    report.trouble = r->trouble.message[0] ? r->trouble.message : NULL;
    pea_array image;
    if (verdict) {
        report.is_best = h->best == h->n_validations - 1 && !r->model_is_due;
        report.foreground_threshold = verdict->percent / 100.0;
        if (verdict->n_shown) {
            image = pea__data_get(r->data, true, 0).image;
            report.image = &image;
            report.labels = &verdict->shown[0].array;
        }
    }
    if (r->o->report(r->o->report_user, &report) != 0)
        r->is_stopped = true;
    r->trouble.message[0] = '\0'; /* who listens need not hear it again after each step */
}

/* ---- validation ---- */

/* Samples that no step takes: a model is the same whenever it is asked for. */
static pea_status next_plain_view(void *user, int64_t i, const float **view, pea_error *err)
{
    const run *r = user;
    pea__batch_of_samples batch = r->batch;
    batch.plain = true;
    batch.second_view = NULL;
    *view = batch.view;
    return pea__sampler_fill(r->sampler, UINT64_MAX - (uint64_t)i, &batch, err);
}

/* The weights as they are, or their averages; with a record, so that they are a model. settled: with the statistics of
 * plain images, where the options ask for them. */
static pea_status present_weights(run *r, bool settled, pea_weights **weights, pea_error *err)
{
    char *json = NULL;
    const bool averaged = r->course.curriculum.average > 0.0;
    const pea__plain_views views = {r->o->plain_batches, next_plain_view, r};
    pea_status status =
        !settled || views.n_batches == 0
            ? pea__teacher_weights(r->teacher, averaged, r->course.weights, weights, err)
            : pea__teacher_settled_weights(r->teacher, averaged, &views, r->course.weights, weights, err);
    if (status == PEA_OK)
        status = pea__record_of_run(&r->course, r->data, steps_done(r), NULL, &json, err);
    if (status == PEA_OK)
        status = pea__weights_set_metadata(*weights, json, strlen(json), err);
    pea__free(json);
    return status;
}

static pea_status examine(run *r, const pea_weights *weights, pea__verdict *verdict, pea_error *err)
{
    pea_model *model = NULL;
    pea_status status = pea__model_make(weights, "the model in training", &model, err);
    if (status == PEA_OK)
        status = pea__validate(&r->course, model, r->data, r->context, verdict, err);
    pea_model_free(model);
    return status;
}

static pea_status validate(run *r, pea_error *err)
{
    pea_weights *weights = NULL;
    pea__verdict verdict = {.n_shown = 0};
    const double began = pea__seconds(), done = (double)steps_done(r) / (double)steps_in_all(r);
    pea__progress_window(r->context, done, done);
    pea_status status = present_weights(r, true, &weights, err);
    if (status == PEA_OK)
        status = examine(r, weights, &verdict, err);
    if (status == PEA_OK)
        status = pea__history_add_scores(&r->journal.history, &r->course, steps_done(r), verdict.percent, verdict.means,
                                         err);
    if (status == PEA_OK && r->journal.history.best == r->journal.history.n_validations - 1) {
        pea_weights_free(r->journal.best);
        r->journal.best = weights;
        weights = NULL;
        r->model_is_due = true;
    }
    if (status == PEA_OK && r->o->folder) {
        pea_error failed = {.status = PEA_OK};
        status = bear(r, pea__verdict_draw(&verdict, r->data, r->o->folder, NULL, &failed), &failed);
        if (status != PEA_OK && err)
            *err = failed;
    }
    if (status == PEA_OK) {
        r->validation_s = pea__seconds() - began;
        r->reviewed_s += r->validation_s;
        status = bear_writing_best(r, err);
    }
    if (status == PEA_OK)
        tell(r, &verdict, verdict.means);
    pea__verdict_free(&verdict);
    pea_weights_free(weights);
    return status;
}

/* ---- steps ---- */

/* Where the steps are found by time; all parts of a run share it. */
static void review_plan(run *r)
{
    const int64_t t = steps_done(r);
    const double now = pea__seconds();
    const pea__pace pace = {r->o->seconds - r->spent_s - (now - r->began_s),
                            (now - r->reviewed_s) / (double)(t - r->reviewed_at), r->validation_s};
    if (pace.left_s > 0.0) /* else what was planned is done, as far as this part goes */
        pea__course_fit(&r->course, t, &pace);
    r->review_at = t + pea__max_i64(STEPS_TO_MEASURE, (steps_in_all(r) - t) / SHARE_TO_REVIEW);
    r->review_after_s = pace.left_s > 0.0 ? pace.left_s / SHARE_TO_REVIEW : 0.0;
    r->reviewed_at = t;
    r->reviewed_s = now;
}

static bool is_review_due(const run *r)
{
    const bool late = r->review_after_s > 0.0 && pea__seconds() - r->reviewed_s >= r->review_after_s;
    return r->review_at > 0 && (steps_done(r) >= r->review_at || late);
}

static pea_status one_step(run *r, pea_error *err)
{
    const int64_t t = steps_done(r) + 1;
    const double began = pea__seconds(), n = (double)steps_in_all(r);
    const double rate = pea__schedule_rate(&r->course.schedule, t);
    pea__losses losses;
    pea__stage(r->context, "samples");
    pea__progress_window(r->context, (double)(t - 1) / n, ((double)t - 0.9) / n);
    pea_status status = pea__sampler_fill(r->sampler, (uint64_t)t, &r->batch, err);
    const pea__sample sample = {r->batch.view, r->batch.second_view, r->batch.flips, r->batch.labels};
    pea__stage(r->context, "train");
    pea__progress_window(r->context, ((double)t - 0.9) / n, (double)t / n);
    if (status == PEA_OK)
        status = pea__teacher_gradients(r->teacher, &sample, &losses, err);
    if (status == PEA_OK && !isfinite(losses.total))
        status = pea__fail(err, PEA_E_ARG,
                           "the loss of step %" PRId64 " is no finite number: training has run away; begin again "
                           "with a lower learning rate than %g",
                           t, r->o->rate);
    if (status == PEA_OK)
        status = pea__history_add_step(&r->journal.history, &losses, rate, err);
    if (status == PEA_OK && (status = pea__teacher_update(r->teacher, rate, err)) != PEA_OK)
        r->journal.history.n_steps--;
    pea__stage(r->context, NULL);
    const double took = pea__seconds() - began;
    r->step_s = r->step_s > 0.0 ? 0.9 * r->step_s + 0.1 * took : took;
    if (status == PEA_OK && is_review_due(r))
        review_plan(r);
    return status;
}

static bool has_validation(const run *r)
{
    return pea__data_count(r->data, true) > 0;
}

/* The step of the last validation; 0: there was none. */
static int64_t last_validation(const run *r)
{
    const pea__history *h = &r->journal.history;
    return h->n_validations ? (int64_t)pea__history_scores(h, h->n_validations - 1)[0] : 0;
}

static bool is_over(const run *r)
{
    const bool late = r->o->seconds > 0.0 && pea__seconds() - r->began_s >= r->o->seconds;
    return steps_done(r) >= steps_in_all(r) || r->is_stopped || late;
}

static pea_status run_steps(run *r, pea_error *err)
{
    pea_status status = PEA_OK;
    while (status == PEA_OK) {
        const int64_t t = steps_done(r);
        const bool due = t > 0 && t % r->o->validate_every == 0 && has_validation(r) && last_validation(r) != t;
        if (due)
            status = validate(r, err);
        if (status == PEA_OK && (due || (r->o->save_every_s > 0.0 && pea__seconds() - r->saved_s > r->o->save_every_s)))
            status = write_all(r, err);
        if (status != PEA_OK || is_over(r))
            return status;
        status = one_step(r, err);
        if (status == PEA_OK)
            tell(r, NULL, NULL);
    }
    return status;
}

/* The state is of the last step alone: a validation that only the end called for is none of a longer run's. */
static pea_status finish(run *r, pea_error *err)
{
    pea_weights *weights = NULL;
    pea_status status = PEA_OK;
    if (!has_validation(r)) {
        status = present_weights(r, true, &weights, err);
        if (status == PEA_OK)
            status = write_model(r, weights, NULL, err);
        pea_weights_free(weights);
        return status == PEA_OK ? write_last(r, err) : status;
    }
    if (last_validation(r) == steps_done(r))
        return write_last(r, err);
    status = write_last(r, err);
    if (status == PEA_OK)
        status = validate(r, err);
    if (status == PEA_OK)
        status = write_best(r, err);
    return status == PEA_OK ? write_curves(r, err) : status;
}

/* Cancelled or failed: what was learnt is kept. The first error is the one that counts, but to be cancelled is none:
 * who stops a run must hear that it was not kept. */
static pea_status save_what_there_is(run *r, pea_status status, pea_error *err)
{
    pea_error failed = {.status = PEA_OK};
    pea_status saved = PEA_OK;
    if (status == PEA_E_CANCELLED || status == PEA_E_NOMEM || status == PEA_E_IO)
        saved = write_last(r, &failed);
    if (status == PEA_E_CANCELLED && saved != PEA_OK)
        return pea__fail(err, saved, "cancelled after step %" PRId64 ", but %s", steps_done(r), failed.message);
    return status;
}

/* ---- before and after ---- */

static pea_status allocate_batch(run *r, pea_error *err)
{
    const pea__batch b = r->course.batch;
    const size_t n_voxels = (size_t)pea__batch_voxels(b), n_floats = n_voxels * (size_t)r->course.info.in_channels;
    if (!(r->batch.view = pea__alloc_unset(n_floats, sizeof(float), err)) ||
        (r->course.curriculum.cross > 0.0 &&
         !(r->batch.second_view = pea__alloc_unset(n_floats, sizeof(float), err))) ||
        !(r->batch.labels = pea__alloc_unset(n_voxels, sizeof(uint32_t), err)) ||
        !(r->batch.flips = pea__alloc((size_t)b.n, sizeof(pea__view), err)))
        return PEA_E_NOMEM;
    return PEA_OK;
}

static void end(run *r)
{
    pea__sampler_free(r->sampler);
    pea__teacher_free(r->teacher);
    pea__data_free(r->data);
    pea__journal_free(&r->journal);
    pea__course_free(&r->course);
    pea__free_unset(r->batch.view);
    pea__free_unset(r->batch.second_view);
    pea__free_unset(r->batch.labels);
    pea__free(r->batch.flips);
}

static uint64_t batch_bytes(const pea__course *c)
{
    const uint64_t voxels = (uint64_t)pea__batch_voxels(c->batch);
    return voxels * (8 * (uint64_t)c->info.in_channels + 4);
}

static uint64_t sampler_bytes(const pea__course *c, const pea_context *context)
{
    return pea__sampler_bytes(&c->augmentation, c->batch.n, c->info.in_channels, pea_context_threads(context));
}

/* That validation will be possible: record and settings are a model's, and there is memory for the largest image. */
static pea_status check_validation(run *r, pea_error *err)
{
    pea_weights *weights = NULL;
    pea_model *model = NULL;
    pea_status status = present_weights(r, false, &weights, err);
    if (status == PEA_OK)
        status = pea__model_make(weights, "the model in training", &model, err);
    const uint64_t limit = pea__memory_limit(r->context);
    for (size_t i = 0; i < pea__data_count(r->data, true) && status == PEA_OK; i++) {
        const pea__specimen s = pea__data_get(r->data, true, i);
        pea_expectation expected = {.bytes = 0};
        status = pea_segment_expect(model, s.image.dims, &r->course.segment, NULL, pea_context_threads(r->context),
                                    &expected, err);
        if (status == PEA_OK && limit > 0 && expected.bytes > limit)
            status = pea__fail(err, PEA_E_LIMIT,
                               "scoring the model on %.150s needs %" PRIu64 " bytes beside those of training, "
                               "%" PRIu64 " are allowed: validate on smaller images, or take smaller samples",
                               s.name, expected.bytes, limit);
    }
    pea_model_free(model);
    pea_weights_free(weights);
    return status;
}

static pea_status begin(run *r, pea_training_set *set, pea_error *err)
{
    pea__course *c = &r->course;
    pea__pairs pairs = {0};
    (void)pea__memory_hold(r->context, r->held_bytes);
    pea_status status = pea__training_set_split(set, c, err);
    if (status == PEA_OK)
        status = pea__pairs_thin(pea__training_set_pairs(set), c->thin, c->n_thin, &pairs, err);
    if (status == PEA_OK)
        status = pea__data_read(&pairs, &c->data, r->context, &r->data, err);
    pea__pairs_free(&pairs);
    if (status != PEA_OK)
        return status;
    if (!c->options.from && !strcmp(c->options.pixel_size.unit, "pixel"))
        c->options.pixel_size = pea__data_pixel_size(r->data);
    (void)pea__memory_hold(r->context, r->held_bytes + pea__data_bytes(r->data) + batch_bytes(c) +
                                           sampler_bytes(c, r->context));
    status = pea__teacher_new(c->weights, c->batch, &c->curriculum, pea__kernels(), r->context, &r->teacher, err);
    if (status == PEA_OK)
        status = pea__sampler_new(r->data, &c->augmentation, c->batch.n, r->o->seed, r->context, &r->sampler, err);
    if (status == PEA_OK)
        status = allocate_batch(r, err);
    if (status == PEA_OK)
        status = check_validation(r, err);
    if (status != PEA_OK || !r->o->resume)
        return status;
    status = pea__state_read(c, r->data, r->o->folder, r->teacher, &r->journal, err);
    r->model_is_due = r->journal.best != NULL;
    r->spent_s = r->journal.spent_s;
    return status;
}

static pea_status work(run *r, pea_training_set *set, pea_error *err)
{
    pea_status status = begin(r, set, err);
    if (status != PEA_OK)
        return status;
    r->saved_s = pea__seconds();
    r->reviewed_at = steps_done(r);
    r->reviewed_s = pea__seconds();
    r->review_at = r->o->n_steps == 0 ? r->reviewed_at + STEPS_TO_MEASURE : 0;
    status = bear_writing_best(r, err); /* of a state: the file may be older, or gone */
    if (status == PEA_OK && r->o->resume && is_over(r))
        tell(r, NULL, NULL); /* there may be nothing else to tell */
    if (status == PEA_OK)
        status = run_steps(r, err);
    if (status == PEA_OK)
        status = finish(r, err);
    return save_what_there_is(r, status, err);
}

pea_status pea_train(pea_training_set *set, const pea_train_options *options, pea_context *context, const char *path,
                     pea_error *err)
{
    if (!set || !path)
        return pea__fail(err, PEA_E_ARG, "training needs images and a place for the model");
    run *r = pea__alloc(1, sizeof *r, err);
    if (!r)
        return PEA_E_NOMEM;
    *r = (run){.o = &r->course.options, .context = context, .path = path, .began_s = pea__seconds()};
    r->journal.history.best = -1;
    r->held_bytes = pea__memory_hold(context, 0);
    pea_status status = pea__course_plan(options, &r->course, err);
    if (status == PEA_OK && r->o->resume && !r->o->folder)
        status = pea__fail(err, PEA_E_ARG, "to resume, the folder with the state must be given");
    if (status == PEA_OK)
        status = work(r, set, err);
    (void)pea__memory_hold(context, r->held_bytes);
    end(r);
    pea__free(r);
    pea__stage(context, NULL);
    pea__progress_window(context, 0.0, 1.0);
    return status;
}

pea_status pea_train_forecast(const pea_train_options *options, int n_threads, uint64_t *bytes, pea_error *err)
{
    pea__course course;
    pea_context *context = NULL;
    pea_context_options wishes = pea_context_options_default();
    wishes.n_threads = n_threads > 1 ? n_threads : 1;
    pea_status status = pea__course_plan(options, &course, err);
    if (status != PEA_OK)
        return status;
    status = pea_context_new(&wishes, &context, err);
    if (status == PEA_OK)
        status =
            pea__teacher_bytes(course.weights, course.batch, &course.curriculum, pea__kernels(), context, bytes, err);
    if (status == PEA_OK)
        *bytes += batch_bytes(&course) + sampler_bytes(&course, context);
    pea_context_free(context);
    pea__course_free(&course);
    return status;
}
