/* measure.c - size, place, brightness and confidence of every instance.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/measure.h"

#include "cluster/cluster.h"
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { FIRST_ROWS = 1 << 7 };
enum { AT_ONCE = 1 << 13 }; /* instances between two questions whether to stop */

/* Shares of the stage that are done after each step: by and large, without and with affinities. */
static const double looked = 0.4, judged = 0.95;

/* Affinities of the attractive edges of one instance. */
typedef struct edges {
    double inside, across;
    int64_t n_inside, n_across;
} edges;

/* Rows in order of appearance. */
typedef struct instances {
    pea_instance *rows; /* centroid and mean_intensity hold sums until the end */
    size_t n, capacity;
    pea__label_map map; /* label to index into rows */
} instances;

/* The row of a label, made where there is none; the next call may move it. */
static pea_status row_of(instances *all, uint32_t label, pea_instance **row, pea_error *err)
{
    uint32_t number;
    const pea_status status = pea__label_map_number(&all->map, label, &number, err);
    if (status != PEA_OK)
        return status;
    if (number >= all->capacity) {
        const size_t capacity = all->capacity ? 2 * all->capacity : FIRST_ROWS;
        pea_instance *rows = pea__realloc(all->rows, capacity, sizeof *rows, err);
        if (!rows)
            return PEA_E_NOMEM;
        all->rows = rows;
        all->capacity = capacity;
    }
    *row = &all->rows[number];
    if (number == all->n) {
        **row = (pea_instance){.label = label, .first = {INT64_MAX, INT64_MAX, INT64_MAX}};
        all->n++;
    }
    return PEA_OK;
}

static void extend(pea_instance *row, int axis, int64_t from, int64_t to)
{
    row->first[axis] = pea__min_i64(row->first[axis], from);
    row->last[axis] = pea__max_i64(row->last[axis], to);
}

/* n voxels of one label beside each other along x; sums of coordinates are whole numbers, exact in double. */
static void add_run(pea_instance *row, int64_t z, int64_t y, int64_t x, int64_t n)
{
    row->n_voxels += n;
    row->centroid[0] += (double)n * (double)z;
    row->centroid[1] += (double)n * (double)y;
    row->centroid[2] += 0.5 * (double)n * (double)(2 * x + n - 1);
    extend(row, 0, z, z);
    extend(row, 1, y, y);
    extend(row, 2, x, x + n - 1);
}

static pea_status add_line(instances *all, const uint32_t *labels, pea_dims d, int64_t z, int64_t y,
                           const pea_array *image, pea_error *err)
{
    const int64_t start = (z * d.y + y) * d.x;
    const uint32_t *line = labels + start;
    for (int64_t x = 0; x < d.x;) {
        const int64_t first = x;
        while (x < d.x && line[x] == line[first])
            x++;
        if (line[first] == 0)
            continue;
        pea_instance *row;
        const pea_status status = row_of(all, line[first], &row, err);
        if (status != PEA_OK)
            return status;
        add_run(row, z, y, first, x - first);
        for (int64_t i = first; image && i < x; i++)
            row->mean_intensity += pea__array_value(image, (start + i) * image->dims.c);
    }
    return PEA_OK;
}

static void add_edge(instances *all, edges *sums, uint32_t label, bool inside, double affinity)
{
    uint32_t number = 0;
    if (label == 0 || pea__label_map_number(&all->map, label, &number, NULL) != PEA_OK) /* cannot fail: it is there */
        return;
    edges *e = &sums[number];
    if (inside) {
        e->inside += affinity;
        e->n_inside++;
    } else {
        e->across += affinity;
        e->n_across++;
    }
}

