/* distance_loss.c - embeddings whose distances tell instances apart: near the mean of their own, far from other means.
 *
 * One task does all of an image: sums over voxels have one order whatever the threads. The labels of an image are numbered
 * as they come, in a table of hashes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "train/train.h"

#include <math.h>
#include <string.h>

static const double near_enough = 0.5, far_enough = 2.0 * 1.5, of_lengths = 0.001;

enum { MOST_INSTANCES = 1 << 15, TABLE = 1 << 16 };

/* Of a worker: instances of one image by number. */
typedef struct instances {
    uint32_t *key, *number; /* [TABLE]; number + 1 of a label, 0: nobody */
    int64_t n, channels;
    double *count, *mean, *pull; /* pull: the gradient of a mean */
} instances;

typedef struct job {
    pea__batch batch;
    const uint32_t *labels;
    const float *embedding;
    int64_t channels;
    bool with_background;
    double factor;
    float *gradient;
    double *image_loss; /* of each image; -1: too many instances */
    float *rooms;       /* of each worker */
} job;

/* ---- memory ---- */

static int64_t room_floats(int64_t channels)
{
    return 2 * TABLE + 2 * MOST_INSTANCES * (1 + 2 * channels);
}

int64_t pea__distance_loss_work(pea__batch batch, int64_t channels, int n_workers)
{
    int64_t of_image, floats;
    const bool fits = channels < INT64_C(1) << 32 && pea__mul_i64(room_floats(channels), n_workers, &floats) &&
                      pea__mul_i64(batch.n, 2, &of_image) && pea__add_i64(floats, of_image, &floats);
    return fits ? floats : -1;
}

static instances room_of(const job *j, int worker)
{
    float *room = j->rooms + worker * room_floats(j->channels);
    instances made = {.channels = j->channels, .count = (double *)(void *)room};
    made.mean = made.count + MOST_INSTANCES;
    made.pull = made.mean + MOST_INSTANCES * j->channels;
    made.key = (uint32_t *)(void *)(made.pull + MOST_INSTANCES * j->channels);
    made.number = made.key + TABLE;
    memset(made.number, 0, TABLE * sizeof *made.number);
    return made;
}

/* ---- instances ---- */

/* Where a label is in the table, or will be. */
static uint32_t slot_of(const instances *s, uint32_t label)
{
    uint32_t slot = (label * 2654435769u) >> 16;
    while (s->number[slot] != 0 && s->key[slot] != label)
        slot = (slot + 1) % TABLE;
    return slot;
}

/* The number of the label at voxel p of an image, -1 for one that does not count. */
static int64_t instance_at(const job *j, const instances *s, const uint32_t *labels, int64_t p)
{
    return labels[p] == 0 && !j->with_background ? -1 : (int64_t)s->number[slot_of(s, labels[p])] - 1;
}

/* False where there are too many. */
static bool number_instances(const job *j, const uint32_t *labels, int64_t n, instances *s)
{
    for (int64_t p = 0; p < n; p++) {
        const uint32_t slot = slot_of(s, labels[p]);
        if (s->number[slot] != 0 || (labels[p] == 0 && !j->with_background))
            continue;
        if (s->n == MOST_INSTANCES)
            return false;
        s->key[slot] = labels[p];
        s->number[slot] = (uint32_t)++s->n;
    }
    return true;
}

static void find_means(const job *j, const uint32_t *labels, const float *v, int64_t n, instances *s)
{
    memset(s->count, 0, (size_t)s->n * sizeof *s->count);
    memset(s->mean, 0, (size_t)(s->n * s->channels) * sizeof *s->mean);
    memset(s->pull, 0, (size_t)(s->n * s->channels) * sizeof *s->pull);
    for (int64_t p = 0; p < n; p++) {
        const int64_t i = instance_at(j, s, labels, p);
        for (int64_t c = 0; i >= 0 && c < s->channels; c++)
            s->mean[i * s->channels + c] += (double)v[p * s->channels + c];
        if (i >= 0)
            s->count[i] += 1.0;
    }
    for (int64_t k = 0; k < s->n * s->channels; k++)
        s->mean[k] /= s->count[k / s->channels];
}

/* ---- the three terms ---- */

