/* file.c - reading at chosen places, and writing so that nobody ever sees half a file.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

pea__reader pea__reader_memory(const void *bytes, size_t n_bytes)
{
    return (pea__reader){.fd = -1, .memory = bytes, .size_bytes = (int64_t)n_bytes};
}

pea_status pea__reader_open(const char *path, pea__reader *reader, pea_error *err)
{
    *reader = (pea__reader){.fd = -1};
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait */
    if (reader->fd < 0)
        return pea__fail(err, PEA_E_IO, "cannot open %s: %s", path, strerror(errno));
    struct stat about;
    if (fstat(reader->fd, &about) != 0) {
        const int cause = errno;
        pea__reader_close(reader);
        return pea__fail(err, PEA_E_IO, "cannot look at %s: %s", path, strerror(cause));
    }
    if (!S_ISREG(about.st_mode)) {
        const char *kind = S_ISDIR(about.st_mode) ? "a folder" : "not a regular file";
        pea__reader_close(reader);
        return pea__fail(err, PEA_E_IO, "cannot read %s: it is %s", path, kind);
    }
    reader->size_bytes = about.st_size;
    return PEA_OK;
}

pea_status pea__reader_at(const pea__reader *reader, int64_t offset, void *buffer, size_t n_bytes, pea_error *err)
{
    if (offset < 0 || (uint64_t)n_bytes > INT64_MAX || offset > INT64_MAX - (int64_t)n_bytes)
        return pea__fail(err, PEA_E_FORMAT, "the file points to byte %lld, outside itself", (long long)offset);
    const bool in_memory = reader->fd < 0;
    if (in_memory && offset + (int64_t)n_bytes > reader->size_bytes)
        return pea__fail(err, PEA_E_FORMAT, "the file ends early: %zu bytes expected at byte %lld of %lld", n_bytes,
                         (long long)offset, (long long)reader->size_bytes);
    if (in_memory) {
        if (n_bytes > 0) /* memory may be NULL when there is none */
            memcpy(buffer, reader->memory + offset, n_bytes);
        return PEA_OK;
    }
    char *to = buffer;
    while (n_bytes > 0) {
        const ssize_t got = pread(reader->fd, to, n_bytes, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pea__fail(err, PEA_E_IO, "reading failed at byte %lld: %s", (long long)offset, strerror(errno));
        if (got == 0)
            return pea__fail(err, PEA_E_FORMAT, "the file ends early: %zu more bytes expected at byte %lld", n_bytes,
                             (long long)offset);
        to += got;
        offset += got;
        n_bytes -= (size_t)got;
    }
    return PEA_OK;
}

void pea__reader_close(pea__reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
}

/* A name that nobody else uses, in the target's folder: rename works only inside one file system. It does not contain the
 * target's own name, which may be as long as names can be. */
static int open_temporary(char *name, size_t folder_length, size_t capacity)
{
    static atomic_uint counter;
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(name + folder_length, capacity - folder_length, ".pea-tmp-%ld-%u", (long)getpid(),
                 atomic_fetch_add(&counter, 1));
        const int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

pea_status pea__writer_open(const char *path, pea__writer *writer, pea_error *err)
{
    enum { ENDING = 48 };
    const size_t length = strlen(path);
    const char *slash = strrchr(path, '/');
    const size_t folder_length = slash ? (size_t)(slash - path) + 1 : 0;
    *writer = (pea__writer){.fd = -1};
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
        return pea__fail(err, PEA_E_IO, "cannot write %s: it is there already and no regular file", path);
    writer->path = pea__copy_text(path, length, err);
    writer->temporary = pea__alloc(folder_length + ENDING, 1, err);
    if (!writer->path || !writer->temporary) {
        if (writer->temporary)
            writer->temporary[0] = '\0';
        pea__writer_discard(writer);
        return PEA_E_NOMEM;
    }
    memcpy(writer->temporary, path, folder_length);
    writer->fd = open_temporary(writer->temporary, folder_length, folder_length + ENDING);
    if (writer->fd >= 0)
        writer->stream = fdopen(writer->fd, "w+b");
    if (!writer->stream) {
        const int cause = errno;
        if (writer->fd < 0)
            writer->temporary[0] = '\0'; /* there is nothing to remove */
        pea__writer_discard(writer);
        return pea__fail(err, cause == ENOMEM ? PEA_E_NOMEM : PEA_E_IO, "cannot write %s: %s", path,
                         strerror(cause));
    }
    return PEA_OK;
}

/* The rename itself must survive a power cut. A file system that cannot sync a folder is no reason to fail. */
static void sync_folder_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    const int fd = open(slash ? (slash == path ? "/" : path) : ".", O_RDONLY | O_CLOEXEC);
    if (slash)
        *slash = '/';
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

/* Some file systems cannot sync one file; that is no failure to write. */
static bool sync_file(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
}

void pea__writer_store(pea__writer *writer)
{
    if (fflush(writer->stream) == 0)
        (void)fsync(writer->fd); /* not fdatasync, which macOS lacks */
}

/* A write failed some time ago and its reason is forgotten: one more byte asks the system again. */
static void ask_why(int fd)
{
    errno = 0;
    if (lseek(fd, 0, SEEK_END) >= 0)
        (void)!write(fd, "", 1);
}

pea_status pea__writer_commit(pea__writer *writer, pea_error *err)
{
    errno = 0;
    const bool failed_before = ferror(writer->stream);
    bool good = !failed_before && fflush(writer->stream) == 0 && sync_file(writer->fd);
    if (failed_before)
        ask_why(writer->fd);
    int cause = errno;
    if (fclose(writer->stream) != 0 && good) {
        good = false;
        cause = errno;
    }
    writer->stream = NULL;
    writer->fd = -1;
    if (good && rename(writer->temporary, writer->path) != 0) {
        good = false;
        cause = errno;
    }
    pea_status status = PEA_OK;
    if (good) {
        writer->temporary[0] = '\0';
        sync_folder_of(writer->path);
    } else {
        status = pea__fail(err, PEA_E_IO, "cannot write %s: %s; nothing was left behind", writer->path,
                           cause ? strerror(cause) : "writing failed");
    }
    pea__writer_discard(writer);
    return status;
}

void pea__writer_discard(pea__writer *writer)
{
    if (writer->stream)
        fclose(writer->stream);
    else if (writer->path && writer->fd >= 0)
        close(writer->fd);
    if (writer->temporary && writer->temporary[0])
        unlink(writer->temporary);
    pea__free(writer->path);
    pea__free(writer->temporary);
    *writer = (pea__writer){.fd = -1};
}
