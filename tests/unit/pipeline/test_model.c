/* test_model.c - records of settings, model files, and checkpoints that become them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include "pipeline/pipeline.h"
#include "pipeline/same_options.h"
#include "pipeline/toy_model.h"

#define PLANE_CHECKPOINT PEA_TESTDATA "/golden/resunet2d-small-legacy/model.ckpt"
#define AFFINITY_CHECKPOINT PEA_TESTDATA "/golden/superhuman3d-affinity-small/model.ckpt"

static const pea_network_info plane_network = {.kind = "resunet2d",
                                               .n_axes = 2,
                                               .in_channels = 3,
                                               .filters = {2, 2, 2, 2, 2},
                                               .embedding_dim = 2,
                                               .n_parameters = 77,
                                               .grid = 16};
static const pea_network_info volume_network = {.kind = "superhuman3d", .n_axes = 3, .in_channels = 1, .grid = 16};

static void every_preset_survives_its_record(void **state)
{
    static const char *const names[4] = {"cvppp", "bbbc039", "ac3ac4", "nuclei"};
    pea_error err;
    (void)state;
    for (int i = 0; i < 4; i++) {
        const pea_network_info network = i == 2 ? volume_network : plane_network;
        pea_segment_options written, read;
        char *json, *name;
        assert_ok(pea_preset(names[i], &written, &err));
        assert_ok(pea__record_write(network, &written, NULL, &json, &err));
        assert_ok(pea__record_read(json, network, &read, &name, &err));
        assert_null(name);
        assert_int_equal(read.struct_size, sizeof read);
        expect_same(&read, &written);
        assert_memory_equal(&read.offsets, &written.offsets, sizeof read.offsets);
        pea__free(json);
    }
}

static void metadata_replace_and_add(void **state)
{
    pea_error err;
    pea_segment_options o;
    char *json, *name;
    (void)state;
    assert_ok(pea_preset("nuclei", &o, &err));
    assert_ok(pea__record_write(
        plane_network, &o,
        "{\"name\":\"m\\u00fcsli\",\"foreground_threshold\":0.25,\"offsets\":[[-1,0],[0,-1],[-7,7]],"
        "\"provenance\":{\"data\":[1,{\"a\":null}]},\"merge\":[[3,4]],"
        "\"pixel_size\":{\"y\":0.5,\"x\":0.25,\"unit\":\"um\"}}",
        &json, &err));
    assert_non_null(strstr(json, "\"provenance\":{\"data\":[1,{\"a\":null}]}"));
    assert_non_null(strstr(json, "\"licence\":null"));
    assert_ok(pea__record_read(json, plane_network, &o, &name, &err));
    assert_string_equal(name, "m\xc3\xbcsli");
    assert_true(o.foreground_threshold == 0.25);
    assert_true(o.offsets.n == 3 && o.offsets.step[2].y == -7 && o.offsets.step[2].x == 7);
    assert_true(o.n_merge == 1 && o.merge[0].max_size == 3 && o.merge[0].window == 4);
    pea__free(name);
    pea__free(json);
}

/* What changes nothing is not written, so that older records stay as they were. */
static void tuning_of_clusterers_is_recorded(void **state)
{
    pea_error err;
    pea_segment_options o, back;
    char *json, *name;
    (void)state;
    assert_ok(pea_preset("nuclei", &o, &err));
    assert_ok(pea__record_write(plane_network, &o, NULL, &json, &err));
    assert_null(strstr(json, "\"cut\""));
    assert_null(strstr(json, "\"scoring\""));
    assert_null(strstr(json, "\"fragments\""));
    assert_null(strstr(json, "\"bandwidth\""));
    pea__free(json);
    o.cut = 0.3;
    o.score_percent = 0;
    o.fragment_boundary = 0.5;
    o.fragment_sigma = 1.25;
    o.fragment_size = 7;
    o.bandwidth = 1e-3;
    assert_ok(pea__record_write(plane_network, &o, NULL, &json, &err));
    assert_ok(pea__record_read(json, plane_network, &back, &name, &err));
    expect_same(&back, &o);
    pea__free(name);
    pea__free(json);
    assert_ok(pea__record_write(plane_network, &o, "{\"scoring\":\"mean\",\"cut\":0.5}", &json, &err));
    assert_ok(pea__record_read(json, plane_network, &back, &name, &err));
    assert_true(back.score_percent == PEA_SCORE_PERCENT_MEAN && back.cut == 0.5);
    pea__free(name);
    pea__free(json);
}

