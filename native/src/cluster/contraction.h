/* contraction.h - internal: a graph whose nodes are merged two by two, with at most one edge between any two.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CONTRACTION_INTERNAL_H
#define PEA_CONTRACTION_INTERNAL_H

#include "cluster/regions.h"

/* Edges keep their number while their ends move. A merged node lives on under one of both names: that with more edges,
 * so that an edge moves only when its node's edges at least double. */
typedef struct pea__contraction {
    int64_t n_nodes, n_edges;
    uint32_t (*ends)[2];  /* [edge] names of nodes */
    uint8_t *gone;        /* [edge] */
    int32_t *next;        /* [2 * edge + end]: the next of its node's list, or -1; gone ones stay in it for a while */
    int32_t *first;       /* [node] */
    uint32_t *degree;     /* [node] edges that are not gone */
    uint32_t *parent;     /* [node] towards the name */
    uint32_t *smallest;   /* [name] smallest node in it */
    uint32_t *slots;      /* hash table of edges that are not gone: edge + 1, 0 is free */
    uint32_t n_slots;
} pea__contraction;

/* Its memory: the hash table has two to four slots for each edge. */
enum { PEA__CONTRACTION_NODE_BYTES = 16, PEA__CONTRACTION_EDGE_BYTES = 8 + 1 + 8 + 16 };

/* Progress goes from 0 to `to`. */
pea_status pea__contraction_new(const pea_region_graph *graph, pea_context *context, double to, pea__contraction *c,
                                pea_error *err);
void pea__contraction_free(pea__contraction *c);

/* Two edges became one: returns which lives on. `low` belonged to that of the merged nodes with the smallest node. */
typedef uint32_t pea__combine_fn(void *argument, uint32_t low, uint32_t high);

void pea__contract(pea__contraction *c, uint32_t edge, pea__combine_fn *combine, void *argument);
/* For each node 1..n by the smallest node it was merged with; returns n. */
uint32_t pea__contraction_numbers(pea__contraction *c, uint32_t *numbers);

/* ---- a heap of changing keys: what is out of date is noticed when it comes up ---- */

typedef struct pea__ranked {
    double key;
    uint32_t item;
} pea__ranked;

typedef struct pea__heap {
    pea__ranked *items; /* the largest key first; of equal ones the smallest item */
    int64_t n, room;
} pea__heap;

pea_status pea__heap_push(pea__heap *heap, double key, uint32_t item, pea_error *err);
bool pea__heap_pop(pea__heap *heap, pea__ranked *top); /* false: empty */
void pea__heap_free(pea__heap *heap);

#endif
