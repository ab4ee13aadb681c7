/* norm_f32_simd.h - what batch normalisation does to voxels, channels in vectors: moments_f32, norm_f32, norm_sums_f32,
 * norm_gradient_f32, slope_f32. Sums take one vector of channels through all voxels before the next, so that they stay in
 * registers; what writes images goes through them as they lie, or memory would be half as fast. Included by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

static inline vec_mask lanes_from(int64_t c, int64_t n_channels)
{
    return first_lanes(n_channels - c < LANES ? n_channels - c : LANES);
}

/* Sums in four chains, which do not wait for each other. */
enum { CHAINS = 4 };

static inline vec join_chains(const vec sum[CHAINS])
{
    return add(add(sum[0], sum[1]), add(sum[2], sum[3]));
}

static inline vec sum_of(const float *in, int64_t pitch, int64_t n, vec_mask lanes)
{
    vec sum[CHAINS] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
    int64_t p = 0;
    for (; p + CHAINS <= n; p += CHAINS)
        UNROLL
        for (int i = 0; i < CHAINS; i++)
            sum[i] = add(sum[i], load_some(in + (p + i) * pitch, lanes));
    for (; p < n; p++)
        sum[0] = add(sum[0], load_some(in + p * pitch, lanes));
    return join_chains(sum);
}

/* Sums of gradient * (in - mean). */
static inline vec product_of(const float *gradient, int64_t gradient_pitch, const float *in, int64_t in_pitch, vec mean,
                             int64_t n, vec_mask lanes)
{
    vec sum[CHAINS] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
    int64_t p = 0;
    for (; p + CHAINS <= n; p += CHAINS)
        UNROLL
        for (int i = 0; i < CHAINS; i++)
            sum[i] = fma3(load_some(gradient + (p + i) * gradient_pitch, lanes),
                          sub(load_some(in + (p + i) * in_pitch, lanes), mean), sum[i]);
    for (; p < n; p++)
        sum[0] = fma3(load_some(gradient + p * gradient_pitch, lanes), sub(load_some(in + p * in_pitch, lanes), mean),
                      sum[0]);
    return join_chains(sum);
}

/* The second pass over one vector of channels: differences from a rounded mean, and their squares, which put it right. */
static inline void spread_of(const float *in, int64_t pitch, vec *mean, vec *squares, int64_t n, vec_mask lanes)
{
    vec away[CHAINS] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
    vec square[CHAINS] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
    int64_t p = 0;
    for (; p + CHAINS <= n; p += CHAINS)
        UNROLL
        for (int i = 0; i < CHAINS; i++) {
            const vec d = sub(load_some(in + (p + i) * pitch, lanes), *mean);
            away[i] = add(away[i], d);
            square[i] = fma3(d, d, square[i]);
        }
    for (; p < n; p++) {
        const vec d = sub(load_some(in + p * pitch, lanes), *mean);
        away[0] = add(away[0], d);
        square[0] = fma3(d, d, square[0]);
    }
    const vec sum = join_chains(away), correction = divide(sum, all((float)n));
    *mean = add(*mean, correction);
    *squares = sub(join_chains(square), mul(sum, correction));
}

static void moments_f32_simd(const float *in, int64_t pitch, int64_t n_channels, int64_t n, float *mean, float *squares)
{
    for (int64_t c = 0; c < n_channels; c += LANES) {
        const vec_mask lanes = lanes_from(c, n_channels);
        vec middle = divide(sum_of(in + c, pitch, n, lanes), all((float)n)), spread;
        spread_of(in + c, pitch, &middle, &spread, n, lanes);
        store_some(mean + c, lanes, middle);
        store_some(squares + c, lanes, spread);
    }
}

static void norm_sums_f32_simd(const float *gradient, int64_t gradient_pitch, const float *in, int64_t in_pitch,
                               const float *mean, int64_t n_channels, int64_t n, float *sums, float *products)
{
    for (int64_t c = 0; c < n_channels; c += LANES) {
        const vec_mask lanes = lanes_from(c, n_channels);
        store_some(sums + c, lanes, sum_of(gradient + c, gradient_pitch, n, lanes));
        if (in)
            store_some(products + c, lanes, product_of(gradient + c, gradient_pitch, in + c, in_pitch,
                                                       load_some(mean + c, lanes), n, lanes));
    }
}

