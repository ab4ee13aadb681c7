/* edges.c - which edges exist, and with what weight.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <string.h>

uint32_t pea__weight_key(float weight)
{
    uint32_t bits;
    weight += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &weight, sizeof bits);
    return bits ^ (-(bits >> 31) | 0x80000000u); /* negative numbers fall as their bits rise: all of theirs turn */
}

/* ---- which are there ---- */

void pea__edge_range(int64_t n_x, int64_t step, int64_t *from, int64_t *to)
{
    *from = pea__max_i64(*from, -step);
    *to = pea__min_i64(*to, n_x - step);
}

bool pea__edge_row(const pea__graph *graph, size_t k, int64_t z, int64_t y)
{
    const pea_dims d = graph->dims;
    const int64_t z2 = z + graph->offsets->step[k].z, y2 = y + graph->offsets->step[k].y;
    if (z < 0 || z >= d.z || y < 0 || y >= d.y || z2 < 0 || z2 >= d.z || y2 < 0 || y2 >= d.y)
        return false;
    return k < (size_t)graph->offsets->n_axes || (z % graph->stride[0] == 0 && y % graph->stride[1] == 0);
}

/* No edge where voxels from p on are outside the mask. */
static void leave_out(const pea__graph *graph, int64_t p, int64_t step, int64_t n, uint32_t *keys)
{
    const int64_t first = graph->begin * graph->plane;
    if (p >= first) {
        for (int64_t i = 0; i < n; i++)
            if (!graph->mask[p - first + i * step])
                keys[i] = 0;
    } else {
        for (int64_t i = 0; i < n; i++)
            if (graph->labels[p + i * step] == PEA__NO_CLUSTER)
                keys[i] = 0;
    }
}

/* ---- weights ---- */

void pea__weight_factors(double cut, float factor[2])
{
    factor[0] = cut > 0.5 ? (float)((1.0 - cut) / cut) : 1.0f;
    factor[1] = cut < 0.5 ? (float)(cut / (1.0 - cut)) : 1.0f;
}

/* A factor of 1 changes no bit. */
static uint32_t attractive_key(const float factor[2], float affinity)
{
    return pea__weight_key(affinity * factor[0]);
}

static uint32_t repulsive_key(const float factor[2], float affinity)
{
    return pea__weight_key((1.0f - affinity) * factor[1]);
}

void pea__byte_keys(const float factor[2], uint32_t keys[2][256])
{
    for (int i = 0; i < 256; i++) {
        keys[0][i] = attractive_key(factor, (float)i / 255.0f);
        keys[1][i] = repulsive_key(factor, (float)i / 255.0f);
    }
}

int64_t pea__affinity_channels(const pea__graph *graph)
{
    return graph->affinity.sampled ? graph->offsets->n_axes : (int64_t)graph->offsets->n;
}

/* Some affinities of one offset. */
typedef struct series {
    const void *data;
    int64_t at, step; /* in elements */
} series;

static series find(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x, int64_t step)
{
    const int64_t n_channels = pea__affinity_channels(graph), *s = graph->stride;
    if ((int64_t)k < n_channels) {
        const int64_t p = (z * graph->dims.y + y) * graph->dims.x + x - graph->begin * graph->plane;
        return (series){graph->affinity.data, p * n_channels + (int64_t)k, step * n_channels};
    }
    const int64_t first = pea__ceil_div(graph->begin, s[graph->along]), n = (int64_t)graph->offsets->n - n_channels;
    const int64_t row = z / s[0] * pea__ceil_div(graph->dims.y, s[1]) + y / s[1] -
                        first * (graph->along == 0 ? pea__ceil_div(graph->dims.y, s[1]) : 1);
    return (series){graph->affinity.sampled, (row * pea__ceil_div(graph->dims.x, s[2]) + x / s[2]) * n +
                    (int64_t)k - n_channels, step / s[2] * n};
}

