/* conv_f32_simd.h - conv_f32 as many small matrix products; included by simd.h.
 *
 * The zero-padded input of a tile is gathered into scratch, rows [kz][y][x][in]. There the kx*in inputs under one row
 * of taps are neighbours, so the product runs over them without a thought for taps:
 *
 *            panel of weights  [kx*in][1..3 vectors]
 *            |  |  |                                      in registers: VOXELS x VECTORS sums
 *   voxel 0  x  x  x      voxel v reads scratch at v*in, v*in+1, ... : each input is spread over a vector,
 *   voxel 1  x  x  x      multiplied with the panel's vectors and added to that voxel's sums
 *   ...
 *
 * A sum takes its terms in the same order wherever the tile begins or ends: no result depends on tiling.
 * SPDX-License-Identifier: BSD-2-Clause */

/* One group of voxels of one row, one panel. */
typedef struct panel_job {
    const float *in; /* of the first voxel, under the first tap */
    int64_t in_pitch;  /* to the next voxel */
    int64_t row_pitch; /* to the next row of taps (ky), which are n_rows for each of n_planes */
    int64_t plane_pitch;
    int64_t n_planes, n_rows, row_taps; /* row_taps = kx * in_channels */
    const float *weights, *bias;
    float *sums; /* [voxel][width] */
} panel_job;

/* Sums grow in registers over this many terms, then go to their total in memory: the rounding errors of one chain through
 * thousands of terms would be twice as large (3.1e-4 instead of 1.8e-4 of 150 in the golden plane network). From 32 to 288
 * terms the errors are alike, and longer chains visit memory less often. */
enum { CHAIN = 288 };

/* Constants after inlining, so that every loop over voxels and vectors unrolls and `sum` lives in registers. Inputs are
 * addressed by few pointers and indices: three voxels share one. */
static inline __attribute__((always_inline)) void sum_panel(const panel_job *job, const int n_voxels,
                                                            const int n_vectors)
{
    vec sum[PANEL_VOXELS_1 > PANEL_VOXELS_2 ? PANEL_VOXELS_1 : PANEL_VOXELS_2][3];
    const float *weights = job->weights;
    const int64_t pitch = job->in_pitch, n_rows = job->n_planes * job->n_rows;
    int64_t chain = 0;
#pragma GCC unroll 16
    for (int v = 0; v < n_voxels; v++)
#pragma GCC unroll 3
        for (int w = 0; w < n_vectors; w++) {
            store(job->sums + (v * n_vectors + w) * LANES, load(job->bias + w * LANES));
            sum[v][w] = all(0.0f);
        }
    for (int64_t row = 0; row < n_rows; row++) {
        const float *in = job->in + row / job->n_rows * job->plane_pitch + row % job->n_rows * job->row_pitch;
        for (int64_t from = 0, to; from < job->row_taps; from = to) {
            to = from + CHAIN < job->row_taps ? from + CHAIN : job->row_taps;
            const float *in3 = in + 3 * pitch, *in6 = in + 6 * pitch, *in9 = in + 9 * pitch, *in12 = in + 12 * pitch;
            for (int64_t k = from; k < to; k++, weights += n_vectors * LANES) {
                vec weight[3];
#pragma GCC unroll 3
                for (int w = 0; w < n_vectors; w++)
                    weight[w] = load(weights + w * LANES);
#pragma GCC unroll 16
                for (int v = 0; v < n_voxels; v++) {
                    const float *base = v < 3 ? in : v < 6 ? in3 : v < 9 ? in6 : v < 12 ? in9 : in12;
                    const vec x = all(base[k + v % 3 * pitch]);
#pragma GCC unroll 3
                    for (int w = 0; w < n_vectors; w++)
                        sum[v][w] = fma3(x, weight[w], sum[v][w]);
                }
            }
            chain += to - from;
            if (chain < CHAIN && !(row + 1 == n_rows && to == job->row_taps))
                continue;
            chain = 0;
#pragma GCC unroll 16
            for (int v = 0; v < n_voxels; v++)
#pragma GCC unroll 3
                for (int w = 0; w < n_vectors; w++) {
                    float *total = job->sums + (v * n_vectors + w) * LANES;
                    store(total, add(load(total), sum[v][w]));
                    sum[v][w] = all(0.0f);
                }
        }
    }
}

