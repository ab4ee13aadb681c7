/* options.c - reads GNU-style options by the table of a command, and writes its help page from the same table.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pea/settings.h"

enum { MAX_WORD = 63, PAGE_COLUMNS = 79 };

/* ---- which known word was meant ---- */

const char *cli_nearest(const char *word, const char *const *known, size_t n_known, const char *dashes,
                        char buffer[96])
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < n_known; i++) {
        const size_t distance = pea_edit_distance(word, known[i]);
        if (distance < least) {
            least = distance;
            best = known[i];
        }
    }
    buffer[0] = '\0';
    if (best && least <= strlen(word) / 2 + 1) /* farther than that is guessing */
        snprintf(buffer, 96, "; did you mean %s%s?", dashes, best);
    return buffer;
}

/* ---- values ---- */

/* A whole decimal number and nothing else: no blanks, no "1e3", no overflow. */
static bool parse_int(const char *text, const char *end, int64_t *value)
{
    char *stop;
    if (text == end || !((*text >= '0' && *text <= '9') || (*text == '-' && end - text > 1)))
        return false;
    errno = 0;
    const long long number = strtoll(text, &stop, 10);
    *value = number;
    return stop == end && errno == 0 && (*text != '-' || (text[1] >= '0' && text[1] <= '9'));
}

/* 1048576, 512M, 4G, 4GiB, 1.5G: powers of 1024. */
static bool parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    char *stop;
    if (!(text[0] >= '0' && text[0] <= '9') || strpbrk(text, "xXpPeE"))
        return false;
    double number = strtod(text, &stop);
    const char *unit = *stop ? strchr(units, *stop) : NULL;
    if (unit) {
        number *= pow(1024.0, (double)(unit - units + 1));
        stop++;
    }
    if (unit && (!strcmp(stop, "B") || !strcmp(stop, "iB")))
        stop += strlen(stop);
    *bytes = number < 9e18 ? (uint64_t)number : 0;
    return *stop == '\0' && number < 9e18;
}

static bool in_range(const cli_option *option, double number)
{
    return (option->low == 0 && option->high == 0) || (number >= option->low && number <= option->high);
}

static bool is_choice(const char *choices, const char *text)
{
    const size_t length = strlen(text);
    for (const char *c = choices; *c; c += *c == '|') {
        const size_t n = strcspn(c, "|");
        if (n == length && !memcmp(c, text, n))
            return true;
        c += n;
    }
    return false;
}

static bool store(const cli_option *option, const char *text)
{
    int64_t whole;
    switch (option->kind) {
    case CLI_FLAG:
        *(int *)option->target = 1;
        return true;
    case CLI_INT:
        if (!parse_int(text, text + strlen(text), &whole) || !in_range(option, (double)whole))
            return false;
        *(int64_t *)option->target = whole;
        return true;
    case CLI_TEXT:
        *(const char **)option->target = text;
        return text[0] != '\0';
    case CLI_CHOICE:
        *(const char **)option->target = text;
        return is_choice(option->choices, text);
    case CLI_SIZE:
        return parse_size(text, option->target);
    }
    return false;
}

/* "a whole number from 1 to 32767": what store() would have taken. */
static const char *expected(const cli_option *option, char buffer[160])
{
    static const char *const nouns[] = {"nothing", "a whole number", "some text", "", "a size such as 512M or 4G"};
    if (option->kind == CLI_CHOICE)
        snprintf(buffer, 160, "one of %s", option->choices);
    else if (option->low == 0 && option->high == 0)
        snprintf(buffer, 160, "%s", nouns[option->kind]);
    else if (option->high >= 1e9)
        snprintf(buffer, 160, "%s, at least %.10g", nouns[option->kind], option->low);
    else
        snprintf(buffer, 160, "%s from %.10g to %.10g", nouns[option->kind], option->low, option->high);
    return buffer;
}

/* ---- the help page ---- */

