/* cluster.h - internal: the parts that the mutex watershed and the clean-up are made of.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLUSTER_INTERNAL_H
#define PEA_CLUSTER_INTERNAL_H

#include "array/array.h"
#include "pea/cluster.h"

/* Ask memory for what will be read soon. Clustering jumps about in memory, and spends most of its time waiting. */
#if defined(__GNUC__)
#define PEA__PREFETCH(address) __builtin_prefetch(address)
#else
#define PEA__PREFETCH(address) ((void)(address))
#endif

/* Voxels between two questions whether to stop: well below a millisecond, and the question costs nothing beside. */
enum { PEA__VOXELS_AT_ONCE = 1 << 16 };

/* ---- sorting (sort.c) ---- */

typedef struct pea__pair {
    uint32_t key, value;
} pea__pair;

/* Stable, by ascending key. The sorted pairs are in `pairs` or in `scratch` (as long): *sorted says in which. Progress
 * goes from `from` to `to`. */
pea_status pea__sort_pairs(pea_context *context, pea__pair *pairs, pea__pair *scratch, int64_t n, double from,
                           double to, pea__pair **sorted, pea_error *err);

/* ---- the graph of a mutex watershed (edges.c) ---- */

enum { PEA__MAX_ATTRACTIVE = 3, PEA__ROW_AT_ONCE = 256 };

/* An edge belongs to the voxel that stores its affinity, and leads from there to the voxel one offset away. */
typedef struct pea__graph {
    pea_dims dims;
    int64_t n_voxels;
    const pea_offsets *offsets;
    int stride[3];
    const float *affinity;              /* borrowed */
    const uint8_t *mask;                /* borrowed; NULL: everything is foreground */
    int64_t flat_step[PEA_MAX_OFFSETS]; /* offsets as distances in the raster */
    uint32_t most_clusters;             /* more are refused */
} pea__graph;

struct pea__tiling;

/* The algorithm on any cut of the volume into tiles: it makes no difference. */
pea_status pea__mutex_watershed(const pea__graph *graph, const struct pea__tiling *tiling, pea_context *context,
                                uint32_t *labels, uint32_t *n_labels, pea_error *err);

/* Order-preserving number of a weight that is not NaN, at least 1; -0 and 0 are the same. */
uint32_t pea__weight_key(float weight);

/* Keys of the edges of offset k that the voxels (z, y, x + i * step), i < n, store; all of them lead to a voxel of the
 * volume. 0 where the mask leaves no edge. */
void pea__edge_keys(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x, int64_t step, int64_t n,
                    uint32_t *keys);

/* Voxels x of a row, within [from, to), whose neighbour at distance `step` along the row is in the volume too. */
void pea__edge_range(int64_t n_x, int64_t step, int64_t *from, int64_t *to);

int64_t pea__edge_find_nan(const pea__graph *graph, int64_t p, int64_t n); /* element of the affinity, or -1 */

/* For every voxel the largest key of the repulsive edges at it, 0: none. */
pea_status pea__repulsion(const pea__graph *graph, pea_context *context, double from, double to, uint32_t *level,
                          pea_error *err);

/* ---- merges that are certain (contract.c) ---- */

enum { PEA__TILE_VOXELS = 1 << 14, PEA__TILE_DEPTH = 8 }; /* affinities often fall off along z: flat is better */

/* How a volume is cut into boxes that a processor's cache holds. */
typedef struct pea__tiling {
    int64_t size[3], count[3], n; /* z, y, x */
} pea__tiling;

typedef struct pea__box {
    int64_t begin[3], end[3];
} pea__box;

/* Tiles of at most `n_voxels` voxels, itself at most PEA__TILE_VOXELS, and at most `depth` planes. */
pea__tiling pea__tiling_of(pea_dims dims, int64_t depth, int64_t n_voxels);
pea__box pea__tile_box(const pea__tiling *tiling, pea_dims dims, int64_t tile);

/* An edge inside a tile. Of two with the same key the one with the larger tie comes first. */
typedef struct pea__tile_edge {
    uint32_t key;
    uint32_t tie;  /* offset * PEA__TILE_VOXELS + voxel of the tile */
    uint32_t ends; /* two clusters of the tile, 16 bits each */
} pea__tile_edge;

/* What is left of a tile. */
typedef struct pea__tile {
    pea__tile_edge *edges; /* owned: pea__free() */
    int32_t n_edges;
    uint32_t n_clusters, first_cluster;
    int64_t nan_at; /* element of the affinity, -1: none */
    bool failed;    /* there was no memory */
} pea__tile;

#define PEA__NO_CLUSTER UINT32_MAX

/* Clusters that every order of work would make. `labels` holds the levels of repulsion before, and afterwards the
 * cluster of every voxel, PEA__NO_CLUSTER outside the mask. Free each tile's edges. */
pea_status pea__contract_tiles(const pea__graph *graph, const pea__tiling *tiling, pea_context *context, double from,
                                double to, uint32_t *labels, pea__tile *tiles, uint32_t *n_clusters,
                                pea_error *err);

/* ---- the graph of clusters: attractive and repulsive edges in two lists, in any order ---- */

/* Edge i joins the clusters ends[i] >> 32 and ends[i] & UINT32_MAX, of which the first is the smaller. */
typedef struct pea__edges {
    uint64_t *ends; /* owned, as what follows: pea__edges_free() */
    uint32_t *key;
    uint64_t *id; /* flat index k * n_voxels + p; NULL for repulsive edges, whose ties do not matter */
    int64_t n;
} pea__edges;

typedef struct pea__cluster_graph {
    uint32_t n_clusters;
    pea__edges attractive, repulsive;
} pea__cluster_graph;

static inline uint64_t pea__ends(uint32_t a, uint32_t b)
{
    return a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
}

void pea__edges_free(pea__edges *edges);

/* Edges between the clusters that tiles left (collect.c). Takes the edges of the tiles. */
pea_status pea__collect(const pea__graph *graph, const pea__tiling *tiling, pea_context *context, double from,
                        double to, const uint32_t *labels, pea__tile *tiles, pea__cluster_graph *clusters,
                        pea_error *err);

enum { PEA__EDGE_BYTES = 20, PEA__SHRINK_BYTES = 24 }; /* of an edge, and of a cluster while shrinking */

/* Merges that are certain, seen from the whole graph (shrink.c). Clusters and edges become fewer; number[c] is what a
 * former cluster c has become. */
pea_status pea__shrink(pea__cluster_graph *clusters, pea_context *context, double from, double to, uint32_t *number,
                       pea_error *err);

/* Indices of edges (value) by rising key, and those of equal keys by rising id if they have any (order.c). `order` is
 * owned: pea__free_unset(). */
pea_status pea__edges_order(const pea__edges *edges, pea_context *context, double from, double to, pea__pair **order,
                            pea_error *err);

/* The rest of the algorithm, edge after edge (grow.c). `parent` becomes a forest whose roots are the final clusters. */
pea_status pea__grow(const pea__cluster_graph *clusters, pea_context *context, double from, double to, int32_t *parent,
                     pea_error *err);

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

/* ---- specks (mask_remove_small.c) ---- */

/* Clear the 8-connected components, plane by plane, of fewer than min_size voxels that are not 0: of a mask (uint8) or of
 * labels (uint32), whatever their numbers. (z,y,x,1) in the caller's stage. */
pea_status pea__specks_remove(const pea_array *array, int64_t min_size, pea_context *context, pea_error *err);

#endif
