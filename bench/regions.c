/* regions.c - processor seconds of fragments, region graph, agglomeration, projection and multicut.
 *
 *     bench_regions AFFINITY Z Y X K [THREADS [FRAGMENTS]]
 *
 * AFFINITY: raw float32 (z,y,x,k), made by bench/regions.py, which also runs SciPy and scikit-image on it. K is 3, or
 * 12: the offsets of the 3-D networks. FRAGMENTS: the labels are written there, raw uint32. One line for each step.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pea/agglomerate.h"
#include "pea/fragments.h"
#include "pea/multicut.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* what others do on the machine must not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double told_s;

static void tell(const char *what, double count)
{
    const double now = now_s();
    printf("%-12s %9.4f s %12.4f\n", what, now - told_s, count);
    told_s = now_s();
}

static void check(pea_status status, const pea_error *err)
{
    if (status == PEA_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static float *read_affinity(const char *path, size_t n)
{
    float *values = malloc(n * sizeof *values);
    FILE *stream = fopen(path, "rb");
    if (!values || !stream || fread(values, sizeof *values, n, stream) != n) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    fclose(stream);
    return values;
}

static void write_labels(const char *path, const uint32_t *labels, size_t n)
{
    FILE *stream = fopen(path, "wb");
    if (!stream || fwrite(labels, sizeof *labels, n, stream) != n || fclose(stream) != 0) {
        fprintf(stderr, "%s cannot be written\n", path);
        exit(1);
    }
}

/* Fragments of one rule, their graph, and what is made of it. */
static void run(const pea_array *affinity, const pea_offsets *offsets, pea_fragment_rule rule, pea_context *context,
                const char *path)
{
    const pea_dims d = affinity->dims;
    const size_t n = (size_t)(d.z * d.y * d.x);
    const pea_array labels = {malloc(n * 4), PEA_UINT32, {d.z, d.y, d.x, 1}};
    pea_fragments_options options = pea_fragments_options_default();
    pea_region_graph *graph;
    pea_error err = {0};
    uint32_t n_fragments = 0, n_regions = 0;
    size_t n_edges, n_nodes;
    options.rule = rule;
    told_s = now_s();
    check(pea_fragments(affinity, offsets, NULL, &options, context, &labels, &n_fragments, &err), &err);
    tell(rule == PEA_FRAGMENTS_SMOOTH ? "smooth" : "interior", n_fragments);
    if (path && rule == PEA_FRAGMENTS_SMOOTH)
        write_labels(path, labels.data, n);
    told_s = now_s();
    check(pea_region_graph_build(&labels, affinity, offsets, NULL, context, &graph, &err), &err);
    (void)pea_region_graph_edges(graph, &n_edges);
    (void)pea_region_graph_nodes(graph, &n_nodes);
    tell("graph", (double)n_edges);
    uint32_t *numbers = malloc(n_nodes * sizeof *numbers);
    double *costs = malloc(n_edges * sizeof *costs), energy;
    check(pea_agglomerate(graph, NULL, context, numbers, &n_regions, &err), &err);
    tell("agglomerate", n_regions);
    pea_multicut_options greedy = pea_multicut_options_default();
    greedy.max_rounds = 0;
    check(pea_multicut_costs(graph, 0.5, costs, &err), &err);
    told_s = now_s();
    uint32_t *cut = malloc(n_nodes * sizeof *cut);
    check(pea_multicut(graph, costs, &greedy, context, cut, &n_regions, &energy, &err), &err);
    tell("greedy", energy);
    check(pea_multicut(graph, costs, NULL, context, cut, &n_regions, &energy, &err), &err);
    tell("greedy+moves", energy);
    check(pea_region_graph_project(graph, numbers, context, &labels, &err), &err);
    tell("project", (double)n);
    free(cut);
    free(costs);
    free(numbers);
    pea_region_graph_free(graph);
    free(labels.data);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    const pea_dims d = {atoll(argv[2]), atoll(argv[3]), atoll(argv[4]), atoll(argv[5])};
    const pea_array affinity = {read_affinity(argv[1], (size_t)(d.z * d.y * d.x * d.c)), PEA_FLOAT32, d};
    pea_offsets offsets = pea_offsets_3d_default();
    pea_context_options options = pea_context_options_default();
    pea_context *context;
    pea_error err = {0};
    offsets.n = (size_t)d.c;
    options.n_threads = argc > 6 ? atoi(argv[6]) : 1;
    check(pea_context_new(&options, &context, &err), &err);
    run(&affinity, &offsets, PEA_FRAGMENTS_INTERIOR, context, NULL);
    run(&affinity, &offsets, PEA_FRAGMENTS_SMOOTH, context, argc > 7 ? argv[7] : NULL);
    pea_context_free(context);
    free(affinity.data);
    return 0;
}
