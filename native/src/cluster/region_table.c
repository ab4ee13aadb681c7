/* region_table.c - a hash table from pairs of labels to what is known of them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/regions.h"

#include <inttypes.h>
#include <string.h>

enum { FIRST_SLOTS = 256, MOST_SLOTS = 1 << 30 };

static uint32_t slot_of(const pea__region_table *table, uint64_t key)
{
    uint32_t slot = (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (table->n_slots - 1);
    while (table->slots[slot] && table->items[table->slots[slot] - 1].key != key)
        slot = (slot + 1) & (table->n_slots - 1);
    return slot;
}

pea_status pea__region_memory_take(pea__region_memory *memory, uint64_t n_bytes, pea_error *err)
{
    const uint64_t taken = atomic_fetch_add(&memory->taken, n_bytes) + n_bytes;
    if (memory->limit == 0 || taken <= memory->limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT,
                     "the region graph needs at least %" PRIu64 " bytes but the limit is %" PRIu64
                     ": raise it, use fewer bins, or work in smaller blocks",
                     taken, memory->limit);
}

static uint64_t bytes_of(const pea__region_table *table, uint32_t n_slots)
{
    return (uint64_t)(n_slots / 2) * (sizeof *table->items + 4 * (uint64_t)table->n_bins) +
           (uint64_t)n_slots * sizeof *table->slots;
}

/* Items fill at most half of the slots: searches stay short. */
static pea_status grow(pea__region_table *table, pea_error *err)
{
    if (table->n_slots == MOST_SLOTS)
        return pea__fail(err, PEA_E_LIMIT, "more than 2^29 pairs of regions touch");
    const uint32_t n_slots = table->n_slots ? 2 * table->n_slots : FIRST_SLOTS, room = n_slots / 2;
    const size_t n_bins = (size_t)table->n_bins;
    const pea_status status =
        pea__region_memory_take(table->memory, bytes_of(table, n_slots) - bytes_of(table, table->n_slots), err);
    if (status != PEA_OK)
        return status;
    pea__region_item *items = pea__realloc(table->items, room, sizeof *items, err);
    if (!items)
        return PEA_E_NOMEM;
    table->items = items;
    if (n_bins) {
        uint32_t *histograms = pea__realloc(table->histograms, room, n_bins * sizeof *histograms, err);
        if (!histograms)
            return PEA_E_NOMEM;
        table->histograms = histograms;
    }
    uint32_t *slots = pea__alloc(n_slots, sizeof *slots, err);
    if (!slots)
        return PEA_E_NOMEM;
    pea__free(table->slots);
    table->slots = slots;
    table->n_slots = n_slots;
    for (uint32_t i = 0; i < table->n; i++)
        table->slots[slot_of(table, table->items[i].key)] = i + 1;
    return PEA_OK;
}

pea_status pea__region_table_find(pea__region_table *table, uint64_t key, uint32_t *place, pea_error *err)
{
    if (table->n_slots) {
        const uint32_t known = table->slots[slot_of(table, key)];
        *place = known - 1;
        if (known)
            return PEA_OK;
    }
    if (table->n == table->n_slots / 2) {
        const pea_status status = grow(table, err);
        if (status != PEA_OK)
            return status;
    }
    table->slots[slot_of(table, key)] = table->n + 1;
    table->items[table->n] = (pea__region_item){.key = key};
    if (table->n_bins)
        memset(table->histograms + (size_t)table->n * (size_t)table->n_bins, 0,
               (size_t)table->n_bins * sizeof *table->histograms);
    *place = table->n++;
    return PEA_OK;
}

void pea__region_table_free(pea__region_table *table)
{
    if (table->memory)
        atomic_fetch_sub(&table->memory->taken, table->items ? bytes_of(table, table->n_slots) : 0);
    pea__free(table->slots);
    pea__free(table->histograms);
    pea__free(table->items);
    table->slots = table->histograms = NULL;
    table->items = NULL;
    table->n = table->n_slots = 0;
}
