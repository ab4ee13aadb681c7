/* resunet2d.c - the 2-D residual U-Net: blocks, names, heads.
 *
 *   input  inconv   down1    down2    down3    down4
 *     1  ->  1  -> x2 1/2 -> x3 1/4 -> x4 1/8 -> x5 1/16        (down: block, then halving)
 *                   |         |         |         |
 *     u4 1 <-------[+]<- u3 -[+]<- u2 -[+]<- u1 --+             (up: doubling, then block; [+] concatenates before)
 *
 * Heads are 1x1 convolutions: the embedding and the mask on u4, coarser embeddings on u3, u2, u1 and x5. A network without
 * embedding gives affinities: from out_affs beside the mask, or from binary_seg in the mask's place.
 * Source: Huang et al., AAAI 2022.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

typedef enum resizing { AS_IT_IS, DOUBLED, HALVED } resizing; /* before a block, after it */

/* relu(bn(conv(relu(bn(conv(x))))) + bn(conv(x))), every convolution 3x3: the shortcut is one too. */
static int residual_block(pea__builder *b, int x, const char *block, int64_t channels, resizing how)
{
    int shortcut;
    const int hidden = pea__build_conv_pair(b, (pea__conv_spec){
        .in = x, .kz = 1, .ky = 3, .kx = 3, .channels = channels, .has_bias = true, .doubled = how == DOUBLED,
        .block = block, .conv = "conv.0", .norm = "conv.1", .activation = PEA__RELU}, (pea__conv_spec){
        .kz = 1, .ky = 3, .kx = 3, .has_bias = true, .block = block, .conv = "project.0", .norm = "project.1"}, &shortcut);
    return pea__build_conv(b, (pea__conv_spec){
        .in = hidden, .kz = 1, .ky = 3, .kx = 3, .channels = channels, .has_bias = true, .halved = how == HALVED,
        .block = block, .conv = "conv.3", .norm = "conv.4", .add = shortcut, .activation = PEA__RELU});
}

static int pointwise(pea__builder *b, int x, const char *block, const char *conv, int64_t channels,
                     pea__activation activation)
{
    return pea__build_conv(b, (pea__conv_spec){
        .in = x, .kz = 1, .ky = 1, .kx = 1, .channels = channels, .has_bias = true,
        .block = block, .conv = conv, .activation = activation});
}

/* Made as soon as their input is there, so that no wide buffer waits for them; listed by embedding_heads(). */
static int coarse_embedding(pea__builder *b, int x, const char *block)
{
    if (!pea__build_has(b, "outconv_emb.conv.weight") || !pea__build_has(b, "outconv1.conv.weight"))
        return 0;
    return pointwise(b, x, block, "conv", pea__build_extent(b, "outconv_emb.conv.weight", 0), PEA__LINEAR);
}

static void embedding_heads(pea__builder *b, int u4, const int coarser[4])
{
    static const char *const names[4] = {"emb_level1", "emb_level2", "emb_level3", "emb_level4"}; /* 1/2 .. 1/16 */
    const int64_t dim = pea__build_extent(b, "outconv_emb.conv.weight", 0);
    b->network->info.embedding_dim = dim;
    pea__build_head(b, "embedding", pointwise(b, u4, "outconv_emb", "conv", dim, PEA__LINEAR));
    for (int i = 0; i < 4; i++)
        if (coarser[i])
            pea__build_head(b, names[i], coarser[i]);
}

static void binary_seg(pea__builder *b, int u4, const char *name, int64_t channels, pea__activation activation)
{
    const int hidden = pea__build_conv(b, (pea__conv_spec){
        .in = u4, .kz = 1, .ky = 1, .kx = 1, .channels = pea__build_channels(b, u4), .has_bias = true,
        .block = "binary_seg", .conv = "0", .norm = "1", .activation = PEA__RELU});
    pea__build_head(b, name, pointwise(b, hidden, "binary_seg", "3", channels, activation));
}

static void heads(pea__builder *b, int u4, const int coarser[4])
{
    if (pea__build_has(b, "outconv_emb.conv.weight")) {
        embedding_heads(b, u4, coarser);
        binary_seg(b, u4, "foreground_logits", 2, PEA__LINEAR);
    } else if (pea__build_has(b, "out_affs.conv.weight")) {
        binary_seg(b, u4, "foreground_logits", 2, PEA__LINEAR);
        const int64_t n_offsets = pea__build_extent(b, "out_affs.conv.weight", 0);
        pea__build_head(b, "affinity", pointwise(b, u4, "out_affs", "conv", n_offsets, PEA__SIGMOID));
    } else {
        binary_seg(b, u4, "affinity", pea__build_extent(b, "binary_seg.3.weight", 0), PEA__SIGMOID);
    }
}

static void describe(pea__builder *b, int input)
{
    int64_t *f = b->network->info.filters;
    f[0] = pea__build_extent(b, "inconv.conv.conv.0.weight", 0);
    f[1] = pea__build_extent(b, "down1.block.conv.0.weight", 0);
    f[2] = pea__build_extent(b, "down2.block.conv.0.weight", 0);
    f[3] = pea__build_extent(b, "down3.block.conv.0.weight", 0);
    f[4] = pea__build_extent(b, "down4.block.conv.0.weight", 0);

    const int x1 = residual_block(b, input, "inconv.conv", f[0], AS_IT_IS);
    const int x2 = residual_block(b, x1, "down1.block", f[1], HALVED);
    const int x3 = residual_block(b, x2, "down2.block", f[2], HALVED);
    const int x4 = residual_block(b, x3, "down3.block", f[3], HALVED);
    const int x5 = residual_block(b, x4, "down4.block", f[4], HALVED);

    const int emb4 = coarse_embedding(b, x5, "outconv1");
    const int u1 = residual_block(b, x5, "up1_emb.block", f[4], DOUBLED);
    const int emb3 = coarse_embedding(b, u1, "outconv2");
    const int u2 = residual_block(b, pea__build_concat(b, u1, x4), "up2_emb.block", f[3], DOUBLED);
    const int emb2 = coarse_embedding(b, u2, "outconv3");
    const int u3 = residual_block(b, pea__build_concat(b, u2, x3), "up3_emb.block", f[2], DOUBLED);
    const int emb1 = coarse_embedding(b, u3, "outconv4");
    const int u4 = residual_block(b, pea__build_concat(b, u3, x2), "up4_emb.block", f[1], DOUBLED);
    heads(b, u4, (const int[4]){emb1, emb2, emb3, emb4});
}

const pea__description pea__resunet2d = {"resunet2d", 2, "inconv.conv.conv.0.weight", describe};
