/* files.c - names and folders: what is there, what would be written, and whether that may be.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

pea_status cli_paths_add(cli_paths *paths, const char *path, pea_error *err)
{
    if (paths->n == paths->capacity) {
        const size_t capacity = paths->capacity ? 2 * paths->capacity : 16;
        char **grown = capacity < SIZE_MAX / sizeof *grown ? realloc(paths->item, capacity * sizeof *grown) : NULL;
        if (!grown)
            return cli_fail(err, PEA_E_NOMEM, "out of memory for %zu file names", capacity);
        paths->item = grown;
        paths->capacity = capacity;
    }
    const size_t size_bytes = strlen(path) + 1;
    char *copy = malloc(size_bytes);
    if (!copy)
        return cli_fail(err, PEA_E_NOMEM, "out of memory for file names");
    paths->item[paths->n++] = memcpy(copy, path, size_bytes);
    return PEA_OK;
}

void cli_paths_free(cli_paths *paths)
{
    for (size_t i = 0; i < paths->n; i++)
        free(paths->item[i]);
    free(paths->item);
    *paths = (cli_paths){0};
}

bool cli_is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool cli_is_file(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

bool cli_is_there(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat s, t;
    if (!strcmp(a, b))
        return true;
    return stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

const char *cli_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void cli_stem(const char *path, char stem[CLI_MAX_PATH])
{
    snprintf(stem, CLI_MAX_PATH, "%s", cli_base_name(path));
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem)
        *dot = '\0';
}

pea_status cli_join(const char *folder, const char *name, const char *extension, char path[CLI_MAX_PATH],
                    pea_error *err)
{
    const size_t length = strlen(folder);
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    const int n = snprintf(path, CLI_MAX_PATH, "%s%s%s%s", folder, slash, name, extension);
    if (n < 0 || n >= CLI_MAX_PATH)
        return cli_fail(err, PEA_E_LIMIT, "path too long in folder %.100s...", folder);
    return PEA_OK;
}

static bool is_image_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name && name[0] != '.' &&
           (!strcasecmp(dot, ".tif") || !strcasecmp(dot, ".tiff") || !strcasecmp(dot, ".png"));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

pea_status cli_list_images(const char *folder, cli_paths *paths, pea_error *err)
{
    char path[CLI_MAX_PATH];
    DIR *directory = opendir(folder);
    if (!directory)
        return cli_fail(err, PEA_E_IO, "cannot read folder %s: %s", folder, strerror(errno));
    const size_t first = paths->n;
    pea_status status = PEA_OK;
    const struct dirent *entry;
    while (status == PEA_OK && (entry = readdir(directory))) {
        if (!is_image_name(entry->d_name))
            continue;
        status = cli_join(folder, entry->d_name, "", path, err);
        if (status == PEA_OK && cli_is_file(path))
            status = cli_paths_add(paths, path, err);
    }
    closedir(directory);
    if (status == PEA_OK && paths->n == first)
        return cli_fail(err, PEA_E_ARG, "no .tif, .tiff or .png file in folder %s", folder);
    if (paths->n > first)
        qsort(paths->item + first, paths->n - first, sizeof *paths->item, by_text);
    return status;
}

pea_status cli_make_folder(const char *path, cli_paths *made, pea_error *err)
{
    char part[CLI_MAX_PATH];
    const size_t length = strlen(path);
    if (length >= sizeof part)
        return cli_fail(err, PEA_E_LIMIT, "path too long: %.100s...", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) == 0) {
            const pea_status status = cli_paths_add(made, part, err);
            if (status != PEA_OK)
                return status;
        } else if (errno != EEXIST && !cli_is_folder(part)) {
            return cli_fail(err, PEA_E_IO, "cannot make folder %s: %s", part, strerror(errno));
        }
    }
    if (!cli_is_folder(path))
        return cli_fail(err, PEA_E_IO, "cannot make folder %s: a file of that name is in the way", path);
    return PEA_OK;
}

void cli_remove_empty(const cli_paths *made)
{
    for (size_t i = made->n; i-- > 0;) /* the innermost first */
        (void)rmdir(made->item[i]);    /* fails where something is inside */
}

pea_status cli_check_writable(const char *path, pea_error *err)
{
    char folder[CLI_MAX_PATH];
    const size_t length = (size_t)(cli_base_name(path) - path);
    if (strlen(path) >= sizeof folder)
        return cli_fail(err, PEA_E_LIMIT, "path too long: %.100s...", path);
    memcpy(folder, length ? path : ".", length ? length : 1);
    folder[length ? length : 1] = '\0';
    if (!cli_is_folder(folder))
        return cli_fail(err, PEA_E_IO, "cannot write %s: folder %s does not exist", path, folder);
    if (cli_is_folder(path))
        return cli_fail(err, PEA_E_IO, "cannot write %s: it is a folder, expected a file name", path);
    if (access(folder, W_OK))
        return cli_fail(err, PEA_E_IO, "cannot write %s: folder %s: %s", path, folder, strerror(errno));
    return PEA_OK;
}

pea_status cli_open(const char *path, FILE **file, pea_error *err)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *file = NULL;
    if (fd < 0)
        return cli_fail(err, PEA_E_IO, "cannot read %s: %s", path, strerror(errno));
    const bool regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    if (regular && (*file = fdopen(fd, "rb")))
        return PEA_OK;
    close(fd);
    return cli_fail(err, PEA_E_IO, "cannot read %s: it is %s", path,
                    regular ? "too much for this process" : S_ISDIR(about.st_mode) ? "a folder" : "no regular file");
}

pea_status cli_identity(const char *path, char identity[CLI_MAX_PATH], pea_error *err)
{
    char folder[CLI_MAX_PATH];
    struct stat about;
    const char *name = cli_base_name(path);
    snprintf(folder, sizeof folder, "%.*s", name == path ? 1 : (int)(name - path), name == path ? "." : path);
    if (stat(folder, &about))
        return cli_fail(err, PEA_E_IO, "cannot look into %s: %s", folder, strerror(errno));
    snprintf(folder, sizeof folder, "%llu:%llu", (unsigned long long)about.st_dev, (unsigned long long)about.st_ino);
    return cli_join(folder, name, "", identity, err);
}

pea_status cli_read_text(const char *path, size_t limit_bytes, char **text, size_t *n_bytes, pea_error *err)
{
    FILE *file;
    *text = NULL;
    pea_status status = cli_open(path, &file, err);
    if (status != PEA_OK)
        return status;
    char *content = malloc(limit_bytes + 1);
    if (!content) {
        status = cli_fail(err, PEA_E_NOMEM, "out of memory for %s", path);
        goto done;
    }
    *n_bytes = fread(content, 1, limit_bytes + 1, file);
    if (ferror(file))
        status = cli_fail(err, PEA_E_IO, "cannot read %s: %s", path, strerror(errno));
    else if (*n_bytes > limit_bytes)
        status =
            cli_fail(err, PEA_E_LIMIT, "%s is larger than %zu bytes, expected a short JSON text", path, limit_bytes);
    else
        status = PEA_OK;
    if (status == PEA_OK) {
        content[*n_bytes] = '\0';
        *text = content;
        content = NULL;
    }
done:
    free(content);
    fclose(file);
    return status;
}
