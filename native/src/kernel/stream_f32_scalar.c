/* stream_f32_scalar.c - the definition of stream_f32: a copy.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

#include <string.h>

void pea__stream_f32_scalar(const float *from, int64_t n, float *to)
{
    memcpy(to, from, (size_t)n * sizeof *to);
}
