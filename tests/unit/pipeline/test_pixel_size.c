/* test_pixel_size.c - the factor between an image's pixels and a model's, and when there is none.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <unistd.h>

#include "pea/segment.h"
#include "pipeline/pipeline.h"
#include "test.h"

#define CHECKPOINT PEA_TESTDATA "/golden/resunet2d-small-legacy/model.ckpt"

static pea_model *model_with(const char *metadata)
{
    char path[] = "/tmp/pea-scale-XXXXXX";
    pea_model *model;
    pea_error err;
    close(mkstemp(path));
    assert_ok(pea_model_import(CHECKPOINT, NULL, metadata, path, NULL, &err));
    assert_ok(pea_model_open(path, &model, &err));
    unlink(path);
    return model;
}

static pea_calibration pixels_of(double y, double x, const char *unit)
{
    pea_calibration c = {.z = 1, .y = y, .x = x};
    snprintf(c.unit, sizeof c.unit, "%s", unit);
    return c;
}

static void pixels_get_the_models_size_whatever_the_unit(void **state)
{
    static const struct {
        double y, x;
        const char *unit;
        double scale;
    } cases[] = {
        {0.5, 0.5, "um", 1},          {0.25, 0.25, "um", 0.5},       {1, 1, "\u00b5m", 2},
        {1, 1, "\u03bcm", 2},         {250, 250, "nm", 0.5},         {0.001, 0.001, "mm", 2},
        {0.5, 0.5, "microns", 1},     {0.00005, 0.00005, "cm", 1},   {5000, 5000, "\u00c5", 1},
        {250, 250, "nanometers", 0.5}, {0.001, 0.001, "millimetres", 2}, {0.5, 0.5, "micrometers", 1},
        {5e-7, 5e-7, "m", 1},         {0.5e-4 / 2.54, 0.5e-4 / 2.54, "inch", 1}, {0.5, 0.525, "um", sqrt(1.05)},
    };
    pea_model *model = model_with("{\"pixel_size\":{\"y\":0.5,\"x\":0.5,\"unit\":\"um\"}}");
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const pea_calibration c = pixels_of(cases[i].y, cases[i].x, cases[i].unit);
        double scale = 0;
        assert_ok(pea_model_scale(model, &c, &scale, &err));
        if (!(fabs(scale - cases[i].scale) < 1e-12))
            fail_msg("%g %s: %.17g, expected %.17g", c.x, c.unit, scale, cases[i].scale);
    }
    pea_model_free(model);
}

static void what_cannot_be_known_is_said_in_words(void **state)
{
    static const struct {
        double y, x;
        const char *unit, *part;
    } cases[] = {
        {1, 1, "pixel", "image has no pixel size"},
        {1, 1, "", "image has no pixel size"},
        {0.5, 0.5, "pixels", "image has no pixel size"},
        {0, 0.5, "um", "image has no pixel size"},
        {NAN, 0.5, "um", "image has no pixel size"},
        {1, 1, "parsec", "parsec"},
        {1, 1, "ms", "ms"},
        {0.5, 1, "um", "columns"},
        {1, 1, "mm", "beyond 0.05 to 20"},
        {0.02, 0.02, "um", "beyond 0.05 to 20"},
    };
    pea_model *model = model_with("{\"pixel_size\":{\"z\":2,\"y\":0.5,\"x\":0.5,\"unit\":\"um\"}}");
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const pea_calibration c = pixels_of(cases[i].y, cases[i].x, cases[i].unit);
        double scale = 0;
        assert_fails(pea_model_scale(model, &c, &scale, &err), PEA_E_ARG, cases[i].part);
        assert_true(scale == 1.0);
    }
    pea_model_free(model);
}

static void a_model_without_pixel_size_has_no_factor(void **state)
{
    pea_model *model = model_with(NULL);
    const pea_calibration c = pixels_of(0.5, 0.5, "um");
    pea_error err;
    double scale = 0;
    (void)state;
    assert_fails(pea_model_scale(model, &c, &scale, &err), PEA_E_ARG, "does not say the pixel size");
    assert_true(scale == 1.0);
    pea_model_free(model);
}

static void equal_units_compare_even_if_we_do_not_know_them(void **state)
{
    pea_model *model = model_with("{\"pixel_size\":{\"y\":3,\"x\":3,\"unit\":\"furlong\"}}");
    const pea_calibration same = pixels_of(6, 6, "furlong"), other = pixels_of(6, 6, "um");
    pea_error err;
    double scale;
    (void)state;
    assert_ok(pea_model_scale(model, &same, &scale, &err));
    assert_true(scale == 2.0);
    assert_fails(pea_model_scale(model, &other, &scale, &err), PEA_E_ARG, "do not compare");
    pea_model_free(model);
}

static void the_records_pixel_size_is_read(void **state)
{
    pea_calibration c;
    pea_error err;
    (void)state;
    assert_ok(pea__record_pixel_size("{\"pixel_size\":{\"z\":2,\"y\":0.5,\"x\":0.25,\"unit\":\"nm\"}}", &c, &err));
    assert_true(c.z == 2 && c.y == 0.5 && c.x == 0.25 && strcmp(c.unit, "nm") == 0 && c.frame_s == 0);
    assert_ok(pea__record_pixel_size("{\"pixel_size\":null}", &c, &err));
    assert_string_equal(c.unit, "pixel");
    assert_ok(pea__record_pixel_size("{}", &c, &err));
    assert_string_equal(c.unit, "pixel");
    assert_fails(pea__record_pixel_size("{\"pixel_size\":{\"y\":1e999,\"x\":1,\"unit\":\"nm\"}}", &c, &err),
                 PEA_E_FORMAT, "pixel_size");
    assert_fails(pea__record_pixel_size("{\"pixel_size\":{\"y\":1,\"x\":1,\"unit\":\"a unit of more than thirty-one b\"}}",
                                        &c, &err), PEA_E_FORMAT, "pixel_size");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(pixels_get_the_models_size_whatever_the_unit),
    cmocka_unit_test(what_cannot_be_known_is_said_in_words),
    cmocka_unit_test(a_model_without_pixel_size_has_no_factor),
    cmocka_unit_test(equal_units_compare_even_if_we_do_not_know_them),
    cmocka_unit_test(the_records_pixel_size_is_read),
};

PEA_TEST_MAIN(tests)
