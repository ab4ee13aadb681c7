/* view.c - brings what was made of a flipped view back to where it was seen.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <string.h>

static void undo_one(pea__batch b, int64_t channels, pea__view view, const float *from, float *to)
{
    for (int64_t z = 0; z < b.z; z++)
        for (int64_t y = 0; y < b.y; y++)
            for (int64_t x = 0; x < b.x; x++, to += channels) {
                const int64_t z2 = view.reverse_z ? b.z - 1 - z : z, y2 = view.reverse_y ? b.y - 1 - y : y;
                const int64_t x2 = view.reverse_x ? b.x - 1 - x : x;
                const int64_t in_plane = view.exchange ? x2 * b.x + y2 : y2 * b.x + x2;
                memcpy(to, from + (z2 * b.y * b.x + in_plane) * channels, (size_t)channels * sizeof *to);
            }
}

void pea__view_undo(pea__batch batch, int64_t channels, const pea__view *views, const float *from, float *to)
{
    const int64_t floats = batch.z * batch.y * batch.x * channels;
    for (int64_t i = 0; i < batch.n; i++)
        undo_one(batch, channels, views[i], from + i * floats, to + i * floats);
}
