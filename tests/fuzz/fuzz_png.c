/* fuzz_png.c - a PNG is opened and read.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_PIXELS = 20000 };
    const pea_image_use use = size > 0 && data[size - 1] & 1 ? PEA_IMAGE_LABELS : PEA_IMAGE_INTENSITY;
    pea_image *image = NULL;
    pea_volume volume = {0};
    const pea__reader reader = pea__reader_memory(data, size);
    if (!pea__png_recognised(&reader) || pea__image_open_reader(reader, use, MAX_PIXELS, &image, NULL) != PEA_OK)
        return 0;
    (void)pea_image_read(image, (pea_image_part){.channel = size & 1 ? 0 : -1}, &volume, NULL);
    pea_volume_free(&volume);
    pea_image_close(image);
    return 0;
}
