/* image.c - opening a file of any kind, and reading slices, channels and frames of it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <string.h>

struct pea_image {
    pea__reader reader;
    pea_image_use use;
    pea_image_info info;
    pea__notes notes;
    bool is_png;
    pea__png_info png;
    pea__tiff tiff;
    pea__layout layout;
};

static const char palette_note[] = "palette colours taken as luminance, or as the numbers where they rise or fall";

/* ---- opening ---- */

/* Samples of a page that count as channels. RGB has three, whatever comes with them. */
static int page_channels(const pea__tiff_page *page)
{
    return page->photometric == 2 || page->photometric == 6 ? 3 : page->samples - page->alpha_samples;
}

/* Unsigned numbers only: of signed ones, ImageJ's kind included, nobody can say what the white end is. */
static bool inverts(const pea_image *image, const pea__tiff_page *page)
{
    return image->use == PEA_IMAGE_INTENSITY && page->photometric == 0 && page->kind == PEA__TIFF_UNSIGNED &&
           !image->layout.signed_16;
}

static bool maps_palette(const pea__tiff_page *page, pea_image_use use)
{
    return use == PEA_IMAGE_INTENSITY && page->photometric == 3;
}

static void note_conversions(pea_image *image)
{
    const pea__tiff_page *page = &image->tiff.pages[0];
    if (inverts(image, page))
        pea__note(&image->notes, "white is zero in the file: values inverted");
    if (maps_palette(page, image->use))
        pea__note(&image->notes, palette_note);
    if (page->samples > page_channels(page))
        pea__note(&image->notes, "alpha or extra samples dropped");
    if (page->bits == 16 && page->kind == PEA__TIFF_FLOAT)
        pea__note(&image->notes, "16-bit floats widened to 32");
    if (image->layout.signed_16)
        pea__note(&image->notes, "signed 16-bit values, stored with 32768 added");
    if (image->layout.plane_bytes > 0)
        pea__note(&image->notes, "planes found by ImageJ's rule behind a single directory");
    if (page->planar && page->photometric == 2 && image->tiff.n_pages > 1)
        pea__note(&image->notes, "planar RGB pages: three channels, perhaps no colours");
}

static pea_status open_tiff(pea_image *image, int64_t max_pixels, pea_error *err)
{
    pea_status status = pea__tiff_scan(&image->reader, max_pixels, &image->tiff, &image->notes, err);
    if (status == PEA_OK)
        status = pea__layout_find(&image->tiff, &image->layout, &image->notes, err);
    if (status != PEA_OK)
        return status;
    const pea__tiff_page *page = &image->tiff.pages[0];
    const pea__layout *layout = &image->layout;
    const int channels = page_channels(page);
    pea_image_info *info = &image->info;
    info->dims = (pea_dims){layout->z, page->y, page->x, layout->c * channels};
    info->n_frames = layout->t;
    info->dtype = layout->signed_16                    ? PEA_INT16
                  : maps_palette(page, image->use) ? PEA_UINT8
                                                       : pea__tiff_dtype(page);
    /* A Python writer stores any stack of three channels as planar RGB pages: those are no photographs. */
    const bool perhaps_channels = page->planar && image->tiff.n_pages > 1;
    info->is_rgb = (page->photometric == 2 || page->photometric == 6) && layout->c == 1 && !perhaps_channels;
    info->calibration = layout->calibration;
    info->format = layout->format;
    note_conversions(image);
    return PEA_OK;
}

static pea_status open_png(pea_image *image, int64_t max_pixels, pea_error *err)
{
    const pea_status status = pea__png_info_read(&image->reader, image->use, max_pixels, &image->png, err);
    if (status != PEA_OK)
        return status;
    image->info.dims = image->png.dims;
    image->info.n_frames = 1;
    image->info.dtype = image->png.dtype;
    image->info.is_rgb = image->png.is_rgb;
    image->info.calibration = pea_calibration_default();
    image->info.format = "PNG";
    if (image->png.has_alpha)
        pea__note(&image->notes, "alpha dropped");
    if (image->png.has_palette && image->use == PEA_IMAGE_INTENSITY)
        pea__note(&image->notes, palette_note);
    return PEA_OK;
}

