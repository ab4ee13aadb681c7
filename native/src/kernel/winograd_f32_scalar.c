/* winograd_f32_scalar.c - the definition of winograd_f32 and winograd_bf16: plain loops over tiles, products and channels.
 *
 * In scratch lie `inputs`, for each plane that the kernel covers [product][tile][in]; `sums`, [product][tile][out]; and
 * the voxels of one tile. What the letters mean: winograd.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/bf16.h"
#include "kernel/scalar.h"
#include "kernel/winograd.h"

#include <string.h>

typedef struct tile_group {
    const pea__conv *conv;
    pea__tile where;
    int side, n_products;       /* inputs of a tile along an axis; their square */
    int64_t step, n_x, n_tiles; /* outputs of a tile along an axis; tiles in a row of tiles; in all */
    float *inputs, *sums, *patch;
    bool in_is_bf16, out_is_bf16, residual_is_bf16;
} tile_group;

/* ---- along one axis ---- */

static void six_to_products(const float d[6], float p[6])
{
    const float even = d[4] - 2.0f * d[2], odd = WINOGRAD_A * (d[3] - 2.0f * d[1]);
    const float even_b = d[4] - 0.5f * d[2], odd_b = WINOGRAD_B * (d[3] - 0.5f * d[1]);
    p[0] = d[0] + d[4] - 2.5f * d[2];
    p[1] = even + odd;
    p[2] = even - odd;
    p[3] = even_b + odd_b;
    p[4] = even_b - odd_b;
    p[5] = d[1] + d[5] - 2.5f * d[3];
}

