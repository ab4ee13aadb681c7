/* contraction.c - merging nodes of a graph, edges between the same two becoming one.
 *
 *     a ── e ── b        e is contracted: a stays, b's edges move
 *      \       / \
 *       f     g   h      f and g are combined, h moves to a
 *        \   /     \
 *          c        d
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/contraction.h"

/* ---- which edge joins two nodes ---- */

static uint32_t home(const pea__contraction *c, uint32_t a, uint32_t b)
{
    const uint64_t key = a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
    return (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (c->n_slots - 1);
}

/* Its slot, or the free one where it would be. */
static uint32_t slot_of(const pea__contraction *c, uint32_t a, uint32_t b)
{
    uint32_t slot = home(c, a, b);
    for (; c->slots[slot]; slot = (slot + 1) & (c->n_slots - 1)) {
        const uint32_t *ends = c->ends[c->slots[slot] - 1];
        if ((ends[0] == a && ends[1] == b) || (ends[0] == b && ends[1] == a))
            break;
    }
    return slot;
}

/* What follows moves up where the hole would cut it off from its home. */
static void remove_slot(pea__contraction *c, uint32_t hole)
{
    const uint32_t wrap = c->n_slots - 1;
    for (uint32_t at = (hole + 1) & wrap; c->slots[at]; at = (at + 1) & wrap) {
        const uint32_t *ends = c->ends[c->slots[at] - 1];
        if (((at - home(c, ends[0], ends[1])) & wrap) >= ((at - hole) & wrap)) {
            c->slots[hole] = c->slots[at];
            hole = at;
        }
    }
    c->slots[hole] = 0;
}

/* ---- building ---- */

static void link_half(pea__contraction *c, uint32_t node, uint32_t half)
{
    c->next[half] = c->first[node];
    c->first[node] = (int32_t)half;
}

static pea_status fill(const pea_region_graph *graph, pea_context *context, double to, pea__contraction *c,
                       pea_error *err)
{
    pea_status status = PEA_OK;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        c->parent[i] = c->smallest[i] = i;
        c->first[i] = -1;
    }
    for (uint32_t e = 0; e < c->n_edges && status == PEA_OK; e++) {
        const uint32_t a = graph->edges[e].a, b = graph->edges[e].b;
        c->ends[e][0] = a;
        c->ends[e][1] = b;
        c->slots[slot_of(c, a, b)] = e + 1;
        link_half(c, a, 2 * e);
        link_half(c, b, 2 * e + 1);
        c->degree[a]++;
        c->degree[b]++;
        if (e % PEA__EDGES_AT_ONCE == 0)
            status = pea__progress(context, to * e / (double)c->n_edges, err);
    }
    return status;
}

pea_status pea__contraction_new(const pea_region_graph *graph, pea_context *context, double to, pea__contraction *c,
                                pea_error *err)
{
    const size_t n = (size_t)graph->n_nodes, m = (size_t)graph->n_edges;
    *c = (pea__contraction){.n_nodes = graph->n_nodes, .n_edges = graph->n_edges, .n_slots = 2};
    if (m > INT32_MAX / 2 || n > INT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "%zu regions with %zu contacts: at most 2^30 contacts can be worked on", n,
                         m);
    while (c->n_slots < 2 * m)
        c->n_slots *= 2;
    c->ends = pea__alloc(m, sizeof *c->ends, err);
    c->gone = c->ends ? pea__alloc(m, 1, err) : NULL;
    c->next = c->gone ? pea__alloc(2 * m, sizeof *c->next, err) : NULL;
    c->first = c->next ? pea__alloc(n, sizeof *c->first, err) : NULL;
    c->degree = c->first ? pea__alloc(n, sizeof *c->degree, err) : NULL;
    c->parent = c->degree ? pea__alloc(n, sizeof *c->parent, err) : NULL;
    c->smallest = c->parent ? pea__alloc(n, sizeof *c->smallest, err) : NULL;
    c->slots = c->smallest ? pea__alloc(c->n_slots, sizeof *c->slots, err) : NULL;
    const pea_status status = c->slots ? fill(graph, context, to, c, err) : PEA_E_NOMEM;
    if (status != PEA_OK)
        pea__contraction_free(c);
    return status;
}

