/* table_write.c - tables of instances as CSV, with sizes and places in the units of the image.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/measure.h"

#include "array/array.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define LINE_END "\r\n" /* RFC 4180 */

/* A header field with its unit, quoted where a comma, a quote or a line end would break the row. */
static void put_name(FILE *stream, const char *name, const char *unit, const char *ending)
{
    const bool quoted = strpbrk(unit, ",\"\r\n") != NULL;
    fprintf(stream, ",%s%s_", quoted ? "\"" : "", name);
    for (const char *c = unit; *c; c++)
        fprintf(stream, *c == '"' ? "\"\"" : "%c", *c);
    fprintf(stream, "%s%s", ending, quoted ? "\"" : "");
}

/* printf writes the decimal point of the program's locale; a comma would become two fields. */
static void put_number(FILE *stream, double value)
{
    char text[64];
    fputc(',', stream);
    if (!isfinite(value))
        return;
    snprintf(text, sizeof text, "%.9g", value);
    bool in_point = false;
    for (const char *c = text; *c; c++) {
        const bool plain = strchr("0123456789+-e", *c) != NULL;
        if (plain)
            fputc(*c, stream);
        else if (!in_point)
            fputc('.', stream);
        in_point = !plain; /* a point of several bytes is one point */
    }
}

static void put_header(FILE *stream, bool with_frame, bool is_volume, const char *unit)
{
    static const char *const places[] = {"centroid_x", "centroid_y", "centroid_z", "box_x",    "box_y",
                                         "box_z",      "box_width",  "box_height", "box_depth"};
    fputs(with_frame ? "label,frame" : "label", stream);
    put_name(stream, is_volume ? "volume" : "area", unit, is_volume ? "3" : "2");
    fputs(",n_voxels", stream);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        put_name(stream, places[i], unit, "");
    fputs(",mean_intensity,confidence" LINE_END, stream);
}

static void put_row(FILE *stream, const pea_instance *row, size_t frame, double voxel_size,
                    const pea_calibration *c)
{
    fprintf(stream, "%" PRIu32, row->label);
    if (frame > 0)
        fprintf(stream, ",%zu", frame);
    put_number(stream, (double)row->n_voxels * voxel_size);
    fprintf(stream, ",%" PRId64, row->n_voxels);
    put_number(stream, row->centroid[2] * c->x);
    put_number(stream, row->centroid[1] * c->y);
    put_number(stream, row->centroid[0] * c->z);
    put_number(stream, (double)row->first[2] * c->x);
    put_number(stream, (double)row->first[1] * c->y);
    put_number(stream, (double)row->first[0] * c->z);
    put_number(stream, (double)(row->last[2] - row->first[2] + 1) * c->x);
    put_number(stream, (double)(row->last[1] - row->first[1] + 1) * c->y);
    put_number(stream, (double)(row->last[0] - row->first[0] + 1) * c->z);
    put_number(stream, row->mean_intensity);
    put_number(stream, row->confidence);
    fputs(LINE_END, stream);
}

pea_status pea_table_write(const char *path, const pea_table *tables, size_t n_tables,
                           const pea_calibration *calibration, pea_context *context, pea_error *err)
{
    if (!path || !tables || n_tables == 0)
        return pea__fail(err, PEA_E_ARG, "there is no %s to write", path ? "table" : "path");
    const pea_calibration c = calibration ? *calibration : pea_calibration_default();
    if (!memchr(c.unit, '\0', sizeof c.unit))
        return pea__fail(err, PEA_E_ARG, "the calibration's unit has no end: at most %zu bytes fit", sizeof c.unit - 1);
    bool is_volume = false;
    double n_rows = 0.0, n_done = 0.0;
    for (size_t t = 0; t < n_tables; t++) {
        is_volume = is_volume || tables[t].n_axes == 3;
        n_rows += (double)tables[t].n;
    }
    const double voxel_size = c.x * c.y * (is_volume ? c.z : 1.0);

    pea__writer writer;
    pea_status status = pea__writer_open(path, &writer, err);
    if (status != PEA_OK)
        return status;
    pea__stage(context, "write");
    put_header(writer.stream, n_tables > 1, is_volume, c.unit[0] ? c.unit : "pixel");
    for (size_t t = 0; t < n_tables; t++)
        for (size_t i = 0; i < tables[t].n && status == PEA_OK; i++) {
            put_row(writer.stream, &tables[t].rows[i], n_tables > 1 ? t + 1 : 0, voxel_size, &c);
            status = pea__progress(context, ++n_done / n_rows, err);
        }
    if (status == PEA_OK)
        status = pea__writer_commit(&writer, err);
    else
        pea__writer_discard(&writer);
    pea__stage(context, NULL);
    return status;
}
