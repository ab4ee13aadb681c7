/* run.c - many tasks of one call, in which numbers too small to be normal count as 0: gradients have such numbers where
 * they fade, and processors take a hundred times as long for them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "gradient/gradient.h"

pea_status pea__run_tasks(const pea__run *run, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                          void *argument, pea_error *err)
{
    return pea__parallel_flushed(run->context, n_tasks, from, to, fn, argument, err);
}
