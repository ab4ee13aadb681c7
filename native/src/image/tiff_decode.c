/* tiff_decode.c - libtiff decodes compressed strips and tiles, and sees nothing else of the file.
 *
 * It is shown a file that we make up: a BigTIFF header and one directory with only the tags that tiff_scan.c approved,
 * written anew, and behind them the bytes of the real file. So it cannot meet a tag, a chain or a geometry we have not
 * checked, whatever version of it the system has; BigTIFF because offsets grow by the length of the made-up part.
 *
 *     ┌────────┬───────────┬──────────────────────┬──────────────────────────────┐
 *     │ header │ directory │ offsets, sizes, ...  │ the real file, byte for byte │
 *     └────────┴───────────┴──────────────────────┴──────────────────────────────┘
 *     0                                           front_bytes
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <string.h>
#include <tiffio.h>

struct pea__tiff_decoder {
    const pea__tiff *tiff;
    const pea__tiff_page *page;
    TIFF *handle;
    unsigned char *front; /* the made-up part */
    int64_t front_bytes, values_at, n_entries;
    int64_t position;
    bool read_failed;
    pea_error read_error;
    char message[160]; /* libtiff's first complaint */
};

/* ---- codecs ---- */

bool pea__tiff_codec_known(int compression, char name[32])
{
    static const struct {
        int compression;
        bool accepted; /* methods that carry plain samples and whose decoder bounds its own memory */
        const char *name;
    } codecs[] = {
        {1, true, "nothing"},     {2, true, "CCITT RLE"},    {3, true, "CCITT fax 3"},   {4, true, "CCITT fax 4"},
        {5, true, "LZW"},         {6, false, "old JPEG"},    {7, true, "JPEG"},          {8, true, "Deflate"},
        {32773, true, "PackBits"}, {32946, true, "Deflate"}, {34925, true, "LZMA"},      {50000, true, "ZSTD"},
        {50001, true, "WebP"},    {34887, true, "LERC"},     {34661, false, "JBIG"},     {32766, false, "NeXT"},
        {32809, false, "ThunderScan"}, {32908, false, "PixarLog"}, {34676, false, "SGILog"}, {34677, false, "SGILog24"},
        {34712, false, "JPEG 2000"},   {50002, false, "JPEG XL"},
    };
    snprintf(name, 32, "an unknown method");
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (codecs[i].compression == compression) {
            snprintf(name, 32, "%s", codecs[i].name);
            return codecs[i].accepted && (compression == 1 || TIFFIsCODECConfigured((uint16_t)compression));
        }
    return false;
}

static bool takes_predictor(int compression)
{
    return compression == 5 || compression == 8 || compression == 32946 || compression == 34925 || compression == 50000;
}

/* ---- the made-up part ---- */

/* Begin an entry of `count` values of `size` bytes; returns where to put them. Entries come in the order of tags. */
static unsigned char *entry(pea__tiff_decoder *decoder, unsigned tag, int type, int64_t count, int size)
{
    const bool be = decoder->tiff->big_endian;
    unsigned char *e = decoder->front + 24 + 20 * decoder->n_entries++;
    pea__store(e, tag, 2, be);
    pea__store(e + 2, (unsigned)type, 2, be);
    pea__store(e + 4, (uint64_t)count, 8, be);
    if (count * size <= 8)
        return e + 12;
    unsigned char *values = decoder->front + decoder->values_at;
    pea__store(e + 12, (uint64_t)decoder->values_at, 8, be);
    decoder->values_at += (count * size + 7) / 8 * 8;
    return values;
}

static void entry_number(pea__tiff_decoder *decoder, unsigned tag, int64_t value)
{
    enum { LONG = 4 };
    pea__store(entry(decoder, tag, LONG, 1, 4), (uint64_t)value, 4, decoder->tiff->big_endian);
}

static void entry_shorts(pea__tiff_decoder *decoder, unsigned tag, int count, const uint16_t *values, int stride)
{
    enum { SHORT = 3 };
    unsigned char *to = entry(decoder, tag, SHORT, count, 2);
    for (int i = 0; i < count; i++)
        pea__store(to + 2 * i, values[i * stride], 2, decoder->tiff->big_endian);
}

