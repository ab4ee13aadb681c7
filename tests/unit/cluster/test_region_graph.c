/* test_region_graph.c - the graph of regions beside a plain list of all faces; what is saved comes back.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "cluster/regions.h"
#include "listener.h"
#include "threads.h"

#include <math.h>
#include <unistd.h>

static pea_error err;

typedef struct scene {
    pea_dims dims; /* of the affinity */
    pea_offsets offsets;
    uint32_t *labels;
    float *affinity;
} scene;

static pea_array labels_of(const scene *s)
{
    return (pea_array){s->labels, PEA_UINT32, {s->dims.z, s->dims.y, s->dims.x, 1}};
}

static pea_array affinity_of(const scene *s)
{
    return (pea_array){s->affinity, PEA_FLOAT32, s->dims};
}

static int64_t n_voxels_of(const scene *s)
{
    return s->dims.z * s->dims.y * s->dims.x;
}

/* Blocks of a few voxels with labels from `n_labels`, spread over all 32 bits where `wide`. */
static scene make_scene(uint64_t seed, int64_t z, int64_t y, int64_t x, uint32_t n_labels, bool wide)
{
    scene s = {.dims = {z, y, x, 12}, .offsets = pea_offsets_3d_default()};
    s.labels = malloc((size_t)(z * y * x) * sizeof *s.labels);
    s.affinity = malloc((size_t)(z * y * x) * 12 * sizeof *s.affinity);
    assert_true(s.labels && s.affinity);
    for (int64_t p = 0; p < z * y * x; p++) {
        const int64_t block = (p / x / y / 2 * 1000 + p / x % y / 3) * 1000 + p % x / 4;
        uint64_t random = seed * 7919 + (uint64_t)block;
        (void)test_random(&random);
        const uint32_t label = test_random(&random) % n_labels;
        s.labels[p] = wide ? label * 0x9E3779B9u : label;
    }
    for (int64_t i = 0; i < z * y * x * 12; i++)
        s.affinity[i] = (float)(test_random(&seed) % 1000) / 990.0f - 0.004f; /* a little beyond 0..1 too */
    return s;
}

static void free_scene(scene *s)
{
    free(s->labels);
    free(s->affinity);
}

static pea_region_graph *graph_of(const scene *s, int n_offsets, int n_bins, pea_context *context)
{
    pea_region_graph *graph = NULL;
    pea_region_graph_options options = pea_region_graph_options_default();
    const pea_array labels = labels_of(s), affinity = affinity_of(s);
    options.n_offsets = n_offsets;
    options.n_bins = n_bins;
    assert_ok(pea_region_graph_build(&labels, &affinity, &s->offsets, &options, context, &graph, &err));
    return graph;
}

/* ---- the plain way: look at every pair of voxels again for each edge ---- */

static void assert_edge(const scene *s, const pea_region_graph *graph, const pea_region_edge *edge, int n_offsets)
{
    const pea_dims d = s->dims;
    const uint32_t a = graph->nodes[edge->a].label, b = graph->nodes[edge->b].label;
    uint32_t counts[PEA_MAX_REGION_BINS] = {0};
    int64_t n = 0;
    double sum = 0.0;
    float max = -INFINITY;
    for (int64_t p = 0; p < n_voxels_of(s); p++)
        for (int k = 0; k < n_offsets; k++) {
            const pea_offset o = s->offsets.step[k];
            const int64_t z = p / d.x / d.y + o.z, y = p / d.x % d.y + o.y, x = p % d.x + o.x;
            if (z < 0 || z >= d.z || y < 0 || y >= d.y || x < 0 || x >= d.x)
                continue;
            const uint32_t u = s->labels[p], v = s->labels[(z * d.y + y) * d.x + x];
            if ((u != a || v != b) && (u != b || v != a))
                continue;
            const float value = s->affinity[p * d.c + k];
            n++;
            sum += (double)value;
            max = value > max ? value : max;
            if (graph->n_bins) {
                const double bin = floor((double)(value * (float)graph->n_bins));
                counts[bin < 0.0 ? 0 : bin >= graph->n_bins ? graph->n_bins - 1 : (int)bin]++;
            }
        }
    assert_int_equal(edge->n_faces, n);
    assert_true(fabs(edge->mean - sum / (double)n) < 1e-12 && edge->max == max);
    if (graph->n_bins)
        assert_memory_equal(graph->histograms + (edge - graph->edges) * graph->n_bins, counts,
                            (size_t)graph->n_bins * sizeof *counts);
}

