/* train.h - what a network is taught: losses with their gradients, and what becomes of gradients.
 *
 * Losses compare affinities of embeddings with ground truth made of labels on the fly: neither targets nor masks nor
 * maps of weights are kept. Arrays are dense, (n,z,y,x,c) for n images of a batch, labels (n,z,y,x). Calls take a
 * pea__run as those of gradient.h do: memory in run->work, as much as the ..._work() beside a call says in floats, and
 * the same bytes for any number of threads. Sums over voxels are of doubles. Calls fail only when they are cancelled.
 * Source: Huang et al., AAAI 2022, and its public code.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TRAIN_INTERNAL_H
#define PEA_TRAIN_INTERNAL_H

#include "affinity/affinity.h"
#include "gradient/gradient.h"
#include "nn/nn.h"

/* ---- a network in training (trainee.c describes it, plan.c plans its passes, pass.c runs them) ----
 *
 * The operations of nn.h as gradient.h does them: norms are operations of their own, of which one may add what another
 * norm gives; concatenations are buffers that two operations write. */

enum { PEA__TRAINEE_TENSORS = 4 * PEA__MAX_OPS, PEA__TRAINEE_TIMES = 4 * PEA__MAX_OPS + 1 };

typedef enum pea__lesson_kind {
    PEA__LESSON_CONV,
    PEA__LESSON_NORM,
    PEA__LESSON_POOL,
    PEA__LESSON_UPSAMPLE
} pea__lesson_kind;

typedef struct pea__lesson {
    pea__lesson_kind kind;
    int in, in_2, add, out; /* values; in_2: what a norm adds, normalised too; add: what others add as it is; 0: none */
    pea__conv_shape shape;
    bool has_bias;
    pea__activation activation;
    int64_t parameters[2], moments[2]; /* where they begin; of a norm those of both inputs */
    int64_t n_parameters;              /* from parameters[0] on, of all it has */
    /* By the plan: */
    bool frozen;    /* parameters stay, and a norm takes its running statistics for the batch's */
    bool goes_back; /* has a gradient, and makes those of its parameters */
    bool passes_on; /* and of its input */
    bool adds;      /* to what others gave the input already */
} pea__lesson;

/* A slice of the channels of a buffer. */
typedef struct pea__learnt_value {
    int buffer;
    int64_t first, channels;
} pea__learnt_value;

typedef struct pea__learnt_buffer {
    int64_t channels; /* 0: its values moved to a concatenation */
    int shrink;
    /* By the plan: */
    int remake;     /* the norm that makes it a second time, on the way back; -1: it is kept */
    int remade_for; /* before the way back of this lesson */
    int64_t place, second_place, gradient_place; /* in the arena, in floats; -1: none */
} pea__learnt_buffer;

/* Where the numbers of a tensor lie: in parameters, or in running statistics. */
typedef struct pea__learnt_tensor {
    char name[96];
    bool is_parameter;
    int64_t first, n;
} pea__learnt_tensor;

typedef struct pea__trainee {
    pea__run run;
    pea__batch batch; /* of the input */
    pea__lesson lessons[2 * PEA__MAX_OPS];
    pea__learnt_value values[3 * PEA__MAX_VALUES]; /* and buffers: from 1; value 1 is the input */
    pea__learnt_buffer buffers[3 * PEA__MAX_VALUES];
    pea__learnt_tensor tensors[PEA__TRAINEE_TENSORS];
    int n_lessons, n_values, n_buffers, n_tensors;
    int n_encoding; /* lessons before the first doubling */
    int n_axes;
    size_t n_heads;
    pea_head heads[PEA__MAX_HEADS];
    int head_values[PEA__MAX_HEADS];
    int64_t n_parameters, n_moments;
    int64_t arena_floats, work_place[PEA__TRAINEE_TIMES]; /* by the plan; places for run.work */
    float *parameters, *gradients;
    float *moments, *running; /* of each norm means, then variances: those of the batch; those of evaluation */
    float *arena;             /* values, their gradients, and work */
} pea__trainee;

