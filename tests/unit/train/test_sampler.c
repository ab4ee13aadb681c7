/* test_sampler.c - batches: what they are made of, how often what happens, and that nothing but data, settings, seed
 * and step decides it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>
#include <time.h>

#include "pipeline/pipeline.h"
#include "threads.h"
#include "train/data.h"

/* ---- images ---- */

enum { MAX_IMAGES = 3, MAX_VOXELS = 100 * 120 };

static uint8_t bytes[MAX_IMAGES][MAX_VOXELS];
static uint32_t labels[MAX_IMAGES][MAX_VOXELS];

/* Random intensities, or with `as_labels` 255 where there is a label; labels of blocks of 9 x 7. */
static pea__data *make_data(const pea_dims *dims, size_t n, const pea__data_options *options, bool as_labels)
{
    pea_error err;
    pea__pairs pairs = {0};
    pea__data *data = NULL;
    char name[16];
    for (size_t k = 0; k < n; k++) {
        const pea_dims d = dims[k];
        const int64_t n_voxels = d.z * d.y * d.x;
        assert_true(n_voxels * d.c <= MAX_VOXELS);
        for (int64_t i = 0; i < n_voxels; i++) {
            const uint32_t y = (uint32_t)(i / d.x % d.y / 9), x = (uint32_t)(i % d.x / 7);
            labels[k][i] = (y + x) % 2 ? 1 + 100 * y + x : 0;
        }
        for (int64_t i = 0; i < n_voxels * d.c; i++)
            bytes[k][i] = (uint8_t)(as_labels ? (labels[k][i / d.c] ? 255 : 0)
                                              : (int)(256.0 * test_u((uint32_t)(60 + k), (uint32_t)i)));
        const pea_array image = {bytes[k], PEA_UINT8, d}, truth = {labels[k], PEA_UINT32, {d.z, d.y, d.x, 1}};
        snprintf(name, sizeof name, "image %zu", k);
        assert_ok(pea__pairs_add_arrays(&pairs, name, &image, &truth, false, &err));
    }
    assert_ok(pea__data_read(&pairs, options, NULL, &data, &err));
    pea__pairs_free(&pairs);
    return data;
}

static const pea__data_options grey_planes = {.n_axes = 2, .channels = 1, .normalise = PEA_NORMALISE_UNIT};
static const pea__data_options grey_volumes = {.n_axes = 3, .channels = 1, .normalise = PEA_NORMALISE_UNIT};

static pea__augmentation preset(const char *name, int64_t side)
{
    pea_error err;
    pea__augmentation how;
    assert_ok(pea__augmentation_preset(name, &how, &err));
    how.side = side;
    return how;
}

/* ---- batches ---- */

typedef struct batch {
    int64_t n, voxels, channels;
    float *view, *second;
    uint32_t *labels;
    pea__view *flips;
} batch;

static batch new_batch(int64_t n, const pea__augmentation *how, int64_t channels)
{
    batch b = {n, how->depth * how->side * how->side, channels, NULL, NULL, NULL, NULL};
    b.view = calloc((size_t)(n * b.voxels * channels), sizeof *b.view);
    b.second = calloc((size_t)(n * b.voxels * channels), sizeof *b.second);
    b.labels = calloc((size_t)(n * b.voxels), sizeof *b.labels);
    b.flips = calloc((size_t)n, sizeof *b.flips);
    assert_true(b.view && b.second && b.labels && b.flips);
    return b;
}

static void free_batch(batch *b)
{
    free(b->view);
    free(b->second);
    free(b->labels);
    free(b->flips);
}

static void fill(pea__sampler *sampler, uint64_t step, batch *b)
{
    pea_error err;
    const pea__batch_of_samples to = {b->view, b->second, b->labels, b->flips, false};
    assert_ok(pea__sampler_fill(sampler, step, &to, &err));
}

/* A batch made at once. */
static batch one_batch(const pea__data *data, const pea__augmentation *how, int64_t n, uint64_t seed, uint64_t step,
                       int n_threads)
{
    pea_error err;
    pea__sampler *sampler = NULL;
    pea_context *context = test_context(n_threads, 0);
    batch b = new_batch(n, how, pea__data_get_options(data).channels);
    assert_ok(pea__sampler_new(data, how, n, seed, context, &sampler, &err));
    fill(sampler, step, &b);
    pea__sampler_free(sampler);
    pea_context_free(context);
    return b;
}

