/* test_measure.c - rows of instances from labels, image and affinities; the table they become.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <locale.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "pea/measure.h"

static pea_array labels_of(uint32_t *data, int64_t z, int64_t y, int64_t x)
{
    return (pea_array){data, PEA_UINT32, {z, y, x, 1}};
}

static pea_offsets unit_offsets(int n_axes)
{
    if (n_axes == 3)
        return (pea_offsets){3, 3, {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}}};
    return (pea_offsets){2, 2, {{0, -1, 0}, {0, 0, -1}}};
}

static void rows_hold_size_place_box_and_brightness(void **state)
{
    (void)state;
    uint32_t labels[12] = {7, 7, 0, 2, /**/ 7, 0, 0, 2, /**/ 0, 0, 2, 2};
    uint16_t image[24]; /* two channels; the first one counts */
    for (int i = 0; i < 12; i++) {
        image[2 * i] = (uint16_t)(10 * i);
        image[2 * i + 1] = 60000;
    }
    const pea_array l = labels_of(labels, 1, 3, 4), im = {image, PEA_UINT16, {1, 3, 4, 2}};
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, &im, NULL, NULL, NULL, &table, &err));
    assert_int_equal(table.n, 2);
    assert_int_equal(table.n_axes, 2);
    const pea_instance a = table.rows[0], b = table.rows[1];
    assert_true(a.label == 2 && a.n_voxels == 4 && b.label == 7 && b.n_voxels == 3);
    assert_true(a.centroid[0] == 0.0 && a.centroid[1] == 5.0 / 4 && a.centroid[2] == 11.0 / 4);
    assert_true(b.centroid[1] == 1.0 / 3 && b.centroid[2] == 1.0 / 3);
    assert_true(a.first[0] == 0 && a.first[1] == 0 && a.first[2] == 2);
    assert_true(a.last[0] == 0 && a.last[1] == 2 && a.last[2] == 3);
    assert_true(a.mean_intensity == (30 + 70 + 100 + 110) / 4.0 && b.mean_intensity == 50.0 / 3);
    assert_true(isnan(a.confidence) && isnan(b.confidence));
    pea_table_free(&table);
    pea_table_free(&table);
    pea_table_free(NULL);
}

static void volumes_and_largest_ids_are_measured(void **state)
{
    (void)state;
    uint32_t labels[8] = {UINT32_MAX, 0, 0, 1, /**/ UINT32_MAX, 0, 1, 1};
    const pea_array l = labels_of(labels, 2, 2, 2);
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, NULL, NULL, NULL, NULL, &table, &err));
    assert_int_equal(table.n, 2);
    assert_int_equal(table.n_axes, 3);
    assert_true(table.rows[0].label == 1 && table.rows[1].label == UINT32_MAX);
    assert_true(table.rows[1].centroid[0] == 0.5 && table.rows[1].last[0] == 1);
    assert_true(isnan(table.rows[0].mean_intensity));
    pea_table_free(&table);
}

/* Labels that differ in their high bits alone must not all meet in one place of a table. */
static void labels_that_are_multiples_are_found_quickly(void **state)
{
    (void)state;
    enum { N = 40000 };
    uint32_t *labels = malloc(N * sizeof *labels);
    for (uint32_t i = 0; i < N; i++)
        labels[i] = (i + 1) << 16;
    const pea_array l = labels_of(labels, 1, 100, N / 100);
    pea_table table;
    pea_error err;
    const clock_t begin = clock();
    assert_ok(pea_measure(&l, NULL, NULL, NULL, NULL, &table, &err));
    assert_true(clock() - begin < CLOCKS_PER_SEC / 2);
    assert_int_equal(table.n, N);
    pea_table_free(&table);
    free(labels);
}

static void thousands_of_rows_come_in_ascending_order(void **state)
{
    (void)state;
    enum { N = 30000 };
    uint32_t *labels = malloc(N * sizeof *labels);
    for (uint32_t i = 0; i < N; i++)
        labels[i] = i % 3 == 0 ? 0 : i * 2654435761u;
    const pea_array l = labels_of(labels, 1, 100, N / 100);
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, NULL, NULL, NULL, NULL, &table, &err));
    assert_int_equal(table.n, N - N / 3);
    for (size_t i = 0; i < table.n; i++) {
        const pea_instance row = table.rows[i];
        const int64_t p = row.first[1] * (N / 100) + row.first[2];
        assert_true(i == 0 || row.label > table.rows[i - 1].label);
        assert_true(row.n_voxels == 1 && labels[p] == row.label && row.centroid[2] == (double)row.first[2]);
    }
    pea_table_free(&table);
    free(labels);
}

