/* pea.c - natives of Pea and Settings: what is known without a model.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"
#include "self_test.h"

#include "base/base.h"

/* ---- Pea ---- */

static jbyteArray version(JNIEnv *env, jclass class)
{
    (void)class;
    return glue_bytes_of_text(env, pea_version());
}

static jbyteArray kernels(JNIEnv *env, jclass class)
{
    (void)class;
    return glue_bytes_of_text(env, pea_cpu_kernels());
}

static jbyteArray features(JNIEnv *env, jclass class)
{
    (void)class;
    return glue_bytes_of_text(env, pea_cpu_features());
}

static jint threads(JNIEnv *env, jclass class)
{
    (void)env;
    (void)class;
    return pea_cpu_threads();
}

static jlong memory_available(JNIEnv *env, jclass class)
{
    (void)env;
    (void)class;
    return (jlong)pea_cpu_memory_available();
}

static jlong memory_peak(JNIEnv *env, jclass class)
{
    (void)env;
    (void)class;
    return (jlong)pea_cpu_memory_peak();
}

static void self_test(JNIEnv *env, jclass class)
{
    pea_error err = {0};
    (void)class;
    glue_ok(env, glue_self_test(&err), &err);
}

/* For tests: blocks of the library that are not freed yet. */
static jlong live_blocks(JNIEnv *env, jclass class)
{
    (void)env;
    (void)class;
    return (jlong)pea__alloc_live();
}

static const JNINativeMethod pea_natives[] = {
    {"nativeVersion", "()[B", version},
    {"nativeKernels", "()[B", kernels},
    {"nativeFeatures", "()[B", features},
    {"nativeThreads", "()I", threads},
    {"nativeMemoryAvailable", "()J", memory_available},
    {"nativeMemoryPeak", "()J", memory_peak},
    {"nativeLiveBlocks", "()J", live_blocks},
    {"nativeSelfTest", "()V", self_test},
};
const glue_class glue_pea = GLUE_CLASS("org/pea/Pea", pea_natives);

/* ---- Settings ---- */

static jint settings_count(JNIEnv *env, jclass class)
{
    (void)env;
    (void)class;
    return (jint)pea_settings_count();
}

/* Fields in the order of pea_setting; the index is below the count. */
static jbyteArray setting_text(JNIEnv *env, jclass class, jint index, jint field)
{
    (void)class;
    const pea_setting s = pea_settings_item((size_t)index);
    const char *const fields[] = {s.key, s.label, s.value, s.choices, s.help};
    return glue_bytes_of_text(env, fields[field]);
}

static jint setting_axes(JNIEnv *env, jclass class, jint index)
{
    (void)env;
    (void)class;
    return pea_settings_item((size_t)index).n_axes;
}

static const JNINativeMethod settings_natives[] = {
    {"nativeCount", "()I", settings_count},
    {"nativeText", "(II)[B", setting_text},
    {"nativeAxes", "(I)I", setting_axes},
};
const glue_class glue_settings = GLUE_CLASS("org/pea/Settings", settings_natives);