static void assert_same(const batch *a, const batch *b)
{
    const size_t floats = (size_t)(a->n * a->voxels * a->channels) * sizeof *a->view;
    assert_memory_equal(a->view, b->view, floats);
    assert_memory_equal(a->second, b->second, floats);
    assert_memory_equal(a->labels, b->labels, (size_t)(a->n * a->voxels) * sizeof *a->labels);
    assert_memory_equal(a->flips, b->flips, (size_t)a->n * sizeof *a->flips);
}

/* ---- what a sample is made of ---- */

/* Of an image as large as the sample, nothing switched on: what the segmentation gives the network of it. */
static void plain_samples_are_what_images_are_segmented_from(void **state)
{
    static const pea_normalise rules[] = {PEA_NORMALISE_MINMAX, PEA_NORMALISE_UNIT, PEA_NORMALISE_IMAGENET};
    pea_error err;
    (void)state;
    for (int i = 0; i < 6; i++) {
        const pea_dims dims = {1, 48, 48, i % 2 ? 3 : 1};
        const pea__data_options options = {.n_axes = 2, .channels = 3, .normalise = rules[i / 2]};
        const pea__augmentation how = preset("none", 48);
        pea__data *data = make_data(&dims, 1, &options, false);
        const pea__specimen s = pea__data_get(data, false, 0);
        const pea__source source = {.image = s.image, .rule = rules[i / 2], .range = {s.min, s.max}};
        batch b = one_batch(data, &how, 2, 1, 0, 1);
        float expected[48 * 48 * 3];
        const pea_array box = {expected, PEA_FLOAT32, {1, 48, 48, 3}};
        assert_ok(pea__normalised_box(&source, 0, 0, 0, NULL, &box, &err));
        for (int k = 0; k < 2; k++) {
            assert_memory_equal(b.view + k * 48 * 48 * 3, expected, sizeof expected);
            assert_memory_equal(b.second + k * 48 * 48 * 3, expected, sizeof expected);
            assert_memory_equal(b.labels + k * 48 * 48, labels[0], 48 * 48 * sizeof *b.labels);
        }
        free_batch(&b);
        pea__data_free(data);
    }
}

/* Where a batch asks for it: of an image as large as sample and margin, what the margin leaves, whatever is switched on. */
static void plain_batches_are_parts_of_images(void **state)
{
    enum { DEPTH = 2, SIDE = 16, STEPS = 20 };
    pea__augmentation how = preset("em", SIDE);
    pea_error err;
    pea__sampler *sampler = NULL;
    (void)state;
    how.depth = DEPTH;
    how.margin = 8;
    how.border = 0;
    const int64_t wide = SIDE + 2 * how.margin;
    const pea_dims dims = {DEPTH, wide, wide, 1};
    pea__data *data = make_data(&dims, 1, &grey_volumes, false);
    batch b = new_batch(1, &how, 1);
    const pea__batch_of_samples to = {b.view, NULL, b.labels, b.flips, true};
    assert_ok(pea__sampler_new(data, &how, 1, 3, NULL, &sampler, &err));
    for (uint64_t step = 0; step < STEPS; step++) {
        assert_ok(pea__sampler_fill(sampler, step, &to, &err));
        for (int64_t i = 0; i < b.voxels; i++) {
            const int64_t z = i / (SIDE * SIDE), y = i / SIDE % SIDE + how.margin, x = i % SIDE + how.margin;
            assert_true(b.view[i] == (float)((double)bytes[0][(z * wide + y) * wide + x] / 255.0));
        }
    }
    pea__sampler_free(sampler);
    free_batch(&b);
    pea__data_free(data);
}

