/* volume.c - natives of Volume: voxels in native memory, and rows copied in and out.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

pea_volume *glue_volume_new(JNIEnv *env)
{
    pea_error err = {0};
    pea_volume *volume = calloc(1, sizeof *volume);
    if (!volume)
        glue_ok(env, glue_fail(&err, PEA_E_NOMEM, "no memory for a volume"), &err);
    return volume;
}

void glue_volume_free(pea_volume *volume)
{
    pea_volume_free(volume);
    free(volume);
}

pea_volume *glue_volume_alloc(JNIEnv *env, pea_dtype dtype, pea_dims dims)
{
    pea_error err = {0};
    pea_volume *volume = glue_volume_new(env);
    if (volume && !glue_ok(env, pea_volume_alloc(dtype, dims, volume, &err), &err)) {
        glue_volume_free(volume);
        volume = NULL;
    }
    return volume;
}

const pea_array *glue_array(jlong volume)
{
    return volume ? &((const pea_volume *)glue_pointer(volume))->array : NULL;
}

/* Dtype.java has the same order. */
static const pea_dtype dtypes[] = {PEA_UINT8, PEA_UINT16, PEA_UINT32, PEA_FLOAT32, PEA_INT16};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

static jlong allocate(JNIEnv *env, jclass class, jint dtype, jlong z, jlong y, jlong x, jint c)
{
    (void)class;
    return glue_address(glue_volume_alloc(env, dtypes[dtype], (pea_dims){z, y, x, c}));
}

static void release(JNIEnv *env, jclass class, jlong volume)
{
    (void)env;
    (void)class;
    glue_volume_free(glue_pointer(volume));
}

/* dtype, z, y, x, c */
static jlongArray shape(JNIEnv *env, jclass class, jlong volume)
{
    (void)class;
    const pea_array *array = glue_array(volume);
    jlong values[5] = {-1, array->dims.z, array->dims.y, array->dims.x, array->dims.c};
    for (int i = 0; i < N_DTYPES; i++)
        if (dtypes[i] == array->dtype)
            values[0] = i;
    jlongArray result = (*env)->NewLongArray(env, 5);
    if (result)
        (*env)->SetLongArrayRegion(env, result, 0, 5, values);
    return result;
}

/* Where the rows are, and how many elements; NULL: an exception is pending. */
static unsigned char *find_rows(JNIEnv *env, const pea_array *array, jlong z, jlong y, jint dtype, jsize length)
{
    pea_error err = {0};
    const pea_dims d = array->dims;
    const int64_t row = d.x * d.c; /* fits: the volume exists */
    if (dtypes[dtype] != array->dtype) {
        snprintf(err.message, sizeof err.message, "voxels are %s, the array holds %s", pea_dtype_name(array->dtype),
                 pea_dtype_name(dtypes[dtype]));
        err.status = PEA_E_DTYPE;
    } else if (z < 0 || z >= d.z || y < 0 || y > d.y || length % row != 0 || length / row > d.y - y) {
        snprintf(err.message, sizeof err.message,
                 "an array of %d elements at plane %" PRId64 ", row %" PRId64
                 " must be whole rows of %" PRId64 " inside %" PRId64 " planes of %" PRId64 " rows",
                 (int)length, (int64_t)z, (int64_t)y, row, d.z, d.y);
        err.status = PEA_E_SHAPE;
    }
    if (!glue_ok(env, err.status, &err))
        return NULL;
    return (unsigned char *)array->data + (size_t)((z * d.y + y) * row) * pea_dtype_size_bytes(array->dtype);
}

/* Elements copied at once: a garbage collection waits for the end of a copy, and must not wait long. */
enum { PART = 1 << 20 };

static void put(JNIEnv *env, jclass class, jlong volume, jlong z, jlong y, jint dtype, jarray rows)
{
    (void)class;
    const jsize length = (*env)->GetArrayLength(env, rows);
    const pea_array *array = glue_array(volume);
    const size_t size = pea_dtype_size_bytes(array->dtype);
    unsigned char *to = find_rows(env, array, z, y, dtype, length);
    for (jsize at = 0; to && at < length; at += PART) {
        void *part = to + (size_t)at * size;
        const jsize n = length - at < PART ? length - at : PART;
        switch (array->dtype) {
        case PEA_UINT8: (*env)->GetByteArrayRegion(env, rows, at, n, part); break;
        case PEA_UINT16:
        case PEA_INT16: (*env)->GetShortArrayRegion(env, rows, at, n, part); break;
        case PEA_UINT32: (*env)->GetIntArrayRegion(env, rows, at, n, part); break;
        default: (*env)->GetFloatArrayRegion(env, rows, at, n, part); break;
        }
    }
}

static void get(JNIEnv *env, jclass class, jlong volume, jlong z, jlong y, jint dtype, jarray rows)
{
    (void)class;
    const jsize length = (*env)->GetArrayLength(env, rows);
    const pea_array *array = glue_array(volume);
    const size_t size = pea_dtype_size_bytes(array->dtype);
    const unsigned char *from = find_rows(env, array, z, y, dtype, length);
    for (jsize at = 0; from && at < length; at += PART) {
        const void *part = from + (size_t)at * size;
        const jsize n = length - at < PART ? length - at : PART;
        switch (array->dtype) {
        case PEA_UINT8: (*env)->SetByteArrayRegion(env, rows, at, n, part); break;
        case PEA_UINT16:
        case PEA_INT16: (*env)->SetShortArrayRegion(env, rows, at, n, part); break;
        case PEA_UINT32: (*env)->SetIntArrayRegion(env, rows, at, n, part); break;
        default: (*env)->SetFloatArrayRegion(env, rows, at, n, part); break;
        }
    }
}

static const JNINativeMethod natives[] = {
    {"nativeAllocate", "(IJJJI)J", allocate},
    {"nativeFree", "(J)V", release},
    {"nativeShape", "(J)[J", shape},
    {"nativePut", "(JJJILjava/lang/Object;)V", put},
    {"nativeGet", "(JJJILjava/lang/Object;)V", get},
};
const glue_class glue_volume = GLUE_CLASS("org/pea/Volume", natives);
