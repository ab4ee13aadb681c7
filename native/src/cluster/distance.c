/* distance.c - exact squared Euclidean distances in linear time.
 *
 * Down and up each column for the distance g to the nearest background in it; then along each row the lower envelope of
 * the parabolas (x - u)^2 + g(u)^2, left to right, as a stack of those that are lowest somewhere. Where every g is
 * small, the few parabolas that can be lower are all looked at instead.
 * Source: Meijster, Roerdink, Hesselink, "A general algorithm for computing distance transforms in linear time", 2000.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"

static const int32_t NONE = INT32_MAX;

enum { NEAR = 32, BLOCK = 64 };

/* ---- along columns ---- */

/* One more than there, if there is background. */
PEA__INLINE int32_t farther(int32_t there)
{
    return there + (there != NONE);
}

PEA__INLINE void look_up(const uint8_t *outside, const int32_t *above, int32_t n_x, int32_t *restrict row)
{
    for (int32_t x = 0; x < n_x; x++)
        row[x] = outside[x] ? 0 : farther(above[x]);
}

PEA__INLINE void look_down(const int32_t *below, int32_t n_x, int32_t *restrict row)
{
    for (int32_t x = 0; x < n_x; x++)
        row[x] = farther(below[x]) < row[x] ? farther(below[x]) : row[x];
}

/* Distance within the column, NONE where the column has no background. */
PEA__INLINE void along_columns(pea__plane *plane, const uint8_t *outside, int32_t *g)
{
    const int32_t n_x = plane->n_x;
    for (int32_t x = 0; x < n_x; x++)
        g[x] = outside[x] ? 0 : NONE;
    for (int64_t y = 1; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++)
        look_up(outside + y * n_x, g + (y - 1) * n_x, n_x, g + y * n_x);
    for (int64_t y = plane->n_y - 2; y >= 0 && pea__plane_goes_on(plane, 0.0); y--)
        look_down(g + (y + 1) * n_x, n_x, g + y * n_x);
}

/* ---- along rows ---- */

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
            const int32_t i = center[n - 1], rise = u * u + g - (i * i + square[n - 1]);
            from = (u - i == 1 ? rise >> 1 : rise / (2 * (u - i))) + 1; /* mostly the pixel before, and no division */
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

PEA__INLINE int32_t largest(const int32_t *values, int32_t begin, int32_t end)
{
    int32_t most = 0;
    for (int32_t x = begin; x < end; x++)
        most = values[x] > most ? values[x] : most;
    return most;
}

/* The same where background is near, as it mostly is: so few steps to both sides can matter that taking them all, many
 * pixels at once, is faster. False where it is not near in every column; the row is as it was. */
PEA__INLINE bool along_near_row(int32_t *restrict row, int32_t n_x, int32_t *restrict square)
{
    if (largest(row, 0, n_x) > NEAR)
        return false;
    for (int32_t x = 0; x < n_x; x++)
        row[x] = square[x] = row[x] * row[x];
    for (int32_t begin = 0; begin < n_x; begin += BLOCK) {
        const int32_t end = begin + BLOCK < n_x ? begin + BLOCK : n_x;
        int32_t most = largest(square, begin, end);
        for (int32_t step = 1; step * step < most; step++) {
            const int32_t first = begin > step ? begin : step, last = end < n_x - step ? end : n_x - step;
            for (int32_t x = first; x < end; x++)
                row[x] = square[x - step] + step * step < row[x] ? square[x - step] + step * step : row[x];
            for (int32_t x = begin; x < last; x++)
                row[x] = square[x + step] + step * step < row[x] ? square[x + step] + step * step : row[x];
            if (step % 4 == 0)
                most = largest(row, begin, end);
        }
    }
    return true;
}

PEA__INLINE void find_distances_loop(pea__plane *plane, const uint8_t *outside, int32_t *squared,
                                     int32_t *scratch)
{
    const int32_t n_x = plane->n_x;
    along_columns(plane, outside, squared);
    for (int64_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++)
        if (!along_near_row(squared + y * n_x, n_x, scratch))
            along_row(squared + y * n_x, n_x, scratch, scratch + n_x, scratch + 2 * n_x);
}

PEA__WIDE(find_distances, (pea__plane *plane, const uint8_t *outside, int32_t *squared, int32_t *scratch),
          (plane, outside, squared, scratch))

void pea__plane_distance(pea__plane *plane, const uint8_t *outside, int32_t *squared, int32_t *scratch)
{
    find_distances(plane, outside, squared, scratch);
}