/* Every place of the image can be cut out, each as often: 21 x 41 places, of which rows and columns are counted. */
static void cuts_lie_anywhere_in_the_image(void **state)
{
    enum { SIDE = 16, Y = SIDE + 20, X = SIDE + 40, N = 40, STEPS = 50 };
    const pea_dims dims = {1, Y, X, 1};
    const pea__augmentation how = preset("none", SIDE);
    pea_error err;
    pea__sampler *sampler = NULL;
    pea__data *data = make_data(&dims, 1, &grey_planes, false);
    batch b = new_batch(N, &how, 1);
    int n_y[Y - SIDE + 1] = {0}, n_x[X - SIDE + 1] = {0};
    (void)state;
    assert_ok(pea__sampler_new(data, &how, N, 3, NULL, &sampler, &err));
    for (uint64_t step = 0; step < STEPS; step++) {
        fill(sampler, step, &b);
        for (int i = 0; i < N; i++) {
            int found = 0;
            for (int y = 0; y <= Y - SIDE; y++)
                for (int x = 0; x <= X - SIDE; x++) {
                    bool same = true;
                    for (int p = 0; p < SIDE * SIDE && same; p++)
                        same = b.view[i * SIDE * SIDE + p] ==
                               (float)(bytes[0][(y + p / SIDE) * X + x + p % SIDE] / 255.0);
                    found += same;
                    n_y[y] += same;
                    n_x[x] += same;
                }
            assert_int_equal(found, 1);
        }
    }
    for (int y = 0; y <= Y - SIDE; y++)
        assert_in_range(n_y[y], 95 - 50, 95 + 50);
    for (int x = 0; x <= X - SIDE; x++)
        assert_in_range(n_x[x], 49 - 36, 49 + 36);
    pea__sampler_free(sampler);
    free_batch(&b);
    pea__data_free(data);
}

/* The place whose voxels are those of the first slice of a sample. */
static void find_place(const batch *b, int64_t sample, int64_t side, int64_t width, int64_t n_places, int64_t at[2])
{
    int found = 0;
    for (int64_t i = 0; i < n_places * n_places; i++) {
        bool same = true;
        for (int64_t p = 0; p < side * side && same; p++)
            same = b->view[sample * b->voxels + p] ==
                   (float)(bytes[0][(i / n_places + p / side) * width + i % n_places + p % side] / 255.0);
        if (same) {
            at[0] = i / n_places;
            at[1] = i % n_places;
            found++;
        }
    }
    assert_int_equal(found, 1);
}

/* However wide the margin that transformations need: 45 x 45 places, none of which it takes away. */
static void samples_of_volumes_lie_anywhere(void **state)
{
    enum { SIDE = 16, WIDTH = 60, PLACES = WIDTH - SIDE + 1, N = 30, STEPS = 30 };
    const pea_dims dims = {1, WIDTH, WIDTH, 1};
    pea__augmentation how = preset("volumes", SIDE);
    pea_error err;
    pea__sampler *sampler = NULL;
    pea__data *data = make_data(&dims, 1, &grey_volumes, false);
    int seen[2][PLACES] = {{0}};
    (void)state;
    how.depth = 1;
    batch b = new_batch(N, &how, 1);
    const pea__batch_of_samples to = {b.view, NULL, b.labels, b.flips, true};
    assert_ok(pea__sampler_new(data, &how, N, 3, NULL, &sampler, &err));
    for (uint64_t step = 0; step < STEPS; step++) {
        assert_ok(pea__sampler_fill(sampler, step, &to, &err));
        for (int64_t i = 0; i < N; i++) {
            int64_t at[2] = {0, 0};
            find_place(&b, i, SIDE, WIDTH, PLACES, at);
            seen[0][at[0]]++;
            seen[1][at[1]]++;
        }
    }
    for (int i = 0; i < PLACES; i++) {
        assert_in_range(seen[0][i], 20 - 18, 20 + 24);
        assert_in_range(seen[1][i], 20 - 18, 20 + 24);
    }
    pea__sampler_free(sampler);
    free_batch(&b);
    pea__data_free(data);
}

/* Where it does not come out even the end gets more, as of the published 565 x 530 that become 576 x 576 with 5 rows
 * above and 6 below. What is added is the mirror image, of which leaves have no labels. */
