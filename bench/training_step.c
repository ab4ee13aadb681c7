/* training_step.c - times the networks' share of a training step, forward and backward with gradients of all parameters:
 *     bench_training_step plane|stack [threads [repeats]]         PEA_CPU chooses the kernels
 * plane: 2 images of 256 x 256; stack: 2 of 18 x 160 x 160. Gradients of the heads are random numbers, weights too. Prints
 * medians and peak memory as one line of JSON, for bench/table.py.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "gradient/chain.h"
#include "pea/cpu.h"

enum { MOST_REPEATS = 32 };

static void fill(float *data, int64_t n, float size)
{
    static unsigned seed = 1;
    for (int64_t i = 0; i < n; i++)
        data[i] = size * (bench_random(&seed) - 0.5f);
}

static int in_order(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double median(double *seconds, int n)
{
    qsort(seconds, (size_t)n, sizeof *seconds, in_order);
    return seconds[n / 2];
}

static int64_t head_floats(const chain *c)
{
    int64_t n = 0;
    for (int k = 0; k < c->n_heads; k++)
        n += chain_floats(c, c->values[c->heads[k]].buffer);
    return n;
}

static int time_steps(chain *c, const char *what, int threads, int repeats)
{
    double forward[MOST_REPEATS], backward[MOST_REPEATS];
    float *heads = pea__alloc_unset((size_t)head_floats(c), sizeof *heads, NULL);
    pea_error err = {0};
    if (!heads)
        return 1;
    fill(heads, head_floats(c), 1e-3f);
    for (int i = -1; i < repeats; i++) { /* the first does not count */
        const double begin = bench_cpu_s();
        if (chain_forward(c, &err) != PEA_OK)
            break;
        const double middle = bench_cpu_s();
        if (chain_backward(c, heads, &err) != PEA_OK)
            break;
        forward[i < 0 ? 0 : i] = middle - begin;
        backward[i < 0 ? 0 : i] = bench_cpu_s() - middle;
    }
    pea__free_unset(heads);
    if (err.status != PEA_OK)
        return bench_fail("bench_training_step", err.message);
    printf("{\"what\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"parameters\": %lld, \"forward_cpu_s\": %.4f, "
           "\"backward_cpu_s\": %.4f, \"peak_bytes\": %.0f}\n",
           what, pea_cpu_kernels(), threads, (long long)c->n_parameters, median(forward, repeats), median(backward, repeats),
           bench_peak_bytes());
    return 0;
}

int main(int argc, char **argv)
{
    static const int64_t plane[5] = {16, 32, 64, 128, 256}, stack[5] = {28, 36, 48, 64, 80};
    static chain c;
    const bool is_plane = argc < 2 || strcmp(argv[1], "plane") == 0;
    const int threads = argc > 2 ? atoi(argv[2]) : 1, repeats = argc > 3 ? atoi(argv[3]) : 3;
    pea_context_options options = pea_context_options_default();
    options.n_threads = threads;
    if (repeats < 1 || repeats > MOST_REPEATS || pea_context_new(&options, &c.run.context, NULL) != PEA_OK)
        return 2;
    c.run.kernels = pea__kernels();
    if (is_plane)
        chain_plane(&c, (pea__batch){2, 1, 256, 256}, plane, 16);
    else
        chain_stack(&c, (pea__batch){2, 18, 160, 160}, stack, 16);
    int result = 1;
    if (chain_ready(&c)) {
        fill(c.parameters, c.n_parameters, 0.1f);
        fill(c.buffers[1].data, chain_floats(&c, 1), 2.0f);
        result = time_steps(&c, is_plane ? "plane" : "stack", threads, repeats);
    }
    chain_free(&c);
    pea_context_free(c.run.context);
    return result;
}
