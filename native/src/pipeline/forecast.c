/* forecast.c - how much memory a call will need, and whether it may have that.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "pipeline/pipeline.h"

#include <inttypes.h>

/* What the allocator and the stacks of threads add. */
enum { OVERHEAD_BYTES = 1 << 20, OVERHEAD_SHARE = 64 };

uint64_t pea__bytes_mul(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

uint64_t pea__bytes_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t count_voxels(pea_dims d)
{
    return pea__bytes_mul(pea__bytes_mul((uint64_t)d.z, (uint64_t)d.y), (uint64_t)d.x);
}

/* Of the graph for each voxel. Only the fragments for agglomerating a volume are small, and those for a multicut that
 * may be. */
static uint64_t graph_bytes(const pea_segment_options *options)
{
    enum { SMALL_BYTES = 110, LARGE_BYTES = 12, LARGE = 100 };
    if (options->clusterer == PEA_CLUSTER_AGGLOMERATE)
        return options->offsets.n_axes == 3 ? SMALL_BYTES : LARGE_BYTES;
    const int64_t size = pea__max_i64(1, options->fragment_size);
    return (uint64_t)pea__min_i64(SMALL_BYTES, pea__max_i64(LARGE_BYTES, LARGE_BYTES * LARGE / size));
}

/* Scratch of each thread for a plane; the graph of the fragments and what cuts it. How many fragments there are depends
 * on the data; the figures are those of noise. A chessboard has more: every step on the graph counts its own need as
 * soon as it is known, and is refused with it. */
static uint64_t fragment_bytes(const pea_segment_options *options, pea_dims grid, int n_threads)
{
    enum { SCRATCH_BYTES = 60, ROW_BYTES = 64 };
    const uint64_t plane = pea__bytes_mul((uint64_t)grid.y, (uint64_t)grid.x),
                   scratch = pea__bytes_mul(plane, (uint64_t)n_threads * SCRATCH_BYTES);
    const uint64_t graph = pea__bytes_mul(count_voxels(grid), graph_bytes(options));
    return pea__bytes_add(pea__bytes_add(scratch, (uint64_t)grid.x * ROW_BYTES), graph);
}

/* No address space has the labels of what would make products overflow. */
static bool is_possible(pea_dims grid)
{
    return count_voxels(grid) <= INT64_MAX / 65536;
}

uint64_t pea__slabs_forecast(const pea_segment_options *options, pea_dims grid, int64_t n_planes, int n_threads)
{
    return is_possible(grid) ? pea__mutex_slabs_forecast(grid, &options->offsets, options->stride, n_planes, n_threads)
                             : UINT64_MAX;
}

uint64_t pea__cluster_forecast(const pea_segment_options *options, pea_dims grid, int n_threads)
{
    if (options->clusterer == PEA_CLUSTER_MUTEX)
        return is_possible(grid) ? pea__slabs_forecast(options, grid, pea__mutex_slab_planes(grid), n_threads)
                                 : UINT64_MAX;
    return options->clusterer == PEA_CLUSTER_MEANSHIFT
               ? pea__mean_shift_bytes(count_voxels(grid), (uint64_t)grid.c, n_threads)
               : fragment_bytes(options, grid, n_threads);
}

/* What a part takes on a grid that is not the image's: intensities and the rows they come from; labels and mask. */
static uint64_t grid_bytes(const pea__job *job, int n_threads)
{
    const pea_dims g = job->grid;
    const uint64_t channels = job->network ? (uint64_t)job->dims.c : 0,
                   n = count_voxels((pea_dims){job->info.n_axes == 3 ? g.z : 1, g.y, g.x, 1}),
                   rows = pea__bytes_mul((uint64_t)n_threads * sizeof(double), (uint64_t)job->dims.x * channels);
    if (g.y == job->dims.y && g.x == job->dims.x)
        return 0;
    return pea__bytes_add(rows, pea__bytes_mul(n, channels * sizeof(float) + sizeof(uint32_t) + 1));
}

/* Runs of labels and what is known of their parts, when nothing but labels is left. The figure is for runs of 8 voxels;
 * finer labels are refused with the number when it is known. */
static uint64_t tidy_bytes(const pea__job *job)
{
    enum { BYTES_A_VOXEL = 4 };
    const pea_segment_options *o = &job->options;
    const pea_dims d = {job->info.n_axes == 3 ? job->dims.z : 1, job->dims.y, job->dims.x, 1};
    if (o->parts == PEA_PARTS_KEEP && !o->fill_holes)
        return 0;
    return pea__bytes_mul(count_voxels(d), BYTES_A_VOXEL);
}

pea_status pea__job_needs(const pea__job *job, int n_threads, pea__needs *needs, pea_error *err)
{
    *needs = (pea__needs){0};
    const bool is_volume = job->info.n_axes == 3;
    const pea_status status =
        pea__by_layers(job) ? pea__volume_stream_needs(job, n_threads, needs, err)
        : is_volume         ? pea__volume_needs(job, n_threads, needs, err)
        : job->streams      ? pea__plane_stream_needs(job, n_threads, needs, err)
                            : pea__plane_needs(job, n_threads, needs, err);
    const uint64_t tidy = tidy_bytes(job);
    needs->cluster = tidy > needs->cluster ? tidy : needs->cluster;
    needs->network = pea__bytes_add(needs->network, grid_bytes(job, n_threads));
    needs->cluster = pea__bytes_add(needs->cluster, grid_bytes(job, n_threads));
    return status;
}

double pea__network_voxels(const pea__job *job)
{
    pea__frame f;
    pea__tiles t;
    if (job->info.n_axes == 2)
        return pea__frame_plan(job->options.padding, job->grid.y, job->grid.x, job->info.grid, &f, NULL) == PEA_OK
                   ? (double)job->grid.z * (double)f.y * (double)f.x
                   : 0.0;
    return pea__tiles_plan(&job->options, job->grid, job->info.grid, &t, NULL) == PEA_OK
               ? (double)(t.z.n * t.z.size) * (double)(t.y.n * t.y.size) * (double)(t.x.n * t.x.size)
               : 0.0;
}

/* The affinities of a volume are no more than what is clustered; its embeddings come with the sum of their weights. */
uint64_t pea__details_forecast(const pea__job *job, const pea_segment_details *details)
{
    const bool is_volume = job->info.n_axes == 3, is_copy = !job->network;
    uint64_t floats = 0;
    if (details && details->want_affinity && (!is_volume || is_copy))
        floats += job->options.offsets.n;
    if (details && details->want_embedding)
        floats += (uint64_t)job->heads.embedding_channels + (is_volume ? 1 : 0);
    return pea__bytes_mul(count_voxels(job->grid), floats * sizeof(float));
}

uint64_t pea__with_overhead(const pea__job *job, uint64_t bytes)
{
    bytes = pea__bytes_add(bytes, (uint64_t)job->dims.z * sizeof(pea__range));
    return pea__bytes_add(bytes, bytes / OVERHEAD_SHARE + OVERHEAD_BYTES);
}

static const char *readable(uint64_t bytes, char text[32])
{
    if (bytes == UINT64_MAX)
        snprintf(text, 32, "more than 16 EiB");
    else if (bytes >= UINT64_C(10) << 30)
        snprintf(text, 32, "%.0f GiB", (double)bytes / (1 << 30));
    else if (bytes >= UINT64_C(10) << 20)
        snprintf(text, 32, "%.0f MiB", (double)bytes / (1 << 20));
    else
        snprintf(text, 32, "%.0f KiB", (double)bytes / (1 << 10));
    return text;
}

pea_status pea__check_budget(const pea__job *job, uint64_t bytes, pea_error *err)
{
    const uint64_t limit = pea__memory_limit(job->context);
    const pea_dims d = job->dims;
    char needed_text[32], limit_text[32];
    if (limit == 0 || bytes <= limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT,
                     "segmenting %" PRId64 " x %" PRId64 " x %" PRId64 " (z,y,x) needs %s (%" PRIu64
                     " bytes) of memory but %s (%" PRIu64 " bytes) are allowed: raise the limit or take a smaller part",
                     d.z, d.y, d.x, readable(bytes, needed_text), bytes, readable(limit, limit_text), limit);
}
