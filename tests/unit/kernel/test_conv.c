/* test_conv.c - the convolutions of every kernel set, direct and by Winograd's products, against a textbook one, at odd
 * shapes, in slices, behind guard pages.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "test.h"
#include "kernel_sets.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/kernel.h"

/* ---- floats that end at a page nobody may touch, or begin behind one ---- */

typedef struct guarded {
    char *pages;
    size_t size_bytes;
    float *data;
} guarded;

static guarded guard(int64_t n, bool at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)n * sizeof(float);
    const size_t body = (bytes + page - 1) / page * page;
    guarded g = {.size_bytes = body + 2 * page};
    g.pages = mmap(NULL, g.size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.pages != MAP_FAILED);
    assert_int_equal(mprotect(g.pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(g.pages + page + body, page, PROT_NONE), 0);
    g.data = (float *)(void *)(g.pages + page + (at_end ? body - bytes : 0));
    return g;
}

static void unguard(guarded g)
{
    munmap(g.pages, g.size_bytes);
}

static float random_float(uint64_t *state)
{
    return (float)test_random(state) / 1073741824.0f - 1.0f;
}

static void fill(float *data, int64_t n, uint64_t *state)
{
    for (int64_t i = 0; i < n; i++)
        data[i] = random_float(state);
}

/* ---- one case ---- */

typedef struct shape {
    int64_t nz, ny, nx; /* of the sums */
    int64_t in, out, in_pitch, out_pitch;
    int kz, ky, kx;
    pea__activation activation;
    int64_t n_activated; /* 0: all */
    bool residual, winograd, doubled, halved;
} shape;

static double activated(pea__activation activation, double v)
{
    switch (activation) {
    case PEA__LINEAR: return v;
    case PEA__RELU: return v > 0 ? v : 0;
    case PEA__ELU: return v > 0 ? v : expm1(v);
    case PEA__SIGMOID: return 1 / (1 + exp(-v));
    }
    return v;
}

typedef struct problem {
    shape s;
    guarded in, out, residual;
    float *weights, *bias, *scale; /* weights in PyTorch order */
    double *seen, *want;           /* the input after doubling; what the output should be, of all sums */
} problem;

static int64_t n_voxels(const shape *s)
{
    return s->nz * s->ny * s->nx;
}

static int64_t n_in_voxels(const shape *s)
{
    return n_voxels(s) / (s->doubled ? 4 : 1);
}

static int64_t n_out_voxels(const shape *s)
{
    return n_voxels(s) / (s->halved ? 4 : 1);
}

/* The corner-aligned doubling, as tents of width 1 around each input. */
static double doubled(const problem *p, int64_t z, int64_t y, int64_t x, int64_t i)
{
    const shape *s = &p->s;
    const int64_t ny = s->ny / 2, nx = s->nx / 2;
    const double at_y = (double)(y * (ny - 1)) / (double)(s->ny - 1), at_x = (double)(x * (nx - 1)) / (double)(s->nx - 1);
    double sum = 0;
    for (int64_t iy = 0; iy < ny; iy++)
        for (int64_t ix = 0; ix < nx; ix++)
            sum += fmax(0, 1 - fabs(at_y - (double)iy)) * fmax(0, 1 - fabs(at_x - (double)ix)) *
                   (double)p->in.data[((z * ny + iy) * nx + ix) * s->in_pitch + i];
    return sum;
}

static double textbook(const problem *p, int64_t z, int64_t y, int64_t x, int64_t o)
{
    const shape *s = &p->s;
    double sum = p->bias[o];
    for (int64_t i = 0; i < s->in; i++)
        for (int c = 0; c < s->kz; c++)
            for (int b = 0; b < s->ky; b++)
                for (int a = 0; a < s->kx; a++) {
                    const int64_t iz = z + c - s->kz / 2, iy = y + b - s->ky / 2, ix = x + a - s->kx / 2;
                    if (iz < 0 || iz >= s->nz || iy < 0 || iy >= s->ny || ix < 0 || ix >= s->nx)
                        continue;
                    sum += p->seen[((iz * s->ny + iy) * s->nx + ix) * s->in + i] *
                           (double)p->weights[(((o * s->in + i) * s->kz + c) * s->ky + b) * s->kx + a];
                }
    if (s->residual)
        sum += (double)p->scale[o] * (double)p->residual.data[((z * s->ny + y) * s->nx + x) * s->out_pitch + o];
    return o < s->n_activated ? activated(s->activation, sum) : sum;
}

