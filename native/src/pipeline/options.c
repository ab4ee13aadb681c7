/* options.c - which settings make sense at all, and with which network.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static pea_status check_numbers(const pea_segment_options *o, pea_error *err)
{
    if (!(o->foreground_threshold >= 0.0 && o->foreground_threshold < 1.0))
        return pea__fail(err, PEA_E_ARG, "foreground_threshold must be at least 0 and below 1, not %g",
                         o->foreground_threshold);
    if (o->min_foreground_size < 0 || o->min_size < 0)
        return pea__fail(err, PEA_E_ARG, "min_foreground_size and min_size must not be negative: %" PRId64 ", %" PRId64,
                         o->min_foreground_size, o->min_size);
    if (o->absorb_size < 0 || o->n_largest < 0)
        return pea__fail(err, PEA_E_ARG, "absorb_size and n_largest must not be negative: %" PRId64 ", %" PRId64,
                         o->absorb_size, o->n_largest);
    for (int i = 0; i < 3; i++)
        if (o->stride[i] < 1)
            return pea__fail(err, PEA_E_ARG, "strides must be at least 1, not %d", o->stride[i]);
    if (o->scale == PEA_SCALE_AUTO)
        return pea__fail(err, PEA_E_ARG, "scale is still auto: pea_model_scale() gives the factor for an image");
    if (!(o->scale >= PEA_SCALE_MIN && o->scale <= PEA_SCALE_MAX))
        return pea__fail(err, PEA_E_ARG, "scale must be from %g to %g, not %g", PEA_SCALE_MIN, PEA_SCALE_MAX, o->scale);
    if (!(o->bandwidth > 0.0 && isfinite(o->bandwidth)))
        return pea__fail(err, PEA_E_ARG, "bandwidth must be above 0, not %g", o->bandwidth);
    if (o->n_merge > PEA_MAX_MERGE_PASSES)
        return pea__fail(err, PEA_E_ARG, "%zu merge passes are more than %d", o->n_merge, PEA_MAX_MERGE_PASSES);
    for (size_t i = 0; i < o->n_merge; i++)
        if (o->merge[i].max_size < 0 || o->merge[i].window < 1)
            return pea__fail(err, PEA_E_ARG, "merge pass %zu has size %d and window %d: at least 0 and 1 are needed",
                             i + 1, (int)o->merge[i].max_size, (int)o->merge[i].window);
    return PEA_OK;
}

pea_status pea__tuning_check(const pea_segment_options *o, pea_error *err)
{
    if (!(o->cut >= PEA_CUT_MIN && o->cut <= PEA_CUT_MAX))
        return pea__fail(err, PEA_E_ARG, "cut must be from %g to %g, not %g", PEA_CUT_MIN, PEA_CUT_MAX, o->cut);
    if (o->score_percent != PEA_SCORE_PERCENT_MEAN && (o->score_percent < 0 || o->score_percent > 99))
        return pea__fail(err, PEA_E_ARG, "score_percent must be 0 to 99, or PEA_SCORE_PERCENT_MEAN, not %d",
                         o->score_percent);
    if (!(o->fragment_boundary >= 0.0 && o->fragment_boundary < 1.0))
        return pea__fail(err, PEA_E_ARG, "fragment_boundary must be at least 0 and below 1, not %g",
                         o->fragment_boundary);
    if (!(o->fragment_sigma >= 0.0 && o->fragment_sigma <= 100.0) || o->fragment_size < 0)
        return pea__fail(err, PEA_E_ARG, "fragment_sigma must be 0 to 100 pixels and fragment_size not negative: %g, %"
                         PRId64, o->fragment_sigma, o->fragment_size);
    return PEA_OK;
}

static pea_status check_choices(const pea_segment_options *o, pea_error *err)
{
    if ((unsigned)o->normalise > PEA_NORMALISE_UNIT)
        return pea__fail(err, PEA_E_ARG, "normalise has no choice number %d", (int)o->normalise);
    if ((unsigned)o->padding > PEA_PAD_ZERO_SQUARE)
        return pea__fail(err, PEA_E_ARG, "padding has no choice number %d", (int)o->padding);
    if ((unsigned)o->foreground > PEA_FOREGROUND_PREDICTED)
        return pea__fail(err, PEA_E_ARG, "foreground has no choice number %d", (int)o->foreground);
    if ((unsigned)o->border > PEA_BORDER_COPY)
        return pea__fail(err, PEA_E_ARG, "border has no choice number %d", (int)o->border);
    if ((unsigned)o->clusterer > PEA_CLUSTER_MEANSHIFT)
        return pea__fail(err, PEA_E_ARG, "clusterer has no choice number %d", (int)o->clusterer);
    if ((unsigned)o->parts > PEA_PARTS_LARGEST)
        return pea__fail(err, PEA_E_ARG, "parts has no choice number %d", (int)o->parts);
    if ((unsigned)o->connectivity > PEA_CONNECT_CORNERS)
        return pea__fail(err, PEA_E_ARG, "connectivity has no choice number %d", (int)o->connectivity);
    if ((unsigned)o->precision > PEA_BF16)
        return pea__fail(err, PEA_E_ARG, "precision has no choice number %d", (int)o->precision);
    return PEA_OK;
}

/* Said before the network runs, not after. */
static pea_status check_clusterer(const pea_segment_options *o, pea_error *err)
{
    const pea_offset *last = o->offsets.step + o->offsets.n_axes - 1;
    const bool neighbours = last[-1].z == 0 && abs(last[-1].y) == 1 && last[-1].x == 0 && last[0].z == 0 &&
                            last[0].y == 0 && abs(last[0].x) == 1;
    if (o->clusterer == PEA_CLUSTER_MEANSHIFT && o->offsets.n_axes == 3)
        return pea__fail(err, PEA_E_ARG, "clusterer 'meanshift' works on the embeddings of planes, and of a volume there "
                                         "are only affinities: choose mutex, agglomerate or multicut");
    if (o->clusterer == PEA_CLUSTER_MEANSHIFT && o->absorb_size > 1)
        return pea__fail(err, PEA_E_ARG, "absorb goes by affinities, and clusterer 'meanshift' has none: take absorb 0 "
                                         "or another clusterer");
    if ((o->clusterer == PEA_CLUSTER_AGGLOMERATE || o->clusterer == PEA_CLUSTER_MULTICUT) && !neighbours)
        return pea__fail(err, PEA_E_ARG,
                         "clusterer '%s' needs direct neighbours: the attractive offsets of y and x must be one step "
                         "each, not (%d,%d,%d) and (%d,%d,%d)", pea_clusterer_name(o->clusterer), (int)last[-1].z,
                         (int)last[-1].y, (int)last[-1].x, (int)last[0].z, (int)last[0].y, (int)last[0].x);
    return PEA_OK;
}

pea_status pea__options_check(const pea_segment_options *options, pea_network_info network, pea_error *err)
{
    pea__tiles tiles;
    pea_status status = check_choices(options, err);
    if (status == PEA_OK)
        status = check_numbers(options, err);
    if (status == PEA_OK)
        status = pea__tuning_check(options, err);
    if (status == PEA_OK)
        status = pea__offsets_check(&options->offsets, err);
    if (status != PEA_OK)
        return status;
    if (options->offsets.n_axes != network.n_axes)
        return pea__fail(err, PEA_E_ARG, "the network works in %d-D, so its offsets need %d axes, not %d",
                         network.n_axes, network.n_axes, options->offsets.n_axes);
    status = check_clusterer(options, err);
    if (status != PEA_OK)
        return status;
    if (options->normalise == PEA_NORMALISE_IMAGENET && network.in_channels != 3)
        return pea__fail(err, PEA_E_ARG, "normalise 'imagenet' is for 3 channels, the network takes %" PRId64,
                         network.in_channels);
    return network.n_axes == 3 ? pea__tiles_plan(options, (pea_dims){1, 1, 1, 1}, network.grid, &tiles, err) : PEA_OK;
}
