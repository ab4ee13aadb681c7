/* segment_rows.c - one plane of any height: its rows go through the network, become affinities and are clustered as
 * they come, so that no plane of floats is ever in memory.
 *
 *     image --normalise, pad--> network --rows--> unit embeddings   | reach | slab | reach |   moves down the plane
 *                                          `----> mask                      |
 *                                                                     affinities --> clusterer --> labels
 *
 * The labels are those of segment_plane.c, bit by bit. Two things are done in another way:
 *
 *   Border rules say what an affinity is whose partner lies outside. The mutex watershed has no such edges, whatever
 *   their affinity, so here there is no border rule.
 *
 *   Specks of the foreground can only be told from larger parts when all rows have been seen. They are clustered like
 *   everything else, and cleared from the labels afterwards. That is the same where attractive edges lead to pixels
 *   that touch, corners included: no such edge leaves an 8-connected part of the foreground, so that no cluster is ever
 *   in two of them; and a constraint with a cluster of another part forbids nothing that could happen. So every part
 *   is clustered as if it were alone, and numbers are given anew at the end. Where attractive edges reach farther,
 *   the plane is worked on as a whole.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"
#include "cluster/cluster.h"
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum {
    SLAB_PIXELS = 1 << 20, /* of affinities at once: enough work for many threads, little memory */
    SLAB_ROWS = 32,        /* at least, of wide planes */
    NETWORK_ROWS = 16      /* that the network gives at once, by and large */
};

/* ---- rows that come and go ---- */

typedef struct window {
    char *data; /* owned: of the row `first` and those after it */
    size_t row_bytes;
    int64_t first, end, capacity;
} window;

static char *row_at(const window *w, int64_t y)
{
    return w->data + (size_t)(y - w->first) * w->row_bytes;
}

/* Room for n rows; those in memory stay. */
static pea_status reserve(window *w, int64_t n, pea_error *err)
{
    if (n <= w->capacity)
        return PEA_OK;
    char *data = pea__alloc_unset((size_t)n, w->row_bytes, err);
    if (!data)
        return PEA_E_NOMEM;
    if (w->data)
        memcpy(data, w->data, (size_t)(w->end - w->first) * w->row_bytes);
    pea__free_unset(w->data);
    w->data = data;
    w->capacity = n;
    return PEA_OK;
}

static pea_status extend(window *w, int64_t end, pea_error *err)
{
    const pea_status status = reserve(w, end - w->first, err);
    if (status == PEA_OK)
        w->end = pea__max_i64(w->end, end);
    return status;
}

/* Rows before `first` are not needed any more. */
static void forget(window *w, int64_t first)
{
    first = pea__min_i64(first, w->end);
    if (first <= w->first)
        return;
    memmove(w->data, row_at(w, first), (size_t)(w->end - first) * w->row_bytes);
    w->first = first;
}

/* ---- one plane on its way ---- */

typedef struct stream {
    const pea__part *part;
    const pea__job *job;
    pea__frame frame; /* what the network sees */
    pea_dims grid;    /* what is clustered: the frame or the image's plane; c is 1 */
    int64_t top, left; /* of the grid in the frame */
    int64_t above, below; /* rows that offsets reach */
    int64_t slab_rows;
    window units, mask; /* embeddings of length 1; rows of the grid */
    int64_t n_clustered;    /* rows */
    float *attractive, *repulsive; /* affinities of one slab, the latter of sampled pixels alone */
    uint8_t *predicted; /* foreground of the image's plane, a bit for each pixel, where a mask was given besides */
    pea_array labels;
    void *own_labels; /* NULL where they go straight to their place */
    pea_mutex_slabs *slabs;
    const float *rows; /* of the head that is being taken, from row `from` of the frame on */
    int64_t from;
    atomic_bool not_finite;
} stream;

static bool is_masked(const stream *s)
{
    return s->job->heads.foreground >= 0 || s->part->mask.data || s->job->options.cluster_padded;
}

