/* settings.c - the settings of a segmentation by name. The table below is the whole grammar: how a value is read and
 * written, what help and messages say of it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pea/settings.h"

#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { MAX_SHIFTS = PEA_MAX_OFFSETS / 2 };

/* What was wished for so far. Which neighbours there are is known only when all wishes have been heard. */
typedef struct draft {
    pea_segment_options options;
    int shifts[MAX_SHIFTS];
    size_t n_shifts;       /* 0: not wished for */
    int neighbours;        /* 0: not wished for */
    pea_offsets listed;    /* n 0: not wished for */
    int tile[3], overlap[3]; /* the first below 0: not wished for */
    const pea_error *told; /* a value explained by its own parser; NULL: the table says what was expected */
    pea_error *err;
} draft;

/* ---- numbers ---- */

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " ");
}

/* One whole number; moves *text behind it. Digits alone: no sign, no 1e3. */
static bool next_whole(const char **text, int64_t low, int64_t high, int64_t *value)
{
    const size_t n_digits = strspn(*text, "0123456789");
    if (n_digits == 0 || n_digits > 10)
        return false;
    *value = 0;
    for (size_t i = 0; i < n_digits; i++)
        *value = *value * 10 + ((*text)[i] - '0');
    *text += n_digits;
    return *value >= low && *value <= high;
}

static bool take_whole(const char *text, int64_t low, int64_t *value)
{
    int64_t number;
    if (!next_whole(&text, low, INT32_MAX, &number) || *text)
        return false;
    *value = number;
    return true;
}

/* "18,160,160": z,y,x. */
static bool take_triple(const char *text, int64_t low, int values[3])
{
    int64_t number;
    for (int i = 0; i < 3; i++, text++) {
        text = skip_blanks(text);
        if (!next_whole(&text, low, 65536, &number))
            return false;
        values[i] = (int)number;
        text = skip_blanks(text);
        if (*text != (i < 2 ? ',' : '\0'))
            return false;
    }
    return true;
}

/* "1,3,5", blanks around the numbers allowed: 1 to `most` of them. */
static bool take_list(const char *text, int64_t high, int *values, size_t most, size_t *n)
{
    int64_t number;
    for (*n = 0; *n < most; text++) {
        text = skip_blanks(text);
        if (!next_whole(&text, 1, high, &number))
            return false;
        values[(*n)++] = (int)number;
        text = skip_blanks(text);
        if (*text != ',')
            return *text == '\0';
    }
    return false;
}

/* Append to a text of PEA_SETTING_TEXT_BYTES; what does not fit is cut, which pea_settings_get() notices. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void put(char *text, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, PEA_SETTING_TEXT_BYTES - used, format, arguments);
    va_end(arguments);
}

/* ---- neighbours: shifts and directions, or a list of offsets ---- */

/* The shifts and directions that these offsets are made of; false where they are not. */
static bool find_shifts(const pea_offsets *offsets, int shifts[MAX_SHIFTS], size_t *n, int *neighbours)
{
    pea_offsets made;
    for (*neighbours = 4; *neighbours <= 8 && offsets->n_axes == 2; *neighbours += 4) {
        const size_t per_shift = (size_t)*neighbours / 2;
        *n = offsets->n / per_shift;
        for (size_t i = 0; i < *n; i++) {
            const int32_t y = offsets->step[i * per_shift].y;
            shifts[i] = y > -INT16_MAX - 1 ? -y : 0; /* 0 is no shift */
        }
        if (pea_offsets_from_shifts(shifts, *n, *neighbours, &made, NULL) == PEA_OK && pea__offsets_same(&made, offsets))
            return true;
    }
    *n = 0;
    *neighbours = 0;
    return false;
}

static bool take_shifts(draft *d, const char *text)
{
    return take_list(text, INT16_MAX, d->shifts, MAX_SHIFTS, &d->n_shifts);
}

static bool take_neighbours(draft *d, const char *text)
{
    d->neighbours = text[0] - '0'; /* one of the choices */
    return true;
}

