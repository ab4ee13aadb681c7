/* model_json.c - a model's settings as the JSON record in its file: docs/model-format.md lists the keys.
 * Keys that this version does not know stay in the record and are not looked at: later versions may add some.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"
#include "pipeline/pipeline.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_BYTES = 16 << 20, MAX_THUMBNAIL = 64 << 10 };

static const char citation[] = "Huang, Deng, Chen, Fu, Xiong: Learning to Model Pixel-Embedded Affinity for "
                               "Homogeneous Instance Segmentation, AAAI 2022";

/* What a record may be given at import; the first two are written from the network alone. */
static const char *const known_keys[] = {
    "format_version", "network", "name", "description", "normalise", "padding", "cluster_padded", "border", "offsets",
    "strides", "foreground", "foreground_threshold", "min_foreground_size", "clusterer", "cut", "scoring", "fragments",
    "bandwidth", "merge", "min_size", "absorb_size", "parts", "fill_holes", "connectivity", "n_largest", "tile",
    "tile_step", "tile_margin", "pixel_size", "licence", "provenance", "citation", "thumbnail",
};
enum { N_KEYS = sizeof known_keys / sizeof *known_keys, N_OWN_KEYS = 2 };

/* ---- reading: once something was wrong, everything else is skipped ---- */

typedef struct reader {
    const cJSON *record;
    pea_status status;
    pea_error *err;
} reader;

/* NULL where the key is absent, with the status set if it must not be, or after an earlier failure. */
static const cJSON *find(reader *r, const char *key, bool required)
{
    if (r->status != PEA_OK)
        return NULL;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->record, key);
    if (!item && required)
        r->status = pea__fail(r->err, PEA_E_FORMAT, "the model's settings lack the key '%s'", key);
    return item;
}

static void wrong(reader *r, const char *key, const char *expected)
{
    r->status = pea__fail(r->err, PEA_E_FORMAT, "the model's setting '%s' must be %s", key, expected);
}

static const char *read_text(reader *r, const char *key, bool required)
{
    const cJSON *item = find(r, key, required);
    if (!item || (!required && cJSON_IsNull(item)))
        return NULL;
    if (!cJSON_IsString(item)) {
        wrong(r, key, "a text");
        return NULL;
    }
    return item->valuestring;
}

static bool is_whole(const cJSON *item, int64_t low, int64_t *value)
{
    return pea__json_integer(item, value) && *value >= low && *value <= INT32_MAX;
}

/* One whole number from `low` to 2^31 - 1; unchanged where the key is absent. */
static void read_whole(reader *r, const char *key, bool required, int64_t low, int64_t *value)
{
    char expected[64];
    const cJSON *item = find(r, key, required);
    snprintf(expected, sizeof expected, "a whole number from %d to 2147483647", (int)low);
    if (item && !is_whole(item, low, value))
        wrong(r, key, expected);
}

/* The same for a list of exactly n of them. */
static void read_list(reader *r, const char *key, bool required, int n, int64_t low, int64_t *values)
{
    char expected[64];
    const cJSON *list = find(r, key, required);
    if (!list)
        return;
    bool good = cJSON_IsArray(list) && cJSON_GetArraySize(list) == n;
    const cJSON *item = list->child;
    for (int i = 0; i < n && good; i++, item = item->next)
        good = is_whole(item, low, &values[i]);
    snprintf(expected, sizeof expected, "a list of %d whole numbers from %d to 2147483647", n, (int)low);
    if (!good)
        wrong(r, key, expected);
}

static void read_version(reader *r)
{
    int64_t version = 0;
    read_whole(r, "format_version", true, 1, &version);
    if (r->status == PEA_OK && version > PEA__MODEL_FORMAT_VERSION)
        r->status = pea__fail(r->err, PEA_E_FORMAT,
                              "the model's format version is %" PRId64 ", this program reads up to %d: update it",
                              version, PEA__MODEL_FORMAT_VERSION);
}

/* What the record says of the network must be what the tensors say. */
static void read_network(reader *r, pea_network_info info)
{
    int64_t n;
    const cJSON *network = find(r, "network", false);
    if (!network)
        return;
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(network, "kind"),
                *channels = cJSON_GetObjectItemCaseSensitive(network, "in_channels");
    if (!cJSON_IsObject(network) || (kind && !cJSON_IsString(kind)) || (channels && !pea__json_integer(channels, &n)))
        wrong(r, "network", "an object with the text 'kind' and the number 'in_channels'");
    else if ((kind && strcmp(kind->valuestring, info.kind) != 0) || (channels && n != info.in_channels))
        r->status = pea__fail(r->err, PEA_E_FORMAT,
                              "the model's setting 'network' does not describe its tensors, which make a %s of %" PRId64
                              " input channels", info.kind, info.in_channels);
}

