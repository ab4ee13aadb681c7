/* optimiser.c - what a gradient does to a parameter.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <math.h>

enum { BLOCK = 1 << 14 }; /* parameters of a task: five arrays of a block fit in a core's second cache */

typedef struct updating {
    const pea__optimiser *optimiser;
    int64_t n;
    const float *gradients;
    const pea__moments *moments;
    float *parameters;
    float gradient_factor, rate, root_factor, epsilon; /* p -= rate * m / (sqrt(V) * root_factor + epsilon) */
} updating;

pea__optimiser pea__optimiser_default(void)
{
    return (pea__optimiser){.method = PEA__ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 0.01, .momentum = 0.9,
                            .weight_decay = 1e-6, .amsgrad = true, .epsilon_first = true};
}

static void adam(const updating *u, int64_t from, int64_t to)
{
    const pea__optimiser *o = u->optimiser;
    const float beta1 = (float)o->beta1, beta2 = (float)o->beta2, decay = (float)o->weight_decay;
    const float rest1 = (float)(1.0 - o->beta1), rest2 = (float)(1.0 - o->beta2);
    float *m = u->moments->first, *v = u->moments->second, *largest = u->moments->largest, *p = u->parameters;
    for (int64_t i = from; i < to; i++) {
        const float g = u->gradients[i] * u->gradient_factor + decay * p[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * (g * g);
        float size = v[i];
        if (o->amsgrad)
            size = largest[i] = largest[i] > v[i] ? largest[i] : v[i];
        p[i] -= u->rate * m[i] / (sqrtf(size) * u->root_factor + u->epsilon);
    }
}

static void sgd(const updating *u, int64_t from, int64_t to)
{
    const float momentum = (float)u->optimiser->momentum, decay = (float)u->optimiser->weight_decay;
    float *m = u->moments->first, *p = u->parameters;
    for (int64_t i = from; i < to; i++) {
        m[i] = momentum * m[i] + (u->gradients[i] * u->gradient_factor + decay * p[i]);
        p[i] -= u->rate * m[i];
    }
}

static void update_block(void *argument, int64_t index, int worker)
{
    const updating *u = argument;
    const int64_t from = index * BLOCK, to = pea__min_i64(from + BLOCK, u->n);
    (void)worker;
    if (u->optimiser->method == PEA__ADAM)
        adam(u, from, to);
    else
        sgd(u, from, to);
}

pea_status pea__optimiser_step(const pea__run *run, const pea__optimiser *optimiser, int64_t t, double rate,
                               double gradient_factor, int64_t n, const float *gradients, const pea__moments *moments,
                               float *parameters, pea_error *err)
{
    updating u = {optimiser, n, gradients, moments, parameters, (float)gradient_factor, (float)rate, 1.0f, 0.0f};
    if (optimiser->method == PEA__ADAM) {
        const double rest1 = 1.0 - pow(optimiser->beta1, (double)t);
        const double root2 = sqrt(1.0 - pow(optimiser->beta2, (double)t));
        u.rate = (float)(optimiser->epsilon_first ? rate * root2 / rest1 : rate / rest1);
        u.root_factor = (float)(optimiser->epsilon_first ? 1.0 : 1.0 / root2);
        u.epsilon = (float)optimiser->epsilon;
    }
    return pea__run_tasks(run, pea__ceil_div(n, BLOCK), run->from, run->to, update_block, &u, err);
}

/* ---- averages ---- */

typedef struct averaging {
    int64_t n;
    const float *values;
    float *average, rest; /* 1 - decay */
} averaging;

static void average_block(void *argument, int64_t index, int worker)
{
    const averaging *a = argument;
    (void)worker;
    for (int64_t i = index * BLOCK; i < pea__min_i64((index + 1) * BLOCK, a->n); i++)
        a->average[i] += a->rest * (a->values[i] - a->average[i]);
}

pea_status pea__average_step(const pea__run *run, double decay, int64_t n, const float *values, float *average,
                             pea_error *err)
{
    averaging a = {n, values, average, (float)(1.0 - decay)};
    return pea__run_tasks(run, pea__ceil_div(n, BLOCK), run->from, run->to, average_block, &a, err);
}

/* ---- clipping ---- */

typedef struct measuring {
    int64_t n;
    const float *gradients;
    double *squares; /* of each block */
} measuring;

static void measure_block(void *argument, int64_t index, int worker)
{
    const measuring *m = argument;
    double sum = 0.0;
    (void)worker;
    for (int64_t i = index * BLOCK; i < pea__min_i64((index + 1) * BLOCK, m->n); i++)
        sum += (double)m->gradients[i] * (double)m->gradients[i];
    m->squares[index] = sum;
}

int64_t pea__clip_work(int64_t n)
{
    return 2 * pea__ceil_div(n, BLOCK);
}

pea_status pea__clip_factor(const pea__run *run, int64_t n, const float *gradients, double longest, double *factor,
                            pea_error *err)
{
    const int64_t n_blocks = pea__ceil_div(n, BLOCK);
    measuring m = {n, gradients, (double *)(void *)run->work};
    const pea_status status = pea__run_tasks(run, n_blocks, run->from, run->to, measure_block, &m, err);
    double sum = 0.0;
    for (int64_t i = 0; status == PEA_OK && i < n_blocks; i++)
        sum += m.squares[i];
    const double wanted = longest / (sqrt(sum) + 1e-6);
    *factor = wanted < 1.0 ? wanted : 1.0;
    return status;
}
