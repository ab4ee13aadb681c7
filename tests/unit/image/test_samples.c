/* test_samples.c - real files of many writers give the numbers that their makers put in.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#define SAMPLES PEA_TESTDATA "/tiff/"

typedef double formula(int64_t z, int64_t y, int64_t x, int64_t c);

/* v = 1000 z + 33 y + x */
static int64_t v(int64_t z, int64_t y, int64_t x)
{
    return 1000 * z + 33 * y + x;
}

static double u16(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)c;
    return (double)v(z, y, x);
}

static double u8(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)c;
    return (double)(v(z, y, x) % 251);
}

static double f32(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)c;
    return (double)v(z, y, x) / 8 - 3;
}

static double i16(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)c;
    return (double)(v(z, y, x) - 500);
}

static double u32(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)c;
    return (double)(uint32_t)(1000003 * v(z, y, x));
}

static double white8(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)c;
    return (double)(255 - v(z, y, x) % 251);
}

static double rgb8(int64_t z, int64_t y, int64_t x, int64_t c)
{
    static const int64_t modulus[] = {251, 241, 239};
    return (double)(v(z, y, x) % modulus[c]);
}

/* All frames of a file; plane t counts on from the slices of the frames before. */
static pea_image_info check_file(const char *name, pea_image_use use, formula *value)
{
    char path[1024];
    pea_image *image = NULL;
    pea_error err;
    snprintf(path, sizeof path, SAMPLES "%s", name);
    assert_ok(pea_image_open(path, use, &image, &err));
    const pea_image_info info = pea_image_get_info(image);
    for (int64_t t = 0; t < info.n_frames; t++) {
        pea_volume volume = {0};
        assert_ok(pea_image_read(image, (pea_image_part){.frame = t, .channel = -1}, NULL, &volume, &err));
        const pea_dims d = volume.array.dims;
        for (int64_t i = 0; i < d.z * d.y * d.x * d.c; i++) {
            const int64_t c = i % d.c, x = i / d.c % d.x, y = i / d.c / d.x % d.y, z = i / d.c / d.x / d.y;
            const double got = pea__array_value(&volume.array, i), expected = value(t * d.z + z, y, x, c);
            if (got != expected)
                fail_msg("%s: (%d,%d,%d,%d) is %g, expected %g", name, (int)z, (int)y, (int)x, (int)c, got, expected);
        }
        pea_volume_free(&volume);
    }
    pea_image_close(image);
    return info;
}

