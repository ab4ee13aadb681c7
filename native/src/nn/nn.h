/* nn.h - networks as lists of operations. A description (resunet2d.c, superhuman3d.c) appends operations on values by
 * the calls below; plan.c decides what a run does, schedule.c in which order, memory.c and windows.c where; executor.c
 * does it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_NN_INTERNAL_H
#define PEA_NN_INTERNAL_H

#include "array/array.h"
#include "base/base.h"
#include "kernel/kernel.h"
#include "pea/network.h"

enum { PEA__MAX_OPS = 128, PEA__MAX_VALUES = 128, PEA__MAX_HEADS = 8 };

/* An image between operations: a slice of the channels of a buffer. Concatenation makes slices that are not the whole
 * buffer, and so does a pair of convolutions. Values and buffers count from 1, so that 0 can say "none"; value 1 is the
 * network's input. */
typedef struct pea__value {
    int buffer;
    int64_t first, channels; /* in the buffer */
} pea__value;

typedef struct pea__buffer {
    int64_t channels; /* 0: its values moved to a concatenation */
    int shrink;       /* y and x are the input's divided by this */
    int head;         /* the output that it is, or -1 */
} pea__buffer;

/* A convolution of `in`. Its tensors are <block>.<conv>.weight and .bias, those of its batch norm <norm_block>.<norm>.*;
 * sums are normalised, `add` is added (before the batch norm where norm_covers_add, else after), then activated. */
typedef struct pea__conv_spec {
    int in, kz, ky, kx;
    int64_t channels; /* of the output */
    const char *block, *conv;
    bool has_bias;
    const char *norm_block, *norm; /* norm NULL: no batch norm; norm_block NULL: as block */
    int add;                       /* 0: nothing */
    bool norm_covers_add;
    pea__activation activation;
    bool doubled, halved; /* `in` is doubled first, as by pea__build_upsample(); the output is halved, as by _pool() */
} pea__conv_spec;

typedef enum pea__op_kind { PEA__CONV, PEA__UPSAMPLE, PEA__POOL, PEA__COPY } pea__op_kind;

/* out = activation(conv or resize (in) + bias + residual_scale * residual), or a copy of in */
typedef struct pea__op {
    pea__op_kind kind;
    int in, out, residual;
    pea__activation activation;
    int64_t n_activated;   /* output channels */
    pea__conv_shape shape; /* of a convolution */
    float *weights, *bias; /* owned; packed for the network's kernels; NULL for resizing */
    float *residual_scale; /* owned */
    pea__conv_spec made_of[2]; /* a convolution, or the two of a pair, as described: training does not fold norms. Names
                                * are lent by the description, which is for ever */
    int n_made_of;
} pea__op;

struct pea_network {
    const pea__kernels_table *kernels;
    int64_t piece_voxels; /* that an operation should make at once: PEA__PIECE_VOXELS, fewer in tests of small images */
    pea_network_info info;
    pea_head heads[PEA__MAX_HEADS];
    pea__value values[PEA__MAX_VALUES];
    pea__buffer buffers[PEA__MAX_VALUES];
    pea__op ops[PEA__MAX_OPS];
    int n_values, n_buffers, n_ops; /* values and buffers: the last number in use */
};

/* ---- describing (builder.c) ---- */

/* Errors stick: after the first one every call returns 0 at once, so that descriptions read without checks. */
typedef struct pea__builder {
    const pea_weights *weights;
    pea_network *network;
    unsigned char *used; /* a flag for each tensor */
    pea_status status;
    pea_error *err;
} pea__builder;

int pea__build_conv(pea__builder *b, pea__conv_spec spec);
/* The same, and a second convolution of the same input, which is not activated: one operation, as input and kernel are
 * the same. Only names of the second count, and its has_bias. */
int pea__build_conv_pair(pea__builder *b, pea__conv_spec spec, pea__conv_spec second, int *second_out);
int pea__build_pool(pea__builder *b, int in);
int pea__build_upsample(pea__builder *b, int in);
/* activation(upsample(in) + scale * add) where the scale is that of batch norm <norm_block>.<norm>. The norm's shift,
 * and its scale of `in`, are the business of the convolution before: sums of interpolation weights are 1. */
