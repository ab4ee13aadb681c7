/* augment_values.c - transformations that leave voxels where they are: contrast, brightness, gamma, cutouts.
 * Source: DeVries and Taylor, Improved regularization of convolutional neural networks with cutout, 2017.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/augment.h"

#include <math.h>
#include <string.h>

/* Of fewer foreground voxels the box that encloses them is no place for squares. */
static const int64_t LEAST_FOREGROUND = 1000;

static void change_values(float *values, int64_t n, const pea__grey *grey, pea__random *random)
{
    const float factor = (float)(1.0 + pea__random_between(random, -0.5, 0.5) * grey->contrast);
    const float more = (float)(pea__random_between(random, -0.5, 0.5) * grey->brightness);
    const float power = (float)exp2(pea__random_between(random, -1.0, 1.0));
    for (int64_t i = 0; i < n; i++) {
        const float v = values[i] * factor + more, cut = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
        values[i] = grey->gamma ? powf(cut, power) : cut;
    }
}

void pea__change_grey(const pea__canvas *canvas, const pea__grey *grey, pea__random *random)
{
    const int64_t slice = canvas->side * canvas->side * canvas->channels;
    if (!pea__random_happens(random, grey->probability))
        return;
    if (canvas->depth == 1 || pea__random_happens(random, grey->whole_probability)) {
        change_values(canvas->image, canvas->depth * slice, grey, random);
        return;
    }
    for (int64_t z = 0; z < canvas->depth; z++)
        change_values(canvas->image + z * slice, slice, grey, random);
}

/* ---- what is blanked ---- */

/* Where squares may lie: first and last voxel in y and x. */
typedef struct frame {
    int64_t low[2], high[2];
} frame;

static int64_t find_foreground(const pea__canvas *canvas, frame *box)
{
    const int64_t side = canvas->side;
    int64_t n = 0;
    *box = (frame){{side, side}, {-1, -1}};
    for (int64_t i = 0; i < canvas->depth * side * side; i++) {
        if (canvas->labels[i] == 0)
            continue;
        const int64_t at[2] = {i / side % side, i % side};
        for (int k = 0; k < 2; k++) {
            box->low[k] = pea__min_i64(box->low[k], at[k]);
            box->high[k] = pea__max_i64(box->high[k], at[k]);
        }
        n++;
    }
    return n;
}

/* Mean of a channel over the foreground; 0 without any. */
static float foreground_mean(const pea__canvas *canvas, int64_t channel)
{
    double sum = 0.0;
    int64_t n = 0;
    for (int64_t i = 0; i < canvas->depth * canvas->side * canvas->side; i++)
        if (canvas->labels[i] != 0) {
            sum += (double)canvas->image[i * canvas->channels + channel];
            n++;
        }
    return n > 0 ? (float)(sum / (double)n) : 0.0f;
}

static void blank(const pea__canvas *canvas, const int64_t first[3], const int64_t n[3], const float *fill)
{
    const int64_t side = canvas->side, c = canvas->channels;
    for (int64_t z = first[0]; z < first[0] + n[0]; z++)
        for (int64_t y = first[1]; y < first[1] + n[1]; y++)
            for (int64_t x = first[2]; x < first[2] + n[2]; x++)
                memcpy(canvas->image + ((z * side + y) * side + x) * c, fill, (size_t)c * sizeof *fill);
}

void pea__cut_out(const pea__canvas *canvas, const pea__cutout *cutout, pea__random *random)
{
    float fill[PEA__MAX_IMAGE_CHANNELS] = {0};
    const int64_t count = pea__random_integer(random, 0, cutout->most);
    const int64_t wide = pea__random_integer(random, cutout->side[0], cutout->side[1]);
    const int64_t thick = pea__random_integer(random, cutout->depth[0], cutout->depth[1]);
    const int64_t side = pea__min_i64(wide, canvas->side);
    const int64_t n[3] = {canvas->depth == 1 ? 1 : pea__min_i64(thick, canvas->depth), side, side};
    frame where = {{0, 0}, {canvas->side - 1, canvas->side - 1}}, box;
    if (count == 0 || side == 0)
        return;
    if (cutout->in_foreground) {
        const bool enough = find_foreground(canvas, &box) >= LEAST_FOREGROUND;
        if (enough && box.high[0] - box.low[0] > side && box.high[1] - box.low[1] > side)
            where = (frame){{box.low[0], box.low[1]}, {box.high[0] - 1, box.high[1] - 1}};
        for (int64_t c = 0; c < canvas->channels; c++)
            fill[c] = foreground_mean(canvas, c);
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t first[3];
        first[0] = pea__random_integer(random, 0, canvas->depth - n[0]);
        for (int k = 0; k < 2; k++)
            first[k + 1] = pea__random_integer(random, where.low[k], where.high[k] - side + 1);
        blank(canvas, first, n, fill);
    }
}
