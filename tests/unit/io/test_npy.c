/* test_npy.c - NumPy's files: every type, order and version that is read, and headers that lie.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io_test.h"

#include <unistd.h>

static bytes npy_of(int version, const char *dict, const void *data, size_t n_data)
{
    bytes b = {0};
    ADD(&b, "\x93NUMPY");
    add_number(&b, (uint64_t)version, 2);
    add_number(&b, strlen(dict), version == 1 ? 2 : 4);
    add(&b, dict, strlen(dict));
    add(&b, data, n_data);
    return b;
}

static pea_status read_bytes(const bytes *b, pea_npy *npy, pea_error *err)
{
    unsigned char *exact = malloc(b->n ? b->n : 1);
    assert_non_null(exact);
    if (b->n > 0)
        memcpy(exact, b->at, b->n);
    const pea__reader reader = pea__reader_memory(exact, b->n);
    const pea_status status = pea__npy_read_from(&reader, npy, err);
    free(exact);
    return status;
}

static pea_npy read_npy(int version, const char *dict, const void *data, size_t n_data)
{
    pea_error err;
    pea_npy npy;
    bytes b = npy_of(version, dict, data, n_data);
    assert_ok(read_bytes(&b, &npy, &err));
    drop(&b);
    return npy;
}

static void assert_dict_refused(const char *dict, size_t n_data, pea_status status, const char *part)
{
    static const unsigned char zeros[64];
    pea_error err;
    pea_npy npy;
    const size_t live = pea__alloc_live();
    bytes b = npy_of(1, dict, zeros, n_data);
    assert_fails(read_bytes(&b, &npy, &err), status, part);
    assert_null(npy.data);
    assert_int_equal(pea__alloc_live(), live);
    drop(&b);
}

#define DICT(descr, order, shape) "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }  \n"

static void every_version_is_read(void **state)
{
    (void)state;
    for (int version = 1; version <= 3; version++) {
        pea_npy npy = read_npy(version, DICT("<f4", "False", "(2, 2)"), four_floats, 16);
        assert_int_equal(npy.dtype, PEA_FLOAT32);
        assert_int_equal(npy.n_axes, 2);
        assert_int_equal(npy.shape[0], 2);
        assert_memory_equal(npy.data, four_floats, 16);
        pea_npy_free(&npy);
        assert_null(npy.data);
    }
}

static void every_type_is_read_in_both_byte_orders(void **state)
{
    static const struct {
        const char *descr;
        pea_dtype dtype;
        size_t n_bytes;
        unsigned char data[8]; /* the number 1 or -2, little-endian */
        double value;
    } cases[] = {{"f4", PEA_FLOAT32, 4, {0, 0, 0, 0xc0}, -2}, {"f8", PEA_FLOAT64, 8, {0, 0, 0, 0, 0, 0, 0, 0xc0}, -2},
                 {"f2", PEA_FLOAT32, 2, {0, 0xc0}, -2},       {"u1", PEA_UINT8, 1, {200}, 200},
                 {"i1", PEA_INT8, 1, {0xfe}, -2},             {"b1", PEA_UINT8, 1, {3}, 1},
                 {"u2", PEA_UINT16, 2, {1, 2}, 513},          {"i2", PEA_INT16, 2, {0xfe, 0xff}, -2},
                 {"u4", PEA_UINT32, 4, {1, 0, 0, 0x80}, 2147483649.0}, {"i4", PEA_INT32, 4, {0xfe, 255, 255, 255}, -2},
                 {"i8", PEA_INT64, 8, {0xfe, 255, 255, 255, 255, 255, 255, 255}, -2}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int order = 0; order < 3; order++) {
            char dict[128];
            unsigned char data[8];
            if (order == 2 && cases[i].n_bytes > 1)
                continue;
            snprintf(dict, sizeof dict, "{'descr': '%c%s', 'fortran_order': False, 'shape': (1,)}", "<>|"[order],
                     cases[i].descr);
            for (size_t at = 0; at < cases[i].n_bytes; at++)
                data[at] = cases[i].data[order == 1 ? cases[i].n_bytes - 1 - at : at];
            pea_npy npy = read_npy(1, dict, data, cases[i].n_bytes);
            assert_int_equal(npy.dtype, cases[i].dtype);
            const pea_array view = {npy.data, npy.dtype, {1, 1, 1, 1}};
            assert_true(pea__array_value(&view, 0) == cases[i].value);
            pea_npy_free(&npy);
        }
}