static void read_choices(reader *r, bool is_plane, pea_segment_options *o)
{
    const char *text;
    if ((text = read_text(r, "normalise", true)) && !pea_normalise_parse(text, &o->normalise))
        wrong(r, "normalise", "minmax, imagenet or unit");
    if ((text = read_text(r, "padding", is_plane)) && !pea_padding_parse(text, &o->padding))
        wrong(r, "padding", "reflect-end, reflect-square or zero-square");
    if ((text = read_text(r, "foreground", true)) && !pea_foreground_parse(text, &o->foreground))
        wrong(r, "foreground", "none, given or predicted");
    if ((text = read_text(r, "border", false)) && !pea_border_parse(text, &o->border))
        wrong(r, "border", "none, wrap or copy");
    if ((text = read_text(r, "clusterer", true)) && !pea_clusterer_parse(text, &o->clusterer))
        wrong(r, "clusterer", "mutex, agglomerate, multicut or meanshift");
    if ((text = read_text(r, "parts", false)) && !pea_parts_parse(text, &o->parts))
        wrong(r, "parts", "keep, split or largest");
    if ((text = read_text(r, "connectivity", false)) && !pea_connectivity_parse(text, &o->connectivity))
        wrong(r, "connectivity", "faces, edges or corners");
    const cJSON *fill = find(r, "fill_holes", false);
    if (fill && !cJSON_IsBool(fill))
        wrong(r, "fill_holes", "true or false");
    else if (fill)
        o->fill_holes = cJSON_IsTrue(fill);
    const cJSON *padded = find(r, "cluster_padded", false), *threshold = find(r, "foreground_threshold", false);
    if (padded && !cJSON_IsBool(padded))
        wrong(r, "cluster_padded", "true or false");
    else if (padded)
        o->cluster_padded = cJSON_IsTrue(padded);
    if (threshold && !(cJSON_IsNumber(threshold) && threshold->valuedouble >= 0.0 && threshold->valuedouble < 1.0))
        wrong(r, "foreground_threshold", "a number of at least 0 and below 1");
    else if (threshold)
        o->foreground_threshold = threshold->valuedouble;
}

/* A number of [low, high]; unchanged where the key is absent. */
static void read_real(reader *r, const char *key, double low, double high, const char *expected, double *value)
{
    const cJSON *item = find(r, key, false);
    if (item && !(cJSON_IsNumber(item) && item->valuedouble >= low && item->valuedouble <= high))
        wrong(r, key, expected);
    else if (item)
        *value = item->valuedouble;
}

/* [boundary, sigma, size]. */
static void read_fragments(reader *r, pea_segment_options *o)
{
    const cJSON *list = find(r, "fragments", false);
    if (!list)
        return;
    const bool good = cJSON_IsArray(list) && cJSON_GetArraySize(list) == 3;
    const cJSON *boundary = good ? list->child : NULL, *sigma = good ? boundary->next : NULL;
    if (!good || !cJSON_IsNumber(boundary) || !(boundary->valuedouble >= 0.0 && boundary->valuedouble < 1.0) ||
        !cJSON_IsNumber(sigma) || !(sigma->valuedouble >= 0.0 && sigma->valuedouble <= 100.0) ||
        !is_whole(sigma->next, 0, &o->fragment_size)) {
        wrong(r, "fragments", "a list [boundary, sigma, size]: 0 to below 1, 0 to 100, a whole number from 0");
        return;
    }
    o->fragment_boundary = boundary->valuedouble;
    o->fragment_sigma = sigma->valuedouble;
}

