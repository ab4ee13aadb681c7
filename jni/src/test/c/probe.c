/* probe.c - for tests in Java: what a library must leave as it was in the process around it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <fenv.h>
#include <jni.h>
#include <signal.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

JNIEXPORT jlong JNICALL Java_org_pea_Probe_floatingPoint(JNIEnv *env, jclass class);
JNIEXPORT jlongArray JNICALL Java_org_pea_Probe_signalHandlers(JNIEnv *env, jclass class);

/* Rounding and, where there is such a thing, flushing to zero; not the flags, which any arithmetic raises. */
JNIEXPORT jlong JNICALL Java_org_pea_Probe_floatingPoint(JNIEnv *env, jclass class)
{
    jlong state = fegetround();
    (void)env;
    (void)class;
#if defined(__x86_64__)
    state |= (jlong)(_mm_getcsr() & ~0x3fu) << 32;
#endif
    return state;
}

JNIEXPORT jlongArray JNICALL Java_org_pea_Probe_signalHandlers(JNIEnv *env, jclass class)
{
    jlong handlers[32] = {0};
    (void)class;
    for (int s = 1; s < 32; s++) {
        struct sigaction action;
        if (sigaction(s, NULL, &action) == 0)
            handlers[s] = (jlong)(intptr_t)action.sa_handler;
    }
    jlongArray result = (*env)->NewLongArray(env, 32);
    if (result)
        (*env)->SetLongArrayRegion(env, result, 0, 32, handlers);
    return result;
}
