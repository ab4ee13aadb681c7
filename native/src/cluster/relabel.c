/* relabel.c - whole label images: new numbers in raster order, and objects that are too small.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>

static int64_t count_voxels(const pea_array *labels)
{
    return labels->dims.z * labels->dims.y * labels->dims.x;
}

/* One pass over all voxels: what it needs, and what it does to a part of them. */
typedef struct sweep {
    uint32_t *labels;
    pea__label_map map;
    int64_t *sizes; /* by number of the map */
    int64_t min_size;
} sweep;

typedef pea_status step_fn(sweep *s, int64_t from, int64_t to, pea_error *err);

/* Progress goes from `from` to `to`. */
static pea_status run_sweep(sweep *s, step_fn *step, int64_t n, double from, double to, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int64_t p = 0; p < n && status == PEA_OK; p += PEA__VOXELS_AT_ONCE) {
        status = pea__progress(s->map.context, from + (to - from) * (double)p / (double)n, err);
        if (status == PEA_OK)
            status = step(s, p, pea__min_i64(n, p + PEA__VOXELS_AT_ONCE), err);
    }
    return status;
}

/* Number every label but 0 before anything is written: a refusal leaves the image as it was. */
static pea_status number_labels(sweep *s, int64_t from, int64_t to, pea_error *err)
{
    uint32_t last = 0, number;
    for (int64_t p = from; p < to; p++) {
        if (s->labels[p] == last)
            continue; /* most voxels repeat their neighbour */
        last = s->labels[p];
        if (last == 0)
            continue;
        const pea_status status = pea__label_map_number(&s->map, last, &number, err);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

static pea_status write_numbers(sweep *s, int64_t from, int64_t to, pea_error *err)
{
    uint32_t last = 0, number = 0;
    pea_status status = PEA_OK;
    for (int64_t p = from; p < to && status == PEA_OK; p++) {
        if (s->labels[p] != last) {
            last = s->labels[p];
            if (last != 0)
                status = pea__label_map_number(&s->map, last, &number, err); /* cannot fail: it is there */
        }
        s->labels[p] = last == 0 ? 0 : number + 1;
    }
    return status;
}

pea_status pea_relabel(const pea_array *labels, pea_context *context, uint32_t *n_labels, pea_error *err)
{
    pea_status status = pea__labels_check(labels, err);
    if (status != PEA_OK)
        return status;
    sweep s = {.labels = labels->data, .map.context = context};
    const int64_t n = count_voxels(labels);
    pea__stage(context, "clean up");
    status = run_sweep(&s, number_labels, n, 0.0, 0.5, err);
    if (status == PEA_OK)
        status = run_sweep(&s, write_numbers, n, 0.5, 1.0, err);
    pea__stage(context, NULL);
    if (n_labels && status == PEA_OK)
        *n_labels = s.map.n;
    pea__label_map_free(&s.map);
    return status;
}

static pea_status count_sizes(sweep *s, int64_t from, int64_t to, pea_error *err)
{
    uint32_t last = 0, number = 0;
    pea_status status = PEA_OK;
    for (int64_t p = from; p < to && status == PEA_OK; p++) {
        if (s->labels[p] == 0)
            continue;
        if (s->labels[p] != last)
            status = pea__label_map_number(&s->map, last = s->labels[p], &number, err);
        s->sizes[number]++;
    }
    return status;
}

static pea_status clear_small(sweep *s, int64_t from, int64_t to, pea_error *err)
{
    uint32_t last = 0, number = 0;
    pea_status status = PEA_OK;
    for (int64_t p = from; p < to && status == PEA_OK; p++) {
        if (s->labels[p] == 0)
            continue;
        if (s->labels[p] != last)
            status = pea__label_map_number(&s->map, last = s->labels[p], &number, err); /* cannot fail: it is there */
        if (s->sizes[number] < s->min_size)
            s->labels[p] = 0;
    }
    return status;
}

pea_status pea_remove_small(const pea_array *labels, int64_t min_size, pea_context *context, pea_error *err)
{
    pea_status status = pea__labels_check(labels, err);
    if (status == PEA_OK && min_size < 0)
        status = pea__fail(err, PEA_E_ARG, "smallest size %" PRId64 " must be at least 0", min_size);
    if (status != PEA_OK)
        return status;
    sweep s = {.labels = labels->data, .map.context = context, .min_size = min_size};
    const int64_t n = count_voxels(labels);
    pea__stage(context, "clean up");
    status = run_sweep(&s, number_labels, n, 0.0, 0.3, err);
    if (status == PEA_OK) {
        s.sizes = pea__alloc(s.map.n, sizeof *s.sizes, err);
        status = s.sizes ? run_sweep(&s, count_sizes, n, 0.3, 0.6, err) : PEA_E_NOMEM;
    }
    if (status == PEA_OK)
        status = run_sweep(&s, clear_small, n, 0.6, 1.0, err);
    pea__stage(context, NULL);
    pea__free(s.sizes);
    pea__label_map_free(&s.map);
    return status;
}
