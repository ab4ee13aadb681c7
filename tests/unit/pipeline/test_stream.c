/* test_stream.c - planes that are worked on row by row, and volumes layer by layer, get the labels of the whole.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"
#include "pipeline/toy_model.h"
#include "threads.h"

static pea_error err;

/* An image, perhaps a mask, and the labels of the whole way and of the other. */
typedef struct scene {
    pea_model *model;
    pea_segment_options options;
    pea_volume image, mask, expected, labels;
    bool masked;
} scene;

static void fill(scene *s, pea_dims d, pea_dtype dtype, uint64_t *seed)
{
    const size_t size = pea_dtype_size_bytes(dtype);
    const int64_t block = 2 + test_random(seed) % 12;
    assert_ok(pea_volume_alloc(dtype, d, &s->image, &err));
    for (int64_t i = 0; i < d.z * d.y * d.x * d.c; i++) { /* blocks of one colour each, with some noise */
        const int64_t x = i / d.c % d.x, y = i / d.c / d.x;
        const double v = test_u(1, (uint32_t)(y / block * 1000 + x / block)) + 0.2 * test_u(2, test_random(seed));
        uint8_t *at = (uint8_t *)s->image.array.data + (size_t)i * size;
        if (dtype == PEA_UINT8)
            *at = (uint8_t)(200.0 * v);
        else if (dtype == PEA_UINT16)
            memcpy(at, &(uint16_t){(uint16_t)(50000.0 * v)}, 2);
        else
            memcpy(at, &(float){(float)v}, 4);
    }
    d.c = 1;
    assert_ok(pea_volume_alloc(PEA_UINT8, d, &s->mask, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &s->expected, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &s->labels, &err));
    for (int64_t i = 0; i < d.z * d.y * d.x; i++)
        ((uint8_t *)s->mask.array.data)[i] = test_random(seed) % 9 ? 3 : 0;
}

static void empty(scene *s)
{
    pea_volume_free(&s->image);
    pea_volume_free(&s->mask);
    pea_volume_free(&s->expected);
    pea_volume_free(&s->labels);
}

/* What pea_segment() does, with slabs of so many rows. */
static pea_status stream_part(const pea__part *part, int64_t index, void *unused, pea_error *error)
{
    (void)index;
    (void)unused;
    return part->job->info.n_axes == 3 ? pea__volume_stream(part, error) : pea__plane_stream(part, error);
}

static uint32_t stream(scene *s, pea_context *context, int64_t slab_rows)
{
    pea__job job = {.context = context, .image = s->image.array, .dims = s->image.array.dims,
                    .streams = s->options.absorb_size == 0, .slab_rows = slab_rows};
    uint32_t n = 0;
    assert_ok(pea__job_take(&job, "the image", s->masked ? &s->mask.array : NULL, &s->labels.array, &err));
    assert_ok(pea__job_prepare(&job, s->model, &s->options, NULL, &err));
    assert_true(job.streams == !(job.info.n_axes == 3 ? pea__volume_why_whole(&job) : pea__plane_why_whole(&job)));
    assert_ok(pea__job_scan(&job, &err));
    assert_ok(pea__parts_run(&job, stream_part, NULL, &n, &err));
    pea__free(job.ranges);
    return n;
}

/* Affinities can only be kept of the whole. */
static uint32_t segment_whole(scene *s)
{
    pea_segment_details details = {.want_affinity = 1};
    uint32_t n = 0;
    const pea_status status = pea_segment(s->model, NULL, &s->image.array, s->masked ? &s->mask.array : NULL,
                                          &s->options, &s->expected.array, &n, &details, &err);
    if (status != PEA_OK)
        fail_msg("%s", err.message);
    pea_segment_details_free(&details);
    return n;
}

static void assert_same(scene *s, pea_context *context, int64_t slab_rows, const char *what)
{
    const pea_dims d = s->labels.array.dims;
    const int64_t n = d.z * d.y * d.x;
    const uint32_t n_expected = segment_whole(s), n_streamed = stream(s, context, slab_rows);
    const uint32_t *a = s->expected.array.data, *b = s->labels.array.data;
    for (int64_t p = 0; p < n; p++)
        if (a[p] != b[p] || n_expected != n_streamed)
            fail_msg("%s: z %d y %d x %d is %u of %u, not %u of %u; slabs of %d rows of %d x %d", what,
                     (int)(p / d.x / d.y), (int)(p / d.x % d.y), (int)(p % d.x), b[p], n_streamed, a[p], n_expected,
                     (int)slab_rows, (int)d.y, (int)d.x);
}

static int pick(uint64_t *seed, int low, int high)
{
    return low + (int)(test_random(seed) % (uint32_t)(high - low + 1));
}

