/* presets.c - what training is like for images of a kind, and the names of choices in options and help.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include <math.h>
#include <string.h>

/* Of at most half a million parameters each. Sixteen and its multiples are what the widest vectors hold. */
static const int64_t plane_filters[5] = {16, 32, 64, 128, 256}, small_plane_filters[5] = {16, 16, 32, 48, 64};
static const int64_t volume_filters[5] = {28, 36, 48, 64, 80}, small_volume_filters[5] = {16, 16, 32, 32, 48};

/* The paper's optimiser, which its 200 000 steps suit. */
static void teach_as_published(pea_train_options *o)
{
    o->optimiser = PEA_OPTIMISER_ADAM;
    o->rate = o->end_rate = 1e-4;
    o->decay = PEA_DECAY_CONSTANT;
    o->epsilon = 0.01;
    o->epsilon_first = 1;
    o->weight_decay = 1e-6;
    o->n_steps = 200000;
    o->validate_every = 1000;
    o->seed = 555;
}

/* For some hours on a few processors: larger steps that become smaller, and a mean over the last of them. */
static void teach_in_hours(pea_train_options *o, int64_t n_steps)
{
    teach_as_published(o);
    o->rate = 1e-3;
    o->end_rate = 1e-5;
    o->decay = PEA_DECAY_COSINE;
    o->warm_up = 50;
    o->epsilon = 1e-8;
    o->epsilon_first = 0;
    o->average = 0.998;
    o->plain_batches = 32;
    o->n_steps = n_steps;
    o->validate_every = 250;
    o->seed = 1;
}

static void plane(pea_train_options *o, int64_t side, int64_t batch, const char *score)
{
    o->in_channels = 3;
    memcpy(o->filters, plane_filters, sizeof o->filters);
    o->depth = 1;
    o->side = side;
    o->batch = batch;
    o->score = score;
}

static void volume(pea_train_options *o, int64_t batch)
{
    o->in_channels = 1;
    memcpy(o->filters, volume_filters, sizeof o->filters);
    o->depth = 18;
    o->side = 160;
    o->batch = batch;
    o->score = "voi";
}

/* The settings that a preset's model gets. */
static pea_status choose_settings(const char *name, pea_segment_options *segment, pea_error *err)
{
    static const char *const known[6][2] = {{"nuclei", "nuclei"},   {"leaves", "cvppp"},    {"em", "ac3ac4"},
                                            {"cvppp", "cvppp"},     {"bbbc039", "bbbc039"}, {"ac3ac4", "ac3ac4"}};
    char shown[64];
    for (int i = 0; name && i < 6; i++)
        if (!strcmp(name, known[i][0]))
            return pea_preset(known[i][1], segment, err);
    return pea__fail(err, PEA_E_ARG,
                     "there is no training preset '%s': choose nuclei, leaves, em, cvppp, bbbc039 or ac3ac4",
                     name ? pea__printable(name, strlen(name), shown) : "");
}

static void fill(const char *name, pea_train_options *o)
{
    if (!strcmp(name, "nuclei")) {
        plane(o, 256, 2, "aji");
        teach_in_hours(o, 10000);
        o->foreground_factor = 1000.0;
        o->augmentation = "nuclei";
    } else if (!strcmp(name, "leaves")) { /* as cvppp, but with a foreground of its own: people have no masks */
        plane(o, 320, 2, "sbd");
        teach_in_hours(o, 20000);
        o->foreground_factor = 1000.0;
        o->segment.foreground = PEA_FOREGROUND_PREDICTED;
        o->segment.foreground_threshold = 0.8;
        o->augmentation = "leaves";
    } else if (!strcmp(name, "em")) {
        volume(o, 1);
        teach_in_hours(o, 20000);
        o->augmentation = "volumes";
    } else if (!strcmp(name, "cvppp")) {
        plane(o, 544, 2, "sbd");
        teach_as_published(o);
        o->augmentation = "leaves";
    } else if (!strcmp(name, "bbbc039")) {
        plane(o, 256, 8, "aji");
        teach_as_published(o);
        o->foreground_factor = 1000.0;
        o->augmentation = "nuclei";
    } else {
        volume(o, 2);
        teach_as_published(o);
        o->augmentation = "em";
    }
}

pea_status pea_train_preset(const char *name, int small, pea_train_options *options, pea_error *err)
{
    if (!options)
        return pea__fail(err, PEA_E_ARG, "a preset needs a place to go to");
    pea_train_options o = {.struct_size = sizeof o,
                           .embedding_dim = 16,
                           .validation_share = 0.15,
                           .save_every_s = 600.0,
                           .pixel_size = pea_calibration_default()};
    const pea_status status = choose_settings(name, &o.segment, err);
    if (status != PEA_OK)
        return status;
    fill(name, &o);
    if (small)
        memcpy(o.filters, o.depth > 1 ? small_volume_filters : small_plane_filters, sizeof o.filters);
    *options = o;
    return PEA_OK;
}

pea_status pea_train_preset_of(const char *name, const pea_model *model, pea_train_options *options, pea_error *err)
{
    const pea_segment_options own = pea_model_options(model);
    const char *suited = own.offsets.n_axes == 3 ? "em" : own.normalise == PEA_NORMALISE_IMAGENET ? "leaves" : "nuclei";
    const pea_status status = pea_train_preset(name ? name : suited, 0, options, err);
    if (status != PEA_OK)
        return status;
    options->segment = own;
    options->warm_up = pea__min_i64(options->warm_up, 20); /* what was learnt is not far off */
    options->rate = fmin(options->rate, 2e-4);
    options->end_rate = fmin(options->end_rate, options->rate);
    return PEA_OK;
}

void pea_train_fit_options(pea_train_options *options, unsigned chosen)
{
    pea_train_options *o = options;
    if (!(chosen & PEA_CHOSE_END_RATE) && o->end_rate > o->rate)
        o->end_rate = o->rate;
    if (!(chosen & PEA_CHOSE_STEPS) && o->seconds > 0.0)
        o->n_steps = 0;
    if (!(chosen & PEA_CHOSE_WARM_UP) && o->n_steps > 0 && o->warm_up > o->n_steps / 10)
        o->warm_up = o->n_steps / 10;
    if (!(chosen & PEA_CHOSE_ABSORB) && o->segment.clusterer == PEA_CLUSTER_MEANSHIFT)
        o->segment.absorb_size = 0;
}

static const char *const optimiser_names[] = {"adam", "sgd"};
static const char *const decay_names[] = {"constant", "polynomial", "cosine"};

const char *pea_optimiser_name(pea_optimiser value)
{
    return (unsigned)value <= PEA_OPTIMISER_SGD ? optimiser_names[value] : "unknown";
}

const char *pea_decay_name(pea_decay value)
{
    return (unsigned)value <= PEA_DECAY_COSINE ? decay_names[value] : "unknown";
}

int pea_optimiser_parse(const char *name, pea_optimiser *value)
{
    for (int i = 0; name && i <= PEA_OPTIMISER_SGD; i++)
        if (!strcmp(name, optimiser_names[i])) {
            *value = (pea_optimiser)i;
            return 1;
        }
    return 0;
}

int pea_decay_parse(const char *name, pea_decay *value)
{
    for (int i = 0; name && i <= PEA_DECAY_COSINE; i++)
        if (!strcmp(name, decay_names[i])) {
            *value = (pea_decay)i;
            return 1;
        }
    return 0;
}
