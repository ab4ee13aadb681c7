/* winograd_f32_simd.h - winograd_f32, winograd_bf16 and winograd_weights_f32, channels in vectors; included by simd.h.
 *
 *   tiles of one tile group      36 (64) matrices     as many products      tiles of the output
 *   6x6 (8x8) voxels each,  -->  [tile][in]    x  U = [tile][out]     -->   4x4 (6x6) voxels each, for 5x5 taps 2x2 (4x4):
 *   which overlap                `inputs`             `sums`                bias, residual, activation, halving
 *
 * All of a group stays in the cache between the steps. Of a kernel with several planes, each plane of the input is
 * transformed once and kept while the planes of the output that need it are summed, still transformed. Images of bf16
 * become floats in the patch, and are rounded when they are stored: all between is the same.
 * SPDX-License-Identifier: BSD-2-Clause */

typedef struct tile_group {
    const pea__conv *conv;
    pea__tile where;
    int side, n_products;                           /* inputs of a tile along an axis; their square */
    int64_t step, n_x, n_tiles;                     /* outputs of a tile along an axis; tiles in a row; in all */
    int64_t in_pitch, product_pitch, plane_pitch;   /* of inputs: from tile to tile, product to product, plane to plane */
    int64_t sums_pitch;                             /* from product to product */
    float *inputs, *sums, *patch;
    bool streamed; /* outputs go past the caches */
    bool in_is_bf16, out_is_bf16, residual_is_bf16;
} tile_group;

/* ---- along one axis ---- */

static inline __attribute__((always_inline)) void six_to_products(const vec d[6], vec p[6])
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

static inline __attribute__((always_inline)) void eight_to_products(const vec d[8], vec p[8])
{
    const vec even = fma3(all(4.0f), d[2], fma3(all(-5.0f), d[4], d[6]));
    const vec odd = fma3(all(4.0f), d[1], fma3(all(-5.0f), d[3], d[5]));
    const vec even_1 = fma3(all(-4.25f), d[4], add(d[2], d[6])), odd_1 = fma3(all(-4.25f), d[3], add(d[1], d[5]));
    const vec even_2 = fma3(all(0.25f), d[2], fma3(all(-1.25f), d[4], d[6]));
    const vec odd_2 = fma3(all(0.25f), d[1], fma3(all(-1.25f), d[3], d[5]));
    p[0] = fma3(all(5.25f), sub(d[4], d[2]), sub(d[0], d[6]));
    p[1] = fma3(all(0.5f), odd, even);
    p[2] = fma3(all(-0.5f), odd, even);
    p[3] = add(even_1, odd_1);
    p[4] = sub(even_1, odd_1);
    p[5] = fma3(all(2.0f), odd_2, even_2);
    p[6] = fma3(all(-2.0f), odd_2, even_2);
    p[7] = fma3(all(5.25f), sub(d[3], d[5]), sub(d[7], d[1]));
}

static inline __attribute__((always_inline)) void six_from_products(const vec p[6], const int step, vec *y)
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

static inline __attribute__((always_inline)) void eight_from_products(const vec p[8], const int step, vec *y)
{
    const vec sum = add(p[1], p[2]), sum_1 = add(p[3], p[4]), sum_2 = add(p[5], p[6]);
    const vec difference = sub(p[1], p[2]), difference_1 = sub(p[3], p[4]), difference_2 = sub(p[5], p[6]);
    y[0] = add(p[0], add(add(sum, sum_1), sum_2));
    y[1] = fma3(all(2.0f), difference_2, fma3(all(0.5f), difference, difference_1));
    y[2] = fma3(all(4.0f), sum_2, fma3(all(0.25f), sum, sum_1));
    y[3] = fma3(all(8.0f), difference_2, fma3(all(0.125f), difference, difference_1));
    if (step == 4) {
        y[3] = add(y[3], p[7]);
        return;
    }
    y[4] = fma3(all(16.0f), sum_2, fma3(all(0.0625f), sum, sum_1));
    y[5] = add(fma3(all(32.0f), difference_2, fma3(all(0.03125f), difference, difference_1)), p[7]);
}

static inline __attribute__((always_inline)) void to_products(const vec *d, const int side, vec *p)
{
    if (side == 6)
        six_to_products(d, p);
    else
        eight_to_products(d, p);
}

