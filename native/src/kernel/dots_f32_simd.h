/* dots_f32_simd.h - dots_f32 with one vector of sums for each of eight voxels, added up together: with 16 channels the
 * adding up within vectors is the larger part of the work. A voxel's sum does not depend on which of the eight it is.
 * Included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

enum { DOTS_AT_ONCE = 8 };

#if LANES == 8 || LANES == 16

static inline __m256 eight_lanes(vec v)
{
#if LANES == 16
    return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
#else
    return v;
#endif
}

/* Lane i of the result is the sum of v[i]: pairs are added three times, while eight vectors become one. */
static inline void sum_each(const vec *v, float sums[DOTS_AT_ONCE])
{
    const __m256 a = _mm256_hadd_ps(eight_lanes(v[0]), eight_lanes(v[1]));
    const __m256 b = _mm256_hadd_ps(eight_lanes(v[2]), eight_lanes(v[3]));
    const __m256 c = _mm256_hadd_ps(eight_lanes(v[4]), eight_lanes(v[5]));
    const __m256 d = _mm256_hadd_ps(eight_lanes(v[6]), eight_lanes(v[7]));
    const __m256 ab = _mm256_hadd_ps(a, b), cd = _mm256_hadd_ps(c, d); /* lower halves 0..3 and 4..7, then upper */
    _mm256_storeu_ps(sums, _mm256_add_ps(_mm256_permute2f128_ps(ab, cd, 0x20), _mm256_permute2f128_ps(ab, cd, 0x31)));
}

#else

static inline void sum_each(const vec *v, float sums[DOTS_AT_ONCE])
{
    for (int i = 0; i < DOTS_AT_ONCE; i++)
        sums[i] = sum_lanes(v[i]);
}

#endif

static inline vec products(const float *a, const float *b, int64_t n_channels)
{
    vec sum = all(0.0f);
    int64_t c = 0;
    for (; c + LANES <= n_channels; c += LANES)
        sum = fma3(load(a + c), load(b + c), sum);
    if (c < n_channels) {
        const vec_mask rest = first_lanes(n_channels - c);
        sum = fma3(load_some(a + c, rest), load_some(b + c, rest), sum);
    }
    return sum;
}

static void dots_f32_simd(const float *a, const float *b, int64_t pitch, int64_t n_channels, int64_t n, float *out,
                          int64_t out_pitch)
{
    vec v[DOTS_AT_ONCE];
    float sums[DOTS_AT_ONCE];
    for (int64_t i = 0; i < n; i += DOTS_AT_ONCE) {
        const int n_now = n - i < DOTS_AT_ONCE ? (int)(n - i) : DOTS_AT_ONCE;
        if (n_now == DOTS_AT_ONCE) {
            for (int j = 0; j < DOTS_AT_ONCE; j++)
                v[j] = products(a + (i + j) * pitch, b + (i + j) * pitch, n_channels);
        } else {
            for (int j = 0; j < DOTS_AT_ONCE; j++)
                v[j] = j < n_now ? products(a + (i + j) * pitch, b + (i + j) * pitch, n_channels) : all(0.0f);
        }
        sum_each(v, sums);
        for (int j = 0; j < n_now; j++)
            out[(i + j) * out_pitch] = sums[j];
    }
}
