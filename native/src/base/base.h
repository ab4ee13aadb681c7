/* base.h - what every module stands on: errors, memory, checked sizes, files, threads. No word of our field.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_BASE_H
#define PEA_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pea/context.h"
#include "pea/status.h"

/* ---- errors (status.c) ---- */

/* Fill err (NULL allowed) with one formatted line and return status: `return pea__fail(err, PEA_E_ARG, "...")`. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
pea_status pea__fail(pea_error *err, pea_status status, const char *format, ...);

/* A text from a file made safe to show: control characters become '?', at most 60 bytes. Returns buffer. */
const char *pea__printable(const char *text, size_t length_bytes, char buffer[64]);

/* ---- options (options.c) ---- */

/* Put what the caller chose over the defaults that `chosen` holds; NULL chose nothing. Both begin with struct_size: of a
 * caller built with an older header the options are shorter, and the rest keeps its default. PEA_E_ARG where it is 0;
 * `what` names them in the message: "affinity". */
pea_status pea__options_take(void *chosen, size_t n_bytes, const void *given, const char *what, pea_error *err);

/* ---- memory (alloc.c) ---- */

/* All heap memory of the library's own code comes from here. Contents are zeroed; n_items * item_bytes is checked.
 * NULL on failure, with err filled (PEA_E_NOMEM or PEA_E_LIMIT). A request of 0 bytes yields a valid pointer. */
void *pea__alloc(size_t n_items, size_t item_bytes, pea_error *err);
void *pea__alloc_unset(size_t n_items, size_t item_bytes, pea_error *err); /* not zeroed; 64-byte aligned */
/* Grow or shrink, keeping contents; new bytes are not set. On failure NULL and the old block stays. Only for blocks of
 * pea__alloc() and pea__realloc(). */
void *pea__realloc(void *block, size_t n_items, size_t item_bytes, pea_error *err);
/* The block of a list of n items, made twice as large where *capacity is n. On failure NULL, and the old block stays. */
void *pea__room_for_one(void *block, size_t n, size_t *capacity, size_t item_bytes, pea_error *err);
void pea__free(void *block); /* for pea__alloc and pea__realloc; NULL allowed */
void pea__free_unset(void *block); /* for pea__alloc_unset; NULL allowed */
char *pea__copy_text(const char *text, size_t length_bytes, pea_error *err); /* NUL-terminated copy */

/* Tests only: the n-th allocation from now on fails (n >= 1), and if `for_ever` all later ones; 0 switches it off.
 * Returns how many allocations were asked for since the last call. */
size_t pea__alloc_fail_at(size_t n, bool for_ever);
size_t pea__alloc_live(void); /* blocks allocated and not yet freed */

/* ---- sizes (inline) ---- */

/* False, and *product untouched, where the true product does not fit or a factor is negative. */
static inline bool pea__mul_i64(int64_t a, int64_t b, int64_t *product)
{
    if (a < 0 || b < 0 || (b != 0 && a > INT64_MAX / b))
        return false;
    *product = a * b;
    return true;
}

static inline bool pea__add_i64(int64_t a, int64_t b, int64_t *sum)
{
    if (a < 0 || b < 0 || a > INT64_MAX - b)
        return false;
    *sum = a + b;
    return true;
}

static inline int64_t pea__min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t pea__max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t pea__ceil_div(int64_t a, int64_t b) /* a >= 0, b > 0 */
{
    return a / b + (a % b != 0);
}

/* ---- bytes of files (bytes.c, utf8.c) ---- */

/* An unsigned number of up to 8 bytes. */
static inline uint64_t pea__load(const unsigned char *bytes, size_t n_bytes, bool big_endian)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        value = value << 8 | bytes[big_endian ? i : n_bytes - 1 - i];
    return value;
}

static inline uint32_t pea__load_u16(const unsigned char *bytes) /* little-endian, as both below */
{
    return (uint32_t)pea__load(bytes, 2, false);
}

static inline uint32_t pea__load_u32(const unsigned char *bytes)
{
    return (uint32_t)pea__load(bytes, 4, false);
}

static inline uint64_t pea__load_u64(const unsigned char *bytes)
{
    return pea__load(bytes, 8, false);
}

/* The low n_bytes of a number. Returns the place behind them. */
static inline unsigned char *pea__store(unsigned char *to, uint64_t value, size_t n_bytes, bool big_endian)
{
    for (size_t i = 0; i < n_bytes; i++)
        to[big_endian ? n_bytes - 1 - i : i] = (unsigned char)(value >> 8 * i);
    return to + n_bytes;
}

bool pea__host_is_big_endian(void);
void pea__swap_bytes(void *items, int64_t n, size_t item_bytes); /* of each item */
float pea__float_of_half(uint16_t half);                         /* exact */

size_t pea__utf8_character(const char *text, size_t n_bytes); /* bytes of the first character, 0 where it is none */
bool pea__is_utf8(const char *text, size_t n_bytes);          /* well-formed, no surrogates */

/* ---- numbers in text (number.c): the decimal point is a point in every locale ---- */

#define PEA__REAL_BYTES 40

