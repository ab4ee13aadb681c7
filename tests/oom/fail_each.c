/* fail_each.c - runs a command again and again, each time with another allocation failing, until none is left to fail.
 *
 *   fail_each SHIM STEP FOLDER COMMAND...
 *
 * FOLDER is empty and is where the command writes. STEP 1 tries every allocation, 7 every seventh. Whatever fails, the
 * command must end by itself: with status 0 and exactly the output of an undisturbed run, or with status 1, one line on
 * stderr that speaks of memory, and in FOLDER nothing but whole files as an undisturbed run writes them.
 * SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIME_LIMIT_S = 20, MAX_FAILURES_SHOWN = 20, MAX_ERROR_BYTES = 8192, MAX_FILES = 16 };

typedef struct outcome {
    int status;          /* of waitpid */
    int fired;           /* an allocation was made to fail */
    uint64_t printed;    /* hash of stdout */
    uint64_t files[MAX_FILES]; /* of each file's name and content */
    int n_files;
    char error[MAX_ERROR_BYTES];
} outcome;

static const uint64_t HASH_START = 14695981039346656037u; /* FNV-1a */

static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 1099511628211u;
    return h;
}

static uint64_t hash_file(uint64_t h, int fd)
{
    char buffer[65536];
    ssize_t n;
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        h = hash(h, buffer, (size_t)n);
    return h;
}

/* Hashes and removes every file of the folder. */
static int take_folder(const char *folder, uint64_t files[MAX_FILES])
{
    int n = 0;
    DIR *listing = opendir(folder);
    if (!listing) {
        perror(folder);
        exit(2);
    }
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        const int fd = open(path, O_RDONLY);
        if (n < MAX_FILES)
            files[n++] = hash_file(hash(HASH_START, entry->d_name, strlen(entry->d_name)), fd);
        close(fd);
        unlink(path);
    }
    closedir(listing);
    return n;
}

static void be_the_command(char **command, const char *shim, long at, int for_ever, int out, int error, int fired)
{
    char number[32];
    if (at > 0) {
        setenv("LD_PRELOAD", shim, 1);
        snprintf(number, sizeof number, "%ld", at);
        setenv("PEA_OOM_AT", number, 1);
        setenv("PEA_OOM_EVER", for_ever ? "1" : "0", 1);
        snprintf(number, sizeof number, "%d", fired);
        setenv("PEA_OOM_FIRED", number, 1);
    }
    dup2(out, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    alarm(TIME_LIMIT_S); /* survives exec: a hang becomes a signal */
    execvp(command[0], command);
    _exit(127);
}

static outcome run(char **command, const char *shim, const char *folder, long at, int for_ever)
{
    outcome o = {0};
    const int out = memfd_create("out", MFD_CLOEXEC), error = memfd_create("error", MFD_CLOEXEC);
    const int fired = memfd_create("fired", 0);
    const pid_t child = fork();
    if (child == 0)
        be_the_command(command, shim, at, for_ever, out, error, fired);
    waitpid(child, &o.status, 0);
    struct stat about;
    o.fired = fstat(fired, &about) == 0 && about.st_size > 0;
    o.printed = hash_file(HASH_START, out);
    o.n_files = take_folder(folder, o.files);
    lseek(error, 0, SEEK_SET);
    const ssize_t n = read(error, o.error, sizeof o.error - 1);
    o.error[n > 0 ? n : 0] = '\0';
    close(out);
    close(error);
    close(fired);
    return o;
}

static int is_one_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end && end > text && end[1] == '\0';
}

/* Every file that is there is one that an undisturbed run writes, byte for byte. */
static int only_whole_files(const outcome *o, const outcome *undisturbed)
{
    for (int i = 0; i < o->n_files; i++) {
        int known = 0;
        for (int j = 0; j < undisturbed->n_files; j++)
            known |= o->files[i] == undisturbed->files[j];
        if (!known)
            return 0;
    }
    return 1;
}

/* What is wrong with how a disturbed run ended; NULL: nothing. */
static const char *judge(const outcome *o, const outcome *undisturbed)
{
    if (WIFSIGNALED(o->status))
        return WTERMSIG(o->status) == SIGALRM ? "hangs" : "dies of a signal";
    if (!only_whole_files(o, undisturbed))
        return "leaves something half-written";
    if (WEXITSTATUS(o->status) == 0)
        return o->printed == undisturbed->printed && o->n_files == undisturbed->n_files ? NULL
                                                                                         : "claims success with another output";
    if (WEXITSTATUS(o->status) != 1)
        return "exit status is neither 0 nor 1";
    if (!is_one_line(o->error))
        return "error is not one line";
    return strstr(o->error, "memory") ? NULL : "error says nothing of memory";
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "fail_each SHIM STEP FOLDER COMMAND...\n");
        return 2;
    }
    const char *shim = argv[1], *folder = argv[3];
    const long step = atol(argv[2]) > 0 ? atol(argv[2]) : 1;
    char **command = argv + 4;
    const outcome undisturbed = run(command, shim, folder, 0, 0);
    if (undisturbed.status != 0) {
        fprintf(stderr, "the undisturbed run fails: %s\n", undisturbed.error);
        return 1;
    }
    int n_bad = 0;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        long n_runs = 0, n_refused = 0, at = 1;
        for (;; at += step, n_runs++) {
            const outcome o = run(command, shim, folder, at, for_ever);
            const char *wrong = judge(&o, &undisturbed);
            if (wrong && n_bad++ < MAX_FAILURES_SHOWN)
                printf("allocation %ld %s: %s (status %x, %d files): %s%s", at, for_ever ? "and all later" : "alone", wrong,
                       (unsigned)o.status, o.n_files, o.error, *o.error ? "" : "\n");
            n_refused += o.status != 0;
            if (!o.fired)
                break;
        }
        printf("%s: %ld runs with a failure, %ld ended in an error, the rest as if nothing had happened\n",
               for_ever ? "for ever" : "once", n_runs, n_refused);
    }
    printf("%d wrong\n", n_bad);
    return n_bad ? 1 : 0;
}
