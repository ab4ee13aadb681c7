/* test_optimiser.c - updates against PyTorch's optimisers (torch 1.13, float64) and the formula of earlier ones; rates.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "threads.h"
#include "train/train.h"

/* Four steps; betas far from 1, so that what they do shows at once. */
static void check(pea__optimiser o, double gradient_factor, const double want[4])
{
    static const float gradients[4][4] = {
        {0.1f, -2.0f, 0.003f, 0.5f}, {0.2f, 1.0f, -0.5f, -0.25f}, {-0.3f, 0.01f, 4.0f, 0.125f}, {0.0f, 0.3f, -1.0f, 2.0f}};
    float p[4] = {0.5f, -1.25f, 2.0f, -0.03f}, first[4] = {0}, second[4] = {0}, largest[4] = {0};
    const pea__moments moments = {first, o.method == PEA__ADAM ? second : NULL, o.amsgrad ? largest : NULL};
    pea_error err;
    o.beta1 = 0.8;
    o.beta2 = 0.5;
    o.weight_decay = 0.001;
    for (int t = 1; t <= 4; t++) {
        float g[4];
        for (int i = 0; i < 4; i++)
            g[i] = (float)((double)gradients[t - 1][i] / gradient_factor);
        assert_ok(pea__optimiser_step(&(pea__run){.to = 1.0}, &o, t, 0.1, gradient_factor, 4, g, &moments, p, &err));
    }
    for (int i = 0; i < 4; i++)
        if (!(fabs((double)p[i] - want[i]) < 1e-6))
            fail_msg("parameter %d is %.9g, expected %.9g", i, (double)p[i], want[i]);
}

static void adam_is_that_of_pytorch(void **state)
{
    pea__optimiser o = pea__optimiser_default();
    (void)state;
    o.epsilon_first = false;
    check(o, 1.0, (const double[4]){0.343692838, -1.11559519, 1.96230772, -0.224039279});
    check(o, 0.25, (const double[4]){0.343692838, -1.11559519, 1.96230772, -0.224039279});
    o.amsgrad = false;
    check(o, 1.0, (const double[4]){0.346799617, -1.10234266, 1.9550809, -0.239753879});
}

static void adam_with_epsilon_first_is_that_of_the_paper(void **state)
{
    (void)state;
    check(pea__optimiser_default(), 1.0, (const double[4]){0.347646153, -1.11582497, 1.96929011, -0.223119259});
}

static void sgd_is_that_of_pytorch(void **state)
{
    pea__optimiser o = pea__optimiser_default();
    (void)state;
    o.method = PEA__SGD;
    o.amsgrad = false;
    check(o, 1.0, (const double[4]){0.467971248, -0.864111537, 1.47268005, -0.35788596});
}

/* Many blocks, and a last one that is not full. */
static void updates_and_lengths_do_not_depend_on_threads(void **state)
{
    enum { N = 3 * (1 << 14) + 77 };
    float *gradients = malloc(N * sizeof(float)), *kept = NULL;
    double factor_of_one = 0.0;
    (void)state;
    for (uint32_t i = 0; i < N; i++)
        gradients[i] = (float)(test_u(7, i) - 0.5);
    for (int threads = 1; threads <= 3; threads += 2) {
        pea_error err;
        double factor;
        const pea__optimiser o = pea__optimiser_default();
        float *room = calloc(4 * N, sizeof(float));
        pea_context *context = test_context(threads, 0);
        pea__run run = {.context = context, .to = 1.0};
        run.work = pea__alloc_unset((size_t)pea__clip_work(N), sizeof(float), NULL);
        assert_ok(pea__clip_factor(&run, N, gradients, 2.0, &factor, &err));
        assert_ok(pea__optimiser_step(&run, &o, 1, 0.1, factor, N, gradients,
                                      &(pea__moments){room, room + N, room + 2 * N}, room + 3 * N, &err));
        assert_true(room[4 * N - 1] != 0.0f);
        if (threads == 1) {
            factor_of_one = factor;
            kept = room;
        } else {
            assert_memory_equal(&factor, &factor_of_one, sizeof factor);
            assert_memory_equal(room, kept, 4 * N * sizeof(float));
            free(room);
        }
        pea__free_unset(run.work);
        pea_context_free(context);
    }
    free(kept);
    free(gradients);
}

