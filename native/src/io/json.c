/* json.c - bounds around cJSON: it recurses, and it takes some eighty bytes for each comma.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* What a text will cost. */
typedef struct survey {
    int64_t n_values; /* at most */
    int depth;        /* the deepest */
    bool has_nul;
} survey;

/* Strings are skipped; whether the text is well-formed is for cJSON to say. */
static survey look_at(const char *text, size_t n_bytes)
{
    survey s = {.n_values = 1};
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n_bytes; i++) {
        const char c = text[i];
        s.has_nul = s.has_nul || c == '\0';
        if (in_string && c == '\\') {
            s.has_nul = s.has_nul || (n_bytes - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0);
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '[' || c == '{')) {
            depth++;
            s.n_values++;
        } else if (!in_string && (c == ']' || c == '}')) {
            depth--;
        } else if (!in_string && c == ',') {
            s.n_values++;
        }
        s.depth = depth > s.depth ? depth : s.depth;
    }
    return s;
}

/* cJSON skips what it takes for blanks and ignores what follows the value; only blanks may follow. */
static bool only_blanks(const char *from, const char *end)
{
    for (; from < end; from++)
        if (*from != ' ' && *from != '\t' && *from != '\n' && *from != '\r')
            return false;
    return true;
}

pea_status pea__json_parse(const char *text, size_t n_bytes, int max_depth, pea__budget *budget, cJSON **json,
                           pea_error *err)
{
    const survey s = look_at(text, n_bytes);
    *json = NULL;
    if (s.depth > max_depth)
        return pea__fail(err, PEA_E_FORMAT, "the JSON text is nested %d deep; %d is expected at most", s.depth,
                         max_depth);
    if (s.has_nul || !pea__is_utf8(text, n_bytes))
        return pea__fail(err, PEA_E_FORMAT, "the JSON text is not UTF-8, or contains a NUL");
    /* Each value: its struct, key and text, with what malloc adds; names and texts are no longer than the whole. */
    const int64_t cost = s.n_values * (int64_t)(sizeof(cJSON) + 64) + 2 * (int64_t)n_bytes;
    const pea_status status = pea__budget_take(budget, cost, err);
    if (status != PEA_OK)
        return status;
    const char *end = text;
    errno = 0; /* cJSON does not say why it failed; its malloc does */
    *json = cJSON_ParseWithLengthOpts(text, n_bytes, &end, 0);
    const bool no_memory = !*json && errno == ENOMEM;
    pea__budget_return(budget, cost);
    if (*json && only_blanks(end, text + n_bytes))
        return PEA_OK;
    cJSON_Delete(*json);
    *json = NULL;
    if (no_memory)
        return pea__fail(err, PEA_E_NOMEM, "out of memory while reading %zu bytes of JSON", n_bytes);
    return pea__fail(err, PEA_E_FORMAT, "the text is not JSON, near byte %zu", (size_t)(end - text));
}

bool pea__json_integer(const cJSON *item, int64_t *value)
{
    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= 9007199254740992.0) ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *value = (int64_t)item->valuedouble;
    return true;
}
