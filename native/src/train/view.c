/* view.c - brings what was made of a flipped view back to where it was seen.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <string.h>

typedef struct undoing {
    pea__batch batch;
    int64_t channels;
    const pea__view *views;
    const float *from;
    float *to;
} undoing;

static void undo_row(void *argument, int64_t index, int worker)
{
    const undoing *u = argument;
    const pea__batch b = u->batch;
    const int64_t y = index % b.y, z = index / b.y % b.z, image = index / b.y / b.z;
    const pea__view view = u->views[image];
    const int64_t z2 = view.reverse_z ? b.z - 1 - z : z, y2 = view.reverse_y ? b.y - 1 - y : y;
    const float *plane = u->from + (image * b.z + z2) * b.y * b.x * u->channels;
    float *to = u->to + index * b.x * u->channels;
    (void)worker;
    for (int64_t x = 0; x < b.x; x++, to += u->channels) {
        const int64_t x2 = view.reverse_x ? b.x - 1 - x : x;
        memcpy(to, plane + (view.exchange ? x2 * b.x + y2 : y2 * b.x + x2) * u->channels,
               (size_t)u->channels * sizeof *to);
    }
}

pea_status pea__view_undo(const pea__run *run, pea__batch batch, int64_t channels, const pea__view *views,
                          const float *from, float *to, pea_error *err)
{
    undoing u = {batch, channels, views, from, to};
    return pea__run_tasks(run, batch.n * batch.z * batch.y, run->from, run->to, undo_row, &u, err);
}
