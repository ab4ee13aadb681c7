/* threads.h - a context of so many threads and a memory limit, for tests that compare results.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_THREADS_H
#define PEA_THREADS_H

#include "pea/context.h"
#include "test.h"

static inline pea_context *test_context(int n_threads, uint64_t memory_limit_bytes)
{
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    options.n_threads = n_threads;
    options.memory_limit_bytes = memory_limit_bytes;
    assert_int_equal(pea_context_new(&options, &context, NULL), PEA_OK);
    return context;
}

#endif
