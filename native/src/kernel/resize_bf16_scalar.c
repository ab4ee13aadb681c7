/* resize_bf16_scalar.c - the definitions of upsample_bf16 and pool_bf16.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/bf16.h"
#include "kernel/scalar.h"

/* The first voxel of an input row, counted through all planes. */
static const pea__bf16 *input_row(const pea__resize *resize, int64_t row)
{
    return resize->in_bf16 + pea__voxel_place(row, 0, resize->nx, resize->in_rows) * resize->in_pitch;
}

float pea__doubled_bf16_scalar(const pea__resize *resize, int64_t z, int64_t y, int64_t x, int64_t c)
{
    const int64_t ny = resize->ny, nx = resize->nx, pitch = resize->in_pitch;
    const pea__position at_y = pea__upsample_position(y, ny, 2 * ny), at_x = pea__upsample_position(x, nx, 2 * nx);
    const pea__bf16 *upper = input_row(resize, z * ny + at_y.low) + c, *lower = input_row(resize, z * ny + at_y.high) + c;
    const float a = pea__float_of_bf16(upper[at_x.low * pitch]), b = pea__float_of_bf16(upper[at_x.high * pitch]);
    const float d = pea__float_of_bf16(lower[at_x.low * pitch]), e = pea__float_of_bf16(lower[at_x.high * pitch]);
    const float above = a + at_x.weight * (b - a), below = d + at_x.weight * (e - d);
    return above + at_y.weight * (below - above);
}

void pea__upsample_bf16_scalar(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = 2 * resize->ny, out_nx = 2 * resize->nx;
    for (int64_t x = 0; x < out_nx; x++)
        for (int64_t c = 0; c < resize->channels; c++) {
            const int64_t residual = pea__voxel_place(row, x, out_nx, resize->epilogue.residual_rows);
            const float v = pea__doubled_bf16_scalar(resize, row / out_ny, row % out_ny, x, c);
            resize->out_bf16[pea__voxel_place(row, x, out_nx, resize->out_rows) * resize->out_pitch + c] =
                pea__bf16_of_float(pea__epilogue_bf16_scalar(&resize->epilogue, residual, c, v));
        }
}

static pea__bf16 larger(pea__bf16 a, pea__bf16 b)
{
    return pea__float_of_bf16(a) > pea__float_of_bf16(b) ? a : b;
}

void pea__pool_bf16_scalar(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = resize->ny / 2, out_nx = resize->nx / 2, pitch = resize->in_pitch;
    const int64_t in_row = row / out_ny * resize->ny + row % out_ny * 2;
    for (int64_t x = 0; x < out_nx; x++) {
        const pea__bf16 *a = input_row(resize, in_row) + 2 * x * pitch, *b = input_row(resize, in_row + 1) + 2 * x * pitch;
        pea__bf16 *out = resize->out_bf16 + pea__voxel_place(row, x, out_nx, resize->out_rows) * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c++)
            out[c] = larger(larger(a[c], a[pitch + c]), larger(b[c], b[pitch + c]));
    }
}
