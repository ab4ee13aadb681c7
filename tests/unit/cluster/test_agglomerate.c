/* test_agglomerate.c - merging by score beside the rule written down word by word, with lists that are searched.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"
#include "pea/agglomerate.h"
#include "region_graphs.h"
#include "threads.h"

#include <inttypes.h>
#include <math.h>

enum { MOST_NODES = 40, MOST_EDGES = MOST_NODES * MOST_NODES / 2 };

static pea_error err;

/* ---- the twin ---- */

typedef struct plain_edge {
    uint32_t a, b; /* numbers of roots, a < b */
    bool deleted, stale;
    double sum, n;
    int64_t counts[256];
    float cost;
} plain_edge;

static plain_edge edges[MOST_EDGES];
static int64_t n_edges;
static int queue[256][20 * MOST_EDGES]; /* edges in order of arrival; -1 is gone */
static int begin[256], end[256];

static int plain_bin(float value)
{
    const int bin = (int)(256.0f * value);
    return value < 0.0f || bin < 0 ? 0 : bin > 255 ? 255 : bin;
}

static void plain_score(plain_edge *e, pea_region_score score, int percent)
{
    double value = e->sum / e->n;
    if (score == PEA_SCORE_QUANTILE) {
        int64_t total = 0, seen = 0;
        int bin = 0;
        for (int i = 0; i < 256; i++)
            total += e->counts[i];
        for (; (seen += e->counts[bin]) < percent * total / 100 + 1; bin++)
            ;
        value = (bin + 0.5) / 256.0;
    }
    e->cost = 1.0f - (float)value;
}

static void plain_push(int i)
{
    const int bin = plain_bin(edges[i].cost);
    queue[bin][end[bin]++] = i;
}

static plain_edge *plain_find(uint32_t a, uint32_t b)
{
    for (int64_t i = 0; i < n_edges; i++)
        if (!edges[i].deleted && ((edges[i].a == a && edges[i].b == b) || (edges[i].a == b && edges[i].b == a)))
            return edges + i;
    return NULL;
}

static void plain_add(plain_edge *to, plain_edge *from)
{
    to->sum += from->sum;
    to->n += from->n;
    for (int i = 0; i < 256; i++)
        to->counts[i] += from->counts[i];
    to->stale = true;
    from->deleted = true;
}

static void plain_merge(uint32_t a, uint32_t b, uint32_t n_nodes, uint32_t *root)
{
    for (uint32_t c = 0; c < n_nodes; c++) {
        plain_edge *to_b = c != a ? plain_find(b, c) : NULL, *to_a = to_b ? plain_find(a, c) : NULL;
        if (to_b && (!to_a || to_a->cost >= to_b->cost)) {
            if (to_a)
                plain_add(to_b, to_a);
            to_b->a = a < c ? a : c;
            to_b->b = a < c ? c : a;
        } else if (to_b) {
            plain_add(to_a, to_b);
        }
    }
    for (uint32_t i = 0; i < n_nodes; i++)
        root[i] = root[i] == b ? a : root[i];
}

static void plain_agglomerate(const pea_region_graph *graph, const pea_agglomerate_options *o, uint32_t *root)
{
    memset(begin, 0, sizeof begin);
    memset(end, 0, sizeof end);
    n_edges = graph->n_edges;
    for (uint32_t i = 0; i < graph->n_nodes; i++)
        root[i] = i;
    for (int i = 0; i < n_edges; i++) {
        const pea_region_edge *e = graph->edges + i;
        edges[i] = (plain_edge){.a = e->a, .b = e->b, .sum = e->mean * (double)e->n_faces, .n = (double)e->n_faces};
        edges[i].counts[plain_bin(e->max)] = 1;
        plain_score(edges + i, o->score, o->percent);
        plain_push(i);
    }
    for (;;) {
        int bin = 0;
        while (bin < 256 && begin[bin] == end[bin])
            bin++;
        if (bin == 256)
            return;
        const int i = queue[bin][begin[bin]];
        plain_edge *e = edges + i;
        if (e->cost >= (float)o->threshold)
            return;
        begin[bin]++;
        if (e->deleted)
            continue;
        if (e->stale) {
            plain_score(e, o->score, o->percent);
            e->stale = false;
            plain_push(i);
            continue;
        }
        e->deleted = true;
        plain_merge(e->a, e->b, (uint32_t)graph->n_nodes, root);
    }
}

/* ---- cases ---- */

static void merging_equals_the_rule_word_by_word(void **state)
{
    (void)state;
    int64_t n_merged = 0, n_apart = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t random = seed;
        pea_agglomerate_options options = pea_agglomerate_options_default();
        options.score = seed % 2 ? PEA_SCORE_MEAN : PEA_SCORE_QUANTILE;
        options.percent = seed % 3 ? 50 : (int)(test_random(&random) % 100);
        options.threshold = seed % 5 ? 0.5 : 0.1 + 0.9 * test_random(&random) / 2147483648.0;
        pea_region_graph *graph = test_region_graph(seed, 1 + test_random(&random) % MOST_NODES,
                                                    5 + test_random(&random) % 60, 2 + test_random(&random) % 300);
        uint32_t root[MOST_NODES], numbers[MOST_NODES], expected[MOST_NODES], n = 0, n_expected = 0;
        plain_agglomerate(graph, &options, root);
        assert_ok(pea_agglomerate(graph, &options, NULL, numbers, &n, &err));
        for (uint32_t i = 0; i < graph->n_nodes; i++) {
            expected[i] = root[i] == i ? ++n_expected : expected[root[i]];
            if (expected[i] != numbers[i])
                fail_msg("seed %d: node %d is in %d, not in %d", (int)seed, (int)i, (int)numbers[i], (int)expected[i]);
        }
        assert_int_equal(n, n_expected);
        n_merged += graph->n_nodes - n;
        n_apart += n;
        pea_region_graph_free(graph);
    }
    assert_true(n_merged > 10000 && n_apart > 10000); /* or the graphs tell nothing */
}

