/* test_settings.c - settings by name: what texts mean, that they lead back, and what is refused in which words.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/settings.h"

#include "pipeline/same_options.h"

static pea_segment_options preset(const char *name)
{
    pea_error err;
    pea_segment_options o;
    assert_ok(pea_preset(name, &o, &err));
    return o;
}

static void expect_text(const pea_segment_options *o, const char *key, const char *expected)
{
    char text[PEA_SETTING_TEXT_BYTES];
    pea_error err;
    assert_ok(pea_settings_get(o, key, text, &err));
    assert_string_equal(text, expected);
}

static pea_status apply_one(pea_segment_options *o, const char *key, const char *value, pea_error *err)
{
    const pea_choice wish = {key, value};
    return pea_settings_apply(&wish, 1, o, err);
}

/* ---- there and back ---- */

enum { MOST = 32 };

/* All settings of `from`, in an order of its own, put upon `to`. */
static void carry_over(const pea_segment_options *from, pea_segment_options *to, uint64_t *seed)
{
    static char texts[MOST][PEA_SETTING_TEXT_BYTES];
    pea_choice wishes[MOST];
    pea_error err;
    const size_t n = pea_settings_count();
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        const pea_setting s = pea_settings_item(i);
        assert_ok(pea_settings_get(from, s.key, texts[i], &err));
        const size_t j = test_random(seed) % (i + 1);
        wishes[i] = wishes[j];
        wishes[j] = (pea_choice){s.key, texts[i]};
    }
    assert_ok(pea_settings_apply(wishes, n, to, &err));
}

/* What has no key is the model's. */
static void keep_without_keys(const pea_segment_options *from, pea_segment_options *to)
{
    to->cluster_padded = from->cluster_padded;
    if (from->offsets.n_axes == 2) {
        memcpy(to->tile, from->tile, sizeof to->tile);
        memcpy(to->tile_step, from->tile_step, sizeof to->tile_step);
        memcpy(to->tile_margin, from->tile_margin, sizeof to->tile_margin);
    }
    if (from->offsets.n_axes == 3) {
        to->padding = from->padding;
        to->bandwidth = from->bandwidth;
    }
}

static void every_preset_leads_back_to_itself(void **state)
{
    static const char *const names[] = {"cvppp", "bbbc039", "nuclei", "ac3ac4"};
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < 4; i++)
        for (int round = 0; round < 20; round++) {
            const pea_segment_options from = preset(names[i]);
            pea_segment_options same = from, other = preset(i == 3 ? "ac3ac4" : names[(i + 1) % 3]);
            keep_without_keys(&from, &other);
            carry_over(&from, &same, &seed);
            expect_same(&same, &from);
            carry_over(&from, &other, &seed);
            expect_same(&other, &from);
        }
}

static void random_offsets(pea_segment_options *o, uint64_t *seed)
{
    pea_error err;
    int shifts[PEA_MAX_OFFSETS];
    const size_t n = 1 + test_random(seed) % 32;
    if (o->offsets.n_axes == 2 && test_random(seed) % 2) {
        for (size_t i = 0; i < n; i++)
            shifts[i] = 1 + (int)(test_random(seed) % 32767);
        assert_ok(pea_offsets_from_shifts(shifts, n, test_random(seed) % 2 ? 4 : 8, &o->offsets, &err));
        return;
    }
    o->offsets.n = 3 + test_random(seed) % (PEA_MAX_OFFSETS - 2);
    for (size_t i = 0; i < o->offsets.n; i++)
        o->offsets.step[i] = (pea_offset){o->offsets.n_axes == 3 ? (int32_t)(test_random(seed) % 65535) - 32767 : 0,
                                          (int32_t)(test_random(seed) % 65535) - 32767,
                                          1 + (int32_t)(test_random(seed) % 32767)};
}

