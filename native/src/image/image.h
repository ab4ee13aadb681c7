/* image.h - internal: an open image file, and the steps from its bytes to planes of numbers.
 *
 *     bytes ─▶ tiff_scan.c ─▶ pages ─▶ layout.c (imagej.c, ome.c) ─▶ which page is z,c,t ─▶ tiff_read.c ─▶ volume
 *                                                       tiff_decode.c: libtiff, one approved page at a time ◀─┘
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_IMAGE_INTERNAL_H
#define PEA_IMAGE_INTERNAL_H

#include "array/array.h"
#include "base/base.h"
#include "pea/image.h"

/* ---- limits: what a file may ask of us ---- */

enum {
    PEA__TIFF_MAX_PAGES = 65536,
    PEA__TIFF_MAX_ENTRIES = 512, /* of one directory */
    PEA__TIFF_MAX_SAMPLES = 1024,
    PEA__TIFF_MAX_TEXT = 16 << 20, /* ImageDescription */
    PEA__TIFF_MAX_TAG_BYTES = 16 << 20, /* all values we use, beyond the size of the file itself */
    PEA__TIFF_MAX_JPEG_TABLES = 65536
};

/* Declared pixels per byte of file; what deflate can do is 1032 bytes per byte. Files below the floor may be emptier:
 * zstd keeps a blank mask of any size in a few hundred bytes. */
enum { PEA__IMAGE_PIXELS_PER_BYTE = 2000, PEA__IMAGE_FLOOR_BYTES = 32 << 20 };

/* ---- texts (text.c) ---- */

/* Remarks for pea_image_info.notes, joined by "; ". What does not fit is dropped. */
typedef struct pea__notes {
    char text[512];
} pea__notes;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void pea__note(pea__notes *notes, const char *format, ...);

/* A decimal number at the start of [text, end), whatever the locale. False where there is none; finite values only. */
bool pea__parse_number(const char *text, const char *end, double *value);
bool pea__parse_count(const char *text, const char *end, int64_t *value); /* >= 0, digits only */
/* Shortest decimal that reads back as the same double. Returns buffer. */
const char *pea__format_number(double value, char buffer[40]);
/* Code point to UTF-8; returns the bytes written, 0 for what is no character. */
size_t pea__utf8(uint32_t code, char out[4]);
/* Set the unit, "um" for all spellings of micrometre, "pixel" for empty ones; cut at a whole character. */
void pea__set_unit(pea_calibration *calibration, const char *unit, size_t length_bytes);
/* Metres in one `unit`; 0 for a unit we do not know. */
double pea__unit_metres(const char *unit, size_t length_bytes);

/* ---- pages (tiff_scan.c) ---- */

/* Where the values of a tag are; count 0: the tag is absent. */
typedef struct pea__tiff_field {
    int64_t at, count;
    int type;
} pea__tiff_field;

typedef enum pea__tiff_kind { PEA__TIFF_UNSIGNED = 1, PEA__TIFF_SIGNED = 2, PEA__TIFF_FLOAT = 3 } pea__tiff_kind;

/* One page whose every number has been checked against the file. */
typedef struct pea__tiff_page {
    int64_t x, y;             /* extents in pixels */
    int64_t block_x, block_y; /* of a strip or tile; the last strip may have fewer rows */
    int64_t n_blocks, blocks_across, blocks_per_plane;
    int samples, bits;
    pea__tiff_kind kind;
    int compression, photometric, predictor, fill_order;
    uint32_t fax_options;
    uint16_t subsampling[2]; /* of YCbCr in JPEG; 0 where the tag is absent */
    int alpha_samples; /* trailing samples that are alpha */
    bool tiled, planar;
    bool sizes_known; /* byte counts are there; not for some old uncompressed files */
    pea__tiff_field offsets, sizes, colors, jpeg_tables;
    int64_t shift_bytes; /* added to every offset: further planes of ImageJ's single-directory form */
} pea__tiff_page;

