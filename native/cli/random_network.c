/* random_network.c - the published networks with random weights, for measuring: the library makes networks of files, so
 * a file is made.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "random_network.h"

enum { MAX_TENSORS = 400, MAX_NAME = 64 };

struct tensor {
    char name[MAX_NAME];
    int64_t shape[5];
    int n_axes;
    double low, high; /* its numbers are between */
};

struct weights {
    struct tensor tensor[MAX_TENSORS];
    size_t n;
};

static void add(struct weights *w, const char *prefix, const char *name, int n_axes, const int64_t *shape, double low,
                double high)
{
    if (w->n == MAX_TENSORS)
        return; /* the network then misses one, and says so */
    struct tensor *t = &w->tensor[w->n++];
    snprintf(t->name, sizeof t->name, "%s.%s", prefix, name);
    memcpy(t->shape, shape, (size_t)n_axes * sizeof *shape);
    t->n_axes = n_axes;
    t->low = low;
    t->high = high;
}

/* Uniform in +-sqrt(3 / fan_in) keeps the variance from layer to layer. kernel: z,y,x; z 0 for 2-D. */
static void add_conv(struct weights *w, const char *prefix, int64_t in, int64_t out, const int kernel[3], bool bias)
{
    const int64_t plane[] = {out, in, kernel[1], kernel[2]}, solid[] = {out, in, kernel[0], kernel[1], kernel[2]};
    const double fan_in = (double)(in * (kernel[0] ? kernel[0] : 1) * kernel[1] * kernel[2]), a = sqrt(3 / fan_in);
    add(w, prefix, "weight", kernel[0] ? 5 : 4, kernel[0] ? solid : plane, -a, a);
    if (bias)
        add(w, prefix, "bias", 1, &out, -0.1, 0.1);
}

static void add_norm(struct weights *w, const char *prefix, int64_t n)
{
    add(w, prefix, "weight", 1, &n, 0.8, 1.2);
    add(w, prefix, "bias", 1, &n, -0.1, 0.1);
    add(w, prefix, "running_mean", 1, &n, -0.1, 0.1);
    add(w, prefix, "running_var", 1, &n, 0.8, 1.2);
}

static const char *joined(const char *prefix, const char *name, char buffer[MAX_NAME])
{
    snprintf(buffer, MAX_NAME, "%s.%s", prefix, name);
    return buffer;
}

static void add_block_2d(struct weights *w, const char *prefix, int64_t in, int64_t out)
{
    static const int three[3] = {0, 3, 3};
    char name[MAX_NAME];
    add_conv(w, joined(prefix, "conv.0", name), in, out, three, true);
    add_norm(w, joined(prefix, "conv.1", name), out);
    add_conv(w, joined(prefix, "conv.3", name), out, out, three, true);
    add_norm(w, joined(prefix, "conv.4", name), out);
    add_conv(w, joined(prefix, "project.0", name), in, out, three, true);
    add_norm(w, joined(prefix, "project.1", name), out);
}

/* The published 2-D network: method "deep", embedding dimension 16. */
static void add_network_2d(struct weights *w)
{
    static const struct {
        const char *name;
        int64_t in, out;
    } blocks[] = {{"inconv.conv", 3, 16},          {"down1.block", 16, 32},       {"down2.block", 32, 64},
                  {"down3.block", 64, 128},        {"down4.block", 128, 256},     {"up1_emb.block", 256, 256},
                  {"up2_emb.block", 384, 128},     {"up3_emb.block", 192, 64},    {"up4_emb.block", 96, 32}},
      heads[] = {{"outconv1.conv", 256, 16}, {"outconv2.conv", 256, 16}, {"outconv3.conv", 128, 16},
                 {"outconv4.conv", 64, 16},  {"outconv_emb.conv", 32, 16}, {"binary_seg.0", 32, 32}};
    static const int one[3] = {0, 1, 1};
    for (size_t i = 0; i < CLI_COUNT(blocks); i++)
        add_block_2d(w, blocks[i].name, blocks[i].in, blocks[i].out);
    for (size_t i = 0; i < CLI_COUNT(heads); i++)
        add_conv(w, heads[i].name, heads[i].in, heads[i].out, one, true);
    add_norm(w, "binary_seg.1", 32);
    add_conv(w, "binary_seg.3", 32, 2, one, true);
}

