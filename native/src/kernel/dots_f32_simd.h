/* dots_f32_simd.h - dots_f32 with one vector of sums for each of some voxels, added up together: with 16 channels the
 * adding up within vectors is the larger part of the work. A voxel's sum does not depend on which of them it is.
 * Included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

enum { DOTS_AT_ONCE = LANES };

static inline __attribute__((always_inline)) vec products(const float *a, const float *b, const int64_t n_channels)
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

/* Always inlined, so that a constant number of channels makes short straight code of it. */
static inline __attribute__((always_inline)) void dots_of(const float *a, const float *b, int64_t pitch,
                                                          const int64_t n_channels, int64_t n, float *out, int64_t out_pitch)
{
    vec v[DOTS_AT_ONCE];
    float sums[DOTS_AT_ONCE];
    for (; n >= DOTS_AT_ONCE; n -= DOTS_AT_ONCE, out += DOTS_AT_ONCE * out_pitch) {
        UNROLL
        for (int j = 0; j < DOTS_AT_ONCE; j++, a += pitch, b += pitch)
            v[j] = products(a, b, n_channels);
        sum_lanes(v, sums);
        UNROLL
        for (int j = 0; j < DOTS_AT_ONCE; j++)
            out[j * out_pitch] = sums[j];
    }
    if (n == 0)
        return;
    for (int j = 0; j < DOTS_AT_ONCE; j++)
        v[j] = j < n ? products(a + j * pitch, b + j * pitch, n_channels) : all(0.0f);
    sum_lanes(v, sums);
    for (int64_t j = 0; j < n; j++)
        out[j * out_pitch] = sums[j];
}

static void dots_f32_simd(const float *a, const float *b, int64_t pitch, int64_t n_channels, int64_t n, float *out,
                          int64_t out_pitch)
{
    if (n_channels == 16) /* the embeddings of the paper */
        dots_of(a, b, pitch, 16, n, out, out_pitch);
    else
        dots_of(a, b, pitch, n_channels, n, out, out_pitch);
}
