/* winograd.h - the numbers of Winograd's convolution with tiles of 6x6 and of 8x8, for all kernel sets.
 *
 * Along one axis, n inputs d and r taps g give m = n + 1 - r outputs by n products:
 *
 *     y = A ((G g) * (B d))                            * elementwise; along two axes the same for columns, then rows
 *
 * Each product is the value of two polynomials at a point. The points of six are 0, +-a, +-b and infinity with a = sqrt(1/2)
 * and b = sqrt(2): nearly all constants are powers of two, ab = 1, and errors are half of those of 1 and 2. Those of eight
 * are 0, +-1/2, +-1, +-2 and infinity, the best there are (docs/decisions/0008-winograd.md).
 *
 *     B:  x(x+a)(x^2-b^2) and so on: the polynomial that is 0 at the other points     A:  1 x x^2 x^3     G:  1 x x^2 .. / N
 *
 * N is the product of a point's distances to the other points. A point and its negative have the same one, and what is even
 * in x is the same for both, what is odd the negative.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNEL_WINOGRAD_H
#define PEA_KERNEL_WINOGRAD_H

enum {
    WINOGRAD_MAX_SIDE = 8, /* of a tile's input */
    WINOGRAD_MAX_STEP = 6, /* of its outputs */
    WINOGRAD_GRADIENT_SIDE = 6, /* gradients of weights are always made of the smaller tiles */
    WINOGRAD_GRADIENT_PRODUCTS = WINOGRAD_GRADIENT_SIDE * WINOGRAD_GRADIENT_SIDE,
    WINOGRAD_MAX_KZ = 5,
    WINOGRAD_GAP = 16 /* floats between matrices: multiples of 4096 bytes would meet in the same sets of a cache */
};

#define WINOGRAD_A 0.707106781186547524f /* a; b = 2a, a^2 = 1/2, b^2 = 2, a^3 = a/2, b^3 = 4a */
#define WINOGRAD_B 1.41421356237309505f
#define WINOGRAD_NORM_A (-1.5f) /* 2a^2(a^2-b^2); 2b^2(b^2-a^2); of 0 it is (ab)^2 = 1 */
#define WINOGRAD_NORM_B 6.0f

#define WINOGRAD_NORM_HALF 1.40625f /* 2x^2 times (x^2-y^2) for both other y: x = 1/2, 1, 2; of 0 it is -1, and taken as 1 */
#define WINOGRAD_NORM_ONE (-4.5f)   /* by exchanging the signs of its inputs */
#define WINOGRAD_NORM_TWO 90.0f

#endif
