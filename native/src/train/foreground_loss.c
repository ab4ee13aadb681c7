/* foreground_loss.c - cross entropy of background and foreground.
 *
 * The weight of a class is the number of the other's voxels, divided by the sum of all weights, 2 * n0 * n1: a voxel
 * weighs 1 / (2 * n) for the n of its class.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <math.h>

typedef struct entropy {
    pea__batch batch;
    const uint32_t *labels;
    const float *logits;
    float weight[2]; /* of a voxel of background, of foreground */
    double *row;     /* what each row adds up to */
    float *gradient;
} entropy;

int64_t pea__foreground_loss_work(pea__batch batch)
{
    return pea__batch_voxels(batch) > 0 ? 2 * batch.n * batch.z * batch.y : -1;
}

static void count_row(void *argument, int64_t row, int worker)
{
    const entropy *e = argument;
    int64_t n = 0;
    (void)worker;
    for (int64_t x = 0; x < e->batch.x; x++)
        n += e->labels[row * e->batch.x + x] > 0;
    e->row[row] = (double)n;
}

/* With m = logit of the other class - logit of the right one, -log softmax is log(1 + exp(m)) and the slope by m is
 * 1 / (1 + exp(-m)): both of exp(-|m|), which cannot overflow. */
static void entropy_row(void *argument, int64_t row, int worker)
{
    const entropy *e = argument;
    double sum[2] = {0.0, 0.0};
    (void)worker;
    for (int64_t x = 0; x < e->batch.x; x++) {
        const int64_t at = row * e->batch.x + x;
        const int right = e->labels[at] > 0;
        const float m = e->logits[2 * at + !right] - e->logits[2 * at + right];
        const float small = expf(-fabsf(m));
        sum[right] += (double)((m > 0.0f ? m : 0.0f) + log1pf(small));
        if (!e->gradient)
            continue;
        const float slope = e->weight[right] * (m > 0.0f ? 1.0f : small) / (1.0f + small);
        e->gradient[2 * at + right] -= slope;
        e->gradient[2 * at + !right] += slope;
    }
    e->row[row] = sum[0] * (double)e->weight[0] + sum[1] * (double)e->weight[1];
}

static double sum_of_rows(const entropy *e)
{
    double sum = 0.0;
    for (int64_t row = 0; row < e->batch.n * e->batch.z * e->batch.y; row++)
        sum += e->row[row];
    return sum;
}

pea_status pea__foreground_loss(const pea__run *run, pea__batch batch, const uint32_t *labels, const float *logits,
                                double factor, float *gradient, double *loss, pea_error *err)
{
    const int64_t n_rows = batch.n * batch.z * batch.y;
    const double middle = (run->from + run->to) / 2.0;
    entropy e = {.batch = batch, .labels = labels, .logits = logits, .gradient = gradient};
    e.row = (double *)(void *)run->work;
    pea_status status = pea__run_tasks(run, n_rows, run->from, middle, count_row, &e, err);
    if (status != PEA_OK)
        return status;
    const double n_foreground = sum_of_rows(&e), n_background = (double)pea__batch_voxels(batch) - n_foreground;
    if (n_foreground == 0.0 || n_background == 0.0)
        return PEA_OK;
    e.weight[0] = (float)(factor / (2.0 * n_background));
    e.weight[1] = (float)(factor / (2.0 * n_foreground));
    status = pea__run_tasks(run, n_rows, middle, run->to, entropy_row, &e, err);
    if (status == PEA_OK)
        *loss += sum_of_rows(&e);
    return status;
}
