/* edges.c - which edges exist, and with what weight.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <string.h>

uint32_t pea__weight_key(float weight)
{
    uint32_t bits;
    weight += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &weight, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u; /* negative numbers fall as their bits rise */
}

void pea__edge_keys(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x, int64_t step, int64_t n,
                    uint32_t *keys)
{
    const pea_dims d = graph->dims;
    const int64_t p = (z * d.y + y) * d.x + x, n_offsets = (int64_t)graph->offsets->n;
    const float *a = graph->affinity + p * n_offsets + (int64_t)k;
    if (k < (size_t)graph->offsets->n_axes)
        for (int64_t i = 0; i < n; i++)
            keys[i] = pea__weight_key(a[i * step * n_offsets]);
    else
        for (int64_t i = 0; i < n; i++)
            keys[i] = pea__weight_key(1.0f - a[i * step * n_offsets]);
    if (!graph->mask)
        return;
    const uint8_t *here = graph->mask + p, *there = here + graph->flat_step[k];
    for (int64_t i = 0; i < n; i++)
        if (!here[i * step] || !there[i * step])
            keys[i] = 0;
}

void pea__edge_range(int64_t n_x, int64_t step, int64_t *from, int64_t *to)
{
    *from = pea__max_i64(*from, -step);
    *to = pea__min_i64(*to, n_x - step);
}

int64_t pea__edge_find_nan(const pea__graph *graph, int64_t p, int64_t n)
{
    const int64_t k = (int64_t)graph->offsets->n;
    const float *values = graph->affinity + p * k;
    int any = 0;
    for (int64_t i = 0; i < n * k; i++)
        any |= values[i] != values[i];
    for (int64_t i = 0; any && i < n * k; i++)
        if (values[i] != values[i])
            return p * k + i;
    return -1;
}

/* ---- levels of repulsion: each row gathers from the sampled voxels that reach it, so that rows need no order ---- */

typedef struct repulsion {
    const pea__graph *graph;
    uint32_t *level;
    int64_t rows_at_once;
} repulsion;

/* What the edges of offset k that row (z,y) stores say about the row that `level` is: `shift` is where their voxel, or
 * the one they lead to, lies along it. */
static void raise_levels(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t shift, uint32_t *level)
{
    const pea_dims d = graph->dims;
    const int64_t step = graph->stride[2];
    uint32_t keys[PEA__ROW_AT_ONCE];
    if (z < 0 || z >= d.z || y < 0 || y >= d.y || z % graph->stride[0] != 0 || y % graph->stride[1] != 0)
        return;
    int64_t from = 0, to = d.x;
    pea__edge_range(d.x, graph->offsets->step[k].x, &from, &to);
    for (int64_t x = pea__ceil_div(from, step) * step; x < to; x += PEA__ROW_AT_ONCE * step) {
        const int64_t n = pea__min_i64(pea__ceil_div(to - x, step), PEA__ROW_AT_ONCE);
        pea__edge_keys(graph, k, z, y, x, step, n, keys);
        for (int64_t i = 0; i < n; i++) {
            uint32_t *there = level + x + shift + i * step;
            *there = keys[i] > *there ? keys[i] : *there;
        }
    }
}

static void repel_rows(void *argument, int64_t index, int worker)
{
    const repulsion *work = argument;
    const pea__graph *graph = work->graph;
    const pea_dims d = graph->dims;
    const int64_t end = pea__min_i64((index + 1) * work->rows_at_once, d.z * d.y);
    (void)worker;
    for (int64_t row = index * work->rows_at_once; row < end; row++) {
        const int64_t z = row / d.y, y = row % d.y;
        uint32_t *level = work->level + row * d.x;
        memset(level, 0, (size_t)d.x * sizeof *level);
        for (size_t k = (size_t)graph->offsets->n_axes; k < graph->offsets->n; k++) {
            const pea_offset o = graph->offsets->step[k];
            const int64_t z2 = z + o.z, y2 = y + o.y;
            if (z2 >= 0 && z2 < d.z && y2 >= 0 && y2 < d.y)
                raise_levels(graph, k, z, y, 0, level);
            raise_levels(graph, k, z - o.z, y - o.y, o.x, level);
        }
    }
}

pea_status pea__repulsion(const pea__graph *graph, pea_context *context, double from, double to, uint32_t *level,
                          pea_error *err)
{
    const pea_dims d = graph->dims;
    repulsion work = {graph, level, pea__ceil_div(PEA__TILE_VOXELS, d.x)};
    return pea__parallel(context, pea__ceil_div(d.z * d.y, work.rows_at_once), from, to, repel_rows, &work, err);
}
