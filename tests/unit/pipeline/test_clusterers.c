/* test_clusterers.c - each clusterer, asked for by its name, gives what its pieces give when they are called by hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/agglomerate.h"
#include "pea/fragments.h"
#include "pea/mean_shift.h"
#include "pea/multicut.h"
#include "pipeline/pipeline.h"
#include "pipeline/toy_model.h"
#include "threads.h"

#include <math.h>

enum { N_WORDS = 1 << 14 };

/* An image of dark and bright blocks, with a mask full of holes. */
typedef struct scene {
    pea_model *model;
    pea_segment_options options;
    pea_volume image, mask, labels;
    uint32_t expected[N_WORDS];
} scene;

static void set_up(scene *s, bool is_volume, bool random)
{
    pea_error err;
    const pea_dims d = is_volume ? (pea_dims){6, 43, 37, 1} : (pea_dims){1, 75, 90, 1};
    *s = (scene){.model = toy_model_with(
                     (toy){.n_axes = is_volume ? 3 : 2, .in_channels = is_volume ? 1 : 3, .random = random},
                     is_volume ? toy_volume_record : toy_plane_record)};
    s->options = pea_model_options(s->model);
    s->options.foreground = PEA_FOREGROUND_GIVEN;
    assert_true(d.z * d.y * d.x <= N_WORDS);
    assert_ok(pea_volume_alloc(PEA_UINT8, d, &s->image, &err));
    assert_ok(pea_volume_alloc(PEA_UINT8, d, &s->mask, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &s->labels, &err));
    for (int64_t p = 0; p < d.z * d.y * d.x; p++) {
        const int64_t block = p / d.x / d.y * 10000 + p / d.x % d.y / 11 * 100 + p % d.x / 13;
        ((uint8_t *)s->image.array.data)[p] = test_u(3, (uint32_t)block) < 0.5 ? 0 : 255;
        ((uint8_t *)s->mask.array.data)[p] = test_u(4, (uint32_t)p) < 0.97 ? 3 : 0;
    }
}

static void tear_down(scene *s)
{
    pea_model_free(s->model);
    pea_volume_free(&s->image);
    pea_volume_free(&s->mask);
    pea_volume_free(&s->labels);
}

/* From affinities or embeddings that pea_segment() has shown. */
static void by_hand(const pea_segment_options *o, pea_fragment_rule rule, const pea_segment_details *details,
                    const pea_array *mask, const pea_array *labels)
{
    pea_error err;
    pea_region_graph *graph;
    pea_fragments_options options = pea_fragments_options_default();
    static uint32_t numbers[N_WORDS];
    if (o->clusterer == PEA_CLUSTER_MEANSHIFT) {
        pea_mean_shift_options shift = pea_mean_shift_options_default();
        shift.bandwidth = o->bandwidth;
        assert_ok(pea_mean_shift(&details->embedding.array, mask, &shift, NULL, labels, NULL, &err));
        return;
    }
    if (o->clusterer == PEA_CLUSTER_MUTEX) {
        pea_mutex_options mutex = pea_mutex_options_default();
        memcpy(mutex.stride, o->stride, sizeof mutex.stride);
        mutex.cut = o->cut;
        assert_ok(pea_mutex_watershed(&details->affinity.array, &details->offsets, mask, &mutex, NULL, labels, NULL,
                                      &err));
        return;
    }
    options.rule = rule;
    options.threshold = o->fragment_boundary;
    options.seed_sigma = options.weight_sigma = o->fragment_sigma;
    options.min_size = o->fragment_size;
    assert_ok(pea_fragments(&details->affinity.array, &details->offsets, mask, &options, NULL, labels, NULL, &err));
    assert_ok(pea_region_graph_build(labels, &details->affinity.array, &details->offsets, NULL, NULL, &graph, &err));
    if (o->clusterer == PEA_CLUSTER_AGGLOMERATE) {
        pea_agglomerate_options how = pea_agglomerate_options_default();
        how.threshold = 1.0 - o->cut;
        how.score = o->score_percent < 0 ? PEA_SCORE_MEAN : PEA_SCORE_QUANTILE;
        how.percent = o->score_percent < 0 ? 0 : o->score_percent;
        assert_ok(pea_agglomerate(graph, &how, NULL, numbers, NULL, &err));
    } else {
        size_t n_edges;
        (void)pea_region_graph_edges(graph, &n_edges);
        double *costs = calloc(n_edges + 1, sizeof *costs);
        assert_non_null(costs);
        assert_ok(pea_multicut_costs(graph, o->cut, NULL, costs, &err));
        assert_ok(pea_multicut(graph, costs, NULL, NULL, numbers, NULL, NULL, &err));
        free(costs);
    }
    assert_ok(pea_region_graph_project(graph, numbers, NULL, labels, &err));
    pea_region_graph_free(graph);
}

