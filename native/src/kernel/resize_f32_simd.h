/* resize_f32_simd.h - upsample_f32 and pool_f32, channels in vectors; included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

static inline vec between(vec a, vec b, vec weight)
{
    return fma3(weight, sub(b, a), a);
}

static void upsample_f32_simd(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = 2 * resize->ny, out_nx = 2 * resize->nx, pitch = resize->in_pitch;
    const pea__position y = pea__upsample_position(row % out_ny, resize->ny, out_ny);
    const float *plane = resize->in + row / out_ny * resize->ny * resize->nx * pitch;
    const float *upper = plane + y.low * resize->nx * pitch, *lower = plane + y.high * resize->nx * pitch;
    const vec weight_y = all(y.weight);
    for (int64_t at = 0; at < out_nx; at++) {
        const pea__position x = pea__upsample_position(at, resize->nx, out_nx);
        const vec weight_x = all(x.weight);
        const int64_t voxel = row * out_nx + at;
        float *out = resize->out + voxel * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c += LANES) {
            const int64_t left = resize->channels - c;
            const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
            const vec above = between(load_some(upper + x.low * pitch + c, lanes),
                                      load_some(upper + x.high * pitch + c, lanes), weight_x);
            const vec below = between(load_some(lower + x.low * pitch + c, lanes),
                                      load_some(lower + x.high * pitch + c, lanes), weight_x);
            _Alignas(64) float value[LANES];
            store(value, between(above, below, weight_y));
            finish_voxel(&resize->epilogue, value, voxel, c, left < LANES ? left : LANES, out + c);
        }
    }
}

static void pool_f32_simd(const pea__resize *resize, int64_t row)
{
    const int64_t out_ny = resize->ny / 2, out_nx = resize->nx / 2, pitch = resize->in_pitch;
    const float *upper = resize->in + (row / out_ny * resize->ny + row % out_ny * 2) * resize->nx * pitch;
    const float *lower = upper + resize->nx * pitch;
    for (int64_t x = 0; x < out_nx; x++) {
        const float *a = upper + 2 * x * pitch, *b = lower + 2 * x * pitch;
        float *out = resize->out + (row * out_nx + x) * resize->out_pitch;
        for (int64_t c = 0; c < resize->channels; c += LANES) {
            const int64_t left = resize->channels - c;
            const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
            const vec up = max2(load_some(a + c, lanes), load_some(a + pitch + c, lanes));
            const vec down = max2(load_some(b + c, lanes), load_some(b + pitch + c, lanes));
            store_some(out + c, lanes, max2(up, down));
        }
    }
}
