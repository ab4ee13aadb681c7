/* session.c - one run of a command: threads and memory wishes, progress on a terminal or in a log, clocks, signals.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- signals ---- */

static volatile sig_atomic_t stop_requested, may_exit_at_once, bar_shown;

/* Who asks again after a second does not want to wait for whatever it is. Not earlier: one Ctrl-C may arrive twice. */
static bool asked_again(void)
{
    static volatile sig_atomic_t first_s; /* low bits of the clock's seconds suffice */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int now_s = (int)(now.tv_sec & 0xffffff);
    if (!stop_requested)
        first_s = now_s;
    return stop_requested && now_s - first_s > 1;
}

static void on_stop(int number)
{
    const bool at_once = may_exit_at_once || (number != 0 && asked_again());
    stop_requested = 1;
    if (at_once) {
        static const char line[] = "\r\033[Kpea: cancelled\n";
        const size_t skipped = bar_shown ? 0 : 4; /* without a bar to wipe off */
        (void)!write(STDERR_FILENO, line + skipped, sizeof line - 1 - skipped);
        _exit(EXIT_CANCELLED);
    }
}

void cli_signals_install(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART; /* a write in progress must not fail because somebody pressed a key */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction inherited;
    if (sigaction(SIGHUP, NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN) /* not under nohup */
        sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN; /* the write call reports EPIPE or EFBIG, and no temporary file is left behind */
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

bool cli_cancelled(void)
{
    return stop_requested != 0;
}

pea_status cli_check_cancelled(pea_error *err)
{
    return stop_requested ? cli_fail(err, PEA_E_CANCELLED, "cancelled") : PEA_OK;
}

void cli_interruptible(bool on)
{
    may_exit_at_once = on;
    if (on && stop_requested) /* it came just before */
        on_stop(0);
}

/* ---- progress ---- */

enum { BAR_CELLS = 24 };
static const double bar_every = 0.1, line_every = 5, silent_first = 1; /* seconds */

/* What part of the time each stage of a segmentation takes, by and large: enough to guess what is left. How long
 * reading takes says nothing of the rest. */
static const struct cli_share {
    const char *stage;
    double share;
} segment_shares[] = {{"network", 0.70}, {"affinity", 0.06}, {"cluster", 0.17}, {"clean up", 0.02},
                      {"measure", 0.02}, {"draw", 0.01},     {"write", 0.02},
                      /* in place of "cluster" with other clusterers */
                      {"fragments", 0.10}, {"region graph", 0.03}, {"agglomerate", 0.03}, {"multicut", 0.03},
                      {"project", 0.01},   {"mean shift", 0.17},   {NULL, 0}};

/* The part of the whole item that is done. Planes run through all stages one by one, so no stage is over until the last
 * of them: what each has reached adds up. */
static double item_done(cli_progress *p, double fraction, double now)
{
    double done = 0;
    if (!p->shares) {
        p->work_started = p->stage_started;
        return fraction;
    }
    for (size_t i = 0; p->shares[i].stage; i++) {
        if (!strcmp(p->shares[i].stage, p->stage)) {
            p->work_started = p->work_started > 0 ? p->work_started : now;
            p->reached[i] = fraction > p->reached[i] ? fraction : p->reached[i];
        }
        done += p->shares[i].share * p->reached[i];
    }
    return done;
}

/* Seconds that this item still takes at its pace, and those after it at theirs; negative: unknown. */
static double seconds_left(const cli_progress *p, double done, double now)
{
    if (done < 0.02)
        return -1;
    const double item = (now - p->work_started) * (1 - done) / done;
    const double per_item = p->items_done ? (p->items_started - p->started) / (double)p->items_done : 0;
    const size_t items_after = p->n_items > p->items_done + 1 ? p->n_items - p->items_done - 1 : 0;
    return item + per_item * (double)items_after;
}

static void show(cli_progress *p, double fraction, double done, double now)
{
    char left[48] = "", bar[BAR_CELLS + 1];
    const double seconds = seconds_left(p, done, now);
    if (seconds >= 0)
        snprintf(left, sizeof left, "  %d:%02d left", (int)(seconds / 60), (int)seconds % 60);
    const int filled = (int)(done * BAR_CELLS);
    memset(bar, ' ', BAR_CELLS);
    memset(bar, '=', (size_t)filled);
    bar[BAR_CELLS] = '\0';
    if (p->on_terminal)
        fprintf(stderr, "\r%s%s[%s]  %s %d%%%s\033[K", p->item, p->item[0] ? "  " : "", bar, p->stage,
                (int)(fraction * 100), left);
    else
        fprintf(stderr, "%s%s%s %d%%%s\n", p->item, p->item[0] ? ": " : "", p->stage, (int)(fraction * 100), left);
    fflush(stderr);
    p->last_shown = now;
    p->shown = true;
    bar_shown = p->on_terminal;
}

static int on_progress(void *user, const char *stage, double fraction)
{
    cli_progress *p = user;
    if (stop_requested)
        return 1;
    if (!p->enabled)
        return 0;
    const double now = cli_seconds();
    fraction = p->part_from + fraction * (p->part_to - p->part_from);
    if (!p->stage || strcmp(p->stage, stage)) {
        p->stage = stage;
        p->stage_started = now;
    }
    const double every = p->on_terminal ? bar_every : line_every, done = item_done(p, fraction, now);
    if (now - p->started >= silent_first && now - (p->shown ? p->last_shown : p->started) >= every)
        show(p, fraction, done, now);
    return 0;
}

void cli_session_clear(cli_session *session)
{
    if (session->progress.shown && session->progress.on_terminal) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        session->progress.shown = false;
        bar_shown = 0;
    }
}

void cli_session_item(cli_session *session, const char *item, size_t index, size_t n_items)
{
    cli_progress *p = &session->progress;
    const size_t length = strlen(item);
    const char *tail = length > 60 ? item + length - 57 : item;
    if (n_items > 1)
        snprintf(p->item, sizeof p->item, "%s%s (%zu/%zu)", length > 60 ? "..." : "", tail, index + 1, n_items);
    else
        snprintf(p->item, sizeof p->item, "%s%s", length > 60 ? "..." : "", tail);
    p->items_done = index;
    p->n_items = n_items;
    p->items_started = cli_seconds();
    p->stage = NULL;
    p->work_started = 0;
    memset(p->reached, 0, sizeof p->reached);
}

void cli_session_part(cli_session *session, int64_t index, int64_t n)
{
    if (session) {
        session->progress.part_from = (double)index / (double)n;
        session->progress.part_to = (double)(index + 1) / (double)n;
    }
}

/* ---- the session ---- */

pea_status cli_session_open(cli_session *session, const char *command, const cli_wishes *wishes, pea_error *err)
{
    *session = (cli_session){.command = command, .wishes = *wishes};
    session->progress.enabled = !wishes->quiet;
    session->progress.on_terminal = isatty(STDERR_FILENO);
    session->progress.shares = strcmp(command, "segment") ? NULL : segment_shares;
    cli_session_part(session, 0, 1);
    session->progress.started = session->progress.items_started = cli_seconds();
    pea_context_options options = pea_context_options_default();
    options.n_threads = (int)wishes->threads;
    session->memory = wishes->memory == UINT64_MAX ? pea_cpu_memory_available() : wishes->memory;
    options.memory_limit_bytes = session->memory;
    options.progress = on_progress;
    options.progress_user = &session->progress;
    return pea_context_new(&options, &session->context, err);
}

void cli_session_close(cli_session *session)
{
    cli_session_clear(session);
    pea_context_free(session->context);
    session->context = NULL;
}

pea_status cli_session_timings(const cli_session *session, pea_error *err)
{
    if (!session->wishes.timings)
        return PEA_OK;
    size_t n = 0;
    const pea_stage_time *times = pea_context_times(session->context, &n);
    cJSON *object = cJSON_CreateObject();
    double read = session->read, write = 0;
    for (size_t i = 0; i < n; i++) { /* what the context knows of, and what it does not */
        read += strcmp(times[i].stage, "read") ? 0 : times[i].seconds;
        write += strcmp(times[i].stage, "write") ? 0 : times[i].seconds;
    }
    cli_json_number(object, "read", read);
    for (size_t i = 0; i < n; i++)
        if (strcmp(times[i].stage, "read") && strcmp(times[i].stage, "write"))
            cli_json_number(object, times[i].stage, times[i].seconds);
    cli_json_number(object, "write", write);
    cli_json_number(object, "peak_bytes", (double)pea_cpu_memory_peak());
    fflush(stdout);
    return cli_print_json(stderr, object, err);
}
