/* kernel.h - inner loops of the networks and affinities, one set for each instruction set, and the choice among them.
 *
 * Images are float32, or bf16 for kernels named so, in the order z,y,x,c. `pitch` is the distance from one voxel to the
 * next in elements: more than the number of channels where a value is a slice of a wider buffer.
 *
 * Of a tall image only some rows may be in memory, in any order: `rows` says where. NULL: the whole image is there.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNEL_INTERNAL_H
#define PEA_KERNEL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The upper half of a float: as wide a range, 8 bits of significand. bf16.h says how numbers become it. */
typedef uint16_t pea__bf16;

/* Row r of an image, counted through all planes, lies where row at[r & mask] of a whole image would. */
typedef struct pea__rows {
    const int64_t *at;
    int64_t mask;
} pea__rows;

typedef enum pea__activation { PEA__LINEAR, PEA__RELU, PEA__ELU, PEA__SIGMOID } pea__activation;

/* What happens to a sum before it is stored: v + residual_scale[c] * residual[p,c], of the first n_activated channels
 * act() of it. The output may lie where the residual is (the same pitch): each number is read before it is written. */
typedef struct pea__epilogue {
    pea__activation activation;
    int64_t n_activated;
    union {
        const float *residual; /* NULL: none */
        const pea__bf16 *residual_bf16;
    };
    int64_t residual_pitch;
    const float *residual_scale; /* c floats, and room for reading up to a full vector */
    const pea__rows *residual_rows;
} pea__epilogue;

/* What of a convolution is known before its image. Extents of the kernel are odd. */
typedef struct pea__conv_shape {
    int64_t in_channels, out_channels;
    int kz, ky, kx;
    bool winograd; /* winograd_f32 or winograd_bf16 runs it, not conv_f32 or conv_bf16 */
    bool doubled;  /* it sees its input doubled in y and x, as upsample_f32 would make it; not for 1x1x1 */
    bool halved;   /* of its output the maximum of 2x2 is stored; needs winograd, and even ny and nx */
} pea__conv_shape;

/* out[p,o] = epilogue(bias[o] + sum over kz,ky,kx,i of weight * in[p + tap,i]), zero outside, sizes kept. The order in
 * which a sum takes its terms is the same whatever the tile. */
typedef struct pea__conv {
    pea__conv_shape shape;
    int64_t nz, ny, nx;   /* of the sums: of the input after doubling, of the output before halving */
    union {
        const float *weights; /* from pea__conv_pack() for the same kernel set; for Winograd from winograd_weights_f32 */
        const pea__bf16 *weights_bf16; /* from pea__conv_bf16_pack(), 64-byte aligned */
    };
    const float *bias; /* pea__conv_padded() floats */
    union {
        const float *in;
        const pea__bf16 *in_bf16;
    };
    int64_t in_pitch;
    const pea__rows *in_rows;
    union {
        float *out;
        pea__bf16 *out_bf16;
    };
    int64_t out_pitch;
    const pea__rows *out_rows;
    bool in_is_float, out_is_float; /* for kernels of bf16: the network's input, a head */
    pea__epilogue epilogue;
} pea__conv;

/* The voxels with z0 <= z < z1, y0 <= y < y1, x0 <= x < x1. */
typedef struct pea__tile {
    int64_t z0, z1, y0, y1, x0, x1;
} pea__tile;

/* Doubling (linear, corners aligned) or halving (maximum) in y and x. The epilogue is for doubling only. */
typedef struct pea__resize {
    int64_t nz, ny, nx; /* of the input */
    int64_t channels;
    union {
        const float *in;
        const pea__bf16 *in_bf16;
    };
    int64_t in_pitch;
    const pea__rows *in_rows;
    union {
        float *out;
        pea__bf16 *out_bf16;
    };
    int64_t out_pitch;
    const pea__rows *out_rows;
    pea__epilogue epilogue;
} pea__resize;

/* The number of a voxel in memory: of voxel x in a row of nx voxels, counted through all planes. */
static inline int64_t pea__voxel_place(int64_t row, int64_t x, int64_t nx, const pea__rows *rows)
{
    return (rows ? rows->at[row & rows->mask] : row) * nx + x;
}

/* ---- the backward pass ---- */

/* For the gradient of a convolution's weights, the sum over the voxels p of its output of gradient[p,o] * in[p + tap,i].
 * Of `conv` count the shape (never halved), the extents and the input; a block of some input and some output channels is
 * a problem of its own. */
