/* ome.c - OME-TIFF: which page holds which slice, channel and frame of the first image of the file.
 *
 * A path in the metadata is never opened; a set of several files is refused by the name it mentions.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <string.h>

typedef struct ome {
    int64_t x, y, z, c, t, samples; /* c counts channels, samples those of one page */
    bool has_samples;
    char order[16];
    double size[3]; /* x, y, z; 0 unknown */
    char unit[3][32];
    double interval;
    char own_id[64]; /* UUID of this file, empty where unknown */
    int64_t n_images, n_mapped;
    bool in_pixels, has_pixels, has_data;
    char first_name[64]; /* the first file name that TiffData mentions */
} ome;

bool pea__ome_recognised(const char *text, size_t length_bytes)
{
    pea__xml xml = {text, text + length_bytes, 0};
    pea__xml_tag tag;
    bool found;
    if (length_bytes < 8 || (text[0] != '<' && (unsigned char)text[0] != 0xef))
        return false;
    return pea__xml_next(&xml, &tag, &found, NULL) == PEA_OK && found && pea__xml_is(&tag, "OME");
}

/* A whole number of an attribute; `standard` where it is absent. */
static pea_status count_of(const pea__xml_tag *tag, const char *name, int64_t standard, int64_t *value, pea_error *err)
{
    char text[24];
    *value = standard;
    if (!pea__xml_attribute(tag, name, text, sizeof text))
        return PEA_OK;
    if (!pea__parse_count(text, text + strlen(text), value))
        return pea__fail(err, PEA_E_FORMAT, "the OME metadata has %s=\"%s\" where a number is expected", name, text);
    return PEA_OK;
}

static double number_of(const pea__xml_tag *tag, const char *name)
{
    char text[40];
    double value;
    return pea__xml_attribute(tag, name, text, sizeof text) && pea__parse_number(text, text + strlen(text), &value) &&
                   value > 0
               ? value
               : 0;
}

static pea_status take_pixels(const pea__xml_tag *tag, ome *o, pea_error *err)
{
    const struct {
        const char *name;
        int64_t *value;
    } sizes[] = {{"SizeX", &o->x}, {"SizeY", &o->y}, {"SizeZ", &o->z}, {"SizeC", &o->c}, {"SizeT", &o->t}};
    for (size_t i = 0; i < 5; i++) {
        const pea_status status = count_of(tag, sizes[i].name, 0, sizes[i].value, err);
        if (status != PEA_OK)
            return status;
        if (*sizes[i].value < 1 || *sizes[i].value > INT32_MAX)
            return pea__fail(err, PEA_E_FORMAT, "the OME metadata has no valid %s", sizes[i].name);
    }
    static const char *const size_name[] = {"PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ"};
    static const char *const unit_name[] = {"PhysicalSizeXUnit", "PhysicalSizeYUnit", "PhysicalSizeZUnit"};
    for (int i = 0; i < 3; i++) {
        o->size[i] = number_of(tag, size_name[i]);
        if (!pea__xml_attribute(tag, unit_name[i], o->unit[i], sizeof o->unit[i]))
            snprintf(o->unit[i], sizeof o->unit[i], "um");
    }
    char unit[16] = "s";
    (void)pea__xml_attribute(tag, "TimeIncrementUnit", unit, sizeof unit);
    o->interval = number_of(tag, "TimeIncrement") * (!strcmp(unit, "ms") ? 1e-3 : !strcmp(unit, "min") ? 60
                                                     : !strcmp(unit, "h") ? 3600 : 1);
    static const char *const orders[] = {"XYZCT", "XYZTC", "XYCZT", "XYCTZ", "XYTZC", "XYTCZ"};
    (void)pea__xml_attribute(tag, "DimensionOrder", o->order, sizeof o->order);
    for (size_t i = 0; i < 6; i++)
        if (strcmp(o->order, orders[i]) == 0)
            return PEA_OK;
    return pea__fail(err, PEA_E_FORMAT, "the OME metadata has the unknown dimension order \"%s\"", o->order);
}

/* Steps between neighbours in the order in which pages follow each other. */
static void set_strides(const ome *o, pea__layout *layout)
{
    int64_t step = 1;
    for (int i = 2; i < 5; i++) {
        const char axis = o->order[i];
        if (axis == 'Z') {
            layout->stride_z = step;
            step *= layout->z;
        } else if (axis == 'C') {
            layout->stride_c = step;
            step *= layout->c;
        } else {
            layout->stride_t = step;
            step *= layout->t;
        }
    }
}

