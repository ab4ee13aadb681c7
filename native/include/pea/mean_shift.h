/* mean_shift.h - instances as dense places among embeddings that were trained by distance.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_MEAN_SHIFT_H
#define PEA_MEAN_SHIFT_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pea_mean_shift_options {
    size_t struct_size;
    double bandwidth; /* radius of the flat kernel, in units of the embedding; default 1.5 */
    int max_steps;    /* of one seed; default 300 */
} pea_mean_shift_options;

pea_mean_shift_options pea_mean_shift_options_default(void);

/**
 * Mean shift with a flat kernel, in a stage named "mean shift". Seeds are the cells of a grid, as wide as the
 * bandwidth, that hold a point; or the points, where each has a cell of its own or no cell's middle is near one. Each
 * moves to the mean of all points within the bandwidth until it moves less than a thousandth of it. Of centres within
 * one bandwidth that with most points stays, and each point goes to the nearest.
 * @param embedding  borrowed  float32 (z,y,x,c), finite inside the mask; not normalised
 * @param mask       borrowed  uint8 (z,y,x,1), 0 is background; NULL: everything is foreground
 * @param labels     filled    uint32 (z,y,x,1): 1..n by falling number of points, 0 outside the mask
 * @param n_labels   filled    n; may be NULL
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_FORMAT for NaN or infinity; PEA_E_LIMIT for 2^31 points;
 *         or more memory than the context allows, with the bytes; PEA_E_NOMEM; PEA_E_CANCELLED. The same bytes for any
 *         number of threads
 * Time: that of seeds times steps, each of which looks at the points near the kernel's border alone. Few cells that are
 * full are fast; cells with a point each, as of noise, are slow.
 * Memory: up to 60 + 14 c bytes for each point, if each is a seed; 20 + 6 c where cells have many points.
 * Source: Comaniciu and Meer, "Mean shift: a robust approach toward feature space analysis", 2002.
 */
pea_status pea_mean_shift(const pea_array *embedding, const pea_array *mask, const pea_mean_shift_options *options,
                          pea_context *context, const pea_array *labels, uint32_t *n_labels, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
