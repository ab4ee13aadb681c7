/* test_predict.c - a prediction that is kept gives what the whole way gives, with any settings that suit it; what
 * details show.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>

#include "pea/cluster.h"
#include "pipeline/pipeline.h"
#include "pipeline/toy_model.h"
#include "threads.h"

/* An image of blocks, each of one brightness, with a mask full of holes. */
typedef struct scene {
    pea_model *model;
    pea_volume image, mask, labels, expected;
    size_t n_label_bytes;
} scene;

static scene set_up(pea_model *model, pea_dims d)
{
    pea_error err;
    scene s = {.model = model};
    assert_ok(pea_volume_alloc(PEA_UINT8, d, &s.image, &err));
    for (int64_t i = 0; i < d.z * d.y * d.x * d.c; i++) {
        const int64_t p = i / d.c, block = p / d.x / d.y * 10000 + p / d.x % d.y / 7 * 100 + p % d.x / 8;
        ((uint8_t *)s.image.array.data)[i] = (uint8_t)(255.0 * test_u(3, (uint32_t)block));
    }
    d.c = 1;
    assert_ok(pea_volume_alloc(PEA_UINT8, d, &s.mask, &err));
    for (int64_t p = 0; p < d.z * d.y * d.x; p++)
        ((uint8_t *)s.mask.array.data)[p] = test_u(4, (uint32_t)p) < 0.9 ? 3 : 0;
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &s.labels, &err));
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &s.expected, &err));
    s.n_label_bytes = (size_t)(d.z * d.y * d.x) * sizeof(uint32_t);
    return s;
}

static void tear_down(scene *s)
{
    pea_model_free(s->model);
    pea_volume_free(&s->image);
    pea_volume_free(&s->mask);
    pea_volume_free(&s->labels);
    pea_volume_free(&s->expected);
}

static scene planes(int64_t n_planes, int64_t y, int64_t x)
{
    return set_up(toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true}, toy_plane_record),
                  (pea_dims){n_planes, y, x, 1});
}

static scene bright_planes(int64_t n_planes, int64_t y, int64_t x)
{
    return set_up(toy_plane_model(), (pea_dims){n_planes, y, x, 3});
}

static scene a_volume(void)
{
    return set_up(toy_model_with((toy){.n_axes = 3, .in_channels = 1, .random = true}, toy_volume_record),
                  (pea_dims){6, 43, 37, 1});
}

static void small_tiles(pea_segment_options *o)
{
    memcpy(o->tile, (const int64_t[]){4, 32, 32}, sizeof o->tile);
    memcpy(o->tile_step, (const int64_t[]){3, 16, 16}, sizeof o->tile_step);
    memcpy(o->tile_margin, (const int64_t[]){1, 8, 8}, sizeof o->tile_margin);
}

/* The prediction, clustered, is what pea_segment() says; both without and with the caller's mask, with every number of
 * threads. Returns the number of instances without a mask. */
static uint32_t assert_same(scene *s, const pea_prediction *prediction, const pea_segment_options *o)
{
    uint32_t n_first = 0, n_expected = 0;
    assert_true(pea_prediction_suits(prediction, o));
    for (int masked = 0; masked < 2; masked++)
        for (int n_threads = 1; n_threads <= 3; n_threads++) {
            pea_error err;
            uint32_t n;
            const pea_array *mask = masked ? &s->mask.array : NULL;
            pea_context *context = test_context(n_threads, 0);
            if (n_threads == 1)
                assert_ok(pea_segment(s->model, NULL, &s->image.array, mask, o, &s->expected.array, &n_expected, NULL,
                                      &err));
            memset(s->labels.array.data, 0x5a, s->n_label_bytes);
            assert_ok(pea_prediction_segment(prediction, context, mask, o, &s->labels.array, &n, NULL, &err));
            assert_int_equal(n, n_expected);
            assert_memory_equal(s->labels.array.data, s->expected.array.data, s->n_label_bytes);
            pea_context_free(context);
            n_first = masked ? n_first : n;
        }
    return n_first;
}

