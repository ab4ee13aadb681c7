/* network.h - from a normalised image to embeddings: the networks of the paper, forward.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_NETWORK_H
#define PEA_NETWORK_H

#include "pea/array.h"
#include "pea/context.h"
#include "pea/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pea_network pea_network;

/* The arithmetic of a run. A matter of the run, not of the network: both may be asked of the same one. */
typedef enum pea_precision {
    PEA_FP32, /* floats of 32 bits throughout */
    PEA_BF16  /* images between operations are of bf16: a float's range, 8 bits of significand. Sums are of 32 bits; so
               * are the input and the heads, and factors of products where that is faster. Half the memory for images;
               * with AMX up to 2.5 times the speed, without it the same. Affinities differ by some thousandths, see
               * docs/how-exact-are-results.md */
} pea_precision;

/* Names in options and help: "fp32", "bf16". Parse returns 0 for an unknown name. */
const char *pea_precision_name(pea_precision value);
int pea_precision_parse(const char *name, pea_precision *value);

/* One output. `name` is what golden vectors and `pea network` call it: embedding, emb_level1..4,
 * foreground_logits, affinity. */
typedef struct pea_head {
    const char *name;   /* lent by the network */
    int64_t channels;
    int shrink;         /* output y,x extents are the input's divided by this: 1, 2, 4, 8 or 16 */
} pea_head;

typedef struct pea_network_info {
    const char *kind;       /* "resunet2d" or "superhuman3d"; lent for ever */
    int n_axes;             /* 2 or 3 */
    int64_t in_channels;
    int64_t filters[5];
    int64_t embedding_dim;  /* 0 when the network has no embedding head */
    int64_t n_parameters;   /* trainable ones; batch-norm statistics do not count */
    int grid;               /* y and x extents must be multiples of this (16) */
    size_t n_heads;
} pea_network_info;

/**
 * Recognise the network from names and shapes of its tensors and prepare it: batch norm folded, weights packed.
 * @param weights  borrowed  may be freed afterwards
 * @param network  owned     free with pea_network_free()
 * @return PEA_OK; PEA_E_FORMAT naming the missing, extra or misshapen tensor, or a weight that is not finite;
 *         PEA_E_NOMEM
 */
pea_status pea_network_create(const pea_weights *weights, pea_network **network, pea_error *err);
void pea_network_free(pea_network *network); /* NULL allowed */

pea_network_info pea_network_get_info(const pea_network *network);
pea_head pea_network_head(const pea_network *network, size_t index);               /* index < n_heads */
int pea_network_find_head(const pea_network *network, const char *name);           /* index, or -1 */

/**
 * Bytes that a forward pass needs besides input, outputs and the network itself.
 * @param input      extents, as of pea_network_forward()
 * @param precision  of that pass
 * @param wanted     borrowed  n_heads flags: heads that will be asked for; NULL: all
 * @param n_threads  that will work, at least 1
 * @param bytes      filled
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_ARG; PEA_E_LIMIT; PEA_E_NOMEM
 */
pea_status pea_network_forecast(const pea_network *network, pea_dims input, pea_precision precision,
                                const unsigned char *wanted, int n_threads, uint64_t *bytes, pea_error *err);

/**
 * Run the network on one image or volume. Thread-safe on distinct contexts.
 * @param input    borrowed  float32 (z,y,x,c), y and x multiples of 16, z = 1 for 2-D networks, c = in_channels
 * @param outputs  filled    n_heads arrays in head order; data NULL means "not wanted" and its work is skipped.
 *                           float32 (z, y/shrink, x/shrink, channels)
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_ARG for an unknown precision; PEA_E_LIMIT; PEA_E_NOMEM;
 *         PEA_E_CANCELLED
 * Source: Huang et al., AAAI 2022; the same bytes for any number of threads.
 */
pea_status pea_network_forward(const pea_network *network, pea_context *context, pea_precision precision,
                               const pea_array *input, const pea_array *outputs, pea_error *err);

/* A plane that is never in memory as a whole: where its rows come from, and where those of the outputs go, both from
 * top to bottom. A callback is called on the thread that made the call, while no other work of it runs; it may use the
 * context. What it returns, unless PEA_OK, ends the pass and is returned. */
typedef struct pea_row_io {
    /* Fill rows y0 <= y < y1 of the input, float32 (y1 - y0, x, in_channels). Each row is asked for once, in order. */
    pea_status (*read)(void *user, int64_t y0, int64_t y1, float *rows, pea_error *err);
    /* Take rows y0 <= y < y1 of a wanted head, (y1 - y0, x/shrink, channels), lent during the call. Rows are those of
     * the head's own grid; of each head every row comes once, in order. Heads take turns. */
    pea_status (*write)(void *user, size_t head, int64_t y0, int64_t y1, const float *rows, pea_error *err);
    void *user;
} pea_row_io;

/**
 * Bytes that pea_network_forward_rows() needs besides the network itself: they grow with the width, not the height.
 * @param input  extents of the whole plane: z = 1, y and x multiples of 16, c = in_channels
 * @return as pea_network_forecast(); PEA_E_ARG also for a 3-D network
 */
pea_status pea_network_forecast_rows(const pea_network *network, pea_dims input, pea_precision precision,
                                     const unsigned char *wanted, int n_threads, uint64_t *bytes, pea_error *err);

/**
 * Run a 2-D network on a plane of any height: what pea_network_forward() gives, to the byte, row by row.
 * @param input   extents of the whole plane, as above
 * @param wanted  borrowed  n_heads flags; NULL: all
 * @param io      borrowed  both callbacks are needed
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_LIMIT; PEA_E_NOMEM; PEA_E_CANCELLED; PEA_E_ARG for a 3-D network or an unknown
 *         precision; what a callback returned. After a failure the heads have had some of their rows.
 */
pea_status pea_network_forward_rows(const pea_network *network, pea_context *context, pea_precision precision,
                                    pea_dims input, const unsigned char *wanted, const pea_row_io *io, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
