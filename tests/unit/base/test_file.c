/* test_file.c - a file is read where asked, and written whole or not at all.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64]; /* each test has an empty one */

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/pea-test-file-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* How many entries the folder has; with `remove_all` none afterwards. */
static int entries(int remove_all)
{
    int n = 0;
    DIR *listing = opendir(folder);
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (remove_all && remove(path) != 0)
            fail_msg("cannot remove %s", path);
        n++;
    }
    closedir(listing);
    return n;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)chmod(folder, 0700);
    entries(1);
    return rmdir(folder);
}

static const char *in_folder(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *path, const char *content)
{
    FILE *stream = fopen(path, "wb");
    fputs(content, stream);
    fclose(stream);
}

static void assert_content(const char *path, const char *expected)
{
    size_t n;
    char *content = test_read_file(path, &n);
    assert_string_equal(content, expected);
    assert_int_equal(n, strlen(expected));
    free(content);
}

/* ---- reading ---- */

static void bytes_come_from_where_they_are_asked(void **state)
{
    (void)state;
    pea_error err;
    put(in_folder("a"), "0123456789");
    pea__reader reader;
    char got[4] = "";
    assert_ok(pea__reader_open(in_folder("a"), &reader, &err));
    assert_true(reader.size_bytes == 10);
    assert_ok(pea__reader_at(&reader, 7, got, 3, &err));
    assert_string_equal(got, "789");
    assert_ok(pea__reader_at(&reader, 10, got, 0, &err));
    pea__reader_close(&reader);
    pea__reader_close(&reader);
}

static void reading_beyond_the_end_is_a_format_error(void **state)
{
    (void)state;
    pea_error err;
    put(in_folder("a"), "0123456789");
    pea__reader file, memory = pea__reader_memory("0123456789", 10), empty = pea__reader_memory(NULL, 0);
    char got[8];
    assert_ok(pea__reader_open(in_folder("a"), &file, &err));
    const pea__reader *readers[] = {&file, &memory};
    for (int i = 0; i < 2; i++) {
        assert_fails(pea__reader_at(readers[i], 8, got, 3, &err), PEA_E_FORMAT, "ends early");
        assert_fails(pea__reader_at(readers[i], 11, got, 1, &err), PEA_E_FORMAT, "ends early");
        assert_fails(pea__reader_at(readers[i], -1, got, 1, &err), PEA_E_FORMAT, "outside");
        assert_fails(pea__reader_at(readers[i], INT64_MAX, got, 8, &err), PEA_E_FORMAT, "outside");
    }
    assert_fails(pea__reader_at(&empty, 0, got, 1, &err), PEA_E_FORMAT, "ends early");
    assert_ok(pea__reader_at(&empty, 0, got, 0, &err));
    pea__reader_close(&file);
}

static void what_is_no_file_is_refused_in_words(void **state)
{
    (void)state;
    pea_error err;
    pea__reader reader;
    assert_fails(pea__reader_open(in_folder("missing"), &reader, &err), PEA_E_IO, "No such file");
    assert_fails(pea__reader_open(folder, &reader, &err), PEA_E_IO, "it is a folder");
    assert_fails(pea__reader_open("/dev/zero", &reader, &err), PEA_E_IO, "not a regular file");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_fails(pea__reader_open(in_folder("pipe"), &reader, &err), PEA_E_IO, "not a regular file"); /* and no waiting */
    pea__reader_close(&reader);
}

/* ---- writing ---- */

static pea_status write_text(const char *path, const char *text, pea_error *err)
{
    pea__writer writer;
    const pea_status status = pea__writer_open(path, &writer, err);
    if (status != PEA_OK)
        return status;
    fputs(text, writer.stream);
    return pea__writer_commit(&writer, err);
}

static void a_committed_file_is_there_and_alone(void **state)
{
    (void)state;
    pea_error err;
    assert_ok(write_text(in_folder("a"), "hello", &err));
    assert_content(in_folder("a"), "hello");
    assert_int_equal(entries(0), 1);
}

static void nothing_is_seen_before_the_commit(void **state)
{
    (void)state;
    pea_error err;
    pea__writer writer;
    put(in_folder("a"), "old");
    assert_ok(pea__writer_open(in_folder("a"), &writer, &err));
    fputs("new", writer.stream);
    fflush(writer.stream);
    assert_content(in_folder("a"), "old");
    assert_ok(pea__writer_commit(&writer, &err));
    assert_content(in_folder("a"), "new");
    assert_int_equal(entries(0), 1);
}

static void a_discarded_file_leaves_everything_as_it_was(void **state)
{
    (void)state;
    pea_error err;
    pea__writer writer;
    put(in_folder("a"), "old");
    assert_ok(pea__writer_open(in_folder("a"), &writer, &err));
    fputs("new", writer.stream);
    pea__writer_discard(&writer);
    pea__writer_discard(&writer);
    assert_content(in_folder("a"), "old");
    assert_int_equal(entries(0), 1);
    pea__writer zero = {0};
    const int standard_input = fcntl(0, F_GETFD);
    pea__writer_discard(&zero);
    assert_int_equal(fcntl(0, F_GETFD), standard_input); /* descriptor 0 is not ours to close */
}

