/* schedule.c - how large a step is, and when.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <math.h>

double pea__schedule_rate(const pea__schedule *schedule, int64_t t)
{
    const double pi = 3.14159265358979323846;
    const pea__schedule s = *schedule;
    if (t <= s.warm_up)
        return s.base * (double)t / (double)s.warm_up;
    const int64_t rest = s.n_steps - s.warm_up;
    const double over = rest <= 1 || t >= s.n_steps ? 1.0 : (double)(t - s.warm_up - 1) / (double)(rest - 1);
    switch (s.decay) {
    case PEA__POLYNOMIAL: return s.end + (s.base - s.end) * pow(1.0 - over, s.power);
    case PEA__COSINE: return s.end + (s.base - s.end) * (1.0 + cos(pi * over)) / 2.0;
    case PEA__CONSTANT: break;
    }
    return s.base;
}
