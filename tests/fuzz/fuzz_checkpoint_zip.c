/* fuzz_checkpoint_zip.c - hostile checkpoints in a zip archive: the archive, the pickle in it, the tensors it describes.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Checksums are ignored, else hardly any mutation would get past them. Inputs that begin with "PK" are archives as they
 * are; all others are the pickle of an archive made here, with storages "0" to "3" of 64 bytes. */
#include "fuzz_import.h"

enum { N_STORAGES = 4, STORAGE_BYTES = 64 };

typedef struct output {
    uint8_t *bytes;
    size_t n;
} output;

static void put(output *o, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(o->bytes + o->n, bytes, n);
    o->n += n;
}

static void put_number(output *o, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        o->bytes[o->n++] = i < 8 ? (uint8_t)(value >> 8 * i) : 0;
}

/* One stored entry's header, in the file (central false) or in the directory. */
static void put_header(output *o, bool central, const char *name, size_t size, size_t offset)
{
    put_number(o, central ? 0x02014b50 : 0x04034b50, 4);
    put_number(o, 20, central ? 4 : 2);
    put_number(o, 0, 12); /* flags, method, time, date, checksum */
    put_number(o, size, 4);
    put_number(o, size, 4);
    put_number(o, strlen(name), 2);
    put_number(o, 0, central ? 12 : 2); /* extra ... attributes */
    if (central)
        put_number(o, offset, 4);
    put(o, name, strlen(name));
}

/* The archive around a pickle. */
static void wrap(const uint8_t *pickle, size_t size, output *o)
{
    static const char *const names[] = {"a/data.pkl", "a/data/0", "a/data/1", "a/data/2", "a/data/3"};
    static const uint8_t zeros[STORAGE_BYTES];
    size_t offsets[1 + N_STORAGES];
    for (size_t i = 0; i <= N_STORAGES; i++) {
        offsets[i] = o->n;
        put_header(o, false, names[i], i ? STORAGE_BYTES : size, 0);
        put(o, i ? zeros : pickle, i ? STORAGE_BYTES : size);
    }
    const size_t directory = o->n;
    for (size_t i = 0; i <= N_STORAGES; i++)
        put_header(o, true, names[i], i ? STORAGE_BYTES : size, offsets[i]);
    const size_t directory_bytes = o->n - directory;
    put_number(o, 0x06054b50, 4);
    put_number(o, 0, 4);
    put_number(o, 1 + N_STORAGES, 2);
    put_number(o, 1 + N_STORAGES, 2);
    put_number(o, directory_bytes, 4);
    put_number(o, directory, 4);
    put_number(o, 0, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && data[0] == 'P' && data[1] == 'K') {
        fuzz_import(data, size);
        return 0;
    }
    output o = {.bytes = malloc(size + 2048)};
    if (!o.bytes)
        return 0;
    wrap(data, size, &o);
    fuzz_import(o.bytes, o.n);
    free(o.bytes);
    return 0;
}
