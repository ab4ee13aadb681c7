/* dot_f32_simd.h - dot_f32 with one vector of sums; included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

static float dot_f32_simd(const float *a, const float *b, int64_t n)
{
    vec sum = all(0.0f);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum = fma3(load(a + i), load(b + i), sum);
    if (i < n) {
        const vec_mask rest = first_lanes(n - i);
        sum = fma3(load_some(a + i, rest), load_some(b + i, rest), sum);
    }
    return sum_lanes(sum);
}
