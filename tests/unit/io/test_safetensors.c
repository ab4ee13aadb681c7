/* test_safetensors.c - model files: exact when written, and believed only where every number fits.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>

/* ---- reading ---- */

static bytes model_of(const char *header, const void *data, size_t n_data)
{
    bytes b = {0};
    add_number(&b, strlen(header), 8);
    add(&b, header, strlen(header));
    add(&b, data, n_data);
    return b;
}

static pea_status read_bytes(const bytes *b, pea_weights **weights, pea_error *err)
{
    unsigned char *exact = malloc(b->n ? b->n : 1);
    assert_non_null(exact);
    if (b->n > 0)
        memcpy(exact, b->at, b->n);
    const pea__reader reader = pea__reader_memory(exact, b->n);
    const pea_status status = pea__weights_read_from(&reader, weights, err);
    free(exact);
    return status;
}

static void assert_header_refused(const char *header, size_t n_data, pea_status status, const char *part)
{
    static const unsigned char zeros[64];
    pea_error err;
    pea_weights *w = NULL;
    const size_t live = pea__alloc_live();
    bytes b = model_of(header, zeros, n_data);
    assert_fails(read_bytes(&b, &w, &err), status, part);
    assert_null(w);
    assert_int_equal(pea__alloc_live(), live);
    drop(&b);
}

static pea_weights *read_model(const char *header, const void *data, size_t n_data)
{
    pea_error err;
    pea_weights *w = NULL;
    bytes b = model_of(header, data, n_data);
    assert_ok(read_bytes(&b, &w, &err));
    drop(&b);
    return w;
}

static void tensors_and_metadata_are_read(void **state)
{
    static const unsigned char data[24] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40, 7};
    static const int64_t seven = 7;
    (void)state;
    pea_weights *w = read_model("{\"__metadata__\":{\"format\":\"pt\",\"pea\":\"{\\\"a\\\":1}\"},"
                                "\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
                                "\"n\":{\"shape\":[],\"data_offsets\":[16,24],\"dtype\":\"I64\"}}   ", data, 24);
    assert_int_equal(pea_weights_count(w), 2);
    assert_tensor(w, 0, "w", PEA_FLOAT32, four_floats, 2, 2, 2);
    assert_tensor(w, 1, "n", PEA_INT64, &seven, 0);
    assert_string_equal(pea_weights_metadata(w), "{\"a\":1}");
    pea_weights_free(w);
}

