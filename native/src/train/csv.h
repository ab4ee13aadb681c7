/* csv.h - internal: rows of text tables.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CSV_INTERNAL_H
#define PEA_CSV_INTERNAL_H

#include "base/base.h"

enum { PEA__CSV_FIELDS = 64 };

/* A text being read. It is changed: fields are cut out of it. */
typedef struct pea__csv {
    char *at, *end;
    char separator;
    int line; /* ends so far */
} pea__csv;

typedef struct pea__csv_row {
    int n;                        /* 0: there are no more */
    char *field[PEA__CSV_FIELDS]; /* lent until the text is freed */
    int line;                     /* counted from 1 */
} pea__csv_row;

/* `text` has room for one byte more behind its n_bytes. */
pea__csv pea__csv_of(char *text, size_t n_bytes);
/* The next row; empty lines are none. PEA_E_FORMAT with its line. */
pea_status pea__csv_next(pea__csv *csv, pea__csv_row *row, pea_error *err);

#endif
