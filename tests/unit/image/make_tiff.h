/* make_tiff.h - TIFFs made byte by byte, so that a test can make any of them wrong in one place.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAKE_TIFF_H
#define MAKE_TIFF_H

#include "image/image.h"
#include "test.h"

/* A file being built, little-endian and classic. Bytes beyond capacity fail the test. */
typedef struct maker {
    unsigned char bytes[1 << 16];
    size_t n;
    size_t link_at; /* where the offset of the next directory goes */
} maker;

static inline void put_at(maker *m, size_t at, uint32_t value, int n)
{
    for (int i = 0; i < n; i++)
        m->bytes[at + (size_t)i] = (unsigned char)(value >> (8 * i));
}

static inline void append(maker *m, const void *bytes, size_t n)
{
    assert_true(m->n + n <= sizeof m->bytes);
    if (n)
        memcpy(m->bytes + m->n, bytes, n);
    m->n += n;
}

static inline maker *make_begin(void)
{
    maker *m = calloc(1, sizeof *m);
    assert_non_null(m);
    append(m, "II*\0\0\0\0\0", 8);
    m->link_at = 4;
    return m;
}

typedef struct tag {
    unsigned tag, type;
    uint32_t count, value;
} tag;

/* One directory; entries as given, values inline or an offset. */
static inline void make_directory(maker *m, const tag *tags, size_t n_tags)
{
    if (m->n % 2)
        append(m, "", 1);
    put_at(m, m->link_at, (uint32_t)m->n, 4);
    unsigned char head[2] = {(unsigned char)n_tags, (unsigned char)(n_tags >> 8)};
    append(m, head, 2);
    for (size_t i = 0; i < n_tags; i++) {
        const size_t at = m->n;
        append(m, (char[12]){0}, 12);
        put_at(m, at, tags[i].tag, 2);
        put_at(m, at + 2, tags[i].type, 2);
        put_at(m, at + 4, tags[i].count, 4);
        put_at(m, at + 8, tags[i].value, 4);
    }
    m->link_at = m->n;
    append(m, "\0\0\0\0", 4);
}

/* What most tests vary: one page, one strip. Zero means the usual value. */
typedef struct page {
    int x, y, bits, samples, format, compression, photometric, planar, orientation, predictor, subfile, rows;
    const void *data;
    size_t data_bytes;
    const char *text;
    tag more[4]; /* ends with tag 0; one that is there already is replaced */
} page;

static inline void make_page(maker *m, const page *p)
{
    const uint32_t data_at = (uint32_t)m->n;
    append(m, p->data, p->data_bytes);
    const uint32_t text_at = (uint32_t)m->n;
    if (p->text)
        append(m, p->text, strlen(p->text) + 1);
    tag all[24] = {
        {254, 4, 1, (uint32_t)p->subfile},
        {256, 4, 1, (uint32_t)p->x},
        {257, 4, 1, (uint32_t)p->y},
        {258, 3, 1, p->bits ? (uint32_t)p->bits : 8},
        {259, 3, 1, p->compression ? (uint32_t)p->compression : 1},
        {262, 3, 1, (uint32_t)(p->photometric ? p->photometric == -1 ? 0 : p->photometric : 1)},
        {273, 4, 1, data_at},
        {274, 3, 1, p->orientation ? (uint32_t)p->orientation : 1},
        {277, 3, 1, p->samples ? (uint32_t)p->samples : 1},
        {278, 4, 1, p->rows ? (uint32_t)p->rows : (uint32_t)p->y},
        {279, 4, 1, (uint32_t)p->data_bytes},
        {284, 3, 1, p->planar ? (uint32_t)p->planar : 1},
        {317, 3, 1, p->predictor ? (uint32_t)p->predictor : 1},
        {339, 3, 1, p->format ? (uint32_t)p->format : 1},
    };
    size_t n = 14;
    if (p->text)
        all[n++] = (tag){270, 2, (uint32_t)strlen(p->text) + 1, text_at};
    for (size_t i = 0; i < 4 && p->more[i].tag; i++) {
        size_t k = 0;
        while (k < n && all[k].tag != p->more[i].tag)
            k++;
        all[k] = p->more[i];
        n = k == n ? n + 1 : n;
    }
    make_directory(m, all, n);
}

static inline maker *make_one(const page *p)
{
    maker *m = make_begin();
    make_page(m, p);
    return m;
}

/* Open what was made; the maker must outlive the image. */
static inline pea_status open_made(const maker *m, pea_image_use use, pea_image **image, pea_error *err)
{
    return pea__image_open_reader(pea__reader_memory(m->bytes, m->n), use, 0, image, err);
}

/* Open what was made, close it again: what it says of itself. */
static inline pea_image_info info_of(maker *m, char notes[512])
{
    pea_image *image = NULL;
    pea_error err;
    assert_ok(open_made(m, PEA_IMAGE_INTENSITY, &image, &err));
    const pea_image_info info = pea_image_get_info(image);
    if (notes)
        snprintf(notes, 512, "%s", info.notes);
    pea_image_close(image);
    free(m);
    return info;
}

/* The whole of frame 0 as doubles, at most 4096 of them; returns how many. */
static inline int64_t all_values(pea_image *image, double *values)
{
    pea_error err;
    pea_volume v = {0};
    assert_ok(pea_image_read(image, (pea_image_part){.channel = -1}, NULL, &v, &err));
    const pea_dims d = v.array.dims;
    const int64_t n = d.z * d.y * d.x * d.c;
    assert_true(n <= 4096);
    for (int64_t i = 0; i < n; i++)
        values[i] = pea__array_value(&v.array, i);
    pea_volume_free(&v);
    return n;
}

/* Open, read frame 0, close: the values must be these. */
static inline void assert_reads(maker *m, pea_image_use use, const double *expected, int64_t n)
{
    pea_image *image = NULL;
    pea_error err;
    double values[4096];
    assert_ok(open_made(m, use, &image, &err));
    assert_int_equal(all_values(image, values), n);
    for (int64_t i = 0; i < n; i++)
        if (values[i] != expected[i])
            fail_msg("value %lld is %g, expected %g", (long long)i, values[i], expected[i]);
    pea_image_close(image);
    free(m);
}

/* Must be refused at opening with these words. */
static inline void assert_refused(maker *m, pea_status status, const char *words)
{
    pea_image *image = NULL;
    pea_error err;
    assert_fails(open_made(m, PEA_IMAGE_INTENSITY, &image, &err), status, words);
    assert_null(image);
    free(m);
}

#endif
