/* merge_small.c - the paper's way with small objects: each one goes to the most frequent label in a window around it.
 *
 * It is reproduced with its quirks, as published figures depend on them. Within a pass sizes stay those of its begin; a
 * window that begins above or left of the plane is empty; one with fewer than three labels, 0 and the object's own
 * included, changes nothing; and the most frequent label may be the object itself.
 *
 * Small objects know their horizontal runs, so that one is moved without a look at the rest of the plane. Others never
 * move, as objects only grow: of them, and of the background, no run is kept.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>

#define NO_RUN UINT32_MAX

typedef struct run {
    uint32_t first, length; /* pixels of the plane */
    uint32_t next;          /* another run of the same object, or NO_RUN */
} run;

typedef struct object {
    int64_t size, sum_y, sum_x; /* of the pixels it has now */
    int64_t size_before;        /* at the begin of the pass */
    uint32_t first_run, last_run;
} object;

/* One plane while it is worked on. Labels are replaced by their rank, in their own place, which keeps "the smaller
 * label" cheap to ask. */
typedef struct plane {
    int64_t n_y, n_x;
    int64_t max_size; /* what is larger never moves */
    uint32_t *ranks;  /* of every pixel; the caller's labels */
    run *runs;        /* of objects that may move */
    uint32_t n_runs;
    object *objects;   /* by rank */
    uint32_t *label_of; /* by rank */
    uint32_t n_objects;
    uint32_t *counts, *seen; /* by rank: pixels in the window; ranks in the window */
    pea_context *context;
    double fraction;    /* done of the stage */
    int64_t since_asked; /* pixels worked on since somebody was asked whether to stop */
} plane;

/* n more pixels were worked on. */
static pea_status worked(plane *w, int64_t n, pea_error *err)
{
    w->since_asked += n;
    if (w->since_asked < PEA__VOXELS_AT_ONCE)
        return PEA_OK;
    w->since_asked = 0;
    return pea__progress(w->context, w->fraction, err);
}

static void plane_free(plane *w)
{
    pea__free(w->runs);
    pea__free(w->objects);
    pea__free(w->label_of);
    pea__free(w->counts);
    pea__free(w->seen);
}

/* Rank of every number of the map, by ascending label; label_of is filled. */
static pea_status rank_labels(plane *w, const pea__label_map *map, uint32_t *rank_of_number, pea_error *err)
{
    pea__pair *sorted = NULL, *pairs = pea__alloc_unset((size_t)map->n * 2, sizeof *pairs, err);
    if (!pairs)
        return PEA_E_NOMEM;
    for (uint32_t i = 0; i < map->n; i++)
        pairs[i] = (pea__pair){map->labels[i], i};
    const pea_status status =
        pea__sort_pairs(w->context, pairs, pairs + map->n, map->n, w->fraction, w->fraction, &sorted, err);
    for (uint32_t rank = 0; rank < map->n && status == PEA_OK; rank++) {
        rank_of_number[sorted[rank].value] = rank;
        w->label_of[rank] = sorted[rank].key;
    }
    pea__free_unset(pairs);
    return status;
}

/* Labels become numbers of the map. */
static pea_status number_pixels(plane *w, pea__label_map *map, pea_error *err)
{
    const int64_t n = w->n_y * w->n_x;
    uint32_t last = 0, number = 0;
    pea_status status = PEA_OK;
    for (int64_t p = 0; p < n && status == PEA_OK; p++) {
        const uint32_t label = w->ranks[p];
        if (p == 0 || label != last) /* most pixels repeat their neighbour */
            status = pea__label_map_number(map, label, &number, err);
        last = label;
        w->ranks[p] = number;
        if (p % w->n_x == 0 && status == PEA_OK)
            status = worked(w, w->n_x, err);
    }
    return status;
}

/* Every pixel's value goes to what a table says of it. */
static pea_status look_up(plane *w, const uint32_t *table, pea_error *err)
{
    const int64_t n = w->n_y * w->n_x;
    pea_status status = PEA_OK;
    for (int64_t p = 0; p < n && status == PEA_OK; p++) {
        w->ranks[p] = table[w->ranks[p]];
        if (p % w->n_x == 0)
            status = worked(w, w->n_x, err);
    }
    return status;
}

static pea_status fill_ranks(plane *w, pea_error *err)
{
    pea__label_map map = {.context = w->context};
    uint32_t *rank_of_number = NULL;
    pea_status status = number_pixels(w, &map, err);
    w->n_objects = map.n;
    if (status == PEA_OK) {
        w->label_of = pea__alloc(map.n, sizeof *w->label_of, err);
        rank_of_number = w->label_of ? pea__alloc(map.n, sizeof *rank_of_number, err) : NULL;
        status = rank_of_number ? rank_labels(w, &map, rank_of_number, err) : PEA_E_NOMEM;
    }
    if (status == PEA_OK)
        status = look_up(w, rank_of_number, err);
    pea__free(rank_of_number);
    pea__label_map_free(&map);
    return status;
}

