/* fuzz_check.h - what every target of the io readers asserts.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_FUZZ_CHECK_H
#define PEA_FUZZ_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

/* A failure says why, in one line, and with the code that was returned. */
static inline void fuzz_require_message(pea_status status, const pea_error *err)
{
    fuzz_require(status == PEA_E_FORMAT || status == PEA_E_LIMIT || status == PEA_E_NOMEM, "a status for bad input");
    fuzz_require(err->status == status, "the error has the returned status");
    fuzz_require(err->message[0] != '\0' && !strchr(err->message, '\n'), "the error has a message of one line");
}

/* Every byte of every tensor can be read, and what was taken is within the bound. */
static inline void fuzz_require_weights(const pea_weights *weights, size_t n_input)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < pea_weights_count(weights); i++) {
        const pea_tensor tensor = pea_weights_tensor(weights, i);
        uint64_t n = pea_dtype_size_bytes(tensor.dtype), sum = 0;
        for (int axis = 0; axis < tensor.n_axes; axis++)
            n *= (uint64_t)tensor.shape[axis];
        fuzz_require(tensor.dtype == PEA_FLOAT32 || tensor.dtype == PEA_INT64, "tensors are float32 or int64");
        for (uint64_t at = 0; at < n; at++)
            sum += ((const unsigned char *)tensor.data)[at];
        fuzz_require(sum <= 255 * n, "arithmetic"); /* keeps the reads */
        n_bytes += n;
    }
    fuzz_require(n_bytes <= 4 * (uint64_t)n_input + (UINT64_C(64) << 20), "memory in proportion to the file");
}

#endif