static void small_images_are_enlarged_as_the_preset_says(void **state)
{
    enum { Y = 33, X = 26, SIDE = 48, TOP = 7, LEFT = 11 };
    const pea_dims dims = {1, Y, X, 1};
    pea__data *data = make_data(&dims, 1, &grey_planes, false);
    (void)state;
    for (int labelled = 0; labelled < 2; labelled++) {
        pea__augmentation how = preset("none", SIDE);
        how.label_border = labelled;
        batch b = one_batch(data, &how, 1, 1, 0, 1);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                const bool inside = y >= TOP && y < TOP + Y && x >= LEFT && x < LEFT + X;
                const int p = (int)(pea__mirror(y - TOP, Y) * X + pea__mirror(x - LEFT, X));
                assert_true(b.view[y * SIDE + x] == (float)(bytes[0][p] / 255.0));
                assert_int_equal(b.labels[y * SIDE + x], inside || labelled ? labels[0][p] : 0);
            }
        free_batch(&b);
    }
    pea__data_free(data);
}

static float mirrored_value(int64_t size, int64_t y, int64_t x)
{
    return (float)(bytes[0][pea__mirror(y, size) * size + pea__mirror(x, size)] / 255.0);
}

/* Images grow by the border and not more: places count from -10. */
static void borders_are_cut_into(void **state)
{
    enum { SIDE = 32, SIZE = 40, N = 64 };
    const pea_dims dims = {1, SIZE, SIZE, 1};
    pea__augmentation how = preset("none", SIDE);
    pea__data *data = make_data(&dims, 1, &grey_planes, false);
    int first = SIZE, last = -SIZE;
    (void)state;
    how.border = 10;
    for (uint64_t step = 0; step < 4; step++) {
        batch b = one_batch(data, &how, N, 1, step, 1);
        for (int i = 0; i < N; i++) {
            int found = -1000;
            for (int y = -12; y <= 20; y++)
                for (int x = -12; x <= 20; x++) {
                    bool same = true;
                    for (int p = 0; p < SIDE * SIDE && same; p++)
                        same = b.view[i * SIDE * SIDE + p] ==
                               mirrored_value(SIZE, y + p / SIDE, x + p % SIDE);
                    found = same ? y : found;
                }
            assert_true(found >= -10 && found <= SIZE + 10 - SIDE);
            first = found < first ? found : first;
            last = found > last ? found : last;
        }
        free_batch(&b);
    }
    assert_true(first == -10 && last == SIZE + 10 - SIDE);
    pea__data_free(data);
}

/* Planes with the same chance each; volumes by their size. */
static void images_are_drawn_evenly_and_volumes_by_size(void **state)
{
    enum { SIDE = 8, N = 100, STEPS = 30 };
    const pea_dims plane_dims[3] = {{1, 8, 8, 1}, {1, 40, 40, 1}, {1, 20, 9, 1}};
    const pea_dims volume_dims[2] = {{2, 30, 30, 1}, {6, 30, 30, 1}};
    (void)state;
    for (int volumes = 0; volumes < 2; volumes++) {
        pea__augmentation how = preset("none", SIDE);
        int count[3] = {0};
        pea__data *data = volumes ? make_data(volume_dims, 2, &grey_volumes, false)
                                  : make_data(plane_dims, 3, &grey_planes, false);
        for (size_t k = 0; k < (volumes ? 2 : 3); k++)
            for (int i = 0; i < MAX_VOXELS; i++)
                bytes[k][i] = (uint8_t)(10 * k + 10);
        for (uint64_t step = 0; step < STEPS; step++) {
            batch b = one_batch(data, &how, N, 5, step, 1);
            for (int i = 0; i < N; i++)
                count[(int)lrintf(b.view[i * SIDE * SIDE] * 25.5f) - 1]++;
            free_batch(&b);
        }
        if (volumes) {
            assert_in_range(count[0], 750 - 120, 750 + 120);
            assert_in_range(count[1], 2250 - 120, 2250 + 120);
        }
        for (int k = 0; k < 3 && !volumes; k++)
            assert_in_range(count[k], 1000 - 130, 1000 + 130);
        pea__data_free(data);
    }
}

/* ---- one transformation at a time ---- */

static const char *const transformations[] = {"flip", "crop", "rotate", "rescale", "elastic"};

