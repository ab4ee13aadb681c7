/* winograd_gradient_f32_scalar.c - the definitions of winograd_gradient_f32 and winograd_taps_f32: plain loops over
 * tiles, products and channels. What the letters mean: winograd.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"
#include "kernel/winograd.h"

#include <string.h>

/* ---- along one axis ---- */

static void to_products(const float d[6], float p[6]) /* B d */
{
    const float even = d[4] - 2.0f * d[2], odd = WINOGRAD_A * (d[3] - 2.0f * d[1]);
    const float even_b = d[4] - 0.5f * d[2], odd_b = WINOGRAD_B * (d[3] - 0.5f * d[1]);
    p[0] = d[0] + d[4] - 2.5f * d[2];
    p[1] = even + odd;
    p[2] = even - odd;
    p[3] = even_b + odd_b;
    p[4] = even_b - odd_b;
    p[5] = d[1] + d[5] - 2.5f * d[3];
}

static void spread_outputs(const float y[4], int step, float p[6]) /* A' y; with two outputs y[2] and y[3] are 0 */
{
    const float even_a = y[0] + 0.5f * y[2], odd_a = WINOGRAD_A * (y[1] + 0.5f * y[3]);
    const float even_b = y[0] + 2.0f * y[2], odd_b = WINOGRAD_B * (y[1] + 2.0f * y[3]);
    p[0] = y[0];
    p[1] = even_a + odd_a;
    p[2] = even_a - odd_a;
    p[3] = even_b + odd_b;
    p[4] = even_b - odd_b;
    p[5] = y[step - 1];
}

static void gather_taps(const float w[6], int n, float g[5]) /* G' w */
{
    const float sum_a = (w[1] + w[2]) / WINOGRAD_NORM_A, sum_b = (w[3] + w[4]) / WINOGRAD_NORM_B;
    const float difference_a = WINOGRAD_A * (w[1] - w[2]) / WINOGRAD_NORM_A;
    const float difference_b = WINOGRAD_B * (w[3] - w[4]) / WINOGRAD_NORM_B;
    g[0] = w[0] + (sum_a + sum_b);
    g[1] = difference_a + difference_b;
    g[2] = 0.5f * sum_a + 2.0f * sum_b;
    g[3] = 0.5f * difference_a + 2.0f * difference_b;
    g[4] = 0.25f * sum_a + 4.0f * sum_b;
    g[n - 1] += w[5];
}

/* ---- tiles ---- */

/* One channel of the 6x6 (doubled) inputs from y0, x0 on, zero outside, as 36 numbers. */
static void transform_input(const pea__conv *conv, int64_t z, int64_t y0, int64_t x0, int64_t i, float p[36])
{
    float rows[6][6], column[6], made[6];
    for (int64_t x = x0; x < x0 + 6; x++) {
        for (int64_t y = y0; y < y0 + 6; y++)
            column[y - y0] = y < 0 || y >= conv->ny || x < 0 || x >= conv->nx ? 0.0f
                                                                              : pea__conv_input_scalar(conv, z, y, x, i);
        to_products(column, made);
        for (int y = 0; y < 6; y++)
            rows[y][x - x0] = made[y];
    }
    for (int y = 0; y < 6; y++)
        to_products(rows[y], p + 6 * y);
}

/* One channel of the gradients of a tile's outputs as 36 numbers. */
static void transform_gradient(const pea__conv_gradient *job, int step, int64_t z, int64_t y0, int64_t x0, int64_t o,
                               float p[36])
{
    const int64_t ny = job->conv.ny, nx = job->conv.nx;
    float rows[6][4] = {{0.0f}}, made[6];
    for (int64_t x = x0; x < x0 + step && x < nx; x++) {
        float column[4] = {0.0f};
        for (int64_t y = y0; y < y0 + step && y < ny; y++)
            column[y - y0] = job->gradient[((z * ny + y) * nx + x) * job->gradient_pitch + o];
        spread_outputs(column, step, made);
        for (int y = 0; y < 6; y++)
            rows[y][x - x0] = made[y];
    }
    for (int y = 0; y < 6; y++)
        spread_outputs(rows[y], step, p + 6 * y);
}

/* One tile and one tap in z. In scratch lie the 36 numbers of each input and of each output. */
static void add_tile(const pea__conv_gradient *job, int64_t z, int64_t tap, int64_t y, int64_t x, float *sums,
                     float *scratch)
{
    const pea__conv_shape *s = &job->conv.shape;
    const int64_t in = s->in_channels, out = s->out_channels, iz = z + tap - s->kz / 2;
    float *inputs = scratch, *gradients = scratch + WINOGRAD_GRADIENT_PRODUCTS * in;
    if (iz < 0 || iz >= job->conv.nz)
        return;
    for (int64_t i = 0; i < in; i++)
        transform_input(&job->conv, iz, y - s->ky / 2, x - s->kx / 2, i, inputs + WINOGRAD_GRADIENT_PRODUCTS * i);
    for (int64_t o = 0; o < out; o++)
        transform_gradient(job, (int)pea__winograd_gradient_step(s), z, y, x, o, gradients + WINOGRAD_GRADIENT_PRODUCTS * o);
    for (int64_t product = 0; product < WINOGRAD_GRADIENT_PRODUCTS; product++)
        for (int64_t i = 0; i < in; i++)
            for (int64_t o = 0; o < out; o++) /* one lane, one panel: sums are [product][kz][in][out] */
                sums[((product * s->kz + tap) * in + i) * out + o] +=
                    inputs[WINOGRAD_GRADIENT_PRODUCTS * i + product] * gradients[WINOGRAD_GRADIENT_PRODUCTS * o + product];
}

void pea__winograd_gradient_f32_scalar(const pea__conv_gradient *job, pea__tile tile, float *sums, float *scratch)
{
    const int64_t step = pea__winograd_gradient_step(&job->conv.shape);
    for (int64_t z = tile.z0; z < tile.z1; z++)
        for (int64_t tap = 0; tap < job->conv.shape.kz; tap++)
            for (int64_t y = tile.y0; y < tile.y1; y += step)
                for (int64_t x = tile.x0; x < tile.x1; x += step)
                    add_tile(job, z, tap, y, x, sums, scratch);
}

/* ---- from products to taps ---- */

void pea__winograd_taps_f32_scalar(const pea__conv_shape *shape, const float *sums, int64_t at, float *packed)
{
    const int n = shape->ky;
    const int64_t in = shape->in_channels, out = shape->out_channels, z = at / in;
    for (int64_t o = 0; o < out; o++) {
        float rows[5][6], w[6], taps[5];
        for (int x = 0; x < 6; x++) {
            for (int y = 0; y < 6; y++)
                w[y] = sums[((y * 6 + x) * shape->kz * in + at) * out + o];
            gather_taps(w, n, taps);
            for (int y = 0; y < n; y++)
                rows[y][x] = taps[y];
        }
        for (int y = 0; y < n; y++) {
            gather_taps(rows[y], n, taps);
            for (int x = 0; x < n; x++)
                packed[((z * n * n + y * n + x) * in + at % in) * out + o] = taps[x];
        }
    }
}
