/* test_augment.c - single transformations, beside what SciPy, scikit-image and Pillow make of the same numbers
 * (tests/differential/augmentation.py), and by what must hold for any of them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "read_npy.h"
#include "train/augment.h"

enum { SIDE = 40, CHANNELS = 2, N = SIDE * SIDE };

static float image[N * CHANNELS], to_image[N * CHANNELS];
static uint32_t labels[N], to_labels[N];

static pea__canvas computed_canvas(void)
{
    for (uint32_t i = 0; i < N * CHANNELS; i++)
        image[i] = (float)test_u(40, i);
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t y = i / SIDE / 7, x = i % SIDE / 5;
        labels[i] = (y + x) % 3 > 0 ? y * 10 + x + 1 : 0;
    }
    return (pea__canvas){1, SIDE, CHANNELS, image, labels};
}

static pea__canvas spare_canvas(void)
{
    return (pea__canvas){1, SIDE, CHANNELS, to_image, to_labels};
}

/* Labels may differ in a few places, where a centre lies on the line between two voxels but for rounding. */
static void assert_is_twin(const pea__canvas *canvas, const char *name, double tolerance, int n_ties)
{
    char path[512];
    int n_different = 0;
    snprintf(path, sizeof path, PEA_TESTDATA "/augmentation/%s.npy", name);
    test_npy expected = test_read_npy(path, 4);
    assert_int_equal(expected.n, N * CHANNELS);
    for (int i = 0; i < N * CHANNELS; i++)
        if (!(fabs((double)(canvas->image[i] - ((float *)expected.data)[i])) <= tolerance))
            fail_msg("%s: voxel %d is %g, expected %g", name, i, (double)canvas->image[i],
                     (double)((float *)expected.data)[i]);
    free(expected.data);
    snprintf(path, sizeof path, PEA_TESTDATA "/augmentation/%s_labels.npy", name);
    expected = test_read_npy(path, 4);
    for (int i = 0; i < N; i++)
        n_different += canvas->labels[i] != ((uint32_t *)expected.data)[i];
    free(expected.data);
    assert_in_range(n_different, 0, n_ties);
}

static void rotation_is_that_of_scipy(void **state)
{
    double places[2 * SIDE];
    const pea__canvas from = computed_canvas(), to = spare_canvas();
    (void)state;
    pea__rotate(&from, 0.7, places, &to);
    assert_is_twin(&to, "rotated", 2e-6, 0);
}

static void elastic_deformation_is_that_of_scipy(void **state)
{
    static float dy[N], dx[N], scratch[N];
    double places[2 * SIDE];
    const pea__canvas from = computed_canvas(), to = spare_canvas();
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        dy[i] = (float)(16.0 * (2.0 * test_u(42, i) - 1.0));
        dx[i] = (float)(16.0 * (2.0 * test_u(43, i) - 1.0));
    }
    pea__smooth(SIDE, 4.0, dy, scratch);
    pea__smooth(SIDE, 4.0, dx, scratch);
    test_npy smooth = test_read_npy(PEA_TESTDATA "/augmentation/smoothed.npy", 4);
    for (int i = 0; i < N; i++)
        assert_true(fabs((double)(dy[i] - ((float *)smooth.data)[i])) <= 3e-6);
    free(smooth.data);
    pea__displace(&from, dy, dx, places, &to);
    assert_is_twin(&to, "displaced", 4e-6, 0);
}

/* Also of canvases that are smaller than the Gaussian, which sees their mirror images many times. */
static void smoothing_is_as_defined_for_any_side(void **state)
{
    (void)state;
    for (int side = 1; side < 12; side++) {
        float field[121], before[121], scratch[121];
        double weights[25], sum = 0.0;
        for (int k = -12; k <= 12; k++)
            sum += weights[k + 12] = exp(-0.5 * k * k / 9.0);
        for (uint32_t i = 0; i < 121; i++)
            before[i] = field[i] = (float)test_u(45, i);
        pea__smooth(side, 3.0, field, scratch);
        for (int i = 0; i < side * side; i++) {
            double expected = 0.0;
            for (int k = 0; k < 625; k++) {
                const int p = 2 * side, y = ((i / side + k / 25 - 12) % p + p) % p;
                const int x = ((i % side + k % 25 - 12) % p + p) % p;
                const int at = (y < side ? y : p - 1 - y) * side + (x < side ? x : p - 1 - x);
                expected += weights[k / 25] * weights[k % 25] * (double)before[at] / (sum * sum);
            }
            assert_true(fabs((double)field[i] - expected) < 1e-6);
        }
    }
}