static void every_codec_predictor_tiling_and_byte_order_gives_the_base_values(void **state)
{
    static const struct {
        const char *name;
        formula *value;
        pea_dtype dtype;
    } files[] = {
        {"plain/base-u8.tif", u8, PEA_UINT8},
        {"plain/base-u16.tif", u16, PEA_UINT16},
        {"plain/base-u32.tif", u32, PEA_UINT32},
        {"plain/base-i16.tif", i16, PEA_INT16},
        {"plain/base-f32.tif", f32, PEA_FLOAT32},
        {"plain/base-rgb8.tif", rgb8, PEA_UINT8},
        {"plain/rgb8-planar.tif", rgb8, PEA_UINT8},
        {"plain/f32-bigendian-deflate-pred3.tif", f32, PEA_FLOAT32},
        {"plain/f32-bigtiff-tiled16-deflate-pred2.tif", f32, PEA_FLOAT32},
        {"plain/f32-deflate-pred3.tif", f32, PEA_FLOAT32},
        {"plain/f32-zstd-pred3.tif", f32, PEA_FLOAT32},
        {"plain/u16-bigendian-lzw-pred2.tif", u16, PEA_UINT16},
        {"plain/u16-bigendian.tif", u16, PEA_UINT16},
        {"plain/u16-bigtiff.tif", u16, PEA_UINT16},
        {"plain/u16-deflate-pred2.tif", u16, PEA_UINT16},
        {"plain/u16-deflate.tif", u16, PEA_UINT16},
        {"plain/u16-lzw-pred2.tif", u16, PEA_UINT16},
        {"plain/u16-lzw.tif", u16, PEA_UINT16},
        {"plain/u16-strips5rows.tif", u16, PEA_UINT16},
        {"plain/u16-tiled16-zstd-pred2.tif", u16, PEA_UINT16},
        {"plain/u16-tiled16.tif", u16, PEA_UINT16},
        {"plain/u16-zstd-pred2.tif", u16, PEA_UINT16},
        {"plain/u16-zstd.tif", u16, PEA_UINT16},
        {"plain/u32-lzw-pred2.tif", u32, PEA_UINT32},
        {"plain/u8-packbits.tif", u8, PEA_UINT8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const pea_image_info info = check_file(files[i].name, PEA_IMAGE_INTENSITY, files[i].value);
        assert_int_equal(info.dtype, files[i].dtype);
        assert_int_equal(info.dims.y, 21);
        assert_int_equal(info.dims.x, 33);
        assert_int_equal(info.dims.z, info.dims.c == 3 ? 1 : 3);
    }
}

static void white_is_zero_is_inverted_for_intensities_and_kept_for_labels(void **state)
{
    (void)state;
    (void)check_file("plain/base-miniswhite8.tif", PEA_IMAGE_INTENSITY, u8);
    (void)check_file("plain/base-miniswhite8.tif", PEA_IMAGE_LABELS, white8);
}

static void rgb_is_three_channels(void **state)
{
    (void)state;
    const pea_image_info info = check_file("plain/base-rgb8.tif", PEA_IMAGE_INTENSITY, rgb8);
    assert_int_equal(info.dims.c, 3);
    assert_true(info.is_rgb);
}

/* value 20 i + k of the i-th plane and the k-th pixel of 5 x 4 */
static double counted(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)c;
    return (double)(20 * z + 5 * y + x);
}

static void imagej_stack_keeps_values_and_calibration(void **state)
{
    (void)state;
    const pea_image_info info = check_file("imagej/stack16-written-by-imagej.tif", PEA_IMAGE_INTENSITY, counted);
    assert_int_equal(info.dims.z, 6);
    assert_string_equal(info.format, "ImageJ TIFF");
    assert_string_equal(info.calibration.unit, "um");
    assert_true(info.calibration.x == 0.004 && info.calibration.y == 0.004 && info.calibration.z == 0.03);
}

static double above_2p24(int64_t z, int64_t y, int64_t x, int64_t c)
{
    return (double)(float)(16777216 + counted(z, y, x, c));
}

static void imagej_floats_above_2p24_are_as_stored(void **state)
{
    (void)state;
    const pea_image_info info = check_file("imagej/float32-labels-above-2p24.tif", PEA_IMAGE_LABELS, above_2p24);
    assert_int_equal(info.dtype, PEA_FLOAT32);
}

static double zero_means_lowest(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)z, (void)y, (void)x, (void)c;
    return -32768;
}

static void imagej_signed_16_bit_is_signed_again(void **state)
{
    (void)state;
    const pea_image_info info = check_file("imagej/signed16-calibrated.tif", PEA_IMAGE_INTENSITY, zero_means_lowest);
    assert_int_equal(info.dtype, PEA_INT16);
}

static double zero(int64_t z, int64_t y, int64_t x, int64_t c)
{
    (void)z, (void)y, (void)x, (void)c;
    return 0;
}

static void imagej_hyperstack_has_channels_slices_and_frames(void **state)
{
    (void)state;
    const pea_image_info info = check_file("imagej/hyperstack8-c2z3t2.tif", PEA_IMAGE_INTENSITY, zero);
    assert_int_equal(info.dims.c, 2);
    assert_int_equal(info.dims.z, 3);
    assert_int_equal(info.n_frames, 2);
}