static int64_t faces_between_regions(const scene *s, int n_offsets)
{
    const pea_dims d = s->dims;
    int64_t n = 0;
    for (int64_t p = 0; p < n_voxels_of(s); p++)
        for (int k = 0; k < n_offsets; k++) {
            const pea_offset o = s->offsets.step[k];
            const int64_t z = p / d.x / d.y + o.z, y = p / d.x % d.y + o.y, x = p % d.x + o.x;
            if (z < 0 || z >= d.z || y < 0 || y >= d.y || x < 0 || x >= d.x)
                continue;
            const uint32_t u = s->labels[p], v = s->labels[(z * d.y + y) * d.x + x];
            n += u != v && u != 0 && v != 0;
        }
    return n;
}

static void assert_graph(const scene *s, const pea_region_graph *graph, int n_offsets)
{
    int64_t n_faces = 0, n_inside = 0, n_sized = 0;
    for (int64_t i = 0; i < graph->n_nodes; i++) {
        int64_t n = 0;
        for (int64_t p = 0; p < n_voxels_of(s); p++)
            n += s->labels[p] == graph->nodes[i].label;
        assert_int_equal(graph->nodes[i].n_voxels, n);
        assert_true(graph->nodes[i].label > (i ? graph->nodes[i - 1].label : 0));
        n_sized += n;
    }
    for (int64_t p = 0; p < n_voxels_of(s); p++)
        n_inside += s->labels[p] != 0;
    assert_int_equal(n_sized, n_inside); /* no region is missing */
    for (int64_t i = 0; i < graph->n_edges; i++) {
        const pea_region_edge *edge = graph->edges + i;
        assert_true(edge->a < edge->b && edge->b < graph->n_nodes);
        assert_true(i == 0 || edge[-1].a < edge->a || (edge[-1].a == edge->a && edge[-1].b < edge->b));
        assert_edge(s, graph, edge, n_offsets);
        n_faces += edge->n_faces;
    }
    assert_int_equal(n_faces, faces_between_regions(s, n_offsets)); /* no edge is missing */
}

static void graphs_equal_a_plain_list_of_faces(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        uint64_t random = seed;
        scene s = make_scene(seed, 1 + test_random(&random) % 6, 1 + test_random(&random) % 12,
                             1 + test_random(&random) % 20, 1 + test_random(&random) % 12, seed % 2);
        const int n_offsets = seed % 3 ? 3 : 12, n_bins = (int)(seed % 4) * 64;
        pea_region_graph *graph = graph_of(&s, n_offsets == 3 ? 0 : n_offsets, n_bins, NULL);
        assert_graph(&s, graph, n_offsets);
        pea_region_graph_free(graph);
        free_scene(&s);
    }
}

static void offsets_to_the_right_count_too(void **state)
{
    (void)state;
    scene s = make_scene(5, 1, 9, 14, 6, false);
    s.offsets = (pea_offsets){.n_axes = 2, .n = 12};
    for (int k = 0; k < 12; k++)
        s.offsets.step[k] = (pea_offset){0, k % 5 - 2, k % 2 ? k : -20};
    pea_region_graph *graph = graph_of(&s, 12, 16, NULL);
    assert_graph(&s, graph, 12);
    pea_region_graph_free(graph);
    free_scene(&s);
}

static void assert_same(const pea_region_graph *a, const pea_region_graph *b)
{
    assert_int_equal(a->n_nodes, b->n_nodes);
    assert_int_equal(a->n_edges, b->n_edges);
    assert_int_equal(a->n_bins, b->n_bins);
    for (int64_t i = 0; i < a->n_nodes; i++)
        assert_true(a->nodes[i].label == b->nodes[i].label && a->nodes[i].n_voxels == b->nodes[i].n_voxels);
    for (int64_t i = 0; i < a->n_edges; i++) {
        const pea_region_edge *p = a->edges + i, *q = b->edges + i;
        assert_true(p->a == q->a && p->b == q->b && p->n_faces == q->n_faces);
        assert_memory_equal(&p->mean, &q->mean, sizeof p->mean);
        assert_memory_equal(&p->max, &q->max, sizeof p->max);
    }
    if (a->n_bins)
        assert_memory_equal(a->histograms, b->histograms,
                            (size_t)(a->n_edges * a->n_bins) * sizeof *a->histograms);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    scene s = make_scene(3, 12, 200, 300, 5000, false);
    pea_region_graph *alone = graph_of(&s, 0, 8, NULL);
    for (int n_threads = 2; n_threads <= 5; n_threads++) {
        pea_context *context = test_context(n_threads, 0);
        pea_region_graph *graph = graph_of(&s, 0, 8, context);
        assert_same(alone, graph);
        pea_region_graph_free(graph);
        pea_context_free(context);
    }
    pea_region_graph_free(alone);
    free_scene(&s);
}

