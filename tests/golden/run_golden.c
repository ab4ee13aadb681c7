/* run_golden.c - computes every case of a folder of golden vectors and compares: run_golden [FOLDER].
 *
 * A case is a folder known by the files it holds, whatever its name and sizes are:
 *   model.ckpt + input.npy + meta.json   a network: every head and affinity file beside them
 *   expected.json                        metrics of NAME_gt.tif and NAME_pred.tif
 *   meta.json with "cases"               partitions NAME_labels.tif of NAME_affinity.npy
 *   meta.json + X_input.tif              small-object merging: X_PRESET_merged.tif for each preset of meta.json
 *   gradients.ckpt                       training steps: skipped, as this version does not train
 * One line for each result, then "N passed, N failed, N skipped". Exit status: 0; 1 when something failed; 77 when
 * there is no such folder.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const double tolerance_head = 2e-4, tolerance_affinity = 1e-4, tolerance_metric = 1e-9;

/* Random weights make outputs of up to 1600, where neighbouring float32 numbers are 1.2e-4 apart: the expected numbers
 * themselves lie up to 2.7e-3 beside the result in double precision there. So 4e-6 of the largest value, which is 34
 * roundings, is allowed where that is more. */
static const double tolerance_relative = 4e-6;

static size_t n_passed, n_failed, n_skipped;
static size_t n_relaxed; /* passed, but beyond the plain tolerance: the reader should know */

/* ---- results ---- */

static void tell(const char *outcome, const char *folder, const char *item, const char *format, va_list arguments)
{
    printf("%-7s %s%s%s: ", outcome, folder, item[0] ? "/" : "", item);
    vprintf(format, arguments);
    printf("\n");
}

__attribute__((format(printf, 4, 5)))
static void result(bool passed, const char *folder, const char *item, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(passed ? "passed" : "FAILED", folder, item, format, arguments);
    va_end(arguments);
    *(passed ? &n_passed : &n_failed) += 1;
}

__attribute__((format(printf, 3, 4)))
static void skipped(const char *folder, const char *item, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell("skipped", folder, item, format, arguments);
    va_end(arguments);
    n_skipped++;
}

static void failed(const char *folder, const char *item, const pea_error *err)
{
    result(false, folder, item, "%s", err->message);
}

/* ---- files ---- */

/* FOLDER/NAME ENDING in the one buffer of the caller; "" where too long, which then does not exist. */
static const char *path_in(const char *folder, const char *name, const char *ending, char path[CLI_MAX_PATH])
{
    pea_error ignored;
    if (cli_join(folder, name, ending, path, &ignored) != PEA_OK)
        path[0] = '\0';
    return path;
}

static bool holds(const char *folder, const char *name)
{
    char path[CLI_MAX_PATH];
    return cli_is_file(path_in(folder, name, "", path));
}

static cJSON *read_json(const char *folder, const char *name, pea_error *err)
{
    char path[CLI_MAX_PATH], *text;
    size_t n_bytes;
    if (cli_read_text(path_in(folder, name, "", path), 1 << 22, &text, &n_bytes, err) != PEA_OK)
        return NULL;
    cJSON *json = cJSON_ParseWithLength(text, n_bytes);
    free(text);
    if (!json)
        cli_fail(err, PEA_E_FORMAT, "%s is no JSON", path);
    return json;
}

/* All names in a folder that end so, sorted, without the ending. */
static pea_status list_ending(const char *folder, const char *ending, cli_paths *names, pea_error *err)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    char name[CLI_MAX_PATH];
    pea_status status = directory ? PEA_OK : cli_fail(err, PEA_E_IO, "cannot read folder %s", folder);
    while (status == PEA_OK && (entry = readdir(directory))) {
        const size_t length = strlen(entry->d_name), n = strlen(ending);
        if (entry->d_name[0] == '.' || length <= n || strcmp(entry->d_name + length - n, ending))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(length - n), entry->d_name);
        status = cli_paths_add(names, name, err);
    }
    if (directory)
        closedir(directory);
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- networks ---- */

struct network_case {
    const char *folder;
    const cJSON *meta;
    pea_model *model;
    const pea_network *network;
    int n_axes;
    cli_tensor input, heads[16];
};