static void wrong_metadata_are_refused_by_key(void **state)
{
    static const char *const cases[][2] = {
        {"[1]", "must be one JSON object"},
        {"{\"foreground_treshold\":1}", "unknown key 'foreground_treshold'; known are: name"},
        {"{\"network\":{}}", "must not have the key 'network'"},
        {"{\"format_version\":1}", "must not have the key 'format_version'"},
        {"{\"foreground_threshold\":1}", "'foreground_threshold' must be a number of at least 0 and below 1"},
        {"{\"foreground_threshold\":\"x\"}", "'foreground_threshold'"},
        {"{\"normalise\":\"z-score\"}", "'normalise' must be minmax, imagenet or unit"},
        {"{\"padding\":null}", "'padding' must be a text"},
        {"{\"padding\":\"wrap\"}", "'padding' must be reflect-end"},
        {"{\"foreground\":\"some\"}", "'foreground' must be"},
        {"{\"border\":\"mirror\"}", "'border' must be"},
        {"{\"clusterer\":\"waterz\"}", "'clusterer' must be mutex, agglomerate, multicut or meanshift"},
        {"{\"cut\":0}", "'cut' must be a number from 0.001 to 0.999"},
        {"{\"cut\":1e999}", "'cut'"},
        {"{\"scoring\":\"median\"}", "'scoring' must be \"mean\" or a whole number from 0 to 99"},
        {"{\"scoring\":100}", "'scoring'"},
        {"{\"scoring\":-1}", "'scoring'"},
        {"{\"bandwidth\":0}", "'bandwidth' must be a number above 0"},
        {"{\"bandwidth\":1e999}", "'bandwidth'"},
        {"{\"fragments\":[0.25,2]}", "'fragments' must be a list [boundary, sigma, size]"},
        {"{\"fragments\":[1,2,100]}", "'fragments'"},
        {"{\"fragments\":[0.25,-1,100]}", "'fragments'"},
        {"{\"fragments\":[0.25,2,1.5]}", "'fragments'"},
        {"{\"fragments\":\"0.25:2:100\"}", "'fragments'"},
        {"{\"cluster_padded\":1}", "'cluster_padded' must be true or false"},
        {"{\"offsets\":[[0,0],[0,-1]]}", ""},
        {"{\"offsets\":[[-1,0,0],[0,-1,0],[0,0,-1]]}", "in 2-D, so its offsets need 2 axes, not 3"},
        {"{\"strides\":[1,1,1]}", "'strides' must be a list of 2 whole numbers from 1"},
        {"{\"strides\":[0,1]}", "'strides'"},
        {"{\"strides\":[1.5,1]}", "'strides'"},
        {"{\"strides\":3}", "'strides'"},
        {"{\"min_size\":-1}", "'min_size' must be a whole number from 0"},
        {"{\"min_size\":1e12}", "'min_size'"},
        {"{\"min_foreground_size\":[1]}", "'min_foreground_size'"},
        {"{\"merge\":[[1,2,3]]}", "'merge' must be a list"},
        {"{\"merge\":[[1,0]]}", "'merge'"},
        {"{\"merge\":[[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],[1,1]]}", "'merge'"},
        {"{\"merge\":7}", "'merge'"},
        {"{\"tile\":[1,2]}", "'tile' must be a list of 3"},
        {"{\"tile_margin\":[-1,2,3]}", "'tile_margin'"},
        {"{\"name\":7}", "'name' must be a text"},
        {"{\"citation\":[]}", "'citation' must be a text"},
        {"{\"pixel_size\":1}", "'pixel_size' must be null or an object"},
        {"{\"pixel_size\":{\"y\":0,\"x\":1,\"unit\":\"um\"}}", "'pixel_size'"},
        {"{\"pixel_size\":{\"x\":1,\"unit\":\"um\"}}", "'pixel_size'"},
        {"{", ""},
        {"", ""},
    };
    pea_error err;
    pea_segment_options o;
    char *json;
    (void)state;
    assert_ok(pea_preset("nuclei", &o, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fails(pea__record_write(plane_network, &o, cases[i][0], &json, &err), PEA_E_ARG, cases[i][1]);
        assert_int_equal(err.status, PEA_E_ARG);
        assert_null(json);
    }
    assert_ok(pea_preset("ac3ac4", &o, &err));
    assert_fails(pea__record_write(volume_network, &o, "{\"tile\":[18,100,160]}", &json, &err), PEA_E_ARG,
                 "multiple of 16");
    assert_fails(pea__record_write(volume_network, &o, "{\"normalise\":\"imagenet\"}", &json, &err), PEA_E_ARG,
                 "for 3 channels, the network takes 1");
}

#define START "{\"format_version\":1,\"normalise\":\"unit\",\"padding\":\"reflect-end\",\"foreground\":\"none\","

static void records_of_files_are_checked(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "lack the key 'format_version'"},
        {"{\"format_version\":0}", "'format_version' must be"},
        {"{\"format_version\":2}", "format version is 2, this program reads up to 1: update it"},
        {"{\"format_version\":1}", "lack the key 'normalise'"},
        {START "\"offsets\":[[-1,0],[0,-1]]}", "lack the key 'clusterer'"},
        {START "\"clusterer\":\"mutex\"}", "lack the key 'offsets'"},
        {START "\"clusterer\":\"mutex\",\"offsets\":[[-1,0],[0,-1]]}", "lack the key 'strides'"},
        {START "\"network\":{\"kind\":\"vit\"}}", "does not describe its tensors, which make a resunet2d of 3 input"},
        {START "\"network\":{\"in_channels\":1}}", "does not describe"},
        {START "\"network\":[]}", "'network' must be an object"},
        {START "\"network\":{\"kind\":1}}", "'network' must be an object"},
    };
    pea_error err;
    pea_segment_options o;
    char *name;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(pea__record_read(cases[i][0], plane_network, &o, &name, &err), PEA_E_FORMAT, cases[i][1]);
}

