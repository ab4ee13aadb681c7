/* mutex_slabs.c - the mutex watershed slab by slab. mutex_watershed.c says why that is exact.
 *
 * Of the slabs that were added only this is kept:
 *
 *     waiting  of the last planes, the weights that later ones need
 *     labels   the cluster of every voxel, as the number it had when its slab was added
 *     forest   what became of these numbers
 *     graph    the clusters that may still change, and the edges between them
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/union_find.h"

#include <inttypes.h>
#include <string.h>

/* Shares of the work on a slab, as measured on a volume of 13 million voxels; and of all slabs. */
#define REPELLED 0.02
#define CONTRACTED 0.5
#define COLLECTED 0.65
#define SHRUNK 0.83
#define ADDED 0.97

enum {
    /* New edges are looked at once they are as many as those that are kept, and as these. In a thin slab of a volume
     * nearly all clusters have unknown edges, so that little comes of it; of rows more, if a cache holds them. */
    PATIENCE_2D = 1 << 16,
    PATIENCE_3D = 1 << 22,
    WALKABLE = 1 << 17 /* clusters that a cache holds with their edges: rounds would spare nothing */
};

struct pea_mutex_slabs {
    pea__graph graph;
    pea_offsets offsets;
    pea_context *context;
    uint32_t *labels;
    int32_t *forest;
    uint32_t n_numbers, forest_capacity; /* of the forest */
    pea__cluster_graph clusters;
    uint32_t *number; /* by cluster of the graph: its number in the forest */
    uint32_t capacity;
    int64_t n_kept;   /* edges that were left when they were looked at last */
    bool masked;
    bool over;        /* finished, or failed: labels are no clusters any more */
    pea__slab_tuning tuning;
};

/* ---- begin and end ---- */

static pea_status begin_waiting(pea__graph *g, pea_error *err)
{
    for (int k = 0; k < g->offsets->n_axes; k++)
        g->n_held = pea__max_i64(g->n_held, g->ahead[k] < 0 ? -g->ahead[k] : g->ahead[k]);
    g->n_held = pea__min_i64(g->n_held, g->n_planes);
    for (size_t k = 0; k < g->offsets->n; k++) {
        g->n_waiting[k] = pea__min_i64(g->n_held + pea__max_i64(0, g->ahead[k]), g->n_planes);
        g->waiting[k] = pea__alloc((size_t)pea__waiting_keys(g, k), sizeof(uint32_t), err);
        if (!g->waiting[k])
            return PEA_E_NOMEM;
    }
    g->held_mask = pea__alloc((size_t)(g->n_held * g->plane), 1, err);
    return g->held_mask ? PEA_OK : PEA_E_NOMEM;
}

static pea_status begin_graph(pea_mutex_slabs *s, pea_dims d, const pea_mutex_options *options, pea_error *err)
{
    pea__graph *g = &s->graph;
    *g = (pea__graph){.dims = d, .n_voxels = d.z * d.y * d.x, .offsets = &s->offsets, .along = d.z > 1 ? 0 : 1};
    g->n_planes = g->along == 0 ? d.z : d.y;
    g->plane = g->n_voxels / g->n_planes;
    g->labels = s->labels;
    if (!(options->cut >= PEA_CUT_MIN && options->cut <= PEA_CUT_MAX))
        return pea__fail(err, PEA_E_ARG, "cut must be from %g to %g, not %g", PEA_CUT_MIN, PEA_CUT_MAX, options->cut);
    pea__weight_factors(options->cut, g->factor);
    pea__byte_keys(g->factor, g->byte_keys);
    for (int axis = 0; axis < 3; axis++) {
        if (options->stride[axis] < 1)
            return pea__fail(err, PEA_E_ARG, "stride %d of axis %c must be at least 1", options->stride[axis],
                             "zyx"[axis]);
        g->stride[axis] = options->stride[axis];
    }
    for (size_t k = 0; k < s->offsets.n; k++) {
        const pea_offset o = s->offsets.step[k];
        g->flat_step[k] = (o.z * d.y + o.y) * d.x + o.x;
        g->ahead[k] = pea__min_i64(g->along == 0 ? o.z : o.y, g->n_planes);
    }
    return begin_waiting(g, err);
}

