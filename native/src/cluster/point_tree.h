/* point_tree.h - internal: points in boxes within boxes, so that those near a place are found without asking all.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_POINT_TREE_INTERNAL_H
#define PEA_POINT_TREE_INTERNAL_H

#include "array/array.h"

enum { PEA__LEAF_POINTS = 32 };

/* Node 1 is all points; the halves of node i are the nodes 2 i and 2 i + 1; those of the last level are leaves. */
typedef struct pea__point_tree {
    int64_t n, c;     /* points, components of each */
    int n_levels;     /* the last one has 1 << (n_levels - 1) leaves */
    uint32_t *order;  /* borrowed: which points, leaf after leaf */
    float *points;    /* [leaf][component][point] */
    float *low, *high; /* [node][component] */
    double *sum;      /* [node][component] */
} pea__point_tree;

/* Of values[order[i] * c ...], i < n, n at least 1: `order` is sorted by leaves and must live as long as the tree; the
 * values need not. Free the tree after failures, too. Progress goes from `from` to `to`. */
pea_status pea__point_tree_new(const float *values, uint32_t *order, int64_t n, int64_t c, pea_context *context,
                               double from, double to, pea__point_tree *tree, pea_error *err);
void pea__point_tree_free(pea__point_tree *tree);

static inline int64_t pea__point_tree_leaves(const pea__point_tree *tree)
{
    return INT64_C(1) << (tree->n_levels - 1);
}

/* Adds up the points no farther from a place than the root of `squared`. Returns how many. */
int64_t pea__point_tree_within(const pea__point_tree *tree, const double *at, double squared, double *sum);

/* For each point of a leaf, places order[*begin] and on, the nearest of n_places (c numbers each), of equals the first.
 * candidates: n_places numbers. Returns how many points there are. */
int64_t pea__point_tree_nearest(const pea__point_tree *tree, int64_t leaf, const double *const *places,
                                int64_t n_places, uint32_t *candidates, int64_t *begin,
                                uint32_t nearest[PEA__LEAF_POINTS]);

#endif
