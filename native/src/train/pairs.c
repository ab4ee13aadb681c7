/* pairs.c - which image has which labels: by names in folders, by a table, or as the caller says.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/pairs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "train/csv.h"

/* ---- the list ---- */

static void free_pair(pea__pair *pair)
{
    pea__free(pair->name);
    pea__free(pair->image_path);
    pea__free(pair->label_path);
    *pair = (pea__pair){0};
}

void pea__pairs_free(pea__pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++)
        free_pair(pairs->pair + i);
    pea__free(pairs->pair);
    *pairs = (pea__pairs){0};
}

pea__pair *pea__pairs_add(pea__pairs *pairs, const char *name, const char *image_path, const char *label_path,
                          pea_error *err)
{
    pea__pair *grown = pea__room_for_one(pairs->pair, pairs->n, &pairs->capacity, sizeof *grown, err);
    if (!grown)
        return NULL;
    pairs->pair = grown;
    pea__pair *pair = pairs->pair + pairs->n;
    *pair = (pea__pair){.name = pea__copy_text(name, strlen(name), err)};
    bool complete = pair->name != NULL;
    if (complete && image_path)
        complete = (pair->image_path = pea__copy_text(image_path, strlen(image_path), err)) != NULL;
    if (complete && label_path)
        complete = (pair->label_path = pea__copy_text(label_path, strlen(label_path), err)) != NULL;
    if (!complete) {
        free_pair(pair);
        return NULL;
    }
    pairs->n++;
    return pair;
}

pea_status pea__pairs_add_arrays(pea__pairs *pairs, const char *name, const pea_array *image, const pea_array *labels,
                                 bool validation, pea_error *err)
{
    pea__pair *pair = pea__pairs_add(pairs, name, NULL, NULL, err);
    if (!pair)
        return PEA_E_NOMEM;
    pair->image = *image;
    pair->labels = *labels;
    pair->validation = validation;
    return PEA_OK;
}

pea_status pea__path_join(const char *folder, const char *name, char path[PEA__MAX_PATH], pea_error *err)
{
    const size_t length = strlen(folder);
    const char *slash = length == 0 || folder[length - 1] == '/' ? "" : "/";
    const int n = snprintf(path, PEA__MAX_PATH, "%s%s%s", folder, slash, name);
    if (n < 0 || n >= PEA__MAX_PATH)
        return pea__fail(err, PEA_E_LIMIT, "a path in the folder %s has more than %d bytes",
                         pea__path_end(folder), PEA__MAX_PATH - 1);
    return PEA_OK;
}

static bool same_files(const pea__pair *p, const pea__pair *q)
{
    return p->image_path && q->image_path && !strcmp(p->image_path, q->image_path) &&
           !strcmp(p->label_path, q->label_path);
}

size_t pea__pairs_first_alike(const pea__pairs *pairs, size_t i)
{
    const pea__pair *p = pairs->pair + i, *q = pairs->pair;
    for (; q < p; q++)
        if (p->validation == q->validation && p->first_slice == q->first_slice && p->end_slice == q->end_slice &&
            p->slice_step == q->slice_step && p->first_phase == q->first_phase && same_files(p, q))
            break;
    return (size_t)(q - pairs->pair);
}

/* ---- folders ---- */

/* "images/" "*.tif" taken apart. What the star stands for is the key that both partners share. */
typedef struct pattern {
    char folder[PEA__MAX_PATH];    /* where the files are */
    char before[256], after[256];  /* the star, in their names */
    bool any_extension;
} pattern;

/* Small letters in `word`; of those in the text none need be. */
static bool is_word(const char *text, const char *word)
{
    for (; *word; text++, word++)
        if (*text != *word && !(*word >= 'a' && *word <= 'z' && *text == *word - 'a' + 'A'))
            return false;
    return *text == '\0';
}

static bool is_image_extension(const char *dot)
{
    return is_word(dot, ".tif") || is_word(dot, ".tiff") || is_word(dot, ".png");
}

