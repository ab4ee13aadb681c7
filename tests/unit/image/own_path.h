/* own_path.h - a file of this process alone, for tests that write one.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef OWN_PATH_H
#define OWN_PATH_H

#include <unistd.h>

#include "test.h"

static char path[1024];

static inline int choose_path(void **state)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/pea-image-%ld", folder ? folder : "/tmp", (long)getpid());
    (void)state;
    return 0;
}

static inline int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

#endif
