/* pea.h - instance segmentation by pixel-embedded affinity: the whole C API.
 *
 *     image file -> pea_image_read -> pea_segment -> pea_labels_write
 *                       model file -> pea_model_open -^
 *
 * One header for each noun, each the manual of that noun. Calls print nothing, never exit, and keep no global state;
 * what can fail returns a pea_status and fills a pea_error of the caller's (NULL allowed).
 * Ownership words: borrowed - read during the call only; filled - yours, fully written; owned - yours to free with the
 * named function; lent - valid until its owner is freed.
 * Source of the method: Huang, Deng, Chen, Fu, Xiong, "Learning to Model Pixel-Embedded Affinity for Homogeneous
 * Instance Segmentation", AAAI 2022.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_H
#define PEA_H

#include "pea/affinity.h"
#include "pea/agglomerate.h"
#include "pea/array.h"
#include "pea/cluster.h"
#include "pea/context.h"
#include "pea/cpu.h"
#include "pea/fragments.h"
#include "pea/image.h"
#include "pea/mean_shift.h"
#include "pea/measure.h"
#include "pea/metric.h"
#include "pea/multicut.h"
#include "pea/network.h"
#include "pea/npy.h"
#include "pea/region_graph.h"
#include "pea/segment.h"
#include "pea/settings.h"
#include "pea/status.h"
#include "pea/train.h"
#include "pea/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PEA_VERSION "0.2.0"

const char *pea_version(void); /* of the library that runs, "major.minor.patch" */

#ifdef __cplusplus
}
#endif
#endif
