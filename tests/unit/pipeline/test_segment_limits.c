/* test_segment_limits.c - all ways to labels under failing allocations, cancels and memory limits.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"
#include "pipeline/toy_model.h"
#include "test.h"

enum { SIDE = 40, DEPTH = 3 };

/* What one call works on. The volume model gets small tiles, so that it has several. */
typedef struct bench {
    pea_model *model;
    pea_segment_options options;
    pea_volume image, mask, labels;
    bool predicts;      /* in two calls: first the prediction, then its clustering */
    bool streams;       /* nothing is kept */
    const char **stage; /* what a listener heard last, NULL at the begin of a call; NULL: nobody listens */
} bench;

/* The ways to labels: planes and a volume; in one call or two; on the image's grid or on another; with each clusterer;
 * and row by row or layer by layer. */
enum { N_WAYS = 15, N_GRID_WAYS = 8, FIRST_STREAM = 13 };

static pea_clusterer clusterer_of(int way)
{
    return way < N_GRID_WAYS || way >= FIRST_STREAM ? PEA_CLUSTER_MUTEX : (pea_clusterer)(PEA_CLUSTER_AGGLOMERATE + (way - N_GRID_WAYS) / 2);
}

static bench set_up(int way)
{
    bench b = {.model = way % 2 ? toy_volume_model() : toy_plane_model(), .streams = way >= FIRST_STREAM};
    b.predicts = !b.streams && way / 2 % 2;
    pea_error err;
    b.options = pea_model_options(b.model);
    memcpy(b.options.tile, (const int64_t[]){3, 32, 32}, sizeof b.options.tile);
    memcpy(b.options.tile_step, (const int64_t[]){2, 24, 24}, sizeof b.options.tile_step);
    memcpy(b.options.tile_margin, (const int64_t[]){1, 4, 4}, sizeof b.options.tile_margin);
    b.options.min_foreground_size = 5;
    b.options.min_size = 5;
    b.options.n_merge = 1;
    b.options.merge[0] = (pea_merge_pass){5, 5};
    b.options.cluster_padded = 1;
    b.options.scale = way / 4 == 1 ? 0.8 : 1.0;
    b.options.clusterer = clusterer_of(way);
    assert_ok(pea_volume_alloc(PEA_UINT8, (pea_dims){DEPTH, SIDE, SIDE, 1}, &b.mask, &err));
    memset(b.mask.array.data, 1, DEPTH * SIDE * SIDE);
    assert_ok(pea_volume_alloc(PEA_UINT8, (pea_dims){DEPTH, SIDE, SIDE, 1}, &b.image, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, (pea_dims){DEPTH, SIDE, SIDE, 1}, &b.labels, &err));
    for (int i = 0; i < DEPTH * SIDE * SIDE; i++)
        ((uint8_t *)b.image.array.data)[i] = test_u(1, (uint32_t)(i / SIDE / 8 * 100 + i % SIDE / 8)) < 0.5 ? 0 : 255;
    return b;
}

static void tear_down(bench *b)
{
    pea_model_free(b->model);
    pea_volume_free(&b->image);
    pea_volume_free(&b->mask);
    pea_volume_free(&b->labels);
}

static pea_status stream_part(const pea__part *part, int64_t index, void *unused, pea_error *error)
{
    (void)index;
    (void)unused;
    return part->job->info.n_axes == 3 ? pea__volume_stream(part, error) : pea__plane_stream(part, error);
}

/* As pea_segment() does with large images: small ones it takes as a whole. */
static pea_status stream(const bench *b, pea_context *context, uint32_t *n, pea_error *err)
{
    pea__job job = {.context = context, .image = b->image.array, .dims = b->image.array.dims, .streams = true};
    *n = 0;
    if (b->stage)
        *b->stage = NULL;
    pea_status status = pea__job_take(&job, "the image", &b->mask.array, &b->labels.array, err);
    if (status == PEA_OK)
        status = pea__job_prepare(&job, b->model, &b->options, NULL, err);
    if (status == PEA_OK)
        status = pea__job_scan(&job, err);
    if (status == PEA_OK)
        status = pea__parts_run(&job, stream_part, NULL, n, err);
    pea__stage(context, NULL);
    pea__free(job.ranges);
    return status;
}

