/* pairs_published.c - data sets as they are published, with the images that are set aside for validation.
 *
 *     cvppp     plantNNN_rgb.png, plantNNN_label.png    20 plants of the paper's split; in other folders than A1 none
 *     bbbc039   images/NAME.tif, masks/NAME.png         metadata/training.txt and validation.txt
 *     ac3ac4    train-input.tif, train-labels.tif       slices 0..79; the last 20. This is AC4, as SNEMI3D published it
 *
 * Sources: Minervini et al., Pattern Recognition Letters 2016; Caicedo et al., Cytometry A 2019; Kasthuri et al., Cell
 * 2015; for the splits Huang et al., AAAI 2022, and its public code.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/pairs.h"

#include <string.h>

static pea_status join_if_there(const char *folder, const char *const *names, size_t n, char path[PEA__MAX_PATH],
                                bool *found, pea_error *err)
{
    *found = false;
    for (size_t i = 0; i < n && !*found; i++) {
        const pea_status status = pea__path_join(folder, names[i], path, err);
        if (status != PEA_OK)
            return status;
        *found = pea__is_there(path);
    }
    return PEA_OK;
}

/* ---- leaves ---- */

static const int validation_plants[] = {2,  16,  29,  37,  45,  46,  55,  61,  72,  80,
                                        88, 99, 104, 108, 115, 127, 130, 142, 148, 159};

static bool is_validation_plant(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char expected[32];
    for (size_t i = 0; i < sizeof validation_plants / sizeof *validation_plants; i++) {
        snprintf(expected, sizeof expected, "plant%03d_rgb.png", validation_plants[i]);
        if (!strcmp(name, expected))
            return true;
    }
    return false;
}

static pea_status add_leaves(pea__pairs *pairs, const char *folder, pea_error *err)
{
    static const char *const subfolder[] = {"A1", "training/A1"};
    char path[PEA__MAX_PATH];
    bool inner;
    const size_t first = pairs->n;
    pea_status status = join_if_there(folder, subfolder, 2, path, &inner, err);
    if (status == PEA_OK)
        status = pea__pairs_add_folder(pairs, inner ? path : folder, "plant*_rgb.png", "plant*_label.png", false, err);
    for (size_t i = first; status == PEA_OK && i < pairs->n; i++)
        pairs->pair[i].validation = is_validation_plant(pairs->pair[i].image_path);
    return status;
}

/* ---- nuclei ---- */

/* One name of an image without its extension, or of its mask as published. */
static pea_status add_nucleus_image(pea__pairs *pairs, const char *folder, char *name, bool validation, pea_error *err)
{
    char file[300], image[PEA__MAX_PATH], mask[PEA__MAX_PATH];
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
    if (strlen(name) > 200)
        return pea__fail(err, PEA_E_FORMAT, "a name of %zu bytes is none of that set", strlen(name));
    snprintf(file, sizeof file, "images/%s.tif", name);
    pea_status status = pea__path_join(folder, file, image, err);
    snprintf(file, sizeof file, "masks/%s.png", name);
    if (status == PEA_OK)
        status = pea__path_join(folder, file, mask, err);
    if (status != PEA_OK)
        return status;
    pea__pair *pair = pea__pairs_add(pairs, image, image, mask, err);
    if (!pair)
        return PEA_E_NOMEM;
    pair->validation = validation;
    return PEA_OK;
}

static pea_status add_listed(pea__pairs *pairs, const char *folder, const char *list, bool validation, pea_error *err)
{
    char *text = NULL;
    size_t n_bytes = 0;
    pea_status status = pea__list_read(list, &text, &n_bytes, err);
    if (status != PEA_OK)
        return status;
    for (char *at = text, *end = text + n_bytes; at < end && status == PEA_OK;) {
        const size_t length = strcspn(at, "\r\n");
        at[length] = '\0'; /* there is room behind the last one */
        if (length > 0)
            status = add_nucleus_image(pairs, folder, at, validation, err);
        at += length + 1;
    }
    pea__free(text);
    return pea__name_file(status, list, err);
}

static pea_status add_nuclei(pea__pairs *pairs, const char *folder, pea_error *err)
{
    static const char *const names[2][3] = {
        {"metadata/training.txt", "BBBC039_metadata/training.txt", "training.txt"},
        {"metadata/validation.txt", "BBBC039_metadata/validation.txt", "validation.txt"},
    };
    char list[PEA__MAX_PATH];
    for (int k = 0; k < 2; k++) {
        bool found;
        pea_status status = join_if_there(folder, names[k], 3, list, &found, err);
        if (status == PEA_OK && !found)
            return pea__fail(err, PEA_E_IO, "%s has no %s: unpack images, masks and metadata of BBBC039 there",
                             pea__path_end(folder), names[k][0]);
        if (status == PEA_OK)
            status = add_listed(pairs, folder, list, k == 1, err);
        if (status != PEA_OK)
            return status;
    }
    pairs->rule = PEA__LABELS_PARTS;
    pairs->min_part_size = 25;
    return PEA_OK;
}

/* ---- neurons ---- */

enum { TRAINING_SLICES = 80, VALIDATION_SLICES = 20 };

static pea_status add_neurons(pea__pairs *pairs, const char *folder, pea_error *err)
{
    static const char *const images[] = {"train-input.tif", "image/train-input.tif", "AC4_inputs.tif",
                                         "AC4/train-input.tif"};
    static const char *const labels[] = {"train-labels.tif", "seg/train-labels.tif", "AC4_labels.tif",
                                         "AC4/train-labels.tif"};
    char image[PEA__MAX_PATH], label[PEA__MAX_PATH];
    bool found_image, found_label = false;
    pea_status status = join_if_there(folder, images, 4, image, &found_image, err);
    if (status == PEA_OK)
        status = join_if_there(folder, labels, 4, label, &found_label, err);
    if (status != PEA_OK)
        return status;
    if (!found_image || !found_label)
        return pea__fail(err, PEA_E_IO,
                         "%s has no %s: save AC4 as the TIFF stacks train-input.tif and train-labels.tif",
                         pea__path_end(folder), found_image ? "labels" : "image");
    for (int k = 0; k < 2; k++) {
        pea__pair *pair = pea__pairs_add(pairs, image, image, label, err);
        if (!pair)
            return PEA_E_NOMEM;
        pair->validation = k == 1;
        pair->first_slice = k == 0 ? 0 : -VALIDATION_SLICES;
        pair->end_slice = k == 0 ? TRAINING_SLICES : 0;
    }
    return PEA_OK;
}

pea_status pea__pairs_add_published(pea__pairs *pairs, const char *set, const char *folder, pea_error *err)
{
    if (!strcmp(set, "cvppp"))
        return add_leaves(pairs, folder, err);
    if (!strcmp(set, "bbbc039"))
        return add_nuclei(pairs, folder, err);
    if (!strcmp(set, "ac3ac4"))
        return add_neurons(pairs, folder, err);
    return pea__fail(err, PEA_E_ARG, "there is no published set called %.60s here: choose cvppp, bbbc039 or ac3ac4",
                     set);
}
