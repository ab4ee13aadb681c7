/* augment.c - which transformations there are, and which of them the published experiments were trained with.
 * Source: Huang et al., AAAI 2022, and its public code.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/data.h"

#include <inttypes.h>
#include <string.h>

enum { IN_PLANE = PEA__AXIS_Y | PEA__AXIS_X, ANY_WAY = IN_PLANE | PEA__AXIS_EXCHANGE };

/* Nothing happens, but what is switched on has the strength that is usual. */
static pea__augmentation nothing(void)
{
    return (pea__augmentation){
        .preset = "none",
        .depth = 1,
        .side = 256,
        .label_border = true,
        .chain = 1.0,
        .flip_axes = ANY_WAY,
        .crop_area = 0.7,
        .rescale_by = 0.2,
        .elastic_alpha = 16.0,
        .elastic_sigma = 4.0,
        .grey = {.contrast = 0.3, .brightness = 0.3, .gamma = true, .whole_probability = 1.0},
        .second_grey = {.contrast = 0.1, .brightness = 0.1, .whole_probability = 1.0},
        .cutout = {.side = {0, 20}, .depth = {1, 1}, .in_foreground = true},
    };
}

/* Photographs of whole plants, enlarged by a background without labels to the side. */
static pea__augmentation leaves(void)
{
    pea__augmentation a = nothing();
    a.preset = "leaves";
    a.side = 544;
    a.label_border = false;
    a.flip = 1.0;
    a.flip_axes = IN_PLANE;
    a.resized_crop = 1.0;
    a.second_grey.probability = 1.0;
    a.cutout.most = 20;
    a.second_flip_axes = ANY_WAY;
    return a;
}

static pea__augmentation nuclei(void)
{
    pea__augmentation a = nothing();
    a.preset = "nuclei";
    a.margin = a.border = 30;
    a.chain = 0.8;
    a.flip = a.rotate = a.rescale = a.elastic = a.grey.probability = 0.5;
    a.second_grey.probability = 1.0;
    a.cutout.most = 20;
    a.second_flip_axes = ANY_WAY;
    return a;
}

static pea__augmentation em(void)
{
    pea__augmentation a = nothing();
    a.preset = "em";
    a.depth = 18;
    a.side = 160;
    a.margin = 50;
    a.chain = 0.5;
    a.flip = a.rotate = a.elastic = a.grey.probability = 0.5;
    a.grey.whole_probability = 0.5;
    a.flip_axes = a.second_flip_axes = ANY_WAY | PEA__AXIS_Z;
    a.second_grey = (pea__grey){.probability = 0.5, .contrast = 0.1, .brightness = 0.1, .gamma = true};
    a.cutout = (pea__cutout){.most = 60, .depth = {5, 10}, .side = {10, 20}};
    return a;
}

/* The margin is cut off again, so of the rows and columns within 50 of its border a volume would show hardly anything
 * (corners, where a sample is rotated): of 250 x 250 nearly two thirds. Mirrored by as much, samples begin anywhere. */
static pea__augmentation volumes(void)
{
    pea__augmentation a = em();
    a.preset = "volumes";
    a.border = a.margin;
    return a;
}

pea_status pea__augmentation_preset(const char *name, pea__augmentation *augmentation, pea_error *err)
{
    const pea__augmentation known[] = {leaves(), nuclei(), em(), volumes(), nothing()};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].preset)) {
            *augmentation = known[i];
            return PEA_OK;
        }
    return pea__fail(err, PEA_E_ARG,
                     "there is no augmentation called %.60s: choose leaves, nuclei, em, volumes or none", name);
}

/* ---- one by one ---- */

static double *probability_of(pea__augmentation *a, const char *name)
{
    const struct {
        const char *name;
        double *probability;
    } known[] = {{"flip", &a->flip},       {"crop", &a->resized_crop},    {"rotate", &a->rotate},
                 {"rescale", &a->rescale}, {"elastic", &a->elastic},      {"grey", &a->grey.probability},
                 {"second-grey", &a->second_grey.probability}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name))
            return known[i].probability;
    return NULL;
}