static void predictions_of_presets_give_what_the_whole_way_gives(void **state)
{
    static const char *const names[] = {"cvppp", "bbbc039", "nuclei"};
    (void)state;
    for (int i = 0; i < 3; i++)
        for (int padded = 0; padded < 2; padded++) {
            pea_error err;
            pea_prediction *prediction;
            pea_segment_options o;
            scene s = bright_planes(2, 61, 50);
            assert_ok(pea_preset(names[i], &o, &err));
            o.cluster_padded = padded;
            assert_ok(pea_predict(s.model, NULL, &s.image.array, &o, &prediction, &err));
            assert_true(assert_same(&s, prediction, &o) > 1);
            pea_prediction_free(prediction);
            tear_down(&s);
        }
}

/* One setting after another, each on top of those before; the prediction is always the first one. */
static void other_settings_need_no_other_prediction(void **state)
{
    const int shifts[] = {1, 2, 6, 13};
    pea_error err;
    pea_prediction *prediction;
    scene s = bright_planes(3, 50, 70);
    pea_segment_options o = pea_model_options(s.model);
    (void)state;
    o.foreground = PEA_FOREGROUND_PREDICTED;
    o.padding = PEA_PAD_REFLECT_SQUARE;
    assert_ok(pea_predict(s.model, NULL, &s.image.array, &o, &prediction, &err));
    assert_same(&s, prediction, &o);
    o.foreground = PEA_FOREGROUND_NONE;
    assert_true(assert_same(&s, prediction, &o) > 3);
    o.stride[1] = 3;
    o.stride[2] = 2;
    assert_same(&s, prediction, &o);
    o.cluster_padded = 1;
    assert_same(&s, prediction, &o);
    assert_ok(pea_offsets_from_shifts(shifts, 4, 8, &o.offsets, &err));
    assert_same(&s, prediction, &o);
    o.border = PEA_BORDER_WRAP;
    assert_same(&s, prediction, &o);
    o.border = PEA_BORDER_COPY;
    assert_same(&s, prediction, &o);
    o.n_merge = 1;
    o.merge[0] = (pea_merge_pass){20, 5};
    assert_same(&s, prediction, &o);
    o.min_size = 9;
    assert_same(&s, prediction, &o);
    o.foreground = PEA_FOREGROUND_PREDICTED;
    o.foreground_threshold = 0.51;
    o.min_foreground_size = 5;
    assert_same(&s, prediction, &o);
    o.cluster_padded = 0;
    assert_same(&s, prediction, &o);
    pea_prediction_free(prediction);
    tear_down(&s);
}

static void volumes_can_be_clustered_anew(void **state)
{
    pea_error err;
    pea_prediction *prediction;
    scene s = a_volume();
    pea_segment_options o = pea_model_options(s.model);
    (void)state;
    small_tiles(&o);
    assert_ok(pea_predict(s.model, NULL, &s.image.array, &o, &prediction, &err));
    assert_true(assert_same(&s, prediction, &o) > 3);
    o.stride[0] = 2;
    o.stride[1] = 3;
    assert_same(&s, prediction, &o);
    o.min_size = 20;
    o.n_merge = 1;
    o.merge[0] = (pea_merge_pass){5, 5};
    assert_same(&s, prediction, &o);
    o.foreground = PEA_FOREGROUND_GIVEN;
    o.padding = PEA_PAD_ZERO_SQUARE; /* means nothing here */
    assert_same(&s, prediction, &o);
    pea_prediction_free(prediction);
    tear_down(&s);
}

static void affinities_of_the_network_itself_are_kept_too(void **state)
{
    static const char record[] =
        "{\"format_version\":1,\"normalise\":\"unit\",\"padding\":\"reflect-square\",\"clusterer\":\"mutex\","
        "\"offsets\":[[-1,0],[0,-1],[-3,0],[0,-3]],\"strides\":[1,1],\"foreground\":\"given\"}";
    pea_error err;
    pea_prediction *prediction;
    scene s = set_up(toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true, .n_affinities = 4}, record),
                     (pea_dims){2, 40, 30, 1});
    pea_segment_options o = pea_model_options(s.model);
    pea_segment_details details = {.want_embedding = 1};
    (void)state;
    assert_ok(pea_predict(s.model, NULL, &s.image.array, &o, &prediction, &err));
    assert_same(&s, prediction, &o);
    o.cluster_padded = 1;
    o.stride[1] = 2;
    assert_same(&s, prediction, &o);
    assert_fails(pea_segment(s.model, NULL, &s.image.array, NULL, &o, &s.labels.array, NULL, &details, &err), PEA_E_ARG,
                 "has no embeddings");
    assert_fails(pea_prediction_segment(prediction, NULL, NULL, &o, &s.labels.array, NULL, &details, &err), PEA_E_ARG,
                 "no embeddings");
    o.offsets.n = 3;
    assert_false(pea_prediction_suits(prediction, &o));
    pea_prediction_free(prediction);
    tear_down(&s);
}

