/* embedding_rgb.c - embeddings as colours: their first three principal components.
 *
 * Voxels are taken in blocks. Every block belongs to one of a fixed number of sums, which each take their blocks in
 * order and are added up in order: so the picture is the same for any number of threads. No pass keeps anything of a
 * voxel.
 * Source of the eigenvectors: Jacobi's method with cyclic sweeps; Golub and Van Loan, Matrix Computations, 8.5.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "affinity/affinity.h"
#include "pipeline/pipeline.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    N_SUMS = 16,
    BLOCK = 1 << 10, /* voxels: well below a millisecond for the embeddings there are */
    AT_ONCE = 64,    /* voxels normalised together */
    N_BINS = 1 << 12,
    MAX_CHANNELS = 512, /* beyond, the eigenvectors would take longer than a picture is worth */
    MAX_SWEEPS = 64     /* ten are enough for any matrix of that size; the rest is for rounding that never settles */
};

/* A spread below this is rounding of 32-bit numbers: nothing to be stretched to black and white. */
static const double NO_SPREAD = 1e-6;

/* What each pass over the voxels does with one of them: `e` is normalised. */
typedef struct rgb rgb;
typedef void voxel_fn(const rgb *r, const float *e, int64_t voxel, double *sum);

struct rgb {
    pea_array embedding, picture;
    pea_context *context;
    int64_t n, c;
    int64_t n_sum;      /* numbers in each sum of this pass */
    double *sums;       /* N_SUMS of them */
    float *unit;        /* AT_ONCE normalised vectors for each sum */
    double *mean;       /* c */
    double *covariance; /* c x c, becomes diagonal */
    double *vectors;    /* c x c, one in each row */
    const double *components[3];
    double low[3], high[3]; /* of the projections: all of them, then what becomes black and white */
    voxel_fn *fn;
    int64_t first_block;
};

/* A vector with a number that is not finite has no direction: it stays black and counts for nothing. */
static bool has_direction(const float *e, int64_t c)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < c; i++)
        sum += e[i] * e[i];
    return isfinite(sum);
}

static void visit_block(void *argument, int64_t index, int worker)
{
    const rgb *r = argument;
    const int64_t first = (r->first_block + index) * BLOCK, end = pea__min_i64(first + BLOCK, r->n);
    float *unit = r->unit + index * AT_ONCE * r->c;
    (void)worker;
    for (int64_t v = first; v < end; v += AT_ONCE) {
        const int64_t some = pea__min_i64(AT_ONCE, end - v);
        pea__vectors_normalise((const float *)r->embedding.data + v * r->c, r->c, some, unit);
        for (int64_t i = 0; i < some; i++)
            if (has_direction(unit + i * r->c, r->c))
                r->fn(r, unit + i * r->c, v + i, r->sums + index * r->n_sum);
    }
}

/* Each voxel once; n_sum numbers, 0 at first, for each of the sums. */
static pea_status pass(rgb *r, voxel_fn *fn, int64_t n_sum, double from, double to, pea_error *err)
{
    const int64_t n_blocks = pea__ceil_div(r->n, BLOCK);
    pea_status status = PEA_OK;
    r->fn = fn;
    r->n_sum = n_sum;
    memset(r->sums, 0, (size_t)(N_SUMS * n_sum) * sizeof *r->sums);
    for (int64_t b = 0; b < n_blocks && status == PEA_OK; b += N_SUMS) {
        const double done = from + (to - from) * (double)b / (double)n_blocks;
        r->first_block = b;
        status = pea__parallel(r->context, pea__min_i64(N_SUMS, n_blocks - b), done, done, visit_block, r, err);
    }
    return status;
}

/* The first sum becomes that of all. */
static const double *total_of(rgb *r)
{
    for (int64_t s = 1; s < N_SUMS; s++)
        for (int64_t i = 0; i < r->n_sum; i++)
            r->sums[i] += r->sums[s * r->n_sum + i];
    return r->sums;
}

/* ---- the passes ---- */

static void add_vector(const rgb *r, const float *e, int64_t voxel, double *sum)
{
    (void)voxel;
    for (int64_t i = 0; i < r->c; i++)
        sum[i] += (double)e[i];
    sum[r->c]++;
}

static void add_products(const rgb *r, const float *e, int64_t voxel, double *sum)
{
    (void)voxel;
    for (int64_t i = 0; i < r->c; i++) {
        const double d = (double)e[i] - r->mean[i];
        for (int64_t j = 0; j <= i; j++)
            sum[i * r->c + j] += d * ((double)e[j] - r->mean[j]);
    }
}

static double project(const rgb *r, const float *e, int k)
{
    double sum = 0.0;
    for (int64_t i = 0; i < r->c; i++)
        sum += ((double)e[i] - r->mean[i]) * r->components[k][i];
    return sum;
}

/* Vectors of length 1 and their mean are nowhere 2 apart: 4 plus a projection is a number above 0, and so are sums that
 * begin at 0 for both ends. */