/* With all details that there are. */
static pea_status segment(const bench *b, pea_context *context, uint32_t *n, pea_error *err)
{
    if (b->streams)
        return stream(b, context, n, err);
    pea_prediction *prediction = NULL;
    pea_segment_details details = {.want_affinity = 1,
                                   .want_embedding = !b->predicts || b->options.offsets.n_axes == 2};
    const pea_array *image = &b->image.array, *mask = &b->mask.array, *labels = &b->labels.array;
    pea_status status = PEA_OK;
    *n = 0;
    if (b->predicts)
        status = pea_predict(b->model, context, image, &b->options, &prediction, err);
    assert_true((status == PEA_OK && b->predicts) == (prediction != NULL));
    if (b->stage)
        *b->stage = NULL;
    if (status == PEA_OK)
        status = b->predicts
                     ? pea_prediction_segment(prediction, context, mask, &b->options, labels, n, &details, err)
                     : pea_segment(b->model, context, image, mask, &b->options, labels, n, &details, err);
    assert_true((status == PEA_OK && details.want_affinity) == (details.affinity.array.data != NULL));
    assert_true((status == PEA_OK && details.want_embedding) == (details.embedding.array.data != NULL));
    pea_segment_details_free(&details);
    pea_prediction_free(prediction);
    return status;
}

static void every_failing_allocation_of_segment_is_survived(void **state)
{
    pea_error err;
    (void)state;
    for (int run = 0; run < 2 * N_WAYS; run++) {
        if (run / 2 >= N_GRID_WAYS / 2 && run / 2 < FIRST_STREAM && run % 2)
            continue; /* another grid or clusterer: failing once is enough */
        bench b = set_up(run / 2);
        pea_status status = PEA_E_NOMEM;
        uint32_t n, expected;
        assert_ok(segment(&b, NULL, &expected, &err));
        for (size_t at = 1; status != PEA_OK; at++) {
            const size_t live = pea__alloc_live();
            err = (pea_error){0};
            pea__alloc_fail_at(at, run % 2);
            status = segment(&b, NULL, &n, &err);
            pea__alloc_fail_at(0, false);
            assert_int_equal(pea__alloc_live(), live);
            if (status == PEA_OK ? n != expected : status != PEA_E_NOMEM || !err.message[0] || n != 0)
                fail_msg("allocation %zu: %s \"%s\"", at, pea_status_name(status), err.message);
        }
        tear_down(&b);
    }
}

/* Listens for one stage and stops there; notes where progress fell. */
typedef struct listener {
    const char *stop_at, *stage;
    double fraction;
    int n_calls, n_falls, n_stopped;
    char heard[256];
} listener;

static int listen(void *user, const char *stage, double fraction)
{
    listener *l = user;
    l->n_calls++;
    l->n_falls += (l->stage && strcmp(stage, l->stage) == 0 && fraction < l->fraction) || fraction < 0 || fraction > 1;
    l->stage = stage;
    l->fraction = fraction;
    if (!strstr(l->heard, stage))
        strncat(strncat(l->heard, stage, 100), ";", 2);
    l->n_stopped += l->stop_at && strcmp(stage, l->stop_at) == 0;
    return l->stop_at && strcmp(stage, l->stop_at) == 0;
}

static pea_context *context_of(int n_threads, uint64_t limit, listener *l)
{
    pea_error err;
    pea_context *context;
    pea_context_options options = pea_context_options_default();
    options.n_threads = n_threads;
    options.memory_limit_bytes = limit;
    options.progress = l ? listen : NULL;
    options.progress_user = l;
    assert_ok(pea_context_new(&options, &context, &err));
    return context;
}