/* Offsets (moved behind the made-up part) or sizes of all blocks. */
static pea_status entry_blocks(pea__tiff_decoder *decoder, unsigned tag, const pea__tiff_field *field, int64_t add,
                               pea_error *err)
{
    enum { LONG8 = 16 };
    const int64_t n = decoder->page->n_blocks;
    unsigned char *to = entry(decoder, tag, LONG8, n, 8);
    int64_t values[PEA__TIFF_CHUNK];
    for (int64_t i = 0; i < n; i += PEA__TIFF_CHUNK) {
        const int64_t part = pea__min_i64(n - i, PEA__TIFF_CHUNK);
        const pea_status status = pea__tiff_values(decoder->tiff, field, i, part, values, err);
        if (status != PEA_OK)
            return status;
        for (int64_t k = 0; k < part; k++)
            pea__store(to + 8 * (i + k), (uint64_t)values[k] + (uint64_t)add, 8, decoder->tiff->big_endian);
    }
    return PEA_OK;
}

static pea_status build_directory(pea__tiff_decoder *decoder, pea_error *err)
{
    const pea__tiff_page *page = decoder->page;
    const bool tiled = page->tiled, be = decoder->tiff->big_endian;
    const uint16_t bits = (uint16_t)page->bits, kind = (uint16_t)page->kind;
    /* The colour model matters to JPEG and WebP alone; a palette must not, or libtiff would look for its table. */
    const bool coloured = page->compression == 7 || page->compression == 50001;
    entry_number(decoder, 256, page->x);
    entry_number(decoder, 257, page->y);
    entry_shorts(decoder, 258, page->samples, &bits, 0);
    entry_number(decoder, 259, page->compression);
    entry_number(decoder, 262, coloured && page->photometric != 3 ? page->photometric : 1);
    entry_number(decoder, 266, page->fill_order);
    pea_status status = PEA_OK;
    if (!tiled)
        status = entry_blocks(decoder, 273, &page->offsets, decoder->front_bytes, err);
    entry_number(decoder, 277, page->samples);
    if (status == PEA_OK && !tiled) {
        entry_number(decoder, 278, page->block_y);
        status = entry_blocks(decoder, 279, &page->sizes, 0, err);
    }
    entry_number(decoder, 284, page->planar ? 2 : 1);
    if (page->compression == 3)
        entry_number(decoder, 292, page->fax_options);
    if (page->predictor != 1 && takes_predictor(page->compression))
        entry_number(decoder, 317, page->predictor);
    if (status == PEA_OK && tiled) {
        entry_number(decoder, 322, page->block_x);
        entry_number(decoder, 323, page->block_y);
        status = entry_blocks(decoder, 324, &page->offsets, decoder->front_bytes, err);
        if (status == PEA_OK)
            status = entry_blocks(decoder, 325, &page->sizes, 0, err);
    }
    entry_shorts(decoder, 339, page->samples, &kind, 0);
    if (status == PEA_OK && page->jpeg_tables.count > 0) {
        const int64_t n = page->jpeg_tables.count;
        enum { UNDEFINED = 7 };
        status = pea__reader_at(decoder->tiff->reader, page->jpeg_tables.at, entry(decoder, 347, UNDEFINED, n, 1),
                                (size_t)n, err);
    }
    if (page->subsampling[0] != 0) /* where it is absent, libtiff takes it from the JPEG data */
        entry_shorts(decoder, 530, 2, page->subsampling, 1);
    unsigned char *front = decoder->front;
    memset(front, be ? 'M' : 'I', 2);
    pea__store(front + 2, 43, 2, be);
    pea__store(front + 4, 8, 2, be);
    pea__store(front + 8, 16, 8, be);
    pea__store(front + 16, (uint64_t)decoder->n_entries, 8, be);
    return status;
}

/* ---- what libtiff calls ---- */

static tmsize_t read_bytes(thandle_t handle, void *buffer, tmsize_t n)
{
    pea__tiff_decoder *decoder = handle;
    unsigned char *to = buffer;
    const int64_t end = decoder->front_bytes + decoder->tiff->reader->size_bytes, start = decoder->position;
    int64_t at = start;
    n = (tmsize_t)pea__max_i64(0, pea__min_i64(n, end - at));
    if (at < decoder->front_bytes) {
        const int64_t part = pea__min_i64(n, decoder->front_bytes - at);
        memcpy(to, decoder->front + at, (size_t)part);
        to += part;
        at += part;
    }
    const int64_t rest = n - (at - start);
    if (rest > 0) {
        if (pea__reader_at(decoder->tiff->reader, at - decoder->front_bytes, to, (size_t)rest, &decoder->read_error) !=
            PEA_OK) {
            decoder->read_failed = true;
            return (tmsize_t)-1;
        }
        at += rest;
    }
    decoder->position = at;
    return n;
}

