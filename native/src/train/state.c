/* state.c - all that a run needs to go on as if it had never stopped, in one file: what the teacher keeps, histories,
 * the best weights so far. A file of tensors like a model, under names that no model has.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"
#include "train/run.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char losses_name[] = "run/losses", scores_name[] = "run/scores", best_prefix[] = "best/";
static const char digest_key[] = ",\"digest\":\"";
enum { NAME_BYTES = 160, DIGITS = 16 };

void pea__journal_free(pea__journal *journal)
{
    pea__history_free(&journal->history);
    pea_weights_free(journal->best);
    journal->best = NULL;
}

/* ---- what tells damage ---- */

/* The sum does not ask for an order of tensors. */
uint64_t pea__weights_digest(const pea_weights *weights, const char *text, size_t n_bytes)
{
    uint64_t sum = pea__mix(0, text, n_bytes);
    for (size_t i = 0; i < pea_weights_count(weights); i++) {
        const pea_tensor t = pea_weights_tensor(weights, i);
        uint64_t hash = pea__mix((uint64_t)t.dtype, t.name, strlen(t.name));
        int64_t n;
        hash = pea__mix(hash, t.shape, (size_t)t.n_axes * sizeof *t.shape);
        if (pea__shape_count(t.shape, t.n_axes, &n))
            hash = pea__mix(hash, t.data, (size_t)n * pea_dtype_size_bytes(t.dtype));
        sum += hash;
    }
    return sum;
}

/* The description with one key more, the digest of tensors and of all that stands before it (pea__free). */
static char *seal(const pea_weights *state, const char *text, pea_error *err)
{
    const size_t length = strlen(text) - 1, room = length + sizeof digest_key + DIGITS + 2; /* without the bracket */
    char *sealed = pea__alloc(room, 1, err);
    if (sealed)
        (void)snprintf(sealed, room, "%.*s%s%016" PRIx64 "\"}", (int)length, text, digest_key,
                       pea__weights_digest(state, text, length));
    return sealed;
}

static bool is_whole(const pea_weights *state, const char *text)
{
    const char *at = strstr(text, digest_key);
    char digits[DIGITS + 1];
    if (!at)
        return false;
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, pea__weights_digest(state, text, (size_t)(at - text)));
    return !strncmp(at + sizeof digest_key - 1, digits, DIGITS);
}

/* ---- writing ---- */

static pea_status add_rows(pea_weights *state, const char *name, const float *rows, int64_t n, int64_t columns,
                           pea_error *err)
{
    const int64_t shape[2] = {n, columns};
    void *stored;
    if (n == 0)
        return PEA_OK;
    const pea_status status = pea__weights_add(state, name, PEA_FLOAT32, 2, shape, NULL, &stored, err);
    if (status == PEA_OK)
        memcpy(stored, rows, (size_t)(n * columns) * sizeof *rows);
    return status;
}

/* A copy of a tensor under another name. */
static pea_status add_copy(pea_weights *to, const char *name, const pea_tensor *t, pea_error *err)
{
    void *stored;
    int64_t n;
    const pea_status status = pea__weights_add(to, name, t->dtype, t->n_axes, t->shape, NULL, &stored, err);
    if (status == PEA_OK && pea__shape_count(t->shape, t->n_axes, &n))
        memcpy(stored, t->data, (size_t)n * pea_dtype_size_bytes(t->dtype));
    return status;
}

static pea_status add_best(pea_weights *state, const pea_weights *best, pea_error *err)
{
    char name[NAME_BYTES];
    pea_status status = PEA_OK;
    for (size_t i = 0; best && i < pea_weights_count(best) && status == PEA_OK; i++) {
        const pea_tensor t = pea_weights_tensor(best, i);
        (void)snprintf(name, sizeof name, "%s%s", best_prefix, t.name);
        status = add_copy(state, name, &t, err);
    }
    return status;
}

/* Only where time decides: what others write is the same to the byte however long it took. */
static bool add_plan(cJSON *object, const pea__course *course, const pea__journal *journal)
{
    const pea__schedule *s = &course->schedule;
    return cJSON_AddNumberToObject(object, "planned_steps", (double)s->n_steps) &&
           (course->options.n_steps > 0 || (cJSON_AddNumberToObject(object, "planned_at", (double)s->planned_at) &&
                                            cJSON_AddNumberToObject(object, "planned_share", s->planned_share) &&
                                            cJSON_AddNumberToObject(object, "spent_s", journal->spent_s)));
}

