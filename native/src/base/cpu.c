/* cpu.c - what the machine lends this process.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getaffinity, syscall */
#include <sched.h>
#include <sys/syscall.h>
#endif
#include "pea/cpu.h"

#include "base/base.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char CGROUP[] = "/sys/fs/cgroup"; /* of the container that this process is in */

bool pea__tile_registers(void)
{
#if defined(__linux__) && defined(__x86_64__) && defined(SYS_arch_prctl)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

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

int pea__container_threads(const char *cgroup)
{
    char path[256];
    long long quota_us = 0, period_us = 0;
    snprintf(path, sizeof path, "%s/cpu.max", cgroup); /* "max 100000" or "150000 100000" */
    FILE *stream = fopen(path, "r");
    if (!stream)
        return 0;
    const int n = fscanf(stream, "%lld %lld", &quota_us, &period_us);
    fclose(stream);
    return n == 2 && quota_us > 0 && period_us > 0 ? (int)(quota_us / period_us + (quota_us % period_us != 0)) : 0;
}

int pea_cpu_threads(void)
{
    const int all = processors(), share = pea__container_threads(CGROUP);
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

uint64_t pea__container_memory(const char *cgroup)
{
    char limit[256], used[256], detail[256];
    snprintf(limit, sizeof limit, "%s/memory.max", cgroup); /* "max" or bytes */
    snprintf(used, sizeof used, "%s/memory.current", cgroup);
    snprintf(detail, sizeof detail, "%s/memory.stat", cgroup);
    const uint64_t all = number_in(limit, "", 1), taken = number_in(used, "", 1);
    const uint64_t cache = number_in(detail, "inactive_file ", 1); /* given up on demand */
    const uint64_t kept = cache < taken ? taken - cache : 0;
    if (all == 0)
        return UINT64_MAX;
    return kept < all ? all - kept : 0;
}

uint64_t pea_cpu_memory_available(void)
{
    const uint64_t machine = number_in("/proc/meminfo", "MemAvailable:", 1024);
    const uint64_t container = pea__container_memory(CGROUP);
    if (container == UINT64_MAX)
        return machine;
    return machine == 0 || container < machine ? container : machine;
}

uint64_t pea_cpu_memory_peak(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024; /* kilobytes here */
#endif
}
