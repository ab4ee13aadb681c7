/* plain.h - the mutex watershed as it is defined, edge after edge, for volumes: all edges sorted, a union-find,
 * constraints. Too slow for use, and small enough to be read beside the definition at the top of
 * native/src/cluster/mutex_watershed.c.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_PLAIN_H
#define PEA_PLAIN_H

#include "test.h"

#include "cluster/cluster.h"
#include "cluster/union_find.h"

typedef struct plain_edge {
    float weight;
    uint32_t id; /* flat index k * n_voxels + p, below 2^32 here */
} plain_edge;

static int plain_order(const void *left, const void *right)
{
    const plain_edge *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->id > b->id ? -1 : a->id < b->id;
}

static inline int64_t plain_edges(const pea__graph *g, plain_edge *edges)
{
    const pea_dims d = g->dims;
    int64_t n = 0;
    for (int64_t k = 0; k < (int64_t)g->offsets->n; k++)
        for (int64_t z = 0; z < d.z; z++)
            for (int64_t y = 0; y < d.y; y++)
                for (int64_t x = 0; x < d.x; x++) {
                    const pea_offset o = g->offsets->step[k];
                    const int64_t p = (z * d.y + y) * d.x + x, q = p + g->flat_step[k];
                    const bool attractive = k < g->offsets->n_axes;
                    if (z + o.z < 0 || z + o.z >= d.z || y + o.y < 0 || y + o.y >= d.y || x + o.x < 0 || x + o.x >= d.x)
                        continue;
                    if (!attractive && (z % g->stride[0] || y % g->stride[1] || x % g->stride[2]))
                        continue;
                    if (g->mask && (!g->mask[p] || !g->mask[q]))
                        continue;
                    const float a = ((const float *)g->affinity.data)[p * (int64_t)g->offsets->n + k];
                    edges[n++] = (plain_edge){(attractive ? a : 1.0f - a) * g->factor[!attractive],
                                                 (uint32_t)(k * g->n_voxels + p)};
                }
    return n;
}

static inline void plain_take(const pea__graph *g, plain_edge edge, int32_t *parent, pea__constraints *constraints)
{
    pea_error err;
    const uint32_t k = edge.id / (uint32_t)g->n_voxels, p = edge.id % (uint32_t)g->n_voxels;
    const uint32_t a = pea__find(parent, p), b = pea__find(parent, (uint32_t)(p + g->flat_step[k]));
    if (a == b || pea__constraints_has(constraints, a, b))
        return;
    if ((int)k >= g->offsets->n_axes) {
        assert_ok(pea__constraints_add(constraints, a, b, &err));
        return;
    }
    const bool b_stays = pea__constraints_count(constraints, b) > pea__constraints_count(constraints, a);
    pea__unite(parent, b_stays ? b : a, b_stays ? a : b);
    assert_ok(pea__constraints_inherit(constraints, b_stays ? b : a, b_stays ? a : b, &err));
}

static inline void plain_mutex_watershed(const pea__graph *g, uint32_t *labels)
{
    pea_error err;
    pea__constraints *constraints;
    plain_edge *edges = malloc((size_t)g->n_voxels * g->offsets->n * sizeof *edges);
    int32_t *parent = malloc((size_t)g->n_voxels * sizeof *parent);
    uint32_t *number = calloc((size_t)g->n_voxels, sizeof *number), n = 0;
    const int64_t n_edges = plain_edges(g, edges);
    assert_ok(pea__constraints_new(g->n_voxels, &constraints, &err));
    qsort(edges, (size_t)n_edges, sizeof *edges, plain_order);
    for (int64_t p = 0; p < g->n_voxels; p++)
        parent[p] = -1;
    for (int64_t i = 0; i < n_edges; i++)
        plain_take(g, edges[i], parent, constraints);
    for (int64_t p = 0; p < g->n_voxels; p++) {
        uint32_t *label = number + pea__find(parent, (uint32_t)p);
        const bool inside = !g->mask || g->mask[p];
        if (inside && !*label)
            *label = ++n;
        labels[p] = inside ? *label : 0;
    }
    pea__constraints_free(constraints);
    free(number);
    free(parent);
    free(edges);
}

#endif
