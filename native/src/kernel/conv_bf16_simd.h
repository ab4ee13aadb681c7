/* conv_bf16_simd.h - conv_bf16 as matrix products of strips of voxels and panels of weights; included by each set.
 *
 * The input of a tile is gathered into scratch, zero-padded, doubled and rounded where that is wanted (conv_bf16.h draws
 * it). Planes that two depths of the tile both see are gathered once. Rows lie there one behind the other, so a strip runs
 * over the ends of rows; what it computes for the borders is not stored.
 * SPDX-License-Identifier: BSD-2-Clause */

/* A strip of voxels, a panel of outputs. */
typedef struct bf16_job {
    pea__bf16_form form;
    const pea__bf16 *in; /* of the first voxel */
    int64_t in_pitch;
    const int64_t *rows; /* where each row of taps begins, from `in` */
    const pea__bf16 *weights;
    int64_t width;
    float *sums; /* [voxel][width] */
} bf16_job;

#ifndef OWN_SUM_STRIP /* static void sum_strip(const bf16_job *job, int64_t n_voxels) */
#include "kernel/panel_bf16_simd.h"
#else
static void sum_strip(const bf16_job *job, int64_t n_voxels);
#endif

/* ---- gathering ---- */

static inline vec between_bf16(const pea__bf16 *a, const pea__bf16 *b, int64_t n, vec weight)
{
    const vec from = n < LANES ? load_some_bf16(a, n) : load_bf16(a), to = n < LANES ? load_some_bf16(b, n) : load_bf16(b);
    return fma3(weight, sub(to, from), from);
}

/* Channels c to c + n of a doubled row, at the position x of both of its rows. */
static inline vec amid_bf16(const pea__bf16 *upper, const pea__bf16 *lower, int64_t pitch, pea__position x, vec weight_y,
                            int64_t c, int64_t n)
{
    const vec weight_x = all(x.weight);
    const vec above = between_bf16(upper + x.low * pitch + c, upper + x.high * pitch + c, n, weight_x);
    const vec below = between_bf16(lower + x.low * pitch + c, lower + x.high * pitch + c, n, weight_x);
    return fma3(weight_y, sub(below, above), above);
}

/* A row of a doubled image between two of its rows of nx voxels, from x0 to x1, densely packed. */
static void double_row_bf16(const pea__bf16 *upper, const pea__bf16 *lower, float weight, int64_t pitch, int64_t nx,
                            int64_t channels, int64_t x0, int64_t x1, pea__bf16 *to)
{
    const vec weight_y = all(weight);
    for (int64_t x = x0; x < x1; x++, to += channels) {
        const pea__position at_x = pea__upsample_position(x, nx, 2 * nx);
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES)
            store_bf16(to + c, amid_bf16(upper, lower, pitch, at_x, weight_y, c, LANES));
        if (c < channels)
            store_some_bf16(to + c, channels - c, amid_bf16(upper, lower, pitch, at_x, weight_y, c, channels - c));
    }
}

static void round_row(const float *in, int64_t n, pea__bf16 *to)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store_bf16(to + i, load(in + i));
    if (i < n)
        store_some_bf16(to + i, n - i, load_some(in + i, first_lanes(n - i)));
}

static void copy_voxels(const pea__bf16 *in, int64_t pitch, int64_t channels, int64_t n, pea__bf16 *to)
{
    if (pitch == channels) {
        memcpy(to, in, (size_t)(n * channels) * sizeof *to);
    } else if (channels % 16 == 0) { /* constants are copied without a call */
        for (int64_t v = 0; v < n; v++, in += pitch)
            for (int64_t c = 0; c < channels; c += 16, to += 16)
                memcpy(to, in + c, 16 * sizeof *to);
    } else {
        for (int64_t v = 0; v < n; v++, in += pitch, to += channels)
            memcpy(to, in, (size_t)channels * sizeof *to);
    }
}

/* One row of the (doubled) input from x0 to x1, densely packed, with zeros outside the image. */
static void gather_row_bf16(const pea__conv *conv, int64_t z, int64_t y, int64_t x0, int64_t x1, pea__bf16 *to)
{
    const int64_t c = conv->shape.in_channels, pitch = conv->in_pitch;
    const int64_t from = x0 > 0 ? x0 : 0, end = x1 < conv->nx ? x1 : conv->nx;
    if (z < 0 || z >= conv->nz || y < 0 || y >= conv->ny || from >= end) {
        memset(to, 0, (size_t)((x1 - x0) * c) * sizeof *to);
        return;
    }
    memset(to, 0, (size_t)((from - x0) * c) * sizeof *to);
    memset(to + (end - x0) * c, 0, (size_t)((x1 - end) * c) * sizeof *to);
    to += (from - x0) * c;
    if (conv->shape.doubled) {
        const int64_t ny = conv->ny / 2, nx = conv->nx / 2;
        const pea__position at = pea__upsample_position(y, ny, 2 * ny);
        double_row_bf16(conv->in_bf16 + pea__voxel_place(z * ny + at.low, 0, nx, conv->in_rows) * pitch,
                        conv->in_bf16 + pea__voxel_place(z * ny + at.high, 0, nx, conv->in_rows) * pitch, at.weight, pitch,
                        nx, c, from, end, to);
        return;
    }
    const int64_t at = pea__voxel_place(z * conv->ny + y, from, conv->nx, conv->in_rows) * pitch;
    if (!conv->in_is_float) {
        copy_voxels(conv->in_bf16 + at, pitch, c, end - from, to);
    } else if (pitch == c) {
        round_row(conv->in + at, (end - from) * c, to);
    } else {
        for (int64_t x = from; x < end; x++, to += c)
            round_row(conv->in + at + (x - from) * pitch, c, to);
    }
}

