/* tiff_scan.c - our own strict look at a TIFF's structure, before libtiff sees anything of it.
 *
 * Every number that later sizes memory or a read is checked here against the size of the file. Tags we do not use are
 * not even looked at: libtiff would load them all, and thousands of them may point at the same megabyte.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <string.h>

enum { BYTE = 1, ASCII = 2, SHORT = 3, LONG = 4, RATIONAL = 5, UNDEFINED = 7, LONG8 = 16, IFD8 = 18 };

/* What one directory says before it is judged. Absent fields have count 0. */
typedef struct raw_page {
    pea__tiff_field subfile, x, y, bits, compression, photometric, fill_order, description, strip_offsets, orientation,
        samples, rows_per_strip, strip_sizes, x_resolution, y_resolution, planar, t4_options, resolution_unit, predictor,
        colors, tile_x, tile_y, tile_offsets, tile_sizes, extra_samples, sample_format, jpeg_tables, subsampling;
} raw_page;

static int type_bytes(int type)
{
    static const int bytes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type > 0 && type <= IFD8 ? bytes[type] : 0;
}

static bool is_unsigned(int type)
{
    return type == BYTE || type == SHORT || type == LONG || type == LONG8;
}

bool pea__tiff_recognised(const pea__reader *reader)
{
    unsigned char b[4];
    if (reader->size_bytes < 8 || pea__reader_at(reader, 0, b, 4, NULL) != PEA_OK)
        return false;
    const bool little = b[0] == 'I' && b[1] == 'I' && b[3] == 0 && (b[2] == 42 || b[2] == 43);
    return little || (b[0] == 'M' && b[1] == 'M' && b[2] == 0 && (b[3] == 42 || b[3] == 43));
}

static pea_status read_header(pea__tiff *tiff, int64_t *first, pea_error *err)
{
    unsigned char b[16] = {0};
    if (!pea__tiff_recognised(tiff->reader))
        return pea__fail(err, PEA_E_FORMAT, "the file does not begin like a TIFF");
    pea_status status = pea__reader_at(tiff->reader, 0, b, 8, err);
    tiff->big_endian = b[0] == 'M';
    tiff->big = pea__load(b + 2, 2, tiff->big_endian) == 43;
    if (status == PEA_OK && tiff->big)
        status = pea__reader_at(tiff->reader, 8, b + 8, 8, err);
    if (status != PEA_OK)
        return status;
    if (tiff->big && (pea__load(b + 4, 2, tiff->big_endian) != 8 || pea__load(b + 6, 2, tiff->big_endian) != 0))
        return pea__fail(err, PEA_E_FORMAT, "the BigTIFF header does not announce 8-byte offsets");
    const uint64_t at = tiff->big ? pea__load(b + 8, 8, tiff->big_endian) : pea__load(b + 4, 4, tiff->big_endian);
    if (at == 0 || at > (uint64_t)tiff->reader->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "the first directory would be at byte %" PRIu64 " of a file of %" PRId64,
                         at, tiff->reader->size_bytes);
    *first = (int64_t)at;
    return PEA_OK;
}

/* ---- fields ---- */

static pea__tiff_field *field_of_tag(raw_page *raw, unsigned tag)
{
    switch (tag) {
    case 254: return &raw->subfile;
    case 256: return &raw->x;
    case 257: return &raw->y;
    case 258: return &raw->bits;
    case 259: return &raw->compression;
    case 262: return &raw->photometric;
    case 266: return &raw->fill_order;
    case 270: return &raw->description;
    case 273: return &raw->strip_offsets;
    case 274: return &raw->orientation;
    case 277: return &raw->samples;
    case 278: return &raw->rows_per_strip;
    case 279: return &raw->strip_sizes;
    case 282: return &raw->x_resolution;
    case 283: return &raw->y_resolution;
    case 284: return &raw->planar;
    case 292: return &raw->t4_options;
    case 296: return &raw->resolution_unit;
    case 317: return &raw->predictor;
    case 320: return &raw->colors;
    case 322: return &raw->tile_x;
    case 323: return &raw->tile_y;
    case 324: return &raw->tile_offsets;
    case 325: return &raw->tile_sizes;
    case 338: return &raw->extra_samples;
    case 339: return &raw->sample_format;
    case 347: return &raw->jpeg_tables;
    case 530: return &raw->subsampling;
    }
    return NULL;
}

