/* winograd_weights_f32_scalar.c - the definition of winograd_weights_f32: taps become weights of products.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"
#include "kernel/winograd.h"

/* Along one axis: the values at 0, a, -a, b, -b and infinity of the polynomial whose coefficients the n taps are, each
 * over its point's norm. Even and odd terms are common to a point and its negative. */
static void transform(const float *taps, int n, int pitch, float w[WINOGRAD_SIDE])
{
    const float third = n == 5 ? taps[3 * pitch] : 0.0f, fourth = n == 5 ? taps[4 * pitch] : 0.0f;
    const float even_a = taps[0] + 0.5f * (taps[2 * pitch] + 0.5f * fourth);
    const float even_b = taps[0] + 2.0f * (taps[2 * pitch] + 2.0f * fourth);
    const float odd_a = WINOGRAD_A * (taps[pitch] + 0.5f * third), odd_b = WINOGRAD_B * (taps[pitch] + 2.0f * third);
    w[0] = taps[0];
    w[1] = (even_a + odd_a) / WINOGRAD_NORM_A;
    w[2] = (even_a - odd_a) / WINOGRAD_NORM_A;
    w[3] = (even_b + odd_b) / WINOGRAD_NORM_B;
    w[4] = (even_b - odd_b) / WINOGRAD_NORM_B;
    w[5] = taps[(n - 1) * pitch];
}

void pea__winograd_weights_f32_scalar(const pea__conv_shape *shape, const float *packed, int64_t at, float *products)
{
    const int n = shape->ky;
    const int64_t in = shape->in_channels, out = shape->out_channels, z = at / in;
    for (int64_t o = 0; o < out; o++) { /* with one lane there is one panel: packed is [kz][ky][kx][in][out] */
        float taps[25], rows[5][WINOGRAD_SIDE], w[WINOGRAD_SIDE];
        for (int k = 0; k < n * n; k++)
            taps[k] = packed[((z * n * n + k) * in + at % in) * out + o];
        for (int y = 0; y < n; y++)
            transform(taps + y * n, n, 1, rows[y]);
        for (int x = 0; x < WINOGRAD_SIDE; x++) {
            transform(&rows[0][x], n, WINOGRAD_SIDE, w);
            for (int y = 0; y < WINOGRAD_SIDE; y++)
                products[((y * WINOGRAD_SIDE + x) * shape->kz * in + at) * out + o] = w[y];
        }
    }
}
