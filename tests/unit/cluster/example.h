/* example.h - the label map L0 and map C of the method's check values, and the affinities made from L0.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_EXAMPLE_H
#define PEA_EXAMPLE_H

#include "test.h"

#include "pea/array.h"

enum { EXAMPLE_Y = 12, EXAMPLE_X = 16, EXAMPLE_N = EXAMPLE_Y * EXAMPLE_X };

/* Rows 1-5 hold objects 1 and 2, rows 6-10 object 3, rows 8-10 object 4. */
static inline void example_labels(uint32_t *labels)
{
    for (int y = 0; y < EXAMPLE_Y; y++)
        for (int x = 0; x < EXAMPLE_X; x++) {
            uint32_t label = 0;
            if (y >= 1 && y <= 5 && x >= 1 && x <= 12)
                label = x <= 6 ? 1 : 2;
            if (y >= 6 && y <= 10 && x >= 3 && x <= 9)
                label = 3;
            if (y >= 8 && y <= 10 && x >= 12 && x <= 14)
                label = 4;
            labels[y * EXAMPLE_X + x] = label;
        }
}

static inline pea_offsets example_offsets(int neighbours)
{
    const int shifts[] = {1, 3};
    pea_offsets offsets;
    assert_int_equal(pea_offsets_from_shifts(shifts, 2, neighbours, &offsets, NULL), PEA_OK);
    return offsets;
}

/* 0.30 t + 0.65 u(30), t the ground truth of L0 with 1 outside, u filled offset by offset. */
static inline void example_affinity(const pea_offsets *offsets, float *affinity)
{
    uint32_t labels[EXAMPLE_N];
    example_labels(labels);
    for (int k = 0; k < (int)offsets->n; k++)
        for (int p = 0; p < EXAMPLE_N; p++) {
            const int y = p / EXAMPLE_X + offsets->step[k].y, x = p % EXAMPLE_X + offsets->step[k].x;
            const bool inside = y >= 0 && y < EXAMPLE_Y && x >= 0 && x < EXAMPLE_X;
            const double t = !inside || labels[p] == labels[y * EXAMPLE_X + x];
            affinity[p * (int)offsets->n + k] = (float)(0.30 * t + 0.65 * test_u(30, (uint32_t)(k * EXAMPLE_N + p)));
        }
}

/* Rows 1..10 of map C; rows 0 and 11 are background. */
static const char *const example_c[10] = {
    "0111112334444000", "0111112334444000", "0111111334444000", "0111111334444000", "0111111133444000",
    "0005566666000000", "0005556666000000", "0005556666007770", "0005555666007770", "0008555555009770"};

static inline void example_map_c(uint32_t *labels)
{
    memset(labels, 0, EXAMPLE_N * sizeof *labels);
    for (int y = 1; y <= 10; y++)
        for (int x = 0; x < EXAMPLE_X; x++)
            labels[y * EXAMPLE_X + x] = (uint32_t)(example_c[y - 1][x] - '0');
}

#endif
