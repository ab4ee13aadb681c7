/* conv_pack.c - the form in which a kernel set reads convolution weights, and what else follows from a shape alone.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "kernel/kernel.h"
#include "kernel/winograd.h"

#include <string.h>

/* ---- shapes ---- */

/* By transforming tiles, 3x3 taps take 36 products for 16 outputs instead of 144, 5x5 taps 36 for 4 instead of 100. From
 * 16 channels on that halves the time and more; below, it saves little, and direct sums are twice as exact. */
bool pea__conv_by_winograd(const pea__conv_shape *shape)
{
    return shape->ky == shape->kx && (shape->ky == 3 || shape->ky == 5) && shape->kz <= WINOGRAD_MAX_KZ &&
           shape->in_channels >= 16;
}

int64_t pea__winograd_step(const pea__conv_shape *shape)
{
    return WINOGRAD_SIDE + 1 - shape->ky;
}

int64_t pea__conv_padded(int64_t channels, int lanes)
{
    return (channels + lanes - 1) / lanes * lanes;
}

/* Panels of two vectors, the best use of registers; an odd count ends with one of three (or is one alone). Plain C has
 * no registers to fill: one panel of everything. */
pea__panel pea__conv_panel(int64_t first, int64_t out_channels, int lanes)
{
    const int64_t left = pea__conv_padded(out_channels, lanes) - first;
    if (lanes == 1 || left <= 3 * lanes)
        return (pea__panel){first, left};
    return (pea__panel){first, 2 * lanes};
}

static int64_t winograd_scratch(const pea__conv_shape *shape, int64_t tile_y, int64_t tile_x, int lanes)
{
    const int64_t step = pea__winograd_step(shape), rim = shape->ky / 2;
    const int64_t n_y = (tile_y + step - 1) / step, n_x = (tile_x + step - 1) / step, n = n_y * n_x;
    const int64_t inputs = shape->kz * (n * pea__conv_padded(shape->in_channels, lanes) + WINOGRAD_GAP);
    const int64_t sums = n * pea__conv_padded(shape->out_channels, lanes) + WINOGRAD_GAP;
    const int64_t patch = shape->doubled ? (n_y * step + 2 * rim) * (n_x * step + 2 * rim)
                                         : WINOGRAD_SIDE * WINOGRAD_SIDE;
    return WINOGRAD_PRODUCTS * (inputs + sums) + patch * shape->in_channels;
}

int64_t pea__conv_scratch(const pea__conv_shape *shape, int64_t tile_y, int64_t tile_x, int lanes)
{
    if (shape->winograd)
        return winograd_scratch(shape, tile_y, tile_x, lanes);
    if (shape->kz == 1 && shape->ky == 1 && shape->kx == 1)
        return 0;
    return shape->in_channels * shape->kz * (tile_y + shape->ky - 1) * (tile_x + shape->kx - 1);
}

/* ---- weights ---- */

int64_t pea__conv_packed(const pea__conv_shape *shape, int lanes)
{
    const int64_t taps = shape->winograd ? WINOGRAD_PRODUCTS * shape->kz : shape->kz * shape->ky * shape->kx;
    int64_t n;
    if (!pea__mul_i64(shape->in_channels * taps, pea__conv_padded(shape->out_channels, lanes), &n))
        return -1;
    return n;
}

static void pack_panel(const pea__conv_shape *s, const float *weights, const double *scale, pea__panel panel,
                       float *packed)
{
    const int n_taps = s->kz * s->ky * s->kx;
    for (int tap = 0; tap < n_taps; tap++)
        for (int64_t i = 0; i < s->in_channels; i++)
            for (int64_t lane = 0; lane < panel.width; lane++) {
                const int64_t o = panel.first + lane;
                *packed++ = o < s->out_channels
                                ? (float)((double)weights[(o * s->in_channels + i) * n_taps + tap] * scale[o])
                                : 0.0f;
            }
}

/* The six products' weights of n taps along one axis: values at 0, a, -a, b, -b and infinity of the polynomial whose
 * coefficients they are, each over the product N of its point's distances to the other points: a2b2 = 1,
 * 2a2(a2-b2) = -3/2, 2b2(b2-a2) = 6. Even and odd terms are common to a point and its negative. */
