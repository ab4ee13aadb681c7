/* conv_f32_scalar.c - the definition of conv_f32: plain loops over voxels, taps and channels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

/* With one lane there is one panel: weights are [kz][ky][kx][in][out]. */
static void add_voxel(const pea__conv *conv, const float *in, const float *weights, float *sums)
{
    for (int64_t i = 0; i < conv->in_channels; i++, weights += conv->out_channels)
        for (int64_t o = 0; o < conv->out_channels; o++)
            sums[o] += in[i] * weights[o];
}

static void one_voxel(const pea__conv *conv, int64_t z, int64_t y, int64_t x, float *sums)
{
    const float *weights = conv->weights;
    for (int64_t o = 0; o < conv->out_channels; o++)
        sums[o] = conv->bias[o];
    for (int64_t dz = -(conv->kz / 2); dz <= conv->kz / 2; dz++)
        for (int64_t dy = -(conv->ky / 2); dy <= conv->ky / 2; dy++)
            for (int64_t dx = -(conv->kx / 2); dx <= conv->kx / 2; dx++) {
                const int64_t iz = z + dz, iy = y + dy, ix = x + dx;
                if (iz >= 0 && iz < conv->nz && iy >= 0 && iy < conv->ny && ix >= 0 && ix < conv->nx)
                    add_voxel(conv, conv->in + ((iz * conv->ny + iy) * conv->nx + ix) * conv->in_pitch, weights,
                              sums);
                weights += conv->in_channels * conv->out_channels;
            }
}

void pea__conv_f32_scalar(const pea__conv *conv, pea__tile tile, float *scratch)
{
    (void)scratch;
    for (int64_t y = tile.y0; y < tile.y1; y++)
        for (int64_t x = tile.x0; x < tile.x1; x++) {
            const int64_t voxel = (tile.z * conv->ny + y) * conv->nx + x;
            float *out = conv->out + voxel * conv->out_pitch;
            one_voxel(conv, tile.z, y, x, out);
            pea__epilogue_scalar(&conv->epilogue, voxel, out, conv->out_channels);
        }
}
