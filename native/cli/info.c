/* info.c - `pea info`: what a model, an image or this machine is.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char command[] = "info";

static const cli_manual manual = {
    .command = command,
    .summary = "describe a model, an image or this machine",
    .synopsis = "pea info [FILE] [--json]",
    .description =
        "Of a model: its network, sizes, settings and where it comes from. Of an image: extents, type, calibration, "
        "and what was noticed while its structure was checked. Without FILE: version, kernels, CPU, threads and "
        "memory of this machine. FILE may be the name of a bundled model such as nuclei.",
    .examples = "pea info nuclei\npea info image.tif\npea info --json",
    .see_also = "pea import, pea segment, pea bench",
    .min_operands = 0,
    .max_operands = 1,
    .operands = "a file",
};

/* ---- one place for both forms: each fact is a line for people or a member of the object ---- */

/* A fact is one line, and a text of a stranger's file must not command the terminal: control characters become '?', those
 * of two bytes (U+0080 to U+009F) included. Returns how many were printed. */
static int print_plain(const char *text)
{
    int n = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++, n++) {
        const bool is_pair = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        putchar(is_pair || *c < ' ' || *c == 127 ? '?' : *c);
        c += is_pair;
    }
    return n;
}

static void print_line(const char *indent, int width, const char *key, const char *value)
{
    fputs(indent, stdout);
    const int n = print_plain(key);
    printf("%*s", n < width ? width - n + 1 : 1, "");
    print_plain(value);
    putchar('\n');
}

static void fact_text(cJSON *json, const char *key, const char *value)
{
    if (json)
        cli_json_text(json, key, value);
    else if (value[0])
        print_line("", 18, key, value);
}

static void fact_number(cJSON *json, const char *key, double value, const char *unit)
{
    if (json)
        cli_json_number(json, key, value);
    else
        printf("%-18s %.10g%s%s\n", key, value, unit[0] ? " " : "", unit);
}

static void fact_bytes(cJSON *json, const char *key, double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    if (json) {
        cli_json_number(json, key, bytes);
        return;
    }
    for (; bytes >= 999.95 && unit + 1 < CLI_COUNT(units); unit++)
        bytes /= 1000;
    printf("%-18s %.*f %s\n", key, unit ? 1 : 0, bytes, units[unit]);
}

static void fact_list(cJSON *json, const char *key, const double *values, size_t n)
{
    if (json) {
        cli_json_list(json, key, values, n);
        return;
    }
    printf("%-18s", key);
    for (size_t i = 0; i < n; i++)
        printf("%s%.10g", i ? "," : " ", values[i]);
    printf("\n");
}

/* ---- a model ---- */

/* By the keys and in the words of options and macros. To programs every setting is told, to people none twice. */
static pea_status describe_settings(cJSON *json, const pea_segment_options *settings, pea_error *err)
{
    char text[PEA_SETTING_TEXT_BYTES];
    cJSON *object = json ? cJSON_AddObjectToObject(json, "settings") : NULL;
    bool by_shifts = false;
    for (size_t i = 0; i < pea_settings_count(); i++) {
        const char *key = pea_settings_item(i).key;
        const pea_status status = pea_settings_get(settings, key, text, err);
        if (status != PEA_OK)
            return status;
        by_shifts = by_shifts || (!strcmp(key, "shifts") && text[0]);
        if (json)
            cli_json_text(object, key, text);
        else if (!by_shifts || strcmp(key, "offsets"))
            fact_text(NULL, key, text);
    }
    return PEA_OK;
}

/* The first bytes of a text in base64: as many as there are, at most n. */
static size_t first_bytes(const char *text, unsigned char *bytes, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0;
    int n_bits = 0;
    size_t done = 0;
    for (const char *c = text; done < n && *c && strchr(alphabet, *c); c++) {
        bits = (bits << 6 | (unsigned)(strchr(alphabet, *c) - alphabet)) & 0xffff;
        n_bits += 6;
        if (n_bits >= 8)
            bytes[done++] = (unsigned char)(bits >> (n_bits -= 8));
    }
    return done;
}

