/* run.c - many tasks of one call, in which numbers too small to be normal count as 0: gradients have such numbers where
 * they fade, and processors take a hundred times as long for them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "gradient/gradient.h"

typedef struct calm {
    pea__task_fn *fn;
    void *argument;
} calm;

static void do_task(void *argument, int64_t index, int worker)
{
    const calm *c = argument;
    const uint64_t before = pea__denormals_flush();
    c->fn(c->argument, index, worker);
    pea__denormals_restore(before);
}

pea_status pea__run_tasks(const pea__run *run, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                          void *argument, pea_error *err)
{
    calm c = {fn, argument};
    return pea__parallel(run->context, n_tasks, from, to, do_task, &c, err);
}
