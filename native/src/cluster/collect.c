/* collect.c - the edges between the clusters that tiles left: those inside a tile, which they noted, those that leave
 * one, and the repulsive ones. Of many between the same two clusters mostly the earliest alone is kept.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>
#include <string.h>

enum { SEEN_BITS = 14 };

typedef struct edge {
    uint64_t ends, id;
    uint32_t key;
} edge;

/* Edges of one tile, collected by one worker. */
typedef struct edge_list {
    edge *edges; /* grows */
    int64_t n, capacity;
    uint32_t seen[1 << SEEN_BITS]; /* where an edge between two clusters was put last; forgets */
} edge_list;

typedef struct workspace {
    edge_list attractive, repulsive;
    bool failed;
    uint32_t keys[PEA__ROW_AT_ONCE];
} workspace;

/* What a tile adds to the lists of all edges, and where. */
typedef struct block {
    edge *edges; /* owned: pea__free(); attractive ones first */
    int64_t n_attractive, n_repulsive;
    int64_t attractive_at, repulsive_at;
    bool failed;
} block;

typedef struct collection {
    const pea__graph *graph;
    const pea__tiling *tiling;
    const int32_t *forest;
    uint32_t first_number, first_cluster; /* of this slab, in the forest and in the graph: others follow */
    pea__tile_graph *tiles;
    workspace *spaces;
    block *blocks; /* by tile */
    pea__cluster_graph *clusters;
} collection;

static bool grow(edge_list *list)
{
    const int64_t capacity = list->capacity ? 2 * list->capacity : 1 << 12;
    edge *edges = pea__realloc(list->edges, (size_t)capacity, sizeof *edges, NULL);
    if (edges) {
        list->edges = edges;
        list->capacity = capacity;
    }
    return edges != NULL;
}

/* In the graph; PEA__NO_CLUSTER: it will not change any more. */
static uint32_t cluster_of(const collection *work, uint32_t label)
{
    if (label >= work->first_number)
        return label - work->first_number + work->first_cluster;
    const int32_t value = pea__root_value(work->forest, label);
    return value == PEA__FINAL ? PEA__NO_CLUSTER : ~(uint32_t)value;
}

/* Of edges between the same two clusters only the earliest is needed, and mostly kept. */
static void put(const collection *work, workspace *w, edge_list *list, uint32_t from, uint32_t to, uint32_t key,
                uint64_t id)
{
    const uint32_t a = cluster_of(work, from), b = cluster_of(work, to);
    const edge e = {pea__ends(a, b), id, key};
    if (a == b || a == PEA__NO_CLUSTER || b == PEA__NO_CLUSTER)
        return;
    uint32_t *slot = list->seen + (e.ends * 0x9E3779B97F4A7C15u >> (64 - SEEN_BITS));
    if (*slot < list->n && list->edges[*slot].ends == e.ends) {
        edge *known = list->edges + *slot;
        if (key > known->key || (key == known->key && id > known->id))
            *known = e;
        return;
    }
    if (list->n == list->capacity && (w->failed || !grow(list))) {
        w->failed = true;
        return;
    }
    *slot = (uint32_t)list->n;
    list->edges[list->n++] = e;
}

/* Edges of offset k that voxels from, from + step ... below `to` of row (z,y) store. */
static void put_row(const collection *work, workspace *w, size_t k, int64_t z, int64_t y, int64_t from, int64_t to)
{
    int64_t step = 1;
    const pea__graph *graph = work->graph;
    const int64_t row = (z * graph->dims.y + y) * graph->dims.x;
    const bool attractive = k < (size_t)graph->offsets->n_axes;
    if (!attractive)
        step = graph->stride[2];
    pea__edge_range(graph->dims.x, graph->offsets->step[k].x, &from, &to);
    for (int64_t x = pea__ceil_div(from, step) * step; x < to; x += PEA__ROW_AT_ONCE * step) {
        const int64_t n = pea__min_i64(pea__ceil_div(to - x, step), PEA__ROW_AT_ONCE);
        const uint32_t *here = graph->labels + row + x, *there = here + graph->flat_step[k];
        pea__edge_keys(graph, k, z, y, x, step, n, w->keys);
        for (int64_t i = 0; i < n; i++) {
            const uint64_t id = attractive ? (uint64_t)((int64_t)k * graph->n_voxels + row + x + i * step) : 0;
            if (w->keys[i] && here[i * step] != there[i * step])
                put(work, w, attractive ? &w->attractive : &w->repulsive, here[i * step], there[i * step],
                    w->keys[i], id);
        }
    }
}

