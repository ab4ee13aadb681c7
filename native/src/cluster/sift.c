/* sift.c - edges get new numbers of their ends. Inner ones go, and those that are done with; of those between the same
 * two clusters mostly the earliest alone stays.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <string.h>

enum {
    SEEN_BITS = 13,
    CHUNK = 1 << 14,  /* edges that a cache holds */
    AT_ONCE = 1 << 17 /* between two questions whether to stop */
};

/* Where an edge between two clusters was put last. */
typedef struct sighting {
    uint64_t ends;
    int64_t at;
} sighting;

_Static_assert(sizeof(sighting) << SEEN_BITS == PEA__SIFT_BYTES, "one place for each sighting");

/* What goes is as likely as not, so that all this is done without branches: what is not wanted is written behind the
 * end, and the next edge over it. Returns the end. */
static int64_t renumber(pea__edges *edges, const uint32_t *number, int64_t from, int64_t to)
{
    int64_t n = from;
    for (int64_t i = from; i < to; i++) {
        const uint32_t a = number[edges->ends[i] >> 32], b = number[(uint32_t)edges->ends[i]];
        edges->ends[n] = pea__ends(a, b);
        edges->key[n] = edges->key[i];
        if (edges->id)
            edges->id[n] = edges->id[i];
        n += (a != b) & (edges->key[i] != 0) & (a != PEA__NO_CLUSTER) & (b != PEA__NO_CLUSTER);
    }
    return n;
}

/* Edges from..to-1 are put behind the first n, or on one of them. Returns how many there are then. */
static int64_t combine(pea__edges *edges, sighting *seen, int64_t n, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        const uint64_t ends = edges->ends[i], id = edges->id ? edges->id[i] : 0;
        const uint32_t key = edges->key[i];
        sighting *slot = seen + (ends * 0x9E3779B97F4A7C15u >> (64 - SEEN_BITS));
        const bool same = slot->ends == ends;
        const int64_t at = n ^ ((n ^ slot->at) & -(int64_t)same);
        const uint32_t held = edges->key[at];
        const bool better = (key > held) | ((key == held) & (id > (edges->id ? edges->id[at] : 0)));
        const uint64_t mine = -(uint64_t)(!same | better); /* all bits or none */
        edges->ends[at] = ends;
        edges->key[at] = held ^ ((held ^ key) & (uint32_t)mine);
        if (edges->id)
            edges->id[at] = edges->id[at] ^ ((edges->id[at] ^ id) & mine);
        *slot = (sighting){ends, at};
        n += !same;
    }
    return n;
}

void pea__sift_begin(void *seen)
{
    memset(seen, 255, PEA__SIFT_BYTES);
}

int64_t pea__sift_some(pea__edges *edges, const uint32_t *number, void *seen, int64_t n, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i += CHUNK) {
        const int64_t end = renumber(edges, number, i, pea__min_i64(i + CHUNK, to));
        n = combine(edges, seen, n, i, end);
    }
    return n;
}

pea_status pea__edges_sift(pea__edges *edges, const uint32_t *number, pea_context *context, double fraction,
                           pea_error *err)
{
    void *seen = pea__alloc_unset(PEA__SIFT_BYTES, 1, err);
    pea_status status = seen ? PEA_OK : PEA_E_NOMEM;
    int64_t n = 0;
    if (seen)
        pea__sift_begin(seen);
    for (int64_t i = 0; i < edges->n && status == PEA_OK; i += AT_ONCE) {
        n = pea__sift_some(edges, number, seen, n, i, pea__min_i64(i + AT_ONCE, edges->n));
        status = pea__progress(context, fraction, err);
    }
    edges->n = n;
    pea__free_unset(seen);
    return status;
}