static void rescaling_is_that_of_scikit_image(void **state)
{
    pea__tap taps[2 * SIDE];
    const pea__canvas from = computed_canvas(), to = spare_canvas();
    (void)state;
    pea__rescale(&from, (pea__stretch){4, 33}, (pea__stretch){-3, 47}, taps, &to);
    assert_is_twin(&to, "rescaled", 2e-6, 0);
}

static void enlarging_is_that_of_pillow_to_the_bit(void **state)
{
    const pea__canvas canvas = computed_canvas(), spare = spare_canvas();
    (void)state;
    for (int i = 0; i < N * CHANNELS; i++)
        image[i] = (float)(int)(image[i] * 256.0f) / 255.0f;
    pea__enlarge(&canvas, (pea__part_box){3, 5, 29, 33}, true, &spare);
    for (int i = 0; i < N * CHANNELS; i++) {
        assert_true(image[i] == (float)lrintf(image[i] * 255.0f) / 255.0f);
        image[i] = (float)lrintf(image[i] * 255.0f);
    }
    assert_is_twin(&canvas, "enlarged", 0.0, 0);
}

/* Without rounding to 8 bits the result is within what two roundings can do. */
static void enlarging_of_finer_images_does_not_round(void **state)
{
    static float rounded[N * CHANNELS];
    const pea__canvas canvas = computed_canvas(), spare = spare_canvas();
    double largest = 0.0;
    (void)state;
    for (int round = 0; round < 2; round++) {
        computed_canvas();
        for (int i = 0; i < N * CHANNELS; i++)
            image[i] = (float)(int)(image[i] * 256.0f) / 255.0f;
        pea__enlarge(&canvas, (pea__part_box){3, 5, 29, 33}, round == 0, &spare);
        for (int i = 0; round == 1 && i < N * CHANNELS; i++)
            largest = fmax(largest, 255.0 * fabs((double)(image[i] - rounded[i])));
        memcpy(rounded, image, sizeof rounded);
    }
    assert_true(largest > 0.5 && largest <= 1.0001);
}

/* ---- what must hold ---- */

static void nothing_changes_by_transformations_of_strength_0(void **state)
{
    static float zero[N];
    double places[2 * SIDE];
    pea__tap taps[2 * SIDE];
    const pea__canvas from = computed_canvas(), to = spare_canvas();
    (void)state;
    for (int i = 0; i < 4; i++) {
        if (i == 0)
            pea__rotate(&from, 0.0, places, &to);
        else if (i == 1)
            pea__displace(&from, zero, zero, places, &to);
        else if (i == 2)
            pea__rescale(&from, (pea__stretch){0, SIDE}, (pea__stretch){0, SIDE}, taps, &to);
        else {
            memcpy(to_image, image, sizeof image);
            memcpy(to_labels, labels, sizeof labels);
            pea__enlarge(&to, (pea__part_box){0, 0, SIDE, SIDE}, false, &from);
            computed_canvas();
        }
        assert_memory_equal(to_image, image, sizeof image);
        assert_memory_equal(to_labels, labels, sizeof labels);
    }
}

/* About voxel side / 2: voxel (y,x) becomes what was at (x, side - y); row 0 comes from outside. */
static void a_quarter_turn_exchanges_axes(void **state)
{
    double places[2 * SIDE];
    const pea__canvas from = computed_canvas(), to = spare_canvas();
    (void)state;
    pea__rotate(&from, 2.0 * atan(1.0), places, &to);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const int p = y * SIDE + x, q = x * SIDE + SIDE - y;
            assert_int_equal(to_labels[p], y == 0 ? 0 : labels[q]);
            for (int c = 0; c < CHANNELS; c++)
                assert_true(fabs((double)to_image[p * CHANNELS + c] -
                                 (y == 0 ? 0.0 : (double)image[q * CHANNELS + c])) < 1e-5);
        }
}

/* A shift by whole voxels; what comes from beyond the canvas is 0. */
static void displacements_point_to_where_voxels_come_from(void **state)
{
    static float dy[N], dx[N];
    double places[2 * SIDE];
    const pea__canvas from = computed_canvas(), to = spare_canvas();
    (void)state;
    for (int i = 0; i < N; i++) {
        dy[i] = 3.0f;
        dx[i] = -2.0f;
    }
    pea__displace(&from, dy, dx, places, &to);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const bool inside = y + 3 < SIDE && x >= 2;
            const int p = y * SIDE + x, q = (y + 3) * SIDE + x - 2;
            assert_int_equal(to_labels[p], inside ? labels[q] : 0);
            assert_true(to_image[p * CHANNELS] == (inside ? image[q * CHANNELS] : 0.0f));
        }
}

