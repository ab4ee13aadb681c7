/* outer_simd.h - the matrix product under every gradient of weights: sums of outer products; included by simd.h.
 *
 *              b  [term][1..3 vectors]
 *              |  |  |                               in registers: ROWS x VECTORS sums
 *   a row 0    x  x  x      each term spreads ROWS neighbouring numbers of `a` over vectors, multiplies each with the
 *     row 1    x  x  x      vectors of `b`, and adds to the sums
 *     ...
 * SPDX-License-Identifier: BSD-2-Clause */

typedef struct outer_job {
    const float *a, *b;
    int64_t a_pitch, b_pitch; /* from term to term */
    int64_t n_terms;
    float *sums; /* [row][vectors], added to */
} outer_job;

/* Constants after inlining, so that every loop over rows and vectors unrolls and `sum` lives in registers. */
static inline __attribute__((always_inline)) void add_outer(const outer_job *job, const int n_rows, const int n_vectors)
{
    const float *a = job->a, *b = job->b;
    vec sum[MOST_PANEL_VOXELS][3];
    UNROLL
    for (int r = 0; r < n_rows; r++)
        UNROLL
        for (int w = 0; w < n_vectors; w++) {
            sum[r][w] = all(0.0f);
            __builtin_prefetch(job->sums + (r * n_vectors + w) * LANES, 1, 3); /* wanted at the end */
        }
    for (int64_t k = 0; k < job->n_terms; k++, a += job->a_pitch, b += job->b_pitch) {
        vec y[3];
        UNROLL
        for (int w = 0; w < n_vectors; w++)
            y[w] = load(b + w * LANES);
        UNROLL
        for (int r = 0; r < n_rows; r++) {
            const vec x = all(a[r]);
            UNROLL
            for (int w = 0; w < n_vectors; w++)
                sum[r][w] = fma3(x, y[w], sum[r][w]);
        }
    }
    UNROLL
    for (int r = 0; r < n_rows; r++)
        UNROLL
        for (int w = 0; w < n_vectors; w++) {
            float *total = job->sums + (r * n_vectors + w) * LANES;
            store(total, add(load(total), sum[r][w]));
        }
}

/* add_outer for every constant: OUTER(rows, vectors) defines outer_<rows>_<vectors>. */
#define OUTER(n, w)                                                                                                   \
    static void outer_##n##_##w(const outer_job *job)                                                                 \
    {                                                                                                                 \
        if (n <= PANEL_VOXELS_##w)                                                                                    \
            add_outer(job, n <= PANEL_VOXELS_##w ? n : 1, w);                                                         \
    }
#define OUTERS(n) OUTER(n, 1) OUTER(n, 2) OUTER(n, 3)
OUTERS(1) OUTERS(2) OUTERS(3) OUTERS(4) OUTERS(5) OUTERS(6) OUTERS(7)
OUTERS(8) OUTERS(9) OUTERS(10) OUTERS(11) OUTERS(12) OUTERS(13) OUTERS(14)

typedef void outer_fn(const outer_job *job);
#define OUTER_ROW(w)                                                                                                  \
    {                                                                                                                 \
        outer_1_##w, outer_2_##w, outer_3_##w, outer_4_##w, outer_5_##w, outer_6_##w, outer_7_##w, outer_8_##w,       \
            outer_9_##w, outer_10_##w, outer_11_##w, outer_12_##w, outer_13_##w, outer_14_##w                         \
    }
static outer_fn *const outer_of[3][14] = {OUTER_ROW(1), OUTER_ROW(2), OUTER_ROW(3)};

/* Any number of rows in groups of nearly equal size, and of terms in chains: see CHAIN. */
static void sum_outer(outer_job job, int64_t n_rows, int64_t width)
{
    const int64_t vectors = width / LANES, most = panel_voxels[vectors - 1], n_groups = (n_rows + most - 1) / most;
    const int64_t n_terms = job.n_terms;
    const float *a = job.a, *b = job.b;
    float *sums = job.sums;
    for (int64_t from = 0; from < n_terms; from += CHAIN) {
        job.n_terms = n_terms - from < CHAIN ? n_terms - from : CHAIN;
        job.b = b + from * job.b_pitch;
        for (int64_t group = 0; group < n_groups; group++) {
            const int64_t begin = group * n_rows / n_groups, end = (group + 1) * n_rows / n_groups;
            job.a = a + from * job.a_pitch + begin;
            job.sums = sums + begin * width;
            outer_of[vectors - 1][end - begin - 1](&job);
        }
    }
}
