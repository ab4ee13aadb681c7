/* test_table_text.c - the table as text is the file, byte by byte, and never writes beyond its room.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <unistd.h>

#include "pea/measure.h"
#include "test.h"

static pea_instance rows[] = {
    {.label = 1, .n_voxels = 10, .centroid = {2.0, 4.5, 3.25}, .first = {1, 4, 2}, .last = {3, 5, 6},
     .mean_intensity = 12.5, .confidence = NAN},
    {.label = UINT32_MAX, .n_voxels = INT64_MAX, .centroid = {1e300, -1e-300, 1.0 / 3}, .mean_intensity = INFINITY,
     .confidence = -0.125},
};
static const pea_table tables[] = {{2, rows, 2}, {0, NULL, 3}, {1, rows, 3}};
static const pea_calibration quotes = {.z = 1e300, .y = 0.1, .x = 1e-300, .unit = "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""};

static char *file_of(size_t n_tables, const pea_calibration *calibration, size_t *n_bytes)
{
    char path[] = "/tmp/pea-table-XXXXXX";
    pea_error err;
    close(mkstemp(path));
    assert_ok(pea_table_write(path, tables, n_tables, calibration, NULL, &err));
    char *content = test_read_file(path, n_bytes);
    unlink(path);
    return content;
}

static void text_is_what_the_file_holds(void **state)
{
    (void)state;
    for (size_t n_tables = 1; n_tables <= 3; n_tables++)
        for (int with_quotes = 0; with_quotes < 2; with_quotes++) {
            const pea_calibration *calibration = with_quotes ? &quotes : NULL;
            size_t n_bytes, n_text;
            pea_error err;
            char *content = file_of(n_tables, calibration, &n_bytes), *text = malloc(n_bytes + 1);
            assert_ok(pea_table_text(tables, n_tables, calibration, NULL, 0, &n_text, &err));
            assert_int_equal(n_text, n_bytes);
            assert_ok(pea_table_text(tables, n_tables, calibration, text, n_bytes + 1, &n_text, &err));
            assert_int_equal(n_text, n_bytes);
            assert_memory_equal(text, content, n_bytes + 1);
            free(text);
            free(content);
        }
}

static void what_does_not_fit_is_cut_and_its_length_told(void **state)
{
    size_t n_bytes, n_text;
    char *content = file_of(3, &quotes, &n_bytes);
    pea_error err;
    (void)state;
    for (size_t room = 1; room <= n_bytes; room++) {
        char *text = malloc(room); /* of exactly this size, for the sanitizer */
        assert_ok(pea_table_text(tables, 3, &quotes, text, room, &n_text, &err));
        assert_int_equal(n_text, n_bytes);
        assert_memory_equal(text, content, room - 1);
        assert_int_equal(text[room - 1], '\0');
        free(text);
    }
    free(content);
}

static void the_longest_line_is_whole(void **state)
{
    pea_calibration longest = {.z = 1, .y = 1, .x = 1};
    size_t n_bytes;
    (void)state;
    memset(longest.unit, '"', sizeof longest.unit - 1);
    char *content = file_of(3, &longest, &n_bytes);
    const char *end = strstr(content, ",mean_intensity,confidence\r\n");
    assert_non_null(end);
    free(content);
}

static void wrong_arguments_are_refused(void **state)
{
    size_t n_text;
    pea_error err;
    pea_calibration endless = pea_calibration_default();
    (void)state;
    memset(endless.unit, 'u', sizeof endless.unit);
    assert_fails(pea_table_text(NULL, 0, NULL, NULL, 0, &n_text, &err), PEA_E_ARG, "no table");
    assert_fails(pea_table_text(tables, 1, &endless, NULL, 0, &n_text, &err), PEA_E_ARG, "unit has no end");
    assert_fails(pea_table_text(tables, 1, NULL, NULL, 5, &n_text, &err), PEA_E_ARG, "place");
    assert_fails(pea_table_text(tables, 1, NULL, NULL, 0, NULL, &err), PEA_E_ARG, "place");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_is_what_the_file_holds),
    cmocka_unit_test(what_does_not_fit_is_cut_and_its_length_told),
    cmocka_unit_test(the_longest_line_is_whole),
    cmocka_unit_test(wrong_arguments_are_refused),
};

PEA_TEST_MAIN(tests)
