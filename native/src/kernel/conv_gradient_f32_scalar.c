/* conv_gradient_f32_scalar.c - the definition of conv_gradient_f32: plain loops over voxels, taps and channels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

/* The row of the tile that begins at y: a chain of sums for each weight, which then joins its total. */
static void add_row(const pea__conv_gradient *job, pea__tile tile, int64_t z, int64_t y, float *sums)
{
    const pea__conv *conv = &job->conv;
    const pea__conv_shape *s = &conv->shape;
    for (int tap = 0; tap < s->kz * s->ky * s->kx; tap++) {
        const int64_t iz = z + tap / (s->ky * s->kx) - s->kz / 2, iy = y + tap / s->kx % s->ky - s->ky / 2;
        const int64_t dx = tap % s->kx - s->kx / 2;
        if (iz < 0 || iz >= conv->nz || iy < 0 || iy >= conv->ny)
            continue;
        for (int64_t i = 0; i < s->in_channels; i++)
            for (int64_t o = 0; o < s->out_channels; o++) { /* one lane: sums are [tap][in][out] */
                float sum = 0.0f;
                for (int64_t x = tile.x0; x < tile.x1; x++)
                    if (x + dx >= 0 && x + dx < conv->nx)
                        sum += job->gradient[((z * conv->ny + y) * conv->nx + x) * job->gradient_pitch + o] *
                               pea__conv_input_scalar(conv, iz, iy, x + dx, i);
                sums[(tap * s->in_channels + i) * s->out_channels + o] += sum;
            }
    }
}

void pea__conv_gradient_f32_scalar(const pea__conv_gradient *job, pea__tile tile, float *sums, float *scratch)
{
    (void)scratch;
    for (int64_t z = tile.z0; z < tile.z1; z++)
        for (int64_t y = tile.y0; y < tile.y1; y++)
            add_row(job, tile, z, y, sums);
}
