/* io.h - internal: how checkpoints, model files, tensors and offsets are taken apart without trusting them.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 *   checkpoint.c ──▶ zip.c ──────┐                    which container, and its storages
 *         │     └──▶ legacy.c ───┤
 *         ▼                      ▼
 *   torch_tensor.c ──────────▶ pickle.c               shapes of nodes that mean tensors; the stack machine
 *
 * Every byte of heap memory that a file can ask for is taken from a budget first (budget.c).
 * Below the readers of the first section `err` is never NULL. */
#ifndef PEA_IO_INTERNAL_H
#define PEA_IO_INTERNAL_H

#include "array/array.h"
#include "base/base.h"
#include "pea/npy.h"
#include "pea/weights.h"

/* ---- the readers behind the public calls; tests and fuzz targets feed them from memory ---- */

/* What only tests and fuzz targets ask for. */
typedef struct pea__import_options {
    bool ignore_crc; /* a mutated file is read although its checksums are wrong */
} pea__import_options;

pea_status pea__weights_read_from(const pea__reader *reader, pea_weights **weights, pea_error *err);
pea_status pea__weights_import_from(const pea__reader *reader, const pea__import_options *options,
                                    pea_weights **weights, char notes[256], pea_error *err);
pea_status pea__npy_read_from(const pea__reader *reader, pea_npy *npy, pea_error *err);

/* Networks have some two hundred tensors; the bound keeps searches by name cheap for hostile files. */
enum { PEA__MAX_TENSORS = 10000, PEA__MAX_TENSOR_NAME = 512 };

/* ---- budget and arena (budget.c) ---- */

/* Bytes that may still be taken on behalf of one file: 4 for each of its own and some slack, which is more than an
 * honest file needs, and all that a hostile one gets. */
typedef struct pea__budget {
    int64_t left, total;
    struct pea__budget *whole; /* a budget that this one is part of, or NULL */
} pea__budget;

#define PEA__FILE_SLACK (INT64_C(56) << 20)    /* everything; the rest up to 64 MiB is for names, streams, zlib */
#define PEA__UNPICKLE_SLACK (INT64_C(1) << 20) /* a pickle, its nodes and its interpreter */

pea__budget pea__budget_for(const pea__reader *reader, int64_t slack_bytes, pea__budget *whole);
pea_status pea__budget_take(pea__budget *budget, int64_t n_bytes, pea_error *err); /* PEA_E_LIMIT */
void pea__budget_return(pea__budget *budget, int64_t n_bytes);

/* Small things that live equally long: freed all at once. Each block is taken from the budget. */
typedef struct pea__arena {
    struct pea__block *blocks; /* newest first */
    size_t used, size;         /* of the newest */
    pea__budget *budget;       /* borrowed */
} pea__arena;

void *pea__arena_get(pea__arena *arena, size_t n_items, size_t item_bytes, pea_error *err); /* zeroed, 8-byte aligned */
void pea__arena_free(pea__arena *arena);

/* ---- texts (text.c) ---- */

/* Equal to a literal of C. */
bool pea__text_is(const char *text, size_t n_bytes, const char *literal);
/* A name that can be stored under: well-formed, 1 to PEA__MAX_TENSOR_NAME bytes, nothing unprintable. */
pea_status pea__name_check(const char *text, size_t n_bytes, pea_error *err);

/* ---- numbers in files (element.c) ---- */

/* Element types of all the formats. They become float32 (every float type) or int64 (every integer type, bool too). */
typedef enum pea__element {
    PEA__F16 = 1,
    PEA__BF16,
    PEA__F32,
    PEA__F64,
    PEA__U8,
    PEA__I8,
    PEA__I16,
    PEA__I32,
    PEA__I64,
    PEA__BOOL, /* 0 is false, everything else is true */
    PEA__RAW   /* bytes whose meaning is said elsewhere */
} pea__element;

size_t pea__element_bytes(pea__element type);
pea_dtype pea__element_dtype(pea__element type); /* what it becomes: PEA_FLOAT32 or PEA_INT64 */

/* `n` elements, `stride` elements apart, into float32 or int64 one after the other. */
void pea__elements_convert(pea__element type, bool big_endian, const unsigned char *from, int64_t stride, int64_t n,
                           void *to);
/* Write n elements of 1, 2, 4 or 8 bytes each, little-endian whatever the host is. Errors stay with the stream. */
void pea__elements_write(FILE *stream, const void *elements, size_t item_bytes, int64_t n);

/* ---- pickle (pickle.c) ---- */

typedef enum pea__kind {
    PEA__NONE,
    PEA__BOOLEAN,   /* integer is 0 or 1 */
    PEA__INTEGER,   /* integer */
    PEA__LONG,      /* an integer beyond 64 bits: text is its bytes as stored, n of them */
    PEA__REAL,      /* real */
    PEA__TEXT,      /* text, n bytes, in the pickle itself; not checked for UTF-8 */
    PEA__BYTES,     /* the same */
    PEA__TUPLE,     /* n items */
    PEA__LIST,      /* batches in chain, a ring entered at its newest; sets too */
    PEA__DICT,      /* batches of key, value, key, value ... in chain; OrderedDict too */
    PEA__GLOBAL,    /* a name: items[0] is the module's text, items[1] the name's. Never resolved */
    PEA__CALL,      /* what a name would have made of arguments: items[0] the name, items[1] a tuple. Never made */
    PEA__PERSISTENT /* a reference outside the pickle: items[0] is its id */
} pea__kind;

