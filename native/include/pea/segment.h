/* segment.h - the whole way from an image to instance labels, with a model and its settings.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_SEGMENT_H
#define PEA_SEGMENT_H

#include "pea/affinity.h"
#include "pea/array.h"
#include "pea/cluster.h"
#include "pea/context.h"
#include "pea/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How intensities become network input. */
typedef enum pea_normalise {
    PEA_NORMALISE_MINMAX,  /* (v - min) / (max - min) over the plane (2-D) or volume (3-D); a constant image is 0 */
    PEA_NORMALISE_IMAGENET,/* v / full scale, then ImageNet's mean and deviation of each colour */
    PEA_NORMALISE_UNIT     /* v / full scale; full scale is 255 or 65535 for integers, 1 for floats */
} pea_normalise;

/* How a plane reaches a size the network takes. */
typedef enum pea_padding {
    PEA_PAD_REFLECT_END,    /* mirror at the right and bottom up to the next multiple of 16 */
    PEA_PAD_REFLECT_SQUARE, /* mirror on all sides, centred, up to a square of the next multiple of 16 (cvppp) */
    PEA_PAD_ZERO_SQUARE     /* the same with zeros after normalising (bbbc039) */
} pea_padding;

/* Where instances may be. */
typedef enum pea_foreground {
    PEA_FOREGROUND_NONE,     /* everywhere: there is no background */
    PEA_FOREGROUND_GIVEN,    /* where the caller's mask is not 0; without a mask everywhere */
    PEA_FOREGROUND_PREDICTED /* where the network's probability of foreground exceeds a threshold */
} pea_foreground;

#define PEA_MAX_MERGE_PASSES 8

/* Everything that can be chosen. A model file brings the values it was made for: pea_model_options(). */
typedef struct pea_segment_options {
    size_t struct_size;
    /* which part of the image is looked at is the caller's choice: see pea_image_part */
    pea_normalise normalise;
    pea_padding padding;
    int cluster_padded;             /* 1: cluster on the padded grid and crop afterwards (cvppp) */
    pea_foreground foreground;
    double foreground_threshold;    /* probability, exclusive: p > threshold; 0.5 is the argmax */
    int64_t min_foreground_size;    /* 8-connected components of the predicted mask below this many voxels vanish */
    pea_offsets offsets;
    int stride[3];                  /* z,y,x of repulsive edges */
    pea_border border;
    pea_merge_pass merge[PEA_MAX_MERGE_PASSES];
    size_t n_merge;
    int64_t min_size;               /* instances below this many voxels vanish, also at borders */
    int64_t tile[3], tile_step[3], tile_margin[3]; /* 3-D: z,y,x of network tiles, their step, mirrored margin */
} pea_segment_options;

/* Names in files, options and help: "minmax" "imagenet" "unit"; "reflect-end" ...; "none" "given" "predicted".
 * Parse returns 0 for an unknown name. */
const char *pea_normalise_name(pea_normalise value);
const char *pea_padding_name(pea_padding value);
const char *pea_foreground_name(pea_foreground value);
int pea_normalise_parse(const char *name, pea_normalise *value);
int pea_padding_parse(const char *name, pea_padding *value);
int pea_foreground_parse(const char *name, pea_foreground *value);

/**
 * Settings of a published experiment: "cvppp", "bbbc039" or "ac3ac4" (method of the paper's code), or "nuclei".
 * @return PEA_OK; PEA_E_ARG for another name, with the list
 */
pea_status pea_preset(const char *name, pea_segment_options *options, pea_error *err);

/* A network with its weights, settings and provenance. */
typedef struct pea_model pea_model;

/**
 * Open a model file (docs/model-format.md).
 * @param model  owned  free with pea_model_free()
 * @return PEA_OK; PEA_E_IO; PEA_E_FORMAT with the tensor or the key of the record that is wrong; PEA_E_LIMIT;
 *         PEA_E_NOMEM
 */
pea_status pea_model_open(const char *path, pea_model **model, pea_error *err);
void pea_model_free(pea_model *model); /* NULL allowed */

/**
 * Make a model file from a PyTorch checkpoint.
 * @param preset    borrowed  settings to record; NULL: those that suit the network (cvppp in 2-D, ac3ac4 in 3-D)
 * @param metadata  borrowed  JSON object with keys to add or replace in the record (name, licence, provenance,
 *                            foreground_threshold, ...), as docs/model-format.md lists them; NULL: none
 * @param notes     filled    what was tolerated, may be empty; NULL: not wanted
 * @return PEA_OK; PEA_E_ARG for a preset or metadata that do not fit; PEA_E_IO; PEA_E_FORMAT; PEA_E_LIMIT; PEA_E_NOMEM.
 *         After a failure there is no new file, and an older one is as it was
 */
pea_status pea_model_import(const char *checkpoint, const char *preset, const char *metadata, const char *model_path,
                            char notes[256], pea_error *err);

const pea_network *pea_model_network(const pea_model *model);       /* lent until the model is freed */
const char *pea_model_metadata(const pea_model *model);             /* the JSON record; lent likewise */
const char *pea_model_name(const pea_model *model);                 /* lent likewise; "unnamed" if it has none */
pea_segment_options pea_model_options(const pea_model *model);      /* the settings it was made for */

/* Intermediate results for those who want them. */
typedef struct pea_segment_details {
    pea_volume affinity;   /* owned float32 (z,y,x,k) on the grid of the labels; free with pea_volume_free() */
    pea_offsets offsets;   /* what its channels are */
} pea_segment_details;

/**
 * Segment one image or volume. A 2-D model takes every slice on its own and numbers on through the stack.
 *
 * @param image     borrowed  any numeric dtype, (z,y,x,c); c is 1 or the network's in_channels (one channel is
 *                            repeated where the network wants three); NaN and infinity are refused
 * @param mask      borrowed  uint8 (z,y,x,1), not 0 where instances may be, besides what options->foreground says;
 *                            NULL: that alone
 * @param options   borrowed  NULL: the model's
 * @param labels    filled    uint32 (z,y,x,1): 1..n without gaps in raster order, 0 background
 * @param n_labels  filled    n
 * @param details   owned     NULL: not wanted. Repulsive affinities of a plane are there only where strides keep them
 * @return PEA_OK; PEA_E_SHAPE and PEA_E_ARG say in words how image and model differ; PEA_E_DTYPE; PEA_E_LIMIT with
 *         the bytes needed; PEA_E_NOMEM; PEA_E_CANCELLED
 */
pea_status pea_segment(const pea_model *model, pea_context *context, const pea_array *image, const pea_array *mask,
                       const pea_segment_options *options, const pea_array *labels, uint32_t *n_labels,
                       pea_segment_details *details, pea_error *err);

/**
 * Bytes that pea_segment() will need at most besides image, mask, labels and details: planes one by one, so that the
 * length of a stack does not count; a volume as a whole.
 * @param options  borrowed  NULL: the model's
 * @param bytes    filled
 * @return PEA_OK; as pea_segment() where image, model and options do not fit
 */
pea_status pea_segment_forecast(const pea_model *model, pea_dims image, const pea_segment_options *options,
                                int n_threads, uint64_t *bytes, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