/* Every of the 16 flips, undone by what losses undo them with. */
static void flips_are_undone(void **state)
{
    enum { DEPTH = 3, SMALL = 5, VOXELS = DEPTH * SMALL * SMALL };
    float from[VOXELS * CHANNELS], flipped[VOXELS * CHANNELS], back[VOXELS * CHANNELS];
    uint32_t from_labels[VOXELS], flipped_labels[VOXELS];
    (void)state;
    for (int i = 0; i < VOXELS; i++) {
        from_labels[i] = (uint32_t)i;
        from[i * CHANNELS] = (float)i;
        from[i * CHANNELS + 1] = (float)-i;
    }
    for (int k = 0; k < 16; k++) {
        const pea__view view = {k & 1, k & 2, k & 4, k & 8};
        pea__flip_image(DEPTH, SMALL, CHANNELS, view, from, flipped);
        pea__flip_labels(DEPTH, SMALL, view, from_labels, flipped_labels);
        for (int i = 0; i < VOXELS; i++)
            assert_true(flipped[i * CHANNELS] == (float)flipped_labels[i]);
        assert_int_equal(k == 0, memcmp(flipped, from, sizeof from) == 0);
        pea_error err;
        assert_ok(pea__view_undo(&(pea__run){.to = 1.0}, (pea__batch){1, DEPTH, SMALL, SMALL}, CHANNELS, &view, flipped,
                                back, &err));
        assert_memory_equal(back, from, sizeof from);
    }
}

/* ---- values ---- */

static void grey_changes_as_drawn(void **state)
{
    enum { DEPTH = 3 };
    static float stack[DEPTH * N], before[DEPTH * N];
    const pea__canvas canvas = {DEPTH, SIDE, 1, stack, NULL};
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        const pea__grey grey = {.probability = 1.0, .contrast = 0.3, .brightness = 0.3, .gamma = true,
                                .whole_probability = whole};
        pea__random random = pea__random_of(5, 0, 0, PEA__DRAW_GREY), again = random;
        for (uint32_t i = 0; i < DEPTH * N; i++)
            before[i] = stack[i] = (float)test_u(44, i);
        pea__change_grey(&canvas, &grey, &random);
        (void)pea__random_unit(&again), (void)pea__random_unit(&again); /* whether, and whether for all */
        double factor = 0.0, more = 0.0, power = 0.0;
        for (int z = 0; z < DEPTH; z++) {
            if (z == 0 || !whole) {
                factor = 1.0 + (pea__random_unit(&again) - 0.5) * 0.3;
                more = (pea__random_unit(&again) - 0.5) * 0.3;
                power = pow(2.0, 2.0 * pea__random_unit(&again) - 1.0);
            }
            for (int i = z * N; i < (z + 1) * N; i++) {
                const double expected = pow(fmin(1.0, fmax(0.0, (double)before[i] * factor + more)), power);
                assert_true(fabs((double)stack[i] - expected) < 1e-5 ||
                            (expected < 1e-2 && fabs((double)stack[i] - expected) < 1e-3)); /* roots are steep there */
            }
        }
        assert_int_equal(pea__random_bits(&again), pea__random_bits(&random));
    }
}

