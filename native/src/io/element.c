/* element.c - numbers as files store them, to the two types that weights have.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <math.h>
#include <string.h>

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

uint32_t pea__load_u16(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

uint32_t pea__load_u32(const unsigned char *bytes)
{
    return pea__load_u16(bytes) | pea__load_u16(bytes + 2) << 16;
}

uint64_t pea__load_u64(const unsigned char *bytes)
{
    return (uint64_t)pea__load_u32(bytes) | (uint64_t)pea__load_u32(bytes + 4) << 32;
}

size_t pea__element_bytes(pea__element type)
{
    switch (type) {
    case PEA__U8:
    case PEA__I8:
    case PEA__BOOL:
    case PEA__RAW: return 1;
    case PEA__F16:
    case PEA__BF16:
    case PEA__I16: return 2;
    case PEA__F32:
    case PEA__I32: return 4;
    case PEA__F64:
    case PEA__I64: return 8;
    }
    return 0;
}

pea_dtype pea__element_dtype(pea__element type)
{
    return type >= PEA__F16 && type <= PEA__F64 ? PEA_FLOAT32 : PEA_INT64;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE half to single, exact: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float float_of_half(uint32_t half)
{
    const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu, fraction = half & 0x3ffu;
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24 */
        const float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 31)
        return float_of_bits(sign | 0x7f800000u | fraction << 13);
    return float_of_bits(sign | (exponent + 112u) << 23 | fraction << 13);
}

static float float_of_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (fabs(value) >= 0x1.ffffffp127) /* rounds to infinity, but in C the cast is undefined there */
        return value > 0.0 ? INFINITY : -INFINITY;
    return (float)value;
}

/* The bits of one element, in the low end. */
static uint64_t load(const unsigned char *at, size_t n_bytes, bool big_endian)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n_bytes; i++)
        bits = bits << 8 | at[big_endian ? i : n_bytes - 1 - i];
    return bits;
}

static float as_float(pea__element type, uint64_t bits)
{
    switch (type) {
    case PEA__F16: return float_of_half((uint32_t)bits);
    case PEA__BF16: return float_of_bits((uint32_t)bits << 16);
    case PEA__F32: return float_of_bits((uint32_t)bits);
    default: return float_of_double(bits);
    }
}

static int64_t as_integer(pea__element type, uint64_t bits)
{
    switch (type) {
    case PEA__I8: return (int8_t)(uint8_t)bits;
    case PEA__I16: return (int16_t)(uint16_t)bits;
    case PEA__I32: return (int32_t)(uint32_t)bits;
    case PEA__BOOL: return bits != 0;
    default: return (int64_t)bits;
    }
}

void pea__elements_convert(pea__element type, bool big_endian, const unsigned char *from, int64_t stride, int64_t n,
                           void *to)
{
    const size_t size = pea__element_bytes(type);
    if (pea__element_dtype(type) == PEA_FLOAT32)
        for (int64_t i = 0; i < n; i++)
            ((float *)to)[i] = as_float(type, load(from + i * stride * (int64_t)size, size, big_endian));
    else
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)to)[i] = as_integer(type, load(from + i * stride * (int64_t)size, size, big_endian));
}

/* One element of the host, of 1, 2, 4 or 8 bytes. */
static uint64_t bits_of(const void *element, size_t item_bytes)
{
    uint8_t byte;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (item_bytes) {
    case 1: memcpy(&byte, element, 1); return byte;
    case 2: memcpy(&two, element, 2); return two;
    case 4: memcpy(&four, element, 4); return four;
    default: memcpy(&eight, element, 8); return eight;
    }
}

void pea__elements_write(FILE *stream, const void *elements, size_t item_bytes, int64_t n)
{
    unsigned char piece[8192];
    const unsigned char *from = elements;
    while (n > 0) {
        const int64_t part = pea__min_i64(n, (int64_t)(sizeof piece / item_bytes));
        for (int64_t i = 0; i < part; i++, from += item_bytes) {
            const uint64_t bits = bits_of(from, item_bytes);
            for (size_t byte = 0; byte < item_bytes; byte++)
                piece[(size_t)i * item_bytes + byte] = (unsigned char)(bits >> 8 * byte);
        }
        (void)fwrite(piece, item_bytes, (size_t)part, stream); /* whoever commits the file sees a failure */
        n -= part;
    }
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
