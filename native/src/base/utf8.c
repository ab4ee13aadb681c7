/* utf8.c - whether bytes are text.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

/* The narrowed ranges of the second byte are those that exclude overlong forms, surrogates and everything beyond
 * U+10FFFF. */
size_t pea__utf8_character(const char *text, size_t n_bytes)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (n_bytes == 0)
        return 0;
    const unsigned char first = bytes[0];
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
    if (n > n_bytes || bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (bytes[i] < 0x80 || bytes[i] > 0xbf)
            return 0;
    return n;
}

bool pea__is_utf8(const char *text, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes;) {
        const size_t n = pea__utf8_character(text + at, n_bytes - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}
