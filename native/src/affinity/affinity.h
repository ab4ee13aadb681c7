/* affinity.h - internal: vectors of length 1, and what prediction and ground truth share about borders.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_AFFINITY_INTERNAL_H
#define PEA_AFFINITY_INTERNAL_H

#include "array/array.h"
#include "pea/affinity.h"

/* Divide n vectors of n_channels numbers by their lengths; a zero vector stays zero. `to` may be `from`. */
void pea__vectors_normalise(const float *from, int64_t n_channels, int64_t n, float *to);
/* All of a float32 (z,y,x,c), with progress between two fractions. `unit` may be its own data. */
pea_status pea__embedding_normalise(const pea_array *embedding, pea_context *context, double from, double to,
                                    float *unit, pea_error *err);

/* A row of n vectors, normalised, as affinities are made of it: channel by channel, pea__unit_pitch() floats apart. */
int64_t pea__unit_pitch(int64_t n);
void pea__unit_row(const float *from, int64_t n_channels, int64_t n, float *to);

/* Bytes that pea_affinity_from_embedding() takes: of an embedding, float32 with d.c channels. */
uint64_t pea__affinity_scratch(pea_dims d, const pea_offsets *offsets, const pea_affinity_options *options,
                               int n_workers);
uint64_t pea__affinity_rows_scratch(const pea_offsets *offsets, int n_workers); /* of pea__affinity_rows() */

/* How many of the coordinates from <= i < to are multiples of the stride. */
static inline int64_t pea__kept(int64_t from, int64_t to, int stride)
{
    return pea__ceil_div(to, stride) - pea__ceil_div(from, stride);
}

/* A part of an embedding, z,y,x: voxel `begin` of it is voxel `at` of the volume, from which strides count. */
typedef struct pea__embedding_box {
    int64_t begin[3], end[3], at[3];
} pea__embedding_box;

/* Affinities of the voxels of a box, as pea_affinity_from_embedding() gives them: the same numbers. affinity: float32
 * (z,y,x,n_axes) of the whole embedding, filled in the box with the attractive ones; sampled: (z,y,x,k - n_axes), the
 * repulsive ones of those voxels of the box alone whose coordinates in the volume are multiples of the stride. Where
 * sampled is NULL, all are in `affinity`, (z,y,x,k). */
pea_status pea__affinity_box(const pea_array *embedding, const pea_offsets *offsets,
                             const pea_affinity_options *options, const pea__embedding_box *box, pea_context *context,
                             float *affinity, float *sampled, pea_error *err);

/* Some rows of a plane's normalised embedding, each as pea__unit_row() makes it. */
typedef struct pea__unit_rows {
    const float *data;
    pea_dims plane; /* (1,y,x,c), the whole of it */
    int64_t first;  /* data begins with this row */
} pea__unit_rows;

/* Affinities of the rows y0 <= y < y1 of a plane, as pea_affinity_from_embedding() gives them without a border rule: the
 * same numbers. `rows` reach as far as the offsets do. stride: z,y,x. attractive: float32 (y1 - y0, x, n_axes); repulsive:
 * (y,x,k - n_axes) of the voxels of these rows alone whose coordinates are multiples of the stride. */
pea_status pea__affinity_rows(const pea__unit_rows *rows, const pea_offsets *offsets, const int stride[3], int64_t y0,
                              int64_t y1, pea_context *context, float *attractive, float *repulsive, pea_error *err);

/* Whether an offset is one step backwards along a single axis, and stays inside everywhere but in one first plane: only
 * then can that plane be told from the others. `axis` is 0, 1, 2 for z, y, x. */
static inline bool pea__is_unit_back(pea_offset o, int axis)
{
    return o.z == -(axis == 0) && o.y == -(axis == 1) && o.x == -(axis == 2);
}

/* Ground truth of an edge at offset k whose partner is outside: the 3-D networks' small targets say "foreground" in the
 * first plane of each axis. */
static inline bool pea__truth_outside(pea_truth_rule rule, size_t k, uint32_t label)
{
    if (rule == PEA_TRUTH_2D)
        return true;
    return rule == PEA_TRUTH_3D_REPLICATE && k < 3 && label > 0;
}

static inline bool pea__truth_inside(pea_truth_rule rule, uint32_t label, uint32_t partner)
{
    return label == partner && (rule == PEA_TRUTH_2D || label > 0);
}

/* The coordinates a <= i < b of an axis of n voxels whose partner i + step is inside; a == b where there is none. */
static inline void pea__inside_range(int64_t n, int64_t step, int64_t *a, int64_t *b)
{
    *a = pea__min_i64(pea__max_i64(-step, 0), n);
    *b = pea__max_i64(pea__min_i64(n - step, n), *a);
}

#endif
