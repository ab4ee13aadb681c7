/* imagej.c - ImageJ's description: "ImageJ=1.53t", then lines of key=value in the manner of Java properties.
 *
 * ImageJ itself believes `images=N` and reads N planes behind each other from the first offset, right or wrong. We
 * believe the pages where there are several, and ImageJ's rule only for a single page, when all planes are there.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct settings {
    int64_t images, channels, slices, frames;
    double spacing, interval, cf, c0, c1, x_origin;
    bool has_cf, has_c0, has_c1, z_before_c;
    char unit[64], z_unit[64], t_unit[16];
    size_t unit_length;
} settings;

bool pea__imagej_recognised(const char *text, size_t length_bytes)
{
    /* ImageJ does not know a description as its own where the line ends right behind the equals sign. */
    return length_bytes > 7 && ((memcmp(text, "ImageJ=", 7) == 0 && text[7] != '\n') ||
                                (length_bytes > 8 && memcmp(text, "SCIFIO=", 7) == 0));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \u00B5 and \t of Java properties; other escaped characters stand for themselves. Cut to the capacity. */
static void unescape(const char *text, const char *end, char *out, size_t capacity)
{
    size_t used = 0;
    for (const char *p = text; p < end && used + 5 < capacity; p++) {
        if (*p != '\\' || p + 1 == end) {
            out[used++] = *p;
            continue;
        }
        p++;
        uint32_t code = 0;
        int n = 0;
        if (*p == 'u' && end - p > 4)
            for (; n < 4 && hex_digit(p[n + 1]) >= 0; n++)
                code = code << 4 | (uint32_t)hex_digit(p[n + 1]);
        if (n == 4) {
            used += pea__utf8(code, out + used);
            p += 4;
        } else {
            out[used++] = *p == 't' ? '\t' : *p;
        }
    }
    out[used] = '\0';
}

static bool key_is(const char *key, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(key, name, length) == 0;
}

/* Sizes are written as "6"; anything else is as if it were absent. */
static void take_count(const char *value, const char *end, int64_t *count)
{
    int64_t n;
    if (pea__parse_count(value, end, &n) && n >= 1)
        *count = n;
}

