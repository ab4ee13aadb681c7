/* epilogue_simd.h - what happens to a vector of sums before it is stored; included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

/* e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2)/2, and e^r - 1 as its Taylor polynomial of degree 7: the first
 * term left out is r^8/8! < 6e-9. ln 2 is taken off in two parts, the first with few bits, so that r is exact. */
static inline vec exp_parts(vec x, vec *power)
{
    const vec n = nearest(mul(x, all(1.44269504088896341f)));
    const vec r = fma3(n, all(2.12194440e-4f), fma3(n, all(-0.693359375f), x));
    vec p = all(1.0f / 5040.0f);
    p = fma3(p, r, all(1.0f / 720.0f));
    p = fma3(p, r, all(1.0f / 120.0f));
    p = fma3(p, r, all(1.0f / 24.0f));
    p = fma3(p, r, all(1.0f / 6.0f));
    p = fma3(p, r, all(0.5f));
    *power = two_to(n);
    return fma3(mul(p, r), r, r);
}

/* e^x - 1 for x <= 0: 2^n (e^r - 1) + (2^n - 1) keeps every digit near 0, where n is 0. Below -30 it is -1. */
static inline vec expm1_of_negative(vec x)
{
    vec power;
    const vec p = exp_parts(max2(all(-30.0f), x), &power);
    return fma3(power, p, sub(power, all(1.0f)));
}

static inline vec sigmoid(vec x) /* 1 / (1 + e^-x), exact to rounding where e^-x stays a normal number */
{
    vec power;
    const vec p = exp_parts(max2(all(-87.0f), min2(all(87.0f), sub(all(0.0f), x))), &power);
    return divide(all(1.0f), add(all(1.0f), fma3(power, p, power)));
}

static inline vec activate(pea__activation activation, vec x)
{
    switch (activation) {
    case PEA__LINEAR: return x;
    case PEA__RELU: return max2(all(0.0f), x);
    case PEA__ELU: return add(max2(all(0.0f), x), expm1_of_negative(min2(all(0.0f), x)));
    case PEA__SIGMOID: return sigmoid(x);
    }
    return x;
}

/* Channels from c on, those among them that are activated. */
static inline vec activated(const pea__epilogue *epilogue, vec sum, int64_t c)
{
    if (c + LANES <= epilogue->n_activated)
        return activate(epilogue->activation, sum);
    if (c >= epilogue->n_activated)
        return sum;
    return choose(first_lanes(epilogue->n_activated - c), activate(epilogue->activation, sum), sum);
}

/* The residual of voxel x in row `row` of an image nx wide, the next voxel's behind it; where there is none, something
 * that finish() does not look at. */
static inline const float *residual_row(const pea__epilogue *epilogue, int64_t row, int64_t x, int64_t nx)
{
    static const float nothing;
    return epilogue->residual ? epilogue->residual + pea__voxel_place(row, x, nx, epilogue->residual_rows) *
                                                         epilogue->residual_pitch
                              : &nothing;
}

static inline const pea__bf16 *residual_row_bf16(const pea__epilogue *epilogue, int64_t row, int64_t x, int64_t nx)
{
    static const pea__bf16 nothing;
    return epilogue->residual_bf16 ? epilogue->residual_bf16 + pea__voxel_place(row, x, nx, epilogue->residual_rows) *
                                                                   epilogue->residual_pitch
                                   : &nothing;
}

/* What is stored for a vector of sums of one voxel: its channels from c on, of which `lanes` exist. */
static inline vec finish(const pea__epilogue *epilogue, vec sum, const float *residual, int64_t c, vec_mask lanes)
{
    if (epilogue->residual)
        sum = fma3(load(epilogue->residual_scale + c), load_some(residual + c, lanes), sum);
    return activated(epilogue, sum, c);
}

/* The same where the residual is of bf16; n channels exist. */
static inline vec finish_bf16(const pea__epilogue *epilogue, vec sum, const pea__bf16 *residual, int64_t c, int64_t n)
{
    if (epilogue->residual_bf16)
        sum = fma3(load(epilogue->residual_scale + c), n < LANES ? load_some_bf16(residual + c, n) : load_bf16(residual + c),
                   sum);
    return activated(epilogue, sum, c);
}