static void tidy_by_hand(const pea_segment_options *o, const pea_segment_details *details, const pea_array *labels)
{
    pea_error err;
    assert_ok(pea_relabel(labels, NULL, NULL, &err));
    assert_ok(pea_merge_small(labels, o->merge, o->n_merge, NULL, &err));
    if (o->absorb_size)
        assert_ok(pea_absorb_small(labels, &details->affinity.array, &details->offsets, o->absorb_size, NULL, &err));
    if (o->parts == PEA_PARTS_SPLIT)
        assert_ok(pea_split_parts(labels, o->connectivity, NULL, NULL, &err));
    if (o->parts == PEA_PARTS_LARGEST)
        assert_ok(pea_keep_largest_parts(labels, o->connectivity, NULL, &err));
    if (o->fill_holes)
        assert_ok(pea_fill_holes(labels, o->connectivity, NULL, &err));
    assert_ok(pea_remove_small(labels, o->min_size, NULL, &err));
    if (o->n_largest)
        assert_ok(pea_keep_largest(labels, o->n_largest, NULL, &err));
    assert_ok(pea_relabel(labels, NULL, NULL, &err));
}

/* By one call and by two, with one thread and with three; returns the number of instances. */
static uint32_t assert_by_hand(scene *s, pea_fragment_rule rule, bool masked)
{
    pea_error err;
    uint32_t n = 0, n_first = 0;
    const pea_segment_options *o = &s->options;
    const pea_array *mask = masked ? &s->mask.array : NULL, *labels = &s->labels.array,
                    expected = {s->expected, PEA_UINT32, labels->dims};
    const size_t n_bytes = (size_t)(labels->dims.z * labels->dims.y * labels->dims.x) * sizeof(uint32_t);
    pea_segment_details details = {.want_affinity = 1, .want_embedding = o->offsets.n_axes == 2};
    pea_prediction *prediction;
    assert_ok(pea_segment(s->model, NULL, &s->image.array, mask, o, labels, &n_first, &details, &err));
    by_hand(o, rule, &details, mask, &expected);
    tidy_by_hand(o, &details, &expected);
    assert_memory_equal(labels->data, s->expected, n_bytes);
    pea_segment_details_free(&details);
    for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
        pea_context *context = test_context(n_threads, 0);
        memset(labels->data, 0x5a, n_bytes);
        assert_ok(pea_segment(s->model, context, &s->image.array, mask, o, labels, &n, NULL, &err));
        assert_memory_equal(labels->data, s->expected, n_bytes);
        assert_int_equal(n, n_first);
        memset(labels->data, 0x5a, n_bytes);
        assert_ok(pea_predict(s->model, context, &s->image.array, o, &prediction, &err));
        assert_ok(pea_prediction_segment(prediction, context, mask, o, labels, &n, NULL, &err));
        assert_memory_equal(labels->data, s->expected, n_bytes);
        assert_int_equal(n, n_first);
        pea_prediction_free(prediction);
        pea_context_free(context);
    }
    return n_first;
}