static void unknown_keys_of_a_file_are_kept_and_ignored(void **state)
{
    static const char json[] = START "\"clusterer\":\"mutex\",\"offsets\":[[-1,0],[0,-1]],\"strides\":[2,3],"
                                     "\"colour\":{\"deep\":[1,2]}}";
    pea_model *model = toy_model_with((toy){.n_axes = 2, .in_channels = 3}, json);
    const pea_segment_options o = pea_model_options(model);
    (void)state;
    assert_string_equal(pea_model_metadata(model), json);
    assert_string_equal(pea_model_name(model), "unnamed");
    assert_true(o.stride[0] == 1 && o.stride[1] == 2 && o.stride[2] == 3);
    assert_true(o.border == PEA_BORDER_NONE && o.min_size == 0 && o.n_merge == 0 && !o.cluster_padded);
    pea_model_free(model);
}

static void model_file_opens_with_network_name_and_settings(void **state)
{
    pea_model *model = toy_plane_model();
    const pea_network_info info = pea_network_get_info(pea_model_network(model));
    (void)state;
    assert_string_equal(pea_model_name(model), "toy");
    assert_string_equal(info.kind, "resunet2d");
    assert_int_equal(pea_model_options(model).offsets.n, 4);
    pea_model_free(model);
    pea_model_free(NULL);
}

