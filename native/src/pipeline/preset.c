/* preset.c - the settings of the published experiments, and the names of choices in files and options.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <string.h>

/* Shifts of published 2-D graphs; four neighbours each. Small enough that it cannot fail. */
static pea_offsets plane_offsets(int last_shift)
{
    const int shifts[] = {1, 3, 5, 9, last_shift};
    pea_offsets offsets;
    (void)pea_offsets_from_shifts(shifts, 5, 4, &offsets, NULL);
    return offsets;
}

/* What all presets share; the tiles only matter to 3-D networks. */
pea_segment_options pea__common_options(void)
{
    return (pea_segment_options){
        .struct_size = sizeof(pea_segment_options),
        .foreground_threshold = 0.5,
        .stride = {1, 1, 1},
        .tile = {18, 160, 160},
        .tile_step = {10, 80, 80},
        .tile_margin = {4, 48, 48},
        .scale = 1.0,
        .cut = 0.5,
        .score_percent = PEA_SCORE_PERCENT_MEAN,
        .fragment_boundary = 0.25,
        .fragment_sigma = 2.0,
        .fragment_size = 100,
        .bandwidth = 1.5,
    };
}

/* Leaves of a plant on a tray; the foreground comes with the images. */
static pea_segment_options cvppp(void)
{
    pea_segment_options o = pea__common_options();
    o.normalise = PEA_NORMALISE_IMAGENET;
    o.padding = PEA_PAD_REFLECT_SQUARE;
    o.cluster_padded = 1;
    o.foreground = PEA_FOREGROUND_GIVEN;
    o.offsets = plane_offsets(27);
    o.stride[1] = o.stride[2] = 5;
    o.n_merge = 4;
    o.merge[0] = (pea_merge_pass){5, 5};
    o.merge[1] = (pea_merge_pass){20, 11};
    o.merge[2] = (pea_merge_pass){50, 11};
    o.merge[3] = (pea_merge_pass){300, 21};
    return o;
}

/* Fluorescent nuclei in a dish, 16-bit. */
static pea_segment_options bbbc039(void)
{
    pea_segment_options o = pea__common_options();
    o.normalise = PEA_NORMALISE_MINMAX;
    o.padding = PEA_PAD_ZERO_SQUARE;
    o.foreground = PEA_FOREGROUND_PREDICTED;
    o.min_foreground_size = 25;
    o.offsets = plane_offsets(11);
    o.stride[1] = o.stride[2] = 10;
    o.n_merge = 4;
    o.merge[0] = (pea_merge_pass){5, 5};
    o.merge[1] = (pea_merge_pass){25, 11};
    o.merge[2] = (pea_merge_pass){50, 11};
    o.merge[3] = (pea_merge_pass){100, 21};
    return o;
}

/* Neurons in serial-section electron microscopy. The published code takes a multicut; strides are the paper's, for the
 * mutex watershed. */
static pea_segment_options ac3ac4(void)
{
    pea_segment_options o = pea__common_options();
    o.normalise = PEA_NORMALISE_UNIT;
    o.foreground = PEA_FOREGROUND_NONE;
    o.offsets = pea_offsets_3d_default();
    o.stride[1] = o.stride[2] = 10;
    o.border = PEA_BORDER_COPY;
    o.clusterer = PEA_CLUSTER_MULTICUT;
    return o;
}

/* The bundled model; ours and not the paper's, so it follows what was measured (docs/how-well-are-nuclei-found.md).
 * Training balances the classes, which makes 0.5 too generous, and cutting leaves crumbs: the rim of a nucleus. */
static pea_segment_options nuclei(void)
{
    pea_segment_options o = pea__common_options();
    o.normalise = PEA_NORMALISE_MINMAX;
    o.padding = PEA_PAD_REFLECT_END;
    o.foreground = PEA_FOREGROUND_PREDICTED;
    o.foreground_threshold = 0.85;
    o.min_foreground_size = 25;
    o.offsets = plane_offsets(11);
    o.stride[1] = o.stride[2] = 5;
    o.absorb_size = 50;
    o.min_size = 25;
    return o;
}