static pea_status check_labels(pea_dims d, const pea_array *labels, pea_error *err)
{
    const pea_status status = pea__labels_check(labels, err);
    if (status == PEA_OK && (labels->dims.z != d.z || labels->dims.y != d.y || labels->dims.x != d.x))
        return pea__fail(err, PEA_E_SHAPE,
                         "labels must be %" PRId64 " x %" PRId64 " x %" PRId64 " (z,y,x), are %" PRId64 " x %" PRId64
                         " x %" PRId64,
                         d.z, d.y, d.x, labels->dims.z, labels->dims.y, labels->dims.x);
    return status;
}

pea_status pea_mutex_slabs_new(pea_dims dims, const pea_offsets *offsets, const pea_mutex_options *options,
                               pea_context *context, const pea_array *labels, pea_mutex_slabs **slabs, pea_error *err)
{
    pea_mutex_options chosen = pea_mutex_options_default();
    *slabs = NULL;
    pea_status status = pea__offsets_check(offsets, err);
    if (status == PEA_OK)
        status = pea__options_take(&chosen, sizeof chosen, options, "mutex watershed", err);
    if (status == PEA_OK)
        status = check_labels(dims, labels, err);
    if (status != PEA_OK)
        return status;
    pea_mutex_slabs *s = pea__alloc(1, sizeof *s, err);
    if (!s)
        return PEA_E_NOMEM;
    s->offsets = *offsets;
    s->context = context;
    s->labels = labels->data;
    s->tuning = (pea__slab_tuning){.most_clusters = INT32_MAX, .walkable = WALKABLE};
    s->tuning.patience = dims.z > 1 ? PATIENCE_3D : PATIENCE_2D;
    status = begin_graph(s, dims, &chosen, err);
    if (status == PEA_OK)
        *slabs = s;
    else
        pea_mutex_slabs_free(s);
    return status;
}

void pea__mutex_slabs_tune(pea_mutex_slabs *slabs, pea__slab_tuning tuning)
{
    slabs->tuning = tuning;
    slabs->graph.end = slabs->graph.arrived = tuning.first_plane;
}

uint64_t pea__mutex_slabs_bytes(const pea_mutex_slabs *s)
{
    const pea__cluster_graph *c = &s->clusters;
    uint64_t n_waiting = 0;
    for (size_t k = 0; k < s->offsets.n; k++)
        n_waiting += (uint64_t)pea__waiting_keys(&s->graph, k);
    return sizeof *s + (uint64_t)(s->graph.n_held * s->graph.plane) + s->forest_capacity * sizeof *s->forest +
           s->capacity * (sizeof *s->number + sizeof *c->unknown) +
           (uint64_t)c->attractive.capacity * PEA__EDGE_BYTES +
           (uint64_t)c->repulsive.capacity * (PEA__EDGE_BYTES - sizeof *c->repulsive.id) + n_waiting * sizeof(uint32_t);
}

void pea_mutex_slabs_free(pea_mutex_slabs *slabs)
{
    if (!slabs)
        return;
    for (size_t k = 0; k < slabs->offsets.n; k++)
        pea__free(slabs->graph.waiting[k]);
    pea__free(slabs->graph.held_mask);
    pea__free(slabs->forest);
    pea__free(slabs->number);
    pea__free(slabs->clusters.unknown);
    pea__edges_free(&slabs->clusters.attractive);
    pea__edges_free(&slabs->clusters.repulsive);
    pea__free(slabs);
}

/* ---- how much ---- */

