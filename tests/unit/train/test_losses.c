/* test_losses.c - losses against published check values, their definitions in double precision, and differences of these.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <math.h>

#include "threads.h"
#include "train/train.h"

/* ---- the check values' label maps ---- */

static uint32_t label_2d(int64_t y, int64_t x)
{
    if (y >= 1 && y <= 5 && x >= 1 && x <= 12)
        return x <= 6 ? 1 : 2;
    if (y >= 6 && y <= 10 && x >= 3 && x <= 9)
        return 3;
    return y >= 8 && y <= 10 && x >= 12 && x <= 14 ? 4 : 0;
}

static void labels_2d(uint32_t labels[2 * 12 * 16])
{
    for (int64_t y = 0; y < 12; y++)
        for (int64_t x = 0; x < 16; x++) {
            labels[y * 16 + x] = label_2d(y, x);
            labels[192 + y * 16 + x] = label_2d(y, 15 - x);
        }
}

static uint32_t label_3d(int64_t z, int64_t y, int64_t x)
{
    if (x >= 1 && x < 20 && y >= 2 && y < 28)
        return y < 15 ? 1 : y >= 16 ? 2 : 0;
    return z >= 1 && z < 5 && y >= 2 && y < 28 && x >= 21 && x < 31 ? 3 : 0;
}

/* u(t) of a channel-first array of n images, scaled to [low,high), with channels last. */
static float *numbers(uint32_t t, int64_t n, int64_t channels, int64_t voxels, double low, double high)
{
    float *made = malloc((size_t)(n * channels * voxels) * sizeof *made);
    uint32_t k = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t p = 0; p < voxels; p++)
                made[(i * voxels + p) * channels + c] = (float)(low + (high - low) * test_u(t, k++));
    return made;
}

/* ---- running ---- */

/* An affinity loss, and where `gradient` is not NULL its gradient from zeros on. */
static double run_affinity_on(const pea__kernels_table *kernels, pea_context *context, const pea__truth_edges *edges,
                              const pea__affinity_loss_of *of, float *gradient)
{
    pea_error err;
    double loss = 0.0;
    const int64_t floats = pea__affinity_loss_work(edges, of, pea__workers(context));
    assert_true(floats > 0);
    pea__run run = {.kernels = kernels, .context = context, .to = 1.0};
    run.work = pea__alloc_unset((size_t)floats, sizeof(float), NULL);
    if (gradient)
        memset(gradient, 0, (size_t)(pea__batch_voxels(edges->batch) * of->channels) * sizeof *gradient);
    assert_ok(pea__affinity_loss(&run, edges, of, gradient, &loss, &err));
    pea__free_unset(run.work);
    return loss;
}

static double run_affinity(const pea__truth_edges *edges, const pea__affinity_loss_of *of, float *gradient)
{
    return run_affinity_on(pea__kernels(), NULL, edges, of, gradient);
}

static void make_balance(const pea__truth_edges *edges, pea__balance *balance)
{
    pea_error err;
    assert_ok(pea__balance_edges(&(pea__run){.to = 1.0}, edges, balance, &err));
}

