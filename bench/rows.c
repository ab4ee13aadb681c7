/* rows.c - times the full plane network by rows beside the pass over the whole plane, and tells their memory:
 *     bench_rows WIDTH HEIGHT [threads [repeats]]      PEA_CPU chooses the kernels; repeats 0: forecasts alone
 * Prints one line of JSON. Rows are made up when they are asked for and thrown away when they come. Built where
 * bench_forward is.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pea/cpu.h"
#include "nn/nets.h"

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static pea_status make_rows(void *user, int64_t y0, int64_t y1, float *rows, pea_error *err)
{
    const int64_t row = *(const int64_t *)user;
    (void)err;
    for (int64_t i = 0; i < (y1 - y0) * row; i++)
        rows[i] = (float)((y0 * row + i) % 1009) / 1009.0f - 0.5f;
    return PEA_OK;
}

static pea_status drop_rows(void *user, size_t head, int64_t y0, int64_t y1, const float *rows, pea_error *err)
{
    (void)user, (void)head, (void)y0, (void)y1, (void)rows, (void)err;
    return PEA_OK;
}

int main(int argc, char **argv)
{
    const int64_t x = argc > 1 ? atoll(argv[1]) : 544, y = argc > 2 ? atoll(argv[2]) : x;
    const int threads = argc > 3 ? atoi(argv[3]) : 1, repeats = argc > 4 ? atoi(argv[4]) : 1;
    const unsigned char wanted[PEA__MAX_HEADS] = {1, 0, 0, 0, 0, 1};
    pea_weights *weights = net_2d(net_full_2d, 3, 16, NET_DEEP);
    pea_network *network = NULL;
    pea_context *context = NULL;
    pea_context_options options = pea_context_options_default();
    uint64_t by_rows = 0, whole = 0;
    options.n_threads = threads;
    if (pea__network_create_for(weights, pea__kernels(), &network, NULL) != PEA_OK ||
        pea_context_new(&options, &context, NULL) != PEA_OK)
        return 1;
    pea_weights_free(weights);
    const double begin_plan = cpu_s();
    if (pea_network_forecast_rows(network, (pea_dims){1, y, x, 3}, wanted, threads, &by_rows, NULL) != PEA_OK ||
        pea_network_forecast(network, (pea_dims){1, y, x, 3}, wanted, threads, &whole, NULL) != PEA_OK)
        return 1;
    printf("{\"kernels\": \"%s\", \"width\": %lld, \"height\": %lld, \"threads\": %d, \"forecast_s\": %.4f, "
           "\"forecast_rows_bytes\": %llu, \"forecast_bytes\": %llu",
           pea_cpu_kernels(), (long long)x, (long long)y, threads, (cpu_s() - begin_plan) / 2,
           (unsigned long long)by_rows, (unsigned long long)whole);
    int64_t row = x * 3;
    const pea_row_io io = {make_rows, drop_rows, &row};
    for (int i = 0; i < repeats; i++) {
        const double cpu = cpu_s(), wall = wall_s();
        if (pea_network_forward_rows(network, context, (pea_dims){1, y, x, 3}, wanted, &io, NULL) != PEA_OK)
            return 1;
        printf(", \"rows_s\": [%.3f, %.3f], \"peak_bytes\": %llu", wall_s() - wall, cpu_s() - cpu,
               (unsigned long long)pea_cpu_memory_peak());
        fflush(stdout);
    }
    printf("}\n");
    pea_context_free(context);
    pea_network_free(network);
    return 0;
}
