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

/* Level of a voxel that has an edge of which only its place is known: no key is as large. */
#define PEA__UNKNOWN (UINT32_MAX - 1)

/* Label of a voxel outside the mask while there are clusters and no labels. */
#define PEA__NO_CLUSTER UINT32_MAX

/* Affinities of a slab: of all its voxels (z,y,x,k); or the attractive ones of all voxels (z,y,x,n_axes), and the
 * repulsive ones (z,y,x,k - n_axes) of those voxels alone of which every coordinate in the volume is a multiple of its
 * stride. */
typedef struct pea__slab_affinity {
    const void *data, *sampled; /* borrowed; NULL: `data` has all of them */
    pea_dtype dtype;            /* float32, float16, or uint8 of which 255 is 1 */
} pea__slab_affinity;

/* A volume and the slab of it that is looked at: planes of the axis `along`, of z or of y. What is before it was looked
 * at. The last planes that came are held back, as far as attractive edges lead: were the weights of these edges not known,
 * every voxel of the slab's last plane would be a cluster that may still change.
 *
 *     ..., begin - 1 | begin, ..., fresh - 1 | fresh, ..., end - 1 | end, ..., arrived - 1 | arrived, ...
 *     looked at        held back before        of `affinity`         held back now           not there yet
 *                      `------------- the slab -----------'
 *
 * An edge belongs to the voxel that stores its affinity, and leads from there to the voxel one offset away. */
typedef struct pea__graph {
    pea_dims dims;
    int64_t n_voxels;
    const pea_offsets *offsets;
    int64_t stride[3];
    int64_t flat_step[PEA_MAX_OFFSETS]; /* offsets as distances in the raster */
    int64_t ahead[PEA_MAX_OFFSETS];     /* offsets as distances in planes */
    int along;                          /* 0: z, 1: y */
    int64_t n_planes, plane;            /* along it; voxels of one */
    int64_t begin, end;                 /* planes of the slab */
    int64_t fresh, arrived;             /* planes of `affinity` and `mask` */
    int64_t n_held;                     /* planes that are held back */
    pea__slab_affinity affinity;
    float factor[2];                    /* of weights that attract, of those that repel: see pea__weight_factors() */
    uint32_t byte_keys[2][256];         /* of such a byte that attracts, of one that repels */
    const uint8_t *mask;                /* borrowed; NULL: everything is foreground */
    uint8_t *held_mask;                 /* by plane % n_held */
    const uint32_t *labels;             /* of the volume: before the slab, PEA__NO_CLUSTER is outside the mask */
    uint32_t *waiting[PEA_MAX_OFFSETS]; /* keys of edges that planes before `fresh` store, by plane % n_waiting */
    int64_t n_waiting[PEA_MAX_OFFSETS]; /* planes: those held back, and before them as many as the edges lead ahead */
} pea__graph;

static inline int64_t pea__plane_of(const pea__graph *graph, int64_t z, int64_t y)
{
    return graph->along == 0 ? z : y;
}

/* Order-preserving number of a weight that is not NaN, at least 1; -0 and 0 are the same. */
uint32_t pea__weight_key(float weight);

/* What weights are multiplied by so that both kinds are equal at the affinity `cut`; none is above 1, at 0.5 both are. */
void pea__weight_factors(double cut, float factor[2]);
void pea__byte_keys(const float factor[2], uint32_t keys[2][256]);
pea_status pea__affinity_check(const pea_array *affinity, pea_error *err); /* data there, of a type that has weights */

/* Keys of the edges of offset k that the voxels (z, y, x + i * step), i < n, store. All of them lead to a voxel that
 * came, and one end at least is in the slab. 0 where the mask leaves no edge. `step` divides x, and for a repulsive edge
 * is the stride. */
void pea__edge_keys(const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t x, int64_t step, int64_t n,
                    uint32_t *keys);