static void image_without_instances_gives_an_empty_table(void **state)
{
    (void)state;
    uint32_t labels[4] = {0};
    float affinity[8] = {0};
    const pea_offsets offsets = unit_offsets(2);
    const pea_array l = labels_of(labels, 1, 2, 2), a = {affinity, PEA_FLOAT32, {1, 2, 2, 2}};
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err));
    assert_int_equal(table.n, 0);
    pea_table_free(&table);
}

static void confidence_is_mean_inside_minus_mean_across(void **state)
{
    (void)state;
    uint32_t labels[6] = {1, 1, 2, /**/ 1, 0, 2};
    /* channels: to the pixel above, to the pixel left; stored at the later pixel; others must not be read */
    float affinity[12] = {9, 9, 9, 0.9f, 9, 0.2f, /**/ 0.7f, 9, 0.3f, 0.1f, 0.6f, 0.4f};
    const pea_offsets offsets = unit_offsets(2);
    const pea_array l = labels_of(labels, 1, 2, 3), a = {affinity, PEA_FLOAT32, {1, 2, 3, 2}};
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err));
    const double one = (0.9 + 0.7) / 2 - (0.2 + 0.3 + 0.1) / 3, two = 0.6 - (0.2 + 0.4) / 2;
    assert_true(fabs(table.rows[0].confidence - one) < 1e-7);
    assert_true(fabs(table.rows[1].confidence - two) < 1e-7);
    pea_table_free(&table);
}

static void confidence_without_border_or_inside_counts_that_part_as_zero(void **state)
{
    (void)state;
    uint32_t whole[2] = {5, 5}, pair[2] = {1, 2};
    float affinity[4] = {9, 9, 9, 0.75f};
    const pea_offsets offsets = unit_offsets(2);
    const pea_array w = labels_of(whole, 1, 1, 2), p = labels_of(pair, 1, 1, 2);
    const pea_array a = {affinity, PEA_FLOAT32, {1, 1, 2, 2}};
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&w, NULL, &a, &offsets, NULL, &table, &err));
    assert_true(table.rows[0].confidence == 0.75);
    pea_table_free(&table);
    assert_ok(pea_measure(&p, NULL, &a, &offsets, NULL, &table, &err));
    assert_true(table.rows[0].confidence == -0.75 && table.rows[1].confidence == -0.75);
    pea_table_free(&table);
}

static void confidence_equals_a_plain_loop_in_3d_and_ignores_repulsive_offsets(void **state)
{
    (void)state;
    enum { Z = 3, Y = 4, X = 5, N = Z * Y * X, K = 4 };
    pea_offsets offsets = unit_offsets(3);
    offsets.n = K;
    offsets.step[3] = (pea_offset){0, 2, -3};
    offsets.step[1] = (pea_offset){0, 1, 0}; /* forward steps are allowed too */
    uint64_t seed = 7;
    uint32_t labels[N];
    float affinity[N * K];
    for (int i = 0; i < N; i++)
        labels[i] = test_random(&seed) % 3;
    for (int i = 0; i < N * K; i++)
        affinity[i] = (float)(test_random(&seed) % 1000) / 1000.0f;
    double sum[3][2] = {{0}}, n[3][2] = {{0}};
    for (int p = 0; p < N; p++)
        for (int k = 0; k < 3; k++) {
            const int z = p / (Y * X) + offsets.step[k].z, y = p / X % Y + offsets.step[k].y;
            const int x = p % X + offsets.step[k].x;
            if (z < 0 || z >= Z || y < 0 || y >= Y || x < 0 || x >= X)
                continue;
            const uint32_t u = labels[p], v = labels[(z * Y + y) * X + x];
            sum[u][u != v] += (double)affinity[p * K + k];
            n[u][u != v]++;
            if (u != v) {
                sum[v][1] += (double)affinity[p * K + k];
                n[v][1]++;
            }
        }
    const pea_array l = labels_of(labels, Z, Y, X), a = {affinity, PEA_FLOAT32, {Z, Y, X, K}};
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err));
    assert_int_equal(table.n, 2);
    for (int i = 0; i < 2; i++)
        assert_true(fabs(table.rows[i].confidence - (sum[i + 1][0] / n[i + 1][0] - sum[i + 1][1] / n[i + 1][1])) <
                    1e-12);
    pea_table_free(&table);
}

