/* test_context.c - tasks run once each on any number of threads; the caller hears of progress and can cancel.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

static const int thread_counts[] = {1, 2, 7};
enum { N_COUNTS = 3, MAX_TASKS = 2000, MAX_WORKERS = 16 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void sleep_ms(int ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static pea_context *new_context(int n_threads, pea_progress_fn *progress, void *user)
{
    pea_error err;
    pea_context *context = NULL;
    pea_context_options options = pea_context_options_default();
    options.n_threads = n_threads;
    options.progress = progress;
    options.progress_user = user;
    assert_ok(pea_context_new(&options, &context, &err));
    return context;
}

/* What tasks leave behind. */
typedef struct log_of_tasks {
    atomic_int runs[MAX_TASKS];
    atomic_int in_use[MAX_WORKERS]; /* tasks that have this worker number now */
    atomic_int n_wrong;             /* a worker number out of range or used twice at once */
    int n_workers, task_ms;
} log_of_tasks;

static void note(void *argument, int64_t index, int worker)
{
    log_of_tasks *log = argument;
    if (worker < 0 || worker >= log->n_workers || atomic_fetch_add(&log->in_use[worker], 1) != 0)
        atomic_fetch_add(&log->n_wrong, 1);
    atomic_fetch_add(&log->runs[index], 1);
    if (log->task_ms)
        sleep_ms(log->task_ms);
    atomic_fetch_sub(&log->in_use[worker], 1);
}

static void every_task_runs_once_whatever_the_number_of_threads(void **state)
{
    (void)state;
    static const int64_t n_tasks[] = {1, 2, 3, 7, 8, MAX_TASKS};
    pea_error err;
    for (int i = 0; i < N_COUNTS; i++) {
        pea_context *context = new_context(thread_counts[i], NULL, NULL);
        assert_int_equal(pea_context_threads(context), thread_counts[i]);
        for (size_t j = 0; j < sizeof n_tasks / sizeof *n_tasks; j++) {
            static log_of_tasks log;
            memset(&log, 0, sizeof log);
            log.n_workers = pea__workers(context);
            assert_ok(pea__parallel(context, n_tasks[j], 0.0, 1.0, note, &log, &err));
            for (int64_t k = 0; k < MAX_TASKS; k++)
                assert_int_equal(atomic_load(&log.runs[k]), k < n_tasks[j] ? 1 : 0);
            assert_int_equal(atomic_load(&log.n_wrong), 0);
        }
        pea_context_free(context);
    }
}

static void many_short_turns_lose_no_task(void **state)
{
    (void)state;
    pea_error err;
    pea_context *context = new_context(7, NULL, NULL);
    static log_of_tasks log;
    memset(&log, 0, sizeof log);
    log.n_workers = 7;
    enum { TURNS = 500, TASKS = 9 };
    for (int turn = 0; turn < TURNS; turn++)
        assert_ok(pea__parallel(context, TASKS, 0.0, 1.0, note, &log, &err));
    for (int k = 0; k < TASKS; k++)
        assert_int_equal(atomic_load(&log.runs[k]), TURNS);
    pea_context_free(context);
}

static void no_tasks_is_nothing_to_do(void **state)
{
    (void)state;
    pea_error err;
    pea_context *context = new_context(2, NULL, NULL);
    assert_ok(pea__parallel(context, 0, 0.0, 1.0, note, NULL, &err));
    assert_ok(pea__parallel(NULL, 0, 0.0, 1.0, note, NULL, &err));
    pea_context_free(context);
}

static void without_a_context_one_thread_does_it_all(void **state)
{
    (void)state;
    pea_error err;
    static log_of_tasks log;
    memset(&log, 0, sizeof log);
    log.n_workers = pea__workers(NULL);
    assert_int_equal(log.n_workers, 1);
    assert_int_equal(pea_context_threads(NULL), 1);
    assert_ok(pea__parallel(NULL, 5, 0.0, 1.0, note, &log, &err));
    for (int k = 0; k < 5; k++)
        assert_int_equal(atomic_load(&log.runs[k]), 1);
    pea__stage(NULL, "anything");
    pea__progress_window(NULL, 0.0, 1.0);
    assert_ok(pea__progress(NULL, 0.5, &err));
    assert_true(pea__memory_limit(NULL) == 0);
    size_t n = 1;
    assert_null(pea_context_times(NULL, &n));
    assert_int_equal(n, 0);
    pea_context_free(NULL);
}

static void a_wrong_number_of_threads_is_refused(void **state)
{
    (void)state;
    pea_error err;
    pea_context *context = (pea_context *)&err;
    pea_context_options options = pea_context_options_default();
    options.n_threads = -1;
    assert_fails(pea_context_new(&options, &context, &err), PEA_E_ARG, "threads must be 0 to 256, not -1");
    assert_null(context);
    options.n_threads = 257;
    assert_fails(pea_context_new(&options, &context, &err), PEA_E_ARG, "not 257");
}