static pea_offsets some_volume_offsets(uint64_t *seed)
{
    pea_offsets o = {.n = (size_t)pick(seed, 3, 9), .n_axes = 3, .step = {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}}};
    for (size_t k = 3; k < o.n; k++)
        do
            o.step[k] = (pea_offset){pick(seed, -4, 4), pick(seed, -9, 9), pick(seed, -9, 9)};
        while (o.step[k].z == 0 && o.step[k].y == 0 && o.step[k].x == 0);
    return o;
}

static pea_offsets some_offsets(uint64_t *seed, int reach)
{
    pea_offsets o = {.n = (size_t)pick(seed, 2, 9), .n_axes = 2};
    for (size_t k = 0; k < o.n; k++)
        do
            o.step[k] = (pea_offset){0, pick(seed, -reach, reach), pick(seed, -reach, reach)};
        while (o.step[k].y == 0 && o.step[k].x == 0);
    o.step[0] = (pea_offset){0, pick(seed, 0, 1) ? -1 : 1, pick(seed, -1, 1)};
    o.step[1] = (pea_offset){0, pick(seed, -1, 1), pick(seed, 0, 1) ? -1 : 1};
    return o;
}

static void choose_plane_options(scene *s, uint64_t *seed)
{
    pea_segment_options *o = &s->options;
    o->normalise = (pea_normalise)pick(seed, 0, 2);
    o->padding = (pea_padding)pick(seed, 0, 2);
    o->cluster_padded = pick(seed, 0, 1);
    o->foreground = (pea_foreground)pick(seed, 0, 2);
    o->foreground_threshold = pick(seed, 0, 1) ? 0.5 : 0.45;
    o->min_foreground_size = pick(seed, 0, 2) * 9;
    o->offsets = some_offsets(seed, pick(seed, 0, 3) ? 4 : 40);
    o->stride[1] = pick(seed, 1, 4);
    o->stride[2] = pick(seed, 1, 4);
    o->border = (pea_border)pick(seed, 0, 2);
    o->n_merge = (size_t)pick(seed, 0, 2);
    o->merge[0] = (pea_merge_pass){5, 5};
    o->merge[1] = (pea_merge_pass){20, 11};
    o->min_size = pick(seed, 0, 6);
    o->parts = (pea_parts)pick(seed, 0, 2);
    o->fill_holes = (int)pick(seed, 0, 1);
    o->connectivity = (pea_connectivity)pick(seed, 0, 2);
    o->n_largest = pick(seed, 0, 1) * 9;
    o->scale = pick(seed, 0, 5) ? 1.0 : 0.8;
}

static void rows_give_the_labels_of_the_plane(void **state)
{
    enum { N_RUNS = 150 };
    const pea_dtype dtypes[] = {PEA_UINT8, PEA_UINT16, PEA_FLOAT32};
    pea_model *models[2] = {toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true}, toy_plane_record),
                            toy_plane_model()};
    pea_context *contexts[] = {NULL, test_context(4, 0)};
    uint64_t seed = 11;
    (void)state;
    for (int run = 0; run < N_RUNS; run++) {
        scene s = {.model = models[run % 2], .options = pea_model_options(models[run % 2])};
        char what[32];
        snprintf(what, sizeof what, "run %d", run);
        fill(&s, (pea_dims){pick(&seed, 1, 2), pick(&seed, 1, 90), pick(&seed, 1, 70), pick(&seed, 0, 1) ? 3 : 1},
             dtypes[run % 3], &seed);
        choose_plane_options(&s, &seed);
        s.masked = pick(&seed, 0, 1);
        assert_same(&s, contexts[pick(&seed, 0, 1)], pick(&seed, 1, 30), what);
        empty(&s);
    }
    pea_context_free(contexts[1]);
    pea_model_free(models[0]);
    pea_model_free(models[1]);
}

/* Parts of the foreground that are cleared lie among larger ones, touch them by a step of repulsion only, and hold the
 * first pixels of the raster. */
static void specks_are_cleared_as_before_clustering(void **state)
{
    pea_model *model = toy_plane_model();
    uint64_t seed = 5;
    (void)state;
    for (int run = 0; run < 60; run++) {
        scene s = {.model = model, .options = pea_model_options(model), .masked = run % 2};
        fill(&s, (pea_dims){1, 60, 50, 1}, PEA_UINT8, &seed);
        for (int64_t i = 0; i < 60 * 50; i++)
            ((uint8_t *)s.image.array.data)[i] = test_random(&seed) % 100 < (uint32_t)(10 + run / 2) ? 255 : 0;
        s.options.min_foreground_size = pick(&seed, 2, 12);
        s.options.offsets = some_offsets(&seed, 5);
        s.options.cluster_padded = run % 3 == 0;
        assert_same(&s, NULL, pick(&seed, 1, 20), "specks");
        empty(&s);
    }
    pea_model_free(model);
}