static bool take_offsets(draft *d, const char *text)
{
    pea_error why = {0};
    char shown[sizeof why.message];
    if (pea_offsets_parse(text, strlen(text), &d->listed, &why) == PEA_OK)
        return true;
    memcpy(shown, why.message, sizeof shown);
    pea__fail(d->err, why.status == PEA_E_NOMEM ? PEA_E_NOMEM : PEA_E_ARG, "offsets: %.480s", shown);
    d->told = d->err;
    return false;
}

static void show_shifts(const pea_segment_options *o, char *text)
{
    int shifts[MAX_SHIFTS];
    size_t n;
    int neighbours;
    find_shifts(&o->offsets, shifts, &n, &neighbours);
    for (size_t i = 0; i < n; i++)
        put(text, "%s%d", i ? "," : "", shifts[i]);
}

static void show_neighbours(const pea_segment_options *o, char *text)
{
    int shifts[MAX_SHIFTS];
    size_t n;
    int neighbours;
    if (find_shifts(&o->offsets, shifts, &n, &neighbours))
        put(text, "%d", neighbours);
}

static void show_offsets(const pea_segment_options *o, char *text)
{
    put(text, "[");
    for (size_t i = 0; i < o->offsets.n; i++) {
        const pea_offset s = o->offsets.step[i];
        put(text, i ? ",[" : "[");
        if (o->offsets.n_axes == 3)
            put(text, "%" PRId32 ",", s.z);
        put(text, "%" PRId32 ",%" PRId32 "]", s.y, s.x);
    }
    put(text, "]");
}

static bool take_strides(draft *d, const char *text)
{
    const size_t n_axes = (size_t)d->options.offsets.n_axes;
    int stride[3] = {1, 1, 1};
    size_t n;
    if (!take_list(text, INT32_MAX, stride + 3 - n_axes, n_axes, &n) || (n != n_axes && n != 1))
        return false;
    for (size_t i = n; i < n_axes; i++) /* one number is the same for all axes */
        stride[3 - n_axes + i] = stride[3 - n_axes];
    memcpy(d->options.stride, stride, sizeof stride);
    return true;
}

static void show_strides(const pea_segment_options *o, char *text)
{
    for (int i = 3 - o->offsets.n_axes; i < 3; i++)
        put(text, "%d%s", o->stride[i], i < 2 ? "," : "");
}

/* ---- tiles: what is between their starts follows from size and overlap ---- */

static bool take_tile(draft *d, const char *text)
{
    return take_triple(text, 1, d->tile);
}

static bool take_overlap(draft *d, const char *text)
{
    return take_triple(text, 0, d->overlap);
}

static bool take_margin(draft *d, const char *text)
{
    int margin[3];
    if (!take_triple(text, 0, margin))
        return false;
    for (int i = 0; i < 3; i++)
        d->options.tile_margin[i] = margin[i];
    return true;
}

static void show_triple(const int64_t values[3], char *text)
{
    for (int i = 0; i < 3; i++)
        put(text, "%" PRId64 "%s", values[i], i < 2 ? "," : "");
}

static void show_tile(const pea_segment_options *o, char *text)
{
    show_triple(o->tile, text);
}

static void show_overlap(const pea_segment_options *o, char *text)
{
    const int64_t overlap[3] = {o->tile[0] - o->tile_step[0], o->tile[1] - o->tile_step[1], o->tile[2] - o->tile_step[2]};
    show_triple(overlap, text);
}

static void show_margin(const pea_segment_options *o, char *text)
{
    show_triple(o->tile_margin, text);
}

/* ---- everything else, in the order of the table ---- */

static bool take_clusterer(draft *d, const char *text)
{
    return pea_clusterer_parse(text, &d->options.clusterer);
}

static void show_clusterer(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_clusterer_name(o->clusterer));
}

static bool take_cut(draft *d, const char *text)
{
    double cut;
    if (!pea__real_parse(text, &cut) || !(cut >= PEA_CUT_MIN && cut <= PEA_CUT_MAX))
        return false;
    d->options.cut = cut;
    return true;
}