/* Elements of an image whose last voxel ends with its last channel: a slice of a wider buffer. */
static int64_t n_elements(int64_t n, int64_t pitch, int64_t channels)
{
    return (n - 1) * pitch + channels;
}

static void solve_by_textbook(problem *p)
{
    const shape *s = &p->s;
    p->seen = malloc((size_t)(n_voxels(s) * s->in) * sizeof(double));
    p->want = malloc((size_t)(n_voxels(s) * s->out) * sizeof(double));
    for (int64_t v = 0; v < n_voxels(s); v++)
        for (int64_t i = 0; i < s->in; i++)
            p->seen[v * s->in + i] = s->doubled ? doubled(p, v / (s->ny * s->nx), v / s->nx % s->ny, v % s->nx, i)
                                                : (double)p->in.data[v * s->in_pitch + i];
    for (int64_t v = 0; v < n_voxels(s); v++)
        for (int64_t o = 0; o < s->out; o++)
            p->want[v * s->out + o] = textbook(p, v / (s->ny * s->nx), v / s->nx % s->ny, v % s->nx, o);
}

static problem make_problem(shape s, bool at_end, uint64_t *state)
{
    if (s.n_activated == 0)
        s.n_activated = s.out;
    problem p = {.s = s};
    const int64_t n_weights = s.out * s.in * s.kz * s.ky * s.kx, n_in = n_elements(n_in_voxels(&s), s.in_pitch, s.in);
    p.in = guard(n_in, at_end);
    p.out = guard(n_elements(n_out_voxels(&s), s.out_pitch, s.out), at_end);
    p.residual = guard(n_elements(n_voxels(&s), s.out_pitch, s.out), at_end);
    p.weights = malloc((size_t)n_weights * sizeof(float));
    p.bias = calloc((size_t)s.out + 64, sizeof(float));
    p.scale = calloc((size_t)s.out + 64, sizeof(float));
    fill(p.in.data, n_in, state);
    fill(p.residual.data, n_elements(n_voxels(&s), s.out_pitch, s.out), state);
    fill(p.weights, n_weights, state);
    fill(p.bias, s.out, state);
    fill(p.scale, s.out, state);
    solve_by_textbook(&p);
    return p;
}

static void free_problem(problem *p)
{
    unguard(p->in);
    unguard(p->out);
    unguard(p->residual);
    free(p->weights);
    free(p->bias);
    free(p->scale);
    free(p->seen);
    free(p->want);
}

static pea__conv_shape conv_shape(const shape *s)
{
    return (pea__conv_shape){.in_channels = s->in, .out_channels = s->out, .kz = s->kz, .ky = s->ky, .kx = s->kx,
                             .winograd = s->winograd, .doubled = s->doubled, .halved = s->halved};
}

/* A problem in the form that kernels take, for tiles of up to so many voxels. */
typedef struct prepared {
    pea__conv conv;
    float *packed;
    guarded products, scratch;
} prepared;

static prepared prepare(const problem *p, const pea__kernels_table *kernels, int64_t tile_y, int64_t tile_x)
{
    const shape *s = &p->s;
    const pea__conv_shape form = conv_shape(s);
    prepared r = {.packed = malloc((size_t)pea__conv_packed(&form, kernels->lanes) * sizeof *r.packed),
                  .products = guard(pea__winograd_weights(&form, kernels->lanes), true),
                  .scratch = guard(pea__conv_scratch(&form, tile_y, tile_x, kernels->lanes) + 1, true)};
    double ones[256];
    for (int i = 0; i < 256; i++)
        ones[i] = 1.0;
    pea__conv_pack(&form, p->weights, ones, kernels->lanes, r.packed);
    for (int64_t at = 0; s->winograd && at < s->kz * s->in; at++)
        kernels->winograd_weights_f32(&form, r.packed, at, r.products.data);
    r.conv = (pea__conv){.shape = form, .nz = s->nz, .ny = s->ny, .nx = s->nx,
                         .weights = s->winograd ? r.products.data : r.packed, .bias = p->bias,
                         .in = p->in.data, .in_pitch = s->in_pitch, .out = p->out.data, .out_pitch = s->out_pitch,
                         .epilogue = {.activation = s->activation, .n_activated = s->n_activated,
                                      .residual = s->residual ? p->residual.data : NULL, .residual_pitch = s->out_pitch,
                                      .residual_scale = p->scale}};
    return r;
}

