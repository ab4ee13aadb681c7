/* io_test.h - bytes that tests put together: zip archives, pickles of checkpoints, and imports of them.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_IO_TEST_H
#define PEA_IO_TEST_H

#include "test.h"

#include <zlib.h>

#include "io/io.h"

/* ---- bytes that grow ---- */

typedef struct bytes {
    unsigned char *at;
    size_t n, capacity;
} bytes;

static inline void add(bytes *b, const void *more, size_t n)
{
    if (b->n + n > b->capacity) {
        b->capacity = 2 * (b->n + n) + 64;
        b->at = realloc(b->at, b->capacity);
        assert_non_null(b->at);
    }
    if (n > 0)
        memcpy(b->at + b->n, more, n);
    b->n += n;
}

static inline void add_number(bytes *b, uint64_t value, size_t n_bytes) /* little-endian */
{
    for (size_t i = 0; i < n_bytes; i++) {
        const unsigned char byte = i < 8 ? (unsigned char)(value >> 8 * i) : 0;
        add(b, &byte, 1);
    }
}

static inline void add_repeated(bytes *b, const void *piece, size_t n, size_t times)
{
    for (size_t i = 0; i < times; i++)
        add(b, piece, n);
}

static inline void set_number(bytes *b, size_t at, uint64_t value, size_t n_bytes)
{
    assert_true(at + n_bytes <= b->n);
    for (size_t i = 0; i < n_bytes; i++)
        b->at[at + i] = (unsigned char)(value >> 8 * i);
}

/* A literal with its NULs, without the last one. */
#define ADD(b, literal) add(b, literal, sizeof(literal) - 1)

static inline void drop(bytes *b)
{
    free(b->at);
    *b = (bytes){0};
}

static inline bytes file_bytes(const char *path)
{
    size_t n;
    unsigned char *at = (unsigned char *)test_read_file(path, &n);
    return (bytes){at, n, n};
}

static inline bytes sample(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/checkpoints/%s", PEA_TESTDATA, name);
    return file_bytes(path);
}

/* ---- zip archives ---- */

typedef struct record {
    const char *name;
    const void *content;
    size_t n;
} record;

/* Where a test finds the parts it damages. */
typedef struct zip_places {
    size_t local[8], data[8], central[8], directory, end;
} zip_places;

static inline void add_record_header(bytes *b, bool central, const record *r, size_t local)
{
    const uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), r->content, (uInt)r->n);
    add_number(b, central ? 0x02014b50 : 0x04034b50, 4);
    add_number(b, 20, central ? 4 : 2);
    add_number(b, 0, 8); /* flags, method, time, date */
    add_number(b, crc, 4);
    add_number(b, r->n, 4);
    add_number(b, r->n, 4);
    add_number(b, strlen(r->name), 2);
    add_number(b, 0, central ? 12 : 2); /* extra ... attributes */
    if (central)
        add_number(b, local, 4);
    add(b, r->name, strlen(r->name));
}

static inline bytes make_zip(const record *records, size_t n, zip_places *places)
{
    bytes b = {0};
    zip_places p = {0};
    for (size_t i = 0; i < n; i++) {
        p.local[i] = b.n;
        add_record_header(&b, false, &records[i], 0);
        p.data[i] = b.n;
        add(&b, records[i].content, records[i].n);
    }
    p.directory = b.n;
    for (size_t i = 0; i < n; i++) {
        p.central[i] = b.n;
        add_record_header(&b, true, &records[i], p.local[i]);
    }
    p.end = b.n;
    add_number(&b, 0x06054b50, 4);
    add_number(&b, 0, 4);
    add_number(&b, n, 2);
    add_number(&b, n, 2);
    add_number(&b, p.end - p.directory, 4);
    add_number(&b, p.directory, 4);
    add_number(&b, 0, 2);
    if (places)
        *places = p;
    return b;
}

/* ---- checkpoints ---- */

/* A reference to storage `key` (one character) of a type with a number of elements (an opcode). */
#define STORAGE(type, key, numel) "(X\7\0\0\0storagectorch\n" type "\nX\1\0\0\0" key "X\3\0\0\0cpu" numel "tQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define REBUILD_END "\x89" "ccollections\nOrderedDict\n)RtR"
/* (2,2) of four floats */
#define TENSOR REBUILD STORAGE("FloatStorage", "0", "K\4") "K\0" "K\2K\2\x86" "K\2K\1\x86" REBUILD_END
#define KEY_A "X\1\0\0\0a"
#define KEY_B "X\1\0\0\0b"

