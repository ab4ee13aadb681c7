/* test_conv_bf16.c - convolutions, direct and by Winograd, doubling and halving in bf16: every kernel set against a textbook
 * in double precision and against plain C, at odd shapes, in slices, behind guard pages.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "kernel_sets.h"
#include "test.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/bf16.h"

static float random_float(uint64_t *state)
{
    return (float)test_random(state) / 1073741824.0f - 1.0f;
}

/* ---- rounding ---- */

static void numbers_are_rounded_to_the_nearest_ties_to_even(void **state)
{
    static const struct { float in; uint16_t out; } cases[] = {
        {1.0f, 0x3f80}, {1.00390625f, 0x3f80}, {1.01171875f, 0x3f82}, {1.004f, 0x3f81}, {-1.004f, 0xbf81}, {0.0f, 0},
        {-0.0f, 0x8000}, {3.39e38f, 0x7f7f}, {3.4e38f, 0x7f80}, {INFINITY, 0x7f80}, {-INFINITY, 0xff80}, {1e-39f, 0x000b}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(pea__bf16_of_float(cases[i].in), cases[i].out);
    assert_true(isnan(pea__float_of_bf16(pea__bf16_of_float(NAN))));
    uint32_t bits = 0x7f800001u; /* no number by its lowest bit alone */
    float lowest;
    memcpy(&lowest, &bits, sizeof lowest);
    assert_true(isnan(pea__float_of_bf16(pea__bf16_of_float(lowest))));
}

static void a_bf16_is_a_float_and_comes_back(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 65536; half++)
        if (!isnan(pea__float_of_bf16((pea__bf16)half)))
            assert_int_equal(pea__bf16_of_float(pea__float_of_bf16((pea__bf16)half)), half);
}

/* ---- images that end at a page nobody may touch, or begin behind one ---- */

typedef struct image {
    char *pages;
    size_t size_bytes;
    void *data;
    int64_t n;     /* elements */
    bool is_float; /* else bf16 */
} image;

