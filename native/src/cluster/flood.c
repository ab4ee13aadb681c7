/* flood.c - seeded watershed of a plane: the lowest pixel first, of equal ones that which was reached first.
 *
 * Heights are sorted once, so each pixel knows how many are lower: there the places of all pixels of its height begin.
 * Who is reached takes the next of them, and a bit says that somebody waits there. So the lowest bit is the pixel that
 * the rule wants, and is found by counting zeros, level by level. A pixel is reached once: there are enough places.
 *
 *     level 2            [..1.]                 a word covers 64 words below
 *     level 1     [0000] [..1.] [0000]
 *     level 0     [....] [.11.] [....]          one bit for each place
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
    flood->cells = pea__alloc_unset(n, sizeof *flood->cells, err);
    flood->places = flood->cells ? pea__alloc_unset(n, sizeof *flood->places, err) : NULL;
    flood->pairs = flood->places ? pea__alloc_unset(n, sizeof *flood->pairs, err) : NULL;
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
    pea__free_unset(flood->places);
    pea__free_unset(flood->cells);
    *flood = (pea__flood){0};
}

enum { TOLD_PIXELS = 65536 }; /* after so many somebody is told, and may stop the work */

/* ---- heights become ranks ---- */

static uint32_t ascending_bits(float height)
{
    uint32_t bits;
    height += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &height, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* One of three passes over 11 bits of the keys, which are the upper halves. */
static void sort_pass(pea__plane *plane, const uint64_t *from, uint64_t *to, int64_t n, int shift)
{
    uint32_t places[2048] = {0}, next = 0;
    for (int64_t i = 0; i < n; i++)
        places[from[i] >> shift & 2047]++;
    for (int digit = 0; digit < 2048; digit++) {
        const uint32_t count = places[digit];
        places[digit] = next;
        next += count;
    }
    for (int64_t i = 0; i < n; i++) {
        if (i % TOLD_PIXELS == 0 && !pea__plane_goes_on(plane, 0.0))
            return;
        to[places[from[i] >> shift & 2047]++] = from[i];
    }
}

void pea__flood_prepare(pea__plane *plane, pea__flood *flood, const float *height)
{
    const int64_t n = pea__plane_pixels(plane);
    for (int64_t p = 0; p < n; p++) {
        if (p % TOLD_PIXELS == 0 && !pea__plane_goes_on(plane, 0.0))
            return;
        flood->pairs[p] = (uint64_t)ascending_bits(height[p]) << 32 | (uint64_t)p;
    }
    for (int shift = 32; shift < 64; shift += 11) {
        sort_pass(plane, flood->pairs, flood->scratch, n, shift);
        uint64_t *const swap = flood->pairs;
        flood->pairs = flood->scratch;
        flood->scratch = swap;
    }
    const uint64_t *pairs = flood->pairs;
    uint32_t rank = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i % TOLD_PIXELS == 0 && !pea__plane_goes_on(plane, 0.0))
            return;
        const bool as_before = i > 0 && pairs[i] >> 32 == pairs[i - 1] >> 32;
        const bool as_after = i + 1 < n && pairs[i] >> 32 == pairs[i + 1] >> 32;
        rank = as_before ? rank : (uint32_t)i;
        flood->cells[(uint32_t)pairs[i]].rank = as_before || as_after ? rank | PEA__SHARED : rank;
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

static bool lowest(const pea__flood *flood, uint32_t *place)
{
    int64_t at = 0;
    if (!flood->bits[flood->level[flood->n_levels - 1]])
        return false;
    for (int level = flood->n_levels - 1; level >= 0; level--)
        at = at << 6 | lowest_bit(flood->bits[flood->level[level] + at]);
    *place = (uint32_t)at;
    return true;
}

static void push(pea__flood *flood, int32_t pixel)
{
    uint32_t place = flood->cells[pixel].rank;
    if (place & PEA__SHARED) { /* mostly not: then nothing has to be waited for here */
        place &= ~PEA__SHARED;
        place += flood->places[place].n_queued++;
    }
    flood->places[place].pixel = (uint32_t)pixel;
    mark(flood, place);
}

static void reach(pea__flood *flood, int32_t pixel, uint32_t label)
{
    if (flood->cells[pixel].label)
        return;
    flood->cells[pixel].label = label;
    push(flood, pixel);
}

/* Seeds wait in raster order. Those inside others reach nobody: they need not wait. */
static void push_seeds(const pea__plane *plane, pea__flood *flood)
{
    const pea__flood_cell *cells = flood->cells;
    const int32_t n_x = plane->n_x, n = (int32_t)pea__plane_pixels(plane);
    for (int32_t p = 0, x = 0; p < n; p++, x = x + 1 < n_x ? x + 1 : 0)
        if (cells[p].label &&
            ((p >= n_x && !cells[p - n_x].label) || (x > 0 && !cells[p - 1].label) ||
             (x < n_x - 1 && !cells[p + 1].label) || (p < n - n_x && !cells[p + n_x].label)))
            push(flood, p);
}

static void grow(pea__plane *plane, pea__flood *flood)
{
    const int32_t n_x = plane->n_x, n = (int32_t)pea__plane_pixels(plane);
    uint32_t place;
    int32_t n_taken = 0;
    while (lowest(flood, &place)) {
        const int32_t p = (int32_t)flood->places[place].pixel, x = p % n_x;
        const uint32_t label = flood->cells[p].label;
        unmark(flood, place);
        if (p >= n_x)
            reach(flood, p - n_x, label);
        if (x > 0)
            reach(flood, p - 1, label);
        if (x < n_x - 1)
            reach(flood, p + 1, label);
        if (p < n - n_x)
            reach(flood, p + n_x, label);
        if (++n_taken % TOLD_PIXELS == 0 && !pea__plane_goes_on(plane, (double)n_taken / n))
            return; /* nobody uses this flood again */
    }
}

void pea__flood_run(pea__plane *plane, pea__flood *flood, uint32_t *labels)
{
    const int64_t n = pea__plane_pixels(plane);
    if (plane->status != PEA_OK)
        return;
    for (int64_t p = 0; p < n; p++) {
        if (p % TOLD_PIXELS == 0 && !pea__plane_goes_on(plane, 0.0))
            return;
        flood->cells[p].label = labels[p];
        flood->places[p].n_queued = 0;
    }
    push_seeds(plane, flood);
    (void)pea__plane_goes_on(plane, 0.0); /* grow() asks late */
    grow(plane, flood);
    for (int64_t p = 0; p < n; p++)
        labels[p] = flood->cells[p].label;
}
