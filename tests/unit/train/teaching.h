/* teaching.h - comparing a teacher with what PyTorch learnt: for tests of native/src/train.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_TEACHING_H
#define PEA_TEST_TEACHING_H

#include "test.h"

#include <math.h>

#include "train/train.h"

static inline pea_weights *import(const char *path)
{
    pea_error err;
    pea_weights *weights = NULL;
    assert_ok(pea_weights_import(path, &weights, NULL, &err));
    return weights;
}

static inline double length_of(const float *v, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

static inline double distance_of(const float *a, const float *b, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += pow((double)a[i] - (double)b[i], 2);
    return sqrt(sum);
}

/* Gradients of biases before a norm are truly 0, and what is computed is noise. */
#define NOISE 1e-6

/* Of each tensor of parameters: away by no more than `tolerance` of its length. */
static inline void check_gradients(const pea__trainee *t, const pea_weights *want, double tolerance)
{
    const double noise = NOISE * length_of(t->gradients, t->n_parameters);
    for (int i = 0; i < t->n_tensors; i++) {
        const pea__learnt_tensor *tensor = &t->tensors[i];
        pea_tensor expected;
        if (!tensor->is_parameter)
            continue;
        assert_true(pea_weights_find(want, tensor->name, &expected));
        const double away = distance_of(t->gradients + tensor->first, expected.data, tensor->n);
        if (!(away <= tolerance * length_of(expected.data, tensor->n) + noise))
            fail_msg("gradient of %s: away by %g of %g", tensor->name, away, length_of(expected.data, tensor->n));
    }
}

static inline const float *numbers_of(const pea__trainee *t, const pea__learnt_tensor *tensor)
{
    return (tensor->is_parameter ? t->parameters : t->running) + tensor->first;
}

/* How far numbers are away compared with how far they came; parameters that are moved by noise went nowhere. `gradients`
 * are those of the first step. */
static inline void check_after(const pea__trainee *t, const pea_weights *before, const pea_weights *gradients,
                               const pea_weights *after, double of_parameters, double of_statistics)
{
    const double noise = NOISE * length_of(t->gradients, t->n_parameters);
    for (int i = 0; i < t->n_tensors; i++) {
        const pea__learnt_tensor *tensor = &t->tensors[i];
        pea_tensor want, old, gradient;
        assert_true(pea_weights_find(after, tensor->name, &want) && pea_weights_find(before, tensor->name, &old));
        const double away = distance_of(numbers_of(t, tensor), want.data, tensor->n);
        const double way = distance_of(old.data, want.data, tensor->n);
        const bool by_noise = tensor->is_parameter && pea_weights_find(gradients, tensor->name, &gradient) &&
                              length_of(gradient.data, tensor->n) < noise;
        if (!(away <= (by_noise ? 2e-5 : (tensor->is_parameter ? of_parameters : of_statistics) * way)))
            fail_msg("%s is away by %g, came by %g", tensor->name, away, way);
    }
}

#endif
