/* winograd_f32_simd.h - winograd_f32 and winograd_weights_f32, channels in vectors; included by simd.h.
 *
 *   tiles of one tile group      36 matrices          36 products           tiles of the output
 *   6x6 voxels each, which  -->  [tile][in]    x  U = [tile][out]     -->   4x4 (2x2) voxels each: bias, residual,
 *   overlap                      `inputs`             `sums`                activation, halving
 *
 * All of a group stays in the cache between the steps. Of a kernel with several planes, each plane of the input is
 * transformed once and kept while the planes of the output that need it are summed, still transformed.
 * SPDX-License-Identifier: BSD-2-Clause */

typedef struct tile_group {
    const pea__conv *conv;
    pea__tile where;
    int64_t step, n_x, n_tiles;                     /* outputs of a tile along an axis; tiles in a row; in all */
    int64_t in_pitch, product_pitch, plane_pitch;   /* of inputs: from tile to tile, product to product, plane to plane */
    int64_t sums_pitch;                             /* from product to product */
    float *inputs, *sums, *patch;
} tile_group;

/* ---- along one axis ---- */

static inline __attribute__((always_inline)) void to_products(const vec d[6], vec p[6])
{
    const vec even = fma3(all(-2.0f), d[2], d[4]), odd = fma3(all(-2.0f), d[1], d[3]);
    const vec even_b = fma3(all(-0.5f), d[2], d[4]), odd_b = fma3(all(-0.5f), d[1], d[3]);
    p[0] = fma3(all(-2.5f), d[2], add(d[0], d[4]));
    p[1] = fma3(all(WINOGRAD_A), odd, even);
    p[2] = fma3(all(-WINOGRAD_A), odd, even);
    p[3] = fma3(all(WINOGRAD_B), odd_b, even_b);
    p[4] = fma3(all(-WINOGRAD_B), odd_b, even_b);
    p[5] = fma3(all(-2.5f), d[3], add(d[1], d[5]));
}

static inline __attribute__((always_inline)) void from_products(const vec p[6], const int step, vec y[4])
{
    const vec sum_a = add(p[1], p[2]), sum_b = add(p[3], p[4]);
    const vec difference_a = mul(all(WINOGRAD_A), sub(p[1], p[2])), difference_b = mul(all(WINOGRAD_B), sub(p[3], p[4]));
    y[0] = add(p[0], add(sum_a, sum_b));
    y[1] = add(difference_a, difference_b);
    if (step == 2) {
        y[1] = add(y[1], p[5]);
        return;
    }
    y[2] = fma3(all(2.0f), sum_b, mul(all(0.5f), sum_a));
    y[3] = fma3(all(2.0f), difference_b, fma3(all(0.5f), difference_a, p[5]));
}

/* ---- weights ---- */

static inline __attribute__((always_inline)) void transform_taps(const vec *taps, const int n, const int pitch, vec w[6])
{
    const vec zero = all(0.0f), third = n == 5 ? taps[3 * pitch] : zero, fourth = n == 5 ? taps[4 * pitch] : zero;
    const vec even_a = fma3(all(0.5f), fma3(all(0.5f), fourth, taps[2 * pitch]), taps[0]);
    const vec even_b = fma3(all(2.0f), fma3(all(2.0f), fourth, taps[2 * pitch]), taps[0]);
    const vec odd_a = mul(all(WINOGRAD_A), fma3(all(0.5f), third, taps[pitch]));
    const vec odd_b = mul(all(WINOGRAD_B), fma3(all(2.0f), third, taps[pitch]));
    w[0] = taps[0];
    w[1] = divide(add(even_a, odd_a), all(WINOGRAD_NORM_A));
    w[2] = divide(sub(even_a, odd_a), all(WINOGRAD_NORM_A));
    w[3] = divide(add(even_b, odd_b), all(WINOGRAD_NORM_B));
    w[4] = divide(sub(even_b, odd_b), all(WINOGRAD_NORM_B));
    w[5] = taps[(n - 1) * pitch];
}