/* Judge one directory entry; unknown tags pass unread. */
static pea_status take_entry(pea__tiff *tiff, const unsigned char *entry, int64_t entry_at, raw_page *raw,
                             pea_error *err)
{
    const unsigned tag = (unsigned)pea__load(entry, 2, tiff->big_endian);
    pea__tiff_field *field = field_of_tag(raw, tag);
    if (!field || field->count > 0)
        return PEA_OK; /* not ours, or said twice: the first one counts */
    const int type = (int)pea__load(entry + 2, 2, tiff->big_endian), inline_bytes = tiff->big ? 8 : 4;
    const unsigned char *value = entry + (tiff->big ? 12 : 8);
    const uint64_t count = pea__load(entry + 4, tiff->big ? 8 : 4, tiff->big_endian);
    int64_t n_bytes, end;
    if (type_bytes(type) == 0 || count == 0)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": tag %u has type %d and %" PRIu64 " values",
                         tiff->n_pages + 1, tag, type, count);
    if (count > INT64_MAX || !pea__mul_i64((int64_t)count, type_bytes(type), &n_bytes) ||
        n_bytes > tiff->reader->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": tag %u claims %" PRIu64 " values, more than the file holds",
                         tiff->n_pages + 1, tag, count);
    int64_t at = entry_at + (value - entry);
    if (n_bytes > inline_bytes) {
        const uint64_t far = pea__load(value, inline_bytes, tiff->big_endian);
        at = far > INT64_MAX ? INT64_MAX : (int64_t)far;
    }
    if (!pea__add_i64(at, n_bytes, &end) || end > tiff->reader->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": the values of tag %u lie outside the file",
                         tiff->n_pages + 1, tag);
    /* In an honest file no two values overlap, so all of them together are no longer than the file. */
    tiff->tag_bytes += n_bytes;
    if (tiff->tag_bytes > PEA__TIFF_MAX_TAG_BYTES + tiff->reader->size_bytes)
        return pea__fail(err, PEA_E_LIMIT, "the tags of all pages claim more bytes than the file has");
    *field = (pea__tiff_field){at, (int64_t)count, type};
    return PEA_OK;
}

pea_status pea__tiff_values(const pea__tiff *tiff, const pea__tiff_field *field, int64_t first, int64_t n,
                            int64_t values[PEA__TIFF_CHUNK], pea_error *err)
{
    unsigned char bytes[8 * PEA__TIFF_CHUNK];
    const int size = type_bytes(field->type);
    if (!is_unsigned(field->type) || n > PEA__TIFF_CHUNK || first + n > field->count)
        return pea__fail(err, PEA_E_FORMAT, "a tag has values of type %d where unsigned numbers are expected",
                         field->type);
    const pea_status status = pea__reader_at(tiff->reader, field->at + first * size, bytes, (size_t)(n * size), err);
    for (int64_t i = 0; status == PEA_OK && i < n; i++) {
        const uint64_t value = pea__load(bytes + i * size, size, tiff->big_endian);
        values[i] = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    }
    return status;
}

/* The first value of a field, or `standard` where it is absent. */
static pea_status first_value(const pea__tiff *tiff, const pea__tiff_field *field, int64_t standard, int64_t *value,
                              pea_error *err)
{
    int64_t values[PEA__TIFF_CHUNK];
    *value = standard;
    if (field->count == 0)
        return PEA_OK;
    const pea_status status = pea__tiff_values(tiff, field, 0, 1, values, err);
    if (status == PEA_OK)
        *value = values[0];
    return status;
}

/* One value for all samples: BitsPerSample, SampleFormat. */
static pea_status common_value(const pea__tiff *tiff, const pea__tiff_field *field, int64_t samples, int64_t standard,
                               int64_t *value, pea_error *err)
{
    int64_t values[PEA__TIFF_CHUNK];
    *value = standard;
    const int64_t n = pea__min_i64(field->count, samples);
    for (int64_t i = 0; i < n; i += PEA__TIFF_CHUNK) {
        const int64_t part = pea__min_i64(n - i, PEA__TIFF_CHUNK);
        const pea_status status = pea__tiff_values(tiff, field, i, part, values, err);
        if (status != PEA_OK)
            return status;
        if (i == 0)
            *value = values[0];
        for (int64_t k = 0; k < part; k++)
            if (values[k] != *value)
                return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " mixes samples of different types: convert it",
                                 tiff->n_pages + 1);
    }
    return PEA_OK;
}

