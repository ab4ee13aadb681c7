/* zip.c - a zip archive, taken at the word of its central directory and checked against every local header.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 *   | header 0 | name | extra | data 0 | ... | header n | ... | directory | (zip64 end, locator) | end, comment |
 *
 * Sizes in local headers are 0 in the files PyTorch writes, and data descriptors have two lengths: only the directory
 * is believed, and no two of the ranges it names may overlap. */
#include "io/io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_BYTES = 22,
    MAX_COMMENT = 65535,
    LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    MAX_ENTRIES = 65536,
    MAX_NAME = 1024,
    SIGNATURE_ENTRY = 0x02014b50,
    SIGNATURE_LOCAL = 0x04034b50,
    SIGNATURE_END = 0x06054b50,
    SIGNATURE_END64 = 0x06064b50,
    SIGNATURE_LOCATOR = 0x07064b50
};

/* Where the directory is. */
typedef struct place {
    int64_t n_entries, size, offset;
    int64_t end; /* where the directory must have ended */
} place;

/* ---- the end records ---- */

/* The end record ends exactly at the end of the file; its comment may be long. Searched from the back in one piece. */
static pea_status find_end(const pea__reader *reader, unsigned char end[END_BYTES], int64_t *at, pea_error *err)
{
    const int64_t span = pea__min_i64(reader->size_bytes, END_BYTES + MAX_COMMENT);
    const int64_t begin = reader->size_bytes - span;
    unsigned char *tail = pea__alloc_unset((size_t)span, 1, err);
    if (!tail)
        return PEA_E_NOMEM;
    pea_status status = pea__reader_at(reader, begin, tail, (size_t)span, err);
    int64_t found = -1;
    for (int64_t i = span - END_BYTES; i >= 0 && found < 0 && status == PEA_OK; i--)
        if (pea__load_u32(tail + i) == SIGNATURE_END && pea__load_u16(tail + i + 20) == span - i - END_BYTES)
            found = i;
    if (status == PEA_OK && found < 0)
        status = pea__fail(err, PEA_E_FORMAT, "the zip archive has no end record: it is cut off or has bytes appended");
    if (status == PEA_OK) {
        memcpy(end, tail + found, END_BYTES);
        *at = begin + found;
    }
    pea__free_unset(tail);
    return status;
}

/* A field of the classic end record, overruled by zip64 only where it says so. */
static bool field64(uint64_t classic, uint64_t saturated, uint64_t large, int64_t *value)
{
    if (classic != saturated && classic != large)
        return false;
    *value = (int64_t)large;
    return large <= INT64_MAX;
}

static pea_status read_end64(const pea__reader *reader, const unsigned char *end, int64_t end_at, place *p,
                             bool *present, pea_error *err)
{
    unsigned char locator[LOCATOR_BYTES], big[END64_BYTES];
    *present = false;
    if (end_at < LOCATOR_BYTES + END64_BYTES)
        return PEA_OK;
    pea_status status = pea__reader_at(reader, end_at - LOCATOR_BYTES, locator, sizeof locator, err);
    if (status != PEA_OK || pea__load_u32(locator) != SIGNATURE_LOCATOR)
        return status;
    *present = true;
    const uint64_t at = pea__load_u64(locator + 8);
    if (at > (uint64_t)(end_at - LOCATOR_BYTES - END64_BYTES))
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: its zip64 end record lies elsewhere");
    status = pea__reader_at(reader, (int64_t)at, big, sizeof big, err);
    if (status != PEA_OK)
        return status;
    p->end = (int64_t)at;
    if (pea__load_u32(big) != SIGNATURE_END64 || pea__load_u32(locator + 4) != 0 || pea__load_u32(locator + 16) != 1 ||
        pea__load_u32(big + 16) != 0 || pea__load_u32(big + 20) != 0 ||
        pea__load_u64(big + 24) != pea__load_u64(big + 32) ||
        !field64(pea__load_u16(end + 10), 0xffff, pea__load_u64(big + 32), &p->n_entries) ||
        !field64(pea__load_u32(end + 12), 0xffffffff, pea__load_u64(big + 40), &p->size) ||
        !field64(pea__load_u32(end + 16), 0xffffffff, pea__load_u64(big + 48), &p->offset))
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: its two end records contradict each other");
    return PEA_OK;
}

