/* training_set.c - the public face of a list of images and labels.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include "pea/image.h"

#include <math.h>

struct pea_training_set {
    pea__pairs pairs;
};

pea_status pea_training_set_new(pea_training_set **set, pea_error *err)
{
    *set = pea__alloc(1, sizeof **set, err);
    return *set ? PEA_OK : PEA_E_NOMEM;
}

void pea_training_set_free(pea_training_set *set)
{
    if (!set)
        return;
    pea__pairs_free(&set->pairs);
    pea__free(set);
}

const pea__pairs *pea__training_set_pairs(const pea_training_set *set)
{
    return &set->pairs;
}

static pea_status need(const void *set, const void *what, const char *which, pea_error *err)
{
    return set && what ? PEA_OK : pea__fail(err, PEA_E_ARG, "a training set and %s are needed", which);
}

pea_status pea_training_set_add_folder(pea_training_set *set, const char *folder, const char *images,
                                       const char *labels, int validation, pea_error *err)
{
    const pea_status status = need(set, folder, "a folder", err);
    return status == PEA_OK ? pea__pairs_add_folder(&set->pairs, folder, images, labels, validation != 0, err) : status;
}

pea_status pea_training_set_add_csv(pea_training_set *set, const char *path, int validation, pea_error *err)
{
    const pea_status status = need(set, path, "a CSV file", err);
    return status == PEA_OK ? pea__pairs_add_csv(&set->pairs, path, validation != 0, err) : status;
}

pea_status pea_training_set_add_published(pea_training_set *set, const char *name, const char *folder, pea_error *err)
{
    const pea_status status = need(set, name ? folder : NULL, "the name and the folder of a published set", err);
    return status == PEA_OK ? pea__pairs_add_published(&set->pairs, name, folder, err) : status;
}

pea_status pea_training_set_add_arrays(pea_training_set *set, const char *name, const pea_array *image,
                                       const pea_array *labels, int validation, pea_error *err)
{
    const pea_status status = need(set, image ? labels : NULL, "an image and labels", err);
    return status == PEA_OK
               ? pea__pairs_add_arrays(&set->pairs, name ? name : "image", image, labels, validation != 0, err)
               : status;
}

/* Slices of an image, frames aside. */
static pea_status count_slices(const pea__pair *pair, int64_t *n, pea_error *err)
{
    pea_image *image = NULL;
    *n = pair->image.dims.z;
    if (!pair->image_path)
        return PEA_OK;
    const pea_status status = pea_image_open(pair->image_path, PEA_IMAGE_INTENSITY, &image, err);
    if (status == PEA_OK)
        *n = pea_image_get_info(image).dims.z;
    pea_image_close(image);
    return status;
}

pea_status pea__training_set_split(pea_training_set *set, const pea__course *course, pea_error *err)
{
    const double share = course->options.validation_share;
    int64_t n = 1;
    for (size_t i = 0; i < set->pairs.n; i++)
        if (set->pairs.pair[i].validation)
            return PEA_OK;
    if (share == 0.0 || set->pairs.n == 0)
        return PEA_OK;
    const pea_status status = set->pairs.n == 1 ? count_slices(&set->pairs.pair[0], &n, err) : PEA_OK;
    if (status != PEA_OK)
        return status;
    if (n == 1)
        return pea__pairs_split(&set->pairs, share, course->options.seed, err);
    const int64_t aside = (int64_t)llround(share * (double)n);
    return pea__pairs_split_slices(&set->pairs, aside < 1 ? 1 : aside >= n ? n - 1 : aside, err);
}
