/* data.h - internal: images with labels, and the samples of them that a network learns from.
 *
 *     folder, CSV, arrays ─▶ pairs ─▶ data: read, checked ─▶ sampler: cut, transformed, second view ─▶ batch
 *     (pairs*.c, csv.c)              (data.c, widen.c)       (sampler.c, augment*.c, random.c)
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_DATA_INTERNAL_H
#define PEA_DATA_INTERNAL_H

#include "array/array.h"
#include "pea/segment.h"
#include "train/train.h"

/* ---- random numbers (random.c) ---- */

/* What a number is for. Each purpose has a sequence of its own: what is switched off changes no other draw. */
typedef enum pea__purpose {
    PEA__DRAW_IMAGE = 1,
    PEA__DRAW_PLACE,
    PEA__DRAW_ANY,
    PEA__DRAW_CHAIN,
    PEA__DRAW_FLIP,
    PEA__DRAW_RESIZED_CROP,
    PEA__DRAW_ROTATION,
    PEA__DRAW_RESCALING,
    PEA__DRAW_ELASTIC,
    PEA__DRAW_GREY,
    PEA__DRAW_SECOND_GREY,
    PEA__DRAW_CUTOUT,
    PEA__DRAW_SECOND_FLIP,
    PEA__DRAW_SPLIT,
    PEA__DRAW_WEIGHTS
} pea__purpose;

/* A sequence that is a function of seed, step, image of the batch and purpose alone. */
typedef struct pea__random {
    uint32_t key[2], counter[4], block[4];
    int n_left;
} pea__random;

pea__random pea__random_of(uint64_t seed, uint64_t step, uint32_t image, pea__purpose purpose);
uint32_t pea__random_bits(pea__random *random);
double pea__random_unit(pea__random *random);                        /* [0,1) */
double pea__random_between(pea__random *random, double low, double high);
int64_t pea__random_integer(pea__random *random, int64_t low, int64_t high); /* both included; low where high < low */
bool pea__random_happens(pea__random *random, double probability);

/* ---- which images (pairs.c, pairs_published.c, csv.c) ---- */

/* An image and its labels: two files, or two arrays that are lent until the data are freed. */
typedef struct pea__pair {
    char *name;                    /* in messages; owned, as the paths */
    char *image_path, *label_path; /* NULL: the arrays */
    pea_array image, labels;       /* any numeric dtype; labels of one channel */
    int64_t first_slice, end_slice; /* of stacks and volumes; below 0 from the end; end_slice 0: all to the end */
    int64_t slice_step, first_phase; /* of those: every step-th from number first_phase on; step 0 is 1 */
    bool validation;
} pea__pair;

/* What the numbers of label images are. */
typedef enum pea__label_rule {
    PEA__LABELS_NUMBERS, /* one for each instance */
    PEA__LABELS_PARTS    /* connected parts (8 neighbours) of equal numbers of the first channel; planes only */
} pea__label_rule;

/* All zero: none yet. */
typedef struct pea__pairs {
    size_t n, capacity;
    pea__pair *pair; /* owned; free with pea__pairs_free() */
    pea__label_rule rule;
    int64_t min_part_size; /* of PEA__LABELS_PARTS: smaller ones are background */
} pea__pairs;

void pea__pairs_free(pea__pairs *pairs); /* safe twice, and on all zero */

/* The first pair of the same files and slices, and for the same; of most pairs `i` itself. What is listed twice is read
 * once, and in training drawn twice as often. */
size_t pea__pairs_first_alike(const pea__pairs *pairs, size_t i);

/* Add the pairs of a folder. Each pattern has one '*', which stands for the same text in both: "*_image.tif" and
 * "*_labels.tif", "images/" "*" and "masks/" "*.png"; without an extension .tif, .tiff and .png match. Both NULL: the
 * first of the usual layouts of which the folder has anything. PEA_E_ARG where nothing matches, with what was tried;
 * PEA_E_IO for an image without labels, or labels without an image, with the name that is missing. */
pea_status pea__pairs_add_folder(pea__pairs *pairs, const char *folder, const char *images, const char *labels,
                                 bool validation, pea_error *err);
/* Add the rows of a text file: image, labels, and perhaps "training" or "validation", which otherwise is as told.
 * Paths are relative to the file. A first row that names no image is a heading. */
