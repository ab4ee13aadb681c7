/* test_tiff.c - what the scan lets through and refuses, and sample types and codecs one by one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "make_tiff.h"

#include <sys/resource.h>
#include <unistd.h>

#define CODECS PEA_TESTDATA "/tiff/codecs/"

static const unsigned char bytes16[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void every_sample_type_is_read(void **state)
{
    static const int16_t i16[] = {-32768, -1, 32767, 5};
    static const int32_t i32[] = {INT32_MIN, INT32_MAX};
    static const int64_t i64[] = {-5, (int64_t)1 << 40};
    static const uint32_t u32[] = {0, UINT32_MAX};
    static const double f64[] = {1.5, -1e300};
    static const uint16_t f16[] = {0x3c00, 0xc000, 0x0001, 0x7bff}; /* 1, -2, the least, the largest */
    static const signed char i8[] = {-128, 127};
    (void)state;
    assert_reads(make_one(&(page){2, 2, 16, 1, 2, .data = i16, .data_bytes = 8}), 0, (double[]){-32768, -1, 32767, 5}, 4);
    assert_reads(make_one(&(page){2, 1, 32, 1, 2, .data = i32, .data_bytes = 8}), 0, (double[]){INT32_MIN, INT32_MAX}, 2);
    assert_reads(make_one(&(page){2, 1, 64, 1, 2, .data = i64, .data_bytes = 16}), 0, (double[]){-5, 1099511627776.0}, 2);
    assert_reads(make_one(&(page){2, 1, 32, 1, 1, .data = u32, .data_bytes = 8}), 0, (double[]){0, 4294967295.0}, 2);
    assert_reads(make_one(&(page){2, 1, 64, 1, 3, .data = f64, .data_bytes = 16}), 0, (double[]){1.5, -1e300}, 2);
    assert_reads(make_one(&(page){2, 2, 16, 1, 3, .data = f16, .data_bytes = 8}), 0, (double[]){1, -2, 0x1p-24, 65504}, 4);
    assert_reads(make_one(&(page){2, 1, 8, 1, 2, .data = i8, .data_bytes = 2}), 0, (double[]){-128, 127}, 2);
    assert_reads(make_one(&(page){2, 1, 8, 1, 4, .data = bytes16, .data_bytes = 2}), 0, (double[]){0, 1}, 2);
}

static void half_precision_keeps_infinity_and_nan(void **state)
{
    static const uint16_t half[] = {0x7c00, 0xfc00, 0x7e00, 0x8001};
    maker *m = make_one(&(page){2, 2, 16, 1, 3, .data = half, .data_bytes = 8});
    pea_image *image = NULL;
    pea_error err;
    double values[4096];
    (void)state;
    assert_ok(open_made(m, PEA_IMAGE_INTENSITY, &image, &err));
    assert_int_equal(all_values(image, values), 4);
    assert_true(values[0] > 1e300 && values[1] < -1e300 && values[2] != values[2] && values[3] == -0x1p-24);
    assert_non_null(strstr(pea_image_get_info(image).notes, "16-bit floats"));
    pea_image_close(image);
    free(m);
}

static void bits_of_one_two_and_four_are_numbers_from_zero(void **state)
{
    static const unsigned char packed[] = {0xa5, 0x80, 0x1b, 0x00};
    (void)state;
    assert_reads(make_one(&(page){9, 1, 1, .data = packed, .data_bytes = 2}), 0, (double[]){1, 0, 1, 0, 0, 1, 0, 1, 1}, 9);
    assert_reads(make_one(&(page){9, 1, 1, .photometric = -1, .data = packed, .data_bytes = 2}), 0,
                 (double[]){0, 1, 0, 1, 1, 0, 1, 0, 0}, 9);
    assert_reads(make_one(&(page){9, 1, 1, .photometric = -1, .data = packed, .data_bytes = 2}), PEA_IMAGE_LABELS,
                 (double[]){1, 0, 1, 0, 0, 1, 0, 1, 1}, 9);
    assert_reads(make_one(&(page){4, 1, 2, .data = packed + 2, .data_bytes = 1}), 0, (double[]){0, 1, 2, 3}, 4);
    assert_reads(make_one(&(page){3, 1, 4, .data = packed, .data_bytes = 2}), 0, (double[]){10, 5, 8}, 3);
    /* the lowest bit first */
    assert_reads(make_one(&(page){8, 1, 1, .data = packed + 1, .data_bytes = 1, .more = {{266, 3, 1, 2}}}), 0,
                 (double[]){0, 0, 0, 0, 0, 0, 0, 1}, 8);
}

