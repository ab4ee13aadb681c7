/* region_graph.c - regions that touch, found in one pass over labels and affinities.
 *
 * The volume is cut into pieces of whole rows, whatever the number of threads; each piece collects the pairs of labels
 * it meets in a table of its own. What the tables hold is sorted, that of the same pair in the order of the pieces, and
 * added up: so every sum is made in the same order, and has the same bits, always.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/regions.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { PIECE_VOXELS = 1 << 17 };

/* Shares of the progress bar. */
#define COLLECTED 0.8
#define ADDED_UP 0.9

pea_region_graph_options pea_region_graph_options_default(void)
{
    return (pea_region_graph_options){.struct_size = sizeof(pea_region_graph_options)};
}

/* ---- the object ---- */

pea_status pea__region_graph_new(int64_t n_nodes, int64_t n_edges, int n_bins, pea_region_graph **graph,
                                 pea_error *err)
{
    pea_region_graph *made = pea__alloc(1, sizeof *made, err);
    if (!made)
        return PEA_E_NOMEM;
    *made = (pea_region_graph){.n_nodes = n_nodes, .n_edges = n_edges, .n_bins = n_bins};
    made->nodes = pea__alloc((size_t)n_nodes, sizeof *made->nodes, err);
    made->edges = made->nodes ? pea__alloc((size_t)n_edges, sizeof *made->edges, err) : NULL;
    if (made->edges && n_bins)
        made->histograms = pea__alloc((size_t)n_edges, (size_t)n_bins * sizeof *made->histograms, err);
    if (!made->edges || (n_bins && !made->histograms)) {
        pea_region_graph_free(made);
        return PEA_E_NOMEM;
    }
    *graph = made;
    return PEA_OK;
}

pea_status pea__region_graph_check_memory(const pea_region_graph *graph, uint64_t node_bytes, uint64_t edge_bytes,
                                          const char *what, pea_context *context, pea_error *err)
{
    const uint64_t limit = pea__memory_limit(context),
                   needed = (uint64_t)graph->n_nodes * (sizeof *graph->nodes + node_bytes) +
                            (uint64_t)graph->n_edges * (sizeof *graph->edges + edge_bytes); /* both below 2^32 */
    if (limit == 0 || needed <= limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT,
                     "%s of %" PRId64 " regions with %" PRId64 " contacts needs %" PRIu64 " bytes but the limit is %" PRIu64
                     ": raise it or work in smaller blocks", what, graph->n_nodes, graph->n_edges, needed, limit);
}

void pea_region_graph_free(pea_region_graph *graph)
{
    if (!graph)
        return;
    pea__free(graph->histograms);
    pea__free(graph->edges);
    pea__free(graph->nodes);
    pea__free(graph);
}

const pea_region_node *pea_region_graph_nodes(const pea_region_graph *graph, size_t *n_nodes)
{
    *n_nodes = (size_t)graph->n_nodes;
    return graph->nodes;
}

const pea_region_edge *pea_region_graph_edges(const pea_region_graph *graph, size_t *n_edges)
{
    *n_edges = (size_t)graph->n_edges;
    return graph->edges;
}

const uint32_t *pea_region_graph_histogram(const pea_region_graph *graph, size_t edge, int *n_bins)
{
    *n_bins = graph->n_bins;
    if (!graph->histograms || edge >= (size_t)graph->n_edges)
        return NULL;
    return graph->histograms + edge * (size_t)graph->n_bins;
}

pea_status pea_region_graph_quantile(const pea_region_graph *graph, size_t edge, int percent, double *quantile,
                                     pea_error *err)
{
    int n_bins, bin = 0;
    const uint32_t *counts = pea_region_graph_histogram(graph, edge, &n_bins);
    if (percent < 0 || percent > 99)
        return pea__fail(err, PEA_E_ARG, "a quantile must be at 0 to 99 percent, not %d", percent);
    if (!counts)
        return pea__fail(err, PEA_E_ARG, "edge %zu has no histogram: there are %" PRId64 " edges with %d bins", edge,
                         graph->n_edges, graph->n_bins);
    const int64_t total = graph->edges[edge].n_faces; /* divided before it is multiplied: no overflow */
    const int64_t wanted = total / 100 * percent + total % 100 * percent / 100 + 1;
    for (int64_t seen = counts[0]; seen < wanted && bin < n_bins - 1; seen += counts[bin])
        bin++;
    *quantile = (bin + 0.5) / n_bins;
    return PEA_OK;
}

