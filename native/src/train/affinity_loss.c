/* affinity_loss.c - squared error of affinities, and how embeddings should move to lessen it.
 *
 * With the slope G[k,p] = 2 * w * (a - truth) / Z of each edge, e[p] is pulled along its partners: it gets
 * G[k,p] * e2[p + step] and, where both ends are of one embedding, G[k,p - step] * e[p - step] from the edges that
 * others hold. Each voxel gathers both, so that no two tasks write to one place. Back through the length of v:
 *
 *     dv = (g - e * <e,g>) / |v|
 *
 * Work is cut into rows, in three rounds: lengths, slopes, gathering.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <math.h>
#include <string.h>

typedef struct comparison {
    const pea__run *run;
    const pea__truth_edges *edges;
    const pea__affinity_loss_of *of;
    int64_t row_floats;           /* of an embedding */
    double *row_loss;             /* of each row */
    double scale[PEA_MAX_OFFSETS]; /* factor / Z */
    float *unit, *partner;        /* e, e2 */
    float *slopes;                /* of a row: for each offset all x */
    float *gathered;              /* of each worker a row of embeddings */
    float *gradient;
} comparison;

/* ---- memory ---- */

static int64_t rows_of(pea__batch b)
{
    return b.n * b.z * b.y;
}

/* Rounded up to cache lines, so that what lies behind begins at one. */
static bool add_floats(int64_t *sum, int64_t n, int64_t each)
{
    int64_t floats;
    return pea__mul_i64(n, each, &floats) && pea__add_i64(floats, 15, &floats) &&
           pea__add_i64(*sum, floats / 16 * 16, sum);
}

int64_t pea__affinity_loss_work(const pea__truth_edges *edges, const pea__affinity_loss_of *of, int n_workers)
{
    const int64_t n = pea__batch_voxels(edges->batch);
    int64_t sum = 0;
    const bool fits = n > 0 && add_floats(&sum, rows_of(edges->batch), 2) && add_floats(&sum, n, of->channels) &&
                      add_floats(&sum, of->partner ? n : 0, of->channels) &&
                      add_floats(&sum, n, (int64_t)edges->offsets->n) &&
                      add_floats(&sum, edges->batch.x * n_workers, of->channels);
    return fits ? sum : -1;
}

static float *take(float **work, int64_t floats)
{
    float *taken = *work;
    *work += (floats + 15) / 16 * 16;
    return taken;
}

static void lay_out(comparison *c)
{
    const pea__batch b = c->edges->batch;
    const int64_t n = pea__batch_voxels(b), channels = c->of->channels;
    float *work = c->run->work;
    c->row_loss = (double *)(void *)take(&work, 2 * rows_of(b));
    c->unit = take(&work, n * channels);
    c->partner = c->of->partner ? take(&work, n * channels) : c->unit;
    c->slopes = take(&work, n * (int64_t)c->edges->offsets->n);
    c->gathered = work;
}

/* ---- one round after the other ---- */

static int64_t inside(int64_t n, int64_t step)
{
    int64_t a, b;
    pea__inside_range(n, step, &a, &b);
    return b - a;
}

static double divisor(const pea__truth_edges *edges, pea_offset o)
{
    const pea__batch b = edges->batch;
    const int64_t edges_inside = inside(b.z, o.z) * inside(b.y, o.y) * inside(b.x, o.x);
    return edges_inside == 0 ? INFINITY : (double)b.n * (double)(edges->rule == PEA_TRUTH_2D ? b.x : edges_inside);
}

static void set_scales(comparison *c, double factor)
{
    for (size_t k = 0; k < c->edges->offsets->n; k++)
        c->scale[k] = factor / divisor(c->edges, c->edges->offsets->step[k]);
}

static double length_of(const float *v, int64_t channels)
{
    double squares = 0.0;
    for (int64_t j = 0; j < channels; j++)
        squares += (double)v[j] * (double)v[j];
    return sqrt(squares);
}

static void normalise(const float *v, int64_t channels, int64_t n, float *e)
{
    for (int64_t i = 0; i < n; i++, v += channels, e += channels) {
        const double inverse = 1.0 / fmax(length_of(v, channels), 1e-12);
        for (int64_t j = 0; j < channels; j++)
            e[j] = (float)((double)v[j] * inverse);
    }
}

