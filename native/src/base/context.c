/* context.c - a small pool of threads that share one list of tasks, and the caller's ear: progress and cancel.
 *
 * The calling thread takes tasks like the others and is the only one that calls back, between two tasks of its own or
 * every few milliseconds while it waits for the rest. On a machine whose cores are taken by other work, threads that wait
 * must not eat the time of those that work: who waits watches for SPIN_S at most, and only where the last wait was short.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "pea/cpu.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum {
    MAX_STAGES = 16,
    WORKER_STACK_BYTES = 4 << 20, /* a JVM's default of 1 MiB is too near to what decoders may want */
    REPORT_EVERY_MS = 30
};

/* A plane of 544 x 544 is a hundred turns of one to ten milliseconds, and to sleep and be woken takes 50 to 100
 * microseconds: by watching first, two threads need 270 instead of 290 ms (AVX-512). With a core taken by other work waits
 * are long, and watching would cost 3 %. */
static const double SPIN_S = 50e-6, SHORT_WAIT_S = 300e-6;

/* Of timed waits. macOS cannot choose: there a change of the clock makes one report early or late. */
#ifdef __APPLE__
static const clockid_t WAIT_CLOCK = CLOCK_REALTIME;
#else
static const clockid_t WAIT_CLOCK = CLOCK_MONOTONIC;
#endif

struct pea_context {
    pea_context_options options;
    int n_threads; /* the caller's own included */
    pthread_t threads[PEA_MAX_THREADS];

    pthread_mutex_t lock; /* guards what follows up to the next blank line */
    pthread_cond_t begin, end;
    atomic_uint_least64_t turn; /* counts calls of pea__parallel, so that a worker notices a new one */
    atomic_int n_busy;          /* workers that have not finished this turn */
    bool closing;

    pea__task_fn *fn; /* this turn's work; written before `turn` rises */
    void *argument;
    int64_t n_tasks;
    atomic_int_least64_t next, done;
    atomic_bool stop;

    uint64_t held_bytes; /* the caller's thread alone, as what follows */
    bool waits_are_short;
    const char *stage;
    double stage_began, last_report, last_fraction, window_from, window_to;
    pea_stage_time times[MAX_STAGES];
    size_t n_times;
};

typedef struct worker_start {
    pea_context *context;
    int worker;
} worker_start;

double pea__seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

pea_context_options pea_context_options_default(void)
{
    return (pea_context_options){.struct_size = sizeof(pea_context_options)};
}

static void take_tasks(pea_context *context, int worker)
{
    while (!atomic_load(&context->stop)) {
        const int64_t index = atomic_fetch_add(&context->next, 1);
        if (index >= context->n_tasks)
            return;
        context->fn(context->argument, index, worker);
        atomic_fetch_add(&context->done, 1);
    }
}

/* Waits for the turn after `seen`; false where there will be none. */
static bool wait_for_turn(pea_context *context, uint64_t seen, bool *waits_are_short)
{
    const double since = pea__seconds();
    while (*waits_are_short && atomic_load(&context->turn) == seen && pea__seconds() - since < SPIN_S)
        ;
    pthread_mutex_lock(&context->lock);
    while (atomic_load(&context->turn) == seen && !context->closing)
        pthread_cond_wait(&context->begin, &context->lock);
    const bool goes_on = !context->closing;
    pthread_mutex_unlock(&context->lock);
    *waits_are_short = pea__seconds() - since < SHORT_WAIT_S;
    return goes_on;
}

static void *work(void *argument)
{
    const worker_start start = *(worker_start *)argument;
    pea_context *const context = start.context;
    bool waits_are_short = false;
    pea__free(argument);
    for (uint64_t seen = 0; wait_for_turn(context, seen, &waits_are_short);) {
        seen = atomic_load(&context->turn);
        take_tasks(context, start.worker);
        pthread_mutex_lock(&context->lock);
        if (atomic_fetch_sub(&context->n_busy, 1) == 1)
            pthread_cond_signal(&context->end);
        pthread_mutex_unlock(&context->lock);
    }
    return NULL;
}

