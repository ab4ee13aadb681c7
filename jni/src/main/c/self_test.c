/* self_test.c - a small network with made-up weights, and two regions that must stay apart: both have known answers.
 * The network is built in memory as a unit test would, so that no file is needed where nothing may work yet.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "self_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "array/array.h"

/* ---- numbers that are the same everywhere ---- */

static double next_number(uint64_t *state) /* -1 .. 1 */
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(uint32_t)(*state >> 32) / 2147483648.0 - 1.0;
}

typedef struct maker {
    pea_weights *weights;
    uint64_t state;
    pea_status status;
    pea_error *err;
} maker;

/* A tensor of numbers around `middle`. */
static void add(maker *m, const char *block, const char *name, int n_axes, const int64_t *shape, double middle,
                double spread)
{
    char full[64];
    void *stored = NULL;
    int64_t n = 1;
    if (m->status != PEA_OK)
        return;
    snprintf(full, sizeof full, "%s.%s", block, name);
    m->status = pea__weights_add(m->weights, full, PEA_FLOAT32, n_axes, shape, NULL, &stored, m->err);
    for (int i = 0; i < n_axes; i++)
        n *= shape[i];
    for (int64_t i = 0; m->status == PEA_OK && i < n; i++)
        ((float *)stored)[i] = (float)(middle + spread * next_number(&m->state));
}

static void add_conv(maker *m, const char *block, const char *conv, int64_t in, int64_t out, int64_t side)
{
    char name[32];
    const int64_t shape[4] = {out, in, side, side};
    snprintf(name, sizeof name, "%s.weight", conv);
    add(m, block, name, 4, shape, 0.0, sqrt(3.0 / (double)(in * side * side))); /* keeps the variance */
    snprintf(name, sizeof name, "%s.bias", conv);
    add(m, block, name, 1, &out, 0.0, 0.1);
}

static void add_norm(maker *m, const char *block, const char *norm, int64_t n)
{
    static const char *const fields[] = {"weight", "bias", "running_mean", "running_var"};
    static const double middle[] = {1.0, 0.0, 0.0, 1.0};
    char name[32];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%s", norm, fields[i]);
        add(m, block, name, 1, &n, middle[i], 0.2);
    }
}

static void add_block(maker *m, const char *block, int64_t in, int64_t out)
{
    static const char *const convs[] = {"conv.0", "conv.3", "project.0"};
    static const char *const norms[] = {"conv.1", "conv.4", "project.1"};
    for (int i = 0; i < 3; i++) {
        add_conv(m, block, convs[i], i == 1 ? out : in, out, 3);
        add_norm(m, block, norms[i], out);
    }
}

/* The residual U-Net of nn/resunet2d.c, only thin. */
static pea_status make_network(pea_network **network, pea_error *err)
{
    static const struct {
        const char *name;
        int64_t in, out;
    } blocks[] = {{"inconv.conv", 3, 3},   {"down1.block", 3, 4},    {"down2.block", 4, 5},
                  {"down3.block", 5, 6},   {"down4.block", 6, 7},    {"up1_emb.block", 7, 7},
                  {"up2_emb.block", 13, 6}, {"up3_emb.block", 11, 5}, {"up4_emb.block", 9, 4}};
    maker m = {.state = 1, .err = err};
    m.status = pea__weights_new(&m.weights, err);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        add_block(&m, blocks[i].name, blocks[i].in, blocks[i].out);
    add_conv(&m, "outconv_emb", "conv", 4, 4, 1);
    add_conv(&m, "binary_seg", "0", 4, 4, 1);
    add_norm(&m, "binary_seg", "1", 4);
    add_conv(&m, "binary_seg", "3", 4, 2, 1);
    if (m.status == PEA_OK)
        m.status = pea_network_create(m.weights, network, err);
    pea_weights_free(m.weights);
    return m.status;
}

/* ---- first answer: what the network says ---- */

