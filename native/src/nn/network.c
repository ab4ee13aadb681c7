/* network.c - which networks there are, how one is recognised, and what can be asked of it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "nn/nn.h"

#include <inttypes.h>
#include <string.h>

static const pea__description *const descriptions[] = {&pea__resunet2d, &pea__superhuman3d};

static const pea__description *recognise(const pea_weights *weights)
{
    for (size_t i = 0; i < sizeof descriptions / sizeof *descriptions; i++)
        if (pea_weights_find(weights, descriptions[i]->landmark, NULL))
            return descriptions[i];
    return NULL;
}

static bool is_counter(const char *name) /* a batch norm's counter of training steps, which may be there or not */
{
    static const char ending[] = ".num_batches_tracked";
    const size_t n = strlen(name), e = sizeof ending - 1;
    return n > e && strcmp(name + n - e, ending) == 0;
}

static void refuse_extras(pea__builder *b, const char *kind)
{
    char shown[64];
    for (size_t i = 0; b->status == PEA_OK && i < pea_weights_count(b->weights); i++) {
        const char *name = pea_weights_tensor(b->weights, i).name;
        if (!b->used[i] && !is_counter(name))
            b->status = pea__fail(b->err, PEA_E_FORMAT, "tensor %s does not belong to this form of the network %s",
                                  pea__printable(name, strlen(name), shown), kind);
    }
}

static pea_status build(const pea__description *description, pea__builder *b)
{
    pea_network *n = b->network;
    n->info = (pea_network_info){.kind = description->kind, .n_axes = description->n_axes, .grid = 16};
    n->info.in_channels = pea__build_extent(b, description->landmark, 1);
    n->n_values = n->n_buffers = 1; /* the input */
    n->values[1] = (pea__value){.buffer = 1, .channels = n->info.in_channels};
    n->buffers[1] = (pea__buffer){.channels = n->info.in_channels, .shrink = 1, .head = -1};
    description->describe(b, 1);
    refuse_extras(b, description->kind);
    return b->status;
}

pea_status pea__network_create_for(const pea_weights *weights, const pea__kernels_table *kernels,
                                   pea_network **network, pea_error *err)
{
    *network = NULL;
    const pea__description *description = recognise(weights);
    if (!description)
        return pea__fail(err, PEA_E_FORMAT,
                         "these weights are of no known network: neither %s (a 2-D residual U-Net) nor %s (a 3-D one) "
                         "is among the %zu tensors",
                         pea__resunet2d.landmark, pea__superhuman3d.landmark, pea_weights_count(weights));
    pea__builder b = {.weights = weights, .err = err};
    b.network = pea__alloc(1, sizeof *b.network, err);
    b.used = pea__alloc(pea_weights_count(weights), 1, err);
    pea_status status = PEA_E_NOMEM;
    if (b.network && b.used) {
        b.network->kernels = kernels;
        b.network->piece_voxels = PEA__PIECE_VOXELS;
        status = build(description, &b);
    }
    pea__free(b.used);
    if (status == PEA_OK)
        *network = b.network;
    else
        pea_network_free(b.network);
    return status;
}

pea_status pea_network_create(const pea_weights *weights, pea_network **network, pea_error *err)
{
    return pea__network_create_for(weights, pea__kernels(), network, err);
}

void pea_network_free(pea_network *network)
{
    if (!network)
        return;
    for (int i = 0; i < network->n_ops; i++) {
        pea__free_unset(network->ops[i].weights);
        pea__free_unset(network->ops[i].bias);
        pea__free_unset(network->ops[i].residual_scale);
    }
    pea__free(network);
}

pea_network_info pea_network_get_info(const pea_network *network)
{
    return network->info;
}

pea_head pea_network_head(const pea_network *network, size_t index)
{
    return network->heads[index];
}

int pea_network_find_head(const pea_network *network, const char *name)
{
    for (size_t i = 0; i < network->info.n_heads; i++)
        if (strcmp(network->heads[i].name, name) == 0)
            return (int)i;
    return -1;
}

static const char *const precision_names[] = {"fp32", "bf16"};

const char *pea_precision_name(pea_precision value)
{
    return (unsigned)value <= PEA_BF16 ? precision_names[value] : NULL;
}

int pea_precision_parse(const char *name, pea_precision *value)
{
    for (int i = 0; name && i <= PEA_BF16; i++)
        if (strcmp(precision_names[i], name) == 0) {
            *value = (pea_precision)i;
            return 1;
        }
    return 0;
}
