/* test_multicut.c - partitions beside the best of all, which is found by trying them all.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"
#include "pea/multicut.h"
#include "region_graphs.h"
#include "threads.h"

#include <inttypes.h>
#include <math.h>

static pea_error err;

/* Few levels are for ties: eighths, of which all sums are exact, so that ties are ties whatever is added first. */
static double *random_costs(const pea_region_graph *graph, uint64_t seed, uint32_t n_levels)
{
    double *costs = malloc(((size_t)graph->n_edges + 1) * sizeof *costs);
    assert_non_null(costs);
    for (int64_t e = 0; e < graph->n_edges; e++) {
        const uint32_t level = test_random(&seed) % n_levels;
        costs[e] = n_levels < 10 ? 0.375 * (double)level - 0.875 : (double)level / (n_levels - 1) * 2.0 - 0.9;
    }
    return costs;
}

static double energy_of(const pea_region_graph *graph, const double *costs, const uint32_t *numbers)
{
    double energy = 0.0;
    for (int64_t e = 0; e < graph->n_edges; e++)
        energy += numbers[graph->edges[e].a] != numbers[graph->edges[e].b] ? costs[e] : 0.0;
    return energy;
}

/* Every partition once, as the growing string that names it: a node joins an earlier instance or begins the next. */
static double best_energy(const pea_region_graph *graph, const double *costs)
{
    const int n = (int)graph->n_nodes;
    uint32_t numbers[10] = {0}, largest[10] = {0};
    double best = INFINITY;
    for (;;) {
        best = fmin(best, energy_of(graph, costs, numbers));
        int i = n - 1;
        while (i > 0 && numbers[i] == largest[i - 1] + 1)
            i--;
        if (i <= 0)
            return best;
        numbers[i]++;
        largest[i] = numbers[i] > largest[i - 1] ? numbers[i] : largest[i - 1];
        for (int j = i + 1; j < n; j++) {
            numbers[j] = 0;
            largest[j] = largest[j - 1];
        }
    }
}

/* 1..n by first node, and each instance hangs together. */
static void assert_proper(const pea_region_graph *graph, const uint32_t *numbers, uint32_t n)
{
    uint32_t next = 1, n_pieces = 0;
    const uint32_t n_nodes = (uint32_t)graph->n_nodes;
    uint32_t *piece = malloc((n_nodes + 1) * sizeof *piece);
    assert_non_null(piece);
    for (uint32_t i = 0; i < n_nodes; i++) {
        assert_true(numbers[i] >= 1 && numbers[i] <= next);
        next += numbers[i] == next;
        piece[i] = i;
    }
    assert_int_equal(next, n + 1);
    for (bool again = true; again;) {
        again = false;
        for (int64_t e = 0; e < graph->n_edges; e++) {
            const uint32_t a = graph->edges[e].a, b = graph->edges[e].b;
            if (numbers[a] != numbers[b] || piece[a] == piece[b])
                continue;
            piece[a] = piece[b] = piece[a] < piece[b] ? piece[a] : piece[b];
            again = true;
        }
    }
    for (uint32_t i = 0; i < n_nodes; i++)
        n_pieces += piece[i] == i;
    assert_int_equal(n_pieces, n);
    free(piece);
}

static void small_graphs_come_near_the_best_of_all_partitions(void **state)
{
    (void)state;
    int n_best_greedy = 0, n_best = 0;
    double missed_greedy = 0.0, missed = 0.0;
    enum { N = 1500 };
    for (uint64_t seed = 1; seed <= N; seed++) {
        uint64_t random = seed;
        pea_region_graph *graph = test_region_graph(seed, 1 + test_random(&random) % (seed % 50 ? 8 : 10),
                                                    20 + test_random(&random) % 80, 9);
        double *costs = random_costs(graph, seed + 5, seed % 2 ? 6 : 10000), energy, greedy;
        const double best = best_energy(graph, costs);
        uint32_t numbers[10], n;
        pea_multicut_options options = pea_multicut_options_default();
        options.max_rounds = 0;
        assert_ok(pea_multicut(graph, costs, &options, NULL, numbers, &n, &greedy, &err));
        assert_proper(graph, numbers, n);
        assert_true(fabs(greedy - energy_of(graph, costs, numbers)) < 1e-9);
        assert_ok(pea_multicut(graph, costs, NULL, NULL, numbers, &n, &energy, &err));
        assert_proper(graph, numbers, n);
        assert_true(fabs(energy - energy_of(graph, costs, numbers)) < 1e-9);
        assert_true(energy <= greedy + 1e-9 && energy >= best - 1e-9);
        n_best_greedy += greedy < best + 1e-5;
        n_best += energy < best + 1e-5;
        missed_greedy += greedy - best;
        missed += energy - best;
        free(costs);
        pea_region_graph_free(graph);
    }
    print_message("best of all: greedy %d, then moves %d of %d; missed %.3f and %.3f\n", n_best_greedy, n_best, (int)N,
                  missed_greedy / N, missed / N);
    assert_true(n_best > N * 97 / 100 && n_best > n_best_greedy && missed < 0.3 * missed_greedy);
}