pea_status pea__augmentation_switch(pea__augmentation *augmentation, const char *name, bool on, pea_error *err)
{
    pea__augmentation usual;
    const pea_status status = pea__augmentation_preset(augmentation->preset, &usual, err);
    if (status != PEA_OK)
        return status;
    double *probability = probability_of(augmentation, name);
    if (probability) {
        const double as_preset = *probability_of(&usual, name);
        *probability = !on ? 0.0 : as_preset > 0.0 ? as_preset : 0.5;
    } else if (!strcmp(name, "cutout")) {
        augmentation->cutout.most = !on ? 0 : usual.cutout.most > 0 ? usual.cutout.most : 20;
    } else if (!strcmp(name, "second-flip")) {
        augmentation->second_flip_axes = !on ? 0 : usual.second_flip_axes ? usual.second_flip_axes : ANY_WAY;
    } else {
        return pea__fail(err, PEA_E_ARG,
                         "there is no transformation called %.60s: choose of flip, crop, rotate, rescale, elastic, "
                         "grey, second-grey, cutout, second-flip", name);
    }
    return PEA_OK;
}

/* ---- ranges ---- */

typedef struct real_range {
    const char *name;
    double value, low, high;
} real_range;

typedef struct count_range {
    const char *name;
    int64_t value, low, high;
} count_range;

static pea_status check_counts(const count_range *ranges, size_t n, pea_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high)
            return pea__fail(err, PEA_E_ARG, "%s of samples is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                             ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high);
    return PEA_OK;
}

static pea_status check_reals(const real_range *ranges, size_t n, pea_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return pea__fail(err, PEA_E_ARG, "%s of samples is %g, expected %g to %g", ranges[i].name, ranges[i].value,
                             ranges[i].low, ranges[i].high);
    return PEA_OK;
}

pea_status pea__augmentation_check(const pea__augmentation *a, pea_error *err)
{
    const count_range counts[] = {
        {"the depth", a->depth, 1, 4096},
        {"the side", a->side, 1, 16384},
        {"the margin", a->margin, 0, 4096},
        {"the border", a->border, 0, 4096},
        {"the number of cutouts", a->cutout.most, 0, 10000},
        {"the least side of cutouts", a->cutout.side[0], 0, a->cutout.side[1]},
        {"the largest side of cutouts", a->cutout.side[1], 0, 16384},
        {"the least depth of cutouts", a->cutout.depth[0], 0, a->cutout.depth[1]},
        {"the largest depth of cutouts", a->cutout.depth[1], 0, 4096},
    };
    const real_range reals[] = {
        {"the probability of any transformation", a->chain, 0.0, 1.0},
        {"the probability of flips", a->flip, 0.0, 1.0},
        {"the probability of resized crops", a->resized_crop, 0.0, 1.0},
        {"the least area of resized crops", a->crop_area, 0.01, 1.0},
        {"the probability of rotations", a->rotate, 0.0, 1.0},
        {"the probability of rescaling", a->rescale, 0.0, 1.0},
        {"the range of rescaling", a->rescale_by, 0.0, 0.25}, /* beyond, smoothing would be needed: find_taps() */
        {"the probability of elastic deformation", a->elastic, 0.0, 1.0},
        {"the strength of elastic deformation", a->elastic_alpha, 0.0, 1e4},
        {"the smoothness of elastic deformation", a->elastic_sigma, 0.1, 64.0},
        {"the probability of changed grey", a->grey.probability, 0.0, 1.0},
        {"the change of contrast", a->grey.contrast, 0.0, 2.0},
        {"the change of brightness", a->grey.brightness, 0.0, 2.0},
        {"the probability of one change for all slices", a->grey.whole_probability, 0.0, 1.0},
        {"the second view's probability of changed grey", a->second_grey.probability, 0.0, 1.0},
        {"the second view's change of contrast", a->second_grey.contrast, 0.0, 2.0},
        {"the second view's change of brightness", a->second_grey.brightness, 0.0, 2.0},
        {"the second view's probability of one change", a->second_grey.whole_probability, 0.0, 1.0},
    };
    const pea_status status = check_counts(counts, sizeof counts / sizeof *counts, err);
    return status == PEA_OK ? check_reals(reals, sizeof reals / sizeof *reals, err) : status;
}
