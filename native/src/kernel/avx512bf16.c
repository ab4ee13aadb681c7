/* avx512bf16.c - conv_bf16 for processors that multiply pairs of bf16; all else is of avx512.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/conv_bf16.h"

#ifdef PEA__X86_SETS
#include <immintrin.h>
#include <string.h>
#include "kernel/unroll.h"
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma,avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma,avx2,prefer-vector-width=512")
#endif

#define OWN_NARROW
#define PAIR_VOXELS 12 /* times 2 vectors of sums in registers */
static inline __m256i narrow(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }

#include "kernel/avx512.h"

static inline vec add_pairs(vec sum, pairs a, pairs b) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }

#include "kernel/epilogue_simd.h"
#include "kernel/conv_bf16_simd.h"

void pea__conv_bf16_avx512bf16(const pea__conv *conv, pea__tile tile, float *scratch)
{
    conv_bf16_simd(conv, tile, scratch);
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