static void show_real(double value, char *text)
{
    char number[PEA__REAL_BYTES];
    pea__real_print_exactly(value, number);
    put(text, "%s", number);
}

static void show_cut(const pea_segment_options *o, char *text)
{
    show_real(o->cut, text);
}

static bool take_scoring(draft *d, const char *text)
{
    int64_t percent = PEA_SCORE_PERCENT_MEAN;
    if (strcmp(text, "mean") != 0 && !(take_whole(text, 0, &percent) && percent <= 99))
        return false;
    d->options.score_percent = (int)percent;
    return true;
}

static void show_scoring(const pea_segment_options *o, char *text)
{
    if (o->score_percent == PEA_SCORE_PERCENT_MEAN)
        put(text, "mean");
    else
        put(text, "%d", o->score_percent);
}

/* One number of several that colons separate; moves *text behind it and the colon. */
static bool next_real(const char **text, double *value)
{
    char number[PEA__REAL_BYTES];
    const size_t length = strcspn(*text, ":");
    if (length >= sizeof number)
        return false;
    memcpy(number, *text, length);
    number[length] = '\0';
    *text += length + ((*text)[length] == ':');
    return pea__real_parse(number, value);
}

/* "0.25:2:100". */
static bool take_fragments(draft *d, const char *text)
{
    double boundary, sigma;
    int64_t size;
    if (!next_real(&text, &boundary) || !next_real(&text, &sigma) || !take_whole(text, 0, &size) ||
        !(boundary >= 0.0 && boundary < 1.0 && sigma >= 0.0 && sigma <= 100.0))
        return false;
    d->options.fragment_boundary = boundary;
    d->options.fragment_sigma = sigma;
    d->options.fragment_size = size;
    return true;
}

static void show_fragments(const pea_segment_options *o, char *text)
{
    show_real(o->fragment_boundary, text);
    put(text, ":");
    show_real(o->fragment_sigma, text);
    put(text, ":%" PRId64, o->fragment_size);
}

static bool take_bandwidth(draft *d, const char *text)
{
    double bandwidth;
    if (!pea__real_parse(text, &bandwidth) || !(bandwidth > 0.0 && isfinite(bandwidth)))
        return false;
    d->options.bandwidth = bandwidth;
    return true;
}

static void show_bandwidth(const pea_segment_options *o, char *text)
{
    show_real(o->bandwidth, text);
}

static bool take_precision(draft *d, const char *text)
{
    return pea_precision_parse(text, &d->options.precision);
}

static void show_precision(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_precision_name(o->precision));
}

static bool take_scale(draft *d, const char *text)
{
    double factor = PEA_SCALE_AUTO;
    if (strcmp(text, "auto") != 0 &&
        !(pea__real_parse(text, &factor) && factor >= PEA_SCALE_MIN && factor <= PEA_SCALE_MAX))
        return false;
    d->options.scale = factor;
    return true;
}

static void show_scale(const pea_segment_options *o, char *text)
{
    char number[PEA__REAL_BYTES];
    pea__real_print_exactly(o->scale, number);
    put(text, "%s", o->scale == PEA_SCALE_AUTO ? "auto" : number);
}

static bool take_foreground(draft *d, const char *text)
{
    return pea_foreground_parse(text, &d->options.foreground);
}

static void show_foreground(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_foreground_name(o->foreground));
}

static bool take_threshold(draft *d, const char *text)
{
    double p;
    if (!pea__real_parse(text, &p) || !(p >= 0.0 && p < 1.0))
        return false;
    d->options.foreground_threshold = p;
    return true;
}

static void show_threshold(const pea_segment_options *o, char *text)
{
    show_real(o->foreground_threshold, text);
}

static bool take_speckles(draft *d, const char *text)
{
    return take_whole(text, 0, &d->options.min_foreground_size);
}

static void show_speckles(const pea_segment_options *o, char *text)
{
    put(text, "%" PRId64, o->min_foreground_size);
}

static bool take_minsize(draft *d, const char *text)
{
    return take_whole(text, 0, &d->options.min_size);
}

