/* sampler.c - from labelled images to the batch of a step.
 *
 *     image ─▶ cut out ─▶ [0,1] ─▶ flip ─▶ resized crop ─▶ rotate ─▶ rescale ─▶ elastic ─▶ cut margin off ─▶ grey ─┐
 *     (mirrored where the cut leaves it)                                                                           │
 *                                                    normalise ─▶ view, labels ◀───────────────────────────────────┤
 *     second view ◀─ normalise ◀─ flip ◀─ cutout ◀─ grey ◀─────────────────────────────────────────────────────────┘
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/augment.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "pipeline/pipeline.h"
#include "train/pairs.h"

/* What one image at a time needs. */
typedef struct space {
    pea__canvas canvas, spare;
    float *displacement[2], *smoothing;
    double *places;
    pea__tap *taps;
} space;

struct pea__sampler {
    const pea__data *data;
    pea_context *context;
    pea__augmentation how;
    pea_normalise normalise;
    int64_t n, channels;
    uint64_t seed;
    double *up_to; /* of each image: how many voxels there are up to its end; images of a plane count as one */
    int64_t n_spaces;
    space *spaces;
};

typedef struct filling {
    pea__sampler *sampler;
    uint64_t step;
    const pea__batch_of_samples *batch;
    pea_status status; /* and err: what the caller's thread heard, which is worker 0 */
    pea_error *err;
    atomic_bool stop;
} filling;

/* Whether nobody wants samples any more. One of a volume takes a tenth of a second: it is asked several times within. */
static bool is_unwanted(filling *f, int worker)
{
    if (worker == 0 && f->status == PEA_OK && !atomic_load(&f->stop)) {
        f->status = pea__progress(f->sampler->context, 0.0, f->err);
        atomic_store(&f->stop, f->status != PEA_OK);
    }
    return atomic_load(&f->stop);
}

/* ---- which part of which image ---- */