/* As near as the check values are printed. */
#define assert_near(got, expected, tolerance)                                                                         \
    do {                                                                                                              \
        const double got_ = (got);                                                                                    \
        if (!(fabs(got_ - (expected)) <= (tolerance)))                                                                \
            fail_msg("%s is %.9g, expected %.9g", #got, got_, (double)(expected));                                    \
    } while (0)

/* ---- check values ---- */

static const pea_offsets four = {2, 4, {{0, -1, 0}, {0, 0, -1}, {0, -3, 0}, {0, 0, -3}}};

static void balance_of_a_plane_is_the_published_one(void **state)
{
    static const double weight[4] = {4.189189, 5.193548, 1.909091, 1.594595};
    uint32_t labels[384];
    pea__balance balance[8];
    (void)state;
    labels_2d(labels);
    make_balance(&(pea__truth_edges){{2, 1, 12, 16}, &four, PEA_TRUTH_2D, labels, NULL}, balance);
    for (int k = 0; k < 4; k++) {
        assert_near(balance[k].different, weight[k], 1e-6);
        assert_near(balance[k].equal, 1.0, 0.0);
    }
}

static void losses_of_a_plane_are_the_published_ones(void **state)
{
    static const double channel[4] = {12.029331, 13.093306, 8.344592, 8.028148};
    uint32_t labels[384];
    pea__balance balance[8], one[2];
    float gradient[2 * 192 * 4];
    float *view1 = numbers(10, 2, 4, 192, -1.0, 1.0), *view2 = numbers(11, 2, 4, 192, -1.0, 1.0);
    pea__truth_edges edges = {{2, 1, 12, 16}, &four, PEA_TRUTH_2D, labels, balance};
    double sum = 0.0, absolute = 0.0;
    (void)state;
    labels_2d(labels);
    make_balance(&edges, balance);
    assert_near(run_affinity(&edges, &(pea__affinity_loss_of){view1, NULL, 4, 1.0}, gradient), 41.495377, 3e-6);
    for (int i = 0; i < 2 * 192 * 4; i++) {
        sum += (double)gradient[i];
        absolute += fabs((double)gradient[i]);
    }
    assert_near(sum, -2.238359, 2e-5);
    assert_near(absolute, 92.262943, 2e-5);
    assert_near(gradient[0], 0.086775, 1e-6);
    assert_near(run_affinity(&edges, &(pea__affinity_loss_of){view1, view2, 4, 1.0}, NULL), 43.672999, 3e-6);
    edges.balance = one;
    for (int k = 0; k < 4; k++) {
        const pea_offsets single = {2, 1, {four.step[k]}};
        edges.offsets = &single;
        make_balance(&edges, one);
        assert_near(run_affinity(&edges, &(pea__affinity_loss_of){view1, NULL, 4, 1.0}, NULL), channel[k], 1e-6);
    }
    free(view1);
    free(view2);
}

static void losses_of_a_volume_are_the_published_ones(void **state)
{
    const int64_t voxels = 6 * 30 * 32;
    uint32_t *labels = malloc((size_t)voxels * sizeof *labels);
    pea__balance balance[12];
    pea_offsets offsets = pea_offsets_3d_default();
    pea__truth_edges edges = {{1, 6, 30, 32}, &offsets, PEA_TRUTH_3D, labels, balance};
    float *view1 = numbers(20, 1, 4, voxels, -1.0, 1.0), *view2 = numbers(21, 1, 4, voxels, -1.0, 1.0);
    (void)state;
    for (int64_t p = 0; p < voxels; p++)
        labels[p] = label_3d(p / (30 * 32), p / 32 % 30, p % 32);
    make_balance(&edges, balance);
    assert_near(run_affinity(&edges, &(pea__affinity_loss_of){view1, NULL, 4, 1.0}, NULL), 14.264486, 1e-6);
    assert_near(run_affinity(&edges, &(pea__affinity_loss_of){view1, view2, 4, 1.0}, NULL), 14.288660, 1e-6);
    offsets.n = 3;
    edges.rule = PEA_TRUTH_3D_REPLICATE;
    make_balance(&edges, balance);
    assert_near(run_affinity(&edges, &(pea__affinity_loss_of){view1, NULL, 4, 1.0}, NULL), 2.872615, 1e-6);
    free(labels);
    free(view1);
    free(view2);
}

static double run_foreground(pea__batch batch, const uint32_t *labels, const float *logits, double factor, float *gradient)
{
    pea_error err;
    double loss = 0.0;
    pea__run run = {.to = 1.0};
    run.work = pea__alloc_unset((size_t)pea__foreground_loss_work(batch), sizeof(float), NULL);
    assert_ok(pea__foreground_loss(&run, batch, labels, logits, factor, gradient, &loss, &err));
    pea__free_unset(run.work);
    return loss;
}

static void foreground_loss_is_the_published_one(void **state)
{
    uint32_t labels[384];
    float *logits = numbers(12, 2, 2, 192, -1.0, 1.0);
    (void)state;
    labels_2d(labels);
    assert_near(run_foreground((pea__batch){2, 1, 12, 16}, labels, logits, 1.0, NULL), 0.790510, 1e-6);
    assert_near(run_foreground((pea__batch){2, 1, 12, 16}, labels, logits, 1000.0, NULL), 790.510, 1e-3);
    free(logits);
}

/* ---- definitions ---- */

typedef struct example {
    pea__batch batch;
    pea_truth_rule rule;
    pea_offsets offsets;
    int64_t channels, n; /* voxels */
    uint32_t *labels;
    pea__balance *balance;
    float *embedding, *partner;
} example;

/* Labels in blocks of 4, so that edges of both kinds abound. */
static example example_new(pea__batch batch, pea_truth_rule rule, pea_offsets offsets, int64_t channels, uint32_t seed)
{
    example e = {.batch = batch, .rule = rule, .offsets = offsets, .channels = channels, .n = pea__batch_voxels(batch)};
    e.labels = malloc((size_t)e.n * sizeof *e.labels);
    e.balance = malloc((size_t)batch.n * offsets.n * sizeof *e.balance);
    for (int64_t p = 0; p < e.n; p++)
        e.labels[p] = (uint32_t)(3.0 * test_u(seed, (uint32_t)(p / (4 * batch.x) * 100 + p % batch.x / 4)));
    e.embedding = numbers(seed + 1, 1, channels, e.n, -1.0, 1.0);
    e.partner = numbers(seed + 2, 1, channels, e.n, -1.0, 1.0);
    const pea__truth_edges edges = {batch, &e.offsets, rule, e.labels, NULL};
    make_balance(&edges, e.balance);
    return e;
}

static void example_free(example *e)
{
    free(e->labels);
    free(e->balance);
    free(e->embedding);
    free(e->partner);
}

static pea__truth_edges edges_of(const example *e)
{
    return (pea__truth_edges){e->batch, &e->offsets, e->rule, e->labels, e->balance};
}

static double cosine(const double *a, const double *b, int64_t n)
{
    double ab = 0.0, aa = 0.0, bb = 0.0;
    for (int64_t j = 0; j < n; j++) {
        ab += a[j] * b[j];
        aa += a[j] * a[j];
        bb += b[j] * b[j];
    }
    return aa > 0.0 && bb > 0.0 ? ab / sqrt(aa * bb) : 0.0;
}

static int64_t partner_of(pea__batch b, int64_t p, pea_offset o)
{
    const int64_t x = p % b.x + o.x, y = p / b.x % b.y + o.y, z = p / (b.x * b.y) % b.z + o.z;
    return x < 0 || x >= b.x || y < 0 || y >= b.y || z < 0 || z >= b.z ? -1 : p + ((int64_t)o.z * b.y + o.y) * b.x + o.x;
}

/* The loss as its formula says, of embeddings in double precision. */
static double definition(const example *e, const double *v, const double *v2)
{
    double sum = 0.0;
    for (size_t k = 0; k < e->offsets.n; k++) {
        double at_k = 0.0;
        int64_t inside = 0;
        for (int64_t p = 0; p < e->n; p++) {
            const int64_t q = partner_of(e->batch, p, e->offsets.step[k]);
            if (q < 0)
                continue;
            const pea__balance w = e->balance[p / (e->n / e->batch.n) * (int64_t)e->offsets.n + (int64_t)k];
            const bool equal = e->labels[p] == e->labels[q] && (e->rule == PEA_TRUTH_2D || e->labels[p] > 0);
            const double d = cosine(v + p * e->channels, v2 + q * e->channels, e->channels) - (equal ? 1.0 : 0.0);
            at_k += (double)(equal ? w.equal : w.different) * d * d;
            inside++;
        }
        if (inside > 0)
            sum += at_k / (double)(e->rule == PEA_TRUTH_2D ? e->batch.n * e->batch.x : inside);
    }
    return sum;
}

static double *doubles(const float *from, int64_t n)
{
    double *made = malloc((size_t)n * sizeof *made);
    for (int64_t i = 0; i < n; i++)
        made[i] = (double)from[i];
    return made;
}

static void check_example(example *e, bool crossed)
{
    const int64_t n = e->n * e->channels;
    const pea__truth_edges edges = edges_of(e);
    float *gradient = malloc((size_t)n * sizeof *gradient);
    double *v = doubles(e->embedding, n), *v2 = crossed ? doubles(e->partner, n) : v;
    const pea__affinity_loss_of of = {e->embedding, crossed ? e->partner : NULL, e->channels, 0.5};
    const double want = 0.5 * definition(e, v, v2);
    for (size_t set = 0; pea__kernels_available(set); set++)
        assert_near(run_affinity_on(pea__kernels_available(set), NULL, &edges, &of, gradient) / want, 1.0, 1e-5);
    double largest = 1e-3;
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)gradient[i]));
    for (int64_t i = 0; i < n; i += 1 + n / 200) {
        const double was = v[i];
        v[i] = was + 1e-5;
        const double up = definition(e, v, v2);
        v[i] = was - 1e-5;
        const double down = definition(e, v, v2);
        v[i] = was;
        assert_near(gradient[i], 0.5 * (up - down) / 2e-5, 2e-6 * largest);
    }
    free(gradient);
    if (crossed)
        free(v2);
    free(v);
}

