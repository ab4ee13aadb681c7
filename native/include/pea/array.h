/* array.h - the one shape of data: a dense view with axis order z,y,x,c.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_ARRAY_H
#define PEA_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "pea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pea_dtype {
    PEA_UINT8 = 1,
    PEA_UINT16,
    PEA_UINT32,
    PEA_INT8,
    PEA_INT16,
    PEA_INT32,
    PEA_INT64,
    PEA_FLOAT32,
    PEA_FLOAT64,
    PEA_FLOAT16 /* IEEE binary16, in memory as uint16_t: affinities to be clustered */
} pea_dtype;

size_t pea_dtype_size_bytes(pea_dtype dtype); /* 0 for a value that is none */
const char *pea_dtype_name(pea_dtype dtype);  /* "uint8" ... "float16", "unknown" */

/* Extents. c counts what belongs to one voxel: channel, embedding component, offset. A plane has z = 1. */
typedef struct pea_dims {
    int64_t z, y, x, c;
} pea_dims;

/* A view, never an owner: element (z,y,x,c) is at ((z*dims.y + y)*dims.x + x)*dims.c + c. */
typedef struct pea_array {
    void *data;
    pea_dtype dtype;
    pea_dims dims;
} pea_array;

/* Size and position of a voxel in the world, as the image file told. */
typedef struct pea_calibration {
    double z, y, x;   /* voxel edge lengths in `unit`; 1 where unknown */
    char unit[32];    /* UTF-8, "pixel" where unknown, "um" for micrometre in any spelling */
    double frame_s;   /* seconds between frames; 0 where unknown */
} pea_calibration;

pea_calibration pea_calibration_default(void); /* 1 x 1 x 1 pixel */

/* Voxels a reader allocated. Free with pea_volume_free(). */
typedef struct pea_volume {
    pea_array array; /* owned data */
    pea_calibration calibration;
} pea_volume;

void pea_volume_free(pea_volume *volume); /* NULL and an all-zero struct are fine; leaves it all zero */

/**
 * Allocate a zeroed volume.
 * @param volume  owned by the caller afterwards
 * @return PEA_OK; PEA_E_SHAPE for an extent < 1, PEA_E_LIMIT for a product beyond the address space, PEA_E_NOMEM
 */
pea_status pea_volume_alloc(pea_dtype dtype, pea_dims dims, pea_volume *volume, pea_error *err);

/**
 * Labels of any numeric type to uint32, exactly.
 * @param in   borrowed  any dtype, c == 1
 * @param out  filled    uint32, the same dims
 * @return PEA_OK; PEA_E_SHAPE; PEA_E_DTYPE; PEA_E_FORMAT for a value that is negative, fractional, NaN or > 2^32-1
 */
pea_status pea_labels_from_array(const pea_array *in, const pea_array *out, pea_error *err);

/* (c,[z,]y,x) float32 to the library's z,y,x,c and back; dims are those of the z,y,x,c side. */
void pea_channels_last(const float *channels_first, pea_dims dims, float *channels_last);
void pea_channels_first(const float *channels_last, pea_dims dims, float *channels_first);

/* Step from a voxel to the neighbour it is compared with, in voxels. (0,-1,0) is one row up. */
typedef struct pea_offset {
    int32_t z, y, x;
} pea_offset;

#define PEA_MAX_OFFSETS 128

/* Offsets of one graph. n_axes is 2 (every z is 0) or 3; the first n_axes offsets are the attractive ones. */
typedef struct pea_offsets {
    int n_axes;
    size_t n;
    pea_offset step[PEA_MAX_OFFSETS];
} pea_offsets;

/**
 * 2-D offsets from shifts. For each shift s in order: (-s,0) (0,-s), and with 8 neighbours also (-s,-s) (-s,+s).
 * @return PEA_OK; PEA_E_ARG for neighbours other than 4 or 8, a shift < 1 or > 32767, or no shift; PEA_E_LIMIT
 */
pea_status pea_offsets_from_shifts(const int *shifts, size_t n_shifts, int neighbours, pea_offsets *offsets,
                                   pea_error *err);

/* The 12 offsets of the 3-D networks: z 1,2,3,4; y and x 1,3,9,27 (affinity channel order of the paper's code). */
pea_offsets pea_offsets_3d_default(void);

/**
 * Parse `[[-1,0],[0,-1],...]` or `[[-1,0,0],...]`.
 * @param text  borrowed  UTF-8, length_bytes long, need not end with NUL
 * @return PEA_OK; PEA_E_FORMAT with the item that is wrong (zero step, mixed lengths, not an integer,
 *         magnitude > 32767, fewer offsets than axes); PEA_E_LIMIT for more than PEA_MAX_OFFSETS; PEA_E_NOMEM
 */
pea_status pea_offsets_parse(const char *text, size_t length_bytes, pea_offsets *offsets, pea_error *err);

#ifdef __cplusplus
}
#endif
#endif