int64_t pea__mutex_slab_planes(pea_dims dims)
{
    enum {
        VOXELS_2D = 1 << 21, /* so that what is worked on stays near the processor */
        VOXELS_3D = 1 << 24, /* of a volume's last planes less is certain than of rows: thick slabs spare more */
        PLANES = 32          /* at least */
    };
    const int64_t n_planes = dims.z > 1 ? dims.z : dims.y, plane = dims.z * dims.y * dims.x / n_planes;
    const int64_t n_voxels = dims.z > 1 ? VOXELS_3D : VOXELS_2D;
    const int64_t depth = pea__max_i64(PLANES, pea__ceil_div(n_voxels, plane));
    return pea__min_i64(n_planes, pea__ceil_div(depth, PEA__TILE_DEPTH) * PEA__TILE_DEPTH);
}

/* Edges between clusters, of a part of a volume. Where repulsive ones are dense, a third of the attractive ones are
 * left, and as many more as there are repulsive ones. */
static uint64_t forecast_edges(const int64_t extents[3], const pea_offsets *offsets, const int stride[3])
{
    enum { ATTRACTIVE_BYTES = 28, REPULSIVE_BYTES = 50 };
    const uint64_t n_axes = (uint64_t)offsets->n_axes;
    uint64_t n = 1, sampled = 1;
    for (int axis = 0; axis < 3; axis++) {
        n *= (uint64_t)extents[axis];
        sampled *= (uint64_t)pea__ceil_div(extents[axis], stride[axis]);
    }
    const uint64_t repulsive = sampled * (offsets->n - n_axes), most = n * n_axes;
    const uint64_t attractive = most / 3 + repulsive * n_axes;
    return (attractive < most ? attractive : most) * ATTRACTIVE_BYTES + repulsive * REPULSIVE_BYTES;
}

/* Products cannot overflow: the caller saw that labels of these extents are possible. How many clusters and edges there
 * will be depends on the data; the figures are those of noise. What is kept of slabs before is as much as a slab, or as
 * the edges that wait to be looked at; and never more than the whole would be. */
uint64_t pea__mutex_slabs_forecast(pea_dims dims, const pea_offsets *offsets, const int stride[3], int64_t n_planes,
                                   int n_threads)
{
    enum { WORKSPACE_BYTES = 160, WAITING_BYTES = 50, KEPT_BYTES = 2 }; /* of a tile's voxel, an edge, a voxel */
    const int64_t whole[3] = {dims.z, dims.y, dims.x}, n_voxels = dims.z * dims.y * dims.x;
    const int along = dims.z > 1 ? 0 : 1;
    const uint64_t patience = along == 0 ? PATIENCE_3D : PATIENCE_2D;
    int64_t slab[3] = {dims.z, dims.y, dims.x}, waiting = 0, n_held = 0;
    slab[along] = pea__min_i64(n_planes, whole[along]);
    for (size_t k = 0; k < offsets->n; k++) {
        const int64_t ahead = along == 0 ? offsets->step[k].z : offsets->step[k].y;
        n_held = k < (size_t)offsets->n_axes ? pea__max_i64(n_held, ahead < 0 ? -ahead : ahead) : n_held;
        waiting += pea__min_i64(pea__max_i64(0, ahead) + n_held, whole[along]);
    }
    const uint64_t most = forecast_edges(whole, offsets, stride);
    const uint64_t edges = 2 * forecast_edges(slab, offsets, stride) + patience * WAITING_BYTES;
    const int64_t tile = pea__min_i64(slab[0] * slab[1] * slab[2], PEA__TILE_VOXELS);
    return (edges < most ? edges : most) + (uint64_t)n_threads * WORKSPACE_BYTES * (uint64_t)tile +
           KEPT_BYTES * (uint64_t)n_voxels + (uint64_t)(waiting * (n_voxels / whole[along])) * sizeof(uint32_t);
}

/* ---- a slab becomes clusters and edges ---- */

static pea_status grow_array(void **array, size_t n, size_t item_bytes, pea_error *err)
{
    void *grown = pea__realloc(*array, n, item_bytes, err);
    if (!grown)
        return PEA_E_NOMEM;
    *array = grown;
    return PEA_OK;
}

