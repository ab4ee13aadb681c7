/* places.c - what is needed at different times may share memory: each life gets the lowest place that is free all its time,
 * the largest first.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

enum { ALIGN_FLOATS = 16 }; /* a cache line */

int pea__lives_insert(pea__life *sorted, int n, pea__life one, int64_t floats, int64_t *place)
{
    int at = n;
    one.floats = pea__ceil_div(floats, ALIGN_FLOATS) * ALIGN_FLOATS;
    one.place = place;
    for (; at > 0 && sorted[at - 1].floats < one.floats; at--)
        sorted[at] = sorted[at - 1];
    sorted[at] = one;
    return n + 1;
}

/* The lowest place where life n meets none of the n lives placed before it. */
static int64_t lowest_place(const pea__life *sorted, int n)
{
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const int64_t begin = *sorted[i].place, end = begin + sorted[i].floats;
            const bool meet = sorted[i].first <= sorted[n].last && sorted[n].first <= sorted[i].last;
            if (meet && at < end && begin < at + sorted[n].floats) {
                at = end;
                moved = true;
            }
        }
    }
    return at;
}

int64_t pea__lives_place(const pea__life *sorted, int n)
{
    int64_t floats = 0;
    for (int i = 0; i < n; i++) {
        const int64_t place = lowest_place(sorted, i);
        int64_t end, bytes;
        if (!pea__add_i64(place, sorted[i].floats, &end) || !pea__mul_i64(end, 4 * sizeof(float), &bytes))
            return -1;
        *sorted[i].place = place;
        floats = pea__max_i64(floats, end);
    }
    return floats;
}
