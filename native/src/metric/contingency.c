/* contingency.c - counts in one pass which labels of two images meet, and in how many voxels.
 *
 *     voxels ─▶ runs of equal pairs ─▶ one hash table for each worker ─▶ one list, sorted ─▶ table
 *
 * Counts are integers and the list is sorted, so the table does not depend on which worker saw which voxel.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "metric/metric.h"

#include <inttypes.h>
#include <string.h>

enum {
    CHUNK_VOXELS = 1 << 18, /* a millisecond, of noise 25: short enough to cancel, long enough to hand out */
    CELLS_AT_ONCE = 1 << 18,
    FIRST_SLOTS = 1 << 10
};

typedef struct slot {
    uint64_t pair;    /* truth in the upper half, prediction in the lower: every value can occur */
    int64_t n_voxels; /* 0: the slot is free */
} slot;

/* A hash table with linear probing, at most half full. */
typedef struct tally {
    slot *slots;
    size_t n_slots, n_used; /* n_slots is a power of two, or 0 before the first pair */
    uint64_t limit_bytes;   /* this worker's part of the memory limit, 0: none */
    pea_error err;          /* a worker cannot return a failure; it keeps it here */
} tally;

typedef struct counting {
    const uint32_t *truth, *pred;
    int64_t n_voxels;
    tally *tallies; /* one for each worker */
} counting;

/* Ids of neighbours are alike; the multiplications spread them over the whole word. */
static size_t hash(uint64_t pair)
{
    pair ^= pair >> 32;
    pair *= 0xd6e8feb86659fd93u;
    pair ^= pair >> 32;
    pair *= 0xd6e8feb86659fd93u;
    return (size_t)(pair ^ pair >> 32);
}

/* Where the pair is, or the free slot where it belongs. */
static slot *find(slot *slots, size_t n_slots, uint64_t pair)
{
    size_t i = hash(pair) & (n_slots - 1);
    while (slots[i].n_voxels != 0 && slots[i].pair != pair)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static bool grow(tally *t)
{
    const size_t n_slots = t->n_slots ? 2 * t->n_slots : FIRST_SLOTS;
    /* twice the table: what it becomes, the list and the list's spare copy, is as large as the table itself */
    if (t->limit_bytes != 0 && n_slots > t->limit_bytes / (2 * sizeof(slot))) {
        pea__fail(&t->err, PEA_E_LIMIT,
                  "counting the overlaps of two label images needs more than %" PRIu64
                  " bytes on one thread: raise the memory limit or use fewer threads",
                  t->limit_bytes);
        return false;
    }
    slot *slots = pea__alloc_unset(n_slots, sizeof *slots, &t->err);
    if (!slots)
        return false;
    memset(slots, 0, n_slots * sizeof *slots); /* written before read: pages read first would be mapped twice */
    for (size_t i = 0; i < t->n_slots; i++)
        if (t->slots[i].n_voxels != 0)
            *find(slots, n_slots, t->slots[i].pair) = t->slots[i];
    pea__free_unset(t->slots);
    t->slots = slots;
    t->n_slots = n_slots;
    return true;
}

static bool add(tally *t, uint64_t pair, int64_t n_voxels)
{
    if (2 * t->n_used >= t->n_slots && !grow(t))
        return false;
    slot *s = find(t->slots, t->n_slots, pair);
    t->n_used += s->n_voxels == 0;
    s->pair = pair;
    s->n_voxels += n_voxels;
    return true;
}

/* Label images consist of runs: one look-up for each run and not for each voxel. */
static void count_chunk(void *argument, int64_t index, int worker)
{
    const counting *c = argument;
    tally *t = &c->tallies[worker];
    const int64_t end = pea__min_i64((index + 1) * CHUNK_VOXELS, c->n_voxels);
    for (int64_t i = index * CHUNK_VOXELS; i < end && t->err.status == PEA_OK;) {
        const uint32_t truth = c->truth[i], pred = c->pred[i];
        const int64_t first = i;
        while (i < end && c->truth[i] == truth && c->pred[i] == pred)
            i++;
        add(t, (uint64_t)truth << 32 | pred, i - first);
    }
}

static uint32_t *side(pea__cell *cell, bool of_truth)
{
    return of_truth ? &cell->truth : &cell->pred;
}

/* Radix sort: stable, linear, no recursion. A byte that is the same in all ids costs one reading pass. */
static pea_status sort_cells(pea__cell **cells, pea__cell **spare, size_t n, bool by_truth, pea_context *context,
                             pea_error *err)
{
    for (int shift = 0; shift < 32; shift += 8) {
        size_t start[256] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++)
            start[*side(*cells + i, by_truth) >> shift & 255]++;
        if (start[*side(*cells, by_truth) >> shift & 255] == n)
            continue;
        for (int b = 0; b < 256; b++) {
            const size_t count = start[b];
            start[b] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++) {
            (*spare)[start[*side(*cells + i, by_truth) >> shift & 255]++] = (*cells)[i];
            if (i % CELLS_AT_ONCE == 0) {
                const pea_status status = pea__progress(context, 0.9, err);
                if (status != PEA_OK)
                    return status;
            }
        }
        pea__cell *const sorted = *spare;
        *spare = *cells;
        *cells = sorted;
    }
    return PEA_OK;
}