static void run_tile(const prepared *r, const pea__kernels_table *kernels, pea__tile tile)
{
    (r->conv.shape.winograd ? kernels->winograd_f32 : kernels->conv_f32)(&r->conv, tile, r->scratch.data + 1);
}

static void release(prepared *r)
{
    unguard(r->scratch);
    unguard(r->products);
    free(r->packed);
}

static void solve(const problem *p, const pea__kernels_table *kernels, int64_t tile_z, int64_t tile_y, int64_t tile_x)
{
    const shape *s = &p->s;
    prepared r = prepare(p, kernels, tile_y, tile_x);
    for (int64_t z = 0; z < s->nz; z += tile_z)
        for (int64_t y = 0; y < s->ny; y += tile_y)
            for (int64_t x = 0; x < s->nx; x += tile_x)
                run_tile(&r, kernels,
                         (pea__tile){z, pea__min_i64(z + tile_z, s->nz), y, pea__min_i64(y + tile_y, s->ny), x,
                                     pea__min_i64(x + tile_x, s->nx)});
    release(&r);
}

/* Random tiles, as fine as the kernel allows. */
static void solve_in_tiles(const problem *p, const pea__kernels_table *kernels, uint64_t *state)
{
    const pea__conv_shape form = conv_shape(&p->s);
    const int64_t step = p->s.winograd ? pea__winograd_step(&form) : 1;
    const int64_t z = 1 + test_random(state) % p->s.nz;
    const int64_t y = 1 + test_random(state) % ((p->s.ny + step - 1) / step);
    solve(p, kernels, z, y * step, step * (1 + test_random(state) % ((p->s.nx + step - 1) / step)));
}

static double expected(const problem *p, int64_t voxel, int64_t o)
{
    const shape *s = &p->s;
    if (!s->halved)
        return p->want[voxel * s->out + o];
    const int64_t row = voxel / (s->nx / 2), x = voxel % (s->nx / 2);
    const double *a = p->want + (2 * row * s->nx + 2 * x) * s->out + o, *b = a + s->nx * s->out;
    return fmax(fmax(a[0], a[s->out]), fmax(b[0], b[s->out]));
}

/* Winograd's sums and differences of inputs are rounded too: its errors are about twice as large, of large tiles more. */
static void compare(const problem *p, const char *set)
{
    const shape *s = &p->s;
    const pea__conv_shape form = conv_shape(s);
    const double terms = (double)(s->in * s->kz * s->ky * s->kx);
    const double rounding = !s->winograd ? 2e-7 : pea__winograd_side(&form) == 6 ? 4e-7 : 1.2e-6;
    const double tolerance = rounding * (8 + terms);
    for (int64_t voxel = 0; voxel < n_out_voxels(s); voxel++)
        for (int64_t o = 0; o < s->out; o++) {
            const double got = p->out.data[voxel * s->out_pitch + o], want = expected(p, voxel, o);
            if (!(fabs(got - want) < tolerance))
                fail_msg("%s: %dx%dx%d %d->%d kernel %dx%dx%d %s%s%s voxel %d channel %d: %g, expected %g", set,
                         (int)s->nz, (int)s->ny, (int)s->nx, (int)s->in, (int)s->out, s->kz, s->ky, s->kx,
                         s->winograd ? "winograd" : "direct", s->doubled ? " doubled" : "", s->halved ? " halved" : "",
                         (int)voxel, (int)o, got, want);
        }
}

/* What lies between the channels of a slice belongs to somebody else. */
static void check_gaps(const problem *p)
{
    const shape *s = &p->s;
    for (int64_t voxel = 0; voxel + 1 < n_out_voxels(s); voxel++)
        for (int64_t o = s->out; o < s->out_pitch; o++)
            assert_true(p->out.data[voxel * s->out_pitch + o] == 77.0f);
}

static void run_case(shape s, uint64_t *state)
{
    for (int at_end = 0; at_end < 2; at_end++) {
        problem p = make_problem(s, at_end != 0, state);
        for (size_t set = 0; test_set(set, conv_f32); set++) {
            for (int64_t i = 0; i < n_elements(n_out_voxels(&s), s.out_pitch, s.out); i++)
                p.out.data[i] = 77.0f;
            solve_in_tiles(&p, test_set(set, conv_f32), state);
            compare(&p, test_set(set, conv_f32)->name);
            check_gaps(&p);
        }
        free_problem(&p);
    }
}

