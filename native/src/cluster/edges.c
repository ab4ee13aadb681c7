/* edges.c - which edges exist, and with what weight.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>
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

static const uint8_t *mask_at(const pea__graph *graph, int64_t p)
{
    const int64_t plane = p / graph->plane;
    if (plane >= graph->fresh)
        return graph->mask + p - graph->fresh * graph->plane;
    return graph->held_mask + plane % graph->n_held * graph->plane + p % graph->plane;
}

const uint8_t *pea__mask_row(const pea__graph *graph, int64_t z, int64_t y)
{
    return graph->mask ? mask_at(graph, (z * graph->dims.y + y) * graph->dims.x) : NULL;
}

/* No edge where voxels from p on are outside the mask. */
static void leave_out(const pea__graph *graph, int64_t p, int64_t step, int64_t n, uint32_t *keys)
{
    if (p >= graph->begin * graph->plane) {
        const uint8_t *mask = mask_at(graph, p);
        for (int64_t i = 0; i < n; i++)
            keys[i] = mask[i * step] ? keys[i] : 0;
    } else {
        const uint32_t *labels = graph->labels + p;
        for (int64_t i = 0; i < n; i++)
            keys[i] = labels[i * step] != PEA__NO_CLUSTER ? keys[i] : 0;
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
        const int64_t p = (z * graph->dims.y + y) * graph->dims.x + x - graph->fresh * graph->plane;
        return (series){graph->affinity.data, p * n_channels + (int64_t)k, step * n_channels};
    }
    const int64_t first = pea__ceil_div(graph->fresh, s[graph->along]), n = (int64_t)graph->offsets->n - n_channels;
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

/* ---- what planes that came before store ---- */

static int64_t sampling_along_rows(const pea__graph *graph, size_t k)
{
    return k < (size_t)graph->offsets->n_axes ? 1 : graph->stride[2];
}

int64_t pea__waiting_keys(const pea__graph *graph, size_t k)
{
    const int64_t row_keys = pea__ceil_div(graph->dims.x, sampling_along_rows(graph, k));
    return graph->n_waiting[k] * (graph->plane / graph->dims.x) * row_keys;
}

/* Of the voxel (z,y,x), and behind it those of the following ones that are sampled. */
static uint32_t *waiting_keys(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x)
{
    const int64_t step = sampling_along_rows(graph, k), row_keys = pea__ceil_div(graph->dims.x, step);
    const int64_t n_rows = graph->plane / graph->dims.x, row = z * graph->dims.y + y;
    return graph->waiting[k] + (row / n_rows % graph->n_waiting[k] * n_rows + row % n_rows) * row_keys + x / step;
}

void pea__edge_keys(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x, int64_t step, int64_t n,
                    uint32_t *keys)
{
    const int64_t p = (z * graph->dims.y + y) * graph->dims.x + x;
    if (pea__plane_of(graph, z, y) < graph->fresh) {
        memcpy(keys, waiting_keys(graph, k, z, y, x), (size_t)n * sizeof *keys);
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
    const int64_t n_x = graph->dims.x, step = sampling_along_rows(graph, k), n = pea__ceil_div(n_x, step);
    uint32_t *keys = waiting_keys(graph, k, z, y, 0);
    read_keys(graph, k, z, y, 0, step, n, keys);
    if (graph->mask)
        leave_out(graph, (z * graph->dims.y + y) * n_x, step, n, keys);
}

static pea_status plane_is_held(const pea__graph *graph, int64_t plane, pea_error *err)
{
    const int64_t p = plane * graph->plane, nan_at = pea__edge_find_nan(graph, p, graph->plane);
    if (graph->mask)
        memcpy(graph->held_mask + plane % graph->n_held * graph->plane, mask_at(graph, p), (size_t)graph->plane);
    return nan_at < 0 ? PEA_OK : pea__edge_refuse_nan(graph, nan_at, err);
}

pea_status pea__edges_wait(const pea__graph *graph, pea_error *err)
{
    const int64_t n_rows = graph->plane / graph->dims.x;
    pea_status status = PEA_OK;
    for (int64_t plane = pea__max_i64(graph->end, graph->fresh); plane < graph->arrived && status == PEA_OK; plane++)
        status = plane_is_held(graph, plane, err);
    for (size_t k = 0; k < graph->offsets->n && status == PEA_OK; k++) {
        const int64_t first = pea__max_i64(graph->fresh, graph->arrived - graph->n_waiting[k]);
        for (int64_t row = first * n_rows; row < graph->arrived * n_rows; row++)
            if (pea__edge_row(graph, k, row / graph->dims.y, row % graph->dims.y))
                row_waits(graph, k, row / graph->dims.y, row % graph->dims.y);
    }
    return status;
}

/* ---- NaN ---- */

/* Whoever looks at a part of a row looks at the same part of the next one soon, which is too far for a processor to
 * guess. */
static void prefetch_next_row(const pea__graph *graph, int64_t p, int64_t n)
{
    enum { LINE = 64 };
    const int64_t next = p + graph->dims.x - graph->fresh * graph->plane;
    const int64_t voxel = pea__affinity_channels(graph) * (int64_t)pea_dtype_size_bytes(graph->affinity.dtype);
    if (next + n > (graph->arrived - graph->fresh) * graph->plane)
        return;
    for (const char *a = (const char *)graph->affinity.data + next * voxel, *end = a + n * voxel; a < end; a += LINE)
        PEA__PREFETCH(a);
}

int64_t pea__edge_find_nan(const pea__graph *graph, int64_t p, int64_t n)
{
    prefetch_next_row(graph, p, n);
    const int64_t k = pea__affinity_channels(graph), first = (p - graph->fresh * graph->plane) * k;
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

pea_status pea__edge_refuse_nan(const pea__graph *graph, int64_t at, pea_error *err)
{
    const pea_dims d = graph->dims;
    const int64_t k = (int64_t)graph->offsets->n, p = at / k;
    return pea__fail(err, PEA_E_FORMAT,
                     "affinity is NaN at z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", offset %" PRId64
                     ": it must be a number everywhere",
                     p / (d.x * d.y), p / d.x % d.y, p % d.x, at % k);
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
    const bool known = plane < graph->arrived && plane + graph->ahead[k] < graph->arrived;
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
