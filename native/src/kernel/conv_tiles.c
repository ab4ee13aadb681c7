/* conv_tiles.c - how large a tile of a convolution is: what it reads and sums up shall stay in a core's own cache.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "kernel/kernel.h"

enum {
    SCRATCH_FLOATS = 384 * 1024 / 4, /* a tile's input: with one panel of weights it fits in 1 MiB of second-level cache */
    TASK_PRODUCTS = 32 << 20,        /* multiply-adds of one task: 0.5 ms with AVX-512, 10 ms in plain C */
    TASK_FLOATS = 1 << 16,           /* elements that a task of little arithmetic writes */
    MIN_TASKS = 16,                  /* of an operation: enough for threads to share evenly */
    GROUP_ROWS = 6, GROUP_TILES = 36, /* tiles of Winograd: along y, and in all. 36 fill the registers of every set evenly,
                                        read each weight often enough, and leave room in 1 to 2 MiB of cache */
    LARGE_GROUP_ROWS = 4, LARGE_GROUP_TILES = 24, /* of large tiles, with nearly twice as many products of each */
    LEAST_PLANES = 4, MOST_PLANES = 32, /* of a task with several: its rim is transformed again */
    GRADIENT_TILES = 48,             /* of Winograd in one group, over all its planes */
    GRADIENT_PLANES = 9              /* of these groups, where the kernel has several */
};

static bool is_pointwise(const pea__conv_shape *s)
{
    return s->kz == 1 && s->ky == 1 && s->kx == 1;
}

/* Extents in groups of at most `most`, nearly equal. */
static int64_t even_share(int64_t n, int64_t most)
{
    return pea__ceil_div(n, pea__ceil_div(n, most));
}

static pea__tile tile_pointwise(const pea__conv_shape *s, int64_t ny, int64_t nx)
{
    const double in = (double)s->in_channels, products = in * (double)s->out_channels;
    const double most = TASK_PRODUCTS / products < TASK_FLOATS / in ? TASK_PRODUCTS / products : TASK_FLOATS / in;
    const int64_t tile_x = pea__min_i64(nx, pea__max_i64(64, (int64_t)most));
    return (pea__tile){.z1 = 1, .y1 = pea__min_i64(ny, pea__max_i64(1, (int64_t)most / tile_x)), .x1 = tile_x};
}

/* Whether a task of a direct convolution stays within scratch and products. */
static bool fits(const pea__conv_shape *s, int64_t tile_y, int64_t tile_x, int lanes)
{
    const double products = (double)(s->kz * s->ky * s->kx) * (double)s->in_channels * (double)s->out_channels;
    return pea__conv_scratch(s, tile_y, tile_x, lanes) <= SCRATCH_FLOATS &&
           products * (double)tile_y * (double)tile_x <= TASK_PRODUCTS;
}

static pea__tile tile_direct(const pea__conv_shape *s, int64_t nz, int64_t ny, int64_t nx, int lanes)
{
    pea__tile t = {.z1 = 1, .y1 = 1, .x1 = nx};
    while (t.x1 > 24 && !fits(s, 4, t.x1, lanes))
        t.x1 = (t.x1 + 1) / 2;
    const int64_t others = nz * pea__ceil_div(nx, t.x1);
    const int64_t most = pea__ceil_div(ny * others, pea__max_i64(MIN_TASKS, others));
    while (t.y1 < most && fits(s, t.y1 + 1, t.x1, lanes))
        t.y1++;
    return t;
}

/* Square groups, as far as rows go: they share most of their borders, and a doubled input is made for the borders too.
 * Planes stay together where the kernel has several, since each is transformed once; but not so that threads find nothing
 * to do. */
