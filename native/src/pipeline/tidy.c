/* tidy.c - clean-up after clustering: which calls the settings ask for, each with its share of the progress bar.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

static pea_status merge(const pea_segment_options *o, pea_context *context, const pea_array *labels, pea_error *err)
{
    const pea__window window = pea__progress_part(context, PEA__NUMBERED, PEA__MERGED);
    const pea_status status = o->n_merge > PEA_MAX_MERGE_PASSES
                                  ? pea__fail(err, PEA_E_ARG, "%zu merge passes are more than %d", o->n_merge,
                                              PEA_MAX_MERGE_PASSES)
                                  : pea_merge_small(labels, o->merge, o->n_merge, context, err);
    pea__progress_rejoin(context, window);
    return status;
}

pea_status pea__absorb(const pea_segment_options *options, const pea_array *affinity, pea_context *context,
                       const pea_array *labels, pea_error *err)
{
    if (options->absorb_size <= 1)
        return PEA_OK;
    const pea__window window = pea__progress_part(context, PEA__MERGED, PEA__ABSORBED);
    const pea_status status = pea_absorb_small(labels, affinity, &options->offsets, options->absorb_size, context, err);
    pea__progress_rejoin(context, window);
    return status;
}

/* One call of the clean-up; none where it is not asked for. */
typedef struct step {
    double from, to;
    pea_status (*run)(const pea_segment_options *o, pea_context *context, const pea_array *labels, pea_error *err);
} step;

static pea_status part(const pea_segment_options *o, pea_context *context, const pea_array *labels, pea_error *err)
{
    if (o->parts == PEA_PARTS_SPLIT)
        return pea_split_parts(labels, o->connectivity, context, NULL, err);
    if (o->parts == PEA_PARTS_LARGEST)
        return pea_keep_largest_parts(labels, o->connectivity, context, err);
    return o->parts == PEA_PARTS_KEEP ? PEA_OK
                                      : pea__fail(err, PEA_E_ARG, "parts has no choice number %d", (int)o->parts);
}

static pea_status fill(const pea_segment_options *o, pea_context *context, const pea_array *labels, pea_error *err)
{
    return o->fill_holes ? pea_fill_holes(labels, o->connectivity, context, err) : PEA_OK;
}

static pea_status remove_small(const pea_segment_options *o, pea_context *context, const pea_array *labels,
                               pea_error *err)
{
    return o->min_size > 1 ? pea_remove_small(labels, o->min_size, context, err) : PEA_OK;
}

static pea_status keep_largest(const pea_segment_options *o, pea_context *context, const pea_array *labels,
                               pea_error *err)
{
    return o->n_largest > 0 ? pea_keep_largest(labels, o->n_largest, context, err) : PEA_OK;
}

pea_status pea__tidy(const pea_segment_options *options, pea_context *context, const pea_array *labels,
                     uint32_t *n_labels, pea_error *err)
{
    static const step steps[] = {{PEA__ABSORBED, PEA__PARTED, part},
                                 {PEA__PARTED, PEA__FILLED, fill},
                                 {PEA__FILLED, PEA__REMOVED, remove_small},
                                 {PEA__REMOVED, PEA__KEPT, keep_largest}};
    pea_status status = PEA_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == PEA_OK; i++) {
        const pea__window window = pea__progress_part(context, steps[i].from, steps[i].to);
        status = steps[i].run(options, context, labels, err);
        pea__progress_rejoin(context, window);
    }
    if (status != PEA_OK)
        return status;
    const pea__window window = pea__progress_part(context, PEA__KEPT, 1.0);
    status = pea_relabel(labels, context, n_labels, err);
    pea__progress_rejoin(context, window);
    return status;
}

pea_status pea_clean_up(const pea_segment_options *options, const pea_array *affinity, pea_context *context,
                        const pea_array *labels, uint32_t *n_labels, pea_error *err)
{
    pea_segment_options chosen = {.struct_size = sizeof chosen};
    pea_status status = pea__options_take(&chosen, sizeof chosen, options, "clean-up", err);
    if (status == PEA_OK && (!options || (chosen.absorb_size > 1 && !affinity)))
        status = pea__fail(err, PEA_E_ARG, "clean-up needs options, and affinities where small instances are absorbed");
    if (status == PEA_OK && chosen.n_merge > 0)
        status = merge(&chosen, context, labels, err);
    if (status == PEA_OK)
        status = pea__absorb(&chosen, affinity, context, labels, err);
    return status == PEA_OK ? pea__tidy(&chosen, context, labels, n_labels, err) : status;
}