static inline __attribute__((always_inline)) void from_products(const vec *p, const int side, const int step, vec *y)
{
    if (side == 6)
        six_from_products(p, step, y);
    else
        eight_from_products(p, step, y);
}

/* ---- weights ---- */

/* The polynomial whose coefficients the taps are (zero beyond the last), at x and -x, over the points' norm. */
static inline __attribute__((always_inline)) void at_points(const vec taps[5], const float x, const float norm, vec w[2])
{
    const vec squared = all(x * x), even = fma3(squared, fma3(squared, taps[4], taps[2]), taps[0]);
    const vec odd = mul(all(x), fma3(squared, taps[3], taps[1]));
    w[0] = divide(add(even, odd), all(norm));
    w[1] = divide(sub(even, odd), all(norm));
}

static inline __attribute__((always_inline)) void transform_taps(const vec *from, const int n, const int pitch, const int side, vec *w)
{
    vec taps[5];
    UNROLL
    for (int i = 0; i < 5; i++)
        taps[i] = i < n ? from[i * pitch] : all(0.0f);
    w[0] = taps[0];
    if (side == 6) {
        at_points(taps, WINOGRAD_A, WINOGRAD_NORM_A, w + 1);
        at_points(taps, WINOGRAD_B, WINOGRAD_NORM_B, w + 3);
    } else {
        at_points(taps, 0.5f, WINOGRAD_NORM_HALF, w + 1);
        at_points(taps, 1.0f, WINOGRAD_NORM_ONE, w + 3);
        at_points(taps, 2.0f, WINOGRAD_NORM_TWO, w + 5);
    }
    w[side - 1] = taps[n - 1];
}

/* One vector of outputs; taps are `pitch` apart, weights of products `product_pitch`. */
static inline __attribute__((always_inline)) void transform_weights(const float *packed, int64_t pitch, const int n,
                                                                    const int side, float *products, int64_t product_pitch)
{
    vec rows[5 * WINOGRAD_MAX_SIDE], taps[5], w[WINOGRAD_MAX_SIDE];
    UNROLL
    for (int y = 0; y < n; y++) {
        UNROLL
        for (int x = 0; x < n; x++)
            taps[x] = load(packed + (y * n + x) * pitch);
        transform_taps(taps, n, 1, side, rows + y * side);
    }
    UNROLL
    for (int x = 0; x < side; x++) {
        transform_taps(rows + x, n, side, side, w);
        UNROLL
        for (int y = 0; y < side; y++)
            store(products + (y * side + x) * product_pitch, w[y]);
    }
}

static inline __attribute__((always_inline)) void transform_panels(const pea__conv_shape *shape, const float *packed, int64_t at, const int n,
                                                                   const int side, float *products)
{
    const int64_t in = shape->in_channels, matrix = shape->kz * in, padded = pea__conv_padded(shape->out_channels, LANES);
    pea__panel panel;
    for (int64_t first = 0; first < padded; first += panel.width) {
        panel = pea__conv_panel(first, shape->out_channels, LANES);
        const float *from = packed + first * n * n * matrix + (at / in * n * n * in + at % in) * panel.width;
        float *to = products + first * matrix + at * panel.width;
        for (int64_t lane = 0; lane < panel.width; lane += LANES)
            transform_weights(from + lane, in * panel.width, n, side, to + lane, padded * matrix);
    }
}

static void winograd_weights_f32_simd(const pea__conv_shape *shape, const float *packed, int64_t at, float *products)
{
    const int side = pea__winograd_side(shape);
    if (side == 8 && shape->ky == 3)
        transform_panels(shape, packed, at, 3, 8, products);
    else if (side == 8)
        transform_panels(shape, packed, at, 5, 8, products);
    else if (shape->ky == 3)
        transform_panels(shape, packed, at, 3, 6, products);
    else
        transform_panels(shape, packed, at, 5, 6, products);
}

/* ---- inputs ---- */

