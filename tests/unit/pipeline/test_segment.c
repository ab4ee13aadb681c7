/* test_segment.c - the whole way from an image to labels, against foreseen answers and against the same steps by hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/cluster.h"
#include "pipeline/pipeline.h"
#include "pipeline/toy_model.h"
#include "threads.h"

/* Two bright squares on a dark ground, in every plane. */
enum { SIDE = 40 };

static bool bright(int64_t y, int64_t x)
{
    return y >= 8 && y < 24 && ((x >= 4 && x < 16) || (x >= 24 && x < 36));
}

static pea_volume squares(int64_t z, int64_t channels)
{
    pea_error err;
    pea_volume image;
    assert_ok(pea_volume_alloc(PEA_UINT8, (pea_dims){z, SIDE, SIDE, channels}, &image, &err));
    uint8_t *v = image.array.data;
    for (int64_t i = 0; i < z * SIDE * SIDE; i++)
        for (int64_t c = 0; c < channels; c++)
            *v++ = bright(i / SIDE % SIDE, i % SIDE) ? 255 : 0;
    return image;
}

static pea_volume random_image(pea_dtype dtype, pea_dims dims, uint64_t seed)
{
    pea_error err;
    pea_volume image;
    assert_ok(pea_volume_alloc(dtype, dims, &image, &err));
    uint8_t *v = image.array.data;
    for (int64_t i = 0; i < dims.z * dims.y * dims.x * dims.c * (int64_t)pea_dtype_size_bytes(dtype); i++)
        v[i] = (uint8_t)(test_random(&seed) >> 8);
    return image;
}

static pea_volume labels_for(const pea_volume *image)
{
    pea_error err;
    pea_volume labels;
    pea_dims d = image->array.dims;
    d.c = 1;
    assert_ok(pea_volume_alloc(PEA_UINT32, d, &labels, &err));
    return labels;
}

static uint32_t at(const pea_volume *labels, int64_t z, int64_t y, int64_t x)
{
    const pea_dims d = labels->array.dims;
    return ((const uint32_t *)labels->array.data)[(z * d.y + y) * d.x + x];
}

static void free_all(pea_model *model, pea_volume *a, pea_volume *b)
{
    pea_model_free(model);
    pea_volume_free(a);
    pea_volume_free(b);
}

static void bright_squares_become_instances(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_volume image = squares(1, 3), labels = labels_for(&image);
    (void)state;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, NULL, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 2);
    assert_int_equal(at(&labels, 0, 16, 10), 1);
    assert_int_equal(at(&labels, 0, 16, 30), 2);
    assert_int_equal(at(&labels, 0, 2, 2), 0);
    assert_int_equal(at(&labels, 0, 16, 20), 0);
    assert_int_equal(at(&labels, 0, 39, 39), 0);
    free_all(model, &image, &labels);
}

static void without_foreground_the_ground_is_an_instance_too(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    pea_volume image = squares(1, 3), labels = labels_for(&image);
    (void)state;
    o.foreground = PEA_FOREGROUND_NONE;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
    assert_true(n >= 3);
    assert_int_equal(at(&labels, 0, 0, 0), 1);
    assert_int_equal(at(&labels, 0, 39, 39), 1);
    assert_true(at(&labels, 0, 16, 10) != 1 && at(&labels, 0, 16, 30) != 1);
    assert_true(at(&labels, 0, 16, 10) != at(&labels, 0, 16, 30));
    free_all(model, &image, &labels);
}

static void masks_of_caller_and_network_are_both_obeyed(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    pea_volume image = squares(1, 3), labels = labels_for(&image), mask;
    (void)state;
    assert_ok(pea_volume_alloc(PEA_UINT8, labels.array.dims, &mask, &err));
    memset(mask.array.data, 0, SIDE * SIDE);
    for (int y = 0; y < SIDE; y++)
        memset((uint8_t *)mask.array.data + y * SIDE + 20, 7, 20); /* the right half */
    assert_ok(pea_segment(model, NULL, &image.array, &mask.array, NULL, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 1);
    assert_true(at(&labels, 0, 16, 10) == 0 && at(&labels, 0, 16, 30) == 1 && at(&labels, 0, 2, 30) == 0);
    o.foreground = PEA_FOREGROUND_GIVEN;
    assert_ok(pea_segment(model, NULL, &image.array, &mask.array, &o, &labels.array, &n, NULL, &err));
    assert_true(at(&labels, 0, 16, 10) == 0 && at(&labels, 0, 2, 30) == 1 && at(&labels, 0, 16, 30) > 1);
    pea_volume_free(&mask);
    free_all(model, &image, &labels);
}

static void small_instances_vanish_where_asked(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    pea_volume image = squares(1, 3), labels = labels_for(&image);
    (void)state;
    o.min_size = 1000;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 0);
    o.min_size = 0;
    o.min_foreground_size = 1000;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 0);
    free_all(model, &image, &labels);
}

