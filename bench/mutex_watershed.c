/* mutex_watershed.c - times the mutex watershed on affinities from a file, beside bench/peers/argsort.py:
 *     bench_mutex_watershed AFFINITY.npy plane|volume [threads [repeats [LABELS.npy|SLICES]]]
 * The array is float32 (z,y,x,k). `plane` has the shifts 1,3,5,9,27 with 4 neighbours and strides 5 x 5, `volume` the
 * 12 offsets of the 3-D networks and strides 1 x 10 x 10. Prints a line of JSON with the number of labels, a hash of them,
 * and the memory beyond input and output. LABELS.npy: the labels are written there. SLICES: so many, in slabs, those of the
 * file again and again, for volumes that are larger than a file should be.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

enum { SLAB = 10 }; /* slices */

static int fail(const char *what)
{
    return bench_fail("bench_mutex_watershed", what);
}

static uint64_t hash_of(const pea_array *labels)
{
    const uint32_t *label = labels->data;
    uint64_t hash = 1469598103934665603u;
    for (int64_t p = 0; p < labels->dims.z * labels->dims.y * labels->dims.x; p++)
        hash = (hash ^ label[p]) * 1099511628211u;
    return hash;
}

/* The slices of `affinity` again and again. */
static pea_status by_slabs(const pea_array *affinity, const pea_offsets *offsets, const pea_mutex_options *options,
                           pea_context *context, const pea_array *labels, uint32_t *n_labels, pea_error *err)
{
    const pea_dims d = affinity->dims;
    pea_mutex_slabs *slabs = NULL;
    pea_status status = pea_mutex_slabs_new(labels->dims, offsets, options, context, labels, &slabs, err);
    for (int64_t z = 0, n; z < labels->dims.z && status == PEA_OK; z += n) {
        const int64_t from = z % d.z, left = labels->dims.z - z;
        n = d.z - from < SLAB ? d.z - from : SLAB;
        n = n < left ? n : left;
        const pea_array slab = {(float *)affinity->data + from * d.y * d.x * d.c, PEA_FLOAT32, {n, d.y, d.x, d.c}};
        status = pea_mutex_slabs_add(slabs, &slab, NULL, err);
    }
    if (status == PEA_OK)
        status = pea_mutex_slabs_finish(slabs, n_labels, err);
    pea_mutex_slabs_free(slabs);
    return status;
}

int main(int argc, char **argv)
{
    const bool plane = argc > 2 && strcmp(argv[2], "plane") == 0;
    const int threads = argc > 3 ? atoi(argv[3]) : 1, repeats = argc > 4 ? atoi(argv[4]) : 3;
    pea_npy file;
    pea_volume labels = {0};
    pea_context *context = NULL;
    pea_error err = {0};
    if (argc < 3)
        return fail("wants AFFINITY.npy plane|volume [threads [repeats [LABELS.npy|SLICES]]]");
    if (pea_npy_read(argv[1], &file, &err) != PEA_OK)
        return fail(err.message);
    if (file.dtype != PEA_FLOAT32 || file.n_axes != 4)
        return fail("the affinities must be a float32 array of 4 axes");
    const pea_dims d = {file.shape[0], file.shape[1], file.shape[2], file.shape[3]};
    const pea_array affinity = {file.data, PEA_FLOAT32, d};
    const int64_t n_slices = argc > 5 ? atoll(argv[5]) : 0; /* 0: those of the file, as one */
    const pea_dims whole = {n_slices > 0 ? n_slices : d.z, d.y, d.x, 1};
    const int64_t n_voxels = whole.z * d.y * d.x;
    pea_offsets offsets = pea_offsets_3d_default();
    pea_mutex_options options = pea_mutex_options_default();
    options.stride[1] = options.stride[2] = plane ? 5 : 10;
    if (plane && pea_offsets_from_shifts((const int[]){1, 3, 5, 9, 27}, 5, 4, &offsets, &err) != PEA_OK)
        return fail(err.message);
    pea_context_options context_options = pea_context_options_default();
    context_options.n_threads = threads;
    if (pea_context_new(&context_options, &context, &err) != PEA_OK ||
        pea_volume_alloc(PEA_UINT32, whole, &labels, &err) != PEA_OK)
        return fail(err.message);
    memset(labels.array.data, 1, (size_t)n_voxels * sizeof(uint32_t)); /* so that it is counted as output */
    const double before = bench_peak_bytes();
    bench_times times = {.n = 0};
    uint32_t n_labels = 0;
    for (int i = 0; i < repeats; i++) {
        bench_begin(&times);
        const pea_status status =
            n_slices > 0 ? by_slabs(&affinity, &offsets, &options, context, &labels.array, &n_labels, &err)
                         : pea_mutex_watershed(&affinity, &offsets, NULL, &options, context, &labels.array, &n_labels, &err);
        if (status != PEA_OK)
            return fail(err.message);
        bench_end(&times);
    }
    const double bytes = bench_peak_bytes() - before;
    const pea_npy result = {PEA_UINT32, 4, {d.z, d.y, d.x, 1}, labels.array.data};
    if (argc > 5 && n_slices == 0 && pea_npy_write(argv[5], &result, context, &err) != PEA_OK)
        return fail(err.message);
    printf("{\"voxels\": %lld, \"threads\": %d, \"labels\": %u, \"hash\": \"%016llx\", \"bytes_a_voxel\": %.1f, ",
           (long long)n_voxels, pea_context_threads(context), n_labels, (unsigned long long)hash_of(&labels.array),
           bytes / (double)n_voxels);
    bench_print_times(&times);
    pea_context_free(context);
    pea_volume_free(&labels);
    pea_npy_free(&file);
    return 0;
}