static pea_status read_pattern(const char *folder, const char *text, pattern *p, pea_error *err)
{
    const char *star = strchr(text, '*'), *slash = strrchr(text, '/'), *name = slash ? slash + 1 : text;
    char inner[PEA__MAX_PATH] = "";
    if (!star || strchr(star + 1, '*') || star < name || strlen(text) >= sizeof p->before)
        return pea__fail(err, PEA_E_ARG, "a pattern of file names has one * after the last slash, as in images/*.tif; "
                         "%.60s is none", text);
    memcpy(inner, text, (size_t)(name - text));
    inner[name - text] = '\0';
    memcpy(p->before, name, (size_t)(star - name));
    p->before[star - name] = '\0';
    memcpy(p->after, star + 1, strlen(star));
    p->any_extension = !strchr(star + 1, '.');
    return pea__path_join(folder, inner, p->folder, err);
}

/* Whether a name fits; the key is the part that the star stands for. */
static bool fits(const pattern *p, const char *name, const char **key, size_t *key_length)
{
    const size_t before = strlen(p->before), after = strlen(p->after);
    size_t length = strlen(name);
    const char *dot = strrchr(name, '.');
    if (name[0] == '.' || !dot || !is_image_extension(dot))
        return false;
    if (p->any_extension)
        length = (size_t)(dot - name);
    if (length < before + after + 1 || memcmp(name, p->before, before) ||
        memcmp(name + length - after, p->after, after))
        return false;
    *key = name + before;
    *key_length = length - before - after;
    return true;
}

typedef struct match {
    char *key, *path;
} match;

typedef struct matches {
    size_t n, capacity;
    match *match;
} matches;

static void free_matches(matches *list)
{
    for (size_t i = 0; i < list->n; i++) {
        pea__free(list->match[i].key);
        pea__free(list->match[i].path);
    }
    pea__free(list->match);
    *list = (matches){0};
}

static pea_status add_match(matches *list, const pattern *p, const char *name, const char *key, size_t key_length,
                            pea_error *err)
{
    char path[PEA__MAX_PATH];
    const pea_status status = pea__path_join(p->folder, name, path, err);
    if (status != PEA_OK)
        return status;
    match *grown = pea__room_for_one(list->match, list->n, &list->capacity, sizeof *grown, err);
    if (!grown)
        return PEA_E_NOMEM;
    list->match = grown;
    match *m = list->match + list->n++;
    m->path = pea__copy_text(path, strlen(path), err);
    m->key = pea__copy_text(key, key_length, err);
    return m->path && m->key ? PEA_OK : PEA_E_NOMEM;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const match *)a)->key, ((const match *)b)->key);
}

typedef struct search {
    const pattern *pattern, *other; /* what fits the other one (NULL: none) is none of ours */
    matches *list;
} search;

static pea_status look_at(void *argument, const char *name, pea_error *err)
{
    const search *s = argument;
    const char *key, *unused;
    size_t key_length, unused_length;
    if (!fits(s->pattern, name, &key, &key_length) || (s->other && fits(s->other, name, &unused, &unused_length)))
        return PEA_OK;
    return add_match(s->list, s->pattern, name, key, key_length, err);
}

/* Files that fit a pattern; a folder that is not there has none. */
static pea_status list_matches(const pattern *p, const pattern *other, matches *list, pea_error *err)
{
    search s = {p, other, list};
    bool found;
    pea_status status = pea__folder_names(p->folder[0] ? p->folder : ".", &found, look_at, &s, err);
    if (status == PEA_OK && list->n > 1)
        qsort(list->match, list->n, sizeof *list->match, by_key);
    for (size_t i = 1; status == PEA_OK && i < list->n; i++)
        if (!strcmp(list->match[i].key, list->match[i - 1].key))
            status = pea__fail(err, PEA_E_ARG, "%s and %s are both meant: move one away, or name the extension",
                               pea__path_end(list->match[i - 1].path), pea__path_end(list->match[i].path));
    return status;
}

/* Both lists are in order: a key that one of them lacks shows at once. */
static pea_status pair_up(pea__pairs *pairs, const matches *images, const matches *labels, const char *image_pattern,
                          const char *label_pattern, bool validation, pea_error *err)
{
    for (size_t i = 0; i < images->n || i < labels->n; i++) {
        const int order = i >= images->n   ? 1
                          : i >= labels->n ? -1
                                           : strcmp(images->match[i].key, labels->match[i].key);
        if (order < 0)
            return pea__fail(err, PEA_E_IO, "%s has no labels: they should be called as %s says, with %.80s for *",
                             pea__path_end(images->match[i].path), label_pattern, images->match[i].key);
        if (order > 0)
            return pea__fail(err, PEA_E_IO, "%s has no image: it should be called as %s says, with %.80s for *",
                             pea__path_end(labels->match[i].path), image_pattern, labels->match[i].key);
        pea__pair *pair = pea__pairs_add(pairs, images->match[i].path, images->match[i].path, labels->match[i].path,
                                         err);
        if (!pair)
            return PEA_E_NOMEM;
        pair->validation = validation;
    }
    return PEA_OK;
}

