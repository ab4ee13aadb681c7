/* region_graph.h - which regions of a label image touch, and how alike they are there: the object that agglomeration,
 * multicut, proofreading and work across blocks stand on.
 *
 *     labels + affinities -> pea_region_graph_build -> nodes and edges -> one number for each node
 *                                                        |      ^              |
 *                                                      save -> load            v
 *                                                                  pea_region_graph_project -> labels
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_REGION_GRAPH_H
#define PEA_REGION_GRAPH_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A graph is never changed after it was made: any number of threads may read it. */
typedef struct pea_region_graph pea_region_graph;

typedef struct pea_region_node {
    uint32_t label; /* in the label image; never 0 */
    int64_t n_voxels;
} pea_region_node;

/* All pairs of voxels (p, p + offset), one in each of two regions, for the offsets the graph was built of. */
typedef struct pea_region_edge {
    uint32_t a, b;   /* nodes by their place in the list, a < b */
    int64_t n_faces; /* how many pairs; the size of the contact */
    double mean;     /* of their affinities */
    float max;
} pea_region_edge;

#define PEA_MAX_REGION_BINS 256

typedef struct pea_region_graph_options {
    size_t struct_size;
    int n_offsets; /* the first so many offsets count; 0, the default: the attractive ones, as many as axes */
    int n_bins;    /* also a histogram of each edge's affinities, of so many bins over 0..1; 0, the default: none */
} pea_region_graph_options;

pea_region_graph_options pea_region_graph_options_default(void);

/**
 * Build the graph of a label image in one pass, in a stage named "region graph".
 * @param labels    borrowed  uint32 (z,y,x,1); any numbers, 0 belongs to no region
 * @param affinity  borrowed  float32 (z,y,x,k), k == offsets->n; finite between two regions, not read elsewhere
 * @param graph     owned     free with pea_region_graph_free(). The same bytes for any number of threads
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_FORMAT for NaN or infinity; PEA_E_LIMIT; PEA_E_NOMEM;
 *         PEA_E_CANCELLED
 */
pea_status pea_region_graph_build(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                                  const pea_region_graph_options *options, pea_context *context,
                                  pea_region_graph **graph, pea_error *err);
void pea_region_graph_free(pea_region_graph *graph); /* NULL allowed */

/* Lent until the graph is freed. Nodes by ascending label; edges by ascending a, then b. */
const pea_region_node *pea_region_graph_nodes(const pea_region_graph *graph, size_t *n_nodes);
const pea_region_edge *pea_region_graph_edges(const pea_region_graph *graph, size_t *n_edges);

/* The n_bins counts of an edge, lent; NULL where the graph was built without. Bin i holds affinities from
 * i / n_bins; the first and the last hold also what lies outside 0..1. */
const uint32_t *pea_region_graph_histogram(const pea_region_graph *graph, size_t edge, int *n_bins);

/**
 * The middle of the first bin that, with those below it, holds more than `percent` of the affinities.
 * @param percent   0..99; 50: the median
 * @param quantile  filled
 * @return PEA_OK; PEA_E_ARG for another percentage, an edge that is none, or a graph without histograms
 */
pea_status pea_region_graph_quantile(const pea_region_graph *graph, size_t edge, int percent, double *quantile,
                                     pea_error *err);

/**
 * Give every voxel the number of its region, in a stage named "project".
 * @param labels   borrowed and changed in place  uint32 (z,y,x,1); 0 stays 0
 * @param numbers  borrowed  one for each node
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_FORMAT for a label that is no node; PEA_E_NOMEM;
 *         PEA_E_CANCELLED. After a failure labels may be changed in part: discard them
 */
pea_status pea_region_graph_project(const pea_region_graph *graph, const uint32_t *numbers, pea_context *context,
                                    const pea_array *labels, pea_error *err);

/**
 * Write a graph: docs/region-graph-format.md. Written beside `path`, flushed, renamed, in a stage named "write".
 * @return PEA_OK; PEA_E_IO; PEA_E_NOMEM; PEA_E_CANCELLED. After a failure an older file is as it was
 */
pea_status pea_region_graph_save(const pea_region_graph *graph, const char *path, pea_context *context,
                                 pea_error *err);

/**
 * Read a graph, in a stage named "read". Every number is checked; memory stays in proportion to the file.
 * @param graph  owned  free with pea_region_graph_free()
 * @return PEA_OK; PEA_E_IO; PEA_E_FORMAT; PEA_E_LIMIT; PEA_E_NOMEM; PEA_E_CANCELLED
 */
pea_status pea_region_graph_load(const char *path, pea_context *context, pea_region_graph **graph, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