/* Room for n more clusters, with an eighth to spare. */
static pea_status reserve(pea_mutex_slabs *s, uint32_t n, pea_error *err)
{
    pea_status status = PEA_OK;
    const uint32_t n_numbers = s->n_numbers + n, n_clusters = s->clusters.n_clusters + n;
    if (n_numbers > s->forest_capacity || !s->forest) {
        const uint32_t capacity = n_numbers + n_numbers / 8;
        status = grow_array((void **)&s->forest, capacity, sizeof *s->forest, err);
        s->forest_capacity = status == PEA_OK ? capacity : s->forest_capacity;
    }
    if (status == PEA_OK && (n_clusters > s->capacity || !s->clusters.unknown)) {
        const uint32_t capacity = n_clusters + n_clusters / 8;
        status = grow_array((void **)&s->number, capacity, sizeof *s->number, err);
        if (status == PEA_OK)
            status = grow_array((void **)&s->clusters.unknown, capacity, 1, err);
        s->capacity = status == PEA_OK ? capacity : s->capacity;
    }
    return status;
}

static pea_status add_clusters(pea_mutex_slabs *s, uint32_t n, pea_error *err)
{
    const pea_status status = reserve(s, n, err);
    for (uint32_t i = 0; i < n && status == PEA_OK; i++) {
        const uint32_t cluster = s->clusters.n_clusters++;
        s->forest[s->n_numbers] = ~(int32_t)cluster;
        s->number[cluster] = s->n_numbers++;
        s->clusters.unknown[cluster] = 0;
    }
    return status;
}

static pea_status contract(pea_mutex_slabs *s, const pea__tiling *tiling, pea__tile_graph *tiles, pea_error *err)
{
    uint32_t *labels = s->labels + s->graph.begin * s->graph.plane, n;
    pea_status status = pea__repulsion(&s->graph, s->context, 0.0, REPELLED, labels, err);
    if (status == PEA_OK)
        status = pea__contract_tiles(&s->graph, tiling, s->context, REPELLED, CONTRACTED, s->n_numbers,
                                     s->tuning.most_clusters, labels, tiles, &n, err);
    if (status == PEA_OK)
        status = add_clusters(s, n, err);
    if (status == PEA_OK)
        status = pea__collect(&s->graph, tiling, s->context, CONTRACTED, COLLECTED, s->forest, tiles, &s->clusters,
                              err);
    return status;
}

/* ---- what is certain of all that is there ---- */

/* Of the edges of offset k that row (z,y) stores one end is not there: mark the clusters of the other. */
static void mark_row(pea_mutex_slabs *s, size_t k, int64_t z, int64_t y)
{
    const pea__graph *g = &s->graph;
    const bool attractive = k < (size_t)s->offsets.n_axes;
    const int64_t step = attractive ? 1 : g->stride[2], shift = g->ahead[k] < 0 ? g->flat_step[k] : 0;
    const uint8_t bit = attractive ? PEA__OPEN : PEA__FOREIGN;
    int64_t from = 0, to = g->dims.x;
    if (!pea__edge_row(g, k, z, y))
        return;
    pea__edge_range(g->dims.x, s->offsets.step[k].x, &from, &to);
    for (int64_t x = pea__ceil_div(from, step) * step; x < to; x += step) {
        const uint32_t label = s->labels[(z * g->dims.y + y) * g->dims.x + x + shift];
        const int32_t root = label == PEA__NO_CLUSTER ? PEA__FINAL : pea__root_value(s->forest, label);
        if (root != PEA__FINAL)
            s->clusters.unknown[~root] |= bit;
    }
}

static pea_status mark_unknown(pea_mutex_slabs *s, pea_error *err)
{
    const pea__graph *g = &s->graph;
    const int64_t n_rows = g->plane / g->dims.x;
    pea_status status = PEA_OK;
    for (size_t k = 0; k < s->offsets.n; k++) {
        const int64_t ahead = g->ahead[k];
        const int64_t from = pea__max_i64(0, ahead > 0 ? g->end - ahead : g->end);
        const int64_t to = ahead > 0 ? g->end : pea__min_i64(g->n_planes, g->end - ahead);
        for (int64_t row = from * n_rows; row < to * n_rows && status == PEA_OK; row++) {
            mark_row(s, k, row / g->dims.y, row % g->dims.y);
            status = pea__progress(s->context, COLLECTED, err);
        }
    }
    return status;
}