static void settings_that_the_network_saw_do_not_suit(void **state)
{
    pea_error err;
    pea_prediction *flat, *deep;
    scene p = bright_planes(1, 40, 50), v = a_volume();
    pea_segment_options o = pea_model_options(p.model);
    (void)state;
    o.foreground = PEA_FOREGROUND_NONE;
    assert_ok(pea_predict(p.model, NULL, &p.image.array, &o, &flat, &err));
    assert_ok(pea_predict(v.model, NULL, &v.image.array, NULL, &deep, &err));
    assert_true(pea_prediction_suits(flat, NULL) && pea_prediction_suits(deep, NULL));
    assert_ok(pea_prediction_segment(flat, NULL, NULL, NULL, &p.labels.array, NULL, NULL, &err)); /* as predicted */
#define UNSUITABLE(s, prediction, start, change, text)                                                                \
    do {                                                                                                              \
        o = start;                                                                                                    \
        change;                                                                                                       \
        assert_false(pea_prediction_suits(prediction, &o));                                                           \
        assert_fails(pea_prediction_segment(prediction, NULL, NULL, &o, &(s).labels.array, NULL, NULL, &err),         \
                     PEA_E_ARG, text);                                                                                \
    } while (0)
    const pea_segment_options was = o, was_deep = pea_model_options(v.model);
    UNSUITABLE(p, flat, was, o.normalise = PEA_NORMALISE_MINMAX, "other normalise");
    UNSUITABLE(p, flat, was, o.padding = PEA_PAD_ZERO_SQUARE, "other padding");
    UNSUITABLE(p, flat, was, o.scale = 0.5, "other scale");
    UNSUITABLE(p, flat, was, o.foreground = PEA_FOREGROUND_PREDICTED, "other foreground");
    UNSUITABLE(p, flat, was, o.offsets = was_deep.offsets, "2 axes");
    UNSUITABLE(p, flat, was, o.struct_size = 0, "not initialised");
    UNSUITABLE(v, deep, was_deep, o.normalise = PEA_NORMALISE_MINMAX, "other normalise");
    UNSUITABLE(v, deep, was_deep, o.tile_step[2]--, "other tiles");
    UNSUITABLE(v, deep, was_deep, o.tile[0]--, "other tiles");
    UNSUITABLE(v, deep, was_deep, o.tile_margin[1]--, "other tiles");
    UNSUITABLE(v, deep, was_deep, o.border = PEA_BORDER_NONE, "other border");
    UNSUITABLE(v, deep, was_deep, o.offsets.n--, "other offsets");
    UNSUITABLE(v, deep, was_deep, o.offsets.step[3].z = -3, "other offsets");
    pea_prediction_free(flat);
    pea_prediction_free(deep);
    pea_prediction_free(NULL);
    tear_down(&p);
    tear_down(&v);
}

static void predictions_check_what_they_are_given(void **state)
{
    pea_error err;
    pea_prediction *prediction;
    scene s = planes(2, 20, 30);
    pea_array wrong = s.labels.array, mask = s.mask.array, image = s.image.array;
    pea_segment_details details = {.want_embedding = 1};
    (void)state;
    assert_fails(pea_predict(NULL, NULL, &image, NULL, &prediction, &err), PEA_E_ARG, "a model is missing");
    assert_null(prediction);
    image.data = NULL;
    assert_fails(pea_predict(s.model, NULL, &image, NULL, &prediction, &err), PEA_E_ARG, "missing");
    assert_ok(pea_predict(s.model, NULL, &s.image.array, NULL, &prediction, &err));
    wrong.dims.x--;
    assert_fails(pea_prediction_segment(prediction, NULL, NULL, NULL, &wrong, NULL, NULL, &err), PEA_E_SHAPE,
                 "the predicted image is 2 x 20 x 30");
    mask.dims.z--;
    assert_fails(pea_prediction_segment(prediction, NULL, &mask, NULL, &s.labels.array, NULL, NULL, &err), PEA_E_SHAPE,
                 "the mask is 1 x 20 x 30");
    assert_fails(pea_prediction_segment(NULL, NULL, NULL, NULL, &s.labels.array, NULL, NULL, &err), PEA_E_ARG,
                 "a prediction is missing");
    pea_prediction_free(prediction);
    tear_down(&s);
    s = a_volume();
    assert_ok(pea_predict(s.model, NULL, &s.image.array, NULL, &prediction, &err));
    assert_fails(pea_prediction_segment(prediction, NULL, NULL, NULL, &s.labels.array, NULL, &details, &err), PEA_E_ARG,
                 "keeps affinities and no embeddings");
    pea_prediction_free(prediction);
    tear_down(&s);
}

