/* conv_f32_simd.h - conv_f32 as many small matrix products (panel_simd.h); included by simd.h.
 *
 * The zero-padded input of a tile is gathered into scratch, rows [kz][y][x][in]. There the kx*in inputs under one row
 * of taps are neighbours, so the product runs over them without a thought for taps.
 * SPDX-License-Identifier: BSD-2-Clause */

/* ---- gathering ---- */

/* The first voxel of row y of the input, before it is doubled. */
static const float *image_row(const pea__conv *conv, int64_t z, int64_t y, int64_t ny, int64_t nx)
{
    return conv->in + pea__voxel_place(z * ny + y, 0, nx, conv->in_rows) * conv->in_pitch;
}

static const pea__bf16 *image_row_bf16(const pea__conv *conv, int64_t z, int64_t y, int64_t ny, int64_t nx)
{
    return conv->in_bf16 + pea__voxel_place(z * ny + y, 0, nx, conv->in_rows) * conv->in_pitch;
}

/* One row of the (doubled) input from x0 to x1, densely packed, with zeros outside the image, which may be of bf16. */
static inline __attribute__((always_inline)) void gather_row_of(const pea__conv *conv, const bool bf16, int64_t z, int64_t y,
                                                                int64_t x0, int64_t x1, float *to)
{
    const int64_t c = conv->shape.in_channels;
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
        if (bf16)
            double_and_widen(image_row_bf16(conv, z, at.low, ny, nx), image_row_bf16(conv, z, at.high, ny, nx), at.weight,
                             conv->in_pitch, nx, c, from, end, to);
        else
            double_row(image_row(conv, z, at.low, ny, nx), image_row(conv, z, at.high, ny, nx), at.weight, conv->in_pitch,
                       nx, c, from, end, to);
        return;
    }
    if (bf16) {
        widen_voxels(image_row_bf16(conv, z, y, conv->ny, conv->nx) + from * conv->in_pitch, conv->in_pitch, c, end - from,
                     to);
        return;
    }
    const float *in = image_row(conv, z, y, conv->ny, conv->nx) + from * conv->in_pitch;
    if (conv->in_pitch == c) {
        memcpy(to, in, (size_t)((end - from) * c) * sizeof *to);
    } else {
        for (int64_t x = from; x < end; x++, to += c, in += conv->in_pitch)
            memcpy(to, in, (size_t)c * sizeof *to);
    }
}

static void gather_row(const pea__conv *conv, int64_t z, int64_t y, int64_t x0, int64_t x1, float *to)
{
    gather_row_of(conv, false, z, y, x0, x1, to);
}

static void gather_wide_row(const pea__conv *conv, int64_t z, int64_t y, int64_t x0, int64_t x1, float *to)
{
    gather_row_of(conv, true, z, y, x0, x1, to);
}

static bool is_pointwise(const pea__conv_shape *s)
{
    return s->kz == 1 && s->ky == 1 && s->kx == 1;
}

/* The input of a tile's plane z and where it lies, as the panels see it; 1x1x1 kernels read the image itself. */
static panel_job gather(const pea__conv *conv, pea__tile tile, int64_t z, float *scratch, int64_t *rows,
                        int64_t *row_pitch)
{
    const pea__conv_shape *s = &conv->shape;
    const int64_t rim_z = s->kz / 2, rim_y = s->ky / 2, rim_x = s->kx / 2, c = s->in_channels;
    panel_job job = {.rows = rows, .n_rows = s->kz * s->ky, .row_taps = s->kx * c};
    if (is_pointwise(s)) {
        rows[0] = 0;
        job.in_pitch = conv->in_pitch;
        return job;
    }
    job.in = scratch;
    job.in_pitch = c;
    *row_pitch = (tile.x1 - tile.x0 + 2 * rim_x) * c;
    const int64_t plane_pitch = (tile.y1 - tile.y0 + 2 * rim_y) * *row_pitch;
    for (int64_t row = 0; row < job.n_rows; row++)
        rows[row] = row / s->ky * plane_pitch + row % s->ky * *row_pitch;
    for (int64_t iz = z - rim_z; iz <= z + rim_z; iz++)
        for (int64_t y = tile.y0 - rim_y; y < tile.y1 + rim_y; y++, scratch += *row_pitch)
            gather_row(conv, iz, y, tile.x0 - rim_x, tile.x1 + rim_x, scratch);
    return job;
}

/* ---- a tile ---- */

enum { ROW_VOXELS = 56 }; /* whose sums are made before they are stored: four times the most that one panel takes */

/* The voxels from x on in one row, one panel. */
static void panel_row(const pea__conv *conv, panel_job job, pea__panel panel, int64_t row, int64_t x, int64_t n_voxels)
{
    _Alignas(64) float sums[ROW_VOXELS * 3 * LANES];
    const int64_t left = conv->shape.out_channels - panel.first, channels = left < panel.width ? left : panel.width;
    const float *residual = residual_row(&conv->epilogue, row, x, conv->nx);
    float *out = conv->out + pea__voxel_place(row, x, conv->nx, conv->out_rows) * conv->out_pitch;
    job.sums = sums;
    for (int64_t at = 0; at < n_voxels; at += ROW_VOXELS, job.in += ROW_VOXELS * job.in_pitch) {
        const int64_t n = n_voxels - at < ROW_VOXELS ? n_voxels - at : ROW_VOXELS;
        sum_voxels(job, n, panel.width);
        for (int64_t v = 0; v < n; v++)
            for (int64_t c = 0; c < channels; c += LANES) {
                const vec_mask lanes = first_lanes(channels - c < LANES ? channels - c : LANES);
                const int64_t channel = panel.first + c;
                const vec sum = add(load(sums + v * panel.width + c), load(conv->bias + channel));
                store_some(out + (at + v) * conv->out_pitch + channel, lanes,
                           finish(&conv->epilogue, sum, residual + (at + v) * conv->epilogue.residual_pitch, channel,
                                  lanes));
            }
    }
}

static void conv_f32_simd(const pea__conv *conv, pea__tile tile, float *scratch)
{
    int64_t rows[PEA__MAX_ROWS], row_pitch = 0;
    const int64_t taps = conv->shape.kz * conv->shape.ky * conv->shape.kx * conv->shape.in_channels;
    pea__panel panel;
    for (int64_t z = tile.z0; z < tile.z1; z++) {
        const panel_job gathered = gather(conv, tile, z, scratch, rows, &row_pitch);
        for (int64_t first = 0; first < conv->shape.out_channels; first += panel.width) {
            panel = pea__conv_panel(first, conv->shape.out_channels, LANES);
            panel_job job = gathered;
            job.weights = conv->weights + first * taps;
            for (int64_t y = tile.y0; y < tile.y1; y++, job.in += row_pitch) {
                if (is_pointwise(&conv->shape))
                    job.in = image_row(conv, z, y, conv->ny, conv->nx) + tile.x0 * conv->in_pitch;
                panel_row(conv, job, panel, z * conv->ny + y, tile.x0, tile.x1 - tile.x0);
            }
        }
    }
}
