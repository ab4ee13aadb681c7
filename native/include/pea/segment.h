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

/* How instances are found. docs/how-an-image-becomes-labels.md says with which constants. */
typedef enum pea_clusterer {
    PEA_CLUSTER_MUTEX,       /* mutex watershed of all affinities */
    PEA_CLUSTER_AGGLOMERATE, /* watershed fragments, merged while their mean affinity is above the cut */
    PEA_CLUSTER_MULTICUT,    /* watershed fragments, cut where that costs least */
    PEA_CLUSTER_MEANSHIFT    /* dense places among the embeddings of a plane, for models trained by distance */
} pea_clusterer;

/* What becomes of instances that do not hang together. */
typedef enum pea_parts {
    PEA_PARTS_KEEP,   /* nothing */
    PEA_PARTS_SPLIT,  /* each part is an instance */
    PEA_PARTS_LARGEST /* the largest part stays, the others become background */
} pea_parts;

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
    double scale; /* y and x are resized by this before the network sees them, labels come back to the image's grid;
                   * 1: not at all; PEA_SCALE_AUTO must have been replaced with pea_model_scale(). min_size counts
                   * voxels of the image, all other sizes those that the network sees */
    pea_clusterer clusterer; /* of fragments the attractive offsets must be one step each in y and in x */
    /* clean-up, each plane of a 2-D model on its own, in this order; then min_size, then n_largest */
    int64_t absorb_size;     /* instances below this many voxels go to the neighbour they are most alike; 0: none do */
    pea_parts parts;
    int fill_holes;          /* 1: background that one instance encloses becomes that instance */
    pea_connectivity connectivity; /* of parts and of holes: default PEA_CONNECT_FACES */
    int64_t n_largest;       /* so many of the largest instances stay; 0: all */
    pea_precision precision; /* of the network */
    /* how the clusterer goes about it */
    double cut;             /* the affinity that speaks neither for one instance nor for two, PEA_CUT_MIN
                             * to _MAX; default 0.5. Above it fragments are agglomerated, and cutting them costs; there
                             * both kinds of edges of the mutex watershed weigh the same */
    int score_percent;      /* agglomerate by this quantile of the contacts' largest affinities, 0 to 99;
                             * PEA_SCORE_PERCENT_MEAN, the default: by the mean of all */
    double fragment_boundary, fragment_sigma; /* of the fragments before a multicut: threshold, and both sigmas, of */
    int64_t fragment_size;                    /* pea_fragments_options; default 0.25, 2 and 100 */
    double bandwidth;       /* of mean shift, in units of the embedding, above 0; default 1.5 */
} pea_segment_options;

#define PEA_SCORE_PERCENT_MEAN (-1)

#define PEA_SCALE_AUTO 0.0
#define PEA_SCALE_MIN 0.05
#define PEA_SCALE_MAX 20.0

/* Names in files, options and help: "minmax" "imagenet" "unit"; "reflect-end" ...; "none" "given" "predicted";
 * "mutex" "agglomerate" "multicut" "meanshift"; "keep" "split" "largest"; "faces" "edges" "corners".
 * Parse returns 0 for an unknown name. */
const char *pea_normalise_name(pea_normalise value);
const char *pea_padding_name(pea_padding value);
const char *pea_foreground_name(pea_foreground value);
const char *pea_clusterer_name(pea_clusterer value);
const char *pea_parts_name(pea_parts value);
const char *pea_connectivity_name(pea_connectivity value);
int pea_normalise_parse(const char *name, pea_normalise *value);
int pea_padding_parse(const char *name, pea_padding *value);
int pea_foreground_parse(const char *name, pea_foreground *value);
int pea_clusterer_parse(const char *name, pea_clusterer *value);
int pea_parts_parse(const char *name, pea_parts *value);
int pea_connectivity_parse(const char *name, pea_connectivity *value);

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

/**
 * The factor that gives an image's pixels the size of those the model was trained on.
 * @param calibration  borrowed  of the image
 * @param scale        filled    > 0; 1 where it cannot be known
 * @return PEA_OK; PEA_E_ARG in words where the model or the image has no pixel size, or their units do not compare
 */
pea_status pea_model_scale(const pea_model *model, const pea_calibration *calibration, double *scale, pea_error *err);

/**
 * Cluster affinities as pea_segment() does, before its clean-up: one call in place of those that `clusterer` stands for.
 * @param options   borrowed  clusterer, offsets, stride, cut, score_percent and fragment_* count; nothing else of them
 *                            is looked at. Not PEA_CLUSTER_MEANSHIFT, which needs embeddings: pea_mean_shift()
 * @param affinity  borrowed  float32 (z,y,x,k), k == options->offsets.n
 * @param mask      borrowed  uint8 (z,y,x,1), 0 is background; NULL: everything is foreground
 * @param labels    filled    uint32 (z,y,x,1): 1..n in raster order of the first voxel, 0 outside the mask
 * @param n_labels  filled    n; may be NULL
 * @return as pea_mutex_watershed(), pea_fragments() and what follows them
 */
pea_status pea_cluster(const pea_segment_options *options, const pea_array *affinity, const pea_array *mask,
                       pea_context *context, const pea_array *labels, uint32_t *n_labels, pea_error *err);

/**
 * Tidy instances as pea_segment() does after clustering, in a stage named "clean up": merge, absorb_size, parts,
 * fill_holes, min_size and n_largest of the options, in this order; nothing else of them is looked at.
 * @param options   borrowed
 * @param affinity  borrowed  float32 (z,y,x,k), k == options->offsets.n; NULL where absorb_size is below 2
 * @param labels    borrowed and changed in place  uint32 (z,y,x,1): a plane, or a volume as a whole; for merge numbered
 *                            as pea_cluster() does. 1..n in raster order afterwards
 * @param n_labels  filled    n; may be NULL
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG; PEA_E_FORMAT for NaN or infinity; PEA_E_LIMIT; PEA_E_NOMEM;
 *         PEA_E_CANCELLED
 */
