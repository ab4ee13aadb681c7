/* labels_write.c - label stacks in the one form that ImageJ, libtiff and Python all read.
 *
 *     ┌────────┬─────────────┬──────┬─────────────────────────┬─────────────┬─────┬─────────────┐
 *     │ header │ directory 1 │ text │ plane 1 │ ... │ plane n │ directory 2 │ ... │ directory n │
 *     └────────┴─────────────┴──────┴─────────────────────────┴─────────────┴─────┴─────────────┘
 *
 * ImageJ reads planes behind each other from the first offset whenever the text says `images=`; so they are that, and
 * uncompressed. Others follow the directories. Above 4 GB a classic TIFF cannot point to later ones: then there is
 * directory 1 alone, which is what ImageJ itself writes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { SHORT = 3, LONG = 4, ASCII = 2, RATIONAL = 5, N_ENTRIES = 15, TEXT_BYTES = 1024 };
enum { HEADER_BYTES = 8, DIRECTORY_BYTES = 2 + 12 * N_ENTRIES + 4, RATIONAL_BYTES = 16 };

/* What all pages share. */
typedef struct form {
    pea_dims dims;
    int64_t n_frames;
    uint32_t n_labels; /* the largest */
    int bits, format;  /* SampleFormat: 1 unsigned, 3 float */
    char text[TEXT_BYTES];
    uint32_t text_bytes, text_at;
    uint32_t resolution[4]; /* x and y as fractions */
    int64_t plane_bytes, first_plane_at, directories_at; /* of the second and later pages */
    bool single;
} form;

/* ---- the text ---- */

static void add(form *f, const char *key, const char *value)
{
    const size_t used = strlen(f->text);
    snprintf(f->text + used, sizeof f->text - used, "%s=%s\n", key, value);
}

static void add_count(form *f, const char *key, int64_t value)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, value);
    add(f, key, number);
}

static void add_number(form *f, const char *key, double value)
{
    char number[40];
    add(f, key, pea__format_number(value, number));
}

/* Code point of the character at *p, which moves on; what is no UTF-8 becomes '?'. */
static uint32_t next_character(const char **p)
{
    const unsigned char first = (unsigned char)*(*p)++;
    int n = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    if (first < 0x80)
        return first;
    uint32_t code = first & (0x3fu >> n);
    for (; n > 0 && ((unsigned char)**p & 0xc0) == 0x80; n--)
        code = code << 6 | ((unsigned char)*(*p)++ & 0x3f);
    return n > 0 || first < 0xc0 || code > 0xffff ? '?' : code;
}

/* As ImageJ: what is not ASCII, and the backslash, as \uXXXX; "um" with its Greek letter. */
static void add_unit(form *f, const char *unit)
{
    char escaped[6 * sizeof ((pea_calibration *)NULL)->unit + 1] = "";
    size_t used = 0;
    for (const char *p = strcmp(unit, "um") == 0 ? "\xc2\xb5m" : unit; *p;) {
        const uint32_t code = next_character(&p);
        if (code < 0x80 && code != '\\')
            escaped[used++] = code < 0x20 || code == 0x7f ? '?' : (char)code;
        else
            used += (size_t)snprintf(escaped + used, sizeof escaped - used, "\\u%04X", (unsigned)code);
    }
    escaped[used] = '\0';
    add(f, "unit", escaped);
}

static void compose_text(form *f, const pea_calibration *calibration)
{
    const int64_t n = f->dims.z, slices = n / f->n_frames;
    add(f, "ImageJ", "1.53t");
    if (n > 1)
        add_count(f, "images", n);
    if (slices > 1)
        add_count(f, "slices", slices);
    if (f->n_frames > 1)
        add_count(f, "frames", f->n_frames);
    if (f->n_frames > 1 && slices > 1)
        add(f, "hyperstack", "true");
    if (strcmp(calibration->unit, "pixel") != 0)
        add_unit(f, calibration->unit);
    if (calibration->z != 1)
        add_number(f, "spacing", calibration->z);
    if (calibration->frame_s > 0)
        add_number(f, "finterval", calibration->frame_s);
    add(f, "loop", "false");
    add(f, "min", "0.0");
    add_number(f, "max", f->n_labels > 0 ? f->n_labels : 1);
    f->text_bytes = (uint32_t)strlen(f->text) + 1;
}

/* ---- numbers ---- */

/* Pixels per unit: the inverse of the simplest fraction that is `size`, or nearly so where 32 bits do not suffice. Each
 * round adds a term of the continued fraction of `size`; ImageJ before 1.53 read the parts as signed. */
static void pixels_per_unit(double size, uint32_t fraction[2])
{
    const double most = 2e9;
    double over = 1, under = 0, last_over = 0, last_under = 1, rest = size; /* over / under approaches size */
    for (int round = 0; round < 40; round++) {
        const double term = floor(rest), next_over = term * over + last_over, next_under = term * under + last_under;
        if (next_over > most || next_under > most)
            break;
        last_over = over, last_under = under;
        over = next_over, under = next_under;
        if (over / under == size || rest == term)
            break;
        rest = 1 / (rest - term);
    }
    const bool tiny = over == 0, huge = under == 0; /* beyond what a fraction can say */
    fraction[0] = (uint32_t)(tiny ? most : huge ? 1 : under);
    fraction[1] = (uint32_t)(tiny ? 1 : huge ? most : over);
}