static void add_block_3d(struct weights *w, const char *prefix, int64_t in, int64_t out)
{
    static const int plane[3] = {1, 3, 3}, solid[3] = {3, 3, 3};
    char name[MAX_NAME];
    add_conv(w, joined(prefix, "block1.0", name), in, out, plane, false);
    add_norm(w, joined(prefix, "block1.1", name), out);
    add_conv(w, joined(prefix, "block2.0", name), out, out, solid, false);
    add_norm(w, joined(prefix, "block2.1", name), out);
    add_conv(w, joined(prefix, "block2.3", name), out, out, solid, false);
    add_norm(w, joined(prefix, "block3", name), out);
}

/* The published 3-D network: superhuman, "deep", embedding dimension 16. */
static void add_network_3d(struct weights *w)
{
    static const int64_t f[] = {28, 36, 48, 64, 80};
    static const char *const down[] = {"conv0", "conv1", "conv2", "conv3", "center"};
    static const int wide[3] = {1, 5, 5}, one[3] = {1, 1, 1};
    char name[MAX_NAME], block[MAX_NAME];
    add_conv(w, "embed_in.0", 1, f[0], wide, true);
    for (int i = 0; i < 5; i++)
        add_block_3d(w, down[i], f[i ? i - 1 : 0], f[i]);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "up%d.1", i);
        add_conv(w, name, f[4 - i], f[3 - i], one, true);
        snprintf(name, sizeof name, "cat%d.0", i);
        add_norm(w, name, f[3 - i]);
        snprintf(block, sizeof block, "conv%d", 4 + i);
        add_block_3d(w, block, f[3 - i], f[3 - i]);
    }
    add_conv(w, "embed_out.0", f[0], f[0], wide, true);
    add_conv(w, "out_put.0", f[0], 16, one, true);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "out_put%d.0", i + 1);
        add_conv(w, name, f[4 - i], 16, one, true);
    }
}

double cli_random(uint64_t *state, double low, double high)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(uint32_t)(*state >> 32) / 4294967296.0;
}

static int64_t count(const struct tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->n_axes; i++)
        n *= t->shape[i];
    return n;
}

/* safetensors: length of the header (8 bytes, little-endian), the header (JSON), the numbers (little-endian). */
static bool write_weights(FILE *file, const struct weights *w)
{
    int64_t position = 0;
    uint64_t seed = 1;
    cJSON *header = cJSON_CreateObject();
    for (size_t i = 0; i < w->n; i++) {
        const struct tensor *t = &w->tensor[i];
        double shape[5];
        for (int k = 0; k < t->n_axes; k++)
            shape[k] = (double)t->shape[k];
        const double offsets[] = {(double)position, (double)(position + 4 * count(t))};
        cJSON *entry = cJSON_AddObjectToObject(header, t->name);
        cli_json_text(entry, "dtype", "F32");
        cli_json_list(entry, "shape", shape, (size_t)t->n_axes);
        cli_json_list(entry, "data_offsets", offsets, 2);
        position += 4 * count(t);
    }
    char *text = cJSON_PrintUnformatted(header);
    cJSON_Delete(header);
    const uint64_t length = text ? strlen(text) : 0;
    for (int i = 0; i < 8; i++)
        fputc((int)(length >> (8 * i) & 255), file);
    fputs(text ? text : "", file);
    for (size_t i = 0; i < w->n; i++)
        for (int64_t k = count(&w->tensor[i]); k > 0; k--) {
            const float value = (float)cli_random(&seed, w->tensor[i].low, w->tensor[i].high);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            for (int b = 0; b < 4; b++)
                fputc((int)(bits >> (8 * b) & 255), file);
        }
    cJSON_free(text);
    return text && !ferror(file);
}

pea_status cli_random_network(int n_axes, pea_network **network, pea_error *err)
{
    char path[CLI_MAX_PATH];
    const char *folder = getenv("TMPDIR");
    pea_weights *read = NULL;
    pea_status status = PEA_E_IO;
    snprintf(path, sizeof path, "%s/pea-bench-XXXXXX", folder && folder[0] ? folder : "/tmp");
    struct weights *weights = calloc(1, sizeof *weights);
    const int descriptor = weights ? mkstemp(path) : -1;
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "wb") : NULL;
    if (file) {
        n_axes == 2 ? add_network_2d(weights) : add_network_3d(weights);
        const bool written = write_weights(file, weights);
        if (fclose(file) == 0 && written)
            status = PEA_OK;
    }
    if (status != PEA_OK)
        cli_fail(err, PEA_E_IO, "cannot write weights to %s: %s; set TMPDIR to a folder with 20 MB", path,
                 strerror(errno));
    if (status == PEA_OK)
        status = pea_weights_read(path, &read, err);
    if (status == PEA_OK)
        status = pea_network_create(read, network, err);
    pea_weights_free(read);
    if (descriptor >= 0)
        unlink(path);
    free(weights);
    return status;
}
