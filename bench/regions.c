/* regions.c - times fragments, region graph, agglomeration, projection and multicut, one after another:
 *     bench_regions AFFINITY.npy interior|smooth [threads [repeats [FRAGMENTS.npy [GRAPH]]]]
 * The array is float32 (z,y,x,k), k 3 or 12: the first offsets of the 3-D networks. The word is the rule of the
 * fragments; bench/peers/fragments_skimage.py makes smooth ones. Writes GRAPH.peagraph and what the multicut made of
 * it, one number for each node, with and without moves: GRAPH-greedy.npy and GRAPH-greedy_and_moves.npy, for
 * bench/peers/multicut_plain.py. Prints a line of JSON: CPU seconds of each step, and what came out.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include "pea/pea.h"

enum { FRAGMENTS, GRAPH, AGGLOMERATE, PROJECT, GREEDY, MOVES, N_STEPS };

static const char *const names[N_STEPS] = {"fragments", "graph", "agglomerate", "project", "greedy",
                                           "greedy_and_moves"};

/* CPU seconds of each repeat, and the number that a step gave: fragments, edges, regions, voxels, energies. */
typedef struct result {
    double seconds[N_STEPS][BENCH_MOST_RUNS], number[N_STEPS];
    double began;
} result;

static void check(pea_status status, const pea_error *err)
{
    if (status != PEA_OK)
        exit(bench_fail("bench_regions", err->message));
}

static void begin(result *r)
{
    r->began = bench_cpu_s();
}

static void end(result *r, int step, int repeat, double number)
{
    r->seconds[step][repeat] = bench_cpu_s() - r->began;
    r->number[step] = number;
}

/* PREFIX-NAME.npy */
static void write_numbers(const char *prefix, const char *name, uint32_t *numbers, size_t n)
{
    char path[4096];
    const pea_npy file = {PEA_UINT32, 1, {(int64_t)n}, numbers};
    pea_error err = {0};
    snprintf(path, sizeof path, "%s-%s.npy", prefix, name);
    check(pea_npy_write(path, &file, NULL, &err), &err);
}

static void write_graph(const char *prefix, const pea_region_graph *graph)
{
    char path[4096];
    pea_error err = {0};
    snprintf(path, sizeof path, "%s.peagraph", prefix);
    check(pea_region_graph_save(graph, path, NULL, &err), &err);
}

static void cut_graph(const pea_region_graph *graph, const double *costs, int max_rounds, int step, int repeat,
                      uint32_t *numbers, pea_context *context, result *r)
{
    pea_multicut_options options = pea_multicut_options_default();
    pea_error err = {0};
    double energy;
    options.max_rounds = max_rounds;
    begin(r);
    check(pea_multicut(graph, costs, &options, context, numbers, NULL, &energy, &err), &err);
    end(r, step, repeat, energy);
}

static void run(const pea_array *affinity, const pea_offsets *offsets, pea_fragment_rule rule, int repeat,
                const pea_array *labels, const char *prefix, pea_context *context, result *r)
{
    const int most_rounds = pea_multicut_options_default().max_rounds;
    pea_region_graph *graph;
    pea_error err = {0};
    uint32_t n = 0;
    size_t n_edges, n_nodes;
    begin(r);
    pea_fragments_options options = pea_fragments_options_default();
    options.rule = rule;
    check(pea_fragments(affinity, offsets, NULL, &options, context, labels, &n, &err), &err);
    end(r, FRAGMENTS, repeat, n);
    begin(r);
    check(pea_region_graph_build(labels, affinity, offsets, NULL, context, &graph, &err), &err);
    (void)pea_region_graph_edges(graph, &n_edges);
    (void)pea_region_graph_nodes(graph, &n_nodes);
    end(r, GRAPH, repeat, (double)n_edges);
    uint32_t *numbers = malloc((n_nodes + 1) * sizeof *numbers);
    double *costs = malloc((n_edges + 1) * sizeof *costs);
    if (!numbers || !costs)
        exit(bench_fail("bench_regions", "out of memory"));
    check(pea_multicut_costs(graph, 0.5, context, costs, &err), &err);
    if (prefix)
        write_graph(prefix, graph);
    for (int step = GREEDY; step <= MOVES; step++) {
        cut_graph(graph, costs, step == MOVES ? most_rounds : 0, step, repeat, numbers, context, r);
        if (prefix)
            write_numbers(prefix, names[step], numbers, n_nodes);
    }
    begin(r);
    check(pea_agglomerate(graph, NULL, context, numbers, &n, &err), &err);
    end(r, AGGLOMERATE, repeat, n);
    begin(r);
    check(pea_region_graph_project(graph, numbers, context, labels, &err), &err);
    end(r, PROJECT, repeat, (double)(labels->dims.z * labels->dims.y * labels->dims.x));
    free(costs);
    free(numbers);
    pea_region_graph_free(graph);
}