static void long_gradients_are_shortened_and_short_ones_left(void **state)
{
    const float gradients[3] = {3.0f, -4.0f, 12.0f}; /* length 13 */
    double work[1], factor;
    pea_error err;
    const pea__run run = {.work = (float *)(void *)work, .to = 1.0};
    (void)state;
    assert_ok(pea__clip_factor(&run, 3, gradients, 2.0, &factor, &err));
    assert_true(fabs(factor - 2.0 / 13.0) < 1e-7);
    assert_ok(pea__clip_factor(&run, 3, gradients, 13.5, &factor, &err));
    assert_true(factor == 1.0);
}

static void rates_follow_their_schedule(void **state)
{
    pea__schedule s = {PEA__CONSTANT, 8.0, 2.0, 2.0, 0, 5, 0, 0.0};
    (void)state;
    for (int64_t t = 1; t < 9; t++)
        assert_true(pea__schedule_rate(&s, t) == 8.0);
    s.decay = PEA__POLYNOMIAL; /* 2 + 6 * (1 - s)^2 at s = 0, 1/4 ... 1 */
    const double polynomial[7] = {8.0, 5.375, 3.5, 2.375, 2.0, 2.0, 2.0};
    for (int64_t t = 1; t <= 7; t++)
        assert_true(fabs(pea__schedule_rate(&s, t) - polynomial[t - 1]) < 1e-12);
    s = (pea__schedule){PEA__COSINE, 8.0, 2.0, 0.0, 4, 9, 0, 0.0};
    const double cosine[10] = {2.0, 4.0, 6.0, 8.0, 8.0, 5.0 + 3.0 * sqrt(0.5), 5.0, 5.0 - 3.0 * sqrt(0.5), 2.0, 2.0};
    for (int64_t t = 1; t <= 10; t++)
        assert_true(fabs(pea__schedule_rate(&s, t) - cosine[t - 1]) < 1e-12);
    pea__schedule_change(&s, 7, 11); /* half of the way is over: the other half takes four steps instead of two */
    assert_true(pea__schedule_rate(&s, 7) == 5.0 && pea__schedule_rate(&s, 11) == 2.0);
    assert_true(fabs(pea__schedule_rate(&s, 9) - cosine[7]) < 1e-12);
    pea__schedule_change(&s, 9, 10);
    assert_true(fabs(pea__schedule_rate(&s, 9) - cosine[7]) < 1e-12 && pea__schedule_rate(&s, 10) == 2.0);
    s = (pea__schedule){PEA__COSINE, 8.0, 2.0, 0.0, 4, 100, 0, 0.0};
    pea__schedule_change(&s, 3, 9); /* nothing is over in the warm-up */
    for (int64_t t = 1; t <= 10; t++)
        assert_true(fabs(pea__schedule_rate(&s, t) - cosine[t - 1]) < 1e-12);
    s.n_steps = s.warm_up; /* nothing but warm-up */
    assert_true(pea__schedule_rate(&s, 4) == 8.0 && pea__schedule_rate(&s, 5) == 2.0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(adam_is_that_of_pytorch),
    cmocka_unit_test(adam_with_epsilon_first_is_that_of_the_paper),
    cmocka_unit_test(sgd_is_that_of_pytorch),
    cmocka_unit_test(updates_and_lengths_do_not_depend_on_threads),
    cmocka_unit_test(long_gradients_are_shortened_and_short_ones_left),
    cmocka_unit_test(rates_follow_their_schedule),
};

PEA_TEST_MAIN(tests)
