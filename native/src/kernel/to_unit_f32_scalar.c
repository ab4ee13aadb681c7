/* to_unit_f32_scalar.c - the definition of to_unit_f32: vectors that are divided by their lengths.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

#include <math.h>

void pea__to_unit_f32_scalar(float *planes, int64_t pitch, int64_t n_channels, int64_t n, const float *squares)
{
    for (int64_t i = 0; i < n; i++) {
        const float length = sqrtf(squares[i]);
        const float factor = 1.0f / (length < 1e-12f ? 1e-12f : length); /* a zero vector stays zero instead of NaN */
        for (int64_t c = 0; c < n_channels; c++)
            planes[c * pitch + i] *= factor;
    }
}
