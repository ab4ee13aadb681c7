/* test_data.c - labelled images as they are read: what is accepted, what is refused and in which words.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>
#include <unistd.h>

#include "pea/image.h"
#include "threads.h"
#include "train/pairs.h"

static const pea__data_options planes = {.n_axes = 2, .channels = 3, .normalise = PEA_NORMALISE_MINMAX};
static const pea__data_options volumes = {.n_axes = 3, .channels = 1, .normalise = PEA_NORMALISE_UNIT};

enum { Y = 6, X = 8, N = Y * X };

static uint8_t bytes[3 * N * 3];
static uint32_t numbers[3 * N];

/* Two objects, numbered 7 and 70 000. */
static pea_array image_of(int64_t z, int64_t c)
{
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(256.0 * test_u(50, i));
    return (pea_array){bytes, PEA_UINT8, {z, Y, X, c}};
}

static pea_array labels_of(int64_t z)
{
    for (int i = 0; i < 3 * N; i++)
        numbers[i] = i % X < 3 ? 7 : i % X < 6 ? 70000 : 0;
    return (pea_array){numbers, PEA_UINT32, {z, Y, X, 1}};
}

static pea_status read_arrays(const pea_array *image, const pea_array *labels, const pea__data_options *options,
                              pea_context *context, pea__data **data, pea_error *err)
{
    pea__pairs pairs = {0};
    pea_status status = pea__pairs_add_arrays(&pairs, "mine", image, labels, false, err);
    if (status == PEA_OK)
        status = pea__data_read(&pairs, options, context, data, err);
    pea__pairs_free(&pairs);
    return status;
}

#define assert_refused(image, labels, options, status, part)                                                          \
    assert_fails(read_arrays(&(image), &(labels), &(options), NULL, &data, &err), status, part)

static void arrays_are_lent_and_labels_copied(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    const pea_array image = image_of(2, 3), labels = labels_of(2);
    (void)state;
    assert_ok(read_arrays(&image, &labels, &planes, NULL, &data, &err));
    assert_int_equal(pea__data_count(data, false), 2);
    assert_int_equal(pea__data_count(data, true), 0);
    const pea__specimen s = pea__data_get(data, false, 1);
    assert_ptr_equal(s.image.data, bytes + N * 3);
    assert_true(s.image.dims.z == 1 && s.image.dims.c == 3 && s.n_instances == 2);
    assert_memory_equal(s.labels.data, numbers + N, N * sizeof *numbers);
    double low = 255.0, high = 0.0;
    for (int i = N * 3; i < 2 * N * 3; i++) {
        low = fmin(low, bytes[i]);
        high = fmax(high, bytes[i]);
    }
    assert_true(s.min == low && s.max == high);
    assert_string_equal(s.name, "mine");
    assert_string_equal(pea__data_notes(data), "");
    pea__data_free(data);
}

static void volumes_stay_whole_and_are_widened_for_training(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    pea__pairs pairs = {0};
    pea__data_options options = volumes;
    const pea_array image = image_of(3, 1), labels = labels_of(3);
    (void)state;
    options.widen = true;
    assert_ok(pea__pairs_add_arrays(&pairs, "mine", &image, &labels, false, &err));
    assert_ok(pea__pairs_split_slices(&pairs, 1, &err));
    assert_ok(pea__data_read(&pairs, &options, NULL, &data, &err));
    pea__pairs_free(&pairs);
    const pea__specimen training = pea__data_get(data, false, 0), validation = pea__data_get(data, true, 0);
    assert_true(training.image.dims.z == 2 && validation.image.dims.z == 1);
    assert_ptr_equal(validation.image.data, bytes + 2 * N);
    for (int i = 0; i < 2 * N; i++)
        assert_int_equal(((uint32_t *)training.labels.data)[i], i % X == 2 || i % X == 3 ? 0 : numbers[i]);
    assert_memory_equal(validation.labels.data, numbers + 2 * N, N * sizeof *numbers);
    pea__data_free(data);
}

