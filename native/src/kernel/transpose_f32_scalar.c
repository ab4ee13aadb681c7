/* transpose_f32_scalar.c - the definition of transpose_f32: rows become columns.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

void pea__transpose_f32_scalar(const float *from, int64_t pitch, int64_t n_rows, int64_t n_columns, float *to,
                               int64_t to_pitch)
{
    for (int64_t row = 0; row < n_rows; row++)
        for (int64_t column = 0; column < n_columns; column++)
            to[column * to_pitch + row] = from[row * pitch + column];
}
