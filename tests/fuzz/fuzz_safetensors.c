/* fuzz_safetensors.c - hostile model files.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * An input that does not begin with a header length is the header itself, and gets its length and 64 bytes of data. */
#include "fuzz_check.h"

static void read_one(const uint8_t *data, size_t size)
{
    const pea__reader reader = pea__reader_memory(data, size);
    const size_t live = pea__alloc_live();
    pea_weights *weights = NULL;
    pea_error err = {0};
    const pea_status status = pea__weights_read_from(&reader, &weights, &err);
    if (status == PEA_OK)
        fuzz_require_weights(weights, size);
    else
        fuzz_require_message(status, &err);
    pea_weights_free(weights);
    fuzz_require(pea__alloc_live() == live, "nothing leaks");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { DATA_BYTES = 64 };
    if (size == 0 || data[0] != '{') {
        read_one(data, size);
        return 0;
    }
    uint8_t *whole = calloc(8 + size + DATA_BYTES, 1);
    if (!whole)
        return 0;
    for (int i = 0; i < 8; i++)
        whole[i] = (uint8_t)((uint64_t)size >> 8 * i);
    memcpy(whole + 8, data, size);
    read_one(whole, 8 + size + DATA_BYTES);
    free(whole);
    return 0;
}
