/* augment_places.c - transformations that move voxels: flips, rotation, stretching, elastic deformation.
 * Source: Simard et al., Best practices for convolutional neural networks, 2003 (elastic deformation).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/augment.h"

#include <math.h>
#include <string.h>

/* ---- flips ---- */

/* Where voxel (z,y,x) of a flipped canvas was: reversals first, so the exchange is undone first. */
static int64_t before_flip(int64_t depth, int64_t side, pea__view view, int64_t z, int64_t y, int64_t x)
{
    const int64_t z1 = view.reverse_z ? depth - 1 - z : z;
    const int64_t y1 = view.exchange ? x : y, x1 = view.exchange ? y : x;
    return (z1 * side + (view.reverse_y ? side - 1 - y1 : y1)) * side + (view.reverse_x ? side - 1 - x1 : x1);
}

void pea__flip_image(int64_t depth, int64_t side, int64_t channels, pea__view view, const float *from, float *to)
{
    for (int64_t z = 0; z < depth; z++)
        for (int64_t y = 0; y < side; y++)
            for (int64_t x = 0; x < side; x++, to += channels)
                memcpy(to, from + before_flip(depth, side, view, z, y, x) * channels, (size_t)channels * sizeof *to);
}

void pea__flip_labels(int64_t depth, int64_t side, pea__view view, const uint32_t *from, uint32_t *to)
{
    for (int64_t z = 0; z < depth; z++)
        for (int64_t y = 0; y < side; y++)
            for (int64_t x = 0; x < side; x++)
                *to++ = from[before_flip(depth, side, view, z, y, x)];
}

pea__view pea__draw_flips(pea__random *random, unsigned axes)
{
    const bool z = pea__random_happens(random, 0.5), x = pea__random_happens(random, 0.5);
    const bool y = pea__random_happens(random, 0.5), exchange = pea__random_happens(random, 0.5);
    return (pea__view){
        .reverse_z = z && axes & PEA__AXIS_Z,
        .reverse_x = x && axes & PEA__AXIS_X,
        .reverse_y = y && axes & PEA__AXIS_Y,
        .exchange = exchange && axes & PEA__AXIS_EXCHANGE,
    };
}

/* ---- any place ---- */

/* Voxel (y,x) of a plane, or nothing. */
static const float *voxel_at(const float *plane, int64_t side, int64_t channels, int64_t y, int64_t x)
{
    return y < 0 || y >= side || x < 0 || x >= side ? NULL : plane + (y * side + x) * channels;
}

static void sample(const float *plane, int64_t side, int64_t channels, double y, double x, float *to)
{
    const double y0 = floor(y), x0 = floor(x);
    const float ty = (float)(y - y0), tx = (float)(x - x0);
    const int64_t iy = (int64_t)y0, ix = (int64_t)x0;
    const float *corner[4] = {voxel_at(plane, side, channels, iy, ix), voxel_at(plane, side, channels, iy, ix + 1),
                              voxel_at(plane, side, channels, iy + 1, ix),
                              voxel_at(plane, side, channels, iy + 1, ix + 1)};
    const float weight[4] = {(1 - ty) * (1 - tx), (1 - ty) * tx, ty * (1 - tx), ty * tx};
    for (int64_t c = 0; c < channels; c++) {
        float sum = 0.0f;
        for (int i = 0; i < 4; i++)
            sum += corner[i] ? weight[i] * corner[i][c] : 0.0f;
        to[c] = sum;
    }
}

/* Row y of all slices from the places (y of all x, then x of all x) in `places`. */
static void sample_row(const pea__canvas *from, const double *places, int64_t y, const pea__canvas *to)
{
    const int64_t side = from->side, plane = side * side;
    for (int64_t z = 0; z < from->depth; z++)
        for (int64_t x = 0; x < side; x++) {
            const double py = places[x], px = places[side + x];
            const int64_t iy = (int64_t)floor(py + 0.5), ix = (int64_t)floor(px + 0.5), i = z * plane + y * side + x;
            const bool outside = iy < 0 || iy >= side || ix < 0 || ix >= side;
            sample(from->image + z * plane * from->channels, side, from->channels, py, px,
                   to->image + i * from->channels);
            to->labels[i] = outside ? 0 : from->labels[z * plane + iy * side + ix];
        }
}

void pea__rotate(const pea__canvas *from, double radians, double *places, const pea__canvas *to)
{
    const int64_t side = from->side;
    const double centre = (double)(side / 2), cosine = cos(radians), sine = sin(radians);
    for (int64_t y = 0; y < side; y++) {
        for (int64_t x = 0; x < side; x++) {
            const double v = (double)y - centre, u = (double)x - centre;
            places[x] = centre + cosine * v + sine * u;
            places[side + x] = centre - sine * v + cosine * u;
        }
        sample_row(from, places, y, to);
    }
}

void pea__displace(const pea__canvas *from, const float *dy, const float *dx, double *places, const pea__canvas *to)
{
    const int64_t side = from->side;
    for (int64_t y = 0; y < side; y++) {
        for (int64_t x = 0; x < side; x++) {
            places[x] = (double)y + (double)dy[y * side + x];
            places[side + x] = (double)x + (double)dx[y * side + x];
        }
        sample_row(from, places, y, to);
    }
}

/* ---- stretching ---- */

pea__stretch pea__draw_stretch(pea__random *random, double factor, int64_t side)
{
    const int64_t n = pea__max_i64(1, (int64_t)(factor * (double)side));
    const int64_t first = pea__random_integer(random, 0, side - n);
    return (pea__stretch){n <= side ? first : -((n - side) / 2), n};
}