static void read_halves(const uint16_t *a, int64_t step, int64_t n, bool attractive, const float factor[2],
                        uint32_t *keys)
{
    for (int64_t i = 0; i < n; i++) {
        const float value = pea__float_of_half(a[i * step]);
        keys[i] = attractive ? attractive_key(factor, value) : repulsive_key(factor, value);
    }
}

static void read_keys(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x, int64_t step, int64_t n,
                      uint32_t *keys)
{
    const bool attractive = k < (size_t)graph->offsets->n_axes;
    const series from = find(graph, k, z, y, x, step);
    step = from.step;
    if (graph->affinity.dtype == PEA_UINT8) {
        const uint8_t *bytes = (const uint8_t *)from.data + from.at;
        const uint32_t *key_of = graph->byte_keys[attractive ? 0 : 1];
        for (int64_t i = 0; i < n; i++)
            keys[i] = key_of[bytes[i * step]];
        return;
    }
    if (graph->affinity.dtype == PEA_FLOAT16) {
        read_halves((const uint16_t *)from.data + from.at, step, n, attractive, graph->factor, keys);
        return;
    }
    const float *a = (const float *)from.data + from.at, factor[2] = {graph->factor[0], graph->factor[1]};
    if (attractive)
        for (int64_t i = 0; i < n; i++)
            keys[i] = attractive_key(factor, a[i * step]);
    else
        for (int64_t i = 0; i < n; i++)
            keys[i] = repulsive_key(factor, a[i * step]);
}

static uint32_t *waiting_keys(const pea__graph *graph, size_t k, int64_t p)
{
    return graph->waiting[k] + p / graph->plane % graph->ahead[k] * graph->plane + p % graph->plane;
}

void pea__edge_keys(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x, int64_t step, int64_t n,
                    uint32_t *keys)
{
    const int64_t p = (z * graph->dims.y + y) * graph->dims.x + x;
    if (pea__plane_of(graph, z, y) < graph->begin) {
        const uint32_t *kept = waiting_keys(graph, k, p);
        for (int64_t i = 0; i < n; i++)
            keys[i] = kept[i * step];
    } else {
        read_keys(graph, k, z, y, x, step, n, keys);
        if (graph->mask)
            leave_out(graph, p, step, n, keys);
    }
    if (graph->mask)
        leave_out(graph, p + graph->flat_step[k], step, n, keys);
}

static void row_waits(const pea__graph *graph, size_t k, int64_t z, int64_t y)
{
    const pea_dims d = graph->dims;
    const int64_t step = k < (size_t)graph->offsets->n_axes ? 1 : graph->stride[2], p = (z * d.y + y) * d.x;
    uint32_t keys[PEA__ROW_AT_ONCE], *kept = waiting_keys(graph, k, p);
    for (int64_t x = 0; x < d.x; x += PEA__ROW_AT_ONCE * step) {
        const int64_t n = pea__min_i64(pea__ceil_div(d.x - x, step), PEA__ROW_AT_ONCE);
        read_keys(graph, k, z, y, x, step, n, keys);
        if (graph->mask)
            leave_out(graph, p + x, step, n, keys);
        for (int64_t i = 0; i < n; i++)
            kept[x + i * step] = keys[i];
    }
}

void pea__edges_wait(const pea__graph *graph)
{
    const int64_t n_rows = graph->plane / graph->dims.x;
    for (size_t k = 0; k < graph->offsets->n; k++)
        for (int64_t plane = pea__max_i64(graph->begin, graph->end - graph->ahead[k]); plane < graph->end; plane++)
            for (int64_t row = plane * n_rows; row < (plane + 1) * n_rows; row++)
                if (pea__edge_row(graph, k, row / graph->dims.y, row % graph->dims.y))
                    row_waits(graph, k, row / graph->dims.y, row % graph->dims.y);
}