pea_status pea_clean_up(const pea_segment_options *options, const pea_array *affinity, pea_context *context,
                        const pea_array *labels, uint32_t *n_labels, pea_error *err);

/* Intermediate results for those who want them; set what is wanted, the rest zero. */
typedef struct pea_segment_details {
    int want_affinity, want_embedding;
    pea_volume affinity;   /* owned float32 (z,y,x,k), every edge; on the grid the network saw: the image's but for
                            * scale. Free with pea_segment_details_free() */
    pea_offsets offsets;   /* what its channels are */
    pea_volume embedding;  /* owned float32 (z,y,x,c) on the same grid; PEA_E_ARG where the network has none */
} pea_segment_details;

void pea_segment_details_free(pea_segment_details *details); /* NULL and all zero are fine; keeps what is wanted */

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
 * @param details   owned     NULL: not wanted; empty after a failure
 * @return PEA_OK; PEA_E_SHAPE and PEA_E_ARG say in words how image and model differ; PEA_E_DTYPE; PEA_E_LIMIT with
 *         the bytes needed; PEA_E_NOMEM; PEA_E_CANCELLED
 */
pea_status pea_segment(const pea_model *model, pea_context *context, const pea_array *image, const pea_array *mask,
                       const pea_segment_options *options, const pea_array *labels, uint32_t *n_labels,
                       pea_segment_details *details, pea_error *err);

/* How pea_segment() would go about an image. */
typedef struct pea_expectation {
    uint64_t bytes;         /* at most, besides image, mask and labels; details that are wanted are counted */
    double network_voxels; /* that go through the network; padding counts, and each tile that covers a voxel */
    int streams;            /* 1: rows of a plane, or planes of a volume, come and go, and nothing of them is kept but
                             * labels; 0: embeddings of a whole plane or affinities of a whole volume are in memory */
    const char *why_whole;  /* where they are: the setting or wish that needs it, or that it takes less memory than
                             * pieces would; lent for ever, otherwise NULL */
} pea_expectation;

/**
 * Before any work: memory, the share of the network, and whether memory is bounded.
 * @param options   borrowed  NULL: the model's
 * @param details   borrowed  what will be wanted; NULL: nothing
 * @param expected  filled
 * @return PEA_OK; as pea_segment() where image, model and options do not fit
 */
pea_status pea_segment_expect(const pea_model *model, pea_dims image, const pea_segment_options *options,
                              const pea_segment_details *details, int n_threads, pea_expectation *expected,
                              pea_error *err);

/**
 * Bytes that pea_segment() will need at most besides image, mask, labels and details, whichever details are wanted:
 * planes one by one, so that the length of a stack does not count; a volume as a whole. Where no details are wanted it
 * is often far less, and never more: pea_segment_expect() tells.
 * @param options  borrowed  NULL: the model's
 * @param bytes    filled
 * @return PEA_OK; as pea_segment() where image, model and options do not fit
 */
pea_status pea_segment_forecast(const pea_model *model, pea_dims image, const pea_segment_options *options,
                                int n_threads, uint64_t *bytes, pea_error *err);

/* What the network said about an image, kept so that other settings can be tried without running it again: of planes
 * the embeddings and the foreground, of a volume the blended affinities. */
typedef struct pea_prediction pea_prediction;

/**
 * Run the network alone. pea_prediction_segment() then gives what pea_segment() would have given, bit by bit. The
 * memory that this needs, with what is kept, is checked as pea_segment() does.
 * @param image       borrowed  as for pea_segment(); read during this call only
 * @param options     borrowed  NULL: the model's
 * @param prediction  owned     free with pea_prediction_free(). It does not need the model any more
 * @return as pea_segment()
 * Memory: of planes 4 * (embedding_dim + 2) bytes for each voxel, padding included, without foreground 8 less; of a
 * volume 4 * offsets->n. At another scale the voxels are those that the network sees
 */
pea_status pea_predict(const pea_model *model, pea_context *context, const pea_array *image,
                       const pea_segment_options *options, pea_prediction **prediction, pea_error *err);
void pea_prediction_free(pea_prediction *prediction); /* NULL allowed */

/* Whether these settings can be tried without the network. Not what changes its input (normalise, padding, tiles,
 * scale) or its precision, nor a foreground that was not asked for; for a volume not offsets and border either. */
int pea_prediction_suits(const pea_prediction *prediction, const pea_segment_options *options);

/**
 * Cluster a prediction. Arguments and results as pea_segment(), but that options NULL are those of pea_predict() and
 * that a volume has no embeddings to show. Thread-safe on distinct contexts.
 * @return as pea_segment(); PEA_E_ARG for options that do not suit, and for details that are not there
 */
pea_status pea_prediction_segment(const pea_prediction *prediction, pea_context *context, const pea_array *mask,
                                  const pea_segment_options *options, const pea_array *labels, uint32_t *n_labels,
                                  pea_segment_details *details, pea_error *err);

/**
 * Embeddings as colours: the first three principal components of the normalised embeddings, each from its 1st to its
 * 99th percentile, in the stage "draw". The sign of a component is such that its largest loading is positive.
 * @param embedding  borrowed  float32 (z,y,x,c), c >= 1
 * @param picture    filled    uint8 (z,y,x,3)
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_NOMEM; PEA_E_CANCELLED
 */
pea_status pea_embedding_rgb(const pea_array *embedding, pea_context *context, const pea_array *picture,
                             pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