/* ---- the plain algorithm: instances are numbers of nodes, gains are summed anew for each move ---- */

typedef struct plain {
    const pea_region_graph *graph;
    const double *costs;
    uint32_t owner[10];
    bool changed[20], changes[20];
} plain;

static double weight_between(const plain *p, uint32_t node, uint32_t instance)
{
    double sum = 0.0;
    for (int64_t e = 0; e < p->graph->n_edges; e++) {
        const uint32_t a = p->graph->edges[e].a, b = p->graph->edges[e].b;
        if ((a == node && p->owner[b] == instance) || (b == node && p->owner[a] == instance))
            sum += p->costs[e];
    }
    return sum;
}

static bool touches(const plain *p, uint32_t node, uint32_t instance)
{
    for (int64_t e = 0; e < p->graph->n_edges; e++) {
        const uint32_t a = p->graph->edges[e].a, b = p->graph->edges[e].b;
        if ((a == node && p->owner[b] == instance) || (b == node && p->owner[a] == instance))
            return true;
    }
    return false;
}

/* `seen`: who was at the border once stays a candidate. */
static bool plain_pair(plain *p, uint32_t a, uint32_t b, bool split, double epsilon)
{
    const uint32_t n = (uint32_t)p->graph->n_nodes;
    uint32_t order[10], n_moved = 0, n_best = 0, before[10];
    bool seen[10] = {false}, moved[10] = {false};
    double between = 0.0, sum = 0.0, best = 0.0;
    memcpy(before, p->owner, sizeof before);
    for (uint32_t i = 0; i < n; i++) {
        between += p->owner[i] == a ? weight_between(p, i, b) : 0.0;
        seen[i] = (p->owner[i] == a && (split || touches(p, i, b))) || (p->owner[i] == b && touches(p, i, a));
    }
    for (;;) {
        uint32_t top = n;
        double most = 0.0;
        for (uint32_t i = 0; i < n; i++) {
            if (!seen[i] || moved[i])
                continue;
            const double gain = weight_between(p, i, p->owner[i] == a ? b : a) - weight_between(p, i, p->owner[i]);
            if (top == n || gain > most + 1e-12) {
                top = i;
                most = gain;
            }
        }
        if (top == n)
            break;
        const uint32_t from = p->owner[top];
        sum += most;
        moved[top] = true;
        order[n_moved++] = top;
        p->owner[top] = from == a ? b : a;
        for (uint32_t i = 0; i < n; i++)
            seen[i] |= p->owner[i] == from && touches(p, i, p->owner[top]);
        if (sum > best + 1e-12) {
            best = sum;
            n_best = n_moved;
        }
    }
    const bool joined = !split && 2.0 * between > best && between > epsilon, better = best > epsilon;
    memcpy(p->owner, before, sizeof before);
    for (uint32_t i = 0; i < n && joined; i++)
        p->owner[i] = p->owner[i] == b ? a : p->owner[i];
    for (uint32_t i = 0; i < n_best && better && !joined; i++)
        p->owner[order[i]] = before[order[i]] == a ? b : a;
    if (joined || better)
        p->changes[a] = p->changes[b] = true;
    return joined || better;
}

static bool is_empty(const plain *p, uint32_t instance)
{
    for (uint32_t i = 0; i < p->graph->n_nodes; i++)
        if (p->owner[i] == instance)
            return false;
    return true;
}

