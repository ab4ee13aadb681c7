/* neon.c - the kernel set for AArch64, where every processor has these vectors: says what a vector is; simd.h says what is
 * done with it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/conv_bf16.h"
#include "kernel/winograd.h"

#ifdef PEA__NEON_SET
#include <arm_neon.h>
#include <string.h>
#include "kernel/unroll.h"

#define SET neon
#define LANES 4
#define PANEL_VOXELS_1 14 /* sums in registers: 14, 24, 24 of 32, with the panel's weights and one input beside them */
#define PANEL_VOXELS_2 12
#define PANEL_VOXELS_3 8

typedef float32x4_t vec;
typedef uint32x4_t vec_mask;

static inline vec_mask first_lanes(int64_t n)
{
    static const uint32_t lanes[4] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(lanes), vdupq_n_u32((uint32_t)n));
}
/* How many lanes a mask of first_lanes() has. */
static inline int64_t count_lanes(vec_mask m) { return -(int64_t)vaddvq_s32(vreinterpretq_s32_u32(m)); }

static inline vec load(const float *p) { return vld1q_f32(p); }
static inline void store(float *p, vec v) { vst1q_f32(p, v); }
static inline void stream(float *p, vec v) { vst1q_f32(p, v); } /* there is no such word in C */
static inline void stream_end(void) {}
static inline vec load_some(const float *p, vec_mask m) /* there are no masks for memory */
{
    float some[LANES] = {0};
    memcpy(some, p, (size_t)count_lanes(m) * sizeof *p);
    return vld1q_f32(some);
}
static inline void store_some(float *p, vec_mask m, vec v)
{
    float some[LANES];
    vst1q_f32(some, v);
    memcpy(p, some, (size_t)count_lanes(m) * sizeof *p);
}
static inline vec choose(vec_mask m, vec a, vec b) { return vbslq_f32(m, a, b); }
static inline vec all(float x) { return vdupq_n_f32(x); }
static inline vec fma3(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec divide(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec root(vec a) { return vsqrtq_f32(a); }
static inline vec_mask greater(vec a, vec b) { return vcgtq_f32(a, b); }                  /* not where either is NaN */
static inline vec min2(vec a, vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }         /* b where either is NaN */
static inline vec max2(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }         /* b where either is NaN */
static inline vec nearest(vec a) { return vrndnq_f32(a); }
static inline vec two_to(vec n) /* n whole, -126..127 */
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
}
static inline void sum_lanes(const vec v[4], float sums[4])
{
    vst1q_f32(sums, vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3])));
}

/* Number j of vector i goes to number i of vector j. */
static inline void transpose(vec v[4])
{
    const float32x4x2_t a = vtrnq_f32(v[0], v[1]), b = vtrnq_f32(v[2], v[3]);
    v[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
    v[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
    v[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
    v[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
}

/* ---- bf16 ---- */

#define PAIR_VOXELS 2 /* times 8 vectors of sums in registers */
typedef uint32x4_t pairs; /* of bf16, one for each lane */

static inline pairs load_pairs(const pea__bf16 *p)
{
    pairs v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline pairs all_pairs(const pea__bf16 *p) /* two numbers in every lane */
{
    uint32_t both;
    memcpy(&both, p, sizeof both);
    return vdupq_n_u32(both);
}
static inline vec lower(pairs p) { return vreinterpretq_f32_u32(vshlq_n_u32(p, 16)); }
static inline vec upper(pairs p) { return vreinterpretq_f32_u32(vandq_u32(p, vdupq_n_u32(0xffff0000u))); }
static inline vec load_bf16(const pea__bf16 *p)
{
    uint16_t bits[LANES];
    memcpy(bits, p, sizeof bits);
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(bits), 16));
}
static inline vec load_some_bf16(const pea__bf16 *p, int64_t n)
{
    pea__bf16 some[LANES] = {0};
    memcpy(some, p, (size_t)n * sizeof *p);
    return load_bf16(some);
}
static inline void store_bf16(pea__bf16 *p, vec v) /* to the nearest, ties to even; what is no number stays none */
{
    const uint32x4_t bits = vreinterpretq_u32_f32(v), top = vshrq_n_u32(bits, 16);
    const uint32x4_t odd = vandq_u32(top, vdupq_n_u32(1));
    const uint32x4_t rounded = vshrq_n_u32(vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
    const uint16x4_t made = vmovn_u32(vbslq_u32(vceqq_f32(v, v), rounded, vorrq_u32(top, vdupq_n_u32(0x40))));
    memcpy(p, &made, sizeof made);
}
static inline void store_some_bf16(pea__bf16 *p, int64_t n, vec v)
{
    pea__bf16 some[LANES];
    store_bf16(some, v);
    memcpy(p, some, (size_t)n * sizeof *p);
}
static inline vec add_pairs(vec sum, pairs a, pairs b)
{
    return fma3(upper(a), upper(b), fma3(lower(a), lower(b), sum));
}

#include "kernel/simd.h"
#endif
