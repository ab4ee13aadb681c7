/* import.c - `pea import`: a PyTorch checkpoint becomes a model file.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char command[] = "import";

static const cli_manual manual = {
    .command = command,
    .summary = "make a model file from a PyTorch checkpoint",
    .synopsis = "pea import CHECKPOINT -o MODEL [--preset cvppp|bbbc039|ac3ac4|nuclei] [--metadata FILE.json] [OPTION]...",
    .description =
        "Reads a checkpoint of the authors' networks, in the old stream form or the newer zip form, with or without "
        "the prefix module., and writes MODEL, a safetensors file that holds the weights and the settings they were "
        "made for. The network is recognised from names and shapes of the tensors. The checkpoint is read as data: "
        "nothing in it is ever run.\n"
        "\nThe metadata file is a JSON object whose keys are added to the record of the model or replace what the "
        "preset says: name, licence, provenance, foreground_threshold and others, see docs/model-format.md.",
    .examples = "pea import model-300000.ckpt -o leaves.safetensors --preset cvppp\n"
                "pea import nuclei.ckpt -o nuclei.safetensors --preset nuclei --metadata nuclei.json",
    .see_also = "pea info, pea segment",
    .min_operands = 1,
    .max_operands = 1,
    .operands = "a checkpoint",
};

struct run {
    const char *output, *preset, *metadata;
    int json, quiet;
};

static int parse(struct run *r, int argc, char **argv, cli_operands *operands)
{
    const cli_option options[] = {
        {.name = "output", .letter = 'o', .kind = CLI_TEXT, .target = &r->output, .value = "MODEL", .required = 1,
         .help = "The model file to write, usually NAME.safetensors. An older one is replaced."},
        {.name = "preset", .kind = CLI_CHOICE, .target = &r->preset, .value = "NAME",
         .choices = "cvppp|bbbc039|ac3ac4|nuclei", .fallback = "cvppp for 2-D networks, ac3ac4 for 3-D networks",
         .help = "Settings to record: those of a published experiment, or of the bundled nuclei model."},
        {.name = "metadata", .kind = CLI_TEXT, .target = &r->metadata, .value = "FILE.json",
         .help = "JSON object with keys to add to the record or to replace in it."},
        {.name = "json", .kind = CLI_FLAG, .target = &r->json,
         .help = "Print one JSON object on stdout: network, parameters, notes."},
        {.name = "quiet", .letter = 'q', .kind = CLI_FLAG, .target = &r->quiet, .help = "No messages but errors."},
    };
    return cli_parse(&manual, options, CLI_COUNT(options), argc, argv, operands);
}

static pea_status convert(const struct run *r, const char *checkpoint, char notes[256], pea_error *err)
{
    char *metadata = NULL;
    size_t n_bytes;
    pea_status status = cli_check_writable(r->output, err);
    if (status == PEA_OK && r->metadata)
        status = cli_read_text(r->metadata, 1 << 20, &metadata, &n_bytes, err);
    if (status == PEA_OK) {
        status = pea_model_import(checkpoint, r->preset, metadata, r->output, notes, err);
        cli_name_file(err, r->metadata && !strncmp(err->message, "the metadata", 12) ? r->metadata : checkpoint);
    }
    free(metadata);
    return status;
}

/* What came out, read back from the file: the proof that it can be. */
static pea_status describe(const struct run *r, const char *notes, pea_error *err)
{
    pea_model *model = NULL;
    const pea_status status = pea_model_open(r->output, &model, err);
    if (status != PEA_OK)
        return cli_name_file(err, r->output);
    const pea_network_info info = pea_network_get_info(pea_model_network(model));
    if (!r->quiet)
        fprintf(stderr, "%s: %s, %lld parameters%s%s\n", r->output, info.kind, (long long)info.n_parameters,
                notes[0] ? "; " : "", notes);
    pea_model_free(model);
    if (!r->json)
        return PEA_OK;
    cJSON *object = cJSON_CreateObject();
    cli_json_text(object, "output", r->output);
    cli_json_text(object, "network", info.kind); /* lent for ever */
    cli_json_number(object, "parameters", (double)info.n_parameters);
    cli_json_text(object, "notes", notes);
    return cli_print_json(stdout, object, err);
}

int cli_import(int argc, char **argv)
{
    struct run r = {0};
    cli_operands operands;
    pea_error err = {0};
    char notes[256] = "";
    int outcome = parse(&r, argc, argv, &operands);
    if (outcome == CLI_RUN)
        outcome = cli_refuse_overwrite(command, operands.item[0], r.output);
    if (outcome == CLI_RUN)
        outcome = cli_refuse_overwrite(command, r.metadata, r.output);
    if (outcome != CLI_RUN)
        return outcome;
    pea_status status = convert(&r, operands.item[0], notes, &err);
    cli_interruptible(true); /* the model is written; it is read back whole or not at all */
    if (status == PEA_OK)
        status = describe(&r, notes, &err);
    return status == PEA_OK ? EXIT_DONE : cli_report(command, &err);
}
