/* npy.c - NumPy's array files: a Python dict as text that gives type, order and shape, then the elements.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 *   | 93 'NUMPY' | version: 2 bytes | header length: u16, from version 2 u32 | header | elements | */
#include "io/io.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_HEADER = 65536 };

/* What a header says. */
typedef struct layout {
    pea_dtype dtype;    /* in memory */
    pea__element widen; /* not 0: a half float, stored as float32 in memory */
    size_t item_bytes;  /* in the file */
    bool big_endian, fortran_order;
    int n_axes;
    int64_t shape[PEA_MAX_NPY_AXES], n_elements;
} layout;

/* ---- the header: a dict with three keys ---- */

typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool accept(cursor *c, const char *word)
{
    const size_t n = strlen(word);
    skip_blanks(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* A text in single or double quotes, without escapes. */
static bool quoted(cursor *c, const char **text, size_t *n)
{
    skip_blanks(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    const char *close = memchr(c->at + 1, *c->at, (size_t)(c->end - c->at - 1));
    if (!close)
        return false;
    *text = c->at + 1;
    *n = (size_t)(close - *text);
    c->at = close + 1;
    return true;
}

static bool number(cursor *c, int64_t *value)
{
    skip_blanks(c);
    const char *first = c->at;
    *value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (!pea__mul_i64(*value, 10, value) || !pea__add_i64(*value, *c->at - '0', value))
            return false;
    if (c->at > first)
        (void)accept(c, "L"); /* Python 2 */
    return c->at > first;
}

static pea_status read_descr(cursor *c, layout *l, pea_error *err)
{
    static const struct {
        const char *name;
        pea_dtype dtype;
        pea__element widen;
        size_t item_bytes;
    } known[] = {{"f4", PEA_FLOAT32, 0, 4}, {"f8", PEA_FLOAT64, 0, 8}, {"f2", PEA_FLOAT32, PEA__F16, 2},
                 {"u1", PEA_UINT8, 0, 1},   {"i1", PEA_INT8, 0, 1},    {"b1", PEA_UINT8, PEA__BOOL, 1},
                 {"u2", PEA_UINT16, 0, 2},  {"i2", PEA_INT16, 0, 2},   {"u4", PEA_UINT32, 0, 4},
                 {"i4", PEA_INT32, 0, 4},   {"i8", PEA_INT64, 0, 8}};
    const char *text;
    char shown[64];
    size_t n;
    if (!quoted(c, &text, &n))
        return pea__fail(err, PEA_E_FORMAT, "the .npy file holds records, not an array of numbers");
    for (size_t i = 0; i < sizeof known / sizeof *known && n == 3; i++) {
        const bool order_known = text[0] == '<' || text[0] == '>' || (text[0] == '|' && known[i].item_bytes == 1);
        if (!order_known || memcmp(text + 1, known[i].name, 2) != 0)
            continue;
        l->dtype = known[i].dtype;
        l->widen = known[i].widen;
        l->item_bytes = known[i].item_bytes;
        l->big_endian = text[0] == '>';
        return PEA_OK;
    }
    return pea__fail(err, PEA_E_FORMAT,
                     "the .npy file has elements of type \"%s\"; float16 to 64, int8 to 64, uint8 to 32 and bool are "
                     "read",
                     pea__printable(text, n, shown));
}

static pea_status read_shape(cursor *c, layout *l, pea_error *err)
{
    bool good = accept(c, "(");
    l->n_axes = 0;
    while (good && !accept(c, ")")) {
        if (l->n_axes == PEA_MAX_NPY_AXES)
            return pea__fail(err, PEA_E_LIMIT, "the .npy file has more than %d axes", PEA_MAX_NPY_AXES);
        good = number(c, &l->shape[l->n_axes++]);
        if (good && !accept(c, ",")) {
            good = l->n_axes > 1 && accept(c, ")"); /* (3) is a number in Python, not a shape */
            break;
        }
    }
    return good ? PEA_OK : pea__fail(err, PEA_E_FORMAT, "the .npy file has a shape that is no tuple of numbers");
}

static pea_status read_value(cursor *c, const char *key, size_t n_key, unsigned *found, layout *l, pea_error *err)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    unsigned which = 0;
    while (which < 3 && !pea__text_is(key, n_key, keys[which]))
        which++;
    if (which == 3 || *found & 1u << which)
        return pea__fail(err, PEA_E_FORMAT, "the .npy header has an unknown key or one twice");
    *found |= 1u << which;
    if (which == 0)
        return read_descr(c, l, err);
    if (which == 2)
        return read_shape(c, l, err);
    l->fortran_order = accept(c, "True");
    if (!l->fortran_order && !accept(c, "False"))
        return pea__fail(err, PEA_E_FORMAT, "the .npy header's fortran_order is neither True nor False");
    return PEA_OK;
}

static pea_status read_dict(const char *text, size_t n_text, layout *l, pea_error *err)
{
    cursor c = {text, text + n_text};
    unsigned found = 0; /* bit per key */
    const char *key;
    size_t n_key;
    bool good = accept(&c, "{");
    while (good && !accept(&c, "}")) {
        good = quoted(&c, &key, &n_key) && accept(&c, ":");
        const pea_status status = good ? read_value(&c, key, n_key, &found, l, err) : PEA_OK;
        if (status != PEA_OK)
            return status;
        if (good && !accept(&c, ",")) {
            good = accept(&c, "}");
            break;
        }
    }
    skip_blanks(&c);
    if (!good || c.at != c.end || found != 7)
        return pea__fail(err, PEA_E_FORMAT, "the .npy header is not a dict with descr, fortran_order and shape");
    return PEA_OK;
}

static pea_status read_header(const pea__reader *reader, layout *l, int64_t *data, pea_error *err)
{
    unsigned char head[12];
    const size_t n_head = (size_t)pea__min_i64(reader->size_bytes, sizeof head);
    pea_status status = pea__reader_at(reader, 0, head, n_head, err);
    if (status != PEA_OK)
        return status;
    if (n_head < 10 || memcmp(head, "\x93NUMPY", 6) != 0)
        return pea__fail(err, PEA_E_FORMAT, "the file is no .npy file");
    if (head[6] < 1 || head[6] > 3 || head[7] != 0)
        return pea__fail(err, PEA_E_FORMAT, "the .npy file has version %d.%d; 1.0 to 3.0 are read", head[6], head[7]);
    const int64_t begin = head[6] == 1 ? 10 : 12;
    if (begin > (int64_t)n_head)
        return pea__fail(err, PEA_E_FORMAT, "the .npy file ends early");
    const int64_t n_text = begin == 10 ? pea__load_u16(head + 8) : pea__load_u32(head + 8);
    if (n_text > MAX_HEADER)
        return pea__fail(err, PEA_E_LIMIT, "the .npy header has %" PRId64 " bytes; %d are read at most", n_text,
                         (int)MAX_HEADER);
    char *text = pea__alloc((size_t)n_text, 1, err);
    if (!text)
        return PEA_E_NOMEM;
    status = pea__reader_at(reader, begin, text, (size_t)n_text, err);
    if (status == PEA_OK)
        status = read_dict(text, (size_t)n_text, l, err);
    pea__free(text);
    *data = begin + n_text;
    return status;
}

/* The size of the file must be exactly what the shape says. */
static pea_status check_size(const pea__reader *reader, int64_t data, layout *l, pea_error *err)
{
    int64_t n_bytes;
    if (!pea__shape_count(l->shape, l->n_axes, &l->n_elements) ||
        !pea__mul_i64(l->n_elements, (int64_t)l->item_bytes, &n_bytes))
        return pea__fail(err, PEA_E_LIMIT, "the .npy file claims a shape beyond the address space");
    if (n_bytes != reader->size_bytes - data)
        return pea__fail(err, PEA_E_FORMAT,
                         "the .npy file has %" PRId64 " bytes of elements; its shape needs %" PRId64,
                         reader->size_bytes - data, n_bytes);
    return PEA_OK;
}

/* ---- the elements ---- */

/* First axis fastest to last axis fastest: the file is walked in its order, and an odometer gives the target. */
static void to_row_major(const layout *l, size_t item_bytes, const char *from, char *to)
{
    int64_t at[PEA_MAX_NPY_AXES] = {0}, stride[PEA_MAX_NPY_AXES], target = 0, step = 1;
    for (int axis = l->n_axes - 1; axis >= 0; axis--) {
        stride[axis] = step;
        step *= l->shape[axis];
    }
    for (int64_t i = 0; i < l->n_elements; i++) {
        memcpy(to + target * (int64_t)item_bytes, from + i * (int64_t)item_bytes, item_bytes);
        for (int axis = 0; axis < l->n_axes; axis++) {
            target += stride[axis];
            if (++at[axis] < l->shape[axis])
                break;
            target -= stride[axis] * l->shape[axis];
            at[axis] = 0;
        }
    }
}

/* Elements of the file in its order, in the host's byte order, half floats widened. */
static void *load_elements(const pea__reader *reader, int64_t data, const layout *l, pea_error *err)
{
    const size_t n = (size_t)l->n_elements;
    unsigned char *raw = pea__alloc(n, l->item_bytes, err);
    if (!raw)
        return NULL;
    if (pea__reader_at(reader, data, raw, n * l->item_bytes, err) != PEA_OK) {
        pea__free(raw);
        return NULL;
    }
    if (l->widen == PEA__F16) {
        float *wide = pea__alloc(n, sizeof *wide, err);
        if (wide)
            pea__elements_convert(PEA__F16, l->big_endian, raw, 1, l->n_elements, wide);
        pea__free(raw);
        return wide;
    }
    if (l->widen == PEA__BOOL)
        for (size_t i = 0; i < n; i++)
            raw[i] = raw[i] != 0;
    if (l->big_endian != pea__host_is_big_endian())
        pea__swap_bytes(raw, l->n_elements, l->item_bytes);
    return raw;
}

pea_status pea__npy_read_from(const pea__reader *reader, pea_npy *npy, pea_error *err)
{
    pea_error unwanted = {0};
    layout l = {0};
    int64_t data = 0;
    if (!err)
        err = &unwanted;
    *npy = (pea_npy){0};
    pea_status status = read_header(reader, &l, &data, err);
    if (status == PEA_OK)
        status = check_size(reader, data, &l, err);
    if (status != PEA_OK)
        return status;
    void *elements = load_elements(reader, data, &l, err);
    if (!elements)
        return err->status;
    if (l.fortran_order && l.n_axes > 1) {
        const size_t size = pea_dtype_size_bytes(l.dtype);
        char *ordered = pea__alloc((size_t)l.n_elements, size, err);
        if (ordered)
            to_row_major(&l, size, elements, ordered);
        pea__free(elements);
        elements = ordered;
        if (!elements)
            return PEA_E_NOMEM;
    }
    *npy = (pea_npy){.dtype = l.dtype, .n_axes = l.n_axes, .data = elements};
    memcpy(npy->shape, l.shape, sizeof l.shape);
    return PEA_OK;
}

pea_status pea_npy_read(const char *path, pea_npy *npy, pea_error *err)
{
    pea__reader reader;
    *npy = (pea_npy){0};
    pea_status status = pea__reader_open(path, &reader, err);
    if (status == PEA_OK)
        status = pea__npy_read_from(&reader, npy, err);
    pea__reader_close(&reader);
    return status;
}

void pea_npy_free(pea_npy *npy)
{
    if (!npy)
        return;
    pea__free(npy->data);
    *npy = (pea_npy){0};
}

/* ---- writing ---- */

static const char *descr_of(pea_dtype dtype)
{
    switch (dtype) {
    case PEA_UINT8: return "|u1";
    case PEA_UINT16: return "<u2";
    case PEA_UINT32: return "<u4";
    case PEA_INT8: return "|i1";
    case PEA_INT16: return "<i2";
    case PEA_INT32: return "<i4";
    case PEA_INT64: return "<i8";
    case PEA_FLOAT32: return "<f4";
    case PEA_FLOAT64: return "<f8";
    case PEA_FLOAT16: return "<f2";
    }
    return NULL;
}

/* Magic, version, length and dict, padded so that the elements begin at a multiple of 64. Returns its bytes. */
static size_t make_header(const pea_npy *npy, char header[256])
{
    enum { PREFIX = 10 };
    char *text = header + PREFIX;
    const size_t capacity = 256 - PREFIX;
    size_t n = (size_t)snprintf(text, capacity, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                                descr_of(npy->dtype));
    for (int axis = 0; axis < npy->n_axes; axis++)
        n += (size_t)snprintf(text + n, capacity - n, "%s%" PRId64, axis ? ", " : "", npy->shape[axis]);
    n += (size_t)snprintf(text + n, capacity - n, "%s), }", npy->n_axes == 1 ? "," : "");
    while ((PREFIX + n + 1) % 64 != 0)
        text[n++] = ' ';
    text[n++] = '\n';
    memcpy(header, "\x93NUMPY\1\0", 8);
    header[8] = (char)(n & 0xff);
    header[9] = (char)(n >> 8);
    return PREFIX + n;
}

/* All elements, stored as they come, so that little is left to wait for at the end. */
static pea_status write_elements(pea__writer *writer, const pea_npy *npy, size_t item, int64_t n, pea_context *context,
                                 pea_error *err)
{
    enum { AT_ONCE = 1 << 16, STORE_EVERY = 1 << 25 };
    int64_t unstored = 0;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < n && status == PEA_OK && !ferror(writer->stream); i += AT_ONCE) {
        const int64_t part = pea__min_i64(AT_ONCE, n - i);
        pea__elements_write(writer->stream, (const char *)npy->data + (size_t)i * item, item, part);
        unstored += part * (int64_t)item;
        if (unstored >= STORE_EVERY) {
            pea__writer_store(writer);
            unstored = 0;
        }
        status = pea__progress(context, (double)(i + part) / (double)n, err);
    }
    return status;
}

pea_status pea_npy_write(const char *path, const pea_npy *npy, pea_context *context, pea_error *err)
{
    char header[256];
    const size_t item = pea_dtype_size_bytes(npy->dtype);
    int64_t n, n_bytes;
    if (item == 0)
        return pea__fail(err, PEA_E_DTYPE, "the array has no valid element type");
    if (npy->n_axes < 0 || npy->n_axes > PEA_MAX_NPY_AXES || !pea__shape_count(npy->shape, npy->n_axes, &n) ||
        !pea__mul_i64(n, (int64_t)item, &n_bytes) || !npy->data)
        return pea__fail(err, PEA_E_ARG, "the array has no valid shape or no data");
    pea__writer writer;
    pea_status status = pea__writer_open(path, &writer, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "write");
    const size_t n_header = make_header(npy, header);
    (void)fwrite(header, 1, n_header, writer.stream); /* commit sees a failure */
    status = write_elements(&writer, npy, item, n, context, err);
    if (status == PEA_OK)
        status = pea__writer_commit(&writer, err);
    else
        pea__writer_discard(&writer);
    pea__stage(context, NULL);
    return status;
}