/* Where the image is what the labels are, it stays so: of a voxel that is more than 3/4 foreground the nearest is. */
static void labels_go_where_images_go(void **state)
{
    enum { SIDE = 64, N = 20 };
    const pea_dims dims = {1, 100, 110, 1};
    pea__data *data = make_data(&dims, 1, &grey_planes, true);
    pea_error err;
    (void)state;
    for (size_t k = 0; k < sizeof transformations / sizeof *transformations; k++) {
        pea__augmentation how = preset("none", SIDE);
        int n_mixed = 0, n_inner = 0;
        how.margin = 7;
        assert_ok(pea__augmentation_switch(&how, transformations[k], true, &err));
        batch b = one_batch(data, &how, N, 7, 0, 1);
        for (int i = 0; i < N * SIDE * SIDE; i++) {
            n_inner += b.view[i] > 0.0f && b.view[i] < 1.0f;
            if (b.view[i] > 0.76f)
                assert_true(b.labels[i] != 0);
            else if (b.view[i] < 0.24f)
                assert_int_equal(b.labels[i], 0);
            else
                n_mixed++;
        }
        assert_in_range(n_mixed, 0, N * SIDE * SIDE / 8);
        assert_int_equal(n_inner > 0, strcmp(transformations[k], "flip") != 0); /* it did something */
        free_batch(&b);
    }
    pea__data_free(data);
}

/* How many of 800 samples differ from what they are without a transformation. */
static int count_changed(const pea__data *data, const pea__augmentation *with, const pea__augmentation *without)
{
    enum { N = 100 };
    int n = 0;
    for (uint64_t step = 0; step < 8; step++) {
        batch a = one_batch(data, with, N, 11, step, 1), b = one_batch(data, without, N, 11, step, 1);
        for (int64_t i = 0; i < N; i++)
            n += memcmp(a.view + i * a.voxels, b.view + i * a.voxels, (size_t)a.voxels * sizeof *a.view) != 0;
        free_batch(&a);
        free_batch(&b);
    }
    return n;
}

/* Within 5 standard deviations of what chain and step say together; a flip of no axis changes nothing. All others are
 * on: what one transformation draws is nothing to another. */
static void transformations_happen_as_often_as_published(void **state)
{
    const struct {
        const char *preset, *name;
        double expected;
    } cases[] = {
        {"nuclei", "flip", 0.8 * 0.5 * 7 / 8}, {"nuclei", "rotate", 0.4}, {"nuclei", "rescale", 0.4},
        {"nuclei", "elastic", 0.4},            {"nuclei", "grey", 0.4},   {"em", "flip", 0.25 * 15 / 16},
        {"em", "rotate", 0.25},                {"em", "grey", 0.25},      {"leaves", "flip", 0.75},
        {"leaves", "crop", 1.0},               {"em", "rescale", 0.0},    {"leaves", "rotate", 0.0},
    };
    const pea_dims plane = {1, 40, 40, 1}, volume = {4, 40, 40, 1};
    pea__data *planes = make_data(&plane, 1, &grey_planes, false);
    pea__data *volumes = make_data(&volume, 1, &grey_volumes, false);
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool em = !strcmp(cases[i].preset, "em");
        pea__augmentation with = preset(cases[i].preset, 16), without;
        with.depth = em ? 3 : 1;
        with.margin = pea__min_i64(with.margin, 8);
        with.elastic_sigma = 1.0;
        without = with;
        assert_ok(pea__augmentation_switch(&without, cases[i].name, false, &err));
        const double n = 800.0, p = cases[i].expected, slack = 5.0 * sqrt(n * p * (1.0 - p));
        const int found = count_changed(em ? volumes : planes, &with, &without);
        if (fabs(found - n * p) > slack + (p == 1.0 ? 40.0 : 0.0)) /* some parts of small canvases are the whole */
            fail_msg("%s of %s: %d of 800, expected %g", cases[i].name, cases[i].preset, found, n * p);
    }
    pea__data_free(planes);
    pea__data_free(volumes);
}

/* ---- the second view ---- */

