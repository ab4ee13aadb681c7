/* test_array.c - element types, extents, volumes, labels of any type, and channel order.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "array/array.h"
#include "pea/npy.h"

static void every_type_has_a_size_and_a_name(void **state)
{
    static const struct {
        pea_dtype dtype;
        size_t size;
        const char *name;
    } known[] = {{PEA_UINT8, 1, "uint8"}, {PEA_UINT16, 2, "uint16"}, {PEA_UINT32, 4, "uint32"},
                 {PEA_INT8, 1, "int8"},   {PEA_INT16, 2, "int16"},   {PEA_INT32, 4, "int32"},
                 {PEA_INT64, 8, "int64"}, {PEA_FLOAT32, 4, "float32"}, {PEA_FLOAT64, 8, "float64"},
                 {PEA_FLOAT16, 2, "float16"}};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_int_equal(pea_dtype_size_bytes(known[i].dtype), known[i].size);
        assert_string_equal(pea_dtype_name(known[i].dtype), known[i].name);
    }
    assert_int_equal(pea_dtype_size_bytes(0), 0);
    assert_string_equal(pea_dtype_name(99), "unknown");
}

static void extents_are_counted_without_overflow(void **state)
{
    int64_t n, m;
    (void)state;
    assert_true(pea__dims_count((pea_dims){2, 3, 4, 5}, 4, &n, &m));
    assert_int_equal(n, 24);
    assert_int_equal(m, 120);
    assert_true(pea__dims_count((pea_dims){1, 1, 1, 1}, 8, NULL, NULL));
    assert_false(pea__dims_count((pea_dims){0, 3, 4, 5}, 4, NULL, NULL));
    assert_false(pea__dims_count((pea_dims){1, 3, 4, -5}, 4, NULL, NULL));
    assert_false(pea__dims_count((pea_dims){INT64_C(1) << 32, INT64_C(1) << 32, 1, 1}, 1, NULL, NULL));
    assert_false(pea__dims_count((pea_dims){INT64_MAX / 4, 1, 1, 1}, 8, NULL, NULL));
    assert_false(pea__dims_count((pea_dims){INT64_MAX, 1, 1, 1}, 1, NULL, NULL));
}

static void unusable_arrays_are_told_in_words(void **state)
{
    float data[4];
    pea_error err;
    pea_array a = {data, PEA_FLOAT32, {1, 2, 2, 1}};
    (void)state;
    assert_ok(pea__array_check(&a, "image", 0, &err));
    assert_ok(pea__array_check(&a, "image", PEA_FLOAT32, &err));
    assert_fails(pea__array_check(&a, "image", PEA_UINT32, &err), PEA_E_DTYPE, "image must be uint32, is float32");
    assert_fails(pea__array_check(NULL, "image", 0, &err), PEA_E_ARG, "image is missing");
    a.dims.y = 0;
    assert_fails(pea__array_check(&a, "image", 0, &err), PEA_E_SHAPE, "y 0");
    a.dtype = 0;
    assert_fails(pea__array_check(&a, "image", 0, &err), PEA_E_DTYPE, "no valid element type");
    a.data = NULL;
    assert_fails(pea__array_check(&a, "image", 0, &err), PEA_E_ARG, "missing");
}

static void arrays_of_different_extents_are_told_apart(void **state)
{
    pea_error err;
    const pea_array a = {NULL, PEA_UINT8, {1, 2, 3, 1}}, b = {NULL, PEA_UINT8, {1, 2, 3, 7}}, c = {NULL, PEA_UINT8, {1, 2, 4, 1}};
    (void)state;
    assert_ok(pea__same_space(&a, "mask", &b, "image", &err)); /* channels do not count */
    assert_fails(pea__same_space(&a, "mask", &c, "image", &err), PEA_E_SHAPE, "mask is 1 x 2 x 3 (z,y,x) but image is 1 x 2 x 4");
}

static void volumes_are_zeroed_and_calibrated_in_pixels(void **state)
{
    pea_error err;
    pea_volume v;
    (void)state;
    const size_t live = pea__alloc_live();
    assert_ok(pea_volume_alloc(PEA_INT16, (pea_dims){2, 2, 2, 2}, &v, &err));
    for (int i = 0; i < 16; i++)
        assert_int_equal(((int16_t *)v.array.data)[i], 0);
    assert_string_equal(v.calibration.unit, "pixel");
    assert_true(v.calibration.z == 1.0 && v.calibration.frame_s == 0.0);
    pea_volume_free(&v);
    assert_null(v.array.data);
    pea_volume_free(&v);
    pea_volume_free(NULL);
    assert_int_equal(pea__alloc_live(), live);
}

static void impossible_volumes_are_refused(void **state)
{
    pea_error err;
    pea_volume v;
    (void)state;
    assert_fails(pea_volume_alloc(0, (pea_dims){1, 1, 1, 1}, &v, &err), PEA_E_DTYPE, "no element type");
    assert_fails(pea_volume_alloc(PEA_UINT8, (pea_dims){1, 0, 1, 1}, &v, &err), PEA_E_SHAPE, "empty");
    assert_fails(pea_volume_alloc(PEA_UINT8, (pea_dims){INT64_MAX, 2, 1, 1}, &v, &err), PEA_E_LIMIT, "address space");
    pea__alloc_fail_at(1, false);
    assert_fails(pea_volume_alloc(PEA_UINT8, (pea_dims){1, 1, 1, 1}, &v, &err), PEA_E_NOMEM, "memory");
    pea__alloc_fail_at(0, false);
    assert_null(v.array.data);
}

