/* element.c - numbers as files store them, to the two types that weights have.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <math.h>
#include <string.h>

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

static float float_of_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (fabs(value) >= 0x1.ffffffp127) /* rounds to infinity, but in C the cast is undefined there */
        return value > 0.0 ? INFINITY : -INFINITY;
    return (float)value;
}

static float as_float(pea__element type, uint64_t bits)
{
    switch (type) {
    case PEA__F16: return pea__float_of_half((uint16_t)bits);
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
            ((float *)to)[i] = as_float(type, pea__load(from + i * stride * (int64_t)size, size, big_endian));
    else
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)to)[i] = as_integer(type, pea__load(from + i * stride * (int64_t)size, size, big_endian));
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
        for (int64_t i = 0; i < part; i++, from += item_bytes)
            pea__store(piece + (size_t)i * item_bytes, bits_of(from, item_bytes), item_bytes, false);
        (void)fwrite(piece, item_bytes, (size_t)part, stream); /* whoever commits the file sees a failure */
        n -= part;
    }
}
