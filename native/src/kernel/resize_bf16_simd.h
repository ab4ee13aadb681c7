/* resize_bf16_simd.h - upsample_bf16 and pool_bf16, channels in vectors, and rows of bf16 as floats; included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

/* ---- as floats ---- */

static void widen(const pea__bf16 *in, int64_t n, float *to)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store(to + i, load_bf16(in + i));
    if (i < n)
        store_some(to + i, first_lanes(n - i), load_some_bf16(in + i, n - i));
}

static void widen_voxels(const pea__bf16 *in, int64_t pitch, int64_t channels, int64_t n, float *to)
{
    if (pitch == channels) {
        widen(in, n * channels, to);
        return;
    }
    for (int64_t v = 0; v < n; v++, in += pitch, to += channels)
        widen(in, channels, to);
}

/* double_row() of rows of bf16. */
static void double_and_widen(const pea__bf16 *upper, const pea__bf16 *lower, float weight, int64_t pitch, int64_t nx,
                             int64_t channels, int64_t x0, int64_t x1, float *to)
{
    const vec weight_y = all(weight);
    for (int64_t x = x0; x < x1; x++, to += channels) {
        const pea__position at_x = pea__upsample_position(x, nx, 2 * nx);
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES)
            store(to + c, amid_bf16(upper, lower, pitch, at_x, weight_y, c, LANES));
        if (c < channels)
            store_some(to + c, first_lanes(channels - c),
                       amid_bf16(upper, lower, pitch, at_x, weight_y, c, channels - c));
    }
}

/* ---- doubling and halving ---- */

/* The first voxel of an input row, counted through all planes. */
static const pea__bf16 *input_row_bf16(const pea__resize *resize, int64_t row)
{
    return resize->in_bf16 + pea__voxel_place(row, 0, resize->nx, resize->in_rows) * resize->in_pitch;
}

static void upsample_bf16_simd(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = 2 * resize->ny, out_nx = 2 * resize->nx, channels = resize->channels;
    const pea__position y = pea__upsample_position(row % out_ny, resize->ny, out_ny);
    const int64_t first = row / out_ny * resize->ny;
    const pea__bf16 *upper = input_row_bf16(resize, first + y.low), *lower = input_row_bf16(resize, first + y.high);
    const pea__bf16 *residual = residual_row_bf16(&resize->epilogue, row, 0, out_nx);
    pea__bf16 *out = resize->out_bf16 + pea__voxel_place(row, 0, out_nx, resize->out_rows) * resize->out_pitch;
    for (int64_t x = 0; x < out_nx; x++, residual += resize->epilogue.residual_pitch, out += resize->out_pitch) {
        const pea__position at = pea__upsample_position(x, resize->nx, out_nx);
        for (int64_t c = 0; c < channels; c += LANES) {
            const int64_t n = channels - c < LANES ? channels - c : LANES;
            const vec v = amid_bf16(upper, lower, resize->in_pitch, at, all(y.weight), c, n);
            store_some_bf16(out + c, n, finish_bf16(&resize->epilogue, v, residual, c, n));
        }
    }
}

static inline vec larger_bf16(const pea__bf16 *a, const pea__bf16 *b, int64_t n)
{
    return max2(load_some_bf16(a, n), load_some_bf16(b, n));
}

static void pool_bf16_simd(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = resize->ny / 2, out_nx = resize->nx / 2, pitch = resize->in_pitch, channels = resize->channels;
    const int64_t in_row = row / out_ny * resize->ny + row % out_ny * 2;
    const pea__bf16 *upper = input_row_bf16(resize, in_row), *lower = input_row_bf16(resize, in_row + 1);
    pea__bf16 *out = resize->out_bf16 + pea__voxel_place(row, 0, out_nx, resize->out_rows) * resize->out_pitch;
    for (int64_t x = 0; x < out_nx; x++, upper += 2 * pitch, lower += 2 * pitch, out += resize->out_pitch)
        for (int64_t c = 0; c < channels; c += LANES) {
            const int64_t n = channels - c < LANES ? channels - c : LANES;
            const vec up = larger_bf16(upper + c, upper + pitch + c, n), down = larger_bf16(lower + c, lower + pitch + c, n);
            store_some_bf16(out + c, n, max2(up, down));
        }
}