static void offsets_longer_than_the_image_have_no_edges(void **state)
{
    (void)state;
    uint32_t labels[3] = {1, 1, 1};
    float affinity[6] = {9, 9, 9, 9, 9, 9};
    const pea_offsets offsets = {2, 2, {{0, 0, -32767}, {0, 32767, 0}}};
    const pea_array l = labels_of(labels, 1, 1, 3), a = {affinity, PEA_FLOAT32, {1, 1, 3, 2}};
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err));
    assert_true(table.rows[0].confidence == 0.0);
    pea_table_free(&table);
}

/* Of a scaled run: every affinity meets the label that its voxel's centre lies in. */
static void affinities_of_another_grid_meet_the_nearest_labels(void **state)
{
    enum { Z = 2, Y = 13, X = 17 };
    (void)state;
    const int64_t grids[3][2] = {{6, 9}, {26, 34}, {11, 20}};
    uint32_t labels[Z * Y * X], there[Z * 26 * 34];
    static float affinity[Z * 26 * 34 * 3];
    const pea_offsets offsets = unit_offsets(3);
    for (int i = 0; i < Z * Y * X; i++)
        labels[i] = (uint32_t)(i / X % Y / 4 * 5 + i % X / 3) % 7;
    for (int i = 0; i < Z * 26 * 34 * 3; i++)
        affinity[i] = (float)test_u(5, (uint32_t)i);
    for (int g = 0; g < 3; g++) {
        const int64_t y = grids[g][0], x = grids[g][1];
        for (int64_t p = 0; p < Z * y * x; p++) {
            const double v = ((double)(p / x % y) + 0.5) * Y / (double)y, u = ((double)(p % x) + 0.5) * X / (double)x;
            there[p] = labels[(p / x / y * Y + (int64_t)v) * X + (int64_t)u];
        }
        const pea_array l = labels_of(labels, Z, Y, X), lt = labels_of(there, Z, y, x),
                        a = {affinity, PEA_FLOAT32, {Z, y, x, 3}};
        pea_table table, expected;
        pea_error err;
        assert_ok(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err));
        assert_ok(pea_measure(&lt, NULL, &a, &offsets, NULL, &expected, &err));
        assert_int_equal(table.n, 6);
        assert_int_equal(expected.n, 6);
        for (size_t i = 0; i < table.n; i++) {
            assert_true(table.rows[i].confidence == expected.rows[i].confidence);
            assert_true(table.rows[i].last[1] < Y); /* all else is of the labels' own grid */
        }
        pea_table_free(&table);
        pea_table_free(&expected);
    }
}

/* An instance that the coarser grid does not have is as one without edges. */
static void instances_lost_on_a_coarse_grid_have_no_confidence(void **state)
{
    (void)state;
    uint32_t labels[16] = {1, 0, 0, 0, /**/ 0, 2, 2, 2, /**/ 2, 2, 2, 2, /**/ 2, 2, 2, 2};
    float affinity[8] = {9, 9, 9, 0.5f, 0.25f, 9, 1.0f, 0.75f};
    const pea_offsets offsets = unit_offsets(2);
    const pea_array l = labels_of(labels, 1, 4, 4), a = {affinity, PEA_FLOAT32, {1, 2, 2, 2}};
    pea_table table;
    pea_error err;
    assert_ok(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err));
    assert_int_equal(table.n, 2);
    assert_true(table.rows[0].confidence == 0.0);
    assert_true(fabs(table.rows[1].confidence - (0.5 + 0.25 + 1.0 + 0.75) / 4) < 1e-7);
    pea_table_free(&table);
}

