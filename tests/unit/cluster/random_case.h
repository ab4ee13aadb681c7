/* random_case.h - small volumes of every kind to cluster.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_RANDOM_CASE_H
#define PEA_RANDOM_CASE_H

#include "test.h"

#include <math.h>

#include "cluster/cluster.h"

enum { RANDOM_CASE_VOXELS = 180 }; /* of the largest */

typedef struct random_case {
    pea_dims d;
    pea_offsets offsets;
    int stride[3];
    double cut;
    float *affinity;
    void *given;     /* the same affinities in another type; NULL: those */
    pea_dtype dtype; /* of what is given */
    uint8_t *mask;   /* NULL: none */
} random_case;

static inline int between(uint64_t *random, int low, int high)
{
    return low + (int)(test_random(random) % (uint32_t)(high - low + 1));
}

static inline float random_weight(uint64_t *random, int kind)
{
    const float u = (float)test_random(random) / 2147483648.0f;
    switch (kind) {
    case 0: return u;
    case 1: return (float)between(random, 0, 4) / 4.0f;
    case 2: return between(random, 0, 2) ? 0.0f : u; /* as after a ReLU */
    case 3: return 0.5f;
    default: return between(random, 0, 3) ? 4.0f * u - 2.0f : -0.0f;
    }
}

static inline float value_of_half(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float size = exponent == 31   ? INFINITY
                       : exponent == 0 ? ldexpf((float)fraction, -24)
                                       : ldexpf((float)(1024 + fraction), exponent - 25);
    return half & 0x8000 ? -size : size;
}

/* Affinities that fit in fewer bits. */
static inline void make_small(uint64_t *random, random_case *c, int64_t n)
{
    uint8_t *bytes = c->given = malloc((size_t)n * 2);
    uint16_t *halves = c->given;
    for (int64_t i = 0; i < n; i++)
        if (c->dtype == PEA_UINT8) {
            bytes[i] = (uint8_t)between(random, 0, 255);
            c->affinity[i] = (float)bytes[i] / 255.0f;
        } else { /* all that are not NaN, or those below 1 */
            halves[i] = (uint16_t)(between(random, 0, 7) ? between(random, 0, 0x3c00)
                                                         : between(random, 0, 1) << 15 | between(random, 0, 0x7c00));
            c->affinity[i] = value_of_half(halves[i]);
        }
}

/* Mostly little ones: the textbook is slow, and what goes wrong goes wrong in little. */
static inline random_case make_case(uint64_t *random)
{
    const bool little = between(random, 0, 7) > 0;
    const int side = little ? 5 : 12;
    static const double cuts[] = {0.5, 0.5, 0.4, 0.75, PEA_CUT_MIN, PEA_CUT_MAX};
    random_case c = {.d = {1, between(random, 1, side), between(random, 1, side), 1}, .stride = {1, 1, 1}};
    c.cut = cuts[between(random, 0, 5)];
    c.offsets.n_axes = between(random, 2, 3);
    if (c.offsets.n_axes == 3)
        c.d = (pea_dims){between(random, 1, 5), between(random, 1, side / 2), between(random, 1, side / 2), 1};
    c.offsets.n = (size_t)between(random, c.offsets.n_axes, little ? 8 : 14);
    for (size_t k = 0; k < c.offsets.n;) {
        const int reach = between(random, 1, 4) == 1 ? 20 : 2;
        const pea_offset o = {c.offsets.n_axes == 3 ? between(random, -2, 2) : 0, between(random, -reach, reach),
                              between(random, -reach, reach)};
        if (o.z != 0 || o.y != 0 || o.x != 0)
            c.offsets.step[k++] = o;
    }
    if (between(random, 0, 1)) /* the usual attractive ones */
        for (int axis = 0; axis < c.offsets.n_axes; axis++)
            c.offsets.step[axis] = (pea_offset){-(c.offsets.n_axes == 3 && axis == 0), -(axis == c.offsets.n_axes - 2),
                                                -(axis == c.offsets.n_axes - 1)};
    for (int axis = 0; axis < 3; axis++)
        c.stride[axis] = between(random, 1, 3);
    const int64_t n = c.d.z * c.d.y * c.d.x;
    const int kind = between(random, 0, 6);
    c.affinity = malloc((size_t)n * c.offsets.n * sizeof *c.affinity);
    for (int64_t i = 0; i < n * (int64_t)c.offsets.n; i++)
        c.affinity[i] = random_weight(random, kind);
    c.dtype = kind == 5 ? PEA_UINT8 : kind == 6 ? PEA_FLOAT16 : PEA_FLOAT32;
    if (kind >= 5)
        make_small(random, &c, n * (int64_t)c.offsets.n);
    if (between(random, 0, 1)) {
        const int share = between(random, 0, 10);
        c.mask = malloc((size_t)n);
        for (int64_t p = 0; p < n; p++)
            c.mask[p] = between(random, 0, 9) < share ? 255 : 0;
    }
    return c;
}

static inline void free_case(random_case *c)
{
    free(c->affinity);
    free(c->given);
    free(c->mask);
}

/* What the plain algorithm needs to know. */
static inline pea__graph graph_of(const random_case *c)
{
    pea__graph graph = {.dims = c->d, .n_voxels = c->d.z * c->d.y * c->d.x, .offsets = &c->offsets};
    graph.affinity = (pea__slab_affinity){c->affinity, NULL, PEA_FLOAT32};
    pea__weight_factors(c->cut, graph.factor);
    graph.mask = c->mask;
    for (int axis = 0; axis < 3; axis++)
        graph.stride[axis] = c->stride[axis];
    for (size_t k = 0; k < c->offsets.n; k++)
        graph.flat_step[k] = (c->offsets.step[k].z * c->d.y + c->offsets.step[k].y) * c->d.x + c->offsets.step[k].x;
    return graph;
}

#endif
