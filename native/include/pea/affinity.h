/* affinity.h - how alike each voxel is to its neighbours: the edges that clustering cuts.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_AFFINITY_H
#define PEA_AFFINITY_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an affinity is whose partner lies outside. */
typedef enum pea_border {
    PEA_BORDER_NONE, /* 0: no edge */
    PEA_BORDER_WRAP, /* the partner at the opposite side (2-D training code) */
    PEA_BORDER_COPY  /* 0, then for the first n_axes offsets the first plane repeats the second (3-D code) */
} pea_border;

/* "none" "wrap" "copy", as files and options call them. Parse returns 0 for an unknown name. */
const char *pea_border_name(pea_border value);
int pea_border_parse(const char *name, pea_border *value);

typedef struct pea_affinity_options {
    size_t struct_size;
    pea_border border;  /* default NONE */
    int relu;           /* negative affinities become 0; default 1 */
    int stride[3];      /* z,y,x, default 1,1,1: repulsive offsets are computed only where every coordinate of the
                         * voxel is a multiple of its stride, elsewhere they are 0 */
} pea_affinity_options;

pea_affinity_options pea_affinity_options_default(void);

/**
 * Turn embeddings into affinities.
 *
 *     affinity[p,k] = dot(e[p], e[p + step[k]]),   e = v / max(|v|, 1e-12),   p = (z,y,x)
 *
 * @param embedding  borrowed  float32 (z,y,x,c), c >= 1; need not be normalised
 * @param offsets    borrowed  none of them (0,0,0)
 * @param affinity   filled    float32 (z,y,x,k), k == offsets->n; cosine, in [-1,1] but for rounding
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_NOMEM; PEA_E_CANCELLED
 * Scratch: normalised rows as far as the offsets reach, at most a copy of the embedding.
 * Source: Huang et al., AAAI 2022.
 */
pea_status pea_affinity_from_embedding(const pea_array *embedding, const pea_offsets *offsets,
                                       const pea_affinity_options *options, pea_context *context,
                                       const pea_array *affinity, pea_error *err);

/* Conventions of ground-truth affinities. */
typedef enum pea_truth_rule {
    PEA_TRUTH_2D,           /* equal labels give 1, background pairs too; partner outside: 1 */
    PEA_TRUTH_3D,           /* equal labels > 0 give 1; partner outside: 0 */
    PEA_TRUTH_3D_REPLICATE  /* the same, but the first plane of each of the first 3 offsets is [label > 0] */
} pea_truth_rule;

/**
 * Ground-truth affinities of a label image, in a stage named "affinity".
 * @param labels    borrowed  uint32 (z,y,x,1)
 * @param affinity  filled    float32 (z,y,x,k), each 0 or 1
 * @param valid     filled    uint8 (z,y,x,k), 1 where the partner is inside; NULL or data NULL: not wanted
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_CANCELLED. After a failure both are unspecified
 */
pea_status pea_affinity_from_labels(const pea_array *labels, const pea_offsets *offsets, pea_truth_rule rule,
                                    pea_context *context, const pea_array *affinity, const pea_array *valid,
                                    pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