/* Pixels p .. *end - 1 of one row are the same object. */
static void find_run(const plane *w, int64_t p, int64_t *end)
{
    const int64_t row_end = (p / w->n_x + 1) * w->n_x;
    *end = p + 1;
    while (*end < row_end && w->ranks[*end] == w->ranks[p])
        (*end)++;
}

/* Move the runs and pixels of one object to another that may have none yet. */
static void append_runs(plane *w, object *to, uint32_t first_run, uint32_t last_run)
{
    if (to->first_run == NO_RUN)
        to->first_run = first_run;
    else
        w->runs[to->last_run].next = first_run;
    to->last_run = last_run;
}

static pea_status measure_objects(plane *w, pea_error *err)
{
    const int64_t n = w->n_y * w->n_x;
    pea_status status = PEA_OK;
    for (int64_t p = 0, end; p < n && status == PEA_OK; p = end) {
        find_run(w, p, &end);
        object *o = w->objects + w->ranks[p];
        const int64_t length = end - p, x = p % w->n_x;
        o->size += length;
        o->sum_y += p / w->n_x * length;
        o->sum_x += x * length + length * (length - 1) / 2;
        status = worked(w, length, err);
    }
    return status;
}

/* Without `runs` they are counted only. */
static pea_status list_runs(plane *w, pea_error *err)
{
    const int64_t n = w->n_y * w->n_x;
    pea_status status = PEA_OK;
    w->n_runs = 0;
    for (int64_t p = 0, end; p < n && status == PEA_OK; p = end) {
        find_run(w, p, &end);
        object *o = w->objects + w->ranks[p];
        status = worked(w, end - p, err);
        if (o->size > w->max_size)
            continue;
        if (w->runs) {
            w->runs[w->n_runs] = (run){(uint32_t)p, (uint32_t)(end - p), NO_RUN};
            append_runs(w, o, w->n_runs, w->n_runs);
        }
        w->n_runs++;
    }
    return status;
}

static pea_status plane_prepare(plane *w, pea_error *err)
{
    pea_status status = fill_ranks(w, err);
    if (status != PEA_OK)
        return status;
    w->objects = pea__alloc(w->n_objects, sizeof *w->objects, err);
    w->counts = w->objects ? pea__alloc(w->n_objects, sizeof *w->counts, err) : NULL;
    w->seen = w->counts ? pea__alloc(w->n_objects, sizeof *w->seen, err) : NULL;
    if (!w->seen)
        return PEA_E_NOMEM;
    for (uint32_t i = 0; i < w->n_objects; i++)
        w->objects[i].first_run = NO_RUN;
    status = measure_objects(w, err);
    if (status == PEA_OK)
        status = list_runs(w, err);
    if (status != PEA_OK)
        return status;
    w->runs = pea__alloc(w->n_runs, sizeof *w->runs, err);
    return w->runs ? list_runs(w, err) : PEA_E_NOMEM;
}

/* Where a window begins on an axis of n pixels, and, exclusive, ends. A begin before the first pixel counts from the far
 * end, as array slices of the original do: empty unless the window is larger than the plane. */
static int64_t window_begin(int64_t centre, int64_t window, int64_t n)
{
    const int64_t begin = centre - window / 2;
    return begin < 0 ? pea__max_i64(begin + n, 0) : begin;
}

static int64_t window_end(int64_t centre, int64_t window, int64_t n)
{
    return pea__min_i64(centre - window / 2 + window, n);
}

/* Count the labels of a window: n different ones, listed in seen. */
static pea_status look_around(plane *w, const object *o, int64_t window, uint32_t *n_seen, pea_error *err)
{
    const int64_t y = o->sum_y / o->size, x = o->sum_x / o->size;
    const int64_t y_end = window_end(y, window, w->n_y), x_end = window_end(x, window, w->n_x);
    const int64_t x_begin = window_begin(x, window, w->n_x);
    pea_status status = PEA_OK;
    uint32_t n = 0;
    for (int64_t v = window_begin(y, window, w->n_y); v < y_end && status == PEA_OK; v++) {
        for (int64_t u = x_begin; u < x_end; u++) {
            const uint32_t rank = w->ranks[v * w->n_x + u];
            if (w->counts[rank]++ == 0)
                w->seen[n++] = rank;
        }
        status = worked(w, pea__max_i64(0, x_end - x_begin), err);
    }
    *n_seen = n;
    return status;
}