static double rational_value(const pea__tiff *tiff, const pea__tiff_field *field)
{
    unsigned char b[8];
    if (field->type != RATIONAL || pea__reader_at(tiff->reader, field->at, b, 8, NULL) != PEA_OK)
        return 0;
    const double over = (double)pea__load(b, 4, tiff->big_endian);
    const double under = (double)pea__load(b + 4, 4, tiff->big_endian);
    return under > 0 ? over / under : 0;
}

/* ---- one page ---- */

static pea_status read_sample_type(const pea__tiff *tiff, const raw_page *raw, pea__tiff_page *page, pea_error *err)
{
    int64_t samples, bits, format, planar, extra_kind;
    pea_status status = first_value(tiff, &raw->samples, 1, &samples, err);
    if (status == PEA_OK && (samples < 1 || samples > PEA__TIFF_MAX_SAMPLES))
        return pea__fail(err, PEA_E_LIMIT, "page %" PRId64 " has %" PRId64 " samples per pixel, we read 1 to %d",
                         tiff->n_pages + 1, samples, PEA__TIFF_MAX_SAMPLES);
    if (status == PEA_OK)
        status = common_value(tiff, &raw->bits, samples, 1, &bits, err);
    if (status == PEA_OK)
        status = common_value(tiff, &raw->sample_format, samples, 1, &format, err);
    if (status == PEA_OK)
        status = first_value(tiff, &raw->planar, 1, &planar, err);
    if (status == PEA_OK)
        status = first_value(tiff, &raw->extra_samples, 0, &extra_kind, err);
    if (status != PEA_OK)
        return status;
    if (planar < 1 || planar > 2)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has planar configuration %" PRId64 ", known are 1 and 2",
                         tiff->n_pages + 1, planar);
    page->samples = (int)samples;
    page->bits = bits < 1 || bits > 64 ? 0 : (int)bits;
    page->kind = format == 4 ? PEA__TIFF_UNSIGNED : format < 1 || format > 3 ? 0 : (pea__tiff_kind)format;
    page->planar = planar == 2 && samples > 1;
    /* Alpha (kinds 1 and 2) comes last. ExtraSamples 0 is any further channel. */
    const int64_t n_extra = pea__min_i64(raw->extra_samples.count, samples - 1);
    page->alpha_samples = n_extra == 1 && (extra_kind == 1 || extra_kind == 2) ? 1 : 0;
    if (!pea__tiff_dtype(page))
        return pea__fail(err, PEA_E_FORMAT,
                         "page %" PRId64 " has %" PRId64 "-bit samples of format %" PRId64
                         ": we read 1, 2, 4, 8, 16, 32 bits, floats of 16, 32, 64 bits and signed 64",
                         tiff->n_pages + 1, bits, format);
    return PEA_OK;
}