static void order_in_the_header_need_not_be_that_of_the_data(void **state)
{
    static const unsigned char data[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t first[] = {5, 6}, second[] = {1, 2, 3, 4};
    (void)state;
    pea_weights *w = read_model("{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]},"
                                "\"e\":{\"dtype\":\"U8\",\"shape\":[0,3],\"data_offsets\":[4,4]},"
                                "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", data, 6);
    assert_tensor(w, 0, "b", PEA_INT64, first, 1, 2);
    assert_tensor(w, 1, "e", PEA_INT64, NULL, 2, 0, 3);
    assert_tensor(w, 2, "a", PEA_INT64, second, 1, 4);
    assert_null(pea_weights_metadata(w));
    pea_weights_free(w);
}

static void all_element_types_become_float32_or_int64(void **state)
{
    static const struct {
        const char *dtype;
        size_t n_bytes;
        unsigned char data[16];
        float real;
        int64_t whole;
    } cases[] = {{"F32", 4, {0, 0, 0xa0, 0xbf}, -1.25f, 0},
                 {"F64", 8, {0, 0, 0, 0, 0, 0, 0xf4, 0xbf}, -1.25f, 0},
                 {"F16", 2, {0x00, 0xbd}, -1.25f, 0},
                 {"BF16", 2, {0xa0, 0xbf}, -1.25f, 0},
                 {"I64", 8, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0, -2},
                 {"I32", 4, {0xfe, 0xff, 0xff, 0xff}, 0, -2},
                 {"I16", 2, {0xfe, 0xff}, 0, -2},
                 {"I8", 1, {0xfe}, 0, -2},
                 {"U8", 1, {0xfe}, 0, 254},
                 {"BOOL", 1, {0xfe}, 0, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        snprintf(header, sizeof header, "{\"t\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}",
                 cases[i].dtype, cases[i].n_bytes);
        pea_weights *w = read_model(header, cases[i].data, cases[i].n_bytes);
        if (strchr(cases[i].dtype, 'F'))
            assert_tensor(w, 0, "t", PEA_FLOAT32, &cases[i].real, 1, 1);
        else
            assert_tensor(w, 0, "t", PEA_INT64, &cases[i].whole, 1, 1);
        pea_weights_free(w);
    }
}

/* Halves against the definition: sign, 2^(e-15) * (1 + f/1024), or f * 2^-24 where e is 0. */
static void every_finite_half_is_exact(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        const unsigned char raw[2] = {(unsigned char)(h & 255), (unsigned char)(h >> 8)};
        const int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
        float got;
        pea__elements_convert(PEA__F16, false, raw, 1, 1, &got);
        const double size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        if (exponent == 31)
            assert_true(fraction ? isnan(got) : isinf(got));
        else
            assert_true((double)got == (h & 0x8000 ? -size : size) && !signbit(got) == !(h & 0x8000));
    }
}

#define TENSOR_T(dtype, shape, offsets) "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void ranges_must_cover_the_data_exactly(void **state)
{
    (void)state;
    assert_header_refused(TENSOR_T("\"F32\"", "[2]", "[0,8]"), 7, PEA_E_FORMAT, "end at byte 8 of 7");
    assert_header_refused(TENSOR_T("\"F32\"", "[2]", "[0,8]"), 9, PEA_E_FORMAT, "end at byte 8 of 9");
    assert_header_refused(TENSOR_T("\"F32\"", "[2]", "[1,9]"), 9, PEA_E_FORMAT, "begins at byte 1 instead of 0");
    assert_header_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                          "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}", 7, PEA_E_FORMAT,
                          "b begins at byte 3 instead of 4"); /* overlap */
    assert_header_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                          "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[5,9]}}", 9, PEA_E_FORMAT,
                          "b begins at byte 5 instead of 4"); /* hole */
    assert_header_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                          "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, PEA_E_FORMAT,
                          "instead of 4"); /* the same twice */
    assert_header_refused("{}", 1, PEA_E_FORMAT, "end at byte 0 of 1");
}