/* One vector of outputs; taps are `pitch` apart, weights of products `product_pitch`. */
static inline __attribute__((always_inline)) void transform_weights(const float *packed, int64_t pitch, const int n,
                                                                    float *products, int64_t product_pitch)
{
    vec rows[5 * 6], taps[5], w[6];
    UNROLL
    for (int y = 0; y < n; y++) {
        UNROLL
        for (int x = 0; x < n; x++)
            taps[x] = load(packed + (y * n + x) * pitch);
        transform_taps(taps, n, 1, rows + y * 6);
    }
    UNROLL
    for (int x = 0; x < 6; x++) {
        transform_taps(rows + x, n, 6, w);
        UNROLL
        for (int y = 0; y < 6; y++)
            store(products + (y * 6 + x) * product_pitch, w[y]);
    }
}

static void winograd_weights_f32_simd(const pea__conv_shape *shape, const float *packed, int64_t at, float *products)
{
    const int64_t in = shape->in_channels, matrix = shape->kz * in, padded = pea__conv_padded(shape->out_channels, LANES);
    const int64_t n_taps = shape->ky * shape->kx;
    pea__panel panel;
    for (int64_t first = 0; first < padded; first += panel.width) {
        panel = pea__conv_panel(first, shape->out_channels, LANES);
        const float *from = packed + first * n_taps * matrix + (at / in * n_taps * in + at % in) * panel.width;
        float *to = products + first * matrix + at * panel.width;
        for (int64_t lane = 0; lane < panel.width; lane += LANES)
            if (shape->ky == 3)
                transform_weights(from + lane, in * panel.width, 3, to + lane, padded * matrix);
            else
                transform_weights(from + lane, in * panel.width, 5, to + lane, padded * matrix);
    }
}

/* ---- inputs ---- */

/* One vector of channels of one tile. */
static inline __attribute__((always_inline)) void transform_input(const float *in, int64_t row_pitch, int64_t pitch,
                                                                  const bool whole, vec_mask lanes, float *to,
                                                                  int64_t product_pitch)
{
    vec columns[6][6];
    UNROLL
    for (int x = 0; x < 6; x++) {
        vec d[6], p[6];
        UNROLL
        for (int y = 0; y < 6; y++) {
            const float *at = in + y * row_pitch + x * pitch;
            d[y] = whole ? load(at) : load_some(at, lanes);
        }
        to_products(d, p);
        UNROLL
        for (int y = 0; y < 6; y++)
            columns[y][x] = p[y];
    }
    UNROLL
    for (int y = 0; y < 6; y++) {
        vec p[6];
        to_products(columns[y], p);
        UNROLL
        for (int x = 0; x < 6; x++)
            store(to + (y * 6 + x) * product_pitch, p[x]);
    }
}

/* The doubled input under all tiles of the group, as the patch. */
static void double_input(const tile_group *g, int64_t z)
{
    const int64_t rim = g->conv->shape.ky / 2, n_x = g->n_x * g->step + 2 * rim;
    const int64_t n_y = g->n_tiles / g->n_x * g->step + 2 * rim, y0 = g->where.y0 - rim, x0 = g->where.x0 - rim;
    for (int64_t y = 0; y < n_y; y++)
        gather_row(g->conv, z, y0 + y, x0, x0 + n_x, g->patch + y * n_x * g->conv->shape.in_channels);
}

/* Whether the tile's input at y0, x0 lies in the image, and its rows one behind the other in memory. */
static bool is_there(const pea__conv *conv, int64_t z, int64_t y0, int64_t x0)
{
    return y0 >= 0 && x0 >= 0 && y0 + WINOGRAD_SIDE <= conv->ny && x0 + WINOGRAD_SIDE <= conv->nx &&
           (conv->in_rows == 0 || (z * conv->ny + y0) % conv->in_rows + WINOGRAD_SIDE <= conv->in_rows);
}

/* Where the 6x6 inputs of a tile are: in the image, or zero-padded in the patch. */
static const float *tile_input(const tile_group *g, int64_t z, int64_t y, int64_t x, int64_t *row_pitch, int64_t *pitch)
{
    const pea__conv *conv = g->conv;
    const int64_t rim = conv->shape.ky / 2, y0 = y - rim, x0 = x - rim;
    if (conv->shape.doubled) {
        *pitch = conv->shape.in_channels;
        *row_pitch = (g->n_x * g->step + 2 * rim) * *pitch;
        return g->patch + (y - g->where.y0) * *row_pitch + (x - g->where.x0) * *pitch;
    }
    if (is_there(conv, z, y0, x0)) {
        *pitch = conv->in_pitch;
        *row_pitch = conv->nx * conv->in_pitch;
        return image_row(conv, z, y0, conv->ny, conv->nx) + x0 * conv->in_pitch;
    }
    *pitch = conv->shape.in_channels;
    *row_pitch = WINOGRAD_SIDE * *pitch;
    for (int row = 0; row < WINOGRAD_SIDE; row++)
        gather_row(conv, z, y0 + row, x0, x0 + WINOGRAD_SIDE, g->patch + row * *row_pitch);
    return g->patch;
}