/* Colours of ImageNet spread the toy's embeddings: wider than the kernel of mean shift, and so that neighbours differ. */
static void fragments_of_planes_and_volumes_are_put_together(void **state)
{
    (void)state;
    for (int run = 0; run < 16; run++) {
        static scene s;
        const bool is_volume = run % 2, masked = run / 2 % 2;
        set_up(&s, is_volume, run / 8);
        s.options.clusterer = run / 4 % 2 ? PEA_CLUSTER_MULTICUT : PEA_CLUSTER_AGGLOMERATE;
        s.options.normalise = is_volume ? PEA_NORMALISE_UNIT : PEA_NORMALISE_IMAGENET;
        s.options.min_size = 5;
        s.options.n_merge = 1;
        s.options.merge[0] = (pea_merge_pass){30, 9};
        const uint32_t n = assert_by_hand(&s,
                                          run / 4 % 2 ? PEA_FRAGMENTS_SMOOTH
                                          : is_volume ? PEA_FRAGMENTS_INTERIOR
                                                      : PEA_FRAGMENTS_PLANE,
                                          masked);
        assert_true(n >= 1 && (run >= 12 || n > 1)); /* noise has no multicut */
        tear_down(&s);
    }
}

/* Every setting of the clean-up, alone and with the others. */
static void clean_up_is_what_its_calls_do(void **state)
{
    (void)state;
    for (int run = 0; run < 12; run++) {
        static scene s;
        const int chosen = run / 2;
        set_up(&s, run % 2, false);
        s.options.clusterer = PEA_CLUSTER_AGGLOMERATE;
        s.options.normalise = run % 2 ? PEA_NORMALISE_UNIT : PEA_NORMALISE_IMAGENET;
        s.options.absorb_size = chosen == 0 || chosen == 5 ? 60 : 0;
        s.options.parts = chosen == 1 ? PEA_PARTS_SPLIT : chosen == 2 || chosen == 5 ? PEA_PARTS_LARGEST : PEA_PARTS_KEEP;
        s.options.fill_holes = chosen == 3 || chosen == 5;
        s.options.connectivity = (pea_connectivity)(run % 3);
        s.options.n_largest = chosen == 4 || chosen == 5 ? 3 : 0;
        const uint32_t n = assert_by_hand(&s, run % 2 ? PEA_FRAGMENTS_INTERIOR : PEA_FRAGMENTS_PLANE, true);
        assert_true(n >= 1 && (s.options.n_largest == 0 || n <= 3));
        tear_down(&s);
    }
}

static void clean_up_that_makes_no_sense_is_refused(void **state)
{
    static scene s;
    pea_error err;
    uint32_t n;
    (void)state;
    set_up(&s, false, false);
    const pea_segment_options own = s.options;
    const pea_array *labels = &s.labels.array;
    s.options.clusterer = PEA_CLUSTER_MEANSHIFT;
    s.options.absorb_size = 20;
    assert_fails(pea_segment(s.model, NULL, &s.image.array, NULL, &s.options, labels, &n, NULL, &err), PEA_E_ARG,
                 "absorb goes by affinities");
    assert_fails(pea_clean_up(&s.options, NULL, NULL, labels, &n, &err), PEA_E_ARG, "affinities where");
    s.options = own;
    s.options.parts = (pea_parts)3;
    assert_fails(pea_segment(s.model, NULL, &s.image.array, NULL, &s.options, labels, &n, NULL, &err), PEA_E_ARG,
                 "parts has no choice number 3");
    assert_fails(pea_clean_up(&s.options, NULL, NULL, labels, &n, &err), PEA_E_ARG, "parts has no choice number 3");
    s.options = own;
    s.options.connectivity = (pea_connectivity)7;
    assert_fails(pea_segment(s.model, NULL, &s.image.array, NULL, &s.options, labels, &n, NULL, &err), PEA_E_ARG,
                 "connectivity has no choice number 7");
    s.options = own;
    s.options.n_largest = -1;
    assert_fails(pea_segment(s.model, NULL, &s.image.array, NULL, &s.options, labels, &n, NULL, &err), PEA_E_ARG,
                 "must not be negative");
    tear_down(&s);
}

static void embeddings_of_planes_are_shifted(void **state)
{
    static scene s;
    (void)state;
    for (int masked = 0; masked < 2; masked++) {
        set_up(&s, false, false);
        s.options.clusterer = PEA_CLUSTER_MEANSHIFT;
        s.options.normalise = PEA_NORMALISE_IMAGENET;
        s.options.min_size = 2;
        const uint32_t n = assert_by_hand(&s, PEA_FRAGMENTS_PLANE, masked);
        assert_true(n > 1);
        s.options.bandwidth = 4.5;
        assert_true(assert_by_hand(&s, PEA_FRAGMENTS_PLANE, masked) < n);
        tear_down(&s);
    }
}

