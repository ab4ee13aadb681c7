/* data.c - all images with their labels, read and checked before the first step: what is wrong with the last of them
 * shows at once and not after hours.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "pea/cluster.h"
#include "pea/image.h"
#include "pipeline/pipeline.h"
#include "train/pairs.h"

/* One pair: its voxels, and the planes or volumes in it. */
typedef struct block {
    pea_array image;     /* (frames * slices,y,x,c) */
    pea_volume own_image; /* empty where the image is lent */
    pea_volume labels;
    char *name;
} block;

struct pea__data {
    pea__data_options options;
    block *blocks;
    size_t n_blocks;
    size_t *first, *end; /* of each pair: its specimens */
    pea__specimen *specimens[2]; /* of training, of validation */
    size_t n[2], capacity[2];
    size_t n_empty;              /* specimens of training without instances */
    uint64_t bytes, fingerprint;
    pea_calibration pixel_size;  /* of the first training file */
    bool sizes_known, sizes_differ;
    char notes[256];
};

/* ---- what a pair is, by its headers ---- */

typedef struct shape {
    pea_dims dims; /* of one frame; all slices */
    int64_t n_frames;
    pea_dtype dtype;
} shape;

/* An opened pair. Images NULL: arrays are lent. */
typedef struct opened {
    const pea__pair *pair;
    pea_image *image, *labels;
    shape image_shape, label_shape;
    int64_t first, n_slices, step; /* of each frame; of planes, frames and slices are one sequence */
} opened;

static void close_pair(opened *o)
{
    pea_image_close(o->image);
    pea_image_close(o->labels);
    *o = (opened){0};
}

static pea_status open_file(const char *path, pea_image_use use, pea_image **image, shape *found, pea_error *err)
{
    const pea_status status = pea_image_open(path, use, image, err); /* names the path */
    if (status != PEA_OK)
        return status;
    const pea_image_info info = pea_image_get_info(*image);
    *found = (shape){info.dims, info.n_frames, info.dtype};
    return PEA_OK;
}

static const char *image_name(const pea__pair *pair)
{
    return pea__path_end(pair->image_path ? pair->image_path : pair->name);
}

static const char *label_name(const pea__pair *pair)
{
    return pair->label_path ? pea__path_end(pair->label_path) : "its labels";
}

static pea_status check_shapes(const opened *o, const pea__data_options *options, pea_error *err)
{
    const pea_dims a = o->image_shape.dims, b = o->label_shape.dims;
    const int64_t n_a = o->image_shape.n_frames, n_b = o->label_shape.n_frames;
    const bool planes = options->n_axes == 2;
    if (a.y != b.y || a.x != b.x)
        return pea__fail(err, PEA_E_SHAPE, "%s is %" PRId64 " x %" PRId64 " (y,x), but %s %" PRId64 " x %" PRId64,
                         image_name(o->pair), a.y, a.x, label_name(o->pair), b.y, b.x);
    if (planes ? a.z * n_a != b.z * n_b : a.z != b.z || n_a != n_b)
        return pea__fail(err, PEA_E_SHAPE,
                         "%s has %" PRId64 " slices in %" PRId64 " frames, but %s %" PRId64 " in %" PRId64,
                         image_name(o->pair), a.z, n_a, label_name(o->pair), b.z, n_b);
    if (a.c != 1 && a.c != options->channels)
        return pea__fail(err, PEA_E_SHAPE,
                         "%s has %" PRId64 " channels, and the network takes %" PRId64 ": %s", image_name(o->pair), a.c,
                         options->channels, options->channels == 1 ? "convert it to grey, or save the channel that "
                         "shows the objects" : "save as many, or a single one");
    return PEA_OK;
}

static pea_status choose_slices(opened *o, const pea__data_options *options, pea_error *err)
{
    const bool planes = options->n_axes == 2;
    const int64_t n = o->image_shape.dims.z * (planes ? o->image_shape.n_frames : 1);
    const int64_t first = o->pair->first_slice < 0 ? pea__max_i64(0, n + o->pair->first_slice) : o->pair->first_slice;
    const int64_t end = o->pair->end_slice <= 0 ? n + o->pair->end_slice : pea__min_i64(n, o->pair->end_slice);
    o->step = pea__max_i64(1, o->pair->slice_step);
    o->first = first + o->pair->first_phase;
    if (o->first >= end)
        return pea__fail(err, PEA_E_ARG, "%s has %" PRId64 " slices: none is left for %s", image_name(o->pair), n,
                         o->pair->validation ? "validation" : "training");
    o->n_slices = pea__ceil_div(end - o->first, o->step);
    return PEA_OK;
}

