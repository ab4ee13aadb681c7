/* schedule.c - how large a step is, and when.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <math.h>

/* Of the steps after the warm-up, in a line from the last change of plan to 1 at the last step. */
static double share_over(const pea__schedule *s, int64_t t)
{
    const int64_t first = s->planned_at > s->warm_up ? s->planned_at : s->warm_up + 1;
    if (t >= s->n_steps || first >= s->n_steps)
        return 1.0;
    return s->planned_share + (1.0 - s->planned_share) * (double)(t - first) / (double)(s->n_steps - first);
}

void pea__schedule_change(pea__schedule *schedule, int64_t t, int64_t n_steps)
{
    if (t > schedule->warm_up) { /* else nothing is over yet */
        schedule->planned_share = share_over(schedule, t);
        schedule->planned_at = t;
    }
    schedule->n_steps = n_steps;
}

double pea__schedule_rate(const pea__schedule *schedule, int64_t t)
{
    const double pi = 3.14159265358979323846;
    const pea__schedule s = *schedule;
    if (t <= s.warm_up)
        return s.base * (double)t / (double)s.warm_up;
    const double over = share_over(&s, t);
    switch (s.decay) {
    case PEA__POLYNOMIAL: return s.end + (s.base - s.end) * pow(1.0 - over, s.power);
    case PEA__COSINE: return s.end + (s.base - s.end) * (1.0 + cos(pi * over)) / 2.0;
    case PEA__CONSTANT: break;
    }
    return s.base;
}
