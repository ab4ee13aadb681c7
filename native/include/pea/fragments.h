/* fragments.h - a watershed's many small regions: what agglomeration and multicut put together.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_FRAGMENTS_H
#define PEA_FRAGMENTS_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the seeds are and what is flooded. a_y and a_x are the affinities to the next row and column. */
typedef enum pea_fragment_rule {
    PEA_FRAGMENTS_INTERIOR = 1, /* before agglomeration: seeds deep inside (a_y + a_x) / 2 > 0.5, 4-neighbours; floods
                                 * 1 - (a_y + a_x) / 2 */
    PEA_FRAGMENTS_PLANE,        /* the same for single planes: min(a_y, a_x), 5x5 neighbours */
    PEA_FRAGMENTS_SMOOTH        /* before multicut: boundaries B = 1 - min(a_y, a_x); seeds at maxima of the smoothed
                                 * distance to B > threshold; floods alpha * smoothed B + (1 - alpha) * nearness */
} pea_fragment_rule;

/* All but the rule are for PEA_FRAGMENTS_SMOOTH. */
typedef struct pea_fragments_options {
    size_t struct_size;
    pea_fragment_rule rule; /* default PEA_FRAGMENTS_INTERIOR */
    double threshold;       /* default 0.25 */
    double seed_sigma;      /* of the Gaussian over distances, in pixels, 0 to 100; default 2; 0: none */
    double weight_sigma;    /* of the Gaussian over boundaries; default 2 */
    double alpha;           /* 0 to 1, default 0.9 */
    int64_t min_size;       /* smaller fragments go to their neighbours; default 100 */
} pea_fragments_options;

pea_fragments_options pea_fragments_options_default(void);

/**
 * Cut each plane into fragments, in a stage named "fragments". Planes do not share fragments.
 * @param affinity     borrowed  float32 (z,y,x,k), k == offsets->n; the last two attractive offsets must be one
 *                               step in y and one in x, either way, and their affinities finite
 * @param mask         borrowed  uint8 (z,y,x,1), fragments end where it is 0; NULL: everything is wanted
 * @param labels       filled    uint32 (z,y,x,1): 1..n plane after plane; 0 outside the mask alone
 * @param n_fragments  filled    n; may be NULL
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_FORMAT for NaN or infinity; PEA_E_LIMIT for a side beyond
 *         32767 or 2^32 fragments; PEA_E_NOMEM; PEA_E_CANCELLED
 *
 * Scratch: about 60 bytes for each pixel of one plane and thread. The same bytes for any number of threads.
 */
pea_status pea_fragments(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                         const pea_fragments_options *options, pea_context *context, const pea_array *labels,
                         uint32_t *n_fragments, pea_error *err);

/**
 * Grow seeds over the planes of a landscape, in a stage named "flood": the lowest pixel first, of equal ones that which
 * was reached first; neighbours up, left, right, down. Planes are flooded each on its own.
 * @param height  borrowed  float32 (z,y,x,1), no NaN
 * @param labels  borrowed and changed in place  uint32 (z,y,x,1): seeds, 0 where there is none; a plane without stays 0
 * @return as pea_fragments()
 */
pea_status pea_watershed(const pea_array *height, pea_context *context, const pea_array *labels, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