/* Constants after inlining, so that the loop holds one activation and one number of branches. */
static inline __attribute__((always_inline)) void norm_all(const pea__norm *norm, int64_t first, int64_t n,
                                                           const pea__activation activation, const bool two)
{
    const pea__norm_branch *a = &norm->branch[0], *b = &norm->branch[1];
    const float *in = a->in + first * a->pitch, *in_2 = two ? b->in + first * b->pitch : NULL;
    float *out = norm->out + first * norm->out_pitch;
    for (int64_t p = 0; p < n; p++, in += a->pitch, in_2 += two ? b->pitch : 0, out += norm->out_pitch)
        for (int64_t c = 0; c < norm->channels; c += LANES) {
            const vec_mask lanes = lanes_from(c, norm->channels);
            vec v = fma3(load_some(a->scale + c, lanes), sub(load_some(in + c, lanes), load_some(a->mean + c, lanes)),
                         load_some(norm->shift + c, lanes));
            if (two)
                v = fma3(load_some(b->scale + c, lanes), sub(load_some(in_2 + c, lanes), load_some(b->mean + c, lanes)), v);
            store_some(out + c, lanes, activate(activation, v));
        }
}

static inline __attribute__((always_inline)) void norm_some(const pea__norm *norm, int64_t first, int64_t n,
                                                            const pea__activation activation)
{
    if (norm->branch[1].in)
        norm_all(norm, first, n, activation, true);
    else
        norm_all(norm, first, n, activation, false);
}

static void norm_f32_simd(const pea__norm *norm, int64_t first, int64_t n)
{
    switch (norm->activation) {
    case PEA__LINEAR: norm_some(norm, first, n, PEA__LINEAR); break;
    case PEA__RELU: norm_some(norm, first, n, PEA__RELU); break;
    case PEA__ELU: norm_some(norm, first, n, PEA__ELU); break;
    case PEA__SIGMOID: norm_some(norm, first, n, PEA__SIGMOID); break;
    }
}

static void norm_gradient_f32_simd(const pea__norm_gradient_step *s, int64_t first, int64_t n)
{
    const float *in = s->in + first * s->in_pitch, *gradient = s->gradient + first * s->gradient_pitch;
    float *to = s->to + first * s->to_pitch;
    for (int64_t p = 0; p < n; p++, in += s->in_pitch, gradient += s->gradient_pitch, to += s->to_pitch)
        for (int64_t c = 0; c < s->channels; c += LANES) {
            const vec_mask lanes = lanes_from(c, s->channels);
            const vec g = sub(load_some(gradient + c, lanes), load_some(s->level + c, lanes));
            const vec x = sub(load_some(in + c, lanes), load_some(s->mean + c, lanes));
            const vec v = fma3(load_some(s->slope + c, lanes), x, mul(load_some(s->scale + c, lanes), g));
            store_some(to + c, lanes, v);
        }
}

static inline vec slope_times(pea__activation activation, vec out, vec gradient)
{
    const vec zero = all(0.0f), one = all(1.0f);
    switch (activation) {
    case PEA__LINEAR: return gradient;
    case PEA__RELU: return mul(gradient, choose(greater(out, zero), one, mul(out, zero)));
    case PEA__ELU: return mul(gradient, add(min2(zero, out), one)); /* e^x, as the output is e^x - 1 */
    case PEA__SIGMOID: return mul(gradient, mul(out, sub(one, out)));
    }
    return gradient;
}

static inline __attribute__((always_inline)) void slope_all(const pea__activation activation, const float *out,
                                                            int64_t out_pitch, const float *gradient,
                                                            int64_t gradient_pitch, int64_t n_channels, int64_t n,
                                                            float *to, int64_t to_pitch)
{
    for (int64_t p = 0; p < n; p++, out += out_pitch, gradient += gradient_pitch, to += to_pitch)
        for (int64_t c = 0; c < n_channels; c += LANES) {
            const vec_mask lanes = lanes_from(c, n_channels);
            store_some(to + c, lanes,
                       slope_times(activation, load_some(out + c, lanes), load_some(gradient + c, lanes)));
        }
}

static void slope_f32_simd(pea__activation activation, const float *out, int64_t out_pitch, const float *gradient,
                           int64_t gradient_pitch, int64_t n_channels, int64_t n, float *to, int64_t to_pitch)
{
    switch (activation) {
    case PEA__LINEAR: slope_all(PEA__LINEAR, out, out_pitch, gradient, gradient_pitch, n_channels, n, to, to_pitch); break;
    case PEA__RELU: slope_all(PEA__RELU, out, out_pitch, gradient, gradient_pitch, n_channels, n, to, to_pitch); break;
    case PEA__ELU: slope_all(PEA__ELU, out, out_pitch, gradient, gradient_pitch, n_channels, n, to, to_pitch); break;
    case PEA__SIGMOID:
        slope_all(PEA__SIGMOID, out, out_pitch, gradient, gradient_pitch, n_channels, n, to, to_pitch);
        break;
    }
}
