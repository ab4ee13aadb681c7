/* xml.c - the little XML that OME metadata needs: tags and attributes, one pass, nothing stored, nothing fetched.
 *
 * No document types and no entities but the five predefined ones and character numbers, so nothing can grow; nesting is
 * a counter. Names of end tags are not compared: we look for elements, we do not certify documents.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <string.h>

static const char *find(const char *from, const char *end, const char *what)
{
    const size_t n = strlen(what);
    for (; (size_t)(end - from) >= n; from++) {
        from = memchr(from, what[0], (size_t)(end - from) - n + 1);
        if (!from)
            return NULL;
        if (memcmp(from, what, n) == 0)
            return from;
    }
    return NULL;
}

static bool begins(const char *at, const char *end, const char *what)
{
    return (size_t)(end - at) >= strlen(what) && memcmp(at, what, strlen(what)) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The '>' that ends the tag: not one inside quotes. */
static const char *tag_end(const char *at, const char *end)
{
    for (char quote = 0; at < end; at++) {
        if (quote ? *at == quote : *at == '"' || *at == '\'')
            quote = quote ? 0 : *at;
        else if (!quote && *at == '>')
            return at;
        else if (!quote && *at == '<')
            return NULL;
    }
    return NULL;
}

static pea_status broken(const char *what, pea_error *err)
{
    return pea__fail(err, PEA_E_FORMAT, "the OME metadata is no sound XML: %s", what);
}

/* Comments, instructions and CDATA are stepped over. *skipped tells whether there was one. */
static pea_status skip_other(pea__xml *xml, bool *skipped, pea_error *err)
{
    static const struct {
        const char *open, *close;
    } others[] = {{"<!--", "-->"}, {"<?", "?>"}, {"<![CDATA[", "]]>"}};
    *skipped = false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (begins(xml->at, xml->end, others[i].open)) {
            const char *close = find(xml->at + strlen(others[i].open), xml->end, others[i].close);
            if (!close)
                return broken("a comment or instruction has no end", err);
            xml->at = close + strlen(others[i].close);
            *skipped = true;
            return PEA_OK;
        }
    if (begins(xml->at, xml->end, "<!"))
        return broken("document types are not read", err);
    return PEA_OK;
}

static void split_tag(const char *begin, const char *close, pea__xml_tag *tag)
{
    const char *p = begin;
    while (p < close && !is_space(*p) && *p != '/')
        p++;
    tag->name = begin;
    tag->name_length = (size_t)(p - begin);
    const char *colon = memchr(begin, ':', tag->name_length);
    if (colon) {
        tag->name_length -= (size_t)(colon + 1 - begin);
        tag->name = colon + 1;
    }
    tag->attributes = p;
    tag->attributes_length = (size_t)(close - p);
}

pea_status pea__xml_next(pea__xml *xml, pea__xml_tag *tag, bool *found, pea_error *err)
{
    *found = false;
    for (bool skipped = true; skipped;) {
        const char *open = xml->at < xml->end ? memchr(xml->at, '<', (size_t)(xml->end - xml->at)) : NULL;
        if (!open) {
            xml->at = xml->end;
            return xml->depth == 0 ? PEA_OK : broken("it ends inside an element", err);
        }
        xml->at = open;
        const pea_status status = skip_other(xml, &skipped, err);
        if (status != PEA_OK)
            return status;
    }
    const char *begin = xml->at + 1, *close = tag_end(begin, xml->end);
    if (!close)
        return broken("a tag has no end", err);
    tag->closes = begin < close && *begin == '/';
    const bool empty = !tag->closes && close > begin && close[-1] == '/';
    split_tag(begin + tag->closes, close - empty, tag);
    if (tag->name_length == 0)
        return broken("a tag has no name", err);
    tag->depth = tag->closes ? xml->depth-- : xml->depth + 1;
    if (tag->depth < 1)
        return broken("an element ends that never began", err);
    if (tag->depth > PEA__XML_MAX_DEPTH)
        return pea__fail(err, PEA_E_LIMIT, "the OME metadata is nested deeper than %d", PEA__XML_MAX_DEPTH);
    if (!tag->closes && !empty)
        xml->depth++;
    xml->at = close + 1;
    tag->text = xml->at;
    const char *next = xml->at < xml->end ? memchr(xml->at, '<', (size_t)(xml->end - xml->at)) : NULL;
    tag->text_length = (size_t)((next ? next : xml->end) - xml->at);
    *found = true;
    return PEA_OK;
}

bool pea__xml_is(const pea__xml_tag *tag, const char *name)
{
    return tag->name_length == strlen(name) && memcmp(tag->name, name, tag->name_length) == 0;
}

/* "&amp;" or "&#181;" at p: writes the character, returns what follows. Other texts stay as they are. */
static const char *resolve(const char *p, const char *end, char *value, size_t *used)
{
    static const struct {
        const char *name;
        char character;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (begins(p, end, known[i].name)) {
            value[(*used)++] = known[i].character;
            return p + strlen(known[i].name);
        }
    if (begins(p, end, "&#")) {
        const bool hex = end - p > 2 && p[2] == 'x';
        uint32_t code = 0;
        const char *q = p + 2 + hex;
        for (; q < end && code < 0x110000; q++) {
            const int digit = *q >= '0' && *q <= '9' ? *q - '0' : hex && *q >= 'a' && *q <= 'f' ? *q - 'a' + 10
                            : hex && *q >= 'A' && *q <= 'F' ? *q - 'A' + 10 : -1;
            if (digit < 0)
                break;
            code = code * (hex ? 16 : 10) + (uint32_t)digit;
        }
        if (q < end && *q == ';') {
            *used += pea__utf8(code, value + *used);
            return q + 1;
        }
    }
    value[(*used)++] = *p;
    return p + 1;
}

bool pea__xml_attribute(const pea__xml_tag *tag, const char *name, char *value, size_t capacity)
{
    const char *p = tag->attributes, *end = p + tag->attributes_length;
    while (p < end) {
        while (p < end && is_space(*p))
            p++;
        const char *key = p;
        while (p < end && *p != '=' && !is_space(*p))
            p++;
        const size_t key_length = (size_t)(p - key);
        while (p < end && is_space(*p))
            p++;
        if (p == end || *p != '=')
            return false;
        p++;
        while (p < end && is_space(*p))
            p++;
        if (p == end || (*p != '"' && *p != '\''))
            return false;
        const char *begin = p + 1, *close = memchr(begin, *p, (size_t)(end - begin));
        if (!close)
            return false;
        p = close + 1;
        if (key_length != strlen(name) || memcmp(key, name, key_length) != 0)
            continue;
        size_t used = 0;
        while (begin < close && used + 5 < capacity)
            if (*begin == '&')
                begin = resolve(begin, close, value, &used);
            else
                value[used++] = *begin++;
        value[used] = '\0';
        return true;
    }
    return false;
}
