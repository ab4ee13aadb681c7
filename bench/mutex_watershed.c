/* mutex_watershed.c - times the mutex watershed on affinities from a file, as bench/compare_argsort.py asks for:
 *     bench_mutex_watershed AFFINITY.npy plane|volume [threads] [repeats] [MASK.npy]
 * The array is float32 (z,y,x,k). `plane` has the shifts 1,3,5,9,27 with 4 neighbours and strides 5 x 5, `volume` the
 * 12 offsets of the 3-D networks and strides 1 x 10 x 10. Prints one line of JSON: wall and CPU seconds (CPU time of
 * all threads, which a busy machine leaves comparable), labels, a hash of them, and the memory beyond input and output.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pea/pea.h"

enum { MOST_REPEATS = 100 };

static double now_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Linux only, elsewhere 0. Not that of getrusage(), which begins with the peak of the program that started this one. */
static double peak_bytes(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        (void)sscanf(line, "VmHWM: %ld", &kib);
    if (status)
        fclose(status);
    return 1024.0 * (double)kib;
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_mutex_watershed: %s\n", what);
    return 1;
}

static bool read_array(const char *path, pea_dtype dtype, pea_npy *file, pea_array *array)
{
    if (pea_npy_read(path, file, NULL) != PEA_OK || file->dtype != dtype || file->n_axes != 4)
        return false;
    *array = (pea_array){file->data, dtype, {file->shape[0], file->shape[1], file->shape[2], file->shape[3]}};
    return true;
}

static uint64_t hash_of(const pea_array *labels)
{
    const uint32_t *label = labels->data;
    uint64_t hash = 1469598103934665603u;
    for (int64_t p = 0; p < labels->dims.z * labels->dims.y * labels->dims.x; p++)
        hash = (hash ^ label[p]) * 1099511628211u;
    return hash;
}

static void print_list(const char *name, const double *values, int n)
{
    printf(", \"%s\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%.4f", i ? ", " : "", values[i]);
    printf("]");
}

int main(int argc, char **argv)
{
    const bool plane = argc > 2 && strcmp(argv[2], "plane") == 0;
    const int threads = argc > 3 ? atoi(argv[3]) : 1, repeats = argc > 4 ? atoi(argv[4]) : 3;
    pea_npy file, mask_file;
    pea_array affinity, mask;
    pea_volume labels = {0};
    pea_context *context = NULL;
    pea_error err = {0};
    if (argc < 3 || repeats < 1 || repeats > MOST_REPEATS)
        return fail("usage: bench_mutex_watershed AFFINITY.npy plane|volume [threads] [repeats] [MASK.npy]");
    if (!read_array(argv[1], PEA_FLOAT32, &file, &affinity))
        return fail("the affinities must be a float32 array of 4 axes");
    if (argc > 5 && !read_array(argv[5], PEA_UINT8, &mask_file, &mask))
        return fail("the mask must be a uint8 array of 4 axes");
    pea_offsets offsets = pea_offsets_3d_default();
    pea_mutex_options options = pea_mutex_options_default();
    options.stride[1] = options.stride[2] = plane ? 5 : 10;
    if (plane && pea_offsets_from_shifts((const int[]){1, 3, 5, 9, 27}, 5, 4, &offsets, NULL) != PEA_OK)
        return fail("no offsets");
    pea_context_options context_options = pea_context_options_default();
    context_options.n_threads = threads;
    const pea_dims d = affinity.dims;
    if (pea_context_new(&context_options, &context, NULL) != PEA_OK ||
        pea_volume_alloc(PEA_UINT32, (pea_dims){d.z, d.y, d.x, 1}, &labels, NULL) != PEA_OK)
        return fail("no memory");
    memset(labels.array.data, 1, (size_t)(d.z * d.y * d.x) * sizeof(uint32_t)); /* so that it is counted as output */
    const double before = peak_bytes();
    double seconds[MOST_REPEATS], cpu_seconds[MOST_REPEATS];
    uint32_t n_labels = 0;
    for (int i = 0; i < repeats; i++) {
        const double begin = now_s(CLOCK_MONOTONIC), cpu_begin = now_s(CLOCK_PROCESS_CPUTIME_ID);
        if (pea_mutex_watershed(&affinity, &offsets, argc > 5 ? &mask : NULL, &options, context, &labels.array,
                                &n_labels, &err) != PEA_OK)
            return fail(err.message);
        seconds[i] = now_s(CLOCK_MONOTONIC) - begin;
        cpu_seconds[i] = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
    }
    const double bytes = peak_bytes() - before;
    printf("{\"voxels\": %lld, \"threads\": %d, \"labels\": %u, \"hash\": \"%016llx\", \"bytes_a_voxel\": %.1f",
           (long long)(d.z * d.y * d.x), pea_context_threads(context), n_labels,
           (unsigned long long)hash_of(&labels.array), bytes / (double)(d.z * d.y * d.x));
    print_list("seconds", seconds, repeats);
    print_list("cpu_seconds", cpu_seconds, repeats);
    printf("}\n");
    pea_context_free(context);
    pea_volume_free(&labels);
    pea_npy_free(&file);
    if (argc > 5)
        pea_npy_free(&mask_file);
    return 0;
}