/* ---- the cases ---- */

static void every_kernel_agrees_with_the_textbook_at_odd_shapes(void **state)
{
    static const int kernels[5][3] = {{1, 1, 1}, {1, 3, 3}, {1, 5, 5}, {3, 3, 3}, {1, 1, 3}};
    uint64_t seed = 20220222;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 150; i++) {
        const int *k = kernels[i % 5];
        shape s = {.nz = 1 + test_random(&seed) % (k[0] > 1 ? 4 : 2), .ny = 1 + test_random(&seed) % 6,
                   .nx = 1 + test_random(&seed) % 30, .in = 1 + test_random(&seed) % (i % 3 ? 9 : 70),
                   .out = 1 + test_random(&seed) % 70, .kz = k[0], .ky = k[1], .kx = k[2],
                   .activation = (pea__activation)(test_random(&seed) % 4), .residual = test_random(&seed) % 2};
        s.in_pitch = s.in + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        s.out_pitch = s.out + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        run_case(s, &seed);
    }
}

static void winograd_agrees_with_the_textbook_at_odd_shapes(void **state)
{
    static const int kernels[4][3] = {{1, 3, 3}, {3, 3, 3}, {1, 5, 5}, {5, 5, 5}};
    uint64_t seed = 20260101;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 160; i++) {
        const int *k = kernels[i % 8 == 7 ? 3 : i % 3];
        shape s = {.nz = 1 + test_random(&seed) % (k[0] > 1 ? 5 : 2), .ny = 1 + test_random(&seed) % 11,
                   .nx = 1 + test_random(&seed) % 19, .in = 1 + test_random(&seed) % (i % 4 ? 9 : 70),
                   .out = 1 + test_random(&seed) % (i % 4 == 1 ? 70 : 20), .kz = k[0], .ky = k[1], .kx = k[2],
                   .activation = (pea__activation)(test_random(&seed) % 4), .residual = test_random(&seed) % 2,
                   .winograd = true, .doubled = test_random(&seed) % 3 == 0, .halved = test_random(&seed) % 3 == 0};
        s.n_activated = test_random(&seed) % 2 ? 0 : 1 + test_random(&seed) % s.out;
        if (s.doubled || s.halved) {
            s.ny *= 2;
            s.nx *= 2;
        }
        s.in_pitch = s.in + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        s.out_pitch = s.out + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        run_case(s, &seed);
    }
}

/* From 24 channels on, tiles are larger. */
static void large_tiles_agree_with_the_textbook_at_odd_shapes(void **state)
{
    static const int kernels[3][3] = {{1, 3, 3}, {3, 3, 3}, {1, 5, 5}};
    uint64_t seed = 20261122;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 60; i++) {
        const int *k = kernels[i % 3];
        shape s = {.nz = 1 + test_random(&seed) % (k[0] > 1 ? 4 : 2), .ny = 1 + test_random(&seed) % 14,
                   .nx = 1 + test_random(&seed) % 19, .in = 24 + test_random(&seed) % (k[0] > 1 ? 20 : 30),
                   .out = 24 + test_random(&seed) % (k[0] > 1 ? 20 : 47), .kz = k[0], .ky = k[1], .kx = k[2],
                   .activation = (pea__activation)(test_random(&seed) % 4), .residual = test_random(&seed) % 2,
                   .winograd = true, .doubled = test_random(&seed) % 3 == 0, .halved = test_random(&seed) % 3 == 0};
        const pea__conv_shape form = conv_shape(&s);
        assert_int_equal(pea__winograd_side(&form), 8);
        s.n_activated = test_random(&seed) % 2 ? 0 : 1 + test_random(&seed) % s.out;
        if (s.doubled || s.halved) {
            s.ny += s.ny % 2;
            s.nx += s.nx % 2;
        }
        s.in_pitch = s.in + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        s.out_pitch = s.out + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        run_case(s, &seed);
    }
}