/* Offsets in all directions, and some that no voxel has a partner at. */
static const pea_offsets around = {2, 5, {{0, -1, 0}, {0, 0, -1}, {0, -3, 2}, {0, 2, 5}, {0, 0, -60}}};
static const pea_offsets around_3d = {3, 6, {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {-2, 0, 3}, {1, -4, 0}, {-9, 0, 0}}};

static void loss_and_gradient_are_as_defined(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 6; k++) {
        const bool is_plane = k < 2;
        example e = example_new(is_plane ? (pea__batch){2, 1, 11, 19} : (pea__batch){2, 3, 7, 9},
                                is_plane ? PEA_TRUTH_2D : k < 4 ? PEA_TRUTH_3D : PEA_TRUTH_3D_REPLICATE,
                                is_plane ? around : around_3d, is_plane ? 16 : 5, 40 + 3 * k);
        check_example(&e, k % 2);
        example_free(&e);
    }
}

/* Two terms of one network add up, as the self and the cross affinity of a view do. */
static void gradients_and_losses_add_up(void **state)
{
    pea_error err;
    example e = example_new((pea__batch){1, 1, 9, 10}, PEA_TRUTH_2D, around, 3, 60);
    const pea__truth_edges edges = edges_of(&e);
    const pea__affinity_loss_of self = {e.embedding, NULL, 3, 1.0}, cross = {e.embedding, e.partner, 3, 2.0};
    float one[270], two[270], both[270] = {0};
    double loss = 0.0;
    (void)state;
    const double loss_1 = run_affinity(&edges, &self, one), loss_2 = run_affinity(&edges, &cross, two);
    pea__run run = {.kernels = pea__kernels(), .to = 1.0};
    run.work = pea__alloc_unset((size_t)pea__affinity_loss_work(&edges, &cross, 1), sizeof(float), NULL);
    assert_ok(pea__affinity_loss(&run, &edges, &self, both, &loss, &err));
    assert_ok(pea__affinity_loss(&run, &edges, &cross, both, &loss, &err));
    assert_near(loss, loss_1 + loss_2, 1e-12);
    for (int i = 0; i < 270; i++)
        assert_near(both[i], (double)one[i] + (double)two[i], 1e-6);
    pea__free_unset(run.work);
    example_free(&e);
}