static void inputs_that_do_not_fit_are_refused_in_words(void **state)
{
    (void)state;
    uint32_t labels[8] = {1};
    float values[16] = {0};
    const pea_offsets offsets = unit_offsets(2);
    const pea_array l = labels_of(labels, 1, 2, 4);
    pea_array a = {values, PEA_FLOAT32, {1, 2, 4, 2}}, im = {values, PEA_FLOAT32, {1, 4, 2, 1}};
    pea_table table;
    pea_error err;
    assert_fails(pea_measure(&im, NULL, NULL, NULL, NULL, &table, &err), PEA_E_DTYPE, "labels must be uint32");
    assert_fails(pea_measure(&l, &im, NULL, NULL, NULL, &table, &err), PEA_E_SHAPE, "image is 1 x 4 x 2");
    assert_fails(pea_measure(&l, NULL, &a, NULL, NULL, &table, &err), PEA_E_ARG, "offsets");
    a.dims = (pea_dims){2, 2, 2, 2};
    assert_fails(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err), PEA_E_SHAPE, "affinity has 2 planes");
    a.dims = (pea_dims){1, 2, 4, 1};
    assert_fails(pea_measure(&l, NULL, &a, &offsets, NULL, &table, &err), PEA_E_SHAPE, "must have 2 channels");
    const pea_array two = {labels, PEA_UINT32, {1, 1, 4, 2}};
    assert_fails(pea_measure(&two, NULL, NULL, NULL, NULL, &table, &err), PEA_E_SHAPE, "1 channel");
    assert_true(table.n == 0 && table.rows == NULL);
}

/* ---- the table as a file ---- */

static char path[256];

static int make_folder(void **state)
{
    static char folder[] = "/tmp/pea-measure-XXXXXX";
    *state = mkdtemp(folder);
    snprintf(path, sizeof path, "%s/table.csv", folder);
    return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
    unlink(path);
    return rmdir(*state);
}

static char *written(void)
{
    size_t n_bytes;
    return test_read_file(path, &n_bytes);
}

static pea_instance instance(uint32_t label)
{
    return (pea_instance){.label = label, .n_voxels = 10, .centroid = {2.0, 4.5, 3.25}, .first = {1, 4, 2},
                          .last = {3, 5, 6}, .mean_intensity = 12.5, .confidence = NAN};
}

static void table_is_csv_in_calibrated_units(void **state)
{
    (void)state;
    pea_instance rows[2] = {instance(1), instance(UINT32_MAX)};
    rows[1].mean_intensity = INFINITY;
    rows[1].confidence = -0.125;
    const pea_table table = {2, rows, 2};
    const pea_calibration calibration = {.z = 3.0, .y = 0.5, .x = 0.25, .unit = "um"};
    pea_error err;
    assert_ok(pea_table_write(path, &table, 1, &calibration, NULL, &err));
    char *text = written();
    assert_string_equal(text,
                        "label,area_um2,n_voxels,centroid_x_um,centroid_y_um,centroid_z_um,box_x_um,box_y_um,box_z_um,"
                        "box_width_um,box_height_um,box_depth_um,mean_intensity,confidence\r\n"
                        "1,1.25,10,0.8125,2.25,6,0.5,2,3,1.25,1,9,12.5,\r\n"
                        "4294967295,1.25,10,0.8125,2.25,6,0.5,2,3,1.25,1,9,,-0.125\r\n");
    free(text);
}

static void frames_have_a_column_and_volumes_their_name(void **state)
{
    (void)state;
    pea_instance rows[1] = {instance(3)};
    const pea_table tables[3] = {{1, rows, 3}, {0, NULL, 3}, {1, rows, 3}};
    pea_error err;
    assert_ok(pea_table_write(path, tables, 3, NULL, NULL, &err));
    char *text = written();
    assert_non_null(strstr(text, "label,frame,volume_pixel3,n_voxels,"));
    assert_non_null(strstr(text, "\r\n3,1,10,10,3.25,4.5,2,"));
    assert_non_null(strstr(text, "\r\n3,3,10,10,3.25,4.5,2,"));
    assert_null(strstr(text, "\r\n3,2,"));
    free(text);
}

static void strange_units_stay_in_their_field(void **state)
{
    (void)state;
    const pea_table table = {0, NULL, 2};
    pea_calibration calibration = {.z = 1.0, .y = 1.0, .x = 1.0, .unit = "a,\"b"};
    pea_error err;
    assert_ok(pea_table_write(path, &table, 1, &calibration, NULL, &err));
    char *text = written();
    assert_non_null(strstr(text, "label,\"area_a,\"\"b2\",n_voxels,\"centroid_x_a,\"\"b\",\""));
    free(text);
    calibration.unit[0] = '\0';
    assert_ok(pea_table_write(path, &table, 1, &calibration, NULL, &err));
    text = written();
    assert_non_null(strstr(text, "label,area_pixel2,"));
    free(text);
}

