/* measure.h - one row for each instance, and a picture of them all.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_MEASURE_H
#define PEA_MEASURE_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One instance, in voxels. */
typedef struct pea_instance {
    uint32_t label;
    int64_t n_voxels;
    double centroid[3];            /* z,y,x of voxel centres: the first voxel is 0 */
    int64_t first[3], last[3];     /* bounding box, z,y,x, both ends inside */
    double mean_intensity;         /* of the first channel; NaN without an image */
    double confidence;             /* mean attractive affinity inside minus across the border, NaN where unknown */
} pea_instance;

typedef struct pea_table {
    size_t n;
    pea_instance *rows; /* owned, ascending labels; free with pea_table_free() */
    int n_axes;         /* 2: the labels were one plane, sizes are areas; 3: they are volumes */
} pea_table;

/**
 * Measure every instance in one pass, in a stage named "measure".
 * @param labels    borrowed  uint32 (z,y,x,1)
 * @param image     borrowed  any numeric dtype, same z,y,x; NULL: no intensities
 * @param affinity  borrowed  float32 (z,y,x,k) with its offsets; NULL: no confidence. An instance that has no border
 *                            or no inner edge counts that part as 0. Its y and x may differ from the labels' (a scaled
 *                            run): labels are then looked up at the nearest voxel
 * @param table     owned     free with pea_table_free(); empty after a failure
 * @return PEA_OK; PEA_E_ARG; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_LIMIT; PEA_E_NOMEM; PEA_E_CANCELLED
 */
pea_status pea_measure(const pea_array *labels, const pea_array *image, const pea_array *affinity,
                       const pea_offsets *offsets, pea_context *context, pea_table *table, pea_error *err);
void pea_table_free(pea_table *table); /* NULL and an all-zero struct are fine; leaves it all zero */

/**
 * Write tables as CSV (RFC 4180, UTF-8, decimal point) in calibrated units, with the units in the header:
 *
 *     label, [frame], area_UNIT2 or volume_UNIT3, n_voxels, centroid_x_UNIT, _y_, _z_, box_x_UNIT, _y_, _z_,
 *     box_width_UNIT, box_height_UNIT, box_depth_UNIT, mean_intensity, confidence
 *
 * Centroids are measured from the centre of the first voxel. A bounding box begins at the edge of the instance's first
 * voxel and spans whole voxels, as ImageJ gives it. What is not a finite number is an empty field.
 * @param tables       borrowed  one for each frame, in order; a column `frame`, from 1, appears when n_tables > 1. Sizes
 *                               are volumes as soon as one table has n_axes 3
 * @param calibration  borrowed  NULL: voxels of 1 x 1 x 1 pixel
 * @return PEA_OK; PEA_E_ARG; PEA_E_IO; PEA_E_NOMEM; PEA_E_CANCELLED, and nothing is left behind. The stage is "write"
 */
pea_status pea_table_write(const char *path, const pea_table *tables, size_t n_tables,
                           const pea_calibration *calibration, pea_context *context, pea_error *err);

/**
 * The same as text, for those who show it.
 * @param text     filled  at most `size_bytes` with the NUL; NULL with size_bytes 0: only the length is wanted
 * @param n_bytes  filled  length of the whole text without the NUL, also when it did not fit
 * @return as pea_table_write() but for PEA_E_IO
 */
pea_status pea_table_text(const pea_table *tables, size_t n_tables, const pea_calibration *calibration, char *text,
                          size_t size_bytes, size_t *n_bytes, pea_error *err);

/**
 * Draw one plane: the image in grey or colour, instances tinted in well-separated colours with outlines. The stage is
 * "draw".
 * @param image    borrowed  any numeric dtype (1,y,x,1 or 3); shown from its smallest to its largest finite value
 * @param labels   borrowed  uint32 (1,y,x,1)
 * @param picture  filled    uint8 (1,y,x,3)
 * @return PEA_OK; PEA_E_ARG; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_CANCELLED. After a failure the picture is unspecified
 */
pea_status pea_overlay(const pea_array *image, const pea_array *labels, pea_context *context,
                       const pea_array *picture, pea_error *err);

/* The same row by row, for pictures that need not be in memory: pea_png_write_rows() writes them. */
typedef struct pea_drawing pea_drawing;

/**
 * @param image    lent by the caller until the end, as labels
 * @param drawing  owned by the caller: pea_drawing_free()
 * @return as pea_overlay(); PEA_E_NOMEM
 */
pea_status pea_drawing_new(const pea_array *image, const pea_array *labels, pea_context *context,
                           pea_drawing **drawing, pea_error *err);
/* Fill row y, 0 <= y < the labels': uint8 (x,3). Thread-safe on distinct rows. */
void pea_drawing_row(const pea_drawing *drawing, int64_t y, uint8_t *row);
void pea_drawing_free(pea_drawing *drawing); /* NULL allowed */

#ifdef __cplusplus
}
#endif
#endif
