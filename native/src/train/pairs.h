/* pairs.h - internal: what those who make lists of images share.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_PAIRS_INTERNAL_H
#define PEA_PAIRS_INTERNAL_H

#include "train/data.h"

enum { PEA__MAX_PATH = 4096 };

/* Append a pair for training; texts are copied. Paths NULL: the caller sets arrays. NULL where memory is short. Lent
 * until the next pair is added. */
pea__pair *pea__pairs_add(pea__pairs *pairs, const char *name, const char *image_path, const char *label_path,
                          pea_error *err);
/* The rows of a table in memory, which has room for a byte more and is changed. `folder` is empty or ends with '/'. */
pea_status pea__pairs_add_table(pea__pairs *pairs, const char *folder, char *text, size_t n_bytes, bool validation,
                                pea_error *err);

pea_status pea__path_join(const char *folder, const char *name, char path[PEA__MAX_PATH], pea_error *err);
/* A text file (owned: pea__free()), with room for a byte behind it. */
pea_status pea__list_read(const char *path, char **text, size_t *n_bytes, pea_error *err);
/* As much of a path as a message has room for: its end, from the begin of a character. Lent by the path. */
const char *pea__path_end(const char *path);
/* Put the path before the message. Returns the status. */
pea_status pea__name_file(pea_status status, const char *path, pea_error *err);

#endif
