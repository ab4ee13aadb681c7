/* label_map.c - a hash table from labels, which may be any numbers, to 0,1,2... in the order of first asking.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

enum { FIRST_SLOTS = 64 };

/* A finaliser that spreads every bit: label images may hold multiples of anything. */
static uint32_t mixed(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    return x ^ x >> 16;
}

static uint32_t slot_of(const pea__label_map *map, uint32_t label)
{
    uint32_t slot = mixed(label) & (map->n_slots - 1);
    while (map->slots[slot] && map->labels[map->slots[slot] - 1] != label)
        slot = (slot + 1) & (map->n_slots - 1);
    return slot;
}

static pea_status grow(pea__label_map *map, pea_error *err)
{
    if (map->n_slots > UINT32_MAX / 4)
        return pea__fail(err, PEA_E_LIMIT, "more than 2^29 different labels in one image");
    const uint32_t n_slots = map->n_slots ? 2 * map->n_slots : FIRST_SLOTS;
    uint32_t *labels = pea__realloc(map->labels, n_slots / 2, sizeof *labels, err);
    if (!labels)
        return PEA_E_NOMEM;
    map->labels = labels;
    uint32_t *slots = pea__alloc(n_slots, sizeof *slots, err);
    if (!slots)
        return PEA_E_NOMEM;
    pea__free(map->slots);
    map->slots = slots;
    map->n_slots = n_slots;
    pea_status status = PEA_OK;
    for (uint32_t i = 0; i < map->n && status == PEA_OK; i++) {
        map->slots[slot_of(map, map->labels[i])] = i + 1;
        if (i % PEA__VOXELS_AT_ONCE == 0)
            status = pea__progress(map->context, 0.0, err); /* progress never falls: this only asks */
    }
    return status;
}

pea_status pea__label_map_number(pea__label_map *map, uint32_t label, uint32_t *number, pea_error *err)
{
    if (map->n_slots) {
        const uint32_t known = map->slots[slot_of(map, label)];
        *number = known - 1;
        if (known)
            return PEA_OK;
    }
    if (map->n == map->n_slots / 2) { /* half full: searches stay short */
        const pea_status status = grow(map, err);
        if (status != PEA_OK)
            return status;
    }
    map->slots[slot_of(map, label)] = map->n + 1;
    map->labels[map->n] = label;
    *number = map->n++;
    return PEA_OK;
}

void pea__label_map_free(pea__label_map *map)
{
    pea__free(map->slots);
    pea__free(map->labels);
    *map = (pea__label_map){0};
}
