/* scene.c - what is in a picture: plants and their leaves, ground, light and camera, drawn by chance.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

#include <math.h>
#include <string.h>

static const double turn = 6.28318530717958647692;

static double between(pea__random *r, double low, double high)
{
    return pea__random_between(r, low, high);
}

static void set(double *colour, double red, double green, double blue)
{
    colour[0] = red;
    colour[1] = green;
    colour[2] = blue;
}

static void mix(double *colour, const double a[3], const double b[3], double t)
{
    for (int c = 0; c < 3; c++)
        colour[c] = rosette_mix(a[c], b[c], t);
}

/* Numbers are drawn in statements of their own: in which order arguments of a call are evaluated, compilers
 * may choose. */

/* ---- plants ---- */

/* What the leaves of a plant have in common; an angle or length may differ by some from leaf to leaf. */
typedef struct plant {
    double x, y, radius; /* length of its longest leaves */
    int n;
    double first_azimuth;
    double aspect, stalk_share, stalk_width, rise, fall;
    double lift, droop, fold, cup, ruffle, n_ruffles, teeth, n_teeth;
    double young[3], grown[3], rib[3], stalk[3];
    double vein, vein_spacing, quilt, wrinkle, mottle, gloss, hairs, old_age, spots;
    uint32_t noise;
} plant;

static void colours_of_plant(pea__random *r, plant *p)
{
    static const double fresh[3] = {0.50, 0.66, 0.28}, deep[3] = {0.24, 0.40, 0.20},
                        lime[3] = {0.56, 0.66, 0.27}, leek[3] = {0.33, 0.47, 0.31},
                        purple[3] = {0.46, 0.30, 0.33}, pale[3] = {0.63, 0.70, 0.45};
    mix(p->grown, deep, fresh, between(r, 0.15, 0.9));
    mix(p->grown, p->grown, leek, between(r, 0.0, 0.6));
    mix(p->young, p->grown, lime, between(r, 0.25, 0.7));
    mix(p->rib, p->grown, pale, between(r, 0.4, 1.0));
    mix(p->stalk, pale, p->grown, between(r, 0.0, 0.6));
    if (pea__random_happens(r, 0.25))
        mix(p->stalk, p->stalk, purple, between(r, 0.2, 0.7));
}

static void surface_of_plant(pea__random *r, plant *p)
{
    p->vein = between(r, 0.08, 0.6);
    p->vein_spacing = between(r, 14.0, 26.0) * sqrt(p->radius / 200.0);
    p->quilt = between(r, 0.3, 2.2);
    p->wrinkle = between(r, 0.5, 3.0);
    p->mottle = between(r, 0.10, 0.40);
    p->gloss = between(r, 0.02, 0.20);
    p->hairs = pea__random_happens(r, 0.4) ? between(r, 0.1, 0.5) : 0.0;
    p->old_age = pea__random_happens(r, 0.4) ? between(r, 0.2, 0.8) : 0.0;
    p->spots = pea__random_happens(r, 0.2) ? between(r, 0.02, 0.15) : 0.0;
}

/* Small rosettes with spoons on long stalks, as of thale cress. */
static void like_cress(pea__random *r, plant *p)
{
    p->aspect = between(r, 0.50, 0.78);
    p->stalk_share = between(r, 0.30, 0.50);
    p->stalk_width = between(r, 0.028, 0.045);
    p->rise = between(r, 0.55, 0.95);
    p->fall = between(r, 0.38, 0.60);
    p->teeth = pea__random_happens(r, 0.5) ? between(r, 0.02, 0.10) : 0.0;
    p->n_teeth = between(r, 4.0, 8.0);
}

/* Large pointed blades on short broad stalks, as of tobacco. */
static void like_tobacco(pea__random *r, plant *p)
{
    p->aspect = between(r, 0.50, 0.72);
    p->stalk_share = between(r, 0.08, 0.24);
    p->stalk_width = between(r, 0.035, 0.055);
    p->rise = between(r, 0.55, 0.85);
    p->fall = between(r, 0.60, 1.0);
    p->teeth = 0.0;
    p->n_teeth = 1.0;
    p->vein = between(r, 0.25, 0.8);
    p->quilt = between(r, 1.0, 3.5);
    p->n = p->n > 14 ? 4 + p->n / 3 : p->n;
}