static size_t draw_image(const pea__sampler *s, pea__random *random)
{
    const size_t n = pea__data_count(s->data, false);
    const double at = pea__random_unit(random) * s->up_to[n - 1];
    size_t low = 0, high = n - 1; /* the first whose end is beyond */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->up_to[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* First voxel of a cut of m from a line of n that has grown by `border` at both ends, and as much more as m needs. */
static int64_t draw_start(pea__random *random, int64_t n, int64_t border, int64_t m)
{
    const int64_t grown = n + 2 * border, more = pea__max_i64(0, m - grown);
    return pea__random_integer(random, 0, grown + more - m) - border - more / 2;
}

static bool inside(int64_t i, int64_t n)
{
    return i >= 0 && i < n;
}

/* One row of a cut. The quotients are those of pea__normalised_box(). */
static void cut_row(const pea__sampler *s, const pea__specimen *specimen, int64_t z, int64_t y, int64_t x0,
                    float *values, uint32_t *labels)
{
    const pea_array *image = &specimen->image;
    const pea_dims d = image->dims;
    const int64_t n = s->how.side + 2 * s->how.margin;
    const int64_t row = (pea__mirror(z, d.z) * d.y + pea__mirror(y, d.y)) * d.x;
    const bool row_labelled = s->how.label_border || (inside(z, d.z) && inside(y, d.y));
    const bool minmax = s->normalise == PEA_NORMALISE_MINMAX;
    const double low = minmax ? specimen->min : 0.0;
    const double span = minmax ? specimen->max - specimen->min : pea__full_scale(image->dtype);
    for (int64_t i = 0; i < n; i++) {
        const int64_t voxel = row + pea__mirror(x0 + i, d.x);
        const bool labelled = row_labelled && (s->how.label_border || inside(x0 + i, d.x));
        labels[i] = labelled ? ((const uint32_t *)specimen->labels.data)[voxel] : 0;
        for (int64_t c = 0; c < d.c; c++)
            *values++ = span > 0.0 ? (float)((pea__array_value(image, voxel * d.c + c) - low) / span) : 0.0f;
    }
}

static void cut(filling *f, int worker, const pea__specimen *specimen, pea__random *random, space *w)
{
    const pea__sampler *s = f->sampler;
    const pea_dims d = specimen->image.dims;
    const int64_t side = s->how.side + 2 * s->how.margin;
    const int64_t z0 = draw_start(random, d.z, 0, s->how.depth);
    const int64_t y0 = draw_start(random, d.y, s->how.border, side);
    const int64_t x0 = draw_start(random, d.x, s->how.border, side);
    w->canvas = (pea__canvas){s->how.depth, side, d.c, w->canvas.image, w->canvas.labels};
    w->spare = (pea__canvas){s->how.depth, side, d.c, w->spare.image, w->spare.labels};
    for (int64_t i = 0; i < s->how.depth * side && !(i % side == 0 && is_unwanted(f, worker)); i++)
        cut_row(s, specimen, z0 + i / side, y0 + i % side, x0, w->canvas.image + i * side * d.c,
                w->canvas.labels + i * side);
}

/* ---- the first view ---- */

static void swap(space *w)
{
    const pea__canvas other = w->spare;
    w->spare = w->canvas;
    w->canvas = other;
}

/* From w->canvas to w->canvas. eight_bits: of the image as it was read. */
typedef void transformation(const pea__augmentation *how, pea__random random, bool eight_bits, space *w);

static void flip(const pea__augmentation *how, pea__random random, bool eight_bits, space *w)
{
    const pea__canvas *c = &w->canvas;
    const pea__view view = pea__draw_flips(&random, how->flip_axes);
    (void)eight_bits;
    pea__flip_image(c->depth, c->side, c->channels, view, c->image, w->spare.image);
    pea__flip_labels(c->depth, c->side, view, c->labels, w->spare.labels);
    swap(w);
}

static void crop_resized(const pea__augmentation *how, pea__random random, bool eight_bits, space *w)
{
    pea__enlarge(&w->canvas, pea__draw_part(&random, how->crop_area, w->canvas.side), eight_bits, &w->spare);
}

static void rotate(const pea__augmentation *how, pea__random random, bool eight_bits, space *w)
{
    const double turn = 6.283185307179586;
    (void)how, (void)eight_bits;
    pea__rotate(&w->canvas, pea__random_between(&random, 0.0, turn), w->places, &w->spare);
    swap(w);
}

static void rescale(const pea__augmentation *how, pea__random random, bool eight_bits, space *w)
{
    const double low = 1.0 - how->rescale_by, high = 1.0 + how->rescale_by;
    const double factor_y = pea__random_between(&random, low, high);
    const double factor_x = pea__random_between(&random, low, high);
    const pea__stretch y = pea__draw_stretch(&random, factor_y, w->canvas.side);
    const pea__stretch x = pea__draw_stretch(&random, factor_x, w->canvas.side);
    (void)eight_bits;
    pea__rescale(&w->canvas, y, x, w->taps, &w->spare);
    swap(w);
}

static void deform(const pea__augmentation *how, pea__random random, bool eight_bits, space *w)
{
    (void)eight_bits;
    for (int k = 0; k < 2; k++)
        pea__draw_displacements(&random, w->canvas.side, how->elastic_alpha, how->elastic_sigma, w->displacement[k],
                                w->smoothing);
    pea__displace(&w->canvas, w->displacement[0], w->displacement[1], w->places, &w->spare);
    swap(w);
}

/* Which steps happen is drawn together: what one of them draws is its own business. */
static void transform(filling *f, int worker, uint32_t image, bool eight_bits, space *w)
{
    const pea__sampler *s = f->sampler;
    const pea__augmentation *how = &s->how;
    const struct {
        double probability;
        pea__purpose purpose;
        transformation *apply;
    } steps[] = {
        {how->flip, PEA__DRAW_FLIP, flip},
        {how->resized_crop, PEA__DRAW_RESIZED_CROP, crop_resized},
        {how->rotate, PEA__DRAW_ROTATION, rotate},
        {how->rescale, PEA__DRAW_RESCALING, rescale},
        {how->elastic, PEA__DRAW_ELASTIC, deform},
    };
    pea__random random = pea__random_of(s->seed, f->step, image, PEA__DRAW_CHAIN);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !is_unwanted(f, worker); i++) {
        const pea__random own = pea__random_of(s->seed, f->step, image, steps[i].purpose);
        if (!pea__random_happens(&random, steps[i].probability))
            continue;
        steps[i].apply(how, own, eight_bits, w);
    }
}

static void cut_margin(const pea__augmentation *how, space *w)
{
    const int64_t side = how->side, wide = w->canvas.side, c = w->canvas.channels;
    if (how->margin == 0)
        return;
    w->spare.side = side;
    for (int64_t i = 0; i < how->depth * side; i++) {
        const int64_t from = ((i / side * wide) + i % side + how->margin) * wide + how->margin;
        memcpy(w->spare.image + i * side * c, w->canvas.image + from * c, (size_t)(side * c) * sizeof *w->spare.image);
        memcpy(w->spare.labels + i * side, w->canvas.labels + from, (size_t)side * sizeof *w->spare.labels);
    }
    swap(w);
}

/* A canvas as the network wants it: normalised, one channel repeated for all. */
static void normalise(const pea__sampler *s, const pea__canvas *canvas, float *to)
{
    const int64_t n = canvas->depth * canvas->side * canvas->side;
    const bool imagenet = s->normalise == PEA_NORMALISE_IMAGENET;
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < s->channels; c++) {
            const float v = canvas->image[i * canvas->channels + (canvas->channels == 1 ? 0 : c)];
            *to++ = imagenet ? (v - pea__colour_mean[c % 3]) / pea__colour_deviation[c % 3] : v;
        }
}

