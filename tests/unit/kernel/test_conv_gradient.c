/* test_conv_gradient.c - sums for the gradient of a convolution's weights, of every kernel set, directly and by Winograd's
 * products, against a textbook one; packing of mirrored weights against the convolution it is the transpose of.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "guarded.h"
#include "kernel_sets.h"

#include <math.h>

#include "kernel/kernel.h"

typedef struct shape {
    int64_t nz, ny, nx; /* of the output */
    int64_t in, out, in_pitch, out_pitch;
    int kz, ky, kx;
    bool winograd, doubled;
} shape;

typedef struct problem {
    shape s;
    bool at_end;
    test_guarded in, gradient;
    double *seen; /* the input after doubling */
    double *want; /* [out][in][kz][ky][kx] */
} problem;

static int64_t n_voxels(const shape *s)
{
    return s->nz * s->ny * s->nx;
}

static int64_t n_weights(const shape *s)
{
    return s->out * s->in * s->kz * s->ky * s->kx;
}

/* The corner-aligned doubling, as tents of width 1 around each input. */
static double doubled(const problem *p, int64_t voxel, int64_t i)
{
    const shape *s = &p->s;
    const int64_t z = voxel / (s->ny * s->nx), y = voxel / s->nx % s->ny, x = voxel % s->nx, ny = s->ny / 2, nx = s->nx / 2;
    const double at_y = (double)(y * (ny - 1)) / (double)(s->ny - 1), at_x = (double)(x * (nx - 1)) / (double)(s->nx - 1);
    double sum = 0;
    for (int64_t iy = 0; iy < ny; iy++)
        for (int64_t ix = 0; ix < nx; ix++)
            sum += fmax(0, 1 - fabs(at_y - (double)iy)) * fmax(0, 1 - fabs(at_x - (double)ix)) *
                   (double)p->in.data[((z * ny + iy) * nx + ix) * s->in_pitch + i];
    return sum;
}

static double textbook(const problem *p, int64_t o, int64_t i, int tap)
{
    const shape *s = &p->s;
    const int64_t dz = tap / (s->ky * s->kx) - s->kz / 2, dy = tap / s->kx % s->ky - s->ky / 2, dx = tap % s->kx - s->kx / 2;
    double sum = 0;
    for (int64_t v = 0; v < n_voxels(s); v++) {
        const int64_t z = v / (s->ny * s->nx) + dz, y = v / s->nx % s->ny + dy, x = v % s->nx + dx;
        if (z >= 0 && z < s->nz && y >= 0 && y < s->ny && x >= 0 && x < s->nx)
            sum += (double)p->gradient.data[v * s->out_pitch + o] * p->seen[((z * s->ny + y) * s->nx + x) * s->in + i];
    }
    return sum;
}

static problem make_problem(shape s, bool at_end, uint64_t *state)
{
    problem p = {.s = s, .at_end = at_end};
    p.in = test_random_slice(n_voxels(&s) / (s.doubled ? 4 : 1), s.in_pitch, s.in, at_end, state);
    p.gradient = test_random_slice(n_voxels(&s), s.out_pitch, s.out, at_end, state);
    p.seen = malloc((size_t)(n_voxels(&s) * s.in) * sizeof *p.seen);
    p.want = malloc((size_t)n_weights(&s) * sizeof *p.want);
    for (int64_t v = 0; v < n_voxels(&s); v++)
        for (int64_t i = 0; i < s.in; i++)
            p.seen[v * s.in + i] = s.doubled ? doubled(&p, v, i) : (double)p.in.data[v * s.in_pitch + i];
    const int n_taps = s.kz * s.ky * s.kx;
    for (int64_t w = 0; w < n_weights(&s); w++)
        p.want[w] = textbook(&p, w / n_taps / s.in, w / n_taps % s.in, (int)(w % n_taps));
    return p;
}

static void free_problem(problem *p)
{
    test_unguard(p->in);
    test_unguard(p->gradient);
    free(p->seen);
    free(p->want);
}

static pea__conv_shape conv_shape(const shape *s)
{
    return (pea__conv_shape){.in_channels = s->in, .out_channels = s->out, .kz = s->kz, .ky = s->ky, .kx = s->kx,
                             .winograd = s->winograd, .doubled = s->doubled};
}

