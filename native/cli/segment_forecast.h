/* segment_forecast.h - what an image will take, known before the work begins.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLI_SEGMENT_FORECAST_H
#define PEA_CLI_SEGMENT_FORECAST_H

#include "cli.h"

/* One image as it will be read. */
typedef struct cli_job {
    const pea_model *model;
    const pea_segment_options *settings;
    pea_dims dims; /* of one frame: slices, y, x, channels */
    pea_dtype dtype;
    int64_t n_frames;
    int masked, want_table;
} cli_job;

typedef struct cli_forecast {
    pea_expectation expected;
    uint64_t bytes;    /* all of it: image, mask, labels and work */
    int keep_affinity; /* 0: no table is wanted, or there is no memory for its confidence */
} cli_forecast;

/* Refuses with PEA_E_LIMIT what exceeds --memory, and leaves the context's work the rest. */
pea_status cli_forecast_memory(const cli_job *job, cli_session *session, cli_forecast *forecast, pea_error *err);

/* Tell memory and time on stderr where the work is long; the time from a trial with the middle of the image. */
pea_status cli_forecast_tell(const cli_job *job, const cli_forecast *forecast, const pea_array *image,
                             cli_session *session, pea_error *err);

#endif
