/* predict.c - what the network said about an image, kept so that it can be clustered again and again.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <string.h>

struct pea_prediction {
    pea_network_info info;
    pea__heads heads;
    pea_segment_options options;
    pea_dims dims;        /* of the image */
    pea__outputs *planes; /* of a 2-D network: each on its frame, so that it can be clustered there, too */
    pea_array affinity;   /* of a 3-D network: of the whole volume */
};

void pea_prediction_free(pea_prediction *prediction)
{
    if (!prediction)
        return;
    for (int64_t z = 0; prediction->planes && z < prediction->dims.z; z++)
        pea__outputs_free(&prediction->planes[z]);
    pea__free(prediction->planes);
    pea__free(prediction->affinity.data);
    pea__free(prediction);
}

static pea_status predict_part(const pea__part *part, int64_t index, void *argument, pea_error *err)
{
    const pea_prediction *prediction = argument;
    return prediction->planes ? pea__plane_run(part, &prediction->planes[index], err)
                              : pea__volume_run(part, &prediction->affinity, err);
}

/* While one plane is with the network, the others are kept. */
static pea_status check_budget(const pea__job *job, pea_error *err)
{
    pea__needs needs;
    const pea_status status = pea__job_needs(job, pea_context_threads(job->context), &needs, err);
    const uint64_t kept = pea__bytes_mul(needs.said, (uint64_t)(pea__parts_count(job) - 1));
    return status == PEA_OK ? pea__check_budget(job, pea__with_overhead(job, pea__bytes_add(needs.network, kept)), err)
                            : status;
}

static pea_status make_room(const pea__job *job, pea_prediction **prediction, pea_error *err)
{
    const pea_dims d = job->grid;
    pea_prediction *made = pea__alloc(1, sizeof *made, err);
    pea_status status = made ? PEA_OK : PEA_E_NOMEM;
    *prediction = made;
    if (status != PEA_OK)
        return status;
    *made = (pea_prediction){.info = job->info, .heads = job->heads, .options = job->options, .dims = job->dims};
    if (job->info.n_axes == 3)
        return pea__array_new(PEA_FLOAT32, (pea_dims){d.z, d.y, d.x, (int64_t)job->options.offsets.n}, &made->affinity,
                              err);
    made->planes = pea__alloc((size_t)d.z, sizeof *made->planes, err);
    return made->planes ? PEA_OK : PEA_E_NOMEM;
}

pea_status pea_predict(const pea_model *model, pea_context *context, const pea_array *image,
                       const pea_segment_options *options, pea_prediction **prediction, pea_error *err)
{
    pea__job job = {.context = context, .keeps_all = true};
    *prediction = NULL;
    pea_status status = pea__array_check(image, "the image", 0, err);
    if (status != PEA_OK)
        return status;
    job.image = *image;
    job.dims = image->dims;
    status = pea__job_prepare(&job, model, options, NULL, err);
    if (status == PEA_OK)
        status = check_budget(&job, err);
    if (status == PEA_OK)
        status = pea__job_scan(&job, err);
    if (status == PEA_OK)
        status = make_room(&job, prediction, err);
    if (status == PEA_OK)
        status = pea__parts_run(&job, predict_part, *prediction, NULL, err);
    pea__stage(context, NULL);
    pea__free(job.ranges);
    if (status != PEA_OK) {
        pea_prediction_free(*prediction);
        *prediction = NULL;
    }
    return status;
}