static pea__tile tile_winograd(const pea__conv_shape *s, int64_t nz, int64_t ny, int64_t nx)
{
    const bool large = pea__winograd_side(s) == 8;
    const int64_t step = pea__winograd_step(s), most = large ? LARGE_GROUP_TILES : GROUP_TILES;
    const int64_t side_y = even_share(pea__ceil_div(ny, step), large ? LARGE_GROUP_ROWS : GROUP_ROWS);
    pea__tile t = {.z1 = 1, .y1 = side_y * step, .x1 = even_share(pea__ceil_div(nx, step), most / side_y) * step};
    const int64_t n_groups = pea__ceil_div(ny, t.y1) * pea__ceil_div(nx, t.x1);
    if (s->kz > 1)
        t.z1 = pea__min_i64(MOST_PLANES, pea__max_i64(LEAST_PLANES, nz * n_groups / MIN_TASKS));
    return t;
}

pea__tile pea__conv_first_tile(const pea__conv_shape *s, int64_t nz, int64_t ny, int64_t nx, int lanes)
{
    if (is_pointwise(s))
        return tile_pointwise(s, ny, nx);
    return s->winograd ? tile_winograd(s, nz, ny, nx) : tile_direct(s, nz, ny, nx, lanes);
}

/* In scratch as much of the input as fits, in tiles wide enough that their borders count for little; planes as with
 * Winograd. Extents are even, for halving. */
pea__tile pea__conv_bf16_first_tile(const pea__conv_shape *s, int64_t nz, int64_t ny, int64_t nx)
{
    enum { WIDE = 64, HIGH = 32, MORE_PRODUCTS = 4 };
    if (is_pointwise(s))
        return tile_pointwise(s, ny, nx);
    const double products = (double)(s->kz * s->ky * s->kx) * (double)s->in_channels * (double)s->out_channels;
    pea__tile t = {.z1 = 1, .y1 = pea__min_i64(ny, HIGH), .x1 = (even_share(nx, WIDE) + 1) / 2 * 2};
    while (t.y1 > 4 && (pea__conv_bf16_scratch(s, t.y1, t.x1) > SCRATCH_FLOATS ||
                        products * (double)t.y1 * (double)t.x1 > (double)MORE_PRODUCTS * TASK_PRODUCTS ||
                        nz * pea__ceil_div(ny, t.y1) * pea__ceil_div(nx, t.x1) < MIN_TASKS))
        t.y1 = (t.y1 / 2 + 1) / 2 * 2;
    const int64_t n_tiles = pea__ceil_div(ny, t.y1) * pea__ceil_div(nx, t.x1);
    if (s->kz > 1)
        t.z1 = pea__min_i64(MOST_PLANES, pea__max_i64(LEAST_PLANES, nz * n_tiles / MIN_TASKS));
    return t;
}

/* Wide rather than square, so that small planes too have their tiles in few groups; then as many planes as there is room
 * for. */
pea__tile pea__conv_gradient_first_tile(const pea__conv_shape *s, int64_t nz, int64_t ny, int64_t nx)
{
    if (is_pointwise(s))
        return (pea__tile){.z1 = 1, .y1 = 1, .x1 = pea__min_i64(nx, 256)};
    if (!s->winograd)
        return (pea__tile){.z1 = 1, .y1 = pea__min_i64(ny, 8), .x1 = pea__min_i64(nx, 256)};
    const int64_t step = pea__winograd_gradient_step(s), n_y = pea__ceil_div(ny, step), n_x = pea__ceil_div(nx, step);
    const int64_t planes = s->kz == 1 ? 1 : even_share(nz, GRADIENT_PLANES), most = GRADIENT_TILES / planes;
    const int64_t side_x = even_share(n_x, s->kz == 1 ? 8 : 3);
    const int64_t side_y = even_share(n_y, pea__max_i64(1, most / side_x));
    const int64_t fitting = pea__max_i64(planes, GRADIENT_TILES / (side_y * side_x));
    return (pea__tile){.z1 = even_share(nz, fitting), .y1 = side_y * step, .x1 = side_x * step};
}
