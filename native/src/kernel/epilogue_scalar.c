/* epilogue_scalar.c - what happens to sums before they are stored: residual, then activation.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/bf16.h"
#include "kernel/scalar.h"

#include <math.h>

static float activate(pea__activation activation, float x)
{
    switch (activation) {
    case PEA__LINEAR: return x;
    case PEA__RELU: return x < 0.0f ? 0.0f : x; /* NaN stays NaN */
    case PEA__ELU: return x < 0.0f ? expm1f(x) : x;
    case PEA__SIGMOID: return 1.0f / (1.0f + expf(-x));
    }
    return x;
}

float pea__epilogue_scalar(const pea__epilogue *epilogue, int64_t residual, int64_t c, float sum)
{
    if (epilogue->residual)
        sum += epilogue->residual_scale[c] * epilogue->residual[residual * epilogue->residual_pitch + c];
    return c < epilogue->n_activated ? activate(epilogue->activation, sum) : sum;
}

float pea__epilogue_bf16_scalar(const pea__epilogue *epilogue, int64_t residual, int64_t c, float sum)
{
    if (epilogue->residual_bf16)
        sum += epilogue->residual_scale[c] *
               pea__float_of_bf16(epilogue->residual_bf16[residual * epilogue->residual_pitch + c]);
    return c < epilogue->n_activated ? activate(epilogue->activation, sum) : sum;
}
