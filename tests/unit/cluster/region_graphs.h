/* region_graphs.h - random region graphs for tests of what cuts them.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_REGION_GRAPHS_H
#define PEA_REGION_GRAPHS_H

#include "cluster/regions.h"
#include "test.h"

/* `share` of 100 pairs are edges. Affinities have n_levels steps between -0.02 and 1.02, so that many are equal. */
static inline pea_region_graph *test_region_graph(uint64_t seed, uint32_t n_nodes, uint32_t share, uint32_t n_levels)
{
    pea_region_graph *graph;
    int64_t n_edges = 0;
    assert_int_equal(pea__region_graph_new(n_nodes, (int64_t)n_nodes * n_nodes / 2, 0, &graph, NULL), PEA_OK);
    for (uint32_t a = 0; a < n_nodes; a++) {
        graph->nodes[a] = (pea_region_node){10 + 3 * a, 5};
        for (uint32_t b = a + 1; b < n_nodes; b++) {
            if (test_random(&seed) % 100 >= share)
                continue;
            const double mean = (double)(test_random(&seed) % n_levels) / n_levels * 1.04 - 0.02;
            const double max = (double)(test_random(&seed) % n_levels) / n_levels * 1.04 - 0.02;
            graph->edges[n_edges++] =
                (pea_region_edge){a, b, 1 + test_random(&seed) % 9, mean, (float)(max > mean ? max : mean)};
        }
    }
    graph->n_edges = n_edges;
    return graph;
}

/* A grid with diagonals: like what fragments make. */
static inline pea_region_graph *test_region_grid(uint64_t seed, uint32_t n_y, uint32_t n_x)
{
    pea_region_graph *graph;
    int64_t n_edges = 0;
    assert_int_equal(pea__region_graph_new((int64_t)n_y * n_x, (int64_t)n_y * n_x * 4, 0, &graph, NULL), PEA_OK);
    for (uint32_t a = 0; a < n_y * n_x; a++) {
        const uint32_t y = a / n_x, x = a % n_x;
        const uint32_t next[] = {a + 1, a + n_x - 1, a + n_x, a + n_x + 1};
        const bool there[] = {x + 1 < n_x, y + 1 < n_y && x > 0, y + 1 < n_y, y + 1 < n_y && x + 1 < n_x};
        graph->nodes[a] = (pea_region_node){1 + a, 5};
        for (int i = 0; i < 4; i++) {
            if (!there[i])
                continue;
            const bool same = y / 6 == next[i] / n_x / 6 && x / 7 == next[i] % n_x / 7;
            const double mean = (same ? 0.3 : 0.0) + 0.7 * test_random(&seed) / 2147483648.0;
            graph->edges[n_edges++] =
                (pea_region_edge){a, next[i], 1 + test_random(&seed) % 50, mean, (float)(0.5 + 0.5 * mean)};
        }
    }
    graph->n_edges = n_edges;
    return graph;
}

#endif