static void a_quantile_is_the_middle_of_its_bin(void **state)
{
    (void)state;
    uint32_t labels[] = {1, 2, 1, 2, 1, 2};
    float affinity[12] = {0};
    const float between[] = {0.10f, 0.20f, 0.30f, 0.95f, 1.5f};
    pea_offsets offsets = {.n_axes = 2, .n = 2, .step = {{0, -1, 0}, {0, 0, -1}}};
    pea_region_graph *graph;
    pea_region_graph_options options = pea_region_graph_options_default();
    double q;
    for (int i = 0; i < 5; i++)
        affinity[2 * (i + 1) + 1] = between[i];
    options.n_bins = 10;
    assert_ok(pea_region_graph_build(&(pea_array){labels, PEA_UINT32, {1, 1, 6, 1}},
                                     &(pea_array){affinity, PEA_FLOAT32, {1, 1, 6, 2}}, &offsets, &options, NULL,
                                     &graph, &err));
    const double expected[][2] = {{0, 0.15}, {19, 0.15}, {20, 0.25}, {50, 0.35}, {60, 0.95}, {99, 0.95}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_ok(pea_region_graph_quantile(graph, 0, (int)expected[i][0], &q, &err));
        assert_true(fabs(q - expected[i][1]) < 1e-12);
    }
    assert_fails(pea_region_graph_quantile(graph, 0, 100, &q, &err), PEA_E_ARG, "99");
    assert_fails(pea_region_graph_quantile(graph, 1, 50, &q, &err), PEA_E_ARG, "edge 1");
    pea_region_graph_free(graph);
}

static void an_empty_image_has_an_empty_graph(void **state)
{
    (void)state;
    scene s = make_scene(1, 2, 3, 4, 1, false); /* label 0 alone */
    pea_region_graph *graph = graph_of(&s, 0, 0, NULL);
    size_t n;
    (void)pea_region_graph_nodes(graph, &n);
    assert_int_equal(n, 0);
    (void)pea_region_graph_edges(graph, &n);
    assert_int_equal(n, 0);
    const pea_array labels = labels_of(&s);
    assert_ok(pea_region_graph_project(graph, NULL, NULL, &labels, &err));
    s.labels[7] = 3;
    assert_fails(pea_region_graph_project(graph, NULL, NULL, &labels, &err), PEA_E_FORMAT, "label 3");
    pea_region_graph_free(graph);
    free_scene(&s);
}

static void numbers_of_nodes_become_labels(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        scene s = make_scene(9, 3, 40, 50, 60, wide);
        pea_region_graph *graph = graph_of(&s, 0, 0, NULL);
        uint32_t numbers[64];
        const int64_t n = n_voxels_of(&s);
        uint32_t *before = malloc((size_t)n * sizeof *before);
        assert_true(before && graph->n_nodes <= 64);
        memcpy(before, s.labels, (size_t)n * sizeof *before);
        for (uint32_t i = 0; i < graph->n_nodes; i++)
            numbers[i] = 1 + i * i % 17;
        pea_context *context = test_context(2, 0);
        const pea_array labels = labels_of(&s);
        assert_ok(pea_region_graph_project(graph, numbers, context, &labels, &err));
        for (int64_t p = 0; p < n; p++)
            for (int64_t i = 0; i < graph->n_nodes; i++)
                if (before[p] == 0 || graph->nodes[i].label == before[p]) {
                    assert_int_equal(s.labels[p], before[p] ? numbers[i] : 0);
                    break;
                }
        pea_context_free(context);
        free(before);
        pea_region_graph_free(graph);
        free_scene(&s);
    }
}

static void what_is_saved_comes_back(void **state)
{
    (void)state;
    char path[] = "/tmp/pea-region-graph-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (int n_bins = 0; n_bins <= 32; n_bins += 16) {
        scene s = make_scene(4, 4, 60, 60, n_bins == 32 ? 1 : 900, true);
        pea_region_graph *graph = graph_of(&s, 0, n_bins, NULL), *back = NULL;
        assert_ok(pea_region_graph_save(graph, path, NULL, &err));
        assert_ok(pea_region_graph_load(path, NULL, &back, &err));
        assert_same(graph, back);
        pea_region_graph_free(back);
        pea_region_graph_free(graph);
        free_scene(&s);
    }
    unlink(path);
    pea_region_graph *graph;
    assert_fails(pea_region_graph_load(path, NULL, &graph, &err), PEA_E_IO, "cannot open");
    assert_null(graph);
}

