/* record.c - what a trained model says of itself: settings, licence, and where it comes from. No times and no machine:
 * the same training gives the same bytes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include "pea/pea.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool add_text(cJSON *object, const char *key, const char *text)
{
    return !text || cJSON_AddStringToObject(object, key, text);
}

/* Of a float the number with few digits that a person would write. */
static bool add_number(cJSON *object, const char *key, double value)
{
    char text[PEA__REAL_BYTES];
    double rounded = value;
    pea__real_print(value, 5, text);
    (void)pea__real_parse(text, &rounded);
    return cJSON_AddNumberToObject(object, key, rounded) != NULL;
}

static bool add_scores(cJSON *provenance, size_t n_images, const float *row)
{
    char on[64];
    cJSON *scores = cJSON_AddObjectToObject(provenance, "scores");
    (void)snprintf(on, sizeof on, "%zu validation image%s, mean", n_images, n_images == 1 ? "" : "s");
    bool good = scores && cJSON_AddStringToObject(scores, "on", on);
    for (size_t i = 0; i < pea_score_count() && good; i++)
        good = add_number(scores, pea_score_get_item(i).key, (double)row[PEA__FIRST_SCORE + i]);
    return good;
}

static bool add_losses(cJSON *training, const pea__curriculum *c)
{
    cJSON *losses = cJSON_AddObjectToObject(training, "losses");
    return losses && add_number(losses, "scm", c->self[0]) && add_number(losses, "ccm", c->cross) &&
           add_number(losses, "epm", c->self[1]) && add_number(losses, "foreground", c->foreground) &&
           (c->distance == 0.0 || add_number(losses, "distance", c->distance));
}

static bool add_optimiser(cJSON *training, const pea_train_options *o)
{
    return cJSON_AddStringToObject(training, "optimiser", pea_optimiser_name(o->optimiser)) &&
           add_number(training, "rate", o->rate) && add_number(training, "last_rate", o->end_rate) &&
           cJSON_AddStringToObject(training, "decay", pea_decay_name(o->decay)) &&
           cJSON_AddNumberToObject(training, "warm_up", (double)o->warm_up) &&
           add_number(training, "epsilon", o->epsilon) && add_number(training, "weight_decay", o->weight_decay) &&
           add_number(training, "average", o->average) &&
           (o->plain_batches == 0 ||
            cJSON_AddNumberToObject(training, "plain_batches", (double)o->plain_batches));
}

static bool add_training(cJSON *provenance, const pea__course *course, int64_t step)
{
    const pea_train_options *o = &course->options;
    const double sample[3] = {(double)o->depth, (double)o->side, (double)o->side};
    char seed[24];
    cJSON *training = cJSON_AddObjectToObject(provenance, "training");
    (void)snprintf(seed, sizeof seed, "%" PRIu64, o->seed); /* as text: numbers of JSON have 53 bits */
    return training && cJSON_AddStringToObject(training, "by", "pea " PEA_VERSION) &&
           cJSON_AddNumberToObject(training, "steps", (double)step) &&
           cJSON_AddNumberToObject(training, "planned_steps", (double)course->schedule.n_steps) &&
           (course->schedule.planned_at == 0 ||
            cJSON_AddNumberToObject(training, "planned_at_step", (double)course->schedule.planned_at)) &&
           cJSON_AddStringToObject(training, "seed", seed) &&
           cJSON_AddNumberToObject(training, "batch", (double)o->batch) &&
           cJSON_AddItemToObject(training, "sample", cJSON_CreateDoubleArray(sample, 3)) &&
           cJSON_AddStringToObject(training, "augmentation", o->augmentation) &&
           add_text(training, "without", o->without) && add_text(training, "thin", o->thin) &&
           add_losses(training, &course->curriculum) && add_optimiser(training, o);
}

/* What the model was made from, where it was, is part of where it comes from. */
static bool add_origin(cJSON *provenance, const cJSON *old)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(old, "name"),
                *before = cJSON_GetObjectItemCaseSensitive(old, "provenance");
    cJSON *from = old ? cJSON_AddObjectToObject(provenance, "from") : NULL;
    if (!old)
        return true;
    return from && add_text(from, "name", cJSON_IsString(name) ? name->valuestring : NULL) &&
           (!before || cJSON_AddItemToObject(from, "provenance", cJSON_Duplicate(before, 1)));
}

static bool add_provenance(cJSON *extra, const pea__course *course, const pea__data *data, int64_t step,
                           const float *scores, const cJSON *old)
{
    cJSON *provenance = cJSON_AddObjectToObject(extra, "provenance");
    const size_t n_validation = pea__data_count(data, true);
    return provenance && add_text(provenance, "data", course->options.data) &&
           cJSON_AddNumberToObject(provenance, "training_images", (double)pea__data_count(data, false)) &&
           cJSON_AddNumberToObject(provenance, "validation_images", (double)n_validation) &&
           add_training(provenance, course, step) && (!scores || add_scores(provenance, n_validation, scores)) &&
           add_origin(provenance, old);
}

static bool add_pixel_size(cJSON *extra, const pea_calibration *c)
{
    if (!c->unit[0] || !strcmp(c->unit, "pixel"))
        return true;
    cJSON *size = cJSON_AddObjectToObject(extra, "pixel_size");
    return size && cJSON_AddNumberToObject(size, "z", c->z) && cJSON_AddNumberToObject(size, "y", c->y) &&
           cJSON_AddNumberToObject(size, "x", c->x) && cJSON_AddStringToObject(size, "unit", c->unit);
}

/* What the caller does not say is as the old record, if there is one, has it. */
static bool add_words(cJSON *extra, const pea_train_options *o, const cJSON *old)
{
    static const char *const kept[] = {"name", "description", "licence", "pixel_size"};
    bool good = add_text(extra, "name", o->name) && add_text(extra, "description", o->description) &&
                add_text(extra, "licence", o->licence) && add_pixel_size(extra, &o->pixel_size);
    for (size_t i = 0; i < sizeof kept / sizeof *kept && good; i++) {
        const cJSON *before = cJSON_GetObjectItemCaseSensitive(old, kept[i]);
        if (before && !cJSON_GetObjectItemCaseSensitive(extra, kept[i]))
            good = cJSON_AddItemToObject(extra, kept[i], cJSON_Duplicate(before, 1));
    }
    return good;
}

pea_status pea__record_of_run(const pea__course *course, const pea__data *data, int64_t step, const float *scores,
                              char **json, pea_error *err)
{
    pea_segment_options segment = course->segment;
    cJSON *extra = cJSON_CreateObject(), *old = course->old_record ? cJSON_Parse(course->old_record) : NULL;
    pea_status status = PEA_OK;
    char *text = NULL;
    *json = NULL;
    if (scores && segment.foreground == PEA_FOREGROUND_PREDICTED)
        segment.foreground_threshold = round((double)scores[1]) / 100.0;
    if (extra && (old || !course->old_record) && add_words(extra, &course->options, old) &&
        add_provenance(extra, course, data, step, scores, old))
        text = cJSON_PrintUnformatted(extra);
    if (!text)
        status = pea__fail(err, PEA_E_NOMEM, "out of memory for the record of the model");
    else
        status = pea__record_write(course->info, &segment, text, json, err);
    cJSON_free(text);
    cJSON_Delete(extra);
    cJSON_Delete(old);
    return status;
}
