/* course.c - options become what teacher, sampler and schedule are made of; what does not fit is found here.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include "pea/settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

static const char switches[] =
    "scm ccm epm foreground amsgrad flip crop rotate rescale elastic grey second-grey cutout second-flip";
enum { N_LESSONS = 5, MAX_SHIFTS = 64 }; /* N_LESSONS: words before those of samples */

const char *pea_train_switches(void)
{
    return switches;
}

/* ---- ranges ---- */

static pea_status check_sizes(const pea_train_options *o, pea_error *err)
{
    if (o->side < 16 || o->side > 4096 || o->side % 16 != 0)
        return pea__fail(err, PEA_E_ARG, "the side of samples must be a multiple of 16 from 16 to 4096, not %" PRId64,
                         o->side);
    if (o->depth < 1 || o->depth > 1024)
        return pea__fail(err, PEA_E_ARG, "the depth of samples must be from 1 to 1024, not %" PRId64, o->depth);
    if (o->batch < 1 || o->batch > 256)
        return pea__fail(err, PEA_E_ARG, "a batch must have 1 to 256 samples, not %" PRId64, o->batch);
    if (o->n_steps < (o->seconds > 0.0 ? 0 : 1) || o->n_steps > PEA__MAX_STEPS)
        return pea__fail(err, PEA_E_ARG, "steps must be from 1 to %d, not %" PRId64, (int)PEA__MAX_STEPS, o->n_steps);
    if (o->validate_every < 1)
        return pea__fail(err, PEA_E_ARG, "steps between validations must be at least 1, not %" PRId64,
                         o->validate_every);
    if (o->warm_up < 0 || (o->n_steps > 0 && o->warm_up > o->n_steps))
        return pea__fail(err, PEA_E_ARG,
                         "the warm-up must be from 0 to %" PRId64 " steps, which there are in all, not %" PRId64,
                         o->n_steps, o->warm_up);
    return PEA_OK;
}

static pea_status check_range(double value, double low, double high, const char *what, pea_error *err)
{
    if (value >= low && value <= high)
        return PEA_OK;
    return pea__fail(err, PEA_E_ARG, "%s must be from %g to %g, not %g", what, low, high, value);
}

static pea_status check_numbers(const pea_train_options *o, pea_error *err)
{
    const struct {
        double value, low, high;
        const char *what;
    } ranges[] = {
        {o->rate, 1e-12, 100.0, "the learning rate"},
        {o->end_rate, 0.0, 100.0, "the last learning rate"},
        {o->epsilon, 0.0, 1.0, "epsilon"},
        {o->weight_decay, 0.0, 1.0, "the weight decay"},
        {o->longest_gradient, 0.0, 1e30, "the longest gradient"},
        {o->average, 0.0, 0.999999, "the decay of averaged weights"},
        {(double)o->plain_batches, 0.0, 1e6, "the number of plain batches"},
        {o->foreground_factor, 0.0, 1e9, "the factor of the foreground's loss"},
        {o->seconds, 0.0, 1e9, "the time in seconds"},
        {o->save_every_s, 0.0, 1e9, "the time between states in seconds"},
        {o->validation_share, 0.0, 0.9, "the share of images for validation"},
    };
    pea_status status = PEA_OK;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && status == PEA_OK; i++)
        status = check_range(ranges[i].value, ranges[i].low, ranges[i].high, ranges[i].what, err);
    if (status == PEA_OK && ((unsigned)o->optimiser > PEA_OPTIMISER_SGD || (unsigned)o->decay > PEA_DECAY_COSINE))
        status = pea__fail(err, PEA_E_ARG, "there is no optimiser number %d, or no decay number %d", (int)o->optimiser,
                           (int)o->decay);
    return status;
}

static pea_status find_score(pea__course *course, pea_error *err)
{
    static const char *const low[] = {"dic_abs",       "voi",           "voi_split", "voi_merge",
                                      "voi_split_all", "voi_merge_all", "arand"};
    const char *wanted = course->options.score;
    char shown[64];
    for (size_t i = 0; wanted && i < pea_score_count(); i++) {
        if (strcmp(pea_score_get_item(i).key, wanted))
            continue;
        course->score = i;
        for (size_t k = 0; k < sizeof low / sizeof *low; k++)
            course->low_is_best = course->low_is_best || !strcmp(wanted, low[k]);
        return PEA_OK;
    }
    return pea__fail(err, PEA_E_ARG,
                     "there is no score '%s': choose one that `pea score --json` tells, such as aji, sbd, pq, voi",
                     wanted ? pea__printable(wanted, strlen(wanted), shown) : "");
}