static void file_that_is_no_model_is_refused(void **state)
{
    char path[256];
    pea_error err;
    pea_model *model;
    pea_weights *weights = toy_weights((toy){.n_axes = 2, .in_channels = 3});
    (void)state;
    toy_write(weights, NULL, path);
    assert_fails(pea_model_open(path, &model, &err), PEA_E_FORMAT, "no settings under the key 'pea'");
    assert_null(model);
    unlink(path);
    toy_write(weights, "{\"format_version\":9}", path);
    assert_fails(pea_model_open(path, &model, &err), PEA_E_FORMAT, "format version is 9");
    unlink(path);
    assert_fails(pea_model_open(path, &model, &err), PEA_E_IO, path);
    assert_fails(pea_model_open(NULL, &model, &err), PEA_E_ARG, "missing");
    pea_weights_free(weights);
}

static void settings_must_suit_the_heads_of_the_network(void **state)
{
    char path[256];
    pea_error err;
    pea_model *model;
    pea_weights *weights = toy_weights((toy){.n_axes = 2, .in_channels = 3, .n_affinities = 3});
    (void)state;
    toy_write(weights, toy_plane_record, path);
    assert_fails(pea_model_open(path, &model, &err), PEA_E_ARG, "predicts 3 affinities itself");
    unlink(path);
    pea_weights_free(weights);
    weights = toy_weights((toy){.n_axes = 2, .in_channels = 3, .n_affinities = 4});
    toy_write(weights, toy_plane_record, path);
    assert_fails(pea_model_open(path, &model, &err), PEA_E_ARG, "predicts no foreground");
    unlink(path);
    pea_weights_free(weights);
}

static bool exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static void checkpoint_becomes_a_model_with_default_settings(void **state)
{
    char path[256], notes[256];
    pea_error err;
    pea_model *model;
    pea_segment_options o, expected;
    (void)state;
    assert_ok(pea_model_import(PLANE_CHECKPOINT, NULL, NULL, toy_path(path), notes, &err));
    assert_ok(pea_model_open(path, &model, &err));
    unlink(path);
    o = pea_model_options(model);
    assert_ok(pea_preset("cvppp", &expected, &err));
    expect_same(&o, &expected);
    assert_memory_equal(&o.offsets, &expected.offsets, sizeof o.offsets);
    assert_non_null(strstr(pea_model_metadata(model), "\"kind\":\"resunet2d\""));
    pea_model_free(model);
}

/* The 3-D baseline predicts affinities itself. */
static void network_of_affinities_keeps_its_own_offsets(void **state)
{
    char path[256];
    pea_error err;
    pea_model *model;
    (void)state;
    assert_ok(pea_model_import(AFFINITY_CHECKPOINT, NULL, "{\"name\":\"baseline\"}", toy_path(path), NULL, &err));
    assert_ok(pea_model_open(path, &model, &err));
    unlink(path);
    assert_int_equal(pea_model_options(model).offsets.n, 12);
    assert_string_equal(pea_model_name(model), "baseline");
    pea_model_free(model);
}

/* A name or a nested key that reads the same gives no offsets. */
static void only_the_key_itself_gives_offsets(void **state)
{
    (void)state;
    assert_true(pea__record_has("{\"name\":\"x\",\"offsets\":[[-1,0],[0,-1]]}", "offsets"));
    assert_false(pea__record_has("{\"name\":\"offsets\"}", "offsets"));
    assert_false(pea__record_has("{\"provenance\":{\"offsets\":1}}", "offsets"));
    assert_false(pea__record_has("[\"offsets\"]", "offsets"));
    assert_false(pea__record_has("\"offsets\":", "offsets"));
}

static void failed_import_leaves_no_file(void **state)
{
    char path[256];
    pea_error err;
    (void)state;
    toy_path(path);
    unlink(path);
    assert_fails(pea_model_import(PLANE_CHECKPOINT, "ac3ac4", NULL, path, NULL, &err), PEA_E_ARG,
                 "the preset ac3ac4 is for 3-D networks, this one is resunet2d: choose cvppp");
    assert_fails(pea_model_import(PLANE_CHECKPOINT, "x", NULL, path, NULL, &err), PEA_E_ARG, "no preset 'x'");
    assert_fails(pea_model_import(PLANE_CHECKPOINT, NULL, "{\"nam\":1}", path, NULL, &err), PEA_E_ARG, "'nam'");
    assert_fails(pea_model_import("/nowhere.ckpt", NULL, NULL, path, NULL, &err), PEA_E_IO, "/nowhere.ckpt");
    assert_fails(pea_model_import(NULL, NULL, NULL, path, NULL, &err), PEA_E_ARG, "needs a checkpoint");
    assert_false(exists(path));
}

