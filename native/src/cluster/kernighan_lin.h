/* kernighan_lin.h - internal: a partition improved by moving nodes, joining and splitting.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNIGHAN_LIN_INTERNAL_H
#define PEA_KERNIGHAN_LIN_INTERNAL_H

#include "cluster/contraction.h"
#include "pea/multicut.h"

/* Its memory, the caller's costs included: lists of neighbours, pairs, what sorts them; rings, gains and heaps. */
enum { PEA__KERNIGHAN_LIN_NODE_BYTES = 87, PEA__KERNIGHAN_LIN_EDGE_BYTES = 8 + 24 + 16 + 16 + 32 };

/* `numbers` are 1..n_regions at entry, and again at the end by smallest node, each instance connected. Progress goes
 * from `from` to 1. */
pea_status pea__kernighan_lin(const pea_region_graph *graph, const double *costs, const pea_multicut_options *options,
                              pea_context *context, double from, uint32_t *numbers, uint32_t *n_regions,
                              pea_error *err);

#endif
