/* avx512.h - what a vector is, for the sets of AVX-512; included within a region that is compiled for them.
 * SPDX-License-Identifier: BSD-2-Clause */
#define LANES 16

typedef __m512 vec;
typedef __mmask16 vec_mask;

static inline vec_mask first_lanes(int64_t n) { return (vec_mask)((1u << n) - 1u); } /* 0 <= n <= 16 */
static inline vec load(const float *p) { return _mm512_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline void stream(float *p, vec v) { _mm512_stream_ps(p, v); }
static inline void stream_end(void) { _mm_sfence(); }
static inline vec load_some(const float *p, vec_mask m) { return _mm512_maskz_loadu_ps(m, p); }
static inline void store_some(float *p, vec_mask m, vec v) { _mm512_mask_storeu_ps(p, m, v); }
static inline vec choose(vec_mask m, vec a, vec b) { return _mm512_mask_blend_ps(m, b, a); }
static inline vec all(float x) { return _mm512_set1_ps(x); }
static inline vec fma3(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec divide(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec root(vec a) { return _mm512_sqrt_ps(a); }
static inline vec min2(vec a, vec b) { return _mm512_min_ps(a, b); } /* b where either is NaN */
static inline vec max2(vec a, vec b) { return _mm512_max_ps(a, b); } /* b where either is NaN */
static inline vec_mask greater(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); } /* not where either is NaN */
static inline vec nearest(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vec two_to(vec n) /* n whole, -126..127 */
{
    const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}
/* From two vectors one, in which the lanes of `odd` are sums of b and the others sums of a; `other` has, where x has a lane
 * of a vector, its partner. One exchange of lanes for each sum: they are the work here. */
#define FOLD(a, b, odd, other) _mm512_add_ps(_mm512_mask_blend_ps(odd, a, b), other)
static inline vec fold_8(vec a, vec b) { return FOLD(a, b, 0xff00, _mm512_shuffle_f32x4(a, b, 0x4e)); }
static inline vec fold_4(vec a, vec b)
{
    const __m512i at = _mm512_setr_epi32(4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
    return FOLD(a, b, 0xf0f0, _mm512_permutex2var_ps(a, at, b));
}
static inline vec fold_2(vec a, vec b) { return FOLD(a, b, 0xcccc, _mm512_shuffle_ps(a, b, 0x4e)); }
static inline vec fold_1(vec a, vec b)
{
    const __m512i at = _mm512_setr_epi32(1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30);
    return FOLD(a, b, 0xaaaa, _mm512_permutex2var_ps(a, at, b));
}
static inline vec fold_four(const vec *v) /* v[0], v[4], v[8], v[12] */
{
    return fold_4(fold_8(v[0], v[8]), fold_8(v[4], v[12]));
}
static inline void sum_lanes(const vec v[16], float sums[16])
{
    const vec even = fold_2(fold_four(v), fold_four(v + 2)), odd = fold_2(fold_four(v + 1), fold_four(v + 3));
    _mm512_storeu_ps(sums, fold_1(even, odd));
}
#undef FOLD
/* Number j of vector i goes to number i of vector j: within each quarter of 4 lanes, then quarters change places. */
static inline void transpose(vec v[16])
{
    vec t[16];
    UNROLL
    for (int i = 0; i < 16; i += 4) {
        const vec a = _mm512_unpacklo_ps(v[i], v[i + 1]), b = _mm512_unpackhi_ps(v[i], v[i + 1]);
        const vec c = _mm512_unpacklo_ps(v[i + 2], v[i + 3]), d = _mm512_unpackhi_ps(v[i + 2], v[i + 3]);
        t[i] = _mm512_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    UNROLL
    for (int i = 0; i < 4; i++) { /* quarter q of t[i + 4 * k] belongs to quarter k of v[i + 4 * q] */
        const vec a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88), b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
        const vec c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88), d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
        v[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        v[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        v[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        v[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

/* ---- bf16 ---- */

typedef __m512i pairs; /* of bf16, one for each lane */

static inline pairs load_pairs(const pea__bf16 *p) { return _mm512_loadu_si512(p); }
static inline pairs all_pairs(const pea__bf16 *p) /* two numbers in every lane */
{
    int32_t both;
    memcpy(&both, p, sizeof both);
    return _mm512_set1_epi32(both);
}
static inline vec lower(pairs p) { return _mm512_castsi512_ps(_mm512_slli_epi32(p, 16)); }
static inline vec upper(pairs p) { return _mm512_castsi512_ps(_mm512_and_si512(p, _mm512_set1_epi32((int)0xffff0000u))); }
static inline vec load_bf16(const pea__bf16 *p)
{
    return lower(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)));
}
static inline vec load_some_bf16(const pea__bf16 *p, int64_t n)
{
    return lower(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes(n), p)));
}
#ifndef OWN_NARROW
static inline __m256i narrow(vec v) /* to the nearest, ties to even; what is no number stays none */
{
    const __m512i bits = _mm512_castps_si512(v), top = _mm512_srli_epi32(bits, 16);
    const __m512i odd = _mm512_and_si512(top, _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    const __mmask16 no_number = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(rounded, no_number, top, _mm512_set1_epi32(0x40)));
}
#endif
static inline void store_bf16(pea__bf16 *p, vec v) { _mm256_storeu_si256((__m256i *)(void *)p, narrow(v)); }
static inline void store_some_bf16(pea__bf16 *p, int64_t n, vec v) { _mm256_mask_storeu_epi16(p, first_lanes(n), narrow(v)); }
