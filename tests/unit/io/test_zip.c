/* test_zip.c - archives that lie: each way to do so is refused.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

#define PICKLE "\x80\2}" KEY_A TENSOR "s."
enum { N_RECORDS = 3 };

static bytes archive(zip_places *places)
{
    const record records[N_RECORDS] = {{"a/data.pkl", PICKLE, sizeof PICKLE - 1}, {"a/data/0", four_floats, 16},
                                       {"a/version", "3\n", 2}};
    return make_zip(records, N_RECORDS, places);
}

static void assert_bytes_refused(bytes *b, pea_status status, const char *part)
{
    pea_error err;
    pea_weights *w = NULL;
    const size_t live = pea__alloc_live();
    assert_fails(import_bytes(b, &w, NULL, &err), status, part);
    assert_int_equal(pea__alloc_live(), live);
    drop(b);
}

static void assert_bytes_read(bytes *b)
{
    pea_error err;
    pea_weights *w = NULL;
    assert_ok(import_bytes(b, &w, NULL, &err));
    assert_tensor(w, 0, "a", PEA_FLOAT32, four_floats, 2, 2, 2);
    pea_weights_free(w);
    drop(b);
}

/* An archive with one number of it changed. */
#define assert_change_refused(place, at, value, n_bytes, part)                                                        \
    do {                                                                                                              \
        zip_places p;                                                                                                 \
        bytes b = archive(&p);                                                                                        \
        set_number(&b, p.place + (at), value, n_bytes);                                                               \
        assert_bytes_refused(&b, PEA_E_FORMAT, part);                                                                 \
    } while (0)

static void an_honest_archive_is_read(void **state)
{
    (void)state;
    bytes b = archive(NULL);
    assert_bytes_read(&b);
}

static void an_archive_comment_is_allowed(void **state)
{
    zip_places p;
    (void)state;
    bytes b = archive(&p);
    set_number(&b, p.end + 20, 5, 2);
    ADD(&b, "hello");
    assert_bytes_read(&b);
}

static void appended_bytes_are_refused(void **state)
{
    (void)state;
    bytes b = archive(NULL);
    ADD(&b, "x");
    assert_bytes_refused(&b, PEA_E_FORMAT, "no end record");
}

static void lies_of_the_end_record_are_refused(void **state)
{
    (void)state;
    assert_change_refused(end, 4, 1, 2, "one part of several");
    assert_change_refused(end, 8, 2, 2, "one part of several");
    assert_change_refused(end, 12, 0xfffffff0, 4, "does not fit");
    assert_change_refused(end, 16, 0xfffffff0, 4, "does not fit");
    assert_change_refused(end, 12, 10, 4, "does not fit");
    assert_change_refused(end, 10, 2, 4, "");
    zip_places p;
    bytes b = archive(&p);
    set_number(&b, p.end + 8, 2, 2); /* both counts */
    set_number(&b, p.end + 10, 2, 2);
    assert_bytes_refused(&b, PEA_E_FORMAT, "another size");
    b = archive(&p);
    set_number(&b, p.end + 8, 0, 4);
    assert_bytes_refused(&b, PEA_E_FORMAT, "empty");
}

static void lies_of_the_directory_are_refused(void **state)
{
    (void)state;
    assert_change_refused(central[1], 0, 0, 4, "cut off");
    assert_change_refused(central[1], 8, 1, 2, "encrypted");
    assert_change_refused(central[1], 10, 8, 2, "headers of entry");
    assert_change_refused(central[1], 16, 0x12345678, 4, "does not match its checksum");
    assert_change_refused(central[1], 20, 15, 4, "two sizes");
    assert_change_refused(central[1], 24, 15, 4, "record has 15");
    assert_change_refused(central[1], 20, 0x7fffffff, 4, "reaches beyond");
    assert_change_refused(central[2], 28, 0xffff, 2, "cut off");
    assert_change_refused(central[2], 30, 4, 2, "cut off");
    assert_change_refused(central[1], 42, 0x7fffffff, 4, "outside the file");
    assert_change_refused(central[1], 42, 1, 4, "begin where it should");
    assert_change_refused(local[1], 0, 0, 4, "begin where it should");
    assert_change_refused(local[1], 8, 12, 2, "headers of entry");
    assert_change_refused(local[1], 26, 3, 2, "begin where it should");
    assert_change_refused(local[1], 28, 0xffff, 2, "reaches beyond");
    assert_change_refused(local[1], 30, 'b', 1, "headers of entry");
}