/* One more thread; false where the system has none to give, which costs time but no result. */
static bool start_worker(pea_context *context, const pthread_attr_t *attributes)
{
    worker_start *start = pea__alloc(1, sizeof *start, NULL);
    if (!start)
        return false;
    *start = (worker_start){context, context->n_threads};
    if (pthread_create(&context->threads[context->n_threads], attributes, work, start) != 0) {
        pea__free(start);
        return false;
    }
    context->n_threads++;
    return true;
}

static void start_workers(pea_context *context, int n_wanted)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return;
    (void)pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES);
    sigfillset(&all); /* signals are the host program's business: they go to its threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (context->n_threads < n_wanted && start_worker(context, &attributes))
        ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

pea_status pea_context_new(const pea_context_options *options, pea_context **context, pea_error *err)
{
    *context = NULL;
    pea_context_options chosen = pea_context_options_default();
    const pea_status status = pea__options_take(&chosen, sizeof chosen, options, "context", err);
    if (status != PEA_OK)
        return status;
    if (chosen.n_threads < 0 || chosen.n_threads > PEA_MAX_THREADS)
        return pea__fail(err, PEA_E_ARG, "threads must be 0 to %d, not %d", PEA_MAX_THREADS, chosen.n_threads);
    pea_context *made = pea__alloc(1, sizeof *made, err);
    if (!made)
        return PEA_E_NOMEM;
    made->options = chosen;
    made->window_to = 1.0;
    made->n_threads = 1;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->begin, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
#ifndef __APPLE__
    pthread_condattr_setclock(&attributes, WAIT_CLOCK);
#endif
    pthread_cond_init(&made->end, &attributes);
    pthread_condattr_destroy(&attributes);
    int wanted = chosen.n_threads ? chosen.n_threads : pea_cpu_threads();
    start_workers(made, wanted > PEA_MAX_THREADS ? PEA_MAX_THREADS : wanted);
    *context = made;
    return PEA_OK;
}

void pea_context_free(pea_context *context)
{
    if (!context)
        return;
    pthread_mutex_lock(&context->lock);
    context->closing = true;
    pthread_cond_broadcast(&context->begin);
    pthread_mutex_unlock(&context->lock);
    for (int i = 1; i < context->n_threads; i++)
        pthread_join(context->threads[i], NULL);
    pthread_cond_destroy(&context->begin);
    pthread_cond_destroy(&context->end);
    pthread_mutex_destroy(&context->lock);
    pea__free(context);
}

int pea_context_threads(const pea_context *context)
{
    return context ? context->n_threads : 1;
}

int pea__workers(const pea_context *context)
{
    return pea_context_threads(context);
}

void pea_context_limit_memory(pea_context *context, uint64_t memory_limit_bytes)
{
    context->options.memory_limit_bytes = memory_limit_bytes;
}

uint64_t pea__memory_limit(const pea_context *context)
{
    const uint64_t limit = context ? context->options.memory_limit_bytes : 0;
    if (limit == 0)
        return 0;
    return limit > context->held_bytes ? limit - context->held_bytes : 1; /* 0 would be no limit */
}

uint64_t pea__memory_hold(pea_context *context, uint64_t bytes)
{
    if (!context)
        return 0;
    const uint64_t before = context->held_bytes;
    context->held_bytes = bytes;
    return before;
}

void pea__progress_window(pea_context *context, double from, double to)
{
    if (context) {
        context->window_from = from;
        context->window_to = to;
        context->last_fraction = 0.0;
    }
}

pea__window pea__progress_part(pea_context *context, double from, double to)
{
    if (!context)
        return (pea__window){0.0, 1.0};
    const pea__window whole = {context->window_from, context->window_to};
    context->window_from = whole.from + from * (whole.to - whole.from);
    context->window_to = whole.from + to * (whole.to - whole.from);
    return whole;
}

void pea__progress_rejoin(pea_context *context, pea__window window)
{
    if (context) {
        context->window_from = window.from;
        context->window_to = window.to;
    }
}

/* Stages of the same name add up: a stack runs its planes one after another. */
static void add_time(pea_context *context, const char *stage, double seconds)
{
    for (size_t i = 0; i < context->n_times; i++)
        if (strcmp(context->times[i].stage, stage) == 0) {
            context->times[i].seconds += seconds;
            return;
        }
    if (context->n_times < MAX_STAGES)
        context->times[context->n_times++] = (pea_stage_time){stage, seconds};
}

