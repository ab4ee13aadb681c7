/* leaf.c - a leaf: a bent sheet drawn where it is the highest, and what its surface looks like.
 *
 *            v = -1   ______
 *     stalk      ____/      \___       u runs from 0 at the stem to 1 at the tip, along the rib;
 *     ===========____________ ___>     v across, to 1 and -1 at the margins
 *            v = 1   \______/
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

#include <math.h>

typedef struct point {
    double x, y, z;
} point;

/* ---- the sheet ---- */

enum { ACROSS = 28, LEAST_Z = 3, ABOVE_GROUND = 2 }; /* quads across; what would sink into the soil lies on it */

/* Half the width at u, of the half at side -1 or 1. */
static double half_width(const rosette_leaf *l, double u, double side)
{
    const double t = (u - l->stalk_share) / (1.0 - l->stalk_share);
    const double stalk =
        l->stalk_half_width * (1.0 - 0.5 * fmax(0.0, t)) * (1.0 + 0.8 * rosette_step(0.12, 0.0, u));
    if (t <= 0.0)
        return stalk;
    const double peak = l->rise / (l->rise + l->fall);
    const double blade = rosette_pow(t / peak, l->rise) * rosette_pow((1.0 - t) / (1.0 - peak), l->fall);
    const double uneven =
        1.0 + 0.16 * (rosette_noise(l->noise + (side > 0.0), 5.0 * t, 0.5) - 0.5) + side * l->skew;
    const double phase = l->n_teeth * t + rosette_noise(l->noise + 2, 3.0 * t, 2.0 + side);
    const double saw = phase - floor(phase);
    const double tooth = 1.0 - l->teeth * saw * saw * rosette_step(1.0, 0.85, t);
    const double tip = rosette_step(1.0, 0.97, t);
    return fmax(stalk * tip, l->half_width * blade * uneven * tooth);
}

/* One line across the leaf: the rib's place and the directions across and off the sheet give every point. */
static void cross_line(const rosette_leaf *l, double u, const point *rib, double azimuth, double elevation,
                       point *line)
{
    const double ca = rosette_cos(azimuth), sa = rosette_sin(azimuth), ce = rosette_cos(elevation),
                 se = rosette_sin(elevation), turn = l->twist * u, ct = rosette_cos(turn),
                 st = rosette_sin(turn);
    const point flat = {-sa, ca, 0.0}, off = {-se * ca, -se * sa, ce};
    const point across = {ct * flat.x + st * off.x, ct * flat.y + st * off.y, st * off.z};
    const point up = {ct * off.x - st * flat.x, ct * off.y - st * flat.y, ct * off.z};
    const double blade = rosette_step(l->stalk_share - 0.05, l->stalk_share + 0.2, u);
    for (int j = 0; j <= ACROSS; j++) {
        const double v = 2.0 * j / ACROSS - 1.0, a = fabs(v), w = half_width(l, u, v < 0.0 ? -1.0 : 1.0);
        const double fold = blade * l->fold, cf = rosette_cos(fold), sf = rosette_sin(fold);
        const double wave =
            rosette_sin(6.2831853 * (l->n_ruffles * u + rosette_noise(l->noise + 4, 4.0 * u, v))) * l->ruffle;
        const double rise = w * (a * sf + blade * (l->cup * a * a + wave * a * a));
        const double side = w * v * cf;
        line[j].x = rib->x + side * across.x + rise * up.x;
        line[j].y = rib->y + side * across.y + rise * up.y;
        const double z = rib->z + side * across.z + rise * up.z + (1.0 - blade) * 0.8 * w * (1.0 - v * v);
        line[j].z = z > LEAST_Z + 4.0 ? z : LEAST_Z + 4.0 / (1.0 + (LEAST_Z + 4.0 - z) / 4.0);
    }
}

/* Two triangles of the sheet; corners carry u and v. */
typedef struct corner {
    point at;
    double u, v;
} corner;

static double turned(const point *a, const point *b, double x, double y)
{
    return (b->x - a->x) * (y - a->y) - (b->y - a->y) * (x - a->x);
}