/* The way of a user: import the checkpoint, open the model. */
static pea_status open_network(struct network_case *c, pea_error *err)
{
    char checkpoint[CLI_MAX_PATH], input[CLI_MAX_PATH], folder[] = "/tmp/pea-golden-XXXXXX", model[64];
    path_in(c->folder, "model", ".ckpt", checkpoint);
    if (!mkdtemp(folder))
        return cli_fail(err, PEA_E_IO, "cannot make a folder in /tmp");
    snprintf(model, sizeof model, "%s/m.safetensors", folder);
    pea_status status = pea_model_import(checkpoint, NULL, NULL, model, NULL, err);
    if (status == PEA_OK)
        status = pea_model_open(model, &c->model, err);
    unlink(model);
    rmdir(folder);
    if (status != PEA_OK)
        return status;
    c->network = pea_model_network(c->model);
    c->n_axes = pea_network_get_info(c->network).n_axes;
    return cli_tensor_read(path_in(c->folder, "input", ".npy", input), c->n_axes, false, &c->input, err);
}

static pea_status forward(struct network_case *c, pea_context *context, pea_error *err)
{
    const size_t n_heads = pea_network_get_info(c->network).n_heads;
    pea_array outputs[16];
    pea_status status = n_heads <= 16 ? PEA_OK : cli_fail(err, PEA_E_LIMIT, "more than 16 heads");
    for (size_t h = 0; status == PEA_OK && h < n_heads; h++) {
        const pea_head head = pea_network_head(c->network, h);
        const pea_dims d = c->input.dims;
        c->heads[h] = (cli_tensor){.has_batch = true, .n = c->input.n,
                                   .dims = {d.z, d.y / head.shrink, d.x / head.shrink, head.channels}};
        status = cli_tensor_alloc(&c->heads[h], err);
    }
    for (int64_t i = 0; status == PEA_OK && i < c->input.n; i++) {
        const pea_array input = cli_tensor_item(&c->input, i);
        for (size_t h = 0; h < n_heads; h++)
            outputs[h] = cli_tensor_item(&c->heads[h], i);
        status = pea_network_forward(c->network, context, PEA_FP32, &input, outputs, err);
    }
    return status;
}

static bool same_dims(const cli_tensor *a, const cli_tensor *b)
{
    return a->n == b->n && a->dims.z == b->dims.z && a->dims.y == b->dims.y && a->dims.x == b->dims.x &&
           a->dims.c == b->dims.c;
}

static void compare(const char *folder, const char *item, const cli_tensor *got, const cli_tensor *expected,
                    double plain, double allowed)
{
    if (!same_dims(got, expected)) {
        result(false, folder, item, "(n,c,z,y,x) is (%lld,%lld,%lld,%lld,%lld), expected (%lld,%lld,%lld,%lld,%lld)",
               (long long)got->n, (long long)got->dims.c, (long long)got->dims.z, (long long)got->dims.y,
               (long long)got->dims.x, (long long)expected->n, (long long)expected->dims.c,
               (long long)expected->dims.z, (long long)expected->dims.y, (long long)expected->dims.x);
        return;
    }
    const int64_t n = got->n * got->dims.z * got->dims.y * got->dims.x * got->dims.c;
    double largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const double difference = fabs((double)got->data[i] - (double)expected->data[i]);
        if (!(difference <= largest)) /* NaN must be noticed */
            largest = difference;
    }
    allowed = fmax(plain, allowed);
    n_relaxed += largest > plain && largest <= allowed;
    result(largest <= allowed, folder, item, "largest difference %.2e, allowed %.2e", largest, allowed);
}

/* "affinity_train": {"shifts": [...], "neighbours": 4} in meta.json says how the file of that name was made. */
static bool rule_of_shifts(const cJSON *rule, pea_offsets *offsets, pea_affinity_options *options, pea_error *err)
{
    int shifts[PEA_MAX_OFFSETS];
    size_t n = 0;
    const cJSON *item, *neighbours = cJSON_GetObjectItem(rule, "neighbours");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(rule, "shifts"))
        if (n < PEA_MAX_OFFSETS)
            shifts[n++] = item->valueint;
    options->border = PEA_BORDER_WRAP; /* the 2-D code fetches partners modulo the extents */
    options->relu = 1;
    return pea_offsets_from_shifts(shifts, n, cJSON_IsNumber(neighbours) ? neighbours->valueint : 4, offsets, err) ==
           PEA_OK;
}

static bool parse_offsets(const cJSON *list, pea_offsets *offsets, pea_error *err)
{
    char *text = list ? cJSON_PrintUnformatted(list) : NULL;
    if (!text) {
        cli_fail(err, PEA_E_FORMAT, "meta.json has no offsets");
        return false;
    }
    const pea_status status = pea_offsets_parse(text, strlen(text), offsets, err);
    cJSON_free(text);
    return status == PEA_OK;
}

