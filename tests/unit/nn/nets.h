/* nets.h - whole networks for tests: tensors under the authors' names in their stored order, with deterministic numbers.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_NETS_H
#define PEA_TEST_NETS_H

#include "test.h"

#include <math.h>

#include "array/array.h"
#include "nn/nn.h"

typedef struct net_writer {
    pea_weights *weights;
    uint32_t t; /* number of the next float tensor */
    int n_axes;
} net_writer;

static inline bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), e = strlen(end);
    return n >= e && strcmp(text + n - e, end) == 0;
}

static inline void net_tensor(net_writer *w, const char *block, const char *field, int n_axes, const int64_t *shape)
{
    char name[128];
    int64_t n = 1;
    float *data = NULL;
    snprintf(name, sizeof name, "%.60s.%.60s", block, field);
    for (int i = 0; i < n_axes; i++)
        n *= shape[i];
    assert_int_equal(pea__weights_add(w->weights, name, PEA_FLOAT32, n_axes, shape, NULL, (void **)&data, NULL), PEA_OK);
    for (int64_t k = 0; k < n; k++) {
        const double a = test_u(w->t, (uint32_t)k);
        data[k] = (float)(ends_with(name, "running_mean") ? (a - 0.5) * 0.2
                          : ends_with(name, "running_var") ? 0.5 + a
                          : n_axes > 1                     ? (2 * a - 1) * sqrt(3.0 / (double)(n / shape[0]))
                          : ends_with(name, ".weight")     ? 0.5 + a
                                                           : (a - 0.5) * 0.2);
    }
    w->t++;
}

static inline void net_conv(net_writer *w, const char *block, int64_t out, int64_t in, int kz, int ky, bool has_bias)
{
    const int64_t shape_2d[4] = {out, in, ky, ky}, shape_3d[5] = {out, in, kz, ky, ky};
    net_tensor(w, block, "weight", w->n_axes == 2 ? 4 : 5, w->n_axes == 2 ? shape_2d : shape_3d);
    if (has_bias)
        net_tensor(w, block, "bias", 1, &out);
}

static inline void net_norm(net_writer *w, const char *block, int64_t n)
{
    char name[128];
    int64_t *counter = NULL;
    net_tensor(w, block, "weight", 1, &n);
    net_tensor(w, block, "bias", 1, &n);
    net_tensor(w, block, "running_mean", 1, &n);
    net_tensor(w, block, "running_var", 1, &n);
    snprintf(name, sizeof name, "%.60s.num_batches_tracked", block);
    assert_int_equal(pea__weights_add(w->weights, name, PEA_INT64, 0, NULL, NULL, (void **)&counter, NULL), PEA_OK);
    *counter = 7;
}

static inline const char *net_name(char text[128], const char *block, const char *part)
{
    snprintf(text, 128, "%.60s.%.60s", block, part);
    return text;
}

static inline void net_block_2d(net_writer *w, const char *block, int64_t in, int64_t out)
{
    char t[128];
    net_conv(w, net_name(t, block, "conv.0"), out, in, 1, 3, true);
    net_norm(w, net_name(t, block, "conv.1"), out);
    net_conv(w, net_name(t, block, "conv.3"), out, out, 1, 3, true);
    net_norm(w, net_name(t, block, "conv.4"), out);
    net_conv(w, net_name(t, block, "project.0"), out, in, 1, 3, true);
    net_norm(w, net_name(t, block, "project.1"), out);
}

typedef enum net_form { NET_DEEP, NET_SINGLE, NET_AFFINITY, NET_AFFINITY_AND_MASK } net_form;

static inline pea_weights *net_2d(const int64_t f[5], int64_t in, int64_t dim, net_form form)
{
    net_writer w = {.n_axes = 2};
    assert_int_equal(pea__weights_new(&w.weights, NULL), PEA_OK);
    net_block_2d(&w, "inconv.conv", in, f[0]);
    net_block_2d(&w, "down1.block", f[0], f[1]);
    net_block_2d(&w, "down2.block", f[1], f[2]);
    net_block_2d(&w, "down3.block", f[2], f[3]);
    net_block_2d(&w, "down4.block", f[3], f[4]);
    net_block_2d(&w, "up1_emb.block", f[4], f[4]);
    net_block_2d(&w, "up2_emb.block", f[4] + f[3], f[3]);
    net_block_2d(&w, "up3_emb.block", f[3] + f[2], f[2]);
    net_block_2d(&w, "up4_emb.block", f[2] + f[1], f[1]);
    if (form == NET_DEEP) {
        net_conv(&w, "outconv1.conv", dim, f[4], 1, 1, true);
        net_conv(&w, "outconv2.conv", dim, f[4], 1, 1, true);
        net_conv(&w, "outconv3.conv", dim, f[3], 1, 1, true);
        net_conv(&w, "outconv4.conv", dim, f[2], 1, 1, true);
    }
    if (form == NET_DEEP || form == NET_SINGLE)
        net_conv(&w, "outconv_emb.conv", dim, f[1], 1, 1, true);
    if (form == NET_AFFINITY_AND_MASK)
        net_conv(&w, "out_affs.conv", dim, f[1], 1, 1, true);
    net_conv(&w, "binary_seg.0", f[1], f[1], 1, 1, true);
    net_norm(&w, "binary_seg.1", f[1]);
    net_conv(&w, "binary_seg.3", form == NET_AFFINITY ? dim : 2, f[1], 1, 1, true);
    return w.weights;
}