void pea__stage(pea_context *context, const char *stage)
{
    if (!context)
        return;
    const double now = pea__seconds();
    if (context->stage)
        add_time(context, context->stage, now - context->stage_began);
    context->stage = stage;
    context->stage_began = now;
    context->last_report = 0.0; /* the next report of progress is made at once */
    context->last_fraction = 0.0;
}

const pea_stage_time *pea_context_times(const pea_context *context, size_t *n_stages)
{
    *n_stages = context ? context->n_times : 0;
    return context ? context->times : NULL;
}

pea_status pea__progress(pea_context *context, double fraction, pea_error *err)
{
    if (!context || !context->options.progress)
        return PEA_OK;
    const double now = pea__seconds();
    if (now - context->last_report < 1e-3 * REPORT_EVERY_MS)
        return PEA_OK;
    context->last_report = now;
    fraction = context->window_from + fraction * (context->window_to - context->window_from);
    if (fraction > context->last_fraction)
        context->last_fraction = fraction < 1.0 ? fraction : 1.0;
    if (context->options.progress(context->options.progress_user, context->stage ? context->stage : "working",
                                  context->last_fraction) != 0)
        return pea__fail(err, PEA_E_CANCELLED, "cancelled");
    return PEA_OK;
}

/* The share of this turn's tasks that are done, as a fraction of the stage. */
static pea_status report(pea_context *context, double from, double to, pea_error *err)
{
    const double share = (double)atomic_load(&context->done) / (double)context->n_tasks;
    const pea_status status = pea__progress(context, from + share * (to - from), err);
    if (status != PEA_OK)
        atomic_store(&context->stop, true);
    return status;
}

static pea_status wait_for_workers(pea_context *context, pea_status status, double from, double to, pea_error *err)
{
    const double since = pea__seconds();
    while (context->waits_are_short && atomic_load(&context->n_busy) > 0 && pea__seconds() - since < SPIN_S)
        ;
    pthread_mutex_lock(&context->lock);
    while (atomic_load(&context->n_busy) > 0) {
        struct timespec until;
        clock_gettime(WAIT_CLOCK, &until);
        until.tv_nsec += REPORT_EVERY_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        if (pthread_cond_timedwait(&context->end, &context->lock, &until) == ETIMEDOUT && status == PEA_OK) {
            pthread_mutex_unlock(&context->lock); /* the callback may take its time */
            status = report(context, from, to, err);
            pthread_mutex_lock(&context->lock);
        }
    }
    pthread_mutex_unlock(&context->lock);
    context->waits_are_short = pea__seconds() - since < SHORT_WAIT_S;
    return status;
}

static pea_status run_alone(pea_context *context, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                            void *argument, pea_error *err)
{
    for (int64_t i = 0; i < n_tasks; i++) {
        const pea_status status =
            pea__progress(context, from + (to - from) * (double)i / (double)n_tasks, err);
        if (status != PEA_OK)
            return status;
        fn(argument, i, 0);
    }
    return pea__progress(context, to, err);
}

pea_status pea__parallel(pea_context *context, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                         void *argument, pea_error *err)
{
    if (n_tasks <= 0)
        return PEA_OK;
    if (!context || context->n_threads == 1 || n_tasks == 1)
        return run_alone(context, n_tasks, from, to, fn, argument, err);
    context->fn = fn;
    context->argument = argument;
    context->n_tasks = n_tasks;
    atomic_store(&context->next, 0);
    atomic_store(&context->done, 0);
    atomic_store(&context->stop, false);
    pthread_mutex_lock(&context->lock);
    atomic_store(&context->n_busy, context->n_threads - 1); /* before `turn`, for which they may be watching */
    atomic_fetch_add(&context->turn, 1);
    pthread_cond_broadcast(&context->begin);
    pthread_mutex_unlock(&context->lock);

    pea_status status = PEA_OK;
    while (status == PEA_OK) {
        const int64_t index = atomic_fetch_add(&context->next, 1);
        if (index >= n_tasks)
            break;
        fn(argument, index, 0);
        atomic_fetch_add(&context->done, 1);
        status = report(context, from, to, err);
    }
    return wait_for_workers(context, status, from, to, err);
}