/* The published example of border widening, and what the mirror at the border does. */
static void widening_is_the_published_one(void **state)
{
    uint32_t labels[12 * 16], rows[3 * 16];
    int count[5] = {0};
    (void)state;
    for (int i = 0; i < 12 * 16; i++) {
        const int y = i / 16, x = i % 16;
        labels[i] = y >= 1 && y <= 5 ? (x >= 1 && x <= 6 ? 1 : x >= 7 && x <= 12 ? 2 : 0)
                    : y >= 6 && y <= 10 && x >= 3 && x <= 9   ? 3
                    : y >= 8 && y <= 10 && x >= 12 && x <= 14 ? 4
                                                              : 0;
    }
    uint32_t both[2 * 12 * 16];
    memcpy(both, labels, sizeof labels);
    for (int y = 0; y < 12; y++) /* the other image of the published batch is its mirror image */
        for (int x = 0; x < 16; x++)
            both[12 * 16 + y * 16 + x] = labels[y * 16 + 15 - x];
    pea__widen_borders((pea_dims){2, 12, 16, 1}, both, rows);
    for (int i = 0; i < 2 * 12 * 16; i++)
        count[both[i]]++;
    assert_int_equal(count[0], 224);
    assert_int_equal(count[1], 42);
    assert_int_equal(count[2], 44);
    assert_int_equal(count[3], 56);
    assert_int_equal(count[4], 18);
}

/* Beside the definition, for all small extents. */
static void widening_is_as_defined(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int64_t y = 1; y < 6; y++)
        for (int64_t x = 1; x < 6; x++) {
            uint32_t labels[25], widened[25], rows[15];
            for (int i = 0; i < 25; i++)
                labels[i] = widened[i] = test_random(&seed) % 4 < 3 ? test_random(&seed) % 3 : 0;
            pea__widen_borders((pea_dims){1, y, x, 1}, widened, rows);
            for (int64_t i = 0; i < y * x; i++) {
                bool two = false;
                for (int64_t k = 0; k < 81; k++) { /* all pairs of the window */
                    int64_t at[4] = {i / x + k / 27 - 1, i % x + k / 9 % 3 - 1, i / x + k / 3 % 3 - 1,
                                     i % x + k % 3 - 1};
                    for (int a = 0; a < 4; a++) {
                        const int64_t n = a % 2 ? x : y;
                        at[a] = n == 1 ? 0 : at[a] < 0 ? 1 : at[a] >= n ? n - 2 : at[a];
                    }
                    const uint32_t p = labels[at[0] * x + at[1]], q = labels[at[2] * x + at[3]];
                    two = two || (p && q && p != q);
                }
                assert_int_equal(widened[i], two ? 0 : labels[i]);
            }
        }
}

static void wrong_shapes_are_refused(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    pea_array image = image_of(1, 3), labels = labels_of(1);
    (void)state;
    labels.dims.x = X - 1;
    assert_refused(image, labels, planes, PEA_E_SHAPE, "mine is 6 x 8 (y,x), but its");
    labels = labels_of(2);
    assert_refused(image, labels, planes, PEA_E_SHAPE, "mine has 1 slices");
    image.dims.c = 1;
    assert_refused(image, labels, volumes, PEA_E_SHAPE, "mine has 1 slices in 1 frames, but its labels 2 in 1");
    labels = labels_of(1);
    image.dims.c = 2;
    assert_refused(image, labels, planes, PEA_E_SHAPE, "mine has 2 channels");
    image.dims.c = 3;
    assert_refused(image, labels, volumes, PEA_E_SHAPE, "convert it to grey");
    labels.dims = (pea_dims){1, Y, X / 2, 2};
    image.dims = (pea_dims){1, Y, X / 2, 3};
    assert_refused(image, labels, planes, PEA_E_SHAPE, "labels of mine have 2 channels");
    image.data = NULL;
    assert_refused(image, labels, planes, PEA_E_ARG, "mine: the image is missing");
}