typedef struct pea__node {
    uint8_t kind, seen; /* seen: for walks, 0 before the first */
    bool changed;       /* of a call: something was put into it or done to it afterwards */
    uint32_t n;
    struct pea__node *next; /* persistent references: the next one; containers: for walks */
    union {
        int64_t integer; /* as the kinds say */
        double real;
        const char *text;
        struct pea__node **items;
        struct pea__pickle_batch *chain;
    };
} pea__node;

/* What one APPENDS or SETITEMS brought. */
typedef struct pea__pickle_batch {
    struct pea__pickle_batch *next;
    pea__node **items;
    size_t n;
} pea__pickle_batch;

typedef struct pea__pickle {
    pea__arena *arena;     /* borrowed: where the nodes are */
    pea__node *references; /* all PEA__PERSISTENT nodes made so far, newest first */
    size_t n_references;
} pea__pickle;

/* Run one pickle to its STOP. `bytes` stay borrowed by the nodes. *used: where the pickle ended. */
pea_status pea__pickle_run(pea__pickle *pickle, const unsigned char *bytes, size_t n_bytes, pea__node **value,
                           size_t *used, pea_error *err);

/* The children of any node in order; of a dict key, value, key, value ... NULL at the end. */
typedef struct pea__items {
    pea__node *const *items;
    size_t left;
    const pea__pickle_batch *batch, *last;
} pea__items;

pea__items pea__items_of(const pea__node *node);
pea__node *pea__items_next(pea__items *items);

bool pea__node_is_text(const pea__node *node, const char *literal);
bool pea__node_is_global(const pea__node *node, const char *module, const char *name);

/* ---- storages: the raw elements of checkpoints (torch_tensor.c) ---- */

typedef struct pea__storage {
    const char *key; /* in the pickle */
    uint32_t key_bytes;
    pea__element type;
    int64_t n_elements;
    int64_t offset; /* for the container's use */
} pea__storage;

/* All that the object's pickle refers to, sorted by key as texts, each once. */
typedef struct pea__storages {
    pea__storage *items;
    size_t n;
} pea__storages;

/* A container that can deliver storages. */
typedef struct pea__container {
    /* Fill buffer with the n_elements * size bytes of a storage. */
    pea_status (*load)(void *self, const pea__storage *storage, unsigned char *buffer, pea_error *err);
    void *self;
    bool big_endian;
} pea__container;

pea_status pea__storages_collect(const pea__pickle *pickle, pea__storages *storages, pea_error *err);
int pea__key_compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes); /* as texts; < 0, 0, > 0 */

/* Find the tensors below `root` and append them to weights. */
pea_status pea__tensors_import(pea__node *root, const pea__storages *storages, const pea__container *container,
                               pea__budget *budget, pea_weights *weights, pea_error *err);

/* ---- containers ---- */

/* State of one import: what both containers need. */
typedef struct pea__import {
    const pea__reader *reader;
    pea__import_options options;
    pea__budget budget;    /* everything */
    pea__budget unpickle;  /* part of it: the pickle, its nodes and the interpreter */
    pea__arena arena;      /* from `unpickle` */
    pea_weights *weights;  /* filled */
    bool crc_missing;     /* noted */
} pea__import;

pea_status pea__import_zip(pea__import *import, pea_error *err);    /* zip_checkpoint.c */
pea_status pea__import_legacy(pea__import *import, pea_error *err); /* legacy.c */

/* ---- zip (zip.c) ---- */

typedef struct pea__zip_entry {
    const char *name; /* in the directory */
    uint32_t name_bytes, crc;
    int method; /* 0 stored, 8 deflated */
    int64_t header, packed_bytes, size_bytes;
    int64_t data; /* where the packed bytes begin */
} pea__zip_entry;

typedef struct pea__zip {
    const pea__reader *reader; /* borrowed */
    pea__zip_entry *entries;
    pea__zip_entry **by_name; /* sorted */
    size_t n;
    unsigned char *directory;
    int64_t charged; /* bytes of the budget */
    pea__budget *budget;
} pea__zip;

/* Read and check the whole structure; no entry's content. */
pea_status pea__zip_open(const pea__reader *reader, pea__budget *budget, pea__zip *zip, pea_error *err);
void pea__zip_close(pea__zip *zip); /* safe on an all-zero struct */
/* NULL: there is none of this name. The name is in two parts: folder with its slash, then the rest. */
const pea__zip_entry *pea__zip_find(const pea__zip *zip, const char *folder, size_t folder_bytes, const char *rest,
                                    size_t rest_bytes);
/* Fill `buffer` with all size_bytes of an entry. *crc_missing (never cleared): the file has no checksum of it. */
pea_status pea__zip_load(const pea__zip *zip, const pea__zip_entry *entry, bool ignore_crc, unsigned char *buffer,
                         bool *crc_missing, pea_error *err);

/* ---- JSON (json.c): bounds around cJSON ---- */

struct cJSON;

/* Parse; refused before cJSON sees it: nesting beyond max_depth, more than the budget in memory, NUL or bad UTF-8. */
pea_status pea__json_parse(const char *text, size_t n_bytes, int max_depth, pea__budget *budget, struct cJSON **json,
                           pea_error *err);
/* A whole number as JSON has them, exact up to 2^53. */
bool pea__json_integer(const struct cJSON *item, int64_t *value);

#endif
