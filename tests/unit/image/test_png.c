/* test_png.c - PNGs of all forms are read, pictures are written, and damage is said.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"
#include "own_path.h"
#include "test.h"

#include <unistd.h>
#include <zlib.h>

/* ---- making ---- */

typedef struct png {
    unsigned char bytes[8192];
    size_t n;
} png;

static void put_32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void chunk(png *p, const char *type, const void *data, size_t n)
{
    unsigned char *at = p->bytes + p->n;
    assert_true(p->n + n + 12 <= sizeof p->bytes);
    put_32(at, (uint32_t)n);
    memcpy(at + 4, type, 4);
    if (n)
        memcpy(at + 8, data, n);
    put_32(at + 8 + n, (uint32_t)crc32(0, at + 4, (uInt)n + 4));
    p->n += n + 12;
}

/* `rows` has a filter byte before each row. */
static png *made(uint32_t x, uint32_t y, int bits, int color, const void *palette, size_t palette_bytes, const void *rows,
                 size_t n)
{
    png *p = calloc(1, sizeof *p);
    unsigned char head[13] = {0}, packed[4096];
    uLongf n_packed = sizeof packed;
    assert_non_null(p);
    memcpy(p->bytes, "\x89PNG\r\n\x1a\n", 8);
    p->n = 8;
    put_32(head, x);
    put_32(head + 4, y);
    head[8] = (unsigned char)bits;
    head[9] = (unsigned char)color;
    chunk(p, "IHDR", head, 13);
    chunk(p, "tEXt", "Title\0nobody", 12);
    if (palette)
        chunk(p, "PLTE", palette, palette_bytes);
    assert_int_equal(compress(packed, &n_packed, rows, n), Z_OK);
    chunk(p, "IDAT", packed, n_packed);
    chunk(p, "IEND", NULL, 0);
    return p;
}

static void assert_reads(png *p, pea_image_use use, int64_t channel, pea_dtype dtype, const double *expected, int64_t n)
{
    pea_image *image = NULL;
    pea_error err;
    pea_volume v = {0};
    assert_ok(pea__image_open_reader(pea__reader_memory(p->bytes, p->n), use, 0, &image, &err));
    assert_int_equal(pea_image_get_info(image).dtype, dtype);
    assert_string_equal(pea_image_get_info(image).format, "PNG");
    assert_ok(pea_image_read(image, (pea_image_part){.channel = channel}, NULL, &v, &err));
    assert_int_equal(v.array.dims.y * v.array.dims.x * v.array.dims.c, n);
    for (int64_t i = 0; i < n; i++)
        if (pea__array_value(&v.array, i) != expected[i])
            fail_msg("value %d is %g, expected %g", (int)i, pea__array_value(&v.array, i), expected[i]);
    pea_volume_free(&v);
    pea_image_close(image);
    free(p);
}

/* ---- reading ---- */

static void grey_of_every_depth_is_the_number_stored(void **state)
{
    (void)state;
    assert_reads(made(3, 2, 1, 0, NULL, 0, "\0\xa0\0\x40", 4), 0, -1, PEA_UINT8, (double[]){1, 0, 1, 0, 1, 0}, 6);
    assert_reads(made(3, 1, 2, 0, NULL, 0, "\0\x1b", 2), 0, -1, PEA_UINT8, (double[]){0, 1, 2}, 3);
    assert_reads(made(3, 1, 4, 0, NULL, 0, "\0\xf1\x80", 3), 0, -1, PEA_UINT8, (double[]){15, 1, 8}, 3);
    assert_reads(made(2, 1, 8, 0, NULL, 0, "\0\xff\x03", 3), 0, -1, PEA_UINT8, (double[]){255, 3}, 2);
    assert_reads(made(2, 1, 16, 0, NULL, 0, "\0\x01\x02\xff\xfe", 5), 0, -1, PEA_UINT16, (double[]){258, 65534}, 2);
}

