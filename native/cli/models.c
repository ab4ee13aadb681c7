/* models.c - which file `-m nuclei` means.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _XOPEN_SOURCE 700 /* realpath */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const char *program_name = "pea"; /* argv[0], for systems without /proc */

void cli_set_program(const char *argv0)
{
    if (argv0)
        program_name = argv0;
}

/* The folder of the running executable, links resolved; "" where it cannot be known. */
static void program_folder(char folder[CLI_MAX_PATH])
{
    folder[0] = '\0';
    const ssize_t n = readlink("/proc/self/exe", folder, CLI_MAX_PATH - 1);
    if (n > 0) {
        folder[n] = '\0';
    } else {
        char *real = strchr(program_name, '/') ? realpath(program_name, NULL) : NULL;
        snprintf(folder, CLI_MAX_PATH, "%s", real ? real : "");
        free(real);
    }
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
}

/* One place: true when the file is there; otherwise the place is added to the list of those tried. */
static bool look_in(const char *folder, const char *name, char path[CLI_MAX_PATH], char *tried, size_t tried_bytes)
{
    pea_error ignored;
    if (!folder[0] || cli_join(folder, name, ".safetensors", path, &ignored) != PEA_OK)
        return false;
    if (cli_is_file(path)) {
        char *real = realpath(path, NULL);
        if (real && strlen(real) < CLI_MAX_PATH)
            memcpy(path, real, strlen(real) + 1);
        free(real);
        return true;
    }
    const size_t used = strlen(tried);
    snprintf(tried + used, tried_bytes - used, "%s%s", used ? ", " : "", folder);
    return false;
}

/* PEA_MODELS: folders separated by colons. */
static bool look_in_environment(const char *name, char path[CLI_MAX_PATH], char *tried, size_t tried_bytes)
{
    char folder[CLI_MAX_PATH];
    const char *folders = getenv("PEA_MODELS");
    for (const char *item = folders ? folders : ""; *item; item += *item == ':') {
        const size_t length = strcspn(item, ":");
        if (length && length < sizeof folder) {
            memcpy(folder, item, length);
            folder[length] = '\0';
            if (look_in(folder, name, path, tried, tried_bytes))
                return true;
        }
        item += length;
    }
    return false;
}

/* Before installation the program lies in native/ of a build folder, whose cache names the source tree. */
static void source_folder(const char *program, char folder[CLI_MAX_PATH])
{
    static const char key[] = "CMAKE_HOME_DIRECTORY:INTERNAL=";
    char line[CLI_MAX_PATH];
    pea_error ignored;
    folder[0] = '\0';
    FILE *cache = cli_join(program, "../CMakeCache.txt", "", line, &ignored) == PEA_OK ? fopen(line, "r") : NULL;
    while (cache && fgets(line, sizeof line, cache))
        if (!strncmp(line, key, sizeof key - 1)) {
            line[strcspn(line, "\r\n")] = '\0';
            if (cli_join(line + sizeof key - 1, "models", "", folder, &ignored) != PEA_OK)
                folder[0] = '\0';
            break;
        }
    if (cache)
        fclose(cache);
}

pea_status cli_find_model(const char *name, char path[CLI_MAX_PATH], pea_error *err)
{
    char program[CLI_MAX_PATH], folder[CLI_MAX_PATH], tried[400] = "";
    const size_t length = strlen(name);
    const bool is_path = strchr(name, '/') || strchr(name, '.');
    if (length >= CLI_MAX_PATH)
        return cli_fail(err, PEA_E_LIMIT, "the model's path is longer than %d bytes", CLI_MAX_PATH - 1);
    if (is_path || cli_is_file(name)) {
        memcpy(path, name, length + 1);
        return PEA_OK; /* whether it is there and what it is, the reader says */
    }
    if (look_in_environment(name, path, tried, sizeof tried))
        return PEA_OK;
    program_folder(program);
    if (program[0] && cli_join(program, "../share/pea/models", "", folder, err) == PEA_OK &&
        look_in(folder, name, path, tried, sizeof tried))
        return PEA_OK;
    source_folder(program, folder);
    if (look_in(folder, name, path, tried, sizeof tried))
        return PEA_OK;
    return cli_fail(err, PEA_E_IO,
                    "no model \"%.60s\": looked for %.60s.safetensors in %s; give a path, or set PEA_MODELS", name,
                    name, tried);
}