typedef struct pea__conv_gradient {
    pea__conv conv;
    const float *gradient; /* of the output */
    int64_t gradient_pitch;
} pea__conv_gradient;

/* A normalised image, or the sum of two, activated:
 * out[p,c] = act(shift[c] + scale[c] * (in[p,c] - mean[c]) + scale_2[c] * (in_2[p,c] - mean_2[c])) */
typedef struct pea__norm_branch {
    const float *in; /* NULL: there is no second */
    int64_t pitch;
    const float *mean, *scale; /* c floats each, as is shift */
} pea__norm_branch;

typedef struct pea__norm {
    int64_t channels;
    pea__norm_branch branch[2];
    const float *shift;
    pea__activation activation;
    float *out;
    int64_t out_pitch;
} pea__norm;

/* to[p,c] = scale[c] * (gradient[p,c] - level[c]) + slope[c] * (in[p,c] - mean[c]); `to` may lie where one
 * of both images does */
typedef struct pea__norm_gradient_step {
    int64_t channels;
    const float *in, *gradient;
    int64_t in_pitch, gradient_pitch;
    const float *mean, *scale, *level, *slope; /* c floats each */
    float *to;
    int64_t to_pitch;
} pea__norm_gradient_step;

/* Doubling or halving backwards: from the gradient of the large (or small) image to that of the other. */
typedef struct pea__resize_gradient {
    int64_t nz, ny, nx; /* of what was resized, and so of `to` */
    int64_t channels;
    const float *in; /* of halving: what was halved */
    int64_t in_pitch;
    const float *gradient; /* of the result */
    int64_t gradient_pitch;
    const float *add; /* NULL: nothing is added; may lie where `to` does (the same pitch) */
    int64_t add_pitch;
    float *to;
    int64_t to_pitch;
} pea__resize_gradient;

typedef struct pea__kernels {
    const char *name;
    int lanes; /* floats in a vector */
    bool direct_bf16; /* its conv_bf16 is faster than its winograd_bf16 */
#define PEA__KERNEL(type, kernel, parameters) type(*kernel) parameters;
#include "kernel/kernels.def"
#undef PEA__KERNEL
} pea__kernels_table;

extern const pea__kernels_table pea__kernels_scalar;

/* Sets that only some machines can compile; each of their files is empty where its macro is not defined. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(PEA_SCALAR_ONLY)
#define PEA__X86_SETS 1
extern const pea__kernels_table pea__kernels_avx2, pea__kernels_avx512;
/* What amx does in its own way; the rest it has of avx512 (dispatch.c). */
void pea__conv_bf16_amx(const pea__conv *conv, pea__tile tile, float *scratch);
#elif defined(__aarch64__) && defined(__GNUC__) && !defined(PEA_SCALAR_ONLY)
#define PEA__NEON_SET 1
extern const pea__kernels_table pea__kernels_neon;
#endif

/* The set in use: the best that CPU and operating system offer, or the one that PEA_CPU names. Chosen once. */
const pea__kernels_table *pea__kernels(void);
/* Set `index` of those that can run here, the best first; NULL beyond the last. Scalar is always the last. */
const pea__kernels_table *pea__kernels_available(size_t index);

/* ---- packing of convolution weights (conv_pack.c) ---- */

enum { PEA__MAX_ROWS = 25 }; /* kz * ky of any kernel */

/* Output channels go in panels of 1 to 3 vectors; each panel holds its weights in the order in which the sums run:
 * panel of `first` begins at weights + first * taps and is [taps][width]. Of winograd_weights_f32 there are as many
 * such matrices as products, and their taps are those in z. */
typedef struct pea__panel {
    int64_t first; /* output channel */
    int64_t width; /* floats, a multiple of the lanes; beyond out_channels the weights are zero */
} pea__panel;

int64_t pea__conv_padded(int64_t channels, int lanes); /* rounded up to full vectors */
pea__panel pea__conv_panel(int64_t first, int64_t out_channels, int lanes);
int64_t pea__conv_packed(const pea__conv_shape *shape, int lanes); /* floats; -1 where they are too many */
/* From PyTorch order [out][in][kz][ky][kx], each output scaled. */
void pea__conv_pack(const pea__conv_shape *shape, const float *weights, const double *scale, int lanes, float *packed);

/* Whether Winograd's products are the better way (conv_pack.c says why), and how many inputs and outputs a tile of it has
 * along y and x. */