/* Labels between two questions whether to stop. */
enum { AT_ONCE = 1 << 16 };

/* Reading is fast, writing is not: shares of the stage. */
static const double searched = 0.1;

static pea_status find_largest(const pea_array *labels, pea_context *context, uint32_t *largest, pea_error *err)
{
    const uint32_t *values = labels->data;
    const int64_t n = labels->dims.z * labels->dims.y * labels->dims.x;
    pea_status status = PEA_OK;
    *largest = 0;
    for (int64_t i = 0; i < n && status == PEA_OK; i++) {
        if (values[i] > *largest)
            *largest = values[i];
        if (i % AT_ONCE == 0)
            status = pea__progress(context, searched * (double)i / (double)n, err);
    }
    return status;
}

static void choose_type(form *f)
{
    f->bits = f->n_labels <= 65535 ? 16 : 32;
    f->format = f->n_labels > 65535 && f->n_labels <= 16777216 ? 3 : 1; /* floats hold integers up to 2^24 */
}

/* ---- bytes, little-endian ---- */

static unsigned char *put(unsigned char *to, uint32_t value, int n)
{
    return pea__store(to, value, (size_t)n, false);
}

static unsigned char *entry(unsigned char *to, unsigned tag, int type, uint32_t count, uint32_t value)
{
    to = put(to, tag, 2);
    to = put(to, (uint32_t)type, 2);
    to = put(to, count, 4);
    return put(to, value, 4);
}

static void write_directory(const form *f, int64_t page, FILE *stream)
{
    unsigned char bytes[DIRECTORY_BYTES], *p = put(bytes, N_ENTRIES, 2);
    const uint32_t resolution_at = f->text_at + (f->text_bytes + 1) / 2 * 2;
    const bool last = f->single || page + 1 == f->dims.z;
    /* The second directory is the first behind the planes. */
    const uint32_t next = last ? 0 : (uint32_t)(f->directories_at + page * DIRECTORY_BYTES);
    p = entry(p, 254, LONG, 1, 0);
    p = entry(p, 256, LONG, 1, (uint32_t)f->dims.x);
    p = entry(p, 257, LONG, 1, (uint32_t)f->dims.y);
    p = entry(p, 258, SHORT, 1, (uint32_t)f->bits);
    p = entry(p, 259, SHORT, 1, 1); /* not compressed */
    p = entry(p, 262, SHORT, 1, 1); /* black is zero */
    p = entry(p, 270, ASCII, f->text_bytes, f->text_at);
    p = entry(p, 273, LONG, 1, (uint32_t)(f->first_plane_at + (f->single ? 0 : page * f->plane_bytes)));
    p = entry(p, 277, SHORT, 1, 1);
    p = entry(p, 278, LONG, 1, (uint32_t)f->dims.y);
    p = entry(p, 279, LONG, 1, (uint32_t)pea__min_i64(f->plane_bytes, UINT32_MAX));
    p = entry(p, 282, RATIONAL, 1, resolution_at);
    p = entry(p, 283, RATIONAL, 1, resolution_at + 8);
    p = entry(p, 296, SHORT, 1, 1); /* no unit: the text has it, and the default would be the inch */
    p = entry(p, 339, SHORT, 1, (uint32_t)f->format);
    put(p, next, 4);
    (void)fwrite(bytes, 1, sizeof bytes, stream);
}

static void write_head(const form *f, FILE *stream)
{
    unsigned char bytes[HEADER_BYTES] = {'I', 'I', 42, 0, HEADER_BYTES};
    (void)fwrite(bytes, 1, sizeof bytes, stream);
    write_directory(f, 0, stream);
    char text[TEXT_BYTES + 1] = {0};
    memcpy(text, f->text, f->text_bytes);
    (void)fwrite(text, 1, (f->text_bytes + 1) / 2 * 2, stream); /* values begin at even places */
    unsigned char fractions[RATIONAL_BYTES], *p = fractions;
    for (int i = 0; i < 4; i++)
        p = put(p, f->resolution[i], 4);
    (void)fwrite(fractions, 1, sizeof fractions, stream);
}

/* `n` labels as the chosen type. */
static void write_some(const form *f, const uint32_t *labels, int64_t n, FILE *stream)
{
    enum { BUFFER = 2048 };
    unsigned char bytes[4 * BUFFER];
    for (int64_t i = 0; i < n; i += BUFFER) {
        const int64_t part = pea__min_i64(BUFFER, n - i);
        unsigned char *p = bytes;
        for (int64_t k = 0; k < part; k++) {
            uint32_t value = labels[i + k];
            if (f->format == 3) {
                const float exact = (float)value;
                memcpy(&value, &exact, 4);
            }
            p = put(p, value, f->bits / 8);
        }
        (void)fwrite(bytes, 1, (size_t)(p - bytes), stream);
    }
}