static double plain_moves(const pea_region_graph *graph, const double *costs, const uint32_t *start, double epsilon)
{
    plain p = {.graph = graph, .costs = costs};
    for (uint32_t i = 0; i < graph->n_nodes; i++)
        p.owner[i] = start[i];
    bool any = true;
    for (int round = 0; round < 100 && any; round++) {
        any = false;
        for (uint32_t a = 0; a < 20; a++)
            for (uint32_t b = a + 1; b < 20; b++)
                if (!is_empty(&p, a) && !is_empty(&p, b))
                    any |= plain_pair(&p, a, b, false, epsilon);
        for (uint32_t a = 0; a < 20; a++) {
            uint32_t b = 0;
            while (b < 20 && !is_empty(&p, b))
                b++;
            if (!is_empty(&p, a) && b < 20)
                any |= plain_pair(&p, a, b, true, epsilon);
        }
    }
    return energy_of(graph, costs, p.owner);
}

static void moves_never_cost_and_mostly_gain(void **state)
{
    (void)state;
    int n_better = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        pea_region_graph *graph = seed % 3 ? test_region_grid(seed, 30, 25) : test_region_graph(seed, 200, 8, 500);
        double *costs = random_costs(graph, seed, 1000), energy, greedy;
        uint32_t *numbers = malloc((size_t)graph->n_nodes * sizeof *numbers), n;
        pea_multicut_options options = pea_multicut_options_default();
        assert_non_null(numbers);
        options.max_rounds = 0;
        assert_ok(pea_multicut(graph, costs, &options, NULL, numbers, &n, &greedy, &err));
        assert_ok(pea_multicut(graph, costs, NULL, NULL, numbers, &n, &energy, &err));
        assert_proper(graph, numbers, n);
        assert_true(energy <= greedy + 1e-9);
        n_better += energy < greedy - 1e-6;
        free(numbers);
        free(costs);
        pea_region_graph_free(graph);
    }
    assert_true(n_better >= 25);
}

/* Hope that is kept while nodes move ends no sequence too early: on graphs of up to 10 nodes the end is that of the plain
 * algorithm, which tries every sequence to its end. */
static void plain_moves_end_no_better(void **state)
{
    (void)state;
    double lost = 0.0;
    int n_worse = 0, n_better = 0;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        uint64_t random = seed;
        pea_region_graph *graph = test_region_graph(seed, 2 + test_random(&random) % 9, 30 + test_random(&random) % 70, 9);
        double *costs = random_costs(graph, seed + 9, seed % 2 ? 6 : 10000), energy, greedy;
        uint32_t numbers[10], start[10], n;
        pea_multicut_options options = pea_multicut_options_default();
        options.max_rounds = 0;
        assert_ok(pea_multicut(graph, costs, &options, NULL, start, &n, &greedy, &err));
        options = pea_multicut_options_default();
        options.patience = 0;
        assert_ok(pea_multicut(graph, costs, &options, NULL, numbers, &n, &energy, &err));
        assert_true(energy <= greedy + 1e-9);
        const double expected = plain_moves(graph, costs, start, options.epsilon);
        n_worse += energy > expected + 1e-4;
        n_better += energy < expected - 1e-4;
        lost += energy - expected;
        free(costs);
        pea_region_graph_free(graph);
    }
    print_message("worse than plain moves %d times, better %d times of 2000; lost %.4f\n", n_worse, n_better, lost);
    assert_true(n_worse == 0 && n_better == 0 && fabs(lost) < 1e-6);
}

/* A background of many nodes: the limit of patience is met. Once in a while it costs a little. */
static void patience_costs_next_to_no_energy(void **state)
{
    int n_worse = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        enum { SIDE = 40 };
        pea_region_graph *graph = test_region_grid(seed, SIDE, SIDE);
        double *costs = malloc((size_t)graph->n_edges * sizeof *costs), patient, energy;
        uint32_t numbers[SIDE * SIDE];
        uint64_t random = seed;
        pea_multicut_options options = pea_multicut_options_default();
        assert_non_null(costs);
        for (int64_t e = 0; e < graph->n_edges; e++) {
            const uint32_t a = graph->edges[e].a, b = graph->edges[e].b;
            const bool in_a = a / SIDE % 10 < 4 && a % 10 < 4, in_b = b / SIDE % 10 < 4 && b % 10 < 4;
            costs[e] = (in_a == in_b ? 1.0 : -1.0) + 4.0 * ((double)test_random(&random) / 4294967296.0 - 0.5) * 0.8;
        }
        assert_ok(pea_multicut(graph, costs, &options, NULL, numbers, NULL, &energy, &err));
        options.patience = 0;
        assert_ok(pea_multicut(graph, costs, &options, NULL, numbers, NULL, &patient, &err));
        n_worse += energy > patient + 1e-6;
        assert_true(energy <= patient + 1e-3 * fabs(patient));
        free(costs);
        pea_region_graph_free(graph);
    }
    assert_true(n_worse <= 1);
}