static pea_segment_options random_options(uint64_t *seed)
{
    pea_segment_options o = preset(test_random(seed) % 3 ? "nuclei" : "ac3ac4");
    o.normalise = (pea_normalise)(test_random(seed) % 3);
    o.padding = o.offsets.n_axes == 2 ? (pea_padding)(test_random(seed) % 3) : o.padding;
    o.foreground = (pea_foreground)(test_random(seed) % 3);
    o.border = (pea_border)(test_random(seed) % 3);
    o.clusterer = (pea_clusterer)(test_random(seed) % 4);
    o.precision = (pea_precision)(test_random(seed) % 2);
    o.cut = PEA_CUT_MIN + (double)test_random(seed) / 4294967296.0 * (PEA_CUT_MAX - PEA_CUT_MIN);
    o.score_percent = (int)(test_random(seed) % 101) - 1;
    o.fragment_boundary = (double)test_random(seed) / 4294967296.0;
    o.fragment_sigma = (double)test_random(seed) / 42949673.0;
    o.fragment_size = test_random(seed) % 1000;
    o.bandwidth = o.offsets.n_axes == 2 ? (double)(1 + test_random(seed)) / 1000.0 : o.bandwidth;
    o.foreground_threshold = (double)test_random(seed) / 4294967296.0;
    o.min_foreground_size = test_random(seed) % 2 ? INT32_MAX : test_random(seed) % 100;
    o.min_size = test_random(seed) % 100000;
    o.absorb_size = test_random(seed) % 1000;
    o.parts = (pea_parts)(test_random(seed) % 3);
    o.fill_holes = (int)(test_random(seed) % 2);
    o.connectivity = (pea_connectivity)(test_random(seed) % 3);
    o.n_largest = test_random(seed) % 10;
    o.n_merge = test_random(seed) % (PEA_MAX_MERGE_PASSES + 1);
    for (size_t i = 0; i < o.n_merge; i++)
        o.merge[i] = (pea_merge_pass){(int32_t)(test_random(seed) % 300), 1 + (int32_t)(test_random(seed) % 50)};
    for (int i = 3 - o.offsets.n_axes; i < 3; i++)
        o.stride[i] = test_random(seed) % 10 ? 1 + (int)(test_random(seed) % 20) : INT32_MAX;
    for (int i = 0; i < 3 && o.offsets.n_axes == 3; i++) {
        o.tile[i] = 1 + test_random(seed) % 300;
        o.tile_step[i] = 1 + test_random(seed) % (uint32_t)o.tile[i];
        o.tile_margin[i] = test_random(seed) % 60;
    }
    o.scale = test_random(seed) % 4 ? 0.05 + (double)test_random(seed) / 4294967296.0 * 19.9 : PEA_SCALE_AUTO;
    random_offsets(&o, seed);
    return o;
}

static void any_options_lead_back_to_themselves_in_any_order(void **state)
{
    uint64_t seed = 20;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        const pea_segment_options from = random_options(&seed);
        pea_segment_options to = preset(from.offsets.n_axes == 2 ? "cvppp" : "ac3ac4");
        keep_without_keys(&from, &to);
        carry_over(&from, &to, &seed);
        expect_same(&to, &from);
    }
}

static void each_key_alone_leads_back_as_well(void **state)
{
    static char text[PEA_SETTING_TEXT_BYTES];
    uint64_t seed = 3;
    pea_error err;
    (void)state;
    for (int round = 0; round < 200; round++)
        for (size_t k = 0; k < pea_settings_count(); k++) {
            const pea_segment_options from = random_options(&seed);
            pea_segment_options to = from;
            assert_ok(pea_settings_get(&from, pea_settings_item(k).key, text, &err));
            if (text[0] || pea_settings_item(k).n_axes)
                assert_ok(apply_one(&to, pea_settings_item(k).key, text, &err));
            if (strcmp(pea_settings_item(k).key, "shifts") != 0) /* which takes 4 neighbours when alone */
                expect_same(&to, &from);
        }
}

