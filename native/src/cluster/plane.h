/* plane.h - internal: what is done to single planes on the way to fragments. Row-major, one thread.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_PLANE_INTERNAL_H
#define PEA_PLANE_INTERNAL_H

#include <stdatomic.h>

#include "array/array.h"
#include "kernel/kernel.h"

/* A loop that is worth compiling for wide registers too: of name##_loop, which is PEA__INLINE, PEA__WIDE makes `name`.
 * Dispatch decides which of both runs (with AVX2 come all sets but the portable one); their bits are the same. */
#if defined(__GNUC__)
#define PEA__INLINE static inline __attribute__((always_inline))
#else
#define PEA__INLINE static inline
#endif
#ifdef PEA__X86_SETS
#define PEA__WIDE(name, parameters, arguments)                                                    \
    __attribute__((target("avx2"))) static void name##_avx2 parameters { name##_loop arguments; } \
    static void name parameters                                                                   \
    {                                                                                             \
        if (pea__kernels()->lanes > 1)                                                            \
            name##_avx2 arguments;                                                                \
        else                                                                                      \
            name##_loop arguments;                                                                \
    }
#else
#define PEA__WIDE(name, parameters, arguments) \
    static void name parameters { name##_loop arguments; }
#endif

enum { PEA__MAX_SIDE = 32767 }; /* the sum of two squares fits an int32_t */

typedef struct pea__plane {
    int32_t n_y, n_x;
    pea_context *context; /* asked between rows whether to stop; NULL: nobody is, as by threads not the caller's */
    atomic_bool *stopped; /* all threads are to stop; NULL: there is one */
    double from, to;      /* progress of this plane */
    pea_status status;    /* of the last question; once it is not PEA_OK every call returns at once */
    pea_error *err;
} pea__plane;

/* Report a share of the plane, and learn whether to go on. */
static inline bool pea__plane_goes_on(pea__plane *plane, double share)
{
    if (plane->status == PEA_OK && plane->context)
        plane->status = pea__progress(plane->context, plane->from + share * (plane->to - plane->from), plane->err);
    if (plane->stopped && plane->status != PEA_OK)
        atomic_store(plane->stopped, true);
    else if (plane->stopped && atomic_load(plane->stopped))
        plane->status = PEA_E_CANCELLED;
    return plane->status == PEA_OK;
}

static inline int64_t pea__plane_pixels(const pea__plane *plane)
{
    return (int64_t)plane->n_y * plane->n_x;
}

/* The pixels of a plane in parts, from *end 0 on, each after a question whether to go on: false after the last. */
static inline bool pea__plane_part(pea__plane *plane, int64_t *begin, int64_t *end)
{
    *begin = *end;
    *end = pea__min_i64(pea__plane_pixels(plane), *end + (1 << 16));
    return *begin < *end && pea__plane_goes_on(plane, 0.0);
}

/* Squared distance of each pixel to the nearest where `outside` is not 0; INT32_MAX where there is none in the plane.
 * scratch: 3 * n_x numbers. */
void pea__plane_distance(pea__plane *plane, const uint8_t *outside, int32_t *squared, int32_t *scratch);

typedef struct pea__gaussian {
    int radius;        /* 3 sigma, rounded */
    double weight[301]; /* of distance 0..radius; they sum to 1 over both sides */
} pea__gaussian;

pea__gaussian pea__gaussian_of(double sigma); /* 0 to 100; 0 changes nothing */
/* In place; beyond the border the plane is mirrored, its last row not repeated. scratch: n pixels; row: n_x + 2 radius
 * numbers. */
void pea__plane_smooth(pea__plane *plane, const pea__gaussian *gaussian, float *values, double *scratch, double *row);

typedef enum pea__neighbours {
    PEA__FOUR,
    PEA__EIGHT,
    PEA__FIVE_BY_FIVE
} pea__neighbours;

/* 1 where a connected set of equal values has no higher neighbour, else 0. stack: n pixels. */
void pea__plane_maxima(pea__plane *plane, const float *values, pea__neighbours neighbours, uint8_t *maximal,
                       int32_t *stack);
/* Connected sets of pixels that are not 0, numbered from 1 in raster order. Returns how many. stack: n pixels. */
uint32_t pea__plane_components(pea__plane *plane, const uint8_t *inside, pea__neighbours neighbours, uint32_t *labels,
                               int32_t *stack);

#define PEA__SHARED UINT32_C(0x80000000) /* planes have fewer pixels */

/* What a flood needs beside heights and labels. */
typedef struct pea__flood {
    uint32_t *labels;          /* [row][column], with a frame of one cell around the plane */
    uint32_t *ranks;           /* the same: how many pixels are lower; PEA__SHARED is set where others are as high */
    uint32_t *places;          /* [rank + order of arrival]: cell */
    uint32_t *n_queued;        /* [rank]: of all pixels as high */
    uint64_t *pairs, *scratch; /* for sorting */
    uint32_t (*counts)[2048]; /* the same */
    uint64_t *bits;            /* which places wait: a level of one bit each, then one bit for each word below */
    int64_t level[7];          /* where the levels begin */
    int n_levels;
} pea__flood;

pea_status pea__flood_new(int64_t n_y, int64_t n_x, pea__flood *flood, pea_error *err);
void pea__flood_free(pea__flood *flood);
/* Heights are read once, then labels may be grown over them as often as wanted. */
void pea__flood_prepare(pea__plane *plane, pea__flood *flood, const float *height);
void pea__flood_run(pea__plane *plane, pea__flood *flood, uint32_t *labels);

#endif
