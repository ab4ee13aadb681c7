/* test_pairs.c - lists of images: patterns in folders, tables, published sets, and what is set aside for validation.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "train/csv.h"
#include "train/pairs.h"

/* ---- a folder with empty files, removed again ---- */

static char root[512];
static char made[64][640];
static int n_made;

static int open_folder(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(root, sizeof root, "%.400s/pea-pairs-XXXXXX", folder ? folder : "/tmp");
    n_made = 0;
    return mkdtemp(root) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    while (n_made > 0)
        assert_int_equal(remove(made[--n_made]), 0);
    return rmdir(root);
}

static const char *path_of(const char *name)
{
    static char path[640];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0777), 0);
    strcpy(made[n_made++], path_of(name));
}

static void make_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    strcpy(made[n_made++], path_of(name));
}

static void assert_pair(const pea__pairs *pairs, size_t i, const char *image, const char *labels, bool validation)
{
    char expected[640];
    assert_in_range(i, 0, pairs->n - 1);
    snprintf(expected, sizeof expected, "%s/%s", root, image);
    assert_string_equal(pairs->pair[i].image_path, expected);
    snprintf(expected, sizeof expected, "%s/%s", root, labels);
    assert_string_equal(pairs->pair[i].label_path, expected);
    assert_int_equal(pairs->pair[i].validation, validation);
}

/* ---- folders ---- */

static void names_tell_which_labels_are_whose(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    make_file("b_image.tif", "");
    make_file("a_image.tif", "");
    make_file("a_labels.png", "");
    make_file("b_labels.TIFF", "");
    make_file("notes.txt", "");
    make_file(".hidden_image.tif", "");
    assert_ok(pea__pairs_add_folder(&pairs, root, NULL, NULL, true, &err));
    assert_int_equal(pairs.n, 2);
    assert_pair(&pairs, 0, "a_image.tif", "a_labels.png", true);
    assert_pair(&pairs, 1, "b_image.tif", "b_labels.TIFF", true);
    pea__pairs_free(&pairs);
}

static void two_folders_may_share_names(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    make_folder("images");
    make_folder("masks");
    make_file("images/1.tif", "");
    make_file("images/2.tif", "");
    make_file("masks/1.png", "");
    make_file("masks/2.png", "");
    assert_ok(pea__pairs_add_folder(&pairs, root, NULL, NULL, false, &err));
    assert_int_equal(pairs.n, 2);
    assert_pair(&pairs, 1, "images/2.tif", "masks/2.png", false);
    pea__pairs_free(&pairs);
    assert_ok(pea__pairs_add_folder(&pairs, root, "images/*.tif", "masks/*.png", false, &err));
    assert_int_equal(pairs.n, 2);
    assert_fails(pea__pairs_add_folder(&pairs, root, "images/*.png", "masks/*.png", false, &err), PEA_E_ARG,
                 "no images called images/*.png");
    pea__pairs_free(&pairs);
}

static void labels_may_lie_beside_images_of_any_name(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    make_file("x.tif", "");
    make_file("x_cp_masks.png", "");
    assert_ok(pea__pairs_add_folder(&pairs, root, NULL, NULL, false, &err));
    assert_pair(&pairs, 0, "x.tif", "x_cp_masks.png", false);
    pea__pairs_free(&pairs);
}

static void a_missing_partner_is_named(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    make_file("a_image.tif", "");
    make_file("b_image.tif", "");
    make_file("b_labels.tif", "");
    assert_fails(pea__pairs_add_folder(&pairs, root, NULL, NULL, false, &err), PEA_E_IO, "a_image.tif has no labels");
    make_file("a_labels.tif", "");
    make_file("c_labels.tif", "");
    assert_fails(pea__pairs_add_folder(&pairs, root, NULL, NULL, false, &err), PEA_E_IO, "c_labels.tif has no image");
    make_file("c_image.tif", "");
    make_file("c_image.png", "");
    assert_fails(pea__pairs_add_folder(&pairs, root, NULL, NULL, false, &err), PEA_E_ARG, "are both meant");
    pea__pairs_free(&pairs);
}