/* "offsets" in meta.json: `affinity_raw` is before, `affinity` after the first-plane copy and ReLU. */
static bool rule_of_offsets(const char *name, const cJSON *list, pea_offsets *offsets, pea_affinity_options *options,
                            pea_error *err)
{
    const bool raw = !strcmp(name, "affinity_raw");
    options->border = raw ? PEA_BORDER_NONE : PEA_BORDER_COPY;
    options->relu = !raw;
    return parse_offsets(list, offsets, err);
}

/* Length of the shortest embedding: the shorter it is, the more a rounding turns it. */
static double shortest(const cli_tensor *embedding)
{
    const int64_t n = embedding->n * embedding->dims.z * embedding->dims.y * embedding->dims.x, c = embedding->dims.c;
    double least = INFINITY;
    for (int64_t p = 0; p < n; p++) {
        double sum = 0;
        for (int64_t k = 0; k < c; k++)
            sum += (double)embedding->data[p * c + k] * embedding->data[p * c + k];
        least = fmin(least, sqrt(sum));
    }
    return fmax(least, 1e-12);
}

static double largest_value(const cli_tensor *t)
{
    const int64_t n = t->n * t->dims.z * t->dims.y * t->dims.x * t->dims.c;
    double scale = 0;
    for (int64_t i = 0; i < n; i++)
        scale = fmax(scale, fabs((double)t->data[i]));
    return scale;
}

/* Affinities of these embeddings against the expected ones. */
static void affinity_of(const char *folder, const char *item, const cli_tensor *embedding, const pea_offsets *offsets,
                        const pea_affinity_options *options, const cli_tensor *expected, double allowed,
                        pea_context *context)
{
    pea_error err = {0};
    cli_tensor got = {.has_batch = true, .n = embedding->n, .dims = embedding->dims};
    got.dims.c = (int64_t)offsets->n;
    pea_status status = cli_tensor_alloc(&got, &err);
    for (int64_t i = 0; status == PEA_OK && i < got.n; i++) {
        const pea_array from = cli_tensor_item(embedding, i), affinity = cli_tensor_item(&got, i);
        status = pea_affinity_from_embedding(&from, offsets, options, context, &affinity, &err);
    }
    if (status == PEA_OK)
        compare(folder, item, &got, expected, tolerance_affinity, allowed);
    else
        failed(folder, item, &err);
    cli_tensor_free(&got);
}

/* Twice: of the expected embedding, which pins down the affinity alone, and of our own, which is the whole way. There
 * an allowed difference d of the embedding turns both partners by up to d / length, where that is more. */
static void compare_affinity(struct network_case *c, const char *name, const cli_tensor *expected, pea_context *context)
{
    pea_error err = {0};
    pea_offsets offsets;
    pea_affinity_options options = pea_affinity_options_default();
    const cJSON *rule = cJSON_GetObjectItem(c->meta, name), *list = cJSON_GetObjectItem(c->meta, "offsets");
    const int head = pea_network_find_head(c->network, "embedding");
    if (head < 0 || (!rule && !list)) {
        skipped(c->folder, name, "meta.json does not say how it was made");
        return;
    }
    const bool known = rule ? rule_of_shifts(rule, &offsets, &options, &err)
                            : rule_of_offsets(name, list, &offsets, &options, &err);
    if (!known) {
        failed(c->folder, name, &err);
        return;
    }
    char path[CLI_MAX_PATH], item[128];
    cli_tensor given = {0};
    const double turned = 2 * tolerance_relative * largest_value(&c->heads[head]) / shortest(&c->heads[head]);
    affinity_of(c->folder, name, &c->heads[head], &offsets, &options, expected, turned, context);
    snprintf(item, sizeof item, "%.60s of the expected embedding", name);
    if (!holds(c->folder, "embedding.npy"))
        return;
    if (cli_tensor_read(path_in(c->folder, "embedding", ".npy", path), c->n_axes, false, &given, &err) == PEA_OK)
        affinity_of(c->folder, item, &given, &offsets, &options, expected, 0, context);
    else
        failed(c->folder, item, &err);
    cli_tensor_free(&given);
}

