/* mean_shift.c - times mean shift on a plane of embeddings:
 *     bench_mean_shift [threads [repeats [NY NX]]]
 * Made up: 20 instances in stripes, each with a place of its own among 16 numbers, and noise around it; 256 x 256 unless
 * told. Prints a line of JSON with the number of labels: fewer than 20, as seeds are the middles of cells, and in 16
 * dimensions those are far from most points.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

enum { N_INSTANCES = 20, DIM = 16 };

static void make_embedding(const pea_volume *embedding)
{
    const pea_dims d = embedding->array.dims;
    unsigned seed = 11;
    float places[N_INSTANCES][DIM], *value = embedding->array.data;
    for (int i = 0; i < N_INSTANCES * DIM; i++)
        places[i / DIM][i % DIM] = 8 * bench_random(&seed) - 4;
    for (int64_t y = 0; y < d.y; y++)
        for (int64_t x = 0; x < d.x; x++)
            for (int64_t c = 0; c < d.c; c++)
                *value++ = places[(x + y / 4) / 16 % N_INSTANCES][c] + 0.5f * bench_random(&seed) - 0.25f;
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 1, repeats = argc > 2 ? atoi(argv[2]) : 3;
    const pea_dims d = {1, argc > 4 ? atoll(argv[3]) : 256, argc > 4 ? atoll(argv[4]) : 256, DIM};
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    pea_volume embedding = {0}, labels = {0};
    pea_error err = {0};
    uint32_t n_labels = 0;
    options.n_threads = threads;
    if (pea_context_new(&options, &context, &err) != PEA_OK ||
        pea_volume_alloc(PEA_FLOAT32, d, &embedding, &err) != PEA_OK ||
        pea_volume_alloc(PEA_UINT32, (pea_dims){1, d.y, d.x, 1}, &labels, &err) != PEA_OK)
        return bench_fail("bench_mean_shift", err.message);
    make_embedding(&embedding);
    bench_times times = {.n = 0};
    for (int i = 0; i < repeats; i++) {
        bench_begin(&times);
        if (pea_mean_shift(&embedding.array, NULL, NULL, context, &labels.array, &n_labels, &err) != PEA_OK)
            return bench_fail("bench_mean_shift", err.message);
        bench_end(&times);
    }
    printf("{\"pixels\": %lld, \"threads\": %d, \"labels\": %u, ", (long long)(d.y * d.x), threads, n_labels);
    bench_print_times(&times);
    pea_volume_free(&embedding);
    pea_volume_free(&labels);
    pea_context_free(context);
    return 0;
}
