/* dots_f32_scalar.c - the definition of dots_f32: a row of affinities at one offset.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

void pea__dots_f32_scalar(const float *a, const float *b, int64_t pitch, int64_t n_channels, int64_t n, float *out,
                          int64_t out_pitch)
{
    for (int64_t i = 0; i < n; i++, a += pitch, b += pitch) {
        float sum = 0.0f;
        for (int64_t c = 0; c < n_channels; c++)
            sum += a[c] * b[c];
        out[i * out_pitch] = sum;
    }
}
