/* fuzz_checkpoint_legacy.c - hostile checkpoints in the legacy stream.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The three small pickles at the beginning never change in honest files; an input that does not bring them gets them,
 * so that mutations go into the object and the storages. */
#include "fuzz_import.h"

static const uint8_t beginning[] = {
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e, /* magic number */
    0x80, 0x02, 0x4d, 0xe9, 0x03, 0x2e,                                                       /* 1001 */
    0x80, 0x02, 0x7d, 0x55, 0x0d, 'l',  'i',  't',  't',  'l',  'e',  '_',  'e',  'n',  'd',
    'i',  'a',  'n',  0x88, 0x73, 0x2e}; /* {"little_endian": True} */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 15 && memcmp(data + 2, beginning + 2, 13) == 0) {
        fuzz_import(data, size);
        return 0;
    }
    uint8_t *whole = malloc(sizeof beginning + size);
    if (!whole)
        return 0;
    memcpy(whole, beginning, sizeof beginning);
    if (size > 0)
        memcpy(whole + sizeof beginning, data, size);
    fuzz_import(whole, sizeof beginning + size);
    free(whole);
    return 0;
}