/* One vector of channels of one tile, from channel c on. */
static inline __attribute__((always_inline)) void transform_input(const float *const rows[WINOGRAD_MAX_SIDE], int64_t c,
                                                                  int64_t pitch, const int side, const bool whole,
                                                                  vec_mask lanes, float *to, int64_t product_pitch)
{
    vec columns[WINOGRAD_MAX_SIDE][WINOGRAD_MAX_SIDE];
    UNROLL
    for (int x = 0; x < side; x++) {
        vec d[WINOGRAD_MAX_SIDE], p[WINOGRAD_MAX_SIDE];
        UNROLL
        for (int y = 0; y < side; y++) {
            const float *at = rows[y] + x * pitch + c;
            d[y] = whole ? load(at) : load_some(at, lanes);
        }
        to_products(d, side, p);
        UNROLL
        for (int y = 0; y < side; y++)
            columns[y][x] = p[y];
    }
    UNROLL
    for (int y = 0; y < side; y++) {
        vec p[WINOGRAD_MAX_SIDE];
        to_products(columns[y], side, p);
        UNROLL
        for (int x = 0; x < side; x++)
            store(to + (y * side + x) * product_pitch, p[x]);
    }
}

static void patch_row(const tile_group *g, int64_t z, int64_t y, int64_t x0, int64_t x1, float *to)
{
    (g->in_is_bf16 ? gather_wide_row : gather_row)(g->conv, z, y, x0, x1, to);
}

/* The doubled input under all tiles of the group, as the patch. */
static void double_input(const tile_group *g, int64_t z)
{
    const int64_t rim = g->conv->shape.ky / 2, n_x = g->n_x * g->step + 2 * rim;
    const int64_t n_y = g->n_tiles / g->n_x * g->step + 2 * rim, y0 = g->where.y0 - rim, x0 = g->where.x0 - rim;
    for (int64_t y = 0; y < n_y; y++)
        patch_row(g, z, y0 + y, x0, x0 + n_x, g->patch + y * n_x * g->conv->shape.in_channels);
}

/* Where the rows of a tile's inputs begin: in the image, or, zero-padded or made floats, in the patch. Returns the
 * distance of voxels. */
static int64_t find_input(const tile_group *g, int64_t z, int64_t y, int64_t x, const float *rows[WINOGRAD_MAX_SIDE])
{
    const pea__conv *conv = g->conv;
    const int64_t rim = conv->shape.ky / 2, y0 = y - rim, x0 = x - rim, channels = conv->shape.in_channels;
    if (conv->shape.doubled) {
        const int64_t row_pitch = (g->n_x * g->step + 2 * rim) * channels;
        for (int row = 0; row < g->side; row++)
            rows[row] = g->patch + (y - g->where.y0 + row) * row_pitch + (x - g->where.x0) * channels;
        return channels;
    }
    if (!g->in_is_bf16 && y0 >= 0 && x0 >= 0 && y0 + g->side <= conv->ny && x0 + g->side <= conv->nx) {
        for (int row = 0; row < g->side; row++)
            rows[row] = image_row(conv, z, y0 + row, conv->ny, conv->nx) + x0 * conv->in_pitch;
        return conv->in_pitch;
    }
    for (int row = 0; row < g->side; row++) {
        float *to = g->patch + row * g->side * channels;
        patch_row(g, z, y0 + row, x0, x0 + g->side, to);
        rows[row] = to;
    }
    return channels;
}

static inline __attribute__((always_inline)) void transform_tiles(const tile_group *g, int64_t z, const int side)
{
    const int64_t channels = g->conv->shape.in_channels, whole = channels / LANES * LANES;
    const vec_mask rest = first_lanes(channels - whole);
    float *inputs = g->inputs + z % g->conv->shape.kz * g->plane_pitch;
    if (g->conv->shape.doubled)
        double_input(g, z);
    for (int64_t tile = 0; tile < g->n_tiles; tile++, inputs += g->in_pitch) {
        const float *rows[WINOGRAD_MAX_SIDE];
        const int64_t pitch = find_input(g, z, g->where.y0 + tile / g->n_x * g->step,
                                         g->where.x0 + tile % g->n_x * g->step, rows);
        for (int64_t c = 0; c < whole; c += LANES)
            transform_input(rows, c, pitch, side, true, rest, inputs + c, g->product_pitch);
        if (whole < channels)
            transform_input(rows, whole, pitch, side, false, rest, inputs + whole, g->product_pitch);
    }
}

