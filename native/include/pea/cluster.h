/* cluster.h - from affinities to instance labels, and tidying label images.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLUSTER_H
#define PEA_CLUSTER_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pea_mutex_options {
    size_t struct_size;
    int stride[3]; /* z,y,x, default 1,1,1: a repulsive edge exists only where every coordinate of the voxel that
                    * stores it is a multiple of its stride; attractive edges are never thinned */
    double cut;    /* the affinity at which both kinds of edges weigh the same, PEA_CUT_MIN to _MAX; default 0.5 */
} pea_mutex_options;

#define PEA_CUT_MIN 0.001
#define PEA_CUT_MAX 0.999

pea_mutex_options pea_mutex_options_default(void);

/**
 * Mutex watershed. The first n_axes offsets attract with weight a, all others repel with weight 1 - a. Edges are
 * taken by descending weight; on equal weight the larger flat index k * n_voxels + p first.
 *
 * With a cut t other than 0.5 the weights are a (1 - t) / t and 1 - a where t is above 0.5, a and (1 - a) t / (1 - t)
 * where it is below, each rounded to float32.
 *
 * @param affinity  borrowed  float32 or float16 (z,y,x,k), k == offsets->n, NaN is refused; or uint8, of which i is
 *                            i / 255.0f
 * @param mask      borrowed  uint8 (z,y,x,1), 0 is background; NULL: everything is foreground
 * @param labels    filled    uint32 (z,y,x,1): 1..n in raster order of the first voxel, 0 outside the mask
 * @param n_labels  filled    n; may be NULL
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_FORMAT for NaN; PEA_E_LIMIT; PEA_E_NOMEM;
 *         PEA_E_CANCELLED
 * Memory besides the arrays: that of slabs, as pea_mutex_slabs_add() tells, of 16 million voxels (of a plane: 2
 * million) or 32 planes (or rows), what is more. Time grows with the number of voxels.
 * Source: Wolf et al., arXiv 1904.12654.
 */
pea_status pea_mutex_watershed(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                               const pea_mutex_options *options, pea_context *context, const pea_array *labels,
                               uint32_t *n_labels, pea_error *err);

/* The mutex watershed of a volume that comes in slabs: of z where there is more than one plane, otherwise of y. The
 * same labels as pea_mutex_watershed() of the whole, however it is cut. One thread at a time. */
typedef struct pea_mutex_slabs pea_mutex_slabs;

/**
 * Begin.
 *
 * @param dims     of the whole; c is ignored
 * @param options  borrowed  NULL: the defaults
 * @param context  lent by the caller until the end; NULL: one thread
 * @param labels   lent by the caller until the end: uint32 (z,y,x,1) of the whole, which belongs to the slabs meanwhile
 * @param slabs    owned by the caller afterwards: pea_mutex_slabs_free()
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_NOMEM
 */
pea_status pea_mutex_slabs_new(pea_dims dims, const pea_offsets *offsets, const pea_mutex_options *options,
                               pea_context *context, const pea_array *labels, pea_mutex_slabs **slabs, pea_error *err);

/**
 * The next slab, in order from the first plane (or row) on; in a stage named "cluster". After a failure of the work,
 * and not of a check of what was given, only pea_mutex_slabs_free() is of use. Thicker slabs take less time: 32 planes,
 * or rows, and more are good.
 *
 * @param affinity  borrowed  as of pea_mutex_watershed(), of one plane (or row) and more
 * @param mask      borrowed  uint8 (z,y,x,1) of the slab; in every slab or, NULL, in none
 * @return as pea_mutex_watershed(); PEA_E_SHAPE also for more planes than are left
 * Memory kept between slabs, besides the labels: about a byte a voxel where there are objects, 2 for noise, up to
 * 100 MB of edges that wait in a volume, and for each voxel of a plane 4 bytes for each offset that attracts and for
 * some of those that repel; much more only where all affinities are the same. For the work on a slab: 15
 * to 40 bytes for each of its voxels where few store repulsive edges, some 50 for each of those edges where many do.
 */
pea_status pea_mutex_slabs_add(pea_mutex_slabs *slabs, const pea_array *affinity, const pea_array *mask,
                               pea_error *err);

/**
 * After the last slab: fill the labels, 1..n in raster order of the first voxel, 0 outside the mask.
 * @param n_labels  filled  n; may be NULL
 * @return as pea_mutex_watershed(); PEA_E_ARG while planes are missing, and after a failure
 */
pea_status pea_mutex_slabs_finish(pea_mutex_slabs *slabs, uint32_t *n_labels, pea_error *err);

void pea_mutex_slabs_free(pea_mutex_slabs *slabs); /* NULL allowed; the labels stay the caller's */

/* What follows changes labels or a mask in place, in a stage named "clean up". After a failure, PEA_E_CANCELLED
 * included, they may be changed in part: discard them. */

/**
 * Labels become 1..n; which label is which number follows the raster order of first voxels.
 * @param labels    borrowed and changed in place  uint32 (z,y,x,1)
 * @param n_labels  filled    n; may be NULL
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_LIMIT for more than 2^29 labels;
 *         PEA_E_NOMEM; PEA_E_CANCELLED
 */