/* How the clusterer goes about it. */
static void read_tuning(reader *r, pea_segment_options *o)
{
    int64_t percent;
    read_real(r, "cut", PEA_CUT_MIN, PEA_CUT_MAX, "a number from 0.001 to 0.999", &o->cut);
    read_real(r, "bandwidth", DBL_MIN, DBL_MAX, "a number above 0", &o->bandwidth);
    read_fragments(r, o);
    const cJSON *scoring = find(r, "scoring", false);
    if (!scoring)
        return;
    if (cJSON_IsString(scoring) && strcmp(scoring->valuestring, "mean") == 0)
        o->score_percent = PEA_SCORE_PERCENT_MEAN;
    else if (is_whole(scoring, 0, &percent) && percent <= 99)
        o->score_percent = (int)percent;
    else
        wrong(r, "scoring", "\"mean\" or a whole number from 0 to 99");
}

static void read_offsets(reader *r, int n_axes, pea_segment_options *o)
{
    int64_t strides[3] = {1, 1, 1};
    const cJSON *item = find(r, "offsets", true);
    char *text = item ? cJSON_PrintUnformatted(item) : NULL;
    if (item && !text)
        r->status = pea__fail(r->err, PEA_E_NOMEM, "out of memory while reading the model's offsets");
    else if (text)
        r->status = pea_offsets_parse(text, strlen(text), &o->offsets, r->err);
    cJSON_free(text);
    read_list(r, "strides", true, n_axes, 1, strides + 3 - n_axes);
    for (int i = 0; i < 3; i++)
        o->stride[i] = (int)strides[i];
}

static void read_merge(reader *r, pea_segment_options *o)
{
    static const char expected[] = "a list of at most 8 pairs [largest size, window], whole numbers from 0 and 1";
    const cJSON *list = find(r, "merge", false), *pass;
    if (!list)
        return;
    o->n_merge = 0;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > PEA_MAX_MERGE_PASSES) {
        wrong(r, "merge", expected);
        return;
    }
    cJSON_ArrayForEach(pass, list) {
        int64_t size, window;
        if (!cJSON_IsArray(pass) || cJSON_GetArraySize(pass) != 2 || !pea__json_integer(pass->child, &size) ||
            !pea__json_integer(pass->child->next, &window) || size < 0 || size > INT32_MAX || window < 1 ||
            window > INT32_MAX) {
            wrong(r, "merge", expected);
            return;
        }
        o->merge[o->n_merge++] = (pea_merge_pass){(int32_t)size, (int32_t)window};
    }
}

/* Voxels of the training images; z may be absent, and then is 1. Left alone where nothing is known. */
static void read_pixel_size(reader *r, pea_calibration *calibration)
{
    static const char *const axes[] = {"z", "y", "x"};
    double edges[3] = {1.0, 1.0, 1.0};
    const cJSON *size = find(r, "pixel_size", false);
    if (!size || cJSON_IsNull(size))
        return;
    const cJSON *unit = cJSON_GetObjectItemCaseSensitive(size, "unit");
    bool good = cJSON_IsObject(size) && cJSON_IsString(unit) && strlen(unit->valuestring) < sizeof calibration->unit;
    for (int i = 0; i < 3 && good; i++) {
        const cJSON *edge = cJSON_GetObjectItemCaseSensitive(size, axes[i]);
        good = edge ? cJSON_IsNumber(edge) && edge->valuedouble > 0.0 && isfinite(edge->valuedouble) : i == 0;
        edges[i] = good && edge ? edge->valuedouble : edges[i];
    }
    if (!good) {
        wrong(r, "pixel_size", "null or an object such as {\"y\": 0.5, \"x\": 0.5, \"unit\": \"um\"}");
        return;
    }
    *calibration = (pea_calibration){.z = edges[0], .y = edges[1], .x = edges[2]};
    memcpy(calibration->unit, unit->valuestring, strlen(unit->valuestring));
}

/* A picture for lists of models: a PNG as base64. Nobody decodes it here; what shows it can trust the form. */
static void read_thumbnail(reader *r)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char png[] = "iVBORw0KGgoAAAANSUhEU"; /* the signature and the name of the first chunk */
    const char *text = read_text(r, "thumbnail", false);
    if (!text)
        return;
    const size_t n = strlen(text), n_plain = strspn(text, alphabet), n_filled = strspn(text + n_plain, "=");
    if (n > MAX_THUMBNAIL || n % 4 != 0 || n_filled > 2 || n_plain + n_filled != n ||
        strncmp(text, png, sizeof png - 1) != 0)
        wrong(r, "thumbnail", "a PNG in base64, at most 65536 characters without line ends");
}