static void show_minsize(const pea_segment_options *o, char *text)
{
    put(text, "%" PRId64, o->min_size);
}

/* "none", or "5:5,25:11". */
static bool take_merge(draft *d, const char *text)
{
    pea_segment_options *o = &d->options;
    int64_t size, window;
    o->n_merge = 0;
    if (strcmp(text, "none") == 0)
        return true;
    for (; o->n_merge < PEA_MAX_MERGE_PASSES; text++) {
        text = skip_blanks(text);
        if (!next_whole(&text, 0, INT32_MAX, &size) || *text++ != ':' || !next_whole(&text, 1, INT32_MAX, &window))
            return false;
        o->merge[o->n_merge++] = (pea_merge_pass){(int32_t)size, (int32_t)window};
        text = skip_blanks(text);
        if (*text != ',')
            return *text == '\0';
    }
    return false;
}

static void show_merge(const pea_segment_options *o, char *text)
{
    for (size_t i = 0; i < o->n_merge && i < PEA_MAX_MERGE_PASSES; i++)
        put(text, "%s%" PRId32 ":%" PRId32, i ? "," : "", o->merge[i].max_size, o->merge[i].window);
    if (o->n_merge == 0)
        put(text, "none");
}

static bool take_absorb(draft *d, const char *text)
{
    return take_whole(text, 0, &d->options.absorb_size);
}

static void show_absorb(const pea_segment_options *o, char *text)
{
    put(text, "%" PRId64, o->absorb_size);
}

static bool take_parts(draft *d, const char *text)
{
    return pea_parts_parse(text, &d->options.parts);
}

static void show_parts(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_parts_name(o->parts));
}

static bool take_holes(draft *d, const char *text)
{
    d->options.fill_holes = text[0] == 'f'; /* one of the choices */
    return true;
}

static void show_holes(const pea_segment_options *o, char *text)
{
    put(text, "%s", o->fill_holes ? "fill" : "keep");
}

static bool take_connectivity(draft *d, const char *text)
{
    return pea_connectivity_parse(text, &d->options.connectivity);
}

static void show_connectivity(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_connectivity_name(o->connectivity));
}

static bool take_largest(draft *d, const char *text)
{
    return take_whole(text, 0, &d->options.n_largest);
}

static void show_largest(const pea_segment_options *o, char *text)
{
    put(text, "%" PRId64, o->n_largest);
}

static bool take_normalise(draft *d, const char *text)
{
    return pea_normalise_parse(text, &d->options.normalise);
}

static void show_normalise(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_normalise_name(o->normalise));
}

static bool take_padding(draft *d, const char *text)
{
    return pea_padding_parse(text, &d->options.padding);
}

static void show_padding(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_padding_name(o->padding));
}

static bool take_border(draft *d, const char *text)
{
    return pea_border_parse(text, &d->options.border);
}

static void show_border(const pea_segment_options *o, char *text)
{
    put(text, "%s", pea_border_name(o->border));
}

/* ---- the table ---- */

typedef struct entry {
    pea_setting setting;
    const char *expected; /* what messages say of a free value */
    bool (*take)(draft *d, const char *text);
    void (*show)(const pea_segment_options *options, char *text);
} entry;