static void cutouts_keep_to_the_foreground_and_have_its_mean(void **state)
{
    enum { LOW = 2, HIGH = 37 }; /* the box of the foreground, a frame of which is background: 1 064 voxels in all */
    const pea__cutout cutout = {.most = 20, .side = {0, 20}, .depth = {1, 1}, .in_foreground = true};
    int64_t n_changed_samples = 0, top = SIDE, bottom = -1;
    (void)state;
    for (uint32_t sample = 0; sample < 200; sample++) {
        const pea__canvas canvas = computed_canvas();
        double mean[CHANNELS] = {0};
        int n = 0, n_changed = 0;
        for (int i = 0; i < N; i++) {
            const int y = i / SIDE, x = i % SIDE;
            labels[i] = y >= LOW && y <= HIGH && x >= LOW && x <= HIGH && x != 20 && !(y > 5 && y < 12 && x < 30);
            for (int c = 0; c < CHANNELS && labels[i]; c++)
                mean[c] += (double)image[i * CHANNELS + c];
            n += labels[i] != 0;
        }
        assert_true(n >= 1000);
        memcpy(to_image, image, sizeof image);
        pea__random random = pea__random_of(1, sample, 0, PEA__DRAW_CUTOUT);
        pea__cut_out(&canvas, &cutout, &random);
        for (int i = 0; i < N; i++) {
            const int y = i / SIDE, x = i % SIDE;
            if (memcmp(image + i * CHANNELS, to_image + i * CHANNELS, CHANNELS * sizeof *image) == 0)
                continue;
            n_changed++;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
            assert_in_range(y, LOW, HIGH);
            assert_in_range(x, LOW, HIGH);
            for (int c = 0; c < CHANNELS; c++)
                assert_true(fabs((double)image[i * CHANNELS + c] - mean[c] / n) < 1e-6);
        }
        n_changed_samples += n_changed > 0;
    }
    assert_in_range(n_changed_samples, 160, 195); /* 20/21 times 20/21 of 200: 181 */
    assert_true(top == LOW && bottom == HIGH - 1);
}

/* Too little foreground: anywhere, still with its mean; none at all: with 0. */
static void cutouts_of_little_foreground_lie_anywhere(void **state)
{
    const pea__cutout cutout = {.most = 20, .side = {15, 15}, .depth = {1, 1}, .in_foreground = true};
    int top = SIDE, bottom = -1;
    (void)state;
    for (uint32_t sample = 0; sample < 100; sample++) {
        const pea__canvas canvas = computed_canvas();
        memset(labels, 0, sizeof labels);
        labels[5 * SIDE + 5] = sample % 2;
        const float fill = sample % 2 ? image[(5 * SIDE + 5) * CHANNELS] : 0.0f;
        memcpy(to_image, image, sizeof image);
        pea__random random = pea__random_of(2, sample, 0, PEA__DRAW_CUTOUT);
        pea__cut_out(&canvas, &cutout, &random);
        for (int i = 0; i < N; i++)
            if (image[i * CHANNELS] != to_image[i * CHANNELS]) {
                assert_true(image[i * CHANNELS] == fill);
                top = i / SIDE < top ? i / SIDE : top;
                bottom = i / SIDE > bottom ? i / SIDE : bottom;
            }
    }
    assert_true(top == 0 && bottom == SIDE - 1);
}

/* One box at a time, so that its sides can be seen. */
static void boxes_of_volumes_have_the_sides_drawn(void **state)
{
    enum { DEPTH = 18, BIG = 32, VOXELS = DEPTH * BIG * BIG };
    static float stack[VOXELS];
    static uint32_t no_labels[VOXELS];
    const pea__canvas canvas = {DEPTH, BIG, 1, stack, no_labels};
    const pea__cutout cutout = {.most = 1, .depth = {5, 10}, .side = {10, 20}};
    int n_depth[DEPTH + 1] = {0}, n_side[BIG + 1] = {0}, n_none = 0;
    (void)state;
    for (uint32_t sample = 0; sample < 600; sample++) {
        int low[3] = {BIG, BIG, BIG}, high[3] = {-1, -1, -1}, n = 0;
        for (int i = 0; i < VOXELS; i++)
            stack[i] = 1.0f;
        pea__random random = pea__random_of(3, sample, 0, PEA__DRAW_CUTOUT);
        pea__cut_out(&canvas, &cutout, &random);
        for (int i = 0; i < VOXELS; i++) {
            const int at[3] = {i / (BIG * BIG), i / BIG % BIG, i % BIG};
            for (int k = 0; k < 3 && stack[i] == 0.0f; k++) {
                low[k] = at[k] < low[k] ? at[k] : low[k];
                high[k] = at[k] > high[k] ? at[k] : high[k];
            }
            n += stack[i] == 0.0f;
        }
        n_none += n == 0;
        if (n == 0)
            continue;
        const int size[3] = {high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1};
        assert_int_equal(n, size[0] * size[1] * size[2]);
        assert_int_equal(size[1], size[2]);
        n_depth[size[0]]++;
        n_side[size[1]]++;
    }
    assert_in_range(n_none, 300 - 61, 300 + 61);
    for (int i = 0; i <= DEPTH; i++)
        assert_in_range(n_depth[i], i < 5 || i > 10 ? 0 : 25, i < 5 || i > 10 ? 0 : 85);
    for (int i = 0; i <= BIG; i++)
        assert_in_range(n_side[i], i < 10 || i > 20 ? 0 : 8, i < 10 || i > 20 ? 0 : 55);
}

