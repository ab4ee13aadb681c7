/* order.c - edges by rising key, and on equal keys by rising flat index: walked from the end, the earliest come first.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

enum {
    RADIX_FROM = 1 << 12, /* so many equal keys are sorted by radix */
    AT_ONCE = 1 << 16     /* edges between two questions whether to stop */
};

typedef struct ordering {
    const pea__edges *edges;
    pea__pair *pairs, *scratch;
    pea_context *context;
    double fraction;
} ordering;

static void shell_sort(const ordering *o, pea__pair *pairs, int64_t n)
{
    int64_t gap = 1;
    while (gap < n / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (int64_t i = gap; i < n; i++) {
            const pea__pair moved = pairs[i];
            const uint64_t id = o->edges->id[moved.value];
            int64_t j = i;
            for (; j >= gap && o->edges->id[pairs[j - gap].value] > id; j -= gap)
                pairs[j] = pairs[j - gap];
            pairs[j] = moved;
        }
}

/* ---- long runs: by the low half of the index, then by the high half ---- */

typedef struct run {
    const ordering *ordering;
    pea__pair *pairs, *sorted;
    int64_t n;
    uint32_t key;
    int shift;
} run;

static void take_half(void *argument, int64_t index, int worker)
{
    const run *r = argument;
    const int64_t end = pea__min_i64((index + 1) * AT_ONCE, r->n);
    (void)worker;
    for (int64_t i = index * AT_ONCE; i < end; i++)
        r->pairs[i].key = (uint32_t)(r->ordering->edges->id[r->pairs[i].value] >> r->shift);
}

/* Into their own place, with the key of the run. */
static void put_back(void *argument, int64_t index, int worker)
{
    const run *r = argument;
    const int64_t end = pea__min_i64((index + 1) * AT_ONCE, r->n);
    (void)worker;
    for (int64_t i = index * AT_ONCE; i < end; i++)
        r->pairs[i] = (pea__pair){r->key, r->sorted[i].value};
}

static pea_status radix_sort(const ordering *o, pea__pair *pairs, int64_t n, pea_error *err)
{
    run r = {o, pairs, pairs, n, pairs[0].key, 0};
    const double f = o->fraction;
    pea_status status = PEA_OK;
    for (r.shift = 0; r.shift < 64 && status == PEA_OK; r.shift += 32) {
        status = pea__parallel(o->context, pea__ceil_div(n, AT_ONCE), f, f, take_half, &r, err);
        if (status == PEA_OK)
            status = pea__sort_pairs(o->context, pairs, o->scratch, n, f, f, &r.sorted, err);
        if (status == PEA_OK)
            status = pea__parallel(o->context, pea__ceil_div(n, AT_ONCE), f, f, put_back, &r, err);
    }
    return status;
}

/* ---- all of it ---- */

static pea_status order_runs(ordering *o, int64_t n, double from, double to, pea_error *err)
{
    pea_status status = PEA_OK;
    int64_t next_report = 0;
    for (int64_t i = 0, end; i < n && status == PEA_OK; i = end) {
        for (end = i + 1; end < n && o->pairs[end].key == o->pairs[i].key; end++)
            ;
        if (end - i >= RADIX_FROM)
            status = radix_sort(o, o->pairs + i, end - i, err);
        else if (end - i > 1)
            shell_sort(o, o->pairs + i, end - i);
        if (i < next_report || status != PEA_OK)
            continue;
        o->fraction = from + (to - from) * (double)i / (double)n;
        status = pea__progress(o->context, o->fraction, err);
        next_report = i + AT_ONCE;
    }
    return status;
}

static void pair_keys(void *argument, int64_t index, int worker)
{
    ordering *o = argument;
    const int64_t end = pea__min_i64((index + 1) * AT_ONCE, o->edges->n);
    (void)worker;
    for (int64_t i = index * AT_ONCE; i < end; i++)
        o->pairs[i] = (pea__pair){o->edges->key[i], (uint32_t)i};
}

pea_status pea__edges_order(const pea__edges *edges, pea_context *context, double from, double to, pea__pair **order,
                            pea_error *err)
{
    const double middle = 0.5 * (from + to);
    ordering o = {.edges = edges, .context = context, .fraction = middle};
    pea_status status = PEA_E_NOMEM;
    *order = NULL;
    o.pairs = pea__alloc_unset((size_t)edges->n, sizeof *o.pairs, err);
    o.scratch = o.pairs ? pea__alloc_unset((size_t)edges->n, sizeof *o.scratch, err) : NULL;
    if (o.scratch) {
        pea__pair *sorted = o.pairs;
        status = pea__parallel(context, pea__ceil_div(edges->n, AT_ONCE), from, from, pair_keys, &o, err);
        if (status == PEA_OK)
            status = pea__sort_pairs(context, o.pairs, o.scratch, edges->n, from, middle, &sorted, err);
        o.scratch = sorted == o.pairs ? o.scratch : o.pairs;
        o.pairs = sorted;
    }
    if (status == PEA_OK && edges->id)
        status = order_runs(&o, edges->n, middle, to, err);
    pea__free_unset(o.scratch);
    if (status != PEA_OK)
        pea__free_unset(o.pairs);
    else
        *order = o.pairs;
    return status;
}