/* Tags that change how the numbers are meant. */
static pea_status read_meaning(const pea__tiff *tiff, const raw_page *raw, pea__tiff_page *page, pea_error *err)
{
    int64_t compression, photometric, predictor, fill_order, orientation, fax;
    const struct {
        const pea__tiff_field *field;
        int64_t standard, *value;
    } wanted[] = {
        {&raw->compression, 1, &compression}, {&raw->photometric, 1, &photometric},
        {&raw->predictor, 1, &predictor},     {&raw->fill_order, 1, &fill_order},
        {&raw->orientation, 1, &orientation}, {&raw->t4_options, 0, &fax},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const pea_status status = first_value(tiff, wanted[i].field, wanted[i].standard, wanted[i].value, err);
        if (status != PEA_OK)
            return status;
    }
    const int64_t number = tiff->n_pages + 1;
    if (orientation != 1 && orientation != 0)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " is stored rotated or mirrored (orientation %" PRId64
                         "): save it upright", number, orientation);
    if (predictor < 1 || predictor > 3 || (predictor == 3 && (page->kind != PEA__TIFF_FLOAT || page->bits < 16)) ||
        (predictor == 2 && page->bits < 8))
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": predictor %" PRId64 " does not fit %d-bit samples",
                         number, predictor, page->bits);
    if (fill_order < 1 || fill_order > 2 || fax < 0 || fax > 7)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has fill order %" PRId64 " and fax options %" PRId64,
                         number, fill_order, fax);
    char name[32];
    if (compression > 65535 || !pea__tiff_codec_known((int)compression, name))
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " is compressed with %s (%" PRId64
                         "), which we do not read: save it with LZW or Deflate", number,
                         compression > 65535 ? "an unknown method" : name, compression);
    const bool jpeg = compression == 7;
    if (photometric > 3 && !(photometric == 6 && jpeg) && photometric != 32844 && photometric != 32803)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has colour model %" PRId64
                         ": we read grey, RGB, palette, and YCbCr in JPEG", number, photometric);
    if ((photometric == 2 && page->samples < 3) || (photometric == 3 && page->samples != 1) ||
        (photometric == 6 && (page->samples != 3 || page->planar)) || (jpeg && page->bits != 8))
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": %d samples of %d bits do not fit colour model %" PRId64,
                         number, page->samples, page->bits, photometric);
    page->compression = (int)compression;
    page->photometric = photometric > 6 ? 1 : (int)photometric;
    page->predictor = (int)predictor;
    page->fill_order = (int)fill_order;
    page->fax_options = (uint32_t)fax;
    return PEA_OK;
}

/* Extents of the page and of its strips or tiles, and the sums that bound all work. */
static pea_status read_extents(pea__tiff *tiff, const raw_page *raw, pea__tiff_page *page, pea_error *err)
{
    const int64_t number = tiff->n_pages + 1, most = INT32_MAX;
    page->tiled = raw->tile_x.count > 0 || raw->tile_y.count > 0 || raw->tile_offsets.count > 0;
    pea_status status = first_value(tiff, &raw->x, 0, &page->x, err);
    if (status == PEA_OK)
        status = first_value(tiff, &raw->y, 0, &page->y, err);
    if (status == PEA_OK && page->tiled)
        status = first_value(tiff, &raw->tile_x, 0, &page->block_x, err);
    if (status == PEA_OK)
        status = page->tiled ? first_value(tiff, &raw->tile_y, 0, &page->block_y, err)
                             : first_value(tiff, &raw->rows_per_strip, most, &page->block_y, err);
    if (status != PEA_OK)
        return status;
    if (!page->tiled) {
        page->block_x = page->x;
        if (page->block_y == 0 || page->block_y > page->y)
            page->block_y = page->y;
    }
    if (page->x < 1 || page->y < 1 || page->block_x < 1 || page->block_y < 1 || page->x > most || page->y > most ||
        page->block_x > most || page->block_y > most)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " claims %" PRId64 " x %" PRId64 " pixels%s", number, page->x,
                         page->y, page->x > most || page->y > most ? ", more than a TIFF can have" : "");
    page->blocks_across = pea__ceil_div(page->x, page->block_x);
    page->blocks_per_plane = page->blocks_across * pea__ceil_div(page->y, page->block_y);
    const int64_t columns = page->blocks_across * page->block_x; /* as stored: tiles reach over the edge */
    const int64_t rows = page->tiled ? pea__ceil_div(page->y, page->block_y) * page->block_y : page->y;
    int64_t pixels, bytes;
    if (!pea__mul_i64(columns, rows, &pixels) || !pea__mul_i64(pixels, (int64_t)page->samples * 8, &bytes))
        return pea__fail(err, PEA_E_LIMIT, "page %" PRId64 " claims %" PRId64 " x %" PRId64 " pixels", number, page->x,
                         page->y);
    page->n_blocks = page->blocks_per_plane * (page->planar ? page->samples : 1); /* fits: not more than the pixels */
    bytes = bytes / 64 * page->bits + 64; /* rows of bits end at whole bytes: good enough for a bound */
    int64_t allowed;
    if (!pea__mul_i64(tiff->reader->size_bytes, PEA__IMAGE_PIXELS_PER_BYTE, &allowed))
        allowed = INT64_MAX;
    if (!pea__add_i64(tiff->declared_pixels, pixels, &tiff->declared_pixels) ||
        !pea__add_i64(tiff->declared_bytes, bytes, &tiff->declared_bytes) ||
        (tiff->declared_pixels > allowed && tiff->declared_bytes > PEA__IMAGE_FLOOR_BYTES) ||
        (tiff->max_pixels > 0 && tiff->declared_pixels > tiff->max_pixels))
        return pea__fail(err, PEA_E_LIMIT, "%" PRId64 " x %" PRId64 " pixels on page %" PRId64
                         " are too many for a file of %" PRId64 " bytes: it is damaged or made to exhaust memory",
                         page->x, page->y, number, tiff->reader->size_bytes);
    return PEA_OK;
}