/* ---- what is drawn ---- */

/* Area U(0.7,1) of which what does not fit is drawn again; aspects from 3/4 to 4/3, as many below 1 as above. */
static void parts_have_the_areas_and_aspects_drawn(void **state)
{
    enum { DRAWS = 4000, BIG = 544 };
    int n_wide = 0, n_whole = 0;
    double least = 1.0, steepest = 1.0;
    pea__random random = pea__random_of(4, 0, 0, PEA__DRAW_RESIZED_CROP);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const pea__part_box box = pea__draw_part(&random, 0.7, BIG);
        const double area = (double)(box.height * box.width) / (BIG * BIG);
        const double aspect = (double)box.width / (double)box.height;
        assert_true(box.y >= 0 && box.x >= 0 && box.y + box.height <= BIG && box.x + box.width <= BIG);
        n_wide += box.width > box.height;
        n_whole += box.height == BIG && box.width == BIG;
        least = fmin(least, area);
        steepest = fmax(steepest, aspect);
    }
    assert_in_range(n_wide, DRAWS / 2 - 180, DRAWS / 2 + 180);
    assert_in_range(n_whole, 0, 40); /* ten failures in a row, with a chance of about 2/3 each */
    assert_true(least > 0.695 && least < 0.705);
    assert_true(steepest > 1.3 && steepest < 1.34);
}

static void stretches_lie_in_or_around_the_canvas(void **state)
{
    pea__random random = pea__random_of(6, 0, 0, PEA__DRAW_RESCALING);
    int64_t first = 316, last = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        const pea__stretch part = pea__draw_stretch(&random, 0.8, 316);
        assert_int_equal(part.n, 252);
        first = part.first < first ? part.first : first;
        last = part.first > last ? part.first : last;
    }
    assert_true(first == 0 && last == 64);
    const pea__stretch longer = pea__draw_stretch(&random, 1.1, 316); /* 347: 15 before, 16 after */
    assert_true(longer.first == -15 && longer.n == 347);
}

/* Their deviation is alpha * sqrt(1/3) * (sum of squared weights), 0.65 voxels for the published ones. */
static void displacements_are_as_large_as_they_should_be(void **state)
{
    enum { BIG = 300 };
    static float field[BIG * BIG], scratch[BIG * BIG];
    pea__random random = pea__random_of(8, 0, 0, PEA__DRAW_ELASTIC);
    double sum = 0.0, squares = 0.0;
    (void)state;
    pea__draw_displacements(&random, BIG, 16.0, 4.0, field, scratch);
    for (int i = 0; i < BIG * BIG; i++) {
        sum += (double)field[i];
        squares += (double)(field[i] * field[i]);
    }
    const double n = BIG * BIG, deviation = sqrt(squares / n);
    assert_true(fabs(sum / n) < 0.15);
    assert_true(fabs(deviation - 16.0 * sqrt(1.0 / 3.0) / (4.0 * sqrt(4.0 * 3.14159265))) < 0.05);
}

/* ---- presets and switches ---- */

static void presets_are_the_published_ones(void **state)
{
    pea_error err;
    pea__augmentation a;
    (void)state;
    assert_ok(pea__augmentation_preset("leaves", &a, &err));
    assert_true(a.side == 544 && a.margin == 0 && a.chain == 1.0 && a.resized_crop == 1.0 && a.crop_area == 0.7);
    assert_true(a.rotate == 0.0 && a.rescale == 0.0 && a.elastic == 0.0 && a.grey.probability == 0.0);
    assert_true(a.flip == 1.0 && a.flip_axes == (PEA__AXIS_Y | PEA__AXIS_X) && !a.label_border);
    assert_ok(pea__augmentation_preset("nuclei", &a, &err));
    assert_true(a.side + 2 * a.margin == 316 && a.border == 30 && a.chain == 0.8 && a.label_border);
    assert_true(a.flip == 0.5 && a.rotate == 0.5 && a.rescale == 0.5 && a.elastic == 0.5 && a.grey.probability == 0.5);
    assert_true(a.second_grey.probability == 1.0 && !a.second_grey.gamma && a.cutout.most == 20);
    assert_ok(pea__augmentation_preset("em", &a, &err));
    assert_true(a.depth == 18 && a.side == 160 && a.side + 2 * a.margin == 260 && a.chain == 0.5 && a.rescale == 0.0);
    assert_true(a.second_grey.probability == 0.5 && a.second_grey.gamma && a.second_grey.whole_probability == 0.0);
    assert_true(a.cutout.most == 60 && a.cutout.depth[0] == 5 && a.cutout.depth[1] == 10 && !a.cutout.in_foreground);
    assert_true(a.border == 0);
    assert_ok(pea__augmentation_preset("volumes", &a, &err));
    assert_true(a.border == a.margin && a.side + 2 * a.margin == 260 && a.label_border && a.cutout.most == 60);
    assert_fails(pea__augmentation_preset("roots", &a, &err), PEA_E_ARG, "roots");
}

