/* scalar.h - the portable kernels: the definition of every kernel and the oracle of the tests.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNEL_SCALAR_H
#define PEA_KERNEL_SCALAR_H

#include "kernel/kernel.h"

#define PEA__KERNEL(type, kernel, parameters) type pea__##kernel##_scalar parameters;
#include "kernel/kernels.def"
#undef PEA__KERNEL

/* The epilogue of one voxel: values[c] in and out; `voxel` says where its residual is. */
void pea__epilogue_scalar(const pea__epilogue *epilogue, int64_t voxel, float *values, int64_t channels);

#endif
