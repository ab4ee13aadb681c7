/* model.c - natives of Model and Prediction: open, ask, segment.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* A prediction, and the settings of the model it came from: wishes are made in place of those. */
typedef struct prediction {
    pea_prediction *of;
    pea_segment_options options;
} prediction;

enum { KEEP_AFFINITY = 1, KEEP_EMBEDDING = 2 }; /* Keep.java has the same */

/* ---- opening and asking ---- */

static jlong open_model(JNIEnv *env, jclass class, jbyteArray path_bytes)
{
    (void)class;
    pea_error err = {0};
    pea_model *model = NULL;
    char *path;
    if (!glue_text(env, path_bytes, &path))
        return 0;
    const pea_status status = pea_model_open(path, &model, &err);
    free(path);
    return glue_ok(env, status, &err) ? glue_address(model) : 0;
}

static void free_model(JNIEnv *env, jclass class, jlong model)
{
    (void)env;
    (void)class;
    pea_model_free(glue_pointer(model));
}

static jbyteArray import(JNIEnv *env, jclass class, jbyteArray checkpoint, jbyteArray preset, jbyteArray metadata,
                         jbyteArray model)
{
    (void)class;
    pea_error err = {0};
    pea_status status = PEA_OK;
    char notes[256] = "", *text[4] = {NULL};
    const jbyteArray given[4] = {checkpoint, preset, metadata, model};
    bool ready = true;
    for (int i = 0; i < 4 && ready; i++)
        ready = glue_text(env, given[i], &text[i]);
    if (ready)
        status = pea_model_import(text[0], text[1], text[2], text[3], notes, &err);
    for (int i = 0; i < 4; i++)
        free(text[i]);
    return ready && glue_ok(env, status, &err) ? glue_bytes_of_text(env, notes) : NULL;
}

static jbyteArray model_name(JNIEnv *env, jclass class, jlong model)
{
    (void)class;
    return glue_bytes_of_text(env, pea_model_name(glue_pointer(model)));
}

static jbyteArray model_kind(JNIEnv *env, jclass class, jlong model)
{
    (void)class;
    return glue_bytes_of_text(env, pea_network_get_info(pea_model_network(glue_pointer(model))).kind);
}

static jbyteArray model_record(JNIEnv *env, jclass class, jlong model)
{
    (void)class;
    return glue_bytes_of_text(env, pea_model_metadata(glue_pointer(model)));
}

/* A text of the record; null where it has none. The record was checked when the model was opened: it is JSON, and not
 * nested deeply. */
static jbyteArray model_text(JNIEnv *env, jclass class, jlong model, jbyteArray key_bytes)
{
    (void)class;
    char *key;
    if (!glue_text(env, key_bytes, &key))
        return NULL;
    cJSON *record = cJSON_Parse(pea_model_metadata(glue_pointer(model)));
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(record, key);
    jbyteArray result = glue_bytes_of_text(env, cJSON_IsString(item) ? item->valuestring : NULL);
    cJSON_Delete(record);
    free(key);
    return result;
}

/* axes, channels, parameters, embedding dimension */
static jlongArray model_info(JNIEnv *env, jclass class, jlong model)
{
    (void)class;
    const pea_network_info info = pea_network_get_info(pea_model_network(glue_pointer(model)));
    const jlong values[4] = {info.n_axes, info.in_channels, info.n_parameters, info.embedding_dim};
    jlongArray result = (*env)->NewLongArray(env, 4);
    if (result)
        (*env)->SetLongArrayRegion(env, result, 0, 4, values);
    return result;
}

static bool options_of(JNIEnv *env, jlong model, jbyteArray wishes, pea_segment_options *options)
{
    *options = pea_model_options(glue_pointer(model));
    return glue_apply_wishes(env, wishes, options);
}

/* Every setting that models of so many axes have: key NUL value NUL ... */
static pea_status write_settings(const pea_segment_options *options, char *text, size_t *n_bytes, pea_error *err)
{
    *n_bytes = 0;
    for (size_t i = 0; i < pea_settings_count(); i++) {
        const pea_setting setting = pea_settings_item(i);
        if (setting.n_axes != 0 && setting.n_axes != options->offsets.n_axes)
            continue;
        const size_t key_bytes = strlen(setting.key) + 1;
        memcpy(text + *n_bytes, setting.key, key_bytes);
        *n_bytes += key_bytes;
        const pea_status status = pea_settings_get(options, setting.key, text + *n_bytes, err);
        if (status != PEA_OK)
            return status;
        *n_bytes += strlen(text + *n_bytes) + 1;
    }
    return PEA_OK;
}