static pea_status plan(const pea__job *job, stream *s, pea_error *err)
{
    const pea_offsets *o = &job->options.offsets;
    const int64_t y = job->grid.y, x = job->grid.x;
    const pea_status status = pea__frame_plan(job->options.padding, y, x, job->info.grid, &s->frame, err);
    if (status != PEA_OK)
        return status;
    const bool padded = job->options.cluster_padded;
    s->job = job;
    s->grid = padded ? (pea_dims){1, s->frame.y, s->frame.x, 1} : (pea_dims){1, y, x, 1};
    s->top = padded ? 0 : s->frame.top;
    s->left = padded ? 0 : s->frame.left;
    for (size_t k = 0; k < o->n; k++) {
        s->above = pea__max_i64(s->above, -(int64_t)o->step[k].y);
        s->below = pea__max_i64(s->below, o->step[k].y);
    }
    s->above = pea__min_i64(s->above, s->grid.y);
    s->below = pea__min_i64(s->below, s->grid.y);
    s->slab_rows = job->slab_rows ? job->slab_rows : pea__max_i64(SLAB_PIXELS / s->grid.x, SLAB_ROWS);
    s->slab_rows = pea__min_i64(s->slab_rows, s->grid.y);
    return PEA_OK;
}

const char *pea__plane_why_whole(const pea__job *job)
{
    const pea_segment_options *o = &job->options;
    if (o->clusterer != PEA_CLUSTER_MUTEX)
        return "another clusterer than mutex";
    if (o->absorb_size > 1)
        return "absorb, which goes by affinities";
    if (job->heads.embedding < 0)
        return "a 2-D network that predicts affinities";
    for (int k = 0; k < o->offsets.n_axes && job->heads.foreground >= 0 && o->min_foreground_size > 1; k++) {
        const pea_offset step = o->offsets.step[k];
        if (step.y < -1 || step.y > 1 || step.x < -1 || step.x > 1)
            return "a speckles setting with attraction beyond direct neighbours";
    }
    return NULL;
}

static size_t bit_bytes(const stream *s) /* of a row of the image's plane */
{
    return (size_t)(s->job->grid.x / 8 + 1);
}

/* In memory at once, unless the network gives more rows at a time. */
static int64_t window_rows(const stream *s)
{
    return pea__min_i64(s->grid.y, s->above + s->slab_rows + s->below + NETWORK_ROWS);
}

/* Affinities of a slab: cannot overflow, as the rows that they come from are much longer. */
static size_t n_attractive(const stream *s)
{
    return (size_t)(s->slab_rows * s->grid.x * s->job->options.offsets.n_axes);
}

static size_t n_repulsive(const stream *s)
{
    const pea_segment_options *o = &s->job->options;
    return (size_t)(pea__ceil_div(s->slab_rows, o->stride[1]) * pea__ceil_div(s->grid.x, o->stride[2])) *
           (o->offsets.n - (size_t)o->offsets.n_axes);
}

static pea_status make_room(stream *s, pea_error *err)
{
    const pea__job *job = s->job;
    const pea_mutex_options mutex = pea__mutex_options(&job->options);
    const int64_t c = job->heads.embedding_channels;
    pea_status status = PEA_OK;
    s->units.row_bytes = (size_t)(pea__unit_pitch(s->grid.x) * c) * sizeof(float);
    s->mask.row_bytes = (size_t)s->grid.x;
    s->labels = s->part->labels;
    status = reserve(&s->units, window_rows(s), err);
    if (status == PEA_OK && is_masked(s))
        status = reserve(&s->mask, window_rows(s), err);
    if (status == PEA_OK) {
        s->attractive = pea__alloc_unset(n_attractive(s), sizeof *s->attractive, err);
        s->repulsive = s->attractive ? pea__alloc_unset(n_repulsive(s), sizeof *s->repulsive, err) : NULL;
        status = s->repulsive ? PEA_OK : PEA_E_NOMEM;
    }
    if (status == PEA_OK && job->options.cluster_padded) {
        status = pea__array_new(PEA_UINT32, s->grid, &s->labels, err);
        s->own_labels = s->labels.data;
    }
    if (status == PEA_OK && s->part->mask.data && job->heads.foreground >= 0 && job->options.min_foreground_size > 1)
        status = (s->predicted = pea__alloc((size_t)s->part->dims.y, bit_bytes(s), err)) ? PEA_OK : PEA_E_NOMEM;
    return status == PEA_OK ? pea_mutex_slabs_new(s->grid, &job->options.offsets, &mutex, job->context, &s->labels,
                                                  &s->slabs, err)
                            : status;
}