static void planes_of_a_stack_are_numbered_on(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_volume image = squares(3, 3), labels = labels_for(&image);
    (void)state;
    memset((uint8_t *)image.array.data + SIDE * SIDE * 3, 0, SIDE * SIDE * 3); /* nothing in the middle one */
    assert_ok(pea_segment(model, NULL, &image.array, NULL, NULL, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 4);
    assert_true(at(&labels, 0, 16, 10) == 1 && at(&labels, 0, 16, 30) == 2);
    assert_true(at(&labels, 1, 16, 10) == 0 && at(&labels, 1, 16, 30) == 0);
    assert_true(at(&labels, 2, 16, 10) == 3 && at(&labels, 2, 16, 30) == 4);
    free_all(model, &image, &labels);
}

static void grey_images_feed_all_channels(void **state)
{
    pea_error err;
    uint32_t n, n_grey;
    pea_model *model = toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true}, toy_plane_record);
    pea_volume colour = squares(1, 3), grey = squares(1, 1), a = labels_for(&colour), b = labels_for(&grey);
    (void)state;
    assert_ok(pea_segment(model, NULL, &colour.array, NULL, NULL, &a.array, &n, NULL, &err));
    assert_ok(pea_segment(model, NULL, &grey.array, NULL, NULL, &b.array, &n_grey, NULL, &err));
    assert_int_equal(n, n_grey);
    assert_memory_equal(a.array.data, b.array.data, SIDE * SIDE * sizeof(uint32_t));
    pea_volume_free(&colour);
    pea_volume_free(&a);
    free_all(model, &grey, &b);
}

static void volumes_are_segmented_in_depth(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_volume_model();
    pea_volume image = squares(4, 1), labels = labels_for(&image);
    (void)state;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, NULL, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 3); /* the network passes the volume through unblurred */
    for (int64_t i = 0; i < 4 * SIDE * SIDE; i++) {
        const int64_t y = i / SIDE % SIDE, x = i % SIDE;
        assert_int_equal(((uint32_t *)labels.array.data)[i], !bright(y, x) ? 1 : x < 20 ? 2 : 3);
    }
    free_all(model, &image, &labels);
}

static void volume_model_takes_a_single_plane(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_volume_model();
    pea_volume image = squares(1, 1), labels = labels_for(&image);
    (void)state;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, NULL, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 3);
    free_all(model, &image, &labels);
}

static void one_voxel_is_one_instance_or_none(void **state)
{
    pea_error err;
    uint32_t n, label;
    uint8_t white = 255, black = 0;
    pea_model *models[2] = {toy_plane_model(), toy_volume_model()};
    const pea_array labels = {&label, PEA_UINT32, {1, 1, 1, 1}};
    pea_array image = {&white, PEA_UINT8, {1, 1, 1, 1}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        image.data = &white;
        assert_ok(pea_segment(models[i], NULL, &image, NULL, NULL, &labels, &n, NULL, &err));
        assert_true(n == 1 && label == 1);
    }
    image.data = &black;
    assert_ok(pea_segment(models[0], NULL, &image, NULL, NULL, &labels, &n, NULL, &err));
    assert_true(n == 0 && label == 0);
    pea_model_free(models[0]);
    pea_model_free(models[1]);
}