static void read_words(reader *r, char **name)
{
    const char *text = read_text(r, "name", false);
    if (r->status == PEA_OK && text && !(*name = pea__copy_text(text, strlen(text), r->err)))
        r->status = PEA_E_NOMEM;
    (void)read_text(r, "description", false);
    (void)read_text(r, "licence", false);
    (void)read_text(r, "citation", false);
    read_thumbnail(r);
}

static pea_status parse_object(const char *text, cJSON **record, pea_error *err)
{
    pea__budget budget = {.left = MAX_BYTES, .total = MAX_BYTES};
    *record = NULL;
    const pea_status status = pea__json_parse(text, strlen(text), MAX_DEPTH, &budget, record, err);
    if (status != PEA_OK || cJSON_IsObject(*record))
        return status;
    cJSON_Delete(*record);
    *record = NULL;
    return pea__fail(err, PEA_E_FORMAT, "the model's settings must be one JSON object");
}

bool pea__record_has(const char *json, const char *key)
{
    cJSON *record = NULL;
    const bool has = parse_object(json, &record, NULL) == PEA_OK && cJSON_GetObjectItemCaseSensitive(record, key);
    cJSON_Delete(record);
    return has;
}

static pea_status read_record(const cJSON *record, pea_network_info network, pea_segment_options *options, char **name,
                              pea_error *err)
{
    reader r = {record, PEA_OK, err};
    pea_calibration pixel_size;
    *name = NULL;
    r.status = pea_preset(network.n_axes == 3 ? "ac3ac4" : "nuclei", options, err); /* for keys that may be absent */
    options->border = PEA_BORDER_NONE;
    options->foreground_threshold = 0.5;
    options->min_foreground_size = options->min_size = options->absorb_size = 0;
    options->n_merge = 0;
    read_version(&r);
    read_network(&r, network);
    read_choices(&r, network.n_axes == 2, options);
    read_offsets(&r, network.n_axes, options);
    read_tuning(&r, options);
    read_merge(&r, options);
    read_whole(&r, "min_foreground_size", false, 0, &options->min_foreground_size);
    read_whole(&r, "min_size", false, 0, &options->min_size);
    read_whole(&r, "absorb_size", false, 0, &options->absorb_size);
    read_whole(&r, "n_largest", false, 0, &options->n_largest);
    read_list(&r, "tile", false, 3, 1, options->tile);
    read_list(&r, "tile_step", false, 3, 1, options->tile_step);
    read_list(&r, "tile_margin", false, 3, 0, options->tile_margin);
    read_pixel_size(&r, &pixel_size);
    read_words(&r, name);
    if (r.status == PEA_OK && pea__options_check(options, network, err) != PEA_OK)
        r.status = PEA_E_FORMAT;
    if (r.status != PEA_OK) {
        if (err)
            err->status = r.status;
        pea__free(*name);
        *name = NULL;
    }
    return r.status;
}

pea_status pea__record_read(const char *json, pea_network_info network, pea_segment_options *options, char **name,
                            pea_error *err)
{
    cJSON *record;
    *name = NULL;
    pea_status status = parse_object(json, &record, err);
    if (status == PEA_OK)
        status = read_record(record, network, options, name, err);
    cJSON_Delete(record);
    return status;
}

pea_status pea__record_pixel_size(const char *json, pea_calibration *calibration, pea_error *err)
{
    cJSON *record;
    *calibration = pea_calibration_default();
    const pea_status status = parse_object(json, &record, err);
    if (status != PEA_OK)
        return status;
    reader r = {record, PEA_OK, err};
    read_pixel_size(&r, calibration);
    cJSON_Delete(record);
    return r.status;
}

/* ---- writing: cJSON answers NULL where memory ends, and is asked on regardless ---- */

static bool add_whole(cJSON *object, const char *key, const int64_t *values, int n)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    bool good = list != NULL;
    for (int i = 0; i < n && good; i++)
        good = cJSON_AddItemToArray(list, cJSON_CreateNumber((double)values[i]));
    return good;
}

static bool add_tuple(cJSON *list, const int64_t *values, int n)
{
    cJSON *tuple = cJSON_CreateArray();
    bool good = cJSON_AddItemToArray(list, tuple);
    for (int i = 0; i < n && good; i++)
        good = cJSON_AddItemToArray(tuple, cJSON_CreateNumber((double)values[i]));
    return good;
}