static void eight_to_products(const float d[8], float p[8])
{
    const float even = d[6] - 5.0f * d[4] + 4.0f * d[2], odd = 0.5f * (d[5] - 5.0f * d[3] + 4.0f * d[1]);
    const float even_1 = d[6] - 4.25f * d[4] + d[2], odd_1 = d[5] - 4.25f * d[3] + d[1];
    const float even_2 = d[6] - 1.25f * d[4] + 0.25f * d[2], odd_2 = 2.0f * (d[5] - 1.25f * d[3] + 0.25f * d[1]);
    p[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
    p[1] = even + odd;
    p[2] = even - odd;
    p[3] = even_1 + odd_1;
    p[4] = even_1 - odd_1;
    p[5] = even_2 + odd_2;
    p[6] = even_2 - odd_2;
    p[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
}

static void six_from_products(const float p[6], int64_t step, float *y)
{
    const float sum_a = p[1] + p[2], sum_b = p[3] + p[4];
    const float difference_a = WINOGRAD_A * (p[1] - p[2]), difference_b = WINOGRAD_B * (p[3] - p[4]);
    y[0] = p[0] + (sum_a + sum_b);
    y[1] = difference_a + difference_b;
    if (step == 4) {
        y[2] = 0.5f * sum_a + 2.0f * sum_b;
        y[3] = 0.5f * difference_a + 2.0f * difference_b;
    }
    y[step - 1] += p[5];
}

static void eight_from_products(const float p[8], int64_t step, float *y)
{
    const float sum = p[1] + p[2], sum_1 = p[3] + p[4], sum_2 = p[5] + p[6];
    const float difference = p[1] - p[2], difference_1 = p[3] - p[4], difference_2 = p[5] - p[6];
    y[0] = p[0] + (sum + sum_1 + sum_2);
    y[1] = 0.5f * difference + difference_1 + 2.0f * difference_2;
    y[2] = 0.25f * sum + sum_1 + 4.0f * sum_2;
    y[3] = 0.125f * difference + difference_1 + 8.0f * difference_2;
    if (step == 6) {
        y[4] = 0.0625f * sum + sum_1 + 16.0f * sum_2;
        y[5] = 0.03125f * difference + difference_1 + 32.0f * difference_2;
    }
    y[step - 1] += p[7];
}

static void to_products(const float *d, int side, float *p)
{
    if (side == 6)
        six_to_products(d, p);
    else
        eight_to_products(d, p);
}

static void from_products(const float *p, int side, int64_t step, float *y)
{
    if (side == 6)
        six_from_products(p, step, y);
    else
        eight_from_products(p, step, y);
}

/* ---- inputs ---- */

/* Channel c of the (doubled) input, zero outside. */
static float input_at(const tile_group *g, int64_t z, int64_t y, int64_t x, int64_t c)
{
    const pea__conv *conv = g->conv;
    const int64_t shrink = conv->shape.doubled ? 2 : 1;
    const pea__resize input = {.ny = conv->ny / shrink, .nx = conv->nx / shrink, .in = conv->in,
                               .in_pitch = conv->in_pitch, .in_rows = conv->in_rows};
    if (y < 0 || y >= conv->ny || x < 0 || x >= conv->nx)
        return 0.0f;
    if (conv->shape.doubled)
        return (g->in_is_bf16 ? pea__doubled_bf16_scalar : pea__doubled_scalar)(&input, z, y, x, c);
    const int64_t at = pea__voxel_place(z * conv->ny + y, x, conv->nx, conv->in_rows) * conv->in_pitch + c;
    return g->in_is_bf16 ? pea__float_of_bf16(conv->in_bf16[at]) : conv->in[at];
}

/* The voxels of a tile, from y0, x0 on. */
static void gather(const tile_group *g, int64_t z, int64_t y0, int64_t x0)
{
    float *to = g->patch;
    for (int64_t y = y0; y < y0 + g->side; y++)
        for (int64_t x = x0; x < x0 + g->side; x++)
            for (int64_t c = 0; c < g->conv->shape.in_channels; c++)
                *to++ = input_at(g, z, y, x, c);
}

static void transform_channel(const float *patch, int64_t channels, int side, float *to, int64_t pitch)
{
    float rows[WINOGRAD_MAX_SIDE][WINOGRAD_MAX_SIDE], column[WINOGRAD_MAX_SIDE], p[WINOGRAD_MAX_SIDE];
    for (int x = 0; x < side; x++) {
        for (int y = 0; y < side; y++)
            column[y] = patch[(y * side + x) * channels];
        to_products(column, side, p);
        for (int y = 0; y < side; y++)
            rows[y][x] = p[y];
    }
    for (int y = 0; y < side; y++) {
        to_products(rows[y], side, p);
        for (int x = 0; x < side; x++)
            to[(y * side + x) * pitch] = p[x];
    }
}

static void transform_plane(const tile_group *g, int64_t z)
{
    const int64_t channels = g->conv->shape.in_channels, pitch = g->n_tiles * channels, rim = g->conv->shape.ky / 2;
    float *inputs = g->inputs + z % g->conv->shape.kz * g->n_products * pitch;
    for (int64_t tile = 0; tile < g->n_tiles; tile++) {
        gather(g, z, g->where.y0 + tile / g->n_x * g->step - rim, g->where.x0 + tile % g->n_x * g->step - rim);
        for (int64_t c = 0; c < channels; c++)
            transform_channel(g->patch + c, channels, g->side, inputs + tile * channels + c, pitch);
    }
}

/* ---- products ---- */

static void add_products(const float *in, int64_t n_in, const float *weights, float *sums, int64_t n_out)
{
    for (int64_t i = 0; i < n_in; i++, weights += n_out)
        for (int64_t o = 0; o < n_out; o++)
            sums[o] += in[i] * weights[o];
}

static void multiply_plane(const tile_group *g, int64_t z)
{
    const pea__conv_shape *s = &g->conv->shape;
    const int64_t in = s->in_channels, out = s->out_channels, n = g->n_tiles;
    memset(g->sums, 0, (size_t)(g->n_products * n * out) * sizeof *g->sums);
    for (int64_t product = 0; product < g->n_products; product++)
        for (int64_t tap = 0; tap < s->kz; tap++) {
            const int64_t at = z + tap - s->kz / 2;
            if (at < 0 || at >= g->conv->nz)
                continue;
            const float *inputs = g->inputs + (at % s->kz * g->n_products + product) * n * in;
            for (int64_t tile = 0; tile < n; tile++)
                add_products(inputs + tile * in, in, g->conv->weights + (product * s->kz + tap) * in * out,
                             g->sums + (product * n + tile) * out, out);
        }
}

/* ---- outputs ---- */

static void untransform_channel(const tile_group *g, const float *sums, float y[][WINOGRAD_MAX_STEP])
{
    const int64_t pitch = g->n_tiles * g->conv->shape.out_channels;
    float rows[WINOGRAD_MAX_STEP][WINOGRAD_MAX_SIDE], p[WINOGRAD_MAX_SIDE], column[WINOGRAD_MAX_STEP];
    for (int x = 0; x < g->side; x++) {
        for (int i = 0; i < g->side; i++)
            p[i] = sums[(i * g->side + x) * pitch];
        from_products(p, g->side, g->step, column);
        for (int64_t i = 0; i < g->step; i++)
            rows[i][x] = column[i];
    }
    for (int64_t i = 0; i < g->step; i++)
        from_products(rows[i], g->side, g->step, y[i]);
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static void put(const tile_group *g, int64_t voxel, int64_t c, float v)
{
    const pea__conv *conv = g->conv;
    if (g->out_is_bf16)
        conv->out_bf16[voxel * conv->out_pitch + c] = pea__bf16_of_float(v);
    else
        conv->out[voxel * conv->out_pitch + c] = v;
}

/* One channel of the tile whose first voxel is at y, x. */
static void store_channel(const tile_group *g, int64_t z, int64_t y, int64_t x, const float *sums, int64_t c)
{
    const pea__conv *conv = g->conv;
    const bool halved = conv->shape.halved;
    float v[WINOGRAD_MAX_STEP][WINOGRAD_MAX_STEP];
    untransform_channel(g, sums + c, v);
    for (int64_t i = 0; i < g->step && y + i < conv->ny; i++)
        for (int64_t j = 0; j < g->step && x + j < conv->nx; j++) {
            const int64_t row = z * conv->ny + y + i;
            const int64_t residual = pea__voxel_place(row, x + j, conv->nx, conv->epilogue.residual_rows);
            v[i][j] = (g->residual_is_bf16 ? pea__epilogue_bf16_scalar : pea__epilogue_scalar)(&conv->epilogue, residual, c,
                                                                                               v[i][j] + conv->bias[c]);
            if (!halved)
                put(g, pea__voxel_place(row, x + j, conv->nx, conv->out_rows), c, v[i][j]);
        }
    for (int64_t i = 0; halved && i < g->step && y + i < conv->ny; i += 2)
        for (int64_t j = 0; j < g->step && x + j < conv->nx; j += 2) {
            const int64_t row = z * (conv->ny / 2) + (y + i) / 2;
            put(g, pea__voxel_place(row, (x + j) / 2, conv->nx / 2, conv->out_rows), c,
                larger(larger(v[i][j], v[i][j + 1]), larger(v[i + 1][j], v[i + 1][j + 1])));
        }
}

static void store_plane(const tile_group *g, int64_t z)
{
    const int64_t channels = g->conv->shape.out_channels;
    for (int64_t tile = 0; tile < g->n_tiles; tile++)
        for (int64_t c = 0; c < channels; c++)
            store_channel(g, z, g->where.y0 + tile / g->n_x * g->step, g->where.x0 + tile % g->n_x * g->step,
                          g->sums + tile * channels, c);
}

static void solve_group(tile_group g, float *scratch)
{
    const pea__conv *conv = g.conv;
    const pea__tile tile = g.where;
    const int64_t rim = conv->shape.kz / 2, step = pea__winograd_step(&conv->shape);
    g.side = pea__winograd_side(&conv->shape);
    g.n_products = g.side * g.side;
    g.step = step;
    g.n_x = (tile.x1 - tile.x0 + step - 1) / step;
    g.n_tiles = g.n_x * ((tile.y1 - tile.y0 + step - 1) / step);
    g.inputs = scratch;
    g.sums = g.inputs + conv->shape.kz * g.n_products * g.n_tiles * conv->shape.in_channels;
    g.patch = g.sums + g.n_products * g.n_tiles * conv->shape.out_channels;
    int64_t next = tile.z0 < rim ? 0 : tile.z0 - rim; /* plane to be transformed */
    for (int64_t z = tile.z0; z < tile.z1; z++) {
        for (; next <= z + rim && next < conv->nz; next++)
            transform_plane(&g, next);
        multiply_plane(&g, z);
        store_plane(&g, z);
    }
}

void pea__winograd_f32_scalar(const pea__conv *conv, pea__tile tile, float *scratch)
{
    solve_group((tile_group){.conv = conv, .where = tile}, scratch);
}

void pea__winograd_bf16_scalar(const pea__conv *conv, pea__tile tile, float *scratch)
{
    solve_group((tile_group){.conv = conv, .where = tile, .in_is_bf16 = !conv->in_is_float,
                             .out_is_bf16 = !conv->out_is_float, .residual_is_bf16 = true}, scratch);
}
