/* multicut.c - costs of edges, and greedy additive contraction: the dearest edge is contracted, parallel edges add up,
 * until none is worth anything.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/multicut.h"
#include "cluster/kernighan_lin.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The caller's cost, the weight, and the heap, which may double while its old half is there. */
enum { OWN_EDGE_BYTES = 8 + 8 + 3 * 16 };

/* Shares of the progress bar. */
#define LINKED 0.15
#define CONTRACTED 0.4

pea_multicut_options pea_multicut_options_default(void)
{
    return (pea_multicut_options){.struct_size = sizeof(pea_multicut_options), .max_rounds = 100, .epsilon = 1e-6,
                                  .patience = 200};
}

/* A bar that goes from 0 to 1 here would begin anew where the cut is sought: it stays at its beginning. */
static pea_status fill_costs(const pea_region_graph *graph, double beta, pea_context *context, double *costs,
                             pea_error *err)
{
    pea_status status = PEA_OK;
    int64_t most = 1;
    for (int64_t e = 0; e < graph->n_edges; e++)
        most = pea__max_i64(most, graph->edges[e].n_faces);
    for (int64_t e = 0; e < graph->n_edges && status == PEA_OK; e++) {
        const pea_region_edge *edge = graph->edges + e;
        const double q = 1.0 - edge->mean, inside = q < 0.0 ? 0.0 : q > 1.0 ? 1.0 : q;
        const double squeezed = 0.998 * inside + 0.001;
        costs[e] = (log((1.0 - squeezed) / squeezed) + log((1.0 - beta) / beta)) * (double)edge->n_faces / (double)most;
        if (e % PEA__EDGES_AT_ONCE == 0)
            status = pea__progress(context, 0.0, err);
    }
    return status;
}

pea_status pea_multicut_costs(const pea_region_graph *graph, double beta, pea_context *context, double *costs,
                              pea_error *err)
{
    if (!(beta > 0.0 && beta < 1.0))
        return pea__fail(err, PEA_E_ARG, "beta %g must be above 0 and below 1", beta);
    pea__stage(context, "multicut");
    const pea_status status = fill_costs(graph, beta, context, costs, err);
    pea__stage(context, NULL);
    return status;
}

/* ---- greedy additive contraction ---- */

typedef struct greedy {
    pea__contraction graph;
    double *weight; /* [edge] */
    pea__heap heap; /* edges worth contracting; an entry is out of date where its key is not the edge's weight */
    pea_status status;
    pea_error *err;
} greedy;

static uint32_t add_weights(void *argument, uint32_t low, uint32_t high)
{
    greedy *work = argument;
    work->weight[low] += work->weight[high];
    if (work->status == PEA_OK && work->weight[low] > 0.0)
        work->status = pea__heap_push(&work->heap, work->weight[low], low, work->err);
    return low;
}

static pea_status contract_all(greedy *work, pea_context *context, pea_error *err)
{
    pea__ranked top;
    int64_t n_taken = 0;
    while (work->status == PEA_OK && pea__heap_pop(&work->heap, &top)) {
        if (!work->graph.gone[top.item] && work->weight[top.item] == top.key)
            pea__contract(&work->graph, top.item, add_weights, work);
        if (++n_taken % PEA__EDGES_AT_ONCE == 0 && work->status == PEA_OK)
            work->status = pea__progress(context, CONTRACTED, err);
    }
    return work->status;
}

static pea_status contract(const pea_region_graph *graph, const double *costs, pea_context *context,
                           uint32_t *numbers, uint32_t *n_regions, pea_error *err)
{
    greedy work = {.err = err};
    pea_status status = pea__region_graph_check_memory(
        graph, pea__max_i64(PEA__CONTRACTION_NODE_BYTES, PEA__KERNIGHAN_LIN_NODE_BYTES),
        pea__max_i64(PEA__CONTRACTION_EDGE_BYTES + OWN_EDGE_BYTES, PEA__KERNIGHAN_LIN_EDGE_BYTES), "a multicut",
        context, err);
    if (status == PEA_OK)
        status = pea__contraction_new(graph, context, LINKED, &work.graph, err);
    if (status == PEA_OK) {
        work.weight = pea__alloc((size_t)graph->n_edges, sizeof *work.weight, err);
        status = work.weight ? PEA_OK : PEA_E_NOMEM;
    }
    for (int64_t e = 0; e < graph->n_edges && status == PEA_OK; e++) {
        work.weight[e] = costs[e];
        if (costs[e] > 0.0)
            status = pea__heap_push(&work.heap, costs[e], (uint32_t)e, err);
        if (status == PEA_OK && e % PEA__EDGES_AT_ONCE == 0)
            status = pea__progress(context, LINKED + 0.1 * (double)e / (double)graph->n_edges, err);
    }
    if (status == PEA_OK)
        status = contract_all(&work, context, err);
    if (status == PEA_OK)
        *n_regions = pea__contraction_numbers(&work.graph, numbers);
    pea__heap_free(&work.heap);
    pea__free(work.weight);
    pea__contraction_free(&work.graph);
    return status;
}

/* ---- all of it ---- */

static pea_status check_arguments(const pea_region_graph *graph, const double *costs, const pea_multicut_options *o,
                                  pea_error *err)
{
    if (o->max_rounds < 0 || !(o->epsilon >= 0.0))
        return pea__fail(err, PEA_E_ARG, "rounds %d and epsilon %g must be at least 0", o->max_rounds, o->epsilon);
    if (o->patience < 0)
        return pea__fail(err, PEA_E_ARG, "patience %d must be at least 0", o->patience);
    for (int64_t e = 0; e < graph->n_edges; e++)
        if (!isfinite(costs[e]))
            return pea__fail(err, PEA_E_ARG, "the cost of edge %" PRId64 " is not a finite number", e);
    return PEA_OK;
}

pea_status pea_multicut(const pea_region_graph *graph, const double *costs, const pea_multicut_options *options,
                        pea_context *context, uint32_t *numbers, uint32_t *n_regions, double *energy, pea_error *err)
{
    pea_multicut_options chosen = pea_multicut_options_default();
    uint32_t n = 0;
    pea_status status = pea__options_take(&chosen, sizeof chosen, options, "multicut", err);
    if (status == PEA_OK)
        status = check_arguments(graph, costs, &chosen, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "multicut");
    status = contract(graph, costs, context, numbers, &n, err);
    if (status == PEA_OK && chosen.max_rounds > 0)
        status = pea__kernighan_lin(graph, costs, &chosen, context, CONTRACTED, numbers, &n, err);
    if (status == PEA_OK)
        status = pea__progress(context, 1.0, err);
    pea__stage(context, NULL);
    if (status != PEA_OK)
        return status;
    if (n_regions)
        *n_regions = n;
    if (energy) {
        *energy = 0.0;
        for (int64_t e = 0; e < graph->n_edges; e++)
            if (numbers[graph->edges[e].a] != numbers[graph->edges[e].b])
                *energy += costs[e];
    }
    return PEA_OK;
}
