/* test_weights.c - the list of named tensors.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "array/array.h"

static void tensors_are_kept_in_order_and_found_by_name(void **state)
{
    static const int64_t shape[] = {2, 3};
    pea_error err;
    pea_weights *w;
    void *stored;
    (void)state;
    const size_t live = pea__alloc_live();
    assert_ok(pea__weights_new(&w, &err));
    for (int i = 0; i < 200; i++) { /* more than the first room */
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        assert_ok(pea__weights_add(w, name, PEA_FLOAT32, 2, shape, NULL, &stored, &err));
        ((float *)stored)[5] = (float)i;
    }
    int64_t *counter = pea__alloc(1, sizeof *counter, &err);
    *counter = 7;
    assert_ok(pea__weights_add(w, "counter", PEA_INT64, 0, NULL, counter, NULL, &err));
    assert_int_equal(pea_weights_count(w), 201);
    pea_tensor t;
    assert_true(pea_weights_find(w, "t123", &t));
    assert_int_equal(t.shape[1], 3);
    assert_true(((const float *)t.data)[5] == 123.0f);
    assert_true(pea_weights_find(w, "counter", &t));
    assert_ptr_equal(t.data, counter);
    assert_string_equal(pea_weights_tensor(w, 2).name, "t2");
    assert_false(pea_weights_find(w, "absent", &t));
    pea_weights_free(w);
    pea_weights_free(NULL);
    assert_int_equal(pea__alloc_live(), live);
}

static void what_cannot_be_added_is_freed(void **state)
{
    static const int64_t huge[] = {INT64_MAX, 2}, nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    pea_error err;
    pea_weights *w;
    (void)state;
    const size_t live = pea__alloc_live();
    assert_ok(pea__weights_new(&w, &err));
    assert_ok(pea__weights_add(w, "a", PEA_FLOAT32, 0, NULL, NULL, NULL, &err));
    const size_t one = pea__alloc_live();
    assert_fails(pea__weights_add(w, "a", PEA_FLOAT32, 0, NULL, pea__alloc(1, 4, &err), NULL, &err), PEA_E_FORMAT, "twice");
    assert_fails(pea__weights_add(w, "b", PEA_FLOAT32, 2, huge, pea__alloc(1, 4, &err), NULL, &err), PEA_E_LIMIT, "shape");
    assert_fails(pea__weights_add(w, "b", PEA_FLOAT32, 9, nine, pea__alloc(1, 4, &err), NULL, &err), PEA_E_LIMIT, "9 axes");
    assert_fails(pea__weights_add(w, "b", PEA_FLOAT32, 1, huge, NULL, NULL, &err), PEA_E_LIMIT, "shape");
    for (size_t n = 1; n <= 2; n++) {
        pea__alloc_fail_at(n, true);
        assert_fails(pea__weights_add(w, "b", PEA_FLOAT32, 0, NULL, NULL, NULL, &err), PEA_E_NOMEM, "memory");
        pea__alloc_fail_at(0, false);
    }
    assert_int_equal(pea__alloc_live(), one);
    assert_int_equal(pea_weights_count(w), 1);
    pea_weights_free(w);
    assert_int_equal(pea__alloc_live(), live);
}

static void a_prefix_is_dropped_where_it_is(void **state)
{
    pea_error err;
    pea_weights *w;
    (void)state;
    assert_ok(pea__weights_new(&w, &err));
    assert_ok(pea__weights_add(w, "module.a", PEA_FLOAT32, 0, NULL, NULL, NULL, &err));
    assert_ok(pea__weights_add(w, "b.module.", PEA_FLOAT32, 0, NULL, NULL, NULL, &err));
    pea__weights_strip_prefix(w, "module.");
    assert_true(pea_weights_find(w, "a", NULL));
    assert_true(pea_weights_find(w, "b.module.", NULL));
    pea_weights_free(w);
}

static void metadata_are_replaced_as_a_whole(void **state)
{
    pea_error err;
    pea_weights *w;
    (void)state;
    assert_ok(pea__weights_new(&w, &err));
    assert_null(pea_weights_metadata(w));
    assert_ok(pea__weights_set_metadata(w, "{\"a\":1} and more", 7, &err));
    assert_string_equal(pea_weights_metadata(w), "{\"a\":1}");
    pea__alloc_fail_at(1, false);
    assert_fails(pea__weights_set_metadata(w, "x", 1, &err), PEA_E_NOMEM, "memory");
    pea__alloc_fail_at(0, false);
    assert_string_equal(pea_weights_metadata(w), "{\"a\":1}");
    assert_ok(pea__weights_set_metadata(w, "{}", 2, &err));
    assert_string_equal(pea_weights_metadata(w), "{}");
    pea_weights_free(w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tensors_are_kept_in_order_and_found_by_name),
    cmocka_unit_test(what_cannot_be_added_is_freed),
    cmocka_unit_test(a_prefix_is_dropped_where_it_is),
    cmocka_unit_test(metadata_are_replaced_as_a_whole),
};

PEA_TEST_MAIN(tests)