static void colours_are_channels_and_alpha_is_dropped(void **state)
{
    (void)state;
    assert_reads(made(2, 1, 8, 2, NULL, 0, "\0\1\2\3\4\5\6", 7), 0, -1, PEA_UINT8, (double[]){1, 2, 3, 4, 5, 6}, 6);
    assert_reads(made(2, 1, 8, 2, NULL, 0, "\0\1\2\3\4\5\6", 7), 0, 1, PEA_UINT8, (double[]){2, 5}, 2);
    assert_reads(made(2, 1, 8, 6, NULL, 0, "\0\1\2\3\x80\4\5\6\xff", 9), 0, -1, PEA_UINT8, (double[]){1, 2, 3, 4, 5, 6}, 6);
    assert_reads(made(2, 1, 8, 4, NULL, 0, "\0\7\x80\x09\xff", 5), 0, -1, PEA_UINT8, (double[]){7, 9}, 2);
    assert_reads(made(1, 1, 16, 2, NULL, 0, "\0\1\0\0\2\1\1", 7), 0, 2, PEA_UINT16, (double[]){257}, 1);
}

static void palette_is_index_for_labels_and_luminance_for_intensities(void **state)
{
    static const unsigned char colors[] = {0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 255};
    (void)state;
    assert_reads(made(4, 1, 8, 3, colors, 12, "\0\0\1\2\3", 5), PEA_IMAGE_LABELS, -1, PEA_UINT8, (double[]){0, 1, 2, 3}, 4);
    assert_reads(made(4, 1, 8, 3, colors, 12, "\0\0\1\2\3", 5), PEA_IMAGE_INTENSITY, -1, PEA_UINT8,
                 (double[]){0, 76, 150, 255}, 4);
    assert_reads(made(4, 1, 2, 3, colors, 12, "\0\x1b", 2), PEA_IMAGE_LABELS, -1, PEA_UINT8, (double[]){0, 1, 2, 3}, 4);
    assert_reads(made(2, 1, 4, 3, colors, 6, "\0\x1f", 2), PEA_IMAGE_INTENSITY, -1, PEA_UINT8, (double[]){76, 0}, 2);
}

/* As in TIFF: blue has 29 steps of luminance; the 256 of the numbers must not be lost. */
static void palette_that_rises_or_falls_is_display_alone(void **state)
{
    unsigned char colors[3 * 256] = {0};
    (void)state;
    for (int falls = 0; falls < 2; falls++) {
        for (int i = 0; i < 256; i++)
            colors[3 * i + 2] = (unsigned char)(falls ? 255 - i : i);
        const double *expected = falls ? (double[]){255, 248, 247, 0} : (double[]){0, 7, 8, 255};
        assert_reads(made(4, 1, 8, 3, colors, 768, "\0\0\7\10\xff", 5), PEA_IMAGE_INTENSITY, -1, PEA_UINT8, expected, 4);
        assert_reads(made(4, 1, 8, 3, colors, 768, "\0\0\7\10\xff", 5), PEA_IMAGE_LABELS, -1, PEA_UINT8,
                     (double[]){0, 7, 8, 255}, 4);
    }
    assert_reads(made(3, 1, 8, 3, "\0\0\0\0\0\200\0\0\377", 9, "\0\0\1\2", 4), PEA_IMAGE_INTENSITY, -1, PEA_UINT8,
                 (double[]){0, 15, 29}, 3); /* of fewer colours luminance counts */
}

static void open_memory(const png *p, pea_status expected, const char *words)
{
    pea_image *image = NULL;
    pea_error err;
    assert_fails(pea__image_open_reader(pea__reader_memory(p->bytes, p->n), 0, 0, &image, &err), expected, words);
}

