/* regions.h - internal: what a region graph is made of, for the files that build, store and cut it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_REGIONS_INTERNAL_H
#define PEA_REGIONS_INTERNAL_H

#include <stdatomic.h>

#include "array/array.h"
#include "pea/region_graph.h"

enum { PEA__EDGES_AT_ONCE = 4096 }; /* between two questions whether to stop */

struct pea_region_graph {
    pea_region_node *nodes;
    pea_region_edge *edges;
    uint32_t *histograms; /* [edge][bin]; NULL where n_bins is 0 */
    int64_t n_nodes, n_edges;
    int n_bins;
};

/* Room for a graph, nothing in it yet. */
pea_status pea__region_graph_new(int64_t n_nodes, int64_t n_edges, int n_bins, pea_region_graph **graph,
                                 pea_error *err);
/* As the public calls, in a stage of any name: parts of longer work. */
pea_status pea__region_graph_build(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                                   const pea_region_graph_options *options, const char *stage, pea_context *context,
                                   pea_region_graph **graph, pea_error *err);
pea_status pea__region_graph_project(const pea_region_graph *graph, const uint32_t *numbers, const char *stage,
                                     pea_context *context, const pea_array *labels, pea_error *err);
/* From memory, for tests and fuzz targets. */
pea_status pea__region_graph_read_from(const pea__reader *reader, pea_context *context, pea_region_graph **graph,
                                       pea_error *err);

/* PEA_E_LIMIT with the number where the context allows less than the graph and so many bytes for each of its nodes and
 * edges. `what` is to be done: "agglomeration". */
pea_status pea__region_graph_check_memory(const pea_region_graph *graph, uint64_t node_bytes, uint64_t edge_bytes,
                                          const char *what, pea_context *context, pea_error *err);

/* ---- what is known of pairs of labels while a graph is built (region_table.c) ---- */

/* Of a pair a < b: its faces. Of a pair a, a: the voxels of a region. */
typedef struct pea__region_item {
    uint64_t key; /* a << 32 | b */
    int64_t n;
    double sum;
    float max;
} pea__region_item;

/* Memory of many tables together, and what they may take; 0: no limit. */
typedef struct pea__region_memory {
    atomic_uint_least64_t taken;
    uint64_t limit;
} pea__region_memory;

/* PEA_E_LIMIT with the number where it is more than there may be. */
pea_status pea__region_memory_take(pea__region_memory *memory, uint64_t n_bytes, pea_error *err);

typedef struct pea__region_table {
    pea__region_item *items; /* in the order of first asking */
    uint32_t *histograms;    /* [item][bin] */
    uint32_t *slots;         /* item + 1, 0 is free */
    uint32_t n, n_slots;
    int n_bins;
    pea__region_memory *memory; /* borrowed */
} pea__region_table; /* all zero but the last two: empty */

/* The place of a pair's item, which is new and zero where it was not there. */
pea_status pea__region_table_find(pea__region_table *table, uint64_t key, uint32_t *place, pea_error *err);
void pea__region_table_free(pea__region_table *table);

static inline int pea__region_bin(float value, int n_bins)
{
    const float scaled = value * (float)n_bins;
    return scaled >= (float)n_bins ? n_bins - 1 : scaled > 0.0f ? (int)scaled : 0;
}

/* ---- sorting (key_order.c) ---- */

typedef struct pea__keyed {
    uint64_t key;
    uint32_t value;
} pea__keyed;

/* Stable, by ascending key. `done` of the stage is over. */
pea_status pea__keyed_sort(pea__keyed *items, int64_t n, pea_context *context, double done, pea_error *err);

#endif
