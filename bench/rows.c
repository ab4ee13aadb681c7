/* rows.c - times the full plane network by rows, with the heads that a segmentation wants, and tells its memory:
 *     bench_rows NY NX [threads [repeats [fp32|bf16]]]      PEA_CPU chooses the kernels; without repeats: the forecast alone
 * Rows are made up when they are asked for and thrown away when they come. Prints a line of JSON. It takes the networks of
 * the unit tests.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "nn/nets.h"
#include "pea/cpu.h"

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
    const pea_dims dims = {1, argc > 1 ? atoll(argv[1]) : 544, argc > 2 ? atoll(argv[2]) : 544, 3};
    const int threads = argc > 3 ? atoi(argv[3]) : 1, repeats = argc > 4 ? atoi(argv[4]) : 0;
    pea_weights *weights = net_2d(net_full_2d, 3, 16, NET_DEEP);
    pea_context_options options = pea_context_options_default();
    pea_network *network = NULL;
    pea_context *context = NULL;
    pea_error err = {0};
    unsigned char wanted[PEA__MAX_HEADS] = {0};
    uint64_t forecast = 0;
    pea_precision precision = PEA_FP32;
    int64_t row = dims.x * dims.c;
    const pea_row_io io = {make_rows, drop_rows, &row};
    if (argc > 5 && !pea_precision_parse(argv[5], &precision))
        return bench_fail("bench_rows", "the precision is fp32 or bf16");
    options.n_threads = threads;
    if (pea__network_create_for(weights, pea__kernels(), &network, &err) != PEA_OK ||
        pea_context_new(&options, &context, &err) != PEA_OK)
        return bench_fail("bench_rows", err.message);
    pea_weights_free(weights);
    wanted[pea_network_find_head(network, "embedding")] = wanted[pea_network_find_head(network, "foreground_logits")] = 1;
    if (pea_network_forecast_rows(network, dims, precision, wanted, threads, &forecast, &err) != PEA_OK)
        return bench_fail("bench_rows", err.message);
    bench_times times = {.n = 0};
    for (int i = 0; i < repeats; i++) {
        bench_begin(&times);
        if (pea_network_forward_rows(network, context, precision, dims, wanted, &io, &err) != PEA_OK)
            return bench_fail("bench_rows", err.message);
        bench_end(&times);
    }
    printf("{\"kernels\": \"%s\", \"what\": \"rows\", \"zyx\": [1, %d, %d], \"threads\": %d, \"forecast_bytes\": %llu, ",
           pea_cpu_kernels(), (int)dims.y, (int)dims.x, threads, (unsigned long long)forecast);
    bench_print_times(&times);
    pea_context_free(context);
    pea_network_free(network);
    return 0;
}
