/* labels.c - whose each pixel is. Of the canvas pixels in a picture's pixel most decide; what a person who
 * draws outlines would not see, crumbs of a leaf that others hide, goes to what lies around it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rosettes.h"

enum { LEAST_PART = 16, LEAST_LEAF = 28 }; /* pixels; smaller ones are given away */

/* The leaf, or 0 for the ground, that has most of the pixel; of equals the highest. */
static uint32_t owner(const rosette_canvas *c, int y, int x)
{
    uint32_t best = 0;
    int most = 0;
    float top = 0.0f;
    for (int i = 0; i < SUPER * SUPER; i++) {
        const size_t p = (size_t)(y * SUPER + i / SUPER) * (size_t)c->w + (size_t)(x * SUPER + i % SUPER);
        int n = 0;
        for (int k = 0; k < SUPER * SUPER; k++)
            n += c->leaf[(size_t)(y * SUPER + k / SUPER) * (size_t)c->w + (size_t)(x * SUPER + k % SUPER)] ==
                 c->leaf[p];
        if (n > most || (n == most && c->z[p] > top)) {
            most = n;
            top = c->z[p];
            best = c->leaf[p];
        }
    }
    return best;
}

typedef struct outline {
    int w, h;
    uint32_t *label;
    bool *seen;    /* by a search before */
    int32_t *part; /* pixels of the part that was found last */
    int32_t n;
} outline;

/* The neighbours of p, of four at most. */
static int around(const outline *o, int32_t p, int32_t next[4])
{
    const int x = p % o->w, y = p / o->w;
    int n = 0;
    if (x > 0)
        next[n++] = p - 1;
    if (x + 1 < o->w)
        next[n++] = p + 1;
    if (y > 0)
        next[n++] = p - o->w;
    if (y + 1 < o->h)
        next[n++] = p + o->w;
    return n;
}

static void find_part(outline *o, int32_t from)
{
    int32_t next[4];
    o->part[0] = from;
    o->n = 1;
    o->seen[from] = true;
    for (int32_t i = 0; i < o->n; i++)
        for (int k = around(o, o->part[i], next); k-- > 0;)
            if (!o->seen[next[k]] && o->label[next[k]] == o->label[from]) {
                o->seen[next[k]] = true;
                o->part[o->n++] = next[k];
            }
}

/* To the label that touches it most. */
static void give_away(outline *o)
{
    int32_t touches[MAX_LEAVES + 1] = {0}, next[4];
    uint32_t best = 0;
    const uint32_t own = o->label[o->part[0]];
    for (int32_t i = 0; i < o->n; i++)
        for (int k = around(o, o->part[i], next); k-- > 0;)
            if (o->label[next[k]] != own && ++touches[o->label[next[k]]] > touches[best])
                best = o->label[next[k]];
    for (int32_t i = 0; i < o->n; i++)
        o->label[o->part[i]] = best;
}

/* Parts of fewer pixels than the least go away; `whole` says how large all parts of a leaf are together. */
static void tidy(outline *o)
{
    int32_t whole[MAX_LEAVES + 1] = {0};
    const int32_t n = o->w * o->h;
    for (int32_t p = 0; p < n; p++) {
        whole[o->label[p]]++;
        o->seen[p] = false;
    }
    for (int32_t p = 0; p < n; p++) {
        if (o->seen[p] || !o->label[p])
            continue;
        find_part(o, p);
        if (o->n < LEAST_PART || whole[o->label[p]] < LEAST_LEAF)
            give_away(o);
    }
}

static void number(outline *o)
{
    uint32_t name[MAX_LEAVES + 1] = {0}, n = 0;
    for (int32_t p = 0; p < o->w * o->h; p++)
        if (o->label[p]) {
            if (!name[o->label[p]])
                name[o->label[p]] = ++n;
            o->label[p] = name[o->label[p]];
        }
}

pea_status rosette_labels(const rosette_canvas *canvas, uint32_t *labels, pea_error *err)
{
    outline o = {.w = canvas->w / SUPER, .h = canvas->h / SUPER, .label = labels};
    const size_t n = (size_t)o.w * (size_t)o.h;
    o.part = pea__alloc(n, sizeof *o.part, err);
    o.seen = pea__alloc(n, sizeof *o.seen, err);
    const bool ready = o.part && o.seen;
    if (ready) {
        for (size_t p = 0; p < n; p++)
            labels[p] = owner(canvas, (int)p / o.w, (int)p % o.w);
        tidy(&o);
        tidy(&o); /* what was given to a part may have been a bridge's end */
        number(&o);
    }
    pea__free(o.part);
    pea__free(o.seen);
    return ready ? PEA_OK : PEA_E_NOMEM;
}
