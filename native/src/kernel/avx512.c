/* avx512.c - the kernel set for AVX-512: says what a vector is; simd.h says what is done with it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/kernel.h"
#include "kernel/winograd.h"

#ifdef PEA__X86_SETS
#include <immintrin.h>
#include <string.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma,avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma,avx2,prefer-vector-width=512")
#endif

#define SET avx512
#define LANES 16
#define PANEL_VOXELS_1 14 /* sums in registers: 14, 24, 24 of 32, with the panel's weights and one input beside them */
#define PANEL_VOXELS_2 12
#define PANEL_VOXELS_3 8

typedef __m512 vec;
typedef __mmask16 vec_mask;

static inline vec_mask first_lanes(int64_t n) { return (vec_mask)((1u << n) - 1u); } /* 0 <= n <= 16 */
static inline vec load(const float *p) { return _mm512_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline vec load_some(const float *p, vec_mask m) { return _mm512_maskz_loadu_ps(m, p); }
static inline void store_some(float *p, vec_mask m, vec v) { _mm512_mask_storeu_ps(p, m, v); }
static inline vec choose(vec_mask m, vec a, vec b) { return _mm512_mask_blend_ps(m, b, a); }
static inline vec all(float x) { return _mm512_set1_ps(x); }
static inline vec fma3(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec divide(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec min2(vec a, vec b) { return _mm512_min_ps(a, b); } /* b where either is NaN */
static inline vec max2(vec a, vec b) { return _mm512_max_ps(a, b); } /* b where either is NaN */
static inline vec_mask greater(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); } /* not where either is NaN */
static inline vec nearest(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec two_to(vec n) /* n whole, -126..127 */
{
    const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}
static inline __m256 eight_lanes(vec v) /* its halves, added */
{
    return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
}

#include "kernel/sum_eight_x86.h"
#include "kernel/simd.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
