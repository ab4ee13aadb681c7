/* balance.c - how many edges of each kind there are, and so what one of them weighs; labels of coarser levels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

typedef struct balancing {
    const pea__truth_edges *edges;
    pea__balance *balance;
} balancing;

/* Edges of ground truth 1 in one row, at one offset. */
static int64_t count_row(const pea__truth_edges *edges, int64_t image, int64_t z, int64_t y, size_t k)
{
    const pea__batch b = edges->batch;
    const pea_offset o = edges->offsets->step[k];
    const uint32_t *row = edges->labels + ((image * b.z + z) * b.y + y) * b.x;
    const bool has_row = z + o.z >= 0 && z + o.z < b.z && y + o.y >= 0 && y + o.y < b.y;
    int64_t first = 0, end = 0, n_equal = 0;
    if (has_row)
        pea__inside_range(b.x, o.x, &first, &end);
    for (int64_t x = first; x < end; x++)
        n_equal += pea__truth_inside(edges->rule, row[x], row[((int64_t)o.z * b.y + o.y) * b.x + o.x + x]);
    for (int64_t x = 0; x < first; x++)
        n_equal += pea__truth_outside(edges->rule, k, row[x]);
    for (int64_t x = end; x < b.x; x++)
        n_equal += pea__truth_outside(edges->rule, k, row[x]);
    return n_equal;
}

static pea__balance balance_of(int64_t n_equal, int64_t n)
{
    if (n_equal == 0 || n_equal == n)
        return (pea__balance){1.0f, 1.0f};
    const double share = (double)n_equal / (double)n;
    const double r = share < 0.05 ? 0.05 : share > 0.99 ? 0.99 : share;
    return r > 0.5 ? (pea__balance){(float)(r / (1.0 - r)), 1.0f} : (pea__balance){1.0f, (float)((1.0 - r) / r)};
}

/* A task is an offset of an image. */
static void balance_some(void *argument, int64_t index, int worker)
{
    const balancing *work = argument;
    const pea__batch b = work->edges->batch;
    const int64_t n_offsets = (int64_t)work->edges->offsets->n;
    int64_t n_equal = 0;
    (void)worker;
    for (int64_t z = 0; z < b.z; z++)
        for (int64_t y = 0; y < b.y; y++)
            n_equal += count_row(work->edges, index / n_offsets, z, y, (size_t)(index % n_offsets));
    work->balance[index] = balance_of(n_equal, b.z * b.y * b.x);
}

pea_status pea__balance_edges(const pea__run *run, const pea__truth_edges *edges, pea__balance *balance, pea_error *err)
{
    balancing work = {edges, balance};
    return pea__run_tasks(run, edges->batch.n * (int64_t)edges->offsets->n, run->from, run->to, balance_some,
                         &work, err);
}

void pea__labels_shrink(pea__batch batch, const uint32_t *labels, int64_t factor, uint32_t *to)
{
    for (int64_t plane = 0; plane < batch.n * batch.z; plane++, labels += batch.y * batch.x)
        for (int64_t y = 0; y < batch.y; y += factor)
            for (int64_t x = 0; x < batch.x; x += factor)
                *to++ = labels[y * batch.x + x];
}
