/* context.h - how a long call runs: threads, progress, cancelling, memory budget.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CONTEXT_H
#define PEA_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "pea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Called on the thread that made the call, at least every 50 ms of work and never from another thread.
 * @param stage     lent  what is being done: "read", "network", "affinity", "clean up", "write", ...
 * @param fraction  of that stage, 0..1, never falling within a stage
 * @return 0 to go on; anything else cancels: the call returns PEA_E_CANCELLED within 0.1 s
 */
typedef int pea_progress_fn(void *user, const char *stage, double fraction);

#define PEA_MAX_THREADS 256

typedef struct pea_context_options {
    size_t struct_size;
    int n_threads;               /* 0: as many as the machine lends this process; results do not depend on it */
    uint64_t memory_limit_bytes; /* refuse work whose forecast exceeds it; 0: no limit */
    pea_progress_fn *progress;   /* NULL: nobody is told */
    void *progress_user;
} pea_context_options;

pea_context_options pea_context_options_default(void);

/* Threads and wishes for one call at a time. NULL wherever a context is expected: one thread, no progress. */
typedef struct pea_context pea_context;

/**
 * Start the threads. Fewer than wished for, where the system has no more: pea_context_threads() tells.
 * @param options  borrowed  NULL: the defaults
 * @param context  owned     free with pea_context_free()
 * @return PEA_OK; PEA_E_ARG for more than PEA_MAX_THREADS threads or options that were not initialised; PEA_E_NOMEM
 */
pea_status pea_context_new(const pea_context_options *options, pea_context **context, pea_error *err);
void pea_context_free(pea_context *context); /* NULL allowed; ends its threads */

/* Seconds spent so far in each stage, for reports. */
typedef struct pea_stage_time {
    const char *stage; /* lent for ever */
    double seconds;
} pea_stage_time;

/* Lent until the next call with this context; *n_stages is set to their number. */
const pea_stage_time *pea_context_times(const pea_context *context, size_t *n_stages);

int pea_context_threads(const pea_context *context); /* the number really used, >= 1 */

/* For later calls: work whose forecast exceeds it is refused; 0: no limit. What a caller holds himself he leaves out. */
void pea_context_limit_memory(pea_context *context, uint64_t memory_limit_bytes);

#ifdef __cplusplus
}
#endif
#endif