/* On a padded grid there is a border of background, and affinities that are shown have another place than embeddings. */
static void padding_belongs_to_no_instance(void **state)
{
    (void)state;
    for (int c = PEA_CLUSTER_MUTEX; c <= PEA_CLUSTER_MEANSHIFT; c++) {
        static scene s;
        pea_error err;
        uint32_t n, n_shown;
        pea_segment_details details = {.want_affinity = 1, .want_embedding = 1};
        set_up(&s, false, false);
        s.options.clusterer = (pea_clusterer)c;
        s.options.normalise = PEA_NORMALISE_IMAGENET;
        s.options.cluster_padded = 1;
        s.options.padding = PEA_PAD_REFLECT_SQUARE;
        const pea_dims d = s.labels.array.dims;
        const pea_array other = {s.expected, PEA_UINT32, d};
        assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &s.options, &s.labels.array, &n, NULL, &err));
        for (int64_t p = 0; p < d.y * d.x; p++)
            assert_true(((const uint32_t *)s.labels.array.data)[p] >= 1);
        assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &s.options, &other, &n_shown, &details, &err));
        assert_memory_equal(s.labels.array.data, s.expected, (size_t)(d.y * d.x) * sizeof(uint32_t));
        assert_int_equal(n, n_shown);
        pea_segment_details_free(&details);
        tear_down(&s);
    }
}

static void where_nothing_may_be_nothing_is(void **state)
{
    (void)state;
    for (int run = 0; run < 7; run++) {
        static scene s;
        pea_error err;
        uint32_t n = 7;
        set_up(&s, run >= 4, false);
        const pea_dims d = s.labels.array.dims;
        s.options.clusterer = (pea_clusterer)(run % 4);
        memset(s.mask.array.data, 0, (size_t)(d.z * d.y * d.x));
        assert_ok(pea_segment(s.model, NULL, &s.image.array, &s.mask.array, &s.options, &s.labels.array, &n, NULL,
                              &err));
        assert_int_equal(n, 0);
        for (int64_t p = 0; p < d.z * d.y * d.x; p++)
            assert_int_equal(((const uint32_t *)s.labels.array.data)[p], 0);
        tear_down(&s);
    }
}

static void single_voxels_are_clustered(void **state)
{
    (void)state;
    for (int run = 0; run < 7; run++) {
        pea_error err;
        uint32_t n = 7, label = 9;
        uint8_t value = 200;
        pea_model *model = run >= 4 ? toy_volume_model() : toy_plane_model();
        pea_segment_options o = pea_model_options(model);
        const pea_array image = {&value, PEA_UINT8, {1, 1, 1, 1}}, labels = {&label, PEA_UINT32, {1, 1, 1, 1}};
        o.foreground = PEA_FOREGROUND_NONE;
        o.clusterer = (pea_clusterer)(run % 4);
        assert_ok(pea_segment(model, NULL, &image, NULL, &o, &labels, &n, NULL, &err));
        assert_true(n == 1 && label == 1);
        pea_model_free(model);
    }
}

/* Mean shift has nothing to work on where a network says affinities; the other clusterers have. */
static void affinities_have_no_embeddings(void **state)
{
    static const char record[] =
        "{\"format_version\":1,\"normalise\":\"unit\",\"padding\":\"reflect-square\",\"clusterer\":\"multicut\","
        "\"offsets\":[[-1,0],[0,-1],[-3,0],[0,-3]],\"strides\":[1,1],\"foreground\":\"none\"}";
    pea_error err;
    uint32_t n;
    pea_prediction *prediction;
    pea_model *model =
        toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true, .n_affinities = 4}, record);
    pea_segment_options o = pea_model_options(model);
    static uint8_t values[32 * 32];
    static uint32_t numbers[32 * 32];
    const pea_array image = {values, PEA_UINT8, {1, 32, 32, 1}}, labels = {numbers, PEA_UINT32, {1, 32, 32, 1}};
    (void)state;
    assert_int_equal(o.clusterer, PEA_CLUSTER_MULTICUT);
    assert_ok(pea_segment(model, NULL, &image, NULL, &o, &labels, &n, NULL, &err));
    assert_ok(pea_predict(model, NULL, &image, &o, &prediction, &err));
    o.clusterer = PEA_CLUSTER_MEANSHIFT;
    assert_fails(pea_segment(model, NULL, &image, NULL, &o, &labels, &n, NULL, &err), PEA_E_ARG,
                 "no embeddings for clusterer 'meanshift'");
    assert_fails(pea_prediction_segment(prediction, NULL, NULL, &o, &labels, &n, NULL, &err), PEA_E_ARG,
                 "no embeddings for clusterer 'meanshift'");
    pea_prediction_free(prediction);
    pea_model_free(model);
}