static void bytes_do_not_depend_on_threads(void **state)
{
    example e = example_new((pea__batch){2, 1, 21, 33}, PEA_TRUTH_2D, around, 16, 70);
    const pea__truth_edges edges = edges_of(&e);
    const pea__affinity_loss_of of = {e.embedding, NULL, 16, 1.0};
    float *one = malloc((size_t)(e.n * 16) * sizeof *one), *three = malloc((size_t)(e.n * 16) * sizeof *three);
    pea_context *context = test_context(3, 0);
    (void)state;
    const double loss_1 = run_affinity_on(pea__kernels(), NULL, &edges, &of, one);
    const double loss_3 = run_affinity_on(pea__kernels(), context, &edges, &of, three);
    assert_memory_equal(&loss_1, &loss_3, sizeof loss_1);
    assert_memory_equal(one, three, (size_t)(e.n * 16) * sizeof *one);
    pea_context_free(context);
    free(one);
    free(three);
    example_free(&e);
}

/* ---- distances ---- */

static double run_distance(pea__batch batch, const uint32_t *labels, const float *v, int64_t channels, bool background,
                           float *gradient)
{
    pea_error err;
    double loss = 0.0;
    pea__run run = {.to = 1.0};
    run.work = pea__alloc_unset((size_t)pea__distance_loss_work(batch, channels, 1), sizeof(float), NULL);
    if (gradient)
        memset(gradient, 0, (size_t)(pea__batch_voxels(batch) * channels) * sizeof *gradient);
    assert_ok(pea__distance_loss(&run, batch, labels, v, channels, background, 1.0, gradient, &loss, &err));
    pea__free_unset(run.work);
    return loss;
}