int64_t pea__edge_find_nan(const pea__graph *graph, int64_t p, int64_t n)
{
    const int64_t k = pea__affinity_channels(graph), first = (p - graph->begin * graph->plane) * k;
    const float *values = (const float *)graph->affinity.data + first;
    const uint16_t *halves = (const uint16_t *)graph->affinity.data + first;
    int64_t i = 0;
    int any = 0;
    if (graph->affinity.dtype == PEA_FLOAT32) {
        for (int64_t j = 0; j < n * k; j++)
            any |= values[j] != values[j];
        while (any && values[i] == values[i])
            i++;
    } else if (graph->affinity.dtype == PEA_FLOAT16) {
        for (int64_t j = 0; j < n * k; j++)
            any |= (halves[j] & 0x7fff) > 0x7c00;
        while (any && (halves[i] & 0x7fff) <= 0x7c00)
            i++;
    }
    return any ? p * (int64_t)graph->offsets->n + i / k * (int64_t)graph->offsets->n + i % k : -1;
}

/* ---- levels of repulsion: each row gathers from the sampled voxels that reach it, so that rows need no order ---- */

typedef struct repulsion {
    const pea__graph *graph;
    uint32_t *level; /* of the slab */
    int64_t rows_at_once;
} repulsion;

/* What the edges of offset k that row (z,y) stores say about the row that `level` is: `shift` is where their voxel, or
 * the one they lead to, lies along it. One of both is in the slab, the other may not be there yet. */
static void raise_levels(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t shift, uint32_t *level)
{
    const pea_dims d = graph->dims;
    const int64_t step = graph->stride[2], plane = pea__plane_of(graph, z, y);
    const bool known = plane < graph->end && plane + graph->ahead[k] < graph->end;
    uint32_t keys[PEA__ROW_AT_ONCE];
    if (!pea__edge_row(graph, k, z, y))
        return;
    int64_t from = 0, to = d.x;
    pea__edge_range(d.x, graph->offsets->step[k].x, &from, &to);
    for (int64_t x = pea__ceil_div(from, step) * step; x < to; x += PEA__ROW_AT_ONCE * step) {
        const int64_t n = pea__min_i64(pea__ceil_div(to - x, step), PEA__ROW_AT_ONCE);
        if (known)
            pea__edge_keys(graph, k, z, y, x, step, n, keys);
        for (int64_t i = 0; i < n; i++) {
            uint32_t *there = level + x + shift + i * step;
            const uint32_t key = known ? keys[i] : PEA__UNKNOWN;
            *there = key > *there ? key : *there;
        }
    }
}

static void repel_rows(void *argument, int64_t index, int worker)
{
    const repulsion *work = argument;
    const pea__graph *graph = work->graph;
    const pea_dims d = graph->dims;
    const int64_t first = graph->begin * graph->plane / d.x, end = graph->end * graph->plane / d.x;
    const int64_t from = first + index * work->rows_at_once, to = pea__min_i64(from + work->rows_at_once, end);
    (void)worker;
    for (int64_t row = from; row < to; row++) {
        const int64_t z = row / d.y, y = row % d.y;
        uint32_t *level = work->level + (row - first) * d.x;
        memset(level, 0, (size_t)d.x * sizeof *level);
        for (size_t k = (size_t)graph->offsets->n_axes; k < graph->offsets->n; k++) {
            const pea_offset o = graph->offsets->step[k];
            raise_levels(graph, k, z, y, 0, level);
            raise_levels(graph, k, z - o.z, y - o.y, o.x, level);
        }
    }
}

pea_status pea__repulsion(const pea__graph *graph, pea_context *context, double from, double to, uint32_t *level,
                          pea_error *err)
{
    const int64_t n_rows = (graph->end - graph->begin) * graph->plane / graph->dims.x;
    repulsion work = {graph, level, pea__ceil_div(PEA__TILE_VOXELS, graph->dims.x)};
    return pea__parallel(context, pea__ceil_div(n_rows, work.rows_at_once), from, to, repel_rows, &work, err);
}
