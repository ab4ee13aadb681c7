/* forward.c - times passes of the full networks with random weights, as bench/peers/forward_torch.py does in PyTorch:
 *     bench_forward plane|stack [threads [repeats [fp32|bf16 [NY NX]]]]      PEA_CPU chooses the kernels
 * NY x NX instead of 544 x 544 or 160 x 160. Prints a line of JSON, with the forecast of memory. `pea bench forward` is for
 * users; this one also tells CPU time, which a busy machine leaves comparable. It takes the networks of the unit tests.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "nn/nets.h"
#include "pea/cpu.h"

int main(int argc, char **argv)
{
    const bool plane = argc < 2 || strcmp(argv[1], "plane") == 0;
    const int threads = argc > 2 ? atoi(argv[2]) : 1, repeats = argc > 3 ? atoi(argv[3]) : 3;
    pea_dims dims = plane ? (pea_dims){1, 544, 544, 3} : (pea_dims){18, 160, 160, 1};
    pea_precision precision = PEA_FP32;
    if (argc > 4 && !pea_precision_parse(argv[4], &precision))
        return bench_fail("bench_forward", "the precision is fp32 or bf16");
    if (argc > 6) {
        dims.y = atoll(argv[5]);
        dims.x = atoll(argv[6]);
    }
    net_case n = plane ? net_open(net_2d(net_full_2d, 3, 16, NET_DEEP), pea__kernels(), dims)
                       : net_open(net_3d(net_full_3d, 1, 16, true), pea__kernels(), dims);
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    pea_error err = {0};
    uint64_t forecast = 0;
    options.n_threads = threads;
    if (pea_context_new(&options, &context, &err) != PEA_OK ||
        pea_network_forecast(n.network, n.in.dims, precision, NULL, threads, &forecast, &err) != PEA_OK)
        return bench_fail("bench_forward", err.message);
    bench_times times = {.n = 0};
    for (int i = 0; i <= repeats; i++) { /* the first one warms up */
        bench_begin(&times);
        if (pea_network_forward(n.network, context, precision, &n.in, n.outputs, &err) != PEA_OK)
            return bench_fail("bench_forward", err.message);
        if (i > 0)
            bench_end(&times);
    }
    printf("{\"kernels\": \"%s\", \"what\": \"%s\", \"precision\": \"%s\", \"zyx\": [%d, %d, %d], \"threads\": %d, \"forecast_bytes\": %llu, ",
           pea_cpu_kernels(), plane ? "plane" : "stack", pea_precision_name(precision), (int)dims.z, (int)dims.y, (int)dims.x, threads,
           (unsigned long long)forecast);
    bench_print_times(&times);
    pea_context_free(context);
    net_close(&n);
    return 0;
}