/* ---- one piece of the volume ---- */

typedef struct piece {
    pea__region_table table;
    uint64_t last_key; /* neighbours mostly repeat: 0, which no pair has, before the first */
    uint32_t last_place;
    int64_t not_finite; /* element of the affinity, or -1 */
    pea_status status;
    pea_error err;
} piece;

typedef struct building {
    const uint32_t *labels;
    const float *affinity;
    const pea_offsets *offsets;
    pea_dims dims; /* of the affinity */
    int n_offsets, n_bins;
    int64_t rows_each, n_pieces;
    piece *pieces;
    pea__region_memory memory;
} building;

static bool find(piece *at, uint64_t key)
{
    if (key == at->last_key)
        return true;
    at->status = pea__region_table_find(&at->table, key, &at->last_place, &at->err);
    at->last_key = at->status == PEA_OK ? key : 0;
    return at->status == PEA_OK;
}

static bool add_voxels(piece *at, uint32_t label, int64_t n)
{
    if (label == 0)
        return true;
    if (!find(at, (uint64_t)label << 32 | label))
        return false;
    at->table.items[at->last_place].n += n;
    return true;
}

/* n faces beside each other along x, the first of them with this element of the affinity. */
static bool add_faces(const building *work, piece *at, uint32_t a, uint32_t b, int64_t element, int64_t n)
{
    if (!find(at, a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a))
        return false;
    pea__region_item item = at->table.items[at->last_place];
    uint32_t *counts = work->n_bins ? at->table.histograms + (size_t)at->last_place * (size_t)work->n_bins : NULL;
    for (int64_t i = 0; i < n; i++, element += work->dims.c) {
        const float value = work->affinity[element];
        if (!isfinite(value)) {
            at->not_finite = element;
            return false;
        }
        item.max = item.n == 0 || value > item.max ? value : item.max;
        item.sum += (double)value;
        item.n++;
        if (counts)
            counts[pea__region_bin(value, work->n_bins)]++;
    }
    at->table.items[at->last_place] = item;
    return true;
}

static bool count_row(piece *at, const uint32_t *row, int64_t n)
{
    for (int64_t x = 0, begin = 0; x < n; begin = x) {
        while (x < n && row[x] == row[begin])
            x++;
        if (!add_voxels(at, row[begin], x - begin))
            return false;
    }
    return true;
}

/* The faces between a row and what lies one offset away. */
static bool compare_row(const building *work, piece *at, int64_t z, int64_t y, int k)
{
    const pea_dims d = work->dims;
    const pea_offset o = work->offsets->step[k];
    const int64_t z2 = z + o.z, y2 = y + o.y;
    if (z2 < 0 || z2 >= d.z || y2 < 0 || y2 >= d.y)
        return true;
    const int64_t begin = pea__max_i64(0, -(int64_t)o.x), end = pea__min_i64(d.x, d.x - o.x);
    const int64_t first = (z * d.y + y) * d.x;
    const uint32_t *row = work->labels + first, *other = work->labels + (z2 * d.y + y2) * d.x;
    for (int64_t x = begin; x < end;) {
        const uint32_t a = row[x], b = other[x + o.x];
        const int64_t from = x++;
        if (a == b || a == 0 || b == 0)
            continue;
        while (x < end && row[x] == a && other[x + o.x] == b)
            x++;
        if (!add_faces(work, at, a, b, (first + from) * d.c + k, x - from))
            return false;
    }
    return true;
}