pea_status pea_relabel(const pea_array *labels, pea_context *context, uint32_t *n_labels, pea_error *err);

/* One pass of the paper's small-object merging: objects of at most max_size voxels, window side in pixels. */
typedef struct pea_merge_pass {
    int32_t max_size, window;
} pea_merge_pass;

/**
 * Merge small objects as the paper's code does, quirks included (stale sizes, three labels needed in the window,
 * nothing near the top and left border). Each plane on its own.
 * @param labels  borrowed and changed in place  uint32 (z,y,x,1)
 * @param passes  borrowed  run one after another; max_size at least 0, window at least 1
 * @return as pea_relabel(); PEA_E_LIMIT also for a plane of more than 2^31 - 1 pixels
 * Memory: the objects, and 12 bytes for each row of those that are small enough to be merged.
 */
pea_status pea_merge_small(const pea_array *labels, const pea_merge_pass *passes, size_t n_passes,
                           pea_context *context, pea_error *err);

/**
 * Objects of fewer than min_size voxels become background, wherever they are.
 * @param labels    borrowed and changed in place  uint32 (z,y,x,1)
 * @param min_size  at least 0
 * @return as pea_relabel()
 */
pea_status pea_remove_small(const pea_array *labels, int64_t min_size, pea_context *context, pea_error *err);

/**
 * Only the n_kept largest objects stay; of equal ones those whose first voxel comes first in the raster.
 * @param labels  borrowed and changed in place  uint32 (z,y,x,1)
 * @param n_kept  at least 1
 * @return as pea_relabel()
 */
pea_status pea_keep_largest(const pea_array *labels, int64_t n_kept, pea_context *context, pea_error *err);

/* Which voxels touch. */
typedef enum pea_connectivity {
    PEA_CONNECT_FACES,  /* 6 neighbours in a volume, 4 in a plane */
    PEA_CONNECT_EDGES,  /* those across an edge as well: 18, and 8 */
    PEA_CONNECT_CORNERS /* those across a corner as well: 26, and 8 */
} pea_connectivity;

/**
 * Background that one object encloses becomes that object. A hole is a connected set of voxels 0 that does not come to
 * the border of the volume (of a plane: its four sides) and touches no second label.
 * @param labels        borrowed and changed in place  uint32 (z,y,x,1)
 * @param connectivity  of the background: by PEA_CONNECT_FACES a thin diagonal wall encloses
 * @return as pea_relabel(); PEA_E_LIMIT also where the context's memory limit is too small for the runs, with the bytes
 * Memory: 8 bytes for each run of equal labels in a row, 4 for each row, 5 for each connected set of background. One
 * pass over the runs for each question, none for each label. The same for pea_split_parts() and
 * pea_keep_largest_parts(), with 4 and 16 bytes for each connected part.
 */
pea_status pea_fill_holes(const pea_array *labels, pea_connectivity connectivity, pea_context *context,
                          pea_error *err);

/**
 * Every connected part of an object becomes an object of its own: labels become 1..n, in the raster order of first
 * voxels.
 * @param labels    borrowed and changed in place  uint32 (z,y,x,1)
 * @param n_labels  filled    n; may be NULL
 * @return as pea_fill_holes()
 */
pea_status pea_split_parts(const pea_array *labels, pea_connectivity connectivity, pea_context *context,
                           uint32_t *n_labels, pea_error *err);

/**
 * Of every object only its largest connected part stays, of equal ones the first in the raster; the others become
 * background.
 * @param labels  borrowed and changed in place  uint32 (z,y,x,1)
 * @return as pea_fill_holes()
 */
pea_status pea_keep_largest_parts(const pea_array *labels, pea_connectivity connectivity, pea_context *context,
                                  pea_error *err);

/**
 * Objects of fewer than min_size voxels go to the neighbour that they are most alike: that with the highest mean of the
 * affinities at the attractive offsets between the two. The smallest goes first; what it becomes a part of keeps its
 * own label, and goes next itself if it is still too small. Of equals the smaller label. Who touches nobody stays.
 * @param labels    borrowed and changed in place  uint32 (z,y,x,1)
 * @param affinity  borrowed  float32 (z,y,x,k), k == offsets->n; finite between two objects, not read elsewhere
 * @param min_size  at least 0
 * @return as pea_region_graph_build()
 * Memory: that of the region graph and some 100 bytes for each pair of objects that touch.
 */
pea_status pea_absorb_small(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                            int64_t min_size, pea_context *context, pea_error *err);

/**
 * Components of a mask (8-connected in a plane; each plane on its own) of fewer than min_size voxels are cleared.
 * @param mask      borrowed and changed in place  uint8 (z,y,x,1), not 0 is inside
 * @param min_size  at least 0
 * @return as pea_merge_small(); PEA_E_LIMIT only for more than 2^31 - 1 components
 * Memory: two rows and the components, whatever the size of the plane.
 */
pea_status pea_mask_remove_small(const pea_array *mask, int64_t min_size, pea_context *context, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