/* List the ids of one side, by which the cells are sorted, and put indices in their place. */
static pea_status number_side(pea__cell *cells, size_t n, bool of_truth, pea__segment **segments,
                              size_t *n_segments, pea_error *err)
{
    size_t n_ids = 1;
    for (size_t i = 1; i < n; i++)
        n_ids += *side(cells + i, of_truth) != *side(cells + i - 1, of_truth);
    pea__segment *list = pea__alloc(n_ids, sizeof *list, err);
    if (!list)
        return PEA_E_NOMEM;
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t *id = side(cells + i, of_truth);
        if (i > 0 && *id != list[last].id)
            last++;
        list[last].id = *id;
        list[last].n_voxels += cells[i].n_voxels;
        *id = (uint32_t)last;
    }
    *segments = list;
    *n_segments = n_ids;
    return PEA_OK;
}

/* The same pair counted by several workers becomes one cell. */
static size_t combine(pea__cell *cells, size_t n)
{
    size_t last = 0;
    for (size_t i = 1; i < n; i++)
        if (cells[i].truth == cells[last].truth && cells[i].pred == cells[last].pred)
            cells[last].n_voxels += cells[i].n_voxels;
        else
            cells[++last] = cells[i];
    return last + 1;
}

/* All tallies in one list of ids, in no particular order; the tallies are freed. */
static pea_status collect(tally *tallies, int n_tallies, pea__contingency *table, pea__cell **spare, pea_error *err)
{
    for (int w = 0; w < n_tallies; w++)
        table->n_cells += tallies[w].n_used;
    table->cells = pea__alloc_unset(table->n_cells, sizeof *table->cells, err);
    *spare = pea__alloc_unset(table->n_cells, sizeof **spare, err);
    if (!table->cells || !*spare)
        return PEA_E_NOMEM;
    pea__cell *to = table->cells;
    for (int w = 0; w < n_tallies; w++) {
        for (size_t i = 0; i < tallies[w].n_slots; i++) {
            const slot s = tallies[w].slots[i];
            if (s.n_voxels != 0)
                *to++ = (pea__cell){(uint32_t)(s.pair >> 32), (uint32_t)s.pair, s.n_voxels};
        }
        pea__free_unset(tallies[w].slots);
        tallies[w].slots = NULL;
    }
    return PEA_OK;
}

static pea_status make_table(tally *tallies, int n_tallies, pea_context *context, pea__contingency *table,
                             pea_error *err)
{
    pea__cell *spare = NULL;
    pea_status status = collect(tallies, n_tallies, table, &spare, err);
    if (status == PEA_OK)
        status = sort_cells(&table->cells, &spare, table->n_cells, false, context, err);
    if (status == PEA_OK)
        status = number_side(table->cells, table->n_cells, false, &table->pred, &table->n_pred, err);
    if (status == PEA_OK) /* stable: inside one truth the order by pred remains */
        status = sort_cells(&table->cells, &spare, table->n_cells, true, context, err);
    if (status == PEA_OK) {
        table->n_cells = combine(table->cells, table->n_cells);
        status = number_side(table->cells, table->n_cells, true, &table->truth, &table->n_truth, err);
    }
    pea__free_unset(spare);
    return status;
}

pea_status pea__contingency_count(const pea_array *truth, const pea_array *pred, pea_context *context,
                                  pea__contingency *table, pea_error *err)
{
    const int n_workers = pea__workers(context);
    const int64_t n_voxels = truth->dims.z * truth->dims.y * truth->dims.x;
    tally *tallies = pea__alloc((size_t)n_workers, sizeof *tallies, err);
    *table = (pea__contingency){0};
    if (!tallies)
        return PEA_E_NOMEM;
    const uint64_t limit = pea__memory_limit(context);
    for (int w = 0; w < n_workers; w++)
        tallies[w].limit_bytes = limit == 0 ? 0 : limit / (uint64_t)n_workers + 1;
    counting work = {truth->data, pred->data, n_voxels, tallies};

    pea_status status =
        pea__parallel(context, pea__ceil_div(n_voxels, CHUNK_VOXELS), 0.0, 0.9, count_chunk, &work, err);
    for (int w = 0; w < n_workers && status == PEA_OK; w++)
        if (tallies[w].err.status != PEA_OK)
            status = pea__fail(err, tallies[w].err.status, "%s", tallies[w].err.message);
    if (status == PEA_OK)
        status = make_table(tallies, n_workers, context, table, err);
    for (int w = 0; w < n_workers; w++)
        pea__free_unset(tallies[w].slots);
    pea__free(tallies);
    if (status != PEA_OK)
        pea__contingency_free(table);
    return status;
}

void pea__contingency_free(pea__contingency *table)
{
    pea__free(table->truth);
    pea__free(table->pred);
    pea__free_unset(table->cells);
    *table = (pea__contingency){0};
}
