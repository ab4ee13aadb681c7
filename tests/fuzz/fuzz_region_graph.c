/* fuzz_region_graph.c - hostile files of region graphs.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/regions.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pea__reader reader = pea__reader_memory(data, size);
    const size_t live = pea__alloc_live();
    pea_region_graph *graph;
    pea_error err = {0};
    const pea_status status = pea__region_graph_read_from(&reader, NULL, &graph, &err);
    if (status == PEA_OK) {
        size_t n_nodes, n_edges;
        double quantile;
        int n_bins;
        (void)pea_region_graph_nodes(graph, &n_nodes);
        const pea_region_edge *edges = pea_region_graph_edges(graph, &n_edges);
        fuzz_require(n_nodes <= size && n_edges <= size, "memory in proportion to the file");
        for (size_t i = 0; i < n_edges; i++) {
            fuzz_require(edges[i].a < edges[i].b && edges[i].b < n_nodes, "edges join nodes");
            if (pea_region_graph_histogram(graph, i, &n_bins))
                fuzz_require(pea_region_graph_quantile(graph, i, 50, &quantile, &err) == PEA_OK && quantile < 1.0,
                             "every edge has a median");
        }
    } else {
        fuzz_require_message(status, &err);
    }
    pea_region_graph_free(graph);
    fuzz_require(pea__alloc_live() == live, "nothing leaks");
    return 0;
}
