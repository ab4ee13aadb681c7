/* test_cluster_graph.c - the steps after the tiles on graphs that are no grids: order, shrink and grow beside a plain
 * walk.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"
#include "threads.h"

#include "cluster/cluster.h"
#include "cluster/union_find.h"

enum { MOST_CLUSTERS = 24, MOST_EDGES = 160 };

static pea_error err;

typedef struct plain_edge {
    uint32_t a, b, key;
    uint64_t id; /* repulsive edges: above all attractive ones */
    bool attractive;
} plain_edge;

typedef struct graph_case {
    uint32_t n;
    int n_edges;
    plain_edge edges[MOST_EDGES];
} graph_case;

/* Few keys, many parallel edges, and ids that differ in all their 64 bits, as those of a volume beyond 2^32 voxels do.
 * */
static graph_case make_case(uint64_t seed)
{
    uint64_t random = seed;
    graph_case c = {.n = 2 + test_random(&random) % (MOST_CLUSTERS - 1)};
    const uint32_t n_keys = 1 + test_random(&random) % 40, attractive_in_8 = test_random(&random) % 9;
    const int id_shift = (int)(test_random(&random) % 34);
    c.n_edges = (int)(test_random(&random) % (MOST_EDGES + 1));
    for (int i = 0; i < c.n_edges; i++) {
        plain_edge *e = c.edges + i;
        e->a = test_random(&random) % c.n;
        e->b = (e->a + 1 + test_random(&random) % (c.n - 1)) % c.n;
        e->key = 1 + test_random(&random) % n_keys;
        e->attractive = test_random(&random) % 8 < attractive_in_8;
        e->id = ((uint64_t)(test_random(&random) % 4096) * MOST_EDGES + (uint64_t)i) << id_shift; /* all differ */
        e->id += e->attractive ? 0 : UINT64_C(1) << 62;
    }
    return c;
}

static int earliest_first(const void *left, const void *right)
{
    const plain_edge *a = left, *b = right;
    if (a->key != b->key)
        return a->key > b->key ? -1 : 1;
    return a->id > b->id ? -1 : a->id < b->id;
}

static void walk_plainly(graph_case c, uint32_t *cluster)
{
    bool mutex[MOST_CLUSTERS][MOST_CLUSTERS] = {{false}};
    qsort(c.edges, (size_t)c.n_edges, sizeof *c.edges, earliest_first);
    for (uint32_t i = 0; i < c.n; i++)
        cluster[i] = i;
    for (int i = 0; i < c.n_edges; i++) {
        const uint32_t a = cluster[c.edges[i].a], b = cluster[c.edges[i].b];
        if (a == b || mutex[a][b])
            continue;
        if (!c.edges[i].attractive) {
            mutex[a][b] = mutex[b][a] = true;
            continue;
        }
        for (uint32_t j = 0; j < c.n; j++) {
            cluster[j] = cluster[j] == b ? a : cluster[j];
            mutex[a][j] |= mutex[b][j];
            mutex[j][a] |= mutex[j][b];
        }
    }
}

static void fill(const graph_case *c, bool attractive, pea__edges *edges)
{
    const size_t n = (size_t)c->n_edges;
    *edges = (pea__edges){0};
    assert_ok(pea__edges_reserve(edges, (int64_t)n, attractive, &err));
    for (int i = 0; i < c->n_edges; i++) {
        if (c->edges[i].attractive != attractive)
            continue;
        edges->ends[edges->n] = pea__ends(c->edges[i].a, c->edges[i].b);
        edges->key[edges->n] = c->edges[i].key;
        if (attractive)
            edges->id[edges->n] = c->edges[i].id;
        edges->n++;
    }
}

static void check_case(uint64_t seed, pea_context *context)
{
    const graph_case c = make_case(seed);
    uint32_t expected[MOST_CLUSTERS], number[MOST_CLUSTERS];
    int32_t parent[MOST_CLUSTERS];
    uint8_t unknown[MOST_CLUSTERS] = {0};
    pea__cluster_graph g = {.n_clusters = c.n, .unknown = unknown};
    fill(&c, true, &g.attractive);
    fill(&c, false, &g.repulsive);
    walk_plainly(c, expected);
    for (uint32_t i = 0; i < c.n; i++)
        number[i] = i;
    if (seed % 2) /* growing alone must do, too */
        assert_ok(pea__shrink(&g, context, 0.0, 1.0, 1 + (uint32_t)(seed / 8 % 12), number, &err));
    assert_ok(pea__grow(&g, NULL, 0.0, 1.0, parent, &err));
    for (uint32_t i = 0; i < c.n; i++)
        for (uint32_t j = 0; j < i; j++)
            if ((pea__find(parent, number[i]) == pea__find(parent, number[j])) != (expected[i] == expected[j]))
                fail_msg("seed %llu: clusters %u and %u", (unsigned long long)seed, i, j);
    pea__edges_free(&g.attractive);
    pea__edges_free(&g.repulsive);
}

