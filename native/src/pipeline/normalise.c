/* normalise.c - how intensities of any type become what a network was trained on.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Mean and standard deviation of red, green and blue over the ImageNet images. */
const float pea__colour_mean[3] = {0.485f, 0.456f, 0.406f};
const float pea__colour_deviation[3] = {0.229f, 0.224f, 0.225f};

static const int64_t NOWHERE = INT64_MAX;

/* What one thread has seen of a plane. */
typedef struct sighting {
    pea__range range;
    int64_t first_bad; /* element index in the image */
} sighting;

typedef struct scan {
    const pea_array *image;
    int64_t first_row;
    sighting *sightings;
} scan;

static void scan_row(void *argument, int64_t row, int worker)
{
    const scan *s = argument;
    const int64_t n = s->image->dims.x * s->image->dims.c, first = (s->first_row + row) * n;
    sighting seen = s->sightings[worker];
    for (int64_t i = first; i < first + n; i++) {
        const double v = pea__array_value(s->image, i);
        if (!(fabs(v) <= FLT_MAX)) { /* also true for NaN */
            seen.first_bad = pea__min_i64(seen.first_bad, i);
            break;
        }
        if (v < seen.range.min)
            seen.range.min = v;
        if (v > seen.range.max)
            seen.range.max = v;
    }
    s->sightings[worker] = seen;
}

static pea_status bad_voxel(const pea_array *image, int64_t i, pea_error *err)
{
    const pea_dims d = image->dims;
    const double value = pea__array_value(image, i);
    return pea__fail(err, PEA_E_FORMAT,
                     "the image has the value %g at z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", channel %" PRId64
                     ": %s", value, i / d.c / d.x / d.y, i / d.c / d.x % d.y, i / d.c % d.x, i % d.c,
                     isfinite(value) ? "that is beyond 32-bit float" : "replace such values first");
}

pea_status pea__image_ranges(const pea_array *image, pea_context *context, pea__range *ranges, pea_error *err)
{
    const int n_workers = pea__workers(context);
    sighting *sightings = pea__alloc((size_t)n_workers, sizeof *sightings, err);
    if (!sightings)
        return PEA_E_NOMEM;
    pea_status status = PEA_OK;
    for (int64_t z = 0; z < image->dims.z && status == PEA_OK; z++) {
        for (int w = 0; w < n_workers; w++)
            sightings[w] = (sighting){{INFINITY, -INFINITY}, NOWHERE};
        scan s = {image, z * image->dims.y, sightings};
        status = pea__parallel(context, image->dims.y, 0.0, 0.0, scan_row, &s, err);
        if (status != PEA_OK)
            break;
        sighting all = sightings[0];
        for (int w = 1; w < n_workers; w++) {
            all.range.min = fmin(all.range.min, sightings[w].range.min);
            all.range.max = fmax(all.range.max, sightings[w].range.max);
            all.first_bad = pea__min_i64(all.first_bad, sightings[w].first_bad);
        }
        ranges[z] = all.range;
        if (all.first_bad != NOWHERE)
            status = bad_voxel(image, all.first_bad, err);
    }
    pea__free(sightings);
    return status;
}

/* Wider integers hold 16-bit data far more often than their own range. */
double pea__full_scale(pea_dtype dtype)
{
    switch (dtype) {
    case PEA_UINT8:
    case PEA_INT8: return 255.0;
    case PEA_FLOAT16:
    case PEA_FLOAT32:
    case PEA_FLOAT64: return 1.0;
    default: return 65535.0;
    }
}

/* One value as the network's channel `c` wants it. Quotients of two 24-bit numbers rounded through double are those of
 * float arithmetic, which is what published models were trained with. */
static float normalised(const pea__source *s, double scale, double v, int64_t c)
{
    if (s->rule == PEA_NORMALISE_MINMAX) {
        const double span = s->range.max - s->range.min;
        return span > 0.0 ? (float)((v - s->range.min) / span) : 0.0f;
    }
    const float unit = (float)(v / scale);
    if (s->rule == PEA_NORMALISE_UNIT)
        return unit;
    return (unit - pea__colour_mean[c % 3]) / pea__colour_deviation[c % 3];
}

typedef struct fill {
    const pea__source *source;
    const pea_array *box;
    int64_t z, y, x;
    double scale;
} fill;

static bool inside(int64_t i, int64_t n)
{
    return i >= 0 && i < n;
}

static void fill_row(void *argument, int64_t row, int worker)
{
    const fill *f = argument;
    const pea_array *image = &f->source->image;
    const pea_dims in = image->dims, out = f->box->dims;
    const int64_t z = f->z + row / out.y, y = f->y + row % out.y;
    float *to = (float *)f->box->data + row * out.x * out.c;
    (void)worker;
    if (!f->source->mirror && !(inside(z, in.z) && inside(y, in.y))) {
        memset(to, 0, (size_t)(out.x * out.c) * sizeof *to);
        return;
    }
    const int64_t line = (pea__mirror(z, in.z) * in.y + pea__mirror(y, in.y)) * in.x;
    for (int64_t i = 0; i < out.x; i++, to += out.c) {
        const bool blank = !f->source->mirror && !inside(f->x + i, in.x);
        const int64_t voxel = (line + pea__mirror(f->x + i, in.x)) * in.c;
        for (int64_t c = 0; c < out.c; c++)
            to[c] = blank ? 0.0f
                          : normalised(f->source, f->scale, pea__array_value(image, voxel + (in.c == 1 ? 0 : c)), c);
    }
}

pea_status pea__normalised_box(const pea__source *source, int64_t z, int64_t y, int64_t x, pea_context *context,
                               const pea_array *box, pea_error *err)
{
    fill f = {source, box, z, y, x, pea__full_scale(source->original ? source->original : source->image.dtype)};
    return pea__parallel(context, box->dims.z * box->dims.y, 0.0, 0.0, fill_row, &f, err);
}