static void shapes_must_fit_their_ranges(void **state)
{
    (void)state;
    assert_header_refused(TENSOR_T("\"F32\"", "[2]", "[0,4]"), 4, PEA_E_FORMAT, "does not fit its data_offsets");
    assert_header_refused(TENSOR_T("\"F32\"", "[]", "[0,0]"), 0, PEA_E_FORMAT, "does not fit its data_offsets");
    assert_header_refused(TENSOR_T("\"F32\"", "[2]", "[8,0]"), 0, PEA_E_FORMAT, "does not fit its data_offsets");
    assert_header_refused(TENSOR_T("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0, PEA_E_FORMAT, "impossible shape");
    assert_header_refused(TENSOR_T("\"F32\"", "[0,4294967296,4294967296]", "[0,0]"), 0, PEA_E_FORMAT, "impossible shape");
    assert_header_refused(TENSOR_T("\"F32\"", "[4611686018427387904]", "[0,0]"), 0, PEA_E_FORMAT, "no shape");
    assert_header_refused(TENSOR_T("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, PEA_E_FORMAT, "no shape");
    assert_header_refused(TENSOR_T("\"F32\"", "[-1]", "[0,4]"), 4, PEA_E_FORMAT, "no shape");
    assert_header_refused(TENSOR_T("\"F32\"", "[1.5]", "[0,4]"), 4, PEA_E_FORMAT, "no shape");
    assert_header_refused(TENSOR_T("\"F32\"", "1", "[0,4]"), 4, PEA_E_FORMAT, "no shape");
    assert_header_refused(TENSOR_T("\"F32\"", "[1]", "[0]"), 4, PEA_E_FORMAT, "no two data_offsets");
    assert_header_refused(TENSOR_T("\"F32\"", "[1]", "[0,4,8]"), 4, PEA_E_FORMAT, "no two data_offsets");
    assert_header_refused(TENSOR_T("\"F8_E4M3\"", "[1]", "[0,1]"), 1, PEA_E_FORMAT, "none of the element types");
    assert_header_refused(TENSOR_T("5", "[1]", "[0,1]"), 1, PEA_E_FORMAT, "none of the element types");
}

static void keys_are_unique_and_of_known_form(void **state)
{
    (void)state;
    assert_header_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                          "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, PEA_E_FORMAT, "twice");
    assert_header_refused("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
                          PEA_E_FORMAT, "none of the element types");
    assert_header_refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, PEA_E_FORMAT, "__metadata__ twice");
    assert_header_refused("{\"__metadata__\":[]}", 0, PEA_E_FORMAT, "not an object");
    assert_header_refused("{\"__metadata__\":{\"pea\":1}}", 0, PEA_E_FORMAT, "something else than texts");
    assert_header_refused("{\"__metadata__\":{\"pea\":\"a\",\"pea\":\"b\"}}", 0, PEA_E_FORMAT, "pea twice");
    assert_header_refused("{\"a\":[1,2]}", 0, PEA_E_FORMAT, "none of the element types");
    assert_header_refused("{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, PEA_E_FORMAT, "0 bytes");
    assert_header_refused("{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, PEA_E_FORMAT,
                          "control character");
}

static void headers_that_are_not_json_are_refused(void **state)
{
    (void)state;
    assert_header_refused("{\"a\":", 0, PEA_E_FORMAT, "not JSON");
    assert_header_refused("{} x", 0, PEA_E_FORMAT, "not JSON");
    assert_header_refused("{\"a\":{\"b\":{\"c\":{}}}}", 0, PEA_E_FORMAT, "nested 4 deep");
    assert_header_refused("{\"a\\u0000\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, PEA_E_FORMAT, "NUL");
    assert_header_refused("{\"\xff\":1}", 0, PEA_E_FORMAT, "UTF-8");
}

static void deep_and_wide_headers_are_refused_before_they_cost(void **state)
{
    pea_error err;
    pea_weights *w = NULL;
    bytes header = {0};
    (void)state;
    ADD(&header, "{");
    add_repeated(&header, "[", 1, 1000000);
    add(&header, "", 1);
    assert_header_refused((char *)header.at, 0, PEA_E_FORMAT, "deep");
    drop(&header);
    ADD(&header, "{\"a\":[0");
    add_repeated(&header, ",0", 2, 1000000);
    add(&header, "]}", 3);
    assert_header_refused((char *)header.at, 0, PEA_E_LIMIT, "memory");
    drop(&header);
    ADD(&header, "{\"k0\":0");
    for (int i = 1; i <= PEA__MAX_TENSORS; i++) {
        char key[32];
        add(&header, key, (size_t)snprintf(key, sizeof key, ",\"k%d\":0", i));
    }
    add(&header, "}", 2);
    assert_header_refused((char *)header.at, 0, PEA_E_LIMIT, "10001 keys");
    drop(&header);
    assert_null(w);
    (void)err;
}

static void the_header_length_is_not_believed(void **state)
{
    pea_error err;
    pea_weights *w = NULL;
    static const struct {
        uint64_t n;
        const char *part;
    } cases[] = {{0, "no model file"}, {1, "no model file"}, {100000001, "no model file"}, {UINT64_MAX, "no model file"},
                 {3, "ends early"}};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        bytes b = {0};
        add_number(&b, cases[i].n, 8);
        ADD(&b, "{}");
        assert_fails(read_bytes(&b, &w, &err), PEA_E_FORMAT, cases[i].part);
        drop(&b);
    }
    bytes b = sample("zip-state.ckpt");
    assert_fails(read_bytes(&b, &w, &err), PEA_E_FORMAT, "imported first");
    drop(&b);
    assert_fails(read_bytes(&(bytes){NULL, 0, 0}, &w, &err), PEA_E_FORMAT, "only 0 bytes");
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    static const unsigned char nan_half[] = {0, 0x7e};
    pea_error err;
    pea_weights *w = NULL;
    (void)state;
    bytes b = model_of(TENSOR_T("\"F16\"", "[1]", "[0,2]"), nan_half, 2);
    assert_fails(read_bytes(&b, &w, &err), PEA_E_FORMAT, "NaN");
    drop(&b);
}

/* ---- writing ---- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/pea-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static size_t n_files(void)
{
    size_t n = 0;
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing))
        n += entry->d_name[0] != '.';
    closedir(listing);
    return n;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[512];
    DIR *listing = opendir(folder);
    for (const struct dirent *entry = listing ? readdir(listing) : NULL; entry; entry = readdir(listing)) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (listing)
        closedir(listing);
    return rmdir(folder);
}

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static pea_weights *mixed(void)
{
    pea_error err;
    pea_weights *w = NULL;
    assert_ok(pea_weights_import(PEA_TESTDATA "/checkpoints/zip-mixed-types.pt", &w, NULL, &err));
    return w;
}

static void what_is_written_is_read_again_and_always_the_same_bytes(void **state)
{
    static const char metadata[] = "{\"name\":\"caf\xc3\xa9 \\\"x\\\"\\n\",\"tab\":\"\t\"}";
    pea_error err;
    pea_weights *again = NULL;
    (void)state;
    pea_weights *w = mixed();
    assert_ok(pea_weights_write(in_folder("a"), w, metadata, &err));
    assert_ok(pea_weights_read(in_folder("a"), &again, &err));
    assert_true(same_weights(w, again));
    assert_string_equal(pea_weights_metadata(again), metadata);
    assert_ok(pea_weights_write(in_folder("a"), again, metadata, &err)); /* over the first */
    assert_ok(pea_weights_write(in_folder("b"), w, metadata, &err));
    bytes first = file_bytes(in_folder("a")), second = file_bytes(in_folder("b"));
    assert_int_equal(first.n, second.n);
    assert_memory_equal(first.at, second.at, first.n);
    assert_int_equal((8 + pea__load_u64(first.at)) % 8, 0);
    assert_int_equal(n_files(), 2);
    drop(&first);
    drop(&second);
    pea_weights_free(again);
    pea_weights_free(w);
}

static void metadata_may_be_absent(void **state)
{
    pea_error err;
    pea_weights *again = NULL;
    (void)state;
    pea_weights *w = mixed();
    assert_ok(pea_weights_write(in_folder("a"), w, NULL, &err));
    assert_ok(pea_weights_read(in_folder("a"), &again, &err));
    assert_null(pea_weights_metadata(again));
    assert_true(same_weights(w, again));
    pea_weights_free(again);
    assert_fails(pea_weights_write(in_folder("c"), w, "\xff", &err), PEA_E_ARG, "UTF-8");
    pea_weights_free(w);
    assert_int_equal(n_files(), 1);
}

static void what_could_not_be_read_again_is_not_written(void **state)
{
    static const struct {
        const char *name;
        pea_dtype dtype;
        pea_status status;
    } cases[] = {{"__metadata__", PEA_FLOAT32, PEA_E_ARG}, {"a\nb", PEA_FLOAT32, PEA_E_FORMAT},
                 {"\xff", PEA_FLOAT32, PEA_E_FORMAT}, {"", PEA_FLOAT32, PEA_E_FORMAT}, {"a", PEA_UINT8, PEA_E_DTYPE}};
    pea_error err;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        pea_weights *w;
        const int64_t shape[] = {1};
        assert_ok(pea__weights_new(&w, &err));
        assert_ok(pea__weights_add(w, cases[i].name, cases[i].dtype, 1, shape, NULL, NULL, &err));
        assert_fails(pea_weights_write(in_folder("a"), w, NULL, &err), cases[i].status, "");
        pea_weights_free(w);
    }
    assert_int_equal(n_files(), 0);
}

static void a_full_disk_leaves_nothing_behind(void **state)
{
    struct rlimit before, small;
    pea_error err;
    (void)state;
    pea_weights *w = mixed();
    assert_ok(pea_weights_write(in_folder("kept"), w, "old", &err));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t n = 0; n < 2000; n += 499) {
        small = before;
        small.rlim_cur = n;
        void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        pea_error full = {0}, kept = {0};
        const pea_status status = pea_weights_write(in_folder("new"), w, "x", &full);
        const pea_status over = pea_weights_write(in_folder("kept"), w, "x", &kept);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        signal(SIGXFSZ, handler);
        assert_int_equal(status, PEA_E_IO);
        assert_int_equal(over, PEA_E_IO);
        assert_non_null(strstr(full.message, "nothing was left behind"));
        assert_int_equal(n_files(), 1);
    }
    pea_weights *again;
    assert_ok(pea_weights_read(in_folder("kept"), &again, &err));
    assert_string_equal(pea_weights_metadata(again), "old");
    pea_weights_free(again);
    pea_weights_free(w);
}

static void every_failing_allocation_leaves_no_file(void **state)
{
    pea_error err;
    pea_weights *again = NULL;
    (void)state;
    pea_weights *w = mixed();
    const size_t live = pea__alloc_live();
    pea_status status = PEA_E_NOMEM;
    for (size_t n = 1; status != PEA_OK; n++) {
        assert_int_equal(n_files(), 0);
        pea__alloc_fail_at(n, n % 2);
        status = pea_weights_write(in_folder("a"), w, "{}", &err);
        pea__alloc_fail_at(0, false);
        assert_true(status == PEA_OK || status == PEA_E_NOMEM);
        assert_int_equal(pea__alloc_live(), live);
        assert_true(n < 100);
    }
    status = PEA_E_NOMEM;
    for (size_t n = 1; status != PEA_OK; n++) {
        pea__alloc_fail_at(n, n % 2);
        status = pea_weights_read(in_folder("a"), &again, &err);
        pea__alloc_fail_at(0, false);
        assert_true(status == PEA_OK || (status == PEA_E_NOMEM && !again));
        assert_true(n < 1000);
    }
    pea_weights_free(again);
    assert_int_equal(pea__alloc_live(), live);
    pea_weights_free(w);
}

static void files_that_cannot_be_opened_are_errors(void **state)
{
    pea_error err;
    pea_weights *w;
    (void)state;
    assert_fails(pea_weights_read("/nonexistent/m.safetensors", &w, &err), PEA_E_IO, "/nonexistent");
    assert_null(w);
    assert_int_equal(pea_weights_read("/nonexistent", &w, NULL), PEA_E_IO);
    assert_int_equal(pea_weights_read(PEA_TESTDATA "/checkpoints/zip-state.ckpt", &w, NULL), PEA_E_FORMAT);
    w = mixed();
    assert_fails(pea_weights_write("/nonexistent/m.safetensors", w, NULL, &err), PEA_E_IO, "/nonexistent");
    pea_weights_free(w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tensors_and_metadata_are_read),
    cmocka_unit_test(order_in_the_header_need_not_be_that_of_the_data),
    cmocka_unit_test(all_element_types_become_float32_or_int64),
    cmocka_unit_test(every_finite_half_is_exact),
    cmocka_unit_test(ranges_must_cover_the_data_exactly),
    cmocka_unit_test(shapes_must_fit_their_ranges),
    cmocka_unit_test(keys_are_unique_and_of_known_form),
    cmocka_unit_test(headers_that_are_not_json_are_refused),
    cmocka_unit_test(deep_and_wide_headers_are_refused_before_they_cost),
    cmocka_unit_test(the_header_length_is_not_believed),
    cmocka_unit_test(numbers_that_are_not_finite_are_refused),
    cmocka_unit_test_setup_teardown(what_is_written_is_read_again_and_always_the_same_bytes, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(metadata_may_be_absent, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(what_could_not_be_read_again_is_not_written, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(a_full_disk_leaves_nothing_behind, make_folder, remove_folder),
    cmocka_unit_test_setup_teardown(every_failing_allocation_leaves_no_file, make_folder, remove_folder),
    cmocka_unit_test(files_that_cannot_be_opened_are_errors),
};

PEA_TEST_MAIN(tests)
