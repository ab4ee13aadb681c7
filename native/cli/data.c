/* data.c - label images, masks and .npy tensors as the subcommands want them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- labels and masks ---- */

pea_status cli_read_labels(const char *path, cli_session *session, pea_volume *labels, int64_t *n_frames,
                           pea_error *err)
{
    pea_image *image = NULL;
    pea_volume frame = {0};
    *labels = (pea_volume){0};
    pea_status status = pea_image_open(path, PEA_IMAGE_LABELS, &image, err);
    if (status != PEA_OK)
        return cli_name_file(err, path);
    const pea_image_info info = pea_image_get_info(image);
    *n_frames = info.n_frames;
    pea_dims dims = info.dims;
    if (dims.c != 1) {
        status = cli_fail(err, PEA_E_SHAPE, "%s has %lld channels, expected a label image with one", path,
                          (long long)dims.c);
        goto done;
    }
    const int64_t slices = dims.z;
    if (info.n_frames > INT64_MAX / slices) {
        status = cli_fail(err, PEA_E_LIMIT, "%s has too many frames", path);
        goto done;
    }
    dims.z *= info.n_frames;
    status = pea_volume_alloc(PEA_UINT32, dims, labels, err);
    for (int64_t t = 0; status == PEA_OK && t < info.n_frames; t++) {
        cli_session_part(session, t, info.n_frames);
        status = pea_image_read(image, (pea_image_part){.frame = t, .channel = -1}, session ? session->context : NULL,
                                &frame, err);
        if (status != PEA_OK)
            break;
        const pea_array part = {(uint32_t *)labels->array.data + t * slices * dims.y * dims.x, PEA_UINT32,
                                frame.array.dims};
        status = pea_labels_from_array(&frame.array, &part, err);
        pea_volume_free(&frame);
    }
    labels->calibration = info.calibration;
done:
    cli_session_part(session, 0, 1);
    pea_image_close(image);
    if (status != PEA_OK) {
        pea_volume_free(labels);
        return cli_name_file(err, path);
    }
    return PEA_OK;
}

#define SET_NONZERO(type)                                                                                             \
    for (int64_t i = 0; i < n; i++)                                                                                   \
        for (int64_t c = 0; c < n_channels; c++)                                                                      \
            mask[i] |= ((const type *)in->data)[i * n_channels + c] != 0;                                             \
    break

static int64_t count_nan(const pea_array *in)
{
    const int64_t n = in->dims.z * in->dims.y * in->dims.x * in->dims.c;
    int64_t found = 0;
    for (int64_t i = 0; i < n && in->dtype == PEA_FLOAT32; i++)
        found += isnan(((const float *)in->data)[i]) != 0;
    for (int64_t i = 0; i < n && in->dtype == PEA_FLOAT64; i++)
        found += isnan(((const double *)in->data)[i]) != 0;
    return found;
}

static void set_nonzero(const pea_array *in, uint8_t *mask)
{
    const int64_t n = in->dims.z * in->dims.y * in->dims.x, n_channels = in->dims.c;
    switch (in->dtype) {
    case PEA_UINT8: SET_NONZERO(uint8_t);
    case PEA_UINT16: SET_NONZERO(uint16_t);
    case PEA_UINT32: SET_NONZERO(uint32_t);
    case PEA_INT8: SET_NONZERO(int8_t);
    case PEA_INT16: SET_NONZERO(int16_t);
    case PEA_INT32: SET_NONZERO(int32_t);
    case PEA_INT64: SET_NONZERO(int64_t);
    case PEA_FLOAT32: SET_NONZERO(float);
    case PEA_FLOAT64: SET_NONZERO(double);
    case PEA_FLOAT16: break; /* no reader gives it: all widen it */
    }
}

static pea_status check_extents(pea_dims image, pea_dims mask, pea_error *err)
{
    if (mask.z == image.z && mask.y == image.y && mask.x == image.x)
        return PEA_OK;
    return cli_fail(err, PEA_E_SHAPE, "the image is %lld x %lld x %lld (z,y,x) but the mask is %lld x %lld x %lld",
                    (long long)image.z, (long long)image.y, (long long)image.x, (long long)mask.z, (long long)mask.y,
                    (long long)mask.x);
}

