/* ground.c - soil, pebbles, moss, pot and tray: heights and colours of what is not a plant.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

#include <math.h>
#include <string.h>

/* What is at a place. */
typedef struct spot {
    double z, gloss, colour[3]; /* colour as seen; made linear at the end */
} spot;

static void blend(double *colour, const double other[3], double share)
{
    for (int c = 0; c < 3; c++)
        colour[c] = rosette_mix(colour[c], other[c], share);
}

static void scale(double *colour, double factor)
{
    for (int c = 0; c < 3; c++)
        colour[c] *= factor;
}

/* Clumps with grains on them: round, each of a shade of its own. */
static void soil(const rosette_scene *s, double x, double y, spot *at)
{
    double clump, grain, crumb;
    const double wx = x + 9.0 * rosette_noise(s->noise + 1, x / 14.0, y / 14.0);
    const double wy = y + 9.0 * rosette_noise(s->noise + 2, x / 14.0, y / 14.0);
    const double far = rosette_cell(s->noise + 10, wx / s->clump, wy / s->clump, &clump);
    const double near = rosette_cell(s->noise + 20, wx / s->grain, wy / s->grain, &grain);
    const double tiny = rosette_cell(s->noise + 30, x / 3.6, y / 3.6, &crumb);
    const double large = rosette_fractal(s->noise + 40, x / 160.0, y / 160.0, 4);
    at->z = 14.0 * (large - 0.5) + s->clump * 0.22 * clump * (1.0 - far) +
            s->grain * 0.40 * (0.4 + grain) * (1.0 - near) - 0.9 * tiny;
    at->gloss = 0.02;
    for (int c = 0; c < 3; c++)
        at->colour[c] = s->soil[c];
    const double shade =
        0.55 * (clump - 0.5) + 0.8 * (grain - 0.5) + 0.5 * (crumb - 0.5) + 0.8 * (large - 0.5);
    scale(at->colour, fmax(0.25, 1.0 + s->soil_contrast * shade));
    if (grain > 0.94) /* here and there a grain of sand or bark */
        scale(at->colour, 1.5);
}

/* Thin light threads: where two fields of noise cross the middle. */
static void fibres(const rosette_scene *s, double x, double y, spot *at)
{
    static const double pale[3] = {0.52, 0.44, 0.33};
    const double bent = rosette_fractal(s->noise + 50, x / 70.0, y / 70.0, 2) - 0.5;
    const double there = rosette_noise(s->noise + 55, x / 45.0, y / 45.0);
    const double share =
        (1.0 - rosette_step(0.0, 0.011, fabs(bent))) * rosette_step(1.0 - s->fibres, 1.02, there);
    blend(at->colour, pale, 0.8 * share);
    at->z += 2.0 * share;
}

/* Perlite or pebbles: some cells of a coarse lattice hold one. */
static void stones(const rosette_scene *s, double x, double y, spot *at)
{
    for (int size = 0; size < 2; size++) {
        const double pitch = size ? 34.0 : 15.0;
        double own;
        const double far = sqrt(rosette_cell(s->noise + 60 + 5 * (uint32_t)size, x / pitch, y / pitch, &own));
        const double lumpy = 0.25 * (rosette_noise(s->noise + 70, x / 5.0, y / 5.0) - 0.5);
        const double radius =
            (0.16 + 0.30 * rosette_hash(s->noise + 71, (int64_t)(own * 1e9), size)) * (1.0 + lumpy);
        if (own > s->stones || far > radius)
            continue;
        const double dome = sqrt(1.0 - far * far / (radius * radius));
        at->z = fmax(at->z, 2.0) + pitch * radius * 0.9 * dome;
        for (int c = 0; c < 3; c++)
            at->colour[c] = s->stone_colour[c];
        scale(at->colour, 0.75 + 0.35 * rosette_hash(s->noise + 72, (int64_t)(own * 1e9), size) + lumpy);
        at->gloss = 0.05;
    }
}