/* A file of two nodes and one edge with two bins, for tests that spoil it. */
enum { FILE_BYTES = 32 + 2 * 12 + 28 + 8 };

static void make_file(unsigned char file[FILE_BYTES])
{
    static const unsigned char header[] = "PEAGRAPH\1\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0";
    memset(file, 0, FILE_BYTES);
    memcpy(file, header, 32);
    file[32] = 5;  /* labels 5 and 9 */
    file[36] = 9;
    file[40] = 3;  /* voxels */
    file[48] = 4;
    file[60] = 1;  /* b */
    file[64] = 2;  /* faces */
    file[84] = 1;  /* counts */
    file[88] = 1;
}

static pea_status read_bytes(const unsigned char *bytes, size_t n)
{
    const pea__reader reader = pea__reader_memory(bytes, n);
    pea_region_graph *graph;
    const pea_status status = pea__region_graph_read_from(&reader, NULL, &graph, &err);
    assert_true((status == PEA_OK) == (graph != NULL));
    pea_region_graph_free(graph);
    return status;
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        int at;
        unsigned char value;
        pea_status status;
        const char *part;
    } cases[] = {
        {0, 'X', PEA_E_FORMAT, "does not begin"}, {8, 2, PEA_E_FORMAT, "version 2"},
        {12, 3, PEA_E_FORMAT, "bytes, which"},    {13, 2, PEA_E_LIMIT, "bins"},
        {16, 3, PEA_E_FORMAT, "bytes, which"},    {23, 255, PEA_E_FORMAT, "bytes, which"},
        {31, 128, PEA_E_FORMAT, "bytes, which"},  {32, 0, PEA_E_FORMAT, "must ascend"},
        {36, 5, PEA_E_FORMAT, "must ascend"},     {40, 0, PEA_E_FORMAT, "impossible size"},
        {47, 128, PEA_E_FORMAT, "impossible size"}, {55, 127, PEA_E_FORMAT, ""},
        {56, 1, PEA_E_FORMAT, "joins nodes"},     {60, 2, PEA_E_FORMAT, "joins nodes"},
        {64, 0, PEA_E_FORMAT, "impossible values"}, {64, 3, PEA_E_FORMAT, "impossible values"},
        {84, 9, PEA_E_FORMAT, "impossible values"},
    };
    unsigned char file[FILE_BYTES];
    make_file(file);
    assert_ok(read_bytes(file, sizeof file));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_file(file);
        file[cases[i].at] = cases[i].value;
        if (cases[i].at == 55) /* both sizes nearly 2^63: their sum is not */
            file[47] = 127;
        assert_fails(read_bytes(file, sizeof file), cases[i].status, cases[i].part);
    }
    make_file(file);
    memset(file + 72, 255, 8); /* the mean is NaN */
    assert_fails(read_bytes(file, sizeof file), PEA_E_FORMAT, "impossible values");
    make_file(file);
    for (size_t n = 0; n < sizeof file; n++)
        assert_int_equal(read_bytes(file, n), PEA_E_FORMAT);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    scene s = make_scene(2, 2, 5, 6, 9, false);
    pea_region_graph *graph;
    pea_region_graph_options options = pea_region_graph_options_default();
    pea_array labels = labels_of(&s), affinity = affinity_of(&s);
    options.n_offsets = 13;
    assert_fails(pea_region_graph_build(&labels, &affinity, &s.offsets, &options, NULL, &graph, &err), PEA_E_ARG,
                 "13 offsets");
    options.n_offsets = 0;
    options.n_bins = 257;
    assert_fails(pea_region_graph_build(&labels, &affinity, &s.offsets, &options, NULL, &graph, &err), PEA_E_ARG,
                 "256");
    s.offsets.n = 11;
    assert_fails(pea_region_graph_build(&labels, &affinity, &s.offsets, NULL, NULL, &graph, &err), PEA_E_SHAPE,
                 "11 channels");
    s.offsets.n = 12;
    labels.dims.x = 5;
    assert_fails(pea_region_graph_build(&labels, &affinity, &s.offsets, NULL, NULL, &graph, &err), PEA_E_SHAPE, "");
    labels.dims.x = 6;
    labels.dtype = PEA_UINT16;
    assert_fails(pea_region_graph_build(&labels, &affinity, &s.offsets, NULL, NULL, &graph, &err), PEA_E_DTYPE,
                 "uint32");
    free_scene(&s);
}