pea_status pea__pairs_add_csv(pea__pairs *pairs, const char *path, bool validation, pea_error *err);
/* Add a published set as it is unpacked, with its own validation images: "cvppp", "bbbc039" or "ac3ac4". Sets the
 * rule. */
pea_status pea__pairs_add_published(pea__pairs *pairs, const char *set, const char *folder, pea_error *err);
/* Add arrays, which are lent until the data made of the pairs are freed. */
pea_status pea__pairs_add_arrays(pea__pairs *pairs, const char *name, const pea_array *image, const pea_array *labels,
                                 bool validation, pea_error *err);
/* Set a share of the images aside for validation, at least one and not all; `seed` chooses. What is listed twice goes
 * together. Nothing happens where some are already. PEA_E_ARG for a single image. */
pea_status pea__pairs_split(pea__pairs *pairs, double share, uint64_t seed, pea_error *err);
/* Set the last slices of every stack or volume aside. Nothing happens where some pairs are for validation already. */
pea_status pea__pairs_split_slices(pea__pairs *pairs, int64_t n_slices, pea_error *err);
/* For each pair and each step as many pairs as the step is large: every step-th slice from the first on, from the second
 * on ... So thin slices become as coarse as serial sections are. After the splits. The old pairs stay; free the new
 * ones with pea__pairs_free(), after an error too. */
pea_status pea__pairs_thin(const pea__pairs *pairs, const int64_t *steps, size_t n_steps, pea__pairs *thin,
                           pea_error *err);

/* ---- the images themselves (data.c) ---- */

enum { PEA__MAX_IMAGE_CHANNELS = 16 };

typedef struct pea__data_options {
    int n_axes;              /* 2: every slice and frame is an image of its own; 3: volumes */
    int64_t channels;        /* of the network's input: images have as many, or one that feeds all */
    pea_normalise normalise;
    bool widen;              /* borders of training labels (of volumes) become background: pea__widen_borders() */
} pea__data_options;

typedef struct pea__specimen {
    const char *name;  /* lent by the data */
    pea_array image;   /* of the file's dtype, (z,y,x,c): c as the options say, or 1 */
    pea_array labels;  /* uint32 (z,y,x,1); of training with `widen` the widened ones */
    double min, max;   /* of the image, all channels */
    int64_t n_instances;
} pea__specimen;

typedef struct pea__data pea__data;

/* Bytes that pea__data_read() will hold, and those it needs beyond while it reads. Looks at headers only. */
pea_status pea__data_forecast(const pea__pairs *pairs, const pea__data_options *options, uint64_t *bytes_held,
                              uint64_t *bytes_beyond, pea_error *err);
/* Read and check everything, in a stage named "read". The pairs may be freed afterwards, lent arrays not.
 * PEA_E_LIMIT where the context allows less than the forecast; otherwise one line that names the file:
 * PEA_E_SHAPE for extents or channels that do not fit, PEA_E_FORMAT for labels that are no whole numbers, colours, or
 * values that are NaN or outside what the rule takes, PEA_E_ARG where no training image has an instance. */
pea_status pea__data_read(const pea__pairs *pairs, const pea__data_options *options, pea_context *context,
                          pea__data **data, pea_error *err);
void pea__data_free(pea__data *data); /* NULL allowed */

size_t pea__data_count(const pea__data *data, bool validation);
pea__specimen pea__data_get(const pea__data *data, bool validation, size_t index); /* lent */
pea__data_options pea__data_get_options(const pea__data *data);
const char *pea__data_notes(const pea__data *data); /* what a person should know, one line, may be empty; lent */
uint64_t pea__data_bytes(const pea__data *data);
/* Size of voxels, of slices kept, as the files of training say; 1 pixel where they do not, or not all the same. */
pea_calibration pea__data_pixel_size(const pea__data *data);
/* Goes on with a number by some bytes: another one for others, or another order, as far as 64 bits can be. */
uint64_t pea__mix(uint64_t hash, const void *bytes, size_t n_bytes);
/* A number that is another one for other images, labels, order or options: what a resumed run compares. */
uint64_t pea__data_fingerprint(const pea__data *data);

/* Voxels that see two or more different instances in the 3 x 3 window of their slice, mirrored at borders, become
 * background (widen.c). In place; rows: 3 * dims.x items of scratch. */
void pea__widen_borders(pea_dims dims, uint32_t *labels, uint32_t *rows);

/* ---- transformations (augment.c) ---- */

