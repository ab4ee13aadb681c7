/* convolutions.c - times every convolution of the full networks by itself, in the tiles of a real run, on one thread:
 *     bench_convolutions plane|stack [repeats [line]]      PEA_CPU chooses the kernels
 * Prints a line for each: shape, milliseconds (least), GFLOP/s as a direct convolution would count them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "nn/nets.h"
#include "pea/cpu.h"

static float *random_floats(int64_t n)
{
    float *made = pea__alloc_unset((size_t)n, sizeof *made, NULL);
    for (int64_t i = 0; i < n; i++)
        made[i] = (float)test_u(1, (uint32_t)i) - 0.25f;
    return made;
}

static void run_tiles(const pea__kernels_table *kernels, const pea__conv *conv, const pea__plan *plan, int i,
                      float *scratch)
{
    for (int64_t z = 0; z < conv->nz; z += plan->tile_z[i])
        for (int64_t y = 0; y < conv->ny; y += plan->tile_y[i])
            for (int64_t x = 0; x < conv->nx; x += plan->tile_x[i])
                (conv->shape.winograd ? kernels->winograd_f32 : kernels->conv_f32)(
                    conv,
                    (pea__tile){z, pea__min_i64(z + plan->tile_z[i], conv->nz), y,
                                pea__min_i64(y + plan->tile_y[i], conv->ny), x,
                                pea__min_i64(x + plan->tile_x[i], conv->nx)},
                    scratch);
}

static double time_op(const pea_network *network, const pea__plan *plan, int i, int repeats)
{
    const pea__op *op = &network->ops[i];
    const pea__conv_shape *s = &op->shape;
    const pea_dims d = pea__op_space(network, plan, op);
    const int64_t n = d.z * d.y * d.x;
    float *in = random_floats(n * s->in_channels), *out = random_floats(n * s->out_channels);
    float *residual = random_floats(n * s->out_channels), *scratch = random_floats(plan->scratch_floats);
    float *products = random_floats(s->winograd ? pea__winograd_weights(s, network->kernels->lanes) : 1);
    for (int64_t at = 0; s->winograd && at < s->kz * s->in_channels; at++)
        network->kernels->winograd_weights_f32(s, op->weights, at, products);
    const pea__conv conv = {.shape = *s, .nz = d.z, .ny = d.y, .nx = d.x, .weights = s->winograd ? products : op->weights,
                            .bias = op->bias, .in = in, .in_pitch = s->in_channels, .out = out, .out_pitch = s->out_channels,
                            .epilogue = {.activation = op->activation, .n_activated = op->n_activated,
                                         .residual = op->residual ? residual : NULL, .residual_pitch = s->out_channels,
                                         .residual_scale = op->residual_scale}};
    double least = 1e9;
    for (int k = 0; k <= repeats; k++) {
        const double begin = bench_cpu_s();
        run_tiles(network->kernels, &conv, plan, i, scratch);
        const double seconds = bench_cpu_s() - begin;
        least = seconds < least ? seconds : least;
    }
    const double gflop = 2e-9 * (double)n * (double)(s->kz * s->ky * s->kx * s->in_channels * s->out_channels);
    printf("%3d->%3d %dx%dx%d at %2dx%3dx%3d %-8s%s%s  tile %2dx%3dx%3d  %8.2f ms  %6.1f GFLOP/s\n", (int)s->in_channels,
           (int)s->out_channels, s->kz, s->ky, s->kx, (int)d.z, (int)d.y, (int)d.x, s->winograd ? "winograd" : "direct",
           s->doubled ? " doubled" : "        ", s->halved ? " halved" : "       ", (int)plan->tile_z[i],
           (int)plan->tile_y[i], (int)plan->tile_x[i], 1e3 * least, gflop / least);
    pea__free_unset(in);
    pea__free_unset(out);
    pea__free_unset(residual);
    pea__free_unset(scratch);
    pea__free_unset(products);
    return least;
}

int main(int argc, char **argv)
{
    const bool plane = argc < 2 || strcmp(argv[1], "plane") == 0;
    const pea_dims dims = plane ? (pea_dims){1, 544, 544, 3} : (pea_dims){18, 160, 160, 1};
    pea_weights *weights = plane ? net_2d(net_full_2d, 3, 16, NET_DEEP) : net_3d(net_full_3d, 1, 16, true);
    pea_network *network = NULL;
    static pea__plan plan;
    double total = 0;
    if (pea__network_create_for(weights, pea__kernels(), &network, NULL) != PEA_OK ||
        pea__plan_make(network, dims, PEA_FP32, NULL, false, &plan, NULL) != PEA_OK)
        return 1;
    const int wanted = argc > 3 ? atoi(argv[3]) : 0; /* 0: all */
    for (int i = 0, line = 0; i < network->n_ops; i++)
        if (network->ops[i].kind == PEA__CONV && (++line == wanted || wanted == 0))
            total += time_op(network, &plan, i, argc > 2 ? atoi(argv[2]) : 3);
    printf("%s, kernels %s: %.1f ms in all convolutions\n", plane ? "plane" : "stack", pea_cpu_kernels(), 1e3 * total);
    pea_network_free(network);
    pea_weights_free(weights);
    return 0;
}