/* *found: whether both patterns matched something. */
static pea_status try_patterns(pea__pairs *pairs, const char *folder, const char *images, const char *labels,
                               bool validation, bool *found, pea_error *err)
{
    pattern image_pattern, label_pattern;
    matches image_files = {0}, label_files = {0};
    *found = false;
    pea_status status = read_pattern(folder, images, &image_pattern, err);
    if (status == PEA_OK)
        status = read_pattern(folder, labels, &label_pattern, err);
    if (status == PEA_OK) {
        const bool same_folder = !strcmp(image_pattern.folder, label_pattern.folder);
        status = list_matches(&image_pattern, same_folder ? &label_pattern : NULL, &image_files, err);
    }
    if (status == PEA_OK)
        status = list_matches(&label_pattern, NULL, &label_files, err);
    *found = image_files.n > 0 && label_files.n > 0;
    if (status == PEA_OK && *found)
        status = pair_up(pairs, &image_files, &label_files, images, labels, validation, err);
    free_matches(&image_files);
    free_matches(&label_files);
    return status;
}

/* From the most to the least particular: a star alone fits everything. */
static const char *const layouts[][2] = {
    {"*_image", "*_labels"}, {"*_image", "*_label"}, {"*_image", "*_masks"}, {"*_image", "*_mask"},
    {"*_img", "*_labels"},   {"*_img", "*_label"},   {"*_img", "*_masks"},   {"*_img", "*_mask"},
    {"*_rgb", "*_label"},    {"images/*", "labels/*"}, {"images/*", "masks/*"}, {"image/*", "label/*"},
    {"image/*", "labels/*"}, {"image/*", "mask/*"},  {"*", "*_cp_masks"},    {"*", "*_labels"},
    {"*", "*_label"},        {"*", "*_masks"},       {"*", "*_mask"},
};

pea_status pea__pairs_add_folder(pea__pairs *pairs, const char *folder, const char *images, const char *labels,
                                 bool validation, pea_error *err)
{
    bool found = false;
    pea_status status = PEA_OK;
    if (!images != !labels)
        return pea__fail(err, PEA_E_ARG, "there are patterns for the names of images and of labels, or none of both");
    if (!pea__is_there(folder))
        return pea__fail(err, PEA_E_IO, "there is no folder %s", pea__path_end(folder));
    if (images) {
        status = try_patterns(pairs, folder, images, labels, validation, &found, err);
        if (status == PEA_OK && !found)
            return pea__fail(err, PEA_E_ARG, "%s has no images called %.80s with labels called %.80s",
                             pea__path_end(folder), images, labels);
        return status;
    }
    for (size_t i = 0; status == PEA_OK && !found && i < sizeof layouts / sizeof *layouts; i++)
        status = try_patterns(pairs, folder, layouts[i][0], layouts[i][1], validation, &found, err);
    if (status == PEA_OK && !found)
        return pea__fail(err, PEA_E_ARG,
                         "%s has no TIFF or PNG images with labels: name them NAME_image.tif and NAME_labels.tif, or "
                         "alike in folders images and labels, or say what they are called", pea__path_end(folder));
    return status;
}

/* ---- tables ---- */

enum { MAX_TABLE_BYTES = 64 << 20 };

static pea_status read_role(const char *text, bool *validation)
{
    const bool training = is_word(text, "training") || is_word(text, "train");
    if (text[0] == '\0')
        return PEA_OK;
    *validation = is_word(text, "validation") || is_word(text, "valid") || is_word(text, "val");
    return training || *validation ? PEA_OK : PEA_E_FORMAT;
}

static bool names_image(const char *text)
{
    const char *dot = strrchr(text, '.');
    return dot && is_image_extension(dot);
}

