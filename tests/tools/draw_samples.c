/* draw_samples.c - a sheet of what a network is trained with, for people to look at: each row is a sample, as first
 * view, the same with its labels, second view, and second view turned back. Volumes show their middle slice.
 *
 *     draw_samples FOLDER PRESET OUT.png [ROWS [SEED [OFF...]]]      PRESET: leaves, nuclei, em, none; OFF: e.g. rotate
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pea/image.h"
#include "pipeline/pipeline.h"
#include "train/data.h"

enum { COLUMNS = 4, GAP = 4 };

typedef struct sheet {
    pea_array picture;
    int64_t side;
} sheet;

static void put(const sheet *s, int64_t row, int64_t column, int64_t y, int64_t x, const double rgb[3])
{
    const int64_t top = row * (s->side + GAP) + y, left = column * (s->side + GAP) + x;
    uint8_t *to = (uint8_t *)s->picture.data + (top * s->picture.dims.x + left) * 3;
    for (int c = 0; c < 3; c++)
        to[c] = (uint8_t)(255.0 * fmin(1.0, fmax(0.0, rgb[c])) + 0.5);
}

static double shown(const pea__data_options *options, const float *voxel, int64_t c)
{
    const int64_t k = options->channels == 3 ? c : 0;
    const double v = (double)voxel[k];
    return options->normalise == PEA_NORMALISE_IMAGENET
               ? v * (double)pea__colour_deviation[c] + (double)pea__colour_mean[c]
               : v;
}

static void colour_of(uint32_t label, double rgb[3])
{
    const double hue = fmod((double)label * 0.618034, 1.0) * 6.0;
    for (int c = 0; c < 3; c++)
        rgb[c] = label ? fmin(1.0, fmax(0.0, fabs(fmod(hue + 4.0 - 2.0 * c, 6.0) - 3.0) - 1.0)) : 0.0;
}

static void draw(const sheet *s, const pea__data_options *options, int64_t row, int64_t column, const float *image,
                 const uint32_t *labels)
{
    for (int64_t y = 0; y < s->side; y++)
        for (int64_t x = 0; x < s->side; x++) {
            const int64_t p = y * s->side + x;
            double rgb[3], over[3];
            for (int64_t c = 0; c < 3; c++)
                rgb[c] = shown(options, image + p * options->channels, c);
            colour_of(labels ? labels[p] : 0, over);
            for (int c = 0; c < 3 && labels && labels[p]; c++)
                rgb[c] = 0.6 * rgb[c] + 0.4 * over[c];
            put(s, row, column, y, x, rgb);
        }
}

static pea_status draw_all(const pea__data *data, const pea__augmentation *how, int64_t n_rows, uint64_t seed,
                           const char *path, pea_error *err)
{
    const pea__data_options options = pea__data_get_options(data);
    const int64_t plane = how->side * how->side, voxels = how->depth * plane, middle = how->depth / 2 * plane;
    const size_t n = (size_t)(voxels * options.channels);
    const pea_dims dims = {1, n_rows * (how->side + GAP) - GAP, COLUMNS * (how->side + GAP) - GAP, 3};
    pea__view flips = {0};
    pea__sampler *sampler = NULL;
    pea_status status = pea__sampler_new(data, how, 1, seed, NULL, &sampler, err);
    float *view = calloc(n, sizeof *view), *second = calloc(n, sizeof *second), *back = calloc(n, sizeof *back);
    uint32_t *labels = calloc((size_t)voxels, sizeof *labels);
    const sheet s = {{calloc((size_t)(dims.y * dims.x), 3), PEA_UINT8, dims}, how->side};
    if (!view || !second || !back || !labels || !s.picture.data)
        status = PEA_E_NOMEM;
    const pea__batch_of_samples batch = {view, second, labels, &flips, false};
    for (int64_t row = 0; status == PEA_OK && row < n_rows; row++) {
        status = pea__sampler_fill(sampler, (uint64_t)row, &batch, err);
        (void)pea__view_undo(&(pea__run){.to = 1.0}, (pea__batch){1, how->depth, how->side, how->side},
                             options.channels, &flips, second, back, NULL); /* alone nobody cancels it */
        draw(&s, &options, row, 0, view + middle * options.channels, NULL);
        draw(&s, &options, row, 1, view + middle * options.channels, labels + middle);
        draw(&s, &options, row, 2, second + middle * options.channels, NULL);
        draw(&s, &options, row, 3, back + middle * options.channels, NULL);
    }
    if (status == PEA_OK)
        status = pea_png_write(path, &s.picture, NULL, err);
    pea__sampler_free(sampler);
    free(view), free(second), free(back), free(labels), free(s.picture.data);
    return status;
}

int main(int argc, char **argv)
{
    pea_error err = {0};
    pea__pairs pairs = {0};
    pea__data *data = NULL;
    pea__augmentation how;
    if (argc < 4) {
        fprintf(stderr, "usage: draw_samples FOLDER PRESET OUT.png [ROWS [SEED [OFF...]]]\n");
        return 2;
    }
    pea_status status = pea__augmentation_preset(argv[2], &how, &err);
    for (int i = 6; i < argc && status == PEA_OK; i++)
        status = pea__augmentation_switch(&how, argv[i], false, &err);
    const bool volumes = !strcmp(argv[2], "em") || !strcmp(argv[2], "volumes"), leaves = !strcmp(argv[2], "leaves");
    const pea__data_options options = {volumes ? 3 : 2, volumes ? 1 : 3,
                                       volumes  ? PEA_NORMALISE_UNIT
                                       : leaves ? PEA_NORMALISE_IMAGENET
                                                : PEA_NORMALISE_MINMAX,
                                       volumes};
    if (status == PEA_OK)
        status = pea__pairs_add_folder(&pairs, argv[1], NULL, NULL, false, &err);
    if (status == PEA_OK)
        status = pea__data_read(&pairs, &options, NULL, &data, &err);
    if (status == PEA_OK)
        status = draw_all(data, &how, argc > 4 ? atoll(argv[4]) : 4, argc > 5 ? strtoull(argv[5], NULL, 10) : 1,
                          argv[3], &err);
    if (status != PEA_OK)
        fprintf(stderr, "draw_samples: %s\n", err.message);
    else
        printf("%zu images, %.1f MB; %s\n", pea__data_count(data, false), (double)pea__data_bytes(data) * 1e-6,
               pea__data_notes(data));
    pea__pairs_free(&pairs);
    pea__data_free(data);
    return status != PEA_OK;
}
