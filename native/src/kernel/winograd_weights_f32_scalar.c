/* winograd_weights_f32_scalar.c - the definition of winograd_weights_f32: taps become weights of products.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"
#include "kernel/winograd.h"

typedef struct tap_row { /* taps of one axis; those beyond the last are 0 */
    float of[5], last;
} tap_row;

/* The polynomial whose coefficients the taps are, at x and -x, over the points' norm. */
static void at_points(const tap_row *taps, float x, float norm, float w[2])
{
    const float squared = x * x, even = taps->of[0] + squared * (taps->of[2] + squared * taps->of[4]);
    const float odd = x * (taps->of[1] + squared * taps->of[3]);
    w[0] = (even + odd) / norm;
    w[1] = (even - odd) / norm;
}

static void transform(const float *from, int n, int pitch, int side, float w[WINOGRAD_MAX_SIDE])
{
    tap_row taps = {.last = from[(n - 1) * pitch]};
    for (int i = 0; i < n; i++)
        taps.of[i] = from[i * pitch];
    w[0] = taps.of[0];
    if (side == 6) {
        at_points(&taps, WINOGRAD_A, WINOGRAD_NORM_A, w + 1);
        at_points(&taps, WINOGRAD_B, WINOGRAD_NORM_B, w + 3);
    } else {
        at_points(&taps, 0.5f, WINOGRAD_NORM_HALF, w + 1);
        at_points(&taps, 1.0f, WINOGRAD_NORM_ONE, w + 3);
        at_points(&taps, 2.0f, WINOGRAD_NORM_TWO, w + 5);
    }
    w[side - 1] = taps.last;
}

void pea__winograd_weights_f32_scalar(const pea__conv_shape *shape, const float *packed, int64_t at, float *products)
{
    const int n = shape->ky, side = pea__winograd_side(shape);
    const int64_t in = shape->in_channels, out = shape->out_channels, z = at / in;
    for (int64_t o = 0; o < out; o++) { /* with one lane there is one panel: packed is [kz][ky][kx][in][out] */
        float taps[25], rows[5][WINOGRAD_MAX_SIDE], w[WINOGRAD_MAX_SIDE];
        for (int k = 0; k < n * n; k++)
            taps[k] = packed[((z * n * n + k) * in + at % in) * out + o];
        for (int y = 0; y < n; y++)
            transform(taps + y * n, n, 1, side, rows[y]);
        for (int x = 0; x < side; x++) {
            transform(&rows[0][x], n, WINOGRAD_MAX_SIDE, side, w);
            for (int y = 0; y < side; y++)
                products[((y * side + x) * shape->kz * in + at) * out + o] = w[y];
        }
    }
}