static void transform_plane(const tile_group *g, int64_t z)
{
    if (g->side == 8)
        transform_tiles(g, z, 8);
    else
        transform_tiles(g, z, 6);
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
    const bool many = g->n_products * conv->shape.kz * in * padded > MANY_WEIGHTS;
    int64_t rows[WINOGRAD_MAX_KZ];
    panel_job job = {.in_pitch = g->in_pitch, .rows = rows, .row_taps = in};
    for (int64_t at = z - rim + first; at <= z + rim && at < conv->nz; at++)
        rows[job.n_rows++] = at % conv->shape.kz * g->plane_pitch;
    pea__panel panel;
    for (int64_t product = 0; product < g->n_products; product++)
        for (int64_t at = 0; at < padded; at += panel.width) {
            panel = pea__conv_panel(at, conv->shape.out_channels, LANES);
            job.in = g->inputs + product * g->product_pitch;
            job.weights = conv->weights + (product * padded + at) * conv->shape.kz * in + first * in * panel.width;
            job.sums = g->sums + product * g->sums_pitch + at * g->n_tiles;
            if (many && (product + 1 < g->n_products || at + panel.width < padded))
                job.ahead = conv->shape.kz * in * panel.width;
            else
                job.ahead = 0;
            sum_voxels(job, g->n_tiles, panel.width);
        }
}

/* ---- outputs ---- */

/* One vector of sums of one tile, from channel c on, to what is stored. */
static inline __attribute__((always_inline)) void transform_output(const float *sums, int64_t pitch, const int side,
                                                                   const int step, vec y[][WINOGRAD_MAX_STEP])
{
    vec columns[WINOGRAD_MAX_STEP][WINOGRAD_MAX_SIDE];
    UNROLL
    for (int x = 0; x < side; x++) {
        vec p[WINOGRAD_MAX_SIDE], column[WINOGRAD_MAX_STEP];
        UNROLL
        for (int i = 0; i < side; i++)
            p[i] = load(sums + (i * side + x) * pitch);
        from_products(p, side, step, column);
        UNROLL
        for (int i = 0; i < step; i++)
            columns[i][x] = column[i];
    }
    UNROLL
    for (int i = 0; i < step; i++)
        from_products(columns[i], side, step, y[i]);
}

/* Where the outputs of a tile go and its residuals are, as elements of their images: the first voxel of each row, of each
 * row of maxima if halved. */
typedef struct tile_output {
    int64_t n_y, n_x; /* rows and columns that lie in the image */
    int64_t out[WINOGRAD_MAX_STEP], residual[WINOGRAD_MAX_STEP];
} tile_output;

static tile_output find_output(const tile_group *g, int64_t z, int64_t y, int64_t x)
{
    const pea__conv *conv = g->conv;
    const int64_t shrink = conv->shape.halved ? 2 : 1, ny = conv->ny / shrink, nx = conv->nx / shrink;
    tile_output t = {.n_y = conv->ny - y < g->step ? conv->ny - y : g->step,
                     .n_x = conv->nx - x < g->step ? conv->nx - x : g->step};
    for (int64_t i = 0; i < t.n_y; i++)
        t.residual[i] = pea__voxel_place(z * conv->ny + y + i, x, conv->nx, conv->epilogue.residual_rows) *
                        conv->epilogue.residual_pitch;
    for (int64_t i = 0; i < t.n_y / shrink; i++)
        t.out[i] = pea__voxel_place(z * ny + y / shrink + i, x / shrink, nx, conv->out_rows) * conv->out_pitch;
    return t;
}

/* n channels of the residual, from element `at` on. */
static inline vec load_residual(const tile_group *g, int64_t at, int64_t n, vec_mask lanes)
{
    const pea__epilogue *epilogue = &g->conv->epilogue;
    if (!g->residual_is_bf16)
        return load_some(epilogue->residual + at, lanes);
    return n < LANES ? load_some_bf16(epilogue->residual_bf16 + at, n) : load_bf16(epilogue->residual_bf16 + at);
}