/* ---- what texts mean ---- */

static void tiles_are_a_size_and_an_overlap(void **state)
{
    pea_segment_options o = preset("ac3ac4");
    pea_error err;
    (void)state;
    expect_text(&o, "tile", "18,160,160");
    expect_text(&o, "overlap", "8,80,80");
    expect_text(&o, "margin", "4,48,48");
    assert_ok(apply_one(&o, "tile", "18, 320,320", &err)); /* the overlap stays */
    assert_true(o.tile[1] == 320 && o.tile_step[0] == 10 && o.tile_step[1] == 240);
    assert_ok(apply_one(&o, "overlap", "4,32,0", &err));
    assert_true(o.tile[0] == 18 && o.tile_step[0] == 14 && o.tile_step[1] == 288 && o.tile_step[2] == 320);
    const pea_choice both[] = {{"overlap", "2,16,16"}, {"tile", "8,64,64"}};
    assert_ok(pea_settings_apply(both, 2, &o, &err));
    assert_true(o.tile[2] == 64 && o.tile_step[0] == 6 && o.tile_step[2] == 48);
    assert_fails(apply_one(&o, "overlap", "8,16,16", &err), PEA_E_ARG, "8 of 8 voxels along z");
    assert_fails(apply_one(&o, "tile", "2,64,64", &err), PEA_E_ARG, "give overlap, too");
    assert_fails(apply_one(&o, "tile", "8,64", &err), PEA_E_ARG, "three whole numbers");
    assert_fails(apply_one(&o, "margin", "1,2,3,4", &err), PEA_E_ARG, "three whole numbers");
    o = preset("nuclei");
    assert_fails(apply_one(&o, "tile", "8,64,64", &err), PEA_E_ARG, "3-D models");
}

static void the_bundled_models_settings_read_as_people_write_them(void **state)
{
    pea_segment_options o = preset("nuclei");
    (void)state;
    expect_text(&o, "shifts", "1,3,5,9,11");
    expect_text(&o, "neighbours", "4");
    expect_text(&o, "offsets", "[[-1,0],[0,-1],[-3,0],[0,-3],[-5,0],[0,-5],[-9,0],[0,-9],[-11,0],[0,-11]]");
    expect_text(&o, "strides", "5,5");
    expect_text(&o, "clusterer", "mutex");
    expect_text(&o, "cut", "0.5");
    expect_text(&o, "scoring", "mean");
    expect_text(&o, "fragments", "0.25:2:100");
    expect_text(&o, "bandwidth", "1.5");
    expect_text(&o, "precision", "fp32");
    expect_text(&o, "scale", "1");
    expect_text(&o, "foreground", "predicted");
    expect_text(&o, "threshold", "0.85");
    expect_text(&o, "speckles", "25");
    expect_text(&o, "minsize", "25");
    expect_text(&o, "absorb", "50");
    expect_text(&o, "merge", "none");
    expect_text(&o, "normalise", "minmax");
    expect_text(&o, "padding", "reflect-end");
    expect_text(&o, "border", "none");
    o = preset("ac3ac4");
    expect_text(&o, "shifts", "");
    expect_text(&o, "neighbours", "");
    expect_text(&o, "padding", "");
    expect_text(&o, "strides", "1,10,10");
    o = preset("cvppp");
    expect_text(&o, "merge", "5:5,20:11,50:11,300:21");
}