static image make_image(int64_t n, bool is_float, bool at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)n * (is_float ? 4 : 2);
    const size_t body = (bytes + page - 1) / page * page;
    image m = {.size_bytes = body + 2 * page, .n = n, .is_float = is_float};
    m.pages = mmap(NULL, m.size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(m.pages != MAP_FAILED);
    assert_int_equal(mprotect(m.pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(m.pages + page + body, page, PROT_NONE), 0);
    m.data = m.pages + page + (at_end ? body - bytes : 0);
    return m;
}

static void free_image(image m)
{
    munmap(m.pages, m.size_bytes);
}

static float get(image m, int64_t i) /* as the kernel sees it */
{
    return m.is_float ? ((const float *)m.data)[i] : pea__float_of_bf16(((const pea__bf16 *)m.data)[i]);
}

static void set_to(image m, int64_t i, float value)
{
    if (m.is_float)
        ((float *)m.data)[i] = value;
    else
        ((pea__bf16 *)m.data)[i] = pea__bf16_of_float(value);
}

static void fill(image m, uint64_t *state)
{
    for (int64_t i = 0; i < m.n; i++)
        set_to(m, i, random_float(state));
}

/* ---- one convolution ---- */

typedef struct shape {
    int64_t nz, ny, nx; /* of the sums */
    int64_t in, out, in_pitch, out_pitch;
    int kz, ky, kx;
    pea__activation activation;
    int64_t n_activated; /* 0: all */
    bool residual, doubled, halved, in_is_float, out_is_float;
    bool winograd; /* factors are floats */
} shape;

typedef struct problem {
    shape s;
    image in, out, residual;
    float *weights, *bias, *scale; /* weights in PyTorch order */
    double *want, *size;           /* of all sums; how large their terms are together */
} problem;

static int64_t n_voxels(const shape *s)
{
    return s->nz * s->ny * s->nx;
}

static int64_t n_out_voxels(const shape *s)
{
    return n_voxels(s) / (s->halved ? 4 : 1);
}

static int64_t n_elements(int64_t n, int64_t pitch, int64_t channels)
{
    return (n - 1) * pitch + channels;
}

static double rounded(double v)
{
    return (double)pea__float_of_bf16(pea__bf16_of_float((float)v));
}

/* A factor of a product. */
static double factor(const shape *s, double v)
{
    return s->winograd ? v : rounded(v);
}

/* The input that is multiplied: doubled as the kernels' definition says, so that both round the same number. */
static double seen(const problem *p, int64_t z, int64_t y, int64_t x, int64_t i)
{
    const shape *s = &p->s;
    if (!s->doubled)
        return factor(s, (double)get(p->in, ((z * s->ny + y) * s->nx + x) * s->in_pitch + i));
    const int64_t ny = s->ny / 2, nx = s->nx / 2;
    const pea__position at_y = pea__upsample_position(y, ny, s->ny), at_x = pea__upsample_position(x, nx, s->nx);
    const int64_t up = (z * ny + at_y.low) * nx, down = (z * ny + at_y.high) * nx;
    const float a = get(p->in, (up + at_x.low) * s->in_pitch + i), b = get(p->in, (up + at_x.high) * s->in_pitch + i);
    const float c = get(p->in, (down + at_x.low) * s->in_pitch + i), d = get(p->in, (down + at_x.high) * s->in_pitch + i);
    const float above = a + at_x.weight * (b - a), below = c + at_x.weight * (d - c);
    return factor(s, (double)(above + at_y.weight * (below - above)));
}

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

static void textbook(problem *p, int64_t z, int64_t y, int64_t x, int64_t o)
{
    const shape *s = &p->s;
    const int64_t voxel = (z * s->ny + y) * s->nx + x;
    double sum = (double)p->bias[o], size = fabs(sum);
    for (int64_t i = 0; i < s->in; i++)
        for (int c = 0; c < s->kz; c++)
            for (int b = 0; b < s->ky; b++)
                for (int a = 0; a < s->kx; a++) {
                    const int64_t iz = z + c - s->kz / 2, iy = y + b - s->ky / 2, ix = x + a - s->kx / 2;
                    if (iz < 0 || iz >= s->nz || iy < 0 || iy >= s->ny || ix < 0 || ix >= s->nx)
                        continue;
                    const double term = seen(p, iz, iy, ix, i) *
                                        factor(s, (double)p->weights[(((o * s->in + i) * s->kz + c) * s->ky + b) * s->kx + a]);
                    sum += term;
                    size += fabs(term);
                }
    if (s->residual)
        sum += (double)p->scale[o] * (double)get(p->residual, voxel * s->out_pitch + o);
    p->want[voxel * s->out + o] = o < s->n_activated ? activated(s->activation, sum) : sum;
    p->size[voxel * s->out + o] = size;
}

static float *random_floats(int64_t n, int64_t room, uint64_t *state)
{
    float *made = calloc((size_t)(n + room), sizeof *made);
    for (int64_t i = 0; i < n; i++)
        made[i] = random_float(state);
    return made;
}

static void solve_by_textbook(problem *p)
{
    const shape *s = &p->s;
    for (int64_t v = 0; v < n_voxels(s); v++)
        for (int64_t o = 0; o < s->out; o++)
            textbook(p, v / (s->ny * s->nx), v / s->nx % s->ny, v % s->nx, o);
}

static problem make_problem(shape s, bool at_end, uint64_t *state)
{
    if (s.n_activated == 0)
        s.n_activated = s.out;
    problem p = {.s = s};
    p.in = make_image(n_elements(n_voxels(&s) / (s.doubled ? 4 : 1), s.in_pitch, s.in), s.in_is_float, at_end);
    p.out = make_image(n_elements(n_out_voxels(&s), s.out_pitch, s.out), s.out_is_float, at_end);
    p.residual = make_image(n_elements(n_voxels(&s), s.out_pitch, s.out), false, at_end);
    fill(p.in, state);
    fill(p.residual, state);
    p.weights = random_floats(s.out * s.in * s.kz * s.ky * s.kx, 0, state);
    p.bias = random_floats(s.out, 64, state);
    p.scale = random_floats(s.out, 64, state);
    p.want = malloc((size_t)(n_voxels(&s) * s.out) * sizeof(double));
    p.size = malloc((size_t)(n_voxels(&s) * s.out) * sizeof(double));
    solve_by_textbook(&p);
    return p;
}

static void free_problem(problem *p)
{
    free_image(p->in);
    free_image(p->out);
    free_image(p->residual);
    free(p->weights);
    free(p->bias);
    free(p->scale);
    free(p->want);
    free(p->size);
}

static pea__conv_shape conv_shape(const shape *s)
{
    return (pea__conv_shape){.in_channels = s->in, .out_channels = s->out, .kz = s->kz, .ky = s->ky, .kx = s->kx,
                             .winograd = s->winograd, .doubled = s->doubled, .halved = s->halved};
}

/* The weights as the kernel reads them. */
static image make_weights(const problem *p, const pea__kernels_table *kernels)
{
    const shape *s = &p->s;
    const pea__conv_shape form = conv_shape(s);
    float *packed = malloc((size_t)pea__conv_packed(&form, kernels->lanes) * sizeof *packed);
    image made = s->winograd ? make_image(pea__winograd_weights(&form, kernels->lanes), true, true)
                             : make_image(pea__conv_bf16_packed(&form), false, true);
    double ones[256];
    for (int i = 0; i < 256; i++)
        ones[i] = 1.0;
    pea__conv_pack(&form, p->weights, ones, kernels->lanes, packed);
    for (int64_t at = 0; s->winograd && at < s->kz * s->in; at++)
        kernels->winograd_weights_f32(&form, packed, at, made.data);
    for (int64_t panel = 0; !s->winograd && panel * 32 < s->out; panel++)
        pea__conv_bf16_pack(&form, packed, kernels->lanes, panel, made.data);
    free(packed);
    return made;
}

static void solve(const problem *p, const pea__kernels_table *kernels, int64_t tile_z, int64_t tile_y, int64_t tile_x)
{
    const shape *s = &p->s;
    const pea__conv_shape form = conv_shape(s);
    image weights = make_weights(p, kernels);
    image scratch = make_image(1 + (s->winograd ? pea__conv_scratch(&form, tile_y, tile_x, kernels->lanes)
                                                : pea__conv_bf16_scratch(&form, tile_y, tile_x)), true, true);
    for (int64_t i = 0; i < scratch.n; i++)
        ((float *)scratch.data)[i] = NAN; /* who believes what is left there is found out */
    const pea__conv conv = {.shape = form, .nz = s->nz, .ny = s->ny, .nx = s->nx, .weights_bf16 = weights.data,
                            .bias = p->bias, .in = p->in.data, .in_pitch = s->in_pitch, .in_is_float = s->in_is_float,
                            .out = p->out.data, .out_pitch = s->out_pitch, .out_is_float = s->out_is_float,
                            .epilogue = {.activation = s->activation, .n_activated = s->n_activated,
                                         .residual_bf16 = s->residual ? p->residual.data : NULL,
                                         .residual_pitch = s->out_pitch, .residual_scale = p->scale}};
    for (int64_t z = 0; z < s->nz; z += tile_z)
        for (int64_t y = 0; y < s->ny; y += tile_y)
            for (int64_t x = 0; x < s->nx; x += tile_x)
                (s->winograd ? kernels->winograd_bf16 : kernels->conv_bf16)(
                    &conv, (pea__tile){z, pea__min_i64(z + tile_z, s->nz), y, pea__min_i64(y + tile_y, s->ny), x,
                                       pea__min_i64(x + tile_x, s->nx)}, (float *)scratch.data + 1);
    free_image(scratch);
    free_image(weights);
}

static void solve_in_tiles(const problem *p, const pea__kernels_table *kernels, uint64_t *state)
{
    const pea__conv_shape form = conv_shape(&p->s);
    const int64_t step = p->s.winograd ? pea__winograd_step(&form) : p->s.halved ? 2 : 1;
    const int64_t n_y = (p->s.ny + step - 1) / step, n_x = (p->s.nx + step - 1) / step;
    const int64_t z = 1 + test_random(state) % p->s.nz, y = step * (1 + test_random(state) % n_y);
    solve(p, kernels, z, y, step * (1 + test_random(state) % n_x));
}

static double expected(const problem *p, const double *of, int64_t voxel, int64_t o)
{
    const shape *s = &p->s;
    if (!s->halved)
        return of[voxel * s->out + o];
    const int64_t row = voxel / (s->nx / 2), x = voxel % (s->nx / 2);
    const double *a = of + (2 * row * s->nx + 2 * x) * s->out + o, *b = a + s->nx * s->out;
    return fmax(fmax(a[0], a[s->out]), fmax(b[0], b[s->out]));
}

/* Sums are of floats, results rounded to 8 bits. Where an input was doubled, sets may round it to either side: a few terms
 * are then wrong by a bit. Winograd's factors are not rounded; its sums and differences of floats are. */
static void compare(const problem *p, const char *set)
{
    const shape *s = &p->s;
    for (int64_t voxel = 0; voxel < n_out_voxels(s); voxel++)
        for (int64_t o = 0; o < s->out; o++) {
            const double got = (double)get(p->out, voxel * s->out_pitch + o), want = expected(p, p->want, voxel, o);
            const double tolerance = (s->out_is_float ? 0.0 : fabs(want) / 256 * 1.001) +
                                     (s->winograd ? 1e-5 : 3e-6) * (1 + expected(p, p->size, voxel, o)) +
                                     (s->doubled && !s->winograd ? 3.0 / 256 : 0.0);
            if (!(fabs(got - want) <= tolerance))
                fail_msg("%s: %dx%dx%d %d->%d kernel %dx%dx%d%s%s%s voxel %d channel %d: %g, expected %g", set, (int)s->nz,
                         (int)s->ny, (int)s->nx, (int)s->in, (int)s->out, s->kz, s->ky, s->kx,
                         s->winograd ? " winograd" : "", s->doubled ? " doubled" : "", s->halved ? " halved" : "",
                         (int)voxel, (int)o, got, want);
        }
}

static void check_gaps(const problem *p)
{
    const shape *s = &p->s;
    for (int64_t voxel = 0; voxel + 1 < n_out_voxels(s); voxel++)
        for (int64_t o = s->out; o < s->out_pitch; o++)
            assert_true(get(p->out, voxel * s->out_pitch + o) == 77.0f);
}

/* Set `index` of those that have a kernel of their own for this problem. */
static const pea__kernels_table *set_for(const shape *s, size_t index)
{
    return s->winograd ? test_set(index, winograd_bf16) : test_set(index, conv_bf16);
}

static void run_case(shape s, uint64_t *state)
{
    for (int at_end = 0; at_end < 2; at_end++) {
        problem p = make_problem(s, at_end != 0, state);
        for (size_t set = 0; set_for(&s, set); set++) {
            for (int64_t i = 0; i < p.out.n; i++)
                set_to(p.out, i, 77.0f);
            solve_in_tiles(&p, set_for(&s, set), state);
            compare(&p, set_for(&s, set)->name);
            check_gaps(&p);
        }
        free_problem(&p);
    }
}

/* ---- the cases ---- */

/* With even sides where they are doubled or halved, one in float_of inputs and outputs in floats, and any distances. */
static void run_laid_out(shape s, int float_of, uint64_t *seed)
{
    s.n_activated = test_random(seed) % 2 ? 0 : 1 + test_random(seed) % s.out;
    s.in_is_float = !s.doubled && test_random(seed) % float_of == 0;
    s.out_is_float = test_random(seed) % float_of == 0;
    if (s.doubled || s.halved) {
        s.ny = (s.ny + 1) / 2 * 2;
        s.nx = (s.nx + 1) / 2 * 2;
    }
    s.in_pitch = s.in + (test_random(seed) % 2 ? test_random(seed) % 20 : 0);
    s.out_pitch = s.out + (test_random(seed) % 2 ? test_random(seed) % 20 : 0);
    run_case(s, seed);
}

static void every_kernel_agrees_with_the_textbook_at_odd_shapes(void **state)
{
    static const int kernels[6][3] = {{1, 1, 1}, {1, 3, 3}, {1, 5, 5}, {3, 3, 3}, {1, 1, 3}, {5, 5, 5}};
    uint64_t seed = 20260401;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 200; i++) {
        const int *k = kernels[i % 8 == 7 ? 5 : i % 5];
        shape s = {.nz = 1 + test_random(&seed) % (k[0] > 1 ? 4 : 2), .ny = 1 + test_random(&seed) % 6,
                   .nx = 1 + test_random(&seed) % 30, .in = 1 + test_random(&seed) % (i % 3 || k[0] == 5 ? 12 : 70),
                   .out = 1 + test_random(&seed) % (i % 3 ? 70 : 40), .kz = k[0], .ky = k[1], .kx = k[2],
                   .activation = (pea__activation)(test_random(&seed) % 4), .residual = test_random(&seed) % 2,
                   .doubled = k[1] > 1 && test_random(&seed) % 3 == 0, .halved = test_random(&seed) % 3 == 0};
        run_laid_out(s, 3, &seed);
    }
}