static pea_status open_pair(const pea__pair *pair, const pea__data_options *options, opened *o, pea_error *err)
{
    pea_status status = PEA_OK;
    *o = (opened){.pair = pair};
    if (pair->image_path) {
        status = open_file(pair->image_path, PEA_IMAGE_INTENSITY, &o->image, &o->image_shape, err);
        if (status == PEA_OK)
            status = open_file(pair->label_path, PEA_IMAGE_LABELS, &o->labels, &o->label_shape, err);
    } else {
        status = pea__array_check(&pair->image, "the image", 0, err);
        if (status == PEA_OK)
            status = pea__array_check(&pair->labels, "the label image", 0, err);
        status = pea__name_file(status, pair->name, err);
        o->image_shape = (shape){pair->image.dims, 1, pair->image.dtype};
        o->label_shape = (shape){pair->labels.dims, 1, pair->labels.dtype};
    }
    if (status == PEA_OK)
        status = check_shapes(o, options, err);
    if (status == PEA_OK)
        status = choose_slices(o, options, err);
    if (status != PEA_OK)
        close_pair(o);
    return status;
}

/* ---- memory ---- */

/* Voxels of a pair that are kept. */
static uint64_t kept_voxels(const opened *o, const pea__data_options *options)
{
    const pea_dims d = o->image_shape.dims;
    const int64_t n_frames = options->n_axes == 2 ? 1 : o->image_shape.n_frames;
    return pea__bytes_mul(pea__bytes_mul((uint64_t)n_frames, (uint64_t)o->n_slices), (uint64_t)d.y * (uint64_t)d.x);
}

static uint64_t voxel_bytes(shape s)
{
    return (uint64_t)s.dims.c * pea_dtype_size_bytes(s.dtype);
}

/* Beyond what is kept: image and then labels as they come out of the file; runs of parts. */
static uint64_t passing_bytes(const opened *o, const pea__pairs *pairs, uint64_t voxels)
{
    const uint64_t image = o->image ? voxel_bytes(o->image_shape) : 0;
    const uint64_t labels = o->image ? voxel_bytes(o->label_shape) : 0;
    const uint64_t parts = pairs->rule == PEA__LABELS_PARTS ? 16 : 0;
    const uint64_t most = image > labels ? image : labels;
    return pea__bytes_mul(voxels, most > parts ? most : parts);
}

pea_status pea__data_forecast(const pea__pairs *pairs, const pea__data_options *options, uint64_t *bytes_held,
                              uint64_t *bytes_beyond, pea_error *err)
{
    uint64_t held = 0, beyond = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        opened o;
        const pea_status status = open_pair(pairs->pair + i, options, &o, err);
        if (status != PEA_OK)
            return status;
        const bool again = pea__pairs_first_alike(pairs, i) < i;
        const uint64_t voxels = again ? 0 : kept_voxels(&o, options);
        const uint64_t n_specimens = (uint64_t)(options->n_axes == 2 ? o.n_slices : o.image_shape.n_frames);
        const uint64_t image = o.image || o.step > 1 ? voxel_bytes(o.image_shape) : 0;
        held = pea__bytes_add(held, pea__bytes_mul(voxels, sizeof(uint32_t) + image));
        held = pea__bytes_add(held, pea__bytes_mul(n_specimens, 2 * sizeof(pea__specimen)) + sizeof(block));
        const uint64_t passing = passing_bytes(&o, pairs, voxels);
        beyond = passing > beyond ? passing : beyond;
        close_pair(&o);
    }
    *bytes_held = held;
    *bytes_beyond = beyond;
    return PEA_OK;
}

static pea_status check_memory(const pea__pairs *pairs, const pea__data_options *options, pea_context *context,
                               uint64_t *held, pea_error *err)
{
    uint64_t beyond;
    const uint64_t limit = pea__memory_limit(context);
    const pea_status status = pea__data_forecast(pairs, options, held, &beyond, err);
    if (status == PEA_OK && limit > 0 && pea__bytes_add(*held, beyond) > limit)
        return pea__fail(err, PEA_E_LIMIT,
                         "%zu images and their labels need %.0f MB of memory, and %.0f MB are allowed: give more, or "
                         "train on fewer", pairs->n, (double)pea__bytes_add(*held, beyond) * 1e-6,
                         (double)limit * 1e-6);
    return status;
}