/* ---- one image of a batch ---- */

static void make_second_view(const filling *f, uint32_t image, space *w)
{
    const pea__sampler *s = f->sampler;
    const pea__canvas *c = &w->canvas;
    const int64_t n = c->depth * c->side * c->side;
    pea__random grey = pea__random_of(s->seed, f->step, image, PEA__DRAW_SECOND_GREY);
    pea__random cutout = pea__random_of(s->seed, f->step, image, PEA__DRAW_CUTOUT);
    pea__random flips = pea__random_of(s->seed, f->step, image, PEA__DRAW_SECOND_FLIP);
    const pea__view view = pea__draw_flips(&flips, s->how.second_flip_axes);
    pea__change_grey(c, &s->how.second_grey, &grey);
    pea__cut_out(c, &s->how.cutout, &cutout);
    pea__flip_image(c->depth, c->side, c->channels, view, c->image, w->spare.image);
    w->spare.side = c->side;
    normalise(s, &w->spare, f->batch->second_view + (int64_t)image * n * s->channels);
    f->batch->flips[image] = view;
}

static void make_sample(void *argument, int64_t index, int worker)
{
    filling *f = argument;
    const pea__sampler *s = f->sampler;
    const uint32_t image = (uint32_t)index;
    space *w = s->spaces + (s->n_spaces < s->n ? worker : index);
    pea__random which = pea__random_of(s->seed, f->step, image, PEA__DRAW_IMAGE);
    pea__random place = pea__random_of(s->seed, f->step, image, PEA__DRAW_PLACE);
    pea__random grey = pea__random_of(s->seed, f->step, image, PEA__DRAW_GREY);
    pea__random any = pea__random_of(s->seed, f->step, image, PEA__DRAW_ANY);
    const pea__specimen specimen = pea__data_get(s->data, false, draw_image(s, &which));
    const int64_t n = s->how.depth * s->how.side * s->how.side;
    const bool transformed = !f->batch->plain && pea__random_happens(&any, s->how.chain);

    cut(f, worker, &specimen, &place, w);
    if (transformed)
        transform(f, worker, image, specimen.image.dtype == PEA_UINT8, w);
    if (is_unwanted(f, worker))
        return;
    cut_margin(&s->how, w);
    if (transformed)
        pea__change_grey(&w->canvas, &s->how.grey, &grey);
    normalise(s, &w->canvas, f->batch->view + index * n * s->channels);
    memcpy(f->batch->labels + index * n, w->canvas.labels, (size_t)n * sizeof *w->canvas.labels);
    f->batch->flips[index] = (pea__view){0};
    if (f->batch->second_view && !is_unwanted(f, worker))
        make_second_view(f, image, w);
}