static void winograd_agrees_with_the_textbook(void **state)
{
    static const int kernels[5][3] = {{1, 3, 3}, {1, 5, 5}, {3, 3, 3}, {5, 5, 5}, {3, 5, 5}};
    uint64_t seed = 20260402;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 60; i++) {
        const int *k = kernels[i % 8 == 7 ? 3 : i % 8 == 6 ? 4 : i % 3];
        shape s = {.nz = 1 + test_random(&seed) % (k[0] > 1 ? 4 : 2), .ny = 1 + test_random(&seed) % 10,
                   .nx = 1 + test_random(&seed) % 20, .in = 16 + test_random(&seed) % (k[0] == 5 ? 3 : 20),
                   .out = 1 + test_random(&seed) % (k[0] == 5 ? 30 : 70), .kz = k[0], .ky = k[1], .kx = k[2],
                   .activation = (pea__activation)(test_random(&seed) % 4), .residual = test_random(&seed) % 2,
                   .doubled = test_random(&seed) % 3 == 0, .halved = test_random(&seed) % 3 == 0, .winograd = true};
        run_laid_out(s, 4, &seed);
    }
}

static void every_number_of_channels_is_right(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int64_t n = 1; n <= 70; n++) {
        run_case((shape){.nz = 1, .ny = 2, .nx = 3, .in = 3, .out = n, .in_pitch = 3, .out_pitch = n, .kz = 1, .ky = 3,
                         .kx = 3}, &seed);
        run_case((shape){.nz = 1, .ny = 2, .nx = 5, .in = n, .out = 3, .in_pitch = n, .out_pitch = 3, .kz = 1, .ky = 3,
                         .kx = 3}, &seed);
        run_case((shape){.nz = 1, .ny = 1, .nx = 7, .in = n, .out = 17, .in_pitch = n, .out_pitch = 17, .kz = 1, .ky = 1,
                         .kx = 1}, &seed);
    }
}