static void transform_plane(const tile_group *g, int64_t z)
{
    const int64_t channels = g->conv->shape.in_channels, whole = channels / LANES * LANES;
    const vec_mask rest = first_lanes(channels - whole);
    float *inputs = g->inputs + z % g->conv->shape.kz * g->plane_pitch;
    if (g->conv->shape.doubled)
        double_input(g, z);
    for (int64_t tile = 0; tile < g->n_tiles; tile++, inputs += g->in_pitch) {
        int64_t row_pitch, pitch;
        const float *in = tile_input(g, z, g->where.y0 + tile / g->n_x * g->step, g->where.x0 + tile % g->n_x * g->step,
                                     &row_pitch, &pitch);
        for (int64_t c = 0; c < whole; c += LANES)
            transform_input(in + c, row_pitch, pitch, true, rest, inputs + c, g->product_pitch);
        if (whole < channels)
            transform_input(in + whole, row_pitch, pitch, false, rest, inputs + whole, g->product_pitch);
    }
}

/* ---- products ---- */

/* More do not stay in 1 MiB of second-level cache. Fetching them ahead saves a tenth of the time from 256 channels on; fewer
 * come by themselves. */
enum { MANY_WEIGHTS = 1 << 18 };

static void multiply_plane(const tile_group *g, int64_t z)
{
    const pea__conv *conv = g->conv;
    const int64_t rim = conv->shape.kz / 2, in = conv->shape.in_channels;
    const int64_t padded = pea__conv_padded(conv->shape.out_channels, LANES);
    const int64_t first = z < rim ? rim - z : 0; /* planes outside the image are left out */
    const bool many = WINOGRAD_PRODUCTS * conv->shape.kz * in * padded > MANY_WEIGHTS;
    int64_t rows[WINOGRAD_MAX_KZ];
    panel_job job = {.in_pitch = g->in_pitch, .rows = rows, .row_taps = in};
    for (int64_t at = z - rim + first; at <= z + rim && at < conv->nz; at++)
        rows[job.n_rows++] = at % conv->shape.kz * g->plane_pitch;
    pea__panel panel;
    for (int64_t product = 0; product < WINOGRAD_PRODUCTS; product++)
        for (int64_t at = 0; at < padded; at += panel.width) {
            panel = pea__conv_panel(at, conv->shape.out_channels, LANES);
            job.in = g->inputs + product * g->product_pitch;
            job.weights = conv->weights + (product * padded + at) * conv->shape.kz * in + first * in * panel.width;
            job.sums = g->sums + product * g->sums_pitch + at * g->n_tiles;
            if (many && (product + 1 < WINOGRAD_PRODUCTS || at + panel.width < padded))
                job.ahead = conv->shape.kz * in * panel.width;
            else
                job.ahead = 0;
            sum_voxels(job, g->n_tiles, panel.width);
        }
}

/* ---- outputs ---- */

/* One vector of sums of one tile, from channel c on, to what is stored. */
static inline __attribute__((always_inline)) void transform_output(const float *sums, int64_t pitch, const int step,
                                                                   vec y[4][4])
{
    vec columns[4][6];
    UNROLL
    for (int x = 0; x < 6; x++) {
        vec p[6], column[4];
        UNROLL
        for (int i = 0; i < 6; i++)
            p[i] = load(sums + (i * 6 + x) * pitch);
        from_products(p, step, column);
        UNROLL
        for (int i = 0; i < step; i++)
            columns[i][x] = column[i];
    }
    UNROLL
    for (int i = 0; i < step; i++)
        from_products(columns[i], step, y[i]);
}

/* Where the outputs of a tile go and its residuals are: the first voxel of each row, of each row of maxima if halved. */
typedef struct tile_output {
    int64_t n_y, n_x; /* rows and columns that lie in the image */
    float *out[4];
    const float *residual[4];
} tile_output;

