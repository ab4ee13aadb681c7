/* overlay.c - a picture of one plane: every instance tinted and outlined in a colour unlike its neighbours'.
 *
 * Colours are chosen one after another, each as far as possible from all before it (the idea of Glasbey et al. 2007),
 * with whole numbers only, so that every machine draws the same picture.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/measure.h"

#include "array/array.h"

#include <inttypes.h>
#include <math.h>

enum {
    N_COLOURS = 32, /* more of them would be less unlike each other */
    N_LEVELS = 8, /* candidate values of red, of green and of blue */
    N_CANDIDATES = N_LEVELS * N_LEVELS * N_LEVELS,
    TINT_PERCENT = 40, /* share of the colour inside an instance */
    DARK_PERCENT = 25  /* brightness of the line between two instances that touch */
};

typedef struct colour {
    int r, g, b;
} colour;

/* How different two colours look, squared; weights after the mean red, a known approximation of what eyes do. */
static int distance(colour p, colour q)
{
    const int red = (p.r + q.r) / 2, r = p.r - q.r, g = p.g - q.g, b = p.b - q.b;
    return ((512 + red) * r * r + 1024 * g * g + (767 - red) * b * b) / 256;
}

/* Bright enough for black surroundings and not so pale that the image's own grey could be meant. */
static bool is_suitable(colour c)
{
    const int low = c.r < c.g ? (c.r < c.b ? c.r : c.b) : (c.g < c.b ? c.g : c.b);
    const int high = c.r > c.g ? (c.r > c.b ? c.r : c.b) : (c.g > c.b ? c.g : c.b);
    return high - low >= 100 && 30 * c.r + 59 * c.g + 11 * c.b >= 100 * 80;
}

static colour candidate(int i)
{
    const int r = i / (N_LEVELS * N_LEVELS), g = i / N_LEVELS % N_LEVELS, b = i % N_LEVELS;
    return (colour){255 * r / (N_LEVELS - 1), 255 * g / (N_LEVELS - 1), 255 * b / (N_LEVELS - 1)};
}

static void choose_colours(colour colours[N_COLOURS])
{
    static const colour greys[] = {{0, 0, 0}, {128, 128, 128}, {255, 255, 255}}; /* the image has these */
    int nearest[N_CANDIDATES]; /* distance to the nearest colour taken so far; -1: unsuitable */
    for (int i = 0; i < N_CANDIDATES; i++) {
        nearest[i] = is_suitable(candidate(i)) ? INT32_MAX : -1;
        for (int k = 0; k < 3 && nearest[i] >= 0; k++)
            if (distance(candidate(i), greys[k]) < nearest[i])
                nearest[i] = distance(candidate(i), greys[k]);
    }
    for (int n = 0; n < N_COLOURS; n++) {
        int farthest = 0;
        for (int i = 1; i < N_CANDIDATES; i++)
            if (nearest[i] > nearest[farthest])
                farthest = i;
        colours[n] = candidate(farthest);
        for (int i = 0; i < N_CANDIDATES; i++)
            if (distance(candidate(i), colours[n]) < nearest[i])
                nearest[i] = distance(candidate(i), colours[n]);
    }
}

/* Smallest and largest finite value of all channels together, so that colours keep their hue. */
static pea_status find_range(const pea_array *image, pea_context *context, double *low, double *high, pea_error *err)
{
    const int64_t n_y = image->dims.y, of_row = image->dims.x * image->dims.c;
    pea_status status = PEA_OK;
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t y = 0; y < n_y && status == PEA_OK; y++) {
        for (int64_t i = y * of_row; i < (y + 1) * of_row; i++) {
            const double value = pea__array_value(image, i);
            if (!isfinite(value))
                continue;
            *low = value < *low ? value : *low;
            *high = value > *high ? value : *high;
        }
        status = pea__progress(context, 0.5 * (double)y / (double)n_y, err);
    }
    return status;
}

static int stretch(double value, double low, double high)
{
    const double range = high / 2 - low / 2; /* halves: the whole range may exceed the largest double */
    if (isnan(value) || value <= low || !(range > 0.0)) /* a constant image is black */
        return 0;
    return value >= high ? 255 : (int)(255.0 * ((value / 2 - low / 2) / range) + 0.5);
}

typedef enum place {
    BACKGROUND,
    INSIDE,
    OUTLINE, /* background above, below, left or right: drawn in full colour */
    SEAM     /* another instance there: drawn dark, so that two of like colours stay apart */
} place;

static place place_of(const uint32_t *labels, pea_dims d, int64_t y, int64_t x)
{
    const uint32_t *at = labels + y * d.x + x;
    const uint32_t around[4] = {y > 0 ? at[-d.x] : *at, y + 1 < d.y ? at[d.x] : *at, x > 0 ? at[-1] : *at,
                                x + 1 < d.x ? at[1] : *at};
    place found = *at == 0 ? BACKGROUND : INSIDE;
    for (int i = 0; i < 4 && found != BACKGROUND; i++)
        if (around[i] != *at)
            found = around[i] != 0 || found == SEAM ? SEAM : OUTLINE;
    return found;
}

