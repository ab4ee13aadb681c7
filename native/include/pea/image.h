/* image.h - image files in and out: TIFF in all its forms, ImageJ stacks, OME-TIFF, PNG.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_IMAGE_H
#define PEA_IMAGE_H

#include "pea/array.h"
#include "pea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the numbers in the file are taken for. */
typedef enum pea_image_use {
    PEA_IMAGE_INTENSITY, /* MinIsWhite is inverted, colours of a palette become what they mean, alpha is dropped */
    PEA_IMAGE_LABELS     /* the numbers as stored: palette indices, no inversion */
} pea_image_use;

typedef struct pea_image pea_image; /* an open file whose structure has been checked */

typedef struct pea_image_info {
    pea_dims dims;      /* z slices, y, x; c channels as the user counts them (RGB: 3; alpha not counted) */
    int64_t n_frames;
    pea_dtype dtype;
    int is_rgb;
    pea_calibration calibration;
    const char *format; /* "TIFF", "BigTIFF", "ImageJ TIFF", "OME-TIFF", "PNG"; lent for ever */
    const char *notes;  /* what was tolerated or converted, one line, may be empty; lent until closed */
} pea_image_info;

/**
 * Open an image and check its whole structure; no pixel is read. The kind is found from the content.
 * @param image  owned  close with pea_image_close()
 * @return PEA_OK; PEA_E_IO; PEA_E_FORMAT; PEA_E_LIMIT; PEA_E_NOMEM
 */
pea_status pea_image_open(const char *path, pea_image_use use, pea_image **image, pea_error *err);
void pea_image_close(pea_image *image); /* NULL allowed */
pea_image_info pea_image_get_info(const pea_image *image);

/* Which part: counted from 0. */
typedef struct pea_image_part {
    int64_t frame;
    int64_t first_slice, n_slices; /* n_slices 0: to the end */
    int64_t channel;               /* -1: all of them */
} pea_image_part;

/**
 * Read part of an image, in a stage named "read". Cancelling is heard between strips or tiles, and within a strip of a
 * method that decodes row by row, which PackBits, WebP and LERC do not.
 * Several threads may read one open image, each with a context of its own.
 * @param volume  owned  (n_slices, y, x, 1 or c) of the file's dtype; free with pea_volume_free()
 * @return PEA_OK; PEA_E_ARG for a part that is not there; PEA_E_IO; PEA_E_FORMAT; PEA_E_LIMIT; PEA_E_NOMEM;
 *         PEA_E_CANCELLED
 */
pea_status pea_image_read(const pea_image *image, pea_image_part part, pea_context *context, pea_volume *volume,
                          pea_error *err);

/**
 * Write a label TIFF that Fiji opens: 16-bit up to 65 535 objects, 32-bit float up to 2^24, uint32 beyond; ImageJ's
 * stack form with calibration; classic TIFF below 4 GB, ImageJ's single-directory form above. Written beside `path`,
 * flushed, renamed, in a stage named "write". Cancelled, it leaves nothing behind, and an older file as it was.
 * @param labels    borrowed  uint32 (n_frames * slices, y, x, 1)
 * @param n_frames  >= 1, divides dims.z
 * @param calibration  borrowed  x and y above 0
 * @return PEA_OK; PEA_E_ARG; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_LIMIT; PEA_E_IO; PEA_E_NOMEM; PEA_E_CANCELLED
 */
pea_status pea_labels_write(const char *path, const pea_array *labels, int64_t n_frames,
                            const pea_calibration *calibration, pea_context *context, pea_error *err);

/**
 * Write an 8-bit PNG. Written beside `path`, flushed, renamed; stage and cancelling as pea_labels_write().
 * @param picture  borrowed  uint8 (1,y,x,1 or 3)
 * @return as pea_labels_write()
 */
pea_status pea_png_write(const char *path, const pea_array *picture, pea_context *context, pea_error *err);

/* Fill row y of a picture, uint8 (x,c). What is returned, unless PEA_OK, ends the writing and is returned there. */
typedef pea_status pea_picture_row_fn(void *user, int64_t y, uint8_t *row, pea_error *err);

/**
 * The same for a picture that is never in memory as a whole: its rows are asked for from top to bottom.
 * @param picture  extents (1,y,x,1 or 3)
 * @return as pea_png_write(), and what `row` returned
 */
pea_status pea_png_write_rows(const char *path, pea_dims picture, pea_picture_row_fn *row, void *user,
                              pea_context *context, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