static void compare_file(struct network_case *c, const char *name, pea_context *context)
{
    char path[CLI_MAX_PATH];
    pea_error err = {0};
    cli_tensor expected = {0};
    const int head = pea_network_find_head(c->network, name);
    const bool is_affinity = !strncmp(name, "affinity", 8);
    if (!strcmp(name, "input"))
        return;
    if (head < 0 && !is_affinity)
        result(false, c->folder, name, "the network has no such head");
    else if (cli_tensor_read(path_in(c->folder, name, ".npy", path), c->n_axes, false, &expected, &err) != PEA_OK)
        failed(c->folder, name, &err);
    else if (head >= 0)
        compare(c->folder, name, &c->heads[head], &expected, is_affinity ? tolerance_affinity : tolerance_head,
                is_affinity ? 0 : tolerance_relative * largest_value(&expected));
    else
        compare_affinity(c, name, &expected, context);
    cli_tensor_free(&expected);
}

static void check_parameters(const struct network_case *c)
{
    const cJSON *parameters = cJSON_GetObjectItem(c->meta, "parameters");
    const pea_network_info info = pea_network_get_info(c->network);
    if (cJSON_IsNumber(parameters))
        result((double)info.n_parameters == parameters->valuedouble, c->folder, "parameters", "%lld, expected %.0f",
               (long long)info.n_parameters, parameters->valuedouble);
}

static void network_case(const char *folder, const cJSON *meta, pea_context *context)
{
    struct network_case c = {.folder = folder, .meta = meta};
    pea_error err = {0};
    cli_paths names = {0};
    pea_status status = open_network(&c, &err);
    if (status == PEA_OK)
        status = forward(&c, context, &err);
    if (status == PEA_OK)
        status = list_ending(folder, ".npy", &names, &err);
    if (status != PEA_OK) {
        failed(folder, "", &err);
    } else {
        check_parameters(&c);
        qsort(names.item, names.n, sizeof *names.item, by_text);
        for (size_t i = 0; i < names.n; i++)
            compare_file(&c, names.item[i], context);
    }
    cli_paths_free(&names);
    cli_tensor_free(&c.input);
    for (size_t h = 0; h < 16; h++)
        cli_tensor_free(&c.heads[h]);
    pea_model_free(c.model);
}

/* ---- labels ---- */

static bool read_labels(const char *folder, const char *name, const char *ending, pea_volume *labels, pea_error *err)
{
    char path[CLI_MAX_PATH];
    int64_t n_frames;
    return cli_read_labels(path_in(folder, name, ending, path), NULL, labels, &n_frames, err) == PEA_OK;
}

/* Equal up to renaming, background staying background. map: at least as many as the largest label + 1. */
static bool maps_onto(const uint32_t *a, const uint32_t *b, int64_t n, uint32_t *map)
{
    for (int64_t i = 0; i < n; i++) {
        if ((a[i] == 0) != (b[i] == 0))
            return false;
        if (map[a[i]] == 0)
            map[a[i]] = b[i];
        if (map[a[i]] != b[i])
            return false;
    }
    return true;
}

static uint32_t largest(const pea_array *labels, int64_t n)
{
    uint32_t m = 0;
    for (int64_t i = 0; i < n; i++)
        m = ((const uint32_t *)labels->data)[i] > m ? ((const uint32_t *)labels->data)[i] : m;
    return m;
}

static bool same_partition(const pea_array *a, const pea_array *b)
{
    const int64_t n = a->dims.z * a->dims.y * a->dims.x;
    if (b->dims.z != a->dims.z || b->dims.y != a->dims.y || b->dims.x != a->dims.x)
        return false;
    uint32_t *there = calloc((size_t)largest(a, n) + 1, sizeof *there);
    uint32_t *back = calloc((size_t)largest(b, n) + 1, sizeof *back);
    const bool same = there && back && maps_onto(a->data, b->data, n, there) && maps_onto(b->data, a->data, n, back);
    free(there);
    free(back);
    return same;
}

/* ---- clustering ---- */

