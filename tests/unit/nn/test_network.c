/* test_network.c - networks give the reference's numbers, refuse what is no network, and say what they are.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nets.h"
#include "kernel_sets.h"

/* Expected sums and single values: made by the reference implementation in double precision. */
typedef struct expected {
    const char *head;
    double sum, sum_abs;
    double first[4], last; /* of channel 0; the very last element */
} expected;

static void compare(const net_case *n, const expected *e)
{
    const int at = pea_network_find_head(n->network, e->head);
    assert_true(at >= 0);
    const pea_array *out = &n->outputs[at];
    const float *v = out->data;
    double sum = 0, sum_abs = 0;
    for (size_t i = 0; i < net_floats(out->dims); i++) {
        sum += v[i];
        sum_abs += fabs((double)v[i]);
    }
    for (int i = 0; i < 4; i++)
        if (!(fabs((double)v[i * out->dims.c] - e->first[i]) < 6e-6))
            fail_msg("%s[%d] is %.7f, expected %.6f", e->head, i, (double)v[i * out->dims.c], e->first[i]);
    if (!(fabs((double)v[net_floats(out->dims) - 1] - e->last) < 6e-6))
        fail_msg("%s ends with %.7f, expected %.6f", e->head, (double)v[net_floats(out->dims) - 1], e->last);
    if (!(fabs(sum - e->sum) < 3e-6 * e->sum_abs + 1e-4 && fabs(sum_abs - e->sum_abs) < 3e-6 * e->sum_abs + 1e-4))
        fail_msg("%s sums to %.6f (absolute %.6f), expected %.6f (%.6f)", e->head, sum, sum_abs, e->sum, e->sum_abs);
}

/* The same with every kernel set that runs here. */
static void check_values(pea_weights *(*make)(void), pea_dims dims, int64_t n_parameters, const expected *e, int n)
{
    pea_error err = {0};
    for (size_t set = 0; test_set(set, conv_f32); set++) {
        net_case c = net_open(make(), test_set(set, conv_f32), dims);
        assert_int_equal(pea_network_get_info(c.network).n_parameters, n_parameters);
        assert_int_equal(pea_network_get_info(c.network).n_heads, n);
        assert_ok(pea_network_forward(c.network, NULL, PEA_FP32, &c.in, c.outputs, &err));
        for (int i = 0; i < n; i++)
            compare(&c, &e[i]);
        net_close(&c);
    }
}

static pea_weights *make_full_2d(void)
{
    return net_2d(net_full_2d, 3, 16, NET_DEEP);
}

static void plane_network_gives_the_reference_values(void **state)
{
    static const expected values[] = {
        {"emb_level4", 1.218762, 101.858230, {-1.953246, -1.731302, -1.517936, -0.522269}, -0.203956},
        {"emb_level3", -108.046916, 278.317933, {0.203648, 0.202597, 0.165200, 0.324843}, -1.073323},
        {"emb_level2", -61.388560, 1108.577275, {-0.222683, 0.396120, 0.241776, 0.095591}, -1.133674},
        {"emb_level1", 629.778657, 5914.052733, {1.223923, 0.879290, 0.737793, 0.681275}, 0.441860},
        {"embedding", 5221.467544, 15896.886424, {0.255254, 0.207102, 0.155432, 0.228301}, 0.054665},
        {"foreground_logits", 686.175188, 844.340387, {0.134395, 0.000804, 0.018544, -0.008112}, 0.046610},
    };
    (void)state;
    check_values(make_full_2d, (pea_dims){1, 32, 48, 3}, 4715938, values, 6);
}

static pea_weights *make_full_3d(void)
{
    return net_3d(net_full_3d, 1, 16, true);
}

static void stack_network_gives_the_reference_values(void **state)
{
    static const expected values[] = {
        {"emb_level1", 72.828582, 318.548009, {-0.138448, -0.817106, -0.715587, 0.157125}, 0.493640},
        {"emb_level2", 318.762531, 1336.622672, {-0.087733, -0.986079, -0.838192, -1.110303}, -0.563885},
        {"emb_level3", -1406.284635, 5723.626660, {0.577026, 0.585023, 0.420881, 0.034295}, -0.864555},
        {"emb_level4", -7442.016775, 29084.187110, {-0.114760, -0.657447, -0.959557, -0.971595}, -0.848279},
        {"embedding", 21055.065287, 88049.344867, {0.242354, -0.159324, 0.413175, -0.189377}, -0.045955},
    };
    (void)state;
    check_values(make_full_3d, (pea_dims){6, 32, 48, 1}, 1481748, values, 5);
}

static pea_weights *make_affinity_3d(void)
{
    return net_3d(net_full_3d, 1, 3, false);
}

static void stack_affinity_network_gives_the_reference_values(void **state)
{
    static const expected values[] = {
        {"affinity", 15308.262111, 15308.262111, {0.560294, 0.460253, 0.601849, 0.452797}, 0.521747}};
    (void)state;
    check_values(make_affinity_3d, (pea_dims){6, 32, 48, 1}, 1477659, values, 1);
}

/* ---- what a network says of itself ---- */