enum { MOST_STAGES = 7 };

static const char *const stages_of[][MOST_STAGES] = {
    [PEA_CLUSTER_MUTEX] = {"network", "affinity", "cluster", "clean up"},
    [PEA_CLUSTER_AGGLOMERATE] = {"network", "affinity", "fragments", "region graph", "agglomerate", "project",
                                 "clean up"},
    [PEA_CLUSTER_MULTICUT] = {"network", "affinity", "fragments", "region graph", "multicut", "project", "clean up"},
    [PEA_CLUSTER_MEANSHIFT] = {"network", "affinity", "mean shift", "clean up"},
};

static void every_stage_is_announced_and_can_be_cancelled(void **state)
{
    pea_error err;
    (void)state;
    for (int run = 0; run < MOST_STAGES * 2 * N_WAYS; run++) {
        const int way = run / (2 * MOST_STAGES);
        listener l = {.stop_at = stages_of[clusterer_of(way)][run % MOST_STAGES]};
        if (!l.stop_at)
            continue;
        bench b = set_up(way);
        const size_t live = pea__alloc_live();
        pea_context *context = context_of(run / MOST_STAGES % 2 + 1, 0, &l);
        uint32_t n;
        if (segment(&b, context, &n, &err) != PEA_E_CANCELLED)
            fail_msg("way %d: nobody was asked in the stage %s", way, l.stop_at);
        assert_int_equal(l.n_stopped, 1);
        l.stop_at = NULL; /* the context can be used again */
        assert_ok(segment(&b, context, &n, &err));
        pea_context_free(context);
        assert_int_equal(pea__alloc_live(), live);
        tear_down(&b);
    }
}

static void progress_never_falls_within_a_stage(void **state)
{
    pea_error err;
    (void)state;
    for (int run = 0; run < N_WAYS; run++) {
        bench b = set_up(run);
        listener l = {0};
        b.stage = &l.stage;
        pea_context *context = context_of(1, 0, &l);
        uint32_t n;
        assert_ok(segment(&b, context, &n, &err));
        assert_true(l.n_calls >= 4);
        assert_int_equal(l.n_falls, 0);
        /* the mask of a plane is cleaned before its clustering, unless rows are clustered as they come */
        const bool cleans_first = run % 2 == 0 && run < FIRST_STREAM;
        char expected[256] = "";
        const char *const *stages = stages_of[clusterer_of(run)];
        for (int i = 0; i < MOST_STAGES && stages[i]; i++)
            if (!cleans_first || strcmp(stages[i], "clean up") != 0)
                strcat(strcat(strcat(expected, stages[i]), ";"), cleans_first && i == 1 ? "clean up;" : "");
        assert_string_equal(l.heard, expected);
        pea_context_free(context);
        tear_down(&b);
    }
}

static void times_of_all_stages_are_kept(void **state)
{
    pea_error err;
    size_t n_stages;
    uint32_t n;
    bench b = set_up(1);
    pea_context *context = context_of(1, 0, NULL);
    (void)state;
    assert_ok(segment(&b, context, &n, &err));
    const pea_stage_time *times = pea_context_times(context, &n_stages);
    assert_int_equal(n_stages, 4);
    for (size_t i = 0; i < n_stages; i++)
        assert_true(times[i].seconds >= 0.0);
    pea_context_free(context);
    tear_down(&b);
}

/* The forecast with details is enough, and so is less for two calls; nothing near nothing is. */
static void work_beyond_the_memory_limit_is_refused_with_both_figures(void **state)
{
    pea_error err;
    (void)state;
    for (int run = 0; run < FIRST_STREAM; run++) {
        bench b = set_up(run);
        uint64_t bytes;
        uint32_t n;
        const uint64_t kept = b.options.offsets.n + 2 + 1, /* affinities; embedding, weights of its tiles */
            details = DEPTH * SIDE * SIDE * kept * sizeof(float);
        assert_ok(pea_segment_forecast(b.model, b.image.array.dims, &b.options, 1, &bytes, &err));
        pea_context *tight = context_of(1, 1000, NULL), *enough = context_of(1, bytes + details, NULL);
        assert_fails(segment(&b, tight, &n, &err), PEA_E_LIMIT, "3 x 40 x 40 (z,y,x) needs ");
        assert_non_null(strstr(err.message, "(1000 bytes) are allowed"));
        assert_ok(segment(&b, enough, &n, &err));
        pea_context_free(tight);
        pea_context_free(enough);
        tear_down(&b);
    }
}

