/* resize_f32_scalar.c - the definitions of upsample_f32 and pool_f32.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

/* The first voxel of an input row, counted through all planes. */
static const float *input_row(const pea__resize *resize, int64_t row)
{
    return resize->in + pea__voxel_place(row, 0, resize->nx, resize->in_rows) * resize->in_pitch;
}

float pea__doubled_scalar(const pea__resize *resize, int64_t z, int64_t y, int64_t x, int64_t c)
{
    const int64_t ny = resize->ny, nx = resize->nx, pitch = resize->in_pitch;
    const pea__position at_y = pea__upsample_position(y, ny, 2 * ny), at_x = pea__upsample_position(x, nx, 2 * nx);
    const float *upper = input_row(resize, z * ny + at_y.low) + c, *lower = input_row(resize, z * ny + at_y.high) + c;
    const float a = upper[at_x.low * pitch], b = upper[at_x.high * pitch];
    const float d = lower[at_x.low * pitch], e = lower[at_x.high * pitch];
    const float above = a + at_x.weight * (b - a), below = d + at_x.weight * (e - d);
    return above + at_y.weight * (below - above);
}

void pea__upsample_f32_scalar(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = 2 * resize->ny, out_nx = 2 * resize->nx;
    for (int64_t x = 0; x < out_nx; x++) {
        const int64_t residual = pea__voxel_place(row, x, out_nx, resize->epilogue.residual_rows);
        float *out = resize->out + pea__voxel_place(row, x, out_nx, resize->out_rows) * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c++)
            out[c] = pea__epilogue_scalar(&resize->epilogue, residual, c,
                                          pea__doubled_scalar(resize, row / out_ny, row % out_ny, x, c));
    }
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

void pea__pool_f32_scalar(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = resize->ny / 2, out_nx = resize->nx / 2, pitch = resize->in_pitch;
    const int64_t in_row = row / out_ny * resize->ny + row % out_ny * 2;
    const float *upper = input_row(resize, in_row), *lower = input_row(resize, in_row + 1);
    for (int64_t x = 0; x < out_nx; x++) {
        const float *a = upper + 2 * x * pitch, *b = lower + 2 * x * pitch;
        float *out = resize->out + pea__voxel_place(row, x, out_nx, resize->out_rows) * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c++)
            out[c] = larger(larger(a[c], a[pitch + c]), larger(b[c], b[pitch + c]));
    }
}