pea_status cli_read_mask(const char *path, pea_image_part part, pea_dims image_dims, cli_session *session,
                         pea_volume *mask, pea_error *err)
{
    pea_image *image = NULL;
    pea_volume stored = {0};
    *mask = (pea_volume){0};
    pea_status status = pea_image_open(path, PEA_IMAGE_LABELS, &image, err);
    if (status == PEA_OK) {
        const pea_image_info info = pea_image_get_info(image);
        pea_dims found = info.dims;
        if (info.n_frames == 1)
            part.frame = 0; /* one mask for all frames */
        part.channel = -1;
        found.z = part.n_slices > 0 && part.first_slice + part.n_slices <= found.z ? part.n_slices : found.z;
        status = check_extents(image_dims, found, err); /* a mask of another size may be of any size */
    }
    if (status == PEA_OK)
        status = pea_image_read(image, part, session ? session->context : NULL, &stored, err);
    pea_image_close(image);
    if (status == PEA_OK && count_nan(&stored.array) > 0)
        status = cli_fail(err, PEA_E_FORMAT, "the mask has %lld values that are no number: say what is inside by 0 and 1",
                          (long long)count_nan(&stored.array));
    if (status == PEA_OK) {
        pea_dims dims = stored.array.dims;
        dims.c = 1;
        status = pea_volume_alloc(PEA_UINT8, dims, mask, err);
    }
    if (status == PEA_OK)
        set_nonzero(&stored.array, mask->array.data);
    pea_volume_free(&stored);
    return status == PEA_OK ? status : cli_name_file(err, path);
}

/* ---- tensors ---- */

static const char *axes_text(int n_axes, bool batch_optional)
{
    if (batch_optional)
        return n_axes == 2 ? "(c,y,x) or (n,c,y,x)" : "(c,z,y,x) or (n,c,z,y,x)";
    return n_axes == 2 ? "(n,c,y,x)" : "(n,c,z,y,x)";
}

static void shape_text(const pea_npy *npy, char text[160])
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < npy->n_axes; i++)
        used += (size_t)snprintf(text + used, 160 - used, "%s%lld", i ? "," : "", (long long)npy->shape[i]);
}

static int64_t item_floats(const cli_tensor *t)
{
    return t->dims.z * t->dims.y * t->dims.x * t->dims.c; /* of allocated memory: cannot overflow */
}

pea_status cli_tensor_alloc(cli_tensor *t, pea_error *err)
{
    /* One volume holds the whole batch, so that its size is checked where all sizes are. */
    pea_volume volume;
    pea_dims all = t->dims;
    if (t->dims.z < 1 || t->n < 1 || t->n > INT64_MAX / t->dims.z)
        return cli_fail(err, PEA_E_SHAPE, "a tensor of %lld items with %lld slices cannot be made", (long long)t->n,
                        (long long)t->dims.z);
    all.z *= t->n;
    const pea_status status = pea_volume_alloc(PEA_FLOAT32, all, &volume, err);
    t->data = status == PEA_OK ? volume.array.data : NULL;
    return status;
}

void cli_tensor_free(cli_tensor *t)
{
    pea_volume volume = {.array = {t->data, PEA_FLOAT32, t->dims}};
    if (t->data)
        pea_volume_free(&volume);
    *t = (cli_tensor){0};
}

pea_array cli_tensor_item(const cli_tensor *t, int64_t index)
{
    return (pea_array){t->data + index * item_floats(t), PEA_FLOAT32, t->dims};
}

