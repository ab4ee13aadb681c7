/* conv_gradient_f32_simd.h - conv_gradient_f32 as sums of outer products (outer_simd.h); included by simd.h.
 *
 * As for conv_f32 the zero-padded input of a tile is gathered into scratch, so that the kx*in inputs under one row of
 * taps are neighbours: these are the rows of `a`, a voxel of the tile's row is a term, and `b` is the output's gradient.
 * SPDX-License-Identifier: BSD-2-Clause */

/* One row of voxels, all panels; b reads `b_pitch` floats a voxel. */
static void add_row(const pea__conv_shape *s, const panel_job *in, const float *b, int64_t b_pitch, int64_t n_voxels,
                    float *sums)
{
    const int64_t taps = in->n_rows * in->row_taps;
    pea__panel panel;
    for (int64_t first = 0; first < s->out_channels; first += panel.width) {
        panel = pea__conv_panel(first, s->out_channels, LANES);
        for (int64_t row = 0; row < in->n_rows; row++) {
            const outer_job job = {.a = in->in + in->rows[row], .a_pitch = in->in_pitch, .b = b + first,
                                   .b_pitch = b_pitch, .n_terms = n_voxels,
                                   .sums = sums + first * taps + row * in->row_taps * panel.width};
            sum_outer(job, in->row_taps, panel.width);
        }
    }
}

/* A row of gradients with its channels filled up to whole vectors. */
static void widen_row(const float *from, int64_t pitch, int64_t channels, int64_t padded, int64_t n, float *to)
{
    const vec_mask rest = first_lanes(channels + LANES - padded);
    for (int64_t v = 0; v < n; v++, from += pitch, to += padded) {
        for (int64_t c = 0; c + LANES < padded; c += LANES)
            store(to + c, load(from + c));
        store(to + padded - LANES, load_some(from + padded - LANES, rest));
    }
}

static void conv_gradient_f32_simd(const pea__conv_gradient *job, pea__tile tile, float *sums, float *scratch)
{
    const pea__conv *conv = &job->conv;
    const int64_t channels = conv->shape.out_channels, padded = pea__conv_padded(channels, LANES), n = tile.x1 - tile.x0;
    float *wide = scratch, *inputs = scratch + n * padded;
    int64_t rows[PEA__MAX_ROWS], row_pitch = 0;
    for (int64_t z = tile.z0; z < tile.z1; z++) {
        panel_job in = gather(conv, tile, z, inputs, rows, &row_pitch);
        for (int64_t y = tile.y0; y < tile.y1; y++, in.in += row_pitch) {
            if (is_pointwise(&conv->shape))
                in.in = image_row(conv, z, y, conv->ny, conv->nx) + tile.x0 * conv->in_pitch;
            const float *b = job->gradient + ((z * conv->ny + y) * conv->nx + tile.x0) * job->gradient_pitch;
            if (padded != channels)
                widen_row(b, job->gradient_pitch, channels, padded, n, wide);
            add_row(&conv->shape, &in, padded == channels ? b : wide, padded == channels ? job->gradient_pitch : padded, n,
                    sums);
        }
    }
}
