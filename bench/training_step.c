/* training_step.c - times whole steps of training as bench/peers/training_step_torch.py does them in PyTorch: both views
 * forward, all losses, backward, update:
 *     bench_training_step plane|stack [threads [repeats [Y [Z]]]]         PEA_CPU chooses the kernels
 * plane: 2 images of 256 x 256; stack: 2 of 18 x 160 x 160; Y and Z instead. Weights and images are random numbers, labels
 * boxes. Prints a line of JSON, with the forecast of memory. It takes the networks of the unit tests.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "nn/nets.h"
#include "pea/cpu.h"
#include "train/train.h"

typedef struct material {
    pea_weights *weights;
    pea__batch batch;
    pea__curriculum curriculum;
    pea__sample sample;
} material;

static float *random_image(pea__batch batch, int64_t channels, unsigned seed)
{
    const int64_t n = pea__batch_voxels(batch) * channels;
    float *made = malloc((size_t)n * sizeof *made);
    for (int64_t i = 0; made && i < n; i++)
        made[i] = bench_random(&seed);
    return made;
}

static uint32_t *boxes(pea__batch b)
{
    uint32_t *made = malloc((size_t)pea__batch_voxels(b) * sizeof *made);
    for (int64_t p = 0; made && p < pea__batch_voxels(b); p++) {
        const int64_t x = p % b.x, y = p / b.x % b.y;
        made[p] = x % 23 < 3 || y % 19 < 2 ? 0 : (uint32_t)(1 + x / 23 + 100 * (y / 19));
    }
    return made;
}

static bool material_make(bool is_plane, pea__batch batch, material *m)
{
    static const int shifts[5] = {1, 3, 5, 9, 27};
    static const pea__view flips[2] = {{.reverse_x = true}, {.reverse_y = true, .exchange = true}};
    const int64_t channels = is_plane ? 3 : 1;
    m->weights = is_plane ? net_2d(net_full_2d, 3, 16, NET_DEEP) : net_3d(net_full_3d, 1, 16, true);
    m->batch = batch;
    m->curriculum = pea__curriculum_volume();
    if (is_plane && pea__curriculum_plane(shifts, 5, 4, 1.0, &m->curriculum, NULL) != PEA_OK)
        return false;
    m->sample = (pea__sample){random_image(batch, channels, 1), random_image(batch, channels, 2), flips, boxes(batch)};
    return m->sample.view && m->sample.second_view && m->sample.labels;
}

static pea_status time_steps(material *m, pea_context *context, int repeats, bench_times *times, pea_error *err)
{
    pea__teacher *teacher = NULL;
    pea__losses losses;
    pea_status status = pea__teacher_new(m->weights, m->batch, &m->curriculum, pea__kernels(), context, &teacher, err);
    pea_weights_free(m->weights); /* the teacher has its own */
    for (int i = 0; i <= repeats && status == PEA_OK; i++) { /* the first one warms up */
        bench_begin(times);
        status = pea__teacher_gradients(teacher, &m->sample, &losses, err);
        if (status == PEA_OK)
            status = pea__teacher_update(teacher, 1e-4, err);
        if (i > 0)
            bench_end(times);
    }
    pea__teacher_free(teacher);
    return status;
}

int main(int argc, char **argv)
{
    const bool is_plane = argc < 2 || strcmp(argv[1], "plane") == 0;
    const int repeats = argc > 3 ? atoi(argv[3]) : 3;
    pea__batch batch = is_plane ? (pea__batch){2, 1, 256, 256} : (pea__batch){2, 18, 160, 160};
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    pea_error err = {0};
    uint64_t forecast = 0;
    material m;
    options.n_threads = argc > 2 ? atoi(argv[2]) : 1;
    if (argc > 4)
        batch.y = batch.x = atoll(argv[4]);
    if (argc > 5)
        batch.z = atoll(argv[5]);
    bench_times times = {.n = 0};
    if (pea_context_new(&options, &context, &err) != PEA_OK || !material_make(is_plane, batch, &m) ||
        pea__teacher_bytes(m.weights, batch, &m.curriculum, pea__kernels(), context, &forecast, &err) != PEA_OK ||
        time_steps(&m, context, repeats, &times, &err) != PEA_OK)
        return bench_fail("bench_training_step", err.message);
    printf("{\"kernels\": \"%s\", \"what\": \"%s\", \"threads\": %d, \"forecast_bytes\": %llu, ", pea_cpu_kernels(),
           is_plane ? "plane" : "stack", options.n_threads, (unsigned long long)forecast);
    bench_print_times(&times);
    pea_context_free(context);
    return 0;
}
