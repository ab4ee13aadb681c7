/* fuzz_network.c - weights that are nearly those of a network.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The first bytes choose a network of few channels, every four behind them one fault: something left out, doubled,
 * renamed, of another shape or type, or a number that is none. What is still a network must run. */
#include "fuzz_check.h"

#include <math.h>

#include "pea/network.h"

enum { MAX_RECIPES = 256, MAX_FAULTS = 6, MAX_ELEMENTS = 1 << 14, NAME_BYTES = 80 };

/* One tensor to be. */
typedef struct recipe {
    char name[NAME_BYTES];
    pea_dtype dtype;
    int n_axes;
    int64_t shape[PEA_MAX_TENSOR_AXES];
    float odd; /* put among the elements where it is not 0 */
} recipe;

typedef struct plan {
    recipe recipes[MAX_RECIPES];
    int n, n_axes; /* n_axes: of the network */
} plan;

typedef struct bytes {
    const uint8_t *at, *end;
} bytes;

static unsigned next(bytes *b) /* 0 behind the end */
{
    return b->at < b->end ? *b->at++ : 0;
}

/* ---- networks ---- */

static void add(plan *p, const char *block, const char *part, const char *field, int n_axes, const int64_t *shape)
{
    fuzz_require(p->n < MAX_RECIPES, "there is room for every tensor");
    recipe *r = &p->recipes[p->n++];
    *r = (recipe){.dtype = n_axes == 0 ? PEA_INT64 : PEA_FLOAT32, .n_axes = n_axes};
    snprintf(r->name, sizeof r->name, "%s.%s%s", block, part, field);
    for (int i = 0; i < n_axes; i++)
        r->shape[i] = shape[i];
}

static void conv(plan *p, const char *block, const char *part, int64_t out, int64_t in, int kz, int ky, bool has_bias)
{
    const int64_t plane[] = {out, in, ky, ky}, volume[] = {out, in, kz, ky, ky};
    add(p, block, part, ".weight", p->n_axes + 2, p->n_axes == 2 ? plane : volume);
    if (has_bias)
        add(p, block, part, ".bias", 1, &out);
}

static void norm(plan *p, const char *block, const char *part, int64_t n)
{
    static const char *const fields[] = {".weight", ".bias", ".running_mean", ".running_var"};
    for (int i = 0; i < 4; i++)
        add(p, block, part, fields[i], 1, &n);
    add(p, block, part, ".num_batches_tracked", 0, NULL);
}

static void block_2d(plan *p, const char *block, int64_t in, int64_t out)
{
    static const char *const convs[] = {"conv.0", "conv.3", "project.0"};
    static const char *const norms[] = {"conv.1", "conv.4", "project.1"};
    for (int i = 0; i < 3; i++) {
        conv(p, block, convs[i], out, i == 1 ? out : in, 1, 3, true);
        norm(p, block, norms[i], out);
    }
}

static void make_2d(plan *p, const int64_t f[5], int64_t in, int64_t dim, unsigned form)
{
    static const char *const down[] = {"inconv.conv", "down1.block", "down2.block", "down3.block", "down4.block"};
    static const char *const up[] = {"up1_emb.block", "up2_emb.block", "up3_emb.block", "up4_emb.block"};
    static const char *const coarser[] = {"outconv1", "outconv2", "outconv3", "outconv4"};
    p->n_axes = 2;
    for (int i = 0; i < 5; i++)
        block_2d(p, down[i], i ? f[i - 1] : in, f[i]);
    for (int i = 0; i < 4; i++)
        block_2d(p, up[i], i ? f[5 - i] + f[4 - i] : f[4], f[4 - i]);
    for (int i = 0; form == 0 && i < 4; i++)
        conv(p, coarser[i], "conv", dim, f[i < 2 ? 4 : 5 - i], 1, 1, true);
    if (form < 3)
        conv(p, form < 2 ? "outconv_emb" : "out_affs", "conv", dim, f[1], 1, 1, true);
    conv(p, "binary_seg", "0", f[1], f[1], 1, 1, true);
    norm(p, "binary_seg", "1", f[1]);
    conv(p, "binary_seg", "3", form == 3 ? dim : 2, f[1], 1, 1, true);
}

static void block_3d(plan *p, const char *block, int64_t in, int64_t out)
{
    conv(p, block, "block1.0", out, in, 1, 3, false);
    norm(p, block, "block1.1", out);
    conv(p, block, "block2.0", out, out, 3, 3, false);
    norm(p, block, "block2.1", out);
    conv(p, block, "block2.3", out, out, 3, 3, false);
    norm(p, block, "block3", out);
}

