/* epilogue_scalar.c - what happens to sums before they are stored: residual, then activation.
 * SPDX-License-Identifier: BSD-2-Clause */
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

void pea__epilogue_scalar(const pea__epilogue *epilogue, int64_t voxel, float *values, int64_t channels)
{
    if (epilogue->residual) {
        const float *residual = epilogue->residual + voxel * epilogue->residual_pitch;
        for (int64_t c = 0; c < channels; c++)
            values[c] += epilogue->residual_scale[c] * residual[c];
    }
    for (int64_t c = 0; c < channels; c++)
        values[c] = activate(epilogue->activation, values[c]);
}
