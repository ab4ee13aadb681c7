/* from_labels.c - ground-truth affinities: whether two voxels carry the same label.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"

#include <inttypes.h>

static pea_status check_arguments(const pea_array *labels, const pea_offsets *offsets, pea_truth_rule rule,
                                  const pea_array *affinity, const pea_array *valid, pea_error *err)
{
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__array_check(affinity, "affinity", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__same_space(labels, "labels", affinity, "affinity", err);
    if (status == PEA_OK && valid && valid->data) {
        status = pea__array_check(valid, "valid", PEA_UINT8, err);
        if (status == PEA_OK)
            status = pea__same_space(labels, "labels", valid, "valid", err);
        if (status == PEA_OK && valid->dims.c != affinity->dims.c)
            status = pea__fail(err, PEA_E_SHAPE, "valid must have %" PRId64 " channels, has %" PRId64, affinity->dims.c,
                               valid->dims.c);
    }
    if (status != PEA_OK)
        return status;
    if (rule != PEA_TRUTH_2D && rule != PEA_TRUTH_3D && rule != PEA_TRUTH_3D_REPLICATE)
        return pea__fail(err, PEA_E_ARG, "%d is no rule of ground truth", (int)rule);
    if (labels->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "labels must have 1 channel, have %" PRId64, labels->dims.c);
    if (affinity->dims.c != (int64_t)offsets->n)
        return pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                         offsets->n, affinity->dims.c);
    return PEA_OK;
}

/* All edges of line (z,y). */
static void fill_line(const pea_array *labels, const pea_offsets *offsets, pea_truth_rule rule, int64_t z, int64_t y,
                      float *truth, uint8_t *is_valid)
{
    const pea_dims d = labels->dims;
    const uint32_t *label = (const uint32_t *)labels->data + (z * d.y + y) * d.x;
    for (int64_t x = 0; x < d.x; x++, label++)
        for (size_t k = 0; k < offsets->n; k++) {
            const pea_offset o = offsets->step[k];
            const bool inside = z + o.z >= 0 && z + o.z < d.z && y + o.y >= 0 && y + o.y < d.y && x + o.x >= 0 &&
                                x + o.x < d.x;
            *truth++ = inside ? pea__truth_inside(rule, *label, label[(o.z * d.y + o.y) * d.x + o.x])
                              : pea__truth_outside(rule, k, *label);
            if (is_valid)
                *is_valid++ = inside;
        }
}

pea_status pea_affinity_from_labels(const pea_array *labels, const pea_offsets *offsets, pea_truth_rule rule,
                                    pea_context *context, const pea_array *affinity, const pea_array *valid,
                                    pea_error *err)
{
    pea_status status = check_arguments(labels, offsets, rule, affinity, valid, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = labels->dims;
    const int64_t n_lines = d.z * d.y, of_line = d.x * (int64_t)offsets->n;
    uint8_t *is_valid = valid ? valid->data : NULL;
    pea__stage(context, "affinity");
    for (int64_t i = 0; i < n_lines && status == PEA_OK; i++) {
        status = pea__progress(context, (double)i / (double)n_lines, err);
        if (status == PEA_OK)
            fill_line(labels, offsets, rule, i / d.y, i % d.y, (float *)affinity->data + i * of_line,
                      is_valid ? is_valid + i * of_line : NULL);
    }
    pea__stage(context, NULL);
    return status;
}
