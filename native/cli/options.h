/* options.h - a table of options is the parser, the help page and the list of names that mistakes are compared with.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLI_OPTIONS_H
#define PEA_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define CLI_RUN (-1)     /* cli_parse: arguments are fine, do the work */
#define CLI_NOT_GIVEN INT64_MIN

/* What an option's value is, and what its target points to. */
typedef enum cli_kind {
    CLI_FLAG,   /* no value      int          set to 1 */
    CLI_INT,    /* 25            int64_t */
    CLI_TEXT,   /* any           const char * lent by argv */
    CLI_CHOICE, /* one of a|b|c  const char * */
    CLI_SIZE    /* 512M, 4G      uint64_t     bytes */
} cli_kind;

typedef struct cli_option {
    const char *name; /* without the dashes; no name is the tail of another (macro keys are the same words) */
    char letter;      /* -x, or 0 */
    cli_kind kind;
    void *target;        /* holds the default before parsing */
    const char *value;   /* how help calls the value */
    const char *help;    /* sentences */
    const char *choices; /* CLI_CHOICE: "none|wrap|copy" */
    double low, high;    /* inclusive range of numbers; both 0: any */
    const char *fallback; /* what holds when not given, in words; NULL: the value of target, "" : say nothing */
    int required;
} cli_option;

/* The rest of a help page. */
typedef struct cli_manual {
    const char *command, *summary, *synopsis;
    const char *description; /* paragraphs separated by an empty line */
    const char *examples;    /* lines, shown as they are */
    const char *see_also;
    size_t min_operands, max_operands; /* arguments that are no options */
    const char *operands;              /* how they are called in messages: "an image" */
} cli_manual;

typedef struct cli_operands {
    size_t n;
    char **item; /* lent by argv, which is reordered */
} cli_operands;

/* Returns CLI_RUN, or the exit status: 0 after --help, 2 after a mistake, which was told on stderr in one line. */
int cli_parse(const cli_manual *manual, const cli_option *options, size_t n_options, int argc, char **argv,
              cli_operands *operands);

/* NULL: there is none. */
cli_option *cli_option_named(cli_option *options, size_t n_options, const char *name);

/* "; did you mean X?" into buffer, or "" where nothing known is near. */
const char *cli_nearest(const char *word, const char *const *known, size_t n_known, const char *dashes,
                        char buffer[96]);

#define CLI_COUNT(table) (sizeof(table) / sizeof(table)[0])

#endif