/* Text broken at blanks to the page, each line after `indent` blanks. An empty line stays one. */
static void print_wrapped(const char *text, int indent)
{
    int column = 0;
    for (const char *word = text; *word;) {
        if (*word == '\n') {
            printf("\n\n");
            column = 0;
            word += strspn(word, "\n ");
            continue;
        }
        const int length = (int)strcspn(word, " \n");
        if (column && column + 1 + length > PAGE_COLUMNS) {
            putchar('\n');
            column = 0;
        }
        column += column ? printf(" %.*s", length, word) : printf("%*s%.*s", indent, "", length, word);
        word += length;
        word += strspn(word, " ");
    }
    putchar('\n');
}

static void default_text(const cli_option *option, char *text, size_t size_bytes)
{
    text[0] = '\0';
    if (option->kind == CLI_INT)
        snprintf(text, size_bytes, "%lld", (long long)*(const int64_t *)option->target);
    else if (option->kind == CLI_TEXT || option->kind == CLI_CHOICE)
        snprintf(text, size_bytes, "%s",
                 *(const char **)option->target ? *(const char **)option->target : "");
    else if (option->kind == CLI_SIZE)
        snprintf(text, size_bytes, "%llu", (unsigned long long)*(const uint64_t *)option->target);
}

static void print_option(const cli_option *option)
{
    char detail[160], text[1200], fallback[200];
    const int has_range = option->low != 0 || option->high != 0 || option->kind == CLI_CHOICE;
    if (option->fallback)
        snprintf(fallback, sizeof fallback, "%s", option->fallback);
    else
        default_text(option, fallback, sizeof fallback);
    printf("       ");
    if (option->letter)
        printf("-%c, ", option->letter);
    printf("--%s%s%s\n", option->name, option->kind == CLI_FLAG ? "" : " ",
           option->kind == CLI_FLAG ? "" : option->value);
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s", option->help, has_range ? " Takes " : "",
             has_range ? expected(option, detail) : "", has_range ? "." : "", fallback[0] ? " Default: " : "", fallback,
             fallback[0] ? "." : option->required ? " Required." : "");
    print_wrapped(text, 14);
    putchar('\n');
}

static void print_help(const cli_manual *manual, const cli_option *options, size_t n_options)
{
    printf("NAME\n       pea %s - %s\n\nSYNOPSIS\n", manual->command, manual->summary);
    print_wrapped(manual->synopsis, 7);
    printf("\nDESCRIPTION\n");
    print_wrapped(manual->description, 7);
    printf("\nOPTIONS\n");
    for (size_t i = 0; i < n_options; i++)
        print_option(&options[i]);
    printf("       --help\n              Print this page.\n\nEXAMPLES\n");
    for (const char *line = manual->examples; *line; line += *line == '\n') {
        const int length = (int)strcspn(line, "\n");
        printf("       %.*s\n", length, line);
        line += length;
    }
    printf("\nEXIT STATUS\n"
           "       0 done; 1 failed, one line on stderr says why; 2 wrong usage;\n"
           "       130 cancelled (Ctrl-C, SIGTERM)\n\n");
    printf("SEE ALSO\n       %s\n", manual->see_also);
}

/* ---- the parser ---- */

static int complain(const cli_manual *manual, const char *what, const char *name, const char *more)
{
    fprintf(stderr, "pea %s: %s%s%s (pea %s --help lists all options)\n", manual->command, what, name, more,
            manual->command);
    return 2;
}

static int unknown_option(const cli_manual *manual, const cli_option *options, size_t n_options, const char *name)
{
    const char *known[64];
    char hint[96], shown[MAX_WORD + 1];
    size_t n = 0;
    for (; n < n_options && n < CLI_COUNT(known) - 1; n++)
        known[n] = options[n].name;
    known[n++] = "help";
    snprintf(shown, sizeof shown, "%.*s", (int)strcspn(name, "="), name);
    return complain(manual, "unknown option --", shown, cli_nearest(shown, known, n, "--", hint));
}

static const cli_option *find_long(const cli_option *options, size_t n_options, const char *name, size_t length)
{
    for (size_t i = 0; i < n_options; i++)
        if (strlen(options[i].name) == length && !memcmp(options[i].name, name, length))
            return &options[i];
    return NULL;
}