/* Voxels x of a row, within [from, to), whose neighbour at distance `step` along the row is in the volume too. */
void pea__edge_range(int64_t n_x, int64_t step, int64_t *from, int64_t *to);

/* Whether the voxels of row (z,y) store edges of offset k, as far as rows decide that. */
bool pea__edge_row(const pea__graph *graph, size_t k, int64_t z, int64_t y);

/* Of a row that is not looked at yet, but came: which voxels are in the mask; NULL: all. */
const uint8_t *pea__mask_row(const pea__graph *graph, int64_t z, int64_t y);

int64_t pea__affinity_channels(const pea__graph *graph); /* of `data` */
int64_t pea__edge_find_nan(const pea__graph *graph, int64_t p, int64_t n); /* element of the whole affinity, or -1 */
pea_status pea__edge_refuse_nan(const pea__graph *graph, int64_t at, pea_error *err);

/* For every voxel of the slab the largest key of the repulsive edges at it, 0: none. `level` begins at the slab. */
pea_status pea__repulsion(const pea__graph *graph, pea_context *context, double from, double to, uint32_t *level,
                          pea_error *err);

/* Keep what later slabs need of these affinities and of the mask. NaN is refused in what is held back. */
pea_status pea__edges_wait(const pea__graph *graph, pea_error *err);
int64_t pea__waiting_keys(const pea__graph *graph, size_t k); /* how many there are of offset k */

/* ---- boxes of a slab (tiling.c) ---- */

enum { PEA__TILE_VOXELS = 1 << 15, PEA__TILE_DEPTH = 4 }; /* affinities often fall off along z: flat is better */

/* How a slab is cut into boxes that a processor's cache holds. */
typedef struct pea__tiling {
    int64_t begin[3], end[3];     /* z, y, x of the slab */
    int64_t size[3], count[3], n; /* of boxes */
} pea__tiling;

typedef struct pea__box {
    int64_t begin[3], end[3];
} pea__box;

/* Tiles of at most `size` (z,y,x), PEA__TILE_VOXELS voxels together; NULL: as is good. */
pea__tiling pea__tiling_of(const pea__graph *graph, const int64_t *size);
pea__box pea__tile_box(const pea__tiling *tiling, int64_t tile);

/* ---- merges that are certain (contract.c) ---- */

/* An edge inside a tile. Of two with the same key the one with the larger tie comes first. */
typedef struct pea__tile_edge {
    uint32_t key;
    uint32_t tie;  /* offset * PEA__TILE_VOXELS + voxel of the tile */
    uint32_t ends; /* two clusters of the tile, 16 bits each */
} pea__tile_edge;

/* What is left of a tile. */
typedef struct pea__tile_graph {
    pea__tile_edge *edges; /* owned: pea__free() */
    int32_t n_edges;
    uint32_t n_clusters, first_cluster;
    int64_t nan_at; /* element of the affinity, -1: none */
    bool failed;    /* there was no memory */
} pea__tile_graph;

/* Clusters that every order of work would make. `labels`, of the slab, hold the levels of repulsion before, and
 * afterwards the cluster of every voxel from `first` on, PEA__NO_CLUSTER outside the mask. More than `most` clusters
 * are refused. Free each tile's edges. */
pea_status pea__contract_tiles(const pea__graph *graph, const pea__tiling *tiling, pea_context *context, double from,
                               double to, uint32_t first, uint32_t most, uint32_t *labels, pea__tile_graph *tiles,
                               uint32_t *n_clusters, pea_error *err);

/* ---- the graph of clusters that may still change: attractive and repulsive edges in two lists, in any order ---- */

/* Edge i joins the clusters ends[i] >> 32 and ends[i] & UINT32_MAX, of which the first is the smaller. */
typedef struct pea__edges {
    uint64_t *ends; /* owned, as what follows: pea__edges_free() */
    uint32_t *key;
    uint64_t *id; /* flat index k * n_voxels + p; NULL for repulsive edges, whose ties do not matter */
    int64_t n, capacity;
} pea__edges;