/* All labels. The system is made to store them as they come: it would otherwise take seconds over the whole at the end,
 * where nobody can be asked whether to stop. */
static pea_status write_labels(const form *f, const uint32_t *labels, pea__writer *writer, pea_context *context,
                               pea_error *err)
{
    enum { STORE_EVERY = 1 << 25 };
    const int64_t n = f->dims.z * f->dims.y * f->dims.x;
    int64_t unstored = 0;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < n && status == PEA_OK && !ferror(writer->stream); i += AT_ONCE) {
        const int64_t part = pea__min_i64(AT_ONCE, n - i);
        write_some(f, labels + i, part, writer->stream);
        unstored += part * (f->bits / 8);
        if (unstored >= STORE_EVERY) {
            pea__writer_store(writer);
            unstored = 0;
        }
        status = pea__progress(context, searched + (1.0 - searched) * (double)i / (double)n, err);
    }
    return status;
}

static pea_status write_file(const form *f, const char *path, const uint32_t *labels, pea_context *context,
                             pea_error *err)
{
    pea__writer writer;
    pea_status status = pea__writer_open(path, &writer, err);
    if (status != PEA_OK)
        return status;
    write_head(f, writer.stream);
    status = write_labels(f, labels, &writer, context, err);
    if (status != PEA_OK) {
        pea__writer_discard(&writer);
        return status;
    }
    if (!f->single && f->dims.z > 1) {
        if ((f->first_plane_at + f->dims.z * f->plane_bytes) % 2 != 0)
            (void)fputc(0, writer.stream);
        for (int64_t page = 1; page < f->dims.z; page++)
            write_directory(f, page, writer.stream);
    }
    return pea__writer_commit(&writer, err);
}

/* ---- the call ---- */

static void place_parts(form *f)
{
    f->text_at = HEADER_BYTES + DIRECTORY_BYTES;
    f->first_plane_at = f->text_at + (f->text_bytes + 1) / 2 * 2 + RATIONAL_BYTES;
    f->plane_bytes = f->dims.y * f->dims.x * (f->bits / 8);
    const int64_t n = f->dims.z, planes_end = f->first_plane_at + n * f->plane_bytes;
    f->directories_at = (planes_end + 1) / 2 * 2;
    f->single = n > 1 && f->directories_at + (n - 1) * DIRECTORY_BYTES > UINT32_MAX;
}

static pea_status check(const char *path, const pea_array *labels, int64_t n_frames, const pea_calibration *calibration,
                        pea_error *err)
{
    const pea_status status = pea__array_check(labels, "the label image", PEA_UINT32, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = labels->dims;
    if (!path || !calibration)
        return pea__fail(err, PEA_E_ARG, "a label image needs a path and a calibration");
    if (d.c != 1)
        return pea__fail(err, PEA_E_SHAPE, "a label image has 1 channel, this has %" PRId64, d.c);
    if (n_frames < 1 || d.z % n_frames != 0)
        return pea__fail(err, PEA_E_ARG, "%" PRId64 " planes cannot be %" PRId64 " frames", d.z, n_frames);
    /* ImageJ holds a plane in one Java array. */
    if (d.x > INT32_MAX || d.y > INT32_MAX || d.x * d.y > INT32_MAX || d.z > INT32_MAX)
        return pea__fail(err, PEA_E_LIMIT, "a plane of %" PRId64 " x %" PRId64 " pixels is more than a TIFF for ImageJ holds",
                         d.x, d.y);
    if (!(calibration->x > 0) || !(calibration->y > 0) || !isfinite(calibration->x) || !isfinite(calibration->y) ||
        !isfinite(calibration->z) || !isfinite(calibration->frame_s) || !memchr(calibration->unit, 0, sizeof calibration->unit))
        return pea__fail(err, PEA_E_ARG, "the voxel size %g x %g x %g is not a size", calibration->x, calibration->y,
                         calibration->z);
    return PEA_OK;
}

pea_status pea_labels_write(const char *path, const pea_array *labels, int64_t n_frames,
                            const pea_calibration *calibration, pea_context *context, pea_error *err)
{
    pea_status status = check(path, labels, n_frames, calibration, err);
    if (status != PEA_OK)
        return status;
    form f = {.dims = labels->dims, .n_frames = n_frames};
    pea__stage(context, "write");
    status = find_largest(labels, context, &f.n_labels, err);
    choose_type(&f);
    compose_text(&f, calibration);
    pixels_per_unit(calibration->x, f.resolution);
    pixels_per_unit(calibration->y, f.resolution + 2);
    place_parts(&f);
    if (status == PEA_OK && f.plane_bytes > (int64_t)UINT32_MAX - f.first_plane_at && f.dims.z == 1)
        status = pea__fail(err, PEA_E_LIMIT, "a plane of %" PRId64 " bytes does not fit into a classic TIFF",
                           f.plane_bytes);
    if (status == PEA_OK)
        status = write_file(&f, path, labels->data, context, err);
    pea__stage(context, NULL);
    return status;
}
