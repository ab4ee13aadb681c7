/* fragments.c - each plane's seeds, the landscape they grow over, and numbers that go on from plane to plane.
 *
 *     PEA_FRAGMENTS_INTERIOR  affinities -> boundary -> inside? -> distance -> maxima = seeds -> flood the boundary
 *     PEA_FRAGMENTS_SMOOTH    the same with smoothed distances and a smoothed boundary, then small fragments are
 *                             cleared and flooded again by those that stay
 *
 * Planes are tasks for the threads. The caller's thread asks in the middle of one whether to stop, and tells the others.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/fragments.h"
#include "cluster/plane.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { PIXEL_BYTES = 50 };

#define FLOODED 0.95 /* share of the progress bar; the rest is for the numbers */

/* One thread's memory for a plane. */
typedef struct scratch {
    float *height, *distance;
    double *smooth, *row;
    int32_t *parabolas;
    uint8_t *flags;
    pea__flood flood;
    int32_t *stack, *squared; /* lent by the flood, which does not need them before it runs */
} scratch;

typedef struct cutting {
    pea_dims dims; /* of the affinity */
    const float *affinity, *height;
    int64_t at_y, at_x; /* channels of the affinity */
    const uint8_t *mask;
    uint32_t *labels;
    pea_fragments_options options;
    pea__gaussian over_distance, over_boundary;
    void (*work)(const struct cutting *job, int64_t z, scratch *s, pea__plane *plane);
    uint32_t *n_fragments;    /* [z]; then how many came before */
    int64_t *not_finite;      /* [z]: element of the affinity or height, or -1 */
    scratch *scratches;       /* [worker] */
    pea_context *context;     /* the caller's thread asks it within a plane */
    atomic_bool stopped;
} cutting;

pea_fragments_options pea_fragments_options_default(void)
{
    return (pea_fragments_options){.struct_size = sizeof(pea_fragments_options),
                                   .rule = PEA_FRAGMENTS_INTERIOR,
                                   .threshold = 0.25,
                                   .seed_sigma = 2.0,
                                   .weight_sigma = 2.0,
                                   .alpha = 0.9,
                                   .min_size = 100};
}

/* ---- scratch ---- */

static void free_scratch(scratch *s)
{
    pea__flood_free(&s->flood);
    pea__free_unset(s->flags);
    pea__free_unset(s->parabolas);
    pea__free_unset(s->row);
    pea__free_unset(s->smooth);
    pea__free_unset(s->distance);
    pea__free_unset(s->height);
}

static pea_status new_scratch(const cutting *job, scratch *s, pea_error *err)
{
    const size_t n_x = (size_t)job->dims.x, n = (size_t)job->dims.y * n_x;
    const int radius = job->over_distance.radius > job->over_boundary.radius ? job->over_distance.radius
                                                                            : job->over_boundary.radius;
    s->height = pea__alloc_unset(n, sizeof *s->height, err);
    s->distance = s->height ? pea__alloc_unset(n, sizeof *s->distance, err) : NULL;
    s->smooth = s->distance ? pea__alloc_unset(n, sizeof *s->smooth, err) : NULL;
    s->row = s->smooth ? pea__alloc_unset(n_x + 2 * (size_t)radius, sizeof *s->row, err) : NULL;
    s->parabolas = s->row ? pea__alloc_unset(3 * n_x, sizeof *s->parabolas, err) : NULL;
    s->flags = s->parabolas ? pea__alloc_unset(n, 1, err) : NULL;
    const pea_status status = s->flags ? pea__flood_new(job->dims.y, job->dims.x, &s->flood, err) : PEA_E_NOMEM;
    s->stack = (int32_t *)s->flood.pairs;
    s->squared = (int32_t *)s->flood.scratch;
    return status;
}

/* ---- affinities to heights ---- */

