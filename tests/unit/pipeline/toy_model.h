/* toy_model.h - networks of a few hundred numbers whose answers can be foreseen, and model files made of them.
 *
 * The bright network passes the first channel v of its input through to the last layer (in 2-D through one halving and
 * doubling) and makes of it there the embedding (v, 1 - v) and the foreground logits (0, 4v - 2): bright is like
 * bright, dark like dark, and what exceeds one half is foreground.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TOY_MODEL_H
#define PEA_TOY_MODEL_H

#include "test.h"

#include <math.h>
#include <unistd.h>

#include "array/array.h"
#include "pea/segment.h"
#include "pea/weights.h"

enum { TOY_WIDTH = 2 }; /* channels of every layer */

typedef struct toy {
    pea_weights *weights;
    bool random;   /* every weight from test_u() instead */
    uint32_t n;    /* tensors so far */
    int n_axes, in_channels, n_affinities; /* n_affinities 0: embedding and foreground */
} toy;

/* A tensor; all zero, or random. */
static float *toy_tensor(toy *t, const char *block, const char *name, const int64_t *shape, int n_axes)
{
    pea_error err = {0};
    char full[128];
    void *data = NULL;
    int64_t n = 1;
    snprintf(full, sizeof full, "%s.%s", block, name);
    for (int i = 0; i < n_axes; i++)
        n *= shape[i];
    assert_ok(pea__weights_add(t->weights, full, PEA_FLOAT32, n_axes, shape, NULL, &data, &err));
    const double reach = n_axes > 1 ? 1.0 / (double)(n / shape[0]) : 0.2;
    const bool variance = strstr(name, "running_var") != NULL;
    for (int64_t i = 0; t->random && i < n; i++) {
        const double a = test_u(t->n, (uint32_t)i);
        ((float *)data)[i] = (float)(variance ? 0.5 + a : n_axes > 1 ? (2.0 * a - 1.0) * sqrt(3.0 * reach) : a * reach);
    }
    t->n++;
    return data;
}

/* A convolution with nothing but the middle tap from channel `from` to channel 0 set (from < 0: not even that). */
static void toy_conv(toy *t, const char *block, const char *name, int64_t out, int64_t in, const int kernel[3],
                     int from, bool bias)
{
    char weight[64], bias_name[64];
    snprintf(weight, sizeof weight, "%s%sweight", name, *name ? "." : "");
    snprintf(bias_name, sizeof bias_name, "%s%sbias", name, *name ? "." : "");
    const int64_t shape2[4] = {out, in, kernel[1], kernel[2]}, shape3[5] = {out, in, kernel[0], kernel[1], kernel[2]};
    float *w = t->n_axes == 2 ? toy_tensor(t, block, weight, shape2, 4) : toy_tensor(t, block, weight, shape3, 5);
    const int taps = kernel[0] * kernel[1] * kernel[2];
    if (from >= 0 && !t->random)
        w[from * taps + taps / 2] = 1.0f;
    if (bias)
        toy_tensor(t, block, bias_name, (const int64_t[]){out}, 1);
}

/* Batch norm that changes nothing. */
static void toy_norm(toy *t, const char *block, const char *name, int64_t n)
{
    static const char *const parts[4] = {"weight", "bias", "running_mean", "running_var"};
    for (int i = 0; i < 4; i++) {
        char part[64];
        snprintf(part, sizeof part, "%s%s%s", name, *name ? "." : "", parts[i]);
        float *values = toy_tensor(t, block, part, &n, 1);
        for (int64_t c = 0; c < n && !t->random; c++)
            values[c] = i == 0 ? 1.0f : i == 3 ? 1.0f - 1e-5f : 0.0f; /* the epsilon makes it 1 */
        for (int64_t c = 0; c < n && t->random; c++)
            values[c] += i == 0 ? 1.0f : 0.0f;
    }
}

static void toy_plane_block(toy *t, const char *block, int64_t in, int from)
{
    const int k[3] = {1, 3, 3};
    toy_conv(t, block, "conv.0", TOY_WIDTH, in, k, -1, true);
    toy_norm(t, block, "conv.1", TOY_WIDTH);
    toy_conv(t, block, "conv.3", TOY_WIDTH, TOY_WIDTH, k, -1, true);
    toy_norm(t, block, "conv.4", TOY_WIDTH);
    toy_conv(t, block, "project.0", TOY_WIDTH, in, k, from, true);
    toy_norm(t, block, "project.1", TOY_WIDTH);
}

static float *toy_find(const toy *t, const char *name)
{
    pea_tensor tensor;
    assert_true(pea_weights_find(t->weights, name, &tensor));
    return (float *)(uintptr_t)tensor.data; /* the test made it */
}