static void sizes_that_the_file_cannot_hold_are_refused(void **state)
{
    (void)state;
    png *p = made(900000, 900000, 16, 2, NULL, 0, "\0\0", 2);
    open_memory(p, PEA_E_LIMIT, "900000 x 900000 pixels are too many");
    free(p);
    p = made(2000000, 1, 8, 0, NULL, 0, "\0\0", 2); /* libpng's own limit */
    open_memory(p, PEA_E_FORMAT, "the PNG cannot be decoded");
    free(p);
    p = made(0, 1, 8, 0, NULL, 0, "\0\0", 2);
    open_memory(p, PEA_E_FORMAT, "the PNG cannot be decoded");
    free(p);
}

static void every_prefix_and_every_bit_flip_ends_well(void **state)
{
    static const unsigned char colors[] = {0, 0, 0, 255, 0, 0};
    const size_t live = pea__alloc_live();
    (void)state;
    png *p = made(5, 3, 8, 3, colors, 6, "\0\0\1\0\1\0\1\1\1\0\0\0\2\0\0\0\1\1", 18);
    for (size_t k = 0; k < p->n + 8 * p->n; k++) {
        unsigned char copy[8192];
        const size_t n = k < p->n ? k : p->n;
        memcpy(copy, p->bytes, p->n);
        if (k >= p->n)
            copy[(k - p->n) / 8] ^= (unsigned char)(1 << (k % 8));
        pea_image *image = NULL;
        pea_error err = {0};
        pea_volume v = {0};
        if (pea__image_open_reader(pea__reader_memory(copy, n), 0, 0, &image, &err) == PEA_OK)
            (void)pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &v, &err);
        else
            assert_true(err.message[0] != '\0');
        assert_true(k >= p->n || err.status != PEA_OK); /* no prefix is a whole image */
        pea_volume_free(&v);
        pea_image_close(image);
    }
    free(p);
    assert_int_equal(pea__alloc_live(), live);
}

/* ---- writing ---- */

static void pictures_come_back_as_they_were(void **state)
{
    unsigned char pixels[7 * 5 * 3];
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 37);
    for (int64_t c = 1; c <= 3; c += 2) {
        const pea_array picture = {pixels, PEA_UINT8, {1, 5, 7, c}};
        pea_image *image = NULL;
        pea_volume v = {0};
        assert_ok(pea_png_write(path, &picture, NULL, &err));
        assert_ok(pea_image_open(path, PEA_IMAGE_INTENSITY, &image, &err));
        assert_int_equal(pea_image_get_info(image).is_rgb, c == 3);
        assert_ok(pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &v, &err));
        assert_int_equal(v.array.dims.c, c);
        assert_memory_equal(v.array.data, pixels, (size_t)(35 * c));
        pea_volume_free(&v);
        pea_image_close(image);
    }
}

static void what_is_no_picture_is_refused(void **state)
{
    unsigned char pixels[8] = {0};
    pea_error err;
    (void)state;
    assert_fails(pea_png_write(path, &(pea_array){pixels, PEA_UINT8, {2, 2, 2, 1}}, NULL, &err), PEA_E_SHAPE, "2 planes");
    assert_fails(pea_png_write(path, &(pea_array){pixels, PEA_UINT8, {1, 2, 2, 2}}, NULL, &err), PEA_E_SHAPE, "planes of 2");
    assert_fails(pea_png_write(path, &(pea_array){pixels, PEA_UINT16, {1, 2, 2, 1}}, NULL, &err), PEA_E_DTYPE, "uint8");
    assert_fails(pea_png_write(NULL, &(pea_array){pixels, PEA_UINT8, {1, 2, 2, 1}}, NULL, &err), PEA_E_ARG, "path");
    assert_fails(pea_png_write("/nowhere/x.png", &(pea_array){pixels, PEA_UINT8, {1, 2, 2, 1}}, NULL, &err), PEA_E_IO, "/nowhere");
    assert_int_not_equal(access(path, F_OK), 0);
}

typedef struct rows {
    int64_t next, stop_at;
} rows;