static void far_attraction_keeps_specks_whole(void **state)
{
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    pea__job job = {.dims = {1, 50, 50, 1}};
    (void)state;
    o.min_foreground_size = 5;
    assert_ok(pea__job_prepare(&job, model, &o, NULL, &err));
    assert_null(pea__plane_why_whole(&job));
    o.offsets.step[1].x = -2;
    assert_ok(pea__job_prepare(&job, model, &o, NULL, &err));
    assert_non_null(pea__plane_why_whole(&job)); /* what lies beyond a gap is attracted: specks must go first */
    o.min_foreground_size = 1;
    assert_ok(pea__job_prepare(&job, model, &o, NULL, &err));
    assert_null(pea__plane_why_whole(&job));
    o.clusterer = PEA_CLUSTER_MEANSHIFT;
    assert_ok(pea__job_prepare(&job, model, &o, NULL, &err));
    assert_non_null(pea__plane_why_whole(&job));
    pea_model_free(model);
}

static void predicted_affinities_come_by_layers_too(void **state)
{
    pea_model *model = toy_model_with((toy){.n_axes = 3, .in_channels = 1, .random = true, .n_affinities = 6},
                                      toy_volume_record);
    uint64_t seed = 7;
    (void)state;
    for (int run = 0; run < 6; run++) {
        scene s = {.model = model, .options = pea_model_options(model), .masked = run % 2};
        fill(&s, (pea_dims){7, 40, 33, 1}, PEA_UINT8, &seed);
        memcpy(s.options.tile, (const int64_t[]){4, 32, 32}, sizeof s.options.tile);
        memcpy(s.options.tile_step, (const int64_t[]){3, 24, 24}, sizeof s.options.tile_step);
        memcpy(s.options.tile_margin, (const int64_t[]){1, 4, 4}, sizeof s.options.tile_margin);
        for (int axis = 0; axis < 3 && run > 0; axis++)
            s.options.stride[axis] = pick(&seed, 1, 5);
        assert_same(&s, NULL, 0, "predicted affinities");
        empty(&s);
    }
    pea_model_free(model);
}

static void layers_give_the_labels_of_the_volume(void **state)
{
    enum { N_RUNS = 60 };
    pea_model *models[2] = {toy_model_with((toy){.n_axes = 3, .in_channels = 1, .random = true}, toy_volume_record),
                            toy_volume_model()};
    pea_context *contexts[] = {NULL, test_context(4, 0)};
    uint64_t seed = 3;
    (void)state;
    for (int run = 0; run < N_RUNS; run++) {
        scene s = {.model = models[run % 2], .options = pea_model_options(models[run % 2]), .masked = pick(&seed, 0, 1)};
        pea_segment_options *o = &s.options;
        const int64_t size = pick(&seed, 1, 6);
        fill(&s, (pea_dims){pick(&seed, 1, 17), pick(&seed, 1, 40), pick(&seed, 1, 40), 1}, PEA_UINT8, &seed);
        memcpy(o->tile, (const int64_t[]){size, 32, 16}, sizeof o->tile);
        memcpy(o->tile_step, (const int64_t[]){pick(&seed, 1, (int)size), 24, 11}, sizeof o->tile_step);
        memcpy(o->tile_margin, (const int64_t[]){pick(&seed, 0, (int)size), 4, 9}, sizeof o->tile_margin);
        o->offsets = some_volume_offsets(&seed);
        for (int axis = 0; axis < 3; axis++)
            o->stride[axis] = pick(&seed, 1, axis == 0 ? 3 : 6);
        o->border = (pea_border)pick(&seed, 0, 2);
        o->min_size = pick(&seed, 0, 6);
        o->n_merge = (size_t)pick(&seed, 0, 1);
        o->merge[0] = (pea_merge_pass){5, 5};
        o->absorb_size = pick(&seed, 0, 2) ? 0 : 30; /* layers are clustered as they come, and stay */
        o->scale = pick(&seed, 0, 5) ? 1.0 : 0.7;
        assert_same(&s, contexts[pick(&seed, 0, 1)], 0, "volume");
        empty(&s);
    }
    pea_context_free(contexts[1]);
    pea_model_free(models[0]);
    pea_model_free(models[1]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_give_the_labels_of_the_plane),
    cmocka_unit_test(specks_are_cleared_as_before_clustering),
    cmocka_unit_test(far_attraction_keeps_specks_whole),
    cmocka_unit_test(predicted_affinities_come_by_layers_too),
    cmocka_unit_test(layers_give_the_labels_of_the_volume),
};

PEA_TEST_MAIN(tests)
