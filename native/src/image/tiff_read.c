/* tiff_read.c - the strips or tiles of one page to elements of a volume.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <string.h>

pea_dtype pea__tiff_dtype(const pea__tiff_page *page)
{
    const int bits = page->bits;
    switch (page->kind) {
    case PEA__TIFF_UNSIGNED:
        return bits == 1 || bits == 2 || bits == 4 || bits == 8 ? PEA_UINT8 : bits == 16 ? PEA_UINT16
               : bits == 32                                     ? PEA_UINT32
                                                                : 0;
    case PEA__TIFF_SIGNED:
        return bits == 8 ? PEA_INT8 : bits == 16 ? PEA_INT16 : bits == 32 ? PEA_INT32 : bits == 64 ? PEA_INT64 : 0;
    case PEA__TIFF_FLOAT:
        return bits == 16 || bits == 32 ? PEA_FLOAT32 : bits == 64 ? PEA_FLOAT64 : 0;
    }
    return 0;
}

static void reverse_bits(unsigned char *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        unsigned b = bytes[i];
        b = (b & 0xf0) >> 4 | (b & 0x0f) << 4;
        b = (b & 0xcc) >> 2 | (b & 0x33) << 2;
        bytes[i] = (unsigned char)((b & 0xaa) >> 1 | (b & 0x55) << 1);
    }
}

/* One row of a block to the target: samples `from`.. of `of` per pixel, x0 pixels in, n pixels. */
static void copy_row(const pea__tiff_page *page, const unsigned char *row, int of, int from, int n_samples, int64_t n,
                     unsigned char *to, int64_t c_total)
{
    const int bits = page->bits;
    if (bits >= 8 && !(bits == 16 && page->kind == PEA__TIFF_FLOAT)) {
        const size_t size = (size_t)bits / 8;
        if (of == n_samples && of == c_total) {
            memcpy(to, row, (size_t)n * (size_t)of * size);
            return;
        }
        for (int64_t x = 0; x < n; x++)
            memcpy(to + (size_t)(x * c_total) * size, row + (size_t)(x * of + from) * size, (size_t)n_samples * size);
        return;
    }
    for (int64_t x = 0; x < n; x++)
        for (int s = 0; s < n_samples; s++) {
            const int64_t i = x * of + from + s, o = x * c_total + s;
            if (bits == 16) {
                uint16_t half;
                memcpy(&half, row + 2 * i, 2);
                const float value = pea__float_of_half(half);
                memcpy(to + 4 * o, &value, 4);
            } else { /* 1, 2 or 4 bits, the highest first */
                const int64_t bit = i * bits;
                to[o] = (unsigned char)(row[bit / 8] >> (8 - bits - bit % 8) & ((1 << bits) - 1));
            }
        }
}

/* The wanted samples of a decoded block, or of `n_y` rows of it, to their places. */
static void place(const pea__tiff_page *page, const pea__tiff_block *block, int64_t first_row, int64_t n_rows,
                  const unsigned char *bytes, const pea__tiff_target *target)
{
    const int first = target->first_sample > block->first_sample ? target->first_sample : block->first_sample;
    const int wanted_end = target->first_sample + target->n_samples, end_here = block->first_sample + block->n_samples;
    const int end = wanted_end < end_here ? wanted_end : end_here;
    const int64_t y0 = block->y + first_row, n_x = pea__min_i64(block->n_x, page->x - block->x);
    const size_t element = pea_dtype_size_bytes(target->dtype);
    for (int64_t y = 0; y < n_rows && y0 + y < page->y; y++) {
        const int64_t voxel = (y0 + y) * page->x + block->x;
        const int64_t at = voxel * target->c_total + target->c + (first - target->first_sample);
        copy_row(page, bytes + y * block->row_bytes, block->n_samples, first - block->first_sample, end - first, n_x,
                 (unsigned char *)target->data + (size_t)at * element, target->c_total);
    }
}

static bool block_is_wanted(const pea__tiff_block *block, const pea__tiff_target *target)
{
    return block->first_sample < target->first_sample + target->n_samples &&
           target->first_sample < block->first_sample + block->n_samples;
}

/* Row `row` of block i is done. */
static pea_status tell(const pea__page_progress *progress, const pea__tiff_page *page, int64_t i, int64_t row,
                       pea_error *err)
{
    const double blocks = (double)i + (double)row / (double)page->block_y;
    return pea__progress(progress->context, progress->from + progress->share * blocks / (double)page->n_blocks, err);
}