/* Into weights in PyTorch's order. */
static void solve(const problem *p, const pea__kernels_table *k, int64_t tile_z, int64_t tile_y, int64_t tile_x, float *weights)
{
    const shape *s = &p->s;
    const pea__conv_shape form = conv_shape(s);
    const int64_t n_sums = pea__conv_gradient_sums(&form, k->lanes);
    test_guarded sums = test_guard(n_sums, p->at_end), packed = test_guard(pea__conv_packed(&form, k->lanes), p->at_end);
    test_guarded scratch = test_guard(pea__conv_gradient_scratch(&form, tile_z, tile_y, tile_x, k->lanes), true);
    const pea__conv_gradient job = {.conv = {.shape = form, .nz = s->nz, .ny = s->ny, .nx = s->nx, .in = p->in.data,
                                             .in_pitch = s->in_pitch},
                                    .gradient = p->gradient.data, .gradient_pitch = s->out_pitch};
    memset(sums.data, 0, (size_t)n_sums * sizeof(float));
    for (int64_t z = 0; z < s->nz; z += tile_z)
        for (int64_t y = 0; y < s->ny; y += tile_y)
            for (int64_t x = 0; x < s->nx; x += tile_x)
                (s->winograd ? k->winograd_gradient_f32 : k->conv_gradient_f32)(
                    &job,
                    (pea__tile){z, pea__min_i64(z + tile_z, s->nz), y, pea__min_i64(y + tile_y, s->ny), x,
                                pea__min_i64(x + tile_x, s->nx)},
                    sums.data, scratch.data);
    for (int64_t at = 0; s->winograd && at < s->kz * s->in; at++)
        k->winograd_taps_f32(&form, sums.data, at, packed.data);
    pea__conv_unpack(&form, s->winograd ? packed.data : sums.data, k->lanes, weights, s->in * s->kz * s->ky * s->kx);
    test_unguard(scratch);
    test_unguard(sums);
    test_unguard(packed);
}

/* Random tiles, as fine as the kernel allows. */
static void solve_in_tiles(const problem *p, const pea__kernels_table *k, float *weights, uint64_t *state)
{
    const pea__conv_shape form = conv_shape(&p->s);
    const int64_t step = p->s.winograd ? pea__winograd_gradient_step(&form) : 1, z = 1 + test_random(state) % p->s.nz;
    const int64_t y = 1 + test_random(state) % ((p->s.ny + step - 1) / step);
    solve(p, k, z, y * step, step * (1 + test_random(state) % ((p->s.nx + step - 1) / step)), weights);
}

static void run_case(shape s, uint64_t *state)
{
    for (int at_end = 0; at_end < 2; at_end++) {
        problem p = make_problem(s, at_end != 0, state);
        float *weights = malloc((size_t)n_weights(&s) * sizeof *weights);
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            solve_in_tiles(&p, test_set(set, conv_gradient_f32), weights, state);
            const double tolerance = (s.winograd ? 2e-6 : 2e-7) * (8 + (double)n_voxels(&s));
            for (int64_t w = 0; w < n_weights(&s); w++)
                if (!(fabs((double)weights[w] - p.want[w]) < tolerance))
                    fail_msg("%s: %dx%dx%d %d->%d kernel %dx%dx%d %s%s weight %d: %g, expected %g",
                             test_set(set, conv_gradient_f32)->name, (int)s.nz, (int)s.ny, (int)s.nx, (int)s.in,
                             (int)s.out, s.kz, s.ky, s.kx, s.winograd ? "winograd" : "direct", s.doubled ? " doubled" : "", (int)w,
                             (double)weights[w], p.want[w]);
        }
        free(weights);
        free_problem(&p);
    }
}

/* ---- the cases ---- */

