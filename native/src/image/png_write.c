/* png_write.c - an 8-bit picture to PNG.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <inttypes.h>
#include <png.h>
#include <setjmp.h>
#include <string.h>

/* All that must survive a jump of libpng. */
typedef struct job {
    FILE *stream; /* borrowed */
    pea_dims dims;
    pea_picture_row_fn *row_of;
    void *user;
    uint8_t *row; /* owned */
    pea_context *context;
    pea_status status;
    pea_error error;
    png_structp png;
    png_infop info;
    jmp_buf jump;
} job;

static PNG_NORETURN void fail(png_structp png, png_const_charp message)
{
    job *j = png_get_error_ptr(png);
    if (j->status == PEA_OK)
        j->status = pea__fail(&j->error, PEA_E_FORMAT, "the PNG cannot be made: %.200s", message);
    longjmp(j->jump, 1);
}

static void ignore_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t n)
{
    job *j = png_get_io_ptr(png);
    (void)fwrite(bytes, 1, n, j->stream); /* the writer's commit knows whether it worked */
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

static png_voidp take_memory(png_structp png, png_alloc_size_t n)
{
    job *j = png_get_mem_ptr(png);
    void *block = pea__alloc(n, 1, j->status == PEA_OK ? &j->error : NULL);
    if (!block)
        j->status = PEA_E_NOMEM;
    return block;
}

static void give_memory(png_structp png, png_voidp block)
{
    (void)png;
    pea__free(block);
}

static void write_picture(job *j)
{
    const pea_dims d = j->dims;
    j->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, j, fail, ignore_warning, j, take_memory, give_memory);
    if (j->png)
        j->info = png_create_info_struct(j->png);
    if (!j->info) {
        if (j->status == PEA_OK)
            j->status = pea__fail(&j->error, PEA_E_NOMEM, "out of memory for writing a PNG");
        return;
    }
    png_set_write_fn(j->png, j, write_bytes, flush_nothing);
    png_set_user_limits(j->png, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(j->png, j->info, (png_uint_32)d.x, (png_uint_32)d.y, 8,
                 d.c == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(j->png, j->info);
    for (int64_t y = 0; y < d.y; y++) {
        j->status = pea__progress(j->context, (double)y / (double)d.y, &j->error);
        if (j->status == PEA_OK)
            j->status = j->row_of(j->user, y, j->row, &j->error);
        if (j->status != PEA_OK)
            longjmp(j->jump, 1);
        png_write_row(j->png, j->row);
    }
    png_write_end(j->png, NULL);
}

/* The place that libpng's jumps come back to. No local variable changes after setjmp. */
static pea_status run(job *j)
{
    if (setjmp(j->jump) == 0)
        write_picture(j);
    return j->status;
}

static pea_status copy_row(void *user, int64_t y, uint8_t *row, pea_error *err)
{
    const pea_array *picture = user;
    const int64_t n = picture->dims.x * picture->dims.c;
    (void)err;
    memcpy(row, (const uint8_t *)picture->data + y * n, (size_t)n);
    return PEA_OK;
}

pea_status pea_png_write(const char *path, const pea_array *picture, pea_context *context, pea_error *err)
{
    const pea_status status = pea__array_check(picture, "the picture", PEA_UINT8, err);
    pea_array copy = status == PEA_OK ? *picture : (pea_array){0};
    return status == PEA_OK ? pea_png_write_rows(path, copy.dims, copy_row, &copy, context, err) : status;
}

pea_status pea_png_write_rows(const char *path, pea_dims picture, pea_picture_row_fn *row, void *user,
                              pea_context *context, pea_error *err)
{
    const pea_dims d = picture;
    if (!path || !row)
        return pea__fail(err, PEA_E_ARG, "a PNG needs a path and rows");
    if (d.z != 1 || d.y < 1 || d.x < 1 || (d.c != 1 && d.c != 3) || d.x > INT32_MAX || d.y > INT32_MAX)
        return pea__fail(err, PEA_E_SHAPE, "a PNG holds one plane of 1 or 3 channels, the picture has %" PRId64
                         " planes of %" PRId64, d.z, d.c);
    job *j = pea__alloc(1, sizeof *j, err);
    pea__writer writer = {.fd = -1};
    if (!j)
        return PEA_E_NOMEM;
    j->dims = d;
    j->row_of = row;
    j->user = user;
    j->context = context;
    pea__stage(context, "write");
    j->row = pea__alloc((size_t)d.x, (size_t)d.c, &j->error);
    j->status = j->row ? pea__writer_open(path, &writer, &j->error) : PEA_E_NOMEM;
    if (j->status == PEA_OK) {
        j->stream = writer.stream;
        (void)run(j);
        if (j->png)
            png_destroy_write_struct(&j->png, &j->info);
        if (j->status == PEA_OK)
            j->status = pea__writer_commit(&writer, &j->error);
        else
            pea__writer_discard(&writer);
    }
    pea__stage(context, NULL);
    const pea_status status = j->status;
    if (status != PEA_OK && err)
        *err = j->error;
    pea__free(j->row);
    pea__free(j);
    return status;
}
