/* curves.c - losses and scores of a run as a picture that can be read at a glance: axes, ticks, legend.
 *
 *     +--------------------------+
 *     | losses, logarithmic      |   all losses as they count in the sum; the sum of every step in grey behind
 *     +--------------------------+
 *     | scores of validations    |   with a mark at the best
 *     +--------------------------+
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/run.h"

#include "pea/image.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    WIDTH = 960, PANEL = 400, LEFT = 90, RIGHT = 20, TOP = 46, BOTTOM = 44, /* of each panel around its plot */
    SCALE = 2, GLYPH_X = 6 * SCALE, GLYPH_Y = 9 * SCALE,
    MAX_SERIES = 5, N_LOSSES = 7,
    FEW_MEANS = 40, MANY_MEANS = 100 /* points of a smooth curve: few, or a tenth of the steps up to many */
};

typedef struct colour {
    uint8_t r, g, b;
} colour;

static const colour black = {30, 30, 30}, grey = {150, 150, 150}, pale = {225, 225, 225}, paler = {238, 238, 238};
/* Told apart by people who confuse red and green too: dark blue, orange, sea green, pink, sky blue. */
static const colour colours[MAX_SERIES] = {{20, 60, 140}, {225, 120, 0}, {0, 150, 110}, {200, 90, 160}, {80, 170, 230}};

/* ---- letters: five dots wide, seven high and two below the line, a bit for each dot ---- */

static const struct glyph {
    char letter;
    uint8_t row[9];
} glyphs[] = {
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},      {'2', {14, 17, 1, 2, 4, 8, 31}},
    {'3', {30, 1, 1, 14, 1, 1, 30}},     {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 4, 8, 8}},       {'8', {14, 17, 17, 14, 17, 17, 14}},
    {'9', {14, 17, 17, 15, 1, 2, 12}},   {'.', {0, 0, 0, 0, 0, 12, 12}},      {'-', {0, 0, 0, 31, 0, 0, 0}},
    {'/', {1, 1, 2, 4, 8, 16, 16}},      {':', {0, 12, 12, 0, 12, 12, 0}},    {'=', {0, 0, 31, 0, 31, 0, 0}},
    {'_', {0, 0, 0, 0, 0, 0, 31}},       {'+', {0, 4, 4, 31, 4, 4, 0}},       {',', {0, 0, 0, 0, 0, 12, 12, 4, 8}},
    {'a', {0, 0, 14, 1, 15, 17, 15}},    {'b', {16, 16, 30, 17, 17, 17, 30}}, {'c', {0, 0, 14, 17, 16, 17, 14}},
    {'d', {1, 1, 15, 17, 17, 17, 15}},   {'e', {0, 0, 14, 17, 31, 16, 14}},   {'f', {6, 9, 8, 28, 8, 8, 8}},
    {'g', {0, 0, 15, 17, 17, 17, 15, 1, 14}}, {'h', {16, 16, 30, 17, 17, 17, 17}}, {'i', {4, 0, 12, 4, 4, 4, 14}},
    {'j', {2, 0, 6, 2, 2, 2, 2, 18, 12}}, {'k', {16, 16, 18, 20, 24, 20, 18}}, {'l', {12, 4, 4, 4, 4, 4, 14}},
    {'m', {0, 0, 26, 21, 21, 21, 21}},   {'n', {0, 0, 30, 17, 17, 17, 17}},   {'o', {0, 0, 14, 17, 17, 17, 14}},
    {'p', {0, 0, 30, 17, 17, 17, 30, 16, 16}}, {'q', {0, 0, 15, 17, 17, 17, 15, 1, 1}},
    {'r', {0, 0, 22, 25, 16, 16, 16}},
    {'s', {0, 0, 15, 16, 14, 1, 30}},    {'t', {8, 8, 28, 8, 8, 9, 6}},       {'u', {0, 0, 17, 17, 17, 19, 13}},
    {'v', {0, 0, 17, 17, 17, 10, 4}},    {'w', {0, 0, 17, 17, 21, 21, 10}},   {'x', {0, 0, 17, 10, 4, 10, 17}},
    {'y', {0, 0, 17, 17, 17, 17, 15, 1, 14}}, {'z', {0, 0, 31, 2, 4, 8, 31}},
};

/* ---- drawing ---- */

