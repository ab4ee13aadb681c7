/* model.c - a model file opened: network, settings and record; and how a checkpoint becomes one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/weights.h"
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <string.h>

struct pea_model {
    pea_network *network;
    pea_segment_options options;
    char *metadata, *name; /* name NULL: it has none */
};

/* A record fits if it can be read, and if the network has the heads that its settings ask for. */
static pea_status read_record(const pea_network *network, const char *json, pea_segment_options *options, char **name,
                              pea_error *err)
{
    pea__heads heads;
    const pea_status status = pea__record_read(json, pea_network_get_info(network), options, name, err);
    return status == PEA_OK ? pea__heads_choose(network, options, &heads, err) : status;
}

static pea_status take_metadata(pea_model *model, const pea_weights *weights, const char *path, pea_error *err)
{
    const char *json = pea_weights_metadata(weights);
    if (!json)
        return pea__fail(err, PEA_E_FORMAT,
                         "%s holds tensors but no settings under the key 'pea': make it with pea import", path);
    model->metadata = pea__copy_text(json, strlen(json), err);
    if (!model->metadata)
        return PEA_E_NOMEM;
    return read_record(model->network, json, &model->options, &model->name, err);
}

pea_status pea__model_make(const pea_weights *weights, const char *path, pea_model **model, pea_error *err)
{
    *model = NULL;
    pea_model *made = pea__alloc(1, sizeof *made, err);
    if (!made)
        return PEA_E_NOMEM;
    pea_status status = pea_network_create(weights, &made->network, err);
    if (status == PEA_OK)
        status = take_metadata(made, weights, path, err);
    if (status == PEA_OK)
        *model = made;
    else
        pea_model_free(made);
    return status;
}

pea_status pea_model_open(const char *path, pea_model **model, pea_error *err)
{
    pea_weights *weights = NULL;
    *model = NULL;
    if (!path)
        return pea__fail(err, PEA_E_ARG, "the model's path is missing");
    pea_status status = pea_weights_read(path, &weights, err);
    if (status == PEA_OK)
        status = pea__model_make(weights, path, model, err);
    pea_weights_free(weights);
    return status;
}

void pea_model_free(pea_model *model)
{
    if (!model)
        return;
    pea_network_free(model->network);
    pea__free(model->metadata);
    pea__free(model->name);
    pea__free(model);
}

/* A network that predicts affinities itself was trained for a graph of its own, most often the start of the usual one,
 * and it may have no outlet for the foreground. */
static pea_status suit_network(const pea_network *network, bool offsets_given, pea_segment_options *options,
                               pea_error *err)
{
    const int affinity = pea_network_find_head(network, "affinity");
    if (options->foreground == PEA_FOREGROUND_PREDICTED && pea_network_find_head(network, "foreground_logits") < 0)
        options->foreground = PEA_FOREGROUND_GIVEN;
    if (affinity < 0 || pea_network_find_head(network, "embedding") >= 0 || offsets_given)
        return PEA_OK;
    const int64_t n = pea_network_head(network, (size_t)affinity).channels;
    if (n > (int64_t)options->offsets.n || n < options->offsets.n_axes)
        return pea__fail(err, PEA_E_ARG,
                         "the network predicts %" PRId64 " affinities, the settings have %zu offsets: say which they "
                         "are with the key 'offsets' of the metadata", n, options->offsets.n);
    options->offsets.n = (size_t)n;
    return PEA_OK;
}

/* Settings for the record, before the metadata change them. */
static pea_status import_options(const pea_network *network, const char *preset, const char *metadata,
                                 pea_segment_options *options, pea_error *err)
{
    const pea_network_info info = pea_network_get_info(network);
    const char *suited = info.n_axes == 3 ? "ac3ac4" : "cvppp";
    pea_status status = pea_preset(preset ? preset : suited, options, err);
    if (status == PEA_OK && options->offsets.n_axes != info.n_axes)
        return pea__fail(err, PEA_E_ARG, "the preset %s is for %d-D networks, this one is %s: choose %s", preset,
                         options->offsets.n_axes, info.kind, suited);
    if (status == PEA_OK && options->normalise == PEA_NORMALISE_IMAGENET && info.in_channels != 3)
        options->normalise = PEA_NORMALISE_UNIT;
    if (status == PEA_OK)
        status = suit_network(network, metadata && pea__record_has(metadata, "offsets"), options, err);
    return status;
}

pea_status pea_model_import(const char *checkpoint, const char *preset, const char *metadata, const char *model_path,
                            char notes[256], pea_error *err)
{
    pea_weights *weights = NULL;
    pea_network *network = NULL;
    pea_segment_options options;
    char *json = NULL, *name = NULL;
    if (notes)
        notes[0] = '\0';
    if (!checkpoint || !model_path)
        return pea__fail(err, PEA_E_ARG, "import needs a checkpoint and a place for the model");
    pea_status status = pea_weights_import(checkpoint, &weights, notes, err);
    if (status == PEA_OK)
        status = pea_network_create(weights, &network, err);
    if (status == PEA_OK)
        status = import_options(network, preset, metadata, &options, err);
    if (status == PEA_OK)
        status = pea__record_write(pea_network_get_info(network), &options, metadata, &json, err);
    if (status == PEA_OK)
        status = read_record(network, json, &options, &name, err);
    if (status == PEA_OK)
        status = pea_weights_write(model_path, weights, json, err);
    pea__free(name);
    pea__free(json);
    pea_network_free(network);
    pea_weights_free(weights);
    return status;
}

const pea_network *pea_model_network(const pea_model *model)
{
    return model->network;
}

const char *pea_model_metadata(const pea_model *model)
{
    return model->metadata;
}

const char *pea_model_name(const pea_model *model)
{
    return model->name ? model->name : "unnamed";
}

pea_segment_options pea_model_options(const pea_model *model)
{
    return model->options;
}