static void thin_images_are_segmented(void **state)
{
    const pea_dims shapes[] = {{1, 1, 50, 1}, {1, 50, 1, 1}, {1, 2, 3, 1}, {5, 1, 1, 1}};
    pea_error err;
    uint32_t n;
    pea_model *models[2] = {toy_plane_model(), toy_volume_model()};
    (void)state;
    for (int i = 0; i < 8; i++)
        for (int padding = 0; padding < 3; padding++) {
            pea_volume image = random_image(PEA_UINT8, shapes[i / 2], (uint64_t)i), labels = labels_for(&image);
            pea_segment_options o = pea_model_options(models[i % 2]);
            o.padding = (pea_padding)padding;
            o.cluster_padded = padding == 1;
            assert_ok(pea_segment(models[i % 2], NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
            pea_volume_free(&image);
            pea_volume_free(&labels);
        }
    pea_model_free(models[0]);
    pea_model_free(models[1]);
}

static void constant_images_of_every_type_are_fine(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    (void)state;
    for (int dtype = PEA_UINT8; dtype <= PEA_FLOAT64; dtype++)
        for (int rule = 0; rule < 3; rule++) {
            pea_volume image, labels;
            assert_ok(pea_volume_alloc((pea_dtype)dtype, (pea_dims){1, 20, 20, 1}, &image, &err));
            labels = labels_for(&image);
            o.normalise = (pea_normalise)rule;
            o.foreground = PEA_FOREGROUND_NONE;
            assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
            assert_int_equal(n, 1);
            o.foreground = PEA_FOREGROUND_PREDICTED;
            assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
            assert_int_equal(n, 0);
            pea_volume_free(&image);
            pea_volume_free(&labels);
        }
    pea_model_free(model);
}

/* Isolated voxels of a mask are instances of their own. */
static void more_instances_than_sixteen_bits_are_counted(void **state)
{
    enum { Y = 514, X = 512 };
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_segment_options o = pea_model_options(model);
    pea_volume image, mask, labels;
    (void)state;
    assert_ok(pea_volume_alloc(PEA_UINT8, (pea_dims){1, Y, X, 1}, &image, &err));
    assert_ok(pea_volume_alloc(PEA_UINT8, (pea_dims){1, Y, X, 1}, &mask, &err));
    labels = labels_for(&image);
    for (int i = 0; i < Y * X; i++)
        ((uint8_t *)mask.array.data)[i] = i / X % 2 == 0 && i % X % 2 == 0;
    o.foreground = PEA_FOREGROUND_GIVEN;
    assert_ok(pea_segment(model, NULL, &image.array, &mask.array, &o, &labels.array, &n, NULL, &err));
    assert_int_equal(n, Y / 2 * (X / 2));
    assert_true(n > 65535);
    assert_int_equal(at(&labels, 0, Y - 2, X - 2), n);
    pea_volume_free(&mask);
    free_all(model, &image, &labels);
}

/* ---- the same steps by hand ---- */

/* As a ball between two walls. */
static int64_t mirrored(int64_t i, int64_t n)
{
    int64_t place = 0, direction = 1;
    for (int64_t steps = i < 0 ? -i : i; steps > 0 && n > 1; steps--) {
        if (place + direction < 0 || place + direction >= n)
            direction = -direction;
        place += direction;
    }
    return place;
}

static void forward(const pea_model *model, const pea_array *input, const pea_array *embedding)
{
    pea_error err;
    pea_array outputs[8] = {{0}};
    const pea_network *network = pea_model_network(model);
    outputs[pea_network_find_head(network, "embedding")] = *embedding;
    assert_ok(pea_network_forward(network, NULL, PEA_FP32, input, outputs, &err));
}

/* Leaves: mirrored to a square, clustered there inside the padded mask, merged there, cropped at last. */
static void padded_clustering_is_the_published_sequence(void **state)
{
    enum { Y = 43, X = 37, S = 48, TOP = 2, LEFT = 5, E = 2 };
    static float input[S * S * 3], embedding[S * S * E], affinity[S * S * 10];
    static uint32_t padded[S * S], expected[Y * X];
    static uint8_t padded_mask[S * S], mask[Y * X];
    const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    uint64_t seed = 3;
    uint32_t n, n_expected;
    pea_error err;
    pea_segment_options o;
    pea_model *model = toy_plane_model();
    pea_volume image = random_image(PEA_UINT8, (pea_dims){1, Y, X, 3}, 5), labels = labels_for(&image);
    pea_segment_details details = {.want_affinity = 1};
    (void)state;
    assert_ok(pea_preset("cvppp", &o, &err));
    for (int i = 0; i < Y * X * 3; i++) /* blocks, each of one colour */
        ((uint8_t *)image.array.data)[i] =
            (uint8_t)(255.0 * test_u((uint32_t)(i / 3 / X / 9), (uint32_t)(i / 3 % X / 8)));
    for (int i = 0; i < Y * X; i++)
        mask[i] = (uint8_t)(test_random(&seed) % 8 ? 9 : 0);
    for (int y = 0; y < S; y++)
        for (int x = 0; x < S; x++) {
            const int64_t from = mirrored(y - TOP, Y) * X + mirrored(x - LEFT, X);
            for (int c = 0; c < 3; c++)
                input[(y * S + x) * 3 + c] =
                    ((float)((uint8_t *)image.array.data)[from * 3 + c] / 255.0f - mean[c]) / deviation[c];
            const bool in = y >= TOP && y < TOP + Y && x >= LEFT && x < LEFT + X;
            padded_mask[y * S + x] = in && mask[(y - TOP) * X + x - LEFT];
        }
    const pea_array e = {embedding, PEA_FLOAT32, {1, S, S, E}}, a = {affinity, PEA_FLOAT32, {1, S, S, 10}},
                    l = {padded, PEA_UINT32, {1, S, S, 1}}, m = {padded_mask, PEA_UINT8, {1, S, S, 1}},
                    cropped = {expected, PEA_UINT32, {1, Y, X, 1}}, given = {mask, PEA_UINT8, {1, Y, X, 1}};
    forward(model, &(pea_array){input, PEA_FLOAT32, {1, S, S, 3}}, &e);
    pea_affinity_options affinities = pea_affinity_options_default();
    pea_mutex_options mutex = pea_mutex_options_default();
    affinities.stride[1] = affinities.stride[2] = mutex.stride[1] = mutex.stride[2] = 5;
    assert_ok(pea_affinity_from_embedding(&e, &o.offsets, &affinities, NULL, &a, &err));
    assert_ok(pea_mutex_watershed(&a, &o.offsets, &m, &mutex, NULL, &l, NULL, &err));
    assert_ok(pea_merge_small(&l, o.merge, o.n_merge, NULL, &err));
    for (int y = 0; y < Y; y++)
        memcpy(expected + y * X, padded + (y + TOP) * S + LEFT, X * sizeof *padded);
    assert_ok(pea_relabel(&cropped, NULL, &n_expected, &err));

    assert_ok(pea_segment(model, NULL, &image.array, &given, &o, &labels.array, &n, &details, &err));
    assert_int_equal(n, n_expected);
    assert_true(n > 1);
    assert_memory_equal(labels.array.data, expected, sizeof expected);
    assert_memory_equal(&details.offsets, &o.offsets, sizeof o.offsets);
    assert_ok(pea_affinity_from_embedding(&e, &o.offsets, NULL, NULL, &a, &err)); /* every edge is shown */
    for (int y = 0; y < Y; y++)
        assert_memory_equal((float *)details.affinity.array.data + y * X * 10, affinity + ((y + TOP) * S + LEFT) * 10,
                            X * 10 * sizeof(float));
    pea_segment_details_free(&details);
    free_all(model, &image, &labels);
}

/* Nuclei: zeros around, everything cropped before anything else happens. */
static void cropped_clustering_is_the_published_sequence(void **state)
{
    enum { Y = 20, X = 50, S = 64, TOP = 22, LEFT = 7, E = 2 };
    static float input[S * S * 3], embedding[S * S * E], cut[Y * X * E], affinity[Y * X * 10];
    static uint32_t expected[Y * X];
    uint32_t n;
    pea_error err;
    pea_segment_options o;
    pea_model *model = toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true}, toy_plane_record);
    pea_volume image = random_image(PEA_UINT16, (pea_dims){1, Y, X, 1}, 8), labels = labels_for(&image);
    const uint16_t *v = image.array.data;
    uint16_t low = 65535, high = 0;
    (void)state;
    assert_ok(pea_preset("bbbc039", &o, &err));
    o.foreground = PEA_FOREGROUND_NONE;
    for (int i = 0; i < Y * X; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    for (int i = 0; i < Y * X; i++)
        for (int c = 0; c < 3; c++)
            input[((i / X + TOP) * S + i % X + LEFT) * 3 + c] = ((float)v[i] - (float)low) / ((float)high - (float)low);
    forward(model, &(pea_array){input, PEA_FLOAT32, {1, S, S, 3}}, &(pea_array){embedding, PEA_FLOAT32, {1, S, S, E}});
    for (int i = 0; i < Y * X; i++)
        memcpy(cut + i * E, embedding + ((i / X + TOP) * S + i % X + LEFT) * E, E * sizeof *cut);
    const pea_array e = {cut, PEA_FLOAT32, {1, Y, X, E}}, a = {affinity, PEA_FLOAT32, {1, Y, X, 10}},
                    l = {expected, PEA_UINT32, {1, Y, X, 1}};
    pea_mutex_options mutex = pea_mutex_options_default();
    mutex.stride[1] = mutex.stride[2] = 10;
    assert_ok(pea_affinity_from_embedding(&e, &o.offsets, NULL, NULL, &a, &err));
    assert_ok(pea_mutex_watershed(&a, &o.offsets, NULL, &mutex, NULL, &l, NULL, &err));
    assert_ok(pea_merge_small(&l, o.merge, o.n_merge, NULL, &err));
    assert_ok(pea_relabel(&l, NULL, NULL, &err));
    assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
    assert_memory_equal(labels.array.data, expected, sizeof expected);
    free_all(model, &image, &labels);
}

/* Neurons: the whole volume padded, tiles in order, sums and weights on the padded grid, cropped at last. */
static void tiled_volume_is_the_published_sequence(void **state)
{
    enum { Z = 7, Y = 30, X = 21, PZ = Z + 2, PY = Y + 8, PX = X + 8, TZ = 3, T = 16, E = 2, K = 6, N = TZ * T * T };
    static float padded[PZ * PY * PX], input[N], embedding[N * E], affinity[N * K], weights[N], norm[PZ * PY * PX],
        sum[PZ * PY * PX * K], expected[Z * Y * X * K];
    static uint32_t expected_labels[Z * Y * X];
    const int starts_z[4] = {0, 2, 4, 6}, starts_y[4] = {0, 8, 16, 22}, starts_x[3] = {0, 8, 13};
    uint32_t n;
    pea_error err;
    pea_segment_details details = {.want_affinity = 1};
    pea_model *model = toy_model_with((toy){.n_axes = 3, .in_channels = 1, .random = true}, toy_volume_record);
    pea_segment_options o = pea_model_options(model);
    pea_volume image = random_image(PEA_UINT8, (pea_dims){Z, Y, X, 1}, 8), labels = labels_for(&image);
    (void)state;
    memcpy(o.tile, (const int64_t[]){TZ, T, T}, sizeof o.tile);
    memcpy(o.tile_step, (const int64_t[]){2, 8, 8}, sizeof o.tile_step);
    memcpy(o.tile_margin, (const int64_t[]){1, 4, 4}, sizeof o.tile_margin);
    for (int i = 0; i < PZ * PY * PX; i++) {
        const int64_t z = mirrored(i / PX / PY - 1, Z), y = mirrored(i / PX % PY - 4, Y), x = mirrored(i % PX - 4, X);
        padded[i] = (float)((uint8_t *)image.array.data)[(z * Y + y) * X + x] / 255.0f;
    }
    pea__tile_weights(TZ, T, T, weights);
    pea_affinity_options copy = pea_affinity_options_default();
    copy.border = PEA_BORDER_COPY;
    for (int tile = 0; tile < 4 * 4 * 3; tile++) {
        int place[N];
        for (int i = 0; i < N; i++) {
            place[i] = ((starts_z[tile / 12] + i / T / T) * PY + starts_y[tile / 3 % 4] + i / T % T) * PX +
                       starts_x[tile % 3] + i % T;
            input[i] = padded[place[i]];
        }
        const pea_array e = {embedding, PEA_FLOAT32, {TZ, T, T, E}}, a = {affinity, PEA_FLOAT32, {TZ, T, T, K}};
        forward(model, &(pea_array){input, PEA_FLOAT32, {TZ, T, T, 1}}, &e);
        assert_ok(pea_affinity_from_embedding(&e, &o.offsets, &copy, NULL, &a, &err));
        for (int i = 0; i < N; i++) {
            norm[place[i]] += weights[i];
            for (int k = 0; k < K; k++)
                sum[place[i] * K + k] += weights[i] * affinity[i * K + k];
        }
    }
    for (int i = 0; i < Z * Y * X; i++) {
        const int from = ((i / X / Y + 1) * PY + i / X % Y + 4) * PX + i % X + 4;
        for (int k = 0; k < K; k++)
            expected[i * K + k] = sum[from * K + k] / norm[from];
    }
    const pea_array a = {expected, PEA_FLOAT32, {Z, Y, X, K}}, l = {expected_labels, PEA_UINT32, {Z, Y, X, 1}};
    assert_ok(pea_mutex_watershed(&a, &o.offsets, NULL, NULL, NULL, &l, NULL, &err));
    assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, &details, &err));
    assert_memory_equal(details.affinity.array.data, expected, sizeof expected);
    assert_memory_equal(labels.array.data, expected_labels, sizeof expected_labels);
    assert_true(n > 1);
    pea_segment_details_free(&details);
    free_all(model, &image, &labels);
}

