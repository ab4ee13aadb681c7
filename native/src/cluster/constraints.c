/* constraints.c - sets of cluster roots, one for each root: small ones are plain lists, large ones hash tables.
 *
 * All sets live in one growing block of 32-bit words, in pieces of 2^class words:
 *
 *     word 0: count << 5 | class     words 1..: members; in a hash table EMPTY marks a free word
 *
 * Pieces that were outgrown are kept in one list for each class and used again.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>

enum {
    CLASS_BITS = 5,
    FIRST_CLASS = 2,      /* 3 members, 16 bytes */
    LAST_LIST_CLASS = 4,  /* 15 members: one cache line is searched faster than hashed */
    LAST_CLASS = 27,      /* its count still fits beside the class */
    N_CLASSES = LAST_CLASS + 1,
    FIRST_WORDS = 1 << 12,
    AHEAD = 32            /* members whose own sets are fetched together */
};

#define EMPTY UINT32_MAX

struct pea__constraints {
    uint32_t *set_of; /* by root: where its set begins in words, 0: it has none */
    uint32_t *words;
    uint64_t n_words, capacity;
    uint32_t free_list[N_CLASSES]; /* first free piece, 0: none; word 0 of a free piece is the next one */
};

static unsigned class_of(const pea__constraints *c, uint32_t set)
{
    return c->words[set] & ((1u << CLASS_BITS) - 1);
}

static uint32_t count_of(const pea__constraints *c, uint32_t set)
{
    return c->words[set] >> CLASS_BITS;
}

/* Members that a piece may hold: a hash table stays a quarter empty, so that searches end soon. */
static uint32_t room_of(unsigned class)
{
    return class <= LAST_LIST_CLASS ? (1u << class) - 1 : 3u << (class - 2);
}

/* Words that can hold members now: those of a list in use, all of a table. */
static uint32_t span_of(const pea__constraints *c, uint32_t set)
{
    const unsigned class = class_of(c, set);
    return class <= LAST_LIST_CLASS ? count_of(c, set) : (1u << class) - 1;
}

static uint32_t home_of(uint32_t member, uint32_t n_slots)
{
    return (uint32_t)((uint64_t)(member * 0x9E3779B1u) * n_slots >> 32);
}

/* The slot 0.. of a member, or the free slot where it would go; for a list without it, its end. */
static uint32_t slot_of(const pea__constraints *c, uint32_t set, uint32_t member)
{
    const uint32_t *members = c->words + set + 1;
    const uint32_t span = span_of(c, set);
    uint32_t slot = 0;
    if (class_of(c, set) <= LAST_LIST_CLASS) {
        while (slot < span && members[slot] != member)
            slot++;
        return slot;
    }
    slot = home_of(member, span);
    while (members[slot] != EMPTY && members[slot] != member)
        slot = slot + 1 == span ? 0 : slot + 1;
    return slot;
}

static bool contains(const pea__constraints *c, uint32_t set, uint32_t member)
{
    const uint32_t slot = slot_of(c, set, member);
    if (class_of(c, set) <= LAST_LIST_CLASS)
        return slot < count_of(c, set);
    return c->words[set + 1 + slot] == member;
}

static pea_status grow_words(pea__constraints *c, uint64_t n_needed, pea_error *err)
{
    const uint64_t capacity = c->capacity + c->capacity / 2;
    if (n_needed > UINT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "constraints between clusters exceed 16 GiB: cluster in smaller blocks");
    const uint64_t chosen = n_needed > capacity ? n_needed : capacity;
    uint32_t *words = pea__realloc(c->words, (size_t)chosen, sizeof *words, err);
    if (!words)
        return PEA_E_NOMEM;
    c->words = words;
    c->capacity = chosen;
    return PEA_OK;
}

/* An empty set of this class. May move all words. */
static pea_status take_piece(pea__constraints *c, unsigned class, uint32_t *set, pea_error *err)
{
    const uint64_t end = c->n_words + ((uint64_t)1 << class);
    if (c->free_list[class]) {
        *set = c->free_list[class];
        c->free_list[class] = c->words[*set];
    } else {
        const pea_status status = end > c->capacity ? grow_words(c, end, err) : PEA_OK;
        if (status != PEA_OK)
            return status;
        *set = (uint32_t)c->n_words;
        c->n_words = end;
    }
    c->words[*set] = class;
    if (class > LAST_LIST_CLASS)
        for (uint32_t i = 1; i < 1u << class; i++)
            c->words[*set + i] = EMPTY;
    return PEA_OK;
}

static void return_piece(pea__constraints *c, uint32_t set)
{
    const unsigned class = class_of(c, set);
    c->words[set] = c->free_list[class];
    c->free_list[class] = set;
}

/* There is room, and the member is not there yet. */
static void put(pea__constraints *c, uint32_t set, uint32_t member)
{
    c->words[set + 1 + slot_of(c, set, member)] = member;
    c->words[set] += 1u << CLASS_BITS;
}

/* Make room for n members altogether. */
static pea_status reserve(pea__constraints *c, uint32_t root, uint64_t n, pea_error *err)
{
    const uint32_t old = c->set_of[root];
    unsigned class = old ? class_of(c, old) : FIRST_CLASS;
    if (old && n <= room_of(class))
        return PEA_OK;
    while (class <= LAST_CLASS && n > room_of(class))
        class++;
    if (class > LAST_CLASS)
        return pea__fail(err, PEA_E_LIMIT, "a cluster has %" PRIu64 " constraints: cluster in smaller blocks", n);
    uint32_t set;
    const pea_status status = take_piece(c, class, &set, err);
    if (status != PEA_OK)
        return status;
    c->set_of[root] = set;
    if (!old)
        return PEA_OK;
    const uint32_t span = span_of(c, old);
    for (uint32_t i = 1; i <= span; i++)
        if (c->words[old + i] != EMPTY)
            put(c, set, c->words[old + i]);
    return_piece(c, old);
    return PEA_OK;
}

