/* fuzz_npy.c - hostile .npy files.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pea__reader reader = pea__reader_memory(data, size);
    const size_t live = pea__alloc_live();
    pea_npy npy;
    pea_error err = {0};
    const pea_status status = pea__npy_read_from(&reader, &npy, &err);
    if (status == PEA_OK) {
        uint64_t n = pea_dtype_size_bytes(npy.dtype), sum = 0;
        for (int axis = 0; axis < npy.n_axes; axis++)
            n *= (uint64_t)npy.shape[axis];
        fuzz_require(n <= 4 * (uint64_t)size, "memory in proportion to the file");
        for (uint64_t at = 0; at < n; at++)
            sum += ((const unsigned char *)npy.data)[at];
        fuzz_require(sum <= 255 * n, "arithmetic"); /* keeps the reads */
    } else {
        fuzz_require_message(status, &err);
    }
    pea_npy_free(&npy);
    fuzz_require(pea__alloc_live() == live, "nothing leaks");
    return 0;
}