static void find_ends(const rgb *r, const float *e, int64_t voxel, double *sum)
{
    (void)voxel;
    for (int k = 0; k < 3; k++) {
        const double p = project(r, e, k);
        sum[2 * k] = fmax(sum[2 * k], 4.0 - p);
        sum[2 * k + 1] = fmax(sum[2 * k + 1], 4.0 + p);
    }
}

/* Whole numbers 0 .. n - 1 from low to high, and the nearest of them beyond. */
static int64_t step_of(double value, double low, double high, int64_t n)
{
    const double step = (value - low) / (high - low) * (double)n;
    return step <= 0.0 ? 0 : step >= (double)(n - 1) ? n - 1 : (int64_t)step;
}

static void count(const rgb *r, const float *e, int64_t voxel, double *sum)
{
    (void)voxel;
    for (int k = 0; k < 3; k++)
        if (r->high[k] - r->low[k] > NO_SPREAD)
            sum[k * N_BINS + step_of(project(r, e, k), r->low[k], r->high[k], N_BINS)]++;
}

static void draw(const rgb *r, const float *e, int64_t voxel, double *sum)
{
    uint8_t *pixel = (uint8_t *)r->picture.data + voxel * 3;
    (void)sum;
    for (int k = 0; k < 3; k++)
        pixel[k] = r->high[k] - r->low[k] > NO_SPREAD
                       ? (uint8_t)step_of(project(r, e, k), r->low[k], r->high[k], 256)
                       : 0;
}

/* ---- the steps between them ---- */

/* One rotation makes element (p,q) 0. */
static void rotate(rgb *r, int64_t p, int64_t q)
{
    const int64_t n = r->c;
    double *a = r->covariance, *v = r->vectors;
    const double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]),
                 t = (theta < 0.0 ? -1.0 : 1.0) / (fabs(theta) + sqrt(theta * theta + 1.0)),
                 cosine = 1.0 / sqrt(t * t + 1.0), sine = t * cosine;
    for (int64_t k = 0; k < n; k++) {
        const double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = cosine * x - sine * y;
        a[k * n + q] = sine * x + cosine * y;
    }
    for (int64_t k = 0; k < n; k++) {
        const double x = a[p * n + k], y = a[q * n + k], u = v[p * n + k], w = v[q * n + k];
        a[p * n + k] = cosine * x - sine * y;
        a[q * n + k] = sine * x + cosine * y;
        v[p * n + k] = cosine * u - sine * w;
        v[q * n + k] = sine * u + cosine * w;
    }
}

/* Eigenvectors of the covariance. The one whose eigenvalue is element (i,i) in the end is row i. */
static pea_status diagonalise(rgb *r, double done, pea_error *err)
{
    const int64_t n = r->c;
    double trace = 0.0;
    bool rotated = true;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < n; i++) {
        trace += r->covariance[i * n + i];
        r->vectors[i * n + i] = 1.0;
    }
    for (int sweep = 0; sweep < MAX_SWEEPS && rotated && status == PEA_OK; sweep++) {
        rotated = false;
        for (int64_t p = 0; p < n && status == PEA_OK; p++) {
            for (int64_t q = p + 1; q < n; q++)
                if (fabs(r->covariance[p * n + q]) > 1e-16 * trace) {
                    rotate(r, p, q);
                    rotated = true;
                }
            status = pea__progress(r->context, done, err);
        }
    }
    return status;
}

/* The three largest eigenvalues, the earlier one first where two are the same. Where there are fewer than three
 * channels the others are zero: `nothing`. */
static void choose_components(rgb *r, const double *nothing)
{
    const int64_t n = r->c;
    for (int k = 0; k < 3; k++) {
        int64_t best = -1, largest = 0;
        for (int64_t i = 0; i < n; i++) {
            const double *row = r->vectors + i * n;
            const bool taken = (k > 0 && row == r->components[0]) || (k > 1 && row == r->components[1]);
            if (!taken && (best < 0 || r->covariance[i * n + i] > r->covariance[best * n + best]))
                best = i;
        }
        r->components[k] = best < 0 ? nothing : r->vectors + best * n;
        if (best < 0)
            continue;
        double *row = r->vectors + best * n;
        for (int64_t i = 1; i < n; i++)
            if (fabs(row[i]) > fabs(row[largest]))
                largest = i;
        const double sign = row[largest] < 0.0 ? -1.0 : 1.0;
        for (int64_t i = 0; i < n; i++)
            row[i] *= sign;
    }
}

/* Ends of the histogram's bins that hold the 1st and the 99th percentile. */
static void find_percentiles(rgb *r, const double *counts, double n)
{
    for (int k = 0; k < 3; k++, counts += N_BINS) {
        const double low = r->low[k], bin = (r->high[k] - low) / N_BINS;
        double below = 0.0;
        int i = 0;
        for (; i < N_BINS - 1 && below + counts[i] <= 0.01 * n; i++)
            below += counts[i];
        r->low[k] = low + bin * i;
        for (; i < N_BINS - 1 && below + counts[i] < 0.99 * n; i++)
            below += counts[i];
        r->high[k] = low + bin * (i + 1);
    }
}