/* A network that predicts affinities itself: its numbers are clustered as they are. */
static void predicted_affinities_are_taken_as_they_are(void **state)
{
    static const char record[] =
        "{\"format_version\":1,\"normalise\":\"unit\",\"padding\":\"reflect-square\",\"clusterer\":"
        "\"mutex\",\"offsets\":[[-1,0],[0,-1],[-3,0],[0,-3]],\"strides\":[1,1],"
        "\"foreground\":\"given\"}";
    enum { Y = 20, X = 30, S = 32 };
    static float input[S * S * 3], affinity[S * S * 4], cut[Y * X * 4];
    static uint32_t expected[Y * X];
    uint32_t n;
    pea_error err;
    pea_segment_details details = {.want_affinity = 1};
    pea_model *model =
        toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true, .n_affinities = 4}, record);
    pea_volume image = random_image(PEA_UINT8, (pea_dims){1, Y, X, 3}, 8), labels = labels_for(&image);
    const uint8_t *v = image.array.data;
    pea_segment_options o = pea_model_options(model);
    (void)state;
    for (int i = 0; i < S * S; i++)
        for (int c = 0; c < 3; c++)
            input[i * 3 + c] = (float)v[(mirrored(i / S - 6, Y) * X + mirrored(i % S - 1, X)) * 3 + c] / 255.0f;
    const pea_array all[1] = {{affinity, PEA_FLOAT32, {1, S, S, 4}}};
    assert_ok(pea_network_forward(pea_model_network(model), NULL, PEA_FP32, &(pea_array){input, PEA_FLOAT32, {1, S, S, 3}}, all,
                                  &err));
    for (int i = 0; i < Y * X; i++)
        memcpy(cut + i * 4, affinity + ((i / X + 6) * S + i % X + 1) * 4, 4 * sizeof *cut);
    assert_ok(pea_mutex_watershed(&(pea_array){cut, PEA_FLOAT32, {1, Y, X, 4}}, &o.offsets, NULL, NULL, NULL,
                                  &(pea_array){expected, PEA_UINT32, {1, Y, X, 1}}, NULL, &err));
    for (int padded = 0; padded < 2; padded++) {
        o.cluster_padded = padded;
        assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, &details, &err));
        assert_memory_equal(details.affinity.array.data, cut, sizeof cut);
        if (!padded)
            assert_memory_equal(labels.array.data, expected, sizeof expected);
        pea_segment_details_free(&details);
    }
    free_all(model, &image, &labels);
}