static void same_checkpoint_gives_the_same_file(void **state)
{
    char a[256], b[256];
    size_t n_a, n_b;
    pea_error err;
    (void)state;
    assert_ok(pea_model_import(PLANE_CHECKPOINT, "nuclei", NULL, toy_path(a), NULL, &err));
    assert_ok(pea_model_import(PLANE_CHECKPOINT, "nuclei", NULL, toy_path(b), NULL, &err));
    char *content_a = test_read_file(a, &n_a), *content_b = test_read_file(b, &n_b);
    assert_int_equal(n_a, n_b);
    assert_memory_equal(content_a, content_b, n_a);
    free(content_a);
    free(content_b);
    unlink(a);
    unlink(b);
}

/* Whatever allocation fails, import says so, leaks nothing and leaves no file. */
static void every_failing_allocation_of_import_is_survived(void **state)
{
    char path[256];
    pea_error err;
    (void)state;
    toy_path(path);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        pea_status status = PEA_E_NOMEM;
        for (size_t n = 1; status != PEA_OK; n += 1 + n / 8) {
            const size_t live = pea__alloc_live();
            unlink(path);
            err = (pea_error){0};
            pea__alloc_fail_at(n, for_ever);
            status = pea_model_import(PLANE_CHECKPOINT, NULL, "{\"name\":\"x\"}", path, NULL, &err);
            pea__alloc_fail_at(0, false);
            assert_int_equal(pea__alloc_live(), live);
            if (status != PEA_OK && (status != PEA_E_NOMEM || !err.message[0] || exists(path)))
                fail_msg("allocation %zu: %s \"%s\"", n, pea_status_name(status), err.message);
        }
        assert_true(exists(path));
    }
    unlink(path);
}

static pea_status open_and_free(void *path, pea_error *err)
{
    pea_model *model;
    const pea_status status = pea_model_open(path, &model, err);
    assert_int_equal(status == PEA_OK, model != NULL);
    pea_model_free(model);
    return status;
}

static void every_failing_allocation_of_open_is_survived(void **state)
{
    char path[256];
    pea_error err;
    (void)state;
    assert_ok(pea_model_import(PLANE_CHECKPOINT, NULL, "{\"name\":\"x\"}", toy_path(path), NULL, &err));
    test_each_allocation_failing(open_and_free, path, 10000);
    unlink(path);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_preset_survives_its_record),
    cmocka_unit_test(metadata_replace_and_add),
    cmocka_unit_test(tuning_of_clusterers_is_recorded),
    cmocka_unit_test(wrong_metadata_are_refused_by_key),
    cmocka_unit_test(records_of_files_are_checked),
    cmocka_unit_test(unknown_keys_of_a_file_are_kept_and_ignored),
    cmocka_unit_test(model_file_opens_with_network_name_and_settings),
    cmocka_unit_test(file_that_is_no_model_is_refused),
    cmocka_unit_test(settings_must_suit_the_heads_of_the_network),
    cmocka_unit_test(checkpoint_becomes_a_model_with_default_settings),
    cmocka_unit_test(network_of_affinities_keeps_its_own_offsets),
    cmocka_unit_test(only_the_key_itself_gives_offsets),
    cmocka_unit_test(failed_import_leaves_no_file),
    cmocka_unit_test(same_checkpoint_gives_the_same_file),
    cmocka_unit_test(every_failing_allocation_of_import_is_survived),
    cmocka_unit_test(every_failing_allocation_of_open_is_survived),
};

PEA_TEST_MAIN(tests)