/* Large outputs are written past the caches where they are aligned: whole vectors, the rest of the channels as ever. */
static void large_outputs_are_right(void **state)
{
    uint64_t seed = 13;
    (void)state;
    for (int i = 0; i < 4; i++) {
        const shape s = {.nz = 1, .ny = 106 << (i == 2), .nx = 126 << (i == 2), .in = 4, .out = i == 3 ? 85 : 80, .in_pitch = 4,
                         .out_pitch = i == 3 ? 96 : 80, .kz = 1, .ky = 3, .kx = 3, .activation = PEA__RELU,
                         .residual = i == 1, .winograd = true, .halved = i == 2};
        run_case(s, &seed);
    }
}

static void every_number_of_output_channels_is_right(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int64_t out = 1; out <= 70; out++)
        run_case((shape){.nz = 1, .ny = 1, .nx = 3, .in = 3, .out = out, .in_pitch = 3, .out_pitch = out, .kz = 1,
                         .ky = 3, .kx = 3, .winograd = out % 2}, &seed);
}

static void every_number_of_input_channels_is_right(void **state)
{
    uint64_t seed = 9;
    (void)state;
    for (int64_t in = 1; in <= 70; in++)
        run_case((shape){.nz = 1, .ny = 2, .nx = 5, .in = in, .out = 3, .in_pitch = in, .out_pitch = 3, .kz = 1, .ky = 3,
                         .kx = 3, .winograd = true}, &seed);
}

static void every_row_length_is_right(void **state)
{
    uint64_t seed = 6;
    (void)state;
    for (int64_t nx = 1; nx <= 40; nx++)
        for (int64_t out = 4; out <= 48; out += 22)
            run_case((shape){.nz = 1, .ny = 2, .nx = nx, .in = 2, .out = out, .in_pitch = 2, .out_pitch = out,
                             .kz = 1, .ky = 3, .kx = 3}, &seed);
}

static void one_pixel_sees_only_the_middle_tap(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int ky = 1; ky <= 5; ky += 2)
        for (int winograd = 0; winograd <= (ky > 1); winograd++)
            run_case((shape){.nz = 1, .ny = 1, .nx = 1, .in = 17, .out = 5, .in_pitch = 17, .out_pitch = 5,
                             .kz = ky == 3 ? 3 : 1, .ky = ky, .kx = ky, .winograd = winograd}, &seed);
}

static void tiling_changes_no_byte(void **state)
{
    uint64_t seed = 8;
    (void)state;
    for (int form = 0; form < 4; form++) { /* direct; Winograd: plain, doubled, halved */
        const shape s = {.nz = 4, .ny = 10, .nx = 32, .in = 7, .out = 37, .in_pitch = 7, .out_pitch = 37, .kz = 3, .ky = 3,
                         .kx = 3, .activation = PEA__ELU, .residual = true, .winograd = form > 0, .doubled = form == 2,
                         .halved = form == 3};
        problem p = make_problem(s, true, &seed);
        const size_t bytes = (size_t)n_elements(n_out_voxels(&s), s.out_pitch, s.out) * sizeof(float);
        float *whole = malloc(bytes);
        for (size_t set = 0; test_set(set, conv_f32); set++) {
            solve(&p, test_set(set, conv_f32), s.nz, 12, s.nx);
            memcpy(whole, p.out.data, bytes);
            for (int i = 0; i < 12; i++) {
                memset(p.out.data, 0, bytes);
                solve_in_tiles(&p, test_set(set, conv_f32), &seed);
                assert_memory_equal(whole, p.out.data, bytes);
            }
        }
        free(whole);
        free_problem(&p);
    }
}

/* Some rows of an image, shuffled; the last place ends at a guard page. */
enum { MOST_ROWS = 64 };

typedef struct some_rows {
    guarded memory;
    int64_t at[MOST_ROWS];
    pea__rows rows;
} some_rows;

/* Rows y0 to y1, and up to two places more. */
static void take_rows(const float *whole, int64_t y0, int64_t y1, int64_t row_floats, uint64_t *state, some_rows *taken)
{
    const int64_t n = y1 - y0 + test_random(state) % 3;
    int64_t place = test_random(state) % n;
    taken->memory = guard(n * row_floats, true);
    for (int64_t i = 0; i < MOST_ROWS; i++)
        taken->at[i] = INT64_MIN / 2;
    taken->rows = (pea__rows){taken->at, MOST_ROWS - 1};
    for (int64_t y = y0; y < y1; y++, place = place == 0 ? n - 1 : place - 1) { /* upwards */
        taken->at[y & (MOST_ROWS - 1)] = place;
        memcpy(taken->memory.data + place * row_floats, whole + y * row_floats, (size_t)row_floats * sizeof *whole);
    }
}