static void white_is_zero_inverts_unsigned_numbers_only(void **state)
{
    static const uint16_t u16[] = {0, 65535};
    static const uint32_t u32[] = {1, UINT32_MAX};
    static const float f32[] = {1, -2};
    static const int16_t i16[] = {-3, 7};
    (void)state;
    assert_reads(make_one(&(page){2, 1, 16, .photometric = -1, .data = u16, .data_bytes = 4}), 0, (double[]){65535, 0}, 2);
    assert_reads(make_one(&(page){2, 1, 32, .photometric = -1, .data = u32, .data_bytes = 8}), 0,
                 (double[]){4294967294.0, 0}, 2);
    assert_reads(make_one(&(page){2, 1, 32, 1, 3, .photometric = -1, .data = f32, .data_bytes = 8}), 0,
                 (double[]){1, -2}, 2);
    assert_reads(make_one(&(page){2, 1, 16, 1, 2, .photometric = -1, .data = i16, .data_bytes = 4}), 0,
                 (double[]){-3, 7}, 2);
}

/* A palette of n colours whose i-th is (r, g, b) = (i, 0, 255 - i), and the last black, in words of `scale` per step. */
static uint32_t add_palette(maker *m, int n, int scale)
{
    const uint32_t at = (uint32_t)m->n;
    for (int part = 0; part < 3; part++)
        for (int i = 0; i < n; i++) {
            const int value = i + 1 == n ? 0 : (part == 0 ? i : part == 1 ? 0 : 255 - i) * scale;
            append(m, (unsigned char[]){(unsigned char)value, (unsigned char)(value >> 8)}, 2);
        }
    return at;
}

static void palette_is_luminance_for_intensities_and_index_for_labels(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        maker *m = make_begin();
        const uint32_t at = add_palette(m, 256, k & 1 ? 257 : 1); /* some writers store 8-bit colours */
        make_page(m, &(page){2, 1, .photometric = 3, .data = bytes16 + 1, .data_bytes = 2, .more = {{320, 3, 768, at}}});
        if (k & 2)
            assert_reads(m, PEA_IMAGE_LABELS, (double[]){1, 2}, 2);
        else /* 0.299 + 0.114 * 254 and 0.598 + 0.114 * 253 */
            assert_reads(m, PEA_IMAGE_INTENSITY, (double[]){29, 29}, 2);
    }
    maker *m = make_begin();
    const uint32_t at = add_palette(m, 16, 257);
    make_page(m, &(page){2, 1, 4, .photometric = 3, .data = "\x0f", .data_bytes = 1, .more = {{320, 3, 48, at}}});
    assert_reads(m, PEA_IMAGE_INTENSITY, (double[]){29, 0}, 2);
}

/* Blue has 29 steps of luminance; the 256 of the numbers must not be lost. */
static void palette_that_rises_or_falls_is_display_alone(void **state)
{
    static const unsigned char indices[] = {0, 7, 8, 255};
    (void)state;
    for (int falls = 0; falls < 2; falls++) {
        maker *m = make_begin();
        const uint32_t at = (uint32_t)m->n;
        for (int i = 0; i < 3 * 256; i++) {
            const int value = i < 512 ? 0 : falls ? 767 - i : i - 512;
            append(m, (unsigned char[]){(unsigned char)value, (unsigned char)value}, 2);
        }
        make_page(m, &(page){4, 1, .photometric = 3, .data = indices, .data_bytes = 4, .more = {{320, 3, 768, at}}});
        assert_reads(m, PEA_IMAGE_INTENSITY, falls ? (double[]){255, 248, 247, 0} : (double[]){0, 7, 8, 255}, 4);
    }
}

static void palette_of_sixteen_bits_is_mapped(void **state)
{
    static uint16_t colors[3 * 65536];
    static unsigned char file[400000];
    pea_image *image = NULL;
    pea_error err;
    double values[4096];
    (void)state;
    colors[300] = colors[65536 + 300] = colors[2 * 65536 + 300] = 0xffff;
    maker *m = make_one(&(page){2, 1, 16, .photometric = 3, .data = (uint16_t[]){300, 299}, .data_bytes = 4,
                                .more = {{320, 3, 3 * 65536, 1000}}});
    memcpy(file, m->bytes, m->n);
    memcpy(file + 1000, colors, sizeof colors);
    assert_true(m->n < 1000);
    assert_ok(pea__image_open_reader(pea__reader_memory(file, 1000 + sizeof colors), PEA_IMAGE_INTENSITY, 0, &image, &err));
    assert_int_equal(pea_image_get_info(image).dtype, PEA_UINT8);
    assert_int_equal(all_values(image, values), 2);
    assert_true(values[0] == 255 && values[1] == 0);
    pea_image_close(image);
    free(m);
}