/* What is not known of a cluster because it is not there yet. */
enum {
    PEA__OPEN = 1,   /* attractive edges */
    PEA__FOREIGN = 2 /* repulsive ones */
};

typedef struct pea__cluster_graph {
    uint32_t n_clusters;
    uint8_t *unknown; /* owned; by cluster */
    pea__edges attractive, repulsive;
} pea__cluster_graph;

static inline uint64_t pea__ends(uint32_t a, uint32_t b)
{
    return a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
}

pea_status pea__edges_reserve(pea__edges *edges, int64_t n, bool with_id, pea_error *err);
void pea__edges_free(pea__edges *edges);

/* ---- which clusters became one: a forest of all that there ever were ---- */

/* By cluster: the one that it became part of; or, of a root, ~ its number in the graph; or, of a root that will not
 * change any more, PEA__FINAL. */
#define PEA__FINAL INT32_MIN

static inline int32_t pea__root_value(const int32_t *forest, uint32_t cluster)
{
    while (forest[cluster] >= 0)
        cluster = (uint32_t)forest[cluster];
    return forest[cluster];
}

/* Edges between the clusters that tiles left, and between those and earlier ones (collect.c), are added to the graph.
 * Takes the edges of the tiles. */
pea_status pea__collect(const pea__graph *graph, const pea__tiling *tiling, pea_context *context, double from,
                        double to, const int32_t *forest, pea__tile_graph *tiles, pea__cluster_graph *clusters,
                        pea_error *err);

enum { PEA__EDGE_BYTES = 20, PEA__SHRINK_BYTES = 28 }; /* of an edge; of a cluster while shrinking, its number included */

/* Edges get new numbers of their ends (sift.c). Those inside a cluster go, those at PEA__NO_CLUSTER and those whose key
 * is 0; of those between the same two clusters mostly the earliest alone stays. */
pea_status pea__edges_sift(pea__edges *edges, const uint32_t *number, pea_context *context, double fraction,
                           pea_error *err);

/* The same in steps: edges from..to-1 go behind the first n, or on one of them. Returns how many there are then. `seen`
 * has PEA__SIFT_BYTES, which pea__sift_begin() sets. */
enum { PEA__SIFT_BYTES = 16 << 13 };
void pea__sift_begin(void *seen);
int64_t pea__sift_some(pea__edges *edges, const uint32_t *number, void *seen, int64_t n, int64_t from, int64_t to);

/* A part of a graph (lanes.c): clusters of consecutive numbers, which count from 0 there, and edges among them. */
typedef struct pea__lane {
    pea__cluster_graph graph; /* its arrays are those of the whole */
    uint32_t first, n_before; /* its clusters in the whole, as it was cut */
    int64_t n_edges[2];       /* places in the whole's lists: attractive, repulsive */
    int64_t n_own[2];         /* of these, when it was cut, the lane's own; behind them are those that leave it */
} pea__lane;

/* fn for the items 0..n[lane] - 1 of every lane, some at a time and in order: in its lane from..to-1. Lanes side by side. */
typedef void pea__lane_fn(void *argument, int lane, int64_t from, int64_t to);
pea_status pea__lanes_run(int n_lanes, const int64_t *n, pea__lane_fn *fn, void *argument, pea_context *context,
                          double done, pea_error *err);

/* Where the n lanes begin does not matter to what is certain, only to how much. bar[c] becomes the largest key of the edges
 * that leave c's lane, 0: none. Until the lanes are joined, and after a failure, the whole is not to be read. */
pea_status pea__lanes_cut(pea__cluster_graph *whole, int n, pea__lane *lanes, uint32_t *bar, pea_context *context,
                          double done, pea_error *err);

/* Lanes of fewer clusters and edges become the whole again. number[c], c before: what it has become, in its lane and then
 * in the whole. `seen` as in pea__sift_some(). */