static bool add_network(cJSON *record, pea_network_info info)
{
    cJSON *network = cJSON_AddObjectToObject(record, "network");
    return network && cJSON_AddStringToObject(network, "kind", info.kind) &&
           cJSON_AddNumberToObject(network, "axes", info.n_axes) &&
           cJSON_AddNumberToObject(network, "in_channels", (double)info.in_channels) &&
           add_whole(network, "filters", info.filters, 5) &&
           cJSON_AddNumberToObject(network, "embedding_dim", (double)info.embedding_dim) &&
           cJSON_AddNumberToObject(network, "parameters", (double)info.n_parameters);
}

static bool add_graph(cJSON *record, const pea_segment_options *o)
{
    const int n_axes = o->offsets.n_axes, skip = 3 - n_axes;
    const int64_t strides[3] = {o->stride[0], o->stride[1], o->stride[2]};
    cJSON *offsets = cJSON_AddArrayToObject(record, "offsets");
    bool good = offsets != NULL;
    for (size_t i = 0; i < o->offsets.n && good; i++) {
        const pea_offset s = o->offsets.step[i];
        const int64_t step[3] = {s.z, s.y, s.x};
        good = add_tuple(offsets, step + skip, n_axes);
    }
    return good && add_whole(record, "strides", strides + skip, n_axes) &&
           cJSON_AddStringToObject(record, "border", pea_border_name(o->border));
}

/* What came later is written only where it says something: older records stay as they were. */
static bool add_tuning(cJSON *record, const pea_segment_options *o)
{
    const pea_segment_options usual = pea__common_options();
    bool good = true;
    if (o->cut != usual.cut)
        good = good && cJSON_AddNumberToObject(record, "cut", o->cut);
    if (o->score_percent != usual.score_percent)
        good = good && cJSON_AddNumberToObject(record, "scoring", o->score_percent);
    if (o->bandwidth != usual.bandwidth)
        good = good && cJSON_AddNumberToObject(record, "bandwidth", o->bandwidth);
    if (o->fragment_boundary == usual.fragment_boundary && o->fragment_sigma == usual.fragment_sigma &&
        o->fragment_size == usual.fragment_size)
        return good;
    cJSON *list = good ? cJSON_AddArrayToObject(record, "fragments") : NULL;
    return list && cJSON_AddItemToArray(list, cJSON_CreateNumber(o->fragment_boundary)) &&
           cJSON_AddItemToArray(list, cJSON_CreateNumber(o->fragment_sigma)) &&
           cJSON_AddItemToArray(list, cJSON_CreateNumber((double)o->fragment_size));
}

/* The same of the clean-up. */
static bool add_later(cJSON *record, const pea_segment_options *o)
{
    bool good = add_tuning(record, o);
    if (o->absorb_size)
        good = good && cJSON_AddNumberToObject(record, "absorb_size", (double)o->absorb_size);
    if (o->parts)
        good = good && cJSON_AddStringToObject(record, "parts", pea_parts_name(o->parts));
    if (o->fill_holes)
        good = good && cJSON_AddTrueToObject(record, "fill_holes");
    if (o->connectivity)
        good = good && cJSON_AddStringToObject(record, "connectivity", pea_connectivity_name(o->connectivity));
    if (o->n_largest)
        good = good && cJSON_AddNumberToObject(record, "n_largest", (double)o->n_largest);
    return good;
}

static bool add_clean_up(cJSON *record, const pea_segment_options *o)
{
    cJSON *merge = cJSON_AddArrayToObject(record, "merge");
    bool good = merge != NULL;
    for (size_t i = 0; i < o->n_merge && good; i++) {
        const int64_t pass[2] = {o->merge[i].max_size, o->merge[i].window};
        good = add_tuple(merge, pass, 2);
    }
    return good && cJSON_AddNumberToObject(record, "min_size", (double)o->min_size) && add_later(record, o);
}