/* The Gaussian that would prevent aliasing has a radius below half a voxel, and so no effect, as long as parts are at
 * most a quarter longer than the canvas. Source of the rule: scikit-image, resize(). */
static void find_taps(pea__stretch part, int64_t side, pea__tap *taps)
{
    for (int64_t i = 0; i < side; i++) {
        const double at = ((double)i + 0.5) * (double)part.n / (double)side - 0.5, low = floor(at);
        taps[i].share = (float)(at - low);
        for (int k = 0; k < 2; k++) {
            int64_t v = (int64_t)low + k;
            v = v < 0 ? -v : v >= part.n ? 2 * (part.n - 1) - v : v;
            v = pea__max_i64(v, 0) + part.first; /* of a part of one voxel the mirror image is before it */
            taps[i].voxel[k] = v < 0 || v >= side ? -1 : v;
        }
        const int64_t nearest = (2 * i + 1) * part.n / (2 * side) + part.first;
        taps[i].nearest = nearest < 0 || nearest >= side ? -1 : nearest;
    }
}

static void rescale_voxel(const float *plane, int64_t side, int64_t channels, pea__tap y, pea__tap x, float *to)
{
    const float weight[2][2] = {{(1 - y.share) * (1 - x.share), (1 - y.share) * x.share},
                                {y.share * (1 - x.share), y.share * x.share}};
    for (int64_t c = 0; c < channels; c++) {
        float sum = 0.0f;
        for (int i = 0; i < 4; i++) {
            const int64_t vy = y.voxel[i >> 1], vx = x.voxel[i & 1];
            if (vy >= 0 && vx >= 0)
                sum += weight[i >> 1][i & 1] * plane[(vy * side + vx) * channels + c];
        }
        to[c] = sum;
    }
}

void pea__rescale(const pea__canvas *from, pea__stretch y, pea__stretch x, pea__tap *taps, const pea__canvas *to)
{
    const int64_t side = from->side, plane = side * side;
    pea__tap *taps_x = taps + side;
    find_taps(y, side, taps);
    find_taps(x, side, taps_x);
    for (int64_t i = 0; i < from->depth * plane; i++) {
        const pea__tap ty = taps[i / side % side], tx = taps_x[i % side];
        const int64_t slice = i / plane * plane;
        rescale_voxel(from->image + slice * from->channels, side, from->channels, ty, tx,
                      to->image + i * from->channels);
        to->labels[i] = ty.nearest < 0 || tx.nearest < 0 ? 0 : from->labels[slice + ty.nearest * side + tx.nearest];
    }
}

/* ---- elastic displacements ---- */

/* Index of a line that is mirrored at both ends, the end voxels repeated: 1 0 | 0 1 2 | 2 1. */
static int64_t repeated(int64_t i, int64_t n)
{
    i %= 2 * n;
    i = i < 0 ? i + 2 * n : i;
    return i < n ? i : 2 * n - 1 - i;
}

static void add_row(float weight, const float *from, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] += weight * from[i];
}

/* A row of n is added to another one, shifted by k, with what the mirror at its ends has. */
static void add_shifted(float weight, const float *from, int64_t k, int64_t n, float *to)
{
    const int64_t first = pea__min_i64(n, pea__max_i64(0, -k)), end = pea__max_i64(first, pea__min_i64(n, n - k));
    if (end > first)
        add_row(weight, from + first + k, end - first, to + first);
    for (int64_t i = 0; i < first; i++)
        to[i] += weight * from[repeated(i + k, n)];
    for (int64_t i = end; i < n; i++)
        to[i] += weight * from[repeated(i + k, n)];
}

/* weights[0..radius]: those of a Gaussian at that distance; their sum over both sides is 1. Returns the radius. */
static int64_t find_weights(double sigma, float weights[PEA__MAX_SMOOTHING_RADIUS + 1])
{
    const int64_t radius = pea__min_i64((int64_t)(4.0 * sigma + 0.5), PEA__MAX_SMOOTHING_RADIUS);
    double sum = 1.0;
    for (int64_t k = 1; k <= radius; k++)
        sum += 2.0 * exp(-0.5 * (double)(k * k) / (sigma * sigma));
    for (int64_t k = 0; k <= radius; k++)
        weights[k] = (float)(exp(-0.5 * (double)(k * k) / (sigma * sigma)) / sum);
    return radius;
}

void pea__smooth(int64_t side, double sigma, float *field, float *scratch)
{
    float weights[PEA__MAX_SMOOTHING_RADIUS + 1];
    const int64_t radius = find_weights(sigma, weights);
    memset(scratch, 0, (size_t)(side * side) * sizeof *scratch);
    for (int64_t y = 0; y < side; y++)
        for (int64_t k = -radius; k <= radius; k++)
            add_row(weights[k < 0 ? -k : k], field + repeated(y + k, side) * side, side, scratch + y * side);
    memset(field, 0, (size_t)(side * side) * sizeof *field);
    for (int64_t y = 0; y < side; y++)
        for (int64_t k = -radius; k <= radius; k++)
            add_shifted(weights[k < 0 ? -k : k], scratch + y * side, k, side, field + y * side);
}

void pea__draw_displacements(pea__random *random, int64_t side, double alpha, double sigma, float *field,
                             float *scratch)
{
    for (int64_t i = 0; i < side * side; i++)
        field[i] = (float)(alpha * (pea__random_bits(random) * 0x1p-31 - 1.0));
    pea__smooth(side, sigma, field, scratch);
}
