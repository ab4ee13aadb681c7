/* table_write.c - tables of instances as CSV, with sizes and places in the units of the image.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/measure.h"

#include "array/array.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#define LINE_END "\r\n" /* RFC 4180 */

/* One line at a time: the longest is a header whose unit of 31 bytes is all quotes. */
typedef struct line {
    char text[1536];
    size_t n_bytes;
} line;

/* Where lines go: to a file, or into memory as long as they fit. */
typedef struct sink {
    FILE *stream; /* NULL: memory */
    char *text;
    size_t size_bytes, n_bytes;
} sink;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void put(line *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(to->text + to->n_bytes, sizeof to->text - to->n_bytes, format, arguments);
    va_end(arguments);
    if (n > 0 && to->n_bytes + (size_t)n < sizeof to->text)
        to->n_bytes += (size_t)n;
}

static void send_line(sink *to, line *from)
{
    if (to->stream) {
        fwrite(from->text, 1, from->n_bytes, to->stream);
    } else if (to->n_bytes < to->size_bytes) {
        const size_t room = to->size_bytes - to->n_bytes - 1, n = from->n_bytes < room ? from->n_bytes : room;
        memcpy(to->text + to->n_bytes, from->text, n);
        to->text[to->n_bytes + n] = '\0';
    }
    to->n_bytes += from->n_bytes;
    from->n_bytes = 0;
}

/* A header field with its unit, quoted where a comma, a quote or a line end would break the row. */
static void put_name(line *to, const char *name, const char *unit, const char *ending)
{
    const bool quoted = strpbrk(unit, ",\"\r\n") != NULL;
    put(to, ",%s%s_", quoted ? "\"" : "", name);
    for (const char *c = unit; *c; c++)
        put(to, *c == '"' ? "\"\"" : "%c", *c);
    put(to, "%s%s", ending, quoted ? "\"" : "");
}

static void put_number(line *to, double value)
{
    char text[PEA__REAL_BYTES] = "";
    if (isfinite(value))
        pea__real_print(value, 9, text);
    put(to, ",%s", text);
}

static void put_header(line *to, bool with_frame, bool is_volume, const char *unit)
{
    static const char *const places[] = {"centroid_x", "centroid_y", "centroid_z", "box_x",    "box_y",
                                         "box_z",      "box_width",  "box_height", "box_depth"};
    put(to, with_frame ? "label,frame" : "label");
    put_name(to, is_volume ? "volume" : "area", unit, is_volume ? "3" : "2");
    put(to, ",n_voxels");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        put_name(to, places[i], unit, "");
    put(to, ",mean_intensity,confidence" LINE_END);
}

static void put_row(line *to, const pea_instance *row, size_t frame, double voxel_size, const pea_calibration *c)
{
    put(to, "%" PRIu32, row->label);
    if (frame > 0)
        put(to, ",%zu", frame);
    put_number(to, (double)row->n_voxels * voxel_size);
    put(to, ",%" PRId64, row->n_voxels);
    put_number(to, row->centroid[2] * c->x);
    put_number(to, row->centroid[1] * c->y);
    put_number(to, row->centroid[0] * c->z);
    put_number(to, (double)row->first[2] * c->x);
    put_number(to, (double)row->first[1] * c->y);
    put_number(to, (double)row->first[0] * c->z);
    put_number(to, (double)(row->last[2] - row->first[2] + 1) * c->x);
    put_number(to, (double)(row->last[1] - row->first[1] + 1) * c->y);
    put_number(to, (double)(row->last[0] - row->first[0] + 1) * c->z);
    put_number(to, row->mean_intensity);
    put_number(to, row->confidence);
    put(to, LINE_END);
}

static pea_status check(const pea_table *tables, size_t n_tables, const pea_calibration *c, pea_error *err)
{
    if (!tables || n_tables == 0)
        return pea__fail(err, PEA_E_ARG, "there is no table to write");
    if (!memchr(c->unit, '\0', sizeof c->unit))
        return pea__fail(err, PEA_E_ARG, "the calibration's unit has no end: at most %zu bytes fit",
                         sizeof c->unit - 1);
    return PEA_OK;
}

static pea_status send_all(sink *to, const pea_table *tables, size_t n_tables, const pea_calibration *c,
                           pea_context *context, pea_error *err)
{
    line next = {.n_bytes = 0};
    bool is_volume = false;
    double n_rows = 0.0, n_done = 0.0;
    for (size_t t = 0; t < n_tables; t++) {
        is_volume = is_volume || tables[t].n_axes == 3;
        n_rows += (double)tables[t].n;
    }
    const double voxel_size = c->x * c->y * (is_volume ? c->z : 1.0);
    pea_status status = PEA_OK;
    put_header(&next, n_tables > 1, is_volume, c->unit[0] ? c->unit : "pixel");
    send_line(to, &next);
    for (size_t t = 0; t < n_tables; t++)
        for (size_t i = 0; i < tables[t].n && status == PEA_OK; i++) {
            put_row(&next, &tables[t].rows[i], n_tables > 1 ? t + 1 : 0, voxel_size, c);
            send_line(to, &next);
            status = pea__progress(context, ++n_done / n_rows, err);
        }
    return status;
}

pea_status pea_table_write(const char *path, const pea_table *tables, size_t n_tables,
                           const pea_calibration *calibration, pea_context *context, pea_error *err)
{
    const pea_calibration c = calibration ? *calibration : pea_calibration_default();
    if (!path)
        return pea__fail(err, PEA_E_ARG, "there is no path to write");
    pea__writer writer;
    pea_status status = check(tables, n_tables, &c, err);
    if (status == PEA_OK)
        status = pea__writer_open(path, &writer, err);
    if (status != PEA_OK)
        return status;
    sink to = {.stream = writer.stream};
    pea__stage(context, "write");
    status = send_all(&to, tables, n_tables, &c, context, err);
    if (status == PEA_OK)
        status = pea__writer_commit(&writer, err);
    else
        pea__writer_discard(&writer);
    pea__stage(context, NULL);
    return status;
}

pea_status pea_table_text(const pea_table *tables, size_t n_tables, const pea_calibration *calibration, char *text,
                          size_t size_bytes, size_t *n_bytes, pea_error *err)
{
    const pea_calibration c = calibration ? *calibration : pea_calibration_default();
    sink to = {.text = text, .size_bytes = size_bytes};
    if (!n_bytes || (size_bytes && !text))
        return pea__fail(err, PEA_E_ARG, "a table's text needs a place to go to and one for its length");
    pea_status status = check(tables, n_tables, &c, err);
    if (status == PEA_OK)
        status = send_all(&to, tables, n_tables, &c, NULL, err);
    *n_bytes = status == PEA_OK ? to.n_bytes : 0;
    return status;
}