static void wishes_change_what_they_name_and_nothing_else(void **state)
{
    static const pea_choice wishes[] = {{"minsize", "7"},        {"shifts", "1, 4"},    {"strides", "2,3"},
                                        {"threshold", ".25"},    {"scale", "0.5"},      {"merge", "5:5, 20:11"},
                                        {"foreground", "given"}, {"speckles", "0"},     {"normalise", "unit"},
                                        {"border", "wrap"},      {"padding", "zero-square"},
                                        {"cut", ".45"},          {"scoring", "75"},
                                        {"fragments", "0.5:1:20"}, {"bandwidth", "3"}};
    pea_segment_options o = preset("nuclei"), expected = o;
    pea_error err;
    (void)state;
    assert_ok(pea_settings_apply(wishes, sizeof wishes / sizeof *wishes, &o, &err));
    expected.min_size = 7;
    assert_ok(pea_offsets_from_shifts((const int[]){1, 4}, 2, 4, &expected.offsets, &err));
    expected.stride[1] = 2;
    expected.stride[2] = 3;
    expected.foreground_threshold = 0.25;
    expected.scale = 0.5;
    expected.n_merge = 2;
    expected.merge[0] = (pea_merge_pass){5, 5};
    expected.merge[1] = (pea_merge_pass){20, 11};
    expected.foreground = PEA_FOREGROUND_GIVEN;
    expected.min_foreground_size = 0;
    expected.normalise = PEA_NORMALISE_UNIT;
    expected.border = PEA_BORDER_WRAP;
    expected.padding = PEA_PAD_ZERO_SQUARE;
    expected.cut = 0.45;
    expected.score_percent = 75;
    expected.fragment_boundary = 0.5;
    expected.fragment_sigma = 1.0;
    expected.fragment_size = 20;
    expected.bandwidth = 3.0;
    expect_same(&o, &expected);
    assert_ok(apply_one(&o, "scoring", "mean", &err));
    assert_int_equal(o.score_percent, PEA_SCORE_PERCENT_MEAN);
    assert_ok(apply_one(&o, "strides", "7", &err)); /* in all axes that there are */
    expect_text(&o, "strides", "7,7");
    assert_int_equal(o.stride[0], 1);
    assert_ok(apply_one(&o, "scale", "auto", &err));
    assert_true(o.scale == PEA_SCALE_AUTO);
    assert_ok(apply_one(&o, "merge", "none", &err));
    assert_int_equal(o.n_merge, 0);
    assert_ok(pea_settings_apply(NULL, 0, &o, &err));
}

static void directions_alone_keep_the_shifts(void **state)
{
    pea_segment_options o = preset("nuclei");
    pea_error err;
    (void)state;
    assert_ok(apply_one(&o, "neighbours", "8", &err));
    expect_text(&o, "shifts", "1,3,5,9,11");
    expect_text(&o, "neighbours", "8");
    assert_ok(apply_one(&o, "shifts", "2,7", &err)); /* shifts alone take 4 */
    expect_text(&o, "offsets", "[[-2,0],[0,-2],[-7,0],[0,-7]]");
    assert_ok(apply_one(&o, "offsets", "[[-1,0],[0,-1],[3,-4]]", &err));
    expect_text(&o, "shifts", "");
    expect_text(&o, "neighbours", "");
    assert_fails(apply_one(&o, "neighbours", "8", &err), PEA_E_ARG, "not made of shifts");
    assert_ok(apply_one(&o, "shifts", "", &err)); /* as pea_settings_get() gives it */
    expect_text(&o, "offsets", "[[-1,0],[0,-1],[3,-4]]");
}

static void two_ways_to_say_the_neighbours_must_agree(void **state)
{
    pea_segment_options o = preset("nuclei");
    pea_error err;
    const pea_choice agree[] = {{"offsets", "[[-2,0],[0,-2]]"}, {"shifts", "2"}, {"neighbours", "4"}};
    const pea_choice differ[] = {{"shifts", "3"}, {"offsets", "[[-2,0],[0,-2]]"}};
    const pea_choice eight[] = {{"offsets", "[[-2,0],[0,-2]]"}, {"neighbours", "8"}};
    (void)state;
    assert_fails(pea_settings_apply(differ, 2, &o, &err), PEA_E_ARG, "give one of them");
    assert_fails(pea_settings_apply(eight, 2, &o, &err), PEA_E_ARG, "neighbours and offsets");
    expect_text(&o, "shifts", "1,3,5,9,11");
    assert_ok(pea_settings_apply(agree, 3, &o, &err));
    expect_text(&o, "shifts", "2");
}

