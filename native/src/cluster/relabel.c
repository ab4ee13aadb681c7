/* relabel.c - whole label images: new numbers in raster order, and objects that are too small.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>

static pea_status check_labels(const pea_array *labels, pea_error *err)
{
    const pea_status status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK && labels->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "labels must have 1 channel, have %" PRId64, labels->dims.c);
    return status;
}

static int64_t count_voxels(const pea_array *labels)
{
    return labels->dims.z * labels->dims.y * labels->dims.x;
}

/* Number every label but 0 before anything is written: a failure leaves the image as it was. */
static pea_status number_labels(const uint32_t *labels, int64_t n, pea__label_map *map, pea_error *err)
{
    uint32_t last = 0, number;
    for (int64_t p = 0; p < n; p++) {
        if (labels[p] == last)
            continue; /* most voxels repeat their neighbour */
        last = labels[p];
        if (last == 0)
            continue;
        const pea_status status = pea__label_map_number(map, last, &number, err);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

pea_status pea_relabel(const pea_array *labels, uint32_t *n_labels, pea_error *err)
{
    pea_status status = check_labels(labels, err);
    if (status != PEA_OK)
        return status;
    pea__label_map map = {0};
    const int64_t n = count_voxels(labels);
    uint32_t *at = labels->data;
    status = number_labels(at, n, &map, err);
    for (int64_t p = 0, last = 0, number = 0; p < n && status == PEA_OK; p++) {
        if (at[p] != last) {
            uint32_t known = 0;
            last = at[p];
            if (last != 0)
                status = pea__label_map_number(&map, at[p], &known, err); /* cannot fail: it is there */
            number = last == 0 ? 0 : (int64_t)known + 1;
        }
        at[p] = (uint32_t)number;
    }
    if (n_labels && status == PEA_OK)
        *n_labels = map.n;
    pea__label_map_free(&map);
    return status;
}

/* Voxels of each number of the map. */
static pea_status count_sizes(const uint32_t *labels, int64_t n, pea__label_map *map, int64_t *sizes, pea_error *err)
{
    pea_status status = PEA_OK;
    uint32_t last = 0, number = 0;
    for (int64_t p = 0; p < n && status == PEA_OK; p++) {
        if (labels[p] == 0)
            continue;
        if (labels[p] != last)
            status = pea__label_map_number(map, last = labels[p], &number, err);
        sizes[number]++;
    }
    return status;
}

pea_status pea_remove_small(const pea_array *labels, int64_t min_size, pea_error *err)
{
    pea_status status = check_labels(labels, err);
    if (status == PEA_OK && min_size < 0)
        status = pea__fail(err, PEA_E_ARG, "smallest size %" PRId64 " must be at least 0", min_size);
    if (status != PEA_OK)
        return status;
    pea__label_map map = {0};
    const int64_t n = count_voxels(labels);
    uint32_t *at = labels->data, number = 0;
    int64_t *sizes = NULL;
    status = number_labels(at, n, &map, err);
    if (status == PEA_OK) {
        sizes = pea__alloc(map.n, sizeof *sizes, err);
        status = sizes ? count_sizes(at, n, &map, sizes, err) : PEA_E_NOMEM;
    }
    for (int64_t p = 0; p < n && status == PEA_OK; p++)
        if (at[p] != 0) {
            status = pea__label_map_number(&map, at[p], &number, err); /* cannot fail: it is there */
            if (sizes[number] < min_size)
                at[p] = 0;
        }
    pea__free(sizes);
    pea__label_map_free(&map);
    return status;
}
