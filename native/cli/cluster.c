/* cluster.c - `pea cluster`: affinities in a .npy file to a label TIFF.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cli.h"

static const char command[] = "cluster";
static const char settings_keys[] =
    "shifts neighbours offsets strides cut scoring fragments merge absorb parts holes connectivity minsize largest";

static const cli_manual manual = {
    .command = command,
    .summary = "affinities to instance labels",
    .synopsis = "pea cluster A.npy -o LABELS.tif (--offsets O.json | --shifts 1,3 [--neighbours 4|8]) [OPTION]...",
    .description =
        "Cuts the graph of affinities into instances. With the mutex watershed the first two (3-D: three) offsets attract with weight a, all "
        "others repel with weight 1 - a, unless --cut says otherwise; edges are taken by falling weight, and a tie goes to "
        "the later edge, so that the result is always the same.\n"
        "\nA.npy holds float32 (k,y,x) with 2-D offsets, (k,z,y,x) with 3-D offsets; one more axis of length 1 may "
        "stand before them. LABELS.tif has 0 outside the mask and 1..n in raster order, 16-bit up to 65535 objects.",
    .examples = "pea cluster a.npy -o labels.tif --shifts 1,3,5,9,27 --strides 5,5\n"
                "pea cluster a.npy -o labels.tif --offsets offsets.json --strides 1,10,10 --mask fg.tif",
    .see_also = "pea affinity, pea segment, pea score",
    .min_operands = 1,
    .max_operands = 1,
    .operands = "an affinity file",
};

struct run {
    const char *output, *mask, *method;
    int json;
    cli_settings given;
    cli_wishes wishes;
    pea_segment_options settings;
    cli_tensor in;
    pea_volume mask_voxels, labels;
    uint32_t n_labels;
    cli_session session;
};

static int parse(struct run *r, int argc, char **argv, cli_operands *operands)
{
    const cli_option own[] = {
        {.name = "output", .letter = 'o', .kind = CLI_TEXT, .target = &r->output, .value = "LABELS.tif", .required = 1,
         .help = "The label TIFF to write. An older one is replaced."},
        {.name = "mask", .kind = CLI_TEXT, .target = &r->mask, .value = "M.tif",
         .help = "Instances may be only where this image is not 0."},
        {.name = "method", .kind = CLI_CHOICE, .target = &r->method, .value = "NAME", .choices = "mutex|agglomerate|multicut",
         .help = "How the graph is cut: by the mutex watershed; or into small fragments that are joined while their mean "
                 "affinity is above --cut (agglomerate), or so that the cuts between them cost least (multicut). "
                 "The last two look at the attractive offsets alone, which must be one step each."},
        {.name = "json", .kind = CLI_FLAG, .target = &r->json,
         .help = "Print one JSON object on stdout: the number of instances."},
        CLI_WISH_OPTIONS(r->wishes),
    };
    cli_option options[CLI_COUNT(own) + CLI_MAX_SETTINGS];
    const size_t n_given = cli_settings_options(&r->given, settings_keys, "",
                                                options + 1);
    options[0] = own[0];
    memcpy(options + 1 + n_given, own + 1, sizeof own - sizeof *own);
    cli_option_named(options + 1, n_given, "strides")->fallback = "1 everywhere";
    cli_option_named(options + 1, n_given, "cut")->fallback = "0.5";
    cli_option_named(options + 1, n_given, "scoring")->fallback = "mean";
    cli_option_named(options + 1, n_given, "fragments")->fallback = "0.25:2:100";
    cli_option_named(options + 1, n_given, "merge")->fallback = "none";
    cli_option_named(options + 1, n_given, "minsize")->fallback = "0";
    cli_option_named(options + 1, n_given, "absorb")->fallback = "0";
    cli_option_named(options + 1, n_given, "parts")->fallback = "keep";
    cli_option_named(options + 1, n_given, "holes")->fallback = "keep";
    cli_option_named(options + 1, n_given, "connectivity")->fallback = "faces";
    cli_option_named(options + 1, n_given, "largest")->fallback = "0";
    return cli_parse(&manual, options, CLI_COUNT(own) + n_given, argc, argv, operands);
}

static int choose_settings(struct run *r, pea_error *err)
{
    if (cli_settings_alone(&r->given, &r->settings, err) != PEA_OK)
        return cli_report_options(command, err);
    if (!r->settings.offsets.n)
        return cli_usage(command, "--offsets or --shifts is needed: which neighbours are the channels?");
    return CLI_RUN;
}

static pea_status read_inputs(struct run *r, const char *path, pea_error *err)
{
    pea_status status = cli_session_open(&r->session, command, &r->wishes, err);
    if (status == PEA_OK)
        status = cli_check_writable(r->output, err);
    if (status != PEA_OK)
        return status;
    const double started = cli_seconds();
    cli_interruptible(true);
    status = cli_tensor_read(path, r->settings.offsets.n_axes, true, &r->in, err);
    r->session.read += cli_seconds() - started;
    if (status == PEA_OK && r->in.n != 1)
        status = cli_fail(err, PEA_E_SHAPE, "%s holds a batch of %lld, expected one: cluster them one at a time", path,
                          (long long)r->in.n);
    if (status == PEA_OK && r->mask)
        status = cli_read_mask(r->mask, (pea_image_part){0}, cli_tensor_item(&r->in, 0).dims, &r->session, &r->mask_voxels,
                               err);
    cli_interruptible(false);
    return status;
}

static pea_status compute(struct run *r, const char *path, pea_error *err)
{
    const pea_array affinity = cli_tensor_item(&r->in, 0);
    const pea_dims dims = {affinity.dims.z, affinity.dims.y, affinity.dims.x, 1};
    const pea_array *labels = &r->labels.array;
    pea_segment_options *o = &r->settings;
    (void)pea_clusterer_parse(r->method, &o->clusterer); /* one of the choices */
    pea_status status = pea_volume_alloc(PEA_UINT32, dims, &r->labels, err);
    if (status == PEA_OK)
        status = pea_cluster(o, &affinity, r->mask ? &r->mask_voxels.array : NULL, r->session.context, labels,
                             &r->n_labels, err);
    if (status == PEA_OK)
        status = pea_clean_up(o, &affinity, r->session.context, labels, &r->n_labels, err);
    cli_session_clear(&r->session);
    return status == PEA_OK ? cli_check_cancelled(err) : cli_name_file(err, path);
}