/* PEA_CASES asks for more of them, PEA_SEED for others. */
static void random_graphs_equal_a_plain_walk(void **state)
{
    (void)state;
    const uint64_t n = getenv("PEA_CASES") ? strtoull(getenv("PEA_CASES"), NULL, 10) : 20000;
    const uint64_t first = getenv("PEA_SEED") ? strtoull(getenv("PEA_SEED"), NULL, 10) : 1;
    if (n > 20000)
        print_message("%llu graphs from seed %llu\n", (unsigned long long)n, (unsigned long long)first);
    pea_context *context = test_context(4, 0);
    for (uint64_t i = 0; i < n; i++)
        check_case(first + i, (first + i) % 8 == 1 ? context : NULL); /* threads for all take ten times as long */
    pea_context_free(context);
}

/* ---- graphs of which threads take many pieces ---- */

enum { N_MANY = 300000, N_ATTRACTIVE = 600000, N_REPULSIVE = 300000 };

/* Most edges lead to a cluster near by and come in the order of clusters, as those of tiles do; some do neither. */
static void fill_many(int n, bool attractive, pea__edges *edges)
{
    uint64_t random = 7 + (uint64_t)n;
    *edges = (pea__edges){0};
    assert_ok(pea__edges_reserve(edges, n, attractive, &err));
    for (edges->n = 0; edges->n < n; edges->n++) {
        const int64_t i = edges->n, near_by = 1 + test_random(&random) % 40, far = 1 + test_random(&random) % (N_MANY - 1);
        const uint32_t at = test_random(&random) % 50 ? (uint32_t)(i * N_MANY / n) : test_random(&random) % N_MANY;
        edges->ends[i] = pea__ends(at, (uint32_t)((at + (test_random(&random) % 50 ? near_by : far)) % N_MANY));
        edges->key[i] = 1 + test_random(&random) % (attractive ? 5000 : 3000);
        if (attractive)
            edges->id[i] = (uint64_t)i;
    }
}

/* With n_threads 0: walked as it is. first[c] becomes the first cluster of those that c is one with. */
static void cluster_many(int n_threads, uint32_t *first)
{
    pea_context *context = n_threads ? test_context(n_threads, 0) : NULL;
    uint32_t *number = malloc(N_MANY * sizeof *number), *first_of = malloc(N_MANY * sizeof *first_of);
    int32_t *parent = malloc(N_MANY * sizeof *parent);
    pea__cluster_graph g = {.n_clusters = N_MANY, .unknown = calloc(N_MANY, 1)};
    fill_many(N_ATTRACTIVE, true, &g.attractive);
    fill_many(N_REPULSIVE, false, &g.repulsive);
    for (uint32_t c = 0; c < N_MANY; c++)
        number[c] = c;
    if (context)
        assert_ok(pea__shrink(&g, context, 0.0, 1.0, 1, number, &err));
    assert_in_range(g.n_clusters, 1, context ? N_MANY - N_MANY / 8 : N_MANY);
    assert_ok(pea__grow(&g, NULL, 0.0, 1.0, parent, &err));
    memset(first_of, 255, N_MANY * sizeof *first_of);
    for (uint32_t c = 0; c < N_MANY; c++) {
        const uint32_t root = pea__find(parent, number[c]);
        first_of[root] = first_of[root] == UINT32_MAX ? c : first_of[root];
        first[c] = first_of[root];
    }
    pea__edges_free(&g.attractive);
    pea__edges_free(&g.repulsive);
    free(g.unknown);
    free(parent);
    free(first_of);
    free(number);
    pea_context_free(context);
}

static void threads_and_pieces_make_no_difference(void **state)
{
    (void)state;
    const size_t n_bytes = N_MANY * sizeof(uint32_t);
    uint32_t *expected = malloc(n_bytes), *found = malloc(n_bytes);
    cluster_many(0, expected);
    for (int n_threads = 1; n_threads <= 4; n_threads++) {
        cluster_many(n_threads, found);
        assert_memory_equal(found, expected, n_bytes);
    }
    free(expected);
    free(found);
}

/* Runs of equal keys of every length, around the one where they are sorted otherwise. */
static void equal_keys_come_by_id(void **state)
{
    (void)state;
    enum { N = 60000 };
    pea__edges edges = {.n = N};
    pea__pair *order;
    uint64_t random = 3;
    edges.key = malloc(N * sizeof *edges.key);
    edges.id = malloc(N * sizeof *edges.id);
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t share = test_random(&random) % 100;
        edges.key[i] = share < 60 ? 7 : share < 67 ? 8 : share < 74 ? 0xFFFFFFF0u : test_random(&random) % 9000;
        edges.id[i] = (uint64_t)(test_random(&random) % 8) << 40 | (uint64_t)(test_random(&random) % 2) << 31 | i;
    }
    assert_ok(pea__edges_order(&edges, NULL, 0.0, 1.0, &order, &err));
    for (uint32_t i = 1; i < N; i++) {
        const uint32_t a = order[i - 1].value, b = order[i].value;
        assert_int_equal(order[i].key, edges.key[b]);
        assert_true(edges.key[a] < edges.key[b] || (edges.key[a] == edges.key[b] && edges.id[a] < edges.id[b]));
    }
    pea__free_unset(order);
    free(edges.key);
    free(edges.id);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_graphs_equal_a_plain_walk),
    cmocka_unit_test(threads_and_pieces_make_no_difference),
    cmocka_unit_test(equal_keys_come_by_id),
};

PEA_TEST_MAIN(tests)