static inline void transform_taps(const double *taps, int n, int pitch, double w[WINOGRAD_SIDE])
{
    const double a = 0.707106781186547524, fourth = n == 5 ? taps[4 * pitch] : 0.0, third = n == 5 ? taps[3 * pitch] : 0.0;
    const double even_a = taps[0] + 0.5 * (taps[2 * pitch] + 0.5 * fourth), odd_a = a * (taps[pitch] + 0.5 * third);
    const double even_b = taps[0] + 2.0 * (taps[2 * pitch] + 2.0 * fourth), odd_b = 2.0 * a * (taps[pitch] + 2.0 * third);
    w[0] = taps[0];
    w[1] = (even_a + odd_a) * (-2.0 / 3.0);
    w[2] = (even_a - odd_a) * (-2.0 / 3.0);
    w[3] = (even_b + odd_b) * (1.0 / 6.0);
    w[4] = (even_b - odd_b) * (1.0 / 6.0);
    w[5] = taps[(n - 1) * pitch];
}

/* [ky][kx] taps of one output and input to 36 weights, `pitch` apart. */
static void transform_plane(const float *taps, int n, double scale, float *to, int pitch)
{
    double given[25], rows[5][WINOGRAD_SIDE], w[WINOGRAD_SIDE];
    for (int k = 0; k < n * n; k++)
        given[k] = (double)taps[k] * scale;
    for (int y = 0; y < n; y++)
        transform_taps(given + y * n, n, 1, rows[y]);
    for (int x = 0; x < WINOGRAD_SIDE; x++) {
        transform_taps(&rows[0][x], n, WINOGRAD_SIDE, w);
        for (int y = 0; y < WINOGRAD_SIDE; y++)
            to[(y * WINOGRAD_SIDE + x) * pitch] = (float)w[y];
    }
}

/* One panel of each product's matrix; the matrices are `pitch` apart. A vector's width at a time, since each product's
 * weights lie far from the last one's. */
static void pack_winograd_panel(const pea__conv_shape *s, const float *weights, const double *scale, pea__panel panel,
                                int64_t pitch, float *packed)
{
    enum { WIDTH = 16 };
    float made[WINOGRAD_PRODUCTS * WIDTH];
    const int64_t n_taps = s->ky * s->kx;
    for (int64_t at = 0; at < s->kz * s->in_channels; at++) /* a tap in z, an input channel */
        for (int64_t lane = 0; lane < panel.width; lane += WIDTH) {
            const int64_t n = panel.width - lane < WIDTH ? panel.width - lane : WIDTH;
            for (int64_t k = 0; k < n; k++) {
                const int64_t o = panel.first + lane + k, z = at / s->in_channels, i = at % s->in_channels;
                if (o < s->out_channels)
                    transform_plane(weights + ((o * s->in_channels + i) * s->kz + z) * n_taps, s->ky, scale[o], made + k,
                                    WIDTH);
                else
                    for (int product = 0; product < WINOGRAD_PRODUCTS; product++)
                        made[product * WIDTH + k] = 0.0f;
            }
            for (int product = 0; product < WINOGRAD_PRODUCTS; product++)
                memcpy(packed + product * pitch + at * panel.width + lane, made + product * WIDTH,
                       (size_t)n * sizeof *made);
        }
}

void pea__conv_pack(const pea__conv_shape *s, const float *weights, const double *scale, int lanes, float *packed)
{
    const int64_t padded = pea__conv_padded(s->out_channels, lanes);
    const int64_t taps = s->in_channels * s->kz * (s->winograd ? 1 : s->ky * s->kx);
    pea__panel panel;
    for (int64_t first = 0; first < padded; first += panel.width) {
        panel = pea__conv_panel(first, s->out_channels, lanes);
        if (s->winograd)
            pack_winograd_panel(s, weights, scale, panel, taps * padded, packed + first * taps);
        else
            pack_panel(s, weights, scale, panel, packed + first * taps);
    }
}
