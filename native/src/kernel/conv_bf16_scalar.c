/* conv_bf16_scalar.c - the definition of conv_bf16: plain loops over voxels, inputs and outputs.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/conv_bf16.h"
#include "kernel/scalar.h"

/* Channel i of the input at a voxel, as it is multiplied: of bf16 where it was not, too. */
static float input_at(const pea__conv *conv, int64_t z, int64_t y, int64_t x, int64_t i)
{
    const int64_t ny = conv->ny, nx = conv->nx;
    if (z < 0 || z >= conv->nz || y < 0 || y >= ny || x < 0 || x >= nx)
        return 0.0f;
    if (conv->shape.doubled) {
        const pea__resize resize = {.nz = conv->nz, .ny = ny / 2, .nx = nx / 2, .in_bf16 = conv->in_bf16,
                                    .in_pitch = conv->in_pitch, .in_rows = conv->in_rows};
        return pea__float_of_bf16(pea__bf16_of_float(pea__doubled_bf16_scalar(&resize, z, y, x, i)));
    }
    const int64_t at = pea__voxel_place(z * ny + y, x, nx, conv->in_rows) * conv->in_pitch + i;
    return pea__float_of_bf16(conv->in_is_float ? pea__bf16_of_float(conv->in[at]) : conv->in_bf16[at]);
}

/* All inputs of a voxel in the order of its taps, then zeros up to the end of a patch. */
static void gather(const pea__conv *conv, const pea__bf16_form *form, int64_t z, int64_t y, int64_t x, float *window)
{
    const pea__conv_shape *s = &conv->shape;
    const float *end = window + form->n_rows * form->row_taps;
    for (int64_t dz = -(s->kz / 2); dz <= s->kz / 2; dz++)
        for (int64_t dy = -(s->ky / 2); dy <= s->ky / 2; dy++)
            for (int64_t dx = -(s->kx / 2); dx <= s->kx / 2; dx++)
                for (int64_t i = 0; i < s->in_channels; i++)
                    *window++ = input_at(conv, z + dz, y + dy, x + dx, i);
    while (window < end)
        *window++ = 0.0f;
}

/* What is stored for the outputs from `first` on. */
static void sum_panel(const pea__conv *conv, const pea__bf16_form *form, const float *window, int64_t residual, int64_t first,
                      float *results)
{
    const int64_t left = conv->shape.out_channels - first, width = pea__bf16_width(first, conv->shape.out_channels);
    const pea__bf16 *weights = conv->weights_bf16 + first * form->n_rows * form->n_steps * BF16_STEP;
    float sums[BF16_PANEL] = {0.0f};
    for (int64_t row = 0; row < form->n_rows; row++, window += form->row_taps)
        for (int64_t step = 0; step < form->n_steps; step++)
            for (int64_t pair = 0; pair < BF16_STEP / 2; pair++, weights += 2 * width) {
                const float *in = window + pea__bf16_begin(form, step) + 2 * pair;
                for (int64_t o = 0; o < width; o++)
                    sums[o] += in[0] * pea__float_of_bf16(weights[2 * o]) + in[1] * pea__float_of_bf16(weights[2 * o + 1]);
            }
    for (int64_t o = 0; o < width && o < left; o++)
        results[o] = pea__epilogue_bf16_scalar(&conv->epilogue, residual, first + o, conv->bias[first + o] + sums[o]);
}

static void store(const pea__conv *conv, int64_t voxel, int64_t first, const float *results)
{
    for (int64_t o = first; o < conv->shape.out_channels && o < first + BF16_PANEL; o++)
        if (conv->out_is_float)
            conv->out[voxel * conv->out_pitch + o] = results[o - first];
        else
            conv->out_bf16[voxel * conv->out_pitch + o] = pea__bf16_of_float(results[o - first]);
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

/* One voxel of the output: of the sum at y and x, or of the largest of four. */
static void solve_voxel(const pea__conv *conv, const pea__bf16_form *form, int64_t z, int64_t y, int64_t x, float *windows)
{
    const int64_t n_taps = form->n_rows * form->row_taps, row = z * conv->ny + y, shrink = conv->shape.halved ? 2 : 1;
    const int64_t n = shrink * shrink, out = pea__voxel_place(row / shrink, x / shrink, conv->nx / shrink, conv->out_rows);
    float results[4][BF16_PANEL];
    for (int64_t i = 0; i < n; i++)
        gather(conv, form, z, y + i / 2, x + i % 2, windows + i * n_taps);
    for (int64_t first = 0; first < conv->shape.out_channels; first += BF16_PANEL) {
        for (int64_t i = 0; i < n; i++)
            sum_panel(conv, form, windows + i * n_taps,
                      pea__voxel_place(row + i / 2, x + i % 2, conv->nx, conv->epilogue.residual_rows), first, results[i]);
        for (int64_t o = 0; n == 4 && o < BF16_PANEL && first + o < conv->shape.out_channels; o++)
            results[0][o] = larger(larger(results[0][o], results[1][o]), larger(results[2][o], results[3][o]));
        store(conv, out, first, results[0]);
    }
}

void pea__conv_bf16_scalar(const pea__conv *conv, pea__tile tile, float *scratch)
{
    const pea__bf16_form form = pea__conv_bf16_form(&conv->shape);
    const int step = conv->shape.halved ? 2 : 1;
    for (int64_t z = tile.z0; z < tile.z1; z++)
        for (int64_t y = tile.y0; y < tile.y1; y += step)
            for (int64_t x = tile.x0; x < tile.x1; x += step)
                solve_voxel(conv, &form, z, y, x, scratch);
}