static pea_status write_output(struct run *r, pea_error *err)
{
    const pea_calibration unknown = pea_calibration_default();
    const pea_status status = pea_labels_write(r->output, &r->labels.array, 1, &unknown, r->session.context, err);
    cli_session_clear(&r->session);
    if (status != PEA_OK || !r->json)
        return status == PEA_OK ? status : cli_name_file(err, r->output);
    cJSON *object = cJSON_CreateObject();
    cli_json_text(object, "output", r->output);
    cli_json_number(object, "instances", r->n_labels);
    return cli_print_json(stdout, object, err);
}

int cli_cluster(int argc, char **argv)
{
    struct run r = {.wishes = CLI_WISHES_DEFAULT, .method = "mutex"};
    cli_operands operands;
    pea_error err = {0};
    int outcome = parse(&r, argc, argv, &operands);
    if (outcome == CLI_RUN)
        outcome = choose_settings(&r, &err);
    if (outcome == CLI_RUN)
        outcome = cli_refuse_overwrite(command, operands.item[0], r.output);
    if (outcome == CLI_RUN)
        outcome = cli_refuse_overwrite(command, cli_settings_value(&r.given, "offsets"), r.output);
    if (outcome == CLI_RUN)
        outcome = cli_refuse_overwrite(command, r.mask, r.output);
    if (outcome != CLI_RUN)
        return outcome;
    pea_status status = read_inputs(&r, operands.item[0], &err);
    if (status == PEA_OK)
        status = compute(&r, operands.item[0], &err);
    if (status == PEA_OK)
        status = write_output(&r, &err);
    if (status == PEA_OK)
        status = cli_session_timings(&r.session, &err);
    cli_session_close(&r.session);
    cli_tensor_free(&r.in);
    pea_volume_free(&r.mask_voxels);
    pea_volume_free(&r.labels);
    return status == PEA_OK ? EXIT_DONE : cli_report(command, &err);
}