static pea_status find_directory(const pea__reader *reader, place *p, pea_error *err)
{
    unsigned char end[END_BYTES];
    int64_t end_at;
    bool has64;
    pea_status status = find_end(reader, end, &end_at, err);
    if (status != PEA_OK)
        return status;
    if (pea__load_u16(end + 4) != 0 || pea__load_u16(end + 6) != 0 || pea__load_u16(end + 8) != pea__load_u16(end + 10))
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is one part of several: not read");
    *p = (place){pea__load_u16(end + 10), pea__load_u32(end + 12), pea__load_u32(end + 16), end_at};
    status = read_end64(reader, end, end_at, p, &has64, err);
    if (status != PEA_OK)
        return status;
    if (p->n_entries > MAX_ENTRIES)
        return pea__fail(err, PEA_E_LIMIT, "the zip archive has %" PRId64 " entries; %d are read at most", p->n_entries,
                         (int)MAX_ENTRIES);
    if (p->offset > p->end || p->size > p->end - p->offset || p->size < p->n_entries * ENTRY_BYTES)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: its directory does not fit into the file");
    return PEA_OK;
}

/* ---- entries ---- */

static pea_status check_name(const char *name, size_t n, pea_error *err)
{
    char shown[64];
    bool good = n > 0 && n <= MAX_NAME && name[0] != '/';
    for (size_t i = 0; i < n && good; i++)
        good = name[i] != '\0' && name[i] != '\\' && !(name[i] == '.' && i + 1 < n && name[i + 1] == '.');
    return good ? PEA_OK
                : pea__fail(err, PEA_E_FORMAT, "the zip archive has an entry with the unsafe name \"%s\"",
                            pea__printable(name, n, shown));
}

/* The 8-byte values of extra field 1: exactly those whose 32-bit field is saturated, in this order. */
static bool read_extra(const unsigned char *extra, size_t n, pea__zip_entry *e)
{
    int64_t *const fields[] = {&e->size_bytes, &e->packed_bytes, &e->header};
    bool done = false;
    while (n >= 4) {
        const uint32_t id = pea__load_u16(extra), length = pea__load_u16(extra + 2);
        if (length > n - 4)
            return false;
        const unsigned char *at = extra + 4, *const end = at + length;
        for (size_t i = 0; i < 3 && id == 1 && !done; i++) {
            if (*fields[i] != 0xffffffff)
                continue;
            if (end - at < 8 || pea__load_u64(at) > INT64_MAX)
                return false;
            *fields[i] = (int64_t)pea__load_u64(at);
            at += 8;
        }
        done = done || id == 1;
        extra = end;
        n -= 4 + length;
    }
    return n == 0;
}

static pea_status read_entry(const unsigned char **at, const unsigned char *end, pea__zip_entry *e, pea_error *err)
{
    const unsigned char *p = *at;
    if (end - p < ENTRY_BYTES || pea__load_u32(p) != SIGNATURE_ENTRY)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: its directory is cut off");
    const uint32_t flags = pea__load_u16(p + 8), extra = pea__load_u16(p + 30), comment = pea__load_u16(p + 32);
    *e = (pea__zip_entry){.method = (int)pea__load_u16(p + 10), .crc = pea__load_u32(p + 16),
                          .packed_bytes = pea__load_u32(p + 20), .size_bytes = pea__load_u32(p + 24),
                          .name_bytes = pea__load_u16(p + 28), .header = pea__load_u32(p + 42),
                          .name = (const char *)p + ENTRY_BYTES};
    if ((uint64_t)(end - p) - ENTRY_BYTES < (uint64_t)e->name_bytes + extra + comment)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: its directory is cut off");
    const pea_status status = check_name(e->name, e->name_bytes, err);
    if (status != PEA_OK)
        return status;
    if (!read_extra(p + ENTRY_BYTES + e->name_bytes, extra, e))
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: an entry's extra field is wrong");
    enum { ENCRYPTED = 1 | 1 << 6 | 1 << 13 };
    if (flags & ENCRYPTED)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is encrypted: not read");
    *at = p + ENTRY_BYTES + e->name_bytes + extra + comment;
    return PEA_OK;
}

