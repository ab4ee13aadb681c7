/* glue.h - what the files of the glue share: texts in and out, statuses that become exceptions, long calls.
 *
 * Every native is: convert, call once, convert back. Java owns every pointer through a counted Handle (Handle.java), so
 * none is freed while a call of ours uses it, and hands them down as numbers. No reference to a class is kept, which
 * would keep the class loader and this library alive for ever.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_GLUE_H
#define PEA_GLUE_H

#include <jni.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pea/pea.h"

/* Natives of one class; each file of the glue has one or two of these and onload.c registers them all. */
typedef struct glue_class {
    const char *name; /* "org/pea/Volume" */
    const JNINativeMethod *natives;
    int n_natives;
} glue_class;

#define GLUE_CLASS(class_name, table) {class_name, table, (int)(sizeof(table) / sizeof *(table))}

extern const glue_class glue_pea, glue_settings, glue_volume, glue_model, glue_prediction, glue_instances, glue_scores,
    glue_pictures, glue_affinities, glue_training, glue_training_report;

/* ---- failures ---- */

/* Fill an error and return its status. */
pea_status glue_fail(pea_error *err, pea_status status, const char *message);

/* True where all went well; otherwise an exception is pending: one that was thrown on the way, or the status's own. The
 * one place where a status becomes a class. */
bool glue_ok(JNIEnv *env, pea_status status, const pea_error *err);

/* ---- numbers that are pointers ---- */

static inline void *glue_pointer(jlong address)
{
    return (void *)(intptr_t)address;
}

static inline jlong glue_address(const void *pointer)
{
    return (jlong)(intptr_t)pointer;
}

/* ---- texts: bytes of UTF-8 both ways, for JNI's own UTF-8 is another ---- */

/* A copy with a NUL behind it; free() it. NULL for a null array, which is no failure. */
bool glue_text(JNIEnv *env, jbyteArray bytes, char **text);
jbyteArray glue_bytes(JNIEnv *env, const char *text, size_t n_bytes); /* NULL: an exception is pending */
jbyteArray glue_bytes_of_text(JNIEnv *env, const char *text);         /* null for NULL */

/* Wishes as Java packs them: key NUL value NUL key NUL value NUL ...; free() the list, which points into the text. */
bool glue_unpack(const char *text, size_t n_bytes, pea_choice **wishes, size_t *n);
bool glue_apply_wishes(JNIEnv *env, jbyteArray packed, pea_segment_options *options);

bool glue_calibration(JNIEnv *env, jdouble z, jdouble y, jdouble x, jbyteArray unit, pea_calibration *calibration);

/* ---- voxels ---- */

/* An empty volume on the heap, which Java owns once it has the address; NULL: an exception is pending. */
pea_volume *glue_volume_new(JNIEnv *env);
void glue_volume_free(pea_volume *volume); /* NULL allowed */
/* The same with zeroed voxels. */
pea_volume *glue_volume_alloc(JNIEnv *env, pea_dtype dtype, pea_dims dims);
const pea_array *glue_array(jlong volume); /* NULL for 0 */

/* ---- long calls ---- */

/* A context for one call and who listens to it. Lives on the stack of the native. */
typedef struct glue_run {
    JNIEnv *env;
    jobject listener; /* of this call's frame; NULL: nobody listens */
    jmethodID progress;
    pea_context *context;
} glue_run;

bool glue_run_begin(JNIEnv *env, jint threads, jlong memory_limit, jobject listener, glue_run *run);
/* Ends the threads; as glue_ok(). */
bool glue_run_end(glue_run *run, pea_status status, const pea_error *err);

#endif