/* ---- what is switched off ---- */

/* The next word of a list from *at on: its length, and *at where it begins; 0 at the end. */
static size_t next_word(const char **at)
{
    *at += strspn(*at, ", ");
    return strcspn(*at, ", ");
}

static bool is_word_of(const char *list, const char *word, size_t length)
{
    for (const char *at = list; next_word(&at) > 0; at += next_word(&at))
        if (next_word(&at) == length && !memcmp(at, word, length))
            return true;
    return false;
}

static bool is_off(const pea_train_options *o, const char *name)
{
    return o->without && is_word_of(o->without, name, strlen(name));
}

static pea_status check_switches(const pea_train_options *o, pea_error *err)
{
    char shown[64];
    for (const char *at = o->without; at && next_word(&at) > 0; at += next_word(&at)) {
        const size_t length = next_word(&at);
        if (!is_word_of(switches, at, length))
            return pea__fail(err, PEA_E_ARG, "there is no '%s' to be left out: choose from %s",
                             pea__printable(at, length, shown), switches);
    }
    return PEA_OK;
}

/* ---- which slices ---- */

/* A step of 1 to 1000 in all `length` bytes; 0 for anything else. */
static int64_t step_of(const char *text, size_t length)
{
    int64_t step = 0;
    for (size_t i = 0; i < length && length <= 4; i++)
        step = text[i] < '0' || text[i] > '9' ? INT64_MIN / 16 : 10 * step + text[i] - '0';
    return step < 1 || step > 1000 ? 0 : step;
}

static pea_status read_thin(pea__course *course, pea_error *err)
{
    const char *at = course->options.thin ? course->options.thin : "1";
    char shown[64];
    for (; next_word(&at) > 0; at += next_word(&at)) {
        const size_t length = next_word(&at);
        const int64_t step = step_of(at, length);
        if (step == 0 || course->n_thin == PEA__MAX_THIN)
            return pea__fail(err, PEA_E_ARG, "slices are taken in at most %d steps of 1 to 1000, as \"1,3\"; found '%s'",
                             (int)PEA__MAX_THIN, pea__printable(at, length, shown));
        if (step > 1 && course->info.n_axes == 2)
            return pea__fail(err, PEA_E_ARG, "a network for planes takes every slice on its own: thin is for volumes");
        course->thin[course->n_thin++] = step;
    }
    return course->n_thin > 0 ? PEA_OK : pea__fail(err, PEA_E_ARG, "thin names no step: expected one, such as 3");
}

/* ---- the network ---- */

static pea_status read_network(pea__course *course, pea_error *err)
{
    pea_model *model = NULL;
    pea_status status = pea_weights_read(course->options.from, &course->weights, err);
    if (status == PEA_OK)
        status = pea__model_make(course->weights, course->options.from, &model, err);
    if (status == PEA_OK) {
        const char *record = pea_model_metadata(model);
        if (!(course->old_record = pea__copy_text(record, strlen(record), err)))
            status = PEA_E_NOMEM;
    }
    pea_model_free(model);
    return status;
}

/* Mean shift finds places that are dense: embeddings are taught by their distance then, not by affinities. */
static bool is_by_distance(const pea_train_options *o)
{
    return o->segment.clusterer == PEA_CLUSTER_MEANSHIFT;
}

