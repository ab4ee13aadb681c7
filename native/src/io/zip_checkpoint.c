/* zip_checkpoint.c - the zip form of a PyTorch checkpoint: one pickle and one record for each storage.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "io/io.h"

#include <inttypes.h>
#include <string.h>

typedef struct archive {
    pea__zip zip;
    pea__import *import; /* borrowed */
    const char *folder;  /* the one folder everything lies in, with its slash */
    size_t folder_bytes;
} archive;

static const pea__zip_entry *find(const archive *a, const char *record)
{
    return pea__zip_find(&a->zip, a->folder, a->folder_bytes, record, strlen(record));
}

/* "data/<key>" */
static const pea__zip_entry *find_storage(const archive *a, const pea__storage *storage)
{
    enum { LONGEST = 64 };
    char record[5 + LONGEST] = "data/";
    if (storage->key_bytes > LONGEST)
        return NULL;
    memcpy(record + 5, storage->key, storage->key_bytes);
    return pea__zip_find(&a->zip, a->folder, a->folder_bytes, record, 5 + storage->key_bytes);
}

static pea_status load(const archive *a, const pea__zip_entry *entry, unsigned char *buffer, pea_error *err)
{
    return pea__zip_load(&a->zip, entry, a->import->options.ignore_crc, buffer, &a->import->crc_missing, err);
}

static pea_status load_storage(void *self, const pea__storage *storage, unsigned char *buffer, pea_error *err)
{
    const archive *a = self;
    return load(a, find_storage(a, storage), buffer, err); /* check_storages() found it */
}

static pea_status find_folder(archive *a, pea_error *err)
{
    const pea__zip_entry *first = &a->zip.entries[0];
    const char *slash = memchr(first->name, '/', first->name_bytes);
    if (!slash)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is no PyTorch checkpoint: it has no folder");
    a->folder = first->name;
    a->folder_bytes = (size_t)(slash - first->name) + 1;
    if (find(a, "constants.pkl"))
        return pea__fail(err, PEA_E_FORMAT, "the file is a TorchScript archive: export its state_dict instead");
    return PEA_OK;
}

/* "little" or "big"; a file without the record is little-endian. */
static pea_status read_byte_order(const archive *a, bool *big_endian, pea_error *err)
{
    unsigned char text[8];
    const pea__zip_entry *entry = find(a, "byteorder");
    *big_endian = false;
    if (!entry)
        return PEA_OK;
    const bool known_size = entry->size_bytes == 3 || entry->size_bytes == 6;
    const pea_status status = known_size ? load(a, entry, text, err) : PEA_OK;
    if (status != PEA_OK)
        return status;
    *big_endian = known_size && pea__text_is((const char *)text, (size_t)entry->size_bytes, "big");
    if (!*big_endian && !(known_size && pea__text_is((const char *)text, (size_t)entry->size_bytes, "little")))
        return pea__fail(err, PEA_E_FORMAT, "the checkpoint's byte order is neither \"little\" nor \"big\"");
    return PEA_OK;
}

/* The pickle is in the arena, as the nodes that point into it are. */
static pea_status load_pickle(archive *a, pea__pickle *pickle, pea__node **root, pea_error *err)
{
    const int64_t most = INT64_C(64) << 20;
    const pea__zip_entry *entry = find(a, "data.pkl");
    if (!entry)
        return pea__fail(err, PEA_E_FORMAT, "the zip archive is no PyTorch checkpoint: it has no data.pkl");
    if (entry->size_bytes > most)
        return pea__fail(err, PEA_E_LIMIT, "data.pkl has %" PRId64 " bytes; %" PRId64 " are read at most",
                         entry->size_bytes, most);
    unsigned char *bytes = pea__arena_get(pickle->arena, (size_t)entry->size_bytes, 1, err);
    if (!bytes)
        return err->status;
    size_t used;
    pea_status status = load(a, entry, bytes, err);
    if (status == PEA_OK)
        status = pea__pickle_run(pickle, bytes, (size_t)entry->size_bytes, root, &used, err);
    if (status == PEA_OK && used != (size_t)entry->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "data.pkl goes on after its end, at byte %zu", used);
    return status;
}

static pea_status check_storages(const archive *a, const pea__storages *storages, pea_error *err)
{
    char shown[64];
    for (size_t i = 0; i < storages->n; i++) {
        const pea__storage *s = &storages->items[i];
        const int64_t wanted = s->n_elements * (int64_t)pea__element_bytes(s->type);
        const pea__zip_entry *entry = find_storage(a, s);
        const char *key = pea__printable(s->key, s->key_bytes, shown);
        if (!entry)
            return pea__fail(err, PEA_E_FORMAT, "the checkpoint has no record for storage %s", key);
        if (entry->size_bytes != wanted)
            return pea__fail(err, PEA_E_FORMAT,
                             "storage %s is said to have %" PRId64 " bytes but its record has %" PRId64, key, wanted,
                             entry->size_bytes);
    }
    return PEA_OK;
}

static pea_status import_archive(archive *a, pea_error *err)
{
    pea__import *import = a->import;
    pea__pickle pickle = {.arena = &import->arena};
    pea__container container = {.load = load_storage, .self = a};
    pea__storages storages;
    pea__node *root;
    pea_status status = find_folder(a, err);
    if (status == PEA_OK)
        status = read_byte_order(a, &container.big_endian, err);
    if (status == PEA_OK)
        status = load_pickle(a, &pickle, &root, err);
    if (status == PEA_OK)
        status = pea__storages_collect(&pickle, &storages, err);
    if (status == PEA_OK)
        status = check_storages(a, &storages, err);
    if (status == PEA_OK)
        status = pea__tensors_import(root, &storages, &container, &import->budget, import->weights, err);
    return status;
}

pea_status pea__import_zip(pea__import *import, pea_error *err)
{
    archive a = {.import = import};
    pea_status status = pea__zip_open(import->reader, &import->budget, &a.zip, err);
    if (status == PEA_OK)
        status = import_archive(&a, err);
    pea__zip_close(&a.zip);
    return status;
}