/* ---- reading ---- */

/* Some slices of a volume, of which number `at` is the first. May change the piece. */
typedef pea_status take_piece(void *argument, const pea_volume *piece, int64_t at, pea_error *err);

/* Frames and slices of a file are one sequence, of which the slices first, first + step ... are read, as many at once
 * as lie in one frame side by side. */
static pea_status read_slices(const pea_image *image, const opened *o, int64_t first, pea_context *context,
                              take_piece *take, void *argument, pea_error *err)
{
    const int64_t per_frame = pea_image_get_info(image).dims.z;
    pea_status status = PEA_OK;
    for (int64_t i = 0, n; status == PEA_OK && i < o->n_slices; i += n) {
        const int64_t at = first + i * o->step, slice = at % per_frame;
        const double end = (double)o->n_slices;
        pea_volume piece = {0};
        n = o->step > 1 ? 1 : pea__min_i64(per_frame - slice, o->n_slices - i);
        const pea__window window = pea__progress_part(context, (double)i / end, (double)(i + n) / end);
        status = pea_image_read(image, (pea_image_part){at / per_frame, slice, n, -1}, context, &piece, err);
        pea__progress_rejoin(context, window);
        if (status == PEA_OK)
            status = take(argument, &piece, i, err);
        pea_volume_free(&piece);
    }
    return status;
}

static pea_status keep_image(void *argument, const pea_volume *piece, int64_t at, pea_error *err)
{
    const pea_array *whole = argument;
    const pea_dims d = piece->array.dims;
    const size_t slice_bytes = (size_t)(d.y * d.x * d.c) * pea_dtype_size_bytes(piece->array.dtype);
    (void)err;
    memcpy((char *)whole->data + (size_t)at * slice_bytes, piece->array.data, (size_t)d.z * slice_bytes);
    return PEA_OK;
}

/* Several channels that say the same are one; of a published mask the first counts. */
typedef struct label_target {
    uint32_t *labels;
    pea__label_rule rule;
} label_target;

static pea_status take_first_channel(pea_volume *piece, pea__label_rule rule, pea_error *err)
{
    const pea_dims d = piece->array.dims;
    const size_t item = pea_dtype_size_bytes(piece->array.dtype);
    char *bytes = piece->array.data;
    for (int64_t i = 0; i < d.z * d.y * d.x; i++) {
        const char *voxel = bytes + (size_t)(i * d.c) * item;
        for (int64_t c = 1; rule == PEA__LABELS_NUMBERS && c < d.c; c++)
            if (memcmp(voxel, voxel + (size_t)c * item, item))
                return pea__fail(err, PEA_E_FORMAT,
                                 "the labels are colours, at z %" PRId64 ", y %" PRId64 ", x %" PRId64
                                 " for example: save a number for each object, in one channel",
                                 i / (d.y * d.x), i / d.x % d.y, i % d.x);
        memmove(bytes + (size_t)i * item, voxel, item);
    }
    piece->array.dims.c = 1;
    return PEA_OK;
}

