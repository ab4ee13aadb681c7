/* key_order.c - radix sort of 64-bit keys; bytes that are the same in all keys cost nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/regions.h"

#include <string.h>

enum { AT_ONCE = 1 << 18 }; /* between two questions whether to stop */

static pea_status pass(const pea__keyed *from, pea__keyed *to, int64_t n, int shift, pea_context *context, double done,
                       pea_error *err)
{
    int64_t places[256] = {0}, next = 0;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < n; i++)
        places[from[i].key >> shift & 255]++;
    for (int digit = 0; digit < 256; digit++) {
        const int64_t count = places[digit];
        places[digit] = next;
        next += count;
    }
    for (int64_t begin = 0; begin < n && status == PEA_OK; begin += AT_ONCE) {
        const int64_t end = pea__min_i64(n, begin + AT_ONCE);
        for (int64_t i = begin; i < end; i++)
            to[places[from[i].key >> shift & 255]++] = from[i];
        status = pea__progress(context, done, err);
    }
    return status;
}

pea_status pea__keyed_sort(pea__keyed *items, int64_t n, pea_context *context, double done, pea_error *err)
{
    uint64_t differ = 0;
    pea_status status = PEA_OK;
    pea__keyed *scratch = pea__alloc_unset((size_t)n, sizeof *scratch, err), *from = items, *to = scratch;
    if (!scratch)
        return PEA_E_NOMEM;
    for (int64_t i = 1; i < n; i++)
        differ |= items[i].key ^ items[0].key;
    for (int shift = 0; shift < 64 && status == PEA_OK; shift += 8) {
        if ((differ >> shift & 255) == 0)
            continue;
        status = pass(from, to, n, shift, context, done, err);
        pea__keyed *const swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, (size_t)n * sizeof *items);
    pea__free_unset(scratch);
    return status;
}