static void folders_without_pairs_and_bad_patterns_are_refused(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    assert_fails(pea__pairs_add_folder(&pairs, root, NULL, NULL, false, &err), PEA_E_ARG, "NAME_image.tif");
    assert_fails(pea__pairs_add_folder(&pairs, "nowhere", NULL, NULL, false, &err), PEA_E_IO, "nowhere");
    assert_fails(pea__pairs_add_folder(&pairs, root, "*_a", NULL, false, &err), PEA_E_ARG, "none of both");
    assert_fails(pea__pairs_add_folder(&pairs, root, "a", "b", false, &err), PEA_E_ARG, "one *");
    assert_fails(pea__pairs_add_folder(&pairs, root, "*a*", "b*", false, &err), PEA_E_ARG, "one *");
    assert_fails(pea__pairs_add_folder(&pairs, root, "*/a.tif", "b*", false, &err), PEA_E_ARG, "one *");
    pea__pairs_free(&pairs);
}

/* ---- tables ---- */

static pea_status add_table(pea__pairs *pairs, const char *text, pea_error *err)
{
    const size_t n_bytes = strlen(text);
    char *copy = malloc(n_bytes + 1); /* to the byte, for the sanitizer */
    memcpy(copy, text, n_bytes + 1);
    const pea_status status = pea__pairs_add_table(pairs, "d/", copy, n_bytes, false, err);
    free(copy);
    return status;
}

static void tables_of_all_kinds_are_read(void **state)
{
    static const char *const tables[] = {
        "a.tif,b.tif\nc.tif,d.png\n",
        "image,labels\r\na.tif,b.tif\r\n\r\nc.tif,d.png",
        "\xef\xbb\xbf\"image\";\"labels\"\n\"a.tif\";b.tif;training\nc.tif;\"d.png\";train\n",
        "a.tif\tb.tif\nc.tif\td.png\t\n",
    };
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        pea__pairs pairs = {0};
        assert_ok(add_table(&pairs, tables[i], &err));
        assert_int_equal(pairs.n, 2);
        assert_string_equal(pairs.pair[0].image_path, "d/a.tif");
        assert_string_equal(pairs.pair[0].label_path, "d/b.tif");
        assert_string_equal(pairs.pair[1].image_path, "d/c.tif");
        assert_string_equal(pairs.pair[1].label_path, "d/d.png");
        assert_false(pairs.pair[0].validation || pairs.pair[1].validation);
        pea__pairs_free(&pairs);
    }
}

static void tables_may_say_what_is_for_validation(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    const char *text = "\"/x/a, \"\"b\"\".tif\",\"e\nf.tif\",Validation\nc.tif,d.tif\ne.tif,f.tif,val\n";
    assert_ok(add_table(&pairs, text, &err));
    assert_int_equal(pairs.n, 3);
    assert_string_equal(pairs.pair[0].image_path, "/x/a, \"b\".tif");
    assert_string_equal(pairs.pair[0].label_path, "d/e\nf.tif");
    assert_true(pairs.pair[0].validation && !pairs.pair[1].validation && pairs.pair[2].validation);
    pea__pairs_free(&pairs);
}

