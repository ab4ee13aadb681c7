/* resize_gradient_f32_simd.h - upsample_gradient_f32 and pool_gradient_f32, channels in vectors; included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

/* How much of number `small` of n there is in each of the 2n that it was doubled to, from span.begin on. */
static inline pea__span shares_of(int64_t small, int64_t n, float share[PEA__UPSAMPLE_SPAN])
{
    const pea__span span = pea__upsample_span(small, n);
    for (int64_t large = span.begin; large < span.end; large++) {
        const pea__position at = pea__upsample_position(large, n, 2 * n);
        share[large - span.begin] = (at.low == small ? 1.0f - at.weight : 0.0f) + (at.high == small ? at.weight : 0.0f);
    }
    return span;
}

static inline vec addend(const pea__resize_gradient *r, int64_t voxel, int64_t c, vec_mask lanes)
{
    return r->add ? load_some(r->add + voxel * r->add_pitch + c, lanes) : all(0.0f);
}

static void upsample_gradient_f32_simd(const pea__resize_gradient *r, int64_t row)
{
    float share_y[PEA__UPSAMPLE_SPAN], share_x[PEA__UPSAMPLE_SPAN];
    const int64_t pitch = r->gradient_pitch, row_pitch = 2 * r->nx * pitch;
    const pea__span rows = shares_of(row % r->ny, r->ny, share_y);
    const float *upper = r->gradient + (row / r->ny * 2 * r->ny + rows.begin) * row_pitch;
    for (int64_t x = 0; x < r->nx; x++) {
        const pea__span columns = shares_of(x, r->nx, share_x);
        for (int64_t c = 0; c < r->channels; c += LANES) {
            const int64_t left = r->channels - c, voxel = row * r->nx + x;
            const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
            vec sum = all(0.0f);
            for (int64_t v = 0; v < rows.end - rows.begin; v++) {
                const float *from = upper + v * row_pitch + columns.begin * pitch + c;
                vec part = all(0.0f);
                for (int64_t u = 0; u < columns.end - columns.begin; u++)
                    part = fma3(all(share_x[u]), load_some(from + u * pitch, lanes), part);
                sum = fma3(all(share_y[v]), part, sum);
            }
            store_some(r->to + voxel * r->to_pitch + c, lanes, add(sum, addend(r, voxel, c, lanes)));
        }
    }
}

static void pool_gradient_f32_simd(const pea__resize_gradient *r, int64_t row)
{
    const int64_t half = r->nx / 2, pitch = r->in_pitch;
    const vec zero = all(0.0f);
    for (int64_t x = 0; x < half; x++) {
        const int64_t upper = row * 2 * r->nx + 2 * x, lower = upper + r->nx;
        for (int64_t c = 0; c < r->channels; c += LANES) {
            const int64_t left = r->channels - c;
            const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
            const float *above = r->in + upper * pitch + c, *below = r->in + lower * pitch + c;
            const vec a = load_some(above, lanes), b = load_some(above + pitch, lanes);
            const vec d = load_some(below, lanes), e = load_some(below + pitch, lanes);
            const vec g = load_some(r->gradient + (row * half + x) * r->gradient_pitch + c, lanes);
            const vec_mask b_wins = greater(b, a), e_wins = greater(e, d);
            const vec_mask below_wins = greater(choose(e_wins, e, d), choose(b_wins, b, a));
            const vec up = choose(below_wins, zero, g), down = choose(below_wins, g, zero);
            float *to = r->to + c;
            store_some(to + upper * r->to_pitch, lanes, add(choose(b_wins, zero, up), addend(r, upper, c, lanes)));
            store_some(to + (upper + 1) * r->to_pitch, lanes, add(choose(b_wins, up, zero), addend(r, upper + 1, c, lanes)));
            store_some(to + lower * r->to_pitch, lanes, add(choose(e_wins, zero, down), addend(r, lower, c, lanes)));
            store_some(to + (lower + 1) * r->to_pitch, lanes, add(choose(e_wins, down, zero), addend(r, lower + 1, c, lanes)));
        }
    }
}