/* Describes a network in training on batches of this size; takes no memory that grows with either. PEA_E_FORMAT as
 * pea_network_create(); PEA_E_SHAPE for extents that are no multiples of the network's grid, or too small. */
pea_status pea__trainee_new(const pea_weights *weights, pea__batch batch, const pea__kernels_table *kernels,
                            pea_context *context, pea__trainee **trainee, pea_error *err);
void pea__trainee_free(pea__trainee *trainee); /* NULL allowed */

pea__batch pea__trainee_batch(const pea__trainee *trainee, int value); /* extents */
int pea__trainee_head_at(const pea__trainee *trainee, const char *beginning, int shrink); /* of a name; -1: none */

/* Decides what passes will do, and what memory they need, if these heads give gradients and losses need so much work
 * between the passes. Freezing the encoder keeps all that comes before the first doubling, but for heads. PEA_E_LIMIT
 * for what cannot be counted. */
pea_status pea__trainee_plan(pea__trainee *trainee, const bool taught[PEA__MAX_HEADS], bool freeze_encoder,
                             int64_t loss_floats, pea_error *err);
/* After the plan: all memory, and the numbers of the weights it was made of. PEA_E_NOMEM, PEA_E_CANCELLED. */
pea_status pea__trainee_ready(pea__trainee *trainee, const pea_weights *weights, pea_error *err);

/* Fills values, heads and moments from an input (n,z,y,x,c). */
pea_status pea__trainee_forward(pea__trainee *trainee, const float *input, pea_error *err);
const float *pea__trainee_head(const pea__trainee *trainee, int head); /* dense; lent until the way back or a new one */
float *pea__trainee_head_gradient(const pea__trainee *trainee, int head); /* of a taught one, to be filled */
pea__run pea__trainee_loss_run(const pea__trainee *trainee); /* between the passes, and after them */
/* From gradients of heads to those of parameters; where a lesson does not go back they are 0. */
pea_status pea__trainee_backward(pea__trainee *trainee, pea_error *err);
/* running statistics by moments, which may be kept from an earlier pass; not those of what is frozen. */
void pea__trainee_update_running(pea__trainee *trainee, float *moments, double momentum);

/* Tensors of the names and shapes of `like`, with what `parameters` and `running` (laid out as the trainee's) hold of
 * them; others are copied. */
pea_status pea__trainee_weights(const pea__trainee *trainee, const float *parameters, const float *running,
                                const pea_weights *like, pea_weights **weights, pea_error *err);

/* ---- edges and their weights (balance.c) ---- */

/* Weight of an edge by its ground truth: the rarer kind weighs more. */
typedef struct pea__balance {
    float different, equal;
} pea__balance;

/* All edges of a batch at one resolution. */
typedef struct pea__truth_edges {
    pea__batch batch;
    const pea_offsets *offsets;
    pea_truth_rule rule;
    const uint32_t *labels;
    const pea__balance *balance; /* of each image the offsets; made by pea__balance_edges() */
} pea__truth_edges;

/* The balance of every image and offset. With a share r of equal edges, brought to [0.05, 0.99]: (1-r)/r for equal
 * ones where r <= 0.5, else r/(1-r) for different ones; 1 for the others, and for all where all edges are of one kind. Edges
 * that leave the image count, as the rule has it, though no loss sees them. Needs no work. */
pea_status pea__balance_edges(const pea__run *run, const pea__truth_edges *edges, pea__balance *balance, pea_error *err);

/* Labels of a coarser resolution: every factor-th voxel in y and x, from the first. batch: of the fine ones, whose y
 * and x are multiples of the factor. */
void pea__labels_shrink(pea__batch batch, const uint32_t *labels, int64_t factor, uint32_t *to);

/* ---- affinities (affinity_loss.c) ---- */

