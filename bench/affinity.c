/* affinity.c - times embeddings becoming affinities, as bench/peers/affinity_torch.py does in PyTorch:
 *     bench_affinity plane|stack [threads [repeats [sampled]]]      PEA_CPU chooses the kernels
 * 10 offsets of 544 x 544 or 12 of 18 x 160 x 160, 16 channels, random; every affinity, or, `sampled`, repulsive ones only
 * where strides of 5 or 10 keep them, as clustering wants them. Prints a line of JSON.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

int main(int argc, char **argv)
{
    const bool plane = argc < 2 || strcmp(argv[1], "plane") == 0, sampled = argc > 4;
    const int threads = argc > 2 ? atoi(argv[2]) : 1, repeats = argc > 3 ? atoi(argv[3]) : 3;
    pea_offsets offsets = pea_offsets_3d_default();
    pea_affinity_options options = pea_affinity_options_default();
    pea_context_options context_options = pea_context_options_default();
    pea_dims dims = plane ? (pea_dims){1, 544, 544, 16} : (pea_dims){18, 160, 160, 16};
    pea_context *context = NULL;
    pea_volume embedding = {0}, affinity = {0};
    pea_error err = {0};
    context_options.n_threads = threads;
    options.stride[1] = options.stride[2] = sampled ? plane ? 5 : 10 : 1;
    if (plane && pea_offsets_from_shifts((const int[]){1, 3, 5, 9, 27}, 5, 4, &offsets, &err) != PEA_OK)
        return bench_fail("bench_affinity", err.message);
    if (pea_context_new(&context_options, &context, &err) != PEA_OK ||
        pea_volume_alloc(PEA_FLOAT32, dims, &embedding, &err) != PEA_OK)
        return bench_fail("bench_affinity", err.message);
    unsigned seed = 3;
    float *value = embedding.array.data;
    for (int64_t i = 0; i < dims.z * dims.y * dims.x * dims.c; i++)
        value[i] = 2 * bench_random(&seed) - 1;
    dims.c = (int64_t)offsets.n;
    if (pea_volume_alloc(PEA_FLOAT32, dims, &affinity, &err) != PEA_OK)
        return bench_fail("bench_affinity", err.message);
    bench_times times = {.n = 0};
    for (int i = 0; i <= repeats; i++) { /* the first one warms up */
        bench_begin(&times);
        if (pea_affinity_from_embedding(&embedding.array, &offsets, &options, context, &affinity.array, &err) != PEA_OK)
            return bench_fail("bench_affinity", err.message);
        if (i > 0)
            bench_end(&times);
    }
    printf("{\"kernels\": \"%s\", \"what\": \"%s\", \"offsets\": %zu, \"threads\": %d, ", pea_cpu_kernels(),
           plane ? "plane" : "stack", offsets.n, threads);
    bench_print_times(&times);
    pea_volume_free(&embedding);
    pea_volume_free(&affinity);
    pea_context_free(context);
    return 0;
}
