/* absorb.c - objects that are too small go to the neighbour that they are most alike, the smallest first.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/cluster.h"
#include "cluster/contraction.h"

#include <inttypes.h>

/* Shares of the progress bar. */
#define GRAPH_BUILT 0.6
#define ABSORBED 0.8

typedef struct absorbing {
    pea__contraction graph;
    double *sum;     /* [edge] of affinities */
    int64_t *faces;  /* [edge] */
    int64_t *size;   /* [name] in voxels */
    uint32_t *label; /* [name] node whose label it has */
    pea__heap heap;  /* smallest nodes of objects that are too small, by falling -size: out of date where it differs */
} absorbing;

static uint32_t name_of(pea__contraction *graph, uint32_t node)
{
    uint32_t *parent = graph->parent;
    while (parent[node] != node)
        node = parent[node] = parent[parent[node]];
    return node;
}

static uint32_t add_contacts(void *argument, uint32_t low, uint32_t high)
{
    absorbing *work = argument;
    work->sum[low] += work->sum[high];
    work->faces[low] += work->faces[high];
    return low;
}

/* The edge to the neighbour that a name is most alike, or -1. */
static int64_t best_edge(const absorbing *work, uint32_t name)
{
    const pea__contraction *graph = &work->graph;
    int64_t best = -1;
    double most = 0.0;
    uint32_t of_most = 0;
    for (int32_t half = graph->first[name]; half >= 0; half = graph->next[half]) {
        const uint32_t edge = (uint32_t)half / 2;
        if (graph->gone[edge])
            continue;
        const uint32_t other = work->label[graph->ends[edge][1 - half % 2]];
        const double mean = work->sum[edge] / (double)work->faces[edge];
        if (best < 0 || mean > most || (mean == most && other < of_most)) {
            best = edge;
            most = mean;
            of_most = other;
        }
    }
    return best;
}

static pea_status wait_in_line(absorbing *work, uint32_t name, int64_t min_size, pea_error *err)
{
    if (work->size[name] >= min_size)
        return PEA_OK;
    return pea__heap_push(&work->heap, -(double)work->size[name], work->label[name], err);
}

/* Size and label of both go where the new name is. */
static pea_status absorb(absorbing *work, uint32_t name, uint32_t edge, int64_t min_size, pea_error *err)
{
    const uint32_t *ends = work->graph.ends[edge], other = ends[ends[0] == name ? 1 : 0];
    const uint32_t label = work->label[other];
    const int64_t size = work->size[name] + work->size[other];
    pea__contract(&work->graph, edge, add_contacts, work);
    const uint32_t now = name_of(&work->graph, name);
    work->size[now] = size;
    work->label[now] = label;
    return wait_in_line(work, now, min_size, err);
}

static pea_status absorb_all(absorbing *work, int64_t min_size, pea_context *context, pea_error *err)
{
    pea__ranked top;
    pea_status status = PEA_OK;
    for (uint32_t i = 0; i < work->graph.n_nodes && status == PEA_OK; i++)
        status = wait_in_line(work, i, min_size, err);
    for (int64_t n = 0; status == PEA_OK && pea__heap_pop(&work->heap, &top); n++) {
        const uint32_t name = name_of(&work->graph, top.item);
        const bool is_current = work->label[name] == top.item && (double)work->size[name] == -top.key;
        const int64_t edge = is_current ? best_edge(work, name) : -1;
        if (edge >= 0)
            status = absorb(work, name, (uint32_t)edge, min_size, err);
        if (status == PEA_OK && n % 256 == 0)
            status = pea__progress(context, ABSORBED, err);
    }
    return status;
}

static pea_status fill(const pea_region_graph *graph, absorbing *work, pea_error *err)
{
    const size_t n = (size_t)graph->n_nodes, m = (size_t)graph->n_edges;
    work->sum = pea__alloc(m, sizeof *work->sum, err);
    work->faces = work->sum ? pea__alloc(m, sizeof *work->faces, err) : NULL;
    work->size = work->faces ? pea__alloc(n, sizeof *work->size, err) : NULL;
    work->label = work->size ? pea__alloc(n, sizeof *work->label, err) : NULL;
    if (!work->label)
        return PEA_E_NOMEM;
    for (size_t e = 0; e < m; e++) {
        work->sum[e] = graph->edges[e].mean * (double)graph->edges[e].n_faces;
        work->faces[e] = graph->edges[e].n_faces;
    }
    for (size_t i = 0; i < n; i++) {
        work->size[i] = graph->nodes[i].n_voxels;
        work->label[i] = (uint32_t)i;
    }
    return PEA_OK;
}

/* numbers: the label of each node at the end. */
static pea_status choose_labels(const pea_region_graph *graph, int64_t min_size, pea_context *context,
                                uint32_t *numbers, pea_error *err)
{
    absorbing work = {0};
    const pea__window window = pea__progress_part(context, 0.0, ABSORBED);
    pea_status status = pea__region_graph_check_memory(graph, PEA__CONTRACTION_NODE_BYTES + 36,
                                                       PEA__CONTRACTION_EDGE_BYTES + 16, "absorbing", context, err);
    if (status == PEA_OK)
        status = pea__contraction_new(graph, context, 1.0, &work.graph, err);
    pea__progress_rejoin(context, window);
    if (status == PEA_OK)
        status = fill(graph, &work, err);
    if (status == PEA_OK)
        status = absorb_all(&work, min_size, context, err);
    for (uint32_t i = 0; i < graph->n_nodes && status == PEA_OK; i++)
        numbers[i] = graph->nodes[work.label[name_of(&work.graph, i)]].label;
    pea__heap_free(&work.heap);
    pea__free(work.label);
    pea__free(work.size);
    pea__free(work.faces);
    pea__free(work.sum);
    pea__contraction_free(&work.graph);
    return status;
}

/* Each share of the bar is a window of its own. */
static pea_status in_steps(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                           int64_t min_size, pea_context *context, pea_region_graph **graph, uint32_t **numbers,
                           pea_error *err)
{
    static const char stage[] = "clean up";
    pea__window window = pea__progress_part(context, 0.0, GRAPH_BUILT);
    pea_status status = pea__region_graph_build(labels, affinity, offsets, NULL, stage, context, graph, err);
    pea__progress_rejoin(context, window);
    if (status != PEA_OK)
        return status;
    *numbers = pea__alloc((size_t)(*graph)->n_nodes, sizeof **numbers, err);
    if (!*numbers)
        return PEA_E_NOMEM;
    window = pea__progress_part(context, GRAPH_BUILT, ABSORBED);
    pea__stage(context, stage);
    status = choose_labels(*graph, min_size, context, *numbers, err);
    pea__progress_rejoin(context, window);
    if (status != PEA_OK)
        return status;
    window = pea__progress_part(context, ABSORBED, 1.0);
    status = pea__region_graph_project(*graph, *numbers, stage, context, labels, err);
    pea__progress_rejoin(context, window);
    return status;
}

pea_status pea_absorb_small(const pea_array *labels, const pea_array *affinity, const pea_offsets *offsets,
                            int64_t min_size, pea_context *context, pea_error *err)
{
    pea_region_graph *graph = NULL;
    uint32_t *numbers = NULL;
    if (min_size < 0)
        return pea__fail(err, PEA_E_ARG, "smallest size %" PRId64 " must be at least 0", min_size);
    const pea_status status = in_steps(labels, affinity, offsets, min_size, context, &graph, &numbers, err);
    pea__stage(context, NULL);
    pea__free(numbers);
    pea_region_graph_free(graph);
    return status;
}