/* What the graph of clusters asks for from here on, as far as it can be known. */
static pea_status check_memory(const pea__cluster_graph *clusters, pea_context *context, pea_error *err)
{
    const uint64_t limit = pea__memory_limit(context);
    const uint64_t n_edges = (uint64_t)(clusters->attractive.n + clusters->repulsive.n);
    const uint64_t needed = n_edges * PEA__EDGE_BYTES + (uint64_t)clusters->n_clusters * PEA__SHRINK_BYTES;
    if (limit == 0 || needed <= limit)
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT,
                     "clustering %" PRIu64 " edges needs %" PRIu64 " bytes but the limit is %" PRIu64
                     ": raise it, or use larger strides or a mask",
                     n_edges, needed, limit);
}

/* Clusters that became one are told in the forest, where the first of them stays; those that may still change get new
 * numbers. `now` leads from the n clusters of before to those of the walk, `root` from there on and `first` knows the
 * number in the forest of each root; `fresh` becomes the new numbers. */
static pea_status renumber(pea_mutex_slabs *s, uint32_t n, const uint32_t *now, int32_t *root, uint32_t *first,
                           uint32_t *fresh, pea_error *err)
{
    const uint32_t n_walked = s->clusters.n_clusters;
    pea_status status = PEA_OK;
    uint32_t n_new = 0;
    memset(first, 255, n_walked * sizeof *first);
    for (uint32_t c = 0; c < n && status == PEA_OK; c++) {
        const uint32_t r = pea__find(root, now[c]), number = s->number[c];
        if (c % PEA__VOXELS_AT_ONCE == 0)
            status = pea__progress(s->context, 1.0, err);
        if (first[r] != PEA__NO_CLUSTER) {
            s->forest[number] = (int32_t)first[r];
            continue;
        }
        const bool open = s->clusters.unknown[r] & PEA__OPEN;
        first[r] = number;
        fresh[r] = open ? n_new : PEA__NO_CLUSTER;
        s->forest[number] = open ? ~(int32_t)n_new : PEA__FINAL;
        s->number[n_new] = number; /* not beyond c */
        n_new += open;
    }
    for (uint32_t c = 0; c < n_walked && status == PEA_OK; c++)
        fresh[c] = fresh[pea__find(root, c)];
    s->clusters.n_clusters = n_new;
    return status;
}

