/* report.c - what people and programs are told: one line for an error, one JSON object for a result.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

pea_status cli_fail(pea_error *err, pea_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    for (char *c = err->message; *c; c++) /* a path may hold anything; an error is one line */
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return err->status = status;
}

pea_status cli_name_file(pea_error *err, const char *path)
{
    char message[sizeof err->message];
    if (err->status == PEA_OK || err->status == PEA_E_CANCELLED || strstr(err->message, path))
        return err->status;
    memcpy(message, err->message, sizeof message);
    const size_t length = strlen(path);
    return cli_fail(err, err->status, "%s%s: %s", length > 200 ? "..." : "", length > 200 ? path + length - 200 : path,
                    message);
}

int cli_report(const char *command, const pea_error *err)
{
    if (err->status == PEA_E_CANCELLED)
        fprintf(stderr, "pea %s: cancelled\n", command);
    else
        fprintf(stderr, "pea %s: %s\n", command, err->message);
    return err->status == PEA_E_CANCELLED ? EXIT_CANCELLED : EXIT_FAILED;
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "pea %s: ", command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (see pea %s --help)\n", command);
    return EXIT_USAGE;
}

int cli_report_options(const char *command, const pea_error *err)
{
    return err->status == PEA_E_ARG ? cli_usage(command, "%s", err->message) : cli_report(command, err);
}

/* cJSON leaves out what it had no memory for. That is noticed here, once for all calls that build an object. */
static bool json_is_incomplete;

static void *json_malloc(size_t n_bytes)
{
    void *block = malloc(n_bytes);
    json_is_incomplete |= !block;
    return block;
}

void cli_json_watch(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){json_malloc, free});
}

int cli_refuse_overwrite(const char *command, const char *source, const char *target)
{
    if (!source || !cli_same_file(source, target))
        return CLI_RUN;
    return cli_usage(command, "%s would be written over what is read from it: choose another output", source);
}

pea_status cli_print_json(FILE *stream, cJSON *object, pea_error *err)
{
    char *text = object ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    if (json_is_incomplete) {
        cJSON_free(text);
        text = NULL;
    }
    if (!text)
        return cli_fail(err, PEA_E_NOMEM, "out of memory while writing JSON");
    fprintf(stream, "%s\n", text);
    cJSON_free(text);
    return PEA_OK;
}

void cli_json_number(cJSON *object, const char *key, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

/* Bytes of the UTF-8 character at `c`; 0 where there is none. Text ends with NUL, so no byte beyond it is looked at. */
static int character_bytes(const unsigned char *c)
{
    const int n = c[0] < 0x80                  ? 1
                  : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                  : (c[0] & 0xf0) == 0xe0       ? 3
                  : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                                : 0;
    for (int i = 1; i < n; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    const bool too_long = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    const bool no_character = (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf4 && c[1] > 0x8f);
    return n > 2 && (too_long || no_character) ? 0 : n;
}

const char *cli_bytes(uint64_t bytes, char text[32])
{
    if (bytes >= UINT64_C(1) << 30)
        snprintf(text, 32, "%.1f GiB", (double)bytes / (1 << 30));
    else
        snprintf(text, 32, "%.0f MiB", (double)bytes / (1 << 20));
    return text;
}

/* A file may be named by any bytes; in JSON what is no UTF-8 becomes U+FFFD. */
void cli_json_text(cJSON *object, const char *key, const char *value)
{
    char *text = json_malloc(3 * strlen(value) + 1), *to = text;
    for (const unsigned char *c = (const unsigned char *)value; text && *c;) {
        const int n = character_bytes(c);
        memcpy(to, n ? (const void *)c : "\xef\xbf\xbd", n ? (size_t)n : 3);
        to += n ? n : 3;
        c += n ? n : 1;
    }
    if (text)
        *to = '\0';
    cJSON_AddStringToObject(object, key, text ? text : "");
    free(text);
}

void cli_json_list(cJSON *object, const char *key, const double *values, size_t n)
{
    cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(values, (int)n));
}