static bool same_triple(const int64_t a[3], const int64_t b[3])
{
    return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* The first setting that the network would have to run again for; NULL where there is none. */
static const char *unsuitable(const pea_prediction *prediction, const pea_segment_options *wanted)
{
    const pea_segment_options *had = &prediction->options;
    const bool is_volume = prediction->info.n_axes == 3;
    if (wanted->scale != had->scale)
        return "scale";
    if (wanted->normalise != had->normalise)
        return "normalise";
    if (wanted->precision != had->precision)
        return "precision";
    if (!is_volume && wanted->padding != had->padding)
        return "padding";
    if (is_volume && !(same_triple(wanted->tile, had->tile) && same_triple(wanted->tile_step, had->tile_step) &&
                       same_triple(wanted->tile_margin, had->tile_margin)))
        return "tiles";
    if (wanted->foreground == PEA_FOREGROUND_PREDICTED && prediction->heads.foreground < 0)
        return "foreground";
    if (wanted->offsets.n_axes != had->offsets.n_axes ||
        (is_volume && !pea__offsets_same(&wanted->offsets, &had->offsets)) ||
        (prediction->heads.affinity >= 0 && wanted->offsets.n != had->offsets.n))
        return "offsets";
    if (is_volume && wanted->border != had->border)
        return "border";
    return NULL;
}

int pea_prediction_suits(const pea_prediction *prediction, const pea_segment_options *options)
{
    pea_segment_options wanted = prediction->options;
    return pea__options_take(&wanted, sizeof wanted, options, "segment", NULL) == PEA_OK &&
           !unsuitable(prediction, &wanted);
}

static pea_status prepare(const pea_prediction *prediction, const pea_segment_options *options,
                          const pea_segment_details *details, pea__job *job, pea_error *err)
{
    job->info = prediction->info;
    job->heads = prediction->heads;
    job->options = prediction->options;
    pea_status status = pea__options_take(&job->options, sizeof job->options, options, "segment", err);
    if (status == PEA_OK)
        status = pea__options_check(&job->options, job->info, err);
    if (status == PEA_OK)
        status = pea__grid_plan(job->dims, job->options.scale, &job->grid, err);
    if (status == PEA_OK)
        status = pea__heads_suit(&job->heads, &job->options, err);
    const char *key = status == PEA_OK ? unsuitable(prediction, &job->options) : NULL;
    if (key)
        return pea__fail(err, PEA_E_ARG, "the prediction was made with other %s: run the network again", key);
    if (status == PEA_OK && details && details->want_embedding &&
        (prediction->affinity.data || job->heads.embedding < 0))
        return pea__fail(err, PEA_E_ARG, "this prediction keeps affinities and no embeddings");
    if (job->options.foreground != PEA_FOREGROUND_PREDICTED)
        job->heads.foreground = -1;
    return status;
}

/* Copies, as clustering uses up what it is given and others may be clustering the same. */
static pea_status copy(const pea_array *from, pea_context *context, pea_array *to, pea_error *err)
{
    const int64_t n = from->dims.y * from->dims.x * from->dims.c, at_once = 1 << 20;
    pea_status status = PEA_OK;
    *to = *from;
    to->data = pea__alloc_unset((size_t)n, sizeof(float), err);
    if (!to->data)
        return PEA_E_NOMEM;
    for (int64_t i = 0; i < n && status == PEA_OK; i += at_once) {
        memcpy((float *)to->data + i, (const float *)from->data + i,
               (size_t)pea__min_i64(at_once, n - i) * sizeof(float));
        status = pea__progress(context, 0.0, err);
    }
    return status;
}

static pea_status cluster_plane(const pea__part *part, const pea__outputs *kept, pea_error *err)
{
    const pea__job *job = part->job;
    pea__outputs said = {0};
    pea_status status = PEA_OK;
    pea__stage(job->context, "affinity");
    if (kept->embedding.data)
        status = copy(&kept->embedding, job->context, &said.embedding, err);
    if (status == PEA_OK && kept->affinity.data)
        status = copy(&kept->affinity, job->context, &said.affinity, err);
    if (status == PEA_OK && job->heads.foreground >= 0)
        status = copy(&kept->foreground, job->context, &said.foreground, err);
    if (status == PEA_OK)
        status = pea__plane_cluster(part, &said, err);
    pea__outputs_free(&said);
    return status;
}

/* Rows of affinities to where the caller wants to see them. */
typedef struct showing {
    const pea_array *from, *to;
} showing;

static void show_row(void *argument, int64_t row, int worker)
{
    const showing *s = argument;
    const int64_t n = s->to->dims.x * s->to->dims.c;
    (void)worker;
    memcpy((float *)s->to->data + row * n, (const float *)s->from->data + row * n, (size_t)n * sizeof(float));
}

static pea_status cluster_volume(const pea__part *part, const pea_array *affinity, pea_error *err)
{
    showing s = {affinity, &part->affinity};
    pea__stage(part->job->context, "affinity");
    pea_status status = pea__progress(part->job->context, 0.0, err); /* threads may leave nothing to do for this one */
    if (status == PEA_OK && part->affinity.data)
        status = pea__parallel(part->job->context, affinity->dims.z * affinity->dims.y, 0.0, 1.0, show_row, &s, err);
    if (status == PEA_OK)
        status = pea__cluster(part, affinity, part->mask.data ? &part->mask : NULL, &part->labels, err);
    return status;
}

static pea_status cluster_part(const pea__part *part, int64_t index, void *argument, pea_error *err)
{
    const pea_prediction *prediction = argument;
    return prediction->planes ? cluster_plane(part, &prediction->planes[index], err)
                              : cluster_volume(part, &prediction->affinity, err);
}

/* A volume's affinities are in memory already. */
static pea_status check_cluster_budget(const pea__job *job, const pea_segment_details *details, pea_error *err)
{
    pea__needs needs;
    const pea_status status = pea__job_needs(job, pea_context_threads(job->context), &needs, err);
    if (status != PEA_OK)
        return status;
    const uint64_t bytes = needs.cluster - (job->info.n_axes == 3 ? needs.said : 0);
    return pea__check_budget(job, pea__bytes_add(pea__with_overhead(job, bytes), pea__details_forecast(job, details)),
                             err);
}

pea_status pea_prediction_segment(const pea_prediction *prediction, pea_context *context, const pea_array *mask,
                                  const pea_segment_options *options, const pea_array *labels, uint32_t *n_labels,
                                  pea_segment_details *details, pea_error *err)
{
    pea__job job = {.context = context, .keeps_all = true};
    if (n_labels)
        *n_labels = 0;
    if (details)
        *details = (pea_segment_details){.want_affinity = details->want_affinity,
                                         .want_embedding = details->want_embedding};
    if (!prediction)
        return pea__fail(err, PEA_E_ARG, "a prediction is missing");
    pea_prediction borrowed = *prediction; /* as work is handed on without const */
    job.dims = prediction->dims;
    pea_status status = pea__job_take(&job, "the predicted image", mask, labels, err);
    if (status == PEA_OK)
        status = prepare(prediction, options, details, &job, err);
    if (status == PEA_OK)
        status = check_cluster_budget(&job, details, err);
    if (status == PEA_OK)
        status = pea__job_keep(&job, details, err);
    if (status == PEA_OK)
        status = pea__parts_run(&job, cluster_part, &borrowed, n_labels, err);
    pea__stage(context, NULL);
    if (status != PEA_OK)
        pea_segment_details_free(details);
    return status;
}
