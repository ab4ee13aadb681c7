/* test_beyond_32_bits.c - volumes of more than 2^32 voxels: objects at both ends of nothing, of which the system keeps
 * no page until it is written. Two minutes and 52 GB of addresses: only with PEA_TEST_HUGE=1.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include <stdlib.h>
#include <sys/mman.h>

#include "pea/cluster.h"
#include "pea/metric.h"
#include "pea/region_graph.h"
#include "test.h"

static const pea_dims DIMS = {3000, 1200, 1200, 1}; /* 4.32e9 voxels */

static pea_error err;

typedef struct huge {
    uint32_t *labels;
    float *affinity; /* (z,y,x,2): a plane's offsets are enough */
    size_t n_labels, n_affinity;
} huge;

static void *sparse(size_t n_bytes)
{
    void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static int64_t at(int64_t z, int64_t y, int64_t x)
{
    return (z * DIMS.y + y) * DIMS.x + x;
}

static void fill(huge *h, int64_t z, int64_t y, int64_t x, int64_t side, uint32_t label)
{
    for (int64_t i = 0; i < side * side * side; i++)
        h->labels[at(z + i / side / side, y + i / side % side, x + i % side)] = label;
}

/* Label 900: a cube at the beginning, and one at the end that has a hole; 5: 2 voxels wide, beside it. */
static void draw(huge *h)
{
    fill(h, 0, 0, 0, 4, 900);
    fill(h, 2990, 1190, 1180, 5, 900);
    h->labels[at(2992, 1192, 1182)] = 0;
    fill(h, 2991, 1191, 1185, 2, 5);
}

static int make(void **state)
{
    static huge h;
    const char *wish = getenv("PEA_TEST_HUGE");
    const size_t n = (size_t)(DIMS.z * DIMS.y * DIMS.x);
    *state = NULL;
    if (!wish || strcmp(wish, "1") != 0)
        return 0;
    h = (huge){.n_labels = n * sizeof *h.labels, .n_affinity = 2 * n * sizeof *h.affinity};
    h.labels = sparse(h.n_labels);
    h.affinity = sparse(h.n_affinity);
    if (!h.labels || !h.affinity)
        return -1;
    draw(&h);
    *state = &h;
    return 0;
}

static int unmake(void **state)
{
    huge *h = *state;
    if (h) {
        munmap(h->labels, h->n_labels);
        munmap(h->affinity, h->n_affinity);
    }
    return 0;
}

static pea_array labels_of(const huge *h)
{
    return (pea_array){h->labels, PEA_UINT32, DIMS};
}

static void objects_at_both_ends_are_told_apart(void **state)
{
    huge *h = *state;
    uint32_t n;
    pea_scores scores;
    if (!h)
        skip();
    const pea_array labels = labels_of(h);
    assert_ok(pea_relabel(&labels, NULL, &n, &err));
    assert_true(n == 2 && h->labels[0] == 1 && h->labels[at(2992, 1192, 1183)] == 1);
    assert_int_equal(h->labels[at(2991, 1191, 1185)], 2);
    assert_ok(pea_score(&labels, &labels, NULL, &scores, &err));
    assert_true(scores.n_gt == 2 && scores.aji_standard == 1.0 && scores.arand == 0.0);
    assert_ok(pea_fill_holes(&labels, PEA_CONNECT_FACES, NULL, &err));
    assert_int_equal(h->labels[at(2992, 1192, 1182)], 1);
    assert_ok(pea_keep_largest_parts(&labels, PEA_CONNECT_CORNERS, NULL, &err));
    assert_true(h->labels[0] == 0 && h->labels[at(2992, 1192, 1182)] == 1);
    fill(h, 0, 0, 0, 4, 1);
    assert_ok(pea_split_parts(&labels, PEA_CONNECT_EDGES, NULL, &n, &err));
    assert_true(n == 3 && h->labels[0] == 1 && h->labels[at(2990, 1190, 1180)] == 2);
    assert_int_equal(h->labels[at(2992, 1192, 1186)], 3);
    assert_ok(pea_keep_largest(&labels, 2, NULL, &err));
    assert_true(h->labels[0] == 1 && h->labels[at(2992, 1192, 1186)] == 0);
    assert_ok(pea_remove_small(&labels, 65, NULL, &err));
    assert_true(h->labels[0] == 0 && h->labels[at(2994, 1194, 1184)] == 2);
}

static void contacts_at_the_end_are_found(void **state)
{
    huge *h = *state;
    pea_offsets offsets = {.n = 2, .n_axes = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    pea_region_graph *graph;
    size_t n_nodes, n_edges;
    if (!h)
        skip();
    const pea_array labels = labels_of(h), affinity = {h->affinity, PEA_FLOAT32, {DIMS.z, DIMS.y, DIMS.x, 2}};
    draw(h);
    for (int64_t z = 2991; z < 2993; z++)
        h->affinity[2 * at(z, 1191, 1185) + 1] = 0.5f; /* 2 of 4 contacts */
    assert_ok(pea_region_graph_build(&labels, &affinity, &offsets, NULL, NULL, &graph, &err));
    const pea_region_node *nodes = pea_region_graph_nodes(graph, &n_nodes);
    const pea_region_edge *edges = pea_region_graph_edges(graph, &n_edges);
    assert_true(n_nodes == 2 && nodes[0].n_voxels == 8 && nodes[1].n_voxels == 64 + 124);
    assert_true(n_edges == 1 && edges[0].n_faces == 4 && edges[0].mean == 0.25 && edges[0].max == 0.5f);
    pea_region_graph_free(graph);
    assert_ok(pea_absorb_small(&labels, &affinity, &offsets, 9, NULL, &err));
    assert_int_equal(h->labels[at(2991, 1191, 1185)], 900);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(objects_at_both_ends_are_told_apart, make, unmake),
    cmocka_unit_test_setup_teardown(contacts_at_the_end_are_found, make, unmake),
};

PEA_TEST_MAIN(tests)
