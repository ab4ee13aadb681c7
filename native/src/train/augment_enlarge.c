/* augment_enlarge.c - the random resized crop: a part of a plane that is enlarged to all of it, as Pillow resizes 8-bit
 * images: a triangle filter about half-pixel centres with weights of 22 fractional bits, first along x, then along y,
 * each pass rounded to 8 bits. Images of other types are not rounded.
 * Source: Szegedy et al., Going deeper with convolutions, CVPR 2015 (the crop).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/augment.h"

#include <math.h>
#include <string.h>

enum { FRACTION_BITS = 22 };

pea__part_box pea__draw_part(pea__random *random, double area, int64_t side)
{
    const double whole = (double)side * (double)side, steepest = log(4.0 / 3.0);
    for (int i = 0; i < 10; i++) {
        const double voxels = whole * pea__random_between(random, area, 1.0);
        const double aspect = exp(pea__random_between(random, -steepest, steepest));
        const int64_t width = (int64_t)nearbyint(sqrt(voxels * aspect));
        const int64_t height = (int64_t)nearbyint(sqrt(voxels / aspect));
        const double top = pea__random_unit(random), left = pea__random_unit(random);
        if (width >= 1 && height >= 1 && width <= side && height <= side)
            return (pea__part_box){(int64_t)(top * (double)(side - height + 1)),
                                   (int64_t)(left * (double)(side - width + 1)), height, width};
    }
    return (pea__part_box){0, 0, side, side};
}

/* One or two old voxels make a new one. */
typedef struct mixture {
    int64_t first, last;
    double weight[2];
    int64_t fixed[2];
} mixture;

static mixture mixture_of(int64_t i, int64_t n, int64_t m)
{
    const double centre = ((double)i + 0.5) * (double)n / (double)m;
    const int64_t first = pea__max_i64((int64_t)(centre - 0.5), 0);
    const int64_t last = pea__min_i64(first + 1, pea__min_i64((int64_t)(centre + 1.5), n) - 1);
    mixture mix = {first, last, {1.0, 0.0}, {1 << FRACTION_BITS, 0}};
    if (last > first) {
        const double a = fmax(0.0, 1.0 - fabs((double)first - centre + 0.5));
        const double b = fmax(0.0, 1.0 - fabs((double)last - centre + 0.5));
        mix.weight[0] = a / (a + b);
        mix.weight[1] = b / (a + b);
        for (int k = 0; k < 2; k++)
            mix.fixed[k] = (int64_t)(0.5 + mix.weight[k] * (1 << FRACTION_BITS));
    } else {
        mix.last = first;
    }
    return mix;
}

static float mixed(mixture mix, bool eight_bits, float a, float b)
{
    if (!eight_bits)
        return (float)(mix.weight[0] * (double)a + mix.weight[1] * (double)b);
    const int64_t sum = lrintf(a * 255.0f) * mix.fixed[0] + lrintf(b * 255.0f) * mix.fixed[1];
    return (float)(pea__min_i64((sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS, 255)) / 255.0f;
}

static void enlarge_slice(const pea__canvas *canvas, pea__part_box part, bool eight_bits, int64_t z,
                          const pea__canvas *spare)
{
    const int64_t side = canvas->side, c = canvas->channels, row = side * c;
    float *image = canvas->image + z * side * row, *narrow = spare->image;
    for (int64_t x = 0; x < side; x++) {
        const mixture mix = mixture_of(x, part.width, side);
        for (int64_t y = 0; y < part.height; y++)
            for (int64_t k = 0; k < c; k++) {
                const float *from = image + (part.y + y) * row + part.x * c + k;
                narrow[y * row + x * c + k] = mixed(mix, eight_bits, from[mix.first * c], from[mix.last * c]);
            }
    }
    for (int64_t y = 0; y < side; y++) {
        const mixture mix = mixture_of(y, part.height, side);
        for (int64_t i = 0; i < row; i++)
            image[y * row + i] = mixed(mix, eight_bits, narrow[mix.first * row + i], narrow[mix.last * row + i]);
    }
}

void pea__enlarge(const pea__canvas *canvas, pea__part_box part, bool eight_bits, const pea__canvas *spare)
{
    const int64_t side = canvas->side, n = canvas->depth * side * side;
    for (int64_t z = 0; z < canvas->depth; z++)
        enlarge_slice(canvas, part, eight_bits, z, spare);
    for (int64_t i = 0; i < n; i++) {
        const int64_t y = (2 * (i / side % side) + 1) * part.height / (2 * side);
        const int64_t x = (2 * (i % side) + 1) * part.width / (2 * side);
        spare->labels[i] = canvas->labels[i / (side * side) * side * side + (part.y + y) * side + part.x + x];
    }
    memcpy(canvas->labels, spare->labels, (size_t)n * sizeof *canvas->labels);
}
