/* gaussian.c - smoothing, rows then columns, sums in double and each pass rounded to float.
 *
 * Weights of the same distance are multiplied with the sum of both neighbours: mirrored surroundings give the same
 * bits, so that symmetric shapes keep their plateaus.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"

#include <math.h>

enum { MOST_RADIUS = 300, PART = 256 };

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

/* `at` points to the values at distance -radius to radius of the first sum. Parts stay in the nearest cache, and two
 * distances are added at once. */
PEA__INLINE void weigh_loop(const pea__gaussian *gaussian, const double *const *at, int64_t n, double *restrict sum)
{
    const int r = gaussian->radius;
    for (int64_t begin = 0; begin < n; begin += PART) {
        const int64_t end = pea__min_i64(n, begin + PART);
        const double *middle = at[r], w = gaussian->weight[0];
        int i = 1;
        for (int64_t x = begin; x < end; x++)
            sum[x] = w * middle[x];
        for (; i < r; i += 2) {
            const double *before = at[r - i], *after = at[r + i], near = gaussian->weight[i];
            const double *before2 = at[r - i - 1], *after2 = at[r + i + 1], far = gaussian->weight[i + 1];
            for (int64_t x = begin; x < end; x++)
                sum[x] = (sum[x] + near * (before[x] + after[x])) + far * (before2[x] + after2[x]);
        }
        for (; i <= r; i++) {
            const double *before = at[r - i], *after = at[r + i], last = gaussian->weight[i];
            for (int64_t x = begin; x < end; x++)
                sum[x] += last * (before[x] + after[x]);
        }
    }
}

/* The same bits with wider registers: nothing is added in another order, and no sum is fused with a product. */
PEA__WIDE(weigh, (const pea__gaussian *gaussian, const double *const *at, int64_t n, double *restrict sum),
          (gaussian, at, n, sum))

static void smooth_row(const pea__gaussian *gaussian, const float *from, double *to, int32_t n, double *row)
{
    const int32_t r = gaussian->radius;
    const double *at[2 * MOST_RADIUS + 1] = {NULL};
    for (int32_t x = -r; x < 0; x++)
        row[r + x] = (double)from[mirrored(x, n)];
    for (int32_t x = 0; x < n; x++)
        row[r + x] = (double)from[x];
    for (int32_t x = n; x < n + r; x++)
        row[r + x] = (double)from[mirrored(x, n)];
    for (int32_t i = -r; i <= r; i++)
        at[r + i] = row + r + i;
    weigh(gaussian, at, n, to);
    for (int32_t x = 0; x < n; x++)
        to[x] = (double)(float)to[x];
}

static void smooth_column(const pea__gaussian *gaussian, const pea__plane *plane, const double *from, int32_t y,
                          float *to, double *sum)
{
    const int32_t r = gaussian->radius;
    const int64_t n_x = plane->n_x;
    const double *at[2 * MOST_RADIUS + 1] = {NULL};
    for (int32_t i = -r; i <= r; i++)
        at[r + i] = from + mirrored(y + i, plane->n_y) * n_x;
    weigh(gaussian, at, n_x, sum);
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
