/* widen.c - where instances of a volume touch, a line of background between them, as the 3-D networks are taught.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/data.h"

#include <string.h>

/* Whether the columns x-1, x, x+1 of three rows hold two different instances. Beyond the slice is its mirror image,
 * which has nothing that the window has not: the nearest column and row do as well. */
static bool sees_two(const uint32_t *const row[3], int64_t x, int64_t n)
{
    const int64_t column[3] = {pea__max_i64(0, x - 1), x, pea__min_i64(x + 1, n - 1)};
    uint32_t first = 0;
    for (int i = 0; i < 9; i++) {
        const uint32_t label = row[i / 3][column[i % 3]];
        if (label != 0 && first != 0 && label != first)
            return true;
        first = label != 0 ? label : first;
    }
    return false;
}

/* rows: the slice's rows y - 1, y and y + 1 as they were, in places that take turns. */
static void widen_slice(int64_t n_y, int64_t n_x, uint32_t *labels, uint32_t *rows)
{
    const size_t row_bytes = (size_t)n_x * sizeof *labels;
    uint32_t *above = rows, *here = rows + n_x, *below = rows + 2 * n_x;
    memcpy(here, labels, row_bytes);
    memcpy(above, labels, row_bytes);
    for (int64_t y = 0; y < n_y; y++) {
        if (y < n_y - 1)
            memcpy(below, labels + (y + 1) * n_x, row_bytes);
        const uint32_t *const window[3] = {above, here, y < n_y - 1 ? below : above};
        for (int64_t x = 0; x < n_x; x++)
            if (sees_two(window, x, n_x))
                labels[y * n_x + x] = 0;
        uint32_t *const oldest = above;
        above = here;
        here = below;
        below = oldest;
    }
}

void pea__widen_borders(pea_dims dims, uint32_t *labels, uint32_t *rows)
{
    for (int64_t z = 0; z < dims.z; z++)
        widen_slice(dims.y, dims.x, labels + z * dims.y * dims.x, rows);
}
