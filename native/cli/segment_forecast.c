/* segment_forecast.c - how much memory and time an image will take: refused or told before the work begins.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "segment_forecast.h"

/* Work that takes less is done before anybody has read about it. */
static const double worth_telling = 10; /* seconds */

/* A trial of the network sees about 2^16 voxels; what is not larger by far is done without. */
static const double worth_a_trial = 1 << 22; /* voxels of the network */

static uint64_t product(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t count(pea_dims d)
{
    return product(product((uint64_t)d.z, (uint64_t)d.y), (uint64_t)d.x);
}

static pea_status expect(const cli_job *job, const cli_session *session, uint64_t held, cli_forecast *forecast,
                         pea_error *err)
{
    const pea_segment_details details = {.want_affinity = forecast->keep_affinity};
    const pea_status status = pea_segment_expect(job->model, job->dims, job->settings, &details,
                                                 pea_context_threads(session->context), &forecast->expected, err);
    forecast->bytes = sum(held, forecast->expected.bytes);
    return status;
}

pea_status cli_forecast_memory(const cli_job *job, cli_session *session, cli_forecast *forecast, pea_error *err)
{
    const uint64_t limit = session->memory, n = count(job->dims),
                   image = product(product(n, (uint64_t)job->dims.c), pea_dtype_size_bytes(job->dtype)),
                   labels = product(product(n, (uint64_t)job->n_frames), sizeof(uint32_t)),
                   held = sum(sum(image, labels), job->masked ? n : 0);
    char needed[32], allowed[32], parts[2][32];
    *forecast = (cli_forecast){.keep_affinity = job->want_table};
    pea_status status = expect(job, session, held, forecast, err);
    if (status == PEA_OK && limit != 0 && forecast->bytes > limit && job->want_table) {
        forecast->keep_affinity = 0; /* a table without confidence is better than none */
        status = expect(job, session, held, forecast, err);
    }
    if (status != PEA_OK)
        return status;
    if (limit != 0 && forecast->bytes > limit)
        return cli_fail(err, PEA_E_LIMIT,
                        "segmenting %lld x %lld x %lld (z,y,x) needs %s (%llu bytes) of memory, of these %s for the "
                        "image and its labels and %s for the work, but %s (%llu bytes) are allowed: raise --memory, or "
                        "take a smaller part",
                        (long long)job->dims.z, (long long)job->dims.y, (long long)job->dims.x,
                        cli_bytes(forecast->bytes, needed), (unsigned long long)forecast->bytes,
                        cli_bytes(held, parts[0]), cli_bytes(forecast->expected.bytes, parts[1]),
                        cli_bytes(limit, allowed), (unsigned long long)limit);
    pea_context_limit_memory(session->context, limit == 0 ? 0 : limit - held);
    return PEA_OK;
}

/* ---- time ---- */

static int ask_to_stop(void *user, const char *stage, double fraction)
{
    (void)user, (void)stage, (void)fraction;
    return cli_cancelled();
}

/* The middle of the first slices. */
static pea_status cut_middle(const pea_array *image, int deep, pea_volume *piece, pea_error *err)
{
    const int64_t side = deep ? 32 : 256, most_z = deep ? 8 : 1;
    const pea_dims all = image->dims;
    const pea_dims d = {all.z < most_z ? all.z : most_z, all.y < side ? all.y : side, all.x < side ? all.x : side,
                        all.c};
    const size_t voxel = pea_dtype_size_bytes(image->dtype) * (size_t)d.c;
    const pea_status status = pea_volume_alloc(image->dtype, d, piece, err);
    for (int64_t row = 0; row < d.z * d.y && status == PEA_OK; row++) {
        const int64_t y = (all.y - d.y) / 2 + row % d.y, from = (row / d.y * all.y + y) * all.x + (all.x - d.x) / 2;
        memcpy((char *)piece->array.data + (size_t)(row * d.x) * voxel,
               (const char *)image->data + (size_t)from * voxel, (size_t)d.x * voxel);
    }
    return status;
}

/* Seconds for each voxel of the network, all stages counted, by segmenting a piece. */
static pea_status try_out(const cli_job *job, const pea_array *piece, int n_threads, double *seconds, pea_error *err)
{
    pea_context_options options = pea_context_options_default();
    pea_context *context = NULL;
    pea_expectation expected;
    pea_volume labels = {0};
    pea_dims d = piece->dims;
    options.n_threads = n_threads;
    options.progress = ask_to_stop;
    pea_status status = pea_context_new(&options, &context, err);
    if (status == PEA_OK)
        status = pea_segment_expect(job->model, d, job->settings, NULL, n_threads, &expected, err);
    d.c = 1;
    if (status == PEA_OK)
        status = pea_volume_alloc(PEA_UINT32, d, &labels, err);
    const double started = cli_seconds();
    if (status == PEA_OK)
        status = pea_segment(job->model, context, piece, NULL, job->settings, &labels.array, NULL, NULL, err);
    if (status == PEA_OK)
        *seconds = (cli_seconds() - started) / expected.network_voxels;
    pea_volume_free(&labels);
    pea_context_free(context);
    return status;
}

static int is_volume(const cli_job *job)
{
    return pea_network_get_info(pea_model_network(job->model)).n_axes == 3;
}

static void tell(const cli_job *job, const cli_forecast *forecast, double seconds, cli_session *session)
{
    const pea_expectation *e = &forecast->expected;
    const char *piece = is_volume(job) ? "layer" : "row";
    const int minutes = (int)(seconds / 60 + 0.5);
    char memory[32], time[32];
    snprintf(time, sizeof time, minutes < 2 ? "%.0f s" : minutes < 120 ? "%.0f min" : "%.1f h",
             minutes < 2 ? seconds : minutes < 120 ? seconds / 60 : seconds / 3600);
    cli_session_clear(session);
    fprintf(stderr, "%s: %lld x %lld x %lld (z,y,x) will take about %s and up to %s of memory, ",
            session->progress.item, (long long)job->dims.z, (long long)job->dims.y, (long long)job->dims.x, time,
            cli_bytes(forecast->bytes, memory));
    if (e->streams)
        fprintf(stderr, "%s by %s\n", piece, piece);
    else
        fprintf(stderr, "all at once for %s\n", e->why_whole);
    fflush(stderr);
}

pea_status cli_forecast_tell(const cli_job *job, const cli_forecast *forecast, const pea_array *image,
                             cli_session *session, pea_error *err)
{
    pea_volume piece = {0};
    double each = 0;
    if (session->wishes.quiet)
        return PEA_OK;
    if (job->want_table && !forecast->keep_affinity) {
        cli_session_clear(session);
        fprintf(stderr, "%s: the table's confidence stays empty: there is no memory to keep affinities\n",
                session->progress.item);
    }
    const double voxels = forecast->expected.network_voxels * (double)job->n_frames;
    if (voxels < worth_a_trial)
        return PEA_OK;
    pea_status status = cut_middle(image, is_volume(job), &piece, err);
    if (status == PEA_OK)
        status = try_out(job, &piece.array, pea_context_threads(session->context), &each, err);
    pea_volume_free(&piece);
    if (status == PEA_OK && each * voxels >= worth_telling)
        tell(job, forecast, each * voxels, session);
    if (status == PEA_OK || status == PEA_E_CANCELLED)
        return status;
    *err = (pea_error){0}; /* the work itself will say what is wrong, and where in the image */
    return PEA_OK;
}
