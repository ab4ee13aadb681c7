/* rosettes.h - pictures of rosettes of leaves as a camera above sees them, with the truth: synthetic images
 * for training.
 *
 *     scene.c    what is there: how many plants and leaves, on which ground, in which light
 *     ground.c   soil, pebbles, moss, pot and tray: heights and colours
 *     leaf.c     a leaf as a bent sheet, drawn where it is the highest; then its veins, spots and wrinkles
 *     light.c    slopes of heights, shadows that heights cast, highlights
 *     camera.c   fewer pixels, blur, noise, and what JPEG does
 *     labels.c   whose each pixel is, as a person would draw it
 *     draw.c     all of these in their order; rosettes.c is the program that writes files
 *     noise.c    functions that give the same bits with every C library
 *
 * Everything is a function of the seed, to the byte: nothing but + - * / and square roots of doubles is asked
 * of the machine. Lengths are in pixels of the canvas, SUPER to a pixel of the picture; heights too, 0 is the
 * soil.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_ROSETTES_H
#define PEA_ROSETTES_H

#include <stdbool.h>
#include <stdint.h>

#include "train/data.h" /* random numbers by counting */

enum { SUPER = 2, MAX_LEAVES = 160 };

/* ---- noise.c ---- */

double rosette_sin(double x);
double rosette_cos(double x);
double rosette_exp(double x);
double rosette_pow(double x, double exponent);            /* 0 for x <= 0 */
double rosette_hash(uint32_t seed, int64_t x, int64_t y); /* [0,1) */
double rosette_noise(uint32_t seed, double x, double y);  /* smooth, [0,1), one hill or valley to a unit */
double rosette_fractal(uint32_t seed, double x, double y, int n); /* n octaves, [0,1), mean 0.5 */
/* Squared distance to the nearest of points scattered one to a unit square, and a number that is that point's
 * own. */
double rosette_cell(uint32_t seed, double x, double y, double *own);
double rosette_step(double from, double to, double x); /* 0 before, 1 behind, smooth between */
double rosette_normal(pea__random *random, double mean, double deviation);

static inline double rosette_mix(double a, double b, double t)
{
    return a + (b - a) * t;
}

/* ---- scene.c ---- */

typedef struct rosette_leaf {
    double x, y, z;          /* where it leaves the stem */
    double azimuth, bend;    /* at the stem, and how much it turns until the tip; radians, as all angles */
    double elevation, droop; /* likewise */
    double twist;
    double length, stalk_share; /* along the midrib; which part of it is stalk */
    double half_width, stalk_half_width;
    double rise, fall;                  /* outline: t^rise (1-t)^fall */
    double fold, cup;                   /* like a V, like a spoon or (< 0) like a saddle */
    double ruffle, n_ruffles;           /* waves of the margin */
    double teeth, n_teeth;              /* depth as a share of the width */
    double skew;                        /* one half wider than the other */
    double colour[3], rib[3], stalk[3]; /* as seen, [0,1] */
    double vein, vein_spacing,
        quilt; /* how much veins are seen, how far apart they leave the rib, bulges between */
    double wrinkle, mottle, gloss, hairs, yellow, spots;
    uint32_t noise;
} rosette_leaf;

typedef enum rosette_pot { ROSETTE_POT_NONE, ROSETTE_POT_SQUARE, ROSETTE_POT_ROUND } rosette_pot;

typedef struct rosette_scene {
    int width, height; /* of the picture */
    uint32_t noise;
    int n_leaves;
    rosette_leaf leaf[MAX_LEAVES];
    /* ground */
    double soil[3], soil_contrast, clump, grain, moss, moss_colour[3], stones, stone_colour[3], fibres;
    rosette_pot pot;
    double pot_x, pot_y, pot_size, pot_turn, rim, rim_colour[3], tray[3], tray_stain;
    /* light */
    double sun[3], sun_spread, sun_colour[3], sky_colour[3];
    /* camera */
    double exposure, blur, sharpen, grey_noise, colour_noise, vignette, jpeg;
} rosette_scene;

void rosette_scene_make(uint64_t seed, int64_t number, int width, int height, rosette_scene *scene);

/* ---- what becomes of it ---- */

typedef struct rosette_canvas {
    int w, h;              /* SUPER times the picture */
    float *z, *bump;       /* height of what is seen; what is added to it where light falls on it */
    float *u, *v;          /* where on its leaf a pixel is: along it [0,1], across it [-1,1] */
    float *colour, *gloss; /* colour: 3 to a pixel, linear */
    uint16_t *leaf;        /* 0: ground; otherwise 1 + number in the scene */
    float *work;           /* 3 to a pixel, for whoever needs it */
} rosette_canvas;

void rosette_ground(const rosette_scene *scene, rosette_canvas *canvas);
void rosette_leaf_draw(const rosette_leaf *leaf, int number, rosette_canvas *canvas);
void rosette_leaf_paint(const rosette_scene *scene, rosette_canvas *canvas);
void rosette_light(const rosette_scene *scene,
                   rosette_canvas *canvas); /* colour becomes light that reaches the camera */
pea_status rosette_camera(const rosette_scene *scene, uint64_t seed, int64_t number,
                          const rosette_canvas *canvas, uint8_t *picture,
                          pea_error *err); /* filled, (y,x,3) */

/* Labels 1..n of the leaves that can be seen, (y,x), filled. */
pea_status rosette_labels(const rosette_canvas *canvas, uint32_t *labels, pea_error *err);

/* ---- draw.c ---- */

/* All of that: scene `number` of a seed. Both are filled: picture (y,x,3), labels (y,x). */
pea_status rosette_draw(uint64_t seed, int64_t number, int width, int height, uint8_t *picture,
                        uint32_t *labels, pea_error *err);

#endif
