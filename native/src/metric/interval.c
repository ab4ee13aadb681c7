/* interval.c - how sure a mean is: by drawing the values anew, many times (Efron's bootstrap).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

#include <stdlib.h>

/* Of 10 000 draws the ends have two good digits; of very many values each, where fewer are as good, a thousand. */
enum { MOST_DRAWS = 10000, LEAST_DRAWS = 1000, MOST_VALUES = 10000000 };

/* splitmix64, from one seed: the same interval every time, everywhere. */
static size_t draw(uint64_t *state, size_t n)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (size_t)(((z ^ z >> 31) >> 32) * n >> 32);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

pea_status pea_mean_interval(const double *values, size_t n, double *low, double *high, pea_error *err)
{
    if (!values || !low || !high || n < 1 || n > UINT32_MAX)
        return pea__fail(err, PEA_E_ARG, "the interval of a mean needs at least 1 value, has %zu", n);
    const size_t fitting = MOST_VALUES / n;
    const size_t n_draws = fitting < LEAST_DRAWS ? LEAST_DRAWS : fitting > MOST_DRAWS ? MOST_DRAWS : fitting;
    const size_t outside = n_draws / 40; /* 2.5 of 100 at each end */
    uint64_t state = 1;
    double *means = pea__alloc(n_draws, sizeof *means, err);
    if (!means)
        return PEA_E_NOMEM;
    for (size_t i = 0; i < n_draws; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < n; k++)
            sum += values[draw(&state, n)];
        means[i] = sum / (double)n;
    }
    qsort(means, n_draws, sizeof *means, by_size);
    *low = means[outside];
    *high = means[n_draws - 1 - outside];
    pea__free(means);
    return PEA_OK;
}