static void alpha_and_extra_samples_of_rgb_are_dropped(void **state)
{
    (void)state;
    assert_reads(make_one(&(page){2, 1, .samples = 4, .photometric = 2, .data = bytes16, .data_bytes = 8}), 0,
                 (double[]){0, 1, 2, 4, 5, 6}, 6);
    /* grey with alpha; and two channels, of which neither is */
    assert_reads(make_one(&(page){2, 1, .samples = 2, .data = bytes16, .data_bytes = 4, .more = {{338, 3, 1, 2}}}), 0,
                 (double[]){0, 2}, 2);
    assert_reads(make_one(&(page){2, 1, .samples = 2, .data = bytes16, .data_bytes = 4, .more = {{338, 3, 1, 0}}}), 0,
                 (double[]){0, 1, 2, 3}, 4);
}

static void single_channel_of_interleaved_pixels_is_taken_out(void **state)
{
    maker *m = make_one(&(page){2, 2, .samples = 3, .photometric = 2, .data = bytes16, .data_bytes = 12});
    pea_image *image = NULL;
    pea_error err;
    pea_volume volume = {0};
    (void)state;
    assert_ok(open_made(m, PEA_IMAGE_INTENSITY, &image, &err));
    assert_ok(pea_image_read(image, (pea_image_part){.channel = 1}, NULL, &volume, &err));
    assert_int_equal(volume.array.dims.c, 1);
    assert_memory_equal(volume.array.data, ((unsigned char[]){1, 4, 7, 10}), 4);
    pea_volume_free(&volume);
    pea_image_close(image);
    free(m);
}

static void pages_without_metadata_are_slices_and_reduced_copies_are_skipped(void **state)
{
    maker *m = make_begin();
    (void)state;
    make_page(m, &(page){2, 1, .data = bytes16, .data_bytes = 2});
    make_page(m, &(page){1, 1, .subfile = 1, .data = bytes16, .data_bytes = 1}); /* a thumbnail */
    make_page(m, &(page){2, 1, .data = bytes16 + 2, .data_bytes = 2});
    assert_reads(m, PEA_IMAGE_INTENSITY, (double[]){0, 1, 2, 3}, 4);
    assert_refused(make_one(&(page){1, 1, .subfile = 1, .data = bytes16, .data_bytes = 1}), PEA_E_FORMAT, "no full-size");
}

static void page_that_differs_is_named(void **state)
{
    (void)state;
    maker *m = make_one(&(page){2, 1, .data = bytes16, .data_bytes = 2});
    make_page(m, &(page){2, 2, .data = bytes16, .data_bytes = 4});
    assert_refused(m, PEA_E_FORMAT, "page 2 has 2 x 2 pixels, page 1 has 2 x 1");
    m = make_one(&(page){2, 1, .data = bytes16, .data_bytes = 2});
    make_page(m, &(page){2, 1, 16, .data = bytes16, .data_bytes = 4});
    assert_refused(m, PEA_E_FORMAT, "page 2 has 1 samples of 16 bits, page 1 has 1 of 8");
    /* 16-bit indices become bytes, 16-bit numbers do not: one volume cannot hold both */
    m = make_one(&(page){2, 1, .data = bytes16, .data_bytes = 2});
    const uint32_t at = add_palette(m, 256, 1);
    make_page(m, &(page){2, 1, .photometric = 3, .data = bytes16, .data_bytes = 2, .more = {{320, 3, 768, at}}});
    assert_refused(m, PEA_E_FORMAT, "other colours");
}