pea__tiff_block pea__tiff_block_at(const pea__tiff_page *page, int64_t i)
{
    const int64_t k = i % page->blocks_per_plane, row = k / page->blocks_across;
    pea__tiff_block block = {.x = k % page->blocks_across * page->block_x, .y = row * page->block_y};
    block.n_x = page->block_x;
    block.n_y = page->tiled ? page->block_y : pea__min_i64(page->block_y, page->y - block.y);
    block.first_sample = page->planar ? (int)(i / page->blocks_per_plane) : 0;
    block.n_samples = page->planar ? 1 : page->samples;
    block.row_bytes = pea__ceil_div(block.n_x * block.n_samples * page->bits, 8);
    block.size_bytes = block.row_bytes * block.n_y;
    return block;
}

/* No codec we take makes more of a byte than this, so a strip that claims more is lying. 0: no bound known. */
static int64_t expansion_limit(int compression)
{
    switch (compression) {
    case 8:
    case 32946: return 1040;  /* Deflate: a match of 258 bytes in two bits */
    case 5: return 4100;      /* LZW: one 12-bit code for at most 4095 - 256 bytes, rounded up */
    case 32773: return 64;    /* PackBits: 128 bytes in two */
    }
    return 0;
}

static pea_status check_block(const pea__tiff *tiff, const pea__tiff_page *page, int64_t i, int64_t offset, int64_t size,
                              pea_error *err)
{
    const int64_t expected = pea__tiff_block_at(page, i).size_bytes, number = tiff->n_pages + 1;
    const char *what = page->tiled ? "tile" : "strip";
    if (page->compression == 1) {
        if (page->sizes_known && size != 0 && size < expected)
            return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": %s %" PRId64 " has %" PRId64 " bytes, its pixels need %"
                             PRId64, number, what, i + 1, size, expected);
        size = expected; /* too large a size in the last strip is common */
    }
    int64_t end;
    if (size == 0 || !pea__add_i64(offset, size, &end) || end > tiff->reader->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": %s %" PRId64 " (%" PRId64 " bytes at %" PRId64
                         ") is empty or not inside the file of %" PRId64 " bytes: the file is incomplete or damaged",
                         number, what, i + 1, size, offset, tiff->reader->size_bytes);
    const int64_t limit = expansion_limit(page->compression);
    if (limit > 0 && expected / limit > size)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 ": %" PRId64 " compressed bytes cannot become the %" PRId64
                         " bytes of %s %" PRId64, number, size, expected, what, i + 1);
    return PEA_OK;
}

