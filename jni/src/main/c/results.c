/* results.c - natives of Instances, Scores, Pictures and Affinities: what is made of labels and embeddings.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"

#include <stdlib.h>

/* ---- tables: Instances.java has the same order of fields ---- */

enum { N_INTEGERS = 8, N_REALS = 5 };

static void integers_of(const pea_instance *row, jlong values[N_INTEGERS])
{
    values[0] = row->label;
    values[1] = row->n_voxels;
    for (int i = 0; i < 3; i++) {
        values[2 + i] = row->first[i];
        values[5 + i] = row->last[i];
    }
}

static void reals_of(const pea_instance *row, jdouble values[N_REALS])
{
    for (int i = 0; i < 3; i++)
        values[i] = row->centroid[i];
    values[3] = row->mean_intensity;
    values[4] = row->confidence;
}

static pea_instance row_of(const jlong integers[N_INTEGERS], const jdouble reals[N_REALS])
{
    pea_instance row = {.label = (uint32_t)integers[0], .n_voxels = integers[1], .mean_intensity = reals[3],
                        .confidence = reals[4]};
    for (int i = 0; i < 3; i++) {
        row.first[i] = integers[2 + i];
        row.last[i] = integers[5 + i];
        row.centroid[i] = reals[i];
    }
    return row;
}

/* k triples of z, y, x. In 3-D as soon as one of them leaves the plane. */
static bool read_offsets(JNIEnv *env, jintArray triples, pea_offsets *offsets)
{
    pea_error err = {0};
    jint values[3 * PEA_MAX_OFFSETS];
    const jsize n = (*env)->GetArrayLength(env, triples);
    if (n > 3 * PEA_MAX_OFFSETS)
        return glue_ok(env, glue_fail(&err, PEA_E_LIMIT, "more than 128 offsets"), &err);
    (*env)->GetIntArrayRegion(env, triples, 0, n, values);
    *offsets = (pea_offsets){.n_axes = 2, .n = (size_t)n / 3};
    for (size_t i = 0; i < offsets->n; i++) {
        offsets->step[i] = (pea_offset){values[3 * i], values[3 * i + 1], values[3 * i + 2]};
        if (offsets->step[i].z != 0)
            offsets->n_axes = 3;
    }
    return true;
}

static jlong measure(JNIEnv *env, jclass class, jlong labels, jlong image, jlong affinity, jintArray triples,
                     jint threads, jlong memory_limit, jobject listener)
{
    (void)class;
    pea_error err = {0};
    pea_offsets offsets = {0};
    glue_run run;
    if (triples && !read_offsets(env, triples, &offsets))
        return 0;
    pea_table *table = calloc(1, sizeof *table);
    if (!table)
        glue_ok(env, glue_fail(&err, PEA_E_NOMEM, "no memory for a table"), &err);
    bool good = table && glue_run_begin(env, threads, memory_limit, listener, &run);
    if (good) {
        const pea_status status = pea_measure(glue_array(labels), glue_array(image), glue_array(affinity),
                                              affinity ? &offsets : NULL, run.context, table, &err);
        good = glue_run_end(&run, status, &err);
    }
    if (!good) {
        pea_table_free(table);
        free(table);
        table = NULL;
    }
    return glue_address(table);
}

static void free_table(JNIEnv *env, jclass class, jlong address)
{
    pea_table *table = glue_pointer(address);
    (void)env;
    (void)class;
    pea_table_free(table);
    free(table);
}

static jint table_axes(JNIEnv *env, jclass class, jlong table)
{
    (void)env;
    (void)class;
    return ((const pea_table *)glue_pointer(table))->n_axes;
}

/* Room in Java for n values of each row; false: an exception is pending. */
static bool fits_java(JNIEnv *env, const pea_table *table, int n_each)
{
    pea_error err = {0};
    return table->n <= (size_t)(INT32_MAX / n_each) ||
           glue_ok(env, glue_fail(&err, PEA_E_LIMIT, "more instances than a table in Java can hold"), &err);
}

static jlongArray table_integers(JNIEnv *env, jclass class, jlong address)
{
    (void)class;
    const pea_table *table = glue_pointer(address);
    if (!fits_java(env, table, N_INTEGERS))
        return NULL;
    jlongArray result = (*env)->NewLongArray(env, (jsize)table->n * N_INTEGERS);
    for (size_t i = 0; result && i < table->n; i++) {
        jlong values[N_INTEGERS];
        integers_of(&table->rows[i], values);
        (*env)->SetLongArrayRegion(env, result, (jsize)i * N_INTEGERS, N_INTEGERS, values);
    }
    return result;
}

