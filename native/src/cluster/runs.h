/* runs.h - internal: a label image as runs of equal labels along x, and which of them hang together.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_RUNS_INTERNAL_H
#define PEA_RUNS_INTERNAL_H

#include "array/array.h"
#include "pea/cluster.h"

#define PEA__NO_PART UINT32_MAX

/* The runs of a row cover it without gaps, background included: each ends where the next begins. */
typedef struct pea__runs {
    uint32_t *labels; /* borrowed, as is the context */
    pea_context *context;
    pea_dims dims;
    int64_t n_rows;
    uint32_t n;
    uint32_t *first; /* [row + 1]: its first run */
    uint32_t *begin; /* [run]: its first x */
    uint32_t *part;  /* [run]: the connected part it belongs to, numbered by the raster order of first voxels */
    uint32_t n_parts;
} pea__runs;

/* Which runs are connected; all others have no part. */
typedef enum pea__runs_kind {
    PEA__RUNS_OF_LABELS, /* with their likes, but for 0 */
    PEA__RUNS_OF_BACKGROUND
} pea__runs_kind;

/* Find runs. 8 bytes each and 4 for each row; PEA_E_LIMIT where the context allows less. Free them after failures, too:
 * all zero is fine. Progress goes to `to`. */
pea_status pea__runs_find(const pea_array *labels, pea_context *context, double to, pea__runs *runs, pea_error *err);
void pea__runs_free(pea__runs *runs);

/* Number the connected parts; once. Progress goes from `from` to `to`. */
pea_status pea__runs_connect(pea__runs *runs, pea__runs_kind kind, pea_connectivity connectivity, double from,
                             double to, pea_error *err);

/* Two runs, of one row or of two, that touch. */
typedef void pea__touch_fn(void *argument, uint32_t run, uint32_t label, uint32_t other, uint32_t other_label);

/* Every pair that touches, once; `other` comes earlier in the raster. */
pea_status pea__runs_touching(const pea__runs *runs, pea_connectivity connectivity, double from, double to,
                              pea__touch_fn *touch, void *argument, pea_error *err);

/* Write a label over each run; `fresh` has one for each part, runs without a part stay. On many threads. */
pea_status pea__runs_write(const pea__runs *runs, const uint32_t *fresh, double from, double to, pea_error *err);

/* One past its last x. `row` is the one it is in. */
static inline uint32_t pea__run_end(const pea__runs *runs, int64_t row, uint32_t run)
{
    return run + 1 < runs->first[row + 1] ? runs->begin[run + 1] : (uint32_t)runs->dims.x;
}

static inline uint32_t pea__run_label(const pea__runs *runs, int64_t row, uint32_t run)
{
    return runs->labels[row * runs->dims.x + runs->begin[run]];
}

#endif