static pea_status walk(pea_mutex_slabs *s, uint32_t n, uint32_t *now, pea_error *err)
{
    pea_status status = PEA_OK;
    if (n > s->tuning.walkable)
        status = pea__shrink(&s->clusters, s->context, COLLECTED, SHRUNK, s->tuning.walkable, now, err);
    else
        for (uint32_t c = 0; c < n; c++)
            now[c] = c;
    if (status != PEA_OK)
        return status;
    const uint32_t n_walked = s->clusters.n_clusters;
    int32_t *root = pea__alloc_unset(n_walked, sizeof *root, err);
    uint32_t *first = NULL, *fresh = NULL;
    status = root ? pea__grow(&s->clusters, s->context, SHRUNK, 1.0, root, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        first = pea__alloc_unset(n_walked, sizeof *first, err);
    fresh = first ? pea__alloc_unset(n_walked, sizeof *fresh, err) : NULL;
    if (status == PEA_OK)
        status = fresh ? renumber(s, n, now, root, first, fresh, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = pea__edges_sift(&s->clusters.attractive, fresh, s->context, 1.0, err);
    if (status == PEA_OK)
        status = pea__edges_sift(&s->clusters.repulsive, fresh, s->context, 1.0, err);
    pea__free_unset(fresh);
    pea__free_unset(first);
    pea__free_unset(root);
    return status;
}

/* Merge what is certain, and forget what will not change any more. */
static pea_status settle(pea_mutex_slabs *s, pea_error *err)
{
    const uint32_t n = s->clusters.n_clusters;
    pea_status status = check_memory(&s->clusters, s->context, err);
    if (status == PEA_OK)
        status = mark_unknown(s, err);
    if (status != PEA_OK)
        return status;
    uint32_t *now = pea__alloc_unset(n, sizeof *now, err);
    status = now ? walk(s, n, now, err) : PEA_E_NOMEM;
    pea__free_unset(now);
    memset(s->clusters.unknown, 0, s->clusters.n_clusters);
    s->n_kept = s->clusters.attractive.n + s->clusters.repulsive.n;
    return status;
}

/* ---- slab after slab ---- */

static pea_status cluster(pea_mutex_slabs *s, pea_error *err)
{
    const pea__tiling tiling = pea__tiling_of(&s->graph, s->tuning.tile[0] ? s->tuning.tile : NULL);
    pea__tile_graph *tiles = pea__alloc((size_t)tiling.n, sizeof *tiles, err);
    pea_status status = tiles ? contract(s, &tiling, tiles, err) : PEA_E_NOMEM;
    for (int64_t i = 0; tiles && i < tiling.n; i++)
        pea__free(tiles[i].edges);
    pea__free(tiles);
    if (status != PEA_OK)
        return status;
    const int64_t n_new = s->clusters.attractive.n + s->clusters.repulsive.n - s->n_kept;
    const bool last = s->graph.end == s->graph.n_planes;
    return last || n_new >= pea__max_i64(s->n_kept, s->tuning.patience) ? settle(s, err) : PEA_OK;
}

static pea_status add(pea_mutex_slabs *s, int64_t n_planes, pea_error *err)
{
    pea__graph *g = &s->graph;
    pea_status status = PEA_OK;
    g->begin = g->end;
    g->fresh = g->arrived;
    g->arrived += n_planes;
    g->end = g->arrived == g->n_planes ? g->n_planes : pea__max_i64(g->begin, g->arrived - g->n_held);
    if (g->end > g->begin)
        status = cluster(s, err);
    return status == PEA_OK ? pea__edges_wait(g, err) : status;
}

pea_status pea__mutex_slabs_add(pea_mutex_slabs *s, pea__slab_affinity affinity, const uint8_t *mask,
                                int64_t n_planes, pea_error *err)
{
    pea__graph *g = &s->graph;
    const double share = ADDED / (double)g->n_planes;
    g->affinity = affinity;
    g->mask = mask;
    s->masked = mask != NULL;
    const pea__window window =
        pea__progress_part(s->context, share * (double)g->arrived, share * (double)(g->arrived + n_planes));
    const pea_status status = add(s, n_planes, err);
    pea__progress_rejoin(s->context, window);
    s->over = status != PEA_OK;
    g->affinity = (pea__slab_affinity){0};
    g->mask = NULL;
    return status;
}

pea_status pea__affinity_check(const pea_array *affinity, pea_error *err)
{
    const pea_status status = pea__array_check(affinity, "affinity", 0, err);
    if (status == PEA_OK && affinity->dtype != PEA_FLOAT32 && affinity->dtype != PEA_FLOAT16 &&
        affinity->dtype != PEA_UINT8)
        return pea__fail(err, PEA_E_DTYPE, "affinity must be float32, float16 or uint8, is %s",
                         pea_dtype_name(affinity->dtype));
    return status;
}

static pea_status check_going(const pea_mutex_slabs *s, pea_error *err)
{
    return s->over ? pea__fail(err, PEA_E_ARG, "the slabs were finished, or failed: begin with new ones") : PEA_OK;
}

static pea_status check_slab(const pea_mutex_slabs *s, const pea_array *affinity, const pea_array *mask, pea_error *err)
{
    pea_status status = check_going(s, err);
    if (status == PEA_OK)
        status = pea__affinity_check(affinity, err);
    if (status == PEA_OK && mask)
        status = pea__array_check(mask, "mask", PEA_UINT8, err);
    if (status == PEA_OK && mask)
        status = pea__same_space(mask, "mask", affinity, "affinity", err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = affinity->dims, whole = s->graph.dims;
    const int64_t n_planes = s->graph.along == 0 ? d.z : d.y, n_left = s->graph.n_planes - s->graph.arrived;
    if (d.c != (int64_t)s->offsets.n)
        return pea__fail(err, PEA_E_SHAPE, "affinity must have %zu channels, one for each offset, has %" PRId64,
                         s->offsets.n, d.c);
    if (mask && mask->dims.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "mask must have 1 channel, has %" PRId64, mask->dims.c);
    if (d.x != whole.x || (s->graph.along == 0 ? d.y != whole.y : d.z != 1))
        return pea__fail(err, PEA_E_SHAPE, "a slab of %" PRId64 " x %" PRId64 " x %" PRId64 " (z,y,x) is no part of %"
                         PRId64 " x %" PRId64 " x %" PRId64, d.z, d.y, d.x, whole.z, whole.y, whole.x);
    if (n_planes > n_left)
        return pea__fail(err, PEA_E_SHAPE, "a slab of %" PRId64 " planes was added where %" PRId64 " are left",
                         n_planes, n_left);
    if (s->graph.arrived > s->tuning.first_plane && (mask != NULL) != s->masked)
        return pea__fail(err, PEA_E_ARG, "a mask must come with every slab or with none");
    return PEA_OK;
}

pea_status pea_mutex_slabs_add(pea_mutex_slabs *slabs, const pea_array *affinity, const pea_array *mask,
                               pea_error *err)
{
    pea_status status = check_slab(slabs, affinity, mask, err);
    if (status != PEA_OK)
        return status;
    pea__stage(slabs->context, "cluster");
    status = pea__mutex_slabs_add(slabs, (pea__slab_affinity){affinity->data, NULL, affinity->dtype},
                                  mask ? mask->data : NULL,
                                  slabs->graph.along == 0 ? affinity->dims.z : affinity->dims.y, err);
    pea__stage(slabs->context, NULL);
    return status;
}

/* ---- from clusters to labels ---- */

/* Roots become 1,2,3... in the order of their first voxels; the forest keeps them as ~0, ~1, ~2... */
pea_status pea__mutex_slabs_finish(pea_mutex_slabs *s, uint32_t *n_labels, pea_error *err)
{
    const int64_t n_voxels = s->graph.n_voxels;
    uint32_t *labels = s->labels, n = 0;
    int32_t *forest = s->forest;
    pea_status status = PEA_OK;
    s->over = true;
    for (int64_t p = s->tuning.first_plane * s->graph.plane; p < n_voxels && status == PEA_OK; p++) {
        if (p % PEA__VOXELS_AT_ONCE == 0)
            status = pea__progress(s->context, ADDED + (1.0 - ADDED) * (double)p / (double)n_voxels, err);
        if (labels[p] == PEA__NO_CLUSTER) {
            labels[p] = 0;
            continue;
        }
        int32_t *root = forest + pea__find(forest, labels[p]);
        if (*root == PEA__FINAL)
            *root = ~(int32_t)n++;
        labels[p] = (uint32_t)~*root + 1;
    }
    if (n_labels && status == PEA_OK)
        *n_labels = n;
    return status;
}

pea_status pea_mutex_slabs_finish(pea_mutex_slabs *slabs, uint32_t *n_labels, pea_error *err)
{
    const pea__graph *g = &slabs->graph;
    pea_status status = check_going(slabs, err);
    if (status == PEA_OK && g->arrived != g->n_planes)
        return pea__fail(err, PEA_E_ARG, "%" PRId64 " of %" PRId64 " planes were added: add all of them first",
                         g->arrived, g->n_planes);
    if (status != PEA_OK)
        return status;
    pea__stage(slabs->context, "cluster");
    status = pea__mutex_slabs_finish(slabs, n_labels, err);
    pea__stage(slabs->context, NULL);
    return status;
}