/* sum_panel for every constant: PANEL(voxels, vectors) defines panel_<voxels>_<vectors>. */
#define PANEL(n, w)                                                                                                   \
    static void panel_##n##_##w(const panel_job *job)                                                                 \
    {                                                                                                                 \
        if (n <= PANEL_VOXELS_##w)                                                                                    \
            sum_panel(job, n <= PANEL_VOXELS_##w ? n : 1, w);                                                         \
    }
#define PANELS(n) PANEL(n, 1) PANEL(n, 2) PANEL(n, 3)
PANELS(1) PANELS(2) PANELS(3) PANELS(4) PANELS(5) PANELS(6) PANELS(7)
PANELS(8) PANELS(9) PANELS(10) PANELS(11) PANELS(12) PANELS(13) PANELS(14)

typedef void panel_fn(const panel_job *job);
#define PANEL_ROW(w)                                                                                                  \
    {                                                                                                                 \
        panel_1_##w, panel_2_##w, panel_3_##w, panel_4_##w, panel_5_##w, panel_6_##w, panel_7_##w, panel_8_##w,       \
            panel_9_##w, panel_10_##w, panel_11_##w, panel_12_##w, panel_13_##w, panel_14_##w                         \
    }
static panel_fn *const panel_of[3][14] = {PANEL_ROW(1), PANEL_ROW(2), PANEL_ROW(3)};
static const int panel_voxels[3] = {PANEL_VOXELS_1, PANEL_VOXELS_2, PANEL_VOXELS_3};

/* ---- gathering ---- */

/* One row of the tile with its rim of kx/2 zeros or neighbours, densely packed. */
static void gather_row(const pea__conv *conv, int64_t z, int64_t y, int64_t x0, int64_t x1, float *to)
{
    const int64_t c = conv->in_channels;
    if (z < 0 || z >= conv->nz || y < 0 || y >= conv->ny) {
        memset(to, 0, (size_t)((x1 - x0) * c) * sizeof *to);
        return;
    }
    const int64_t from = x0 > 0 ? x0 : 0, end = x1 < conv->nx ? x1 : conv->nx;
    const float *in = conv->in + ((z * conv->ny + y) * conv->nx + from) * conv->in_pitch;
    memset(to, 0, (size_t)((from - x0) * c) * sizeof *to);
    to += (from - x0) * c;
    if (conv->in_pitch == c) {
        memcpy(to, in, (size_t)((end - from) * c) * sizeof *to);
        to += (end - from) * c;
    } else {
        for (int64_t x = from; x < end; x++, to += c, in += conv->in_pitch)
            memcpy(to, in, (size_t)c * sizeof *to);
    }
    memset(to, 0, (size_t)((x1 - end) * c) * sizeof *to);
}

/* The tile's input and where it lies, as the panels see it; 1x1x1 kernels read the image itself. */
static panel_job gather(const pea__conv *conv, pea__tile tile, float *scratch)
{
    const int64_t rim_z = conv->kz / 2, rim_y = conv->ky / 2, rim_x = conv->kx / 2, c = conv->in_channels;
    panel_job job = {.n_planes = conv->kz, .n_rows = conv->ky, .row_taps = conv->kx * c};
    if (conv->kz == 1 && conv->ky == 1 && conv->kx == 1) {
        job.in = conv->in + ((tile.z * conv->ny + tile.y0) * conv->nx + tile.x0) * conv->in_pitch;
        job.in_pitch = conv->in_pitch;
        job.row_pitch = conv->nx * conv->in_pitch;
        return job;
    }
    job.in = scratch;
    job.in_pitch = c;
    job.row_pitch = (tile.x1 - tile.x0 + 2 * rim_x) * c;
    job.plane_pitch = (tile.y1 - tile.y0 + 2 * rim_y) * job.row_pitch;
    for (int64_t z = tile.z - rim_z; z <= tile.z + rim_z; z++)
        for (int64_t y = tile.y0 - rim_y; y < tile.y1 + rim_y; y++, scratch += job.row_pitch)
            gather_row(conv, z, y, tile.x0 - rim_x, tile.x1 + rim_x, scratch);
    return job;
}

/* ---- a tile ---- */

/* One row of voxels, one panel. Groups are of nearly equal size: 20 voxels are 10 + 10, not 12 + 8. */
static void panel_row(const pea__conv *conv, panel_job job, pea__panel panel, int64_t voxel, int64_t n_voxels)
{
    _Alignas(64) float sums[14 * 3 * LANES];
    const int vectors = (int)(panel.width / LANES);
    const int64_t most = panel_voxels[vectors - 1], n_groups = (n_voxels + most - 1) / most;
    const int64_t left = conv->out_channels - panel.first, channels = left < panel.width ? left : panel.width;
    const float *in = job.in;
    job.sums = sums;
    for (int64_t group = 0; group < n_groups; group++) {
        const int64_t begin = group * n_voxels / n_groups, end = (group + 1) * n_voxels / n_groups;
        job.in = in + begin * job.in_pitch;
        panel_of[vectors - 1][end - begin - 1](&job);
        for (int64_t v = begin; v < end; v++)
            finish_voxel(&conv->epilogue, sums + (v - begin) * panel.width, voxel + v, panel.first, channels,
                         conv->out + (voxel + v) * conv->out_pitch + panel.first);
    }
}

static void conv_f32_simd(const pea__conv *conv, pea__tile tile, float *scratch)
{
    const panel_job gathered = gather(conv, tile, scratch);
    const int64_t taps = gathered.n_planes * gathered.n_rows * gathered.row_taps;
    pea__panel panel;
    for (int64_t first = 0; first < conv->out_channels; first += panel.width) {
        panel = pea__conv_panel(first, conv->out_channels, LANES);
        panel_job job = gathered;
        job.weights = conv->weights + first * taps;
        job.bias = conv->bias + first;
        for (int64_t y = tile.y0; y < tile.y1; y++, job.in += job.row_pitch)
            panel_row(conv, job, panel, (tile.z * conv->ny + y) * conv->nx + tile.x0, tile.x1 - tile.x0);
    }
}
