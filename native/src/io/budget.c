/* budget.c - a file may cost memory in proportion to its size, whatever it claims.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <inttypes.h>

pea__budget pea__budget_for(const pea__reader *reader, int64_t slack_bytes, pea__budget *whole)
{
    int64_t total;
    if (!pea__mul_i64(reader->size_bytes, 4, &total) || !pea__add_i64(total, slack_bytes, &total))
        total = INT64_MAX;
    return (pea__budget){.left = total, .total = total, .whole = whole};
}

pea_status pea__budget_take(pea__budget *budget, int64_t n_bytes, pea_error *err)
{
    for (const pea__budget *b = budget; b; b = b->whole)
        if (n_bytes < 0 || n_bytes > b->left)
            return pea__fail(err, PEA_E_LIMIT,
                             "the file asks for far more memory than its size explains (limit %" PRId64
                             " bytes): it is damaged or made to harm",
                             b->total);
    for (pea__budget *b = budget; b; b = b->whole)
        b->left -= n_bytes;
    return PEA_OK;
}

void pea__budget_return(pea__budget *budget, int64_t n_bytes)
{
    for (pea__budget *b = budget; b; b = b->whole)
        b->left += n_bytes;
}

typedef struct pea__block {
    struct pea__block *older;
    uint64_t bytes[]; /* 64-bit for alignment */
} block;

/* Blocks double, so that small files cost little and large ones few calls. */
static pea_status new_block(pea__arena *arena, size_t at_least, pea_error *err)
{
    enum { FIRST = 4096, LARGEST = 1 << 18 };
    size_t size = arena->blocks ? 2 * arena->size : FIRST;
    if (size > LARGEST)
        size = LARGEST;
    if (size < at_least)
        size = at_least;
    const pea_status status = pea__budget_take(arena->budget, (int64_t)(sizeof(block) + size), err);
    if (status != PEA_OK)
        return status;
    block *fresh = pea__alloc(1, sizeof *fresh + size, err);
    if (!fresh)
        return PEA_E_NOMEM;
    fresh->older = arena->blocks;
    arena->blocks = fresh;
    arena->used = 0;
    arena->size = size;
    return PEA_OK;
}

void *pea__arena_get(pea__arena *arena, size_t n_items, size_t item_bytes, pea_error *err)
{
    int64_t n_bytes;
    if (!pea__mul_i64((int64_t)n_items, (int64_t)item_bytes, &n_bytes) || n_bytes > INT64_MAX / 2) {
        pea__fail(err, PEA_E_LIMIT, "%zu items of %zu bytes exceed the address space", n_items, item_bytes);
        return NULL;
    }
    const size_t wanted = ((size_t)n_bytes + 7) / 8 * 8;
    if ((!arena->blocks || wanted > arena->size - arena->used) && new_block(arena, wanted, err) != PEA_OK)
        return NULL;
    void *got = (char *)arena->blocks->bytes + arena->used;
    arena->used += wanted;
    return got;
}

void pea__arena_free(pea__arena *arena)
{
    while (arena->blocks) {
        block *older = arena->blocks->older;
        pea__free(arena->blocks);
        arena->blocks = older;
    }
    arena->used = arena->size = 0;
}