static void fortran_order_becomes_row_major(void **state)
{
    unsigned char data[24];
    (void)state;
    for (int z = 0; z < 2; z++) /* first axis fastest */
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 4; x++)
                data[z + 2 * (y + 3 * x)] = (unsigned char)(12 * z + 4 * y + x);
    pea_npy npy = read_npy(1, DICT("|u1", "True", "(2, 3, 4)"), data, 24);
    for (int i = 0; i < 24; i++)
        assert_int_equal(((unsigned char *)npy.data)[i], i);
    pea_npy_free(&npy);
}

static void scalars_and_empty_arrays_are_read(void **state)
{
    (void)state;
    pea_npy npy = read_npy(1, DICT("<f4", "False", "()"), four_floats, 4);
    assert_int_equal(npy.n_axes, 0);
    pea_npy_free(&npy);
    npy = read_npy(1, DICT("<f4", "True", "(0, 5)"), NULL, 0);
    assert_int_equal(npy.shape[1], 5);
    assert_non_null(npy.data);
    pea_npy_free(&npy);
    pea_npy_free(NULL);
}

static void headers_in_other_spellings_are_read(void **state)
{
    (void)state;
    pea_npy npy = read_npy(1, "{\"shape\":(2L,2L),\"fortran_order\":False,\"descr\":\"<f4\"}", four_floats, 16);
    assert_int_equal(npy.n_axes, 2);
    pea_npy_free(&npy);
}

static void headers_that_are_no_such_dict_are_refused(void **state)
{
    (void)state;
    assert_dict_refused("", 0, PEA_E_FORMAT, "not a dict");
    assert_dict_refused("{", 0, PEA_E_FORMAT, "not a dict");
    assert_dict_refused("{}", 0, PEA_E_FORMAT, "not a dict");
    assert_dict_refused("{'descr': '<f4', 'shape': (1,)}", 4, PEA_E_FORMAT, "not a dict");
    assert_dict_refused(DICT("<f4", "False", "(1,)") "x", 4, PEA_E_FORMAT, "not a dict");
    assert_dict_refused("{'descr'", 4, PEA_E_FORMAT, "not a dict");
    assert_dict_refused("{'descr: 1", 4, PEA_E_FORMAT, "not a dict");
    assert_dict_refused("{'descr': '<f4' 'shape': (1,)}", 4, PEA_E_FORMAT, "not a dict");
    assert_dict_refused("{'x': 1}", 4, PEA_E_FORMAT, "unknown key");
    assert_dict_refused("{'descr': '<f4', 'descr': '<f4'}", 4, PEA_E_FORMAT, "one twice");
    assert_dict_refused("{'fortran_order': 1}", 4, PEA_E_FORMAT, "neither True nor False");
    assert_dict_refused("{'descr': [('a', '<f4')]}", 4, PEA_E_FORMAT, "records");
    assert_dict_refused("{'descr': 'x", 4, PEA_E_FORMAT, "records");
}

static void other_types_are_refused_by_name(void **state)
{
    (void)state;
    assert_dict_refused(DICT("<u8", "False", "(1,)"), 8, PEA_E_FORMAT, "\"<u8\"");
    assert_dict_refused(DICT("<c8", "False", "(1,)"), 8, PEA_E_FORMAT, "\"<c8\"");
    assert_dict_refused(DICT("|O", "False", "(1,)"), 8, PEA_E_FORMAT, "\"|O\"");
    assert_dict_refused(DICT("|f4", "False", "(1,)"), 4, PEA_E_FORMAT, "\"|f4\"");
    assert_dict_refused(DICT("=f4", "False", "(1,)"), 4, PEA_E_FORMAT, "\"=f4\"");
    assert_dict_refused(DICT("<U16", "False", "(1,)"), 64, PEA_E_FORMAT, "\"<U16\"");
}

