/* gradient.h - the operations of a network in training, one by one: forward with the weights and statistics of the
 * moment, and backward. What is chained, kept and updated is the business of whoever trains.
 *
 * Batches. n images lie one behind another: an array (n,z,y,x,c). A plane has z = 1. Only norms see that there is more
 * than one image. Images are given as slices of channels of wider arrays, so that concatenation costs nothing forwards
 * or backwards: gradients live in arrays of the shape of what they are the gradients of.
 *
 * How an executor over the list of operations of nn.h would train. Forward, for each convolution: pea__conv_forward()
 * without activation into an array that is kept; pea__norm_statistics() of it; pea__norm_forward() of it (of two where
 * a shortcut is added) into the next array, which is kept too; pea__pool_forward() or pea__upsample_forward() where the
 * operation halves or doubles. A pair of convolutions is one whose weights, biases, gains and statistics lie one behind
 * the other. Backward, in opposite order, with an array of gradients for each array of values: pea__pool_gradient();
 * pea__norm_gradient(), in place; pea__conv_weight_gradient(), pea__bias_gradient(), pea__conv_input_gradient(). Where
 * a value goes to several operations their gradients add up: every call that makes a gradient of an image takes one to
 * be added, which may be what it overwrites. native/src/train does all this, and makes the outputs of norms a second
 * time instead of keeping them; tests/unit/gradient/chain.h does it plainly for both networks.
 *
 * Memory is the caller's: each call that needs room says how much by its ..._work(), in floats, and gets it in
 * run->work; it allocates nothing. Any number of threads gives the same bytes: what is summed over voxels is cut into
 * parts by the shape alone, and parts are added in their order. Calls fail when they are cancelled, or as they say.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_GRADIENT_INTERNAL_H
#define PEA_GRADIENT_INTERNAL_H

#include "base/base.h"
#include "kernel/kernel.h"

/* ---- what every call needs ---- */

typedef struct pea__run {
    const pea__kernels_table *kernels;
    pea_context *context; /* NULL: this thread alone */
    float *work;          /* begins at a cache line */
    double from, to;      /* progress within the stage */
} pea__run;

/* Tasks of a call. Gradients have numbers too small to be normal where they fade. */
static inline pea_status pea__run_tasks(const pea__run *run, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                                        void *argument, pea_error *err)
{
    return pea__parallel_flushed(run->context, n_tasks, from, to, fn, argument, err);
}

typedef struct pea__batch {
    int64_t n, z, y, x;
} pea__batch;

/* Some channels of a batch. The last voxel ends with its last channel. */
typedef struct pea__slice {
    float *data; /* NULL: none, where a call allows it */
    int64_t pitch;
} pea__slice;

/* n * z * y * x; 0 where the batch is empty or too large to count its bytes. */
int64_t pea__batch_voxels(pea__batch batch);

/* ---- convolutions (convolution.c, weight_gradient.c) ---- */

/* batch: extents of the output; of the input too unless the shape is doubled. The shape's `winograd` counts for nothing
 * (each of the three calls chooses for itself), `halved` must be false. Weights are in PyTorch's order
 * [out][in][kz][ky][kx]. */
typedef struct pea__layer {
    pea__conv_shape shape;
    pea__batch batch;
} pea__layer;

/* Where the voxels of a batch are a convolution's: sets nz, ny and nx to the planes of one image; of all where no tap
 * leaves its plane, which are one long row where none leaves its voxel. Returns how many such images there are. */
int64_t pea__conv_space(const pea__conv_shape *shape, pea__batch batch, pea__conv *conv);

/* Floats of run->work for n_workers threads; -1 where they are too many to count. */
int64_t pea__conv_forward_work(const pea__layer *layer, const pea__kernels_table *kernels, int n_workers);
int64_t pea__conv_input_gradient_work(const pea__layer *layer, const pea__kernels_table *kernels, int n_workers);
int64_t pea__conv_weight_gradient_work(const pea__layer *layer, const pea__kernels_table *kernels, int n_workers);