/* The sum over offsets k of
 *
 *     sum over p of w[k,p] * (<e[p], e2[p + step[k]]> - truth[k,p])^2 / Z[k]        e = v / max(|v|, 1e-12)
 *
 * where p + step[k] is inside. In 2-D Z is n * x (and not n * y * x: losses are as many times a mean as images are
 * high), in 3-D the number of such p in all images; where there is none the offset counts nothing. */
typedef struct pea__affinity_loss_of {
    const float *embedding; /* v */
    const float *partner;   /* v of e2, another view of the same: no gradient goes there. NULL: the same embedding */
    int64_t channels;
    double factor;          /* of the loss and its gradient */
} pea__affinity_loss_of;

/* Adds factor * the gradient by `embedding` to `gradient` (NULL: not wanted) and factor * the loss to *loss. A vector
 * of length 0 has no direction, and gets no gradient. */
int64_t pea__affinity_loss_work(const pea__truth_edges *edges, const pea__affinity_loss_of *of, int n_workers);
pea_status pea__affinity_loss(const pea__run *run, const pea__truth_edges *edges, const pea__affinity_loss_of *of,
                              float *gradient, double *loss, pea_error *err);

/* The same sum of affinities (n,z,y,x,k) that a network gives itself, in place of <e, e2>: adds factor * the loss,
 * and fills `gradient`, which is 0 where there is no partner. */
int64_t pea__prediction_loss_work(pea__batch batch, int n_workers);
pea_status pea__prediction_loss(const pea__run *run, const pea__truth_edges *edges, const float *affinity,
                                double factor, float *gradient, double *loss, pea_error *err);

/* ---- foreground (foreground_loss.c) ---- */

/* Cross entropy of the logits (n,z,y,x,2) of background and foreground with [label > 0]; each class as a whole weighs
 * one half, in the batch as a whole. 0 where a class is missing. Adds to *loss and to `gradient` (NULL: not wanted). */
int64_t pea__foreground_loss_work(pea__batch batch);
pea_status pea__foreground_loss(const pea__run *run, pea__batch batch, const uint32_t *labels, const float *logits,
                                double factor, float *gradient, double *loss, pea_error *err);

/* ---- distances (distance_loss.c) ---- */

/* For embeddings as they are, of any length. Of each image with C instances and their means m, averaged over the batch:
 *
 *     mean over instances of mean over p of max(0, |v[p] - m| - 0.5)^2
 *     + sum over pairs of instances of max(0, 3 - |m - m'|)^2 / (C * (C - 1))  + 0.001 * mean of |m|
 *
 * The background is an instance too where the caller says so. Adds to *loss and to `gradient` (NULL: not wanted).
 * PEA_E_LIMIT for an image of more than 32768 instances. Source: De Brabandere et al., 2017; Huang et al., AAAI 2022. */
int64_t pea__distance_loss_work(pea__batch batch, int64_t channels, int n_workers);
pea_status pea__distance_loss(const pea__run *run, pea__batch batch, const uint32_t *labels, const float *embedding,
                              int64_t channels, bool with_background, double factor, float *gradient, double *loss,
                              pea_error *err);

/* ---- the second view (view.c) ---- */

/* How a view was made of an image, in this order; x and y are exchanged in square images only. */
typedef struct pea__view {
    bool reverse_z, reverse_x, reverse_y, exchange;
} pea__view;

/* Images of channels as they were before: views[i] is that of image i. `to` is not `from`. */
pea_status pea__view_undo(const pea__run *run, pea__batch batch, int64_t channels, const pea__view *views,
                          const float *from, float *to, pea_error *err);

/* ---- from gradients to parameters (optimiser.c) ---- */

typedef enum pea__method { PEA__ADAM, PEA__SGD } pea__method;

/* One update of a parameter p, with g its gradient + weight_decay * p, in step t = 1, 2 ...
 *
 *     Adam   m = beta1 * m + (1 - beta1) * g     v = beta2 * v + (1 - beta2) * g^2     V = max(V, v); v without AMSGrad
 *            p -= rate * m / (1 - beta1^t) / (sqrt(V / (1 - beta2^t)) + epsilon)
 *     or     p -= rate * m / (1 - beta1^t) / ((sqrt(V) + epsilon) / sqrt(1 - beta2^t))
 *     SGD    m = momentum * m + g                p -= rate * m
 *
 * The second form is that of PyTorch until 1.2, which the paper's networks were trained with. Numbers are floats, and
 * constants of a step doubles. */