static pea_status cluster(const char *folder, const cJSON *meta, pea_context *context, pea_volume *labels,
                          pea_error *err)
{
    char path[CLI_MAX_PATH];
    pea_offsets offsets;
    pea_mutex_options options = pea_mutex_options_default();
    cli_tensor affinity = {0};
    pea_volume mask = {0};
    const cJSON *strides = cJSON_GetObjectItem(meta, "strides"), *item;
    const int n_strides = cJSON_GetArraySize(strides);
    int axis = 3 - n_strides;
    cJSON_ArrayForEach(item, strides)
        if (axis >= 0 && axis < 3)
            options.stride[axis++] = item->valueint;
    if (!parse_offsets(cJSON_GetObjectItem(meta, "offsets"), &offsets, err))
        return err->status;
    pea_status status = n_strides == 0 || n_strides == offsets.n_axes
                            ? PEA_OK
                            : cli_fail(err, PEA_E_FORMAT, "%d strides for %d axes", n_strides, offsets.n_axes);
    if (status == PEA_OK)
        status = cli_tensor_read(path_in(folder, meta->string, "_affinity.npy", path), offsets.n_axes, true, &affinity,
                                 err);
    if (status == PEA_OK && cJSON_IsTrue(cJSON_GetObjectItem(meta, "mask")))
        status = cli_read_mask(path_in(folder, meta->string, "_mask.tif", path), (pea_image_part){0},
                               (pea_dims){affinity.dims.z, affinity.dims.y, affinity.dims.x, 1}, NULL, &mask, err);
    if (status == PEA_OK)
        status = pea_volume_alloc(PEA_UINT32, (pea_dims){affinity.dims.z, affinity.dims.y, affinity.dims.x, 1}, labels,
                                  err);
    if (status == PEA_OK) {
        const pea_array edges = cli_tensor_item(&affinity, 0);
        status = pea_mutex_watershed(&edges, &offsets, mask.array.data ? &mask.array : NULL, &options, context,
                                     &labels->array, NULL, err);
    }
    pea_volume_free(&mask);
    cli_tensor_free(&affinity);
    return status;
}

static void cluster_case(const char *folder, const cJSON *meta, pea_context *context)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(meta, "cases")) {
        pea_error err = {0};
        pea_volume got = {0}, expected = {0};
        const cJSON *method = cJSON_GetObjectItem(item, "method");
        if (cJSON_IsString(method) && strcmp(method->valuestring, "mutex"))
            skipped(folder, item->string, "method %s is not there yet", method->valuestring);
        else if (cluster(folder, item, context, &got, &err) != PEA_OK ||
                 !read_labels(folder, item->string, "_labels.tif", &expected, &err))
            failed(folder, item->string, &err);
        else
            result(same_partition(&got.array, &expected.array), folder, item->string,
                   "the partition is compared exactly");
        pea_volume_free(&got);
        pea_volume_free(&expected);
    }
}

/* ---- small-object merging ---- */

static size_t read_passes(const cJSON *preset, pea_merge_pass *passes)
{
    size_t n = 0;
    const cJSON *pass;
    cJSON_ArrayForEach(pass, preset) if (n < PEA_MAX_MERGE_PASSES && cJSON_GetArraySize(pass) == 2)
        passes[n++] = (pea_merge_pass){cJSON_GetArrayItem(pass, 0)->valueint, cJSON_GetArrayItem(pass, 1)->valueint};
    return n;
}

static void merge_one(const char *folder, const char *name, const cJSON *preset)
{
    char merged[CLI_MAX_PATH];
    pea_error err = {0};
    pea_volume got = {0}, expected = {0};
    pea_merge_pass passes[PEA_MAX_MERGE_PASSES];
    const size_t n = read_passes(preset, passes);
    snprintf(merged, sizeof merged, "%.2000s_%.2000s_merged", name, preset->string);
    if (!read_labels(folder, merged, ".tif", &expected, &err) || !read_labels(folder, name, "_input.tif", &got, &err) ||
        pea_merge_small(&got.array, passes, n, NULL, &err) != PEA_OK)
        failed(folder, merged, &err);
    else
        result(same_partition(&got.array, &expected.array), folder, merged, "the partition is compared exactly");
    pea_volume_free(&got);
    pea_volume_free(&expected);
}

static void merging_case(const char *folder, const cJSON *meta, const cli_paths *names)
{
    const cJSON *preset;
    for (size_t i = 0; i < names->n; i++)
        cJSON_ArrayForEach(preset, meta)
            if (cJSON_IsArray(preset))
                merge_one(folder, names->item[i], preset);
}

/* ---- metrics ---- */

/* NaN where a key is not known: it then differs from everything. */
static double score_named(const pea_scores *scores, const char *key)
{
    for (size_t m = 0; m < pea_score_count(); m++)
        if (!strcmp(pea_score_get_item(m).key, key))
            return pea_score_value(scores, m);
    return NAN;
}

