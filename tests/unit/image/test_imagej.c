/* test_imagej.c - ImageJ's description: axes, calibration, planes behind a single directory, more than 4 GB.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "make_tiff.h"

#include <fcntl.h>
#include <unistd.h>

static unsigned char counting[64];

static int fill_counting(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++)
        counting[i] = (unsigned char)i;
    return 0;
}

/* Two by one pixels per page, or all `n` planes behind one. */
static maker *made(const char *text, int n, bool single)
{
    maker *m = make_begin();
    if (single) {
        make_page(m, &(page){2, 1, .text = text, .data = counting, .data_bytes = (size_t)n * 2, .more = {{279, 4, 1, 2}}});
        return m;
    }
    for (int i = 0; i < n; i++)
        make_page(m, &(page){2, 1, .text = i ? NULL : text, .data = counting + 2 * i, .data_bytes = 2});
    return m;
}

static void assert_axes(maker *m, int64_t c, int64_t z, int64_t t)
{
    const pea_image_info info = info_of(m, NULL);
    assert_int_equal(info.dims.c, c);
    assert_int_equal(info.dims.z, z);
    assert_int_equal(info.n_frames, t);
    assert_string_equal(info.format, "ImageJ TIFF");
}

static void axes_come_from_the_description(void **state)
{
    (void)state;
    assert_axes(made("ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n", 12, false), 2, 3, 2);
    assert_axes(made("ImageJ=1.53t\r\nimages=4\r\nframes=4\r\n", 4, false), 1, 1, 4);
    assert_axes(made("SCIFIO=0.1\nimages=2\nchannels=2\n", 2, false), 2, 1, 1);
    assert_axes(made("ImageJ=1.53t\n images : 3 \n slices\t3\n", 3, false), 1, 3, 1); /* Java properties */
    assert_axes(made("ImageJ=1.53t", 2, false), 1, 2, 1);
}

static void counts_that_do_not_fit_make_slices_and_are_said(void **state)
{
    char notes[512];
    (void)state;
    pea_image_info info = info_of(made("ImageJ=1.53t\nimages=4\nchannels=3\nslices=2\n", 4, false), notes);
    assert_int_equal(info.dims.z, 4);
    assert_int_equal(info.dims.c, 1);
    assert_non_null(strstr(notes, "3 channels, 2 slices, 1 frames, the file has 4 planes"));
    /* numbers beyond all bounds, and things that are none */
    info = info_of(made("ImageJ=1.5\nimages=99999999999999999999\nslices=9223372036854775807\nframes=3x\n", 2, false), notes);
    assert_int_equal(info.dims.z, 2);
    assert_int_equal(info.n_frames, 1);
}

static void channels_run_fastest_unless_the_order_says_otherwise(void **state)
{
    (void)state;
    assert_reads(made("ImageJ=1.53t\nimages=4\nchannels=2\nslices=2\n", 4, false), 0, (double[]){0, 2, 1, 3, 4, 6, 5, 7}, 8);
    assert_reads(made("ImageJ=1.53t\nimages=4\nchannels=2\nslices=2\norder=zct\n", 4, false), 0,
                 (double[]){0, 4, 1, 5, 2, 6, 3, 7}, 8);
}

static void planes_behind_a_single_directory_are_read(void **state)
{
    char notes[512];
    (void)state;
    assert_reads(made("ImageJ=1.53t\nimages=3\nslices=3\n", 3, true), 0, (double[]){0, 1, 2, 3, 4, 5}, 6);
    (void)info_of(made("ImageJ=1.53t\nimages=3\nslices=3\n", 3, true), notes);
    assert_non_null(strstr(notes, "single directory"));
}

static void planes_that_are_not_in_the_file_are_refused(void **state)
{
    (void)state;
    assert_refused(made("ImageJ=1.53t\nimages=300\n", 3, true), PEA_E_FORMAT, "announces 300 planes of 2 bytes, the file");
    assert_refused(made("ImageJ=1.53t\nimages=9223372036854775807\n", 3, true), PEA_E_FORMAT, "announces 92233");
    assert_refused(make_one(&(page){2, 1, .compression = 5, .text = "ImageJ=1\nimages=3\n", .data = counting, .data_bytes = 9}),
                   PEA_E_FORMAT, "not plain and uncompressed");
}

