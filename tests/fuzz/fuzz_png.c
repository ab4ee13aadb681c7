/* fuzz_png.c - a PNG is opened and read. Checksums are set right first, or no changed byte would get past them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair_checksums(uint8_t *bytes, size_t size)
{
    for (size_t at = 8; size - at >= 12;) {
        const size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > size - at - 12)
            return;
        const uLong sum = crc32(0, bytes + at + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_PIXELS = 20000 };
    const pea__reader original = pea__reader_memory(data, size);
    if (!pea__png_recognised(&original))
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    if (size % 8 != 0) /* now and then as it came */
        repair_checksums(copy, size);
    const pea_image_use use = data[size - 1] & 1 ? PEA_IMAGE_LABELS : PEA_IMAGE_INTENSITY;
    pea_image *image = NULL;
    pea_volume volume = {0};
    if (pea__image_open_reader(pea__reader_memory(copy, size), use, MAX_PIXELS, &image, NULL) == PEA_OK)
        (void)pea_image_read(image, (pea_image_part){.channel = size & 1 ? 0 : -1}, NULL, &volume, NULL);
    pea_volume_free(&volume);
    pea_image_close(image);
    free(copy);
    return 0;
}