/* Moss and algae: green where leaves are not, which a threshold of green takes for leaves. */
static void moss(const rosette_scene *s, double x, double y, spot *at)
{
    const double where = rosette_fractal(s->noise + 80, x / 130.0, y / 130.0, 5);
    const double share = rosette_step(1.02 - s->moss, 1.14 - s->moss, where + 0.3);
    if (share <= 0.0)
        return;
    const double fine = rosette_fractal(s->noise + 90, x / 5.0, y / 5.0, 3);
    double tuft;
    const double far = rosette_cell(s->noise + 95, x / 6.5, y / 6.5, &tuft);
    double green[3] = {s->moss_colour[0], s->moss_colour[1], s->moss_colour[2]};
    scale(green, 0.5 + 0.7 * fine + 0.35 * tuft);
    blend(at->colour, green, share * rosette_step(0.2, 0.55, fine + 0.25 * share));
    at->z += share * (2.5 * (1.0 - far) + 3.0 * fine);
}

/* How far inside the pot a place is. */
static double inside_pot(const rosette_scene *s, double x, double y)
{
    const double dx = x - s->pot_x, dy = y - s->pot_y;
    const double c = rosette_cos(s->pot_turn), n = rosette_sin(s->pot_turn);
    if (s->pot == ROSETTE_POT_ROUND)
        return s->pot_size - sqrt(dx * dx + dy * dy);
    const double corner = 0.12 * s->pot_size;
    const double a = fmax(0.0, fabs(c * dx + n * dy) - s->pot_size + corner);
    const double b = fmax(0.0, fabs(c * dy - n * dx) - s->pot_size + corner);
    return corner - sqrt(a * a + b * b);
}

static void plastic(const rosette_scene *s, const double colour[3], double x, double y, double z, spot *at)
{
    const double stain = rosette_fractal(s->noise + 100, x / 90.0, y / 90.0, 4);
    const double crumb = rosette_fractal(s->noise + 110, x / 11.0, y / 11.0, 3) *
                         rosette_fractal(s->noise + 115, x / 70.0, y / 70.0, 2);
    at->z = z;
    at->gloss = 0.12;
    for (int c = 0; c < 3; c++)
        at->colour[c] = colour[c];
    scale(at->colour, 1.0 + s->tray_stain * (stain - 0.5));
    const double fallen = rosette_step(0.46, 0.53, crumb); /* soil that fell beside the pot */
    blend(at->colour, s->soil, 0.85 * fallen);
    at->z += 4.0 * fallen;
    at->gloss *= 1.0 - fallen;
}

static void pot(const rosette_scene *s, double x, double y, spot *at)
{
    const double inside = inside_pot(s, x, y);
    if (inside > s->rim)
        at->z -= 20.0 * rosette_step(30.0, 0.0, inside - s->rim); /* soil sinks towards the wall */
    else if (inside > 0.0)
        plastic(s, s->rim_colour, x, y, 7.0 + 5.0 * (1.0 - fabs(2.0 * inside / s->rim - 1.0)), at);
    else
        plastic(s, s->tray, x, y, -50.0, at);
}

static spot spot_at(const rosette_scene *s, double x, double y)
{
    spot at = {.z = 0.0};
    if (s->pot == ROSETTE_POT_NONE || inside_pot(s, x, y) > s->rim) {
        soil(s, x, y, &at);
        fibres(s, x, y, &at);
        moss(s, x, y, &at);
        stones(s, x, y, &at);
    }
    if (s->pot != ROSETTE_POT_NONE)
        pot(s, x, y, &at);
    return at;
}

/* As fine as the picture and no finer: half the time of a scene would go into what nobody sees. */
void rosette_ground(const rosette_scene *s, rosette_canvas *canvas)
{
    for (int y = 0; y < canvas->h; y++)
        for (int x = 0; x < canvas->w; x++) {
            const size_t p = (size_t)y * (size_t)canvas->w + (size_t)x;
            const size_t first = p - (size_t)(y % SUPER) * (size_t)canvas->w - (size_t)(x % SUPER);
            canvas->leaf[p] = 0;
            canvas->bump[p] = 0.0f;
            if (p != first) {
                canvas->z[p] = canvas->z[first];
                canvas->gloss[p] = canvas->gloss[first];
                memcpy(canvas->colour + 3 * p, canvas->colour + 3 * first, 3 * sizeof *canvas->colour);
                continue;
            }
            const spot at = spot_at(s, x + 0.5, y + 0.5);
            canvas->z[p] = (float)at.z;
            canvas->gloss[p] = (float)at.gloss;
            for (int c = 0; c < 3; c++)
                canvas->colour[3 * p + (size_t)c] = (float)(at.colour[c] * at.colour[c]);
        }
}