typedef struct picture {
    uint8_t *dots; /* (y,x,3) */
    int height;
} picture;

static void dot(const picture *p, int x, int y, colour c)
{
    if (x < 0 || y < 0 || x >= WIDTH || y >= p->height)
        return;
    uint8_t *at = p->dots + 3 * ((size_t)y * WIDTH + (size_t)x);
    at[0] = c.r;
    at[1] = c.g;
    at[2] = c.b;
}

static void box(const picture *p, int x, int y, int wide, int high, colour c)
{
    for (int j = y; j < y + high; j++)
        for (int i = x; i < x + wide; i++)
            dot(p, i, j, c);
}

static void line(const picture *p, double x0, double y0, double x1, double y1, int thickness, colour c)
{
    const double dx = x1 - x0, dy = y1 - y0;
    const int n = (int)ceil(fmax(fabs(dx), fabs(dy)));
    for (int i = 0; i <= n; i++) {
        const double t = n ? (double)i / n : 0.0;
        const int x = (int)lround(x0 + t * dx) - thickness / 2, y = (int)lround(y0 + t * dy) - thickness / 2;
        box(p, x, y, thickness, thickness, c);
    }
}

static int text_width(const char *text)
{
    return (int)strlen(text) * GLYPH_X;
}

static void write_text(const picture *p, int x, int y, const char *text, colour c)
{
    for (; *text; text++, x += GLYPH_X)
        for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
            for (int row = 0; glyphs[i].letter == *text && row < 9; row++)
                for (int column = 0; column < 5; column++)
                    if (glyphs[i].row[row] >> (4 - column) & 1)
                        box(p, x + column * SCALE, y + row * SCALE, SCALE, SCALE, c);
}

/* ---- axes ---- */

typedef struct axes {
    const picture *p;
    int top;           /* of the panel */
    double steps;      /* x: 0 to so many */
    double low, high;  /* y: of numbers, or of their decadic logarithms */
    bool logarithmic;
    int legend;        /* x of the next entry */
} axes;

static double to_x(const axes *a, double step)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * step / a->steps;
}

static double to_y(const axes *a, double value)
{
    const double v = a->logarithmic ? log10(value) : value, t = (v - a->low) / (a->high - a->low);
    return a->top + PANEL - BOTTOM - (PANEL - TOP - BOTTOM) * fmin(fmax(t, 0.0), 1.0);
}

/* The smallest of 1, 2, 5, 10 ... that is at least so much. */
static double round_up(double least)
{
    const double decade = pow(10.0, floor(log10(least))), times = least / decade;
    return decade * (times <= 1.0001 ? 1.0 : times <= 2.0001 ? 2.0 : times <= 5.0001 ? 5.0 : 10.0);
}

static void tick_y(const axes *a, double value)
{
    char text[PEA__REAL_BYTES];
    const int y = (int)lround(to_y(a, value));
    pea__real_print(value, 4, text);
    box(a->p, LEFT + 1, y, WIDTH - LEFT - RIGHT - 1, 1, pale);
    box(a->p, LEFT - 6, y, 6, 1, black);
    write_text(a->p, LEFT - 10 - text_width(text), y - 7, text, black);
}

static void draw_axes(const axes *a, const char *title)
{
    const int bottom = a->top + PANEL - BOTTOM, right = WIDTH - RIGHT;
    const double each = round_up(a->steps / 8.0);
    for (double step = 0.0; step <= a->steps * 1.0001; step += each) {
        char text[PEA__REAL_BYTES];
        const int x = (int)lround(to_x(a, step));
        pea__real_print(step, 7, text);
        box(a->p, x, a->top + TOP, 1, PANEL - TOP - BOTTOM, paler);
        box(a->p, x, bottom, 1, 6, black);
        const int at = x - text_width(text) / 2;
        write_text(a->p, at + text_width(text) > WIDTH ? WIDTH - text_width(text) : at, bottom + 10, text, black);
    }
    write_text(a->p, LEFT - 30 - text_width("steps"), bottom + 10, "steps", black);
    if (a->logarithmic) {
        const int few = a->high - a->low > 3.5;
        for (int decade = (int)floor(a->low); decade <= (int)ceil(a->high); decade++)
            for (int k = 0; k < (few ? 1 : 3); k++) {
                const double value = pow(10.0, decade) * (k == 0 ? 1.0 : k == 1 ? 2.0 : 5.0);
                if (log10(value) >= a->low - 1e-9 && log10(value) <= a->high + 1e-9)
                    tick_y(a, value);
            }
    } else {
        const double step = round_up((a->high - a->low) / 8.0);
        for (double k = ceil(a->low / step - 1e-9); k * step <= a->high + 1e-9; k++)
            tick_y(a, k * step + 0.0); /* no -0 */
    }
    box(a->p, LEFT, a->top + TOP, 1, PANEL - TOP - BOTTOM, black);
    box(a->p, LEFT, bottom, right - LEFT + 1, 1, black);
    write_text(a->p, LEFT, a->top + 14, title, black);
}

