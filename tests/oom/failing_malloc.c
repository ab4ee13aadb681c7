/* failing_malloc.c - LD_PRELOAD: the n-th allocation of main() and after fails, once or for ever.
 *   PEA_OOM_AT=n       which one (from 1)
 *   PEA_OOM_EVER=1     all later ones too
 *   PEA_OOM_FIRED=FD   one byte is written there when the first one failed
 * What happens before main() belongs to the system's loader and is left alone.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own entry points: no need to look them up, which would allocate. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t n);
extern void *__libc_memalign(size_t alignment, size_t n);

typedef int main_fn(int, char **, char **);
int __libc_start_main(main_fn *real, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end);
int posix_memalign(void **block, size_t alignment, size_t n);
void *memalign(size_t alignment, size_t n);

static atomic_bool armed;
static atomic_long turn;
static long fail_at;
static int for_ever, fired_fd = -1;
static main_fn *real_main;

static int fails(void)
{
    if (!atomic_load(&armed))
        return 0;
    const long now = atomic_fetch_add(&turn, 1) + 1;
    if (now == fail_at && fired_fd >= 0)
        (void)!write(fired_fd, "!", 1);
    if (now != fail_at && !(for_ever && now > fail_at))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *block, size_t n)
{
    return fails() ? NULL : __libc_realloc(block, n);
}

void *memalign(size_t alignment, size_t n)
{
    return fails() ? NULL : __libc_memalign(alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : __libc_memalign(alignment, n);
}

int posix_memalign(void **block, size_t alignment, size_t n)
{
    if (fails())
        return ENOMEM;
    *block = __libc_memalign(alignment, n);
    return *block ? 0 : ENOMEM;
}

static int armed_main(int argc, char **argv, char **environment)
{
    const char *at = getenv("PEA_OOM_AT"), *ever = getenv("PEA_OOM_EVER"), *fd = getenv("PEA_OOM_FIRED");
    fail_at = at ? atol(at) : 0;
    for_ever = ever && *ever == '1';
    fired_fd = fd ? atoi(fd) : -1;
    atomic_store(&armed, fail_at > 0);
    return real_main(argc, argv, environment);
}

int __libc_start_main(main_fn *real, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end)
{
    int (*start)(main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = real;
    return start(armed_main, argc, argv, init, fini, rtld_fini, stack_end);
}
