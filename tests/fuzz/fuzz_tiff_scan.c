/* fuzz_tiff_scan.c - the structure of a TIFF and the texts in it: no pixel is decoded, so this is the fast one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pea__reader reader = pea__reader_memory(data, size);
    pea__tiff tiff = {0};
    pea__layout layout = {0};
    pea__notes notes = {""};
    pea_error err = {0};
    if (pea__tiff_scan(&reader, 0, &tiff, &notes, &err) == PEA_OK)
        (void)pea__layout_find(&tiff, &layout, &notes, &err);
    pea__free(layout.page_of_plane);
    pea__tiff_free(&tiff);
    return 0;
}
