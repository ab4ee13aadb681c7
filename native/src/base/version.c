/* version.c - the version of the library that runs.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/pea.h"

const char *pea_version(void)
{
    return PEA_VERSION;
}
