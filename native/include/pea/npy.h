/* npy.h - NumPy's .npy files, the exchange form of tensors on the command line.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_NPY_H
#define PEA_NPY_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PEA_MAX_NPY_AXES 6

/* A row-major array of any rank. */
typedef struct pea_npy {
    pea_dtype dtype;
    int n_axes;
    int64_t shape[PEA_MAX_NPY_AXES];
    void *data; /* owned; free with pea_npy_free() */
} pea_npy;

/**
 * Read a .npy file, versions 1 to 3, C or Fortran order, either byte order.
 * @return PEA_OK; PEA_E_IO; PEA_E_FORMAT; PEA_E_LIMIT; PEA_E_NOMEM
 */
pea_status pea_npy_read(const char *path, pea_npy *npy, pea_error *err);
void pea_npy_free(pea_npy *npy);

/**
 * Write version 1.0, little-endian, C order. Written beside `path`, flushed, renamed, in a stage named "write".
 * @return PEA_OK; PEA_E_ARG; PEA_E_DTYPE; PEA_E_IO; PEA_E_NOMEM; PEA_E_CANCELLED. After a failure an older file is as it was
 */
pea_status pea_npy_write(const char *path, const pea_npy *npy, pea_context *context, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