static pea_status find_network(pea__course *course, pea_error *err)
{
    const pea_train_options *o = &course->options;
    pea_network *network = NULL;
    pea__blueprint plan = {.n_axes = o->segment.offsets.n_axes,
                           .in_channels = o->in_channels,
                           .embedding_dim = o->embedding_dim,
                           .coarse_heads = !is_off(o, "epm") && !is_by_distance(o)};
    memcpy(plan.filters, o->filters, sizeof plan.filters);
    pea_status status =
        o->from ? read_network(course, err) : pea__initial_weights(&plan, o->seed, &course->weights, err);
    if (status == PEA_OK)
        status = pea_network_create(course->weights, &network, err);
    if (status != PEA_OK)
        return status;
    course->info = pea_network_get_info(network);
    course->has_coarse_heads = pea_network_find_head(network, "emb_level1") >= 0;
    course->has_foreground = pea_network_find_head(network, "foreground_logits") >= 0;
    pea_network_free(network);
    if (course->info.n_axes != o->segment.offsets.n_axes)
        return pea__fail(err, PEA_E_ARG, "the network of %s is %d-D, the settings are for %d-D: choose another preset",
                         o->from, course->info.n_axes, o->segment.offsets.n_axes);
    if (course->info.n_axes == 2 && o->depth != 1)
        return pea__fail(err, PEA_E_ARG, "samples of planes have a depth of 1, not %" PRId64, o->depth);
    return PEA_OK;
}

/* ---- the samples ---- */

static pea_status plan_samples(pea__course *course, pea_error *err)
{
    const pea_train_options *o = &course->options;
    char name[32];
    pea_status status = pea__augmentation_preset(o->augmentation, &course->augmentation, err);
    int i = 0;
    for (const char *at = switches; next_word(&at) > 0 && status == PEA_OK; at += next_word(&at)) {
        (void)snprintf(name, sizeof name, "%.*s", (int)next_word(&at), at);
        if (i++ >= N_LESSONS && is_off(o, name))
            status = pea__augmentation_switch(&course->augmentation, name, false, err);
    }
    course->augmentation.depth = o->depth;
    course->augmentation.side = o->side;
    course->data = (pea__data_options){.n_axes = course->info.n_axes, .channels = course->info.in_channels,
                                       .normalise = o->segment.normalise, .widen = course->info.n_axes == 3};
    course->batch = (pea__batch){o->batch, o->depth, o->side, o->side};
    return status == PEA_OK ? pea__augmentation_check(&course->augmentation, err) : status;
}

/* ---- the lessons ---- */

/* The shifts that offsets are made of; 0 where they are not. */
static size_t find_shifts(const pea_offsets *offsets, int neighbours, int shifts[MAX_SHIFTS])
{
    const size_t per_shift = (size_t)neighbours / 2, n = offsets->n / per_shift;
    pea_offsets made;
    for (size_t i = 0; i < n && i < MAX_SHIFTS; i++)
        shifts[i] = -offsets->step[i * per_shift].y;
    const bool good = n >= 1 && n <= MAX_SHIFTS &&
                      pea_offsets_from_shifts(shifts, n, neighbours, &made, NULL) == PEA_OK &&
                      pea__offsets_same(&made, offsets);
    return good ? n : 0;
}

static pea_status plan_plane(pea__course *course, pea_error *err)
{
    const pea_offsets *offsets = &course->segment.offsets;
    int shifts[MAX_SHIFTS], neighbours = 4;
    size_t n = find_shifts(offsets, 4, shifts);
    if (n == 0 && (n = find_shifts(offsets, 8, shifts)) > 0)
        neighbours = 8;
    if (n < PEA__LEVELS)
        return pea__fail(err, PEA_E_ARG,
                         "a network of planes is taught at least %d shifts, the settings have %zu: give shifts "
                         "such as 1,3,5,9,27, not a list of offsets",
                         (int)PEA__LEVELS, n);
    return pea__curriculum_plane(shifts, n, neighbours, course->options.foreground_factor, &course->curriculum, err);
}

static pea_status plan_volume(pea__course *course, pea_error *err)
{
    const pea_offsets known = pea_offsets_3d_default();
    course->curriculum = pea__curriculum_volume();
    if (!pea__offsets_same(&known, &course->segment.offsets))
        return pea__fail(err, PEA_E_ARG,
                         "a network of volumes is taught the twelve offsets of the paper, not %zu others",
                         course->segment.offsets.n);
    return PEA_OK;
}

/* Instead of affinities. The background is an instance where nothing else tells it apart. */
static void teach_distances(pea__curriculum *c)
{
    memset(c->self, 0, sizeof c->self);
    c->cross = 0.0;
    c->distance = 1.0;
    c->background_is_instance = c->foreground == 0.0;
}