static void transformations_are_switched_one_by_one(void **state)
{
    static const char *const names[] = {"flip",    "crop", "rotate",      "rescale", "elastic",
                                        "grey",    "second-grey", "cutout", "second-flip"};
    pea_error err;
    pea__augmentation a, preset, none;
    (void)state;
    assert_ok(pea__augmentation_preset("none", &none, &err));
    assert_ok(pea__augmentation_preset("nuclei", &preset, &err));
    a = preset;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], "crop"))
            assert_ok(pea__augmentation_switch(&a, names[i], false, &err));
        assert_ok(pea__augmentation_switch(&none, names[i], true, &err));
    }
    assert_true(a.flip + a.rotate + a.rescale + a.elastic + a.grey.probability + a.second_grey.probability == 0.0);
    assert_true(a.cutout.most == 0 && a.second_flip_axes == 0);
    assert_true(none.flip > 0 && none.resized_crop > 0 && none.rotate > 0 && none.rescale > 0 && none.elastic > 0);
    assert_true(none.grey.probability > 0 && none.second_grey.probability > 0 && none.cutout.most > 0 &&
                none.second_flip_axes != 0);
    assert_ok(pea__augmentation_check(&none, &err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], "crop"))
            assert_ok(pea__augmentation_switch(&a, names[i], true, &err));
    assert_true(a.rotate == preset.rotate && a.cutout.most == preset.cutout.most &&
                a.second_flip_axes == preset.second_flip_axes && a.second_grey.probability == 1.0);
    assert_fails(pea__augmentation_switch(&a, "blur", false, &err), PEA_E_ARG, "second-flip");
    a.rescale_by = 0.3;
    assert_fails(pea__augmentation_check(&a, &err), PEA_E_ARG, "range of rescaling");
    a = preset;
    a.side = 0;
    assert_fails(pea__augmentation_check(&a, &err), PEA_E_ARG, "the side of samples is 0");
    a = preset;
    a.cutout.side[0] = 30;
    assert_fails(pea__augmentation_check(&a, &err), PEA_E_ARG, "cutouts");
    a = preset;
    a.grey.probability = NAN;
    assert_fails(pea__augmentation_check(&a, &err), PEA_E_ARG, "grey");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rotation_is_that_of_scipy),
    cmocka_unit_test(elastic_deformation_is_that_of_scipy),
    cmocka_unit_test(smoothing_is_as_defined_for_any_side),
    cmocka_unit_test(rescaling_is_that_of_scikit_image),
    cmocka_unit_test(enlarging_is_that_of_pillow_to_the_bit),
    cmocka_unit_test(enlarging_of_finer_images_does_not_round),
    cmocka_unit_test(nothing_changes_by_transformations_of_strength_0),
    cmocka_unit_test(a_quarter_turn_exchanges_axes),
    cmocka_unit_test(displacements_point_to_where_voxels_come_from),
    cmocka_unit_test(flips_are_undone),
    cmocka_unit_test(grey_changes_as_drawn),
    cmocka_unit_test(cutouts_keep_to_the_foreground_and_have_its_mean),
    cmocka_unit_test(cutouts_of_little_foreground_lie_anywhere),
    cmocka_unit_test(boxes_of_volumes_have_the_sides_drawn),
    cmocka_unit_test(parts_have_the_areas_and_aspects_drawn),
    cmocka_unit_test(stretches_lie_in_or_around_the_canvas),
    cmocka_unit_test(displacements_are_as_large_as_they_should_be),
    cmocka_unit_test(presets_are_the_published_ones),
    cmocka_unit_test(transformations_are_switched_one_by_one),
};

PEA_TEST_MAIN(tests)
