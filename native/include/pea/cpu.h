/* cpu.h - what runs on this machine.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CPU_H
#define PEA_CPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

const char *pea_cpu_kernels(void);        /* the kernel set in use, such as "avx512"; PEA_CPU forces one */
const char *pea_cpu_features(void);       /* what CPU and operating system offer, space separated */
int pea_cpu_threads(void);                /* threads this process may use at once, >= 1 */
uint64_t pea_cpu_memory_available(void);  /* bytes free for us now, cgroup limits counted; 0 unknown */
uint64_t pea_cpu_memory_peak(void);       /* largest resident size of this process so far, bytes; 0 unknown */

#ifdef __cplusplus
}
#endif
#endif