/* Edges that row (z,y) of a tile stores, and those that waited for it. */
static void put_rows(const collection *work, workspace *w, const pea__box *box, size_t k, int64_t z, int64_t y)
{
    const pea__graph *graph = work->graph;
    const pea_offset o = graph->offsets->step[k];
    const int64_t x0 = box->begin[2], x1 = box->end[2], z2 = z + o.z, y2 = y + o.y;
    if (pea__plane_of(graph, z, y) - graph->ahead[k] < graph->begin && graph->ahead[k] > 0 &&
        pea__edge_row(graph, k, z - o.z, y - o.y))
        put_row(work, w, k, z - o.z, y - o.y, pea__max_i64(x0 - o.x, 0), pea__min_i64(x1 - o.x, graph->dims.x));
    if (!pea__edge_row(graph, k, z, y) || pea__plane_of(graph, z2, y2) >= graph->end)
        return;
    if (k >= (size_t)graph->offsets->n_axes || z2 < box->begin[0] || z2 >= box->end[0] || y2 < box->begin[1] ||
        y2 >= box->end[1]) {
        put_row(work, w, k, z, y, x0, x1);
    } else { /* the tile noted those that stay inside */
        put_row(work, w, k, z, y, x0, pea__min_i64(x1, x0 - o.x));
        put_row(work, w, k, z, y, pea__max_i64(x0, x1 - o.x), x1);
    }
}

static void collect_tile(void *argument, int64_t index, int worker)
{
    const collection *work = argument;
    const pea__box box = pea__tile_box(work->tiling, index);
    workspace *w = work->spaces + worker;
    block *made = work->blocks + index;
    w->attractive.n = w->repulsive.n = 0;
    for (size_t k = 0; k < work->graph->offsets->n; k++)
        for (int64_t z = box.begin[0]; z < box.end[0]; z++)
            for (int64_t y = box.begin[1]; y < box.end[1]; y++)
                put_rows(work, w, &box, k, z, y);
    made->n_attractive = w->attractive.n;
    made->n_repulsive = w->repulsive.n;
    if (!w->failed)
        made->edges = pea__realloc(NULL, (size_t)(w->attractive.n + w->repulsive.n), sizeof *made->edges, NULL);
    made->failed = !made->edges;
    if (made->failed)
        return;
    for (int64_t i = 0; i < w->attractive.n; i++)
        made->edges[i] = w->attractive.edges[i];
    for (int64_t i = 0; i < w->repulsive.n; i++)
        made->edges[w->attractive.n + i] = w->repulsive.edges[i];
}

static void write_edge(pea__edges *to, int64_t at, uint64_t ends, uint32_t key, uint64_t id)
{
    to->ends[at] = ends;
    to->key[at] = key;
    if (to->id)
        to->id[at] = id;
}

/* The edges that a tile noted, with what is true outside of it. */
static void write_noted(const collection *work, const pea__box *box, const pea__tile_graph *tile, int64_t at)
{
    const pea_dims d = work->graph->dims;
    const uint32_t first = tile->first_cluster - work->first_number + work->first_cluster;
    const uint32_t n_y = (uint32_t)(box->end[1] - box->begin[1]), n_x = (uint32_t)(box->end[2] - box->begin[2]);
    for (int32_t i = 0; i < tile->n_edges; i++) {
        const pea__tile_edge e = tile->edges[i];
        const uint32_t k = e.tie / PEA__TILE_VOXELS, v = e.tie % PEA__TILE_VOXELS, row = v / n_x;
        const int64_t z = box->begin[0] + row / n_y, y = box->begin[1] + row % n_y, x = box->begin[2] + v % n_x;
        write_edge(&work->clusters->attractive, at + i,
                   pea__ends(first + (e.ends >> 16), first + (e.ends & 0xFFFFu)), e.key,
                   (uint64_t)(k * work->graph->n_voxels + (z * d.y + y) * d.x + x));
    }
}

static void gather_tile(void *argument, int64_t index, int worker)
{
    const collection *work = argument;
    const pea__box box = pea__tile_box(work->tiling, index);
    pea__tile_graph *tile = work->tiles + index;
    block *made = work->blocks + index;
    (void)worker;
    write_noted(work, &box, tile, made->attractive_at);
    for (int64_t i = 0; i < made->n_attractive + made->n_repulsive; i++) {
        const edge e = made->edges[i];
        if (i < made->n_attractive)
            write_edge(&work->clusters->attractive, made->attractive_at + tile->n_edges + i, e.ends, e.key, e.id);
        else
            write_edge(&work->clusters->repulsive, made->repulsive_at + i - made->n_attractive, e.ends, e.key, 0);
    }
    pea__free(made->edges);
    made->edges = NULL;
    pea__free(tile->edges);
    tile->edges = NULL;
}

