/* dispatch.c - which kernel set runs: the best that CPU and operating system both offer, unless PEA_CPU names another.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/kernel.h"
#include "pea/cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETS = 4 };

/* Written once by choose(), under pthread_once, and only read afterwards. */
static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static struct {
    const pea__kernels_table *available[MAX_SETS]; /* best first */
    const pea__kernels_table *in_use;
    char features[128];
} machine;

#ifdef PEA__X86_SETS
/* __builtin_cpu_supports() asks the CPU, and by xgetbv whether the operating system keeps the wide registers. */
#define HAS(feature) (__builtin_cpu_supports(feature) != 0)

static size_t list_x86_sets(const pea__kernels_table **sets)
{
    size_t n = 0;
    if (HAS("avx512f") && HAS("avx512dq") && HAS("avx512bw") && HAS("avx512vl") && HAS("fma"))
        sets[n++] = &pea__kernels_avx512;
    if (HAS("avx2") && HAS("fma"))
        sets[n++] = &pea__kernels_avx2;
    return n;
}

#define NOTE_FEATURE(feature)                                                                                         \
    do {                                                                                                              \
        if (HAS(feature)) {                                                                                           \
            if (machine.features[0])                                                                                  \
                strcat(machine.features, " ");                                                                        \
            strcat(machine.features, feature);                                                                        \
        }                                                                                                             \
    } while (0)

static void list_features(void) /* all of them together fit in 128 bytes */
{
    NOTE_FEATURE("sse4.2");
    NOTE_FEATURE("avx");
    NOTE_FEATURE("avx2");
    NOTE_FEATURE("fma");
    NOTE_FEATURE("avx512f");
    NOTE_FEATURE("avx512dq");
    NOTE_FEATURE("avx512bw");
    NOTE_FEATURE("avx512vl");
    NOTE_FEATURE("avx512vnni");
}
#endif

static void choose(void)
{
    size_t n = 0;
#ifdef PEA__X86_SETS
    __builtin_cpu_init();
    n = list_x86_sets(machine.available);
    list_features();
#endif
    machine.available[n++] = &pea__kernels_scalar;
    machine.in_use = machine.available[0];
    const char *wish = getenv("PEA_CPU"); /* an unknown or impossible wish changes nothing; pea_cpu_kernels() tells */
    for (size_t i = 0; wish && i < n; i++)
        if (strcmp(machine.available[i]->name, wish) == 0)
            machine.in_use = machine.available[i];
}

const pea__kernels_table *pea__kernels(void)
{
    pthread_once(&chosen_once, choose);
    return machine.in_use;
}

const pea__kernels_table *pea__kernels_available(size_t index)
{
    pthread_once(&chosen_once, choose);
    return index < MAX_SETS ? machine.available[index] : NULL;
}

const char *pea_cpu_kernels(void)
{
    return pea__kernels()->name;
}

const char *pea_cpu_features(void)
{
    pthread_once(&chosen_once, choose);
    return machine.features;
}