static void weight_gradients_agree_with_the_textbook_at_odd_shapes(void **state)
{
    static const int kernels[5][3] = {{1, 1, 1}, {1, 3, 3}, {1, 5, 5}, {3, 3, 3}, {1, 1, 3}};
    uint64_t seed = 20261122;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 100; i++) {
        const int *k = kernels[i % 5];
        shape s = {.nz = 1 + test_random(&seed) % (k[0] > 1 ? 4 : 2), .ny = 1 + test_random(&seed) % 6,
                   .nx = 1 + test_random(&seed) % 30, .in = 1 + test_random(&seed) % (i % 4 ? 9 : 40),
                   .out = 1 + test_random(&seed) % (i % 3 ? 20 : 70), .kz = k[0], .ky = k[1], .kx = k[2],
                   .doubled = k[1] == 3 && test_random(&seed) % 3 == 0};
        s.ny *= s.doubled ? 2 : 1;
        s.nx *= s.doubled ? 2 : 1;
        s.in_pitch = s.in + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        s.out_pitch = s.out + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        run_case(s, &seed);
    }
}

static void winograd_weight_gradients_agree_with_the_textbook_at_odd_shapes(void **state)
{
    static const int kernels[3][3] = {{1, 3, 3}, {3, 3, 3}, {1, 5, 5}};
    uint64_t seed = 20261123;
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 90; i++) {
        const int *k = kernels[i % 3];
        shape s = {.nz = 1 + test_random(&seed) % 5, .ny = 1 + test_random(&seed) % 11, .nx = 1 + test_random(&seed) % 19,
                   .in = 1 + test_random(&seed) % (i % 4 ? 9 : 40), .out = 1 + test_random(&seed) % (i % 4 == 1 ? 70 : 20),
                   .kz = k[0], .ky = k[1], .kx = k[2], .winograd = true, .doubled = test_random(&seed) % 3 == 0};
        s.ny *= s.doubled ? 2 : 1;
        s.nx *= s.doubled ? 2 : 1;
        s.in_pitch = s.in + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        s.out_pitch = s.out + (test_random(&seed) % 2 ? test_random(&seed) % 20 : 0);
        run_case(s, &seed);
    }
}

static void weight_gradients_of_every_number_of_channels_are_right(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int64_t n = 1; n <= 70; n++) {
        run_case((shape){.nz = 1, .ny = 2, .nx = 5, .in = n, .out = 3, .in_pitch = n, .out_pitch = 3, .kz = 1, .ky = 3,
                         .kx = 3, .winograd = n % 2}, &seed);
        run_case((shape){.nz = 1, .ny = 1, .nx = 7, .in = 2, .out = n, .in_pitch = 2, .out_pitch = n, .kz = 1, .ky = 3,
                         .kx = 3, .winograd = n % 2 == 0}, &seed);
    }
}

/* Sums over chains of more terms than go through registers at once. */
static void long_rows_are_summed_whole(void **state)
{
    uint64_t seed = 6;
    (void)state;
    run_case((shape){.nz = 1, .ny = 1, .nx = 1001, .in = 3, .out = 5, .in_pitch = 3, .out_pitch = 5, .kz = 1, .ky = 1, .kx = 1},
             &seed);
    run_case((shape){.nz = 1, .ny = 2, .nx = 700, .in = 2, .out = 17, .in_pitch = 2, .out_pitch = 17, .kz = 1, .ky = 3, .kx = 3},
             &seed);
}

/* A weight sees one channel of the input and one of the gradient, and all voxels of both. */
static void what_is_no_number_spoils_the_weights_of_its_channel_alone(void **state)
{
    uint64_t seed = 8;
    (void)state;
    for (int i = 0; i < 8; i++) {
        const shape s = {.nz = 1, .ny = 9, .nx = 11, .in = 5, .out = 18, .in_pitch = 5, .out_pitch = 18, .kz = 1, .ky = 3,
                         .kx = 3, .winograd = i % 2};
        const bool in_gradient = i / 2 % 2, infinite = i / 4;
        problem p = make_problem(s, true, &seed);
        float weights[18 * 5 * 9];
        (in_gradient ? p.gradient.data + 50 * s.out_pitch + 7 : p.in.data + 50 * s.in_pitch + 3)[0] = infinite ? INFINITY : NAN;
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            solve(&p, test_set(set, conv_gradient_f32), 1, 12, 12, weights);
            for (int64_t w = 0; w < n_weights(&s); w++)
                if (in_gradient ? w / 45 == 7 : w / 9 % 5 == 3)
                    assert_false(isfinite(weights[w]));
                else
                    assert_true(fabs((double)weights[w] - p.want[w]) < 1e-4);
        }
        free_problem(&p);
    }
}