static void check_form(pea_weights *weights, const char *kind, int64_t n_parameters, int64_t dim, const char *heads)
{
    pea_network *n = NULL;
    pea_error err = {0};
    char got[128] = "";
    assert_ok(pea_network_create(weights, &n, &err));
    const pea_network_info info = pea_network_get_info(n);
    assert_string_equal(info.kind, kind);
    assert_int_equal(info.n_parameters, n_parameters);
    assert_int_equal(info.embedding_dim, dim);
    assert_int_equal(info.grid, 16);
    for (size_t i = 0; i < info.n_heads; i++) {
        const pea_head h = pea_network_head(n, i);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s:%d/%d", i ? " " : "", h.name, (int)h.channels,
                 h.shrink);
        assert_int_equal(pea_network_find_head(n, h.name), i);
    }
    assert_string_equal(got, heads);
    assert_int_equal(pea_network_find_head(n, "no_such_head"), -1);
    pea_network_free(n);
    pea_weights_free(weights);
}

static void every_form_is_recognised(void **state)
{
    (void)state;
    check_form(net_2d(net_full_2d, 3, 16, NET_DEEP), "resunet2d", 4715938, 16,
               "embedding:16/1 emb_level1:16/2 emb_level2:16/4 emb_level3:16/8 emb_level4:16/16 foreground_logits:2/1");
    check_form(net_2d(net_full_2d, 3, 16, NET_SINGLE), "resunet2d", 4704610, 16,
               "embedding:16/1 foreground_logits:2/1");
    check_form(net_2d(net_full_2d, 3, 10, NET_AFFINITY), "resunet2d", 4704346, 0, "affinity:10/1");
    check_form(net_2d(net_full_2d, 3, 10, NET_AFFINITY_AND_MASK), "resunet2d", 4704412, 0,
               "foreground_logits:2/1 affinity:10/1");
    check_form(net_2d(net_small_2d, 3, 8, NET_DEEP), "resunet2d", 36858, 8,
               "embedding:8/1 emb_level1:8/2 emb_level2:8/4 emb_level3:8/8 emb_level4:8/16 foreground_logits:2/1");
    check_form(net_3d(net_full_3d, 1, 16, true), "superhuman3d", 1481748, 16,
               "embedding:16/1 emb_level1:16/16 emb_level2:16/8 emb_level3:16/4 emb_level4:16/2");
    check_form(net_3d(net_full_3d, 1, 16, false), "superhuman3d", 1478036, 16, "embedding:16/1");
    check_form(net_3d(net_full_3d, 1, 3, false), "superhuman3d", 1477659, 0, "affinity:3/1");
    check_form(net_3d(net_full_3d, 1, 12, false), "superhuman3d", 1477920, 0, "affinity:12/1");
    check_form(net_3d(net_full_3d, 1, 12, true), "superhuman3d", 1481748 - 4 * (80 + 64 + 48 + 36 + 28 + 5), 12,
               "embedding:12/1 emb_level1:12/16 emb_level2:12/8 emb_level3:12/4 emb_level4:12/2");
}

/* ---- what is refused ---- */

/* A copy of `from` without tensor `without`, with the shape of `bent` made one longer, `spoilt` beginning with `value`. */
static pea_weights *altered(const pea_weights *from, const char *without, const char *bent, const char *spoilt,
                            float value)
{
    pea_weights *w = NULL;
    assert_int_equal(pea__weights_new(&w, NULL), PEA_OK);
    for (size_t i = 0; i < pea_weights_count(from); i++) {
        pea_tensor t = pea_weights_tensor(from, i);
        void *stored = NULL;
        int64_t n = (int64_t)pea_dtype_size_bytes(t.dtype);
        if (without && strcmp(without, t.name) == 0)
            continue;
        for (int axis = 0; axis < t.n_axes; axis++)
            n *= t.shape[axis];
        if (bent && strcmp(bent, t.name) == 0)
            t.shape[t.n_axes - 1]++;
        assert_int_equal(pea__weights_add(w, t.name, t.dtype, t.n_axes, t.shape, NULL, &stored, NULL), PEA_OK);
        memcpy(stored, t.data, (size_t)n);
        if (spoilt && strcmp(spoilt, t.name) == 0)
            *(float *)stored = value;
    }
    return w;
}

static void refuse(pea_weights *weights, const char *message)
{
    pea_network *n = NULL;
    pea_error err = {0};
    assert_fails(pea_network_create(weights, &n, &err), PEA_E_FORMAT, message);
    assert_null(n);
    pea_weights_free(weights);
}

static void every_missing_or_misshapen_tensor_is_named(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        pea_weights *whole = axes == 2 ? net_2d(net_small_2d, 3, 8, NET_DEEP) : net_3d(net_small_3d, 1, 8, true);
        for (size_t i = 0; i < pea_weights_count(whole); i++) {
            const pea_tensor t = pea_weights_tensor(whole, i);
            if (t.n_axes == 0)
                continue;
            const bool first = strcmp(t.name, "inconv.conv.conv.0.weight") == 0 || strcmp(t.name, "embed_in.0.weight") == 0;
            const bool head = strstr(t.name, "out") == t.name;
            if (!head || !ends_with(t.name, ".weight")) /* those decide the form of the network */
                refuse(altered(whole, t.name, NULL, NULL, 0), first ? "no known network" : t.name);
            refuse(altered(whole, NULL, t.name, NULL, 0), t.name);
        }
        pea_weights_free(whole);
    }
}

