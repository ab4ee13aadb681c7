/* augment.h - internal: the transformations of samples. augment.c says which there are, sampler.c in which order.
 *
 * A canvas is an image in [0,1] with its labels, square in y and x; what is done to it is done to every slice and
 * channel alike. Calls go from one canvas to another of the same extents unless they say otherwise.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_AUGMENT_INTERNAL_H
#define PEA_AUGMENT_INTERNAL_H

#include "train/data.h"

typedef struct pea__canvas {
    int64_t depth, side, channels;
    float *image;     /* (depth,side,side,channels) */
    uint32_t *labels; /* (depth,side,side) */
} pea__canvas;

/* ---- places (augment_places.c) ---- */

/* As pea__view says, which see for the order. */
void pea__flip_image(int64_t depth, int64_t side, int64_t channels, pea__view view, const float *from, float *to);
void pea__flip_labels(int64_t depth, int64_t side, pea__view view, const uint32_t *from, uint32_t *to);
pea__view pea__draw_flips(pea__random *random, unsigned axes);

/* `places`: 2 * side items. Images linearly, labels from the nearest voxel; beyond the canvas is 0. */
/* By an angle in radians about voxel side / 2. */
void pea__rotate(const pea__canvas *from, double radians, double *places, const pea__canvas *to);
/* Voxel (y,x) becomes what was at (y + dy, x + dx); displacements (side,side). */
void pea__displace(const pea__canvas *from, const float *dy, const float *dx, double *places, const pea__canvas *to);

/* A part of an axis that is stretched to the whole of it: n voxels from `first` on. Either end may lie outside. */
typedef struct pea__stretch {
    int64_t first, n;
} pea__stretch;

/* Factor to part: n = (int)(factor * side); shorter ones lie anywhere, longer ones lie around the canvas. */
pea__stretch pea__draw_stretch(pea__random *random, double factor, int64_t side);
/* Linearly, mirrored at the ends of the part. taps: 2 * side items. */
typedef struct pea__tap {
    int64_t voxel[2], nearest; /* -1: outside, 0 */
    float share;               /* of voxel[1] */
} pea__tap;
void pea__rescale(const pea__canvas *from, pea__stretch y, pea__stretch x, pea__tap *taps, const pea__canvas *to);

/* A Gaussian, cut at 4 sigma, mirrored at the ends with the end voxels repeated. field, scratch: side * side. */
void pea__smooth(int64_t side, double sigma, float *field, float *scratch);
/* Displacements: noise of U(-1,1) times alpha, smoothed. */
void pea__draw_displacements(pea__random *random, int64_t side, double alpha, double sigma, float *field,
                             float *scratch);
enum { PEA__MAX_SMOOTHING_RADIUS = 256 }; /* 4 sigma */

/* ---- a part enlarged (augment_enlarge.c) ---- */

typedef struct pea__part_box {
    int64_t y, x, height, width;
} pea__part_box;

/* Ten tries for a part of 1 to `area` of the canvas, of aspect 3/4 to 4/3; then the whole. */
pea__part_box pea__draw_part(pea__random *random, double area, int64_t side);
/* A part to all of the canvas, in place. With `eight_bits` images hold multiples of 1/255, and do so after each of the
 * two passes. spare: a canvas to be overwritten. */
void pea__enlarge(const pea__canvas *canvas, pea__part_box part, bool eight_bits, const pea__canvas *spare);

/* ---- values (augment_values.c): in place ---- */

void pea__change_grey(const pea__canvas *canvas, const pea__grey *grey, pea__random *random);
void pea__cut_out(const pea__canvas *canvas, const pea__cutout *cutout, pea__random *random);

#endif
