/* avx2.c - the kernel set for AVX2 with FMA: says what a vector is; simd.h says what is done with it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/conv_bf16.h"
#include "kernel/winograd.h"

#ifdef PEA__X86_SETS
#include <immintrin.h>
#include <string.h>
#include "kernel/unroll.h"
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
static inline void stream(float *p, vec v) { _mm256_stream_ps(p, v); }
static inline void stream_end(void) { _mm_sfence(); }
static inline vec load_some(const float *p, vec_mask m) { return _mm256_maskload_ps(p, m); }
static inline void store_some(float *p, vec_mask m, vec v) { _mm256_maskstore_ps(p, m, v); }
static inline vec choose(vec_mask m, vec a, vec b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m)); }
static inline vec all(float x) { return _mm256_set1_ps(x); }
static inline vec fma3(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec divide(vec a, vec b) { return _mm256_div_ps(a, b); }
static inline vec root(vec a) { return _mm256_sqrt_ps(a); }
static inline vec min2(vec a, vec b) { return _mm256_min_ps(a, b); } /* b where either is NaN */
static inline vec max2(vec a, vec b) { return _mm256_max_ps(a, b); } /* b where either is NaN */
static inline vec_mask greater(vec a, vec b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GT_OQ)); } /* not where either is NaN */
static inline vec nearest(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec two_to(vec n) /* n whole, -126..127 */
{
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
static inline void sum_lanes(const vec v[8], float sums[8]) /* pairs are added three times, while eight become one */
{
    const __m256 a = _mm256_hadd_ps(v[0], v[1]), b = _mm256_hadd_ps(v[2], v[3]);
    const __m256 c = _mm256_hadd_ps(v[4], v[5]), d = _mm256_hadd_ps(v[6], v[7]);
    const __m256 ab = _mm256_hadd_ps(a, b), cd = _mm256_hadd_ps(c, d); /* lower halves 0..3 and 4..7, then upper */
    _mm256_storeu_ps(sums, _mm256_add_ps(_mm256_permute2f128_ps(ab, cd, 0x20), _mm256_permute2f128_ps(ab, cd, 0x31)));
}

/* Number j of vector i goes to number i of vector j: within each half of 4 lanes, then halves change places. */
static inline void transpose(vec v[8])
{
    vec t[8];
    UNROLL
    for (int i = 0; i < 8; i += 4) {
        const vec a = _mm256_unpacklo_ps(v[i], v[i + 1]), b = _mm256_unpackhi_ps(v[i], v[i + 1]);
        const vec c = _mm256_unpacklo_ps(v[i + 2], v[i + 3]), d = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);
        t[i] = _mm256_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
        v[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
    }
}

/* ---- bf16 ---- */

#define PAIR_VOXELS 2 /* times 4 vectors of sums in registers */
typedef __m256i pairs; /* of bf16, one for each lane */

static inline pairs load_pairs(const pea__bf16 *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline pairs all_pairs(const pea__bf16 *p) /* two numbers in every lane */
{
    int32_t both;
    memcpy(&both, p, sizeof both);
    return _mm256_set1_epi32(both);
}
static inline vec lower(pairs p) { return _mm256_castsi256_ps(_mm256_slli_epi32(p, 16)); }
static inline vec upper(pairs p) { return _mm256_castsi256_ps(_mm256_and_si256(p, _mm256_set1_epi32((int)0xffff0000u))); }
static inline vec load_bf16(const pea__bf16 *p)
{
    return lower(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
static inline vec load_some_bf16(const pea__bf16 *p, int64_t n) /* there are no masks for 16 bits */
{
    pea__bf16 some[LANES] = {0};
    memcpy(some, p, (size_t)n * sizeof *p);
    return load_bf16(some);
}
static inline __m128i narrow(vec v) /* to the nearest, ties to even; what is no number stays none */
{
    const __m256i bits = _mm256_castps_si256(v), top = _mm256_srli_epi32(bits, 16);
    const __m256i odd = _mm256_and_si256(top, _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    const __m256i no_number = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i low = _mm256_blendv_epi8(rounded, _mm256_or_si256(top, _mm256_set1_epi32(0x40)), no_number);
    return _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
}
static inline void store_bf16(pea__bf16 *p, vec v) { _mm_storeu_si128((__m128i *)(void *)p, narrow(v)); }
static inline void store_some_bf16(pea__bf16 *p, int64_t n, vec v)
{
    pea__bf16 some[LANES];
    store_bf16(some, v);
    memcpy(p, some, (size_t)n * sizeof *p);
}
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