static void collect_piece(void *argument, int64_t index, int worker)
{
    const building *work = argument;
    piece *at = work->pieces + index;
    const int64_t end = pea__min_i64(work->dims.z * work->dims.y, (index + 1) * work->rows_each);
    (void)worker;
    for (int64_t row = index * work->rows_each; row < end; row++) {
        if (!count_row(at, work->labels + row * work->dims.x, work->dims.x))
            return;
        for (int k = 0; k < work->n_offsets; k++)
            if (!compare_row(work, at, row / work->dims.y, row % work->dims.y, k))
                return;
    }
}

/* The first piece that failed speaks for all. */
static pea_status check_pieces(const building *work, pea_error *err)
{
    const pea_dims d = work->dims;
    for (int64_t i = 0; i < work->n_pieces; i++) {
        const piece *at = work->pieces + i;
        if (at->status != PEA_OK)
            return pea__fail(err, at->status, "%s", at->err.message);
        if (at->not_finite >= 0) {
            const int64_t p = at->not_finite / d.c;
            return pea__fail(err, PEA_E_FORMAT,
                             "affinity is %s at z %" PRId64 ", y %" PRId64 ", x %" PRId64 ", offset %" PRId64
                             ": it must be a finite number between regions",
                             isnan(work->affinity[at->not_finite]) ? "NaN" : "infinite", p / (d.x * d.y),
                             p / d.x % d.y, p % d.x, at->not_finite % d.c);
        }
    }
    return PEA_OK;
}

/* ---- which node has a label ---- */

/* Labels mostly are small numbers; then a look into a table is enough. */
typedef struct node_index {
    const pea_region_graph *graph;
    uint32_t *nodes; /* [label]: node + 1, 0 is none; NULL where labels are too large */
    uint64_t n_labels;
} node_index;

static pea_status index_nodes(const pea_region_graph *graph, node_index *index, pea_error *err)
{
    const uint64_t n = graph->n_nodes ? (uint64_t)graph->nodes[graph->n_nodes - 1].label + 1 : 0;
    *index = (node_index){.graph = graph};
    if (n == 0 || n > 4 * (uint64_t)graph->n_nodes + 4096)
        return PEA_OK;
    index->nodes = pea__alloc((size_t)n, sizeof *index->nodes, err);
    if (!index->nodes)
        return PEA_E_NOMEM;
    index->n_labels = n;
    for (int64_t i = 0; i < graph->n_nodes; i++)
        index->nodes[graph->nodes[i].label] = (uint32_t)i + 1;
    return PEA_OK;
}

/* False where no node has it. */
static bool find_node(const node_index *index, uint32_t label, uint32_t *node)
{
    int64_t low = 0, high = index->graph->n_nodes - 1;
    if (index->nodes) {
        *node = label < index->n_labels ? index->nodes[label] - 1 : UINT32_MAX;
        return *node != UINT32_MAX;
    }
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (index->graph->nodes[middle].label < label)
            low = middle + 1;
        else
            high = middle;
    }
    *node = (uint32_t)low;
    return high >= 0 && index->graph->nodes[low].label == label;
}

/* ---- all pieces together ---- */

/* What the pieces found, one after another. */
typedef struct pile {
    pea__region_item *items;
    uint32_t *histograms; /* [item][bin] */
    pea__keyed *order;    /* by pair, those of the same pair by piece */
    int64_t n;
    size_t n_bins;
} pile;

static pea_status pile_new(building *work, pile *all, pea_error *err)
{
    *all = (pile){.n_bins = (size_t)work->n_bins};
    for (int64_t i = 0; i < work->n_pieces; i++)
        all->n += work->pieces[i].table.n;
    if (all->n > INT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "more than 2^31 - 1 pairs of regions touch: work in smaller blocks");
    /* the order and what sorts it; nodes are smaller than edges */
    const uint64_t each = sizeof *all->items + 2 * sizeof *all->order + sizeof(pea_region_edge) + 8 * all->n_bins;
    const pea_status status = pea__region_memory_take(&work->memory, (uint64_t)all->n * each, err);
    if (status != PEA_OK)
        return status;
    all->items = pea__alloc_unset((size_t)all->n, sizeof *all->items, err);
    all->order = all->items ? pea__alloc_unset((size_t)all->n, sizeof *all->order, err) : NULL;
    if (all->order && all->n_bins)
        all->histograms = pea__alloc_unset((size_t)all->n, all->n_bins * sizeof *all->histograms, err);
    return all->order && (all->histograms || !all->n_bins) ? PEA_OK : PEA_E_NOMEM;
}

