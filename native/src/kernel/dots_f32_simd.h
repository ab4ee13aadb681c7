/* dots_f32_simd.h - dots_f32 with one vector of sums for each of eight voxels, added up together: with 16 channels the
 * adding up within vectors is the larger part of the work. A voxel's sum does not depend on which of the eight it is.
 * Included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

enum { DOTS_AT_ONCE = 8 };

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
        sum_eight(v, sums);
        for (int j = 0; j < n_now; j++)
            out[(i + j) * out_pitch] = sums[j];
    }
}
