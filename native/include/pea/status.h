/* status.h - what can go wrong, and what the caller gets then.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_STATUS_H
#define PEA_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* A new code exists only where a caller would act differently. */
typedef enum pea_status {
    PEA_OK = 0,
    PEA_E_ARG,      /* an option or argument is out of its range: fix the call */
    PEA_E_SHAPE,    /* extents or channel counts do not fit together */
    PEA_E_DTYPE,    /* element type not accepted here */
    PEA_E_NOMEM,    /* the system refused memory */
    PEA_E_IO,       /* the operating system failed a read or a write; errno's text is in the message */
    PEA_E_FORMAT,   /* a file is damaged, lies, or is of a kind we do not read */
    PEA_E_LIMIT,    /* a limit of ours, or the memory budget, would be exceeded; the message has the number */
    PEA_E_CANCELLED /* the progress callback asked to stop */
} pea_status;

/* The caller's own storage for one error; no state is kept anywhere else. `= {0}` initialises it. */
typedef struct pea_error {
    pea_status status;
    char message[512]; /* one line of UTF-8 without a line end: what, found and expected, what to do */
} pea_error;

/* The code's name such as "PEA_E_SHAPE"; never NULL. Lent for ever. */
const char *pea_status_name(pea_status status);

#ifdef __cplusplus
}
#endif
#endif
