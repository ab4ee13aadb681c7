/* amx.c - conv_bf16 in tile registers of 16 rows of 64 bytes; all else is of avx512.
 *
 *        sums 0 1     voxels 0..15  x  outputs 0..15, 16..31        in each step: 4 is 16 voxels of 32 inputs, 5 the next
 *             2 3     voxels 16..31                                 16 voxels; 6 and 7 are 32 inputs of 16 outputs
 *
 * A step of four products, of 16 cycles each, loads four registers, so that loading keeps up. Registers are configured for
 * a task and given back after it: nothing of them is left to whoever runs next.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/conv_bf16.h"

#ifdef PEA__X86_SETS
#include <immintrin.h>
#include <string.h>
#include "kernel/unroll.h"
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma,avx2,amx-tile,amx-bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma,avx2,amx-tile,amx-bf16,prefer-vector-width=512")
#endif

#define OWN_NARROW
#define OWN_SUM_STRIP
static inline __m256i narrow(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }

#include "kernel/avx512.h"
#include "kernel/epilogue_simd.h"
#include "kernel/conv_bf16_simd.h"

/* What is loaded into a register was written by common stores, of which gcc's intrinsics know nothing. */
#define WRITTEN() __asm__ volatile("" ::: "memory")

enum { SUM_BYTES = 4, BF16_BYTES = 2 };

/* Sums of 32 voxels and a panel of 32. */
static void sum_32x32(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    const pea__bf16_form *form = &job->form;
    const pea__bf16 *weights = job->weights;
    const int64_t pitch = job->in_pitch;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t row = 0; row < form->n_rows; row++)
        for (int64_t step = 0; step < form->n_steps; step++, weights += BF16_STEP * BF16_PANEL) {
            const pea__bf16 *from = in + job->rows[row] + pea__bf16_begin(form, step);
            _tile_loadd(4, from, pitch * BF16_BYTES);
            _tile_loadd(6, weights, 2 * BF16_PANEL * BF16_BYTES);
            _tile_loadd(7, weights + 2 * BF16_GROUP, 2 * BF16_PANEL * BF16_BYTES);
            _tile_loadd(5, from + BF16_GROUP * pitch, pitch * BF16_BYTES);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    _tile_stored(0, sums, BF16_PANEL * SUM_BYTES);
    _tile_stored(1, sums + BF16_GROUP, BF16_PANEL * SUM_BYTES);
    _tile_stored(2, sums + BF16_GROUP * BF16_PANEL, BF16_PANEL * SUM_BYTES);
    _tile_stored(3, sums + BF16_GROUP * BF16_PANEL + BF16_GROUP, BF16_PANEL * SUM_BYTES);
}

/* Sums of 16 voxels and a panel of 32. */
static void sum_16x32(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    const pea__bf16_form *form = &job->form;
    const pea__bf16 *weights = job->weights;
    _tile_zero(0);
    _tile_zero(1);
    for (int64_t row = 0; row < form->n_rows; row++)
        for (int64_t step = 0; step < form->n_steps; step++, weights += BF16_STEP * BF16_PANEL) {
            _tile_loadd(4, in + job->rows[row] + pea__bf16_begin(form, step), job->in_pitch * BF16_BYTES);
            _tile_loadd(6, weights, 2 * BF16_PANEL * BF16_BYTES);
            _tile_loadd(7, weights + 2 * BF16_GROUP, 2 * BF16_PANEL * BF16_BYTES);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
        }
    _tile_stored(0, sums, BF16_PANEL * SUM_BYTES);
    _tile_stored(1, sums + BF16_GROUP, BF16_PANEL * SUM_BYTES);
}

/* Sums of 64 voxels and a panel of 16. */
static void sum_64x16(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    const pea__bf16_form *form = &job->form;
    const pea__bf16 *weights = job->weights;
    const int64_t pitch = job->in_pitch, group = BF16_GROUP * pitch;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t row = 0; row < form->n_rows; row++)
        for (int64_t step = 0; step < form->n_steps; step++, weights += BF16_STEP * BF16_GROUP) {
            const pea__bf16 *from = in + job->rows[row] + pea__bf16_begin(form, step);
            _tile_loadd(7, weights, 2 * BF16_GROUP * BF16_BYTES);
            _tile_loadd(4, from, pitch * BF16_BYTES);
            _tile_dpbf16ps(0, 4, 7);
            _tile_loadd(5, from + group, pitch * BF16_BYTES);
            _tile_dpbf16ps(1, 5, 7);
            _tile_loadd(6, from + 2 * group, pitch * BF16_BYTES);
            _tile_dpbf16ps(2, 6, 7);
            _tile_loadd(4, from + 3 * group, pitch * BF16_BYTES);
            _tile_dpbf16ps(3, 4, 7);
        }
    _tile_stored(0, sums, BF16_GROUP * SUM_BYTES);
    _tile_stored(1, sums + BF16_GROUP * BF16_GROUP, BF16_GROUP * SUM_BYTES);
    _tile_stored(2, sums + 2 * BF16_GROUP * BF16_GROUP, BF16_GROUP * SUM_BYTES);
    _tile_stored(3, sums + 3 * BF16_GROUP * BF16_GROUP, BF16_GROUP * SUM_BYTES);
}

static void sum_16x16(const bf16_job *job, const pea__bf16 *in, float *sums)
{
    const pea__bf16_form *form = &job->form;
    const pea__bf16 *weights = job->weights;
    _tile_zero(0);
    for (int64_t row = 0; row < form->n_rows; row++)
        for (int64_t step = 0; step < form->n_steps; step++, weights += BF16_STEP * BF16_GROUP) {
            _tile_loadd(4, in + job->rows[row] + pea__bf16_begin(form, step), job->in_pitch * BF16_BYTES);
            _tile_loadd(7, weights, 2 * BF16_GROUP * BF16_BYTES);
            _tile_dpbf16ps(0, 4, 7);
        }
    _tile_stored(0, sums, BF16_GROUP * SUM_BYTES);
}

/* Full groups, as many as there are voxels for; the last one may run beyond them, where scratch goes on. */
static void sum_strip(const bf16_job *job, int64_t n_voxels)
{
    const bool wide = job->width == BF16_PANEL;
    const int64_t n_groups = (n_voxels + BF16_GROUP - 1) / BF16_GROUP, at_once = wide ? 2 : 4;
    WRITTEN();
    for (int64_t group = 0, n; group < n_groups; group += n) {
        const pea__bf16 *in = job->in + group * BF16_GROUP * job->in_pitch;
        float *sums = job->sums + group * BF16_GROUP * job->width;
        n = n_groups - group >= at_once ? at_once : 1;
        if (n == at_once)
            (wide ? sum_32x32 : sum_64x16)(job, in, sums);
        else
            (wide ? sum_16x32 : sum_16x16)(job, in, sums);
    }
    WRITTEN();
}

/* Eight registers of 16 rows of 64 bytes, in the layout of the processor's manual. */
static const struct tile_config {
    uint8_t palette, start_row, unused[14];
    uint16_t row_bytes[16];
    uint8_t n_rows[16];
} CONFIG = {.palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .n_rows = {16, 16, 16, 16, 16, 16, 16, 16}};

void pea__conv_bf16_amx(const pea__conv *conv, pea__tile tile, float *scratch)
{
    _tile_loadconfig(&CONFIG);
    conv_bf16_simd(conv, tile, scratch);
    _tile_release();
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
