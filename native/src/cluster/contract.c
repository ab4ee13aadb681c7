/* contract.c - the merges that are certain, found in boxes of the volume that fit into a processor's cache.
 *
 * A cluster whose earliest edge of all is attractive will be merged along it, whatever happens elsewhere
 * (rule 4 of mutex_watershed.c). So a tile needs to know no more of the world than one number for each of its voxels:
 * the level, the key of the earliest edge that is repulsive or leaves the tile. An attractive edge inside the tile
 * that is its cluster's earliest, and earlier than the level of that cluster, is certain. Where it is as early as the
 * level it is left for later, which is never wrong.
 *
 *     1. every voxel looks at its edges, and joins the neighbour of the earliest if that is certain
 *     2. every cluster looks at its edges, and joins likewise; again until no cluster can
 *
 * Levels never fall. An edge that is not earlier than the levels of both its ends is therefore left for good: it is
 * forgotten, so that each turn has fewer edges to look at, and found again at the end between the clusters that are left.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"

#include <inttypes.h>
#include <string.h>

enum { T = PEA__TILE_VOXELS, SEEN_BITS = 12 };

#define OUTSIDE UINT32_MAX /* level of a voxel that the mask leaves out; no key is as large */

/* Edges in any order. Of two the one whose `order` is larger comes first. */
typedef struct edge_list {
    int64_t n;
    uint64_t order[PEA__MAX_ATTRACTIVE * T]; /* key << 32 | offset * T + voxel that stores the edge */
    uint32_t ends[PEA__MAX_ATTRACTIVE * T];  /* two clusters, 16 bits each */
} edge_list;

/* All that a tile needs, for one worker. */
typedef struct workspace {
    pea__box box;
    int64_t n[3], n_voxels;            /* of the tile */
    int64_t step[PEA__MAX_ATTRACTIVE]; /* offsets as distances in its raster */

    /* by voxel */
    uint32_t level[T];
    uint32_t inner[PEA__MAX_ATTRACTIVE][T]; /* keys of the edges stored there that stay inside, 0: none */
    uint32_t best[T], choice[T]; /* the earliest edge there: its key, and which it is */
    uint16_t cluster[T];         /* first the run that it is in */

    /* by run of joined voxels along a row */
    uint8_t inside[T];

    /* by run, and later by cluster of the first step */
    uint16_t parent[T]; /* never larger; itself: a root */
    uint16_t number[T];
    uint32_t n_clusters, level_of[T + 1];
    uint64_t proposal[T];
    uint16_t alive[T];
    int64_t n_alive;

    uint32_t pairs[T + 1]; /* to be joined, 16 bits each */
    int64_t n_pairs;

    edge_list edges; /* those that may be certain; at the end those that are left */
    uint32_t seen[1 << SEEN_BITS];
} workspace;

typedef struct contraction {
    const pea__graph *graph;
    const pea__tiling *tiling;
    uint32_t first; /* cluster */
    uint32_t *labels; /* of the slab */
    pea__tile_graph *tiles;
    workspace *spaces;
} contraction;

/* ---- what the tile sees of the volume ---- */

static bool has_row(const pea__box *box, int64_t z, int64_t y)
{
    return z >= box->begin[0] && z < box->end[0] && y >= box->begin[1] && y < box->end[1];
}

static void lift(uint32_t *level, const uint32_t *keys, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        level[i] = keys[i] > level[i] ? keys[i] : level[i];
}

static void lift_beyond(uint32_t *level, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        level[i] = PEA__UNKNOWN;
}

/* Edges of offset k stored in row (z,y) of the tile: inside the tile they are kept, others raise the level here. `v`
 * is the row's first voxel in the tile. */
