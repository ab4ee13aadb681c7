/* winograd_gradient_f32_simd.h - winograd_gradient_f32 and winograd_taps_f32, channels in vectors; included by simd.h.
 *
 *   input, tiles of 6x6      [36][tile][in]   \
 *                                               36 sums over tiles of outer products [in][out], kept from tile group to
 *   gradient, tiles of 4x4   [36][tile][out]  /  tile group, and turned into 3x3 taps once, at the end
 *   (2x2)
 *
 * This is winograd_f32 read backwards: y = A ((G g) * (B d)) is linear in g, so the gradient of g is
 * G' sum over tiles of (A' dy) * (B d). Planes of a tile lie one behind the other, so that a tap in z is a shift by a
 * plane between inputs and gradients, and all planes make one long sum.
 * SPDX-License-Identifier: BSD-2-Clause */

typedef struct gradient_group {
    const pea__conv_gradient *job;
    pea__tile where;
    int64_t step, n_x, n_tiles;         /* outputs of a tile along an axis; tiles in a row; in a plane */
    int64_t first_plane;                /* of the inputs */
    int64_t in_pitch, in_product;       /* from tile to tile, product to product */
    int64_t out_pitch, out_product;
    float *inputs, *gradients, *patch;
} gradient_group;

/* ---- along one axis ---- */

/* A' y: outputs back to products. */
static inline __attribute__((always_inline)) void spread_outputs(const vec *y, const int step, vec p[6])
{
    vec even_a = y[0], even_b = y[0], odd_a = y[1], odd_b = y[1];
    if (step == 4) {
        even_a = fma3(all(0.5f), y[2], y[0]);
        even_b = fma3(all(2.0f), y[2], y[0]);
        odd_a = fma3(all(0.5f), y[3], y[1]);
        odd_b = fma3(all(2.0f), y[3], y[1]);
    }
    p[0] = y[0];
    p[1] = fma3(all(WINOGRAD_A), odd_a, even_a);
    p[2] = fma3(all(-WINOGRAD_A), odd_a, even_a);
    p[3] = fma3(all(WINOGRAD_B), odd_b, even_b);
    p[4] = fma3(all(-WINOGRAD_B), odd_b, even_b);
    p[5] = y[step - 1];
}

/* G' w: weights of products back to taps. */
static inline __attribute__((always_inline)) void gather_taps(const vec w[6], const int n, vec g[5])
{
    const vec sum_a = mul(all(1.0f / WINOGRAD_NORM_A), add(w[1], w[2]));
    const vec sum_b = mul(all(1.0f / WINOGRAD_NORM_B), add(w[3], w[4]));
    const vec difference_a = mul(all(WINOGRAD_A / WINOGRAD_NORM_A), sub(w[1], w[2]));
    const vec difference_b = mul(all(WINOGRAD_B / WINOGRAD_NORM_B), sub(w[3], w[4]));
    g[0] = add(w[0], add(sum_a, sum_b));
    g[1] = add(difference_a, difference_b);
    g[2] = fma3(all(2.0f), sum_b, mul(all(0.5f), sum_a));
    if (n == 5) {
        g[3] = fma3(all(2.0f), difference_b, mul(all(0.5f), difference_a));
        g[4] = fma3(all(4.0f), sum_b, mul(all(0.25f), sum_a));
    }
    g[n - 1] = add(g[n - 1], w[5]);
}

/* ---- gradients of a tile ---- */

/* One vector of channels of one tile, of which n_y x n_x voxels exist. */
static inline __attribute__((always_inline)) void transform_gradient(const float *from, int64_t row_pitch, int64_t pitch,
                                                                     const int step, int64_t n_y, int64_t n_x,
                                                                     vec_mask lanes, float *to, int64_t product_pitch)
{
    vec columns[6][4];
    UNROLL
    for (int x = 0; x < step; x++) {
        vec y[4], p[6];
        UNROLL
        for (int i = 0; i < step; i++)
            y[i] = i < n_y && x < n_x ? load_some(from + i * row_pitch + x * pitch, lanes) : all(0.0f);
        spread_outputs(y, step, p);
        UNROLL
        for (int i = 0; i < 6; i++)
            columns[i][x] = p[i];
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        vec p[6];
        spread_outputs(columns[i], step, p);
        UNROLL
        for (int x = 0; x < 6; x++)
            store(to + (i * 6 + x) * product_pitch, p[x]);
    }
}

static inline __attribute__((always_inline)) void transform_gradient_tile(const gradient_group *g, int64_t z, int64_t tile,
                                                                          float *to, const int step)
{
    const pea__conv *conv = &g->job->conv;
    const int64_t y = g->where.y0 + tile / g->n_x * step, x = g->where.x0 + tile % g->n_x * step;
    const int64_t n_y = conv->ny - y, n_x = conv->nx - x, pitch = g->job->gradient_pitch, row_pitch = conv->nx * pitch;
    const float *from = g->job->gradient + ((z * conv->ny + y) * conv->nx + x) * pitch;
    for (int64_t c = 0; c < conv->shape.out_channels; c += LANES) {
        const int64_t left = conv->shape.out_channels - c;
        const vec_mask lanes = first_lanes(left < LANES ? left : LANES);
        if (n_y >= step && n_x >= step)
            transform_gradient(from + c, row_pitch, pitch, step, step, step, lanes, to + c, g->out_product);
        else
            transform_gradient(from + c, row_pitch, pitch, step, n_y, n_x, lanes, to + c, g->out_product);
    }
}

static void transform_gradients(const gradient_group *g)
{
    float *to = g->gradients;
    for (int64_t z = g->where.z0; z < g->where.z1; z++)
        for (int64_t tile = 0; tile < g->n_tiles; tile++, to += g->out_pitch)
            if (g->step == 4)
                transform_gradient_tile(g, z, tile, to, 4);
            else
                transform_gradient_tile(g, z, tile, to, 2);
}

