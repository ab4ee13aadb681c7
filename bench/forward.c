/* forward.c - times one pass of the full networks with random weights, as bench/forward_torch.py does in PyTorch:
 *     bench_forward plane|stack [threads] [repeats]      PEA_CPU chooses the kernels
 * Prints one line of JSON. `pea bench forward` is for users; this one also tells CPU time, which a busy machine leaves
 * comparable, and the forecast of memory. It takes the networks of the unit tests, and is built with them: bench_forward
 * in the folder tests of the build.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pea/cpu.h"
#include "nn/nets.h"

static double now_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    const bool plane = argc < 2 || strcmp(argv[1], "plane") == 0;
    const int threads = argc > 2 ? atoi(argv[2]) : 1, repeats = argc > 3 ? atoi(argv[3]) : 3;
    net_case n = plane ? net_open(net_2d(net_full_2d, 3, 16, NET_DEEP), pea__kernels(), (pea_dims){1, 544, 544, 3})
                       : net_open(net_3d(net_full_3d, 1, 16, true), pea__kernels(), (pea_dims){18, 160, 160, 1});
    pea_context_options options = pea_context_options_default();
    options.n_threads = threads;
    pea_context *context = NULL;
    uint64_t forecast = 0;
    if (pea_context_new(&options, &context, NULL) != PEA_OK ||
        pea_network_forecast(n.network, n.in.dims, NULL, threads, &forecast, NULL) != PEA_OK)
        return 1;
    double seconds[100], cpu_seconds[100]; /* CPU time: of all threads */
    for (int i = 0; i <= repeats && i < 100; i++) { /* the first one warms up */
        const double begin = now_s(CLOCK_MONOTONIC), cpu_begin = now_s(CLOCK_PROCESS_CPUTIME_ID);
        if (pea_network_forward(n.network, context, &n.in, n.outputs, NULL) != PEA_OK)
            return 1;
        seconds[i] = now_s(CLOCK_MONOTONIC) - begin;
        cpu_seconds[i] = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
    }
    printf("{\"kernels\": \"%s\", \"what\": \"%s\", \"threads\": %d", pea_cpu_kernels(), plane ? "plane" : "stack",
           threads);
    for (int i = 1; i <= repeats && i < 100; i++)
        printf("%s%.3f", i > 1 ? ", " : ", \"seconds\": [", seconds[i]);
    for (int i = 1; i <= repeats && i < 100; i++)
        printf("%s%.3f", i > 1 ? ", " : "], \"cpu_seconds\": [", cpu_seconds[i]);
    printf("], \"forecast_bytes\": %llu, \"peak_bytes\": %llu}\n", (unsigned long long)forecast,
           (unsigned long long)pea_cpu_memory_peak());
    pea_context_free(context);
    net_close(&n);
    return 0;
}
