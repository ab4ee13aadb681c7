/* layers.h - batches of random numbers and a run, for tests of operations in training.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_TEST_LAYERS_H
#define PEA_TEST_LAYERS_H

#include <math.h>

#include "gradient/gradient.h"
#include "guarded.h"
#include "threads.h"

typedef struct test_image {
    pea__batch batch;
    int64_t channels;
    pea__slice slice;
    test_guarded memory;
} test_image;

/* Some channels of wider voxels that end where nobody may read. */
static inline test_image test_make_image(pea__batch batch, int64_t channels, uint64_t *seed)
{
    const int64_t pitch = channels + (test_random(seed) % 2 ? test_random(seed) % 9 : 0);
    test_image made = {.batch = batch, .channels = channels};
    made.memory = test_random_slice(pea__batch_voxels(batch), pitch, channels, true, seed);
    made.slice = (pea__slice){made.memory.data, pitch};
    return made;
}

static inline void test_free_image(test_image *image)
{
    test_unguard(image->memory);
}

static inline float *test_floats(int64_t n, uint64_t *seed)
{
    float *made = malloc((size_t)n * sizeof *made);
    for (int64_t i = 0; i < n; i++)
        made[i] = test_random_float(seed);
    return made;
}

static inline double test_image_at(const test_image *image, int64_t voxel, int64_t c)
{
    return (double)image->slice.data[voxel * image->slice.pitch + c];
}

static inline size_t test_image_bytes(const test_image *image)
{
    return (size_t)test_slice_floats(pea__batch_voxels(image->batch), image->slice.pitch, image->channels) * sizeof(float);
}

/* Sum over voxels and channels of the products of two images. */
static inline double test_dot(const test_image *a, const test_image *b)
{
    double sum = 0;
    for (int64_t v = 0; v < pea__batch_voxels(a->batch); v++)
        for (int64_t c = 0; c < a->channels; c++)
            sum += test_image_at(a, v, c) * test_image_at(b, v, c);
    return sum;
}

/* A run whose work ends where nobody may write. */
typedef struct test_run {
    pea__run run;
    test_guarded work;
} test_run;

static inline test_run test_make_run(const pea__kernels_table *kernels, pea_context *context, int64_t work_floats)
{
    assert_true(work_floats >= 0);
    test_run made = {.run = {.kernels = kernels, .context = context, .to = 1.0}};
    /* from a cache line on, as arenas give it */
    const int64_t floats = pea__ceil_div(work_floats, 16) * 16;
    made.work = test_guard(floats, true);
    made.run.work = made.work.data;
    return made;
}

static inline void test_free_run(test_run *run)
{
    test_unguard(run->work);
}

#endif