static void second_views_turned_back_are_first_views(void **state)
{
    enum { SIDE = 32, N = 60 };
    const pea_dims volume = {5, 48, 48, 1};
    pea__augmentation how = preset("em", SIDE);
    pea_error err;
    pea__data *data = make_data(&volume, 1, &grey_volumes, false);
    int turned[4] = {0};
    (void)state;
    how.depth = 4;
    how.margin = 8;
    assert_ok(pea__augmentation_switch(&how, "second-grey", false, &err));
    assert_ok(pea__augmentation_switch(&how, "cutout", false, &err));
    batch b = one_batch(data, &how, N, 13, 0, 1), back = new_batch(N, &how, 1);
    assert_ok(pea__view_undo(&(pea__run){.to = 1.0}, (pea__batch){N, 4, SIDE, SIDE}, 1, b.flips, b.second,
                            back.second, &err));
    assert_memory_equal(back.second, b.view, (size_t)(N * b.voxels) * sizeof *b.view);
    for (int i = 0; i < N; i++) {
        turned[0] += b.flips[i].reverse_z;
        turned[1] += b.flips[i].reverse_y;
        turned[2] += b.flips[i].reverse_x;
        turned[3] += b.flips[i].exchange;
    }
    for (int k = 0; k < 4; k++)
        assert_in_range(turned[k], 30 - 19, 30 + 19);
    free_batch(&b);
    free_batch(&back);
    pea__data_free(data);
}

/* What is switched on for the second view changes nothing of the first; and not asking for one neither. */
static void first_views_do_not_depend_on_second_ones(void **state)
{
    const pea_dims dims = {1, 60, 60, 1};
    const pea__augmentation all = preset("nuclei", 32);
    pea__augmentation plain = all;
    pea_error err;
    pea__data *data = make_data(&dims, 1, &grey_planes, false);
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_ok(pea__augmentation_switch(&plain, (const char *[]){"second-grey", "cutout", "second-flip"}[i], false,
                                           &err));
    batch a = one_batch(data, &all, 8, 1, 2, 1), b = one_batch(data, &plain, 8, 1, 2, 1), c = new_batch(8, &all, 1);
    pea__sampler *sampler = NULL;
    assert_ok(pea__sampler_new(data, &all, 8, 1, NULL, &sampler, &err));
    const pea__batch_of_samples to = {c.view, NULL, c.labels, c.flips, false};
    assert_ok(pea__sampler_fill(sampler, 2, &to, &err));
    const size_t n_bytes = (size_t)(8 * a.voxels) * sizeof *a.view;
    assert_memory_equal(a.view, b.view, n_bytes);
    assert_memory_equal(b.second, b.view, n_bytes);
    assert_memory_not_equal(a.second, a.view, n_bytes);
    assert_memory_equal(a.view, c.view, n_bytes);
    assert_memory_equal(a.labels, c.labels, n_bytes);
    for (int i = 0; i < 8; i++)
        assert_false(c.flips[i].reverse_x || c.flips[i].reverse_y || c.flips[i].exchange);
    pea__sampler_free(sampler);
    free_batch(&a);
    free_batch(&b);
    free_batch(&c);
    pea__data_free(data);
}

/* [0.95,1.05] * v + [-0.05,0.05], the same for all channels, before normalising. */
static void second_views_change_contrast_a_little(void **state)
{
    enum { SIDE = 16, N = 300 };
    const pea_dims dims = {1, 20, 20, 3};
    const pea__data_options options = {.n_axes = 2, .channels = 3, .normalise = PEA_NORMALISE_IMAGENET};
    pea__augmentation how = preset("none", SIDE);
    pea_error err;
    pea__data *data = make_data(&dims, 1, &options, false);
    double least = 9.0, largest = 0.0, lowest = 9.0, highest = -9.0;
    (void)state;
    assert_ok(pea__augmentation_switch(&how, "second-grey", true, &err));
    how.second_grey.probability = 1.0;
    batch b = one_batch(data, &how, N, 1, 0, 1);
    for (int i = 0; i < N; i++) {
        double x[3], y[3], slope = 0.0;
        int n = 0;
        for (int p = i * SIDE * SIDE; n < 3 && p < (i + 1) * SIDE * SIDE; p++) { /* three voxels that were not cut */
            const int c = n;
            const double deviation = (double)pea__colour_deviation[c], mean = (double)pea__colour_mean[c];
            x[n] = (double)b.view[p * 3 + c] * deviation + mean;
            y[n] = (double)b.second[p * 3 + c] * deviation + mean;
            n += x[n] > 0.1 && x[n] < 0.9 && (n == 0 || fabs(x[n] - x[0]) > 0.2);
        }
        assert_int_equal(n, 3);
        slope = (y[1] - y[0]) / (x[1] - x[0]);
        assert_true(fabs(slope * (x[2] - x[0]) + y[0] - y[2]) < 1e-5);
        least = fmin(least, slope);
        largest = fmax(largest, slope);
        lowest = fmin(lowest, y[0] - slope * x[0]);
        highest = fmax(highest, y[0] - slope * x[0]);
    }
    assert_true(least > 0.9499 && least < 0.955 && largest < 1.0501 && largest > 1.045);
    assert_true(lowest > -0.0501 && lowest < -0.045 && highest < 0.0501 && highest > 0.045);
    free_batch(&b);
    pea__data_free(data);
}