static int percent_of(int value, int percent)
{
    return (value * percent + 50) / 100;
}

static uint8_t paint(place where, int value, int tint)
{
    switch (where) {
    case BACKGROUND: return (uint8_t)value;
    case INSIDE: return (uint8_t)(percent_of(value, 100 - TINT_PERCENT) + percent_of(tint, TINT_PERCENT));
    case OUTLINE: return (uint8_t)tint;
    case SEAM: return (uint8_t)percent_of(tint, DARK_PERCENT);
    }
    return 0;
}

static pea_status check(const pea_array *image, const pea_array *labels, pea_error *err)
{
    pea_status status = pea__array_check(image, "image", 0, err);
    if (status == PEA_OK)
        status = pea__array_check(labels, "labels", PEA_UINT32, err);
    if (status == PEA_OK)
        status = pea__same_space(labels, "labels", image, "image", err);
    if (status != PEA_OK)
        return status;
    if (labels->dims.z != 1)
        return pea__fail(err, PEA_E_SHAPE, "an overlay shows one plane, not %" PRId64 ": choose one", labels->dims.z);
    if ((image->dims.c != 1 && image->dims.c != 3) || labels->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE,
                         "an overlay wants 1 or 3 image channels and 1 of labels, not %" PRId64 " and %" PRId64,
                         image->dims.c, labels->dims.c);
    return PEA_OK;
}

static pea_status check_picture(const pea_array *labels, const pea_array *picture, pea_error *err)
{
    pea_status status = pea__same_space(labels, "labels", picture, "picture", err);
    if (status == PEA_OK && picture->dims.c != 3)
        status = pea__fail(err, PEA_E_SHAPE, "an overlay has 3 channels, the picture %" PRId64, picture->dims.c);
    return status;
}

/* What every row needs. */
struct pea_drawing {
    pea_array image, labels;
    colour colours[N_COLOURS];
    double low, high;
};

void pea_drawing_row(const pea_drawing *shown, int64_t y, uint8_t *out)
{
    const pea_dims d = shown->labels.dims;
    const int64_t channels = shown->image.dims.c;
    const uint32_t *label = (const uint32_t *)shown->labels.data + y * d.x;
    for (int64_t x = 0; x < d.x; x++, label++, out += 3) {
        const int64_t p = y * d.x + x;
        const place where = place_of(shown->labels.data, d, y, x);
        const colour tint = shown->colours[(*label - 1) % N_COLOURS]; /* unused in the background */
        const int tints[3] = {tint.r, tint.g, tint.b};
        for (int c = 0; c < 3; c++) {
            const double value = pea__array_value(&shown->image, p * channels + (channels == 3 ? c : 0));
            out[c] = paint(where, stretch(value, shown->low, shown->high), tints[c]);
        }
    }
}

/* Within the stage "draw". */
static pea_status prepare(const pea_array *image, const pea_array *labels, pea_context *context, pea_drawing *shown,
                          pea_error *err)
{
    shown->image = *image;
    shown->labels = *labels;
    choose_colours(shown->colours);
    return find_range(image, context, &shown->low, &shown->high, err);
}

pea_status pea_drawing_new(const pea_array *image, const pea_array *labels, pea_context *context,
                           pea_drawing **drawing, pea_error *err)
{
    *drawing = NULL;
    pea_status status = check(image, labels, err);
    if (status != PEA_OK)
        return status;
    pea_drawing *made = pea__alloc(1, sizeof *made, err);
    if (!made)
        return PEA_E_NOMEM;
    pea__stage(context, "draw");
    status = prepare(image, labels, context, made, err);
    pea__stage(context, NULL);
    if (status == PEA_OK)
        *drawing = made;
    else
        pea__free(made);
    return status;
}

void pea_drawing_free(pea_drawing *drawing)
{
    pea__free(drawing);
}

pea_status pea_overlay(const pea_array *image, const pea_array *labels, pea_context *context,
                       const pea_array *picture, pea_error *err)
{
    pea_status status = pea__array_check(picture, "picture", PEA_UINT8, err);
    if (status == PEA_OK)
        status = check(image, labels, err);
    if (status == PEA_OK)
        status = check_picture(labels, picture, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = labels->dims;
    pea_drawing shown;
    pea__stage(context, "draw");
    status = prepare(image, labels, context, &shown, err);
    for (int64_t y = 0; y < d.y && status == PEA_OK; y++) {
        pea_drawing_row(&shown, y, (uint8_t *)picture->data + y * d.x * 3);
        status = pea__progress(context, 0.5 + 0.5 * (double)y / (double)d.y, err);
    }
    pea__stage(context, NULL);
    return status;
}
