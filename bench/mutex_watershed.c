/* mutex_watershed.c - times the mutex watershed on affinities from a file, beside bench/peers/argsort.py:
 *     bench_mutex_watershed AFFINITY.npy plane|volume [threads [repeats [LABELS.npy|ZxYxX]]]
 * The array is float32 (z,y,x,k). `plane` has the shifts 1,3,5,9,27 with 4 neighbours and strides 5 x 5, `volume` the
 * 12 offsets of the 3-D networks and strides 1 x 10 x 10. Prints a line of JSON with the number of labels, a hash of them,
 * and the memory beyond input and output. LABELS.npy: the labels are written there. ZxYxX: a volume of these extents,
 * in slabs, a part of that of the file or many of it side by side, for volumes that are larger than a file should be.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

enum { SLAB = 32 }; /* slices, as pea_mutex_watershed() has them where a plane is large */

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

/* Slices z..z+n-1 of the volume that is made of copies of `affinity`. */
static void copy_slices(const pea_array *affinity, pea_dims whole, int64_t z, int64_t n, float *slab)
{
    const pea_dims d = affinity->dims;
    for (int64_t i = 0; i < n * whole.y; i++)
        for (int64_t x = 0; x < whole.x; x += d.x) {
            const int64_t row = ((z + i / whole.y) % d.z * d.y + i % whole.y % d.y) * d.x;
            const int64_t some = whole.x - x < d.x ? whole.x - x : d.x;
            const float *from = (const float *)affinity->data + row * d.c;
            memcpy(slab + (i * whole.x + x) * d.c, from, (size_t)(some * d.c) * sizeof *slab);
        }
}

static pea_status by_slabs(const pea_array *affinity, float *slab, const pea_offsets *offsets,
                           const pea_mutex_options *options, pea_context *context, const pea_array *labels,
                           bench_times *times, uint32_t *n_labels, pea_error *err)
{
    const pea_dims d = labels->dims;
    pea_mutex_slabs *slabs = NULL;
    pea_status status = pea_mutex_slabs_new(d, offsets, options, context, labels, &slabs, err);
    for (int64_t z = 0, n; z < d.z && status == PEA_OK; z += n) {
        n = d.z - z < SLAB ? d.z - z : SLAB;
        bench_pause(times);
        copy_slices(affinity, d, z, n, slab);
        bench_go_on(times);
        const pea_array slices = {slab, PEA_FLOAT32, {n, d.y, d.x, affinity->dims.c}};
        status = pea_mutex_slabs_add(slabs, &slices, NULL, err);
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
        return fail("wants AFFINITY.npy plane|volume [threads [repeats [LABELS.npy|ZxYxX]]]");
    if (pea_npy_read(argv[1], &file, &err) != PEA_OK)
        return fail(err.message);
    if (file.dtype != PEA_FLOAT32 || file.n_axes != 4)
        return fail("the affinities must be a float32 array of 4 axes");
    const pea_dims d = {file.shape[0], file.shape[1], file.shape[2], file.shape[3]};
    const pea_array affinity = {file.data, PEA_FLOAT32, d};
    long long extents[3] = {d.z, d.y, d.x};
    const bool in_slabs = argc > 5 && sscanf(argv[5], "%lldx%lldx%lld", extents, extents + 1, extents + 2) == 3;
    const pea_dims whole = {extents[0], extents[1], extents[2], 1};
    const int64_t n_voxels = whole.z * whole.y * whole.x, slab_values = in_slabs ? SLAB * whole.y * whole.x * d.c : 0;
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
    float *slab = malloc((size_t)(slab_values + 1) * sizeof *slab);
    if (!slab)
        return fail("out of memory for a slab");
    memset(slab, 0, (size_t)slab_values * sizeof *slab); /* as the labels: what is there before does not count */
    memset(labels.array.data, 1, (size_t)n_voxels * sizeof(uint32_t)); /* so that it is counted as output */
    const double before = bench_peak_bytes();
    bench_times times = {.n = 0};
    uint32_t n_labels = 0;
    for (int i = 0; i < repeats; i++) {
        bench_begin(&times);
        const pea_array *out = &labels.array;
        const pea_status status =
            in_slabs ? by_slabs(&affinity, slab, &offsets, &options, context, out, &times, &n_labels, &err)
                     : pea_mutex_watershed(&affinity, &offsets, NULL, &options, context, out, &n_labels, &err);
        if (status != PEA_OK)
            return fail(err.message);
        bench_end(&times);
    }
    const double bytes = bench_peak_bytes() - before;
    const pea_npy result = {PEA_UINT32, 4, {d.z, d.y, d.x, 1}, labels.array.data};
    if (argc > 5 && !in_slabs && pea_npy_write(argv[5], &result, context, &err) != PEA_OK)
        return fail(err.message);
    printf("{\"voxels\": %lld, \"threads\": %d, \"labels\": %u, \"hash\": \"%016llx\", \"bytes_a_voxel\": %.1f, ",
           (long long)n_voxels, pea_context_threads(context), n_labels, (unsigned long long)hash_of(&labels.array),
           bytes / (double)n_voxels);
    bench_print_times(&times);
    pea_context_free(context);
    pea_volume_free(&labels);
    free(slab);
    pea_npy_free(&file);
    return 0;
}