/* One tile over the whole width: with the rows that it needs, and a few places more, in memory. */
static void check_rows_alone(const problem *p, const pea__kernels_table *kernels, const float *whole, uint64_t *state)
{
    const shape *s = &p->s;
    const pea__conv_shape form = conv_shape(s);
    const int64_t step = s->winograd ? pea__winograd_step(&form) : 1, rim = s->ky / 2;
    const int64_t y0 = test_random(state) % ((s->ny + step - 1) / step) * step;
    const int64_t y1 = pea__min_i64(s->ny, y0 + step * (1 + test_random(state) % 3));
    int64_t first = pea__max_i64(0, y0 - rim), end = pea__min_i64(s->ny, y1 + rim); /* of the input */
    if (s->doubled) {
        first = pea__upsample_position(first, s->ny / 2, s->ny).low;
        end = pea__upsample_position(end - 1, s->ny / 2, s->ny).high + 1;
    }
    const int64_t shrink = s->halved ? 2 : 1, out_y0 = y0 / shrink, out_y1 = y1 / shrink;
    const int64_t in_row = s->nx / (s->doubled ? 2 : 1) * s->in_pitch, out_row = s->nx / shrink * s->out_pitch;
    const int64_t residual_row = s->nx * s->out_pitch;
    prepared r = prepare(p, kernels, y1 - y0, s->nx);
    some_rows in, out, residual;
    take_rows(p->in.data, first, end, in_row, state, &in);
    take_rows(whole, out_y0, out_y1, out_row, state, &out);
    take_rows(p->residual.data, y0, y1, residual_row, state, &residual);
    memset(out.memory.data, 0, (size_t)((out_y1 - out_y0) * out_row) * sizeof *whole);
    r.conv.in = in.memory.data;
    r.conv.in_rows = &in.rows;
    r.conv.out = out.memory.data;
    r.conv.out_rows = &out.rows;
    r.conv.epilogue.residual = s->residual ? residual.memory.data : NULL;
    r.conv.epilogue.residual_rows = &residual.rows;
    run_tile(&r, kernels, (pea__tile){0, 1, y0, y1, 0, s->nx});
    for (int64_t y = out_y0; y < out_y1; y++)
        assert_memory_equal(whole + y * out_row, out.memory.data + out.at[y & (MOST_ROWS - 1)] * out_row,
                            (size_t)out_row * sizeof *whole);
    unguard(in.memory);
    unguard(out.memory);
    unguard(residual.memory);
    release(&r);
}

static void rows_alone_give_the_bytes_of_the_whole(void **state)
{
    uint64_t seed = 11;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 60; i++) { /* 1x1, 3x3, 5x5, directly and by Winograd, plain, doubled, halved */
        const int k = 1 + 2 * (i % 3);
        shape s = {.nz = 1, .ny = 2 * (1 + test_random(&seed) % 16), .nx = 2 * (1 + test_random(&seed) % 10),
                   .in = 1 + test_random(&seed) % 20, .out = 1 + test_random(&seed) % 40, .kz = 1, .ky = k, .kx = k,
                   .activation = PEA__RELU, .residual = test_random(&seed) % 2,
                   .winograd = k > 1 && test_random(&seed) % 4};
        s.doubled = s.winograd && test_random(&seed) % 2;
        s.halved = s.winograd && test_random(&seed) % 2;
        s.in_pitch = s.in;
        s.out_pitch = s.out;
        problem p = make_problem(s, true, &seed);
        const size_t bytes = (size_t)(n_out_voxels(&s) * s.out_pitch) * sizeof(float);
        float *whole = malloc(bytes);
        for (size_t set = 0; test_set(set, conv_f32); set++) {
            solve(&p, test_set(set, conv_f32), 1, 24, s.nx);
            memcpy(whole, p.out.data, bytes);
            for (int round = 0; round < 4; round++)
                check_rows_alone(&p, test_set(set, conv_f32), whole, &seed);
        }
        free(whole);
        free_problem(&p);
    }
}