static void name_series(axes *a, const char *name, colour c)
{
    const int y = a->top + 14;
    box(a->p, a->legend, y + 5, 20, 4, c);
    write_text(a->p, a->legend + 26, y, name, black);
    a->legend += 26 + text_width(name) + 22;
}

/* ---- losses ---- */

/* A loss of a step as it counts in the sum: those of one module together. */
static double loss_of(const pea__curriculum *c, const float *row, int series)
{
    double epm = 0.0;
    for (int level = 1; level < PEA__LEVELS; level++)
        epm += c->self[level] * (double)row[2 + level];
    switch (series) {
    case 0: return (double)row[0];
    case 1: return c->self[0] * (double)row[2];
    case 2: return c->cross * (double)row[7];
    case 3: return epm;
    case 4: return c->foreground * (double)row[8];
    case 5: return c->affinity * (double)row[9];
    default: return c->distance * (double)row[10];
    }
}

static double mean_loss(const pea__history *h, const pea__curriculum *c, int series, int64_t from, int64_t end)
{
    double sum = 0.0;
    for (int64_t i = from; i < end; i++)
        sum += loss_of(c, h->losses + i * PEA__LOSS_COLUMNS, series);
    return sum / (double)(end - from);
}

static int64_t count_means(const pea__history *h)
{
    const int64_t tenth = pea__min_i64(MANY_MEANS, pea__max_i64(FEW_MEANS, h->n_steps / 10));
    return pea__min_i64(h->n_steps, tenth);
}

/* What a network is taught instead of scm, ccm and epm takes the colour of scm. */
static colour colour_of_loss(int series)
{
    return colours[series < MAX_SERIES ? series : 1];
}

static void draw_curve(const axes *a, const pea__history *h, const pea__curriculum *c, int series)
{
    const int64_t n = count_means(h);
    double last_x = 0.0, last_y = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t from = h->n_steps * i / n, end = h->n_steps * (i + 1) / n;
        const double mean = mean_loss(h, c, series, from, end), x = to_x(a, 0.5 * (double)(from + 1 + end));
        const double y = to_y(a, fmax(mean, 1e-30));
        line(a->p, i ? last_x : x, i ? last_y : y, x, y, 3, colour_of_loss(series));
        last_x = x;
        last_y = y;
    }
}

static bool is_taught(const pea__curriculum *c, int series)
{
    const double factors[N_LOSSES] = {1.0, c->self[0], c->cross, c->self[1], c->foreground, c->affinity, c->distance};
    return factors[series] > 0.0;
}

static void draw_losses(const picture *p, const pea__history *h, const pea__curriculum *c)
{
    static const char *const names[N_LOSSES] = {"sum", "scm", "ccm", "epm", "foreground", "affinity", "distance"};
    axes a = {.p = p, .top = 0, .steps = (double)h->n_steps, .low = INFINITY, .high = -INFINITY, .logarithmic = true,
              .legend = LEFT + 6 * GLYPH_X + 30};
    const int64_t n = count_means(h);
    for (int series = 0; series < N_LOSSES; series++)
        for (int64_t i = 0; i < n && is_taught(c, series); i++) {
            const double mean = mean_loss(h, c, series, h->n_steps * i / n, h->n_steps * (i + 1) / n);
            a.low = mean > 0.0 ? fmin(a.low, log10(mean)) : a.low;
            a.high = mean > 0.0 ? fmax(a.high, log10(mean)) : a.high;
        }
    if (!(a.high >= a.low))
        a.low = a.high = 0.0;
    a.low -= 0.1;
    a.high += 0.1;
    draw_axes(&a, "losses");
    for (int64_t i = 0; i < h->n_steps; i++) {
        const double loss = (double)h->losses[i * PEA__LOSS_COLUMNS];
        if (loss > 0.0)
            box(p, (int)lround(to_x(&a, (double)(i + 1))), (int)lround(to_y(&a, loss)), 1, 2, grey);
    }
    for (int series = N_LOSSES - 1; series >= 0; series--)
        if (is_taught(c, series))
            draw_curve(&a, h, c, series);
    for (int series = 0; series < N_LOSSES; series++)
        if (is_taught(c, series))
            name_series(&a, names[series], colour_of_loss(series));
}

