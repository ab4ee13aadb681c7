/* test_wide_loops.c - loops over planes that are compiled for wide registers too: which of both runs, and that nobody
 * can tell from the result. The files are compiled here once more, with a choice of kernels that the tests make.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"
#include "test.h"

static const pea__kernels_table *kernels_here(void);

#define pea__kernels kernels_here
#define pea__plane_distance distance_here
#define pea__plane_smooth smooth_here
#define pea__gaussian_of gaussian_here
pea__gaussian gaussian_here(double sigma);
void distance_here(pea__plane *plane, const uint8_t *outside, int32_t *squared, int32_t *scratch);
void smooth_here(pea__plane *plane, const pea__gaussian *gaussian, float *values, double *scratch, double *row);
#include "../../../native/src/cluster/distance.c"
#include "../../../native/src/cluster/gaussian.c"

/* A loop that tells in which of both it was compiled: by the name of the function that its arguments are written in. */
PEA__INLINE void tell_loop(const char **ran, const char *function)
{
    *ran = function;
}

PEA__WIDE(tell, (const char **ran, const char *caller), (ran, ((void)caller, __func__)))
#undef pea__kernels

static pea__kernels_table table_here;
static int n_asked;

static const pea__kernels_table *kernels_here(void)
{
    n_asked++;
    return &table_here;
}

/* The loops chose by the table, and not by the processor. */
static void assert_asked(void)
{
#ifdef PEA__X86_SETS
    assert_true(n_asked > 0);
#else
    (void)kernels_here; /* there is one compilation alone */
#endif
    n_asked = 0;
}

enum { N_Y = 37, N_X = 221, N = N_Y * N_X };

typedef struct result {
    int32_t squared[N];
    float smooth[N];
} result;

static void run_with(const pea__kernels_table *kernels, result *made)
{
    static uint8_t outside[N];
    static int32_t parabolas[3 * N_X];
    static double scratch[N], row[N_X + 2 * MOST_RADIUS];
    const pea__gaussian gaussian = gaussian_here(2.0);
    pea__plane plane = {.n_y = N_Y, .n_x = N_X};
    uint64_t random = 5;
    for (int32_t p = 0; p < N; p++) { /* of every second row distances are far, of the others near */
        outside[p] = test_random(&random) % (p / N_X % 2 ? 20 : 4000) == 0;
        made->smooth[p] = (float)test_random(&random) / 2147483648.0f;
    }
    table_here = *kernels;
    distance_here(&plane, outside, made->squared, parabolas);
    assert_asked();
    smooth_here(&plane, &gaussian, made->smooth, scratch, row);
    assert_asked();
}

static bool runs_wide(const pea__kernels_table *kernels)
{
    const char *ran = NULL;
    table_here = *kernels;
    tell(&ran, NULL);
    n_asked = 0;
    return strcmp(ran, "tell_avx2") == 0;
}

static bool is_portable(const pea__kernels_table *kernels)
{
    return strcmp(kernels->name, pea__kernels_scalar.name) == 0;
}

static void loops_run_wide_where_kernels_do(void **state)
{
    (void)state;
    assert_false(runs_wide(&pea__kernels_scalar));
#ifdef PEA__X86_SETS
    if (is_portable(pea__kernels_available(0)))
        skip(); /* there is no other set on this processor */
    for (size_t i = 0; pea__kernels_available(i); i++)
        assert_true(runs_wide(pea__kernels_available(i)) == !is_portable(pea__kernels_available(i)));
#else
    skip(); /* there is one compilation alone */
#endif
}

static void both_have_the_same_bits(void **state)
{
    static result portable, wide;
    (void)state;
    if (is_portable(pea__kernels_available(0)))
        skip(); /* nothing to compare with */
    run_with(&pea__kernels_scalar, &portable);
    for (size_t i = 0; pea__kernels_available(i); i++) {
        run_with(pea__kernels_available(i), &wide);
        assert_memory_equal(&wide, &portable, sizeof wide);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(loops_run_wide_where_kernels_do),
    cmocka_unit_test(both_have_the_same_bits),
};

PEA_TEST_MAIN(tests)