static tmsize_t write_nothing(thandle_t handle, void *buffer, tmsize_t n)
{
    (void)handle, (void)buffer, (void)n;
    return 0;
}

static toff_t seek_to(thandle_t handle, toff_t offset, int whence)
{
    pea__tiff_decoder *decoder = handle;
    const int64_t base = whence == SEEK_CUR   ? decoder->position
                         : whence == SEEK_END ? decoder->front_bytes + decoder->tiff->reader->size_bytes
                                              : 0;
    int64_t to;
    if (offset > INT64_MAX || !pea__add_i64(base, (int64_t)offset, &to))
        return (toff_t)-1;
    decoder->position = to;
    return (toff_t)to;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle)
{
    const pea__tiff_decoder *decoder = handle;
    return (toff_t)(decoder->front_bytes + decoder->tiff->reader->size_bytes);
}

/* Keep the first complaint, print none. */
static int keep_message(TIFF *handle, void *user, const char *module, const char *format, va_list arguments)
{
    pea__tiff_decoder *decoder = user;
    (void)handle, (void)module;
    if (decoder->message[0] == '\0')
        vsnprintf(decoder->message, sizeof decoder->message, format, arguments);
    return 1;
}

static int ignore_message(TIFF *handle, void *user, const char *module, const char *format, va_list arguments)
{
    (void)handle, (void)user, (void)module, (void)format, (void)arguments;
    return 1;
}

/* ---- opening and decoding ---- */

static pea_status complain(const pea__tiff_decoder *decoder, const char *what, pea_error *err)
{
    if (decoder->read_failed) {
        if (err)
            *err = decoder->read_error;
        return decoder->read_error.status;
    }
    char name[32];
    pea__tiff_codec_known(decoder->page->compression, name);
    return pea__fail(err, PEA_E_FORMAT, "%s cannot be decoded (%s): %s", what, name,
                     decoder->message[0] ? decoder->message : "too few pixels came out");
}