static void methods_other_than_deflate_are_refused(void **state)
{
    zip_places p;
    (void)state;
    bytes b = archive(&p);
    set_number(&b, p.central[1] + 10, 14, 2);
    set_number(&b, p.local[1] + 8, 14, 2);
    assert_bytes_refused(&b, PEA_E_FORMAT, "method 14");
    b = archive(&p);
    set_number(&b, p.central[1] + 10, 8, 2);
    set_number(&b, p.local[1] + 8, 8, 2);
    assert_bytes_refused(&b, PEA_E_FORMAT, "cannot be unpacked");
}

static void overlapping_entries_are_refused(void **state)
{
    zip_places p;
    (void)state;
    bytes b = archive(&p);
    /* The first entry claims to reach into the second. */
    const size_t size = p.data[1] + 8 - p.data[0];
    set_number(&b, p.central[0] + 20, size, 4);
    set_number(&b, p.central[0] + 24, size, 4);
    assert_bytes_refused(&b, PEA_E_FORMAT, "overlap");
}

static void entries_of_one_name_are_refused(void **state)
{
    const record records[] = {{"a/data.pkl", PICKLE, sizeof PICKLE - 1}, {"a/data/0", four_floats, 16},
                              {"a/data/0", four_floats, 16}};
    (void)state;
    bytes b = make_zip(records, 3, NULL);
    assert_bytes_refused(&b, PEA_E_FORMAT, "two entries named \"a/data/0\"");
}

static void unsafe_names_are_refused(void **state)
{
    static const char *const names[] = {"/a/x", "a/../x", "a\\x", "a/\1..", ""};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const record records[] = {{"a/data.pkl", PICKLE, sizeof PICKLE - 1}, {names[i], "", 0}};
        bytes b = make_zip(records, 2, NULL);
        assert_bytes_refused(&b, PEA_E_FORMAT, "unsafe name");
    }
    zip_places p;
    bytes b = archive(&p);
    set_number(&b, p.central[2] + 46 + 3, 0, 1);
    set_number(&b, p.local[2] + 30 + 3, 0, 1);
    assert_bytes_refused(&b, PEA_E_FORMAT, "unsafe name");
    char longest[1100];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const record records[] = {{"a/data.pkl", PICKLE, sizeof PICKLE - 1}, {longest, "", 0}};
    b = make_zip(records, 2, NULL);
    assert_bytes_refused(&b, PEA_E_FORMAT, "unsafe name");
}

static void archives_that_are_no_checkpoints_are_refused(void **state)
{
    const record elsewhere[] = {{"a/x", "", 0}, {"b/data.pkl", PICKLE, sizeof PICKLE - 1}};
    const record flat[] = {{"data.pkl", PICKLE, sizeof PICKLE - 1}};
    const record script[] = {{"a/data.pkl", PICKLE, sizeof PICKLE - 1}, {"a/constants.pkl", "", 0}};
    (void)state;
    bytes b = make_zip(elsewhere, 2, NULL);
    assert_bytes_refused(&b, PEA_E_FORMAT, "no data.pkl");
    b = make_zip(flat, 1, NULL);
    assert_bytes_refused(&b, PEA_E_FORMAT, "no folder");
    b = make_zip(script, 2, NULL);
    assert_bytes_refused(&b, PEA_E_FORMAT, "TorchScript");
}

static bytes archive_of_order(const char *order, const void *content)
{
    const record records[] = {{"a/data.pkl", PICKLE, sizeof PICKLE - 1}, {"a/data/0", content, 16},
                              {"a/byteorder", order, strlen(order)}};
    return make_zip(records, 3, NULL);
}

static void the_byte_order_is_obeyed(void **state)
{
    unsigned char reversed[16];
    (void)state;
    for (size_t i = 0; i < 16; i++)
        reversed[i] = ((const unsigned char *)four_floats)[i / 4 * 4 + 3 - i % 4];
    bytes b = archive_of_order("big", reversed);
    assert_bytes_read(&b);
    b = archive_of_order("little", four_floats);
    assert_bytes_read(&b);
    b = archive_of_order("middle", four_floats);
    assert_bytes_refused(&b, PEA_E_FORMAT, "byte order");
    b = archive_of_order("vax", four_floats);
    assert_bytes_refused(&b, PEA_E_FORMAT, "byte order");
    b = archive_of_order("", four_floats);
    assert_bytes_refused(&b, PEA_E_FORMAT, "byte order");
}

/* ---- zip64 ---- */

