/* teacher.h - what a teacher has, for teacher.c and step.c alone.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEACHER_INTERNAL_H
#define PEA_TEACHER_INTERNAL_H

#include "train/train.h"

struct pea__teacher {
    pea__curriculum curriculum;
    pea__trainee *trainee;
    pea__moments moments;
    float *average;                        /* parameters, then running statistics; NULL: none */
    int64_t n_steps;
    int heads[PEA__LEVELS];                /* embeddings; -1: not taught, as below */
    int foreground_head, affinity_head;
    float *second;                         /* embedding of the second view, turned back */
    float *second_moments;
    uint32_t *coarse;                      /* labels of one level */
    pea__balance *balance;
};

/* Extents at a level. */
static inline pea__batch pea__teacher_batch(const pea__teacher *t, int level)
{
    const pea__batch b = t->trainee->batch;
    return (pea__batch){b.n, b.z, b.y >> level, b.x >> level};
}

static inline int64_t pea__teacher_channels(const pea__teacher *t, int head)
{
    return t->trainee->heads[head].channels;
}

/* The edges of a level, whose ground truth of few offsets in volumes is another. */
static inline pea__truth_edges pea__teacher_edges(const pea__teacher *t, int level)
{
    const pea_offsets *offsets = &t->curriculum.offsets[level];
    const pea_truth_rule rule = t->curriculum.n_axes == 2 ? PEA_TRUTH_2D
                                : offsets->n > 3          ? PEA_TRUTH_3D
                                                          : PEA_TRUTH_3D_REPLICATE;
    return (pea__truth_edges){pea__teacher_batch(t, level), offsets, rule, t->coarse, t->balance};
}

#endif
