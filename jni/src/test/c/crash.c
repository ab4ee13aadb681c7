/* crash.c - for tests in Java: a library that takes the program down while it is loaded.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <jni.h>
#include <unistd.h>

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved)
{
    (void)vm;
    (void)reserved;
    _exit(42);
}