static void leave_out(pea__course *course)
{
    const pea_train_options *o = &course->options;
    pea__curriculum *c = &course->curriculum;
    for (int level = 1; level < PEA__LEVELS; level++)
        if (is_off(o, "epm") || !course->has_coarse_heads)
            c->self[level] = 0.0;
    if (is_off(o, "scm"))
        c->self[0] = 0.0;
    if (is_off(o, "ccm"))
        c->cross = 0.0;
    if (is_off(o, "foreground") || !course->has_foreground)
        c->foreground = 0.0;
    if (course->info.embedding_dim == 0) { /* affinities themselves are what it gives */
        memset(c->self, 0, sizeof c->self);
        c->cross = 0.0;
        c->affinity = 1.0;
    } else if (is_by_distance(o)) {
        teach_distances(c);
    }
    if (!o->from && c->foreground == 0.0 && course->segment.foreground == PEA_FOREGROUND_PREDICTED)
        course->segment.foreground = PEA_FOREGROUND_GIVEN; /* what was never taught cannot be asked */
}

static void plan_optimiser(pea__course *course)
{
    const pea_train_options *o = &course->options;
    pea__curriculum *c = &course->curriculum;
    c->optimiser.method = o->optimiser == PEA_OPTIMISER_SGD ? PEA__SGD : PEA__ADAM;
    c->optimiser.amsgrad = !is_off(o, "amsgrad");
    c->optimiser.epsilon = o->epsilon;
    c->optimiser.epsilon_first = o->epsilon_first != 0;
    c->optimiser.weight_decay = o->weight_decay;
    c->longest_gradient = o->longest_gradient;
    c->average = o->average;
    c->freeze_encoder = o->freeze_encoder != 0;
    course->schedule = (pea__schedule){.decay = o->decay == PEA_DECAY_COSINE       ? PEA__COSINE
                                                : o->decay == PEA_DECAY_POLYNOMIAL ? PEA__POLYNOMIAL
                                                                                   : PEA__CONSTANT,
                                       .base = o->rate, .end = o->end_rate, .power = 0.9, .warm_up = o->warm_up,
                                       .n_steps = o->n_steps ? o->n_steps : PEA__MAX_STEPS};
}

static pea_status plan(pea__course *course, pea_error *err)
{
    const pea_train_options *o = &course->options;
    pea_status status = check_sizes(o, err);
    if (status == PEA_OK)
        status = check_numbers(o, err);
    if (status == PEA_OK)
        status = check_switches(o, err);
    if (status == PEA_OK)
        status = find_score(course, err);
    if (status == PEA_OK)
        status = find_network(course, err);
    if (status == PEA_OK)
        status = read_thin(course, err);
    if (status == PEA_OK)
        status = plan_samples(course, err);
    if (status == PEA_OK)
        status = course->info.n_axes == 2 ? plan_plane(course, err) : plan_volume(course, err);
    if (status != PEA_OK)
        return status;
    leave_out(course);
    plan_optimiser(course);
    return pea__options_check(&course->segment, course->info, err);
}

pea_status pea__course_plan(const pea_train_options *options, pea__course *course, pea_error *err)
{
    *course = (pea__course){.weights = NULL};
    if (!options)
        return pea__fail(err, PEA_E_ARG, "training needs options: begin with pea_train_preset()");
    pea_status status = pea_train_preset("nuclei", 0, &course->options, err);
    if (status == PEA_OK)
        status = pea__options_take(&course->options, sizeof course->options, options, "training", err);
    course->segment = course->options.segment;
    if (status == PEA_OK)
        status = plan(course, err);
    if (status != PEA_OK)
        pea__course_free(course);
    return status;
}

void pea__course_free(pea__course *course)
{
    pea_weights_free(course->weights);
    pea__free(course->old_record);
    course->weights = NULL;
    course->old_record = NULL;
}

