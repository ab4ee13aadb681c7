/* relabel.c - whole label images: new numbers in raster order, and objects that are too small or too many.
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
    uint32_t n_equal; /* of the objects of exactly min_size so many stay, the first ones; the others of them go */
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
        if (last != 0 && last != number + 1) /* pages that stay as they are need not be written */
            s->labels[p] = number + 1;
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

/* What goes has size 0 from then on. */
static void choose(sweep *s)
{
    for (uint32_t i = 0; i < s->map.n; i++) {
        const bool equal = s->sizes[i] == s->min_size;
        if (s->sizes[i] < s->min_size || (equal && s->n_equal == 0))
            s->sizes[i] = 0;
        s->n_equal -= equal && s->n_equal > 0;
    }
}

static pea_status clear_chosen(sweep *s, int64_t from, int64_t to, pea_error *err)
{
    uint32_t last = 0, number = 0;
    pea_status status = PEA_OK;
    for (int64_t p = from; p < to && status == PEA_OK; p++) {
        if (s->labels[p] == 0)
            continue;
        if (s->labels[p] != last)
            status = pea__label_map_number(&s->map, last = s->labels[p], &number, err); /* cannot fail: it is there */
        if (s->sizes[number] == 0)
            s->labels[p] = 0;
    }
    return status;
}

static pea_status measure(sweep *s, int64_t n, pea_error *err)
{
    const pea_status status = run_sweep(s, number_labels, n, 0.0, 0.3, err);
    if (status != PEA_OK)
        return status;
    s->sizes = pea__alloc(s->map.n, sizeof *s->sizes, err);
    return s->sizes ? run_sweep(s, count_sizes, n, 0.3, 0.6, err) : PEA_E_NOMEM;
}

pea_status pea_remove_small(const pea_array *labels, int64_t min_size, pea_context *context, pea_error *err)
{
    pea_status status = pea__labels_check(labels, err);
    if (status == PEA_OK && min_size < 0)
        status = pea__fail(err, PEA_E_ARG, "smallest size %" PRId64 " must be at least 0", min_size);
    if (status != PEA_OK)
        return status;
    sweep s = {.labels = labels->data, .map.context = context, .min_size = min_size, .n_equal = UINT32_MAX};
    const int64_t n = count_voxels(labels);
    pea__stage(context, "clean up");
    status = measure(&s, n, err);
    if (status == PEA_OK) {
        choose(&s);
        status = run_sweep(&s, clear_chosen, n, 0.6, 1.0, err);
    }
    pea__stage(context, NULL);
    pea__free(s.sizes);
    pea__label_map_free(&s.map);
    return status;
}

/* Bit by bit from the top: the largest size that at least n_kept objects reach, and how many of exactly that size may
 * stay. */
static pea_status find_least(sweep *s, uint32_t n_kept, pea_error *err)
{
    pea_status status = PEA_OK;
    for (int bit = 62; bit >= 0 && status == PEA_OK; bit--) {
        const int64_t tried = s->min_size | INT64_C(1) << bit;
        uint32_t n = 0;
        for (uint32_t i = 0; i < s->map.n; i++)
            n += s->sizes[i] >= tried;
        s->min_size = n >= n_kept ? tried : s->min_size;
        status = pea__progress(s->map.context, 0.6, err);
    }
    s->n_equal = n_kept;
    for (uint32_t i = 0; i < s->map.n; i++)
        s->n_equal -= s->sizes[i] > s->min_size;
    return status;
}

pea_status pea_keep_largest(const pea_array *labels, int64_t n_kept, pea_context *context, pea_error *err)
{
    pea_status status = pea__labels_check(labels, err);
    if (status == PEA_OK && n_kept < 1)
        status = pea__fail(err, PEA_E_ARG, "the number of objects to keep, %" PRId64 ", must be at least 1", n_kept);
    if (status != PEA_OK)
        return status;
    sweep s = {.labels = labels->data, .map.context = context};
    const int64_t n = count_voxels(labels);
    pea__stage(context, "clean up");
    status = measure(&s, n, err);
    const bool too_many = status == PEA_OK && s.map.n > n_kept;
    if (too_many)
        status = find_least(&s, (uint32_t)n_kept, err);
    if (too_many && status == PEA_OK) {
        choose(&s);
        status = run_sweep(&s, clear_chosen, n, 0.6, 1.0, err);
    }
    pea__stage(context, NULL);
    pea__free(s.sizes);
    pea__label_map_free(&s.map);
    return status;
}
