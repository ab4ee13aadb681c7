/* text.c - texts that came from a file: is it text at all, and is it fit to be a name.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <string.h>

/* Bytes of the character at text, 0 where it is none. The narrowed ranges of the second byte are those that exclude
 * overlong forms, surrogates and everything beyond U+10FFFF. */
static size_t character_bytes(const unsigned char *text, size_t n_bytes)
{
    const unsigned char first = text[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t n;
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        n = 2;
    else if (first >= 0xe0 && first <= 0xef)
        n = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        n = 4;
    else
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    if (first == 0xed)
        high = 0x9f;
    if (first == 0xf0)
        low = 0x90;
    if (first == 0xf4)
        high = 0x8f;
    if (n > n_bytes || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return n;
}

bool pea__is_utf8(const char *text, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes;) {
        const size_t n = character_bytes((const unsigned char *)text + at, n_bytes - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

bool pea__text_is(const char *text, size_t n_bytes, const char *literal)
{
    return strlen(literal) == n_bytes && memcmp(text, literal, n_bytes) == 0;
}

pea_status pea__name_check(const char *text, size_t n_bytes, pea_error *err)
{
    char shown[64];
    if (n_bytes == 0 || n_bytes > PEA__MAX_TENSOR_NAME)
        return pea__fail(err, PEA_E_FORMAT, "a tensor has a name of %zu bytes; 1 to %d are expected", n_bytes,
                         (int)PEA__MAX_TENSOR_NAME);
    for (size_t i = 0; i < n_bytes; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return pea__fail(err, PEA_E_FORMAT, "the tensor name \"%s\" contains a control character",
                             pea__printable(text, n_bytes, shown));
    if (!pea__is_utf8(text, n_bytes))
        return pea__fail(err, PEA_E_FORMAT, "the tensor name \"%s\" is not UTF-8",
                         pea__printable(text, n_bytes, shown));
    return PEA_OK;
}
