/* test_golden.c - small networks read from the authors' kinds of checkpoint give the golden outputs.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "pea/network.h"
#include "pea/npy.h"

/* An array of the case, channel-first (n,c,[z,]y,x); shape gets five extents, z = 1 for planes. Free with pea__free. */
static float *read_array(const char *folder, const char *name, int64_t shape[5])
{
    char path[512];
    pea_error err = {0};
    pea_npy npy = {0};
    snprintf(path, sizeof path, "%s/golden/%s/%s.npy", PEA_TESTDATA, folder, name);
    assert_ok(pea_npy_read(path, &npy, &err));
    assert_int_equal(npy.dtype, PEA_FLOAT32);
    assert_true(npy.n_axes == 4 || npy.n_axes == 5);
    shape[0] = npy.shape[0];
    shape[1] = npy.shape[1];
    shape[2] = npy.n_axes == 5 ? npy.shape[2] : 1;
    shape[3] = npy.shape[npy.n_axes - 2];
    shape[4] = npy.shape[npy.n_axes - 1];
    return npy.data;
}

static pea_network *read_network(const char *folder)
{
    char path[512];
    pea_error err = {0};
    pea_weights *weights = NULL;
    pea_network *network = NULL;
    snprintf(path, sizeof path, "%s/golden/%s/model.ckpt", PEA_TESTDATA, folder);
    assert_ok(pea_weights_import(path, &weights, NULL, &err));
    assert_ok(pea_network_create(weights, &network, &err));
    pea_weights_free(weights);
    return network;
}

/* Random weights make outputs of some hundreds, and single precision is relative: the tolerance is that of the head's
 * largest number, or of 1. The golden numbers themselves are off by half of it. */
static void compare_head(const char *folder, pea_head head, int64_t image, const pea_array *got, double tolerance)
{
    int64_t shape[5];
    float *golden = read_array(folder, head.name, shape);
    const pea_dims d = got->dims;
    assert_true(shape[1] == d.c && shape[2] == d.z && shape[3] == d.y && shape[4] == d.x && image < shape[0]);
    const int64_t n = d.z * d.y * d.x;
    double worst = 0, largest = 1;
    for (int64_t c = 0; c < d.c; c++)
        for (int64_t p = 0; p < n; p++) {
            const double want = golden[(image * d.c + c) * n + p];
            worst = fmax(worst, fabs(want - (double)((const float *)got->data)[p * d.c + c]));
            largest = fmax(largest, fabs(want));
        }
    if (!(worst <= tolerance * largest))
        fail_msg("%s of %s, image %d: largest difference %g", head.name, folder, (int)image, worst);
    pea__free(golden);
}

static void run_image(const char *folder, const pea_network *network, pea_precision precision, const float *image,
                      int64_t number, const int64_t shape[5], double tolerance)
{
    pea_error err = {0};
    const pea_dims dims = {shape[2], shape[3], shape[4], shape[1]};
    const size_t n_heads = pea_network_get_info(network).n_heads;
    pea_array outputs[8] = {{0}};
    float *input = malloc((size_t)(dims.z * dims.y * dims.x * dims.c) * sizeof *input);
    pea_channels_last(image, dims, input);
    for (size_t i = 0; i < n_heads; i++) {
        const pea_head h = pea_network_head(network, i);
        outputs[i].dims = (pea_dims){dims.z, dims.y / h.shrink, dims.x / h.shrink, h.channels};
        outputs[i].dtype = PEA_FLOAT32;
        outputs[i].data = malloc((size_t)(dims.z * dims.y * dims.x * h.channels) * sizeof(float));
    }
    assert_ok(pea_network_forward(network, NULL, precision, &(pea_array){input, PEA_FLOAT32, dims}, outputs, &err));
    for (size_t i = 0; i < n_heads; i++) {
        compare_head(folder, pea_network_head(network, i), number, &outputs[i], tolerance);
        free(outputs[i].data);
    }
    free(input);
}

/* In bf16 the largest difference measured is 0.027 of the largest number. Not for affinities: random weights make logits of
 * hundreds, and a sigmoid of such sums is 0 or 1 by their last digits. test_bf16.c looks more closely. */
static const double BF16_TOLERANCE = 0.04;

static void check(const char *folder, const char *heads, double tolerance)
{
    int64_t shape[5];
    char names[128] = "";
    pea_network *network = read_network(folder);
    float *input = read_array(folder, "input", shape);
    for (size_t i = 0; i < pea_network_get_info(network).n_heads; i++) {
        strcat(names, i ? " " : "");
        strcat(names, pea_network_head(network, i).name);
    }
    assert_string_equal(names, heads);
    for (int64_t n = 0; n < shape[0]; n++) {
        const float *image = input + n * shape[1] * shape[2] * shape[3] * shape[4];
        run_image(folder, network, PEA_FP32, image, n, shape, tolerance);
        if (strcmp(heads, "affinity") != 0)
            run_image(folder, network, PEA_BF16, image, n, shape, BF16_TOLERANCE);
    }
    pea__free(input);
    pea_network_free(network);
}

static void plane_network_of_a_legacy_checkpoint_is_golden(void **state)
{
    (void)state;
    check("resunet2d-small-legacy",
          "embedding emb_level1 emb_level2 emb_level3 emb_level4 foreground_logits", 4e-6);
}

static void plane_network_of_a_zip_checkpoint_is_golden(void **state)
{
    (void)state;
    check("resunet2d-small-zip-module-prefix",
          "embedding emb_level1 emb_level2 emb_level3 emb_level4 foreground_logits", 4e-6);
}

static void stack_network_is_golden(void **state)
{
    (void)state;
    check("superhuman3d-small", "embedding emb_level1 emb_level2 emb_level3 emb_level4", 4e-6);
}

static void stack_affinity_network_is_golden(void **state)
{
    (void)state;
    check("superhuman3d-affinity-small", "affinity", 1e-4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(plane_network_of_a_legacy_checkpoint_is_golden),
    cmocka_unit_test(plane_network_of_a_zip_checkpoint_is_golden),
    cmocka_unit_test(stack_network_is_golden),
    cmocka_unit_test(stack_affinity_network_is_golden),
};

PEA_TEST_MAIN(tests)
