/* avx512.c - the kernel set for AVX-512: says what a vector is; simd.h says what is done with it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/conv_bf16.h"
#include "kernel/winograd.h"

#ifdef PEA__X86_SETS
#include <immintrin.h>
#include <string.h>
#include "kernel/unroll.h"
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma,avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma,avx2,prefer-vector-width=512")
#endif

#define SET avx512
#define PANEL_VOXELS_1 14 /* sums in registers: 14, 24, 24 of 32, with the panel's weights and one input beside them */
#define PANEL_VOXELS_2 12
#define PANEL_VOXELS_3 8

#include "kernel/avx512.h"

#define PAIR_VOXELS 8 /* times 2 vectors of sums in registers */
static inline vec add_pairs(vec sum, pairs a, pairs b)
{
    return fma3(upper(a), upper(b), fma3(lower(a), lower(b), sum));
}

#include "kernel/simd.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