/* ---- what is refused ---- */

static void every_wrong_value_is_refused_in_one_line(void **state)
{
    static const struct {
        const char *key, *value, *part;
        int n_axes;
    } wrong[] = {
        {"absorb", "few", "absorb wants a whole number from 0 to 2147483647, found \"few\"", 2},
        {"largest", "-1", "found \"-1\"", 2},
        {"parts", "join", "parts wants one of keep|split|largest, found \"join\"", 2},
        {"holes", "yes", "holes wants one of keep|fill", 2},
        {"connectivity", "6", "connectivity wants one of faces|edges|corners", 2},
        {"minsize", "many", "minsize wants a whole number from 0 to 2147483647, found \"many\"", 2},
        {"minsize", "", "found \"\"", 2},
        {"minsize", "-1", "found \"-1\"", 2},
        {"minsize", "1e3", "found \"1e3\"", 2},
        {"minsize", "2147483648", "found", 2},
        {"minsize", "99999999999999999999", "found", 2},
        {"speckles", "2.5", "speckles wants a whole number", 3},
        {"threshold", "1", "threshold wants a number of at least 0 and below 1, found \"1\"", 2},
        {"threshold", "0,8", "found \"0,8\"", 2},
        {"threshold", "nan", "threshold", 2},
        {"threshold", "-0.1", "threshold", 2},
        {"scale", "0.049", "scale wants auto, or a number from 0.05 to 20, found \"0.049\"", 2},
        {"scale", "20.5", "scale", 2},
        {"scale", "Auto", "scale", 2},
        {"scale", "0", "scale", 2},
        {"shifts", "1,a", "shifts wants whole numbers from 1 to 32767", 2},
        {"shifts", "1,,3", "shifts", 2},
        {"shifts", "1,3,", "shifts", 2},
        {"shifts", "0", "shifts", 2},
        {"shifts", "32768", "shifts", 2},
        {"shifts", "1,3", "shifts is for 2-D models, this one is 3-D", 3},
        {"neighbours", "8", "neighbours is for 2-D models", 3},
        {"neighbours", "6", "neighbours wants one of 4|8, found \"6\"", 2},
        {"neighbours", "4|8", "neighbours", 2},
        {"padding", "zero-square", "padding is for 2-D models", 3},
        {"padding", "zero", "one of reflect-end|reflect-square|zero-square, found \"zero\"", 2},
        {"offsets", "[[-1,0,0],[0,-1,0],[0,0,-1]]", "offsets has 3-D steps, but the model is 2-D", 2},
        {"offsets", "[[-1,0],[0,-1]]", "offsets has 2-D steps, but the model is 3-D", 3},
        {"offsets", "o.json", "offsets: ", 2},
        {"offsets", "[[-1,0],[0,0]]", "offsets: offset 1 is a zero step", 2},
        {"offsets", "", "offsets", 2},
        {"strides", "1,2,3", "strides wants whole numbers", 2},
        {"strides", "1,", "strides", 2},
        {"strides", "0", "strides", 3},
        {"cut", "0", "cut wants a number from 0.001 to 0.999, found \"0\"", 2},
        {"cut", "1", "cut", 3},
        {"cut", "nan", "cut", 2},
        {"cut", "half", "cut", 2},
        {"scoring", "100", "scoring wants mean, or a whole number from 0 to 99, found \"100\"", 2},
        {"scoring", "-1", "scoring", 3},
        {"scoring", "median", "scoring", 2},
        {"fragments", "0.25", "such as 0.25:2:100, found \"0.25\"", 2},
        {"fragments", "0.25:2", "fragments", 2},
        {"fragments", "1:2:100", "fragments", 3},
        {"fragments", "0.25:101:100", "fragments", 2},
        {"fragments", "0.25:2:-1", "fragments", 2},
        {"fragments", "0.25:2:1.5", "fragments", 2},
        {"fragments", "0.25:2:100:", "fragments", 2},
        {"fragments", "::", "fragments", 2},
        {"bandwidth", "0", "bandwidth wants a number above 0, found \"0\"", 2},
        {"bandwidth", "inf", "bandwidth", 2},
        {"bandwidth", "1", "bandwidth is for 2-D models", 3},
        {"strides", "1,2", "strides", 3},
        {"strides", "0,1", "strides", 2},
        {"strides", "5;5", "strides", 2},
        {"clusterer", "watershed", "clusterer wants one of mutex|agglomerate|multicut|meanshift, found \"watershed\"", 2},
        {"precision", "fp16", "precision wants one of fp32|bf16", 2},
        {"foreground", "Given", "one of none|given|predicted", 2},
        {"normalise", "", "normalise wants one of", 2},
        {"border", "up", "one of none|wrap|copy", 2},
        {"merge", "5", "merge wants none, or up to 8 pairs", 2},
        {"merge", "5:5,", "merge", 2},
        {"merge", "5:0", "merge", 2},
        {"merge", "5:x", "merge", 2},
        {"merge", "1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1", "merge", 2},
        {"minsize", "1\n2", "found \"1?2\"", 2},
    };
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        pea_segment_options o = preset(wrong[i].n_axes == 2 ? "nuclei" : "ac3ac4");
        const pea_segment_options before = o;
        const pea_choice wishes[] = {{"border", "copy"}, {wrong[i].key, wrong[i].value}};
        assert_fails(apply_one(&o, wrong[i].key, wrong[i].value, &err), PEA_E_ARG, wrong[i].part);
        assert_int_equal(strncmp(err.message, wrong[i].key, strlen(wrong[i].key)), 0);
        assert_int_equal(strcspn(err.message, "\r\n"), strlen(err.message));
        if (strcmp(wrong[i].key, "border") != 0)
            assert_int_equal(pea_settings_apply(wishes, 2, &o, NULL), PEA_E_ARG);
        assert_memory_equal(&o, &before, sizeof o); /* what was right beside it is not done either */
    }
}

