/* SPDX-License-Identifier: MIT
 *
 * Files of /proc. Their size is not known beforehand, and a read gives what fits whole records,
 * so that large buffers save system calls.
 */
#include "sockets/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES_BUFFER = 64 * 1024 };

static int open_retrying(int folder, const char *path, int flags)
{
    int fd;
    do {
        fd = openat(folder, path, flags | O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static ssize_t read_retrying(int fd, char *buffer, size_t size)
{
    ssize_t got;
    do {
        got = read(fd, buffer, size);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int ph__files_open_folder(int folder, const char *path)
{
    return open_retrying(folder, path, O_DIRECTORY);
}

int ph__files_read(int folder, const char *path, char *buffer, size_t size)
{
    int fd = open_retrying(folder, path, 0);
    if (fd < 0) {
        return fd;
    }
    size_t most = size - 1 < INT_MAX ? size - 1 : INT_MAX;
    size_t length = 0;
    ssize_t got = 1;
    while (got > 0 && length < most) {
        got = read_retrying(fd, buffer + length, most - length);
        length += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (got < 0) {
        return (int)got;
    }
    buffer[length] = '\0';
    return (int)length;
}

/* Lines of a file, as far as they have been read. */
struct lines {
    char *buffer; /* LINES_BUFFER bytes and one for a NUL */
    size_t used;
    bool skipping; /* inside a line too long for the buffer */
    ph__files_line line;
    void *user;
};

/* Hands on the complete lines in the buffer, all of it at the end of the file, and moves the
 * rest to the front. */
static int hand_on(struct lines *lines, bool at_end)
{
    size_t from = 0;
    int err = 0;
    while (err >= 0 && from < lines->used) {
        char *start = lines->buffer + from;
        char *end = memchr(start, '\n', lines->used - from);
        if (!end && !at_end) {
            break;
        }
        size_t size = end ? (size_t)(end - start) : lines->used - from;
        start[size] = '\0';
        if (!lines->skipping) {
            err = lines->line(lines->user, start, size);
        }
        lines->skipping = false;
        from += size + 1;
    }
    from = from < lines->used ? from : lines->used;
    lines->used -= from;
    memmove(lines->buffer, lines->buffer + from, lines->used);
    if (lines->used == LINES_BUFFER) {
        lines->skipping = true;
        lines->used = 0;
    }
    return err;
}

int ph__files_lines(int folder, const char *path, ph__files_line line, void *user)
{
    struct lines lines = {.line = line, .user = user};
    int err = 0;
    int fd = open_retrying(folder, path, 0);
    if (fd < 0) {
        return fd;
    }
    lines.buffer = malloc(LINES_BUFFER + 1);
    if (!lines.buffer) {
        err = -ENOMEM;
        goto cleanup;
    }
    ssize_t got;
    do {
        got = read_retrying(fd, lines.buffer + lines.used, LINES_BUFFER - lines.used);
        if (got < 0) {
            err = (int)got;
            break;
        }
        lines.used += (size_t)got;
        err = hand_on(&lines, got == 0);
    } while (got > 0 && err >= 0);
cleanup:
    free(lines.buffer);
    close(fd);
    return err < 0 ? err : 0;
}
