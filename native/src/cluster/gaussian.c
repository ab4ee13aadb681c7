/* gaussian.c - smoothing, rows then columns, sums in double and each pass rounded to float.
 *
 * Weights of the same distance are multiplied with the sum of both neighbours: mirrored surroundings give the same
 * bits, so that symmetric shapes keep their plateaus.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"

#include <math.h>

pea__gaussian pea__gaussian_of(double sigma)
{
    pea__gaussian made = {.radius = (int)(3.0 * sigma + 0.5)};
    double sum = 0.0;
    for (int i = 0; i <= made.radius; i++) {
        made.weight[i] = sigma > 0.0 ? exp(-0.5 * i * i / (sigma * sigma)) : 1.0;
        sum += i ? 2.0 * made.weight[i] : made.weight[i];
    }
    for (int i = 0; i <= made.radius; i++)
        made.weight[i] /= sum;
    return made;
}

/* A place beyond the border is mirrored, as often as it takes in a short row. */
static int32_t mirrored(int32_t at, int32_t n)
{
    if (n == 1)
        return 0;
    const int32_t period = 2 * (n - 1), rest = (at % period + period) % period;
    return rest < n ? rest : period - rest;
}

static void smooth_row(const pea__gaussian *gaussian, const float *from, double *to, int32_t n, double *row)
{
    const int32_t r = gaussian->radius;
    for (int32_t x = -r; x < 0; x++)
        row[r + x] = (double)from[mirrored(x, n)];
    for (int32_t x = 0; x < n; x++)
        row[r + x] = (double)from[x];
    for (int32_t x = n; x < n + r; x++)
        row[r + x] = (double)from[mirrored(x, n)];
    for (int32_t x = 0; x < n; x++)
        to[x] = gaussian->weight[0] * row[r + x];
    for (int32_t i = 1; i <= r; i++) {
        const double weight = gaussian->weight[i];
        for (int32_t x = 0; x < n; x++)
            to[x] += weight * (row[r + x - i] + row[r + x + i]);
    }
    for (int32_t x = 0; x < n; x++)
        to[x] = (double)(float)to[x];
}

static void smooth_column(const pea__gaussian *gaussian, const pea__plane *plane, const double *from, int32_t y,
                          float *to, double *sum)
{
    const int64_t n_x = plane->n_x;
    for (int64_t x = 0; x < n_x; x++)
        sum[x] = gaussian->weight[0] * from[y * n_x + x];
    for (int32_t i = 1; i <= gaussian->radius; i++) {
        const double weight = gaussian->weight[i];
        const double *above = from + mirrored(y - i, plane->n_y) * n_x;
        const double *below = from + mirrored(y + i, plane->n_y) * n_x;
        for (int64_t x = 0; x < n_x; x++)
            sum[x] += weight * (above[x] + below[x]);
    }
    for (int64_t x = 0; x < n_x; x++)
        to[y * n_x + x] = (float)sum[x];
}

void pea__plane_smooth(pea__plane *plane, const pea__gaussian *gaussian, float *values, double *scratch, double *row)
{
    const int64_t n_x = plane->n_x;
    if (gaussian->radius == 0)
        return;
    for (int32_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++)
        smooth_row(gaussian, values + y * n_x, scratch + y * n_x, plane->n_x, row);
    for (int32_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++)
        smooth_column(gaussian, plane, scratch, y, values, row);
}
