/* folder.c - what is in a folder.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool pea__is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static pea_status failed(const char *path, int cause, pea_error *err)
{
    return pea__fail(err, cause == ENOMEM ? PEA_E_NOMEM : PEA_E_IO, "the folder %.300s cannot be read: %s", path,
                     strerror(cause));
}

pea_status pea__folder_names(const char *path, bool *found, pea__name_fn *fn, void *argument, pea_error *err)
{
    DIR *folder = opendir(path);
    const int cause = errno;
    *found = folder != NULL;
    if (!folder)
        return cause == ENOENT || cause == ENOTDIR ? PEA_OK : failed(path, cause, err);
    pea_status status = PEA_OK;
    for (const struct dirent *entry; status == PEA_OK; status = fn(argument, entry->d_name, err)) {
        errno = 0;
        entry = readdir(folder);
        if (!entry) {
            status = errno ? failed(path, errno, err) : PEA_OK;
            break;
        }
    }
    closedir(folder);
    return status;
}