static void labels_of_every_type_are_taken_exactly(void **state)
{
    static const uint8_t u8[] = {0, 255};
    static const uint16_t u16[] = {0, 65535};
    static const uint32_t u32[] = {0, UINT32_MAX};
    static const int8_t i8[] = {0, 127};
    static const int16_t i16[] = {0, 32767};
    static const int32_t i32[] = {0, INT32_MAX};
    static const int64_t i64[] = {0, UINT32_MAX};
    static const float f32[] = {-0.0f, 16777216.0f};
    static const double f64[] = {0, 4294967295.0};
    const struct {
        const void *data;
        pea_dtype dtype;
        uint32_t last;
    } cases[] = {{u8, PEA_UINT8, 255},         {u16, PEA_UINT16, 65535},     {u32, PEA_UINT32, UINT32_MAX},
                 {i8, PEA_INT8, 127},          {i16, PEA_INT16, 32767},      {i32, PEA_INT32, INT32_MAX},
                 {i64, PEA_INT64, UINT32_MAX}, {f32, PEA_FLOAT32, 16777216}, {f64, PEA_FLOAT64, UINT32_MAX}};
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t got[2] = {9, 9};
        const pea_array in = {(void *)cases[i].data, cases[i].dtype, {1, 1, 2, 1}}, out = {got, PEA_UINT32, {1, 1, 2, 1}};
        assert_ok(pea_labels_from_array(&in, &out, &err));
        assert_int_equal(got[0], 0);
        assert_int_equal(got[1], cases[i].last);
    }
}

static void what_is_no_label_is_told_with_its_place(void **state)
{
    static const double bad[] = {-1, 0.5, 4294967296.0, NAN, INFINITY};
    pea_error err;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        double values[8] = {0};
        uint32_t got[8];
        values[7] = bad[i];
        const pea_array in = {values, PEA_FLOAT64, {2, 2, 2, 1}}, out = {got, PEA_UINT32, {2, 2, 2, 1}};
        assert_fails(pea_labels_from_array(&in, &out, &err), PEA_E_FORMAT, "at z 1, y 1, x 1");
    }
    uint32_t two[2];
    const pea_array channels = {two, PEA_UINT32, {1, 1, 1, 2}}, small = {two, PEA_UINT32, {1, 1, 1, 1}},
                    floats = {two, PEA_FLOAT32, {1, 1, 1, 1}};
    assert_fails(pea_labels_from_array(&channels, &small, &err), PEA_E_SHAPE, "1 channel");
    assert_fails(pea_labels_from_array(&small, &floats, &err), PEA_E_DTYPE, "must be uint32");
}

static void channels_move_first_and_back(void **state)
{
    const pea_dims dims = {2, 3, 4, 5};
    float last[120], first[120], again[120];
    (void)state;
    for (int i = 0; i < 120; i++)
        last[i] = (float)i;
    pea_channels_first(last, dims, first);
    for (int c = 0; c < 5; c++)
        for (int p = 0; p < 24; p++)
            assert_true(first[c * 24 + p] == last[p * 5 + c]);
    pea_channels_last(first, dims, again);
    assert_memory_equal(again, last, sizeof last);
}

static void the_elements_of_a_shape_are_counted(void **state)
{
    static const int64_t shape[] = {3, 4, 5}, hole[] = {3, 0, 5}, beside_a_hole[] = {0, INT64_MAX, 2};
    static const int64_t negative[] = {3, -1};
    int64_t n = 7;
    (void)state;
    assert_false(pea__shape_count(negative, 2, &n));
    assert_false(pea__shape_count(beside_a_hole, 3, &n)); /* strides would wrap */
    assert_int_equal(n, 7);
    assert_true(pea__shape_count(shape, 3, &n) && n == 60);
    assert_true(pea__shape_count(hole, 3, &n) && n == 0);
    assert_true(pea__shape_count(NULL, 0, &n) && n == 1);
}

static void the_first_number_that_is_not_finite_is_found(void **state)
{
    static const float values[] = {0, -1e38f, INFINITY, NAN};
    int64_t which = -1;
    (void)state;
    assert_true(pea__all_finite(values, 2, &which));
    assert_false(pea__all_finite(values, 4, &which));
    assert_int_equal(which, 2);
    assert_false(pea__all_finite(values + 3, 1, &which));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_type_has_a_size_and_a_name),
    cmocka_unit_test(extents_are_counted_without_overflow),
    cmocka_unit_test(unusable_arrays_are_told_in_words),
    cmocka_unit_test(arrays_of_different_extents_are_told_apart),
    cmocka_unit_test(volumes_are_zeroed_and_calibrated_in_pixels),
    cmocka_unit_test(impossible_volumes_are_refused),
    cmocka_unit_test(labels_of_every_type_are_taken_exactly),
    cmocka_unit_test(what_is_no_label_is_told_with_its_place),
    cmocka_unit_test(channels_move_first_and_back),
    cmocka_unit_test(the_elements_of_a_shape_are_counted),
    cmocka_unit_test(the_first_number_that_is_not_finite_is_found),
};

PEA_TEST_MAIN(tests)