/* Around the lengths of a strip, of which there are several in a tile. */
static void every_row_length_is_right(void **state)
{
    uint64_t seed = 6;
    (void)state;
    for (int64_t nx = 1; nx <= 300; nx += nx < 36 || (nx > 120 && nx < 136) ? 1 : 17)
        for (int halved = 0; halved < 2; halved++) {
            const shape s = {.nz = 1, .ny = 4, .nx = halved ? 2 * nx : nx, .in = 12, .out = 18, .in_pitch = 12,
                             .out_pitch = 18, .kz = 1, .ky = 3, .kx = 3, .halved = halved};
            problem p = make_problem(s, true, &seed);
            for (size_t set = 0; set_for(&s, set); set++) {
                solve(&p, set_for(&s, set), 1, s.ny, s.nx);
                compare(&p, set_for(&s, set)->name);
            }
            free_problem(&p);
        }
}

static void tiling_changes_no_byte(void **state)
{
    uint64_t seed = 8;
    (void)state;
    for (int form = 0; form < 7; form++) { /* plain, doubled, halved, in patches; by Winograd */
        const int64_t in = form == 3 ? 3 : form > 3 ? 18 : 13;
        const shape s = {.nz = 4, .ny = 10, .nx = 32, .in = in, .out = 37, .in_pitch = in, .out_pitch = 37, .kz = 3, .ky = 3,
                         .kx = 3, .activation = PEA__ELU, .residual = true, .doubled = form == 1 || form == 5,
                         .halved = form == 2 || form == 6, .winograd = form > 3};
        problem p = make_problem(s, true, &seed);
        const size_t bytes = (size_t)p.out.n * sizeof(pea__bf16);
        void *whole = malloc(bytes);
        for (size_t set = 0; set_for(&s, set); set++) {
            solve(&p, set_for(&s, set), s.nz, 12, 36);
            memcpy(whole, p.out.data, bytes);
            for (int i = 0; i < 12; i++) {
                memset(p.out.data, 0, bytes);
                solve_in_tiles(&p, set_for(&s, set), &seed);
                assert_memory_equal(whole, p.out.data, bytes);
            }
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
        const int64_t in = winograd ? 25 : 6, out = winograd ? 24 : 21;
        const shape s = {.nz = 3, .ny = 9, .nx = 14, .in = in, .out = out, .in_pitch = in, .out_pitch = out + 2, .kz = 3,
                         .ky = 3, .kx = 3, .activation = PEA__ELU, .residual = true, .winograd = winograd};
        problem p = make_problem(s, true, &seed), in_place = p;
        in_place.residual = p.out;
        for (size_t set = 0; set_for(&s, set); set++) {
            memcpy(p.out.data, p.residual.data, (size_t)p.out.n * sizeof(pea__bf16));
            solve_in_tiles(&in_place, set_for(&s, set), &seed);
            compare(&p, set_for(&s, set)->name);
        }
        free_problem(&p);
    }
}

/* A number that is not finite spoils the voxels whose taps see it, and no other: no set reads beyond a row of taps. */
static void what_is_no_number_spoils_what_sees_it_alone(void **state)
{
    uint64_t seed = 10;
    (void)state;
    for (int64_t in = 3; in <= 43; in += 20)
        for (int infinite = 0; infinite < 2; infinite++) {
            const shape s = {.nz = 1, .ny = 16, .nx = 16, .in = in, .out = 4, .in_pitch = in, .out_pitch = 4, .kz = 1,
                             .ky = 3, .kx = 3};
            const int64_t row = 9, column = 9;
            problem p = make_problem(s, true, &seed);
            set_to(p.in, (row * s.nx + column) * s.in_pitch + 2, infinite ? INFINITY : NAN);
            for (size_t set = 0; set_for(&s, set); set++) {
                solve_in_tiles(&p, set_for(&s, set), &seed);
                for (int64_t v = 0; v < n_voxels(&s); v++) {
                    const bool sees = llabs(v / s.nx - row) <= 1 && llabs(v % s.nx - column) <= 1;
                    assert_int_equal(!isfinite(get(p.out, v * s.out_pitch)), sees);
                }
            }
            free_problem(&p);
        }
}

/* Large numbers stay in range; those below 2^-126 are kept, or, where the processor multiplies bf16, are 0. */
static void numbers_of_every_size_are_right(void **state)
{
    static const float sizes[3] = {1e-39f, 1e-20f, 1e30f};
    uint64_t seed = 11;
    (void)state;
    for (int i = 0; i < 3; i++) {
        const shape s = {.nz = 1, .ny = 7, .nx = 9, .in = 5, .out = 18, .in_pitch = 5, .out_pitch = 18, .kz = 1, .ky = 3,
                         .kx = 3, .out_is_float = true};
        problem p = make_problem(s, true, &seed);
        for (int64_t k = 0; k < p.in.n; k++)
            set_to(p.in, k, get(p.in, k) * sizes[i]);
        memset(p.bias, 0, (size_t)s.out * sizeof *p.bias);
        solve_by_textbook(&p);
        for (size_t set = 0; set_for(&s, set); set++) {
            solve(&p, set_for(&s, set), 1, 8, 12);
            for (int64_t k = 0; k < n_voxels(&s) * s.out; k++)
                assert_true(fabs((double)get(p.out, k) - p.want[k]) <= 3e-5 * (double)sizes[i] + (i == 0 ? 5e-38 : 0.0));
        }
        free_problem(&p);
    }
}

/* ---- doubling and halving ---- */

static void resizing_agrees_with_plain_c(void **state)
{
    uint64_t seed = 13;
    (void)state;
    for (int64_t channels = 1; channels <= 70; channels++)
        for (int pool = 0; pool < 2; pool++) {
            const int64_t nz = 2, ny = 2 * (1 + test_random(&seed) % 3), nx = 2 * (1 + test_random(&seed) % 5);
            const int64_t pitch = channels + test_random(&seed) % 5, n_out = pool ? nz * ny * nx / 4 : nz * ny * nx * 4;
            const int64_t n_rows = pool ? nz * ny / 2 : nz * ny * 2;
            image in = make_image(n_elements(nz * ny * nx, pitch, channels), false, true);
            image residual = make_image(n_elements(n_out, pitch, channels), false, true);
            image out = make_image(residual.n, false, true), want = make_image(residual.n, false, true);
            float *scale = random_floats(channels, 64, &seed);
            fill(in, &seed);
            fill(residual, &seed);
            pea__resize r = {.nz = nz, .ny = ny, .nx = nx, .channels = channels, .in_bf16 = in.data, .in_pitch = pitch,
                             .out_bf16 = want.data, .out_pitch = pitch,
                             .epilogue = {.activation = PEA__ELU, .n_activated = channels, .residual_bf16 = residual.data,
                                          .residual_pitch = pitch, .residual_scale = scale}};
            if (pool || channels % 2)
                r.epilogue = (pea__epilogue){.activation = PEA__LINEAR};
            for (int64_t row = 0; row < n_rows; row++)
                (pool ? pea__kernels_scalar.pool_bf16 : pea__kernels_scalar.upsample_bf16)(&r, row);
            r.out_bf16 = out.data;
            for (size_t set = 0; test_set(set, upsample_bf16); set++) {
                for (int64_t row = 0; row < n_rows; row++)
                    (pool ? test_set(set, upsample_bf16)->pool_bf16 : test_set(set, upsample_bf16)->upsample_bf16)(&r, row);
                for (int64_t i = 0; i < out.n; i++)
                    assert_true(fabsf(get(out, i) - get(want, i)) <= (pool ? 0.0f : fabsf(get(want, i)) / 128 + 1e-6f));
            }
            free(scale);
            free_image(in);
            free_image(residual);
            free_image(out);
            free_image(want);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_are_rounded_to_the_nearest_ties_to_even),
    cmocka_unit_test(a_bf16_is_a_float_and_comes_back),
    cmocka_unit_test(every_kernel_agrees_with_the_textbook_at_odd_shapes),
    cmocka_unit_test(winograd_agrees_with_the_textbook),
    cmocka_unit_test(every_number_of_channels_is_right),
    cmocka_unit_test(every_row_length_is_right),
    cmocka_unit_test(tiling_changes_no_byte),
    cmocka_unit_test(the_output_may_lie_where_its_residual_is),
    cmocka_unit_test(what_is_no_number_spoils_what_sees_it_alone),
    cmocka_unit_test(numbers_of_every_size_are_right),
    cmocka_unit_test(resizing_agrees_with_plain_c),
};

PEA_TEST_MAIN(tests)