static void what_we_do_not_read_is_said(void **state)
{
    static const struct {
        tag changed;
        const char *words;
    } cases[] = {
        {{258, 3, 1, 12}, "12-bit"},          {{258, 3, 1, 24}, "24-bit"},      {{258, 3, 1, 64}, "64-bit"},
        {{339, 3, 1, 5}, "format 5"},         {{274, 3, 1, 6}, "orientation 6"}, {{259, 3, 1, 34661}, "JBIG"},
        {{259, 3, 1, 6}, "old JPEG"},         {{259, 3, 1, 12345}, "unknown method"}, {{262, 3, 1, 5}, "colour model 5"},
        {{262, 3, 1, 2}, "do not fit"},       {{262, 3, 1, 3}, "palette of 0"}, {{284, 3, 1, 3}, "planar"},
        {{317, 3, 1, 3}, "predictor 3"},      {{317, 3, 1, 9}, "predictor 9"},  {{277, 3, 1, 2000}, "2000 samples"},
        {{277, 3, 1, 0}, "0 samples"},        {{266, 3, 1, 3}, "fill order 3"}, {{256, 4, 1, 0}, "0 x 2"},
        {{257, 4, 1, 0}, "4 x 0"},            {{259, 4, 1, 1 << 20}, "unknown method"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(make_one(&(page){4, 2, .data = bytes16, .data_bytes = 8, .more = {cases[i].changed}}),
                       cases[i].changed.tag == 277 ? PEA_E_LIMIT : PEA_E_FORMAT, cases[i].words);
}

static void wrong_structure_is_said(void **state)
{
    static const struct {
        tag changed;
        const char *words;
    } cases[] = {
        {{273, 4, 1, 60000}, "not inside the file"},
        {{273, 4, 2, 8}, "lists 2 offsets"},
        {{279, 4, 1, 7}, "has 7 bytes, its pixels need 8"},
        {{278, 4, 1, 1}, "needs 2 strips, but lists 1"},
        {{279, 12, 1, 8}, "type 12 where unsigned"},
        {{256, 2, 1, 4}, "type 2 where unsigned"},
        {{256, 99, 1, 4}, "type 99"},
        {{256, 4, 0, 4}, "0 values"},
        {{273, 4, 1 << 30, 8}, "more than the file holds"},
        {{258, 3, 3, 60000}, "lie outside the file"},
        {{322, 4, 1, 16}, "0 offsets"}, /* a tile without height */
    };
    (void)state;
    for (size_t i = 0; i + 1 < sizeof cases / sizeof cases[0]; i++)
        assert_refused(make_one(&(page){4, 2, .data = bytes16, .data_bytes = 8, .more = {cases[i].changed}}),
                       PEA_E_FORMAT, cases[i].words);
    assert_refused(make_one(&(page){4, 2, .data = bytes16, .data_bytes = 8, .more = {{322, 4, 1, 16}}}), PEA_E_FORMAT,
                   "claims 4 x 2 pixels");
    assert_refused(make_one(&(page){4, 2, .compression = 5, .data = bytes16, .data_bytes = 8, .more = {{279, 4, 1, 0}}}),
                   PEA_E_FORMAT, "empty");
    /* more tiles than can be counted: 2^62 pixels of 4 samples, each in a tile of its own */
    assert_refused(make_one(&(page){INT32_MAX, INT32_MAX, .samples = 4, .planar = 2, .data = bytes16, .data_bytes = 8,
                                    .more = {{322, 4, 1, 1}, {323, 4, 1, 1}, {324, 4, 1, 8}, {325, 4, 1, 8}}}),
                   PEA_E_LIMIT, "pixels");
}

static void missing_or_generous_byte_counts_of_plain_strips_are_tolerated(void **state)
{
    (void)state;
    assert_reads(make_one(&(page){2, 1, .data = bytes16, .data_bytes = 2, .more = {{279, 4, 1, 0}}}), 0,
                 (double[]){0, 1}, 2);
    assert_reads(make_one(&(page){2, 1, .data = bytes16, .data_bytes = 2, .more = {{279, 4, 1, 99999}}}), 0,
                 (double[]){0, 1}, 2);
    /* tag 279 renamed to one nobody knows */
    maker *m = make_one(&(page){2, 1, .data = bytes16, .data_bytes = 2});
    for (size_t i = 10; i < m->n; i++)
        if (m->bytes[i] == (279 & 255) && m->bytes[i + 1] == 279 >> 8 && m->bytes[i + 2] == 4) {
            put_at(m, i, 40000, 2);
            break;
        }
    assert_reads(m, 0, (double[]){0, 1}, 2);
}

static void compressed_bytes_that_cannot_suffice_are_refused(void **state)
{
    (void)state;
    assert_refused(make_one(&(page){1000, 10, .compression = 8, .data = bytes16, .data_bytes = 8}), PEA_E_FORMAT,
                   "8 compressed bytes cannot become the 10000");
    assert_refused(make_one(&(page){100, 10, .compression = 32773, .data = bytes16, .data_bytes = 8}), PEA_E_FORMAT,
                   "cannot become");
}

static void packed_runs_may_cross_rows(void **state)
{
    (void)state;
    /* Three runs of 8 pixels in rows of 6, and one more, which by rows would fill in for what libtiff drops. */
    const page p = {6, 4, .compression = 32773, .data = "\xf9\1\xf9\2\xf9\3\xf9\4", .data_bytes = 8};
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        maker *m = make_one(&p);
        pea_image *image = NULL;
        pea_error err;
        double values[4096];
        assert_ok(open_made(m, PEA_IMAGE_INTENSITY, &image, &err));
        if (by_rows) /* as strips of a large file would be */
            pea__image_decode_by_rows(image);
        assert_int_equal(all_values(image, values), 24);
        for (int i = 0; i < 24; i++)
            assert_int_equal((int)values[i], 1 + i / 8);
        pea_image_close(image);
        free(m);
    }
}

static void damaged_compressed_data_is_said_when_reading(void **state)
{
    static const int codecs[] = {5, 7, 8, 32946, 32773, 34925, 50000, 50001, 34887, 3, 4};
    (void)state;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        const bool fax = codecs[i] < 5;
        maker *m = make_one(&(page){fax ? 800 : 3, 40, fax ? 1 : 8, codecs[i] == 50001 ? 3 : 1,
                                    .photometric = codecs[i] == 50001 ? 2 : 1, .compression = codecs[i],
                                    .data = "damaged damaged damaged", .data_bytes = 23});
        pea_image *image = NULL;
        pea_error err = {0};
        pea_volume volume = {0};
        if (open_made(m, PEA_IMAGE_INTENSITY, &image, &err) == PEA_OK) {
            const pea_status status = pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &volume, &err);
            if (!fax) /* fax data has no wrong form, only wrong pictures */
                assert_int_equal(status, PEA_E_FORMAT);
            pea_volume_free(&volume);
            pea_image_close(image);
        } else {
            assert_non_null(strstr(err.message, "which we do not read")); /* a libtiff without this codec */
        }
        free(m);
    }
}