int main(int argc, char **argv)
{
    static result r;
    const int threads = argc > 3 ? atoi(argv[3]) : 1;
    const int repeats = argc <= 4 ? 3 : atoi(argv[4]) < BENCH_MOST_RUNS ? atoi(argv[4]) : BENCH_MOST_RUNS;
    const pea_fragment_rule rule =
        argc > 2 && strcmp(argv[2], "smooth") == 0 ? PEA_FRAGMENTS_SMOOTH : PEA_FRAGMENTS_INTERIOR;
    pea_offsets offsets = pea_offsets_3d_default();
    pea_context_options options = pea_context_options_default();
    pea_context *context;
    pea_npy file;
    pea_volume labels = {0};
    pea_error err = {0};
    if (argc < 3)
        return bench_fail("bench_regions",
                          "wants AFFINITY.npy interior|smooth [threads [repeats [FRAGMENTS.npy [GRAPH]]]]");
    check(pea_npy_read(argv[1], &file, &err), &err);
    if (file.dtype != PEA_FLOAT32 || file.n_axes != 4)
        return bench_fail("bench_regions", "the affinities must be a float32 array of 4 axes");
    const pea_dims d = {file.shape[0], file.shape[1], file.shape[2], file.shape[3]};
    const pea_array affinity = {file.data, PEA_FLOAT32, d};
    offsets.n = (size_t)d.c;
    options.n_threads = threads;
    check(pea_context_new(&options, &context, &err), &err);
    check(pea_volume_alloc(PEA_UINT32, (pea_dims){d.z, d.y, d.x, 1}, &labels, &err), &err);
    for (int i = 0; i < repeats; i++)
        run(&affinity, &offsets, rule, i, &labels.array, argc > 6 && i == 0 ? argv[6] : NULL, context, &r);
    if (argc > 5) { /* the labels are instances by now */
        const pea_npy made = {PEA_UINT32, 4, {d.z, d.y, d.x, 1}, labels.array.data};
        pea_fragments_options again = pea_fragments_options_default();
        again.rule = rule;
        check(pea_fragments(&affinity, &offsets, NULL, &again, context, &labels.array, NULL, &err), &err);
        check(pea_npy_write(argv[5], &made, context, &err), &err);
    }
    printf("{\"voxels\": %lld, \"threads\": %d, \"numbers\": {", (long long)(d.z * d.y * d.x), threads);
    for (int step = 0; step < N_STEPS; step++)
        printf("%s\"%s\": %.9g", step ? ", " : "", names[step], r.number[step]);
    printf("}, ");
    for (int step = 0; step < N_STEPS; step++)
        bench_print_list(names[step], r.seconds[step], repeats);
    printf("\"peak_bytes\": %.0f}\n", bench_peak_bytes());
    pea_volume_free(&labels);
    pea_npy_free(&file);
    pea_context_free(context);
    return 0;
}
