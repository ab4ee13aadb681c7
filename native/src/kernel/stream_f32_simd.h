/* stream_f32_simd.h - stream_f32: whole vectors go past the caches, which need not read first what is overwritten. Included
 * by simd.h.
 * SPDX-License-Identifier: BSD-2-Clause */

static void stream_f32_simd(const float *from, int64_t n, float *to)
{
    int64_t i = 0;
    for (; i < n && (uintptr_t)(to + i) % sizeof(vec) != 0; i++)
        to[i] = from[i];
    for (; i + LANES <= n; i += LANES)
        stream(to + i, load(from + i));
    for (; i < n; i++)
        to[i] = from[i];
    stream_end();
}