/* With the end records that PyTorch always writes, and extra field 1 for everything of the second entry. */
static bytes archive64(zip_places *p)
{
    bytes plain = archive(p), b = {0};
    add(&b, plain.at, p->central[1]);
    add(&b, plain.at + p->central[1], p->central[2] - p->central[1]);
    const size_t extra = b.n;
    add_number(&b, 1, 2);
    add_number(&b, 24, 2);
    add_number(&b, 16, 8);
    add_number(&b, 16, 8);
    add_number(&b, p->local[1], 8);
    set_number(&b, p->central[1] + 20, 0xffffffff, 4);
    set_number(&b, p->central[1] + 24, 0xffffffff, 4);
    set_number(&b, p->central[1] + 30, 28, 2);
    set_number(&b, p->central[1] + 42, 0xffffffff, 4);
    p->data[7] = extra; /* where the tests find it */
    p->central[2] = b.n;
    add(&b, plain.at + (p->end - 46 - strlen("a/version")), 46 + strlen("a/version"));
    p->local[7] = b.n; /* the zip64 end record */
    add_number(&b, 0x06064b50, 4);
    add_number(&b, 44, 8);
    add_number(&b, 45, 4);
    add_number(&b, 0, 8);
    add_number(&b, N_RECORDS, 8);
    add_number(&b, N_RECORDS, 8);
    add_number(&b, p->local[7] - p->directory, 8);
    add_number(&b, p->directory, 8);
    p->central[7] = b.n; /* the locator */
    add_number(&b, 0x07064b50, 4);
    add_number(&b, 0, 4);
    add_number(&b, p->local[7], 8);
    add_number(&b, 1, 4);
    p->end = b.n;
    add_number(&b, 0x06054b50, 4);
    add_number(&b, 0, 4);
    add_number(&b, 0xffff, 2);
    add_number(&b, 0xffff, 2);
    add_number(&b, 0xffffffff, 4);
    add_number(&b, 0xffffffff, 4);
    add_number(&b, 0, 2);
    drop(&plain);
    return b;
}

static void zip64_fields_are_read(void **state)
{
    zip_places p;
    (void)state;
    bytes b = archive64(&p);
    assert_bytes_read(&b);
    b = archive64(&p); /* classic fields may be there as well, if they agree */
    set_number(&b, p.end + 16, p.directory, 4);
    assert_bytes_read(&b);
}

#define assert_change64_refused(place, at, value, n_bytes, part)                                                      \
    do {                                                                                                              \
        zip_places p;                                                                                                 \
        bytes b = archive64(&p);                                                                                      \
        set_number(&b, p.place + (at), value, n_bytes);                                                               \
        assert_bytes_refused(&b, PEA_E_FORMAT, part);                                                                 \
    } while (0)

static void lies_in_zip64_fields_are_refused(void **state)
{
    (void)state;
    assert_change64_refused(end, 16, 1, 4, "contradict");
    assert_change64_refused(local[7], 0, 0, 4, "contradict");
    assert_change64_refused(local[7], 24, 4, 8, "contradict");
    assert_change64_refused(local[7], 48, UINT64_MAX, 8, "contradict");
    assert_change64_refused(local[7], 48, INT64_MAX, 8, "does not fit");
    assert_change64_refused(local[7], 40, INT64_MAX, 8, "does not fit");
    assert_change64_refused(central[7], 8, UINT64_MAX, 8, "lies elsewhere");
    assert_change64_refused(central[7], 16, 2, 4, "contradict");
    assert_change64_refused(data[7], 4, UINT64_MAX, 8, "extra field");
    assert_change64_refused(data[7], 4, INT64_MAX, 8, "record has 9223");
    assert_change64_refused(data[7], 12, INT64_MAX, 8, "reaches beyond");
    assert_change64_refused(data[7], 20, INT64_MAX, 8, "outside the file");
    assert_change64_refused(data[7], 2, 16, 2, "extra field");
    assert_change64_refused(data[7], 2, 100, 2, "extra field");
    zip_places p;
    bytes b = archive64(&p);
    set_number(&b, p.local[7] + 24, 1 << 20, 8);
    set_number(&b, p.local[7] + 32, 1 << 20, 8);
    assert_bytes_refused(&b, PEA_E_LIMIT, "65536 are read at most");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_honest_archive_is_read),
    cmocka_unit_test(an_archive_comment_is_allowed),
    cmocka_unit_test(appended_bytes_are_refused),
    cmocka_unit_test(lies_of_the_end_record_are_refused),
    cmocka_unit_test(lies_of_the_directory_are_refused),
    cmocka_unit_test(methods_other_than_deflate_are_refused),
    cmocka_unit_test(overlapping_entries_are_refused),
    cmocka_unit_test(entries_of_one_name_are_refused),
    cmocka_unit_test(unsafe_names_are_refused),
    cmocka_unit_test(archives_that_are_no_checkpoints_are_refused),
    cmocka_unit_test(the_byte_order_is_obeyed),
    cmocka_unit_test(zip64_fields_are_read),
    cmocka_unit_test(lies_in_zip64_fields_are_refused),
};

PEA_TEST_MAIN(tests)
