/* glue.c - texts, failures and long calls: the conversions that all natives share.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- failures ---- */

pea_status glue_fail(pea_error *err, pea_status status, const char *message)
{
    err->status = status;
    snprintf(err->message, sizeof err->message, "%s", message);
    return status;
}

static void throw_pea(JNIEnv *env, const pea_error *err)
{
    jclass exceptions = (*env)->FindClass(env, "org/pea/PeaException");
    jmethodID of = exceptions ? (*env)->GetStaticMethodID(env, exceptions, "of", "(I[B)Lorg/pea/PeaException;") : NULL;
    jbyteArray message = of ? glue_bytes(env, err->message, strlen(err->message)) : NULL;
    if (!message)
        return; /* what went wrong here is pending */
    jobject exception = (*env)->CallStaticObjectMethod(env, exceptions, of, (jint)err->status, message);
    if (!(*env)->ExceptionCheck(env))
        (*env)->Throw(env, exception);
}

bool glue_ok(JNIEnv *env, pea_status status, const pea_error *err)
{
    if ((*env)->ExceptionCheck(env))
        return false;
    if (status != PEA_OK)
        throw_pea(env, err);
    return status == PEA_OK;
}

/* ---- texts ---- */

bool glue_text(JNIEnv *env, jbyteArray bytes, char **text)
{
    pea_error err = {0};
    *text = NULL;
    if (!bytes)
        return true;
    const jsize n = (*env)->GetArrayLength(env, bytes);
    char *copy = malloc((size_t)n + 1);
    if (!copy)
        return glue_ok(env, glue_fail(&err, PEA_E_NOMEM, "no memory for a text"), &err);
    (*env)->GetByteArrayRegion(env, bytes, 0, n, (jbyte *)copy);
    copy[n] = '\0';
    *text = copy;
    return true;
}

jbyteArray glue_bytes(JNIEnv *env, const char *text, size_t n_bytes)
{
    pea_error err = {0};
    if (n_bytes > INT32_MAX) {
        glue_ok(env, glue_fail(&err, PEA_E_LIMIT, "a text of more than 2 GiB does not fit into Java"), &err);
        return NULL;
    }
    jbyteArray bytes = (*env)->NewByteArray(env, (jsize)n_bytes);
    if (bytes)
        (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)n_bytes, (const jbyte *)text);
    return bytes;
}

jbyteArray glue_bytes_of_text(JNIEnv *env, const char *text)
{
    return text ? glue_bytes(env, text, strlen(text)) : NULL;
}

/* ---- wishes ---- */

/* Points into the packed text. */
static size_t unpack(const char *text, const char *end, pea_choice *wishes)
{
    size_t n = 0;
    while (text < end) {
        const char *value = text + strlen(text) + 1;
        wishes[n++] = (pea_choice){text, value};
        text = value + strlen(value) + 1;
    }
    return n;
}

bool glue_unpack(const char *text, size_t n_bytes, pea_choice **wishes, size_t *n)
{
    size_t n_ends = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n_ends += text[i] == '\0';
    *wishes = calloc(n_ends / 2 + 1, sizeof **wishes);
    *n = *wishes && text ? unpack(text, text + n_bytes, *wishes) : 0;
    return *wishes != NULL;
}

bool glue_apply_wishes(JNIEnv *env, jbyteArray packed, pea_segment_options *options)
{
    pea_error err = {0};
    pea_status status = PEA_OK;
    pea_choice *wishes;
    size_t n;
    char *text;
    if (!packed)
        return true;
    if (!glue_text(env, packed, &text))
        return false;
    if (!glue_unpack(text, (size_t)(*env)->GetArrayLength(env, packed), &wishes, &n))
        status = glue_fail(&err, PEA_E_NOMEM, "no memory for the settings");
    else
        status = pea_settings_apply(wishes, n, options, &err);
    free(wishes);
    free(text);
    return glue_ok(env, status, &err);
}

bool glue_calibration(JNIEnv *env, jdouble z, jdouble y, jdouble x, jbyteArray unit, pea_calibration *calibration)
{
    char *text;
    if (!glue_text(env, unit, &text))
        return false;
    *calibration = pea_calibration_default();
    calibration->z = z;
    calibration->y = y;
    calibration->x = x;
    snprintf(calibration->unit, sizeof calibration->unit, "%s", text); /* Calibration.java has made it short */
    free(text);
    return true;
}

/* ---- long calls ---- */

/* The library calls this on the thread that made the call, so that env is the right one. */
static int tell(void *user, const char *stage, double fraction)
{
    const glue_run *run = user;
    JNIEnv *env = run->env;
    if ((*env)->ExceptionCheck(env))
        return 1;
    jstring word = (*env)->NewStringUTF(env, stage);
    if (!word)
        return 1;
    const jboolean go_on = (*env)->CallBooleanMethod(env, run->listener, run->progress, word, (jdouble)fraction);
    if ((*env)->ExceptionCheck(env))
        return 1;
    (*env)->DeleteLocalRef(env, word);
    return go_on ? 0 : 1;
}

bool glue_run_begin(JNIEnv *env, jint threads, jlong memory_limit, jobject listener, glue_run *run)
{
    pea_error err = {0};
    *run = (glue_run){.env = env, .listener = listener};
    if (listener) {
        jclass listeners = (*env)->FindClass(env, "org/pea/Listener");
        if (!listeners)
            return false;
        run->progress = (*env)->GetMethodID(env, listeners, "progress", "(Ljava/lang/String;D)Z");
        if (!run->progress)
            return false;
    }
    if (memory_limit < 0)
        return glue_ok(env, glue_fail(&err, PEA_E_ARG, "the memory limit must not be negative"), &err);
    pea_context_options options = pea_context_options_default();
    options.n_threads = threads;
    options.memory_limit_bytes = (uint64_t)memory_limit;
    options.progress = listener ? tell : NULL;
    options.progress_user = run;
    return glue_ok(env, pea_context_new(&options, &run->context, &err), &err);
}

bool glue_run_end(glue_run *run, pea_status status, const pea_error *err)
{
    pea_context_free(run->context);
    return glue_ok(run->env, status, err);
}
