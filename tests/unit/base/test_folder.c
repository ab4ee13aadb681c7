/* test_folder.c - what is in a folder.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <unistd.h>

typedef struct seen {
    int n, n_mine, stop_at;
} seen;

static pea_status count(void *argument, const char *name, pea_error *err)
{
    seen *s = argument;
    s->n_mine += strcmp(name, "mine") == 0;
    return ++s->n == s->stop_at ? pea__fail(err, PEA_E_LIMIT, "enough") : PEA_OK;
}

static void names_of_a_folder_are_told(void **state)
{
    const char *where = getenv("TMPDIR");
    char folder[512], file[640];
    pea_error err;
    bool found;
    seen s = {0}, stopped = {.stop_at = 2};
    (void)state;
    snprintf(folder, sizeof folder, "%.400s/pea-folder-XXXXXX", where ? where : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/mine", folder);
    assert_false(pea__is_there(file));
    FILE *stream = fopen(file, "wb");
    assert_non_null(stream);
    assert_int_equal(fclose(stream), 0);
    assert_true(pea__is_there(file) && pea__is_there(folder));
    assert_ok(pea__folder_names(folder, &found, count, &s, &err));
    assert_true(found && s.n == 3 && s.n_mine == 1); /* itself and the one above, too */
    assert_fails(pea__folder_names(folder, &found, count, &stopped, &err), PEA_E_LIMIT, "enough");
    assert_int_equal(stopped.n, 2);
    assert_ok(pea__folder_names(file, &found, count, &s, &err));
    assert_false(found);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_ok(pea__folder_names(folder, &found, count, &s, &err));
    assert_false(found);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_of_a_folder_are_told),
};

PEA_TEST_MAIN(tests)
