/* textbook.h - the mutex watershed and the small-object merging in their plainest form: slow, and easy to believe.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEXTBOOK_H
#define PEA_TEXTBOOK_H

#include "test.h"

#include "pea/cluster.h"

typedef struct textbook_edge {
    float weight;
    int64_t id, p, q;
    bool attractive;
} textbook_edge;

/* As native/include/pea/cluster.h says it. */
static inline float textbook_weight(float a, bool attractive, double cut)
{
    if (attractive)
        return cut > 0.5 ? a * (float)((1.0 - cut) / cut) : a;
    return cut < 0.5 ? (1.0f - a) * (float)(cut / (1.0 - cut)) : 1.0f - a;
}

static int textbook_order(const void *left, const void *right)
{
    const textbook_edge *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->id > b->id ? -1 : a->id < b->id;
}

static inline size_t textbook_edges(const float *affinity, pea_dims d, const pea_offsets *offsets, const uint8_t *mask,
                                    const int stride[3], double cut, textbook_edge *edges)
{
    const int64_t n_voxels = d.z * d.y * d.x;
    size_t n = 0;
    for (int64_t k = 0; k < (int64_t)offsets->n; k++)
        for (int64_t p = 0; p < n_voxels; p++) {
            const int64_t z = p / (d.y * d.x), y = p / d.x % d.y, x = p % d.x;
            const pea_offset o = offsets->step[k];
            const int64_t z2 = z + o.z, y2 = y + o.y, x2 = x + o.x, q = (z2 * d.y + y2) * d.x + x2;
            const bool attractive = k < offsets->n_axes;
            if (z2 < 0 || z2 >= d.z || y2 < 0 || y2 >= d.y || x2 < 0 || x2 >= d.x)
                continue;
            if (!attractive && (z % stride[0] || y % stride[1] || x % stride[2]))
                continue;
            if (mask && (!mask[p] || !mask[q]))
                continue;
            const float a = affinity[p * (int64_t)offsets->n + k];
            edges[n++] = (textbook_edge){textbook_weight(a, attractive, cut), k * n_voxels + p, p, q, attractive};
        }
    return n;
}

/* Clusters are numbers written into every voxel; constraints are a square matrix. */
static inline void textbook_mutex_watershed(const float *affinity, pea_dims d, const pea_offsets *offsets,
                                            const uint8_t *mask, const int stride[3], double cut,
                                            uint32_t *labels)
{
    const int64_t n = d.z * d.y * d.x;
    textbook_edge *edges = malloc((size_t)n * offsets->n * sizeof *edges);
    int64_t *cluster = malloc((size_t)n * sizeof *cluster);
    bool *mutex = calloc((size_t)(n * n), sizeof *mutex);
    const size_t n_edges = textbook_edges(affinity, d, offsets, mask, stride, cut, edges);
    qsort(edges, n_edges, sizeof *edges, textbook_order);
    for (int64_t p = 0; p < n; p++)
        cluster[p] = p;
    for (size_t i = 0; i < n_edges; i++) {
        const int64_t a = cluster[edges[i].p], b = cluster[edges[i].q];
        if (a == b || mutex[a * n + b])
            continue;
        if (!edges[i].attractive) {
            mutex[a * n + b] = mutex[b * n + a] = true;
            continue;
        }
        for (int64_t p = 0; p < n; p++) {
            if (cluster[p] == b)
                cluster[p] = a;
            mutex[a * n + p] |= mutex[b * n + p];
            mutex[p * n + a] |= mutex[p * n + b];
        }
    }
    uint32_t next = 0, *number = calloc((size_t)n, sizeof *number);
    for (int64_t p = 0; p < n; p++) {
        if (!mask || mask[p]) {
            if (!number[cluster[p]])
                number[cluster[p]] = ++next;
            labels[p] = number[cluster[p]];
        } else {
            labels[p] = 0;
        }
    }
    free(number);
    free(mutex);
    free(cluster);
    free(edges);
}

enum { TEXTBOOK_LABELS = 256 };

/* One pass over one plane whose labels are below TEXTBOOK_LABELS. */
static inline void textbook_merge_pass(uint32_t *labels, int64_t n_y, int64_t n_x, pea_merge_pass pass)
{
    int64_t sizes[TEXTBOOK_LABELS] = {0};
    for (int64_t p = 0; p < n_y * n_x; p++)
        sizes[labels[p]]++;
    for (uint32_t l = 0; l < TEXTBOOK_LABELS; l++) {
        if (sizes[l] == 0 || sizes[l] > pass.max_size)
            continue;
        int64_t count = 0, sum_y = 0, sum_x = 0, seen[TEXTBOOK_LABELS] = {0};
        for (int64_t p = 0; p < n_y * n_x; p++)
            if (labels[p] == l) {
                count++;
                sum_y += p / n_x;
                sum_x += p % n_x;
            }
        int64_t y0 = sum_y / count - pass.window / 2, x0 = sum_x / count - pass.window / 2;
        const int64_t y1 = y0 + pass.window, x1 = x0 + pass.window;
        y0 = y0 >= 0 ? y0 : y0 + n_y >= 0 ? y0 + n_y : 0;
        x0 = x0 >= 0 ? x0 : x0 + n_x >= 0 ? x0 + n_x : 0;
        for (int64_t y = y0; y < y1 && y < n_y; y++)
            for (int64_t x = x0; x < x1 && x < n_x; x++)
                seen[labels[y * n_x + x]]++;
        uint32_t top[3], n_top = 0;
        for (; n_top < 3; n_top++) { /* the largest of what is left, the first of equals */
            uint32_t best = 0;
            for (uint32_t i = 0; i < TEXTBOOK_LABELS; i++)
                if (seen[i] > seen[best])
                    best = i;
            if (seen[best] == 0)
                break;
            top[n_top] = best;
            seen[best] = 0;
        }
        if (n_top < 3)
            continue;
        const uint32_t target = top[0] != 0 ? top[0] : top[1] != l ? top[1] : top[2];
        for (int64_t p = 0; p < n_y * n_x; p++)
            if (labels[p] == l)
                labels[p] = target;
    }
}

#endif
