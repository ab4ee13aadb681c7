/* network.c - `pea network`: the bare network on a normalised tensor, every head to a .npy file.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char command[] = "network";

static const cli_manual manual = {
    .command = command,
    .summary = "run the bare network on a tensor",
    .synopsis = "pea network MODEL --input X.npy --output DIR [OPTION]...",
    .description =
        "Runs the network of a model on numbers that are already normalised and padded, and writes what each head "
        "gives: DIR/embedding.npy, emb_level1.npy to emb_level4.npy (coarse to fine), foreground_logits.npy, "
        "affinity.npy, whichever the network has. Nothing is done to them: no softmax, no ReLU.\n"
        "\nX.npy holds float32 (n,c,y,x) for 2-D networks and (n,c,z,y,x) for 3-D networks; y and x are multiples "
        "of 16. The results keep the batch axis n.",
    .examples = "pea network nuclei --input x.npy --output heads/\n"
                "pea network my-model.safetensors --input x.npy --output heads/ --heads embedding --threads 2",
    .see_also = "pea import, pea affinity, pea segment",
    .min_operands = 1,
    .max_operands = 1,
    .operands = "a model",
};

enum { MAX_HEADS = 16 };

struct run {
    const char *input, *output, *heads, *precision;
    int json;
    cli_wishes wishes;
    pea_model *model;
    const pea_network *network;
    int n_axes;
    size_t n_heads;
    bool wanted[MAX_HEADS];
    cli_tensor in, out[MAX_HEADS];
    cli_paths made; /* folders that were not there */
    cli_session session;
};

static int parse(struct run *r, int argc, char **argv, cli_operands *operands)
{
    const cli_option options[] = {
        {.name = "input", .kind = CLI_TEXT, .target = &r->input, .value = "X.npy", .required = 1,
         .help = "The tensor: float32 (n,c,[z,]y,x)."},
        {.name = "output", .letter = 'o', .kind = CLI_TEXT, .target = &r->output, .value = "DIR", .required = 1,
         .help = "The folder for the results, made when needed. Older files in it are replaced."},
        {.name = "heads", .kind = CLI_TEXT, .target = &r->heads, .value = "NAME,...", .fallback = "all",
         .help = "Compute these heads only."},
        {.name = "precision", .kind = CLI_CHOICE, .target = &r->precision, .value = "NAME", .choices = "fp32|bf16",
         .fallback = "fp32",
         .help = "The arithmetic: 32-bit floating point, or bf16, which takes less memory, and on processors with AMX "
                 "a fraction of the time."},
        {.name = "json", .kind = CLI_FLAG, .target = &r->json,
         .help = "Print one JSON object on stdout: the shape of each head."},
        CLI_WISH_OPTIONS(r->wishes),
    };
    return cli_parse(&manual, options, CLI_COUNT(options), argc, argv, operands);
}

/* "embedding,affinity" to flags. */
static pea_status choose_heads(struct run *r, pea_error *err)
{
    char name[64];
    r->n_heads = pea_network_get_info(r->network).n_heads;
    if (r->n_heads > MAX_HEADS)
        return cli_fail(err, PEA_E_LIMIT, "the network has %zu heads, at most %d can be written", r->n_heads,
                        MAX_HEADS);
    for (size_t h = 0; h < r->n_heads; h++)
        r->wanted[h] = !r->heads;
    for (const char *item = r->heads; item && *item; item += *item == ',') {
        const size_t length = strcspn(item, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), item);
        const int head = pea_network_find_head(r->network, name);
        if (head < 0) {
            const char *known[MAX_HEADS];
            char hint[96];
            for (size_t h = 0; h < r->n_heads; h++)
                known[h] = pea_network_head(r->network, h).name;
            return cli_fail(err, PEA_E_ARG, "the network has no head \"%s\"%s", name,
                            cli_nearest(name, known, r->n_heads, "", hint));
        }
        r->wanted[head] = true;
        item += length;
    }
    return PEA_OK;
}

static pea_status allocate_heads(struct run *r, pea_error *err)
{
    for (size_t h = 0; h < r->n_heads; h++) {
        const pea_head head = pea_network_head(r->network, h);
        r->out[h] = (cli_tensor){.has_batch = true, .n = r->in.n,
                                 .dims = {r->in.dims.z, r->in.dims.y / head.shrink, r->in.dims.x / head.shrink,
                                          head.channels}};
        const pea_status status = r->wanted[h] ? cli_tensor_alloc(&r->out[h], err) : PEA_OK;
        if (status != PEA_OK)
            return status;
    }
    return PEA_OK;
}

/* Told here in the words of the file, before anything is allocated for sizes that do not fit. */
static pea_status check_input(const struct run *r, pea_error *err)
{
    const pea_network_info info = pea_network_get_info(r->network);
    const pea_dims d = r->in.dims;
    if (d.c != info.in_channels)
        return cli_fail(err, PEA_E_SHAPE, "%s has %lld channels, but the network takes %lld", r->input, (long long)d.c,
                        (long long)info.in_channels);
    if (d.y % info.grid || d.x % info.grid)
        return cli_fail(err, PEA_E_SHAPE, "%s is %lld x %lld, but y and x must be multiples of %d: pad it first",
                        r->input, (long long)d.y, (long long)d.x, info.grid);
    return PEA_OK;
}

