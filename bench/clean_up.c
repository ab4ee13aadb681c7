/* clean_up.c - times what tidies label images, one after another, each on the same labels:
 *     bench_clean_up LABELS.npy AFFINITY.npy [threads [repeats]]
 * uint32 (z,y,x,1) as bench_mutex_watershed writes them, and float32 (z,y,x,k), k 3 or 12: the first offsets of the 3-D
 * networks. Prints a line of JSON: CPU seconds of each.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

enum { SMALL = 100 }; /* voxels */

typedef struct input {
    pea_array affinity;
    pea_offsets offsets;
    pea_context *context;
} input;

typedef pea_status step_fn(const input *in, const pea_array *labels, pea_error *err);

static pea_status relabel(const input *in, const pea_array *labels, pea_error *err)
{
    return pea_relabel(labels, in->context, NULL, err);
}

static pea_status remove_small(const input *in, const pea_array *labels, pea_error *err)
{
    return pea_remove_small(labels, SMALL, in->context, err);
}

static pea_status merge_small(const input *in, const pea_array *labels, pea_error *err)
{
    const pea_merge_pass passes[] = {{5, 5}, {20, 11}, {50, 11}, {300, 21}};
    return pea_merge_small(labels, passes, sizeof passes / sizeof *passes, in->context, err);
}

static pea_status fill_holes(const input *in, const pea_array *labels, pea_error *err)
{
    return pea_fill_holes(labels, PEA_CONNECT_FACES, in->context, err);
}

static pea_status split_parts(const input *in, const pea_array *labels, pea_error *err)
{
    return pea_split_parts(labels, PEA_CONNECT_CORNERS, in->context, NULL, err);
}

static pea_status keep_largest_parts(const input *in, const pea_array *labels, pea_error *err)
{
    return pea_keep_largest_parts(labels, PEA_CONNECT_CORNERS, in->context, err);
}

static pea_status absorb_small(const input *in, const pea_array *labels, pea_error *err)
{
    return pea_absorb_small(labels, &in->affinity, &in->offsets, SMALL, in->context, err);
}

static const struct {
    const char *name;
    step_fn *run;
} steps[] = {{"relabel", relabel},         {"remove_small", remove_small}, {"merge_small", merge_small},
             {"fill_holes", fill_holes},   {"split_parts", split_parts},   {"keep_largest_parts", keep_largest_parts},
             {"absorb_small", absorb_small}};

int main(int argc, char **argv)
{
    const int threads = argc > 3 ? atoi(argv[3]) : 1;
    const int repeats = argc <= 4 ? 3 : atoi(argv[4]) < BENCH_MOST_RUNS ? atoi(argv[4]) : BENCH_MOST_RUNS;
    pea_npy labels_file, affinity_file;
    pea_volume work = {0};
    pea_context_options options = pea_context_options_default();
    pea_error err = {0};
    if (argc < 3)
        return bench_fail("bench_clean_up", "wants LABELS.npy AFFINITY.npy [threads [repeats]]");
    if (pea_npy_read(argv[1], &labels_file, &err) != PEA_OK || pea_npy_read(argv[2], &affinity_file, &err) != PEA_OK)
        return bench_fail("bench_clean_up", err.message);
    if (labels_file.dtype != PEA_UINT32 || labels_file.n_axes != 4 || affinity_file.dtype != PEA_FLOAT32 ||
        affinity_file.n_axes != 4)
        return bench_fail("bench_clean_up", "labels must be uint32, affinities float32, both of 4 axes");
    const int64_t *shape = affinity_file.shape;
    const pea_dims d = {labels_file.shape[0], labels_file.shape[1], labels_file.shape[2], 1};
    input in = {.affinity = {affinity_file.data, PEA_FLOAT32, {shape[0], shape[1], shape[2], shape[3]}},
                .offsets = pea_offsets_3d_default()};
    in.offsets.n = (size_t)shape[3];
    options.n_threads = threads;
    if (pea_context_new(&options, &in.context, &err) != PEA_OK ||
        pea_volume_alloc(PEA_UINT32, d, &work, &err) != PEA_OK)
        return bench_fail("bench_clean_up", err.message);
    printf("{\"voxels\": %lld, \"threads\": %d, ", (long long)(d.z * d.y * d.x), threads);
    for (size_t step = 0; step < sizeof steps / sizeof *steps; step++) {
        double seconds[BENCH_MOST_RUNS];
        for (int i = 0; i < repeats; i++) {
            memcpy(work.array.data, labels_file.data, (size_t)(d.z * d.y * d.x) * sizeof(uint32_t));
            const double begin = bench_cpu_s();
            if (steps[step].run(&in, &work.array, &err) != PEA_OK)
                return bench_fail("bench_clean_up", err.message);
            seconds[i] = bench_cpu_s() - begin;
        }
        bench_print_list(steps[step].name, seconds, repeats);
    }
    printf("\"peak_bytes\": %.0f}\n", bench_peak_bytes());
    pea_volume_free(&work);
    pea_npy_free(&labels_file);
    pea_npy_free(&affinity_file);
    pea_context_free(in.context);
    return 0;
}