static pea_status add_row(pea__pairs *pairs, const char *folder, const pea__csv_row *row, bool validation,
                          pea_error *err)
{
    char image[PEA__MAX_PATH], labels[PEA__MAX_PATH];
    if (row->n < 2 || row->n > 3 || !row->field[0][0] || !row->field[1][0])
        return pea__fail(err, PEA_E_FORMAT,
                         "line %d has %d columns, expected an image, its labels, and perhaps training or validation",
                         row->line, row->n);
    if (row->n == 3 && read_role(row->field[2], &validation) != PEA_OK) {
        char shown[64];
        return pea__fail(err, PEA_E_FORMAT, "line %d says %s, expected training or validation", row->line,
                         pea__printable(row->field[2], strlen(row->field[2]), shown));
    }
    pea_status status = pea__path_join(row->field[0][0] == '/' ? "" : folder, row->field[0], image, err);
    if (status == PEA_OK)
        status = pea__path_join(row->field[1][0] == '/' ? "" : folder, row->field[1], labels, err);
    if (status != PEA_OK)
        return status;
    pea__pair *pair = pea__pairs_add(pairs, image, image, labels, err);
    if (!pair)
        return PEA_E_NOMEM;
    pair->validation = validation;
    return PEA_OK;
}

pea_status pea__pairs_add_table(pea__pairs *pairs, const char *folder, char *text, size_t n_bytes, bool validation,
                                pea_error *err)
{
    pea__csv csv = pea__csv_of(text, n_bytes);
    pea__csv_row row;
    const size_t n_before = pairs->n;
    if (memchr(text, '\0', n_bytes))
        return pea__fail(err, PEA_E_FORMAT, "a table of images is text, in UTF-8 or ASCII: this is not");
    for (bool first = true;; first = false) {
        pea_status status = pea__csv_next(&csv, &row, err);
        if (status != PEA_OK)
            return status;
        if (row.n == 0)
            break;
        if (first && !names_image(row.field[0]))
            continue;
        status = add_row(pairs, folder, &row, validation, err);
        if (status != PEA_OK)
            return status;
    }
    if (pairs->n == n_before)
        return pea__fail(err, PEA_E_FORMAT, "the table names no image");
    return PEA_OK;
}

/* A whole small file, with room for a byte behind it. */
pea_status pea__list_read(const char *path, char **text, size_t *n_bytes, pea_error *err)
{
    pea__reader reader;
    pea_status status = pea__reader_open(path, &reader, err);
    if (status != PEA_OK)
        return status;
    if (reader.size_bytes > MAX_TABLE_BYTES)
        status = pea__fail(err, PEA_E_LIMIT, "%s has %" PRId64 " bytes: lists of images have at most %d",
                           pea__path_end(path), reader.size_bytes, MAX_TABLE_BYTES);
    *n_bytes = (size_t)reader.size_bytes;
    *text = NULL;
    if (status == PEA_OK && !(*text = pea__alloc(*n_bytes + 1, 1, err)))
        status = PEA_E_NOMEM;
    if (status == PEA_OK)
        status = pea__reader_at(&reader, 0, *text, *n_bytes, err);
    pea__reader_close(&reader);
    if (status != PEA_OK) {
        pea__free(*text);
        *text = NULL;
    }
    return status;
}

const char *pea__path_end(const char *path)
{
    enum { SHOWN = 160 };
    const size_t length = strlen(path);
    const char *end = length > SHOWN ? path + length - SHOWN : path;
    while (((unsigned char)*end & 0xc0) == 0x80)
        end++;
    return end;
}

pea_status pea__name_file(pea_status status, const char *path, pea_error *err)
{
    pea_error plain;
    if (status == PEA_OK || !err)
        return status;
    plain = *err;
    return pea__fail(err, status, "%s: %s", pea__path_end(path), plain.message);
}

pea_status pea__pairs_add_csv(pea__pairs *pairs, const char *path, bool validation, pea_error *err)
{
    char folder[PEA__MAX_PATH] = "", *text = NULL;
    size_t n_bytes = 0;
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) + 1 < sizeof folder)
        memcpy(folder, path, (size_t)(slash - path) + 1);
    pea_status status = pea__list_read(path, &text, &n_bytes, err);
    if (status == PEA_OK)
        status = pea__name_file(pea__pairs_add_table(pairs, folder, text, n_bytes, validation, err), path, err);
    pea__free(text);
    return status;
}

/* ---- what is set aside ---- */

typedef struct lot {
    double value;
    size_t index;
} lot;

static int by_value(const void *a, const void *b)
{
    const lot *p = a, *q = b;
    return p->value < q->value ? -1 : p->value > q->value ? 1 : p->index < q->index ? -1 : p->index > q->index;
}

