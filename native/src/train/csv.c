/* csv.c - rows of text tables (RFC 4180): fields in quotes may hold separators, quotes doubled, and line ends. The
 * separator is the first comma, semicolon or tab of the text outside of quotes: spreadsheets of many countries write
 * the second.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/csv.h"

#include <string.h>

static char find_separator(const char *at, const char *end)
{
    bool quoted = false;
    for (; at < end; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted && strchr(",;\t", *at) && *at)
            return *at;
    }
    return ',';
}

pea__csv pea__csv_of(char *text, size_t n_bytes)
{
    const size_t mark = n_bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0; /* of UTF-8, by Windows */
    return (pea__csv){
        .at = text + mark, .end = text + n_bytes, .separator = find_separator(text + mark, text + n_bytes)};
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* One field, moved together in place and ended by NUL: no field is longer than it was written. Returns what ended it,
 * 0 at the end of the text; NULL in *field where a quote stays open, or something follows one that closes. */
static char take_field(pea__csv *csv, char **field)
{
    char *to = csv->at, *from = csv->at;
    *field = to;
    if (from < csv->end && *from == '"') {
        for (from++; from < csv->end && !(*from == '"' && !(from + 1 < csv->end && from[1] == '"')); from++) {
            csv->line += *from == '\n';
            from += *from == '"';
            *to++ = *from;
        }
        if (from == csv->end)
            *field = NULL;
        from++;
        if (from < csv->end && *from != csv->separator && !ends_line(*from))
            *field = NULL;
    } else {
        while (from < csv->end && *from != csv->separator && !ends_line(*from))
            *to++ = *from++;
    }
    const char ended_by = from < csv->end ? *from : '\0';
    csv->at = from < csv->end ? from + 1 : csv->end;
    if (ended_by == '\r' && csv->at < csv->end && *csv->at == '\n')
        csv->at++;
    *to = '\0';
    return ended_by;
}

pea_status pea__csv_next(pea__csv *csv, pea__csv_row *row, pea_error *err)
{
    *row = (pea__csv_row){0};
    while (csv->at < csv->end && ends_line(*csv->at))
        csv->line += *csv->at++ == '\n';
    if (csv->at >= csv->end)
        return PEA_OK;
    row->line = csv->line + 1;
    for (char ended_by = csv->separator; ended_by == csv->separator;) {
        if (row->n == PEA__CSV_FIELDS)
            return pea__fail(err, PEA_E_FORMAT, "line %d has more than %d columns", row->line, PEA__CSV_FIELDS);
        ended_by = take_field(csv, &row->field[row->n]);
        if (!row->field[row->n++])
            return pea__fail(err, PEA_E_FORMAT, "line %d has a quote that does not end at a column's end", row->line);
        csv->line += ends_line(ended_by);
    }
    return PEA_OK;
}