static void volume_of_predicted_affinities_is_blended(void **state)
{
    static const char record[] = "{\"format_version\":1,\"normalise\":\"unit\",\"clusterer\":\"mutex\",\"offsets\":"
                                 "[[-1,0,0],[0,-1,0],[0,0,-1]],\"strides\":[1,1,1],\"foreground\":\"none\"}";
    pea_error err;
    uint32_t n;
    pea_segment_details details = {.want_affinity = 1};
    pea_model *model = toy_model_with((toy){.n_axes = 3, .in_channels = 1, .n_affinities = 3}, record);
    pea_volume image = squares(3, 1), labels = labels_for(&image);
    (void)state;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, NULL, &labels.array, &n, &details, &err));
    for (int i = 0; i < 3 * SIDE * SIDE * 3; i++) { /* the sigmoid of v in the first, of 0 in the others */
        const bool high = i % 3 == 0 && bright(i / 3 / SIDE % SIDE, i / 3 % SIDE);
        const double expected = high ? 1.0 / (1.0 + exp(-1.0)) : 0.5, found = ((float *)details.affinity.array.data)[i];
        if (fabs(found - expected) > 1e-4)
            fail_msg("affinity %d is %g, not %g", i, found, expected);
    }
    pea_segment_details_free(&details);
    free_all(model, &image, &labels);
}