static void nothing_to_merge_is_no_failure(void **state)
{
    (void)state;
    uint32_t numbers[3] = {9, 9, 9}, n = 9;
    pea_region_graph *graph = test_region_graph(1, 0, 0, 2);
    assert_ok(pea_agglomerate(graph, NULL, NULL, numbers, &n, &err));
    assert_int_equal(n, 0);
    pea_region_graph_free(graph);
    graph = test_region_graph(1, 3, 0, 2);
    assert_ok(pea_agglomerate(graph, NULL, NULL, numbers, &n, &err));
    assert_true(n == 3 && numbers[0] == 1 && numbers[1] == 2 && numbers[2] == 3);
    pea_region_graph_free(graph);
}

/* A background that touches everything: its edges must not be walked again and again. */
static void a_hub_of_many_regions_is_fast(void **state)
{
    (void)state;
    enum { N = 300000 };
    pea_region_graph *graph;
    uint32_t *numbers = malloc(N * sizeof *numbers), n;
    assert_non_null(numbers);
    for (int last = 0; last < 2; last++) { /* the hub is the first node, or the last, which is absorbed */
        assert_ok(pea__region_graph_new(N, N - 1, 0, &graph, &err));
        for (uint32_t i = 0; i < N; i++)
            graph->nodes[i] = (pea_region_node){1 + i, 1};
        for (uint32_t i = 0; i < N - 1; i++)
            graph->edges[i] = (pea_region_edge){last ? i : 0, last ? N - 1 : i + 1, 1, 0.9, 0.9f};
        assert_ok(pea_agglomerate(graph, NULL, NULL, numbers, &n, &err));
        assert_int_equal(n, 1);
        pea_region_graph_free(graph);
    }
    free(numbers);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    uint32_t numbers[3];
    pea_region_graph *graph = test_region_graph(1, 3, 100, 2);
    pea_agglomerate_options options = pea_agglomerate_options_default();
    options.threshold = NAN;
    assert_fails(pea_agglomerate(graph, &options, NULL, numbers, NULL, &err), PEA_E_ARG, "threshold");
    options.threshold = 0.5;
    options.percent = 100;
    assert_fails(pea_agglomerate(graph, &options, NULL, numbers, NULL, &err), PEA_E_ARG, "99");
    options.percent = 50;
    options.score = (pea_region_score)0;
    assert_fails(pea_agglomerate(graph, &options, NULL, numbers, NULL, &err), PEA_E_ARG, "score 0");
    pea_region_graph_free(graph);
}

typedef struct attempt {
    pea_region_graph *graph;
    pea_region_score score;
} attempt;

static pea_status merge(void *argument, pea_context *context, pea_error *error)
{
    const attempt *what = argument;
    pea_agglomerate_options options = pea_agglomerate_options_default();
    uint32_t *numbers = malloc((size_t)what->graph->n_nodes * sizeof *numbers);
    options.score = what->score;
    const pea_status status = pea_agglomerate(what->graph, &options, context, numbers, NULL, error);
    free(numbers);
    return status;
}

static pea_status try_once(void *argument, pea_error *error)
{
    return merge(argument, NULL, error);
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    pea_region_graph *graph = test_region_grid(1, 10, 10);
    attempt by_mean = {graph, PEA_SCORE_MEAN}, by_quantile = {graph, PEA_SCORE_QUANTILE};
    assert_true(test_each_allocation_failing(try_once, &by_mean, 50) > 20);
    assert_true(test_each_allocation_failing(try_once, &by_quantile, 50) > 20);
    pea_region_graph_free(graph);
}

static void a_large_graph_can_be_stopped(void **state)
{
    (void)state;
    pea_region_graph *graph = test_region_grid(1, 400, 400);
    attempt by_mean = {graph, PEA_SCORE_MEAN}, by_quantile = {graph, PEA_SCORE_QUANTILE};
    assert_can_be_heard_and_stopped("agglomerate", merge, &by_mean);
    assert_can_be_heard_and_stopped("agglomerate", merge, &by_quantile);
    pea_region_graph_free(graph);
}

static void too_little_memory_is_refused_with_the_number(void **state)
{
    (void)state;
    pea_region_graph *graph = test_region_grid(1, 60, 60);
    uint32_t numbers[3600];
    uint64_t needed;
    pea_context *context = test_context(1, 100000);
    assert_fails(pea_agglomerate(graph, NULL, context, numbers, NULL, &err), PEA_E_LIMIT, "3600 regions with 14042 contacts needs ");
    assert_non_null(strstr(err.message, "bytes but the limit is 100000"));
    assert_int_equal(sscanf(strstr(err.message, "needs "), "needs %" SCNu64, &needed), 1);
    pea_context_free(context);
    context = test_context(1, needed);
    assert_ok(pea_agglomerate(graph, NULL, context, numbers, NULL, &err));
    pea_context_free(context);
    pea_region_graph_free(graph);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(too_little_memory_is_refused_with_the_number),
    cmocka_unit_test(merging_equals_the_rule_word_by_word),
    cmocka_unit_test(nothing_to_merge_is_no_failure),
    cmocka_unit_test(a_hub_of_many_regions_is_fast),
    cmocka_unit_test(wrong_options_are_refused),
    cmocka_unit_test(failing_memory_leaks_nothing),
    cmocka_unit_test(a_large_graph_can_be_stopped),
};

PEA_TEST_MAIN(tests)