/* What is kept counts: of planes all, of details those that are wanted; and clustering has a limit of its own. */
static void what_is_kept_is_part_of_the_forecast(void **state)
{
    enum { MANY = 200 };
    const pea_dims d = {MANY, 64, 64, 1};
    const uint64_t n_voxels = MANY * 64 * 64;
    pea_error err;
    uint64_t bytes, of_one;
    pea_model *model = toy_plane_model();
    pea_volume image, labels;
    pea_prediction *prediction;
    pea_segment_options o = pea_model_options(model);
    pea_segment_details details = {.want_embedding = 1};
    (void)state;
    assert_ok(pea_volume_alloc(PEA_UINT8, d, &image, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &labels, &err));
    assert_ok(pea_segment_forecast(model, d, &o, 1, &bytes, &err));
    assert_ok(pea_segment_forecast(model, (pea_dims){1, 64, 64, 1}, &o, 1, &of_one, &err));
    assert_true(bytes < of_one + 10000); /* plane by plane */
    const uint64_t kept = n_voxels * 4 * sizeof(float), overhead = kept / 32;
    pea_context *little = context_of(1, bytes, NULL), *none = context_of(1, 100000, NULL),
                *enough = context_of(1, bytes + kept + overhead, NULL);
    assert_ok(pea_segment(model, little, &image.array, NULL, &o, &labels.array, NULL, NULL, &err));
    assert_fails(pea_segment(model, little, &image.array, NULL, &o, &labels.array, NULL, &details, &err), PEA_E_LIMIT,
                 "are allowed");
    assert_fails(pea_predict(model, little, &image.array, &o, &prediction, &err), PEA_E_LIMIT, "are allowed");
    assert_null(prediction);
    assert_ok(pea_segment(model, enough, &image.array, NULL, &o, &labels.array, NULL, &details, &err));
    pea_segment_details_free(&details);
    assert_ok(pea_predict(model, enough, &image.array, &o, &prediction, &err));
    assert_ok(pea_prediction_segment(prediction, little, NULL, &o, &labels.array, NULL, NULL, &err));
    assert_fails(pea_prediction_segment(prediction, little, NULL, &o, &labels.array, NULL, &details, &err), PEA_E_LIMIT,
                 "are allowed");
    assert_fails(pea_prediction_segment(prediction, none, NULL, &o, &labels.array, NULL, NULL, &err), PEA_E_LIMIT,
                 "(100000 bytes) are allowed");
    pea_prediction_free(prediction);
    pea_context_free(little);
    pea_context_free(enough);
    pea_context_free(none);
    pea_volume_free(&image);
    pea_volume_free(&labels);
    pea_model_free(model);
}