pea_status pea__image_open_reader(pea__reader reader, pea_image_use use, int64_t max_pixels, pea_image **out,
                                  pea_error *err)
{
    pea_image *image = pea__alloc(1, sizeof *image, err);
    if (!image)
        return PEA_E_NOMEM;
    image->reader = reader;
    image->use = use;
    pea_status status;
    image->is_png = pea__png_recognised(&image->reader);
    if (image->is_png)
        status = open_png(image, max_pixels, err);
    else if (pea__tiff_recognised(&image->reader))
        status = open_tiff(image, max_pixels, err);
    else if (reader.size_bytes == 0)
        status = pea__fail(err, PEA_E_FORMAT, "the file is empty");
    else
        status = pea__fail(err, PEA_E_FORMAT, "the file is neither TIFF nor PNG: save the image as one of them");
    if (status != PEA_OK) {
        image->reader = (pea__reader){.fd = -1}; /* stays the caller's */
        pea_image_close(image);
        return status;
    }
    image->info.notes = image->notes.text;
    *out = image;
    return PEA_OK;
}

void pea__image_decode_by_rows(pea_image *image)
{
    image->tiff.whole_strip_bytes = 0;
}

/* Say which file: a user has many. Of a path that is too long the end is shown, from the begin of a character. */
static pea_status with_path(pea_status status, const char *path, pea_error *err)
{
    enum { SHOWN = 200 };
    if (!err || status == PEA_OK)
        return status;
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    const size_t length = strlen(path);
    const char *shown = length > SHOWN ? path + length - SHOWN : path;
    while (((unsigned char)*shown & 0xc0) == 0x80)
        shown++;
    return pea__fail(err, status, "%s%s: %s", length > SHOWN ? "..." : "", shown, message);
}

pea_status pea_image_open(const char *path, pea_image_use use, pea_image **image, pea_error *err)
{
    if (!path || !image)
        return pea__fail(err, PEA_E_ARG, "an image needs a path and a place to be put");
    if (use != PEA_IMAGE_INTENSITY && use != PEA_IMAGE_LABELS)
        return pea__fail(err, PEA_E_ARG, "an image is read as intensities or as labels, not as %d", (int)use);
    pea__reader reader;
    pea_status status = pea__reader_open(path, &reader, err);
    if (status != PEA_OK)
        return status;
    status = with_path(pea__image_open_reader(reader, use, 0, image, err), path, err);
    if (status != PEA_OK)
        pea__reader_close(&reader);
    return status;
}

void pea_image_close(pea_image *image)
{
    if (!image)
        return;
    pea__tiff_free(&image->tiff);
    pea__free(image->layout.page_of_plane);
    pea__reader_close(&image->reader);
    pea__free(image);
}

pea_image_info pea_image_get_info(const pea_image *image)
{
    return image->info;
}

/* ---- reading ---- */

static pea_status check_part(const pea_image *image, pea_image_part *part, pea_error *err)
{
    const pea_image_info *info = &image->info;
    if (part->frame < 0 || part->frame >= info->n_frames)
        return pea__fail(err, PEA_E_ARG, "frame %" PRId64 " is not there: the image has %" PRId64, part->frame + 1,
                         info->n_frames);
    if (part->first_slice < 0 || part->first_slice >= info->dims.z || part->n_slices < 0 ||
        part->n_slices > info->dims.z - part->first_slice)
        return pea__fail(err, PEA_E_ARG, "slices %" PRId64 " to %" PRId64 " are not there: the image has %" PRId64,
                         part->first_slice + 1, part->first_slice + part->n_slices, info->dims.z);
    if (part->channel < -1 || part->channel >= info->dims.c)
        return pea__fail(err, PEA_E_ARG, "channel %" PRId64 " is not there: the image has %" PRId64, part->channel + 1,
                         info->dims.c);
    if (part->n_slices == 0)
        part->n_slices = info->dims.z - part->first_slice;
    return PEA_OK;
}

/* value -> largest - value. Elements c..c+n-1 of every voxel of row y. */
static void invert(const pea__tiff_page *page, const pea__tiff_target *target, int64_t y)
{
    for (int64_t p = y * page->x; p < (y + 1) * page->x; p++)
        for (int64_t k = 0; k < target->n_samples; k++) {
            const int64_t i = p * target->c_total + target->c + k;
            if (target->dtype == PEA_UINT8)
                ((uint8_t *)target->data)[i] = (uint8_t)((1 << page->bits) - 1 - ((uint8_t *)target->data)[i]);
            else if (target->dtype == PEA_UINT16)
                ((uint16_t *)target->data)[i] = (uint16_t)(65535 - ((uint16_t *)target->data)[i]);
            else
                ((uint32_t *)target->data)[i] = UINT32_MAX - ((uint32_t *)target->data)[i];
        }
}