int pea__build_upsample_add(pea__builder *b, int in, int add, const char *norm_block, const char *norm,
                            pea__activation activation);
/* Channels of `first`, then of `second`. Whoever makes `first` writes it there (so it can be in one concatenation
 * only); `second` is copied when it is needed, so that what waits for long waits in a narrow buffer. */
int pea__build_concat(pea__builder *b, int first, int second);
void pea__build_head(pea__builder *b, const char *name, int value);

int64_t pea__build_channels(const pea__builder *b, int value);
bool pea__build_has(const pea__builder *b, const char *tensor);
/* Extent of one axis of a tensor, >= 1; 0 and an error where there is none. */
int64_t pea__build_extent(pea__builder *b, const char *tensor, int axis);

/* ---- the networks there are (network.c lists them) ---- */

typedef struct pea__description {
    const char *kind;
    int n_axes;
    const char *landmark; /* the tensor that gives the network away; axis 1 of its shape is the input's channels */
    void (*describe)(pea__builder *b, int input);
} pea__description;

extern const pea__description pea__resunet2d, pea__superhuman3d;

/* As pea_network_create(), for a kernel set of the caller's choice. */
pea_status pea__network_create_for(const pea_weights *weights, const pea__kernels_table *kernels,
                                   pea_network **network, pea_error *err);

/* ---- one run (plan.c) ----
 *
 * An operation makes its output in pieces, from top to bottom: rows of a convolution's sums, of what a resizing or a
 * copy gives. Of each buffer there is a window in memory: the rows that were made and will be read again. With one
 * piece for each operation a run is an ordinary pass, one operation after another. */

/* Beside the operations: rows of the input are read. */
enum { PEA__READING = PEA__MAX_OPS, PEA__MAX_JOBS };

typedef struct pea__plan {
    pea_dims input;
    pea_precision precision;
    bool wanted[PEA__MAX_HEADS];
    bool by_rows;                      /* input and heads come and go by rows, and have windows too */
    bool live[PEA__MAX_OPS];           /* some wanted head needs it */
    bool asks[PEA__MAX_OPS];           /* nobody reads what it makes: it is there for itself, and for that only */
    int makers[PEA__MAX_VALUES][2];    /* of a value's channels: live operations, PEA__READING; -1: none */
    int64_t rows[PEA__MAX_JOBS];       /* that it makes in all */
    int64_t piece[PEA__MAX_JOBS], first_piece[PEA__MAX_JOBS]; /* rows at once; the first time fewer, perhaps */
    int64_t tile_z[PEA__MAX_OPS], tile_y[PEA__MAX_OPS], tile_x[PEA__MAX_OPS]; /* resizing, copies: tile_y rows a task */
    double cost[PEA__MAX_OPS];         /* multiply-adds, roughly */
    double total_cost;
    int64_t window[PEA__MAX_VALUES];     /* the most rows of a buffer that are in memory at once */
    int pool[PEA__MAX_VALUES];           /* the buffer whose pool of places for rows it uses; 0: all of its rows stay */
    int64_t pool_rows[PEA__MAX_VALUES];  /* places of a buffer's own pool */
    int64_t place[PEA__MAX_VALUES];      /* of a buffer or its pool in the arena, in floats; -1: not in it */
    int64_t weights_place[PEA__MAX_OPS]; /* of weights made for this run, from an operation's first piece to the last */
    int64_t arena_floats, scratch_floats; /* scratch: of each worker */
    int64_t table_bytes;                  /* of pea__windows */
} pea__plan;

/* wanted NULL: every head. Checks the input's dims. */
pea_status pea__plan_make(const pea_network *network, pea_dims input, pea_precision precision,
                          const unsigned char *wanted, bool by_rows, pea__plan *plan, pea_error *err);
pea_status pea__plan_bytes(const pea__plan *plan, int n_workers, uint64_t *bytes, pea_error *err);

/* Extents of a buffer for this plan's input; those over which an operation works: of a convolution's sums, of what is
 * resized or copied. */
