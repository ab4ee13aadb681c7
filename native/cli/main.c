/* main.c - the command `pea`: finds the subcommand, and makes sure that what was printed has arrived.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"segment", "images to instance labels", cli_segment},
    {"network", "run the bare network on a tensor", cli_network},
    {"affinity", "embeddings to affinities", cli_affinity},
    {"cluster", "affinities to instance labels", cli_cluster},
    {"score", "compare labels with the truth", cli_score},
    {"train", "images with labels to a model", cli_train},
    {"import", "make a model file from a PyTorch checkpoint", cli_import},
    {"info", "describe a model, an image or this machine", cli_info},
    {"bench", "measure the speed of this machine", cli_bench},
};

static void print_overview(FILE *stream)
{
    fprintf(stream, "pea %s - instance segmentation by pixel-embedded affinity\n\n", pea_version());
    for (size_t i = 0; i < CLI_COUNT(commands); i++)
        fprintf(stream, "  pea %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(stream, "\n`pea COMMAND --help` is the manual of a command. To begin with:\n"
                    "  pea segment -m nuclei -o labels.tif image.tif\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT(commands); i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *known[CLI_COUNT(commands)];
    char hint[96];
    for (size_t i = 0; i < CLI_COUNT(commands); i++)
        known[i] = commands[i].name;
    fprintf(stderr, "pea: no command \"%.60s\"%s (pea --help lists them)\n", name,
            cli_nearest(name, known, CLI_COUNT(known), "", hint));
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    static char help[] = "--help";
    char *help_arguments[] = {help};
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const bool asks_help = !strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
    if (!strcmp(argv[1], "--version")) {
        printf("pea %s\n", pea_version());
        return EXIT_DONE;
    }
    if (asks_help && argc == 2) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    const char *name = asks_help ? argv[2] : argv[1];
    const struct command *command = find_command(name);
    if (!command)
        return unknown_command(name);
    return asks_help ? command->run(1, help_arguments) : command->run(argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    cli_set_program(argv[0]);
    cli_signals_install();
    cli_json_watch();
    const char *wish = getenv("PEA_CPU");
    if (wish && wish[0] && strcmp(wish, pea_cpu_kernels()))
        fprintf(stderr, "pea: there are no kernels PEA_CPU=%.40s here: running %s\n", wish, pea_cpu_kernels());
    int status = run(argc, argv);
    errno = 0;
    if ((fflush(stdout) || ferror(stdout)) && status == EXIT_DONE) {
        fprintf(stderr, "pea: cannot write to standard output: %s\n",
                errno ? strerror(errno) : "an earlier write failed");
        status = EXIT_FAILED;
    }
    return status;
}
