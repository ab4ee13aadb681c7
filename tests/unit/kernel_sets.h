/* kernel_sets.h - the kernel sets that a test runs: sets may share a kernel, and what is the same is tested once.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_KERNEL_SETS_H
#define PEA_TEST_KERNEL_SETS_H

#include <stddef.h>
#include <string.h>

#include "kernel/kernel.h"

static inline bool test_same_kernel(const pea__kernels_table *a, const pea__kernels_table *b, size_t kernel)
{
    return memcmp((const char *)a + kernel, (const char *)b + kernel, sizeof(void (*)(void))) == 0;
}

static inline const pea__kernels_table *test_set_at(size_t index, size_t kernel)
{
    for (size_t i = 0; pea__kernels_available(i); i++) {
        size_t better = 0;
        while (better < i && !test_same_kernel(pea__kernels_available(better), pea__kernels_available(i), kernel))
            better++;
        if (better == i && index-- == 0)
            return pea__kernels_available(i);
    }
    return NULL;
}

/* Set `index` of those that can run here and whose `kernel` no better one has; NULL beyond the last, which is scalar. Of
 * networks and layers in fp32, conv_f32 stands for all: sets that share it share the others. */
#define test_set(index, kernel) test_set_at(index, offsetof(pea__kernels_table, kernel))

#endif