pea_status pea__lanes_join(pea__cluster_graph *whole, pea__lane *lanes, int n, uint32_t *number, void *seen,
                           pea_context *context, double done, pea_error *err);

/* Merges that are certain, seen from the whole graph (shrink.c). Clusters and edges become fewer; number[c] becomes what
 * the cluster c has become. Threads share graphs of several times `alone` clusters. After a failure the graph is not to be
 * read. */
pea_status pea__shrink(pea__cluster_graph *clusters, pea_context *context, double from, double to, uint32_t alone,
                       uint32_t *number, pea_error *err);

/* Indices of edges (value) by rising key, and those of equal keys by rising id if they have any (order.c). `order` is
 * owned: pea__free_unset(). */
pea_status pea__edges_order(const pea__edges *edges, pea_context *context, double from, double to, pea__pair **order,
                            pea_error *err);

/* The rest of the algorithm, edge after edge (grow.c), as far as it is certain. `parent` becomes a forest whose roots
 * are the clusters; a root that is not PEA__OPEN is final. Attractive edges that will never do anything get the key
 * 0. */
pea_status pea__grow(const pea__cluster_graph *clusters, pea_context *context, double from, double to, int32_t *parent,
                     pea_error *err);

/* ---- slab by slab (mutex_slabs.c) ---- */

/* What makes no difference to the labels; for tests. */
typedef struct pea__slab_tuning {
    int64_t tile[3];        /* z,y,x; all 0: as is good */
    int64_t patience;       /* edges to wait for before they are looked at */
    uint32_t walkable;      /* so many clusters are walked as they are, more only after they were shrunk */
    uint32_t most_clusters; /* more are refused */
    int64_t first_plane;    /* nothing is before it: the caller's labels there are PEA__NO_CLUSTER, and stay */
} pea__slab_tuning;

/* Memory beside the labels and a slab of so many planes, for noise: images are better. */
uint64_t pea__mutex_slabs_forecast(pea_dims dims, const pea_offsets *offsets, const int stride[3], int64_t n_planes,
                                   int n_threads);
int64_t pea__mutex_slab_planes(pea_dims dims); /* of the slabs that pea_mutex_watershed() makes */

void pea__mutex_slabs_tune(pea_mutex_slabs *slabs, pea__slab_tuning tuning);
uint64_t pea__mutex_slabs_bytes(const pea_mutex_slabs *slabs); /* kept between two slabs, beside the labels */

/* As the public calls, but for checks and stages. */
pea_status pea__mutex_slabs_add(pea_mutex_slabs *slabs, pea__slab_affinity affinity, const uint8_t *mask,
                                int64_t n_planes, pea_error *err);
pea_status pea__mutex_slabs_finish(pea_mutex_slabs *slabs, uint32_t *n_labels, pea_error *err);

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
/* Whether one of those that a must not join has one of the bits `wanted`. */
bool pea__constraints_meet(const pea__constraints *constraints, uint32_t a, const uint8_t *bits, uint8_t wanted);
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

/* ---- mean shift (mean_shift.c) ---- */

/* What it takes at most, beside embeddings and labels. */
uint64_t pea__mean_shift_bytes(uint64_t n_points, uint64_t c, int n_threads);

/* ---- specks (mask_remove_small.c) ---- */

/* A plane of any kind that can tell which pixels of a row are set, twice in turn for all rows, and can clear some. */
typedef struct pea__specks {
    int64_t n_y, n_x, min_size;
    void (*cover)(void *user, int64_t y, uint8_t *row); /* fill: 0 or not */
    void (*clear)(void *user, int64_t y, int64_t begin, int64_t end);
    void *user;
} pea__specks;

/* Clear the 8-connected components of fewer than min_size pixels. The caller's stage goes on by its whole window. */
pea_status pea__specks_clear(const pea__specks *plane, pea_context *context, pea_error *err);

#endif
