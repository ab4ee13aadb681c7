/* camera.c - a picture as a cheap camera takes it: blur, sharpening, noise of the sensor, and what JPEG
 * leaves.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

#include <math.h>

/* A picture of floats: (y,x,3). */
typedef struct film {
    int w, h;
    float *pixel, *work;
} film;

static void expose(const rosette_scene *s, const rosette_canvas *canvas, film *f)
{
    for (int y = 0; y < f->h; y++)
        for (int x = 0; x < f->w; x++) {
            const double dx = (x + 0.5) / f->w - 0.5, dy = (y + 0.5) / f->h - 0.5;
            const double share =
                s->exposure * (1.0 - s->vignette * (dx * dx + dy * dy) * 2.0) / (SUPER * SUPER);
            for (int c = 0; c < 3; c++) {
                double sum = 0.0;
                for (int i = 0; i < SUPER * SUPER; i++) {
                    const size_t row = (size_t)(y * SUPER + i / SUPER),
                                 column = (size_t)(x * SUPER + i % SUPER);
                    sum += (double)canvas->colour[3 * (row * (size_t)canvas->w + column) + (size_t)c];
                }
                f->pixel[3 * ((size_t)y * (size_t)f->w + (size_t)x) + (size_t)c] = (float)(share * sum);
            }
        }
}

/* One line of a Gaussian blur, values `step` apart. */
static void blur_line(const float *from, float *to, int n, size_t step, const double *weight, int radius)
{
    for (int i = 0; i < n; i++) {
        double sum = 0.0;
        for (int k = -radius; k <= radius; k++) {
            const int at = i + k < 0 ? 0 : i + k >= n ? n - 1 : i + k;
            sum += weight[k < 0 ? -k : k] * (double)from[(size_t)at * step];
        }
        to[(size_t)i * step] = (float)sum;
    }
}

enum { RADIUS = 8 };

static void blur(film *f, const float *from, float *to, double sigma)
{
    double weight[RADIUS + 1], sum = 0.0;
    const size_t w = (size_t)f->w;
    for (int k = 0; k <= RADIUS; k++) {
        weight[k] = rosette_exp(-k * k / (2.0 * sigma * sigma));
        sum += k ? 2.0 * weight[k] : weight[k];
    }
    for (int k = 0; k <= RADIUS; k++)
        weight[k] /= sum;
    for (size_t line = 0; line < 3 * (size_t)f->h; line++)
        blur_line(from + line / 3 * 3 * w + line % 3, f->work + line / 3 * 3 * w + line % 3, f->w, 3, weight,
                  RADIUS);
    for (size_t column = 0; column < 3 * w; column++)
        blur_line(f->work + column, to + column, f->h, 3 * w, weight, RADIUS);
}

/* Light becomes numbers: noise that grows with it, bright parts pressed together, a square root for the eye.
 */
static void develop(const rosette_scene *s, uint64_t seed, int64_t number, film *f)
{
    pea__random random = pea__random_of(seed, (uint64_t)number, 1, PEA__DRAW_GREY);
    const size_t n = (size_t)f->w * (size_t)f->h;
    for (size_t p = 0; p < n; p++) {
        const double grey = rosette_normal(&random, 0.0, s->grey_noise);
        for (size_t c = 0; c < 3; c++) {
            const double light = fmax(0.0, (double)f->pixel[3 * p + c]);
            const double pressed = light < 0.6 ? light : 0.6 + 0.4 * (1.0 - rosette_exp((0.6 - light) / 0.4));
            const double seen = sqrt(pressed), noisy = grey + rosette_normal(&random, 0.0, s->colour_noise);
            f->pixel[3 * p + c] = (float)(seen + noisy * (0.5 + 0.7 * (1.0 - seen)));
        }
    }
}

static void sharpen(const rosette_scene *s, film *f, float *soft)
{
    const size_t n = 3 * (size_t)f->w * (size_t)f->h;
    blur(f, f->pixel, soft, 1.2);
    for (size_t i = 0; i < n; i++)
        f->pixel[i] += (float)(s->sharpen * ((double)f->pixel[i] - (double)soft[i]));
}

/* ---- JPEG ---- */