/* Compare with the header before the data, which tells where the data begin. */
static pea_status check_local(const pea__reader *reader, int64_t limit, pea__zip_entry *e, pea_error *err)
{
    unsigned char local[LOCAL_BYTES];
    char name[MAX_NAME], shown[64];
    pea_status status = PEA_OK;
    if (e->header > limit - LOCAL_BYTES)
        status = pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: an entry lies outside the file");
    if (status == PEA_OK)
        status = pea__reader_at(reader, e->header, local, sizeof local, err);
    if (status != PEA_OK)
        return status;
    if (pea__load_u32(local) != SIGNATURE_LOCAL || pea__load_u16(local + 26) != e->name_bytes)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: entry \"%s\" does not begin where it should",
                         pea__printable(e->name, e->name_bytes, shown));
    status = pea__reader_at(reader, e->header + LOCAL_BYTES, name, e->name_bytes, err);
    if (status != PEA_OK)
        return status;
    e->data = e->header + LOCAL_BYTES + e->name_bytes + pea__load_u16(local + 28);
    if (memcmp(name, e->name, e->name_bytes) != 0 || (int)pea__load_u16(local + 8) != e->method)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: the two headers of entry \"%s\" differ",
                         pea__printable(e->name, e->name_bytes, shown));
    if (e->data > limit || e->packed_bytes > limit - e->data)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: entry \"%s\" reaches beyond the file",
                         pea__printable(e->name, e->name_bytes, shown));
    return PEA_OK;
}

static int by_header(const void *a, const void *b)
{
    const pea__zip_entry *p = *(pea__zip_entry *const *)a, *q = *(pea__zip_entry *const *)b;
    return (p->header > q->header) - (p->header < q->header);
}

static int by_name(const void *a, const void *b)
{
    const pea__zip_entry *p = *(pea__zip_entry *const *)a, *q = *(pea__zip_entry *const *)b;
    return pea__key_compare(p->name, p->name_bytes, q->name, q->name_bytes);
}

static pea_status check_entries(pea__zip *zip, const place *p, pea_error *err)
{
    char shown[64];
    const unsigned char *at = zip->directory;
    for (size_t i = 0; i < zip->n; i++) {
        pea__zip_entry *e = zip->by_name[i] = &zip->entries[i];
        pea_status status = read_entry(&at, zip->directory + p->size, e, err);
        if (status == PEA_OK)
            status = check_local(zip->reader, p->offset, e, err);
        if (status != PEA_OK)
            return status;
    }
    if (at != zip->directory + p->size)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: its directory has another size than it says");
    qsort(zip->by_name, zip->n, sizeof *zip->by_name, by_header);
    for (size_t i = 1; i < zip->n; i++)
        if (zip->by_name[i]->header < zip->by_name[i - 1]->data + zip->by_name[i - 1]->packed_bytes)
            return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: two entries overlap");
    qsort(zip->by_name, zip->n, sizeof *zip->by_name, by_name);
    for (size_t i = 1; i < zip->n; i++)
        if (by_name(&zip->by_name[i - 1], &zip->by_name[i]) == 0)
            return pea__fail(err, PEA_E_FORMAT, "the zip archive has two entries named \"%s\"",
                             pea__printable(zip->by_name[i]->name, zip->by_name[i]->name_bytes, shown));
    return PEA_OK;
}

pea_status pea__zip_open(const pea__reader *reader, pea__budget *budget, pea__zip *zip, pea_error *err)
{
    place p = {0};
    *zip = (pea__zip){.reader = reader};
    pea_status status = find_directory(reader, &p, err);
    if (status != PEA_OK)
        return status;
    const size_t n = (size_t)p.n_entries;
    if (n == 0)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is empty");
    const int64_t cost = p.size + (int64_t)(n * (sizeof *zip->entries + 2 * sizeof *zip->by_name)); /* 2: for qsort */
    status = pea__budget_take(budget, cost, err);
    if (status != PEA_OK)
        return status;
    zip->budget = budget;
    zip->charged = cost;
    zip->n = n;
    zip->entries = pea__alloc(n, sizeof *zip->entries, err);
    zip->by_name = zip->entries ? pea__alloc(n, sizeof *zip->by_name, err) : NULL;
    zip->directory = zip->by_name ? pea__alloc((size_t)p.size, 1, err) : NULL;
    status = zip->directory ? pea__reader_at(reader, p.offset, zip->directory, (size_t)p.size, err) : PEA_E_NOMEM;
    if (status == PEA_OK)
        status = check_entries(zip, &p, err);
    if (status != PEA_OK)
        pea__zip_close(zip);
    return status;
}

void pea__zip_close(pea__zip *zip)
{
    if (zip->budget)
        pea__budget_return(zip->budget, zip->charged);
    pea__free(zip->entries);
    pea__free(zip->by_name);
    pea__free(zip->directory);
    *zip = (pea__zip){0};
}

