/* test_progress.c - predicting, clustering anew, measuring, listing and drawing is heard of, and can be stopped.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "array/array.h"
#include "pea/measure.h"
#include "pipeline/toy_model.h"

#include <unistd.h>

enum { SIDE = 3000 };

typedef struct scene {
    pea_array labels, image, affinity, picture;
    pea_offsets offsets;
} scene;

static pea_array made(pea_dtype dtype, int64_t c)
{
    return (pea_array){calloc((size_t)SIDE * SIDE * (size_t)c, pea_dtype_size_bytes(dtype)), dtype, {1, SIDE, SIDE, c}};
}

/* Squares of 4 x 4 pixels. */
static int set_up(void **state)
{
    scene *s = calloc(1, sizeof *s);
    s->labels = made(PEA_UINT32, 1);
    s->image = made(PEA_UINT16, 1);
    s->affinity = made(PEA_FLOAT32, 2);
    s->picture = made(PEA_UINT8, 3);
    s->offsets = (pea_offsets){2, 2, {{0, -1, 0}, {0, 0, -1}}};
    for (int64_t p = 0; p < (int64_t)SIDE * SIDE; p++)
        ((uint32_t *)s->labels.data)[p] = (uint32_t)(p / SIDE / 4 * (SIDE / 4) + p % SIDE / 4 + 1);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;
    free(s->labels.data);
    free(s->image.data);
    free(s->affinity.data);
    free(s->picture.data);
    free(s);
    return 0;
}

static pea_status measure(void *argument, pea_context *context, pea_error *err)
{
    const scene *s = argument;
    pea_table table;
    const pea_status status = pea_measure(&s->labels, &s->image, &s->affinity, &s->offsets, context, &table, err);
    pea_table_free(&table);
    return status;
}

static pea_status draw(void *argument, pea_context *context, pea_error *err)
{
    const scene *s = argument;
    return pea_overlay(&s->image, &s->labels, context, &s->picture, err);
}

static char path[1024];

static pea_status list(void *argument, pea_context *context, pea_error *err)
{
    return pea_table_write(path, argument, 1, NULL, context, err);
}

static void measuring_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("measure", measure, *state);
}

static void drawing_can_be_stopped(void **state)
{
    assert_can_be_heard_and_stopped("draw", draw, *state);
}

static void a_table_that_was_stopped_is_not_there(void **state)
{
    const scene *s = *state;
    const char *folder = getenv("TMPDIR");
    pea_error err;
    pea_table table;
    snprintf(path, sizeof path, "%s/pea-table-%ld.csv", folder ? folder : "/tmp", (long)getpid());
    assert_ok(pea_measure(&s->labels, NULL, NULL, NULL, NULL, &table, &err));
    assert_can_be_heard_and_stopped("write", list, &table);
    assert_int_equal(unlink(path), 0); /* of the run that went to its end */
    listener l = {.stop_at = 1};
    assert_int_equal(listen_to(&l, list, &table, &err), PEA_E_CANCELLED);
    assert_int_equal(access(path, F_OK), -1);
    pea_table_free(&table);
}

/* ---- a prediction and its clustering ---- */

typedef struct preview {
    pea_model *model;
    pea_segment_options options;
    pea_volume image, labels;
    pea_prediction *prediction;
} preview;

static pea_status predict(void *argument, pea_context *context, pea_error *err)
{
    const preview *p = argument;
    pea_prediction *prediction;
    const pea_status status = pea_predict(p->model, context, &p->image.array, &p->options, &prediction, err);
    pea_prediction_free(prediction);
    return status;
}

static pea_status cluster(void *argument, pea_context *context, pea_error *err)
{
    const preview *p = argument;
    pea_segment_details details = {.want_affinity = 1, .want_embedding = p->options.offsets.n_axes == 2};
    const pea_status status =
        pea_prediction_segment(p->prediction, context, NULL, &p->options, &p->labels.array, NULL, &details, err);
    pea_segment_details_free(&details);
    return status;
}

static void a_prediction_and_its_clustering_can_be_stopped(void **state)
{
    (void)state;
    for (int run = 0; run < 4; run++) { /* planes, a volume; both also on another grid */
        const bool is_volume = run % 2;
        pea_error err;
        preview p = {.model = is_volume ? toy_volume_model() : toy_plane_model()};
        const pea_dims d = is_volume ? (pea_dims){6, 150, 150, 1} : (pea_dims){2, 400, 400, 1};
        p.options = pea_model_options(p.model);
        p.options.scale = run / 2 ? 0.9 : 1.0;
        p.options.min_size = 5;
        p.options.foreground = PEA_FOREGROUND_NONE;
        assert_ok(pea_volume_alloc(PEA_UINT8, d, &p.image, &err));
        assert_ok(pea_volume_alloc(PEA_UINT32, d, &p.labels, &err));
        for (int64_t i = 0; i < d.z * d.y * d.x; i++) {
            const double block = test_u(1, (uint32_t)(i / d.x / 9 * 1000 + i % d.x / 9));
            ((uint8_t *)p.image.array.data)[i] = (uint8_t)(255.0 * block);
        }
        assert_can_be_heard_and_stopped(is_volume ? "affinity" : "network", predict, &p);
        assert_ok(pea_predict(p.model, NULL, &p.image.array, &p.options, &p.prediction, &err));
        assert_can_be_heard_and_stopped("clean up", cluster, &p);
        pea_prediction_free(p.prediction);
        pea_volume_free(&p.image);
        pea_volume_free(&p.labels);
        pea_model_free(p.model);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_prediction_and_its_clustering_can_be_stopped),
    cmocka_unit_test_setup_teardown(measuring_can_be_stopped, set_up, tear_down),
    cmocka_unit_test_setup_teardown(drawing_can_be_stopped, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_table_that_was_stopped_is_not_there, set_up, tear_down),
};

PEA_TEST_MAIN(tests)