static pea_status give_row(void *user, int64_t y, uint8_t *row, pea_error *error)
{
    rows *r = user;
    assert_int_equal(y, r->next++);
    row[0] = (uint8_t)y;
    row[1] = (uint8_t)(2 * y);
    return y == r->stop_at ? pea__fail(error, PEA_E_LIMIT, "row %d is too much", (int)y) : PEA_OK;
}

static void rows_are_asked_for_in_order(void **state)
{
    (void)state;
    pea_error err;
    rows r = {.stop_at = 3};
    assert_fails(pea_png_write_rows(path, (pea_dims){1, 5, 2, 1}, give_row, &r, NULL, &err), PEA_E_LIMIT, "row 3 is");
    r = (rows){.stop_at = -1};
    assert_ok(pea_png_write_rows(path, (pea_dims){1, 5, 2, 1}, give_row, &r, NULL, &err));
    assert_int_equal(r.next, 5);
    pea_image *image;
    pea_volume read;
    assert_ok(pea_image_open(path, PEA_IMAGE_INTENSITY, &image, &err));
    assert_ok(pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &read, &err));
    for (int i = 0; i < 10; i++)
        assert_int_equal(((uint8_t *)read.array.data)[i], i / 2 * (i % 2 + 1));
    pea_volume_free(&read);
    pea_image_close(image);
    unlink(path);
    assert_fails(pea_png_write_rows(path, (pea_dims){1, 0, 2, 1}, give_row, &r, NULL, &err), PEA_E_SHAPE, "one plane");
    assert_fails(pea_png_write_rows(path, (pea_dims){1, 5, 2, 1}, NULL, &r, NULL, &err), PEA_E_ARG, "rows");
}

static pea_status write_png(void *picture, pea_error *err)
{
    unlink(path);
    const pea_status status = pea_png_write(path, picture, NULL, err);
    assert_int_equal(access(path, F_OK) == 0, status == PEA_OK);
    return status;
}

static void every_failing_allocation_leaves_no_file_and_no_memory(void **state)
{
    unsigned char pixels[12] = {0};
    pea_array picture = {pixels, PEA_UINT8, {1, 2, 2, 3}};
    (void)state;
    test_each_allocation_failing(write_png, &picture, 100);
    unlink(path);
}

static pea_status read_png(void *made_png, pea_error *err)
{
    const png *p = made_png;
    pea_image *image = NULL;
    pea_volume v = {0};
    pea_status status = pea__image_open_reader(pea__reader_memory(p->bytes, p->n), 0, 0, &image, err);
    if (status == PEA_OK)
        status = pea_image_read(image, (pea_image_part){.channel = 0}, NULL, &v, err);
    pea_volume_free(&v);
    pea_image_close(image);
    return status;
}

static void every_failing_allocation_while_reading_is_said(void **state)
{
    (void)state;
    png *p = made(2, 1, 8, 2, NULL, 0, "\0\1\2\3\4\5\6", 7);
    test_each_allocation_failing(read_png, p, 100);
    free(p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(rows_are_asked_for_in_order, choose_path, remove_path),
    cmocka_unit_test(grey_of_every_depth_is_the_number_stored),
    cmocka_unit_test(colours_are_channels_and_alpha_is_dropped),
    cmocka_unit_test(palette_is_index_for_labels_and_luminance_for_intensities),
    cmocka_unit_test(palette_that_rises_or_falls_is_display_alone),
    cmocka_unit_test(sizes_that_the_file_cannot_hold_are_refused),
    cmocka_unit_test(every_prefix_and_every_bit_flip_ends_well),
    cmocka_unit_test_setup_teardown(pictures_come_back_as_they_were, choose_path, remove_path),
    cmocka_unit_test_setup_teardown(what_is_no_picture_is_refused, choose_path, remove_path),
    cmocka_unit_test_setup_teardown(every_failing_allocation_leaves_no_file_and_no_memory, choose_path, remove_path),
    cmocka_unit_test(every_failing_allocation_while_reading_is_said),
};

PEA_TEST_MAIN(tests)