/* Files of 16 x 16 pixels from libtiff: byte i of the pixels is 7 i modulo 256 unless said. */
static double codec_value(const char *name, int64_t i)
{
    if (strstr(name, "lzma"))
        return (double)((14 * i) % 256 + 256 * ((14 * i + 7) % 256));
    if (strstr(name, "float"))
        return (double)i / 2;
    if (strstr(name, "ccitt")) /* bit i; white is zero in these */
        return 1 - (double)(((i / 8 * 7) % 256 >> (7 - i % 8)) & 1);
    if (strstr(name, "rgba"))
        return (double)((i / 3 * 4 + i % 3) * 7 % 256);
    if (strstr(name, "jpeg-grey"))
        return (double)(i / 16 * 8);
    if (strstr(name, "jpeg"))
        return (double)(i / 48 * 8);
    return (double)(i * 7 % 256);
}

static void every_codec_of_libtiff_is_read(void **state)
{
    static const char *const names[] = {"ccitt-g3", "ccitt-g4", "ccitt-rle", "jpeg-grey", "jpeg-rgb", "jpeg-ycbcr", "jpeg-ycbcr-444",
                                        "lerc", "lerc-float", "lzma", "lzw", "webp", "webp-rgba"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[1024];
        pea_image *image = NULL;
        pea_error err = {0};
        double values[4096];
        snprintf(path, sizeof path, CODECS "%s.tif", names[i]);
        if (pea_image_open(path, PEA_IMAGE_INTENSITY, &image, &err) != PEA_OK) {
            if (!strstr(err.message, "which we do not read"))
                fail_msg("%s", err.message);
            print_message("%s: this libtiff lacks the codec, skipped\n", names[i]);
            continue;
        }
        const int64_t n = all_values(image, values);
        const double tolerance = strstr(names[i], "jpeg") ? 4 : 0;
        for (int64_t k = 0; k < n; k++)
            if (values[k] - codec_value(names[i], k) > tolerance || codec_value(names[i], k) - values[k] > tolerance)
                fail_msg("%s: value %d is %g, expected %g", names[i], (int)k, values[k], codec_value(names[i], k));
        pea_image_close(image);
    }
}

/* Bytes this process has held at most, libraries' memory included. */
static int64_t peak_bytes(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (int64_t)usage.ru_maxrss * 1024;
}

static void tables_of_jpeg_are_checked(void **state)
{
    (void)state;
    assert_refused(make_one(&(page){4, 2, .compression = 7, .data = bytes16, .data_bytes = 8, .more = {{347, 3, 1, 8}}}),
                   PEA_E_FORMAT, "JPEG tables of 1");
    assert_refused(make_one(&(page){2, 2, .samples = 3, .compression = 7, .photometric = 6, .data = bytes16, .data_bytes = 8,
                                    .more = {{530, 3, 2, 3}}}), PEA_E_FORMAT, "subsampling 3");
    assert_refused(make_one(&(page){2, 2, .samples = 3, .photometric = 6, .data = bytes16, .data_bytes = 12}), PEA_E_FORMAT,
                   "colour model 6");
}

static void description_of_more_than_sixteen_megabytes_is_refused(void **state)
{
    enum { SIZE = 18 << 20 };
    unsigned char *bytes = calloc(SIZE, 1);
    maker *m = make_one(&(page){2, 2, .data = bytes16, .data_bytes = 4, .more = {{270, 2, 17 << 20, 1 << 20}}});
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, m->bytes, m->n);
    assert_fails(pea__image_open_reader(pea__reader_memory(bytes, SIZE), 0, 0, &image, &err), PEA_E_LIMIT, "description");
    free(m);
    free(bytes);
}

