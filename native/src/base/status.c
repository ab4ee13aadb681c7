/* status.c - how an error is said.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <stdarg.h>
#include <string.h>

const char *pea_status_name(pea_status status)
{
    switch (status) {
    case PEA_OK: return "PEA_OK";
    case PEA_E_ARG: return "PEA_E_ARG";
    case PEA_E_SHAPE: return "PEA_E_SHAPE";
    case PEA_E_DTYPE: return "PEA_E_DTYPE";
    case PEA_E_NOMEM: return "PEA_E_NOMEM";
    case PEA_E_IO: return "PEA_E_IO";
    case PEA_E_FORMAT: return "PEA_E_FORMAT";
    case PEA_E_LIMIT: return "PEA_E_LIMIT";
    case PEA_E_CANCELLED: return "PEA_E_CANCELLED";
    }
    return "unknown status";
}

/* A message that was too long is cut; not in the middle of a character. */
static void trim_to_whole_characters(char *text, size_t length)
{
    size_t last = length;
    while (last > 0 && ((unsigned char)text[last - 1] & 0xc0) == 0x80)
        last--;
    if (last > 0 && (unsigned char)text[last - 1] >= 0xc0)
        text[last - 1] = '\0';
}

pea_status pea__fail(pea_error *err, pea_status status, const char *format, ...)
{
    if (err) {
        va_list arguments;
        va_start(arguments, format);
        const int wanted = vsnprintf(err->message, sizeof err->message, format, arguments);
        va_end(arguments);
        if (wanted >= (int)sizeof err->message)
            trim_to_whole_characters(err->message, sizeof err->message - 1);
        err->status = status;
        for (char *c = err->message; *c; c++) /* one line, whatever a file or a path brought in */
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                *c = '?';
    }
    return status;
}

const char *pea__printable(const char *text, size_t length_bytes, char buffer[64])
{
    size_t n = 0;
    for (; n < length_bytes && n < 60; n++) {
        const unsigned char c = (unsigned char)text[n];
        buffer[n] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    buffer[n] = '\0';
    return buffer;
}
