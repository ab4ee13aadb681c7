/* test_conv.c - the convolution of every kernel set against a textbook one, at odd shapes, in slices, behind guard pages.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "test.h"

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
    int64_t nz, ny, nx, in, out, in_pitch, out_pitch;
    int kz, ky, kx;
    pea__activation activation;
    bool residual;
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
} problem;

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
                    sum += (double)p->in.data[((iz * s->ny + iy) * s->nx + ix) * s->in_pitch + i] *
                           (double)p->weights[(((o * s->in + i) * s->kz + c) * s->ky + b) * s->kx + a];
                }
    if (s->residual)
        sum += (double)p->scale[o] * (double)p->residual.data[((z * s->ny + y) * s->nx + x) * s->out_pitch + o];
    return activated(s->activation, sum);
}

/* Elements of an image whose last voxel ends with its last channel: a slice of a wider buffer. */
static int64_t n_elements(const shape *s, int64_t pitch, int64_t channels)
{
    return (s->nz * s->ny * s->nx - 1) * pitch + channels;
}

static problem make_problem(shape s, bool at_end, uint64_t *state)
{
    problem p = {.s = s};
    const int64_t n_taps = s.kz * s.ky * s.kx;
    p.in = guard(n_elements(&s, s.in_pitch, s.in), at_end);
    p.out = guard(n_elements(&s, s.out_pitch, s.out), at_end);
    p.residual = guard(n_elements(&s, s.out_pitch, s.out), at_end);
    p.weights = malloc((size_t)(s.out * s.in * n_taps) * sizeof(float));
    p.bias = calloc((size_t)s.out + 64, sizeof(float));
    p.scale = calloc((size_t)s.out + 64, sizeof(float));
    fill(p.in.data, n_elements(&s, s.in_pitch, s.in), state);
    fill(p.residual.data, n_elements(&s, s.out_pitch, s.out), state);
    fill(p.weights, s.out * s.in * n_taps, state);
    fill(p.bias, s.out, state);
    fill(p.scale, s.out, state);
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
}

static void solve(const problem *p, const pea__kernels_table *kernels, int64_t tile_y, int64_t tile_x)
{
    const shape *s = &p->s;
    const int64_t n_taps = s->kz * s->ky * s->kx;
    const size_t n_packed = (size_t)(pea__conv_padded(s->out, kernels->lanes) * s->in * n_taps);
    const size_t n_scratch = (size_t)pea__conv_scratch(s->in, s->kz, s->ky, s->kx, tile_y, tile_x);
    float *packed = malloc(n_packed * sizeof *packed);
    guarded scratch = guard((int64_t)n_scratch + 1, true);
    double ones[256];
    for (int i = 0; i < 256; i++)
        ones[i] = 1.0;
    pea__conv_pack(p->weights, ones, s->out, s->in, (int)n_taps, kernels->lanes, packed);
    const pea__conv conv = {.nz = s->nz, .ny = s->ny, .nx = s->nx, .in_channels = s->in, .out_channels = s->out,
                            .kz = s->kz, .ky = s->ky, .kx = s->kx, .weights = packed, .bias = p->bias,
                            .in = p->in.data, .in_pitch = s->in_pitch, .out = p->out.data,
                            .out_pitch = s->out_pitch,
                            .epilogue = {s->activation, s->residual ? p->residual.data : NULL, s->out_pitch, p->scale}};
    for (int64_t z = 0; z < s->nz; z++)
        for (int64_t y = 0; y < s->ny; y += tile_y)
            for (int64_t x = 0; x < s->nx; x += tile_x)
                kernels->conv_f32(&conv,
                                  (pea__tile){z, y, y + tile_y < s->ny ? y + tile_y : s->ny, x,
                                              x + tile_x < s->nx ? x + tile_x : s->nx},
                                  scratch.data + 1);
    unguard(scratch);
    free(packed);
}