static void wrong_tables_are_refused_with_the_line(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    assert_fails(add_table(&pairs, "a.tif,b.tif\nc.tif\n", &err), PEA_E_FORMAT, "line 2 has 1 columns");
    assert_fails(add_table(&pairs, "a.tif,b.tif\r\nc.tif,d.tif\r\ne.tif", &err), PEA_E_FORMAT, "line 3 has 1 columns");
    assert_fails(add_table(&pairs, "a.tif,b.tif,c,d\n", &err), PEA_E_FORMAT, "line 1 has 4 columns");
    assert_fails(add_table(&pairs, "h,i\n\n\na.tif,,training\n", &err), PEA_E_FORMAT, "line 4");
    assert_fails(add_table(&pairs, "a.tif,\"b\n.tif\"\nb.tif,c.tif,test\n", &err), PEA_E_FORMAT, "line 3 says test");
    assert_fails(add_table(&pairs, "a.tif,\"b.tif\n", &err), PEA_E_FORMAT, "line 1 has a quote");
    assert_fails(add_table(&pairs, "a.tif,\"b\"x.tif\n", &err), PEA_E_FORMAT, "line 1 has a quote");
    assert_fails(add_table(&pairs, "", &err), PEA_E_FORMAT, "names no image");
    assert_fails(add_table(&pairs, "image,labels\n", &err), PEA_E_FORMAT, "names no image");
    char zero[] = "a.tif,b\0.tif\n";
    assert_fails(pea__pairs_add_table(&pairs, "", zero, sizeof zero - 1, false, &err), PEA_E_FORMAT, "is text");
    pea__pairs_free(&pairs);
}

static void a_table_is_found_with_its_folder(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    make_file("list.csv", "a.tif,b.tif\n");
    assert_ok(pea__pairs_add_csv(&pairs, path_of("list.csv"), true, &err));
    assert_pair(&pairs, 0, "a.tif", "b.tif", true);
    make_file("bad.csv", "a.tif\n");
    assert_fails(pea__pairs_add_csv(&pairs, path_of("bad.csv"), true, &err), PEA_E_FORMAT, "bad.csv: line 1");
    assert_fails(pea__pairs_add_csv(&pairs, path_of("none.csv"), true, &err), PEA_E_IO, "none.csv");
    pea__pairs_free(&pairs);
}

/* ---- published sets ---- */

static void leaves_have_the_split_of_the_paper(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    make_folder("A1");
    make_file("A1/plant001_rgb.png", "");
    make_file("A1/plant001_label.png", "");
    make_file("A1/plant001_fg.png", "");
    make_file("A1/plant002_rgb.png", "");
    make_file("A1/plant002_label.png", "");
    make_file("A1/plant159_rgb.png", "");
    make_file("A1/plant159_label.png", "");
    assert_ok(pea__pairs_add_published(&pairs, "cvppp", root, &err));
    assert_int_equal(pairs.n, 3);
    assert_pair(&pairs, 0, "A1/plant001_rgb.png", "A1/plant001_label.png", false);
    assert_pair(&pairs, 1, "A1/plant002_rgb.png", "A1/plant002_label.png", true);
    assert_pair(&pairs, 2, "A1/plant159_rgb.png", "A1/plant159_label.png", true);
    pea__pairs_free(&pairs);
    assert_ok(pea__pairs_add_published(&pairs, "cvppp", path_of("A1"), &err));
    assert_int_equal(pairs.n, 3);
    pea__pairs_free(&pairs);
}

static void nuclei_have_the_published_lists(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    assert_fails(pea__pairs_add_published(&pairs, "bbbc039", root, &err), PEA_E_IO, "no metadata/training.txt");
    make_folder("metadata");
    make_file("metadata/training.txt", "IXM-1.png\r\nIXM-2.png\r\n");
    make_file("metadata/validation.txt", "\nIXM-3.png");
    assert_ok(pea__pairs_add_published(&pairs, "bbbc039", root, &err));
    assert_int_equal(pairs.n, 3);
    assert_pair(&pairs, 0, "images/IXM-1.tif", "masks/IXM-1.png", false);
    assert_pair(&pairs, 2, "images/IXM-3.tif", "masks/IXM-3.png", true);
    assert_int_equal(pairs.rule, PEA__LABELS_PARTS);
    assert_int_equal(pairs.min_part_size, 25);
    pea__pairs_free(&pairs);
}