static pea_status check_blocks(const pea__tiff *tiff, const raw_page *raw, pea__tiff_page *page, pea_error *err)
{
    const int64_t number = tiff->n_pages + 1;
    const char *what = page->tiled ? "tiles" : "strips";
    page->offsets = page->tiled && raw->tile_offsets.count ? raw->tile_offsets : raw->strip_offsets;
    page->sizes = page->tiled && raw->tile_sizes.count ? raw->tile_sizes : raw->strip_sizes;
    page->sizes_known = page->sizes.count > 0;
    if (!page->sizes_known && page->compression != 1)
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " does not tell the sizes of its compressed %s", number, what);
    if (page->offsets.count != page->n_blocks || (page->sizes_known && page->sizes.count != page->n_blocks))
        return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " needs %" PRId64 " %s, but lists %" PRId64 " offsets and %" PRId64
                         " sizes", number, page->n_blocks, what, page->offsets.count, page->sizes.count);
    int64_t offsets[PEA__TIFF_CHUNK], sizes[PEA__TIFF_CHUNK] = {0};
    for (int64_t i = 0; i < page->n_blocks; i += PEA__TIFF_CHUNK) {
        const int64_t n = pea__min_i64(page->n_blocks - i, PEA__TIFF_CHUNK);
        pea_status status = pea__tiff_values(tiff, &page->offsets, i, n, offsets, err);
        if (status == PEA_OK && page->sizes_known)
            status = pea__tiff_values(tiff, &page->sizes, i, n, sizes, err);
        for (int64_t k = 0; status == PEA_OK && k < n; k++)
            status = check_block(tiff, page, i + k, offsets[k], sizes[k], err);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

/* Side tables a codec or a palette needs. */
static pea_status read_tables(const pea__tiff *tiff, const raw_page *raw, pea__tiff_page *page, pea_error *err)
{
    const int64_t number = tiff->n_pages + 1;
    if (page->photometric == 3) {
        if (page->bits > 16 || page->kind != PEA__TIFF_UNSIGNED || raw->colors.type != SHORT ||
            raw->colors.count != (int64_t)3 << page->bits)
            return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has a palette of %" PRId64 " numbers for %d-bit pixels",
                             number, raw->colors.count, page->bits);
        page->colors = raw->colors;
    }
    if (page->compression == 7 && raw->jpeg_tables.count > 0) {
        if (raw->jpeg_tables.count > PEA__TIFF_MAX_JPEG_TABLES || type_bytes(raw->jpeg_tables.type) != 1)
            return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has JPEG tables of %" PRId64 " bytes", number,
                             raw->jpeg_tables.count);
        page->jpeg_tables = raw->jpeg_tables;
    }
    if (page->photometric == 6 && raw->subsampling.count == 2) {
        int64_t values[PEA__TIFF_CHUNK];
        const pea_status status = pea__tiff_values(tiff, &raw->subsampling, 0, 2, values, err);
        if (status != PEA_OK)
            return status;
        for (int i = 0; i < 2; i++) {
            if (values[i] != 1 && values[i] != 2 && values[i] != 4)
                return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has colour subsampling %" PRId64, number, values[i]);
            page->subsampling[i] = (uint16_t)values[i];
        }
    }
    return PEA_OK;
}

static pea_status take_page(pea__tiff *tiff, const raw_page *raw, pea_error *err)
{
    pea__tiff_page page = {0};
    pea_status status = read_sample_type(tiff, raw, &page, err);
    if (status == PEA_OK)
        status = read_meaning(tiff, raw, &page, err);
    if (status == PEA_OK)
        status = read_extents(tiff, raw, &page, err);
    if (status == PEA_OK)
        status = check_blocks(tiff, raw, &page, err);
    if (status == PEA_OK)
        status = read_tables(tiff, raw, &page, err);
    if (status != PEA_OK)
        return status;
    if (tiff->n_pages == tiff->pages_capacity) {
        const int64_t capacity = tiff->pages_capacity ? 2 * tiff->pages_capacity : 4;
        pea__tiff_page *grown = pea__realloc(tiff->pages, (size_t)capacity, sizeof page, err);
        if (!grown)
            return PEA_E_NOMEM;
        tiff->pages = grown;
        tiff->pages_capacity = capacity;
    }
    tiff->pages[tiff->n_pages++] = page;
    return PEA_OK;
}

static pea_status take_metadata(pea__tiff *tiff, const raw_page *raw, pea_error *err)
{
    if (raw->description.count > PEA__TIFF_MAX_TEXT)
        return pea__fail(err, PEA_E_LIMIT, "the image description has %" PRId64 " bytes, we read at most %d",
                         raw->description.count, PEA__TIFF_MAX_TEXT);
    if (type_bytes(raw->description.type) == 1)
        tiff->description = raw->description;
    tiff->x_resolution = rational_value(tiff, &raw->x_resolution);
    tiff->y_resolution = rational_value(tiff, &raw->y_resolution);
    int64_t unit;
    const pea_status status = first_value(tiff, &raw->resolution_unit, 2, &unit, err);
    tiff->resolution_unit = unit >= 1 && unit <= 3 ? (int)unit : 1;
    return status;
}