/* Edges that leave line (z,y) along one offset. An edge to background crosses the border too. */
static void add_line_edges(instances *all, edges *sums, const uint32_t *labels, const pea_array *affinity,
                           int64_t z, int64_t y, pea_offset step, int64_t channel)
{
    const pea_dims d = affinity->dims;
    const float *a = affinity->data;
    if (z + step.z < 0 || z + step.z >= d.z || y + step.y < 0 || y + step.y >= d.y)
        return;
    const int64_t to_partner = ((int64_t)step.z * d.y + step.y) * d.x + step.x;
    const int64_t from = pea__max_i64(0, -(int64_t)step.x), to = pea__min_i64(d.x, d.x - step.x);
    for (int64_t x = from; x < to; x++) {
        const int64_t p = (z * d.y + y) * d.x + x;
        const uint32_t here = labels[p], there = labels[p + to_partner];
        if (here == there) {
            add_edge(all, sums, here, true, (double)a[p * d.c + channel]);
        } else {
            add_edge(all, sums, here, false, (double)a[p * d.c + channel]);
            add_edge(all, sums, there, false, (double)a[p * d.c + channel]);
        }
    }
}

/* The attractive edges are the first n_axes offsets; all others repel. */
static pea_status add_edges(instances *all, edges *sums, const uint32_t *labels, const pea_array *affinity,
                            const pea_offsets *offsets, pea_error *err)
{
    const int64_t n_y = affinity->dims.y, n_lines = affinity->dims.z * n_y;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < n_lines && status == PEA_OK; i++) {
        for (int k = 0; k < offsets->n_axes; k++)
            add_line_edges(all, sums, labels, affinity, i / n_y, i % n_y, offsets->step[k], k);
        status = pea__progress(all->map.context, looked + (judged - looked) * (double)i / (double)n_lines, err);
    }
    for (size_t i = 0; i < all->n && status == PEA_OK; i++) {
        const edges e = sums[i];
        all->rows[i].confidence = (e.n_inside > 0 ? e.inside / (double)e.n_inside : 0.0) -
                                  (e.n_across > 0 ? e.across / (double)e.n_across : 0.0);
    }
    return status;
}

static bool same_plane(pea_dims a, pea_dims b)
{
    return a.y == b.y && a.x == b.x;
}

static int64_t longest(pea_dims a, pea_dims b)
{
    return pea__max_i64(pea__max_i64(a.y, a.x), pea__max_i64(b.y, b.x));
}

/* On the affinities' grid, which is another one after a scaled run. */
static pea_status find_confidence(instances *all, const pea_array *labels, const pea_array *affinity,
                                  const pea_offsets *offsets, pea_error *err)
{
    const pea_dims d = affinity->dims;
    const bool same = same_plane(labels->dims, d);
    pea_array own = {0};
    edges *sums = pea__alloc(all->n, sizeof *sums, err);
    pea_status status = sums ? PEA_OK : PEA_E_NOMEM;
    if (status == PEA_OK && !same)
        status = pea__array_new(PEA_UINT32, (pea_dims){d.z, d.y, d.x, 1}, &own, err);
    if (status == PEA_OK && !same)
        status = pea__resize_nearest(labels, all->map.context, looked, &own, err);
    if (status == PEA_OK)
        status = add_edges(all, sums, same ? labels->data : own.data, affinity, offsets, err);
    pea__free(own.data);
    pea__free(sums);
    return status;
}

static void finish(instances *all, bool has_image, bool has_affinity)
{
    for (size_t i = 0; i < all->n; i++) {
        pea_instance *row = &all->rows[i];
        const double n = (double)row->n_voxels;
        for (int axis = 0; axis < 3; axis++)
            row->centroid[axis] /= n;
        row->mean_intensity = has_image ? row->mean_intensity / n : (double)NAN;
        row->confidence = has_affinity ? row->confidence : (double)NAN;
    }
}

/* Heap sort: in place, and no library sort that takes memory behind our back. Labels are all different. */
static void sift(pea_instance *rows, size_t root, size_t n)
{
    const pea_instance moving = rows[root];
    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        child += child + 1 < n && rows[child + 1].label > rows[child].label;
        if (rows[child].label <= moving.label)
            break;
        rows[root] = rows[child];
        root = child;
    }
    rows[root] = moving;
}

