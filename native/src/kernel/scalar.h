/* scalar.h - the portable kernels: the definition of every kernel and the oracle of the tests.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNEL_SCALAR_H
#define PEA_KERNEL_SCALAR_H

#include "kernel/kernel.h"

#define PEA__KERNEL(type, kernel, parameters) type pea__##kernel##_scalar parameters;
#include "kernel/kernels.def"
#undef PEA__KERNEL

/* What is stored for a sum of channel c; the residual's voxel, as pea__voxel_place() numbers it. */
float pea__epilogue_scalar(const pea__epilogue *epilogue, int64_t residual, int64_t c, float sum);
float pea__epilogue_bf16_scalar(const pea__epilogue *epilogue, int64_t residual, int64_t c, float sum);

/* Channel c at y and x of the double of plane z; outputs and epilogue are not looked at. */
float pea__doubled_scalar(const pea__resize *resize, int64_t z, int64_t y, int64_t x, int64_t c);
float pea__doubled_bf16_scalar(const pea__resize *resize, int64_t z, int64_t y, int64_t x, int64_t c);

/* Channel i of a voxel of a convolution's input as it sees it: doubled or as it is. */
float pea__conv_input_scalar(const pea__conv *conv, int64_t z, int64_t y, int64_t x, int64_t i);

#endif
