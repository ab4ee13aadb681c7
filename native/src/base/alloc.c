/* alloc.c - the one place where the library's own code takes memory, so that tests can make it fail.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* madvise */
#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum {
    ALIGNMENT = 64,        /* wide enough for AVX-512 loads and one cache line */
    HUGE_BYTES = 1 << 21   /* a huge page of most systems */
};

static atomic_size_t n_asked, n_live;
static atomic_size_t fail_at; /* 0: never */
static atomic_bool fail_for_ever;

size_t pea__alloc_fail_at(size_t n, bool for_ever)
{
    atomic_store(&fail_at, n);
    atomic_store(&fail_for_ever, for_ever);
    return atomic_exchange(&n_asked, 0);
}

size_t pea__alloc_live(void)
{
    return atomic_load(&n_live);
}

/* Also PEA_E_LIMIT for what no allocator can serve, so that sanitizers need not be told about huge requests. */
static bool permitted(size_t n_items, size_t item_bytes, size_t *n_bytes, pea_error *err)
{
    if (item_bytes != 0 && n_items > (PTRDIFF_MAX - ALIGNMENT) / item_bytes) {
        pea__fail(err, PEA_E_LIMIT, "%zu items of %zu bytes exceed the address space", n_items, item_bytes);
        return false;
    }
    *n_bytes = n_items * item_bytes;
    const size_t turn = atomic_fetch_add(&n_asked, 1) + 1, at = atomic_load(&fail_at);
    if (at != 0 && (turn == at || (turn > at && atomic_load(&fail_for_ever)))) {
        pea__fail(err, PEA_E_NOMEM, "out of memory: %zu bytes refused", *n_bytes);
        return false;
    }
    return true;
}

static void *counted(void *block, size_t n_bytes, pea_error *err)
{
    if (block)
        atomic_fetch_add(&n_live, 1);
    else
        pea__fail(err, PEA_E_NOMEM, "out of memory: %zu bytes refused", n_bytes);
    return block;
}

void *pea__alloc(size_t n_items, size_t item_bytes, pea_error *err)
{
    size_t n_bytes;
    if (!permitted(n_items, item_bytes, &n_bytes, err))
        return NULL;
    return counted(calloc(n_bytes ? n_bytes : 1, 1), n_bytes, err);
}

void *pea__realloc(void *block, size_t n_items, size_t item_bytes, pea_error *err)
{
    size_t n_bytes;
    if (!permitted(n_items, item_bytes, &n_bytes, err))
        return NULL;
    void *grown = realloc(block, n_bytes ? n_bytes : 1);
    if (!grown)
        pea__fail(err, PEA_E_NOMEM, "out of memory: %zu bytes refused", n_bytes);
    else if (!block)
        atomic_fetch_add(&n_live, 1);
    return grown;
}

void *pea__room_for_one(void *block, size_t n, size_t *capacity, size_t item_bytes, pea_error *err)
{
    if (n < *capacity)
        return block;
    const size_t wanted = *capacity ? 2 * *capacity : 16;
    void *grown = pea__realloc(block, wanted, item_bytes, err);
    if (grown)
        *capacity = wanted;
    return grown;
}

void pea__free(void *block)
{
    if (block)
        atomic_fetch_sub(&n_live, 1);
    free(block);
}

/* Large blocks would like huge pages: getting the memory of a network 4 KiB at a time took an eighth of its run. Where a
 * system has none, nothing is lost. */
static void wish_for_huge_pages(void *block, size_t n_bytes)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t begin = ((uintptr_t)block + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    const uintptr_t end = ((uintptr_t)block + n_bytes) / HUGE_BYTES * HUGE_BYTES;
    if (block && begin < end)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)block;
    (void)n_bytes;
#endif
}

void *pea__alloc_unset(size_t n_items, size_t item_bytes, pea_error *err)
{
    size_t n_bytes;
    if (!permitted(n_items, item_bytes, &n_bytes, err))
        return NULL;
    const size_t rounded = (n_bytes / ALIGNMENT + 1) * ALIGNMENT; /* aligned_alloc wants a multiple */
    void *block = aligned_alloc(ALIGNMENT, rounded);
    wish_for_huge_pages(block, rounded);
    return counted(block, n_bytes, err);
}

void pea__free_unset(void *block)
{
    pea__free(block); /* separate name: a system without aligned_alloc needs another call here */
}

char *pea__copy_text(const char *text, size_t length_bytes, pea_error *err)
{
    char *copy = pea__alloc(length_bytes + 1, 1, err);
    if (copy)
        memcpy(copy, text, length_bytes);
    return copy;
}
