/* distance.c - exact squared Euclidean distances in linear time.
 *
 * Down and up each column for the distance g to the nearest background in it; then along each row the lower envelope of
 * the parabolas (x - u)^2 + g(u)^2, left to right, as a stack of those that are lowest somewhere.
 * Source: Meijster, Roerdink, Hesselink, "A general algorithm for computing distance transforms in linear time", 2000.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"

static const int32_t NONE = INT32_MAX;

/* Squared distance within the column, NONE where the column has no background. */
static void along_columns(pea__plane *plane, const uint8_t *outside, int32_t *g)
{
    const int32_t n_x = plane->n_x;
    for (int32_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++) {
        const uint8_t *out = outside + (int64_t)y * n_x;
        int32_t *row = g + (int64_t)y * n_x;
        const int32_t *above = y ? row - n_x : NULL;
        for (int32_t x = 0; x < n_x; x++)
            row[x] = out[x] ? 0 : !above || above[x] == NONE ? NONE : above[x] + 1;
    }
    for (int32_t y = plane->n_y - 2; y >= 0 && pea__plane_goes_on(plane, 0.0); y--) {
        int32_t *row = g + (int64_t)y * n_x;
        const int32_t *below = row + n_x;
        for (int32_t x = 0; x < n_x; x++) {
            const int32_t up = below[x] == NONE ? NONE : below[x] + 1;
            row[x] = up < row[x] ? up : row[x];
        }
    }
}

static int32_t parabola(int32_t x, int32_t u, int32_t square)
{
    return (x - u) * (x - u) + square;
}

static void along_row(int32_t *row, int32_t n_x, int32_t *center, int32_t *square, int32_t *begin)
{
    int32_t n = 0; /* parabolas on the stack; each is the lowest from its `begin` on */
    for (int32_t u = 0; u < n_x; u++) {
        if (row[u] == NONE)
            continue;
        const int32_t g = row[u] * row[u];
        while (n > 0 && parabola(begin[n - 1], center[n - 1], square[n - 1]) > parabola(begin[n - 1], u, g))
            n--;
        int32_t from = 0;
        if (n > 0) { /* the numerator is not negative: at its begin the older one is as low */
            const int32_t i = center[n - 1];
            from = (u * u + g - (i * i + square[n - 1])) / (2 * (u - i)) + 1;
        }
        if (from >= n_x)
            continue;
        center[n] = u;
        square[n] = g;
        begin[n++] = from;
    }
    for (int32_t x = n_x - 1; x >= 0 && n > 0; x--) {
        row[x] = parabola(x, center[n - 1], square[n - 1]);
        if (x == begin[n - 1])
            n--;
    }
}

void pea__plane_distance(pea__plane *plane, const uint8_t *outside, int32_t *squared, int32_t *scratch)
{
    const int32_t n_x = plane->n_x;
    along_columns(plane, outside, squared);
    for (int32_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++)
        along_row(squared + (int64_t)y * n_x, n_x, scratch, scratch + n_x, scratch + 2 * n_x);
}