static void too_many_shifts_are_counted(void **state)
{
    char text[400] = "1";
    pea_segment_options o = preset("nuclei");
    pea_error err;
    pea_choice wishes[] = {{"shifts", text}, {"neighbours", "8"}};
    (void)state;
    for (int i = 1; i < 64; i++)
        strcat(text, ",1");
    assert_fails(pea_settings_apply(wishes, 2, &o, &err), PEA_E_ARG, "64 in 4 directions");
    assert_ok(pea_settings_apply(wishes, 1, &o, &err));
    assert_int_equal(o.offsets.n, 128);
    strcat(text, ",1");
    assert_fails(pea_settings_apply(wishes, 1, &o, &err), PEA_E_ARG, "at most 64");
}

static void an_unknown_key_names_the_nearest(void **state)
{
    char text[PEA_SETTING_TEXT_BYTES];
    pea_segment_options o = preset("nuclei");
    pea_error err;
    (void)state;
    assert_fails(apply_one(&o, "minSize", "25", &err), PEA_E_ARG, "no setting \"minSize\": the nearest is minsize");
    assert_fails(apply_one(&o, "normalize", "unit", &err), PEA_E_ARG, "nearest is normalise");
    assert_fails(apply_one(&o, "neighbors", "8", &err), PEA_E_ARG, "nearest is neighbours");
    assert_fails(apply_one(&o, "", "8", &err), PEA_E_ARG, "no setting");
    assert_fails(apply_one(&o, "a-name-that-is-longer-than-any-key-could-ever-be", "8", &err), PEA_E_ARG, "no setting");
    assert_fails(pea_settings_get(&o, "treshold", text, &err), PEA_E_ARG, "nearest is threshold");
}