static const entry table[] = {
    {{"shifts", "Shifts (pixels)", "N,N,...", NULL,
      "Distances in pixels at which voxels are compared, such as 1,3,5,9,11: whole numbers from 1 to 32767. The first "
      "one attracts, all others repel.", 2},
     "whole numbers from 1 to 32767 separated by commas, at most 64", take_shifts, show_shifts},
    {{"neighbours", "Directions of each shift", "4|8", "4|8",
      "4 is up and left, 8 adds both upper diagonals. Alone it keeps the shifts; shifts alone take 4.", 2},
     NULL, take_neighbours, show_neighbours},
    {{"offsets", "Offsets (pixels or voxels)", "[[Y,X],...]|[[Z,Y,X],...]", NULL,
      "The steps to compared voxels themselves, instead of shifts, as a JSON list: [[-1,0],[0,-1],...] as y,x or "
      "[[-1,0,0],...] as z,y,x. The first two (three) attract, all others repel.", 0},
     NULL, take_offsets, show_offsets},
    {{"strides", "Strides of repulsion", "N|Y,X|Z,Y,X", NULL,
      "Keep a repulsive edge only at every n-th voxel of each axis; n is at least 1, and one number is for all axes.", 0},
     "whole numbers from 1 to 2147483647: N for all axes, or Y,X for a 2-D model, Z,Y,X for a 3-D one", take_strides,
     show_strides},
    {{"clusterer", "Clusterer", "NAME", "mutex|agglomerate|multicut|meanshift",
      "How instances are found: by the mutex watershed of all affinities; by joining small fragments while their mean "
      "affinity is above the cut (agglomerate), or so that the cuts between them cost least (multicut), which look at "
      "direct neighbours alone; or by mean shift of the embeddings, for 2-D models trained by distance: with "
      "embeddings trained by angle, as those of the bundled model, it finds one instance.", 0},
     NULL, take_clusterer, show_clusterer},
    {{"cut", "Affinity that neither joins nor separates", "A", NULL,
      "Affinities above A speak for one instance, those below it for two: fragments are agglomerated while theirs is "
      "above it, a multicut is paid for cutting those below, and the mutex watershed weighs attraction and repulsion so "
      "that both are equal there. Not for meanshift. From 0.001 to 0.999; less joins more.", 0},
     "a number from 0.001 to 0.999", take_cut, show_cut},
    {{"scoring", "Likeness of fragments", "mean|Q", NULL,
      "What agglomerate takes for the affinity of two fragments: the mean, or of the largest affinities of all "
      "contacts between their pieces that which Q per cent are below; Q is from 0 to 99.", 0},
     "mean, or a whole number from 0 to 99", take_scoring, show_scoring},
    {{"fragments", "Fragments before a multicut", "A:SIGMA:N", NULL,
      "What multicut puts together: seeds are deep inside where 1 - affinity is at most A, at least 0 and below 1; "
      "Gaussians of SIGMA pixels, 0 to 100, make them fewer; fragments below N pixels go to their neighbours.", 0},
     "a number of at least 0 and below 1, one from 0 to 100 and a whole one, such as 0.25:2:100", take_fragments,
     show_fragments},
    {{"bandwidth", "Radius of mean shift", "R", NULL,
      "How far embeddings of one instance may be from its middle, for meanshift: in the units that the model was trained "
      "with, above 0.", 2},
     "a number above 0", take_bandwidth, show_bandwidth},
    {{"precision", "Precision", "NAME", "fp32|bf16",
      "The arithmetic of the network: 32-bit floating point, or bf16, which takes less memory, half of it for "
      "volumes, and on processors with AMX a fraction of the time, for affinities that differ by some thousandths.", 0},
     NULL, take_precision, show_precision},
    {{"scale", "Scale", "auto|F", NULL,
      "Resize rows and columns by F before the network sees them; labels come back to the image's own pixels. From "
      "0.05 to 20; 1 is not at all; auto gives pixels the size that the model was trained on, where both sizes are "
      "known.", 0},
     "auto, or a number from 0.05 to 20", take_scale, show_scale},
    {{"foreground", "Foreground", "RULE", "none|given|predicted",
      "Where instances may be: everywhere, in the mask, or where the network sees foreground.", 0},
     NULL, take_foreground, show_foreground},
    {{"threshold", "Foreground threshold", "P", NULL,
      "Predicted foreground is where its probability exceeds P, at least 0 and below 1.", 0},
     "a number of at least 0 and below 1", take_threshold, show_threshold},
    {{"speckles", "Smallest part of the foreground (pixels)", "N", NULL,
      "Parts of the predicted foreground of fewer than N pixels are ignored.", 0},
     "a whole number from 0 to 2147483647", take_speckles, show_speckles},
    {{"minsize", "Smallest instance (pixels or voxels)", "N", NULL, "Instances of fewer than N voxels are removed.", 0},
     "a whole number from 0 to 2147483647", take_minsize, show_minsize},
    {{"merge", "Merging of small instances", "SIZE:WINDOW,...", NULL,
      "Up to 8 passes that give instances of at most SIZE pixels to their neighbours within a window, as the paper's "
      "code does, such as 5:5,25:11; none for no pass.", 0},
     "none, or up to 8 pairs SIZE:WINDOW such as 5:5,25:11", take_merge, show_merge},
    {{"absorb", "Small instances go to a neighbour (pixels or voxels)", "N", NULL,
      "Instances of fewer than N voxels go to the neighbour they are most alike, that with the highest mean affinity "
      "across the contact, the smallest first; 0 for none.", 0},
     "a whole number from 0 to 2147483647", take_absorb, show_absorb},
    {{"parts", "Instances in several parts", "RULE", "keep|split|largest",
      "What becomes of instances that do not hang together: they stay as they are, each part becomes an instance, or "
      "only the largest part stays.", 0},
     NULL, take_parts, show_parts},
    {{"holes", "Holes", "RULE", "keep|fill",
      "Fill background that one instance encloses: all that does not come to the border of the image and touches no "
      "second instance.", 0},
     NULL, take_holes, show_holes},
    {{"connectivity", "Voxels touch at", "RULE", "faces|edges|corners",
      "Which voxels touch, of parts as well as of holes: 6, 18 or 26 neighbours in volumes; 4, 8 or 8 in planes.", 0},
     NULL, take_connectivity, show_connectivity},
    {{"largest", "Largest instances to keep", "N", NULL,
      "Only the N largest instances stay, in each plane or volume; 0 keeps all.", 0},
     "a whole number from 0 to 2147483647", take_largest, show_largest},
    {{"normalise", "Intensities", "RULE", "minmax|imagenet|unit",
      "How intensities become network input: smallest to largest value, ImageNet's colours, or full scale.", 0},
     NULL, take_normalise, show_normalise},
    {{"padding", "Padding", "RULE", "reflect-end|reflect-square|zero-square",
      "How a plane reaches a multiple of 16 pixels: mirrored at its end, or mirrored or filled with zeros to a "
      "square.", 2},
     NULL, take_padding, show_padding},
    {{"tile", "Tiles of the network (voxels)", "Z,Y,X", NULL,
      "What a 3-D network sees at once; Y and X are multiples of 16. Larger tiles with the same overlap are less work "
      "and more memory.", 3},
     "three whole numbers from 1 to 65536: Z,Y,X", take_tile, show_tile},
    {{"overlap", "Overlap of tiles (voxels)", "Z,Y,X", NULL,
      "How far each tile reaches into the next one, less than a tile. Less is faster; near the border of a tile the "
      "network knows less.", 3},
     "three whole numbers from 0 to 65536: Z,Y,X", take_overlap, show_overlap},
    {{"margin", "Mirrored margin of the volume (voxels)", "Z,Y,X", NULL,
      "How far tiles reach beyond the volume, into its mirror image.", 3},
     "three whole numbers from 0 to 65536: Z,Y,X", take_margin, show_margin},
    {{"border", "Border", "RULE", "none|wrap|copy",
      "What the affinity is whose partner lies outside the image: none is 0; wrap takes the partner at the opposite "
      "side; copy is 0, then for attracting offsets the first plane repeats the second.", 0},
     NULL, take_border, show_border},
};