/* Shares of the stage that are done after each pass. */
static const double meant = 0.15, multiplied = 0.45, turned = 0.55, ended = 0.7, counted = 0.85;

static pea_status find_components(rgb *r, double *n_voxels, pea_error *err)
{
    const int64_t c = r->c;
    pea_status status = pass(r, add_vector, c + 1, 0.0, meant, err);
    if (status != PEA_OK)
        return status;
    const double *sum = total_of(r), n = sum[c] > 0.0 ? sum[c] : 1.0;
    for (int64_t i = 0; i < c; i++)
        r->mean[i] = sum[i] / n;
    *n_voxels = n;
    status = pass(r, add_products, c * c, meant, multiplied, err);
    if (status != PEA_OK)
        return status;
    sum = total_of(r);
    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j < c; j++)
            r->covariance[i * c + j] = sum[j <= i ? i * c + j : j * c + i] / n;
    return diagonalise(r, turned, err);
}

static pea_status find_contrast(rgb *r, double n_voxels, pea_error *err)
{
    pea_status status = pass(r, find_ends, 6, turned, ended, err);
    for (int k = 0; k < 3 && status == PEA_OK; k++) {
        double low = 0.0, high = 0.0;
        for (int s = 0; s < N_SUMS; s++) {
            low = fmax(low, r->sums[s * 6 + 2 * k]);
            high = fmax(high, r->sums[s * 6 + 2 * k + 1]);
        }
        r->low[k] = 4.0 - low;
        r->high[k] = high - 4.0;
    }
    if (status == PEA_OK)
        status = pass(r, count, 3 * N_BINS, ended, counted, err);
    if (status == PEA_OK)
        find_percentiles(r, total_of(r), n_voxels);
    return status;
}

static pea_status blacken(const rgb *r, pea_error *err)
{
    const int64_t at_once = 1 << 24;
    pea_status status = PEA_OK;
    for (int64_t i = 0; i < 3 * r->n && status == PEA_OK; i += at_once) {
        memset((uint8_t *)r->picture.data + i, 0, (size_t)pea__min_i64(at_once, 3 * r->n - i));
        status = pea__progress(r->context, 0.0, err);
    }
    return status;
}

static pea_status check(const pea_array *embedding, const pea_array *picture, pea_error *err)
{
    pea_status status = pea__array_check(embedding, "embedding", PEA_FLOAT32, err);
    if (status == PEA_OK)
        status = pea__array_check(picture, "picture", PEA_UINT8, err);
    if (status == PEA_OK)
        status = pea__same_space(embedding, "embedding", picture, "picture", err);
    if (status == PEA_OK && picture->dims.c != 3)
        status = pea__fail(err, PEA_E_SHAPE, "the picture must have 3 channels, has %" PRId64, picture->dims.c);
    if (status == PEA_OK && embedding->dims.c > MAX_CHANNELS)
        status = pea__fail(err, PEA_E_SHAPE, "embeddings of up to %d numbers can be shown, these have %" PRId64,
                           MAX_CHANNELS, embedding->dims.c);
    return status;
}

pea_status pea_embedding_rgb(const pea_array *embedding, pea_context *context, const pea_array *picture,
                             pea_error *err)
{
    pea_status status = check(embedding, picture, err);
    if (status != PEA_OK)
        return status;
    const pea_dims d = embedding->dims;
    const size_t c = (size_t)d.c, n_sum = c * c > 3 * N_BINS ? c * c : 3 * N_BINS;
    rgb r = {.embedding = *embedding, .picture = *picture, .context = context, .n = d.z * d.y * d.x, .c = d.c};
    double n_voxels;
    double *numbers = pea__alloc(2 * c + 2 * c * c, sizeof *numbers, err);
    r.sums = numbers ? pea__alloc(N_SUMS * n_sum, sizeof *r.sums, err) : NULL;
    r.unit = r.sums ? pea__alloc(N_SUMS * AT_ONCE * c, sizeof *r.unit, err) : NULL;
    if (r.unit) {
        r.mean = numbers;
        r.covariance = numbers + 2 * c;
        r.vectors = r.covariance + c * c;
        pea__stage(context, "draw");
        status = blacken(&r, err);
        if (status == PEA_OK)
            status = find_components(&r, &n_voxels, err);
        if (status == PEA_OK) {
            choose_components(&r, numbers + c);
            status = find_contrast(&r, n_voxels, err);
        }
        if (status == PEA_OK)
            status = pass(&r, draw, 0, counted, 1.0, err);
        pea__stage(context, NULL);
    } else {
        status = PEA_E_NOMEM;
    }
    pea__free(r.unit);
    pea__free(r.sums);
    pea__free(numbers);
    return status;
}