/* Plane z,c is the (3 z + c)-th. */
static double channels_first(int64_t z, int64_t y, int64_t x, int64_t c)
{
    return counted(3 * z + c, y, x, 0);
}

static void python_hyperstack_ome_and_planar_rgb_hold_the_same(void **state)
{
    static const char *const names[] = {"imagej/python-written-hyperstack.tif", "imagej/ome-6planes.ome.tif",
                                        "imagej/python-default-zcyx-becomes-planar-rgb.tif"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        const pea_image_info info = check_file(names[i], PEA_IMAGE_INTENSITY, channels_first);
        assert_int_equal(info.dims.c, 3);
        assert_int_equal(info.dims.z, 2);
        assert_false(info.is_rgb); /* three planes need not be a photograph */
        assert_true(i == 2 || (info.calibration.x == 0.004 && strcmp(info.calibration.unit, "um") == 0));
    }
}

static double page_bytes(int64_t z, int64_t y, int64_t x, int64_t c)
{
    return counted(z, y, x, c);
}

static void pages_win_over_imagej_counts(void **state)
{
    char notes[512];
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    (void)check_file("hostile/imagej-claims-30-has-3.tif", PEA_IMAGE_INTENSITY, page_bytes);
    (void)check_file("hostile/imagej-pages-not-contiguous.tif", PEA_IMAGE_INTENSITY, page_bytes);
    assert_ok(pea_image_open(SAMPLES "hostile/imagej-claims-30-has-3.tif", PEA_IMAGE_INTENSITY, &image, &err));
    snprintf(notes, sizeof notes, "%s", pea_image_get_info(image).notes);
    pea_image_close(image);
    assert_non_null(strstr(notes, "announces 30 planes, the file has 3 pages: the pages are read"));
}

static void hostile_files_are_refused_in_words(void **state)
{
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    assert_fails(pea_image_open(SAMPLES "hostile/giant.tif", PEA_IMAGE_INTENSITY, &image, &err), PEA_E_LIMIT,
                 "2147483647 x 2147483647 pixels");
    assert_fails(pea_image_open(SAMPLES "hostile/strips.tif", PEA_IMAGE_INTENSITY, &image, &err), PEA_E_LIMIT,
                 "too many for a file of 634 bytes");
    assert_fails(pea_image_open(SAMPLES "hostile/loop.tif", PEA_IMAGE_INTENSITY, &image, &err), PEA_E_FORMAT, "circle");
}

/* The end of a long path is what tells files apart; it must not begin inside a character. */
static void a_long_path_is_named_by_its_end(void **state)
{
    char folder[512], path[600];
    const char *temporary = getenv("TMPDIR");
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    for (int shift = 0; shift < 2; shift++) {
        int n = snprintf(folder, sizeof folder, "%s/%s", temporary ? temporary : "/tmp", shift ? "x" : "");
        for (int i = 0; i < 120; i++)
            n += snprintf(folder + n, sizeof folder - (size_t)n, "\xc3\xa9");
        snprintf(path, sizeof path, "%s/no-image.tif", folder);
        assert_true(mkdir(folder, 0700) == 0);
        FILE *file = fopen(path, "w");
        assert_true(file && fclose(file) == 0);
        assert_fails(pea_image_open(path, PEA_IMAGE_INTENSITY, &image, &err), PEA_E_FORMAT, "/no-image.tif: the file is empty");
        assert_true(strncmp(err.message, "...\xc3", 4) == 0);
        unlink(path);
        rmdir(folder);
    }
}