/* A prediction stands on its own feet. */
static void prediction_outlives_model_and_image(void **state)
{
    pea_error err;
    pea_prediction *prediction;
    uint32_t n;
    scene s = planes(2, 40, 50);
    (void)state;
    assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, NULL, &s.expected.array, NULL, NULL, &err));
    assert_ok(pea_predict(s.model, NULL, &s.image.array, NULL, &prediction, &err));
    pea_model_free(s.model);
    s.model = NULL;
    pea_volume_free(&s.image);
    assert_ok(pea_prediction_segment(prediction, NULL, NULL, NULL, &s.labels.array, &n, NULL, &err));
    assert_memory_equal(s.labels.array.data, s.expected.array.data, s.n_label_bytes);
    pea_prediction_free(prediction);
    tear_down(&s);
}

/* ---- several at once ---- */

typedef struct reader {
    pthread_t thread;
    const pea_prediction *prediction;
    pea_segment_options options;
    pea_volume labels;
    pea_status status;
} reader;

static void *read_prediction(void *argument)
{
    reader *r = argument;
    pea_context *context = test_context(2, 0);
    for (int i = 0; i < 3; i++)
        r->status = pea_prediction_segment(r->prediction, context, NULL, &r->options, &r->labels.array, NULL, NULL,
                                           NULL);
    pea_context_free(context);
    return NULL;
}

static void one_prediction_serves_several_threads(void **state)
{
    enum { N = 4 };
    (void)state;
    for (int run = 0; run < 2; run++) {
        pea_error err;
        pea_prediction *prediction;
        reader readers[N];
        scene s = run == 0 ? planes(2, 64, 64) : a_volume();
        assert_ok(pea_predict(s.model, NULL, &s.image.array, NULL, &prediction, &err));
        for (int i = 0; i < N; i++) {
            readers[i] = (reader){.prediction = prediction, .options = pea_model_options(s.model), .status = PEA_E_ARG};
            readers[i].options.stride[2] = 1 + i;
            assert_ok(pea_volume_alloc(PEA_UINT32, s.labels.array.dims, &readers[i].labels, &err));
        }
        for (int i = 0; i < N; i++)
            assert_int_equal(pthread_create(&readers[i].thread, NULL, read_prediction, &readers[i]), 0);
        for (int i = 0; i < N; i++) {
            pthread_join(readers[i].thread, NULL);
            assert_int_equal(readers[i].status, PEA_OK);
            assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &readers[i].options, &s.expected.array, NULL,
                                  NULL, &err));
            assert_memory_equal(readers[i].labels.array.data, s.expected.array.data, s.n_label_bytes);
            pea_volume_free(&readers[i].labels);
        }
        pea_prediction_free(prediction);
        tear_down(&s);
    }
}

/* ---- details ---- */