void pea__course_fit(pea__course *course, int64_t done, const pea__pace *pace)
{
    static const double for_validations = 0.15, for_surprises = 0.02, tolerance = 0.05;
    pea__schedule *s = &course->schedule;
    const double more =
        pace->validation_s > 0.0
            ? (1.0 - for_surprises) * (pace->left_s - pace->validation_s) /
                  (pace->step_s + pace->validation_s / (double)course->options.validate_every)
            : (1.0 - for_validations) * pace->left_s / pace->step_s;
    const int64_t least = pea__max_i64(done + 1, s->warm_up);
    const double n = fmin((double)done + more, PEA__MAX_STEPS);
    if (fabs(n - (double)s->n_steps) > tolerance * (double)(s->n_steps - done))
        pea__schedule_change(s, done, n < (double)least ? least : (int64_t)n);
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void append(char terms[PEA__TERMS_BYTES], const char *format, ...)
{
    const size_t used = strlen(terms);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(terms + used, PEA__TERMS_BYTES - used, format, arguments);
    va_end(arguments);
}

static void append_number(char terms[PEA__TERMS_BYTES], const char *key, double value)
{
    char text[PEA__REAL_BYTES];
    pea__real_print_exactly(value, text);
    append(terms, " %s=%s", key, text);
}

/* In one order, each word once. */
static void list_switched_off(const pea_train_options *o, char list[sizeof switches])
{
    list[0] = '\0';
    for (const char *at = switches; next_word(&at) > 0; at += next_word(&at)) {
        char word[32];
        (void)snprintf(word, sizeof word, "%.*s", (int)next_word(&at), at);
        if (is_off(o, word))
            (void)snprintf(list + strlen(list), sizeof switches - strlen(list), "%s%s", list[0] ? "," : "", word);
    }
}

/* What chooses the samples, and by what scores are made and compared. */
static void append_choices(char terms[PEA__TERMS_BYTES], const pea__course *course)
{
    char value[PEA_SETTING_TEXT_BYTES];
    bool has_shifts = false;
    append(terms, " thin=");
    for (size_t i = 0; i < course->n_thin; i++)
        append(terms, "%s%" PRId64, i ? "," : "", course->thin[i]);
    append_number(terms, "share", course->options.validation_share);
    append(terms, " score=%s", course->options.score);
    for (size_t i = 0; i < pea_settings_count(); i++) {
        const char *key = pea_settings_item(i).key;
        if (pea_settings_get(&course->segment, key, value, NULL) != PEA_OK || !value[0])
            continue;
        has_shifts = has_shifts || !strcmp(key, "shifts");
        if (!has_shifts || strcmp(key, "offsets") != 0) /* they say the same */
            append(terms, " %s=%s", key, value);
    }
}

/* Not the number of steps, nor when scores are made: a run may be made longer, and be looked at more often. */
void pea__course_terms(const pea__course *course, char terms[PEA__TERMS_BYTES])
{
    const pea_train_options *o = &course->options;
    const int64_t *f = course->info.filters;
    char list[sizeof switches];
    list_switched_off(o, list);
    (void)snprintf(terms, PEA__TERMS_BYTES,
                   "network=%s filters=%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, course->info.kind,
                   f[0], f[1], f[2], f[3], f[4]);
    append(terms, " channels=%" PRId64 " dim=%" PRId64 " from=", course->info.in_channels, course->info.embedding_dim);
    if (o->from)
        append(terms, "%016" PRIx64, pea__weights_digest(course->weights, "", 0));
    else
        append(terms, "nothing");
    append(terms, " freeze=%d without=%s augmentation=%s", o->freeze_encoder != 0, list, o->augmentation);
    append(terms, " depth=%" PRId64 " side=%" PRId64 " batch=%" PRId64 " seed=%" PRIu64, o->depth, o->side, o->batch,
           o->seed);
    append(terms, " offsets=%zu optimiser=%s decay=%s warm-up=%" PRId64, course->segment.offsets.n,
           pea_optimiser_name(o->optimiser), pea_decay_name(o->decay), o->warm_up);
    append_number(terms, "rate", o->rate);
    append_number(terms, "end-rate", o->end_rate);
    append_number(terms, "epsilon", o->epsilon);
    append(terms, " epsilon-first=%d", o->epsilon_first != 0);
    append_number(terms, "weight-decay", o->weight_decay);
    append_number(terms, "longest-gradient", o->longest_gradient);
    append_number(terms, "average", o->average);
    append_number(terms, "foreground", course->curriculum.foreground);
    if (course->curriculum.distance > 0.0)
        append_number(terms, "distance", course->curriculum.distance);
    append_choices(terms, course);
    if (o->plain_batches > 0)
        append(terms, " plain-batches=%" PRId64, o->plain_batches);
}