/* Somebody else cuts the file between opening and reading: an error, not a signal. */
static void file_cut_while_open_is_noticed(void **state)
{
    static const char *const names[] = {"codecs/lzw.tif", "plain/base-u8.tif"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char from[1024], path[1024], *bytes;
        size_t n;
        pea_error err;
        pea_image *image = NULL;
        pea_volume volume = {0};
        const char *folder = getenv("TMPDIR");
        snprintf(from, sizeof from, PEA_TESTDATA "/tiff/%s", names[i]);
        snprintf(path, sizeof path, "%s/pea-cut-XXXXXX", folder ? folder : "/tmp");
        const int fd = mkstemp(path);
        assert_true(fd >= 0);
        bytes = test_read_file(from, &n);
        assert_int_equal(write(fd, bytes, n), n);
        free(bytes);
        pea_status status = pea_image_open(path, PEA_IMAGE_INTENSITY, &image, &err);
        unlink(path);
        assert_int_equal(status, PEA_OK);
        assert_int_equal(ftruncate(fd, 20), 0);
        close(fd);
        assert_fails(pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &volume, &err), PEA_E_FORMAT, "ends early");
        assert_null(volume.array.data);
        pea_image_close(image);
    }
}

static void lzma_dictionary_of_four_gigabytes_is_refused(void **state)
{
    char *bytes;
    size_t n;
    pea_error err;
    pea_image *image = NULL;
    pea_volume volume = {0};
    (void)state;
    bytes = test_read_file(CODECS "lzma.tif", &n);
    /* xz: 12 bytes of stream header; block header: size, flags (two filters), delta 03 01 01, LZMA2 21 01 <dictionary> */
    size_t at = 0;
    while (at + 24 < n && memcmp(bytes + at, "\xfd" "7zXZ", 6) != 0)
        at++;
    assert_int_equal((unsigned char)bytes[at + 17], 0x21);
    bytes[at + 19] = 40;
    if (pea__image_open_reader(pea__reader_memory(bytes, n), 0, 0, &image, &err) == PEA_OK) { /* this libtiff has LZMA */
        assert_fails(pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &volume, &err), PEA_E_LIMIT, "dictionary");
        pea_image_close(image);
    }
    free(bytes);
}

static void zstd_window_of_every_frame_is_checked(void **state)
{
    /* an empty frame of one raw block; then one that asks for 128 MiB; then one of a single segment of 1 GiB */
    static const unsigned char frames[][13] = {
        {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x01, 0x00, 0x00},
        {0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00},
        {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0x00, 0x00, 0x40, 0x01, 0x00, 0x00},
    };
    (void)state;
    for (int k = 1; k < 3; k++) {
        unsigned char data[32] = {0};
        memcpy(data, frames[0], 9);
        memcpy(data + 9, frames[k], 12);
        maker *m = make_one(&(page){3, 2, .compression = 50000, .data = data, .data_bytes = 9 + (k == 1 ? 9 : 12)});
        pea_image *image = NULL;
        pea_error err;
        pea_volume volume = {0};
        if (open_made(m, 0, &image, &err) == PEA_OK) { /* this libtiff has ZSTD */
            assert_fails(pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &volume, &err), PEA_E_LIMIT,
                         k == 1 ? "134217728 bytes" : "1073741824 bytes");
            pea_image_close(image);
        }
        free(m);
    }
}

static void four_thousand_tags_on_the_same_megabyte_cost_nothing(void **state)
{
    enum { N_TAGS = 500, N_PAGES = 8, PAYLOAD = 900000 }; /* 4000 unknown tags, each of 900 KB */
    const size_t size = PAYLOAD + N_PAGES * (N_TAGS * 12 + 6) + 1000;
    unsigned char *bytes = calloc(size, 1);
    size_t at = 8;
    pea_error err;
    pea_image *image = NULL;
    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, "II*\0\x08\0\0\0", 8);
    for (int p = 0; p < N_PAGES; p++) {
        maker *m = calloc(1, sizeof *m);
        tag tags[N_TAGS] = {{256, 4, 1, 1}, {257, 4, 1, 1}, {258, 3, 1, 8},  {259, 3, 1, 8}, {262, 3, 1, 1},
                            {273, 4, 1, 8}, {277, 3, 1, 1}, {278, 4, 1, 1}, {279, 4, 1, 8}};
        for (int i = 9; i < N_TAGS; i++)
            tags[i] = (tag){(unsigned)(40000 + i), 7, PAYLOAD, (uint32_t)(size - PAYLOAD)};
        m->n = 0;
        m->link_at = 60000;
        make_directory(m, tags, N_TAGS);
        if (p + 1 < N_PAGES)
            put_at(m, m->link_at, (uint32_t)(at + m->n), 4);
        memcpy(bytes + at, m->bytes, m->n);
        at += m->n;
        free(m);
    }
    const int64_t before = peak_bytes(); /* libtiff 4.5 left alone with this file takes 3.7 GB */
    assert_ok(pea__image_open_reader(pea__reader_memory(bytes, size), PEA_IMAGE_INTENSITY, 0, &image, &err));
    assert_int_equal(pea_image_get_info(image).dims.z, N_PAGES);
    pea_volume volume = {0};
    assert_fails(pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &volume, &err), PEA_E_FORMAT, "Deflate");
    assert_true(peak_bytes() - before < 16 << 20);
    pea_image_close(image);
    free(bytes);
}

