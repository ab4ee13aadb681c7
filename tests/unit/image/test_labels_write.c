/* test_labels_write.c - label images come back as they were, in the type and layout that ImageJ reads.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"
#include "own_path.h"
#include "test.h"

#include <unistd.h>

/* Write, read as labels, compare; returns what the file says of itself. */
static pea_image_info round_trip(const uint32_t *values, pea_dims dims, int64_t n_frames, pea_calibration calibration)
{
    const pea_array labels = {(void *)(uintptr_t)values, PEA_UINT32, dims};
    pea_image *image = NULL;
    pea_error err;
    assert_ok(pea_labels_write(path, &labels, n_frames, &calibration, NULL, &err));
    assert_ok(pea_image_open(path, PEA_IMAGE_LABELS, &image, &err));
    const pea_image_info info = pea_image_get_info(image);
    assert_string_equal(info.notes, "");
    assert_string_equal(info.format, "ImageJ TIFF");
    assert_int_equal(info.n_frames, n_frames);
    assert_int_equal(info.dims.z * info.n_frames, dims.z);
    const int64_t in_frame = dims.z / n_frames * dims.y * dims.x;
    for (int64_t t = 0; t < n_frames; t++) {
        pea_volume v = {0};
        assert_ok(pea_image_read(image, (pea_image_part){.frame = t, .channel = -1}, NULL, &v, &err));
        for (int64_t i = 0; i < in_frame; i++)
            assert_true(pea__array_value(&v.array, i) == (double)values[t * in_frame + i]);
        pea_volume_free(&v);
    }
    pea_image_close(image);
    return info;
}

static void type_follows_the_number_of_labels(void **state)
{
    static const struct {
        uint32_t largest;
        pea_dtype dtype;
    } cases[] = {
        {0, PEA_UINT16},          {1, PEA_UINT16},         {255, PEA_UINT16},        {65535, PEA_UINT16},
        {65536, PEA_FLOAT32},     {16777215, PEA_FLOAT32}, {16777216, PEA_FLOAT32},  {16777217, PEA_UINT32},
        {3000000000u, PEA_UINT32}, {UINT32_MAX, PEA_UINT32},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint32_t values[] = {0, cases[i].largest, cases[i].largest / 2, cases[i].largest ? cases[i].largest - 1 : 0};
        const pea_image_info info = round_trip(values, (pea_dims){1, 2, 2, 1}, 1, pea_calibration_default());
        assert_int_equal(info.dtype, cases[i].dtype);
    }
}