/* ---- what the network says of some rows ---- */

static const float *raw_row(const stream *s, int64_t y, int64_t c)
{
    return s->rows + (y - s->from) * s->frame.x * c;
}

static void look_for_infinity(stream *s, const float *row, int64_t n)
{
    if (!pea__finite(row, n))
        atomic_store(&s->not_finite, true);
}

static bool is_in_grid(const stream *s, int64_t y)
{
    return y >= s->top && y < s->top + s->grid.y;
}

static void take_embedding(void *argument, int64_t index, int worker)
{
    stream *s = argument;
    const int64_t y = s->from + index, c = s->job->heads.embedding_channels;
    const float *row = raw_row(s, y, c);
    (void)worker;
    look_for_infinity(s, row, s->frame.x * c);
    if (is_in_grid(s, y))
        pea__unit_row(row + s->left * c, c, s->grid.x, (float *)(void *)row_at(&s->units, y - s->top));
}

/* Where instances may be in row y of the frame: `row` is of the grid. */
static void set_mask(const stream *s, int64_t y, const float *logits, uint8_t *row)
{
    const pea_dims d = s->part->dims;
    const int64_t of_image = y - s->frame.top;
    uint8_t *inside = row + (s->frame.left - s->left);
    memset(row, 0, (size_t)s->grid.x); /* the padding is never foreground */
    if (of_image < 0 || of_image >= d.y)
        return;
    if (logits)
        pea__foreground_row(logits + s->frame.left * 2, s->job->options.foreground_threshold, d.x, inside);
    else
        memset(inside, 1, (size_t)d.x);
    uint8_t *bits = s->predicted ? s->predicted + (size_t)of_image * bit_bytes(s) : NULL;
    for (int64_t x = 0; bits && x < d.x; x++)
        bits[x / 8] |= (uint8_t)(inside[x] << x % 8);
    const uint8_t *allowed = s->part->mask.data;
    for (int64_t x = 0; allowed && x < d.x; x++)
        inside[x] = inside[x] && allowed[of_image * d.x + x];
}

static void take_foreground(void *argument, int64_t index, int worker)
{
    stream *s = argument;
    const int64_t y = s->from + index;
    const float *row = raw_row(s, y, 2);
    (void)worker;
    look_for_infinity(s, row, s->frame.x * 2);
    if (is_in_grid(s, y))
        set_mask(s, y, row, (uint8_t *)row_at(&s->mask, y - s->top));
}

/* Without a word of the network: the mask of the rows that have come otherwise. */
static pea_status extend_mask(stream *s, int64_t end, pea_error *err)
{
    const int64_t begin = s->mask.end;
    const pea_status status = extend(&s->mask, end, err);
    for (int64_t y = begin; y < end && status == PEA_OK; y++)
        set_mask(s, y + s->top, NULL, (uint8_t *)row_at(&s->mask, y));
    return status;
}

/* ---- clustering of what is there ---- */

static pea_status cluster_rows(stream *s, int64_t end, pea_error *err)
{
    pea_context *context = s->job->context;
    const double n = (double)s->grid.y;
    const pea__unit_rows unit = {(const float *)s->units.data,
                                 {1, s->grid.y, s->grid.x, s->job->heads.embedding_channels}, s->units.first};
    const pea__slab_affinity affinity = {s->attractive, s->repulsive, PEA_FLOAT32};
    const pea__window whole = pea__progress_part(context, (double)s->n_clustered / n, (double)end / n);
    pea__stage(context, "affinity");
    pea_status status = pea__affinity_rows(&unit, &s->job->options.offsets, s->job->options.stride, s->n_clustered,
                                           end, context, s->attractive, s->repulsive, err);
    pea__progress_rejoin(context, whole);
    if (status == PEA_OK) {
        const char *mask = is_masked(s) ? row_at(&s->mask, s->n_clustered) : NULL;
        pea__stage(context, "cluster");
        status = pea__mutex_slabs_add(s->slabs, affinity, (const uint8_t *)mask, end - s->n_clustered, err);
        pea__stage(context, NULL);
    }
    s->n_clustered = end;
    forget(&s->units, end - s->above);
    forget(&s->mask, end);
    return status;
}

