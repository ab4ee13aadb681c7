/* test_damage.c - cut, flipped and starved: an image gives an error or numbers, never anything else.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"
#include "test.h"

#include <sys/resource.h>

#define SAMPLES PEA_TESTDATA "/tiff/"

static char *load(const char *name, size_t *n)
{
    char path[1024];
    snprintf(path, sizeof path, SAMPLES "%s", name);
    return test_read_file(path, n);
}

/* Open and read everything from a block of exactly n bytes, so that a sanitizer sees any step beyond it. */
static pea_status read_exactly(const char *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    pea_image *image = NULL;
    pea_error err = {0};
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    pea_status status = pea__image_open_reader(pea__reader_memory(copy, n), PEA_IMAGE_INTENSITY, 1 << 20, &image, &err);
    for (int64_t t = 0; status == PEA_OK && t < pea_image_get_info(image).n_frames; t++) {
        pea_volume v = {0};
        status = pea_image_read(image, (pea_image_part){.frame = t, .channel = -1}, NULL, &v, &err);
        assert_true((status == PEA_OK) == (v.array.data != NULL));
        pea_volume_free(&v);
    }
    assert_true(status == PEA_OK || err.message[0] != '\0');
    pea_image_close(image);
    free(copy);
    return status;
}

static const char *const some[] = {
    "plain/u8-packbits.tif",  "plain/u16-lzw-pred2.tif", "plain/u16-zstd-pred2.tif", "plain/f32-deflate-pred3.tif",
    "plain/u16-bigtiff.tif",  "plain/u16-tiled16.tif",   "plain/rgb8-planar.tif",    "imagej/hyperstack8-c2z3t2.tif",
    "imagej/ome-6planes.ome.tif", "imagej/python-default-zcyx-becomes-planar-rgb.tif", "codecs/jpeg-ycbcr.tif",
    "codecs/lzma.tif", "codecs/webp.tif", "codecs/lerc-float.tif", "codecs/ccitt-g4.tif",
};

enum { N_TRIES = 1000 }; /* of each file and kind; the fuzz targets do the rest */

static void prefixes_end_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        size_t n;
        char *bytes = load(some[i], &n);
        (void)read_exactly(bytes, n);
        for (size_t k = 0; k < n; k += 1 + n / N_TRIES)
            (void)read_exactly(bytes, k);
        free(bytes);
    }
}

static void bit_flips_end_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        size_t n;
        char *bytes = load(some[i], &n);
        for (size_t bit = 0; bit < 8 * n; bit += 1 + 8 * n / N_TRIES) {
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            (void)read_exactly(bytes, n);
            bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
        free(bytes);
    }
}

/* Where pixels or directories are missing at the end; the last bytes of these files are texts that we do not use. */
static void cut_pixels_are_noticed(void **state)
{
    static const char *const names[] = {"imagej/stack16-written-by-imagej.tif", "plain/base-u32.tif", "plain/u16-strips5rows.tif"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t n;
        char *bytes = load(names[i], &n);
        assert_int_equal(read_exactly(bytes, n), PEA_OK);
        for (size_t cut = 201; cut < n; cut += 13)
            assert_int_equal(read_exactly(bytes, n - cut), PEA_E_FORMAT);
        free(bytes);
    }
}

/* libtiff allocates by itself; ours are counted. */
static pea_status open_and_read(void *path, pea_error *err)
{
    pea_image *image = NULL;
    pea_volume v = {0};
    pea_status status = pea_image_open(path, PEA_IMAGE_INTENSITY, &image, err);
    if (status == PEA_OK)
        status = pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &v, err);
    pea_volume_free(&v);
    pea_image_close(image);
    return strstr(err->message, "which we do not read") ? PEA_OK : status;
}

static void every_failing_allocation_is_said_and_nothing_leaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        char path[1024];
        snprintf(path, sizeof path, SAMPLES "%s", some[i]);
        test_each_allocation_failing(open_and_read, path, 100);
    }
}

static int64_t peak_bytes(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (int64_t)usage.ru_maxrss * 1024;
}

static void hostile_files_take_little_memory(void **state)
{
    static const char *const names[] = {"hostile/giant.tif", "hostile/strips.tif", "hostile/loop.tif",
                                        "hostile/imagej-claims-30-has-3.tif", "hostile/imagej-pages-not-contiguous.tif"};
    (void)state;
    const int64_t before = peak_bytes();
    for (size_t i = 0; i < 5; i++) {
        size_t n;
        char *bytes = load(names[i], &n);
        (void)read_exactly(bytes, n);
        free(bytes);
    }
    assert_true(peak_bytes() - before < 16 << 20);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(hostile_files_take_little_memory),
    cmocka_unit_test(prefixes_end_well),
    cmocka_unit_test(bit_flips_end_well),
    cmocka_unit_test(cut_pixels_are_noticed),
    cmocka_unit_test(every_failing_allocation_is_said_and_nothing_leaks),
};

PEA_TEST_MAIN(tests)