static double value_of(const cJSON *item)
{
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static void compare_scores(const char *folder, const cJSON *expected, const pea_scores *scores)
{
    const cJSON *item;
    double worst = 0;
    int n = 0;
    cJSON_ArrayForEach(item, expected) {
        const bool is_ap = !strcmp(item->string, "ap");
        const cJSON *value = is_ap ? item->child : item;
        for (size_t t = 0; value && t < (is_ap ? PEA_N_AP_THRESHOLDS : 1);
             t++, n++, value = is_ap ? value->next : NULL) {
            const double got = is_ap ? scores->ap[t] : score_named(scores, item->string);
            const double difference = fabs(got - value_of(value));
            if (!(difference <= tolerance_metric))
                result(false, folder, expected->string, "%s is %.17g, expected %.17g", item->string, got,
                       value_of(value));
            if (!(difference <= worst))
                worst = difference;
        }
    }
    if (worst <= tolerance_metric)
        result(n > 0, folder, expected->string, "%d scores, largest difference %.1e, allowed %.0e", n, worst,
               tolerance_metric);
}

static void metrics_case(const char *folder, const cJSON *expected, pea_context *context)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, expected) {
        pea_error err = {0};
        pea_volume truth = {0}, prediction = {0};
        pea_scores scores;
        if (!read_labels(folder, item->string, "_gt.tif", &truth, &err) ||
            !read_labels(folder, item->string, "_pred.tif", &prediction, &err) ||
            pea_score(&truth.array, &prediction.array, context, &scores, &err) != PEA_OK)
            failed(folder, item->string, &err);
        else
            compare_scores(folder, item, &scores);
        pea_volume_free(&truth);
        pea_volume_free(&prediction);
    }
}

/* ---- which case is it ---- */

/* True when the folder is a case of any kind, also of one that cannot be run. */
static bool run_case(const char *folder, pea_context *context)
{
    pea_error err = {0};
    const bool is_metrics = holds(folder, "expected.json");
    if (!is_metrics && !holds(folder, "meta.json"))
        return false;
    if (holds(folder, "gradients.ckpt")) {
        skipped(folder, "", "training steps: this version does not train");
        return true;
    }
    cJSON *json = read_json(folder, is_metrics ? "expected.json" : "meta.json", &err);
    cli_paths inputs = {0};
    if (!json || list_ending(folder, "_input.tif", &inputs, &err) != PEA_OK)
        failed(folder, "", &err);
    else if (is_metrics)
        metrics_case(folder, json, context);
    else if (cJSON_IsObject(cJSON_GetObjectItem(json, "cases")))
        cluster_case(folder, json, context);
    else if (holds(folder, "model.ckpt") && holds(folder, "input.npy"))
        network_case(folder, json, context);
    else if (inputs.n)
        merging_case(folder, json, &inputs);
    else
        skipped(folder, "", "no kind of case that is known here");
    cli_paths_free(&inputs);
    cJSON_Delete(json);
    return true;
}

/* The folder itself, and the folders in it down to three levels. */
static void visit(const char *folder, int levels, pea_context *context)
{
    char path[CLI_MAX_PATH];
    pea_error err = {0};
    cli_paths names = {0};
    if (run_case(folder, context) || levels == 0)
        return;
    if (list_ending(folder, "", &names, &err) != PEA_OK)
        failed(folder, "", &err);
    else if (names.n)
        qsort(names.item, names.n, sizeof *names.item, by_text);
    for (size_t i = 0; i < names.n; i++)
        if (cli_is_folder(path_in(folder, names.item[i], "", path)))
            visit(path, levels - 1, context);
    cli_paths_free(&names);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : getenv("PEA_GOLDEN_DIR");
    pea_context *context = NULL;
    pea_error err = {0};
    pea_context_options options = pea_context_options_default();
    if (!folder || !cli_is_folder(folder)) {
        printf("skipped: no folder %s\n0 passed, 0 failed, 0 skipped\n", folder ? folder : "in PEA_GOLDEN_DIR");
        return 77;
    }
    if (pea_context_new(&options, &context, &err) != PEA_OK) {
        fprintf(stderr, "run_golden: %s\n", err.message);
        return 1;
    }
    visit(folder, 3, context);
    if (n_passed + n_failed + n_skipped == 0)
        result(false, folder, "", "no case in this folder");
    pea_context_free(context);
    if (n_relaxed)
        printf("%zu of them differ by more than %.0e (affinities %.0e), but by no more than roundings of large values "
               "make\n",
               n_relaxed, tolerance_head, tolerance_affinity);
    printf("%zu passed, %zu failed, %zu skipped\n", n_passed, n_failed, n_skipped);
    return n_failed ? 1 : 0;
}
