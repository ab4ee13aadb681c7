/* guarded.h - floats that end at a page nobody may touch, or begin behind one.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_GUARDED_H
#define PEA_GUARDED_H

#include <sys/mman.h> /* MAP_ANONYMOUS: the test defines _DEFAULT_SOURCE */
#include <unistd.h>

#include "test.h"

typedef struct test_guarded {
    char *pages;
    size_t size_bytes;
    float *data;
} test_guarded;

static inline test_guarded test_guard(int64_t n, bool at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)n * sizeof(float);
    const size_t body = (bytes + page - 1) / page * page;
    test_guarded g = {.size_bytes = body + 2 * page};
    g.pages = mmap(NULL, g.size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.pages != MAP_FAILED);
    assert_int_equal(mprotect(g.pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(g.pages + page + body, page, PROT_NONE), 0);
    g.data = (float *)(void *)(g.pages + page + (at_end ? body - bytes : 0));
    return g;
}

static inline void test_unguard(test_guarded g)
{
    munmap(g.pages, g.size_bytes);
}

static inline float test_random_float(uint64_t *state) /* -1 to 1 */
{
    return (float)test_random(state) / 1073741824.0f - 1.0f;
}

/* Elements of an image whose last voxel ends with its last channel: a slice of a wider buffer. */
static inline int64_t test_slice_floats(int64_t n_voxels, int64_t pitch, int64_t channels)
{
    return (n_voxels - 1) * pitch + channels;
}

/* A slice of random numbers. */
static inline test_guarded test_random_slice(int64_t n_voxels, int64_t pitch, int64_t channels, bool at_end, uint64_t *state)
{
    const int64_t n = test_slice_floats(n_voxels, pitch, channels);
    test_guarded g = test_guard(n, at_end);
    for (int64_t i = 0; i < n; i++)
        g.data[i] = test_random_float(state);
    return g;
}

#endif
