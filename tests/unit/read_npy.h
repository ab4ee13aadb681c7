/* read_npy.h - reads the plain .npy files of testdata (version 1, C order, little endian) without the library's reader,
 * so that tests of modules that do not link it can have them.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_READ_NPY_H
#define PEA_READ_NPY_H

#include "test.h"

typedef struct test_npy {
    int64_t shape[4]; /* aligned to the right: a plane is 1,1,y,x */
    int64_t n;
    void *data; /* malloc; 4 bytes an element, or 1 for masks */
} test_npy;

static inline test_npy test_read_npy(const char *path, size_t element_bytes)
{
    test_npy npy = {.shape = {1, 1, 1, 1}, .n = 1};
    unsigned char start[10];
    char header[1024] = {0};
    int64_t extents[4];
    int n_axes = 0;
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail_msg("%s cannot be opened", path);
    assert_int_equal(fread(start, 1, 10, stream), 10);
    const size_t length = start[8] + 256u * start[9];
    assert_true(length < sizeof header);
    assert_int_equal(fread(header, 1, length, stream), length);
    assert_non_null(strstr(header, "'fortran_order': False"));
    for (char *at = strchr(strstr(header, "'shape'"), '(') + 1; n_axes < 4 && *at >= '0' && *at <= '9';) {
        extents[n_axes++] = strtoll(at, &at, 10);
        while (*at == ',' || *at == ' ')
            at++;
    }
    for (int i = 0; i < n_axes; i++) {
        npy.shape[4 - n_axes + i] = extents[i];
        npy.n *= extents[i];
    }
    npy.data = malloc((size_t)npy.n * element_bytes);
    assert_non_null(npy.data);
    assert_int_equal(fread(npy.data, element_bytes, (size_t)npy.n, stream), npy.n);
    fclose(stream);
    return npy;
}

/* (c,n) to (n,c) */
static inline float *test_channels_last(const float *first, int64_t n_channels, int64_t n)
{
    float *last = malloc((size_t)(n_channels * n) * sizeof *last);
    assert_non_null(last);
    for (int64_t p = 0; p < n; p++)
        for (int64_t c = 0; c < n_channels; c++)
            last[p * n_channels + c] = first[c * n + p];
    return last;
}

#endif
