/* test_volume.c - three steps of a small 3-D network as PyTorch made them in double precision (testdata/train/ORIGIN.md).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "teaching.h"
#include "threads.h"

#define FOLDER PEA_TESTDATA "/train/volume-three-steps/"

static const pea__batch batch = {2, 6, 32, 32};
static const pea__view flips[2] = {{.reverse_z = true, .reverse_x = true}, {.reverse_y = true, .exchange = true}};
enum { VOXELS = 2 * 6 * 32 * 32 };

static const double expected[3][6] = { /* 1/1, 1/2 ... 1/16, cross: losses.json */
    {7.168105785304793, 1.7756638573443504, 1.8173311494334385, 1.0659677847510447, 0.8134338369981495,
     8.241580243658188},
    {6.978940156328229, 1.7254354197091657, 1.5182586585317963, 0.9684982560806585, 0.8110761076838576,
     8.012301577827472},
    {6.544012434149306, 1.6365183741926848, 1.3916350820293066, 0.889975712191116, 0.5547879973773437,
     7.669872236431013}};

/* As make.py makes them. */
static void fill_labels(uint32_t labels[VOXELS])
{
    for (uint32_t p = 0; p < VOXELS; p++) {
        const uint32_t x = p % 32, y = p / 32 % 32, z = p / 1024 % 6, i = p / 6144;
        labels[p] = y % 11 == 0 || x % 9 == 0 ? 0 : 1 + 20 * i + 3 * (y / 11) + x / 9 + 7 * (z / 3);
    }
}

static void fill_view(uint32_t t, float view[VOXELS])
{
    for (uint32_t p = 0; p < VOXELS; p++)
        view[p] = (float)test_u(t, p);
}

typedef struct example {
    uint32_t labels[VOXELS];
    float view[VOXELS], second[VOXELS];
} example;

static pea__sample example_of(int step, example *e)
{
    fill_labels(e->labels);
    fill_view((uint32_t)(900 + 2 * step), e->view);
    fill_view((uint32_t)(901 + 2 * step), e->second);
    return (pea__sample){e->view, e->second, flips, e->labels};
}

static pea__curriculum curriculum(void)
{
    pea__curriculum c = pea__curriculum_volume();
    c.optimiser.epsilon_first = false;
    return c;
}

static pea__teacher *new_teacher(const pea_weights *weights, const pea__kernels_table *kernels, pea_context *context)
{
    pea_error err;
    pea__teacher *teacher = NULL;
    const pea__curriculum c = curriculum();
    assert_ok(pea__teacher_new(weights, batch, &c, kernels, context, &teacher, &err));
    return teacher;
}

static void check_losses(const pea__losses *l, int step)
{
    const double got[6] = {l->self[0], l->self[1], l->self[2], l->self[3], l->self[4], l->cross};
    for (int i = 0; i < 6; i++)
        if (!(fabs(got[i] / expected[step][i] - 1.0) < 1e-5))
            fail_msg("loss %d of step %d is %.9g, expected %.9g", i, step, got[i], expected[step][i]);
}

/* The first step with every kernel set, all three with the best. */
static void three_steps_are_those_of_pytorch(void **state)
{
    static example e;
    pea_weights *before = import(PEA_TESTDATA "/golden/superhuman3d-small/model.ckpt");
    pea_weights *gradients = import(FOLDER "gradients.ckpt"), *after = import(FOLDER "after.ckpt");
    (void)state;
    for (size_t set = 0; pea__kernels_available(set); set++) {
        pea__teacher *teacher = new_teacher(before, pea__kernels_available(set), NULL);
        const bool is_best = pea__kernels_available(set) == pea__kernels();
        for (int step = 0; step < (is_best ? 3 : 1); step++) {
            pea_error err;
            pea__losses losses;
            const pea__sample sample = example_of(step, &e);
            assert_ok(pea__teacher_gradients(teacher, &sample, &losses, &err));
            check_losses(&losses, step);
            if (step == 0)
                check_gradients(pea__teacher_trainee(teacher), gradients, 1e-4);
            assert_ok(pea__teacher_update(teacher, 1e-3, &err));
        }
        if (is_best)
            check_after(pea__teacher_trainee(teacher), before, gradients, after, 1e-3, 1e-3);
        pea__teacher_free(teacher);
    }
    pea_weights_free(before);
    pea_weights_free(gradients);
    pea_weights_free(after);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(three_steps_are_those_of_pytorch),
};

PEA_TEST_MAIN(tests)
