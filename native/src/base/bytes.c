/* bytes.c - numbers as the bytes of a file spell them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <string.h>

bool pea__host_is_big_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

void pea__swap_bytes(void *items, int64_t n, size_t item_bytes)
{
    unsigned char *item = items;
    for (int64_t i = 0; i < n; i++, item += item_bytes)
        for (size_t low = 0, high = item_bytes - 1; low < high; low++, high--) {
            const unsigned char kept = item[low];
            item[low] = item[high];
            item[high] = kept;
        }
}

/* IEEE half to single: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
float pea__float_of_half(uint16_t half)
{
    const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu, fraction = half & 0x3ffu;
    float value;
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24 */
        value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    const uint32_t bits = sign | (exponent == 31 ? 0xffu : exponent + 112u) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}