/* out = activation(conv(in) + bias + add); bias NULL: none. */
pea_status pea__conv_forward(const pea__run *run, const pea__layer *layer, const float *weights, const float *bias,
                             pea__slice in, pea__slice add, pea__activation activation, pea__slice out, pea_error *err);
/* to = gradient of the input + add, from the gradient of the output. */
pea_status pea__conv_input_gradient(const pea__run *run, const pea__layer *layer, const float *weights,
                                    pea__slice gradient, pea__slice add, pea__slice to, pea_error *err);
/* weights = their gradient, from the input and the gradient of the output. */
pea_status pea__conv_weight_gradient(const pea__run *run, const pea__layer *layer, pea__slice in, pea__slice gradient,
                                     float *weights, pea_error *err);

/* bias[c] = sum over voxels of gradient[p,c]. */
int64_t pea__bias_gradient_work(pea__batch batch, int64_t channels);
pea_status pea__bias_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__slice gradient, float *bias,
                              pea_error *err);

/* ---- batch normalisation and activation (norm.c) ---- */

/* y = gain * (in - mean) / sqrt(variance + epsilon) + bias, with mean and (biased) variance over all voxels of the
 * batch. */
typedef struct pea__norm_layer {
    pea__slice in;
    const float *gain, *bias;
    float *mean, *variance; /* of the batch, made by pea__norm_statistics() */
} pea__norm_layer;

#define PEA__NORM_EPSILON 1e-5

int64_t pea__norm_work(pea__batch batch, int64_t channels); /* of each of these calls */
/* Sums of squares are those of differences from a mean; parts are joined in double precision. PEA_E_SHAPE for a batch
 * of one voxel, which has no variance. */
pea_status pea__norm_statistics(const pea__run *run, pea__batch batch, int64_t channels, const pea__norm_layer *norm,
                                pea_error *err);
/* out = activation(norms[0] (+ norms[1])); n_norms is 1 or 2. */
pea_status pea__norm_forward(const pea__run *run, pea__batch batch, int64_t channels, const pea__norm_layer *norms,
                             int n_norms, pea__activation activation, pea__slice out, pea_error *err);
/* From pea__norm_forward's output and its gradient, which is overwritten, to those of what was normalised, of gains and
 * of biases. to[0] may be `gradient`, each to[k] may be what was normalised. */
typedef struct pea__norm_to {
    pea__slice in;
    float *gain, *bias;
} pea__norm_to;
pea_status pea__norm_gradient(const pea__run *run, pea__batch batch, int64_t channels, const pea__norm_layer *norms,
                              int n_norms, pea__activation activation, pea__slice out, pea__slice gradient,
                              const pea__norm_to *to, pea_error *err);
/* running = (1 - momentum) * running + momentum * the batch's; of variances the unbiased one. */
void pea__norm_update_running(const pea__norm_layer *norm, pea__batch batch, int64_t channels, double momentum,
                              float *running_mean, float *running_variance);

/* to = gradient * activation'(), by the activation's output; `to` may be `gradient`. ReLU's slope is 0 where it gave
 * 0. */
pea_status pea__activation_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__activation activation,
                                    pea__slice out, pea__slice gradient, pea__slice to, pea_error *err);

/* ---- doubling and halving in y and x (resize.c) ---- */

/* batch: of what is resized; even y and x to be halved. */
pea_status pea__pool_forward(const pea__run *run, pea__batch batch, int64_t channels, pea__slice in, pea__slice out,
                             pea_error *err);
int64_t pea__upsample_forward_work(const pea__kernels_table *kernels, int64_t channels);
/* out = doubled in + add */
pea_status pea__upsample_forward(const pea__run *run, pea__batch batch, int64_t channels, pea__slice in, pea__slice add,
                                 pea__slice out, pea_error *err);
/* to = gradient of `in` + add. Of equal numbers the first one in memory was the maximum. */
pea_status pea__pool_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__slice in,
                              pea__slice gradient, pea__slice add, pea__slice to, pea_error *err);
pea_status pea__upsample_gradient(const pea__run *run, pea__batch batch, int64_t channels, pea__slice gradient,
                                  pea__slice add, pea__slice to, pea_error *err);

#endif
