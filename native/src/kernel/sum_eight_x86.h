/* sum_eight_x86.h - the word sum_eight for sets that have 256-bit halves; included by avx2.c and avx512.c.
 * SPDX-License-Identifier: BSD-2-Clause */

/* Lane i of the result is the sum of v[i]: pairs are added three times, while eight vectors become one. */
static inline void sum_eight(const vec v[8], float sums[8])
{
    const __m256 a = _mm256_hadd_ps(eight_lanes(v[0]), eight_lanes(v[1]));
    const __m256 b = _mm256_hadd_ps(eight_lanes(v[2]), eight_lanes(v[3]));
    const __m256 c = _mm256_hadd_ps(eight_lanes(v[4]), eight_lanes(v[5]));
    const __m256 d = _mm256_hadd_ps(eight_lanes(v[6]), eight_lanes(v[7]));
    const __m256 ab = _mm256_hadd_ps(a, b), cd = _mm256_hadd_ps(c, d); /* lower halves 0..3 and 4..7, then upper */
    _mm256_storeu_ps(sums, _mm256_add_ps(_mm256_permute2f128_ps(ab, cd, 0x20), _mm256_permute2f128_ps(ab, cd, 0x31)));
}