static void triangle(const corner *a, const corner *b, const corner *c, int number, rosette_canvas *to)
{
    const double area = turned(&a->at, &b->at, c->at.x, c->at.y);
    const int x0 = (int)fmax(0.0, ceil(fmin(a->at.x, fmin(b->at.x, c->at.x))));
    const int x1 = (int)fmin(to->w - 1.0, floor(fmax(a->at.x, fmax(b->at.x, c->at.x))));
    const int y0 = (int)fmax(0.0, ceil(fmin(a->at.y, fmin(b->at.y, c->at.y))));
    const int y1 = (int)fmin(to->h - 1.0, floor(fmax(a->at.y, fmax(b->at.y, c->at.y))));
    if (fabs(area) < 1e-9)
        return;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            const double fa = turned(&b->at, &c->at, x, y) / area, fb = turned(&c->at, &a->at, x, y) / area;
            const double fc = 1.0 - fa - fb;
            const size_t p = (size_t)y * (size_t)to->w + (size_t)x;
            float z = (float)(fa * a->at.z + fb * b->at.z + fc * c->at.z);
            if (fa < -1e-9 || fb < -1e-9 || fc < -1e-9 || (to->leaf[p] && z <= to->z[p]))
                continue;
            if (!to->leaf[p] && z < to->z[p] + ABOVE_GROUND)
                z = to->z[p] + ABOVE_GROUND;
            to->z[p] = z;
            to->u[p] = (float)(fa * a->u + fb * b->u + fc * c->u);
            to->v[p] = (float)(fa * a->v + fb * b->v + fc * c->v);
            to->leaf[p] = (uint16_t)number;
        }
}

static void band(const point *before, const point *behind, double u0, double u1, int number,
                 rosette_canvas *to)
{
    for (int j = 0; j < ACROSS; j++) {
        const double v0 = 2.0 * j / ACROSS - 1.0, v1 = 2.0 * (j + 1) / ACROSS - 1.0;
        const corner a = {before[j], u0, v0}, b = {before[j + 1], u0, v1}, c = {behind[j], u1, v0},
                     d = {behind[j + 1], u1, v1};
        triangle(&a, &b, &c, number, to);
        triangle(&d, &c, &b, number, to);
    }
}

void rosette_leaf_draw(const rosette_leaf *l, int number, rosette_canvas *to)
{
    point lines[2][ACROSS + 1], rib = {l->x, l->y, l->z};
    const int n = (int)fmax(12.0, l->length / 1.5);
    for (int i = 0; i <= n; i++) {
        const double u = (double)i / n;
        const double azimuth = l->azimuth + l->bend * u * u,
                     elevation = l->elevation - l->droop * u * (0.4 + 0.6 * u);
        cross_line(l, u, &rib, azimuth, elevation, lines[i & 1]);
        if (i > 0)
            band(lines[1 - (i & 1)], lines[i & 1], (double)(i - 1) / n, u, number, to);
        const double step = l->length / n, ce = rosette_cos(elevation);
        rib.x += step * ce * rosette_cos(azimuth);
        rib.y += step * ce * rosette_sin(azimuth);
        rib.z += step * rosette_sin(elevation);
    }
}

/* ---- its surface ---- */

/* How much of a vein is at a place, 0 to 1, and how far between two veins it lies. Side veins leave the rib
 * at half a right angle and curve towards the tip; smaller ones lie between them as the borders of cells. */
static double veins(const rosette_leaf *l, double t, double v, double along, double across, double *between)
{
    const double a = fabs(v), rib_width = 1.2 + 0.030 * l->half_width * (1.0 - t);
    const double rib = rosette_step(rib_width, 0.3 * rib_width, fabs(across));
    const double place = along / l->vein_spacing -
                         0.9 * l->half_width / l->vein_spacing * (0.55 * a + 0.35 * a * a) +
                         (v > 0.0 ? 0.5 : 0.0) + 0.35 * rosette_noise(l->noise + 6, 3.0 * t, v + 9.0);
    const double from = fabs(place - floor(place) - 0.5); /* 0.5 on a vein */
    const double side =
        rosette_step(0.5 - (1.6 - 0.9 * a) / l->vein_spacing, 0.5, from) * rosette_step(1.0, 0.6, a);
    double own;
    const double net =
        rosette_cell(l->noise + 7, along / (0.33 * l->vein_spacing), across / (0.33 * l->vein_spacing), &own);
    *between = (1.0 - 2.0 * from) * rosette_step(0.0, 0.15, a);
    return fmin(1.0, fmax(rib, 0.65 * side) + 0.22 * rosette_step(0.25, 0.8, net));
}