static pea_status open_handle(pea__tiff_decoder *decoder, pea_error *err)
{
    const pea__tiff_page *page = decoder->page;
    const int64_t block_bytes = pea__tiff_block_at(page, 0).size_bytes;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return pea__fail(err, PEA_E_NOMEM, "out of memory for reading a TIFF");
    /* Its buffers are one decoded or encoded strip, and its list of strips. */
    int64_t single = pea__max_i64(block_bytes, decoder->tiff->reader->size_bytes);
    single = pea__max_i64(single, 16 * page->n_blocks);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)pea__min_i64(single, INT64_MAX / 4) * 2 + (1 << 20));
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_message, decoder);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_message, decoder);
    decoder->handle = TIFFClientOpenExt("image", "rmc", decoder, read_bytes, write_nothing, seek_to, close_nothing,
                                        size_of, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    if (!decoder->handle)
        return complain(decoder, "the page", err);
    if (page->photometric == 6)
        TIFFSetField(decoder->handle, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    const int64_t theirs = page->tiled ? TIFFTileSize(decoder->handle) : TIFFStripSize(decoder->handle);
    if (theirs != block_bytes)
        return pea__fail(err, PEA_E_FORMAT, "libtiff expects %" PRId64 " bytes per %s, the page has %" PRId64, theirs,
                         page->tiled ? "tile" : "strip", block_bytes);
    return PEA_OK;
}

pea_status pea__tiff_decoder_open(const pea__tiff *tiff, const pea__tiff_page *page, pea__tiff_decoder **out,
                                  pea_error *err)
{
    enum { MAX_ENTRIES = 24, HEAD_BYTES = 16 + 8 + 20 * MAX_ENTRIES + 8 };
    pea__tiff_decoder *decoder = pea__alloc(1, sizeof *decoder, err);
    if (!decoder)
        return PEA_E_NOMEM;
    decoder->tiff = tiff;
    decoder->page = page;
    decoder->values_at = HEAD_BYTES;
    decoder->front_bytes =
        (HEAD_BYTES + 16 * page->n_blocks + 2 * (2 * page->samples + 8) + page->jpeg_tables.count + 64) / 8 * 8;
    decoder->front = pea__alloc((size_t)decoder->front_bytes, 1, err);
    pea_status status = decoder->front ? build_directory(decoder, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = open_handle(decoder, err);
    if (status == PEA_OK)
        *out = decoder;
    else
        pea__tiff_decoder_close(decoder);
    return status;
}

/* A number of the xz format: seven bits a byte, the lowest first. */
static uint64_t xz_number(const unsigned char **at, const unsigned char *end)
{
    uint64_t value = 0;
    for (int shift = 0; *at < end && shift < 63; shift += 7) {
        const unsigned char b = *(*at)++;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            break;
    }
    return value;
}

/* What a decoder may take beside the strip itself. Bound to the file, so that a small one cannot ask for much. */
static pea_status check_window(const pea__tiff_decoder *decoder, uint64_t window, pea_error *err)
{
    const int64_t file_bytes = pea__min_i64(decoder->tiff->reader->size_bytes, INT64_MAX / 8);
    if (window <= (uint64_t)(4 * file_bytes) + (64u << 20))
        return PEA_OK;
    return pea__fail(err, PEA_E_LIMIT, "the compressed data asks for a dictionary of %" PRIu64
                     " bytes: save it with Deflate", window);
}

/* liblzma takes the memory that a stream asks for before it decodes a byte, up to 4 GB; libtiff sets no limit. So look
 * at the first block header: flags, optional sizes, then per filter its number, the size of its properties, and them. */
static pea_status check_xz(const pea__tiff_decoder *decoder, int64_t offset, int64_t size, pea_error *err)
{
    enum { STREAM_HEADER = 12, LZMA2 = 0x21, LONGEST = 96 };
    unsigned char stream[LONGEST];
    const size_t n = (size_t)pea__min_i64(size, LONGEST);
    const pea_status status = pea__reader_at(decoder->tiff->reader, offset, stream, n, err);
    if (status != PEA_OK || n < STREAM_HEADER + 2)
        return status; /* too short: liblzma will refuse it */
    const unsigned char *at = stream + STREAM_HEADER + 2, *end = stream + n, flags = stream[STREAM_HEADER + 1];
    for (int size_there = flags >> 6; size_there; size_there &= size_there - 1)
        (void)xz_number(&at, end);
    for (int filter = 0; filter <= (flags & 3); filter++) {
        const uint64_t id = xz_number(&at, end), n_properties = xz_number(&at, end);
        if (at == end || n_properties > (uint64_t)(end - at))
            return PEA_OK; /* as above */
        if (id == LZMA2)
            return check_window(decoder, *at > 40 ? 0 : (uint64_t)(2 | (*at & 1)) << (*at / 2 + 11), err);
        at += n_properties;
    }
    return PEA_OK;
}

/* The header of a zstd frame at `b` (18 bytes at least): its length, and the window it asks for. */
static int zstd_header(const unsigned char *b, uint64_t *window)
{
    static const int id_bytes[] = {0, 1, 2, 4}, content_bytes[] = {0, 2, 4, 8};
    const int flags = b[4], single = flags >> 5 & 1, at_content = 5 + !single + id_bytes[flags & 3];
    int n_content = content_bytes[flags >> 6];
    if (single) {
        n_content = n_content ? n_content : 1;
        *window = pea__load(b + at_content, n_content, false) + (n_content == 2 ? 256 : 0);
    } else {
        *window = (uint64_t)(8 + (b[5] & 7)) << (7 + (b[5] >> 3)); /* 2^(10 + exponent) * (8 + mantissa) / 8 */
    }
    return at_content + n_content;
}

/* zstd too takes the window at once. Its frames can be walked without decoding: headers say how long blocks are. */
static pea_status check_zstd(const pea__tiff_decoder *decoder, int64_t offset, int64_t size, pea_error *err)
{
    enum { LONGEST_HEADER = 18, BLOCK_HEADER = 3, RLE = 1 };
    const int64_t end = offset + size;
    while (offset < end) {
        unsigned char b[LONGEST_HEADER] = {0};
        uint64_t window;
        pea_status status =
            pea__reader_at(decoder->tiff->reader, offset, b, (size_t)pea__min_i64(LONGEST_HEADER, end - offset), err);
        if (status != PEA_OK)
            return status;
        if (pea__load(b, 4, false) != 0xfd2fb528u)
            return pea__fail(err, PEA_E_FORMAT, "the compressed data does not begin like ZSTD");
        offset += zstd_header(b, &window);
        status = check_window(decoder, window, err);
        for (bool last = false; status == PEA_OK && !last && offset <= end - BLOCK_HEADER;) {
            unsigned char head[BLOCK_HEADER];
            status = pea__reader_at(decoder->tiff->reader, offset, head, BLOCK_HEADER, err);
            const uint64_t word = status == PEA_OK ? pea__load(head, BLOCK_HEADER, false) : 1;
            offset += BLOCK_HEADER + ((word >> 1 & 3) == RLE ? 1 : (int64_t)(word >> 3));
            last = word & 1;
        }
        if (status != PEA_OK)
            return status;
        if (offset > end - BLOCK_HEADER)
            break; /* no room for another frame */
        offset += b[4] & 4 ? 4 : 0; /* checksum */
    }
    return PEA_OK;
}

static pea_status check_memory(const pea__tiff_decoder *decoder, int64_t i, pea_error *err)
{
    enum { LZMA = 34925, ZSTD = 50000 };
    const int compression = decoder->page->compression;
    int64_t offset[PEA__TIFF_CHUNK], size[PEA__TIFF_CHUNK];
    if (compression != LZMA && compression != ZSTD)
        return PEA_OK;
    pea_status status = pea__tiff_values(decoder->tiff, &decoder->page->offsets, i, 1, offset, err);
    if (status == PEA_OK)
        status = pea__tiff_values(decoder->tiff, &decoder->page->sizes, i, 1, size, err);
    if (status != PEA_OK)
        return status;
    return compression == LZMA ? check_xz(decoder, offset[0], size[0], err)
                               : check_zstd(decoder, offset[0], size[0], err);
}

pea_status pea__tiff_decode(pea__tiff_decoder *decoder, int64_t i, void *bytes, pea_error *err)
{
    const pea_status status = check_memory(decoder, i, err);
    if (status != PEA_OK)
        return status;
    const int64_t expected = pea__tiff_block_at(decoder->page, i).size_bytes;
    const bool tiled = decoder->page->tiled;
    decoder->message[0] = '\0';
    const tmsize_t got = tiled ? TIFFReadEncodedTile(decoder->handle, (uint32_t)i, bytes, (tmsize_t)expected)
                               : TIFFReadEncodedStrip(decoder->handle, (uint32_t)i, bytes, (tmsize_t)expected);
    if (got == expected)
        return PEA_OK;
    char what[48];
    snprintf(what, sizeof what, "%s %" PRId64, tiled ? "tile" : "strip", i + 1);
    return complain(decoder, what, err);
}

bool pea__tiff_row_by_row(const pea__tiff_page *page)
{
    enum { PACKBITS = 32773, WEBP = 50001, LERC = 34887 };
    /* The latter two decode a strip as a whole. PackBits of some writers has runs that go on in the next row: by rows,
     * libtiff would drop what is left of them. */
    return !page->tiled && page->compression != PACKBITS && page->compression != WEBP && page->compression != LERC;
}

pea_status pea__tiff_decode_rows(pea__tiff_decoder *decoder, int64_t i, int64_t first, int64_t n_rows, void *bytes,
                                 pea_error *err)
{
    const pea__tiff_block block = pea__tiff_block_at(decoder->page, i);
    const pea_status status = first == 0 ? check_memory(decoder, i, err) : PEA_OK;
    if (status != PEA_OK)
        return status;
    if (TIFFScanlineSize(decoder->handle) != block.row_bytes)
        return pea__fail(err, PEA_E_FORMAT, "libtiff expects %" PRId64 " bytes per row, the page has %" PRId64,
                         (int64_t)TIFFScanlineSize(decoder->handle), block.row_bytes);
    decoder->message[0] = '\0';
    const uint16_t sample = decoder->page->planar ? (uint16_t)block.first_sample : 0;
    for (int64_t y = first; y < first + n_rows; y++) {
        unsigned char *row = (unsigned char *)bytes + (y - first) * block.row_bytes;
        if (TIFFReadScanline(decoder->handle, row, (uint32_t)(block.y + y), sample) == 1)
            continue;
        char what[64];
        snprintf(what, sizeof what, "row %" PRId64 " of strip %" PRId64, y + 1, i + 1);
        return complain(decoder, what, err);
    }
    return PEA_OK;
}

void pea__tiff_decoder_close(pea__tiff_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->handle)
        TIFFClose(decoder->handle);
    pea__free(decoder->front);
    pea__free(decoder);
}