/* ---- what decides ---- */

static void bytes_depend_on_seed_and_step_alone(void **state)
{
    enum { N = 5 };
    const pea_dims dims[2] = {{1, 90, 100, 1}, {1, 70, 60, 1}};
    const pea__augmentation how = preset("nuclei", 48);
    pea_error err;
    pea__data *data = make_data(dims, 2, &grey_planes, false);
    pea__sampler *sampler = NULL;
    batch later = new_batch(N, &how, 1);
    (void)state;
    batch first = one_batch(data, &how, N, 17, 9, 1);
    for (int n_threads = 2; n_threads <= 8; n_threads += 3) { /* fewer than images, and more */
        batch b = one_batch(data, &how, N, 17, 9, n_threads);
        assert_same(&first, &b);
        free_batch(&b);
    }
    assert_ok(pea__sampler_new(data, &how, N, 17, NULL, &sampler, &err));
    for (uint64_t step = 7; step < 10; step++)
        fill(sampler, step, &later);
    assert_same(&first, &later);
    pea__sampler_free(sampler);
    const size_t n_bytes = (size_t)first.voxels * sizeof *first.view;
    for (int i = 1; i < N; i++)
        assert_memory_not_equal(first.view, first.view + i * first.voxels, n_bytes);
    for (int i = 0; i < 2; i++) {
        batch other = one_batch(data, &how, N, i ? 18 : 17, i ? 9 : 10, 1);
        for (int k = 0; k < N; k++)
            assert_memory_not_equal(first.view + k * first.voxels, other.view + k * first.voxels, n_bytes);
        free_batch(&other);
    }
    free_batch(&first);
    free_batch(&later);
    pea__data_free(data);
}

/* ---- failures ---- */

/* Sleeps so long that the next question is asked again, and says no when `left` are answered. */
static int answer(void *user, const char *stage, double fraction)
{
    (void)stage, (void)fraction;
    nanosleep(&(struct timespec){.tv_nsec = 31000000}, NULL);
    return --*(int *)user < 0;
}

static void who_stops_is_heard_within_a_sample(void **state)
{
    const pea_dims dims = {6, 30, 40, 1};
    pea__data *data = make_data(&dims, 1, &grey_volumes, false);
    pea__augmentation how = preset("em", 16);
    pea_context_options wishes = pea_context_options_default();
    pea_context *context = NULL;
    pea__sampler *sampler = NULL;
    pea_error err;
    int left = 0, asked = 0;
    (void)state;
    how.depth = 4;
    how.chain = 1.0;
    wishes.n_threads = 1;
    wishes.progress = answer;
    wishes.progress_user = &left;
    batch whole = one_batch(data, &how, 1, 5, 1, 1);
    assert_ok(pea_context_new(&wishes, &context, &err));
    assert_ok(pea__sampler_new(data, &how, 1, 5, context, &sampler, &err));
    batch b = new_batch(1, &how, 1);
    const pea__batch_of_samples to = {b.view, b.second, b.labels, b.flips, false};
    pea_status status = PEA_E_CANCELLED;
    for (; status == PEA_E_CANCELLED; asked++) {
        left = asked;
        status = pea__sampler_fill(sampler, 1, &to, &err);
        if (status == PEA_E_CANCELLED && asked < 8) /* in the cut, or between transformations */
            assert_true(b.view[0] == 0.0f && !memcmp(b.view, b.view + 1, (size_t)(b.voxels - 1) * sizeof *b.view));
    }
    assert_int_equal(status, PEA_OK);
    assert_true(asked > 10);
    assert_same(&whole, &b);
    free_batch(&b);
    free_batch(&whole);
    pea__sampler_free(sampler);
    pea_context_free(context);
    pea__data_free(data);
}

