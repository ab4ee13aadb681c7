/* old_glibc.c - lets a library that was linked on a new Linux run on older ones, which clusters have for many years.
 *
 * The linker takes the newest version of each function of the C library; a few were given new versions without a change
 * that concerns us. --wrap (CMakeLists.txt has the list) leads calls to them here, and from here to the old version.
 * check_library says what came of it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#define OLD(name, version) __asm__(".symver old_" #name ", " #name "@" version)

/* libpthread and libdl became part of libc in 2.34: before, these came with the program around us, which is Java. */
int old_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
OLD(pthread_create, "GLIBC_2.2.5");
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    return old_pthread_create(thread, attributes, start, argument);
}

int old_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);
OLD(pthread_join, "GLIBC_2.2.5");
int __wrap_pthread_join(pthread_t thread, void **result)
{
    return old_pthread_join(thread, result);
}

int old_pthread_once(pthread_once_t *once, void (*function)(void));
int __wrap_pthread_once(pthread_once_t *once, void (*function)(void));
OLD(pthread_once, "GLIBC_2.2.5");
int __wrap_pthread_once(pthread_once_t *once, void (*function)(void))
{
    return old_pthread_once(once, function);
}

int old_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t n_bytes);
int __wrap_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t n_bytes);
OLD(pthread_attr_setstacksize, "GLIBC_2.2.5");
int __wrap_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t n_bytes)
{
    return old_pthread_attr_setstacksize(attributes, n_bytes);
}

int old_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock);
int __wrap_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock);
OLD(pthread_condattr_setclock, "GLIBC_2.3.3");
int __wrap_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock)
{
    return old_pthread_condattr_setclock(attributes, clock);
}

int old_pthread_sigmask(int how, const sigset_t *set, sigset_t *before);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before);
OLD(pthread_sigmask, "GLIBC_2.2.5");
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    return old_pthread_sigmask(how, set, before);
}

/* The same arithmetic; the old ones set errno in another way, and nobody looks. */
double old_exp(double x);
double __wrap_exp(double x);
OLD(exp, "GLIBC_2.2.5");
double __wrap_exp(double x)
{
    return old_exp(x);
}

double old_log(double x);
double __wrap_log(double x);
OLD(log, "GLIBC_2.2.5");
double __wrap_log(double x)
{
    return old_log(x);
}

double old_log2(double x);
double __wrap_log2(double x);
OLD(log2, "GLIBC_2.2.5");
double __wrap_log2(double x)
{
    return old_log2(x);
}

double old_exp2(double x);
double __wrap_exp2(double x);
OLD(exp2, "GLIBC_2.2.5");
double __wrap_exp2(double x)
{
    return old_exp2(x);
}

double old_pow(double x, double y);
double __wrap_pow(double x, double y);
OLD(pow, "GLIBC_2.2.5");
double __wrap_pow(double x, double y)
{
    return old_pow(x, y);
}

float old_expf(float x);
float __wrap_expf(float x);
OLD(expf, "GLIBC_2.2.5");
float __wrap_expf(float x)
{
    return old_expf(x);
}

float old_powf(float x, float y);
float __wrap_powf(float x, float y);
OLD(powf, "GLIBC_2.2.5");
float __wrap_powf(float x, float y)
{
    return old_powf(x, y);
}

/* Were inline calls of these before 2.33; 1 is the layout of struct stat. */
int old___xstat64(int layout, const char *path, struct stat *status);
int __wrap_stat64(const char *path, struct stat *status);
OLD(__xstat64, "GLIBC_2.2.5");
int __wrap_stat64(const char *path, struct stat *status)
{
    return old___xstat64(1, path, status);
}

int old___fxstat64(int layout, int file, struct stat *status);
int __wrap_fstat64(int file, struct stat *status);
OLD(__fxstat64, "GLIBC_2.2.5");
int __wrap_fstat64(int file, struct stat *status)
{
    return old___fxstat64(1, file, status);
}