static void the_nearest_key_is_found_by_counting_letters(void **state)
{
    static const struct {
        const char *written, *meant;
    } words[] = {{"cu", "cut"}, {"cutt", "cut"}, {"cat", "cut"}, {"itle", "tile"}, {"ilet", "tile"},
                 {"shalers", "scale"}, {"overlab", "overlap"}};
    char word[65] = {0}, expected[80];
    pea_segment_options o = preset("nuclei");
    pea_error err;
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        (void)snprintf(expected, sizeof expected, "nearest is %s", words[i].meant);
        assert_fails(apply_one(&o, words[i].written, "1", &err), PEA_E_ARG, expected);
    }
    memset(word, 'x', 58);
    memcpy(word + 58, "merge", 5); /* of 63 letters distances are counted, of 64 no more */
    assert_fails(apply_one(&o, word, "1", &err), PEA_E_ARG, "nearest is merge");
    memcpy(word + 58, "xmerge", 6);
    assert_fails(apply_one(&o, word, "1", &err), PEA_E_ARG, "no setting");
}

static void distances_of_words_are_counted_in_letters(void **state)
{
    static const struct {
        const char *a, *b;
        size_t n;
    } pairs[] = {{"", "", 0}, {"min", "", 3}, {"minsize", "minsize", 0}, {"minsiz", "minsize", 1}, {"kitten", "sitting", 3},
                 {"tpye", "type", 2}};
    char word[65] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_int_equal(pea_edit_distance(pairs[i].a, pairs[i].b), pairs[i].n);
        assert_int_equal(pea_edit_distance(pairs[i].b, pairs[i].a), pairs[i].n);
    }
    memset(word, 'x', 63);
    assert_int_equal(pea_edit_distance(word, "box"), 62);
    word[63] = 'x';
    assert_true(pea_edit_distance(word, "x") == SIZE_MAX && pea_edit_distance("x", word) == SIZE_MAX);
}

static void a_key_counts_once(void **state)
{
    const pea_choice twice[] = {{"minsize", "25"}, {"merge", "none"}, {"minsize", "25"}};
    const pea_choice half[] = {{"minsize", NULL}}, nameless[] = {{NULL, "25"}};
    pea_segment_options o = preset("nuclei");
    pea_error err;
    (void)state;
    assert_fails(pea_settings_apply(twice, 3, &o, &err), PEA_E_ARG, "minsize is given twice");
    assert_fails(pea_settings_apply(half, 1, &o, &err), PEA_E_ARG, "value");
    assert_fails(pea_settings_apply(nameless, 1, &o, &err), PEA_E_ARG, "key");
    assert_fails(pea_settings_apply(twice, 1, NULL, &err), PEA_E_ARG, "options");
}

static void options_that_were_not_initialised_are_refused(void **state)
{
    char text[PEA_SETTING_TEXT_BYTES];
    pea_segment_options o = {0};
    pea_error err;
    (void)state;
    assert_fails(apply_one(&o, "minsize", "25", &err), PEA_E_ARG, "not initialised");
    assert_fails(pea_settings_get(&o, "minsize", text, &err), PEA_E_ARG, "not initialised");
    o.struct_size = sizeof o;
    assert_fails(apply_one(&o, "strides", "1,1", &err), PEA_E_ARG, "2-D or 3-D");
    o.offsets = (pea_offsets){.n_axes = 2, .n = PEA_MAX_OFFSETS + 1};
    assert_fails(pea_settings_get(&o, "offsets", text, &err), PEA_E_ARG, "offsets");
}

/* ---- the grammar itself ---- */

static bool ends_with(const char *word, const char *tail)
{
    const size_t n = strlen(word), n_tail = strlen(tail);
    return n >= n_tail && strcmp(word + n - n_tail, tail) == 0;
}