enum { N_SETTINGS = sizeof table / sizeof *table };

size_t pea_settings_count(void)
{
    return N_SETTINGS;
}

pea_setting pea_settings_item(size_t index)
{
    return index < N_SETTINGS ? table[index].setting : (pea_setting){0};
}

/* ---- unknown keys ---- */

/* One row of the usual table at a time. */
size_t pea_edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t row[LONGEST + 1];
    const size_t n_a = strlen(a), n_b = strlen(b);
    if (n_a > LONGEST || n_b > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= n_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0]; /* of the prefixes one shorter on both sides */
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            const size_t above = row[j], changed = diagonal + (a[i - 1] != b[j - 1]);
            const size_t longer = 1 + (above < row[j - 1] ? above : row[j - 1]);
            row[j] = changed < longer ? changed : longer;
            diagonal = above;
        }
    }
    return row[n_b];
}

static const entry *find(const char *key)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (strcmp(table[i].setting.key, key) == 0)
            return &table[i];
    return NULL;
}

static pea_status unknown_key(const char *key, pea_error *err)
{
    char shown[64];
    size_t best = 0, least = SIZE_MAX;
    for (size_t i = 0; i < N_SETTINGS; i++) {
        const size_t n = pea_edit_distance(key, table[i].setting.key);
        if (n < least) {
            least = n;
            best = i;
        }
    }
    return pea__fail(err, PEA_E_ARG, "there is no setting \"%s\": the nearest is %s",
                     pea__printable(key, strlen(key), shown), table[best].setting.key);
}

