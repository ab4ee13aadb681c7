/* dot_f32_scalar.c - the definition of dot_f32.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

float pea__dot_f32_scalar(const float *a, const float *b, int64_t n)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}