/* Every edge is shown, and the labels are as without. */
static void details_show_every_edge_and_change_nothing(void **state)
{
    (void)state;
    for (int run = 0; run < 6; run++) { /* not padded, padded, a volume; with the network and without it */
        pea_error err;
        scene s = run / 2 == 2 ? a_volume() : planes(2, 50, 41);
        pea_segment_options o = pea_model_options(s.model);
        pea_segment_details all = {.want_affinity = 1, .want_embedding = run != 5}, thin = {.want_affinity = 1};
        pea_prediction *prediction = NULL;
        uint32_t n, n_expected;
        small_tiles(&o);
        o.padding = PEA_PAD_ZERO_SQUARE;
        o.foreground = PEA_FOREGROUND_NONE;
        o.cluster_padded = run / 2 == 1;
        assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &o, &s.labels.array, NULL, &thin, &err));
        o.stride[1] = 5; /* affinities are those of strides 1 */
        o.stride[2] = 3;
        assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &o, &s.expected.array, &n_expected, NULL, &err));
        if (run % 2 == 0) {
            assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &o, &s.labels.array, &n, &all, &err));
        } else {
            assert_ok(pea_predict(s.model, NULL, &s.image.array, &o, &prediction, &err));
            assert_ok(pea_prediction_segment(prediction, NULL, NULL, &o, &s.labels.array, &n, &all, &err));
        }
        assert_int_equal(n, n_expected);
        assert_memory_equal(s.labels.array.data, s.expected.array.data, s.n_label_bytes);
        assert_memory_equal(all.affinity.array.data, thin.affinity.array.data, s.n_label_bytes * o.offsets.n);
        assert_memory_equal(&all.offsets, &o.offsets, sizeof o.offsets);
        assert_null(thin.embedding.array.data);
        assert_int_equal(all.embedding.array.data != NULL, run != 5);
        pea_prediction_free(prediction);
        pea_segment_details_free(&all);
        assert_true(all.want_affinity && !all.affinity.array.data && all.offsets.n == 0);
        pea_segment_details_free(&thin);
        pea_segment_details_free(NULL);
        tear_down(&s);
    }
}

static void embedding_of_a_plane_is_the_networks(void **state)
{
    enum { Y = 43, X = 21, S = 48 };
    static float input[S * S * 3], embedding[S * S * 2];
    (void)state;
    for (int padding = 0; padding < 3; padding++) {
        pea_error err;
        pea__frame frame;
        scene s = planes(1, Y, X);
        pea_segment_options o = pea_model_options(s.model);
        pea_segment_details details = {.want_embedding = 1};
        o.padding = (pea_padding)padding;
        o.cluster_padded = padding == 2;
        assert_ok(pea__frame_plan(o.padding, Y, X, 16, &frame, &err));
        const pea__source source = {s.image.array, o.normalise, {0, 1}, padding != PEA_PAD_ZERO_SQUARE, PEA_UINT8};
        const pea_array box = {input, PEA_FLOAT32, {1, frame.y, frame.x, 3}};
        pea_array outputs[8] = {{0}};
        assert_ok(pea__normalised_box(&source, 0, -frame.top, -frame.left, NULL, &box, &err));
        outputs[pea_network_find_head(pea_model_network(s.model), "embedding")] =
            (pea_array){embedding, PEA_FLOAT32, {1, frame.y, frame.x, 2}};
        assert_ok(pea_network_forward(pea_model_network(s.model), NULL, PEA_FP32, &box, outputs, &err));
        assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &o, &s.labels.array, NULL, &details, &err));
        assert_null(details.affinity.array.data);
        assert_int_equal(details.embedding.array.dims.c, 2);
        for (int64_t y = 0; y < Y; y++)
            assert_memory_equal((float *)details.embedding.array.data + y * X * 2,
                                embedding + ((y + frame.top) * frame.x + frame.left) * 2, X * 2 * sizeof(float));
        pea_segment_details_free(&details);
        tear_down(&s);
    }
}

