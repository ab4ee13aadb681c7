/* regional_maxima.c - plateaus that nothing higher touches, and connected sets of pixels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"

#include <string.h>

typedef struct surrounding {
    int n;
    int8_t y[24], x[24];
} surrounding;

static surrounding surrounding_of(pea__neighbours which)
{
    surrounding made = {0};
    const int reach = which == PEA__FIVE_BY_FIVE ? 2 : 1;
    for (int y = -reach; y <= reach; y++)
        for (int x = -reach; x <= reach; x++)
            if ((y != 0 || x != 0) && (which != PEA__FOUR || y == 0 || x == 0)) {
                made.y[made.n] = (int8_t)y;
                made.x[made.n++] = (int8_t)x;
            }
    return made;
}

/* Pixel number of a neighbour; -1 outside. */
static int32_t neighbour(const pea__plane *plane, const surrounding *around, int32_t y, int32_t x, int i)
{
    const int32_t y2 = y + around->y[i], x2 = x + around->x[i];
    return y2 < 0 || y2 >= plane->n_y || x2 < 0 || x2 >= plane->n_x ? -1 : y2 * plane->n_x + x2;
}

/* A pixel is not maximal: neither is what is as high and hangs together with it. */
static void clear_plateau(pea__plane *plane, const surrounding *around, const float *values, int32_t p,
                          uint8_t *maximal, int32_t *stack)
{
    int32_t n = 0, n_seen = 0;
    stack[n++] = p;
    maximal[p] = 0;
    while (n > 0) {
        const int32_t at = stack[--n];
        for (int i = 0; i < around->n; i++) {
            const int32_t q = neighbour(plane, around, at / plane->n_x, at % plane->n_x, i);
            if (q >= 0 && maximal[q] && values[q] == values[at]) {
                maximal[q] = 0;
                stack[n++] = q;
            }
        }
        if (++n_seen % 65536 == 0 && !pea__plane_goes_on(plane, 0.0))
            return;
    }
}

typedef struct comparison {
    bool higher, equal; /* some neighbour is */
} comparison;

static comparison compare(const pea__plane *plane, const surrounding *around, const int32_t *step, bool inner,
                          const float *values, int32_t p)
{
    comparison found = {false, false};
    for (int i = 0; i < around->n; i++) {
        const int32_t q = inner ? p + step[i] : neighbour(plane, around, p / plane->n_x, p % plane->n_x, i);
        if (q < 0)
            continue;
        found.higher |= values[q] > values[p];
        found.equal |= values[q] == values[p];
    }
    return found;
}

void pea__plane_maxima(pea__plane *plane, const float *values, pea__neighbours neighbours, uint8_t *maximal,
                       int32_t *stack)
{
    const surrounding around = surrounding_of(neighbours);
    const int32_t n_y = plane->n_y, n_x = plane->n_x, reach = neighbours == PEA__FIVE_BY_FIVE ? 2 : 1;
    int32_t step[24];
    for (int i = 0; i < around.n; i++)
        step[i] = around.y[i] * n_x + around.x[i];
    memset(maximal, 1, (size_t)pea__plane_pixels(plane));
    for (int32_t y = 0; y < n_y && pea__plane_goes_on(plane, 0.0); y++)
        for (int32_t x = 0; x < n_x; x++) {
            const int32_t p = y * n_x + x;
            if (!maximal[p])
                continue;
            const bool inner = y >= reach && y < n_y - reach && x >= reach && x < n_x - reach;
            const comparison found = compare(plane, &around, step, inner, values, p);
            if (found.higher && found.equal)
                clear_plateau(plane, &around, values, p, maximal, stack);
            else if (found.higher)
                maximal[p] = 0;
        }
}

uint32_t pea__plane_components(pea__plane *plane, const uint8_t *inside, pea__neighbours neighbours, uint32_t *labels,
                               int32_t *stack)
{
    const surrounding around = surrounding_of(neighbours);
    const int64_t n_pixels = pea__plane_pixels(plane);
    uint32_t n_labels = 0;
    int64_t n_seen = 0;
    memset(labels, 0, (size_t)n_pixels * sizeof *labels);
    for (int64_t p = 0; p < n_pixels; p++) {
        if (p % 65536 == 0 && !pea__plane_goes_on(plane, 0.0))
            break;
        if (!inside[p] || labels[p])
            continue;
        int32_t n = 0;
        stack[n++] = (int32_t)p;
        labels[p] = ++n_labels;
        while (n > 0) {
            const int32_t at = stack[--n];
            for (int i = 0; i < around.n; i++) {
                const int32_t q = neighbour(plane, &around, at / plane->n_x, at % plane->n_x, i);
                if (q >= 0 && inside[q] && !labels[q]) {
                    labels[q] = n_labels;
                    stack[n++] = q;
                }
            }
            if (++n_seen % 65536 == 0 && !pea__plane_goes_on(plane, 0.0))
                return n_labels;
        }
    }
    return n_labels;
}