static void compare(const problem *p, const char *set)
{
    const shape *s = &p->s;
    const double terms = (double)(s->in * s->kz * s->ky * s->kx);
    for (int64_t voxel = 0; voxel < s->nz * s->ny * s->nx; voxel++)
        for (int64_t o = 0; o < s->out; o++) {
            const double got = p->out.data[voxel * s->out_pitch + o];
            const double want = textbook(p, voxel / (s->ny * s->nx), voxel / s->nx % s->ny, voxel % s->nx, o);
            if (!(fabs(got - want) < 2e-7 * (8 + terms)))
                fail_msg("%s: %dx%dx%d %d->%d kernel %dx%dx%d voxel %d channel %d: %g, expected %g", set, (int)s->nz,
                         (int)s->ny, (int)s->nx, (int)s->in, (int)s->out, s->kz, s->ky, s->kx, (int)voxel, (int)o, got,
                         want);
        }
}

/* What lies between the channels of a slice belongs to somebody else. */
static void check_gaps(const problem *p)
{
    const shape *s = &p->s;
    for (int64_t voxel = 0; voxel + 1 < s->nz * s->ny * s->nx; voxel++)
        for (int64_t o = s->out; o < s->out_pitch; o++)
            assert_true(p->out.data[voxel * s->out_pitch + o] == 77.0f);
}

static void run_case(shape s, uint64_t *state)
{
    for (int at_end = 0; at_end < 2; at_end++) {
        problem p = make_problem(s, at_end != 0, state);
        for (size_t set = 0; pea__kernels_available(set); set++) {
            for (int64_t i = 0; i < n_elements(&s, s.out_pitch, s.out); i++)
                p.out.data[i] = 77.0f;
            solve(&p, pea__kernels_available(set), 1 + test_random(state) % s.ny, 1 + test_random(state) % s.nx);
            compare(&p, pea__kernels_available(set)->name);
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

static void every_number_of_output_channels_is_right(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int64_t out = 1; out <= 70; out++)
        run_case((shape){.nz = 1, .ny = 1, .nx = 3, .in = 3, .out = out, .in_pitch = 3, .out_pitch = out, .kz = 1,
                         .ky = 3, .kx = 3}, &seed);
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
        run_case((shape){.nz = 1, .ny = 1, .nx = 1, .in = 17, .out = 5, .in_pitch = 17, .out_pitch = 5,
                         .kz = ky == 3 ? 3 : 1, .ky = ky, .kx = ky}, &seed);
}

static void tiling_changes_no_byte(void **state)
{
    uint64_t seed = 8;
    const shape s = {.nz = 3, .ny = 9, .nx = 31, .in = 7, .out = 37, .in_pitch = 7, .out_pitch = 37, .kz = 3, .ky = 3,
                     .kx = 3, .activation = PEA__ELU, .residual = true};
    const size_t bytes = (size_t)n_elements(&s, s.out_pitch, s.out) * sizeof(float);
    (void)state;
    problem p = make_problem(s, true, &seed);
    float *whole = malloc(bytes);
    for (size_t set = 0; pea__kernels_available(set); set++) {
        solve(&p, pea__kernels_available(set), s.ny, s.nx);
        memcpy(whole, p.out.data, bytes);
        for (int i = 0; i < 12; i++) {
            memset(p.out.data, 0, bytes);
            solve(&p, pea__kernels_available(set), 1 + test_random(&seed) % 9, 1 + test_random(&seed) % 31);
            assert_memory_equal(whole, p.out.data, bytes);
        }
    }
    free(whole);
    free_problem(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_kernel_agrees_with_the_textbook_at_odd_shapes),
    cmocka_unit_test(every_number_of_output_channels_is_right),
    cmocka_unit_test(every_row_length_is_right),
    cmocka_unit_test(one_pixel_sees_only_the_middle_tap),
    cmocka_unit_test(tiling_changes_no_byte),
};

PEA_TEST_MAIN(tests)
