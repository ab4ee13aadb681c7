/* run.h - internal: a training run, from initial weights to a model file.
 *
 *     options ─▶ course ─▶ teacher ◀── batch of step t (data.h)                                all in run.c
 *     (presets.c) (course.c)  │ ├─▶ state.safetensors (state.c), losses.csv, scores.csv (history.c), curves.png
 *                             ▼ ▼
 *                   weights, scores ─▶ the best become the model file (record.c)
 *                         (validate.c)
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TRAIN_RUN_INTERNAL_H
#define PEA_TRAIN_RUN_INTERNAL_H

#include "pea/train.h"
#include "pipeline/pipeline.h"
#include "train/data.h"
#include "train/train.h"

/* ---- networks that have learnt nothing (initial.c) ---- */

/* Which network: the paper's in 2-D has 3 channels, filters 16 32 64 128 256, an embedding of 16; in 3-D 1 channel and
 * filters 28 36 48 64 80. */
typedef struct pea__blueprint {
    int n_axes;
    int64_t in_channels, filters[5], embedding_dim;
    bool coarse_heads; /* embeddings at 1/2 ... 1/16 too */
} pea__blueprint;

/* Tensors under the names of published checkpoints, in their order. Weights and biases of the planes' network are
 * uniform in +-1/sqrt(fan_in); weights of the other are normal with variance 2/fan_in, and its biases 0. The same seed
 * gives the same bytes. */
pea_status pea__initial_weights(const pea__blueprint *blueprint, uint64_t seed, pea_weights **weights, pea_error *err);

/* ---- images with labels (training_set.c) ---- */

const pea__pairs *pea__training_set_pairs(const pea_training_set *set); /* lent */

/* ---- options in the library's own terms (course.c) ---- */

enum { PEA__MAX_THIN = 8 };
enum { PEA__MAX_STEPS = 10000000 }; /* of a run */

typedef struct pea__course {
    pea_train_options options;
    pea_segment_options segment; /* of the model that is learnt on from, or the options' */
    pea__curriculum curriculum;
    pea__augmentation augmentation;
    pea__data_options data;
    int64_t thin[PEA__MAX_THIN]; /* steps in which slices are taken */
    size_t n_thin;
    pea__schedule schedule;
    pea__batch batch;
    pea_network_info info;
    bool has_coarse_heads, has_foreground;
    pea_weights *weights; /* to begin with; owned */
    char *old_record;     /* of the model that is learnt on from; owned; NULL: none */
    size_t score;         /* that chooses the best */
    bool low_is_best;     /* of that score */
} pea__course;

/* Where a set has no validation images some are set aside, as the options say: images, or of a single one slices. */
pea_status pea__training_set_split(pea_training_set *set, const pea__course *course, pea_error *err);

/* All that can be known before an image is read. */
pea_status pea__course_plan(const pea_train_options *options, pea__course *course, pea_error *err);
void pea__course_free(pea__course *course); /* safe twice, and on all zero */

/* What is known of time. */
typedef struct pea__pace {
    double left_s, step_s; /* until the time is up; what a step takes */
    double validation_s;   /* what a validation takes; 0: nobody knows yet, and a part of the time is kept for them */
} pea__pace;

/* Plans as many steps in all as are thought to fit, the validation at the end included; a plan that is less than a
 * twentieth off stays. */
void pea__course_fit(pea__course *course, int64_t done, const pea__pace *pace);

/* What a state depends on, as words "key=value": two runs of equal words do the same steps and compare the same scores.
 * There is room for twice the longest: 64 shifts take 400 bytes, eight passes of merging 200, others some numbers. */
enum { PEA__STATE_VERSION = 2, PEA__TERMS_BYTES = 4096 };
void pea__course_terms(const pea__course *course, char terms[PEA__TERMS_BYTES]);

/* ---- what happened so far (history.c) ---- */

/* Columns of a row: of a step its losses; of a validation step and threshold, then every score in their order. */
enum { PEA__LOSS_COLUMNS = 11, PEA__MAX_SCORES = 64, PEA__FIRST_SCORE = 2 };

/* Rows of floats: numbers as they are stored and compared, so that those of a resumed run are no others. */
typedef struct pea__history {
    float *losses; /* of each step: total, rate, self at 1/1 ... 1/16, cross, foreground, affinity, distance */
    float *scores; /* of each validation: step, threshold in percent, scores */
    int64_t n_steps, n_validations, room_steps, room_validations;
    int64_t best; /* row of scores; -1: none */
} pea__history;

int64_t pea__score_columns(void);
pea_status pea__history_add_step(pea__history *history, const pea__losses *losses, double rate, pea_error *err);
/* means: of every score. A row that is better than all before becomes the best. */
pea_status pea__history_add_scores(pea__history *history, const pea__course *course, int64_t step, int percent,
                                   const double *means, pea_error *err);
const float *pea__history_scores(const pea__history *history, int64_t row); /* a row */
void pea__history_free(pea__history *history);
/* losses.csv and scores.csv in a folder, whole. */
pea_status pea__history_write(const pea__history *history, const char *folder, pea_error *err);

/* curves.png: losses and scores by steps (curves.c). */
pea_status pea__curves_write(const pea__history *history, const pea__course *course, const char *folder,
                             pea_context *context, pea_error *err);

/* FOLDER/NAME.EXTENSION (pea__free); characters of the name that file names cannot have become '_'. */
char *pea__path_in(const char *folder, const char *name, const char *extension, pea_error *err);

/* ---- validation (validate.c) ---- */

enum { PEA__MAX_SHOWN = 4 };

/* What a model makes of the validation images. */
typedef struct pea__verdict {
    double means[PEA__MAX_SCORES];
    int percent;                      /* the threshold that suits them best, that of the settings where none counts */
    size_t n_shown;                   /* of the first images */
    pea_volume shown[PEA__MAX_SHOWN]; /* their labels; owned */
} pea__verdict;

pea_status pea__validate(const pea__course *course, const pea_model *model, const pea__data *data, pea_context *context,
                         pea__verdict *verdict, pea_error *err);
void pea__verdict_free(pea__verdict *verdict);
/* An overlay of each shown image in the folder. */
pea_status pea__verdict_draw(const pea__verdict *verdict, const pea__data *data, const char *folder,
                             pea_context *context, pea_error *err);

/* ---- the model (record.c) ---- */

/* JSON (pea__free) of what was learnt in so many steps; scores: a row, NULL: nobody scored it. */
pea_status pea__record_of_run(const pea__course *course, const pea__data *data, int64_t step, const float *scores,
                              char **json, pea_error *err);

/* ---- going on later (state.c) ---- */

/* Everything but the teacher that a run carries along. */
typedef struct pea__journal {
    pea__history history;
    pea_weights *best; /* with its record; owned; NULL: none yet */
    double spent_s;    /* up to the state, where the number of steps is found by time; else 0 */
} pea__journal;

void pea__journal_free(pea__journal *journal);
/* state.safetensors in the folder. */
pea_status pea__state_write(const pea__course *course, const pea__data *data, const pea__teacher *teacher,
                            const pea__journal *journal, const char *folder, pea_error *err);
/* A number of all tensors, with names and shapes, and of so many bytes of a text. */
uint64_t pea__weights_digest(const pea_weights *weights, const char *text, size_t n_bytes);
/* PEA_E_ARG where it is of other images or options; PEA_E_FORMAT where it is damaged. Where options leave the number of
 * steps open, that planned counts. */
pea_status pea__state_read(pea__course *course, const pea__data *data, const char *folder, pea__teacher *teacher,
                           pea__journal *journal, pea_error *err);

#endif
