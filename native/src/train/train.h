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

/* ---- foreground (foreground_loss.c) ---- */

/* Cross entropy of the logits (n,z,y,x,2) of background and foreground with [label > 0]; each class as a whole weighs
 * one half, in the batch as a whole. 0 where a class is missing. Adds to *loss and to `gradient` (NULL: not wanted). */
int64_t pea__foreground_loss_work(pea__batch batch);
pea_status pea__foreground_loss(const pea__run *run, pea__batch batch, const uint32_t *labels, const float *logits,
                                double factor, float *gradient, double *loss, pea_error *err);

/* ---- the second view (view.c) ---- */

/* How a view was made of an image, in this order; x and y are exchanged in square images only. */
typedef struct pea__view {
    bool reverse_z, reverse_x, reverse_y, exchange;
} pea__view;

/* Images of channels as they were before: views[i] is that of image i. `to` is not `from`. */
void pea__view_undo(pea__batch batch, int64_t channels, const pea__view *views, const float *from, float *to);

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

/* ---- rates (schedule.c) ---- */

typedef enum pea__decay { PEA__CONSTANT, PEA__POLYNOMIAL, PEA__COSINE } pea__decay;

/* Steps 1 .. warm_up go up in a line to `base`; with s the share of the rest that is over, the rate is
 * `base`, or end + (base - end) * (1 - s)^power, or end + (base - end) * (1 + cos(pi * s)) / 2. */
typedef struct pea__schedule {
    pea__decay decay;
    double base, end, power;
    int64_t warm_up, n_steps;
} pea__schedule;

double pea__schedule_rate(const pea__schedule *schedule, int64_t t); /* t = 1, 2 ... ; after n_steps that of the last */

#endif