static void check_way(const pea_model *model, pea_dims d, bool streams)
{
    const int64_t n = d.y * d.x;
    pea_expectation e;
    pea_volume image, labels;
    pea_error err;
    uint64_t most;
    uint32_t n_labels;
    assert_ok(pea_segment_expect(model, d, NULL, NULL, 1, &e, &err));
    assert_int_equal(e.streams, streams);
    assert_true(streams ? !e.why_whole : strstr(e.why_whole, "its size") != NULL);
    assert_ok(pea_segment_forecast(model, d, NULL, 1, &most, &err));
    assert_true(e.bytes <= most);
    assert_ok(pea_volume_alloc(PEA_UINT8, d, &image, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &labels, &err));
    for (int64_t i = 0; i < n; i++)
        ((uint8_t *)image.array.data)[i] = (uint8_t)(i / 97);
    pea_context *enough = context_of(1, e.bytes, NULL), *little = context_of(1, e.bytes / 2, NULL);
    assert_ok(pea_segment(model, enough, &image.array, NULL, NULL, &labels.array, &n_labels, NULL, &err));
    assert_fails(pea_segment(model, little, &image.array, NULL, NULL, &labels.array, &n_labels, NULL, &err), PEA_E_LIMIT,
                 "are allowed");
    pea_context_free(enough);
    pea_context_free(little);
    pea_volume_free(&image);
    pea_volume_free(&labels);
}

/* Rows are fewer bytes than large planes only. */
static void the_way_that_needs_less_memory_is_taken(void **state)
{
    pea_model *model = toy_plane_model();
    pea_expectation e = {0};
    pea_error err;
    int64_t side = 64;
    (void)state;
    check_way(model, (pea_dims){1, side, side, 1}, false);
    while (!e.streams && side < 4096) {
        side += 64;
        assert_ok(pea_segment_expect(model, (pea_dims){1, side, side, 1}, NULL, NULL, 1, &e, &err));
    }
    assert_true(side < 2048);
    check_way(model, (pea_dims){1, side - 64, side - 64, 1}, false);
    check_way(model, (pea_dims){1, side, side, 1}, true);
    pea_model_free(model);
}

static void forecast_knows_absurd_extents(void **state)
{
    pea_error err;
    uint64_t small, large;
    bench b = set_up(0), v = set_up(1);
    (void)state;
    assert_ok(pea_segment_forecast(b.model, (pea_dims){1, 1000, 1000, 3}, NULL, 1, &small, &err));
    assert_ok(pea_segment_forecast(b.model, (pea_dims){1, 10000, 10000, 3}, NULL, 1, &large, &err));
    assert_true(large > 20 * small && large < 100 * small); /* clustering keeps little of earlier rows */
    large = small;
    assert_ok(pea_segment_forecast(b.model, (pea_dims){50, 1000, 1000, 3}, NULL, 1, &small, &err));
    assert_true(small < large + 10000); /* plane by plane */
    assert_fails(pea_segment_forecast(b.model, (pea_dims){1, INT64_MAX / 2, 2, 1}, NULL, 1, &small, &err), PEA_E_LIMIT,
                 "no address space holds that");
    assert_fails(pea_segment_forecast(b.model, (pea_dims){1, 3, INT64_C(1) << 40, 1}, NULL, 1, &small, &err),
                 PEA_E_LIMIT, "is not between");
    assert_fails(pea_segment_forecast(b.model, (pea_dims){1, 0, 2, 1}, NULL, 1, &small, &err), PEA_E_SHAPE, "y 0");
    assert_fails(pea_segment_forecast(v.model, (pea_dims){1, 5, INT64_C(1) << 40, 1}, NULL, 1, &small, &err),
                 PEA_E_LIMIT, "x extent");
    assert_ok(pea_segment_forecast(v.model, (pea_dims){1 << 20, 1 << 20, 1 << 20, 1}, NULL, 1, &large, &err));
    assert_true(large > UINT64_C(1) << 60);
    tear_down(&b);
    tear_down(&v);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_failing_allocation_of_segment_is_survived),
    cmocka_unit_test(every_stage_is_announced_and_can_be_cancelled),
    cmocka_unit_test(progress_never_falls_within_a_stage),
    cmocka_unit_test(times_of_all_stages_are_kept),
    cmocka_unit_test(work_beyond_the_memory_limit_is_refused_with_both_figures),
    cmocka_unit_test(what_is_kept_is_part_of_the_forecast),
    cmocka_unit_test(the_way_that_needs_less_memory_is_taken),
    cmocka_unit_test(forecast_knows_absurd_extents),
};

PEA_TEST_MAIN(tests)