typedef struct pea__tiff {
    const pea__reader *reader; /* borrowed */
    bool big, big_endian;
    int64_t n_pages, pages_capacity;
    pea__tiff_page *pages; /* owned */
    /* from the first page */
    pea__tiff_field description;
    double x_resolution, y_resolution; /* pixels per unit; 0 unknown */
    int resolution_unit;               /* 1 none, 2 inch, 3 cm */
    /* sums that bound the work */
    int64_t tag_bytes, declared_bytes, declared_pixels;
    int64_t max_pixels; /* of all pages; 0: only what the size of the file allows */
    int64_t whole_strip_bytes; /* compressed strips above this are decoded some rows at a time */
} pea__tiff;

bool pea__tiff_recognised(const pea__reader *reader);

/**
 * Walk the directories and check every one.
 * @param max_pixels  refuse more in all pages together; 0: no limit but those of the format
 * @param tiff  owned  free with pea__tiff_free(), also after a failure
 */
pea_status pea__tiff_scan(const pea__reader *reader, int64_t max_pixels, pea__tiff *tiff, pea__notes *notes,
                          pea_error *err);
void pea__tiff_free(pea__tiff *tiff);

/* Values first..first+n-1 of an unsigned field, n <= 4096 / 8. */
enum { PEA__TIFF_CHUNK = 512 };
pea_status pea__tiff_values(const pea__tiff *tiff, const pea__tiff_field *field, int64_t first, int64_t n,
                            int64_t values[PEA__TIFF_CHUNK], pea_error *err);

/* Rows, samples and decoded bytes of block i. */
typedef struct pea__tiff_block {
    int64_t x, y, n_x, n_y; /* place in the page; n_x, n_y as stored, tiles reach over the edge */
    int first_sample, n_samples;
    int64_t row_bytes, size_bytes;
} pea__tiff_block;
pea__tiff_block pea__tiff_block_at(const pea__tiff_page *page, int64_t i);

/* ---- decoding (tiff_decode.c) ---- */

typedef struct pea__tiff_decoder pea__tiff_decoder;

bool pea__tiff_codec_known(int compression, char name[32]); /* `name` is set either way */

/* For one page with compression other than none. Borrows tiff and page until closed. */
pea_status pea__tiff_decoder_open(const pea__tiff *tiff, const pea__tiff_page *page, pea__tiff_decoder **decoder,
                                  pea_error *err);
/* Decode block i, in this machine's byte order, into `block.size_bytes` bytes. */
pea_status pea__tiff_decode(pea__tiff_decoder *decoder, int64_t i, void *bytes, pea_error *err);
/* Whether strips of this page can be decoded some rows at a time, by pea__tiff_decode_rows(). */
bool pea__tiff_row_by_row(const pea__tiff_page *page);
/* The next n_rows rows of strip i, which begin at its row `first`: 0, then where the call before ended. */
pea_status pea__tiff_decode_rows(pea__tiff_decoder *decoder, int64_t i, int64_t first, int64_t n_rows, void *bytes,
                                 pea_error *err);
void pea__tiff_decoder_close(pea__tiff_decoder *decoder);

/* ---- pixels (tiff_read.c) ---- */

/* Where the samples of a page go: element (y,x,c) at data[((y*n_x) + x)*c_total + c]. */
typedef struct pea__tiff_target {
    void *data;
    pea_dtype dtype;
    int64_t c_total, c;          /* channels of a voxel; the first one to fill */
    int first_sample, n_samples; /* of the page */
} pea__tiff_target;

/* Who is told about a page, and which share of the whole reading it is. */
typedef struct pea__page_progress {
    pea_context *context;
    double from, share;
} pea__page_progress;

pea_dtype pea__tiff_dtype(const pea__tiff_page *page); /* as read; 0 where we have no such type */
pea_status pea__tiff_read_page(const pea__tiff *tiff, const pea__tiff_page *page, const pea__tiff_target *target,
                               const pea__page_progress *progress, pea_error *err);

/* ---- which page is which plane (layout.c, imagej.c, ome.c) ---- */

