/* avx2.c - the kernel set for AVX2 with FMA: says what a vector is; simd.h says what is done with it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/kernel.h"
#include "kernel/winograd.h"

#ifdef PEA__X86_SETS
#include <immintrin.h>
#include <string.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define SET avx2
#define LANES 8
#define PANEL_VOXELS_1 10 /* sums in registers: 10, 12, 12 of 16, with the panel's weights and one input beside them */
#define PANEL_VOXELS_2 6
#define PANEL_VOXELS_3 4

typedef __m256 vec;
typedef __m256i vec_mask;

static inline vec_mask first_lanes(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec load(const float *p) { return _mm256_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline vec load_some(const float *p, vec_mask m) { return _mm256_maskload_ps(p, m); }
static inline void store_some(float *p, vec_mask m, vec v) { _mm256_maskstore_ps(p, m, v); }
static inline vec choose(vec_mask m, vec a, vec b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m)); }
static inline vec all(float x) { return _mm256_set1_ps(x); }
static inline vec fma3(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec divide(vec a, vec b) { return _mm256_div_ps(a, b); }
static inline vec min2(vec a, vec b) { return _mm256_min_ps(a, b); } /* b where either is NaN */
static inline vec max2(vec a, vec b) { return _mm256_max_ps(a, b); } /* b where either is NaN */
static inline vec_mask greater(vec a, vec b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GT_OQ)); } /* not where either is NaN */
static inline vec nearest(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec two_to(vec n) /* n whole, -126..127 */
{
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
static inline __m256 eight_lanes(vec v) { return v; }

#include "kernel/sum_eight_x86.h"
#include "kernel/simd.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