static void decimal_point_does_not_depend_on_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ru_RU.UTF-8"};
    size_t i = 0;
    while (i < 4 && !setlocale(LC_NUMERIC, names[i]))
        i++;
    if (i == 4)
        skip(); /* no such locale on this machine */
    pea_instance rows[1] = {instance(1)};
    const pea_table table = {1, rows, 2};
    pea_error err;
    assert_ok(pea_table_write(path, &table, 1, NULL, NULL, &err));
    setlocale(LC_NUMERIC, "C");
    char *text = written();
    assert_non_null(strstr(text, "\r\n1,10,10,3.25,4.5,2,"));
    free(text);
}

static void table_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    const pea_table table = {0, NULL, 2};
    pea_error err;
    assert_fails(pea_table_write("/nowhere/at/all.csv", &table, 1, NULL, NULL, &err), PEA_E_IO, "/nowhere/at/all.csv");
    assert_fails(pea_table_write(path, NULL, 0, NULL, NULL, &err), PEA_E_ARG, "no table");
    assert_fails(pea_table_write(NULL, &table, 1, NULL, NULL, &err), PEA_E_ARG, "no path");
    pea_calibration endless = pea_calibration_default();
    memset(endless.unit, 'u', sizeof endless.unit);
    assert_fails(pea_table_write(path, &table, 1, &endless, NULL, &err), PEA_E_ARG, "unit has no end");
}

static pea_status measure_and_write(void *side, pea_error *err)
{
    enum { N = 900 };
    static uint32_t labels[N];
    static float affinity[2 * N];
    const int64_t n = *(const int *)side;
    for (uint32_t i = 0; i < N; i++)
        labels[i] = i; /* more than the first table of rows holds */
    const pea_offsets offsets = unit_offsets(2);
    const pea_array l = labels_of(labels, 1, 30, 30), a = {affinity, PEA_FLOAT32, {1, n, n, 2}};
    pea_table table;
    unlink(path);
    pea_status status = pea_measure(&l, &l, &a, &offsets, NULL, &table, err);
    if (status == PEA_OK)
        status = pea_table_write(path, &table, 1, NULL, NULL, err);
    pea_table_free(&table);
    assert_int_equal(access(path, F_OK) == 0, status == PEA_OK);
    return status;
}

static void every_refused_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    int same = 30, coarser = 15;
    assert_true(test_each_allocation_failing(measure_and_write, &same, 100) > 16);
    assert_true(test_each_allocation_failing(measure_and_write, &coarser, 100) > 18);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_hold_size_place_box_and_brightness),
    cmocka_unit_test(volumes_and_largest_ids_are_measured),
    cmocka_unit_test(labels_that_are_multiples_are_found_quickly),
    cmocka_unit_test(thousands_of_rows_come_in_ascending_order),
    cmocka_unit_test(image_without_instances_gives_an_empty_table),
    cmocka_unit_test(confidence_is_mean_inside_minus_mean_across),
    cmocka_unit_test(confidence_without_border_or_inside_counts_that_part_as_zero),
    cmocka_unit_test(confidence_equals_a_plain_loop_in_3d_and_ignores_repulsive_offsets),
    cmocka_unit_test(offsets_longer_than_the_image_have_no_edges),
    cmocka_unit_test(affinities_of_another_grid_meet_the_nearest_labels),
    cmocka_unit_test(instances_lost_on_a_coarse_grid_have_no_confidence),
    cmocka_unit_test(inputs_that_do_not_fit_are_refused_in_words),
    cmocka_unit_test(table_is_csv_in_calibrated_units),
    cmocka_unit_test(frames_have_a_column_and_volumes_their_name),
    cmocka_unit_test(strange_units_stay_in_their_field),
    cmocka_unit_test(decimal_point_does_not_depend_on_the_locale),
    cmocka_unit_test(table_that_cannot_be_written_is_an_error),
    cmocka_unit_test(every_refused_allocation_leaves_nothing_behind),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
