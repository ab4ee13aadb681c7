/* weights.h - named tensors: what a checkpoint or a model file holds before it becomes a network.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_WEIGHTS_H
#define PEA_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "pea/array.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PEA_MAX_TENSOR_AXES 8

/* One tensor as PyTorch orders it: [out, in, (kz,) ky, kx], row-major, contiguous. */
typedef struct pea_tensor {
    const char *name; /* lent by the weights */
    pea_dtype dtype;  /* float32, or int64 for counters */
    int n_axes;       /* 0 for a scalar */
    int64_t shape[PEA_MAX_TENSOR_AXES];
    const void *data; /* lent by the weights */
} pea_tensor;

typedef struct pea_weights pea_weights;

void pea_weights_free(pea_weights *weights); /* NULL allowed */
size_t pea_weights_count(const pea_weights *weights);
pea_tensor pea_weights_tensor(const pea_weights *weights, size_t index); /* in stored order; index < count */
int pea_weights_find(const pea_weights *weights, const char *name, pea_tensor *tensor); /* 1 found, 0 not */

/* JSON text stored with the tensors under the key `pea`, or NULL. Lent until weights are freed. */
const char *pea_weights_metadata(const pea_weights *weights);

/**
 * Read a model file (safetensors). Tensors of other float types are widened or rounded to float32.
 * Cost: the file's size in memory, once.
 * @param weights  owned  free with pea_weights_free()
 * @return PEA_OK; PEA_E_IO; PEA_E_FORMAT; PEA_E_LIMIT; PEA_E_NOMEM
 */
pea_status pea_weights_read(const char *path, pea_weights **weights, pea_error *err);

/**
 * Read a PyTorch checkpoint, legacy stream or zip, as data: no name in it is ever resolved or called.
 * A common `module.` prefix is removed. A state dict at the top, or under `model_weights`, `state_dict` or `model`.
 * @param notes  filled  one line about what was tolerated (for example unrecorded CRCs), or empty; may be NULL
 * @return as pea_weights_read()
 */
pea_status pea_weights_import(const char *path, pea_weights **weights, char notes[256], pea_error *err);

/**
 * Write a model file: safetensors with `metadata` (JSON, UTF-8) under `__metadata__`/`pea`. Written beside `path`
 * under another name, flushed and renamed. The same weights give the same bytes.
 * @param metadata  borrowed  NULL: none
 * @return PEA_OK; PEA_E_ARG; PEA_E_IO; PEA_E_LIMIT; PEA_E_NOMEM. After a failure an older file is as it was
 */
pea_status pea_weights_write(const char *path, const pea_weights *weights, const char *metadata, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