static void toy_plane(toy *t)
{
    const int one[3] = {1, 1, 1}, w = TOY_WIDTH;
    toy_plane_block(t, "inconv.conv", t->in_channels, 0);
    toy_plane_block(t, "down1.block", w, 0);
    toy_plane_block(t, "down2.block", w, 0);
    toy_plane_block(t, "down3.block", w, 0);
    toy_plane_block(t, "down4.block", w, 0);
    toy_plane_block(t, "up1_emb.block", w, 0);
    toy_plane_block(t, "up2_emb.block", 2 * w, 0);
    toy_plane_block(t, "up3_emb.block", 2 * w, 0);
    toy_plane_block(t, "up4_emb.block", 2 * w, w); /* the plane that was halved once */
    if (t->n_affinities == 0)
        toy_conv(t, "outconv_emb.conv", "", 2, w, one, 0, true);
    toy_conv(t, "binary_seg", "0", w, w, one, 0, true);
    toy_norm(t, "binary_seg", "1", w);
    toy_conv(t, "binary_seg", "3", t->n_affinities ? t->n_affinities : 2, w, one, -1, true);
    if (t->random || t->n_affinities)
        return;
    toy_find(t, "outconv_emb.conv.weight")[w] = -1.0f;
    toy_find(t, "outconv_emb.conv.bias")[1] = 1.0f;
    toy_find(t, "binary_seg.3.weight")[w] = 4.0f;
    toy_find(t, "binary_seg.3.bias")[1] = -2.0f;
}

static void toy_volume_block(toy *t, const char *block, int from)
{
    const int flat[3] = {1, 3, 3}, cube[3] = {3, 3, 3};
    toy_conv(t, block, "block1.0", TOY_WIDTH, TOY_WIDTH, flat, from, false);
    toy_norm(t, block, "block1.1", TOY_WIDTH);
    toy_conv(t, block, "block2.0", TOY_WIDTH, TOY_WIDTH, cube, -1, false);
    toy_norm(t, block, "block2.1", TOY_WIDTH);
    toy_conv(t, block, "block2.3", TOY_WIDTH, TOY_WIDTH, cube, -1, false);
    toy_norm(t, block, "block3", TOY_WIDTH);
}

static void toy_volume(toy *t)
{
    static const char *const down[] = {"conv0", "conv1", "conv2", "conv3", "center"};
    const int one[3] = {1, 1, 1}, wide[3] = {1, 5, 5}, w = TOY_WIDTH;
    toy_conv(t, "embed_in", "0", w, t->in_channels, wide, 0, true);
    for (int i = 0; i < 5; i++)
        toy_volume_block(t, down[i], 0);
    for (int i = 0; i < 4; i++) {
        char up[16], cat[16], conv[16];
        snprintf(up, sizeof up, "up%d", i);
        snprintf(cat, sizeof cat, "cat%d", i);
        snprintf(conv, sizeof conv, "conv%d", i + 4);
        toy_conv(t, up, "1", w, w, one, -1, true);
        toy_norm(t, cat, "0", w);
        toy_volume_block(t, conv, 0);
    }
    toy_conv(t, "embed_out", "0", w, w, wide, 0, true);
    toy_conv(t, "out_put", "0", t->n_affinities ? t->n_affinities : 2, w, one, 0, true);
    if (t->random || t->n_affinities)
        return;
    toy_find(t, "out_put.0.weight")[w] = -1.0f;
    toy_find(t, "out_put.0.bias")[1] = 1.0f;
}

static pea_weights *toy_weights(toy description)
{
    pea_error err = {0};
    toy t = description;
    assert_ok(pea__weights_new(&t.weights, &err));
    if (t.n_axes == 2)
        toy_plane(&t);
    else
        toy_volume(&t);
    return t.weights;
}

/* A new empty file's name, in the folder for temporary things. */
static const char *toy_path(char path[256])
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, 256, "%s/pea-toy-XXXXXX", folder ? folder : "/tmp");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return path;
}

/* Write weights with a record; the caller removes the file. */
static void toy_write(const pea_weights *weights, const char *json, char path[256])
{
    pea_error err = {0};
    assert_ok(pea_weights_write(toy_path(path), weights, json, &err));
}

static const char toy_plane_record[] =
    "{\"format_version\":1,\"name\":\"toy\",\"normalise\":\"unit\",\"padding\":\"reflect-end\",\"clusterer\":\"mutex\","
    "\"offsets\":[[-1,0],[0,-1],[-3,0],[0,-3]],\"strides\":[1,1],\"foreground\":\"predicted\"}";

static const char toy_volume_record[] =
    "{\"format_version\":1,\"normalise\":\"unit\",\"clusterer\":\"mutex\",\"offsets\":[[-1,0,0],[0,-1,0],[0,0,-1],"
    "[-2,0,0],[0,-3,0],[0,0,-3]],\"strides\":[1,1,1],\"foreground\":\"none\",\"border\":\"copy\"}";

static pea_model *toy_model_with(toy description, const char *json)
{
    char path[256];
    pea_error err = {0};
    pea_model *model = NULL;
    pea_weights *weights = toy_weights(description);
    toy_write(weights, json, path);
    pea_weights_free(weights);
    const pea_status status = pea_model_open(path, &model, &err);
    unlink(path);
    if (status != PEA_OK)
        fail_msg("%s", err.message);
    return model;
}

static inline pea_model *toy_plane_model(void)
{
    return toy_model_with((toy){.n_axes = 2, .in_channels = 3}, toy_plane_record);
}

static inline pea_model *toy_volume_model(void)
{
    return toy_model_with((toy){.n_axes = 3, .in_channels = 1}, toy_volume_record);
}

#endif