/* A tile while it is worked on. */
typedef struct bf16_tile {
    const pea__conv *conv;
    pea__tile tile;
    bf16_job job;        /* of the whole plane; sums and weights aside */
    float *sums;
    pea__bf16 *planes, *patches;
    int64_t rows[PEA__MAX_ROWS];
    int64_t row_voxels;  /* from one row to the next in scratch */
    int64_t plane_pitch; /* from one plane to the next */
} bf16_tile;

/* Plane z of the input, into its place among kz of them. */
static void gather_plane(bf16_tile *t, int64_t z)
{
    const pea__conv_shape *s = &t->conv->shape;
    const int64_t rim_y = s->ky / 2, rim_x = s->kx / 2, row_pitch = (t->tile.x1 - t->tile.x0 + 2 * rim_x) * s->in_channels;
    pea__bf16 *to = t->planes + (z + s->kz) % s->kz * t->plane_pitch;
    for (int64_t y = t->tile.y0 - rim_y; y < t->tile.y1 + rim_y; y++, to += row_pitch)
        gather_row_bf16(t->conv, z, y, t->tile.x0 - rim_x, t->tile.x1 + rim_x, to);
}

static bf16_tile begin_tile(const pea__conv *conv, pea__tile tile, float *scratch)
{
    const pea__conv_shape *s = &conv->shape;
    const int64_t n_y = tile.y1 - tile.y0, n_x = tile.x1 - tile.x0;
    const pea__bf16_scratch parts = pea__conv_bf16_parts(s, n_y, n_x);
    bf16_tile t = {.conv = conv, .tile = tile, .job = {.form = pea__conv_bf16_form(s)}};
    t.sums = (float *)(((uintptr_t)scratch + 63) / 64 * 64);
    t.patches = (pea__bf16 *)(void *)(t.sums + parts.sums);
    t.planes = (pea__bf16 *)(void *)(t.sums + parts.sums + parts.patches);
    t.row_voxels = pea__bf16_row_voxels(s, &t.job.form, n_x);
    t.plane_pitch = (n_y + 2 * (s->ky / 2)) * (n_x + 2 * (s->kx / 2)) * s->in_channels;
    for (int64_t z = tile.z0 - s->kz / 2; z < tile.z0 + s->kz / 2; z++)
        gather_plane(&t, z);
    return t;
}

/* Where the rows of taps of depth z begin in scratch, from a voxel of the tile's own plane. */
static void place_rows(bf16_tile *t, int64_t z)
{
    const pea__conv_shape *s = &t->conv->shape;
    const int64_t row_pitch = (t->tile.x1 - t->tile.x0 + 2 * (s->kx / 2)) * s->in_channels;
    for (int64_t row = 0; row < s->kz * s->ky; row++)
        t->rows[row] = (z - s->kz / 2 + row / s->ky + s->kz) % s->kz * t->plane_pitch + row % s->ky * row_pitch;
}

/* The patches of n voxels from the `first` on, which is counted through the rows of the tile. */
static void make_patches(bf16_tile *t, int64_t first, int64_t n)
{
    const pea__conv_shape *s = &t->conv->shape;
    const int64_t n_x = t->tile.x1 - t->tile.x0, row_taps = s->kx * s->in_channels, n_rows = s->kz * s->ky;
    const int64_t size = t->job.form.row_taps;
    pea__bf16 *to = t->patches;
    for (int64_t v = first; v < first + n; v++, to += size) {
        const pea__bf16 *from = t->planes + (v / n_x * (n_x + 2 * (s->kx / 2)) + v % n_x) * s->in_channels;
        for (int64_t row = 0; row < n_rows; row++)
            memcpy(to + row * row_taps, from + t->rows[row], (size_t)row_taps * sizeof *to);
        memset(to + n_rows * row_taps, 0, (size_t)(size - n_rows * row_taps) * sizeof *to);
    }
}

/* ---- storing ---- */

/* What is stored of a voxel's sums, channels c to c + n. */
static inline vec result(const pea__conv *conv, const float *sums, const pea__bf16 *residual, int64_t c, int64_t n)
{
    return finish_bf16(&conv->epilogue, add(load(sums), load(conv->bias + c)), residual, c, n);
}

/* Where `at` counts elements of the output. */
static inline void put(const pea__conv *conv, int64_t at, int64_t n, vec v)
{
    if (conv->out_is_float)
        store_some(conv->out + at, first_lanes(n), v);
    else if (n < LANES)
        store_some_bf16(conv->out_bf16 + at, n, v);
    else
        store_bf16(conv->out_bf16 + at, v);
}