static pea_status forward(struct run *r, pea_error *err)
{
    pea_array outputs[MAX_HEADS];
    char item[32];
    pea_precision precision = PEA_FP32;
    if (r->precision)
        pea_precision_parse(r->precision, &precision);
    pea_status status = check_input(r, err);
    if (status == PEA_OK)
        status = allocate_heads(r, err);
    for (int64_t i = 0; status == PEA_OK && i < r->in.n; i++) {
        for (size_t h = 0; h < r->n_heads; h++)
            outputs[h] = r->wanted[h] ? cli_tensor_item(&r->out[h], i) : (pea_array){NULL, PEA_FLOAT32, r->out[h].dims};
        const pea_array input = cli_tensor_item(&r->in, i);
        snprintf(item, sizeof item, "item %lld", (long long)i + 1);
        cli_session_item(&r->session, r->in.n > 1 ? item : "", (size_t)i, (size_t)r->in.n);
        status = pea_network_forward(r->network, r->session.context, precision, &input, outputs, err);
    }
    cli_session_clear(&r->session);
    return status == PEA_OK ? cli_check_cancelled(err) : cli_name_file(err, r->input);
}

static pea_status head_path(const struct run *r, size_t head, char path[CLI_MAX_PATH], pea_error *err)
{
    return cli_join(r->output, pea_network_head(r->network, head).name, ".npy", path, err);
}

static pea_status write_heads(struct run *r, pea_error *err)
{
    char path[CLI_MAX_PATH];
    pea_status status = PEA_OK;
    for (size_t h = 0; status == PEA_OK && h < r->n_heads; h++) {
        if (!r->wanted[h])
            continue;
        status = head_path(r, h, path, err);
        if (status == PEA_OK)
            status = cli_tensor_write(path, r->n_axes, &r->out[h], r->session.context, err);
    }
    cli_session_clear(&r->session);
    return status;
}

static pea_status print_shapes(const struct run *r, pea_error *err)
{
    if (!r->json)
        return PEA_OK;
    cJSON *object = cJSON_CreateObject();
    for (size_t h = 0; h < r->n_heads; h++) {
        const cli_tensor *t = &r->out[h];
        const double shape[] = {(double)t->n, (double)t->dims.c, (double)t->dims.z, (double)t->dims.y,
                                (double)t->dims.x};
        const double plane[] = {(double)t->n, (double)t->dims.c, (double)t->dims.y, (double)t->dims.x};
        if (r->wanted[h])
            cli_json_list(object, pea_network_head(r->network, h).name, r->n_axes == 3 ? shape : plane,
                          (size_t)r->n_axes + 2);
    }
    return cli_print_json(stdout, object, err);
}

/* DIR may be the folder of the input: then no head may have its name. */
static pea_status check_not_input(const struct run *r, pea_error *err)
{
    char path[CLI_MAX_PATH];
    pea_status status = PEA_OK;
    for (size_t h = 0; status == PEA_OK && h < r->n_heads; h++) {
        status = r->wanted[h] ? head_path(r, h, path, err) : PEA_OK;
        if (status == PEA_OK && r->wanted[h] && cli_same_file(path, r->input))
            status = cli_fail(err, PEA_E_ARG, "%s would be written over what is read from it: choose another output",
                              r->input);
    }
    return status;
}

static pea_status open_model(struct run *r, const char *name, pea_error *err)
{
    char path[CLI_MAX_PATH];
    pea_status status = cli_find_model(name, path, err);
    if (status != PEA_OK)
        return status;
    cli_interruptible(true);
    status = pea_model_open(path, &r->model, err);
    cli_interruptible(false);
    if (status != PEA_OK)
        return cli_name_file(err, path);
    r->network = pea_model_network(r->model);
    r->n_axes = pea_network_get_info(r->network).n_axes;
    return PEA_OK;
}

static pea_status open_all(struct run *r, const char *name, pea_error *err)
{
    const double started = cli_seconds();
    pea_status status = open_model(r, name, err);
    if (status == PEA_OK)
        status = choose_heads(r, err);
    if (status == PEA_OK)
        status = check_not_input(r, err);
    if (status == PEA_OK)
        status = cli_session_open(&r->session, command, &r->wishes, err);
    if (status != PEA_OK)
        return status;
    cli_interruptible(true);
    status = cli_tensor_read(r->input, r->n_axes, false, &r->in, err);
    cli_interruptible(false);
    r->session.read += cli_seconds() - started;
    return status == PEA_OK ? cli_make_folder(r->output, &r->made, err) : status;
}

int cli_network(int argc, char **argv)
{
    struct run r = {.wishes = CLI_WISHES_DEFAULT};
    cli_operands operands;
    pea_error err = {0};
    const int outcome = parse(&r, argc, argv, &operands);
    if (outcome != CLI_RUN)
        return outcome;
    pea_status status = open_all(&r, operands.item[0], &err);
    if (status == PEA_OK)
        status = forward(&r, &err);
    if (status == PEA_OK)
        status = write_heads(&r, &err);
    if (status == PEA_OK)
        status = print_shapes(&r, &err);
    if (status == PEA_OK)
        status = cli_session_timings(&r.session, &err);
    cli_session_close(&r.session);
    cli_remove_empty(&r.made);
    cli_paths_free(&r.made);
    cli_tensor_free(&r.in);
    for (size_t h = 0; h < r.n_heads && h < MAX_HEADS; h++)
        cli_tensor_free(&r.out[h]);
    pea_model_free(r.model);
    return status == PEA_OK ? EXIT_DONE : cli_report(command, &err);
}
