/* panel_simd.h - the matrix product under every convolution; included by simd.h.
 *
 *            panel of weights  [taps][1..3 vectors]
 *            |  |  |                                      in registers: VOXELS x VECTORS sums
 *   voxel 0  x  x  x      voxel v reads row + v*in_pitch, one input after the other: each is spread over a vector,
 *   voxel 1  x  x  x      multiplied with the panel's vectors and added to that voxel's sums
 *   ...
 *
 * A sum takes its terms in the same order however many voxels there are: no result depends on tiling.
 * SPDX-License-Identifier: BSD-2-Clause */

/* Some voxels in a row, one panel. */
typedef struct panel_job {
    const float *in;     /* of the first voxel */
    int64_t in_pitch;    /* to the next voxel */
    const int64_t *rows; /* where each row of inputs begins, from `in` */
    int64_t n_rows, row_taps;
    const float *weights; /* [row][tap][width] */
    float *sums;          /* [voxel][width] */
    int64_t ahead;        /* from these weights to the next job's, which are fetched meanwhile; 0: there are none */
} panel_job;

/* Sums grow in registers over this many terms, then go to their total in memory: the rounding errors of one chain through
 * thousands of terms would be twice as large (3.1e-4 instead of 1.8e-4 of 150 in the golden plane network). From 32 to 288
 * terms the errors are alike, and longer chains visit memory less often. */
enum { CHAIN = 288 };

enum { MOST_PANEL_VOXELS = PANEL_VOXELS_1 > PANEL_VOXELS_2 ? PANEL_VOXELS_1 : PANEL_VOXELS_2 };

/* Adds n terms to every sum. Inputs are addressed by few pointers and indices: three voxels share one. */
static inline __attribute__((always_inline)) void add_terms(vec sum[MOST_PANEL_VOXELS][3], const float *in, int64_t pitch,
                                                            const float *weights, int64_t n, const int n_voxels,
                                                            const int n_vectors, int64_t ahead)
{
    const float *in3 = in + 3 * pitch, *in6 = in + 6 * pitch, *in9 = in + 9 * pitch, *in12 = in + 12 * pitch;
    for (int64_t k = 0; k < n; k++, weights += n_vectors * LANES) {
        vec weight[3];
        UNROLL
        for (int w = 0; w < n_vectors; w++) {
            weight[w] = load(weights + w * LANES);
            if (ahead)
                __builtin_prefetch(weights + ahead + w * LANES, 0, 2);
        }
        UNROLL
        for (int v = 0; v < n_voxels; v++) {
            const float *base = v < 3 ? in : v < 6 ? in3 : v < 9 ? in6 : v < 12 ? in9 : in12;
            const vec x = all(base[k + v % 3 * pitch]);
            UNROLL
            for (int w = 0; w < n_vectors; w++)
                sum[v][w] = fma3(x, weight[w], sum[v][w]);
        }
    }
}

/* Constants after inlining, so that every loop over voxels and vectors unrolls and `sum` lives in registers. */
static inline __attribute__((always_inline)) void sum_panel(const panel_job *job, const int n_voxels,
                                                            const int n_vectors)
{
    vec sum[MOST_PANEL_VOXELS][3];
    const float *weights = job->weights;
    int64_t chain = 0;
    bool first = true;
    UNROLL
    for (int v = 0; v < n_voxels; v++)
        UNROLL
        for (int w = 0; w < n_vectors; w++)
            sum[v][w] = all(0.0f);
    for (int64_t row = 0; row < job->n_rows; row++) {
        const float *in = job->in + job->rows[row];
        for (int64_t from = 0, n; from < job->row_taps; from += n) {
            n = from + CHAIN < job->row_taps ? CHAIN : job->row_taps - from;
            if (job->ahead)
                add_terms(sum, in + from, job->in_pitch, weights, n, n_voxels, n_vectors, job->ahead);
            else
                add_terms(sum, in + from, job->in_pitch, weights, n, n_voxels, n_vectors, 0);
            weights += n * n_vectors * LANES;
            chain += n;
            if (chain < CHAIN && !(row + 1 == job->n_rows && from + n == job->row_taps))
                continue;
            chain = 0;
            UNROLL
            for (int v = 0; v < n_voxels; v++)
                UNROLL
                for (int w = 0; w < n_vectors; w++) {
                    float *total = job->sums + (v * n_vectors + w) * LANES;
                    store(total, first ? sum[v][w] : add(load(total), sum[v][w]));
                    sum[v][w] = all(0.0f);
                }
            first = false;
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

/* Any number of voxels, in groups of nearly equal size: 20 voxels are 10 + 10, not 12 + 8. The first group would wait for
 * its weights if the last group of the job before had not fetched them. */
static void sum_voxels(panel_job job, int64_t n_voxels, int64_t width)
{
    const int64_t vectors = width / LANES, most = panel_voxels[vectors - 1], n_groups = (n_voxels + most - 1) / most;
    const int64_t ahead = job.ahead;
    const float *in = job.in;
    float *sums = job.sums;
    for (int64_t group = 0; group < n_groups; group++) {
        const int64_t begin = group * n_voxels / n_groups, end = (group + 1) * n_voxels / n_groups;
        job.in = in + begin * job.in_pitch;
        job.sums = sums + begin * width;
        job.ahead = group + 1 == n_groups ? ahead : 0;
        panel_of[vectors - 1][end - begin - 1](&job);
    }
}
