/* test_legacy.c - the legacy stream and what else a checkpoint may begin with.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

#define MAGIC "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define VERSION "\x80\2M\xe9\3."
#define LITTLE "\x80\2}X\x0d\0\0\0little_endian\x88s."
#define BIG "\x80\2}X\x0d\0\0\0little_endian\x89s."
#define BEGINNING MAGIC VERSION LITTLE
/* Legacy references have a sixth item. */
#define REFERENCE(type, key, numel, view) \
    "(X\7\0\0\0storagectorch\n" type "\nX\1\0\0\0" key "X\6\0\0\0cuda:0" numel view "tQ"
#define OBJECT(reference, offset, size, stride) "\x80\2}" KEY_A REBUILD reference offset size stride REBUILD_END "s."
#define SQUARE OBJECT(REFERENCE("FloatStorage", "7", "K\4", "N"), "K\0", "K\2K\2\x86", "K\2K\1\x86")
#define KEYS "\x80\2]X\1\0\0\0" "7a."
#define COUNT "\4\0\0\0\0\0\0\0"

static bytes stream(const void *pickles, size_t n)
{
    bytes b = {0};
    add(&b, pickles, n);
    add(&b, four_floats, 16);
    return b;
}

#define assert_stream_refused(literal, status, part)                                                                  \
    do {                                                                                                              \
        pea_weights *none_ = NULL;                                                                                    \
        const size_t live_ = pea__alloc_live();                                                                       \
        bytes b_ = stream(literal, sizeof(literal) - 1);                                                              \
        assert_fails(import_bytes(&b_, &none_, NULL, &err), status, part);                                            \
        assert_int_equal(pea__alloc_live(), live_);                                                                   \
        drop(&b_);                                                                                                    \
    } while (0)

static void an_honest_stream_is_read(void **state)
{
    pea_error err;
    pea_weights *w;
    (void)state;
    bytes b = stream(BEGINNING SQUARE KEYS COUNT, sizeof(BEGINNING SQUARE KEYS COUNT) - 1);
    assert_ok(import_bytes(&b, &w, NULL, &err));
    assert_tensor(w, 0, "a", PEA_FLOAT32, four_floats, 2, 2, 2);
    pea_weights_free(w);
    drop(&b);
}

static void big_endian_storages_are_turned_round(void **state)
{
    static const char *const counts[] = {COUNT, "\0\0\0\0\0\0\0\4"}; /* writers differ in this */
    pea_error err;
    pea_weights *w;
    (void)state;
    for (int i = 0; i < 2; i++) {
        bytes b = {0};
        ADD(&b, MAGIC VERSION BIG SQUARE KEYS);
        add(&b, counts[i], 8);
        for (size_t at = 0; at < 16; at++)
            add(&b, (const char *)four_floats + at / 4 * 4 + 3 - at % 4, 1);
        assert_ok(import_bytes(&b, &w, NULL, &err));
        assert_tensor(w, 0, "a", PEA_FLOAT32, four_floats, 2, 2, 2);
        pea_weights_free(w);
        drop(&b);
    }
}

static void views_of_old_writers_are_slices(void **state)
{
    static const char pickles[] = BEGINNING
        OBJECT(REFERENCE("FloatStorage", "7", "K\4", "X\1\0\0\0vK\1K\2\x87"), "K\1", "K\1\x85", "K\1\x85") KEYS COUNT;
    pea_error err;
    pea_weights *w;
    (void)state;
    bytes b = stream(pickles, sizeof pickles - 1);
    assert_ok(import_bytes(&b, &w, NULL, &err));
    assert_tensor(w, 0, "a", PEA_FLOAT32, &four_floats[2], 1, 1);
    pea_weights_free(w);
    drop(&b);
    assert_stream_refused(BEGINNING OBJECT(REFERENCE("FloatStorage", "7", "K\4", "X\1\0\0\0vK\1K\2\x87"), "K\2",
                                           "K\1\x85", "K\1\x85") KEYS COUNT, PEA_E_FORMAT, "reaches beyond");
    assert_stream_refused(BEGINNING OBJECT(REFERENCE("FloatStorage", "7", "K\4", "X\1\0\0\0vK\3K\2\x87"), "K\0",
                                           "K\1\x85", "K\1\x85") KEYS COUNT, PEA_E_FORMAT, "does not lie inside");
    assert_stream_refused(BEGINNING OBJECT(REFERENCE("FloatStorage", "7", "K\4", "K\1"), "K\0", "K\1\x85", "K\1\x85")
                          KEYS COUNT, PEA_E_FORMAT, "does not lie inside");
}