static inline void net_block_3d(net_writer *w, const char *block, int64_t in, int64_t out)
{
    char t[128];
    net_conv(w, net_name(t, block, "block1.0"), out, in, 1, 3, false);
    net_norm(w, net_name(t, block, "block1.1"), out);
    net_conv(w, net_name(t, block, "block2.0"), out, out, 3, 3, false);
    net_norm(w, net_name(t, block, "block2.1"), out);
    net_conv(w, net_name(t, block, "block2.3"), out, out, 3, 3, false);
    net_norm(w, net_name(t, block, "block3"), out);
}

static inline pea_weights *net_3d(const int64_t f[5], int64_t in, int64_t dim, bool deep)
{
    static const char *const down[5] = {"conv0", "conv1", "conv2", "conv3", "center"};
    net_writer w = {.n_axes = 3};
    char t[128];
    assert_int_equal(pea__weights_new(&w.weights, NULL), PEA_OK);
    net_conv(&w, "embed_in.0", f[0], in, 1, 5, true);
    for (int i = 0; i < 5; i++)
        net_block_3d(&w, down[i], f[i > 0 ? i - 1 : 0], f[i]);
    for (int k = 0; k < 4; k++) {
        const int64_t from = f[4 - k], to = f[3 - k];
        snprintf(t, sizeof t, "up%d.1", k);
        net_conv(&w, t, to, from, 1, 1, true);
        snprintf(t, sizeof t, "cat%d.0", k);
        net_norm(&w, t, to);
        snprintf(t, sizeof t, "conv%d", 4 + k);
        net_block_3d(&w, t, to, to);
    }
    net_conv(&w, "embed_out.0", f[0], f[0], 1, 5, true);
    net_conv(&w, "out_put.0", dim, f[0], 1, 1, true);
    for (int k = 0; deep && k < 4; k++) {
        snprintf(t, sizeof t, "out_put%d.0", k + 1);
        net_conv(&w, t, dim, f[4 - k], 1, 1, true);
    }
    return w.weights;
}

/* A network with its input and room for all outputs. */
typedef struct net_case {
    pea_network *network;
    float *input;
    pea_array in;
    pea_array outputs[PEA__MAX_HEADS];
} net_case;

static inline size_t net_floats(pea_dims d)
{
    return (size_t)(d.z * d.y * d.x * d.c);
}

/* Takes the weights. Input channel-first number k is u(999) where a stack, 2u(999)-1 where a plane. */
static inline net_case net_open(pea_weights *weights, const pea__kernels_table *kernels, pea_dims dims)
{
    net_case n = {0};
    pea_error err = {0};
    assert_ok(pea__network_create_for(weights, kernels, &n.network, &err));
    pea_weights_free(weights);
    const int n_axes = pea_network_get_info(n.network).n_axes;
    const int64_t n_voxels = dims.z * dims.y * dims.x;
    n.input = malloc(net_floats(dims) * sizeof *n.input);
    for (int64_t p = 0; p < n_voxels; p++)
        for (int64_t c = 0; c < dims.c; c++) {
            const double u = test_u(999, (uint32_t)(c * n_voxels + p));
            n.input[p * dims.c + c] = (float)(n_axes == 2 ? 2 * u - 1 : u);
        }
    n.in = (pea_array){n.input, PEA_FLOAT32, dims};
    for (size_t i = 0; i < pea_network_get_info(n.network).n_heads; i++) {
        const pea_head h = pea_network_head(n.network, i);
        const pea_dims d = {dims.z, dims.y / h.shrink, dims.x / h.shrink, h.channels};
        n.outputs[i] = (pea_array){calloc(net_floats(d), sizeof(float)), PEA_FLOAT32, d};
    }
    return n;
}

static inline void net_close(net_case *n)
{
    for (size_t i = 0; i < PEA__MAX_HEADS; i++)
        free(n->outputs[i].data);
    free(n->input);
    pea_network_free(n->network);
}

static const int64_t net_full_2d[5] = {16, 32, 64, 128, 256}, net_full_3d[5] = {28, 36, 48, 64, 80};
static const int64_t net_small_2d[5] = {4, 8, 10, 12, 16}, net_small_3d[5] = {5, 6, 7, 9, 10};

#endif
