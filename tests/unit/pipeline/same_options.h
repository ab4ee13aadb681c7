/* same_options.h - two segmentations that would do the same: every field counts.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_SAME_OPTIONS_H
#define PEA_SAME_OPTIONS_H

#include "pea/segment.h"
#include "test.h"

static inline void expect_same(const pea_segment_options *a, const pea_segment_options *b)
{
    assert_int_equal(a->struct_size, b->struct_size);
    assert_int_equal(a->normalise, b->normalise);
    assert_int_equal(a->padding, b->padding);
    assert_int_equal(a->cluster_padded, b->cluster_padded);
    assert_int_equal(a->foreground, b->foreground);
    assert_true(a->foreground_threshold == b->foreground_threshold);
    assert_int_equal(a->min_foreground_size, b->min_foreground_size);
    assert_int_equal(a->offsets.n_axes, b->offsets.n_axes);
    assert_int_equal(a->offsets.n, b->offsets.n);
    assert_memory_equal(a->offsets.step, b->offsets.step, a->offsets.n * sizeof *a->offsets.step);
    assert_memory_equal(a->stride, b->stride, sizeof a->stride);
    assert_int_equal(a->border, b->border);
    assert_int_equal(a->n_merge, b->n_merge);
    assert_memory_equal(a->merge, b->merge, a->n_merge * sizeof *a->merge);
    assert_int_equal(a->min_size, b->min_size);
    assert_memory_equal(a->tile, b->tile, sizeof a->tile);
    assert_memory_equal(a->tile_step, b->tile_step, sizeof a->tile_step);
    assert_memory_equal(a->tile_margin, b->tile_margin, sizeof a->tile_margin);
    assert_true(a->scale == b->scale);
    assert_int_equal(a->clusterer, b->clusterer);
    assert_int_equal(a->absorb_size, b->absorb_size);
    assert_int_equal(a->parts, b->parts);
    assert_int_equal(a->fill_holes, b->fill_holes);
    assert_int_equal(a->connectivity, b->connectivity);
    assert_int_equal(a->n_largest, b->n_largest);
    assert_int_equal(a->precision, b->precision);
    assert_true(a->cut == b->cut);
    assert_int_equal(a->score_percent, b->score_percent);
    assert_true(a->fragment_boundary == b->fragment_boundary && a->fragment_sigma == b->fragment_sigma);
    assert_int_equal(a->fragment_size, b->fragment_size);
    assert_true(a->bandwidth == b->bandwidth);
}

#endif