static void options_of_an_older_header_are_shorter(void **state)
{
    (void)state;
    pea_error err;
    pea_context *context = NULL;
    pea_context_options options = {.struct_size = offsetof(pea_context_options, memory_limit_bytes),
                                   .n_threads = 2,
                                   .memory_limit_bytes = 99};
    assert_ok(pea_context_new(&options, &context, &err));
    assert_int_equal(pea_context_threads(context), 2);
    assert_true(pea__memory_limit(context) == 0); /* the older header knew of no limit */
    pea_context_free(context);
    options.struct_size = 0;
    assert_fails(pea_context_new(&options, &context, &err), PEA_E_ARG, "struct_size");
}

static void without_a_wish_the_machine_decides(void **state)
{
    (void)state;
    pea_error err;
    pea_context *context = NULL;
    assert_ok(pea_context_new(NULL, &context, &err));
    assert_true(pea_context_threads(context) >= 1);
    pea_context_free(context);
}

static void a_refused_allocation_costs_threads_but_no_result(void **state)
{
    (void)state;
    pea_error err;
    const size_t live = pea__alloc_live();
    for (size_t n = 1; n <= 4; n++) {
        pea_context *context = NULL;
        pea_context_options options = pea_context_options_default();
        options.n_threads = 3;
        err = (pea_error){0};
        pea__alloc_fail_at(n, true);
        const pea_status status = pea_context_new(&options, &context, &err);
        pea__alloc_fail_at(0, false);
        assert_int_equal(status, n == 1 ? PEA_E_NOMEM : PEA_OK);
        if (status == PEA_OK)
            assert_int_equal(pea_context_threads(context), n < 4 ? (int)n - 1 : 3);
        pea_context_free(context);
        assert_int_equal(pea__alloc_live(), live);
    }
}

/* ---- progress and cancel ---- */

typedef struct ear {
    pthread_t caller;
    int n_calls, n_fell, n_elsewhere, cancel_at; /* cancel_at 0: never */
    double last;
    const char *stage;
} ear;

static int listen(void *user, const char *stage, double fraction)
{
    ear *e = user;
    e->n_calls++;
    e->n_elsewhere += !pthread_equal(pthread_self(), e->caller);
    e->n_fell += e->stage == stage && fraction < e->last;
    e->n_fell += fraction < 0.0 || fraction > 1.0;
    e->last = fraction;
    e->stage = stage;
    return e->cancel_at != 0 && e->n_calls >= e->cancel_at;
}

static void progress_is_told_on_the_callers_thread_and_never_falls(void **state)
{
    (void)state;
    pea_error err;
    for (int i = 0; i < N_COUNTS; i++) {
        ear heard = {.caller = pthread_self()};
        pea_context *context = new_context(thread_counts[i], listen, &heard);
        static log_of_tasks log;
        memset(&log, 0, sizeof log);
        log.n_workers = MAX_WORKERS;
        log.task_ms = 2;
        pea__stage(context, "first");
        assert_ok(pea__parallel(context, 100, 0.0, 0.5, note, &log, &err));
        assert_ok(pea__parallel(context, 100, 0.5, 1.0, note, &log, &err));
        assert_true(heard.n_calls >= 2);
        assert_true(heard.last > 0.2);
        pea__stage(context, "second");
        assert_ok(pea__progress(context, 0.25, &err));
        assert_true(heard.last == 0.25 && strcmp(heard.stage, "second") == 0);
        assert_int_equal(heard.n_fell + heard.n_elsewhere, 0);
        pea__stage(context, NULL);
        pea_context_free(context);
    }
}

static void a_window_maps_the_fractions_of_a_part(void **state)
{
    (void)state;
    pea_error err;
    ear heard = {.caller = pthread_self()};
    pea_context *context = new_context(1, listen, &heard);
    pea__progress_window(context, 0.5, 0.75);
    pea__stage(context, "part");
    assert_ok(pea__progress(context, 0.5, &err));
    assert_true(heard.last == 0.625);
    pea_context_free(context);
}