static void pile_free(pile *all)
{
    pea__free_unset(all->histograms);
    pea__free_unset(all->order);
    pea__free_unset(all->items);
}

/* The tables are freed on the way. */
static pea_status fill_pile(building *work, pea_context *context, pile *all, pea_error *err)
{
    pea_status status = PEA_OK;
    int64_t n = 0;
    for (int64_t i = 0; i < work->n_pieces && status == PEA_OK; i++) {
        pea__region_table *table = &work->pieces[i].table;
        for (uint32_t j = 0; j < table->n; j++, n++) {
            all->items[n] = table->items[j];
            all->order[n] = (pea__keyed){table->items[j].key, (uint32_t)n};
        }
        if (all->n_bins && table->n)
            memcpy(all->histograms + (size_t)(n - table->n) * all->n_bins, table->histograms,
                   table->n * all->n_bins * sizeof *all->histograms);
        pea__region_table_free(table);
        status = pea__progress(context, COLLECTED + (ADDED_UP - COLLECTED) * (double)i / (double)work->n_pieces, err);
    }
    return status;
}

static bool is_region(uint64_t key)
{
    return key >> 32 == (uint32_t)key;
}

/* Items from place `at` of the order on that are of the same pair are added up. Returns where the next pair begins, or
 * -1 where a count does not fit. */
static int64_t add_up(const pile *all, int64_t at, pea__region_item *sum, uint32_t *histogram)
{
    const uint64_t key = all->order[at].key;
    *sum = all->items[all->order[at].value];
    if (histogram)
        memcpy(histogram, all->histograms + all->order[at].value * all->n_bins, all->n_bins * sizeof *histogram);
    while (++at < all->n && all->order[at].key == key) {
        const pea__region_item *item = all->items + all->order[at].value;
        sum->max = item->max > sum->max ? item->max : sum->max;
        sum->sum += item->sum;
        sum->n += item->n;
        for (size_t bin = 0; histogram && bin < all->n_bins; bin++) {
            const uint32_t more = all->histograms[all->order[at].value * all->n_bins + bin];
            if (more > UINT32_MAX - histogram[bin])
                return -1;
            histogram[bin] += more;
        }
    }
    return at;
}

static pea_status add_nodes(const pile *all, pea_context *context, pea_region_graph *graph, pea_error *err)
{
    pea_status status = PEA_OK;
    int64_t n = 0, n_asked = 0;
    for (int64_t i = 0; i < all->n && status == PEA_OK;) {
        pea__region_item sum;
        const uint64_t key = all->order[i].key;
        if (is_region(key)) {
            i = add_up(all, i, &sum, NULL);
            graph->nodes[n++] = (pea_region_node){(uint32_t)key, sum.n};
        } else {
            i++;
        }
        if (++n_asked % PEA__EDGES_AT_ONCE == 0)
            status = pea__progress(context, ADDED_UP, err);
    }
    return status;
}