/* ---- inputs: as forwards, other places ---- */

static void transform_inputs(const gradient_group *g)
{
    const pea__conv *conv = &g->job->conv;
    const int64_t rim = conv->shape.kz / 2;
    const int64_t end = g->where.z1 + rim < conv->nz ? g->where.z1 + rim : conv->nz;
    tile_group forward = {.conv = conv, .where = g->where, .side = WINOGRAD_GRADIENT_SIDE, .step = g->step, .n_x = g->n_x, .n_tiles = g->n_tiles,
                          .in_pitch = g->in_pitch, .product_pitch = g->in_product, .inputs = g->inputs, .patch = g->patch};
    for (int64_t z = g->first_plane; z < end; z++, forward.inputs += g->n_tiles * g->in_pitch)
        transform_plane(&forward, z);
}

/* ---- products ---- */

static void add_products_of_tap(const gradient_group *g, int64_t product, int64_t tap, float *sums)
{
    const pea__conv_shape *s = &g->job->conv.shape;
    const int64_t shift = tap - s->kz / 2, nz = g->job->conv.nz, padded = pea__conv_padded(s->out_channels, LANES);
    const int64_t begin = g->where.z0 + shift < 0 ? -shift : g->where.z0; /* planes that see one of the input */
    const int64_t end = g->where.z1 + shift > nz ? nz - shift : g->where.z1;
    if (begin >= end)
        return;
    outer_job job = {.a_pitch = g->in_pitch, .b_pitch = g->out_pitch, .n_terms = (end - begin) * g->n_tiles};
    job.a = g->inputs + product * g->in_product + (begin + shift - g->first_plane) * g->n_tiles * g->in_pitch;
    const float *b = g->gradients + product * g->out_product + (begin - g->where.z0) * g->n_tiles * g->out_pitch;
    pea__panel panel;
    for (int64_t at = 0; at < padded; at += panel.width) {
        panel = pea__conv_panel(at, s->out_channels, LANES);
        job.b = b + at;
        job.sums = sums + ((product * padded + at) * s->kz + tap * panel.width) * s->in_channels;
        sum_outer(job, s->in_channels, panel.width);
    }
}

static void winograd_gradient_f32_simd(const pea__conv_gradient *job, pea__tile tile, float *sums, float *scratch)
{
    const pea__conv_shape *s = &job->conv.shape;
    const int64_t rim = s->kz / 2;
    gradient_group g = {.job = job, .where = tile, .step = pea__winograd_gradient_step(s)};
    g.n_x = (tile.x1 - tile.x0 + g.step - 1) / g.step;
    g.n_tiles = g.n_x * ((tile.y1 - tile.y0 + g.step - 1) / g.step);
    g.first_plane = tile.z0 < rim ? 0 : tile.z0 - rim;
    g.in_pitch = pea__conv_padded(s->in_channels, LANES);
    g.in_product = (tile.z1 - tile.z0 + 2 * rim) * g.n_tiles * g.in_pitch + WINOGRAD_GAP;
    g.out_pitch = pea__conv_padded(s->out_channels, LANES);
    g.out_product = (tile.z1 - tile.z0) * g.n_tiles * g.out_pitch + WINOGRAD_GAP;
    g.inputs = scratch;
    g.gradients = g.inputs + WINOGRAD_GRADIENT_PRODUCTS * g.in_product;
    g.patch = g.gradients + WINOGRAD_GRADIENT_PRODUCTS * g.out_product;
    transform_inputs(&g);
    transform_gradients(&g);
    for (int64_t product = 0; product < WINOGRAD_GRADIENT_PRODUCTS; product++)
        for (int64_t tap = 0; tap < s->kz; tap++)
            add_products_of_tap(&g, product, tap, sums);
}

/* ---- from products to taps ---- */

/* One vector of outputs; products are `product_pitch` apart, taps `pitch`. */
static inline __attribute__((always_inline)) void transform_sums(const float *sums, int64_t product_pitch, const int n,
                                                                 float *packed, int64_t pitch)
{
    vec rows[5][6], w[6], taps[5];
    UNROLL
    for (int x = 0; x < 6; x++) {
        UNROLL
        for (int y = 0; y < 6; y++)
            w[y] = load(sums + (y * 6 + x) * product_pitch);
        gather_taps(w, n, taps);
        UNROLL
        for (int y = 0; y < n; y++)
            rows[y][x] = taps[y];
    }
    UNROLL
    for (int y = 0; y < n; y++) {
        gather_taps(rows[y], n, taps);
        UNROLL
        for (int x = 0; x < n; x++)
            store(packed + (y * n + x) * pitch, taps[x]);
    }
}

static void winograd_taps_f32_simd(const pea__conv_shape *shape, const float *sums, int64_t at, float *packed)
{
    const int64_t in = shape->in_channels, matrix = shape->kz * in, padded = pea__conv_padded(shape->out_channels, LANES);
    const int64_t n_taps = shape->ky * shape->kx;
    pea__panel panel;
    for (int64_t first = 0; first < padded; first += panel.width) {
        panel = pea__conv_panel(first, shape->out_channels, LANES);
        const float *from = sums + first * matrix + at * panel.width;
        float *to = packed + first * n_taps * matrix + (at / in * n_taps * in + at % in) * panel.width;
        for (int64_t lane = 0; lane < panel.width; lane += LANES)
            if (shape->ky == 3)
                transform_sums(from + lane, padded * matrix, 3, to + lane, in * panel.width);
            else
                transform_sums(from + lane, padded * matrix, 5, to + lane, in * panel.width);
    }
}