/* NaN spreads through a network to every voxel, and no order of edges has a place for it. */
static pea_status check_finite(const char *path, const pea_npy *npy, pea_error *err)
{
    int64_t n = 1, at[PEA_MAX_NPY_AXES];
    for (int a = 0; a < npy->n_axes; a++)
        n *= npy->shape[a]; /* of allocated memory: cannot overflow */
    const float *v = npy->data;
    int64_t i = 0;
    while (i < n && isfinite(v[i]))
        i++;
    if (i == n)
        return PEA_OK;
    const double found = (double)v[i];
    char place[160];
    size_t used = 0;
    for (int a = npy->n_axes - 1; a >= 0; a--) {
        at[a] = i % npy->shape[a];
        i /= npy->shape[a];
    }
    for (int a = 0; a < npy->n_axes; a++)
        used += (size_t)snprintf(place + used, sizeof place - used, "%s%lld", a ? "," : "", (long long)at[a]);
    return cli_fail(err, PEA_E_FORMAT, "%s holds %g at [%s]: every value must be a finite number", path, found, place);
}

pea_status cli_tensor_read(const char *path, int n_axes, bool batch_optional, cli_tensor *t, pea_error *err)
{
    char shape[160];
    pea_npy npy = {0};
    *t = (cli_tensor){0};
    pea_status status = pea_npy_read(path, &npy, err);
    if (status != PEA_OK)
        return cli_name_file(err, path);
    const bool has_batch = npy.n_axes == n_axes + 2;
    shape_text(&npy, shape);
    if (npy.dtype != PEA_FLOAT32) {
        status = cli_fail(err, PEA_E_DTYPE, "%s holds %s, expected float32", path, pea_dtype_name(npy.dtype));
        goto done;
    }
    if (!has_batch && !(batch_optional && npy.n_axes == n_axes + 1)) {
        status = cli_fail(err, PEA_E_SHAPE, "%s has shape (%s), expected axes %s", path, shape,
                          axes_text(n_axes, batch_optional));
        goto done;
    }
    const int64_t *extent = npy.shape + has_batch;
    t->has_batch = has_batch;
    t->n = has_batch ? npy.shape[0] : 1;
    t->dims = (pea_dims){n_axes == 3 ? extent[1] : 1, extent[n_axes - 1], extent[n_axes], extent[0]};
    if (t->n < 1 || t->dims.z < 1 || t->dims.y < 1 || t->dims.x < 1 || t->dims.c < 1) {
        status = cli_fail(err, PEA_E_SHAPE, "%s has shape (%s): it is empty", path, shape);
        goto done;
    }
    status = check_finite(path, &npy, err);
    if (status == PEA_OK)
        status = cli_tensor_alloc(t, err);
    for (int64_t i = 0; status == PEA_OK && i < t->n; i++)
        pea_channels_last((const float *)npy.data + i * item_floats(t), t->dims, cli_tensor_item(t, i).data);
done:
    pea_npy_free(&npy);
    return status == PEA_OK ? status : cli_name_file(err, path);
}

pea_status cli_tensor_write(const char *path, int n_axes, const cli_tensor *t, pea_context *context, pea_error *err)
{
    cli_tensor first = {.has_batch = t->has_batch, .n = t->n, .dims = t->dims}; /* the same numbers, channels first */
    pea_status status = cli_tensor_alloc(&first, err);
    if (status != PEA_OK)
        return cli_name_file(err, path);
    for (int64_t i = 0; i < t->n && cli_check_cancelled(err) == PEA_OK; i++)
        pea_channels_first(cli_tensor_item(t, i).data, t->dims, cli_tensor_item(&first, i).data);
    pea_npy npy = {.dtype = PEA_FLOAT32, .data = first.data};
    if (t->has_batch)
        npy.shape[npy.n_axes++] = t->n;
    npy.shape[npy.n_axes++] = t->dims.c;
    if (n_axes == 3)
        npy.shape[npy.n_axes++] = t->dims.z;
    npy.shape[npy.n_axes++] = t->dims.y;
    npy.shape[npy.n_axes++] = t->dims.x;
    status = cli_check_cancelled(err);
    if (status == PEA_OK)
        status = pea_npy_write(path, &npy, context, err);
    cli_tensor_free(&first);
    return status == PEA_OK ? status : cli_name_file(err, path);
}