/* Known once the channels were read, which come before the data. */
static pea_status begin_table(const pea__tiff *tiff, ome *o, pea__layout *layout, pea_error *err)
{
    const pea__tiff_page *page = &tiff->pages[0];
    const int64_t in_page = page->samples - page->alpha_samples;
    int64_t samples = o->has_samples ? o->samples : in_page;
    if (samples < 1 || o->c % samples != 0 || (samples != page->samples && samples != in_page))
        samples = page->samples == 1 ? 1 : 0;
    int64_t n;
    if (samples == 0 || page->x != o->x || page->y != o->y)
        return pea__fail(err, PEA_E_FORMAT, "the OME metadata speaks of %" PRId64 " x %" PRId64 " pixels and %" PRId64
                         " channels, the pages have %" PRId64 " x %" PRId64 " and %d samples", o->x, o->y, o->c, page->x,
                         page->y, page->samples);
    layout->z = o->z;
    layout->c = o->c / samples;
    layout->t = o->t;
    if (!pea__mul_i64(layout->z, layout->c, &n) || !pea__mul_i64(n, layout->t, &n) || n > tiff->n_pages)
        return pea__fail(err, PEA_E_FORMAT, "the OME metadata%s%s needs %" PRId64 " slices x %" PRId64 " channels x %" PRId64
                         " frames, the file has %" PRId64 " pages: it belongs to a set of files or is incomplete",
                         o->first_name[0] ? " of " : "", o->first_name, layout->z, layout->c, layout->t, tiff->n_pages);
    set_strides(o, layout);
    layout->page_of_plane = pea__alloc((size_t)n, sizeof *layout->page_of_plane, err);
    if (!layout->page_of_plane)
        return PEA_E_NOMEM;
    for (int64_t i = 0; i < n; i++)
        layout->page_of_plane[i] = -1;
    return PEA_OK;
}

static pea_status map_planes(const pea__tiff *tiff, int64_t plane, int64_t page, int64_t count, ome *o,
                             pea__layout *layout, pea_error *err)
{
    const int64_t n = layout->z * layout->c * layout->t;
    for (int64_t i = 0; i < count; i++) {
        if (plane + i >= n || page + i >= tiff->n_pages)
            return pea__fail(err, PEA_E_FORMAT, "the OME metadata maps page %" PRId64 " to plane %" PRId64 ", the file has %"
                             PRId64 " pages and %" PRId64 " planes%s%s", page + i + 1, plane + i + 1, tiff->n_pages, n,
                             o->first_name[0] ? ": it may belong to the set of " : "", o->first_name);
        int32_t *to = &layout->page_of_plane[plane + i];
        if (*to >= 0)
            return pea__fail(err, PEA_E_FORMAT, "the OME metadata maps plane %" PRId64 " twice", plane + i + 1);
        o->n_mapped++;
        *to = (int32_t)(page + i);
    }
    return PEA_OK;
}

static pea_status take_data(const pea__tiff *tiff, const pea__xml_tag *tag, ome *o, pea__layout *layout,
                            pea_error *err)
{
    pea_status status = layout->page_of_plane ? PEA_OK : begin_table(tiff, o, layout, err);
    int64_t page, count, z, c, t;
    char text[24];
    const bool has_page = pea__xml_attribute(tag, "IFD", text, sizeof text);
    if (status == PEA_OK)
        status = count_of(tag, "IFD", 0, &page, err);
    if (status == PEA_OK)
        status = count_of(tag, "PlaneCount", -1, &count, err);
    if (status == PEA_OK)
        status = count_of(tag, "FirstZ", 0, &z, err);
    if (status == PEA_OK)
        status = count_of(tag, "FirstC", 0, &c, err);
    if (status == PEA_OK)
        status = count_of(tag, "FirstT", 0, &t, err);
    if (status != PEA_OK)
        return status;
    if (c >= o->c || z >= o->z || t >= o->t || page >= tiff->n_pages)
        return pea__fail(err, PEA_E_FORMAT, "the OME metadata maps page %" PRId64 " to slice %" PRId64 ", channel %" PRId64
                         ", frame %" PRId64 ", which is not there%s%s", page + 1, z + 1, c + 1, t + 1,
                         o->first_name[0] ? ": it may belong to the set of " : "", o->first_name);
    c /= o->c / layout->c; /* channels to pages */
    const int64_t plane = z * layout->stride_z + c * layout->stride_c + t * layout->stride_t;
    const int64_t rest = layout->z * layout->c * layout->t - plane;
    if (count < 0)
        count = has_page ? 1 : rest;
    o->has_data = true;
    return map_planes(tiff, plane, page, count, o, layout, err);
}

static pea_status take_uuid(const pea__xml_tag *tag, ome *o, pea_error *err)
{
    char name[64] = "", id[64] = "";
    (void)pea__xml_attribute(tag, "FileName", name, sizeof name);
    char shown[64];
    pea__printable(name, strlen(name), shown);
    const size_t n = tag->text_length < sizeof id - 1 ? tag->text_length : sizeof id - 1;
    memcpy(id, tag->text, n);
    const bool other_id = o->own_id[0] && n > 0 && strcmp(id, o->own_id) != 0;
    const bool other_name = !o->own_id[0] && o->first_name[0] && strcmp(shown, o->first_name) != 0;
    if (other_id || other_name)
        return pea__fail(err, PEA_E_FORMAT, "the image is a set of several files, of which \"%s\" is another: join them"
                         " into one OME-TIFF first", shown);
    if (!o->first_name[0])
        memcpy(o->first_name, shown, sizeof shown);
    return PEA_OK;
}

