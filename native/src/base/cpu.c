/* cpu.c - what the machine lends this process.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>
#endif
#include "pea/cpu.h"

#include "base/base.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a scheduler or taskset lets this process run on. */
static int processors(void)
{
#ifdef __linux__
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
        return CPU_COUNT(&allowed);
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

/* A container's share of processor time, rounded up to whole processors; 0 where there is no limit. */
static int container_share(void)
{
    long long quota_us = 0, period_us = 0;
    FILE *stream = fopen("/sys/fs/cgroup/cpu.max", "r"); /* "max 100000" or "150000 100000" */
    if (!stream)
        return 0;
    const int n = fscanf(stream, "%lld %lld", &quota_us, &period_us);
    fclose(stream);
    return n == 2 && quota_us > 0 && period_us > 0 ? (int)((quota_us + period_us - 1) / period_us) : 0;
}

int pea_cpu_threads(void)
{
    const int all = processors(), share = container_share();
    return share > 0 && share < all ? share : all;
}

/* The number after `key` in a small text file of the kernel's; 0 where there is none. */
static uint64_t number_in(const char *path, const char *key, uint64_t unit)
{
    FILE *stream = fopen(path, "r");
    if (!stream)
        return 0;
    char line[128];
    unsigned long long value = 0;
    while (fgets(line, sizeof line, stream))
        if (strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), "%llu", &value) == 1)
            break;
    fclose(stream);
    return (uint64_t)value * unit;
}

uint64_t pea_cpu_memory_available(void)
{
    uint64_t available = number_in("/proc/meminfo", "MemAvailable:", 1024);
    const uint64_t limit = number_in("/sys/fs/cgroup/memory.max", "", 1);
    if (limit != 0) {
        uint64_t used = number_in("/sys/fs/cgroup/memory.current", "", 1);
        const uint64_t cache = number_in("/sys/fs/cgroup/memory.stat", "inactive_file ", 1); /* given up on demand */
        used = cache < used ? used - cache : 0;
        const uint64_t left = used < limit ? limit - used : 0;
        if (available == 0 || left < available)
            available = left;
    }
    return available;
}

uint64_t pea_cpu_memory_peak(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (uint64_t)usage.ru_maxrss * 1024; /* kilobytes on Linux */
}
