/* mask_remove_small.c - clears specks: connected components, corners included, below a size.
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

typedef struct sweep {
    const pea__specks *plane;
    int64_t n_x;
    uint8_t *row;
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

static void find_runs(sweep *s, int64_t y)
{
    run *const above = s->above;
    s->above = s->here;
    s->n_above = s->n_here;
    s->here = above;
    s->n_here = 0;
    s->plane->cover(s->plane->user, y, s->row);
    for (int64_t x = 0; x < s->n_x; x++) {
        if (!s->row[x])
            continue;
        const uint8_t *end = memchr(s->row + x, 0, (size_t)(s->n_x - x));
        s->here[s->n_here] = (run){.begin = x, .end = end ? end - s->row : s->n_x};
        x = s->here[s->n_here++].end;
    }
}

/* Every run gets the part of the first run above that it touches, or the next new number. A run above ends before
 * `end`, so that it touches one that begins there by a corner. */
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

static pea_status count_row(sweep *s, int64_t y, pea_error *err)
{
    const pea_status status = make_room(s, err);
    if (status != PEA_OK)
        return status;
    find_runs(s, y);
    number_runs(s, true);
    for (int64_t i = 0; i < s->n_here; i++)
        s->parts[root_of(s->parts, s->here[i].part)].size += s->here[i].end - s->here[i].begin;
    return PEA_OK;
}

static void clear_row(sweep *s, int64_t y)
{
    find_runs(s, y);
    number_runs(s, false);
    for (int64_t i = 0; i < s->n_here; i++)
        if (s->parts[root_of(s->parts, s->here[i].part)].size < s->plane->min_size)
            s->plane->clear(s->plane->user, y, s->here[i].begin, s->here[i].end);
}

/* Every row to count, then every row to clear. */
static pea_status both_sweeps(sweep *s, pea_context *context, pea_error *err)
{
    const int64_t n_y = s->plane->n_y;
    pea_status status = PEA_OK;
    for (int64_t y = 0; y < 2 * n_y && status == PEA_OK; y++) {
        if (y % n_y == 0) {
            s->n_here = 0;
            s->n_parts = 0;
        }
        status = pea__progress(context, (double)y / (double)(2 * n_y), err);
        if (status == PEA_OK && y < n_y)
            status = count_row(s, y, err);
        else if (status == PEA_OK)
            clear_row(s, y - n_y);
    }
    return status;
}

pea_status pea__specks_clear(const pea__specks *plane, pea_context *context, pea_error *err)
{
    const size_t most_runs = (size_t)(plane->n_x / 2 + 1);
    sweep s = {.plane = plane, .n_x = plane->n_x};
    s.above = pea__alloc(most_runs, sizeof *s.above, err);
    s.here = s.above ? pea__alloc(most_runs, sizeof *s.here, err) : NULL;
    s.row = s.here ? pea__alloc((size_t)plane->n_x, 1, err) : NULL;
    const pea_status status = s.row ? both_sweeps(&s, context, err) : PEA_E_NOMEM;
    pea__free(s.above);
    pea__free(s.here);
    pea__free(s.row);
    pea__free(s.parts);
    return status;
}

/* ---- of masks ---- */

/* One plane of one. */
typedef struct mask_plane {
    uint8_t *data;
    int64_t n_x;
} mask_plane;

static void cover_mask(void *user, int64_t y, uint8_t *row)
{
    const mask_plane *m = user;
    memcpy(row, m->data + y * m->n_x, (size_t)m->n_x);
}

static void clear_mask(void *user, int64_t y, int64_t begin, int64_t end)
{
    const mask_plane *m = user;
    memset(m->data + y * m->n_x + begin, 0, (size_t)(end - begin));
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
    const pea_dims d = mask->dims;
    pea__stage(context, "clean up");
    for (int64_t z = 0; z < d.z && status == PEA_OK; z++) {
        mask_plane plane = {(uint8_t *)mask->data + z * d.y * d.x, d.x};
        const pea__specks specks = {d.y, d.x, min_size, cover_mask, clear_mask, &plane};
        const pea__window whole = pea__progress_part(context, (double)z / (double)d.z, (double)(z + 1) / (double)d.z);
        status = pea__specks_clear(&specks, context, err);
        pea__progress_rejoin(context, whole);
    }
    pea__stage(context, NULL);
    return status;
}