static void neurons_have_the_published_slices(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    (void)state;
    assert_fails(pea__pairs_add_published(&pairs, "ac3ac4", root, &err), PEA_E_IO, "train-input.tif");
    make_file("train-input.tif", "");
    assert_fails(pea__pairs_add_published(&pairs, "ac3ac4", root, &err), PEA_E_IO, "no labels");
    make_file("train-labels.tif", "");
    assert_ok(pea__pairs_add_published(&pairs, "ac3ac4", root, &err));
    assert_int_equal(pairs.n, 2);
    assert_true(pairs.pair[0].first_slice == 0 && pairs.pair[0].end_slice == 80 && !pairs.pair[0].validation);
    assert_true(pairs.pair[1].first_slice == -20 && pairs.pair[1].end_slice == 0 && pairs.pair[1].validation);
    pea__pairs_free(&pairs);
    assert_fails(pea__pairs_add_published(&pairs, "cremi", root, &err), PEA_E_ARG, "cremi");
}

/* ---- what is set aside ---- */

static pea__pairs many_pairs(size_t n)
{
    pea__pairs pairs = {0};
    char name[16];
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%zu", i);
        assert_non_null(pea__pairs_add(&pairs, name, name, name, NULL));
    }
    return pairs;
}

static size_t count_validation(const pea__pairs *pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < pairs->n; i++)
        n += pairs->pair[i].validation;
    return n;
}

static void a_share_is_set_aside_by_the_seed(void **state)
{
    pea_error err;
    int times[20] = {0};
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        pea__pairs pairs = many_pairs(20), again = many_pairs(20);
        assert_ok(pea__pairs_split(&pairs, 0.2, seed, &err));
        assert_ok(pea__pairs_split(&again, 0.2, seed, &err));
        assert_int_equal(count_validation(&pairs), 4);
        for (size_t i = 0; i < 20; i++) {
            times[i] += pairs.pair[i].validation;
            assert_int_equal(pairs.pair[i].validation, again.pair[i].validation);
        }
        pea__pairs_free(&pairs);
        pea__pairs_free(&again);
    }
    for (size_t i = 0; i < 20; i++)
        assert_in_range(times[i], 80 - 40, 80 + 40);
}

/* An image listed twice is either trained on or scored, never both. */
static void what_is_listed_twice_goes_together(void **state)
{
    pea_error err;
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        pea__pairs pairs = many_pairs(6);
        for (int i = 0; i < 6; i++) {
            const char name[2] = {(char)('0' + i % 4), 0}; /* 0 1 2 3 0 1 */
            assert_non_null(pea__pairs_add(&pairs, name, name, name, NULL));
        }
        assert_ok(pea__pairs_split(&pairs, 0.5, seed, &err));
        size_t n = 0;
        for (size_t i = 0; i < 6; i++)
            n += pairs.pair[i].validation;
        assert_int_equal(n, 3);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(pairs.pair[6 + i].validation, pairs.pair[i % 4].validation);
            assert_int_equal(pea__pairs_first_alike(&pairs, 6 + i), i % 4);
        }
        pairs.pair[7].first_slice = 1;
        assert_int_equal(pea__pairs_first_alike(&pairs, 7), 7);
        pea__pairs_free(&pairs);
    }
    pea__pairs one = many_pairs(1);
    assert_non_null(pea__pairs_add(&one, "0", "0", "0", NULL));
    assert_fails(pea__pairs_split(&one, 0.5, 1, &err), PEA_E_ARG, "1 image cannot be shared");
    assert_int_equal(count_validation(&one), 0);
    pea__pairs_free(&one);
}

