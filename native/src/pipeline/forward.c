/* forward.c - runs the network for those outputs that a segmentation needs, and for no others.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

pea_status pea__heads_choose(const pea_network *network, const pea_segment_options *options, pea__heads *heads,
                             pea_error *err)
{
    const pea_network_info info = pea_network_get_info(network);
    *heads = (pea__heads){.embedding = -1, .foreground = -1, .affinity = -1, .precision = options->precision};
    if (info.n_heads > PEA__MAX_WANTED)
        return pea__fail(err, PEA_E_LIMIT, "the network has %zu outputs, more than %d", info.n_heads, PEA__MAX_WANTED);
    heads->embedding = pea_network_find_head(network, "embedding");
    if (heads->embedding >= 0)
        heads->embedding_channels = pea_network_head(network, (size_t)heads->embedding).channels;
    else
        heads->affinity = pea_network_find_head(network, "affinity");
    if (heads->embedding < 0 && heads->affinity < 0)
        return pea__fail(err, PEA_E_ARG, "the network gives neither embeddings nor affinities");
    if (heads->affinity >= 0) {
        const int64_t channels = pea_network_head(network, (size_t)heads->affinity).channels;
        if (channels != (int64_t)options->offsets.n)
            return pea__fail(err, PEA_E_ARG,
                             "the network predicts %" PRId64 " affinities itself, so exactly its own offsets must be "
                             "given, not %zu", channels, options->offsets.n);
    }
    if (options->foreground == PEA_FOREGROUND_PREDICTED) {
        heads->foreground = pea_network_find_head(network, "foreground_logits");
        if (heads->foreground < 0 || pea_network_head(network, (size_t)heads->foreground).channels != 2)
            return pea__fail(err, PEA_E_ARG, "the network predicts no foreground: choose foreground 'given' or 'none'");
    }
    return pea__heads_suit(heads, options, err);
}

pea_status pea__heads_suit(const pea__heads *heads, const pea_segment_options *options, pea_error *err)
{
    if (options->clusterer == PEA_CLUSTER_MEANSHIFT && heads->embedding < 0)
        return pea__fail(err, PEA_E_ARG, "the network predicts affinities itself and has no embeddings for clusterer "
                                         "'meanshift': choose mutex, agglomerate or multicut");
    return PEA_OK;
}

void pea__heads_wanted(const pea__heads *heads, unsigned char wanted[PEA__MAX_WANTED])
{
    const int chosen[] = {heads->embedding, heads->foreground, heads->affinity};
    memset(wanted, 0, PEA__MAX_WANTED);
    for (int i = 0; i < 3; i++)
        if (chosen[i] >= 0)
            wanted[chosen[i]] = 1;
}

/* The result's extents; `index` is a head that is wanted. */
static pea_dims head_dims(const pea_network *network, int index, pea_dims input)
{
    return (pea_dims){input.z, input.y, input.x, pea_network_head(network, (size_t)index).channels};
}

pea_status pea__forward_forecast(const pea_network *network, const pea__heads *heads, pea_dims input, int n_threads,
                                 uint64_t *bytes, pea_error *err)
{
    unsigned char wanted[PEA__MAX_WANTED];
    int64_t channels = input.c, elements;
    pea__heads_wanted(heads, wanted);
    for (size_t i = 0; i < pea_network_get_info(network).n_heads; i++)
        channels += wanted[i] ? pea_network_head(network, i).channels : 0;
    if (!pea__dims_count((pea_dims){input.z, input.y, input.x, channels}, sizeof(float), NULL, &elements))
        return pea__fail(err, PEA_E_LIMIT, "the network's input and outputs would exceed the address space");
    const pea_status status = pea_network_forecast(network, input, heads->precision, wanted, n_threads, bytes, err);
    *bytes = pea__bytes_add(*bytes, (uint64_t)elements * sizeof(float));
    return status;
}

bool pea__finite(const float *values, int64_t n)
{
    bool finite = true;
    for (int64_t i = 0; i < n; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

pea_status pea__fail_not_finite(pea_error *err)
{
    return pea__fail(err, PEA_E_ARG, "the network's result is not finite: the image's values are far outside what it "
                                     "was trained for (try another way to normalise), or the model's weights are "
                                     "damaged");
}

/* In blocks, so that a cancel is heard. */
static pea_status check_finite(const pea_array *output, pea_context *context, pea_error *err)
{
    const float *v = output->data;
    const int64_t n = output->data ? output->dims.z * output->dims.y * output->dims.x * output->dims.c : 0;
    for (int64_t first = 0; first < n; first += 1 << 20) {
        if (!pea__finite(v + first, pea__min_i64(n - first, 1 << 20)))
            return pea__fail_not_finite(err);
        const pea_status status = pea__progress(context, 1.0, err);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

static pea_status allocate(const pea_network *network, int head, pea_dims input, pea_array *output, pea_error *err)
{
    *output = (pea_array){.dtype = PEA_FLOAT32};
    if (head < 0)
        return PEA_OK;
    int64_t n;
    output->dims = head_dims(network, head, input);
    if (!pea__dims_count(output->dims, sizeof(float), NULL, &n))
        return pea__fail(err, PEA_E_LIMIT, "the network's output would exceed the address space");
    output->data = pea__alloc_unset((size_t)n, sizeof(float), err);
    return output->data ? PEA_OK : PEA_E_NOMEM;
}

pea_status pea__forward(const pea_network *network, const pea__heads *heads, const pea_array *input,
                        pea_context *context, pea__outputs *outputs, pea_error *err)
{
    pea_array all[PEA__MAX_WANTED] = {{0}};
    *outputs = (pea__outputs){0};
    pea_status status = allocate(network, heads->embedding, input->dims, &outputs->embedding, err);
    if (status == PEA_OK)
        status = allocate(network, heads->foreground, input->dims, &outputs->foreground, err);
    if (status == PEA_OK)
        status = allocate(network, heads->affinity, input->dims, &outputs->affinity, err);
    if (status == PEA_OK) {
        if (heads->embedding >= 0)
            all[heads->embedding] = outputs->embedding;
        if (heads->foreground >= 0)
            all[heads->foreground] = outputs->foreground;
        if (heads->affinity >= 0)
            all[heads->affinity] = outputs->affinity;
        status = pea_network_forward(network, context, heads->precision, input, all, err);
        pea__stage(context, "network"); /* the call has ended its own */
    }
    if (status == PEA_OK)
        status = check_finite(&outputs->embedding, context, err);
    if (status == PEA_OK)
        status = check_finite(&outputs->foreground, context, err);
    if (status == PEA_OK)
        status = check_finite(&outputs->affinity, context, err);
    if (status != PEA_OK)
        pea__outputs_free(outputs);
    return status;
}

void pea__outputs_free(pea__outputs *outputs)
{
    pea__free_unset(outputs->embedding.data);
    pea__free_unset(outputs->foreground.data);
    pea__free_unset(outputs->affinity.data);
    *outputs = (pea__outputs){0};
}