/* 1 - the affinity to neighbours; *bad is the first element that is no finite number. */
static void boundary_of(const cutting *job, int64_t z, pea__plane *plane, float *boundary, int64_t *bad)
{
    const int64_t first = z * pea__plane_pixels(plane);
    const pea_fragment_rule rule = job->options.rule;
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++) {
            const float *a = job->affinity + (first + p) * job->dims.c;
            const float a_y = a[job->at_y], a_x = a[job->at_x];
            boundary[p] =
                rule == PEA_FRAGMENTS_INTERIOR ? 1.0f - 0.5f * (a_y + a_x) : 1.0f - (a_y < a_x ? a_y : a_x);
            if (!isfinite(a_y + a_x)) {
                *bad = (first + p) * job->dims.c + (isfinite(a_y) ? job->at_x : job->at_y);
                return;
            }
        }
}

/* Seeds of the plain rules: exact squared distances as floats, whose order is right up to a distance of 4096. */
static void plain_seeds(const cutting *job, scratch *s, pea__plane *plane, uint32_t *labels)
{
    const bool wide = job->options.rule == PEA_FRAGMENTS_PLANE;
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            s->flags[p] = !(s->height[p] < 0.5f);
    pea__plane_distance(plane, s->flags, s->squared, s->parabolas);
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            s->distance[p] = (float)s->squared[p];
    pea__plane_maxima(plane, s->distance, wide ? PEA__FIVE_BY_FIVE : PEA__FOUR, s->flags, s->stack);
    (void)pea__plane_components(plane, s->flags, wide ? PEA__FIVE_BY_FIVE : PEA__FOUR, labels, s->stack);
}

static void smooth_distance(const cutting *job, scratch *s, pea__plane *plane)
{
    const double everywhere = sqrt((double)plane->n_y * plane->n_y + (double)plane->n_x * plane->n_x);
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            s->flags[p] = (double)s->height[p] > job->options.threshold;
    pea__plane_distance(plane, s->flags, s->squared, s->parabolas);
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            s->distance[p] = (float)(s->squared[p] == INT32_MAX ? everywhere : sqrt((double)s->squared[p]));
    pea__plane_smooth(plane, &job->over_distance, s->distance, s->smooth, s->row);
}

/* The smoothed boundary, and a little of how far from the largest distance a pixel is. */
static void smooth_height(const cutting *job, scratch *s, pea__plane *plane)
{
    const float alpha = (float)job->options.alpha, rest = (float)(1.0 - job->options.alpha);
    float low = s->distance[0], high = s->distance[0];
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++) {
            low = s->distance[p] < low ? s->distance[p] : low;
            high = s->distance[p] > high ? s->distance[p] : high;
        }
    pea__plane_smooth(plane, &job->over_boundary, s->height, s->smooth, s->row);
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++) {
            const float near = high > 0.0f ? 1.0f - (s->distance[p] - low) / high : 1.0f;
            s->height[p] = alpha * s->height[p] + rest * near;
        }
}

/* ---- small fragments, and numbers without gaps ---- */

/* Sizes by label, at the place of the flood's pairs: those are not needed once heights have ranks. */
static uint32_t *count_sizes(const scratch *s, pea__plane *plane, const uint32_t *labels, uint32_t *n_labels)
{
    uint32_t *sizes = (uint32_t *)s->flood.pairs;
    memset(sizes, 0, (size_t)(pea__plane_pixels(plane) + 1) * sizeof *sizes);
    *n_labels = 0;
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin, from; p < end;) { /* by runs: a sum for each pixel would wait for the one before */
            const uint32_t label = labels[p];
            for (from = p++; p < end && labels[p] == label;)
                p++;
            sizes[label] += (uint32_t)(p - from);
            *n_labels = label > *n_labels ? label : *n_labels;
        }
    return sizes;
}

/* Every dip of the landscape becomes a seed. */
static void seed_dips(scratch *s, pea__plane *plane, uint32_t *labels)
{
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            s->distance[p] = -s->height[p];
    pea__plane_maxima(plane, s->distance, PEA__EIGHT, s->flags, s->stack);
    (void)pea__plane_components(plane, s->flags, PEA__FOUR, labels, s->stack);
}

/* Small ones give way. Where none is large enough, there are seeds anew. */
static void clear_small(const cutting *job, scratch *s, pea__plane *plane, uint32_t *labels)
{
    uint32_t n_labels;
    int64_t n_left = 0, n_cleared = 0;
    const uint32_t *sizes = count_sizes(s, plane, labels, &n_labels);
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++) {
            const bool small = sizes[labels[p]] < job->options.min_size;
            labels[p] = small ? 0 : labels[p];
            n_cleared += small;
            n_left += !small;
        }
    if (n_left == 0)
        seed_dips(s, plane, labels);
    if (n_cleared > 0)
        pea__flood_run(plane, &s->flood, labels);
}