pea_status pea_preset(const char *name, pea_segment_options *options, pea_error *err)
{
    char shown[64];
    if (!name || !options)
        return pea__fail(err, PEA_E_ARG, "a preset needs a name and a place to go to");
    if (strcmp(name, "cvppp") == 0)
        *options = cvppp();
    else if (strcmp(name, "bbbc039") == 0)
        *options = bbbc039();
    else if (strcmp(name, "ac3ac4") == 0)
        *options = ac3ac4();
    else if (strcmp(name, "nuclei") == 0)
        *options = nuclei();
    else
        return pea__fail(err, PEA_E_ARG, "there is no preset '%s': choose cvppp, bbbc039, ac3ac4 or nuclei",
                         pea__printable(name, strlen(name), shown));
    return PEA_OK;
}

static const char *const normalise_names[] = {"minmax", "imagenet", "unit", NULL};
static const char *const padding_names[] = {"reflect-end", "reflect-square", "zero-square", NULL};
static const char *const foreground_names[] = {"none", "given", "predicted", NULL};
static const char *const border_names[] = {"none", "wrap", "copy", NULL};
static const char *const clusterer_names[] = {"mutex", "agglomerate", "multicut", "meanshift", NULL};
static const char *const parts_names[] = {"keep", "split", "largest", NULL};
static const char *const connectivity_names[] = {"faces", "edges", "corners", NULL};

/* Every one of these enumerations counts from 0. */
static const char *name_of(const char *const *names, int value)
{
    for (int i = 0; names[i]; i++)
        if (i == value)
            return names[i];
    return "unknown";
}

static int value_of(const char *const *names, const char *name)
{
    for (int i = 0; name && names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

const char *pea_normalise_name(pea_normalise value)
{
    return name_of(normalise_names, (int)value);
}

const char *pea_padding_name(pea_padding value)
{
    return name_of(padding_names, (int)value);
}

const char *pea_foreground_name(pea_foreground value)
{
    return name_of(foreground_names, (int)value);
}

const char *pea_border_name(pea_border value)
{
    return name_of(border_names, (int)value);
}

const char *pea_clusterer_name(pea_clusterer value)
{
    return name_of(clusterer_names, (int)value);
}

const char *pea_parts_name(pea_parts value)
{
    return name_of(parts_names, (int)value);
}

const char *pea_connectivity_name(pea_connectivity value)
{
    return name_of(connectivity_names, (int)value);
}

int pea_normalise_parse(const char *name, pea_normalise *value)
{
    const int found = value_of(normalise_names, name);
    if (found >= 0)
        *value = (pea_normalise)found;
    return found >= 0;
}

int pea_padding_parse(const char *name, pea_padding *value)
{
    const int found = value_of(padding_names, name);
    if (found >= 0)
        *value = (pea_padding)found;
    return found >= 0;
}

int pea_foreground_parse(const char *name, pea_foreground *value)
{
    const int found = value_of(foreground_names, name);
    if (found >= 0)
        *value = (pea_foreground)found;
    return found >= 0;
}

int pea_border_parse(const char *name, pea_border *value)
{
    const int found = value_of(border_names, name);
    if (found >= 0)
        *value = (pea_border)found;
    return found >= 0;
}

int pea_clusterer_parse(const char *name, pea_clusterer *value)
{
    const int found = value_of(clusterer_names, name);
    if (found >= 0)
        *value = (pea_clusterer)found;
    return found >= 0;
}

int pea_parts_parse(const char *name, pea_parts *value)
{
    const int found = value_of(parts_names, name);
    if (found >= 0)
        *value = (pea_parts)found;
    return found >= 0;
}

int pea_connectivity_parse(const char *name, pea_connectivity *value)
{
    const int found = value_of(connectivity_names, name);
    if (found >= 0)
        *value = (pea_connectivity)found;
    return found >= 0;
}