static void a_name_as_long_as_names_can_be_is_written(void **state)
{
    (void)state;
    pea_error err;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_ok(write_text(in_folder(name), "long", &err));
    assert_content(in_folder(name), "long");
    assert_int_equal(entries(0), 1);
}

static void a_bare_name_is_written_to_the_current_folder(void **state)
{
    (void)state;
    pea_error err;
    char before[1024];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    const pea_status status = write_text("bare", "here", &err);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, PEA_OK);
    assert_content(in_folder("bare"), "here");
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    pea_error err;
    const size_t live = pea__alloc_live();
    assert_fails(write_text(in_folder("none/a"), "x", &err), PEA_E_IO, "none/a: No such file or directory");
    assert_int_equal(pea__alloc_live(), live);
}

static void a_folder_or_device_is_not_overwritten(void **state)
{
    (void)state;
    pea_error err;
    assert_fails(write_text(folder, "x", &err), PEA_E_IO, "no regular file");
    assert_fails(write_text("/dev/null", "x", &err), PEA_E_IO, "no regular file");
}

static void a_forbidden_folder_is_an_io_error(void **state)
{
    (void)state;
    pea_error err;
    if (geteuid() == 0) /* root may write anywhere, except where the kernel itself says no */
        assert_fails(write_text("/proc/pea-test", "x", &err), PEA_E_IO, "cannot write /proc/pea-test");
    else {
        assert_int_equal(chmod(folder, 0500), 0);
        assert_fails(write_text(in_folder("a"), "x", &err), PEA_E_IO, "Permission denied");
    }
    (void)chmod(folder, 0700);
    assert_int_equal(entries(0), 0);
}

/* A limit on file size stands for a full disk: the write fails in the middle, after part of it went well. The limit is
 * set in a child, because it could not be lifted again here; the child's status says what it saw. */
static int write_under_limit(size_t n_bytes)
{
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {8192, 8192};
        pea_error err = {0};
        pea__writer writer;
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || pea__writer_open(in_folder("a"), &writer, &err) != PEA_OK)
            _exit(2);
        for (size_t i = 0; i < n_bytes; i++)
            fputc('x', writer.stream);
        const pea_status status = pea__writer_commit(&writer, &err);
        _exit(status == PEA_E_IO && strstr(err.message, strerror(EFBIG)) && strstr(err.message, "/a: ") ? 0 : 3);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_write_that_fails_early_leaves_the_old_file_and_says_why(void **state)
{
    (void)state;
    put(in_folder("a"), "old");
    assert_int_equal(write_under_limit(100000), 0); /* fails in the middle: found by ferror */
    assert_content(in_folder("a"), "old");
    assert_int_equal(entries(0), 1);
}

static void a_write_that_fails_at_the_last_flush_leaves_the_old_file_and_says_why(void **state)
{
    (void)state;
    put(in_folder("a"), "old");
    assert_int_equal(write_under_limit(8193), 0); /* all but the last byte went well */
    assert_content(in_folder("a"), "old");
    assert_int_equal(entries(0), 1);
}

static void a_target_that_became_a_folder_meanwhile_is_an_io_error(void **state)
{
    (void)state;
    pea_error err;
    pea__writer writer;
    assert_ok(pea__writer_open(in_folder("a"), &writer, &err));
    assert_int_equal(mkdir(in_folder("a"), 0700), 0);
    assert_fails(pea__writer_commit(&writer, &err), PEA_E_IO, "nothing was left behind");
    assert_int_equal(entries(0), 1);
}

static void every_failing_allocation_leaves_no_file(void **state)
{
    (void)state;
    pea_error err;
    const size_t live = pea__alloc_live();
    for (size_t n = 1;; n++) {
        pea__alloc_fail_at(n, true);
        const pea_status status = write_text(in_folder("a"), "x", &err);
        pea__alloc_fail_at(0, false);
        assert_int_equal(pea__alloc_live(), live);
        if (status == PEA_OK)
            break;
        assert_int_equal(status, PEA_E_NOMEM);
        assert_int_equal(entries(0), 0);
    }
    assert_int_equal(entries(0), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(bytes_come_from_where_they_are_asked, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(reading_beyond_the_end_is_a_format_error, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(what_is_no_file_is_refused_in_words, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_committed_file_is_there_and_alone, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(nothing_is_seen_before_the_commit, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_discarded_file_leaves_everything_as_it_was, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_name_as_long_as_names_can_be_is_written, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_bare_name_is_written_to_the_current_folder, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_missing_folder_is_named, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_folder_or_device_is_not_overwritten, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_forbidden_folder_is_an_io_error, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_write_that_fails_early_leaves_the_old_file_and_says_why, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_write_that_fails_at_the_last_flush_leaves_the_old_file_and_says_why, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_target_that_became_a_folder_meanwhile_is_an_io_error, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(every_failing_allocation_leaves_no_file, make_folder, remove_folder),
};

PEA_TEST_MAIN(tests)
