/* resize_f32_scalar.c - the definitions of upsample_f32 and pool_f32.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

void pea__upsample_f32_scalar(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = 2 * resize->ny, out_nx = 2 * resize->nx, pitch = resize->in_pitch;
    const pea__position y = pea__upsample_position(row % out_ny, resize->ny, out_ny);
    const float *plane = resize->in + row / out_ny * resize->ny * resize->nx * pitch;
    const float *upper = plane + y.low * resize->nx * pitch, *lower = plane + y.high * resize->nx * pitch;
    for (int64_t at = 0; at < out_nx; at++) {
        const pea__position x = pea__upsample_position(at, resize->nx, out_nx);
        float *out = resize->out + (row * out_nx + at) * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c++) {
            const float a = upper[x.low * pitch + c], b = upper[x.high * pitch + c];
            const float d = lower[x.low * pitch + c], e = lower[x.high * pitch + c];
            const float above = a + x.weight * (b - a), below = d + x.weight * (e - d);
            out[c] = above + y.weight * (below - above);
        }
        pea__epilogue_scalar(&resize->epilogue, row * out_nx + at, out, resize->channels);
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
