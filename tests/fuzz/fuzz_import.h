/* fuzz_import.h - one import from memory with all that must hold afterwards.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_FUZZ_IMPORT_H
#define PEA_FUZZ_IMPORT_H

#include "fuzz_check.h"

static inline void fuzz_import(const uint8_t *data, size_t size)
{
    const pea__import_options options = {.ignore_crc = true};
    const pea__reader reader = pea__reader_memory(data, size);
    const size_t live = pea__alloc_live();
    pea_weights *weights = NULL;
    pea_error err = {0};
    char notes[256];
    const pea_status status = pea__weights_import_from(&reader, &options, &weights, notes, &err);
    if (status == PEA_OK)
        fuzz_require_weights(weights, size);
    else
        fuzz_require_message(status, &err);
    fuzz_require((status == PEA_OK) == (weights != NULL), "weights exactly on success");
    pea_weights_free(weights);
    fuzz_require(pea__alloc_live() == live, "nothing leaks");
}

#endif