static void distance_losses_are_the_published_ones(void **state)
{
    uint32_t labels[384];
    float *v = numbers(10, 2, 4, 192, -3.0, 3.0);
    (void)state;
    labels_2d(labels);
    assert_near(run_distance((pea__batch){2, 1, 12, 16}, labels, v, 4, true, NULL), 9.897514, 2e-6);
    assert_near(run_distance((pea__batch){2, 1, 12, 16}, labels, v, 4, false, NULL), 9.443443, 2e-6);
    free(v);
}

/* By differences of the loss, which is computed in double precision. */
static void distance_gradients_are_slopes(void **state)
{
    enum { FLOATS = 384 * 4 };
    const pea__batch batch = {2, 1, 12, 16};
    uint32_t labels[384];
    float *v = numbers(10, 2, 4, 192, -1.5, 1.5), gradient[FLOATS];
    (void)state;
    labels_2d(labels);
    for (int background = 0; background < 2; background++) {
        run_distance(batch, labels, v, 4, background, gradient);
        for (int i = 0; i < FLOATS; i += 7) {
            const float was = v[i], step = 1.0f / 256.0f;
            v[i] = was + step;
            const double up = run_distance(batch, labels, v, 4, background, NULL), high = (double)v[i];
            v[i] = was - step;
            const double down = run_distance(batch, labels, v, 4, background, NULL), low = (double)v[i];
            v[i] = was;
            assert_near(gradient[i], (up - down) / (high - low), 2e-5);
        }
    }
    free(v);
}

/* One instance has no other to leave, none has nothing to do, and means at 0 have no direction. */
static void distances_of_few_instances_are_finite(void **state)
{
    const pea__batch batch = {1, 1, 2, 2};
    const uint32_t none[4] = {0}, one[4] = {9, 9, 0, 9}, two[4] = {7, 7, 3000000000u, 3000000000u};
    float zeros[8] = {0.0f}, gradient[8];
    (void)state;
    assert_near(run_distance(batch, none, zeros, 2, false, gradient), 0.0, 0.0);
    assert_near(run_distance(batch, one, zeros, 2, false, gradient), 0.0, 0.0);
    assert_near(run_distance(batch, two, zeros, 2, false, gradient), 9.0 / 2.0, 1e-12);
    for (int i = 0; i < 8; i++)
        assert_true(gradient[i] == 0.0f);
}

