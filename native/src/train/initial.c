/* initial.c - a network that has learnt nothing: tensors in the order of published checkpoints, random weights.
 *
 * Each tensor has a sequence of random numbers of its own.
 * Sources: Huang et al., AAAI 2022, and its public code; He et al., 2015 (the normal weights).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include <math.h>
#include <stdarg.h>

enum { NAME_BYTES = 64 };

/* Mean 0, deviation 1 (Box and Muller). */
static double normal(pea__random *random, double deviation)
{
    const double u = pea__random_unit(random);
    return deviation * (sqrt(-2.0 * log(1.0 - u)) * cos(6.283185307179586 * pea__random_unit(random)));
}

static double even(pea__random *random, double range)
{
    return pea__random_between(random, -range, range);
}

/* ---- tensors: once something was wrong, everything else is skipped ---- */

typedef struct maker {
    const pea__blueprint *plan;
    pea_weights *weights;
    uint64_t seed;
    pea_status status;
    pea_error *err;
} maker;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void name_of(char name[NAME_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(name, NAME_BYTES, format, arguments);
    va_end(arguments);
}

static float *add(maker *m, const char *name, int n_axes, const int64_t *shape, int64_t *n)
{
    void *stored = NULL;
    if (m->status == PEA_OK)
        m->status = pea__weights_add(m->weights, name, PEA_FLOAT32, n_axes, shape, NULL, &stored, m->err);
    *n = 0;
    if (m->status == PEA_OK)
        (void)pea__shape_count(shape, n_axes, n);
    return m->status == PEA_OK ? stored : NULL;
}

/* Of the tensor that comes next. */
static pea__random random_of(const maker *m)
{
    return pea__random_of(m->seed, (uint64_t)pea_weights_count(m->weights), 0, PEA__DRAW_WEIGHTS);
}

static void add_drawn(maker *m, const char *block, const char *part, int n_axes, const int64_t *shape,
                      double (*draw)(pea__random *random, double width), double width)
{
    char name[NAME_BYTES];
    int64_t n;
    pea__random random = random_of(m);
    name_of(name, "%s.%s", block, part);
    float *numbers = add(m, name, n_axes, shape, &n);
    for (int64_t i = 0; i < n; i++)
        numbers[i] = (float)draw(&random, width);
}

static void add_constant(maker *m, const char *block, const char *part, int64_t channels, float value)
{
    char name[NAME_BYTES];
    int64_t n;
    name_of(name, "%s.%s", block, part);
    float *numbers = add(m, name, 1, &channels, &n);
    for (int64_t i = 0; i < n; i++)
        numbers[i] = value;
}

static void add_norm(maker *m, const char *block, int64_t channels)
{
    char name[NAME_BYTES];
    add_constant(m, block, "weight", channels, 1.0f);
    add_constant(m, block, "bias", channels, 0.0f);
    add_constant(m, block, "running_mean", channels, 0.0f);
    add_constant(m, block, "running_var", channels, 1.0f);
    name_of(name, "%s.num_batches_tracked", block);
    if (m->status == PEA_OK)
        m->status = pea__weights_add(m->weights, name, PEA_INT64, 0, NULL, NULL, NULL, m->err);
}

static void add_plane_conv(maker *m, const char *block, int64_t in, int64_t out, int64_t size)
{
    const int64_t shape[4] = {out, in, size, size};
    const double range = 1.0 / sqrt((double)(in * size * size));
    add_drawn(m, block, "weight", 4, shape, even, range);
    add_drawn(m, block, "bias", 1, &out, even, range);
}

static void add_volume_conv(maker *m, const char *block, int64_t in, int64_t out, int64_t depth, int64_t size,
                            bool has_bias)
{
    const int64_t shape[5] = {out, in, depth, size, size};
    add_drawn(m, block, "weight", 5, shape, normal, sqrt(2.0 / (double)(in * depth * size * size)));
    if (has_bias)
        add_constant(m, block, "bias", out, 0.0f);
}

/* ---- the network of planes: see nn/resunet2d.c ---- */

static void add_plane_block(maker *m, const char *block, int64_t in, int64_t out)
{
    static const struct {
        const char *conv, *norm;
    } parts[3] = {{"conv.0", "conv.1"}, {"conv.3", "conv.4"}, {"project.0", "project.1"}};
    char name[NAME_BYTES];
    for (int i = 0; i < 3; i++) {
        name_of(name, "%s.%s", block, parts[i].conv);
        add_plane_conv(m, name, i == 1 ? out : in, out, 3);
        name_of(name, "%s.%s", block, parts[i].norm);
        add_norm(m, name, out);
    }
}

static void add_plane_network(maker *m)
{
    const int64_t *f = m->plan->filters, dim = m->plan->embedding_dim;
    add_plane_block(m, "inconv.conv", m->plan->in_channels, f[0]);
    add_plane_block(m, "down1.block", f[0], f[1]);
    add_plane_block(m, "down2.block", f[1], f[2]);
    add_plane_block(m, "down3.block", f[2], f[3]);
    add_plane_block(m, "down4.block", f[3], f[4]);
    add_plane_block(m, "up1_emb.block", f[4], f[4]);
    add_plane_block(m, "up2_emb.block", f[4] + f[3], f[3]);
    add_plane_block(m, "up3_emb.block", f[3] + f[2], f[2]);
    add_plane_block(m, "up4_emb.block", f[2] + f[1], f[1]);
    if (m->plan->coarse_heads) {
        add_plane_conv(m, "outconv1.conv", f[4], dim, 1);
        add_plane_conv(m, "outconv2.conv", f[4], dim, 1);
        add_plane_conv(m, "outconv3.conv", f[3], dim, 1);
        add_plane_conv(m, "outconv4.conv", f[2], dim, 1);
    }
    add_plane_conv(m, "outconv_emb.conv", f[1], dim, 1);
    add_plane_conv(m, "binary_seg.0", f[1], f[1], 1);
    add_norm(m, "binary_seg.1", f[1]);
    add_plane_conv(m, "binary_seg.3", f[1], 2, 1);
}

/* ---- the network of volumes: see nn/superhuman3d.c ---- */

static void add_volume_block(maker *m, const char *block, int64_t in, int64_t out)
{
    char name[NAME_BYTES];
    name_of(name, "%s.block1.0", block);
    add_volume_conv(m, name, in, out, 1, 3, false);
    name_of(name, "%s.block1.1", block);
    add_norm(m, name, out);
    name_of(name, "%s.block2.0", block);
    add_volume_conv(m, name, out, out, 3, 3, false);
    name_of(name, "%s.block2.1", block);
    add_norm(m, name, out);
    name_of(name, "%s.block2.3", block);
    add_volume_conv(m, name, out, out, 3, 3, false);
    name_of(name, "%s.block3", block);
    add_norm(m, name, out);
}

static void add_volume_network(maker *m)
{
    static const char *const down[5] = {"conv0", "conv1", "conv2", "conv3", "center"};
    const int64_t *f = m->plan->filters, dim = m->plan->embedding_dim;
    char name[NAME_BYTES];
    add_volume_conv(m, "embed_in.0", m->plan->in_channels, f[0], 1, 5, true);
    for (int i = 0; i < 5; i++)
        add_volume_block(m, down[i], f[i > 0 ? i - 1 : 0], f[i]);
    for (int i = 0; i < 4; i++) {
        name_of(name, "up%d.1", i);
        add_volume_conv(m, name, f[4 - i], f[3 - i], 1, 1, true);
        name_of(name, "cat%d.0", i);
        add_norm(m, name, f[3 - i]);
        name_of(name, "conv%d", 4 + i);
        add_volume_block(m, name, f[3 - i], f[3 - i]);
    }
    add_volume_conv(m, "embed_out.0", f[0], f[0], 1, 5, true);
    add_volume_conv(m, "out_put.0", f[0], dim, 1, 1, true);
    for (int i = 0; i < 4 && m->plan->coarse_heads; i++) {
        name_of(name, "out_put%d.0", i + 1);
        add_volume_conv(m, name, f[4 - i], dim, 1, 1, true);
    }
}

static pea_status check(const pea__blueprint *plan, pea_error *err)
{
    bool good =
        plan->in_channels >= 1 && plan->in_channels <= 1024 && plan->embedding_dim >= 1 && plan->embedding_dim <= 1024;
    for (int i = 0; i < 5; i++)
        good = good && plan->filters[i] >= 1 && plan->filters[i] <= 4096;
    if (!good)
        return pea__fail(err, PEA_E_ARG,
                         "a new network has 1 to 1024 channels, an embedding of 1 to 1024, and five widths "
                         "of 1 to 4096");
    if (plan->n_axes != 2 && plan->n_axes != 3)
        return pea__fail(err, PEA_E_ARG, "a new network has 2 or 3 axes, not %d", plan->n_axes);
    return PEA_OK;
}

pea_status pea__initial_weights(const pea__blueprint *plan, uint64_t seed, pea_weights **weights, pea_error *err)
{
    maker m = {.plan = plan, .seed = seed, .err = err};
    *weights = NULL;
    m.status = check(plan, err);
    if (m.status == PEA_OK)
        m.status = pea__weights_new(&m.weights, err);
    if (m.status == PEA_OK && plan->n_axes == 2)
        add_plane_network(&m);
    else if (m.status == PEA_OK)
        add_volume_network(&m);
    if (m.status == PEA_OK)
        *weights = m.weights;
    else
        pea_weights_free(m.weights);
    return m.status;
}
