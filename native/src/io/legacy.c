/* legacy.c - the form of PyTorch checkpoints before 1.6: five pickles one after the other, then raw storages.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 *   | magic number | 1001 | dict about the machine | the object | list of keys | count, elements | count, elements ...
 *
 * There is no index: where a pickle ends is only known by running it. */
#include "io/io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Elements of a storage in the file begin at its `offset`. */
static pea_status load_storage(void *self, const pea__storage *storage, unsigned char *buffer, pea_error *err)
{
    const pea__import *import = self;
    const size_t n_bytes = (size_t)storage->n_elements * pea__element_bytes(storage->type);
    return pea__reader_at(import->reader, storage->offset, buffer, n_bytes, err);
}

/* The number 0x1950A86A20F9469CFC6C, as bytes or, in protocol 1, as digits. */
static bool is_magic(const pea__node *node)
{
    static const char bytes[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    return node->kind == PEA__LONG && (pea__text_is(node->text, node->n, bytes) ||
                                       pea__text_is(node->text, node->n, "119547037146038801333356"));
}

static bool is_integer(const pea__node *node, int64_t value)
{
    return node->kind == PEA__INTEGER && node->integer == value;
}

/* Bytes of the file's beginning and how far they have been read. */
typedef struct head {
    const unsigned char *bytes;
    size_t n, at;
} head;

static pea_status next_pickle(pea__pickle *pickle, head *h, pea__node **value, pea_error *err)
{
    size_t used = 0;
    const pea_status status = pea__pickle_run(pickle, h->bytes + h->at, h->n - h->at, value, &used, err);
    h->at += used;
    return status;
}

static pea_status read_machine(const pea__node *dict, bool *big_endian, pea_error *err)
{
    bool known = false;
    pea__items items = pea__items_of(dict);
    for (const pea__node *key; dict->kind == PEA__DICT && (key = pea__items_next(&items));) {
        const pea__node *value = pea__items_next(&items);
        if (pea__node_is_text(key, "little_endian") && value->kind == PEA__BOOLEAN && !known) {
            *big_endian = !value->integer;
            known = true;
        }
    }
    return known ? PEA_OK : pea__fail(err, PEA_E_FORMAT, "the checkpoint does not say its byte order");
}

static pea__storage *storage_of_key(const pea__storages *storages, const pea__node *key)
{
    for (size_t low = 0, high = storages->n; low < high;) {
        const size_t middle = low + (high - low) / 2;
        pea__storage *s = &storages->items[middle];
        const int order = pea__key_compare(key->text, key->n, s->key, s->key_bytes);
        if (order == 0)
            return s;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Where each storage begins: keys in the order of the list, each once, and nothing after the last. */
static pea_status place_storages(const pea__reader *reader, int64_t at, const pea__node *keys, bool big_endian,
                                 pea__storages *storages, pea_error *err)
{
    char shown[64];
    size_t n = 0;
    pea__items items = pea__items_of(keys);
    for (const pea__node *key; keys->kind == PEA__LIST && (key = pea__items_next(&items)); n++) {
        pea__storage *s = key->kind == PEA__TEXT ? storage_of_key(storages, key) : NULL;
        unsigned char count[8];
        if (!s || s->offset != 0)
            return pea__fail(err, PEA_E_FORMAT,
                             "the list of storages names one twice, or one that no tensor refers to");
        pea_status status = pea__reader_at(reader, at, count, sizeof count, err);
        if (status != PEA_OK)
            return status;
        const uint64_t found = pea__load_u64(count), expected = (uint64_t)s->n_elements;
        if (found != expected && !(big_endian && pea__load(count, sizeof count, true) == expected))
            return pea__fail(err, PEA_E_FORMAT, "storage %s has a count of %" PRId64 " elements instead of %" PRId64,
                             pea__printable(key->text, key->n, shown), (int64_t)found, s->n_elements);
        s->offset = at + 8;
        const int64_t n_bytes = s->n_elements * (int64_t)pea__element_bytes(s->type);
        if (n_bytes > reader->size_bytes - s->offset)
            return pea__fail(err, PEA_E_FORMAT, "the file ends early, in storage %s",
                             pea__printable(key->text, key->n, shown));
        at = s->offset + n_bytes;
    }
    if (n != storages->n)
        return pea__fail(err, PEA_E_FORMAT, "the checkpoint has %zu storages but its tensors refer to %zu", n,
                         storages->n);
    if (at != reader->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "the file has %" PRId64 " bytes more than its storages explain",
                         reader->size_bytes - at);
    return PEA_OK;
}

static pea_status import_pickles(pea__import *import, head h, pea_error *err)
{
    pea__pickle small = {.arena = &import->arena}, object = small;
    pea__container container = {.load = load_storage, .self = import};
    pea__storages storages;
    pea__node *magic, *version, *machine, *root, *keys;
    pea_status status = next_pickle(&small, &h, &magic, err);
    if (status == PEA_OK && !is_magic(magic))
        status = pea__fail(err, PEA_E_FORMAT,
                           "the file is a plain pickle, not a checkpoint: write it with torch.save(state_dict)");
    if (status == PEA_OK)
        status = next_pickle(&small, &h, &version, err);
    if (status == PEA_OK && !is_integer(version, 1001))
        status = pea__fail(err, PEA_E_FORMAT, "the checkpoint has an unknown version; 1001 is read");
    if (status == PEA_OK)
        status = next_pickle(&small, &h, &machine, err);
    if (status == PEA_OK)
        status = read_machine(machine, &container.big_endian, err);
    if (status == PEA_OK)
        status = next_pickle(&object, &h, &root, err);
    if (status == PEA_OK)
        status = next_pickle(&small, &h, &keys, err);
    if (status == PEA_OK)
        status = pea__storages_collect(&object, &storages, err);
    if (status == PEA_OK)
        status = place_storages(import->reader, (int64_t)h.at, keys, container.big_endian, &storages, err);
    if (status == PEA_OK)
        status = pea__tensors_import(root, &storages, &container, &import->budget, import->weights, err);
    return status;
}

pea_status pea__import_legacy(pea__import *import, pea_error *err)
{
    const pea__reader *reader = import->reader;
    const size_t n = (size_t)pea__min_i64(reader->size_bytes, INT64_C(64) << 20); /* pickles must lie in here */
    if (reader->memory)
        return import_pickles(import, (head){.bytes = reader->memory, .n = n}, err);
    unsigned char *bytes = pea__arena_get(&import->arena, n, 1, err);
    if (!bytes)
        return err->status;
    const pea_status status = pea__reader_at(reader, 0, bytes, n, err);
    return status == PEA_OK ? import_pickles(import, (head){.bytes = bytes, .n = n}, err) : status;
}