/* In an order for people: who, what goes in, what comes out, where from. */
static bool add_all(cJSON *record, pea_network_info info, const pea_segment_options *o)
{
    bool good = cJSON_AddNumberToObject(record, "format_version", PEA__MODEL_FORMAT_VERSION) &&
                cJSON_AddNullToObject(record, "name") && cJSON_AddNullToObject(record, "description") &&
                add_network(record, info) &&
                cJSON_AddStringToObject(record, "normalise", pea_normalise_name(o->normalise));
    if (info.n_axes == 2)
        good = good && cJSON_AddStringToObject(record, "padding", pea_padding_name(o->padding)) &&
               cJSON_AddBoolToObject(record, "cluster_padded", o->cluster_padded);
    else
        good = good && add_whole(record, "tile", o->tile, 3) && add_whole(record, "tile_step", o->tile_step, 3) &&
               add_whole(record, "tile_margin", o->tile_margin, 3);
    return good && add_graph(record, o) &&
           cJSON_AddStringToObject(record, "foreground", pea_foreground_name(o->foreground)) &&
           cJSON_AddNumberToObject(record, "foreground_threshold", o->foreground_threshold) &&
           cJSON_AddNumberToObject(record, "min_foreground_size", (double)o->min_foreground_size) &&
           cJSON_AddStringToObject(record, "clusterer", pea_clusterer_name(o->clusterer)) && add_clean_up(record, o) &&
           cJSON_AddNullToObject(record, "pixel_size") && cJSON_AddNullToObject(record, "licence") &&
           cJSON_AddNullToObject(record, "provenance") && cJSON_AddStringToObject(record, "citation", citation);
}

static pea_status unknown_key(const char *key, pea_error *err)
{
    char list[400], shown[64];
    size_t used = 0;
    for (int i = N_OWN_KEYS; i < N_KEYS; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? " " : "", known_keys[i]);
    return pea__fail(err, PEA_E_ARG, "metadata has the unknown key '%s'; known are: %s",
                     pea__printable(key, strlen(key), shown), list);
}

static pea_status check_key(const char *key, pea_error *err)
{
    int i = 0;
    while (i < N_KEYS && strcmp(key, known_keys[i]) != 0)
        i++;
    if (i == N_KEYS)
        return unknown_key(key, err);
    if (i < N_OWN_KEYS)
        return pea__fail(err, PEA_E_ARG, "metadata must not have the key '%s': the import itself writes it", key);
    return PEA_OK;
}

static pea_status merge_extra(cJSON *record, const cJSON *extra, pea_error *err)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, extra) {
        const pea_status status = check_key(item->string, err);
        if (status != PEA_OK)
            return status;
        cJSON *copy = cJSON_Duplicate(item, 1);
        const bool there = cJSON_GetObjectItemCaseSensitive(record, item->string) != NULL;
        if (!copy || !(there ? cJSON_ReplaceItemInObjectCaseSensitive(record, item->string, copy)
                             : cJSON_AddItemToObject(record, item->string, copy))) {
            cJSON_Delete(copy);
            return pea__fail(err, PEA_E_NOMEM, "out of memory while writing the model's settings");
        }
    }
    return PEA_OK;
}

/* The record must be one that can be read again. */
static pea_status check_and_print(const cJSON *record, pea_network_info network, char **json, pea_error *err)
{
    pea_segment_options options;
    char *name;
    pea_status status = read_record(record, network, &options, &name, err);
    pea__free(name);
    if (status != PEA_OK)
        return status == PEA_E_FORMAT ? PEA_E_ARG : status;
    char *text = cJSON_PrintUnformatted(record);
    if (!text)
        return pea__fail(err, PEA_E_NOMEM, "out of memory while writing the model's settings");
    *json = pea__copy_text(text, strlen(text), err);
    cJSON_free(text);
    return *json ? PEA_OK : PEA_E_NOMEM;
}

pea_status pea__record_write(pea_network_info network, const pea_segment_options *options, const char *extra,
                             char **json, pea_error *err)
{
    cJSON *record = cJSON_CreateObject(), *added = NULL;
    pea_status status = PEA_OK;
    *json = NULL;
    if (!record || !add_all(record, network, options))
        status = pea__fail(err, PEA_E_NOMEM, "out of memory while writing the model's settings");
    if (status == PEA_OK && extra) {
        status = parse_object(extra, &added, err);
        if (status == PEA_E_FORMAT)
            status = PEA_E_ARG;
    }
    if (status == PEA_OK && added)
        status = merge_extra(record, added, err);
    if (status == PEA_OK)
        status = check_and_print(record, network, json, err);
    if (status == PEA_E_ARG && extra && err) { /* nothing else can be wrong about settings of ours */
        char found[sizeof err->message];
        memcpy(found, err->message, sizeof found);
        status = pea__fail(err, status, "the metadata do not fit: %.450s", found);
    }
    if (status != PEA_OK && err)
        err->status = status;
    cJSON_Delete(added);
    cJSON_Delete(record);
    return status;
}
