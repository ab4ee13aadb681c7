/* dispatch.c - which kernel set runs: the best that CPU and operating system both offer, unless PEA_CPU names another.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "kernel/kernel.h"
#include "pea/cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETS = 6 };

/* Written once by choose(), under pthread_once, and only read afterwards. */
static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static struct {
    const pea__kernels_table *available[MAX_SETS]; /* best first */
    const pea__kernels_table *in_use;
    char features[160];
#ifdef PEA__X86_SETS
    pea__kernels_table amx; /* avx512 but for a convolution */
#endif
} machine;

#ifdef PEA__X86_SETS
#include <cpuid.h>

/* __builtin_cpu_supports() asks the CPU, and by xgetbv whether the operating system keeps the wide registers. */
#define HAS(feature) (__builtin_cpu_supports(feature) != 0)

/* Compilers do not know all names of features yet: bits as in the processor's manual. */
static bool has_avx512_bf16(void)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && eax >= 1 &&
           __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 5 & 1u);
}

static bool has_amx_bf16(void)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx >> 22 & 1u) && (edx >> 24 & 1u) &&
           pea__tile_registers();
}

static bool has_avx512(void)
{
    return HAS("avx512f") && HAS("avx512dq") && HAS("avx512bw") && HAS("avx512vl") && HAS("fma");
}

static size_t list_x86_sets(const pea__kernels_table **sets)
{
    size_t n = 0;
    machine.amx = pea__kernels_avx512;
    machine.amx.name = "amx";
    machine.amx.conv_bf16 = pea__conv_bf16_amx;
    machine.amx.direct_bf16 = true;
    if (has_avx512() && has_avx512_bf16() && has_amx_bf16())
        sets[n++] = &machine.amx;
    if (has_avx512())
        sets[n++] = &pea__kernels_avx512;
    if (HAS("avx2") && HAS("fma"))
        sets[n++] = &pea__kernels_avx2;
    return n;
}

static void note(bool has, const char *feature) /* all of them together fit */
{
    if (!has)
        return;
    if (machine.features[0])
        strcat(machine.features, " ");
    strcat(machine.features, feature);
}

#define NOTE_FEATURE(feature) note(HAS(feature), feature)

static void list_features(void)
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
    note(has_avx512_bf16(), "avx512bf16");
    note(strcmp(machine.available[0]->name, "amx") == 0, "amx-bf16");
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
#ifdef PEA__NEON_SET
    machine.available[n++] = &pea__kernels_neon;
    strcpy(machine.features, "neon");
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
