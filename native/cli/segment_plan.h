/* segment_plan.h - what `pea segment` reads and writes, decided before any work.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLI_SEGMENT_PLAN_H
#define PEA_CLI_SEGMENT_PLAN_H

#include "cli.h"

/* Lists run in parallel; an empty one was not asked for. Zeroed at first. */
typedef struct cli_plan {
    cli_paths inputs, outputs, overlays, tables, masks;
    cli_paths made; /* folders that were not there */
    bool is_batch;
    char stem[CLI_MAX_PATH], path[CLI_MAX_PATH]; /* scratch: too large for the stack */
} cli_plan;

/* As given; NULL where not. */
typedef struct cli_targets {
    const char *output, *overlay, *table;
} cli_targets;

typedef struct cli_sources {
    const char *model, *mask, *offsets; /* the model's path is always there */
} cli_sources;

/* Makes the folders that are needed. PEA_E_ARG for names that do not go together. */
pea_status cli_plan_make(const cli_operands *operands, const cli_targets *targets, const cli_sources *sources,
                         cli_plan *plan, pea_error *err);
/* Also after a failure, and once all is written: folders in which nothing is are removed. */
void cli_plan_free(cli_plan *plan);

#endif
