/* array.h - internal: checks of views, and where a neighbour is.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_ARRAY_INTERNAL_H
#define PEA_ARRAY_INTERNAL_H

#include "base/base.h"
#include "pea/array.h"
#include "pea/weights.h"

/* Number of voxels z*y*x, and of elements with c; false where an extent is < 1 or the address space is too small. */
bool pea__dims_count(pea_dims dims, size_t element_bytes, int64_t *n_voxels, int64_t *n_elements);

/* An array that can be worked on: data there, extents positive, product in range, dtype as wanted (0: any numeric).
 * `what` names it in messages: "labels must be uint32, are float32". */
pea_status pea__array_check(const pea_array *array, const char *what, pea_dtype dtype, pea_error *err);

/* The same z,y,x in both. */
pea_status pea__same_space(const pea_array *a, const char *what_a, const pea_array *b, const char *what_b,
                           pea_error *err);

/* Labels that can be worked on: uint32 of one channel, "labels" in messages. */
pea_status pea__labels_check(const pea_array *labels, pea_error *err);

/* A mask of such labels: uint8 of one channel, the same z,y,x, "mask" in messages. */
pea_status pea__mask_check(const pea_array *mask, const pea_array *labels, pea_error *err);

/* Offsets that a graph can have: 2 or 3 axes, at least as many offsets, none zero, z 0 in 2-D. */
pea_status pea__offsets_check(const pea_offsets *offsets, pea_error *err);
/* The same steps in the same order. */
bool pea__offsets_same(const pea_offsets *a, const pea_offsets *b);

/* Elements of a shape. False for a negative extent, and where the product is out of range even if extents of 0 are left
 * out: then strides, too, are in range whatever the order they are computed in. */
bool pea__shape_count(const int64_t *shape, int n_axes, int64_t *n_elements);

bool pea__all_finite(const float *values, int64_t n, int64_t *which); /* false: *which is the first that is not */

/* Element i of any numeric array as a double. */
double pea__array_value(const pea_array *array, int64_t i);

/* ---- weights (weights.c): built by readers, then only read ---- */

pea_status pea__weights_new(pea_weights **weights, pea_error *err);
/* Append a tensor; the name is copied, `data` (from pea__alloc) is taken whatever happens. PEA_E_FORMAT for a name that
 * is there already, PEA_E_LIMIT for a product out of range. data NULL: allocated here, zeroed. `*stored` (may be NULL) is
 * where the elements are. */
pea_status pea__weights_add(pea_weights *weights, const char *name, pea_dtype dtype, int n_axes,
                            const int64_t *shape, void *data, void **stored, pea_error *err);
pea_status pea__weights_set_metadata(pea_weights *weights, const char *json, size_t length_bytes, pea_error *err);
bool pea__weights_index(const pea_weights *weights, const char *name, size_t *index); /* false: none of this name */
/* Drop `prefix` from every name. */
void pea__weights_strip_prefix(pea_weights *weights, const char *prefix);

#endif
