/* test_progress.c - reading and writing large images is heard of, can be stopped, and leaves nothing half done.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "make_tiff.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[512], path[1024];

static int make_folder(void **state)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/pea-progress-XXXXXX", temporary ? temporary : "/tmp");
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/image.tif", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int count_files(void)
{
    DIR *directory = opendir(folder);
    int n = 0;
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));)
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(directory);
    return n;
}

static void save(const maker *m, off_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(m->bytes, 1, m->n, file), m->n);
    assert_int_equal(fclose(file), 0);
    if (size > 0)
        assert_int_equal(truncate(path, size), 0); /* the rest is a hole */
}

static pea_status read_all(void *unused, pea_context *context, pea_error *err)
{
    pea_image *image = NULL;
    pea_volume volume = {0};
    (void)unused;
    pea_status status = pea_image_open(path, PEA_IMAGE_INTENSITY, &image, err);
    if (status == PEA_OK)
        status = pea_image_read(image, (pea_image_part){.channel = -1}, context, &volume, err);
    pea_image_close(image);
    pea_volume_free(&volume);
    return status;
}

static void reading_a_large_stack_can_be_stopped(void **state)
{
    (void)state;
    const page p = {.x = 2048, .y = 2048, .bits = 16, .data = "", .data_bytes = 0, .rows = 2048,
                    .text = "ImageJ=1.53t\nimages=40\nslices=40\nloop=false\n",
                    .more = {{273, 4, 1, 4096}, {279, 4, 1, 2048 * 2048 * 2}}};
    maker *m = make_one(&p);
    save(m, (off_t)4096 + 40 * 2048 * 2048 * 2);
    assert_can_be_heard_and_stopped("read", read_all, NULL);
    free(m);
}

static void reading_a_page_in_one_packed_strip_can_be_stopped(void **state)
{
    enum { X = 16384, Y = 8192, FAX_4 = 4 };
    (void)state;
    unsigned char rows[Y / 8];
    memset(rows, 0xff, sizeof rows); /* each bit: a row like the one before, which is white */
    const page p = {.x = X, .y = Y, .bits = 1, .compression = FAX_4, .data = rows, .data_bytes = sizeof rows};
    maker *m = make_one(&p);
    save(m, 1 << 17); /* as many pixels as these are refused in a file of next to nothing */
    assert_can_be_heard_and_stopped("read", read_all, NULL);
    free(m);
}

static void reading_an_inverted_page_can_be_stopped(void **state)
{
    (void)state;
    const page p = {.x = 16384, .y = 8192, .photometric = -1, .data = "", .data_bytes = 0, .rows = 8192,
                    .more = {{273, 4, 1, 4096}, {279, 4, 1, 16384 * 8192}}};
    maker *m = make_one(&p);
    save(m, (off_t)4096 + 16384 * 8192);
    assert_can_be_heard_and_stopped("read", read_all, NULL);
    free(m);
}

static pea_status write_stack(void *voxels, pea_context *context, pea_error *err)
{
    const pea_calibration c = pea_calibration_default();
    return pea_labels_write(path, &(pea_array){voxels, PEA_UINT32, {12, 2048, 2048, 1}}, 1, &c, context, err);
}

static pea_status write_picture(void *voxels, pea_context *context, pea_error *err)
{
    return pea_png_write(path, &(pea_array){voxels, PEA_UINT8, {1, 3000, 4096, 3}}, context, err);
}

static void assert_stopped_writing_leaves_nothing(long_call *write, void *voxels)
{
    listener l = {.stop_at = 1};
    pea_error err;
    unlink(path);
    assert_int_equal(listen_to(&l, write, voxels, &err), PEA_E_CANCELLED);
    assert_int_equal(count_files(), 0);
    save(&(maker){.bytes = "older", .n = 5}, 0);
    l = (listener){.stop_at = 2};
    assert_int_equal(listen_to(&l, write, voxels, &err), PEA_E_CANCELLED);
    assert_int_equal(count_files(), 1);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 5);
}

static void stopped_writing_leaves_nothing_behind(void **state)
{
    uint8_t *voxels = malloc((size_t)12 * 2048 * 2048 * 4);
    assert_non_null(voxels);
    uint32_t x = 1;
    for (size_t i = 0; i < (size_t)12 * 2048 * 2048 * 4; i++)
        voxels[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    (void)state;
    assert_can_be_heard_and_stopped("write", write_stack, voxels);
    assert_stopped_writing_leaves_nothing(write_stack, voxels);
    assert_can_be_heard_and_stopped("write", write_picture, voxels);
    assert_stopped_writing_leaves_nothing(write_picture, voxels);
    free(voxels);
}

/* Every strip of a file by both ways of decoding. Returns how many strips there were. */
static int compare_decoders(const char *kind, const char *name)
{
    char sample[1024];
    pea__reader reader;
    pea__tiff tiff = {0};
    pea__notes notes = {0};
    pea_error err;
    int n = 0;
    snprintf(sample, sizeof sample, PEA_TESTDATA "/tiff/%s/%s", kind, name);
    if (pea__reader_open(sample, &reader, &err) != PEA_OK)
        return 0;
    if (pea__tiff_recognised(&reader) && pea__tiff_scan(&reader, 0, &tiff, &notes, &err) == PEA_OK)
        for (int64_t k = 0; k < tiff.n_pages; k++) {
            const pea__tiff_page *one = &tiff.pages[k];
            pea__tiff_decoder *whole, *rows;
            if (one->compression == 1 || !pea__tiff_row_by_row(one))
                continue;
            assert_ok(pea__tiff_decoder_open(&tiff, one, &whole, &err));
            assert_ok(pea__tiff_decoder_open(&tiff, one, &rows, &err));
            for (int64_t i = 0; i < one->n_blocks; i++, n++) {
                const pea__tiff_block block = pea__tiff_block_at(one, i);
                unsigned char *a = calloc(1, (size_t)block.size_bytes), *b = calloc(1, (size_t)block.size_bytes);
                assert_ok(pea__tiff_decode(whole, i, a, &err));
                for (int64_t y = 0, step; y < block.n_y; y += step) {
                    step = pea__min_i64(3, block.n_y - y);
                    assert_ok(pea__tiff_decode_rows(rows, i, y, step, b + y * block.row_bytes, &err));
                }
                if (memcmp(a, b, (size_t)block.size_bytes) != 0)
                    fail_msg("%s: strip %lld differs", name, (long long)i);
                free(a);
                free(b);
            }
            pea__tiff_decoder_close(whole);
            pea__tiff_decoder_close(rows);
        }
    pea__tiff_free(&tiff);
    pea__reader_close(&reader);
    return n;
}

static void rows_are_decoded_as_whole_strips_are(void **state)
{
    static const char *const kinds[] = {"codecs", "plain"};
    int n_files = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        char samples[1024];
        snprintf(samples, sizeof samples, PEA_TESTDATA "/tiff/%s", kinds[i]);
        DIR *directory = opendir(samples);
        assert_non_null(directory);
        for (const struct dirent *entry; (entry = readdir(directory));)
            n_files += compare_decoders(kinds[i], entry->d_name) > 0;
        closedir(directory);
    }
    assert_in_range(n_files, 20, 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(reading_a_large_stack_can_be_stopped, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(reading_a_page_in_one_packed_strip_can_be_stopped, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(reading_an_inverted_page_can_be_stopped, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(stopped_writing_leaves_nothing_behind, make_folder, remove_folder),
    cmocka_unit_test(rows_are_decoded_as_whole_strips_are),
};

PEA_TEST_MAIN(tests)