/* Anything else that is a leaf: lances, toothed ones. */
static void like_weeds(pea__random *r, plant *p)
{
    p->aspect = between(r, 0.28, 0.65);
    p->stalk_share = between(r, 0.10, 0.40);
    p->stalk_width = between(r, 0.02, 0.05);
    p->rise = between(r, 0.5, 1.1);
    p->fall = between(r, 0.5, 1.1);
    p->teeth = between(r, 0.04, 0.20);
    p->n_teeth = between(r, 6.0, 16.0);
}

static plant plant_of(pea__random *r, double x, double y, double radius, int n)
{
    plant p = {.x = x, .y = y, .radius = radius, .n = n};
    p.first_azimuth = between(r, 0.0, turn);
    p.noise = pea__random_bits(r);
    colours_of_plant(r, &p);
    surface_of_plant(r, &p);
    const double kind = pea__random_unit(r);
    (kind < 0.65 ? like_cress : kind < 0.85 ? like_tobacco : like_weeds)(r, &p);
    p.lift = between(r, 0.6, 1.15);
    p.droop = between(r, 0.1, 0.9);
    p.fold = between(r, -0.15, 0.35);
    p.cup = between(r, -0.25, 0.15);
    p.ruffle = between(r, 0.0, 0.14);
    p.n_ruffles = between(r, 1.0, 4.0);
    return p;
}

/* How it stands and what outline it has; `age` is 1 for the oldest, `grown` for those that will not grow any
 * more. */
static void shape_of_leaf(pea__random *r, const plant *p, double age, double grown, bool seed_leaf,
                          rosette_leaf *l)
{
    l->azimuth += rosette_normal(r, 0.0, 0.16);
    l->bend = rosette_normal(r, 0.0, 0.22);
    l->elevation = p->lift * (1.0 - age) * (1.0 - age) + 0.16 + rosette_normal(r, 0.05, 0.07);
    l->droop = p->droop * (0.35 + 0.65 * age) * between(r, 0.6, 1.3);
    l->twist = rosette_normal(r, 0.0, 0.25);
    l->rise = seed_leaf ? 0.5 : p->rise;
    l->fall = seed_leaf ? 0.45 : p->fall;
    l->fold = p->fold * between(r, 0.6, 1.4) + 0.5 * (1.0 - grown);
    l->cup = p->cup * between(r, 0.5, 1.5);
    l->ruffle = p->ruffle * between(r, 0.5, 1.5) * (0.3 + 0.7 * grown);
    l->n_ruffles = p->n_ruffles;
    l->teeth = seed_leaf ? 0.0 : p->teeth;
    l->n_teeth = floor(p->n_teeth * between(r, 0.85, 1.15)) + 0.999;
    l->skew = rosette_normal(r, 0.0, 0.05);
}

static void surface_of_leaf(pea__random *r, const plant *p, double age, double grown, rosette_leaf *l)
{
    l->vein = p->vein * (0.5 + 0.5 * grown);
    l->vein_spacing = p->vein_spacing * (0.5 + 0.5 * grown);
    l->quilt = p->quilt * grown;
    l->wrinkle = p->wrinkle * between(r, 0.6, 1.4);
    l->mottle = p->mottle;
    l->gloss = p->gloss * between(r, 0.7, 1.3);
    l->hairs = p->hairs;
    l->spots = p->spots * age;
}

static void colours_of_leaf(pea__random *r, const plant *p, double age, rosette_leaf *l)
{
    l->yellow = pea__random_happens(r, p->old_age) ? fmax(0.0, age - 0.4) * between(r, 0.3, 1.6) : 0.0;
    const double tone = fmax(0.75, rosette_normal(r, 1.0, 0.07));
    mix(l->colour, p->grown, p->young, fmin(1.0, fmax(0.0, 0.9 - 1.3 * age + rosette_normal(r, 0.0, 0.15))));
    for (int c = 0; c < 3; c++) {
        l->colour[c] *= tone;
        l->rib[c] = p->rib[c] * tone;
        l->stalk[c] = p->stalk[c] * tone;
    }
}

/* Leaf k of p->n from the oldest on. The first leaves stay small, the last are not grown yet; each stands
 * 137.5 degrees from the one before, and the first pair face each other. */