static void tag_values_larger_than_the_file_together_are_refused(void **state)
{
    enum { SIZE = 1 << 20, N_PAGES = 600 }; /* each page lists the same 100 000 strips */
    unsigned char *bytes = calloc(SIZE, 1);
    size_t at = 8;
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, "II*\0\x08\0\0\0", 8);
    for (int p = 0; p < N_PAGES; p++) {
        maker *m = calloc(1, sizeof *m);
        const tag tags[] = {{256, 4, 1, 1}, {257, 4, 1, 100000}, {258, 3, 1, 8}, {273, 3, 100000, SIZE - 200000},
                            {277, 3, 1, 1}, {278, 4, 1, 1},      {279, 3, 100000, SIZE - 200000}};
        m->link_at = 60000;
        make_directory(m, tags, 7);
        put_at(m, m->link_at, (uint32_t)(at + m->n), 4);
        memcpy(bytes + at, m->bytes, m->n);
        at += m->n;
        free(m);
    }
    assert_fails(pea__image_open_reader(pea__reader_memory(bytes, SIZE), PEA_IMAGE_INTENSITY, 0, &image, &err),
                 PEA_E_LIMIT, "claim more bytes than the file has");
    free(bytes);
}

static void circles_of_any_length_end(void **state)
{
    (void)state;
    for (int length = 1; length <= 9; length++)
        for (int back = 0; back < length; back++) {
            maker *m = make_begin();
            uint32_t start[9];
            for (int i = 0; i < length; i++) {
                make_page(m, &(page){2, 1, .data = bytes16, .data_bytes = 2});
                start[i] = (uint32_t)(m->link_at - 14 * 12 - 2);
            }
            put_at(m, m->link_at, start[back], 4);
            assert_refused(m, PEA_E_FORMAT, "circle");
        }
}

static void directories_too_long_or_too_many_are_refused(void **state)
{
    static tag many[600];
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    for (unsigned i = 0; i < 600; i++)
        many[i] = (tag){40000 + i, 4, 1, 0};
    maker *m = make_begin();
    make_directory(m, many, 513);
    assert_refused(m, PEA_E_LIMIT, "513 tags");
    m = make_begin();
    make_directory(m, many, 0);
    assert_refused(m, PEA_E_FORMAT, "0 tags");

    enum { N = 65537, EACH = 2 + 9 * 12 + 4 };
    unsigned char *bytes = calloc(8 + (size_t)N * EACH, 1);
    assert_non_null(bytes);
    memcpy(bytes, "II*\0\x08\0\0\0", 8);
    const tag tags[] = {{256, 4, 1, 1}, {257, 4, 1, 1}, {258, 3, 1, 8}, {259, 3, 1, 1}, {262, 3, 1, 1},
                        {273, 4, 1, 0}, {277, 3, 1, 1}, {278, 4, 1, 1}, {279, 4, 1, 1}};
    for (size_t p = 0; p < N; p++) {
        m = make_begin();
        m->n = 0;
        make_directory(m, tags, 9);
        put_at(m, m->link_at, p + 1 < N ? (uint32_t)(8 + (p + 1) * EACH) : 0, 4);
        memcpy(bytes + 8 + p * EACH, m->bytes, EACH);
        if (p == 0) /* the header's link was overwritten while making */
            memcpy(bytes + 4, "\x08\0\0\0", 4);
        bytes[8 + p * EACH] = 9;
        free(m);
    }
    assert_fails(pea__image_open_reader(pea__reader_memory(bytes, 8 + (size_t)N * EACH), PEA_IMAGE_INTENSITY, 0, &image, &err),
                 PEA_E_LIMIT, "more than 65536 pages");
    memset(bytes + 8 + 65535 * (size_t)EACH + EACH - 4, 0, 4); /* one less is well */
    assert_ok(pea__image_open_reader(pea__reader_memory(bytes, 8 + (size_t)N * EACH), PEA_IMAGE_INTENSITY, 0, &image, &err));
    assert_int_equal(pea_image_get_info(image).dims.z, 65536);
    pea_image_close(image);
    free(bytes);
}

