/* light.c - the light that heights and colours send to a camera above: sun, sky, shadows and highlights.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

#include <math.h>

/* ---- how much of the sky a place sees ---- */

/* Means over squares of side 2 radius + 1, along one axis: `step` from pixel to pixel. */
static void box_line(const float *from, float *to, int n, size_t step, int radius)
{
    double sum = 0.0;
    for (int i = -radius; i <= radius; i++)
        sum += (double)from[(size_t)(i < 0 ? 0 : i >= n ? n - 1 : i) * step];
    for (int i = 0; i < n; i++) {
        const int in = i + radius + 1, out = i - radius;
        to[(size_t)i * step] = (float)(sum / (2 * radius + 1));
        sum += (double)from[(size_t)(in >= n ? n - 1 : in) * step] -
               (double)from[(size_t)(out < 0 ? 0 : out) * step];
    }
}

static void box(const float *from, float *work, float *to, int w, int h, int radius)
{
    for (int y = 0; y < h; y++)
        box_line(from + (size_t)y * (size_t)w, work + (size_t)y * (size_t)w, w, 1, radius);
    for (int x = 0; x < w; x++)
        box_line(work + x, to + x, h, (size_t)w, radius);
}

/* A place lower than those around it sees less; near walls count more than far ones. Over work, 1 to a pixel.
 */
static void open_sky(const rosette_canvas *c, float *sky)
{
    static const int radius[3] = {4, 14, 44};
    static const double weight[3] = {0.30, 0.50, 0.50};
    const size_t n = (size_t)c->w * (size_t)c->h;
    float *mean = sky + n, *work = mean + n;
    for (size_t p = 0; p < n; p++)
        sky[p] = 1.0f;
    for (int k = 0; k < 3; k++) {
        box(c->z, work, mean, c->w, c->h, radius[k]);
        for (size_t p = 0; p < n; p++) {
            const double lower = fmax(0.0, (double)mean[p] - (double)c->z[p]) / radius[k];
            sky[p] *= (float)(1.0 / (1.0 + 2.2 * weight[k] * lower));
        }
    }
}

/* ---- how much of the sun ---- */

enum { RAYS = 5, TURNS = 16 };

typedef struct ray {
    double dx, dy, slope;
} ray;

/* Lamps have a size: five directions within it, which every pixel turns by one of some angles. */
static void rays_of(const rosette_scene *s, ray rays[TURNS][RAYS])
{
    for (int t = 0; t < TURNS; t++)
        for (int k = 0; k < RAYS; k++) {
            const double r = s->sun_spread * sqrt((k + 0.5) / RAYS),
                         angle = 6.2831853 * t / TURNS + 2.399963 * k;
            const double lx = s->sun[0] + r * rosette_cos(angle), ly = s->sun[1] + r * rosette_sin(angle);
            const double length = fmax(1e-3, sqrt(lx * lx + ly * ly));
            rays[t][k] = (ray){lx / length, ly / length, s->sun[2] / length};
        }
}

/* 1 where nothing rises above the ray towards the lamp: (dx, dy) is its direction, `slope` how much it rises
 * a pixel. */
static double lit(const rosette_canvas *c, int x, int y, double z, const ray *r, double highest)
{
    double step = 1.5;
    for (double far = 1.5; z + far * r->slope < highest && far < 400.0; far += step) {
        const double a = x + far * r->dx + 0.5, b = y + far * r->dy + 0.5;
        if (!(a >= 0.0 && b >= 0.0 && a < c->w && b < c->h))
            return 1.0;
        const double above = (double)c->z[(size_t)b * (size_t)c->w + (size_t)a] - (z + far * r->slope);
        if (above > 0.8)
            return 0.0;
        step = fmax(1.5, -0.5 * above); /* heights are rarely steeper than two to one */
    }
    return 1.0;
}