pea_status pea__sampler_fill(pea__sampler *sampler, uint64_t step, const pea__batch_of_samples *batch,
                             pea_error *err)
{
    filling f = {.sampler = sampler, .step = step, .batch = batch, .err = err};
    const pea_status status = pea__parallel(sampler->context, sampler->n, 0.0, 0.0, make_sample, &f, err);
    return f.status != PEA_OK ? f.status : status;
}

/* ---- memory ---- */

static int64_t spaces_for(int64_t n, int n_threads)
{
    return pea__min_i64(n, n_threads);
}

uint64_t pea__sampler_bytes(const pea__augmentation *how, int64_t n, int64_t channels, int n_threads)
{
    const uint64_t side = (uint64_t)(how->side + 2 * how->margin), plane = side * side; /* checked: no overflow */
    const uint64_t voxels = plane * (uint64_t)how->depth;
    const uint64_t canvases = 2 * voxels * ((uint64_t)channels * sizeof(float) + sizeof(uint32_t));
    const uint64_t lines = 2 * side * (sizeof(double) + sizeof(pea__tap));
    return (uint64_t)spaces_for(n, n_threads) * (canvases + lines + 3 * plane * sizeof(float));
}

static bool alloc_canvas(const pea__sampler *s, pea__canvas *canvas, pea_error *err)
{
    const size_t side = (size_t)(s->how.side + 2 * s->how.margin), voxels = side * side * (size_t)s->how.depth;
    canvas->image = pea__alloc(voxels * (size_t)s->channels, sizeof *canvas->image, err);
    canvas->labels = canvas->image ? pea__alloc(voxels, sizeof *canvas->labels, err) : NULL;
    return canvas->labels != NULL;
}

static bool alloc_space(const pea__sampler *s, space *w, pea_error *err)
{
    const size_t side = (size_t)(s->how.side + 2 * s->how.margin);
    float **const planes[3] = {&w->displacement[0], &w->displacement[1], &w->smoothing};
    if (!alloc_canvas(s, &w->canvas, err) || !alloc_canvas(s, &w->spare, err))
        return false;
    for (int i = 0; i < 3; i++)
        if (!(*planes[i] = pea__alloc(side * side, sizeof **planes[i], err)))
            return false;
    w->places = pea__alloc(2 * side, sizeof *w->places, err);
    w->taps = w->places ? pea__alloc(2 * side, sizeof *w->taps, err) : NULL;
    return w->taps != NULL;
}

static void free_space(space *w)
{
    pea__free(w->canvas.image);
    pea__free(w->canvas.labels);
    pea__free(w->spare.image);
    pea__free(w->spare.labels);
    pea__free(w->displacement[0]);
    pea__free(w->displacement[1]);
    pea__free(w->smoothing);
    pea__free(w->places);
    pea__free(w->taps);
}

void pea__sampler_free(pea__sampler *sampler)
{
    if (!sampler)
        return;
    for (int64_t i = 0; sampler->spaces && i < sampler->n_spaces; i++)
        free_space(sampler->spaces + i);
    pea__free(sampler->spaces);
    pea__free(sampler->up_to);
    pea__free(sampler);
}