/* Of the squares of what distances from an instance's mean exceed, the mean; of these over instances the mean. */
static double pull_together(const job *j, const uint32_t *labels, const float *v, int64_t n, float *gradient,
                            instances *s)
{
    double loss = 0.0;
    for (int64_t p = 0; p < n; p++) {
        const int64_t i = instance_at(j, s, labels, p);
        const double *mean = s->mean + i * s->channels;
        double squares = 0.0;
        for (int64_t c = 0; i >= 0 && c < s->channels; c++)
            squares += pow((double)v[p * s->channels + c] - mean[c], 2.0);
        const double distance = sqrt(squares), beyond = distance - near_enough;
        if (i < 0 || beyond <= 0.0)
            continue;
        const double weight = j->factor / ((double)s->n * s->count[i]);
        loss += weight * beyond * beyond;
        for (int64_t c = 0; gradient && c < s->channels; c++) {
            const double g = 2.0 * weight * beyond / distance * ((double)v[p * s->channels + c] - mean[c]);
            gradient[p * s->channels + c] += (float)g;
            s->pull[i * s->channels + c] -= g;
        }
    }
    return loss;
}

/* Of pairs of means the squares of what they lack in distance. */
static double push_apart(const job *j, instances *s)
{
    double loss = 0.0;
    for (int64_t a = 0; a < s->n; a++)
        for (int64_t b = a + 1; b < s->n; b++) {
            const double *one = s->mean + a * s->channels, *two = s->mean + b * s->channels;
            double squares = 0.0;
            for (int64_t c = 0; c < s->channels; c++)
                squares += (one[c] - two[c]) * (one[c] - two[c]);
            const double distance = sqrt(squares), lacks = far_enough - distance;
            const double weight = j->factor / ((double)s->n * (double)(s->n - 1));
            if (lacks <= 0.0)
                continue;
            loss += weight * lacks * lacks;
            for (int64_t c = 0; distance > 0.0 && c < s->channels; c++) {
                const double g = 2.0 * weight * lacks / distance * (one[c] - two[c]);
                s->pull[a * s->channels + c] -= g;
                s->pull[b * s->channels + c] += g;
            }
        }
    return loss;
}

static double shorten(const job *j, instances *s)
{
    const double weight = j->factor * of_lengths / (double)s->n;
    double loss = 0.0;
    for (int64_t i = 0; i < s->n; i++) {
        const double *mean = s->mean + i * s->channels;
        double squares = 0.0;
        for (int64_t c = 0; c < s->channels; c++)
            squares += mean[c] * mean[c];
        const double length = sqrt(squares);
        loss += weight * length;
        for (int64_t c = 0; length > 0.0 && c < s->channels; c++)
            s->pull[i * s->channels + c] += weight * mean[c] / length;
    }
    return loss;
}

/* What pulls a mean pulls each of its voxels, by its share. */
static void share_pulls(const job *j, const uint32_t *labels, int64_t n, const instances *s, float *gradient)
{
    for (int64_t p = 0; p < n; p++) {
        const int64_t i = instance_at(j, s, labels, p);
        for (int64_t c = 0; i >= 0 && c < s->channels; c++)
            gradient[p * s->channels + c] += (float)(s->pull[i * s->channels + c] / s->count[i]);
    }
}

static void do_image(void *argument, int64_t image, int worker)
{
    const job *j = argument;
    const int64_t n = j->batch.z * j->batch.y * j->batch.x;
    const uint32_t *labels = j->labels + image * n;
    const float *v = j->embedding + image * n * j->channels;
    float *gradient = j->gradient ? j->gradient + image * n * j->channels : NULL;
    instances s = room_of(j, worker);
    double *loss = &j->image_loss[image];
    *loss = -1.0;
    if (!number_instances(j, labels, n, &s))
        return;
    find_means(j, labels, v, n, &s);
    *loss = pull_together(j, labels, v, n, gradient, &s);
    *loss += push_apart(j, &s);
    *loss += s.n > 0 ? shorten(j, &s) : 0.0;
    if (gradient)
        share_pulls(j, labels, n, &s, gradient);
}

pea_status pea__distance_loss(const pea__run *run, pea__batch batch, const uint32_t *labels, const float *embedding,
                              int64_t channels, bool with_background, double factor, float *gradient, double *loss,
                              pea_error *err)
{
    job j = {batch, labels, embedding, channels, with_background, factor / (double)batch.n, gradient, NULL, NULL};
    j.image_loss = (double *)(void *)run->work;
    j.rooms = run->work + 2 * batch.n;
    pea_status status = pea__run_tasks(run, batch.n, run->from, run->to, do_image, &j, err);
    for (int64_t image = 0; image < batch.n && status == PEA_OK; image++) {
        if (j.image_loss[image] < 0.0)
            status = pea__fail(err, PEA_E_LIMIT, "a sample has more than %d instances", (int)MOST_INSTANCES);
        *loss += j.image_loss[image];
    }
    return status;
}