bool pea__conv_by_winograd(const pea__conv_shape *shape);
int pea__winograd_side(const pea__conv_shape *shape);
int64_t pea__winograd_step(const pea__conv_shape *shape);
int64_t pea__winograd_gradient_step(const pea__conv_shape *shape); /* of winograd_gradient_f32 */
int64_t pea__winograd_weights(const pea__conv_shape *shape, int lanes); /* floats; -1 where they are too many */

/* Scratch floats for tiles of up to tile_y x tile_x voxels; 0 for 1x1x1 kernels. */
int64_t pea__conv_scratch(const pea__conv_shape *shape, int64_t tile_y, int64_t tile_x, int lanes);

/* The same for the gradient of weights, whose tiles may have several planes, and the sums that they add to: in the layout
 * of packed weights, by Winograd in that of the weights of products. */
int64_t pea__conv_gradient_scratch(const pea__conv_shape *shape, int64_t tile_z, int64_t tile_y, int64_t tile_x, int lanes);
int64_t pea__conv_gradient_sums(const pea__conv_shape *shape, int lanes); /* -1 where they are too many */
/* One panel of unscaled weights into its place. Mirrored: of the convolution that takes the gradient of the output to
 * that of the input; `shape` is that one's, whose inputs are the outputs of the one that has the weights. */
void pea__conv_pack_panel(const pea__conv_shape *shape, const float *weights, bool mirrored, pea__panel panel,
                          float *packed);
/* From packed order to PyTorch's; the distance between outputs is `pitch` floats, in_channels * taps or more. */
void pea__conv_unpack(const pea__conv_shape *shape, const float *packed, int lanes, float *weights, int64_t pitch);

/* How an image is cut into tasks (conv_tiles.c): the first tile, the last ones are smaller. */
pea__tile pea__conv_first_tile(const pea__conv_shape *shape, int64_t nz, int64_t ny, int64_t nx, int lanes);
/* The same for the gradient of weights: more planes in a tile, as sums over many tiles are what is made. */
pea__tile pea__conv_gradient_first_tile(const pea__conv_shape *shape, int64_t nz, int64_t ny, int64_t nx);

/* ---- packing for conv_bf16 (conv_bf16_pack.c), the same for every set ---- */

enum { PEA__BF16_PANEL = 32 }; /* output channels; the last panel is of 16 where that is enough */

/* Numbers of the packed weights, -1 where they are too many, and floats of scratch. */
int64_t pea__conv_bf16_packed(const pea__conv_shape *shape);
int64_t pea__conv_bf16_scratch(const pea__conv_shape *shape, int64_t tile_y, int64_t tile_x);
pea__tile pea__conv_bf16_first_tile(const pea__conv_shape *shape, int64_t nz, int64_t ny, int64_t nx); /* conv_tiles.c */
/* Panel `index` of all outputs, from what pea__conv_pack() made for `lanes`. */
void pea__conv_bf16_pack(const pea__conv_shape *shape, const float *packed, int lanes, int64_t index, pea__bf16 *to);

/* Where output coordinate `at` of n_out lies among n_in inputs, corners aligned: between `low` and `high`, at `weight`
 * of the way. Whole-number arithmetic, so that a large image is placed as exactly as a small one. */
typedef struct pea__position {
    int64_t low, high;
    float weight;
} pea__position;

static inline pea__position pea__upsample_position(int64_t at, int64_t n_in, int64_t n_out)
{
    if (n_out == 1)
        return (pea__position){0, 0, 0.0f};
    const int64_t scaled = at * (n_in - 1), low = scaled / (n_out - 1);
    return (pea__position){low, low + 1 < n_in ? low + 1 : n_in - 1,
                           (float)((double)(scaled % (n_out - 1)) / (double)(n_out - 1))};
}

/* The numbers of 2n that may be made of number `at` of n: those less than a whole step away. Positions are
 * (n-1)/(2n-1) of a step apart, more than a third, so that they are 5 at most. */
enum { PEA__UPSAMPLE_SPAN = 6 };

typedef struct pea__span {
    int64_t begin, end;
} pea__span;

static inline pea__span pea__upsample_span(int64_t at, int64_t n)
{
    if (n == 1)
        return (pea__span){0, 2};
    const int64_t begin = (at - 1) * (2 * n - 1) / (n - 1), end = ((at + 1) * (2 * n - 1) + n - 2) / (n - 1);
    return (pea__span){at == 0 ? 0 : begin + 1, end < 2 * n ? end : 2 * n};
}

#endif