static rosette_leaf leaf_of(pea__random *r, const plant *p, int k)
{
    const double age = p->n > 1 ? (double)(p->n - 1 - k) / (p->n - 1) : 0.5;
    const double grown = (1.0 - rosette_exp(-(0.12 + age) * 4.2)) / (1.0 - rosette_exp(-4.7));
    const double early = k < 2 && p->n > 5 ? 0.40 : 0.55 + 0.45 * fmin(1.0, (k + 1.0) / 5.0);
    const double size = p->radius * grown * early * fmax(0.6, rosette_normal(r, 1.0, 0.09));
    const double stalk = p->stalk_share * (0.35 + 0.65 * age) * between(r, 0.85, 1.15);
    const double turns = k < 2 ? 0.5 * k : 0.22 + 0.381966 * (k - 2);
    const bool seed_leaf = k < 2 && p->aspect > 0.45;
    rosette_leaf l = {
        .azimuth = p->first_azimuth + turn * turns,
        .length = size,
        .stalk_share = seed_leaf ? fmin(0.55, stalk * 1.2) : stalk,
        .noise = p->noise + 1000u * (uint32_t)k,
    };
    shape_of_leaf(r, p, age, grown, seed_leaf, &l);
    surface_of_leaf(r, p, age, grown, &l);
    l.x = p->x + rosette_normal(r, 0.0, 0.012 * p->radius);
    l.y = p->y + rosette_normal(r, 0.0, 0.012 * p->radius);
    l.z = 8.0 + 0.10 * p->radius * (1.0 - age) + 0.3 * (p->n - k);
    const double blade = 0.5 * size * (1.0 - l.stalk_share) * p->aspect;
    l.half_width = blade * between(r, 0.88, 1.12) * (seed_leaf ? 1.15 : 1.0);
    l.stalk_half_width = fmax(1.6, p->stalk_width * (0.45 * p->radius + 0.35 * size) * 0.75);
    colours_of_leaf(r, p, age, &l);
    return l;
}

static void add_plant(pea__random *r, rosette_scene *s, const plant *p)
{
    for (int k = 0; k < p->n && s->n_leaves < MAX_LEAVES; k++)
        s->leaf[s->n_leaves++] = leaf_of(r, p, k);
}

/* Mostly one plant in the middle, from three leaves to twenty-five; sometimes several smaller ones. */
static void plants(pea__random *r, rosette_scene *s)
{
    const double w = SUPER * s->width, h = SUPER * s->height, side = fmin(w, h);
    if (pea__random_happens(r, 0.8)) {
        const int n =
            (int)(pea__random_happens(r, 0.3) ? pea__random_integer(r, 3, 8) : pea__random_integer(r, 7, 25));
        const double most = 0.20 + 0.36 * fmin(1.0, n / 12.0);
        const double radius = side * between(r, 0.5 * most, most), y = h * between(r, 0.44, 0.56),
                     x = w * between(r, 0.44, 0.56);
        const plant p = plant_of(r, x, y, radius, n);
        add_plant(r, s, &p);
        return;
    }
    const int n_plants = (int)pea__random_integer(r, 2, 5);
    const double first = between(r, 0.0, turn), ring = between(r, 0.22, 0.34);
    for (int i = 0; i < n_plants; i++) {
        const double angle = first + turn * i / n_plants + rosette_normal(r, 0.0, 0.15);
        const int n = (int)pea__random_integer(r, 3, 14);
        const double radius = side * between(r, 0.12, 0.26);
        const plant p = plant_of(r, w * (0.5 + ring * rosette_cos(angle)),
                                 h * (0.5 + ring * rosette_sin(angle)), radius, n);
        add_plant(r, s, &p);
    }
}

/* ---- around them ---- */

static void ground(pea__random *r, rosette_scene *s)
{
    static const double peat[3] = {0.20, 0.165, 0.14}, loam[3] = {0.36, 0.29, 0.23},
                        ash[3] = {0.31, 0.30, 0.30};
    const double lightness = between(r, 0.0, 1.0);
    mix(s->soil, peat, pea__random_happens(r, 0.5) ? loam : ash, lightness);
    s->soil_contrast = between(r, 0.5, 1.3);
    s->clump = between(r, 24.0, 48.0);
    s->grain = between(r, 7.0, 13.0);
    s->moss = pea__random_happens(r, 0.5) ? between(r, 0.2, 0.42) : 0.0;
    s->moss_colour[2] = between(r, 0.18, 0.27);
    s->moss_colour[1] = between(r, 0.36, 0.44);
    s->moss_colour[0] = between(r, 0.28, 0.42);
    s->stones = pea__random_happens(r, 0.7) ? between(r, 0.005, 0.10) : 0.0;
    s->stone_colour[0] = between(r, 0.42, 0.85);
    s->stone_colour[2] = s->stone_colour[0] * between(r, 0.82, 0.98);
    s->stone_colour[1] = s->stone_colour[0] * between(r, 0.92, 1.0);
    s->fibres = between(r, 0.0, 0.35);
}

