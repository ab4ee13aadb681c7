/* simd.h - the kernels of one instruction set, written in terms of what <set>.c says a vector is. Included once by
 * each set's file; what a set could do better in its own words, it defines itself instead.
 * SPDX-License-Identifier: BSD-2-Clause */

#include "kernel/dots_f32_simd.h"
#include "kernel/to_unit_f32_simd.h"
#include "kernel/plane_dots_f32_simd.h"
#include "kernel/transpose_f32_simd.h"
#include "kernel/stream_f32_simd.h"
#include "kernel/epilogue_simd.h"
#include "kernel/resize_f32_simd.h"
#include "kernel/panel_simd.h"
#include "kernel/conv_bf16_simd.h"
#include "kernel/resize_bf16_simd.h"
#include "kernel/conv_f32_simd.h"
#include "kernel/winograd_f32_simd.h"
#include "kernel/outer_simd.h"
#include "kernel/conv_gradient_f32_simd.h"
#include "kernel/winograd_gradient_f32_simd.h"
#include "kernel/resize_gradient_f32_simd.h"
#include "kernel/norm_f32_simd.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

const pea__kernels_table JOIN(pea__kernels_, SET) = {
    .name = TEXT(SET),
    .lanes = LANES,
#define PEA__KERNEL(type, kernel, parameters) .kernel = kernel##_simd,
#include "kernel/kernels.def"
#undef PEA__KERNEL
};
