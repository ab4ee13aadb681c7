/* conv_pack.c - the form in which a kernel set reads convolution weights, and what else follows from a shape alone.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "kernel/kernel.h"
#include "kernel/winograd.h"

/* ---- shapes ---- */

/* By transforming tiles, 3x3 taps take 36 products for 16 outputs instead of 144, or 64 for 36 instead of 324; 5x5 taps 36
 * for 4 instead of 100, or 64 for 16 instead of 400. From 16 channels on that halves the time and more; below, it saves
 * little, and direct sums are twice as exact. */
bool pea__conv_by_winograd(const pea__conv_shape *shape)
{
    return shape->ky == shape->kx && (shape->ky == 3 || shape->ky == 5) && shape->kz <= WINOGRAD_MAX_KZ &&
           shape->in_channels >= 16;
}

/* Tiles of eight take a fifth fewer products than tiles of six for 3x3 taps and less than half for 5x5, at four times the
 * rounding errors. With few channels there is little to gain. With many there is more to lose: weights of 64 products
 * instead of 36 no longer come from the cache as fast as they are used, and small images do not fill large tiles. In a plane
 * of 544 x 544 (AVX-512, AVX2): 32->32 17 instead of 20 and 25 instead of 28 ms, 96->64 67 instead of 74 and 99 instead of
 * 107, 192->128 at half the size 62 instead of 63 and 90 instead of 98, but 384->256 at a quarter of it 64 instead of 61 and
 * 105 instead of 102; in stacks, whose wide layers are smaller, 28->28 50 instead of 55 ms, but 48->48 8.1 instead of 7.5. */
int pea__winograd_side(const pea__conv_shape *shape)
{
    const int64_t most = shape->kz == 1 ? 32768 : 2048;
    return shape->in_channels >= 24 && shape->out_channels >= 24 && shape->in_channels <= most / shape->out_channels ? 8 : 6;
}

int64_t pea__winograd_step(const pea__conv_shape *shape)
{
    return pea__winograd_side(shape) + 1 - shape->ky;
}

int64_t pea__winograd_gradient_step(const pea__conv_shape *shape)
{
    return WINOGRAD_GRADIENT_SIDE + 1 - shape->ky;
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
    const int64_t step = pea__winograd_step(shape), rim = shape->ky / 2, side = pea__winograd_side(shape);
    const int64_t n_y = (tile_y + step - 1) / step, n_x = (tile_x + step - 1) / step, n = n_y * n_x;
    const int64_t inputs = shape->kz * (n * pea__conv_padded(shape->in_channels, lanes) + WINOGRAD_GAP);
    const int64_t sums = n * pea__conv_padded(shape->out_channels, lanes) + WINOGRAD_GAP;
    const int64_t patch = shape->doubled ? (n_y * step + 2 * rim) * (n_x * step + 2 * rim)
                                         : side * side;
    return side * side * (inputs + sums) + patch * shape->in_channels;
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
    int64_t n;
    if (!pea__mul_i64(shape->in_channels * shape->kz * shape->ky * shape->kx,
                      pea__conv_padded(shape->out_channels, lanes), &n))
        return -1;
    return n;
}

static int64_t products_weights(const pea__conv_shape *shape, int64_t n_products, int lanes)
{
    int64_t n;
    if (!pea__mul_i64(shape->in_channels * shape->kz * n_products,
                      pea__conv_padded(shape->out_channels, lanes), &n))
        return -1;
    return n;
}