/* The picture itself says nothing as text: its size is told in its place. */
static void describe_thumbnail(cJSON *record)
{
    char words[96];
    unsigned char head[24]; /* signature, length and name of the first chunk, width, height */
    cJSON *item = cJSON_GetObjectItemCaseSensitive(record, "thumbnail");
    if (!cJSON_IsString(item) || first_bytes(item->valuestring, head, sizeof head) < sizeof head)
        return;
    const size_t n = strlen(item->valuestring), n_filled = n - strcspn(item->valuestring, "=");
    snprintf(words, sizeof words, "PNG of %u x %u pixels, %zu bytes",
             (unsigned)head[16] << 24 | (unsigned)head[17] << 16 | (unsigned)head[18] << 8 | head[19],
             (unsigned)head[20] << 24 | (unsigned)head[21] << 16 | (unsigned)head[22] << 8 | head[23],
             n / 4 * 3 - n_filled);
    cJSON_ReplaceItemInObjectCaseSensitive(record, "thumbnail", cJSON_CreateString(words));
}

/* Everything the record says, flat for people: provenance and whatever else is in it. */
static void print_record(const cJSON *record, const char *prefix, int depth)
{
    char key[240];
    for (const cJSON *item = record ? record->child : NULL; item; item = item->next) {
        snprintf(key, sizeof key, "%.150s%s%.60s", prefix, prefix[0] && item->string ? "." : "",
                 item->string ? item->string : "");
        if (cJSON_IsObject(item) && depth < 4) {
            print_record(item, key, depth + 1);
            continue;
        }
        char *text = cJSON_IsString(item) ? NULL : cJSON_PrintUnformatted(item);
        print_line("  ", 24, key, cJSON_IsString(item) ? item->valuestring : text ? text : "");
        cJSON_free(text);
    }
}

static pea_status describe_model(const char *path, cJSON *json, pea_error *err)
{
    pea_model *model = NULL;
    char sha256[65];
    pea_status status = pea_model_open(path, &model, err);
    if (status == PEA_OK)
        status = cli_sha256(path, sha256, err);
    if (status != PEA_OK) {
        pea_model_free(model);
        return cli_name_file(err, path);
    }
    const pea_network *network = pea_model_network(model);
    const pea_network_info info = pea_network_get_info(network);
    const pea_segment_options settings = pea_model_options(model);
    const double filters[] = {(double)info.filters[0], (double)info.filters[1], (double)info.filters[2],
                              (double)info.filters[3], (double)info.filters[4]};
    char heads[400] = "";
    for (size_t h = 0; h < info.n_heads; h++)
        snprintf(heads + strlen(heads), sizeof heads - strlen(heads), "%s%s", h ? " " : "",
                 pea_network_head(network, h).name);
    fact_text(json, "kind", "model");
    fact_text(json, "file", path);
    fact_text(json, "sha256", sha256);
    fact_text(json, "name", pea_model_name(model));
    fact_text(json, "network", info.kind);
    fact_number(json, "parameters", (double)info.n_parameters, "");
    fact_list(json, "filters", filters, 5);
    fact_number(json, "embedding_dim", (double)info.embedding_dim, "");
    fact_number(json, "in_channels", (double)info.in_channels, "");
    fact_text(json, "heads", heads);
    status = describe_settings(json, &settings, err);
    cJSON *record = cJSON_Parse(pea_model_metadata(model) ? pea_model_metadata(model) : "{}");
    describe_thumbnail(record);
    if (json) {
        cJSON_AddItemToObject(json, "record", record ? record : cJSON_CreateNull());
    } else {
        printf("\nrecord in the file:\n");
        print_record(record, "", 0);
        cJSON_Delete(record);
    }
    pea_model_free(model);
    return status;
}

/* ---- an image ---- */