static void subtract_32768(const pea__tiff_page *page, const pea__tiff_target *target, int64_t y)
{
    uint16_t *words = target->data;
    for (int64_t p = y * page->x; p < (y + 1) * page->x; p++)
        for (int64_t k = 0; k < target->n_samples; k++)
            words[p * target->c_total + target->c + k] ^= 0x8000; /* the bits of value - 32768 */
}

void pea__undo_display_colours(uint8_t table[256])
{
    bool rises = true, falls = true;
    for (int i = 1; i < 256; i++) {
        rises = rises && table[i] >= table[i - 1];
        falls = falls && table[i] <= table[i - 1];
    }
    for (int i = 0; i < 256 && (rises || falls); i++)
        table[i] = (uint8_t)(rises ? i : 255 - i);
}

/* The page's palette as one byte per index. Some writers store 8-bit colours in the 16-bit table. */
static pea_status luminance_table(const pea__tiff *tiff, const pea__tiff_page *page, uint8_t *table, pea_error *err)
{
    const int64_t n = (int64_t)1 << page->bits;
    int64_t part[PEA__TIFF_CHUNK], largest = 0;
    uint16_t *colors = pea__alloc((size_t)(3 * n), sizeof *colors, err);
    if (!colors)
        return PEA_E_NOMEM;
    pea_status status = PEA_OK;
    for (int64_t i = 0; status == PEA_OK && i < 3 * n; i += PEA__TIFF_CHUNK) {
        const int64_t count = pea__min_i64(PEA__TIFF_CHUNK, 3 * n - i);
        status = pea__tiff_values(tiff, &page->colors, i, count, part, err);
        for (int64_t k = 0; status == PEA_OK && k < count; k++) {
            colors[i + k] = (uint16_t)part[k];
            largest = pea__max_i64(largest, part[k]);
        }
    }
    const int shift = largest < 256 ? 0 : 8; /* the high byte: 255 is stored as 0xffff by most, as 0xff00 by ImageJ */
    for (int64_t i = 0; status == PEA_OK && i < n; i++)
        table[i] = pea__luminance((unsigned)colors[i] >> shift, (unsigned)colors[n + i] >> shift,
                                  (unsigned)colors[2 * n + i] >> shift);
    if (status == PEA_OK && n == 256)
        pea__undo_display_colours(table);
    pea__free(colors);
    return status;
}

/* Indices are read beside the volume, because 16-bit ones do not fit into its bytes. */
static pea_status read_palette_page(const pea__tiff *tiff, const pea__tiff_page *page, const pea__tiff_target *target,
                                    const pea__page_progress *progress, pea_error *err)
{
    const pea_dtype dtype = pea__tiff_dtype(page);
    const int64_t n_voxels = page->x * page->y;
    void *indices = pea__alloc((size_t)n_voxels, pea_dtype_size_bytes(dtype), err);
    uint8_t *table = pea__alloc((size_t)1 << page->bits, 1, err);
    pea_status status = indices && table ? luminance_table(tiff, page, table, err) : PEA_E_NOMEM;
    const pea__tiff_target plain = {indices, dtype, 1, 0, 0, 1};
    if (status == PEA_OK)
        status = pea__tiff_read_page(tiff, page, &plain, progress, err);
    uint8_t *out = target->data;
    for (int64_t p = 0; status == PEA_OK && p < n_voxels; p++) {
        out[p * target->c_total + target->c] =
            table[dtype == PEA_UINT16 ? ((const uint16_t *)indices)[p] : ((const uint8_t *)indices)[p]];
        if (p % page->x == 0)
            status = pea__progress(progress->context, progress->from + progress->share, err);
    }
    pea__free(indices);
    pea__free(table);
    return status;
}

