/* superhuman3d.c - the 3-D residual U-Net for anisotropic stacks: blocks, names, heads. Nothing is halved in z.
 *
 *   input -> embed_in -> conv0 ---> conv1 ---> conv2 ---> conv3 ---> center       (---> halves y and x)
 *                          |          |          |          |          |
 *   embed_out <- conv7 <- cat3 <---- cat2 <---- cat1 <---- cat0 <------+         (<---- doubles; cat adds, and is
 *                                                                                  followed by conv4, 5, 6, 7)
 * Heads are 1x1x1 convolutions: out_put on embed_out; in deep networks out_put1..4 on center, conv4, conv5, conv6.
 * A lone out_put of 3 or 12 channels is an affinity head (with sigmoid): shapes tell no more, and these are the numbers of
 * planes that the affinity networks have; any other number is an embedding.
 * Sources: Lee et al., 2017 (the trunk); Huang et al., AAAI 2022.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

/* r = elu(bn(conv1x3x3(x))); elu(bn(r + conv3x3x3(elu(bn(conv3x3x3(r)))))) */
static int residual_block(pea__builder *b, int x, const char *block, int64_t channels)
{
    const int r = pea__build_conv(b, (pea__conv_spec){
        .in = x, .kz = 1, .ky = 3, .kx = 3, .channels = channels,
        .block = block, .conv = "block1.0", .norm = "block1.1", .activation = PEA__ELU});
    const int hidden = pea__build_conv(b, (pea__conv_spec){
        .in = r, .kz = 3, .ky = 3, .kx = 3, .channels = channels,
        .block = block, .conv = "block2.0", .norm = "block2.1", .activation = PEA__ELU});
    return pea__build_conv(b, (pea__conv_spec){
        .in = hidden, .kz = 3, .ky = 3, .kx = 3, .channels = channels,
        .block = block, .conv = "block2.3", .norm = "block3", .add = r, .norm_covers_add = true,
        .activation = PEA__ELU});
}

/* elu(bn(conv1x1x1(upsample(x)) + skip)). The convolution goes first, over a quarter of the voxels: both are linear and
 * one works on channels, the other on space. */
static int merge(pea__builder *b, int x, const char *up, const char *cat, int skip)
{
    const int narrowed = pea__build_conv(b, (pea__conv_spec){
        .in = x, .kz = 1, .ky = 1, .kx = 1, .channels = pea__build_channels(b, skip), .has_bias = true,
        .block = up, .conv = "1", .norm_block = cat, .norm = "0"});
    return pea__build_upsample_add(b, narrowed, skip, cat, "0", PEA__ELU);
}

static int around_5x5(pea__builder *b, int x, const char *block, int64_t channels)
{
    return pea__build_conv(b, (pea__conv_spec){
        .in = x, .kz = 1, .ky = 5, .kx = 5, .channels = channels, .has_bias = true,
        .block = block, .conv = "0", .activation = PEA__ELU});
}

static int pointwise(pea__builder *b, int x, const char *block, int64_t channels, pea__activation activation)
{
    return pea__build_conv(b, (pea__conv_spec){
        .in = x, .kz = 1, .ky = 1, .kx = 1, .channels = channels, .has_bias = true,
        .block = block, .conv = "0", .activation = activation});
}

/* Made as soon as its input is there, so that no wide buffer waits for it; listed by heads(). */
static int coarse_embedding(pea__builder *b, int x, const char *block)
{
    if (!pea__build_has(b, "out_put1.0.weight"))
        return 0;
    return pointwise(b, x, block, pea__build_extent(b, "out_put.0.weight", 0), PEA__LINEAR);
}

static void heads(pea__builder *b, int last, const int coarser[4])
{
    static const char *const names[4] = {"emb_level1", "emb_level2", "emb_level3", "emb_level4"}; /* 1/16 .. 1/2 */
    const int64_t channels = pea__build_extent(b, "out_put.0.weight", 0);
    const bool deep = pea__build_has(b, "out_put1.0.weight");
    if (!deep && (channels == 3 || channels == 12)) {
        pea__build_head(b, "affinity", pointwise(b, last, "out_put", channels, PEA__SIGMOID));
        return;
    }
    b->network->info.embedding_dim = channels;
    pea__build_head(b, "embedding", pointwise(b, last, "out_put", channels, PEA__LINEAR));
    for (int i = 0; deep && i < 4; i++)
        pea__build_head(b, names[i], coarser[i]);
}

static void describe(pea__builder *b, int input)
{
    int64_t *f = b->network->info.filters;
    f[0] = pea__build_extent(b, "conv0.block1.0.weight", 0);
    f[1] = pea__build_extent(b, "conv1.block1.0.weight", 0);
    f[2] = pea__build_extent(b, "conv2.block1.0.weight", 0);
    f[3] = pea__build_extent(b, "conv3.block1.0.weight", 0);
    f[4] = pea__build_extent(b, "center.block1.0.weight", 0);

    const int embedded = around_5x5(b, input, "embed_in", f[0]);
    const int c0 = residual_block(b, embedded, "conv0", f[0]);
    const int c1 = residual_block(b, pea__build_pool(b, c0), "conv1", f[1]);
    const int c2 = residual_block(b, pea__build_pool(b, c1), "conv2", f[2]);
    const int c3 = residual_block(b, pea__build_pool(b, c2), "conv3", f[3]);
    const int center = residual_block(b, pea__build_pool(b, c3), "center", f[4]);

    const int emb1 = coarse_embedding(b, center, "out_put1");
    const int c4 = residual_block(b, merge(b, center, "up0", "cat0", c3), "conv4", f[3]);
    const int emb2 = coarse_embedding(b, c4, "out_put2");
    const int c5 = residual_block(b, merge(b, c4, "up1", "cat1", c2), "conv5", f[2]);
    const int emb3 = coarse_embedding(b, c5, "out_put3");
    const int c6 = residual_block(b, merge(b, c5, "up2", "cat2", c1), "conv6", f[1]);
    const int emb4 = coarse_embedding(b, c6, "out_put4");
    const int c7 = residual_block(b, merge(b, c6, "up3", "cat3", c0), "conv7", f[0]);
    const int last = around_5x5(b, c7, "embed_out", f[0]);
    heads(b, last, (const int[4]){emb1, emb2, emb3, emb4});
}

const pea__description pea__superhuman3d = {"superhuman3d", 3, "embed_in.0.weight", describe};
