/* replay.c - runs a fuzz target once on every file of the folders given, without libFuzzer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input lies in a block of exactly its size: a sanitizer then sees the first byte read beyond it. */
static int replay(const char *path, size_t size)
{
    FILE *stream = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1);
    const int good = stream && data && fread(data, 1, size, stream) == size;
    if (good)
        (void)LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "cannot read %s\n", path);
    free(data);
    if (stream)
        fclose(stream);
    return good;
}

static int replay_folder(const char *folder, size_t *n)
{
    DIR *listing = opendir(folder);
    if (!listing) {
        fprintf(stderr, "cannot list %s\n", folder);
        return 0;
    }
    int good = 1;
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        char path[4096];
        struct stat about;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
            continue;
        good &= replay(path, (size_t)about.st_size);
        ++*n;
    }
    closedir(listing);
    return good;
}

int main(int argc, char **argv)
{
    size_t n = 0;
    int good = 1;
    for (int i = 1; i < argc; i++)
        good &= replay_folder(argv[i], &n);
    printf("%zu inputs replayed\n", n);
    return good && n > 0 ? 0 : 1;
}