/* ---- content ---- */

const pea__zip_entry *pea__zip_find(const pea__zip *zip, const char *folder, size_t folder_bytes, const char *rest,
                                    size_t rest_bytes)
{
    char name[MAX_NAME];
    if (folder_bytes + rest_bytes > sizeof name)
        return NULL;
    memcpy(name, folder, folder_bytes);
    memcpy(name + folder_bytes, rest, rest_bytes);
    pea__zip_entry wanted = {.name = name, .name_bytes = (uint32_t)(folder_bytes + rest_bytes)};
    pea__zip_entry *const pointer = &wanted;
    pea__zip_entry **found = bsearch(&pointer, zip->by_name, zip->n, sizeof pointer, by_name);
    return found ? *found : NULL;
}

static void *zlib_alloc(void *unused, unsigned n, unsigned size)
{
    (void)unused;
    return pea__alloc(n, size, NULL);
}

static void zlib_free(void *unused, void *block)
{
    (void)unused;
    pea__free(block);
}

/* Feed the packed bytes in pieces until the buffer is full and the stream says that it is complete. */
static pea_status inflate_all(const pea__reader *reader, const pea__zip_entry *e, z_stream *stream, pea_error *err)
{
    unsigned char packed[8192];
    int64_t at = e->data, left = e->packed_bytes;
    uint64_t room = (uint64_t)e->size_bytes;
    for (int result = Z_OK; result != Z_STREAM_END;) {
        if (stream->avail_in == 0 && left > 0) {
            const size_t n = (size_t)pea__min_i64(left, sizeof packed);
            const pea_status status = pea__reader_at(reader, at, packed, n, err);
            if (status != PEA_OK)
                return status;
            at += (int64_t)n;
            left -= (int64_t)n;
            stream->next_in = packed;
            stream->avail_in = (uInt)n;
        }
        if (stream->avail_out == 0) {
            stream->avail_out = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
            room -= stream->avail_out;
        }
        result = inflate(stream, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR)
            return pea__fail(err, PEA_E_NOMEM, "out of memory while unpacking");
        if (result != Z_OK && result != Z_STREAM_END)
            return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: an entry cannot be unpacked to its size");
    }
    if (stream->avail_out > 0 || room > 0 || stream->avail_in > 0 || left > 0)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: an entry has another size than recorded");
    return PEA_OK;
}

static pea_status unpack(const pea__zip *zip, const pea__zip_entry *e, unsigned char *buffer, pea_error *err)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free, .next_out = buffer};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) /* negative: no zlib header inside zip */
        return pea__fail(err, PEA_E_NOMEM, "out of memory while unpacking");
    const pea_status status = inflate_all(zip->reader, e, &stream, err);
    inflateEnd(&stream);
    return status;
}

static uint32_t crc_of(const unsigned char *bytes, int64_t n)
{
    uLong crc = crc32(0, NULL, 0);
    for (int64_t step; n > 0; n -= step, bytes += step) {
        step = pea__min_i64(n, 1 << 30); /* crc32 takes a 32-bit length */
        crc = crc32(crc, bytes, (uInt)step);
    }
    return (uint32_t)crc;
}

pea_status pea__zip_load(const pea__zip *zip, const pea__zip_entry *e, bool ignore_crc, unsigned char *buffer,
                         bool *crc_missing, pea_error *err)
{
    char shown[64];
    const char *name = pea__printable(e->name, e->name_bytes, shown);
    pea_status status;
    if (e->method == 0 && e->packed_bytes != e->size_bytes)
        status = pea__fail(err, PEA_E_FORMAT, "the zip archive is damaged: entry \"%s\" has two sizes", name);
    else if (e->method == 0)
        status = pea__reader_at(zip->reader, e->data, buffer, (size_t)e->size_bytes, err);
    else if (e->method == 8)
        status = unpack(zip, e, buffer, err);
    else
        status = pea__fail(err, PEA_E_FORMAT, "entry \"%s\" is packed by method %d; stored and deflated are read", name,
                           e->method);
    if (status != PEA_OK || ignore_crc)
        return status;
    const uint32_t crc = crc_of(buffer, e->size_bytes);
    if (e->crc == 0 && crc != 0)
        *crc_missing = true; /* a writer may leave all of them 0 */
    else if (e->crc != crc)
        return pea__fail(err, PEA_E_FORMAT, "the file is damaged: entry \"%s\" does not match its checksum", name);
    return PEA_OK;
}
