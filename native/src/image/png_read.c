/* png_read.c - PNG through libpng, with its memory counted as ours and its jumps kept inside small functions.
 *
 * libpng reports errors by longjmp. Everything that must survive one lives in a `job`, never in a local variable.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <png.h>
#include <setjmp.h>
#include <string.h>

typedef struct job {
    const pea__reader *reader;
    int64_t position;
    pea_status status; /* of the first failure */
    pea_error error;
    png_structp png;
    png_infop info;
    jmp_buf jump; /* where to go on failure */
    int64_t row_bytes;
    unsigned char *pixels; /* borrowed: rows one after another */
    pea_context *context;
    /* from the header */
    png_uint_32 x, y;
    int bits, color_type;
} job;

bool pea__png_recognised(const pea__reader *reader)
{
    unsigned char b[8];
    return reader->size_bytes >= 8 && pea__reader_at(reader, 0, b, 8, NULL) == PEA_OK && png_sig_cmp(b, 0, 8) == 0;
}

/* ---- what libpng calls ---- */

static PNG_NORETURN void fail(png_structp png, png_const_charp message)
{
    job *j = png_get_error_ptr(png);
    if (j->status == PEA_OK)
        j->status = pea__fail(&j->error, PEA_E_FORMAT, "the PNG cannot be decoded: %.200s", message);
    longjmp(j->jump, 1);
}

static void ignore_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    job *j = png_get_io_ptr(png);
    j->status = pea__reader_at(j->reader, j->position, to, n, &j->error);
    if (j->status != PEA_OK)
        longjmp(j->jump, 1);
    j->position += (int64_t)n;
}

static png_voidp take_memory(png_structp png, png_alloc_size_t n)
{
    job *j = png_get_mem_ptr(png);
    pea_error error = {0};
    void *block = pea__alloc(n, 1, &error);
    if (!block && j->status == PEA_OK) {
        j->status = PEA_E_NOMEM;
        j->error = error;
    }
    return block;
}

static void give_memory(png_structp png, png_voidp block)
{
    (void)png;
    pea__free(block);
}

/* ---- steps; each is entered with the jump set by run() ---- */

static void read_header(job *j, pea_image_use use)
{
    (void)use;
    png_set_read_fn(j->png, j, read_bytes);
    png_set_user_limits(j->png, 1000000, 1000000);
    png_set_chunk_malloc_max(j->png, 8 << 20); /* texts and profiles, which we do not use */
    png_set_chunk_cache_max(j->png, 64);
#ifdef PNG_HANDLE_AS_UNKNOWN_SUPPORTED
    png_set_keep_unknown_chunks(j->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* all that do not carry pixels */
#endif
    png_read_info(j->png, j->info);
    (void)png_get_IHDR(j->png, j->info, &j->x, &j->y, &j->bits, &j->color_type, NULL, NULL, NULL);
}

static void go_on(job *j, double fraction)
{
    j->status = pea__progress(j->context, fraction, &j->error);
    if (j->status != PEA_OK)
        longjmp(j->jump, 1);
}

static void read_picture(job *j, pea_image_use use)
{
    read_header(j, use);
    if (j->bits < 8)
        png_set_packing(j->png); /* one byte per pixel, the number as stored */
    if (j->bits == 16) {
        const uint16_t one = 1;
        unsigned char little;
        memcpy(&little, &one, 1);
        if (little)
            png_set_swap(j->png);
    }
    if (j->color_type & PNG_COLOR_MASK_ALPHA)
        png_set_strip_alpha(j->png);
    const int n_passes = png_set_interlace_handling(j->png);
    png_read_update_info(j->png, j->info);
    if ((int64_t)png_get_rowbytes(j->png, j->info) != j->row_bytes)
        png_error(j->png, "rows have another length than the header says");
    for (int pass = 0; pass < n_passes; pass++)
        for (int64_t y = 0; y < (int64_t)j->y; y++) {
            go_on(j, (pass + (double)y / j->y) / n_passes);
            png_read_row(j->png, j->pixels + y * j->row_bytes, NULL);
        }
    png_read_end(j->png, NULL);
}

/* The one place that libpng's jumps come back to. No local variable changes after setjmp. */
static pea_status run(job *j, void (*step)(job *, pea_image_use), pea_image_use use)
{
    if (setjmp(j->jump) == 0)
        step(j, use);
    else if (j->status == PEA_OK)
        j->status = pea__fail(&j->error, PEA_E_NOMEM, "out of memory for reading a PNG");
    return j->status;
}

static void create(job *j, pea_image_use use)
{
    (void)use;
    j->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, j, fail, ignore_warning, j, take_memory, give_memory);
    if (j->png)
        j->info = png_create_info_struct(j->png);
    if (!j->info && j->status == PEA_OK)
        j->status = pea__fail(&j->error, PEA_E_NOMEM, "out of memory for reading a PNG");
}