static tile_output find_output(const tile_group *g, int64_t z, int64_t y, int64_t x)
{
    const pea__conv *conv = g->conv;
    const int64_t shrink = conv->shape.halved ? 2 : 1, ny = conv->ny / shrink, nx = conv->nx / shrink;
    tile_output t = {.n_y = conv->ny - y < g->step ? conv->ny - y : g->step,
                     .n_x = conv->nx - x < g->step ? conv->nx - x : g->step};
    for (int64_t i = 0; i < t.n_y; i++)
        t.residual[i] = residual_row(&conv->epilogue, z * conv->ny + y + i, x, conv->nx);
    for (int64_t i = 0; i < t.n_y / shrink; i++)
        t.out[i] = conv->out +
                   pea__voxel_place(z * ny + y / shrink + i, x / shrink, nx, conv->out_rows) * conv->out_pitch;
    return t;
}

static inline __attribute__((always_inline)) void store_tile(const tile_group *g, const tile_output *to, const float *sums,
                                                             int64_t c, const int step)
{
    const pea__conv *conv = g->conv;
    const int64_t left = conv->shape.out_channels - c;
    const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
    const vec bias = load(conv->bias + c);
    vec v[4][4];
    transform_output(sums, g->sums_pitch, step, v);
    for (int64_t i = 0; i < to->n_y; i++)
        for (int64_t j = 0; j < to->n_x; j++) {
            v[i][j] = finish(&conv->epilogue, add(v[i][j], bias), to->residual[i] + j * conv->epilogue.residual_pitch, c,
                             lanes);
            if (!conv->shape.halved)
                store_some(to->out[i] + j * conv->out_pitch + c, lanes, v[i][j]);
        }
    if (!conv->shape.halved)
        return;
    for (int64_t i = 0; i + 1 < to->n_y; i += 2)
        for (int64_t j = 0; j + 1 < to->n_x; j += 2)
            store_some(to->out[i / 2] + j / 2 * conv->out_pitch + c, lanes,
                       max2(max2(v[i][j], v[i][j + 1]), max2(v[i + 1][j], v[i + 1][j + 1])));
}

static void store_plane(const tile_group *g, int64_t z)
{
    const int64_t channels = g->conv->shape.out_channels;
    pea__panel panel;
    for (int64_t tile = 0; tile < g->n_tiles; tile++) {
        const int64_t y = g->where.y0 + tile / g->n_x * g->step, x = g->where.x0 + tile % g->n_x * g->step;
        const tile_output to = find_output(g, z, y, x);
        for (int64_t at = 0; at < channels; at += panel.width) {
            panel = pea__conv_panel(at, channels, LANES);
            const float *sums = g->sums + at * g->n_tiles + tile * panel.width;
            for (int64_t c = 0; c < panel.width && at + c < channels; c += LANES)
                if (g->step == 4)
                    store_tile(g, &to, sums + c, at + c, 4);
                else
                    store_tile(g, &to, sums + c, at + c, 2);
        }
    }
}

static void winograd_f32_simd(const pea__conv *conv, pea__tile tile, float *scratch)
{
    const int64_t rim = conv->shape.kz / 2;
    tile_group g = {.conv = conv, .where = tile, .step = pea__winograd_step(&conv->shape)};
    g.n_x = (tile.x1 - tile.x0 + g.step - 1) / g.step;
    g.n_tiles = g.n_x * ((tile.y1 - tile.y0 + g.step - 1) / g.step);
    g.in_pitch = pea__conv_padded(conv->shape.in_channels, LANES);
    g.product_pitch = g.n_tiles * g.in_pitch + WINOGRAD_GAP;
    g.plane_pitch = WINOGRAD_PRODUCTS * g.product_pitch;
    g.sums_pitch = g.n_tiles * pea__conv_padded(conv->shape.out_channels, LANES) + WINOGRAD_GAP;
    g.inputs = scratch;
    g.sums = g.inputs + conv->shape.kz * g.plane_pitch;
    g.patch = g.sums + WINOGRAD_PRODUCTS * g.sums_pitch;
    int64_t next = tile.z0 < rim ? 0 : tile.z0 - rim;
    for (int64_t z = tile.z0; z < tile.z1; z++) {
        for (; next <= z + rim && next < conv->nz; next++)
            transform_plane(&g, next);
        multiply_plane(&g, z);
        store_plane(&g, z);
    }
}
