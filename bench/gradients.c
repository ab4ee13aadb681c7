/* gradients.c - times one convolution of a network in training, forward and both gradients, on one thread:
 *     bench_gradients N Z Y X IN OUT KZ KY KX DOUBLED [repeats]        PEA_CPU chooses the kernels
 * N images of Z x Y x X outputs; DOUBLED 1: the input is half as large in y and x. Prints processor time of each (median)
 * as one line of JSON, for bench/gradients_torch.py.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "gradient/gradient.h"
#include "pea/cpu.h"

enum { FORWARD, INPUT, WEIGHT, N_KINDS, MOST_REPEATS = 64 };

typedef struct bench {
    pea__layer layer;
    pea__run run;
    float *in, *out, *to, *weights, *weights_to;
} bench;

static float *random_floats(int64_t n)
{
    float *made = pea__alloc_unset((size_t)n, sizeof *made, NULL);
    unsigned seed = 1;
    for (int64_t i = 0; made && i < n; i++)
        made[i] = bench_random(&seed) - 0.5f;
    return made;
}

static double time_once(bench *b, int kind)
{
    const pea__conv_shape *s = &b->layer.shape;
    const pea__slice in = {b->in, s->in_channels}, out = {b->out, s->out_channels}, to = {b->to, s->in_channels};
    const pea__slice none = {NULL, 0};
    const double begin = bench_cpu_s();
    if (kind == FORWARD)
        pea__conv_forward(&b->run, &b->layer, b->weights, NULL, in, none, PEA__LINEAR, out, NULL);
    else if (kind == INPUT)
        pea__conv_input_gradient(&b->run, &b->layer, b->weights, out, none, to, NULL);
    else
        pea__conv_weight_gradient(&b->run, &b->layer, in, out, b->weights_to, NULL);
    return bench_cpu_s() - begin;
}

static int in_order(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double time_median(bench *b, int kind, int repeats)
{
    double seconds[MOST_REPEATS];
    time_once(b, kind);
    for (int i = 0; i < repeats; i++)
        seconds[i] = time_once(b, kind);
    qsort(seconds, (size_t)repeats, sizeof *seconds, in_order);
    return seconds[repeats / 2];
}

int main(int argc, char **argv)
{
    int64_t v[10];
    for (int i = 0; i < 10; i++)
        v[i] = argc > 10 ? strtoll(argv[i + 1], NULL, 10) : 0;
    const int repeats = argc > 11 ? atoi(argv[11]) : 5;
    if (argc < 11 || repeats < 1 || repeats > MOST_REPEATS) {
        fprintf(stderr, "usage: bench_gradients N Z Y X IN OUT KZ KY KX DOUBLED [repeats]\n");
        return 2;
    }
    bench b = {.layer = {{.in_channels = v[4], .out_channels = v[5], .kz = (int)v[6], .ky = (int)v[7], .kx = (int)v[8],
                          .doubled = v[9] != 0}, {v[0], v[1], v[2], v[3]}},
               .run = {.kernels = pea__kernels(), .to = 1.0}};
    const int64_t n = v[0] * v[1] * v[2] * v[3], n_in = n / (v[9] ? 4 : 1), n_weights = v[4] * v[5] * v[6] * v[7] * v[8];
    int64_t work = pea__conv_forward_work(&b.layer, b.run.kernels, 1);
    work = pea__max_i64(work, pea__conv_input_gradient_work(&b.layer, b.run.kernels, 1));
    work = pea__max_i64(work, pea__conv_weight_gradient_work(&b.layer, b.run.kernels, 1));
    b.in = random_floats(n_in * v[4]);
    b.to = random_floats(n_in * v[4]);
    b.out = random_floats(n * v[5]);
    b.weights = random_floats(n_weights);
    b.weights_to = random_floats(n_weights);
    b.run.work = random_floats(work);
    if (!b.in || !b.to || !b.out || !b.weights || !b.weights_to || !b.run.work)
        return 1;
    const double gflop = 2e-9 * (double)n * (double)n_weights;
    double s[N_KINDS];
    for (int kind = 0; kind < N_KINDS; kind++)
        s[kind] = time_median(&b, kind, repeats);
    printf("{\"kernels\": \"%s\", \"gflop\": %.4f, \"forward_s\": %.6f, \"input_s\": %.6f, \"weight_s\": %.6f, "
           "\"work_mb\": %.1f, \"gflops\": [%.1f, %.1f, %.1f]}\n",
           pea_cpu_kernels(), gflop, s[FORWARD], s[INPUT], s[WEIGHT], 4e-6 * (double)work, gflop / s[FORWARD],
           gflop / s[INPUT], gflop / s[WEIGHT]);
    pea__free_unset(b.in);
    pea__free_unset(b.to);
    pea__free_unset(b.out);
    pea__free_unset(b.weights);
    pea__free_unset(b.weights_to);
    pea__free_unset(b.run.work);
    return 0;
}
