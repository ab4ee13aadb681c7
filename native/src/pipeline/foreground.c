/* foreground.c - where the network believes instances to be.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/cluster.h"
#include "pipeline/pipeline.h"

#include <math.h>

typedef struct decision {
    const pea_array *logits, *mask;
    double threshold;
} decision;

void pea__foreground_row(const float *logits, double threshold, int64_t n, uint8_t *mask)
{
    for (int64_t p = 0; p < n; p++, logits += 2) {
        if (threshold == 0.5)
            mask[p] = logits[1] > logits[0]; /* the argmax, exactly; a tie is background */
        else
            mask[p] = 1.0 / (1.0 + exp((double)logits[0] - (double)logits[1])) > threshold;
    }
}

static void decide_row(void *argument, int64_t row, int worker)
{
    const decision *d = argument;
    const int64_t n = d->mask->dims.x;
    (void)worker;
    pea__foreground_row((const float *)d->logits->data + row * n * 2, d->threshold, n,
                        (uint8_t *)d->mask->data + row * n);
}

pea_status pea__foreground_from_logits(const pea_array *logits, double threshold, int64_t min_size,
                                       pea_context *context, const pea_array *mask, pea_error *err)
{
    decision d = {logits, mask, threshold};
    pea_status status = pea__parallel(context, mask->dims.z * mask->dims.y, 0.0, 0.0, decide_row, &d, err);
    const pea__window window = pea__progress_part(context, 0.0, PEA__MASK_CLEANED);
    if (status == PEA_OK && min_size > 1)
        status = pea_mask_remove_small(mask, min_size, context, err);
    pea__progress_rejoin(context, window);
    return status;
}