static void clear_costs_give_clear_instances(void **state)
{
    (void)state;
    pea_region_graph *graph = test_region_grid(1, 12, 14);
    double *costs = malloc((size_t)graph->n_edges * sizeof *costs), energy, expected = 0.0;
    uint32_t numbers[12 * 14], n;
    assert_non_null(costs);
    for (int64_t e = 0; e < graph->n_edges; e++) {
        const uint32_t a = graph->edges[e].a, b = graph->edges[e].b;
        const bool same = a / 14 / 6 == b / 14 / 6 && a % 14 / 7 == b % 14 / 7;
        costs[e] = same ? 1.0 : -1.0;
        expected += same ? 0.0 : -1.0;
    }
    assert_ok(pea_multicut(graph, costs, NULL, NULL, numbers, &n, &energy, &err));
    assert_int_equal(n, 4);
    assert_true(fabs(energy - expected) < 1e-9);
    for (uint32_t i = 0; i < 12 * 14; i++)
        assert_int_equal(numbers[i], 1 + 2 * (i / 14 / 6) + i % 14 / 7);
    free(costs);
    pea_region_graph_free(graph);
}

static void costs_follow_the_formula(void **state)
{
    (void)state;
    pea_region_graph *graph;
    const double means[] = {1.0, 0.5, 0.0, 0.8, 1.3};
    const int64_t faces[] = {2, 4, 1, 3, 4};
    double costs[5];
    assert_ok(pea__region_graph_new(6, 5, 0, &graph, &err));
    for (uint32_t e = 0; e < 5; e++)
        graph->edges[e] = (pea_region_edge){e, e + 1, faces[e], means[e], 1.0f};
    assert_ok(pea_multicut_costs(graph, 0.5, NULL, costs, &err));
    const double expected[] = {0.5 * log(999.0), 0.0, -0.25 * log(999.0), 0.75 * log(0.7994 / 0.2006), log(999.0)};
    for (int e = 0; e < 5; e++)
        assert_true(fabs(costs[e] - expected[e]) < 1e-9);
    assert_ok(pea_multicut_costs(graph, 0.8, NULL, costs, &err));
    assert_true(fabs(costs[1] + log(4.0)) < 1e-9);
    assert_fails(pea_multicut_costs(graph, 1.0, NULL, costs, &err), PEA_E_ARG, "beta");
    pea_region_graph_free(graph);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    pea_region_graph *graph = test_region_graph(1, 4, 100, 9);
    double costs[6] = {0, 1, 2, NAN, 0, 1};
    uint32_t numbers[4];
    pea_multicut_options options = pea_multicut_options_default();
    assert_fails(pea_multicut(graph, costs, NULL, NULL, numbers, NULL, NULL, &err), PEA_E_ARG, "edge 3");
    costs[3] = 1.0;
    options.epsilon = -1.0;
    assert_fails(pea_multicut(graph, costs, &options, NULL, numbers, NULL, NULL, &err), PEA_E_ARG, "epsilon");
    options = pea_multicut_options_default();
    options.patience = -1;
    assert_fails(pea_multicut(graph, costs, &options, NULL, numbers, NULL, NULL, &err), PEA_E_ARG, "patience");
    pea_region_graph_free(graph);
}

typedef struct problem {
    pea_region_graph *graph;
    double *costs;
    uint32_t *numbers;
} problem;

static problem make_problem(uint32_t side)
{
    problem p = {.graph = test_region_grid(3, side, side)};
    p.costs = random_costs(p.graph, 7, 1000);
    p.numbers = malloc((size_t)side * side * sizeof *p.numbers);
    assert_non_null(p.numbers);
    return p;
}

static void free_problem(problem *p)
{
    free(p->numbers);
    free(p->costs);
    pea_region_graph_free(p->graph);
}

static pea_status solve(void *argument, pea_context *context, pea_error *error)
{
    const problem *p = argument;
    return pea_multicut(p->graph, p->costs, NULL, context, p->numbers, NULL, NULL, error);
}

static pea_status try_once(void *argument, pea_error *error)
{
    return solve(argument, NULL, error);
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    problem p = make_problem(18); /* more than 256 nodes, so that heaps grow */
    assert_true(test_each_allocation_failing(try_once, &p, 120) > 40);
    free_problem(&p);
}