/* A finite decimal number such as -0.5 or 1e-3 and nothing else; false leaves *value alone. */
bool pea__real_parse(const char *text, double *value);
void pea__real_print(double value, int n_digits, char text[PEA__REAL_BYTES]); /* finite; as %.<n_digits>g */
void pea__real_print_exactly(double value, char text[PEA__REAL_BYTES]); /* the shortest that is parsed to the same */

/* ---- files (file.c) ---- */

/* A file being written under a temporary name in the target's folder. */
typedef struct pea__writer {
    FILE *stream; /* write here; check nothing, commit does */
    char *path, *temporary;
    int fd;
} pea__writer;

/* Open: PEA_E_IO names the path and why. On success the writer must be ended by commit or discard. */
pea_status pea__writer_open(const char *path, pea__writer *writer, pea_error *err);
/* Have the system store what was written so far. A failure shows at commit. */
void pea__writer_store(pea__writer *writer);
/* Flush, fsync, close, rename. On failure nothing of the file is left and path is as it was before. */
pea_status pea__writer_commit(pea__writer *writer, pea_error *err);
void pea__writer_discard(pea__writer *writer); /* safe on an all-zero and on an ended writer */

/* A file, or bytes in memory, being read at chosen places. */
typedef struct pea__reader {
    int fd;                      /* -1: memory */
    const unsigned char *memory; /* borrowed */
    int64_t size_bytes;
} pea__reader;

/* Bytes as if they were a file: what tests and fuzz targets read from. Need not be closed. */
pea__reader pea__reader_memory(const void *bytes, size_t n_bytes);

/* Refuses what is not a regular file. */
pea_status pea__reader_open(const char *path, pea__reader *reader, pea_error *err);
/* Exactly n bytes from `offset`; PEA_E_FORMAT "file ends early" where the file has fewer. */
pea_status pea__reader_at(const pea__reader *reader, int64_t offset, void *buffer, size_t n_bytes, pea_error *err);
void pea__reader_close(pea__reader *reader); /* safe twice, and after a failed open */

/* ---- folders (folder.c) ---- */

bool pea__is_there(const char *path); /* whatever it is */

typedef pea_status pea__name_fn(void *argument, const char *name, pea_error *err);
/* Call fn with the name of all that is in a folder, in no order, until it fails. *found is false, which is no failure,
 * where there is no such folder. */
pea_status pea__folder_names(const char *path, bool *found, pea__name_fn *fn, void *argument, pea_error *err);

/* ---- work on many threads (context.c) ---- */

/* One piece of work. `worker` is 0..n_workers-1, for scratch memory. Must not fail: check and allocate before. */
typedef void pea__task_fn(void *argument, int64_t index, int worker);

/* Run fn for index 0..n_tasks-1, handed out one at a time. Returns after all of them, or PEA_E_CANCELLED soon after
 * the callback asked to stop (some then never ran). The caller's thread works too and does the reporting: progress
 * goes from `from` to `to` (fractions of the current stage). context NULL: this thread alone, no progress. */
pea_status pea__parallel(pea_context *context, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                         void *argument, pea_error *err);

/* The same, with floating-point numbers below 2^-126 taken and stored as 0 where the processor offers that (denormals.c):
 * for whoever runs many kernels, which leave all flags alone. Each thread has its own flags back after a task. */
pea_status pea__parallel_flushed(pea_context *context, int64_t n_tasks, double from, double to, pea__task_fn *fn,
                                 void *argument, pea_error *err);

int pea__workers(const pea_context *context);           /* how many values `worker` can take, >= 1 */
uint64_t pea__memory_limit(const pea_context *context); /* 0: none */
/* What a call made of several has taken already: the limit is less by so many bytes. Returns how many it was before, to be
 * given back the same way. */
uint64_t pea__memory_hold(pea_context *context, uint64_t bytes);

/* Name the stage that begins (literal text) and start its clock; NULL ends the last one. */
void pea__stage(pea_context *context, const char *stage);
/* For loops on one thread: report, and learn whether to stop. Cheap enough for every thousandth item. */
pea_status pea__progress(pea_context *context, double fraction, pea_error *err);

/* Map later progress fractions f of all stages to from + f * (to - from): for calls made of several calls, such as a
 * stack of planes. The default is 0..1. */
void pea__progress_window(pea_context *context, double from, double to);

/* A share of the present window, for one of several calls that make up a stage together: from and to are fractions of
 * the window, which pea__progress_rejoin() brings back. */
typedef struct pea__window {
    double from, to;
} pea__window;

pea__window pea__progress_part(pea_context *context, double from, double to); /* returns the present window */
void pea__progress_rejoin(pea_context *context, pea__window window);

double pea__seconds(void); /* of a clock that nobody sets */

/* ---- what the system lends (cpu.c) ---- */

/* Ask for the tile registers of x86: they are large, and Linux keeps them only for processes that asked. Threads that
 * begin later have them too. False where there are none. */
bool pea__tile_registers(void);

/* ---- what a container lends (cpu.c): files of a cgroup folder, version 2 ---- */

int pea__container_threads(const char *cgroup);     /* processor time rounded up to whole processors; 0: no limit */
uint64_t pea__container_memory(const char *cgroup); /* bytes left; UINT64_MAX: no limit */

#endif