static void shapes_that_lie_are_refused(void **state)
{
    (void)state;
    assert_dict_refused(DICT("<f4", "False", "(2,)"), 7, PEA_E_FORMAT, "has 7 bytes of elements; its shape needs 8");
    assert_dict_refused(DICT("<f4", "False", "(2,)"), 9, PEA_E_FORMAT, "its shape needs 8");
    assert_dict_refused(DICT("<f4", "False", "(1000000000000,)"), 16, PEA_E_FORMAT, "its shape needs 4000000000000");
    assert_dict_refused(DICT("<f4", "False", "(9223372036854775807,)"), 4, PEA_E_LIMIT, "address space");
    assert_dict_refused(DICT("<f4", "False", "(4294967296, 4294967296)"), 4, PEA_E_LIMIT, "address space");
    assert_dict_refused(DICT("<f4", "True", "(0, 4294967296, 4294967296)"), 0, PEA_E_LIMIT, "address space");
    assert_dict_refused(DICT("<f4", "False", "(99999999999999999999,)"), 4, PEA_E_FORMAT, "no tuple of numbers");
    assert_dict_refused(DICT("<f4", "False", "(-1,)"), 4, PEA_E_FORMAT, "no tuple of numbers");
    assert_dict_refused(DICT("<f4", "False", "(1)"), 4, PEA_E_FORMAT, "no tuple of numbers");
    assert_dict_refused(DICT("<f4", "False", "[1]"), 4, PEA_E_FORMAT, "no tuple of numbers");
    assert_dict_refused(DICT("<f4", "False", "(1, "), 4, PEA_E_FORMAT, "no tuple of numbers");
    assert_dict_refused(DICT("<f4", "False", "(1,1,1,1,1,1,1)"), 4, PEA_E_LIMIT, "more than 6 axes");
}

static void files_of_other_kinds_are_refused(void **state)
{
    pea_error err;
    pea_npy npy;
    (void)state;
#define assert_file_refused(literal, status, part)                                                                    \
    assert_fails(read_bytes(&(bytes){(unsigned char *)(literal), sizeof(literal) - 1, 0}, &npy, &err), status, part)
    assert_file_refused("", PEA_E_FORMAT, "no .npy file");
    assert_file_refused("PK\3\4xxxxxxxxxx", PEA_E_FORMAT, "no .npy file");
    assert_file_refused("\x93NUMPY\4\0\1\0{}xxx", PEA_E_FORMAT, "version 4.0");
    assert_file_refused("\x93NUMPY\1\1\1\0{}xxx", PEA_E_FORMAT, "version 1.1");
    assert_file_refused("\x93NUMPY\2\0\1\0\0", PEA_E_FORMAT, "ends early");
    assert_file_refused("\x93NUMPY\2\0\xff\xff\xff\xff{}", PEA_E_LIMIT, "header has 4294967295 bytes");
    assert_file_refused("\x93NUMPY\1\0\x40\0{}", PEA_E_FORMAT, "ends early");
}

static void every_prefix_is_an_error(void **state)
{
    pea_error err;
    pea_npy npy;
    (void)state;
    bytes b = npy_of(1, DICT("<f4", "False", "(2, 2)"), four_floats, 16);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(read_bytes(&(bytes){b.at, n, n}, &npy, &err), PEA_E_FORMAT);
    drop(&b);
}

/* ---- writing ---- */

static void half_floats_are_written_as_such_and_read_as_floats(void **state)
{
    uint16_t halves[3] = {0x3c00, 0xc100, 0x0001};
    const float expected[3] = {1.0f, -2.5f, 0x1p-24f};
    const pea_npy npy = {.dtype = PEA_FLOAT16, .n_axes = 1, .shape = {3}, .data = halves};
    char path[] = "/tmp/pea-test-XXXXXX";
    pea_npy again;
    pea_error err;
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_ok(pea_npy_write(path, &npy, NULL, &err));
    assert_ok(pea_npy_read(path, &again, &err));
    assert_int_equal(again.dtype, PEA_FLOAT32);
    assert_memory_equal(again.data, expected, sizeof expected);
    pea_npy_free(&again);
    unlink(path);
}

