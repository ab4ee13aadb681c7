/* conv_bf16.h - how inputs and weights of conv_bf16 lie, for every set.
 *
 * Products come in steps of 32 inputs, as many as one row of a tile register has. The zero-padded input of a tile lies in
 * scratch as rows [kz][y][x][in]; there the kx*in inputs under one row of taps are neighbours:
 *
 *     row of taps   |<---- 32 ---->|<---- 32 ---->|        the last step begins early, so that nothing beyond the row is
 *                             |<---- 32 ---->|             read; what steps share has weight 0 in the later one
 *
 * Where a row has fewer than 32 inputs, all inputs of a voxel are copied together, with zeros up to full steps: a patch.
 * Weights: [panel of 32 or 16 outputs][row][step][16 pairs of inputs][output][2].
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNEL_CONV_BF16_H
#define PEA_KERNEL_CONV_BF16_H

#include "kernel/bf16.h"

enum {
    BF16_STEP = 32,   /* inputs */
    BF16_PANEL = PEA__BF16_PANEL,
    BF16_GROUP = 16,  /* voxels or outputs: a tile register's side */
    BF16_STRIP = 128, /* voxels whose sums are made before they are stored: 16 KB, half of a first-level cache */
};

typedef struct pea__bf16_form {
    bool patches;
    int64_t n_rows, row_taps; /* of one patch: 1 and the inputs with their zeros */
    int64_t n_steps;          /* of a row */
} pea__bf16_form;

static inline pea__bf16_form pea__conv_bf16_form(const pea__conv_shape *s)
{
    pea__bf16_form form = {.n_rows = s->kz * s->ky, .row_taps = s->kx * s->in_channels};
    form.patches = form.row_taps < BF16_STEP;
    if (form.patches)
        form = (pea__bf16_form){true, 1, (form.n_rows * form.row_taps + BF16_STEP - 1) / BF16_STEP * BF16_STEP, 0};
    form.n_steps = (form.row_taps + BF16_STEP - 1) / BF16_STEP;
    return form;
}

/* Where step `step` begins in its row. */
static inline int64_t pea__bf16_begin(const pea__bf16_form *form, int64_t step)
{
    const int64_t last = form->row_taps - BF16_STEP;
    return step * BF16_STEP < last ? step * BF16_STEP : last;
}

static inline int64_t pea__bf16_width(int64_t first, int64_t out_channels)
{
    return out_channels - first <= BF16_GROUP ? BF16_GROUP : BF16_PANEL;
}

/* Voxels of a tile between those of one row and of the next, as products count them: the borders between are computed
 * too, and left where they are. */
static inline int64_t pea__bf16_row_voxels(const pea__conv_shape *s, const pea__bf16_form *form, int64_t tile_x)
{
    return form->patches ? tile_x : tile_x + 2 * (s->kx / 2);
}

/* Voxels of a strip: full groups, or pairs of rows where they are halved. */
static inline int64_t pea__bf16_strip(const pea__conv_shape *s, int64_t row_voxels)
{
    if (!s->halved)
        return BF16_STRIP;
    return row_voxels * 2 > BF16_STRIP ? row_voxels * 2 : BF16_STRIP / (row_voxels * 2) * (row_voxels * 2);
}

/* Parts of scratch, in floats, each of them of full cache lines. */
typedef struct pea__bf16_scratch {
    int64_t sums, patches, rows;
} pea__bf16_scratch;

static inline int64_t pea__bf16_lines(int64_t floats)
{
    return (floats + 15) / 16 * 16;
}

static inline pea__bf16_scratch pea__conv_bf16_parts(const pea__conv_shape *s, int64_t tile_y, int64_t tile_x)
{
    const pea__bf16_form form = pea__conv_bf16_form(s);
    const int64_t rows = 2 * pea__bf16_row_voxels(s, &form, tile_x); /* smaller tiles may have longer strips, up to this: */
    const int64_t strip = (s->halved && rows > BF16_STRIP ? rows : BF16_STRIP) + BF16_GROUP;
    const int64_t voxels = s->kz * (tile_y + 2 * (s->ky / 2)) * (tile_x + 2 * (s->kx / 2));
    return (pea__bf16_scratch){
        .sums = strip * BF16_PANEL,
        .patches = form.patches ? pea__bf16_lines(strip * form.row_taps / 2) : 0,
        /* a group of voxels may run beyond the last; plain C keeps four windows of floats */
        .rows = pea__bf16_lines(((voxels + BF16_GROUP) * s->in_channels + form.n_rows * form.row_taps * 8) / 2 + 1)};
}

#endif