static void read_stored(workspace *w, const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t v)
{
    const pea_offset o = graph->offsets->step[k];
    const pea_dims d = graph->dims;
    const int64_t x0 = w->box.begin[2], x1 = w->box.end[2];
    int64_t from = x0, to = x1;
    uint32_t *keys = w->inner[k] + v;
    memset(keys, 0, (size_t)(x1 - x0) * sizeof *keys);
    if (!pea__edge_row(graph, k, z, y))
        return;
    pea__edge_range(d.x, o.x, &from, &to);
    if (from >= to)
        return;
    if (pea__plane_of(graph, z, y) + graph->ahead[k] >= graph->arrived) {
        lift_beyond(w->level + v + from - x0, to - from);
        return;
    }
    pea__edge_keys(graph, k, z, y, from, 1, to - from, keys + from - x0);
    const bool row = has_row(&w->box, z + o.z, y + o.y);
    const int64_t inner_from = row ? pea__min_i64(pea__max_i64(from, x0 - o.x), to) : to;
    const int64_t inner_to = row ? pea__max_i64(pea__min_i64(to, x1 - o.x), inner_from) : to;
    const int64_t leaving[2][2] = {{from, inner_from}, {inner_to, to}};
    for (int i = 0; i < 2; i++)
        for (int64_t x = leaving[i][0]; x < leaving[i][1]; x++) {
            lift(w->level + v + x - x0, keys + x - x0, 1);
            keys[x - x0] = 0;
        }
}

/* Edges of offset k that lead from outside the tile to row (z,y): they raise the level here. */
static void read_arriving(workspace *w, const pea__graph *graph, size_t k, int64_t z, int64_t y, int64_t v)
{
    const pea_offset o = graph->offsets->step[k];
    const pea_dims d = graph->dims;
    const int64_t x0 = w->box.begin[2], x1 = w->box.end[2], z1 = z - o.z, y1 = y - o.y;
    if (!pea__edge_row(graph, k, z1, y1))
        return;
    const bool there = pea__plane_of(graph, z1, y1) < graph->arrived;
    const bool row = has_row(&w->box, z1, y1);
    const int64_t parts[2][2] = {{x0 - o.x, row ? pea__min_i64(x0, x1 - o.x) : x1 - o.x},
                                 {row ? pea__max_i64(x1, x0 - o.x) : x1 - o.x, x1 - o.x}};
    for (int i = 0; i < 2; i++) {
        int64_t from = pea__max_i64(parts[i][0], 0), to = pea__min_i64(parts[i][1], d.x);
        pea__edge_range(d.x, o.x, &from, &to);
        uint32_t *level = w->level + v + from + o.x - x0;
        if (from >= to)
            continue;
        if (!there) {
            lift_beyond(level, to - from);
            continue;
        }
        pea__edge_keys(graph, k, z1, y1, from, 1, to - from, w->best);
        lift(level, w->best, to - from);
    }
}

static void read_tile(workspace *w, const contraction *work, pea__tile_graph *tile)
{
    const pea__graph *graph = work->graph;
    const pea_dims d = graph->dims;
    const int64_t first = graph->begin * graph->plane;
    int64_t v = 0;
    for (int axis = 0; axis < 3; axis++)
        w->n[axis] = w->box.end[axis] - w->box.begin[axis];
    w->n_voxels = w->n[0] * w->n[1] * w->n[2];
    for (int k = 0; k < graph->offsets->n_axes; k++) {
        const pea_offset o = graph->offsets->step[k];
        w->step[k] = (o.z * w->n[1] + o.y) * w->n[2] + o.x;
    }
    for (int64_t z = w->box.begin[0]; z < w->box.end[0]; z++)
        for (int64_t y = w->box.begin[1]; y < w->box.end[1]; y++, v += w->n[2]) {
            const int64_t p = (z * d.y + y) * d.x + w->box.begin[2];
            const uint8_t *mask = pea__mask_row(graph, z, y);
            const bool fresh = pea__plane_of(graph, z, y) >= graph->fresh;
            const int64_t nan_at = fresh && tile->nan_at < 0 ? pea__edge_find_nan(graph, p, w->n[2]) : -1;
            tile->nan_at = nan_at >= 0 ? nan_at : tile->nan_at;
            memcpy(w->level + v, work->labels + p - first, (size_t)w->n[2] * sizeof *w->level);
            for (size_t k = 0; k < (size_t)graph->offsets->n_axes; k++) {
                read_stored(w, graph, k, z, y, v);
                read_arriving(w, graph, k, z, y, v);
            }
            for (int64_t x = 0; mask && x < w->n[2]; x++)
                w->level[v + x] = mask[w->box.begin[2] + x] ? w->level[v + x] : OUTSIDE;
        }
}

