/* cli.h - what the subcommands share: exit status, one run's context and reports, files, models, tensors.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef PEA_CLI_H
#define PEA_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "pea/pea.h"

#include "options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CANCELLED = 130 };

#define CLI_MAX_PATH 4096

/* ---- subcommands: arguments after the name; returns the exit status ---- */

int cli_segment(int argc, char **argv);
int cli_network(int argc, char **argv);
int cli_affinity(int argc, char **argv);
int cli_cluster(int argc, char **argv);
int cli_score(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_train(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_bench(int argc, char **argv);

/* ---- errors and reports (report.c) ---- */

/* Fill err with one formatted line and return status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
pea_status cli_fail(pea_error *err, pea_status status, const char *format, ...);

/* Put `path: ` before the message, unless the message names the path already. */
pea_status cli_name_file(pea_error *err, const char *path);

/* Tell the error on stderr in one line; returns the exit status that belongs to it. */
int cli_report(const char *command, const pea_error *err);
const char *cli_bytes(uint64_t bytes, char text[32]); /* "3.2 GiB" */

/* A mistake in the command line: tells it and returns EXIT_USAGE. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int cli_usage(const char *command, const char *format, ...);

/* The same for an error found while reading options: PEA_E_ARG is a mistake in the command line. */
int cli_report_options(const char *command, const pea_error *err);

/* CLI_RUN, or EXIT_USAGE after telling that `target` is the file `source`, which is read (NULL: nothing is). */
int cli_refuse_overwrite(const char *command, const char *source, const char *target);

/* Print one JSON object as one line and delete it. NULL, or an object that memory did not suffice for, is an error. */
pea_status cli_print_json(FILE *stream, cJSON *object, pea_error *err);

void cli_json_watch(void); /* at the start: no object that lacks something for want of memory is printed */

/* Numbers as JSON; NaN and infinity become null. */
void cli_json_number(cJSON *object, const char *key, double value);
void cli_json_text(cJSON *object, const char *key, const char *value);
void cli_json_list(cJSON *object, const char *key, const double *values, size_t n);

/* ---- one run: context, progress, clock, signals (session.c) ---- */

/* Options that the working subcommands share; the macro is their part of an option table. */
typedef struct cli_wishes {
    int64_t threads;
    uint64_t memory;
    int quiet, timings;
} cli_wishes;

#define CLI_WISH_OPTIONS(wishes)                                                                                      \
    {.name = "threads", .kind = CLI_INT, .target = &(wishes).threads, .value = "N", .low = 1, .high = PEA_MAX_THREADS, \
     .fallback = "all that the machine lends", .help = "Threads to use. The result does not depend on it."},          \
    {.name = "memory", .kind = CLI_SIZE, .target = &(wishes).memory, .value = "SIZE",                                 \
     .fallback = "what is free when the work begins",                                                                 \
     .help = "Refuse work that is forecast to need more than SIZE bytes (suffix K, M, G or T); 0 lifts the limit."},  \
    {.name = "quiet", .letter = 'q', .kind = CLI_FLAG, .target = &(wishes).quiet,                                     \
     .help = "No progress and no messages but errors."},                                                              \
    {.name = "timings", .kind = CLI_FLAG, .target = &(wishes).timings,                                                \
     .help = "Print one JSON object as the last line of stderr: seconds of each stage, peak memory in bytes."}

#define CLI_WISHES_DEFAULT ((cli_wishes){.memory = UINT64_MAX})

#define CLI_MAX_STAGES 16

typedef struct cli_progress {
    bool enabled, on_terminal, shown;
    char item[160];              /* what is being worked on: "a.tif (3/12)" */
    size_t items_done, n_items;
    double started, last_shown;  /* seconds of the monotonic clock */
    double items_started;
    const char *stage;
    double stage_started, work_started; /* the item's first stage that has a share */
    double part_from, part_to;   /* of the item, such as one of its frames */
    const struct cli_share *shares; /* NULL: the command has one stage worth telling */
    double reached[CLI_MAX_STAGES]; /* of each share's stage, for this item */
} cli_progress;

typedef struct cli_session {
    const char *command;
    cli_wishes wishes;
    pea_context *context;
    uint64_t memory; /* bytes that all of the work may take; 0: no limit */
    cli_progress progress;
    double read; /* seconds of files that are read without the context */
} cli_session;

pea_status cli_session_open(cli_session *session, const char *command, const cli_wishes *wishes, pea_error *err);
void cli_session_close(cli_session *session);
void cli_session_item(cli_session *session, const char *item, size_t index, size_t n_items);
/* Progress from now on is that of one part of the item: part `index` of n. */
void cli_session_part(cli_session *session, int64_t index, int64_t n);
void cli_session_clear(cli_session *session); /* take the progress bar off the terminal: something else is printed */
/* --timings: the last line of stderr. */
pea_status cli_session_timings(const cli_session *session, pea_error *err);
double cli_seconds(void); /* monotonic clock */

/* Ctrl-C and SIGTERM ask to stop; SIGPIPE and SIGXFSZ become errors of the write that caused them. */
void cli_signals_install(void);
bool cli_cancelled(void);
pea_status cli_check_cancelled(pea_error *err);
/* Between these two nothing half written can exist, and a signal ends the process at once: for reading files. */
void cli_interruptible(bool on);

/* ---- files and folders (files.c) ---- */

typedef struct cli_paths {
    size_t n, capacity;
    char **item; /* owned; free with cli_paths_free() */
} cli_paths;

pea_status cli_paths_add(cli_paths *paths, const char *path, pea_error *err);
void cli_paths_free(cli_paths *paths);
bool cli_is_folder(const char *path);
bool cli_is_file(const char *path);
bool cli_is_there(const char *path); /* whatever it is */
bool cli_same_file(const char *a, const char *b); /* the same existing file, or the same text */
/* All .tif .tiff .png files inside, sorted by name, not recursive; PEA_E_ARG where there is none. */
pea_status cli_list_images(const char *folder, cli_paths *paths, pea_error *err);
/* Make a folder and those above it; fine when it is there. Those that were missing are added to `made`. */
pea_status cli_make_folder(const char *path, cli_paths *made, pea_error *err);
void cli_remove_empty(const cli_paths *made); /* those of them in which nothing is */
/* The folder in which `path` would be made is there and can be written to. */
pea_status cli_check_writable(const char *path, pea_error *err);
const char *cli_base_name(const char *path);                /* after the last slash */
void cli_stem(const char *path, char stem[CLI_MAX_PATH]);   /* base name without its last extension */
pea_status cli_join(const char *folder, const char *name, const char *extension, char path[CLI_MAX_PATH],
                    pea_error *err);
/* For reading; refuses what is no regular file, and never waits for one as a pipe would make us. */
pea_status cli_open(const char *path, FILE **file, pea_error *err);
/* Numbers of the folder, a slash, the last name: the same for every spelling of a file that need not be there. */
pea_status cli_identity(const char *path, char identity[CLI_MAX_PATH], pea_error *err);
/* A whole small text file, NUL-terminated; free(). */
pea_status cli_read_text(const char *path, size_t limit_bytes, char **text, size_t *n_bytes, pea_error *err);

/* Lower-case hexadecimal digits (sha256.c). */
pea_status cli_sha256(const char *path, char hex[65], pea_error *err);

/* ---- models (models.c) ---- */

/* The file that `-m name` means: a path, or NAME of PEA_MODELS, share/pea/models or the source tree. */
pea_status cli_find_model(const char *name, char path[CLI_MAX_PATH], pea_error *err);
void cli_set_program(const char *argv0);

/* ---- images and tensors (data.c) ---- */

/* The session is told of progress; NULL: nobody is. */

/* Label image: one frame, or all frames one after another along z. */
pea_status cli_read_labels(const char *path, cli_session *session, pea_volume *labels, int64_t *n_frames,
                           pea_error *err);
/* Mask of any numeric type, not 0 in any channel means inside: uint8 (z,y,x,1). PEA_E_FORMAT for NaN; PEA_E_SHAPE,
 * before anything is read, where its part has not the z,y,x of the image's. n_slices 0: to the end. */
pea_status cli_read_mask(const char *path, pea_image_part part, pea_dims image, cli_session *session, pea_volume *mask,
                         pea_error *err);

/* A batch of tensors from (n,c,[z,]y,x), channels last. */
typedef struct cli_tensor {
    bool has_batch; /* the file had the leading axis */
    int64_t n;
    pea_dims dims; /* of one item */
    float *data;   /* owned: n items (z,y,x,c) one after another */
} cli_tensor;

/* n_axes: 2 or 3 spatial axes. With batch_optional (c,[z,]y,x) is read as well. */
pea_status cli_tensor_read(const char *path, int n_axes, bool batch_optional, cli_tensor *tensor, pea_error *err);
pea_status cli_tensor_alloc(cli_tensor *tensor, pea_error *err); /* has_batch, n and dims are set */
pea_status cli_tensor_write(const char *path, int n_axes, const cli_tensor *tensor, pea_context *context,
                            pea_error *err);
pea_array cli_tensor_item(const cli_tensor *tensor, int64_t index); /* a view */
void cli_tensor_free(cli_tensor *tensor);

/* ---- the library's settings as options (settings.c) ---- */

#define CLI_MAX_SETTINGS 32

typedef struct cli_settings {
    const char *value[CLI_MAX_SETTINGS]; /* of pea_settings_item(i), as given; NULL where not */
} cli_settings;

/* Append the options of these keys ("shifts neighbours"; NULL: all), CLI_MAX_SETTINGS at most; returns how many. */
size_t cli_settings_options(cli_settings *settings, const char *keys, const char *fallback, cli_option *options);
const char *cli_settings_value(const cli_settings *settings, const char *key); /* NULL: not given */
/* Replace settings by what was given. PEA_E_ARG names the option; damage of the file of --offsets names the file. */
pea_status cli_settings_apply(const cli_settings *settings, pea_segment_options *options, pea_error *err);
/* The same for commands without a model: upon settings that change nothing, of as many axes as the offsets given.
 * offsets.n stays 0 when neither shifts nor offsets were. */
pea_status cli_settings_alone(const cli_settings *settings, pea_segment_options *options, pea_error *err);

#endif
