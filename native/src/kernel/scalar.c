/* scalar.c - the set of portable kernels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

const pea__kernels_table pea__kernels_scalar = {
    .name = "scalar",
    .lanes = 1,
#define PEA__KERNEL(type, kernel, parameters) .kernel = pea__##kernel##_scalar,
#include "kernel/kernels.def"
#undef PEA__KERNEL
};