/* One colour of a list, mixed with some of another: of numbers up to `last` each. */
static void mix_any(pea__random *r, const double (*list)[3], int64_t last, int64_t last_of_base,
                    double *colour)
{
    const double share = between(r, 0.0, 0.5);
    const int64_t other = pea__random_integer(r, 0, last), base = pea__random_integer(r, 0, last_of_base);
    mix(colour, list[base], list[other], share);
}

static void pot(pea__random *r, rosette_scene *s)
{
    static const double trays[5][3] = {
        {0.25, 0.32, 0.45}, {0.13, 0.13, 0.15}, {0.58, 0.58, 0.60}, {0.42, 0.24, 0.18}, {0.20, 0.38, 0.55}};
    static const double rims[4][3] = {
        {0.12, 0.12, 0.13}, {0.24, 0.24, 0.26}, {0.60, 0.36, 0.24}, {0.75, 0.75, 0.76}};
    const double kind = pea__random_unit(r), side = SUPER * fmin(s->width, s->height);
    s->pot = kind < 0.30 ? ROSETTE_POT_NONE : kind < 0.70 ? ROSETTE_POT_SQUARE : ROSETTE_POT_ROUND;
    s->pot_x = SUPER * s->width * between(r, 0.46, 0.54);
    s->pot_y = SUPER * s->height * between(r, 0.46, 0.54);
    s->pot_size = side * between(r, 0.38, 0.56);
    s->pot_turn = rosette_normal(r, 0.0, 0.05);
    s->rim = between(r, 8.0, 20.0);
    mix_any(r, rims, 1, 3, s->rim_colour);
    mix_any(r, trays, 4, 4, s->tray);
    s->tray_stain = between(r, 0.2, 0.8);
}

/* Lamps of growth chambers, daylight, a flash: how high, how large, of what colour. */
static void light(pea__random *r, rosette_scene *s)
{
    const double azimuth = between(r, 0.0, turn), height = between(r, 0.65, 1.4);
    s->sun[0] = rosette_cos(height) * rosette_cos(azimuth);
    s->sun[1] = rosette_cos(height) * rosette_sin(azimuth);
    s->sun[2] = rosette_sin(height);
    s->sun_spread = between(r, 0.05, 0.5);
    const double power = between(r, 0.6, 1.2), sky = 1.35 - power + between(r, -0.15, 0.05),
                 warm = rosette_normal(r, 0.0, 0.08);
    set(s->sun_colour, power * (1.0 + warm), power, power * (1.0 - warm));
    const double tint = rosette_normal(r, 0.0, 0.05), cool = rosette_normal(r, 0.03, 0.05);
    set(s->sky_colour, sky * (1.0 - cool), sky * (1.0 + tint), sky * (1.0 + cool));
}

static void camera(pea__random *r, rosette_scene *s)
{
    s->exposure = between(r, 0.8, 1.5);
    s->blur = between(r, 0.35, 1.1);
    s->sharpen = pea__random_happens(r, 0.5) ? between(r, 0.2, 1.0) : 0.0;
    s->grey_noise = between(r, 0.002, 0.02);
    s->colour_noise = between(r, 0.002, 0.016);
    s->vignette = between(r, 0.0, 0.5);
    s->jpeg = between(r, 0.05, 0.6);
}

void rosette_scene_make(uint64_t seed, int64_t number, int width, int height, rosette_scene *s)
{
    pea__random random = pea__random_of(seed, (uint64_t)number, 0, PEA__DRAW_ANY);
    memset(s, 0, sizeof *s);
    s->width = width;
    s->height = height;
    s->noise = pea__random_bits(&random);
    ground(&random, s);
    pot(&random, s);
    light(&random, s);
    camera(&random, s);
    plants(&random, s);
}
