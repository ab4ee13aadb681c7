/* number.c - numbers in text, with a decimal point whatever the program's locale says: inside a Java machine it is the
 * user's, and strtod() would take 0.8 for 0 where people write 0,8.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The locale's decimal point, which may be of several bytes. localeconv() is not for many threads. */
static void find_point(char point[16])
{
    char text[16];
    snprintf(text, sizeof text, "%.1f", 0.5);
    const size_t length = strlen(text);
    memcpy(point, text + 1, length - 1);
    point[length > 2 ? length - 2 : 0] = '\0'; /* without the 5 */
}

bool pea__real_parse(const char *text, double *value)
{
    char point[16], local[96], *stop;
    const size_t length = strlen(text);
    if (length == 0 || length > 60 || strspn(text, "0123456789.+-eE") != length)
        return false;
    const char *dot = strchr(text, '.');
    find_point(point);
    if (dot)
        snprintf(local, sizeof local, "%.*s%s%s", (int)(dot - text), text, point, dot + 1);
    else
        snprintf(local, sizeof local, "%s", text);
    const double number = strtod(local, &stop);
    if (*stop || stop == local || !isfinite(number))
        return false;
    *value = number;
    return true;
}

void pea__real_print(double value, int n_digits, char text[PEA__REAL_BYTES])
{
    char local[64];
    snprintf(local, sizeof local, "%.*g", n_digits, value);
    bool in_point = false;
    size_t n = 0;
    for (const char *c = local; *c && n + 1 < PEA__REAL_BYTES; c++) {
        const bool plain = strchr("0123456789+-e", *c) != NULL;
        if (plain || !in_point)
            text[n++] = plain ? *c : '.';
        in_point = !plain; /* a point of several bytes is one point */
    }
    text[n] = '\0';
}

void pea__real_print_exactly(double value, char text[PEA__REAL_BYTES])
{
    double again = 0.0;
    for (int n_digits = 1; n_digits <= 17; n_digits++) {
        pea__real_print(value, n_digits, text);
        if (pea__real_parse(text, &again) && again == value)
            return;
    }
}