static void headers_that_lie_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } cases[] = {
        {"II*\0\0\0\0\0", 8, "first directory"},
        {"II*\0\xff\xff\xff\xff", 8, "first directory"},
        {"MM\0*\0\0\0\x08", 8, "ends early"},
        {"II+\0\x08\0\0\0", 8, "ends early"},
        {"II+\0\x04\0\0\0\x10\0\0\0\0\0\0\0", 16, "8-byte offsets"},
        {"II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16, "first directory"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pea_image *image = NULL;
        pea_error err;
        assert_fails(pea__image_open_reader(pea__reader_memory(cases[i].bytes, cases[i].n), 0, 0, &image, &err),
                     PEA_E_FORMAT, cases[i].words);
    }
}

static void resolution_is_micrometres(void **state)
{
    static const struct {
        uint32_t unit, over, under;
        double x;
        const char *name;
    } cases[] = {
        {3, 20000, 1, 0.5, "um"}, {2, 25400, 1, 1, "um"}, {2, 72, 1, 1, "pixel"}, {1, 4, 1, 1, "pixel"},
        {3, 0, 1, 1, "pixel"},    {3, 1, 0, 1, "pixel"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        maker *m = make_begin();
        append(m, &cases[i].over, 4); /* the machine that runs this is little-endian, or the test is skipped */
        append(m, &cases[i].under, 4);
        make_page(m, &(page){1, 1, .data = bytes16, .data_bytes = 1,
                             .more = {{282, 5, 1, 8}, {283, 5, 1, 8}, {296, 3, 1, cases[i].unit}}});
        if (m->bytes[8] != (cases[i].over & 255))
            skip();
        pea_image *image = NULL;
        pea_error err;
        assert_ok(open_made(m, PEA_IMAGE_INTENSITY, &image, &err));
        const pea_calibration c = pea_image_get_info(image).calibration;
        assert_true(c.x == cases[i].x && c.y == cases[i].x && c.z == 1);
        assert_string_equal(c.unit, cases[i].name);
        pea_image_close(image);
        free(m);
    }
}

static void callers_limit_of_pixels_holds(void **state)
{
    maker *m = make_one(&(page){4, 4, .data = bytes16, .data_bytes = 16});
    pea_image *image = NULL;
    pea_error err;
    (void)state;
    assert_fails(pea__image_open_reader(pea__reader_memory(m->bytes, m->n), 0, 15, &image, &err), PEA_E_LIMIT, "4 x 4");
    assert_ok(pea__image_open_reader(pea__reader_memory(m->bytes, m->n), 0, 16, &image, &err));
    pea_image_close(image);
    free(m);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_sample_type_is_read),
    cmocka_unit_test(half_precision_keeps_infinity_and_nan),
    cmocka_unit_test(bits_of_one_two_and_four_are_numbers_from_zero),
    cmocka_unit_test(white_is_zero_inverts_unsigned_numbers_only),
    cmocka_unit_test(palette_is_luminance_for_intensities_and_index_for_labels),
    cmocka_unit_test(palette_that_rises_or_falls_is_display_alone),
    cmocka_unit_test(palette_of_sixteen_bits_is_mapped),
    cmocka_unit_test(alpha_and_extra_samples_of_rgb_are_dropped),
    cmocka_unit_test(single_channel_of_interleaved_pixels_is_taken_out),
    cmocka_unit_test(pages_without_metadata_are_slices_and_reduced_copies_are_skipped),
    cmocka_unit_test(page_that_differs_is_named),
    cmocka_unit_test(what_we_do_not_read_is_said),
    cmocka_unit_test(wrong_structure_is_said),
    cmocka_unit_test(missing_or_generous_byte_counts_of_plain_strips_are_tolerated),
    cmocka_unit_test(compressed_bytes_that_cannot_suffice_are_refused),
    cmocka_unit_test(packed_runs_may_cross_rows),
    cmocka_unit_test(damaged_compressed_data_is_said_when_reading),
    cmocka_unit_test(every_codec_of_libtiff_is_read),
    cmocka_unit_test(tables_of_jpeg_are_checked),
    cmocka_unit_test(description_of_more_than_sixteen_megabytes_is_refused),
    cmocka_unit_test(file_cut_while_open_is_noticed),
    cmocka_unit_test(lzma_dictionary_of_four_gigabytes_is_refused),
    cmocka_unit_test(zstd_window_of_every_frame_is_checked),
    cmocka_unit_test(four_thousand_tags_on_the_same_megabyte_cost_nothing),
    cmocka_unit_test(tag_values_larger_than_the_file_together_are_refused),
    cmocka_unit_test(circles_of_any_length_end),
    cmocka_unit_test(directories_too_long_or_too_many_are_refused),
    cmocka_unit_test(headers_that_lie_are_refused),
    cmocka_unit_test(resolution_is_micrometres),
    cmocka_unit_test(callers_limit_of_pixels_holds),
};

PEA_TEST_MAIN(tests)