static jdoubleArray table_reals(JNIEnv *env, jclass class, jlong address)
{
    (void)class;
    const pea_table *table = glue_pointer(address);
    if (!fits_java(env, table, N_REALS))
        return NULL;
    jdoubleArray result = (*env)->NewDoubleArray(env, (jsize)table->n * N_REALS);
    for (size_t i = 0; result && i < table->n; i++) {
        jdouble values[N_REALS];
        reals_of(&table->rows[i], values);
        (*env)->SetDoubleArrayRegion(env, result, (jsize)i * N_REALS, N_REALS, values);
    }
    return result;
}

/* A table of ours again, its rows on the heap. */
static bool read_table(JNIEnv *env, jlongArray integers, jdoubleArray reals, jint n_axes, pea_table *table)
{
    pea_error err = {0};
    const size_t n = (size_t)(*env)->GetArrayLength(env, integers) / N_INTEGERS;
    *table = (pea_table){.n_axes = n_axes, .rows = calloc(n ? n : 1, sizeof *table->rows), .n = n};
    if (!table->rows)
        return glue_ok(env, glue_fail(&err, PEA_E_NOMEM, "no memory for a table"), &err);
    for (size_t i = 0; i < n; i++) {
        jlong whole[N_INTEGERS];
        jdouble real[N_REALS];
        (*env)->GetLongArrayRegion(env, integers, (jsize)i * N_INTEGERS, N_INTEGERS, whole);
        (*env)->GetDoubleArrayRegion(env, reals, (jsize)i * N_REALS, N_REALS, real);
        table->rows[i] = row_of(whole, real);
    }
    return true;
}

static bool read_tables(JNIEnv *env, jobjectArray integers, jobjectArray reals, jintArray axes, jsize n,
                        pea_table *tables)
{
    bool good = true;
    for (jsize i = 0; i < n && good; i++) {
        jint n_axes;
        (*env)->GetIntArrayRegion(env, axes, i, 1, &n_axes);
        jlongArray whole = (*env)->GetObjectArrayElement(env, integers, i);
        jdoubleArray real = (*env)->GetObjectArrayElement(env, reals, i);
        good = read_table(env, whole, real, n_axes, &tables[i]);
        (*env)->DeleteLocalRef(env, whole);
        (*env)->DeleteLocalRef(env, real);
    }
    return good;
}

static jbyteArray text_of_tables(JNIEnv *env, const pea_table *tables, size_t n, const pea_calibration *calibration)
{
    pea_error err = {0};
    size_t n_bytes = 0;
    char *text = NULL;
    pea_status status = pea_table_text(tables, n, calibration, NULL, 0, &n_bytes, &err);
    if (status == PEA_OK && !(text = malloc(n_bytes + 1)))
        status = glue_fail(&err, PEA_E_NOMEM, "no memory for the table's text");
    if (status == PEA_OK)
        status = pea_table_text(tables, n, calibration, text, n_bytes + 1, &n_bytes, &err);
    jbyteArray result = glue_ok(env, status, &err) ? glue_bytes(env, text, n_bytes) : NULL;
    free(text);
    return result;
}

static jbyteArray csv(JNIEnv *env, jclass class, jobjectArray integers, jobjectArray reals, jintArray axes, jdouble z,
                      jdouble y, jdouble x, jbyteArray unit)
{
    (void)class;
    pea_error err = {0};
    pea_calibration calibration;
    const jsize n = (*env)->GetArrayLength(env, integers);
    if (!glue_calibration(env, z, y, x, unit, &calibration))
        return NULL;
    jbyteArray result = NULL;
    pea_table *tables = calloc((size_t)n + 1, sizeof *tables);
    if (!tables)
        glue_ok(env, glue_fail(&err, PEA_E_NOMEM, "no memory for tables"), &err);
    else if (read_tables(env, integers, reals, axes, n, tables))
        result = text_of_tables(env, tables, (size_t)n, &calibration);
    for (jsize i = 0; tables && i < n; i++)
        free(tables[i].rows);
    free(tables);
    return result;
}

static const JNINativeMethod instances_natives[] = {
    {"nativeMeasure", "(JJJ[IIJLorg/pea/Listener;)J", measure},
    {"nativeFree", "(J)V", free_table},
    {"nativeAxes", "(J)I", table_axes},
    {"nativeIntegers", "(J)[J", table_integers},
    {"nativeReals", "(J)[D", table_reals},
    {"nativeCsv", "([[J[[D[IDDD[B)[B", csv},
};
const glue_class glue_instances = GLUE_CLASS("org/pea/Instances", instances_natives);

/* ---- scores ---- */

static jint score_count(JNIEnv *env, jclass class)
{
    (void)env;
    (void)class;
    return (jint)pea_score_count();
}

static jbyteArray score_key(JNIEnv *env, jclass class, jint index)
{
    (void)class;
    return glue_bytes_of_text(env, pea_score_get_item((size_t)index).key);
}