/* A fifth more than is needed, as slabs may be thin and many. */
pea_status pea__edges_reserve(pea__edges *edges, int64_t n, bool with_id, pea_error *err)
{
    const size_t capacity = (size_t)(n + n / 5);
    void *grown;
    if (n <= edges->capacity && edges->key)
        return PEA_OK;
    if (!(grown = pea__realloc(edges->ends, capacity, sizeof *edges->ends, err)))
        return PEA_E_NOMEM;
    edges->ends = grown;
    if (!(grown = pea__realloc(edges->key, capacity, sizeof *edges->key, err)))
        return PEA_E_NOMEM;
    edges->key = grown;
    if (with_id && !(grown = pea__realloc(edges->id, capacity, sizeof *edges->id, err)))
        return PEA_E_NOMEM;
    edges->id = with_id ? grown : NULL;
    edges->capacity = (int64_t)capacity;
    return PEA_OK;
}

void pea__edges_free(pea__edges *edges)
{
    pea__free(edges->ends);
    pea__free(edges->key);
    pea__free(edges->id);
    *edges = (pea__edges){0};
}

static pea_status gather(collection *work, pea_context *context, double from, double to, pea_error *err)
{
    pea__edges *attractive = &work->clusters->attractive, *repulsive = &work->clusters->repulsive;
    int64_t n_attractive = attractive->n, n_repulsive = repulsive->n;
    for (int64_t i = 0; i < work->tiling->n; i++) {
        block *made = work->blocks + i;
        if (made->failed)
            return pea__fail(err, PEA_E_NOMEM, "out of memory for the edges between clusters");
        made->attractive_at = n_attractive;
        made->repulsive_at = n_repulsive;
        n_attractive += work->tiles[i].n_edges + made->n_attractive;
        n_repulsive += made->n_repulsive;
    }
    if (n_attractive > UINT32_MAX || n_repulsive > UINT32_MAX)
        return pea__fail(err, PEA_E_LIMIT,
                         "%" PRId64 " attractive and %" PRId64 " repulsive edges between clusters are more than "
                         "2^32 - 1: cluster in smaller blocks, or with larger strides",
                         n_attractive, n_repulsive);
    pea_status status = pea__edges_reserve(attractive, n_attractive, true, err);
    if (status == PEA_OK)
        status = pea__edges_reserve(repulsive, n_repulsive, false, err);
    if (status != PEA_OK)
        return status;
    attractive->n = n_attractive;
    repulsive->n = n_repulsive;
    return pea__parallel(context, work->tiling->n, from, to, gather_tile, work, err);
}

static void free_spaces(workspace *spaces, int n)
{
    for (int i = 0; spaces && i < n; i++) {
        pea__free(spaces[i].attractive.edges);
        pea__free(spaces[i].repulsive.edges);
    }
    pea__free(spaces);
}

pea_status pea__collect(const pea__graph *graph, const pea__tiling *tiling, pea_context *context, double from,
                        double to, const int32_t *forest, pea__tile_graph *tiles, pea__cluster_graph *clusters,
                        pea_error *err)
{
    collection work = {.graph = graph, .tiling = tiling, .forest = forest, .tiles = tiles, .clusters = clusters};
    const double middle = from + 0.8 * (to - from);
    const int n_workers = pea__workers(context);
    pea_status status = PEA_E_NOMEM;
    const pea__tile_graph *last = tiles + tiling->n - 1;
    work.first_number = tiles->first_cluster;
    work.first_cluster = clusters->n_clusters - (last->first_cluster + last->n_clusters - work.first_number);
    work.spaces = pea__alloc((size_t)n_workers, sizeof *work.spaces, err);
    work.blocks = work.spaces ? pea__alloc((size_t)tiling->n, sizeof *work.blocks, err) : NULL;
    if (work.blocks)
        status = pea__parallel(context, tiling->n, from, middle, collect_tile, &work, err);
    free_spaces(work.spaces, n_workers);
    if (status == PEA_OK)
        status = gather(&work, context, middle, to, err);
    for (int64_t i = 0; work.blocks && i < tiling->n; i++)
        pea__free(work.blocks[i].edges);
    pea__free(work.blocks);
    return status;
}
