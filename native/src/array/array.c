/* array.c - shapes: how much they hold, what is a valid view, and conversions that keep every value exact.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "array/array.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

size_t pea_dtype_size_bytes(pea_dtype dtype)
{
    switch (dtype) {
    case PEA_UINT8:
    case PEA_INT8: return 1;
    case PEA_UINT16:
    case PEA_INT16:
    case PEA_FLOAT16: return 2;
    case PEA_UINT32:
    case PEA_INT32:
    case PEA_FLOAT32: return 4;
    case PEA_INT64:
    case PEA_FLOAT64: return 8;
    }
    return 0;
}

const char *pea_dtype_name(pea_dtype dtype)
{
    switch (dtype) {
    case PEA_UINT8: return "uint8";
    case PEA_UINT16: return "uint16";
    case PEA_UINT32: return "uint32";
    case PEA_INT8: return "int8";
    case PEA_INT16: return "int16";
    case PEA_INT32: return "int32";
    case PEA_INT64: return "int64";
    case PEA_FLOAT32: return "float32";
    case PEA_FLOAT64: return "float64";
    case PEA_FLOAT16: return "float16";
    }
    return "unknown";
}

bool pea__dims_count(pea_dims dims, size_t element_bytes, int64_t *n_voxels, int64_t *n_elements)
{
    int64_t voxels, elements, bytes;
    if (dims.z < 1 || dims.y < 1 || dims.x < 1 || dims.c < 1 || !pea__mul_i64(dims.z, dims.y, &voxels) ||
        !pea__mul_i64(voxels, dims.x, &voxels) || !pea__mul_i64(voxels, dims.c, &elements) ||
        !pea__mul_i64(elements, (int64_t)element_bytes, &bytes) || (uint64_t)bytes > PTRDIFF_MAX - 64)
        return false;
    if (n_voxels)
        *n_voxels = voxels;
    if (n_elements)
        *n_elements = elements;
    return true;
}

bool pea__shape_count(const int64_t *shape, int n_axes, int64_t *n_elements)
{
    int64_t n = 1;
    bool empty = false;
    for (int axis = 0; axis < n_axes; axis++) {
        empty = empty || shape[axis] == 0;
        if (shape[axis] < 0 || !pea__mul_i64(n, pea__max_i64(shape[axis], 1), &n))
            return false;
    }
    *n_elements = empty ? 0 : n;
    return true;
}

bool pea__all_finite(const float *values, int64_t n, int64_t *which)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(values[i])) {
            *which = i;
            return false;
        }
    return true;
}

pea_status pea__array_check(const pea_array *array, const char *what, pea_dtype dtype, pea_error *err)
{
    if (!array || !array->data)
        return pea__fail(err, PEA_E_ARG, "%s is missing", what);
    if (pea_dtype_size_bytes(array->dtype) == 0)
        return pea__fail(err, PEA_E_DTYPE, "%s has no valid element type", what);
    if (dtype && array->dtype != dtype)
        return pea__fail(err, PEA_E_DTYPE, "%s must be %s, is %s", what, pea_dtype_name(dtype),
                         pea_dtype_name(array->dtype));
    const pea_dims d = array->dims;
    if (!pea__dims_count(d, pea_dtype_size_bytes(array->dtype), NULL, NULL))
        return pea__fail(err, PEA_E_SHAPE,
                         "%s has extents z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", c %" PRId64
                         ": each must be at least 1 and their product must fit in memory",
                         what, d.z, d.y, d.x, d.c);
    return PEA_OK;
}

pea_status pea__same_space(const pea_array *a, const char *what_a, const pea_array *b, const char *what_b,
                           pea_error *err)
{
    const pea_dims p = a->dims, q = b->dims;
    if (p.z == q.z && p.y == q.y && p.x == q.x)
        return PEA_OK;
    return pea__fail(err, PEA_E_SHAPE,
                     "%s is %" PRId64 " x %" PRId64 " x %" PRId64 " (z,y,x) but %s is %" PRId64 " x %" PRId64
                     " x %" PRId64,
                     what_a, p.z, p.y, p.x, what_b, q.z, q.y, q.x);
}

pea_status pea__labels_check(const pea_array *labels, pea_error *err)
{
    const pea_status status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK && labels->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "labels must have 1 channel, have %" PRId64, labels->dims.c);
    return status;
}

pea_status pea__mask_check(const pea_array *mask, const pea_array *labels, pea_error *err)
{
    pea_status status = pea__array_check(mask, "mask", PEA_UINT8, err);
    if (status == PEA_OK)
        status = pea__same_space(mask, "mask", labels, "labels", err);
    if (status == PEA_OK && mask->dims.c != 1)
        status = pea__fail(err, PEA_E_SHAPE, "mask must have 1 channel, has %" PRId64, mask->dims.c);
    return status;
}

pea_calibration pea_calibration_default(void)
{
    return (pea_calibration){.z = 1.0, .y = 1.0, .x = 1.0, .unit = "pixel"};
}

pea_status pea_volume_alloc(pea_dtype dtype, pea_dims dims, pea_volume *volume, pea_error *err)
{
    const size_t item = pea_dtype_size_bytes(dtype);
    int64_t n = 0;
    *volume = (pea_volume){.calibration = pea_calibration_default()};
    if (item == 0)
        return pea__fail(err, PEA_E_DTYPE, "%d is no element type", (int)dtype);
    if (dims.z < 1 || dims.y < 1 || dims.x < 1 || dims.c < 1)
        return pea__fail(err, PEA_E_SHAPE,
                         "an array of z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", c %" PRId64 " is empty", dims.z,
                         dims.y, dims.x, dims.c);
    if (!pea__dims_count(dims, item, NULL, &n))
        return pea__fail(err, PEA_E_LIMIT,
                         "an array of z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", c %" PRId64
                         " exceeds the address space",
                         dims.z, dims.y, dims.x, dims.c);
    void *data = pea__alloc((size_t)n, item, err);
    if (!data)
        return PEA_E_NOMEM;
    volume->array = (pea_array){data, dtype, dims};
    return PEA_OK;
}

void pea_volume_free(pea_volume *volume)
{
    if (!volume)
        return;
    pea__free(volume->array.data);
    *volume = (pea_volume){0};
}

double pea__array_value(const pea_array *array, int64_t i)
{
    switch (array->dtype) {
    case PEA_UINT8: return ((const uint8_t *)array->data)[i];
    case PEA_UINT16: return ((const uint16_t *)array->data)[i];
    case PEA_UINT32: return ((const uint32_t *)array->data)[i];
    case PEA_INT8: return ((const int8_t *)array->data)[i];
    case PEA_INT16: return ((const int16_t *)array->data)[i];
    case PEA_INT32: return ((const int32_t *)array->data)[i];
    case PEA_INT64: return (double)((const int64_t *)array->data)[i];
    case PEA_FLOAT32: return (double)((const float *)array->data)[i];
    case PEA_FLOAT64: return ((const double *)array->data)[i];
    case PEA_FLOAT16: return (double)pea__float_of_half(((const uint16_t *)array->data)[i]);
    }
    return 0.0;
}

pea_status pea_labels_from_array(const pea_array *in, const pea_array *out, pea_error *err)
{
    pea_status status = pea__array_check(in, "label image", 0, err);
    if (status == PEA_OK)
        status = pea__array_check(out, "labels", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__same_space(in, "label image", out, "labels", err);
    if (status != PEA_OK)
        return status;
    if (in->dims.c != 1 || out->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "a label image must have 1 channel, has %" PRId64, in->dims.c);
    const int64_t n = in->dims.z * in->dims.y * in->dims.x;
    uint32_t *to = out->data;
    for (int64_t i = 0; i < n; i++) {
        const double value = pea__array_value(in, i); /* exact: 2^32 is far below 2^53 */
        if (!(value >= 0.0 && value <= (double)UINT32_MAX) || value != floor(value))
            return pea__fail(err, PEA_E_FORMAT,
                             "label %g at z %" PRId64 ", y %" PRId64 ", x %" PRId64
                             " is no whole number from 0 to 4294967295",
                             value, i / (in->dims.y * in->dims.x), i / in->dims.x % in->dims.y, i % in->dims.x);
        to[i] = (uint32_t)value;
    }
    return PEA_OK;
}

void pea_channels_last(const float *channels_first, pea_dims dims, float *channels_last)
{
    const int64_t n = dims.z * dims.y * dims.x;
    for (int64_t p = 0; p < n; p++)
        for (int64_t c = 0; c < dims.c; c++)
            channels_last[p * dims.c + c] = channels_first[c * n + p];
}

void pea_channels_first(const float *channels_last, pea_dims dims, float *channels_first)
{
    const int64_t n = dims.z * dims.y * dims.x;
    for (int64_t c = 0; c < dims.c; c++)
        for (int64_t p = 0; p < n; p++)
            channels_first[c * n + p] = channels_last[p * dims.c + c];
}