/* Contrast and brightness: v * (1 + (U - 1/2) * contrast) + (U - 1/2) * brightness, cut to [0,1]; then ^ 2^(2U - 1). */
typedef struct pea__grey {
    double probability;         /* 0: never */
    double contrast, brightness;
    bool gamma;
    double whole_probability;   /* that one draw serves all slices of a volume; else each has its own */
} pea__grey;

/* Squares (boxes) blanked: how many, and their sides; each range with both ends. */
typedef struct pea__cutout {
    int64_t most;               /* 0 to so many; 0: none */
    int64_t depth[2], side[2];  /* one size for all; depth of volumes only */
    bool in_foreground;         /* within the box that encloses it, filled with its mean; else anywhere, with 0 */
} pea__cutout;

enum { PEA__AXIS_Z = 1, PEA__AXIS_Y = 2, PEA__AXIS_X = 4, PEA__AXIS_EXCHANGE = 8 };

/* How a sample is made. Transformations of the first view in this order, each with its probability once `chain` has
 * decided that there are any; 0 switches one off. */
typedef struct pea__augmentation {
    const char *preset;         /* lent for ever */
    int64_t depth, side;        /* of samples: z; y and x */
    int64_t margin;             /* so much more, in y and x, is cut out, and cut off after the transformations */
    int64_t border;             /* images grow by so much on each side in y and x, mirrored */
    bool label_border;          /* what images grow by has labels, mirrored too; else it is background */
    double chain;
    double flip;                /* each of flip_axes with 1/2 */
    unsigned flip_axes;
    double resized_crop;        /* a part, of 1 to crop_area of the sample and of aspect 3/4 to 4/3, enlarged to it */
    double crop_area;
    double rotate;              /* any angle in the plane */
    double rescale, rescale_by; /* y and x each by 1 - rescale_by to 1 + rescale_by */
    double elastic, elastic_alpha, elastic_sigma; /* displacements: noise in [-1,1], smoothed, times alpha voxels */
    pea__grey grey;
    pea__grey second_grey;      /* of the second view, which is made of the first, as the two below */
    pea__cutout cutout;
    unsigned second_flip_axes;
} pea__augmentation;

/* "leaves", "nuclei", "em" as the paper's experiments; "volumes": as em, but from all places of a volume; "none": crops
 * alone, of the side of "nuclei", and second views that are equal to the first. PEA_E_ARG for another name, with the
 * list. */
pea_status pea__augmentation_preset(const char *name, pea__augmentation *augmentation, pea_error *err);
/* Switch a transformation off, or on as its preset has it: "flip", "crop", "rotate", "rescale", "elastic", "grey",
 * "second-grey", "cutout", "second-flip". PEA_E_ARG for another name, with the list. */
pea_status pea__augmentation_switch(pea__augmentation *augmentation, const char *name, bool on, pea_error *err);
/* Ranges of all fields. The message names the field. */
pea_status pea__augmentation_check(const pea__augmentation *augmentation, pea_error *err);

/* ---- samples (sampler.c) ---- */

/* Batches of n images, made of the training images of `data`. Data and context are borrowed until the end. */
typedef struct pea__sampler pea__sampler;

uint64_t pea__sampler_bytes(const pea__augmentation *augmentation, int64_t n, int64_t channels, int n_threads);
/* PEA_E_SHAPE where an image is too small for this side and for the preset's way to enlarge it. */
pea_status pea__sampler_new(const pea__data *data, const pea__augmentation *augmentation, int64_t n, uint64_t seed,
                            pea_context *context, pea__sampler **sampler, pea_error *err);
void pea__sampler_free(pea__sampler *sampler); /* NULL allowed */

/* What a batch fills: of n images (n,depth,side,side,c) and (n,depth,side,side). second_view NULL: none is made. plain:
 * views are parts of images as they are, nothing of them transformed. */
typedef struct pea__batch_of_samples {
    float *view, *second_view;
    uint32_t *labels;
    pea__view *flips; /* n items */
    bool plain;
} pea__batch_of_samples;

/* The batch of a step: a function of data, augmentation, seed and step alone. PEA_E_CANCELLED, which is heard between the
 * slices and transformations of a sample. */
pea_status pea__sampler_fill(pea__sampler *sampler, uint64_t step, const pea__batch_of_samples *batch,
                             pea_error *err);

#endif