/* One plane: the samples of a page into channels c.. of the slice at target->data. */
static pea_status read_plane(const pea_image *image, int64_t plane, const pea__tiff_target *target,
                             const pea__page_progress *progress, pea_error *err)
{
    const pea__layout *layout = &image->layout;
    const int64_t k = layout->plane_bytes > 0 ? 0 : layout->page_of_plane ? layout->page_of_plane[plane] : plane;
    pea__tiff_page page = image->tiff.pages[k];
    page.shift_bytes = layout->plane_bytes > 0 ? plane * layout->plane_bytes : 0;
    if (maps_palette(&page, image->use))
        return read_palette_page(&image->tiff, &page, target, progress, err);
    pea_status status = pea__tiff_read_page(&image->tiff, &page, target, progress, err);
    const bool inverted = inverts(image, &page);
    for (int64_t y = 0; status == PEA_OK && (inverted || layout->signed_16) && y < page.y; y++) {
        if (inverted)
            invert(&page, target, y);
        if (layout->signed_16)
            subtract_32768(&page, target, y);
        status = pea__progress(progress->context, progress->from + progress->share, err);
    }
    return status;
}

static pea_status read_tiff(const pea_image *image, pea_image_part part, pea_context *context, pea_volume *volume,
                            pea_error *err)
{
    const pea__layout *layout = &image->layout;
    const int in_page = page_channels(&image->tiff.pages[0]);
    const pea_dims d = volume->array.dims;
    const int64_t slice_bytes = d.y * d.x * d.c * (int64_t)pea_dtype_size_bytes(volume->array.dtype);
    const int64_t first_page = part.channel < 0 ? 0 : part.channel / in_page;
    const int64_t end_page = part.channel < 0 ? layout->c : first_page + 1, n_pages = end_page - first_page;
    const double share = 1.0 / ((double)part.n_slices * (double)n_pages);
    for (int64_t z = 0; z < part.n_slices; z++)
        for (int64_t c = first_page; c < end_page; c++) {
            const int64_t plane = (part.first_slice + z) * layout->stride_z + c * layout->stride_c +
                                  part.frame * layout->stride_t;
            const pea__tiff_target target = {
                .data = (char *)volume->array.data + z * slice_bytes,
                .dtype = volume->array.dtype,
                .c_total = d.c,
                .c = part.channel < 0 ? c * in_page : 0,
                .first_sample = part.channel < 0 ? 0 : (int)(part.channel % in_page),
                .n_samples = part.channel < 0 ? in_page : 1,
            };
            const pea__page_progress progress = {context, share * (double)(z * n_pages + c - first_page), share};
            const pea_status status = read_plane(image, plane, &target, &progress, err);
            if (status != PEA_OK)
                return status;
        }
    return PEA_OK;
}

static pea_status read_png(const pea_image *image, pea_image_part part, pea_context *context, pea_volume *volume,
                           pea_error *err)
{
    const int64_t n_channels = image->png.dims.c;
    if (part.channel < 0 || n_channels == 1)
        return pea__png_read(&image->reader, image->use, &image->png, context, volume->array.data, err);
    pea_volume all = {0};
    pea_status status = pea_volume_alloc(image->png.dtype, image->png.dims, &all, err);
    if (status == PEA_OK)
        status = pea__png_read(&image->reader, image->use, &image->png, context, all.array.data, err);
    const size_t size = pea_dtype_size_bytes(image->png.dtype);
    for (int64_t p = 0; status == PEA_OK && p < image->png.dims.y * image->png.dims.x; p++) {
        memcpy((char *)volume->array.data + (size_t)p * size,
               (const char *)all.array.data + (size_t)(p * n_channels + part.channel) * size, size);
        if (p % image->png.dims.x == 0)
            status = pea__progress(context, 1.0, err);
    }
    pea_volume_free(&all);
    return status;
}

pea_status pea_image_read(const pea_image *image, pea_image_part part, pea_context *context, pea_volume *volume,
                          pea_error *err)
{
    if (!image || !volume)
        return pea__fail(err, PEA_E_ARG, "reading needs an open image and a volume to fill");
    pea_status status = check_part(image, &part, err);
    if (status != PEA_OK)
        return status;
    pea_dims dims = image->info.dims;
    dims.z = part.n_slices;
    dims.c = part.channel < 0 ? dims.c : 1;
    pea_volume result = {0};
    status = pea_volume_alloc(image->info.dtype, dims, &result, err);
    if (status != PEA_OK)
        return status;
    result.calibration = image->info.calibration;
    pea__stage(context, "read");
    status = image->is_png ? read_png(image, part, context, &result, err)
                           : read_tiff(image, part, context, &result, err);
    pea__stage(context, NULL);
    if (status == PEA_OK)
        *volume = result;
    else
        pea_volume_free(&result);
    return status;
}