static void embedding_of_a_volume_is_the_blend_of_its_tiles(void **state)
{
    enum { Z = 6, Y = 43, X = 37, N = Z * Y * X };
    static float sum[2 * N], norm[N];
    pea_error err;
    scene s = a_volume();
    pea_segment_options o = pea_model_options(s.model);
    pea_segment_details details = {.want_embedding = 1};
    pea__tiles tiles;
    (void)state;
    small_tiles(&o);
    assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &o, &s.labels.array, NULL, &details, &err));
    assert_ok(pea__tiles_plan(&o, (pea_dims){Z, Y, X, 1}, 16, &tiles, &err));
    const int64_t tz = tiles.z.size, ty = tiles.y.size, tx = tiles.x.size, n = tz * ty * tx;
    float *input = malloc((size_t)n * sizeof *input), *e = malloc((size_t)n * 2 * sizeof *e),
          *weights = malloc((size_t)n * sizeof *weights);
    pea__tile_weights(tz, ty, tx, weights);
    for (int64_t tile = 0; tile < tiles.z.n * tiles.y.n * tiles.x.n; tile++) {
        const int64_t z0 = pea__tile_start(tiles.z, tile / tiles.x.n / tiles.y.n),
                      y0 = pea__tile_start(tiles.y, tile / tiles.x.n % tiles.y.n),
                      x0 = pea__tile_start(tiles.x, tile % tiles.x.n);
        for (int64_t i = 0; i < n; i++) {
            const int64_t z = pea__mirror(z0 + i / tx / ty, Z), y = pea__mirror(y0 + i / tx % ty, Y),
                          x = pea__mirror(x0 + i % tx, X);
            input[i] = (float)((uint8_t *)s.image.array.data)[(z * Y + y) * X + x] / 255.0f;
        }
        pea_array outputs[8] = {{0}};
        outputs[pea_network_find_head(pea_model_network(s.model), "embedding")] =
            (pea_array){e, PEA_FLOAT32, {tz, ty, tx, 2}};
        assert_ok(pea_network_forward(pea_model_network(s.model), NULL, PEA_FP32,
                                      &(pea_array){input, PEA_FLOAT32, {tz, ty, tx, 1}}, outputs, &err));
        for (int64_t i = 0; i < n; i++) {
            const int64_t z = z0 + i / tx / ty, y = y0 + i / tx % ty, x = x0 + i % tx, p = (z * Y + y) * X + x;
            if (z < 0 || z >= Z || y < 0 || y >= Y || x < 0 || x >= X)
                continue;
            const double length = fmax(hypot((double)e[2 * i], (double)e[2 * i + 1]), 1e-12);
            norm[p] += weights[i];
            for (int c = 0; c < 2; c++)
                sum[2 * p + c] += (float)((double)weights[i] * (double)e[2 * i + c] / length);
        }
    }
    const float *found = details.embedding.array.data;
    for (int i = 0; i < 2 * N; i++)
        if (fabs((double)found[i] - (double)sum[i] / (double)norm[i / 2]) > 1e-5)
            fail_msg("component %d is %g, not %g", i, (double)found[i], (double)sum[i] / (double)norm[i / 2]);
    free(input);
    free(e);
    free(weights);
    pea_segment_details_free(&details);
    tear_down(&s);
}

static void embeddings_are_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    for (int run = 0; run < 2; run++) {
        pea_error err;
        scene s = run == 0 ? planes(2, 50, 41) : a_volume();
        pea_segment_options o = pea_model_options(s.model);
        pea_segment_details first = {.want_embedding = 1};
        small_tiles(&o);
        assert_ok(pea_segment(s.model, NULL, &s.image.array, NULL, &o, &s.labels.array, NULL, &first, &err));
        for (int n_threads = 2; n_threads <= 3; n_threads++) {
            pea_segment_details again = {.want_embedding = 1};
            pea_context *context = test_context(n_threads, 0);
            assert_ok(pea_segment(s.model, context, &s.image.array, NULL, &o, &s.labels.array, NULL, &again, &err));
            assert_memory_equal(again.embedding.array.data, first.embedding.array.data, 2 * s.n_label_bytes);
            pea_segment_details_free(&again);
            pea_context_free(context);
        }
        pea_segment_details_free(&first);
        tear_down(&s);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(predictions_of_presets_give_what_the_whole_way_gives),
    cmocka_unit_test(other_settings_need_no_other_prediction),
    cmocka_unit_test(volumes_can_be_clustered_anew),
    cmocka_unit_test(affinities_of_the_network_itself_are_kept_too),
    cmocka_unit_test(settings_that_the_network_saw_do_not_suit),
    cmocka_unit_test(predictions_check_what_they_are_given),
    cmocka_unit_test(prediction_outlives_model_and_image),
    cmocka_unit_test(one_prediction_serves_several_threads),
    cmocka_unit_test(details_show_every_edge_and_change_nothing),
    cmocka_unit_test(embedding_of_a_plane_is_the_networks),
    cmocka_unit_test(embedding_of_a_volume_is_the_blend_of_its_tiles),
    cmocka_unit_test(embeddings_are_the_same_for_any_number_of_threads),
};

PEA_TEST_MAIN(tests)