/* Gradients are small numbers: denormals keep their few digits. */
static void gradients_of_every_size_are_right(void **state)
{
    static const float sizes[4] = {1e-39f, 1e-20f, 1e-8f, 1e30f};
    uint64_t seed = 9;
    (void)state;
    for (int i = 0; i < 8; i++) {
        const float size = sizes[i % 4];
        const shape s = {.nz = 1, .ny = 9, .nx = 11, .in = 5, .out = 18, .in_pitch = 5, .out_pitch = 18, .kz = 1, .ky = 3,
                         .kx = 3, .winograd = i / 4};
        problem p = make_problem(s, true, &seed);
        float weights[18 * 5 * 9];
        for (int64_t k = 0; k < n_voxels(&s) * s.out; k++)
            p.gradient.data[k] *= size;
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            solve(&p, test_set(set, conv_gradient_f32), 1, 12, 12, weights);
            for (int64_t w = 0; w < n_weights(&s); w++)
                assert_true(fabs((double)weights[w] - p.want[w] * (double)size) <= 1e-4 * (double)size + 1e-42);
        }
        free_problem(&p);
    }
}

/* Taps in opposite order, inputs for outputs; unpacking gives back what was packed. */
static void mirrored_weights_are_those_of_the_transpose(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int i = 0; i < 12; i++) {
        const int kz = i % 2 ? 3 : 1, ky = i % 3 == 0 ? 1 : i % 3 == 1 ? 3 : 5;
        const int64_t in = 1 + test_random(&seed) % 40, out = 1 + test_random(&seed) % 40, n_taps = kz * ky * ky;
        float *weights = malloc((size_t)(in * out * n_taps) * sizeof *weights);
        for (int64_t w = 0; w < in * out * n_taps; w++)
            weights[w] = test_random_float(&seed);
        for (size_t set = 0; test_set(set, conv_gradient_f32); set++) {
            const int lanes = test_set(set, conv_gradient_f32)->lanes;
            const pea__conv_shape there = {.in_channels = in, .out_channels = out, .kz = kz, .ky = ky, .kx = ky};
            const pea__conv_shape back = {.in_channels = out, .out_channels = in, .kz = kz, .ky = ky, .kx = ky};
            float *packed = malloc((size_t)pea__conv_packed(&back, lanes) * sizeof *packed);
            float *plain = malloc((size_t)pea__conv_packed(&there, lanes) * sizeof *plain);
            float *unpacked = malloc((size_t)(in * out * n_taps) * sizeof *unpacked);
            pea__panel panel;
            for (int64_t first = 0; first < in; first += panel.width) {
                panel = pea__conv_panel(first, in, lanes);
                pea__conv_pack_panel(&back, weights, true, panel, packed);
            }
            for (int64_t first = 0; first < out; first += panel.width) {
                panel = pea__conv_panel(first, out, lanes);
                pea__conv_pack_panel(&there, weights, false, panel, plain);
            }
            pea__conv_unpack(&back, packed, lanes, unpacked, out * n_taps);
            for (int64_t w = 0; w < in * out * n_taps; w++) {
                const int64_t o = w / n_taps / in, c = w / n_taps % in, tap = w % n_taps;
                assert_true(unpacked[(c * out + o) * n_taps + n_taps - 1 - tap] == weights[w]);
            }
            pea__conv_unpack(&there, plain, lanes, unpacked, in * n_taps);
            assert_memory_equal(unpacked, weights, (size_t)(in * out * n_taps) * sizeof *weights);
            free(packed);
            free(plain);
            free(unpacked);
        }
        free(weights);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(weight_gradients_agree_with_the_textbook_at_odd_shapes),
    cmocka_unit_test(winograd_weight_gradients_agree_with_the_textbook_at_odd_shapes),
    cmocka_unit_test(weight_gradients_of_every_number_of_channels_are_right),
    cmocka_unit_test(long_rows_are_summed_whole),
    cmocka_unit_test(what_is_no_number_spoils_the_weights_of_its_channel_alone),
    cmocka_unit_test(gradients_of_every_size_are_right),
    cmocka_unit_test(mirrored_weights_are_those_of_the_transpose),
};

PEA_TEST_MAIN(tests)
