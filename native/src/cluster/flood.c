/* flood.c - seeded watershed of a plane: the lowest pixel first, of equal ones that which was reached first.
 *
 * Heights are sorted once, so each pixel knows how many are lower: there the places of all pixels of its height begin.
 * Who is reached takes the next of them, and a bit says that somebody waits there. So the lowest bit is the pixel that
 * the rule wants, and is found by counting zeros, level by level, beginning where the last one was. A pixel is reached
 * once: there are enough places. Most heights belong to one pixel alone, whose place is known from the sorting: then a
 * bit is all that is written. Who is reached from above is lower than all that wait, and is next without a bit.
 *
 *     level 2            [..1.]                 a word covers 64 words below
 *     level 1     [0000] [..1.] [0000]
 *     level 0     [....] [.11.] [....]          one bit for each place
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/plane.h"

#include <string.h>

enum {
    TOLD_PIXELS = 65536, /* after so many somebody is told, and may stop the work */
    N_PASSES = 3,
    DIGIT_BITS = 11,
    N_DIGITS = 1 << DIGIT_BITS,
    OUTSIDE = 1 /* a label, so that nobody grows there */
};

#define NOBODY UINT32_MAX

/* Cells have a frame of one pixel that nobody reaches: so every pixel has four neighbours. */
static int64_t framed(int64_t n)
{
    return n + 2;
}