/* Steps of luminance as the standard's annex K proposes them; colours are asked for at twice the step. */
static const uint8_t quantum[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

static void cosines(double table[8][8])
{
    for (int k = 0; k < 8; k++)
        for (int i = 0; i < 8; i++)
            table[k][i] = rosette_cos((2 * i + 1) * k * 3.14159265358979323846 / 16.0) *
                          (k ? 0.5 : 0.35355339059327376);
}

/* out = table * in * table', or the way back with the table's transpose. */
static void transform(double t[8][8], const double in[64], double out[64], bool back)
{
    double half[64];
    for (int k = 0; k < 64; k++) {
        half[k] = 0.0;
        for (int i = 0; i < 8; i++)
            half[k] += (back ? t[i][k / 8] : t[k / 8][i]) * in[8 * i + k % 8];
    }
    for (int k = 0; k < 64; k++) {
        out[k] = 0.0;
        for (int i = 0; i < 8; i++)
            out[k] += (back ? t[i][k % 8] : t[k % 8][i]) * half[k / 8 * 8 + i];
    }
}

/* The block of plane `c` (of y, cb, cr in work) whose corner is (y,x), `pitch` pixels to a sample. */
static void requantise(film *f, double table[8][8], int x, int y, int c, int pitch, double coarseness)
{
    double block[64], waves[64];
    for (int i = 0; i < 64; i++) {
        double sum = 0.0;
        for (int k = 0; k < pitch * pitch; k++) {
            const int a = x + i % 8 * pitch + k % pitch, b = y + i / 8 * pitch + k / pitch;
            const size_t p =
                (size_t)(b < f->h ? b : f->h - 1) * (size_t)f->w + (size_t)(a < f->w ? a : f->w - 1);
            sum += (double)f->work[3 * p + (size_t)c];
        }
        block[i] = 255.0 * sum / (pitch * pitch);
    }
    transform(table, block, waves, false);
    for (int i = 0; i < 64; i++) {
        const double step = fmax(1.0, coarseness * quantum[i] * (c ? 1.7 : 1.0));
        waves[i] = step * floor(waves[i] / step + 0.5);
    }
    transform(table, waves, block, true);
    for (int i = 0; i < 64 * pitch * pitch; i++) {
        const int a = x + i % (8 * pitch), b = y + i / (8 * pitch);
        if (a < f->w && b < f->h)
            f->work[3 * ((size_t)b * (size_t)f->w + (size_t)a) + (size_t)c] =
                (float)(block[i / (8 * pitch) / pitch * 8 + i % (8 * pitch) / pitch] / 255.0);
    }
}

static void jpeg(const rosette_scene *s, film *f)
{
    double table[8][8];
    const size_t n = (size_t)f->w * (size_t)f->h;
    cosines(table);
    for (size_t p = 0; p < n; p++) {
        const double r = (double)f->pixel[3 * p], g = (double)f->pixel[3 * p + 1],
                     b = (double)f->pixel[3 * p + 2];
        const double grey = 0.299 * r + 0.587 * g + 0.114 * b;
        f->work[3 * p] = (float)grey;
        f->work[3 * p + 1] = (float)((b - grey) / 1.772);
        f->work[3 * p + 2] = (float)((r - grey) / 1.402);
    }
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < f->h; y += c ? 16 : 8)
            for (int x = 0; x < f->w; x += c ? 16 : 8)
                requantise(f, table, x, y, c, c ? 2 : 1, s->jpeg);
    for (size_t p = 0; p < n; p++) {
        const double grey = (double)f->work[3 * p], cb = (double)f->work[3 * p + 1],
                     cr = (double)f->work[3 * p + 2];
        f->pixel[3 * p] = (float)(grey + 1.402 * cr);
        f->pixel[3 * p + 1] = (float)(grey - 0.344136 * cb - 0.714136 * cr);
        f->pixel[3 * p + 2] = (float)(grey + 1.772 * cb);
    }
}

pea_status rosette_camera(const rosette_scene *scene, uint64_t seed, int64_t number,
                          const rosette_canvas *canvas, uint8_t *picture, pea_error *err)
{
    const size_t n = 3 * (size_t)scene->width * (size_t)scene->height;
    float *planes = pea__alloc(3 * n, sizeof *planes, err);
    if (!planes)
        return PEA_E_NOMEM;
    film f = {scene->width, scene->height, planes, planes + n};
    expose(scene, canvas, &f);
    blur(&f, f.pixel, f.pixel, scene->blur);
    develop(scene, seed, number, &f);
    sharpen(scene, &f, planes + 2 * n);
    jpeg(scene, &f);
    for (size_t i = 0; i < n; i++)
        picture[i] = (uint8_t)(255.0 * fmin(1.0, fmax(0.0, (double)f.pixel[i])) + 0.5);
    pea__free(planes);
    return PEA_OK;
}