static void wrong_values_are_refused(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    float values[N] = {0}, label_values[N] = {0};
    const pea_array image = {values, PEA_FLOAT32, {1, Y, X, 1}}, labels = {label_values, PEA_FLOAT32, {1, Y, X, 1}};
    pea__data_options unit = planes;
    (void)state;
    label_values[3] = label_values[4] = 2.0f;
    label_values[9] = 3.0f;
    values[1] = 1.0f;
    assert_ok(read_arrays(&image, &labels, &planes, NULL, &data, &err));
    assert_int_equal(pea__data_get(data, false, 0).n_instances, 2);
    pea__data_free(data);
    label_values[2] = 1.5f;
    assert_refused(image, labels, planes, PEA_E_FORMAT, "mine: label 1.5 at z 0, y 0, x 2");
    label_values[2] = -1.0f;
    assert_refused(image, labels, planes, PEA_E_FORMAT, "mine: label -1");
    label_values[2] = NAN;
    assert_refused(image, labels, planes, PEA_E_FORMAT, "mine: label");
    label_values[2] = 0.0f;
    values[9] = NAN;
    assert_refused(image, labels, planes, PEA_E_FORMAT, "mine: the image has the value");
    values[9] = 4095.0f;
    unit.normalise = PEA_NORMALISE_UNIT;
    assert_refused(image, labels, unit, PEA_E_FORMAT, "mine has values from 0 to 4095");
    assert_ok(read_arrays(&image, &labels, &planes, NULL, &data, &err));
    pea__data_free(data);
}

static void nothing_to_learn_is_refused(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    pea__pairs pairs = {0};
    const pea_array image = image_of(1, 1), labels = labels_of(1);
    uint32_t none[N] = {0};
    const pea_array empty = {none, PEA_UINT32, {1, Y, X, 1}};
    (void)state;
    assert_fails(pea__data_read(&pairs, &planes, NULL, &data, &err), PEA_E_ARG, "no images");
    assert_refused(image, empty, planes, PEA_E_ARG, "no label image has an object, mine");
    assert_ok(pea__pairs_add_arrays(&pairs, "a", &image, &labels, true, &err));
    assert_fails(pea__data_read(&pairs, &planes, NULL, &data, &err), PEA_E_ARG, "set aside for validation");
    assert_ok(pea__pairs_add_arrays(&pairs, "b", &image, &labels, false, &err));
    assert_ok(pea__pairs_add_arrays(&pairs, "c", &image, &empty, false, &err));
    assert_ok(pea__data_read(&pairs, &planes, NULL, &data, &err));
    assert_string_equal(pea__data_notes(data), "1 of 2 training images have no objects");
    assert_true(pea__data_count(data, true) == 1);
    pea__data_free(data);
    pairs.pair[1].first_slice = 1;
    assert_fails(pea__data_read(&pairs, &planes, NULL, &data, &err), PEA_E_ARG, "b has 1 slices: none is left");
    pea__pairs_free(&pairs);
}

/* Six squares of the value 255 are no instances but a mask; as connected parts they are. */
static void masks_are_recognised(void **state)
{
    enum { SIDE = 40 };
    static uint8_t mask[SIDE * SIDE], grey[SIDE * SIDE];
    pea_error err;
    pea__data *data = NULL;
    pea__pairs pairs = {0};
    const pea_array image = {grey, PEA_UINT8, {1, SIDE, SIDE, 1}}, labels = {mask, PEA_UINT8, {1, SIDE, SIDE, 1}};
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        mask[i] = i / SIDE % 10 < 5 && i % SIDE % 20 < 6 ? 255 : 0;
    mask[9 * SIDE + 15] = 255; /* one voxel is no part */
    assert_refused(image, labels, planes, PEA_E_FORMAT, "the labels of mine are a mask");
    assert_ok(pea__pairs_add_arrays(&pairs, "mine", &image, &labels, false, &err));
    pairs.rule = PEA__LABELS_PARTS;
    pairs.min_part_size = 25;
    assert_ok(pea__data_read(&pairs, &planes, NULL, &data, &err));
    const pea__specimen s = pea__data_get(data, false, 0);
    assert_int_equal(s.n_instances, 8);
    assert_int_equal(((uint32_t *)s.labels.data)[9 * SIDE + 15], 0);
    pea__data_free(data);
    assert_fails(pea__data_read(&pairs, &volumes, NULL, &data, &err), PEA_E_ARG, "not of volumes");
    pea__pairs_free(&pairs);
}