static inline __attribute__((always_inline)) void finish_tile(const tile_group *g, const tile_output *to, int64_t c, int64_t n,
                                                              const pea__activation activation, const bool residual,
                                                              vec v[][WINOGRAD_MAX_STEP])
{
    const pea__conv *conv = g->conv;
    const vec_mask lanes = first_lanes(n);
    const vec bias = load(conv->bias + c), scale = residual ? load(conv->epilogue.residual_scale + c) : bias;
    for (int64_t i = 0; i < to->n_y; i++)
        for (int64_t j = 0; j < to->n_x; j++) {
            vec sum = add(v[i][j], bias);
            if (residual)
                sum = fma3(scale, load_residual(g, to->residual[i] + j * conv->epilogue.residual_pitch + c, n, lanes), sum);
            v[i][j] = activate(activation, sum);
        }
}

/* Bias and epilogue of one vector of channels: finish(), with what is the same for all voxels asked once. */
static void finish_vector(const tile_group *g, const tile_output *to, int64_t c, int64_t n, vec v[][WINOGRAD_MAX_STEP])
{
    const pea__epilogue *epilogue = &g->conv->epilogue;
    const bool residual = epilogue->residual != NULL, linear = c >= epilogue->n_activated;
    const pea__activation activation = linear ? PEA__LINEAR : epilogue->activation;
    if (!linear && c + LANES > epilogue->n_activated) {
        finish_tile(g, to, c, n, PEA__LINEAR, residual, v);
        for (int64_t i = 0; i < to->n_y; i++)
            for (int64_t j = 0; j < to->n_x; j++)
                v[i][j] = activated(epilogue, v[i][j], c);
    } else if (activation == PEA__RELU && residual) {
        finish_tile(g, to, c, n, PEA__RELU, true, v);
    } else if (activation == PEA__RELU) {
        finish_tile(g, to, c, n, PEA__RELU, false, v);
    } else if (activation == PEA__ELU && residual) {
        finish_tile(g, to, c, n, PEA__ELU, true, v);
    } else if (activation == PEA__ELU) {
        finish_tile(g, to, c, n, PEA__ELU, false, v);
    } else if (activation == PEA__LINEAR && !residual) {
        finish_tile(g, to, c, n, PEA__LINEAR, false, v);
    } else if (residual) {
        finish_tile(g, to, c, n, activation, true, v);
    } else {
        finish_tile(g, to, c, n, activation, false, v);
    }
}

/* Vectors of channels that are stored together: whole cache lines, one after the other. */
enum { STORED_VECTORS = 2 };

/* A vector of n channels into the output, from element `at` on; past the caches if `streamed`. */
static inline void put_vector(const tile_group *g, int64_t at, bool streamed, int64_t n, vec v)
{
    if (streamed)
        stream(g->conv->out + at, v);
    else if (!g->out_is_bf16)
        store_some(g->conv->out + at, first_lanes(n), v);
    else if (n < LANES)
        store_some_bf16(g->conv->out_bf16 + at, n, v);
    else
        store_bf16(g->conv->out_bf16 + at, v);
}

static inline __attribute__((always_inline)) void store_tile(const tile_group *g, const tile_output *to, const float *sums,
                                                             int64_t c, const int n_vectors, const int side, const int step)
{
    const pea__conv *conv = g->conv;
    vec v[STORED_VECTORS][WINOGRAD_MAX_STEP][WINOGRAD_MAX_STEP];
    int64_t n[STORED_VECTORS];
    bool streamed = g->streamed;
    UNROLL
    for (int w = 0; w < n_vectors; w++) {
        const int64_t left = conv->shape.out_channels - c - w * LANES;
        n[w] = left < LANES ? left : LANES;
        streamed = streamed && left >= LANES;
        transform_output(sums + w * LANES, g->sums_pitch, side, step, v[w]);
        finish_vector(g, to, c + w * LANES, n[w], v[w]);
    }
    if (!conv->shape.halved) {
        for (int64_t i = 0; i < to->n_y; i++)
            for (int64_t j = 0; j < to->n_x; j++)
                UNROLL
                for (int w = 0; w < n_vectors; w++)
                    put_vector(g, to->out[i] + j * conv->out_pitch + c + w * LANES, streamed, n[w], v[w][i][j]);
        return;
    }
    for (int64_t i = 0; i + 1 < to->n_y; i += 2)
        for (int64_t j = 0; j + 1 < to->n_x; j += 2)
            UNROLL
            for (int w = 0; w < n_vectors; w++)
                put_vector(g, to->out[i / 2] + j / 2 * conv->out_pitch + c + w * LANES, streamed, n[w],
                           max2(max2(v[w][i][j], v[w][i][j + 1]), max2(v[w][i + 1][j], v[w][i + 1][j + 1])));
}