static void a_missing_head_tensor_is_refused(void **state)
{
    pea_weights *whole = net_2d(net_small_2d, 3, 8, NET_DEEP);
    (void)state;
    refuse(altered(whole, "outconv3.conv.weight", NULL, NULL, 0), "outconv3.conv.weight is missing");
    refuse(altered(whole, "outconv1.conv.weight", NULL, NULL, 0), "outconv1.conv.bias does not belong");
    refuse(altered(whole, "outconv_emb.conv.weight", NULL, NULL, 0), "outconv1.conv.weight does not belong");
    pea_weights_free(whole);
}

static void an_extra_tensor_is_named(void **state)
{
    const int64_t shape = 3;
    pea_weights *w = net_3d(net_small_3d, 1, 8, true);
    (void)state;
    assert_int_equal(pea__weights_add(w, "up7.1.bias", PEA_FLOAT32, 1, &shape, NULL, NULL, NULL), PEA_OK);
    refuse(w, "up7.1.bias does not belong");
}

/* A tensor without elements costs a file nothing, whatever its other extents say: they must size no memory. */
static void extents_beside_a_zero_are_not_believed(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        pea_weights *whole = axes == 2 ? net_2d(net_small_2d, 3, 8, NET_DEEP) : net_3d(net_small_3d, 1, 8, true);
        for (size_t i = 0; i < pea_weights_count(whole); i++) {
            const pea_tensor t = pea_weights_tensor(whole, i);
            for (int huge = 0; huge < 2 && t.n_axes > 1; huge++) {
                int64_t hollow[PEA_MAX_TENSOR_AXES] = {0, 0, 3, 3, 3};
                hollow[huge] = INT64_C(1) << 40;
                pea_weights *w = altered(whole, t.name, NULL, NULL, 0);
                assert_int_equal(pea__weights_add(w, t.name, t.dtype, t.n_axes, hollow, NULL, NULL, NULL), PEA_OK);
                refuse(w, t.name);
            }
        }
        pea_weights_free(whole);
    }
}

static void counters_may_be_absent(void **state)
{
    pea_weights *whole = net_2d(net_small_2d, 3, 8, NET_DEEP);
    pea_weights *w = altered(whole, "down1.block.conv.1.num_batches_tracked", NULL, NULL, 0);
    pea_network *n = NULL;
    pea_error err = {0};
    (void)state;
    assert_ok(pea_network_create(w, &n, &err));
    pea_network_free(n);
    pea_weights_free(w);
    pea_weights_free(whole);
}

static void weights_that_are_no_numbers_are_refused(void **state)
{
    pea_weights *whole = net_2d(net_small_2d, 3, 8, NET_DEEP);
    (void)state;
    refuse(altered(whole, NULL, NULL, "up2_emb.block.conv.3.weight", NAN), "up2_emb.block.conv.3.weight holds");
    refuse(altered(whole, NULL, NULL, "down1.block.project.1.bias", INFINITY), "down1.block.project.1.bias holds");
    refuse(altered(whole, NULL, NULL, "down1.block.project.1.running_var", -1.0f), "running_var holds a negative");
    pea_weights_free(whole);
}

static void no_tensors_are_no_network(void **state)
{
    pea_weights *w = NULL;
    (void)state;
    assert_int_equal(pea__weights_new(&w, NULL), PEA_OK);
    refuse(w, "no known network");
}

static pea_status create_and_free(void *weights, pea_error *err)
{
    pea_network *network = NULL;
    const pea_status status = pea_network_create(weights, &network, err);
    assert_int_equal(status == PEA_OK, network != NULL);
    pea_network_free(network);
    return status;
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    for (int axes = 2; axes <= 3; axes++) {
        pea_weights *w = axes == 2 ? net_2d(net_small_2d, 3, 8, NET_DEEP) : net_3d(net_small_3d, 1, 8, true);
        test_each_allocation_failing(create_and_free, w, 1000);
        pea_weights_free(w);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(plane_network_gives_the_reference_values),
    cmocka_unit_test(stack_network_gives_the_reference_values),
    cmocka_unit_test(stack_affinity_network_gives_the_reference_values),
    cmocka_unit_test(every_form_is_recognised),
    cmocka_unit_test(every_missing_or_misshapen_tensor_is_named),
    cmocka_unit_test(a_missing_head_tensor_is_refused),
    cmocka_unit_test(an_extra_tensor_is_named),
    cmocka_unit_test(extents_beside_a_zero_are_not_believed),
    cmocka_unit_test(counters_may_be_absent),
    cmocka_unit_test(weights_that_are_no_numbers_are_refused),
    cmocka_unit_test(no_tensors_are_no_network),
    cmocka_unit_test(every_failing_allocation_is_survived),
};

PEA_TEST_MAIN(tests)