static pea_status describe_image(const char *path, cJSON *json, pea_error *err)
{
    pea_image *image = NULL;
    const pea_status status = pea_image_open(path, PEA_IMAGE_INTENSITY, &image, err);
    if (status != PEA_OK)
        return cli_name_file(err, path);
    const pea_image_info info = pea_image_get_info(image);
    const double voxel[] = {info.calibration.z, info.calibration.y, info.calibration.x};
    fact_text(json, "kind", "image");
    fact_text(json, "file", path);
    fact_text(json, "format", info.format);
    fact_number(json, "width", (double)info.dims.x, "");
    fact_number(json, "height", (double)info.dims.y, "");
    fact_number(json, "slices", (double)info.dims.z, "");
    fact_number(json, "frames", (double)info.n_frames, "");
    fact_number(json, "channels", (double)info.dims.c, info.is_rgb ? "(RGB)" : "");
    fact_text(json, "type", pea_dtype_name(info.dtype));
    fact_list(json, "voxel_zyx", voxel, 3);
    fact_text(json, "unit", info.calibration.unit);
    fact_number(json, "frame_seconds", info.calibration.frame_s, "");
    fact_text(json, "notes", info.notes);
    pea_image_close(image);
    return PEA_OK;
}

/* ---- this machine ---- */

static void describe_machine(cJSON *json)
{
    fact_text(json, "kind", "machine");
    fact_text(json, "version", pea_version());
    fact_text(json, "kernels", pea_cpu_kernels());
    fact_text(json, "cpu", pea_cpu_features());
    fact_number(json, "threads", pea_cpu_threads(), "");
    fact_bytes(json, "memory_available", (double)pea_cpu_memory_available());
}

/* ---- which of them ---- */

enum kind { KIND_IMAGE, KIND_CHECKPOINT, KIND_MODEL };

/* By the first bytes, as names may be wrong. */
static pea_status find_kind(const char *path, enum kind *kind, pea_error *err)
{
    unsigned char first[9] = {0};
    FILE *file;
    const pea_status status = cli_open(path, &file, err);
    if (status != PEA_OK)
        return status;
    const size_t n = fread(first, 1, sizeof first, file);
    fclose(file);
    if (n == sizeof first && first[8] == '{') /* a model begins with the length of a JSON text: those bytes may be any */
        *kind = KIND_MODEL;
    else if (!memcmp(first, "II", 2) || !memcmp(first, "MM", 2) || !memcmp(first, "\x89PNG", 4))
        *kind = KIND_IMAGE;
    else if (!memcmp(first, "PK", 2) || (first[0] == 0x80 && first[1] >= 2 && first[1] <= 5))
        *kind = KIND_CHECKPOINT;
    else
        return cli_fail(err, PEA_E_FORMAT, "%s is %s", path,
                        n == 0 ? "empty" : "neither a TIFF, nor a PNG, nor a model file");
    return PEA_OK;
}

static pea_status describe_file(const char *name, cJSON *json, pea_error *err)
{
    char path[CLI_MAX_PATH];
    enum kind kind;
    pea_status status = PEA_OK;
    if (cli_is_there(name))
        snprintf(path, sizeof path, "%s", name);
    else
        status = cli_find_model(name, path, err);
    if (status == PEA_OK)
        status = find_kind(path, &kind, err);
    if (status != PEA_OK)
        return status;
    if (kind == KIND_CHECKPOINT)
        return cli_fail(err, PEA_E_FORMAT,
                        "%s is a PyTorch checkpoint, expected a model or an image: make a model of it "
                        "with pea import",
                        path);
    return kind == KIND_IMAGE ? describe_image(path, json, err) : describe_model(path, json, err);
}

int cli_info(int argc, char **argv)
{
    int json = 0;
    cli_operands operands;
    pea_error err = {0};
    const cli_option options[] = {
        {.name = "json", .kind = CLI_FLAG, .target = &json, .help = "Print one JSON object on stdout."},
    };
    const int outcome = cli_parse(&manual, options, CLI_COUNT(options), argc, argv, &operands);
    if (outcome != CLI_RUN)
        return outcome;
    cli_interruptible(true); /* nothing is written but to stdout */
    cJSON *object = json ? cJSON_CreateObject() : NULL;
    pea_status status = PEA_OK;
    if (operands.n)
        status = describe_file(operands.item[0], object, &err);
    else
        describe_machine(object);
    if (status != PEA_OK) {
        cJSON_Delete(object);
        return cli_report(command, &err);
    }
    if (json && cli_print_json(stdout, object, &err) != PEA_OK)
        return cli_report(command, &err);
    return EXIT_DONE;
}