static jbyteArray model_settings(JNIEnv *env, jclass class, jlong model, jbyteArray wishes)
{
    (void)class;
    pea_error err = {0};
    pea_segment_options options;
    size_t room = 0, n_bytes = 0;
    if (!options_of(env, model, wishes, &options))
        return NULL;
    for (size_t i = 0; i < pea_settings_count(); i++)
        room += strlen(pea_settings_item(i).key) + 1 + PEA_SETTING_TEXT_BYTES;
    char *text = malloc(room);
    const pea_status status = text ? write_settings(&options, text, &n_bytes, &err)
                                   : glue_fail(&err, PEA_E_NOMEM, "no memory for the settings");
    jbyteArray result = glue_ok(env, status, &err) ? glue_bytes(env, text, n_bytes) : NULL;
    free(text);
    return result;
}

static jdouble model_scale(JNIEnv *env, jclass class, jlong model, jdouble z, jdouble y, jdouble x, jbyteArray unit)
{
    (void)class;
    pea_error err = {0};
    double scale = 1.0;
    pea_calibration calibration;
    if (!glue_calibration(env, z, y, x, unit, &calibration))
        return scale;
    glue_ok(env, pea_model_scale(glue_pointer(model), &calibration, &scale, &err), &err);
    return scale;
}

static jlong model_forecast(JNIEnv *env, jclass class, jlong model, jlong z, jlong y, jlong x, jint c,
                            jbyteArray wishes, jint keep, jint threads)
{
    (void)class;
    pea_error err = {0};
    pea_segment_options options;
    pea_expectation expected = {0};
    const pea_segment_details details = {.want_affinity = keep & KEEP_AFFINITY, .want_embedding = keep & KEEP_EMBEDDING};
    if (!options_of(env, model, wishes, &options))
        return 0;
    const int n_threads = threads ? threads : pea_cpu_threads();
    const pea_status status = pea_segment_expect(glue_pointer(model), (pea_dims){z, y, x, c}, &options, &details,
                                                 n_threads, &expected, &err);
    return glue_ok(env, status, &err) ? (jlong)(expected.bytes < INT64_MAX ? expected.bytes : INT64_MAX) : 0;
}

/* ---- segmentations ---- */

/* What a segmentation makes, until Java owns it. */
typedef struct outcome {
    pea_volume *labels, *affinity, *embedding;
    uint32_t n_labels;
    pea_offsets offsets;
} outcome;

static void outcome_free(outcome *o)
{
    glue_volume_free(o->labels);
    glue_volume_free(o->affinity);
    glue_volume_free(o->embedding);
}

static bool outcome_begin(JNIEnv *env, pea_dims image, jint keep, outcome *o)
{
    *o = (outcome){0};
    image.c = 1;
    o->labels = glue_volume_alloc(env, PEA_UINT32, image);
    bool ready = o->labels != NULL;
    if (ready && (keep & KEEP_AFFINITY))
        ready = (o->affinity = glue_volume_new(env)) != NULL;
    if (ready && (keep & KEEP_EMBEDDING))
        ready = (o->embedding = glue_volume_new(env)) != NULL;
    if (!ready)
        outcome_free(o);
    return ready;
}

static void outcome_take(outcome *o, const pea_segment_details *details)
{
    if (o->affinity)
        *o->affinity = details->affinity;
    if (o->embedding)
        *o->embedding = details->embedding;
    o->offsets = details->offsets;
}

/* labels, their number, affinity, embedding, then z, y, x of each offset: Segmentation.java reads it. Java owns the
 * volumes if there is an array, else they are freed. */
static jlongArray outcome_give(JNIEnv *env, outcome *o)
{
    jlong values[4 + 3 * PEA_MAX_OFFSETS] = {glue_address(o->labels), o->n_labels, glue_address(o->affinity),
                                             glue_address(o->embedding)};
    jsize n = 4;
    for (size_t i = 0; o->affinity && i < o->offsets.n; i++) {
        values[n++] = o->offsets.step[i].z;
        values[n++] = o->offsets.step[i].y;
        values[n++] = o->offsets.step[i].x;
    }
    jlongArray result = (*env)->NewLongArray(env, n);
    if (result)
        (*env)->SetLongArrayRegion(env, result, 0, n, values);
    else
        outcome_free(o);
    return result;
}

static jlongArray outcome_end(JNIEnv *env, bool good, const pea_segment_details *details, outcome *o)
{
    if (!good) {
        pea_segment_details undone = *details;
        pea_segment_details_free(&undone);
        outcome_free(o);
        return NULL;
    }
    outcome_take(o, details);
    return outcome_give(env, o);
}

