/* resize_gradient_f32_scalar.c - the definitions of upsample_gradient_f32 and pool_gradient_f32.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

static float addend(const pea__resize_gradient *r, int64_t voxel, int64_t c)
{
    return r->add ? r->add[voxel * r->add_pitch + c] : 0.0f;
}

/* How much of number `small` of n there is in number `large` of the 2n that it was doubled to. */
static float share(int64_t small, int64_t large, int64_t n)
{
    const pea__position at = pea__upsample_position(large, n, 2 * n);
    return (at.low == small ? 1.0f - at.weight : 0.0f) + (at.high == small ? at.weight : 0.0f);
}

void pea__upsample_gradient_f32_scalar(const pea__resize_gradient *r, int64_t row)
{
    const int64_t z = row / r->ny, y = row % r->ny;
    const pea__span rows = pea__upsample_span(y, r->ny);
    for (int64_t x = 0; x < r->nx; x++) {
        const pea__span columns = pea__upsample_span(x, r->nx);
        for (int64_t c = 0; c < r->channels; c++) {
            float sum = 0.0f;
            for (int64_t v = rows.begin; v < rows.end; v++) {
                float part = 0.0f;
                for (int64_t u = columns.begin; u < columns.end; u++)
                    part += share(x, u, r->nx) *
                            r->gradient[((z * 2 * r->ny + v) * 2 * r->nx + u) * r->gradient_pitch + c];
                sum += share(y, v, r->ny) * part;
            }
            r->to[(row * r->nx + x) * r->to_pitch + c] = sum + addend(r, row * r->nx + x, c);
        }
    }
}

void pea__pool_gradient_f32_scalar(const pea__resize_gradient *r, int64_t row)
{
    const int64_t half = r->nx / 2, upper = row * 2 * r->nx; /* an even number of rows: planes need no thought */
    for (int64_t x = 0; x < half; x++)
        for (int64_t c = 0; c < r->channels; c++) {
            const int64_t at[4] = {upper + 2 * x, upper + 2 * x + 1, upper + r->nx + 2 * x, upper + r->nx + 2 * x + 1};
            const float *in = r->in + c;
            const int above = in[at[1] * r->in_pitch] > in[at[0] * r->in_pitch] ? 1 : 0;
            const int below = in[at[3] * r->in_pitch] > in[at[2] * r->in_pitch] ? 3 : 2;
            const int most = in[at[below] * r->in_pitch] > in[at[above] * r->in_pitch] ? below : above;
            for (int i = 0; i < 4; i++)
                r->to[at[i] * r->to_pitch + c] =
                    (i == most ? r->gradient[(row * half + x) * r->gradient_pitch + c] : 0.0f) + addend(r, at[i], c);
        }
}