static pea_status keep_labels(void *argument, const pea_volume *piece, int64_t at, pea_error *err)
{
    const label_target *target = argument;
    pea_volume one = *piece; /* the same memory, which may be changed */
    pea_status status = PEA_OK;
    if (one.array.dims.c > 1)
        status = take_first_channel(&one, target->rule, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = one.array.dims;
    const pea_array to = {target->labels + at * d.y * d.x, PEA_UINT32, d};
    return pea_labels_from_array(&one.array, &to, err);
}

static pea_array slices_of(const pea_array *array, int64_t first, int64_t n)
{
    const pea_dims d = array->dims;
    const size_t slice_bytes = (size_t)(d.y * d.x * d.c) * pea_dtype_size_bytes(array->dtype);
    return (pea_array){(char *)array->data + (size_t)first * slice_bytes, array->dtype, {n, d.y, d.x, d.c}};
}

/* Of lent arrays a view of the image and a copy of the labels; where slices are left out, a copy of both. */
static pea_status read_lent(const opened *o, block *b, pea_error *err)
{
    const pea_array *image = &o->pair->image, *labels = &o->pair->labels;
    const int64_t n = o->step > 1 ? 1 : o->n_slices;
    pea_dims dims = b->labels.array.dims;
    pea_status status = PEA_OK;
    if (labels->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "the labels of %s have %" PRId64 " channels, expected one",
                         image_name(o->pair), labels->dims.c);
    dims.c = image->dims.c;
    if (o->step > 1)
        status = pea_volume_alloc(image->dtype, dims, &b->own_image, err);
    b->image = o->step > 1 ? b->own_image.array : slices_of(image, o->first, n);
    for (int64_t i = 0; status == PEA_OK && i < o->n_slices; i += n) {
        const pea_array from = slices_of(labels, o->first + i * o->step, n), to = slices_of(&b->labels.array, i, n);
        const pea_volume piece = {.array = slices_of(image, o->first + i * o->step, n)};
        if (o->step > 1)
            status = keep_image(&b->image, &piece, i, err);
        if (status == PEA_OK)
            status = pea__name_file(pea_labels_from_array(&from, &to, err), o->pair->name, err);
    }
    return status;
}

/* In 3-D frames are volumes of their own, and of each the same slices are taken. */
static pea_status read_files(const opened *o, const pea__data_options *options, pea__label_rule rule,
                             pea_context *context, block *b, pea_error *err)
{
    const int64_t n_frames = options->n_axes == 2 ? 1 : o->image_shape.n_frames, n = o->n_slices;
    const int64_t plane = b->labels.array.dims.y * b->labels.array.dims.x;
    pea_dims dims = b->labels.array.dims;
    dims.c = o->image_shape.dims.c;
    pea_status status = pea_volume_alloc(o->image_shape.dtype, dims, &b->own_image, err);
    b->image = b->own_image.array;
    for (int64_t t = 0; status == PEA_OK && t < n_frames; t++) {
        pea_array image = slices_of(&b->image, t * n, n);
        label_target target = {(uint32_t *)b->labels.array.data + t * n * plane, rule};
        status = read_slices(o->image, o, t * o->image_shape.dims.z + o->first, context, keep_image, &image, err);
        status = pea__name_file(status, o->pair->image_path, err);
        if (status != PEA_OK)
            break;
        status = read_slices(o->labels, o, t * o->label_shape.dims.z + o->first, context, keep_labels, &target, err);
        status = pea__name_file(status, o->pair->label_path, err);
    }
    return status;
}

/* ---- what labels and images hold ---- */

/* A set of labels, 0 left out: open addressing, at most half full. */
typedef struct label_set {
    uint32_t *slot;
    size_t n, size; /* size: a power of 2 */
} label_set;

static void insert(label_set *set, uint32_t label)
{
    size_t i = label * 2654435761u & (set->size - 1); /* Knuth's multiplier */
    while (set->slot[i] != 0 && set->slot[i] != label)
        i = (i + 1) & (set->size - 1);
    set->n += set->slot[i] == 0;
    set->slot[i] = label;
}

static bool make_room(label_set *set, pea_error *err)
{
    if (2 * (set->n + 1) <= set->size)
        return true;
    label_set larger = {.size = set->size ? 2 * set->size : 1024};
    larger.slot = pea__alloc(larger.size, sizeof *larger.slot, err);
    if (!larger.slot)
        return false;
    for (size_t i = 0; i < set->size; i++)
        if (set->slot[i] != 0)
            insert(&larger, set->slot[i]);
    pea__free(set->slot);
    *set = larger;
    return true;
}

static pea_status count_instances(const pea_array *labels, int64_t *n_instances, pea_error *err)
{
    const uint32_t *label = labels->data;
    const int64_t n = labels->dims.z * labels->dims.y * labels->dims.x;
    label_set set = {0};
    for (int64_t i = 0; i < n; i++) {
        if (label[i] == 0 || (i > 0 && label[i] == label[i - 1]))
            continue;
        if (!make_room(&set, err)) {
            pea__free(set.slot);
            return PEA_E_NOMEM;
        }
        insert(&set, label[i]);
    }
    *n_instances = (int64_t)set.n;
    pea__free(set.slot);
    return PEA_OK;
}

/* Whether one number stands for many separate objects: of such a mask a network would learn that all are one. */
static pea_status looks_like_mask(const pea_array *labels, pea_context *context, bool *is_mask, pea_error *err)
{
    enum { MANY = 5, LEAST_SIZE = 10 };
    pea_volume copy = {0};
    int64_t n = 0;
    pea_status status = pea_volume_alloc(PEA_UINT32, labels->dims, &copy, err);
    if (status != PEA_OK)
        return status;
    const int64_t n_voxels = labels->dims.z * labels->dims.y * labels->dims.x;
    memcpy(copy.array.data, labels->data, (size_t)n_voxels * sizeof(uint32_t));
    status = pea_split_parts(&copy.array, PEA_CONNECT_CORNERS, context, NULL, err);
    if (status == PEA_OK)
        status = pea_remove_small(&copy.array, LEAST_SIZE, context, err);
    if (status == PEA_OK)
        status = count_instances(&copy.array, &n, err);
    *is_mask = n >= MANY;
    pea_volume_free(&copy);
    return status;
}

/* What the rule makes of the extremes lies in [0,1]: contrast is cut off there. */
static pea_status check_range(const pea__specimen *s, const pea__data_options *options, pea_error *err)
{
    const double scale = pea__full_scale(s->image.dtype);
    if (options->normalise == PEA_NORMALISE_MINMAX || (s->min >= 0.0 && s->max <= scale))
        return PEA_OK;
    return pea__fail(err, PEA_E_FORMAT,
                     "%s has values from %g to %g, and the model takes %s from 0 to %g: rescale them, or train with "
                     "normalise minmax", pea__path_end(s->name), s->min, s->max, pea_dtype_name(s->image.dtype), scale);
}

static pea_status find_range(pea__specimen *s, pea_context *context, pea_error *err)
{
    pea__range *ranges = pea__alloc((size_t)s->image.dims.z, sizeof *ranges, err);
    if (!ranges)
        return PEA_E_NOMEM;
    pea__stage(context, "read");
    const pea_status status = pea__image_ranges(&s->image, context, ranges, err);
    pea__stage(context, NULL);
    s->min = ranges[0].min;
    s->max = ranges[0].max;
    for (int64_t z = 1; z < s->image.dims.z; z++) {
        s->min = fmin(s->min, ranges[z].min);
        s->max = fmax(s->max, ranges[z].max);
    }
    pea__free(ranges);
    return pea__name_file(status, s->name, err);
}

static pea_status widen(const pea__specimen *s, pea_error *err)
{
    uint32_t *rows = pea__alloc(3 * (size_t)s->labels.dims.x, sizeof *rows, err);
    if (!rows)
        return PEA_E_NOMEM;
    pea__widen_borders(s->labels.dims, s->labels.data, rows);
    pea__free(rows);
    return PEA_OK;
}

uint64_t pea__mix(uint64_t hash, const void *bytes, size_t n_bytes)
{
    const unsigned char *at = bytes;
    for (; n_bytes >= 8; at += 8, n_bytes -= 8) {
        hash = (hash ^ pea__load_u64(at)) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    hash = (hash ^ pea__load(at, n_bytes, false) ^ (uint64_t)n_bytes << 56) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t fingerprint_of(uint64_t hash, const pea__specimen *s)
{
    const pea_dims d = s->image.dims;
    const int64_t n = d.z * d.y * d.x, about[5] = {d.z, d.y, d.x, d.c, (int64_t)s->image.dtype};
    hash = pea__mix(hash, about, sizeof about);
    hash = pea__mix(hash, s->image.data, (size_t)(n * d.c) * pea_dtype_size_bytes(s->image.dtype));
    return pea__mix(hash, s->labels.data, (size_t)n * sizeof(uint32_t));
}

/* ---- from a pair to specimens ---- */

static pea_status append(pea__data *data, bool validation, const pea__specimen *specimen, pea_error *err)
{
    const int role = validation;
    pea__specimen *grown =
        pea__room_for_one(data->specimens[role], data->n[role], &data->capacity[role], sizeof *grown, err);
    if (!grown)
        return PEA_E_NOMEM;
    data->specimens[role] = grown;
    data->specimens[role][data->n[role]++] = *specimen;
    return PEA_OK;
}

static pea_status add_specimen(pea__data *data, const pea__pairs *pairs, bool validation, pea__specimen *s,
                               pea_context *context, pea_error *err)
{
    pea_status status = find_range(s, context, err);
    if (status == PEA_OK)
        status = check_range(s, &data->options, err);
    if (status == PEA_OK && pairs->rule == PEA__LABELS_PARTS) {
        status = pea_split_parts(&s->labels, PEA_CONNECT_CORNERS, context, NULL, err);
        if (status == PEA_OK)
            status = pea_remove_small(&s->labels, pairs->min_part_size, context, err);
    }
    if (status == PEA_OK)
        status = count_instances(&s->labels, &s->n_instances, err);
    if (status == PEA_OK)
        data->fingerprint = fingerprint_of(data->fingerprint, s);
    if (status == PEA_OK && data->options.widen && !validation)
        status = widen(s, err);
    data->n_empty += status == PEA_OK && !validation && s->n_instances == 0;
    return status == PEA_OK ? append(data, validation, s, err) : status;
}

/* A hundredth is what files round sizes by. */
static bool alike(double a, double b)
{
    return fabs(a - b) <= 0.01 * fabs(b);
}

static void note_pixel_size(pea__data *data, const opened *o)
{
    if (!o->image || o->pair->validation)
        return;
    pea_calibration found = pea_image_get_info(o->image).calibration;
    const pea_calibration *first = &data->pixel_size;
    found.z *= (double)o->step;
    if (data->sizes_known)
        data->sizes_differ = data->sizes_differ || strcmp(found.unit, first->unit) != 0 || !alike(found.x, first->x) ||
                             !alike(found.y, first->y) || (data->options.n_axes == 3 && !alike(found.z, first->z));
    else
        data->pixel_size = found;
    data->sizes_known = true;
}

static pea_status add_block(pea__data *data, const pea__pairs *pairs, const opened *o, pea_context *context,
                            pea_error *err)
{
    block *b = data->blocks + data->n_blocks++; /* counted first: what it holds is freed whatever happens */
    const pea_dims d = o->image_shape.dims;
    const bool planes = data->options.n_axes == 2;
    const int64_t n_specimens = planes ? o->n_slices : o->image_shape.n_frames, thickness = planes ? 1 : o->n_slices;
    b->name = pea__copy_text(o->pair->name, strlen(o->pair->name), err);
    if (!b->name)
        return PEA_E_NOMEM;
    pea_status status = pea_volume_alloc(PEA_UINT32, (pea_dims){n_specimens * thickness, d.y, d.x, 1}, &b->labels, err);
    if (status == PEA_OK)
        status = o->image ? read_files(o, &data->options, pairs->rule, context, b, err)
                          : read_lent(o, b, err);
    note_pixel_size(data, o);
    for (int64_t i = 0; status == PEA_OK && i < n_specimens; i++) {
        pea__specimen s = {.name = b->name,
                           .image = slices_of(&b->image, i * thickness, thickness),
                           .labels = slices_of(&b->labels.array, i * thickness, thickness)};
        status = add_specimen(data, pairs, o->pair->validation, &s, context, err);
    }
    return status;
}

/* ---- all of them ---- */

static pea_status check_options(const pea__pairs *pairs, const pea__data_options *options, pea_error *err)
{
    if (options->n_axes != 2 && options->n_axes != 3)
        return pea__fail(err, PEA_E_ARG, "images have 2 or 3 axes, not %d", options->n_axes);
    if (options->channels < 1 || options->channels > PEA__MAX_IMAGE_CHANNELS)
        return pea__fail(err, PEA_E_ARG, "a network is trained on 1 to %d channels, not %" PRId64,
                         PEA__MAX_IMAGE_CHANNELS, options->channels);
    if (pairs->rule == PEA__LABELS_PARTS && options->n_axes != 2)
        return pea__fail(err, PEA_E_ARG, "connected parts are labels of planes, not of volumes");
    if (pairs->n == 0)
        return pea__fail(err, PEA_E_ARG, "there are no images to train on");
    return PEA_OK;
}

/* Whether there is anything to learn. */
static pea_status check_all(pea__data *data, pea_context *context, pea_error *err)
{
    const pea__specimen *training = data->specimens[0], *suspect = NULL;
    bool several = false, is_mask = false;
    if (data->n[0] == 0)
        return pea__fail(err, PEA_E_ARG, "all images are set aside for validation: none is left to train on");
    for (size_t i = 0; i < data->n[0]; i++) {
        several = several || training[i].n_instances > 1;
        suspect = !suspect && training[i].n_instances == 1 ? training + i : suspect;
    }
    if (data->n_empty == data->n[0])
        return pea__fail(err, PEA_E_ARG, "no label image has an object, %s for example: all labels are 0",
                         pea__path_end(training[0].name));
    if (!several) {
        const pea_status status = looks_like_mask(&suspect->labels, context, &is_mask, err);
        if (status != PEA_OK)
            return status;
    }
    if (is_mask)
        return pea__fail(err, PEA_E_FORMAT,
                         "the labels of %s are a mask: one number stands for many objects. Give each a number of its "
                         "own, or take connected parts for objects", pea__path_end(suspect->name));
    int used = 0;
    if (data->n_empty > 0)
        used = snprintf(data->notes, sizeof data->notes, "%zu of %zu training images have no objects", data->n_empty,
                        data->n[0]);
    if (data->sizes_differ)
        snprintf(data->notes + used, sizeof data->notes - (size_t)used, "%straining images differ in pixel size",
                 used ? "; " : "");
    return PEA_OK;
}

/* The specimens of pair k once more, for a pair that is alike. Nothing is scored twice. */
static pea_status repeat(pea__data *data, const pea__pairs *pairs, size_t k, pea_error *err)
{
    pea_status status = PEA_OK;
    for (size_t i = data->first[k]; status == PEA_OK && !pairs->pair[k].validation && i < data->end[k]; i++) {
        const pea__specimen s = data->specimens[0][i];
        data->n_empty += s.n_instances == 0;
        status = append(data, false, &s, err);
    }
    data->fingerprint = pea__mix(data->fingerprint, &k, sizeof k);
    return status;
}

static pea_status read_all(pea__data *data, const pea__pairs *pairs, pea_context *context, pea_error *err)
{
    pea_status status = PEA_OK;
    for (size_t i = 0; i < pairs->n && status == PEA_OK; i++) {
        opened o = {0};
        const size_t alike = pea__pairs_first_alike(pairs, i);
        const double n = (double)pairs->n;
        const pea__window window = pea__progress_part(context, (double)i / n, (double)(i + 1) / n);
        data->first[i] = data->n[pairs->pair[i].validation];
        if (alike == i)
            status = open_pair(pairs->pair + i, &data->options, &o, err);
        if (status == PEA_OK)
            status = alike == i ? add_block(data, pairs, &o, context, err) : repeat(data, pairs, alike, err);
        data->end[i] = data->n[pairs->pair[i].validation];
        close_pair(&o);
        pea__progress_rejoin(context, window);
    }
    return status;
}

pea_status pea__data_read(const pea__pairs *pairs, const pea__data_options *options, pea_context *context,
                          pea__data **out, pea_error *err)
{
    uint64_t held;
    pea_status status = check_options(pairs, options, err);
    if (status == PEA_OK)
        status = check_memory(pairs, options, context, &held, err);
    if (status != PEA_OK)
        return status;
    pea__data *data = pea__alloc(1, sizeof *data, err);
    if (!data)
        return PEA_E_NOMEM;
    data->options = *options;
    data->bytes = held;
    data->blocks = pea__alloc(pairs->n, sizeof *data->blocks, err);
    data->first = data->blocks ? pea__alloc(2 * pairs->n, sizeof *data->first, err) : NULL;
    data->end = data->first ? data->first + pairs->n : NULL;
    status = data->first ? read_all(data, pairs, context, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = check_all(data, context, err);
    if (status == PEA_OK)
        *out = data;
    else
        pea__data_free(data);
    return status;
}

void pea__data_free(pea__data *data)
{
    if (!data)
        return;
    for (size_t i = 0; i < data->n_blocks; i++) {
        pea_volume_free(&data->blocks[i].own_image);
        pea_volume_free(&data->blocks[i].labels);
        pea__free(data->blocks[i].name);
    }
    pea__free(data->blocks);
    pea__free(data->first);
    pea__free(data->specimens[0]);
    pea__free(data->specimens[1]);
    pea__free(data);
}

size_t pea__data_count(const pea__data *data, bool validation)
{
    return data->n[validation];
}

pea__specimen pea__data_get(const pea__data *data, bool validation, size_t index)
{
    return data->specimens[validation][index];
}

pea__data_options pea__data_get_options(const pea__data *data)
{
    return data->options;
}

const char *pea__data_notes(const pea__data *data)
{
    return data->notes;
}

uint64_t pea__data_bytes(const pea__data *data)
{
    return data->bytes;
}

pea_calibration pea__data_pixel_size(const pea__data *data)
{
    return data->sizes_known && !data->sizes_differ ? data->pixel_size : pea_calibration_default();
}

uint64_t pea__data_fingerprint(const pea__data *data)
{
    return data->fingerprint;
}
