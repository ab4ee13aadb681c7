/* conv_bf16_pack.c - weights and scratch of conv_bf16.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "kernel/conv_bf16.h"

int64_t pea__conv_bf16_packed(const pea__conv_shape *s)
{
    const pea__bf16_form form = pea__conv_bf16_form(s);
    int64_t n;
    if (!pea__mul_i64(form.n_rows * form.n_steps * BF16_STEP, pea__conv_padded(s->out_channels, BF16_GROUP), &n))
        return -1;
    return n;
}

int64_t pea__conv_bf16_scratch(const pea__conv_shape *s, int64_t tile_y, int64_t tile_x)
{
    const pea__bf16_scratch parts = pea__conv_bf16_parts(s, tile_y, tile_x);
    return parts.sums + parts.patches + parts.rows + 16; /* to begin at a cache line */
}

/* The weights of tap `tap` (of all) and output `o` on, in one of the panels of pea__conv_pack(); n outputs of it follow. */
static const float *find(const pea__conv_shape *s, const float *packed, int lanes, int64_t tap, int64_t o, int64_t *n)
{
    const int64_t taps = s->kz * s->ky * s->kx * s->in_channels;
    pea__panel panel = pea__conv_panel(0, s->out_channels, lanes);
    while (panel.first + panel.width <= o)
        panel = pea__conv_panel(panel.first + panel.width, s->out_channels, lanes);
    *n = panel.first + panel.width - o;
    return packed + panel.first * taps + tap * panel.width + (o - panel.first);
}

/* Input `j` of row `row` goes to every second place, from `to` on. */
static void pack_input(const pea__conv_shape *s, const float *packed, int lanes, int64_t tap, int64_t first, int64_t width,
                       pea__bf16 *to)
{
    const int64_t end = pea__min_i64(first + width, s->out_channels);
    for (int64_t o = first, n; o < end; o += n) {
        const float *from = find(s, packed, lanes, tap, o, &n);
        n = pea__min_i64(n, end - o);
        for (int64_t i = 0; i < n; i++)
            to[2 * (o - first + i)] = pea__bf16_of_float(from[i]);
    }
}

void pea__conv_bf16_pack(const pea__conv_shape *s, const float *packed, int lanes, int64_t index, pea__bf16 *to)
{
    const pea__bf16_form form = pea__conv_bf16_form(s);
    const int64_t taps = s->kz * s->ky * s->kx * s->in_channels, first = index * BF16_PANEL;
    const int64_t width = pea__bf16_width(first, s->out_channels), row_size = form.n_steps * BF16_STEP * width;
    to += first * form.n_rows * form.n_steps * BF16_STEP;
    memset(to, 0, (size_t)(form.n_rows * row_size) * sizeof *to);
    for (int64_t row = 0; row < form.n_rows; row++, to += row_size)
        for (int64_t step = 0; step < form.n_steps; step++) {
            const int64_t begin = pea__bf16_begin(&form, step), end = pea__min_i64(begin + BF16_STEP, form.row_taps);
            for (int64_t j = step * BF16_STEP; j < end && row * form.row_taps + j < taps; j++)
                pack_input(s, packed, lanes, row * form.row_taps + j, first, width,
                           to + step * BF16_STEP * width + (j - begin) / 2 * 2 * width + (j - begin) % 2);
        }
}
