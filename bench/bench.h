/* bench.h - what the programs of this folder share: two clocks, the peak of memory, and the line of JSON that
 * bench/table.py and bench/graphs.py read.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_BENCH_H
#define PEA_BENCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BENCH_MOST_RUNS = 100 };

static inline double bench_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of all threads; what others do on the machine does not count. */
static inline double bench_cpu_s(void)
{
    return bench_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* Linux only, elsewhere 0. Not that of getrusage(), which begins with the peak of the program that started this one. */
static inline double bench_peak_bytes(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        (void)sscanf(line, "VmHWM: %ld", &kib);
    if (status)
        fclose(status);
    return 1024.0 * (double)kib;
}

/* Times of the runs that count. */
typedef struct bench_times {
    double seconds[BENCH_MOST_RUNS], cpu_seconds[BENCH_MOST_RUNS];
    int n;
    double began, cpu_began;
} bench_times;

static inline void bench_begin(bench_times *times)
{
    times->cpu_began = bench_cpu_s();
    times->began = bench_clock(CLOCK_MONOTONIC);
}

/* What happens between these two does not count. */
static inline void bench_pause(bench_times *times)
{
    times->began -= bench_clock(CLOCK_MONOTONIC);
    times->cpu_began -= bench_cpu_s();
}

static inline void bench_go_on(bench_times *times)
{
    times->began += bench_clock(CLOCK_MONOTONIC);
    times->cpu_began += bench_cpu_s();
}

static inline void bench_end(bench_times *times)
{
    if (times->n == BENCH_MOST_RUNS)
        return;
    times->seconds[times->n] = bench_clock(CLOCK_MONOTONIC) - times->began;
    times->cpu_seconds[times->n++] = bench_cpu_s() - times->cpu_began;
}

static inline void bench_print_list(const char *name, const double *values, int n)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%.5f", i ? ", " : "", values[i]);
    printf("], ");
}

/* The end of a line of JSON that the caller has begun with "{" and fields of its own, each with its comma. */
static inline void bench_print_times(const bench_times *times)
{
    bench_print_list("seconds", times->seconds, times->n);
    bench_print_list("cpu_seconds", times->cpu_seconds, times->n);
    printf("\"peak_bytes\": %.0f}\n", bench_peak_bytes());
}

static inline int bench_fail(const char *program, const char *what)
{
    fprintf(stderr, "%s: %s\n", program, what);
    return 1;
}

/* A deterministic number in [0, 1), anew for each seed. */
static inline float bench_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 16777216.0f;
}

#endif