/* What is left after the mask gets 1..n in the order of the old numbers. */
static uint32_t number_fragments(const scratch *s, pea__plane *plane, const uint8_t *mask, uint32_t *labels)
{
    uint32_t n_labels, number = 0;
    for (int64_t begin, end = 0; mask && pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            labels[p] = mask[p] ? labels[p] : 0;
    uint32_t *sizes = count_sizes(s, plane, labels, &n_labels);
    for (uint32_t label = 1; label <= n_labels; label++)
        sizes[label] = sizes[label] ? ++number : 0;
    sizes[0] = 0;
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            labels[p] = sizes[labels[p]];
    return number;
}

static void cut_plane(const cutting *job, int64_t z, scratch *s, pea__plane *plane)
{
    const int64_t n = pea__plane_pixels(plane);
    uint32_t *labels = job->labels + z * n;
    const bool smooth = job->options.rule == PEA_FRAGMENTS_SMOOTH;
    boundary_of(job, z, plane, s->height, job->not_finite + z);
    if (job->not_finite[z] >= 0)
        return;
    if (smooth) {
        smooth_distance(job, s, plane);
        pea__plane_maxima(plane, s->distance, PEA__EIGHT, s->flags, s->stack);
        (void)pea__plane_components(plane, s->flags, PEA__FOUR, labels, s->stack);
        smooth_height(job, s, plane);
    } else {
        plain_seeds(job, s, plane, labels);
    }
    pea__flood_prepare(plane, &s->flood, s->height);
    pea__flood_run(plane, &s->flood, labels);
    if (plane->status == PEA_OK && smooth)
        clear_small(job, s, plane, labels);
    if (plane->status == PEA_OK)
        job->n_fragments[z] = number_fragments(s, plane, job->mask ? job->mask + z * n : NULL, labels);
}

static void flood_plane(const cutting *job, int64_t z, scratch *s, pea__plane *plane)
{
    const int64_t n = pea__plane_pixels(plane);
    const float *height = job->height + z * n;
    for (int64_t begin, end = 0; pea__plane_part(plane, &begin, &end);)
        for (int64_t p = begin; p < end; p++)
            if (isnan(height[p])) {
                job->not_finite[z] = z * n + p;
                return;
            }
    pea__flood_prepare(plane, &s->flood, height);
    pea__flood_run(plane, &s->flood, job->labels + z * n);
}

/* ---- all planes ---- */

static void plane_task(void *argument, int64_t z, int worker)
{
    cutting *job = argument;
    const bool alone = pea__workers(job->context) == 1; /* otherwise whole planes alone are progress */
    const double share = FLOODED / (double)job->dims.z;
    pea__plane plane = {.n_y = (int32_t)job->dims.y, .n_x = (int32_t)job->dims.x, .stopped = &job->stopped};
    plane.context = worker == 0 ? job->context : NULL;
    plane.from = alone ? share * (double)z : 0.0;
    plane.to = alone ? plane.from + share : 0.0;
    if (!atomic_load(&job->stopped))
        job->work(job, z, job->scratches + worker, &plane);
}

static pea_status run_planes(cutting *job, pea_error *err)
{
    pea_status status = PEA_OK;
    if (pea__workers(job->context) == 1)
        for (int64_t z = 0; z < job->dims.z; z++)
            plane_task(job, z, 0);
    else
        status = pea__parallel(job->context, job->dims.z, 0.0, FLOODED, plane_task, job, err);
    return status == PEA_OK && atomic_load(&job->stopped) ? pea__fail(err, PEA_E_CANCELLED, "cancelled") : status;
}

static void shift_plane(void *argument, int64_t z, int worker)
{
    const cutting *job = argument;
    const int64_t n = job->dims.y * job->dims.x;
    uint32_t *labels = job->labels + z * n;
    (void)worker;
    for (int64_t p = 0; p < n; p++)
        labels[p] += labels[p] ? job->n_fragments[z] : 0;
}

static pea_status check_finite(const cutting *job, pea_error *err)
{
    const pea_dims d = job->dims;
    for (int64_t z = 0; z < d.z; z++)
        if (job->not_finite[z] >= 0) {
            const int64_t c = job->affinity ? d.c : 1, p = job->not_finite[z] / c;
            return pea__fail(err, PEA_E_FORMAT,
                             "%s at z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", channel %" PRId64
                             " is not a finite number", job->affinity ? "affinity" : "height", z, p / d.x % d.y,
                             p % d.x, job->not_finite[z] % c);
        }
    return PEA_OK;
}

/* Plane after plane: every number moves behind those of the planes before. */
static pea_status join_planes(cutting *job, pea_context *context, uint32_t *n_fragments, pea_error *err)
{
    uint64_t n = 0;
    for (int64_t z = 0; z < job->dims.z; z++) {
        const uint32_t here = job->n_fragments[z];
        job->n_fragments[z] = (uint32_t)n;
        n += here;
        if (n > UINT32_MAX)
            return pea__fail(err, PEA_E_LIMIT, "more than 2^32 - 1 fragments: work in smaller blocks");
    }
    if (n_fragments)
        *n_fragments = (uint32_t)n;
    return pea__parallel(context, job->dims.z, FLOODED, 1.0, shift_plane, job, err);
}

static pea_status check_plane(pea_dims dims, pea_context *context, pea_error *err)
{
    if (dims.y > PEA__MAX_SIDE || dims.x > PEA__MAX_SIDE)
        return pea__fail(err, PEA_E_LIMIT, "planes of %" PRId64 " x %" PRId64 " pixels: sides can be %d at most",
                         dims.y, dims.x, (int)PEA__MAX_SIDE);
    const uint64_t limit = pea__memory_limit(context);
    const uint64_t needed = (uint64_t)(dims.y * dims.x) * PIXEL_BYTES * (uint64_t)pea__workers(context);
    if (limit != 0 && needed > limit)
        return pea__fail(err, PEA_E_LIMIT,
                         "flooding planes of %" PRId64 " x %" PRId64 " pixels needs %" PRIu64
                         " bytes but the limit is %" PRIu64 ": raise it, use fewer threads, or work in smaller blocks", dims.y, dims.x, needed,
                         limit);
    return PEA_OK;
}

static pea_status run(cutting *job, pea_context *context, uint32_t *n_fragments, pea_error *err)
{
    const int n_workers = pea__workers(context);
    const bool numbered = job->affinity != NULL;
    job->context = context;
    pea_status status = check_plane(job->dims, context, err);
    if (status == PEA_OK)
        status = pea__progress(context, 0.0, err); /* heard of, however few planes there are */
    if (status != PEA_OK)
        return status;
    job->n_fragments = pea__alloc((size_t)job->dims.z, sizeof *job->n_fragments, err);
    job->not_finite = job->n_fragments ? pea__alloc((size_t)job->dims.z, sizeof *job->not_finite, err) : NULL;
    job->scratches = job->not_finite ? pea__alloc((size_t)n_workers, sizeof *job->scratches, err) : NULL;
    status = job->scratches ? PEA_OK : PEA_E_NOMEM;
    for (int i = 0; i < n_workers && status == PEA_OK; i++)
        status = new_scratch(job, job->scratches + i, err);
    for (int64_t z = 0; z < job->dims.z && status == PEA_OK; z++)
        job->not_finite[z] = -1;
    if (status == PEA_OK)
        status = run_planes(job, err);
    if (status == PEA_OK)
        status = check_finite(job, err);
    if (status == PEA_OK && numbered)
        status = join_planes(job, context, n_fragments, err);
    for (int i = 0; i < n_workers && job->scratches; i++)
        free_scratch(job->scratches + i);
    pea__free(job->scratches);
    pea__free(job->not_finite);
    pea__free(job->n_fragments);
    return status;
}

/* ---- arguments ---- */

static bool is_step(pea_offset o, int32_t y, int32_t x)
{
    return o.z == 0 && (o.y == y || o.y == -y) && (o.x == x || o.x == -x);
}

static pea_status check_affinity(const pea_array *affinity, const pea_offsets *offsets, const pea_array *labels,
                                 pea_error *err)
{
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = pea__array_check(affinity, "affinity", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__labels_check(labels, err);
    if (status == PEA_OK)
        status = pea__same_space(affinity, "affinity", labels, "labels", err);
    if (status != PEA_OK)
        return status;
    if (affinity->dims.c != (int64_t)offsets->n)
        return pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                         offsets->n, affinity->dims.c);
    const pea_offset *last = offsets->step + offsets->n_axes - 1;
    if (!is_step(last[-1], 1, 0) || !is_step(last[0], 0, 1))
        return pea__fail(err, PEA_E_ARG,
                         "fragments need offsets %d and %d to be one step in y and one in x, but they are "
                         "(%d,%d,%d) and (%d,%d,%d)", offsets->n_axes - 2, offsets->n_axes - 1, (int)last[-1].z,
                         (int)last[-1].y, (int)last[-1].x, (int)last[0].z, (int)last[0].y, (int)last[0].x);
    return PEA_OK;
}

static pea_status check_options(const pea_fragments_options *o, pea_error *err)
{
    if (o->rule < PEA_FRAGMENTS_INTERIOR || o->rule > PEA_FRAGMENTS_SMOOTH)
        return pea__fail(err, PEA_E_ARG, "there is no fragment rule %d", (int)o->rule);
    if (!(o->seed_sigma >= 0.0 && o->seed_sigma <= 100.0 && o->weight_sigma >= 0.0 && o->weight_sigma <= 100.0))
        return pea__fail(err, PEA_E_ARG, "sigmas %g and %g must be 0 to 100 pixels", o->seed_sigma, o->weight_sigma);
    if (!(o->alpha >= 0.0 && o->alpha <= 1.0) || !isfinite(o->threshold))
        return pea__fail(err, PEA_E_ARG, "alpha %g must be 0 to 1 and threshold %g a number", o->alpha, o->threshold);
    if (o->min_size < 0)
        return pea__fail(err, PEA_E_ARG, "smallest size %" PRId64 " must be at least 0", o->min_size);
    return PEA_OK;
}

pea_status pea_fragments(const pea_array *affinity, const pea_offsets *offsets, const pea_array *mask,
                         const pea_fragments_options *options, pea_context *context, const pea_array *labels,
                         uint32_t *n_fragments, pea_error *err)
{
    cutting job = {.options = pea_fragments_options_default(), .work = cut_plane};
    pea_status status = pea__options_take(&job.options, sizeof job.options, options, "fragments", err);
    if (status == PEA_OK)
        status = check_affinity(affinity, offsets, labels, err);
    if (status == PEA_OK && mask)
        status = pea__mask_check(mask, labels, err);
    if (status == PEA_OK)
        status = check_options(&job.options, err);
    if (status != PEA_OK)
        return status;
    job.dims = affinity->dims;
    job.affinity = affinity->data;
    job.at_y = offsets->n_axes - 2;
    job.at_x = offsets->n_axes - 1;
    job.mask = mask ? mask->data : NULL;
    job.labels = labels->data;
    job.over_distance = pea__gaussian_of(job.options.seed_sigma);
    job.over_boundary = pea__gaussian_of(job.options.weight_sigma);
    pea__stage(context, "fragments");
    status = run(&job, context, n_fragments, err);
    pea__stage(context, NULL);
    return status;
}

pea_status pea_watershed(const pea_array *height, pea_context *context, const pea_array *labels, pea_error *err)
{
    pea_status status = pea__array_check(height, "height", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__labels_check(labels, err);
    if (status == PEA_OK)
        status = pea__same_space(height, "height", labels, "labels", err);
    if (status == PEA_OK && height->dims.c != 1)
        status = pea__fail(err, PEA_E_SHAPE, "height must have 1 channel, has %" PRId64, height->dims.c);
    if (status != PEA_OK)
        return status;
    cutting job = {.dims = height->dims, .height = height->data, .labels = labels->data, .work = flood_plane};
    pea__stage(context, "flood");
    status = run(&job, context, NULL, err);
    pea__stage(context, NULL);
    return status;
}