static inline __attribute__((always_inline)) void store_tiles(const tile_group *g, int64_t z, const int side, const int step)
{
    const int64_t channels = g->conv->shape.out_channels;
    pea__panel panel;
    for (int64_t tile = 0; tile < g->n_tiles; tile++) {
        const int64_t y = g->where.y0 + tile / g->n_x * step, x = g->where.x0 + tile % g->n_x * step;
        const tile_output to = find_output(g, z, y, x);
        for (int64_t first = 0; first < channels; first += panel.width) {
            panel = pea__conv_panel(first, channels, LANES);
            const float *sums = g->sums + first * g->n_tiles + tile * panel.width;
            for (int64_t c = 0; c < panel.width; c += STORED_VECTORS * LANES)
                if (c + LANES < panel.width)
                    store_tile(g, &to, sums + c, first + c, STORED_VECTORS, side, step);
                else
                    store_tile(g, &to, sums + c, first + c, 1, side, step);
        }
    }
}

static void store_plane(const tile_group *g, int64_t z)
{
    if (g->step == 6)
        store_tiles(g, z, 8, 6);
    else if (g->side == 8)
        store_tiles(g, z, 8, 4);
    else if (g->step == 4)
        store_tiles(g, z, 6, 4);
    else
        store_tiles(g, z, 6, 2);
}

/* Outputs that no cache holds until they are read go to memory directly: storing by way of a cache reads first what is
 * there, which takes longer than all else that happens to a finished tile. */
enum { STREAMED_FLOATS = 1 << 20 };

static bool may_stream(const pea__conv *conv)
{
    const int64_t shrink = conv->shape.halved ? 2 : 1;
    const int64_t rows = conv->out_rows ? conv->out_rows->mask + 1 : conv->nz * conv->ny / shrink; /* or nearly as many */
    const int64_t n_floats = rows * (conv->nx / shrink) * conv->shape.out_channels;
    return n_floats >= STREAMED_FLOATS && conv->out_pitch % LANES == 0 &&
           (uintptr_t)conv->out % (LANES * sizeof(float)) == 0;
}

static void solve_group(tile_group g, float *scratch)
{
    const pea__conv *conv = g.conv;
    const pea__tile tile = g.where;
    const int64_t rim = conv->shape.kz / 2;
    g.side = pea__winograd_side(&conv->shape);
    g.step = pea__winograd_step(&conv->shape);
    g.n_products = g.side * g.side;
    g.n_x = (tile.x1 - tile.x0 + g.step - 1) / g.step;
    g.n_tiles = g.n_x * ((tile.y1 - tile.y0 + g.step - 1) / g.step);
    g.in_pitch = pea__conv_padded(conv->shape.in_channels, LANES);
    g.product_pitch = g.n_tiles * g.in_pitch + WINOGRAD_GAP;
    g.plane_pitch = g.n_products * g.product_pitch;
    g.sums_pitch = g.n_tiles * pea__conv_padded(conv->shape.out_channels, LANES) + WINOGRAD_GAP;
    g.inputs = scratch;
    g.sums = g.inputs + conv->shape.kz * g.plane_pitch;
    g.patch = g.sums + g.n_products * g.sums_pitch;
    int64_t next = tile.z0 < rim ? 0 : tile.z0 - rim;
    for (int64_t z = tile.z0; z < tile.z1; z++) {
        for (; next <= z + rim && next < conv->nz; next++)
            transform_plane(&g, next);
        multiply_plane(&g, z);
        store_plane(&g, z);
    }
    if (g.streamed)
        stream_end();
}

static void winograd_f32_simd(const pea__conv *conv, pea__tile tile, float *scratch)
{
    solve_group((tile_group){.conv = conv, .where = tile, .streamed = may_stream(conv)}, scratch);
}

static void winograd_bf16_simd(const pea__conv *conv, pea__tile tile, float *scratch)
{
    solve_group((tile_group){.conv = conv, .where = tile, .in_is_bf16 = !conv->in_is_float,
                             .out_is_bf16 = !conv->out_is_float, .residual_is_bf16 = true}, scratch);
}
