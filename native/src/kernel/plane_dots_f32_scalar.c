/* plane_dots_f32_scalar.c - the definition of plane_dots_f32: a row of affinities at one offset.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

void pea__plane_dots_f32_scalar(const float *a, const float *b, int64_t pitch, int64_t n_channels, int64_t n, bool relu,
                                float *out)
{
    for (int64_t i = 0; i < n; i++) {
        float sum = 0.0f;
        for (int64_t c = 0; c < n_channels; c++)
            sum += a[c * pitch + i] * b[c * pitch + i];
        out[i] = relu && sum <= 0.0f ? 0.0f : sum; /* -0 becomes 0; NaN stays, to be seen */
    }
}