static pea_status insert(pea__constraints *c, uint32_t root, uint32_t member, pea_error *err)
{
    const uint32_t set = c->set_of[root];
    const pea_status status = reserve(c, root, set ? (uint64_t)count_of(c, set) + 1 : 1, err);
    if (status == PEA_OK)
        put(c, c->set_of[root], member);
    return status;
}

/* Close the hole: a later member of the same run moves in if its home allows, and leaves the next hole. */
static void close_hole(uint32_t *members, uint32_t n_slots, uint32_t hole)
{
    for (uint32_t i = hole + 1 == n_slots ? 0 : hole + 1; members[i] != EMPTY; i = i + 1 == n_slots ? 0 : i + 1) {
        const uint32_t home = home_of(members[i], n_slots);
        const uint32_t from_home = i >= home ? i - home : i + n_slots - home;
        const uint32_t from_hole = i >= hole ? i - hole : i + n_slots - hole;
        if (from_home >= from_hole) {
            members[hole] = members[i];
            hole = i;
        }
    }
    members[hole] = EMPTY;
}

static void take_out(pea__constraints *c, uint32_t root, uint32_t member)
{
    const uint32_t set = c->set_of[root], count = count_of(c, set);
    uint32_t *members = c->words + set + 1;
    const uint32_t slot = slot_of(c, set, member);
    if (class_of(c, set) <= LAST_LIST_CLASS)
        members[slot] = members[count - 1];
    else
        close_hole(members, span_of(c, set), slot);
    c->words[set] -= 1u << CLASS_BITS;
}

pea_status pea__constraints_new(int64_t n_nodes, pea__constraints **constraints, pea_error *err)
{
    *constraints = NULL;
    pea__constraints *made = pea__alloc(1, sizeof *made, err);
    if (!made)
        return PEA_E_NOMEM;
    made->set_of = pea__alloc((size_t)n_nodes, sizeof *made->set_of, err);
    made->words = made->set_of ? pea__realloc(NULL, FIRST_WORDS, sizeof *made->words, err) : NULL;
    if (!made->words) {
        pea__constraints_free(made);
        return PEA_E_NOMEM;
    }
    made->capacity = FIRST_WORDS;
    made->n_words = 1; /* 0 says: no set */
    *constraints = made;
    return PEA_OK;
}

void pea__constraints_free(pea__constraints *constraints)
{
    if (!constraints)
        return;
    pea__free(constraints->words);
    pea__free(constraints->set_of);
    pea__free(constraints);
}

uint32_t pea__constraints_count(const pea__constraints *c, uint32_t a)
{
    return c->set_of[a] ? count_of(c, c->set_of[a]) : 0;
}

bool pea__constraints_meet(const pea__constraints *c, uint32_t a, const uint8_t *bits, uint8_t wanted)
{
    const uint32_t set = c->set_of[a], span = set ? span_of(c, set) : 0;
    uint8_t found = 0;
    for (uint32_t i = 1; i <= span && !(found & wanted); i++)
        if (c->words[set + i] != EMPTY)
            found |= bits[c->words[set + i]];
    return found & wanted;
}

void pea__constraints_prefetch(const pea__constraints *c, uint32_t a)
{
    PEA__PREFETCH(c->words + c->set_of[a]); /* where a has none: word 0 */
}

bool pea__constraints_has(const pea__constraints *c, uint32_t a, uint32_t b)
{
    const uint32_t set_a = c->set_of[a], set_b = c->set_of[b];
    if (!set_a || !set_b)
        return false;
    return count_of(c, set_a) <= count_of(c, set_b) ? contains(c, set_a, b) : contains(c, set_b, a);
}

pea_status pea__constraints_add(pea__constraints *c, uint32_t a, uint32_t b, pea_error *err)
{
    const pea_status status = insert(c, a, b, err);
    return status == PEA_OK ? insert(c, b, a, err) : status;
}

static void prefetch_members(const pea__constraints *c, uint32_t set, int64_t first, int64_t last)
{
    for (int64_t i = first; i <= last; i++)
        if (c->words[set + i] != EMPTY)
            pea__constraints_prefetch(c, c->words[set + i]);
}

pea_status pea__constraints_inherit(pea__constraints *c, uint32_t a, uint32_t b, pea_error *err)
{
    const uint32_t set = c->set_of[b];
    if (!set)
        return PEA_OK;
    /* All the room at once: members come in the order of their hash, and would crowd the front of a tight table. */
    pea_status status = reserve(c, a, (uint64_t)pea__constraints_count(c, a) + count_of(c, set), err);
    const uint32_t span = span_of(c, set);
    for (uint32_t i = 1; i <= span && status == PEA_OK; i++) {
        const uint32_t other = c->words[set + i];
        if (i % AHEAD == 1)
            prefetch_members(c, set, i, pea__min_i64(i + AHEAD - 1, span));
        if (other == EMPTY)
            continue;
        take_out(c, other, b);
        if (contains(c, c->set_of[a], other))
            continue;
        put(c, c->set_of[a], other);
        status = insert(c, other, a, err);
    }
    c->set_of[b] = 0;
    return_piece(c, set);
    return status;
}