/* ---- all wishes together ---- */

static bool is_choice(const char *choices, const char *value)
{
    const size_t length = strlen(value);
    for (const char *c = choices; *c; c += *c == '|') {
        const size_t n = strcspn(c, "|");
        if (n == length && memcmp(c, value, n) == 0)
            return true;
        c += n;
    }
    return false;
}

static pea_status take_wish(draft *d, const entry *e, const char *value)
{
    char shown[64];
    const pea_setting *s = &e->setting;
    const int n_axes = d->options.offsets.n_axes;
    if (s->n_axes && !value[0]) /* as pea_settings_get() gives it where there is nothing to say */
        return PEA_OK;
    if (s->n_axes && s->n_axes != n_axes)
        return pea__fail(d->err, PEA_E_ARG, "%s is for %d-D models, this one is %d-D", s->key, s->n_axes, n_axes);
    if ((!s->choices || is_choice(s->choices, value)) && e->take(d, value))
        return PEA_OK;
    if (d->told)
        return d->told->status;
    return pea__fail(d->err, PEA_E_ARG, "%s wants %s%s, found \"%s\"", s->key, s->choices ? "one of " : "",
                     s->choices ? s->choices : e->expected, pea__printable(value, strlen(value), shown));
}

/* Shifts and directions that were not wished for are those of `from`. */
static bool make_offsets(const draft *d, const pea_offsets *from, pea_offsets *made, pea_error *err)
{
    int shifts[MAX_SHIFTS];
    size_t n;
    int neighbours;
    const bool from_shifts = find_shifts(from, shifts, &n, &neighbours);
    if (!d->n_shifts && !from_shifts) {
        pea__fail(err, PEA_E_ARG, "neighbours goes with shifts, but the offsets are not made of shifts: give shifts, "
                  "too");
        return false;
    }
    const pea_status status =
        pea_offsets_from_shifts(d->n_shifts ? d->shifts : shifts, d->n_shifts ? d->n_shifts : n,
                                d->neighbours ? d->neighbours : 4, made, NULL);
    if (status != PEA_OK)
        pea__fail(err, PEA_E_ARG, "shifts are too many: %zu in %d directions each make more than %d offsets",
                  d->n_shifts ? d->n_shifts : n, (d->neighbours ? d->neighbours : 4) / 2, PEA_MAX_OFFSETS);
    return status == PEA_OK;
}

static pea_status choose_offsets(draft *d)
{
    pea_offsets made, *now = &d->options.offsets;
    const bool by_shifts = d->n_shifts || d->neighbours, by_list = d->listed.n > 0;
    if (by_list && d->listed.n_axes != now->n_axes)
        return pea__fail(d->err, PEA_E_ARG, "offsets has %d-D steps, but the model is %d-D", d->listed.n_axes,
                         now->n_axes);
    if (by_shifts && !by_list && !make_offsets(d, now, &made, d->err))
        return PEA_E_ARG;
    /* Texts of pea_settings_get() come together; they must say the same. */
    if (by_shifts && by_list && !(make_offsets(d, &d->listed, &made, NULL) && pea__offsets_same(&made, &d->listed)))
        return pea__fail(d->err, PEA_E_ARG, "%s and offsets both say what the neighbours are, and differ: give one of "
                         "them", d->n_shifts ? "shifts" : "neighbours");
    if (by_shifts || by_list)
        *now = by_list ? d->listed : made;
    return PEA_OK;
}

