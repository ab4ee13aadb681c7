/* conv_f32_scalar.c - the definition of conv_f32: plain loops over voxels, taps and channels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

enum {
    GROUP = 16, /* output channels at a time, so that sums fit in registers */
    CHAIN = 32  /* terms that are added up before their sum joins the total: one long chain would round worse */
};

float pea__conv_input_scalar(const pea__conv *conv, int64_t z, int64_t y, int64_t x, int64_t i)
{
    const pea__resize doubling = {.ny = conv->ny / 2, .nx = conv->nx / 2, .in = conv->in, .in_pitch = conv->in_pitch,
                                  .in_rows = conv->in_rows};
    if (conv->shape.doubled)
        return pea__doubled_scalar(&doubling, z, y, x, i);
    return conv->in[pea__voxel_place(z * conv->ny + y, x, conv->nx, conv->in_rows) * conv->in_pitch + i];
}

/* Adds the tap on voxel z, y, x. With one lane there is one panel: weights are [kz][ky][kx][in][out]. */
static void add_tap(const pea__conv *conv, int64_t z, int64_t y, int64_t x, const float *weights, int64_t n, float *sums)
{
    const pea__conv_shape *s = &conv->shape;
    for (int64_t from = 0, to; from < s->in_channels; from = to) {
        float part[GROUP] = {0.0f};
        to = from + CHAIN < s->in_channels ? from + CHAIN : s->in_channels;
        for (int64_t i = from; i < to; i++) {
            const float v = pea__conv_input_scalar(conv, z, y, x, i);
            for (int64_t o = 0; o < n; o++)
                part[o] += v * weights[i * s->out_channels + o];
        }
        for (int64_t o = 0; o < n; o++)
            sums[o] += part[o];
    }
}

/* Output channels `first` to `first + n` of one voxel. */
static void sum_taps(const pea__conv *conv, int64_t z, int64_t y, int64_t x, int64_t first, int64_t n, float *sums)
{
    const pea__conv_shape *s = &conv->shape;
    const float *weights = conv->weights + first;
    for (int64_t o = 0; o < n; o++)
        sums[o] = conv->bias[first + o];
    for (int64_t dz = -(s->kz / 2); dz <= s->kz / 2; dz++)
        for (int64_t dy = -(s->ky / 2); dy <= s->ky / 2; dy++)
            for (int64_t dx = -(s->kx / 2); dx <= s->kx / 2; dx++) {
                const int64_t iz = z + dz, iy = y + dy, ix = x + dx;
                if (iz >= 0 && iz < conv->nz && iy >= 0 && iy < conv->ny && ix >= 0 && ix < conv->nx)
                    add_tap(conv, iz, iy, ix, weights, n, sums);
                weights += s->in_channels * s->out_channels;
            }
}

static void sum_voxel(const pea__conv *conv, int64_t z, int64_t y, int64_t x)
{
    const int64_t row = z * conv->ny + y;
    const int64_t residual = pea__voxel_place(row, x, conv->nx, conv->epilogue.residual_rows);
    float *out = conv->out + pea__voxel_place(row, x, conv->nx, conv->out_rows) * conv->out_pitch;
    for (int64_t first = 0, n; first < conv->shape.out_channels; first += n) {
        float sums[GROUP];
        n = conv->shape.out_channels - first < GROUP ? conv->shape.out_channels - first : GROUP;
        sum_taps(conv, z, y, x, first, n, sums);
        for (int64_t o = 0; o < n; o++)
            out[first + o] = pea__epilogue_scalar(&conv->epilogue, residual, first + o, sums[o]);
    }
}

void pea__conv_f32_scalar(const pea__conv *conv, pea__tile tile, float *scratch)
{
    (void)scratch;
    for (int64_t z = tile.z0; z < tile.z1; z++)
        for (int64_t y = tile.y0; y < tile.y1; y++)
            for (int64_t x = tile.x0; x < tile.x1; x++)
                sum_voxel(conv, z, y, x);
}