/* ---- files ---- */

static char folder[512], image_path[640], label_path[640];

static int open_folder(void **state)
{
    const char *temporary = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%.400s/pea-data-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    snprintf(image_path, sizeof image_path, "%s/a_image.png", folder);
    snprintf(label_path, sizeof label_path, "%s/a_labels.tif", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(image_path);
    unlink(label_path);
    return rmdir(folder);
}

static pea_status read_folder(const pea__data_options *options, pea_context *context, pea__data **data, pea_error *err)
{
    pea__pairs pairs = {0};
    pea_status status = pea__pairs_add_folder(&pairs, folder, NULL, NULL, false, err);
    if (status == PEA_OK)
        status = pea__data_read(&pairs, options, context, data, err);
    pea__pairs_free(&pairs);
    return status;
}

static void write_labels(const pea_array *labels)
{
    const pea_calibration calibration = pea_calibration_default();
    pea_error err;
    assert_ok(pea_labels_write(label_path, labels, 1, &calibration, NULL, &err));
}

static void files_are_read(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    pea_array image = image_of(1, 3), labels = labels_of(1);
    (void)state;
    assert_ok(pea_png_write(image_path, &image, NULL, &err));
    write_labels(&labels); /* 70 000: in 32 bits */
    assert_ok(read_folder(&planes, NULL, &data, &err));
    const pea__specimen s = pea__data_get(data, false, 0);
    assert_string_equal(s.name, image_path);
    assert_memory_equal(s.image.data, bytes, N * 3);
    assert_memory_equal(s.labels.data, numbers, N * sizeof *numbers);
    pea__data_free(data);
    labels.dims.y = Y - 1;
    write_labels(&labels);
    assert_fails(read_folder(&planes, NULL, &data, &err), PEA_E_SHAPE, "a_labels.tif 5 x 8");
}

static void files_in_the_way_of_labels_are_named(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    pea_array image = image_of(1, 1), colours = image_of(1, 3);
    (void)state;
    assert_ok(pea_png_write(image_path, &image, NULL, &err));
    assert_ok(pea_png_write(label_path, &colours, NULL, &err)); /* found by content */
    assert_fails(read_folder(&planes, NULL, &data, &err), PEA_E_FORMAT, "a_labels.tif: the labels are colours");
    for (int i = 0; i < N * 3; i++)
        bytes[i] = (uint8_t)(i / 3 % 5); /* grey, written in three channels */
    assert_ok(pea_png_write(label_path, &colours, NULL, &err));
    assert_ok(read_folder(&planes, NULL, &data, &err));
    assert_int_equal(pea__data_get(data, false, 0).n_instances, 4);
    pea__data_free(data);
    FILE *file = fopen(label_path, "wb");
    assert_non_null(file);
    assert_int_equal(fputs("no image", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    assert_fails(read_folder(&planes, NULL, &data, &err), PEA_E_FORMAT, "a_labels.tif");
}

/* Of a mask in colours the first channel tells, of which numbers may come again; 8 neighbours hang together. */
static void published_masks_are_parts_of_the_first_channel(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    pea__pairs pairs = {0};
    const pea_array image = image_of(1, 3);
    uint8_t mask[N * 3] = {0};
    const pea_array colours = {mask, PEA_UINT8, {1, Y, X, 3}};
    static const char drawing[] = "11..22.."
                                  "11..22.."
                                  "..1....."
                                  "......1."
                                  ".5.22..1"
                                  "...22...";
    static const char expected[] = "aa..bb.."
                                   "aa..bb.."
                                   "..a....."
                                   "........"
                                   "...cc..."
                                   "...cc...";
    (void)state;
    for (int i = 0; i < N; i++) {
        mask[i * 3] = drawing[i] == '.' ? 0 : (uint8_t)(drawing[i] - '0');
        mask[i * 3 + 1] = (uint8_t)(i * 5); /* means nothing */
    }
    assert_ok(pea_png_write(image_path, &image, NULL, &err));
    assert_ok(pea_png_write(label_path, &colours, NULL, &err));
    assert_ok(pea__pairs_add_folder(&pairs, folder, NULL, NULL, false, &err));
    pairs.rule = PEA__LABELS_PARTS;
    pairs.min_part_size = 3;
    assert_ok(pea__data_read(&pairs, &planes, NULL, &data, &err));
    const pea__specimen s = pea__data_get(data, false, 0);
    assert_int_equal(s.n_instances, 3);
    uint32_t number['d'] = {0};
    for (int i = 0; i < N; i++) {
        const uint32_t label = ((uint32_t *)s.labels.data)[i];
        uint32_t *known = &number[(int)expected[i]];
        *known = expected[i] == '.' || *known ? *known : label;
        assert_int_equal(label, *known);
    }
    assert_true(number['a'] && number['b'] && number['c']);
    assert_true(number['a'] != number['b'] && number['b'] != number['c'] && number['a'] != number['c']);
    pea__data_free(data);
    pea__pairs_free(&pairs);
}

/* Slices of a stack in files: as arrays. Then every second of them. */
static void slices_of_files_are_those_of_arrays(void **state)
{
    pea_error err;
    pea__data *data[2] = {NULL, NULL}, *thin[2] = {NULL, NULL};
    pea__pairs pairs = {0};
    pea_array labels = labels_of(3);
    pea__data_options volume = volumes;
    (void)state;
    volume.normalise = PEA_NORMALISE_MINMAX;
    for (int i = 0; i < 3 * N; i++)
        numbers[i] = (uint32_t)(i % 11);
    write_labels(&labels);
    uint16_t words[3 * N];
    for (int i = 0; i < 3 * N; i++)
        words[i] = (uint16_t)numbers[i];
    const pea_array as_file = {words, PEA_UINT16, labels.dims};
    for (int lent = 0; lent < 2; lent++) {
        pea__pairs coarse;
        if (lent)
            assert_ok(pea__pairs_add_arrays(&pairs, "x", &as_file, &labels, false, &err));
        else
            assert_non_null(pea__pairs_add(&pairs, "x", label_path, label_path, &err));
        pairs.pair[0].first_slice = 1;
        pairs.pair[0].end_slice = 3;
        assert_ok(pea__data_read(&pairs, &planes, NULL, &data[lent], &err));
        assert_int_equal(pea__data_count(data[lent], false), 2);
        pairs.pair[0].first_slice = 0;
        assert_ok(pea__pairs_thin(&pairs, &(int64_t){2}, 1, &coarse, &err));
        assert_int_equal(coarse.n, 2);
        assert_ok(pea__data_read(&coarse, &volume, NULL, &thin[lent], &err));
        pea__pairs_free(&coarse);
        pea__pairs_free(&pairs);
    }
    for (int lent = 0; lent < 2; lent++) {
        const pea__specimen even = pea__data_get(thin[lent], false, 0), odd = pea__data_get(thin[lent], false, 1);
        assert_true(even.image.dims.z == 2 && odd.image.dims.z == 1);
        assert_memory_equal(even.labels.data, numbers, N * 4);
        assert_memory_equal((uint32_t *)even.labels.data + N, numbers + 2 * N, N * 4);
        assert_memory_equal(odd.labels.data, numbers + N, N * 4);
        assert_memory_equal((uint16_t *)even.image.data + N, words + 2 * N, N * 2);
        assert_memory_equal(odd.image.data, words + N, N * 2);
        const pea_calibration size = pea__data_pixel_size(thin[lent]);
        assert_true(size.z == (lent ? 1.0 : 2.0) && size.x == 1.0);
        pea__data_free(thin[lent]);
    }
    for (size_t i = 0; i < 2; i++) {
        const pea__specimen a = pea__data_get(data[0], false, i), b = pea__data_get(data[1], false, i);
        assert_int_equal(a.image.dtype, b.image.dtype);
        assert_memory_equal(a.image.data, b.image.data, N * 2);
        assert_memory_equal(a.labels.data, b.labels.data, N * 4);
        assert_memory_equal(a.labels.data, numbers + N * (i + 1), N * 4);
    }
    assert_true(pea__data_fingerprint(data[0]) == pea__data_fingerprint(data[1]));
    pea__data_free(data[0]);
    pea__data_free(data[1]);
}

static void pixel_sizes_are_those_of_the_files_if_they_agree(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    pea__data *data = NULL;
    pea_calibration size = {.z = 2.0, .y = 0.5, .x = 0.25, .unit = "um"};
    pea_array labels = labels_of(1);
    (void)state;
    for (int i = 0; i < N; i++)
        numbers[i] = (uint32_t)(i % 11);
    assert_ok(pea_labels_write(label_path, &labels, 1, &size, NULL, &err));
    assert_non_null(pea__pairs_add(&pairs, "x", label_path, label_path, &err));
    assert_ok(pea__data_read(&pairs, &planes, NULL, &data, &err));
    size = pea__data_pixel_size(data);
    assert_true(size.y == 0.5 && size.x == 0.25);
    assert_string_equal(size.unit, "um");
    pea__data_free(data);
    const pea_array image = image_of(1, 1);
    assert_ok(pea_png_write(image_path, &image, NULL, &err)); /* which has no size */
    assert_non_null(pea__pairs_add(&pairs, "y", image_path, label_path, &err));
    assert_ok(pea__data_read(&pairs, &planes, NULL, &data, &err));
    assert_string_equal(pea__data_pixel_size(data).unit, "pixel");
    assert_string_equal(pea__data_notes(data), "training images differ in pixel size");
    pea__data_free(data);
    pea__pairs_free(&pairs);
}

/* Read once, drawn twice as often; arrays are never taken for the same. */
static void what_is_listed_twice_is_read_once(void **state)
{
    pea_error err;
    pea__pairs pairs = {0};
    pea__data *data = NULL;
    uint64_t once, twice, beyond, fingerprint[2];
    const pea_array image = image_of(1, 3), labels = labels_of(1);
    (void)state;
    assert_ok(pea_png_write(image_path, &image, NULL, &err));
    write_labels(&labels);
    for (int i = 0; i < 2; i++) {
        assert_ok(pea__pairs_add_folder(&pairs, folder, NULL, NULL, false, &err));
        assert_ok(pea__data_forecast(&pairs, &planes, i ? &twice : &once, &beyond, &err));
        assert_ok(pea__data_read(&pairs, &planes, NULL, &data, &err));
        assert_int_equal(pea__data_count(data, false), i + 1);
        assert_ptr_equal(pea__data_get(data, false, 0).image.data, pea__data_get(data, false, (size_t)i).image.data);
        fingerprint[i] = pea__data_fingerprint(data);
        pea__data_free(data);
    }
    assert_true(fingerprint[0] != fingerprint[1]);
    assert_ok(pea__pairs_add_folder(&pairs, folder, NULL, NULL, true, &err));
    assert_ok(pea__pairs_add_folder(&pairs, folder, NULL, NULL, true, &err));
    assert_ok(pea__data_read(&pairs, &planes, NULL, &data, &err));
    assert_int_equal(pea__data_count(data, false), 2);
    assert_int_equal(pea__data_count(data, true), 1);
    pea__data_free(data);
    assert_int_equal(twice - once, once - N * 7); /* the voxels are not there again */
    pea__pairs_free(&pairs);
    for (int i = 0; i < 2; i++)
        assert_ok(pea__pairs_add_arrays(&pairs, "a", &image, &labels, false, &err));
    assert_int_equal(pea__pairs_first_alike(&pairs, 1), 1);
    pea__pairs_free(&pairs);
}

static void fingerprints_tell_data_apart(void **state)
{
    pea_error err;
    uint64_t seen[4];
    pea_array image = image_of(2, 1), labels = labels_of(2);
    (void)state;
    for (int i = 0; i < 4; i++) {
        pea__data *data = NULL;
        bytes[5] = (uint8_t)(bytes[5] + (i == 1));
        numbers[2 * N - 1] += i == 2;
        image.dims.z = labels.dims.z = i == 3 ? 1 : 2;
        assert_ok(read_arrays(&image, &labels, &planes, NULL, &data, &err));
        seen[i] = pea__data_fingerprint(data);
        for (int k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
        pea__data_free(data);
    }
}

/* ---- memory ---- */

static void more_than_is_allowed_is_refused_before_reading(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    uint64_t held, beyond;
    pea__pairs pairs = {0};
    const pea_array image = image_of(1, 3), labels = labels_of(1);
    (void)state;
    assert_ok(pea_png_write(image_path, &image, NULL, &err));
    write_labels(&labels);
    assert_ok(pea__pairs_add_folder(&pairs, folder, NULL, NULL, false, &err));
    assert_ok(pea__data_forecast(&pairs, &planes, &held, &beyond, &err));
    assert_in_range(held, N * (3 + 4), N * (3 + 4) + 1024);
    assert_int_equal(beyond, N * 4);
    pea_context *context = test_context(1, held + beyond - 1);
    assert_fails(pea__data_read(&pairs, &planes, context, &data, &err), PEA_E_LIMIT, "1 images and their labels need");
    pea_context_limit_memory(context, held + beyond);
    assert_ok(pea__data_read(&pairs, &planes, context, &data, &err));
    assert_int_equal(pea__data_bytes(data), held);
    pea__data_free(data);
    pea_context_free(context);
    pea__pairs_free(&pairs);
}

static pea_status read_once(void *argument, pea_error *err)
{
    pea__data *data = NULL;
    const pea_status status = read_folder(argument, NULL, &data, err);
    pea__data_free(data);
    return status;
}

static void each_allocation_may_fail(void **state)
{
    pea_error err;
    pea__data_options options = planes;
    const pea_array image = image_of(1, 1), labels = labels_of(1);
    (void)state;
    assert_ok(pea_png_write(image_path, &image, NULL, &err));
    write_labels(&labels);
    test_each_allocation_failing(read_once, &options, 400);
    options.n_axes = 3;
    options.channels = 1;
    options.widen = true;
    test_each_allocation_failing(read_once, &options, 400);
}

static void wrong_options_are_refused(void **state)
{
    pea_error err;
    pea__data *data = NULL;
    pea__data_options options = planes;
    const pea_array image = image_of(1, 1), labels = labels_of(1);
    (void)state;
    options.n_axes = 4;
    assert_refused(image, labels, options, PEA_E_ARG, "2 or 3 axes");
    options = planes;
    options.channels = 17;
    assert_refused(image, labels, options, PEA_E_ARG, "1 to 16 channels");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(arrays_are_lent_and_labels_copied),
    cmocka_unit_test(volumes_stay_whole_and_are_widened_for_training),
    cmocka_unit_test(widening_is_the_published_one),
    cmocka_unit_test(widening_is_as_defined),
    cmocka_unit_test(wrong_shapes_are_refused),
    cmocka_unit_test(wrong_values_are_refused),
    cmocka_unit_test(nothing_to_learn_is_refused),
    cmocka_unit_test(masks_are_recognised),
    cmocka_unit_test_setup_teardown(files_are_read, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(files_in_the_way_of_labels_are_named, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(published_masks_are_parts_of_the_first_channel, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(slices_of_files_are_those_of_arrays, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(pixel_sizes_are_those_of_the_files_if_they_agree, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(what_is_listed_twice_is_read_once, open_folder, remove_folder),
    cmocka_unit_test(fingerprints_tell_data_apart),
    cmocka_unit_test_setup_teardown(more_than_is_allowed_is_refused_before_reading, open_folder, remove_folder),
    cmocka_unit_test_setup_teardown(each_allocation_may_fail, open_folder, remove_folder),
    cmocka_unit_test(wrong_options_are_refused),
};

PEA_TEST_MAIN(tests)