/* A vector of length 0 is like nothing and is left where it is; its neighbours get finite gradients. */
static void vectors_of_no_length_get_no_gradient(void **state)
{
    example e = example_new((pea__batch){1, 1, 6, 7}, PEA_TRUTH_2D, around, 4, 80);
    const pea__truth_edges edges = edges_of(&e);
    float gradient[6 * 7 * 4];
    (void)state;
    memset(e.embedding + 9 * 4, 0, 4 * sizeof(float));
    assert_true(isfinite(run_affinity(&edges, &(pea__affinity_loss_of){e.embedding, NULL, 4, 1.0}, gradient)));
    for (int i = 0; i < 6 * 7 * 4; i++)
        assert_true(isfinite(gradient[i]) && (i / 4 != 9 || gradient[i] == 0.0f));
    example_free(&e);
}

static void balance_keeps_within_its_limits(void **state)
{
    uint32_t labels[10 * 40] = {0};
    pea__balance b[2];
    static const pea_offsets two = {2, 2, {{0, -1, 0}, {0, 0, -1}}};
    pea__truth_edges edges = {{1, 1, 10, 40}, &two, PEA_TRUTH_2D, labels, NULL};
    (void)state;
    make_balance(&edges, b); /* all equal */
    assert_true(b[0].equal == 1.0f && b[0].different == 1.0f);
    labels[0] = 1; /* 1 edge of 400 differs: a share of more than 0.99 */
    make_balance(&edges, b);
    assert_near(b[1].different, 99.0, 1e-4);
    assert_near(b[1].equal, 1.0, 0.0);
    edges.rule = PEA_TRUTH_3D; /* of background all edges are different; one of foreground is equal */
    labels[1] = 1;
    make_balance(&edges, b);
    assert_near(b[1].equal, 19.0, 1e-5);
    assert_near(b[1].different, 1.0, 0.0);
    edges.rule = PEA_TRUTH_3D_REPLICATE; /* the first column has partners outside: foreground at labels[0] */
    labels[1] = 0;
    make_balance(&edges, b);
    assert_near(b[1].equal, 19.0, 1e-5);
}

static void foreground_gradient_is_as_defined(void **state)
{
    const pea__batch batch = {2, 1, 5, 7};
    uint32_t labels[70];
    float *logits = numbers(90, 1, 2, 70, -3.0, 3.0), gradient[140] = {0};
    (void)state;
    for (int i = 0; i < 70; i++)
        labels[i] = i % 3 == 0 ? (uint32_t)i + 1 : 0;
    logits[0] = 200.0f; /* far beyond what exp() can take */
    logits[1] = -200.0f;
    assert_true(isfinite(run_foreground(batch, labels, logits, 1.0, gradient)));
    assert_near(gradient[0], 0.5 / 24.0, 1e-7);
    logits[0] = logits[1] = 0.0f;
    memset(gradient, 0, sizeof gradient);
    run_foreground(batch, labels, logits, 1.0, gradient);
    for (int i = 0; i < 140; i++) { /* weight * (softmax - [class is right]) */
        const double p = 1.0 / (1.0 + exp((double)logits[i ^ 1] - (double)logits[i]));
        const bool foreground = labels[i / 2] > 0;
        const double weight = foreground ? 0.5 / 24.0 : 0.5 / 46.0;
        assert_near(gradient[i], weight * (p - (i % 2 == foreground ? 1.0 : 0.0)), 1e-8);
    }
    free(logits);
}

static void foreground_loss_of_one_class_is_0(void **state)
{
    const uint32_t none[6] = {0}, all[6] = {1, 2, 3, 4, 5, 6};
    const float logits[12] = {1, 2, 3};
    float gradient[12] = {0};
    (void)state;
    assert_near(run_foreground((pea__batch){1, 1, 2, 3}, none, logits, 1.0, gradient), 0.0, 0.0);
    assert_near(run_foreground((pea__batch){1, 1, 2, 3}, all, logits, 1.0, gradient), 0.0, 0.0);
    for (int i = 0; i < 12; i++)
        assert_true(gradient[i] == 0.0f);
}