typedef struct surface {
    double colour[3], bump, gloss;
} surface;

static void tint(surface *s, const double other[3], double share)
{
    for (int c = 0; c < 3; c++)
        s->colour[c] = rosette_mix(s->colour[c], other[c], share);
}

/* What age and mishaps leave: a yellow margin and tip, brown spots, pale hairs. */
static void blemishes(const rosette_leaf *l, double t, double v, double along, double across, surface *s)
{
    static const double yellow[3] = {0.72, 0.64, 0.28}, brown[3] = {0.40, 0.30, 0.18},
                        pale[3] = {0.85, 0.90, 0.78};
    const double patch = rosette_fractal(l->noise + 30, along / 30.0, across / 30.0, 3) - 0.5;
    const double edge = fmax(fabs(v), rosette_step(0.5, 1.0, t));
    tint(s, yellow, 0.85 * rosette_step(1.15 - l->yellow, 1.45 - l->yellow, edge + 0.7 * patch));
    double own;
    const double far = rosette_cell(l->noise + 33, along / 17.0, across / 17.0, &own);
    if (own < l->spots)
        tint(s, brown, 0.8 * rosette_step(0.10 * own / l->spots, 0.02, far));
    const double hair = rosette_cell(l->noise + 36, along / 5.0, across / 5.0, &own);
    if (own < 0.5)
        tint(s, pale, l->hairs * rosette_step(0.06, 0.0, hair));
}

static surface surface_of(const rosette_leaf *l, double u, double v)
{
    surface s;
    const double t = fmax(0.0, (u - l->stalk_share) / (1.0 - l->stalk_share));
    const double along = (u - l->stalk_share) * l->length,
                 across = v * half_width(l, u, v < 0.0 ? -1.0 : 1.0);
    double between;
    const double vein = veins(l, t, v, along, across, &between);
    const double mottle = rosette_fractal(l->noise + 20, along / 22.0, across / 22.0, 4) - 0.5;
    const double fine = rosette_fractal(l->noise + 25, along / 3.5, across / 3.5, 2) - 0.5;
    const double shade =
        1.0 + l->mottle * (1.1 * mottle + 0.5 * fine) + 0.10 * (fabs(v) - 0.5) * (1.0 - t) + 0.06 * between;
    for (int c = 0; c < 3; c++)
        s.colour[c] = l->colour[c] * shade;
    tint(&s, l->rib, l->vein * vein);
    blemishes(l, t, v, along, across, &s);
    tint(&s, l->stalk, rosette_step(0.10, -0.03, u - l->stalk_share) * 0.85);
    s.bump = l->quilt * (between * (2.0 - between) - 0.8 * vein) +
             l->wrinkle * (rosette_fractal(l->noise + 40, along / 17.0, across / 17.0, 3) - 0.5) +
             0.5 * fine * l->mottle;
    s.gloss = l->gloss * (0.7 + 0.6 * rosette_noise(l->noise + 50, along / 8.0, across / 8.0));
    return s;
}

void rosette_leaf_paint(const rosette_scene *scene, rosette_canvas *canvas)
{
    const size_t n = (size_t)canvas->w * (size_t)canvas->h;
    for (size_t p = 0; p < n; p++) {
        if (!canvas->leaf[p])
            continue;
        const surface s =
            surface_of(&scene->leaf[canvas->leaf[p] - 1], (double)canvas->u[p], (double)canvas->v[p]);
        for (int c = 0; c < 3; c++) {
            const double seen = fmin(0.97, fmax(0.02, s.colour[c]));
            canvas->colour[3 * p + (size_t)c] = (float)(seen * seen);
        }
        canvas->bump[p] = (float)s.bump;
        canvas->gloss[p] = (float)s.gloss;
    }
}