/* ---- the same bytes ---- */

static void same_bytes_for_1_2_and_7_threads(void **state)
{
    const int n_threads[3] = {1, 2, 7};
    pea_model *models[2] = {toy_model_with((toy){.n_axes = 2, .in_channels = 3, .random = true}, toy_plane_record),
                            toy_model_with((toy){.n_axes = 3, .in_channels = 1, .random = true}, toy_volume_record)};
    pea_error err;
    (void)state;
    for (int m = 0; m < 2; m++) {
        pea_segment_options o = pea_model_options(models[m]);
        const pea_dims d = {m == 0 ? 2 : 6, 70, 50, 1};
        const size_t n_voxels = (size_t)(d.z * d.y * d.x);
        pea_volume image = random_image(PEA_UINT8, d, 11), first = {0};
        pea_segment_details first_details = {0};
        o.foreground = PEA_FOREGROUND_NONE;
        memcpy(o.tile, (const int64_t[]){4, 32, 32}, sizeof o.tile);
        memcpy(o.tile_step, (const int64_t[]){3, 16, 16}, sizeof o.tile_step);
        memcpy(o.tile_margin, (const int64_t[]){1, 8, 8}, sizeof o.tile_margin);
        for (int i = 0; i < 3; i++) {
            uint32_t n;
            pea_segment_details details = {.want_affinity = 1};
            pea_context *context = test_context(n_threads[i], 0);
            pea_volume labels = labels_for(&image);
            assert_ok(pea_segment(models[m], context, &image.array, NULL, &o, &labels.array, &n, &details, &err));
            assert_true(n > 1);
            pea_context_free(context);
            if (i == 0) {
                first = labels;
                first_details = details;
                continue;
            }
            assert_memory_equal(labels.array.data, first.array.data, n_voxels * sizeof(uint32_t));
            assert_memory_equal(details.affinity.array.data, first_details.affinity.array.data,
                                n_voxels * o.offsets.n * sizeof(float));
            pea_volume_free(&labels);
            pea_segment_details_free(&details);
        }
        pea_volume_free(&image);
        pea_volume_free(&first);
        pea_segment_details_free(&first_details);
        pea_model_free(models[m]);
    }
}