int64_t pea__winograd_weights(const pea__conv_shape *shape, int lanes)
{
    const int side = pea__winograd_side(shape);
    return products_weights(shape, side * side, lanes);
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

void pea__conv_pack(const pea__conv_shape *s, const float *weights, const double *scale, int lanes, float *packed)
{
    const int64_t padded = pea__conv_padded(s->out_channels, lanes), taps = s->in_channels * s->kz * s->ky * s->kx;
    pea__panel panel;
    for (int64_t first = 0; first < padded; first += panel.width) {
        panel = pea__conv_panel(first, s->out_channels, lanes);
        pack_panel(s, weights, scale, panel, packed + first * taps);
    }
}

/* One panel of the convolution whose shape is s and whose inputs are the outputs of the one that has the weights. */
static void pack_panel_mirrored(const pea__conv_shape *s, const float *weights, pea__panel panel, float *packed)
{
    const int n_taps = s->kz * s->ky * s->kx;
    for (int tap = 0; tap < n_taps; tap++)
        for (int64_t i = 0; i < s->in_channels; i++, packed += panel.width) {
            const float *from = weights + (i * s->out_channels + panel.first) * n_taps + n_taps - 1 - tap;
            const int64_t left = s->out_channels - panel.first, n = left < panel.width ? left : panel.width;
            for (int64_t lane = 0; lane < n; lane++)
                packed[lane] = from[lane * n_taps];
            for (int64_t lane = n; lane < panel.width; lane++)
                packed[lane] = 0.0f;
        }
}

static void pack_panel_plain(const pea__conv_shape *s, const float *weights, pea__panel panel, float *packed)
{
    const int n_taps = s->kz * s->ky * s->kx;
    const int64_t left = s->out_channels - panel.first, n = left < panel.width ? left : panel.width;
    for (int64_t i = 0; i < s->in_channels; i++)
        for (int tap = 0; tap < n_taps; tap++) {
            const float *from = weights + (panel.first * s->in_channels + i) * n_taps + tap;
            float *to = packed + (tap * s->in_channels + i) * panel.width;
            for (int64_t lane = 0; lane < n; lane++)
                to[lane] = from[lane * s->in_channels * n_taps];
            for (int64_t lane = n; lane < panel.width; lane++)
                to[lane] = 0.0f;
        }
}

void pea__conv_pack_panel(const pea__conv_shape *s, const float *weights, bool mirrored, pea__panel panel, float *packed)
{
    packed += panel.first * s->in_channels * s->kz * s->ky * s->kx;
    (mirrored ? pack_panel_mirrored : pack_panel_plain)(s, weights, panel, packed);
}

void pea__conv_unpack(const pea__conv_shape *s, const float *packed, int lanes, float *weights, int64_t pitch)
{
    const int n_taps = s->kz * s->ky * s->kx;
    pea__panel panel;
    for (int64_t first = 0; first < s->out_channels; first += panel.width) {
        panel = pea__conv_panel(first, s->out_channels, lanes);
        const float *from = packed + first * n_taps * s->in_channels;
        for (int64_t o = first; o < first + panel.width && o < s->out_channels; o++)
            for (int64_t i = 0; i < s->in_channels; i++)
                for (int tap = 0; tap < n_taps; tap++)
                    weights[o * pitch + i * n_taps + tap] = from[(tap * s->in_channels + i) * panel.width + o - first];
    }
}

/* ---- gradients of weights ---- */

int64_t pea__conv_gradient_sums(const pea__conv_shape *shape, int lanes)
{
    return shape->winograd ? products_weights(shape, WINOGRAD_GRADIENT_PRODUCTS, lanes) : pea__conv_packed(shape, lanes);
}

int64_t pea__conv_gradient_scratch(const pea__conv_shape *shape, int64_t tile_z, int64_t tile_y, int64_t tile_x, int lanes)
{
    const int64_t in = pea__conv_padded(shape->in_channels, lanes), out = pea__conv_padded(shape->out_channels, lanes);
    if (!shape->winograd)
        return tile_x * out + pea__conv_scratch(shape, tile_y, tile_x, lanes);
    const int64_t step = pea__winograd_gradient_step(shape), rim = shape->ky / 2;
    const int64_t n_y = (tile_y + step - 1) / step, n_x = (tile_x + step - 1) / step, n = n_y * n_x;
    const int64_t patch = shape->doubled ? (n_y * step + 2 * rim) * (n_x * step + 2 * rim)
                                         : WINOGRAD_GRADIENT_PRODUCTS;
    return WINOGRAD_GRADIENT_PRODUCTS * ((tile_z + shape->kz - 1) * n * in + tile_z * n * out + 2 * WINOGRAD_GAP) +
           patch * shape->in_channels;
}
