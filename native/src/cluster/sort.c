/* sort.c - radix sort of (key, value): three passes of 11 bits, each cut into chunks that threads take one by one.
 *
 * A chunk counts its digits; the counts give every chunk its own place in every bucket; then the chunks move their
 * pairs. Places depend on nothing but the input, so the order is the same with any number of threads, and stable.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

enum {
    DIGIT_BITS = 11,
    N_PASSES = 3,
    N_BUCKETS = 1 << DIGIT_BITS,
    CHUNK = 1 << 19 /* pairs; a few milliseconds, so that cancelling is heard */
};

typedef struct sort_pass {
    const pea__pair *from;
    pea__pair *to;
    uint32_t *places; /* [chunk][bucket]: first counts, then where the chunk's next pair goes */
    int64_t n;
    int shift;
} sort_pass;

static uint32_t bucket_of(const sort_pass *pass, int64_t i)
{
    return pass->from[i].key >> pass->shift & (N_BUCKETS - 1);
}

static void count_chunk(void *argument, int64_t chunk, int worker)
{
    const sort_pass *pass = argument;
    uint32_t *counts = pass->places + chunk * N_BUCKETS;
    const int64_t end = pea__min_i64((chunk + 1) * CHUNK, pass->n);
    (void)worker;
    for (int i = 0; i < N_BUCKETS; i++)
        counts[i] = 0;
    for (int64_t i = chunk * CHUNK; i < end; i++)
        counts[bucket_of(pass, i)]++;
}

static void move_chunk(void *argument, int64_t chunk, int worker)
{
    const sort_pass *pass = argument;
    uint32_t *place = pass->places + chunk * N_BUCKETS;
    const int64_t end = pea__min_i64((chunk + 1) * CHUNK, pass->n);
    (void)worker;
    for (int64_t i = chunk * CHUNK; i < end; i++)
        pass->to[place[bucket_of(pass, i)]++] = pass->from[i];
}

/* Counts become places. True where one bucket has it all: then the pass would move nothing. */
static bool assign_places(sort_pass *pass, int64_t n_chunks)
{
    uint32_t next = 0;
    for (int bucket = 0; bucket < N_BUCKETS; bucket++) {
        const uint32_t first = next;
        for (int64_t chunk = 0; chunk < n_chunks; chunk++) {
            uint32_t *place = pass->places + chunk * N_BUCKETS + bucket;
            const uint32_t count = *place;
            *place = next;
            next += count;
        }
        if ((int64_t)(next - first) == pass->n)
            return true;
    }
    return false;
}

pea_status pea__sort_pairs(pea_context *context, pea__pair *pairs, pea__pair *scratch, int64_t n, double from,
                           double to, pea__pair **sorted, pea_error *err)
{
    *sorted = pairs;
    const int64_t n_chunks = pea__ceil_div(n, CHUNK);
    uint32_t *places = pea__alloc_unset((size_t)n_chunks * N_BUCKETS, sizeof *places, err);
    if (!places)
        return PEA_E_NOMEM;
    sort_pass pass = {pairs, scratch, places, n, 0};
    const double step = (to - from) / (2 * N_PASSES);
    pea_status status = PEA_OK;
    for (int i = 0; i < N_PASSES && status == PEA_OK; i++, from += 2 * step) {
        pass.shift = i * DIGIT_BITS;
        status = pea__parallel(context, n_chunks, from, from + step, count_chunk, &pass, err);
        if (status != PEA_OK || assign_places(&pass, n_chunks))
            continue;
        status = pea__parallel(context, n_chunks, from + step, from + 2 * step, move_chunk, &pass, err);
        *sorted = pass.to;
        pass.to = (pea__pair *)pass.from;
        pass.from = *sorted;
    }
    pea__free_unset(places);
    return status;
}
