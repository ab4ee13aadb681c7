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

/* 1 where no neighbour is higher: row after row and neighbour after neighbour, which vectors can do. */
static void find_candidates(pea__plane *plane, const surrounding *around, const float *values, uint8_t *maximal)
{
    const int64_t n_x = plane->n_x;
    for (int32_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++) {
        const float *row = values + y * n_x;
        uint8_t *to = maximal + y * n_x;
        memset(to, 1, (size_t)n_x);
        for (int i = 0; i < around->n; i++) {
            const int64_t y2 = y + around->y[i], dx = around->x[i];
            if (y2 < 0 || y2 >= plane->n_y)
                continue;
            const float *other = values + y2 * n_x + dx;
            const int64_t begin = dx < 0 ? -dx : 0, end = dx > 0 ? n_x - dx : n_x;
            for (int64_t x = begin; x < end; x++)
                to[x] &= !(other[x] > row[x]);
        }
    }
}

enum { BEATEN, UNSEEN, SEEN };

/* A candidate's plateau, as far as candidates go, is maximal unless it goes on where something higher is. */
static void judge_plateau(pea__plane *plane, const surrounding *around, const float *values, int32_t seed,
                          uint8_t *maximal, int32_t *members)
{
    int32_t n = 0;
    bool beaten = false;
    members[n++] = seed;
    maximal[seed] = SEEN;
    for (int32_t at = 0; at < n; at++) {
        const int32_t p = members[at];
        for (int i = 0; i < around->n; i++) {
            const int32_t q = neighbour(plane, around, p / plane->n_x, p % plane->n_x, i);
            if (q < 0 || values[q] != values[p])
                continue;
            beaten |= maximal[q] == BEATEN;
            if (maximal[q] == UNSEEN) {
                maximal[q] = SEEN;
                members[n++] = q;
            }
        }
        if (at % 65536 == 65535 && !pea__plane_goes_on(plane, 0.0))
            return;
    }
    for (int32_t at = 0; at < n && beaten; at++)
        maximal[members[at]] = BEATEN;
}

void pea__plane_maxima(pea__plane *plane, const float *values, pea__neighbours neighbours, uint8_t *maximal,
                       int32_t *stack)
{
    const surrounding around = surrounding_of(neighbours);
    find_candidates(plane, &around, values, maximal);
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end && plane->status == PEA_OK; p++)
            if (maximal[p] == UNSEEN)
                judge_plateau(plane, &around, values, (int32_t)p, maximal, stack);
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            maximal[p] = maximal[p] == SEEN;
}

uint32_t pea__plane_components(pea__plane *plane, const uint8_t *inside, pea__neighbours neighbours, uint32_t *labels,
                               int32_t *stack)
{
    const surrounding around = surrounding_of(neighbours);
    const int64_t n_pixels = pea__plane_pixels(plane);
    uint32_t n_labels = 0;
    int64_t n_seen = 0;
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        memset(labels + begin, 0, (size_t)(end - begin) * sizeof *labels);
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