static const float four_floats[4] = {1.0f, 2.0f, 3.0f, 4.0f}; /* hosts of tests are little-endian */

/* Around a pickle: an archive with storage 0 of four floats and storage 1 of eight zero bytes. */
static inline bytes archive_of(const void *pickle, size_t n)
{
    static const unsigned char zeros[8];
    const record records[] = {{"a/data.pkl", pickle, n}, {"a/data/0", four_floats, 16}, {"a/data/1", zeros, 8},
                              {"a/version", "3\n", 2}};
    return make_zip(records, 4, NULL);
}

static inline pea_status import_bytes(const bytes *b, pea_weights **weights, char notes[256], pea_error *err)
{
    /* A copy of exactly this size, so that a sanitizer sees the first byte read beyond it. */
    unsigned char *exact = malloc(b->n ? b->n : 1);
    assert_non_null(exact);
    if (b->n > 0)
        memcpy(exact, b->at, b->n);
    const pea__reader reader = pea__reader_memory(exact, b->n);
    const pea_status status = pea__weights_import_from(&reader, NULL, weights, notes, err);
    free(exact);
    return status;
}

static inline pea_status import_pickle(const void *pickle, size_t n, pea_weights **weights, pea_error *err)
{
    bytes b = archive_of(pickle, n);
    const pea_status status = import_bytes(&b, weights, NULL, err);
    drop(&b);
    return status;
}

/* This pickle is refused with these words, and nothing leaks. */
#define assert_refused(literal, status, part)                                                                         \
    do {                                                                                                              \
        pea_weights *none_ = NULL;                                                                                    \
        const size_t live_ = pea__alloc_live();                                                                       \
        assert_fails(import_pickle(literal, sizeof(literal) - 1, &none_, &err), status, part);                        \
        assert_null(none_);                                                                                           \
        assert_int_equal(pea__alloc_live(), live_);                                                                   \
    } while (0)

/* This pickle gives one tensor "a" of the four floats. */
#define assert_accepted(literal)                                                                                      \
    do {                                                                                                              \
        pea_weights *some_ = NULL;                                                                                    \
        assert_ok(import_pickle(literal, sizeof(literal) - 1, &some_, &err));                                         \
        assert_tensor(some_, 0, "a", PEA_FLOAT32, four_floats, 2, 2, 2);                                              \
        pea_weights_free(some_);                                                                                      \
    } while (0)

/* Tensor `index` has this name, type, content and shape (n_axes extents follow). */
static inline void assert_tensor(const pea_weights *weights, size_t index, const char *name, pea_dtype dtype,
                                 const void *content, int n_axes, ...)
{
    assert_true(index < pea_weights_count(weights));
    const pea_tensor t = pea_weights_tensor(weights, index);
    size_t n_bytes = pea_dtype_size_bytes(dtype);
    va_list shape;
    assert_string_equal(t.name, name);
    assert_int_equal(t.dtype, dtype);
    assert_int_equal(t.n_axes, n_axes);
    va_start(shape, n_axes);
    for (int axis = 0; axis < n_axes; axis++) {
        const int extent = va_arg(shape, int);
        assert_int_equal(t.shape[axis], extent);
        n_bytes *= (size_t)extent;
    }
    va_end(shape);
    if (n_bytes > 0)
        assert_memory_equal(t.data, content, n_bytes);
}

/* The same tensors in the same order. */
static inline bool same_weights(const pea_weights *a, const pea_weights *b)
{
    bool same = pea_weights_count(a) == pea_weights_count(b);
    for (size_t i = 0; same && i < pea_weights_count(a); i++) {
        const pea_tensor p = pea_weights_tensor(a, i), q = pea_weights_tensor(b, i);
        size_t n_bytes = pea_dtype_size_bytes(p.dtype);
        same = strcmp(p.name, q.name) == 0 && p.dtype == q.dtype && p.n_axes == q.n_axes;
        for (int axis = 0; same && axis < p.n_axes; axis++) {
            same = p.shape[axis] == q.shape[axis];
            n_bytes *= (size_t)p.shape[axis];
        }
        same = same && memcmp(p.data, q.data, n_bytes) == 0;
    }
    return same;
}

#endif