/* All slabs whose rows, and those that they are compared with, have come. */
static pea_status cluster_ready(stream *s, pea_error *err)
{
    const bool predicted = s->job->heads.foreground >= 0;
    const int64_t n = s->units.end, ready = n == s->grid.y ? n : pea__max_i64(0, n - s->below);
    pea_status status = is_masked(s) && !predicted ? extend_mask(s, n, err) : PEA_OK;
    const int64_t masked = predicted ? pea__min_i64(ready, s->mask.end) : ready;
    while (status == PEA_OK && s->n_clustered < masked) {
        const int64_t end = pea__min_i64(s->n_clustered + s->slab_rows, s->grid.y);
        if (end > masked)
            break;
        status = cluster_rows(s, end, err);
    }
    return status;
}

/* ---- the two ends of the network ---- */

static pea_status give_rows(void *user, int64_t y0, int64_t y1, float *rows, pea_error *err)
{
    const stream *s = user;
    const pea__job *job = s->job;
    const pea__source source = {s->part->image, job->options.normalise, s->part->range,
                                job->options.padding != PEA_PAD_ZERO_SQUARE, job->image.dtype};
    const pea_array box = {rows, PEA_FLOAT32, {1, y1 - y0, s->frame.x, job->info.in_channels}};
    return pea__normalised_box(&source, 0, y0 - s->frame.top, -s->frame.left, job->context, &box, err);
}

static pea_status take_rows(void *user, size_t head, int64_t y0, int64_t y1, const float *rows, pea_error *err)
{
    stream *s = user;
    const pea__job *job = s->job;
    const bool is_foreground = (int)head == job->heads.foreground;
    const int64_t end = pea__max_i64(0, pea__min_i64(y1 - s->top, s->grid.y));
    pea__task_fn *const take = is_foreground ? take_foreground : take_embedding;
    pea_status status = extend(is_foreground ? &s->mask : &s->units, end, err);
    if (status != PEA_OK)
        return status;
    s->rows = rows;
    s->from = y0;
    pea__stage(job->context, "affinity");
    const pea__window whole = pea__progress_part(job->context, (double)s->n_clustered / (double)s->grid.y, 1.0);
    status = pea__progress(job->context, 0.0, err); /* threads may leave nothing to do for this one, which asks */
    if (status == PEA_OK)
        status = pea__parallel_flushed(job->context, y1 - y0, 0.0, 0.0, take, s, err); /* as of a whole plane */
    pea__progress_rejoin(job->context, whole);
    if (status == PEA_OK && atomic_load(&s->not_finite))
        status = pea__fail_not_finite(err);
    if (status == PEA_OK)
        status = cluster_ready(s, err);
    pea__stage(job->context, "network");
    return status;
}

static pea_status run_network(stream *s, pea_error *err)
{
    const pea__job *job = s->job;
    unsigned char wanted[PEA__MAX_WANTED];
    const pea_row_io io = {give_rows, take_rows, s};
    pea__heads_wanted(&job->heads, wanted);
    pea__stage(job->context, "network");
    return pea_network_forward_rows(job->network, job->context, job->heads.precision,
                                    (pea_dims){1, s->frame.y, s->frame.x, job->info.in_channels}, wanted, &io, err);
}

/* ---- the end ---- */

/* Row y of the image's plane among the labels. */
static uint32_t *label_row(const stream *s, int64_t y)
{
    return (uint32_t *)s->labels.data + (y + s->frame.top - s->top) * s->grid.x + s->frame.left - s->left;
}

/* What was foreground: without a mask of the caller's, that is what has labels. */
static void cover_row(void *user, int64_t y, uint8_t *row)
{
    const stream *s = user;
    const uint8_t *bits = s->predicted ? s->predicted + (size_t)y * bit_bytes(s) : NULL;
    const uint32_t *labels = label_row(s, y);
    for (int64_t x = 0; x < s->part->dims.x; x++)
        row[x] = bits ? bits[x / 8] >> x % 8 & 1 : labels[x] != 0;
}

