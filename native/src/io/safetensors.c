/* safetensors.c - model files: a JSON header that says where each tensor lies, then the tensors without any gap.
 * SPDX-License-Identifier: BSD-2-Clause
 *
 *   | n: u64 | JSON, n bytes, padded with blanks | tensor | tensor | ... |     offsets count from behind the JSON */
#include "io/io.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000, HEADER_DEPTH = 3 };

/* One tensor of the header. */
typedef struct range {
    const char *name; /* in the JSON tree */
    pea__element type;
    int n_axes;
    int64_t shape[PEA_MAX_TENSOR_AXES];
    int64_t n_elements, begin, end;
    void *to;
} range;

/* ---- reading ---- */

static pea__element element_of(const char *dtype)
{
    static const struct {
        const char *name;
        pea__element type;
    } known[] = {{"F32", PEA__F32}, {"F64", PEA__F64}, {"F16", PEA__F16}, {"BF16", PEA__BF16}, {"I64", PEA__I64},
                 {"I32", PEA__I32}, {"I16", PEA__I16}, {"I8", PEA__I8},   {"U8", PEA__U8},     {"BOOL", PEA__BOOL}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (dtype && strcmp(dtype, known[i].name) == 0)
            return known[i].type;
    return 0;
}

/* The one value of this name in an object; NULL where there is no object, no value, or more than one. */
static const cJSON *only(const cJSON *object, const char *name)
{
    const cJSON *found = NULL, *item;
    if (!cJSON_IsObject(object))
        return NULL;
    cJSON_ArrayForEach(item, object)
    {
        if (strcmp(item->string, name) != 0)
            continue;
        if (found)
            return NULL;
        found = item;
    }
    return found;
}

/* A list of at most `most` numbers >= 0; -1 where it is something else. */
static int numbers_of(const cJSON *list, int64_t *numbers, int most)
{
    int n = 0;
    const cJSON *item;
    if (!cJSON_IsArray(list))
        return -1;
    cJSON_ArrayForEach(item, list)
    {
        if (n == most || !pea__json_integer(item, &numbers[n]) || numbers[n] < 0)
            return -1;
        n++;
    }
    return n;
}

static pea_status read_range(const cJSON *item, range *r, pea_error *err)
{
    char shown[64];
    int64_t offsets[2], n_bytes;
    *r = (range){.name = item->string};
    pea_status status = pea__name_check(r->name, strlen(r->name), err);
    if (status != PEA_OK)
        return status;
    const char *name = pea__printable(r->name, strlen(r->name), shown);
    r->type = element_of(cJSON_GetStringValue(only(item, "dtype")));
    if (!r->type)
        return pea__fail(err, PEA_E_FORMAT,
                         "tensor %s has none of the element types F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL", name);
    r->n_axes = numbers_of(only(item, "shape"), r->shape, PEA_MAX_TENSOR_AXES);
    if (r->n_axes < 0)
        return pea__fail(err, PEA_E_FORMAT, "tensor %s has no shape of at most %d whole numbers", name,
                         PEA_MAX_TENSOR_AXES);
    if (!pea__shape_count(r->shape, r->n_axes, &r->n_elements))
        return pea__fail(err, PEA_E_FORMAT, "tensor %s has an impossible shape", name);
    if (numbers_of(only(item, "data_offsets"), offsets, 2) != 2)
        return pea__fail(err, PEA_E_FORMAT, "tensor %s has no two data_offsets", name);
    r->begin = offsets[0];
    r->end = offsets[1];
    if (!pea__mul_i64(r->n_elements, (int64_t)pea__element_bytes(r->type), &n_bytes) || r->end - r->begin != n_bytes)
        return pea__fail(err, PEA_E_FORMAT, "tensor %s has a shape that does not fit its data_offsets", name);
    return PEA_OK;
}

static int by_begin(const void *a, const void *b)
{
    const range *p = *(range *const *)a, *q = *(range *const *)b;
    if (p->begin != q->begin)
        return p->begin < q->begin ? -1 : 1;
    return (p->end > q->end) - (p->end < q->end); /* an empty tensor before the one that begins there */
}

/* Without hole or overlap from the first byte to the last: nothing can hide, nothing is used twice. */
static pea_status check_contiguous(range **sorted, size_t n, int64_t data_bytes, pea_error *err)
{
    char shown[64];
    int64_t at = 0;
    qsort(sorted, n, sizeof *sorted, by_begin);
    for (size_t i = 0; i < n; at = sorted[i++]->end)
        if (sorted[i]->begin != at)
            return pea__fail(err, PEA_E_FORMAT, "tensor %s begins at byte %" PRId64 " instead of %" PRId64
                             ": there must be no hole and no overlap",
                             pea__printable(sorted[i]->name, strlen(sorted[i]->name), shown), sorted[i]->begin, at);
    if (at != data_bytes)
        return pea__fail(err, PEA_E_FORMAT, "the tensors end at byte %" PRId64 " of %" PRId64
                         ": the file is cut off or has bytes appended", at, data_bytes);
    return PEA_OK;
}

static pea_status read_metadata(const cJSON *item, pea_weights *weights, pea_error *err)
{
    const cJSON *entry;
    bool found = false;
    if (!cJSON_IsObject(item))
        return pea__fail(err, PEA_E_FORMAT, "__metadata__ is not an object");
    cJSON_ArrayForEach(entry, item)
    {
        if (!cJSON_IsString(entry))
            return pea__fail(err, PEA_E_FORMAT, "__metadata__ holds something else than texts");
        if (strcmp(entry->string, "pea") != 0)
            continue;
        if (found)
            return pea__fail(err, PEA_E_FORMAT, "__metadata__ has the key pea twice");
        found = true;
        const pea_status status =
            pea__weights_set_metadata(weights, entry->valuestring, strlen(entry->valuestring), err);
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

/* Convert in pieces, so that a file costs its size in memory once. */
static pea_status read_elements(const pea__reader *reader, int64_t at, const range *r, pea_error *err)
{
    unsigned char piece[8192];
    char shown[64];
    const int64_t size = (int64_t)pea__element_bytes(r->type), per_piece = (int64_t)sizeof piece / size;
    const pea_dtype dtype = pea__element_dtype(r->type);
    char *to = r->to;
    for (int64_t done = 0; done < r->n_elements;) {
        const int64_t n = pea__min_i64(per_piece, r->n_elements - done);
        const pea_status status = pea__reader_at(reader, at + done * size, piece, (size_t)(n * size), err);
        if (status != PEA_OK)
            return status;
        pea__elements_convert(r->type, false, piece, 1, n, to);
        done += n;
        to += n * (int64_t)pea_dtype_size_bytes(dtype);
    }
    int64_t which;
    if (dtype == PEA_FLOAT32 && !pea__all_finite(r->to, r->n_elements, &which))
        return pea__fail(err, PEA_E_FORMAT,
                         "tensor %s contains NaN, infinity or a number beyond float32 (element %" PRId64 ")",
                         pea__printable(r->name, strlen(r->name), shown), which);
    return PEA_OK;
}

/* All tensors of the header into ranges[] and sorted[]; metadata into weights. */
static pea_status read_ranges(const cJSON *header, range *ranges, range **sorted, size_t *n, pea_weights *weights,
                              pea_error *err)
{
    const cJSON *item;
    bool has_metadata = false;
    *n = 0;
    cJSON_ArrayForEach(item, header)
    {
        pea_status status;
        if (strcmp(item->string, "__metadata__") == 0) {
            if (has_metadata)
                return pea__fail(err, PEA_E_FORMAT, "the header has __metadata__ twice");
            has_metadata = true;
            status = read_metadata(item, weights, err);
        } else {
            status = read_range(item, &ranges[*n], err);
            sorted[*n] = &ranges[*n];
            ++*n;
        }
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

static pea_status read_tensors(const pea__reader *reader, int64_t data, const cJSON *header, range *ranges,
                               range **sorted, pea__budget *budget, pea_weights *weights, pea_error *err)
{
    size_t n;
    pea_status status = read_ranges(header, ranges, sorted, &n, weights, err);
    if (status == PEA_OK)
        status = check_contiguous(sorted, n, reader->size_bytes - data, err);
    for (size_t i = 0; i < n && status == PEA_OK; i++) {
        range *r = &ranges[i];
        const pea_dtype dtype = pea__element_dtype(r->type);
        status = pea__budget_take(budget, r->n_elements * (int64_t)pea_dtype_size_bytes(dtype), err);
        if (status == PEA_OK)
            status = pea__weights_add(weights, r->name, dtype, r->n_axes, r->shape, NULL, &r->to, err);
        if (status == PEA_OK)
            status = read_elements(reader, data + r->begin, r, err);
    }
    return status;
}

/* What begins with `{` is an object, if it is JSON at all. */
static pea_status read_all(const pea__reader *reader, const char *text, int64_t n_text, pea__budget *budget,
                           pea_weights *weights, pea_error *err)
{
    cJSON *header;
    pea_status status = pea__json_parse(text, (size_t)n_text, HEADER_DEPTH, budget, &header, err);
    if (status != PEA_OK)
        return status;
    const int n_keys = cJSON_GetArraySize(header);
    range *ranges = NULL, **sorted = NULL;
    if (n_keys > PEA__MAX_TENSORS)
        status = pea__fail(err, PEA_E_LIMIT, "the header has %d keys; %d are read at most", n_keys,
                           (int)PEA__MAX_TENSORS);
    else if (!(ranges = pea__alloc((size_t)n_keys, sizeof *ranges, err)) ||
             !(sorted = pea__alloc((size_t)n_keys, sizeof *sorted, err)))
        status = PEA_E_NOMEM;
    if (status == PEA_OK)
        status = read_tensors(reader, 8 + n_text, header, ranges, sorted, budget, weights, err);
    pea__free(sorted);
    pea__free(ranges);
    cJSON_Delete(header);
    return status;
}

static pea_status read_header(const pea__reader *reader, pea__budget *budget, char **text, int64_t *n_text,
                              pea_error *err)
{
    unsigned char head[9];
    *text = NULL;
    if (reader->size_bytes < (int64_t)sizeof head)
        return pea__fail(err, PEA_E_FORMAT, "the file is no model file (safetensors): it has only %" PRId64 " bytes",
                         reader->size_bytes);
    pea_status status = pea__reader_at(reader, 0, head, sizeof head, err);
    if (status != PEA_OK)
        return status;
    const uint64_t n = pea__load_u64(head);
    if (n < 2 || n > MAX_HEADER || head[8] != '{')
        return pea__fail(err, PEA_E_FORMAT, "the file is no model file (safetensors); a PyTorch checkpoint must be "
                         "imported first");
    if ((int64_t)n > reader->size_bytes - 8)
        return pea__fail(err, PEA_E_FORMAT, "the file ends early: its header should have %" PRIu64 " bytes", n);
    status = pea__budget_take(budget, (int64_t)n, err);
    if (status != PEA_OK)
        return status;
    *n_text = (int64_t)n;
    *text = pea__alloc((size_t)n, 1, err);
    return *text ? pea__reader_at(reader, 8, *text, (size_t)n, err) : PEA_E_NOMEM;
}

pea_status pea__weights_read_from(const pea__reader *reader, pea_weights **weights, pea_error *err)
{
    pea_error unwanted = {0};
    pea__budget budget = pea__budget_for(reader, PEA__FILE_SLACK, NULL);
    pea_weights *made = NULL;
    char *text;
    int64_t n_text = 0;
    if (!err)
        err = &unwanted;
    *weights = NULL;
    pea_status status = read_header(reader, &budget, &text, &n_text, err);
    if (status == PEA_OK)
        status = pea__weights_new(&made, err);
    if (status == PEA_OK)
        status = read_all(reader, text, n_text, &budget, made, err);
    pea__free(text);
    if (status == PEA_OK)
        *weights = made;
    else
        pea_weights_free(made);
    return status;
}

pea_status pea_weights_read(const char *path, pea_weights **weights, pea_error *err)
{
    pea__reader reader;
    *weights = NULL;
    pea_status status = pea__reader_open(path, &reader, err);
    if (status == PEA_OK)
        status = pea__weights_read_from(&reader, weights, err);
    pea__reader_close(&reader);
    return status;
}

/* ---- writing ---- */

/* A text that grows. */
typedef struct text {
    char *bytes;
    size_t n, capacity;
    pea_status status; /* of the first failure; later calls do nothing */
    pea_error *err;
} text;

static void append(text *t, const char *bytes, size_t n)
{
    if (t->status != PEA_OK)
        return;
    if (n > t->capacity - t->n) {
        const size_t wanted = 2 * t->capacity + n + 256;
        char *grown = pea__realloc(t->bytes, wanted, 1, t->err);
        if (!grown) {
            t->status = PEA_E_NOMEM;
            return;
        }
        t->bytes = grown;
        t->capacity = wanted;
    }
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
}

static void append_text(text *t, const char *bytes)
{
    append(t, bytes, strlen(bytes));
}

static void append_number(text *t, int64_t value)
{
    char digits[24];
    append(t, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value));
}

/* In quotes, with what JSON wants escaped. */
static void append_quoted(text *t, const char *bytes)
{
    append_text(t, "\"");
    for (; *bytes; bytes++) {
        const unsigned char c = (unsigned char)*bytes;
        char escaped[8] = {'\\', (char)c};
        if (c == '"' || c == '\\')
            append(t, escaped, 2);
        else if (c < 0x20)
            append(t, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
        else
            append(t, bytes, 1);
    }
    append_text(t, "\"");
}

static int64_t bytes_of(const pea_tensor *tensor)
{
    int64_t n = (int64_t)pea_dtype_size_bytes(tensor->dtype);
    for (int axis = 0; axis < tensor->n_axes; axis++)
        n *= tensor->shape[axis]; /* fits: the tensor is in memory */
    return n;
}

static void append_tensor(text *t, const pea_tensor *tensor, int64_t begin)
{
    append_quoted(t, tensor->name);
    append_text(t, tensor->dtype == PEA_FLOAT32 ? ":{\"dtype\":\"F32\"" : ":{\"dtype\":\"I64\"");
    append_text(t, ",\"shape\":[");
    for (int axis = 0; axis < tensor->n_axes; axis++) {
        append_text(t, axis ? "," : "");
        append_number(t, tensor->shape[axis]);
    }
    append_text(t, "],\"data_offsets\":[");
    append_number(t, begin);
    append_text(t, ",");
    append_number(t, begin + bytes_of(tensor));
    append_text(t, "]}");
}

/* Tensors in stored order, blanks up to a multiple of 8, as other writers do. */
static void make_header(text *t, const pea_weights *weights, const char *metadata)
{
    int64_t at = 0;
    append_text(t, "{");
    if (metadata) {
        append_text(t, "\"__metadata__\":{\"pea\":");
        append_quoted(t, metadata);
        append_text(t, "}");
    }
    for (size_t i = 0; i < pea_weights_count(weights); i++) {
        const pea_tensor tensor = pea_weights_tensor(weights, i);
        append_text(t, i > 0 || metadata ? "," : "");
        append_tensor(t, &tensor, at);
        at += bytes_of(&tensor);
    }
    append_text(t, "}");
    while (t->status == PEA_OK && t->n % 8 != 0)
        append_text(t, " ");
}

static pea_status write_file(const char *path, const text *header, const pea_weights *weights, pea_error *err)
{
    const uint64_t n_header = header->n;
    pea__writer writer;
    const pea_status status = pea__writer_open(path, &writer, err);
    if (status != PEA_OK)
        return status;
    pea__elements_write(writer.stream, &n_header, sizeof n_header, 1);
    (void)fwrite(header->bytes, 1, header->n, writer.stream); /* commit sees a failure */
    for (size_t i = 0; i < pea_weights_count(weights); i++) {
        const pea_tensor tensor = pea_weights_tensor(weights, i);
        const size_t size = pea_dtype_size_bytes(tensor.dtype);
        pea__elements_write(writer.stream, tensor.data, size, bytes_of(&tensor) / (int64_t)size);
    }
    return pea__writer_commit(&writer, err);
}

/* What we write must be something that we read again. */
static pea_status check_writable(const pea_weights *weights, const char *metadata, pea_error *err)
{
    char shown[64];
    if (metadata && !pea__is_utf8(metadata, strlen(metadata)))
        return pea__fail(err, PEA_E_ARG, "the metadata are not UTF-8");
    for (size_t i = 0; i < pea_weights_count(weights); i++) {
        const pea_tensor tensor = pea_weights_tensor(weights, i);
        const size_t n_name = strlen(tensor.name);
        const pea_status status = pea__name_check(tensor.name, n_name, err);
        if (status != PEA_OK)
            return status;
        if (strcmp(tensor.name, "__metadata__") == 0)
            return pea__fail(err, PEA_E_ARG, "a tensor cannot be named __metadata__");
        if (tensor.dtype != PEA_FLOAT32 && tensor.dtype != PEA_INT64)
            return pea__fail(err, PEA_E_DTYPE, "tensor %s is %s; float32 and int64 are written",
                             pea__printable(tensor.name, n_name, shown), pea_dtype_name(tensor.dtype));
    }
    return PEA_OK;
}

pea_status pea_weights_write(const char *path, const pea_weights *weights, const char *metadata, pea_error *err)
{
    text header = {.err = err};
    pea_status status = check_writable(weights, metadata, err);
    if (status != PEA_OK)
        return status;
    make_header(&header, weights, metadata);
    status = header.status;
    if (status == PEA_OK && header.n > MAX_HEADER)
        status = pea__fail(err, PEA_E_LIMIT, "the header would have %zu bytes; %d can be read", header.n,
                           (int)MAX_HEADER);
    if (status == PEA_OK)
        status = write_file(path, &header, weights, err);
    pea__free(header.bytes);
    return status;
}
