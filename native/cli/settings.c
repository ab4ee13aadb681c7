/* settings.c - the library's settings as options of a command: keys, choices and help are the library's own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* A word of a list separated by blanks; NULL lists everything. */
static bool is_listed(const char *word, const char *list)
{
    const size_t length = strlen(word);
    for (const char *at = list; at && *at; at += *at == ' ') {
        const size_t n = strcspn(at, " ");
        if (n == length && !memcmp(at, word, n))
            return true;
        at += n;
    }
    return !list;
}

size_t cli_settings_options(cli_settings *settings, const char *keys, const char *fallback, cli_option *options)
{
    size_t n = 0;
    for (size_t i = 0; i < pea_settings_count() && i < CLI_MAX_SETTINGS; i++) {
        const pea_setting s = pea_settings_item(i);
        if (is_listed(s.key, keys))
            options[n++] = (cli_option){.name = s.key, .kind = s.choices ? CLI_CHOICE : CLI_TEXT,
                                        .target = &settings->value[i], .value = s.value, .choices = s.choices,
                                        .help = s.help, .fallback = fallback};
    }
    cli_option *offsets = cli_option_named(options, n, "offsets");
    if (offsets) {
        offsets->value = "O.json";
        offsets->help = "A file with a JSON list of steps in voxels, instead of --shifts: [[-1,0],[0,-1],...] as y,x "
                        "or [[-1,0,0],...] as z,y,x. The first two (three) attract, all others repel.";
    }
    return n;
}

const char *cli_settings_value(const cli_settings *settings, const char *key)
{
    for (size_t i = 0; i < pea_settings_count() && i < CLI_MAX_SETTINGS; i++)
        if (!strcmp(pea_settings_item(i).key, key))
            return settings->value[i];
    return NULL;
}

/* Damage is told with the file's name. free() */
static pea_status read_offsets(const char *path, char **text, pea_offsets *offsets, pea_error *err)
{
    size_t n_bytes;
    *text = NULL;
    pea_status status = cli_read_text(path, 65536, text, &n_bytes, err);
    if (status == PEA_OK)
        status = pea_offsets_parse(*text, n_bytes, offsets, err);
    return status == PEA_OK ? status : cli_name_file(err, path);
}

/* The library's messages begin with the key; here keys are options. */
static pea_status name_option(pea_error *err)
{
    char message[sizeof err->message];
    const size_t length = strcspn(err->message, " :");
    bool known = false;
    memcpy(message, err->message, sizeof message);
    message[length] = '\0';
    for (size_t i = 0; i < pea_settings_count(); i++)
        known = known || !strcmp(pea_settings_item(i).key, message);
    memcpy(message, err->message, sizeof message);
    return known ? cli_fail(err, err->status, "--%.500s", message) : err->status;
}

pea_status cli_settings_apply(const cli_settings *settings, pea_segment_options *options, pea_error *err)
{
    pea_choice wishes[CLI_MAX_SETTINGS];
    pea_offsets offsets;
    char *text = NULL;
    size_t n = 0;
    pea_status status = PEA_OK;
    for (size_t i = 0; i < pea_settings_count() && i < CLI_MAX_SETTINGS && status == PEA_OK; i++) {
        pea_choice wish = {pea_settings_item(i).key, settings->value[i]};
        if (!wish.value)
            continue;
        if (!strcmp(wish.key, "offsets")) {
            status = read_offsets(wish.value, &text, &offsets, err);
            wish.value = text;
        }
        wishes[n++] = wish;
    }
    if (status == PEA_OK && pea_settings_apply(wishes, n, options, err) != PEA_OK)
        status = name_option(err);
    free(text);
    return status;
}

pea_status cli_settings_alone(const cli_settings *settings, pea_segment_options *options, pea_error *err)
{
    const char *path = cli_settings_value(settings, "offsets");
    pea_offsets offsets = {.n_axes = 2};
    char *text = NULL;
    pea_status status = path ? read_offsets(path, &text, &offsets, err) : PEA_OK;
    free(text);
    if (status == PEA_OK)
        status = pea_preset(offsets.n_axes == 3 ? "ac3ac4" : "nuclei", options, err);
    if (status != PEA_OK)
        return status;
    options->stride[0] = options->stride[1] = options->stride[2] = 1;
    options->border = PEA_BORDER_NONE;
    options->n_merge = 0;
    options->min_size = options->absorb_size = 0;
    if (path || cli_settings_value(settings, "shifts"))
        return cli_settings_apply(settings, options, err);
    options->offsets.n = 0;
    return PEA_OK;
}