typedef struct pea__optimiser {
    pea__method method;
    double beta1, beta2, epsilon, momentum, weight_decay;
    bool amsgrad, epsilon_first; /* epsilon_first: the second form */
} pea__optimiser;

pea__optimiser pea__optimiser_default(void); /* the paper's */

/* What an optimiser keeps of n parameters, zeroed before step 1; `second` of Adam only, `largest` of AMSGrad only. */
typedef struct pea__moments {
    float *first, *second, *largest;
} pea__moments;

/* One step of n parameters; gradients are multiplied by gradient_factor first. Parameters without gradient are not to
 * be here: weight decay moves them. Needs no work. */
pea_status pea__optimiser_step(const pea__run *run, const pea__optimiser *optimiser, int64_t t, double rate,
                               double gradient_factor, int64_t n, const float *gradients, const pea__moments *moments,
                               float *parameters, pea_error *err);

/* The factor that makes a vector of gradients no longer than `longest`: 1, or longest / (length + 1e-6). */
int64_t pea__clip_work(int64_t n);
pea_status pea__clip_factor(const pea__run *run, int64_t n, const float *gradients, double longest, double *factor,
                            pea_error *err);

/* average += (1 - decay) * (values - average) of n numbers. */
pea_status pea__average_step(const pea__run *run, double decay, int64_t n, const float *values, float *average,
                             pea_error *err);

/* ---- rates (schedule.c) ---- */

typedef enum pea__decay { PEA__CONSTANT, PEA__POLYNOMIAL, PEA__COSINE } pea__decay;

/* Steps 1 .. warm_up go up in a line to `base`; with s the share of the rest that is over, the rate is
 * `base`, or end + (base - end) * (1 - s)^power, or end + (base - end) * (1 + cos(pi * s)) / 2. */
typedef struct pea__schedule {
    pea__decay decay;
    double base, end, power;
    int64_t warm_up, n_steps;
    int64_t planned_at;   /* step after which n_steps was changed; 0: never */
    double planned_share; /* s of that step */
} pea__schedule;

double pea__schedule_rate(const pea__schedule *schedule, int64_t t); /* t = 1, 2 ... ; after n_steps that of the last */
/* After t steps another number in all, more than t: s goes on from where it is. */
void pea__schedule_change(pea__schedule *schedule, int64_t t, int64_t n_steps);

/* ---- a teacher (teacher.c makes and keeps it, step.c lets it teach) ---- */

enum { PEA__LEVELS = 5 }; /* full resolution, 1/2 ... 1/16 */

/* What is taught. Factors of losses; with 0 a loss is neither computed nor has its head a gradient. */
typedef struct pea__curriculum {
    int n_axes;                    /* 2 or 3: of the networks it is for */
    double self[PEA__LEVELS];      /* affinities within a view, at each level */
    double cross;                  /* between the views */
    double foreground, affinity;   /* of outputs that say so themselves */
    double distance;               /* of embeddings at full resolution, for mean shift; instead of affinities */
    bool background_is_instance;   /* for distances */
    pea_offsets offsets[PEA__LEVELS];
    pea__optimiser optimiser;
    double longest_gradient; /* 0: gradients are as long as they are */
    double momentum;         /* of running statistics */
    double average;          /* decay of averaged weights, in the first steps t at most (1 + t) / (10 + t); 0: none */
    bool freeze_encoder;
} pea__curriculum;

/* The paper's. Planes: of each coarser level one shift fewer; n_shifts >= 5. Volumes: twelve offsets, at coarser levels
 * the first three. All factors are 1, but for the foreground's, which is the caller's, and 0 in volumes. */