static void make_3d(plan *p, const int64_t f[5], int64_t in, int64_t dim, unsigned form)
{
    static const char *const down[] = {"conv0", "conv1", "conv2", "conv3", "center"};
    static const char *const up[] = {"up0", "up1", "up2", "up3"}, *const cat[] = {"cat0", "cat1", "cat2", "cat3"};
    static const char *const after[] = {"conv4", "conv5", "conv6", "conv7"};
    static const char *const coarser[] = {"out_put1", "out_put2", "out_put3", "out_put4"};
    p->n_axes = 3;
    conv(p, "embed_in", "0", f[0], in, 1, 5, true);
    for (int i = 0; i < 5; i++)
        block_3d(p, down[i], f[i ? i - 1 : 0], f[i]);
    for (int i = 0; i < 4; i++) {
        conv(p, up[i], "1", f[3 - i], f[4 - i], 1, 1, true);
        norm(p, cat[i], "0", f[3 - i]);
        block_3d(p, after[i], f[3 - i], f[3 - i]);
    }
    conv(p, "embed_out", "0", f[0], f[0], 1, 5, true);
    conv(p, "out_put", "0", dim, f[0], 1, 1, true);
    for (int i = 0; form % 2 && i < 4; i++)
        conv(p, coarser[i], "0", dim, f[4 - i], 1, 1, true);
}

static void choose(plan *p, bytes *b)
{
    const unsigned kind = next(b);
    const int64_t in = 1 + next(b) % 3, dim = 1 + next(b) % 13;
    int64_t filters[5];
    for (int i = 0; i < 5; i++)
        filters[i] = 1 + next(b) % 6;
    (kind % 2 ? make_3d : make_2d)(p, filters, in, dim, kind / 2 % 4);
}

/* ---- faults ---- */

static int64_t count(const recipe *r)
{
    int64_t n = 0;
    return pea__shape_count(r->shape, r->n_axes, &n) ? n : INT64_MAX;
}

/* Elements have to be there: what would be too many of them is made none, by an extent of 0 beside the others. */
static void change_extent(recipe *r, unsigned axis, unsigned to)
{
    static const int64_t extents[] = {0, 1, 2, 3, 5, 16, 255, 4096, INT64_C(1) << 31, INT64_C(1) << 62, INT64_MAX};
    if (r->n_axes == 0)
        return;
    int64_t *extent = &r->shape[axis % (unsigned)r->n_axes];
    *extent = extents[to % (sizeof extents / sizeof *extents)];
    if (count(r) > MAX_ELEMENTS)
        r->shape[(axis + 1) % (unsigned)r->n_axes] = 0;
}

static void change_axes(recipe *r, unsigned n_axes)
{
    for (int i = r->n_axes; i < PEA_MAX_TENSOR_AXES; i++)
        r->shape[i] = 1;
    r->n_axes = (int)(n_axes % (PEA_MAX_TENSOR_AXES + 1));
}

static void spoil(plan *p, bytes *b)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, -1, 3e38f, 1e-45f};
    const unsigned what = next(b), which = next(b), first = next(b), second = next(b);
    recipe *r = &p->recipes[which % (unsigned)p->n], *other = &p->recipes[first % (unsigned)p->n];
    char kept[NAME_BYTES];
    switch (what % 9) {
    case 0: *r = p->recipes[p->n > 1 ? --p->n : 0]; break; /* left out: the last takes its place */
    case 1:
        if (p->n < MAX_RECIPES)
            p->recipes[p->n] = *r, p->recipes[p->n++].name[first % strlen(r->name)] ^= (char)(1 + second % 31);
        break;
    case 2: r->name[first % strlen(r->name)] = (char)(1 + second % 127); break;
    case 3: r->name[first % strlen(r->name)] = '\0'; break;
    case 4: /* two exchange names */
        memcpy(kept, r->name, sizeof kept);
        memmove(r->name, other->name, sizeof kept);
        memcpy(other->name, kept, sizeof kept);
        break;
    case 5: change_extent(r, first, second); break;
    case 6: change_axes(r, first); break;
    case 7: r->dtype = r->dtype == PEA_INT64 ? PEA_FLOAT32 : PEA_INT64; break;
    case 8: r->odd = odd[first % (sizeof odd / sizeof *odd)]; break;
    }
    if (r->name[0] == '\0')
        r->name[0] = '?';
}

/* ---- weights ---- */

static void fill(const recipe *r, float *data)
{
    const int64_t n = count(r);
    const bool is_variance = strstr(r->name, "running_var") != NULL;
    if (r->dtype != PEA_FLOAT32)
        return;
    for (int64_t i = 0; i < n; i++)
        data[i] = is_variance ? 0.5f : (float)(i % 5 - 2) / 8;
    if (n > 0 && r->odd != 0)
        data[n / 2] = r->odd;
}

