/* winograd.h - the numbers of Winograd's convolution with tiles of 6x6, for all kernel sets.
 *
 * Along one axis, six inputs d and r taps g give m = 7 - r outputs (4 for three taps, 2 for five) by six products:
 *
 *     y = A ((G g) * (B d))                            * elementwise; along two axes the same for columns, then rows
 *
 * Each product is the value of two polynomials at a point; the points are 0, +-a, +-b and infinity. With a = sqrt(1/2)
 * and b = sqrt(2) nearly all constants are powers of two, ab = 1, and errors are half of those of 1 and 2
 * (docs/decisions/0008-winograd.md).
 *
 *     B:  x(x+a)(x^2-b^2) and so on: the polynomial that is 0 at the other points     A:  1 x x^2 x^3     G:  1 x x^2 .. / N
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_KERNEL_WINOGRAD_H
#define PEA_KERNEL_WINOGRAD_H

enum {
    WINOGRAD_SIDE = 6, /* of a tile's input */
    WINOGRAD_PRODUCTS = 36,
    WINOGRAD_MAX_KZ = 5,
    WINOGRAD_GAP = 16 /* floats between matrices: multiples of 4096 bytes would meet in the same sets of a cache */
};

#define WINOGRAD_A 0.707106781186547524f /* a; b = 2a, a^2 = 1/2, b^2 = 2, a^3 = a/2, b^3 = 4a */
#define WINOGRAD_B 1.41421356237309505f
#define WINOGRAD_NORM_A (-1.5f) /* N, the product of a point's distances to the others: 2a^2(a^2-b^2); 2b^2(b^2-a^2); of 0 */
#define WINOGRAD_NORM_B 6.0f    /* it is (ab)^2 = 1 */

#endif
