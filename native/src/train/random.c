/* random.c - random numbers by counting: number k of a sequence is a function of what it is for, and of nothing that
 * was drawn before. So a step resumed, or done by another thread, draws what it would have drawn.
 *
 * Philox 4x32 with 10 rounds: Salmon et al., Parallel random numbers: as easy as 1, 2, 3; SC 2011.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/data.h"

/* Two products of 32 bits each round; their halves change places. */
static void rounds(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1], c[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (int i = 0; i < 10; i++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        c[0] = (uint32_t)(b >> 32) ^ c[1] ^ k0;
        c[2] = (uint32_t)(a >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)b;
        c[3] = (uint32_t)a;
        k0 += 0x9E3779B9u; /* golden ratio */
        k1 += 0xBB67AE85u; /* square root of 3, minus 1 */
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

pea__random pea__random_of(uint64_t seed, uint64_t step, uint32_t image, pea__purpose purpose)
{
    return (pea__random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, image, (uint32_t)step, (uint32_t)(step >> 32) << 8 | (uint32_t)purpose},
    };
}

uint32_t pea__random_bits(pea__random *random)
{
    if (random->n_left == 0) {
        rounds(random->key, random->counter, random->block);
        random->counter[0]++;
        random->n_left = 4;
    }
    return random->block[4 - random->n_left--];
}

double pea__random_unit(pea__random *random)
{
    const uint64_t high = pea__random_bits(random) >> 5, low = pea__random_bits(random) >> 6;
    return (double)(high << 26 | low) / 9007199254740992.0; /* 27 + 26 bits over 2^53 */
}

double pea__random_between(pea__random *random, double low, double high)
{
    return low + (high - low) * pea__random_unit(random);
}

int64_t pea__random_integer(pea__random *random, int64_t low, int64_t high)
{
    const double u = pea__random_unit(random);
    return high < low ? low : pea__min_i64(high, low + (int64_t)(u * (double)(high - low + 1)));
}

bool pea__random_happens(pea__random *random, double probability)
{
    return pea__random_unit(random) < probability;
}
