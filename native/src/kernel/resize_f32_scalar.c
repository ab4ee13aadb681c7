/* resize_f32_scalar.c - the definitions of upsample_f32 and pool_f32.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

float pea__doubled_scalar(const float *plane, int64_t pitch, int64_t ny, int64_t nx, int64_t y, int64_t x, int64_t c)
{
    const pea__position at_y = pea__upsample_position(y, ny, 2 * ny), at_x = pea__upsample_position(x, nx, 2 * nx);
    const float *upper = plane + at_y.low * nx * pitch + c, *lower = plane + at_y.high * nx * pitch + c;
    const float a = upper[at_x.low * pitch], b = upper[at_x.high * pitch];
    const float d = lower[at_x.low * pitch], e = lower[at_x.high * pitch];
    const float above = a + at_x.weight * (b - a), below = d + at_x.weight * (e - d);
    return above + at_y.weight * (below - above);
}

void pea__upsample_f32_scalar(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = 2 * resize->ny, out_nx = 2 * resize->nx;
    const float *plane = resize->in + row / out_ny * resize->ny * resize->nx * resize->in_pitch;
    for (int64_t x = 0; x < out_nx; x++)
        for (int64_t c = 0; c < resize->channels; c++) {
            const float v = pea__doubled_scalar(plane, resize->in_pitch, resize->ny, resize->nx, row % out_ny, x, c);
            resize->out[(row * out_nx + x) * resize->out_pitch + c] =
                pea__epilogue_scalar(&resize->epilogue, row * out_nx + x, c, v);
        }
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

void pea__pool_f32_scalar(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = resize->ny / 2, out_nx = resize->nx / 2, pitch = resize->in_pitch;
    const float *upper = resize->in + (row / out_ny * resize->ny + row % out_ny * 2) * resize->nx * pitch;
    const float *lower = upper + resize->nx * pitch;
    for (int64_t x = 0; x < out_nx; x++) {
        const float *a = upper + 2 * x * pitch, *b = lower + 2 * x * pitch;
        float *out = resize->out + (row * out_nx + x) * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c++)
            out[c] = larger(larger(a[c], a[pitch + c]), larger(b[c], b[pitch + c]));
    }
}