/* Pairs by ascending key: a region's own item is before those with its larger neighbours. */
static pea_status add_edges(const pile *all, const node_index *index, pea_context *context, pea_region_graph *graph,
                            pea_error *err)
{
    pea_status status = PEA_OK;
    uint32_t a = 0, b = 0;
    for (int64_t i = 0, n = 0, n_asked = 0; i < all->n && status == PEA_OK;) {
        pea__region_item sum;
        uint32_t *histogram = all->n_bins ? graph->histograms + (size_t)n * all->n_bins : NULL;
        const uint64_t key = all->order[i].key;
        if (++n_asked % PEA__EDGES_AT_ONCE == 0)
            status = pea__progress(context, ADDED_UP + (1.0 - ADDED_UP) * (double)i / (double)all->n, err);
        if (is_region(key)) {
            i++;
            continue;
        }
        i = add_up(all, i, &sum, histogram);
        if (i < 0)
            return pea__fail(err, PEA_E_LIMIT, "two regions share more than 2^32 - 1 faces: work in smaller blocks");
        while (graph->nodes[a].label != (uint32_t)(key >> 32))
            a++;
        (void)find_node(index, (uint32_t)key, &b); /* it is there: its voxels were counted */
        graph->edges[n++] = (pea_region_edge){a, b, sum.n, sum.sum / (double)sum.n, sum.max};
    }
    return status;
}

static pea_status graph_of(const pile *all, pea_context *context, pea_region_graph **graph, pea_error *err)
{
    int64_t n_nodes = 0, n_edges = 0;
    node_index index = {0};
    for (int64_t i = 0; i < all->n; i++)
        if (i == 0 || all->order[i].key != all->order[i - 1].key)
            ++*(is_region(all->order[i].key) ? &n_nodes : &n_edges);
    pea_status status = pea__region_graph_new(n_nodes, n_edges, (int)all->n_bins, graph, err);
    if (status == PEA_OK)
        status = add_nodes(all, context, *graph, err);
    if (status == PEA_OK)
        status = index_nodes(*graph, &index, err);
    if (status == PEA_OK)
        status = add_edges(all, &index, context, *graph, err);
    pea__free(index.nodes);
    if (status != PEA_OK) {
        pea_region_graph_free(*graph);
        *graph = NULL;
    }
    return status;
}

static pea_status unite_pieces(building *work, pea_context *context, pea_region_graph **graph, pea_error *err)
{
    pile all;
    pea_status status = pile_new(work, &all, err);
    if (status == PEA_OK)
        status = fill_pile(work, context, &all, err);
    if (status == PEA_OK)
        status = pea__keyed_sort(all.order, all.n, context, ADDED_UP, err);
    if (status == PEA_OK)
        status = graph_of(&all, context, graph, err);
    pile_free(&all);
    return status;
}

static pea_status build(building *work, pea_context *context, pea_region_graph **graph, pea_error *err)
{
    work->pieces = pea__alloc((size_t)work->n_pieces, sizeof *work->pieces, err);
    if (!work->pieces)
        return PEA_E_NOMEM;
    for (int64_t i = 0; i < work->n_pieces; i++) {
        work->pieces[i].table = (pea__region_table){.n_bins = work->n_bins, .memory = &work->memory};
        work->pieces[i].not_finite = -1;
    }
    pea_status status = pea__parallel(context, work->n_pieces, 0.0, COLLECTED, collect_piece, work, err);
    if (status == PEA_OK)
        status = check_pieces(work, err);
    if (status == PEA_OK)
        status = unite_pieces(work, context, graph, err);
    for (int64_t i = 0; i < work->n_pieces; i++)
        pea__region_table_free(&work->pieces[i].table);
    pea__free(work->pieces);
    return status;
}

static pea_status check_arguments(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                                  const pea_region_graph_options *chosen, pea_error *err)
{
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = pea__labels_check(labels, err);
    if (status == PEA_OK)
        status = pea__array_check(affinity, "affinity", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__same_space(affinity, "affinity", labels, "labels", err);
    if (status != PEA_OK)
        return status;
    if (affinity->dims.c != (int64_t)offsets->n)
        return pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                         offsets->n, affinity->dims.c);
    if (chosen->n_offsets < 0 || chosen->n_offsets > (int)offsets->n)
        return pea__fail(err, PEA_E_ARG, "%d offsets are to count, but there are %zu", chosen->n_offsets, offsets->n);
    if (chosen->n_bins < 0 || chosen->n_bins > PEA_MAX_REGION_BINS)
        return pea__fail(err, PEA_E_ARG, "histograms must have 0 to %d bins, not %d", PEA_MAX_REGION_BINS,
                         chosen->n_bins);
    return PEA_OK;
}