static void what_is_no_image_is_named(void **state)
{
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    assert_fails(pea_image_open(SAMPLES "nowhere.tif", PEA_IMAGE_INTENSITY, &image, &err), PEA_E_IO, "nowhere.tif");
    assert_fails(pea_image_open(SAMPLES, PEA_IMAGE_INTENSITY, &image, &err), PEA_E_IO, "folder");
    assert_fails(pea_image_open(SAMPLES "ORIGIN.md", PEA_IMAGE_INTENSITY, &image, &err), PEA_E_FORMAT,
                 "neither TIFF nor PNG");
    assert_fails(pea__image_open_reader(pea__reader_memory("", 0), PEA_IMAGE_LABELS, 0, &image, &err), PEA_E_FORMAT,
                 "empty");
    assert_fails(pea_image_open(NULL, PEA_IMAGE_INTENSITY, &image, &err), PEA_E_ARG, "path");
    assert_fails(pea_image_open(SAMPLES, (pea_image_use)7, &image, &err), PEA_E_ARG, "labels");
    pea_image_close(NULL);
}

static void parts_are_the_same_as_in_the_whole(void **state)
{
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    assert_ok(pea_image_open(SAMPLES "imagej/python-written-hyperstack.tif", PEA_IMAGE_INTENSITY, &image, &err));
    for (int64_t c = -1; c < 3; c++) {
        pea_volume part = {0};
        assert_ok(pea_image_read(image, (pea_image_part){0, 1, 1, c}, NULL, &part, &err));
        assert_int_equal(part.array.dims.z, 1);
        assert_int_equal(part.array.dims.c, c < 0 ? 3 : 1);
        for (int64_t i = 0; i < 20 * part.array.dims.c; i++) {
            const int64_t channel = c < 0 ? i % 3 : c, p = c < 0 ? i / 3 : i;
            assert_true(pea__array_value(&part.array, i) == channels_first(1, p / 5, p % 5, channel));
        }
        pea_volume_free(&part);
    }
    pea_image_close(image);
}

static void parts_that_are_not_there_are_named(void **state)
{
    pea_image *image = NULL;
    pea_error err;
    pea_volume part = {0};
    (void)state;
    assert_ok(pea_image_open(SAMPLES "imagej/hyperstack8-c2z3t2.tif", PEA_IMAGE_INTENSITY, &image, &err));
    assert_fails(pea_image_read(image, (pea_image_part){.frame = 2}, NULL, &part, &err), PEA_E_ARG, "frame 3");
    assert_fails(pea_image_read(image, (pea_image_part){.frame = -1}, NULL, &part, &err), PEA_E_ARG, "frame 0");
    assert_fails(pea_image_read(image, (pea_image_part){.channel = 2}, NULL, &part, &err), PEA_E_ARG, "channel 3");
    assert_fails(pea_image_read(image, (pea_image_part){.first_slice = 3}, NULL, &part, &err), PEA_E_ARG, "slices 4");
    assert_fails(pea_image_read(image, (pea_image_part){.first_slice = 2, .n_slices = 2}, NULL, &part, &err), PEA_E_ARG,
                 "slices 3 to 4");
    assert_fails(pea_image_read(NULL, (pea_image_part){0}, NULL, &part, &err), PEA_E_ARG, "open image");
    pea_image_close(image);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_codec_predictor_tiling_and_byte_order_gives_the_base_values),
    cmocka_unit_test(white_is_zero_is_inverted_for_intensities_and_kept_for_labels),
    cmocka_unit_test(rgb_is_three_channels),
    cmocka_unit_test(imagej_stack_keeps_values_and_calibration),
    cmocka_unit_test(imagej_floats_above_2p24_are_as_stored),
    cmocka_unit_test(imagej_signed_16_bit_is_signed_again),
    cmocka_unit_test(imagej_hyperstack_has_channels_slices_and_frames),
    cmocka_unit_test(python_hyperstack_ome_and_planar_rgb_hold_the_same),
    cmocka_unit_test(pages_win_over_imagej_counts),
    cmocka_unit_test(hostile_files_are_refused_in_words),
    cmocka_unit_test(a_long_path_is_named_by_its_end),
    cmocka_unit_test(what_is_no_image_is_named),
    cmocka_unit_test(parts_are_the_same_as_in_the_whole),
    cmocka_unit_test(parts_that_are_not_there_are_named),
};

PEA_TEST_MAIN(tests)
