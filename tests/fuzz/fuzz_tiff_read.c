/* fuzz_tiff_read.c - a TIFF is opened and one slice of it is read, through libtiff where it is compressed.
 *
 * Pictures are kept small: a large one finds nothing that a small one does not, but takes a hundred times as long.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_PIXELS = 20000, MAX_BYTES = 1 << 17 };
    const pea_image_use use = size > 0 && data[size - 1] & 1 ? PEA_IMAGE_LABELS : PEA_IMAGE_INTENSITY;
    pea_image *image = NULL;
    pea_volume volume = {0};
    const pea__reader reader = pea__reader_memory(data, size);
    if (!pea__tiff_recognised(&reader) || pea__image_open_reader(reader, use, MAX_PIXELS, &image, NULL) != PEA_OK)
        return 0;
    if (size & 2)
        pea__image_decode_by_rows(image);
    const pea_image_info info = pea_image_get_info(image);
    const int64_t item = (int64_t)pea_dtype_size_bytes(info.dtype);
    if (info.dims.y * info.dims.x * info.dims.c * item <= MAX_BYTES) {
        const pea_image_part part = {info.n_frames - 1, info.dims.z - 1, 1, size & 1 ? info.dims.c - 1 : -1};
        (void)pea_image_read(image, part, NULL, &volume, NULL);
    }
    pea_volume_free(&volume);
    pea_image_close(image);
    return 0;
}
