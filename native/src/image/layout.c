/* layout.c - from a list of pages to slices, channels and frames.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* All pages must look alike; the first that does not is named. */
static pea_status check_alike(const pea__tiff *tiff, pea_error *err)
{
    const pea__tiff_page *first = &tiff->pages[0];
    for (int64_t i = 1; i < tiff->n_pages; i++) {
        const pea__tiff_page *page = &tiff->pages[i];
        if (page->x != first->x || page->y != first->y)
            return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has %" PRId64 " x %" PRId64 " pixels, page 1 has %" PRId64
                             " x %" PRId64 ": save pages of different size as separate files", i + 1, page->x, page->y,
                             first->x, first->y);
        if (page->samples != first->samples || pea__tiff_dtype(page) != pea__tiff_dtype(first) ||
            page->alpha_samples != first->alpha_samples || (page->photometric == 2) != (first->photometric == 2) ||
            (page->photometric == 3) != (first->photometric == 3) || (page->photometric == 6) != (first->photometric == 6))
            return pea__fail(err, PEA_E_FORMAT, "page %" PRId64 " has %d samples of %d bits, page 1 has %d of %d, or other"
                             " colours: save them as separate files", i + 1, page->samples, page->bits, first->samples,
                             first->bits);
    }
    return PEA_OK;
}

/* Pixel size from the resolution tags. 72 dots per inch is what programs write that know nothing; ImageJ too
 * takes it for unknown. */
static void calibrate_from_tags(const pea__tiff *tiff, pea_calibration *calibration, pea__notes *notes)
{
    const double rx = tiff->x_resolution, ry = tiff->y_resolution > 0 ? tiff->y_resolution : rx;
    *calibration = pea_calibration_default();
    if (!(rx > 0) || tiff->resolution_unit == 1 || (tiff->resolution_unit == 2 && rx == 72))
        return;
    const double um_per_unit = tiff->resolution_unit == 2 ? 25400 : 10000;
    calibration->x = um_per_unit / rx;
    calibration->y = um_per_unit / ry;
    pea__set_unit(calibration, "um", 2);
    pea__note(notes, "pixel size from the resolution in dots per %s", tiff->resolution_unit == 2 ? "inch" : "cm");
}

static void plain_layout(const pea__tiff *tiff, pea__layout *layout)
{
    layout->z = tiff->n_pages;
    layout->c = layout->t = 1;
    layout->stride_z = 1;
    layout->stride_c = layout->stride_t = tiff->n_pages;
    layout->format = tiff->big ? "BigTIFF" : "TIFF";
}

pea_status pea__layout_find(pea__tiff *tiff, pea__layout *layout, pea__notes *notes, pea_error *err)
{
    *layout = (pea__layout){0};
    pea_status status = check_alike(tiff, err);
    if (status != PEA_OK)
        return status;
    plain_layout(tiff, layout);
    calibrate_from_tags(tiff, &layout->calibration, notes);
    const int64_t n = tiff->description.count;
    if (n == 0)
        return PEA_OK;
    char *text = pea__alloc((size_t)n + 1, 1, err);
    if (!text)
        return PEA_E_NOMEM;
    status = pea__reader_at(tiff->reader, tiff->description.at, text, (size_t)n, err);
    const size_t length = strlen(text); /* the NUL belongs to the value, and some writers pad */
    if (status == PEA_OK && pea__imagej_recognised(text, length))
        status = pea__imagej_layout(tiff, text, length, layout, notes, err);
    else if (status == PEA_OK && pea__ome_recognised(text, length))
        status = pea__ome_layout(tiff, text, length, layout, notes, err);
    pea__free(text);
    return status;
}