static void normalise_row(void *argument, int64_t row, int worker)
{
    const comparison *c = argument;
    const int64_t at = row * c->row_floats, x = c->edges->batch.x;
    (void)worker;
    normalise(c->of->embedding + at, c->of->channels, x, c->unit + at);
    if (c->of->partner)
        normalise(c->of->partner + at, c->of->channels, x, c->partner + at);
}

/* The row at (dz,dy) from this one in the same image; -1: there is none. */
static int64_t row_beside(pea__batch b, int64_t row, int64_t dz, int64_t dy)
{
    const int64_t z = row / b.y % b.z + dz, y = row % b.y + dy;
    return z < 0 || z >= b.z || y < 0 || y >= b.y ? -1 : row + dz * b.y + dy;
}

static float *slopes_of(const comparison *c, int64_t row, size_t k)
{
    return c->slopes + (row * (int64_t)c->edges->offsets->n + (int64_t)k) * c->edges->batch.x;
}

/* From affinities of a <= x < b to slopes, in place; returns the loss. */
static double slopes_and_loss(const comparison *c, int64_t row, int64_t row2, size_t k, int64_t a, int64_t b, float *s)
{
    const pea__truth_edges *edges = c->edges;
    const int64_t image = row / (edges->batch.y * edges->batch.z);
    const pea__balance w = edges->balance[image * (int64_t)edges->offsets->n + (int64_t)k];
    const uint32_t *label = edges->labels + row * edges->batch.x, *partner = edges->labels + row2 * edges->batch.x;
    const int64_t shift = edges->offsets->step[k].x;
    const float slope_equal = (float)(2.0 * (double)w.equal * c->scale[k]);
    const float slope_different = (float)(2.0 * (double)w.different * c->scale[k]);
    double equal = 0.0, different = 0.0;
    for (int64_t x = a; x < b; x++) {
        if (pea__truth_inside(edges->rule, label[x], partner[x + shift])) {
            const float d = s[x] - 1.0f;
            equal += (double)d * (double)d;
            s[x] = slope_equal * d;
        } else {
            different += (double)s[x] * (double)s[x];
            s[x] = slope_different * s[x];
        }
    }
    return ((double)w.equal * equal + (double)w.different * different) * c->scale[k];
}

static void compare_row(void *argument, int64_t row, int worker)
{
    const comparison *c = argument;
    const pea__batch b = c->edges->batch;
    const int64_t channels = c->of->channels;
    double loss = 0.0;
    (void)worker;
    for (size_t k = 0; k < c->edges->offsets->n; k++) {
        const pea_offset o = c->edges->offsets->step[k];
        const int64_t row2 = row_beside(b, row, o.z, o.y);
        float *s = slopes_of(c, row, k);
        int64_t first = 0, end = 0;
        pea__inside_range(b.x, o.x, &first, &end);
        memset(s, 0, (size_t)b.x * sizeof *s);
        if (row2 < 0 || first == end)
            continue;
        c->run->kernels->dots_f32(c->unit + row * c->row_floats + first * channels,
                                  c->partner + row2 * c->row_floats + (first + o.x) * channels, channels, channels,
                                  end - first, s + first, 1);
        loss += slopes_and_loss(c, row, row2, k, first, end, s);
    }
    c->row_loss[row] = loss;
}

/* to[i] += s[i] * from[i] for n vectors. */
static void add_scaled(const float *s, const float *from, int64_t n, int64_t channels, float *to)
{
    for (int64_t i = 0; i < n; i++, from += channels, to += channels)
        for (int64_t j = 0; j < channels; j++)
            to[j] += s[i] * from[j];
}