static void clear_labels(void *user, int64_t y, int64_t begin, int64_t end)
{
    memset(label_row(user, y) + begin, 0, (size_t)(end - begin) * sizeof(uint32_t));
}

static pea_status clear_specks(stream *s, pea_error *err)
{
    const pea__job *job = s->job;
    const pea__specks specks = {s->part->dims.y, s->part->dims.x, job->options.min_foreground_size, cover_row,
                                clear_labels, s};
    if (job->heads.foreground < 0 || job->options.min_foreground_size <= 1)
        return PEA_OK;
    pea__stage(job->context, "clean up");
    const pea__window whole = pea__progress_part(job->context, 0.0, PEA__MASK_CLEANED);
    const pea_status status = pea__specks_clear(&specks, job->context, err);
    pea__progress_rejoin(job->context, whole);
    return status;
}

static pea_status finish(stream *s, pea_error *err)
{
    const pea__job *job = s->job;
    const pea_dims d = s->part->dims;
    pea_status status = pea_mutex_slabs_finish(s->slabs, NULL, err);
    pea_mutex_slabs_free(s->slabs);
    s->slabs = NULL;
    if (status == PEA_OK)
        status = clear_specks(s, err);
    if (status == PEA_OK)
        status = pea__merge(job, &s->labels, err);
    if (status == PEA_OK && s->own_labels) {
        pea__crop_in_place(s->own_labels, sizeof(uint32_t), s->frame, d.y, d.x);
        memcpy(s->part->labels.data, s->own_labels, (size_t)(d.y * d.x) * sizeof(uint32_t));
    }
    return status;
}

static void free_rows(stream *s)
{
    pea__free_unset(s->units.data);
    pea__free_unset(s->mask.data);
    pea__free_unset(s->attractive);
    pea__free_unset(s->repulsive);
    s->units.data = s->mask.data = NULL;
    s->attractive = s->repulsive = NULL;
}

pea_status pea__plane_stream(const pea__part *part, pea_error *err)
{
    stream s = {.part = part};
    pea_status status = plan(part->job, &s, err);
    if (status == PEA_OK)
        status = make_room(&s, err);
    if (status == PEA_OK)
        status = run_network(&s, err);
    free_rows(&s);
    if (status == PEA_OK)
        status = finish(&s, err);
    pea_mutex_slabs_free(s.slabs);
    pea__free(s.predicted);
    pea__free(s.own_labels);
    return status;
}

pea_status pea__plane_stream_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err)
{
    stream s = {0};
    unsigned char wanted[PEA__MAX_WANTED];
    pea_status status = plan(job, &s, err);
    pea__heads_wanted(&job->heads, wanted);
    if (status == PEA_OK)
        status = pea_network_forecast_rows(job->network, (pea_dims){1, s.frame.y, s.frame.x, job->info.in_channels},
                                           job->heads.precision, wanted, n_threads, &needs->network, err);
    if (status != PEA_OK)
        return status;
    const uint64_t x = (uint64_t)s.grid.x, n = pea__bytes_mul((uint64_t)s.grid.y, x),
                   e = (uint64_t)(job->heads.embedding_channels * pea__unit_pitch(s.grid.x)) * sizeof(float);
    uint64_t bytes = pea__bytes_add(needs->network, pea__affinity_rows_scratch(&job->options.offsets, n_threads));
    bytes = pea__bytes_add(bytes, pea__bytes_mul((uint64_t)window_rows(&s), e + x));
    bytes = pea__bytes_add(bytes, (n_attractive(&s) + n_repulsive(&s)) * sizeof(float));
    if (job->heads.foreground >= 0 && job->mask.data)
        bytes = pea__bytes_add(bytes, n / 8);
    bytes = pea__bytes_add(bytes, pea__bytes_mul(n, job->options.cluster_padded ? sizeof(uint32_t) : 0));
    bytes = pea__bytes_add(bytes, pea__slabs_forecast(&job->options, s.grid, s.slab_rows, n_threads));
    *needs = (pea__needs){.network = bytes, .cluster = bytes};
    return PEA_OK;
}