static void keys_are_words_that_imagej_does_not_confuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < pea_settings_count(); i++) {
        const pea_setting s = pea_settings_item(i);
        assert_int_equal(strspn(s.key, "abcdefghijklmnopqrstuvwxyz"), strlen(s.key));
        assert_true(s.label[0] && s.value[0] && ends_with(s.help, "."));
        for (size_t j = 0; j < pea_settings_count(); j++)
            assert_true(i == j || !ends_with(s.key, pea_settings_item(j).key));
    }
    assert_null(pea_settings_item(pea_settings_count()).key);
}

/* "none|given|predicted": every choice is taken, and given back under the same name. */
static void every_choice_is_one(void **state)
{
    pea_error err;
    size_t n_choices = 0;
    (void)state;
    for (size_t i = 0; i < pea_settings_count(); i++) {
        const pea_setting s = pea_settings_item(i);
        for (const char *c = s.choices; c && *c; c += *c == '|') {
            char name[64] = "";
            const size_t n = strcspn(c, "|");
            pea_segment_options o = preset("nuclei");
            memcpy(name, c, n);
            assert_ok(apply_one(&o, s.key, name, &err));
            expect_text(&o, s.key, name);
            n_choices++;
            c += n;
        }
    }
    assert_int_equal(n_choices, 2 + 4 + 2 + 4 * 3 + 3 + 2 + 3);
}

static void a_caller_of_an_older_header_keeps_what_lies_behind_its_options(void **state)
{
    struct {
        pea_segment_options options;
    } old = {preset("nuclei")};
    pea_error err;
    (void)state;
    old.options.struct_size = offsetof(pea_segment_options, scale);
    old.options.scale = 77.0; /* not its memory */
    assert_ok(apply_one(&old.options, "minsize", "3", &err));
    assert_int_equal(old.options.min_size, 3);
    assert_int_equal(old.options.struct_size, offsetof(pea_segment_options, scale));
    assert_true(old.options.scale == 77.0);
    expect_text(&old.options, "scale", "1");
}

static pea_status attempt(void *argument, pea_error *err)
{
    pea_segment_options o = preset("nuclei");
    (void)argument;
    return apply_one(&o, "offsets", "[[-1,0],[0,-1],[3,-4]]", err);
}

static void failing_allocations_are_survived(void **state)
{
    (void)state;
    assert_true(test_each_allocation_failing(attempt, NULL, 200) >= 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tiles_are_a_size_and_an_overlap),
    cmocka_unit_test(every_preset_leads_back_to_itself),
    cmocka_unit_test(any_options_lead_back_to_themselves_in_any_order),
    cmocka_unit_test(each_key_alone_leads_back_as_well),
    cmocka_unit_test(the_bundled_models_settings_read_as_people_write_them),
    cmocka_unit_test(wishes_change_what_they_name_and_nothing_else),
    cmocka_unit_test(directions_alone_keep_the_shifts),
    cmocka_unit_test(two_ways_to_say_the_neighbours_must_agree),
    cmocka_unit_test(every_wrong_value_is_refused_in_one_line),
    cmocka_unit_test(too_many_shifts_are_counted),
    cmocka_unit_test(an_unknown_key_names_the_nearest),
    cmocka_unit_test(the_nearest_key_is_found_by_counting_letters),
    cmocka_unit_test(distances_of_words_are_counted_in_letters),
    cmocka_unit_test(a_key_counts_once),
    cmocka_unit_test(options_that_were_not_initialised_are_refused),
    cmocka_unit_test(keys_are_words_that_imagej_does_not_confuse),
    cmocka_unit_test(every_choice_is_one),
    cmocka_unit_test(a_caller_of_an_older_header_keeps_what_lies_behind_its_options),
    cmocka_unit_test(failing_allocations_are_survived),
};

PEA_TEST_MAIN(tests)