/* ---- the wrong thing ---- */

static void wrong_images_are_refused_in_words(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *plane = toy_plane_model(), *volume = toy_volume_model();
    pea_volume two = squares(1, 2), three = squares(1, 3), labels = labels_for(&three), deep = squares(2, 1);
    pea_array empty = three.array, bytes = labels.array, mask = labels.array, none = three.array;
    (void)state;
    assert_fails(pea_segment(plane, NULL, &two.array, NULL, NULL, &labels.array, &n, NULL, &err), PEA_E_SHAPE,
                 "has 2 channels but the model takes 3 or a single one: choose one (channel)");
    assert_fails(pea_segment(volume, NULL, &three.array, NULL, NULL, &labels.array, &n, NULL, &err), PEA_E_SHAPE,
                 "has 3 channels but the model takes 1: choose one (channel)");
    assert_fails(pea_segment(plane, NULL, &deep.array, NULL, NULL, &labels.array, &n, NULL, &err), PEA_E_SHAPE,
                 "the image is 2 x 40 x 40");
    empty.dims.y = 0;
    assert_fails(pea_segment(plane, NULL, &empty, NULL, NULL, &labels.array, &n, NULL, &err), PEA_E_SHAPE, "y 0");
    none.data = NULL;
    assert_fails(pea_segment(plane, NULL, &none, NULL, NULL, &labels.array, &n, NULL, &err), PEA_E_ARG, "is missing");
    bytes.dtype = PEA_UINT8;
    assert_fails(pea_segment(plane, NULL, &three.array, NULL, NULL, &bytes, &n, NULL, &err), PEA_E_DTYPE, "uint32");
    assert_fails(pea_segment(plane, NULL, &three.array, &mask, NULL, &labels.array, &n, NULL, &err),
                 PEA_E_DTYPE, "uint8");
    mask.dtype = PEA_UINT8;
    mask.dims.c = 2;
    assert_fails(pea_segment(plane, NULL, &three.array, &mask, NULL, &labels.array, &n, NULL, &err), PEA_E_SHAPE,
                 "the mask must have 1 channel");
    assert_fails(pea_segment(NULL, NULL, &three.array, NULL, NULL, &labels.array, &n, NULL, &err), PEA_E_ARG, "model");
    pea_volume_free(&two);
    pea_volume_free(&three);
    pea_model_free(volume);
    free_all(plane, &labels, &deep);
}

static void wrong_options_are_refused_in_words(void **state)
{
    pea_error err;
    pea_model *plane = toy_plane_model(), *volume = toy_volume_model();
    pea_volume image = squares(1, 1), labels = labels_for(&image);
    const pea_segment_options good = pea_model_options(plane);
    pea_segment_options o;
    (void)state;
#define REFUSED(model, change, text)                                                                                  \
    do {                                                                                                              \
        o = good;                                                                                                     \
        change;                                                                                                       \
        assert_fails(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, NULL, NULL, &err), PEA_E_ARG,    \
                     text);                                                                                           \
    } while (0)
    REFUSED(plane, o.struct_size = 0, "not initialised");
    REFUSED(plane, o.offsets = pea_offsets_3d_default(), "2-D, so its offsets need 2 axes, not 3");
    REFUSED(volume, (void)0, "3-D, so its offsets need 3 axes, not 2");
    REFUSED(plane, o.foreground_threshold = 1.0, "foreground_threshold");
    REFUSED(plane, o.foreground_threshold = NAN, "foreground_threshold");
    REFUSED(plane, o.min_size = -1, "must not be negative");
    REFUSED(plane, o.stride[2] = 0, "strides must be at least 1");
    REFUSED(plane, o.n_merge = 9, "more than 8");
    REFUSED(plane, (o.n_merge = 1, o.merge[0].window = 0), "merge pass 1");
    REFUSED(plane, o.normalise = (pea_normalise)5, "normalise has no choice");
    REFUSED(plane, o.padding = (pea_padding)5, "padding has no choice");
    REFUSED(plane, o.foreground = (pea_foreground)5, "foreground has no choice");
    REFUSED(plane, o.border = (pea_border)5, "border has no choice");
    REFUSED(plane, o.clusterer = (pea_clusterer)5, "clusterer has no choice");
    REFUSED(plane, (o.clusterer = PEA_CLUSTER_MULTICUT, o.offsets.step[0].y = -2),
            "clusterer 'multicut' needs direct neighbours");
    REFUSED(plane, (o.clusterer = PEA_CLUSTER_AGGLOMERATE, o.offsets.step[1] = (pea_offset){0, -1, -1}),
            "not (0,-1,0) and (0,-1,-1)");
    REFUSED(volume, (o = pea_model_options(volume), o.clusterer = PEA_CLUSTER_MEANSHIFT),
            "'meanshift' works on the embeddings of planes");
    REFUSED(volume, (o = pea_model_options(volume), o.foreground = PEA_FOREGROUND_PREDICTED), "predicts no foreground");
    REFUSED(volume, (o = pea_model_options(volume), o.normalise = PEA_NORMALISE_IMAGENET), "for 3 channels");
    REFUSED(volume, (o = pea_model_options(volume), o.tile[1] = 17), "multiple of 16");
    pea_model_free(volume);
    free_all(plane, &image, &labels);
}