/* ---- the chain ---- */

/* One directory: the fields we use, and where the next one is (0: none). */
static pea_status read_directory(pea__tiff *tiff, int64_t at, raw_page *raw, int64_t *next, pea_error *err)
{
    unsigned char bytes[20 * PEA__TIFF_MAX_ENTRIES + 8];
    const int count_bytes = tiff->big ? 8 : 2, entry_bytes = tiff->big ? 20 : 12, next_bytes = tiff->big ? 8 : 4;
    const int64_t number = tiff->n_pages + 1;
    pea_status status = pea__reader_at(tiff->reader, at, bytes, (size_t)count_bytes, err);
    if (status != PEA_OK)
        return status;
    const uint64_t n = pea__load(bytes, count_bytes, tiff->big_endian);
    if (n == 0 || n > PEA__TIFF_MAX_ENTRIES)
        return pea__fail(err, n ? PEA_E_LIMIT : PEA_E_FORMAT, "page %" PRId64 " has %" PRIu64 " tags, expected 1 to %d",
                         number, n, PEA__TIFF_MAX_ENTRIES);
    at += count_bytes;
    status = pea__reader_at(tiff->reader, at, bytes, (size_t)n * (size_t)entry_bytes + (size_t)next_bytes, err);
    if (status != PEA_OK)
        return status;
    *raw = (raw_page){0};
    for (uint64_t i = 0; status == PEA_OK && i < n; i++)
        status = take_entry(tiff, bytes + i * (uint64_t)entry_bytes, at + (int64_t)i * entry_bytes, raw, err);
    const uint64_t link = pea__load(bytes + n * (uint64_t)entry_bytes, next_bytes, tiff->big_endian);
    if (status == PEA_OK && link > (uint64_t)tiff->reader->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "after page %" PRId64 " the file points to byte %" PRIu64 " of %" PRId64
                         ": it is incomplete or damaged", number, link, tiff->reader->size_bytes);
    *next = (int64_t)link;
    return status;
}

pea_status pea__tiff_scan(const pea__reader *reader, int64_t max_pixels, pea__tiff *tiff, pea__notes *notes,
                          pea_error *err)
{
    enum { WHOLE_STRIP = 4 << 20 }; /* 0.05 s by the slowest method */
    *tiff = (pea__tiff){
        .reader = reader, .max_pixels = max_pixels, .resolution_unit = 1, .whole_strip_bytes = WHOLE_STRIP};
    int64_t at = 0, marked = 0, n_seen = 0;
    pea_status status = read_header(tiff, &at, err);
    for (int64_t mark_again = 1; status == PEA_OK && at != 0; n_seen++) {
        /* Brent: a mark set at every power of two meets any loop again, without a list of all places. */
        if (at == marked)
            return pea__fail(err, PEA_E_FORMAT, "the list of pages runs in a circle: the file is damaged");
        if (n_seen == mark_again) {
            marked = at;
            mark_again *= 2;
        }
        if (n_seen == 0)
            marked = at;
        if (n_seen == PEA__TIFF_MAX_PAGES)
            return pea__fail(err, PEA_E_LIMIT, "the file has more than %d pages", PEA__TIFF_MAX_PAGES);
        raw_page raw;
        int64_t subfile = 0;
        status = read_directory(tiff, at, &raw, &at, err);
        if (status == PEA_OK)
            status = first_value(tiff, &raw.subfile, 0, &subfile, err);
        if (status == PEA_OK && (subfile & 5) != 0) { /* a reduced copy or a transparency mask */
            pea__note(notes, "reduced copies of pages skipped");
            continue;
        }
        const bool first = tiff->n_pages == 0;
        if (status == PEA_OK)
            status = take_page(tiff, &raw, err);
        if (status == PEA_OK && first)
            status = take_metadata(tiff, &raw, err);
    }
    if (status == PEA_OK && tiff->n_pages == 0)
        status = pea__fail(err, PEA_E_FORMAT, "the TIFF has no full-size page");
    return status;
}

void pea__tiff_free(pea__tiff *tiff)
{
    pea__free(tiff->pages);
    tiff->pages = NULL;
    tiff->n_pages = tiff->pages_capacity = 0;
}
