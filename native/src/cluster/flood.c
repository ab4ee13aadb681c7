/* flood.c - seeded watershed of a plane: the lowest pixel first, of equal ones that which was reached first.
 *
 * Heights are sorted once; then each different height has a queue of its own and a bit in a tree of bits that says whether
 * it is empty. Pixels are queued when they are reached, so "first reached" is the order of a queue, and the lowest queue
 * that is not empty is found by counting zeros, level by level.
 *
 *     level 2            [..1.]                 a word covers 64 words below
 *     level 1     [0000] [..1.] [0000]
 *     level 0     [....] [.11.] [....]          one bit for each height
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"

#include <string.h>

pea_status pea__flood_new(int64_t n_pixels, pea__flood *flood, pea_error *err)
{
    const size_t n = (size_t)n_pixels;
    int64_t n_words = 0, width = n_pixels;
    *flood = (pea__flood){0};
    do {
        width = pea__ceil_div(width, 64);
        flood->level[flood->n_levels++] = n_words;
        n_words += width;
    } while (width > 1);
    flood->rank = pea__alloc_unset(n, sizeof *flood->rank, err);
    flood->next = flood->rank ? pea__alloc_unset(n, sizeof *flood->next, err) : NULL;
    flood->head = flood->next ? pea__alloc_unset(n, sizeof *flood->head, err) : NULL;
    flood->tail = flood->head ? pea__alloc_unset(n, sizeof *flood->tail, err) : NULL;
    flood->pairs = flood->tail ? pea__alloc_unset(n, sizeof *flood->pairs, err) : NULL;
    flood->scratch = flood->pairs ? pea__alloc_unset(n, sizeof *flood->scratch, err) : NULL;
    flood->bits = flood->scratch ? pea__alloc_unset((size_t)n_words, sizeof *flood->bits, err) : NULL;
    if (flood->bits) {
        memset(flood->bits, 0, (size_t)n_words * sizeof *flood->bits);
        return PEA_OK;
    }
    pea__flood_free(flood);
    return PEA_E_NOMEM;
}

void pea__flood_free(pea__flood *flood)
{
    pea__free_unset(flood->bits);
    pea__free_unset(flood->scratch);
    pea__free_unset(flood->pairs);
    pea__free_unset(flood->tail);
    pea__free_unset(flood->head);
    pea__free_unset(flood->next);
    pea__free_unset(flood->rank);
    *flood = (pea__flood){0};
}

/* ---- heights become ranks ---- */

static uint32_t ascending_bits(float height)
{
    uint32_t bits;
    height += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &height, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* One of three passes over 11 bits of the keys, which are the upper halves. */
static void sort_pass(const uint64_t *from, uint64_t *to, int64_t n, int shift)
{
    uint32_t places[2048] = {0}, next = 0;
    for (int64_t i = 0; i < n; i++)
        places[from[i] >> shift & 2047]++;
    for (int digit = 0; digit < 2048; digit++) {
        const uint32_t count = places[digit];
        places[digit] = next;
        next += count;
    }
    for (int64_t i = 0; i < n; i++)
        to[places[from[i] >> shift & 2047]++] = from[i];
}

void pea__flood_prepare(pea__plane *plane, pea__flood *flood, const float *height)
{
    const int64_t n = pea__plane_pixels(plane);
    for (int64_t p = 0; p < n; p++)
        flood->pairs[p] = (uint64_t)ascending_bits(height[p]) << 32 | (uint64_t)p;
    for (int shift = 32; shift < 64; shift += 11) {
        if (!pea__plane_goes_on(plane, 0.0))
            return;
        sort_pass(flood->pairs, flood->scratch, n, shift);
        uint64_t *const swap = flood->pairs;
        flood->pairs = flood->scratch;
        flood->scratch = swap;
    }
    uint32_t rank = 0;
    for (int64_t i = 0; i < n; i++) {
        rank += i > 0 && flood->pairs[i] >> 32 != flood->pairs[i - 1] >> 32;
        flood->rank[(uint32_t)flood->pairs[i]] = rank;
    }
    flood->n_ranks = rank + 1;
}

/* ---- the queues ---- */

static int lowest_bit(uint64_t word)
{
#if defined(__GNUC__)
    return __builtin_ctzll(word);
#else
    int at = 0;
    while (!(word >> at & 1))
        at++;
    return at;
#endif
}

static void mark(pea__flood *flood, uint32_t rank)
{
    int64_t at = rank;
    for (int level = 0; level < flood->n_levels; level++, at >>= 6) {
        uint64_t *word = flood->bits + flood->level[level] + (at >> 6);
        const uint64_t before = *word;
        *word |= UINT64_C(1) << (at & 63);
        if (before)
            return;
    }
}

static void unmark(pea__flood *flood, uint32_t rank)
{
    int64_t at = rank;
    for (int level = 0; level < flood->n_levels; level++, at >>= 6) {
        uint64_t *word = flood->bits + flood->level[level] + (at >> 6);
        *word &= ~(UINT64_C(1) << (at & 63));
        if (*word)
            return;
    }
}

static bool lowest(const pea__flood *flood, uint32_t *rank)
{
    int64_t at = 0;
    if (!flood->bits[flood->level[flood->n_levels - 1]])
        return false;
    for (int level = flood->n_levels - 1; level >= 0; level--)
        at = at << 6 | lowest_bit(flood->bits[flood->level[level] + at]);
    *rank = (uint32_t)at;
    return true;
}

static void push(pea__flood *flood, int32_t pixel)
{
    const uint32_t rank = flood->rank[pixel];
    flood->next[pixel] = -1;
    if (flood->head[rank] < 0) {
        flood->head[rank] = pixel;
        mark(flood, rank);
    } else {
        flood->next[flood->tail[rank]] = pixel;
    }
    flood->tail[rank] = pixel;
}

static void reach(pea__flood *flood, uint32_t *labels, int32_t pixel, uint32_t label)
{
    if (labels[pixel])
        return;
    labels[pixel] = label;
    push(flood, pixel);
}

void pea__flood_run(pea__plane *plane, pea__flood *flood, uint32_t *labels)
{
    const int32_t n_x = plane->n_x, n = (int32_t)pea__plane_pixels(plane);
    uint32_t rank;
    int32_t n_taken = 0;
    if (plane->status != PEA_OK)
        return;
    for (uint32_t i = 0; i < flood->n_ranks; i++)
        flood->head[i] = -1;
    for (int32_t p = 0; p < n; p++)
        if (labels[p])
            push(flood, p);
    while (lowest(flood, &rank)) {
        const int32_t p = flood->head[rank], x = p % n_x;
        flood->head[rank] = flood->next[p];
        if (flood->head[rank] < 0)
            unmark(flood, rank);
        if (p >= n_x)
            reach(flood, labels, p - n_x, labels[p]);
        if (x > 0)
            reach(flood, labels, p - 1, labels[p]);
        if (x < n_x - 1)
            reach(flood, labels, p + 1, labels[p]);
        if (p < n - n_x)
            reach(flood, labels, p + n_x, labels[p]);
        if (++n_taken % 65536 == 0 && !pea__plane_goes_on(plane, (double)n_taken / n))
            return; /* nobody uses this flood again */
    }
}
