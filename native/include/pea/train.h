/* train.h - images with labels teach a network, which becomes a model file like every other.
 *
 *     pea_training_set_new -> _add_folder, _add_csv, _add_published, _add_arrays -> pea_train -> model file
 *
 * Source: Huang et al., AAAI 2022.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TRAIN_H
#define PEA_TRAIN_H

#include "pea/array.h"
#include "pea/context.h"
#include "pea/metric.h"
#include "pea/segment.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- images with labels ---- */

/* A list of images and labels. Files are looked at when training begins, not before. */
typedef struct pea_training_set pea_training_set;

/**
 * An empty list.
 * @param set  owned  free with pea_training_set_free()
 * @return PEA_OK; PEA_E_NOMEM
 */
pea_status pea_training_set_new(pea_training_set **set, pea_error *err);
void pea_training_set_free(pea_training_set *set); /* NULL allowed */

/**
 * Add the pairs of a folder.
 * @param images, labels  borrowed  names with one '*', which stands for the same text in both: "*_image.tif" and
 *                                  "*_labels.tif"; both NULL: the usual ones, which docs/train-your-own.md lists
 * @param validation      1: they are not learnt from, but scored
 * @return PEA_OK; PEA_E_ARG where nothing matches; PEA_E_IO for an image without labels or labels without an image;
 *         PEA_E_NOMEM
 */
pea_status pea_training_set_add_folder(pea_training_set *set, const char *folder, const char *images,
                                       const char *labels, int validation, pea_error *err);

/**
 * Add the rows of a CSV file: image, labels, and perhaps "training" or "validation"; paths are relative to the file.
 * @param validation  1: rows that do not say so themselves are scored, not learnt from
 * @return PEA_OK; PEA_E_IO; PEA_E_FORMAT; PEA_E_NOMEM
 */
pea_status pea_training_set_add_csv(pea_training_set *set, const char *path, int validation, pea_error *err);

/**
 * Add a published set as it is unpacked, with its own validation images: "cvppp", "bbbc039" or "ac3ac4".
 * @return as pea_training_set_add_folder()
 */
pea_status pea_training_set_add_published(pea_training_set *set, const char *name, const char *folder, pea_error *err);

/**
 * Add one image that is in memory.
 * @param name    borrowed  what messages call it
 * @param image   lent until the set is freed  any numeric dtype, (z,y,x,c)
 * @param labels  lent likewise                any numeric dtype, (z,y,x,1): whole numbers, 0 is background
 * @return PEA_OK; PEA_E_ARG; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_NOMEM
 */
pea_status pea_training_set_add_arrays(pea_training_set *set, const char *name, const pea_array *image,
                                       const pea_array *labels, int validation, pea_error *err);

/* ---- what is taught, and how ---- */

typedef enum pea_optimiser { PEA_OPTIMISER_ADAM, PEA_OPTIMISER_SGD } pea_optimiser;

/* How the learning rate goes on after its warm-up. */
typedef enum pea_decay {
    PEA_DECAY_CONSTANT,
    PEA_DECAY_POLYNOMIAL, /* end + (rate - end) * (1 - s)^0.9, where s is the share of the steps that is over */
    PEA_DECAY_COSINE      /* end + (rate - end) * (1 + cos(pi * s)) / 2 */
} pea_decay;

/* Names in options and help: "adam" "sgd"; "constant" "polynomial" "cosine". Parse returns 0 for an unknown name. */
const char *pea_optimiser_name(pea_optimiser value);
const char *pea_decay_name(pea_decay value);
int pea_optimiser_parse(const char *name, pea_optimiser *value);
int pea_decay_parse(const char *name, pea_decay *value);

struct pea_train_report;

/**
 * Called after every step, and after every validation, on the thread that made the call; once where a resumed run has no
 * step left.
 * @return 0 to go on; anything else ends training as if the steps were done: with a model
 */
typedef int pea_train_report_fn(void *user, const struct pea_train_report *report);

/* Everything that can be chosen. Begin with pea_train_preset(). Texts are borrowed; NULL where that is said. */
typedef struct pea_train_options {
    size_t struct_size;
    /* the network */
    const char *from;            /* a model file whose network learns on, with its settings; NULL: a new network */
    int freeze_encoder;          /* 1: what comes before the first doubling stays as it is */
    int64_t in_channels;         /* of a new network */
    int64_t filters[5];          /* of a new network: widths at 1/1 ... 1/16 */
    int64_t embedding_dim;       /* of a new network */
    pea_segment_options segment; /* what the model will segment with; offsets and normalise are also learnt by */
    /* the lessons */
    const char *without;         /* what is switched off, separated by commas or blanks: pea_train_switches(); NULL */
    const char *thin;            /* steps in which slices of volumes are taken, as "3" or "1,3": with 3 each volume, also
                                  * of validation, becomes three, of every third slice, as coarse as serial sections
                                  * are; NULL or "1": volumes as they are */
    double foreground_factor;    /* of the foreground's loss; 0: it is not taught */
    int64_t depth, side, batch;  /* of a sample: z, and y and x, multiples of 16; how many of them make a step */
    const char *augmentation;    /* "leaves", "nuclei", "em"; "volumes": as "em", of volumes that are mirrored at their
                                  * border, so that little ones are learnt from up to it; "none" */
    /* the optimiser */
    pea_optimiser optimiser;
    double rate, end_rate;
    pea_decay decay;
    int64_t warm_up;             /* steps in which the rate rises in a line */
    double epsilon, weight_decay;
    int epsilon_first;           /* 1: as PyTorch added it before 1.3, and so the paper */
    double longest_gradient;     /* longer ones are shortened to it; 0: none is */
    double average;              /* decay of averaged weights, of which the model is made; 0: it is made of the last */
    int64_t plain_batches;       /* of images without transformations, over which the means and variances that a model
                                  * normalises by are measured when it is made; 0: running ones of what was trained on,
                                  * as the paper has them */
    /* the run */
    int64_t n_steps;             /* in all; 0: as many as `seconds` hold, by the time of the first ten, and anew where
                                  * the machine becomes slower or faster: the rate goes on from where it is */
    double seconds;              /* after so many no step begins; 0: no limit. A resumed run has as many once more, but
                                  * where n_steps is 0 they are planned for all its parts together */
    uint64_t seed;
    double validation_share;     /* of the images, where the set has none for validation; 0: none */
    int64_t validate_every;      /* steps; the last is always followed by one */
    const char *score;           /* which chooses the best model, of pea_score_get_item(): "aji", "sbd", "voi" ... */
    double save_every_s;         /* seconds between states; 0: at validations and at the end alone */
    const char *folder;          /* there already: state.safetensors, losses.csv, scores.csv, curves.png and overlays of
                                  * validation images go there; NULL: none of them are made */
    int resume;                  /* 1: go on from the folder's state */
    /* the record of the model */
    const char *name, *description, *licence, *data; /* any NULL: nothing is said, or what the record of `from` says */
    pea_calibration pixel_size;  /* of the images; unit "pixel": as their files say, where they agree; "": not known */
    pea_train_report_fn *report; /* NULL: nobody is told */
    void *report_user;
} pea_train_options;

