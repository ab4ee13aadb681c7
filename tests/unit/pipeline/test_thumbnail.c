/* test_thumbnail.c - the picture in a record: which texts can be one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"
#include "test.h"

static const pea_network_info network = {.kind = "resunet2d",
                                         .n_axes = 2,
                                         .in_channels = 3,
                                         .filters = {2, 2, 2, 2, 2},
                                         .embedding_dim = 2,
                                         .n_parameters = 77,
                                         .grid = 16};

#define PNG "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptV"

/* What the record makes of {"thumbnail": value}. */
static pea_status with(const char *value, pea_error *err)
{
    static char extra[80000];
    pea_segment_options options;
    char *json = NULL;
    snprintf(extra, sizeof extra, "{\"thumbnail\":%s}", value);
    if (pea_preset("nuclei", &options, err) != PEA_OK)
        return err->status;
    const pea_status status = pea__record_write(network, &options, extra, &json, err);
    pea__free(json);
    return status;
}

static void a_png_in_base64_is_kept(void **state)
{
    pea_error err;
    (void)state;
    assert_ok(with("\"" PNG "\"", &err));
    assert_ok(with("\"" PNG "AA+/\"", &err));
    assert_ok(with("\"" PNG "AAA=\"", &err));
    assert_ok(with("\"" PNG "AA==\"", &err));
    assert_ok(with("null", &err));
}

static void anything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "7", "\"\"", "\"iVBO\"", "\"" PNG "A\"", "\"" PNG "A===\"", "\"" PNG "AA=A\"", "\"" PNG "AA-_\"",
        "\"" PNG "\\nAAA\"", "\"" PNG " AAA\"", "\"/9j/4AAQSkZJRgABAQAAAQABAAD/\"", "[\"" PNG "\"]",
    };
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(with(bad[i], &err), PEA_E_ARG, "'thumbnail'");
}

static void sixty_four_kilobytes_are_the_most(void **state)
{
    static char value[70000];
    pea_error err;
    (void)state;
    for (int more = 0; more <= 4; more += 4) {
        const size_t n = 65536 + (size_t)more;
        memset(value, 'A', sizeof value);
        memcpy(value, "\"" PNG, sizeof PNG);
        value[1 + n] = '"';
        value[2 + n] = '\0';
        if (more)
            assert_fails(with(value, &err), PEA_E_ARG, "at most 65536");
        else
            assert_ok(with(value, &err));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_png_in_base64_is_kept),
    cmocka_unit_test(anything_else_is_refused),
    cmocka_unit_test(sixty_four_kilobytes_are_the_most),
};

PEA_TEST_MAIN(tests)
