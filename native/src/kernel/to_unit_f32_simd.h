/* to_unit_f32_simd.h - to_unit_f32: lanes are voxels, so that there is one root and one quotient for each vector of them.
 * Included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

static void to_unit_f32_simd(float *planes, int64_t pitch, int64_t n_channels, int64_t n, const float *squares)
{
    for (int64_t i = 0; i < n; i += LANES) {
        const vec_mask lanes = first_lanes(n - i < LANES ? n - i : LANES);
        const vec length = root(load_some(squares + i, lanes)), factor = divide(all(1.0f), max2(all(1e-12f), length));
        for (int64_t c = 0; c < n_channels; c++)
            store_some(planes + c * pitch + i, lanes, mul(load_some(planes + c * pitch + i, lanes), factor));
    }
}