static void the_parts_must_be_as_they_should(void **state)
{
    pea_error err;
    (void)state;
    assert_stream_refused("\x80\2}.", PEA_E_FORMAT, "plain pickle");
    assert_stream_refused("\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x1a." VERSION LITTLE SQUARE KEYS COUNT,
                          PEA_E_FORMAT, "plain pickle");
    assert_stream_refused(MAGIC "\x80\2M\xea\3." LITTLE SQUARE KEYS COUNT, PEA_E_FORMAT, "unknown version");
    assert_stream_refused(MAGIC VERSION "\x80\2}." SQUARE KEYS COUNT, PEA_E_FORMAT, "byte order");
    assert_stream_refused(MAGIC VERSION "\x80\2N." SQUARE KEYS COUNT, PEA_E_FORMAT, "byte order");
    assert_stream_refused(MAGIC VERSION LITTLE SQUARE "\x80\2]." COUNT, PEA_E_FORMAT, "0 storages");
    assert_stream_refused(MAGIC VERSION LITTLE SQUARE "\x80\2N." COUNT, PEA_E_FORMAT, "0 storages");
    assert_stream_refused(BEGINNING SQUARE "\x80\2]X\1\0\0\0" "8a." COUNT, PEA_E_FORMAT, "no tensor refers to");
    assert_stream_refused(BEGINNING SQUARE "\x80\2]K\7a." COUNT, PEA_E_FORMAT, "no tensor refers to");
    assert_stream_refused(BEGINNING SQUARE "\x80\2](X\1\0\0\0" "7X\1\0\0\0" "7e." COUNT, PEA_E_FORMAT, "twice");
}

static void counts_must_agree_with_the_pickle(void **state)
{
    pea_error err;
    (void)state;
    assert_stream_refused(BEGINNING SQUARE KEYS "\3\0\0\0\0\0\0\0", PEA_E_FORMAT, "count of 3 elements instead of 4");
    assert_stream_refused(BEGINNING SQUARE KEYS "\xff\xff\xff\xff\xff\xff\xff\xff", PEA_E_FORMAT, "count of -1");
    assert_stream_refused(BEGINNING SQUARE KEYS COUNT "x", PEA_E_FORMAT, "1 bytes more");
    assert_stream_refused(BEGINNING OBJECT(REFERENCE("DoubleStorage", "7", "K\4", "N"), "K\0", "K\2\x85", "K\1\x85") KEYS
                          COUNT, PEA_E_FORMAT, "ends early");
}

static void storages_come_in_the_order_of_the_list(void **state)
{
    static const char pickles[] = BEGINNING "\x80\2}(" KEY_A REBUILD REFERENCE("FloatStorage", "7", "K\1", "N")
        "K\0))" REBUILD_END KEY_B REBUILD REFERENCE("LongStorage", "3", "K\1", "N") "K\0))" REBUILD_END "u."
        "\x80\2](X\1\0\0\0" "7X\1\0\0\0" "3e." "\1\0\0\0\0\0\0\0" "\0\0\x80\x3f" "\1\0\0\0\0\0\0\0" "\5\0\0\0\0\0\0\0";
    static const float one = 1.0f;
    static const int64_t five = 5;
    pea_error err;
    pea_weights *w;
    bytes b = {0};
    (void)state;
    add(&b, pickles, sizeof pickles - 1);
    assert_ok(import_bytes(&b, &w, NULL, &err));
    assert_tensor(w, 0, "a", PEA_FLOAT32, &one, 0);
    assert_tensor(w, 1, "b", PEA_INT64, &five, 0);
    pea_weights_free(w);
    drop(&b);
}

static void other_files_are_refused_by_what_they_are(void **state)
{
    char tar[600] = "name";
    pea_error err;
    pea_weights *w = NULL;
    (void)state;
    memcpy(tar + 257, "ustar", 5);
    assert_fails(import_bytes(&(bytes){(unsigned char *)tar, sizeof tar, 0}, &w, NULL, &err), PEA_E_FORMAT, "tar");
#define assert_file_refused(literal, part)                                                                            \
    assert_fails(import_bytes(&(bytes){(unsigned char *)(literal), sizeof(literal) - 1, 0}, &w, NULL, &err),          \
                 PEA_E_FORMAT, part)
    assert_file_refused("PYTORCH1 and more", "gave up");
    assert_file_refused("\2\0\0\0\0\0\0\0{}", "safetensors");
    assert_file_refused("II*\0", "no PyTorch checkpoint");
    assert_file_refused("", "no PyTorch checkpoint");
    assert_file_refused("P", "no PyTorch checkpoint");
    assert_file_refused("PK\3\4", "no end record");
    assert_null(w);
}

static void files_that_cannot_be_opened_are_errors(void **state)
{
    pea_error err;
    pea_weights *w;
    char notes[256] = "x";
    (void)state;
    assert_fails(pea_weights_import("/nonexistent/x.ckpt", &w, notes, &err), PEA_E_IO, "/nonexistent/x.ckpt");
    assert_null(w);
    assert_fails(pea_weights_import("/", &w, NULL, &err), PEA_E_IO, "folder");
    assert_int_equal(pea_weights_import("/nonexistent", &w, NULL, NULL), PEA_E_IO);
    assert_int_equal(pea_weights_import(PEA_TESTDATA "/checkpoints/zip-protocol0.pt", &w, NULL, NULL), PEA_E_FORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_honest_stream_is_read),
    cmocka_unit_test(big_endian_storages_are_turned_round),
    cmocka_unit_test(views_of_old_writers_are_slices),
    cmocka_unit_test(the_parts_must_be_as_they_should),
    cmocka_unit_test(counts_must_agree_with_the_pickle),
    cmocka_unit_test(storages_come_in_the_order_of_the_list),
    cmocka_unit_test(other_files_are_refused_by_what_they_are),
    cmocka_unit_test(files_that_cannot_be_opened_are_errors),
};

PEA_TEST_MAIN(tests)