static void the_output_may_lie_where_its_residual_is(void **state)
{
    uint64_t seed = 12;
    (void)state;
    for (int winograd = 0; winograd < 2; winograd++) {
        const shape s = {.nz = 3, .ny = 9, .nx = 14, .in = 6, .out = 21, .in_pitch = 6, .out_pitch = 23, .kz = 3, .ky = 3,
                         .kx = 3, .activation = PEA__ELU, .residual = true, .winograd = winograd};
        problem p = make_problem(s, true, &seed), in_place = p;
        in_place.residual = p.out;
        for (size_t set = 0; test_set(set, conv_f32); set++) {
            memcpy(p.out.data, p.residual.data, (size_t)n_elements(n_voxels(&s), s.out_pitch, s.out) * sizeof(float));
            solve_in_tiles(&in_place, test_set(set, conv_f32), &seed);
            compare(&p, test_set(set, conv_f32)->name);
        }
        free_problem(&p);
    }
}

/* A number that is not finite spoils what sees it and nothing else: with Winograd's products, the tiles that see it. */
static void what_is_no_number_spoils_its_neighbourhood_alone(void **state)
{
    uint64_t seed = 10;
    (void)state;
    for (int winograd = 0; winograd < 2; winograd++)
        for (int infinite = 0; infinite < 2; infinite++) {
            const shape s = {.nz = 1, .ny = 16, .nx = 16, .in = 5, .out = 4, .in_pitch = 5, .out_pitch = 4, .kz = 1, .ky = 3,
                             .kx = 3, .winograd = winograd};
            const int64_t at = 9, near = winograd ? 4 : 1; /* row and column of it; how far it may reach */
            problem p = make_problem(s, true, &seed);
            p.in.data[(at * s.nx + at) * s.in_pitch + 2] = infinite ? INFINITY : NAN;
            for (size_t set = 0; test_set(set, conv_f32); set++) {
                solve(&p, test_set(set, conv_f32), 1, 16, 16);
                for (int64_t v = 0; v < n_voxels(&s); v++) {
                    const int64_t away = pea__max_i64(llabs(v / s.nx - at), llabs(v % s.nx - at));
                    const float got = p.out.data[v * s.out_pitch];
                    if (away <= 1)
                        assert_false(isfinite(got));
                    else if (away > near)
                        assert_true(fabs((double)got - p.want[v * s.out]) < 1e-4);
                }
            }
            free_problem(&p);
        }
}

static void numbers_of_every_size_are_right(void **state)
{
    static const float sizes[3] = {1e-39f, 1e-20f, 1e30f}; /* denormals keep their few digits */
    uint64_t seed = 11;
    (void)state;
    for (int i = 0; i < 6; i++) {
        const float size = sizes[i % 3];
        const shape s = {.nz = 1, .ny = 7, .nx = 9, .in = 5, .out = 18, .in_pitch = 5, .out_pitch = 18, .kz = 1, .ky = 3,
                         .kx = 3, .winograd = i >= 3};
        problem p = make_problem(s, true, &seed);
        for (int64_t k = 0; k < n_elements(n_voxels(&s), s.in_pitch, s.in); k++)
            p.in.data[k] *= size;
        memset(p.bias, 0, (size_t)s.out * sizeof *p.bias);
        free(p.seen);
        free(p.want);
        solve_by_textbook(&p);
        for (size_t set = 0; test_set(set, conv_f32); set++) {
            solve(&p, test_set(set, conv_f32), 1, 8, 12);
            for (int64_t k = 0; k < n_voxels(&s) * s.out; k++)
                assert_true(fabs((double)p.out.data[k] - p.want[k]) <= 3e-5 * (double)size + 5e-43);
        }
        free_problem(&p);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_kernel_agrees_with_the_textbook_at_odd_shapes),
    cmocka_unit_test(winograd_agrees_with_the_textbook_at_odd_shapes),
    cmocka_unit_test(large_tiles_agree_with_the_textbook_at_odd_shapes),
    cmocka_unit_test(large_outputs_are_right),
    cmocka_unit_test(every_number_of_input_channels_is_right),
    cmocka_unit_test(every_number_of_output_channels_is_right),
    cmocka_unit_test(every_row_length_is_right),
    cmocka_unit_test(one_pixel_sees_only_the_middle_tap),
    cmocka_unit_test(tiling_changes_no_byte),
    cmocka_unit_test(rows_alone_give_the_bytes_of_the_whole),
    cmocka_unit_test(the_output_may_lie_where_its_residual_is),
    cmocka_unit_test(what_is_no_number_spoils_its_neighbourhood_alone),
    cmocka_unit_test(numbers_of_every_size_are_right),
};

PEA_TEST_MAIN(tests)