/* Uncompressed: straight from the file, some rows at a time, so that a strip of any size needs little memory. */
static pea_status read_plain_block(const pea__tiff *tiff, const pea__tiff_page *page, int64_t i, int64_t offset,
                                   unsigned char *buffer, int64_t rows_at_once, const pea__tiff_target *target,
                                   const pea__page_progress *progress, pea_error *err)
{
    const pea__tiff_block whole = pea__tiff_block_at(page, i), *block = &whole;
    const bool swapped = page->bits > 8 && tiff->big_endian != pea__host_is_big_endian();
    for (int64_t y = 0; y < block->n_y; y += rows_at_once) {
        const int64_t n = pea__min_i64(rows_at_once, block->n_y - y), n_bytes = n * block->row_bytes;
        pea_status status = tell(progress, page, i, y, err);
        if (status == PEA_OK)
            status = pea__reader_at(tiff->reader, offset + y * block->row_bytes, buffer, (size_t)n_bytes, err);
        if (status != PEA_OK)
            return status;
        if (swapped)
            pea__swap_bytes(buffer, n_bytes / (page->bits / 8), (size_t)page->bits / 8);
        if (page->fill_order == 2)
            reverse_bits(buffer, n_bytes);
        place(page, block, y, n, buffer, target);
    }
    return PEA_OK;
}

static pea_status read_plain(const pea__tiff *tiff, const pea__tiff_page *page, const pea__tiff_target *target,
                             const pea__page_progress *progress, pea_error *err)
{
    enum { BUFFER_BYTES = 1 << 20 };
    const int64_t row_bytes = pea__tiff_block_at(page, 0).row_bytes;
    const int64_t rows = pea__max_i64(1, pea__min_i64(BUFFER_BYTES / row_bytes, page->block_y));
    unsigned char *buffer = pea__alloc((size_t)rows, (size_t)row_bytes, err);
    if (!buffer)
        return PEA_E_NOMEM;
    int64_t offsets[PEA__TIFF_CHUNK];
    pea_status status = PEA_OK;
    for (int64_t i = 0; status == PEA_OK && i < page->n_blocks; i++) {
        const int64_t k = i % PEA__TIFF_CHUNK;
        if (k == 0)
            status = pea__tiff_values(tiff, &page->offsets, i, pea__min_i64(PEA__TIFF_CHUNK, page->n_blocks - i),
                                      offsets, err);
        const pea__tiff_block block = pea__tiff_block_at(page, i);
        if (status == PEA_OK && block_is_wanted(&block, target))
            status = read_plain_block(tiff, page, i, offsets[k] + page->shift_bytes, buffer, rows, target, progress,
                                      err);
    }
    pea__free(buffer);
    return status;
}

/* Strips come some rows at a time, so that between them somebody can be asked whether to stop. Small ones do not
 * need it, and come faster as a whole: libtiff has another Deflate for that. */
static pea_status read_in_parts(pea__tiff_decoder *decoder, const pea__tiff_page *page, int64_t i,
                                unsigned char *buffer, int64_t rows_at_once, const pea__tiff_target *target,
                                const pea__page_progress *progress, pea_error *err)
{
    const pea__tiff_block block = pea__tiff_block_at(page, i);
    pea_status status = PEA_OK;
    for (int64_t y = 0; y < block.n_y && status == PEA_OK; y += rows_at_once) {
        const int64_t n = pea__min_i64(rows_at_once, block.n_y - y);
        status = tell(progress, page, i, y, err);
        if (status == PEA_OK)
            status = pea__tiff_decode_rows(decoder, i, y, n, buffer, err);
        if (status == PEA_OK)
            place(page, &block, y, n, buffer, target);
    }
    return status;
}

static pea_status read_compressed(const pea__tiff *tiff, const pea__tiff_page *page, const pea__tiff_target *target,
                                  const pea__page_progress *progress, pea_error *err)
{
    enum { PART_BYTES = 1 << 20 };
    const pea__tiff_block first = pea__tiff_block_at(page, 0);
    const bool in_parts = first.size_bytes > tiff->whole_strip_bytes && pea__tiff_row_by_row(page);
    const int64_t rows = pea__min_i64(first.n_y, in_parts ? pea__max_i64(1, PART_BYTES / first.row_bytes) : INT64_MAX);
    /* Zeroed: before libtiff 4.7 a failing decoder may leave part of the buffer as it was. */
    unsigned char *buffer = pea__alloc((size_t)(in_parts ? rows * first.row_bytes : first.size_bytes), 1, err);
    if (!buffer)
        return PEA_E_NOMEM;
    pea__tiff_decoder *decoder = NULL;
    pea_status status = pea__tiff_decoder_open(tiff, page, &decoder, err);
    for (int64_t i = 0; status == PEA_OK && i < page->n_blocks; i++) {
        const pea__tiff_block block = pea__tiff_block_at(page, i);
        if (!block_is_wanted(&block, target))
            continue;
        if (in_parts) {
            status = read_in_parts(decoder, page, i, buffer, rows, target, progress, err);
            continue;
        }
        status = tell(progress, page, i, 0, err);
        if (status == PEA_OK)
            status = pea__tiff_decode(decoder, i, buffer, err);
        if (status == PEA_OK)
            place(page, &block, 0, block.n_y, buffer, target);
    }
    pea__tiff_decoder_close(decoder);
    pea__free(buffer);
    return status;
}

pea_status pea__tiff_read_page(const pea__tiff *tiff, const pea__tiff_page *page, const pea__tiff_target *target,
                               const pea__page_progress *progress, pea_error *err)
{
    return page->compression == 1 ? read_plain(tiff, page, target, progress, err)
                                  : read_compressed(tiff, page, target, progress, err);
}