static void take_line(const char *key, size_t length, const char *value, const char *end, settings *s)
{
    if (key_is(key, length, "images"))
        take_count(value, end, &s->images);
    else if (key_is(key, length, "channels"))
        take_count(value, end, &s->channels);
    else if (key_is(key, length, "slices"))
        take_count(value, end, &s->slices);
    else if (key_is(key, length, "frames"))
        take_count(value, end, &s->frames);
    else if (key_is(key, length, "unit"))
        unescape(value, end, s->unit, sizeof s->unit);
    else if (key_is(key, length, "zunit"))
        unescape(value, end, s->z_unit, sizeof s->z_unit);
    else if (key_is(key, length, "tunit"))
        unescape(value, end, s->t_unit, sizeof s->t_unit);
    else if (key_is(key, length, "spacing"))
        (void)pea__parse_number(value, end, &s->spacing);
    else if (key_is(key, length, "finterval"))
        (void)pea__parse_number(value, end, &s->interval);
    else if (key_is(key, length, "cf"))
        s->has_cf = pea__parse_number(value, end, &s->cf);
    else if (key_is(key, length, "c0"))
        s->has_c0 = pea__parse_number(value, end, &s->c0);
    else if (key_is(key, length, "c1"))
        s->has_c1 = pea__parse_number(value, end, &s->c1);
    else if (key_is(key, length, "order"))
        s->z_before_c = key_is(value, (size_t)(end - value), "zct");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

/* Java properties: a key ends at '=', ':' or a blank. */
static void parse(const char *text, size_t length_bytes, settings *s)
{
    const char *end = text + length_bytes;
    for (const char *line = text; line < end;) {
        const char *stop = line;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        while (line < stop && is_blank(*line))
            line++;
        const char *key_end = line;
        while (key_end < stop && *key_end != '=' && *key_end != ':' && !is_blank(*key_end))
            key_end++;
        const char *value = key_end;
        while (value < stop && is_blank(*value))
            value++;
        if (value < stop && (*value == '=' || *value == ':'))
            value++;
        while (value < stop && is_blank(*value))
            value++;
        take_line(line, (size_t)(key_end - line), value, stop, s);
        line = stop + (stop < end);
    }
}

static void calibrate(const pea__tiff *tiff, const settings *s, pea_calibration *calibration, pea__notes *notes)
{
    if (s->unit[0] != '\0') {
        pea__set_unit(calibration, s->unit, strlen(s->unit));
        const double rx = tiff->x_resolution, ry = tiff->y_resolution > 0 ? tiff->y_resolution : rx;
        /* "unit=um" with a resolution per cm means what it says: that many pixels per cm. */
        const bool per_cm = tiff->resolution_unit == 3 && strcmp(calibration->unit, "um") == 0;
        calibration->x = rx > 0 ? (per_cm ? 10000 : 1) / rx : 1;
        calibration->y = rx > 0 ? (per_cm ? 10000 : 1) / ry : 1;
    }
    double spacing = fabs(s->spacing);
    if (s->z_unit[0] != '\0' && s->unit[0] != '\0' && strcmp(s->z_unit, s->unit) != 0) {
        const double from = pea__unit_metres(s->z_unit, strlen(s->z_unit)), to = pea__unit_metres(s->unit, strlen(s->unit));
        if (from > 0 && to > 0)
            spacing *= from / to;
        else
            pea__note(notes, "the z distance is in another unit than x and y, taken as it is");
    }
    calibration->z = spacing > 0 ? spacing : 1;
    const char *t = s->t_unit;
    const double seconds = !strcmp(t, "ms") || !strcmp(t, "msec") ? 1e-3 : !strcmp(t, "min") ? 60
                         : !strcmp(t, "h") || !strcmp(t, "hour") ? 3600 : 1;
    calibration->frame_s = s->interval > 0 ? s->interval * seconds : 0;
}

/* Do `channels`, `slices`, `frames` describe n planes? Where not, ImageJ takes the planes for slices; so do we. */
static void take_axes(const settings *s, int64_t n, pea__layout *layout, pea__notes *notes)
{
    int64_t product;
    if (pea__mul_i64(s->channels, s->slices, &product) && pea__mul_i64(product, s->frames, &product) && product == n) {
        layout->c = s->channels;
        layout->z = s->slices;
        layout->t = s->frames;
    } else {
        layout->c = layout->t = 1;
        layout->z = n;
        if (s->channels > 1 || s->slices > 1 || s->frames > 1)
            pea__note(notes, "the ImageJ text speaks of %" PRId64 " channels, %" PRId64 " slices, %" PRId64
                      " frames, the file has %" PRId64 " planes: taken as slices", s->channels, s->slices, s->frames, n);
    }
    layout->stride_c = s->z_before_c ? layout->z : 1;
    layout->stride_z = s->z_before_c ? 1 : layout->c;
    layout->stride_t = layout->c * layout->z;
}

/* One page, many planes: all of them must be in the file, behind each other. */
static pea_status single_directory(const pea__tiff *tiff, int64_t n, pea__layout *layout, pea_error *err)
{
    const pea__tiff_page *page = &tiff->pages[0];
    int64_t plane_bytes = 0, expected = 0, values[PEA__TIFF_CHUNK], first = 0;
    if (page->compression != 1 || page->tiled || page->planar)
        return pea__fail(err, PEA_E_FORMAT, "the ImageJ text announces %" PRId64 " planes, but there is one page and it is"
                         " not plain and uncompressed: save the stack again", n);
    for (int64_t i = 0; i < page->n_blocks; i++) {
        const int64_t k = i % PEA__TIFF_CHUNK;
        if (k == 0) {
            const pea_status status = pea__tiff_values(
                tiff, &page->offsets, i, pea__min_i64(PEA__TIFF_CHUNK, page->n_blocks - i), values, err);
            if (status != PEA_OK)
                return status;
        }
        if (i == 0)
            first = expected = values[0];
        if (values[k] != expected)
            return pea__fail(err, PEA_E_FORMAT, "the ImageJ text announces %" PRId64 " planes, but the strips of the only"
                             " page do not follow each other", n);
        plane_bytes += pea__tiff_block_at(page, i).size_bytes;
        expected = first + plane_bytes;
    }
    int64_t all;
    if (!pea__mul_i64(plane_bytes, n, &all) || all > tiff->reader->size_bytes - first)
        return pea__fail(err, PEA_E_FORMAT, "the ImageJ text announces %" PRId64 " planes of %" PRId64 " bytes, the file"
                         " holds %" PRId64 " of them: it is incomplete or damaged", n, plane_bytes,
                         (tiff->reader->size_bytes - first) / plane_bytes);
    int64_t pixels;
    if (tiff->max_pixels > 0 && (!pea__mul_i64(tiff->declared_pixels, n, &pixels) || pixels > tiff->max_pixels))
        return pea__fail(err, PEA_E_LIMIT, "%" PRId64 " planes are more than the caller's limit", n);
    layout->plane_bytes = plane_bytes;
    return PEA_OK;
}

pea_status pea__imagej_layout(const pea__tiff *tiff, const char *text, size_t length_bytes, pea__layout *layout,
                              pea__notes *notes, pea_error *err)
{
    settings s = {.images = 1, .channels = 1, .slices = 1, .frames = 1, .spacing = 1};
    parse(text, length_bytes, &s);
    int64_t n = tiff->n_pages;
    if (n == 1 && s.images > 1) {
        n = s.images;
        const pea_status status = single_directory(tiff, n, layout, err);
        if (status != PEA_OK)
            return status;
    } else if (s.images != n && s.images > 1) {
        pea__note(notes, "the ImageJ text announces %" PRId64 " planes, the file has %" PRId64 " pages: the pages are read",
                  s.images, n);
    }
    take_axes(&s, n, layout, notes);
    calibrate(tiff, &s, &layout->calibration, notes);
    const pea__tiff_page *page = &tiff->pages[0];
    const bool plain_16 = page->bits == 16 && page->kind == PEA__TIFF_UNSIGNED && page->photometric < 2;
    if (s.has_cf && s.cf == 0 && s.has_c0 && s.has_c1) {
        if (plain_16 && s.c0 == -32768 && s.c1 == 1)
            layout->signed_16 = true; /* how ImageJ stores signed 16-bit images */
        else if (s.c0 != 0 || s.c1 != 1)
            pea__note(notes, "the value calibration is not applied");
    }
    layout->from_metadata = true;
    layout->format = "ImageJ TIFF";
    return PEA_OK;
}