void pea__contraction_free(pea__contraction *c)
{
    pea__free(c->slots);
    pea__free(c->smallest);
    pea__free(c->parent);
    pea__free(c->degree);
    pea__free(c->first);
    pea__free(c->next);
    pea__free(c->gone);
    pea__free(c->ends);
    *c = (pea__contraction){0};
}

/* ---- contracting ---- */

static void drop(pea__contraction *c, uint32_t edge)
{
    c->gone[edge] = 1;
    c->degree[c->ends[edge][0]]--;
    c->degree[c->ends[edge][1]]--;
}

/* One of the vanishing node's edges goes over to the node that stays. */
static void move_half(pea__contraction *c, uint32_t half, uint32_t stays, bool stays_is_low, pea__combine_fn *combine,
                      void *argument)
{
    const uint32_t edge = half / 2, end = half % 2, other = c->ends[edge][1 - end], from = c->ends[edge][end];
    remove_slot(c, slot_of(c, from, other));
    const uint32_t slot = slot_of(c, stays, other);
    if (c->slots[slot]) {
        const uint32_t rival = c->slots[slot] - 1;
        const uint32_t alive = stays_is_low ? combine(argument, rival, edge) : combine(argument, edge, rival);
        drop(c, alive == rival ? edge : rival);
        if (alive == rival)
            return;
    }
    c->slots[slot] = edge + 1;
    c->ends[edge][end] = stays;
    c->degree[from]--;
    c->degree[stays]++;
    link_half(c, stays, half);
}

void pea__contract(pea__contraction *c, uint32_t edge, pea__combine_fn *combine, void *argument)
{
    const uint32_t p = c->ends[edge][0], q = c->ends[edge][1];
    const bool p_stays = c->degree[p] >= c->degree[q];
    const uint32_t stays = p_stays ? p : q, goes = p_stays ? q : p;
    const bool stays_is_low = c->smallest[stays] < c->smallest[goes];
    remove_slot(c, slot_of(c, p, q));
    drop(c, edge);
    for (int32_t half = c->first[goes], following; half >= 0; half = following) {
        following = c->next[half]; /* moving changes it */
        if (!c->gone[half / 2])
            move_half(c, (uint32_t)half, stays, stays_is_low, combine, argument);
    }
    c->first[goes] = -1;
    c->parent[goes] = stays;
    if (!stays_is_low)
        c->smallest[stays] = c->smallest[goes];
}

uint32_t pea__contraction_numbers(pea__contraction *c, uint32_t *numbers)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        uint32_t name = i;
        for (; c->parent[name] != name; name = c->parent[name])
            c->parent[name] = c->parent[c->parent[name]]; /* shorter for the next who asks */
        numbers[i] = c->smallest[name] == i ? ++n : numbers[c->smallest[name]];
    }
    return n;
}

/* ---- the heap ---- */

static bool before(const pea__ranked *a, const pea__ranked *b)
{
    return a->key > b->key || (a->key == b->key && a->item < b->item);
}

pea_status pea__heap_push(pea__heap *heap, double key, uint32_t item, pea_error *err)
{
    if (heap->n == heap->room) {
        const int64_t room = heap->room ? 2 * heap->room : 256;
        pea__ranked *items = pea__realloc(heap->items, (size_t)room, sizeof *items, err);
        if (!items)
            return PEA_E_NOMEM;
        heap->items = items;
        heap->room = room;
    }
    const pea__ranked fresh = {key, item};
    int64_t at = heap->n++;
    for (; at > 0 && before(&fresh, heap->items + (at - 1) / 2); at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = fresh;
    return PEA_OK;
}

bool pea__heap_pop(pea__heap *heap, pea__ranked *top)
{
    if (heap->n == 0)
        return false;
    *top = heap->items[0];
    const pea__ranked last = heap->items[--heap->n];
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < heap->n; at = child) {
        child += child + 1 < heap->n && before(heap->items + child + 1, heap->items + child);
        if (!before(heap->items + child, &last))
            break;
        heap->items[at] = heap->items[child];
    }
    heap->items[at] = last;
    return true;
}

void pea__heap_free(pea__heap *heap)
{
    pea__free(heap->items);
    *heap = (pea__heap){0};
}