/* Owned: cJSON_free(); NULL where memory ends. */
static char *describe(const pea__course *course, const pea__data *data, const pea__journal *journal)
{
    const pea__history *history = &journal->history;
    char terms[PEA__TERMS_BYTES], images[24], *text = NULL;
    cJSON *object = cJSON_CreateObject();
    pea__course_terms(course, terms);
    (void)snprintf(images, sizeof images, "%016" PRIx64, pea__data_fingerprint(data));
    if (object && cJSON_AddNumberToObject(object, "state_version", PEA__STATE_VERSION) &&
        cJSON_AddStringToObject(object, "terms", terms) && cJSON_AddStringToObject(object, "images", images) &&
        cJSON_AddNumberToObject(object, "best", (double)(history->n_validations ? history->best : -1)) &&
        add_plan(object, course, journal))
        text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

pea_status pea__state_write(const pea__course *course, const pea__data *data, const pea__teacher *teacher,
                            const pea__journal *journal, const char *folder, pea_error *err)
{
    const pea__history *h = &journal->history;
    pea_weights *state = NULL;
    char *path = pea__path_in(folder, "state", ".safetensors", err), *text = NULL, *sealed = NULL;
    pea_status status = path ? pea__teacher_state(teacher, &state, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = add_rows(state, losses_name, h->losses, h->n_steps, PEA__LOSS_COLUMNS, err);
    if (status == PEA_OK)
        status = add_rows(state, scores_name, h->scores, h->n_validations, pea__score_columns(), err);
    if (status == PEA_OK)
        status = add_best(state, journal->best, err);
    if (status == PEA_OK && !(text = describe(course, data, journal)))
        status = pea__fail(err, PEA_E_NOMEM, "out of memory for the state of training");
    if (status == PEA_OK && !(sealed = seal(state, text, err)))
        status = PEA_E_NOMEM;
    if (status == PEA_OK)
        status = pea_weights_write(path, state, sealed, err);
    cJSON_free(text);
    pea__free(sealed);
    pea_weights_free(state);
    pea__free(path);
    return status;
}

/* ---- reading ---- */

static pea_status fail_damaged(const char *path, const char *what, pea_error *err)
{
    return pea__fail(err, PEA_E_FORMAT, "%s is no state of training that can be gone on from: %s", path, what);
}

/* The first word in which two lists of words differ; one of them may have a word more. */
static pea_status compare_terms(const char *path, const char *then, const char *now, pea_error *err)
{
    size_t at = 0, word = 0;
    for (; then[at] && then[at] == now[at]; at++)
        if (then[at] == ' ')
            word = at + 1;
    if (then[at] == now[at])
        return PEA_OK;
    const bool one_ends = (!then[at] && now[at] == ' ') || (!now[at] && then[at] == ' ');
    const char *was = !one_ends ? then + word : then[at] ? then + at + 1 : "nothing";
    const char *is = !one_ends ? now + word : now[at] ? now + at + 1 : "nothing";
    return pea__fail(err, PEA_E_ARG, "%s was made with %.*s, now it is %.*s: resume with the options it was begun with",
                     path, (int)strcspn(was, " "), was, (int)strcspn(is, " "), is);
}

/* A number of the description, NaN where there is none. */
static double number_of(const cJSON *about, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(about, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* The plan of a run whose steps are found by time. Where they were told before, the state has no changes of plan. */
static pea_status read_plan(pea__course *course, const char *path, const cJSON *about, pea__journal *journal,
                            pea_error *err)
{
    pea__schedule *s = &course->schedule;
    const double n = number_of(about, "planned_steps"), at = number_of(about, "planned_at"),
                 share = number_of(about, "planned_share"), spent = number_of(about, "spent_s");
    if (!(n >= 1.0 && n <= PEA__MAX_STEPS) || at < 0.0 || at > n || share < 0.0 || share > 1.0 || spent < 0.0 ||
        spent > 1e9)
        return fail_damaged(path, "its plan is none", err);
    if (course->options.n_steps > 0)
        return PEA_OK;
    s->n_steps = (int64_t)n;
    s->planned_at = at >= 0.0 ? (int64_t)at : 0;
    s->planned_share = share >= 0.0 ? share : 0.0;
    journal->spent_s = spent >= 0.0 ? spent : 0.0;
    return PEA_OK;
}

static pea_status compare(pea__course *course, const pea__data *data, const char *path, const cJSON *about,
                          pea__journal *journal, pea_error *err)
{
    char now[PEA__TERMS_BYTES], images[24];
    const cJSON *terms = cJSON_GetObjectItemCaseSensitive(about, "terms"),
                *seen = cJSON_GetObjectItemCaseSensitive(about, "images"),
                *best = cJSON_GetObjectItemCaseSensitive(about, "best");
    if (!cJSON_IsString(terms) || !cJSON_IsString(seen) || !cJSON_IsNumber(best))
        return fail_damaged(path, "it does not say what it was made with", err);
    pea__course_terms(course, now);
    (void)snprintf(images, sizeof images, "%016" PRIx64, pea__data_fingerprint(data));
    const pea_status status = compare_terms(path, terms->valuestring, now, err);
    if (status == PEA_OK && strcmp(seen->valuestring, images))
        return pea__fail(err, PEA_E_ARG, "%s was made with other images or labels, or others of them set aside: "
                         "resume with those it was begun with", path);
    journal->history.best = best->valueint;
    return status == PEA_OK ? read_plan(course, path, about, journal, err) : status;
}

/* Rows of so many columns (pea__free); none where there is no such tensor. */
static pea_status read_rows(const pea_weights *state, const char *path, const char *name, int64_t columns, float **rows,
                            int64_t *n, pea_error *err)
{
    pea_tensor t;
    *n = 0;
    if (!pea_weights_find(state, name, &t))
        return PEA_OK;
    if (t.dtype != PEA_FLOAT32 || t.n_axes != 2 || t.shape[0] < 1 || t.shape[1] != columns)
        return fail_damaged(path, "its histories have another form", err);
    if (!(*rows = pea__alloc((size_t)t.shape[0], (size_t)columns * sizeof **rows, err)))
        return PEA_E_NOMEM;
    *n = t.shape[0];
    memcpy(*rows, t.data, (size_t)(*n * columns) * sizeof **rows);
    return PEA_OK;
}

/* Whether rows may have come of such a run: finite losses, validations in the order of its steps. */
static bool is_sound(const pea__history *h)
{
    float before = 0.0f;
    for (int64_t i = 0; i < h->n_steps * PEA__LOSS_COLUMNS; i++)
        if (!isfinite(h->losses[i]))
            return false;
    for (int64_t i = 0; i < h->n_validations; i++) {
        const float *row = pea__history_scores(h, i);
        if (!(row[0] > before && row[0] <= (float)h->n_steps && row[1] >= 0.0f && row[1] <= 100.0f))
            return false;
        before = row[0];
    }
    return h->best >= -1 && h->best < h->n_validations;
}

static pea_status read_histories(const pea__course *course, const pea_weights *state, const char *path,
                                 const pea__teacher *teacher, pea__history *h, pea_error *err)
{
    pea_status status = read_rows(state, path, losses_name, PEA__LOSS_COLUMNS, &h->losses, &h->n_steps, err);
    if (status == PEA_OK)
        status = read_rows(state, path, scores_name, pea__score_columns(), &h->scores, &h->n_validations, err);
    h->room_steps = h->n_steps;
    h->room_validations = h->n_validations;
    if (status == PEA_OK &&
        (h->n_steps != pea__teacher_steps(teacher) || course->schedule.planned_at > h->n_steps || !is_sound(h)))
        return fail_damaged(path, "its parts contradict each other", err);
    return status;
}

static pea_status read_best(const pea__course *course, const pea_weights *state, const char *path,
                            pea__journal *journal, pea_error *err)
{
    char name[NAME_BYTES];
    if (journal->history.best < 0)
        return PEA_OK;
    pea_status status = pea__weights_new(&journal->best, err);
    for (size_t i = 0; i < pea_weights_count(course->weights) && status == PEA_OK; i++) {
        const pea_tensor like = pea_weights_tensor(course->weights, i);
        pea_tensor t;
        (void)snprintf(name, sizeof name, "%s%s", best_prefix, like.name);
        if (!pea_weights_find(state, name, &t) || t.dtype != like.dtype || t.n_axes != like.n_axes ||
            memcmp(t.shape, like.shape, (size_t)t.n_axes * sizeof *t.shape))
            return fail_damaged(path, "its best weights are those of another network", err);
        status = add_copy(journal->best, like.name, &t, err);
    }
    return status;
}

static pea_status check_form(const char *path, const cJSON *about, pea_error *err)
{
    const double form = number_of(about, "state_version");
    if (form == PEA__STATE_VERSION)
        return PEA_OK;
    if (isnan(form))
        return fail_damaged(path, "it does not say of which form it is; begin anew", err);
    return pea__fail(err, PEA_E_FORMAT,
                     "%s is a state of training of form %g, this version of pea reads form %d: begin anew, or resume "
                     "with the version that wrote it", path, form, PEA__STATE_VERSION);
}

pea_status pea__state_read(pea__course *course, const pea__data *data, const char *folder, pea__teacher *teacher,
                           pea__journal *journal, pea_error *err)
{
    pea_weights *state = NULL;
    cJSON *about = NULL;
    char *path = pea__path_in(folder, "state", ".safetensors", err);
    pea_status status = path ? pea_weights_read(path, &state, err) : PEA_E_NOMEM;
    if (status == PEA_OK) {
        const char *text = pea_weights_metadata(state);
        pea__budget budget = {.left = 1 << 20, .total = 1 << 20};
        status = text ? pea__json_parse(text, strlen(text), 4, &budget, &about, err)
                      : fail_damaged(path, "it does not say what it was made with", err);
    }
    if (status == PEA_OK)
        status = check_form(path, about, err);
    if (status == PEA_OK && !is_whole(state, pea_weights_metadata(state)))
        status = fail_damaged(path, "it is damaged; begin anew, or take a copy of it from before", err);
    if (status == PEA_OK)
        status = compare(course, data, path, about, journal, err);
    if (status == PEA_OK)
        status = pea__teacher_restore(teacher, state, err);
    if (status == PEA_OK)
        status = read_histories(course, state, path, teacher, &journal->history, err);
    if (status == PEA_OK)
        status = read_best(course, state, path, journal, err);
    cJSON_Delete(about);
    pea_weights_free(state);
    pea__free(path);
    return status;
}
