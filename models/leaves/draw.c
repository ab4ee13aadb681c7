/* draw.c - a scene from its number to a picture with labels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

static pea_status canvas_new(int width, int height, rosette_canvas *c, pea_error *err)
{
    const size_t n = (size_t)width * SUPER * (size_t)height * SUPER;
    float *planes = pea__alloc(n, 11 * sizeof *planes, err);
    uint16_t *leaf = planes ? pea__alloc(n, sizeof *leaf, err) : NULL;
    if (!leaf) {
        pea__free(planes);
        return PEA_E_NOMEM;
    }
    *c = (rosette_canvas){.w = width * SUPER,
                          .h = height * SUPER,
                          .z = planes,
                          .bump = planes + n,
                          .u = planes + 2 * n,
                          .v = planes + 3 * n,
                          .gloss = planes + 4 * n,
                          .colour = planes + 5 * n,
                          .work = planes + 8 * n,
                          .leaf = leaf};
    return PEA_OK;
}

static void canvas_free(rosette_canvas *c)
{
    pea__free(c->z);
    pea__free(c->leaf);
}

pea_status rosette_draw(uint64_t seed, int64_t number, int width, int height, uint8_t *picture,
                        uint32_t *labels, pea_error *err)
{
    rosette_canvas canvas = {.w = 0};
    rosette_scene *scene = pea__alloc(1, sizeof *scene, err);
    pea_status status = scene ? canvas_new(width, height, &canvas, err) : PEA_E_NOMEM;
    if (status == PEA_OK) {
        rosette_scene_make(seed, number, width, height, scene);
        rosette_ground(scene, &canvas);
        for (int i = 0; i < scene->n_leaves; i++)
            rosette_leaf_draw(&scene->leaf[i], 1 + i, &canvas);
        rosette_leaf_paint(scene, &canvas);
        rosette_light(scene, &canvas);
        status = rosette_camera(scene, seed, number, &canvas, picture, err);
        if (status == PEA_OK)
            status = rosette_labels(&canvas, labels, err);
        canvas_free(&canvas);
    }
    pea__free(scene);
    return status;
}
