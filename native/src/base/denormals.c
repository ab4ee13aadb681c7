/* denormals.c - numbers below 2^-126 as 0, for a while: processors take a hundred times as long for them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { FLUSH = 0x8040 }; /* results to zero (bit 15), operands are zeros (bit 6) */

static uint64_t flush_denormals(void)
{
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | FLUSH);
    return before;
}

/* Only these two bits: exceptions that were raised meanwhile stay raised, as after any arithmetic. */
static void restore(uint64_t before)
{
    _mm_setcsr((_mm_getcsr() & ~(unsigned)FLUSH) | ((unsigned)before & FLUSH));
}

#elif defined(__aarch64__) && defined(__GNUC__)

static const uint64_t flush = UINT64_C(1) << 24; /* FZ */

static uint64_t control(void)
{
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

static void set_control(uint64_t value)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

static uint64_t flush_denormals(void)
{
    const uint64_t before = control();
    set_control(before | flush);
    return before;
}

static void restore(uint64_t before)
{
    set_control((control() & ~flush) | (before & flush));
}

#else

static uint64_t flush_denormals(void)
{
    return 0;
}

static void restore(uint64_t before)
{
    (void)before;
}

#endif

typedef struct flushed {
    pea__task_fn *fn;
    void *argument;
} flushed;

static void run_flushed(void *argument, int64_t index, int worker)
{
    const flushed *task = argument;
    const uint64_t before = flush_denormals();
    task->fn(task->argument, index, worker);
    restore(before);
}

pea_status pea__parallel_flushed(pea_context *context, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                                 void *argument, pea_error *err)
{
    flushed task = {fn, argument};
    return pea__parallel(context, n_tasks, from, to, run_flushed, &task, err);
}