static void stacks_frames_and_odd_sizes_come_back(void **state)
{
    static const struct {
        pea_dims dims;
        int64_t n_frames;
    } cases[] = {{{1, 1, 1, 1}, 1}, {{3, 1, 1, 1}, 1}, {{6, 5, 7, 1}, 2}, {{4, 3, 3, 1}, 4}, {{7, 64, 61, 1}, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const pea_dims d = cases[i].dims;
        const int64_t n = d.z * d.y * d.x;
        for (uint32_t base = 1; base < 100000; base += 99998) { /* 16-bit, and floats */
            uint32_t *values = malloc((size_t)n * sizeof *values);
            assert_non_null(values);
            for (int64_t k = 0; k < n; k++)
                values[k] = base + (uint32_t)k;
            (void)round_trip(values, d, cases[i].n_frames, pea_calibration_default());
            free(values);
        }
    }
}

static void calibration_comes_back(void **state)
{
    static const struct {
        double x, y, z;
        const char *unit;
    } cases[] = {
        {0.004, 0.004, 0.03, "um"},  {0.3, 0.7, 1, "nm"},          {1234.5678, 1e-4, 3, "mm"}, {1, 1, 1, "pixel"},
        {0.123456789, 3e5, 2, "um"}, {2.5, 2.5, 1e-9, "caf\xc3\xa9\\n"}, {1, 1, 7.25, "\xe2\x84\xab"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pea_calibration c = pea_calibration_default();
        c.x = cases[i].x, c.y = cases[i].y, c.z = cases[i].z, c.frame_s = 0.1;
        snprintf(c.unit, sizeof c.unit, "%s", cases[i].unit);
        const pea_calibration got = round_trip((uint32_t[]){0, 1, 2, 2}, (pea_dims){2, 1, 2, 1}, 1, c).calibration;
        assert_string_equal(got.unit, c.unit);
        assert_true(got.z == c.z && got.frame_s == c.frame_s);
        if (got.x / c.x < 1 - 1e-8 || got.x / c.x > 1 + 1e-8 || got.y / c.y < 1 - 1e-8 || got.y / c.y > 1 + 1e-8)
            fail_msg("%.17g x %.17g came back as %.17g x %.17g", c.x, c.y, got.x, got.y);
    }
}

/* ImageJ reads plane k at the first offset plus k planes, whatever the directories say. */
static void planes_lie_behind_each_other_as_imagej_expects(void **state)
{
    uint32_t values[3 * 15];
    pea_error err;
    char *bytes;
    size_t n;
    (void)state;
    for (uint32_t i = 0; i < 45; i++)
        values[i] = i + 500;
    const pea_calibration c = pea_calibration_default();
    assert_ok(pea_labels_write(path, &(pea_array){values, PEA_UINT32, {3, 3, 5, 1}}, 1, &c, NULL, &err));
    bytes = test_read_file(path, &n);
    const pea__reader reader = pea__reader_memory(bytes, n);
    pea__tiff tiff;
    pea__notes notes = {""};
    int64_t at[PEA__TIFF_CHUNK];
    assert_ok(pea__tiff_scan(&reader, 0, &tiff, &notes, &err));
    assert_int_equal(tiff.n_pages, 3);
    for (int64_t p = 0; p < 3; p++) {
        assert_ok(pea__tiff_values(&tiff, &tiff.pages[p].offsets, 0, 1, at, &err));
        for (int64_t i = 0; i < 15; i++) {
            const unsigned char *word = (const unsigned char *)bytes + at[0] + 2 * i;
            assert_int_equal(word[0] + 256 * word[1], 500 + 15 * p + i);
        }
        if (p > 0)
            assert_int_equal(at[0] - at[1], 30);
        at[1] = at[0];
    }
    const char *text = bytes + tiff.description.at;
    assert_string_equal(text, "ImageJ=1.53t\nimages=3\nslices=3\nloop=false\nmin=0.0\nmax=544\n");
    pea__tiff_free(&tiff);
    free(bytes);
}

static void wrong_arguments_are_named_and_write_nothing(void **state)
{
    uint32_t values[4] = {0};
    pea_error err;
    pea_calibration c = pea_calibration_default();
    const pea_array labels = {values, PEA_UINT32, {2, 1, 2, 1}};
    (void)state;
    assert_fails(pea_labels_write(path, &labels, 0, &c, NULL, &err), PEA_E_ARG, "0 frames");
    assert_fails(pea_labels_write(path, &labels, 3, &c, NULL, &err), PEA_E_ARG, "3 frames");
    assert_fails(pea_labels_write(NULL, &labels, 1, &c, NULL, &err), PEA_E_ARG, "path");
    assert_fails(pea_labels_write(path, &labels, 1, NULL, NULL, &err), PEA_E_ARG, "calibration");
    assert_fails(pea_labels_write(path, &(pea_array){values, PEA_UINT32, {1, 1, 2, 2}}, 1, &c, NULL, &err), PEA_E_SHAPE, "channel");
    assert_fails(pea_labels_write(path, &(pea_array){values, PEA_UINT16, {1, 1, 2, 1}}, 1, &c, NULL, &err), PEA_E_DTYPE, "uint32");
    assert_fails(pea_labels_write(path, &(pea_array){values, PEA_UINT32, {1, 1 << 16, 1 << 16, 1}}, 1, &c, NULL, &err), PEA_E_LIMIT,
                 "more than a TIFF for ImageJ");
    c.x = 0;
    assert_fails(pea_labels_write(path, &labels, 1, &c, NULL, &err), PEA_E_ARG, "voxel size");
    c = pea_calibration_default();
    assert_fails(pea_labels_write("/nowhere/labels.tif", &labels, 1, &c, NULL, &err), PEA_E_IO, "/nowhere/labels.tif");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void every_failing_allocation_leaves_the_old_file(void **state)
{
    uint32_t values[2] = {1, 2};
    pea_calibration c = pea_calibration_default();
    pea_error err;
    const size_t live = pea__alloc_live();
    (void)state;
    assert_ok(pea_labels_write(path, &(pea_array){values, PEA_UINT32, {1, 1, 1, 1}}, 1, &c, NULL, &err));
    for (size_t n = 1, done = 0; !done; n++) {
        pea__alloc_fail_at(n, true);
        const pea_status status = pea_labels_write(path, &(pea_array){values, PEA_UINT32, {2, 1, 1, 1}}, 1, &c, NULL, &err);
        pea__alloc_fail_at(0, false);
        done = status == PEA_OK;
        pea_image *image = NULL;
        assert_ok(pea_image_open(path, PEA_IMAGE_LABELS, &image, &err));
        assert_int_equal(pea_image_get_info(image).dims.z, done ? 2 : 1);
        pea_image_close(image);
        assert_int_equal(pea__alloc_live(), live);
        assert_true(n < 100);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(type_follows_the_number_of_labels, choose_path, remove_path),
    cmocka_unit_test_setup_teardown(stacks_frames_and_odd_sizes_come_back, choose_path, remove_path),
    cmocka_unit_test_setup_teardown(calibration_comes_back, choose_path, remove_path),
    cmocka_unit_test_setup_teardown(planes_lie_behind_each_other_as_imagej_expects, choose_path, remove_path),
    cmocka_unit_test_setup_teardown(wrong_arguments_are_named_and_write_nothing, choose_path, remove_path),
    cmocka_unit_test_setup_teardown(every_failing_allocation_leaves_the_old_file, choose_path, remove_path),
};

PEA_TEST_MAIN(tests)
