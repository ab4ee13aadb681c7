/* conv_pack.c - the order in which a kernel set reads convolution weights.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/kernel.h"

int64_t pea__conv_padded(int64_t out_channels, int lanes)
{
    return (out_channels + lanes - 1) / lanes * lanes;
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

static void pack_panel(const float *weights, const double *scale, int64_t out_channels, int64_t in_channels,
                       int n_taps, pea__panel panel, float *packed)
{
    for (int tap = 0; tap < n_taps; tap++)
        for (int64_t i = 0; i < in_channels; i++)
            for (int64_t lane = 0; lane < panel.width; lane++) {
                const int64_t o = panel.first + lane;
                *packed++ = o < out_channels
                                ? (float)((double)weights[(o * in_channels + i) * n_taps + tap] * scale[o])
                                : 0.0f;
            }
}

void pea__conv_pack(const float *weights, const double *scale, int64_t out_channels, int64_t in_channels, int n_taps,
                    int lanes, float *packed)
{
    const int64_t padded = pea__conv_padded(out_channels, lanes);
    pea__panel panel;
    for (int64_t first = 0; first < padded; first += panel.width) {
        panel = pea__conv_panel(first, out_channels, lanes);
        pack_panel(weights, scale, out_channels, in_channels, n_taps, panel, packed + first * in_channels * n_taps);
    }
}

int64_t pea__conv_scratch(int64_t in_channels, int kz, int ky, int kx, int64_t tile_y, int64_t tile_x)
{
    if (kz == 1 && ky == 1 && kx == 1)
        return 0;
    return in_channels * kz * (tile_y + ky - 1) * (tile_x + kx - 1);
}
