/* affinity.c - `pea affinity`: embeddings in a .npy file to affinities in another.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cli.h"

static const char command[] = "affinity";

static const cli_manual manual = {
    .command = command,
    .summary = "embeddings to affinities",
    .synopsis = "pea affinity E.npy -o A.npy (--shifts 1,3 [--neighbours 4|8] | --offsets O.json) [OPTION]...",
    .description =
        "Compares the embedding of each voxel with those of its neighbours: the affinity is the cosine of the two "
        "vectors, and what is negative becomes 0. The affinity of p and its neighbour p + step is stored at p.\n"
        "\nE.npy holds float32 (c,y,x) or (n,c,y,x) with 2-D offsets, (c,z,y,x) or (n,c,z,y,x) with 3-D offsets. A.npy "
        "has the offsets in place of c, and the axis n where E.npy has it.",
    .examples = "pea affinity heads/embedding.npy -o a.npy --shifts 1,3,5,9,27\n"
                "pea affinity heads/embedding.npy -o a.npy --offsets offsets.json --border copy",
    .see_also = "pea network, pea cluster",
    .min_operands = 1,
    .max_operands = 1,
    .operands = "an embedding file",
};

struct run {
    const char *output;
    int no_relu;
    cli_settings given;
    cli_wishes wishes;
    pea_offsets offsets;
    pea_affinity_options settings;
    cli_tensor in, out;
    cli_session session;
};

static int parse(struct run *r, int argc, char **argv, cli_operands *operands)
{
    const cli_option own[] = {
        {.name = "output", .letter = 'o', .kind = CLI_TEXT, .target = &r->output, .value = "A.npy", .required = 1,
         .help = "The file to write. An older one is replaced."},
        {.name = "no-relu", .kind = CLI_FLAG, .target = &r->no_relu, .help = "Keep negative affinities."},
        CLI_WISH_OPTIONS(r->wishes),
    };
    cli_option options[CLI_COUNT(own) + CLI_MAX_SETTINGS];
    const size_t n_given = cli_settings_options(&r->given, "shifts neighbours offsets strides border", "", options + 1);
    options[0] = own[0];
    memcpy(options + 1 + n_given, own + 1, sizeof own - sizeof *own);
    cli_option *strides = cli_option_named(options + 1, n_given, "strides");
    strides->help = "Compute repulsive offsets only at every n-th voxel of each axis; elsewhere they are 0.";
    strides->fallback = "1 everywhere";
    cli_option_named(options + 1, n_given, "border")->fallback = pea_border_name(r->settings.border);
    return cli_parse(&manual, options, CLI_COUNT(own) + n_given, argc, argv, operands);
}

static int choose_settings(struct run *r, pea_error *err)
{
    pea_segment_options chosen;
    if (cli_settings_alone(&r->given, &chosen, err) != PEA_OK)
        return cli_report_options(command, err);
    if (!chosen.offsets.n)
        return cli_usage(command, "--shifts or --offsets is needed: which neighbours?");
    r->offsets = chosen.offsets;
    memcpy(r->settings.stride, chosen.stride, sizeof chosen.stride);
    r->settings.border = chosen.border;
    r->settings.relu = !r->no_relu;
    return CLI_RUN;
}

static pea_status read_input(struct run *r, const char *path, pea_error *err)
{
    pea_status status = cli_session_open(&r->session, command, &r->wishes, err);
    if (status != PEA_OK)
        return status;
    const double started = cli_seconds();
    cli_interruptible(true);
    status = cli_tensor_read(path, r->offsets.n_axes, true, &r->in, err);
    cli_interruptible(false);
    r->session.read += cli_seconds() - started;
    return status == PEA_OK ? cli_check_writable(r->output, err) : status;
}

static pea_status compute(struct run *r, const char *path, pea_error *err)
{
    r->out = (cli_tensor){.has_batch = r->in.has_batch, .n = r->in.n, .dims = r->in.dims};
    r->out.dims.c = (int64_t)r->offsets.n;
    pea_status status = cli_tensor_alloc(&r->out, err);
    for (int64_t i = 0; status == PEA_OK && i < r->in.n; i++) {
        const pea_array embedding = cli_tensor_item(&r->in, i), affinity = cli_tensor_item(&r->out, i);
        status = pea_affinity_from_embedding(&embedding, &r->offsets, &r->settings, r->session.context, &affinity, err);
    }
    cli_session_clear(&r->session);
    return status == PEA_OK ? cli_check_cancelled(err) : cli_name_file(err, path);
}

int cli_affinity(int argc, char **argv)
{
    struct run r = {.wishes = CLI_WISHES_DEFAULT, .settings = pea_affinity_options_default()};
    cli_operands operands;
    pea_error err = {0};
    int outcome = parse(&r, argc, argv, &operands);
    if (outcome == CLI_RUN)
        outcome = choose_settings(&r, &err);
    if (outcome == CLI_RUN)
        outcome = cli_refuse_overwrite(command, operands.item[0], r.output);
    if (outcome == CLI_RUN)
        outcome = cli_refuse_overwrite(command, cli_settings_value(&r.given, "offsets"), r.output);
    if (outcome != CLI_RUN)
        return outcome;
    pea_status status = read_input(&r, operands.item[0], &err);
    if (status == PEA_OK)
        status = compute(&r, operands.item[0], &err);
    if (status == PEA_OK)
        status = cli_tensor_write(r.output, r.offsets.n_axes, &r.out, r.session.context, &err);
    cli_session_clear(&r.session);
    if (status == PEA_OK)
        status = cli_session_timings(&r.session, &err);
    cli_session_close(&r.session);
    cli_tensor_free(&r.in);
    cli_tensor_free(&r.out);
    return status == PEA_OK ? EXIT_DONE : cli_report(command, &err);
}