/* ---- scores ---- */

static bool find_score(const char *key, size_t *index)
{
    for (*index = 0; *index < pea_score_count(); (*index)++)
        if (!strcmp(pea_score_get_item(*index).key, key))
            return true;
    return false;
}

/* The one that chooses, then those of its kind that people know. */
static int choose_scores(const pea__course *course, size_t series[MAX_SERIES])
{
    static const char *const high[] = {"aji", "sbd", "pq", "dice"};
    static const char *const low[] = {"voi", "voi_split", "voi_merge", "arand"};
    int n = 1;
    series[0] = course->score;
    for (int i = 0; i < 4; i++) {
        size_t index;
        if (find_score(course->low_is_best ? low[i] : high[i], &index) && index != course->score)
            series[n++] = index;
    }
    return n;
}

static void range_of_scores(axes *a, const pea__history *h, const size_t *series, int n)
{
    for (int k = 0; k < n; k++)
        for (int64_t i = 0; i < h->n_validations; i++) {
            const double value = (double)pea__history_scores(h, i)[(size_t)PEA__FIRST_SCORE + series[k]];
            a->low = fmin(a->low, value);
            a->high = fmax(a->high, value);
        }
    const double room = fmax(a->high - a->low, 0.02) * 0.08;
    a->low = a->low >= 0.0 && a->low < room ? 0.0 : a->low - room;
    a->high += room;
}

static void draw_scores(const picture *p, const pea__history *h, const pea__course *course)
{
    axes a = {.p = p, .top = PANEL, .steps = (double)h->n_steps, .low = INFINITY, .high = -INFINITY,
              .legend = LEFT + 6 * GLYPH_X + 30};
    size_t series[MAX_SERIES];
    const int n = choose_scores(course, series);
    range_of_scores(&a, h, series, n);
    draw_axes(&a, "scores");
    for (int k = n - 1; k >= 0; k--)
        for (int64_t i = 0; i < h->n_validations; i++) {
            const float *row = pea__history_scores(h, i), *before = pea__history_scores(h, i ? i - 1 : 0);
            const size_t at = PEA__FIRST_SCORE + series[k];
            const double x = to_x(&a, (double)row[0]), y = to_y(&a, (double)row[at]);
            line(p, to_x(&a, (double)before[0]), to_y(&a, (double)before[at]), x, y, 3, colours[k]);
            box(p, (int)lround(x) - 3, (int)lround(y) - 3, 7, 7, colours[k]);
            if (k == 0 && i == h->best)
                box(p, (int)lround(x) - 8, (int)lround(y) - 8, 17, 17, colours[k]);
        }
    for (int k = 0; k < n; k++)
        name_series(&a, pea_score_get_item(series[k]).key, colours[k]);
}

pea_status pea__curves_write(const pea__history *history, const pea__course *course, const char *folder,
                             pea_context *context, pea_error *err)
{
    if (history->n_steps == 0)
        return PEA_OK;
    picture p = {.height = history->n_validations > 0 ? 2 * PANEL : PANEL};
    const size_t n_bytes = (size_t)p.height * WIDTH * 3;
    char *path = pea__path_in(folder, "curves", ".png", err);
    p.dots = path ? pea__alloc(n_bytes, 1, err) : NULL;
    pea_status status = PEA_E_NOMEM;
    if (p.dots) {
        memset(p.dots, 255, n_bytes);
        draw_losses(&p, history, &course->curriculum);
        if (history->n_validations > 0)
            draw_scores(&p, history, course);
        status = pea_png_write(path, &(pea_array){p.dots, PEA_UINT8, {1, p.height, WIDTH, 3}}, context, err);
    }
    pea__free(p.dots);
    pea__free(path);
    return status;
}