pea_status pea__flood_new(int64_t n_y, int64_t n_x, pea__flood *flood, pea_error *err)
{
    const size_t n = (size_t)(n_y * n_x), n_cells = (size_t)(framed(n_y) * framed(n_x));
    int64_t n_words = 0, width = n_y * n_x;
    *flood = (pea__flood){0};
    do {
        width = pea__ceil_div(width, 64);
        flood->level[flood->n_levels++] = n_words;
        n_words += width;
    } while (width > 1);
    flood->labels = pea__alloc_unset(n_cells, sizeof *flood->labels, err);
    flood->ranks = flood->labels ? pea__alloc_unset(n_cells, sizeof *flood->ranks, err) : NULL;
    flood->places = flood->ranks ? pea__alloc_unset(n, sizeof *flood->places, err) : NULL;
    flood->n_queued = flood->places ? pea__alloc_unset(n, sizeof *flood->n_queued, err) : NULL;
    flood->pairs = flood->n_queued ? pea__alloc_unset(n, sizeof *flood->pairs, err) : NULL;
    flood->scratch = flood->pairs ? pea__alloc_unset(n, sizeof *flood->scratch, err) : NULL;
    flood->counts = flood->scratch ? pea__alloc_unset(N_PASSES, sizeof *flood->counts, err) : NULL;
    flood->bits = flood->counts ? pea__alloc_unset((size_t)n_words, sizeof *flood->bits, err) : NULL;
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
    pea__free_unset(flood->counts);
    pea__free_unset(flood->scratch);
    pea__free_unset(flood->pairs);
    pea__free_unset(flood->n_queued);
    pea__free_unset(flood->places);
    pea__free_unset(flood->ranks);
    pea__free_unset(flood->labels);
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

static uint32_t digit_of(uint32_t key, int pass)
{
    return key >> pass * DIGIT_BITS & (N_DIGITS - 1);
}

static void count_digits(pea__plane *plane, pea__flood *flood, const float *height)
{
    const int64_t n_x = plane->n_x;
    uint32_t(*counts)[N_DIGITS] = flood->counts;
    memset(counts, 0, N_PASSES * sizeof *counts);
    for (int64_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++) {
        memset(flood->labels + (y + 1) * framed(n_x) + 1, 0, (size_t)n_x * sizeof *flood->labels); /* its pages appear */
        for (int64_t x = 0; x < n_x; x++) { /* now, not between two questions */
            const uint32_t key = ascending_bits(height[y * n_x + x]);
            for (int pass = 0; pass < N_PASSES; pass++)
                counts[pass][digit_of(key, pass)]++;
        }
    }
    for (int pass = 0; pass < N_PASSES; pass++) {
        uint32_t next = 0;
        for (int digit = 0; digit < N_DIGITS; digit++) {
            const uint32_t count = counts[pass][digit];
            counts[pass][digit] = next;
            next += count;
        }
    }
}

/* The first pass makes the pairs: the key, and below it the cell. */
static void sort_heights(pea__plane *plane, const float *height, uint64_t *to, uint32_t *places)
{
    const int64_t n_x = plane->n_x;
    for (int64_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++) {
        const uint64_t first = (uint64_t)((y + 1) * framed(n_x) + 1);
        for (int64_t x = 0; x < n_x; x++) {
            const uint32_t key = ascending_bits(height[y * n_x + x]);
            to[places[digit_of(key, 0)]++] = (uint64_t)key << 32 | (first + (uint64_t)x);
        }
    }
}

static void sort_pairs(pea__plane *plane, const uint64_t *from, uint64_t *to, int pass, uint32_t *places)
{
    const int64_t n = pea__plane_pixels(plane);
    for (int64_t begin = 0; begin < n && pea__plane_goes_on(plane, 0.0); begin += TOLD_PIXELS) {
        const int64_t end = pea__min_i64(n, begin + TOLD_PIXELS);
        for (int64_t i = begin; i < end; i++)
            to[places[digit_of((uint32_t)(from[i] >> 32), pass)]++] = from[i];
    }
}

/* Pairs of height and cell, by rising height; of equal heights in raster order. */
static void sort_pixels(pea__plane *plane, pea__flood *flood, const float *height)
{
    count_digits(plane, flood, height);
    sort_heights(plane, height, flood->pairs, flood->counts[0]);
    sort_pairs(plane, flood->pairs, flood->scratch, 1, flood->counts[1]);
    sort_pairs(plane, flood->scratch, flood->pairs, 2, flood->counts[2]);
}

static void close_frame(const pea__plane *plane, pea__flood *flood)
{
    const int64_t pitch = framed(plane->n_x), n_y = plane->n_y;
    for (int64_t x = 0; x < pitch; x++)
        flood->labels[x] = flood->labels[(n_y + 1) * pitch + x] = OUTSIDE;
    for (int64_t y = 0; y < n_y; y++)
        flood->labels[(y + 1) * pitch] = flood->labels[(y + 2) * pitch - 1] = OUTSIDE;
}

void pea__flood_prepare(pea__plane *plane, pea__flood *flood, const float *height)
{
    const int64_t n = pea__plane_pixels(plane);
    uint32_t rank = 0;
    sort_pixels(plane, flood, height);
    close_frame(plane, flood);
    const uint64_t *pairs = flood->pairs;
    for (int64_t i = 0; i < n; i++) {
        if (i % TOLD_PIXELS == 0 && !pea__plane_goes_on(plane, 0.0))
            return;
        const bool as_before = i > 0 && pairs[i] >> 32 == pairs[i - 1] >> 32;
        const bool as_after = i + 1 < n && pairs[i] >> 32 == pairs[i + 1] >> 32;
        rank = as_before ? rank : (uint32_t)i;
        flood->ranks[(uint32_t)pairs[i]] = as_before || as_after ? rank | PEA__SHARED : rank;
        flood->places[i] = (uint32_t)pairs[i];
    }
}

/* ---- who waits ---- */

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

static void mark(pea__flood *flood, uint32_t place)
{
    int64_t at = place;
    for (int level = 0; level < flood->n_levels; level++, at >>= 6) {
        uint64_t *word = flood->bits + flood->level[level] + (at >> 6);
        const uint64_t before = *word;
        *word |= UINT64_C(1) << (at & 63);
        if (before)
            return;
    }
}

static void unmark(pea__flood *flood, uint32_t place)
{
    int64_t at = place;
    for (int level = 0; level < flood->n_levels; level++, at >>= 6) {
        uint64_t *word = flood->bits + flood->level[level] + (at >> 6);
        *word &= ~(UINT64_C(1) << (at & 63));
        if (*word)
            return;
    }
}

/* Nobody waits below place `from`: upwards until a word tells of somebody, then down to who it is. */
static bool lowest(const pea__flood *flood, uint32_t from, uint32_t *place)
{
    int64_t at = from >> 6;
    int level = 0;
    while (!flood->bits[flood->level[level] + at]) {
        if (++level == flood->n_levels)
            return false;
        at >>= 6;
    }
    for (; level >= 0; level--)
        at = at << 6 | lowest_bit(flood->bits[flood->level[level] + at]);
    *place = (uint32_t)at;
    return true;
}

/* Its place in the queue. */
static uint32_t arrive(pea__flood *flood, uint32_t cell)
{
    uint32_t place = flood->ranks[cell];
    if (place & PEA__SHARED) {
        place &= ~PEA__SHARED;
        place += flood->n_queued[place]++;
        flood->places[place] = cell;
    }
    return place;
}

/* Who has nobody left to reach need not wait. */
static bool has_free_neighbour(const uint32_t *label, int64_t pitch)
{
    return !label[-pitch] | !label[-1] | !label[1] | !label[pitch]; /* one branch, as nobody can foretell them */
}

/* Seeds wait in raster order. */
static void push_seeds(pea__plane *plane, pea__flood *flood)
{
    const int64_t pitch = framed(plane->n_x);
    for (int64_t y = 1; y <= plane->n_y && pea__plane_goes_on(plane, 0.0); y++)
        for (int64_t p = y * pitch + 1; p <= y * pitch + plane->n_x; p++)
            if (flood->labels[p] && has_free_neighbour(flood->labels + p, pitch))
                mark(flood, arrive(flood, (uint32_t)p));
}

/* A neighbour of the pixel at place `from` gets its label. *next: the lowest of those that are lower than it, else
 * NOBODY. */
static void reach(pea__flood *flood, int64_t pitch, uint32_t cell, uint32_t label, uint32_t from, uint32_t *next)
{
    if (flood->labels[cell])
        return;
    flood->labels[cell] = label;
    if (!has_free_neighbour(flood->labels + cell, pitch))
        return;
    uint32_t place = arrive(flood, cell);
    if (place < from && place < *next) {
        const uint32_t before = *next;
        *next = place;
        place = before;
    }
    if (place != NOBODY)
        mark(flood, place);
}

static void grow(pea__plane *plane, pea__flood *flood)
{
    const int64_t n = pea__plane_pixels(plane), pitch = framed(plane->n_x);
    const uint32_t step = (uint32_t)pitch;
    uint32_t place = 0, next = NOBODY;
    int64_t n_taken = 0;
    for (;;) {
        if (next != NOBODY) {
            place = next;
        } else {
            if (!lowest(flood, place, &place))
                return;
            unmark(flood, place);
        }
        const uint32_t cell = flood->places[place], label = flood->labels[cell];
        next = NOBODY;
        reach(flood, pitch, cell - step, label, place, &next);
        reach(flood, pitch, cell - 1, label, place, &next);
        reach(flood, pitch, cell + 1, label, place, &next);
        reach(flood, pitch, cell + step, label, place, &next);
        if (++n_taken % TOLD_PIXELS == 0 && !pea__plane_goes_on(plane, (double)n_taken / (double)n))
            return; /* nobody uses this flood again */
    }
}

void pea__flood_run(pea__plane *plane, pea__flood *flood, uint32_t *labels)
{
    const int64_t n_x = plane->n_x, pitch = framed(n_x);
    if (!pea__plane_goes_on(plane, 0.0))
        return;
    for (int64_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++) {
        memset(flood->n_queued + y * n_x, 0, (size_t)n_x * sizeof *flood->n_queued);
        memcpy(flood->labels + (y + 1) * pitch + 1, labels + y * n_x, (size_t)n_x * sizeof *labels);
    }
    push_seeds(plane, flood);
    if (plane->status != PEA_OK) /* grow() asks late */
        return;
    grow(plane, flood);
    for (int64_t y = 0; y < plane->n_y && pea__plane_goes_on(plane, 0.0); y++)
        memcpy(labels + y * n_x, flood->labels + (y + 1) * pitch + 1, (size_t)n_x * sizeof *labels);
}