cli_option *cli_option_named(cli_option *options, size_t n_options, const char *name)
{
    for (size_t i = 0; i < n_options; i++)
        if (!strcmp(options[i].name, name))
            return &options[i];
    return NULL;
}

static const cli_option *find_short(const cli_option *options, size_t n_options, char letter)
{
    for (size_t i = 0; i < n_options; i++)
        if (letter && options[i].letter == letter)
            return &options[i];
    return NULL;
}

static int store_or_complain(const cli_manual *manual, const cli_option *option, const char *text)
{
    char wanted[160], message[400];
    if (store(option, text))
        return CLI_RUN;
    snprintf(message, sizeof message, " wants %s, found \"%.80s\"", expected(option, wanted), text);
    return complain(manual, "--", option->name, message);
}

/* One argument that begins with a dash; *next is argv's index after it and grows when the value is taken from there. */
static int take_option(const cli_manual *manual, const cli_option *options, size_t n_options, int argc, char **argv,
                       int *next)
{
    const char *argument = argv[*next - 1];
    const bool is_long = argument[1] == '-';
    const char *name = argument + 1 + is_long;
    const size_t length = strcspn(name, "=");
    const cli_option *option =
        is_long ? find_long(options, n_options, name, length) : find_short(options, n_options, name[0]);
    if (!option && !is_long)
        return complain(manual, "unknown option ", argument, "");
    if (!option)
        return unknown_option(manual, options, n_options, name);

    const char *inside = is_long ? (name[length] ? name + length + 1 : NULL) : (name[1] ? name + 1 : NULL);
    if (option->kind == CLI_FLAG)
        return inside ? complain(manual, "--", option->name, " takes no value")
                      : store_or_complain(manual, option, NULL);
    if (inside)
        return store_or_complain(manual, option, inside);
    if (*next >= argc || !strncmp(argv[*next], "--", 2)) {
        char wanted[160], message[200];
        snprintf(message, sizeof message, " wants a value: %s", expected(option, wanted));
        return complain(manual, "--", option->name, message);
    }
    return store_or_complain(manual, option, argv[(*next)++]);
}

static int check_complete(const cli_manual *manual, const cli_option *options, size_t n_options,
                          const bool *given, const cli_operands *operands)
{
    char message[300];
    if (operands->n < manual->min_operands)
        return complain(manual, "expected ", manual->operands, ", found none: see SYNOPSIS in the help");
    if (operands->n > manual->max_operands) {
        snprintf(message, sizeof message, "unexpected argument \"%.100s\"", operands->item[manual->max_operands]);
        return complain(manual, message, "", "");
    }
    for (size_t i = 0; i < n_options; i++)
        if (options[i].required && !given[i]) {
            snprintf(message, sizeof message, " %s is needed", options[i].value);
            return complain(manual, "--", options[i].name, message);
        }
    return CLI_RUN;
}

/* For the check of required options: was this argument one of the names of options[i]? */
static bool names_option(const cli_option *option, const char *argument)
{
    if (argument[1] != '-')
        return option->letter && argument[1] == option->letter;
    const size_t length = strcspn(argument + 2, "=");
    return strlen(option->name) == length && !memcmp(option->name, argument + 2, length);
}

int cli_parse(const cli_manual *manual, const cli_option *options, size_t n_options, int argc, char **argv,
              cli_operands *operands)
{
    bool given[64] = {false};
    *operands = (cli_operands){0, argv};
    for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help")) { /* wherever it stands: before any value is checked */
            print_help(manual, options, n_options);
            return 0;
        }
    for (int next = 0; next < argc;) {
        char *argument = argv[next++];
        if (!strcmp(argument, "--")) {
            while (next < argc)
                operands->item[operands->n++] = argv[next++];
        } else if (argument[0] != '-' || !argument[1]) {
            operands->item[operands->n++] = argument;
        } else {
            const int outcome = take_option(manual, options, n_options, argc, argv, &next);
            if (outcome != CLI_RUN)
                return outcome;
            for (size_t i = 0; i < n_options && i < CLI_COUNT(given); i++)
                given[i] = given[i] || names_option(&options[i], argument);
        }
    }
    return check_complete(manual, options, n_options, given, operands);
}
