/* noise.c - functions that give the same bits with every C library, and noise that is a function of place.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* Within half a turn by Taylor's series of x/4, then doubled twice: sin 2a = 2 sin a cos a. */
static void sine_and_cosine(double x, double *sine, double *cosine)
{
    const double a = (x - 2.0 * pi * floor(x / (2.0 * pi) + 0.5)) / 4.0, q = a * a;
    double s =
        a * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0 * (1.0 - q / 110.0)))));
    double c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))));
    for (int i = 0; i < 2; i++) {
        const double twice = 2.0 * s * c;
        c = c * c - s * s;
        s = twice;
    }
    *sine = s;
    *cosine = c;
}

double rosette_sin(double x)
{
    double s, c;
    sine_and_cosine(x, &s, &c);
    return s;
}

double rosette_cos(double x)
{
    double s, c;
    sine_and_cosine(x, &s, &c);
    return c;
}

/* e^x = 2^k e^r with |r| <= ln 2 / 2. */
double rosette_exp(double x)
{
    const double ln2 = 0.69314718055994530942, k = floor(x / ln2 + 0.5), r = x - k * ln2;
    double sum = 1.0;
    for (int i = 12; i > 0; i--)
        sum = 1.0 + r * sum / i;
    return ldexp(sum, (int)k);
}

/* ln(m 2^k) = k ln 2 + 2 atanh((m - 1)/(m + 1)), m from 0.7 to 1.4. */
static double logarithm(double x)
{
    int k;
    double m = frexp(x, &k), sum = 0.0;
    if (m < 0.70710678118654752440) {
        m *= 2.0;
        k--;
    }
    const double t = (m - 1.0) / (m + 1.0);
    for (int i = 17; i > 0; i -= 2)
        sum = sum * t * t + 1.0 / i;
    return k * 0.69314718055994530942 + 2.0 * t * sum;
}

double rosette_pow(double x, double exponent)
{
    return x <= 0.0 ? 0.0 : rosette_exp(exponent * logarithm(x));
}

/* The bits are mixed by multiplying with odd numbers and folding high bits onto low ones. */
double rosette_hash(uint32_t seed, int64_t x, int64_t y)
{
    uint64_t h = (uint64_t)seed * 0x9E3779B97F4A7C15u ^ (uint64_t)x * 0xC2B2AE3D27D4EB4Fu ^
                 (uint64_t)y * 0x165667B19E3779F9u;
    h = (h ^ h >> 29) * 0xBF58476D1CE4E5B9u;
    h = (h ^ h >> 32) * 0x94D049BB133111EBu;
    return (double)(h >> 11) / 9007199254740992.0;
}

double rosette_noise(uint32_t seed, double x, double y)
{
    const double left = floor(x), top = floor(y);
    const int64_t i = (int64_t)left, j = (int64_t)top;
    double fx = x - left, fy = y - top;
    fx *= fx * (3.0 - 2.0 * fx);
    fy *= fy * (3.0 - 2.0 * fy);
    return rosette_mix(rosette_mix(rosette_hash(seed, i, j), rosette_hash(seed, i + 1, j), fx),
                       rosette_mix(rosette_hash(seed, i, j + 1), rosette_hash(seed, i + 1, j + 1), fx), fy);
}

/* Each octave is turned by 37 degrees, so that the lattice is not seen. */
double rosette_fractal(uint32_t seed, double x, double y, int n)
{
    double sum = 0.0, weight = 1.0, weights = 0.0;
    for (int i = 0; i < n; i++) {
        sum += weight * rosette_noise(seed + (uint32_t)i, x, y);
        weights += weight;
        weight *= 0.5;
        const double turned = 2.0 * (0.8 * x - 0.6 * y);
        y = 2.0 * (0.6 * x + 0.8 * y);
        x = turned;
    }
    return sum / weights;
}

double rosette_cell(uint32_t seed, double x, double y, double *own)
{
    const int64_t i = (int64_t)floor(x), j = (int64_t)floor(y);
    double nearest = 9.0;
    for (int64_t b = j - 1; b <= j + 1; b++)
        for (int64_t a = i - 1; a <= i + 1; a++) {
            const double dx = (double)a + rosette_hash(seed, a, b) - x,
                         dy = (double)b + rosette_hash(seed + 1, a, b) - y;
            const double d = dx * dx + dy * dy;
            if (d < nearest) {
                nearest = d;
                *own = rosette_hash(seed + 2, a, b);
            }
        }
    return nearest;
}

double rosette_step(double from, double to, double x)
{
    const double t = fmin(1.0, fmax(0.0, (x - from) / (to - from)));
    return t * t * (3.0 - 2.0 * t);
}

/* The sum of six even numbers is near enough. */
double rosette_normal(pea__random *random, double mean, double deviation)
{
    double sum = -3.0;
    for (int i = 0; i < 6; i++)
        sum += pea__random_unit(random);
    return mean + deviation * sum * 1.41421356237309504880;
}