static jlongArray model_segment(JNIEnv *env, jclass class, jlong model, jlong image, jlong mask, jbyteArray wishes,
                                jint keep, jint threads, jlong memory_limit, jobject listener)
{
    (void)class;
    pea_error err = {0};
    pea_segment_options options;
    outcome o;
    glue_run run;
    pea_segment_details details = {.want_affinity = keep & KEEP_AFFINITY, .want_embedding = keep & KEEP_EMBEDDING};
    if (!options_of(env, model, wishes, &options) || !outcome_begin(env, glue_array(image)->dims, keep, &o))
        return NULL;
    if (!glue_run_begin(env, threads, memory_limit, listener, &run)) {
        outcome_free(&o);
        return NULL;
    }
    const pea_status status = pea_segment(glue_pointer(model), run.context, glue_array(image), glue_array(mask),
                                          &options, &o.labels->array, &o.n_labels, keep ? &details : NULL, &err);
    return outcome_end(env, glue_run_end(&run, status, &err), &details, &o);
}

/* ---- predictions ---- */

static void prediction_free(prediction *p)
{
    if (p)
        pea_prediction_free(p->of);
    free(p);
}

static jlong model_predict(JNIEnv *env, jclass class, jlong model, jlong image, jbyteArray wishes, jint threads,
                           jlong memory_limit, jobject listener)
{
    (void)class;
    pea_error err = {0};
    pea_segment_options options;
    glue_run run;
    if (!options_of(env, model, wishes, &options))
        return 0;
    prediction *p = calloc(1, sizeof *p);
    if (!p) {
        glue_ok(env, glue_fail(&err, PEA_E_NOMEM, "no memory for a prediction"), &err);
        return 0;
    }
    p->options = pea_model_options(glue_pointer(model));
    bool good = glue_run_begin(env, threads, memory_limit, listener, &run);
    if (good) {
        const pea_status status =
            pea_predict(glue_pointer(model), run.context, glue_array(image), &options, &p->of, &err);
        good = glue_run_end(&run, status, &err);
    }
    if (!good) {
        prediction_free(p);
        p = NULL;
    }
    return glue_address(p);
}

static void free_prediction(JNIEnv *env, jclass class, jlong address)
{
    (void)env;
    (void)class;
    prediction_free(glue_pointer(address));
}

static jboolean prediction_suits(JNIEnv *env, jclass class, jlong address, jbyteArray wishes)
{
    (void)class;
    const prediction *p = glue_pointer(address);
    pea_segment_options options = p->options;
    return glue_apply_wishes(env, wishes, &options) && pea_prediction_suits(p->of, &options) ? JNI_TRUE : JNI_FALSE;
}

static jlongArray prediction_segment(JNIEnv *env, jclass class, jlong address, jlong z, jlong y, jlong x, jlong mask,
                                     jbyteArray wishes, jint keep, jint threads, jlong memory_limit, jobject listener)
{
    (void)class;
    pea_error err = {0};
    const prediction *p = glue_pointer(address);
    pea_segment_options options = p->options;
    outcome o;
    glue_run run;
    pea_segment_details details = {.want_affinity = keep & KEEP_AFFINITY, .want_embedding = keep & KEEP_EMBEDDING};
    if (!glue_apply_wishes(env, wishes, &options) || !outcome_begin(env, (pea_dims){z, y, x, 1}, keep, &o))
        return NULL;
    if (!glue_run_begin(env, threads, memory_limit, listener, &run)) {
        outcome_free(&o);
        return NULL;
    }
    const pea_status status = pea_prediction_segment(p->of, run.context, glue_array(mask), &options, &o.labels->array,
                                                     &o.n_labels, keep ? &details : NULL, &err);
    return outcome_end(env, glue_run_end(&run, status, &err), &details, &o);
}

static const JNINativeMethod model_natives[] = {
    {"nativeOpen", "([B)J", open_model},
    {"nativeFree", "(J)V", free_model},
    {"nativeImport", "([B[B[B[B)[B", import},
    {"nativeName", "(J)[B", model_name},
    {"nativeKind", "(J)[B", model_kind},
    {"nativeRecord", "(J)[B", model_record},
    {"nativeText", "(J[B)[B", model_text},
    {"nativeInfo", "(J)[J", model_info},
    {"nativeSettings", "(J[B)[B", model_settings},
    {"nativeScale", "(JDDD[B)D", model_scale},
    {"nativeForecast", "(JJJJI[BII)J", model_forecast},
    {"nativeSegment", "(JJJ[BIIJLorg/pea/Listener;)[J", model_segment},
    {"nativePredict", "(JJ[BIJLorg/pea/Listener;)J", model_predict},
};
const glue_class glue_model = GLUE_CLASS("org/pea/Model", model_natives);

static const JNINativeMethod prediction_natives[] = {
    {"nativeFree", "(J)V", free_prediction},
    {"nativeSuits", "(J[B)Z", prediction_suits},
    {"nativeSegment", "(JJJJJ[BIIJLorg/pea/Listener;)[J", prediction_segment},
};
const glue_class glue_prediction = GLUE_CLASS("org/pea/Prediction", prediction_natives);