/* Size and overlap may come in any order, or alone. */
static pea_status choose_tiles(draft *d)
{
    pea_segment_options *o = &d->options;
    const bool sized = d->tile[0] >= 0, overlapping = d->overlap[0] >= 0;
    for (int i = 0; i < 3 && (sized || overlapping); i++) {
        const int64_t overlap = overlapping ? d->overlap[i] : o->tile[i] - o->tile_step[i],
                      size = sized ? d->tile[i] : o->tile[i];
        if (overlap >= size)
            return pea__fail(d->err, PEA_E_ARG, "overlap must be less than tile: %" PRId64 " of %" PRId64
                             " voxels along %c%s", overlap, size, "zyx"[i],
                             overlapping ? "" : " is the model's: give overlap, too");
        o->tile[i] = size;
        o->tile_step[i] = size - overlap;
    }
    return PEA_OK;
}

/* Where the caller was built with an older header its options are shorter. */
static pea_status copy_options(const pea_segment_options *given, pea_segment_options *options, pea_error *err)
{
    *options = (pea_segment_options){.struct_size = sizeof *options, .scale = 1.0};
    const pea_status status = pea__options_take(options, sizeof *options, given, "segment", err);
    if (status != PEA_OK)
        return status;
    if (options->offsets.n_axes != 2 && options->offsets.n_axes != 3)
        return pea__fail(err, PEA_E_ARG, "options must have 2-D or 3-D offsets, found %d axes",
                         options->offsets.n_axes);
    return options->offsets.n > PEA_MAX_OFFSETS ? pea__offsets_check(&options->offsets, err) : PEA_OK;
}

pea_status pea_settings_apply(const pea_choice *wishes, size_t n, pea_segment_options *options, pea_error *err)
{
    pea_error unwanted = {0};
    draft d = {.tile = {-1}, .overlap = {-1}, .err = err ? err : &unwanted};
    bool given[N_SETTINGS] = {false};
    if (!options || (n && !wishes))
        return pea__fail(err, PEA_E_ARG, "settings need options and wishes");
    const size_t size_bytes = options->struct_size;
    pea_status status = copy_options(options, &d.options, d.err);
    d.options.struct_size = size_bytes;
    for (size_t i = 0; i < n && status == PEA_OK; i++) {
        if (!wishes[i].key || !wishes[i].value)
            return pea__fail(err, PEA_E_ARG, "wish %zu lacks its %s", i, wishes[i].key ? "value" : "key");
        const entry *e = find(wishes[i].key);
        if (!e)
            return unknown_key(wishes[i].key, err);
        if (given[e - table])
            return pea__fail(err, PEA_E_ARG, "%s is given twice", e->setting.key);
        given[e - table] = true;
        status = take_wish(&d, e, wishes[i].value);
    }
    if (status == PEA_OK)
        status = choose_offsets(&d);
    if (status == PEA_OK)
        status = choose_tiles(&d);
    if (status == PEA_OK)
        memcpy(options, &d.options, size_bytes < sizeof d.options ? size_bytes : sizeof d.options);
    return status;
}

pea_status pea_settings_get(const pea_segment_options *options, const char *key, char *text, pea_error *err)
{
    pea_segment_options o;
    if (!options || !key || !text)
        return pea__fail(err, PEA_E_ARG, "a setting needs options, a key and a place to go to");
    text[0] = '\0';
    const entry *e = find(key);
    if (!e)
        return unknown_key(key, err);
    const pea_status status = copy_options(options, &o, err);
    if (status != PEA_OK)
        return status;
    if (!e->setting.n_axes || e->setting.n_axes == o.offsets.n_axes)
        e->show(&o, text);
    if (strlen(text) + 1 == PEA_SETTING_TEXT_BYTES) {
        text[0] = '\0';
        return pea__fail(err, PEA_E_ARG, "%s is too long to write", key);
    }
    return PEA_OK;
}
