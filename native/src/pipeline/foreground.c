/* foreground.c - where the network believes instances to be.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/cluster.h"
#include "pipeline/pipeline.h"

#include <math.h>

pea_status pea__foreground_from_logits(const pea_array *logits, double threshold, int64_t min_size,
                                       const pea_array *mask, pea_error *err)
{
    const int64_t n = logits->dims.z * logits->dims.y * logits->dims.x;
    const float *l = logits->data;
    uint8_t *m = mask->data;
    for (int64_t p = 0; p < n; p++, l += 2) {
        if (threshold == 0.5)
            m[p] = l[1] > l[0]; /* the argmax, exactly; a tie is background */
        else
            m[p] = 1.0 / (1.0 + exp((double)l[0] - (double)l[1])) > threshold;
    }
    return min_size > 1 ? pea_mask_remove_small(mask, min_size, err) : PEA_OK;
}
