/* text.c - small texts of image files: numbers without locale, units, remarks.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "image/image.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void pea__note(pea__notes *notes, const char *format, ...)
{
    const size_t used = strlen(notes->text);
    char remark[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(remark, sizeof remark, format, arguments);
    va_end(arguments);
    if (used + strlen(remark) + 3 > sizeof notes->text || strstr(notes->text, remark))
        return; /* said already, by another page */
    snprintf(notes->text + used, sizeof notes->text - used, "%s%s", used ? "; " : "", remark);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool pea__parse_count(const char *text, const char *end, int64_t *value)
{
    int64_t sum = 0;
    const char *p = text;
    for (; p < end && is_digit(*p); p++)
        if (!pea__mul_i64(sum, 10, &sum) || !pea__add_i64(sum, *p - '0', &sum))
            return false;
    if (p == text || p != end)
        return false;
    *value = sum;
    return true;
}

/* value * 10^exponent. One rounding, so exact as strtod, for up to 15 digits and |exponent| <= 22. */
static double scaled(double value, int exponent)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    for (; exponent > 22; exponent -= 22)
        value *= 1e22;
    for (; exponent < -22; exponent += 22)
        value /= 1e22;
    return exponent < 0 ? value / power[-exponent] : value * power[exponent];
}

/* "e-3" at p: moves p behind it. What is no exponent stays. */
static int parse_exponent(const char **p, const char *end)
{
    const char *q = *p;
    if (q == end || (*q != 'e' && *q != 'E'))
        return 0;
    q++;
    const bool negative = q < end && *q == '-';
    if (q < end && (*q == '-' || *q == '+'))
        q++;
    if (q == end || !is_digit(*q))
        return 0;
    int exponent = 0;
    for (; q < end && is_digit(*q); q++)
        if (exponent < 10000)
            exponent = exponent * 10 + (*q - '0');
    *p = q;
    return negative ? -exponent : exponent;
}

bool pea__parse_number(const char *text, const char *end, double *value)
{
    const char *p = text;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    const bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    uint64_t digits = 0;
    int exponent = 0, n_digits = 0;
    for (bool fraction = false; p < end && (is_digit(*p) || (*p == '.' && !fraction)); p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        n_digits++;
        if (digits < 100000000000000000u) { /* 17 digits are all that a double can tell apart */
            digits = digits * 10 + (unsigned)(*p - '0');
            exponent -= fraction;
        } else if (exponent < 10000) {
            exponent += !fraction;
        }
    }
    if (n_digits == 0)
        return false;
    exponent += parse_exponent(&p, end);
    if (exponent > 700 || exponent < -700)
        return false; /* no size of anything; and the loop above stays short */
    const double magnitude = scaled((double)digits, exponent);
    if (!isfinite(magnitude))
        return false;
    *value = negative ? -magnitude : magnitude;
    return true;
}

const char *pea__format_number(double value, char buffer[40])
{
    for (int digits = 6; digits <= 17; digits++) { /* fewer would turn 70000 into 7e+04 */
        snprintf(buffer, 40, "%.*g", digits, value);
        for (char *c = buffer; *c; c++)
            if (*c == ',')
                *c = '.'; /* the caller's locale */
        double again;
        if (pea__parse_number(buffer, buffer + strlen(buffer), &again) && again == value)
            break;
    }
    return buffer;
}

size_t pea__utf8(uint32_t code, char out[4])
{
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((0xf00 >> n & 0xff) | code); /* 110....., 1110...., 11110... */
    return n;
}

static const struct {
    const char *name;
    double metres;
} units[] = {
    {"um", 1e-6},         {"\xc2\xb5m", 1e-6},   {"\xce\xbcm", 1e-6}, {"micron", 1e-6},     {"microns", 1e-6},
    {"micrometer", 1e-6}, {"micrometre", 1e-6},  {"\xb5m", 1e-6},     {"micrometers", 1e-6}, {"micrometres", 1e-6},
    {"nm", 1e-9},         {"nanometer", 1e-9},   {"pm", 1e-12},       {"mm", 1e-3},         {"cm", 1e-2},
    {"m", 1},             {"\xc3\x85", 1e-10},   {"inch", 0.0254},    {"in", 0.0254},
};

double pea__unit_metres(const char *unit, size_t length_bytes)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].name) == length_bytes && memcmp(units[i].name, unit, length_bytes) == 0)
            return units[i].metres;
    return 0;
}

void pea__set_unit(pea_calibration *calibration, const char *unit, size_t length_bytes)
{
    const char *p = unit, *end = unit + length_bytes;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\0'))
        end--;
    char text[sizeof calibration->unit] = {0};
    size_t used = 0;
    if (pea__unit_metres(p, (size_t)(end - p)) == 1e-6) {
        memcpy(text, "um", 2);
    } else {
        while (p < end) {
            const size_t n = pea__utf8_character(p, (size_t)(end - p));
            if (used + (n ? n : 1) >= sizeof text)
                break;
            if (n == 0 || (n == 1 && ((unsigned char)*p < 0x20 || *p == 0x7f)))
                text[used++] = '?';
            else
                memcpy(text + used, p, n), used += n;
            p += n ? n : 1;
        }
    }
    if (text[0] == '\0' || strcmp(text, "pixels") == 0)
        memcpy(text, "pixel", 6);
    memcpy(calibration->unit, text, sizeof text);
}
