/* onload.c - the only two names that this library exports: it gives every class its natives.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"

#include <stdio.h>

/* Rises with any change between the classes and the natives, here and in NativeLibrary.java. A test builds another. */
#ifndef GLUE_ABI
#define GLUE_ABI 2
#endif
enum { ABI = GLUE_ABI };

static const glue_class *const classes[] = {
    &glue_pea, &glue_settings, &glue_volume, &glue_model, &glue_prediction, &glue_instances, &glue_scores,
    &glue_pictures, &glue_affinities, &glue_training, &glue_training_report,
};

static jint abi(JNIEnv *env, jclass class)
{
    (void)env;
    (void)class;
    return ABI;
}

/* Java checks it too; here it is found before any native can be registered under a wrong signature. */
static bool same_abi(JNIEnv *env, jclass loader)
{
    char message[160];
    jfieldID field = (*env)->GetStaticFieldID(env, loader, "ABI", "I");
    if (!field)
        return false;
    const jint wanted = (*env)->GetStaticIntField(env, loader, field);
    if (wanted == ABI)
        return true;
    snprintf(message, sizeof message,
             "interface %d, the Java classes need %d: jar and library are of different versions",
             (int)ABI, (int)wanted);
    jclass error = (*env)->FindClass(env, "java/lang/UnsatisfiedLinkError");
    if (error)
        (*env)->ThrowNew(env, error, message);
    return false;
}

static bool give_natives(JNIEnv *env, const glue_class *to)
{
    jclass class = (*env)->FindClass(env, to->name);
    if (!class || (*env)->RegisterNatives(env, class, to->natives, to->n_natives) != 0)
        return false;
    (*env)->DeleteLocalRef(env, class);
    return true;
}

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved)
{
    static const JNINativeMethod natives[] = {{"abi", "()I", abi}};
    JNIEnv *env;
    (void)reserved;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_1_8) != JNI_OK)
        return JNI_ERR;
    jclass loader = (*env)->FindClass(env, "org/pea/NativeLibrary");
    if (!loader || !same_abi(env, loader) || (*env)->RegisterNatives(env, loader, natives, 1) != 0)
        return JNI_ERR;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (!give_natives(env, classes[i]))
            return JNI_ERR;
    return JNI_VERSION_1_8;
}

/* Nothing is held: no thread, no reference. */
JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved)
{
    (void)vm;
    (void)reserved;
}