/* NULL where the names or the shapes are such that no reader could have made them. */
static pea_weights *make_weights(const plan *p)
{
    pea_weights *weights = NULL;
    pea_status status = pea__weights_new(&weights, NULL);
    for (int i = 0; status == PEA_OK && i < p->n; i++) {
        const recipe *r = &p->recipes[i];
        pea_error err = {0};
        void *data = NULL;
        status = pea__weights_add(weights, r->name, r->dtype, r->n_axes, r->shape, NULL, &data, &err);
        if (status == PEA_OK)
            fill(r, data);
        else
            fuzz_require_message(status, &err);
    }
    if (status == PEA_OK)
        return weights;
    pea_weights_free(weights);
    return NULL;
}

/* ---- what is a network must run ---- */

static void forecast_anything(const pea_network *network, bytes *b)
{
    static const int64_t extents[] = {16, 0, 1, 8, 17, 48, -16, 1 << 20, INT64_C(1) << 32, INT64_C(1) << 60, INT64_MAX};
    enum { N = sizeof extents / sizeof *extents };
    unsigned char wanted[16];
    pea_error err = {0};
    uint64_t n_bytes = 0;
    const int64_t z = extents[next(b) % N], y = extents[next(b) % N], x = extents[next(b) % N];
    const unsigned threads = next(b), flags = next(b);
    const int64_t c = flags & 128 ? extents[flags % N] : pea_network_get_info(network).in_channels;
    for (int i = 0; i < 16; i++)
        wanted[i] = flags >> i % 7 & 1;
    const pea_status status = pea_network_forecast(network, (pea_dims){z, y, x, c}, PEA_FP32, flags & 64 ? wanted : NULL,
                                                   threads == 255 ? INT32_MAX : (int)threads, &n_bytes, &err);
    fuzz_require(status == PEA_OK ? err.message[0] == '\0' : err.status == status && err.message[0] != '\0',
                 "a forecast, or why there is none");
}

static void run(const pea_network *network, bytes *b)
{
    const pea_network_info info = pea_network_get_info(network);
    const pea_dims dims = {1, 16, 16, info.in_channels};
    const unsigned wanted = 1 + next(b);
    pea_array outputs[16] = {{0}};
    uint64_t n_bytes;
    pea_error err = {0};
    fuzz_require(info.n_heads > 0 && info.n_heads <= 16, "a few heads");
    fuzz_require(pea_network_forecast(network, dims, PEA_FP32, NULL, 1, &n_bytes, &err) == PEA_OK, "a small image has a forecast");
    if (n_bytes >= UINT64_C(16) << 20)
        return;
    float *input = calloc((size_t)(256 * dims.c), sizeof *input);
    for (size_t i = 0; i < info.n_heads; i++) {
        const pea_head head = pea_network_head(network, i);
        const int64_t side = 16 / head.shrink;
        outputs[i] = (pea_array){NULL, PEA_FLOAT32, {1, side, side, head.channels}};
        if (wanted >> i & 1)
            outputs[i].data = malloc((size_t)(side * side * head.channels) * sizeof(float));
        fuzz_require(pea_network_find_head(network, head.name) == (int)i, "heads have names of their own");
    }
    const pea_array in = {input, PEA_FLOAT32, dims};
    fuzz_require(pea_network_forward(network, NULL, PEA_FP32, &in, outputs, &err) == PEA_OK, "a network runs");
    for (size_t i = 0; i < 16; i++)
        free(outputs[i].data);
    free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t live = pea__alloc_live();
    bytes b = {data, data + size};
    bytes tail = {size > 6 ? b.end - 6 : b.end, b.end}; /* for what is done with the network; a fault as well */
    static plan p;
    pea_network *network = NULL;
    pea_error err = {0};
    p.n = 0;
    choose(&p, &b);
    for (int i = 0; i < MAX_FAULTS && b.end - b.at >= 10; i++)
        spoil(&p, &b);
    pea_weights *weights = make_weights(&p);
    if (weights) {
        const pea_status status = pea_network_create(weights, &network, &err);
        pea_weights_free(weights);
        fuzz_require((status == PEA_OK) == (network != NULL), "a network, or an error");
        if (network) {
            forecast_anything(network, &tail);
            run(network, &tail);
        } else {
            fuzz_require_message(status, &err);
        }
        pea_network_free(network);
    }
    fuzz_require(pea__alloc_live() == live, "nothing leaks");
    return 0;
}