/* The three most frequent of n >= 3 ranks, smaller ranks first among equals. */
static void find_top3(const plane *w, uint32_t n, uint32_t top[3])
{
    int n_top = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t rank = w->seen[i], count = w->counts[rank];
        int at = n_top;
        while (at > 0 && (w->counts[top[at - 1]] < count || (w->counts[top[at - 1]] == count && top[at - 1] > rank)))
            at--;
        if (n_top < 3)
            n_top++;
        for (int j = n_top - 1; j > at; j--)
            top[j] = top[j - 1];
        if (at < 3)
            top[at] = rank;
    }
}

/* Where an object goes; itself where it stays. */
static pea_status find_target(plane *w, uint32_t rank, int64_t window, uint32_t *target, pea_error *err)
{
    uint32_t top[3], n;
    const pea_status status = look_around(w, w->objects + rank, window, &n, err);
    *target = rank;
    if (n >= 3 && status == PEA_OK) {
        find_top3(w, n, top);
        *target = w->label_of[top[0]] != 0 ? top[0] : top[1] != rank ? top[1] : top[2];
    }
    for (uint32_t i = 0; i < n; i++)
        w->counts[w->seen[i]] = 0;
    return status;
}

static void move_object(plane *w, uint32_t from, uint32_t to)
{
    object *a = w->objects + from, *b = w->objects + to;
    for (uint32_t r = a->first_run; r != NO_RUN; r = w->runs[r].next)
        for (uint32_t i = 0; i < w->runs[r].length; i++)
            w->ranks[w->runs[r].first + i] = to;
    append_runs(w, b, a->first_run, a->last_run); /* of one that never moves they are not complete, nor needed */
    b->size += a->size;
    b->sum_y += a->sum_y;
    b->sum_x += a->sum_x;
    *a = (object){.first_run = NO_RUN};
}

/* The stage goes on from w->fraction by `share`. */
static pea_status run_pass(plane *w, pea_merge_pass pass, double share, pea_error *err)
{
    const double begin = w->fraction;
    pea_status status = PEA_OK;
    for (uint32_t i = 0; i < w->n_objects; i++)
        w->objects[i].size_before = w->objects[i].size;
    for (uint32_t i = 0; i < w->n_objects && status == PEA_OK; i++) {
        const int64_t size = w->objects[i].size_before;
        uint32_t target;
        w->fraction = begin + share * (double)i / (double)w->n_objects;
        status = worked(w, 1, err);
        if (size == 0 || size > pass.max_size || status != PEA_OK)
            continue;
        status = find_target(w, i, pass.window, &target, err);
        if (target != i && status == PEA_OK) {
            const int64_t n_moved = w->objects[i].size;
            move_object(w, i, target);
            status = worked(w, n_moved, err);
        }
    }
    return status;
}

/* The stage goes on from `from` by `share`. */
static pea_status merge_plane(uint32_t *labels, pea_dims d, const pea_merge_pass *passes, size_t n_passes,
                              pea_context *context, double from, double share, pea_error *err)
{
    plane w = {.n_y = d.y, .n_x = d.x, .ranks = labels, .context = context, .fraction = from};
    for (size_t i = 0; i < n_passes; i++)
        w.max_size = pea__max_i64(w.max_size, passes[i].max_size);
    pea_status status = pea__progress(context, from, err);
    if (status == PEA_OK)
        status = plane_prepare(&w, err);
    for (size_t i = 0; i < n_passes && status == PEA_OK; i++)
        status = run_pass(&w, passes[i], share / (double)n_passes, err);
    if (status == PEA_OK)
        status = look_up(&w, w.label_of, err);
    plane_free(&w);
    return status;
}

pea_status pea_merge_small(const pea_array *labels, const pea_merge_pass *passes, size_t n_passes,
                           pea_context *context, pea_error *err)
{
    pea_status status = pea__labels_check(labels, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = labels->dims;
    if (d.y * d.x > INT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "a plane has %" PRId64 " pixels, more than 2^31 - 1", d.y * d.x);
    if (n_passes > 0 && !passes)
        return pea__fail(err, PEA_E_ARG, "merge passes are missing");
    for (size_t i = 0; i < n_passes; i++)
        if (passes[i].max_size < 0 || passes[i].window < 1)
            return pea__fail(err, PEA_E_ARG, "merge pass %zu has size %d and window %d: at least 0 and 1 are needed", i,
                             (int)passes[i].max_size, (int)passes[i].window);
    pea__stage(context, "clean up");
    for (int64_t z = 0; z < d.z && status == PEA_OK; z++)
        status = merge_plane((uint32_t *)labels->data + z * d.y * d.x, d, passes, n_passes, context,
                             (double)z / (double)d.z, 1.0 / (double)d.z, err);
    pea__stage(context, NULL);
    return status;
}