/* Planes are drawn with equal chance, as the published samplers do; volumes by their size, as any sub-volume would. */
static bool weigh_images(pea__sampler *s, pea_error *err)
{
    const size_t n = pea__data_count(s->data, false);
    const bool volumes = pea__data_get_options(s->data).n_axes == 3;
    double sum = 0.0;
    s->up_to = pea__alloc(n, sizeof *s->up_to, err);
    for (size_t i = 0; s->up_to && i < n; i++) {
        const pea_dims d = pea__data_get(s->data, false, i).image.dims;
        sum += volumes ? (double)d.z * (double)d.y * (double)d.x : 1.0;
        s->up_to[i] = sum;
    }
    return s->up_to != NULL;
}

/* What is mirrored without its labels is taught to be background, which a seam may be, but not most of a sample. */
static pea_status check_seam(const pea__data *data, const pea__augmentation *how, pea_error *err)
{
    enum { WIDEST_SEAM = 32 };
    for (size_t i = 0; !how->label_border && i < pea__data_count(data, false); i++) {
        const pea__specimen s = pea__data_get(data, false, i);
        const int64_t least = pea__min_i64(s.image.dims.y, s.image.dims.x), most = least + 2 * WIDEST_SEAM;
        if (how->side + 2 * how->margin > most)
            return pea__fail(err, PEA_E_SHAPE,
                             "%s is %" PRId64 " x %" PRId64 " (y,x), too small for samples of the side %" PRId64
                             ": take %" PRId64 " at most", pea__path_end(s.name), s.image.dims.y, s.image.dims.x,
                             how->side, pea__max_i64(16, (most - 2 * how->margin) / 16 * 16));
    }
    return PEA_OK;
}

static pea_status check(const pea__data *data, const pea__augmentation *how, int64_t n, pea_context *context,
                        pea_error *err)
{
    const pea__data_options options = pea__data_get_options(data);
    const uint64_t limit = pea__memory_limit(context);
    const pea_status status = pea__augmentation_check(how, err);
    if (status != PEA_OK)
        return status;
    if (n < 1 || n > 4096)
        return pea__fail(err, PEA_E_ARG, "a batch of %" PRId64 " images is not of 1 to 4096", n);
    if (options.n_axes == 2 && how->depth != 1)
        return pea__fail(err, PEA_E_ARG, "samples of planes have the depth 1, not %" PRId64, how->depth);
    if (pea__data_count(data, false) == 0)
        return pea__fail(err, PEA_E_ARG, "there is no image to train on");
    const uint64_t bytes = pea__sampler_bytes(how, n, options.channels, pea__workers(context));
    if (limit > 0 && bytes > limit)
        return pea__fail(err, PEA_E_LIMIT,
                         "samples of %" PRId64 " x %" PRId64 " x %" PRId64 " (z,y,x) need %" PRIu64
                         " bytes, %" PRIu64 " are allowed: take smaller ones", how->depth, how->side, how->side, bytes,
                         limit);
    return check_seam(data, how, err);
}

pea_status pea__sampler_new(const pea__data *data, const pea__augmentation *augmentation, int64_t n, uint64_t seed,
                            pea_context *context, pea__sampler **sampler, pea_error *err)
{
    const pea_status status = check(data, augmentation, n, context, err);
    if (status != PEA_OK)
        return status;
    const pea__data_options options = pea__data_get_options(data);
    pea__sampler *made = pea__alloc(1, sizeof *made, err);
    if (!made)
        return PEA_E_NOMEM;
    *made = (pea__sampler){.data = data,
                           .context = context,
                           .how = *augmentation,
                           .normalise = options.normalise,
                           .n = n,
                           .channels = options.channels,
                           .seed = seed,
                           .n_spaces = spaces_for(n, pea__workers(context))};
    made->spaces = pea__alloc((size_t)made->n_spaces, sizeof *made->spaces, err);
    bool complete = made->spaces && weigh_images(made, err);
    for (int64_t i = 0; complete && i < made->n_spaces; i++)
        complete = alloc_space(made, made->spaces + i, err);
    if (!complete) {
        pea__sampler_free(made);
        return PEA_E_NOMEM;
    }
    *sampler = made;
    return PEA_OK;
}