static void wrong_settings_are_refused(void **state)
{
    const pea_dims dims = {1, 40, 40, 1};
    pea__augmentation how = preset("em", 16);
    pea_error err;
    pea__sampler *sampler = NULL;
    pea__data *data = make_data(&dims, 1, &grey_planes, false);
    (void)state;
    assert_fails(pea__sampler_new(data, &how, 2, 1, NULL, &sampler, &err), PEA_E_ARG, "depth 1, not 18");
    how = preset("nuclei", 16);
    assert_fails(pea__sampler_new(data, &how, 0, 1, NULL, &sampler, &err), PEA_E_ARG, "a batch of 0");
    how.margin = -1;
    assert_fails(pea__sampler_new(data, &how, 2, 1, NULL, &sampler, &err), PEA_E_ARG, "margin");
    how = preset("leaves", 544);
    assert_fails(pea__sampler_new(data, &how, 2, 1, NULL, &sampler, &err), PEA_E_SHAPE,
                 "image 0 is 40 x 40 (y,x), too small for samples of the side 544: take 96 at most");
    how.side = 96;
    assert_ok(pea__sampler_new(data, &how, 2, 1, NULL, &sampler, &err));
    pea__sampler_free(sampler);
    pea__data_free(data);
}

static void memory_is_forecast(void **state)
{
    const pea_dims dims = {1, 40, 40, 1};
    const pea__augmentation how = preset("nuclei", 64);
    pea_error err;
    pea__sampler *sampler = NULL;
    pea__data *data = make_data(&dims, 1, &grey_planes, false);
    const uint64_t bytes_needed = pea__sampler_bytes(&how, 4, 1, 1);
    (void)state;
    assert_true(pea__sampler_bytes(&how, 4, 1, 3) == 3 * bytes_needed);
    assert_true(pea__sampler_bytes(&how, 4, 1, 9) == 4 * bytes_needed);
    pea_context *context = test_context(1, bytes_needed - 1);
    assert_fails(pea__sampler_new(data, &how, 4, 1, context, &sampler, &err), PEA_E_LIMIT, "take smaller ones");
    pea_context_limit_memory(context, bytes_needed);
    assert_ok(pea__sampler_new(data, &how, 4, 1, context, &sampler, &err));
    pea__sampler_free(sampler);
    pea_context_free(context);
    pea__data_free(data);
}

static pea_status make_sampler(void *data, pea_error *err)
{
    pea__sampler *sampler = NULL;
    const pea__augmentation how = preset("nuclei", 16);
    const pea_status status = pea__sampler_new(data, &how, 2, 1, NULL, &sampler, err);
    pea__sampler_free(sampler);
    return status;
}

static void each_allocation_may_fail(void **state)
{
    const pea_dims dims = {1, 40, 40, 1};
    pea__data *data = make_data(&dims, 1, &grey_planes, false);
    (void)state;
    test_each_allocation_failing(make_sampler, data, 100);
    pea__data_free(data);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(plain_samples_are_what_images_are_segmented_from),
    cmocka_unit_test(plain_batches_are_parts_of_images),
    cmocka_unit_test(cuts_lie_anywhere_in_the_image),
    cmocka_unit_test(samples_of_volumes_lie_anywhere),
    cmocka_unit_test(small_images_are_enlarged_as_the_preset_says),
    cmocka_unit_test(borders_are_cut_into),
    cmocka_unit_test(images_are_drawn_evenly_and_volumes_by_size),
    cmocka_unit_test(labels_go_where_images_go),
    cmocka_unit_test(transformations_happen_as_often_as_published),
    cmocka_unit_test(second_views_turned_back_are_first_views),
    cmocka_unit_test(first_views_do_not_depend_on_second_ones),
    cmocka_unit_test(second_views_change_contrast_a_little),
    cmocka_unit_test(bytes_depend_on_seed_and_step_alone),
    cmocka_unit_test(who_stops_is_heard_within_a_sample),
    cmocka_unit_test(wrong_settings_are_refused),
    cmocka_unit_test(memory_is_forecast),
    cmocka_unit_test(each_allocation_may_fail),
};

PEA_TEST_MAIN(tests)