static void at_least_one_and_not_all_are_set_aside(void **state)
{
    pea_error err;
    (void)state;
    pea__pairs pairs = many_pairs(3);
    assert_ok(pea__pairs_split(&pairs, 0.01, 1, &err));
    assert_int_equal(count_validation(&pairs), 1);
    assert_ok(pea__pairs_split(&pairs, 0.99, 1, &err)); /* some are already */
    assert_int_equal(count_validation(&pairs), 1);
    pea__pairs_free(&pairs);
    pairs = many_pairs(3);
    assert_ok(pea__pairs_split(&pairs, 0.99, 1, &err));
    assert_int_equal(count_validation(&pairs), 2);
    pea__pairs_free(&pairs);
    pairs = many_pairs(1);
    assert_fails(pea__pairs_split(&pairs, 0.5, 1, &err), PEA_E_ARG, "slices of a volume");
    assert_fails(pea__pairs_split(&pairs, 1.0, 1, &err), PEA_E_ARG, "share");
    assert_fails(pea__pairs_split_slices(&pairs, 0, &err), PEA_E_ARG, "0 slices");
    assert_ok(pea__pairs_split_slices(&pairs, 50, &err));
    assert_int_equal(pairs.n, 2);
    assert_true(!pairs.pair[0].validation && pairs.pair[0].end_slice == -50);
    assert_true(pairs.pair[1].validation && pairs.pair[1].first_slice == -50 && pairs.pair[1].end_slice == 0);
    pea__pairs thin;
    pairs.min_part_size = 7;
    assert_ok(pea__pairs_thin(&pairs, (const int64_t[]){1, 3}, 2, &thin, &err)); /* as it is, and in three phases */
    assert_int_equal(pairs.n, 2);
    assert_int_equal(thin.n, 8);
    assert_int_equal(thin.min_part_size, 7);
    assert_int_equal(count_validation(&thin), 4);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(thin.pair[i].name, pairs.pair[0].name);
        assert_int_equal(thin.pair[i].slice_step, i % 4 == 0 ? 1 : 3);
        assert_int_equal(thin.pair[i].first_phase, i % 4 == 0 ? 0 : i % 4 - 1);
        assert_int_equal(thin.pair[i].first_slice, i < 4 ? 0 : -50);
        assert_int_equal(thin.pair[i].end_slice, i < 4 ? -50 : 0);
    }
    pea__pairs_free(&thin);
    pea__pairs_free(&pairs);
}

/* ---- memory ---- */

static pea_status add_everything(void *argument, pea_error *err)
{
    pea__pairs pairs = {0};
    (void)argument;
    pea_status status = pea__pairs_add_folder(&pairs, root, NULL, NULL, false, err);
    if (status == PEA_OK)
        status = pea__pairs_add_csv(&pairs, path_of("list.csv"), false, err);
    if (status == PEA_OK)
        status = pea__pairs_split(&pairs, 0.5, 1, err);
    pea__pairs_free(&pairs);
    return status;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    make_file("a_image.tif", "");
    make_file("a_labels.tif", "");
    make_file("list.csv", "a.tif,b.tif\n");
    test_each_allocation_failing(add_everything, NULL, 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(names_tell_which_labels_are_whose, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(two_folders_may_share_names, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(labels_may_lie_beside_images_of_any_name, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_missing_partner_is_named, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(folders_without_pairs_and_bad_patterns_are_refused, open_folder, remove_folder),
    cmocka_unit_test(tables_of_all_kinds_are_read),
    cmocka_unit_test(tables_may_say_what_is_for_validation),
    cmocka_unit_test(wrong_tables_are_refused_with_the_line),
    cmocka_unit_test_setup_teardown(a_table_is_found_with_its_folder, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(leaves_have_the_split_of_the_paper, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(nuclei_have_the_published_lists, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(neurons_have_the_published_slices, open_folder, remove_folder),
    cmocka_unit_test(a_share_is_set_aside_by_the_seed),
    cmocka_unit_test(what_is_listed_twice_goes_together),
    cmocka_unit_test(at_least_one_and_not_all_are_set_aside),
    cmocka_unit_test_setup_teardown(each_allocation_may_fail, open_folder, remove_folder),
};

PEA_TEST_MAIN(tests)