static void what_is_written_is_read_again(void **state)
{
    static const pea_dtype dtypes[] = {PEA_UINT8, PEA_UINT16, PEA_UINT32,  PEA_INT8,   PEA_INT16,
                                       PEA_INT32, PEA_INT64,  PEA_FLOAT32, PEA_FLOAT64};
    char path[] = "/tmp/pea-test-XXXXXX";
    unsigned char content[48];
    pea_error err;
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (unsigned char)(i % 60 + 1);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        for (int n_axes = 0; n_axes <= PEA_MAX_NPY_AXES; n_axes++) {
            static const int64_t shape[] = {1, 3, 1, 2, 1, 1};
            pea_npy npy = {.dtype = dtypes[i], .n_axes = n_axes, .data = content}, again;
            size_t n_bytes = pea_dtype_size_bytes(dtypes[i]);
            for (int axis = 0; axis < n_axes; axis++)
                n_bytes *= (size_t)(npy.shape[axis] = shape[axis]);
            assert_ok(pea_npy_write(path, &npy, NULL, &err));
            assert_ok(pea_npy_read(path, &again, &err));
            assert_int_equal(again.dtype, dtypes[i]);
            assert_int_equal(again.n_axes, n_axes);
            assert_memory_equal(again.shape, npy.shape, sizeof npy.shape);
            assert_memory_equal(again.data, content, n_bytes);
            pea_npy_free(&again);
            bytes b = file_bytes(path);
            assert_int_equal((b.n - n_bytes) % 64, 0); /* elements can be mapped */
            drop(&b);
        }
    unlink(path);
}

static void arrays_without_sense_are_not_written(void **state)
{
    pea_error err;
    pea_npy npy = {.dtype = PEA_FLOAT32, .n_axes = 1, .shape = {1}, .data = (void *)four_floats};
    (void)state;
    assert_fails(pea_npy_write("/nonexistent/a.npy", &npy, NULL, &err), PEA_E_IO, "/nonexistent");
    npy.shape[0] = -1;
    assert_fails(pea_npy_write("/tmp/x.npy", &npy, NULL, &err), PEA_E_ARG, "shape");
    npy.shape[0] = INT64_MAX;
    assert_fails(pea_npy_write("/tmp/x.npy", &npy, NULL, &err), PEA_E_ARG, "shape");
    npy.n_axes = 7;
    assert_fails(pea_npy_write("/tmp/x.npy", &npy, NULL, &err), PEA_E_ARG, "shape");
    npy.dtype = 0;
    assert_fails(pea_npy_write("/tmp/x.npy", &npy, NULL, &err), PEA_E_DTYPE, "element type");
    assert_fails(pea_npy_read("/nonexistent/a.npy", &npy, &err), PEA_E_IO, "/nonexistent");
    assert_int_equal(pea_npy_read("/nonexistent", &npy, NULL), PEA_E_IO);
}

static pea_status read_and_free(void *file, pea_error *err)
{
    pea_npy npy;
    const pea_status status = read_bytes(file, &npy, err);
    pea_npy_free(&npy);
    return status;
}

static void every_failing_allocation_is_an_error(void **state)
{
    static const unsigned char halves[8];
    (void)state;
    bytes b = npy_of(1, DICT("<f2", "True", "(2, 2)"), halves, 8);
    test_each_allocation_failing(read_and_free, &b, 10);
    drop(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_version_is_read),
    cmocka_unit_test(every_type_is_read_in_both_byte_orders),
    cmocka_unit_test(fortran_order_becomes_row_major),
    cmocka_unit_test(scalars_and_empty_arrays_are_read),
    cmocka_unit_test(headers_in_other_spellings_are_read),
    cmocka_unit_test(headers_that_are_no_such_dict_are_refused),
    cmocka_unit_test(other_types_are_refused_by_name),
    cmocka_unit_test(shapes_that_lie_are_refused),
    cmocka_unit_test(files_of_other_kinds_are_refused),
    cmocka_unit_test(every_prefix_is_an_error),
    cmocka_unit_test(half_floats_are_written_as_such_and_read_as_floats),
    cmocka_unit_test(what_is_written_is_read_again),
    cmocka_unit_test(arrays_without_sense_are_not_written),
    cmocka_unit_test(every_failing_allocation_is_an_error),
};

PEA_TEST_MAIN(tests)