static bool any_validation(const pea__pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++)
        if (pairs->pair[i].validation)
            return true;
    return false;
}

/* The first pair of the same files. */
static size_t first_of_files(const pea__pairs *pairs, size_t i)
{
    size_t k = 0;
    while (k < i && !same_files(pairs->pair + i, pairs->pair + k))
        k++;
    return k;
}

/* One for each image, in the order of their values. Returns how many. */
static size_t draw_lots(const pea__pairs *pairs, uint64_t seed, lot *lots)
{
    pea__random random = pea__random_of(seed, 0, 0, PEA__DRAW_SPLIT);
    size_t n = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        const double value = pea__random_unit(&random);
        if (first_of_files(pairs, i) == i)
            lots[n++] = (lot){value, i};
    }
    if (n > 1)
        qsort(lots, n, sizeof *lots, by_value);
    return n;
}

pea_status pea__pairs_split(pea__pairs *pairs, double share, uint64_t seed, pea_error *err)
{
    if (!(share > 0.0 && share < 1.0))
        return pea__fail(err, PEA_E_ARG, "the share of images for validation is %g, expected between 0 and 1", share);
    if (any_validation(pairs))
        return PEA_OK;
    lot *lots = pea__alloc(pairs->n, sizeof *lots, err);
    if (!lots)
        return PEA_E_NOMEM;
    const size_t n_images = draw_lots(pairs, seed, lots), most = n_images > 0 ? n_images - 1 : 0;
    const double wanted = share * (double)n_images + 0.5;
    const size_t at_least = wanted < 1.0 ? 1 : (size_t)wanted, n = at_least > most ? most : at_least;
    for (size_t i = 0; i < n; i++)
        pairs->pair[lots[i].index].validation = true;
    for (size_t i = 0; i < pairs->n; i++)
        pairs->pair[i].validation = pairs->pair[first_of_files(pairs, i)].validation;
    pea__free(lots);
    if (n_images < 2)
        return pea__fail(err, PEA_E_ARG, "%zu image cannot be shared between training and validation: give more, "
                         "others for validation, or slices of a volume", n_images);
    return PEA_OK;
}

/* A pair once more, perhaps in another list. */
static pea__pair *repeat(pea__pairs *list, const pea__pair *pair, pea_error *err)
{
    const pea__pair old = *pair; /* the list may move */
    pea__pair *again = pea__pairs_add(list, old.name, old.image_path, old.label_path, err);
    if (again) {
        char *const name = again->name, *const image_path = again->image_path, *const label_path = again->label_path;
        *again = old;
        again->name = name;
        again->image_path = image_path;
        again->label_path = label_path;
    }
    return again;
}

pea_status pea__pairs_split_slices(pea__pairs *pairs, int64_t n_slices, pea_error *err)
{
    if (n_slices < 1)
        return pea__fail(err, PEA_E_ARG, "%" PRId64 " slices cannot be set aside for validation", n_slices);
    if (any_validation(pairs))
        return PEA_OK;
    const size_t n = pairs->n;
    for (size_t i = 0; i < n; i++) {
        pea__pair *pair = repeat(pairs, pairs->pair + i, err);
        if (!pair)
            return PEA_E_NOMEM;
        pair->first_slice = -n_slices;
        pair->validation = true;
        pairs->pair[i].end_slice = -n_slices;
    }
    return PEA_OK;
}

static pea_status thin_pair(const pea__pair *pair, int64_t step, pea__pairs *thin, pea_error *err)
{
    for (int64_t phase = 0; phase < step; phase++) {
        pea__pair *coarse = repeat(thin, pair, err);
        if (!coarse)
            return PEA_E_NOMEM;
        coarse->slice_step = step;
        coarse->first_phase = phase;
    }
    return PEA_OK;
}

pea_status pea__pairs_thin(const pea__pairs *pairs, const int64_t *steps, size_t n_steps, pea__pairs *thin,
                           pea_error *err)
{
    pea_status status = PEA_OK;
    *thin = (pea__pairs){.rule = pairs->rule, .min_part_size = pairs->min_part_size};
    for (size_t i = 0; i < pairs->n; i++)
        for (size_t k = 0; k < n_steps && status == PEA_OK; k++)
            status = thin_pair(pairs->pair + i, steps[k], thin, err);
    return status;
}
