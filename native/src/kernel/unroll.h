/* unroll.h - a word for every kernel set.
 * SPDX-License-Identifier: BSD-2-Clause */
/* Before a loop of a constant number of rounds, so that what it fills lives in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