static pea_status take_tag(const pea__tiff *tiff, const pea__xml_tag *tag, ome *o, pea__layout *layout, pea_error *err)
{
    if (tag->closes) {
        if (pea__xml_is(tag, "Pixels"))
            o->in_pixels = false;
        return PEA_OK;
    }
    if (tag->depth == 1)
        (void)pea__xml_attribute(tag, "UUID", o->own_id, sizeof o->own_id);
    if (pea__xml_is(tag, "BinaryOnly")) {
        char name[64] = "";
        (void)pea__xml_attribute(tag, "MetadataFile", name, sizeof name);
        return pea__fail(err, PEA_E_FORMAT, "the image is a part of a set, described by \"%s\": join the set into one"
                         " OME-TIFF first", name);
    }
    if (pea__xml_is(tag, "Image"))
        o->n_images++;
    if (o->n_images != 1)
        return PEA_OK;
    if (pea__xml_is(tag, "Pixels") && !o->has_pixels) {
        o->in_pixels = o->has_pixels = true;
        return take_pixels(tag, o, err);
    }
    if (!o->in_pixels)
        return PEA_OK;
    if (pea__xml_is(tag, "Channel") && !o->has_samples) {
        o->has_samples = true;
        return count_of(tag, "SamplesPerPixel", 1, &o->samples, err);
    }
    if (pea__xml_is(tag, "MetadataOnly"))
        return pea__fail(err, PEA_E_FORMAT, "the OME metadata says that the pixels are elsewhere: open that file");
    if (pea__xml_is(tag, "TiffData"))
        return take_data(tiff, tag, o, layout, err);
    if (pea__xml_is(tag, "UUID"))
        return take_uuid(tag, o, err);
    return PEA_OK;
}

/* Sizes in the unit of x; a size in a unit we cannot convert is kept as it is, and said. */
static void calibrate(const ome *o, pea_calibration *calibration, pea__notes *notes)
{
    if (o->size[0] == 0 && o->size[1] == 0) {
        if (o->interval > 0)
            calibration->frame_s = o->interval;
        return; /* then the resolution tags may know */
    }
    *calibration = pea_calibration_default();
    const int leader = o->size[0] > 0 ? 0 : 1;
    pea__set_unit(calibration, o->unit[leader], strlen(o->unit[leader]));
    const double to = pea__unit_metres(o->unit[leader], strlen(o->unit[leader]));
    double *const sizes[] = {&calibration->x, &calibration->y, &calibration->z};
    for (int i = 0; i < 3; i++) {
        const double from = pea__unit_metres(o->unit[i], strlen(o->unit[i]));
        if (o->size[i] == 0)
            *sizes[i] = i == 2 ? 1 : o->size[leader];
        else if (strcmp(o->unit[i], o->unit[leader]) == 0 || from == to)
            *sizes[i] = o->size[i];
        else if (from > 0 && to > 0)
            *sizes[i] = o->size[i] * (from / to);
        else {
            *sizes[i] = o->size[i];
            pea__note(notes, "the axes have different units, taken as they are");
        }
    }
    calibration->frame_s = o->interval;
}

pea_status pea__ome_layout(const pea__tiff *tiff, const char *text, size_t length_bytes, pea__layout *layout,
                           pea__notes *notes, pea_error *err)
{
    ome o = {.samples = 1};
    pea__xml xml = {text, text + length_bytes, 0};
    pea__xml_tag tag;
    bool found = true;
    pea_status status = PEA_OK;
    while (status == PEA_OK && found) {
        status = pea__xml_next(&xml, &tag, &found, err);
        if (status == PEA_OK && found)
            status = take_tag(tiff, &tag, &o, layout, err);
    }
    if (status == PEA_OK && !o.has_pixels)
        status = pea__fail(err, PEA_E_FORMAT, "the OME metadata describes no pixels");
    if (status == PEA_OK && !o.has_data) { /* no TiffData at all: pages in dimension order */
        status = begin_table(tiff, &o, layout, err);
        if (status == PEA_OK)
            status = map_planes(tiff, 0, 0, layout->z * layout->c * layout->t, &o, layout, err);
    }
    if (status == PEA_OK && o.n_mapped != layout->z * layout->c * layout->t)
        status = pea__fail(err, PEA_E_FORMAT, "the OME metadata says where %" PRId64 " of %" PRId64 " planes are%s%s",
                           o.n_mapped, layout->z * layout->c * layout->t,
                           o.first_name[0] ? ": the others may be in the set of " : "", o.first_name);
    if (status != PEA_OK) {
        pea__free(layout->page_of_plane);
        layout->page_of_plane = NULL;
        return status;
    }
    if (o.n_images > 1)
        pea__note(notes, "only the first of %" PRId64 " images of the OME file is read", o.n_images);
    calibrate(&o, &layout->calibration, notes);
    layout->from_metadata = true;
    layout->format = "OME-TIFF";
    return PEA_OK;
}