pea_status pea__region_graph_build(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                                   const pea_region_graph_options *options, const char *stage, pea_context *context,
                                   pea_region_graph **graph, pea_error *err)
{
    *graph = NULL;
    pea_region_graph_options chosen = pea_region_graph_options_default();
    pea_status status = pea__options_take(&chosen, sizeof chosen, options, "region graph", err);
    if (status == PEA_OK)
        status = check_arguments(labels, affinity, offsets, &chosen, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = affinity->dims;
    building work = {.labels = labels->data, .affinity = affinity->data, .offsets = offsets, .dims = d};
    work.n_offsets = chosen.n_offsets ? chosen.n_offsets : offsets->n_axes;
    work.n_bins = chosen.n_bins;
    work.rows_each = pea__max_i64(1, PIECE_VOXELS / d.x);
    work.n_pieces = pea__ceil_div(d.z * d.y, work.rows_each);
    work.memory.limit = pea__memory_limit(context);
    pea__stage(context, stage);
    status = pea__progress(context, 0.0, err);
    if (status == PEA_OK)
        status = build(&work, context, graph, err);
    pea__stage(context, NULL);
    return status;
}

pea_status pea_region_graph_build(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                                  const pea_region_graph_options *options, pea_context *context,
                                  pea_region_graph **graph, pea_error *err)
{
    return pea__region_graph_build(labels, affinity, offsets, options, "region graph", context, graph, err);
}

/* ---- numbers of nodes become labels ---- */

typedef struct projection {
    node_index index;
    const uint32_t *numbers;
    uint32_t *labels;
    int64_t n_voxels;
    atomic_bool stranger;
    atomic_uint_least32_t stranger_label;
} projection;

static void project_piece(void *argument, int64_t index, int worker)
{
    projection *work = argument;
    const int64_t end = pea__min_i64(work->n_voxels, (index + 1) * PIECE_VOXELS);
    uint32_t last = 0, number = 0, node;
    (void)worker;
    for (int64_t p = index * PIECE_VOXELS; p < end; p++) {
        const uint32_t label = work->labels[p];
        if (label != last) {
            if (label != 0 && !find_node(&work->index, label, &node)) {
                atomic_store(&work->stranger_label, label);
                atomic_store(&work->stranger, true);
                return;
            }
            number = label != 0 ? work->numbers[node] : 0;
            last = label;
        }
        if (number != label) /* pages that stay as they are need not be written */
            work->labels[p] = number;
    }
}

pea_status pea__region_graph_project(const pea_region_graph *graph, const uint32_t *numbers, const char *stage,
                                     pea_context *context, const pea_array *labels, pea_error *err)
{
    pea_status status = pea__labels_check(labels, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = labels->dims;
    projection work = {.numbers = numbers, .labels = labels->data, .n_voxels = d.z * d.y * d.x};
    pea__stage(context, stage);
    status = pea__progress(context, 0.0, err);
    if (status == PEA_OK)
        status = index_nodes(graph, &work.index, err);
    if (status == PEA_OK)
        status = pea__parallel(context, pea__ceil_div(work.n_voxels, PIECE_VOXELS), 0.0, 1.0, project_piece, &work,
                               err);
    if (status == PEA_OK && atomic_load(&work.stranger))
        status = pea__fail(err, PEA_E_FORMAT, "label %" PRIu32 " is no node of the region graph: use the labels it was "
                           "built of", (uint32_t)atomic_load(&work.stranger_label));
    pea__stage(context, NULL);
    pea__free(work.index.nodes);
    return status;
}

pea_status pea_region_graph_project(const pea_region_graph *graph, const uint32_t *numbers, pea_context *context,
                                    const pea_array *labels, pea_error *err)
{
    return pea__region_graph_project(graph, numbers, "project", context, labels, err);
}