enum { SIDE = 30 };

/* Noise that is smooth enough for fragments. */
static void fill_noise(float values[SIDE * SIDE * 4])
{
    for (int i = 0; i < SIDE * SIDE * 4; i++)
        values[i] = (float)(0.5 * test_u(8, (uint32_t)i) +
                            0.5 * test_u(9, (uint32_t)(i / 4 / SIDE / 4 * 1000 + i / 4 % SIDE / 4)));
}

/* Returns the number of instances. */
static uint32_t assert_cluster_by_hand(const pea_segment_options *o, const pea_segment_details *details)
{
    static uint32_t numbers[SIDE * SIDE], expected[SIDE * SIDE];
    const pea_array labels = {numbers, PEA_UINT32, {1, SIDE, SIDE, 1}},
                    other = {expected, PEA_UINT32, {1, SIDE, SIDE, 1}};
    pea_error err;
    uint32_t n, n_expected;
    by_hand(o, o->clusterer == PEA_CLUSTER_MULTICUT ? PEA_FRAGMENTS_SMOOTH : PEA_FRAGMENTS_PLANE, details, NULL, &other);
    assert_ok(pea_relabel(&other, NULL, &n_expected, &err));
    assert_ok(pea_cluster(o, &details->affinity.array, NULL, NULL, &labels, &n, &err));
    assert_memory_equal(numbers, expected, sizeof numbers);
    assert_int_equal(n, n_expected);
    return n;
}

static const pea_offsets four = {.n = 4, .n_axes = 2, .step = {{0, -1, 0}, {0, 0, -1}, {0, -3, 0}, {0, 0, -3}}};

static void affinities_are_clustered_by_name(void **state)
{
    static float values[SIDE * SIDE * 4];
    static uint32_t numbers[SIDE * SIDE];
    const pea_array affinity = {values, PEA_FLOAT32, {1, SIDE, SIDE, 4}},
                    labels = {numbers, PEA_UINT32, {1, SIDE, SIDE, 1}};
    const pea_segment_details details = {.affinity = {.array = affinity}, .offsets = four};
    pea_segment_options o;
    pea_error err;
    uint32_t n;
    (void)state;
    assert_ok(pea_preset("nuclei", &o, &err));
    o.offsets = four;
    o.stride[1] = o.stride[2] = 3;
    o.bandwidth = 0.0; /* not looked at */
    fill_noise(values);
    for (int c = PEA_CLUSTER_MUTEX; c <= PEA_CLUSTER_MULTICUT; c++) {
        o.clusterer = (pea_clusterer)c;
        assert_cluster_by_hand(&o, &details);
    }
    o.clusterer = PEA_CLUSTER_MEANSHIFT;
    assert_fails(pea_cluster(&o, &affinity, NULL, NULL, &labels, &n, &err), PEA_E_ARG,
                 "by mutex, agglomerate or multicut, not by meanshift");
    assert_fails(pea_cluster(NULL, &affinity, NULL, NULL, &labels, &n, &err), PEA_E_ARG, "needs options");
}