/* What a description says. Planes are counted z, c, t; `c` counts pages, not samples. */
typedef struct pea__layout {
    int64_t z, c, t;
    int64_t stride_z, stride_c, stride_t; /* in planes */
    int32_t *page_of_plane;               /* owned; NULL: plane k is page k */
    int64_t plane_bytes; /* > 0: all planes lie behind each other from the first one's offset, ImageJ's single form */
    bool signed_16;      /* stored with 32768 added */
    bool from_metadata;
    pea_calibration calibration;
    const char *format;
} pea__layout;

/* The first page's description and all pages to a layout; free page_of_plane with pea__free(). */
pea_status pea__layout_find(pea__tiff *tiff, pea__layout *layout, pea__notes *notes, pea_error *err);

bool pea__imagej_recognised(const char *text, size_t length_bytes);
pea_status pea__imagej_layout(const pea__tiff *tiff, const char *text, size_t length_bytes, pea__layout *layout,
                              pea__notes *notes, pea_error *err);
bool pea__ome_recognised(const char *text, size_t length_bytes);
pea_status pea__ome_layout(const pea__tiff *tiff, const char *text, size_t length_bytes, pea__layout *layout,
                           pea__notes *notes, pea_error *err);

/* ---- XML (xml.c): names and attributes of start tags, nothing else ---- */

typedef struct pea__xml {
    const char *at, *end;
    int depth;
} pea__xml;

typedef struct pea__xml_tag {
    const char *name, *attributes; /* name without namespace prefix */
    size_t name_length, attributes_length;
    const char *text; /* what follows the tag up to the next '<' */
    size_t text_length;
    int depth; /* of the element: the root has 1 */
    bool closes; /* </name> */
} pea__xml_tag;

enum { PEA__XML_MAX_DEPTH = 64 };
/* The next start or end tag; *found false at the end. PEA_E_FORMAT for what is no XML or uses a document type. */
pea_status pea__xml_next(pea__xml *xml, pea__xml_tag *tag, bool *found, pea_error *err);
/* The value of an attribute, predefined entities and character numbers resolved; false where it is absent. */
bool pea__xml_attribute(const pea__xml_tag *tag, const char *name, char *value, size_t capacity);
bool pea__xml_is(const pea__xml_tag *tag, const char *name);

/* ---- PNG (png_read.c) ---- */

typedef struct pea__png_info {
    pea_dims dims;
    pea_dtype dtype;
    bool is_rgb, has_alpha, has_palette;
} pea__png_info;

bool pea__png_recognised(const pea__reader *reader);
pea_status pea__png_info_read(const pea__reader *reader, pea_image_use use, int64_t max_pixels, pea__png_info *info,
                              pea_error *err);
/* All channels into `data`, which has info.dims elements of info.dtype. */
pea_status pea__png_read(const pea__reader *reader, pea_image_use use, const pea__png_info *info, pea_context *context,
                         void *data, pea_error *err);

/* ---- palettes ---- */

/* Of one colour, 0..255. */
static inline uint8_t pea__luminance(unsigned r, unsigned g, unsigned b) /* 8 bits each */
{
    return (uint8_t)((299 * r + 587 * g + 114 * b + 500) / 1000);
}

/* From the luminance of 256 colours to what their numbers mean. Colours that never grow darker are a way to display
 * numbers, as microscopists see a grey image in green: luminance has fewer steps than the numbers, so the numbers count.
 * Colours that never grow brighter say that white is zero. Of any others the numbers mean nothing, and luminance
 * stays. */
void pea__undo_display_colours(uint8_t table[256]);

/* ---- opening from memory (image.c): what tests and fuzz targets use ---- */

/* The reader is copied and belongs to the image if the call succeeds. max_pixels as in pea__tiff_scan. */
pea_status pea__image_open_reader(pea__reader reader, pea_image_use use, int64_t max_pixels, pea_image **image,
                                  pea_error *err);
void pea__image_decode_by_rows(pea_image *image); /* from now on strips of any size: what else only large files need */

#endif