/* ---- views and levels ---- */

static float at(const float *image, int64_t z, int64_t y, int64_t x, int64_t c) /* of (3,5,5,2) */
{
    return image[((z * 5 + y) * 5 + x) * 2 + c];
}

/* Every rule, done step after step, is undone. */
static void views_are_undone(void **state)
{
    enum { FLOATS = 3 * 5 * 5 * 2 };
    float *image = numbers(95, 1, 2, 75, 0.0, 1.0), steps[5][FLOATS], back[2 * FLOATS];
    (void)state;
    for (int rule = 0; rule < 16; rule++) {
        const pea__view view = {rule & 1, rule & 2, rule & 4, rule & 8};
        memcpy(steps[0], image, sizeof steps[0]);
        for (int step = 0; step < 4; step++)
            for (int i = 0; i < FLOATS; i++) {
                const int64_t c = i % 2, x = i / 2 % 5, y = i / 10 % 5, z = i / 50;
                const bool on = rule >> step & 1;
                steps[step + 1][i] = !on         ? steps[step][i]
                                     : step == 0 ? at(steps[step], 2 - z, y, x, c)
                                     : step == 1 ? at(steps[step], z, y, 4 - x, c)
                                     : step == 2 ? at(steps[step], z, 4 - y, x, c)
                                                 : at(steps[step], z, x, y, c);
            }
        float pair[2 * FLOATS];
        pea_error err;
        memcpy(pair, image, sizeof steps[0]);
        memcpy(pair + FLOATS, steps[4], sizeof steps[0]);
        assert_ok(pea__view_undo(&(pea__run){.to = 1.0}, (pea__batch){2, 3, 5, 5}, 2, (pea__view[2]){{0}, view}, pair,
                                back, &err));
        assert_memory_equal(back, image, sizeof steps[0]);
        assert_memory_equal(back + FLOATS, image, sizeof steps[0]);
    }
    free(image);
}

static void coarse_labels_are_the_first_of_each_cell(void **state)
{
    uint32_t labels[2 * 4 * 8], coarse[2 * 2 * 4];
    (void)state;
    for (uint32_t i = 0; i < 64; i++)
        labels[i] = i;
    pea__labels_shrink((pea__batch){2, 1, 4, 8}, labels, 2, coarse);
    assert_memory_equal(coarse, ((uint32_t[16]){0, 2, 4, 6, 16, 18, 20, 22, 32, 34, 36, 38, 48, 50, 52, 54}), sizeof coarse);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(balance_of_a_plane_is_the_published_one),
    cmocka_unit_test(losses_of_a_plane_are_the_published_ones),
    cmocka_unit_test(losses_of_a_volume_are_the_published_ones),
    cmocka_unit_test(foreground_loss_is_the_published_one),
    cmocka_unit_test(loss_and_gradient_are_as_defined),
    cmocka_unit_test(gradients_and_losses_add_up),
    cmocka_unit_test(bytes_do_not_depend_on_threads),
    cmocka_unit_test(vectors_of_no_length_get_no_gradient),
    cmocka_unit_test(distance_losses_are_the_published_ones),
    cmocka_unit_test(distance_gradients_are_slopes),
    cmocka_unit_test(distances_of_few_instances_are_finite),
    cmocka_unit_test(balance_keeps_within_its_limits),
    cmocka_unit_test(foreground_gradient_is_as_defined),
    cmocka_unit_test(foreground_loss_of_one_class_is_0),
    cmocka_unit_test(views_are_undone),
    cmocka_unit_test(coarse_labels_are_the_first_of_each_cell),
};

PEA_TEST_MAIN(tests)
