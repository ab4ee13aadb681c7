/* multicut.h - from the regions of a graph to instances by the partition whose cut edges cost least.
 *
 *     pea_fragments -> pea_region_graph_build -> pea_multicut_costs -> pea_multicut -> pea_region_graph_project
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_MULTICUT_H
#define PEA_MULTICUT_H

#include "pea/region_graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What cutting each edge costs: with q the mean of 1 - affinity, squeezed to 0.001..0.999,
 *
 *     cost = (ln((1 - q) / q) + ln((1 - beta) / beta)) * n_faces / most n_faces
 *
 * @param beta   above 0 and below 1: the mean affinity that costs nothing; 0.5 favours neither, more of it cuts more
 * @param costs  filled  one for each edge; positive holds together, negative wants to be cut
 * @return PEA_OK; PEA_E_ARG; PEA_E_CANCELLED
 * In a stage named "multicut".
 */
pea_status pea_multicut_costs(const pea_region_graph *graph, double beta, pea_context *context, double *costs,
                              pea_error *err);

typedef struct pea_multicut_options {
    size_t struct_size;
    int max_rounds; /* of Kernighan-Lin after greedy contraction; 0: none; default 100 */
    double epsilon; /* a change that gains no more is none; default 1e-6 */
    int patience;   /* nodes that a sequence of moves may go on without a new best, which the published algorithm does
                     * not limit: 0; default 200. It matters to instances of more nodes than that, where time would
                     * grow with their square */
} pea_multicut_options;

pea_multicut_options pea_multicut_options_default(void);

/**
 * Find a partition whose cut edges cost little, in a stage named "multicut": greedy additive contraction, then
 * Kernighan-Lin with joins and splits. Instances are connected.
 * @param graph      borrowed
 * @param costs      borrowed  one for each edge; finite
 * @param numbers    filled    for each node 1..n, by the smallest node of each instance
 * @param n_regions  filled    n; may be NULL
 * @param energy     filled    the sum of the costs of cut edges; may be NULL
 * @return PEA_OK; PEA_E_ARG; PEA_E_LIMIT with the bytes needed; PEA_E_NOMEM; PEA_E_CANCELLED
 * Memory: besides the graph and the costs 87 bytes for each node, 97 for each edge.
 * Source: Keuper et al., "Efficient decomposition of image and mesh graphs by lifted multicuts", ICCV 2015.
 */
pea_status pea_multicut(const pea_region_graph *graph, const double *costs, const pea_multicut_options *options,
                        pea_context *context, uint32_t *numbers, uint32_t *n_regions, double *energy, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
