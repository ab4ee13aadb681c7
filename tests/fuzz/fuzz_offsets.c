/* fuzz_offsets.c - hostile lists of offsets.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pea_offsets offsets;
    pea_error err = {0};
    const pea_status status = pea_offsets_parse((const char *)data, size, &offsets, &err);
    if (status == PEA_OK)
        fuzz_require(pea__offsets_check(&offsets, &err) == PEA_OK, "what was parsed can be used");
    else
        fuzz_require_message(status, &err);
    return 0;
}
