/* resize_f32_simd.h - upsample_f32 and pool_f32, channels in vectors; included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

static inline vec between(vec a, vec b, vec weight)
{
    return fma3(weight, sub(b, a), a);
}

/* Four voxels of the input around one of the output: upper and lower row, left and right. */
typedef struct corners {
    const float *upper_left, *upper_right, *lower_left, *lower_right;
    vec weight_y, weight_x;
} corners;

static inline vec amid(const corners *at, int64_t c, vec_mask lanes)
{
    const vec above = between(load_some(at->upper_left + c, lanes), load_some(at->upper_right + c, lanes), at->weight_x);
    const vec below = between(load_some(at->lower_left + c, lanes), load_some(at->lower_right + c, lanes), at->weight_x);
    return between(above, below, at->weight_y);
}

static inline corners corners_of(const float *upper, const float *lower, int64_t pitch, pea__position x, vec weight_y)
{
    return (corners){upper + x.low * pitch, upper + x.high * pitch, lower + x.low * pitch, lower + x.high * pitch,
                     weight_y, all(x.weight)};
}

/* One row of a doubled image between two of its rows of nx voxels, from x0 to x1, densely packed. */
static void double_row(const float *upper, const float *lower, float weight_y, int64_t pitch, int64_t nx, int64_t channels,
                       int64_t x0, int64_t x1, float *to)
{
    const vec_mask rest = first_lanes(channels % LANES);
    for (int64_t x = x0; x < x1; x++, to += channels) {
        const corners at = corners_of(upper, lower, pitch, pea__upsample_position(x, nx, 2 * nx), all(weight_y));
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES)
            store(to + c, amid(&at, c, first_lanes(LANES)));
        if (c < channels)
            store_some(to + c, rest, amid(&at, c, rest));
    }
}

/* The first voxel of an input row, counted through all planes. */
static const float *input_row(const pea__resize *resize, int64_t row)
{
    return resize->in + pea__voxel_place(row, 0, resize->nx, resize->in_rows) * resize->in_pitch;
}

static void upsample_f32_simd(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = 2 * resize->ny, out_nx = 2 * resize->nx, pitch = resize->in_pitch;
    const pea__position y = pea__upsample_position(row % out_ny, resize->ny, out_ny);
    const int64_t first = row / out_ny * resize->ny;
    const float *upper = input_row(resize, first + y.low), *lower = input_row(resize, first + y.high);
    const float *residual = residual_row(&resize->epilogue, row, 0, out_nx);
    float *out = resize->out + pea__voxel_place(row, 0, out_nx, resize->out_rows) * resize->out_pitch;
    for (int64_t x = 0; x < out_nx; x++) {
        const corners at = corners_of(upper, lower, pitch, pea__upsample_position(x, resize->nx, out_nx), all(y.weight));
        for (int64_t c = 0; c < resize->channels; c += LANES) {
            const int64_t left = resize->channels - c;
            const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
            store_some(out + c, lanes, finish(&resize->epilogue, amid(&at, c, lanes), residual, c, lanes));
        }
        residual += resize->epilogue.residual_pitch;
        out += resize->out_pitch;
    }
}

static void pool_f32_simd(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = resize->ny / 2, out_nx = resize->nx / 2, pitch = resize->in_pitch;
    const int64_t in_row = row / out_ny * resize->ny + row % out_ny * 2;
    const float *upper = input_row(resize, in_row), *lower = input_row(resize, in_row + 1);
    for (int64_t x = 0; x < out_nx; x++) {
        const float *a = upper + 2 * x * pitch, *b = lower + 2 * x * pitch;
        float *out = resize->out + pea__voxel_place(row, x, out_nx, resize->out_rows) * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c += LANES) {
            const int64_t left = resize->channels - c;
            const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
            const vec up = max2(load_some(a + c, lanes), load_some(a + pitch + c, lanes));
            const vec down = max2(load_some(b + c, lanes), load_some(b + pitch + c, lanes));
            store_some(out + c, lanes, max2(up, down));
        }
    }
}