static job *begin(const pea__reader *reader, pea_error *err)
{
    job *j = pea__alloc(1, sizeof *j, err);
    if (!j)
        return NULL;
    j->reader = reader;
    return j;
}

static pea_status end(job *j, pea_error *err)
{
    const pea_status status = j->status;
    if (status != PEA_OK && err)
        *err = j->error;
    if (j->png)
        png_destroy_read_struct(&j->png, &j->info, NULL);
    pea__free(j);
    return status;
}

/* ---- calls ---- */

static pea_status check_header(const job *j, int64_t max_pixels, pea__png_info *info, pea_error *err)
{
    const int type = j->color_type;
    const int64_t c = type == PNG_COLOR_TYPE_RGB || type == PNG_COLOR_TYPE_RGBA ? 3 : 1;
    const int64_t pixels = (int64_t)j->x * j->y; /* both at most a million */
    const int64_t bytes = pixels * c * (j->bits == 16 ? 2 : 1);
    /* Deflate cannot expand more; packed pixels of one bit are eight to a byte. */
    const int64_t packed = pixels * c * j->bits / 8;
    if ((packed / 1100 > j->reader->size_bytes && bytes > PEA__IMAGE_FLOOR_BYTES) ||
        (max_pixels > 0 && pixels > max_pixels))
        return pea__fail(err, PEA_E_LIMIT, "%u x %u pixels are too many for a PNG of %" PRId64
                         " bytes: it is damaged or made to exhaust memory", (unsigned)j->x, (unsigned)j->y,
                         j->reader->size_bytes);
    info->dims = (pea_dims){1, j->y, j->x, c};
    info->dtype = j->bits == 16 ? PEA_UINT16 : PEA_UINT8;
    info->is_rgb = c == 3;
    info->has_alpha = (type & PNG_COLOR_MASK_ALPHA) != 0;
    info->has_palette = type == PNG_COLOR_TYPE_PALETTE;
    return PEA_OK;
}

pea_status pea__png_info_read(const pea__reader *reader, pea_image_use use, int64_t max_pixels, pea__png_info *info,
                              pea_error *err)
{
    *info = (pea__png_info){0};
    job *j = begin(reader, err);
    if (!j)
        return PEA_E_NOMEM;
    if (run(j, create, use) == PEA_OK && run(j, read_header, use) == PEA_OK)
        j->status = check_header(j, max_pixels, info, &j->error);
    return end(j, err);
}

/* What colours mean in place of the index; an index beyond the palette is black, as viewers show it. */
static void map_palette(job *j, pea_image_use use)
{
    png_colorp colors = NULL;
    int n_colors = 0;
    uint8_t table[256] = {0};
    (void)use;
    if (!png_get_PLTE(j->png, j->info, &colors, &n_colors))
        return;
    for (int i = 0; i < n_colors && i < 256; i++)
        table[i] = pea__luminance(colors[i].red, colors[i].green, colors[i].blue);
    if (n_colors == 256)
        pea__undo_display_colours(table);
    for (int64_t y = 0; y < (int64_t)j->y; y++) {
        uint8_t *row = j->pixels + y * j->row_bytes;
        for (int64_t x = 0; x < j->row_bytes; x++)
            row[x] = table[row[x]];
        go_on(j, 1.0);
    }
}

pea_status pea__png_read(const pea__reader *reader, pea_image_use use, const pea__png_info *info, pea_context *context,
                         void *data, pea_error *err)
{
    job *j = begin(reader, err);
    if (!j)
        return PEA_E_NOMEM;
    j->row_bytes = info->dims.x * info->dims.c * (int64_t)pea_dtype_size_bytes(info->dtype);
    j->pixels = data;
    j->context = context;
    if (run(j, create, use) == PEA_OK && run(j, read_picture, use) == PEA_OK && info->has_palette &&
        use == PEA_IMAGE_INTENSITY)
        (void)run(j, map_palette, use);
    return end(j, err);
}