/* A caller that knows only the first settings gets the model's for the others. */
static void options_of_an_older_caller_are_completed(void **state)
{
    pea_error err;
    uint32_t n;
    pea_model *model = toy_plane_model();
    pea_segment_options o;
    pea_volume image = squares(1, 3), labels = labels_for(&image);
    (void)state;
    memset(&o, 0xff, sizeof o);
    o.struct_size = offsetof(pea_segment_options, foreground_threshold);
    o.normalise = PEA_NORMALISE_UNIT;
    o.padding = PEA_PAD_REFLECT_END;
    o.cluster_padded = 0;
    o.foreground = PEA_FOREGROUND_PREDICTED;
    assert_ok(pea_segment(model, NULL, &image.array, NULL, &o, &labels.array, &n, NULL, &err));
    assert_int_equal(n, 2);
    free_all(model, &image, &labels);
}

static void values_that_are_not_finite_are_refused(void **state)
{
    static float v[SIDE * SIDE];
    static uint32_t l[SIDE * SIDE];
    pea_error err;
    pea_segment_details details = {.want_affinity = 1};
    pea_model *model = toy_plane_model();
    const pea_array image = {v, PEA_FLOAT32, {1, SIDE, SIDE, 1}}, labels = {l, PEA_UINT32, {1, SIDE, SIDE, 1}};
    (void)state;
    v[5 * SIDE + 6] = NAN;
    assert_fails(pea_segment(model, NULL, &image, NULL, NULL, &labels, NULL, &details, &err), PEA_E_FORMAT,
                 "nan at z 0, y 5, x 6");
    assert_null(details.affinity.array.data);
    v[5 * SIDE + 6] = 3e38f; /* a number, but four times it is none */
    assert_fails(pea_segment(model, NULL, &image, NULL, NULL, &labels, NULL, NULL, &err), PEA_E_ARG,
                 "the network's result is not finite");
    pea_model_free(model);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bright_squares_become_instances),
    cmocka_unit_test(without_foreground_the_ground_is_an_instance_too),
    cmocka_unit_test(masks_of_caller_and_network_are_both_obeyed),
    cmocka_unit_test(small_instances_vanish_where_asked),
    cmocka_unit_test(planes_of_a_stack_are_numbered_on),
    cmocka_unit_test(grey_images_feed_all_channels),
    cmocka_unit_test(volumes_are_segmented_in_depth),
    cmocka_unit_test(volume_model_takes_a_single_plane),
    cmocka_unit_test(one_voxel_is_one_instance_or_none),
    cmocka_unit_test(thin_images_are_segmented),
    cmocka_unit_test(constant_images_of_every_type_are_fine),
    cmocka_unit_test(more_instances_than_sixteen_bits_are_counted),
    cmocka_unit_test(padded_clustering_is_the_published_sequence),
    cmocka_unit_test(cropped_clustering_is_the_published_sequence),
    cmocka_unit_test(tiled_volume_is_the_published_sequence),
    cmocka_unit_test(predicted_affinities_are_taken_as_they_are),
    cmocka_unit_test(volume_of_predicted_affinities_is_blended),
    cmocka_unit_test(same_bytes_for_1_2_and_7_threads),
    cmocka_unit_test(wrong_images_are_refused_in_words),
    cmocka_unit_test(wrong_options_are_refused_in_words),
    cmocka_unit_test(options_of_an_older_caller_are_completed),
    cmocka_unit_test(values_that_are_not_finite_are_refused),
};

PEA_TEST_MAIN(tests)