enum { SIDE = 32, COMPONENTS = 4 };

/* One number that every output has a share in. */
static double digest(const float *values, int64_t n)
{
    uint64_t state = 2;
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += next_number(&state) * (double)values[i];
    return sum;
}

typedef struct planes { /* too large for a stack */
    float image[SIDE * SIDE * 3], embedding[SIDE * SIDE * COMPONENTS], foreground[SIDE * SIDE * 2];
} planes;

static pea_status run_network(planes *p, pea_error *err)
{
    const pea_array input = {p->image, PEA_FLOAT32, {1, SIDE, SIDE, 3}};
    const pea_array outputs[2] = {{p->embedding, PEA_FLOAT32, {1, SIDE, SIDE, COMPONENTS}},
                                  {p->foreground, PEA_FLOAT32, {1, SIDE, SIDE, 2}}};
    uint64_t state = 3;
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        p->image[i] = (float)next_number(&state);
    pea_network *network = NULL;
    pea_status status = make_network(&network, err);
    if (status == PEA_OK)
        status = pea_network_forward(network, NULL, PEA_FP32, &input, outputs, err);
    pea_network_free(network);
    return status;
}

static pea_status check_network(pea_error *err)
{
    static const double expected[2] = {-0.250581, -5.179877}; /* of the portable kernels */
    planes *p = pea__alloc(1, sizeof *p, err);
    if (!p)
        return PEA_E_NOMEM;
    pea_status status = run_network(p, err);
    const double got[2] = {digest(p->embedding, SIDE * SIDE * COMPONENTS), digest(p->foreground, SIDE * SIDE * 2)};
    pea__free(p);
    for (int i = 0; i < 2 && status == PEA_OK; i++)
        if (!(fabs(got[i] - expected[i]) <= 1e-3)) /* kernels differ by rounding; NaN is refused too */
            status = pea__fail(err, PEA_E_FORMAT, "the self-test's network gives %.6f, expected %.6f: the %s kernels "
                               "do not compute right on this machine", got[i], expected[i], pea_cpu_kernels());
    return status;
}

/* ---- second answer: two halves are two instances ---- */

static pea_status check_clustering(pea_error *err)
{
    static const int shifts[] = {1, 3};
    enum { HALVES = 16 };
    float embedding[HALVES * HALVES * 2], affinity[HALVES * HALVES * 4];
    uint32_t labels[HALVES * HALVES], n = 0;
    const pea_array e = {embedding, PEA_FLOAT32, {1, HALVES, HALVES, 2}},
                    a = {affinity, PEA_FLOAT32, {1, HALVES, HALVES, 4}},
                    l = {labels, PEA_UINT32, {1, HALVES, HALVES, 1}};
    pea_offsets offsets;
    for (int i = 0; i < HALVES * HALVES; i++) {
        const bool left = i % HALVES < HALVES / 2;
        embedding[2 * i] = left ? 1.0f : 0.0f;
        embedding[2 * i + 1] = left ? 0.0f : 1.0f;
    }
    pea_status status = pea_offsets_from_shifts(shifts, 2, 4, &offsets, err);
    if (status == PEA_OK)
        status = pea_affinity_from_embedding(&e, &offsets, NULL, NULL, &a, err);
    if (status == PEA_OK)
        status = pea_mutex_watershed(&a, &offsets, NULL, NULL, NULL, &l, &n, err);
    for (int i = 0; status == PEA_OK && i < HALVES * HALVES; i++)
        if (n != 2 || labels[i] != (i % HALVES < HALVES / 2 ? 1u : 2u))
            status = pea__fail(err, PEA_E_FORMAT,
                               "the self-test's two halves became %u instances, or were cut elsewhere", (unsigned)n);
    return status;
}

pea_status glue_self_test(pea_error *err)
{
    const pea_status status = check_network(err);
    return status == PEA_OK ? check_clustering(err) : status;
}