/**
 * Options of a preset: "nuclei", "leaves" and "em" for one's own images of the kind, "cvppp", "bbbc039" and "ac3ac4"
 * for the experiments of the paper.
 * @param small    1: a network of at most half a million parameters
 * @param options  filled
 * @return PEA_OK; PEA_E_ARG for another name, with the list
 */
pea_status pea_train_preset(const char *name, int small, pea_train_options *options, pea_error *err);

/**
 * Options for a model that learns on: those of a preset, with the model's settings, a shorter warm-up, and a rate of
 * 0.0002 at most: larger steps would undo what it knows. `from` is the caller's to fill in.
 * @param name     NULL: the preset that suits the model
 * @param model    borrowed
 * @param options  filled
 * @return as pea_train_preset()
 */
pea_status pea_train_preset_of(const char *name, const pea_model *model, pea_train_options *options, pea_error *err);

/* What was chosen beyond the preset. */
enum { PEA_CHOSE_STEPS = 1, PEA_CHOSE_WARM_UP = 2, PEA_CHOSE_END_RATE = 4, PEA_CHOSE_ABSORB = 8 };

/**
 * Fit what was not chosen to what was: with `seconds` there are as many steps as fit, the warm-up is a tenth of the steps
 * at most, the last rate is no larger than the first; mean shift, which has no affinities to go by, absorbs nothing.
 * @param chosen  sum of PEA_CHOSE_...
 */
void pea_train_fit_options(pea_train_options *options, unsigned chosen);

/* What `without` may name, separated by blanks: modules of the paper (scm ccm epm), the foreground, amsgrad (Adam then
 * divides by its running squares, not by the largest of them), transformations of samples. Lent for ever. */
const char *pea_train_switches(void);

/* ---- training ---- */

/* How far a run has come. All is lent during the call. */
typedef struct pea_train_report {
    int64_t step, n_steps;          /* done, and in all */
    double loss, rate;              /* of this step; NaN before the first */
    double seconds_step;            /* that steps took lately */
    double seconds_left;            /* until all are done or the time is up, as things stand */
    const double *scores;           /* means over the validation images, pea_score_count() of them, in order; NULL:
                                     * this report is of a step, not of a validation */
    int is_best;                    /* of a validation: the model file was written */
    double best_score;              /* so far; NaN before the first validation */
    int64_t best_step;
    double foreground_threshold;    /* that suits the validation images best */
    const char *notes;              /* what a person should know of the images, one line; may be empty */
    const char *trouble;            /* what could not be written and will be tried again, told once; NULL: nothing */
    const pea_array *image, *labels; /* of a validation: its first image and the labels it got; a plane or a volume */
} pea_train_report;

/**
 * Bytes that training will need besides the images themselves: network, optimiser, samples.
 * @param bytes  filled
 * @return PEA_OK; as pea_train() for options that do not fit
 */
pea_status pea_train_forecast(const pea_train_options *options, int n_threads, uint64_t *bytes, pea_error *err);

/**
 * Train, and write the best model so far whenever a validation is the best (without validation images: at the end).
 * Everything is checked before the first step. The same set, options and instruction set give the same model file for
 * any number of threads, and for a run that was cancelled or killed and resumed as for one that was not.
 * @param set      borrowed  images for validation are set aside in it where it has none
 * @param options  borrowed
 * @param context  borrowed  NULL: one thread, no progress. When it asks to stop the state is written first
 * @param path     borrowed  the model file
 * @return PEA_OK; PEA_E_ARG, PEA_E_SHAPE, PEA_E_FORMAT, PEA_E_IO say in one line which option or file is wrong;
 *         PEA_E_LIMIT with the bytes needed; PEA_E_NOMEM; PEA_E_CANCELLED, after which `resume` goes on, or where what was
 *         learnt could not be written PEA_E_IO or PEA_E_NOMEM, "cancelled after step ..., but ..."
 */
pea_status pea_train(pea_training_set *set, const pea_train_options *options, pea_context *context, const char *path,
                     pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