static void the_caller_can_cancel_within_a_tenth_of_a_second(void **state)
{
    (void)state;
    pea_error err;
    for (int i = 0; i < N_COUNTS; i++) {
        ear heard = {.caller = pthread_self(), .cancel_at = 2};
        pea_context *context = new_context(thread_counts[i], listen, &heard);
        static log_of_tasks log;
        memset(&log, 0, sizeof log);
        log.n_workers = MAX_WORKERS;
        log.task_ms = 5; /* 2000 of them: ten seconds for one thread */
        pea__stage(context, "work");
        const double began = now_s();
        assert_fails(pea__parallel(context, MAX_TASKS, 0.0, 1.0, note, &log, &err), PEA_E_CANCELLED, "cancelled");
        assert_true(now_s() - began < 2.0); /* one report interval and one task, with room for a busy machine */
        assert_int_equal(heard.n_calls, 2); /* who cancelled is not asked again */

        heard.cancel_at = 0; /* and the context goes on working */
        log.task_ms = 0;
        memset(log.runs, 0, sizeof log.runs);
        assert_ok(pea__parallel(context, 50, 0.0, 1.0, note, &log, &err));
        for (int k = 0; k < 50; k++)
            assert_int_equal(atomic_load(&log.runs[k]), 1);
        pea_context_free(context);
    }
}

/* The caller's own task ends once another thread has begun a long one. */
static void be_long_elsewhere(void *argument, int64_t index, int worker)
{
    atomic_int *begun = argument;
    (void)index;
    if (worker > 0) {
        atomic_store(begun, 1);
        sleep_ms(300);
    }
    while (worker == 0 && !atomic_load(begun))
        sleep_ms(1);
}

static void one_long_task_of_another_thread_does_not_silence_reports(void **state)
{
    (void)state;
    pea_error err;
    atomic_int begun = 0;
    ear heard = {.caller = pthread_self()};
    pea_context *context = new_context(2, listen, &heard);
    assert_ok(pea__parallel(context, 2, 0.0, 1.0, be_long_elsewhere, &begun, &err));
    assert_true(heard.n_calls >= 4);
    pea_context_free(context);
}

static void stages_of_one_name_add_up(void **state)
{
    (void)state;
    pea_context *context = new_context(1, NULL, NULL);
    pea__stage(context, "network");
    sleep_ms(20);
    pea__stage(context, "cluster");
    sleep_ms(5);
    pea__stage(context, "network");
    sleep_ms(20);
    pea__stage(context, NULL);
    size_t n = 0;
    const pea_stage_time *times = pea_context_times(context, &n);
    assert_int_equal(n, 2);
    assert_string_equal(times[0].stage, "network");
    assert_true(times[0].seconds >= 0.039 && times[0].seconds < 2.0);
    assert_string_equal(times[1].stage, "cluster");
    assert_true(times[1].seconds >= 0.004);
    pea_context_free(context);
}

static void look_at_signals(void *argument, int64_t index, int worker)
{
    (void)index;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    if (worker > 0 && !(sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGUSR1) == 1))
        atomic_fetch_add((atomic_int *)argument, 1);
    sleep_ms(1);
}

static void signals_stay_with_the_host_program(void **state)
{
    (void)state;
    pea_error err;
    atomic_int n_open = 0;
    pea_context *context = new_context(3, NULL, NULL);
    assert_ok(pea__parallel(context, 30, 0.0, 1.0, look_at_signals, &n_open, &err));
    assert_int_equal(atomic_load(&n_open), 0);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGUSR1), 0);
    pea_context_free(context);
}

static void the_memory_limit_is_kept(void **state)
{
    (void)state;
    pea_error err;
    pea_context *context = NULL;
    pea_context_options options = pea_context_options_default();
    assert_int_equal(options.struct_size, sizeof options);
    options.memory_limit_bytes = 12345;
    assert_ok(pea_context_new(&options, &context, &err));
    assert_true(pea__memory_limit(context) == 12345);
    pea_context_free(context);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_task_runs_once_whatever_the_number_of_threads),
    cmocka_unit_test(many_short_turns_lose_no_task),
    cmocka_unit_test(no_tasks_is_nothing_to_do),
    cmocka_unit_test(without_a_context_one_thread_does_it_all),
    cmocka_unit_test(a_wrong_number_of_threads_is_refused),
    cmocka_unit_test(options_of_an_older_header_are_shorter),
    cmocka_unit_test(without_a_wish_the_machine_decides),
    cmocka_unit_test(a_refused_allocation_costs_threads_but_no_result),
    cmocka_unit_test(progress_is_told_on_the_callers_thread_and_never_falls),
    cmocka_unit_test(a_window_maps_the_fractions_of_a_part),
    cmocka_unit_test(the_caller_can_cancel_within_a_tenth_of_a_second),
    cmocka_unit_test(one_long_task_of_another_thread_does_not_silence_reports),
    cmocka_unit_test(stages_of_one_name_add_up),
    cmocka_unit_test(signals_stay_with_the_host_program),
    cmocka_unit_test(the_memory_limit_is_kept),
};

PEA_TEST_MAIN(tests)
