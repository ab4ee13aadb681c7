/* cluster.h - internal: the parts that the mutex watershed and the clean-up are made of.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLUSTER_INTERNAL_H
#define PEA_CLUSTER_INTERNAL_H

#include "array/array.h"
#include "pea/cluster.h"

/* Ask memory for what will be read soon. Clustering jumps about in memory, and spends most of its time waiting for it. */
#if defined(__GNUC__)
#define PEA__PREFETCH(address) __builtin_prefetch(address)
#else
#define PEA__PREFETCH(address) ((void)(address))
#endif

/* Voxels between two questions whether to stop: well below a millisecond, and the question costs nothing beside them. */
enum { PEA__VOXELS_AT_ONCE = 1 << 16 };

/* ---- sorting (sort.c) ---- */

typedef struct pea__pair {
    uint32_t key, value;
} pea__pair;

/* Stable, by ascending key. The sorted pairs are in `pairs` or in `scratch` (as long): *sorted says in which. Progress goes
 * from `from` to `to`. */
pea_status pea__sort_pairs(pea_context *context, pea__pair *pairs, pea__pair *scratch, int64_t n, double from,
                           double to, pea__pair **sorted, pea_error *err);

/* ---- the graph of a mutex watershed (edges.c) ---- */

typedef struct pea__graph {
    pea_dims dims;
    int64_t n_voxels;
    const pea_offsets *offsets;
    int stride[3];
    const float *affinity;            /* borrowed */
    const uint8_t *mask;              /* borrowed; NULL: everything is foreground */
    int64_t flat_step[PEA_MAX_OFFSETS]; /* offsets as distances in the raster */
} pea__graph;

/* Edges that exist, ordered by ascending flat index k * n_voxels + p. Their key ascends with the weight. */
typedef struct pea__edges {
    pea__pair *pairs; /* owned: pea__free_unset(); value is the flat index */
    int64_t n;
} pea__edges;

/* Order-preserving number of a weight that is not NaN; -0 and 0 are the same. */
uint32_t pea__weight_key(float weight);

/* Collect the edges; refuses NaN (PEA_E_FORMAT, with the place). The forecast of memory is checked here, when the number
 * of edges is known: PEA_E_LIMIT. */
pea_status pea__edges_collect(const pea__graph *graph, pea_context *context, double from, double to,
                              pea__edges *edges, pea_error *err);

/* ---- who must not join whom (constraints.c) ---- */

/* For every cluster root the set of roots it must not join, kept symmetric. */
typedef struct pea__constraints pea__constraints;

pea_status pea__constraints_new(int64_t n_nodes, pea__constraints **constraints, pea_error *err);
void pea__constraints_free(pea__constraints *constraints); /* NULL allowed */
void pea__constraints_prefetch(const pea__constraints *constraints, uint32_t a); /* its set will be asked for */
bool pea__constraints_has(const pea__constraints *constraints, uint32_t a, uint32_t b);
/* Forbid a and b, which are not the same and not yet forbidden, to join. */
pea_status pea__constraints_add(pea__constraints *constraints, uint32_t a, uint32_t b, pea_error *err);
uint32_t pea__constraints_count(const pea__constraints *constraints, uint32_t a);
/* b is no root any more: what held for it holds for a. */
pea_status pea__constraints_inherit(pea__constraints *constraints, uint32_t a, uint32_t b, pea_error *err);

/* ---- numbers for labels (label_map.c) ---- */

/* Gives every distinct label a number 0,1,2... in the order of first asking. Grows as needed. */
typedef struct pea__label_map {
    uint32_t *slots;  /* number + 1, 0 is free */
    uint32_t *labels; /* by number */
    uint32_t n, n_slots;
    pea_context *context; /* asked whether to stop while the table grows; NULL: nobody is */
} pea__label_map; /* all zero: empty */

pea_status pea__label_map_number(pea__label_map *map, uint32_t label, uint32_t *number, pea_error *err);
void pea__label_map_free(pea__label_map *map);

#endif