pea_dims pea__buffer_dims(const pea_network *network, const pea__plan *plan, int buffer);
pea_dims pea__op_space(const pea_network *network, const pea__plan *plan, const pea__op *op);
/* Whether it is the caller's memory: the whole input, a whole head. */
bool pea__buffer_is_outside(const pea_network *network, const pea__plan *plan, int buffer);
/* Whether it is of floats: in bf16 the input and the heads alone, which convolutions read and make. */
bool pea__buffer_is_float(const pea_network *network, const pea__plan *plan, int buffer);
/* Whether it is a convolution of bf16 factors: in bf16, where Winograd's products of floats are not faster. */
bool pea__is_direct_bf16(const pea_network *network, const pea__plan *plan, const pea__op *op);
/* Floats of the weights that an operation makes of the packed ones for a run: Winograd's products, or bf16. 0: none;
 * -1: too many. */
int64_t pea__run_weights(const pea_network *network, const pea__plan *plan, const pea__op *op);

/* ---- the order of pieces (schedule.c) ---- */

enum { PEA__PIECE_VOXELS = 4608 }; /* eight groups of 36 tiles: enough for a few threads and the weights' sake */

/* Pieces are 2, 4 or 6 rows times a power of two, or all rows; the rows of the input under each of them divide these. */
enum { PEA__PERIOD_ROWS = 1536 };

/* How far a run has come: the rows that were made. */
typedef struct pea__front {
    int64_t made[PEA__MAX_JOBS];
} pea__front;

/* Operation `job` (or PEA__READING) makes its rows y0 <= y < y1. */
typedef struct pea__step {
    int job;
    int64_t y0, y1;
} pea__step;

/* Fills in plan->piece and first_piece. */
void pea__schedule_pieces(const pea_network *network, pea__plan *plan);
pea__front pea__schedule_begin(const pea__plan *plan);
/* What to do next; false: nothing is left. The caller counts: front->made[step->job] = step->y1 when it is done. */
bool pea__schedule_next(const pea_network *network, const pea__plan *plan, const pea__front *front, pea__step *step);

/* Rows of its input buffer that operation i reads in order to make rows y0 <= y < y1. */
typedef struct pea__row_span {
    int64_t first, end;
} pea__row_span;

pea__row_span pea__input_span(const pea_network *network, const pea__plan *plan, int i, int64_t y0, int64_t y1);
/* Rows of its output buffer that its first `made` rows are. */
int64_t pea__output_rows(const pea__op *op, int64_t made);

/* ---- which rows are in memory (windows.c) ---- */

/* Rows first <= y < end of each buffer, and where they are in their pools. */
typedef struct pea__windows {
    int64_t first[PEA__MAX_VALUES], end[PEA__MAX_VALUES];
    int64_t *tables;                 /* owned; NULL while the plan is made: rows are counted then, and have no places */
    pea__rows rows[PEA__MAX_VALUES]; /* lent to kernels */
    int64_t *spare[PEA__MAX_VALUES], n_spare[PEA__MAX_VALUES]; /* places of a pool that nobody uses */
} pea__windows;

int64_t pea__windows_bytes(const pea_network *network, const pea__plan *plan); /* of its tables */
pea_status pea__windows_new(const pea_network *network, const pea__plan *plan, pea__windows *windows, pea_error *err);
void pea__windows_free(pea__windows *windows);
/* Before a step: places for the rows that it will make. */
void pea__windows_make(const pea_network *network, const pea__plan *plan, const pea__step *step, pea__windows *windows);
/* After it, when the front has moved: rows that nobody will read again are given up. */
void pea__windows_drop(const pea_network *network, const pea__plan *plan, const pea__front *front,
                       const pea__step *step, pea__windows *windows);

/* ---- who shares memory (places.c) ---- */

/* Of something that is needed from one time to another; of no use before it has a place. */
typedef struct pea__life {
    int64_t first, last; /* first -1: never */
    int64_t floats;
    int64_t *place; /* where its place is to be told */
} pea__life;

/* Puts one more, of so many floats, among n lives in the order of their size, the largest first. Returns n + 1. */
int pea__lives_insert(pea__life *sorted, int n, pea__life one, int64_t floats, int64_t *place);
/* Tells each a place where it meets no other. Returns the floats in all, -1 for more than can be addressed. */
int64_t pea__lives_place(const pea__life *sorted, int n);

/* ---- where everything lies (memory.c) ---- */

/* Fills in windows, pools, places and the arena's size. */
pea_status pea__memory_plan(const pea_network *network, pea__plan *plan, pea_error *err);

#endif