/* ---- disjoint sets: the smallest number is the root ---- */

static uint32_t find(uint16_t *parent, uint32_t node)
{
    while (parent[node] != node) {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    return node;
}

static void begin_sets(workspace *w, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        w->parent[i] = (uint16_t)i;
    w->n_pairs = 0;
}

/* That a pair is one is as likely as not: so pairs are listed first, without branches. */
static void list_pair(workspace *w, uint32_t ends, bool joined)
{
    w->pairs[w->n_pairs] = ends;
    w->n_pairs += joined;
}

static void join_pairs(workspace *w)
{
    for (int64_t i = 0; i < w->n_pairs; i++) {
        const uint32_t a = find(w->parent, w->pairs[i] >> 16), b = find(w->parent, w->pairs[i] & 0xFFFFu);
        w->parent[a > b ? a : b] = (uint16_t)(a > b ? b : a);
    }
    w->n_pairs = 0;
}

/* ---- clusters of voxels ---- */

/* A voxel's choice: 0: none; otherwise an edge of offset k that it stores, or that leads to it. */
static uint32_t choice_of(int k, bool stored)
{
    return 2 * (uint32_t)k + (stored ? 1 : 2);
}

/* Offer the edges of offset k to the voxels that store them, or to those they lead to. A voxel takes the first of
 * equals: offer by falling offset and, of the two edges of an offset at a voxel, that with the larger index first. */
static void offer(workspace *w, int k, bool stored)
{
    const int64_t step = w->step[k], n = w->n_voxels;
    const int64_t from = pea__max_i64(0, -step), to = pea__min_i64(n, n - step);
    const uint32_t *keys = w->inner[k];
    const int64_t shift = stored ? 0 : step;
    const uint32_t offered = choice_of(k, stored);
    for (int64_t v = from; v < to; v++) {
        const bool better = keys[v] > w->best[v + shift];
        w->best[v + shift] = better ? keys[v] : w->best[v + shift];
        w->choice[v + shift] = better ? offered : w->choice[v + shift];
    }
}

static void choose_edges(workspace *w, int n_attractive)
{
    memcpy(w->best, w->level, (size_t)w->n_voxels * sizeof *w->best);
    memset(w->choice, 0, (size_t)w->n_voxels * sizeof *w->choice);
    for (int k = n_attractive - 1; k >= 0; k--) {
        const bool stored_is_larger = w->step[k] > 0;
        offer(w, k, stored_is_larger);
        offer(w, k, !stored_is_larger);
    }
}

/* Voxels that one chosen edge after another of offset k joins along the row are a run; -1: every voxel is one. Returns
 * how many there are. */
static int64_t number_runs(workspace *w, int k)
{
    const bool back = k >= 0 && w->step[k] < 0;
    const uint32_t mine = k < 0 ? UINT32_MAX : choice_of(k, back), others = k < 0 ? UINT32_MAX : choice_of(k, !back);
    int64_t run = 0;
    w->cluster[0] = 0;
    w->inside[0] = w->level[0] != OUTSIDE;
    for (int64_t v = 1; v < w->n_voxels; v++) {
        run += !((w->choice[v] == mine) | (w->choice[v - 1] == others));
        w->cluster[v] = (uint16_t)run;
        w->inside[run] = w->level[v] != OUTSIDE;
    }
    return run + 1;
}

static void join_runs(workspace *w, int n_attractive, int k_of_runs)
{
    for (int k = 0; k < n_attractive; k++) {
        const int64_t step = w->step[k];
        const int64_t from = pea__max_i64(0, -step), to = pea__min_i64(w->n_voxels, w->n_voxels - step);
        const uint32_t stored = choice_of(k, true), arriving = choice_of(k, false);
        for (int64_t v = from; v < to && k != k_of_runs; v++)
            list_pair(w, (uint32_t)w->cluster[v] << 16 | w->cluster[v + step],
                      (w->choice[v] == stored) | (w->choice[v + step] == arriving));
    }
    join_pairs(w);
}

/* Roots become clusters 0,1,2..., whose level is the earliest of their members'. */
static void number_clusters(workspace *w, int64_t n_runs)
{
    uint32_t n = 0;
    for (int64_t r = 0; r < n_runs; r++) {
        const bool is_root = w->parent[r] == r;
        w->number[r] = is_root ? (uint16_t)n : w->number[w->parent[r]];
        n += is_root & w->inside[r];
    }
    memset(w->level_of, 0, (n + 1) * sizeof *w->level_of); /* one more: what is outside the mask may come last */
    for (int64_t v = 0; v < w->n_voxels; v++) {
        const uint32_t c = w->number[w->cluster[v]], level = w->level[v] == OUTSIDE ? 0 : w->level[v];
        w->cluster[v] = (uint16_t)c;
        w->level_of[c] = level > w->level_of[c] ? level : w->level_of[c];
    }
    w->n_clusters = n;
}

static void join_voxels(workspace *w, const pea_offsets *offsets)
{
    int k_of_runs = -1;
    for (int k = 0; k < offsets->n_axes; k++) {
        const pea_offset o = offsets->step[k];
        if (o.z == 0 && o.y == 0 && (o.x == 1 || o.x == -1))
            k_of_runs = k;
    }
    choose_edges(w, offsets->n_axes);
    const int64_t n_runs = number_runs(w, k_of_runs);
    begin_sets(w, n_runs);
    join_runs(w, offsets->n_axes, k_of_runs);
    number_clusters(w, n_runs);
}

/* ---- clusters of clusters ---- */

/* Edges between clusters that may be certain. Whether one is is as likely as not: so it is written in any case, and the
 * next one over it. */
static void list_edges(workspace *w, int n_attractive)
{
    int64_t n = 0;
    for (int k = 0; k < n_attractive; k++) {
        const uint32_t *keys = w->inner[k];
        const int64_t step = w->step[k];
        const int64_t from = pea__max_i64(0, -step), to = pea__min_i64(w->n_voxels, w->n_voxels - step);
        for (int64_t v = from; v < to; v++) {
            const uint32_t here = w->cluster[v], there = w->cluster[v + step], key = keys[v];
            w->edges.order[n] = (uint64_t)key << 32 | (uint64_t)(k * T + v);
            w->edges.ends[n] = here << 16 | there;
            n += (here != there) & ((key > w->level_of[here]) | (key > w->level_of[there]));
        }
    }
    w->edges.n = n;
}

/* Give these edges the present numbers of their ends, and drop those that cannot be certain any more. */
static void sift_edges(workspace *w)
{
    const int64_t n_before = w->edges.n;
    int64_t n = 0;
    for (int64_t i = 0; i < n_before; i++) {
        const uint64_t order = w->edges.order[i];
        const uint32_t key = (uint32_t)(order >> 32), ends = w->edges.ends[i];
        const uint32_t here = w->parent[ends >> 16], there = w->parent[ends & 0xFFFFu];
        w->edges.order[n] = order;
        w->edges.ends[n] = here << 16 | there;
        n += (here != there) & ((key > w->level_of[here]) | (key > w->level_of[there]));
    }
    w->edges.n = n;
}

/* Edges between the clusters at the end. Most voxels have none, which is seen of AT_ONCE of them together. */
static void list_left(workspace *w, int n_attractive)
{
    enum { AT_ONCE = 8 };
    int64_t n = 0;
    for (int k = 0; k < n_attractive; k++) {
        const uint32_t *keys = w->inner[k];
        const int64_t step = w->step[k];
        const int64_t from = pea__max_i64(0, -step), to = pea__min_i64(w->n_voxels, w->n_voxels - step);
        for (int64_t begin = from, end; begin < to; begin = end) {
            const uint16_t *here = w->cluster, *there = here + step;
            end = pea__min_i64(to, begin + AT_ONCE);
            if (end == begin + AT_ONCE && memcmp(here + begin, there + begin, AT_ONCE * sizeof *here) == 0)
                continue;
            for (int64_t v = begin; v < end; v++) {
                const uint32_t a = here[v], b = there[v];
                w->edges.order[n] = (uint64_t)keys[v] << 32 | (uint64_t)(k * T + v);
                w->edges.ends[n] = a < b ? a << 16 | b : b << 16 | a;
                n += (a != b) & (keys[v] != 0);
            }
        }
    }
    w->edges.n = n;
}

/* Of edges between the same two clusters the earliest is mostly kept alone: `seen` knows where a pair was put last, and
 * forgets. */
static void combine_edges(workspace *w, edge_list *list)
{
    int64_t n = 0;
    for (int64_t i = 0; i < list->n; i++) {
        const uint64_t order = list->order[i];
        const uint32_t ends = list->ends[i];
        uint32_t *slot = w->seen + (ends * 0x9E3779B1u >> (32 - SEEN_BITS));
        const int64_t last = *slot;
        const bool same = (last < n) & (list->ends[last] == ends);
        const int64_t other = -(int64_t)!same; /* all bits or none */
        const int64_t at = last ^ ((last ^ n) & other);
        const uint64_t held = list->order[last] & ~(uint64_t)other;
        list->order[at] = order > held ? order : held;
        list->ends[at] = ends;
        *slot = (uint32_t)at;
        n += !same;
    }
    list->n = n;
}

/* Every cluster that still is one finds its earliest edge. */
static void propose(workspace *w)
{
    for (int64_t i = 0; i < w->n_alive; i++)
        w->proposal[w->alive[i]] = (uint64_t)w->level_of[w->alive[i]] << 32 | UINT32_MAX; /* to be exceeded */
    for (int64_t i = 0; i < w->edges.n; i++) {
        const uint64_t offered = w->edges.order[i];
        uint64_t *here = w->proposal + (w->edges.ends[i] >> 16), *there = w->proposal + (w->edges.ends[i] & 0xFFFFu);
        *here = offered > *here ? offered : *here;
        *there = offered > *there ? offered : *there;
    }
}

/* All proposals are accepted. What a cluster becomes part of inherits its level. */
static void accept(workspace *w)
{
    int64_t n = 0;
    for (int64_t i = 0; i < w->edges.n; i++) {
        const uint32_t ends = w->edges.ends[i];
        const uint64_t order = w->edges.order[i];
        list_pair(w, ends, (w->proposal[ends >> 16] == order) | (w->proposal[ends & 0xFFFFu] == order));
    }
    join_pairs(w);
    for (int64_t i = 0; i < w->n_alive; i++) {
        const uint32_t c = w->alive[i], level = w->level_of[c];
        const uint32_t root = w->parent[w->parent[c]]; /* smaller numbers came before */
        w->parent[c] = (uint16_t)root;
        w->level_of[root] = level > w->level_of[root] ? level : w->level_of[root];
        w->alive[n] = (uint16_t)c;
        n += root == c;
    }
    w->n_alive = n;
}

/* Merge until nothing is certain; number what is left. */
static void join_clusters(workspace *w)
{
    uint32_t n = 0;
    begin_sets(w, w->n_clusters);
    w->n_alive = w->n_clusters;
    for (uint32_t c = 0; c < w->n_clusters; c++)
        w->alive[c] = (uint16_t)c;
    while (w->edges.n > 0) {
        propose(w);
        accept(w);
        sift_edges(w);
    }
    for (uint32_t c = 0; c < w->n_clusters; c++) {
        const bool is_root = w->parent[c] == c;
        w->number[c] = is_root ? (uint16_t)n : w->number[w->parent[c]];
        n += is_root;
    }
    for (int64_t v = 0; v < w->n_voxels; v++)
        w->cluster[v] = w->number[w->cluster[v]];
}

/* ---- a tile, and all of them ---- */

static void write_labels(workspace *w, const contraction *work)
{
    const pea_dims d = work->graph->dims;
    const int64_t first = work->graph->begin * work->graph->plane;
    int64_t v = 0;
    for (int64_t z = w->box.begin[0]; z < w->box.end[0]; z++)
        for (int64_t y = w->box.begin[1]; y < w->box.end[1]; y++) {
            uint32_t *labels = work->labels + (z * d.y + y) * d.x + w->box.begin[2] - first;
            for (int64_t x = 0; x < w->n[2]; x++, v++)
                labels[x] = w->level[v] == OUTSIDE ? PEA__NO_CLUSTER : w->cluster[v];
        }
}

static void contract_tile(void *argument, int64_t index, int worker)
{
    const contraction *work = argument;
    pea__tile_graph *tile = work->tiles + index;
    workspace *w = work->spaces + worker;
    w->box = pea__tile_box(work->tiling, index);
    read_tile(w, work, tile);
    if (tile->nan_at >= 0)
        return;
    join_voxels(w, work->graph->offsets);
    list_edges(w, work->graph->offsets->n_axes);
    join_clusters(w);
    write_labels(w, work);
    list_left(w, work->graph->offsets->n_axes);
    combine_edges(w, &w->edges);
    tile->n_clusters = (uint32_t)w->n_alive;
    tile->n_edges = (int32_t)w->edges.n;
    tile->edges = pea__realloc(NULL, (size_t)w->edges.n, sizeof *tile->edges, NULL);
    tile->failed = !tile->edges;
    for (int64_t i = 0; tile->edges && i < w->edges.n; i++) {
        const uint64_t order = w->edges.order[i];
        tile->edges[i] = (pea__tile_edge){(uint32_t)(order >> 32), (uint32_t)order, w->edges.ends[i]};
    }
}

/* Clusters are numbered on from tile to tile. */
static void rebase_tile(void *argument, int64_t index, int worker)
{
    const contraction *work = argument;
    const pea_dims d = work->graph->dims;
    const pea__box box = pea__tile_box(work->tiling, index);
    const uint32_t first = work->tiles[index].first_cluster;
    uint32_t *slab = work->labels - work->graph->begin * work->graph->plane;
    (void)worker;
    for (int64_t z = box.begin[0]; z < box.end[0]; z++)
        for (int64_t y = box.begin[1]; y < box.end[1]; y++) {
            uint32_t *labels = slab + (z * d.y + y) * d.x;
            for (int64_t x = box.begin[2]; x < box.end[2]; x++)
                labels[x] += labels[x] == PEA__NO_CLUSTER ? 0 : first;
        }
}

static pea_status number_tiles(const contraction *work, uint32_t most, uint32_t *n_clusters, pea_error *err)
{
    uint64_t n = work->first;
    int64_t nan_at = INT64_MAX;
    for (int64_t i = 0; i < work->tiling->n; i++) {
        pea__tile_graph *tile = work->tiles + i;
        if (tile->failed)
            return pea__fail(err, PEA_E_NOMEM, "out of memory for the edges between clusters");
        if (tile->nan_at >= 0)
            nan_at = pea__min_i64(nan_at, tile->nan_at);
        tile->first_cluster = (uint32_t)n;
        n += tile->n_clusters;
    }
    if (nan_at < INT64_MAX)
        return pea__edge_refuse_nan(work->graph, nan_at, err);
    if (n > most)
        return pea__fail(err, PEA_E_LIMIT,
                         "%" PRIu64 " clusters are left where %" PRIu32 " can be counted: cluster in smaller blocks", n,
                         most);
    *n_clusters = (uint32_t)n - work->first;
    return PEA_OK;
}

pea_status pea__contract_tiles(const pea__graph *graph, const pea__tiling *tiling, pea_context *context, double from,
                               double to, uint32_t first, uint32_t most, uint32_t *labels, pea__tile_graph *tiles,
                               uint32_t *n_clusters, pea_error *err)
{
    contraction work = {graph, tiling, first, labels, tiles, NULL};
    const double middle = from + 0.95 * (to - from);
    const int n_workers = pea__workers(context);
    work.spaces = pea__alloc_unset((size_t)n_workers, sizeof *work.spaces, err);
    if (!work.spaces)
        return PEA_E_NOMEM;
    for (int i = 0; i < n_workers; i++)
        memset(work.spaces[i].seen, 0, sizeof work.spaces[i].seen);
    for (int64_t i = 0; i < tiling->n; i++)
        tiles[i] = (pea__tile_graph){.nan_at = -1};
    pea_status status = pea__parallel(context, tiling->n, from, middle, contract_tile, &work, err);
    pea__free_unset(work.spaces);
    if (status == PEA_OK)
        status = number_tiles(&work, most, n_clusters, err);
    return status == PEA_OK ? pea__parallel(context, tiling->n, middle, to, rebase_tile, &work, err) : status;
}
