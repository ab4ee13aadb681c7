/* mask_remove_small.c - clears specks: connected components, corners included, below a size; of a mask, or of what labels
 * cover.
 *
 * Rows are taken apart into runs, and only those of two rows are ever kept. A run that touches none of the row above
 * begins a part; one that touches several joins them. The second sweep meets the same runs in the same order, so that
 * each finds its part again though no pixel knows it: memory is that of the parts and not of the plane.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>
#include <string.h>

typedef struct run {
    int64_t begin, end;
    uint32_t part;
} run;

typedef struct part {
    int64_t size; /* of a root: all that was joined */
    uint32_t parent;
} part;

/* One plane on its way; what is owned serves all planes. */
typedef struct sweep {
    int64_t n_x;
    uint8_t *covered;  /* a row of labels as a mask; NULL for a mask */
    run *above, *here; /* rows of at most (n_x + 1) / 2 runs */
    int64_t n_above, n_here;
    part *parts;
    uint32_t n_parts, capacity;
} sweep;

static uint32_t root_of(part *parts, uint32_t i)
{
    while (parts[i].parent != i) {
        parts[i].parent = parts[parts[i].parent].parent;
        i = parts[i].parent;
    }
    return i;
}

static void join(part *parts, uint32_t a, uint32_t b)
{
    a = root_of(parts, a);
    b = root_of(parts, b);
    if (a == b)
        return;
    const uint32_t root = a < b ? a : b, other = a < b ? b : a;
    parts[root].size += parts[other].size;
    parts[other].parent = root;
}

static void find_runs(sweep *s, const void *row)
{
    const uint8_t *mask = s->covered ? s->covered : row;
    for (int64_t x = 0; s->covered && x < s->n_x; x++)
        s->covered[x] = ((const uint32_t *)row)[x] != 0;
    run *const above = s->above;
    s->above = s->here;
    s->n_above = s->n_here;
    s->here = above;
    s->n_here = 0;
    for (int64_t x = 0; x < s->n_x; x++) {
        if (!mask[x])
            continue;
        const uint8_t *end = memchr(mask + x, 0, (size_t)(s->n_x - x));
        s->here[s->n_here] = (run){.begin = x, .end = end ? end - mask : s->n_x};
        x = s->here[s->n_here++].end;
    }
}

/* Every run gets the part of the first run above that it touches, or the next new number. A run above ends before `end`,
 * so that it touches one that begins there by a corner. */
static void number_runs(sweep *s, bool joining)
{
    int64_t first = 0;
    for (int64_t i = 0; i < s->n_here; i++) {
        run *r = &s->here[i];
        while (first < s->n_above && s->above[first].end < r->begin)
            first++;
        const bool touches = first < s->n_above && s->above[first].begin <= r->end;
        r->part = touches ? s->above[first].part : s->n_parts++;
        if (joining && !touches)
            s->parts[r->part] = (part){0, r->part};
        for (int64_t k = first + 1; joining && touches && k < s->n_above && s->above[k].begin <= r->end; k++)
            join(s->parts, r->part, s->above[k].part);
    }
}

/* Room for one more row of parts. */
static pea_status make_room(sweep *s, pea_error *err)
{
    const int64_t needed = s->n_parts + s->n_x / 2 + 1;
    if (needed <= s->capacity)
        return PEA_OK;
    if (needed > UINT32_MAX / 2)
        return pea__fail(err, PEA_E_LIMIT, "a plane of the mask has more than 2^31 - 1 parts");
    const uint32_t capacity = 2 * (uint32_t)needed;
    part *parts = pea__realloc(s->parts, capacity, sizeof *parts, err);
    if (!parts)
        return PEA_E_NOMEM;
    s->parts = parts;
    s->capacity = capacity;
    return PEA_OK;
}

static pea_status count_row(sweep *s, const void *row, pea_error *err)
{
    const pea_status status = make_room(s, err);
    if (status != PEA_OK)
        return status;
    find_runs(s, row);
    number_runs(s, true);
    for (int64_t i = 0; i < s->n_here; i++)
        s->parts[root_of(s->parts, s->here[i].part)].size += s->here[i].end - s->here[i].begin;
    return PEA_OK;
}

static void clear_row(sweep *s, char *row, size_t item_bytes, int64_t min_size)
{
    find_runs(s, row);
    number_runs(s, false);
    for (int64_t i = 0; i < s->n_here; i++) {
        const run *r = &s->here[i];
        if (s->parts[root_of(s->parts, r->part)].size < min_size)
            memset(row + (size_t)r->begin * item_bytes, 0, (size_t)(r->end - r->begin) * item_bytes);
    }
}

/* Every row to count, then every row to clear; `from` and `share` are of the stage. */
static pea_status clean_plane(sweep *s, char *plane, size_t item_bytes, int64_t n_y, int64_t min_size,
                              pea_context *context, double from, double share, pea_error *err)
{
    const size_t row_bytes = (size_t)s->n_x * item_bytes;
    pea_status status = PEA_OK;
    for (int64_t y = 0; y < 2 * n_y && status == PEA_OK; y++) {
        if (y % n_y == 0) {
            s->n_here = 0;
            s->n_parts = 0;
        }
        status = pea__progress(context, from + share * (double)y / (double)(2 * n_y), err);
        if (status == PEA_OK && y < n_y)
            status = count_row(s, plane + (size_t)y * row_bytes, err);
        else if (status == PEA_OK)
            clear_row(s, plane + (size_t)(y - n_y) * row_bytes, item_bytes, min_size);
    }
    return status;
}

pea_status pea__specks_remove(const pea_array *array, int64_t min_size, pea_context *context, pea_error *err)
{
    const pea_dims d = array->dims;
    const size_t item_bytes = pea_dtype_size_bytes(array->dtype), most_runs = (size_t)(d.x / 2 + 1);
    sweep s = {.n_x = d.x};
    s.above = pea__alloc(most_runs, sizeof *s.above, err);
    s.here = s.above ? pea__alloc(most_runs, sizeof *s.here, err) : NULL;
    pea_status status = s.here ? PEA_OK : PEA_E_NOMEM;
    if (status == PEA_OK && array->dtype != PEA_UINT8) {
        s.covered = pea__alloc((size_t)d.x, 1, err);
        status = s.covered ? PEA_OK : PEA_E_NOMEM;
    }
    for (int64_t z = 0; z < d.z && status == PEA_OK; z++)
        status = clean_plane(&s, (char *)array->data + (size_t)(z * d.y * d.x) * item_bytes, item_bytes, d.y, min_size,
                             context, (double)z / (double)d.z, 1.0 / (double)d.z, err);
    pea__free(s.above);
    pea__free(s.here);
    pea__free(s.covered);
    pea__free(s.parts);
    return status;
}

pea_status pea_mask_remove_small(const pea_array *mask, int64_t min_size, pea_context *context, pea_error *err)
{
    pea_status status = pea__array_check(mask, "mask", PEA_UINT8, err);
    if (status != PEA_OK)
        return status;
    if (mask->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "mask must have 1 channel, has %" PRId64, mask->dims.c);
    if (min_size < 0)
        return pea__fail(err, PEA_E_ARG, "smallest size %" PRId64 " must be at least 0", min_size);
    pea__stage(context, "clean up");
    status = pea__specks_remove(mask, min_size, context, err);
    pea__stage(context, NULL);
    return status;
}
