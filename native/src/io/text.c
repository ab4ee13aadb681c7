/* text.c - texts that came from a file: what they say, and whether they are fit to be a name.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <string.h>

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