static jbyteArray score_words(JNIEnv *env, jclass class, jint index)
{
    (void)class;
    return glue_bytes_of_text(env, pea_score_get_item((size_t)index).words);
}

static jdoubleArray score(JNIEnv *env, jclass class, jlong truth, jlong prediction, jint threads, jlong memory_limit,
                          jobject listener)
{
    (void)class;
    pea_error err = {0};
    pea_scores scores = {0};
    glue_run run;
    if (!glue_run_begin(env, threads, memory_limit, listener, &run))
        return NULL;
    const pea_status status = pea_score(glue_array(truth), glue_array(prediction), run.context, &scores, &err);
    if (!glue_run_end(&run, status, &err))
        return NULL;
    const jsize n = (jsize)pea_score_count();
    jdoubleArray result = (*env)->NewDoubleArray(env, n);
    for (jsize i = 0; result && i < n; i++) {
        const jdouble value = pea_score_value(&scores, (size_t)i);
        (*env)->SetDoubleArrayRegion(env, result, i, 1, &value);
    }
    return result;
}

static const JNINativeMethod scores_natives[] = {
    {"nativeCount", "()I", score_count},
    {"nativeKey", "(I)[B", score_key},
    {"nativeWords", "(I)[B", score_words},
    {"nativeScore", "(JJIJLorg/pea/Listener;)[D", score},
};
const glue_class glue_scores = GLUE_CLASS("org/pea/Scores", scores_natives);

/* ---- pictures and affinities: a volume of ours, filled by one call ---- */

static jlong finished(glue_run *run, pea_status status, const pea_error *err, pea_volume *volume)
{
    if (!glue_run_end(run, status, err)) {
        glue_volume_free(volume);
        return 0;
    }
    return glue_address(volume);
}

/* A volume and a run; NULL: an exception is pending and neither is there. */
static pea_volume *begin(JNIEnv *env, pea_dtype dtype, pea_dims dims, jint threads, jlong memory_limit,
                         jobject listener, glue_run *run)
{
    pea_volume *volume = glue_volume_alloc(env, dtype, dims);
    if (volume && !glue_run_begin(env, threads, memory_limit, listener, run)) {
        glue_volume_free(volume);
        volume = NULL;
    }
    return volume;
}

static jlong overlay(JNIEnv *env, jclass class, jlong image, jlong labels, jint threads, jlong memory_limit,
                     jobject listener)
{
    (void)class;
    pea_error err = {0};
    glue_run run;
    const pea_dims d = glue_array(labels)->dims;
    pea_volume *picture = begin(env, PEA_UINT8, (pea_dims){d.z, d.y, d.x, 3}, threads, memory_limit, listener, &run);
    if (!picture)
        return 0;
    const pea_status status = pea_overlay(glue_array(image), glue_array(labels), run.context, &picture->array, &err);
    return finished(&run, status, &err, picture);
}

static jlong embedding_rgb(JNIEnv *env, jclass class, jlong embedding, jint threads, jlong memory_limit,
                           jobject listener)
{
    (void)class;
    pea_error err = {0};
    glue_run run;
    const pea_dims d = glue_array(embedding)->dims;
    pea_volume *picture = begin(env, PEA_UINT8, (pea_dims){d.z, d.y, d.x, 3}, threads, memory_limit, listener, &run);
    if (!picture)
        return 0;
    const pea_status status = pea_embedding_rgb(glue_array(embedding), run.context, &picture->array, &err);
    return finished(&run, status, &err, picture);
}

static jlong of_embedding(JNIEnv *env, jclass class, jlong embedding, jintArray triples, jint threads,
                          jlong memory_limit, jobject listener)
{
    (void)class;
    pea_error err = {0};
    pea_offsets offsets;
    glue_run run;
    if (!read_offsets(env, triples, &offsets))
        return 0;
    pea_dims d = glue_array(embedding)->dims;
    d.c = (int64_t)offsets.n;
    pea_volume *affinity = begin(env, PEA_FLOAT32, d, threads, memory_limit, listener, &run);
    if (!affinity)
        return 0;
    const pea_status status =
        pea_affinity_from_embedding(glue_array(embedding), &offsets, NULL, run.context, &affinity->array, &err);
    return finished(&run, status, &err, affinity);
}

static const JNINativeMethod pictures_natives[] = {
    {"nativeOverlay", "(JJIJLorg/pea/Listener;)J", overlay},
    {"nativeEmbeddingRgb", "(JIJLorg/pea/Listener;)J", embedding_rgb},
};
const glue_class glue_pictures = GLUE_CLASS("org/pea/Pictures", pictures_natives);

static const JNINativeMethod affinities_natives[] = {
    {"nativeOfEmbedding", "(J[IIJLorg/pea/Listener;)J", of_embedding},
};
const glue_class glue_affinities = GLUE_CLASS("org/pea/Affinities", affinities_natives);