static void sunshine(const rosette_scene *s, const rosette_canvas *c, float *sun)
{
    ray rays[TURNS][RAYS];
    double highest = 0.0;
    rays_of(s, rays);
    for (size_t p = 0; p < (size_t)c->w * (size_t)c->h; p++)
        highest = fmax(highest, (double)c->z[p]);
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++) {
            const size_t p = (size_t)y * (size_t)c->w + (size_t)x;
            const ray *of_pixel = rays[(int)(TURNS * rosette_hash(s->noise + 5, x, y))];
            double sum = 0.0;
            for (int k = 0; k < RAYS; k++)
                sum += lit(c, x, y, (double)c->z[p], &of_pixel[k], highest);
            sun[p] = (float)(sum / RAYS);
        }
}

/* ---- what comes back ---- */

/* The slope towards a neighbour, 0 where that belongs to another leaf. */
static double slope_to(const rosette_canvas *c, size_t p, size_t q)
{
    if (c->leaf[p] != c->leaf[q])
        return 0.0;
    return (double)c->z[q] + (double)c->bump[q] - (double)c->z[p] - (double)c->bump[p];
}

static void normal_at(const rosette_canvas *c, int x, int y, double normal[3])
{
    const size_t w = (size_t)c->w, p = (size_t)y * w + (size_t)x;
    const size_t left = x > 0 ? p - 1 : p, right = x + 1 < c->w ? p + 1 : p, above = y > 0 ? p - w : p,
                 below = y + 1 < c->h ? p + w : p;
    const double limit = c->leaf[p] ? 3.0 : 1.2;
    const double sx = 0.5 * (slope_to(c, p, right) - slope_to(c, p, left));
    const double sy = 0.5 * (slope_to(c, p, below) - slope_to(c, p, above));
    const double nx = -fmin(limit, fmax(-limit, sx)), ny = -fmin(limit, fmax(-limit, sy));
    const double length = sqrt(nx * nx + ny * ny + 1.0);
    normal[0] = nx / length;
    normal[1] = ny / length;
    normal[2] = 1.0 / length;
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* A leaf is thin: light that falls on its far side shines through, greener. */
static void reflect(const rosette_scene *s, rosette_canvas *c, size_t p, const double normal[3], double sun,
                    double sky)
{
    static const double through[3] = {0.55, 0.85, 0.25};
    const double half_length = sqrt(2.0 + 2.0 * s->sun[2]); /* the camera is straight above */
    const double half[3] = {s->sun[0] / half_length, s->sun[1] / half_length,
                            (s->sun[2] + 1.0) / half_length};
    const double face = dot(normal, s->sun),
                 diffuse = c->leaf[p] ? fmax(0.0, 0.8 * face + 0.2) : fmax(0.0, face);
    const double shine = (double)c->gloss[p] * rosette_pow(fmax(0.0, dot(normal, half)), 18.0) * sun;
    const double open = sky * (0.55 + 0.45 * normal[2]);
    for (int k = 0; k < 3; k++) {
        const double colour = (double)c->colour[3 * p + (size_t)k];
        const double glow = c->leaf[p] ? 0.16 * through[k] * (1.0 - 0.6 * sun) * sky : 0.0;
        const double light = s->sun_colour[k] * (sun * diffuse + glow) + s->sky_colour[k] * open;
        c->colour[3 * p + (size_t)k] =
            (float)(colour * light + s->sun_colour[k] * shine +
                    0.25 * (double)c->gloss[p] * s->sky_colour[k] * sky * sky * 0.2);
    }
}

void rosette_light(const rosette_scene *scene, rosette_canvas *canvas)
{
    const size_t n = (size_t)canvas->w * (size_t)canvas->h;
    float *sky = canvas->work, *sun = canvas->work + n;
    open_sky(canvas, sky);
    sunshine(scene, canvas, sun);
    for (int y = 0; y < canvas->h; y++)
        for (int x = 0; x < canvas->w; x++) {
            const size_t p = (size_t)y * (size_t)canvas->w + (size_t)x;
            double normal[3];
            normal_at(canvas, x, y, normal);
            reflect(scene, canvas, p, normal, (double)sun[p], (double)sky[p]);
        }
}
