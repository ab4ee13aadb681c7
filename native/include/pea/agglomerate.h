/* agglomerate.h - from the regions of a graph to instances by merging, best score first.
 *
 *     pea_fragments -> pea_region_graph_build -> pea_agglomerate -> numbers -> pea_region_graph_project
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_AGGLOMERATE_H
#define PEA_AGGLOMERATE_H

#include "pea/region_graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an edge is worth when regions have been merged. */
typedef enum pea_region_score {
    PEA_SCORE_MEAN = 1, /* the mean of all its affinities */
    PEA_SCORE_QUANTILE  /* a quantile of the largest affinity of each edge it was made of, in 256 bins */
} pea_region_score;

typedef struct pea_agglomerate_options {
    size_t struct_size;
    pea_region_score score; /* default PEA_SCORE_MEAN */
    int percent;            /* of the quantile, 0 to 99; default 50 */
    double threshold;       /* merging ends where 1 - score is no lower; default 0.5 */
} pea_agglomerate_options;

pea_agglomerate_options pea_agglomerate_options_default(void);

/**
 * Merge regions, best score first, in a stage named "agglomerate". Scores wait in 256 bins, first come first served
 * within a bin; an edge whose score has changed is scored anew when its turn comes.
 * @param graph      borrowed
 * @param numbers    filled    for each node 1..n, by the smallest node of each instance
 * @param n_regions  filled    n; may be NULL
 * @return PEA_OK; PEA_E_ARG; PEA_E_LIMIT with the bytes needed; PEA_E_NOMEM; PEA_E_CANCELLED
 * Memory: besides the graph 16 bytes for each node, 66 for each edge.
 * Source: Funke et al., "Large scale image segmentation with structured loss based deep learning", 2019.
 */
pea_status pea_agglomerate(const pea_region_graph *graph, const pea_agglomerate_options *options,
                           pea_context *context, uint32_t *numbers, uint32_t *n_regions, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
