/* images.c - what training asks of image files, without libtiff and libpng, which would need many libraries around us:
 * Java reads images and hands arrays down, so none is opened here; pictures are written with zlib alone. (Debian's static
 * libpng cannot stand inside a shared library, and calls abort().)
 * SPDX-License-Identifier: BSD-2-Clause */
#include "glue.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/base.h"

/* ---- images, which are never opened ---- */

pea_status pea_image_open(const char *path, pea_image_use use, pea_image **image, pea_error *err)
{
    (void)use;
    *image = NULL;
    return pea__fail(err, PEA_E_IO, "%.200s: image files are read by Java here, and given as volumes", path);
}

void pea_image_close(pea_image *image)
{
    (void)image;
}

pea_image_info pea_image_get_info(const pea_image *image)
{
    (void)image;
    return (pea_image_info){.dims = {0, 0, 0, 0}};
}

pea_status pea_image_read(const pea_image *image, pea_image_part part, pea_context *context, pea_volume *volume,
                          pea_error *err)
{
    (void)image, (void)part, (void)context, (void)volume;
    return pea__fail(err, PEA_E_ARG, "there is no image to read");
}

/* ---- pictures: PNG, whose chunks are length, name, bytes, CRC; every row begins with its filter, 0 for none ---- */

static void store_u32(unsigned char to[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* What fails is noticed when the writer commits. */
static void put_chunk(FILE *stream, const char name[5], const unsigned char *bytes, size_t n)
{
    unsigned char number[4];
    uLong crc = crc32(0, (const Bytef *)name, 4);
    store_u32(number, (uint32_t)n);
    (void)fwrite(number, 1, 4, stream);
    (void)fwrite(name, 1, 4, stream);
    if (n > 0) { /* crc32() of no bytes begins anew */
        (void)fwrite(bytes, 1, n, stream);
        crc = crc32(crc, bytes, (uInt)n);
    }
    store_u32(number, (uint32_t)crc);
    (void)fwrite(number, 1, 4, stream);
}

static void put_head(FILE *stream, pea_dims d)
{
    unsigned char head[13] = {[8] = 8, [9] = d.c == 3 ? 2 : 0}; /* bits of a sample; colours or grey */
    store_u32(head, (uint32_t)d.x);
    store_u32(head + 4, (uint32_t)d.y);
    (void)fwrite("\x89PNG\r\n\x1a\n", 1, 8, stream);
    put_chunk(stream, "IHDR", head, sizeof head);
}

/* Squeeze some bytes, or with Z_FINISH the rest, into chunks. */
static pea_status put_bytes(FILE *stream, z_stream *z, unsigned char *bytes, size_t n, int flush, pea_error *err)
{
    unsigned char squeezed[4096];
    int outcome;
    z->next_in = bytes;
    z->avail_in = (uInt)n;
    do {
        z->next_out = squeezed;
        z->avail_out = sizeof squeezed;
        outcome = deflate(z, flush);
        if (outcome == Z_STREAM_ERROR)
            return pea__fail(err, PEA_E_FORMAT, "the PNG cannot be made: zlib found its own state damaged");
        if (z->avail_out < sizeof squeezed)
            put_chunk(stream, "IDAT", squeezed, sizeof squeezed - z->avail_out);
    } while (z->avail_out == 0 || (flush == Z_FINISH && outcome != Z_STREAM_END));
    return PEA_OK;
}

static pea_status put_rows(FILE *stream, const pea_array *picture, pea_context *context, pea_error *err)
{
    const pea_dims d = picture->dims;
    const size_t n = (size_t)(d.x * d.c);
    unsigned char *bytes = picture->data, no_filter[1] = {0};
    z_stream z = {0};
    if (deflateInit(&z, Z_DEFAULT_COMPRESSION) != Z_OK)
        return pea__fail(err, PEA_E_NOMEM, "out of memory for writing a PNG");
    pea_status status = PEA_OK;
    for (int64_t y = 0; y < d.y && status == PEA_OK; y++) {
        status = pea__progress(context, (double)y / (double)d.y, err);
        if (status == PEA_OK)
            status = put_bytes(stream, &z, no_filter, 1, Z_NO_FLUSH, err);
        if (status == PEA_OK)
            status = put_bytes(stream, &z, bytes + (size_t)y * n, n, Z_NO_FLUSH, err);
    }
    if (status == PEA_OK)
        status = put_bytes(stream, &z, no_filter, 0, Z_FINISH, err);
    (void)deflateEnd(&z);
    return status;
}

pea_status pea_png_write(const char *path, const pea_array *picture, pea_context *context, pea_error *err)
{
    pea__writer writer = {.fd = -1};
    const pea_dims d = picture->dims;
    if (d.z != 1 || (d.c != 1 && d.c != 3) || d.y > INT32_MAX || d.x > INT32_MAX / 3)
        return pea__fail(err, PEA_E_SHAPE, "a PNG holds one plane of 1 or 3 channels");
    pea__stage(context, "write");
    pea_status status = pea__writer_open(path, &writer, err);
    if (status == PEA_OK) {
        put_head(writer.stream, d);
        status = put_rows(writer.stream, picture, context, err);
        if (status == PEA_OK) {
            put_chunk(writer.stream, "IEND", NULL, 0);
            status = pea__writer_commit(&writer, err);
        } else {
            pea__writer_discard(&writer);
        }
    }
    pea__stage(context, NULL);
    return status;
}