static pea_status sort_by_label(pea_instance *rows, size_t n, pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    for (size_t i = n / 2; i-- > 0 && status == PEA_OK;) {
        sift(rows, i, n);
        status = i % AT_ONCE == 0 ? pea__progress(context, judged, err) : PEA_OK;
    }
    for (size_t end = n; end-- > 1 && status == PEA_OK;) {
        const pea_instance largest = rows[0];
        rows[0] = rows[end];
        rows[end] = largest;
        sift(rows, 0, end);
        if (end % AT_ONCE == 0)
            status = pea__progress(context, 1.0 - (1.0 - judged) * (double)end / (double)n, err);
    }
    return status;
}

static pea_status check_affinity(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                                 pea_error *err)
{
    const pea_dims l = labels->dims;
    pea_status status = pea__array_check(affinity, "affinity", PEA_FLOAT32, err);
    if (status == PEA_OK && affinity->dims.z != l.z)
        status = pea__fail(err, PEA_E_SHAPE, "affinity has %" PRId64 " planes, labels have %" PRId64, affinity->dims.z,
                           l.z);
    if (status == PEA_OK && !same_plane(l, affinity->dims) && longest(l, affinity->dims) > PEA__MAX_SIDE)
        status = pea__fail(err, PEA_E_LIMIT, "labels and affinities of other sizes have a side beyond %" PRId64,
                           PEA__MAX_SIDE);
    if (status == PEA_OK && !offsets)
        status = pea__fail(err, PEA_E_ARG, "affinities come with the offsets they belong to, which are missing");
    if (status == PEA_OK)
        status = pea__offsets_check(offsets, err);
    if (status == PEA_OK && affinity->dims.c != (int64_t)offsets->n)
        status = pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                           offsets->n, affinity->dims.c);
    return status;
}

static pea_status check(const pea_array *labels, const pea_array *image, const pea_array *affinity,
                        const pea_offsets *offsets, pea_error *err)
{
    pea_status status = pea__labels_check(labels, err);
    if (status == PEA_OK && image)
        status = pea__array_check(image, "image", 0, err);
    if (status == PEA_OK && image)
        status = pea__same_space(labels, "labels", image, "image", err);
    if (status == PEA_OK && affinity)
        status = check_affinity(labels, affinity, offsets, err);
    return status;
}

pea_status pea_measure(const pea_array *labels, const pea_array *image, const pea_array *affinity,
                       const pea_offsets *offsets, pea_context *context, pea_table *table, pea_error *err)
{
    *table = (pea_table){0};
    pea_status status = check(labels, image, affinity, offsets, err);
    if (status != PEA_OK)
        return status;
    instances all = {.map.context = context};
    const pea_dims d = labels->dims;
    const double share = affinity ? looked : judged;
    pea__stage(context, "measure");
    for (int64_t i = 0; i < d.z * d.y && status == PEA_OK; i++) {
        status = pea__progress(context, share * (double)i / (double)(d.z * d.y), err);
        if (status == PEA_OK)
            status = add_line(&all, labels->data, d, i / d.y, i % d.y, image, err);
    }
    if (status == PEA_OK && affinity && all.n > 0)
        status = find_confidence(&all, labels, affinity, offsets, err);
    if (status == PEA_OK) {
        finish(&all, image != NULL, affinity != NULL);
        status = sort_by_label(all.rows, all.n, context, err);
    }
    pea__stage(context, NULL);
    pea__label_map_free(&all.map);
    if (status != PEA_OK) {
        pea__free(all.rows);
        return status;
    }
    *table = (pea_table){.n = all.n, .rows = all.rows, .n_axes = d.z > 1 ? 3 : 2};
    return PEA_OK;
}

void pea_table_free(pea_table *table)
{
    if (!table)
        return;
    pea__free(table->rows);
    *table = (pea_table){0};
}