static void strips_of_a_single_directory_must_follow_each_other(void **state)
{
    (void)state;
    for (uint32_t gap = 0; gap < 2; gap++) {
        maker *m = make_begin();
        append(m, counting, 64);
        const uint32_t list = (uint32_t)m->n;
        append(m, (char[16]){0}, 16);
        put_at(m, list, 8, 4);
        put_at(m, list + 4, 10 + gap, 4);
        put_at(m, list + 8, 2, 4);
        put_at(m, list + 12, 2, 4);
        make_page(m, &(page){2, 2, .rows = 1, .text = "ImageJ=1.53t\nimages=2\n",
                             .more = {{273, 4, 2, list}, {279, 4, 2, list + 8}}});
        if (gap)
            assert_refused(m, PEA_E_FORMAT, "do not follow each other");
        else
            assert_reads(m, 0, (double[]){0, 1, 2, 3, 4, 5, 6, 7}, 8);
    }
}

static void unit_spacing_and_interval_are_calibration(void **state)
{
    static const struct {
        const char *text, *unit;
        double z, frame_s;
    } cases[] = {
        {"ImageJ=1.53t\nunit=\\u00B5m\nspacing=-0.5\nfinterval=2.5\n", "um", 0.5, 2.5},
        {"ImageJ=1.53t\nunit=micron\nspacing=2e-1\n", "um", 0.2, 0},
        {"ImageJ=1.53t\nunit=um\nspacing=0\nfinterval=3\ntunit=ms\n", "um", 1, 0.003},
        {"ImageJ=1.53t\nunit=microns\nzunit=nm\nspacing=250\nfinterval=2\ntunit=min\n", "um", 0.25, 120},
        {"ImageJ=1.53t\nunit=\xc2\xb5m\n", "um", 1, 0},
        {"ImageJ=1.53t\nunit=cell\\u0020\\tdiameters\\\\ and more than thirty-one bytes\n", "cell ?diameters\\ and", 1, 0},
        {"ImageJ=1.53t\nspacing=nan\nfinterval=inf\n", "pixel", 1, 0},
        {"ImageJ=1.53t\nunit=pixels\n", "pixel", 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const pea_image_info info = info_of(made(cases[i].text, 1, false), NULL);
        if (strncmp(info.calibration.unit, cases[i].unit, 12) != 0)
            fail_msg("case %zu: unit \"%s\"", i, info.calibration.unit);
        if (info.calibration.z < cases[i].z * 0.999999999 || info.calibration.z > cases[i].z * 1.000000001)
            fail_msg("case %zu: z %g", i, info.calibration.z);
        assert_true(info.calibration.frame_s == cases[i].frame_s);
    }
}

static void other_unit_of_z_is_said(void **state)
{
    char notes[512];
    (void)state;
    const pea_image_info info = info_of(made("ImageJ=1.53t\nunit=um\nzunit=section\nspacing=3\n", 1, false), notes);
    assert_true(info.calibration.z == 3);
    assert_non_null(strstr(notes, "another unit"));
}

static void resolution_per_cm_with_micrometres_is_per_cm(void **state)
{
    maker *m = make_begin();
    (void)state;
    append(m, (unsigned char[]){0x20, 0x4e, 0, 0, 1, 0, 0, 0}, 8); /* 20000 / 1 */
    make_page(m, &(page){1, 1, .text = "ImageJ=1.53t\nunit=um\n", .data = counting, .data_bytes = 1,
                         .more = {{282, 5, 1, 8}, {283, 5, 1, 8}, {296, 3, 1, 3}}});
    const pea_image_info info = info_of(m, NULL);
    assert_true(info.calibration.x == 0.5);
    assert_string_equal(info.calibration.unit, "um");
}

static void value_calibration_other_than_signed_16_is_said(void **state)
{
    char notes[512];
    (void)state;
    pea_image_info info = info_of(made("ImageJ=1.53t\ncf=0\nc0=-32768.0\nc1=1.0\n", 1, false), notes); /* 8 bits */
    assert_int_equal(info.dtype, PEA_UINT8);
    assert_non_null(strstr(notes, "value calibration"));
    info = info_of(made("ImageJ=1.53t\ncf=0\nc0=0\nc1=1\n", 1, false), notes);
    assert_string_equal(notes, "");
}

static void signed_16_bit_is_not_inverted(void **state)
{
    static const uint16_t words[] = {0, 65535};
    (void)state;
    assert_reads(make_one(&(page){2, 1, 16, .photometric = -1, .text = "ImageJ=1.53t\ncf=0\nc0=-32768\nc1=1\n",
                                  .data = words, .data_bytes = 4}), 0, (double[]){-32768, 32767}, 2);
}

static void what_only_looks_like_imagej_is_plain_tiff(void **state)
{
    (void)state;
    assert_string_equal(info_of(made("ImageJ=\nimages=2\nframes=2\n", 2, false), NULL).format, "TIFF");
    assert_string_equal(info_of(made("ImageJ", 2, false), NULL).format, "TIFF");
    assert_string_equal(info_of(made("", 2, false), NULL).format, "TIFF");
}

/* ImageJ's form of a volume above 4 GB: one directory, all planes behind it. 320 planes of 4096 x 4096 x 16 bits, big-endian,
 * of which a few are marked; the rest are holes, so that nothing of it is on the disk. */
static void volume_of_ten_gigabytes_is_read_plane_by_plane(void **state)
{
    enum { N = 320, X = 4096 };
    const int64_t plane = (int64_t)X * X * 2, data_at = 4096;
    static const char text[] = "ImageJ=1.53t\nimages=320\nslices=320\nloop=false\nmin=0.0\nmax=65535.0\n";
    static const int64_t marked[] = {0, 1, 127, 128, 129, 319};
    unsigned char head[512] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 10};
    const uint32_t tags[10][3] = {{256, 4, X}, {257, 4, X}, {258, 3, 16}, {259, 3, 1}, {262, 3, 1}, {270, 2, 300},
                                  {273, 4, 4096}, {277, 3, 1}, {278, 3, X}, {279, 4, (uint32_t)plane}};
    (void)state;
    for (int i = 0; i < 10; i++) {
        unsigned char *e = head + 10 + 12 * i;
        e[0] = (unsigned char)(tags[i][0] >> 8), e[1] = (unsigned char)tags[i][0], e[3] = (unsigned char)tags[i][1];
        e[7] = 1;
        if (tags[i][0] == 270)
            e[7] = sizeof text;
        const int shift = tags[i][1] == 3 ? 16 : 0;
        for (int k = 0; k < 4; k++)
            e[8 + k] = (unsigned char)((tags[i][2] << shift) >> (24 - 8 * k));
    }
    memcpy(head + 300, text, sizeof text);

    const char *folder = getenv("TMPDIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/pea-sparse-XXXXXX", folder ? folder : "/tmp");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    bool good = pwrite(fd, head, sizeof head, 0) == (ssize_t)sizeof head && ftruncate(fd, data_at + N * plane) == 0;
    for (size_t i = 0; good && i < 6; i++) {
        const unsigned char mark[2] = {(unsigned char)(marked[i] >> 8), (unsigned char)(marked[i] + 1)};
        good = pwrite(fd, mark, 2, data_at + marked[i] * plane + 2 * (X + 3)) == 2;
    }
    close(fd);
    pea_image *image = NULL;
    pea_error err;
    if (good) {
        const pea_status status = pea_image_open(path, PEA_IMAGE_INTENSITY, &image, &err);
        unlink(path); /* at once, whatever fails below */
        if (status != PEA_OK)
            fail_msg("%s", err.message);
        assert_int_equal(pea_image_get_info(image).dims.z, N);
        for (size_t i = 0; i < 6; i++) {
            pea_volume volume = {0};
            assert_ok(pea_image_read(image, (pea_image_part){0, marked[i], 1, -1}, NULL, &volume, &err));
            const uint16_t *words = volume.array.data;
            assert_int_equal(words[X + 3], (marked[i] & 0xff00) + (marked[i] + 1) % 256);
            assert_int_equal(words[X + 2], 0);
            pea_volume_free(&volume);
        }
        pea_image_close(image);
    } else {
        unlink(path);
        print_message("the file system of %s takes no sparse file of 10 GiB\n", path);
        skip();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(axes_come_from_the_description, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(counts_that_do_not_fit_make_slices_and_are_said, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(channels_run_fastest_unless_the_order_says_otherwise, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(planes_behind_a_single_directory_are_read, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(planes_that_are_not_in_the_file_are_refused, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(strips_of_a_single_directory_must_follow_each_other, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(unit_spacing_and_interval_are_calibration, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(other_unit_of_z_is_said, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(resolution_per_cm_with_micrometres_is_per_cm, fill_counting, NULL),
    cmocka_unit_test_setup_teardown(value_calibration_other_than_signed_16_is_said, fill_counting, NULL),
    cmocka_unit_test(signed_16_bit_is_not_inverted),
    cmocka_unit_test_setup_teardown(what_only_looks_like_imagej_is_plain_tiff, fill_counting, NULL),
    cmocka_unit_test(volume_of_ten_gigabytes_is_read_plane_by_plane),
};

PEA_TEST_MAIN(tests)
