/* panel_bf16_simd.h - sums of a strip of voxels for one panel of outputs, in vectors: pairs of inputs are spread over a
 * vector, multiplied with pairs of weights and added. Included by the sets that have no better way.
 * SPDX-License-Identifier: BSD-2-Clause */

/* Adds n pairs of inputs to all sums. */
static inline __attribute__((always_inline)) void add_inputs(vec sum[PAIR_VOXELS][BF16_PANEL / LANES], const pea__bf16 *in,
                                                             int64_t pitch, const pea__bf16 *weights, int64_t n,
                                                             const int n_voxels, const int n_vectors)
{
    for (int64_t k = 0; k < n; k++, weights += 2 * n_vectors * LANES) {
        pairs weight[BF16_PANEL / LANES];
        UNROLL
        for (int w = 0; w < n_vectors; w++)
            weight[w] = load_pairs(weights + 2 * w * LANES);
        UNROLL
        for (int v = 0; v < n_voxels; v++) {
            const pairs x = all_pairs(in + 2 * k + v * pitch);
            UNROLL
            for (int w = 0; w < n_vectors; w++)
                sum[v][w] = add_pairs(sum[v][w], x, weight[w]);
        }
    }
}

/* Constants after inlining, so that `sum` lives in registers. Inputs that a row's last step shares with the one before
 * are passed over: their weights are 0. */
static inline __attribute__((always_inline)) void sum_group(const bf16_job *job, const pea__bf16 *in, float *sums,
                                                            const int n_voxels, const int n_vectors)
{
    const pea__bf16_form *form = &job->form;
    const int64_t full = form->row_taps / BF16_STEP * (BF16_STEP / 2), rest = (form->row_taps % BF16_STEP + 1) / 2;
    const pea__bf16 *weights = job->weights;
    vec sum[PAIR_VOXELS][BF16_PANEL / LANES];
    UNROLL
    for (int v = 0; v < n_voxels; v++)
        UNROLL
        for (int w = 0; w < n_vectors; w++)
            sum[v][w] = all(0.0f);
    for (int64_t row = 0; row < form->n_rows; row++, weights += form->n_steps * BF16_STEP * n_vectors * LANES) {
        const pea__bf16 *from = in + job->rows[row];
        add_inputs(sum, from, job->in_pitch, weights, full, n_voxels, n_vectors);
        add_inputs(sum, from + form->row_taps - 2 * rest, job->in_pitch,
                   weights + (form->n_steps * (BF16_STEP / 2) - rest) * 2 * n_vectors * LANES, rest, n_voxels, n_vectors);
    }
    UNROLL
    for (int v = 0; v < n_voxels; v++)
        UNROLL
        for (int w = 0; w < n_vectors; w++)
            store(sums + (v * n_vectors + w) * LANES, sum[v][w]);
}

static __attribute__((noinline)) void sum_group_wide(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    sum_group(job, in, sums, PAIR_VOXELS, BF16_PANEL / LANES);
}

static __attribute__((noinline)) void sum_one_wide(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    sum_group(job, in, sums, 1, BF16_PANEL / LANES);
}

static __attribute__((noinline)) void sum_group_narrow(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    sum_group(job, in, sums, PAIR_VOXELS, BF16_GROUP / LANES);
}

static __attribute__((noinline)) void sum_one_narrow(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    sum_group(job, in, sums, 1, BF16_GROUP / LANES);
}

static void sum_strip(const bf16_job *job, int64_t n_voxels)
{
    const bool wide = job->width == BF16_PANEL;
    const pea__bf16 *in = job->in;
    float *sums = job->sums;
    for (int64_t v = 0, n; v < n_voxels; v += n, in += n * job->in_pitch, sums += n * job->width) {
        n = n_voxels - v >= PAIR_VOXELS ? PAIR_VOXELS : 1;
        if (n == PAIR_VOXELS)
            (wide ? sum_group_wide : sum_group_narrow)(job, in, sums);
        else
            (wide ? sum_one_wide : sum_one_narrow)(job, in, sums);
    }
}