static void gather_row(void *argument, int64_t row, int worker)
{
    const comparison *c = argument;
    const pea__batch b = c->edges->batch;
    const int64_t channels = c->of->channels;
    float *g = c->gathered + worker * c->row_floats;
    memset(g, 0, (size_t)c->row_floats * sizeof *g);
    for (size_t k = 0; k < c->edges->offsets->n; k++) {
        const pea_offset o = c->edges->offsets->step[k];
        const int64_t holds = row_beside(b, row, o.z, o.y), held = c->of->partner ? -1 : row_beside(b, row, -o.z, -o.y);
        int64_t first, end;
        pea__inside_range(b.x, o.x, &first, &end);
        if (holds >= 0)
            add_scaled(slopes_of(c, row, k) + first, c->partner + holds * c->row_floats + (first + o.x) * channels,
                       end - first, channels, g + first * channels);
        if (held >= 0)
            add_scaled(slopes_of(c, held, k) + first, c->unit + held * c->row_floats + first * channels, end - first,
                       channels, g + (first + o.x) * channels);
    }
    for (int64_t x = 0; x < b.x; x++) {
        const int64_t at = row * c->row_floats + x * channels;
        const float *v = c->of->embedding + at, *e = c->unit + at, *gx = g + x * channels;
        const double length = length_of(v, channels);
        double along = 0.0;
        for (int64_t j = 0; j < channels; j++)
            along += (double)e[j] * (double)gx[j];
        for (int64_t j = 0; length > 1e-12 && j < channels; j++)
            c->gradient[at + j] += (float)(((double)gx[j] - (double)e[j] * along) / length);
    }
}

pea_status pea__affinity_loss(const pea__run *run, const pea__truth_edges *edges, const pea__affinity_loss_of *of,
                              float *gradient, double *loss, pea_error *err)
{
    const int64_t n_rows = rows_of(edges->batch);
    const double third = (run->to - run->from) / 3.0;
    comparison c = {.run = run, .edges = edges, .of = of, .gradient = gradient};
    c.row_floats = edges->batch.x * of->channels;
    lay_out(&c);
    set_scales(&c, of->factor);
    pea_status status = pea__run_tasks(run, n_rows, run->from, run->from + third, normalise_row, &c, err);
    if (status == PEA_OK)
        status = pea__run_tasks(run, n_rows, run->from + third, run->to - third, compare_row, &c, err);
    if (status == PEA_OK && gradient)
        status = pea__run_tasks(run, n_rows, run->to - third, run->to, gather_row, &c, err);
    for (int64_t row = 0; status == PEA_OK && row < n_rows; row++)
        *loss += c.row_loss[row];
    return status;
}

/* ---- affinities that are predicted ---- */

typedef struct prediction {
    comparison c; /* its row_loss, edges and scale */
    const float *affinity;
} prediction;

static void predict_row(void *argument, int64_t row, int worker)
{
    const prediction *p = argument;
    const comparison *c = &p->c;
    const int64_t x_end = c->edges->batch.x, n = (int64_t)c->edges->offsets->n;
    float *s = c->gathered + worker * x_end, *gradient = c->gradient + row * x_end * n;
    const float *affinity = p->affinity + row * x_end * n;
    double loss = 0.0;
    memset(gradient, 0, (size_t)(x_end * n) * sizeof *gradient);
    for (int64_t k = 0; k < n; k++) {
        const pea_offset o = c->edges->offsets->step[k];
        const int64_t row2 = row_beside(c->edges->batch, row, o.z, o.y);
        int64_t first, end;
        pea__inside_range(x_end, o.x, &first, &end);
        if (row2 < 0 || first == end)
            continue;
        for (int64_t x = first; x < end; x++)
            s[x] = affinity[x * n + k];
        loss += slopes_and_loss(c, row, row2, (size_t)k, first, end, s);
        for (int64_t x = first; x < end; x++)
            gradient[x * n + k] = s[x];
    }
    c->row_loss[row] = loss;
}

int64_t pea__prediction_loss_work(pea__batch batch, int n_workers)
{
    int64_t sum = 0;
    return add_floats(&sum, rows_of(batch), 2) && add_floats(&sum, batch.x, n_workers) ? sum : -1;
}

pea_status pea__prediction_loss(const pea__run *run, const pea__truth_edges *edges, const float *affinity,
                                double factor, float *gradient, double *loss, pea_error *err)
{
    float *work = run->work;
    prediction p = {.c = {.run = run, .edges = edges, .gradient = gradient}, .affinity = affinity};
    p.c.row_loss = (double *)(void *)take(&work, 2 * rows_of(edges->batch));
    p.c.gathered = work;
    set_scales(&p.c, factor);
    const int64_t n_rows = rows_of(edges->batch);
    const pea_status status = pea__run_tasks(run, n_rows, run->from, run->to, predict_row, &p, err);
    for (int64_t row = 0; status == PEA_OK && row < n_rows; row++)
        *loss += p.c.row_loss[row];
    return status;
}