/* n voxels from x on in one row of the image. */
static void put_voxels(const pea__conv *conv, const float *sums, int64_t width, int64_t row, int64_t x, int64_t n,
                       int64_t first)
{
    const int64_t left = conv->shape.out_channels - first, channels = left < width ? left : width;
    const pea__bf16 *residual = residual_row_bf16(&conv->epilogue, row, x, conv->nx);
    int64_t out = pea__voxel_place(row, x, conv->nx, conv->out_rows) * conv->out_pitch + first;
    for (int64_t v = 0; v < n; v++, sums += width, residual += conv->epilogue.residual_pitch, out += conv->out_pitch)
        for (int64_t c = 0; c < channels; c += LANES) {
            const int64_t some = channels - c < LANES ? channels - c : LANES;
            put(conv, out + c, some, result(conv, sums + c, residual, first + c, some));
        }
}

/* Two rows of n voxels each, the sums of the second `below` further on; n, row and x are even. */
static void put_halved(const pea__conv *conv, const float *sums, int64_t below, int64_t width, int64_t row, int64_t x,
                       int64_t n, int64_t first)
{
    const int64_t left = conv->shape.out_channels - first, channels = left < width ? left : width;
    const int64_t next = conv->epilogue.residual_pitch;
    const pea__bf16 *upper = residual_row_bf16(&conv->epilogue, row, x, conv->nx);
    const pea__bf16 *lower = residual_row_bf16(&conv->epilogue, row + 1, x, conv->nx);
    int64_t out = pea__voxel_place(row / 2, x / 2, conv->nx / 2, conv->out_rows) * conv->out_pitch + first;
    for (int64_t v = 0; v < n; v += 2, upper += 2 * next, lower += 2 * next, out += conv->out_pitch, sums += 2 * width)
        for (int64_t c = 0; c < channels; c += LANES) {
            const int64_t some = channels - c < LANES ? channels - c : LANES, channel = first + c;
            const vec up = max2(result(conv, sums + c, upper, channel, some),
                                result(conv, sums + width + c, upper + next, channel, some));
            const vec down = max2(result(conv, sums + below + c, lower, channel, some),
                                  result(conv, sums + below + width + c, lower + next, channel, some));
            put(conv, out + c, some, max2(up, down));
        }
}

/* A strip that begins at voxel `at` of the tile's plane, in scratch's count. */
static void put_strip(const bf16_tile *t, int64_t width, int64_t z, int64_t at, int64_t n, int64_t first)
{
    const pea__conv *conv = t->conv;
    const int64_t n_x = t->tile.x1 - t->tile.x0, w = t->row_voxels;
    if (conv->shape.halved) {
        for (int64_t y = at / w; y < (at + n + w - 1) / w; y += 2)
            put_halved(conv, t->sums + (y * w - at) * width, w * width, width, z * conv->ny + t->tile.y0 + y, t->tile.x0,
                       n_x, first);
        return;
    }
    for (int64_t v = at; v < at + n;) { /* a row, or what the strip has of it */
        const int64_t y = v / w, x = v % w, row_end = (y + 1) * w, end = row_end < at + n ? row_end : at + n;
        const int64_t count = (end - y * w < n_x ? end - y * w : n_x) - x;
        if (count > 0)
            put_voxels(conv, t->sums + (v - at) * width, width, z * conv->ny + t->tile.y0 + y, t->tile.x0 + x, count,
                       first);
        v = end;
    }
}

/* ---- a tile ---- */

static void conv_plane(bf16_tile *t, int64_t z)
{
    const pea__conv_shape *s = &t->conv->shape;
    bf16_job *job = &t->job;
    static const int64_t no_rows[1] = {0};
    const int64_t rim = job->form.patches ? 0 : 2 * (s->kx / 2), strip = pea__bf16_strip(s, t->row_voxels);
    const int64_t end = (t->tile.y1 - t->tile.y0) * t->row_voxels - rim;
    place_rows(t, z);
    job->rows = job->form.patches ? no_rows : t->rows;
    job->in_pitch = job->form.patches ? job->form.row_taps : s->in_channels;
    job->sums = t->sums;
    for (int64_t at = 0; at < end; at += strip) {
        const int64_t n = end - at < strip ? end - at : strip;
        job->in = job->form.patches ? t->patches : t->planes + at * s->in_channels;
        if (job->form.patches)
            make_patches(t, at, n);
        for (int64_t first = 0; first < s->out_channels; first += BF16_PANEL) {
            job->width = pea__bf16_width(first, s->out_channels);
            job->weights = t->conv->weights_bf16 + first * job->form.n_rows * job->form.n_steps * BF16_STEP;
            sum_strip(job, n);
            put_strip(t, job->width, z, at, n, first);
        }
    }
}

static void conv_bf16_simd(const pea__conv *conv, pea__tile tile, float *scratch)
{
    bf16_tile t = begin_tile(conv, tile, scratch);
    for (int64_t z = tile.z0; z < tile.z1; z++) {
        gather_plane(&t, z + conv->shape.kz / 2);
        conv_plane(&t, z);
    }
}
