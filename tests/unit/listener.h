/* listener.h - a long call must be heard of often, never backwards, and stop soon when asked to.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_LISTENER_H
#define PEA_LISTENER_H

#include <time.h>

#include "test.h"

typedef pea_status long_call(void *argument, pea_context *context, pea_error *err);

typedef struct listener {
    int stop_at, n_calls, n_falls; /* stop_at: the call that asks to stop; 0: none */
    double last_s, longest_s;      /* the last call; longest silence before any of them */
    double fraction;
    char stage[32];
} listener;

/* The thread's own time: what others do on the machine must not fail a test. */
static inline double own_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int hear(void *user, const char *stage, double fraction)
{
    listener *l = user;
    const double now = own_seconds();
    l->longest_s = now - l->last_s > l->longest_s ? now - l->last_s : l->longest_s;
    l->n_falls += l->n_calls > 0 && fraction < l->fraction && strcmp(stage, l->stage) == 0;
    l->fraction = fraction;
    l->last_s = now;
    snprintf(l->stage, sizeof l->stage, "%s", stage);
    return ++l->n_calls == l->stop_at;
}

static inline pea_status listen_to(listener *l, long_call *call, void *argument, pea_error *told)
{
    pea_context *context;
    pea_error err;
    pea_context_options options = pea_context_options_default();
    options.n_threads = 1;
    options.progress = hear;
    options.progress_user = l;
    assert_ok(pea_context_new(&options, &context, &err));
    *told = (pea_error){0};
    l->last_s = own_seconds();
    const pea_status status = call(argument, context, told);
    pea_context_free(context);
    return status;
}

/* A silence is too long when it lasts more than `limit_s` of the thread's time and a quarter of the call: a loop that never
 * reports is found, a slow machine or a sanitizer is not. */
static inline void assert_short(const char *what, double silence_s, double limit_s, double call_s)
{
    if (silence_s > limit_s && silence_s > call_s / 4.0)
        fail_msg("%s for %.3f s of %.3f s", what, silence_s, call_s);
}

/* Runs the call to its end, then again to be stopped soon. */
static inline void assert_can_be_heard_and_stopped(const char *stage, long_call *call, void *argument)
{
    listener whole = {0}, stopped = {0};
    pea_error err;
    const double began_s = own_seconds();
    if (listen_to(&whole, call, argument, &err) != PEA_OK)
        fail_msg("%s", err.message);
    const double call_s = own_seconds() - began_s;
    assert_string_equal(whole.stage, stage);
    assert_int_equal(whole.n_falls, 0);
    assert_true(whole.n_calls >= 2); /* or it is too small for this test */
    assert_short("silent", whole.longest_s, 0.05, call_s);
    const size_t live = pea__alloc_live();
    stopped.stop_at = 2;
    assert_int_equal(listen_to(&stopped, call, argument, &err), PEA_E_CANCELLED);
    assert_int_equal(stopped.n_calls, stopped.stop_at);
    assert_short("went on", own_seconds() - stopped.last_s, 0.1, call_s);
    assert_int_equal(pea__alloc_live(), live);
}

#endif
