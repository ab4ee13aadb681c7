/* dots_f32_scalar.c - the definition of dots_f32: a row of affinities at one offset.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

void pea__dots_f32_scalar(const float *a, const float *b, int64_t pitch, int64_t n_channels, int64_t n, float *out,
                          int64_t out_pitch)
{
    for (int64_t i = 0; i < n; i++)
        out[i * out_pitch] = pea__dot_f32_scalar(a + i * pitch, b + i * pitch, n_channels);
}