static void a_large_problem_can_be_stopped(void **state)
{
    (void)state;
    problem p = make_problem(200);
    assert_can_be_heard_and_stopped("multicut", solve, &p);
    free_problem(&p);
}

static pea_status price(void *argument, pea_context *context, pea_error *error)
{
    const problem *p = argument;
    return pea_multicut_costs(p->graph, 0.5, context, p->costs, error);
}

static void costs_can_be_stopped(void **state) /* they are too few to be heard twice */
{
    (void)state;
    problem p = make_problem(18);
    listener stopped = {.stop_at = 1};
    assert_int_equal(listen_to(&stopped, price, &p, &err), PEA_E_CANCELLED);
    assert_string_equal(stopped.stage, "multicut");
    free_problem(&p);
}

static void too_little_memory_is_refused_with_the_number(void **state)
{
    (void)state;
    pea_region_graph *graph = test_region_grid(1, 60, 60);
    double *costs = random_costs(graph, 1, 9);
    uint32_t numbers[3600];
    uint64_t needed;
    pea_context *context = test_context(1, 100000);
    assert_fails(pea_multicut(graph, costs, NULL, context, numbers, NULL, NULL, &err), PEA_E_LIMIT,
                 "3600 regions with 14042 contacts needs ");
    assert_non_null(strstr(err.message, "bytes but the limit is 100000"));
    assert_int_equal(sscanf(strstr(err.message, "needs "), "needs %" SCNu64, &needed), 1);
    pea_context_free(context);
    context = test_context(1, needed);
    assert_ok(pea_multicut(graph, costs, NULL, context, numbers, NULL, NULL, &err));
    pea_context_free(context);
    free(costs);
    pea_region_graph_free(graph);
}

/* A line of /proc/self/status in bytes; -1 where there is no such thing. */
static int64_t status_bytes(const char *key)
{
    char line[200];
    int64_t kilobytes = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kilobytes = atoll(line + strlen(key));
    if (file)
        fclose(file);
    return kilobytes < 0 ? -1 : kilobytes * 1024;
}

/* The peak begins anew at what is used now. */
static bool forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    const bool open = file != NULL, written = open && fputs("5", file) >= 0;
    return open && fclose(file) == 0 && written;
}

/* The number with which a multicut is refused bounds what it takes with the graph and the costs, and is not far off. */
static void the_number_bounds_what_is_used(void **state)
{
    (void)state;
    if (!TEST_MEMORY_IS_MEASURABLE)
        skip();
    pea_region_graph *graph = test_region_grid(2, 300, 300);
    double *costs = random_costs(graph, 2, 1000);
    uint32_t *numbers = calloc((size_t)graph->n_nodes, sizeof *numbers);
    uint64_t needed;
    pea_context *context = test_context(1, 100000);
    assert_fails(pea_multicut(graph, costs, NULL, context, numbers, NULL, NULL, &err), PEA_E_LIMIT, "needs ");
    assert_int_equal(sscanf(strstr(err.message, "needs "), "needs %" SCNu64, &needed), 1);
    pea_context_free(context);
    const int64_t held = graph->n_nodes * (int64_t)sizeof *graph->nodes +
                         graph->n_edges * (int64_t)(sizeof *graph->edges + sizeof *costs);
    const int64_t before = forget_peak() ? status_bytes("VmRSS:") : -1;
    if (before >= 0) {
        assert_ok(pea_multicut(graph, costs, NULL, NULL, numbers, NULL, NULL, &err));
        const uint64_t used = (uint64_t)(status_bytes("VmHWM:") - before + held);
        assert_true(used <= needed && 2 * used > needed);
    }
    free(numbers);
    free(costs);
    pea_region_graph_free(graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(too_little_memory_is_refused_with_the_number),
    cmocka_unit_test(small_graphs_come_near_the_best_of_all_partitions),
    cmocka_unit_test(moves_never_cost_and_mostly_gain),
    cmocka_unit_test(plain_moves_end_no_better),
    cmocka_unit_test(patience_costs_next_to_no_energy),
    cmocka_unit_test(clear_costs_give_clear_instances),
    cmocka_unit_test(costs_follow_the_formula),
    cmocka_unit_test(wrong_arguments_are_refused),
    cmocka_unit_test(failing_memory_leaks_nothing),
    cmocka_unit_test(a_large_problem_can_be_stopped),
    cmocka_unit_test(costs_can_be_stopped),
    cmocka_unit_test(the_number_bounds_what_is_used),
};

PEA_TEST_MAIN(tests)