pea_status pea__curriculum_plane(const int *shifts, size_t n_shifts, int neighbours, double foreground,
                                 pea__curriculum *curriculum, pea_error *err);
pea__curriculum pea__curriculum_volume(void);

/* A batch. Arrays are borrowed. */
typedef struct pea__sample {
    const float *view, *second_view; /* (n,z,y,x,c), normalised; second_view NULL: no cross loss */
    const pea__view *flips;          /* of each image: how its second view was turned */
    const uint32_t *labels;          /* (n,z,y,x), of `view`; of volumes with borders widened */
} pea__sample;

typedef struct pea__losses {
    double self[PEA__LEVELS], cross, foreground, affinity, distance; /* as defined, without factors */
    double total;                                                    /* with them */
} pea__losses;

/* A network, what it is taught, and all the memory that this needs. */
typedef struct pea__teacher pea__teacher;

/* All bytes that pea__teacher_new() would take. */
pea_status pea__teacher_bytes(const pea_weights *weights, pea__batch batch, const pea__curriculum *curriculum,
                              const pea__kernels_table *kernels, pea_context *context, uint64_t *bytes, pea_error *err);
/* Errors as pea__trainee_new(); PEA_E_FORMAT for a loss whose head the network lacks; PEA_E_ARG for a curriculum of
 * other axes, or one of no loss; PEA_E_LIMIT, with the number of bytes, where they exceed the context's memory limit. */
pea_status pea__teacher_new(const pea_weights *weights, pea__batch batch, const pea__curriculum *curriculum,
                            const pea__kernels_table *kernels, pea_context *context, pea__teacher **teacher,
                            pea_error *err);
void pea__teacher_free(pea__teacher *teacher); /* NULL allowed */
int64_t pea__teacher_steps(const pea__teacher *teacher); /* that were done */
pea__trainee *pea__teacher_trainee(pea__teacher *teacher); /* lent */

/* Forward with both views, losses, backward: leaves gradients in the trainee, and running statistics updated by the
 * first view, then by the second. Progress from 0 to 1 of the present window. PEA_E_CANCELLED: nothing was learnt. */
pea_status pea__teacher_gradients(pea__teacher *teacher, const pea__sample *sample, pea__losses *losses,
                                  pea_error *err);
/* The step that follows: parameters by gradients, averages by parameters. Counts steps. Is not cancelled half-way. */
pea_status pea__teacher_update(pea__teacher *teacher, double rate, pea_error *err);

/* The model as it is, or its averages, in tensors of the names and shapes of `like`: weights the teacher could be made
 * of. Without averages PEA_E_ARG for them. */
pea_status pea__teacher_weights(const pea__teacher *teacher, bool averaged, const pea_weights *like,
                                pea_weights **weights, pea_error *err);
/* Batches of images as they are, (n,z,y,x,c) and normalised: next() gives the i-th, lent until the next call. */
typedef struct pea__plain_views {
    int64_t n_batches; /* at least 1 */
    pea_status (*next)(void *user, int64_t i, const float **view, pea_error *err);
    void *user;
} pea__plain_views;

/* The same with statistics of norms measured over these views in place of running ones (settle.c), but for norms that are
 * frozen. The teacher stays as it is. Costs a pass forward for each batch. */
pea_status pea__teacher_settled_weights(pea__teacher *teacher, bool averaged, const pea__plain_views *views,
                                        const pea_weights *like, pea_weights **weights, pea_error *err);
/* All that a step depends on: tensors under their names, what the optimiser keeps of them under first/NAME, second/NAME,
 * largest/NAME, averages under average/NAME, and `steps`. Restored into a teacher of the same network and curriculum the
 * next step gives the same bytes. PEA_E_FORMAT, and the teacher is as it was, where something is missing or does not
 * fit. */
pea_status pea__teacher_state(const pea__teacher *teacher, pea_weights **state, pea_error *err);
pea_status pea__teacher_restore(pea__teacher *teacher, const pea_weights *state, pea_error *err);

#endif
