/* test_progress.c - measuring, listing and drawing many instances is heard of, and can be stopped.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "array/array.h"
#include "pea/measure.h"

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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(measuring_can_be_stopped, set_up, tear_down),
    cmocka_unit_test_setup_teardown(drawing_can_be_stopped, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_table_that_was_stopped_is_not_there, set_up, tear_down),
};

PEA_TEST_MAIN(tests)