/* A lower cut joins more, whatever clusters; other settings come to who asks for them. */
static void clusterers_are_tuned(void **state)
{
    static float values[SIDE * SIDE * 4];
    const pea_array affinity = {values, PEA_FLOAT32, {1, SIDE, SIDE, 4}};
    const pea_segment_details details = {.affinity = {.array = affinity}, .offsets = four};
    pea_segment_options usual;
    pea_error err;
    (void)state;
    assert_ok(pea_preset("nuclei", &usual, &err));
    usual.offsets = four;
    usual.stride[1] = usual.stride[2] = 1;
    usual.fragment_sigma = 0.5; /* more than one fragment in so small a plane */
    usual.fragment_boundary = 0.5;
    usual.fragment_size = 4;
    fill_noise(values);
    for (int c = PEA_CLUSTER_MUTEX; c <= PEA_CLUSTER_MULTICUT; c++) {
        uint32_t n[3];
        pea_segment_options o = usual;
        o.clusterer = (pea_clusterer)c;
        for (int i = 0; i < 3; i++) {
            o.cut = (double[]){0.25, 0.5, 0.75}[i];
            n[i] = assert_cluster_by_hand(&o, &details);
        }
        assert_true(n[0] < n[1] && n[1] <= n[2]);
    }
    pea_segment_options o = usual;
    o.clusterer = PEA_CLUSTER_AGGLOMERATE;
    const uint32_t n_by_mean = assert_cluster_by_hand(&o, &details);
    o.score_percent = 99; /* their best contact alone */
    assert_true(assert_cluster_by_hand(&o, &details) < n_by_mean);
    o = usual;
    o.clusterer = PEA_CLUSTER_MULTICUT;
    const uint32_t n_fine = assert_cluster_by_hand(&o, &details);
    o.fragment_size = 20;
    assert_true(assert_cluster_by_hand(&o, &details) < n_fine);
}

static void tuning_that_makes_no_sense_is_refused(void **state)
{
    static scene s;
    pea_error err;
    uint32_t n;
    static float values[SIDE * SIDE * 4];
    const pea_array affinity = {values, PEA_FLOAT32, {1, SIDE, SIDE, 4}};
    (void)state;
    set_up(&s, false, false);
    const pea_segment_options own = s.options;
    for (int i = 0; i < 11; i++) {
        pea_segment_options *o = &s.options;
        static const char *const words[] = {"cut must be", "score_percent must be", "fragment_boundary must be",
                                            "fragment_sigma must be", "bandwidth must be"};
        *o = own;
        o->cut = i == 0 ? 0.0 : i == 1 ? 1.0 : i == 2 ? NAN : 0.5;
        o->score_percent = i == 3 ? 100 : i == 4 ? -2 : 50;
        o->fragment_boundary = i == 5 ? 1.0 : i == 6 ? NAN : 0.0;
        o->fragment_sigma = i == 7 ? 101.0 : 0.0;
        o->fragment_size = i == 8 ? -1 : 0;
        o->bandwidth = i == 9 ? 0.0 : i == 10 ? INFINITY : 1.0;
        const char *expected = words[i < 3 ? 0 : i < 5 ? 1 : i < 7 ? 2 : i < 9 ? 3 : 4];
        assert_fails(pea_segment(s.model, NULL, &s.image.array, NULL, o, &s.labels.array, &n, NULL, &err), PEA_E_ARG,
                     expected);
        o->offsets = four;
        o->clusterer = PEA_CLUSTER_AGGLOMERATE;
        const pea_array labels = {s.expected, PEA_UINT32, {1, SIDE, SIDE, 1}};
        if (o->bandwidth == 1.0) /* a wrong one is not looked at */
            assert_fails(pea_cluster(o, &affinity, NULL, NULL, &labels, &n, &err), PEA_E_ARG, expected);
    }
    tear_down(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(fragments_of_planes_and_volumes_are_put_together),
    cmocka_unit_test(clean_up_is_what_its_calls_do),
    cmocka_unit_test(clean_up_that_makes_no_sense_is_refused),
    cmocka_unit_test(embeddings_of_planes_are_shifted),
    cmocka_unit_test(padding_belongs_to_no_instance),
    cmocka_unit_test(where_nothing_may_be_nothing_is),
    cmocka_unit_test(single_voxels_are_clustered),
    cmocka_unit_test(affinities_have_no_embeddings),
    cmocka_unit_test(affinities_are_clustered_by_name),
    cmocka_unit_test(clusterers_are_tuned),
    cmocka_unit_test(tuning_that_makes_no_sense_is_refused),
};

PEA_TEST_MAIN(tests)
