/* options.c - a caller's options over our defaults, whichever version of the headers the caller was built with.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <string.h>

pea_status pea__options_take(void *chosen, size_t n_bytes, const void *given, const char *what, pea_error *err)
{
    size_t n_given;
    if (!given)
        return PEA_OK;
    memcpy(&n_given, given, sizeof n_given);
    if (n_given < sizeof n_given)
        return pea__fail(err, PEA_E_ARG, "%s options were not initialised (struct_size is %zu): start from their defaults",
                         what, n_given);
    memcpy(chosen, given, n_given < n_bytes ? n_given : n_bytes);
    memcpy(chosen, &n_bytes, sizeof n_bytes);
    return PEA_OK;
}
