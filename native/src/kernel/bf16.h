/* bf16.h - the upper half of a float, and back.
 *
 * Rounded to the nearest, ties to the even one; beyond the largest becomes infinite; what is no number stays none. As
 * wide a range as a float: nothing overflows that would not have. Numbers below 2^-126 are taken for 0 where
 * AMX multiplies them, and kept by the other sets.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNEL_BF16_H
#define PEA_KERNEL_BF16_H

#include "kernel/kernel.h"

#include <string.h>

static inline float pea__float_of_bf16(pea__bf16 half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline pea__bf16 pea__bf16_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (pea__bf16)(bits >> 16 | 0x40u); /* no number: kept one by a bit that the cut would leave */
    return (pea__bf16)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