static void infinite_affinities_are_refused_between_regions_alone(void **state)
{
    (void)state;
    scene s = make_scene(2, 1, 2, 8, 9, false);
    const pea_array labels = labels_of(&s), affinity = affinity_of(&s);
    pea_region_graph *graph;
    for (int p = 0; p < 16; p++)
        s.labels[p] = p % 8 < 4 ? 1 : 2;
    s.affinity[2 * 12 + 2] = NAN;
    assert_ok(pea_region_graph_build(&labels, &affinity, &s.offsets, NULL, NULL, &graph, &err));
    pea_region_graph_free(graph);
    s.affinity[12 * 12 + 2] = INFINITY;
    assert_fails(pea_region_graph_build(&labels, &affinity, &s.offsets, NULL, NULL, &graph, &err), PEA_E_FORMAT,
                 "infinite at z 0, y 1, x 4, offset 2");
    free_scene(&s);
}

static void a_budget_is_kept(void **state)
{
    (void)state;
    scene s = make_scene(6, 4, 60, 60, 3000, false);
    pea_context *context = test_context(1, 100000);
    pea_region_graph_options options = pea_region_graph_options_default();
    const pea_array labels = labels_of(&s), affinity = affinity_of(&s);
    pea_region_graph *graph;
    options.n_bins = 256;
    assert_fails(pea_region_graph_build(&labels, &affinity, &s.offsets, &options, context, &graph, &err), PEA_E_LIMIT,
                 "limit is 100000");
    pea_context_free(context);
    free_scene(&s);
}

static pea_status build_and_store(void *argument, pea_context *context, pea_error *error)
{
    const scene *s = argument;
    pea_region_graph_options options = pea_region_graph_options_default();
    const pea_array labels = labels_of(s), affinity = affinity_of(s);
    pea_region_graph *graph;
    options.n_bins = 4;
    pea_status status = pea_region_graph_build(&labels, &affinity, &s->offsets, &options, context, &graph, error);
    pea_region_graph_free(status == PEA_OK ? graph : NULL);
    return status;
}

static pea_status try_all(void *argument, pea_error *error)
{
    const scene *s = argument;
    unsigned char file[FILE_BYTES];
    pea_region_graph *graph = NULL;
    const pea_array labels = labels_of(s);
    const uint32_t numbers[] = {5, 9};
    pea_status status = build_and_store(argument, NULL, error);
    make_file(file);
    const pea__reader reader = pea__reader_memory(file, sizeof file);
    if (status == PEA_OK)
        status = pea__region_graph_read_from(&reader, NULL, &graph, error);
    for (int p = 0; p < 8 && status == PEA_OK; p++)
        s->labels[p] = p % 2 ? 5 : 9;
    if (status == PEA_OK)
        status = pea_region_graph_project(graph, numbers, NULL, &(pea_array){labels.data, PEA_UINT32, {1, 1, 8, 1}},
                                          error);
    pea_region_graph_free(graph);
    return status;
}

static void failing_memory_leaks_nothing(void **state)
{
    (void)state;
    scene s = make_scene(6, 3, 40, 40, 300, false);
    assert_true(test_each_allocation_failing(try_all, &s, 200) > 10);
    free_scene(&s);
}

static void a_large_volume_can_be_stopped(void **state)
{
    (void)state;
    scene s = make_scene(8, 8, 400, 500, 90000, false);
    assert_can_be_heard_and_stopped("region graph", build_and_store, &s);
    free_scene(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(graphs_equal_a_plain_list_of_faces),
    cmocka_unit_test(offsets_to_the_right_count_too),
    cmocka_unit_test(the_number_of_threads_changes_no_bit),
    cmocka_unit_test(a_quantile_is_the_middle_of_its_bin),
    cmocka_unit_test(an_empty_image_has_an_empty_graph),
    cmocka_unit_test(numbers_of_nodes_become_labels),
    cmocka_unit_test(what_is_saved_comes_back),
    cmocka_unit_test(damaged_files_are_refused),
    cmocka_unit_test(wrong_arguments_are_refused),
    cmocka_unit_test(infinite_affinities_are_refused_between_regions_alone),
    cmocka_unit_test(a_budget_is_kept),
    cmocka_unit_test(failing_memory_leaks_nothing),
    cmocka_unit_test(a_large_volume_can_be_stopped),
};

PEA_TEST_MAIN(tests)
