/* norm_f32_scalar.c - the definitions of what batch normalisation does to voxels: moments_f32, norm_f32, norm_sums_f32,
 * norm_gradient_f32, slope_f32.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/scalar.h"

/* What the rounded mean is away from the mean, the second pass finds and puts right. */
void pea__moments_f32_scalar(const float *in, int64_t pitch, int64_t n_channels, int64_t n, float *mean, float *squares)
{
    for (int64_t c = 0; c < n_channels; c++) {
        float sum = 0.0f, away = 0.0f, square = 0.0f;
        for (int64_t p = 0; p < n; p++)
            sum += in[p * pitch + c];
        const float middle = sum / (float)n;
        for (int64_t p = 0; p < n; p++) {
            const float d = in[p * pitch + c] - middle;
            away += d;
            square += d * d;
        }
        mean[c] = middle + away / (float)n;
        squares[c] = square - away * (away / (float)n);
    }
}

void pea__norm_f32_scalar(const pea__norm *norm, int64_t first, int64_t n)
{
    const pea__norm_branch *a = &norm->branch[0], *b = &norm->branch[1];
    const pea__epilogue epilogue = {.activation = norm->activation, .n_activated = norm->channels};
    for (int64_t p = first; p < first + n; p++)
        for (int64_t c = 0; c < norm->channels; c++) {
            float v = norm->shift[c] + a->scale[c] * (a->in[p * a->pitch + c] - a->mean[c]);
            if (b->in)
                v += b->scale[c] * (b->in[p * b->pitch + c] - b->mean[c]);
            norm->out[p * norm->out_pitch + c] = pea__epilogue_scalar(&epilogue, p, c, v);
        }
}

void pea__norm_sums_f32_scalar(const float *gradient, int64_t gradient_pitch, const float *in, int64_t in_pitch,
                               const float *mean, int64_t n_channels, int64_t n, float *sums, float *products)
{
    for (int64_t c = 0; c < n_channels; c++) {
        float sum = 0.0f, product = 0.0f;
        for (int64_t p = 0; p < n; p++)
            sum += gradient[p * gradient_pitch + c];
        sums[c] = sum;
        if (!in)
            continue;
        for (int64_t p = 0; p < n; p++)
            product += gradient[p * gradient_pitch + c] * (in[p * in_pitch + c] - mean[c]);
        products[c] = product;
    }
}

void pea__norm_gradient_f32_scalar(const pea__norm_gradient_step *s, int64_t first, int64_t n)
{
    for (int64_t p = first; p < first + n; p++)
        for (int64_t c = 0; c < s->channels; c++)
            s->to[p * s->to_pitch + c] = s->scale[c] * (s->gradient[p * s->gradient_pitch + c] - s->level[c]) +
                                         s->slope[c] * (s->in[p * s->in_pitch + c] - s->mean[c]);
}

static float slope(pea__activation activation, float out)
{
    switch (activation) {
    case PEA__LINEAR: return 1.0f;
    case PEA__RELU: return out > 0.0f ? 1.0f : out * 0.0f; /* NaN stays, to be seen */
    case PEA__ELU: return out > 0.0f ? 1.0f : out + 1.0f;  /* e^x, as the output is e^x - 1 */
    case PEA__SIGMOID: return out * (1.0f - out);
    }
    return 1.0f;
}

void pea__slope_f32_scalar(pea__activation activation, const float *out, int64_t out_pitch, const float *gradient,
                           int64_t gradient_pitch, int64_t n_channels, int64_t n, float *to, int64_t to_pitch)
{
    for (int64_t p = 0; p < n; p++)
        for (int64_t c = 0; c < n_channels; c++)
            to[p * to_pitch + c] = gradient[p * gradient_pitch + c] * slope(activation, out[p * out_pitch + c]);
}
