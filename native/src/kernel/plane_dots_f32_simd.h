/* plane_dots_f32_simd.h - plane_dots_f32: lanes are voxels, so that nothing is added up within vectors. Four vectors of
 * sums at once do not wait for each other. Included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

enum { SUMS_AT_ONCE = 4 };

static inline vec finish_dot(vec sum, bool relu)
{
    return relu ? add(max2(all(0.0f), sum), all(0.0f)) : sum; /* adding makes 0 of -0; NaN stays */
}

static void plane_dots_f32_simd(const float *a, const float *b, int64_t pitch, int64_t n_channels, int64_t n, bool relu,
                                float *out)
{
    int64_t i = 0;
    for (; i + SUMS_AT_ONCE * LANES <= n; i += SUMS_AT_ONCE * LANES) {
        vec sum[SUMS_AT_ONCE] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
        for (int64_t c = 0; c < n_channels; c++)
            UNROLL
            for (int j = 0; j < SUMS_AT_ONCE; j++)
                sum[j] = fma3(load(a + c * pitch + i + j * LANES), load(b + c * pitch + i + j * LANES), sum[j]);
        UNROLL
        for (int j = 0; j < SUMS_AT_ONCE; j++)
            store(out + i + j * LANES, finish_dot(sum[j], relu));
    }
    for (; i < n; i += LANES) {
        const vec_mask lanes = first_lanes(n - i < LANES ? n - i : LANES);
        vec sum = all(0.0f);
        for (int64_t c = 0; c < n_channels; c++)
            sum = fma3(load_some(a + c * pitch + i, lanes), load_some(b + c * pitch + i, lanes), sum);
        store_some(out + i, lanes, finish_dot(sum, relu));
    }
}
