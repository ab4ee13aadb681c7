/* edges.c - which edges exist, with what weight, as a compact list: 8 bytes an edge.
 *
 * Two passes over pieces of the raster: count how many edges of each offset a piece has, then write them where the
 * counts say. So the list is ordered by flat index whatever number of threads wrote it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>
#include <string.h>

enum { PIECE = 1 << 13 }; /* voxels */

typedef struct collection {
    const pea__graph *graph;
    int64_t *places;    /* [piece][offset]: first counts, then where the piece's next edge goes */
    int64_t *first_nan; /* [piece]: element of the affinity, or -1 */
    int64_t n_pieces;
    pea__pair *pairs; /* NULL while counting */
} collection;

uint32_t pea__weight_key(float weight)
{
    uint32_t bits;
    weight += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &weight, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u; /* negative numbers fall as their bits rise */
}

static bool inside(pea_dims d, pea_offset o, int64_t z, int64_t y, int64_t x)
{
    const int64_t z2 = z + o.z, y2 = y + o.y, x2 = x + o.x;
    return z2 >= 0 && z2 < d.z && y2 >= 0 && y2 < d.y && x2 >= 0 && x2 < d.x;
}

/* Count or write the edges stored at one voxel. */
static void visit_voxel(const collection *work, int64_t piece, int64_t p, int64_t z, int64_t y, int64_t x)
{
    const pea__graph *graph = work->graph;
    const pea_offsets *offsets = graph->offsets;
    if (graph->mask && !graph->mask[p])
        return;
    const bool sampled = z % graph->stride[0] == 0 && y % graph->stride[1] == 0 && x % graph->stride[2] == 0;
    const size_t n_attractive = (size_t)offsets->n_axes, n = sampled ? offsets->n : n_attractive;
    for (size_t k = 0; k < n; k++) {
        if (!inside(graph->dims, offsets->step[k], z, y, x))
            continue;
        if (graph->mask && !graph->mask[p + graph->flat_step[k]])
            continue;
        int64_t *place = work->places + piece * (int64_t)offsets->n + (int64_t)k;
        if (work->pairs) {
            const float a = graph->affinity[p * (int64_t)offsets->n + (int64_t)k];
            work->pairs[*place] = (pea__pair){pea__weight_key(k < n_attractive ? a : 1.0f - a),
                                              (uint32_t)((int64_t)k * graph->n_voxels + p)};
        }
        ++*place;
    }
}

static int64_t find_nan(const float *values, int64_t n)
{
    int any = 0;
    for (int64_t i = 0; i < n; i++)
        any |= values[i] != values[i];
    if (any)
        for (int64_t i = 0; i < n; i++)
            if (values[i] != values[i])
                return i;
    return -1;
}

static void visit_piece(void *argument, int64_t piece, int worker)
{
    const collection *work = argument;
    const pea_dims d = work->graph->dims;
    const int64_t begin = piece * PIECE, end = pea__min_i64(begin + PIECE, work->graph->n_voxels);
    const int64_t k = (int64_t)work->graph->offsets->n;
    (void)worker;
    if (!work->pairs) {
        const int64_t at = find_nan(work->graph->affinity + begin * k, (end - begin) * k);
        work->first_nan[piece] = at < 0 ? -1 : begin * k + at;
    }
    int64_t x = begin % d.x, y = begin / d.x % d.y, z = begin / d.x / d.y;
    for (int64_t p = begin; p < end; p++) {
        visit_voxel(work, piece, p, z, y, x);
        if (++x == d.x) {
            x = 0;
            if (++y == d.y) {
                y = 0;
                z++;
            }
        }
    }
}

static pea_status refuse_nan(const collection *work, pea_error *err)
{
    const pea_dims d = work->graph->dims;
    const int64_t k = (int64_t)work->graph->offsets->n;
    for (int64_t piece = 0; piece < work->n_pieces; piece++)
        if (work->first_nan[piece] >= 0) {
            const int64_t at = work->first_nan[piece], p = at / k;
            return pea__fail(err, PEA_E_FORMAT,
                             "affinity is NaN at z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", offset %" PRId64
                             ": it must be a number everywhere",
                             p / (d.x * d.y), p / d.x % d.y, p % d.x, at % k);
        }
    return PEA_OK;
}

/* Two lists for sorting and the constraint sets' heads. The sets themselves are not foreseen: they depend on the data. */
static pea_status check_memory(const pea__graph *graph, int64_t n_edges, pea_context *context, pea_error *err)
{
    const uint64_t limit = pea__memory_limit(context);
    const uint64_t needed = (uint64_t)n_edges * 2 * sizeof(pea__pair) + (uint64_t)graph->n_voxels * sizeof(uint32_t);
    if (limit == 0 || needed <= limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT,
                     "clustering %" PRId64 " edges needs %" PRIu64 " bytes but the limit is %" PRIu64
                     ": raise it, or use larger strides or a mask",
                     n_edges, needed, limit);
}

static pea_status write_edges(collection *work, pea_context *context, double from, double to, pea__edges *edges,
                              pea_error *err)
{
    const int64_t n_offsets = (int64_t)work->graph->offsets->n;
    int64_t n = 0;
    for (int64_t k = 0; k < n_offsets; k++)
        for (int64_t piece = 0; piece < work->n_pieces; piece++) {
            int64_t *place = work->places + piece * n_offsets + k;
            const int64_t count = *place;
            *place = n;
            n += count;
        }
    const pea_status status = check_memory(work->graph, n, context, err);
    if (status != PEA_OK)
        return status;
    edges->n = n;
    edges->pairs = pea__alloc_unset((size_t)n, sizeof *edges->pairs, err);
    if (!edges->pairs)
        return PEA_E_NOMEM;
    work->pairs = edges->pairs;
    return pea__parallel(context, work->n_pieces, from, to, visit_piece, work, err);
}

pea_status pea__edges_collect(const pea__graph *graph, pea_context *context, double from, double to,
                              pea__edges *edges, pea_error *err)
{
    const int64_t n_pieces = pea__ceil_div(graph->n_voxels, PIECE);
    const double middle = 0.5 * (from + to);
    pea_status status = PEA_E_NOMEM;
    collection work = {.graph = graph, .n_pieces = n_pieces};
    *edges = (pea__edges){0};
    work.places = pea__alloc(graph->offsets->n * (size_t)n_pieces, sizeof *work.places, err);
    work.first_nan = work.places ? pea__alloc((size_t)n_pieces, sizeof *work.first_nan, err) : NULL;
    if (work.first_nan)
        status = pea__parallel(context, n_pieces, from, middle, visit_piece, &work, err);
    if (status == PEA_OK)
        status = refuse_nan(&work, err);
    if (status == PEA_OK)
        status = write_edges(&work, context, middle, to, edges, err);
    pea__free(work.first_nan);
    pea__free(work.places);
    if (status != PEA_OK) {
        pea__free_unset(edges->pairs);
        *edges = (pea__edges){0};
    }
    return status;
}
