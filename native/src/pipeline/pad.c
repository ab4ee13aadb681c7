/* pad.c - how a plane reaches a size the network takes, and how it gets back.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <string.h>

/* Generous beyond any image, and far from where sums of extents could overflow. */
static const int64_t MAX_SIDE = INT64_C(1) << 31;

pea_status pea__frame_plan(pea_padding padding, int64_t y, int64_t x, int grid, pea__frame *frame, pea_error *err)
{
    if (y < 1 || x < 1 || y > MAX_SIDE || x > MAX_SIDE)
        return pea__fail(err, PEA_E_LIMIT, "a plane of %" PRId64 " x %" PRId64 " (y,x) is not between 1 and %" PRId64,
                         y, x, MAX_SIDE);
    frame->y = pea__ceil_div(y, grid) * grid;
    frame->x = pea__ceil_div(x, grid) * grid;
    frame->top = frame->left = 0;
    if (padding != PEA_PAD_REFLECT_END) {
        frame->y = frame->x = pea__max_i64(frame->y, frame->x);
        frame->top = (frame->y - y) / 2; /* where it does not come out even, the end gets more */
        frame->left = (frame->x - x) / 2;
    }
    return PEA_OK;
}

int64_t pea__mirror(int64_t i, int64_t n)
{
    if (n == 1)
        return 0;
    const int64_t period = 2 * (n - 1); /* 0 1 2 3 2 1 | 0 1 ... */
    i %= period;
    if (i < 0)
        i += period;
    return i < n ? i : period - i;
}

void pea__crop_in_place(void *plane, size_t voxel_bytes, pea__frame frame, int64_t y, int64_t x)
{
    char *bytes = plane;
    for (int64_t row = 0; row < y; row++) /* forward: a row never lands on one that is still to be moved */
        memmove(bytes + (size_t)(row * x) * voxel_bytes,
                bytes + (size_t)((row + frame.top) * frame.x + frame.left) * voxel_bytes, (size_t)x * voxel_bytes);
}
