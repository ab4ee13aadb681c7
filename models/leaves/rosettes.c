/* rosettes.c - draws scenes of rosettes of leaves with their labels: rosettes FOLDER COUNT [OPTION]...
 *
 *     --seed N        scenes of another seed have nothing in common (1)
 *     --first N       the number of the first scene (1); scene N of a seed is the same whatever else is drawn
 *     --size WxH      of the pictures (500x530)
 *     --layout cvppp  plantNNN_rgb.png, _label.png, _fg.png as the CVPPP challenge published them, not
 *                     NAME_image.png and NAME_labels.tif
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "pea/image.h"
#include "rosettes.h"

typedef struct job {
    const char *folder;
    int64_t count, first;
    uint64_t seed;
    int width, height;
    bool as_cvppp;
    uint8_t *picture; /* owned, as the others; (y,x,3) */
    uint32_t *labels; /* (y,x) */
    uint8_t *bytes;   /* labels or a mask in 8 bits */
} job;

/* ---- files ---- */

static void path_of(const job *j, int64_t number, const char *end, char path[4096])
{
    snprintf(path, 4096, j->as_cvppp ? "%s/plant%03" PRId64 "%s" : "%s/scene-%04" PRId64 "%s", j->folder,
             number, end);
}

static pea_status write_pair(const job *j, int64_t number, pea_error *err)
{
    char path[4096];
    const pea_array picture = {j->picture, PEA_UINT8, {1, j->height, j->width, 3}};
    const pea_array labels = {j->labels, PEA_UINT32, {1, j->height, j->width, 1}};
    const pea_calibration pixels = pea_calibration_default();
    path_of(j, number, "_image.png", path);
    pea_status status = pea_png_write(path, &picture, NULL, err);
    path_of(j, number, "_labels.tif", path);
    return status == PEA_OK ? pea_labels_write(path, &labels, 1, &pixels, NULL, err) : status;
}

/* A palette of 256 colours whose numbers are the labels, as those files have it. */
static pea_status write_indexed(const char *path, const job *j, const uint8_t *labels, pea_error *err)
{
    uint8_t colours[256][3];
    for (int i = 0; i < 256; i++)
        for (int c = 0; c < 3; c++)
            colours[i][c] = (uint8_t)(i ? 40 + (i * (37 + 50 * c)) % 216 : 0);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)j->width,
                       .height = (png_uint_32)j->height,
                       .format = PNG_FORMAT_RGB_COLORMAP,
                       .colormap_entries = 256};
    if (!png_image_write_to_file(&image, path, 0, labels, 0, colours))
        return pea__fail(err, PEA_E_IO, "cannot write %s: %s", path, image.message);
    return PEA_OK;
}

static pea_status write_cvppp(const job *j, int64_t number, pea_error *err)
{
    char path[4096];
    uint8_t *bytes = j->bytes;
    const size_t n = (size_t)j->width * (size_t)j->height;
    const pea_array picture = {j->picture, PEA_UINT8, {1, j->height, j->width, 3}};
    const pea_array mask = {bytes, PEA_UINT8, {1, j->height, j->width, 1}};
    path_of(j, number, "_rgb.png", path);
    pea_status status = pea_png_write(path, &picture, NULL, err);
    for (size_t p = 0; p < n; p++)
        bytes[p] = (uint8_t)j->labels[p];
    path_of(j, number, "_label.png", path);
    if (status == PEA_OK)
        status = write_indexed(path, j, bytes, err);
    for (size_t p = 0; p < n; p++)
        bytes[p] = j->labels[p] ? 255 : 0;
    path_of(j, number, "_fg.png", path);
    return status == PEA_OK ? pea_png_write(path, &mask, NULL, err) : status;
}

/* ---- the command ---- */

static bool read_number(const char *text, int64_t low, int64_t high, int64_t *number)
{
    char *end;
    const long long value = strtoll(text, &end, 10);
    *number = value;
    return *text && !*end && value >= low && value <= high;
}

static bool read_size(const char *text, job *j)
{
    int64_t w, h;
    char copy[32];
    snprintf(copy, sizeof copy, "%s", text);
    char *by = strchr(copy, 'x');
    if (!by)
        return false;
    *by = '\0';
    if (!read_number(copy, 64, 4096, &w) || !read_number(by + 1, 64, 4096, &h))
        return false;
    j->width = (int)w;
    j->height = (int)h;
    return true;
}

static bool read_option(job *j, const char *name, const char *value)
{
    int64_t seed;
    if (!strcmp(name, "--seed") && read_number(value, 0, INT64_MAX, &seed)) {
        j->seed = (uint64_t)seed;
        return true;
    }
    if (!strcmp(name, "--layout")) {
        j->as_cvppp = !strcmp(value, "cvppp");
        return j->as_cvppp || !strcmp(value, "pairs");
    }
    return (!strcmp(name, "--first") && read_number(value, 0, 1000000, &j->first)) ||
           (!strcmp(name, "--size") && read_size(value, j));
}

static bool read_options(int argc, char **argv, job *j)
{
    if (argc < 3 || argc % 2 == 0 || !read_number(argv[2], 1, 1000000, &j->count))
        return false;
    j->folder = argv[1];
    for (int i = 3; i < argc; i += 2)
        if (!read_option(j, argv[i], argv[i + 1]))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    job j = {.first = 1, .seed = 1, .width = 500, .height = 530};
    pea_error err = {0};
    if (!read_options(argc, argv, &j)) {
        fprintf(stderr,
                "usage: rosettes FOLDER COUNT [--seed N] [--first N] [--size WxH] [--layout pairs|cvppp]\n");
        return 2;
    }
    const size_t n = (size_t)j.width * (size_t)j.height;
    j.picture = pea__alloc(n, 3, &err);
    j.labels = pea__alloc(n, sizeof *j.labels, &err);
    j.bytes = pea__alloc(n, 1, &err);
    pea_status status = j.picture && j.labels && j.bytes ? PEA_OK : PEA_E_NOMEM;
    for (int64_t i = j.first; i < j.first + j.count && status == PEA_OK; i++) {
        status = rosette_draw(j.seed, i, j.width, j.height, j.picture, j.labels, &err);
        if (status == PEA_OK)
            status = (j.as_cvppp ? write_cvppp : write_pair)(&j, i, &err);
    }
    pea__free(j.picture);
    pea__free(j.labels);
    pea__free(j.bytes);
    if (status != PEA_OK)
        fprintf(stderr, "rosettes: %s\n", err.message);
    return status != PEA_OK;
}
